#!/usr/bin/perl
# Search: what a person types finds what they mean, in any spelling, and nothing that they may not
# read.
use strict;
use warnings;
use utf8;
use Encode qw(encode_utf8);
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Search qw(quote url);
use MediaNest::Test;
use Test::More;

binmode $_, ':encoding(UTF-8)'
    for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $mn = MediaNest::Test->stack;
my ($anna, $bert) = ($mn->user(role => 'user'), $mn->user(role => 'user'));
my $guest = $mn->user(role => 'guest');
my $admin = $mn->admin;
my $mark = sprintf 'zq%d', $$;    # a tag of this test's items alone: the stack may be shared

# A row as the worker or the sync would have left it.
sub item {
	my (%i) = @_;
	my @tags = ($mark, @{ $i{tags} || [] });
	my $id = sprintf '%08x-%04x-7%03x-8%03x-%012x', time, rand 65536, rand 4096, rand 4096,
	    rand 2**40;
	$mn->psql(encode_utf8(sprintf q{INSERT INTO media (id, source, kind, title, status,
	    visibility, owner_id, year, overview, genres, tags, taken_at,
	    external_ids, filename, metadata, asset_prefix, assets, created_at) VALUES (%s, %s,
		%s, %s, %s, %s, %s, %s, %s, ARRAY[%s]::text[], ARRAY[%s]::text[], %s, %s, %s, %s,
		'derived/x/y', '{320.webp}', now() - interval '%d minutes')},
		map({ quote($_) } $id, $i{source} || 'upload', $i{kind} || 'image', $i{title},
		    $i{status} || 'ready', $i{visibility} || 'house'),
		quote($i{owner} || $anna->{id}), $i{year} || 'NULL', quote($i{overview}),
		join(',', map { quote($_) } @{ $i{genres} || [] }),
		join(',', map { quote($_) } @tags), quote($i{taken}), quote($i{ids} || '{}'),
		    quote($i{filename}), quote($i{metadata} || '{}'), $i{age} || 0));
	return $id;
}

sub search {
	my ($who, $q, %more) = @_;
	my $query = join '&', 'q=' . url($q), "tag=$mark",
	    map { "$_=" . url($more{$_}) } sort keys %more;
	my $r = $who->api(GET => "/api/search?$query");
	diag "$query: $r->{status} $r->{content}" if $r->{status} != 200;
	return $r->{json};
}

sub titles {
	my ($who, $q, %more) = @_;
	return [ map { $_->{title} } @{ search($who, $q, %more)->{items} } ];
}
sub sorted { return [ sort @{ $_[0] } ] }

my %id;
$id{$_->{title}} = item(%$_) for
	{ title => 'Guardians of the Galaxy Vol. 3', kind => 'movie', year => 2023,
	    tags => ['Marvel'], overview => 'Peter Quill rallies his team.' },
	{ title => 'The Marvels', kind => 'movie', year => 2023,
	    overview => 'Carol Danvers gets her powers entangled.' },
	{ title => 'Marvel One-Shot', kind => 'movie', year => 2011 },
	{ title => 'Marvel poster', kind => 'image', year => 2023 },
	{ title => 'Oppenheimer', kind => 'movie', year => 2023 },
	{ title => 'Blade Runner 2049', kind => 'movie', year => 2017 },
	{ title => 'Blade Runner', kind => 'movie', year => 1982 },
	{ title => 'Léon: The Professional', kind => 'movie', year => 1994 },
	{ title => 'Spider-Man: Homecoming', kind => 'movie', year => 2017 },
	{ title => "Ocean's Eleven", kind => 'movie', year => 2001 },
	{ title => 'S.W.A.T.', kind => 'movie', year => 2003 },
	{ title => 'The Matrix', kind => 'movie', year => 1999,
	    ids => '{"tmdb":"603","imdb":"tt0133093"}' },
	{ title => 'Harbour at dusk', kind => 'image', taken => '2019-07-01T20:00:00Z',
	    tags => [ 'sunset', 'sea' ], overview => 'The lighthouse is seen from the pier.' },
	{ title => 'Blue Train', kind => 'audio',
	    metadata => '{"artist":"John Coltrane","album":"Blue Train"}' },
	{ title => 'IMG 4712', kind => 'image',
	    metadata => '{"camera":{"make":"NIKON CORPORATION","model":"D90"}}' },
	{ title => 'IMG 4711', kind => 'image', filename => 'rotterdam_2018.jpg' };

subtest 'Marvel movies 2023' => sub {
	my $r = search($anna, 'Marvel movies 2023');
	is_deeply sorted([ map { $_->{title} } @{ $r->{items} } ]),
	    [ 'Guardians of the Galaxy Vol. 3', 'The Marvels' ], 'Marvel films of 2023';
	is $r->{page}{total}, 2, 'counted';
	ok $r->{page}{totalIsExact}, 'exactly';
	my ($marvels) = grep { $_->{title} eq 'The Marvels' } @{ $r->{items} };
	is_deeply sorted($marvels->{matched}), [qw(kind tags title year)], 'why';
	cmp_ok $marvels->{score}, '>', 0, 'a score above 0';
	cmp_ok $_->{score}, '<=', 1, 'and at most 1' for @{ $r->{items} };
	is_deeply $r->{sources},
	    { text => 'ok', metadata => 'ok', similar => 'off', plex => 'off' }, 'sources';
	is_deeply $r->{related}, [], 'nothing is only similar yet';
	cmp_ok $r->{tookMs}, '>', 0, 'it took a while';
	is $r->{cached}, JSON::PP::false, 'and was not cached';
	is $r->{page}{size}, 25, '25 a page';
	like $marvels->{thumbnails}{320}, qr{^https://.*X-Amz-Signature=}, 'a signed thumbnail';
	is search($anna, 'Marvel movies 2023')->{cached}, JSON::PP::true,
	    'the same again comes from the cache';
};

subtest 'years and kinds never empty the result' => sub {
	is_deeply titles($anna, 'oppenheimer 1950'), ['Oppenheimer'], 'a wrong year';
	is_deeply titles($anna, 'oppenheimer photos'), ['Oppenheimer'], 'a wrong kind';
	is_deeply titles($anna, 'oppenheimer photos 1950'), ['Oppenheimer'], 'both';
	is titles($anna, 'Blade Runner 2049')->[0], 'Blade Runner 2049',
	    'a year that is part of the title';
	is_deeply titles($anna, 'blade runner 1982'), ['Blade Runner'], 'a year that is not';
	is_deeply sorted(titles($anna, 'photos 2019')), ['Harbour at dusk'],
	    "a photo's year is that of takenAt";
	is_deeply sorted(titles($anna, '1994')), ['Léon: The Professional'], 'a year alone';
	is_deeply titles($anna, 'songs'), ['Blue Train'], 'a kind alone';
};

subtest 'spelling' => sub {
	is_deeply titles($anna, 'Leon'), ['Léon: The Professional'], 'without its accent';
	is_deeply titles($anna, 'léon'), ['Léon: The Professional'], 'with it';
	is_deeply titles($anna, "le\x{301}on"), ['Léon: The Professional'], 'with a combining one';
	is_deeply titles($anna, $_), ['Spider-Man: Homecoming'], $_
	    for 'spider man', 'Spider-Man', 'spiderman', 'homecoming spider';
	is_deeply titles($anna, $_), ["Ocean's Eleven"], $_
	    for "ocean's eleven", 'oceans eleven', 'ocean eleven', "ocean\x{2019}s";
	is_deeply titles($anna, $_), ['S.W.A.T.'], $_ for 'swat', 's.w.a.t.';
	is_deeply titles($anna, 'guardian'), ['Guardians of the Galaxy Vol. 3'],
	    'singular and plural';
	is_deeply titles($anna, 'homec'), ['Spider-Man: Homecoming'],
	    'a word that is not finished yet';
	is_deeply titles($anna, 'rotterdam'), ['IMG 4711'], 'the file name';
	is_deeply titles($anna, 'coltrane'), ['Blue Train'], 'the artist';
	is_deeply titles($anna, 'lighthouse'), ['Harbour at dusk'], 'the overview';
	is_deeply titles($anna, 'nikon'), ['IMG 4712'], 'the camera';
};

subtest 'typos' => sub {
	for my $case ([ 'opennheimer', 'oppenheimer', 'Oppenheimer' ],
	    [ 'harbor at dsuk', 'harbour at dusk', 'Harbour at dusk' ],
	    [ 'coltrain', 'coltrane', 'Blue Train' ]) {
		my $r = search($anna, $case->[0]);
		is $r->{didYouMean}, $case->[1], "$case->[0]: did you mean";
		is_deeply [ map { $_->{title} } @{ $r->{items} } ], [ $case->[2] ],
		    "$case->[0]: its hits";
	}
	ok !exists search($anna, 'oppenheimer')->{didYouMean}, 'nothing to correct';
	my $r = search($anna, 'xyzzyplugh');
	is_deeply $r->{items}, [], 'nothing is like that';
	ok !exists $r->{didYouMean}, 'and nothing is proposed';
};

subtest 'filters' => sub {
	is_deeply titles($anna, 'tmdb:603'), ['The Matrix'], 'tmdb:';
	is_deeply titles($anna, 'tmdb:000603'), ['The Matrix'], 'with leading zeros too';
	is_deeply titles($anna, 'tt0133093'), ['The Matrix'], 'a bare imdb id';
	is_deeply titles($anna, "tag:$_"), ['Harbour at dusk'], "tag:$_"
	    for 'sunset', 'SUNSET', '"sunset"';
	is_deeply titles($anna, 'tag:marvel'), ['Guardians of the Galaxy Vol. 3'],
	    'a tag in another case';
	is_deeply sorted(titles($anna, 'kind:movie year:2017')),
	    [ 'Blade Runner 2049', 'Spider-Man: Homecoming' ], 'kind: and year:';
	is_deeply sorted(titles($anna, 'year:1980-1995')),
	    [ 'Blade Runner', 'Léon: The Professional' ], 'a range of years';
	is_deeply titles($anna, 'oppenheimer year:1950'), [], 'a filter does empty the result';
	is_deeply titles($anna, '"runner blade"'), [], 'a phrase in the wrong order';
	is_deeply sorted(titles($anna, '"blade runner"')), [ 'Blade Runner', 'Blade Runner 2049' ],
	    'a phrase';
	is_deeply titles($anna, 'marvel -poster -marvels', kind => 'image'), [],
	    'words that must be absent';
	is_deeply titles($anna, 'marvel', kind => 'image'), ['Marvel poster'], 'kind=';
	is_deeply sorted(titles($anna, '', yearFrom => 2023, yearTo => 2023, kind => 'movie')),
		[ 'Guardians of the Galaxy Vol. 3', 'Oppenheimer', 'The Marvels' ], 'filters alone';
	is_deeply titles($anna, 'marvel', source => 'plex'), [], 'source=';
	is_deeply titles($anna, 'oppenheimer', owner => $anna->{id}), ['Oppenheimer'], 'owner=';
	is_deeply titles($anna, 'oppenheimer', owner => $bert->{id}), [], 'another owner';
	is_deeply titles($anna, 'runner', sort => 'title'), [ 'Blade Runner', 'Blade Runner 2049' ],
	    'sort=title';
};

subtest 'order' => sub {
	is titles($anna, 'matrix')->[0], 'The Matrix', 'a title first';
	item(title => 'Rivulet one', age => 400_000);
	item(title => 'Rivulet two', age => 1);
	is_deeply titles($anna, 'rivulet'), [ 'Rivulet two', 'Rivulet one' ],
	    'of two equal ones the newer';
	is_deeply titles($anna, 'rivulet', sort => 'newest'), [ 'Rivulet two', 'Rivulet one' ],
	    'sort=newest';
};

subtest 'one title, one hit' => sub {
	item(title => 'Paprika', kind => 'video', year => 2006);
	item(title => 'Paprika', kind => 'movie', year => 2006, source => 'plex');
	item(title => 'Paprika', kind => 'movie', year => 1991, source => 'plex');
	is scalar @{ titles($anna, 'paprika', kind => 'movie') }, 2, 'another year is another film';
	is scalar @{ titles($anna, 'paprika') }, 2, 'the same from Plex and the catalogue is one';
	item(title => 'Beach day', kind => 'image') for 1, 2;
	is scalar @{ titles($anna, 'beach day') }, 2, 'two photos of one name are two';
};

subtest 'pages' => sub {
	item(title => "Quagga $_", age => $_) for 1 .. 30;
	my ($one, $two) = (search($anna, 'quagga'), search($anna, 'quagga', page => 2));
	is scalar @{ $one->{items} }, 25, 'the first';
	is scalar @{ $two->{items} }, 5, 'the second';
	is $_->{page}{total}, 30, 'the total' for $one, $two;
	my %seen;
	$seen{ $_->{id} }++ for @{ $one->{items} }, @{ $two->{items} };
	is scalar keys %seen, 30, 'no item twice';
	is_deeply search($anna, 'quagga', page => 3)->{items}, [], 'past the end';
	is $anna->api(GET => "/api/search?q=quagga&page=$_")->{status}, 400, "page $_ is refused"
	    for 0, -1, 'x', 1001;
};

subtest 'what one may not read shows nowhere' => sub {
	my $secret = item(title => 'Xanadu palimpsest', visibility => 'private',
	    overview => 'mentions hurdygurdy', tags => ['obelisktag']);
	my $nothing = sub {
		my ($who, $name) = @_;
		for my $q ('xanadu', 'palimpsest', 'xanadoo', 'hurdygurdy', 'tag:obelisktag',
		    'xana') {
			my $r = search($who, $q);
			is_deeply [ $r->{items}, $r->{page}{total}, $r->{didYouMean} ],
			    [ [], 0, undef ], "$name: $q";
			is_deeply $who->api(GET => '/api/search/suggest?q='
			    . url($q))->{json}{items},
			    [], "$name: suggestions for $q";
		}
	};
	is_deeply titles($anna, 'xanadu'), ['Xanadu palimpsest'], 'its owner finds it';
	is search($anna, 'xanadoo')->{didYouMean}, 'xanadu', 'and is helped';
	is_deeply titles($admin, 'palimpsest'), ['Xanadu palimpsest'], 'so does who sees all';
	$nothing->($bert, 'another user');
	$nothing->($guest, 'a guest');

	is $anna->api(PATCH => "/api/media/$secret", { visibility => 'shared' })->{status}, 200,
	    'opened';
	is $anna->api(PUT => "/api/media/$secret/shares", { users => [ $bert->{id} ] })->{status},
	    200, 'shared with one';
	is_deeply titles($bert, 'xanadu'), ['Xanadu palimpsest'], 'who finds it now';
	is search($bert, 'xanadoo')->{didYouMean}, 'xanadu', 'and is helped with its words';
	my $private = item(title => 'Zymurgy notes', visibility => 'private');
	is search($bert, 'zymurgie')->{didYouMean}, undef, "but not with the owner's other words";
	$nothing->($guest, 'a guest still');

	is $anna->api(PUT => "/api/media/$secret/shares", { users => [] })->{status}, 200,
	    'taken back';
	$nothing->($bert, 'no longer shared');

	is $anna->api(POST => "/api/media/$id{Oppenheimer}/trash")->{status} =~ /^20/, 1, 'trashed';
	for my $who ($anna, $bert, $admin) {
		is_deeply titles($who, 'oppenheimer'), [], 'the trash is not searched';
		is search($who, 'opennheimer')->{didYouMean}, undef, 'nor its words';
	}
	is $anna->api(POST => "/api/media/$id{Oppenheimer}/restore")->{status} =~ /^20/, 1,
	    'restored';
	is_deeply titles($anna, 'oppenheimer'), ['Oppenheimer'], 'found again';
	item(title => 'Wobblegong', status => $_, visibility => 'private')
	    for 'pending', 'processing';
	$mn->psql("UPDATE media SET asset_prefix = NULL WHERE title = 'Wobblegong'");
	is_deeply titles($anna, 'wobblegong'), [], 'what is not there yet is not found';
};

subtest 'a change shows at once' => sub {
	is_deeply titles($anna, 'kookaburra'), [], 'not yet';
	is $anna->api(PATCH => "/api/media/$id{'IMG 4711'}", { title => 'Kookaburra' })->{status},
	    200, 'renamed';
	is_deeply titles($anna, 'kookaburra'), ['Kookaburra'], 'found';
	is $anna->api(PUT => "/api/media/$id{'IMG 4711'}/tags",
	    { tags => [ $mark, 'birdwatching' ] })->{status},
	    200, 'tagged';
	is_deeply titles($anna, 'tag:birdwatching'), ['Kookaburra'], 'by its tag';
	is_deeply titles($anna, 'birdwatching'), ['Kookaburra'], 'and by the word';
	is search($anna, 'birdwathing')->{didYouMean}, 'birdwatching', 'a word for corrections too';
	is $anna->api(PUT => "/api/media/$id{'IMG 4711'}/tags", { tags => [$mark] })->{status}, 200,
	    'untagged';
	is_deeply titles($anna, 'birdwatching'), [], 'gone';
	is search($anna, 'birdwathing')->{didYouMean}, undef, 'from the words too';
};

subtest 'suggestions' => sub {
	my $s = sub { return $anna->api(GET => '/api/search/suggest?q='
	    . url($_[0]))->{json}{items} };
	my ($title) = grep { $_->{kind} eq 'title' } @{ $s->('blade') };
	is $title->{text}, 'Blade Runner', 'a title';
	is $title->{mediaId}, $id{'Blade Runner'}, 'and which it is';
	is_deeply [ grep { $_->{text} eq 'Léon: The Professional' } @{ $s->('leo') } ],
	    [ { text => 'Léon: The Professional', kind => 'title', mediaKind => 'movie',
		mediaId => $id{'Léon: The Professional'} } ],
	    'without the accent';
	is_deeply [ map { $_->{text} } grep { $_->{kind} eq 'word' } @{ $s->('the homec') } ],
	    ['the homecoming'], 'a word';
	is_deeply $s->('spider m')->[0]{text}, 'Spider-Man: Homecoming', 'through punctuation';
	is $anna->api(GET => '/api/search/suggest')->{status}, 400, 'q is wanted';
};

subtest 'hostile input' => sub {
	for my $q (q{'; DROP TABLE media; --}, q{" OR 1=1}, q{a:*b & !c | (d}, q{\\}, q{'''}, '%%%',
	    '"', '-', '--', '-"', ':', 'tag:', 'year:abc', 'kind:nothing',
		'tmdb:603; DELETE', 'year:99999999999', '(((((', 'a' x 200, '" " "', "\x{1F600}",
		    "\x{202E}abc", 'or and not', 'tmdb:"', '* _ [', '<->', '!marvel') {
		my $r = $anna->api(GET => '/api/search?q=' . url($q));
		is $r->{status}, 200, "search: $q" or diag $r->{content};
		$r = $anna->api(GET => '/api/search/suggest?q=' . url($q));
		is $r->{status}, 200, "suggest: $q" or diag $r->{content};
	}
	is $anna->api(GET => "/api/search?$_")->{status}, 400, "refused: $_"
	    for '', 'q=', 'q=%20', 'q=%00', 'q=%ff', 'q=a&q=b', 'q=a&x=1', 'q=' . 'a' x 201,
		'kind=nothing', 'owner=x', 'sort=random', 'yearFrom=0', 'yearFrom=x', "tag=";
	is $mn->client->api(GET => '/api/search?q=a')->{status}, 401, 'signed in only';
	is $mn->client->api(GET => '/api/search/suggest?q=a')->{status}, 401, 'signed in only';
	is $anna->api(POST => '/api/search', {})->{status}, 405, 'GET only';
};

subtest 'the vocabulary counts what there is' => sub {
	my $differ = $mn->psql(q{SELECT count(*) FROM vocabulary v FULL JOIN (
		SELECT mn_media_scope(visibility, owner_id) AS scope, word, count(*)::int AS n FROM
		    media, unnest(mn_media_words(title, original_title, tags, genres, metadata))
		    word
		WHERE status = 'ready' OR (asset_prefix IS NOT NULL AND status <> 'trashed') GROUP
		    BY 1, 2) w USING (scope, word) WHERE v.n IS DISTINCT FROM w.n});
	is $differ, 0, 'after all of this';
	$mn->psql("DELETE FROM media WHERE '$mark' = ANY (tags)");
	is $mn->psql(
	    "SELECT count(*) FROM vocabulary WHERE word IN ('palimpsest', 'quagga', 'kookaburra')"),
	    0, 'and forgets what is deleted';
};

done_testing;
