#!/usr/bin/perl
# Playback of what browsers do not play: what it becomes, who hears of it, and what happens when the
# item goes, the worker dies, the setting or the limit changes meanwhile.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use MediaNest::Media;
use MediaNest::Processes qw(below_worker);
use MediaNest::Test;
use MediaNest::WebSocket;
use Test::More;

use constant SETTLE => 90;
use constant LOOK => 0.02; # seconds: an encoder may be there for a moment only
use constant SETTINGS => 6; # seconds: a process reads them again after five

my $mn = MediaNest::Test->stack(private => 1, set => { 'worker.poll' => 100 });
my $make = MediaNest::Media->new;
my ($ann, $bob, $cat) = map { $mn->user(role => 'user') } 1 .. 3;
my %id = map { $_->[0] => $_->[1]->api(GET => '/api/auth/session')->{json}{user}{id} }
    [ ann => $ann ], [ bob => $bob ];
my $VIDEO = 'testsrc2=s=320x180:r=25';
my @SOUND = ('-f', 'lavfi', '-i', 'sine=440');
my @X264 = qw(-c:v libx264 -preset ultrafast -pix_fmt yuv420p);

sub clip {
	my ($name, @arguments) = @_;
	MediaNest::Media::ffmpeg('-f', 'lavfi', '-i', $VIDEO, @SOUND, '-t', 3, @arguments,
	    $make->path($name));
	return $make->path($name);
}
# One that takes a while.
sub long { return clip($_[0], '-t', 30, qw(-c:v mpeg4 -c:a libmp3lame)) }
sub upload {
	my ($path, $type) = @_;
	my $item = $ann->wait_media($ann->upload_file($path, $type)->{id}, SETTLE);
	is($item->{status}, 'ready', "$path is ready") or diag explain $item->{failure};
	return $item;
}
sub play { my ($who, $id, $body) = @_; return $who->api(POST => "/api/media/$id/playback", $body) }
sub state_of { my ($who, $id) = @_; return $who->api(GET => "/api/media/$id/playback")->{json} }
sub item { return $ann->api(GET => "/api/media/$_[0]")->{json} }
sub listed {
	my ($id) = @_;
	my $r = $ann->api(GET => '/api/media');
	return (grep { $_->{id} eq $id } @{ $r->{json}{items} })[0]
	    || die "not listed: $r->{content}";
}
sub settle {
	my ($id, $want) = @_;
	return wait_until { my $s = state_of($ann, $id);
		$s->{status} =~ /^(?:$want)$/ && $s } SETTLE, "$want of $id";
}
my $changed = 0; # when
sub set { $changed = time; return $mn->admin->api(PATCH => '/api/admin/settings', {@_}) }
sub in_force { wait_until { time > $changed + SETTINGS } SETTLE, 'the settings to be read'; return }
sub objects { return scalar $mn->psql("SELECT count(*) FROM objects WHERE key ~ '$_[0]'") }
sub jobs { return scalar $mn->psql("SELECT count(*) FROM jobs WHERE kind = 'media.playback' AND"
    . " payload->>'mediaId' = '$_[0]'" . ($_[1] ? " AND $_[1]" : '')) }
sub upkeep {
	in_force();
	is($mn->run_periodic('upkeep.playback'), '', 'upkeep ended well');
	return;
}

# An event about an item.
sub heard {
	my ($ws, $type, $id) = @_;
	while (my $event = $ws->wait_type("media.playback.$type", SETTLE)) {
		return $event if $event->{data}{mediaId} eq $id;
	}
	return { data => {} };
}
sub nothing {
	my ($ws, $id) = @_;
	return !grep { $_->{type} =~ /^media\.playback/ && $_->{data}{mediaId} eq $id }
	    $ws->take(1000, 0.5);
}

# What a URL brings, as ffprobe sees it.
sub probe {
	my ($url, $name) = @_;
	my $r = $mn->client->request(GET => $url);
	is($r->{status}, 200, 'the URL serves it') or return {};
	my $path = $make->spew($name, $r->{content});
	my $found = JSON::PP->new->utf8->decode(MediaNest::Media::run('ffprobe', '-v', 'error',
	    '-of', 'json', '-show_streams', '-show_format', $path));
	my %of = map { $_->{codec_type} => $_ } @{ $found->{streams} };
	return { %of, format => $found->{format}, path => $path };
}

sub encoder { return below_worker($mn, 'ffmpeg') }

# Asks for an item and stops its encoder in the middle.
sub halfway {
	my ($id) = @_;
	is(play($ann, $id)->{status}, 202, 'requested');
	my ($pid, $end) = (undef, time + SETTLE);
	select undef, undef, undef, LOOK until defined($pid = encoder()) || time > $end;
	kill STOP => $pid;
	return $pid;
}

# --- what browsers play
my %file = (
	h264 => upload(clip('a.mp4', @X264, '-c:a', 'aac'), 'video/mp4'),
	mov => upload(clip('a.mov', @X264, '-c:a', 'aac'), 'video/quicktime'),
	ten => upload(clip('ten.mp4', qw(-c:v libx264 -preset ultrafast -pix_fmt yuv420p10le -an)),
	    'video/mp4'),
	mkv => upload(clip('a.mkv', @X264, '-c:a', 'aac'), 'video/x-matroska'),
	avi => upload(long('a.avi'), 'video/x-msvideo'),
	alac => upload(clip('a.m4a', qw(-map 1 -c:a alac -metadata title=Secret)), 'audio/mp4'),
	aiff => upload(clip('a.aiff', qw(-map 1 -c:a pcm_s16be)), 'audio/x-aiff'),
	mp3 => upload(clip('a.mp3', qw(-map 1 -c:a libmp3lame)), 'audio/mpeg'),
	picture => upload($make->picture('a.png', size => '64x48'), 'image/png'),
);
my %word = (h264 => 'original', mov => 'original', mp3 => 'original', ten => 'transcodable',
    mkv => 'transcodable', avi => 'transcodable', alac => 'transcodable',
    aiff => 'transcodable', picture => undef);
is($file{$_}{playback}, $word{$_}, "playback of $_") for sort keys %word;
is(listed($file{avi}{id})->{playback}, 'transcodable', 'lists say it too');
my $r = play($ann, $file{mov}{id});
is($r->{status}, 200, 'a file that browsers play is there at once');
is($r->{json}{contentType}, 'video/mp4', '... QuickTime under the name that they take');
ok(!$r->{json}{transcoded}, '... and it is the file');
like($mn->client->request(GET => $r->{json}{url})->{headers}{'content-type'}, qr{^video/mp4},
    '... sent under it');
is(play($ann, $file{picture}{id})->{status}, 404, 'a picture is not played');

# --- two people at once, a third one who may not see it
my $avi = $file{avi}{id};
is($ann->api(PUT => "/api/media/$avi/shares", { users => [ $id{bob} ] })->{status}, 200, 'shared');
is($ann->api(PATCH => "/api/media/$avi", { visibility => 'shared' })->{status}, 200,
    '... with Bob');
my ($to_ann, $to_bob, $to_cat) = map { MediaNest::WebSocket->open($_) } $ann, $bob, $cat;
my $before = item($avi);
my $used = $ann->api(GET => '/api/users/me')->{json}{storage}{usedBytes};
is(state_of($ann, $avi)->{status}, 'none', 'nothing was begun by looking');
is(play($cat, $avi)->{status}, 404, 'who may not see it may not play it');
my $pid = halfway($avi);
is(play($bob, $avi)->{status}, 202, 'the other asks too');
is(jobs($avi), 1, 'one job for both');
is(state_of($bob, $avi)->{status}, 'running', 'it runs');
kill CONT => $pid;
for my $ws ($to_ann, $to_bob) {
	is(heard($ws, 'ready', $avi)->{data}{mediaId}, $avi, 'told that it is ready');
}
ok(nothing($to_cat, $avi), 'nobody else hears of it');
$r = play($bob, $avi);
is($r->{status}, 200, 'ready for both');
is($r->{json}{contentType}, 'video/mp4', 'MP4');
ok($r->{json}{transcoded}, '... another version');
my $part = $mn->client->request(GET => $r->{json}{url}, undef, { Range => 'bytes=0-1' });
is($part->{status}, 206, 'in ranges, as Safari asks');
is(length $part->{content}, 2, '... two bytes');
my $found = probe($r->{json}{url}, 'out.mp4');
is("$found->{video}{codec_name} $found->{video}{profile} $found->{video}{pix_fmt}",
    'h264 High yuv420p', 'H.264');
is("$found->{video}{width}x$found->{video}{height}", '320x180', 'as large as it was');
is($found->{audio}{codec_name}, 'aac', 'AAC');
cmp_ok(abs($found->{format}{duration} - 30), '<', 0.3, 'as long as it was');
my $bytes = MediaNest::Media::slurp($found->{path});
cmp_ok(index($bytes, 'moov'), '<', index($bytes, 'mdat'), 'begins before all of it is there');
my $after = item($avi);
is($after->{playback}, 'transcoded', 'the item says so');
isnt($after->{etag}, $before->{etag}, '... under another ETag');
is(listed($avi)->{playback}, 'transcoded', '... and the list, whose copy was let go');
is($ann->api(GET => '/api/users/me')->{json}{storage}{usedBytes}, $used, 'it is not the owner\'s');
is(jobs($avi), 1, 'playing makes no more jobs');
is($ann->api(POST => "/api/media/$avi/reprocess")->{status}, 202, 'processed again');
$ann->wait_media($avi, SETTLE);
is(play($ann, $avi)->{status}, 200, '... the version stays');
is($mn->psql("SELECT count(*) FROM media_assets WHERE media_id = '$avi' AND published AND key LIKE"
    . " '%playback.mp4'"), 1, '... with its object');
for my $degrees (90, 0) {
	is($ann->api(PATCH => "/api/media/$avi", { rotation => $degrees })->{status}, 200,
	    "turned to $degrees");
	wait_until { !exists item($avi)->{turnBy} } SETTLE, 'the pictures of the turned item';
	is($mn->psql("SELECT count(*) FROM media_assets WHERE media_id = '$avi' AND published AND"
	    . " key LIKE '%playback.mp4'"), 1, '... and the version is still that of the file');
}

# --- other files
is(play($ann, $file{mkv}{id})->{status}, 202, 'H.264 in Matroska');
is(play($ann, $file{alac}{id})->{status}, 202, 'ALAC');
is(play($ann, $file{ten}{id})->{status}, 202, 'ten bits');
is(play($ann, $file{aiff}{id})->{status}, 202, 'AIFF');
$found = probe(settle($file{mkv}{id}, 'ready')->{url}, 'mkv.mp4');
is("$found->{video}{codec_name} $found->{audio}{codec_name}", 'h264 aac', 'plays');
my $song = settle($file{alac}{id}, 'ready');
is($song->{contentType}, 'audio/mp4', 'a song');
$found = probe($song->{url}, 'song.m4a');
is($found->{audio}{codec_name}, 'aac', '... in AAC');
ok(!exists $found->{format}{tags}{title}, '... without what the file tells of itself');
is(probe(settle($file{aiff}{id}, 'ready')->{url}, 'aiff.m4a')->{audio}{codec_name}, 'aac',
    'AIFF plays');
is(probe(settle($file{ten}{id}, 'ready')->{url}, 'ten-out.mp4')->{video}{pix_fmt}, 'yuv420p',
    'eight bits');
is(play($ann, $file{h264}{id}, { original => JSON::PP::false })->{status}, 202,
    'a browser that does not play what others do gets a version too');
settle($file{h264}{id}, 'ready');

# --- what becomes of files as people have them: name, arguments of ffmpeg, options, what is asked
my $program = MediaNest::Media::program($mn);
sub tool {
	my ($name, $arguments, $options) = @_;
	my $from = $make->path($name);
	MediaNest::Media::ffmpeg(@$arguments, $from) if $arguments;
	my $out = $make->path("$name.out");
	mkdir $out or die "$out: $!";
	my @said = map { JSON::PP->new->utf8->decode($_) } grep { length } split /\n/,
	    MediaNest::Media::run($program, '--out', $out, '--transcode', 1080, '--max-bytes',
		2**30, @$options, $from);
	my $result = $said[-1]{result};
	ok($result->{ok}, "$name is made") or diag explain $result;
	my ($made) = glob "$out/playback.*";
	my $found = JSON::PP->new->utf8->decode(MediaNest::Media::run('ffprobe', '-v', 'error',
	    '-of', 'json', '-show_streams', '-show_format', $made // 'none'));
	my %of = map { $_->{codec_type} => $_ } @{ $found->{streams} };
	return { %of, n => scalar @{ $found->{streams} }, format => $found->{format},
		path => $made };
}
sub size { return "$_[0]{video}{width}x$_[0]{video}{height}" }
sub lasts {
	my ($found, $seconds, $what) = @_;
	cmp_ok(abs($found->{format}{duration} - $seconds), '<', 0.25, "$what: $seconds s")
	    or diag $found->{format}{duration};
	return;
}
my @pattern = qw(-f lavfi -i testsrc2=s=320x180:r=25 -t 2);
my @stereo = qw(-f lavfi -i sine=440);
is(size(tool('tall.avi', [ qw(-f lavfi -i testsrc2=s=180x321:r=25 -t 1 -c:v mpeg4) ], [])),
    '180x320', 'an odd height');
is(size(tool('large.avi', [ @pattern, qw(-c:v mpeg4) ], [ '--transcode', 90 ])), '160x90',
    'the shorter side is bounded');
is(size(tool('turned.mov', [ '-i', $make->video('turn.mp4', seconds => 1, rotate => 90),
    qw(-c copy) ], [ '--no-copy' ])), '360x640', 'turned as it is shown');
my $row = tool('two.mkv', [ @pattern, @stereo, qw(-f lavfi -i sine=880:r=96000 -map 0 -map 1 -map 2
    -c:v mpeg4 -c:a flac -ac 1 -disposition:a:0 0 -disposition:a:1 default -t 2) ], []);
is("$row->{n} $row->{audio}{sample_rate} $row->{audio}{channels}", '2 48000 1',
    'of several the default one, at a rate that players know');
lasts($row, 2, 'several streams');
$row = tool('cinema.mkv', [ @pattern, qw(-f lavfi -i), 'aevalsrc=0|0|0|0|0|0:d=2:c=5.1',
    qw(-c:v mpeg2video -c:a ac3 -t 2) ], []);
is($row->{audio}{channels}, 2, 'six channels become two');
$row = tool('stream.ts', [ @pattern, @stereo, '-t', 2, @X264, qw(-c:a aac -output_ts_offset 100) ],
    []);
is($row->{video}{codec_name}, 'h264', 'a transport stream');
lasts($row, 2, 'one that began long before');
$row = tool('field.mpg', [ @pattern, qw(-vf interlace -c:v mpeg2video -flags +ilme+ildct) ], []);
is($row->{video}{field_order} // 'progressive', 'progressive', 'interlaced no more');
# Ten frames in a second, then one a second.
$row = tool('unsteady.mkv', [ qw(-f lavfi -i testsrc2=s=160x90:r=10:d=5 -vf),
    "select='lt(n,10)+not(mod(n,10))'", qw(-fps_mode vfr -c:v mpeg4) ], []);
my $times = MediaNest::Media::run('ffprobe', '-v', 'error', '-select_streams', 'v', '-of',
    'csv=p=0', '-show_entries', 'frame=pts_time', $row->{path});
is(join(' ', map { sprintf '%.1f', $_ } $times =~ /([\d.]+)/g),
    '0.0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1.0 2.0 3.0 4.0', 'frames come when they came');
$row = tool('hdr.mp4', [ qw(-f lavfi -i color=c=0x808080:s=64x64:r=5:d=1 -vf),
    'format=yuv444p,setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709,'
    . 'zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt2020:t=smpte2084:m=bt2020nc:r=tv:'
    . 'npl=203,format=yuv420p10le', qw(-c:v libx265 -preset ultrafast -x265-params),
    'log-level=none:pools=1:colorprim=bt2020:colormatrix=bt2020nc:transfer=smpte2084' ], []);
is("$row->{video}{pix_fmt} $row->{video}{color_transfer}", 'yuv420p bt709', 'HDR becomes SDR');
my @grey = unpack 'C3', MediaNest::Media::run('ffmpeg', '-v', 'error', '-i', $row->{path}, '-vf',
    'scale=1:1', '-frames:v', 1, '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1');
cmp_ok(abs($_ - 128), '<=', 10, 'as bright as its twin') for @grey;
$row = tool('old.wma', [ @stereo, qw(-t 2 -c:a wmav2) ], []);
is("$row->{n} $row->{audio}{codec_name}", '1 aac', 'Windows Media audio');
lasts($row, 2, 'a song');

# --- it goes while it is made
my $gone = upload(long('gone.avi'), 'video/x-msvideo')->{id};
$pid = halfway($gone);
is($mn->admin->api(DELETE => "/api/media/$gone?purge=true")->{status}, 204, 'purged');
kill CONT => $pid;
wait_until { $mn->psql("SELECT count(*) FROM jobs WHERE payload::text LIKE '%$gone%' AND state <>"
    . " 'done'") == 0 } SETTLE, 'all its jobs';
is(objects("/$gone/"), 0, 'nothing is left of it');
is($mn->psql("SELECT count(*) FROM media_playback WHERE media_id = '$gone'"), 0, '... no row');

# --- the worker dies while it is made; and who lost the right meanwhile does not hear of it
# A socket that nobody has read from for a while is closed.
($to_ann, $to_bob) = map { MediaNest::WebSocket->open($_) } $ann, $bob;
my $killed = upload(long('killed.avi'), 'video/x-msvideo')->{id};
$ann->api(PATCH => "/api/media/$killed", { visibility => 'shared' });
$ann->api(PUT => "/api/media/$killed/shares", { users => [ $id{bob} ] });
halfway($killed);
is(play($bob, $killed)->{status}, 202, 'Bob asks too');
is($ann->api(PUT => "/api/media/$killed/shares", { users => [] })->{status}, 200,
    'no more for Bob');
$mn->kill_part('worker');
wait_until { !encoder() } SETTLE, 'the end of all that it started';
wait_until { $mn->pid('worker') } SETTLE, 'the next worker';
$mn->psql("UPDATE jobs SET lease_until = now() WHERE kind = 'media.playback'"
    . " AND state = 'running'");
is(heard($to_ann, 'ready', $killed)->{data}{mediaId}, $killed, 'the next worker makes it');
is($mn->psql("SELECT attempt FROM jobs WHERE payload->>'mediaId' = '$killed' AND kind ="
    . " 'media.playback'"), 2, '... in a second attempt');
is_deeply([ map { $_->{type} } grep { $_->{type} eq 'media.playback.ready'
    && $_->{data}{mediaId} eq $killed } $to_bob->take(1000, 0.5) ], [],
    'Bob does not hear of it');
is(play($bob, $killed)->{status}, 404, '... nor plays it');

# --- a failure has a reason and can be tried again
my $broken = upload(clip('broken.avi', qw(-c:v mpeg4 -an)), 'video/x-msvideo')->{id};
$mn->psql("UPDATE media SET object_key = object_key || 'x' WHERE id = '$broken'");
is(play($ann, $broken)->{status}, 202, 'a file that is not there');
my $failed = settle($broken, 'failed');
is($failed->{failure}{code}, 'missing', 'why');
is(heard($to_ann, 'failed', $broken)->{data}{failure}{code}, 'missing', 'told');
$mn->psql("UPDATE media SET object_key = left(object_key, -1) WHERE id = '$broken'");
is(state_of($ann, $broken)->{status}, 'failed', 'looking begins nothing');
is(play($ann, $broken)->{status}, 202, 'asked again');
settle($broken, 'ready');

# --- an encoder that this machine does not have
my $hard = upload(clip('hard.avi', qw(-c:v mpeg4 -an)), 'video/x-msvideo')->{id};
is(set('media.transcode_encoder' => 'h264_vaapi')->{status}, 200, 'an encoder is named');
play($ann, $hard);
settle($hard, 'ready');
like($mn->log_text('worker'), qr/libx264 in place of h264_vaapi: \S/, 'software takes its place');
is(set('media.transcode_encoder' => undef)->{status}, 200, '... and is chosen again');

# --- a person does not wait for more than fifty
my $more = upload(clip('more.avi', qw(-c:v mpeg4 -an)), 'video/x-msvideo')->{id};
$mn->psql("WITH made AS (INSERT INTO media (id, owner_id, kind, title, status) SELECT"
    . " gen_random_uuid(), '$id{ann}', 'video', 'waits', 'ready' FROM generate_series(1, 50)"
    . " RETURNING id) INSERT INTO media_playback (media_id, state, asked_by)"
    . " SELECT id, 'waiting', ARRAY['$id{ann}'::uuid] FROM made");
$r = play($ann, $more);
is("$r->{status} $r->{json}{code}", '409 too_many_waiting', 'nobody waits for fifty-one');
$mn->psql("DELETE FROM media WHERE title = 'waits'");
is(play($ann, $more)->{status}, 202, '... but for fewer');
settle($more, 'ready');

# --- switched off while it is made
my $off = upload(long('off.avi'), 'video/x-msvideo')->{id};
$pid = halfway($off);
is(set('media.transcode' => 'off')->{status}, 200, 'off');
in_force();
kill CONT => $pid;
$failed = settle($off, 'ready|failed');
is($failed->{failure}{code}, 'transcoding_off', 'the run ends');
my $none = upload(clip('none.avi', qw(-c:v mpeg4 -an)), 'video/x-msvideo');
is($none->{playback}, 'none', 'nothing to play');
$r = play($ann, $none->{id});
is("$r->{status} $r->{json}{code}", '409 transcoding_off', 'none is made');
is(play($ann, $avi)->{status}, 200, 'what there is still plays');

# --- always
is(set('media.transcode' => 'always')->{status}, 200, 'always');
upkeep();
settle($none->{id}, 'ready');
my $ahead = upload(clip('ahead.avi', qw(-c:v mpeg4 -an)), 'video/x-msvideo')->{id};
is(settle($ahead, 'ready')->{status}, 'ready', 'a new one is made without being asked for');
is($mn->psql("SELECT queue FROM jobs WHERE payload->>'mediaId' = '$ahead' AND kind ="
    . " 'media.playback'"), 'ahead', '... where it keeps nobody waiting');
is(set('media.transcode' => undef)->{status}, 200, 'on demand again');

# --- the limit: those that were not played for long go first, but none that may be playing
is(set('media.transcode_limit' => 1)->{status}, 200, 'room for none');
upkeep();
is(play($ann, $ahead)->{status}, 200, 'what was played lately stays');
my $left = $mn->psql("SELECT size FROM media_playback WHERE media_id = '$ahead'");
is(set('media.transcode_limit' => $left)->{status}, 200, 'room for one');
$mn->psql("UPDATE media_playback SET played_at = now() - interval '1 day'"
    . " - CASE media_id WHEN '$ahead' THEN interval '0' ELSE interval '1 hour' END");
upkeep();
is($mn->psql("SELECT string_agg(media_id::text, ' ') FROM media_playback WHERE state = 'ready'"),
    $ahead, 'the one that was played last is left');
is(objects('playback\.m'), 1, '... of the objects too');
is(item($avi)->{playback}, 'transcodable', 'the others can be made again');

# --- items of before: what their rows say of them is enough
$mn->psql("UPDATE media SET playable = NULL; UPDATE jobs SET payload = '{}' WHERE kind ="
    . " 'upkeep.playback'");
is(state_of($ann, $avi)->{status}, 'none', 'not looked at yet, but known by its metadata');
upkeep();
is($mn->psql("SELECT playable FROM media WHERE id = '$file{$_->[0]}{id}'"), $_->[1], $_->[0])
    for [ h264 => 't' ], [ avi => 'f' ], [ alac => 'f' ], [ mp3 => 't' ], [ picture => '' ];
is(set('media.transcode_limit' => undef)->{status}, 200, 'the usual limit');
done_testing();
