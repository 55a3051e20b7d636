#!/usr/bin/perl
# Titles that only Overseerr knows: their posters, which come from TMDB to this house, their
# seasons, 4K; and requests that were made in another name while nobody read the answer.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use MediaNest::Media;
use MediaNest::Overseerr;
use MediaNest::Sequence qw(later);
use MediaNest::Test;
use MediaNest::Tmdb;
use Test::More;

use constant API => '/api/integrations/overseerr';
use constant SLOW => 8; # longer than it takes to see that the question has arrived
my ($o, $tmdb) = (MediaNest::Overseerr->start, MediaNest::Tmdb->start);
my $mn = MediaNest::Test->stack(set => { $tmdb->settings, 'tmdb.api_key' => '',
    'outbound.allow' => "127.0.0.1:$o->{port}," . $tmdb->allow });
my ($admin, $ada) = ($mn->admin, $mn->user);
my $photo = do {
	my $media = MediaNest::Media->new;
	MediaNest::Media::slurp($media->picture('poster.jpg', size => '342x513'));
};

$o->user(2, name => 'ada', permissions => 32);
$o->title(movie => 1, 'Film 1', '1999-03-31', poster => '/one.jpg');
$o->title(movie => 2, 'Film 2', '1999-03-31', poster => '/two.jpg');
$o->title(movie => 3, 'Film 3', '1999-03-31', poster => '/three.jpg');
$o->title(movie => 4, 'Film 4', '1999-03-31', poster => '/../four.jpg?x');
$o->title(movie => $_, "Film $_", '1999-03-31') for 10 .. 15;
$o->title(tv => 90, 'Series 90', '2022-02-18', seasons => 4, info => { status => 4,
    seasons => [ { seasonNumber => 1, status => 5, status4k => 1 },
        { seasonNumber => 2, status => 1, status4k => 5 } ],
    requests => [ { id => 7, status => 1, is4k => JSON::PP::false,
            seasons => [ { seasonNumber => 3 } ] },
        { id => 8, status => 3, is4k => JSON::PP::false,
            seasons => [ { seasonNumber => 4 } ] } ] });
$tmdb->picture('/one.jpg', $photo);
$tmdb->picture('/three.jpg', '<html>Sign in</html>');
$admin->api(PUT => API, { url => $o->{url}, apiKey => $o->{key} });
$admin->api(PUT => API . "/people/$ada->{id}", { overseerrId => 2 });
my $read = sub { $admin->api(GET => API)->{json}{refreshedAt} };
&wait_until($read, 20, 'the first list');

sub hit {
	my ($id) = @_;
	my $r = $ada->api(GET => API . "/search?q=film%20$id");
	return (grep { $_->{tmdbId} == $id } @{ $r->{json}{items} })[0];
}
sub look { my ($what) = @_; return $ada->api(GET => API . "/titles/$what")->{json} }
sub poster_row {
	my ($path) = @_;
	return $mn->psql("SELECT state || ' ' || (failed_at IS NOT NULL) || ' ' || failures "
	    . "FROM title_posters WHERE path = '$path'");
}
sub idle {
	return $mn->psql("SELECT count(*) FROM jobs WHERE kind = 'title.poster' "
	    . "AND state IN ('available', 'running')") eq '0';
}
sub fetched { my ($name) = @_; return grep { $_->{path} =~ m{/t/p/w\d+/$name$} } $tmdb->requests }

subtest 'posters' => sub {
	is hit(1)->{posterUrl}, undef, 'a search does not wait for pictures';
	my $url;
	&wait_until(sub { $url = hit(1)->{posterUrl} }, 30, 'the next one has them');
	like $url, qr{^https://127[^/]+/medianest/poster/one\.jpg\.webp\?}, 'a picture of ours';
	my $r = $mn->client->request(GET => $url);
	is $r->{status}, 200, 'which is there';
	is $r->{headers}{'content-type'}, 'image/webp', 'made in the sandbox';
	is scalar(fetched('one.jpg')), 1, 'TMDB was asked once';
	my $made = $ada->api(POST => API . '/requests',
	    { mediaType => 'movie', tmdbId => 1 })->{json};
	like $made->{posterUrl}, qr{/poster/one\.jpg\.webp\?}, 'a request shows it too';
	my ($listed) = @{ $ada->api(GET => API . '/requests')->{json}{items} };
	like $listed->{posterUrl}, qr{/poster/one\.jpg\.webp\?}, 'and the list of them';
	like look('movie/1')->{posterUrl}, qr{/poster/one\.jpg\.webp\?}, 'and the title';
	hit(4);
	is $mn->psql("SELECT count(*) FROM title_posters WHERE path LIKE '%four%'"), 0,
	    'what is no path of TMDB is not fetched';
};

subtest 'no posters' => sub {
	hit(2);
	&wait_until(sub { poster_row('/two.jpg') eq 'absent false 0' }, 30, 'TMDB has none');
	is hit(2)->{posterUrl}, undef, 'then there is none';
	for my $n (1 .. 3) {
		hit(3);
		&wait_until(sub { poster_row('/three.jpg') =~ / $n$/ && idle() }, 30, "try $n");
	}
	is poster_row('/three.jpg'), 'absent false 3', 'nor where what comes is no picture';
	$tmdb->forget;
	hit($_) for 2, 3;
	ok idle(), 'nobody asks for those again';
	$mn->psql("UPDATE title_posters SET state = 'wanted', failures = 0 "
	    . "WHERE path = '/two.jpg'");
	$tmdb->picture('/two.jpg', $photo);
	$tmdb->fault('two.jpg', { status => 503 });
	hit(2);
	&wait_until(sub { poster_row('/two.jpg') eq 'wanted true 0' }, 30, 'TMDB is away');
	hit(2);
	ok idle(), 'nobody asks for a while';
	$tmdb->heal;
	$mn->psql("UPDATE title_posters SET failed_at = failed_at - interval '1 hour'");
	&wait_until(sub { hit(2)->{posterUrl} }, 30, 'and then there is one');
};

subtest 'they have an age' => sub {
	$mn->psql("UPDATE title_posters SET wanted_at = now() - interval '31 days'");
	my $url = hit(2)->{posterUrl};
	$mn->psql("UPDATE title_posters SET wanted_at = now() - interval '31 days'");
	$mn->psql("UPDATE jobs SET run_at = now() WHERE unique_key = 'every:upkeep.enrich'; "
	    . "SELECT pg_notify('mn_jobs', 'upkeep')");
	&wait_until(sub { poster_row('/two.jpg') eq '' }, 30, 'one that nobody sees goes');
	is $mn->client->request(GET => $url)->{status}, 404, 'with its picture';
	is poster_row('/one.jpg'), 'there false 0', 'not that of a request';
};

subtest 'a title' => sub {
	is look('movie/1')->{is4kAvailable}, JSON::PP::false, 'no 4K in this house';
	$o->with_4k('series');
	is look('tv/90')->{is4kAvailable}, JSON::PP::false, 'nor for those who may not';
	$o->user(2, permissions => 32 | 4096);
	is look('movie/1')->{is4kAvailable}, JSON::PP::false, 'nor of films';
	my $r = look('tv/90');
	is $r->{is4kAvailable}, JSON::PP::true, 'but for who may';
	is_deeply [ map { "$_->{number} $_->{name} $_->{episodeCount} $_->{status} $_->{status4k}" }
	    @{ $r->{seasons} } ], [ '0 Specials 10 unknown unknown',
	    '1 Season 1 11 available unknown', '2 Season 2 12 unknown available',
	    '3 Season 3 13 pending unknown', '4 Season 4 14 unknown unknown' ], 'its seasons';
	is $ada->api(GET => API . '/titles/movie/999')->{status}, 404, 'none of that number';
	is $ada->api(GET => API . '/titles/movie/x')->{status}, 404, 'no number';
	is $ada->api(GET => API . '/titles/book/1')->{status}, 400, 'no kind';
	$o->fault(status => 500);
	is $ada->api(GET => API . '/titles/tv/90')->{status}, 503, 'no answer is no title';
	$o->heal;
	my $made = $ada->api(POST => API . '/requests', { mediaType => 'tv', tmdbId => 90,
	    seasons => [4], is4k => JSON::PP::true });
	is $made->{status}, 201, 'asked for in 4K' or diag $made->{content};
	my ($there) = grep { $_->{tmdbId} == 90 } values %{ $o->state->{requests} };
	ok $there->{is4k}, 'so it is';
};

sub there { my ($id) = @_; return grep { $_->{tmdbId} == $id } values %{ $o->state->{requests} } }
sub row {
	my ($id) = @_;
	return $mn->psql("SELECT status || ' ' || coalesce(failure_code, '') FROM requests "
	    . "WHERE tmdb_id = $id AND made_here");
}
# The list is read, as after the time in which an answer can come.
sub later_list {
	$mn->psql("UPDATE requests SET created_at = created_at - interval '1 minute' "
	    . 'WHERE overseerr_id IS NULL');
	my $before = $mn->psql('SELECT clock_timestamp()');
	$mn->psql("UPDATE jobs SET run_at = now() WHERE unique_key = 'every:requests.list'; "
	    . "SELECT pg_notify('mn_jobs', 'requests')");
	&wait_until(sub { $mn->psql('SELECT refreshed_at >= ' . "'$before' FROM overseerr_settings")
	    eq 't' }, 30, 'the list');
	return;
}
# Asks for it, and ends the process before it has the answer. Returns who Overseerr says has asked:
# the next list may come soon.
sub ask_and_die {
	my ($id) = @_;
	my $by;
	$o->forget;
	$o->fault(late => SLOW);
	my $asking = later(sub { $ada->api(POST => API . '/requests',
	    { mediaType => 'movie', tmdbId => $id }) });
	&wait_until(sub { ($by) = map { $_->{by} } there($id); $by }, 20, 'the request there');
	kill 'KILL', split ' ', MediaNest::Test::run_output('pgrep', '-P', $mn->pid('overseerr'));
	like $asking->()->{status}, qr/^5/, 'nobody knows';
	$o->fault(late => 0);
	return $by;
}
sub alerts {
	return grep { $_->{kind} eq 'alert.raised' && $_->{title} =~ /wrong name/ }
	    @{ $admin->api(GET => '/api/notifications?limit=100')->{json}{items} };
}

subtest 'made in another name, and nobody read the answer' => sub {
	$o->fault(deaf => 1);
	is ask_and_die(10), 1, 'Overseerr made it in the name of the owner of the key';
	later_list();
	is scalar(there(10)), 0, 'it is taken back';
	is row(10), 'failed acting_failed', 'the requester sees why';
	is scalar(alerts()), 1, 'and the keepers are told';
	is scalar(grep { $_->{kind} eq 'request.created' && $_->{title} eq 'Film 10' }
	    @{ $admin->api(GET => '/api/notifications?limit=100')->{json}{items} }), 0,
	    'nobody was told of a request of the owner';
	$o->heal;
};

subtest 'made in the right name' => sub {
	ask_and_die(11);
	later_list();
	is scalar(there(11)), 1, 'it stays';
	is row(11), 'pending ', 'and is found';
};

# Others give the row its number between the two looks for it of who asked.
subtest 'found by the list while its answer is on its way' => sub {
	$o->fault(late => 2);
	my $asking = later(sub { $ada->api(POST => API . '/requests',
	    { mediaType => 'movie', tmdbId => 15 }) });
	&wait_until(sub { there(15) }, 20, 'the request there');
	my ($number) = grep { $o->state->{requests}{$_}{tmdbId} == 15 }
	    keys %{ $o->state->{requests} };
	$mn->psql(<<"SQL");
BEGIN;
UPDATE requests SET overseerr_id = $number WHERE tmdb_id = 15 AND overseerr_id IS NULL;
DO \$\$ BEGIN
	FOR i IN 1 .. 1000 LOOP
		PERFORM pg_stat_clear_snapshot();
		EXIT WHEN EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'
		    AND query LIKE '%requests%' AND datname = current_database());
		PERFORM pg_sleep(0.02);
	END LOOP;
END \$\$;
COMMIT;
SQL
	$o->fault(late => 0);
	my $got = $asking->();
	is $got->{status}, 201, 'it is hers' or diag $got->{content} // '';
	is row(15), 'pending ', 'once';
};

# A question that Overseerr never got, while the owner of its key asked for the same in person.
sub question {
	my ($id, $as) = @_;
	$mn->psql('INSERT INTO requests (id, media_type, tmdb_id, overseerr_user_id, '
	    . 'overseerr_user_name, requested_by, made_here, newest_before, fetched_at, '
	    . "created_at, updated_at) VALUES (gen_random_uuid(), 'movie', $id, $as, 'ada', "
	    . "'$ada->{id}', true, "
	    . '(SELECT coalesce(max(overseerr_id), 0) FROM requests), now(), now(), now())');
	my ($last) = sort { $b <=> $a } keys %{ $o->state->{requests} }, 0;
	$o->request($last + 1, by => 1, tmdbId => $id);
	return;
}

subtest "the owner's own" => sub {
	question(12, 2);
	later_list();
	is scalar(there(12)), 1, 'stays where names arrive';
	is row(12), 'failed not_created', 'the question had no answer';
	question(13, 42);
	later_list();
	is scalar(there(13)), 1, 'and where that is not known';
	is row(13), 'pending ', 'then it is looked at again';
	$o->user(42, name => 'late', permissions => 32);
	$o->fault(deaf => 1);
	$mn->psql('UPDATE requests SET newest_before = NULL WHERE tmdb_id = 13 AND made_here');
	later_list();
	is scalar(there(13)), 1, 'and where it may be older than the question';
	question(14, 2);
	$o->fault(keeps => 1);
	later_list();
	is scalar(there(14)), 1, 'what cannot be taken back is there';
	like +(alerts())[0]{message}, qr/could NOT be taken back/, 'and the keepers are told';
	is scalar(alerts()), 2, 'once';
	later_list();
	is scalar(alerts()), 2, 'not in each run';
	$o->heal;
};

done_testing;
