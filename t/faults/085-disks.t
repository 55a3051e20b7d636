#!/usr/bin/perl
# Each of the disks is full in turn: the worker's scratch space, the logs', PostgreSQL's, and one
# that has room but no inodes left. Refusals are clear, a full disk is no fault of a file, and
# everything goes on when there is room.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use MediaNest::Faults;
use MediaNest::Test;
use Test::More;

use constant { SETTLE => 90, BACK => 30, TRIES => 40, LEFT => 96 << 10 };

plan skip_all => 'only root can mount a small disk' if $> != 0;
once_is_enough();
my $mn = MediaNest::Test->stack(private => 1, set => { 'worker.lease' => 3, 'worker.poll' => 200 });
my %disk = (scratch => ["$mn->{var}/data/scratch", 'size=16m'],
    objects => ["$mn->{var}/data/objects", 'size=256m,nr_inodes=600'],
    log => ["$mn->{var}/log", 'size=2m'], pg => ["$mn->{var}/pg", 'size=256m']);

# Everything moves to small disks of its own.
$mn->dev('down');
my @mounted;
END { MediaNest::Test::run_output('umount', '-l', $_) for @mounted }
for my $name (sort keys %disk) {
	my ($dir, $size) = @{ $disk{$name} };
	my ($mode, $uid, $gid) = (stat $dir)[2, 4, 5];
	my $options = sprintf '%s,uid=%d,gid=%d,mode=%04o', $size, $uid, $gid, $mode & 07777;
	MediaNest::Test::run_output('mv', $dir, "$dir.old");
	mkdir $dir;
	my $said = MediaNest::Test::run_output('mount', '-t', 'tmpfs', '-o', $options, 'tmpfs',
	    $dir);
	plan skip_all => "no mount here: $said" if $? != 0;
	push @mounted, $dir;
	MediaNest::Test::run_output('sh', '-c', "cp -a '$dir.old'/. '$dir'/");
}
$mn->dev('up');
my $user = $mn->login;

# Leaves so many bytes; returns a sub that makes room again.
sub fill {
	my ($name, $left) = @_;
	my $file = "$disk{$name}[0]/fill";
	my ($free) = MediaNest::Test::run_output('df', '--output=avail', '-B1', $disk{$name}[0])
	    =~ /(\d+)\s*$/;
	MediaNest::Test::run_output('sh', '-c', 'head -c "$1" /dev/zero >"$2"', 'sh',
	    $free - $left, $file);
	return sub { unlink $file };
}
sub film {
	my ($n) = @_;
	my $file = "$mn->{var}/clip.mp4";
	MediaNest::Test::run_output(qw(ffmpeg -loglevel error -y -f lavfi -i
	    testsrc2=size=640x360:rate=25:duration=4 -c:v libx264 -preset ultrafast), $file)
	    unless -s $file;
	open my $in, '<:raw', $file or die "$file: $!";
	my $bytes = do { local $/; <$in> };
	# Bytes behind the end of the last box change the hash, not the film.
	return $bytes . pack 'Na4a*', 8 + 16, 'free', sprintf '%016d', $n;
}
sub attempts {
	my (@ids) = @_;
	return $mn->psql("SELECT count(*) FROM jobs WHERE kind = 'media.process' AND attempt > 0"
	    . " AND last_error IS NOT NULL AND payload->>'mediaId' IN ("
	    . join(',', map { "'$_'" } @ids) . ')') == @ids;
}
sub at_once {
	$mn->psql("UPDATE jobs SET run_at = now() WHERE kind = 'media.process'"
	    . " AND state = 'available'");
	$mn->psql("NOTIFY mn_jobs, 'media'");
	$mn->psql("NOTIFY mn_jobs, 'video'");
}
my @ids;

for my $left (0, LEFT) {
	subtest "disk full: scratch, $left bytes left" => sub {
		my $film = film(scalar @ids);
		my $room = fill(scratch => $left ? $left + length $film : 0);
		my @these = map { $_->{id} } $user->upload_bytes('a.mp4', $film, 'video/mp4'),
		    $left ? () : $user->upload_bytes('a.png', png(64, 48), 'image/png');
		push @ids, @these;
		ok eval { wait_until { attempts(@these) } SETTLE, 'attempts' }, 'they are tried'
		    or diag $mn->psql("SELECT status, failure_code, failure_message FROM media");
		is $user->api(GET => "/api/media/$_")->{json}{status}, 'processing',
		    'a full disk is no fault of the file' for @these;
		$room->();
		at_once();
		for (@these) {
			my $got = $user->wait_media($_, SETTLE);
			is $got->{status}, 'ready', 'and it is ready when there is room'
			    or diag explain $got->{failure};
			ok $got->{kind} ne 'video' || $got->{previewUrl} && $got->{spriteUrl},
			    'with all of its pictures';
		}
		my @left;
		ok eval { wait_until { !(@left = glob "$disk{scratch}[0]/*") } SETTLE, 'room' },
		    'nothing is left there' or diag "@left";
	};
}

subtest 'disk full: no inodes' => sub {
	my $dir = "$disk{objects}[0]/inodes";
	mkdir $dir;
	my $n = 0;
	while (open my $out, '>', "$dir/" . ++$n) { close $out }
	my $begun = $user->api(POST => '/api/media/upload/initiate', { filename => 'a.png',
	    size => 1000, type => 'image/png' })->{json};
	my $put = $user->request(PUT => $begun->{uploadUrl}, 'x' x 1000, $begun->{fields});
	like $put->{status}, qr/^50[37]$/, 'refused' or diag $put->{content};
	ok $put->{headers}{'retry-after'} || $put->{status} == 507, 'and it may be tried again';
	like $user->api(POST => '/api/media/upload/complete',
	    { uploadId => $begun->{uploadId} })->{status}, qr/^4/, 'there is nothing to complete';
	MediaNest::Test::run_output('rm', '-rf', $dir);
	is $user->request(PUT => $begun->{uploadUrl}, 'x' x 1000, $begun->{fields})->{status}, 200,
	    'the same URL works when there are';
	push @ids, $user->upload_bytes('b.png', png(64, 48), 'image/png')->{id};
	is $user->wait_media($ids[-1], SETTLE)->{status}, 'ready', 'uploads work';
};

subtest 'disk full: logs' => sub {
	my $room = fill(log => 0);
	is $user->api(GET => "/api/media?limit=$_")->{status}, 200, 'a request' for 30 .. 60;
	push @ids, $user->upload_bytes('c.png', png(64, 48), 'image/png')->{id};
	is $user->wait_media($ids[-1], SETTLE)->{status}, 'ready', 'an upload';
	$mn->restart_part($_) for 'media', 'worker';
	is $user->api(GET => '/api/media?limit=61')->{status}, 200, 'a pool that starts';
	push @ids, $user->upload_bytes('d.png', png(64, 48), 'image/png')->{id};
	is $user->wait_media($ids[-1], SETTLE)->{status}, 'ready', 'a worker that starts';
	$room->();
	$user->api(GET => '/api/media?limit=62');
	ok eval { wait_until { $mn->log_text('media') =~ /"level"/ } BACK, 'a line' },
	    'lines are written when there is room';
};

subtest 'disk full: PostgreSQL' => sub {
	my $room = fill(pg => 0);
	my (%seen, @begun);
	for my $n (1 .. TRIES) {
		my $got = $user->api(POST => '/api/media/upload/initiate', { filename => "$n.png",
		    size => 1000, type => 'image/png', title => join ' ', map { rand } 1 .. 10 });
		$seen{ $got->{status} }++;
		push @begun, $got->{json}{mediaId} if $got->{status} == 201;
	}
	is_deeply [ grep { !/^(?:201|503|507)$/ } keys %seen ], [],
	    'changes are made, or refused clearly' or diag explain \%seen;
	# What needs room of its own: a table that grows.
	my $grown = eval { $mn->psql('CREATE TABLE grows AS SELECT repeat(md5(i::text), 50)'
	    . ' FROM generate_series(1, 200000) i'); 1 };
	ok !$grown, 'there is no room for more';
	like $user->api(GET => '/api/media?limit=63')->{status}, qr/^(?:200|503)$/, 'a read';
	is $mn->client->api(GET => '/api/health/live')->{status}, 200, 'live';
	$room->();
	ok eval { wait_until { $user->api(GET => '/api/media?limit=64')->{status} == 200 } BACK,
	    'the list' }, 'it recovers by itself';
	ok $mn->wait_ready(BACK), 'and says so';
	is $mn->psql('SELECT count(*) FROM media WHERE id IN ('
	    . join(',', map { "'$_'" } @begun) . ')'), scalar @begun,
	    'what was accepted is there' if @begun;
	push @ids, $user->upload_bytes('e.png', png(64, 48), 'image/png')->{id};
	is $user->wait_media($ids[-1], SETTLE)->{status}, 'ready', 'uploads work';
};

settled($mn, SETTLE, @ids);
each_once($mn, @ids);
$mn->dev('down');
done_testing;
