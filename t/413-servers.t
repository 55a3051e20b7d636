#!/usr/bin/perl
# Several media servers: the token of one is sent to that one only, whatever is asked; a dead one
# delays no other; and what else happens to people, keys and the worker while syncs run.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use POSIX ();
use MediaNest::Hooks;
use MediaNest::Overseerr;
use MediaNest::PlexServer;
use MediaNest::Test;
use Test::More;

use constant { SERVERS => 5, AT_ONCE => 4, PAGE_MS => 600, STEP_MS => 300 };

my @plex = map { MediaNest::PlexServer->start(name => "Plex $_") } 1 .. SERVERS;
my $overseerr = MediaNest::Overseerr->start;
my ($true, $false) = (JSON::PP::true, JSON::PP::false);
my $mn = MediaNest::Test->stack(set => { 'sync.minutes' => 0, 'hooks.silence' => 86_400,
    'outbound.allow' => join ',', { $overseerr->settings }->{'outbound.allow'},
    map { $_->allow } @plex });
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

# The job of an earlier sync would be taken for the one that is waited for.
sub poster {
	my $media = $mn->psql("SELECT media_id FROM server_items WHERE item_key = '$film[0]'");
	my $jobs = "FROM jobs WHERE kind = 'media.poster' AND payload->>'mediaId' = '$media'";
	drop('media\.poster');
	wait_until { !$mn->psql("SELECT count(*) $jobs AND state = 'running'") } 30, 'earlier ones';
	$mn->psql("DELETE $jobs");
	$home->forget;
	$mn->psql("DELETE FROM media_enrichments WHERE media_id = '$media'");
	$admin->api(GET => "/api/media/$media");
	wait_until { $mn->psql("SELECT count(*) $jobs AND (state IN ('done', 'dead')"
	    . " OR attempt > 0 AND state = 'available')") } 30, 'the poster';
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
$home->close_port;
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

# --- what a person restores ----------------------------------------------------------------------

$home->section('2', 'movie', 'More');
my @more = map { $home->add('2', { title => "More $_" }) } 1 .. 12;
my $gone = $more[0];
sync_is_ok($id);

# A run that compares everything.
sub sync_is_ok {
	my ($server) = @_;
	my $said = sync('--server', $server);
	is $? >> 8, 0, 'a run' or diag $said;
	return;
}

sub state_of {
	my ($key) = @_;
	return $mn->psql("SELECT concat_ws(' ', m.status, m.trash_reason) FROM media m "
	    . "JOIN server_items s ON s.media_id = m.id WHERE s.item_key = '$key'");
}

my $film = $mn->psql("SELECT media_id FROM server_items WHERE item_key = '$gone'");
my $was = $home->item($gone);
$home->remove($gone);
sync_is_ok($id) for 1 .. 2;
is state_of($gone), 'trashed gone', 'what is gone is in the trash';
is $admin->api(POST => "/api/media/$film/restore", {})->{status}, 200, 'a person restores it';
$home->fault(status => { code => 404, path => 'sections/2/all' });
sync('--server', $id);
$home->heal;
sync_is_ok($id);
is state_of($gone), 'ready', 'what took it away counts no more';
sync_is_ok($id);
is state_of($gone), 'trashed gone', 'two further complete runs do';
$admin->api(POST => "/api/media/$film/restore", {});
sync_is_ok($id);
$home->add('2', $was);
sync_is_ok($id);
$home->remove($gone);
sync_is_ok($id);
is state_of($gone), 'ready', 'to be seen clears that too';
sync_is_ok($id);
$admin->api(POST => "/api/media/$film/$_", {}) for qw(restore trash);
is state_of($gone), 'trashed', 'what a person puts there';
sync_is_ok($id) for 1 .. 2;
is state_of($gone), 'trashed', 'stays, gone or not';
$admin->api(PUT => "$SERVERS/$id/libraries/2", { enabled => $false });
is $admin->api(POST => "/api/media/$film/restore", {})->{json}{code}, 'library_left_out',
    'with a library that is left out nothing comes back';
$admin->api(PUT => "$SERVERS/$id/libraries/2", { enabled => $true });
is $admin->api(POST => "/api/media/$film/restore", {})->{status}, 200, 'but with the library';
is state_of($gone), 'ready', 'it is there';

# --- while somebody plays ------------------------------------------------------------------------

# The stand-in's time that the requests for pages took, of all the time from the first to the last.
sub share {
	my ($plex, $ms) = @_;
	my @at = sort { $a <=> $b } map { $_->{at} } grep { $_->{path} =~ m{/2/all$} }
	    $plex->requests;
	return (@at - 1) * $ms / 1000 / ($at[-1] - $at[0]);
}

$home->generate('2', 1200);
$home->playing(1);
for my $case ([ 'long pages', 0 ], [ 'long failures', 1 ]) {
	my ($name, $fails) = @$case;
	$home->fault(slow => { ms => PAGE_MS, path => 'sections/2/all' });
	$home->fault(status => { code => 404, path => 'sections/2/all', skip => 1 }) if $fails;
	idle('sync\.run|library\.settle');
	$home->forget;
	sync('--server', $id, '--section', 2);
	cmp_ok share($home, PAGE_MS), '<=', 0.26, "$name take a quarter of its time";
	$home->heal;
}
$home->playing(0);
$admin->api(PUT => "$SERVERS/$id/libraries/2", { enabled => $false });

# --- side by side --------------------------------------------------------------------------------

for my $plex (@plex[ 1 .. SERVERS - 1 ]) {
	$plex->section('1', 'movie', 'Films');
	$plex->add('1', { title => "Of $plex->{name} $_" }) for 1 .. 3;
	add($plex, enabled => $false);
}
$mn->psql('UPDATE media_servers SET enabled = true');
my %dead = map { $_ => 1 } $mn->psql("SELECT id FROM media_servers WHERE url = '"
    . $plex[1]->url . "'");
$plex[1]->fault(hang => {});
$_->fault(slow => { ms => STEP_MS }) for @plex[ 0, 2 .. SERVERS - 1 ];
idle('sync\.run|library\.settle');
my $begun = $mn->psql('SELECT now()');
sync();
my @run = map { [ split /\|/ ] } $mn->psql(<<"SQL");
SELECT server_id || '|' || extract(epoch FROM started_at) || '|' || extract(epoch FROM finished_at)
FROM sync_runs WHERE started_at >= '$begun' ORDER BY started_at
SQL
is scalar(@run), SERVERS, 'each server has its run';
my ($hung) = grep { $dead{ $_->[0] } } @run;
is_deeply [ grep { $_->[2] >= $hung->[2] } grep { !$dead{ $_->[0] } } @run ], [],
    'the others end before the one that hangs';
my $most = 0;
for my $run (@run) {
	my $n = grep { $_->[1] <= $run->[1] && $_->[2] > $run->[1] } @run;
	$most = $n if $n > $most;
}
is $most, AT_ONCE, 'four at once, and the fifth one waits';
is $mn->psql("SELECT count(*) FROM media WHERE title LIKE 'Of %'"), 3 * (SERVERS - 2),
    'all but the dead one are compared';
$_->heal for @plex;

# --- keys, people and a worker that is killed -----------------------------------------------------

my $late = $plex[2];
my $its = $mn->psql("SELECT id FROM media_servers WHERE url = '" . $late->url . "'");

# What is sealed is opened by whom it concerns, whatever key it lies under.
is $admin->api(PUT => '/api/integrations/overseerr', { url => $overseerr->{url},
    apiKey => $overseerr->{key} })->{status}, 200, 'Overseerr is set up';
$late->add('1', { title => "While keys change $_" }) for 1 .. 3;
$late->fault(slow => { ms => STEP_MS });
my $runs = fork // die "fork: $!";
if (!$runs) {
	sync('--server', $its);
	POSIX::_exit($? >> 8);
}
for my $command (qw(rotate reseal)) {
	$mn->admin_command('', 'keys', $command);
}
waitpid $runs, 0;
is $? >> 8, 0, 'a sync that runs meanwhile ends well';
$late->heal;
is $admin->api(POST => "$SERVERS/$its/test")->{json}{code}, 'ok', "the server's token is good";
sync_is_ok($its);
ok $admin->api(POST => '/api/integrations/overseerr/test', {})->{json}{ok}, "and Overseerr's key";

# A move keeps what people made of an item.
my ($moved) = $late->keys('1', 'movie');
my $kept = $mn->psql("SELECT media_id FROM server_items WHERE server_id = '$its' "
    . "AND item_key = '$moved'");
$admin->api(PUT => "/api/media/$kept/tags", { tags => ['mine'] });
$late->move($moved, 777_001);
sync_is_ok($its);
is $mn->psql("SELECT item_key FROM server_items WHERE media_id = '$kept'"), 777_001,
    'an item has another key';
is_deeply $admin->api(GET => "/api/media/$kept")->{json}{tags}, ['mine'], 'and its tags';

# Somebody who is disabled loses nothing that was meant for them.
my ($anna, $bert) = ($mn->user, $mn->user);
is $admin->api(PUT => "$SERVERS/$its/libraries/1", { visibility => 'shared',
    users => [ $anna->{id}, $bert->{id} ] })->{status}, 200, 'a library for two';
idle('sync\.run|library\.settle');
is $admin->api(PATCH => "/api/users/$anna->{id}", { status => 'disabled' })->{status}, 200,
    'one is disabled';
$late->add('1', { title => 'For both of them' });
sync_is_ok($its);
sub sees { return scalar grep { $_->{title} eq 'For both of them' }
    @{ $_[0]->api(GET => '/api/media?kind=movie&limit=100')->{json}{items} // [] } }
is sees($bert), 1, 'the other one sees what is new';
is $admin->api(PATCH => "/api/users/$anna->{id}", { status => 'active' })->{status}, 200,
    'the first one is back';
my $again = $mn->login($anna->{email}, $anna->{password});
is sees($again), 1, 'and sees it too';

# The worker dies while it fetches a poster.
my $key = $late->add('1', { title => 'Painted', thumb => '/library/metadata/1/thumb/1' });
$late->change($key, { thumb => "/library/metadata/$key/thumb/2" });
$late->fault(slow => { ms => 3 * PAGE_MS, path => 'thumb' });
$late->forget;
sync_is_ok($its);
wait_until { grep { $_->{path} =~ m{/$key/thumb} } $late->requests } 30, 'the request for it';
$mn->kill_part('worker');
$late->heal;
$mn->psql('UPDATE jobs SET lease_until = now() WHERE kind = \'media.poster\' AND state = '
    . "'running'");
ok wait_until(sub { $mn->psql("SELECT m.thumbhash IS NOT NULL FROM media m JOIN server_items s "
    . "ON s.media_id = m.id WHERE s.server_id = '$its' AND s.item_key = '$key'") eq 't' }, 60,
    'its picture'), 'the poster comes when the worker is back';

done_testing;
