#!/usr/bin/perl
# Every list that is read page by page: its cursor leads on, fits no other list, and what is no
# cursor is refused.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use Test::More;

my $mn = MediaNest::Test->stack;
my $super = $mn->user(role => 'super');
$mn->user(role => 'guest') for 1 .. 2;
my $me = $super->api(GET => '/api/auth/session')->{json}{user}{id};

# Three of everything, for one person: one is shown, more are behind it.
$mn->psql(<<"SQL");
INSERT INTO media (id, owner_id, kind, title, status, trashed_from, trashed_at, taken_at)
SELECT gen_random_uuid(), '$me', 'image', 'cursor ' || n,
	CASE WHEN trash THEN 'trashed' ELSE 'ready' END, CASE WHEN trash THEN 'ready' END,
	CASE WHEN trash THEN now() END, now()
FROM generate_series(1, 3) n, (VALUES (true), (false)) t (trash)
SQL
$mn->psql("INSERT INTO activity (id, user_id, kind) SELECT gen_random_uuid(), '$me', "
    . "'media.played' FROM generate_series(1, 3)");
$mn->psql("INSERT INTO audit_log (actor, action) SELECT 'system', 'test.cursor' FROM "
    . "generate_series(1, 3)");
$mn->psql("INSERT INTO webhook_events (id, source, type, by_id, payload) SELECT"
    . " gen_random_uuid(), 'generic', 'cursor', false, '{}' FROM generate_series(1, 3)");
$mn->psql("INSERT INTO requests (id, media_type, tmdb_id, overseerr_user_id, "
    . 'fetched_at, created_at, updated_at) SELECT gen_random_uuid(), \'movie\', n, 1, '
    . "now(), now(), now() FROM generate_series(1, 3) n");
$super->api(POST => '/api/users', { invite => JSON::PP::true }) for 1 .. 3;
$super->api(POST => '/api/notifications/broadcast', { title => "Number $_", message => 'x',
    roles => ['super'] })
    for 1 .. 3;

$mn->psql("INSERT INTO jobs (id, kind, queue, state, finished_at) SELECT gen_random_uuid(), "
    . "'test.cursor', 'none', 'dead', now() FROM generate_series(1, 3)");
# Servers of media come one after the other in time.
$mn->psql("INSERT INTO media_servers (id, kind, name, url, token, enabled, created_at) "
    . "SELECT gen_random_uuid(), 'plex', 'cursor ' || n, 'http://127.0.0.1:9', '', false, now() "
    . "+ n * interval '1 second' FROM generate_series(1, 3) n");
my @endpoint = map { $super->api(POST => '/api/webhooks/endpoints', { events => ['*'],
    url => "http://hooks$_.test/", enabled => JSON::PP::false })->{json}{id} } 1 .. 3;
$mn->psql('INSERT INTO webhook_deliveries (id, endpoint_id, event, payload, retry_until) SELECT '
    . "gen_random_uuid(), '$endpoint[0]', 'media.ready', '{}', now() FROM generate_series(1, 3)");
$mn->psql("INSERT INTO sync_runs (id, server_id, trigger, status, owner, owner_name) "
    . "SELECT gen_random_uuid(), s.id, 'cron', 'ok', gen_random_uuid(), 'x' "
    . "FROM media_servers s WHERE s.name LIKE 'cursor %'");

$mn->psql("INSERT INTO alerts (id, rule, subject, severity, title, message) SELECT"
    . " gen_random_uuid(), 'cursor', n, 'warning', 'x', 'x' FROM generate_series(1, 3) n");

# Three of the same bytes each, and three that look alike each.
$mn->psql(<<"SQL");
WITH made AS (INSERT INTO media (id, owner_id, kind, title, visibility, status, sha256)
	SELECT gen_random_uuid(), '$me', 'image', 'twin', 'private', 'ready',
		sha256(('cursor' || n % 3)::bytea)
	FROM generate_series(1, 9) n RETURNING id, sha256)
INSERT INTO media_looks SELECT id, '$me', 0,
	('00000000-0000-7000-8000-00000000000' || row_number() OVER (PARTITION BY sha256))::uuid
FROM made
SQL

# Three places of their own, in the sea.
$mn->psql("INSERT INTO cities (id, name, country, latitude, longitude) SELECT n, 'cursor ' || n,"
    . " 'GH', n, n FROM generate_series(1, 3) n ON CONFLICT DO NOTHING; INSERT INTO media (id,"
    . " owner_id, kind, title, status, metadata) SELECT gen_random_uuid(), '$me', 'image', 'x',"
    . " 'ready', jsonb_build_object('gps', jsonb_build_object('latitude', n, 'longitude', n))"
    . ' FROM generate_series(1, 3) n');

my %list = (
	'duplicates' => '/api/media/duplicates?',
	'lookalikes' => '/api/media/duplicates?by=look&',
	'places' => '/api/media/places?',
	'ids' => '/api/media/ids?',
	servers => '/api/integrations/plex/servers?',
	syncs => '/api/integrations/plex/syncs?',
	people => '/api/users?',
	invites => '/api/users/invites?',
	activity => '/api/users/me/activity?',
	audit => '/api/admin/audit?',
	jobs => '/api/admin/jobs?kind=test.cursor&',
	alerts => '/api/admin/alerts?',
	hooks => '/api/webhooks/events?',
	endpoints => '/api/webhooks/endpoints?',
	deliveries => "/api/webhooks/endpoints/$endpoint[0]/deliveries?",
	notifications => '/api/notifications?',
	(map { $_ => "/api/media?sort=$_&" } qw(newest oldest taken title)),
	trash => '/api/media?status=trashed&',
	requests => '/api/integrations/overseerr/requests?',
);

my $show = $mn->psql("INSERT INTO media (id, owner_id, kind, title, status) VALUES "
    . "(gen_random_uuid(), '$me', 'show', 'cursor', 'ready') RETURNING id");
$mn->psql('INSERT INTO media (id, owner_id, kind, title, status, parent_id) SELECT '
    . "gen_random_uuid(), '$me', 'season', 'cursor', 'ready', '$show' FROM generate_series(1, 3)");
$list{children} = "/api/media/$show/children?";

my @collection = map { $super->api(POST => '/api/media/collections', { title => "cursor $_",
    sort => 'manual' })->{json}{id} } 1 .. 3;
$mn->psql("INSERT INTO collection_items (collection_id, media_id, position, gives) SELECT "
    . "'$collection[0]', id, row_number() OVER (ORDER BY id), true FROM media "
    . "WHERE title LIKE 'cursor %' AND status = 'ready'");
$list{collections} = '/api/media/collections?';
$list{collection} = "/api/media/collections/$collection[0]/items?";
$list{sharers} = '/api/media/people?';
my @link = map { $super->api(POST => '/api/media/links',
    { collectionId => $collection[0] })->{json} } 1 .. 3;
$list{links} = '/api/media/links?';
$list{'a link'} = '/api/media/links/open/' . ($link[0]{url} =~ /t=(.+)/)[0] . '?';
$mn->psql("INSERT INTO downloads (id, user_id, status, request, manages, title, media_ids, bytes) "
    . "SELECT gen_random_uuid(), '$me', 'failed', 'x', false, 'cursor', '{}', 0 "
    . 'FROM generate_series(1, 3)');
$list{downloads} = '/api/media/downloads?';

my (%cursor, %first);
for my $name (sort keys %list) {
	my $r = $super->api(GET => "$list{$name}limit=1");
	is $r->{status}, 200, "$name is a list" or diag $r->{content};
	is scalar @{ $r->{json}{items} }, 1, 'one item was asked for';
	is $r->{json}{page}{limit}, 1, 'the page says so';
	$first{$name} = $r->{json}{items}[0]{id};
	ok defined($cursor{$name} = $r->{json}{page}{nextCursor}), 'and there is more';
}

for my $name (sort keys %list) {
	my $next = $super->api(GET => "$list{$name}limit=1&cursor=$cursor{$name}");
	is $next->{status}, 200, "the cursor of $name leads on" or diag $next->{content};
	isnt $next->{json}{items}[0]{id}, $first{$name}, 'to another item';
	my $flipped = 'A' . substr $cursor{$name}, 1;
	my %wrong = ((map { ("that of $_" => $cursor{$_}) } grep { $_ ne $name } keys %list),
		'garbage' => '*', 'too little' => 'AAAA', 'plain text' => '123',
		'the old form' => '1700000000000000.' . $me,
		'one character more' => $cursor{$name} . 'A',
		    'one character less' => substr($cursor{$name}, 0, -1),
		    'an unknown letter' => $flipped);
	# the end of a title may be any text
	delete $wrong{"one character $_"} for $name =~ /^(?:title|sharers)$/ ? qw(more less) : ();
	for my $what (sort keys %wrong) {
		my $r = $super->api(GET => "$list{$name}limit=1&cursor=$wrong{$what}");
		is $r->{status}, 400, "$name refuses $what" or diag $r->{content};
	}
}

# Notifications have two directions, and a cursor keeps its own.
my $after = $super->api(GET => '/api/notifications?after=0&limit=1')->{json};
my $on = $super->api(GET => "/api/notifications?limit=1&cursor=$after->{page}{nextCursor}")->{json};
is $on->{items}[0]{seq}, $after->{items}[0]{seq} + 1, 'oldest first goes on upwards';

done_testing;
