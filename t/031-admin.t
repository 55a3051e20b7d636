#!/usr/bin/perl
# medianest-admin: migrations, accounts, keys, doctor, exit codes.
use strict;
use warnings;
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use FindBin;
use Cwd qw(abs_path);
use JSON::PP;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use Test::More;

my $root = abs_path("$FindBin::Bin/..");
my $mn = MediaNest::Test->stack(private => 1);
my $admin = ($ENV{MEDIANEST_DEV_BUILD} || "$root/build") . '/medianest-admin';
my $dir = tempdir(CLEANUP => 1);

sub run {
	my (@command) = @_;
	my $said = MediaNest::Test::run_output(@command);
	return ($? >> 8, $said);
}
sub spit {
	my ($file, $text) = @_;
	open my $out, '>', $file or die "$file: $!";
	print $out $text;
	close $out or die;
}
sub slurp {
	my ($file) = @_;
	open my $in, '<', $file or die "$file: $!";
	local $/;
	return scalar <$in>;
}

# A database of its own beside the stack's, so that migrations can be tried.
my $bootstrap = $mn->{status}{databaseUrl};
my $serial = 0;
sub fresh {
	my $name = "admin_test_$$\_" . ++$serial;
	my ($made) = run('psql', '-Xq', '-d', $bootstrap =~ s/user=\w+/user=postgres/r, '-c',
	    "CREATE DATABASE $name OWNER medianest_migrate ENCODING 'UTF8' TEMPLATE template0");
	($made) = run('psql', '-Xq', '-d', $bootstrap, '-c',
	    "CREATE DATABASE $name ENCODING 'UTF8' TEMPLATE template0")
	    if $made != 0;
	BAIL_OUT('no database to migrate') if $made != 0;
	my $url = $bootstrap =~ s{///\w+}{///$name}r;
	my $conf = "$dir/$name.conf";
	spit($conf, "database.migrate_url = $url\nrun.dir = $dir\ndata.dir = $dir/data\n");
	return ($conf, $url);
}
sub sql_copy {
	my $to = "$dir/sql" . ++$serial;
	mkdir $to;
	copy($_, $to) or die for glob "$root/sql/*.sql";
	return $to;
}
sub migrate {
	my ($conf, $sql) = @_;
	return run($admin, '--config', $conf, 'migrate', '--sql', $sql);
}
sub psql {
	my ($url, $text) = @_;
	my ($status, $said) = run('psql', '-XqAt', '-d', $url, '-c', $text);
	chomp $said;
	return $said;
}

subtest 'command line' => sub {
	my ($status, $said) = run($admin, '--version');
	is $status, 0, '--version';
	like $said, qr/^medianest-admin \(MediaNest\) \d+\.\d+/, 'what it says';
	($status, $said) = run($admin, '--help');
	is $status, 0, '--help';
	like $said, qr/migrate.*user create.*doctor/s, 'names the commands';
	for my $wrong ([], ['nonsense'], [ 'user' ], [ 'migrate', 'now' ], [ 'migrate', '--json' ],
	    ['--nonsense'], [ '--config' ],
		[ 'user', 'list', '--json=yes' ]) {
		($status, $said) = run($admin, @$wrong);
		is $status, 64, "wrong: @$wrong" or diag $said;
	}
	spit("$dir/bad.conf", "no.such.key = 1\n");
	($status, $said) = run($admin, '--config', "$dir/bad.conf", 'user', 'list');
	is $status, 78, 'wrong settings';
	like $said, qr/bad\.conf:1: unknown key 'no\.such\.key'/, 'with the line';
	($status) = run($admin, '--config', "$dir/none.conf", 'user', 'list');
	is $status, 78, 'no settings';
	spit("$dir/nowhere.conf",
	    "database.migrate_url = host=$dir/nowhere\nrun.dir = $dir\ndata.dir = $dir\n");
	($status, $said) = run($admin, '--config', "$dir/nowhere.conf", 'user', 'list');
	is $status, 75, 'no database: try again';
	($status) = run($admin, '--config', "$dir/nowhere.conf", 'migrate', '--sql', "$root/sql");
	is $status, 75, 'migrate too';
};

subtest 'migrations' => sub {
	my ($conf, $url) = fresh();
	my $sql = sql_copy();
	my ($status, $said) = migrate($conf, $sql);
	is $status, 0, 'a new database' or return diag $said;
	my @files = map { s{.*/}{}r } sort glob "$sql/[0-9]*.sql";
	is psql($url, "SELECT string_agg(name, ' ' ORDER BY version) FROM schema_migrations"),
	    "@files", 'each is recorded';
	like $said, qr/^\Q$_\E: applied$/m, "$_ is told" for @files;
	($status, $said) = migrate($conf, $sql);
	is $status, 0, 'a second time';
	unlike $said, qr/applied/, 'does nothing';

	my $before = slurp("$sql/$files[0]");
	spit("$sql/$files[0]", "$before-- changed\n");
	($status, $said) = migrate($conf, $sql);
	is $status, 1, 'one that was changed after it ran is refused';
	like $said, qr/\Q$files[0]\E was changed after it ran/, 'by its name';
	spit("$sql/$files[0]", $before);

	spit("$sql/0900-break.sql", "CREATE TABLE half_done (x int);\nSELECT nonsense;\n");
	($status, $said) = migrate($conf, $sql);
	is $status, 1, 'one that fails';
	like $said, qr/0900-break\.sql failed and was rolled back: .*nonsense/, 'says why';
	is psql($url, "SELECT to_regclass('half_done') IS NULL, (SELECT max(version) FROM "
	    . "schema_migrations) < 900"),
	    't|t', 'and leaves nothing';
	spit("$sql/0900-break.sql", "CREATE TABLE done (x int);\n");
	is((migrate($conf, $sql))[0], 0, 'mended it runs');
	spit("$sql/0899-late.sql", "SELECT 1;\n");
	($status, $said) = migrate($conf, $sql);
	is $status, 1, 'one in between comes too late';
	like $said, qr/older than 0900 has not run/, 'and is told so';
	unlink "$sql/0899-late.sql", "$sql/0900-break.sql";
	($status, $said) = migrate($conf, $sql);
	is $status, 1, 'a database that is ahead';
	like $said, qr/0900-break\.sql, which this MediaNest does not have/, 'is left alone';
	spit("$sql/0900-a.sql", "SELECT 1;\n");
	spit("$sql/0900-b.sql", "SELECT 1;\n");
	like((migrate($conf, $sql))[1], qr/0900-[ab]\.sql and 0900-[ab]\.sql have the same number/,
	    'one number twice');
	like((migrate($conf, "$dir/nosuch"))[1], qr/--sql/, 'no directory');
};

# A deadlock rolls the script back whole. A sequence is not rolled back, so it counts the attempts.
subtest 'a migration that loses a deadlock' => sub {
	my ($conf, $url) = fresh();
	my $sql = sql_copy();
	is((migrate($conf, $sql))[0], 0, 'a new database');
	psql($url, 'CREATE SEQUENCE attempts');
	my $deadlock = sub { 'CREATE TABLE done (x int); DO $$ BEGIN'
	    . " IF nextval('attempts') <= $_[0] THEN RAISE 'deadlock detected'"
	    . q{ USING ERRCODE = '40P01'; END IF; END $$;} . "\n" };
	spit("$sql/0900-deadlock.sql", $deadlock->(2));
	my ($status, $said) = migrate($conf, $sql);
	is $status, 0, 'runs again until it is through' or diag $said;
	is psql($url, "SELECT to_regclass('done') IS NOT NULL, last_value FROM attempts"), 't|3',
	    'the third time';
	spit("$sql/0901-deadlock.sql", $deadlock->(100) =~ s/done/never/r);
	($status, $said) = migrate($conf, $sql);
	is $status, 75, 'one that always loses';
	is psql($url, "SELECT to_regclass('never') IS NULL, last_value < 50 FROM attempts"), 't|t',
	    'is given up';
};

subtest 'two at once' => sub {
	my ($conf, $url) = fresh();
	my $sql = sql_copy();
	spit("$sql/0900-slow.sql", "SELECT pg_sleep(3);\n");
	my $first = fork // die;
	if (!$first) {
		open STDOUT, '>', '/dev/null';
		exec $admin, '--config', $conf, 'migrate', '--sql', $sql;
	}
	my $locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted";
	wait_until(sub { psql($url, $locks) eq '1' }, 20, 'the lock of the first');
	my ($status, $said) = migrate($conf, $sql);
	is $status, 75, 'the second is told to try again';
	like $said, qr/another migration is running/, 'and why';
	waitpid $first, 0;
	is $?, 0, 'the first is done';
	is((migrate($conf, $sql))[0], 0, 'then the second may');
};

subtest 'accounts' => sub {
	my $id = $mn->admin_command("correct horse battery\n",
	    qw(user create --email Karl@Medianest.Test --role admin --password-stdin --name),
	    'Karl K');
	like $id, qr/^[0-9a-f-]{36}\n$/, 'an id';
	my ($karl) = grep { $_->{email} eq 'karl@medianest.test' } @{ decode_json(
	    $mn->admin_command('', qw(user list --json)))->{items} };
	is_deeply [ @$karl{qw(displayName role tier status)} ],
	    [ 'Karl K', 'admin', 'standard', 'active' ], 'listed';
	like $mn->admin_command('', qw(user list)),
	    qr/^\S+  admin  active    karl\@medianest\.test  Karl K$/m, 'for people too';
	is $mn->login('KARL@medianest.test',
	    'correct horse battery')->api(GET => '/api/auth/session')->{json}{role},
	    'admin', 'signs in';
	my $try = sub {
		my ($password, @more) = @_;
		return eval { $mn->admin_command("$password\n", qw(user create --password-stdin),
		    @more) } ? 'created' : $@;
	};
	like $try->('correct horse battery', qw(--email KARL@medianest.test --role user)),
	    qr/already has an account/, 'an address is used once';
	like $try->('short', qw(--email a@b.c --role user)), qr/at least 8 bytes/,
	    'a short password';
	like $try->('x' x 257, qw(--email a@b.c --role user)), qr/at most 256 bytes/, 'a long one';
	like $try->('Password1', qw(--email a@b.c --role user)), qr/must be harder to guess/,
	    'a common one';
	like $try->('correct horse battery', qw(--email a@b.c --role king)), qr/is not a role/,
	    'no such role';
	like $try->('correct horse battery', '--email', $_, '--role', 'user'),
	    qr/must be an email address/, "no address: $_"
	    for 'ab', '@b', 'a@', 'a@b@c', 'a b@c';
	unlike $mn->admin_command('', qw(user list --json)), qr/argon2|correct horse/,
	    'no password is shown';
};

subtest 'keys' => sub {
	spit("$dir/keys.conf", "data.dir = $dir/data\nrun.dir = $dir\n");
	mkdir "$dir/data";
	my ($status, $said) = run($admin, '--config', "$dir/keys.conf", 'keys', 'create');
	is $status, 0, 'created' or diag $said;
	my %keys = map { ($_ => slurp("$dir/data/keys/$_")) }
	    qw(jwt-1.key storage-access.key storage-secret.key);
	is((stat "$dir/data/keys")[2] & 07777, 0700, 'a directory for the owner');
	is((stat "$dir/data/keys/$_")[2] & 07777, 0400, "$_ is for the owner to read")
	    for sort keys %keys;
	like $keys{'jwt-1.key'}, qr/^[0-9a-f]{64}\n$/, '256 bits';
	($status, $said) = run($admin, '--config', "$dir/keys.conf", 'keys', 'create');
	is $status, 0, 'again';
	is slurp("$dir/data/keys/$_"), $keys{$_}, "$_ is kept" for sort keys %keys;
	chmod 0644, "$dir/data/keys/jwt-1.key";
	($status, $said) = run($admin, '--config', "$dir/keys.conf", 'doctor');
	like $said,
	    qr/^failed .*jwt-1\.key: mode 0644 is too open.*\n +->  chmod 0400 \S+jwt-1\.key$/m,
	    'the doctor minds its mode';
};

subtest 'doctor' => sub {
	my %finding;
	my $doctor = sub {
		my ($status, $said) = run("$root/dev", 'admin', '--var', $mn->{var}, 'doctor',
		    '--json');
		my ($json) = $said =~ /^(\{"ok".*)$/m;
		my $found = eval { decode_json($json) } or diag $said;
		%finding = map { ($_->{code} => $_) } @{ $found->{findings} || [] };
		return ($status, $found,
		    { map { ($_->{name} => $_) } @{ $found->{checks} || [] } });
	};
	my ($status, $found, $check) = $doctor->();
	is $status, 0, 'a stack that runs' or diag explain $found;
	ok $found->{ok}, 'is well';
	for my $part (qw(configuration postgresql extension schema database.api_url
	    database.worker_url database.store_url redis keys settings nginx.log_dir argon2 nginx
	    public.url certificate ffmpeg ffprobe bwrap sandbox libvips data.dir pools worker
	    notifyd), 'object store', 'storage CORS') {
		ok $check->{$part}, "$part is looked at";
	}
	like $check->{postgresql}{version}, qr/^\d+/, 'with its version';

	# Who may read the settings, and who may write where nginx's master opens files.
	my ($etc, $log) = ("$mn->{var}/etc/medianest.conf", "$mn->{var}/log");
	my $mode = (stat $log)[2] & 07777;
	chmod 0777, $log;
	chmod 0644, $etc;
	($status, $found, $check) = $doctor->();
	is $status, 1, 'logs where everyone may write';
	like $finding{'files.log_dir'}{what}, qr/^everyone may write in /, 'who may';
	like $finding{'files.log_dir'}{remedy}, qr/^chown root:adm /, 'and what to do';
	is $finding{'settings.mode'}{remedy}, "chmod 0640 $etc", 'settings that everyone may read';
	chmod $mode, $log;
	chmod 0640, $etc;

	$mn->redis(qw(CONFIG SET maxmemory-policy allkeys-lru));
	($status, $found, $check) = $doctor->();
	is $status, 1, 'a Redis that may forget anything';
	like $finding{'redis.policy'}{remedy}, qr/maxmemory-policy/, 'and what to set';
	$mn->redis(qw(CONFIG SET maxmemory-policy noeviction));
	$mn->psql('UPDATE schema_migrations SET version = -version');
	($status, $found, $check) = $doctor->();
	is $finding{'postgresql.schema_old'}{remedy}, 'medianest-admin migrate', 'an old schema';
	$mn->psql('UPDATE schema_migrations SET version = -version');
	$mn->stop_part('worker');
	$mn->stop_part('redis');
	($status, $found, $check) = $doctor->();
	is $finding{$_}{severity}, 'critical', $_ for qw(processes.worker redis.down);
	is $check->{postgresql}{state}, 'ok', 'the rest is as it was';
	$mn->start_part('redis');
	$mn->start_part('worker');
	wait_until(sub { ($doctor->())[0] == 0 }, 60, 'everything to be well again');
	pass 'and all is well again';
};

done_testing;
