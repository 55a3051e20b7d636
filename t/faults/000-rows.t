#!/usr/bin/perl
# Every row of what MediaNest does when something breaks is proved: t/faults/rows.txt names its
# subtests, and no subtest of a row is missing there.
use strict;
use warnings;
use FindBin;
use Test::More;

my $root = "$FindBin::Bin/../..";
my ($file, %row, %named) = ("$FindBin::Bin/rows.txt");
open my $in, '<', $file or die "$file: $!";
while (my $line = <$in>) {
	chomp $line;
	if ($line =~ /^# (\S.*?)   +\S/) {
		$row{$1} = 0;
	} elsif ($line =~ /^[^#]/) {
		my ($row, $test, $title) = split / *\| */, $line;
		ok exists $row{$row}, "$row: a row" or diag $line;
		$row{$row}++;
		$named{"$test $row: $title"} = 1;
	}
}
cmp_ok scalar keys %row, '>=', 9, 'rows';
ok $row{$_}, "$_: has a test" for sort keys %row;

my %there;
my $rows = join '|', map { quotemeta } keys %row;
for my $test (glob "$root/t/*.t $root/t/faults/*.t") {
	my $name = $test =~ s{^\Q$root\E/}{}r;
	open my $source, '<', $test or die "$test: $!";
	my $text = do { local $/; <$source> };
	$there{"$name $1$2"} = 1
	    while $text =~ /^\s*subtest ['"]((?:$rows): )(.*?)['"] =>/mg;
}
is_deeply [ sort keys %named ], [ sort keys %there ],
    'the table names each subtest of a row, and no other';
done_testing;
