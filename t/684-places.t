#!/usr/bin/perl
# Where photos and videos were taken: names of places, who learns of them, lists and counts by
# place, clusters of a map, the zone of a place for dates; and what was taken on a day of former
# years.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use MIME::Base64 qw(encode_base64url);
use MediaNest::Exif qw(exif_jpeg);
use MediaNest::Media;
use MediaNest::Test;
use Test::More;

use constant { SETTLE => 90, DATA => '/usr/share/libtimezonemap/ui', BERLIN => 2950159 };

-r DATA . '/cities15000.txt' or plan skip_all => 'libtimezonemap-data is not installed';
my $mn = MediaNest::Test->stack(set => { 'media.places_data' => DATA });
my $make = MediaNest::Media->new;
my $super = $mn->admin;
my ($ann, $bob) = map { $mn->user(role => 'user') } 1 .. 2;
my $jpeg = MediaNest::Media::slurp($make->picture('base.jpg', size => '64x48'));
my ($serial, $row) = (0, 0);

sub get {
	my ($who, $path, $status) = @_;
	my $r = $who->api(GET => "/api/media$path");
	is($r->{status}, $status // 200, "GET $path") or diag $r->{content};
	return $r->{json};
}
sub photo {
	my ($who, %tags) = @_;
	return $who->wait_media($who->upload_bytes('a.jpg', exif_jpeg($jpeg, %tags)
	    . pack('N', ++$serial), 'image/jpeg')->{id}, SETTLE);
}
# An item as the worker leaves it.
sub item {
	my ($who, %m) = @_;
	my %row = (visibility => 'private', status => 'ready', kind => 'image', at => undef,
	    day => '2001-02-03 12:00', source => 'exif', parent => undef, %m);
	my $metadata = $row{at} ? sprintf('{"gps":{"latitude":%s,"longitude":%s}}', @{ $row{at} }) :
	    '{}';
	my $parent = $row{parent} ? "'$row{parent}'" : 'NULL';
	my $gone = $row{status} eq 'trashed' ? 'now()' : 'NULL';
	return $mn->psql('INSERT INTO media (id, owner_id, kind, title, status, trashed_at,'
	    . ' visibility, taken_at, taken_local, taken_source, asset_prefix, metadata, parent_id)'
	    . " VALUES (gen_random_uuid(), '$who->{id}', '$row{kind}', 'item @{[ ++$row ]}',"
	    . " '$row{status}', $gone, '$row{visibility}', '$row{day}+00', '$row{day}',"
	    . " '$row{source}', NULL, '$metadata', $parent) RETURNING id");
}
sub names {
	my ($list) = @_;
	return join ' ', map { "$_->{name}:$_->{count}" } @{ $list->{items} };
}
sub run_job {
	$mn->psql("UPDATE jobs SET run_at = now() WHERE kind = 'upkeep.places'; NOTIFY mn_jobs,"
	    . " 'upkeep'");
}
# Changes that are made here in SQL are news to no cache, so each query is another one.
sub fresh { return 'yearFrom=1&yearTo=' . (9000 - ++$serial) }

wait_until { !!$mn->psql('SELECT 1 FROM city_source WHERE seen_to IS NULL') } SETTLE, 'cities';
cmp_ok($mn->psql('SELECT count(*) FROM cities'), '>', 20000, 'the cities are loaded');
is($mn->psql('SELECT count(*) FROM cities WHERE zone IS NULL'), 0, '... each with its zone');
is($mn->psql("SELECT count(*) FROM cities WHERE name = 'Kreuzberg'"), 0,
    '... but no district of one');

subtest 'the nearest city' => sub {
	for my $case (
	    [ 'in a city', 52.52, 13.405, 60000, 'Berlin' ],
	    [ 'beside one', 48.137, 11.575, 60000, 'München' ],
	    [ 'across the 180th meridian', -16.43, -179.7, 250000, 'Lambasa' ],
	    [ 'from the other side', -16.43, 179.4, 250000, 'Lambasa' ],
	    [ 'in an ocean', 0, -30, 250000, '' ], [ 'at the pole', 90, 0, 250000, '' ],
	    [ 'at the other one', -90, 180, 250000, '' ],
	    [ 'in the far north', 82.5, -62.3, 60000, '' ],
	) {
		my ($what, $latitude, $longitude, $reach, $want) = @$case;
		my $name = $mn->psql("SELECT name FROM mn_city($latitude, $longitude, $reach)");
		utf8::decode($name) unless utf8::is_utf8($name);
		$want = "^(?:$want|Munich)\$" if $want eq 'München';
		like($name, $want eq '' ? qr/^$/ : qr/$want/, $what);
	}
	is($mn->psql("SELECT count(*) FROM mn_place_of('{\"gps\":$_}')"), 0, "no place: $_") for
	    '{}', '[]', '{"latitude":1}', '{"latitude":91,"longitude":1}',
	    '{"latitude":"1","longitude":1}', '{"latitude":1e400,"longitude":1}',
	    '{"latitude":null,"longitude":null}';
};

my $berlin = photo($ann, GPS => [ 52.52, 13.405 ], DateTimeOriginal => '2024:07:01 14:00:00');
subtest 'a photo has the name of its place' => sub {
	is_deeply($berlin->{place}, { id => BERLIN, name => 'Berlin', region => 'Berlin',
	    country => 'DE' }, 'the place') or diag explain $berlin->{place};
	my $sea = photo($ann, GPS => [ 0, -30 ]);
	ok(!exists $sea->{place} && $sea->{metadata}{gps}, 'far from every city: coordinates only');
	is(names(get($ann, '/places')), 'Berlin:1', 'places');
	my $clusters = get($ann, '/places/clusters?zoom=2')->{items};
	is(scalar @$clusters, 2, 'a map shows both');
	my ($one) = grep { $_->{placeName} } @$clusters;
	is("$one->{placeName} $one->{count} $one->{placeId}", 'Berlin 1 ' . BERLIN, 'a cluster');
	my $box = join ',', map { sprintf '%.6f', $_ } @{ $one->{bounds} };
	is_deeply([ map { $_->{id} } @{ get($ann, "?bounds=$box")->{items} } ], [ $berlin->{id} ],
	    'what is in it');
};

subtest 'nobody else learns of it' => sub {
	$ann->api(PATCH => "/api/media/$berlin->{id}", { visibility => 'house' });
	my $seen = get($bob, "/$berlin->{id}");
	ok(!exists $seen->{place} && !exists $seen->{metadata}{gps}, 'neither in the item');
	is(scalar @{ get($bob, "?$_")->{items} }, 0, "... nor by a list: $_") for
	    'place=' . BERLIN, 'country=DE', 'bounds=-180,-90,180,90',
	    'scope=house&bounds=-180,-90,180,90', 'sort=title&owner=' . $ann->{id} . '&country=DE';
	is(get($bob, '/months?country=DE')->{count}, 0, '... nor by counts');
	is(names(get($bob, '/places')), '', '... nor by places');
	is_deeply(get($bob, '/places/clusters?zoom=0')->{items}, [], '... nor by a map');
	is(get($ann, '/months?country=DE')->{count}, 1, 'its owner counts it');
	is(get($super, "/$berlin->{id}")->{place}{name}, 'Berlin', 'who sees everything sees it');
	like(names(get($super, '/places?' . fresh())), qr/\bBerlin:1\b/, '... in the list');
	is(names(get($super, '/places?scope=library')), '', '... but not in a library of theirs');
	my $shared = item($ann, at => [ 35.6895, 139.6917 ], visibility => 'shared');
	$mn->psql("INSERT INTO media_shares (media_id, user_id, created_at) VALUES ('$shared',"
	    . " '$bob->{id}', now())");
	ok(!exists get($bob, "/$shared")->{place}, 'a shared one');
	is(scalar @{ get($bob, '?country=JP')->{items} }, 0, '... in a list');
	$mn->psql("DELETE FROM media WHERE id = '$shared'");
};

subtest 'an instant becomes the wall clock of its place' => sub {
	$ann->api(PATCH => '/api/users/me', { timeZone => 'Europe/Berlin' });
	my $taken = sub {
		my ($m) = @_;
		return join ' ', map { $_ // 'unknown' }
		    @$m{qw(takenAtLocal takenAt takenAtOffset)};
	};
	my $video = sub {
		my ($name, @tags) = @_;
		my $path = $make->path($name);
		MediaNest::Media::ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=5:d=1', '-c:v',
		    'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', @tags, $path);
		return $ann->wait_media($ann->upload_file($path, $name =~ /mov$/ ?
		    'video/quicktime' : 'video/mp4')->{id}, SETTLE);
	};
	my @utc = ('-metadata', 'creation_time=2024-07-01T16:00:00Z');
	my $tokyo = $video->('a.mp4', @utc, '-metadata', 'location=+35.6895+139.6917/');
	is($taken->($tokyo), '2024-07-02T01:00:00 2024-07-01T16:00:00.000Z 540',
	    'a video: the day is another one there');
	is($tokyo->{place}{country}, 'JP', '... and its place');
	is($taken->($video->('b.mov', '-movflags', 'use_metadata_tags', @utc, '-metadata',
	    'com.apple.quicktime.location.ISO6709=+40.7128-074.0060+010.5/')),
	    '2024-07-01T12:00:00 2024-07-01T16:00:00.000Z -240', 'a video of QuickTime');
	is($taken->($video->('c.mov', '-movflags', 'use_metadata_tags', @utc, '-metadata',
	    'com.apple.quicktime.creationdate=2024-07-01T18:00:00+0200', '-metadata',
	    'com.apple.quicktime.location.ISO6709=+40.7128-074.0060/')),
	    '2024-07-01T18:00:00 2024-07-01T16:00:00.000Z 120', 'its own offset comes first');
	is($taken->($video->('d.mp4', @utc, '-metadata', 'location=+00.0000-030.0000/')),
	    '2024-07-01T18:00:00 2024-07-01T16:00:00.000Z 120',
	    'in an ocean: the zone of the owner');
	is($taken->(photo($ann, GPSDate => '2024:01:15', GPSTime => [ 12, 0, 0 ],
	    GPS => [ -33.8688, 151.2093 ])), '2024-01-15T23:00:00 2024-01-15T12:00:00.000Z 660',
	    'a photo with the time of satellites, in their summer');
	is($taken->(photo($ann, DateTimeOriginal => '2024:07:01 14:00:00',
	    GPS => [ 35.6895, 139.6917 ])), '2024-07-01T14:00:00 2024-07-01T12:00:00.000Z 120',
	    'a wall clock stays what it is');
	$ann->api(PATCH => "/api/media/$tokyo->{id}", { takenAtLocal => '2024-07-02T03:04:05' });
	$ann->api(POST => "/api/media/$tokyo->{id}/reprocess", {});
	is($taken->($ann->wait_media($tokyo->{id}, SETTLE)),
	    '2024-07-02T03:04:05 2024-07-01T18:04:05.000Z 540', 'an edit wins, in its zone');
	$mn->psql("DELETE FROM media WHERE owner_id = '$ann->{id}' AND id <> '$berlin->{id}'");
};

subtest 'lists by place' => sub {
	my $cat = $mn->user(role => 'user');
	item($cat, at => [ 52.5, 13.4 ]) for 1 .. 3;
	item($cat, at => [ 48.8566, 2.3522 ], kind => 'video') for 1 .. 2;
	item($cat, at => [ -17.8, 177.416 ]);            # Nadi
	item($cat, at => [ 61.2181, -149.9003 ]);        # Anchorage
	my $dark = item($cat, at => [ 35.6895, 139.6917 ], status => 'trashed');
	my $put_away = item($cat, at => [ 35.6895, 139.6917 ]);
	$cat->api(PUT => "/api/media/$put_away/archive");
	item($cat, at => [ 35.6895, 139.6917 ], parent => $put_away);
	item($cat);
	is(names(get($cat, '/places')), 'Berlin:3 Paris:2 Nadi:1 Anchorage:1',
	    'places, without the trash and what was archived');
	is(names(get($cat, '/places?archived=true')), 'Tokyo:1', '... which a filter brings');
	is(names(get($cat, '/places?kind=video')), 'Paris:2', 'the filters of the list');
	is(names(get($cat, '/places?country=FR')), 'Paris:2', '... of a country');
	my ($cursor, @all) = ('');
	for (1 .. 4) {
		my $page = get($cat, "/places?limit=1$cursor");
		push @all, map { $_->{name} } @{ $page->{items} };
		$cursor = '&cursor=' . ($page->{page}{nextCursor} // '');
	}
	is(join(' ', @all), join(' ', map { $_->{name} } @{ get($cat, '/places')->{items} }),
	    'page by page');
	is($cursor, '&cursor=', 'the last page says so');
	for my $case ([ 'bounds=13,52,14,53', 3 ], [ 'bounds=176,-20,-140,70', 2 ],
	    [ 'bounds=-180,-90,180,90', 7 ], [ 'country=DE&kind=video', 0 ],
	    [ 'place=' . BERLIN, 3 ], [ 'place=' . BERLIN . '&bounds=0,0,1,1', 0 ],
	    [ 'takenFrom=2001-02-03&takenTo=2001-02-03&bounds=13,52,14,53', 3 ],
	    [ 'takenTo=2001-02-02&bounds=13,52,14,53', 0 ]) {
		my ($query, $want) = @$case;
		for my $sort (qw(newest oldest taken title)) {
			my ($n, $next) = (0, '');
			do {
				my $page = get($cat, "?sort=$sort&limit=2&$query$next");
				$n += @{ $page->{items} };
				$next = $page->{page}{nextCursor};
				$next = "&cursor=$next" if defined $next;
			} while (defined $next);
			is($n, $want, "$query by $sort");
		}
		is(get($cat, "/months?$query")->{count}, $want, "$query: months");
		my $sum = 0;
		$sum += $_->{count} for @{ get($cat, "/places/clusters?zoom=3&$query")->{items} };
		is($sum, $want, "$query: clusters");
	}
	my $first = get($cat, '?sort=taken&limit=5&bounds=-180,-90,180,90')->{items};
	my $back = get($cat, "?sort=taken&bounds=-180,-90,180,90&before=$first->[4]{id}")->{items};
	is_deeply([ map { $_->{id} } @$back ], [ map { $_->{id} } reverse @$first[0 .. 3] ],
	    'backwards');
	for my $query ('bounds=1,2,3', 'bounds=1,2,3,4,5', 'bounds=1,5,2,4', 'bounds=181,0,1,1',
	    'bounds=nan,0,1,1', 'bounds=0x1,0,1,1', 'country=D', 'place=0',
	    'place=1&collection=01890a5d-ac96-774b-bcce-b302099a8057') {
		get($cat, "$_?$query", 400) for '', '/months';
	}
	get($cat, '?status=trashed&country=DE', 400);
	get($cat, '/places/clusters?zoom=21', 400);
	get($cat, "/places?cursor=$_", 400) for map { encode_base64url($_) } 'q1.x', 'q1.', 'q1.0',
	    'q1.99999999999', 'qx.1', 'n1.1';
	get($cat, "$_&collection=01890a5d-ac96-774b-bcce-b302099a8057", 400) for '/places?limit=1',
	    '/places/clusters?zoom=1';
	get($cat, '/places/clusters', 400);
};

subtest 'a map of very many places stays small' => sub {
	my $dan = $mn->user(role => 'user');
	$mn->psql('INSERT INTO media (id, owner_id, kind, title, status, metadata) SELECT'
	    . " gen_random_uuid(), '$dan->{id}', 'image', 'spot', 'ready',"
	    . " jsonb_build_object('gps', jsonb_build_object('latitude', (n % 170) - 85,"
	    . " 'longitude', n % 359 - 179)) FROM generate_series(1, 4000) n");
	for my $query ('zoom=20', 'zoom=20&bounds=-180,-90,180,90', 'zoom=0',
	    'zoom=9&bounds=100,-80,-100,80') {
		my $items = get($dan, "/places/clusters?$query")->{items};
		my $sum = 0;
		$sum += $_->{count} for @$items;
		cmp_ok(scalar @$items, '<=', 1024, "$query: the number of clusters");
		is($sum, get($dan, '/months?' . ($query =~ /(bounds=.*)/ ? $1 :
		    'bounds=-180,-90,180,90'))->{count}, "$query: nothing is missing");
	}
	my $plan = $mn->psql('SET enable_seqscan = on; EXPLAIN SELECT count(*) FROM media m WHERE'
	    . " m.latitude IS NOT NULL AND m.trashed_at IS NULL AND m.owner_id = '$dan->{id}'"
	    . ' AND m.latitude BETWEEN 10 AND 11');
	like($plan, qr/media_(?:all_)?spots/, 'an index finds what is in a box');
};

subtest 'items of the time before' => sub {
	my $eve = $mn->user(role => 'user');
	my $id = item($eve, at => [ 52.5, 13.4 ]);
	my $none = item($eve);
	$mn->psql('ALTER TABLE media DISABLE TRIGGER media_place_update; UPDATE media SET'
	    . ' latitude = NULL, longitude = NULL, place_id = NULL, place_name = NULL WHERE id ='
	    . " '$id'; ALTER TABLE media ENABLE TRIGGER media_place_update; UPDATE city_source SET"
	    . " seen_to = '00000000-0000-0000-0000-000000000000'");
	my ($old, $same) = map { get($eve, "/$_")->{etag} } $id, $none;
	ok(!exists get($eve, "/$id")->{place}, 'no place yet');
	run_job();
	wait_until { !!get($eve, "/$id")->{place} } SETTLE, 'a place';
	isnt(get($eve, "/$id")->{etag} =~ s/-.*//r, $old =~ s/-.*//r, 'it has changed');
	is(get($eve, "/$none")->{etag} =~ s/-.*//r, $same =~ s/-.*//r, 'another one has not');
	wait_until { !!$mn->psql('SELECT 1 FROM city_source WHERE seen_to IS NULL') } SETTLE,
	    'the end';
	$mn->psql("UPDATE media SET metadata = jsonb_set(metadata, '{gps,latitude}', '48.8566') ||"
	    . " '{}' WHERE id = '$id'");
	isnt((get($eve, "/$id")->{place} // {})->{name} // '', 'Berlin', 'other coordinates');
	$mn->psql("UPDATE media SET metadata = '{}' WHERE id = '$id'");
	ok(!exists get($eve, "/$id")->{place}, 'none any more: no place');
	is($mn->psql("SELECT count(*) FROM media WHERE id = '$id' AND (latitude IS NOT NULL OR"
	    . ' place_name IS NOT NULL)'), 0, '... at all');
};

subtest 'on this day' => sub {
	my $fay = $mn->user(role => 'user');
	my %made = (
	    'a year ago' => item($fay, day => '2025-11-28 00:00:00'),
	    'late that day' => item($fay, day => '2024-11-28 23:59:59'),
	    'a video' => item($fay, day => '2024-11-28 12:00', kind => 'video'));
	item($fay, day => $_) for '2024-11-27 23:59:59', '2024-11-29 00:00:00', '2026-11-28 12:00',
	    '2027-11-28 12:00', '1900-11-28 12:00';
	item($fay, day => '2020-11-28 12:00', status => 'trashed');
	item($fay, day => '2020-11-28 12:00', source => 'uploaded');
	item($fay, day => '2020-11-28 12:00', kind => 'audio');
	item($bob, day => '2020-11-28 12:00');
	my $archived = item($fay, day => '2020-11-28 12:00');
	$fay->api(PUT => "/api/media/$archived/archive");
	my $years = sub {
		my ($who, $date, $more) = @_;
		return get($who, "/on-this-day?date=$date&scope=" . ($more // 'library'))->{years};
	};
	my $got = $years->($fay, '2026-11-28');
	is(join(' ', map { "$_->{year}:" . @{ $_->{items} } } @$got), '2025:1 2024:2', 'the years');
	is_deeply([ map { $_->{id} } map { @{ $_->{items} } } @$got ],
	    [ @made{'a year ago', 'late that day', 'a video'} ], '... and their items in order');
	$mn->psql("UPDATE media SET visibility = 'house' WHERE id = '$made{'a year ago'}'; UPDATE"
	    . " media SET visibility = 'shared' WHERE id = '$made{'a video'}'; INSERT INTO"
	    . " media_shares (media_id, user_id, created_at) VALUES ('$made{'a video'}',"
	    . " '$ann->{id}', now())");
	is_deeply([ map { $_->{id} } map { @{ $_->{items} } } @{ $years->($ann, '2026-11-28') } ],
	    [ @made{'a year ago', 'a video'} ], 'of the house, and shared');
	is(join(' ', map { $_->{year} } @{ $years->($super, '2026-11-28') }), '2025',
	    'a library has no private items of others');
	like(join(' ', map { $_->{year} } @{ $years->($super, '2026-11-28', 'everyone') }),
	    qr/2024 2020/, 'who sees everything may ask for it');
	item($fay, day => "$_ 12:00") for qw(2024-02-29 2023-02-28 2020-02-28 2020-02-29);
	my $days = sub {
		return join ' ', map { map { $_->{takenAtLocal} =~ s/T.*//r } @{ $_->{items} } }
		    @{ $years->($fay, $_[0]) };
	};
	is($days->('2028-02-29'), '2024-02-29 2020-02-29', '29 February');
	is($days->('2028-02-28'), '2023-02-28 2020-02-28', '28 February of a leap year');
	is($days->('2027-02-28'), '2024-02-29 2023-02-28 2020-02-29 2020-02-28',
	    '28 February where there is no 29th');
	is($days->('2027-03-01'), '', '1 March');
	item($fay, day => "2022-06-05 12:00:$_") for 10 .. 25;
	is(scalar @{ $years->($fay, '2026-06-05')->[0]{items} }, 12, 'of many a few');
	get($fay, '/on-this-day', 400);
	get($fay, '/on-this-day?date=2026-02-30', 400);
};

subtest 'a house without places' => sub {
	my $set = sub {
		my $r = $super->api(PATCH => '/api/admin/settings', { 'media.places' => $_[0] });
		is($r->{status}, 200, 'set');
	};
	my $etag = get($ann, "/$berlin->{id}")->{etag};
	$set->(JSON::PP::false);
	is($ann->api(GET => "/api/media/$berlin->{id}", undef,
	    { 'If-None-Match' => "\"$etag\"" })
	    ->{status}, 200, 'what a browser kept is not right any more');
	ok(!exists get($ann, "/$berlin->{id}")->{place}, 'no place in an item');
	for my $path ('/places', '/places/clusters?zoom=1', '?country=DE', '/months?country=DE') {
		is(get($ann, $path, 404)->{code}, 'places_off', $path);
	}
	get($ann, '');
	get($ann, '/on-this-day?date=2026-11-28');
	$set->(JSON::PP::true);
	is(get($ann, "/$berlin->{id}")->{place}{name}, 'Berlin', 'it comes back');
};

done_testing;
