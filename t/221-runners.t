#!/usr/bin/perl
# Runners that take many jobs, and periodic jobs, with the jobs of t/tools/test_jobs.c: whatever is
# killed, nothing is lost and nothing happens twice.
use strict;
use warnings;
use Cwd qw(abs_path);
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Faults;
use MediaNest::Media;
use MediaNest::Test;
use Test::More;

use constant { SETTLE => 60, LEASE => 2, CROWD => 40, TICKS => 6 };

my $mn = MediaNest::Test->stack(private => 1, set => { 'worker.lease' => LEASE,
    'worker.poll' => 100 });
my $exe = ($ENV{MEDIANEST_DEV_BUILD} || abs_path("$FindBin::Bin/..") . '/build')
    . '/t/tools/test-worker';
plan skip_all => 'test-worker is not built' unless -x $exe;

$mn->stop_part('worker');
$mn->psql("CREATE TABLE test_effects (job uuid, kind text, at timestamptz DEFAULT now(),
		backend integer DEFAULT pg_backend_pid());
	GRANT SELECT, INSERT ON test_effects TO medianest_worker;
	UPDATE jobs SET run_at = now() WHERE kind LIKE 'upkeep.%'"); # unknown to this worker
my $gates = "$mn->{var}/gates";
mkdir $gates;
chmod 0777, $gates;

my %workers;
sub worker { my ($name) = @_; return ($workers{$name}) = other_worker($mn, $exe, $name) }
sub end_worker {
	my ($name, $signal) = @_;
	kill $signal, my $pid = delete $workers{$name};
	waitpid $pid, 0;
	return $?;
}
sub worker_log { my ($name) = @_; return MediaNest::Media::slurp("$mn->{var}/log/$name.log") }
sub open_gate { my ($gate) = @_; open my $out, '>', "$gates/$gate" or die "$gate: $!" }
sub at_gate {
	my ($gate) = @_;
	return wait_until { readlink "$gates/$gate.at" } SETTLE, "somebody at the gate $gate";
}
END { kill 'KILL', values %workers }

# Adds n jobs of a kind in one transaction. With a gate they wait behind it. Returns a condition
# that finds them.
my $tag = 0;
sub add {
	my ($kind, $n, $gate) = @_;
	$tag++;
	my $payload = $gate ? qq({"tag": $tag, "gate": "$gates/$gate"}) : qq({"tag": $tag});
	my ($queue, $attempts) = ('quick', $kind eq 'test.hang' || $kind eq 'test.leak' ? 2 : 5);
	$mn->psql("INSERT INTO jobs (id, kind, queue, max_attempts, payload)
		SELECT gen_random_uuid(), '$kind', '$queue', $attempts, '$payload'
		FROM generate_series(1, $n);
		NOTIFY mn_jobs, '$queue'");
	return "payload->>'tag' = '$tag'";
}
sub count { my ($which) = @_; return scalar $mn->psql("SELECT count(*) FROM jobs WHERE $which") }
sub wait_jobs {
	my ($which, $n, $what) = @_;
	return wait_until { return count($which) == $n } SETTLE, $what;
}
sub effects {
	my ($which) = @_;
	return scalar $mn->psql("SELECT count(*) || ' of ' || count(DISTINCT job) FROM "
	    . "test_effects WHERE job IN (SELECT id FROM jobs WHERE $which)");
}

# --- many jobs a process, each as if it were alone
{
	worker('first');
	my $jobs = add('test.effect', CROWD);
	wait_jobs("$jobs AND state = 'done'", CROWD, 'all of them');
	is(effects($jobs), CROWD . ' of ' . CROWD, 'each has its effect');
	cmp_ok($mn->psql(
	    'SELECT count(DISTINCT backend) FROM test_effects WHERE kind = \'test.effect\''),
	    '<=', 2, '... on connections that stay open');
	my $leaks = add('test.leak', 1);
	my $after = add('test.effect', 4);
	wait_jobs("$leaks AND state = 'dead'", 1, 'the end of one that leaves a transaction open');
	wait_jobs("$after AND state = 'done'", 4, 'those after it');
	is(effects($leaks), '0 of 0', 'what it left is rolled back');
	is(effects($after), '4 of 4', '... and the next ones are not in it');
	is($mn->psql("SELECT attempt || ' ' || last_error FROM jobs WHERE $leaks"),
	    '2 internal_error: It leaves a transaction behind.',
	    '... and what happened is written down');
	cmp_ok($mn->psql(
	    'SELECT count(DISTINCT backend) FROM test_effects WHERE kind = \'test.effect\''),
	    '<=', 2, 'all on the same connections');
	my $many = add('test.noop', 500);
	wait_jobs("$many AND state = 'done' AND attempt = 1 AND finished_at IS NOT NULL", 500,
	    'those without an effect');
	pass('jobs without an effect are done');
}

# --- kill -9 of a runner in the middle of what it has taken
{
	my $stuck = add('test.noop', 1, 'killed');
	my $runner = at_gate('killed');
	my $rest = add('test.noop', CROWD);
	my $others = add('test.effect', 4);
	wait_jobs("$others AND state = 'done'", 4, 'jobs beside it');
	pass('a runner that is stuck holds up nobody but itself');
	kill 'KILL', $runner;
	unlink "$gates/killed.at";
	wait_jobs("$stuck AND last_error LIKE '%ended by signal 9'", 1, 'the failed attempt');
	open_gate('killed');
	wait_jobs("($stuck OR $rest) AND state = 'done'", CROWD + 1, 'all of them');
	is(count("$stuck AND attempt = 2"), 1,
	    'the job that was being run has had a second attempt');
	is(count("$rest AND attempt = 1"), CROWD, '... and the others their first');
}
{
	# All in one batch: those before the one that is stuck are done but not completed, those
	# behind are not begun.
	end_worker('first', 'TERM');
	my $jobs = add('test.noop', CROWD);
	my $stuck = "id = (SELECT id FROM jobs WHERE $jobs ORDER BY id OFFSET " . CROWD / 2
	    . ' LIMIT 1)';
	$mn->psql("UPDATE jobs SET payload = payload || jsonb_build_object('gate', '$gates/batch') "
	    . "WHERE $stuck");
	$stuck = "$jobs AND payload ? 'gate'";
	worker('first');
	my $runner = at_gate('batch');
	is(count("$jobs AND state = 'running'"), CROWD, 'one runner holds all');
	kill 'KILL', $runner;
	wait_jobs("$stuck AND last_error LIKE '%ended by signal 9'", 1, 'the failed attempt');
	open_gate('batch');
	wait_jobs("$jobs AND state = 'done'", CROWD, 'all of them');
	is(count("$jobs AND attempt = 1"), CROWD - 1,
	    'only the job that was being run has lost an attempt');
	is(count("$stuck AND attempt = 2"), 1, '... and it has had another');
}

# --- told to stop in the middle of a batch: all is given back
{
	my $jobs = add('test.noop', CROWD, 'stopped');
	at_gate('stopped');
	is(end_worker('first', 'TERM'), 0, 'the worker stops');
	is(count("$jobs AND state = 'available' AND attempt = 0 AND lease IS NULL"), CROWD,
	    '... and gives back what it had taken');
	open_gate('stopped');
	worker('first');
	wait_jobs("$jobs AND state = 'done' AND attempt = 1", CROWD, 'all of them');
	pass('the next worker does them');
}

# --- a job that hangs
{
	my $jobs = add('test.hang', 1);
	my $others = add('test.effect', 4);
	wait_jobs("$others AND state = 'done'", 4, 'jobs beside it');
	pass('jobs beside one that hangs are done');
	wait_jobs("$jobs AND state = 'dead'", 1, 'the one that hangs to be given up');
	is($mn->psql("SELECT attempt || ' ' || last_error FROM jobs WHERE $jobs"),
	    '2 the job took longer than it may and was stopped',
	    'it is stopped after its time, and given up');
}

# --- a runner that was frozen past its lease: what it has taken is done by another worker, once
{
	my $jobs = add('test.effect', 1, 'frozen');
	my $runner = at_gate('frozen');
	unlink "$gates/frozen.at";
	my @frozen = ($workers{first}, split ' ', scalar `pgrep -P $workers{first}`);
	kill 'STOP', @frozen;
	worker('second');
	my $other = at_gate('frozen');
	isnt($other, $runner, 'another worker takes over');
	# The first one goes on while the other one has the job.
	my @second = ($workers{second}, split ' ', scalar `pgrep -P $workers{second}`);
	kill 'STOP', @second;
	open_gate('frozen');
	kill 'CONT', reverse @frozen;
	wait_until { return worker_log('first') =~ /another worker has taken the job over/ } SETTLE,
	    'the first one to notice';
	pass('the first one cannot end what is not its own any more');
	kill 'CONT', reverse @second;
	wait_jobs("$jobs AND state = 'done'", 1, 'its end');
	is(effects($jobs), '1 of 1', 'it has happened once');
	is(count("$jobs AND attempt >= 2"), 1, '... at a further attempt');
}

# --- periodic jobs with two workers: once a period, whatever happens
sub ticks { return $mn->psql("SELECT count(*) FROM test_effects WHERE kind = 'test.tick'") }
sub more_ticks {
	my ($n) = @_;
	my $had = ticks();
	return wait_until { return ticks() >= $had + $n } SETTLE, 'further runs';
}
{
	more_ticks(TICKS);
	is(count("kind = 'test.tick'"), 1, 'a periodic job is one row');
	my $soonest = $mn->psql("SELECT min(pause) FROM (SELECT at - lag(at) OVER (ORDER BY at) AS "
	    . "pause FROM test_effects WHERE kind = 'test.tick') p WHERE pause < interval '1 "
	    . "second'");
	is($soonest, '', 'two workers run it once a period');
	my $tries = "SELECT count(*) FROM test_effects WHERE kind = 'test.broken'";
	my $had = $mn->psql($tries);
	wait_until { return $mn->psql($tries) >= $had + 4 } SETTLE, 'further attempts';
	is(count("kind = 'test.broken'"), 1, 'one that always fails goes on: still one row');
	is(count("kind = 'test.broken' AND state IN ('available', 'running') AND attempt <= 2"), 1,
	    '... that is not dead');
	like($mn->psql("SELECT last_error FROM jobs WHERE kind = 'test.broken'"),
	    qr/It always fails/, '... and says why');

	end_worker($_, 'KILL') for qw(first second);
	$mn->psql("UPDATE jobs SET state = 'dead', lease = NULL, lease_until = NULL, finished_at = "
	    . "now() WHERE kind = 'test.tick'");
	worker('first');
	more_ticks(2);
	is(count("kind = 'test.tick' AND state <> 'dead'"), 1,
	    'a dead one begins again with the next worker');

	is(end_worker('first', 'TERM'), 0, 'the worker stops');
	$mn->psql("UPDATE jobs SET run_at = now() + interval '1 day', queue = 'quick', "
	    . "max_attempts = 9 WHERE kind = 'test.tick' AND state = 'available'");
	worker('first');
	more_ticks(1);
	is($mn->psql("SELECT queue || ' ' || max_attempts FROM jobs WHERE kind = 'test.tick' AND "
	    . "state <> 'dead'"),
	    'upkeep 1', 'what a new program says of it holds at once');
	is(end_worker('first', 'TERM'), 0, 'the worker stops');
}

# --- the product's own come back after a program that does not know them
cmp_ok(count("kind LIKE 'upkeep.%' AND state = 'dead' AND last_error = 'unknown kind of job'"), '>',
    0, 'an unknown kind is given up');
$mn->start_part('worker');
my %every = MediaNest::Test::periodic_kinds();
wait_jobs("kind LIKE 'upkeep.%' AND state IN ('available', 'running')",
    scalar(grep { /^upkeep\./ } keys %every), 'the periodic jobs');
pass('... and made again by a worker that knows it');
unlike(worker_log($_), qr/Sanitizer|runtime error/, "the sanitizers are content with the $_")
    for qw(first second);
done_testing();
