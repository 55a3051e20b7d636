#!/usr/bin/perl
# A browser that plays more than others gets the file, and no version is made for it; the page asks
# it, and takes the version where the browser was wrong.
use v5.36;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Browser;
use MediaNest::Media;
use MediaNest::Page qw(:all);
use MediaNest::Test;
use Test::More;

use constant SETTLE => 90;

plan skip_all => 'once is enough: the run without sanitizers does it' if $ENV{ASAN_OPTIONS};
my $artefacts = artefacts("$FindBin::Bin/..");

need_browser();

my $mn = MediaNest::Test->stack(private => 1, set => { 'worker.poll' => 100 });
my $make = MediaNest::Media->new;
my $ann = $mn->user(role => 'user');

my @SOUND = ('-f', 'lavfi', '-i', 'sine=440');
my @AAC = qw(-c:a aac -b:a 64k);
my @HEVC = (qw(-c:v libx265 -preset ultrafast -x265-params log-level=none:pools=1 -tag:v hvc1),
    @AAC);
my @H264 = (qw(-c:v libx264 -preset ultrafast -pix_fmt yuv420p), @AAC);
sub clip ($name, @arguments) {
	MediaNest::Media::ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25', @SOUND, '-t', 2,
	    @arguments, $make->path($name));
	return $make->path($name);
}
my %TYPE = (mp4 => 'video/mp4', mov => 'video/quicktime', mkv => 'video/x-matroska',
    webm => 'video/webm', avi => 'video/x-msvideo', m4a => 'audio/mp4', '3gp' => 'video/3gpp');
sub upload ($path) {
	my $item = $ann->wait_media($ann->upload_file($path, $TYPE{ $path =~ s/.*\.//r })->{id},
	    SETTLE);
	is $item->{status}, 'ready', "$path is ready" or diag explain $item->{failure};
	return $item;
}
sub state_of ($item, $query = '') {
	return $ann->api(GET => "/api/media/$item->{id}/playback$query")->{json};
}
sub versions { return $mn->psql('SELECT count(*) FROM media_playback') }

my %file = (
	hevc => upload(clip('a.mp4', @HEVC)),
	mov => upload(clip('a.mov', @HEVC)),
	mkv => upload(clip('a.mkv', @H264)),
	ten => upload(clip('ten.mp4', qw(-c:v libx264 -preset ultrafast -pix_fmt yuv420p10le -an))),
	av1 => upload(clip('av1.mp4', qw(-c:v libsvtav1 -preset 12 -c:a libopus -ac 2))),
	avi => upload(clip('a.avi', qw(-c:v mpeg4 -c:a libmp3lame))),
	dts => upload(clip('dts.mkv', qw(-c:v libx264 -preset ultrafast -c:a mp2))),
	alac => upload(clip('a.m4a', qw(-map 1 -c:a alac))),
);

subtest 'what a file is' => sub {
	my %codecs = (hevc => qr/^hvc1\.1\.6\.L\d+\.[0-9A-F.]+, mp4a\.40\.2$/,
	    mov => qr/^hvc1\.1\.6\.L\d+\.[0-9A-F.]+, mp4a\.40\.2$/,
	    mkv => qr/^avc1\.[0-9A-F]{6}, mp4a\.40\.2$/, ten => qr/^avc1\.6E[0-9A-F]{4}$/,
	    av1 => qr/^av01\.0\.\d\dM\.08, opus$/, avi => undef, dts => undef, alac => qr/^alac$/);
	for my $name (sort keys %codecs) {
		my $got = $file{$name}{metadata}{codecs};
		$codecs{$name} ? like $got, $codecs{$name}, "codecs of $name" :
		    is $got, undef, "codecs of $name are not known";
	}
	is state_of($file{hevc})->{file}{contentType},
	    qq{video/mp4; codecs="$file{hevc}{metadata}{codecs}"}, 'the type to ask a browser with';
	like state_of($file{mov})->{file}{contentType}, qr{^video/mp4; codecs="hvc1\.},
	    'QuickTime, as MP4';
	is state_of($file{alac})->{file}{contentType}, 'audio/mp4; codecs="alac"', 'a song';
	is state_of($file{avi})->{file}, undef, 'unknown stays absent';
	is state_of($file{av1})->{file}, undef, 'what all browsers play needs no question';
	is state_of($file{hevc}, '?original=false')->{file}, undef,
	    'nor has who was refused once another go';
	my $r = $mn->client->request(GET => state_of($file{mov})->{file}{url}, undef,
	    { Range => 'bytes=0-1' });
	is $r->{status}, 206, 'its URL serves it, in ranges';
	is $r->{headers}{'content-type'}, 'video/mp4', '... under the type that was asked';
	is versions(), 0, 'nothing is converted by asking';
	$mn->psql('UPDATE media SET metadata = metadata ||'
	    . qq{ jsonb_build_object('codecs', 'x", y="') WHERE id = '$file{dts}{id}'});
	is state_of($file{dts})->{file}, undef,
	    'a codec that the sandbox should not report is none';
};

my $b = MediaNest::Browser->start(dir => $make->path('browser'), artefacts => $artefacts);
sub show ($name) { return $b->js('location.hash = arguments[0]', "#/?item=$file{$name}{id}") }
sub claims ($word) {
	return $b->js(<<'JS', $word);
		const own = window.ownCanPlayType ??= HTMLMediaElement.prototype.canPlayType;
		const word = arguments[0];
		HTMLMediaElement.prototype.canPlayType = word === null ? own : () => word;
JS
}
sub plays ($what) {
	$b->wait_for($what, sub { $b->seen('.player-bar') && $b->js(<<'JS') }, SETTLE);
		return document.querySelector('.player video')?.readyState > 0;
JS
	$b->click('.player-bar button[aria-label=Play]');
	$b->wait_for($what, sub { $b->js(<<'JS') }, SETTLE);
		const media = document.querySelector('.player video');
		return media.currentTime > 0.1 && media.videoWidth > 0;
JS
	return pass $what;
}
sub is_version {
	return $b->js('return document.querySelector(".player video").src.includes("playback.")');
}

sign_in($b, $ann);

subtest 'a browser that plays it gets the file' => sub {
	show('av1');
	plays('AV1 in MP4');
	ok !is_version(), '... itself';
	claims('probably');
	show('mkv');
	plays('H.264 in Matroska, which this browser plays');
	ok !is_version(), '... itself';
	is versions(), 0, 'nothing was converted';
};

subtest 'one that says so and does not play it gets the version' => sub {
	show('hevc');
	plays('HEVC that fails');
	ok is_version(), '... is the version in the end';
	is versions(), 1, '... made for it';
};

subtest 'one that does not play it gets the version at once' => sub {
	claims(undef);
	show('mov');
	plays('HEVC in QuickTime');
	ok is_version(), '... is the version';
	claims('probably');
	show('ten');
	plays('ten bits');
};

# Those that the browser was wrong about.
is_deeply [ console_errors($b, qr/Failed to load resource|DEMUXER|decode/i) ], [],
    'the console is clean';
done_testing;
