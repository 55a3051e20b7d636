package MediaNest::FaultProxy;
# A proxy for any TCP or Unix socket protocol that makes what is behind it slow, silent or cut off:
# a process with one loop, told over a socket what to do.
#
#   my $proxy = MediaNest::FaultProxy->start(to => "$run/redis.sock", path => "$dir/redis.sock");
#   my $proxy = MediaNest::FaultProxy->start(to => '127.0.0.1:8444');  # {port} of 127.0.0.1
#   $proxy->fault(delay => 0.4);         # each piece arrives so many seconds later, both ways
#   $proxy->fault(rate => 20_000);       # bytes a second, for each connection and direction
#   $proxy->fault(frozen => 1);          # connections are accepted and nothing passes
#   $proxy->fault(refuse => 1);          # open connections are cut, new ones end at once
#   $proxy->fault(cut => 1000);          # cut when so many bytes of the server have passed
#   $proxy->fault(cut => 0, after => 'COMMIT', times => 1); # of the response to a request with
#                                        # that, so often
#   $proxy->fault(silent => 1);          # connections are not accepted: a machine that is gone
#   $proxy->heal;                        # ends all of it
#   $proxy->count->{connections}, {cut}  # so far
# Faults begin and end at once, for open connections too; `frozen` and `delay` keep what they hold.
use strict;
use warnings;
use parent 'MediaNest::StandIn';
use Errno qw(EAGAIN EINTR);
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK);
use IO::Poll qw(POLLIN POLLOUT POLLERR POLLHUP);
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP;
use Socket qw(SOL_SOCKET SO_LINGER AF_UNIX SOCK_STREAM PF_UNSPEC);
use Time::HiRes qw(time);

use constant { READ => 65536, HELD_MAX => 1 << 20, BACKLOG => 128, BACKLOG_SILENT => 1,
    FILLERS => 4, IDLE => 60, CONNECT => 5 };

sub start {
	my ($class, %option) = @_;
	my $self = bless { %option, owner => $$ }, $class;
	socketpair(my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die "socketpair: $!";
	$_->autoflush for $ours, $theirs;
	$self->{listener} = $self->_listener;
	$self->{port} = $self->{listener}->sockport unless defined $self->{path};
	$self->apart(sub { close $ours; $self->_serve($theirs) });
	close $theirs;
	delete $self->{listener};
	$self->{control} = $ours;
	return $self;
}

sub fault { my ($self, %fault) = @_; return $self->_tell(\%fault) }
sub heal { my ($self) = @_; return $self->_tell({}) }
sub count { my ($self) = @_; return $self->_tell(undef) }

sub _tell {
	my ($self, $what) = @_;
	print { $self->{control} } encode_json([$what]), "\n";
	my $line = readline $self->{control};
	die 'the fault proxy is gone' unless defined $line;
	return decode_json($line);
}

# --- the process ----------------------------------------------------------------------------------

sub _listener {
	my ($self) = @_;
	my $socket = defined $self->{path}
	    ? IO::Socket::UNIX->new(Local => $self->{path}, Listen => BACKLOG)
	    : IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => BACKLOG, ReuseAddr => 1);
	die "no listener: $!" unless $socket;
	chmod 0777, $self->{path} if defined $self->{path};
	return _nonblocking($socket);
}

sub _nonblocking {
	my ($socket) = @_;
	fcntl $socket, F_SETFL, fcntl($socket, F_GETFL, 0) | O_NONBLOCK;
	return $socket;
}

sub _serve {
	my ($self, $control) = @_;
	@$self{qw(fault count open filler)} = ({}, { connections => 0, cut => 0 }, [], []);
	while (1) {
		my $poll = IO::Poll->new;
		$poll->mask($control => POLLIN);
		$poll->mask($self->{listener} => POLLIN) unless $self->{fault}{silent};
		my $wait = $self->_masks($poll);
		$poll->poll($wait) < 0 and $! != EINTR and die "poll: $!";
		return unless !$poll->events($control) || $self->_obey($control);
		$self->_accept if $poll->events($self->{listener});
		$self->_move($_, $poll) for @{ $self->{open} };
		@{ $self->{open} } = grep { !$_->{closed} } @{ $self->{open} };
	}
}

# A line [FAULTS] or [null]; false when the test has ended.
sub _obey {
	my ($self, $control) = @_;
	my $line = readline $control;
	return 0 unless defined $line;
	my ($fault) = @{ decode_json($line) };
	if ($fault) {
		my $silent = $self->{fault}{silent};
		$self->{fault} = $fault;
		@$_{qw(passed named)} = (0, 0) for @{ $self->{open} };
		if ($fault->{refuse}) {
			$self->_cut($_) for @{ $self->{open} };
		}
		$self->_silence(!!$fault->{silent}) if !!$silent != !!$fault->{silent};
	}
	print $control encode_json($self->{count}), "\n";
	return 1;
}

# A full queue of connections: whoever connects gets no response, as from a machine that is gone.
sub _silence {
	my ($self, $on) = @_;
	listen $self->{listener}, $on ? BACKLOG_SILENT : BACKLOG;
	@{ $self->{filler} } = ();
	unless ($on) { # who waited is served, and is not counted among those that come from now on
		my $counted = $self->{count}{connections};
		1 while $self->_accept;
		$self->{count}{connections} = $counted;
		return;
	}
	for (1 .. FILLERS) {
		my $socket = defined $self->{path}
		    ? IO::Socket::UNIX->new(Peer => $self->{path}, Blocking => 0)
		    : IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port},
			Blocking => 0);
		push @{ $self->{filler} }, $socket if $socket;
	}
	return;
}

# False when nobody waits.
sub _accept {
	my ($self) = @_;
	my $client = $self->{listener}->accept or return;
	$self->{count}{connections}++;
	my $server = $self->{fault}{refuse} ? undef
	    : $self->{to} =~ m{^/} ? IO::Socket::UNIX->new(Peer => $self->{to})
	    : IO::Socket::INET->new(PeerAddr => $self->{to}, Timeout => CONNECT);
	return close $client unless $server;
	my %pair = (closed => 0, passed => 0, client => _nonblocking($client),
	    server => _nonblocking($server), # what was read, with the time when it may go on
	    to_client => [], to_server => []);
	push @{ $self->{open} }, \%pair;
	return 1;
}

sub _cut {
	my ($self, $pair) = @_;
	return if $pair->{closed}++;
	$self->{count}{cut}++;
	$self->{fault} = {} if $self->{fault}{times} && !--$self->{fault}{times};
	for my $socket (@$pair{qw(client server)}) {
		setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0; # a reset
		close $socket;
	}
	return;
}

sub _held { my $n = 0; $n += length $_->[1] for @{ $_[0] }; return $n }

sub _want {
	my ($poll, $socket, $what) = @_;
	$poll->mask($socket => ($poll->mask($socket) // 0) | $what);
	return;
}

# What each connection waits for; returns the seconds until something that is held may go on.
sub _masks {
	my ($self, $poll) = @_;
	my ($wait, $now) = (IDLE, time);
	return $wait if $self->{fault}{frozen} || $self->{fault}{silent};
	for my $pair (@{ $self->{open} }) {
		for (['client', 'server'], ['server', 'client']) {
			my ($from, $to) = @$_;
			my $held = $pair->{"to_$to"};
			_want($poll, $pair->{$from}, POLLIN)
			    if !$pair->{"end_$from"} && _held($held) < HELD_MAX;
			next unless @$held;
			my $left = $held->[0][0] - $now;
			_want($poll, $pair->{$to}, POLLOUT) if $left <= 0;
			$wait = $left if $left > 0 && $left < $wait;
		}
	}
	return $wait;
}

sub _move {
	my ($self, $pair, $poll) = @_;
	return if $self->{fault}{frozen} || $self->{fault}{silent};
	for (['client', 'server'], ['server', 'client']) {
		my ($from, $to) = @$_;
		return if $pair->{closed};
		$self->_take($pair, $from, $to)
		    if !$pair->{"end_$from"}
		    && $poll->events($pair->{$from}) & (POLLIN | POLLHUP | POLLERR);
		$self->_give($pair, $to) unless $pair->{closed};
	}
	# One side has ended and everything has gone on: so does the other.
	for my $side (qw(client server)) {
		my $other = $side eq 'client' ? 'server' : 'client';
		next unless !$pair->{closed} && $pair->{"end_$side"} && !@{ $pair->{"to_$other"} };
		$pair->{closed} = 1;
		close $_ for @$pair{qw(client server)};
	}
	return;
}

sub _take {
	my ($self, $pair, $from, $to) = @_;
	my $n = sysread $pair->{$from}, my $bytes, READ;
	if (!$n) {
		$pair->{"end_$from"} = 1 unless !defined $n && ($! == EAGAIN || $! == EINTR);
		return;
	}
	my $fault = $self->{fault};
	if ($from eq 'server') {
		$pair->{passed} += $n;
		return $self->_cut($pair) if defined $fault->{cut}
		    && $pair->{passed} > $fault->{cut}
		    && ($pair->{named} || !defined $fault->{after});
	} elsif (defined $fault->{after} && index($bytes, $fault->{after}) >= 0) {
		@$pair{qw(named passed)} = (1, 0);
	}
	my $due = time + ($fault->{delay} // 0);
	my $before = $pair->{"due_$to"} // 0;
	$due = ($before > $due ? $before : $due) + $n / $fault->{rate} if $fault->{rate};
	$pair->{"due_$to"} = $due;
	push @{ $pair->{"to_$to"} }, [$due, $bytes];
	return;
}

sub _give {
	my ($self, $pair, $to) = @_;
	my $held = $pair->{"to_$to"};
	while (@$held && $held->[0][0] <= time) {
		my $n = syswrite $pair->{$to}, $held->[0][1];
		if (!defined $n) {
			@$held = () unless $! == EAGAIN || $! == EINTR;
			$pair->{"end_$to"} = 1 unless $! == EAGAIN || $! == EINTR;
			return;
		}
		substr($held->[0][1], 0, $n) = '';
		shift @$held unless length $held->[0][1];
	}
	return;
}

1;
