# medianest-notifyd: who may connect, what is replayed, when a connection ends.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use MediaNest::Test;
use MediaNest::WebSocket;
use Test::More;
use Time::HiRes qw(sleep time);

# Of its own: the other tests' broadcasts would be heard too.
my $mn = MediaNest::Test->stack(private => 1);
my $admin = $mn->admin;
my $guest = $mn->user(role => 'guest');
my $socket = "$mn->{var}/run/notifyd.sock";

sub broadcast {
	my ($title, %more) = @_;
	my $answer = $admin->api(POST => '/api/notifications/broadcast', { title => $title,
	    message => 'x', roles => ['guest'], %more });
	die "broadcast: $answer->{content}" if $answer->{status} != 201;
}
sub ws { return MediaNest::WebSocket->open($guest, @_) }
sub raw { return MediaNest::WebSocket->connect($mn, path => "/api/notifications/$_[0]") }
sub seqs { return [ map { $_->{seq} } grep { defined $_->{seq} } @_ ] }

subtest 'a socket hears' => sub {
	my $ws = ws();
	is $ws->{status}, 101, 'the upgrade';
	broadcast('Hello');
	my $event = $ws->next;
	is $event->{type}, 'notification', 'type';
	is $event->{seq}, 1, 'seq';
	like $event->{id}, qr/^[0-9a-f-]{36}$/, 'id';
	like $event->{timestamp}, qr/^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z$/, 'timestamp';
	is_deeply $event->{data},
	    { notification => { kind => 'system.broadcast', title => 'Hello', message => 'x' } },
	    'data';
	my $row = $guest->api(GET => '/api/notifications')->{json}{items}[0];
	is $row->{id}, $event->{id}, 'the same id in the list';
	is $row->{createdAt}, $event->{timestamp}, 'the same time';
	my $replayed = ws(after => 0)->next;
	is_deeply $replayed, $event, 'a replay shows what the live push showed';
};

subtest 'tickets' => sub {
	my $ticket = MediaNest::WebSocket->ticket($guest);
	my $first = ws(ticket => $ticket);
	is $first->wait_closed(0.3), undef, 'the first use holds';
	is ws(ticket => $ticket)->wait_closed, 4401, 'the second is closed with 4401';
	is ws(ticket => $ticket, stream => 1)->{status}, 401, 'and 401 for an EventSource';
	my $late = MediaNest::WebSocket->ticket($guest);
	is $mn->redis(PEXPIRE => "mn:ticket:$late", 1), 1, 'a ticket whose time is over';
	sleep 0.01;
	is ws(ticket => $late)->wait_closed, 4401, 'is unknown';
	is ws(ticket => 'x' x 43)->wait_closed, 4401, 'so is an invented one';
	is ws(ticket => 'short')->wait_closed, 4401, 'a short one';
	is raw('ws')->wait_closed, 4401, 'none at all';
	is raw('ws?ticket=' . 'y' x 900)->wait_closed, 4401, 'a long one';
	is raw('ws?ticket=' . 'y' x 2000)->{status}, 414, 'a longer one';
};

subtest 'origins and requests' => sub {
	is ws(origin => $mn->{url})->{status}, 101, 'our own page';
	is ws()->{status}, 101, 'a native client sends none';
	for my $origin ('https://evil.example', 'null', "$mn->{url}.evil.example",
	    'https://127.0.0.1', "x$mn->{url}", 'y' x 1000) {
		my $ws = ws(origin => $origin);
		is $ws->{status}, 403, 'refused: ' . substr $origin, 0, 40;
		is $ws->{json}{code}, 'forbidden', 'with a problem document';
		is ws(origin => $origin, stream => 1)->{status}, 403, 'as an EventSource too';
	}
	my $ticket = MediaNest::WebSocket->ticket($guest);
	is ws(origin => 'https://evil.example', ticket => $ticket)->{status}, 403, 'a refusal';
	is ws(ticket => $ticket)->wait_closed(0.3), undef, 'does not spend the ticket';
	is ws(after => $_)->{status}, 400, "after=$_"
	    for 'x', '-1', '1.5', '99999999999999999999', '';
	is ws(plain => 1)->{status}, 400, 'no upgrade';
	my $es = ws(stream => 1, origin => $mn->{url});
	like $es->{head}, qr/^access-control-allow-origin: \Q$mn->{url}\E\r$/mi,
	    'CORS of an EventSource';
	my $alias = MediaNest::WebSocket->connect($mn, path => '/api/v1/notifications/ws?ticket='
	    . MediaNest::WebSocket->ticket($guest));
	is $alias->{status}, 101, 'by the alias';
	is $alias->wait_closed(0.3), undef, 'it holds';
};

subtest 'a live setting' => sub {
	my $friend = 'https://friend.example';
	is ws(origin => $friend)->{status}, 403, 'a foreign origin';
	$mn->psql("INSERT INTO settings (key, value) VALUES ('cors.origins', "
	    . "'https://other.example,$friend')");
	ok wait_until(sub { ws(origin => $friend)->{status} == 101 }, 10),
	    'is let in when an admin says so, without a restart';
	$mn->psql("DELETE FROM settings WHERE key = 'cors.origins'");
	ok wait_until(sub { ws(origin => $friend)->{status} == 403 }, 10), 'and no longer when not';
};

subtest 'replay' => sub {
	broadcast("Number $_") for 2 .. 6;
	my $ws = ws(after => 3);
	my @events = $ws->take(4);
	is_deeply seqs(@events), [ 4, 5, 6 ], 'what came after';
	is $events[3]{type}, 'resync', 'then one resync: other events may have been missed';
	broadcast('Number 7');
	is $ws->next->{seq}, 7, 'then live';
	is_deeply [ map { $_->{type} } ws(after => 7)->take(2, 1) ], ['resync'],
	    'nothing was missed';
	my $fresh = ws();
	is $fresh->next(0.5), undef, 'without after: nothing old';
	is_deeply [ map { $_->{type} } ws(after => 1_000_000)->take(2, 1) ], ['resync'],
	    'after from a future that never was';
	broadcast('Number 8');
	is $fresh->next->{seq}, 8, 'a fresh one hears what is new';
	$mn->psql("DELETE FROM notifications WHERE user_id = '$guest->{id}' AND seq <= 4");
	@events = ws(after => 2)->take(5);
	is_deeply seqs(@events), [ 5 .. 8 ], 'older than what is kept: what there is';
	is_deeply [ map { $_->{type} } grep { !defined $_->{seq} } @events ], ['resync'],
	    'and one resync';
};

subtest 'long replay' => sub {
	my $reader = $mn->user(role => 'guest');
	$mn->psql("INSERT INTO notifications (id, user_id, seq, kind, title, message) SELECT "
	    . "gen_random_uuid(), '$reader->{id}', i, 'media.ready', 'n' || i, repeat('x', 900) "
	    . "FROM generate_series(1, 3000) i;"
		. " UPDATE users SET last_seq = 3000 WHERE id = '$reader->{id}'");
	my $ws = MediaNest::WebSocket->open($reader, after => 0);
	my @events = $ws->take(3001, 20);
	is_deeply seqs(@events), [ 1 .. 3000 ], '3000 of 1 kB, several times the queue, in order';
	is $events[3000]{type}, 'resync', 'and then the resync';
};

subtest 'EventSource' => sub {
	my $es = ws(stream => 1, after => 5);
	is $es->{status}, 200, 'the answer begins';
	like $es->{head}, qr{^content-type: text/event-stream\r$}mi, 'its type';
	my @events = $es->take(4);
	is_deeply seqs(@events), [ 6, 7, 8 ], 'replay';
	is_deeply [ map { $_->{_id} } @events ], [ 6, 7, 8, undef ], 'seq as id';
	broadcast('Number 9');
	is $es->next->{seq}, 9, 'live';
	my $back = ws(stream => 1, after => 5, last_event_id => 8);
	is $back->next->{seq}, 9, 'Last-Event-ID wins over after';
	is ws(stream => 1, last_event_id => 'x')->{status}, 400, 'when it is a number';
};

subtest 'a lost push' => sub {
	my ($ws, $es) = (ws(), ws(stream => 1));
	ok !defined $ws->next(0.3), 'both are connected';
	$mn->psql("WITH u AS (UPDATE users SET last_seq = last_seq + 1 WHERE id = '$guest->{id}' "
	    . 'RETURNING last_seq) INSERT INTO notifications (id, user_id, seq, kind, title) '
	    . "SELECT gen_random_uuid(), '$guest->{id}', last_seq, 'media.ready', 'quiet' FROM u");
	my $event = $ws->next(6);
	is $event->{seq}, 10, 'a row without a push is found';
	is $event->{data}{notification}{title}, 'quiet', 'and sent';
	is $es->next(6)->{seq}, 10, 'to all';
};

subtest 'events without a row' => sub {
	my $ws = ws();
	ok !defined $ws->next(0.3), 'connected';
	my $publish = sub { $mn->redis(PUBLISH => 'mn:events',
	    ref $_[0] ? encode_json($_[0]) : $_[0]) };
	$publish->({ to => [ $guest->{id} ], event => { type => 'media.updated', id => 'e1',
	    timestamp => 't', data => { mediaId => 'm' } } });
	is_deeply $ws->next,
	    { type => 'media.updated', id => 'e1', timestamp => 't', data => { mediaId => 'm' } },
	    'to one';
	$publish->({ to => 'all', event => { type => 'sync.completed', id => 'e2', timestamp => 't',
	    data => {} } });
	is $ws->wait_type('sync.completed')->{id}, 'e2', 'to all';
	$publish->({ to => [ $admin->{id} ], event => { type => 'media.updated', id => 'e3',
	    timestamp => 't', data => {} } });
	$publish->($_)
	    for 'nonsense', '{}', '[]', '{"to":1,"event":2}', '{"each":[1,{"user":3}],"event":{}}',
		'{"endSession":{}}', '{"to":"all","event":{"type":5}}';
	$publish->({ each => [ { user => $guest->{id}, id => 'x', seq => 4_000,
	    timestamp => 't' } ],
	    event => { type => 'notification', data => {} } });
	$publish->({ to => 'all', event => { type => 'sync.completed', id => 'last',
	    timestamp => 't', data => {} } });
	my @seen;
	while (my $event = $ws->next) { push @seen, $event; last if ($event->{id} // '') eq 'last' }
	ok !grep({ ($_->{id} // '') =~ /^(?:e3|x)$/ } @seen),
	    'nobody hears what is for others, or a seq that no row has';
	is $seen[-1]{id}, 'last', 'nonsense on the channel harms nobody';
};

subtest 'the end of a session' => sub {
	my $make = sub {
		my $who = $mn->login($guest->{email}, $guest->{password});
		my ($ws, $es) = (MediaNest::WebSocket->open($who),
		    MediaNest::WebSocket->open($who, stream => 1));
		ok !defined $ws->next(0.2), 'connected';
		return ($who, $ws, $es);
	};
	my $ends = sub {
		my ($what, $ws, $es) = @_;
		my $begun = time;
		is $ws->wait_type('session.ended', 6)->{type}, 'session.ended', "$what: told";
		is $ws->wait_closed(6), 4401, 'closed';
		ok $es->wait_type('session.ended', 6), 'an EventSource is told too';
		is $es->wait_closed(6), 0, 'and ends';
		cmp_ok time - $begun, '<=', 5, 'within 5 s';
	};
	my $bystander = ws();
	my ($who, $ws, $es) = $make->();
	is $who->api(POST => '/api/auth/logout',
	    { refreshToken => $who->{refresh_token} })->{status},
	    204, 'sign out';
	$ends->('signed out', $ws, $es);
	($who, $ws, $es) = $make->();
	$mn->psql(
	    "UPDATE sessions SET revoked_at = now() WHERE user_id = '$guest->{id}' AND id::text = '"
		. $who->api(GET => '/api/auth/session')->{json}{sessionId} . "'");
	$ends->('revoked without a word', $ws, $es);
	is $bystander->wait_closed(0.1), undef, 'other sessions of the same person go on';
	($who, $ws, $es) = $make->();
	$mn->redis(PUBLISH => 'mn:events',
	    encode_json({ endSession => { user => $guest->{id}, sid => undef } }));
	$ends->('all sessions', $ws, $es);
	is $bystander->wait_closed(1), 4401, 'all of them';
	my $spent = MediaNest::WebSocket->ticket($guest);
	($who, $ws, $es) = $make->();
	$mn->psql("UPDATE users SET generation = generation + 1 WHERE id = '$guest->{id}'");
	$ends->('a raised generation', $ws, $es);
	is ws(ticket => $spent)->wait_closed, 4401, 'a ticket of before is worth nothing';
};

subtest 'the end of an API token' => sub {
	my $make = sub {
		my (%more) = @_;
		my $who = $mn->login($guest->{email}, $guest->{password});
		my $made = $who->api(POST => '/api/auth/tokens',
		    { name => 'live', scopes => ['media.read'], %more });
		is $made->{status}, 201, 'a token' or diag $made->{content};
		my $token = $mn->client($made->{json}{token});
		my ($ws, $es) = (MediaNest::WebSocket->open($token),
		    MediaNest::WebSocket->open($token, stream => 1));
		is $ws->{status}, 101, 'a socket of its own';
		broadcast('For tokens', roles => ['user']);
		is $ws->wait_type('notification', 5)->{data}{notification}{title}, 'For tokens',
		    'which hears';
		return ($who, $made->{json}{id}, $ws, $es, $token);
	};
	my $ends = sub {
		my ($what, $ws, $es) = @_;
		my $begun = time;
		is $ws->wait_type('session.ended', 6)->{type}, 'session.ended', "$what: told";
		is $ws->wait_closed(6), 4401, 'closed';
		is $es->wait_closed(6), 0, 'the EventSource too';
		cmp_ok time - $begun, '<=', 5, 'within 5 s';
	};
	$guest = $mn->user;
	my $bystander = ws();
	my ($who, $id, $ws, $es, $token) = $make->();
	my $ticket = MediaNest::WebSocket->ticket($token);
	is $who->api(DELETE => "/api/auth/tokens/$id")->{status}, 204, 'revoke it';
	$ends->('revoked', $ws, $es);
	is ws(ticket => $ticket)->wait_closed, 4401, 'a ticket of before is worth nothing';
	($who, $id, $ws, $es) = $make->();
	$mn->psql("UPDATE api_tokens SET revoked_at = now() WHERE id = '$id'");
	$ends->('revoked without a word', $ws, $es);
	($who, $id, $ws, $es) = $make->();
	is $who->api(POST => '/api/auth/logout',
	    { refreshToken => $who->{refresh_token} })->{status}, 204, 'its owner signs out';
	is $ws->wait_closed(2.5), undef, 'which is not the end of the token';
	$mn->psql("UPDATE api_tokens SET expires_at = now() WHERE id = '$id'");
	$ends->('expired', $ws, $es);
	is $bystander->wait_closed(0.1), undef, 'sessions of the same person go on';
	($who, $id, $ws, $es) = $make->();
	is $admin->api(PATCH => "/api/users/$guest->{id}", { tier => 'premium' })->{status}, 200,
	    'other rights';
	$ends->('rights changed', $ws, $es);
	is $bystander->wait_closed(5), 4401, 'for all of the person';
	$guest = $mn->user(role => 'guest');
};

subtest 'slow and noisy clients' => sub {
	my $reader = $mn->user(role => 'guest');
	my $dropped = sub { return scalar(() = $mn->log_text('notifyd') =~ /reads too slowly/g) };
	my $before = $dropped->();
	my $live = sub {
		my ($name) = @_;
		my $all = MediaNest::Test::run_output(MediaNest::Test::build_directory()
		    . '/t/tools/metric-read', "$mn->{var}/run");
		my ($n) = $all =~ /^medianest_live_$name\{transport="websocket"\} (\d+)$/m;
		return $n // 0;
	};
	my ($lost, $most) = ($live->('dropped_total'), 0);
	my $slow = MediaNest::WebSocket->connect($mn, unix => $socket, receive_buffer => 4096,
	    path => '/api/notifications/ws?ticket=' . MediaNest::WebSocket->ticket($reader));
	my $quick = MediaNest::WebSocket->open($reader);
	ok !defined $quick->next(0.3), 'one reads, one does not';
	for my $i (1 .. 100) {
		last if $i % 10 == 0 && $dropped->() > $before;
		broadcast("Number $i") if $i % 5 == 0;
		$mn->redis(PUBLISH => 'mn:events', encode_json({ to => [ $reader->{id} ],
		    event => { type => 'media.updated', id => "e$i", timestamp => 't',
			data => { x => 'x' x 40_000 } } }));
		1 while $quick->read(0);
		my $waiting = $live->('queue_bytes');
		$most = $waiting if $waiting > $most;
	}
	is $dropped->(), $before + 1, 'who reads nothing is dropped';
	cmp_ok $most, '>', 40_000, 'what waits for them is measured';
	is $live->('dropped_total'), $lost + 1, '... and who was dropped is counted';
	my $last = $reader->api(GET => '/api/notifications?limit=1')->{json}{items}[0]{seq};
	1 while $quick->read(0.3);
	is_deeply seqs(@{ $quick->{events} }), [ 1 .. $last ], 'who reads misses nothing';
	is $live->('queue_bytes'), 0, 'and nothing waits any more';
	my $again = MediaNest::WebSocket->open($reader, after => 0);
	is_deeply seqs($again->take($last, 5)), [ 1 .. $last ],
	    'and the dropped one can come back for all of it';
	my $noisy = MediaNest::WebSocket->open($reader);
	$noisy->send_text('x' x 1000) for 1 .. 100;
	is $noisy->wait_closed(3), 1008, 'who talks without end is closed';
	my $polite = MediaNest::WebSocket->open($reader);
	$polite->send_text('{"type":"hello"}');
	is $polite->wait_closed(0.3), undef, 'a word is ignored';
};

is $mn->pid('notifyd') > 0, 1, 'one notifyd served all this';
unlike $mn->log_text('notifyd'), qr/ticket=/, 'no ticket in its log';

done_testing;
