#!/usr/bin/perl
# A crowd of sockets over a reload of nginx and a restart of notifyd; silence behind a proxy; and
# what a page makes of notes that are told again, and of silence. t/bench/notifyd does the first
# with 2 000 sockets.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Browser;
use MediaNest::Crowd;
use MediaNest::Faults;
use MediaNest::Media;
use MediaNest::OuterProxy;
use MediaNest::Page;
use MediaNest::Test;
use MediaNest::WebSocket;
use Test::More;
use Time::HiRes qw(sleep time);

use constant { SOCKETS => 200, PEOPLE => 10, BROADCASTS => 50, RELOAD_AT => 15, RESTART_AT => 30,
	WAIT => 60, HEARTBEAT => 1, PROXY_TIMEOUT => 2, SILENCE => 4 };

my $mn = MediaNest::Test->stack(set => { 'notifications.heartbeat' => HEARTBEAT,
    'notifications.group_seconds' => 600 });
my $admin = $mn->admin;
my @people = map { $mn->user(role => 'guest') } 1 .. PEOPLE;

sub broadcast ($title, $role = 'guest') {
	my $answer = $admin->api(POST => '/api/notifications/broadcast',
	    { title => $title, message => 'x', roles => [$role] });
	die "broadcast: $answer->{content}" if $answer->{status} != 201;
	return;
}

subtest 'a crowd' => sub {
	my $crowd = MediaNest::Crowd->new(\@people, SOCKETS);
	my $notifyd = $mn->pid('notifyd');
	for my $i (1 .. BROADCASTS) {
		kill 'HUP', $mn->pid('nginx') if $i == RELOAD_AT;
		kill 'TERM', $notifyd if $i == RESTART_AT;
		broadcast("Number $i");
		$crowd->listen(0);
	}
	my $deadline = time + WAIT;
	$crowd->listen(0.1) while $crowd->behind(BROADCASTS) && time < $deadline;
	is $crowd->behind(BROADCASTS), 0, 'every socket has heard everything';
	is $crowd->{heard}, SOCKETS * BROADCASTS, 'none was lost';
	is $crowd->{doubled}, 0, 'none came twice';
	is $crowd->{gaps}, 0, 'none out of order';
	is $crowd->{returned}, SOCKETS, 'all came back after the restart, none after the reload';
	isnt $mn->pid('notifyd'), $notifyd, 'which was one';
};

my $make = MediaNest::Media->new;
subtest 'silence behind a proxy' => sub {
	mkdir my $dir = $make->path('proxy');
	my $proxy = MediaNest::OuterProxy->start($mn, $dir, PROXY_TIMEOUT);
	my $who = $mn->user(role => 'user');
	my ($ws, $es, $cut) = map {
		my ($socket, @more) = @$_;
		MediaNest::WebSocket->open($who, unix => $proxy->$socket, @more);
	} ['patient'], [ 'patient', stream => 1 ], ['hasty'];
	is_deeply [ map { $_->{status} } $ws, $es, $cut ], [ 101, 200, 101 ], 'they are in';
	my $end = time + SILENCE;
	MediaNest::WebSocket->pump($end - time, $ws, $es, $cut) while time < $end;
	ok !$cut->{socket}, 'a proxy that waits less than a heartbeat ends the connection';
	my %beats = map { ($_ => [ splice @{ $_->{events} } ]) } $ws, $es;
	broadcast('After the silence', 'user');
	for ([ 'a WebSocket', $ws ], [ 'an EventSource', $es ]) {
		my ($name, $socket) = @$_;
		my @beats = @{ $beats{$socket} };
		cmp_ok scalar @beats, '>=', SILENCE / (2 * HEARTBEAT), "$name hears heartbeats";
		is_deeply [ grep { $_->{type} ne 'heartbeat' || defined $_->{seq} } @beats ], [],
		    'and nothing else';
		is $socket->wait_type('notification', 5)->{data}{notification}{title},
		    'After the silence', 'and is not deaf';
	}
	$proxy->stop;
};

subtest 'a page' => sub {
	my $missing = MediaNest::Browser::missing();
	$ENV{CI} ? BAIL_OUT($missing) : plan skip_all => $missing if $missing;
	my $b = MediaNest::Browser->start(dir => $make->path('browser'),
	    artefacts => MediaNest::Page::artefacts("$FindBin::Bin/.."));
	# The page's minute passes in three seconds, and its patience with a handshake in one.
	$b->before_load('const wait = window.setTimeout; window.setTimeout = (run, ms, ...more) => '
	    . 'wait(run, ms > 60000 ? 3000 : Math.min(ms, 1000), ...more)');
	my $who = $mn->user(role => 'user');
	MediaNest::Page::sign_in($b, $who);
	$b->js('location.hash = "#/notifications"');
	$b->find('main h1');
	my $row = sub ($like) { $b->wait_for("a note like $like",
	    sub { ($b->text('.notifications li') // '') =~ $like }, WAIT) };
	$who->upload_bytes('one.png', png(64, 48), 'image/png');
	ok $row->(qr/one is ready/), 'the note of an upload';
	$who->upload_bytes('two.png', png(64, 48), 'image/png');
	ok $row->(qr/2 photos added/), 'becomes that of a batch';
	is $b->count('.notifications li'), 1, 'in its place';
	$b->wait_for('the badge', sub { ($b->text('nav .count') // '') eq '1' });
	pass 'and is counted once';
	sleep SILENCE; # that nothing happens takes its time
	ok !$b->seen('.banner.lost'), 'heartbeats keep it quiet';
	my $notifyd = $mn->pid('notifyd');
	kill 'STOP', $notifyd;
	ok $b->find('.banner.lost', 15), 'it says that the connection is lost';
	kill 'CONT', $notifyd;
	ok $b->find('.banner.back', 45), 'and that it is back';
	$b->stop;
};

done_testing;
