#!/usr/bin/perl
# Overseerr and Seerr as their own descriptions (OpenAPI) have them: npm's prism serves those, and
# refuses requests that do not fit.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/lib";
use HTTP::Tiny;
use JSON::PP;
use MediaNest::Test;
use POSIX ();
use Test::More;

use constant { PRISM => '@stoplight/prism-cli@5', API => '/api/integrations/overseerr' };
my $fixtures = $ENV{MEDIANEST_FIXTURES} // "$FindBin::Bin/../../shared/fixtures";
my @kinds = grep { -r "$fixtures/$_-api.yml" } qw(overseerr seerr);

once_is_enough();
plan skip_all => "no descriptions in $fixtures (MEDIANEST_FIXTURES)" if @kinds != 2;
plan skip_all => 'npm is not there' if system('command -v npm >/dev/null 2>&1') != 0;

my $dir = tempdir('mn-prism-XXXXXX', TMPDIR => 1, CLEANUP => 1);
system("cd '$dir' && timeout 300 npm install --no-audit --no-fund --ignore-scripts "
    . PRISM . ' >npm.log 2>&1') == 0
    or plan skip_all => 'npm could not install prism';

my (%port, %pid);
for my $kind (@kinds) {
    # The examples of the descriptions are the answers; their user 1 is an admin here.
    open my $in, '<:raw', "$fixtures/$kind-api.yml" or die "$kind: $!";
    my $text = do { local $/; <$in> };
    $text =~ s/(\n {8}permissions:\n {10}type: number\n {10}example: )0/${1}2/
        or die "$kind: no permissions";
    $text =~ s/(\n {8}results:\n {10}type: number\n {10}example: )100/${1}1/
        or die "$kind: no pages";
    # prism does not serve the base path of `servers`.
    $text =~ s{^  (/\S*:)$}{  /api/v1$1}mg or die "$kind: no paths";
    open my $out, '>:raw', "$dir/$kind.yml" or die "$kind: $!";
    print $out $text;
    close $out;
    $port{$kind} = MediaNest::Test::free_port();
    $pid{$kind} = fork // die "fork: $!";
    if ($pid{$kind} == 0) {
        open STDOUT, '>', "$dir/$kind.log";
        open STDERR, '>&', \*STDOUT;
        exec "$dir/node_modules/.bin/prism", 'mock', '-h', '127.0.0.1', '-p', $port{$kind},
            "$dir/$kind.yml"
            or POSIX::_exit(127);
    }
}
END { local $?; kill 'TERM', $_ for grep { $_ } values %pid }

my $mn = MediaNest::Test->stack(set => {
    'outbound.allow' => join ',', map { "127.0.0.1:$_" } values %port });
my ($admin, $ada) = ($mn->admin, $mn->user);

sub said {
    my ($kind) = @_;
    open my $in, '<:encoding(UTF-8)', "$dir/$kind.log" or return '';
    local $/;
    return scalar <$in>;
}

for my $kind (@kinds) {
    my $url = "http://127.0.0.1:$port{$kind}";
    my $http = HTTP::Tiny->new(timeout => 10);
    my $up = sub { $http->get("$url/api/v1/status")->{status} == 200 };
    &wait_until($up, 60, "prism with $kind");
    my $set = $admin->api(PUT => API, { url => $url, apiKey => 'x' });
    is $set->{status}, 200, "$kind: set up" or diag $set->{content};
    my $test = $admin->api(POST => API . '/test', {});
    is $test->{json}{code}, 'ok', "$kind: the test" or diag $test->{content};
    my $state = sub { $admin->api(GET => API)->{json}{refreshedAt} };
    &wait_until($state, 60, 'the lists');
    is $admin->api(GET => API)->{json}{state}, 'ok', "$kind: the lists are read";
    is $ada->api(GET => API . '/search?q=a%20film')->{status}, 200, "$kind: search";
    is $admin->api(PUT => API . "/people/$ada->{id}", { overseerrId => 1 })->{status}, 200,
        "$kind: a user";
    for my $what ({ mediaType => 'movie', tmdbId => 603 },
        { mediaType => 'tv', tmdbId => 95396, seasons => [ 1, 2 ] },
        { mediaType => 'tv', tmdbId => 1399, is4k => JSON::PP::true }) {
        my $r = $ada->api(POST => API . '/requests', $what);
        is $r->{status}, 201, "$kind: a request for $what->{mediaType}" or diag $r->{content};
        my $at = API . "/requests/$r->{json}{id}";
        is $admin->api(POST => "$at/$_")->{status}, 200, "$kind: $_"
            for qw(approve decline retry);
        is $ada->api(DELETE => $at)->{status}, 204, "$kind: removed";
    }
    my $log = said($kind);
    my %asked = map { $_ => 1 } map { s{/api/v1}{}r } $log =~ /\[HTTP SERVER\] (\w+ \S+)/g;
    is_deeply [ grep { !$asked{$_} } 'get /status', 'get /auth/me', 'get /user', 'get /user/1',
        'get /request', 'get /search', 'get /movie/603', 'get /tv/95396', 'post /request',
        'post /request/123/approve', 'post /request/123/retry', 'delete /request/123' ], [],
        "$kind: all of it was asked";
    is_deeply [ $log =~ /^(.*error\s+Request .*)$/mg ], [],
        "$kind: and every request fits the description";
    is $http->post("$url/api/v1/request", { headers => { 'X-Api-Key' => 'x',
        'Content-Type' => 'application/json' }, content => '{"mediaType":"x"}' })->{status},
        422, "$kind: what does not fit would have been refused";
    is $admin->api(DELETE => API)->{status}, 204, "$kind: removed";
    $mn->psql('DELETE FROM requests; DELETE FROM overseerr_people');
}
done_testing;
