#!/usr/bin/perl
# What the house keeps for others (tokens of media servers, keys of TMDB and Overseerr, keys and
# secrets of webhooks, headers with credentials) while all of it is used, in good and bad weather:
# it is in no log, in no response after the one that tells it, in no URL, in no dump of the database
# and not in Redis.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use MediaNest::HookReceiver qw(emit);
use MediaNest::Hooks;
use MediaNest::Overseerr;
use MediaNest::PlexServer;
use MediaNest::Test;
use MediaNest::Tmdb;
use Test::More;

my ($plex, $tmdb, $receiver, $overseerr) = map { "MediaNest::$_"->start }
    qw(PlexServer Tmdb HookReceiver Overseerr);
$plex->section('1', 'movie', 'Films');
$plex->add('1', { title => 'The Matrix', year => 1999, Guid => ['tmdb://603'] });
$tmdb->title(movie => 603, { title => 'The Matrix', release_date => '1999-03-30',
    overview => 'A hacker learns.', poster_path => '/matrix.jpg' });
# The key of version 3 travels in the query: what an error says of a URL must not have it.
my $mn = MediaNest::Test->stack(private => 1, set => { $tmdb->settings, 'log.level' => 'debug',
    'tmdb.api_key' => $tmdb->{old_key}, 'sync.minutes' => 0, 'worker.poll' => 200,
    'outbound.allow' => join ',', (map { $_->allow } $plex, $tmdb, $receiver),
    $overseerr->{url} =~ s{http://}{}r });
my $admin = $mn->admin;
my %secret = ('the token of Plex' => $plex->token, 'a wrong token' => 'plex-token-that-is-wrong',
    'the key of TMDB' => $tmdb->{old_key}, 'the key of Overseerr' => $overseerr->{key},
    'the value of a header' => 'hEaDeR-value-0815');

# All that is told, but for the responses that tell a secret once.
my @told;
{
    no warnings 'redefine';
    my $request = \&MediaNest::Test::request;
    *MediaNest::Test::request = sub {
        my ($self, $method, $url, @more) = @_;
        my $r = $request->(@_);
        push @told, join ' ', %{ $r->{headers} }, $r->{content}
            unless $url =~ m{/auth/} || $method eq 'POST'
            && $url =~ m{webhooks/(?:sources|endpoints|\w+/[\w-]+/rotate)$};
        return $r;
    };
}
sub ask {
    my ($status, @call) = @_;
    my $r = $admin->api(@call);
    is $r->{status}, $status, "$call[0] $call[1]" or diag $r->{content};
    return $r->{json};
}

# --- media servers and TMDB ---
my $servers = '/api/integrations/plex/servers';
ask(200, POST => "$servers/test", { url => $plex->url, token => $_ })
    for $plex->token, $secret{'a wrong token'};
my $server = ask(201, POST => $servers, { name => 'Attic', url => $plex->url,
    token => $plex->token });
my $sync = sub {
    ask(202, POST => '/api/integrations/plex/sync', {});
    wait_until(sub { $mn->psql("SELECT count(*) FROM jobs WHERE queue IN ('sync', 'enrich') "
        . "AND state = 'running' OR queue = 'sync' AND state = 'available'") == 0 }, 60, 'a sync');
};
$sync->();
$plex->fault($_ => {}), $sync->(), $plex->heal for qw(unauthorized html cut);
$tmdb->fault('movie/', { status => 500, times => 1 });
$tmdb->fault('search/', { status => 401 });
$plex->add('1', { title => 'Another', year => 2001, Guid => ['tmdb://604'] });
$sync->();
wait_until(sub { scalar $tmdb->requests }, 60, 'TMDB');
ok scalar(grep { $_->{where} ne 'header' } $tmdb->requests), 'TMDB has its old key in the address';
$tmdb->heal;
$tmdb->fault('movie/', { status => 404, type => 'text/html', body => '<html>', times => 1 });
$plex->add('1', { title => 'A third', year => 2002, Guid => ['tmdb://605'] });
$sync->();
wait_until(sub { grep { $_->{path} =~ /605/ } $tmdb->requests }, 60, 'the third');
ask(200, GET => $_) for $servers, "$servers/$server->{id}/libraries", '/api/media?scope=everyone',
    '/api/search?q=matrix', '/api/integrations/plex/syncs', '/api/admin/settings';
ask(200, POST => "$servers/$server->{id}/test", {});
is scalar(grep { ($_->{query} // '') =~ /\Q$secret{'the token of Plex'}\E/ }
    $plex->requests), 0, 'no URL at Plex has its token';

# --- Overseerr ---
my $requests = '/api/integrations/overseerr';
ask(200, POST => "$requests/test", { url => $overseerr->{url}, apiKey => $_ })
    for $overseerr->{key}, $secret{'a wrong token'};
ask(200, PUT => $requests, { url => $overseerr->{url}, apiKey => $overseerr->{key} });
for my $fault (undef, 'mute', 'html') {
    $overseerr->fault($fault => 1) if $fault;
    $admin->api(GET => "$requests$_") for '', '/search?q=matrix', '/requests', '/people';
    $admin->api(POST => "$requests/requests", { mediaType => 'movie', tmdbId => 603 });
}
$overseerr->heal;
ask(200, GET => $requests);

# --- webhooks that come in ---
my $in = MediaNest::Hooks->new($mn);
for my $kind (qw(plex overseerr generic)) {
    my $source = $in->source($kind);
    @secret{"the key for $kind", "the secret for $kind"} = @$source{qw(key secret)};
    my $path = "/api/webhooks/$kind";
    my $body = '{"event":"library.new","notification_type":"TEST_NOTIFICATION","type":"a"}';
    $in->send($_, $body) for "$path/$source->{key}", "$path?key=$source->{key}",
        "$path/$source->{key}x", "$path/$source->{key}/more";
    $in->send($path, $body, Authorization => $source->{key});
    $in->send("$path/$source->{id}", $body, signed($source->{secret}, $body));
    $in->send("$path/$source->{id}", $body, hub_signed($source->{secret}, $body));
    $in->send("$path/$source->{key}", 'no JSON', 'Content-Type' => 'multipart/form-data');
}
ask(200, GET => $_) for '/api/webhooks/sources', '/api/webhooks/events';

# --- webhooks that go out ---
my $out = $receiver->endpoint($admin, '/out', headers => { 'X-Key' => 'hEaDeR-value-0815' });
my $at = "/api/webhooks/endpoints/$out->{id}";
my $rotated = ask(200, POST => "$at/rotate");
@secret{'the secret of an endpoint', 'its new one'} = ($out->{secret}, $rotated->{secret});
for my $how (204, 500, 'cut', 'redirect') {
    $receiver->behave('/out', $how);
    ask(200, POST => "$at/test");
    emit($mn, $out, 1);
}
wait_until(sub { $mn->psql("SELECT count(*) FROM webhook_deliveries WHERE status = 'failed'") },
    30, 'a failure');
ask(200, GET => $_) for $at, "$at/deliveries", '/api/webhooks/endpoints';
ask(200, PATCH => $at, { enabled => JSON::PP::false });
ask(200, GET => $_) for '/api/admin/audit?limit=100', '/api/notifications', '/api/health';

# --- where they must not be ---
wait_until(sub { $mn->psql("SELECT count(*) FROM jobs WHERE state = 'running' "
    . "AND queue <> 'upkeep'") == 0 }, 60, 'nothing runs');
my %place = (
    'a dump of the database' =>
        MediaNest::Test::run_output('pg_dump', '-d', $mn->{status}{databaseUrl}),
    'the logs' => MediaNest::Test::run_output('sh', '-c', 'cat "$1"/log/*', 'sh', $mn->{var}),
    'the responses' => join("\n", @told),
    'Redis' => join("\n", map { my $key = $_;
        ($key, map { $mn->redis(@$_, $key) } ['GET'], ['HGETALL'], ['SMEMBERS']) }
        split /\n/, $mn->redis('KEYS', '*')),
);
# Each has what it should have, so that an empty one does not pass.
my %sign = ('a dump of the database' => qr/COPY public\.webhook_endpoints/,
    'the logs' => qr{/api/webhooks/\*\*\*}, 'the responses' => qr/"tokenSet":true/,
    'Redis' => qr/\bver\b/);
for my $where (sort keys %place) {
    like $place{$where}, $sign{$where}, $where;
    for my $what (sort keys %secret) {
        my $text = $secret{$what} =~ s/^wh\w{1,3}_//r;
        ok index($place{$where}, $text) < 0, "$what is not in $where"
            or diag $place{$where} =~ /^(.*\Q$text\E.*)$/m;
    }
}

done_testing;
