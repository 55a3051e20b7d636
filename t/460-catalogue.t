#!/usr/bin/perl
# Films, series and music of media servers in the catalogue: what lies under what, what lists show,
# their pictures, and who may change them.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use MediaNest::Catalogue;
use MediaNest::PlexServer;
use MediaNest::Test;
use Test::More;

my $plex = MediaNest::PlexServer->start;
my $mn = MediaNest::Test->stack(set => { $plex->settings });
my $shelf = MediaNest::Catalogue->new($mn, $plex);
my $admin = $mn->admin;
my ($anna, $bert) = map { $mn->user(role => 'user') } 1 .. 2;

sub get { my ($who, $path) = @_; return $who->api(GET => "/api/media$path") }
sub titles { my ($r) = @_; return [ map { $_->{title} } @{ $r->{json}{items} } ] }
sub code { my ($r) = @_; return "$r->{status} " . ($r->{json} ? $r->{json}{code} // '' : '') }
sub thumbs { my ($r) = @_; return $r->{json}{thumbnails} }

my $film = $shelf->add(movie => 'Heat', year => 1995);
my $show = $shelf->add(show => 'Dark', year => 2017);
my @season = map { $shelf->add(season => "Season $_", parent => $show, position => $_) } 2, 1, 3;
my @episode = map { $shelf->add(episode => "Secrets $_", parent => $season[1], position => $_) }
    10, 9, 1;
my $flat = $shelf->add(show => 'Talk');
my $talk = $shelf->add(episode => 'Talk of May', parent => $flat, poster => undef);
my $artist = $shelf->add(artist => 'Nina');
my $album = $shelf->add(album => 'Live', parent => $artist, year => 1964);
my @track = map { $shelf->add(track => "Song $_->[0].$_->[1]", parent => $album, disc => $_->[0],
    position => $_->[1]) } [ 2, 1 ], [ 1, 2 ], [ 1, 1 ], [ 2, 2 ];

subtest 'children' => sub {
	my $r = get($anna, "/$show->{id}/children");
	is $r->{status}, 200, 'of a show' or diag $r->{content};
	is_deeply titles($r), [ 'Season 1', 'Season 2', 'Season 3' ], 'its seasons in their order';
	is_deeply [ map { @$_{qw(parentId parentTitle position)} } $r->{json}{items}[1] ],
	    [ $show->{id}, 'Dark', 2 ], 'which know where they belong';
	is_deeply titles(get($anna, "/$season[1]{id}/children")),
	    [ 'Secrets 1', 'Secrets 9', 'Secrets 10' ], 'the episodes of a season';
	is_deeply titles(get($anna, "/$flat->{id}/children")), ['Talk of May'],
	    'those of a show without seasons';
	is_deeply titles(get($anna, "/$artist->{id}/children")), ['Live'], 'albums';
	$r = get($anna, "/$album->{id}/children");
	is_deeply titles($r), [ map { "Song $_" } qw(1.1 1.2 2.1 2.2) ], 'tracks disc by disc';
	is $r->{json}{items}[2]{disc}, 2, 'with the disc';
	my ($cursor, @all) = ('');
	do {
		$r = get($anna, "/$album->{id}/children?limit=3$cursor");
		push @all, @{ titles($r) };
		$cursor = '&cursor=' . ($r->{json}{page}{nextCursor} // '');
	} while $r->{json}{page}{nextCursor};
	is_deeply \@all, [ map { "Song $_" } qw(1.1 1.2 2.1 2.2) ], 'page by page';
	is_deeply titles(get($anna, "/$film->{id}/children")), [], 'a film has none';
	is get($anna, "/$show->{id}")->{json}{childCount}, 3, 'a single item says how many';
	is code(get($anna, '/00000000-0000-4000-8000-000000000000/children')), '404 not_found',
	    'nothing';
};

subtest 'who sees them' => sub {
	my $hers = $shelf->add(show => 'Hers', visibility => 'shared');
	my $first = $shelf->add(season => 'Season 1', parent => $hers, position => 1,
	    visibility => 'shared');
	$mn->psql('INSERT INTO media_shares (media_id, user_id) SELECT id, '
	    . "'$anna->{id}' FROM media WHERE id IN ('$hers->{id}', '$first->{id}')");
	is_deeply titles(get($anna, "/$hers->{id}/children")), ['Season 1'],
	    'those it is shared with';
	is_deeply titles(get($anna, '?source=plex&sort=title&scope=library')),
	    [qw(Dark Heat Hers Nina Talk)], 'find it in their list';
	is_deeply titles(get($anna, '?kind=season&sort=title')),
	    [ 'Season 1', 'Season 1', 'Season 2', 'Season 3' ], 'and by its kind';
	is code(get($bert, "/$hers->{id}/children")), '404 not_found', 'nobody else';
	$mn->psql("DELETE FROM media_shares WHERE media_id = '$first->{id}'");
	is_deeply titles(get($anna, "/$hers->{id}/children")), [], 'a child has its own readers';
	is get($anna, "/$hers->{id}")->{json}{childCount}, 0, 'also where they are counted';
	is get($admin, "/$hers->{id}")->{json}{childCount}, 1, 'who sees everything sees it';
};

subtest 'lists' => sub {
	my $photo = $anna->upload_bytes('a.gif', "GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff"
	    . "\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0\x3b", 'image/gif', title => 'Zebra');
	is $anna->wait_media($photo->{id})->{status}, 'ready', 'a photo';
	for my $who ($anna, $admin) {
		for my $sort (qw(newest oldest taken title)) {
			is_deeply [ sort grep { !/^Hers$/ } @{ titles(get($who, "?sort=$sort")) } ],
			    [qw(Dark Heat Nina Talk Zebra)], "what has no parent, by $sort";
		}
		is_deeply titles(get($who, '?kind=episode&sort=title')),
		    [ 'Secrets 1', 'Secrets 10', 'Secrets 9', 'Talk of May' ], 'a kind by its name';
		is_deeply titles(get($who, '?kind=track&source=plex&sort=title')),
		    [ map { "Song $_" } qw(1.1 1.2 2.1 2.2) ], 'with other filters too';
		is_deeply titles(get($who, '?kind=album')), ['Live'], 'albums';
	}
	$mn->psql("UPDATE media SET tags = '{best}' WHERE id = '$track[0]{id}'");
	is_deeply titles(get($anna, '?tag=best')), ['Song 2.1'], 'and a tag wherever it is';
	my $r = $anna->api(GET => '/api/search?q=&source=plex&sort=title');
	is_deeply [ grep { !/^Hers$/ } @{ titles($r) } ], [qw(Dark Heat Nina Talk)],
	    'a search by filters alone';
	is_deeply [ sort @{ titles($anna->api(GET => '/api/search?q=secrets')) } ],
	    [ 'Secrets 1', 'Secrets 10', 'Secrets 9' ], 'words find every kind';
	is_deeply titles($anna->api(GET => '/api/search?q=kind:album')), ['Live'],
	    'a kind is asked for in words too';
	is_deeply titles($anna->api(GET => '/api/search?q=nina%20artists')), ['Nina'],
	    'also as people write it';
	is_deeply [ map { $_->{text} } grep { $_->{kind} eq 'title' }
	    @{ $anna->api(GET => '/api/search/suggest?q=sea')->{json}{items} } ], [],
	    'no season is suggested';
};

# A page reads the items that it shows, however many children there are.
subtest 'plans' => sub {
	$mn->psql('INSERT INTO media (id, source, kind, title, status, visibility, parent_id, '
	    . "position, created_at) SELECT gen_random_uuid(), 'plex', 'track', 'Filler ' || n, "
	    . "'ready', 'house', '$album->{id}', 100 + n, now() + n * interval '1 second' "
	    . 'FROM generate_series(1, 20000) n');
	$mn->psql('INSERT INTO media_shares (media_id, user_id) SELECT id, '
	    . "'$bert->{id}' FROM media WHERE title LIKE 'Filler %'");
	$mn->psql("UPDATE media SET visibility = 'shared' WHERE title LIKE 'Filler 1%'");
	$mn->psql('VACUUM ANALYZE media, media_shares');
	my %sql;
	for my $file (qw(media media_list)) {
		my $header = MediaNest::Test::build_directory() . "/src/store/sql_$file.h";
		open my $in, '<', $header or die "$header: $!";
		my $text = do { local $/; <$in> };
		while ($text =~ /\{\s*"(\w+)",((?:\s*"(?:[^"\\]|\\.)*")+)/g) {
			my ($name, $body) = ($1, $2);
			my @parts = $body =~ /"((?:[^"\\]|\\.)*)"/g;
			$sql{$name} = join '', map { s/\\(.)/$1/gr } @parts;
		}
	}
	my $reads = sub {
		my ($name, @values) = @_;
		my $explained = join '', $mn->psql("SET plan_cache_mode = force_generic_plan; "
		    . "PREPARE q AS $sql{$name}; "
		    . 'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE q ('
		    . join(', ', map { "'$_'" } @values) . ')');
		my $plan = JSON::PP->new->decode($explained)->[0]{Plan};
		return $plan->{'Shared Hit Blocks'} + $plan->{'Shared Read Blocks'};
	};
	my ($first, $last) = map { $_ x 8 . "-$_$_$_$_" x 3 . '-' . $_ x 12 } 0, 'f';
	for my $who (['', $bert], ['all_', $admin]) {
		my ($all, $person) = @$who;
		for my $order ([ newest => 'infinity', $last ], [ oldest => '-infinity', $first ],
		    [ taken => 'infinity', $last ], [ title => '', $first ]) {
			my ($sort, @from) = @$order;
			my @given = ($person->{id}, @from, 26);
			cmp_ok $reads->("list_$all$sort", @given), '<', 300, "list_$all$sort";
			cmp_ok $reads->("list_$all${sort}_kind", @given, 'show'), '<', 300,
			    "list_$all${sort}_kind";
		}
	}
	cmp_ok $reads->('media_children', $bert->{id}, 'f', $album->{id}, '0', $first, 26), '<',
	    1000, 'media_children';
	$mn->psql("DELETE FROM media WHERE title LIKE 'Filler %'");
};

subtest 'pictures' => sub {
	my $unseen = $shelf->add(season => 'Season 4', parent => $show, position => 4);
	my $still = $shelf->add(episode => 'The still', parent => $unseen, position => 1);
	my $ready = sub { keys %{ thumbs(get($anna, "/$_[0]{id}")) } > 0 };
	$shelf->enrich;
	for my $item ($film, $show, @season, $artist, $album) {
		wait_until { $ready->($item) } 60, 'a poster';
	}
	my $r = get($anna, "/$film->{id}");
	my $url = thumbs($r)->{320};
	like $url, qr{/derived/\Q$film->{id}\E/[0-9a-f-]+/320\.webp\?}, 'a thumbnail of ours';
	ok $r->{json}{thumbhash}, 'with a placeholder';
	ok $r->{json}{posterUrl}, 'and the poster in full';
	unlike $r->{content}, qr/\Q${\ $plex->token}\E|\Q${\ $plex->url}\E|Plex-Token/,
	    'nothing of the server';
	my $picture = $mn->client->request(GET => $url);
	is $picture->{status}, 200, 'which the store has';
	like $picture->{content}, qr/^RIFF....WEBP/s, 'as WebP';
	is_deeply [ grep { $_->{path} =~ m{/thumb/} && ($_->{token} // '') ne $plex->token }
	    $plex->requests ], [], 'the token went in a header';
	my $asked = sub { my ($item) = @_;
		return scalar grep { $_->{path} =~ m{/$item->{key}/thumb} } $plex->requests };
	is $asked->($track[0]), 0, 'tracks are not asked for';
	like thumbs(get($anna, "/$track[0]{id}"))->{320}, qr{/derived/\Q$album->{id}\E/},
	    'they have the picture of their album';
	is $asked->($still), 0, 'nor are episodes';
	my $seen = sub { get($anna, "/$unseen->{id}/children")->{json}{items}[0]{thumbnails}{320} };
	wait_until { ($seen->() // '') =~ m{/\Q$still->{id}\E/} } 60, 'a still';
	is $asked->($still), 1, 'until somebody looks at their season';
	wait_until { $mn->psql("SELECT count(*) FROM jobs WHERE kind = 'media.poster' "
	    . "AND state IN ('available', 'running')") eq '0' } 60, 'no job';
	my $before = $asked->($film);
	get($anna, "/$film->{id}");
	$shelf->enrich;
	is $mn->psql("SELECT count(*) FROM jobs WHERE kind = 'media.poster' "
	    . "AND state IN ('available', 'running')"), 0, 'nobody asks again';
	is $asked->($film), $before, 'for a poster that is there';

	$mn->psql('UPDATE server_items SET poster = '
	    . "'/library/metadata/$film->{key}/thumb/2' WHERE media_id = '$film->{id}'");
	my $first = thumbs(get($anna, "/$film->{id}"))->{320} =~ s/\?.*//r;
	wait_until { thumbs(get($anna, "/$film->{id}"))->{320} !~ /^\Q$first\E/ } 60,
	    'another poster';
	pass 'another poster of the server is fetched';

	my $idle = sub { wait_until { $mn->psql("SELECT count(*) FROM jobs WHERE kind = "
	    . "'media.poster' AND state IN ('available', 'running')") eq '0' } 60, 'no job' };
	$idle->();
	my $gone = "/library/metadata/424242/thumb/3";
	$mn->psql("UPDATE server_items SET poster = '$gone' WHERE media_id = '$film->{id}'");
	$first = thumbs(get($anna, "/$film->{id}"))->{320} =~ s/\?.*//r;
	wait_until { scalar grep { $_->{path} eq $gone } $plex->requests } 60, 'the question';
	$idle->();
	like thumbs(get($anna, "/$film->{id}"))->{320}, qr/^\Q$first\E/, 'none: the old one stays';
	get($anna, "/$film->{id}");
	$idle->();
	is scalar(grep { $_->{path} eq $gone } $plex->requests), 1, 'and it is asked for once';

	$plex->fault(html => { path => 'thumb/4' });
	my $proxy = "/library/metadata/$film->{key}/thumb/4";
	$mn->psql("UPDATE server_items SET poster = '$proxy' WHERE media_id = '$film->{id}'");
	get($anna, "/$film->{id}");
	wait_until { scalar grep { $_->{path} eq $proxy } $plex->requests } 60, 'the question';
	like thumbs(get($anna, "/$film->{id}"))->{320}, qr/^\Q$first\E/,
	    'the page of a proxy is no picture, and no news either';
	$plex->heal;
	wait_until { thumbs(get($anna, "/$film->{id}"))->{320} !~ /^\Q$first\E/ } 60, 'the poster';
	pass 'it is asked again';
	$idle->();
	$plex->fault(html => { path => 'thumb/5' });
	my $never = $proxy =~ s/4$/5/r;
	$mn->psql("UPDATE server_items SET poster = '$never' WHERE media_id = '$film->{id}';
		INSERT INTO media_enrichments (media_id, poster_failed, poster_failures)
		VALUES ('$film->{id}', 'server:$never', 58) ON CONFLICT (media_id) DO UPDATE SET
		poster_failed = excluded.poster_failed,
		poster_failures = excluded.poster_failures");
	get($anna, "/$film->{id}");
	wait_until { $mn->psql("SELECT poster_missing FROM media_enrichments
		WHERE media_id = '$film->{id}'") eq $never } 60, 'the last try';
	$idle->();
	$plex->forget;
	get($anna, "/$film->{id}");
	$shelf->enrich;
	$idle->();
	is scalar(grep { $_->{path} eq $never } $plex->requests), 0,
	    'what is never a picture is not asked for any more';
	$plex->heal;
	is $mn->psql("SELECT count(*) FROM media_assets WHERE media_id = '$film->{id}' "
	    . "AND published"), scalar(keys %{ thumbs(get($anna, "/$film->{id}")) }),
	    'old pictures are left to the collector';
};

subtest 'changes' => sub {
	my $patch = sub { $_[0]->api(PATCH => "/api/media/$film->{id}", { title => 'Heat!' }) };
	is code($patch->($anna)), '403 forbidden', 'readers may not';
	is $patch->($admin)->{status}, 200, 'who manages everything may';
	is $admin->api(PUT => "/api/media/$film->{id}/tags", { tags => ['crime'] })->{status}, 200,
	    'tags';
	is code($anna->api(PUT => "/api/media/$film->{id}/tags", { tags => [] })), '403 forbidden',
	    'not by others';
	is $admin->api(PUT => "/api/media/$film->{id}/shares", { users => [ $bert->{id} ] })
	    ->{status}, 200, 'shares';
	is code($admin->api(POST => "/api/media/$film->{id}/reprocess", {})), '409 not_an_upload',
	    'there is no file to process';
	is code(get($admin, "/$film->{id}/file")), '404 not_found', 'nor to download';
	is $admin->api(POST => "/api/media/$film->{id}/trash", {})->{status}, 200, 'the trash';
	is_deeply [ grep { /Heat/ } @{ titles(get($admin, '?status=trashed')) } ], ['Heat!'],
	    'has it';
	is $admin->api(POST => "/api/media/$film->{id}/restore", {})->{status}, 200, 'and back';
};

subtest 'the trash of libraries' => sub {
	my %item = map { ($_ => $shelf->add(movie => "Trash $_")) } qw(gone excluded);
	$mn->psql("UPDATE media SET status = 'trashed', trashed_from = 'ready', trashed_at = "
	    . "now() - interval '1 day', trash_reason = lower(substr(title, 7)) "
	    . "WHERE title LIKE 'Trash %'");
	is_deeply titles(get($admin, '?status=trashed')), ['Trash gone'],
	    'items of a library that is left out are in nobody\'s trash';
	is_deeply [ grep { /Trash/ } @{ titles(get($anna, '?source=plex')) } ], [], 'nor elsewhere';
	is $admin->api(POST => "/api/media/$item{gone}{id}/restore", {})->{status}, 200, 'restored';
	is $mn->psql("SELECT trash_reason IS NULL FROM media WHERE id = '$item{gone}{id}'"), 't',
	    'for no reason left';
	is code($admin->api(POST => "/api/media/$item{excluded}{id}/restore", {})),
	    '409 library_left_out', 'an item comes back with its library';
	$mn->psql("UPDATE server_items SET gone_at = now() WHERE media_id = '$item{gone}{id}'; "
	    . "UPDATE media SET status = 'trashed', trashed_from = 'ready', trashed_at = "
	    . "now() - interval '99 days', trash_reason = lower(substr(title, 7)) "
	    . "WHERE title LIKE 'Trash %'");
	$mn->psql("UPDATE jobs SET run_at = now() WHERE unique_key = 'every:upkeep.trash'; "
	    . "SELECT pg_notify('mn_jobs', 'upkeep')");
	wait_until { $mn->psql("SELECT count(*) FROM media WHERE id = '$item{gone}{id}'") eq '0' }
	    60, 'the purge';
	is $mn->psql("SELECT count(*) FROM media WHERE id = '$item{excluded}{id}'"), 1,
	    'what is gone is purged like any trash, what is left out is kept';
};

subtest 'a run of the sync' => sub {
	my $new = $plex->add('2', { type => 'show', title => 'New', ratingKey => 5000 });
	$plex->add('2', { type => 'season', title => 'Season 1', parentRatingKey => $new,
	    index => 1, ratingKey => 5001 });
	my $r = $admin->api(POST => '/api/integrations/plex/sync', { serverId => $shelf->{id} });
	is $r->{status}, 202, 'requested' or diag $r->{content};
	my $id = wait_until {
		$mn->psql("SELECT media_id FROM server_items WHERE item_key = '5001'");
	} 60, 'the season';
	wait_until {
		$mn->psql("SELECT asset_prefix FROM media WHERE id = '$id'");
	} 60, 'its poster';
	pass 'pictures of what is new are fetched, also when nobody looks';
};

done_testing;
