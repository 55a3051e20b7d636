#!/usr/bin/perl
# Idempotency-Key: one effect and one response for a key, for requests that come together or later.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Handle;
use MediaNest::Sequence qw(hold later waiting);
use MediaNest::Test;
use POSIX ();
use Test::More;

my $mn = MediaNest::Test->stack(set => { 'database.timeout' => 20_000 });
my ($ann, $bob) = map { $mn->user(role => 'user') } 1 .. 2;
my $serial = 0;

sub key { return "key-$$-" . ++$serial }
sub code { my ($r) = @_; return "$r->{status} " . ($r->{json} ? $r->{json}{code} // '' : '') }
sub initiate {
    my ($who, $key, %file) = @_;
    return $who->api(POST => '/api/media/upload/initiate',
        { filename => 'a.png', size => 10, type => 'image/png', %file },
        $key ? { 'Idempotency-Key' => $key } : {});
}
sub batch {
    my ($who, $key, @files) = @_;
    return $who->api(POST => '/api/media/upload/initiate', { files => \@files },
        { 'Idempotency-Key' => $key });
}
sub items_of {
    my ($who) = @_;
    return $mn->psql("SELECT count(*) FROM media WHERE owner_id = '$who->{id}'");
}
sub replayed { my ($r) = @_; return $r->{headers}{'idempotency-replayed'} // '' }

subtest 'one upload' => sub {
    my $key = key();
    my $first = initiate($ann, $key);
    is $first->{status}, 201, 'initiate' or diag $first->{content};
    is replayed($first), '', 'the first answer is no replay';
    my $again = initiate($ann, $key);
    is $again->{status}, 201, 'again';
    is replayed($again), 'true', 'a replay';
    is_deeply [sort keys %{ $again->{json} }], [sort keys %{ $first->{json} }], 'the same members';
    is $again->{json}{$_}, $first->{json}{$_}, $_ for qw(uploadId mediaId method expiresAt);
    is_deeply $again->{json}{fields}, $first->{json}{fields}, 'fields';
    is items_of($ann), 1, 'one item';
    unlike $mn->psql("SELECT response FROM idempotency_keys WHERE key = '$key'"), qr/Signature/,
        'no signed URL is kept';
    is code(initiate($ann, $key, size => 11)), '422 idempotency_key_reused', 'another request';
    is items_of($ann), 1, 'does nothing';
    is $mn->request(PUT => $again->{json}{uploadUrl}, 'x' x 10, $again->{json}{fields})->{status},
        200, 'the URL of the replay works';
    is initiate($bob, $key)->{status}, 201, "somebody else's key of that name is another";
    is items_of($bob), 1, 'with an item of its own';
    my $other = initiate($ann, key());
    isnt $other->{json}{uploadId}, $first->{json}{uploadId}, 'another key, another upload';
    is $ann->api(DELETE => "/api/media/upload/$first->{json}{uploadId}")->{status}, 204, 'aborted';
    my $late = initiate($ann, $key);
    ok !$late->{json}{uploadUrl}, 'no URL for what is aborted' or diag $late->{content};
    is items_of($ann), 1, 'and nothing is created again';
};

subtest 'a batch' => sub {
    my ($key, $before) = (key(), items_of($ann));
    my @files = ({ filename => 'a.png', size => 10, type => 'image/png' }, { filename => 'x.exe',
        size => 10, type => 'application/x-none' },
        { filename => 'b.bin', size => 70 << 20, type => 'video/mp4' });
    my $first = batch($ann, $key, @files);
    is $first->{status}, 200, 'initiate' or diag $first->{content};
    is_deeply [map { $_->{status} } @{ $first->{json}{items} }], [201, 415, 201], 'answers';
    my $again = batch($ann, $key, @files);
    is replayed($again), 'true', 'a replay';
    my @same = map {
        my $r = $_;
        [map {
            my $i = $_;
            my %o = map { $_ => $i->{$_} } grep { !/^(?:uploadUrl|urlsExpireAt)$/ }
                keys %$i; # URLs are made again
            \%o;
        } @{ $r->{json}{items} }];
    } $first,
        $again;
    is_deeply $same[1], $same[0], 'the same, item by item';
    is $first->{json}{items}[2]{multipart}{partCount}, 5, 'a large one may come in parts';
    is items_of($ann), $before + 2, 'two items';
    is code(batch($ann, $key, reverse @files)), '422 idempotency_key_reused',
        'the same files in another order';
};

subtest 'a part that fails does not take the others along' => sub {
    my ($who, $key) = ($mn->user(role => 'user'), key());
    $mn->psql("UPDATE users SET quota_bytes = 15 WHERE id = '$who->{id}'");
    my @files = map { { filename => "$_.png", size => 10, type => 'image/png' } } 1 .. 2;
    my $r = batch($who, $key, @files, { filename => 'c.png', size => 5, type => 'image/png' });
    is_deeply [map { $_->{status} } @{ $r->{json}{items} }], [201, 413, 201],
        'the second is past the quota'
        or diag $r->{content};
    is items_of($who), 2, 'the others are there';
};

subtest 'two at once' => sub {
    my ($key, $before) = (key(), items_of($ann));
    my @pids = map {
        pipe(my $from, my $to);
        my $pid = fork // die "fork: $!";
        if ($pid == 0) {
            my $r = initiate($mn->client($ann->{token}), $key);
            syswrite $to, code($r) . ' ' . ($r->{json}{uploadId} // '');
            close $to;
            POSIX::_exit(0);
        }
        close $to;
        { pid => $pid, from => $from };
    } 1 .. 6;
    my @said = map {
        my $from = $_->{from};
        local $/;
        my $text = <$from>;
        waitpid $_->{pid}, 0;
        $text;
    } @pids;
    my %ids = map { /^201  ([\w-]+)$/ ? ($1 => 1) : () } @said;
    is scalar keys %ids, 1, 'one upload' or diag explain \@said;
    is_deeply [grep { !/^201  |^409 idempotency_key_in_use / } @said], [],
        'the others were told to wait, or the same';
    is items_of($ann), $before + 1, 'one item';
    is initiate($ann, $key)->{json}{uploadId}, (keys %ids)[0], 'and the same later';
};

subtest 'while the first is at work' => sub {
    my ($key, $before) = (key(), items_of($ann));
    my $lock = "hashtextextended(concat_ws(' ', '$ann->{id}', "
        . "'POST /api/media/upload/initiate', '$key'), 0)";
    open(my $psql, '|-', 'psql', '-Xqo', '/dev/null', '-d', $mn->{status}{databaseUrl})
        or die "psql: $!";
    $psql->autoflush(1);
    print $psql "SELECT pg_advisory_lock($lock);\n";
    wait_until(sub { $mn->psql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND "
        . "objsubid = 1 AND ((classid::bigint << 32) | objid::bigint) = $lock") },
        20, 'the lock');
    my $r = initiate($ann, $key);
    is code($r), '409 idempotency_key_in_use', 'refused';
    is $r->{headers}{'retry-after'}, 1, 'for now';
    is items_of($ann), $before, 'nothing is done';
    close $psql;
    is initiate($ann, $key)->{status}, 201, 'then it is';
};

subtest 'failures are not kept' => sub {
    my ($who, $key) = ($mn->user(role => 'user'), key());
    $mn->psql("UPDATE users SET quota_bytes = 5 WHERE id = '$who->{id}'");
    is code(initiate($who, $key)), '413 quota_exceeded', 'past the quota';
    is $mn->psql("SELECT count(*) FROM idempotency_keys WHERE key = '$key'"), 0, 'nothing is kept';
    $mn->psql("UPDATE users SET quota_bytes = 50 WHERE id = '$who->{id}'");
    is initiate($who, $key)->{status}, 201, 'the same key again, with room';
    is items_of($who), 1, 'one item';
};

subtest 'an old key is forgotten' => sub {
    my ($key, $before) = (key(), items_of($ann));
    my $first = initiate($ann, $key);
    $mn->psql("UPDATE idempotency_keys SET created_at = now() - interval '23 hours 55 minutes' "
        . "WHERE key = '$key'");
    is initiate($ann, $key)->{json}{uploadId}, $first->{json}{uploadId},
        'within 24 hours it is known';
    $mn->psql(
        "UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE key = '$key'");
    my $second = initiate($ann, $key, size => 12);
    is $second->{status}, 201, 'afterwards it is new' or diag $second->{content};
    isnt $second->{json}{uploadId}, $first->{json}{uploadId}, 'another upload';
    is replayed(initiate($ann, $key, size => 12)), 'true', 'and known again';
    is items_of($ann), $before + 2, 'two items';
};

subtest 'what cannot be kept is not done' => sub {
    my ($key, $before) = (key(), items_of($ann));
    $mn->psql('CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE '
        . 'EXCEPTION \'no\'; END$$');
    $mn->psql('CREATE TRIGGER refuse BEFORE INSERT ON idempotency_keys FOR EACH ROW EXECUTE '
        . 'FUNCTION refuse()');
    is code(initiate($ann, $key)), '500 internal_error', 'the answer cannot be kept';
    is items_of($ann), $before, 'nothing is done';
    is $ann->api(POST => '/api/media/upload/initiate', { filename => 'a.png', size => 10,
        type => 'image/png' })->{status},
        201, 'without a key it is';
    $mn->psql('DROP FUNCTION refuse() CASCADE');
    is initiate($ann, $key)->{status}, 201, 'later it is done with the key';
    is items_of($ann), $before + 2, 'once';
};

subtest 'old keys are cleared away' => sub {
    my ($old, $new) = (key(), key());
    initiate($ann, $_) for $old, $new;
    $mn->psql(
        "UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE key = '$old'");
    $mn->psql("UPDATE jobs SET run_at = now() WHERE unique_key = 'every:upkeep.answers';"
        . " SELECT pg_notify('mn_jobs', 'upkeep')");
    wait_until(sub { $mn->psql("SELECT count(*) FROM idempotency_keys WHERE key = '$old'") == 0 },
        60, 'the old key to go');
    is $mn->psql("SELECT count(*) FROM idempotency_keys WHERE key = '$new'"), 1,
        'the new one stays';
};

subtest 'a broadcast' => sub {
    my ($admin, $key, $title) = ($mn->admin, key(), "Once $$");
    my $message = { title => $title, message => 'Hello', roles => ['super'] };
    my @r = map { $admin->api(POST => '/api/notifications/broadcast', $message,
        { 'Idempotency-Key' => $key }) } 1 .. 2;
    is $_->{status}, 201, 'answered' for @r;
    is $r[1]{content}, $r[0]{content}, 'the same, to the letter';
    is replayed($r[1]), 'true', 'a replay';
    is $mn->psql("SELECT count(*) FROM notifications WHERE title = '$title'"),
        $r[0]{json}{recipients}, 'each was told once';
    is $admin->api(POST => '/api/notifications/broadcast', $message)->{status}, 201,
        'without a key';
    is $mn->psql("SELECT count(*) FROM notifications WHERE title = '$title'"),
        2 * $r[0]{json}{recipients}, 'it is done again';
};

subtest 'keys' => sub {
    my $before = items_of($ann);
    for my $bad ('a b', 'x' x 129) {
        is code(initiate($ann, $bad)), '400 validation_failed', "refused: $bad";
    }
    is items_of($ann), $before, 'nothing is done';
    is initiate($ann, 'x' x 100 . key())->{status}, 201, 'a long one';
    is $mn->client->api(POST => '/api/media/upload/initiate',
        { filename => 'a.jpg', size => 1, type => 'image/jpeg' },
        { 'Idempotency-Key' => 'k' })->{status},
        401, 'nobody has keys';
    is $ann->api(GET => '/api/media', undef, { 'Idempotency-Key' => 'a b' })->{status}, 200,
        'other routes do not look at it';
};

# The kept answer refers to the person: a deletion of them is waited for before anything is held.
subtest 'the person comes first' => sub {
    my $release = hold($mn, "SELECT 1 FROM users WHERE id = '$ann->{id}' FOR UPDATE");
    my $answer = later(sub { initiate($ann, key()) });
    waiting($mn, 1);
    is $mn->psql("SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE "
        . "l.locktype = 'advisory' AND a.usename = 'medianest_api' AND "
        . "a.wait_event_type = 'Lock'"), 0, 'nothing is held';
    $release->();
    is $answer->()->{status}, 201, 'then it is done';
};

# Who waits first is the one that gives way: the request.
for my $with ('with a key', 'without a key') {
    subtest "a request that lost a deadlock begins again, $with" => sub {
        my $release = hold($mn, 'LOCK TABLE uploads IN EXCLUSIVE MODE');
        my ($before, $lost) = (items_of($bob), 'SELECT deadlocks FROM pg_stat_database WHERE '
            . 'datname = current_database()');
        my $deadlocks = $mn->psql($lost);
        my $answer = later(sub { initiate($bob, $with =~ /out/ ? undef : key()) });
        waiting($mn, 1);
        $release->("SELECT 1 FROM users WHERE id = '$bob->{id}' FOR UPDATE");
        is $answer->()->{status}, 201, 'it is done';
        is items_of($bob), $before + 1, 'once';
        wait_until { $mn->psql($lost) > $deadlocks };
        pass 'and there was a deadlock';
    };
}

done_testing();
