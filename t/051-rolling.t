#!/usr/bin/perl
# A pool under load: rolling restarts lose nothing, kill -9 loses no GET, 64 clients on 4 workers
# meet no timeout.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use constant {
    POOL => 'auth', WORKERS => 4, CLIENTS => 8, MANY => 64, MANY_REQUESTS => 40,
    ROLLS => 4, KILLS => 50, KILL_EVERY => 0.1, ROLL_SECONDS => 30, SLOWEST => 5,
};

my $mn = MediaNest::Test->stack(set => { 'pool.auth.workers' => WORKERS });
my $user = $mn->user;
my $master = $mn->pid(POOL);

sub workers { return sort split ' ', MediaNest::Test::run_output('pgrep', '-P', $master) }

# Clients in processes of their own, each sending requests until it is told to stop, or so many.
# Returns a sub that stops them and returns their reports: [status or reason, seconds] of each
# request.
sub clients {
    my ($n, $request, $times) = @_;
    pipe(my $stop_read, my $stop_write) or die "pipe: $!";
    my @from;
    for my $i (1 .. $n) {
        my $pid = open(my $from, '-|') // die "fork: $!";
        if (!$pid) {
            my $bits = '';
            vec($bits, fileno $stop_read, 1) = 1;
            for (my $k = 0; $times ? $k < $times : !select(my $ready = $bits, undef, undef, 0);
                $k++) {
                my $start = time;
                my $answer = $request->($user);
                printf "%s %.3f\n",
                    $answer->{status} == 599
                        ? "599:" . substr($answer->{content} =~ s/\s+/_/gr, 0, 80)
                        : $answer->{status},
                    time - $start;
            }
            close STDOUT;
            POSIX::_exit(0);
        }
        push @from, $from;
    }
    return sub {
        syswrite $stop_write, 'x' unless $times; # nobody reads it, so all see it
        return map {
            my $from = $_;
            my @lines = <$from>;
            close $from;
            map { [ split ] } @lines;
        } @from;
    };
}

sub all_are {
    my ($status, $what, @reports) = @_;
    my @bad = grep { $_->[0] ne $status } @reports;
    ok(@reports && !@bad, "$what: " . @reports . ' requests, ' . @bad . ' bad')
        or diag(join ' ', map { $_->[0] } @bad[0 .. ($#bad < 9 ? $#bad : 9)]);
}

my $get = sub { $_[0]->api(GET => '/api/auth/session') };
# anything but a 400 was lost
my $post = sub { $_[0]->api(POST => '/api/auth/login', { email => '' }) };

is(scalar(my @before = workers()), WORKERS, 'four workers');

subtest 'rolling restart of any pool: nothing is lost' => sub {
    my $stop_gets = clients(CLIENTS / 2, $get);
    my $stop_posts = clients(CLIENTS / 2, $post);
    my @old = @before;
    for my $roll (1 .. ROLLS) {
        kill 'HUP', $master;
        my %old = map { ($_ => 1) } @old;
        ok(wait_until(sub { my @now = workers(); @now == WORKERS && !grep { $old{$_} } @now },
            ROLL_SECONDS, 'new workers'),
            "roll $roll: four new workers");
        @old = workers();
    }
    all_are(200, 'GET', $stop_gets->());
    all_are(400, 'POST', $stop_posts->());
};

# Each pool is asked by turns, the store by a PUT of the same object.
subtest 'rolling restart of any pool: one after the other' => sub {
    my $upload = $user->api(POST => '/api/media/upload/initiate', { filename => 'r.png',
        size => 20, type => 'image/png' })->{json};
    my $put = sub { $_[0]->request(PUT => $upload->{uploadUrl}, 'x' x 20, $upload->{fields}) };
    my %at = (auth => '/api/auth/session', users => '/api/users/me', media => '/api/media',
        search => '/api/search?q=x', plex => '/api/integrations/plex/servers',
        overseerr => '/api/integrations/overseerr', notifications => '/api/notifications',
        health => '/api/health/live', metrics => '/api/metrics', admin => '/api/admin/stats');
    my %request = (verify => $put, store => $put,
        webhooks => sub { $_[0]->api(POST => '/api/webhooks/plex', {}) },
        map { my $path = $at{$_}; ($_ => sub { $_[0]->api(GET => $path) }) } keys %at);
    my %pools = %{ $mn->refresh_status->{pids}{pools} };
    is_deeply [ sort keys %request ], [ sort keys %pools ], 'a request for each pool';
    my $next = 0;
    my $stop = clients(2, sub { $request{ (sort keys %request)[ $next++ % keys %request ] }
        ->($_[0]) });
    for my $pool (sort keys %pools) {
        my $of = sub { split ' ', MediaNest::Test::run_output('pgrep', '-P', $pools{$pool}) };
        my %old = map { ($_ => 1) } $of->();
        kill 'HUP', $pools{$pool};
        ok(wait_until(sub { my @now = $of->(); @now && !grep { $old{$_} } @now }, ROLL_SECONDS,
            "new workers of $pool"), "$pool has new workers");
    }
    my @reports = $stop->();
    my @lost = grep { $_->[0] =~ /^5/ } @reports;
    cmp_ok scalar(@reports), '>=', 2 * keys %request, 'each was asked';
    is_deeply \@lost, [], 'none of ' . @reports . ' requests was lost';
    @before = workers();
};

subtest 'rolling restart of any pool: kill -9 loses no GET' => sub {
    my $stop = clients(CLIENTS, $get);
    for (1 .. KILLS) {
        my @now = workers();
        kill 'KILL', $now[rand @now] if @now;
        sleep KILL_EVERY;
    }
    all_are(200, 'GET', $stop->());
    ok(wait_until(sub { my @now = workers(); @now == WORKERS }, ROLL_SECONDS, 'four workers'),
        'four workers again');
};

subtest 'more clients than workers' => sub {
    my @reports = clients(MANY, $get, MANY_REQUESTS)->();
    all_are(200, MANY . ' clients', @reports);
    my ($slowest) = sort { $b <=> $a } map { $_->[1] } @reports;
    cmp_ok($slowest, '<', SLOWEST, 'none waited long');
};

subtest 'drain' => sub {
    my $stop = clients(2, $get, 20);
    $mn->restart_part(POOL);
    $stop->();
    $mn->wait_ready;
    isnt($mn->pid(POOL), $master, 'another master');
    is($get->($user)->{status}, 200, 'which serves');
};

sub parent { my ($pid) = @_; open my $in, '<', "/proc/$pid/stat" or return 0;
    return <$in> =~ /\) . (\d+)/ ? $1 : 0 }

subtest 'the process that the masters come from' => sub {
    my %masters = %{ $mn->refresh_status->{pids}{pools} };
    my $nursery = parent($masters{ POOL() });
    my %others = map { ($_ => 1) } grep { parent($masters{$_}) != $nursery } keys %masters;
    is_deeply \%others, { verify => 1, store => 1 }, 'one for the API, one for the store';
    kill 'KILL', $masters{ POOL() };
    ok wait_until(sub { my $now = $mn->pid(POOL); $now && $now != $masters{ POOL() } }, 20,
        'another master'),
        'a master that was killed is started again';
    ok wait_until(sub { $get->($user)->{status} == 200 }, 20, 'its pool'), 'its pool serves';
    my %now = %{ $mn->refresh_status->{pids}{pools} };
    delete $_->{ POOL() } for \%masters, \%now;
    is_deeply \%now, \%masters, 'the others went on';

    $master = $mn->pid(POOL);
    my %old = map { ($_ => 1) } workers();
    kill 'HUP', $nursery;
    ok wait_until(sub { my @new = workers(); @new == WORKERS && !grep { $old{$_} } @new },
        ROLL_SECONDS, 'new workers'),
        'SIGHUP replaces the workers of its pools';
};

done_testing;
