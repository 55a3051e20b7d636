package MediaNest::PlexServer::Loop;
# The connections of the stand-in: one process, one loop, answers that wait for their time.
use strict;
use warnings;
use IO::Handle;
use IO::Poll qw(POLLIN POLLOUT POLLHUP POLLERR);
use JSON::PP;
use MediaNest::PlexServer::Answers;
use Time::HiRes qw(time);

use constant { HEAD_MAX => 64 << 10, CHUNK => 256 << 10, LOOK_SECONDS => 5 };

my $JSON = JSON::PP->new->utf8->allow_nonref;
my %REASON = (200 => 'OK', 400 => 'Bad Request', 401 => 'Unauthorized', 404 => 'Not Found',
    500 => 'Internal Server Error', 502 => 'Bad Gateway', 503 => 'Service Unavailable');

sub new {
	my ($class, $listener, $library) = @_;
	$listener->blocking(0);
	return bless { listener => $listener, poll => IO::Poll->new, connection => {},
	    answers => MediaNest::PlexServer::Answers->new($library) }, $class;
}

sub run {
	my ($self) = @_;
	my $poll = $self->{poll};
	$poll->mask($self->{listener} => POLLIN);
	my $parent = getppid;
	while (getppid == $parent) {	# a test that was killed leaves nothing behind
		$poll->poll($self->_pause);
		my @ready = map { [ $_, $poll->events($_) ] }
		    $poll->handles(POLLIN | POLLOUT | POLLHUP | POLLERR);
		for (@ready) {
			my ($handle, $events) = @$_;
			if ($handle == $self->{listener}) { $self->_accept; next }
			my $c = $self->{connection}{ $handle->fileno // -1 } or next;
			$self->_read($c) if $events & (POLLIN | POLLHUP | POLLERR);
			$self->_write($c) if !$c->{closed} && $events & POLLOUT;
		}
		$self->_due;
	}
}

# Seconds until the next answer is due.
sub _pause {
	my ($self) = @_;
	my @at = sort { $a <=> $b } map { $_->{due} // () } values %{ $self->{connection} };
	return LOOK_SECONDS if !@at;
	my $left = $at[0] - time;
	return $left < 0 ? 0 : $left < LOOK_SECONDS ? $left : LOOK_SECONDS;
}

sub _due {
	my ($self) = @_;
	my $now = time;
	for my $c (values %{ $self->{connection} }) {
		next if !defined $c->{due} || $c->{due} > $now;
		$c->{out} = delete $c->{late};
		delete $c->{due};
		$self->_write($c);
	}
	return;
}

sub _accept {
	my ($self) = @_;
	while (my $socket = $self->{listener}->accept) {
		$socket->blocking(0);
		$self->{connection}{ $socket->fileno } = { socket => $socket, in => '', out => '' };
		$self->{poll}->mask($socket => POLLIN);
	}
	return;
}

sub _close {
	my ($self, $c) = @_;
	return if $c->{closed}++;
	$self->{poll}->remove($c->{socket});
	delete $self->{connection}{ $c->{socket}->fileno };
	delete @$c{qw(due late)};
	close $c->{socket};
	return;
}

sub _read {
	my ($self, $c) = @_;
	my $got = sysread $c->{socket}, $c->{in}, CHUNK, length $c->{in};
	return if !defined $got && $!{EAGAIN};
	return $self->_close($c) if !$got;
	return $self->_requests($c);
}

# One request after the other: the next one is read when the answer is out.
sub _requests {
	my ($self, $c) = @_;
	if (substr($c->{in}, 0, 1) eq "\x16") {	# TLS begins with this byte
		@$c{qw(in ends)} = ('', 1);
		return $self->_speak($c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
	}
	while (!$c->{closed} && !defined $c->{due} && !$c->{hangs} && $c->{out} eq '') {
		my $end = index $c->{in}, "\r\n\r\n";
		return $end < 0 && length $c->{in} > HEAD_MAX ? $self->_close($c) : () if $end < 0;
		my ($first, @lines) = split /\r\n/, substr $c->{in}, 0, $end;
		my %header = map { /^([^:]+):\s*(.*)$/ ? (lc $1 => $2) : () } @lines;
		my $len = $header{'content-length'} // 0;
		return if length $c->{in} < $end + 4 + $len;
		my $body = substr $c->{in}, $end + 4, $len;
		$c->{in} = substr $c->{in}, $end + 4 + $len;
		my ($method, $target) = split / /, $first;
		$self->_answer($c, $method // '', $target // '', \%header, $body);
	}
	return;
}

sub _answer {
	my ($self, $c, $method, $target, $header, $body) = @_;
	my $answer;
	if ($target =~ m{^/\.control/(\w+)$}) {
		my $said = eval { $self->{answers}->control($1, @{ $JSON->decode($body) }) };
		$answer = $@ ? { status => 400, body => "$@" } :
		    { status => 200, body => $JSON->encode($said) };
		$answer->{type} = 'application/json';
	} else {
		$answer = $self->{answers}->answer($method, $target, $header);
	}
	return $self->_close($c) if $answer->{down};
	return $c->{hangs} = 1 if $answer->{hang};
	$c->{ends} = $answer->{cut} || lc($header->{connection} // '') eq 'close';
	my $reason = $REASON{ $answer->{status} } // 'Status';
	my $out = "HTTP/1.1 $answer->{status} $reason\r\n" .
	    "Content-Type: $answer->{type}\r\nContent-Length: " . length($answer->{body}) . "\r\n" .
	    (defined $answer->{location} ? "Location: $answer->{location}\r\n" : '') .
	    ($c->{ends} ? "Connection: close\r\n" : '') . "\r\n";
	$out .= $answer->{cut} ? substr $answer->{body}, 0, length($answer->{body}) / 2 :
	    $answer->{body};
	if ($answer->{ms}) {
		@$c{qw(late due)} = ($out, time + $answer->{ms} / 1000);
		return;
	}
	return $self->_speak($c, $out);
}

sub _speak {
	my ($self, $c, $out) = @_;
	$c->{out} = $out;
	return $self->_write($c);
}

sub _write {
	my ($self, $c) = @_;
	while ($c->{out} ne '') {
		my $sent = syswrite $c->{socket}, $c->{out}, CHUNK;
		if (!defined $sent) {
			return $self->_close($c) if !$!{EAGAIN};
			return $self->{poll}->mask($c->{socket} => POLLIN | POLLOUT);
		}
		substr $c->{out}, 0, $sent, '';
	}
	return $self->_close($c) if $c->{ends};
	$self->{poll}->mask($c->{socket} => POLLIN);
	return $self->_requests($c);
}

1;
