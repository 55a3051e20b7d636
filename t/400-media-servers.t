#!/usr/bin/perl
# Media servers: the test button, setting up, changing, adopting and removing a server, its
# libraries and what becomes of their items, who may see what, and that a token stays where it is.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use IO::Socket::INET;
use JSON::PP;
use MediaNest::PlexServer;
use MediaNest::Test;
use Test::More;

# More than two batches; failures in a row; servers that are removed during their first sync.
use constant { MANY => 1200, BREAKER => 5, ROUNDS => 40 };

my $plex = MediaNest::PlexServer->start(name => 'Attic');
$plex->section('1', 'movie', 'Films');
$plex->section('2', 'show', 'Series');
$plex->section('3', 'photo', 'Photos');
my $other = MediaNest::PlexServer->start(name => 'Cellar');
$other->section('1', 'movie', 'Films');
my $tls = self_signed();
my $mn = MediaNest::Test->stack(set => { 'outbound.allow' => join ',', $plex->allow, $other->allow,
    "127.0.0.1:$tls->{port}", '127.0.0.1:9' });
my $SERVERS = '/api/integrations/plex/servers';
my $admin = $mn->user(role => 'admin');
my $user = $mn->user(role => 'user');
my $guest = $mn->user(role => 'guest');
my $manager = $mn->user(role => 'super');
my (@secret, $serial);
push @secret, $plex->token, $other->token;

sub self_signed {
	my $dir = tempdir('mn-tls-XXXXXX', TMPDIR => 1, CLEANUP => 1);
	my $port = MediaNest::Test::free_port();
	MediaNest::Test::run_output(qw(openssl req -x509 -newkey ec -pkeyopt
	    ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=127.0.0.1 -keyout),
	    "$dir/key", '-out', "$dir/cert");
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', '/dev/null';
		open STDERR, '>&', \*STDOUT;
		{ no warnings 'exec'; exec qw(openssl s_server -quiet -www -accept),
		    "127.0.0.1:$port", '-cert', "$dir/cert", '-key', "$dir/key"; }
		POSIX::_exit(127);
	}
	wait_until { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) };
	return { port => $port, pid => $pid, dir => $dir };
}

END { local $?; kill 'KILL', $tls->{pid} if $tls && $tls->{pid} }

sub code { my ($r) = @_; return "$r->{status} " . ($r->{json} ? $r->{json}{code} // '' : '') }

sub fields {
	my ($r) = @_;
	return join ' ', map { "$_->{field}:$_->{code}" } @{ $r->{json}{errors} // [] };
}

sub test_of {
	my ($url, $token) = @_;
	return $admin->api(POST => "$SERVERS/test", { url => $url, token => $token });
}

sub audited {
	my ($action, $id) = @_;
	return $mn->psql("SELECT count(*) FROM audit_log WHERE action = '$action'"
	    . " AND target_id = '$id'");
}

# Items of a library, as a sync would have made them.
sub items {
	my ($server, $key, $n, $visibility) = @_;
	my $from = ++$serial * 1_000_000;
	$visibility //= 'house';
	$mn->psql(<<"SQL");
WITH made AS (
	INSERT INTO media (id, source, kind, title, status, visibility)
	SELECT gen_random_uuid(), 'plex', 'movie', 'film ' || n, 'ready', '$visibility'
	FROM generate_series($from + 1, $from + $n) n RETURNING id, title
)
INSERT INTO server_items
SELECT (jsonb_populate_record(NULL::server_items, jsonb_build_object('server_id', s.server_id,
	'item_key', substr(m.title, 6), 'section_id', s.id, 'media_id', m.id, 'kind', 'movie',
	'guid', m.title, 'identity', m.title, 'fingerprint', '\\x00', 'missing_runs', 0,
	'orphan', false, 'news', false, 'found_at', now()))).*
FROM made m, media_sections s WHERE s.server_id = '$server' AND s.key = '$key'
SQL
	return;
}

sub states {
	my ($server, $key) = @_;
	return join ' ', $mn->psql(<<"SQL");
SELECT m.status || coalesce('/' || m.trash_reason, '') || ':' || count(*)
FROM server_items i JOIN media m ON m.id = i.media_id JOIN media_sections s ON s.id = i.section_id
WHERE s.server_id = '$server' AND s.key = '$key' GROUP BY m.status, m.trash_reason ORDER BY 1
SQL
}

sub library {
	my ($server, $key, $change) = @_;
	return $admin->api(PUT => "$SERVERS/$server/libraries/$key", $change);
}

my ($true, $false) = (JSON::PP::true, JSON::PP::false);

subtest 'the test button' => sub {
	my $good = test_of($plex->url, $plex->token);
	is $good->{status}, 200, 'a test' or diag $good->{content};
	is_deeply $good->{json}, { ok => $true, code => 'ok',
	    message => 'Connected. The server has 2 libraries.',
	    server => { name => 'Attic', version => '1.41.0', machineId => $plex->machine } },
	    'all is well';
	is test_of($plex->url . '/', $plex->token)->{json}{code}, 'ok', 'with a slash at its end';
	my $wrong = test_of($plex->url, 'another');
	is $wrong->{json}{code}, 'unauthorized', 'a wrong token';
	is $wrong->{json}{server}{machineId}, $plex->machine, 'who it is is known';
	ok !$wrong->{json}{ok}, 'and not ok';
	my %expected = (unreachable => 'http://127.0.0.1:9',
	    tls => "https://127.0.0.1:$tls->{port}");
	for my $code (sort keys %expected) {
		is test_of($expected{$code}, 'x')->{json}{code}, $code, "$expected{$code}: $code";
	}
	is test_of($plex->url =~ s/http/https/r, 'x')->{json}{code}, 'tls', 'TLS to what has none';
	my $port = MediaNest::Test::free_port();
	my $refused = test_of("http://127.0.0.1:$port", 'x')->{json};
	is $refused->{code}, 'refused_address', 'an address that is not allowed';
	like $refused->{message}, qr/\b127\.0\.0\.1:$port\b.*outbound\.allow/, 'and what to add';
	like test_of('http://[::1]:32400', 'x')->{json}{message}, qr/\[::1\]:32400/, 'of IPv6 too';
	for my $fault (qw(html empty nonsense)) {
		$plex->fault($fault => {});
		is test_of($plex->url, $plex->token)->{json}{code}, 'not_plex', "not Plex: $fault";
		$plex->heal;
	}
	$plex->fault(status => { code => 404 });
	is test_of($plex->url, $plex->token)->{json}{code}, 'not_plex', 'another web server';
	$plex->heal;
	$plex->fault(status => { code => 503 });
	is test_of($plex->url, $plex->token)->{json}{code}, 'unreachable',
	    "a server that is ill: $_" for 1 .. BREAKER + 1;
	$plex->heal;
	is test_of($plex->url, $plex->token)->{json}{code}, 'ok',
	    'and well: a person is not told to wait a minute';
	$plex->fault(cut => { times => 1 });
	is test_of($plex->url, $plex->token)->{json}{code}, 'unreachable', 'cut in the middle';
	$plex->heal;
	is test_of($plex->url, $plex->token)->{json}{code}, 'ok', 'well again';
	is fields(test_of('ftp://127.0.0.1', 'x')), 'url:format', 'not a web address';
	is fields(test_of('http://me:pw@127.0.0.1', 'x')), 'url:format', 'with a user name';
	is fields(test_of($plex->url, "a b")), 'token:format', 'a token with a blank';
};

my $id;
subtest 'setting up' => sub {
	my $r = $admin->api(POST => $SERVERS, { name => 'Attic', url => $plex->url,
	    token => $plex->token, libraries => { exclude => ['2'] } });
	is $r->{status}, 201, 'a server' or diag $r->{content};
	my $server = $r->{json};
	$id = $server->{id};
	is $r->{headers}{etag}, qq("$server->{etag}"), 'with its version';
	delete @$server{qw(id createdAt updatedAt lastSeenAt etag lastSync)};
	is_deeply $server, { kind => 'plex', name => 'Attic', url => $plex->url, tokenSet => $true,
	    enabled => $true, machineId => $plex->machine, serverVersion => '1.41.0',
	    libraries => { total => 2, enabled => 1 } }, 'what it shows';
	is audited('media_server.created', $id), 1, 'audited';
	is code($admin->api(POST => $SERVERS, { name => 'again', url => $plex->url . '/',
	    token => $plex->token })), '409 server_exists', 'the same one is refused';
	is code($admin->api(GET => "$SERVERS/" . '0' x 8 . '-0000-4000-8000-' . '0' x 12)),
	    '404 not_found', 'one that is not there';
	my $away = $admin->api(POST => $SERVERS, { name => 'Away', url => 'http://127.0.0.1:9',
	    token => 'token-of-away', enabled => $false, libraries => { include => ['7'] } });
	is $away->{status}, 201, 'one that cannot be reached is saved too';
	is $away->{json}{machineId}, undef, 'who it is is not known yet';
	push @secret, 'token-of-away';
	my $list = $admin->api(GET => $SERVERS)->{json};
	is_deeply [ map { $_->{name} } @{ $list->{items} } ], [qw(Attic Away)], 'the list';
	# A section begins as its server was set up, whatever adds it.
	$mn->psql("INSERT INTO media_sections (id, server_id, key, title, type) SELECT "
	    . "gen_random_uuid(), '$away->{json}{id}', k, k, 'movie' "
	    . "FROM unnest('{7,8}'::text[]) k");
	is_deeply [ map { $_->{enabled} ? $_->{key} : () }
	    @{ $admin->api(GET => "$SERVERS/$away->{json}{id}/libraries")->{json}{items} } ], ['7'],
	    'and takes in what was asked for';
	is $admin->api(DELETE => "$SERVERS/$away->{json}{id}")->{status}, 204, 'removed';
};

subtest 'rights' => sub {
	my $seen = $user->api(GET => "$SERVERS/$id");
	is $seen->{status}, 200, 'people may see that it is there';
	ok !exists $seen->{json}{$_}, "but not $_" for qw(url tokenSet machineId adopt);
	ok !exists $user->api(GET => $SERVERS)->{json}{items}[0]{url}, 'nor in the list';
	ok !exists $user->api(GET => "$SERVERS/$id/libraries")->{json}{items}[0]{users},
	    'nor who sees a library';
	is code($guest->api(GET => $SERVERS)), '403 forbidden', 'guests see nothing';
	for my $ask ([ POST => $SERVERS, { name => 'x', url => $plex->url, token => 'x' } ],
	    [ PATCH => "$SERVERS/$id", { name => 'x' } ], [ DELETE => "$SERVERS/$id" ],
	    [ POST => "$SERVERS/$id/test" ], [ POST => "$SERVERS/test", { url => 'x',
	    token => 'x' } ], [ PUT => "$SERVERS/$id/libraries/1", { enabled => $false } ],
	    [ POST => "$SERVERS/$id/adopt", { machineIdentifier => 'x' } ]) {
		is code($user->api(@$ask)), '403 forbidden', "$ask->[0] $ask->[1]";
	}
};

subtest 'changes' => sub {
	my $etag = $admin->api(GET => "$SERVERS/$id")->{headers}{etag};
	my $r = $admin->api(PATCH => "$SERVERS/$id", { name => 'Loft', enabled => $false },
	    { 'If-Match' => $etag });
	is $r->{status}, 200, 'a new name' or diag $r->{content};
	is "$r->{json}{name} $r->{json}{enabled}", 'Loft 0', 'and switched off';
	is code($admin->api(PATCH => "$SERVERS/$id", { name => 'x' }, { 'If-Match' => $etag })),
	    '412 precondition_failed', 'an old version';
	is fields($admin->api(PATCH => "$SERVERS/$id", { url => $other->url })), 'token:required',
	    'the stored token goes to no other address';
	is scalar($other->requests), 0, 'which was not even asked';
	is $admin->api(PATCH => "$SERVERS/$id", { url => $plex->url . '/' })->{status}, 200,
	    'the same address in another spelling';
	$plex->new_token('plex-token-renewed');
	push @secret, 'plex-token-renewed';
	is $admin->api(POST => "$SERVERS/$id/test")->{json}{code}, 'unauthorized',
	    'the stored token is tested';
	is $admin->api(PATCH => "$SERVERS/$id", { token => 'plex-token-renewed', enabled => $true })
	    ->{status}, 200, 'a new one';
	is $admin->api(POST => "$SERVERS/$id/test")->{json}{code}, 'ok', 'is good';
	is audited('media_server.updated', $id), 3, 'audited';
};

subtest 'libraries' => sub {
	$plex->section('1', 'movie', 'Feature films');
	my $items = $admin->api(GET => "$SERVERS/$id/libraries")->{json}{items};
	is_deeply [ map { join ' ', @$_{qw(key title type enabled visibility)} } @$items ],
	    [ '1 Feature films movie 1 house', '2 Series show 0 house' ], 'as they are now';
	$plex->fault(html => {});
	my $now = $admin->api(GET => "$SERVERS/$id/libraries")->{json}{items};
	delete $_->{lastSyncedAt} for @$items, @$now; # a sync of the new token may be at work
	is_deeply $now, $items, 'an answer that says nothing changes nothing';
	$plex->heal;
	items($id, 1, 3);
	my $r = library($id, 1, { enabled => $false });
	is $r->{status}, 200, 'left out' or diag $r->{content};
	ok !$r->{json}{enabled}, 'it says so';
	is states($id, 1), 'trashed/excluded:3', 'its items are in the trash';
	is $manager->api(GET => '/api/media?kind=movie')->{json}{items}[0], undef,
	    'and in no list';
	my ($gone) = $mn->psql("SELECT media_id FROM server_items LIMIT 1");
	$mn->psql("UPDATE media SET trash_reason = 'gone' WHERE id = '$gone'");
	library($id, 1, { enabled => $true });
	is states($id, 1), 'ready:2 trashed/gone:1',
	    'they come back; what the server lost does not';
	is audited('library.updated', $id), 2, 'audited';
	is code(library($id, 99, { enabled => $true })), '404 not_found', 'one that is not there';

	is $user->api(GET => '/api/media?kind=movie')->{json}{items}[1]{visibility}, 'house',
	    'the house sees them';
	$r = library($id, 1, { visibility => 'shared', users => [ $user->{id} ] });
	is_deeply $r->{json}{users}, [ $user->{id} ], 'now one person does' or diag $r->{content};
	is scalar @{ $user->api(GET => '/api/media?kind=movie')->{json}{items} }, 2, 'this one';
	is scalar @{ $guest->api(GET => '/api/media?kind=movie')->{json}{items} }, 0,
	    'nobody else';
	library($id, 1, { users => [ $guest->{id} ] });
	is scalar @{ $user->api(GET => '/api/media?kind=movie')->{json}{items} }, 0,
	    'then another person';
	is scalar @{ $guest->api(GET => '/api/media?kind=movie')->{json}{items} }, 2, 'alone';
	is fields(library($id, 1, { visibility => 'house', users => [ $user->{id} ] })),
	    'users:choice', 'everyone, or some';
	is fields(library($id, 1, { users => [ '0' x 8 . '-0000-4000-8000-' . '0' x 12 ] })),
	    'users:unknown', 'nobody of that id';
	is_deeply library($id, 1, { visibility => 'house' })->{json}{users}, [], 'the house again';
	is scalar @{ $user->api(GET => '/api/media?kind=movie')->{json}{items} }, 2,
	    'and everyone sees them';
};

subtest 'many items' => sub {
	library($id, 2, { enabled => $true });
	items($id, 2, MANY);
	library($id, 2, { enabled => $false });
	wait_until { states($id, 2) eq 'trashed/excluded:' . MANY };
	pass 'all are left out, by a job';
	# The pass that follows a sync is not waited for.
	$mn->psql(<<"SQL");
INSERT INTO jobs (id, kind, queue, max_attempts, unique_key, run_at, payload)
SELECT gen_random_uuid(), kind, queue, max_attempts, unique_key, now() + interval '1 hour',
	payload - 'after' || '{"rules": 0}'
FROM jobs WHERE kind = 'library.settle' AND state = 'done' AND unique_key LIKE 'library.there:%'
ORDER BY id DESC LIMIT 1
ON CONFLICT DO NOTHING
SQL
	# A change while the job is at work counts.
	library($id, 2, { enabled => $_ }) for $true, $false, $true;
	wait_until { states($id, 2) eq 'ready:' . MANY };
	pass 'and come back';
	library($id, 2, { visibility => 'shared', users => [ $guest->{id} ] });
	my $shown = 'SELECT count(*) FROM media_shares h JOIN server_items i USING (media_id) '
	    . 'JOIN media_sections s ON s.id = i.section_id '
	    . "WHERE s.key = '2' AND s.server_id = '$id' AND h.user_id = '$guest->{id}'";
	wait_until { $mn->psql($shown) == MANY };
	pass 'one person sees all of them';
	my $old = $mn->psql("SELECT sum(version) FROM media");
	library($id, 2, { visibility => 'shared', users => [ $guest->{id} ] });
	wait_until { $mn->psql("SELECT count(*) FROM jobs WHERE kind = 'library.settle'"
	    . " AND state <> 'done' AND run_at < now()") == 0 };
	is $mn->psql("SELECT sum(version) FROM media"), $old, 'what fits already is not written';
};

subtest 'another installation at the address' => sub {
	my $was = $plex->machine;
	# No sync takes up what is decided here.
	$admin->api(PATCH => "$SERVERS/$id", { enabled => $false });
	is code($admin->api(POST => "$SERVERS/$id/adopt", { machineIdentifier => 'reinstalled' })),
	    '409 nothing_to_adopt', 'nobody asked';
	$plex->section('9', 'movie', 'Of another');
	$plex->reinstall('reinstalled');
	my $said = $admin->api(POST => "$SERVERS/$id/test")->{json};
	is $said->{code}, 'ok', 'it responds';
	my ($last) = reverse $plex->requests;
	is_deeply [ @$last{qw(path token)} ], [ '/identity', undef ],
	    'it is asked who it is, and does not get the token of the other';
	like $said->{message}, qr/another installation/i, 'but is another one';
	my $server = $admin->api(GET => "$SERVERS/$id")->{json};
	is $server->{machineId}, $was, 'it is not taken for the same';
	is_deeply $server->{adopt}, { machineId => 'reinstalled' }, 'but asked about';
	my $libraries = sub { join ' ', map { $_->{key} }
	    @{ $admin->api(GET => "$SERVERS/$id/libraries")->{json}{items} } };
	is $libraries->(), '1 2', 'its libraries are not mixed with those of the known one';
	is code($admin->api(POST => "$SERVERS/$id/adopt", { machineIdentifier => 'wrong' })),
	    '409 nothing_to_adopt', 'the answer is about another';
	my $r = $admin->api(POST => "$SERVERS/$id/adopt", { machineIdentifier => 'reinstalled' });
	is $r->{status}, 200, 'adopted' or diag $r->{content};
	is $r->{json}{machineId}, 'reinstalled', 'it is the same now';
	ok !exists $r->{json}{adopt}, 'and no question is open';
	is $mn->psql("SELECT rekey FROM media_servers WHERE id = '$id'"), 't',
	    'its keys are in doubt';
	is audited('media_server.adopted', $id), 1, 'audited';
	is $libraries->(), '1 9 2', 'then they are';
	is code($admin->api(POST => "$SERVERS/$id/adopt", { machineIdentifier => 'reinstalled' })),
	    '409 nothing_to_adopt', 'once';

	$plex->reinstall('third');
	$admin->api(POST => "$SERVERS/$id/test");
	$plex->reinstall('reinstalled');
	$admin->api(POST => "$SERVERS/$id/test");
	ok !exists $admin->api(GET => "$SERVERS/$id")->{json}{adopt},
	    'the known one is back, and the question is withdrawn';
	my $second = $admin->api(POST => $SERVERS, { name => 'Cellar', url => $other->url,
	    token => $other->token })->{json}{id};
	$plex->reinstall($other->machine);
	$admin->api(POST => "$SERVERS/$id/test");
	is code($admin->api(POST => "$SERVERS/$id/adopt",
	    { machineIdentifier => $other->machine })), '409 server_exists',
	    'one that is set up already cannot be adopted';
	$plex->reinstall('reinstalled');
	is $admin->api(DELETE => "$SERVERS/$second?items=purge")->{status}, 204, 'removed';
};

subtest 'secrets' => sub {
	my $stored = $mn->psql("SELECT token FROM media_servers WHERE id = '$id'");
	like $stored, qr/^v1:\d+:/, 'tokens are sealed';
	my $dump = MediaNest::Test::run_output('pg_dump', '-d', $mn->{status}{databaseUrl});
	cmp_ok length $dump, '>', 100_000, 'a dump of the database';
	my $log = join '', map { $mn->log_text($_) } qw(plex nginx worker postgres),
	    map { s{.*/|\.log$}{}gr } glob "$mn->{var}/log/*.log";
	cmp_ok length $log, '>', 1000, 'the logs';
	my $said = join '', map { $admin->api(GET => $_)->{content} } $SERVERS, "$SERVERS/$id",
	    "$SERVERS/$id/libraries", '/api/admin/audit';
	for my $secret (@secret) {
		ok index($dump, $secret) < 0, "$secret is not in the dump";
		ok index($log, $secret) < 0, 'nor in a log';
		ok index($said, $secret) < 0, 'nor in an answer';
	}
	my @urls = map { "$_->{path}?$_->{query}" } $plex->requests;
	cmp_ok scalar @urls, '>', 30, 'the server was asked';
	is scalar(grep { /token/i } @urls), 0, 'and no URL has one';
	$mn->admin_command('', 'keys', 'rotate');
	my $resealed = $mn->admin_command('', 'keys', 'reseal');
	isnt $mn->psql("SELECT token FROM media_servers WHERE id = '$id'"), $stored,
	    'it is sealed again with a new key' or diag $resealed;
	like $resealed, qr/data-1\.key may be removed/, 'so the old one may go';
};

subtest 'removal' => sub {
	my $items = $mn->psql("SELECT count(*) FROM server_items WHERE server_id = '$id'");
	is $items, MANY + 3, 'it has items';
	is $admin->api(DELETE => "$SERVERS/$id")->{status}, 204, 'to the trash';
	is code($admin->api(GET => "$SERVERS/$id")), '404 not_found', 'it is gone at once';
	is scalar @{ $admin->api(GET => $SERVERS)->{json}{items} }, 0, 'from the list too';
	my $again = $admin->api(POST => $SERVERS, { name => 'Attic', url => $plex->url,
	    token => $plex->token });
	is $again->{status}, 201, 'and can be set up again' or diag $again->{content};
	wait_until { $mn->psql("SELECT count(*) FROM media_servers WHERE id = '$id'") == 0 };
	is $mn->psql("SELECT count(*) FROM media WHERE trash_reason = 'server'"), MANY + 2,
	    'its items are in the trash';
	is $mn->psql("SELECT count(*) FROM media WHERE trash_reason = 'gone'"), 1,
	    'one that was there already kept its reason';
	is audited('media_server.deleted', $id), 1, 'audited';

	$id = $again->{json}{id};
	items($id, 1, MANY);
	my ($pictured) = $mn->psql("SELECT media_id FROM server_items LIMIT 1");
	$mn->psql("INSERT INTO media_assets (media_id, key, size, published) "
	    . "VALUES ('$pictured', 'derived/$pictured/x/poster', 1, true)");
	is $admin->api(DELETE => "$SERVERS/$id?items=purge")->{status}, 204, 'for good';
	wait_until { $mn->psql("SELECT count(*) FROM media_servers WHERE id = '$id'") == 0 };
	is $mn->psql("SELECT count(*) FROM media WHERE source = 'plex'"), MANY + 3,
	    'its items are gone, those of the first one are not';
	is $mn->psql("SELECT count(*) FROM jobs WHERE kind = 'media.purge' AND "
	    . "payload->>'mediaId' = '$pictured'"), 1, 'and what was stored of them goes too';
};

# The kinds are a table of src/client/media_server.c.
is $mn->psql("SELECT count(*) FROM pg_constraint WHERE contype = 'c' AND conrelid IN ("
    . "'media'::regclass, 'media_servers'::regclass) AND pg_get_constraintdef(oid) LIKE '%plex%'"),
    0, 'another kind of server needs no change of the schema';

# A run at work and a removal lock the same rows in the same order.
subtest 'removed while a sync is at work' => sub {
	my $deadlocks = 'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()';
	my $before = $mn->psql($deadlocks);
	my %status;
	$other->add('1') for 1 .. 20;
	for my $round (1 .. ROUNDS) {
		my $new = $admin->api(POST => $SERVERS, { name => 'Cellar', url => $other->url,
		    token => $other->token })->{json}{id};
		select undef, undef, undef, 0.3 * $round / ROUNDS;
		$status{ $admin->api(DELETE => "$SERVERS/$new?items=purge")->{status} }++;
	}
	is_deeply \%status, { 204 => ROUNDS }, 'every one is removed';
	is $mn->psql($deadlocks), $before, 'and nobody lost a deadlock';
};

done_testing;
