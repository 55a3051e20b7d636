#!/usr/bin/perl
# Redis is killed again and again while the house is in use, and comes back empty or with an old
# copy: everything goes on, people who signed out stay out, sockets stay and receive everything.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use MediaNest::Test;
use MediaNest::WebSocket;
use Test::More;
use Time::HiRes qw(time);

use constant { ROUNDS => 4, AFTER => 1 };

my $mn = MediaNest::Test->stack(private => 1);
my $admin = $mn->admin;
my $user = $mn->user(role => 'user');
my @sockets = (MediaNest::WebSocket->open($user), MediaNest::WebSocket->open($user, stream => 1));
my $token = api_token();
my ($sent, @heard, @dead, @dying, %answers, %wrong) = (0, [], []);
my $jpeg = pack 'H*', 'ffd8ffe000104a46494600010100000100010000ffd9';

# Everything that a person may do in a moment; each answer is kept, each that should not have been
# is a complaint.
sub expect {
	my ($what, $answer, @statuses) = @_;
	$answers{"$what $answer->{status}"}++;
	$wrong{"$what $answer->{status} " . substr($answer->{content}, 0, 200)}++
	    unless grep { $answer->{status} == $_ } @statuses;
	return $answer;
}

sub moment {
	expect('session', $user->api(GET => '/api/auth/session'), 200);
	expect('list', $user->api(GET => '/api/media'), 200);
	expect('search', $user->api(GET => '/api/search?q=anything'), 200);
	expect('notifications', $user->api(GET => '/api/notifications'), 200);
	expect('initiate',
	    $user->api(POST => '/api/media/upload/initiate', { filename => 'a.jpg',
		size => length $jpeg, type => 'image/jpeg' }),
	    201);
	expect('login',
	    $mn->client->api(POST => '/api/auth/login', { email => $user->{email},
		password => $user->{password} }),
	    200);
	expect('broadcast',
	    $admin->api(POST => '/api/notifications/broadcast', { title => 'Number ' . ++$sent,
		message => 'x', roles => ['user'] }),
	    201);
	expect('ticket', $user->api(POST => '/api/notifications/ticket'), 200, 503);
	expect('signed out', $_->api(GET => '/api/auth/session'), 401) for @dead;
	expect('API token', $token->api(GET => '/api/media'), 200);
	expect('anonymous', $mn->client->api(GET => '/api/media'), 401);
	MediaNest::WebSocket->pump(0, @sockets);
}

sub api_token {
	my $made = $user->api(POST => '/api/auth/tokens', { name => 'cli', scopes => ['media.read',
	    'profile.view'] })->{json};
	my $cli = $mn->client($made->{token});
	$cli->{token_id} = $made->{id};
	return $cli;
}

# Signs a session of its own out and revokes a token. Without Redis the answer may be 503: then it
# holds as soon as the worker has repeated it.
sub sign_out {
	my $who = $mn->login($user->{email}, $user->{password});
	expect('before', $who->api(GET => '/api/auth/session'), 200);
	my $out = expect('sign out',
	    $who->api(POST => '/api/auth/logout', { refreshToken => $who->{refresh_token} }), 204,
	    503);
	push @{ $out->{status} == 204 ? \@dead : \@dying }, $who;
	my $gone = api_token();
	expect('before', $gone->api(GET => '/api/media'), 200) for 1, 2;
	my $revoked = expect('revoke',
	    $user->api(DELETE => "/api/auth/tokens/$gone->{token_id}"), 204, 503);
	push @{ $revoked->{status} == 204 ? \@dead : \@dying }, $gone;
}

moment();
for my $round (1 .. ROUNDS) {
	# In turn: comes back empty; comes back with a copy from before someone signed out.
	if ($round % 2) {
		unlink "$mn->{var}/tmp/dump.rdb";
		sign_out();
	} else {
		$mn->redis('SAVE');
		sign_out();
	}
	my $pid = $mn->kill_part('redis');
	sign_out() if $round > 2;
	my $back = 0;
	wait_until {
		moment();
		my $now = $mn->pid('redis');
		$back ||= time if $now && $now != $pid && $mn->redis('PING') eq 'PONG';
		return $back && time - $back > AFTER;
	} 30, 'Redis to come back';
	wait_until {
		!$mn->psql("SELECT count(*) FROM jobs WHERE kind = 'session.push'"
		    . " AND state IN ('available', 'running')");
	} 60, 'the worker to repeat what Redis missed';
	push @dead, splice @dying;
}

subtest 'Redis down or empty: killed again and again in use' => sub {
	is_deeply \%wrong, {}, 'every answer was as it should be' or diag explain \%answers;
	cmp_ok $answers{'signed out 401'} // 0, '>=', 10,
	    'those who were signed out were asked ' . ($answers{'signed out 401'} // 0) . ' times';
};

for my $i (0, 1) {
	my $ws = $sockets[$i];
	ok wait_until(sub {
		$ws->read(0.1);
		return grep { ($_->{data}{notification}{title} // '') eq "Number $sent" }
		    @{ $ws->{events} };
	}, 10), 'the socket is still the same';
	my @seqs = map { $_->{seq} }
	    grep { ($_->{data}{notification}{kind} // '') eq 'system.broadcast' }
	    @{ $ws->{events} };
	is_deeply \@seqs, [ $seqs[0] .. $seqs[0] + $sent - 1 ],
	    "and has heard all $sent, once, in order";
	cmp_ok scalar(grep { $_->{type} eq 'resync' } @{ $ws->{events} }), '>=', ROUNDS,
	    'and was told each time that events may have been missed';
}

done_testing;
