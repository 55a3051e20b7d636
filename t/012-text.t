#!/usr/bin/perl
# House rules for what is not C: the modules of the page import each other in no circle, lines stay
# within 100 columns, and documents say nothing twice.
use strict;
use warnings;
use Test::More;
use File::Basename qw(dirname);
use File::Find;

use constant { COLUMNS_MAX => 100, TAB => 8 };

my $top = $ENV{srcdir} // '.';
chdir $top or die "$top: $!";

sub text_of {
    my ($file) = @_;
    open(my $fh, '<:encoding(UTF-8)', $file) or die "$file: $!";
    local $/;
    return scalar <$fh>;
}

sub check {
    my ($what, @complaints) = @_;
    ok(!@complaints, $what) or diag(join("\n", @complaints));
}

# Files below a directory whose names match.
sub files_of {
    my ($dir, $pattern) = @_;
    my @found;
    find({ wanted => sub { push @found, $_ if -f && $_ =~ $pattern }, no_chdir => 1 }, $dir);
    return sort @found;
}

# 'web/ui' and '../lib/dom.js' -> 'web/lib/dom.js'
sub resolved {
    my ($dir, $path) = @_;
    my @parts;
    for my $part (split m{/}, "$dir/$path") {
        if ($part eq '..') { pop @parts }
        elsif ($part ne '.') { push @parts, $part }
    }
    return join '/', @parts;
}

# What a module imports, import() included.
sub imports_of {
    my ($file) = @_;
    my $code = text_of($file) =~ s{/\*.*?\*/}{}gsr;
    return map { resolved(dirname($file), $_) }
        $code =~ /(?:\bfrom\s*|\bimport\s*\(?\s*)["'](\.[^"']+)["']/g;
}

# The circles of a graph, each as the path around it.
sub circles_of {
    my ($graph) = @_;
    my (%done, @circles);
    my $walk;
    $walk = sub {
        my ($node, @path) = @_;
        for my $i (0 .. $#path) {
            next if $path[$i] ne $node;
            push @circles, join(' -> ', @path[ $i .. $#path ], $node);
            return;
        }
        return if $done{$node};
        $walk->($_, @path, $node) for @{ $graph->{$node} // [] };
        $done{$node} = 1;
    };
    $walk->($_) for sort keys %$graph;
    return @circles;
}

is_deeply([ circles_of({ a => ['b'], b => ['c'], c => [ 'b', 'd' ], d => [] }) ],
    ['b -> c -> b'], 'a circle is found');

my %graph = map { $_ => [ imports_of($_) ] } files_of('web', qr/\.js$/);
my @edges = map { @$_ } values %graph;
cmp_ok(scalar @edges, '>', keys %graph, 'there are imports to follow: ' . @edges);
check('every import names a module', grep { !$graph{$_} } @edges);
check('no circle of modules', circles_of(\%graph));

# --- lines ---
sub columns {
    my ($line) = @_;
    my $column = 0;
    $column = $_ eq "\t" ? $column + TAB - $column % TAB : $column + 1 for split //, $line;
    return $column;
}

is(columns("ab\tc\t"), 16, 'tabs count up to the next eighth column');

my @files = (files_of('web', qr/\.(?:js|css|html|webmanifest)$/), files_of('t/lib', qr/\.pm$/),
    glob('t/*.t t/faults/* t/bench/*'), files_of('src', qr/\.(?:def|lua|sql)$/),
    grep { -e } 'dev', 'configure.ac', 'Makefile.am', glob('build-aux/dev/*'),
    'build-aux/outlines', 'build-aux/sql-queries', 'build-aux/statement-owners',
    glob('*/local.mk src/*/local.mk'));
@files = grep { !/\.[ch]$/ } @files; # clang-format looks after C
cmp_ok(scalar @files, '>', 90, 'there are files to measure: ' . @files);
my @long;
for my $file (@files) {
    my $n = 0;
    for my $line (split /\n/, text_of($file)) {
        $n++;
        push @long, "$file:$n" if columns($line) > COLUMNS_MAX;
    }
}
check('no line is longer than ' . COLUMNS_MAX . ' columns', @long);

# --- documents: what a merge has left twice ---
my (@wide, @twice);
for my $file (grep { -e } qw(HACKING.md NEWS.md README.md)) {
    my ($n, %seen) = (0);
    for my $line (split /\n/, text_of($file)) {
        $n++;
        push @wide, "$file:$n" if columns($line) > COLUMNS_MAX && $line !~ /^\|/;
        next unless $line =~ /^- (.{40})/;
        push @twice, "$file:$n: as line $seen{$1}" if $seen{$1};
        $seen{$1} //= $n;
    }
}
check('no line of a document is longer', @wide);
check('no item of a list of a document begins as another', @twice);

done_testing();
