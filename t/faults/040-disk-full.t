#!/usr/bin/perl
# A full disk under the object store: clear refusals, nothing half-written, and everything works
# again when there is room.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use MediaNest::Faults;
use MediaNest::Test;
use Test::More;

use constant { DISK => '90m', LARGE => 6 << 20 }; # the store leaves 64 MiB free

plan skip_all => 'only root can mount a small disk' if $> != 0;
my $mn = MediaNest::Test->stack(private => 1, set => { 'worker.lease' => 3, 'worker.poll' => 200 });
my $user = $mn->admin;
my $objects = "$mn->{var}/data/objects";
my ($uid, $gid) = (stat $objects)[4, 5];
my $first = $user->wait_media($user->upload_bytes('first.png', png(64, 48), 'image/png')->{id});

# The objects move to a small disk of their own.
$mn->stop_part($_) for qw(nginx verify store);
MediaNest::Test::run_output('mv', $objects, "$objects.old");
mkdir $objects;
my $said = MediaNest::Test::run_output(qw(mount -t tmpfs -o),
    'size=' . DISK . ",uid=$uid,gid=$gid,mode=0755", 'tmpfs', $objects);
if ($? != 0) {
	rmdir $objects;
	plan skip_all => "no mount here: $said";
}
END { MediaNest::Test::run_output('umount', '-l', $objects) if $objects && $> == 0 }
MediaNest::Test::run_output('sh', '-c', "cp -a '$objects.old'/. '$objects'/");
$mn->start_part($_) for qw(verify store nginx);
ok $mn->wait_ready, 'ready on a small disk';
is $user->request(GET => $user->api(
    GET => "/api/media/$first->{id}")->{json}{thumbnails}{320})->{status},
    200, 'what was there is there';

subtest 'disk full: the objects of the store' => sub {
	my (@kept, %refused);
	for my $n (1 .. 8) {
		my $bytes = png(64, 48) . 'x' x LARGE;
		my $begun = $user->api(POST => '/api/media/upload/initiate', { filename => "$n.png",
		    size => length $bytes, type => 'image/png' });
		if ($begun->{status} != 201) { $refused{ $begun->{status} }++; next }
		my $put = $user->request(PUT => $begun->{json}{uploadUrl}, $bytes,
		    $begun->{json}{fields});
		if ($put->{status} == 200) {
			push @kept, $begun->{json}
		} else {
			$refused{ $put->{status} }++;
			like $put->{content}, qr/<Code>\w+<\/Code>/, 'an S3 error';
		}
	}
	ok @kept, 'some fit';
	ok %refused, 'some do not';
	is_deeply [grep { !/^(?:503|507)$/ } keys %refused], [], 'those are refused with 503 or 507'
	    or diag explain \%refused;
	is $user->api(GET => '/api/media')->{status}, 200, 'browsing works';

	# Completely full: not even a small body fits.
	MediaNest::Test::run_output('dd', 'if=/dev/zero', "of=$objects/fill", 'bs=1M');
	my $begun = $user->api(POST => '/api/media/upload/initiate', { filename => 'brim.png',
	    size => 300_000, type => 'image/png' });
	my $put = $user->request(PUT => $begun->{json}{uploadUrl}, 'x' x 300_000,
	    $begun->{json}{fields});
	like $put->{status}, qr/^50[37]$/, 'not a byte left: refused' or diag $put->{content};
	is $user->request(GET => $user->api(
	    GET => "/api/media/$first->{id}")->{json}{thumbnails}{320})->{status},
	    200, 'what is there is served';
	unlink "$objects/fill";
	my @stray = grep { !/\.\.?$/ } glob "$objects/.tmp/body/*";
	is scalar(@stray), 0, 'nothing half-written is left' or diag "@stray";

	# Room again: refused uploads can be sent again.
	MediaNest::Test::run_output('mount', '-o', 'remount,size=256m', $objects);
	is $user->wait_media($user->upload_bytes('later.png', png(64, 48),
	    'image/png')->{id})->{status}, 'ready', 'with room again uploads work';
	for my $upload (@kept) {
		is $user->api(POST => '/api/media/upload/complete',
		    { uploadId => $upload->{uploadId} })->{status},
		    202, 'what fitted can be completed';
	}
	settled($mn, 120, map { $_->{mediaId} } @kept);
};
$mn->dev('down');
done_testing;
