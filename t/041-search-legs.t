#!/usr/bin/perl
# A search while one of its sources is slow: the others answer, and what is missing is told.
use strict;
use warnings;
use Cwd qw(abs_path);
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use Test::More;
use Time::HiRes qw(time);

my $mn = MediaNest::Test->stack(private => 1);
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
