package MediaNest::StandIn;
# What the stand-ins for other servers share: each is a process, {pid}, that ends with the test that
# started it, {owner}.
use strict;
use warnings;
use POSIX ();

# Runs what serves as that process. A client that is killed while it is served ends its connection,
# not the stand-in.
sub apart {
	my ($self, $serve) = @_;
	$self->{pid} = fork // die "fork: $!";
	return $self if $self->{pid};
	$SIG{PIPE} = 'IGNORE';
	$SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
	eval { $serve->(); 1 } or print STDERR ref $self, ": $@";
	POSIX::_exit(1);
}

sub stop {
	my ($self) = @_;
	return if !$self->{pid} || $self->{owner} != $$;
	local ($?, $@);
	kill 'KILL', $self->{pid};
	waitpid $self->{pid}, 0;
	$self->{pid} = 0;
	return;
}

sub DESTROY { $_[0]->stop }

1;
