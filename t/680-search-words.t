#!/usr/bin/perl
# What people type finds what they mean, in the scripts and languages of the world: held queries
# with a known item each, and what the index does when the languages of the house change.
use strict;
use warnings;
use utf8;
use Encode qw(decode_utf8 encode_utf8);
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Search qw(quote url);
use MediaNest::Test;
use Test::More;
use Unicode::Normalize qw(NFC NFD);

use constant { AT => 10, SUCCESS => 0.95, SUCCESS_SCRIPT => 0.9, QUERIES => 300, SCRIPTS => 8,
	FILL => 1500, BATCH => 200 };

binmode $_, ':encoding(UTF-8)'
    for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $mn = MediaNest::Test->stack(private => 1);
my ($anna, $bert, $carl) = map { $mn->user(role => 'user') } 1 .. 3;
my (@scripts, @rows);

sub item {
	my (%i) = @_;
	my $id = sprintf '%08x-%04x-7%03x-8%03x-%012x', time - scalar @rows, rand 65536,
	    rand 4096, rand 4096, rand 2**40;
	my ($make, $model) = split m{/}, $i{camera} // '';
	my @metadata = (
		defined $model ? qq("camera":{"make":"$make","model":"$model"}) : (),
		defined $i{artist} ? qq("artist":"$i{artist}") : ());
	push @rows, '(' . join(', ', quote($id), quote($i{kind} // 'image'), quote($i{title}),
	    quote($i{original}), "'ready'", quote($i{visibility} // 'house'),
	    quote(($i{owner} // $anna)->{id}), $i{year} // 'NULL', quote($i{overview}),
	    'ARRAY[' . join(',', map { quote($_) } split /,/, $i{tags} // '') . ']::text[]',
	    quote($i{filename}), quote('{' . join(',', @metadata) . '}'), quote($i{taken}),
	    quote($i{taken}) . "::timestamp AT TIME ZONE 'UTC'",
	    "now() - interval '$i{age} minutes'", "'derived/x/y'") . ')';
	return $id;
}
sub load_rows {
	$mn->psql(encode_utf8('INSERT INTO media (id, kind, title, original_title, status,'
	    . ' visibility, owner_id, year, overview, tags, filename, metadata, taken_local,'
	    . ' taken_at, created_at, asset_prefix) VALUES ' . join ",\n", splice @rows, 0, BATCH))
	    while @rows;
	return;
}

sub search {
	my ($who, $q, %more) = @_;
	my $r = $who->api(GET => '/api/search?' . join '&', 'q=' . url($q),
	    map { "$_=" . url($more{$_}) } sort keys %more);
	is $r->{status}, 200, "answered: $q" or diag $r->{content};
	return $r->{json}{items};
}
sub titles { return [ sort map { $_->{title} } @{ search(@_) } ] }

# --- the catalogue: the items of the queries, others with the same words, and many more

open my $in, '<:encoding(UTF-8)', "$FindBin::Bin/data/search-words.txt" or die "data: $!";
while (my $line = <$in>) {
	chomp $line;
	next if $line =~ /^(?:#|$)/;
	if ($line =~ /^\[(\w+)\]$/) {
		push @scripts, { name => $1, items => [] };
	} elsif ($line =~ /^\? (.+)$/) {
		push @{ $scripts[-1]{items}[-1]{queries} }, $1;
	} else {
		my ($title, @fields) = split /\t/, $line;
		push @{ $scripts[-1]{items} }, { title => $title, queries => [],
		    map { split /=/, $_, 2 } @fields };
	}
}
close $in;

# Words of a title; of scripts without spaces, parts of it.
sub parts {
	my ($title) = @_;
	return map { /^[\x{20}-\x{dff}]*$/ ? $_ : /.{1,3}/g } split / /, $title;
}

srand 7;
for my $script (@scripts) {
	$_->{id} = item(%$_, age => 200_000 + rand 300_000) for @{ $script->{items} };
	my @parts = map { parts($_->{title}) } @{ $script->{items} };
	# Each part is in about five others.
	item(title => "$parts[rand @parts] $parts[rand @parts]", age => 1 + rand 400_000)
	    for 1 .. 2.5 * @parts;
}
item(title => "IMG $_", filename => sprintf('2012-05-%02d 1917.jpg', 1 + $_ % 28), year => 2012,
    taken => sprintf('2012-05-%02d 10:00:00', 1 + $_ % 28), age => $_,
    overview => 'It is the 300th of all of them, who are at the days of 911.')
    for 1 .. FILL;
load_rows();
$mn->psql('ANALYZE media');

# --- the queries

my ($n, $found) = (0, 0);
for my $script (@scripts) {
	my ($of, $hits) = (0, 0);
	for my $item (@{ $script->{items} }) {
		for my $q (map { ($_, NFD($_) ne NFC($_) ? NFD($_) : ()) } @{ $item->{queries} }) {
			my $r = $anna->api(GET => '/api/search?q=' . url($q));
			my @ids = map { $_->{id} } @{ $r->{json}{items} || [] };
			my ($place) = grep { $ids[$_] eq $item->{id} } 0 .. $#ids;
			$of++;
			$hits++, next if defined $place && $place < AT;
			diag "$script->{name}: '$q' for '$item->{title}': $r->{status}, ",
			    defined $place ? 'at ' . ($place + 1) : 'not found';
		}
	}
	cmp_ok $hits / $of, '>=', SUCCESS_SCRIPT,
	    sprintf '%s: %d of %d queries', $script->{name}, $hits, $of;
	$n += $of;
	$found += $hits;
}
cmp_ok scalar @scripts, '>=', SCRIPTS, scalar(@scripts) . ' scripts';
cmp_ok $n, '>=', QUERIES, "$n queries";
cmp_ok $found / $n, '>=', SUCCESS, sprintf 'success@%d: %.3f', AT, $found / $n;

done_testing;
