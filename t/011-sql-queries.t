#!/usr/bin/perl
# build-aux/sql-queries: fragments become the statement that they say, and mistakes stop the build.
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);

my $top = $ENV{srcdir} // '.';
my $dir = tempdir(CLEANUP => 1);

sub put {
    my ($name, $text) = @_;
    open(my $fh, '>', "$dir/$name") or die $!;
    print $fh $text;
    close $fh or die $!;
}

# Standard output and error of the generator, and its exit status.
sub made {
    my ($text) = @_;
    put('things.sql', $text);
    my $out = `"$^X" "$top/build-aux/sql-queries" "$dir/things.sql" "$dir/shared.sql" 2>&1`;
    return ($out, $? >> 8);
}

# The SQL of the statement alone: its literals put together again.
sub sql_of {
    my ($out, $status) = made(@_);
    is $status, 0, 'made' or diag $out;
    my ($row) = $out =~ /\[Q_ONE\] = \{ "one",\n(.*?),\n\t    [A-Z0-9]/s;
    return join '', map { s/\\(.)/$1/gr } ($row // '') =~ /"((?:[^"\\]|\\.)*)"/g;
}

put('shared.sql', "--: define ready(what)\n(\@what = 'ready' OR \@what IS NULL)\n");

is sql_of("-- why\n--: query one\nSELECT 1\n\t-- not this\n\tFROM t\n"), 'SELECT 1 FROM t',
    'white space and comments';
is sql_of("--: query one\nSELECT * FROM t WHERE \@ready(t.status)\n"),
    q{SELECT * FROM t WHERE (t.status = 'ready' OR t.status IS NULL)}, 'a shared fragment';
is sql_of("--: define two(a, b)\n\@a + \@b\n--: query one\nSELECT \@two(f(1, 2), ', )')\n"),
    q{SELECT f(1, 2) + ', )'}, 'arguments with commas inside';
is sql_of("--: define in(a)\n<\@a>\n--: define out(a, b)\n\@in(\@b \@a)\n--: query one\n\@out(x, "
    . "\@in(y))\n"),
    '<<y> x>', 'fragments within fragments';
is sql_of("--: define none\n--: define list(a)\nk\@a\n--: query one\n\@list( \@none )\n"), 'k',
    'an empty fragment';
is sql_of("--: query one\nSELECT a \@> b, c @@ d, '\"\\'\n"), q{SELECT a @> b, c @@ d, '"\\'},
    'operators, quotes and backslashes stay';

my ($out) = made(
    "--: define most\n12\n--: query one read one-plan\nSELECT \@most\n--: query other\nSELECT 2\n");
like $out, qr/^enum \{ SQL_MOST = 12 \};$/m, 'a number is for C too';
like $out, qr/Q_ONE,\n\tQ_OTHER,/, 'an index of the statements in their order';
like $out, qr/"SELECT 12",\n\t    QUERY_READ \| QUERY_ONE_PLAN \},/, 'flags';
like $out, qr/"SELECT 2",\n\t    0 \},/, 'and none';
like $out, qr/^const struct query store_things_queries\[\]/m, 'the table is named after the file';

for (
    [ 'unknown fragment', "--: query one\n\@nothing\n", 'no fragment @nothing' ],
    [ 'too few arguments', "--: define two(a, b)\n\@a\n--: query one\n\@two(x)\n",
        'takes 2 arguments, not 1' ],
    [ 'no arguments', "--: query one\n\@ready\n", 'takes arguments' ],
    [ 'an open parenthesis', "--: query one\n\@ready(f(x)\n", 'not closed' ],
    [ 'a circle', "--: define a\n\@b\n--: define b\n\@a\n--: query one\n\@a\n", 'circle' ],
    [ 'the same name twice', "--: define ready(x)\n\@x\n--: query one\nSELECT 1\n",
        'defined twice' ],
    [ 'an unknown flag', "--: query one quickly\nSELECT 1\n", q{no flag 'quickly'} ],
    [ 'an unknown part', "--: question one\nSELECT 1\n", 'neither' ],
    [ 'text without a part', "SELECT 1\n", 'before the first part' ],
    [ 'no statement', "--: define a\n1\n", 'no query' ],
) {
    my ($what, $text, $message) = @$_;
    my ($said, $status) = made($text);
    ok $status != 0 && $said =~ /\Q$message\E/, "refused: $what" or diag $said;
}

done_testing;
