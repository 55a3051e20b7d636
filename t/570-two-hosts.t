#!/usr/bin/perl
# Two hosts in network namespaces, on one PostgreSQL, one Redis and one S3 of a third, behind
# HAProxy: both serve, either may die or be upgraded, and no request is lost.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use Time::HiRes qw(sleep);

use constant { NETWORK => '10.91.7', THIRD => '10.91.7.1', STORE => 9444, PORT => 8443,
    EDGE => 9460, CLIENTS => 4, REDIS_PASSWORD => 'of-two-hosts', LOAD => 100, EVENT_SECONDS => 20,
    PARTS => [qw(pools worker notifyd nginx)] };

# Those of MediaNest::Test end the stacks first.
my @netns;
my $top = $$;
END {
	local $?;
	if ($$ == $top) { system 'ip', 'netns', 'del', $_ for @netns }
}

use MediaNest::Faults;
use MediaNest::Haproxy;
use MediaNest::Processes;
use MediaNest::Test;
use MediaNest::WebSocket;
use POSIX ();
use Test::More;

once_is_enough();
plan skip_all => 'only root can make network namespaces' if $> != 0;
plan skip_all => 'HAProxy is not installed' if !MediaNest::Haproxy->installed;
if (!$ENV{MEDIANEST_TEST_ALONE}) {
	plan skip_all => 'no network namespaces here'
	    if system('unshare --net ip link set lo up 2>/dev/null') != 0;
	# The test itself stands where the third host is.
	$ENV{MEDIANEST_TEST_ALONE} = 1;
	exec 'unshare', '--net', $^X, "-I$FindBin::Bin/lib", $0 or die "unshare: $!";
}

sub ip {
	my $said = MediaNest::Test::run_output('ip', @_);
	die "ip @_: $said" if $? != 0;
	return $said;
}

# --- the network ----------------------------------------------------------------------------------

my %host = (a => { address => NETWORK . '.2' }, b => { address => NETWORK . '.3' });
ip(qw(link set lo up));
ip(qw(link add hub type bridge));
ip('addr', 'add', THIRD . '/24', 'dev', 'hub');
ip(qw(link set hub up));
for my $name (sort keys %host) {
	my $netns = "medianest-$name-$$";
	ip('netns', 'add', $netns);
	push @netns, $netns;
	$host{$name}{netns} = $netns;
	ip('link', 'add', "to-$name", 'type', 'veth', 'peer', 'name', 'eth0', 'netns', $netns);
	ip('link', 'set', "to-$name", 'master', 'hub', 'up');
	ip('-n', $netns, 'link', 'set', 'lo', 'up');
	ip('-n', $netns, 'addr', 'add', "$host{$name}{address}/24", 'dev', 'eth0');
	ip('-n', $netns, 'link', 'set', 'eth0', 'up');
}

# --- the third host: PostgreSQL, Redis and the store ---------------------------------------------

MediaNest::Test::build_directory();
my $dir = tempdir('mn-hosts-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $dir;
MediaNest::Test::run_output('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
    'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', "$dir/key.pem", '-out', "$dir/cert.pem",
    '-days', 2, '-subj', '/CN=house', '-addext', 'subjectAltName=IP:127.0.0.1,IP:' . THIRD);
MediaNest::Test::run_output('sh', '-c', 'cat "$1"/cert.pem "$1"/key.pem >"$1"/both.pem', 'sh',
    $dir);
my $third = MediaNest::Test->stack(private => 1, set => { 'sync.minutes' => 0,
    'nginx.storage_listen' => '127.0.0.1:' . STORE . ',' . THIRD . ':' . STORE,
    'storage.endpoint' => 'https://127.0.0.1:' . STORE });
$third->stop_part($_) for qw(worker notifyd pools);

# Text into a file that its owner keeps.
sub put {
	my ($file, $mode, $text) = @_;
	open my $out, $mode, $file or die "$file: $!";
	print $out $text;
	close $out or die "$file: $!";
}
my $etc = "$third->{var}/etc";
put("$etc/tls/server.pem", '>', slurp("$dir/cert.pem"));
put("$etc/tls/server.key", '>', slurp("$dir/key.pem"));
$third->restart_part('nginx');
put("$etc/pg_hba.conf", '>>', 'host medianest all ' . NETWORK . ".0/24 trust\n");
MediaNest::Test::run_output('psql', '-Xq', '-d',
    $third->{status}{databaseUrl} =~ s/user=medianest_migrate/user=postgres/r, '-c',
    "ALTER SYSTEM SET listen_addresses = '" . THIRD . "'");
$third->restart_part('postgres');
$third->redis(qw(ACL SETUSER house on), '>' . REDIS_PASSWORD, qw(~* &* +@all));
$third->redis(qw(CONFIG SET), @$_) for ['protected-mode', 'no'], ['bind', THIRD], ['port', 6379];

# --- the two hosts --------------------------------------------------------------------------------

my $status = $third->{status};
my %shared = ('redis.url' => 'redis://house:' . REDIS_PASSWORD . '@' . THIRD . ':6379',
    (map { ("database.${_}_url" => "postgresql://medianest_$_\@" . THIRD . '/medianest') }
	qw(api worker store migrate)),
    'storage.embedded' => 'false', 'storage.endpoint' => 'https://' . THIRD . ':' . STORE,
    'storage.ca_file' => "$dir/cert.pem", 'storage.region' => $status->{storageRegion},
    'storage.bucket' => $status->{storageBucket},
    'storage.access_key' => $status->{storageAccessKey},
    'storage.secret_key' => $status->{storageSecretKey}, 'sync.minutes' => 0,
    'public.url' => 'https://127.0.0.1:' . EDGE, 'trusted_proxies' => THIRD,
    'nginx.listen' => '0.0.0.0:' . PORT);
for my $name (sort keys %host) {
	my $keys = "$dir/keys-$name";
	MediaNest::Test::run_output('cp', '-a', "$third->{var}/data/keys", $keys);
	$host{$name}{mn} = MediaNest::Test->stack(private => 1, netns => $host{$name}{netns},
	    port => PORT, set => { %shared, 'keys.dir' => $keys });
	# A stack always begins with its own: this one does not use them.
	$host{$name}{mn}->stop_part($_) for qw(postgres redis);
}
put("$dir/hosts.pem", '>', join '', map { slurp("$_->{mn}{var}/ca.pem") } values %host);
my $proxy = MediaNest::Haproxy->start(EDGE, "$dir/both.pem", ca => "$dir/hosts.pem",
    map { ($_ => "$host{$_}{address}:" . PORT) } keys %host);
$proxy->wait_up(sort keys %host);

# Clients of the balancer, and of one host through it.
sub at {
	my ($who, $port) = @_;
	return bless { %$who, url => "https://127.0.0.1:$port", ca => "$dir/cert.pem",
	    http => undef }, ref $who;
}
my $front = at($third, EDGE);
my %only = (a => EDGE + 1, b => EDGE + 2);
my $admin = $front->admin;
my $user = $front->user;

# --- both serve -----------------------------------------------------------------------------------

is scalar(grep { $user->api(GET => '/api/media')->{status} != 200 } 1 .. LOAD), 0,
    'every request is served';
for my $name (sort keys %host) {
	cmp_ok $proxy->requests($name), '>', LOAD / 4, "many of them by $name";
}
my @ids = map { $user->upload_bytes("$_.png", png(40, 30), 'image/png')->{id} } 1 .. 4;
is join(' ', map { $user->wait_media($_)->{status} } @ids), 'ready ready ready ready',
    'uploads are processed';

# --- periodic jobs --------------------------------------------------------------------------------

# Runs of a kind by both hosts, as their registries count them.
sub runs_of {
	my ($kind) = @_;
	my $n = 0;
	for my $mn (map { $_->{mn} } values %host) {
		my $said = MediaNest::Test::run_output(MediaNest::Test::build_directory()
		    . '/t/tools/metric-read', "$mn->{var}/run");
		$n += $_ for $said =~
		    /^medianest_jobs_total\{[^}]*kind="\Q$kind\E"[^}]*\} (\d+)$/mg;
	}
	return $n;
}
my %every = MediaNest::Test->periodic_kinds;
is_deeply +{ map { split /\|/ } $third->psql("SELECT kind, count(*) FROM jobs WHERE unique_key ="
    . " 'every:' || kind GROUP BY 1") }, { map { ($_ => 1) } keys %every },
    'of each periodic job there is one';
# Those that do not come by themselves meanwhile, all of them due at the same moment.
my @slow = sort grep { $every{$_} >= 3600 } keys %every;
my $slow = "unique_key IN ('every:" . join("', 'every:", @slow) . "')";
my %before = map { ($_ => runs_of($_)) } @slow;
$third->psql("UPDATE jobs SET run_at = now() WHERE $slow;"
    . " SELECT pg_notify('mn_jobs', queue) FROM jobs WHERE $slow GROUP BY queue");
wait_until { $third->psql("SELECT count(*) FROM jobs WHERE $slow AND run_at > now()") == @slow
    && !grep { runs_of($_) == $before{$_} } @slow } EVENT_SECONDS, 'the next time of each';
is_deeply { map { ($_ => runs_of($_) - $before{$_}) } @slow }, { map { ($_ => 1) } @slow },
    'one of two workers ran each of them, once';

# --- events and revocations -----------------------------------------------------------------------

my %socket = map { ($_ => MediaNest::WebSocket->open(at($user, $only{$_}))) } keys %only;
$admin->api(POST => '/api/notifications/broadcast',
    { title => 'For both hosts', message => 'x', roles => ['user'] });
for my $name (sort keys %only) {
	my $event = $socket{$name}->wait_type('notification', EVENT_SECONDS);
	is $event->{data}{notification}{title}, 'For both hosts',
	    "an event reaches clients of $name";
}
my %session = map { ($_ => $front->login($user->{email}, $user->{password})) } keys %only;
my %other = (a => 'b', b => 'a');
for my $name (sort keys %only) {
	my ($here, $there) = map { at($session{$name}, $only{$_}) } $name, $other{$name};
	my $ws = MediaNest::WebSocket->open($there);
	is $there->api(GET => '/api/auth/session')->{status}, 200, "a session on $other{$name}";
	is $here->api(POST => '/api/auth/logout',
	    { refreshToken => $session{$name}{refresh_token} })->{status}, 204,
	    "it is ended on $name";
	is $there->api(GET => '/api/auth/session')->{status}, 401, '... and dead on the other';
	ok defined $ws->wait_closed(EVENT_SECONDS), '... with its live events';
}

# --- one dies -------------------------------------------------------------------------------------

# Requests of several clients until the sub returns; those that did not end with 200.
sub lost_while {
	my ($code) = @_;
	pipe(my $stop_read, my $stop_write) or die "pipe: $!";
	my @from = map {
		my $pid = open(my $from, '-|') // die "fork: $!";
		if (!$pid) {
			my $bits = '';
			vec($bits, fileno $stop_read, 1) = 1;
			until (select(my $ready = $bits, undef, undef, 0)) {
				for my $path ('/api/media', '/api/auth/session') {
					my $answer = $user->api(GET => $path);
					print "$answer->{status} ",
					    $answer->{status} == 200 ? ''
						: $answer->{content} =~ s/\s+/ /gr, "\n";
				}
			}
			close STDOUT;
			POSIX::_exit(0);
		}
		$from;
	} 1 .. CLIENTS;
	$code->();
	syswrite $stop_write, 'x';
	my @lines = map { my $from = $_; my @of = <$from>; close $from; @of } @from;
	my @bad = grep { !/^200 / } @lines;
	ok @lines > CLIENTS && !@bad, @lines . ' requests, ' . @bad . ' lost' or diag @bad[0 .. 3];
}
# So many more requests by a host.
sub served {
	my ($name, $n) = @_;
	my $begin = $proxy->requests($name);
	wait_until { $proxy->requests($name) >= $begin + $n } EVENT_SECONDS, "requests to $name";
}

lost_while(sub {
	served($_, 10) for sort keys %host;
	kill 'KILL', split ' ', ip('netns', 'pids', $host{a}{netns});
	wait_until { !$proxy->is_up('a') } EVENT_SECONDS, 'HAProxy to notice';
	served('b', 20);
});
my $moved = MediaNest::WebSocket->open($user, after => 0);
is $moved->{status}, 101, 'clients of a connect to b';
is $user->wait_media($user->upload_bytes('b.png', png(40, 30), 'image/png')->{id})->{status},
    'ready', 'b alone takes and processes uploads';
$host{a}{mn}->dev('up');
$proxy->wait_up('a');
is $_->{status}, 200, 'a is back' for at($user, $only{a})->api(GET => '/api/media');

# --- an upgrade, host by host ---------------------------------------------------------------------

lost_while(sub {
	for my $name (sort keys %host) {
		$proxy->state($name => 'drain');
		wait_until { $proxy->figures($name)->{qcur} == 0 } EVENT_SECONDS, 'the queue';
		$host{$name}{mn}->restart_part($_) for @{ +PARTS };
		$proxy->state($name => 'ready');
		$proxy->wait_up($name);
		served($name, 10);
	}
});

done_testing();
