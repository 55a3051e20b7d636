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
    job(state => 'available', key => 'test.admin');
    $mn->psql("INSERT INTO jobs (id, kind, queue, state, unique_key, finished_at) SELECT "
        . "gen_random_uuid(), 'test.admin', 'none', 'dead', 'test.admin', now() - "
        . "interval '1 hour' FROM generate_series(1, 250)");
    $one = job();
    $r = $admin->api(POST => '/api/admin/jobs/retry', { state => 'dead', kind => 'test.admin' });
    is_deeply $r->{json}, { retried => 1 }, 'behind many that cannot be' or diag $r->{content};
    is state_of($one), 'available 0', '... which hide none';
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

subtest 'figures' => sub {
    my $person = $mn->user(role => 'user');
    my $id = $person->api(GET => '/api/auth/session')->{json}{user}{id};
    my $before = $admin->api(GET => '/api/admin/stats');
    is $before->{status}, 200, 'figures' or diag $before->{content};
    my $kinds = sub { +{ map { $_->{kind} => $_ } @{ $_[0]{media}{byKind} } } };
    $mn->psql("INSERT INTO media (id, owner_id, kind, title, status, size) SELECT "
        . "gen_random_uuid(), '$id', 'audio', 'figure', 'ready', 1000 FROM generate_series(1, 3)");
    my $now = $admin->api(GET => '/api/admin/stats')->{json};
    my ($was, $is) = map { $kinds->($_)->{audio} // { items => 0, bytes => 0 } }
        $before->{json}, $now;
    is $is->{items} - $was->{items}, 3, 'three items of a kind more';
    is $is->{bytes} - $was->{bytes}, 3000, 'and their bytes';
    is $now->{storage}{usedBytes} - $before->{json}{storage}{usedBytes}, 3000, 'also of all';
    my ($mine) = grep { $_->{userId} eq $id } @{ $now->{storage}{byPerson} };
    is_deeply [ @$mine{qw(bytes items quota)} ], [ 3000, 3, undef ], 'and of the person';
    my $month = $mn->psql("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM')");
    is $now->{growth}[-1]{month}, $month, 'growth ends with this month';
    is $now->{people}{total}, $mn->psql('SELECT count(*) FROM users'), 'everyone is counted';

    # What the triggers keep is what there is, whatever happened to the items.
    $mn->psql("UPDATE media SET status = 'failed', failure_code = 'test_figure', failure_message "
        . "= 'It is odd.', size = 500 WHERE title = 'figure'");
    $mn->psql("DELETE FROM media WHERE id = (SELECT min(id::text)::uuid FROM media WHERE title = "
        . "'figure')");
    is $mn->psql('WITH k AS (SELECT kind, status, month, sum(items) n, sum(bytes) b FROM '
        . 'media_kept GROUP BY 1, 2, 3 HAVING sum(items) <> 0 OR sum(bytes) <> 0), '
        . 'm AS (SELECT kind, status, mn_month(created_at) AS month, count(*) n, '
        . 'coalesce(sum(size), 0) b FROM media GROUP BY 1, 2, 3) SELECT count(*) FROM k '
        . 'FULL JOIN m USING (kind, status, month) WHERE '
        . '(k.n, k.b) IS DISTINCT FROM (m.n, m.b)'), 0, 'the sums are right';
};

subtest 'what could not be read' => sub {
    my $of = sub { (grep { $_->{code} eq 'test_figure' }
        @{ $_[0]->api(GET => '/api/admin/failures')->{json}{items} })[0] };
    my $group = $of->($super);
    is_deeply [ @$group{qw(count message)} ], [ 2, 'It is odd.' ], 'is counted by reason';
    is $group->{example}{title}, 'figure', 'with an example';
    ok !exists $of->($admin)->{example}, 'only for those who can read it';
    job(key => 'process:' . $mn->psql("SELECT min(id::text) FROM media WHERE title = 'figure'"));
    my $r = $admin->api(POST => '/api/admin/failures/retry', { code => 'test_figure' });
    is_deeply $r->{json}, { retried => 2 }, 'all are tried again' or diag $r->{content};
    ok !$of->($super), 'so they do not count any more';
    is $mn->psql("SELECT count(*) FROM jobs j JOIN media m ON j.unique_key = 'process:' || m.id "
        . "WHERE m.title = 'figure'"), 2, 'each has a job, and none that was given up';
    $mn->psql("DELETE FROM jobs WHERE unique_key IN (SELECT 'process:' || id FROM media WHERE "
        . "title = 'figure') AND state = 'available'");
    $mn->psql("DELETE FROM media WHERE title = 'figure'");
};

subtest 'a dead job of an item' => sub {
    my $id = $mn->psql("INSERT INTO media (id, kind, title, status, failure_code) VALUES "
        . "(gen_random_uuid(), 'image', 'revived', 'failed', 'processing_error') RETURNING id");
    my $job = job(kind => 'media.process', payload => qq({"mediaId":"$id"}));
    is $admin->api(POST => "/api/admin/jobs/$job/retry")->{status}, 200, 'is tried again';
    is $mn->psql("SELECT status FROM media WHERE id = '$id'"), 'processing', 'with its item';
    $mn->psql("UPDATE jobs SET state = 'dead', finished_at = now() WHERE id = '$job'");
    is $admin->api(POST => "/api/admin/jobs/$job/retry")->{json}{code}, 'job_not_retryable',
        'not when its item has not failed';
    $mn->psql("DELETE FROM jobs WHERE id = '$job'");
    $mn->psql("DELETE FROM media WHERE id = '$id'");
};

subtest 'processes' => sub {
    my $r = $admin->api(GET => '/api/admin/processes');
    is $r->{status}, 200, 'processes' or diag $r->{content};
    my %pool = map { $_->{name} => $_ } @{ $r->{json}{pools} };
    ok $pool{admin}{running} && kill(0, $pool{admin}{pid}), 'this pool runs';
    ok $pool{admin}{busy} >= 1, 'and is busy with this request';
    ok $pool{store}{running}, 'the store runs';
    like "$pool{admin}{restarts} $r->{json}{postgres}{reconnects}", qr/^\d+ \d+$/,
        'replaced workers and connections are counted';
    is $r->{json}{worker}{version}, $r->{json}{version}, 'the worker has the same version';
    my %queue = map { $_->{queue} => $_ } @{ $r->{json}{worker}{queues} };
    is $queue{quick}{limit}, 2, 'queues have limits';
    like $r->{json}{postgres}{version}, qr/^1[5-9]/, 'the version of PostgreSQL';
    ok $r->{json}{postgres}{connections} >= 1, 'and its connections';
    ok $r->{json}{redis}{usedBytes} > 0, 'the memory of Redis';
};

subtest 'quotas' => sub {
    my $person = $mn->user(role => 'user');
    my $id = $person->api(GET => '/api/auth/session')->{json}{user}{id};
    my $me = $person->api(GET => '/api/users/me');
    is_deeply $me->{json}{storage}, { usedBytes => 0, quotaBytes => undef,
        ownQuota => JSON::PP::false }, 'no limit at first';
    my $set = $admin->api(PATCH => "/api/users/$id", { quota => 5000 });
    is $set->{json}{storage}{quotaBytes}, 5000, 'is set' or diag $set->{content};
    my $now = $person->api(GET => '/api/users/me', undef,
        { 'If-None-Match' => $me->{headers}{etag} });
    is $now->{status}, 200, 'which changes what the person sees';
    is $now->{json}{storage}{quotaBytes}, 5000, 'of it';
    my $log = $admin->api(GET => "/api/admin/audit?target=$id&action=user.updated")->{json}{items};
    like $log->[0]{summary}, qr/changed the account of .+, quota: 5/, 'the audit log says so';
    is $admin->api(PATCH => "/api/users/$id", { quota => undef })->{json}{storage}{ownQuota},
        JSON::PP::false, 'and taken back';
    for my $name (["Anna \x{202e}nimda", 'Anna nimda'], ["\x{5d3}\x{5d5}\x{5d3} (b)"]) {
        $person->api(PATCH => '/api/users/me', { displayName => $name->[0] });
        my $told = $admin->api(GET => "/api/admin/audit?target=$id&action=user.updated")->{json};
        my $shown = $name->[1] // $name->[0];
        like $told->{items}[0]{summary}, qr/of \x{2068}\Q$shown\E\x{2069}, quota: /,
            'a name turns no other words round';
    }
};

subtest 'failed sign-ins' => sub {
    my $person = $mn->user(role => 'user');
    my $id = $person->api(GET => '/api/auth/session')->{json}{user}{id};
    my $nobody = $mn->client;
    my $wrong = sub { $nobody->api(POST => '/api/auth/login', { email => $_[0],
        password => 'not the right one' })->{status} };
    is $wrong->($person->{email}), 401, 'a wrong password';
    is $wrong->('nobody-' . $person->{email}), 401, 'an unknown account';
    my $r = $admin->api(GET => '/api/admin/audit?action=user.sign_in_failed');
    my ($known) = grep { ($_->{targetId} // '') eq $id } @{ $r->{json}{items} };
    like $known->{summary}, qr/failed to sign in as .+: wrong password/, 'is in the audit log';
    ok $known->{address} && $known->{targetName}, 'with its address and the name';
    ok !defined $known->{actorId}, 'and nobody as the one who did it';
    my ($unknown) = grep { !defined $_->{targetId} } @{ $r->{json}{items} };
    like $unknown->{summary}, qr/unknown account/, 'so is that of an unknown account';
    unlike $r->{content}, qr/nobody-/, 'without what was typed';
};

subtest 'settings in the audit log' => sub {
    my $super = $mn->admin;
    my $r = $super->api(PATCH => '/api/admin/settings', { 'trash.days' => 17 });
    is $r->{status}, 200, 'a setting is changed' or diag $r->{content};
    my $seen_by = sub {
        my ($reader) = @_;
        $r = $reader->api(GET => '/api/admin/audit?action=settings.changed&limit=1');
        is $r->{status}, 200, 'the audit log' or diag $r->{content};
        return $r->{json}{items}[0];
    };
    my ($mine, $theirs) = map { $seen_by->($_) } $super, $mn->user(role => 'admin');
    is $mine->{detail}{'trash.days'}{to}, '17', 'who may read settings sees their values';
    is_deeply $theirs->{detail}, { 'trash.days' => {} }, 'others see which one was changed';
    like $theirs->{summary}, qr/changed trash\.days/, 'and by whom';
    $super->api(PATCH => '/api/admin/settings', { 'trash.days' => undef });
};

subtest 'each action that is audited has a sentence' => sub {
    my $root = "$FindBin::Bin/..";
    my $read = sub { local (@ARGV, $/) = $_[0]; <> };
    my %has = map { $_ => 1 } $read->("$root/src/service/operator/audit_words.c")
        =~ /^\t\{ "([a-z_.]+)",/gm;
    my $told = qr/(?:\.action = |audit\(call, |note\(call, )"([a-z_]+\.[a-z_]+)"/;
    my @actions = map { $read->($_) =~ /$told/g } glob "$root/src/service/*/*.c";
    cmp_ok scalar @actions, '>', 30, 'actions were found';
    is_deeply [ grep { !$has{$_} } @actions ], [], 'in the table';
};

done_testing;
