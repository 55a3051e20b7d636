#!/usr/bin/perl
# Metrics: API, store, worker, notifyd and outbound calls count in one mapping; rolls, kills and
# restarts lose nothing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use MediaNest::Faults;
use MediaNest::Test;
use MediaNest::WebSocket;
use Test::More;

my $closed = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "listen: $!";
my $port = $closed->sockport;
close $closed; # nobody is there
my $mn = MediaNest::Test->stack(set => { 'plex.tv_url' => "http://127.0.0.1:$port",
    'outbound.allow' => "127.0.0.1:$port" });
my $build = $ENV{MEDIANEST_DEV_BUILD} // "$FindBin::Bin/../build";
my $user = $mn->user;

sub metrics {
    return map { /^(\S+) (\S+)$/ ? ($1 => $2) : () } split /\n/,
        MediaNest::Test::run_output("$build/t/tools/metric-read", "$mn->{var}/run");
}
sub metric { my ($name) = @_; my %all = metrics(); return $all{"medianest_$name"} // 0 }

subtest 'routes' => sub {
    my $me = 'http_requests_total{route="/api/users/me",method="GET",status="2xx"}';
    my $before = metric($me);
    is $user->api(GET => '/api/users/me')->{status}, 200, 'a request' for 1 .. 5;
    is metric($me) - $before, 5, 'is counted once';
    cmp_ok metric('http_request_duration_seconds_count{route="/api/users/me",method="GET"}'), '>=',
        5, 'and timed';
    cmp_ok metric('http_request_duration_seconds_p95{route="/api/users/me",method="GET"}'), '>', 0,
        'with a percentile for its route';
    cmp_ok metric('http_database_seconds_sum{route="/api/users/me",method="GET"}'), '>', 0,
        'and its time in PostgreSQL';
    is $mn->client->api(GET => '/api/users/me')->{status}, 401, 'a refusal';
    cmp_ok metric('http_requests_total{route="/api/users/me",method="GET",status="4xx"}'), '>=', 1,
        'is of another class';
    is $user->api(GET => "/api/nothing-$$")->{status}, 404, 'a path that is none';
    ok !(grep { /nothing/ } keys %{ { metrics() } }), 'names no series';
    wait_until(sub { metric('pool_requests_total{pool="users",status="2xx"}') >= 5 }, 30,
        'the pool counts too');
    is metric('database_errors_total'), 0, 'nothing went wrong';
};

subtest 'cache' => sub {
    is $user->api(GET => '/api/media')->{status}, 200, 'a list' for 1 .. 5;
    cmp_ok metric('http_cache_total{route="/api/media",result="miss"}'), '>=', 1, 'made';
    cmp_ok metric('http_cache_total{route="/api/media",result="hit"}'), '>=', 1, 'then kept';
};

subtest 'store and jobs' => sub {
    my $media = $user->wait_media($user->upload_bytes("a.png", png(40, 30), "image/png")->{id});
    is $media->{status}, 'ready', 'an upload';
    cmp_ok metric('pool_requests_total{pool="store",status="2xx"}'), '>=', 1,
        'a write of the object store';
    cmp_ok metric('pool_requests_total{pool="verify",status="2xx"}'), '>=', 1, 'judged before';
    wait_until(sub { metric('jobs_total{kind="media.process",outcome="done"}') >= 1 }, 30,
        'the job');
    cmp_ok metric('job_duration_seconds_sum{kind="media.process"}'), '>', 0, 'and its time';
};

subtest 'outbound calls' => sub {
    is $mn->client->api(POST => '/api/auth/plex/pin')->{status}, 503, 'plex.tv is away';
    cmp_ok metric('outbound_calls_total{service="plex.tv",outcome="unreachable"}'), '>=', 1,
        'which is counted';
};

subtest 'connections' => sub {
    my @open = map { MediaNest::WebSocket->open($user) } 1 .. 3;
    wait_until(sub { metric('live_connections{transport="websocket"}') == 3 }, 30,
        'three connections');
    is metric('live_connections_total{transport="websocket"}'), 3, 'accepted';
    $open[0]->close;
    wait_until(sub { metric('live_connections{transport="websocket"}') == 2 }, 30, 'one has ended');
    kill 'KILL', $mn->pid('notifyd');
    wait_until(sub { metric('live_connections{transport="websocket"}') == 0 }, 30,
        'a killed notifyd holds none');
    is metric('live_connections_total{transport="websocket"}'), 3, 'what was counted stays';
    wait_until(sub {
        my $again = eval { MediaNest::WebSocket->open($user) } or return 0;
        return 0 if $again->{status} != 101; # nginx finds nobody yet
        push @open, $again;
        1;
    },
        30, 'it runs again');
    wait_until(sub { metric('live_connections{transport="websocket"}') == 1 }, 30,
        'and begins at none');
    is metric('live_connections_total{transport="websocket"}'), 4, 'while the count goes on';
};

subtest 'rolls and restarts' => sub {
    my $me = 'http_requests_total{route="/api/users/me",method="GET",status="2xx"}';
    my $master = $mn->pid('users');
    my @workers = sort split ' ', MediaNest::Test::run_output('pgrep', '-P', $master);
    my $before = metric($me);
    kill 'HUP', $master;
    wait_until(sub {
        my %now = map { $_ => 1 } split ' ', MediaNest::Test::run_output('pgrep', '-P', $master);
        !grep { $now{$_} } @workers;
    },
        60, 'new workers');
    is $user->api(GET => '/api/users/me')->{status}, 200, 'answer';
    is metric($me), $before + 1, 'and go on counting';
    $mn->restart_part('users');
    wait_until(sub { $user->api(GET => '/api/users/me')->{status} == 200 }, 30, 'a new master');
    cmp_ok metric($me), '>=', $before + 2, 'too';
    wait_until(sub { metric('pool_busy_workers{pool="users"}') == 0 }, 30,
        'nobody is busy any more');
};

done_testing;
