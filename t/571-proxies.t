#!/usr/bin/perl
# The files of recipes/ run: nginx, HAProxy and Caddy in front of a host, PgBouncer behind it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use IO::Socket::INET;
use MediaNest::Faults;
use MediaNest::Processes;
use MediaNest::Recipe;
use MediaNest::Test;
use MediaNest::WebSocket;
use Test::More;

once_is_enough();

# The client's address, and the one that it names. Without NOTIFY, the worker would look for jobs
# too rarely for this test.
use constant { CLIENT => '127.0.0.2', FORGED => '203.0.113.9', POLL_MS => 60_000,
    READY_SECONDS => 30, BYTES => 3 << 20 };

my $mn = MediaNest::Test->stack(set => { 'trusted_proxies' => '127.0.0.1', 'sync.minutes' => 0,
    'worker.poll' => POLL_MS });
my $admin = $mn->admin;
my $user = $mn->user;
my ($edge) = $mn->{url} =~ m{//(.*)};
my ($store) = $mn->{status}{storageEndpoint} =~ m{//(.*)};
my $dir = tempdir('mn-proxies-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $dir;
MediaNest::Test::run_output('sh', '-c', 'cat "$1"/etc/tls/server.pem "$1"/etc/tls/server.key >"$2"',
    'sh', $mn->{var}, "$dir/both.pem");
my ($ca, $pem, $key) = ("$mn->{var}/ca.pem", "$dir/both.pem", "$mn->{var}/etc/tls/server.key");

sub opens {
	my ($port, $what) = @_;
	return wait_until(sub { IO::Socket::INET->new("127.0.0.1:$port") }, READY_SECONDS, $what);
}

sub uploads {
	my ($who, $store_port) = @_;
	my $bytes = png(40, 30);
	# A little more than the proxies keep in memory.
	$bytes .= "\0" x (BYTES - length $bytes);
	my $begun = $who->api(POST => '/api/media/upload/initiate',
	    { filename => 'a.png', size => length $bytes, type => 'image/png' });
	my $up = $begun->{json};
	open my $out, '>:raw', "$dir/a.png" or die "$dir: $!";
	print $out $bytes;
	close $out;
	my $said = MediaNest::Test::run_output('curl', '-sS', '--cacert', $ca, '-o', '/dev/null',
	    '-w', '%{http_code}', '--connect-to', "$store:127.0.0.1:$store_port", '-T',
	    "$dir/a.png", (map { ('-H', "$_: $up->{fields}{$_}") } keys %{ $up->{fields} || {} }),
	    $up->{uploadUrl});
	is $said, 200, 'the store takes the file';
	my $done = $who->api(POST => '/api/media/upload/complete',
	    { uploadId => $up->{uploadId} });
	is $done->{status}, 202, '... and the API the rest' or diag $done->{content};
	is $who->wait_media($done->{json}{id})->{status}, 'ready', '... it is processed';
}

sub serves {
	my ($name, $port, $store_port) = @_;
	subtest $name => sub {
		opens($_, $name) for $port, $store_port;
		my $who = bless { %$user, url => "https://127.0.0.1:$port", http => undef },
		    ref $user;
		$who->{http} = HTTP::Tiny->new(local_address => CLIENT, verify_SSL => 1,
		    SSL_options => { SSL_ca_file => $ca });
		$who->{http_pid} = $$;
		is $who->api(GET => '/')->{status}, 200, 'the page';
		my $in = $who->api(POST => '/api/auth/login', { email => $user->{email},
		    password => $user->{password} },
		    { Authorization => undef, 'X-Forwarded-For' => FORGED });
		is $in->{status}, 200, 'a sign-in';
		is $mn->psql("SELECT address FROM sessions WHERE user_id = '$user->{id}'"
		    . ' ORDER BY created_at DESC LIMIT 1'), CLIENT,
		    '... from the address of the client, not from the one that it names';
		my @live = map { MediaNest::WebSocket->open($who, stream => $_) } 0, 1;
		is $live[0]{status}, 101, 'a WebSocket';
		is $live[1]{status}, 200, 'an EventSource';
		$admin->api(POST => '/api/notifications/broadcast',
		    { title => "Through $name", message => 'x', roles => ['user'] });
		is $_->wait_type('notification', READY_SECONDS)->{data}{notification}{title},
		    "Through $name", '... hears what happens' for @live;
		uploads($who, $store_port);
	};
}

# --- proxies in front -----------------------------------------------------------------------------

my %hosts = ('192.0.2.11:443' => $edge, '192.0.2.11:8444' => $store);
{
	my $port = MediaNest::Test::free_port();
	my $temp = join ' ', map { "${_}_temp_path $dir/nginx-$_;" }
	    qw(client_body proxy fastcgi uwsgi scgi);
	my $nginx = MediaNest::Recipe->start('nginx.conf', { %hosts,
	    'proxy_ssl_name media.example.org' => 'proxy_ssl_name localhost',
	    'server_name media.example.org' => 'server_name 127.0.0.1',
	    'listen 443 ' => "listen 127.0.0.1:$port ",
	    'listen 8444 ' => 'listen 127.0.0.1:' . ($port + 1) . ' ',
	    '/etc/nginx/hosts.pem' => $ca, '/etc/nginx/media.example.org.pem' => $pem,
	    '/etc/nginx/media.example.org.key' => $key }, ['nginx', '-e', "$dir/nginx.log", '-c'],
	    around => "daemon off; master_process off; pid $dir/nginx.pid; events { }\n"
		. "http { access_log off; $temp\n%s}\n");
	serves('nginx', $port, $port + 1);
	$nginx->stop;
}
SKIP: {
	skip 'HAProxy is not installed', 1 if !-x '/usr/sbin/haproxy';
	my $port = MediaNest::Test::free_port();
	my $bind = ' ssl crt /etc/haproxy/media.example.org.pem';
	my $haproxy = MediaNest::Recipe->start('haproxy.cfg', { %hosts,
	    "bind :443$bind alpn h2,http/1.1" => "bind 127.0.0.1:$port ssl crt $pem",
	    "bind :8444$bind" => 'bind 127.0.0.1:' . ($port + 1) . " ssl crt $pem",
	    "\tserver b 192.0.2.12:443\n" => '', '/run/haproxy/admin.sock' => "$dir/haproxy.sock",
	    '/etc/haproxy/hosts.pem' => $ca }, ['/usr/sbin/haproxy', '-db', '-f']);
	serves('HAProxy', $port, $port + 1);
	$haproxy->stop;
}
SKIP: {
	# The check installs it where the archive has it.
	if (!-x '/usr/bin/caddy') {
		my $known = MediaNest::Test::run_output(qw(apt-cache policy caddy));
		skip 'the archive does not have Caddy', 1 if $known !~ /^ *Candidate: \d/m;
		fail 'Caddy: apt install caddy';
		last SKIP;
	}
	my $port = MediaNest::Test::free_port();
	my $caddy = MediaNest::Recipe->start('Caddyfile', { %hosts,
	    'https://media.example.org {' => "https://127.0.0.1:$port {",
	    'https://media.example.org:8444 {' => 'https://127.0.0.1:' . ($port + 1) . ' {',
	    'tls_server_name media.example.org' => 'tls_server_name localhost',
	    '/etc/caddy/hosts.pem' => $ca, '/etc/caddy/media.example.org.pem' => $pem,
	    '/etc/caddy/media.example.org.key' => $key },
	    ['/usr/bin/caddy', 'run', '--adapter', 'caddyfile', '--config'],
	    around => "{\n\tadmin off\n\tauto_https disable_redirects\n}\n%s");
	serves('Caddy', $port, $port + 1);
	$caddy->stop;
}

# --- a pooler behind ------------------------------------------------------------------------------

SKIP: {
	skip 'PgBouncer is not installed', 1 if !-x '/usr/sbin/pgbouncer';
	subtest 'PgBouncer' => sub {
		my $port = MediaNest::Test::free_port();
		my @roles = qw(api worker store);
		my ($uid, $gid) = (stat "$mn->{var}/data")[4, 5];
		my $users = "$mn->{var}/tmp/pgbouncer-users";
		open my $out, '>', $users or die "$users: $!";
		print $out map { qq("medianest_$_" ""\n) } @roles;
		close $out;
		my $super = $mn->{status}{databaseUrl}
		    =~ s/user=medianest_migrate/user=postgres/r;
		my $said = MediaNest::Test::run_output('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d',
		    $super, '-f', "$FindBin::Bin/../recipes/pgbouncer.sql");
		is $?, 0, 'what is set for the roles' or diag $said;
		my $pooler = MediaNest::Recipe->start('pgbouncer.ini', {
		    'host=192.0.2.10' => "host=$mn->{var}/run", 'listen_addr = 192.0.2.10' =>
		    "listen_addr = 127.0.0.1\nunix_socket_dir =", 'listen_port = 6432' =>
		    "listen_port = $port", 'auth_type = scram-sha-256' => 'auth_type = trust',
		    '/etc/pgbouncer/userlist.txt' => $users },
		    [$> == 0 ? ('setpriv', "--reuid=$uid", "--regid=$gid", '--clear-groups')
			 : (), '/usr/sbin/pgbouncer']);
		opens($port, 'PgBouncer');
		my $url = sub { "postgresql://medianest_$_[0]\@127.0.0.1:$port/medianest" };
		my %timeout = (api => '2500ms', store => '2500ms', worker => '15s');
		for my $role (@roles) {
			my $has = MediaNest::Test::run_output('psql', '-XqAt', '-d', $url->($role),
			    map { ('-c', "SHOW $_") } qw(statement_timeout timezone jit));
			is $has, "$timeout{$role}\nUTC\noff\n", "the settings of $role";
		}
		$mn->dev('up', map { ('--set', "database.${_}_url=" . $url->($_)) } @roles);
		my $who = $mn->login($user->{email}, $user->{password});
		my $ws = MediaNest::WebSocket->open($who);
		my $media = $who->upload_bytes('b.png', png(50, 30), 'image/png');
		my $ready = $who->wait_media($media->{id}, READY_SECONDS);
		is $ready->{status}, 'ready', 'NOTIFY wakes the worker, which processes an upload';
		ok $ws->wait_type('media.processing.complete', READY_SECONDS),
		    'a person hears of it';
		$pooler->stop;
		wait_until { $mn->client->api(GET => '/api/health/ready')->{status} == 503 }
		    READY_SECONDS, 'the end of the database';
		pass 'without the pooler there is no database';
	};
}

done_testing();
