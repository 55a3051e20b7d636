#!/usr/bin/perl
# A worker that is frozen in the middle of jobs, longer than their leases, while another one takes
# them over; then it goes on where it was, and finds that they are no longer its own.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use MediaNest::Faults;
use MediaNest::Test;
use Test::More;

use constant SETTLE => 120;

my $mn = MediaNest::Test->stack(private => 1, set => { 'worker.lease' => 2, 'worker.poll' => 100 });
my $user = $mn->admin;
my $build = $ENV{MEDIANEST_DEV_BUILD} // "$FindBin::Bin/../../build";

# The worker with all that it has started.
sub family {
	my @all = my @now = @_;
	while (@now = map { split ' ', `pgrep -P $_` } @now) { push @all, @now }
	return @all;
}
sub comm {
	my ($pid) = @_;
	open my $in, '<', "/proc/$pid/comm" or return '';
	return <$in> // '';
}
sub leases { return $mn->psql("SELECT payload->>'mediaId' || ' ' || lease FROM jobs"
    . " WHERE kind = 'media.process' AND state = 'running'") }

# A film keeps the worker busy long enough to be caught in the middle.
my $file = "$mn->{var}/clip.mp4";
MediaNest::Test::run_output(qw(ffmpeg -loglevel error -y -f lavfi -i
    testsrc2=size=640x360:rate=25:duration=5 -c:v libx264 -preset ultrafast), $file);
my $film = do { open my $in, '<:raw', $file or die "$file: $!"; local $/; <$in> };
my $worker = $mn->pid('worker');
my @ids = map { $_->{id} } $user->upload_bytes('a.png', png(500, 500), 'image/png'),
    $user->upload_bytes('a.mp4', $film, 'video/mp4');
wait_until { leases() } SETTLE, 'a job that runs';
my @frozen = family($worker);
kill 'STOP', @frozen;
my @held = leases();
my @decoders = grep { comm($_) =~ /^(?:bwrap|ffmpeg|medianest-media)/ } @frozen;
ok @held, 'a worker is frozen with ' . @held . ' jobs' or BAIL_OUT('none was caught');

my ($second) = other_worker($mn, "$build/medianest-worker", 'second');
subtest 'worker killed anywhere: frozen past its leases, and thawed' => sub {
	settled($mn, SETTLE, @ids);
	my $other = $mn->psql("SELECT count(*) FROM jobs WHERE kind = 'media.process'"
	    . " AND state = 'done' AND payload->>'mediaId' IN ("
	    . join(',', map { "'" . (split)[0] . "'" } @held) . ')');
	is $other, scalar @held, 'another worker has done what it held';
	my $before = $mn->psql('SELECT count(*) FROM notifications');
	kill 'CONT', @frozen;
	# It notices, leaves them, and works on: what comes now is done by either.
	kill 'TERM', $second;
	waitpid $second, 0;
	push @ids, $user->upload_bytes('after.png', png(64, 48), 'image/png')->{id};
	is $user->wait_media($ids[-1], SETTLE)->{status}, 'ready', 'it works on';
	wait_until { !leases() && !grep { comm($_) ne '' } @decoders } SETTLE,
	    'the end of its jobs';
	is $mn->psql('SELECT count(*) FROM notifications'), $before + 1, 'nothing is told again';
	each_once($mn, @ids);
	is $mn->psql('SELECT count(*) FROM media_assets WHERE published AND size = 0'), 0,
	    'nor is anything written over';
};
kill 'CONT', @frozen;
done_testing;
