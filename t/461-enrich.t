#!/usr/bin/perl
# What TMDB adds to films and series, and what happens when it does not respond as it should.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Catalogue;
use MediaNest::PlexServer;
use MediaNest::Test;
use MediaNest::Tmdb;
use Test::More;
use Time::HiRes qw(time);

my ($plex, $tmdb) = (MediaNest::PlexServer->start, MediaNest::Tmdb->start);
my $mn = MediaNest::Test->stack(set => { $tmdb->settings,
    'outbound.allow' => join(',', $plex->allow, $tmdb->allow) });
my $shelf = MediaNest::Catalogue->new($mn, $plex);
my $anna = $mn->user(role => 'user');
my @bare = (poster => undef, stand_in => 0);

sub item { my ($it) = @_; return $anna->api(GET => "/api/media/$it->{id}")->{json} }
sub asked { my ($what) = @_; return grep { $_->{path} =~ /$what/ } $tmdb->requests }
sub open_jobs {
	my ($kind) = @_;
	return $mn->psql("SELECT count(*) FROM jobs WHERE kind = '$kind' "
	    . "AND state IN ('available', 'running')");
}
sub state_of {
	my ($it) = @_;
	return $mn->psql("SELECT coalesce(tmdb_id, 'none') FROM media_enrichments "
	    . "WHERE media_id = '$it->{id}' AND tmdb_at IS NOT NULL");
}
# Asks for all items that lack something, and waits until nothing is left to do.
sub settle {
	my (@items) = @_;
	$shelf->enrich;
	for my $it (@items) {
		wait_until { state_of($it) ne '' } 60, 'an answer of TMDB';
	}
	wait_until { open_jobs('media.enrich') eq '0' } 60, 'no job';
	return;
}
sub search {
	my ($q) = @_;
	my $r = $anna->api(GET => "/api/search?q=$q");
	return [ sort map { $_->{title} } @{ $r->{json}{items} } ];
}

$tmdb->title(movie => 603, { title => 'The Matrix', original_title => 'The Matrix',
    release_date => '1999-03-30', overview => 'A hacker learns.', poster_path => '/matrix.jpg',
    genres => [ map { { id => 1, name => $_ } } 'Action', 'Science Fiction' ],
    keywords => { keywords => [ { id => 1, name => 'simulated reality' } ] },
    external_ids => { imdb_id => 'tt0133093' },
    credits => { cast => [ { name => 'Keanu Reeves', character => 'Neo' } ],
        crew => [ { name => 'Lana Wachowski', job => 'Director' },
            { name => 'Somebody Else', job => 'Catering' } ] } });
$tmdb->title(movie => 604, { title => 'The Matrix', release_date => '2001-01-01',
    overview => 'Another one of this name.' });
$tmdb->title(tv => 70523, { name => 'Dark', original_name => 'Dark',
    first_air_date => '2017-12-01', overview => 'A child vanishes.', poster_path => undef,
    genres => [], keywords => { results => [ { name => 'time travel' } ] },
    external_ids => { imdb_id => 'tt5753856', tvdb_id => 334824 }, credits => { cast => [] } });

subtest 'by ids' => sub {
	my $film = $shelf->add(movie => 'Matrix', @bare, ids => { tmdb => '603' });
	my $copy = $shelf->add(movie => 'Matrix 4K', @bare, ids => { tmdb => '603' });
	my $imdb = $shelf->add(movie => 'Matrix on disc', @bare, ids => { imdb => 'tt0133093' },
	    overview => 'What Plex says.');
	my $show = $shelf->add(show => 'Dark', @bare, ids => { tvdb => '334824' });
	settle($film, $copy, $imdb, $show);
	my $r = item($film);
	is $r->{overview}, 'A hacker learns.', 'an overview';
	is_deeply $r->{genres}, [ 'Action', 'Science Fiction' ], 'genres';
	is_deeply $r->{metadata}{keywords}, ['simulated reality'], 'keywords';
	is_deeply $r->{metadata}{people}, [ { name => 'Keanu Reeves', role => 'Neo' },
	    { name => 'Lana Wachowski', role => 'Director' } ], 'people';
	like $r->{metadata}{attribution}{text}, qr/TMDB API.*not endorsed or certified by TMDB/,
	    'the attribution';
	is $r->{metadata}{attribution}{url}, 'https://www.themoviedb.org/movie/603',
	    'with its link';
	is_deeply $r->{externalIds}, { tmdb => '603', imdb => 'tt0133093' }, 'ids of others';
	is item($imdb)->{overview}, 'What Plex says.', 'what the server says stays';
	is_deeply item($imdb)->{genres}, [ 'Action', 'Science Fiction' ], 'and is completed';
	is item($show)->{externalIds}{tmdb}, '70523', 'a show, by the id of TheTVDB';
	is scalar(asked('/3/movie/603$')), 1, 'a title is asked for once in twelve hours';
	is_deeply [ grep { $_->{where} ne 'header' } asked('/3/') ], [], 'the token is in a header';
	is scalar @{ search('keanu%20reeves') }, 1, 'people are found, and a title is one hit';
	is_deeply search('%22time%20travel%22'), ['Dark'], 'keywords too';
	$tmdb->forget;
	settle($film);
	is scalar(asked('.')), 0, 'nothing is asked again';
};

subtest 'by name' => sub {
	my $film = $shelf->add(movie => 'the matrix!', @bare, year => 1999);
	my $any = $shelf->add(movie => 'The Matrix', @bare);
	my $other = $shelf->add(movie => 'The Matrix', @bare, year => 2003);
	my $wrong = $shelf->add(movie => 'Nonsense', @bare,
	    ids => { tmdb => '999', imdb => 'tt9' });
	settle($film, $any, $other, $wrong);
	is item($film)->{externalIds}{tmdb}, '603', 'title and year';
	is state_of($any), 'none', 'not when two have the title';
	is state_of($other), 'none', 'nor when the year is another';
	is state_of($wrong), 'none', 'nor when nobody knows the ids';
	is item($other)->{overview}, undef, 'nothing is made up';
	$tmdb->forget;
	settle($wrong);
	is scalar(asked('.')), 0, 'that there is none is remembered';
	$mn->psql("UPDATE media SET external_ids = '{\"tmdb\":\"604\"}' WHERE id = '$wrong->{id}'");
	$shelf->enrich;
	wait_until { state_of($wrong) eq '604' } 60, 'the other id';
	is item($wrong)->{overview}, 'Another one of this name.', 'until the item has other ids';
	$mn->psql("UPDATE media SET external_ids = '{\"tmdb\":\"603\"}' WHERE id = '$wrong->{id}'");
	$shelf->enrich;
	wait_until { state_of($wrong) eq '603' } 60, 'the third id';
	is item($wrong)->{overview}, 'A hacker learns.',
	    'whose text replaces that of the wrong one';
	my $edit = $mn->admin->api(PATCH => "/api/media/$wrong->{id}", { overview => undef });
	is $edit->{status}, 200, 'somebody wants no overview';
	$mn->psql("UPDATE media SET external_ids = '{\"tmdb\":\"604\"}' WHERE id = '$wrong->{id}'");
	$shelf->enrich;
	wait_until { state_of($wrong) eq '604' } 60, 'the second id again';
	is item($wrong)->{overview}, undef, 'which stays so';
};

subtest 'seasons' => sub {
	my $episode = sub {
		my ($n, %more) = @_;
		return { id => 1100 + $n, episode_number => $n, name => "Part $n",
		    overview => "Something happens $n times.",
		    still_path => "/still$n.jpg", %more };
	};
	$tmdb->season(70523 => 1, { id => 900, season_number => 1, overview => 'It begins.',
	    poster_path => '/season1.jpg', episodes => [ map { $episode->($_,
	        guest_stars => [ { name => "Guest Number$_", character => 'Guest' } ],
	        crew => [ { name => 'Baran bo Odar', job => 'Director' },
	            { name => 'Somebody Else', job => 'Catering' } ]) } 1 .. 30 ] });
	$tmdb->season(70523 => 2, { id => 901, overview => '', episodes => [ $episode->(1) ] });
	$tmdb->forget;
	my $show = $shelf->add(show => 'Dark', @bare, ids => { tmdb => '70523' }, year => 2017);
	my ($one, $two, $nine) = map { $shelf->add(season => "Season $_", @bare, parent => $show,
	    position => $_) } 1, 2, 9;
	my @part = map { $shelf->add(episode => "Part $_", @bare, parent => $one, position => $_,
	    $_ == 2 ? (overview => 'What Plex says.') : ()) } 1 .. 30;
	my $late = $shelf->add(episode => 'Part 7', @bare, parent => $two, position => 7);
	settle($show, $one, $two, $nine, @part, $late);
	is scalar(asked('/3/tv/70523/season/1$')), 1, 'one request for a season of thirty episodes';
	is scalar(asked('/episode')), 0, 'and none for an episode';
	is item($one)->{overview}, 'It begins.', 'the season';
	my $r = item($part[0]);
	is $r->{overview}, 'Something happens 1 times.', 'an episode';
	is_deeply $r->{metadata}{people}, [ { name => 'Guest Number1', role => 'Guest' },
	    { name => 'Baran bo Odar', role => 'Director' } ], 'with its own people';
	is $r->{externalIds}{tmdb}, '1101', 'and its id';
	is $r->{metadata}{attribution}{url}, 'https://www.themoviedb.org/tv/70523/season/1',
	    'and the attribution';
	is item($part[1])->{overview}, 'What Plex says.', 'what the server says stays';
	is_deeply search('guest%20number30'), ['Part 30'], 'people of an episode are found';
	is $mn->psql("SELECT artwork FROM media_enrichments WHERE media_id = '$part[2]{id}'"),
	    '/still3.jpg', 'a still, where the server has none';
	is state_of($late), 'none', 'an episode that TMDB does not have is remembered';
	is state_of($nine), 'none', 'a season too';
	my $version = item($part[0])->{etag};
	$tmdb->forget;
	my $new = $shelf->add(episode => 'Part 31', @bare, parent => $one, position => 31);
	settle($new);
	is state_of($new), 'none', 'a new episode is looked for';
	is scalar(asked('.')), 0, 'in the season that was asked for already';
	is item($part[0])->{etag}, $version, 'and writes nothing to the others';
	$mn->psql("UPDATE media SET position = 2 WHERE id = '$one->{id}'");
	$shelf->enrich;
	wait_until { state_of($part[4]) eq 'none' } 60, 'the season is another one';
	is item($part[4])->{overview}, undef, 'what TMDB said of it goes';
	is item($part[0])->{overview}, 'Something happens 1 times.',
	    'or is what it says of the other';
};

subtest 'artwork' => sub {
	my $poster = $mn->client->request(GET => $plex->url
	    . '/library/metadata/' . $shelf->add(movie => 'Posted')->{key} . '/thumb/1', undef,
	    { 'X-Plex-Token' => $plex->token });
	is $poster->{status}, 200, 'a picture to serve';
	$tmdb->picture('/lost.jpg', $poster->{content});
	$tmdb->title(movie => 700, { title => 'Lost', poster_path => '/lost.jpg' });
	my $film = $shelf->add(movie => 'Lost', @bare, ids => { tmdb => '700' });
	settle($film);
	wait_until { item($film)->{thumbnails}{320} } 60, 'the artwork';
	like item($film)->{thumbnails}{320}, qr{/derived/\Q$film->{id}\E/},
	    'where the server has none';
	my $kept = $shelf->add(movie => 'Lost too', ids => { tmdb => '700' });
	$tmdb->forget;
	settle($kept);
	wait_until { item($kept)->{thumbnails}{320} } 60, 'its poster';
	is scalar(asked('/t/p/')), 0, 'not where it has one';
};

subtest 'a pause' => sub {
	$tmdb->title(movie => 800, { title => 'Busy', overview => 'At last.' });
	$tmdb->fault('movie/800', { status => 429, retry => 3, times => 1 });
	$tmdb->forget;
	my $film = $shelf->add(movie => 'Busy', @bare, ids => { tmdb => '800' });
	settle($film);
	my @times = map { $_->{at} } asked('movie/800');
	is scalar @times, 2, 'asked twice';
	cmp_ok $times[1] - $times[0], '>=', 2.9, 'with the pause that it asked for';
	is item($film)->{overview}, 'At last.', 'and answered';
	is $mn->psql("SELECT max(attempt) FROM jobs WHERE payload->>'mediaId' = '$film->{id}'"), 1,
	    'which is no failed attempt';
};

subtest 'what is no answer' => sub {
	my @fault = ([ 'a proxy', { body => '<html>Sign in</html>', type => 'text/html' } ],
	    [ 'its 404', { status => 404, body => '<h1>404</h1>', type => 'text/html' } ],
	    [ 'an error', { status => 500 } ], [ 'other JSON', { body => '{"ok":true}' } ]);
	my @film;
	for my $i (0 .. $#fault) {
		my ($name, $how) = @{ $fault[$i] };
		my $id = 810 + $i;
		$tmdb->title(movie => $id, { title => 'Odd', overview => "Present: $name." });
		$tmdb->fault("movie/$id", { %$how, times => 1 });
		push @film, $shelf->add(movie => "Odd, $name", @bare, ids => { tmdb => $id });
	}
	settle(@film);
	is item($film[$_])->{overview}, "Present: $fault[$_][0].",
	    "$fault[$_][0] is no no: it is asked again" for 0 .. $#fault;
	is $mn->psql("SELECT count(*) FROM tmdb_cache WHERE path LIKE 'movie/81%' "
	    . 'AND title IS NULL'), 0,
	    'and not remembered';
};

subtest 'later than anybody waits' => sub {
	$tmdb->title(movie => 830, { title => 'Slow', overview => 'Worth it.' });
	$tmdb->fault('movie/830', { ms => 11_000, times => 1 });
	$tmdb->forget;
	my $film = $shelf->add(movie => 'Slow', @bare, ids => { tmdb => '830' });
	$shelf->enrich;
	my $failed = sub { $mn->psql("SELECT attempt FROM jobs WHERE kind = 'media.enrich' AND "
	    . "payload->>'mediaId' = '$film->{id}' AND state = 'available' AND attempt > 0") };
	wait_until { $failed->() } 30, 'the attempt has failed';
	is state_of($film), '', 'nothing was learned';
	$mn->psql("UPDATE jobs SET run_at = now() WHERE payload->>'mediaId' = '$film->{id}'; "
	    . "UPDATE tmdb_pace SET next_at = now(); SELECT pg_notify('mn_jobs', 'enrich')");
	wait_until { state_of($film) eq '830' } 60, 'the next one';
	is item($film)->{overview}, 'Worth it.', 'and nothing was lost';
};

subtest 'a wrong key' => sub {
	$tmdb->fault('/3/', { status => 401, body => '{"status_code":7}' });
	$tmdb->forget;
	my @film = map { $shelf->add(movie => "Key $_", @bare, ids => { tmdb => '603' }) } 1 .. 5;
	$mn->psql('DELETE FROM tmdb_cache');
	$shelf->enrich;
	wait_until { scalar asked('/3/') } 60, 'a question';
	wait_until { $mn->psql("SELECT count(*) FROM jobs WHERE kind = 'media.enrich' AND state = "
	    . "'available' AND run_at > now() + interval '10 minutes'") eq '5' } 60, 'the pause';
	is scalar(asked('/3/')), 1, 'one question is enough';
	is state_of($film[0]), '', 'and nothing was learned';
	like $mn->log_text('worker'), qr/TMDB does not accept the key/, 'the log says why';
	$tmdb->heal;
	$mn->psql('UPDATE tmdb_pace SET next_at = now(); UPDATE jobs SET run_at = now() WHERE '
	    . "kind = 'media.enrich' AND state = 'available'; "
	    . "SELECT pg_notify('mn_jobs', 'enrich')");
	settle(@film);
	is item($film[4])->{overview}, 'A hacker learns.', 'later it goes on';
};

subtest 'outside services: TMDB is away' => sub {
	$tmdb->fault('/3/', { status => 503 });
	$tmdb->forget;
	my @film = map { $shelf->add(movie => "Down $_", @bare, ids => { tmdb => "60$_" }) } 1 .. 6;
	$mn->psql('DELETE FROM tmdb_cache');
	$shelf->enrich;
	wait_until { scalar asked('/3/') } 60, 'a question';
	wait_until { $mn->psql("SELECT count(*) FROM jobs WHERE kind = 'media.enrich' AND state = "
	    . "'available' AND run_at > now()") eq '6' } 60, 'the pause';
	cmp_ok scalar(asked('/3/')), '<=', 2, 'not every job finds out for itself';
	$tmdb->heal;
	settle(@film);
	is item($film[2])->{overview}, 'A hacker learns.', 'when it is back they go on';
};

subtest 'twenty a second' => sub {
	$tmdb->forget;
	my @film = map { $shelf->add(movie => "Many $_", @bare, year => 1900 + $_) } 1 .. 45;
	settle(@film);
	my @times = sort { $a <=> $b } map { $_->{at} } asked('/3/');
	is scalar @times, 45, 'a question for each';
	my @fast = grep { $times[ $_ + 20 ] - $times[$_] < 0.95 } 0 .. $#times - 20;
	is_deeply \@fast, [], 'and no more than twenty in a second';
};

sub configure {
	my ($key) = @_;
	my $file = "$mn->{var}/etc/medianest.conf";
	open my $in, '<', $file or die "$file: $!";
	my @lines = grep { !/^tmdb\.api_key/ } <$in>;
	close $in;
	open my $out, '>', $file or die "$file: $!";
	print $out @lines, "tmdb.api_key = $key\n";
	close $out or die "$file: $!";
	$mn->restart_part('worker');
	return;
}

subtest 'keys' => sub {
	configure($tmdb->{old_key});
	$tmdb->forget;
	my $film = $shelf->add(movie => 'An old key', @bare, ids => { tmdb => '700' });
	$mn->psql('DELETE FROM tmdb_cache');
	settle($film);
	is_deeply [ map { $_->{where} } asked('movie/700') ], ['query'],
	    'a key of version 3 goes where TMDB takes it';
	my $super = $mn->admin;
	configure('');
	my $setting = sub { (grep { $_->{key} eq 'tmdb.api_key' }
	    @{ $super->api(GET => '/api/admin/settings')->{json}{items} })[0] };
	my $live = $shelf->add(movie => 'A live key', @bare, ids => { tmdb => '700' });
	$mn->psql("UPDATE tmdb_pace SET next_at = now() + interval '1 hour'");
	my $patch = $super->api(PATCH => '/api/admin/settings', { 'tmdb.api_key' => $tmdb->{key} });
	is $patch->{status}, 200, 'the key is set while everything runs';
	unlike $patch->{content}, qr/\Q$tmdb->{key}\E/, 'and not shown';
	ok $setting->()->{isSet}, 'it is set';
	is $setting->()->{source}, 'database', 'in the database';
	wait_until { state_of($live) eq '700' } 60, 'which the worker knows';
	unlike $super->api(GET => '/api/admin/audit?limit=50')->{content}, qr/\Q$tmdb->{key}\E/,
	    'nor is it in the audit log';
	my $sealed = $mn->psql("SELECT sealed FROM settings WHERE key = 'tmdb.api_key'");
	like $sealed, qr/^v1:/, 'it is sealed';
	is $super->api(PATCH => '/api/admin/settings', { 'tmdb.api_key' => undef })->{status}, 200,
	    'and taken away again';
	is $setting->()->{source}, 'file', 'then the file says it again';
	$mn->restart_part('worker');
	$tmdb->forget;
	$film = $shelf->add(movie => 'No key', stand_in => 1, ids => { tmdb => '700' });
	$shelf->enrich;
	wait_until { item($film)->{thumbnails}{320} } 60, 'its poster';
	is open_jobs('media.enrich'), 0, 'without a key there is nothing to do';
	is scalar(asked('.')), 0, 'and nobody is asked';
	my $logs = MediaNest::Test::run_output('grep', '-rlF', '-e', $tmdb->{key}, '-e',
	    $tmdb->{old_key}, '-e', $plex->token, "$mn->{var}/log");
	is $logs, '', 'no key is in a log';
	my $dump = MediaNest::Test::run_output('pg_dump', '-d', $mn->{status}{databaseUrl},
	    '--data-only');
	is $?, 0, 'a dump';
	is_deeply [ grep { index($dump, $_) >= 0 } $tmdb->{key}, $tmdb->{old_key}, $plex->token ],
	    [], 'nor in the database';
};

done_testing;
