#!/usr/bin/perl
# Archives of many items: what is in them, whose they are, and what happens to them when items,
# people, the worker or the store go meanwhile.
use strict;
use utf8;
use warnings;
use Digest::SHA qw(sha256_hex);
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use JSON::PP;
use MediaNest::Faults qw(stack_behind);
use MediaNest::Processes;
use MediaNest::S3;
use MediaNest::Sequence qw(hold);
use MediaNest::Test;
use Test::More;

use constant { SETTLE => 60, PART => 8 << 20, RUNNER_KB_MAX => 64 << 10 };

# A store that waits for a gate below must not be hurried.
my ($mn, $proxy) = stack_behind(['storage'], set => { 'worker.poll' => 100,
    'downloads.max_count' => 3, 'database.timeout' => 30000 });
my $s3 = MediaNest::S3->new($mn);
my $bucket = $mn->{status}{storageBucket} // 'medianest';
my $dir = tempdir(CLEANUP => 1);
my %who = (super => $mn->admin, map { $_ => $mn->user(role => 'user') } qw(ann bob));
my %id = map { $_ => $who{$_}->api(GET => '/api/auth/session')->{json}{user}{id} } keys %who;

sub quoted { my ($text) = @_; $text =~ s/'/''/g; return "'$text'" }
sub uuid { return scalar $mn->psql('SELECT gen_random_uuid()') }

# An item as the worker leaves it, with its file. name: SQL of a text.
sub item {
    my ($bytes, %m) = @_;
    my $media = uuid();
    my $key = "original/$media/" . uuid();
    my %row = (owner => 'ann', name => "'a.jpg'", status => 'ready', taken => 'NULL',
        local => 'NULL', visibility => 'private', %m);
    my $r = $s3->request(PUT => "/$bucket/$key", body => $bytes);
    $r->{status} == 200 or die "put: $r->{status} $r->{content}";
    $mn->psql("INSERT INTO media (id, owner_id, kind, title, filename, status, visibility, size, "
        . "object_key, taken_at, taken_local, file_modified_at) VALUES ('$media', "
        . "'$id{$row{owner}}', 'image', 'item', $row{name}, '$row{status}', '$row{visibility}', "
        . length($bytes) . ", '$key', $row{taken}, $row{local}, '2020-02-03T04:05:06Z')");
    return $media;
}

sub ask { my ($person, %body) = @_;
    return $who{$person}->api(POST => '/api/media/downloads', \%body) }
sub get { my ($person, $download) = @_;
    return $who{$person}->api(GET => "/api/media/downloads/$download") }
sub remove { my ($person, $download) = @_;
    return $who{$person}->api(DELETE => "/api/media/downloads/$download") }
sub ended {
    my ($person, $download) = @_;
    my $r;
    wait_until { $r = get($person, $download)->{json}; $r->{status} =~ /^(?:ready|failed)$/ }
        SETTLE, "the archive $download";
    return $r;
}

# What Python's zipfile sees: names with their times, flags, methods and checksums.
sub listed {
    my ($file) = @_;
    my $said = MediaNest::Test::run_output('python3', '-c', <<'PY', $file);
import sys, json, zipfile, hashlib, struct
zip = zipfile.ZipFile(sys.argv[1])
def instant(extra):
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack('<HH', extra[at:at + 4])
        if kind == 0x5455:
            return struct.unpack('<i', extra[at + 5:at + 9])[0]
        at += 4 + size
print(json.dumps({i.filename: [hashlib.sha256(zip.read(i)).hexdigest(), list(i.date_time),
    instant(i.extra), bool(i.flag_bits & 0x800), i.compress_type] for i in zip.infolist()}))
PY
    return decode_json($said);
}

sub fetched {
    my ($person, $asked) = @_;
    is($asked->{status}, 202, 'an archive is asked for') or diag $asked->{content};
    my $made = ended($person, $asked->{json}{id});
    is($made->{status}, 'ready', 'it is made') or diag explain $made;
    my $r = $mn->client->request(GET => $made->{url}, undef, {});
    is($r->{status}, 200, '... and can be downloaded') or diag $r->{content};
    is(length $r->{content}, $made->{size}, '... as long as it says');
    open my $out, '>:raw', "$dir/a.zip" or die $!;
    print $out $r->{content};
    close $out;
    my $said = MediaNest::Test::run_output('unzip', '-tq', "$dir/a.zip");
    is($?, 0, '... and is whole') or diag $said;
    return (listed("$dir/a.zip"), $made, $r);
}

sub left { return $mn->psql("SELECT key FROM objects WHERE key LIKE 'download/%' UNION ALL "
    . "SELECT 'parts of ' || key FROM object_uploads WHERE key LIKE 'download/%'") }

sub forget {
    for my $person (@_) {
        my $r = $who{$person}->api(GET => '/api/media/downloads');
        remove($person, $_->{id}) for @{ $r->{json}{items} };
    }
    wait_until { my @left = left(); return !@left } SETTLE, 'an empty store';
}

subtest 'a selection' => sub {
    my @items = (item('one', taken => "'2024-07-01T10:30:00Z'", local => "'2024-07-01T12:30:00'"),
        item('two', name => "'A.JPG'"), item('three', name => "'../x/..\\y.jpg'"),
        item('four', name => "E'u\\u0308ber \\u5c71.jpg'"), item('five', name => "'con.txt'"),
        item('', name => "'empty.jpg'"));
    my ($zip, $made, $r) = fetched('ann', ask('ann', ids => \@items));
    is_deeply([sort keys %$zip], [sort 'a.jpg', 'A (2).JPG', '.._x_.._y.jpg', "über 山.jpg",
        '_con.txt', 'empty.jpg'], 'the names, clean and each once') or diag explain $zip;
    is($zip->{'A (2).JPG'}[0], sha256_hex('two'), 'each with its own bytes');
    is($zip->{'empty.jpg'}[0], sha256_hex(''), '... an empty one too');
    is_deeply($zip->{'a.jpg'}[1], [2024, 7, 1, 12, 30, 0], 'the wall clock of when it was taken');
    is($zip->{'a.jpg'}[2], 1719829800, '... and the instant');
    is_deeply($zip->{'_con.txt'}[1], [2020, 2, 3, 4, 5, 6], 'else the time of the file');
    is_deeply([map { $_->[4] } values %$zip], [(0) x 6], 'stored, not compressed');
    ok($zip->{"über 山.jpg"}[3], 'names are marked as UTF-8');
    is_deeply([@$made{qw(items leftOut progress bytesDone)}], [6, 0, 100, $made->{bytes}],
        'its figures');
    like($made->{title}, qr/^MediaNest \d{4}-\d\d-\d\d$/, 'a selection is named by the day');
    like($r->{headers}{'content-disposition'}, qr/^attachment; filename="MediaNest/,
        '... and so is the file');
    ok($made->{urlExpiresAt} lt $made->{expiresAt}, 'its URL ends sooner than itself');
    is($who{$_}->api(GET => "/api/media/downloads/$made->{id}")->{status}, 404,
        "$_ does not see it") for qw(bob super);
    is(remove('super', $made->{id})->{status}, 404, '... and cannot remove it');
    is(scalar @{ $who{super}->api(GET => '/api/media/downloads')->{json}{items} }, 0,
        'lists are of one person');
    is(remove('ann', $made->{id})->{status}, 204, 'it is removed');
    is(get('ann', $made->{id})->{status}, 404, '... at once');
    ok(eval { wait_until { my @left = left(); return !@left } SETTLE }, '... and its object') or
        diag left();
};

subtest 'an album' => sub {
    my @items = (item('own'), item('of bob', owner => 'bob'), item('hidden', owner => 'bob'));
    my $album = $who{bob}->api(POST => '/api/media/collections', { title => 'Sea / Sun',
        items => [@items[1, 2]], shared => [{ userId => $id{ann}, may => 'add' }] })->{json}{id};
    $who{ann}->api(POST => "/api/media/collections/$album/items", { add => [$items[0]] });
    my ($zip, $made) = fetched('ann', ask('ann', collectionId => $album));
    is_deeply([sort keys %$zip], ['Sea _ Sun/a (2).jpg', 'Sea _ Sun/a (3).jpg',
        'Sea _ Sun/a.jpg'], 'a folder with all that the album gives') or diag explain $zip;
    is($made->{title}, 'Sea / Sun', 'named as the album');
    is(ask('super', collectionId => uuid())->{status}, 404, 'an unknown album');
    is(ask('ann', ids => [uuid()])->{json}{code}, 'nothing_to_download', 'an unknown item');
    is(ask('ann', ids => [item('x', owner => 'bob')])->{json}{code}, 'nothing_to_download',
        '... is the same as one that is not seen');
    is(ask('ann', ids => [$items[0]], collectionId => $album)->{status}, 400, 'not both');
    is(ask('ann')->{status}, 400, '... nor neither');
    forget('ann');
};

subtest 'a live photo' => sub {
    my @items = (item('picture', name => "'l.heic'"), item('clip', name => "'l.mov'"));
    $mn->psql("UPDATE media SET content_id = 'c' WHERE id IN ('$items[0]', '$items[1]');"
        . "UPDATE media SET kind = 'video', parent_id = '$items[0]' WHERE id = '$items[1]'");
    my ($zip) = fetched('ann', ask('ann', ids => [$items[0]]));
    is_deeply([sort keys %$zip], ['l.heic', 'l.mov'], 'comes with its clip');
    forget('ann');
};

subtest 'what goes meanwhile' => sub {
    my ($kept, $gone, $trashed, $lost, $short) = map { item($_, name => "'$_.jpg'") }
        qw(kept gone trashed lost short);
    my $unshared = item('unshared', owner => 'bob', visibility => 'house');
    my $remote = item('remote', name => "'remote.mkv'");
    $mn->psql("UPDATE media SET object_key = NULL WHERE id = '$remote'");
    $mn->stop_part('worker');
    my $asked = ask('ann', ids => [$kept, $gone, $trashed, $lost, $short, $unshared, $remote]);
    is(ask('ann', ids => [$remote, $kept, $gone, $trashed, $lost, $short, $unshared, $kept])
        ->{json}{id}, $asked->{json}{id}, 'the same again is the same archive');
    is($asked->{json}{items}, 7, 'all of them were asked for');
    is($who{ann}->api(DELETE => "/api/media/$gone?purge=true")->{status}, 403, 'no right');
    is($who{super}->api(DELETE => "/api/media/$gone?purge=true")->{status}, 204, 'one is purged');
    is($who{ann}->api(POST => "/api/media/$trashed/trash", {})->{status}, 200, 'one is trashed');
    is($who{bob}->api(PATCH => "/api/media/$unshared", { visibility => 'private' })->{status}, 200,
        'one is hidden');
    my ($key) = $mn->psql("SELECT object_key FROM media WHERE id = '$lost'");
    is($s3->request(DELETE => "/$bucket/$key")->{status}, 204, 'one is lost');
    $mn->psql("UPDATE media SET size = 100 WHERE id = '$short'");
    $mn->start_part('worker');
    my ($zip, $made) = fetched('ann', $asked);
    is_deeply([sort keys %$zip], ['Left out.txt', 'kept.jpg'], 'the rest is there');
    is($made->{leftOut}, 6, 'what is not is counted');
    my $list = MediaNest::Test::run_output('unzip', '-p', "$dir/a.zip", 'Left out.txt');
    like($list, qr/$_/, 'the list') for qr/^lost\.jpg: its file is missing/m,
        qr/^short\.jpg: its file is damaged/m, qr/^remote\.mkv: its file is not on this/m,
        qr/^3 items that you can no longer see/m;
    unlike($list, qr/unshared|trashed|gone/, '... has no names that are nobody’s business');
    $mn->stop_part('worker');
    $asked = ask('ann', ids => [$kept]);
    $who{ann}->api(POST => "/api/media/$kept/trash", {});
    $mn->start_part('worker');
    $made = ended('ann', $asked->{json}{id});
    is_deeply([$made->{status}, $made->{failure}{code}], ['failed', 'nothing_to_download'],
        'nothing is left of it');
    forget('ann');
};

subtest 'limits' => sub {
    my @items = map { item("item $_") } 1 .. 4;
    my @asked = map { ask('ann', ids => [$_]) } @items;
    is_deeply([map { $_->{status} } @asked], [202, 202, 202, 409], 'so many at once');
    is($asked[3]{json}{code}, 'too_many_downloads', '... says why');
    ended('ann', $asked[0]{json}{id});
    remove('ann', $asked[0]{json}{id});
    is(ask('ann', ids => [$items[3]])->{status}, 202, 'a removed one makes room');
    is($who{super}->api(PATCH => '/api/admin/settings', { 'downloads.max_size' => 30 })->{status},
        200, 'a small limit');
    my $large = item('x' x 31);
    my $refused;
    wait_until { ($refused = ask('bob', ids => [item('x' x 31, owner => 'bob')]))->{status} == 422 }
        SETTLE, 'the limit';
    is($refused->{json}{code}, 'download_too_large', 'too large for any');
    is(ask('bob', ids => [item('x' x 20, owner => 'bob')])->{status}, 202, 'one that fits');
    is(ask('bob', ids => [item('x' x 20, owner => 'bob')])->{json}{code}, 'too_many_downloads',
        'too large beside the other');
    $who{super}->api(PATCH => '/api/admin/settings', { 'downloads.max_size' => 50_000_000_000 });
    wait_until { my $r = ask('bob', ids => [$items[0], item('x' x 31, owner => 'bob')]);
        $r->{status} == 202 } SETTLE, 'the old limit';
    forget(qw(ann bob));
};

sub run_now { return is($mn->run_periodic($_[0]), '', "housekeeping: $_[0]") }

subtest 'their time' => sub {
    my @made = map { ended('ann', ask('ann', ids => [item("item $_")])->{json}{id}) } 1 .. 2;
    my $stray = 'download/' . uuid() . '/' . uuid();
    $s3->request(PUT => "/$bucket/$stray", body => 'bytes');
    $s3->request(POST => "/$bucket/$stray", query => { uploads => '' });
    $mn->psql("UPDATE downloads SET expires_at = now() WHERE id = '$made[0]{id}'");
    run_now('upkeep.downloads');
    is(get('ann', $made[0]{id})->{status}, 404, 'one past its time is gone');
    my @left = left();
    is_deeply([map { (split m{/})[1] } @left], [$made[1]{id}],
        '... with its object, and what no row has');
    is($mn->client->request(GET => get('ann', $made[1]{id})->{json}{url}, undef, {})->{status},
        200, 'the other one stays');
    my $carl = $mn->user(role => 'user');
    ($who{carl}, $id{carl}) = ($carl, $carl->{id});
    ended('carl', ask('carl', ids => [item('of carl', owner => 'carl')])->{json}{id});
    $mn->stop_part('worker');
    my $waiting = ask('carl', ids => [item('another', owner => 'carl')]);
    is($waiting->{status}, 202, 'one waits');
    is($who{super}->api(PATCH => "/api/users/$id{carl}", { status => 'disabled' })->{status}, 200,
        'its person is disabled');
    $mn->start_part('worker');
    wait_until { $mn->psql("SELECT count(*) FROM jobs WHERE kind = 'download.build' AND state <> "
        . "'done'") == 0 } SETTLE, 'the job';
    run_now('upkeep.downloads');
    is($mn->psql("SELECT count(*) FROM downloads WHERE user_id = '$id{carl}'"), 0,
        'they have nothing any more');
    @left = left();
    is(scalar @left, 1, '... nor has the store');
    forget('ann');
};

# Parts are sent through a gate: of a part with this number the store waits for the advisory lock.
$mn->psql(q{CREATE TABLE part_gate (number integer); GRANT SELECT ON part_gate TO medianest_store;
    CREATE FUNCTION part_wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF EXISTS (SELECT FROM part_gate g WHERE g.number = NEW.number) THEN
            PERFORM pg_advisory_xact_lock(4242);
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER part_wait BEFORE INSERT ON object_parts FOR EACH ROW
    EXECUTE FUNCTION part_wait()});
sub gate {
    my ($number) = @_;
    $mn->psql("DELETE FROM part_gate; INSERT INTO part_gate VALUES ($number)");
    return hold($mn, 'SELECT pg_advisory_xact_lock(4242)');
}
sub at_gate {
    return wait_until { $mn->psql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND "
        . 'NOT granted') } SETTLE, 'a part at the gate';
}
sub random_bytes { my ($n) = @_; open my $in, '<:raw', '/dev/urandom' or die $!;
    my $bytes; read $in, $bytes, $n; return $bytes }

my @large = map { item(random_bytes(PART + 12345), name => "'large $_.bin'") } 1 .. 3;

subtest 'in the middle: memory, progress, and a worker that is killed' => sub {
    my $open = gate(3);
    my $asked = ask('ann', ids => \@large)->{json};
    at_gate();
    my $now = get('ann', $asked->{id})->{json};
    is($now->{status}, 'running', 'it runs');
    cmp_ok($now->{progress}, '>', 0, 'its progress shows');
    my @kb = map { MediaNest::Processes::slurp("/proc/$_/status") =~ /^VmHWM:\s+(\d+)/m ? $1 : 0 }
        MediaNest::Processes::tree($mn->pid('worker'));
    my ($most) = sort { $b <=> $a } @kb;
    cmp_ok($most, '<', RUNNER_KB_MAX, 'no process of the worker has more than 64 MiB')
        unless $ENV{ASAN_OPTIONS};
    diag "largest process of the worker: $most kB";
    $mn->kill_part('worker');
    $open->();
    my ($zip, $made) = fetched('ann', { status => 202, json => $asked });
    is(scalar keys %$zip, 3, 'it was begun again and is complete');
    is($mn->psql("SELECT count(*) FROM object_uploads WHERE key LIKE 'download/%'"), 0,
        'no parts are left');
    is($mn->psql("SELECT count(*) FROM objects WHERE key LIKE 'download/%'"), 1, 'one object');
    forget('ann');
};

subtest 'cancelled in the middle' => sub {
    my $open = gate(2);
    my $asked = ask('ann', ids => \@large)->{json};
    at_gate();
    is(remove('ann', $asked->{id})->{status}, 204, 'it is cancelled');
    is(get('ann', $asked->{id})->{status}, 404, '... at once');
    $open->();
    wait_until { $mn->psql("SELECT count(*) FROM jobs WHERE kind LIKE 'download.%' AND state IN "
        . "('available', 'running')") == 0 } SETTLE, 'the end of the job';
    is_deeply([left()], [], 'nothing is left in the store');
    is($mn->psql("SELECT count(*) FROM jobs WHERE kind = 'download.build' AND state <> 'done'"), 0,
        'nothing has failed');
};

# Of a job that waits for its next attempt.
sub hurry {
    my ($id) = @_;
    wait_until { $mn->psql("SELECT count(*) FROM jobs WHERE payload->>'downloadId' = '$id' AND "
        . "state = 'available' AND last_error IS NOT NULL") } SETTLE, 'a failed attempt';
    my $why = $mn->psql("SELECT last_error FROM jobs WHERE payload->>'downloadId' = '$id'");
    $mn->psql("UPDATE jobs SET run_at = now() WHERE payload->>'downloadId' = '$id';"
        . "NOTIFY mn_jobs, 'downloads'");
    return $why;
}

subtest 'an item that is purged while it is read' => sub {
    my @items = (item(random_bytes(PART + 12345), name => "'purged.bin'"), $large[0]);
    my $open = gate(1);
    my $asked = ask('ann', ids => \@items)->{json};
    at_gate();
    is($who{super}->api(DELETE => "/api/media/$items[0]?purge=true")->{status}, 204, 'purged');
    wait_until { $mn->psql("SELECT count(*) FROM objects WHERE key LIKE 'original/$items[0]/%'")
        == 0 } SETTLE, 'the end of its file';
    $open->();
    hurry($asked->{id});
    my ($zip, $made) = fetched('ann', { status => 202, json => $asked });
    is_deeply([sort keys %$zip], ['Left out.txt', 'large 1.bin'], 'the archive is begun again');
    forget('ann');
};

subtest 'a person who is disabled while theirs is made' => sub {
    my $dora = $mn->user(role => 'admin');
    ($who{dora}, $id{dora}) = ($dora, $dora->{id});
    my $item = item(random_bytes(2 * PART), owner => 'dora');
    my $open = gate(1);
    ask('dora', ids => [$item]);
    at_gate();
    is($who{super}->api(PATCH => "/api/users/$id{dora}", { status => 'disabled' })->{status}, 200,
        'disabled');
    $open->();
    wait_until { $mn->psql("SELECT count(*) FROM downloads WHERE user_id = '$id{dora}'") == 0 }
        SETTLE, 'its end';
    is_deeply([left()], [], 'nothing is left of it');
};

subtest 'a store that does not answer' => sub {
    $mn->psql('DELETE FROM part_gate');
    $proxy->fault(refuse => 1);
    my $asked = ask('ann', ids => [$large[0]])->{json};
    wait_until { $mn->psql("SELECT last_error FROM jobs WHERE payload->>'downloadId' = "
        . "'$asked->{id}'") } SETTLE, 'a failed attempt';
    $proxy->heal;
    like(hurry($asked->{id}), qr/^storage_unavailable/, 'is a failed attempt');
    my ($zip, $made) = fetched('ann', { status => 202, json => $asked });
    is($made->{leftOut}, 0, 'nothing was left out because of it');
    forget('ann');
};

subtest 'a store that restarts' => sub {
    my $open = gate(1);
    my $asked = ask('ann', ids => [$large[0]])->{json};
    at_gate();
    $proxy->fault(refuse => 1);
    $open->();
    wait_until { $proxy->count->{connections} > 0 } SETTLE, 'a connection that ends at once';
    $proxy->heal;
    my ($zip, $made) = fetched('ann', { status => 202, json => $asked });
    is($mn->psql("SELECT attempt FROM jobs WHERE payload->>'downloadId' = '$asked->{id}'"), 1,
        'does not make the archive begin again');
    forget('ann');
};

subtest 'given up' => sub {
    $proxy->fault(refuse => 1);
    my $asked = ask('ann', ids => [$large[0]])->{json};
    my $of = "payload->>'downloadId' = '$asked->{id}'";
    $mn->psql("UPDATE jobs SET max_attempts = 1 WHERE $of");
    is(ended('ann', $asked->{id})->{failure}{code}, 'processing_error', 'it has failed');
    $proxy->heal;
    my ($job) = $mn->psql("SELECT id FROM jobs WHERE $of");
    is($who{super}->api(POST => "/api/admin/jobs/$job/retry")->{status}, 200,
        'an operator tries again');
    my ($zip, $made) = fetched('ann', { status => 202, json => $asked });
    is($made->{leftOut}, 0, 'it is complete');
    forget('ann');
};

subtest 'zip64' => sub {
    my $tool = MediaNest::Test::build_directory() . '/t/tools/zip-many';
    my $file = "$dir/many.zip";
    my $said = MediaNest::Test::run_output($tool, $file, 66_000, 1 << 20);
    is($?, 0, '66 000 files') or diag $said;
    is(MediaNest::Test::run_output('python3', '-c', 'import sys, zipfile; '
        . 'z = zipfile.ZipFile(sys.argv[1]); print(len(z.infolist()), z.testzip())', $file),
        "66002 None\n", 'all of them are there');
};

done_testing;
