package MediaNest::Faults;
# What the fault tests share: small pictures that all differ, and the checks that hold no matter
# what was killed.
use strict;
use warnings;
use Compress::Zlib qw(compress crc32);
use Exporter qw(import);
use MediaNest::FaultProxy;
use MediaNest::Test;
use POSIX ();
use Test::More;

our @EXPORT = qw(png settled each_once open_steps other_worker stack_behind clock_of);

# A PNG of random colours, so that no two uploads have the same bytes.
sub png {
	my ($width, $height) = @_;
	my $rows = join '', map { "\0" . join '',
	    map { pack 'C3', rand 256, rand 256, rand 256 } 1 .. $width } 1 .. $height;
	my $chunk = sub {
		my ($type, $data) = @_;
		pack('N', length $data) . $type . $data . pack('N', crc32($type . $data));
	};
	return "\x89PNG\r\n\x1a\n" . $chunk->('IHDR', pack 'N2C5', $width, $height, 8, 2, 0, 0, 0)
	    . $chunk->('IDAT', compress($rows)) . $chunk->('IEND', '');
}

# A private stack with a proxy between it and what it needs: those named, of database, redis and
# storage. Returns the stack and the proxies.
sub stack_behind {
	my ($parts, %option) = @_;
	my $dir = MediaNest::Test::directory();
	my $port = MediaNest::Test::free_port();
	my %socket = (database => '.s.PGSQL.5432', redis => 'redis.sock');
	my %proxy = map { ($_ => MediaNest::FaultProxy->start($socket{$_}
	    ? (to => "$dir/v/run/$socket{$_}", path => "$dir/$socket{$_}")
	    : (to => '127.0.0.1:' . ($port + 1)))) } @$parts;
	my %set = (
		$proxy{database} ? map { ("database.${_}_url"
		    => "postgresql:///medianest?host=$dir&user=medianest_$_") }
		    qw(api worker store) : (),
		$proxy{redis} ? ('redis.url' => "unix://$dir/redis.sock") : (),
		$proxy{storage} ? ('storage.endpoint' => "https://127.0.0.1:$proxy{storage}{port}",
		    'storage.public_endpoint' => 'https://127.0.0.1:' . ($port + 1)) : (),
	);
	my $mn = MediaNest::Test->stack(private => 1, dir => $dir, port => $port, %option,
	    set => { %set, %{ $option{set} || {} } });
	return ($mn, @proxy{@$parts});
}

# Gives all processes of a private stack one clock, which the sub that is returned moves: so many
# seconds ahead of the real one. Time that is measured, and not told, goes on as it is.
sub clock_of {
	my ($mn) = @_;
	my ($file, $library) = ("$mn->{var}/etc/clock", "$mn->{var}/etc/moved_clock.so");
	my $said = MediaNest::Test::run_output('cc', '-O1', '-shared', '-fPIC',
	    "-I$mn->{root}/src", '-o', $library, "$mn->{root}/t/tools/moved_clock.c");
	die "cc: $said" if $? != 0;
	open my $clock, '>', $file or die "$file: $!";
	my $move = sub {
		my ($seconds) = @_;
		sysseek $clock, 0, 0;
		syswrite $clock, pack 'q', $seconds;
	};
	$move->(0);
	chmod 0644, $file, $library;
	preload($mn, "LD_PRELOAD=$library", "MOVED_CLOCK=$file");
	return $move;
}

# Starts every part again with these variables in its environment.
sub preload {
	my ($mn, @environment) = @_;
	my $services = "$mn->{var}/etc/services";
	my %before = all_pids($mn);
	open my $in, '<', $services or die "$services: $!";
	my @lines = map { [ split /\t/ ] } <$in>;
	open my $out, '>', $services or die "$services: $!";
	for (@lines) {
		my ($name, $stage, $signal, $print, @rest) = @$_;
		my $log = shift @rest;
		print $out join "\t", $name, $stage, $signal, "$print-preloaded", $log,
		    '/usr/bin/env', @environment, @rest;
	}
	close $out or die "$services: $!";
	open my $pid, '<', "$mn->{var}/run/supervisor.pid" or die "supervisor.pid: $!";
	kill 'HUP', <$pid> + 0;
	wait_until { my %now = all_pids($mn);
	    !grep { !$now{$_} || $now{$_} == $before{$_} } keys %before } 60, 'new processes';
	$mn->wait_ready;
	wait_until { $mn->redis('PING') eq 'PONG' } 20, 'Redis';
	return;
}

sub all_pids {
	my ($mn) = @_;
	my %pids = %{ $mn->refresh_status->{pids} };
	return (%{ delete $pids{pools} }, %pids);
}

# A further worker on the same database: with a run directory and a data directory of its own.
# Returns its process id and where these are; its log is there too.
sub other_worker {
	my ($mn, $exe, $name, %environment) = @_;
	my $dir = "$mn->{var}/$name";
	my ($uid, $gid) = (stat "$mn->{var}/data")[ 4, 5 ];
	my @as_owner = $> == 0 ? ('setpriv', '--reuid', $uid, '--regid', $gid, '--clear-groups')
	    : ();
	mkdir $_ for $dir, "$dir/data", "$dir/run";
	chown $uid, $gid, $dir, "$dir/data", "$dir/run" if $> == 0;
	%environment = (PATH => $ENV{PATH}, MEDIANEST_RUN_DIR => "$dir/run",
	    MEDIANEST_DATA_DIR => "$dir/data", MEDIANEST_KEYS_DIR => "$mn->{var}/data/keys",
	    %environment);
	my $pid = fork // die "fork: $!";
	return ($pid, $dir) if $pid;
	open STDERR, '>>', "$mn->{var}/log/$name.log";
	{
		no warnings 'exec';
		exec @as_owner, '/usr/bin/env',
		    (map { "$_=$environment{$_}" } sort keys %environment), $exe, '--config',
		    "$mn->{var}/etc/medianest.conf";
	}
	POSIX::_exit(127);
}

sub list { return join ',', map { "'$_'" } @_ }

# Waits until none of the items is being processed.
sub settled {
	my ($mn, $seconds, @ids) = @_;
	my $left;
	eval {
		wait_until {
			$left = $mn->psql('SELECT count(*) FROM media WHERE status NOT IN '
			    . '(\'ready\', \'failed\') AND id IN ('
			    . list(@ids) . ')');
			!$left;
		} $seconds,
		    'the last item';
	};
	is $left, 0, 'every accepted upload came to an end'
	    or diag $mn->psql('SELECT kind, state, attempt, last_error, run_at FROM jobs WHERE '
		. 'state <> \'done\'');
}

# The steps of these items that have started and not ended, as the timeline tells it.
sub open_steps {
	my ($mn, @ids) = @_;
	return join ' ', $mn->psql('SELECT step FROM (SELECT DISTINCT ON (media_id, step) id, '
	    . 'step, state FROM media_events WHERE media_id IN (' . list(@ids)
	    . ') ORDER BY media_id, step, id DESC) AS last '
	    . "WHERE state = 'started' ORDER BY id");
}

# Each item: one end, one notification, one set of derived files, no open job.
sub each_once {
	my ($mn, @ids) = @_;
	my $in = list(@ids);
	my $n = @ids;
	is $mn->psql("SELECT count(*) FROM media WHERE id IN ($in)"), $n,
	    'every accepted upload is there';
	is $mn->psql("SELECT count(*) FROM media WHERE id IN ($in) AND status = 'failed' AND "
	    . "coalesce(failure_code, '') = ''"),
	    0, 'what failed has a reason';
	is open_steps($mn, @ids), '', 'no step is left open';
	is $mn->psql("SELECT count(*) FROM jobs WHERE kind = 'media.process' AND state IN "
	    . "('available', 'running') AND payload->>'mediaId' IN ($in)"),
	    0, 'no job is left';
	my $told = "SELECT data->>'mediaId' AS id, count(*) AS n FROM notifications "
	    . "WHERE kind IN ('media.ready', 'media.failed') AND data->>'mediaId' IN ($in) "
	    . 'GROUP BY 1';
	is $mn->psql("SELECT count(*) FROM ($told) t"), $n, 'each was told of';
	is $mn->psql("SELECT coalesce(max(n), 0) FROM ($told) t"), 1, 'once';
	is $mn->psql("SELECT count(*) FROM (SELECT media_id FROM media_assets "
	    . "WHERE published AND media_id IN ($in) GROUP BY media_id, split_part(key, '/', 1) "
	    . "HAVING count(DISTINCT split_part(key, '/', 3)) > 1) t"),
	    0, 'each has one set of derived files';
	is $mn->psql("SELECT count(*) FROM media m WHERE m.id IN ($in) AND m.status = 'ready' AND "
	    . "NOT EXISTS (SELECT FROM media_assets a WHERE a.media_id = m.id AND a.published)"),
	0,
		'and what is ready has one';
	is $mn->psql("SELECT count(*) FROM media_assets a JOIN media m ON m.id = a.media_id "
	    . "LEFT JOIN objects o ON o.key = a.key "
	    . "WHERE a.published AND m.id IN ($in) AND o.key IS NULL"),
	    0, 'whose objects exist';
	is $mn->psql("SELECT count(*) FROM (SELECT user_id FROM notifications GROUP BY user_id "
	    . "HAVING max(seq) - min(seq) + 1 <> count(*)) t"),
	    0, 'numbers of notifications have no gap';
}

1;
