#!/usr/bin/perl
# Several media servers: the token of one is sent to that one only, whatever is asked; a dead one
# delays no other; and what else happens to people, keys and the worker while syncs run.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use MediaNest::Hooks;
use MediaNest::PlexServer;
use MediaNest::Test;
use Test::More;

use constant { SERVERS => 5, AT_ONCE => 4 };

my @plex = map { MediaNest::PlexServer->start(name => "Plex $_") } 1 .. SERVERS;
my ($true, $false) = (JSON::PP::true, JSON::PP::false);
my $mn = MediaNest::Test->stack(set => { 'sync.minutes' => 0, 'hooks.silence' => 86_400,
    'outbound.allow' => join ',', map { $_->allow } @plex });
my $admin = $mn->user(role => 'super');
my $hooks = MediaNest::Hooks->new($mn);
my $SERVERS = '/api/integrations/plex/servers';
my $build = MediaNest::Test::build_directory();

sub sync { return MediaNest::Test::run_output("$build/inst/sbin/medianest-sync", '--config',
    "$mn->{var}/etc/medianest.conf", @_) }

sub add {
	my ($plex, %more) = @_;
	my $r = $admin->api(POST => $SERVERS, { name => $plex->{name}, url => $plex->url,
	    token => $plex->token, enabled => $true, %more });
	die "add: $r->{status} $r->{content}" if $r->{status} != 201;
	return $r->{json}{id};
}

# No job of these kinds waits or runs.
sub idle {
	my ($kinds) = @_;
	return wait_until { $mn->psql("SELECT count(*) FROM jobs WHERE kind ~ '^($kinds)\$'"
	    . " AND state IN ('available', 'running')") == 0 } 30, "the end of $kinds";
}

# The attempts of a job that has to fail are not waited for.
sub drop { $mn->psql("DELETE FROM jobs WHERE kind ~ '^($_[0])\$' AND state = 'available'") }

# --- whoever has taken over the address ----------------------------------------------------------

my $home = $plex[0];
$home->section('1', 'movie', 'Films');
my @film = map { $home->add('1', { title => "Film $_",
    thumb => "/library/metadata/$_/thumb/1", ratingKey => $_ }) } 101 .. 104;
my $id = add($home);
idle('sync\.run');
idle('media\.poster');
$mn->user; # a person who is linked with plex.tv
$mn->psql("UPDATE users SET plex_id = '4711' WHERE id = '$admin->{id}'");
my $serial = 0;

sub event {
	my ($name, $account, $key) = @_;
	my $r = $hooks->plex(play_event($home->machine, event => $name, account => $account,
	    item => { ratingKey => $key, librarySectionID => 1, title => 'x' },
	    player => 'TV ' . ++$serial));
	wait_until { $admin->api(GET => "/api/webhooks/events/$r->{json}{id}")->{json}{status}
	    ne 'received' } 20, "event $name";
	return;
}

sub silence {
	$mn->psql("UPDATE webhook_events SET received_at = received_at - interval '3 days';"
	    . " UPDATE webhook_sources SET created_at = created_at - interval '3 days';"
	    . ' DELETE FROM hook_silences;'
	    . " UPDATE jobs SET run_at = now() WHERE unique_key = 'every:webhook.silence';"
	    . " NOTIFY mn_jobs, 'upkeep'");
	my $over = "SELECT count(*) FROM jobs WHERE unique_key = 'every:webhook.silence'"
	    . " AND state = 'available' AND run_at > now()";
	wait_until { $mn->psql($over) } 20, 'the look for silence';
	return;
}

sub poster {
	my $media = $mn->psql("SELECT media_id FROM server_items WHERE item_key = '$film[0]'");
	$mn->psql("DELETE FROM media_enrichments WHERE media_id = '$media'");
	$admin->api(GET => "/api/media/$media");
	wait_until { $mn->psql("SELECT count(*) FROM jobs WHERE kind = 'media.poster' AND "
	    . "state IN ('done', 'dead') AND payload->>'mediaId' = '$media'"
	    . ' OR attempt > 0 AND state = \'available\'') } 30, 'the poster';
	return;
}

# What asks a server something with its token, and what of it shows that it was asked.
my @ask = (
    [ 'the test', qr{^/$}, sub { $admin->api(POST => "$SERVERS/$id/test") } ],
    [ 'the list of libraries', qr{^/library/sections$},
	sub { $admin->api(GET => "$SERVERS/$id/libraries") } ],
    [ 'a sync', qr{/all$}, sub { sync() } ],
    [ 'a poster', qr{/thumb/}, \&poster ],
    [ 'the live search', qr{^/hubs/search$},
	sub { $admin->api(GET => '/api/search?q=film%20' . ++$serial) } ],
    [ "a webhook's look-up", qr{^/library/metadata/\d+$}, sub { event('library.new', 1, 102) } ],
    [ 'who is playing', qr{^/status/sessions$}, sub { event('media.play', 1, 103) } ],
    [ 'the history', qr{/history/}, \&silence ],
);

sub asked {
	my ($plex, $path) = @_;
	return grep { $_->{path} =~ $path && defined $_->{token} } $plex->requests;
}

for (@ask) {
	my ($name, $path, $ask) = @$_;
	$home->forget;
	$ask->();
	ok scalar(asked($home, $path)), "$name asks its own server"
	    or diag explain [ $home->requests ];
	drop('media\.poster|webhook\.process|sync\.run');
}

my $items = $mn->psql('SELECT count(*) FROM media WHERE status = \'ready\'');
my $port = $home->{port};
$home->stop;
my $stranger = MediaNest::PlexServer->start(port => $port, name => 'Stranger',
    machine => 'stranger', token => 'of-another');
$stranger->section('1', 'movie', 'Others');
for (@ask) {
	my ($name, undef, $ask) = @$_;
	$stranger->forget;
	$ask->();
	my @requests = $stranger->requests;
	ok scalar(@requests), "$name meets another machine";
	is_deeply [ grep { defined $_->{token} } @requests ], [], 'which gets no token'
	    or diag explain \@requests;
	is_deeply [ grep { $_->{path} ne '/identity' } @requests ], [], 'and no other question';
	drop('media\.poster|webhook\.process|sync\.run');
}
is $mn->psql('SELECT adopt_machine_id FROM media_servers'), 'stranger', 'the sync has asked';
is $mn->psql('SELECT count(*) FROM media WHERE status = \'ready\''), $items, 'nothing is gone';
$stranger->stop;
$home->start_again;
$home->section('1', 'movie', 'Films');
is $admin->api(POST => "$SERVERS/$id/test")->{json}{code}, 'ok', 'the server is back';

# --- another origin ------------------------------------------------------------------------------

$plex[1]->forget;
$home->fault(redirect => { to => $plex[1]->url, path => '^(?!/identity)' });
for (@ask) {
	my ($name, $path, $ask) = @$_;
	$ask->();
	drop('media\.poster|webhook\.process|sync\.run');
}
is_deeply [ $plex[1]->requests ], [], 'no redirect is followed to another origin';
$home->heal;

done_testing;
