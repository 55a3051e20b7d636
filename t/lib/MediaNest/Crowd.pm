# Many WebSockets that come back whenever they are cut, and count what they hear: every notification
# of a person once, in order.
#
#   my $crowd = MediaNest::Crowd->new(\@people, 200);   # sockets, spread over the people
#   $crowd->listen(0.1);                                # one round; until {heard} is enough
#   $crowd->{heard}, {doubled}, {gaps}, {returned}; $crowd->behind(50)
#   $crowd->{delays}    # seconds since "sent TIME" in the titles
#   $crowd->{ages}      # seconds since the rows were written, just before their commit
#
# The people hear nothing but the broadcasts of the test, so that seq counts them.
use strict;
use warnings;

package MediaNest::Crowd;

use MediaNest::WebSocket;
use Time::HiRes qw(sleep time);
use Time::Local qw(timegm);

use constant { RETRY_SECONDS => 0.1, ENTER_SECONDS => 60 };

sub new {
	my ($class, $people, $n) = @_;
	my $self = bless { heard => 0, doubled => 0, gaps => 0, returned => 0, delays => [],
	    ages => [],
	    members => [ map { { who => $people->[ $_ % @$people ], last => 0 } } 0 .. $n - 1 ] },
	    $class;
	_enter($_) for @{ $self->{members} };
	return $self;
}

# Asks again while the server is not there.
sub _enter {
	my ($member) = @_;
	my $deadline = time + ENTER_SECONDS;
	while (1) {
		$member->{socket} = eval {
			MediaNest::WebSocket->open($member->{who}, raw => 1,
			    after => $member->{last});
		};
		return if $member->{socket} && $member->{socket}{status} == 101;
		die 'no way back in: ' . ($member->{socket}{status} // $@) if time > $deadline;
		sleep RETRY_SECONDS;
	}
}

sub _hear {
	my ($self, $member, $text) = @_;
	my ($seq) = $text =~ /"seq":(\d+),/ or return;
	if ($seq <= $member->{last}) { $self->{doubled}++; return }
	$self->{gaps}++ if $seq != $member->{last} + 1;
	push @{ $self->{ages} }, time - timegm($6, $5, $4, $3, $2 - 1, $1) - ($7 // 0)
	    if $text =~ /"timestamp":"(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)(\.\d+)?Z"/;
	push @{ $self->{delays} }, time - $1 if $text =~ /"sent ([\d.]+)"/;
	$member->{last} = $seq;
	$self->{heard}++;
}

sub listen {
	my ($self, $seconds) = @_;
	MediaNest::WebSocket->pump($seconds, map { $_->{socket} } @{ $self->{members} });
	for my $member (@{ $self->{members} }) {
		$self->_hear($member, $_) for splice @{ $member->{socket}{events} };
		next if $member->{socket}{socket};
		_enter($member);
		$self->{returned}++;
	}
}

# Sockets that have not heard everything up to the seq.
sub behind { my ($self, $seq) = @_; return scalar grep { $_->{last} < $seq } @{ $self->{members} } }

1;
