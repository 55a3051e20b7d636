#!/usr/bin/perl
# Requests for titles through Overseerr: the settings and their test, who is who, asking in the
# right name, deciding, the last known state, and what Overseerr does wrong.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use MediaNest::Hooks;
use MediaNest::Overseerr;
use MediaNest::PlexServer;
use MediaNest::Test;
use Test::More;

use constant API => '/api/integrations/overseerr';
my ($o, $plex) = (MediaNest::Overseerr->start, MediaNest::PlexServer->start);
my $mn = MediaNest::Test->stack(set => { 'sync.minutes' => 0,
    'outbound.allow' => join ',', ({ $o->settings })->{'outbound.allow'}, $plex->allow });
my $admin = $mn->admin;
my ($ada, $bob) = ($mn->user, $mn->user);

sub code { my ($r) = @_; return "$r->{status} " . ($r->{json} ? $r->{json}{code} // '' : '') }
sub ask {
    my ($who, $id, %more) = @_;
    return $who->api(POST => API . '/requests', { mediaType => 'movie', tmdbId => $id, %more });
}
sub one { my ($who, $id) = @_; return $who->api(GET => API . "/requests/$id")->{json} }
sub list { my ($who, $query) = @_; return $who->api(GET => API . '/requests' . ($query // '')) }
sub put { return $admin->api(PUT => API, { url => $o->{url}, apiKey => $o->{key}, @_ }) }
sub notes {
    my ($who, $kind) = @_;
    return grep { $_->{kind} eq $kind }
        @{ $who->api(GET => '/api/notifications?limit=100')->{json}{items} };
}
# Asks Overseerr for everything, and waits until that is done.
sub refresh {
    $mn->psql("UPDATE jobs SET run_at = now() WHERE unique_key = 'every:requests.list'");
    $mn->psql("NOTIFY mn_jobs, 'requests'");
    my $before = $mn->psql('SELECT clock_timestamp()');
    wait_until(sub { $mn->psql("SELECT count(*) FROM jobs WHERE unique_key ="
        . " 'every:requests.list' AND state = 'available' AND run_at > now()") }, 20,
        'a refresh');
}
# The same, until the sub is content.
sub after_refresh {
    my ($sub, $what) = @_;
    refresh();
    return ok &wait_until($sub, 20, $what), $what;
}

$o->user(2, name => 'ada', plexId => 7, permissions => 32,
    quota => { movie => [6, 7], tv => [4, 7] });
$o->user(3, name => 'bob', permissions => 32);
$o->user(4, name => 'carl', permissions => 128 | 32);
$o->title(movie => $_, "Film $_", '1999-03-31') for 600 .. 640, 700 .. 739;
$o->title(tv => $_, "Series $_", '2022-02-18') for 90 .. 95;

subtest 'settings' => sub {
    is code($admin->api(GET => API)), '404 not_found', 'none is set up';
    is code(ask($ada, 603)), '404 not_found', 'nothing can be asked for';
    is code(list($ada)), '404 not_found', 'there is no list';
    my $try = sub {
        my $r = $admin->api(POST => API . '/test', {@_});
        return $r->{json}{code} // $r->{content};
    };
    my $good = $admin->api(POST => API . '/test', { url => "$o->{url}/", apiKey => $o->{key} });
    is_deeply $good->{json}, { ok => JSON::PP::true, code => 'ok', server => {
        version => '1.33.2' }, permissions => ['admin'],
        message => 'Overseerr responds and accepts the key.' }, 'a good address and key'
        or diag $good->{content};
    is $try->(url => $o->{url}, apiKey => 'wrong'), 'unauthorized',
        'the public status proves no key';
    is $try->(url => 'http://192.0.2.1:1', apiKey => 'x'), 'refused_address',
        'an address that is not allowed';
    $o->fault(html => 1);
    is $try->(url => $o->{url}, apiKey => $o->{key}), 'not_overseerr', 'a page of a proxy';
    $o->heal;
    $o->fault(mute => 1);
    is $try->(url => $o->{url}, apiKey => $o->{key}), 'unreachable', 'no answer';
    $o->heal;
    $o->user(1, name => 'admin', permissions => 32);
    my $weak = $admin->api(POST => API . '/test', { url => $o->{url}, apiKey => $o->{key} });
    is $weak->{json}{code}, 'unauthorized', 'a key whose owner may not manage';
    is_deeply $weak->{json}{permissions}, ['request'], 'and what the owner may';
    $o->user(1, name => 'admin', permissions => 2);
    is code($admin->api(PUT => API, { url => 'ftp://x', apiKey => 'x' })),
        '400 validation_failed', 'another scheme';
    is code($admin->api(PUT => API, { url => 'http://a:b@x', apiKey => 'x' })),
        '400 validation_failed', 'a sign-in in the address';
    is code($admin->api(PUT => API, { url => $o->{url} })), '400 validation_failed', 'no key';
    my $set = put();
    is $set->{status}, 200, 'set up' or diag $set->{content};
    is $set->{json}{apiKeySet}, JSON::PP::true, 'the key is set';
    unlike $set->{content}, qr/\Q$o->{key}\E/, 'and not shown';
    is code($admin->api(PUT => API, { url => 'http://192.0.2.1:1' })), '400 validation_failed',
        'the stored key goes to no other address';
    is code($admin->api(POST => API . '/test', { url => 'http://192.0.2.1:1' })),
        '400 validation_failed', 'not for a test either';
    is $try->(), 'ok', 'what is set up can be tried';
    is $admin->api(GET => API)->{json}{state}, 'ok', 'its state is known';
    is $mn->psql("SELECT api_key LIKE 'v1:%' FROM overseerr_settings"), 't', 'the key is sealed';
    is code($ada->api(PUT => API, { url => $o->{url} })), '403 forbidden', 'not by everybody';
};

subtest 'search' => sub {
    my $r = $ada->api(GET => API . '/search?q=film%20603');
    is_deeply $r->{json}, { page => { number => 1, pages => 1 }, items => [
        { mediaType => 'movie', tmdbId => 603, title => 'Film 603', year => 1999,
        overview => 'About it.', status => 'unknown' } ] },
        'films and series, no people, no pictures of others' or diag $r->{content};
    my $add = sub {
        my ($title, $kind, $visibility, $tmdb) = @_;
        $mn->psql("INSERT INTO media (id, source, kind, title, status, visibility, external_ids,"
            . " asset_prefix, assets) VALUES (gen_random_uuid(), 'plex', '$kind', '$title',"
            . " 'ready', '$visibility', '{\"tmdb\": \"$tmdb\"}', 'media/$title',"
            . " '{320.webp}')");
    };
    $add->('hidden', 'movie', 'shared', 606);
    $add->('series', 'show', 'house', 603);
    $add->('film', 'movie', 'house', 603);
    my $poster = sub {
        $ada->api(GET => API . "/search?q=film%20$_[0]")->{json}{items}[0]{posterUrl} // '' };
    like $poster->(603), qr{^https://127[^/]+/medianest/media/film/320\.webp\?},
        'the poster of what is in the house is ours';
    is $poster->(606), '', 'nobody learns that an item is there by its poster';
};

subtest 'who is who' => sub {
    is code(ask($ada, 603)), '409 not_linked', 'nobody is linked';
    $mn->psql("UPDATE users SET plex_id = '7' WHERE id = '$ada->{id}'");
    my $r = ask($ada, 603);
    is $r->{status}, 201, 'a linked Plex account is found at once' or diag $r->{content};
    is $r->{json}{requestedBy}{userId}, $ada->{id}, 'in her name';
    like $r->{json}{posterUrl}, qr{/media/film/320\.webp\?}, 'with our poster';
    is_deeply [ @{ $r->{json} }{qw(title year status tmdbId)} ],
        [ 'Film 603', 1999, 'pending', 603 ], 'as it is known';
    my ($post) = grep { $_->{method} eq 'POST' && $_->{path} eq '/request' } @{ $o->requests };
    is $post->{user}, 2, 'X-API-User is sent';
    ok !exists $post->{body}{userId}, 'no user id is in the body';
    is scalar(notes($admin, 'request.created')), 1, 'admins hear of it';
    is scalar(notes($ada, 'request.created')), 0, 'she does not';
    my $people = $admin->api(GET => API . '/people')->{json};
    my ($her) = grep { $_->{userId} eq $ada->{id} } @{ $people->{items} };
    is_deeply [ @$her{qw(overseerrId by)} ], [ 2, 'plex' ], 'by Plex';
    is_deeply [ sort map { $_->{overseerrId} } @{ $people->{candidates} } ], [ 1 .. 4 ],
        'the users there';
    unlike encode_json($people->{candidates}), qr/\@/, 'without their addresses';
    is code($admin->api(PUT => API . "/people/$bob->{id}", { overseerrId => 99 })),
        '404 not_found', 'a user that is not there';
    is code($admin->api(PUT => API . "/people/$bob->{id}", { overseerrId => 2 })),
        '409 overseerr_taken', 'a user of somebody else';
    is $admin->api(PUT => API . "/people/$bob->{id}", { overseerrId => 3 })->{status}, 200,
        'an admin says it';
    is ask($bob, 604)->{status}, 201, 'then he can ask';
};

subtest 'once' => sub {
    my $again = ask($ada, 603);
    is $again->{status}, 200, 'the same again is the request that is there';
    is code(ask($bob, 603)), '409 already_requested', "somebody else's";
    my ($theirs) = grep { $_->{tmdbId} == 603 } values %{ $o->state->{requests} };
    is $theirs->{by}, 2, 'it stays hers';
    my $tv = ask($ada, 90, mediaType => 'tv', seasons => [ 1, 2, 3 ]);
    is $tv->{status}, 201, 'seasons' or diag $tv->{content};
    is_deeply $tv->{json}{seasons}, [ 1, 2, 3 ], 'which ones';
    is code(ask($bob, 90, mediaType => 'tv')), '409 no_seasons_left', 'nothing is left';
    is code(ask($ada, 90, seasons => [1])), '400 validation_failed', 'a film has no seasons';
};

subtest 'refusals' => sub {
    my $r = ask($ada, 91, mediaType => 'tv', seasons => [ 1, 2 ]);
    is code($r), '403 quota_reached', 'a quota of seasons' or diag $r->{content};
    like $r->{json}{detail}, qr/until 20\d\d-\d\d-\d\d/, 'until when';
    my $week = 7 * 86400;
    ok $r->{json}{retryAfter} > $week - 600 && $r->{json}{retryAfter} <= $week + 1,
        'and in seconds';
    my ($later) = grep { $_->{tmdbId} == 91 } @{ list($ada)->{json}{items} };
    is_deeply [ $later->{status}, $later->{failure}{code} ], [ 'failed', 'quota_reached' ],
        'it stays in the list as a failure';
    like $later->{failure}{retryAt} // '', qr/^20\d\d-\d\d-\d\dT/, 'with the time to ask again';
    is $later->{failure}{message}, $r->{json}{detail}, 'and the reason';
    is code($admin->api(POST => API . "/requests/$later->{id}/approve")), '409 conflict',
        'there is nothing to approve';
    is code(ask($ada, 91, mediaType => 'tv', seasons => [ 1, 2 ])), '403 quota_reached', 'again';
    is scalar(grep { $_->{tmdbId} == 91 } @{ list($ada)->{json}{items} }), 1, 'is one entry';
    $o->user(2, quota => { movie => [ 6, 7 ], tv => [ 9, 7 ] });
    is ask($ada, 91, mediaType => 'tv', seasons => [ 1, 2 ])->{status}, 201, 'there is room';
    is_deeply [ map { $_->{status} } grep { $_->{tmdbId} == 91 } @{ list($ada)->{json}{items} } ],
        ['pending'], 'and the failure is gone';
    $o->user(2, quota => { movie => [ 6, 7 ], tv => [ 4, 7 ] });
    is code(ask($ada, 91, mediaType => 'tv', seasons => [ 1 .. 5 ])), '403 quota_reached',
        'more than it ever allows';
    $o->user(3, permissions => 0);
    is code(ask($bob, 605)), '403 request_refused', 'a permission';
    $o->user(3, permissions => 32);
    is_deeply [ grep { $_->{tmdbId} == 605 } @{ list($bob)->{json}{items} } ], [],
        'what was refused is not in the list';
};

subtest 'in the wrong name' => sub {
    for my $fault (qw(deaf approves)) {
        $o->fault($fault => 1);
        my $r = ask($bob, 610);
        is code($r), '502 acting_failed', "$fault: seen" or diag $r->{content};
        is_deeply [ grep { $_->{tmdbId} == 610 } values %{ $o->state->{requests} } ], [],
            "$fault: taken back";
        $o->heal;
    }
    is scalar(notes($admin, 'alert.raised')), 2, 'admins are told';
    my $open = sub { scalar grep { $_->{rule} eq 'wrong_name' }
        @{ $admin->api(GET => '/api/admin/alerts?state=raised&limit=100')->{json}{items} } };
    is $open->(), 2, 'by an alert for each request';
    $o->fault(deaf => 1, keeps => 1);
    like ask($bob, 611)->{json}{detail}, qr/could not be taken back/, 'that failed, and it says so';
    $o->heal;
    my ($kept) = grep { $_->{tmdbId} == 611 } values %{ $o->state->{requests} };
    $o->remove($kept->{id});
    $admin->api(PUT => API . "/people/$bob->{id}", { overseerrId => 4 });
    is ask($bob, 612)->{json}{status}, 'approved', 'who may approve himself is believed';
    is $open->(), 0, 'a request in the right name ends the alerts';
    ok scalar(notes($admin, 'alert.cleared')) >= 2, 'which is told';
    $admin->api(PUT => API . "/people/$bob->{id}", { overseerrId => 3 });
};

subtest 'deciding' => sub {
    my $id = ask($ada, 620)->{json}{id};
    is code($ada->api(POST => API . "/requests/$id/approve")), '403 forbidden', 'not by everybody';
    my $r = $admin->api(POST => API . "/requests/$id/decline", { reason => 'On disc.' });
    is_deeply [ @{ $r->{json} }{qw(status reason)} ], [ 'declined', 'On disc.' ], 'declined'
        or diag $r->{content};
    is one($ada, $id)->{reason}, 'On disc.', 'she can read why';
    my @told = notes($ada, 'request.declined');
    is scalar(@told), 1, 'and is told once';
    like $told[0]{message}, qr/On disc\.$/, 'with the reason';
    $r = $admin->api(POST => API . "/requests/$id/approve");
    is $r->{json}{status}, 'approved', 'approved after all';
    ok !exists $r->{json}{reason}, 'without the reason';
    is scalar(notes($ada, 'request.approved')), 1, 'told';
    my ($number) = $mn->psql("SELECT overseerr_id FROM requests WHERE id = '$id'");
    $o->request($number, status => 4);
    after_refresh(sub { one($ada, $id)->{status} eq 'failed' }, 'a failure comes by the refresh');
    is one($ada, $id)->{failure}{code}, 'download_failed', 'and what it is';
    is $admin->api(POST => API . "/requests/$id/retry")->{json}{status}, 'approved', 'retried';
    $o->request($number, status => 77, media => 99);
    refresh();
    is one($ada, $id)->{status}, 'approved', 'numbers of a newer version change nothing';
    $o->request($number, status => 2, media => 5);
    after_refresh(sub { one($ada, $id)->{status} eq 'available' }, 'available');
    refresh() for 1 .. 2;
    is scalar(notes($ada, "request.$_")), 1, "$_: told once" for qw(approved declined available);
    $o->fault(stuck => 1);
    is code($admin->api(POST => API . "/requests/$id/approve")), '502 upstream_failed',
        '404 for a decision is not absence';
    $o->heal;
    is one($ada, $id)->{status}, 'available', 'it is still there';
    is code($bob->api(GET => API . "/requests/$id")), '404 not_found', 'others do not see it';
    is code($bob->api(DELETE => API . "/requests/$id")), '404 not_found', 'nor remove it';
    is $ada->api(DELETE => API . "/requests/$id")->{status}, 204, 'she takes it back';
    ok !$o->state->{requests}{$number}, 'there too';
    $id = ask($ada, 621)->{json}{id};
    ($number) = $mn->psql("SELECT overseerr_id FROM requests WHERE id = '$id'");
    $o->remove($number);
    is code($admin->api(POST => API . "/requests/$id/approve")), '404 not_found',
        'what is gone there';
    is code($admin->api(GET => API . "/requests/$id")), '404 not_found', 'is gone here';
};

subtest 'what changes there is soon known here' => sub {
    my @id = map { ask($ada, $_)->{json}{id} } 622, 623;
    my @number = map { scalar $mn->psql("SELECT overseerr_id FROM requests WHERE id = '$_'") } @id;
    $mn->psql("UPDATE jobs SET run_at = now() + interval '1 day'"
        . " WHERE unique_key = 'every:requests.list'");
    $o->request($number[0], status => 2, media => 5);
    is one($ada, $id[0])->{status}, 'pending', 'nobody has said so';
    my $hooks = MediaNest::Hooks->new($mn);
    my $r = $hooks->send('/api/webhooks/overseerr/' . $hooks->source('overseerr')->{key},
        { notification_type => 'MEDIA_AVAILABLE', request => { request_id => "$number[0]" } });
    is $r->{status}, 200, 'a webhook of it' or diag $r->{content};
    ok wait_until(sub { one($ada, $id[0])->{status} eq 'available' }, 30, 'its effect'),
        'the request is available';
    is one($ada, $id[1])->{status}, 'pending', 'the other one is not';
    $plex->section('1', 'movie', 'Films');
    $plex->add('1', { title => 'Film 623', year => 1999, Guid => ['tmdb://623'] });
    $o->request($number[1], status => 2, media => 5);
    $r = $admin->api(POST => '/api/integrations/plex/servers', { name => 'Home',
        url => $plex->url, token => $plex->token });
    is $r->{status}, 201, 'a sync' or diag $r->{content};
    ok wait_until(sub { one($ada, $id[1])->{status} eq 'available' }, 30, 'what follows it'),
        'asks about all requests';
    $mn->psql("UPDATE jobs SET run_at = now() WHERE unique_key = 'every:requests.list'");
    $ada->api(DELETE => API . "/requests/$_") for @id;
};

subtest 'all pages of a list that changes' => sub {
    $o->request(1000 + $_, by => 4, tmdbId => 700 + $_ % 40, created => 1.7e9 + $_) for 1 .. 130;
    $o->fault(short => 1);
    my $known = sub { $mn->psql('SELECT count(*) FROM requests WHERE overseerr_id > 1000') };
    after_refresh(sub { $known->() == 130 }, 'all of them, also where pages are short');
    $o->heal;
    $o->fault(hide => 1);
    refresh() for 1 .. 3;
    is $known->(), 130, 'an incomplete list removes nothing';
    $o->heal;
    for my $fault ([ html => 1 ], [ empty => 1 ], [ status => 404 ], [ status => 500 ],
        [ key => 'another' ]) {
        $o->fault(@$fault);
        refresh();
        is $known->(), 130, "@$fault: nothing goes";
        my $r = list($ada);
        is $r->{status}, 200, 'the list is there';
        like $r->{json}{stale}{since}, qr/^20/, 'and says since when';
        $o->heal;
        # the breaker opens after some failures
        $mn->psql("UPDATE overseerr_settings SET state = 'x'");
        my $back = sub { refresh(); return $admin->api(GET => API)->{json}{state} eq 'ok' };
        &wait_until($back, 40, 'an answer');
    }
    ok !exists list($ada)->{json}{stale}, 'then it is fresh again';
    $o->user(1, permissions => 32);
    refresh() for 1 .. 2;
    is $known->(), 130, 'a key that sees less removes nothing';
    $o->user(1, permissions => 2);
    $o->remove(1001);
    after_refresh(sub { $known->() == 129 }, 'what is really gone goes');
    my @all = map { $_->{id} } @{ list($admin, '?limit=100')->{json}{items} };
    is scalar(@all), 100, 'a page of ours';
};

subtest 'an answer that is lost' => sub {
    $o->fault(lost => 1);
    my $r = ask($ada, 630);
    is code($r), '503 overseerr_unavailable', 'nobody knows';
    $o->heal;
    my ($row) = grep { $_->{tmdbId} == 630 } @{ list($ada)->{json}{items} };
    is $row->{status}, 'pending', 'it is in the list';
    is code($admin->api(POST => API . "/requests/$row->{id}/approve")), '409 conflict',
        'and cannot be decided yet';
    after_refresh(sub { $mn->psql("SELECT overseerr_id IS NOT NULL FROM requests WHERE id = "
        . "'$row->{id}'") eq 't' }, 'then it is found, under the same id');
    is one($ada, $row->{id})->{requestedBy}{userId}, $ada->{id}, 'and is hers';
    $o->fault(status => 500);
    is code(ask($ada, 631)), '503 overseerr_unavailable', 'a failure before it was asked';
    $o->heal;
    $mn->psql("INSERT INTO requests (id, media_type, tmdb_id, overseerr_user_id, requested_by,"
        . " made_here, fetched_at, created_at, updated_at) SELECT gen_random_uuid(), 'movie', 632,"
        . " 2, '$ada->{id}', true, t, t, t FROM (SELECT now() - interval '5 minutes') s (t)");
    my $lost = sub { (grep { $_->{tmdbId} == 632 } @{ list($ada)->{json}{items} })[0] };
    after_refresh(sub { $lost->()->{status} eq 'failed' }, 'what Overseerr never got has failed');
    is $lost->()->{failure}{code}, 'not_created', 'and says so';
    is $ada->api(DELETE => API . '/requests/' . $lost->()->{id})->{status}, 204,
        'and can be removed';
};

subtest 'a download that fails' => sub {
    $o->request(800, by => 3, tmdbId => 635, type => 'movie', status => 4, media => 3);
    my $found = sub { (grep { $_->{tmdbId} == 635 } @{ list($admin)->{json}{items} })[0] };
    after_refresh($found, 'a request that is new here and has failed');
    is $found->()->{failure}{code}, 'download_failed', 'says so';
    $mn->psql('UPDATE requests SET failure_code = NULL, failure_message = NULL'
        . ' WHERE tmdb_id = 635');
    after_refresh(sub { $found->()->{failure} }, 'a failure that is missing is added');
    $o->remove(800);
};

subtest 'nothing is told of the first list' => sub {
    my @before = notes($admin, 'request.created');
    is $admin->api(DELETE => API)->{status}, 204, 'forgotten';
    is code($admin->api(DELETE => API)), '404 not_found', 'once';
    ok exists list($ada)->{json}{stale}, 'what was known stays, and says that it is old';
    $mn->psql('DELETE FROM requests');
    put();
    after_refresh(sub { $mn->psql('SELECT count(*) FROM requests') > 100 }, 'they are back');
    is scalar(notes($admin, 'request.created')), scalar(@before), 'and nobody is told';
    my ($hers) = grep { $_->{tmdbId} == 603 } @{ list($admin, '?limit=100')->{json}{items} };
    is $mn->psql("SELECT requested_by FROM requests WHERE tmdb_id = 603 AND overseerr_user_id = 2"),
        $ada->{id}, 'whose they are is known by Plex';
    is $admin->api(PUT => API, { url => $o->{url}, enabled => JSON::PP::false })->{status}, 200,
        'switched off';
    is code(ask($ada, 640)), '409 overseerr_off', 'nothing is asked';
    is list($ada)->{status}, 200, 'and the list stays';
};

subtest 'the key is sealed again' => sub {
    $mn->admin_command('', qw(keys rotate));
    $mn->admin_command('', qw(keys reseal));
    is $mn->psql("SELECT api_key LIKE 'v1:2:%' FROM overseerr_settings"), 't', 'with the new one';
};

subtest 'the key is nowhere' => sub {
    unlike $mn->log_text($_), qr/\Q$o->{key}\E/, "log of $_" for qw(overseerr worker nginx);
    my $dump = MediaNest::Test::run_output('pg_dump', '-d', $mn->{status}{databaseUrl});
    unlike $dump, qr/\Q$o->{key}\E/, 'dump';
    like $dump, qr/overseerr_settings/, 'which is one';
};
done_testing;
