# No notification is lost, doubled or out of order: many sockets, concurrent writers, sockets that
# come and go.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use MediaNest::WebSocket;
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

use constant { PEOPLE => 5, SOCKETS => 20, WRITERS => 4, EACH => 125, SECONDS => 90 };

my $mn = MediaNest::Test->stack(set => { 'pool.notifications.workers' => WRITERS });
my $admin = $mn->admin;
my @people = map { $mn->user(role => 'guest') } 1 .. PEOPLE;
my $all = WRITERS * EACH;

# A reader: its socket, and what it has seen over all its connections.
my @readers = map { { who => $people[$_ % PEOPLE], stream => $_ % 4 == 3, restless => $_ % 2,
    seen => [], last => 0 } } 0 .. SOCKETS - 1;

sub enter {
	my ($reader, $after) = @_;
	$reader->{socket} = MediaNest::WebSocket->open($reader->{who},
	    stream => $reader->{stream}, after => $after);
	my $status = $reader->{socket}{status};
	die "refused: $status" if $status != ($reader->{stream} ? 200 : 101);
}

sub collect {
	my ($reader) = @_;
	for my $event (splice @{ $reader->{socket}{events} }) {
		next unless defined $event->{seq}
		    && ($event->{data}{notification}{title} // '') =~ /^w\d+\.\d+$/;
		push @{ $reader->{seen} }, [ $event->{seq}, $event->{data}{notification}{title} ];
		$reader->{last} = $event->{seq};
	}
}

enter($_, 0) for @readers;

# Writers with broadcasts of their own: each locks all people, each commits on its own.
my @writers;
for my $w (1 .. WRITERS) {
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		for my $i (1 .. EACH) {
			# 503: the lock was not had in time. Nothing was sent then, so ask again.
			my $answer = eval {
				wait_until {
					my $r = $admin->api(POST => '/api/notifications/broadcast',
					    { title => "w$w.$i", message => 'x',
						roles => ['guest'] });
					return $r->{status} != 503 && $r;
				} SECONDS, "broadcast w$w.$i";
			} || { status => 503, content => $@ };
			next if $answer->{status} == 201;
			diag "broadcast w$w.$i: $answer->{status} $answer->{content}";
			POSIX::_exit(1);
		}
		POSIX::_exit(0);
	}
	push @writers, $pid;
}

my ($deadline, $moves, $moved) = (time + SECONDS, 0, time);
while (grep { @{ $_->{seen} } < $all } @readers) {
	last if time > $deadline;
	MediaNest::WebSocket->pump(0.1, map { $_->{socket} } @readers);
	collect($_) for @readers;
	next if time - $moved < 0.05;
	# Every second reader keeps leaving in the middle of it and comes back with what it has.
	my ($reader) = grep { $_->{restless} && @{ $_->{seen} } < $all } sort {
	    ($a->{moved} // 0) <=> ($b->{moved} // 0) } @readers;
	next unless $reader;
	$reader->{socket}->close;
	enter($reader, $reader->{last});
	$reader->{moved} = $moved = time;
	$moves++;
}
my $failed = 0;
for (@writers) { waitpid $_, 0; $failed++ if $? }
is $failed, 0, WRITERS . ' writers, ' . EACH . ' broadcasts each, no failure';
cmp_ok $moves, '>', 10, "readers left and came back $moves times";

MediaNest::WebSocket->pump(0.3, map { $_->{socket} } @readers);
collect($_) for @readers;
my (%lost, %doubled, %disordered);
for my $i (0 .. $#readers) {
	my @seqs = map { $_->[0] } @{ $readers[$i]{seen} };
	my %titles;
	$titles{ $_->[1] }++ for @{ $readers[$i]{seen} };
	$lost{$i}++ if keys %titles < $all;
	$doubled{$i}++ if @seqs > keys %titles;
	$disordered{$i}++ if grep { $seqs[$_] <= $seqs[$_ - 1] } 1 .. $#seqs;
}
is_deeply \%lost, {}, "none of $all was lost by any of " . SOCKETS . ' sockets';
is_deeply \%doubled, {}, 'none came twice';
is_deeply \%disordered, {}, 'none out of order';

for my $who (@people) {
	my $gaps = $mn->psql("SELECT count(*) || ' ' || max(seq) || ' ' || min(seq) FROM "
	    . "notifications WHERE user_id = '$who->{id}'");
	my ($count, $max, $min) = split / /, $gaps;
	is $count, $max - $min + 1, 'the seq of a person has no gap';
}

done_testing;
