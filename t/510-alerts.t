#!/usr/bin/perl
# Alerts: each rule whose fact can be made here is raised and cleared, told on the page, on the
# socket, by mail and by hook; the list, its filter, acknowledgement and rights.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use MediaNest::HookReceiver;
use MediaNest::Smtp;
use MediaNest::Test;
use MediaNest::WebSocket;
use Test::More;

once_is_enough();

my $hooks = MediaNest::HookReceiver->start;
my $smtp = MediaNest::Smtp->start;
my $mn = MediaNest::Test->stack(private => 1, set => { $smtp->settings,
    'outbound.allow' => $hooks->allow, 'worker.poll' => 200,
    'metrics.interval' => 1 });
my $admin = $mn->admin;
my $base = '/api/admin/alerts';

sub set_to {
    my (%setting) = @_;
    my $r = $admin->api(PATCH => '/api/admin/settings', \%setting);
    is $r->{status}, 200, join(' ', %setting) or diag $r->{content};
}
sub threshold { my ($rule, $value) = @_; set_to("alerts.$rule.threshold" => $value) }

# One look at the rules, which ends before this returns. A job that runs is not due again at once.
my $due = "UPDATE jobs SET run_at = now() WHERE unique_key = 'every:alert.watch' AND state ="
    . " 'available' AND run_at > now(); NOTIFY mn_jobs, 'events'; ";
sub look {
    my $before = $mn->psql('SELECT max(looked_at) FROM alert_watch');
    wait_until(sub { $mn->psql($due . 'SELECT max(looked_at) FROM alert_watch') ne $before }, 30,
        'a look');
}
sub alerts {
    my ($rule, $state) = @_;
    my $r = $admin->api(GET => "$base?limit=100" . ($state ? "&state=$state" : ''));
    return grep { !defined $rule || $_->{rule} eq $rule } @{ $r->{json}{items} };
}
sub raised { my ($rule) = @_; return (alerts($rule, 'raised'))[0] }
sub is_raised {
    my ($rule) = @_;
    my $alert;
    wait_until(sub { look(); $alert = raised($rule) }, 30, "$rule is raised");
    return $alert;
}
sub is_cleared {
    my ($rule) = @_;
    wait_until(sub { look(); !raised($rule) }, 30, "$rule is cleared");
    ok((alerts($rule, 'cleared'))[0]{clearedAt}, "$rule: cleared, and kept");
}
sub notes {
    my ($kind, $rule) = @_;
    return grep { $_->{kind} eq $kind && $_->{data}{rule} eq $rule }
        @{ $admin->api(GET => '/api/notifications?limit=100')->{json}{items} };
}

subtest 'nothing is watched' => sub {
    $mn->psql($due);
    wait_until(sub { $mn->psql("SELECT count(*) FROM jobs WHERE unique_key = 'every:alert.watch'"
        . " AND state = 'available' AND run_at > now()") }, 30, 'the job ran');
    is $mn->psql('SELECT count(*) FROM alert_watch'), 0, 'while alerts.window is 0';
};

my $endpoint = $hooks->endpoint($admin, '/alerts', events => [ 'alert.raised', 'alert.cleared' ]);
# So short that two looks are a window.
set_to('alerts.window' => 1);
threshold($_ => 1_000_000) for qw(latency latency_critical one_address);
threshold(errors => 100);
threshold(cache_hits => 0);
look();

subtest 'jobs that were given up, and who is told' => sub {
    my $socket = MediaNest::WebSocket->open($admin);
    look() for 1 .. 2;
    is scalar(alerts()), 0, 'an ordinary house has no alert';
    $mn->psql("INSERT INTO jobs (id, kind, queue, state, finished_at) SELECT gen_random_uuid(),"
        . " 'media.process', 'media', 'dead', now() FROM generate_series(1, 2)");
    my $alert = is_raised('dead_jobs');
    is_deeply [ @$alert{qw(severity state value threshold)} ], [ 'warning', 'raised', 2, 0 ],
        'what it says';
    like $alert->{message}, qr/^2 jobs were given up.*discard/, 'and what to do';
    my $event = $socket->wait_type('alert.raised', 30);
    is $event->{data}{alertId}, $alert->{id}, 'on the socket';
    is scalar(notes('alert.raised', 'dead_jobs')), 1, 'on the page';
    my $mail = $smtp->wait_mail(sub { $_[0]{text} =~ /Jobs were given up/ });
    like $mail->{text}, qr/2 jobs/, 'by mail';
    wait_until(sub { grep { $_->{json}{type} eq 'alert.raised' && $_->{json}{data}{rule} eq
        'dead_jobs' } $hooks->got('/alerts') }, 30, 'by hook');
    look() for 1 .. 2;
    is scalar(notes('alert.raised', 'dead_jobs')), 1, 'once';

    my $r = $admin->api(POST => "$base/$alert->{id}/acknowledge");
    is $r->{status}, 200, 'acknowledged' or diag $r->{content};
    my $me = $admin->api(GET => '/api/auth/session')->{json}{user}{id};
    is $r->{json}{acknowledgedBy}{id}, $me, 'by whom';
    my $other = $mn->user(role => 'admin');
    is $other->api(POST => "$base/$alert->{id}/acknowledge")->{json}{acknowledgedBy}{id}, $me,
        'the first one stays';
    is $mn->psql("SELECT count(*) FROM audit_log WHERE action = 'alert.acknowledged'"), 1,
        'it is in the audit log, once';
    is $admin->api(POST => "$base/00000000-0000-7000-8000-000000000000/acknowledge")->{status},
        404, 'of no alert';
    is $mn->user->api(GET => $base)->{status}, 403, 'people do not see them';

    $mn->psql("DELETE FROM jobs WHERE state = 'dead'");
    is_cleared('dead_jobs');
    $event = $socket->wait_type('alert.cleared', 30);
    is $event->{data}{alertId}, $alert->{id}, 'told on the socket';
    is scalar(notes('alert.cleared', 'dead_jobs')), 1, 'and on the page';
};

subtest 'a mail of 0.1.0 that still waits' => sub {
    $mn->psql("INSERT INTO jobs (id, kind, queue, payload) VALUES (gen_random_uuid(), 'mail.send',"
        . " 'mail', '{\"kind\":\"hook_off\",\"to\":\"a\@b.test\",\"detail\":\"Old news\"}');"
        . " NOTIFY mn_jobs, 'mail'");
    ok $smtp->wait_mail(sub { $_[0]{text} =~ /Old news/ }), 'is sent';
};

# More requests than the figures need; older ones leave them.
sub traffic { $admin->api(GET => '/api/media?scope=library') for 1 .. 25 }

subtest 'requests' => sub {
    traffic();
    threshold($_ => 0) for qw(latency latency_critical);
    is is_raised('latency')->{severity}, 'warning', 'a warning';
    is is_raised('latency_critical')->{severity}, 'critical', 'and worse';
    traffic();
    threshold($_ => 1_000_000) for qw(latency latency_critical);
    is_cleared($_) for qw(latency latency_critical);
    traffic();
    threshold(cache_hits => 100);
    is_raised('cache_hits');
    traffic();
    threshold(cache_hits => -1);
    is_cleared('cache_hits');
    is_deeply [ map { $_->{title} } notes('alert.cleared', 'cache_hits') ],
        ['No longer watched: The cache is used little'], 'so nobody says that all is well';
    threshold(latency => 0);
    is_raised('latency');
    threshold(latency => -1);
    is_cleared('latency');
    traffic();
    threshold(errors => 1);
    my $failed = sub { $mn->psql("UPDATE metric_samples SET counts[2] = $_[0] WHERE route = ''") };
    wait_until(sub { $failed->('counts[1]'); look(); raised('errors') }, 30, 'errors is raised');
    is raised('errors')->{severity}, 'critical', 'requests that fail are critical';
    wait_until(sub { traffic(); $failed->(0); look(); !raised('errors') }, 30,
        'errors is cleared');
};

subtest 'queues' => sub {
    $mn->psql("INSERT INTO jobs (id, kind, queue, run_at) VALUES (gen_random_uuid(),"
        . " 'nobody.runs_it', 'nobody', now() - interval '10 minutes')");
    like is_raised('queue_lag')->{message}, qr/waiting for 6\d\d(\.\d)? s/, 'how long';
    $mn->psql("DELETE FROM jobs WHERE queue = 'nobody'");
    is_cleared('queue_lag');
};

subtest 'a batch' => sub {
    my $me = $admin->api(GET => '/api/auth/session')->{json}{user}{id};
    $mn->psql("WITH m AS (INSERT INTO media (id, owner_id, kind, title, status) SELECT"
        . " gen_random_uuid(), '$me', 'image', 'batch', CASE WHEN n <= 3 THEN 'failed' ELSE"
        . " 'ready' END FROM generate_series(1, 20) n RETURNING id)"
        . ' INSERT INTO uploads (id, media_id, user_id, status, object_key, size, content_type,'
        . " expires_at, completed_at) SELECT gen_random_uuid(), id, '$me', 'completed', 'x', 1,"
        . " 'image/jpeg', now(), now() FROM m");
    is is_raised('batch_failures')->{value}, 15, 'three of twenty';
    $mn->psql("UPDATE media SET status = 'ready' WHERE title = 'batch'");
    is_cleared('batch_failures');
};

subtest 'the disk' => sub {
    look();
    my $host = $mn->psql("SELECT series FROM alert_samples WHERE series LIKE 'disk:%'");
    my $free = $mn->psql("SELECT max(value) FROM alert_samples WHERE series = '$host'");
    $mn->psql("INSERT INTO alert_samples SELECT '$host', now() - n * interval '1 hour', $free *"
        . ' (1 + n / 48.0) FROM generate_series(1, 40) n');
    my $alert = is_raised('disk_full');
    cmp_ok abs($alert->{value} - 2), '<', 0.1, 'at this rate it is full in two days';
    is $alert->{severity}, 'critical', 'critical';
    is "disk:$alert->{subject}", $host, 'of this host';
    $mn->psql("UPDATE alert_samples SET value = $free WHERE series = '$host'");
    is_cleared('disk_full');
    # Another host has measured it, and this one looks.
    $mn->psql("INSERT INTO alert_samples SELECT 'disk:other', now() - n * interval '1 hour', $free"
        . ' * (1 + n / 48.0) FROM generate_series(0, 40) n');
    is is_raised('disk_full')->{title}, 'The disk will be full soon: other', 'of another host';
    $mn->psql("DELETE FROM alert_samples WHERE series = 'disk:other' AND at > now() -"
        . " interval '7 hours'");
    is_cleared('disk_full');
    is_deeply [ map { $_->{title} } (notes('alert.cleared', 'disk_full'))[0] ],
        ['No longer watched: The disk will be full soon: other'], 'until that one is gone';
};

subtest 'mail' => sub {
    # Mail about other alerts that was sent since would show that mail is sent.
    wait_until(sub { !$mn->psql("SELECT count(*) FROM jobs WHERE queue = 'mail' AND state IN"
        . " ('available', 'running')") }, 30, 'no mail on its way');
    $mn->psql("DELETE FROM jobs WHERE queue = 'mail' AND state = 'done'; INSERT INTO jobs (id,"
        . " kind, queue, attempt, last_error, run_at, created_at) VALUES (gen_random_uuid(),"
        . " 'mail.send', 'mail', 3, 'refused', now() + interval '1 hour',"
        . " now() - interval '20 minutes')");
    like is_raised('mail_failing')->{message}, qr/for 20(\.\d+)? minutes/, 'for how long';
    # The mail about this alert was sent.
    is_cleared('mail_failing');
};

subtest 'Redis' => sub {
    look();
    $mn->redis('FLUSHALL');
    wait_until(sub { $admin->api(GET => '/api/users/me'); look(); raised('redis_rebuilt') }, 30,
        'redis_rebuilt is raised');
    is_cleared('redis_rebuilt');
};

subtest 'a backup' => sub {
    $mn->psql("INSERT INTO backups (id, directory, started_at, finished_at, status) VALUES"
        . " (gen_random_uuid(), '/b', now() - interval '31 hours', now() - interval '30 hours',"
        . " 'ok')");
    is int(is_raised('backup_age')->{value}), 30, 'hours';
    $mn->psql('UPDATE backups SET finished_at = now()');
    is_cleared('backup_age');
};

subtest 'the certificate' => sub {
    threshold(certificate => 3650);
    like is_raised('certificate')->{message}, qr/expires in [\d.]+ days/, 'in so many days';
    threshold(certificate => 0);
    is_cleared('certificate');
};

subtest 'for Prometheus' => sub {
    my $text = $admin->api(GET => '/api/metrics')->{content};
    like $text, qr/^medianest_alert_value\{rule="dead_jobs"\} 0$/m, 'what a rule found';
    like $text, qr/^medianest_alert_value\{rule="certificate"\} \d/m, 'for each rule';
    like $text, qr/^medianest_alert_value\{rule="endpoint_off"\} 0$/m, 'also those that are told';
};

subtest 'everyone from one address' => sub {
    threshold(one_address => 1);
    like is_raised('one_address')->{message}, qr/trusted_proxies/, 'name the proxy';
    $mn->psql("UPDATE sessions SET address = '192.0.2.' || (random() * 200)::integer WHERE id ="
        . ' (SELECT id FROM sessions ORDER BY created_at LIMIT 1)');
    is_cleared('one_address');
};

subtest 'syncs' => sub {
    $mn->psql("INSERT INTO media_servers (id, kind, name, url, token, created_at, updated_at)"
        . " SELECT gen_random_uuid(), 'plex', 'Server ' || n, 'http://127.0.0.1:9', '', now() -"
        . " interval '1 day', now() - interval '1 day' FROM generate_series(1, 2) n");
    look();
    wait_until(sub { look(); alerts('sync_age', 'raised') == 2 }, 30, 'one for each server');
    is_deeply [ sort map { $_->{title} } alerts('sync_age', 'raised') ],
        [ map { "A media server is not synced: Server $_" } 1, 2 ], 'which says its name';
    $mn->psql("INSERT INTO sync_runs (id, server_id, trigger, status, owner, owner_name,"
        . " finished_at) SELECT gen_random_uuid(), id, 'cron', 'ok', gen_random_uuid(), 'x', now()"
        . " FROM media_servers WHERE name = 'Server 1'");
    wait_until(sub { look(); alerts('sync_age', 'raised') == 1 }, 30, 'one was synced');
    $mn->psql("DELETE FROM media_servers WHERE name = 'Server 2'");
    is_cleared('sync_age');
    is_deeply [ sort map { $_->{title} } notes('alert.cleared', 'sync_age') ],
        [ 'No longer watched: A media server is not synced: Server 2',
        'The media server is synced again: Server 1' ], 'nobody says that what is gone is well';
    my $server = $mn->psql("SELECT id FROM media_servers WHERE name = 'Server 1'");
    $mn->psql("INSERT INTO alerts (id, rule, subject, severity, title, message) VALUES"
        . " (gen_random_uuid(), 'sync_stopped', '$server', 'critical', 'x', 'x')");
    my $token = $admin->api(POST => '/api/auth/tokens', { name => 'people', scopes =>
        [ 'users.manage' ] })->{json}{token};
    my $people = $mn->client($token);
    my $alert = raised('sync_stopped');
    my @seen = map { $_->{rule} } @{ $people->api(GET => "$base?limit=100")->{json}{items} };
    ok @seen > 0, 'who manages people sees alerts of the house';
    is scalar(grep { /^sync_/ } @seen), 0, '... and none of media servers';
    is $people->api(POST => "$base/$alert->{id}/acknowledge")->{status}, 404,
        '... nor acknowledges them';
    ok !raised('sync_stopped')->{acknowledgedAt}, '... for others';
    like $admin->api(GET => '/api/metrics')->{content},
        qr/^medianest_alert_value\{rule="sync_stopped"\} 1$/m, 'how many are open';
    my $url = "/api/integrations/plex/servers/$server";
    is $admin->api(PATCH => $url, { name => 'Server 1' })->{status}, 200, 'another name';
    ok raised('sync_stopped'), 'changes nothing';
    is $admin->api(PATCH => $url, { enabled => JSON::PP::false })->{status}, 200, 'switched off';
    ok !raised('sync_stopped'), 'nothing is wrong with a server that is not synced any more';
    is_deeply [ map { $_->{title} } notes('alert.cleared', 'sync_stopped') ],
        ['A media server was switched off'], 'which says why';
    $mn->psql("INSERT INTO alerts (id, rule, subject, severity, title, message) VALUES"
        . " (gen_random_uuid(), 'sync_stopped', '$server', 'critical', 'x', 'x')");
    my $r = $admin->api(DELETE => $url);
    like $r->{status}, qr/^20/, 'a server is removed' or diag $r->{content};
    wait_until(sub { !raised('sync_stopped') }, 30, 'its alerts end with it');
};

is scalar(alerts(undef, 'raised')), 0, 'nothing is left';
done_testing;
