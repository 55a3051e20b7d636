#!/usr/bin/perl
# Webhooks that go out: endpoints, signatures, the log, retries, receivers of every bad kind, the
# end of an endpoint and its announcement, replay, and a worker that is killed.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::HookReceiver;
use MediaNest::Smtp;
use MediaNest::Test;
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

use constant TIMEOUT => 10; # seconds, of one delivery

my $hooks = MediaNest::HookReceiver->start;
my $smtp = MediaNest::Smtp->start;
my $closed = MediaNest::Test::free_port();
my $mn = MediaNest::Test->stack(private => 1, set => { $smtp->settings,
    'outbound.allow' => $hooks->allow . ",127.0.0.1:$closed", 'worker.lease' => 3,
    'worker.poll' => 200 });
my $admin = $mn->admin;
my $base = '/api/webhooks/endpoints';
my $serial = 0;

sub code { my ($r) = @_; return "$r->{status} " . ($r->{json} ? $r->{json}{code} // '' : '') }

sub endpoint { my ($path, %more) = @_; return $hooks->endpoint($admin, $path, %more) }
sub shown { return $admin->api(GET => "$base/$_[0]{id}")->{json} }
sub drop { my @all = @_; $admin->api(DELETE => "$base/$_->{id}") for @all }

sub emit { my ($endpoint, $n) = @_; MediaNest::HookReceiver::emit($mn, $endpoint, $n // 1) }
sub deliveries {
    my ($endpoint, $query) = @_;
    my $r = $admin->api(GET => "$base/$endpoint->{id}/deliveries?limit=100" . ($query // ''));
    return @{ $r->{json}{items} // [] };
}
sub wait_status {
    my ($endpoint, $status, $n) = @_;
    my @found;
    wait_until(sub { @found = deliveries($endpoint, "&status=$status"); @found >= ($n // 1) }, 30,
        "$status");
    return @found;
}
# Time goes by for what waits: the next attempts are due.
sub hurry {
    my ($endpoint) = @_;
    $mn->psql("UPDATE webhook_endpoints SET rest_until = NULL WHERE id = '$endpoint->{id}';"
        . " UPDATE webhook_deliveries SET next_attempt_at = now() WHERE endpoint_id = "
        . "'$endpoint->{id}' AND status IN ('waiting', 'failed')");
    MediaNest::HookReceiver::wake($mn);
}

subtest 'events' => sub {
    my $all = endpoint('/all');
    my $some = endpoint('/some', events => ['media.deleted']);
    like $all->{secret}, qr{^whsec_[A-Za-z0-9+/]{43}=$}, 'a secret, this once';
    ok !exists shown($all)->{secret}, 'not again';
    my $owner = $mn->user;
    my $person = $admin->api(POST => '/api/users', { email => "hook$$\@medianest.test",
        password => 'a long password of a hook', role => 'user' });
    is $person->{status}, 201, 'somebody is added' or diag $person->{content};
    my $media = $owner->upload_bytes('a.png', png(), 'image/png');
    my $bad = $owner->upload_bytes('b.png', 'no picture', 'image/png');
    $owner->wait_media($_->{mediaId} // $_->{id}) for $media, $bad;
    my $id = $media->{mediaId} // $media->{id};
    is $owner->api(POST => "/api/media/$id/trash")->{status}, 200, 'to the trash';
    wait_until(sub { keys %{ $hooks->ids('/all') } >= 5 }, 30, 'five events');
    my @by_command = grep { ($_->{json}{data}{userId} // '') eq $owner->{id} } $hooks->got('/all');
    is scalar(@by_command), 1, 'also of somebody who is added by a command';
    my %by = map { ($_->{json}{type} => $_) }
        grep { $_->{id} ne $by_command[0]{id} } $hooks->got('/all');
    is_deeply [sort keys %by], [qw(media.deleted media.failed media.ready user.created)],
        'all events';
    is_deeply [map { $_->{json}{type} } $hooks->got('/some')], ['media.deleted'],
        'those that were asked for';
    is_deeply $by{'user.created'}{json}{data}, { userId => $person->{json}{id}, role => 'user' },
        'ids, no address';
    is_deeply $by{'media.ready'}{json}{data},
        { mediaId => $id, status => 'ready', kind => 'image' }, 'no title';
    is_deeply $by{'media.deleted'}{json}{data},
        { mediaId => $id, kind => 'image', deletion => 'trash' }, 'how it went';
    is $by{'media.failed'}{json}{data}{failure}{code}, 'unsupported_type', 'why it failed';
    like $by{'media.ready'}{json}{timestamp}, qr/^20\d\d-\d\d-\d\dT.*Z$/, 'when';
    is scalar(grep { !$_->{good} } values %by), 0, 'all are signed';
    my ($entry) = wait_status($some, 'delivered');
    is $entry->{id}, (keys %{ $hooks->ids('/some') })[0], 'its webhook-id is the id in the log';
    is "$entry->{event} $entry->{attempts} $entry->{responseStatus}", 'media.deleted 1 204',
        'the log';
    is_deeply $admin->api(GET => "$base/$some->{id}/deliveries/$entry->{id}")->{json}{payload},
        $by{'media.deleted'}{json}, 'with its payload';
    drop($all, $some);
    is code($admin->api(GET => "$base/$all->{id}")), '404 not_found', 'deleted';
};

subtest 'what may be set' => sub {
    my %good = (url => $hooks->url('/set'), events => ['*']);
    my @bad = ([url => 'ftp://a/'], [url => 'http://user:pw@a/'], [events => ['nothing']],
        [events => []], [headers => 'x'], (map { [headers => $_] } { Host => 'a' },
            { 'Content-Length' => '1' }, { 'webhook-id' => 'a' }, { 'Transfer-Encoding' => 'x' },
            { 'a b' => 'c' }, { A => "b\r\nC: d" }, { A => "b\n" }, { A => ' b' }, { A => 1 },
            { A => undef }, { A => 'b', a => 'c' }, { '' => 'a' }, { A => "\x{e9}" },
            { map { ("X-$_" => 'a') } 1 .. 21 }));
    for my $bad (@bad) {
        my $r = $admin->api(POST => $base, { %good, $bad->[0] => $bad->[1] });
        is code($r), '400 validation_failed', "$bad->[0]: " . JSON::PP->new->canonical
            ->allow_nonref->encode($bad->[1]) or diag $r->{content};
    }
    my $e = endpoint('/set', headers => { 'X-Token' => 'tOkEn-1', 'X-Empty' => '' });
    is_deeply $e->{headers}, { 'X-Token' => undef, 'X-Empty' => undef }, 'names, no values';
    emit($e);
    wait_status($e, 'delivered');
    my ($got) = $hooks->got('/set');
    is $got->{headers}{'x-token'}, 'tOkEn-1', 'a header of their own';
    is $got->{headers}{'x-empty'}, '', 'also an empty one';
    my $stored = $mn->psql("SELECT * FROM webhook_endpoints WHERE id = '$e->{id}'");
    unlike $stored, qr{tOkEn|whsec|/set}, 'sealed at rest, as the path of its address is';
    my ($listed) = grep { $_->{id} eq $e->{id} } @{ $admin->api(GET => "$base?limit=100")
        ->{json}{items} };
    is_deeply [ @$listed{qw(origin url)} ], [ $hooks->url(''), undef ],
        'a list has the origin of its address';
    is shown($e)->{url}, $hooks->url('/set'), 'which one that is read has in full';
    $mn->psql("UPDATE webhook_endpoints SET url = '" . $hooks->url('/set')
        . "' WHERE id = '$e->{id}'");
    emit($e);
    wait_status($e, 'delivered', 2);
    is shown($e)->{url}, $hooks->url('/set'), 'an address from before is used';
    $mn->psql("UPDATE jobs SET run_at = now() WHERE unique_key = 'every:webhook.expire_deliveries';"
        . " NOTIFY mn_jobs, 'upkeep'");
    wait_until(sub { $mn->psql("SELECT url FROM webhook_endpoints WHERE id = '$e->{id}'")
        =~ /^v1:/ }, 30, 'and sealed by the worker');
    is shown($e)->{url}, $hooks->url('/set'), 'without another value';
    my $seen = $admin->api(GET => "$base/$e->{id}");
    my $patch = $admin->api(PATCH => "$base/$e->{id}",
        { headers => { 'X-Token' => undef, 'X-New' => 'n' }, events => ['user.created'] },
        { 'If-Match' => $seen->{headers}{etag} });
    is $patch->{status}, 200, 'changed' or diag $patch->{content};
    is_deeply $patch->{json}{headers}, { 'X-Token' => undef, 'X-New' => undef }, 'names';
    is code($admin->api(PATCH => "$base/$e->{id}", { enabled => JSON::PP::false },
        { 'If-Match' => $seen->{headers}{etag} })), '412 precondition_failed', 'a stale change';
    emit($e);
    wait_status($e, 'delivered', 3);
    $got = ($hooks->got('/set'))[-1]{headers};
    is_deeply [@$got{qw(x-token x-new x-empty)}], ['tOkEn-1', 'n', undef],
        'null keeps a value, what is not named goes';
    is_deeply [map { $_->{id} } grep { $_->{id} eq $e->{id} }
        @{ $admin->api(GET => $base)->{json}{items} }], [$e->{id}], 'in the list';
    is $mn->psql("SELECT count(*) FROM audit_log WHERE target_id = '$e->{id}'"), 2, 'audited';
    drop($e);
};

subtest 'rotation' => sub {
    my $e = endpoint('/rotate');
    $hooks->behave('/rotate', 500);
    emit($e);
    wait_status($e, 'failed');
    my $new = $admin->api(POST => "$base/$e->{id}/rotate")->{json};
    isnt $new->{secret}, $e->{secret}, 'a new secret';
    ok $new->{previousSecretUntil}, 'the old one counts for a day';
    $hooks->behave('/rotate', 204);
    $hooks->secret('/rotate', $e->{secret}, $new->{secret});
    hurry($e);
    wait_status($e, 'delivered');
    my @got = $hooks->got('/rotate');
    is scalar(keys %{ $hooks->ids('/rotate') }), 1, 'one webhook-id';
    ok $got[-1]{good}, 'what waited is signed by both';
    is $got[-1]{signatures}, 2, 'two signatures';
    is $got[0]{body}, $got[-1]{body}, 'the same body at each attempt';
    $mn->psql("UPDATE webhook_endpoints SET previous_until = now() WHERE id = '$e->{id}'");
    emit($e);
    wait_status($e, 'delivered', 2);
    is +($hooks->got('/rotate'))[-1]{signatures}, 1, 'after the day by the new one';
    drop($e);
};

subtest 'test button' => sub {
    my $e = endpoint('/test');
    my $test = sub {
        my ($how) = @_;
        $hooks->behave('/test', $how);
        my $r = $admin->api(POST => "$base/$e->{id}/test");
        return $r->{status} . ' ' . join ' ', map { $_ // '-' } @{ $r->{json} }{qw(status error)};
    };
    is $test->(204), '200 204 -', 'delivered';
    ok +($hooks->got('/test'))[-1]{good}, 'signed';
    is +($hooks->got('/test'))[-1]{json}{type}, 'webhook.test', 'a message that says so';
    is $test->(500), '200 500 status', 'a refusal';
    is $test->('redirect'), '200 302 redirect', 'a redirect is not followed';
    is scalar($hooks->got('/redirected')), 0, 'indeed not';
    is $test->('html'), '200 200 -', 'a long response is not read to its end';
    is $test->('cut'), '200 - unreachable', 'a connection that ends';
    my %error = ("http://127.0.0.1:$closed/" => 'unreachable',
        'http://127.0.0.1:1/' => 'refused_address', 'http://[::1]/' => 'refused_address',
        'http://169.254.169.254/' => 'refused_address',
        'https://127.0.0.1:' . ($hooks->allow =~ s/.*://r) . '/' => 'tls');
    for my $url (sort keys %error) {
        $admin->api(PATCH => "$base/$e->{id}", { url => $url });
        my $r = $admin->api(POST => "$base/$e->{id}/test")->{json};
        is $r->{error}, $error{$url}, $url;
    }
    is scalar(deliveries($e)), 0, 'not in the log';
    drop($e);
};

subtest 'retries' => sub {
    my $e = endpoint('/retry');
    $hooks->behave('/retry', 503);
    emit($e);
    my @pauses;
    for my $n (1 .. 7) {
        my ($d) = grep { $_->{attempts} == $n } wait_until(sub {
            my @found = grep { $_->{attempts} == $n } deliveries($e);
            @found ? \@found : undef }, 30, "attempt $n")->[0];
        is "$d->{status} $d->{responseStatus} $d->{error}", 'failed 503 status', "attempt $n";
        push @pauses, $mn->psql('SELECT round(extract(epoch FROM next_attempt_at - now()))'
            . " FROM webhook_deliveries WHERE id = '$d->{id}'");
        hurry($e);
    }
    my @want = (5, 30, 120, 600, 1800, 3600, 3600);
    is scalar(grep { abs($pauses[$_] - $want[$_]) > 4 } 0 .. $#want), 0, "after @want seconds"
        or diag "@pauses";
    wait_until(sub { $hooks->got('/retry') == 8 }, 30, 'the eighth');
    is scalar(keys %{ $hooks->ids('/retry') }), 1, 'one webhook-id';
    my $build = $ENV{MEDIANEST_DEV_BUILD} // "$FindBin::Bin/../build";
    my %sent = MediaNest::Test::run_output("$build/t/tools/metric-read", "$mn->{var}/run")
        =~ /^medianest_webhook_deliveries_total\{outcome="(\w+)"\} (\d+)$/mg;
    cmp_ok $sent{failed} // 0, '>=', 8, 'each attempt is counted';
    cmp_ok $sent{delivered} // 0, '>=', 1, 'by its outcome';
    $mn->psql("UPDATE webhook_deliveries SET retry_until = now() + interval '1 second'"
        . " WHERE endpoint_id = '$e->{id}'");
    hurry($e);
    my ($dead) = wait_status($e, 'dead');
    ok !$dead->{nextAttemptAt}, 'after a day it is given up';
    is shown($e)->{enabled}, JSON::PP::true, 'the endpoint goes on';
    $hooks->behave('/retry', 204);
    my $r = $admin->api(POST => "$base/$e->{id}/replay", { missing => JSON::PP::true });
    is_deeply [$r->{status}, $r->{json}], [202, { replayed => 1 }], 'all that is missing again';
    wait_status($e, 'delivered');
    is scalar(keys %{ $hooks->ids('/retry') }), 1, 'under the same webhook-id';
    is shown($e)->{failingSince}, undef, 'it works again';
    for my $what ({ deliveryId => $dead->{id} }, { from => '2020-01-01T00:00:00Z' },
        { from => '2020-01-01T00:00:00Z', to => '2100-01-01T00:00:00Z' }) {
        my $before = $hooks->got('/retry');
        is $admin->api(POST => "$base/$e->{id}/replay", $what)->{json}{replayed}, 1,
            join ' ', sort keys %$what;
        wait_until(sub { $hooks->got('/retry') == $before + 1 }, 30, 'the replay');
    }
    is $admin->api(POST => "$base/$e->{id}/replay", { to => '2020-01-01T00:00:00Z' })
        ->{json}{replayed}, 0, 'none of that time';
    is code($admin->api(POST => "$base/$e->{id}/replay", $_)), '400 validation_failed',
        'not ' . join ' ', %$_ for {}, { deliveryId => $dead->{id}, missing => JSON::PP::true };
    drop($e);
};

subtest 'an endpoint at its end' => sub {
    my $watch = endpoint('/watch', events => ['alert.raised', 'alert.cleared']);
    my $gone = endpoint('/gone');
    $hooks->behave('/gone', 410);
    emit($gone, 3);
    wait_until(sub { !shown($gone)->{enabled} }, 30, 'off');
    is shown($gone)->{offReason}, 'gone', '410 switches it off at once';
    cmp_ok scalar($hooks->got('/gone')), '==', 1, 'nothing more is sent';
    my $note = sub {
        my ($kind, $id) = @_;
        return wait_until(sub { (grep { $_->{kind} eq $kind && $_->{data}{endpointId} eq $id }
            @{ $admin->api(GET => '/api/notifications')->{json}{items} })[0] }, 30, $kind);
    };
    like $note->('alert.raised', $gone->{id})->{title}, qr/127\.0\.0\.1.*switched off/,
        'announced on the page';
    my $mail = $smtp->wait_mail(sub { $_[0]{text} =~ /were switched off/ });
    like $mail->{text}, qr/410/, 'and by mail';
    unlike $mail->{text}, qr{/gone}, 'without the path of the URL';
    wait_until(sub { grep { $_->{json}{type} eq 'alert.raised' } $hooks->got('/watch') }, 30,
        'and to the others');
    is code($admin->api(POST => "$base/$gone->{id}/replay", { missing => JSON::PP::true })),
        '409 endpoint_off', 'nothing is replayed to it';
    $hooks->behave('/gone', 204);
    $admin->api(PATCH => "$base/$gone->{id}", { enabled => JSON::PP::true });
    like $note->('alert.cleared', $gone->{id})->{title}, qr/switched on again/, 'the alert ends';
    wait_until(sub { grep { $_->{json}{type} eq 'alert.cleared' } $hooks->got('/watch') }, 30,
        'that is told too');
    hurry($gone);
    wait_status($gone, 'delivered', 3);
    pass 'switched on again, what waited arrives';

    my $ill = endpoint('/ill');
    $hooks->behave('/ill', 500);
    emit($ill);
    wait_status($ill, 'failed');
    my $since = sub { $mn->psql("UPDATE webhook_endpoints SET failing_since = now() - interval"
        . " '$_[0]' WHERE id = '$ill->{id}'") };
    $since->('4 days 23 hours');
    hurry($ill);
    wait_until(sub { (deliveries($ill))[0]{attempts} == 2 }, 30, 'the second attempt');
    is $mn->psql('SELECT round(extract(epoch FROM rest_until - now()) / 10) FROM'
        . " webhook_endpoints WHERE id = '$ill->{id}'"), 6, 'it is tried once a minute at most';
    ok shown($ill)->{enabled}, 'not before five days';
    $hooks->behave('/ill', 204);
    hurry($ill);
    wait_status($ill, 'delivered');
    like $note->('alert.cleared', $ill->{id})->{title}, qr/arrive again/, 'recovered';
    wait_until(sub { grep { $_->{json}{type} eq 'alert.cleared'
        && $_->{json}{data}{endpointId} eq $ill->{id} } $hooks->got('/watch') }, 30, 'told');
    my $brief = endpoint('/brief');
    for my $case ([ '59 minutes', 0, 'less than an hour is not worth a word' ],
        [ '61 minutes', 1, 'more is' ]) {
        my ($time, $more, $name) = @$case;
        $hooks->behave('/brief', 500);
        emit($brief);
        wait_status($brief, 'failed');
        $mn->psql("UPDATE webhook_endpoints SET failing_since = now() - interval '$time'"
            . " WHERE id = '$brief->{id}'");
        $hooks->behave('/brief', 204);
        hurry($brief);
        wait_until(sub { !deliveries($brief, '&status=failed') }, 30, 'it arrives');
        is $mn->psql("SELECT count(*) FROM notifications WHERE kind = 'alert.cleared' AND"
            . " user_id = '$admin->{id}' AND data->>'endpointId' = '$brief->{id}'"), $more,
            "$time: $name";
    }
    my @all = map { $_->{id} } deliveries($brief);
    my $first = pop @all;
    $mn->psql("UPDATE webhook_deliveries SET created_at = now() - interval '2 days'"
        . " WHERE id = '$first'");
    my $day = sub { POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time - $_[0] * 86400)) };
    is_deeply [ map { $_->{id} } deliveries($brief, '&from=' . $day->(1)) ], \@all,
        'deliveries since yesterday';
    is_deeply [ map { $_->{id} } deliveries($brief, '&to=' . $day->(1)) ], [$first],
        'those before';
    is_deeply [ deliveries($brief, '&from=' . $day->(1.5) . '&to=' . $day->(1)) ], [],
        'none between';

    $hooks->behave('/ill', 500);
    emit($ill);
    wait_status($ill, 'failed');
    $since->('5 days 1 second');
    hurry($ill);
    wait_until(sub { !shown($ill)->{enabled} }, 30, 'off');
    is shown($ill)->{offReason}, 'failing', 'after five days of failures';
    ok $note->('alert.raised', $ill->{id}), 'announced';
    my $before = $hooks->got('/ill');
    emit($ill);
    my $other = endpoint('/other');
    emit($other);
    wait_status($other, 'delivered');
    is scalar($hooks->got('/ill')), $before, 'what waits for it is not sent';
    drop($watch, $gone, $ill, $other, $brief);
    is $mn->psql("SELECT count(*) FROM alerts WHERE rule = 'endpoint_off' AND cleared_at IS NULL"),
        0, 'an endpoint that is deleted leaves no alert';
};

subtest 'a dead receiver delays nobody' => sub {
    my @dead = map { endpoint("/hang$_") } 1 .. 20;
    $hooks->behave("/hang$_", 'hang') for 1 .. 20;
    my $well = endpoint('/well');
    emit($_, 3) for @dead;
    wait_until(sub { 20 == grep { $hooks->got("/hang$_") } 1 .. 20 }, 30, 'they hang');
    my $start = time;
    emit($well, 20) for 1 .. 10;
    wait_until(sub { keys %{ $hooks->ids('/well') } == 200 }, 30, 'all of the good one');
    my $took = time - $start;
    cmp_ok $took, '<', TIMEOUT, sprintf 'the others go on: %.1f s', $took;
    is scalar(grep { $_ > 1 } values %{ $hooks->ids('/well') }), 0, 'each was sent once';
    my $together = 0;
    for my $n (1 .. 20) {
        my @at = map { $_->{at} } $hooks->got("/hang$n");
        $together += grep { $at[$_] - $at[$_ - 1] < TIMEOUT / 2 } 1 .. $#at;
    }
    is $together, 0, 'each that hangs holds one place';
    drop(@dead, $well);
};

subtest 'changes while deliveries wait' => sub {
    my $e = endpoint('/moved');
    $hooks->behave('/moved', 500);
    emit($e, 2);
    wait_status($e, 'failed');
    $admin->api(PATCH => "$base/$e->{id}", { url => $hooks->url('/new') });
    hurry($e);
    wait_status($e, 'delivered', 2);
    is scalar(keys %{ $hooks->ids('/new') }), 2, 'they go to the new address';
    $hooks->behave('/new', 500);
    emit($e);
    wait_status($e, 'failed');
    $admin->api(PATCH => "$base/$e->{id}", { enabled => JSON::PP::false });
    my $before = $hooks->got('/new');
    hurry($e);
    drop($e);
    is $mn->psql('SELECT count(*) FROM webhook_deliveries'), 0, 'they go with their endpoint';
    is scalar($hooks->got('/new')), $before, 'nothing is sent while it is off';
};

subtest 'the worker is killed while it sends' => sub {
    my $e = endpoint('/kill');
    $hooks->behave('/kill', 'slow');
    emit($e, 30);
    wait_until(sub { $hooks->got('/kill') >= 2 }, 30, 'some are sent');
    $mn->kill_part('worker');
    $hooks->behave('/kill', 204);
    wait_until(sub { keys %{ $hooks->ids('/kill') } == 30 }, 60, 'all arrive');
    wait_status($e, 'delivered', 30);
    my $ids = $hooks->ids('/kill');
    is_deeply [sort keys %$ids], [sort map { $_->{id} } deliveries($e)], 'under their webhook-ids';
    drop($e);
};

subtest 'secrets' => sub {
    my $e = endpoint('/secret', headers => { Authorization => 'Bearer hEaDeR-secret' });
    emit($e);
    wait_status($e, 'delivered');
    $admin->api(POST => "$base/$e->{id}/test");
    $admin->api(POST => "$base/$e->{id}/rotate");
    my $secret = quotemeta $e->{secret} =~ s/^whsec_//r;
    my $path = quotemeta $hooks->url('/secret');
    my $dump = MediaNest::Test::run_output('pg_dump', '-d', $mn->{status}{databaseUrl});
    like $dump, qr/webhook_endpoints/, 'a dump';
    unlike $dump, qr/$secret|$path|hEaDeR-secret/, 'no secret in the database';
    my $logs = MediaNest::Test::run_output('sh', '-c', "cat $mn->{var}/log/*");
    like $logs, qr{webhooks/endpoints}, 'logs';
    unlike $logs, qr/$secret|$path|hEaDeR-secret|whsec_/, 'no secret in a log';
    my $told = join "\n", map { $admin->api(GET => $_)->{content} } $base, "$base/$e->{id}",
        "$base/$e->{id}/deliveries", '/api/admin/audit?limit=100';
    unlike $told, qr/$secret|hEaDeR-secret|whsec_/, 'no secret in an answer';
    drop($e);
};

subtest 'keys' => sub {
    my $e = endpoint('/keys', headers => { 'X-Key' => 'k' });
    $admin->api(POST => "$base/$e->{id}/rotate");
    $mn->admin_command('', qw(keys rotate));
    $mn->restart_part($_) for qw(worker admin);
    like $mn->admin_command('', qw(keys reseal)), qr/^4 secrets sealed again/m, 'sealed again';
    is $mn->psql('SELECT count(*) FROM webhook_endpoints WHERE NOT (secret LIKE \'v1:2:%\' AND '
        . "previous_secret LIKE 'v1:2:%' AND headers LIKE 'v1:2:%'"
        . " AND url LIKE 'v1:2:%')"), 0, 'all of it';
    emit($e);
    wait_status($e, 'delivered');
    my ($got) = $hooks->got('/keys');
    is "$got->{good} $got->{headers}{'x-key'}", '1 k', 'and still good';
    drop($e);
};

# A picture of one pixel.
sub png {
    require MIME::Base64;
    return MIME::Base64::decode_base64('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42'
        . 'mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==');
}

done_testing;
