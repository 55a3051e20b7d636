# The answers of a house with media servers, requests and webhooks, as MediaNest::FixedAnswers takes
# them: every state that the page has words for, whatever really runs.
package MediaNest::FixedHouse;

use v5.36;
use utf8;
use Exporter qw(import);
use JSON::PP;
use POSIX qw(strftime);
use Time::HiRes qw(time);

our @EXPORT_OK = qw(id ago in_hours house);

sub on { return JSON::PP::true }
sub off { return JSON::PP::false }

sub id ($n) { return sprintf '01a2028b-d45a-729c-86c6-%012x', $n }
sub at ($time) { return strftime '%Y-%m-%dT%H:%M:%S.000Z', gmtime $time }
sub ago ($minutes) { return at(time - 60 * $minutes) }
sub in_hours ($hours) { return at(time + 3600 * $hours) }
sub items (@items) { return { items => \@items, page => { limit => 50, nextCursor => undef } } }

my $serial = 1000;
sub media ($kind, $title, %more) {
	return { id => id($serial++), source => 'plex', kind => $kind, title => $title,
	    status => 'ready', visibility => 'house', ownerId => undef, genres => [], tags => [],
	    externalIds => {}, thumbnails => {}, createdAt => ago(600), updatedAt => ago(600),
	    etag => '1-1', %more };
}

my @films = map { media('movie', $_->[0], year => $_->[1], durationMs => 5_400_000 + 60_000 *
    length $_->[0], posterUrl => '/icon-512.png') } [ 'The Lighthouse Keeper', 2019 ],
    [ 'A Very Long Title That Does Not End Where One Would Expect It To', 1968 ],
    [ 'Amber', 2023 ], [ 'Basalt', 2021 ], [ 'Cobalt', 2011 ], [ 'Drift', 1999 ],
    [ 'Ember', 2005 ], [ 'Fjord', 2024 ];
delete $films[3]{posterUrl};
my @shows = map { media('show', $_, year => 2020, childCount => 2,
    posterUrl => '/icon-512.png') } 'Harbour', 'Inland', 'Jetty';
my @albums = map { media('album', $_, year => 1977, parentId => id(70),
    parentTitle => 'The Quays', posterUrl => '/icon-512.png') } 'Low Tide', 'Spring Tide';
my $show = { %{ $shows[0] }, genres => [ 'Drama', 'Mystery' ],
    overview => 'A harbour town keeps its secrets through four winters. ' x 3,
    metadata => { people => [ { name => 'Ann Other' }, { name => 'Bo Writer' } ] } };
my @seasons = map { media('season', "Season $_", position => $_, parentId => $show->{id},
    parentTitle => $show->{title}) } 1, 2;
my @episodes = map { media('episode', "Winter, part $_", position => $_,
    parentId => $seasons[0]{id}, parentTitle => 'Season 1', durationMs => 2_640_000,
    overview => 'What the ice gives back. ' x 6) } 1 .. 8;
my @songs = map { media('track', "Song $_", position => ($_ - 1) % 4 + 1, disc => $_ > 4 ? 2 : 1,
    durationMs => 180_000 + 7000 * $_) } 1 .. 8;

my %server = (id => id(1), kind => 'plex', name => 'Living room',
    url => 'http://192.168.1.20:32400', enabled => on, tokenSet => on,
    machineId => 'a1b2c3d4e5f60718293a4b5c6d7e8f9001122334', serverVersion => '1.41.3.9314',
    libraries => { total => 4, enabled => 3 }, lastSeenAt => ago(6),
    lastSync => { id => id(11), status => 'ok', finishedAt => ago(6) },
    createdAt => ago(90_000), updatedAt => ago(900), etag => '3-1');
my %attic = (%server, id => id(2), name => 'Attic', url => 'http://192.168.1.30:32400',
    libraries => { total => 1, enabled => 1 },
    adopt => { machineId => '99887766554433221100ffeeddccbbaa99887766' },
    lastSync => { id => id(13), status => 'failed', finishedAt => ago(21) });

my @libraries = (
	{ key => '1', title => 'Films', type => 'movie', enabled => on, visibility => 'house',
	    users => [], items => 1204, lastSyncedAt => ago(6) },
	{ key => '2', title => 'Series', type => 'show', enabled => on, visibility => 'shared',
	    users => [ id(50), id(51) ], items => 8123, lastSyncedAt => ago(6) },
	{ key => '3', title => 'Music', type => 'artist', enabled => on, visibility => 'house',
	    users => [], items => 1, lastSyncedAt => ago(6) },
	{ key => '4', title => 'Home videos', type => 'movie', enabled => off,
	    visibility => 'house', users => [], items => 88 },
);

my %counts = (seen => 9328, created => 12, updated => 40, unchanged => 9270, moved => 2,
    missing => 3, deleted => 1, restored => 0, errors => 0);
sub run ($n, $status, %more) {
	return { id => id($n), serverId => id($n % 2 ? 1 : 2), trigger => 'cron',
	    status => $status, phase => 'CacheResults', dryRun => off, full => off,
	    startedAt => ago(6 + 15 * ($n - 11)), finishedAt => ago(5 + 15 * ($n - 11)),
	    durationMs => 8120, counts => {%counts}, sections => [], canContinue => off, %more };
}
my @sections = map { { key => $_->{key}, title => $_->{title}, type => $_->{type},
    status => 'ok', counts => {%counts} } } @libraries[0 .. 2];
my $halted = run(12, 'halted', phase => 'MarkDeletedItems', canContinue => on,
    sections => \@sections, halt => { reason => 'section_shrank', section => '1',
	missing => 402, total => 1204 });
my $failed = run(13, 'failed', phase => 'AuthenticatePlex', counts => { map { $_ => 0 } keys
    %counts }, error => { code => 'unauthorized', message =>
    'The server refused the token.' });
my $partial = run(15, 'partial', sections => \@sections, counts => { %counts, errors => 2 },
    errors => [ { key => '4711', title => 'Broken film', code => 'no_title',
	message => 'The server sent no title.' }, { key => '4712', code => 'bad_guid',
	message => 'The guid cannot be read.' } ]);
my $running = run(11, 'running', phase => 'CompareWithDB', finishedAt => undef,
    durationMs => undef);
my @runs = ($running, $halted, $failed, run(14, 'ok'), $partial, map { run($_, 'ok') } 16 .. 40);

sub request ($n, $status, %more) {
	return { id => id($n), mediaType => 'movie', tmdbId => 600 + $n, title => "Film $n",
	    year => 2024, status => $status, is4k => off, requestedBy => { userId => id(50),
		name => 'Ann Other' }, createdAt => ago(60 * $n), updatedAt => ago(30),
	    %more };
}
my @requests = (
	request(1, 'pending'),
	request(2, 'pending', mediaType => 'tv', title => 'Series with several seasons',
	    seasons => [ 1, 2, 3 ]),
	request(3, 'declined', reason => 'We have it on disc.'),
	request(4, 'failed', failure => { code => 'quota_reached', message =>
	    'Your quota of films is used up.', retryAt => in_hours(50) }),
	request(5, 'available', stale => { since => ago(190) }, posterUrl => '/icon-512.png'),
	request(6, 'processing'),
	request(9, 'failed', failure => { code => 'download_failed', message =>
	    'The download failed.' }),
);

my @found = (
	{ mediaType => 'movie', tmdbId => 603, title => 'The Matrix', year => 1999,
	    overview => 'x', status => 'available' },
	{ mediaType => 'movie', tmdbId => 604, title => 'The Matrix Reloaded', year => 2003,
	    overview => 'x', status => 'unknown' },
	{ mediaType => 'tv', tmdbId => 700, title => 'Matrix Revisited', year => 2001,
	    overview => 'x', status => 'partially_available' },
);

my @sources = (
	{ id => id(60), source => 'plex', name => 'Plex in the living room',
	    enabled => on, url => 'https://media.example.org/api/webhooks/plex',
	    createdAt => ago(9000), lastEventAt => ago(4) },
	{ id => id(61), source => 'overseerr', name => 'Overseerr', enabled => off,
	    url => 'https://media.example.org/api/webhooks/overseerr',
	    createdAt => ago(9000) },
);
my $created = { %{ $sources[0] }, url => 'https://media.example.org/api/webhooks/plex/'
	. 'q7Jm2sT9vKxB4nZc8LdP1wRy6HgF3eUa', key => 'q7Jm2sT9vKxB4nZc8LdP1wRy6HgF3eUa',
    secret => 'whsec_' . 'QUFB' x 10 };
sub event ($n, $status, %more) {
	return { id => id($n), source => 'plex', type => 'library.new', status => $status,
	    receivedAt => ago($n), processedAt => ago($n), attempts => 1,
	    payload => { event => 'library.new', Server => { title => 'Living room',
		uuid => 'a1b2' }, Metadata => { title => 'Amber', ratingKey => '4711' } },
	    %more };
}
my @events = (event(1, 'processed'), event(2, 'failed', type => 'media.scrobble', attempts => 3,
    error => 'The server did not answer.'), event(3, 'ignored', type => 'media.rate'));

my %endpoint = (id => id(80), origin => 'https://example.org',
    url => 'https://example.org/hooks/medianest', events => [
    'library.new', 'request.created' ], headers => { Authorization => undef },
    enabled => on, lastDeliveredAt => ago(1), createdAt => ago(900), updatedAt => ago(900));
my %off = (%endpoint, id => id(81), origin => 'https://receiver.example.net',
    url => 'https://receiver.example.net/' . 'long/' x 12,
    events => ['*'], enabled => off, offReason => 'failing', failingSince => ago(700));
sub delivery ($n, $status, %more) {
	return { id => id($n), endpointId => id(80), event => 'library.new', status => $status,
	    attempts => 1, responseStatus => 204, durationMs => 43, createdAt => ago($n), %more };
}
my @deliveries = (delivery(1, 'delivered'), delivery(2, 'failed', attempts => 4,
    responseStatus => 500, error => 'status', nextAttemptAt => in_hours(1)),
    delivery(3, 'dead', attempts => 30, responseStatus => undef,
	error => 'timeout'), delivery(4, 'waiting', attempts => 0,
	responseStatus => undef, durationMs => undef));

my @kinds = qw(media.ready media.failed library.new request.created request.approved
    request.declined request.available sync.completed sync.failed alert.raised alert.cleared
    session.ended system.broadcast);
sub note ($n, $kind, $title, %more) {
	return { id => id($n), seq => 100 - $n, kind => $kind, title => $title, message => '',
	    data => {}, read => off, createdAt => ago(30 * $n), %more };
}
my @notes = (
	note(1, 'alert.raised', 'A sync of Living room was stopped',
	    message => '402 of 1,204 items of “Films” are missing.',
	    data => { syncId => id(12) }),
	note(2, 'library.new', 'Harbour: 8 new episodes', message => 'Season 1',
	    data => { groupMediaId => $show->{id}, count => 8 }),
	note(3, 'request.created', 'Ann Other requested Film 1', data => { requestId => id(1) }),
	note(4, 'media.failed', '60 added, 4 failed', data => { count => 60, failed => 4 },
	    read => on),
	map { note($_, 'media.ready', "Photo $_ is ready", read => on,
	    data => { mediaId => id(900 + $_) }) } 5 .. 40,
);

my $overseerr = { url => 'http://192.168.1.20:5055', enabled => on, apiKeySet => on,
    version => '1.33.2', lastSeenAt => ago(3), state => 'ok' };
my $people = { items => [
	{ userId => id(50), displayName => 'Ann Other', overseerrId => 4,
	    overseerrName => 'ann', by => 'plex' },
	{ userId => id(51), displayName => 'Bo Writer', overseerrId => undef, by => 'person' },
    ], candidates => [ { overseerrId => 4, name => 'ann' }, { overseerrId => 5,
    name => 'bo.writer' } ] };

# The answers; those of %more, by the same names, come first.
sub house (@more) {
	my $plex = '/api/integrations/plex';
	my $seerr = '/api/integrations/overseerr';
	my $hooks = '/api/webhooks';

	return (
		@more,
		"GET $plex/servers" => items(\%server, \%attic),
		"POST $plex/servers" => [ 201, \%server ],
		"POST $plex/servers/test" => [
			[ 200, { ok => off, code => 'refused_address', message =>
			    'Connections to this address are not allowed.' } ],
			[ 200, { ok => on, code => 'ok', message => 'Connected.', server => {
			    name => 'Living room', version => '1.41.3', machineId => 'a1' } } ],
		],
		'GET ' . "$plex/servers/" . id(2) => \%attic,
		"GET $plex/servers/*" => \%server,
		"PATCH $plex/servers/*" => \%server,
		"DELETE $plex/servers/*" => [ 204, undef ],
		"POST $plex/servers/*/test" => { ok => off, code => 'unauthorized',
		    message => 'The server answered 401.' },
		"POST $plex/servers/*/adopt" => \%server,
		"GET $plex/servers/*/libraries" => { items => \@libraries },
		"PUT $plex/servers/*/libraries/*" => { enabled => off },
		"POST $plex/sync" => [ 202, { queued => on } ],
		"GET $plex/syncs" => items(@runs),
		"POST $plex/syncs/*/continue" => [ 202, { queued => on } ],
		"GET $plex/syncs/" . id(11) => $running,
		"GET $plex/syncs/" . id(12) => $halted,
		"GET $plex/syncs/" . id(13) => $failed,
		"GET $plex/syncs/*" => $partial,
		"GET $seerr" => $overseerr,
		"PUT $seerr" => $overseerr,
		"DELETE $seerr" => [ 204, undef ],
		"POST $seerr/test" => { ok => on, code => 'ok', message => 'Connected.',
		    server => { name => 'Overseerr', version => '1.33.2' },
		    permissions => [ 'manage requests', 'act as others' ] },
		"GET $seerr/people" => $people,
		"PUT $seerr/people/*" => { %{ $people->{items}[1] }, overseerrId => 5,
		    overseerrName => 'bo.writer' },
		"GET $seerr/search" => { items => \@found, page => { number => 1, pages => 1 } },
		"GET $seerr/titles/movie/*" => { %{ $found[1] }, is4kAvailable => on,
		    status4k => 'unknown', seasons => [] },
		"GET $seerr/titles/tv/*" => { %{ $found[2] }, is4kAvailable => on,
		    status4k => 'unknown', seasons => [ map { { number => $_, name => $_ ?
		    "Season $_" : 'Specials', episodeCount => 9 + $_, status4k => 'unknown',
		    status => $_ == 2 ? 'available' : 'unknown' } } 0 .. 5 ] },
		"GET $seerr/requests" => items(@requests),
		"POST $seerr/requests" => [ 201, request(7, 'pending',
		    title => 'The Matrix Reloaded') ],
		"GET $seerr/requests/*" => $requests[0],
		"DELETE $seerr/requests/*" => [ 204, undef ],
		"POST $seerr/requests/*/approve" => request(1, 'approved'),
		"POST $seerr/requests/*/decline" => request(2, 'declined', reason =>
		    'Not for children.'),
		"POST $seerr/requests/*/retry" => request(9, 'processing'),
		"GET $hooks/sources" => items(@sources),
		"POST $hooks/sources" => [ 201, $created ],
		"POST $hooks/sources/*/rotate" => $created,
		"PATCH $hooks/sources/*" => { %{ $sources[0] }, enabled => off },
		"DELETE $hooks/sources/*" => [ 204, undef ],
		"GET $hooks/events" => items(@events),
		"POST $hooks/events/replay" => [ 202, { replayed => 1, more => off } ],
		"GET $hooks/events/*" => $events[1],
		"POST $hooks/events/*/replay" => [ 202, {} ],
		"GET $hooks/endpoints" => items(\%endpoint, \%off),
		"POST $hooks/endpoints" => [ 201, { %endpoint, secret => 'whsec_'
		    . 'QUFB' x 10 } ],
		"GET $hooks/endpoints/*" => \%endpoint,
		"PATCH $hooks/endpoints/*" => \%endpoint,
		"DELETE $hooks/endpoints/*" => [ 204, undef ],
		"POST $hooks/endpoints/*/test" => { delivered => on, status => 204,
		    durationMs => 41 },
		"POST $hooks/endpoints/*/rotate" => { secret => 'whsec_' . 'QkJC' x 10 },
		"POST $hooks/endpoints/*/replay" => [ 202, { replayed => 2 } ],
		"GET $hooks/endpoints/*/deliveries/*" => { %{ $deliveries[1] },
		    payload => { type => 'library.new', data => { title => 'Harbour' } } },
		"GET $hooks/endpoints/*/deliveries" => items(@deliveries),
		'GET /api/notifications/preferences' => { digestHour => 8, kinds => { map {
		    $_ => { page => on, email => 'off' } } @kinds } },
		'PUT /api/notifications/preferences' => { kinds => {} },
		'GET /api/notifications' => { items(@notes)->%*, unread => 3 },
		'POST /api/notifications/*/read' => [ 204, undef ],
		'POST /api/notifications/read-all' => [ 204, undef ],
		'DELETE /api/notifications/*' => [ 204, undef ],
		'POST /api/notifications/broadcast' => [ 202, {} ],
		"GET /api/media/$show->{id}" => $show,
		"GET /api/media/$show->{id}/children" => items(@seasons),
		"GET /api/media/$albums[0]{id}" => $albums[0],
		"GET /api/media/$albums[0]{id}/children" => items(@songs),
		"GET /api/media/$films[0]{id}" => { %{ $films[0] }, genres => ['Drama'],
		    tags => ['rainy day'], overview => 'He counts the ships that do not come.' },
		'GET /api/media/*/children' => items(@episodes),
	);
}

# What stands on the shelves, by kind, and the ids of a film, a series and an album.
sub shelves { return (movie => \@films, show => \@shows, album => \@albums) }
sub titles { return (film => $films[0]{id}, show => $show->{id}, album => $albums[0]{id}) }

1;
