#!/usr/bin/perl
# Nothing is removed without evidence: a Plex that fails in every way changes nothing, and a library
# that seems to vanish halts the sync until an admin lets it pass.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';
use JSON::PP;
use MediaNest::Sync;
use MediaNest::Test;
use Test::More;

$plex->section('1', 'movie', 'Films');
my @film = map { $plex->add('1', { title => "Film $_", year => 1990 + $_ }) } 1 .. 30;
sync_is(0, { seen => 30, created => 30 }, 'the first sync');
my ($before, $report);

$before = catalogue();
my @fault = (['down', {}, 75], ['unauthorized', {}, 1], ['empty', {}, 1], ['html', {}, 1],
    ['nonsense', {}, 1], [bare => { path => 'sections$' }, 1], [bare => { path => 'all' }, 1],
    [cut => { path => 'all' }, 75],
    [status => { code => 404, path => 'all' }, 1], [status => { code => 503, path => 'all' }, 75],
    [total => { add => 5, path => 'all' }, 1], [total => { add => -5, path => 'all' }, 1]);
for my $fault (@fault) {
	my ($kind, $how, $status) = @$fault;
	$plex->fault($kind => $how);
	my $failed = notes('sync.failed');
	my $name = join ' ', $kind, map { "$_ $how->{$_}" } sort keys %$how;
	my $said = run_sync();
	run_sync();
	is catalogue(), $before, "$name: " . UNCHANGED;
	$report = report();
	isnt $report->{status}, 'ok', "$name: the report says so";
	ok $report->{error}{message}, "$name: and why";
	cmp_ok notes('sync.failed') - $failed, '<=', 1, "$name: one notification";
	$plex->heal;
	# A server that failed is left alone for a while: forgotten here, to save the time.
	unlink glob "$mn->{var}/run/breakers-*.shm";
	is run_sync()->{status}, 0, "$name: and then it is well";
	is catalogue(), $before, "$name: nor afterwards";
}

subtest 'outside services: Plex is slow' => sub {
	$plex->fault(slow => { ms => 50 });
	is run_sync()->{status}, 0, 'it is synced all the same';
	is catalogue(), $before, UNCHANGED;
	$plex->heal;
};

# It has the old memory of the server's failures.
$mn->restart_part('worker');

$plex->fault(vanished => {});
my $raised = notes('alert.raised');
is run_sync()->{status}, 1, 'an empty library halts';
$report = report();
is_deeply $report->{halt}, { reason => 'section_shrank', section => '1', missing => 30,
    total => 30 }, 'and says how much is missing';
is $report->{status}, 'halted';
run_sync();
run_sync();
is notes('alert.raised') - $raised, 1, 'one notification';
is ready(), 30, 'nothing was removed';
$plex->heal;
$report = sync_is(0, { seen => 30, unchanged => 30 }, 'it is there again');
is notes('alert.cleared'), 1, 'that is told too';

$plex->fault(trashed => {});
run_sync();
is report()->{halt}{reason}, 'section_trashed', 'everything lies in the server\'s trash';
$plex->heal;
run_sync();
$plex->section('9', 'movie', 'Few');
$plex->add('9', { title => "Few $_" }) for 1 .. 3;
run_sync();
$plex->drop_section('9');
run_sync();
is report()->{halt}{reason}, 'section_vanished', 'a library is not there';
my $halted = report()->{id};
ok report()->{canContinue}, 'an admin may let it pass';
is $admin->api(POST => "/api/integrations/plex/syncs/$halted/continue")->{status}, 202,
    'and does';
wait_until { my $r = report(); $r->{status} eq 'ok' && $r->{id} ne $halted } 30, 'that run';
is counts()->{deleted}, 3, 'exactly that goes';
is report()->{trigger}, 'api';
is $admin->api(POST => "/api/integrations/plex/syncs/$halted/continue")->{json}{code},
    'sync_not_halted', 'once';

$plex->remove($_) for my @part = @film[10 .. 16];
run_sync();
is report()->{halt}{missing}, 7, 'more than a fifth is missing';
$halted = report()->{id};
run_sync();
is ready(), 30, 'it stays halted';
$admin->api(POST => "/api/integrations/plex/syncs/$halted/continue");
wait_until { report()->{status} eq 'ok' } 30, 'the run that may';
is counts()->{deleted}, 7, 'goes on from the first of the two';

# --- one kind, one library ------------------------------------------------------------------------

$plex->section('2', 'show', 'Series');
for my $n (1 .. 12) {
	my $show = $plex->add('2', { type => 'show', title => "Show $n" });
	my $season = $plex->add('2', { type => 'season', title => 'Season 1', index => 1,
	    parentRatingKey => $show });
	$plex->add('2', { type => 'episode', title => "Part $_", index => $_,
	    parentRatingKey => $season }) for 1 .. 5;
}
run_sync();
$plex->fault(vanished => { path => 'sections/2/all', query => 'type=2&' });
run_sync() for 1 .. 2;
is report()->{status}, 'halted', 'no series, but all their episodes';
is $mn->psql(q{SELECT count(*) FROM media WHERE kind = 'show' AND status = 'ready'}), 12,
    'all series are kept';
$halted = report()->{id};
$raised = notes('alert.raised');
my $cleared = notes('alert.cleared');
my $waits = sub { $admin->api(GET => "/api/integrations/plex/syncs/$halted")->{json}{canContinue} };
is run_sync('--section', '1')->{status}, 0, 'another library is well';
ok $waits->(), 'that does not answer the question';
$plex->heal;
is run_sync('--dry-run')->{status}, 0, 'a dry run';
ok $waits->(), 'nor does that';
$plex->fault(vanished => { path => 'sections/2/all', query => 'type=2&' });
run_sync();
is notes('alert.raised'), $raised, 'it is told once all the same';
is notes('alert.cleared'), $cleared, 'and nothing is well';
$plex->heal;
is run_sync('--section', '2')->{status}, 0, 'the library itself is well again';
ok !$waits->(), 'there is nothing to let pass';
is notes('alert.cleared'), $cleared + 1, 'that is told';

subtest 'what is measured of it' => sub {
	my $text = $mn->admin->api(GET => '/api/metrics')->{content};
	my $of = sub {
		my ($series) = @_;
		return $text =~ /^medianest_\Q$series\E (\S+)$/m ? $1 : 0;
	};
	cmp_ok $of->(qq(sync_items_total{change="$_"})), '>=', 1, $_
	    for qw(created unchanged deleted);
	cmp_ok $of->(qq(sync_duration_seconds_count{status="$_"})), '>=', 1, $_
	    for qw(ok failed halted);
	cmp_ok abs(time - $of->('sync_success_timestamp_seconds{kind="plex"}')), '<', 600,
	    'when the last good one ended';
};

# --- a server that is switched off ----------------------------------------------------------------

sub open_alerts {
	return $mn->psql("SELECT count(*) FROM alerts WHERE rule = 'sync_stopped'
	    AND subject = '$server' AND cleared_at IS NULL");
}
sub switch_to {
	my ($on) = @_;
	is $admin->api(PATCH => "/api/integrations/plex/servers/$server",
	    { enabled => $on ? JSON::PP::true : JSON::PP::false })->{status}, 200,
	    'the server is switched ' . ($on ? 'on' : 'off');
}
$plex->fault(vanished => {});
run_sync();
is open_alerts(), 1, 'a sync that stopped is an alert';
$cleared = notes('alert.cleared');
$raised = notes('alert.raised');
switch_to(0);
is open_alerts(), 0, 'of a server that is switched off it is none';
is notes('alert.cleared'), $cleared + 1, 'which is told';
my $off = report()->{id};
switch_to(1);
wait_until { my $r = report(); $r->{id} ne $off && $r->{status} eq 'halted' } 30, 'the next stop';
is open_alerts(), 1, 'is one again';
is notes('alert.raised'), $raised + 1, 'and told again';
is $admin->api(DELETE => "/api/integrations/plex/servers/$server")->{status}, 204,
    'the server is removed';
is open_alerts(), 0, 'and with it the alert';

done_testing;
