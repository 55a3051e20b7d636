package MediaNest::WebSocket;
# A small client of RFC 6455 and of EventSource, over TLS or a unix socket.
#
#   my $ws = MediaNest::WebSocket->open($mn, after => 7);   # gets a ticket, connects through nginx
#   my $es = MediaNest::WebSocket->open($mn, stream => 1);  # the same as an EventSource
#   my $ws = MediaNest::WebSocket->connect($mn, path => '/api/notifications/ws?ticket=...',
#       origin => '...', unix => 'path');
#   $ws->{status}                     # of the handshake: 101, 200, or a refusal, then $ws->{body}
#   my $event = $ws->next(5);         # decoded JSON; undef at the end of the time or the connection
#   my @events = $ws->take(10, 5);    # so many, or as many as came in that time
#   $ws->{closed}                     # close code; 0: ended without one
#   raw => 1                          # events of a WebSocket stay text
#   MediaNest::WebSocket->pump(1, @sockets);  # reads what has come on any of them into {events}
use strict;
use warnings;
use Carp qw(croak);
use IO::Select;
use IO::Socket::SSL;
use IO::Socket::UNIX;
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use Time::HiRes qw(time);

use constant { CONNECT_SECONDS => 15, READ_BYTES => 65536 };

my $JSON = JSON::PP->new->utf8->allow_nonref;

sub ticket {
	my ($class, $mn) = @_;
	my $answer = $mn->api(POST => '/api/notifications/ticket');
	croak "ticket: $answer->{status} $answer->{content}" if $answer->{status} != 200;
	return $answer->{json}{ticket};
}

sub open {
	my ($class, $mn, %option) = @_;
	my $path = '/api/notifications/' . ($option{stream} ? 'stream' : 'ws') . '?ticket='
	    . ($option{ticket} // $class->ticket($mn));
	$path .= "&after=$option{after}" if defined $option{after};
	return $class->connect($mn, path => $path, %option);
}

sub connect {
	my ($class, $mn, %option) = @_;
	my $self = bless { events => [], comments => 0, in => '', stream => $option{stream},
	    raw => $option{raw}, parts => '', pongs => 1 },
	    $class;
	my ($host, $port) = $mn->{url} =~ m{^https://([^:/]+):(\d+)};
	$self->{socket} = $option{unix}
		? IO::Socket::UNIX->new(Peer => $option{unix}, Timeout => CONNECT_SECONDS)
		: IO::Socket::SSL->new(PeerAddr => $host, PeerPort => $port,
		    SSL_ca_file => $mn->{ca}, Timeout => CONNECT_SECONDS);
	croak 'connect: ' . ($! || $IO::Socket::SSL::SSL_ERROR) unless $self->{socket};
	setsockopt $self->{socket}, SOL_SOCKET, SO_RCVBUF, pack('i', $option{receive_buffer})
	    if $option{receive_buffer};
	my @head = ("GET $option{path} HTTP/1.1", 'Host: ' . ($host // 'local'));
	push @head, 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13',
		'Sec-WebSocket-Key: ' . encode_base64(pack('N4', map { int rand 2**32 } 1 .. 4), '')
		    unless $option{stream} || $option{plain};
	push @head, "Origin: $option{origin}" if defined $option{origin};
	push @head, "Last-Event-ID: $option{last_event_id}" if defined $option{last_event_id};
	print { $self->{socket} } join("\r\n", @head, '', '');
	$self->_handshake;
	return $self;
}

sub _handshake {
	my ($self) = @_;
	my $deadline = time + CONNECT_SECONDS;
	until (($self->{head}, $self->{status}) = $self->{in} =~
	    /\A(HTTP\/1\.1 (\d+).*?\r\n)\r\n/s) {
		$self->_fill($deadline - time) or return $self->{status} = 0;
	}
	substr($self->{in}, 0, 2 + length $self->{head}) = '';
	if ($self->{status} == 101 || ($self->{status} == 200 && $self->{stream})) {
		$self->{chunked} = $self->{head} =~ /^transfer-encoding: chunked/mi;
		$self->_parse;
		return;
	}
	my ($length) = $self->{head} =~ /^content-length: (\d+)/mi;
	1 while length $self->{in} < ($length // 1e9) && $self->_fill($deadline - time);
	$self->{body} = $self->{in};
	$self->{json} = eval { $JSON->decode($self->{body}) };
}

# Waits for bytes; false at the end of the time or of the connection.
sub _fill {
	my ($self, $seconds) = @_;
	my $socket = $self->{socket} or return 0;
	if (!($socket->can('pending') && $socket->pending)) {
		return 0 if $seconds < 0 || !IO::Select->new($socket)->can_read($seconds);
	}
	my $n = sysread $socket, $self->{in}, READ_BYTES, length $self->{in};
	return 1 if $n || (!defined $n && $!{EAGAIN});
	$self->{closed} //= 0;
	delete $self->{socket};
	return 0;
}

sub _parse {
	my ($self) = @_;
	return $self->{stream} ? $self->_parse_stream : $self->_parse_frames;
}

sub _parse_frames {
	my ($self) = @_;
	while (length $self->{in} >= 2) {
		my ($first, $length) = unpack 'CC', $self->{in};
		my $at = 2;
		croak 'a server must not mask' if $length & 0x80;
		if ($length == 126) {
			last if length $self->{in} < 4;
			($length, $at) = (unpack('n', substr $self->{in}, 2, 2), 4);
		} elsif ($length == 127) {
			last if length $self->{in} < 10;
			($length, $at) = (unpack('Q>', substr $self->{in}, 2, 8), 10);
		}
		last if length $self->{in} < $at + $length;
		my $data = substr $self->{in}, $at, $length;
		substr($self->{in}, 0, $at + $length) = '';
		$self->_frame($first & 0x80, $first & 15, $data);
	}
}

sub _frame {
	my ($self, $final, $opcode, $data) = @_;
	if ($opcode == 8) {
		$self->{closed} = length $data >= 2 ? unpack('n', $data) : 1005;
		$self->_send(8, $data);
		delete $self->{socket};
	} elsif ($opcode == 9) {
		$self->{pings}++;
		$self->_send(10, $data) if $self->{pongs};
	} elsif ($opcode < 3) {
		$self->{parts} .= $data;
		return unless $final;
		push @{ $self->{events} },
		    $self->{raw} ? $self->{parts} : $JSON->decode($self->{parts});
		$self->{parts} = '';
	}
}

sub _send {
	my ($self, $opcode, $data) = @_;
	my $length = length $data;
	my $head = $length < 126 ? pack('CC', 0x80 | $opcode, 0x80 | $length)
	    : pack('CCn', 0x80 | $opcode, 0x80 | 126, $length);
	my $mask = pack 'N', int rand 2**32;
	local $SIG{PIPE} = 'IGNORE';
	syswrite $self->{socket},
	    $head . $mask . ($data ^ substr($mask x (1 + $length / 4), 0, $length))
	    if $self->{socket};
}

sub send_text { $_[0]->_send(1, $_[1]) }

sub _parse_stream {
	my ($self) = @_;
	if ($self->{chunked}) {
		while ($self->{in} =~ /\A([0-9a-f]+)\r\n/i) {
			my ($size, $at) = (hex $1, $+[0]);
			last if length $self->{in} < $at + $size + 2;
			$self->{parts} .= substr $self->{in}, $at, $size;
			substr($self->{in}, 0, $at + $size + 2) = '';
			next if $size;
			$self->{closed} //= 0;
			delete $self->{socket};
		}
	} else {
		$self->{parts} .= $self->{in};
		$self->{in} = '';
	}
	while ($self->{parts} =~ s/\A(.*?)\n\n//s) {
		my %field;
		for (split /\n/, $1) {
			if (/^:/) {
				$self->{comments}++;
			} elsif (/^(\w+): ?(.*)/) { $field{$1} = $2 }
		}
		next unless defined $field{data};
		my $event = $JSON->decode($field{data});
		$event->{_id} = $field{id};
		push @{ $self->{events} }, $event;
	}
}

# One read; false when nothing came in that time.
sub read {
	my ($self, $seconds) = @_;
	my $got = $self->_fill($seconds);
	$self->_parse if $got;
	return $got;
}

sub next {
	my ($self, $seconds) = @_;
	my $deadline = time + ($seconds // 5);
	1 while !@{ $self->{events} } && $self->{socket} && time < $deadline
	    && ($self->read($deadline - time) || time < $deadline);
	return shift @{ $self->{events} };
}

sub take {
	my ($self, $n, $seconds) = @_;
	my $deadline = time + ($seconds // 5);
	my @events;
	while (@events < $n) {
		my $event = $self->next($deadline - time) // last;
		push @events, $event;
	}
	return @events;
}

# Waits for an event of that type and skips the others.
sub wait_type {
	my ($self, $type, $seconds) = @_;
	my $deadline = time + ($seconds // 5);
	while (my $event = $self->next($deadline - time)) {
		return $event if $event->{type} eq $type;
	}
	return undef;
}

# Waits for the end of the connection. Returns the close code, undef if it stays open.
sub wait_closed {
	my ($self, $seconds) = @_;
	my $deadline = time + ($seconds // 5);
	$self->read($deadline - time) while $self->{socket} && time < $deadline;
	return $self->{socket} ? undef : $self->{closed};
}

sub pump {
	my ($class, $seconds, @sockets) = @_;
	my %by = map { ($_->{socket} => $_) } grep { $_->{socket} } @sockets;
	my @ready = grep { $_->{socket}->can('pending') && $_->{socket}->pending } values %by;
	if (!@ready) {
		@ready = map { $by{$_} } IO::Select->new(
		    map { $_->{socket} } values %by)->can_read($seconds);
	}
	$_->read(0) for @ready;
	return scalar @ready;
}

sub close {
	my ($self) = @_;
	$self->_send(8, pack 'n', 1000) if $self->{socket} && !$self->{stream};
	delete $self->{socket};
}

1;
