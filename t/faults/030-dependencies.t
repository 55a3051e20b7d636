#!/usr/bin/perl
# PostgreSQL, Redis, the object store and the worker down: what still works meanwhile, and that
# everything recovers by itself.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use MediaNest::Faults;
use MediaNest::Test;
use Test::More;
use Time::HiRes qw(sleep time);

my $mn = MediaNest::Test->stack(private => 1, set => { 'worker.lease' => 3, 'worker.poll' => 200 });
my $user = $mn->admin;
my $nobody = $mn->client;

sub timed {
	my ($call) = @_;
	my $began = time;
	my $answer = $call->();
	$answer->{took} = time - $began;
	return $answer;
}

# --- PostgreSQL ---
sub database_signal {
	my ($signal, $master) = @_;
	$master //= $mn->pid('postgres');
	kill $signal, $master, split ' ', `pgrep -P $master`;
}

# CLIENTS requests at once during a stall of two seconds: their statements are waited for.
use constant { CLIENTS => 64, STALL_SECONDS => 2 };
{
	my $answers = "$mn->{var}/tmp/stall-answers";
	my $master = $mn->pid('postgres'); # to ask takes part of the time that a statement has
	database_signal('STOP', $master);
	my $load = fork // die "fork: $!";
	if (!$load) {
		open STDOUT, '>', $answers or die "$answers: $!";
		exec 'sh', '-c', 'seq 10 ' . (9 + CLIENTS) . ' | xargs -P ' . CLIENTS
		    . ' -I {} curl -sS -o /dev/null -w "%{http_code}\n" --cacert "$0"'
		    . ' -H "Authorization: Bearer $1" "$2/api/media?yearFrom=20{}"',
		    $mn->{ca}, $user->{token}, $mn->{url};
	}
	sleep STALL_SECONDS; # the stall itself
	database_signal('CONT', $master);
	waitpid $load, 0;
	open my $in, '<', $answers or die "$answers: $!";
	my %count;
	$count{$_}++ for map { s/\s//gr } <$in>;
	is_deeply \%count, { 200 => CLIENTS }, 'a stall of two seconds harms nobody'
	    or diag explain \%count;
}

my $ready = $user->wait_media($user->upload_bytes('before.png', png(64, 48), 'image/png')->{id});
is $ready->{status}, 'ready', 'a picture before the trouble';
subtest 'PostgreSQL down: stopped, and frozen' => sub {
	# A frozen server has the deadline of a statement (database.timeout), so that a short stall
	# harms nobody; one that refuses connections is known to be away sooner.
	my %patience = (stopped => 2, frozen => 4);
	for my $how ('stopped', 'frozen') {
		if ($how eq 'stopped') {
			$mn->stop_part('postgres');
		} else {
			# Frozen is worse than dead: connections stay open and get no response.
			database_signal('STOP');
		}
		# A page that is not in the cache: Redis may serve cached pages without PostgreSQL.
		for my $path ($how eq 'stopped' ? '/api/media?limit=7' : '/api/media?limit=8',
		    '/api/notifications') {
			my $answer = timed(sub { $user->api(GET => $path) });
			is $answer->{status}, 503, "PostgreSQL $how: $path is 503"
			    or diag $answer->{content};
			ok $answer->{headers}{'retry-after'}, 'with Retry-After';
			is $answer->{json}{code}, 'database_unavailable', 'as a problem document'
			    or diag $answer->{content};
			cmp_ok $answer->{took}, '<', $patience{$how}, "within $patience{$how} s";
		}
		my $login = timed(sub { $nobody->api(POST => '/api/auth/login',
		    { email => $mn->{email},
		    password => 'wrong wrong wrong' }) });
		is $login->{status}, 503, 'nobody is told that a password is wrong';
		is $nobody->api(GET => '/api/health/live')->{status}, 200, 'live';
		my $not = timed(sub { $nobody->api(GET => '/api/health/ready') });
		is $not->{status}, 503, 'not ready';
		cmp_ok $not->{took}, '<', $patience{$how}, "which is said within $patience{$how} s";
		if ($how eq 'stopped') {
			$mn->start_part('postgres');
		} else {
			database_signal('CONT');
		}
		ok eval { wait_until { $user->api(GET => '/api/media')->{status} == 200 } 15,
		    'the list' },
		    'it recovers by itself';
		ok $mn->wait_ready(15), 'and says so';
		ok eval { wait_until { eval { $user->upload_bytes("again-$how.png", png(64, 48),
		    'image/png') } } 15, 'an upload' }, 'so does the store';
	}
	is $user->wait_media($user->upload_bytes('after.png', png(64, 48),
	    'image/png')->{id})->{status},
	    'ready', 'uploads work again';
};

# --- Redis ---
subtest 'Redis down or empty: stopped' => sub {
	$mn->stop_part('redis');
	is $user->api(GET => '/api/media')->{status}, 200, 'Redis down: the list works';
	is $user->wait_media($user->upload_bytes('without.png', png(64, 48),
	    'image/png')->{id})->{status},
	    'ready', 'so do uploads';
	my $second = $mn->login;
	is $second->api(POST => '/api/auth/logout',
	    { refreshToken => $second->{refresh_token} })->{status} =~
	    /^(204|503)$/ ? 1 : 0,
	    1, 'signing out works, or says that it does not yet';
	my $health = $nobody->api(GET => '/api/health');
	is $health->{json}{dependencies}{redis}{state}, 'down', 'health says so';
	$mn->start_part('redis');
	ok eval {
	    wait_until {
	        $nobody->api(GET => '/api/health')->{json}{dependencies}{redis}{state} eq 'ok';
	    } 15, 'redis';
	}, 'it is found again';
	is $second->api(GET => '/api/media')->{status}, 401, 'an empty Redis revives no token';
	is $user->api(GET => '/api/media')->{status}, 200, 'and harms nobody else';
};

# --- the object store ---
my $broken;
subtest 'object store down: its pools are stopped' => sub {
	$mn->stop_part($_) for qw(verify store);
	my $begun = $user->api(POST => '/api/media/upload/initiate', { filename => 'x.png',
	    size => 100,
	    type => 'image/png' });
	is $begun->{status}, 201, 'object store down: signing still works';
	is $user->api(GET => '/api/media')->{status}, 200, 'so does browsing';
	is $user->request(PUT => $begun->{json}{uploadUrl}, 'x' x 100,
	    $begun->{json}{fields})->{status},
	    503, 'a PUT is 503';
	my $done = timed(sub { $user->api(POST => '/api/media/upload/complete',
	    { uploadId => $begun->{json}{uploadId} }) });
	is $done->{status}, 503, 'complete is 503' or diag $done->{content};
	$mn->start_part($_) for qw(verify store);
	my @put = (PUT => $begun->{json}{uploadUrl}, 'x' x 100, $begun->{json}{fields});
	ok eval { wait_until { $user->request(@put)->{status} == 200 } 15, 'the store' },
	    'the same URL works when it is back';
	is $user->api(POST => '/api/media/upload/complete',
	    { uploadId => $begun->{json}{uploadId} })->{status},
	    202, 'so does the same complete';
	$broken = $user->wait_media($begun->{json}{mediaId});
	is $broken->{status}, 'failed', 'which was no picture';
	ok $broken->{failure}{code} && $broken->{failure}{message}, 'and its owner is told why';
};

# --- the worker ---
my $waiting;
subtest 'worker killed anywhere: stopped meanwhile' => sub {
	$mn->stop_part('worker');
	$waiting = $user->upload_bytes('waiting.png', png(64, 48), 'image/png');
	is $user->api(GET => "/api/media/$waiting->{id}")->{json}{status}, 'processing',
	    'worker down: the item waits';
	$mn->start_part('worker');
	is $user->wait_media($waiting->{id})->{status}, 'ready', 'and is done when it is back';
};

each_once($mn, map { $_->{id} } $ready, $broken, $waiting);
done_testing;
