# Hostile requests and frames: notifyd refuses them and keeps running.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Select;
use IO::Socket::UNIX;
use JSON::PP;
use MediaNest::Test;
use MediaNest::WebSocket;
use Test::More;
use Time::HiRes qw(time);

my $mn = MediaNest::Test->stack;
my $admin = $mn->admin;
my $guest = $mn->user(role => 'guest');
my $socket = "$mn->{var}/run/notifyd.sock";
my $pid = $mn->pid('notifyd');
my $bystander = MediaNest::WebSocket->open($guest);

# Past nginx: requests that it would refuse reach notifyd here. Returns what came back until the
# other side closed or the time was over.
sub raw {
	my ($bytes, $seconds) = @_;
	my $s = IO::Socket::UNIX->new(Peer => $socket) or die "$socket: $!";
	local $SIG{PIPE} = 'IGNORE';
	syswrite $s, $bytes;
	my ($got, $end) = ('', time + ($seconds // 0.5));
	while (time < $end && IO::Select->new($s)->can_read($end - time)) {
		sysread($s, $got, 65536, length $got) or last;
	}
	return $got;
}
my $upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    . "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
sub request {
	my ($line, $more) = @_;
	return "$line HTTP/1.1\r\nHost: x\r\n" . ($more // '') . "\r\n";
}

subtest 'requests' => sub {
	like raw(request('GET /api/notifications/ws', $upgrade)), qr{^HTTP/1\.1 101 },
	    'a good one is upgraded';
	like raw(request('GET /', $upgrade)), qr{^HTTP/1\.[01] 404 }, 'another path';
	like raw(request('GET /api/notifications/wsx', $upgrade)), qr{^HTTP/1\.[01] 404 },
	    'nearly the path';
	like raw(request('GET /api/../api/notifications/ws', $upgrade)),
	    qr{^HTTP/1\.[01] (?:101|40[034]) }, 'a detour';
	like raw(request('GET /' . 'a' x 300, $upgrade)), qr{^HTTP/1\.[01] 40[04] }, 'a long path';
	like raw(request('GET /api/notifications/ws',
	    $upgrade . "Origin: https://evil.example\r\n")),
	    qr{^HTTP/1\.[01] 403 }, 'a foreign origin';
	unlike raw(request('GET /api/notifications/ws',
	    $upgrade . "Origin: https://evil.example\r\nSec-WebSocket-Protocol: http\r\n")),
	    qr{ 101 }, 'an unknown subprotocol';
	like raw(request('GET /api/notifications/ws',
	    $upgrade . "Origin: https://evil.example\r\nSec-WebSocket-Protocol: medianest\r\n")),
	    qr{^HTTP/1\.[01] 403 }, 'our own does not pass the check';
	unlike raw(request('GET /api/notifications/ws',
	    $upgrade . "Origin: $mn->{url}\r\nOrigin: https://evil.example\r\n")),
	    qr{ 101 }, 'two origins';
	unlike raw(request('POST /api/notifications/stream', "Content-Length: 3\r\n") . 'abc'),
	    qr{ 200 }, 'POST';
	unlike raw(request('DELETE /api/notifications/stream')), qr{ 200 }, 'DELETE';
	unlike raw(request('GET /api/notifications/stream', "Origin: " . 'o' x 7000 . "\r\n")),
	    qr{ 200 }, 'a long origin';
	unlike raw(request('GET /api/notifications/stream', "X: " . 'o' x 70_000 . "\r\n")),
	    qr{ 200 }, 'a very long header';
	unlike raw(request('GET /api/notifications/stream?ticket=' . 't' x 5000)), qr{ 200 },
	    'a long ticket';
	unlike raw(request('GET /api/notifications/stream?after=1&after=2&' . 'a&' x 500)),
	    qr{ 200 }, 'many parameters';
	unlike raw(request('GET /api/notifications/stream', "Last-Event-ID: 1\r\n" x 200)),
	    qr{ 200 }, 'many headers';
	unlike raw(request("GET /api/notifications/stream?ticket=%00%ff%zz")), qr{ 200 },
	    'odd escapes';
	unlike raw("GET /api/notifications/stream HTTP/9.9\r\n\r\n"), qr{ 200 }, 'a version';
	unlike raw($_), qr{ (?:101|200) }, 'no HTTP' for "\0" x 1000, "\xff" x 5000, "\r\n\r\n",
	    'GET', "GET  HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00" . 'x' x 500,
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . "\0" x 100;
	like raw(request('GET /api/notifications/nothing')
	    . request('GET /api/notifications/nothing')),
	    qr{^HTTP/1\.[01] 404 }, 'two at once';
	for my $seed (1 .. 60) {
		srand $seed;
		my $bytes = request('GET /api/notifications/'
		    . ($seed % 2 ? 'ws?ticket=x' : 'stream?ticket=y'),
		    $upgrade);
		substr($bytes, int rand length $bytes, 1) = chr int rand 256 for 1 .. 1 + $seed % 5;
		raw($bytes, 0.02);
	}
};

# A socket of its own for each, unverified tickets would be closed at once.
sub frames {
	my ($what, $bytes, $codes) = @_;
	my $ws = MediaNest::WebSocket->open($guest);
	local $SIG{PIPE} = 'IGNORE';
	print { $ws->{socket} } $bytes;
	my $code = $ws->wait_closed(30);
	ok defined $code && $code =~ $codes,
	    "$what: closed" . (defined $code ? " with $code" : ' not at all');
}

subtest 'frames' => sub {
	frames('a reserved opcode', "\x83\x80\0\0\0\0", qr/^(?:0|1002)$/);
	frames('a reserved bit', "\xf1\x80\0\0\0\0", qr/^(?:0|1002)$/);
	frames('a long control frame', "\x89\xfe\x01\x00\0\0\0\0" . 'x' x 256, qr/^(?:0|1002)$/);
	frames('a continuation of nothing', "\x80\x81\0\0\0\0x", qr/^(?:0|1002)$/);
	frames('an endless frame',
	    "\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0" . 'x' x 100_000,
	    qr/^(?:0|1002|1008|1009)$/);
	frames('bad UTF-8', "\x81\x84\0\0\0\0\xff\xfe\xfd\xfc", qr/^(?:0|1007)$/);
	frames('a close', "\x88\x82\0\0\0\0\x03\xe8", qr/^1000$/);
	frames('a close with a code of one byte', "\x88\x81\0\0\0\0\x03", qr/^(?:0|1002|1005)$/);
	frames('a close with a strange code', "\x88\x82\0\0\0\0\xff\xff", qr/^\d+$/);
	frames('a flood of fragments',
	    "\x01\x80\0\0\0\0" . "\x00\x80\0\0\0\0" x 50 . "\x00\xfe\xff\xff\0\0\0\0" . 'x' x 65535
		. "\x00\x85\0\0\0\0xxxxx",
	    qr/^\d+$/);
	for my $seed (1 .. 40) {
		srand $seed;
		my $ws = MediaNest::WebSocket->open($guest);
		local $SIG{PIPE} = 'IGNORE';
		syswrite $ws->{socket}, join '', map { chr int rand 256 } 1 .. 1 + int rand 300;
		$ws->read(0.02) if $seed % 3;
	}
	my $pinged = MediaNest::WebSocket->open($guest);
	$pinged->_send(9, 'hello');
	is $pinged->wait_closed(0.3), undef, 'a ping is no offence';
};

subtest 'connections that do not matter' => sub {
	my @idle = map { IO::Socket::UNIX->new(Peer => $socket) } 1 .. 200;
	syswrite $_, 'GET /api/notif' for @idle;
	my $ws = MediaNest::WebSocket->open($guest);
	is $ws->{status}, 101, 'half requests do not keep others out';
	for (1 .. 30) {
		my $short = MediaNest::WebSocket->connect($mn,
		    path => '/api/notifications/' . ($_ % 2 ? 'ws' : 'stream') . '?ticket='
			. MediaNest::WebSocket->ticket($guest),
		    stream => !($_ % 2));
		undef $short; # gone before anything was answered to its ticket
	}
};

$admin->api(POST => '/api/notifications/broadcast', { title => 'Still there?', message => 'x',
    roles => ['guest'] });
ok $bystander->wait_type('notification', 5), 'a bystander has noticed nothing';
is $mn->pid('notifyd'), $pid, 'the process is the same';

subtest 'a refused EventSource gets a problem document' => sub {
	my $answer = raw('GET /api/notifications/stream?ticket=' . 'a' x 43 . " HTTP/1.1\r\n"
	    . "Host: localhost\r\nAccept: text/event-stream\r\n\r\n", 5);
	like $answer, qr{^HTTP/1\.1 401 .*application/problem\+json}s, 'refused with 401';
	my $problem = eval { JSON::PP->new->decode($answer =~ s/^.*?\r\n\r\n//sr) } || {};
	is $problem->{type}, 'urn:medianest:problem:ticket_invalid',
	    'with the type that the other parts use';
	is $problem->{code}, 'ticket_invalid', 'and the code';
	is $problem->{instance}, '/api/notifications/stream', 'and what was asked for';
};

done_testing;
