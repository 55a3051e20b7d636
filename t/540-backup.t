#!/usr/bin/perl
# A backup of a house at work, its end, and the same house from the backup; what holds the object
# store meanwhile; and the verification that finds what is missing, damaged or foreign.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256_hex sha256_hex);
use File::Path qw(make_path);
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP qw(decode_json);
use MediaNest::Media;
use MediaNest::S3;
use MediaNest::Test;
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

use constant { OK => 0, FAILED => 1, USAGE => 64, AGAIN => 75, RATE_SECONDS => 2 };

my $mn = MediaNest::Test->stack(private => 1, set => { 'worker.poll' => 200,
    'sync.minutes' => 0 });
my $make = MediaNest::Media->new;
my $dir = "$mn->{var}/backups";
my $passphrase = "$mn->{var}/passphrase";
my $data = "$mn->{var}/data";

# medianest-admin as the stack's user: (status, what it said).
my ($uid, $gid) = (stat $data)[4, 5];
my @as = $> == 0 ? ('setpriv', "--reuid=$uid", "--regid=$gid", '--clear-groups') : ();
my $program = MediaNest::Test::build_directory() . '/inst/sbin/medianest-admin';
my @command = (@as, $program, '--config', "$mn->{var}/etc/medianest.conf");
sub admin {
	my $said = MediaNest::Test::run_output(@command, @_);
	return ($? >> 8, $said);
}
sub admin_is {
	my ($want, $what, @command) = @_;
	my ($status, $said) = admin(@command);
	is $status, $want, $what or diag $said;
	return $said;
}
sub backups { my @found = sort glob "$dir/2*"; return @found }
sub slurp { return MediaNest::Media::slurp($_[0]) }
sub manifest { return decode_json(slurp("$_[0]/manifest.json")) }
sub list { return map { [split /\t/] } split /\n/, slurp("$_[0]/objects.list") }
sub as_stack_user {
	my ($file, $text) = @_;
	open my $out, '>', $file or die "$file: $!";
	print $out $text;
	close $out;
	chown $uid, $gid, $file;
	chmod 0600, $file;
}
sub alert { return scalar $mn->psql('SELECT CASE WHEN cleared_at IS NULL THEN \'raised\' ELSE'
    . " 'cleared' END FROM alerts WHERE rule = 'backup_failed' ORDER BY raised_at DESC LIMIT 1") }
as_stack_user($passphrase, "a long passphrase for keys\n");

# Checksum of every table, by the text of its rows in order.
sub tables {
	my %sums;
	for my $table ($mn->psql("SELECT relname FROM pg_class WHERE relkind = 'r'"
	    . " AND relnamespace = 'public'::regnamespace ORDER BY 1")) {
		next if $table eq 'backups'; # those of this host
		$sums{$table} = $mn->psql("SELECT count(*) || ' ' || md5(coalesce("
		    . "string_agg(t::text, E'\\n' ORDER BY t::text), '')) FROM $table t");
	}
	return \%sums;
}
# Without what the store is about to remove.
sub blobs {
	my %garbage = map { ($_ => 1) } $mn->psql('SELECT blob FROM object_garbage');
	return { map { (s{.*/}{}r => sha256_hex(slurp($_))) }
	    grep { !$garbage{ s{.*/}{}r } } glob "$data/objects/??/??/*" };
}
sub stop_services {
	$mn->stop_part($_) for @_;
	wait_until(sub { $mn->psql("SELECT count(*) FROM pg_stat_activity WHERE usename IN"
	    . " ('medianest_api', 'medianest_worker', 'medianest_store')") == 0 },
	    30, 'no connection');
}
# The start of one kind of pools waits for the sockets of both.
sub start_services {
	unlink "$mn->{var}/run/hold/storage";
	$mn->start_part($_) for grep { $_ ne 'storage' } @_;
	$mn->wait_ready;
}
sub quiet {
	wait_until(sub { $mn->psql("SELECT count(*) FROM jobs WHERE state IN ('available',"
	    . " 'running') AND unique_key NOT LIKE 'every:%'") == 0 }, 60, 'a quiet house');
}

my $user = $mn->user(role => 'user', email => 'keeper@medianest.test',
    password => 'a password to be restored');
my @media = map { $user->upload_file($make->picture("kept$_.jpg", size => '640x480'),
    'image/jpeg') } 1, 2;
$_ = $user->wait_media($_->{id}) for @media;
is $_->{status}, 'ready', 'a photo' for @media;
my $admin = $mn->admin;
my $source = $admin->api(POST => '/api/webhooks/sources',
    { source => 'generic', name => 'sealed' });
is $source->{status}, 201, 'something with a sealed secret';
quiet();

subtest 'a backup' => sub {
	my $said = admin_is(USAGE, 'needs a directory', 'backup');
	like $said, qr/needs DIR/, '... and says so';
	admin_is(OK, 'without one the timer does nothing', 'backup', '--timer');
	$said = admin_is(OK, 'is made', 'backup', '--keys', $passphrase, $dir);
	my ($backup) = backups();
	like $said, qr{^\Q$backup\E: \d+ objects, \S+ \S+, of which}, 'one line tells of it';
	my $manifest = manifest($backup);
	is $manifest->{objects}, $mn->psql('SELECT count(*) FROM objects'), 'all objects';
	is_deeply [sort map { $_->{name} } @{ $manifest->{files} }],
	    [qw(database.dump keys.enc medianest.conf objects.list)], 'all files';
	is sha256_hex(slurp("$backup/$_->{name}")), $_->{sha256}, "$_->{name} has its checksum"
	    for @{ $manifest->{files} };
	for my $line (list($backup)) {
		my ($sum, $size) = @$line;
		my $file = "$backup/objects/" . substr($sum, 0, 2) . "/$sum";
		is sha256_hex(slurp($file)), $sum, 'an object has its checksum';
		is -s $file, $size, '... and size';
	}
	my ($rows) = $mn->psql('SELECT status, objects, held_until IS NULL, error IS NULL'
	    . ' FROM backups');
	is $rows, "ok|$manifest->{objects}|t|t", 'it is recorded';
	unlike slurp("$backup/keys.enc"), qr/jwt-1/, 'the keys are encrypted';
	for my $secret (map { slurp($_) =~ s/\s+//r } glob "$data/keys/*.key") {
		my $found = MediaNest::Test::run_output('grep', '-rlF', $secret, $backup);
		is $found, '', 'no key lies open in it';
	}
	is sprintf('%04o', (stat $backup)[2] & 07777), '0700', 'it is private';
};

subtest 'the next one' => sub {
	my ($first) = backups();
	my $media = $user->upload_file($make->picture('new.jpg', size => '320x240'), 'image/jpeg');
	$user->wait_media($media->{id});
	quiet();
	admin_is(OK, 'is made', 'backup', $dir);
	my ($before, $now) = backups();
	my %old = map { ($_->[0] => 1) } list($first);
	my ($same, $new, %seen) = (0, 0);
	for my $line (grep { !$seen{ $_->[0] }++ } list($now)) {
		my $at = 'objects/' . substr($line->[0], 0, 2) . "/$line->[0]";
		if ($old{ $line->[0] }) {
			$same += (stat "$now/$at")[1] == (stat "$first/$at")[1];
		} else {
			$new += $line->[1];
		}
	}
	is $same, scalar(keys %old), 'what has not changed is the same file';
	is $mn->psql('SELECT copied_bytes FROM backups ORDER BY started_at DESC LIMIT 1'), $new,
	    'only what is new was copied';
	ok !-e "$now/keys.enc", 'keys only when asked for';
	# What else is kept there: manifests are not only ours.
	make_path("$dir/0-site", "$dir/site");
	as_stack_user("$_/manifest.json", "{}\n") for "$dir/0-site", "$dir/site";
	admin_is(OK, 'another one', 'backup', '--keep', 2, $dir);
	ok -e "$_/manifest.json", 'no backup of ours, and left alone'
	    for "$dir/0-site", "$dir/site";
	my @left = backups();
	is scalar(@left), 2, 'the oldest is removed';
	ok !-e $first, '... and no other';
	ok -e "$now/manifest.json", '... the newer ones stay';

	rename $_, s{/2(?=\d{7}T)}{/9}r or die "$_: $!" for backups();
	my $made = admin_is(OK, 'a clock that was ahead', 'backup', '--keep', 2, $dir);
	ok -e ($made =~ /^(\S+):/)[0], '... does not cost the backup that was just made';
	rename $_, s{/9(?=\d{7}T)}{/2}r or die "$_: $!" for glob "$dir/9*";
	admin_is(OK, 'and it is put right', 'backup', '--keep', 2, $dir);
};

subtest 'a location that cannot be read' => sub {
	my @before = backups();
	my ($blob) = $mn->psql("SELECT blob FROM objects WHERE key LIKE 'derived/%' LIMIT 1");
	my $path = join '/', "$data/objects", substr($blob, 0, 2), substr($blob, 2, 2), $blob;
	rename $path, "$path.away" or die "$path: $!";
	# Into another directory, where no earlier backup has it.
	my $said = admin_is(FAILED, 'an object', 'backup', "$dir.other");
	like $said, qr/\Q$blob\E/, '... which is named';
	is_deeply [glob "$dir.other/2* $dir.other/.partial*"], [], 'leaves no backup';
	is $mn->psql('SELECT status, error IS NOT NULL, held_until IS NULL FROM backups'
	    . ' ORDER BY started_at DESC LIMIT 1'), 'failed|t|t', '... and is recorded';
	rename "$path.away", $path;
	is alert(), 'raised', '... and raises an alert';
	$said = admin_is(FAILED, 'the file for the keys', 'backup', '--keys', "$passphrase.none",
	    $dir);
	like $said, qr/passphrase\.none/, '... is named too';
	is_deeply [backups()], \@before, 'the earlier backups are as they were';
	admin_is(OK, 'the next one', 'backup', $dir);
	is alert(), 'cleared', '... clears the alert';
};

# The services' user may neither enter that directory nor read that file.
subtest 'run by root' => sub {
	plan skip_all => 'only root can' if $> != 0;
	my @root = ('env', '-C', "$mn->{var}/roots", $program, '--config',
	    "$mn->{var}/etc/medianest.conf");
	mkdir "$mn->{var}/roots", 0700 or die "roots: $!";
	as_stack_user("$mn->{var}/roots/secret", "a long passphrase for keys\n");
	chown 0, 0, "$mn->{var}/roots/secret";
	my $said = MediaNest::Test::run_output(@root, 'backup', '--keys', 'secret', 'made');
	is $?, 0, 'into a directory of root\'s, with names from there' or diag $said;
	my ($made) = glob "$mn->{var}/roots/made/2*";
	ok $made && -e "$made/keys.enc", '... with keys';
	is +(stat $made)[4], $uid, '... by the user of the services';
	$said = MediaNest::Test::run_output(@root, 'verify');
	is $?, 0, 'verify' or diag $said;
};

# Processes of the backup, and of what it started.
sub processes {
	return split ' ', MediaNest::Test::run_output('pgrep', '-f',
	    "(medianest-admin|pg_dump) .*\Q$dir\E");
}

# It waits for a lock, so it is killed in its middle.
subtest 'a process that is killed' => sub {
	my @before = backups();
	my $psql = "$mn->{var}/lock.sql";
	open my $lock, '|-', 'psql', '-XqAt', '-o', $psql, '-d', $mn->{status}{databaseUrl}
	    or die "psql: $!";
	$lock->autoflush;
	print $lock "BEGIN; LOCK TABLE audit_log IN ACCESS EXCLUSIVE MODE; SELECT 'locked';\n";
	wait_until(sub { -s $psql }, 20, 'the lock');
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open STDOUT, '>', '/dev/null';
		open STDERR, '>&', \*STDOUT;
		exec @command, 'backup', $dir;
	}
	wait_until(sub { my @dumps = glob "$dir/.partial-*/database.dump"; @dumps > 0 }, 20,
	    'a dump that has begun');
	kill 'KILL', processes();
	waitpid $pid, 0;
	print $lock "ROLLBACK;\n";
	close $lock;
	is_deeply [backups()], \@before, 'leaves the earlier ones whole';
	is scalar(my @partial = glob "$dir/.partial-*"), 1, '... and what it had begun';
	wait_until(sub { !processes() }, 20, 'the end of all its processes');
	admin_is(OK, 'the next one is made at once', 'backup', '--keep', 3, $dir);
	is_deeply [glob "$dir/.partial*"], [], '... and clears up';
	is $mn->psql("SELECT count(*) FROM backups WHERE status = 'running'"), 0,
	    '... and none seems to run';
};

# Uploads and purges go on while backups are made: rows and objects of each are of one moment.
subtest 'a house at work' => sub {
	my $file = $make->picture('busy.jpg', size => '64x64');
	my $other = $mn->user(role => 'user');
	my $enough = "$mn->{var}/enough";
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		my $ok = eval {
			my @kept;
			until (-e $enough) {
				push @kept, $other->upload_file($file, 'image/jpeg')->{id};
				next if @kept < 3;
				my $gone = shift @kept;
				$other->wait_media($gone);
				my $done = $admin->api(DELETE => "/api/media/$gone?purge=true");
				die 'purge' if $done->{status} != 204;
			}
			1;
		};
		POSIX::_exit($ok ? 0 : 1);
	}
	my $made = 'SELECT count(*) FROM media';
	for my $round (1 .. 3) {
		my ($newest) = $mn->psql('SELECT coalesce(max(created_at), now()) FROM media');
		wait_until(sub { $mn->psql("$made WHERE created_at > '$newest'") > 0 }, 30,
		    'an upload');
		admin_is(OK, "a backup ($round)", 'backup', '--keep', 3, $dir);
		my ($backup) = reverse backups();
		my @list = list($backup);
		my @wrong = grep {
			my $path = "$backup/objects/" . substr($_->[0], 0, 2) . "/$_->[0]";
			!-e $path || sha256_hex(slurp($path)) ne $_->[0];
		} @list;
		is_deeply \@wrong, [], 'has every object of its list';
		my $rows = MediaNest::Test::run_output('pg_restore', '--data-only', '--table',
		    'objects', '--file', '-', "$backup/database.dump");
		my ($copied) = $rows =~ /^COPY \S+ \(.*?\) FROM stdin;\n(.*?)^\\\.$/ms;
		is scalar(split /\n/, $copied // ''), scalar(@list), 'which is that of its rows';
	}
	open my $out, '>', $enough or die "$enough: $!";
	close $out;
	waitpid $pid, 0;
	is $?, 0, 'no upload and no purge failed';
	# What a backup has held up is done now.
	$mn->psql("UPDATE jobs SET run_at = now() WHERE kind = 'media.purge'"
	    . " AND state = 'available'");
	wait_until(sub { $mn->psql("SELECT count(*) FROM jobs WHERE kind = 'media.purge'"
	    . " AND state IN ('available', 'running')") == 0 }, 30, 'the purges');
	quiet();
};

subtest 'on a terminal' => sub {
	my $shell = join ' ', map { "'$_'" } @command;
	my $said = MediaNest::Test::run_output('script', '-qec', "$shell backup --keep 3 '$dir'",
	    '/dev/null');
	is $?, 0, 'a backup' or diag $said;
	like $said, qr/Objects \[#{30}\] (\S+ \S+) of \1/, 'draws a bar, which is full at last';
	unlike admin_is(OK, 'elsewhere', 'backup', '--keep', 3, $dir), qr/\[#/, '... none is drawn';
};

subtest 'the timer' => sub {
	my $conf = "$mn->{var}/timer.conf";
	as_stack_user($conf, slurp("$mn->{var}/etc/medianest.conf")
	    . "\nbackup.directory = $dir.timer\nbackup.keep = 1\n");
	for my $round (1, 2) {
		my $said = MediaNest::Test::run_output(@as, $program, '--config', $conf, 'backup',
		    '--timer');
		is $?, 0, "a backup in its directory ($round)" or diag $said;
		is scalar(my @made = glob "$dir.timer/2*"), 1, 'as many as are kept';
	}
	MediaNest::Test::run_output('rm', '-r', "$dir.timer");
};

subtest 'the object store is held' => sub {
	$mn->psql('INSERT INTO backups (id, directory, held_until) VALUES'
	    . " ('01900000-0000-7000-8000-000000000001', 'elsewhere', now() + interval '1 hour')");
	my $media = $user->upload_file($make->picture('gone.jpg', size => '64x64'), 'image/jpeg');
	$user->wait_media($media->{id});
	my $keys = "SELECT key FROM objects WHERE key ~ '$media->{id}' ORDER BY key";
	my @keys = $mn->psql($keys);
	is $admin->api(DELETE => "/api/media/$media->{id}?purge=true")->{status}, 204,
	    'an item is purged';
	wait_until(sub { $mn->psql("SELECT count(*) FROM jobs WHERE kind = 'media.purge' AND"
	    . " state = 'available' AND run_at > now() + interval '10 seconds'") == 1 }, 20,
	    'a job that waits');
	is_deeply [$mn->psql($keys)], \@keys, 'its objects stay';
	# Written again, so the store lets the first blob go, and would remove it at once.
	my $begun = $user->api(POST => '/api/media/upload/initiate', { filename => 'twice.jpg',
	    size => 5, type => 'image/jpeg' })->{json};
	is $user->request(PUT => $begun->{uploadUrl}, $_, $begun->{fields})->{status}, 200,
	    'a file is written' for 'first', 'again';
	is $mn->psql("SELECT count(*) FROM object_garbage WHERE since = '-infinity'"), 1,
	    'and what it replaces stays too';
	admin_is(AGAIN, 'another backup waits', 'backup', $dir);
	$mn->psql("UPDATE backups SET held_until = now() WHERE directory = 'elsewhere'");
	$mn->psql("UPDATE jobs SET run_at = now() WHERE kind = 'media.purge'");
	wait_until(sub { !(my @left = $mn->psql($keys)) }, 20, 'the purge');
	is $user->request(PUT => $begun->{uploadUrl}, 'third', $begun->{fields})->{status}, 200,
	    'it is written once more';
	is $mn->psql("SELECT count(*) FROM object_garbage WHERE since = '-infinity'"), 0,
	    'a hold that has lapsed holds nothing';
	is $user->api(DELETE => "/api/media/upload/$begun->{uploadId}")->{status}, 204,
	    'and the upload is given up';
};

# --- the end of the house

quiet();
my @parts = qw(worker notifyd pools storage);
my $said = admin_is(AGAIN, 'nothing is restored into a house at work', 'restore', '--replace',
    $dir);
like $said, qr/systemctl stop medianest.target/, '... which says what to do';
stop_services(@parts);
admin_is(OK, 'the last backup', 'backup', '--keys', $passphrase, $dir);
my ($last) = reverse backups();
my ($rows, $files) = (tables(), blobs());
cmp_ok scalar(keys %$files), '>', 5, 'the house has objects';
admin_is(FAILED, 'nor over what is there', 'restore', $dir);
is_deeply tables(), $rows, '... and nothing has changed';

subtest 'a damaged backup' => sub {
	MediaNest::Test::run_output('cp', '-r', $last, "$dir.bad");
	MediaNest::Test::run_output('chown', '-R', "$uid:$gid", "$dir.bad");
	open my $out, '+<', "$dir.bad/database.dump" or die;
	seek $out, 1000, 0;
	print $out 'X';
	close $out;
	like admin_is(FAILED, 'is refused', 'restore', '--replace', "$dir.bad"), qr/damaged/,
	    '... as such';
	is_deeply tables(), $rows, 'and nothing has changed';
	as_stack_user("$passphrase.wrong", "not the passphrase\n");
	admin_is(USAGE, 'so is a wrong passphrase', 'restore', '--replace', '--keys',
	    "$passphrase.wrong", $last);
	is_deeply tables(), $rows, 'and nothing has changed';
};

subtest 'a Redis that cannot be reached' => sub {
	$mn->stop_part('redis');
	like admin_is(AGAIN, 'is no reason to begin', 'restore', '--replace', $last),
	    qr/may remember the house that was here/, '... and it says why';
	is_deeply tables(), $rows, 'nothing has changed';
	$mn->start_part('redis');
};

# Everything is lost.
my @keys = glob "$data/keys/*.key";
my %key = map { ($_ => slurp($_)) } @keys;
unlink @keys;
MediaNest::Test::run_output('sh', '-c', "rm -rf $data/objects/[0-9a-f]*");
$mn->psql('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
is $mn->psql("SELECT count(*) FROM pg_class WHERE relname = 'users'"), 0, 'the house is gone';
admin_is(OK, 'keys of the new host', 'keys', 'create');
isnt slurp($keys[0]), $key{ $keys[0] }, '... are others';
# The object store's pools read their keys by the group of these.
my ($storage_key) = grep { /storage-secret/ } @keys;
my $group = $> == 0 ? $gid + 1 : $gid;
chown -1, $group, $storage_key;

# A house with its first account is as good as an empty one; one with anything else is not.
admin_is(OK, 'the schema of the new host', 'migrate');
$mn->admin_command("a password of the first\n", qw(user create --email first@medianest.test --role
    super --password-stdin));
is $mn->psql('SELECT count(*) FROM users'), 1, 'its first account';
my $id = '01900000-0000-7000-8000-000000000002';
for my $row (["settings (key, value) VALUES ('log.level', 'debug')", 'a setting'],
    ["invites (id, hash, role, expires_at) VALUES ('$id', 'x', 'user', now())", 'an invitation'],
    ["api_tokens (id, user_id, name, hash, hint, scopes) SELECT '$id', id, 'x', 'x', 'x', '{}'"
        . ' FROM users', 'an API token'],
    ["overseerr_settings (url, api_key) VALUES ('http://x', 'x')", 'Overseerr'],
    ['requests (id, media_type, tmdb_id, overseerr_user_id, fetched_at, created_at, updated_at)'
        . " VALUES ('$id', 'movie', 1, 1, now(), now(), now())", 'a request'],
    ["audit_log (actor, action) VALUES ('x', 'roles.changed')", 'rights that were changed']) {
	my ($insert, $what) = @$row;
	my ($table) = $insert =~ /^(\w+)/;
	my $filter = $table eq 'audit_log' ? "WHERE action = 'roles.changed'" : '';
	$mn->psql("INSERT INTO $insert");
	is $mn->psql("SELECT count(*) FROM $table $filter"), 1, "a house with $what";
	like admin_is(FAILED, '... is not replaced', 'restore', $dir),
	    qr/this house has more than its first account/, '... which is said';
	$mn->psql("DELETE FROM $table $filter");
}

# By root, who may give files away.
@as = () if $> == 0;
$said = MediaNest::Test::run_output(@as, $program, '--config', "$mn->{var}/etc/medianest.conf",
    'restore', '--keys', $passphrase, $dir);
is $?, 0, 'the house is restored' or diag $said;
like $said, qr{^\Q$last\E: restored}, '... from the newest backup';
is_deeply tables(), $rows, 'every table is equal';
is_deeply blobs(), $files, 'every object is equal';
is_deeply { map { ($_ => slurp($_)) } keys %key }, \%key, 'the keys are equal';
is +(stat $storage_key)[5], $group, '... with their group';
chown -1, $gid, $storage_key;
admin_is(FAILED, 'it is no empty house any more', 'restore', $dir);
subtest 'one that is interrupted' => sub {
	my ($some, @others) = keys %$files;
	my $place = join '/', "$data/objects", substr($some, 0, 2), substr($some, 2, 2);
	my ($damaged) = grep { -s $_ > 30 && !/^\Q$place\E/ } map {
		join '/', "$data/objects", substr($_, 0, 2), substr($_, 2, 2), $_
	} @others;
	open my $out, '+<:raw', $damaged or die "$damaged: $!";
	seek $out, 30, 0;
	print $out "\xff\xff\xff\xff";
	close $out;
	unlink "$place/$some" or die "$place: $!";
	chmod 0500, $place;
	like admin_is(FAILED, 'stops', 'restore', '--replace', $dir), qr/\Q$some\E/,
	    '... where it cannot go on';
	chmod 0700, $place;
	admin_is(OK, 'goes on when it is repeated', 'restore', $dir);
	is_deeply tables(), $rows, '... and every table is equal';
	is_deeply blobs(), $files, '... and every object';
	admin_is(FAILED, 'it does not go on after its end', 'restore', $dir);
};
subtest 'keys for the recipients of age' => sub {
	plan skip_all => 'age is not installed' unless -x '/usr/bin/age';
	my $identity = MediaNest::Test::run_output('age-keygen');
	$identity =~ s/^Public key:.*\n//m; # from its standard error
	my ($recipient) = $identity =~ /public key: (age1\S+)/;
	as_stack_user("$passphrase.recipients", "# the keeper of the house\n$recipient\n");
	as_stack_user("$passphrase.identity", $identity);
	admin_is(OK, 'a backup', 'backup', '--keys', "$passphrase.recipients", "$dir.age");
	my ($backup) = glob "$dir.age/2*";
	like slurp("$backup/keys.enc"), qr{^age-encryption.org/}, '... is encrypted by age';
	unlink @keys;
	admin_is(USAGE, 'a passphrase does not help', 'restore', '--replace', '--keys', $passphrase,
	    $backup);
	admin_is(OK, 'its identity does', 'restore', '--replace', '--keys', "$passphrase.identity",
	    $backup);
	is_deeply { map { ($_ => slurp($_)) } keys %key }, \%key, '... and the keys are equal';
};
# Their blobs are no files: they would be missed if anybody looked for them.
subtest 'archives that people have made of many items' => sub {
	$mn->psql('INSERT INTO downloads (id, user_id, status, request, manages, title, media_ids,'
	    . " bytes, object_key) SELECT '$id', id, 'ready', 'x', false, 'x', '{}', 1,"
	    . " 'download/$id/$id' FROM users LIMIT 1; INSERT INTO objects (bucket, key, blob,"
	    . " size, etag) SELECT name, 'download/$id/$id', 'no-file', 1, 'x' FROM"
	    . ' object_buckets; INSERT INTO object_uploads (id, bucket, key, content_type) SELECT'
	    . " 'x', name, 'download/$id/x', 'x' FROM object_buckets; INSERT INTO object_parts"
	    . " (upload_id, number, blob, size, etag) VALUES ('x', 1, 'no-file-either', 1, 'x')");
	admin_is(OK, 'are in no backup', 'backup', "$dir.archives");
	my ($backup) = glob "$dir.archives/2*";
	is scalar(grep { /download/ } map { @$_ } list($backup)), 0, '... as its list says';
	admin_is(OK, 'which can be restored', 'restore', '--replace', $backup);
	is $mn->psql('SELECT (SELECT count(*) FROM downloads) + (SELECT count(*) FROM objects WHERE'
	    . " key LIKE 'download/%') + (SELECT count(*) FROM object_uploads)"), 0,
	    '... without them';
};
start_services(@parts);

subtest 'the house works' => sub {
	my $again = $mn->login('keeper@medianest.test', 'a password to be restored');
	my $list = $again->api(GET => '/api/media');
	is scalar(@{ $list->{json}{items} }), 3, 'the person has the items';
	for my $item (@{ $list->{json}{items} }) {
		my $got = $again->request(GET => $item->{thumbnails}{320});
		is $got->{status}, 200, 'a thumbnail';
	}
	is $user->api(GET => '/api/auth/session')->{status}, 200, 'who was signed in still is';
	my $body = '{"hello":"x"}';
	my $sent = $mn->client->api(POST => "/api/webhooks/generic/$source->{json}{id}", $body,
	    { 'Content-Type' => 'application/json', 'X-Hub-Signature-256' => 'sha256='
	    . hmac_sha256_hex($body, $source->{json}{secret}) });
	is $sent->{status}, 200, 'a sealed secret can be read' or diag $sent->{content};
	my $more = $again->upload_file($make->picture('after.jpg', size => '64x64'), 'image/jpeg');
	is $again->wait_media($more->{id})->{status}, 'ready', 'and it goes on';
};

subtest 'verify' => sub {
	quiet();
	my $said = admin_is(OK, 'a house that is whole', 'verify');
	like $said, qr/ 0 missing, 0 damaged, 0 foreign/, '... has no fault';
	unlike $said, qr/; 0 had no checksum/, 'derived objects are seen first';
	like admin_is(OK, 'again', 'verify', '--rate', 100_000_000), qr/; 0 had no checksum/,
	    '... and are known then';
	my $objects = $mn->psql('SELECT count(*) FROM objects');
	my ($size) = $mn->psql('SELECT sum(size) FROM objects');
	my $started = time;
	admin_is(OK, 'at a rate', 'verify', '--rate', int $size / RATE_SECONDS);
	cmp_ok time - $started, '>=', RATE_SECONDS - 0.1, '... which is not exceeded';
	my %path = map {
		my ($blob) = $mn->psql("SELECT blob FROM objects WHERE key LIKE '$_/%' LIMIT 1");
		($_ => join '/', "$data/objects", substr($blob, 0, 2), substr($blob, 2, 2), $blob)
	} qw(derived original);
	for my $kind (sort keys %path) {
		my $bytes = slurp($path{$kind});
		my $flip = sub {
			open my $out, '+<:raw', $path{$kind} or die "$path{$kind}: $!";
			seek $out, 30, 0;
			print $out substr($bytes, 30, 1) ^ "\x01";
			close $out;
		};
		$flip->();
		like admin_is(FAILED, "a flipped bit ($kind)", 'verify'),
		    qr{^damaged: \S+/$kind/.*\n.* 0 missing, 1 damaged}m, '... is found';
		open my $out, '+<:raw', $path{$kind} or die;
		print $out $bytes;
		close $out;
	}
	rename $path{derived}, "$path{derived}.away";
	like admin_is(FAILED, 'a missing blob', 'verify'),
	    qr{^missing: \S+/derived/.*\n.* 1 missing,}ms, '... is found';
	symlink "$path{derived}.away", $path{derived} or die "$path{derived}: $!";
	like admin_is(FAILED, 'a link to the blob in its place', 'verify'),
	    qr{^missing: \S+/derived/\S+ \(a link is in the place of its blob\)$}m,
	    '... is not followed';
	unlink $path{derived};
	rename "$path{derived}.away", $path{derived};
	my $foreign = "$data/objects/" . join '/', 'ab', 'cd', 'abcd' . '0' x 28;
	make_path($foreign =~ s{/[^/]+$}{}r);
	open my $out, '>', $foreign or die "$foreign: $!";
	close $out;
	unlike admin_is(OK, 'a file that has just been made', 'verify'), qr/^foreign/m,
	    '... may become one';
	utime 0, time - 2 * 3600, $foreign;
	like admin_is(OK, 'one that no row has after an hour', 'verify'),
	    qr{^foreign: abcd0+ .*\n.* 1 foreign}ms, '... is told';
	ok -e $foreign, '... and not removed';
	is $mn->psql('SELECT count(*) FROM objects'), $objects, 'nothing was removed';
	$mn->psql("UPDATE object_verification SET after = 'medianest/zzz'");
	like admin_is(OK, 'it goes on where it stopped', 'verify', '--resume'), qr/^0 objects/m,
	    '... behind that place';
	like admin_is(OK, 'and begins again then', 'verify', '--resume'), qr/^$objects objects/m,
	    '... with all';
};

done_testing;
