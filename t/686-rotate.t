#!/usr/bin/perl
# Photos and videos that people turn: the pictures follow, the file stays, and whatever else happens
# to the item meanwhile, its pictures end as it was turned last.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Media;
use MediaNest::Pictures qw(jpeg_with apple_note quarters_of tiff);
use MediaNest::Test;
use Test::More;

once_is_enough();

# The quarters of the picture, from the left to the right and from above, by how it is turned.
my %SEEN = (0 => 'red lime blue white', 90 => 'blue red white lime', 180 => 'white blue lime red',
    270 => 'lime white red blue');
my $LIVE = '0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9';

my $mn = MediaNest::Test->stack(private => 1);
my $make = MediaNest::Media->new;
my ($ann, $bob, $eve) = map { $mn->user(role => 'user') } 1 .. 3;
my $serial = 0;

sub ff (@arguments) { return MediaNest::Media::ffmpeg(@arguments) }

my @QUARTERS = ('-f', 'lavfi', '-i', 'color=red:s=320x200[a];color=lime:s=320x200[b];'
    . 'color=blue:s=320x200[c];color=white:s=320x200[d];[a][b]hstack[t];[c][d]hstack[u];'
    . '[t][u]vstack');
ff(@QUARTERS, qw(-frames:v 1 -q:v 2 -pix_fmt yuvj444p), $make->path('quarters.jpg'));
my $photo = MediaNest::Media::slurp($make->path('quarters.jpg'));

sub item ($id, $who = $ann) { return $who->api(GET => "/api/media/$id")->{json} }
sub fetched ($url) { return $mn->request(GET => $url)->{content} }
sub original ($id) {
	return fetched($ann->api(GET => "/api/media/$id/file?download=true")->{headers}{location});
}
sub turn ($id, $to, $who = $ann, %headers) {
	return $who->api(PATCH => "/api/media/$id", { rotation => $to }, \%headers);
}
sub turn_by ($by, @ids) {
	return $ann->api(POST => '/api/media/bulk', { ids => \@ids, set => { rotateBy => $by } });
}

sub upload ($bytes, $name = 'turn.jpg', $type = 'image/jpeg') {
	return $ann->upload_bytes($name, $bytes, $type)->{id};
}
sub ready ($id) {
	my $item = $ann->wait_media($id);
	is $item->{status}, 'ready', 'ready' or diag explain $item->{failure};
	return $item;
}

# Waits until the item's pictures are as it is turned.
sub settled ($id) {
	my $item;
	wait_until { ($item = item($id))->{status} eq 'ready' && !$item->{turnBy} } 60, 'pictures';
	return $item;
}

sub seen_in ($url) {
	return quarters_of($make->spew('seen-' . $serial++ . '.webp', fetched($url)));
}
sub seen ($item) { return seen_in($item->{thumbnails}{320}) }

sub size_of ($path) {
	my $said = MediaNest::Media::run('ffprobe', qw(-v error -select_streams v -show_entries),
	    'stream=width,height', qw(-of csv=p=0), $path);
	return $said =~ /(\d+),(\d+)/ ? "$1x$2" : undef;
}

# What is written while no worker runs.
sub without_worker ($code) {
	$mn->stop_part('worker');
	$code->();
	$mn->start_part('worker');
	return;
}

subtest 'a photo' => sub {
	my $before = ready(upload($photo));
	my $id = $before->{id};
	is "$before->{width}x$before->{height}", '640x400', 'its size';
	ok !exists $before->{rotation} && !exists $before->{turnBy}, 'nobody has turned it';
	my $now = turn($id, 90)->{json};
	is $now->{rotation}, 90, 'turned';
	is "$now->{width}x$now->{height}", '400x640', '... its size is told at once';
	is $now->{status}, 'ready', '... and it stays ready';
	my $after = settled($id);
	is seen($after), $SEEN{90}, 'its pictures follow';
	isnt $after->{thumbhash}, $before->{thumbhash}, '... and its placeholder';
	is $after->{sha256}, $before->{sha256}, 'the file is the same';
	ok original($id) eq $photo, '... and comes as it was sent';
	turn($id, 0);
	$after = settled($id);
	is seen($after), $SEEN{0}, 'and back';
	is "$after->{width}x$after->{height}", '640x400', '... with its size';
	is $after->{thumbhash}, $before->{thumbhash}, '... and its placeholder';
	is $mn->psql("SELECT count(*) FROM media_assets WHERE media_id = '$id' AND published"),
	    scalar(keys %{ $after->{thumbnails} }) + 1, 'what was replaced waits to be collected';
};

subtest 'what is refused' => sub {
	my $id = ready(upload($photo))->{id};
	is turn($id, 45)->{status}, 400, 'a turn of 45 degrees';
	is turn($id, 360)->{status}, 400, '... and of 360';
	is turn_by(100, $id)->{json}{items}[0]{status}, 400, '... and by 100';
	is turn($id, 90, $ann, 'If-Match' => '"1"')->{status}, 412, 'a version of before';
	my $song = MediaNest::Media::slurp($make->song('a.mp3'));
	$song = ready(upload($song, 'a.mp3', 'audio/mpeg'));
	is turn($song->{id}, 90)->{json}{code}, 'not_turnable', 'a song';
	is turn($id, 90, $eve)->{status}, 404, 'what one cannot see';
	$ann->api(PUT => "/api/media/$id/shares", { users => [ $bob->{id} ] });
	is turn($id, 90, $bob)->{status}, 403, 'what one sees but has not got';
	turn($id, 90);
	is item($id, $bob)->{rotation}, 90, 'who sees it sees it turned';
	settled($id);
	is seen(item($id, $bob)), $SEEN{90}, '... with its pictures';
	$ann->api(POST => "/api/media/$id/trash", {});
	is turn($id, 180)->{json}{code}, 'in_trash', 'what lies in the trash';
};

subtest 'turns in a row, of several' => sub {
	my @ids = map { ready(upload($photo . 'x' x $_))->{id} } 1, 2;
	my $stale;
	without_worker(sub {
		turn_by(90, @ids);
		$stale = item($ids[0]);
		turn_by(90, @ids);
		turn_by(90, $ids[1]);
	});
	is $stale->{turnBy}, 90, 'until there are new pictures the old ones are to be turned';
	is seen($stale), $SEEN{0}, '... as they are still there';
	is seen(settled($ids[0])), $SEEN{180}, 'twice';
	is seen(settled($ids[1])), $SEEN{270}, 'three times';
	without_worker(sub {
		turn_by(90, $ids[0]);
		turn_by(270, $ids[0]);
	});
	my $item = settled($ids[0]);
	is $item->{rotation}, 180, 'and one that was taken back';
	is seen($item), $SEEN{180}, '... changes nothing';
};

subtest 'while it is processed' => sub {
	my $id;
	without_worker(sub {
		$id = upload($photo . 'early');
		is turn($id, 90)->{status}, 200, 'turned before it is processed';
	});
	ready($id);
	my $item = settled($id);
	is seen($item), $SEEN{90}, 'it comes out turned';
	is "$item->{width}x$item->{height}", '400x640', '... with its size';
	ok original($id) eq "${photo}early", '... and its file';

	# When its pictures have been made, and not been published yet.
	$mn->psql(<<'SQL');
	    CREATE FUNCTION late_turn() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
	    BEGIN UPDATE media SET rotation = 270 WHERE id = NEW.media_id; RETURN NULL; END $$;
	    CREATE TRIGGER late_turn AFTER INSERT ON media_events FOR EACH ROW
	    WHEN (NEW.step = 'store' AND NEW.state = 'started') EXECUTE FUNCTION late_turn();
SQL
	my $late = upload($photo . 'late');
	$item = settled(ready($late)->{id});
	$mn->psql('DROP TRIGGER late_turn ON media_events');
	is $item->{rotation}, 270, 'turned at its end';
	is seen($item), $SEEN{270}, '... its pictures follow';
	is "$item->{width}x$item->{height}", '400x640', '... with its size';

	# And the same while its pictures are turned, where no job was added.
	$mn->psql(<<'SQL');
	    CREATE FUNCTION again_turn() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
	    BEGIN UPDATE media SET rotation = 180, width = height, height = width
	    WHERE id = NEW.media_id AND rotation = 90; RETURN NULL; END $$;
	    CREATE TRIGGER again_turn AFTER INSERT ON media_assets FOR EACH ROW
	    WHEN (NEW.key LIKE 'derived/%') EXECUTE FUNCTION again_turn();
SQL
	turn($late, 90);
	$item = settled($late);
	$mn->psql('DROP TRIGGER again_turn ON media_assets');
	is $item->{rotation}, 180, 'turned while it is turned';
	is seen($item), $SEEN{180}, '... its pictures follow';

	$ann->api(POST => "/api/media/$id/reprocess", {});
	ready($id);
	$item = settled($id);
	is seen($item), $SEEN{90}, 'processed again, it stays turned';
	is "$item->{width}x$item->{height}", '400x640', '... with its size';
	without_worker(sub {
		turn($id, 180);
		$ann->api(POST => "/api/media/$id/reprocess", {});
	});
	ready($id);
	is seen(settled($id)), $SEEN{180}, 'turned and processed again at once';
};

subtest 'a video' => sub {
	ff(map({ $_ eq $QUARTERS[3] ? s/color=(\w+):s/color=$1:r=10:d=1:s/gr : $_ } @QUARTERS),
	    qw(-t 1 -c:v libx264 -preset ultrafast -pix_fmt yuv444p), $make->path('quarters.mp4'));
	my $bytes = MediaNest::Media::slurp($make->path('quarters.mp4'));
	my $id = ready(upload($bytes, 'turn.mp4', 'video/mp4'))->{id};
	turn($id, 90);
	my $item = settled($id);
	is seen($item), $SEEN{90}, 'its picture';
	is seen_in($item->{posterUrl}), $SEEN{90}, 'its poster';
	my $preview = $make->spew('preview.mp4', fetched($item->{previewUrl}));
	is size_of($preview), '400x640', 'its preview';
	my $tile = item($id)->{metadata}{sprite};
	cmp_ok $tile->{tileHeight}, '>', $tile->{tileWidth}, 'its time line';
	ok original($id) eq $bytes, 'and its file as it was sent';
};

subtest 'a live photo' => sub {
	ff('-f', 'lavfi', '-i', 'testsrc2=s=320x240:d=1:r=10', qw(-c:v libx264 -preset ultrafast),
	    '-metadata', "com.apple.quicktime.content.identifier=$LIVE", qw(-movflags
	    use_metadata_tags -f mov), $make->path('live.mov'));
	my $exif = tiff({ entries => [ [ 0x8769, dirs => { entries => [ [ 0x927c,
	    undef => apple_note($LIVE) ] ] } ] ] });
	my $id = ready(upload(jpeg_with($photo, exif => $exif)))->{id};
	my $clip = ready(upload(MediaNest::Media::slurp($make->path('live.mov')), 'live.mov',
	    'video/quicktime'))->{id};
	is item($clip)->{parentId}, $id, 'has a clip';
	turn($id, 270);
	my $item = settled($id);
	is seen($item), $SEEN{270}, 'its picture';
	settled($clip);
	my $url = $ann->api(GET => "/api/media/$id/motion")->{headers}{location};
	is size_of($make->spew('clip.mp4', fetched($url))), '240x320', 'and its clip';
};

subtest 'a motion photo' => sub {
	ff('-f', 'lavfi', '-i', 'testsrc2=s=320x240:d=1:r=10', qw(-c:v libx264 -preset ultrafast
	    -pix_fmt yuv420p), $make->path('clip.mp4'));
	my $id = ready(upload($photo . MediaNest::Media::slurp($make->path('clip.mp4'))))->{id};
	turn($id, 90);
	settled($id);
	my $url = $ann->api(GET => "/api/media/$id/motion")->{headers}{location};
	is size_of($make->spew('motion.mp4', fetched($url))), '240x320', 'its clip turns along';
};

my @dead = $mn->psql("SELECT kind, last_error FROM jobs WHERE state = 'dead'");
is_deeply \@dead, [], 'no job was given up';
done_testing;
