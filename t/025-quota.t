#!/usr/bin/perl
# Nothing is stored past the quota, in whatever order uploads begin, end and are written to; what
# people store is known without adding it up; and nobody waits for the object store but the request
# that needs it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Handle;
use MediaNest::S3;
use MediaNest::Test;
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

my $mn = MediaNest::Test->stack(private => 1);
my $objects = "$mn->{var}/data/objects";
use constant LARGE => 70 << 20; # may come in parts

sub code { my ($r) = @_; return "$r->{status} " . ($r->{json} ? $r->{json}{code} // '' : '') }
sub person {
    my ($quota, $stack) = (@_, $mn);
    my $who = $stack->user(role => 'admin');
    $stack->psql("UPDATE users SET quota_bytes = $quota WHERE id = '$who->{id}'");
    return $who;
}
sub initiate {
    my ($who, $size, %headers) = @_;
    return $who->api(POST => '/api/media/upload/initiate', { filename => 'a.mp4',
        size => $size, type => 'video/mp4' }, \%headers);
}
sub begin {
    my ($who, $size) = @_;
    my $r = initiate($who, $size);
    is $r->{status}, 201, "an upload of $size bytes begins" or diag $r->{content};
    return $r->{json};
}
sub send_whole {
    my ($u, $size) = @_;
    return $mn->request(PUT => $u->{uploadUrl}, 'x' x $size, $u->{fields})->{status};
}
sub complete {
    my ($who, $u) = @_;
    return $who->api(POST => '/api/media/upload/complete', { uploadId => $u->{uploadId} });
}
sub abort {
    my ($who, $u) = @_;
    is $who->api(DELETE => "/api/media/upload/$u->{uploadId}")->{status}, 204, 'it is aborted';
}
# Files of that size on the store's disk.
sub on_disk {
    my ($size) = @_;
    return scalar grep { (-s $_ // -1) == $size } glob "$objects/??/??/*";
}
# Has a periodic job run until the condition holds: it may be running when it is asked to.
sub upkeep_until {
    my ($stack, $kind, $what, $sub) = @_;
    return wait_until {
        $stack->psql("UPDATE jobs SET run_at = now() WHERE kind = 'upkeep.$kind'"
            . " AND state = 'available'; SELECT pg_notify('mn_jobs', 'upkeep')");
        $sub->();
    } 20, $what;
}

subtest 'the URL of an upload that has ended' => sub {
    my $ann = person(1000);
    my $u = begin($ann, 601);
    abort($ann, $u);
    is send_whole($u, 601), 403, 'aborted: the store refuses the file';
    $u = begin($ann, 602);
    is send_whole($u, 602), 200, 'a file arrives';
    abort($ann, $u);
    is on_disk(602), 0, 'aborted: its bytes are gone';
    is send_whole($u, 602), 403, 'and are refused';
    $u = begin($ann, 603);
    $mn->psql("UPDATE uploads SET expires_at = now() - interval '1 s' WHERE id = '$u->{uploadId}'");
    is send_whole($u, 603), 403, 'expired';
    $u = begin($ann, 304);
    is send_whole($u, 304), 200, 'a file arrives';
    is complete($ann, $u)->{status}, 202, 'complete';
    is send_whole($u, 304), 403, 'completed';
    $ann->wait_media($u->{mediaId});
    is send_whole($u, 304), 403, 'and processed';
    is $mn->psql("SELECT count(*) FROM objects WHERE key LIKE 'incoming/%'"
        . " AND size IN (601, 602, 603)"), 0, 'nothing came through';
};

subtest 'a file that is sent again replaces itself' => sub {
    my $ann = person(1000);
    my $u = begin($ann, 611);
    is send_whole($u, 611), 200, 'sent' for 1 .. 4;
    is on_disk(611), 1, 'and stored once';
    abort($ann, $u);
};

subtest 'an upload ends while its file arrives' => sub {
    my $ann = person(1000);
    my $u = begin($ann, 621);
    open(my $psql, '|-', 'psql', '-Xqo', '/dev/null', '-d', $mn->{status}{databaseUrl})
        or die "psql: $!";
    $psql->autoflush(1);
    print $psql "BEGIN; UPDATE uploads SET status = 'aborted' WHERE id = '$u->{uploadId}';\n";
    wait_until { $mn->psql("SELECT count(*) FROM pg_stat_activity"
        . " WHERE state = 'idle in transaction'") } 20, 'the change';
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        POSIX::_exit(send_whole($u, 621) == 403 ? 0 : 1);
    }
    wait_until { $mn->psql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") }
        20, 'the store to wait for it';
    print $psql "COMMIT;\n";
    close $psql;
    waitpid $pid, 0;
    is $?, 0, 'the file is refused';
    is $mn->psql('SELECT count(*) FROM objects WHERE size = 621'), 0, 'and not stored';
    is on_disk(621), 0, 'nor are its bytes on the disk';
};

subtest 'in parts, or as a whole' => sub {
    my $ann = person(LARGE + 1000);
    my $u = begin($ann, LARGE);
    my ($first) = $ann->part_urls($u);
    my $size = $u->{multipart}{partSize};
    is send_whole($u, LARGE), 403, 'with parts begun, not as a whole as well';
    is $mn->request(PUT => $first->{url}, 'y' x $size)->{status}, 200, 'a part' for 1 .. 2;
    is on_disk($size), 1, 'that is stored once';
    abort($ann, $u);
    is on_disk($size), 0, 'and not any longer';
    like $mn->request(PUT => $first->{url}, 'y' x $size)->{status}, qr/^40[34]$/, 'nor again';
    $u = begin($ann, LARGE);
    is send_whole($u, LARGE), 200, 'as a whole';
    my @parts = $ann->part_urls($u);
    is on_disk(LARGE), 0, 'which goes when parts begin';
    abort($ann, $u);
};

subtest 'an object that cannot be removed' => sub {
    my $ann = person(1000);
    my @u = map { my $u = begin($ann, 310 + $_); abort($ann, $u); $u } 1 .. 2;
    my $held = sub { $mn->psql("SELECT held FROM uploads WHERE id = '$_[0]{uploadId}'") };
    $mn->psql("UPDATE uploads SET held = true, object_key = repeat('x', 20000), expires_at = now()"
        . " - interval '1 day' WHERE id = '$u[0]{uploadId}'; UPDATE uploads SET held = true"
        . " WHERE id = '$u[1]{uploadId}'");
    upkeep_until($mn, 'uploads', 'the others to be released', sub { $held->($u[1]) eq 'f' });
    is $held->($u[0]), 't', 'it stays held';
    like $mn->psql("SELECT last_error FROM jobs WHERE kind = 'upkeep.uploads'"), qr/./,
        'which the job says';
    $mn->psql("UPDATE uploads SET object_key = 'incoming/' || id WHERE id = '$u[0]{uploadId}'");
    upkeep_until($mn, 'uploads', 'its removal', sub { $held->($u[0]) eq 'f' });
};

subtest 'without a worker' => sub {
    my $ann = person(1000);
    $mn->stop_part('worker');
    my $stored = 0;
    for (1 .. 5) {
        my $r = initiate($ann, 631);
        last if $r->{status} != 201;
        is send_whole($r->{json}, 631), 200, 'sent';
        abort($ann, $r->{json});
        send_whole($r->{json}, 631);
    }
    cmp_ok on_disk(631) * 631, '<=', 1000, 'begin, send, abort, send: no more than the quota';
    $mn->start_part('worker');
};

subtest 'what is kept is what there is' => sub {
    my ($ann, $bob) = map { person(1 << 30) } 1 .. 2;
    my $kept = sub {
        return $mn->psql("SELECT coalesce(sum(bytes), 0), coalesce(sum(uploads), 0),"
            . " coalesce(sum(uploaded_bytes), 0) FROM (SELECT * FROM storage_sums UNION ALL"
            . " SELECT * FROM storage_changes) s WHERE user_id = '$_[0]{id}'");
    };
    my @u = map { begin($ann, 100 + $_) } 1 .. 3;
    is $kept->($ann), '306|0|0', 'announced';
    send_whole($u[$_], 101 + $_), complete($ann, $u[$_]) for 0, 1;
    is $kept->($ann), '306|2|203', 'complete';
    abort($ann, $u[2]);
    is $kept->($ann), '203|2|203', 'aborted';
    upkeep_until($mn, 'uploads', 'the fold',
        sub { $mn->psql("SELECT count(*) FROM storage_changes") == 0 });
    is $kept->($ann), '203|2|203', 'folded';
    $mn->psql("UPDATE media SET owner_id = '$bob->{id}' WHERE id = '$u[0]{mediaId}'");
    is $kept->($ann), '102|1|102', 'given away';
    is $kept->($bob), '101|1|101', 'to another';
    is_deeply [ map { [ @$_{qw(uploads bytes)} ] }
        @{ $ann->api(GET => '/api/users/me/statistics')->{json}{items} } ], [ [ 1, 102 ] ],
        'statistics' or diag $ann->api(GET => '/api/users/me/statistics')->{content};
    $ann->wait_media($u[1]{mediaId});
    is $ann->api(DELETE => "/api/media/$u[1]{mediaId}?purge=true")->{status}, 204, 'purged';
    is $kept->($ann), '0|0|0', 'nothing is left';
    $mn->psql("INSERT INTO storage_sums VALUES ('$ann->{id}', '2020-01-01', 77, 7, 7)");
    upkeep_until($mn, 'sums', 'a wrong sum to be corrected',
        sub { $kept->($ann) eq '0|0|0' });
    like $mn->log_text('worker'), qr/sums of the library were wrong/, 'which is said';
};

subtest 'tags are counted as they are used' => sub {
    my ($ann, $bob) = map { person(1 << 30) } 1 .. 2;
    $mn->psql("UPDATE users SET role = 'user' WHERE id IN ('$ann->{id}', '$bob->{id}')");
    my ($tag, $other) = ("t$$", "o$$");
    my $counts = sub {
        my ($who) = @_;
        my %n = map { ($_->{tag} => $_->{count}) }
            @{ $who->api(GET => '/api/media/tags')->{json}{items} };
        return join ' ', map { $n{$_} // 0 } $tag, $other;
    };
    my $add = sub {
        my ($status, $visibility, @tags) = @_;
        return $mn->psql("INSERT INTO media (id, owner_id, kind, title, visibility, filename,"
            . " content_type, size, status, tags) VALUES (gen_random_uuid(), '$ann->{id}',"
            . " 'other', 'x', '$visibility', 'x', 'video/mp4', 5, '$status',"
            . " '{@{[join ',', @tags]}}') RETURNING id");
    };
    my $seen = sub {
        my ($what, @want) = @_;
        $mn->redis('FLUSHALL');
        is_deeply [ map { $counts->($_) } $ann, $bob ], \@want, $what;
    };
    my $private = $add->('ready', 'private', $tag);
    $seen->('private', '1 0', '0 0');
    my $house = $add->('ready', 'house', $tag, $other);
    $seen->('of the house', '2 1', '1 1');
    my $early = $add->('processing', 'house', $tag);
    $seen->('of the house, not ready', '3 1', '1 1');
    $mn->psql("UPDATE media SET status = 'ready' WHERE id = '$early'");
    $seen->('ready', '3 1', '2 1');
    $mn->psql("UPDATE media SET visibility = 'shared' WHERE id = '$private'");
    $mn->psql("INSERT INTO media_shares (media_id, user_id, created_at) VALUES ('$private',"
        . " '$bob->{id}', now())");
    $seen->('shared', '3 1', '3 1');
    $mn->psql("UPDATE media SET tags = '{$other}' WHERE id = '$house'");
    $seen->('another tag', '2 1', '2 1');
    $mn->psql("UPDATE media SET status = 'trashed' WHERE id = '$house'");
    $seen->('in the trash', '2 0', '2 0');
    upkeep_until($mn, 'uploads', 'the fold',
        sub { $mn->psql("SELECT count(*) FROM tag_changes") == 0 });
    $seen->('folded', '2 0', '2 0');
    $mn->psql("DELETE FROM media WHERE id IN ('$private', '$early', '$house')");
    $seen->('deleted', '0 0', '0 0');
    $mn->psql("INSERT INTO tag_sums VALUES ('house', 'wrong $tag', 9)");
    upkeep_until($mn, 'sums', 'a wrong count to be corrected', sub {
        $mn->psql("SELECT sum(n) FROM tags_kept WHERE tag = 'wrong $tag'") == 0 });
};

subtest 'an announcement does not read what one owns' => sub {
    my $ann = person(1 << 40);
    $mn->psql("INSERT INTO media (id, owner_id, kind, title, visibility, filename, content_type,"
        . " size, status) SELECT gen_random_uuid(), '$ann->{id}', 'other', 'x', 'private', 'x',"
        . " 'video/mp4', 5, 'failed' FROM generate_series(1, 20000)");
    my $read = sub {
        my ($read, $added) = split /\|/, $mn->psql("SELECT seq_tup_read + idx_tup_fetch,"
            . " n_tup_ins FROM pg_stat_user_tables WHERE relname = 'media'");
        return ($read, $added);
    };
    wait_until { ($read->())[1] >= 20000 } 20, 'the figures';
    my ($before, $had) = $read->();
    is initiate($ann, 5)->{status}, 201, 'announced' for 1 .. 5;
    wait_until { initiate($ann, 5); ($read->())[1] >= $had + 20 } 20, 'the figures after them';
    cmp_ok +($read->())[0] - $before, '<', 5000, 'with few rows read';
    $mn->psql("UPDATE users SET quota_bytes = 100000 + 5 * (SELECT count(*) FROM media"
        . " WHERE owner_id = '$ann->{id}' AND status = 'pending') + 7 WHERE id = '$ann->{id}'");
    is code(initiate($ann, 8)), '413 quota_exceeded', 'and the quota is exact';
    is initiate($ann, 7)->{status}, 201, 'to the byte';
};

# The store's workers stop without a word: their callers wait.
sub store_workers {
    return map {
        my $pid = $mn->pid($_);
        open my $in, '<', "/proc/$pid/task/$pid/children" or die "$_: $!";
        split ' ', scalar <$in>;
    } qw(verify store);
}

subtest 'while the store stands still' => sub {
    my $ann = person(1 << 40);
    my @open = map { begin($ann, LARGE) } 1 .. 4;
    $ann->part_urls($open[0]);
    my @stopped = store_workers();
    kill 'STOP', @stopped;
    my $began = time;
    my $r = $ann->api(POST => '/api/media/upload/initiate', { files => [ map { {
        filename => "$_.mp4", size => LARGE, type => 'video/mp4' } } 1 .. 20 ] },
        { 'Idempotency-Key' => "large-$$" });
    is scalar(grep { $_->{status} == 201 } @{ $r->{json}{items} || [] }), 20,
        'large files are announced' or diag $r->{content};
    cmp_ok time - $began, '<', 5, 'at once';
    my @ask = ([ GET => "/api/media/upload/$open[0]{uploadId}" ],
        [ POST => "/api/media/upload/$open[1]{uploadId}/parts", { numbers => [1] } ],
        [ POST => '/api/media/upload/complete', { uploadId => $open[2]{uploadId} } ],
        [ DELETE => "/api/media/upload/$open[3]{uploadId}" ]);
    my @pids = map {
        my $ask = $_;
        my $pid = fork // die "fork: $!";
        if ($pid == 0) {
            $mn->client($ann->{token})->api(@$ask);
            POSIX::_exit(0);
        }
        $pid;
    } @ask;
    wait_until { $mn->psql("SELECT count(*) FROM uploads WHERE status = 'completing'") } 20,
        'a request that waits for the store';
    wait_until { $mn->psql("SELECT count(*) FROM uploads WHERE status = 'aborted'"
        . " AND id = '$open[3]{uploadId}'") } 20, 'another';
    is $mn->psql("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
        . " AND now() - state_change > interval '200 ms'"), 0, 'no transaction waits with it';
    my $again = $mn->client->api(POST => '/api/auth/login',
        { email => $ann->{email}, password => $ann->{password} });
    is $again->{status}, 200, 'the person signs in' or diag $again->{content};
    is $ann->api(PATCH => '/api/users/me', { displayName => 'Ann' })->{status}, 200,
        'and changes something';
    kill 'CONT', @stopped;
    waitpid $_, 0 for @pids;
};

# A store that knows nothing of uploads: another stack's, in a bucket of its own.
subtest 'with a foreign store' => sub {
    my $s3 = MediaNest::S3->new($mn);
    is $s3->request(PUT => '/foreign')->{status}, 200, 'its bucket';
    my $home = MediaNest::Test->stack(set => { 'storage.embedded' => 'false',
        'storage.endpoint' => $mn->{status}{storageEndpoint}, 'storage.ca_file' => $mn->{ca},
        'storage.bucket' => 'foreign', 'storage.access_key' => $mn->{status}{storageAccessKey},
        'storage.secret_key' => $mn->{status}{storageSecretKey} });
    my $ann = person(1000, $home);
    my $has = sub { $s3->request(HEAD => "/foreign/incoming/$_[0]{uploadId}")->{status} };
    my $u = begin($ann, 641);
    abort($ann, $u);
    is send_whole($u, 641), 200, 'an aborted upload can still be written';
    is code(initiate($ann, 641)), '413 quota_exceeded', 'so it counts';
    upkeep_until($home, 'uploads', 'housekeeping', sub { $home->psql("SELECT count(*) FROM jobs"
        . " WHERE kind = 'upkeep.uploads' AND run_at > now()") });
    is code(initiate($ann, 641)), '413 quota_exceeded', 'as long as its URL is good';
    $home->psql("UPDATE uploads SET expires_at = now() - interval '1 s' WHERE held");
    upkeep_until($home, 'uploads', 'its object to be removed', sub { $has->($u) == 404 });
    wait_until { initiate($ann, 641)->{status} == 201 } 20, 'room';
    $ann = person(1000, $home);
    $u = begin($ann, 651);
    is send_whole($u, 651), 200, 'a file arrives';
    is complete($ann, $u)->{status}, 202, 'complete';
    $ann->wait_media($u->{mediaId});
    is initiate($ann, 349)->{status}, 201, 'it counts once';
    is $ann->api(DELETE => "/api/media/$u->{mediaId}?purge=true")->{status}, 204, 'it is purged';
    is send_whole($u, 651), 200, 'and written again';
    is code(initiate($ann, 651)), '413 quota_exceeded', 'so it still counts';
};

done_testing();
