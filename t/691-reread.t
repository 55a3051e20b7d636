#!/usr/bin/perl
# What an earlier version read is read again: zones, places and people come to items of before, what
# people edited stays, and nothing else waits for it. Turned items whose job was given up get their
# pictures later.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use MediaNest::Exif qw(exif_jpeg);
use MediaNest::Media;
use MediaNest::Test;
use Test::More;

use constant { SETTLE => 90, DATA => '/usr/share/libtimezonemap/ui', TOKYO => [ 35.68, 139.69 ] };

plan skip_all => 'once is enough: the run without sanitizers does it' if $ENV{ASAN_OPTIONS};
-r DATA . '/cities15000.txt' or plan skip_all => 'libtimezonemap-data is not installed';

my $mn = MediaNest::Test->stack(private => 1, set => { 'media.places_data' => DATA });
my $make = MediaNest::Media->new;
my ($super, $ann) = ($mn->admin, $mn->user(role => 'user'));
my $jpeg = MediaNest::Media::slurp($make->picture('base.jpg', size => '80x60'));
my $serial = 0;

sub version_here {
	my $header = "$FindBin::Bin/../src/model/media.h";
	return MediaNest::Media::slurp($header) =~ /^#define MEDIA_READER_VERSION (\d+)$/m ? $1 : 0;
}
sub regions (@names) {
	return '<rdf:Description xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/'
	    . 'regions/"><mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:RegionList><rdf:Bag>'
	    . join('', map { qq(<rdf:li><rdf:Description mwg-rs:Name="$_" mwg-rs:Type="Face"/>)
	    . '</rdf:li>' } @names)
	    . '</rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions></rdf:Description>';
}
sub row ($id, $columns) { return $mn->psql("SELECT $columns FROM media WHERE id = '$id'") }
sub item ($id) { return $ann->api(GET => "/api/media/$id")->{json} }
sub ready ($id) {
	my $item = $ann->wait_media($id, SETTLE);
	is $item->{status}, 'ready', 'ready' or diag explain $item->{failure};
	return $id;
}
# A photo of two people, made in Tokyo at an instant.
sub photo {
	return $ann->upload_bytes('photo.jpg', exif_jpeg($jpeg, GPS => TOKYO,
	    GPSDate => '2024:06:30', GPSTime => [ 14, 30, 0 ], xmp => regions(qw(Ann Bob)))
	    . pack('N', ++$serial), 'image/jpeg')->{id};
}
# As a version left it that knew neither places nor people.
sub of_before ($id) {
	$mn->psql("UPDATE media SET read_by = 0, metadata = metadata - 'gps', tags = '{}',"
	    . " people = '{}', people_found = '{}', taken_local = taken_at AT TIME ZONE 'UTC',"
	    . " taken_offset = 0, taken_by_wall = NULL WHERE id = '$id'");
	return $id;
}
sub older (@ids) {
	return $mn->psql('UPDATE media SET read_by = 0 WHERE id IN ('
	    . join(', ', map { "'$_'" } @ids) . ')');
}
sub job ($columns) {
	return $mn->psql("SELECT $columns FROM jobs WHERE unique_key = 'every:media.reread'");
}
# Has the job run now, from the first item on; returns what it failed with, or ''.
sub reread ($attempt = 0) {
	$mn->psql("UPDATE jobs SET run_at = now(), finished_at = NULL, last_error = NULL,"
	    . " payload = '{}', attempt = $attempt WHERE kind = 'media.reread';"
	    . " NOTIFY mn_jobs, 'reread'");
	wait_until { job("state = 'available' AND (finished_at IS NOT NULL OR last_error IS NOT"
	    . ' NULL)') eq 't' } SETTLE, 'a run';
	return job("coalesce(last_error, '')");
}
sub read_by ($id) { return row($id, 'read_by') }

wait_until { !!$mn->psql('SELECT 1 FROM city_source WHERE seen_to IS NULL') } SETTLE, 'cities';
$ann->api(PATCH => '/api/users/me', { timeZone => 'Europe/Berlin' });
my $NOW = version_here();

subtest 'an item of before' => sub {
	my $id = ready(photo());
	is read_by($id), $NOW, 'a new item is of this version';
	my $made = row($id, 'asset_prefix');
	my $whole = item($id);
	of_before($id);
	is reread(), '', 'the job runs';
	is read_by($id), $NOW, 'it has been read again';
	my $now = item($id);
	is_deeply $now->{people}, [ 'Ann', 'Bob' ], 'the people in it';
	is_deeply $now->{tags}, [ 'Ann', 'Bob' ], '... are tags';
	is $now->{takenAtLocal}, '2024-06-30T23:30:00', 'the wall clock of its place';
	is $now->{place}{name}, $whole->{place}{name}, 'its place';
	is row($id, 'asset_prefix'), $made, 'its thumbnails are those of before';
	is_deeply $now->{$_}, $whole->{$_}, "the same: $_" for qw(title width height thumbhash
	    metadata takenAt takenAtSource year);
	is job("payload ? 'progress'"), 'f', 'nothing is left';
	older($id);
	reread();
	is read_by($id), $NOW, 'read again where nothing is new';
	is item($id)->{etag}, $now->{etag}, '... it is the same version of the item';
};

subtest 'what people edited stays' => sub {
	my $id = ready(photo());
	$ann->api(PUT => "/api/media/$id/tags", { tags => [ 'Ann', 'sea' ] });
	my $edit = $ann->api(PATCH => "/api/media/$id", { title => 'photo', year => 1999,
	    takenAtLocal => '2001-02-03T04:05:06' });
	is $edit->{status}, 200, 'edited' or diag $edit->{content};
	my $before = item($id);
	older($id);
	reread();
	is read_by($id), $NOW, 'read again';
	my $now = item($id);
	is_deeply $now->{$_}, $before->{$_}, "as it was: $_" for sort keys %$before;
	$mn->psql("UPDATE media SET read_by = 0, metadata = metadata - 'gps' WHERE id = '$id'");
	reread();
	is_deeply item($id)->{$_}, $before->{$_}, "... where the file says more than before: $_"
	    for qw(tags people title year takenAt takenAtLocal takenAtSource place);
};

subtest 'music and videos' => sub {
	my $song = ready($ann->upload_bytes('song.mp3', MediaNest::Media::slurp(
	    $make->song('song.mp3', tags => { title => 'Sung', genre => 'Folk' })),
	    'audio/mpeg')->{id});
	my $video = ready($ann->upload_bytes('clip.mp4', MediaNest::Media::slurp(
	    $make->video('clip.mp4')), 'video/mp4')->{id});
	my %was = map { ($_ => row($_, 'metadata, asset_prefix, duration_ms, sprite_times, title,'
	    . ' taken_at, year')) } $song, $video;
	like $was{$song}, qr/waveform/, 'a song has an outline';
	like $was{$video}, qr/sprite/, 'a video has a time line';
	older($song, $video);
	reread();
	for my $id ($song, $video) {
		is read_by($id), $NOW, 'read again';
		is row($id, 'metadata, asset_prefix, duration_ms, sprite_times, title, taken_at,'
		    . ' year'), $was{$id}, '... with all that was made of it';
	}
	$ann->api(PATCH => "/api/media/$song", { genres => [], title => 'song' });
	older($song);
	reread();
	is_deeply item($song)->{genres} // [], [], 'genres that a person removed stay removed';
	is item($song)->{title}, 'song', 'a title that a person wrote stays, even the file\'s name';
};

subtest 'what cannot be read' => sub {
	my ($lost, $trashed, $other) = map { of_before(ready($_)) } map { photo() } 1 .. 3;
	$mn->psql("UPDATE media SET object_key = object_key || 'x' WHERE id = '$lost'");
	$ann->api(POST => "/api/media/$trashed/trash", {});
	is reread(), '', 'the job runs';
	is read_by($other), $NOW, 'the others are read';
	is row($lost, 'status, read_by, failure_code'), 'ready|0|',
	    'one whose file is not there is as it was, and waits';
	is row($trashed, 'status, read_by, tags'), 'trashed|0|{}', 'one in the trash too';
	cmp_ok job("(payload ->> 'again')::bigint"), '>', 0, 'the next walk is later';
	my ($shown) = @{ $super->api(GET => '/api/admin/jobs?kind=media.reread')->{json}{items} };
	is $shown->{progress}{left}, 1, 'the list of jobs says how many are left';
	$mn->psql("UPDATE media SET object_key = left(object_key, -1) WHERE id = '$lost'");
	$ann->api(POST => "/api/media/$trashed/restore", {});
	reread();
	is_deeply item($_)->{people}, [ 'Ann', 'Bob' ], 'read when it is there'
	    for $lost, $trashed;
	older($lost, $other);
	my ($first) = sort $lost, $other;
	reread(1);
	is read_by($first), 0, 'an item at which a run has failed is left out';
	is read_by($first eq $lost ? $other : $lost), $NOW, '... and the next one is read';
	reread();
	is read_by($first), $NOW, '... until the next walk';
};

subtest 'a store that is away' => sub {
	my $id = of_before(ready(photo()));
	$mn->stop_part('verify');
	my $before = row($id, '*');
	isnt reread(), '', 'the run fails';
	is row($id, '*'), $before, '... and nothing changes';
	$mn->start_part('verify');
	wait_until { reread() eq '' } SETTLE, 'the store';
	is_deeply item($id)->{people}, [ 'Ann', 'Bob' ], 'read when it is back';
};

subtest 'a house that does not want it' => sub {
	my $id = of_before(ready(photo()));
	my $set = sub ($on) {
		return $super->api(PATCH => '/api/admin/settings', { 'media.reread' => $on });
	};
	my $off = $set->(JSON::PP::false());
	is $off->{status}, 200, 'off' or diag $off->{content};
	reread();
	is read_by($id), 0, 'nothing is read';
	$set->(undef);
	wait_until { reread(); read_by($id) == $NOW } SETTLE, 'on again';
};

subtest 'uploads come first' => sub {
	my @old = map { of_before(ready($_)) } map { photo() } 1 .. 3;
	for my $queue (qw(media video playback)) {
		$mn->psql("INSERT INTO jobs (id, kind, queue, payload, state, lease, lease_until,"
		    . " run_at, max_attempts) VALUES (gen_random_uuid(), 'media.process',"
		    . " '$queue', '{}', 'running', gen_random_uuid(), now() + interval '1 hour',"
		    . " now(), 1)");
		reread();
		is_deeply [ map { read_by($_) } @old ], [ 0, 0, 0 ], "a job of $queue runs";
		$mn->psql("DELETE FROM jobs WHERE kind = 'media.process' AND payload = '{}'");
	}
	$mn->stop_part('worker');
	my @new = map { photo() } 1 .. 4;
	$mn->psql("UPDATE jobs SET run_at = now() - interval '1 hour', payload = '{}' WHERE kind ="
	    . " 'media.reread'");
	$mn->start_part('worker');
	ready($_) for @new;
	wait_until { reread(); !grep { read_by($_) != $NOW } @old } SETTLE, 'the older ones';
	is $mn->psql('SELECT min(m.updated_at) > max(j.finished_at) FROM media m, jobs j WHERE'
	    . ' m.id IN (' . join(', ', map { "'$_'" } @old) . ") AND j.kind = 'media.process'"),
	    't', 'each upload that waited was ready before the first of them was read';
};

subtest 'the index' => sub {
	my $left = $mn->psql('EXPLAIN SELECT id FROM media WHERE id > gen_random_uuid() AND read_by'
	    . " < $NOW AND status = 'ready' AND object_key IS NOT NULL ORDER BY id LIMIT 1");
	like $left, qr/media_older/, 'the next item is found by one that is of this version';
};

done_testing;
