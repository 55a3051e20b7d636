#!/usr/bin/perl
# Houses of every released version are upgraded with what they have; `migrate --check` says what
# would run; nothing is lost while a migration runs; programs refuse a schema that they do not know.
use strict;
use warnings;
use File::Basename qw(basename);
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use POSIX ();
use Test::More;
use utf8;

use constant { OK => 0, FAILED => 1, CONFIG => 78, CLIENTS => 4, ROLLS => 3, ROLL_SECONDS => 30 };
use constant PASSWORD => 'the password of a released version'; # t/upgrade/make-dump

my $mn = MediaNest::Test->stack(private => 1, set => { 'sync.minutes' => 0 });
my $build = MediaNest::Test::build_directory();
my $config = "$mn->{var}/etc/medianest.conf";
my ($uid, $gid) = (stat "$mn->{var}/data")[4, 5];
my @as = $> == 0 ? ('setpriv', "--reuid=$uid", "--regid=$gid", '--clear-groups') : ();
my $sql = "$build/inst/share/medianest/sql";
my @files = sort map { basename($_) } glob "$sql/[0-9]*.sql";
my $newest = ($files[-1] =~ /^(\d+)/)[0] + 0;

sub program {
	my ($program, @arguments) = @_;
	my $said = MediaNest::Test::run_output(@as, "$build/inst/sbin/$program", '--config',
	    $config, @arguments);
	return ($? >> 8, $said);
}
sub program_is {
	my ($want, $what, @command) = @_;
	my ($status, $said) = program(@command);
	is $status, $want, $what or diag $said;
	return $said;
}
sub everything {
	my %sums;
	for my $table ($mn->psql("SELECT c.relname FROM pg_class c WHERE relkind = 'r' AND"
	    . " relnamespace = 'public'::regnamespace ORDER BY 1")) {
		my $columns = $mn->psql("SELECT string_agg(format('%I', attname), ', ' ORDER BY"
		    . " attnum) FROM pg_attribute WHERE attrelid = 'public.$table'::regclass"
		    . " AND attnum > 0 AND NOT attisdropped");
		$sums{$table} = [$columns, rows_sum($table, $columns)];
	}
	return \%sums;
}
sub rows_sum {
	my ($table, $columns) = @_;
	return $mn->psql("SELECT count(*) || ' ' || md5(coalesce(string_agg(t::text, E'\\n'"
	    . " ORDER BY t::text), '')) FROM (SELECT $columns FROM $table) AS t");
}
my @parts = qw(worker notifyd pools storage);
sub workers { return split ' ', MediaNest::Test::run_output('pgrep', '-P', $_[0]) }
sub stop_all {
	$mn->stop_part($_) for @parts;
	wait_until(sub { $mn->psql("SELECT count(*) FROM pg_stat_activity WHERE usename IN"
	    . " ('medianest_api', 'medianest_worker', 'medianest_store')") == 0 },
	    30, 'no connection');
}
sub load_dump {
	my ($dump) = @_;
	$mn->psql('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
	my $said = MediaNest::Test::run_output('sh', '-c',
	    'xz -dc "$1" | psql -Xq -v ON_ERROR_STOP=1 -d "$2"', 'sh', $dump,
	    $mn->{status}{databaseUrl});
	is $?, 0, 'the dump is loaded' or diag $said;
}

like program_is(OK, 'migrate --check of a house that is up to date', 'medianest-admin', 'migrate',
    '--check'), qr/\Aschema $newest of $newest\n\z/, '... has nothing to do';

# --- a migration while people are at work

subtest 'under load' => sub {
	my $user = $mn->user;
	my $master = $mn->pid('media');
	my $dir = tempdir('mn-sql-XXXXXX', TMPDIR => 1, CLEANUP => 1);
	chmod 0755, $dir;
	copy("$sql/$_", $dir) for @files, 'roles.sql';
	open my $out, '>', "$dir/9998-widen-media.sql" or die "$dir: $!";
	print $out "ALTER TABLE media ADD COLUMN widened text;\nSELECT pg_sleep(0.5);\n"
	    . "CREATE INDEX media_widened ON media (widened);\n";
	close $out;
	like program_is(FAILED, 'migrate --check', 'medianest-admin', 'migrate', '--check', '--sql',
	    $dir), qr/^9998-widen-media.sql: would run\nschema $newest of 9998\n\z/,
	    '... names what would run';
	is $mn->psql('SELECT max(version) FROM schema_migrations'), $newest,
	    '... and changes nothing';

	pipe(my $stop_read, my $stop_write) or die "pipe: $!";
	my @from;
	for (1 .. CLIENTS) {
		my $pid = open(my $from, '-|') // die "fork: $!";
		if (!$pid) {
			my $bits = '';
			vec($bits, fileno $stop_read, 1) = 1;
			until (select(my $ready = $bits, undef, undef, 0)) {
				for my $path ('/api/media', '/api/auth/session') {
					my $answer = $user->api(GET => $path);
					my $why = $answer->{status} == 200 ? ''
					    : $answer->{content};
					print "$answer->{status} ", $why =~ s/\s+/ /gr, "\n";
				}
			}
			close STDOUT;
			POSIX::_exit(0);
		}
		push @from, $from;
	}
	my $roll = sub {
		my %old = map { ($_ => 1) } workers($master);
		kill 'HUP', $master;
		wait_until(sub { my @now = workers($master); @now && !grep { $old{$_} } @now },
		    ROLL_SECONDS, 'new workers');
	};
	$roll->();
	program_is(OK, 'the migration', 'medianest-admin', 'migrate', '--sql', $dir);
	$roll->() for 2 .. ROLLS;
	syswrite $stop_write, 'x';
	my @answers = map { my $from = $_; my @lines = <$from>; close $from; @lines } @from;
	my @bad = grep { !/^200 / } @answers;
	ok @answers > CLIENTS && !@bad, @answers . ' requests, ' . @bad . ' bad'
	    or diag @bad[0 .. 3];
};

# --- a program that is older than the schema (it has just been migrated to 9998)

stop_all();

subtest 'an older program' => sub {
	my $why = "the database has schema 9998, but this program knows only $newest: it belongs";
	like program_is(CONFIG, $_->[0], @$_), qr/^\Q$_->[0]: $why\E/, '... says what to do'
	    for ['medianest-fcgi', '--pool', 'media'], ['medianest-worker'], ['medianest-notifyd'],
	    ['medianest-sync'];
	like program_is(FAILED, 'migrate', 'medianest-admin', 'migrate'),
	    qr/install the newer MediaNest/, '... refuses too';
	like program_is(FAILED, 'migrate --check', 'medianest-admin', 'migrate', '--check'),
	    qr/install the newer MediaNest/, '... and --check';
};

# --- what a running house waits for

subtest 'each migration' => sub {
	my ($dump) = reverse sort glob "$FindBin::Bin/upgrade/*.sql.xz";
	load_dump($dump);
	my $from = $mn->psql('SELECT max(version) FROM schema_migrations');
	my $there = "SELECT array_agg(oid) FROM pg_class WHERE relkind = 'r'"
	    . " AND relnamespace = 'public'::regnamespace";
	my $old = $mn->psql($there); # nobody writes yet to what the upgrade makes
	for my $file (grep { /^(\d+)/ && $1 > $from } @files) {
		open my $in, '<', "$sql/$file" or die "$file: $!";
		my $text = do { local $/; <$in> };
		my $held = $mn->psql("BEGIN;\n$text;\nSELECT string_agg(DISTINCT"
		    . " relation::regclass::text, ' ') FROM pg_locks WHERE pid = pg_backend_pid()"
		    . " AND relation = ANY ('$old'::oid[]) AND mode IN ('ShareLock',"
		    . " 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'); COMMIT");
		# Of two tables the house may hold one and wait for the other.
		unlike $held, qr/ /, "$file keeps the writers of one table waiting";
	}
	is $mn->psql("SELECT string_agg(DISTINCT r, ' ') FROM unnest('{medianest_api,"
	    . "medianest_worker}'::text[]) AS r WHERE NOT has_table_privilege(r, 'media_changes',"
	    . " 'INSERT')"), '', 'what triggers write is granted with them';
};

# --- houses of released versions

for my $dump (sort glob "$FindBin::Bin/upgrade/*.sql.xz") {
	my ($version) = basename($dump) =~ /^(.*)\.sql\.xz$/;
	subtest "a house of $version" => sub {
		load_dump($dump);
		my $from = $mn->psql('SELECT max(version) FROM schema_migrations');
		my $before = everything();
		my @wanted = grep { /^(\d+)/ && $1 > $from } @files;
		is program_is(@wanted ? FAILED : OK, 'migrate --check', 'medianest-admin',
		    'migrate', '--check'), join('', map { "$_: would run\n" } @wanted)
		    . "schema $from of $newest\n", '... names what would run';
		is_deeply everything(), $before, '... and changes nothing';
		program_is(OK, 'it is upgraded', 'medianest-admin', 'migrate');
		is program_is(OK, 'migrate --check after it', 'medianest-admin', 'migrate',
		    '--check'), "schema $newest of $newest\n", '... has nothing to do';
		program_is(OK, 'once more', 'medianest-admin', 'migrate');
		for my $table (sort keys %$before) {
			next if $table eq 'schema_migrations';
			my ($columns, $sum) = @{ $before->{$table} };
			my $now = eval { rows_sum($table, $columns) };
			is $now, $sum, "$table has what it had";
		}
		# The start of one kind of pools waits for the sockets of both.
		unlink "$mn->{var}/run/hold/storage";
		$mn->start_part($_) for grep { $_ ne 'storage' } @parts;
		$mn->wait_ready;
		my $ben = $mn->login('ben@example.net', PASSWORD);
		my %titles = map { ($_->{title} => $_) }
		    @{ $ben->api(GET => '/api/media?limit=100')->{json}{items} };
		ok $titles{'Crème brûlée'}, 'a person signs in and sees a photo';
		is_deeply [sort @{ $titles{'Crème brûlée'}{tags} || [] }], ['beach', 'Été'],
		    '... with its tags';
		ok $titles{'Film 7'}, '... and a film';
		my $found = $ben->api(GET => '/api/search?q=creme+brulee');
		is $found->{json}{items}[0]{title}, 'Crème brûlée', '... and finds it';
		my $trash = $ben->api(GET => '/api/media?status=trashed');
		is scalar(@{ $trash->{json}{items} || [] }), 1, '... and the trash';
		my $anna = $mn->login('anna@example.net', PASSWORD);
		my ($days) = grep { $_->{key} eq 'trash.days' }
		    @{ $anna->api(GET => '/api/admin/settings')->{json}{items} };
		is $days->{value}, 60, 'a setting is kept';
		my $new = $ben->api(POST => '/api/media/upload/initiate',
		    { filename => 'a.jpg', size => 10, type => 'image/jpeg' });
		is $new->{status}, 201, 'and the house goes on' or diag $new->{content};
		stop_all();
	};
}

done_testing;
