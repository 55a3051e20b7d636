#!/usr/bin/perl
# A search while one of its sources is slow: the others answer, and what is missing is told.
use strict;
use warnings;
use Cwd qw(abs_path);
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Catalogue;
use MediaNest::PlexServer;
use MediaNest::Test;
use Test::More;
use Time::HiRes qw(time);

my @plex = map { MediaNest::PlexServer->start } 1 .. 2;
my $mn = MediaNest::Test->stack(set => { 'outbound.allow' => join ',', map { $_->allow } @plex });
my $check = ($ENV{MEDIANEST_DEV_BUILD} || abs_path("$FindBin::Bin/..") . '/build')
    . '/t/tools/search-check';
my $anna = $mn->user(role => 'user');

sub search { my ($q) = @_; return $anna->api(GET => "/api/search?q=$q") }
sub titles { my ($r) = @_; return [ map { $_->{title} } @{ $r->{json}{items} } ] }

$mn->psql('INSERT INTO media (id, source, kind, title, status, visibility, owner_id, asset_prefix, '
    . "assets) VALUES (gen_random_uuid(), 'upload', 'image', 'Kingfisher at dawn', 'ready', "
    . "'house', '$anna->{id}', 'derived/x/y', '{320.webp}')");

# The same function, but it takes its time.
my $slowly = 10;
sub slow_down {
	my ($name, $body) = @_;
	my $definition = $mn->psql("SELECT pg_get_functiondef('$name'::regproc)");
	my $head = $mn->psql("SELECT format('%s(%s) RETURNS %s', proname, "
	    . 'pg_get_function_arguments(oid), prorettype::regtype) '
	    . "FROM pg_proc WHERE oid = '$name'::regproc");
	$mn->psql("CREATE OR REPLACE FUNCTION $head LANGUAGE plpgsql STRICT AS \$\$ BEGIN PERFORM "
	    . "pg_sleep($slowly); $body; END \$\$");
	return sub { $mn->psql($definition) };
}

is_deeply search('kingfisher')->{json}{sources},
    { text => 'ok', metadata => 'ok', similar => 'off', plex => 'off' }, 'all is well';

subtest 'one leg is slow' => sub {
	my $undo = slow_down('mn_title_key', 'RETURN lower($1)');
	for my $round ('', ', again') {
		my $start = time;
		my $r = search('dawn');
		is $r->{status}, 200, "answered$round" or diag $r->{content};
		cmp_ok time - $start, '<', $slowly / 2, "before the slow one would be$round";
		is_deeply $r->{json}{sources},
		    { text => 'ok', metadata => 'timeout', similar => 'off', plex => 'off' },
		    "what was late$round";
		is_deeply titles($r), ['Kingfisher at dawn'], "what the other found$round";
		is $r->{json}{cached}, JSON::PP::false, "a partial answer is not kept$round";
	}
	my $r = search('nothinglikethis');
	is $r->{status}, 200, 'nothing found, by the leg that answers';
	is_deeply [ $r->{json}{sources}{metadata}, titles($r) ], [ 'timeout', [] ], 'which says so';
	$undo->();
	$r = search('dawn');
	is $r->{json}{sources}{metadata}, 'ok', 'it is back at once';
	is_deeply titles($r), ['Kingfisher at dawn'], 'with the same hit';
};

subtest 'all legs are slow' => sub {
	my $undo = slow_down('mn_search_estimate', 'RETURN 1');
	my $r = search('kingfisher%20dawn');
	is $r->{status}, 503, 'unavailable';
	is $r->{json}{code}, 'database_unavailable', 'and why';
	ok $r->{headers}{'retry-after'}, 'and when to come again';
	$undo->();
	is search('kingfisher%20dawn')->{status}, 200, 'back at once';
};

# Words of half the catalogue: the newest matches are ranked, wherever they are.
subtest 'many matches' => sub {
	my $bert = $mn->user(role => 'user');
	my $fill = sub {
		my ($word, $n, $owner, $visibility, $age) = @_;
		$mn->psql('INSERT INTO media (id, kind, title, overview, status, visibility, '
		    . "owner_id, asset_prefix, created_at) SELECT gen_random_uuid(), 'image', "
		    . "'Number ' || n, '$word', 'ready', '$visibility', '$owner->{id}', "
		    . "'derived/x', now() - interval '$age days' - n * interval '1 minute' "
		    . "FROM generate_series(1, $n) n");
	};
	$fill->('gannet', 1500, $anna, 'house', 10);
	$fill->('plover plover', 3000, $anna, 'house', 100);
	$fill->('gannet secret', 50, $bert, 'private', 5);
	$fill->('gannet mine', 20, $anna, 'private', 500);
	$mn->psql('ANALYZE media');
	my $page = sub {
		my ($q, $more) = @_;
		my $r = search("$q$more");
		is $r->{status}, 200, "answered: $q$more" or diag $r->{content};
		return $r->{json};
	};
	my $r = $page->('gannet', '');
	is scalar @{ $r->{items} }, 25, 'a page';
	cmp_ok $r->{page}{total}, '>=', 600, 'of many';
	ok !$r->{page}{totalIsExact}, 'and more than are counted';
	is_deeply [ grep { $_->{overview} !~ /gannet/ || $_->{overview} =~ /secret/ }
	    map { @{ $page->('gannet', "&page=$_")->{items} } } 1 .. 3 ], [],
	    'with the word, and readable';
	is_deeply [ map { $_->{title} } @{ $page->('gannet', '&sort=newest')->{items} } ],
	    [ map { "Number $_" } 1 .. 25 ], 'newest first';
	$r = $page->('plover', '&sort=newest');
	is $r->{items}[0]{title}, 'Number 1', 'what is behind much else is found';
	is $r->{items}[0]{overview}, 'plover plover', 'which it is';
	cmp_ok $r->{page}{total}, '>=', 600, 'in full';
	is_deeply [ grep { $_->{overview} !~ /plover/ }
	    @{ $page->('-gannet%20number', '')->{items} } ], [],
	    'so is what is left by an exclusion';
	is $page->('gannet%20mine', '')->{page}{total}, 20, 'few among many are counted';
	is $page->('%22gannet%20secret%22', '')->{page}{total}, 0, 'and nothing of others is';
	is $page->('%22gannet%20plover%22', '')->{page}{total}, 0, 'a phrase of two such words';
};

subtest 'media servers' => sub {
	my ($shelf, $other) = map { MediaNest::Catalogue->new($mn, $_) } @plex;
	my $asked = sub { scalar grep { $_->{path} eq '/hubs/search' } $plex[0]->requests };
	my $source = sub { search($_[0])->{json}{sources}{plex} };
	# The server knows each by a word that the catalogue does not have.
	my $known = sub {
		my ($where, $title, %more) = @_;
		my $film = $where->add(movie => $title, %more);
		$where->{plex}->change($film->{key}, { title => "Halcyon $title" });
		return $film;
	};
	$known->($shelf, 'Blue bird', year => 1999);
	$known->($shelf, 'Secret bird', visibility => 'private');
	my $r = search('halcyon');
	is_deeply titles($r), ['Blue bird'], 'what a server finds, as the catalogue has it' or
	    diag $r->{content};
	is $r->{json}{sources}{plex}, 'ok', 'both have answered';
	is $r->{json}{items}[0]{year}, 1999, 'in full';
	unlike $r->{content}, qr/Secret/, 'what is unreadable is no hit';
	is_deeply titles(search('blue%20halcyon%20bird')), ['Blue bird'], 'found twice, one hit';
	is_deeply titles(search('halcyon%20-blue')), [], 'exclusions hold';
	is_deeply titles(search('halcyon&kind=show')), [], 'and filters';
	is_deeply titles(search('halcyon&yearFrom=2001')), [], 'also of years';
	my $before = $asked->();
	search('halcyon&source=upload');
	search('&source=plex');
	is $asked->(), $before, 'it is not asked for what it cannot have';
	is_deeply [ grep { $_->{query} =~ /plex-token/ } map { $_->requests } @plex ], [],
	    'no token is in a URL';

	$known->($other, 'Green bird');
	$shelf->{plex}->fault(hang => { path => 'hubs' });
	my $start = time;
	$r = search('halcyon%20%20');
	cmp_ok time - $start, '<', 3, 'a server that does not respond is not waited for';
	is $r->{json}{sources}{plex}, 'timeout', 'which is told';
	is_deeply titles($r), ['Green bird'], 'the other has its time all the same';
	is_deeply [ @{ search('halcyon%20%20')->{json} }{'cached'} ], [JSON::PP::false],
	    'a partial answer is not kept';
	$shelf->{plex}->heal;
	$shelf->{plex}->fault(unauthorized => {});
	is $source->('halcyon%201'), 'error', 'a token that is not accepted';
	$shelf->{plex}->heal;
	$shelf->{plex}->fault(html => { path => 'hubs' });
	is $source->('halcyon%202'), 'error', 'the page of a proxy';
	is_deeply titles(search('kingfisher')), ['Kingfisher at dawn'], 'the catalogue answers';
	$shelf->{plex}->heal;
	is $source->('halcyon%203'), 'ok', 'all is well again';

	$shelf->{plex}->add('1', { title => 'Antarctica' });
	$shelf->{plex}->add('3', { title => 'Antarctica too', type => 'artist' });
	$mn->psql("UPDATE media_sections SET enabled = false WHERE key = '3'");
	$r = search('antarctica');
	is_deeply [ titles($r), $r->{json}{sources}{plex} ], [ [], 'ok' ],
	    'what the catalogue does not have yet is no hit';
	wait_until { titles(search('antarctica'))->[0] } 60, 'a run of the sync';
	is_deeply titles(search('antarctica')), ['Antarctica'], 'but a reason to look soon';
	$mn->psql('UPDATE media_servers SET enabled = false');
	is $source->('halcyon%204'), 'off', 'nobody to ask';
};

subtest 'legs of other kinds' => sub {
	plan skip_all => 'search-check is not built' unless -x $check;
	my $said = MediaNest::Test::run_output($check, $mn->{status}{databaseUrl}, $anna->{id},
	    'kingfisher', 'kingfihser');
	my $status = $?;
	my @lines = split /\n/, $said;
	cmp_ok scalar(grep { /^ok / } @lines), '>', 20, 'checked';
	is_deeply [ grep { /^not ok|^#/ } @lines ], [], 'none failed';
	is $status, 0, 'done' or diag $said;
};

done_testing;
