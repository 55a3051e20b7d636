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

once_is_enough();
my $artefacts = artefacts("$FindBin::Bin/..");

need_browser();

my $mn = MediaNest::Test->stack(private => 1, set => { 'worker.poll' => 100 });
my $make = MediaNest::Media->new;
my $ann = $mn->user(role => 'user');

my @SOUND = ('-f', 'lavfi', '-i', 'sine=440');
my @AAC = qw(-c:a aac -b:a 64k);
my @HEVC = (qw(-c:v libx265 -preset ultrafast -x265-params log-level=none:pools=1 -tag:v hvc1),
    @AAC);
my @X264 = qw(-c:v libx264 -preset ultrafast -pix_fmt yuv420p);
my @H264 = (@X264, @AAC);
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

my $AT = '/api/media/links';
my $stranger = $mn->client;
sub link_to ($item, %terms) {
	my $link = $ann->api(POST => $AT, { mediaId => $item->{id}, %terms })->{json};
	($link->{token}) = $link->{url} =~ /t=(.+)/;
	return $link;
}
sub visit ($method, $link, $item, $body = undef) {
	return $stranger->api($method => "$AT/open/$link->{token}/items/$item->{id}/playback",
	    $body);
}
sub jobs ($item) {
	return $mn->psql("SELECT string_agg(queue, ' ') FROM jobs WHERE kind = 'media.playback' AND"
	    . " payload->>'mediaId' = '$item->{id}'");
}
sub seen ($link, $item) {
	return $stranger->api(GET => "$AT/open/$link->{token}/items/$item->{id}")->{json};
}

subtest 'a visitor, by the API' => sub {
	my $item = $file{avi};
	my $link = link_to($item);
	is seen($link, $item)->{playback}, 'transcodable', 'it can be played';
	is visit(GET => $link, $item)->{json}{status}, 'none', 'looking begins nothing';
	is visit(GET => $link, $file{dts})->{status}, 404, 'nothing else is played';
	my $locked = link_to($item, password => 'blue horse');
	is visit(POST => $locked, $item)->{json}{code}, 'link_password', 'nor behind a password';
	my $r = visit(POST => $link, $item);
	is $r->{status}, 202, 'asked for';
	is visit(POST => $link, $item)->{status}, 202, 'twice';
	is jobs($item), 'ahead', 'one job, which moves nobody\'s work aside';
	wait_until { visit(GET => $link, $item)->{json}{status} eq 'ready' } SETTLE, 'the version';
	$r = visit(POST => $link, $item);
	is $r->{status}, 200, 'ready';
	ok $r->{json}{transcoded}, '... another version';
	is $r->{json}{file}, undef, '... and no file';
	like $r->{json}{url}, qr/X-Amz-Expires=900&/, 'whose URL lives shortly';
	unlike $r->{json}{url}, qr/attachment/, '... and is no attachment';
	$r = $stranger->request(GET => $r->{json}{url}, undef, { Range => 'bytes=0-1' });
	is "$r->{status} " . ($r->{headers}{'content-disposition'} // 'shown'), '206 shown',
	    '... nor sent as one';
	is seen($link, $item)->{playback}, 'transcoded', 'the item says so';
	is seen($link, $item)->{fileUrl}, undef, '... without the original';
	is $ann->api(DELETE => "$AT/$link->{id}")->{status}, 204, 'the link is deleted';
	is visit(GET => $link, $item)->{status}, 410, '... and gives no URL any more';
	is visit(POST => $link, $item)->{status}, 410, '... nor begins anything';

	my $plain = link_to($file{av1});
	is seen($plain, $file{av1})->{playback}, undef, 'of what browsers play, the preview alone';
	is visit(POST => $plain, $file{av1}, { original => JSON::PP::false })->{status}, 404,
	    '... whatever a browser says';
	my $whole = link_to($file{hevc}, download => JSON::PP::true);
	like visit(GET => $whole, $file{hevc})->{json}{file}{contentType}, qr/codecs="hvc1/,
	    'with the download, a browser that plays the file gets it';
	is visit(GET => link_to($file{hevc}), $file{hevc})->{json}{file}, undef, '... only then';
};

subtest 'what visitors cannot do' => sub {
	my $item = $file{dts};
	my $link = link_to($item);
	$mn->psql('WITH made AS (INSERT INTO media (id, owner_id, kind, title, status) SELECT'
	    . " gen_random_uuid(), '$ann->{id}', 'video', 'waits', 'ready' FROM"
	    . ' generate_series(1, 10) RETURNING id) INSERT INTO media_playback (media_id, state,'
	    . " asked_by) SELECT id, 'waiting', ARRAY['$ann->{id}'::uuid] FROM made");
	is visit(POST => $link, $item)->{json}{code}, 'too_many_waiting', 'no eleventh one';
	is jobs($item), '', '... has a job';
	$mn->psql("DELETE FROM media WHERE title = 'waits'");
	$mn->psql("INSERT INTO media_playback (media_id, state, failure_code, failure_message)"
	    . " VALUES ('$item->{id}', 'failed', 'unreadable', 'It is damaged.')");
	my $r = visit(POST => $link, $item);
	is "$r->{status} $r->{json}{status}", '202 failed', 'what has failed stays so';
	is jobs($item), '', '... without a job';
	is $mn->psql("DELETE FROM media_playback WHERE media_id = '$item->{id}' RETURNING 1"), 1,
	    'for the next one';
};

my $owner = $b;
# Larger than one part; cheap to make, as it is padded. The second part waits for release().
sub hold {
	$mn->psql(<<'SQL');
CREATE TABLE held ();
CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	WHILE EXISTS (SELECT FROM pg_class WHERE relname = 'held') LOOP PERFORM pg_sleep(0.05);
	END LOOP; RETURN NEW; END $$;
CREATE TRIGGER hold BEFORE INSERT ON object_parts FOR EACH ROW WHEN (NEW.number = 2)
	EXECUTE FUNCTION hold();
SQL
	return;
}
sub release { $mn->psql('DROP TABLE held'); return }
sub uploads ($item) {
	return $mn->psql("SELECT count(*) FROM object_uploads WHERE key LIKE '%/$item->{id}/%'");
}
sub parts ($item) {
	return $mn->psql('SELECT count(*) FROM object_parts p JOIN object_uploads u ON u.id ='
	    . " p.upload_id WHERE u.key LIKE '%/$item->{id}/%'");
}
sub play ($item) { return $ann->api(POST => "/api/media/$item->{id}/playback") }

subtest 'a large version goes in parts, and leaves none behind' => sub {
	my $rate = '170M';
	my @padded = (qw(-x264-params nal-hrd=cbr:filler=1),
	    map { ($_, $rate) } qw(-b:v -minrate -maxrate -bufsize));
	my $item = upload(clip('big.mkv', '-t', 4, '-an', @X264, @padded));
	hold();
	is play($item)->{status}, 202, 'asked for';
	wait_until { parts($item) == 1 } SETTLE, 'the first part';
	pass 'it goes in parts';
	$mn->kill_part('worker');
	wait_until { $mn->pid('worker') } SETTLE, 'the next worker';
	release();
	$mn->psql("UPDATE jobs SET lease_until = now() WHERE kind = 'media.playback' AND state ="
	    . " 'running'");
	my $state = wait_until { my $s = state_of($item); $s->{status} eq 'ready' && $s } SETTLE,
	    'the version';
	is uploads($item), 0, 'what the killed worker left is gone';
	my $size = $mn->psql("SELECT size FROM media_playback WHERE media_id = '$item->{id}'");
	cmp_ok $size, '>', 64 << 20, 'it has several parts';
	my $r = $mn->client->request(GET => $state->{url}, undef,
	    { Range => 'bytes=' . ($size - 2) . '-' });
	is "$r->{status} $r->{headers}{'content-range'}", '206 bytes ' . ($size - 2) . '-'
	    . ($size - 1) . "/$size", 'and all of it is there';

	$mn->psql("CREATE TABLE held (); DELETE FROM media_playback WHERE media_id ="
	    . " '$item->{id}'");
	is play($item)->{status}, 202, 'once more';
	wait_until { parts($item) == 1 } SETTLE, 'the first part';
	is $mn->admin->api(DELETE => "/api/media/$item->{id}?purge=true")->{status}, 204,
	    'purged in the middle';
	release();
	wait_until { $mn->psql("SELECT count(*) FROM jobs WHERE payload::text LIKE '%$item->{id}%'"
	    . " AND state <> 'done'") == 0 } SETTLE, 'all its jobs';
	is uploads($item), 0, 'no parts stay';
	is $mn->psql("SELECT count(*) FROM objects WHERE key LIKE '%/$item->{id}/%'"), 0,
	    '... and no objects';
	$mn->psql('DROP TRIGGER hold ON object_parts; DROP FUNCTION hold()');
};

my $v = $b = MediaNest::Browser->start(dir => $make->path('visitor'), artefacts => $artefacts);
subtest 'a visitor, in the page' => sub {
	my $axe = axe();
	for ([ 390, 0 ], [ 1280, 1 ]) {
		my ($width, $dark) = @$_;
		$v->resize($width, 800);
		$v->prefer_dark($dark);
		$mn->psql("DELETE FROM media_playback WHERE media_id = '$file{dts}{id}'");
		$v->get(link_to($file{dts})->{url});
		$v->wait_for('words', sub {
			($v->text('.player-wait-title') // '') =~ /^Preparing this video/ },
		    SETTLE)
		    if !$dark;
		plays("at $width px the version is waited for, and plays");
		ok is_version(), '... itself';
		ok !$v->count('.player-note:not(:empty)'), '... not a short preview';
		fits($v, "visitor, $width px");
		accessible($v, "visitor, $width px", $axe);
		$v->screenshot("$artefacts/playback-visitor-$width.png");
	}
};

# Those that the browser was wrong about.
is_deeply [ console_errors($_, qr/Failed to load resource|DEMUXER|decode/i) ], [],
    'the console is clean' for $owner, $v;
done_testing;
