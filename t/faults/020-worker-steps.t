#!/usr/bin/perl
# kill -9 of the worker at each step of a job: the job runs again and has one effect.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use DBI;
use MediaNest::Faults;
use MediaNest::Test;
use Test::More;
use Time::HiRes qw(sleep time);

use constant { WATCH => 20, SETTLE => 120, LOOK => 0.002 };

my $mn = MediaNest::Test->stack(private => 1, set => { 'worker.lease' => 2, 'worker.poll' => 100 });
my $user = $mn->admin;
my ($dir, $role) = $mn->{status}{databaseUrl} =~ /host=([^&]+)&user=(\w+)/;
my $db = DBI->connect("dbi:Pg:dbname=medianest;host=$dir", $role, '', { RaiseError => 1 });
my $look = $db->prepare(
    'SELECT count(*) FROM media_events WHERE media_id = ? AND step = ? AND state = ?');
my $running = $db->prepare(
    "SELECT count(*) FROM jobs WHERE payload->>'mediaId' = ? AND state = 'running'");

# A video keeps the worker busy long enough to be caught in the middle.
my $video = "$mn->{var}/clip.mp4";
MediaNest::Test::run_output(qw(ffmpeg -loglevel error -y -f lavfi -i
    testsrc2=size=640x360:rate=25:duration=5 -f lavfi -i sine=duration=5 -c:v libx264 -preset
    ultrafast -c:a aac -shortest), $video);
ok -s $video, 'a video' or BAIL_OUT('ffmpeg made none');
my $bytes = do { open my $in, '<:raw', $video or die; local $/; <$in> };

my @ids;
my @moments = (['claimed', undef],
    map({ ([$_, 'started'], [$_, 'done']) } qw(fetch inspect thumbnails preview store)));
for my $moment (@moments) {
	my ($step, $state) = @$moment;
	# Known beforehand: to ask for it when the moment has come would let the job end first.
	my $worker = wait_until { $mn->pid('worker') } SETTLE, 'a worker';
	# Bytes behind the end of the last box change the hash, not the film.
	my $media = $user->upload_bytes("$step.mp4",
	    $bytes . pack('Na4a*', 8 + 16, 'free', sprintf '%016d', scalar @ids), 'video/mp4');
	push @ids, $media->{id};
	my $seen = 0;
	my $end = time + WATCH;
	until ($seen || time > $end) {
		my $query = $state ? $look : $running;
		$query->execute($media->{id}, $state ? ($step, $state) : ());
		($seen) = $query->fetchrow_array;
		sleep LOOK unless $seen;
	}
	my $name = $state ? "$step $state" : $step;
	ok $seen, "$name: seen" or next;
	kill 'KILL', $worker;
	my $item = $user->wait_media($media->{id}, SETTLE);
	is $item->{status}, 'ready', "$name: ready after the worker was killed"
	    or diag explain $item->{failure};
}
subtest 'worker killed anywhere: at each step, with one effect' => sub {
	settled($mn, SETTLE, @ids);
	each_once($mn, @ids);
	cmp_ok $mn->psql("SELECT count(*) FROM jobs WHERE kind = 'media.process' AND attempt > 1"),
	    '>=', @moments - 3, 'jobs ran again';
	my $left = sub { my @found = glob "$mn->{var}/data/scratch/*"; scalar @found };
	ok eval { wait_until { $left->() == 0 } 30, 'an empty scratch directory' },
	    'nothing is left in the scratch directory'
	    or diag $left->();
};
done_testing;
