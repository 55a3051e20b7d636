#!/usr/bin/perl
# The stand-in for Plex, held against PyPI's plexapi, a client that other people wrote, and against
# what it promises about its faults.
use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use HTTP::Tiny;
use JSON::PP;
use MediaNest::PlexServer;
use MediaNest::Test;
use Test::More;
use Time::HiRes qw(time);

use constant { PIP_SECONDS => 90, MILLION => 1_000_000 };

my $plex = MediaNest::PlexServer->start(name => 'Attic');
my $http = HTTP::Tiny->new(default_headers => { Accept => 'application/json',
    'X-Plex-Token' => $plex->token });
$plex->section('1', 'movie', 'Films');
$plex->section('2', 'show', 'Series');
$plex->section('3', 'artist', 'Music');
my %zoo = $plex->zoo('1');
my $show = $plex->add('2', { title => 'A show', year => 2001 });
my $season = $plex->add('2', { type => 'season', parentRatingKey => $show, index => 1,
    title => 'Season 1' });
my @episodes = map { $plex->add('2', { type => 'episode', parentRatingKey => $season, index => $_,
    title => "Episode $_" }) } 1 .. 3;
$plex->generate('3', 230);
$plex->playing(2);

sub get { $http->get($plex->url . $_[0]) }

sub container { (decode_json(get($_[0])->{content}) // {})->{MediaContainer} }

sub page {
	my ($section, $type, $start, $size) = @_;
	return container("/library/sections/$section/all?type=$type&includeGuids=1&sort=id:asc"
	    . "&X-Plex-Container-Start=$start&X-Plex-Container-Size=$size");
}

sub keys_of { map { $_->{ratingKey} } @{ $_[0]{Metadata} // [] } }

subtest 'a client that others wrote reads it' => sub {
	my $dir = tempdir('mn-plexapi-XXXXXX', TMPDIR => 1, CLEANUP => 1);
	my $made = MediaNest::Test::run_output('timeout', PIP_SECONDS, 'sh', '-c',
	    "python3 -m venv $dir/v && $dir/v/bin/pip -q install plexapi");
	plan skip_all => "no plexapi here: $made" if $? != 0;
	open my $script, '>', "$dir/read.py" or die $!;
	print $script <<'PYTHON';
import json, sys
from plexapi.server import PlexServer
from plexapi.exceptions import Unauthorized, NotFound
url, token = sys.argv[1:]
server = PlexServer(url, token)
films, series, music = [server.library.section(name) for name in ("Films", "Series", "Music")]
try:
    PlexServer(url, "another")
    refused = False
except Unauthorized:
    refused = True
try:
    server.fetchItem(1)
    missing = False
except NotFound:
    missing = True
new = [film for film in films.all() if film.title == "new"][0]
print(json.dumps({
    "name": server.friendlyName, "machine": server.machineIdentifier,
    "sections": [(s.key, s.type, s.title) for s in server.library.sections()],
    "films": sorted(film.title for film in films.all()),
    "total": films.totalSize, "guids": sorted(guid.id for guid in new.guids), "guid": new.guid,
    "show": series.all()[0].title,
    "episodes": [(e.index, e.title, e.seasonNumber, e.grandparentTitle)
        for e in server.fetchItems("/library/sections/2/all?type=4&sort=episode.id:asc")],
    "season": [e.title for e in server.fetchItem(int(sys.argv[3]) if len(sys.argv) > 3
        else series.all()[0].ratingKey).seasons()],
    "pages": len(server.fetchItems("/library/sections/3/all?type=10&sort=id", container_size=50)),
    "search": [item.title for item in server.search("hama")],
    "playing": len(server.sessions()), "refused": refused, "missing": missing}))
PYTHON
	close $script;
	my $said = MediaNest::Test::run_output('timeout', PIP_SECONDS, "$dir/v/bin/python",
	    "$dir/read.py", $plex->url, $plex->token);
	my $read = eval { decode_json($said) } or return fail($said);
	is $read->{name}, 'Attic', 'the name of the server';
	is $read->{machine}, $plex->machine, 'its machineIdentifier';
	is_deeply $read->{sections}, [ [ 1, 'movie', 'Films' ], [ 2, 'show', 'Series' ],
	    [ 3, 'artist', 'Music' ] ], 'the sections';
	is_deeply $read->{films}, [ sort keys %zoo ], 'every film';
	is $read->{total}, scalar(keys %zoo), 'their number';
	is_deeply $read->{guids}, [qw(imdb://tt0133093 tmdb://603 tvdb://169)], 'the guids of one';
	is $read->{guid}, 'plex://movie/5d776825880197001ec90a15', 'and the one of Plex';
	is_deeply $read->{episodes}, [ map { [ $_, "Episode $_", 1, 'A show' ] } 1 .. 3 ],
	    'episodes';
	is_deeply $read->{season}, ['Season 1'], 'seasons of a show';
	is $read->{pages}, 200, 'all tracks, in pages';
	is_deeply [ sort @{ $read->{search} } ], [qw(hama hama_anidb)], 'a search';
	is $read->{playing}, 2, 'who is playing';
	ok $read->{refused}, 'a wrong token is refused';
	ok $read->{missing}, 'an item that is not there';
};

subtest 'what JSON looks like' => sub {
	my $bare = container("/library/metadata/$zoo{bare}")->{Metadata}[0];
	ok !exists $bare->{$_}, "absent: $_"
	    for qw(duration addedAt updatedAt summary thumb year Guid);
	my $size_only = page(1, 1, 0, 0);
	is $size_only->{totalSize}, scalar(keys %zoo), 'size 0 has the count';
	ok !exists $size_only->{Metadata}, 'and no Metadata';
	my ($item) = grep { $_->{title} eq 'both' } @{ page(1, 1, 0, 100)->{Metadata} };
	is ref $item->{Guid}, 'ARRAY', 'guid and Guid in one item';
	my $r = get("/library/metadata/$zoo{new}/thumb/1");
	is $r->{headers}{'content-type'}, 'image/jpeg', 'a poster';
	is substr($r->{content}, 0, 2), "\xff\xd8", 'that is a JPEG';
};

subtest 'a million items' => sub {
	$plex->section('9', 'movie', 'Many');
	$plex->generate('9', MILLION);
	my @keys = keys_of(page(9, 1, 0, 6));
	$plex->remove($keys[1]);
	$plex->change($keys[2], { title => 'changed' });
	$plex->move($keys[3], 999_999_999);
	my $new = $plex->add('9', { title => 'added' });
	my $page = page(9, 1, 0, 4);
	is_deeply [ keys_of($page) ], [ @keys[ 0, 2, 4, 5 ] ], 'removed and moved ones are gone';
	is $page->{Metadata}[1]{title}, 'changed', 'a change shows';
	is $page->{totalSize}, MILLION, 'the count follows';
	my $end = page(9, 1, MILLION - 3, 10);
	is_deeply [ (keys_of($end))[ -2, -1 ] ], [ $new, '999999999' ], 'new keys come last';
	is $end->{size}, 3, 'and the list ends there';
	$plex->drop_section('9');
};

subtest 'faults' => sub {
	my @all = keys_of(page(1, 1, 0, 100));
	$plex->fault(shift => { section => '1', remove => 1, times => 1 });
	is_deeply [ keys_of(page(1, 1, 0, 3)) ], [ @all[ 0 .. 2 ] ], 'a page';
	is_deeply [ keys_of(page(1, 1, 3, 3)) ], [ @all[ 4 .. 6 ] ], 'that shifts';
	$plex->fault(no_total => { times => 1 });
	ok !exists page(1, 1, 0, 2)->{totalSize}, 'no totalSize';
	$plex->fault(vanished => { times => 1 });
	is page(1, 1, 0, 2)->{totalSize}, 0, 'suddenly empty';
	$plex->fault(trashed => { times => 1 });
	ok page(1, 1, 0, 2)->{Metadata}[1]{deletedAt}, 'in the trash of Plex';
	$plex->fault(empty => { times => 1 });
	is get('/')->{content}, '', 'an empty body';
	$plex->fault(html => { times => 1 });
	like get('/identity')->{content}, qr/<html>/, "a proxy's page";
	$plex->fault(status => { code => 404, start => 3, times => 1 });
	is get("/library/sections/1/all?X-Plex-Container-Start=$_")->{status}, $_ == 3 ? 404 : 200,
	    "page from $_" for 0, 3;
	$plex->fault(unauthorized => {});
	is get('/identity')->{status}, 200, 'the identity needs no token';
	is get('/')->{status}, 401, 'the rest does';
	$plex->heal('unauthorized');
	$plex->fault(too_large => { max => 500 });
	is get('/library/sections/1/all?X-Plex-Container-Size=501')->{status}, 500, 'a large page';
	$plex->heal;
	$plex->fault(cut => { times => 2 });
	is get('/')->{status}, 599, 'cut in the middle, and again';
	$plex->fault(slow => { ms => 200, times => 1 });
	my $began = time;
	get('/');
	cmp_ok time - $began, '>=', 0.2, 'slow';
	my $machine = $plex->machine;
	$plex->reinstall('another');
	is container('/identity')->{machineIdentifier}, 'another', "not $machine any more";
	my $before = @{ page(2, 4, 0, 10)->{Metadata} };
	my @old = $plex->keys('2', 'episode');
	$plex->rekey('2');
	my @new = $plex->keys('2', 'episode');
	is scalar(@new), $before, 'as many episodes';
	my %old = map { $_ => 1 } @old;
	is scalar(grep { $old{$_} } @new), 0, 'with other keys';
	$plex->close_port;
	is get('/identity')->{status}, 599, 'nobody there';
	$plex->start_again;
	is_deeply [ $plex->keys('2', 'episode') ], \@new, 'and there again';
};

done_testing;
