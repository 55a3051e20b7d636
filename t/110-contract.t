#!/usr/bin/perl
# The description of the API and the route tables name the same routes, with the same permission and rate class.
use strict;
use warnings;
use Test::More;
use JSON::PP;

my $top = $ENV{srcdir} // '.';
my $build = $ENV{MEDIANEST_DEV_BUILD} // 'build';
my $program = "$build/medianest-fcgi";
-x $program or plan skip_all => "$program is not built";

open(my $fh, '<:raw', "$top/web/openapi.json") or die "openapi.json: $!";
my $api = decode_json(do { local $/; <$fh> });
is($api->{openapi}, '3.1.0', 'OpenAPI 3.1');

my %described;
for my $path (keys %{ $api->{paths} }) {
    for my $method (keys %{ $api->{paths}{$path} }) {
        my $op = $api->{paths}{$path}{$method};
        next if $op->{'x-permission'} eq 'ticket'; # served by medianest-notifyd
        $described{ uc($method) . " $path" } = "$op->{'x-permission'} $op->{'x-rate-class'}";
        my %named = map { $_->{name} => 1 } grep { ($_->{in} // '') eq 'path' } @{ $op->{parameters} // [] };
        my @missing = grep { !$named{$_} } $path =~ /\{(\w+)\}/g;
        ok(!@missing, "$method $path describes its path parameters") or diag("@missing");
        ok($op->{operationId} && $op->{summary}, "$method $path has a name and a summary");
        ok((grep { /^[23]/ } keys %{ $op->{responses} }), "$method $path has an answer that is no error");
    }
}

my %served;
open(my $routes, '-|', $program, '--routes') or die "$program: $!";
while (<$routes>) {
    chomp;
    my ($pool, $method, $path, $permission, $class) = split /\t/;
    ok(!$served{"$method $path"}, "$method $path is served once");
    $served{"$method $path"} = "$permission $class";
}
close $routes or die "$program --routes failed";
ok(%served, 'there are routes');
is_deeply(\%served, \%described, 'the tables and the description agree')
    or diag(join "\n", map { "$_: table " . ($served{$_} // 'none') . ", description " . ($described{$_} // 'none') }
        grep { ($served{$_} // '') ne ($described{$_} // '') } sort { $a cmp $b } keys %{ { %served, %described } });

# Every reference leads somewhere.
my @refs = JSON::PP->new->encode($api) =~ m{"\$ref":"#/([^"]+)"}g;
my @dangling = grep {
    my $at = $api;
    for my $step (split m{/}) { $at = ref $at eq 'HASH' ? $at->{$step} : undef }
    !defined $at;
} @refs;
ok(@refs && !@dangling, 'references resolve') or diag("@dangling");
done_testing();
