#!/usr/bin/perl
# From upload to ready: photo, video and song through the API, the stored objects, the
# notifications, and malicious files.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Digest::SHA qw(sha256_hex);
use MediaNest::Media;
use MediaNest::S3;
use MediaNest::Test;

my $mn = MediaNest::Test->stack(private => 1, set => { 'worker.poll' => 200,
    'media.sandbox' => 'required' });
my $make = MediaNest::Media->new;
my $user = $mn->user(role => 'user');
my $other = $mn->user(role => 'user');

use constant SETTLE => 90;

sub timeline {
	return map { "$_->{step} $_->{state}" } @{ $user->api(
	    GET => "/api/media/$_[0]/timeline")->{json}{items} }
}
sub objects {
	my @keys = $mn->psql("SELECT key FROM objects WHERE key LIKE '$_[0]' ORDER BY key");
	return @keys;
}
sub get { return $user->request(GET => $_[0])->{content} }

is(MediaNest::Media::slurp("$mn->{var}/run/worker.sandbox"), "bubblewrap\n",
    'files are decoded in the bubblewrap sandbox');

# --- a photo
my $photo = $make->picture('IMG_0001.jpg', size => '2400x1600', gps => 1, offset => '+02:00');
my $media = $user->wait_media($user->upload_file($photo, 'image/jpeg')->{id}, SETTLE);
is($media->{status}, 'ready', 'a photo is ready') or diag explain $media->{failure};
is("$media->{kind} $media->{contentType} $media->{width}x$media->{height}",
    'image image/jpeg 2400x1600', '... with what it is');
is($media->{takenAt}, '2023-05-06T10:34:56.000Z', '... and when it was taken');
is($media->{year}, 2023, '... and the year');
is($media->{sha256}, sha256_hex(MediaNest::Media::slurp($photo)), '... and its hash');
is(join(' ', timeline($media->{id})), 'upload started upload done queue done fetch started fetch '
    . 'done inspect started inspect done thumbnails started '
	. 'thumbnails done store started store done publish done', 'its timeline');
for my $size (320, 640, 1280) {
	my $answer = $user->request(GET => $media->{thumbnails}{$size});
	is($answer->{status}, 200, "thumbnail $size");
	is($answer->{headers}{'content-type'}, 'image/webp', '... is WebP');
	unlike($answer->{content}, qr/EXIF|Testcam|GPS/i, '... of pixels only');
}
ok(abs($media->{metadata}{gps}{latitude} - 48.8577) < 0.001, 'the owner sees the place');
is($user->api(PATCH => "/api/media/$media->{id}", { visibility => 'house' })->{status}, 200,
    'shown to the house');
my $seen = $other->api(GET => "/api/media/$media->{id}")->{json};
ok($seen->{metadata}{camera} && !$seen->{metadata}{gps},
    'another person sees the camera and not the place');
is(scalar(objects('incoming/%')), 0, 'nothing is left under incoming/');
is(scalar(objects("original/$media->{id}/%")), 1, 'one original');
is($mn->psql("SELECT count(*) FROM notifications WHERE data->>'mediaId' = '$media->{id}' AND kind "
    . "= 'media.ready'"),
    1, 'one notification');

# --- again: new objects beside the old ones, which stay for anyone who has their URLs
my ($before) = $mn->psql("SELECT asset_prefix FROM media WHERE id = '$media->{id}'");
is($user->api(POST => "/api/media/$media->{id}/reprocess")->{status}, 202, 'processed again');
wait_until { $user->wait_media($media->{id}, SETTLE)
    && $mn->psql("SELECT asset_prefix FROM media WHERE id = '$media->{id}'") ne $before } SETTLE,
    'new thumbnails';
is($user->api(GET => "/api/media/$media->{id}")->{json}{status}, 'ready', '... and ready');
is(scalar(objects("original/$media->{id}/%")), 1, '... from the original that was there');
is($mn->psql("SELECT count(*) FROM media_assets WHERE media_id = '$media->{id}' AND NOT published"),
    3, '... the old thumbnails wait for collection');
is($mn->psql("SELECT count(*) FROM media_assets WHERE media_id = '$media->{id}' AND published"), 4,
    '... the new ones and the original are published');

# --- a video and a song
my $video = $user->wait_media($user->upload_file($make->video('clip.mov', seconds => 12, gps => 1),
    'video/quicktime')->{id},
    SETTLE);
is("$video->{status} $video->{kind}", 'ready video', 'a video is ready')
    or diag explain $video->{failure};
is(substr(get($video->{previewUrl}), 4, 4), 'ftyp', 'its preview plays');
is(substr(get($video->{posterUrl}), 8, 4), 'WEBP', 'its poster is there');
is(substr(get($video->{spriteUrl}), 8, 4), 'WEBP', 'its sprite too');
ok(@{ $video->{spriteTimes} } >= 6, 'with a time for each tile');
my $song = $user->wait_media(
    $user->upload_file($make->song('track03.mp3', cover => 1), 'audio/mpeg')->{id}, SETTLE);
is("$song->{status} $song->{kind}", 'ready audio', 'a song is ready')
    or diag explain $song->{failure};
is("$song->{title}|$song->{metadata}{artist}|$song->{year}|@{ $song->{genres} }",
    'A Song|The Testers|1999|Jazz', '... with its tags');
is(scalar keys %{ $song->{thumbnails} }, 2, '... and its cover');
is($user->wait_media($user->upload_file($make->song('My name.flac'), 'audio/flac',
    title => 'What I call it')->{id},
    SETTLE)->{title},
    'What I call it',
	'a title that a person gave stays');

# --- what a client claims is a hint only
my $claimed = $user->wait_media($user->upload_bytes('really.mp4',
    MediaNest::Media::slurp($make->picture('really.png')), 'video/mp4')->{id},
    SETTLE);
is("$claimed->{status} $claimed->{kind} $claimed->{contentType}", 'ready image image/png',
    'a picture that claims to be a video is a picture');

# --- the URL of the upload outlives complete: the shown bytes are the hashed ones
$mn->stop_part('worker');
my $one = MediaNest::Media::slurp($make->picture('one.png', source => 'color=red:s=300x200'));
my $two = MediaNest::Media::slurp($make->picture('two.png', source => 'color=blue:s=300x200'));
$_ .= "\0" x (2000 - length $_) for $one, $two;
my $s3 = MediaNest::S3->new($mn);
my $begun = $user->api(POST => '/api/media/upload/initiate', { filename => 'swap.png',
    size => length $one, type => 'image/png' })->{json};
is($user->request(PUT => $begun->{uploadUrl}, $one, $begun->{fields})->{status}, 200, 'put');
is($user->api(POST => '/api/media/upload/complete', { uploadId => $begun->{uploadId} })->{status},
    202, 'complete');
is($user->request(PUT => $begun->{uploadUrl}, $two, $begun->{fields})->{status}, 403,
    'the embedded store takes nothing more');
my $incoming = "/$mn->{status}{storageBucket}/incoming/$begun->{uploadId}";
is($s3->request(PUT => $incoming, body => $two)->{status}, 200, 'a foreign one would');
$mn->start_part('worker');
my $swapped = $user->wait_media($begun->{mediaId}, SETTLE);
my ($key) = objects("original/$begun->{mediaId}/%");
is($s3->request(PUT => $incoming, body => $one)->{status}, 200, 'and again when it is ready');
my $file = $user->api(GET => "/api/media/$begun->{mediaId}/file");
is(sha256_hex(get($file->{headers}{location})), $swapped->{sha256},
    'the file has the hash that the item tells');
is((objects("original/$begun->{mediaId}/%"))[0], $key,
    '... and nothing a client writes replaces it');

# --- an announced hash must match
$mn->stop_part('worker');
my $wrong = $user->upload_bytes('wrong.png', $one, 'image/png');
$mn->psql(
    "UPDATE uploads SET sha256 = decode(repeat('ab', 32), 'hex') WHERE media_id = '$wrong->{id}'");
$mn->start_part('worker');
$wrong = $user->wait_media($wrong->{id}, SETTLE);
is("$wrong->{status} $wrong->{failure}{code}", 'failed checksum_mismatch',
    'another file than was announced');

# --- malicious files, all at once: each ends, the queue goes on
my $bait = $make->spew('bait.txt', 'bait');
utime 1_000_000_000, 1_000_000_000, $bait;
my %hostile = map { ($_ => $make->hostile($_)) }
    grep { $_ ne 'empty.jpg' } MediaNest::Media::hostile_names();
$hostile{'hls.mp4'} = $make->spew('hls.mp4', "#EXTM3U\n#EXTINF:10,\n$bait\n#EXT-X-ENDLIST\n");
my %ids = map { ($_ => $user->upload_file($hostile{$_},
    /mp4|mov/ ? 'video/mp4' : /mp3/ ? 'audio/mpeg' : 'image/jpeg')->{id}) } sort keys %hostile;
my $after = $user->upload_file($make->picture('after.jpg'), 'image/jpeg')->{id};
for my $name (sort keys %ids) {
	my $item = $user->wait_media($ids{$name}, SETTLE);
	if ($item->{status} eq 'failed') {
		ok($item->{failure}{code} =~
		    /^(?:unsupported_type|unreadable|truncated|too_many_pixels|resource_limit)$/
		    && length $item->{failure}{message} > 10,
			"$name: failed, $item->{failure}{code}");
		like(join(' ', timeline($ids{$name})), qr/ (\w+) started \1 failed publish failed$/,
		    "$name: the step that failed says so");
	} else {
		like($name, qr/^(?:polyglot|noise|zeros|truncated)/, "$name: harmless");
		ok(!!$item->{incomplete} == ($name =~ /^truncated/),
		    "$name: what is cut off says that it is");
	}
}
is($user->wait_media($after, SETTLE)->{status}, 'ready', 'what came after them is ready');
is((stat $bait)[8], 1_000_000_000, 'a file that a playlist named was not read');
is($mn->psql(
    "SELECT count(*) FROM jobs WHERE kind = 'media.process' AND (state <> 'done' OR attempt > 1)"),
    0, 'no file was tried twice');

# --- gone is gone
my $admin = $mn->admin;
is($admin->api(DELETE => "/api/media/$media->{id}?purge=true")->{status}, 204, 'purged');
wait_until { !objects("%$media->{id}%") } SETTLE, 'the objects to go';
pass('its objects are gone');
is($mn->psql("SELECT count(*) FROM media_assets WHERE media_id = '$media->{id}'"), 0,
    '... and forgotten');
ok(!glob("$mn->{var}/data/scratch/*"), 'scratch space is empty');
unlike($mn->log_text('worker'), qr/Sanitizer|runtime error/, 'the sanitizers are content');
done_testing();
