# Sockets live through the restart of everything around them; what happened meanwhile is not lost.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use MediaNest::WebSocket;
use Test::More;
use Time::HiRes qw(sleep time);

my $mn = MediaNest::Test->stack(private => 1);
my $admin = $mn->admin;
my $guest = $mn->user(role => 'guest');
my $n = 0;

sub broadcast {
	my $answer = $admin->api(POST => '/api/notifications/broadcast',
	    { title => 'Number ' . ++$n, message => 'x', roles => ['guest'] });
	die "broadcast: $answer->{status} $answer->{content}" if $answer->{status} != 201;
}
sub enter { return MediaNest::WebSocket->open($guest, @_) }
sub seqs { return [ map { $_->{seq} } grep { defined $_->{seq} } @_ ] }
# Everything that comes until the seq.
sub until_seq {
	my ($ws, $seq, $seconds) = @_;
	my ($deadline, @events) = time + ($seconds || 10);
	while (my $event = $ws->next($deadline - time)) {
		push @events, $event;
		$ws->{resyncs}++ if $event->{type} eq 'resync';
		last if ($event->{seq} // 0) == $seq;
	}
	return @events;
}

my ($ws, $es) = (enter(), enter(stream => 1));
broadcast();
is $_->next->{seq}, 1, 'connected' for $ws, $es;

subtest 'nginx reloads' => sub {
	kill 'HUP', $mn->pid('nginx');
	wait_until { $mn->client->api(GET => '/api/health/live')->{status} == 200 };
	broadcast() for 1 .. 3;
	is_deeply seqs(until_seq($_, $n)), [ 2 .. $n ], 'the same connections go on' for $ws, $es;
	ok enter(after => $n)->next, 'new ones come in';
};

subtest 'Redis is killed and comes back empty' => sub {
	delete $_->{resyncs} for $ws, $es;
	my $pid = $mn->kill_part('redis');
	broadcast() for 1 .. 3;
	is_deeply seqs(until_seq($_, $n)), [ $n - 2 .. $n ], 'without Redis the rows are found'
	    for $ws, $es;
	wait_until { my $now = $mn->pid('redis'); $now && $now != $pid } 20;
	wait_until { $mn->redis('PING') eq 'PONG' } 20;
	wait_until { $mn->redis(PUBSUB => NUMSUB => 'mn:events') =~ /1$/ } 20;
	broadcast();
	is_deeply seqs(until_seq($_, $n)), [$n], 'and what comes after' for $ws, $es;
	is $_->{resyncs}, 1, 'told that events may have been missed' for $ws, $es;
	is enter()->wait_closed(0.3), undef, 'new tickets work';
};

subtest 'Redis stops answering' => sub {
	my $pid = $mn->pid('redis');
	my $ticket = MediaNest::WebSocket->ticket($guest);
	kill 'STOP', $pid;
	my $waiting = enter(ticket => $ticket);
	is $waiting->wait_closed(8), 1013, 'a ticket that cannot be judged: try again later';
	broadcast();
	is_deeply seqs(until_seq($ws, $n)), [$n], 'those who are in still hear';
	kill 'CONT', $pid;
	is_deeply seqs(until_seq($es, $n)), [$n], 'all of them';
	wait_until { enter()->wait_closed(0.3) // 1 } 20;
	wait_until { $mn->redis(PUBSUB => NUMSUB => 'mn:events') =~ /1$/ } 20;
};

subtest 'PostgreSQL is killed' => sub {
	my $pid = $mn->kill_part('postgres');
	wait_until { my $now = $mn->pid('postgres'); $now && $now != $pid } 20;
	wait_until { eval { $mn->psql('SELECT 1') } } 20;
	wait_until { $admin->api(GET => '/api/notifications')->{status} == 200 } 30;
	broadcast() for 1 .. 2;
	is_deeply seqs(until_seq($_, $n)), [ $n - 1, $n ], 'the connections go on' for $ws, $es;
	my $back =
	    wait_until { my $try = enter(after => $n - 2); my ($event) = $try->next(3); $event } 20;
	is $back->{seq}, $n - 1, 'replay works again';
};

subtest 'PostgreSQL stops answering' => sub {
	my $pid = $mn->psql(
	    "SELECT pid FROM pg_stat_activity WHERE application_name = 'medianest-notifyd'");
	kill 'STOP', $pid;
	my $waiting = enter(after => $n - 1);
	is $waiting->next(1), undef, 'a replay waits';
	is_deeply [ $waiting->next(15)->{seq} ], [$n], 'and is had from another connection';
	kill 'CONT', $pid;
	broadcast();
	is_deeply seqs(until_seq($_, $n)), [$n], 'nothing was lost' for $ws, $es;
};

subtest 'notifyd stops and starts' => sub {
	my $last = $n;
	my $pid = $mn->pid('notifyd');
	$mn->stop_part('notifyd');
	is $ws->wait_closed(5), 1012, 'a socket is told to come back';
	is $es->wait_closed(5), 0, 'an EventSource ends';
	broadcast() for 1 .. 3;
	my $refused = enter(ticket => 'x' x 43);
	is $refused->{status}, 502, 'nobody is there';
	is $refused->{json}{code}, 'upstream_failed', 'says a problem document';
	$mn->start_part('notifyd');
	wait_until { -S "$mn->{var}/run/notifyd.sock" } 10;
	($ws, $es) = (enter(after => $last), enter(stream => 1, after => $last));
	is_deeply seqs(until_seq($_, $n)), [ $last + 1 .. $n ], 'what was missed is replayed'
	    for $ws, $es;
};

subtest 'notifyd is killed' => sub {
	my $last = $n;
	my $pid = $mn->kill_part('notifyd');
	is $ws->wait_closed(5), 0, 'the socket is cut';
	broadcast() for 1 .. 3;
	wait_until {
		my $now = $mn->pid('notifyd');
		$now && $now != $pid && -S "$mn->{var}/run/notifyd.sock";
	} 20;
	my $again =
	    wait_until { my $try = enter(after => $last); $try->{status} == 101 && $try } 20;
	is_deeply seqs(until_seq($again, $n)), [ $last + 1 .. $n ], 'what was missed is replayed';
	my $second = MediaNest::Test::run_output(readlink('/proc/' . $mn->pid('notifyd') . '/exe'),
	    '--config', "$mn->{var}/etc/medianest.conf");
	is $? >> 8, 75, 'a second instance does not take its place';
	like $second, qr/another instance is already running/, 'and says why';
	broadcast();
	is_deeply seqs(until_seq($again, $n)), [$n], 'the first goes on';
};

done_testing;
