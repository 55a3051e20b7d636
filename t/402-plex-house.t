#!/usr/bin/perl
# A Plex server in the house, from its first day to its last: what is set up over the API and what
# the sync makes of it belong together.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use MediaNest::PlexServer;
use MediaNest::Test;
use Test::More;

use constant { FILMS => 30, SHOWS => 6 };

my $plex = MediaNest::PlexServer->start(name => 'Attic');
$plex->section('1', 'movie', 'Films');
$plex->section('2', 'show', 'Series');
my @keys = map { $plex->add('1', { title => "Film $_", Guid => ["tmdb://$_"] }) } 1 .. FILMS;
my $show = $plex->add('2', { title => 'A show' });
my $season = $plex->add('2', { type => 'season', parentRatingKey => $show, index => 1 });
$plex->add('2', { type => 'episode', parentRatingKey => $season, index => $_ }) for 1 .. 3;

my $mn = MediaNest::Test->stack(set => { $plex->settings, 'notifications.group_seconds' => 600 });
my $PLEX = '/api/integrations/plex';
my $super = $mn->user(role => 'super');
my $user = $mn->user;
my $other = $mn->user;
my ($true, $false) = (JSON::PP::true, JSON::PP::false);

sub films { scalar @{ $_[0]->api(GET => '/api/media?kind=movie&limit=100')->{json}{items} } }

sub film {
	my ($title) = @_;
	my ($film) = grep { $_->{title} eq $title }
	    @{ $super->api(GET => '/api/media?kind=movie&limit=100')->{json}{items} };
	return $film;
}

sub server { $super->api(GET => "$PLEX/servers/$_[0]")->{json} }

# Runs of the server that have ended.
sub runs {
	my ($id) = @_;
	return $mn->psql("SELECT count(*) FROM sync_runs WHERE server_id = '$id'"
	    . " AND status <> 'running'");
}

sub sync {
	my ($id) = @_;
	wait_until { $mn->psql("SELECT count(*) FROM jobs WHERE queue = 'sync'"
	    . " AND state IN ('available', 'running')") == 0 };
	my $before = runs($id);
	is $super->api(POST => "$PLEX/sync", { serverId => $id })->{status}, 202, 'a sync';
	wait_until { runs($id) > $before };
	return server($id)->{lastSync}{status};
}

sub library {
	my ($id, $key, $change) = @_;
	return $super->api(PUT => "$PLEX/servers/$id/libraries/$key", $change)->{status};
}

my $made = $super->api(POST => "$PLEX/servers", { name => 'Attic', url => $plex->url,
    token => $plex->token, libraries => { exclude => ['2'] } });
is $made->{status}, 201, 'a server' or diag $made->{content};
my $id = $made->{json}{id};

subtest 'the first day' => sub {
	wait_until { films($user) == FILMS };
	pass 'its films come by themselves';
	wait_until { runs($id) == 1 };
	is $mn->psql("SELECT count(*) FROM media WHERE kind IN ('show', 'season', 'episode')"), 0,
	    'and nothing of the library that is left out';
	is server($id)->{lastSync}{status}, 'ok', 'the run is shown';
	my ($films) = @{ $super->api(GET => "$PLEX/servers/$id/libraries")->{json}{items} };
	is $films->{items}, FILMS, 'its library has so many items';
	ok $films->{lastSyncedAt}, 'since then';
};

subtest 'a library is taken in, and left out again' => sub {
	my $there = "SELECT count(*) FROM media WHERE kind = 'episode' AND status = 'ready'";
	is library($id, 2, { enabled => $true }), 200, 'taken in';
	wait_until { $mn->psql($there) == 3 };
	pass 'its episodes come by themselves';
	wait_until { runs($id) == 2 };
	is library($id, 2, { enabled => $false }), 200, 'left out';
	is $mn->psql($there), 0, 'they are gone';
	is sync($id), 'ok', 'goes on without it';
	is $mn->psql($there), 0, 'and does not bring them back';
	is library($id, 2, { enabled => $true }), 200, 'taken in again';
	is $mn->psql($there), 3, 'here they are';
};

subtest 'what is new is seen by those who see its library' => sub {
	is library($id, 1, { visibility => 'shared', users => [ $user->{id} ] }), 200, 'for one';
	$mn->psql('DELETE FROM notification_groups');
	my %now = (addedAt => time);
	$plex->add('1', { title => 'New', Guid => ['tmdb://99'], %now });
	for my $n (1 .. SHOWS) {
		my $new = $plex->add('2', { title => "Show $n", %now });
		my $first = $plex->add('2', { type => 'season', parentRatingKey => $new,
		    index => 1, %now });
		$plex->add('2', { type => 'episode', parentRatingKey => $first, index => 1,
		    %now });
	}
	is sync($id), 'ok', 'runs';
	is films($user), FILMS + 1, 'who sees it';
	is films($other), 0, 'nobody else does';
	is $mn->psql("SELECT string_agg(key, ' ') FROM notification_groups"), "server:$id",
	    'many shows at once are one note';
	$mn->psql("UPDATE jobs SET run_at = now() WHERE kind = 'notify.group'"
	    . " AND state = 'available'; NOTIFY mn_jobs, 'events'");
	wait_until { $mn->psql('SELECT count(*) FROM notification_groups') == 0 };
	is_deeply [ map { $_->api(GET => '/api/notifications?limit=1')->{json}{items}[0]{title} }
	    $user, $other ], [ map { "Attic: $_ items added" } SHOWS + 1, SHOWS ],
	    'that counts what each can read';
	$plex->add('1', { ratingKey => 6001, _raw => '{"ratingKey":"6001","type":"movie"}' });
	is sync($id), 'ok', 'runs with an error';
	my $run = server($id)->{lastSync}{id};
	my $report = $super->api(GET => "$PLEX/syncs/$run")->{json};
	is scalar @{ $report->{errors} }, 1, 'which is in the report';
	$plex->forget;
	for my $read ([ $user, 'Films,Series', $report->{counts}{seen} ], [ $other, 'Series',
	    5 + 3 * SHOWS ]) {
		my ($who, $titles, $seen) = @$read;
		for my $shown ($who->api(GET => "$PLEX/syncs/$run")->{json},
		    $who->api(GET => "$PLEX/syncs?limit=1")->{json}{items}[0]) {
			is join(',', sort map { $_->{title} } @{ $shown->{sections} }), $titles,
			    'a report names the libraries that one can read';
			is $shown->{counts}{seen}, $seen, 'counts them';
			ok !exists $shown->{errors}, 'and no single items';
		}
		my $listed = $who->api(GET => "$PLEX/servers/$id/libraries")->{json}{items};
		is join(',', sort map { $_->{title} } @$listed), $titles, 'so does the list';
	}
	is scalar(grep { $_->{path} =~ m{^/(?:identity|library/sections)$} } $plex->requests), 0,
	    'for which the server was not asked';
	$plex->remove(6001);
	is library($id, 1, { visibility => 'house' }), 200, 'for all';
	is films($other), FILMS + 1, 'then everyone';
};

subtest 'a token that is good no longer' => sub {
	$plex->new_token('another-token');
	is sync($id), 'failed', 'ends the run';
	is films($user), FILMS + 1, 'and changes nothing';
	is $super->api(PATCH => "$PLEX/servers/$id", { token => 'another-token' })->{status}, 200,
	    'the new one';
	is sync($id), 'ok', 'is good';
};

subtest 'the server is set up again' => sub {
	my $film = film('Film 7');
	is $super->api(PUT => "/api/media/$film->{id}/tags", { tags => ['loved'] })->{status}, 200,
	    'a tag';
	my $machine = server($id)->{machineId};
	$plex->reinstall('another-machine');
	$plex->rekey('1');
	$plex->remove(($plex->keys('1', 'movie'))[0]);
	isnt sync($id), 'ok', 'does not go through';
	is_deeply server($id)->{adopt}, { machineId => 'another-machine' }, 'it is asked about';
	is films($user), FILMS + 1, 'nothing has changed';
	my $keys = "SELECT string_agg(item_key, ',' ORDER BY item_key) FROM server_items";
	my $before = $mn->psql($keys);
	my $runs = runs($id);
	is $super->api(POST => "$PLEX/servers/$id/adopt",
	    { machineIdentifier => 'another-machine' })->{status}, 200, 'adopted';
	wait_until { runs($id) > $runs };
	is server($id)->{lastSync}{status}, 'ok', 'it is synced at once';
	isnt $mn->psql($keys), $before, 'its items have their new keys';
	is_deeply film('Film 7')->{tags}, ['loved'], 'and what people made of them';
	is film('Film 7')->{id}, $film->{id}, 'they are the same';
	is $mn->psql('SELECT rekey FROM media_servers'), 'f', 'no key is in doubt';
	is films($user), FILMS + 1, 'one run says nothing of what is missing';
	sync($id);
	is films($user), FILMS, 'two runs do';
};

subtest 'its last day' => sub {
	is $super->api(DELETE => "$PLEX/servers/$id")->{status}, 204, 'removed';
	is films($user), 0, 'nothing is left of it';
	is $mn->psql("SELECT count(*) FROM media WHERE trash_reason = 'server'"),
	    FILMS + 5 + 3 * SHOWS, 'but in the trash';
	my $again = $super->api(POST => "$PLEX/servers", { name => 'Attic', url => $plex->url,
	    token => 'another-token' });
	is $again->{status}, 201, 'it comes back' or diag $again->{content};
	wait_until { films($user) == FILMS };
	pass 'with all films';
};

done_testing;
