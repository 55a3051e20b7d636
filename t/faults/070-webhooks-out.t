#!/usr/bin/perl
# Webhooks that go out while parts are stopped and killed, and with two workers: each delivery
# arrives under one webhook-id, none is lost, and none is sent twice without a reason.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use MediaNest::Faults;
use MediaNest::HookReceiver qw(emit);
use MediaNest::Test;
use Test::More;

use constant { MANY => 400, ENDPOINTS => 8 };

my $hooks = MediaNest::HookReceiver->start;
my $mn = MediaNest::Test->stack(private => 1, set => { 'outbound.allow' => $hooks->allow,
    'worker.lease' => 3, 'worker.poll' => 200 });
my $admin = $mn->admin;
my $build = $ENV{MEDIANEST_DEV_BUILD} // "$FindBin::Bin/../../build";

sub left {
    return $mn->psql("SELECT count(*) FROM webhook_deliveries WHERE status <> 'delivered'");
}
sub all_arrive {
    my ($path, $endpoint, $n) = @_;
    wait_until(sub { (eval { left() } // 1) == 0 }, 60, 'all are delivered');
    my $ids = $hooks->ids($path);
    is_deeply [sort keys %$ids], [sort split /\n/, $mn->psql(
        "SELECT id FROM webhook_deliveries WHERE endpoint_id = '$endpoint->{id}'")],
        "$path: each under its webhook-id";
    is scalar(grep { !$_->{good} } $hooks->got($path)), 0, 'each is signed';
    return scalar grep { $_ > 1 } values %$ids;
}

subtest 'two workers' => sub {
    my ($second) = other_worker($mn, "$build/medianest-worker", 'second');
    my @endpoint = map { $hooks->endpoint($admin, "/two$_") } 1 .. ENDPOINTS;
    # Some of them fail at first: their next attempts are alarms of both workers.
    $hooks->behave("/two$_", 500) for 1, 2;
    for my $round (1 .. 5) {
        emit($mn, $_, MANY / ENDPOINTS / 5) for @endpoint;
    }
    wait_until(sub { $mn->psql("SELECT count(*) FROM webhook_deliveries WHERE status = 'failed'") },
        30, 'failures');
    $hooks->behave("/two$_", 204) for 1, 2;
    for my $n (1 .. ENDPOINTS) {
        my $twice = all_arrive("/two$n", $endpoint[$n - 1]);
        is $twice, 0, 'none twice without a failure' if $n > 2;
    }
    my $attempts = $mn->psql('SELECT sum(attempts) FROM webhook_deliveries');
    my $requests = 0;
    $requests += $hooks->got("/two$_") for 1 .. ENDPOINTS;
    is $requests, $attempts, 'as many requests as attempts in the log';
    is $mn->psql('SELECT count(*) FROM webhook_endpoints WHERE lease IS NOT NULL'), 0,
        'all were given back';
    kill 'TERM', $second;
    waitpid $second, 0;
};

subtest 'a worker that is stopped' => sub {
    my $e = $hooks->endpoint($admin, '/stop');
    $hooks->behave('/stop', 'slow');
    emit($mn, $e, 40);
    wait_until(sub { $hooks->got('/stop') >= 2 }, 30, 'some are sent');
    $mn->restart_part('worker');
    $hooks->behave('/stop', 204);
    is all_arrive('/stop', $e), 0, 'what was on its way is recorded: none is sent twice';
};

subtest 'the database is killed' => sub {
    my $e = $hooks->endpoint($admin, '/database');
    $hooks->behave('/database', 'slow');
    emit($mn, $e, 40);
    wait_until(sub { $hooks->got('/database') >= 2 }, 30, 'some are sent');
    $mn->kill_part('postgres');
    $hooks->behave('/database', 204);
    all_arrive('/database', $e);
    $mn->wait_ready;
};

subtest 'the receiver comes back' => sub {
    my $e = $hooks->endpoint($admin, '/back');
    $hooks->behave('/back', 'cut');
    emit($mn, $e, MANY);
    wait_until(sub { $hooks->got('/back') >= 3 }, 30, 'attempts');
    $hooks->behave('/back', 204);
    all_arrive('/back', $e);
    my $tried = $mn->psql('SELECT count(*) FROM webhook_deliveries WHERE attempts > 1');
    cmp_ok $tried, '<', MANY / 4, "the first success brings the rest: $tried were tried before";
};

done_testing;
