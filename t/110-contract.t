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
    my ($pool, $method, $path, $permission, $class, $auth, $body) = split /\t/;
    ok(!$served{"$method $path"}, "$method $path is served once");
    ok($permission eq 'public' || $auth =~ /^(?:bearer|session|scraper)$/,
        "$method $path: '$auth' can have the permission $permission");
    my $op = $api->{paths}{$path}{ lc $method } || {};
    my @types = sort keys %{ ($op->{requestBody} || {})->{content} || {} };
    my %type = (none => qr/^$/, json => qr{^(?:application/json)?$},
        multipart => qr{^multipart/form-data$}, raw => qr/./);
    like("@types", $type{$body}, "$method $path: the body is $body there too");
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

# Slugs: one list (src/core/error_slugs.def), which says who sees each; nobody uses another.
my $inputs = decode_json(qx($program --inputs));
my %listed = map { $_ => 1 } map { @$_ } values %{ $inputs->{slugs} };
my %told = map { $_ => 1 } @{ $inputs->{slugs}{api} };
my $schemas = $api->{components}{schemas};
is_deeply [ sort @{ $schemas->{Problem}{properties}{code}{enum} } ], [ sort keys %told ],
    'the codes of problems are described, and no others';
is_deeply [ sort @{ $schemas->{Media}{properties}{failure}{properties}{code}{enum} } ],
    [ sort @{ $inputs->{slugs}{media} } ], 'so are those of failures';
is_deeply [ grep { !$told{$_} } @{ $inputs->{problems} } ], [],
    'the slugs of the error classes are among them';

sub text_of {
    my ($file) = @_;
    open my $in, '<:raw', $file or die "$file: $!";
    local $/;
    return scalar <$in>;
}
my %given;
for my $file (glob "$top/src/*/*.c $top/src/*/*/*.c $top/fcgi-handlers/*.c") {
    my $text = text_of($file);
    # Calls, functions that hand a slug on, and rows of tables that name one beside a code.
    $given{$_} //= $file for $text =~ /\b(?:error_slug|reject|attempt_failed)\((?:[^;"]*?)"(\w+)"/g,
        $text =~ /\bERR_\w+,\s*"(\w+)",\s*"/g, $text =~ /error_slug_of\([^;]*?"(\w+)"\)/g;
}
cmp_ok scalar(keys %given), '>', 100, 'there are slugs to look at';
is_deeply [ map { "$_ in $given{$_}" } grep { !$listed{$_} } sort keys %given ], [],
    'every slug of the sources is listed';
my %used = map { $_ => 1 } keys %given, @{ $inputs->{problems} };
my @nginx = text_of("$top/nginx/problems.conf.in") =~ /map \$status \$mn_problem_code \{(.*?)\}/s
    ? $1 =~ /^\s*\d+ (\w+);/mg : ();
push @nginx, map { text_of($_) =~ /"code":"(\w+)"/g } glob "$top/nginx/*.in";
cmp_ok scalar(@nginx), '>', 10, 'nginx has problems of its own';
is_deeply [ grep { !$told{$_} } @nginx ], [], "and their codes are listed";
$used{$_} = 1 for @nginx;
$used{$_} = 1 for text_of("$top/src/service/processing/process.c") =~ /fail_item\([^;]*?"(\w+)"/g;
is_deeply [ grep { !$used{$_} } sort keys %listed ], [], 'every slug that is listed is used';
# What the page says to itself stands in its own files alone.
my %own = map { $_ => 1 } qw(store_refused store_unreachable unreachable aborted);
my @page = map { text_of($_) =~
    /problem\.code [!=]== '(\w+)'/g } glob "$top/web/*.js $top/web/*/*.js";
cmp_ok scalar(@page), '>', 3, 'the page knows some codes';
is_deeply [ grep { !$told{$_} && !$own{$_} } @page ], [], 'and they are listed';

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
