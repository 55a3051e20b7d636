#!/usr/bin/perl
# What people type finds what they mean, in the scripts and languages of the world: held queries
# with a known item each, and what the index does when the languages of the house change.
use strict;
use warnings;
use utf8;
use Encode qw(encode_utf8);
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Search qw(quote url);
use MediaNest::Test;
use Test::More;
use Unicode::Normalize qw(NFC NFD);

use constant { AT => 10, SUCCESS => 0.95, SUCCESS_SCRIPT => 0.9, QUERIES => 300, SCRIPTS => 8,
	FILL => 1500, BATCH => 200 };

binmode $_, ':encoding(UTF-8)'
    for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $mn = MediaNest::Test->stack(private => 1);
my ($anna, $bert, $carl) = map { $mn->user(role => 'user') } 1 .. 3;
my (@scripts, @rows);

sub item {
	my (%i) = @_;
	my $id = sprintf '%08x-%04x-7%03x-8%03x-%012x', time - scalar @rows, rand 65536,
	    rand 4096, rand 4096, rand 2**40;
	my ($make, $model) = split m{/}, $i{camera} // '';
	my @metadata = (
		defined $model ? qq("camera":{"make":"$make","model":"$model"}) : (),
		($i{gps} // '') =~ /^(.+),(.+)$/ ? qq("gps":{"latitude":$1,"longitude":$2}) : (),
		defined $i{artist} ? qq("artist":"$i{artist}") : ());
	push @rows, '(' . join(', ', quote($id), quote($i{kind} // 'image'), quote($i{title}),
	    quote($i{original}), "'ready'", quote($i{visibility} // 'house'),
	    quote(($i{owner} // $anna)->{id}), $i{year} // 'NULL', quote($i{overview}),
	    'ARRAY[' . join(',', map { quote($_) } split /,/, $i{tags} // '') . ']::text[]',
	    quote($i{filename}), quote('{' . join(',', @metadata) . '}'), quote($i{taken}),
	    quote($i{taken}) . "::timestamp AT TIME ZONE 'UTC'",
	    "now() - interval '$i{age} minutes'", "'derived/x/y'") . ')';
	return $id;
}
sub load_rows {
	$mn->psql(encode_utf8('INSERT INTO media (id, kind, title, original_title, status,'
	    . ' visibility, owner_id, year, overview, tags, filename, metadata, taken_local,'
	    . ' taken_at, created_at, asset_prefix) VALUES ' . join ",\n", splice @rows, 0, BATCH))
	    while @rows;
	return;
}

sub search {
	my ($who, $q, %more) = @_;
	my $r = $who->api(GET => '/api/search?' . join '&', 'q=' . url($q),
	    map { "$_=" . url($more{$_}) } sort keys %more);
	is $r->{status}, 200, "answered: $q" or diag $r->{content};
	return $r->{json}{items};
}
sub titles { return [ sort map { $_->{title} } @{ search(@_) } ] }

# --- the catalogue: the items of the queries, others with the same words, and many more

open my $in, '<:encoding(UTF-8)', "$FindBin::Bin/data/search-words.txt" or die "data: $!";
while (my $line = <$in>) {
	chomp $line;
	next if $line =~ /^(?:#|$)/;
	if ($line =~ /^\[(\w+)\]$/) {
		push @scripts, { name => $1, items => [] };
	} elsif ($line =~ /^\? (.+)$/) {
		push @{ $scripts[-1]{items}[-1]{queries} }, $1;
	} else {
		my ($title, @fields) = split /\t/, $line;
		push @{ $scripts[-1]{items} }, { title => $title, queries => [],
		    map { split /=/, $_, 2 } @fields };
	}
}
close $in;

# Words of a title; of scripts without spaces, parts of it.
sub parts {
	my ($title) = @_;
	return map { /^[\x{20}-\x{dff}]*$/ ? $_ : /.{1,3}/g } split / /, $title;
}

srand 7;
for my $script (@scripts) {
	$_->{id} = item(%$_, age => 200_000 + rand 300_000) for @{ $script->{items} };
	my @parts = map { parts($_->{title}) } @{ $script->{items} };
	# Each part is in about five others.
	item(title => "$parts[rand @parts] $parts[rand @parts]", age => 1 + rand 400_000)
	    for 1 .. 2.5 * @parts;
}
item(title => "IMG $_", filename => sprintf('2012-05-%02d 1917.jpg', 1 + $_ % 28), year => 2012,
    taken => sprintf('2012-05-%02d 10:00:00', 1 + $_ % 28), age => $_,
    overview => 'It is the 300th of all of them, who are at the days of 911.')
    for 1 .. FILL;
load_rows();
$mn->psql('ANALYZE media');

# --- the queries

my ($n, $found) = (0, 0);
for my $script (@scripts) {
	my ($of, $hits) = (0, 0);
	for my $item (@{ $script->{items} }) {
		for my $q (map { ($_, NFD($_) ne NFC($_) ? NFD($_) : ()) } @{ $item->{queries} }) {
			my $r = $anna->api(GET => '/api/search?q=' . url($q));
			my @ids = map { $_->{id} } @{ $r->{json}{items} || [] };
			my ($place) = grep { $ids[$_] eq $item->{id} } 0 .. $#ids;
			$of++;
			$hits++, next if defined $place && $place < AT;
			diag "$script->{name}: '$q' for '$item->{title}': $r->{status}, ",
			    defined $place ? 'at ' . ($place + 1) : 'not found';
		}
	}
	cmp_ok $hits / $of, '>=', SUCCESS_SCRIPT,
	    sprintf '%s: %d of %d queries', $script->{name}, $hits, $of;
	$n += $of;
	$found += $hits;
}
cmp_ok scalar @scripts, '>=', SCRIPTS, scalar(@scripts) . ' scripts';
cmp_ok $n, '>=', QUERIES, "$n queries";
cmp_ok $found / $n, '>=', SUCCESS, sprintf 'success@%d: %.3f', AT, $found / $n;

# --- filters

subtest 'taken, camera, archive' => sub {
	item(title => 'Zebra crossing', taken => '2013-02-28T23:30:00', age => 1,
	    camera => 'Canon/EOS 5D');
	my $zebra = item(title => 'Zebra herd', taken => '2014-06-01T00:00:00', age => 2,
	    camera => 'Apple/iPhone 4', tags => 'Canon');
	load_rows();
	my %finds = ('taken:2013' => 'crossing', 'taken:2013-02' => 'crossing',
	    'taken:2013-02-28' => 'crossing', 'taken:2013-03' => '', 'taken:2014-06-01' => 'herd',
	    'taken:2013..2014-05' => 'crossing', 'taken:2014-05-31..' => 'herd',
	    'taken:..2013-02-28' => 'crossing', 'taken:2014..2013' => 'crossing herd',
	    'camera:canon' => 'crossing', 'camera:iphone' => 'herd', 'camera:"5d canon"' =>
	    'crossing', 'camera:zebra' => '', 'canon' => 'crossing herd');
	is_deeply titles($anna, "zebra $_"), [ map { "Zebra $_" } split / /, $finds{$_} ], $_
	    for sort keys %finds;
	is_deeply titles($anna, 'camera:"iphone 4"'), ['Zebra herd'], 'a camera alone';
	is_deeply titles($anna, 'taken:2013-02'), ['Zebra crossing'], 'days alone';
	is $anna->api(PUT => "/api/media/$zebra/archive")->{status}, 200, 'archived';
	is_deeply titles($anna, 'zebra'), ['Zebra crossing'], 'is not found';
	is_deeply titles($anna, 'zebra', archived => 'true'), ['Zebra herd'],
	    '... unless asked for';
	is_deeply titles($bert, 'zebra'), [ 'Zebra crossing', 'Zebra herd' ], '... by its owner';
};

subtest 'what others have' => sub {
	my $in = item(title => '秘密の花園', visibility => 'private', age => 1);
	item(title => '秘密の部屋', visibility => 'private', age => 1);
	item(title => 'ความลับ', visibility => 'private', age => 1);
	load_rows();
	my $album = $anna->api(POST => '/api/media/collections',
	    { kind => 'album', title => 'x', items => [$in] })->{json};
	is_deeply titles($bert, $_), [], 'private' for '秘密', '花園', 'ลับ';
	is_deeply titles($anna, '秘密'), [ '秘密の花園', '秘密の部屋' ], 'but found by the owner';
	is $anna->api(PATCH => "/api/media/collections/$album->{id}",
	    { shared => [ { userId => $bert->{id}, may => 'view' } ] })->{status}, 200,
	    'an album is shared';
	is_deeply titles($bert, '秘密'), ['秘密の花園'], 'what is in it is found';
	is_deeply titles($carl, '秘密'), [], '... by no other';
	is $anna->api(PATCH => "/api/media/collections/$album->{id}", { shared => [] })->{status},
	    200, 'no longer shared';
	is_deeply titles($bert, '秘密'), [], '... nor found, at once';
};

subtest 'places' => sub {
	$mn->psql(encode_utf8("INSERT INTO cities VALUES (1, 'Zürich', 'Zürich', 'CH', NULL,"
	    . " 47.37, 8.54), (2, 'Aix-en-Provence', 'Bouches-du-Rhône', 'FR', NULL,"
	    . " 43.53, 5.45)"));
	item(title => "Lunch $_->[0]", age => 1, gps => $_->[1], owner => $_->[2])
	    for [ 'a' => '47.36,8.55', $anna ], [ 'b' => '43.5,5.4', $anna ],
	    [ 'c' => '47.37,8.5', $carl ], [ 'd' => '10,10', $anna ];
	load_rows();
	is_deeply titles($anna, $_->[0]), $_->[1], $_->[0]
	    for [ 'place:zurich' => ['Lunch a'] ], [ 'lunch place:ZÜRICH' => ['Lunch a'] ],
	    [ 'place:"aix en provence"' => ['Lunch b'] ], [ 'place:fr lunch' => ['Lunch b'] ],
	    [ 'place:rhone' => ['Lunch b'] ], [ 'place:lunch' => [] ];
	is_deeply titles($carl, 'lunch place:zurich'), ['Lunch c'], "nobody sees others' places";
	is_deeply titles($bert, 'lunch place:zurich'), [], '... nor finds them';
	is_deeply titles($mn->admin, 'lunch place:zurich'), [ 'Lunch a', 'Lunch c' ],
	    '... but those who see everything';
	is $mn->admin->api(PATCH => '/api/admin/settings', { 'media.places' => JSON::PP::false })
	    ->{status}, 200, 'places are switched off';
	is_deeply titles($anna, 'place:zurich -nix'), [], '... in searches too';
};

# --- the index

sub stems { return $mn->psql("SELECT languages::text || ' ' || filled FROM search_index") }
sub upkeep {
	my ($want) = @_;
	wait_until {
		$mn->psql("UPDATE jobs SET run_at = now() WHERE kind = 'upkeep.search' AND state ="
		    . " 'available'; NOTIFY mn_jobs, 'upkeep'");
		stems() eq $want;
	} 60, $want;
	return;
}

subtest 'languages' => sub {
	item(title => 'Alte Häuser am Fluss', age => 1);
	load_rows();
	is_deeply titles($anna, 'haus -nix'), [], 'German is not among them';
	my $set = sub { $mn->admin->api(PATCH => '/api/admin/settings',
	    { 'search.languages' => $_[0] }) };
	is $set->('german,klingon')->{status}, 400, 'no such language';
	is $set->('german, english')->{status}, 200, 'two languages';
	upkeep('{english,german} true');
	is_deeply titles($anna, 'haus -nix'), ['Alte Häuser am Fluss'], 'all items follow';
	is_deeply titles($anna, 'der haus the -nix'), ['Alte Häuser am Fluss'], 'and stop words';
	item(title => 'Neue Häuser am Fluss', age => 1);
	load_rows();
	is_deeply titles($anna, 'haus -nein'), [ 'Alte Häuser am Fluss', 'Neue Häuser am Fluss' ],
	    'so do new ones';
	is $set->('english')->{status}, 200, 'and back';
	upkeep('{english} true');
	is_deeply titles($anna, $_), [], 'nothing is left of it' for 'haus -nix', 'haus -nein';
};

# What the items of a house have that was upgraded just now.
subtest 'items of before' => sub {
	$mn->psql('UPDATE search_index SET filled = false, after = NULL, since = NULL;'
	    . ' UPDATE media SET tsv = mn_media_tsv(title, original_title, tags, genres, overview,'
	    . ' filename, metadata)');
	item(title => '新しい千尋', age => 1);
	load_rows();
	is_deeply titles($anna, $_->[0]), $_->[1], "$_->[0], meanwhile"
	    for [ 'トトロ' => [] ], [ '臥虎藏龍' => ['臥虎藏龍'] ],
	    [ '千尋 -臥虎藏龍' => ['新しい千尋'] ],
	    [ 'Alte Häuser' => ['Alte Häuser am Fluss'] ], [ 'zebra -crossing' => [] ];
	upkeep('{english} true');
	is_deeply titles($anna, 'トトロ'), ['となりのトトロ'], 'and then';
	is $mn->psql('SELECT count(*) FROM media m, search_index s WHERE tsv <>'
	    . ' mn_media_vector(title, original_title, tags, genres, overview, filename, metadata,'
	    . ' s.languages)'), 0, 'all have what they have to have';
};

subtest 'quotation marks in tags' => sub {
	my $id = item(title => 'Tagged', age => 1);
	load_rows();
	my @tags = ('“half', "12\x{2033}");
	is $anna->api(PUT => "/api/media/$id/tags", { tags => \@tags })->{status}, 200,
	    'typographic ones';
	is_deeply titles($anna, 'tagged', tag => $_), ['Tagged'], 'are found'
	    for @tags;
};

done_testing;
