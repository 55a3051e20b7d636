#!/usr/bin/perl
# The player with what the browser does not play: it says what it waits for, plays it when it is
# there, and says why when it cannot be made.
use v5.36;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Browser;
use MediaNest::Media;
use MediaNest::Page qw(:all);
use MediaNest::Processes qw(below_worker);
use MediaNest::Test;
use Test::More;
use Time::HiRes qw(sleep time);

use constant { SETTLE => 90, LOOK => 0.02 };

once_is_enough();
my $artefacts = artefacts("$FindBin::Bin/..");

need_browser();

my $mn = MediaNest::Test->stack(private => 1, set => { 'worker.poll' => 100 });
my $make = MediaNest::Media->new;
my $ann = $mn->user(role => 'user');
my $axe = axe();

sub item ($name, $seconds, @codecs) {
	my $path = $make->path($name);
	MediaNest::Media::ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25', '-f', 'lavfi',
	    '-i', 'sine=440', '-t', $seconds, @codecs, $path);
	my $item = $ann->wait_media($ann->upload_file($path, $name =~ /mp4$/ ? 'video/mp4' :
	    $name =~ /m4a$/ ? 'audio/mp4' : 'video/x-msvideo')->{id}, SETTLE);
	is $item->{status}, 'ready', "$name is there" or diag explain $item;
	return $item->{id};
}

my @MPEG4 = qw(-c:v mpeg4 -c:a libmp3lame);
my %id = (film => item('film.avi', 40, @MPEG4), broken => item('broken.avi', 2, @MPEG4),
    other => item('other.mp4', 2, qw(-c:v mpeg4 -c:a aac)),
    song => item('song.m4a', 2, qw(-map 1 -c:a alac)));
my $b = MediaNest::Browser->start(dir => $make->path('browser'), artefacts => $artefacts);

sub show ($name) { return $b->js('location.hash = arguments[0]', "#/?item=$id{$name}") }
sub plays ($what, $css = '.player video') {
	$b->wait_for($what, sub { $b->seen('.player-bar') && $b->js(<<'JS', $css) }, SETTLE);
		return document.querySelector(arguments[0]).readyState > 0;
JS
	$b->click('.player-bar button[aria-label=Play]');
	$b->wait_for($what, sub { $b->js(<<'JS', $css) }, SETTLE);
		const media = document.querySelector(arguments[0]);
		return media.currentTime > 0.1 && (media.videoWidth ?? 1) > 0;
JS
	return pass $what;
}
sub title_is ($like, $what) {
	$b->wait_for($what, sub { ($b->text('.player-wait-title') // '') =~ $like }, SETTLE);
	return pass $what;
}

sign_in($b, $ann);
subtest 'a film is prepared and plays, wide and light' => sub {
	$b->resize(1280, 900);
	show('film');
	my ($pid, $end) = (undef, time + SETTLE);
	sleep LOOK until defined($pid = below_worker($mn, 'ffmpeg')) || time > $end;
	ok kill(STOP => $pid), 'the encoder is held';
	title_is(qr/^Preparing this video$/, 'it says what it waits for');
	ok !$b->seen('.player-bar'), 'there are no controls yet';
	ok $b->seen('.lightbox [aria-label=Download]'), 'the file can be downloaded meanwhile';
	ok $b->seen('.player-wait progress'), 'with a bar';
	accessible($b, 'preparing', $axe);
	fits($b, 'preparing');
	$b->screenshot("$artefacts/page-transcode-wide.png");
	kill CONT => $pid;
	plays('it plays when it is there');
	ok !$b->count('.player-wait'), 'nothing is in front of it';
	ok $b->seen('.player-bar'), 'the controls are there';
};

subtest 'a failure says why and is tried again, narrow and dark' => sub {
	$mn->psql("UPDATE media SET object_key = object_key || 'x' WHERE id = '$id{broken}'");
	$b->resize(390, 844);
	$b->prefer_dark(1);
	show('broken');
	title_is(qr/^This video can’t be played here$/, 'it says that it failed');
	like $b->text('.player-wait-text'), qr/no longer in storage/, 'why';
	accessible($b, 'a failure', $axe);
	fits($b, 'a failure');
	$b->screenshot("$artefacts/page-transcode-narrow.png");
	$mn->psql("UPDATE media SET object_key = left(object_key, -1) WHERE id = '$id{broken}'");
	show('song');
	plays('a song of another codec, meanwhile', '.player audio');
	show('broken');
	title_is(qr/^This video can’t be played here$/, 'looking again begins nothing');
	$b->js('document.querySelector(".player-wait button").focus()');
	$b->press('Enter');
	plays('tried again by the keyboard, it plays');
};

subtest 'a browser that does not play what others do' => sub {
	$mn->psql("UPDATE media SET playable = true WHERE id = '$id{other}'");
	is $ann->api(GET => "/api/media/$id{other}")->{json}{playback}, 'original',
	    'a file for all';
	show('other');
	title_is(qr/^Preparing this video$/, '... that is prepared all the same');
	plays('... until it plays');
	ok $b->js('return document.querySelector("video").src.includes("playback.mp4")'),
	    '... and plays as another version, not its sound alone';
};

subtest 'switched off' => sub {
	is $mn->admin->api(PATCH => '/api/admin/settings',
	    { 'media.transcode' => 'off' })->{status}, 200, 'off';
	$mn->psql("DELETE FROM media_playback WHERE media_id = '$id{other}';"
	    . " UPDATE media SET playable = false WHERE id = '$id{other}'");
	$b->js('location.hash = "#/"');
	$b->reload;
	$b->find('.grid');
	show('other');
	$b->wait_for('words', sub { ($b->text('.player-note') // '') =~ /short preview/ }, SETTLE);
	pass 'a preview, and where the whole is';
	show('film');
	plays('what there is still plays');
};

# The requests that were refused on purpose.
is_deeply [ console_errors($b, qr/Failed to load resource/) ], [], 'the console is clean';
done_testing;
