package MediaNest::StandIn;
# What the stand-ins for other servers share: each is a process, {pid}, that ends with the test that
# started it, {owner}.
use strict;
use warnings;

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
