#!/usr/bin/perl
# What people are told of shares and of archives that are ready, and that nothing is told of what
# was taken back; archives that hold what their person may not have any more.
use strict;
use utf8;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use MediaNest::S3;
use MediaNest::Smtp;
use MediaNest::Test;
use MediaNest::WebSocket;
use Test::More;

use constant WAIT => 30;

my $smtp = MediaNest::Smtp->start;
my $mn = MediaNest::Test->stack(set => { $smtp->settings, 'notifications.group_seconds' => 600,
    'worker.poll' => 200 });
my $s3 = MediaNest::S3->new($mn);
my $bucket = $mn->{status}{storageBucket} // 'medianest';
my $admin = $mn->admin;

sub uuid { return scalar $mn->psql('SELECT gen_random_uuid()') }

# A person, by a name of their own.
sub person {
    my ($name, %with) = @_;
    my $who = $mn->user(role => 'user', %with);
    $who->api(PATCH => '/api/users/me', { displayName => $name })->{status} == 200 or die $name;
    return $who;
}

# A ready item with its file.
sub item {
    my ($who, $title) = @_;
    my ($media, $key) = (uuid(), 'original/' . uuid() . '/' . uuid());
    $s3->request(PUT => "/$bucket/$key", body => $title)->{status} == 200 or die 'put';
    $mn->psql("INSERT INTO media (id, owner_id, kind, title, filename, status, size, object_key)
        VALUES ('$media', '$who->{id}', 'image', '$title', '$title.jpg', 'ready', "
        . length($title) . ", '$key')");
    return $media;
}

sub done { my ($r, $status) = @_; is $r->{status}, $status, "status $status" or diag $r->{content};
    return $r->{json} }
sub album {
    my ($who, %body) = @_;
    return done($who->api(POST => '/api/media/collections', { kind => 'album', %body }), 201);
}
sub share { my ($who, $album, @people) = @_;
    return done($who->api(PATCH => "/api/media/collections/$album", {
        shared => [map { { userId => $_->[0]{id}, may => $_->[1] } } @people] }), 200) }
sub fill { my ($who, $album, @items) = @_;
    return done($who->api(POST => "/api/media/collections/$album/items", { add => \@items }), 200) }
sub give { my ($who, $media, @people) = @_;
    return done($who->api(PUT => "/api/media/$media/shares", {
        users => [map { $_->{id} } @people] }), 200) }

# The time of the open groups has come.
sub flush {
    $mn->psql("UPDATE jobs SET run_at = now() WHERE kind = 'notify.group'
        AND state = 'available'; NOTIFY mn_jobs, 'events'");
    wait_until { $mn->psql('SELECT count(*) FROM notification_groups') == 0 } WAIT,
        'groups to be told';
    return;
}
sub inbox { my ($who, $query) = @_;
    return done($who->api(GET => '/api/notifications' . ($query // '')), 200) }
sub titles { my ($who) = @_; return [map { $_->{title} } @{ inbox($who)->{items} }] }

# Nothing is told in any way: the list, what is unread, one note, a socket that comes late.
sub silent {
    my ($who, $why, $id) = @_;
    my $inbox = inbox($who);
    is_deeply $inbox->{items}, [], "$why: no note";
    is $inbox->{unread}, 0, '... none is unread';
    is $who->api(POST => "/api/notifications/$id/read")->{status}, 404, '... none can be opened'
        if $id;
    my $ws = MediaNest::WebSocket->open($who, after => 0);
    my ($event, @replayed);
    push @replayed, $event->{data}{notification} // ()
        while ($event = $ws->next(WAIT)) && $event->{type} ne 'resync';
    ok $event && !@replayed, '... and none is replayed';
    $ws->close;
    return;
}

subtest 'an album that is shared' => sub {
    my ($ada, $ben) = (person('Ada'), person('Ben'));
    my $album = album($ada, title => 'Summer')->{id};
    share($ada, $album, [$ben, 'view']);
    fill($ada, $album, map { item($ada, "s$_") } 1 .. 3);
    flush();
    my ($note, @more) = @{ inbox($ben)->{items} };
    is $note->{title}, 'Ada shared the album “Summer” with you', 'one note, with what is in it';
    is scalar @more, 0, '... and no other';
    is $note->{kind}, 'share.new', 'its kind';
    is $note->{data}{collectionId}, $album, '... leads to the album';
    is_deeply titles($ada), [], 'who shares hears nothing';

    share($ada, $album);
    silent($ben, 'not shared any more', $note->{id});
    share($ada, $album, [$ben, 'add']);
    flush();
    is_deeply titles($ben), ['Ada shared the album “Summer” with you'],
        'shared again: the same note';
    is inbox($ben)->{items}[0]{message}, 'You can add to it.', '... says what one may do';
    is $ben->api(POST => "/api/notifications/$note->{id}/read")->{status}, 200, 'it is read';

    fill($ben, $album, map { item($ben, "b$_") } 1 .. 40);
    fill($ben, $album, item($ben, 'b41'));
    fill($ada, $album, item($ada, 's4'));
    flush();
    is_deeply titles($ada), ['Ben added 41 photos to “Summer”'], 'one note for what one adds';
    is_deeply titles($ben), ['Ada added 1 photo to “Summer”',
        'Ada shared the album “Summer” with you'], '... to everybody else';
    done($ada->api(DELETE => "/api/media/collections/$album"), 204);
    silent($_, 'the album is gone') for $ada, $ben;
};

subtest 'taken back before it was told' => sub {
    my ($ada, $ben) = (person('Ada'), person('Ben'));
    my $album = album($ada, title => 'Secret', shared => [{ userId => $ben->{id},
        may => 'view' }])->{id};
    my $photo = item($ada, 'secret photo');
    give($ada, $photo, $ben);
    share($ada, $album);
    give($ada, $photo);
    flush();
    silent($ben, 'taken back');
};

subtest 'items' => sub {
    my ($ada, $ben) = (person('Ada'), person('Ben'));
    my @items = map { item($ada, "photo $_") } 1 .. 5;
    give($ada, $_, $ben) for @items;
    flush();
    my ($note, @more) = @{ inbox($ben)->{items} };
    is $note->{title}, 'Ada shared 5 photos with you', 'several are one note';
    is scalar @more, 0, '... alone';
    is_deeply [sort @{ $note->{data}{mediaIds} }], [sort @items], '... which leads to them';
    give($ada, $_, $ben) for @items;
    flush();
    is scalar @{ inbox($ben)->{items} }, 1, 'who has it already is not told again';
    done($ada->api(POST => "/api/media/$_/trash"), 200) for @items[0 .. 3];
    is scalar @{ inbox($ben)->{items} }, 1, 'some are left';
    done($ada->api(POST => "/api/media/$items[4]/trash"), 200);
    silent($ben, 'all are in the trash', $note->{id});
    done($ada->api(POST => "/api/media/$items[4]/restore"), 200);
    is scalar @{ inbox($ben)->{items} }, 1, 'restored';
    done($admin->api(PATCH => "/api/users/$ada->{id}", { status => 'disabled' }), 200);
    done($admin->api(DELETE => "/api/users/$ada->{id}?items=trash"), 204);
    silent($ben, 'the person who shared them is deleted');

    my $cleo = person('Cleo');
    my $one = item($cleo, 'One');
    give($cleo, $one, $ben);
    flush();
    is_deeply titles($ben), ['Cleo shared “One” with you'], 'one item is named';
    is inbox($ben)->{items}[0]{data}{mediaId}, $one, '... and opened';
    done($admin->api(DELETE => "/api/media/$one?purge=true"), 204);
    silent($ben, 'purged');
};

subtest 'rights, and preferences' => sub {
    my ($ada, $ben, $off) = (person('Ada'), person('Ben'), person('Off'));
    my $roles = done($admin->api(GET => '/api/admin/roles'), 200)->{roles};
    done($_->api(PUT => '/api/notifications/preferences', { kinds => { 'share.new' => {
        page => JSON::PP::false } } }), 200) for $off;
    done($ben->api(PUT => '/api/notifications/preferences', { kinds => { 'share.new' => {
        email => 'now' }, 'share.added' => { email => 'daily' } } }), 200);
    my $album = album($ada, title => 'Winter', shared => [map { { userId => $_->{id},
        may => 'view' } } $ben, $off])->{id};
    flush();
    is_deeply titles($off), [], 'a kind that is off';
    my @mails;
    wait_until { @mails = grep { $_->{to} eq $ben->{email} } $smtp->mails; @mails } WAIT, 'a mail';
    like $mails[0]{text}, qr{#/album\?id=\Q$album\E}, 'a mail leads to the album';
    is scalar @{ inbox($ben)->{items} }, 1, 'a note';
    done($admin->api(PUT => '/api/admin/roles', { roles => { %$roles,
        user => [grep { $_ ne 'media.read' } @{ $roles->{user} }] } }), 200);
    is_deeply titles($ben), [], 'nobody is told of what they may not look at';
    done($admin->api(PUT => '/api/admin/roles', { roles => $roles }), 200);
    is scalar @{ inbox($ben)->{items} }, 1, 'with the right it is back';

    # A mail that waits while the share is taken back.
    my $before = () = $smtp->mails;
    $mn->psql("INSERT INTO jobs (id, kind, queue, payload, run_at, max_attempts) SELECT
        gen_random_uuid(), 'mail.notes', 'mail', jsonb_build_object('userId', user_id, 'period',
        'now', 'notes', jsonb_build_array(jsonb_build_object('kind', kind, 'title', title,
        'message', message, 'data', data)), 'more', '[]'::jsonb), now() + interval '1 hour', 3
        FROM notifications WHERE user_id = '$ben->{id}'");
    share($ada, $album);
    $mn->psql("UPDATE jobs SET run_at = now() WHERE kind = 'mail.notes' AND state = 'available'");
    wait_until { $mn->psql("SELECT count(*) FROM jobs WHERE kind = 'mail.notes'
        AND state IN ('available', 'running')") == 0 } WAIT, 'the mail';
    is scalar(() = $smtp->mails), $before, 'it is not sent';
};

sub zip_of {
    my ($who, %body) = @_;
    my $id = done($who->api(POST => '/api/media/downloads', \%body), 202)->{id};
    my $d;
    wait_until { $d = $mn->psql("SELECT status FROM downloads WHERE id = '$id'");
        $d =~ /ready|failed/ } WAIT, 'the archive';
    is $d, 'ready', 'it is made';
    return $id;
}
sub stored { my ($id) = @_;
    return $mn->psql("SELECT count(*) FROM objects WHERE key LIKE 'download/$id/%'") }
sub outdated {
    my ($who, $id, $why) = @_;
    my $r = $who->api(GET => "/api/media/downloads/$id");
    is "$r->{status} $r->{json}{code}", '410 download_outdated', "$why: outdated";
    wait_until { stored($id) == 0 } WAIT, 'its bytes to go';
    my ($listed) = grep { $_->{id} eq $id } @{ done($who->api(GET => '/api/media/downloads'),
        200)->{items} };
    is "$listed->{status} $listed->{failure}{code}", 'failed download_outdated', 'the list says so';
    ok !$listed->{url}, '... and signs nothing';
    return;
}

subtest 'an archive holds what its person may have' => sub {
    my ($ada, $ben) = (person('Ada'), person('Ben'));
    my @items = map { item($ada, "z$_") } 1 .. 4;
    my $own = item($ben, 'own');
    give($ada, $_, $ben) for @items;
    my $zip = zip_of($ben, ids => [@items, $own]);
    my $d = done($ben->api(GET => "/api/media/downloads/$zip"), 200);
    ok $d->{url}, 'signed while it may be had';
    give($ada, $items[0]);
    outdated($ben, $zip, 'not shared any more');

    my $again = done($ben->api(POST => '/api/media/downloads', { downloadId => $zip }), 202);
    wait_until { ($d = $ben->api(GET => "/api/media/downloads/$again->{id}")->{json})->{status}
        eq 'ready' } WAIT, 'the rest';
    is $d->{items}, 4, 'made again, of the rest';
    is $ada->api(POST => '/api/media/downloads', { downloadId => $zip })->{status}, 404,
        'of nobody else\'s';

    done($ada->api(POST => "/api/media/$items[1]/trash"), 200);
    outdated($ben, $again->{id}, 'in the trash');

    $zip = zip_of($ben, ids => [@items[2, 3], $own]);
    is stored($zip), 1, 'its bytes are there';
    done($admin->api(DELETE => "/api/media/$items[2]?purge=true"), 204);
    wait_until { stored($zip) == 0 } WAIT, 'a purge to erase them, before anybody asks';
    outdated($ben, $zip, 'purged');

    my $cleo = person('Cleo');
    my $theirs = item($cleo, 'theirs');
    give($cleo, $theirs, $ben);
    my $left = zip_of($ben, ids => [$theirs, $own]);
    my $gone = zip_of($cleo, ids => [$theirs, item($cleo, 'x')]);
    done($admin->api(DELETE => "/api/users/$cleo->{id}?items=trash"), 204);
    outdated($ben, $left, 'the owner is deleted');
    $mn->psql("UPDATE jobs SET run_at = now() WHERE kind = 'upkeep.downloads'");
    wait_until { stored($gone) == 0 } WAIT, 'the archive of a deleted person';
};

subtest 'an archive that nobody waits for' => sub {
    my $ben = person('Ben');
    my @items = map { item($ben, "n$_") } 1 .. 2;
    my $zip = zip_of($ben, ids => \@items);
    flush();
    is_deeply titles($ben), ['Your download of 2 items is ready'], 'a note';
    is inbox($ben)->{items}[0]{data}{downloadId}, $zip, '... of it';
    $mn->psql("UPDATE downloads SET expires_at = now() - interval '1 second' WHERE id = '$zip'");
    silent($ben, 'expired');

    my $seen = zip_of($ben, ids => \@items);
    done($ben->api(GET => "/api/media/downloads/$seen"), 200);
    flush();
    is_deeply titles($ben), [], 'a page that waits for it needs no note';
};

subtest 'a link tells its address again' => sub {
    my $ada = person('Ada');
    my $made = done($ada->api(POST => '/api/media/links', { mediaId => item($ada, 'l') }), 201);
    my $again = done($ada->api(GET => "/api/media/links/$made->{id}"), 200);
    is $again->{url}, $made->{url}, 'the same address';
    ok !exists done($ada->api(GET => '/api/media/links'), 200)->{items}[0]{url}, 'not in lists';
    my ($token) = $made->{url} =~ /t=([\w-]{43})$/;
    is $mn->psql("SELECT count(*) FROM links l WHERE l.id = '$made->{id}'
        AND l.token_hash = sha256('$token') AND l::text NOT LIKE '%$token%'"), 1,
        'the database has a hash of it only';
    my $other = done($ada->api(POST => '/api/media/links', { mediaId => item($ada, 'l') }), 201);
    isnt $other->{url}, $made->{url}, 'each has its own';
    $mn->psql("UPDATE links SET token_hash = sha256('one of before') WHERE id = '$made->{id}'");
    $again = done($ada->api(GET => "/api/media/links/$made->{id}"), 200);
    ok !exists $again->{url}, 'one of before is not known';
    is $mn->client->api(GET => '/api/media/links/open/one%20of%20before')->{status}, 200,
        '... and goes on';
};

done_testing;
