#!/usr/bin/perl
# When a photo or a video was taken, from upload to the item: a table of files as cameras, phones,
# messengers and editors write them, and what a person expects of each.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use MediaNest::Exif qw(exif_jpeg);
use MediaNest::Media;
use MediaNest::Test;

use constant SETTLE => 90;

my $mn = MediaNest::Test->stack;
my $make = MediaNest::Media->new;
my $me = $mn->user;
my $serial = 0;

# --- the time zone of a person
sub zone { return $me->api(PATCH => '/api/users/me', { timeZone => $_[0] }) }
ok(!exists $me->api(GET => '/api/users/me')->{json}{timeZone}, 'no time zone at first');
for my $bad ('Europe/Nowhere', 'CEST+3', 'posix/Europe/Berlin', "Europe/Berlin'", '../etc/passwd') {
	my $r = zone($bad);
	is($r->{status}, 400, "no time zone: $bad");
	is($r->{json}{errors}[0]{field}, 'timeZone', '... of the field');
}
for my $known ([ 'asia/calcutta', qr{^Asia/(?:Calcutta|Kolkata)$} ], [ 'UTC', qr/^UTC$/ ],
    [ 'america/buenos_aires', qr{^America/(?:Argentina/)?Buenos_Aires$} ],
    [ 'Europe/Berlin', qr{^Europe/Berlin$} ]) {
	my $r = zone($known->[0]);
	is($r->{status}, 200, "a time zone: $known->[0]") or diag $r->{content};
	like($r->{json}{timeZone}, $known->[1], '... as the database writes it');
}
is($me->api(GET => '/api/users/me')->{json}{timeZone}, 'Europe/Berlin', 'it is kept');

# --- the table
# name, what the file has, more of initiate => wall clock, instant, minutes, source
my @rows = (
	# EXIF
	[ 'its own offset', 'a.jpg', { DateTimeOriginal => '2024:07:01 14:00:00',
	    OffsetTimeOriginal => '-07:00' }, {},
	    '2024-07-01T14:00:00', '2024-07-01T21:00:00.000Z', -420, 'exif' ],
	[ 'OffsetTime where DateTime is the original', 'a.jpg', { DateTime => '2024:07:01 14:00:00',
	    DateTimeOriginal => '2024:07:01 14:00:00', OffsetTime => '+09:00' }, {},
	    '2024-07-01T14:00:00', '2024-07-01T05:00:00.000Z', 540, 'exif' ],
	[ 'OffsetTime of a later edit', 'a.jpg', { DateTime => '2024:08:09 10:11:12',
	    DateTimeOriginal => '2024:07:01 14:00:00', OffsetTime => '+09:00' }, {},
	    '2024-07-01T14:00:00', '2024-07-01T12:00:00.000Z', 120, 'exif' ],
	[ 'an offset in the text', 'a.jpg', { DateTimeOriginal => '2025:01:08 07:18:55+0200' }, {},
	    '2025-01-08T07:18:55', '2025-01-08T05:18:55.000Z', 120, 'exif' ],
	[ 'a damaged original', 'a.jpg', { DateTimeOriginal => '2022:09:02 14:28:',
	    CreateDate => '2022:09:02 14:28:00', OffsetTimeOriginal => '+03:00' }, {},
	    '2022-09-02T14:28:00', '2022-09-02T11:28:00.000Z', 180, 'exif' ],
	[ 'CreateDate alone, in summer', 'a.jpg', { CreateDate => '2019:05:06 07:08:09' }, {},
	    '2019-05-06T07:08:09', '2019-05-06T05:08:09.000Z', 120, 'exif' ],
	[ 'DateTime alone, in winter', 'a.jpg', { DateTime => '2019:12:06 07:08:09' }, {},
	    '2019-12-06T07:08:09', '2019-12-06T06:08:09.000Z', 60, 'exif' ],
	[ 'big-endian, numbers padded with blanks', 'a.jpg', { order => 'MM',
	    DateTimeOriginal => '2009: 1: 2  3: 4: 5' }, {},
	    '2009-01-02T03:04:05', '2009-01-02T02:04:05.000Z', 60, 'exif' ],
	[ 'an hour that the spring leaves out', 'a.jpg',
	    { DateTimeOriginal => '2024:03:31 02:30:00' }, {},
	    '2024-03-31T02:30:00', '2024-03-31T01:30:00.000Z', 60, 'exif' ],
	[ 'an hour that the autumn has twice', 'a.jpg',
	    { DateTimeOriginal => '2024:10:27 02:30:00' }, {},
	    '2024-10-27T02:30:00', '2024-10-27T01:30:00.000Z', 60, 'exif' ],
	[ 'GPS, after midnight', 'a.jpg', { DateTimeOriginal => '2024:07:01 00:30:00',
	    GPSDate => '2024:06:30', GPSTime => [ 14, 30, 0 ] }, {},
	    '2024-07-01T00:30:00', '2024-06-30T14:30:00.000Z', 600, 'exif' ],
	[ 'GPS alone', 'a.jpg', { GPSDate => '2024:06:30', GPSTime => [ 22, 30, 0 ] }, {},
	    '2024-07-01T00:30:00', '2024-06-30T22:30:00.000Z', 120, 'gps' ],
	[ 'EXIF before the name', 'IMG_20120520_101112.jpg',
	    { DateTimeOriginal => '2001:02:03 04:05:06', OffsetTimeOriginal => 'Z' }, {},
	    '2001-02-03T04:05:06', '2001-02-03T04:05:06.000Z', 0, 'exif' ],
	# XMP and IPTC
	[ 'XMP', 'a.jpg', { xmp => '<rdf:Description'
	    . ' exif:DateTimeOriginal="2012-05-20T10:11:12-05:00"'
	    . ' xmlns:exif="http://ns.adobe.com/exif/1.0/"/>' }, {},
	    '2012-05-20T10:11:12', '2012-05-20T15:11:12.000Z', -300, 'xmp' ],
	[ 'XMP of a scan before its last change', 'a.jpg', { DateTime => '2023:01:02 03:04:05',
	    xmp => '<rdf:Description photoshop:DateCreated="1974-05-20"'
	    . ' xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"/>' }, {},
	    '1974-05-20T12:00:00', '1974-05-20T11:00:00.000Z', 60, 'xmp' ],
	[ 'IPTC', 'a.jpg', { iptc => { 55 => '20120520', 60 => '101112+0200' } }, {},
	    '2012-05-20T10:11:12', '2012-05-20T08:11:12.000Z', 120, 'iptc' ],
	[ 'an IPTC day', 'a.jpg', { iptc => { 55 => '20120520' } }, {},
	    '2012-05-20T12:00:00', '2012-05-20T10:00:00.000Z', 120, 'iptc' ],
	# names
	[ 'WhatsApp', 'IMG-20240117-WA0003.jpg', {}, {},
	    '2024-01-17T12:00:00', '2024-01-17T11:00:00.000Z', 60, 'name' ],
	[ 'a screenshot', 'Screenshot_20230705-101112.jpg', {}, {},
	    '2023-07-05T10:11:12', '2023-07-05T08:11:12.000Z', 120, 'name' ],
	[ 'a Pixel, which counts in UTC', 'PXL_20230815_223456789.jpg', {}, {},
	    '2023-08-16T00:34:56', '2023-08-15T22:34:56.000Z', 120, 'name' ],
	[ 'Unix milliseconds', '1705500000000.jpg', {}, {},
	    '2024-01-17T15:00:00', '2024-01-17T14:00:00.000Z', 60, 'name' ],
	[ 'Signal, before what the client says', 'signal-2023-01-05-101112.jpg', {},
	    { modifiedAt => '2011-06-05T04:03:02Z' },
	    '2023-01-05T10:11:12', '2023-01-05T09:11:12.000Z', 60, 'name' ],
	[ 'a name in a folder', 'Camera/VID_2020/IMG_20200203_040506.jpg', {}, {},
	    '2020-02-03T04:05:06', '2020-02-03T03:05:06.000Z', 60, 'name' ],
	# the client
	[ 'the client', 'a.jpg', {}, { modifiedAt => '2011-06-05T04:03:02Z' },
	    '2011-06-05T06:03:02', '2011-06-05T04:03:02.000Z', 120, 'modified' ],
	[ 'the client, in another zone', 'a.jpg', {}, { modifiedAt => '2011-06-05T23:03:02-05:00' },
	    '2011-06-06T06:03:02', '2011-06-06T04:03:02.000Z', 120, 'modified' ],
	[ 'the client, before a broken date', 'a.jpg',
	    { DateTimeOriginal => '0000:00:00 00:00:00' },
	    { modifiedAt => '2011-06-05T04:03:02Z' },
	    '2011-06-05T06:03:02', '2011-06-05T04:03:02.000Z', 120, 'modified' ],
	[ 'a camera whose clock is years ahead', 'a.jpg',
	    { DateTimeOriginal => '2099:01:01 00:00:00' },
	    { modifiedAt => '2011-06-05T04:03:02Z' },
	    '2011-06-05T06:03:02', '2011-06-05T04:03:02.000Z', 120, 'modified' ],
);

my $jpeg = MediaNest::Media::slurp($make->picture('base.jpg', size => '64x48'));

# Each file once: the same bytes twice would be one item.
sub begin {
	my ($client, $name, $tags, $more) = @_;
	my $bytes = exif_jpeg($jpeg, %$tags);
	return $client->upload_bytes($name, $bytes . pack('N', ++$serial), 'image/jpeg',
	    %{ $more // {} })->{id};
}
sub found {
	my ($m) = @_;
	return join ' ', map { $_ // 'unknown' } @$m{qw(takenAtLocal takenAt takenAtOffset
	    takenAtSource)};
}

my @ids = map { begin($me, @$_[1 .. 3]) } @rows;
for my $i (0 .. $#rows) {
	my ($what, @want) = @{ $rows[$i] }[0, 4 .. 7];
	my $m = $me->wait_media($ids[$i], SETTLE);
	is(found($m), "@want", $what);
	is($m->{year}, substr($want[0], 0, 4), "$what: the year is that of the wall clock");
}

# --- videos
my @videos = (
	[ 'Apple', 'mov', [ '-movflags', 'use_metadata_tags', '-metadata',
	    'com.apple.quicktime.creationdate=2024-07-01T00:30:00-0300', '-metadata',
	    'creation_time=2024-07-01T03:30:00Z' ],
	    '2024-07-01T00:30:00', '2024-07-01T03:30:00.000Z', -180, 'container' ],
	[ 'everybody else', 'mp4', [ '-metadata', 'creation_time=2023-12-31T23:30:00Z' ],
	    '2024-01-01T00:30:00', '2023-12-31T23:30:00.000Z', 60, 'container' ],
	[ 'Matroska', 'mkv', [ '-metadata', 'creation_time=2023-07-31T23:30:00Z' ],
	    '2023-08-01T01:30:00', '2023-07-31T23:30:00.000Z', 120, 'container' ],
);
for my $row (@videos) {
	my ($what, $kind, $tags, @want) = @$row;
	my $path = $make->path("$what.$kind");
	MediaNest::Media::ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=5:d=1', '-c:v', 'libx264',
	    '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', @$tags, $path);
	my $type = { mov => 'video/quicktime', mp4 => 'video/mp4', mkv => 'video/x-matroska' }
	    ->{$kind};
	my $m = $me->wait_media($me->upload_file($path, $type,
	    modifiedAt => '2011-06-05T04:03:02Z')->{id}, SETTLE);
	is(found($m), "@want", "a video: $what");
}
{
	my $path = $make->path('VID_20230715_101112.mp4');
	MediaNest::Media::ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=5:d=1', '-c:v', 'libx264',
	    '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', $path);
	my $m = $me->wait_media($me->upload_file($path, 'video/mp4')->{id}, SETTLE);
	is(found($m), '2023-07-15T10:11:12 2023-07-15T08:11:12.000Z 120 name',
	    'a video without a date: its name');
}

# --- nothing at all, and nobody's zone
{
	my $nowhere = $mn->user;
	my $m = $nowhere->wait_media(begin($nowhere, 'a.jpg', {}), SETTLE);
	is($m->{takenAtSource}, 'uploaded', 'no date at all: that of the upload');
	is($m->{takenAt}, $m->{createdAt}, '... which is the instant');
	$m = $nowhere->wait_media(begin($nowhere, 'a.jpg',
	    { DateTimeOriginal => '2024:07:01 14:00:00' }), SETTLE);
	is(found($m), '2024-07-01T14:00:00 2024-07-01T14:00:00.000Z unknown exif',
	    'without a zone, the wall clock counts as UTC, and the offset is unknown');
	my $path = $make->song('IMG_20120520_101112.mp3');
	my $song = $nowhere->wait_media($nowhere->upload_file($path, 'audio/mpeg')->{id}, SETTLE);
	ok(!defined $song->{takenAt} && $song->{year} == 1999, 'a song is not taken');
}

# --- the order is that of the wall clock
{
	my $other = $mn->user;
	my %of = (east => [ '2024:07:01 08:00:00', '+09:00' ], # 30 June, 23:00 of UTC
	    west => [ '2024:06:30 20:00:00', '-07:00' ],       # 1 July, 03:00 of UTC
	    utc => [ '2024:07:01 01:00:00', '+00:00' ]);
	my %id = map { $_ => begin($other, "$_.jpg", { DateTimeOriginal => $of{$_}[0],
	    OffsetTimeOriginal => $of{$_}[1] }) } sort keys %of;
	$other->wait_media($_, SETTLE) for values %id;
	my $order = sub {
		my ($client, $more) = @_;
		my $list = $client->api(GET => "/api/media?sort=taken&scope=library$more")->{json};
		my %name = reverse %id;
		return join ' ', map { $name{ $_->{id} } // () } @{ $list->{items} };
	};
	is($order->($other, ''), 'east utc west', 'the order of the wall clock');
	my $own = "&owner=$other->{id}"; # others upload for everyone meanwhile
	my $first = $other->api(GET => "/api/media?sort=taken&scope=library&limit=1$own")->{json};
	is($order->($other, "$own&cursor=$first->{page}{nextCursor}"), 'utc west',
	    '... page by page');
	is($order->($other, "&after=$id{utc}"), 'west', '... behind an item');
	$other->api(PUT => "/api/media/$_/shares", { users => [ $me->{id} ] }) for values %id;
	is($order->($me, '&limit=100'), 'east utc west', '... of what others share');
	$other->api(PATCH => "/api/media/$id{west}", { takenAtLocal => '2024-07-02T00:00:00' });
	is($order->($me, '&limit=100'), 'west east utc', '... which follows a change');
}

# --- a file beside it
sub sidecar {
	my ($client, $id, $text) = @_;
	return $client->api(PUT => "/api/media/$id/sidecar", { text => $text });
}
use constant XMP => '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description'
    . ' exif:DateTimeOriginal="2010-02-03T04:05:06+05:30"/></x:xmpmeta>';
{
	my $id = begin($me, 'a.jpg', { DateTimeOriginal => '2001:02:03 04:05:06' });
	$me->wait_media($id, SETTLE);
	is(sidecar($mn->user, $id, XMP)->{status}, 404, 'a sidecar of an item that is not seen');
	is(sidecar($me, $id, XMP)->{status}, 202, 'a sidecar');
	is(found($me->wait_media($id, SETTLE)),
	    '2010-02-03T04:05:06 2010-02-02T22:35:06.000Z 330 sidecar', 'counts before the file');
	is(sidecar($me, $id, '{"photoTakenTime":{"timestamp":"1720000000"}}')->{status}, 202,
	    "Takeout's");
	is(found($me->wait_media($id, SETTLE)),
	    '2024-07-03T11:46:40 2024-07-03T09:46:40.000Z 120 sidecar', '... is an instant');
	is(sidecar($me, $id, 'nothing')->{status}, 202, 'one that says nothing');
	is(found($me->wait_media($id, SETTLE)),
	    '2001-02-03T04:05:06 2001-02-03T03:05:06.000Z 60 exif', '... leaves it to the file');
	my $begun = $me->api(POST => '/api/media/upload/initiate', { filename => 'b.jpg',
	    size => length $jpeg, type => 'image/jpeg' })->{json};
	is(sidecar($me, $begun->{mediaId}, XMP)->{status}, 202, 'before the upload is complete');
	$me->request(PUT => $begun->{uploadUrl}, $jpeg, $begun->{fields});
	$me->api(POST => '/api/media/upload/complete', { uploadId => $begun->{uploadId} });
	is($me->wait_media($begun->{mediaId}, SETTLE)->{takenAtSource}, 'sidecar', '... it counts');
}

# --- a person knows better
sub edit {
	my ($id, $body) = @_;
	my $r = $me->api(PATCH => "/api/media/$id", $body);
	is($r->{status}, 200, 'edited') or diag $r->{content};
	return found($r->{json});
}
my %by = map { $rows[$_][0] => $ids[$_] } 0 .. $#rows;
{
	my $id = $by{'its own offset'};
	is(edit($id, { takenAtLocal => '2024-12-24T18:00:00' }),
	    '2024-12-24T18:00:00 2024-12-25T01:00:00.000Z -420 person', 'an offset stays');
	is(edit($id, { takenAt => '2024-12-31T23:00:00+01:00' }),
	    '2024-12-31T15:00:00 2024-12-31T22:00:00.000Z -420 person', '... also for an instant');
	is($me->api(GET => "/api/media/$id")->{json}{year}, 2024, '... and the year follows');
	is(edit($id, { takenAtOffset => 120 }),
	    '2024-12-31T15:00:00 2024-12-31T13:00:00.000Z 120 person',
	    'a new offset keeps the wall clock');
	is(edit($id, { takenAtLocal => '2000-01-01T00:30:00', takenAtOffset => 345 }),
	    '2000-01-01T00:30:00 1999-12-31T18:45:00.000Z 345 person', 'both');
	is(edit($id, { takenAtOffset => undef }),
	    '2000-01-01T00:30:00 1999-12-31T23:30:00.000Z 60 person', 'back into the own zone');
	is(edit($id, { takenAt => undef }), 'unknown unknown unknown unknown', 'nobody knows');
	$me->api(POST => "/api/media/$id/reprocess");
	$me->wait_media($id, SETTLE);
	is(found($me->api(GET => "/api/media/$id")->{json}), 'unknown unknown unknown unknown',
	    '... and the file says nothing against it');
	is($me->api(PATCH => "/api/media/$id", { takenAtOffset => 60 })->{json}{code}, 'no_date',
	    'no offset without a date');
}
{
	my $id = $by{'CreateDate alone, in summer'};
	is(edit($id, { takenAtLocal => '2019-12-06T07:08:09' }),
	    '2019-12-06T07:08:09 2019-12-06T06:08:09.000Z 60 person',
	    'moved into the winter, the zone has winter time');
	for my $bad ({ takenAtLocal => '2019-12-06 07:08:09' },
	    { takenAtLocal => '2019-02-30T07:08:09' },
	    { takenAtLocal => '2019-12-06T07:08:09', takenAt => '2019-12-06T07:08:09Z' },
	    { takenAtOffset => 1081 }, { takenAt => undef, takenAtOffset => 60 },
	    { takenAtLocal => '9999-12-31T23:59:59' }) {
		is($me->api(PATCH => "/api/media/$id", $bad)->{status}, 400,
		    'refused: ' . join ' ', map { "$_=" . ($bad->{$_} // 'null') } sort keys %$bad);
	}
	$me->api(POST => "/api/media/$id/reprocess");
	$me->wait_media($id, SETTLE);
	is(found($me->api(GET => "/api/media/$id")->{json}),
	    '2019-12-06T07:08:09 2019-12-06T06:08:09.000Z 60 person', 'a file overrules nobody');
}
{
	my $id = $by{'DateTime alone, in winter'};
	zone('America/New_York');
	$me->api(POST => "/api/media/$id/reprocess");
	wait_until { found($me->wait_media($id, SETTLE)) eq
	    '2019-12-06T07:08:09 2019-12-06T12:08:09.000Z -300 exif' } SETTLE,
	    'what is processed again is in the zone of now';
	pass('what is processed again is in the zone of now');
}

# --- many at once
sub bulk {
	my ($client, $body, $headers) = @_;
	return $client->api(POST => '/api/media/bulk', $body, $headers);
}
sub statuses { return join ' ', map { $_->{status} } @{ $_[0]{json}{items} // [] } }
{
	my $her = $mn->user;
	my @mine = map { begin($her, 'a.jpg', { DateTimeOriginal => "2024:07:0$_ 14:00:00",
	    OffsetTimeOriginal => $_ == 1 ? '-07:00' : '+02:00' }) } 1 .. 2;
	my $dateless = begin($her, 'a.jpg', {});
	my $hidden = $by{XMP};
	$her->wait_media($_, SETTLE) for @mine, $dateless;
	$her->api(PATCH => "/api/media/$dateless", { takenAt => undef });
	my $dates = sub { return join ', ', map { found($her->api(GET => "/api/media/$_")->{json}) }
	    @mine };
	my $shift = { ids => [ @mine, $hidden, $dateless ], set => { takenShiftSeconds => -3600 } };
	my $key = { 'Idempotency-Key' => 'one-hour-back' };
	for my $time ('once', 'once, although it was sent again') {
		is(statuses(bulk($her, $shift, $key)), '200 200 404 409',
		    "each has its answer: $time");
		is($dates->(), '2024-07-01T13:00:00 2024-07-01T20:00:00.000Z -420 person, '
		    . '2024-07-02T13:00:00 2024-07-02T11:00:00.000Z 120 person', "shifted $time");
	}
	is(statuses(bulk($her, { ids => \@mine, set => { takenAtLocal => '2012-05-20T10:11:12',
	    addTags => [ 'beach', 'Sea' ], visibility => 'house' } })), '200 200', 'set');
	is($dates->(), '2012-05-20T10:11:12 2012-05-20T17:11:12.000Z -420 person, '
	    . '2012-05-20T10:11:12 2012-05-20T08:11:12.000Z 120 person', 'each keeps its offset');
	is(statuses(bulk($her, { ids => \@mine, set => { addTags => ['sun'],
	    removeTags => ['BEACH'] } })), '200 200', 'tags');
	my $m = $her->api(GET => "/api/media/$mine[0]")->{json};
	is("@{ $m->{tags} } $m->{visibility}", 'Sea sun house', '... added and removed');
	is(statuses(bulk($mn->user, { ids => \@mine, set => { takenShiftSeconds => 1 } })),
	    '403 403', 'who can see them only, changes nothing');
	for my $bad ({ ids => [ @mine, $mine[0] ], set => { takenShiftSeconds => 1 } },
	    { ids => \@mine }, { ids => \@mine, set => {} }, { ids => [], trash => JSON::PP::true },
	    { ids => \@mine, set => { takenShiftSeconds => 1, takenAtOffset => 60 } },
	    { ids => \@mine, set => { takenShiftSeconds => 3155760001 } }) {
		is(bulk($her, $bad)->{status}, 400, 'refused');
	}
	is(statuses(bulk($her, { ids => \@mine, trash => JSON::PP::true })), '200 200', 'trashed');
	is(statuses(bulk($her, { ids => \@mine, set => { takenShiftSeconds => 1 } })), '409 409',
	    'what is in the trash does not change');
}

# --- what was uploaded before all this
{
	my $old = $mn->user;
	$old->api(PATCH => '/api/users/me', { timeZone => 'Asia/Kolkata' });
	my $add = sub {
		my ($name, $kind, $taken, $metadata, $modified) = @_;
		return $mn->psql('INSERT INTO media (id, owner_id, kind, title, status, filename,'
		    . ' taken_at, metadata, object_key, file_modified_at) VALUES'
		    . " (gen_random_uuid(), '$old->{id}', '$kind', 'x', 'ready', '$name', "
		    . ($taken ? "'$taken'" : 'NULL') . ", '$metadata', 'original/x/' ||"
		    . ' gen_random_uuid(), ' . ($modified ? "'$modified'" : 'NULL')
		    . ') RETURNING id');
	};
	my @old = (
		[ 'an offset', 'a.jpg', 'image', '2024-07-01T12:00:00Z',
		    '{"takenAtLocal":"2024-07-01T14:00:00","takenAtOffset":"+02:00"}', undef,
		    '2024-07-01T14:00:00 2024-07-01T12:00:00.000Z 120 exif' ],
		[ 'none: the own zone', 'a.jpg', 'image', '2024-07-01T14:00:00Z',
		    '{"takenAtLocal":"2024-07-01T14:00:00"}', undef,
		    '2024-07-01T14:00:00 2024-07-01T08:30:00.000Z 330 exif' ],
		[ 'a person', 'a.jpg', 'image', '2020-02-03T04:05:06Z',
		    '{"takenAtLocal":"2024-07-01T14:00:00"}', undef,
		    '2020-02-03T09:35:06 2020-02-03T04:05:06.000Z 330 person' ],
		[ 'a person, where the file said nothing', 'IMG-20240117-WA0003.jpg', 'image',
		    '2020-02-03T04:05:06Z', '{}', undef,
		    '2020-02-03T09:35:06 2020-02-03T04:05:06.000Z 330 person' ],
		[ 'a video', 'a.mp4', 'video', '2020-02-03T04:05:06Z', '{"takenAtOffset":"-03:00"}',
		    undef, '2020-02-03T01:05:06 2020-02-03T04:05:06.000Z -180 container' ],
		[ 'a name', 'IMG-20240117-WA0003.jpg', 'image', undef, '{}', undef,
		    '2024-01-17T12:00:00 2024-01-17T06:30:00.000Z 330 name' ],
	);
	my @made = map { $add->(@$_[1 .. 5]) } @old;
	$mn->psql("UPDATE jobs SET run_at = now() WHERE kind = 'upkeep.dates'; NOTIFY mn_jobs,"
	    . " 'upkeep'");
	wait_until { !$mn->psql("SELECT 1 FROM media WHERE owner_id = '$old->{id}' AND"
	    . ' taken_source IS NULL LIMIT 1') } SETTLE, 'dates of old uploads';
	is(found($old->api(GET => "/api/media/$made[$_]")->{json}), $old[$_][6],
	    "an old upload: $old[$_][0]") for 0 .. $#old;
}

# --- another time zone
{
	my $mover = $mn->user;
	my $to = sub { $mover->api(PATCH => '/api/users/me', { timeZone => $_[0] }) };
	my $at = '2024-07-01';
	my @of = ( # what the file has, and its date in Berlin, in Tokyo
		[ 'a wall clock', 'a.jpg', { DateTimeOriginal => '2024:07:01 14:00:00' }, {},
		    "${at}T14:00:00 ${at}T12:00:00.000Z 120 exif",
		    "${at}T14:00:00 ${at}T05:00:00.000Z 540 exif" ],
		[ 'an instant', 'a.jpg', {}, { modifiedAt => '2024-07-01T12:00:00Z' },
		    "${at}T14:00:00 ${at}T12:00:00.000Z 120 modified",
		    "${at}T21:00:00 ${at}T12:00:00.000Z 540 modified" ],
		[ 'a name that counts in UTC', 'PXL_20240701_120000000.jpg', {}, {},
		    "${at}T14:00:00 ${at}T12:00:00.000Z 120 name",
		    "${at}T21:00:00 ${at}T12:00:00.000Z 540 name" ],
		[ 'an offset of its own', 'a.jpg', { DateTimeOriginal => '2024:07:01 14:00:00',
		    OffsetTimeOriginal => '+02:00' }, {},
		    "${at}T14:00:00 ${at}T12:00:00.000Z 120 exif",
		    "${at}T14:00:00 ${at}T12:00:00.000Z 120 exif" ],
		[ 'an edit', 'a.jpg', { DateTimeOriginal => '2020:07:01 14:00:00' }, {},
		    "${at}T14:00:00 ${at}T12:00:00.000Z 120 person",
		    "${at}T14:00:00 ${at}T12:00:00.000Z 120 person" ],
	);
	$to->('Europe/Berlin');
	my @ids = map { begin($mover, @$_[1 .. 3]) } @of;
	$mover->wait_media($_, SETTLE) for @ids;
	$mover->api(PATCH => "/api/media/$ids[4]", { takenAtLocal => '2024-07-01T14:00:00' });
	my $dates = sub { join '; ', map {
		found($mover->api(GET => "/api/media/$_")->{json}) } @ids };
	my $trash = $ids[0];
	$mover->api(POST => "/api/media/$trash/trash");
	is($dates->(), join('; ', map { $_->[4] } @of), 'dates in one zone');
	# two changes at once, of which the last one counts
	$to->('America/New_York');
	$to->('Asia/Tokyo');
	my $want = join '; ', map { $_->[5] } @of;
	my $now;
	eval { wait_until { ($now = $dates->()) eq $want } SETTLE, 'the new zone' };
	is($now, $want, 'in another one: what the zone completed follows, nothing else');
	wait_until { !$mn->psql("SELECT 1 FROM jobs WHERE kind = 'media.zone' AND state IN"
	    . " ('available', 'running') AND payload->>'userId' = '$mover->{id}'") } SETTLE,
	    'the jobs';
	$to->('Asia/Tokyo');
	is($mn->psql("SELECT count(*) FROM jobs WHERE kind = 'media.zone' AND state IN"
	    . " ('available', 'running') AND payload->>'userId' = '$mover->{id}'"), 0,
	    'the same zone again wants no job');
	$mn->psql("UPDATE users SET time_zone = 'Europe/Berlin' WHERE id = '$mover->{id}';"
	    . ' INSERT INTO media (id, owner_id, kind, title, status, taken_at, taken_local,'
	    . ' taken_offset, taken_source, taken_by_wall) SELECT gen_random_uuid(),'
	    . " '$mover->{id}', 'image', 'many', 'ready', '2024-07-01T05:00:00Z',"
	    . " '2024-07-01T14:00:00', 540, 'exif', true FROM generate_series(1, 1201)");
	$to->('Asia/Kolkata');
	my $left;
	eval { wait_until { !($left = $mn->psql("SELECT count(*) FROM media WHERE owner_id ="
	    . " '$mover->{id}' AND title = 'many' AND (taken_offset <> 330"
	    . " OR taken_at <> '2024-07-01T08:30:00Z')")) } SETTLE, 'many items' };
	is($left, 0, 'of many items, all');
	is($mover->api(GET => '/api/media/months?scope=own')->{json}{items}[0]{month}, '2024-07',
	    'their months are counted');
}

done_testing;
