#!/usr/bin/perl
# What stands between MediaNest and Redis goes wrong, and Redis itself does: frozen, slow, cut off
# in the middle, without memory, emptied, and with an old copy. Nobody who signed out comes back.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use MediaNest::Faults;
use MediaNest::Test;
use Test::More;
use Time::HiRes qw(time);

use constant { BACK => 20, PATIENCE => 2, LATE => 0.1, TOO_LATE => 1 };

# With limits, so that each request writes to Redis.
my ($mn, $proxy) = stack_behind(['redis'],
    set => { map { ("rate_limit.$_.per_minute" => 100_000) } qw(authenticated admin anonymous) });
my ($admin, $nobody) = ($mn->admin, $mn->client);
my $user = $mn->user;
my @dead;

sub state_of_redis { return $nobody->api(GET => '/api/health')->{json}{dependencies}{redis}{state} }
sub says { my ($state) = @_; return !!eval { wait_until { state_of_redis() eq $state } BACK,
    $state } }

# Signs a session out. With 204 it must be dead at once; with 503 as soon as the worker has repeated
# what Redis missed.
sub sign_out {
	my $who = $mn->login($user->{email}, $user->{password});
	is $who->api(GET => '/api/auth/session')->{status}, 200, 'signed in';
	my $out = $who->api(POST => '/api/auth/logout', { refreshToken => $who->{refresh_token} });
	like $out->{status}, qr/^(?:204|503)$/, "signed out: $out->{status}";
	push @dead, $who;
	return $out->{status} == 204;
}
sub all_dead {
	my ($when, $n) = @_;
	my @asked = $n ? @dead[-$n .. -1] : @dead;
	is scalar(grep { $_->api(GET => '/api/auth/session')->{status} != 401 } @asked), 0,
	    "$when: those who signed out stay out";
}
sub repeated {
	wait_until { !$mn->psql("SELECT count(*) FROM jobs WHERE kind = 'session.push'"
	    . " AND state IN ('available', 'running')") } 60, 'the worker to repeat it';
}
sub works {
	my ($what) = @_;
	my ($n, $took) = (0, time);
	for my $path ('/api/media', '/api/auth/session', '/api/notifications', '/api/search?q=a') {
		my $got = $user->api(GET => $path);
		is $got->{status}, 200, "$what: $path" or diag $got->{content};
		$n++;
	}
	cmp_ok time - $took, '<', $n * PATIENCE, "$what: within " . PATIENCE . ' s each';
}

my %fault = (frozen => { frozen => 1 }, 'not accepting' => { silent => 1 },
    'refusing' => { refuse => 1 }, 'too slow' => { delay => TOO_LATE });
for my $name (sort keys %fault) {
	subtest "Redis down or empty: $name" => sub {
		$proxy->fault(%{ $fault{$name} });
		works($name);
		ok says('down'), 'health says so';
		sign_out();
		all_dead($name, 1);
		$proxy->heal;
		ok says('ok'), 'it is found again';
		works("$name, and back");
	};
}

subtest 'Redis down or empty: what it missed is repeated' => sub {
	repeated();
	all_dead('all of it');
};

subtest 'Redis down or empty: slow' => sub {
	$proxy->fault(delay => LATE);
	works('late');
	ok sign_out(), 'signing out';
	all_dead('late');
	$proxy->fault(rate => 2000);
	works('a narrow line');
	$proxy->heal;
	all_dead('and back');
};

subtest 'Redis down or empty: cut in the middle of an answer' => sub {
	for my $bytes (0, 3, 40) {
		$proxy->fault(cut => $bytes, after => 'EVALSHA', times => 4);
		works("after $bytes bytes");
	}
	$proxy->heal;
	all_dead('cut');
};

subtest 'Redis down or empty: a change whose answer is lost' => sub {
	$proxy->fault(cut => 0, after => 'ZADD', times => 1);
	my $held = sign_out();
	$proxy->heal;
	all_dead('at once') if $held;
	repeated();
	all_dead('and when it was repeated');
};

subtest 'Redis down or empty: out of memory' => sub {
	my ($used) = $mn->redis(INFO => 'memory') =~ /^used_memory:(\d+)/m;
	$mn->redis(CONFIG => SET => maxmemory => int($used / 2));
	like $mn->redis(SET => 'mn:any' => 'x'), qr/OOM/, 'it takes nothing more';
	works('out of memory');
	ok says('down'), 'health says so';
	my $held = sign_out();
	my $other = $mn->login($user->{email}, $user->{password});
	is $other->api(POST => '/api/notifications/ticket')->{status}, 503, 'no ticket for events';
	all_dead('out of memory');
	$mn->redis(CONFIG => SET => maxmemory => 0);
	all_dead('with memory, at once') if $held;
	ok says('ok'), 'it has recovered';
	repeated();
	all_dead('with memory');
	works('with memory');
};

subtest 'Redis down or empty: emptied while it runs' => sub {
	$mn->redis('FLUSHALL');
	all_dead('emptied');
	works('emptied');
	ok sign_out(), 'signing out';
	all_dead('emptied');
};

subtest 'Redis down or empty: restarted with an old copy' => sub {
	$mn->redis('SAVE');
	ok sign_out(), 'signed out after the copy was made';
	$mn->kill_part('redis');
	ok says('ok'), 'it is back';
	all_dead('an old copy');
	works('an old copy');
};

done_testing;
