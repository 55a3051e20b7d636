#!/usr/bin/perl
# What those who keep the house see and do through the API: the job queue, figures, processes, what
# could not be read, quotas, failed sign-ins.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use Test::More;

my $mn = MediaNest::Test->stack;
my $super = $mn->user(role => 'super');
my $admin = $mn->user(role => 'admin');
my $mark = 'sealed-' . join '', map { ('a' .. 'z')[rand 26] } 1 .. 16;

# A job that no worker takes, because no worker has its queue.
sub job {
    my (%with) = (kind => 'test.admin', queue => 'none', state => 'dead', key => undef, @_);
    my $end = $with{state} =~ /^(?:done|dead)$/ ? 'now()' : 'NULL';
    my $key = defined $with{key} ? "'$with{key}'" : 'NULL';
    my $payload = $with{payload} // qq({"link":"$mark"});
    return $mn->psql("INSERT INTO jobs (id, kind, queue, state, attempt, finished_at, last_error, "
        . 'unique_key, payload, run_at) VALUES (gen_random_uuid(), '
        . "'$with{kind}', '$with{queue}', '$with{state}', 5, $end, 'It broke.', $key, '$payload', "
        . "now() + interval '1 hour') RETURNING id");
}

sub state_of { return $mn->psql("SELECT state || ' ' || attempt FROM jobs WHERE id = '$_[0]'") }

subtest 'the queue' => sub {
    my %id = map { $_ => job(state => $_) } qw(available running done dead);
    for my $state (sort keys %id) {
        my $r = $admin->api(GET => "/api/admin/jobs?state=$state&kind=test.admin");
        is $r->{status}, 200, "jobs that are $state" or diag $r->{content};
        is_deeply [ map { $_->{id} } @{ $r->{json}{items} } ], [ $id{$state} ], 'are these';
        unlike $r->{content}, qr/$mark/, 'without their payload';
        ok $r->{json}{counts}{$state} >= 1, 'and counted';
    }
    my $all = $admin->api(GET => '/api/admin/jobs?kind=test.admin&queue=none')->{json};
    is scalar @{ $all->{items} }, 4, 'all of a kind and queue';
    my ($dead) = grep { $_->{state} eq 'dead' } @{ $all->{items} };
    is $dead->{lastError}, 'It broke.', 'a dead letter says why';
    ok $dead->{finishedAt}, 'and since when';
    is_deeply [ grep { $_->{kind} eq 'test.admin' } @{ $all->{deadKinds} } ],
        [ { kind => 'test.admin', count => 1 } ], 'dead ones are counted by kind';
    my $every = $admin->api(GET => '/api/admin/jobs?kind=upkeep.jobs')->{json}{items}[0];
    is $every->{every}, 60, 'a periodic job says how often it runs';
    is $admin->api(GET => '/api/admin/jobs?state=odd')->{status}, 400, 'an unknown state';
    $mn->psql("DELETE FROM jobs WHERE kind = 'test.admin'");
};

subtest 'trying again' => sub {
    my $dead = job();
    my $r = $admin->api(POST => "/api/admin/jobs/$dead/retry");
    is $r->{status}, 200, 'a dead one' or diag $r->{content};
    is $r->{json}{state}, 'available', 'waits again';
    is state_of($dead), 'available 0', 'with all its attempts';
    ok !exists $r->{json}{finishedAt}, 'and has not ended';
    is $admin->api(POST => "/api/admin/jobs/$dead/retry")->{status}, 200, 'one that waits';
    is $mn->psql("SELECT run_at <= now() FROM jobs WHERE id = '$dead'"), 't', 'is due now';

    my $other = job(key => 'test.admin');
    job(state => 'available', key => 'test.admin');
    my %refused = (job_running => job(state => 'running'), job_ended => job(state => 'done'),
        job_not_retryable => $other);
    for my $code (sort keys %refused) {
        my $no = $admin->api(POST => "/api/admin/jobs/$refused{$code}/retry");
        is "$no->{status} $no->{json}{code}", "409 $code", $code;
    }
    my $mail = job(kind => 'mail.send', payload => '{"kind":"invite","to":"a@b.test"}');
    is $admin->api(POST => "/api/admin/jobs/$mail/retry")->{json}{code}, 'job_not_retryable',
        'a mail whose link is gone';
    $mn->psql("DELETE FROM jobs WHERE kind IN ('test.admin', 'mail.send') AND queue = 'none'");

    job() for 1 .. 3;
    my $one = job(kind => 'test.other');
    $r = $admin->api(POST => '/api/admin/jobs/retry', { state => 'dead', kind => 'test.admin' });
    is_deeply $r->{json}, { retried => 3 }, 'all dead ones of a kind' or diag $r->{content};
    is state_of($one), 'dead 5', 'and no others';
    is $mn->psql("SELECT detail->>'jobs' FROM audit_log WHERE action = 'jobs.retried' "
        . "AND detail->>'kind' = 'test.admin'"), 3, 'the audit log has it';
    $mn->psql("DELETE FROM jobs WHERE queue = 'none'");
};

subtest 'discarding' => sub {
    my $dead = job();
    is $admin->api(DELETE => "/api/admin/jobs/$dead")->{status}, 204, 'a dead one';
    is $admin->api(DELETE => "/api/admin/jobs/$dead")->{status}, 404, 'is gone';
    my %refused = (job_running => job(state => 'running'),
        job_periodic => job(state => 'available', key => 'every:test.admin'),
        job_needed => job(state => 'available', kind => 'session.push'));
    for my $code (sort keys %refused) {
        my $no = $admin->api(DELETE => "/api/admin/jobs/$refused{$code}");
        is "$no->{status} $no->{json}{code}", "409 $code", $code;
    }
    $mn->psql("DELETE FROM jobs WHERE queue = 'none'");
};

done_testing;
