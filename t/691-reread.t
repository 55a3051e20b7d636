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

once_is_enough();
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
	like $mn->psql("SELECT pg_get_indexdef('media_older'::regclass)"), qr/read_by < $NOW\)/,
	    'the next item is found by one that is of this version';
};

# A turn whose job waits, until the worker is back.
sub turned ($id, $degrees) {
	$mn->stop_part('worker');
	$ann->api(PATCH => "/api/media/$id", { rotation => $degrees });
	return;
}
sub stuck ($id) { return row($id, 'rotation <> made_rotation') eq 't' }
sub turn_job ($id, $columns) {
	return $mn->psql("SELECT $columns FROM jobs WHERE kind = 'media.turn' AND payload ->>"
	    . " 'mediaId' = '$id' AND state <> 'done'");
}

subtest 'a turned item whose job was given up' => sub {
	my $id = ready(photo());
	turned($id, 90);
	$mn->psql("UPDATE jobs SET attempt = max_attempts - 1 WHERE unique_key = 'turn:$id'");
	$mn->stop_part('verify');
	$mn->start_part('worker');
	wait_until { turn_job($id, 'state') eq 'dead' } SETTLE, 'the last attempt';
	$mn->start_part('verify');
	wait_until { $mn->request(GET => item($id)->{thumbnails}{320})->{status} == 200 } SETTLE,
	    'the store';
	ok stuck($id), 'its pictures are the old ones';
	is $mn->run_periodic('upkeep.turns'), '', 'upkeep';
	is turn_job($id, 'count(*)'), 1, '... does not try it at once';
	ok stuck($id), '... so they stay';
	$mn->psql("UPDATE jobs SET finished_at = now() - interval '61 minutes' WHERE state ="
	    . " 'dead'");
	is $mn->run_periodic('upkeep.turns'), '', 'an hour later';
	wait_until { !stuck($id) } SETTLE, 'the pictures';
	is row($id, 'made_rotation'), 90, '... they are made';
	is $mn->run_periodic('upkeep.turns'), '', 'and then';
	is $mn->psql("SELECT count(*) FROM jobs WHERE kind = 'media.turn' AND state ="
	    . " 'available'"), 0, '... there is nothing to do';
};

# What one publication finds of another one of the same person that is not over.
subtest 'two that look alike' => sub {
	my ($first, $second) = map { ready(photo()) } 1 .. 2;
	$ann->api(PATCH => "/api/media/$second", { rotation => 180 });
	wait_until { !stuck($second) } SETTLE, 'its pictures';
	my $look = $mn->psql("SELECT look FROM media_looks WHERE media_id = '$second'");
	turned($first, 180);
	$mn->psql("DELETE FROM media_looks WHERE owner_id = '$ann->{id}'");
	open my $other, '|-', 'psql', qw(-qXAt -o /dev/null -d), $mn->{status}{databaseUrl}
	    or die "psql: $!";
	$other->autoflush;
	print {$other} "BEGIN; SELECT FROM users WHERE id = '$ann->{id}' FOR NO KEY UPDATE;"
	    . ' INSERT INTO media_looks (media_id, owner_id, look, group_id) VALUES'
	    . " ('$second', '$ann->{id}', $look, '$second'); SET LOCAL application_name ="
	    . " 'another publication';\n";
	wait_until { $mn->psql("SELECT count(*) FROM pg_stat_activity WHERE application_name ="
	    . " 'another publication'") == 1 } SETTLE, 'the other one';
	$mn->start_part('worker');
	wait_until { $mn->psql('SELECT count(*) FROM pg_stat_activity WHERE'
	    . " cardinality(pg_blocking_pids(pid)) > 0") > 0 || !stuck($first) } SETTLE, 'both';
	ok stuck($first), 'a turned item waits until another publication is over';
	$mn->psql("SET lock_timeout = '5s'; SELECT FROM media WHERE id = '$first' FOR UPDATE");
	pass 'and holds no item meanwhile';
	print {$other} "COMMIT;\n";
	close $other;
	wait_until { !stuck($first) } SETTLE, 'the pictures';
	is $mn->psql("SELECT group_id FROM media_looks WHERE media_id = '$first'"), $second,
	    'so it finds what the other one has found';
};

subtest 'a turned item that is purged, and one that is turned twice' => sub {
	my ($gone, $twice) = map { ready(photo()) } 1 .. 2;
	turned($gone, 90);
	$ann->api(PATCH => "/api/media/$twice", { rotation => 90 });
	$mn->psql("BEGIN; UPDATE jobs SET unique_key = NULL WHERE unique_key = 'turn:$twice';"
	    . ' COMMIT');
	$ann->api(PATCH => "/api/media/$twice", { rotation => 180 });
	is turn_job($twice, 'count(*)'), 2, 'two jobs, as when the first one has begun';
	is $super->api(DELETE => "/api/media/$gone?purge=true")->{status}, 204, 'purged';
	$mn->start_part('worker');
	wait_until { $mn->psql("SELECT count(*) FROM jobs WHERE kind IN ('media.turn',"
	    . " 'media.purge') AND state IN ('available', 'running')") == 0 } SETTLE, 'all jobs';
	is row($twice, 'made_rotation'), 180, 'it ends as it was turned last';
	is $mn->psql("SELECT count(*) FROM media_looks WHERE media_id = '$twice'"), 1, '... once';
	is $mn->psql("SELECT count(*) FROM media_looks WHERE media_id = '$gone'"), 0,
	    'of what was purged nothing is kept';
};

done_testing;
