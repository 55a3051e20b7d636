# The answers of a house that is watched, as MediaNest::FixedAnswers takes them: figures, metrics,
# alerts and jobs in every state, whatever really runs.
package MediaNest::FixedAdmin;

use v5.36;
use utf8;
use Exporter qw(import);
use JSON::PP;
use MediaNest::FixedHouse qw(id ago);
use POSIX qw(strftime);

our @EXPORT_OK = qw(watched);

sub on { return JSON::PP::true }
sub off { return JSON::PP::false }
sub items (@items) { return { items => \@items, page => { limit => 50, nextCursor => undef } } }

# The metrics of a day, in steps of ten minutes; some of it was not measured.
my $STEPS = 144;
sub wave ($i, $low, $high, $n = 3) {
	return $low + ($high - $low) * (0.5 + 0.35 * sin($i / $n) + 0.15 * sin($i * 1.7));
}
my %metric = (
	p95 => { unit => 'ms', threshold => 200, of => sub ($i) {
		wave($i, 24, 70) + ($i > 118 && $i < 126 ? 190 : 0) } },
	p50 => { unit => 'ms', of => sub ($i) { wave($i, 4, 14) } },
	p99 => { unit => 'ms', of => sub ($i) { wave($i, 70, 160, 5) } },
	database => { unit => 'ms', threshold => 15, of => sub ($i) { wave($i, 1.2, 4.5) } },
	hits => { unit => 'ratio', threshold => 0.7, of => sub ($i) { wave($i, 0.82, 0.97) } },
	errors => { unit => 'ratio', threshold => 0.01, of => sub ($i) { $i % 37 ? 0 : 0.004 } },
	queue => { unit => 'jobs', of => sub ($i) { int wave($i, 0, 90, 9) } },
	storage => { unit => 'bytes', of => sub ($i) { 410_000_000_000 + $i * 90_000_000 } },
	requests => { unit => 'requests', of => sub ($i) { int wave($i, 40, 900, 20) } },
);

sub history ($name) {
	my ($m, $now) = ($metric{$name}, time);
	my @points = map { { at => strftime('%Y-%m-%dT%H:%M:%S.000Z',
	    gmtime $now - 600 * ($STEPS - $_)),
	    value => $_ > 60 && $_ < 66 ? undef : $m->{of}->($_) } } 1 .. $STEPS;

	return { metric => $name, unit => $m->{unit}, step => 600, points => \@points,
	    defined $m->{threshold} ? (threshold => $m->{threshold}) : () };
}

sub route ($method, $route, $p95, %more) {
	return { method => $method, route => $route, count => 1200 + 37 * $p95, p50Ms => $p95 / 4,
	    p95Ms => $p95, p99Ms => $p95 * 2, databaseMs => $p95 / 6, cacheHitRatio => 0.91,
	    errorRate => 0, %more };
}
my @routes = (route('GET', '/api/media', 31), route('GET', '/api/search', 74),
    route('POST', '/api/media/upload/complete', 88, cacheHitRatio => undef),
    route('GET', '/api/media/{id}/timeline', 9),
    route('GET', '/api/integrations/overseerr/search', 640, errorRate => 0.012));

sub alert ($n, $state, $severity, $message, %more) {
	return { id => id($n), rule => 'latency_p95', severity => $severity, state => $state,
	    value => 240, threshold => 200, raisedAt => ago(12 * $n), message => $message, %more };
}
my @open = (
	alert(1, 'raised', 'critical', '3.4 % of the requests of the last five minutes failed. The '
	    . 'log says why.', rule => 'errors', title => 'Many requests fail'),
	alert(2, 'raised', 'warning', 'At the rate of the last days it is full in about five days.',
	    rule => 'disk_full', title => 'The disk fills up', acknowledgedAt => ago(9),
	    acknowledgedBy => { id => id(50), displayName => 'Ann Other' }),
);
my @over = (alert(5, 'cleared', 'warning', 'The last sync is two hours old.', clearedAt => ago(20),
    rule => 'sync_age', subject => id(1), subjectName => 'Living room',
    title => 'A sync is late'));

sub job ($n, $kind, $state, %more) {
	return { id => id($n), kind => $kind, queue => 'quick', state => $state, attempt => 1,
	    maxAttempts => 5, runAt => ago($n), createdAt => ago($n + 3), requestId => undef,
	    %more };
}
my @jobs = (
	job(1, 'media.process', 'running', queue => 'video'),
	job(2, 'mail.send', 'dead', queue => 'mail', attempt => 8, maxAttempts => 8,
	    finishedAt => ago(2), lastError => 'The mail server smtp.example.org does not respond: '
	    . 'Connection refused. It was tried for four hours.', requestId => 'a' x 32),
	job(3, 'upkeep.sums', 'available', queue => 'upkeep', every => 86400, attempt => 0),
	job(4, 'webhook.process', 'available', queue => 'events', attempt => 3,
	    lastError => 'The media server did not answer.'),
	job(5, 'media.poster', 'done', queue => 'enrich', finishedAt => ago(5)),
	map { job($_, 'media.enrich', 'done', queue => 'enrich', finishedAt => ago($_)) } 6 .. 12,
);

sub month ($back) {
	my (undef, undef, undef, undef, $mon, $year) = gmtime;
	my $at = $year * 12 + $mon - $back;

	return sprintf '%04d-%02d', 1900 + int($at / 12), 1 + $at % 12;
}
my @people = (
	{ userId => id(50), displayName => 'Ann Other', bytes => 212_400_000_000, items => 18_204,
	    quota => undef },
	{ userId => id(51), displayName => 'A person with quite a long name and several initials',
	    bytes => 96_000_000_000, items => 4110, quota => 100_000_000_000 },
	{ userId => id(52), displayName => 'Bo', bytes => 0, items => 0, quota => 0 },
);
my %stats = (people => { total => 8, active => 7, disabled => 1, byRole => { guest => 1, user => 5,
    admin => 1, super => 1 } },
    media => { items => 41_240, bytes => 423_000_000_000,
	byKind => [ { kind => 'video', items => 2210, bytes => 268_000_000_000 },
	    { kind => 'image', items => 19_800, bytes => 121_000_000_000 },
	    { kind => 'audio', items => 1204, bytes => 34_000_000_000 },
	    { kind => 'episode', items => 18_026, bytes => 0 } ],
	byState => [ { state => 'failed', items => 14, bytes => 9_000_000 },
	    { state => 'processing', items => 3, bytes => 80_000_000 },
	    { state => 'ready', items => 41_180, bytes => 421_000_000_000 },
	    { state => 'trashed', items => 43, bytes => 1_900_000_000 } ] },
    storage => { usedBytes => 423_000_000_000, freeBytes => 577_000_000_000,
	quotaDefault => 500_000_000_000, byPerson => \@people },
    growth => [ map { { month => month($_), items => 900 + 130 * (24 - $_) % 700,
	bytes => 1_000_000_000 * (4 + (24 - $_) * (1 + $_ % 4) % 23) } } reverse 0 .. 23 ],
    uploads => { waiting => 3, failed => 14 });

my @pools = map { { name => $_->[0], running => $_->[2] // on, workers => $_->[1], busy =>
    $_->[0] eq 'media' ? 3 : 0, restarts => 0, pid => 4000 + length $_->[0] } }
    [ auth => 2 ], [ users => 1 ],
    [ media => 4 ], [ search => 2 ], [ plex => 2 ], [ overseerr => 4 ], [ webhooks => 1 ],
    [ notifications => 1 ], [ health => 1 ], [ metrics => 1, off ], [ admin => 1 ],
    [ verify => 2 ], [ store => 2 ];
delete $_->{pid} for grep { !$_->{running} } @pools;
my @queues = map { { queue => $_->[0], limit => $_->[1], running => $_->[2], waiting => $_->[3],
    oldestSeconds => $_->[3] * 7 } } [ media => 2, 2, 14 ], [ video => 1, 1, 3 ],
    [ quick => 2, 0, 0 ], [ mail => 2, 0, 1 ], [ upkeep => 1, 0, 0 ], [ events => 2, 0, 0 ],
    [ deliver => 2, 0, 0 ], [ sync => 4, 1, 0 ], [ enrich => 1, 1, 640 ], [ requests => 1, 0, 0 ];
my %processes = (version => '0.1.0', schema => 22, pools => \@pools,
    worker => { running => on, version => '0.1.0', queues => \@queues },
    notifyd => { running => on, websocket => 6, eventsource => 1 },
    postgres => { version => '17.6 (Debian 17.6-0+deb13u1)', connections => 31, errors => 0,
	reconnects => 1 },
    redis => { running => on, version => '8.0.2', usedBytes => 2_400_000, errors => 0,
	reconnects => 0 });

my @failures = (
	{ code => 'unreadable', message => 'The file is damaged or of a kind that is not what its '
	    . 'name says.', count => 11, example => { mediaId => id(70), title => 'IMG_2231' } },
	{ code => 'too_large', message => 'The picture has too many pixels.', count => 3 },
);

# window.asked has each; a history is by its parameter, so the script looks into it.
sub watched () {
	return (
		'GET /api/metrics/summary' => { window => '1h', targets => {}, routes => \@routes,
		    total => route('GET', '*', 31) },
		'GET /api/admin/alerts' => items(@open, @over),
		'POST /api/admin/alerts/*/acknowledge' => { %{ $open[0] },
		    acknowledgedBy => { id => id(50), displayName => 'Ann Other' } },
		'GET /api/admin/jobs' => { %{ items(@jobs) }, counts => { available => 659,
		    running => 5, done => 10_000, dead => 3 },
		    deadKinds => [ { kind => 'mail.send', count => 2 },
			{ kind => 'webhook.process', count => 1 } ] },
		'POST /api/admin/jobs/retry' => { retried => 2 },
		'POST /api/admin/jobs/*/retry' => { %{ $jobs[1] }, state => 'available',
		    attempt => 0 },
		'DELETE /api/admin/jobs/*' => [ 204, undef ],
		'GET /api/admin/stats' => \%stats,
		'GET /api/admin/processes' => \%processes,
		'GET /api/admin/failures' => { items => \@failures },
		'POST /api/admin/failures/retry' => { retried => 11 },
		'PATCH /api/users/*' => { id => id(50) },
	);
}

# A script for the answers that depend on a parameter: runs after that of watched().
sub histories () {
	my $of = JSON::PP->new->canonical->encode({ map { $_ => history($_) } keys %metric });

	return <<"JS";
(() => {
	const of = $of;
	const next = window.fetch;

	window.fetch = async (where, init) => {
		const url = new URL(where, location.origin);

		if (url.pathname !== '/api/metrics/summary/history')
			return next(where, init);
		return new Response(JSON.stringify(of[url.searchParams.get('metric')]),
		    { status: 200, headers: { 'Content-Type': 'application/json' } });
	};
})();
JS
}

1;
