#!/usr/bin/perl
# The description of the API and the route tables name the same routes, with the same permission and
# rate class.
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
        my %named = map { $_->{name} => 1 }
            grep { ($_->{in} // '') eq 'path' } @{ $op->{parameters} // [] };
        my @missing = grep { !$named{$_} } $path =~ /\{(\w+)\}/g;
        ok(!@missing, "$method $path describes its path parameters") or diag("@missing");
        ok($op->{operationId} && $op->{summary}, "$method $path has a name and a summary");
        ok((grep { /^[23]/ } keys %{ $op->{responses} }),
            "$method $path has an answer that is no error");
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
{
    # Past its limit the metrics would count routes as "other".
    open(my $table, '<', "$top/src/core/metric_table.def") or die "metric_table.def: $!";
    my ($max) = join('', <$table>) =~ /^OPEN\(ROUTE, "route", (\d+)\)/m;
    my %path = map { (split / /)[1] => 1 } keys %served;
    cmp_ok(scalar(keys %path), '<=', $max, 'the metrics have room for every path');
}
is_deeply(\%served, \%described, 'the tables and the description agree')
    or diag(join "\n", map { "$_: table " . ($served{$_} // 'none') . ", description "
        . ($described{$_} // 'none') }
        grep { ($served{$_} // '') ne ($described{$_} // '') }
            sort { $a cmp $b } keys %{ { %served, %described } });

# Every code in the sources is described, except those that only jobs, tools and the object store
# use.
my %internal = map { $_ => 1 } qw(lease_lost stopped schema_old malformed_xml migrate_running
    mail_refused sandbox_failed internal),
    # of calls to other servers
    qw(refused_address upstream_protocol upstream_suspended upstream_tls upstream_too_long
        upstream_unreachable),
    # media.failure.code
    qw(empty protected resource_limit timeout too_many_pixels truncated unreadable unsupported_type
        not_processable);
my %code = map { $_ => 1 } @{ $api->{components}{schemas}{Problem}{properties}{code}{enum} };
my $sources = join '',
    map {
        open my $in, '<:raw', $_ or die "$_: $!";
        local $/;
        <$in>;
    } glob "$top/src/*/*.c $top/fcgi-handlers/*.c";
my @given = ($sources =~ /error_slug\([^;"]*"([a-z_0-9]+)"/g,
    $sources =~ /\[ERR_\w+\] = \{ [1-9]\d+, "([a-z_]+)"/g);
cmp_ok scalar(@given), '>', 60, 'there are codes to look at';
my @undescribed = grep { !$code{$_} && !$internal{$_} && $_ ne 'none' } @given;
is_deeply \@undescribed, [], 'every code is described';

# There is an example for every request and response body.
my @without;
for my $path (sort keys %{ $api->{paths} }) {
    for my $method (sort keys %{ $api->{paths}{$path} }) {
        my $op = $api->{paths}{$path}{$method};
        my @bodies = map { $_->{content}{'application/json'} // () } $op->{requestBody} // (),
            map { $op->{responses}{$_} } grep { /^2/ } keys %{ $op->{responses} };
        push @without, "$method $path"
            if grep { !exists $_->{example} && !exists $_->{examples} } @bodies;
    }
}
is_deeply \@without, [], 'every body has an example';

# Every reference leads somewhere.
my @refs = JSON::PP->new->encode($api) =~ m{"\$ref":"#/([^"]+)"}g;
my @dangling = grep {
    my $at = $api;
    for my $step (split m{/}) { $at = ref $at eq 'HASH' ? $at->{$step} : undef }
    !defined $at;
} @refs;
ok(@refs && !@dangling, 'references resolve') or diag("@dangling");
done_testing();
