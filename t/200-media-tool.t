#!/usr/bin/perl
# medianest-media by itself: every format, metadata, thumbnails without location, malicious files.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use File::Basename qw(basename);
use JSON::PP;
use MediaNest::Media;
use MediaNest::Test;
use Time::HiRes qw(time);

my $mn = MediaNest::Test->stack;
my $program = MediaNest::Media::program($mn);
my $make = MediaNest::Media->new;

sub media { return MediaNest::Media::run_media($program, @_) }
sub out_bytes {
	my ($r) = @_;
	return join '', map { MediaNest::Media::slurp($_) } glob "$r->{out}/*";
}
sub assets { my ($r) = @_; return join ' ', map { $_->{name} } @{ $r->{result}{assets} } }

# Width and height of a WebP file, and whether it carries anything but pixels.
sub webp {
	my ($path) = @_;
	my $b = MediaNest::Media::slurp($path);
	return (0, 0, 'no WebP') if substr($b, 0, 4) ne 'RIFF' || substr($b, 8, 4) ne 'WEBP';
	my ($at, $w, $h, @other) = (12);
	while ($at + 8 <= length $b) {
		my ($type, $size) = unpack 'a4V', substr $b, $at, 8;
		my $data = substr $b, $at + 8, $size;
		if ($type eq 'VP8 ') {
			($w, $h) = map { $_ & 0x3fff } unpack 'vv', substr $data, 6, 4;
		}
		elsif ($type eq 'VP8L') {
			my $v = unpack 'V', substr $data, 1, 4;
			($w, $h) = (($v & 0x3fff) + 1, ($v >> 14 & 0x3fff) + 1);
		}
		elsif ($type !~ /^(?:VP8X|ALPH)$/) { push @other, $type }
		$at += 8 + $size + ($size & 1);
	}
	return ($w, $h, "@other");
}

# --- pictures
for my $kind (qw(jpg png webp gif heic avif tif)) {
	my $r = media($make->picture("a.$kind", size => '1000x700'));
	my $result = $r->{result};
	ok($result->{ok}, "$kind is read") or diag(JSON::PP->new->encode($result));
	is($result->{kind}, 'image', "$kind: an image");
	is("$result->{width}x$result->{height}", '1000x700', "$kind: size");
	is(assets($r), '1280.webp 640.webp 320.webp', "$kind: thumbnails");
	my @sizes = map { join 'x', (webp("$r->{out}/$_.webp"))[ 0, 1 ] } 1280, 640, 320;
	is("@sizes", '1000x700 640x448 320x224', "$kind: never wider than the original");
	like($result->{thumbhash} || '', qr{^[A-Za-z0-9+/]{20,50}=*$}, "$kind: placeholder");
}
is(assets(media($make->picture('tiny.png', size => '16x12'))), '320.webp',
    'a tiny picture has one thumbnail');
{
	my $r = media($make->picture('tall.png', size => '400x6000'));
	my ($w, $h) = webp("$r->{out}/320.webp");
	ok($r->{result}{ok} && $h <= 4 * 320,
	    "a very long screenshot has bounded thumbnails: ${w}x$h");
}
for my $kind (qw(gif webp)) {
	my $r = media($make->picture("moving.$kind", animated => 1));
	ok($r->{result}{ok} && $r->{result}{metadata}{frames} > 1,
	    "an animated $kind shows its first frame");
	is("$r->{result}{width}x$r->{result}{height}", '900x600', "... of one frame's size");
}
{
	my $r = media($make->picture('alpha.png', source => 'color=red@0.5:s=300x200,format=rgba',
	    pix_fmt => 'rgba'));
	ok($r->{result}{ok} && $r->{result}{metadata}{transparent}, 'transparency is kept');
}

# --- metadata, and where a photo was taken
{
	my $file = $make->picture('photo.jpg', size => '4000x3000', gps => 1, orientation => 6,
	    offset => '+02:00');
	my $r = media($file);
	my $m = $r->{result}{metadata};
	is("$r->{result}{width}x$r->{result}{height}", '3000x4000',
	    'orientation is honoured in the size');
	my ($w, $h) = webp("$r->{out}/640.webp");
	ok($h > $w, "... and in the thumbnails: ${w}x$h");
	is_deeply($r->{result}{taken}, { source => 'exif', local => '2023-05-06T12:34:56',
	    offset => 120 }, 'taken when');
	is("$m->{camera}{make} $m->{camera}{model}", 'Testcam Model 7', 'camera');
	is($m->{lens}, 'Testlens 28mm', 'lens');
	is("$m->{exposure}{time} $m->{exposure}{aperture} $m->{exposure}{iso} "
	    . "$m->{exposure}{focalLength}",
	    '1/250 2.8 400 4.2', 'exposure');
	ok(abs($m->{gps}{latitude} - 48.8577) < 0.0001
	    && abs($m->{gps}{longitude} - 2.295) < 0.0001,
	    'the place is told in the row');
	my $exif = MediaNest::Media::exif_block(gps => 1, orientation => 6, offset => '+02:00');
	my $coordinates = pack 'V*', 48, 1, 51, 1, 2772, 100;
	ok(index(MediaNest::Media::slurp($file), $coordinates) > 0,
	    'the original has the coordinates');
	my $bytes = out_bytes($r);
	ok(index($bytes, $coordinates) < 0 && $bytes !~ /Exif|GPS|xmp|Testcam|48\.85/i,
	    'no derived file has them, nor anything else of the EXIF or XMP');
	is((webp("$r->{out}/$_.webp"))[2], '', "$_.webp is pixels only") for 1280, 640, 320;
	$r = media($make->picture('noclock.jpg', exif => 1));
	is_deeply($r->{result}{taken}, { source => 'exif', local => '2023-05-06T12:34:56' },
	    'without an offset, the wall clock alone is told');
}

# --- videos
for my $kind (qw(mp4 mov mkv webm avi mpg ogv ts)) {
	my $r = media($make->video("v.$kind"));
	my $result = $r->{result};
	ok($result->{ok}, "$kind is read") or diag(JSON::PP->new->encode($result));
	is($result->{kind}, 'video', "$kind: a video");
	is("$result->{width}x$result->{height}", '640x360', "$kind: size");
	ok(abs($result->{durationMs} - 3000) < 300, "$kind: duration $result->{durationMs}");
	is(assets($r), 'poster.webp 640.webp 320.webp sprite.webp preview.mp4',
	    "$kind: derived files");
	is(scalar(grep { $_->{state} eq 'failed' } @{ $r->{steps} }), 0, "$kind: no step failed");
	ok(@{ $result->{spriteTimes} } > 0 && "@{ $result->{spriteTimes} }" eq join(' ', sort { $a
	    <=> $b } @{ $result->{spriteTimes} }),
	    "$kind: sprite times @{ $result->{spriteTimes} }");
}
{
	my $r = media($make->video('long.mp4', seconds => 150, size => '1280x720', silent => 1,
	    rate => 5, gop => 10));
	my @times = @{ $r->{result}{spriteTimes} };
	is(scalar @times, 12, 'a long video has twelve tiles');
	ok($times[-1] > 120_000, "... over its whole length: @times");
	my ($w, $h) = webp("$r->{out}/sprite.webp");
	is("${w}x$h", '1280x540', '... in four columns');
	my $seconds = MediaNest::Media::run('ffprobe', '-v', 'error', '-show_entries',
	    'format=duration', '-of', 'csv=p=0', "$r->{out}/preview.mp4");
	ok(abs($seconds - 6) < 0.5, "its preview is six seconds: $seconds");
	my $probe = MediaNest::Media::run('ffprobe', '-v', 'error', '-show_entries',
	    'stream=codec_name,codec_type,height', '-of', 'csv=p=0', "$r->{out}/preview.mp4");
	is($probe, "h264,video,480\n", '... 480 lines of H.264, silent');
	like(substr(MediaNest::Media::slurp("$r->{out}/preview.mp4"), 0, 200), qr/moov/,
	    '... which starts at once');
}
{
	my $r = media($make->video('turned.mov', rotate => 90));
	is("$r->{result}{width}x$r->{result}{height}", '360x640', 'rotation is honoured');
	my ($w, $h) = webp("$r->{out}/poster.webp");
	is("${w}x$h", '360x640', '... in the poster');
}
{
	my $r = media($make->video('place.mp4', gps => 1));
	ok(abs($r->{result}{metadata}{gps}{latitude} - 48.8577) < 0.001,
	    'a video tells its place in the row');
	is_deeply($r->{result}{taken}, { source => 'container', at => '2023-05-06T10:34:56.000Z' },
	    '... and its time');
	unlike(out_bytes($r), qr/48\.8577/, '... and nowhere else');
}

# --- songs
for my $kind (qw(mp3 flac ogg opus m4a wav)) {
	my $cover = $kind =~ /^(?:mp3|flac|m4a)$/;
	my $r = media($make->song("s.$kind", cover => $cover));
	my $result = $r->{result};
	my $m = $result->{metadata};
	ok($result->{ok}, "$kind is read") or diag(JSON::PP->new->encode($result));
	is($result->{kind}, 'audio', "$kind: a song");
	ok(abs($result->{durationMs} - 2000) < 200, "$kind: duration $result->{durationMs}");
	is($result->{title}, 'A Song', "$kind: title");
	is(join('|', map { $_ // '' } @$m{qw(artist album genre year track)}),
	    'The Testers|First Run|Jazz|1999|3', "$kind: tags");
	is(scalar @{ $m->{waveform} }, 200, "$kind: waveform");
	ok($m->{waveform}[100] > 0.05 && $m->{waveform}[100] <= 1, "$kind: ... of something");
	is(assets($r), $cover ? 'cover.webp 640.webp 320.webp' : '', "$kind: cover");
}

# --- real files
SKIP: {
	my @files = grep { -s } map { glob
	    "$_/original-files/{pic,movie,audio}*/*" } '/usr/share/forensics-samples';
	skip 'forensics-samples-files is not installed', 1 unless @files;
	for my $file (grep { !/\.(?:xcf|ppm)$|empty/ } @files) {
		my $r = media($file);
		ok($r->{result}{ok}, basename($file) . ' is read')
		    or diag(JSON::PP->new->encode($r->{result}));
	}
	my $r = media(grep { /IMG_20200827/ } @files);
	ok($r->{result}{metadata}{gps} && out_bytes($r) !~ /Exif|Xiaomi/,
	    'a phone photo keeps its place to itself');
}

# --- malicious files
my %expected = ('empty.jpg' => 'empty', 'zeros.jpg' => 'unsupported_type',
    'svg.jpg' => 'unsupported_type', 'html.png' => 'unsupported_type',
	'playlist.mp4' => 'unsupported_type', 'concat.mp4' => 'unsupported_type',
	'bomb.png' => 'too_many_pixels', 'truncated.jpg' => 'truncated',
	'truncated.mp4' => 'truncated', 'document.jpg' => 'unsupported_type',
	    'polyglot.jpg' => undef);
for my $name (MediaNest::Media::hostile_names()) {
	my $file = $make->hostile($name);
	my $began = time;
	my $r = media($file);
	my $took = time - $began;
	is($r->{status}, 0, "$name: no crash");
	ok($took < 30, sprintf '%s: answered after %.1f s', $name, $took);
	if (exists $expected{$name}) {
		is($r->{result}{failure}{code}, $expected{$name},
		    "$name: " . ($expected{$name} || 'harmless'));
	} else {
		ok($r->{result}{ok}
		    || $r->{result}{failure}{code} =~ /^(?:unreadable|truncated|unsupported_type)$/,
		    "$name: " . ($r->{result}{failure}{code} || 'harmless'));
	}
	like($r->{result}{failure}{message}, qr/^[A-Z].{10,200}\.$/, "$name: words for a person")
	    unless $r->{result}{ok};
}
{
	my $r = media($make->picture('wide.png', size => '1200x1000'),
	    arguments => [ '--max-pixels', 1_000_000 ]);
	is($r->{result}{failure}{code}, 'too_many_pixels', 'the limit of pixels is the one given');
}
{
	my $r = media($make->video('slow.mp4', seconds => 60, size => '1280x720', silent => 1,
	    rate => 10),
	    arguments => [ '--timeout', 1 ]);
	ok($r->{status} == 0 && $r->{result}, 'a deadline ends the run');
}
# Nothing but the file is opened: a playlist in a video's clothes that names another file finds it
# unopened.
{
	my $bait = $make->spew('bait.txt', "bait\n");
	utime 1_000_000_000, 1_000_000_000, $bait;
	my $hls = $make->spew('hls.mp4',
	    "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n$bait\n#EXT-X-ENDLIST\n");
	media($hls);
	my $matroska = $make->spew('linked.mkv',
	    "\x1a\x45\xdf\xa3\x9f\x42\x82\x88matroska\x42\x87\x81\x04" . "file:$bait");
	media($matroska);
	is((stat $bait)[8], 1_000_000_000, 'a file that a playlist names is not read');
}
done_testing();
