#!/usr/bin/perl
# medianest-admin doctor: faults are made, found by their code with the exact line to type, undone,
# and then nothing is found. What a machine cannot have at will is in t/unit/doctor.c.
use strict;
use warnings;
use Cwd qw(abs_path);
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use IO::Socket::SSL;
use IO::Socket::SSL::Utils;
use IO::Socket::UNIX;
use JSON::PP qw(decode_json);
use MediaNest::Faults;
use MediaNest::StandIn;
use MediaNest::Test;
use Socket qw(SOCK_DGRAM);
use Test::More;

use constant { DAY => 86400, CLOSED => 'https://127.0.0.1:9' };

my $root = abs_path("$FindBin::Bin/..");
my $mn = MediaNest::Test->stack(private => 1, set => { 'sync.minutes' => 15 });
my ($var, $serial) = ($mn->{var}, 0);
my ($etc, $data, $run) = ("$var/etc", "$var/data", $mn->{status}{databaseUrl} =~ /host=([^&\s]+)/);
my $settings = "$etc/medianest.conf";
my ($uid, $gid) = (stat $data)[4, 5];
my @as = $> == 0 ? ('setpriv', "--reuid=$uid", "--regid=$gid", '--clear-groups') : ();
my $program = MediaNest::Test::build_directory() . '/inst/sbin/medianest-admin';
my %base = slurp($settings) =~ /^(\S+) = (.*)$/mg;

sub slurp {
	my ($file) = @_;
	open my $in, '<', $file or die "$file: $!";
	local $/;
	return scalar <$in>;
}
sub spit {
	my ($file, $text, $mode) = @_;
	open my $out, '>', $file or die "$file: $!";
	print $out $text;
	close $out or die "$file: $!";
	chmod $mode // 0640, $file or die "$file: $!";
	chown $uid, $gid, $file or die "$file: $!" if $> == 0;
	return $file;
}

# Settings like the stack's but for these, in the directory of the stack's.
sub settings_with {
	my (%set) = @_;
	my %all = (%base, %set);
	return spit("$etc/doctor-" . ++$serial . '.conf',
	    join '', map { "$_ = $all{$_}\n" } sort keys %all);
}

# (status, findings by code, what it said)
sub doctor {
	my ($config, @arguments) = @_;
	my @wrap = ref $arguments[0] ? @{ shift @arguments } : ();
	my $said = MediaNest::Test::run_output(@as, @wrap, $program, '--config', $config, 'doctor',
	    '--json', @arguments);
	my $status = $? >> 8;
	my ($json) = $said =~ /^(\{"ok".*)$/m;
	my $told = eval { decode_json($json) } or die "doctor: $said";
	my %found;
	push @{ $found{ $_->{code} } }, $_ for @{ $told->{findings} };
	return ($status, \%found, $said);
}

# Keys like the stack's, changed by the sub.
sub keys_like {
	my ($change) = @_;
	my $to = "$var/keys-" . ++$serial;
	MediaNest::Test::run_output(@as, 'cp', '-a', "$data/keys", $to);
	$change->($to);
	return $to;
}

# A TLS server that answers everything with 200 and no CORS header.
my ($ca, $ca_key) = CERT_create(CA => 1, subject => { commonName => 'Doctor CA' });
sub certificate {
	my ($name, $from, $until) = @_;
	my ($cert, $key) = CERT_create(issuer => [ $ca, $ca_key ],
	    subject => { commonName => $name },
	    subjectAltNames => [ $name =~ /^[\d.]+$/ ? [ IP => $name ] : [ DNS => $name ] ],
	    not_before => time + $from * DAY, not_after => time + $until * DAY);
	my $file = "$var/cert-" . ++$serial;
	PEM_cert2file($cert, "$file.pem");
	PEM_key2file($key, "$file.key");
	chmod 0644, "$file.pem", "$file.key";
	return ("$file.pem", "$file.key");
}
sub serve {
	my ($cert, $key) = @_;
	my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 16)
	    or die "listen: $!";
	my $self = bless { owner => $$, port => $listener->sockport }, 'MediaNest::StandIn';
	$self->apart(sub {
		while (my $client = $listener->accept) {
			next if !IO::Socket::SSL->start_SSL($client, SSL_server => 1,
			    SSL_cert_file => $cert, SSL_key_file => $key);
			while (defined(my $line = <$client>)) { last if $line =~ /^\r?$/ }
			print $client
			    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
			close $client;
		}
	});
	return $self;
}
sub refuser {
	my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 16)
	    or die "listen: $!";
	my $self = bless { owner => $$, port => $listener->sockport }, 'MediaNest::StandIn';
	$self->apart(sub {
		while (my $client = $listener->accept) {
			print $client "554 no mail from you\r\n";
			close $client;
		}
	});
	return $self;
}

my @valid = certificate('127.0.0.1', -1, 400);
my @expired = certificate('127.0.0.1', -30, -1);
my @expiring = certificate('127.0.0.1', -30, 5);
my %served = (
	expired => serve(@expired),
	expiring => serve(@expiring),
	name => serve(certificate('elsewhere.example', -1, 400)),
	valid => serve(@valid),
);
PEM_cert2file($ca, "$var/doctor-ca.pem");
my $both = spit("$var/both-ca.pem", slurp("$var/doctor-ca.pem") . slurp("$var/ca.pem"), 0644);
my $smtp = refuser();
sub at { return "https://127.0.0.1:$served{ $_[0] }{port}" }

# Something sealed, and a person who comes from one private address.
my $admin = $mn->admin;
my $begun = $admin->api(POST => '/api/auth/totp', { currentPassword => $mn->{password} });
is $begun->{status}, 200, 'a secret is stored' or diag $begun->{content};

my $superuser = $base{'database.migrate_url'} =~ s/user=\w+/user=postgres/r;
sub database {
	my ($sql) = @_;
	my $said = MediaNest::Test::run_output(@as, 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d',
	    $superuser, '-c', $sql);
	die "psql: $said" if $? != 0;
	return;
}
my $mode = sub { my ($path, $to) = @_; my $was = (stat $path)[2] & 07777; return {
	inject => sub { chmod $to, $path or die "$path: $!" },
	undo => sub { chmod $was, $path or die "$path: $!" } } };
my $sql = sub { my ($do, $undo) = @_; return {
	inject => sub { database($do) }, undo => sub { database($undo) } } };
my $job = sub { my ($state) = @_; return $sql->(
	"INSERT INTO jobs (id, kind, queue, state, run_at, finished_at) VALUES ("
	. "gen_random_uuid(), 'doctor.test', 'doctor', '$state', now() - interval '1 day', "
	. ($state eq 'dead' ? 'now()' : 'NULL') . ')',
	"DELETE FROM jobs WHERE kind = 'doctor.test'") };
my $server = '0190f000-0000-7000-8000-0000000000d0';
my $redis_url = $base{'redis.url'} =~ s{^unix:/*}{/}r;
my $nginx = "medianest-admin nginx $etc/nginx && nginx -t && systemctl reload nginx";
my $db = $base{'database.migrate_url'};

# One run of the doctor for each number: [number, code, remedy, what is done]. `set` are settings
# of that run, {at} is its settings file.
my @faults = (
	[ 1, 'keys.directory', "chmod 0750 $data/keys", $mode->("$data/keys", 0755) ],
	[ 1, 'keys.mode', "chmod 0400 $data/keys/jwt-1.key",
	    $mode->("$data/keys/jwt-1.key", 0644) ],
	[ 1, 'settings.mode', 'chmod 0640 {at}', { file_mode => 0644 } ],
	[ 1, 'files.objects', "chown root:www-data $data/objects && chmod 1770 $data/objects",
	    $mode->("$data/objects", 0500) ],
	[ 1, 'files.log_dir', "chown root:adm $var/log && chmod 0750 $var/log",
	    $mode->("$var/log", 0777) ],
	[ 1, 'files.data_dir', "chown root:root $data/objects/.tmp && chmod 0755"
	    . " $data/objects/.tmp", $mode->("$data/objects/.tmp", 0777) ],
	[ 1, 'files.scratch', "chown medianest:medianest $data/scratch && chmod 0700 $data/scratch",
	    $mode->("$data/scratch", 0500) ],
	[ 1, 'files.run_dir', "chmod 3770 $run", $mode->($run, 01777) ],
	[ 1, 'redis.policy', "redis-cli -s $redis_url config set maxmemory-policy volatile-lru",
	    { inject => sub { $mn->redis(qw(CONFIG SET maxmemory-policy allkeys-lru)) },
		undo => sub { $mn->redis(qw(CONFIG SET maxmemory-policy noeviction)) } } ],
	[ 1, 'nginx.stale', $nginx, { set => { 'rate_limit.edge.per_second' => 7 } } ],
	[ 1, 'nginx.proxy', 'set trusted_proxies = 127.0.0.1 in medianest.conf, then'
	    . ' medianest-admin nginx and systemctl reload nginx',
	    { set => { 'alerts.one_address.threshold' => 0 } } ],
	[ 1, 'processes.version', 'systemctl restart medianest-worker',
	    { inject => sub { spit("$run/worker.version", "0.0.1\n", 0644) },
		undo => sub { spit("$run/worker.version", "$_[0]\n", 0644) },
		keep => "$run/worker.version" } ],
	[ 1, 'page.certificate_key', 'set nginx.certificate_key to the key of nginx.certificate in'
	    . ' {at}', { set => { 'nginx.certificate_key' => $valid[1] } } ],
	[ 1, 'jobs.stuck', 'systemctl restart medianest-worker', $job->('available') ],
	[ 1, 'mail.down', 'curl -v smtp://127.0.0.1:9', { set => { 'smtp.host' => '127.0.0.1',
	    'smtp.port' => 9, 'smtp.tls' => 'none', 'smtp.from' => 'house@medianest.test' } } ],
	[ 1, 'backup.directory', "install -d -o medianest -g medianest -m 0700 $var/no-backups",
	    { set => { 'backup.directory' => "$var/no-backups" } } ],
	[ 1, 'backup.old', 'systemctl start medianest-backup.service', $sql->(
	    "INSERT INTO backups (id, directory, status, started_at, finished_at) VALUES"
	    . " ('$server', '/nowhere', 'ok', now() - interval '3 days',"
	    . " now() - interval '3 days')",
	    "DELETE FROM backups WHERE id = '$server'") ],
	[ 1, 'sync.old', "sudo -u medianest medianest-sync --server $server", $sql->(
	    "INSERT INTO media_servers (id, kind, name, url, token, updated_at) VALUES ('$server',"
	    . " 'plex', 'Attic', 'http://127.0.0.1:9', '', now() - interval '3 days')",
	    "DELETE FROM media_servers WHERE id = '$server'") ],

	[ 2, 'postgresql.access', 'name the role nosuch in pg_hba.conf (and pg_ident.conf) as'
	    . ' medianest-setup(7) shows, then systemctl reload postgresql',
	    { set => { 'database.api_url' => $db =~ s/medianest_migrate/nosuch/r } } ],
	[ 2, 'postgresql.database', 'sudo -u postgres createdb -O medianest_migrate -E UTF8 -T'
	    . ' template0 nosuch',
	    { set => { 'database.worker_url' => $db =~ s{///\w+}{///nosuch}r } } ],
	[ 2, 'postgresql.schema_new', 'apt install medianest && systemctl restart medianest.target',
	    $sql->('INSERT INTO schema_migrations (version, name, checksum) VALUES'
		. " (9000, 'x', 'x')",
		'DELETE FROM schema_migrations WHERE version = 9000') ],
	[ 2, 'nginx.stale', $nginx, { set => { 'cors.origins' => 'https://app.example.org' } } ],
	[ 2, 'redis.down', 'systemctl start redis-server',
	    { set => { 'redis.url' => "unix://$run/nosuch.sock" } } ],
	[ 2, 'keys.missing', 'medianest-admin keys create',
	    { set => { 'keys.dir' => keys_like(sub { unlink "$_[0]/jwt-1.key" }) } } ],
	[ 2, 'storage.bucket', 'medianest-admin bucket create',
	    { set => { 'storage.bucket' => 'nosuch' } } ],
	[ 2, 'storage.public', "curl -v @{[CLOSED]} from a browser's network, and correct"
	    . ' storage.public_endpoint', { set => { 'storage.public_endpoint' => CLOSED } } ],
	[ 2, 'mail.refused', 'correct smtp.user and smtp.password in {at}',
	    { set => { 'smtp.host' => '127.0.0.1', 'smtp.port' => $smtp->{port},
		'smtp.tls' => 'none', 'smtp.from' => 'house@medianest.test' } } ],
	[ 2, 'jobs.dead', 'read their errors under Administration, Jobs, and choose Try again or'
	    . ' Discard', $job->('dead') ],
	[ 2, 'page.certificate_expired', 'certbot renew && systemctl reload nginx',
	    { set => { 'public.url' => at('expired'),
		'nginx.certificate' => $expired[0], 'nginx.certificate_key' => $expired[1] } } ],

	[ 3, 'postgresql.superuser', "sudo -u postgres psql -c 'ALTER ROLE \"medianest_store\""
	    . " NOSUPERUSER'", $sql->('ALTER ROLE medianest_store SUPERUSER',
		'ALTER ROLE medianest_store NOSUPERUSER') ],
	[ 3, 'postgresql.schema_old', 'medianest-admin migrate',
	    $sql->('UPDATE schema_migrations SET version = -version',
		'UPDATE schema_migrations SET version = -version') ],
	[ 3, 'postgresql.locale', "sudo -u postgres psql -d medianest -c 'REINDEX DATABASE"
	    . " \"medianest\"' -c 'ALTER DATABASE \"medianest\" REFRESH COLLATION VERSION'",
	    $sql->("UPDATE pg_database SET datcollversion = '0.1' WHERE datname = 'medianest'",
		"UPDATE pg_database SET datcollversion = NULL WHERE datname = 'medianest'") ],
	[ 3, 'nginx.stale', $nginx, { set => { 'trusted_proxies' => '10.0.0.0/8' } } ],
	[ 3, 'keys.data', 'copy data-1.key from a backup of the keys (medianest-admin restore'
	    . ' --keys FILE DIRECTORY); no other key decrypts these secrets',
	    { set => { 'keys.dir' => keys_like(sub { unlink "$_[0]/data-1.key" }) } } ],
	[ 3, 'storage.key', 'set storage.access_key and storage.secret_key in {at}, or copy'
	    . ' storage-access.key and storage-secret.key from another host',
	    { set => { 'storage.access_key' => 'wrong', 'storage.secret_key' => 'wrong' } } ],
	[ 3, 'storage.plain', 'set storage.public_endpoint to an https:// origin in {at}',
	    { set => { 'storage.public_endpoint' => 'http://files.example.org' } } ],
	[ 3, 'page.certificate_expiring', 'certbot renew && systemctl reload nginx',
	    { set => { 'public.url' => at('expiring'),
		'nginx.certificate' => $expiring[0], 'nginx.certificate_key' => $expiring[1] } } ],

	[ 4, 'keys.wrong', 'medianest-admin restore --keys FILE DIRECTORY, or copy data-1.key from'
	    . ' another host', { set => { 'keys.dir' => keys_like(sub {
		unlink "$_[0]/data-1.key";
		spit("$_[0]/data-1.key", ('ab' x 32) . "\n", 0400);
	    }) } } ],
	[ 4, 'page.certificate_name', 'certbot certonly -d 127.0.0.1',
	    { set => { 'public.url' => at('name') } } ],
	[ 4, 'storage.cors', 'aws s3api put-bucket-cors with AllowedOrigins ' . at('name')
	    . ', AllowedMethods GET PUT HEAD, AllowedHeaders * and ExposeHeaders ETag',
	    { set => { 'storage.public_endpoint' => at('valid'), 'storage.embedded' => 'false',
		'storage.ca_file' => $both } } ],
	[ 4, 'nginx.refused', 'correct the setting in {at}',
	    { set => { 'cors.origins' => 'https://x"; evil' } } ],

	[ 5, 'postgresql.down', 'systemctl start postgresql',
	    { set => { 'database.migrate_url' => "host=$var/nowhere" } } ],
	[ 5, 'files.missing', "systemd-tmpfiles --create medianest.conf, or create $var/nowhere",
	    { set => { 'data.dir' => "$var/nowhere", 'keys.dir' => "$data/keys" } } ],
	[ 5, 'processes.pools', 'systemctl start medianest.target',
	    { set => { 'run.dir' => "$var" } } ],
	[ 5, 'storage.down', 'curl -v ' . CLOSED, { set => { 'storage.endpoint' => CLOSED } } ],
	[ 5, 'page.certificate_stale', 'systemctl reload nginx',
	    { set => { 'public.url' => at('expiring'), 'nginx.certificate' => $valid[0],
		'nginx.certificate_key' => $valid[1] } } ],

	[ 6, 'page.certificate_untrusted', 'get a certificate from an authority that browsers'
	    . ' trust, or name yours in outbound.ca_file in {at}',
	    { set => { 'public.url' => at('valid') } } ],
	[ 6, 'storage.cors_own', $nginx, {} ],
	[ 7, 'page.plain',
	    'set public.url to an https:// origin in {at}, then medianest-admin setup',
	    { set => { 'public.url' => $mn->{url} =~ s/^https/http/r } } ],
	[ 7, 'page.status', $nginx, {} ],
	[ 7, 'postgresql.creates', "sudo -u postgres psql -d medianest -c 'REVOKE CREATE ON SCHEMA"
	    . " public FROM PUBLIC, \"medianest_store\"'",
	    $sql->('GRANT CREATE ON SCHEMA public TO medianest_store',
		'REVOKE CREATE ON SCHEMA public FROM medianest_store') ],
	[ 8, 'postgresql.role', 'sudo -u postgres createuser medianest_store && medianest-admin'
	    . ' migrate', $sql->('ALTER ROLE medianest_store RENAME TO medianest_away',
		'ALTER ROLE medianest_away RENAME TO medianest_store') ],
	[ 8, 'page.down', 'systemctl start nginx', { set => { 'public.url' => CLOSED } } ],
);

sub part_of { return $_[0] =~ s/\..*//r }

# Everything of one number at once.
sub try_together {
	my ($number) = @_;
	my @rows = grep { $_->[0] == $number } @faults;
	my %set = map { %{ $_->[3]{set} || {} } } @rows;
	my $config = settings_with(%set);
	my %parts = map { (part_of($_->[1]) => 1) } @rows;
	my @only = ('--only', join ',', sort keys %parts);
	for my $do (map { $_->[3] } @rows) {
		chmod $do->{file_mode}, $config if $do->{file_mode};
		$do->{kept} = slurp($do->{keep}) =~ s/\n//r if $do->{keep};
		$do->{inject}->() if $do->{inject};
	}
	my ($status, $found, $said) = eval { doctor($config, @only) };
	my $failed = $@;
	for my $do (reverse map { $_->[3] } @rows) {
		$do->{undo}->($do->{kept}) if $do->{undo};
	}
	die $failed if $failed;
	is $status, 1, "$number: something is found";
	for my $row (@rows) {
		my ($code, $remedy) = @$row[1, 2];
		$remedy =~ s/\{at\}/$config/g;
		ok scalar(grep { $_->{remedy} eq $remedy } @{ $found->{$code} || [] }), $code
		    or diag "wanted: $remedy\n$said";
	}
	($status, $found) = doctor($settings, @only);
	is_deeply [ $status, sort keys %$found ], [0], "$number: undone, nothing is found";
	return;
}

# The rows and files that are people's, or that others made for the house: each as it is.
sub things {
	my %is = map { ("table $_" => $mn->psql('SELECT count(*), md5(string_agg(t::text, chr(10)'
	    . " ORDER BY t::text)) FROM $_ t")) } qw(users role_permissions settings media
	    media_assets uploads objects object_buckets media_servers webhook_sources
	    webhook_endpoints invites api_tokens);
	my $files = MediaNest::Test::run_output('find', "$data/objects", "$data/keys", "$etc/nginx",
	    $settings, '-type', 'f', '-printf', '%m %U %s %T@ ', '-exec', 'sha256sum', '{}', ';');
	return { %is, map { /^(.*) (\S+)$/ ? ("file $2" => $1) : () } split /\n/, $files };
}

my $picture = $admin->wait_media($admin->upload_bytes('a.png', png(40, 30), 'image/png')->{id});
is $picture->{status}, 'ready', 'there is a picture';
my $before = things();
cmp_ok scalar(grep { m{^file \Q$data\E/objects/} } keys %$before), '>=', 2, 'and its objects';

my ($status, $found, $said) = doctor($settings);
is_deeply things(), $before, 'it changed nothing';
is_deeply [ $status, sort keys %$found ], [0], 'a stack that runs is well' or diag $said;
my %numbers = map { ($_->[0] => 1) } @faults;
try_together($_) for sort { $a <=> $b } keys %numbers;

subtest 'a fresh database' => sub {
	my $name = "doctor_$$";
	database("CREATE DATABASE $name OWNER medianest_migrate ENCODING 'SQL_ASCII' LC_COLLATE 'C'"
	    . " LC_CTYPE 'C' TEMPLATE template0");
	my $config = settings_with('database.migrate_url' => $db =~ s{///\w+}{///$name}r);
	($status, $found, $said) = doctor($config, '--only', 'postgresql');
	is $found->{'postgresql.extension'}[0]{remedy},
	    'apt install postgresql-contrib && medianest-admin migrate', 'without extensions'
	    or diag $said;
	like $found->{'postgresql.encoding'}[0]{remedy}, qr/createdb .* -E UTF8 .* \Q$name\E$/,
	    'of the wrong encoding';
	database("DROP DATABASE $name");
};

SKIP: {
	skip 'faketime is not here, or sanitizers are', 3
	    if !-x '/usr/bin/faketime' || $ENV{ASAN_OPTIONS};
	local $ENV{FAKETIME_DONT_FAKE_MONOTONIC} = 1;
	($status, $found, $said) = doctor($settings, [ 'faketime', '-f', '+20m' ], '--only',
	    'clock,storage,page');
	is_deeply [ sort keys %$found ], ['clock.wrong'], 'a clock is named as a clock'
	    or diag $said;
	is $found->{'clock.wrong'}[0]{remedy}, 'timedatectl set-ntp true', 'with the line to type';
	like $found->{'clock.wrong'}[0]{what}, qr/20 minutes ahead of that of PostgreSQL/,
	    'by how much';
}

subtest 'parts that are down' => sub {
	my %down = ('processes.worker' => [ 'worker', 'systemctl start medianest-worker' ],
	    'processes.notifyd' => [ 'notifyd', 'systemctl start medianest-notifyd' ],
	    'processes.pool' => [ 'media', 'systemctl restart medianest-fcgi@api' ]);
	$mn->stop_part($_->[0]) for values %down;
	($status, $found, $said) = doctor($settings, '--only', 'processes');
	is $found->{$_}[0]{remedy}, $down{$_}[1], $_ for sort keys %down;
	ok $found->{$_}[0]{fixable}, "$_: --fix can start it" for sort keys %down;
	$mn->start_part($_->[0]) for values %down;
	wait_until(sub { (doctor($settings, '--only', 'processes'))[0] == 0 }, 60, 'all parts');
	pass 'up again';
};

# Disks of the sizes that they should have, in mounts that only the doctor sees.
subtest 'a disk' => sub {
	plan skip_all => 'only root can mount' if $> != 0;
	my $dir = "$var/disk";
	mkdir $dir;
	my $config = settings_with('data.dir' => $dir);
	my @stack = @as;
	for my $row (['size=20g' => ''], ['size=2g' => 'disk.low'], ['size=100m' => 'disk.full'],
	    ['size=20g,nr_inodes=300' => 'disk.inodes', 299]) {
		my ($options, $code, $files) = @$row;
		my $fill = $files ? "seq -f $dir/%g $files | xargs touch" : 'true';
		@as = ('unshare', '--mount', 'sh', '-c', "mount -t tmpfs -o $options tmpfs $dir &&"
		    . " $fill && exec \"\$@\"", 'sh', @stack);
		my ($status, $found, $said) = doctor($config, '--only', 'disk');
		is join(' ', sort keys %$found), $code, "$options: " . ($code || 'is right')
		    or diag $said;
	}
	@as = @stack;
};

subtest '--fix deletes nothing' => sub {
	# Two objects that a person could miss: one without its file, one file that nobody knows.
	my ($object) = grep { m{^file \Q$data\E/objects/} } sort keys %{ things() };
	(my $blob = $object) =~ s/^file //;
	rename $blob, "$blob.away" or die "$blob: $!";
	my $there = things();
	my $all = MediaNest::Test::run_output(@as, $program, '--config', $settings, 'doctor',
	    '--fix', '--yes');
	my $then = things();
	is_deeply [ grep { !exists $then->{$_} } sort keys %$there ], [], 'no file is gone'
	    or diag $all;
	is_deeply [ grep { $then->{$_} ne $there->{$_} } grep { /^table |\/(objects|keys)\// }
	    sort keys %$there ], [], 'nor changed, nor any row' or diag $all;
	rename "$blob.away", $blob or die "$blob: $!";
};

subtest '--fix' => sub {
	my @line = (@as, $program, '--config', $settings, 'doctor', '--only', 'keys,nginx',
	    '--fix');
	my $stale = "$etc/nginx/medianest.conf";
	my $was = slurp($stale);
	my $mode_was = sprintf '%04o', (stat "$data/keys")[2] & 07777;
	chmod 0755, "$data/keys";
	spit($stale, $was . "# by hand\n", 0644);
	my $said = MediaNest::Test::run_output(@line);
	like $said, qr/^step .* chmod 0750 \S+keys$/m, 'a step is named';
	like $said, qr/left as it is/, 'and not taken without a yes';
	is((stat "$data/keys")[2] & 07777, 0755, 'nothing was changed');
	$said = MediaNest::Test::run_output(@line, '--yes');
	my @undo = $said =~ /done; to undo it: (.+)$/mg;
	is @undo, 2, 'two steps are taken' or diag $said;
	is((doctor($settings, '--only', 'keys,nginx'))[0], 0, 'and nothing is found any more');
	is slurp($stale), $was, 'the files are as the settings say';
	MediaNest::Test::run_output(@as, 'sh', '-c', $_) for @undo;
	is((stat "$data/keys")[2] & 07777, 0755, 'undone: the mode');
	like slurp($stale), qr/# by hand/, 'undone: the files';
	# Root looks as the services' user, and takes the steps as root.
	@line = @line[@as .. $#line];
	$said = MediaNest::Test::run_output(@line, '--yes');
	like $said, qr/^ok +keys /m, 'started by root, if the test is';
	is((doctor($settings, '--only', 'keys,nginx'))[0], 0, 'well again') or diag $said;
	chown $uid, $gid, glob "$etc/nginx/*" if $> == 0;
	SKIP: {
		skip 'only root has files that the services cannot read', 1 if $> != 0;
		my $config = settings_with('nginx.certificate_key' => "$var/root.key");
		MediaNest::Test::run_output('install', '-m', '0400', $valid[1], "$var/root.key");
		like MediaNest::Test::run_output($program, '--config', $config,
		    qw(doctor --only page)),
		    qr/^failed +page\.certificate_key /m, 'a key that only root may read is read';
	}
	chmod oct $mode_was, "$data/keys";
};

# The journal's socket, in a file system that only this run sees.
sub to_journal {
	my $socket = "$run/journal.sock";
	my $journal = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $socket)
	    or die "$socket: $!";
	chmod 0777, $socket;
	my @alone = (@as, qw(bwrap --bind / / --dev /dev --bind), $socket, '/dev/log');
	SKIP: {
		MediaNest::Test::run_output(@alone, 'true');
		skip 'bubblewrap does not work here', 1 if $? != 0;
		MediaNest::Test::run_output(@alone, $program, '--config',
		    settings_with('backup.directory' => "$var/no-backups"),
		    qw(doctor --tell --only backup));
		my $line = '';
		$journal->blocking(0);
		$journal->recv($line, 4096);
		like $line, qr/^<28>.*medianest-doctor.*: backup\.directory: .* -> install -d /,
		    'a warning in the journal, with what to type';
	}
	unlink $socket;
	return;
}

subtest '--tell' => sub {
	my $alerts = sub {
		my ($state) = @_;
		return grep { $_->{rule} eq 'doctor' && $_->{subject} eq 'keys.directory' }
		    @{ $admin->api(GET => "/api/admin/alerts?state=$state")->{json}{items} };
	};
	my $tell = sub { return MediaNest::Test::run_output(@as, $program, '--config', $settings,
	    qw(doctor --tell --only), $_[0]) };
	is $tell->('keys'), '', 'nothing is said of what is well';
	chmod 0755, "$data/keys";
	like $tell->('keys'), qr/^failed .*keys\.directory.*\n +->  chmod 0750 /m, 'findings only';
	my ($alert) = $alerts->('raised');
	like $alert->{message}, qr/Type: chmod 0750 \S+keys/, 'the keepers are told what to type';
	chmod 0700, "$data/keys";
	$tell->('disk');
	is scalar($alerts->('raised')), 1, 'it stays while nobody looks there';
	$tell->('keys');
	is scalar($alerts->('raised')), 0, 'and ends when the fault is gone';
	my $down = sub {
		return grep { $_->{rule} eq 'doctor' && $_->{subject} eq 'processes.worker' }
		    @{ $admin->api(GET => '/api/admin/alerts?state=raised')->{json}{items} };
	};
	$mn->stop_part('worker');
	$tell->('processes');
	($alert) = $down->();
	like $alert->{message}, qr/Type: systemctl start medianest-worker/,
	    'a worker that is down is an alert, which it could not raise itself';
	$mn->start_part('worker');
	wait_until(sub { $tell->('processes'); !$down->() }, 30, 'the end of the alert');
	pass 'which ends when it is back';
	to_journal();
};

subtest 'every fault is tried' => sub {
	my ($table, $tests) = (slurp("$root/src/service/operator/doctor_faults.def"),
	    slurp("$root/t/550-doctor.t") . slurp("$root/t/unit/doctor.c"));
	my %id = $table =~ /^FAULT\((\w+), "([\w.]+)"/mg;
	for my $id (sort keys %id) {
		ok index($tests, "'$id{$id}'") >= 0 || $tests =~ /\bFAULT_$id\b/, $id{$id};
	}
	ok keys %id >= 40, 'there are forty at least';
};

done_testing;
