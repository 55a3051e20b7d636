#!/usr/bin/perl
# What a decoder that was taken over can do: nothing to the worker, the disk or the machine. In the
# place of medianest-media runs a program that does its worst.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use File::Basename qw(dirname);
use MediaNest::Faults;
use MediaNest::Media;
use MediaNest::Test;

use constant { SETTLE => 60, LINES => 20, LINES_MAX => 64, MEMORY_MAX => 64 << 10 };

my $mn = MediaNest::Test->stack(private => 1, set => { 'worker.poll' => 100,
    'media.max_pixels' => 50_000_000, 'worker.media.concurrency' => 2 });
my $user = $mn->user(role => 'user');
my $build = MediaNest::Test::build_directory();
my $sanitized = MediaNest::Media::slurp("$build/config.h") =~ /^#define MN_SANITIZERS/m;
my $exe = readlink '/proc/' . $mn->pid('worker') . '/exe';
$mn->stop_part('worker');

# A worker with this program in the place of its decoder. The file to be decoded says what to do.
mkdir "$mn->{var}/hostile";
MediaNest::Test::run_output('cp', $exe, "$mn->{var}/hostile/medianest-worker");
{
	my $path = "$mn->{var}/hostile/medianest-media";
	open my $out, '>', $path or die "$path: $!";
	print $out do { local $/; <DATA> };
	close $out;
	chmod 0755, $path;
}
sub worker {
	my ($name, %environment) = @_;
	my ($pid, $dir) = other_worker($mn, "$mn->{var}/hostile/medianest-worker", $name,
	    %environment);
	wait_until { return -s "$dir/run/worker.sandbox" || waitpid($pid, 1) > 0 } SETTLE,
	    "the worker $name";
	return ($pid, $dir);
}
sub end {
	my ($pid) = @_;
	kill 'TERM', $pid;
	waitpid $pid, 0;
	return $? >> 8;
}
my $serial = 0;
sub order { return $user->upload_bytes('x.png', "$_[0] " . $serial++, 'image/png')->{id} }
sub result {
	my ($what) = @_;
	my $item = $user->wait_media(order($what), SETTLE);
	return ($item->{failure}{code} // $item->{status}, $item->{failure}{message} // '');
}
sub peak {
	my ($worker) = @_;
	my ($most) = sort { $b <=> $a } map { `cat /proc/$_/status 2>/dev/null` =~
	    /^VmHWM:\s+(\d+)/m } split ' ', scalar `pgrep -P $worker`;
	return $most // 0;
}

for my $mode ('bubblewrap', 'landlock') {
	my %where = $mode eq 'landlock' ? (PATH => '/nonexistent') : ();
	my ($worker, $dir) = worker($mode, %where);
	is(MediaNest::Media::slurp("$dir/run/worker.sandbox"), "$mode\n", "the sandbox is $mode")
	    or diag MediaNest::Media::slurp("$mn->{var}/log/$mode.log");

	# --- what it says costs the worker one line at a time
	my $id = order('lines ' . LINES);
	wait_until { return $mn->psql("SELECT count(*) FROM media_events WHERE media_id = '$id'"
	    . " AND step = 'preview'") == LINES } SETTLE, 'all lines';
	my $peak = peak($worker);
	cmp_ok($peak, '<', MEMORY_MAX, "lines are no memory that lasts ($peak kB)")
	    if !$sanitized;
	MediaNest::Test::run_output('touch', map { "$_/go" } glob "$dir/data/scratch/*/out");
	is($user->wait_media($id, SETTLE)->{failure}{code}, 'unreadable', 'the run ends');
	$id = order('lines 1000');
	$user->wait_media($id, SETTLE);
	cmp_ok($mn->psql("SELECT count(*) FROM media_events WHERE media_id = '$id'"
	    . " AND step = 'preview'"), '<=', LINES_MAX, 'nor is there any number of them');

	# --- what it writes
	is((result('files'))[0], 'resource_limit', 'files without number');
	is((result('bytes'))[0], 'resource_limit', 'bytes without end, in several files');
	is((result('directories'))[1], 'made none', 'no directories');
	is((result('hidden'))[1], 'hid none', 'no file that has no name');
	is((result('elsewhere'))[1], 'wrote none', 'nothing outside of its directory');

	# --- what it starts, and what it reaches
	my ($limits) = (result('limits'))[1];
	my ($memory, $processes) = split ' ', $limits;
	is($memory, (1 << 30) + 12 * 50_000_000, 'memory by the pixels that are allowed')
	    if !$sanitized;
	like($processes, qr/^(?:256|2048)$/, "processes: $processes");
	if ($mode eq 'bubblewrap') {
		my ($forked) = (result('forks'))[1];
		cmp_ok($forked, '<=', 256, "it starts $forked processes");
		cmp_ok($forked, '>', 100, '... which is enough for decoders');
	} else {
		is((result("signal $worker"))[1], 'refused', 'no signals to the worker');
	}
	is(end($worker), 0, 'the worker is unharmed');
}

# --- where there is neither bubblewrap nor Landlock
my @without = ("$build/t/tools/without-landlock", '/usr/bin/env');
my @with_settings = map { "MEDIANEST_$_" } "RUN_DIR=$mn->{var}/refused/run",
    "DATA_DIR=$mn->{var}/refused/data", "KEYS_DIR=$mn->{var}/data/keys";
{
	my ($uid, $gid) = (stat "$mn->{var}/data")[ 4, 5 ];
	mkdir "$mn->{var}/refused$_", 0755 for '', '/run', '/data', '/data/scratch';
	chown $uid, $gid, map { "$mn->{var}/refused$_" } '/run', '/data', '/data/scratch';
	my @as_owner = $> == 0 ? ('setpriv', '--reuid', $uid, '--regid', $gid, '--clear-groups')
	    : ();
	my $real = dirname($exe);
	my $run = sub {
		my ($setting, @command) = @_;
		return MediaNest::Test::run_output(@as_owner, @without, @with_settings,
		    "MEDIANEST_MEDIA_SANDBOX=$setting", @command);
	};
	my @config = ('--config', "$mn->{var}/etc/medianest.conf");
	my $said = $run->('auto', $exe, @config);
	is($? >> 8, 78, 'the filter alone is refused');
	my ($line) = grep { /neither/ } split /\n/, $said;
	like($line, qr/bubblewrap.*user namespaces.*media\.sandbox.*seccomp/,
	    '... in one line that says what to change') or diag $said;
	like($run->('auto', "$real/medianest-admin", @config, 'doctor'),
	    qr/sandbox.*neither.*media\.sandbox/s, '... and so does the doctor');
	like($run->('seccomp', "$real/medianest-admin", @config, 'doctor'),
	    qr/sandbox\s+seccomp/, 'when configured it is taken');
}
unlike($mn->log_text('worker'), qr/Sanitizer|runtime error/, 'the sanitizers are content');
done_testing();

__DATA__
#!/usr/bin/perl
use strict;
use warnings;
use Fcntl;
$| = 1;
my %option = @ARGV[ 0 .. $#ARGV - 1 ];
my ($out, $file) = ($option{'--out'}, $ARGV[-1]);
open my $in, '<:raw', $file or die "$file: $!";
read $in, my $head, 32;
my ($what, $n) = split ' ', $head;

sub fails {
	my ($message) = @_;
	print '{"result":{"ok":false,"failure":{"code":"unreadable","message":"', $message,
	    "\"}}}\n";
	exit 0;
}
sub succeeds {
	print '{"result":{"ok":true,"kind":"image","contentType":"image/png","width":1,',
	    '"height":1,"metadata":{},"assets":[],"spriteTimes":[]}}', "\n";
	exit 0;
}
sub limit_of {
	my ($name) = @_;
	open my $limits, '<', '/proc/self/limits' or return 0;
	my ($line) = grep { /^\Q$name\E/ } <$limits>;
	return $line =~ /^\Q$name\E\s+(\S+)/ ? $1 : 0;
}
sub file {
	my ($path, $bytes) = @_;
	sysopen my $to, $path, O_WRONLY | O_CREAT or return 0;
	for (1 .. $bytes >> 20) { syswrite $to, 'x' x (1 << 20) or return 0 }
	return 1;
}

if ($what eq 'lines') {
	my $junk = '1,' x 100_000;
	for (1 .. $n) {
		print '{"step":"preview","state":"done","junk":[', $junk, "1]}\n";
	}
	until (-e "$out/go") { select undef, undef, undef, 0.05 }
	fails('said it all');
}
if ($what eq 'files') { file("$out/$_", 0) for 1 .. 100_000; succeeds() }
if ($what eq 'bytes') { file("$out/$_", 60 << 20) for 1 .. 8; succeeds() }
if ($what eq 'directories') { fails(mkdir("$out/d") ? 'made one' : 'made none') }
if ($what eq 'hidden') {
	file("$out/x", 0);
	fails(unlink("$out/x") || rename("$out/x", "$out/y") ? 'hid one' : 'hid none');
}
if ($what eq 'elsewhere') {
	my @wrote = grep { file($_, 0) } '/dev/shm/x', '/x', '/w/x', "$out/../x";
	fails(@wrote ? "wrote @wrote" : 'wrote none');
}
if ($what eq 'limits') { fails(join ' ', map { limit_of($_) } 'Max address space',
	'Max processes') }
if ($what eq 'forks') {
	my $forked = 0;
	for (1 .. 400) {
		my $pid = fork;
		last if !defined $pid;
		if (!$pid) { close STDOUT; close STDERR; sleep 60; exit 0 }
		$forked++;
	}
	fails($forked);
}
if ($what eq 'signal') { fails(kill(0, $n) || $! !~ /permitted/ ? 'sent' : 'refused') }
succeeds();
