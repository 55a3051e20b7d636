#!/usr/bin/perl
# 200 uploads while PostgreSQL, Redis, nginx, API workers, pools and the worker are killed, one
# after the other, again and again: every upload with a 2xx response ends ready or failed with a
# reason, once.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use MediaNest::Faults;
use MediaNest::Test;
use Test::More;
use Time::HiRes qw(sleep time);

use constant { UPLOADS => 200, CLIENTS => 4, PACE => 0.7, KILL_EVERY => 0.8, TRIES => 20,
    SETTLE => 240 };

my $mn = MediaNest::Test->stack(private => 1, set => { 'worker.lease' => 3, 'worker.poll' => 200 });
my $user = $mn->admin;

# One client: uploads its share and prints the ids of what was accepted.
sub client {
	my ($out) = @_;
	# Closing a TLS connection writes to a socket whose other end may have been killed.
	local $SIG{PIPE} = 'IGNORE';
	srand $$;
	my $again = sub {
		my ($wanted, $call) = @_;
		for (1 .. TRIES) {
			my $answer = $call->();
			return $answer if $answer->{status} =~ $wanted;
			# A connection may have died with the process behind it.
			$user->{http} = undef;
			sleep 0.3;
		}
		return undef;
	};
	for my $n (1 .. UPLOADS / CLIENTS) {
		my $next = time + PACE;
		my $bytes = png(48 + rand 32, 40);
		my $begun = $again->(qr/^201$/,
		    sub { $user->api(POST => '/api/media/upload/initiate',
			{ filename => "$$-$n.png", size => length $bytes, type => 'image/png' }) });
		my $put = $begun
		    && $again->(qr/^200$/, sub { $user->request(PUT => $begun->{json}{uploadUrl},
			$bytes, $begun->{json}{fields}) });
		my $done = $put
		    && $again->(qr/^202$/, sub { $user->api(POST => '/api/media/upload/complete',
			{ uploadId => $begun->{json}{uploadId} }) });
		syswrite $out, "$done->{json}{id}\n" if $done;
		sleep $next - time if $next > time;
	}
}

my @readers;
for (1 .. CLIENTS) {
	pipe my $in, my $out or die "pipe: $!";
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		close $in;
		client($out);
		POSIX::_exit(0);
	}
	close $out;
	push @readers, { pid => $pid, in => $in, text => '' };
}

# A worker process of a pool, not its master.
sub kill_pool_worker {
	my ($pool) = @_;
	my $master = $mn->pid($pool) or return;
	my @workers = split ' ', `pgrep -P $master`;
	kill 'KILL', $workers[rand @workers] if @workers;
}

my @victims = (
	(map {
		my $part = $_;
		[$part => sub { $mn->kill_part($part) }];
	} qw(worker postgres redis nginx media store verify)),
	(map {
		my $pool = $_;
		["a process of $pool" => sub { kill_pool_worker($pool) }];
	} qw(media store verify)),
	[worker => sub { $mn->kill_part('worker') }],
	['a process of media' => sub { kill_pool_worker('media') }],
);
my %killed;
my ($next, $at) = (0, time + 1);
while (my @open = grep { !$_->{ended} } @readers) {
	if (time >= $at) {
		my ($name, $kill) = @{ $victims[$next++ % @victims] };
		$killed{$name}++ if eval { $kill->(); 1 };
		$at = time + KILL_EVERY;
	}
	my $bits = '';
	vec($bits, fileno $_->{in}, 1) = 1 for @open;
	select(my $ready = $bits, undef, undef, 0.1) or next;
	for my $reader (grep { vec $ready, fileno $_->{in}, 1 } @open) {
		$reader->{ended} = 1
		    unless sysread $reader->{in}, $reader->{text}, 4096, length $reader->{text};
	}
}
waitpid $_->{pid}, 0 for @readers;
my @accepted = map { split /\n/, $_->{text} } @readers;

note explain \%killed;
cmp_ok scalar(keys %killed), '==', 10, 'each kind of process was killed';
# a slow machine returns 503 for more of them
cmp_ok scalar(@accepted), '>=', UPLOADS / 2, 'most uploads were accepted in spite of it'
    or diag scalar @accepted;
subtest 'worker killed anywhere: each upload has one end' => sub {
	ok $mn->wait_ready, 'the stack recovered';
	settled($mn, SETTLE, @accepted);
	each_once($mn, @accepted);
	my $ready = $mn->psql("SELECT count(*) FROM media WHERE status = 'ready'");
	cmp_ok $ready, '>=', @accepted * 0.95, 'nearly all of them are ready'
	    or diag $mn->psql('SELECT failure_code, failure_message, count(*) FROM media'
		. ' GROUP BY 1, 2');
	$user = $mn->login;
	my $shown = $user->api(GET => "/api/media/$accepted[-1]")->{json};
	is $user->request(GET => $shown->{thumbnails}{320})->{status}, 200, 'a thumbnail is served'
	    if $shown->{status} eq 'ready';
};
done_testing;
