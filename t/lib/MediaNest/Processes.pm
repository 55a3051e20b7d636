package MediaNest::Processes;
# What the processes of a stack take, as the kernel counts it.
#
#   my @pids = stack_pids($mn);      # all of them, with their children
#   pss_kb(@pids);                   # memory; what several share counts once
#   cpu_seconds(@pids);
#   kill STOP => below_worker($mn, 'ffmpeg');
#   wait_idle($mn);                  # until no job is due, and what was opened is closed
use strict;
use warnings;
use Exporter qw(import);
use MediaNest::Test;
use POSIX ();
use Time::HiRes qw(sleep);

our @EXPORT = qw(slurp children tree pss_kb cpu_seconds stack_pids wait_idle);
our @EXPORT_OK = qw(below_worker);

use constant { IDLE_CONNECTIONS => 3, IDLE_SECONDS => 60, JOBS_SECONDS => 300, POLL => 0.5 };

sub slurp {
	my ($file) = @_;
	open my $in, '<', $file or return '';
	local $/;
	my $text = <$in>;
	return $text // '';
}

sub children { my ($pid) = @_; return split ' ', MediaNest::Test::run_output('pgrep', '-P', $pid) }
sub tree { my ($pid) = @_; return ($pid, map { tree($_) } children($pid)) }

# A process of that name that the stack's worker has started, sandbox or not; or nothing.
sub below_worker {
	my ($mn, $name) = @_;
	my $worker = $mn->pid('worker') or return;
	my (%parent, @found);
	for my $stat (glob '/proc/[0-9]*/stat') {
		my ($pid, $is, $parent) = slurp($stat) =~ /^(\d+) \((.*)\) \S+ (\d+)/ or next;
		$parent{$pid} = $parent;
		push @found, $pid if $is eq $name;
	}
	for my $pid (@found) {
		my $above = $pid;
		$above = $parent{$above} while $above && $above != $worker;
		return $pid if $above;
	}
	return;
}

sub pss_kb {
	my $kb = 0;
	for my $pid (@_) { slurp("/proc/$pid/smaps_rollup") =~ /^Pss:\s+(\d+)/m and $kb += $1 }
	return $kb;
}

sub cpu_seconds {
	my $ticks = 0;
	for my $pid (@_) {
		my @field = split ' ', (split /\) /, slurp("/proc/$pid/stat"), 2)[1] // next;
		$ticks += $field[11] + $field[12];
	}
	return $ticks / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

sub stack_pids {
	my ($mn) = @_;
	my $status = $mn->refresh_status->{pids};
	# The pools of the API have one parent, those of the store another.
	my %parent = map { slurp("/proc/$_/stat") =~ /\) . (\d+)/ ? ($1 => 1) : () }
	    values %{ $status->{pools} };
	return map { tree($_) } @$status{qw(postgres redis nginx worker notifyd)}, keys %parent;
}

# Idle is what the stack is once its pools have closed what they opened: notifyd's connection and
# the worker's stay, and a runner that has just ended a periodic job may still be there.
sub wait_idle {
	my ($mn) = @_;
	wait_until(sub { sleep POLL; $mn->psql("SELECT count(*) FROM jobs WHERE state = 'running'"
	    . " OR (state = 'available' AND run_at <= now())") == 0 }, JOBS_SECONDS, 'all jobs');
	return wait_until(sub { sleep POLL; $mn->psql('SELECT count(*) FROM pg_stat_activity WHERE'
	    . " usename IN ('medianest_api', 'medianest_store', 'medianest_worker')")
	    <= IDLE_CONNECTIONS }, IDLE_SECONDS, 'idle pools');
}

1;
