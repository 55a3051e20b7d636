#!/usr/bin/perl
# medianest-sync against a Plex that does what Plex servers do: what the report says, and what
# becomes of the items.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';
use JSON::PP;
use MediaNest::Sync;
use MediaNest::Test;
use Test::More;

# --- films ----------------------------------------------------------------------------------------

$plex->section('1', 'movie', 'Films');
my @film = map { $plex->add('1', { title => "Film $_", year => 1990 + $_ }) } 1 .. 30;

my $report = sync_is(0, { seen => 30, created => 30 }, 'the first sync');
is "$report->{status} $report->{phase} $report->{trigger}", 'ok CacheResults cron',
    'it went through all phases';
is $report->{sections}[0]{title}, 'Films', 'the report has the libraries';
is $mn->psql(q{SELECT count(*) FROM media WHERE source = 'plex' AND kind = 'movie'
    AND status = 'ready' AND visibility = 'house'}), 30, 'everybody sees the films';
is $admin->api(GET => '/api/search?q=%22Film+7%22')->{json}{items}[0]{title}, 'Film 7',
    'and finds them';
my $before = catalogue();
sync_is(0, { seen => 30, unchanged => 30 }, 'the same again');
is catalogue(), $before, UNCHANGED;
like $mn->redis('GET', $mn->redis('KEYS', "*sync:$server")), qr/"Films"/, 'Redis has the results';

$plex->change($film[0], { title => 'Another title', summary => undef, duration => undef });
sync_is(0, { seen => 30, updated => 1, unchanged => 29 }, 'a changed title');
is item($film[0])->{title}, 'Another title', 'it is taken over';
my $id = item($film[1])->{id};
is $admin->api(PATCH => "/api/media/$id", { title => 'My own title' })->{status}, 200,
    'a person edits a title';
$admin->api(PUT => "/api/media/$id/tags", { tags => ['mine'] });
$plex->change($film[1], { title => 'Not mine', year => 1984 });
sync_is(0, { seen => 30, updated => 1, unchanged => 29 }, 'the server changes it too');
is item($film[1])->{title}, 'My own title', 'what a person edited is kept';
is item($film[1])->{year}, 1984, 'and the rest follows';
sync_is(0, { seen => 30, unchanged => 30 }, 'every field again', '--full');

# --- what is gone ---------------------------------------------------------------------------------

my $gone = $film[1];
my $was = $plex->item($gone);
$plex->remove($gone);
sync_is(0, { seen => 29, unchanged => 29, missing => 1 }, 'an item is missing');
is item($gone)->{status}, 'ready', 'once is not enough';
$plex->fault(status => { code => 500, path => 'all' });
$before = catalogue();
run_sync();
is report()->{status}, 'partial', 'an incomplete run';
is catalogue(), $before, 'neither counts nor clears';
$plex->heal;
sync_is(0, { seen => 29, unchanged => 29, deleted => 1 }, 'missing again');
is join(' ', @{ item($gone) }{qw(status trash_reason)}), 'trashed gone', 'it is in the trash';
sync_is(0, { seen => 29, unchanged => 29 }, 'and no longer missing');
$plex->add('1', $was);
sync_is(0, { seen => 30, restored => 1, unchanged => 29 }, 'it comes back');
is item($gone)->{status}, 'ready', 'as it was';
is_deeply item($gone)->{tags}, ['mine'], 'with its tags';

# --- identity -------------------------------------------------------------------------------------

$plex->move($gone, 5001);
sync_is(0, { seen => 30, moved => 1, unchanged => 29 }, 'another key');
is item(5001)->{id}, $id, 'is the same item';
is item(5001)->{title}, 'My own title', 'with its edits';
my $old = item($film[2]);
$plex->change($film[2], { guid => 'plex://movie/somethingelse', title => 'Reused' });
sync_is(0, { seen => 30, created => 1, unchanged => 29, missing => 1 }, 'a key is used again');
isnt item($film[2])->{id}, $old->{id}, 'that is another item';
sync_is(0, { seen => 30, unchanged => 30, deleted => 1 }, 'and the earlier one');
is $mn->psql("SELECT trash_reason FROM media WHERE id = '$old->{id}'"), 'gone', 'is gone';

my $guid = $plex->item($film[3])->{guid};
my $twin = $plex->add('1', { title => 'Film 4 in 4K', guid => $guid });
sync_is(0, { seen => 31, created => 1, unchanged => 30 }, 'a second edition');
isnt item($twin)->{id}, item($film[3])->{id}, 'is an item of its own';
$plex->remove($twin);
run_sync() for 1 .. 2;

$plex->section('8', 'movie', 'Zoo');
my %zoo = $plex->zoo('8');
run_sync();
$report = report();
my $broken = $report->{counts}{errors};
is $report->{status}, 'ok', 'guids of all ages' or diag explain $report;
is $mn->psql(q{SELECT count(*) FROM server_items WHERE gone_at IS NULL}), 30 + keys(%zoo)
    - $broken, 'each is an item';
sync_is(0, { seen => 30 + keys %zoo, unchanged => 30 + keys(%zoo) - $broken,
    $broken ? (errors => $broken) : () }, 'and stays one');
$mn->psql(q{UPDATE media_sections SET enabled = false WHERE key = '8'});
sync_is(0, { seen => 30, unchanged => 30 }, 'a library that is left out');

$plex->add('1', { ratingKey => 6001, _raw => '{"ratingKey":"6001","type":"movie"}' });
$report = sync_is(0, { seen => 31, unchanged => 30, errors => 1 }, 'one broken item');
is $report->{errors}[0]{key}, '6001', 'is an error of that item';
$plex->remove(6001);
$plex->change($film[5], { _raw => qq({"ratingKey":"$film[5]","type":"movie"}) });
run_sync() for 1 .. 2;
is item($film[5])->{status}, 'ready', 'an item that breaks is not missing';
$plex->change($film[5], { _raw => undef });
run_sync();

# --- series and music ----------------------------------------------------------------------------

$plex->section('2', 'show', 'Series');
my $show = $plex->add('2', { type => 'show', title => 'Severance' });
my $season = $plex->add('2', { type => 'season', title => 'Season 1', index => 1,
    parentRatingKey => $show });
my @episode = map { $plex->add('2', { type => 'episode', title => "Episode $_", index => $_,
    parentRatingKey => $season }) } 1 .. 9;
$plex->section('3', 'artist', 'Music');
my $artist = $plex->add('3', { type => 'artist', title => 'Someone' });
my $album = $plex->add('3', { type => 'album', title => 'Something', parentRatingKey => $artist });
$plex->add('3', { type => 'track', title => 'Track', index => 4, parentRatingKey => $album });
sync_is(0, { seen => 44, created => 14, unchanged => 30 }, 'series and music');
is item($episode[4])->{parent_id}, item($season)->{id}, 'an episode is in its season';
is item($season)->{parent_id}, item($show)->{id}, 'the season in its series';
is item($episode[4])->{position}, 5, 'at its place';
is $mn->psql(q{SELECT metadata->>'artist' FROM media WHERE kind = 'track'}), 'Someone',
    'a track knows its artist';
$plex->rekey('2');
sync_is(0, { seen => 44, moved => 11, unchanged => 33 }, 'a library that was made again');

# --- the run itself ------------------------------------------------------------------------------

$before = catalogue();
$plex->add('1', { title => 'Only looked at' });
sync_is(0, { seen => 45, created => 1, unchanged => 44 }, 'a dry run', '--dry-run');
is catalogue(), $before, UNCHANGED;
sync_is(0, { seen => 31, created => 1, unchanged => 30 }, 'one library', '--section', '1');

$plex->fault(slow => { ms => 300 });
my $pid = fork // die;
if (!$pid) { open STDOUT, '>', '/dev/null'; exec @program or POSIX::_exit(1) }
wait_until { $mn->psql(q{SELECT count(*) FROM sync_runs WHERE status = 'running'}) } 10, 'a run';
my $second = run_sync();
is $second->{status}, 75, 'two at once';
like $second->{said}, qr/at work since .*process $pid/, 'the second says whose the other is';
kill 'KILL', $pid;
waitpid $pid, 0;
$plex->heal;
wait_until { $mn->psql(q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
    AND classid = 7236102}) == 0 } 10, 'a lock that ends with its owner';
my $runs = $mn->psql('SELECT count(*) FROM sync_runs');
sync_is(0, { seen => 45, unchanged => 45 }, 'after kill -9');
is $mn->psql('SELECT count(*) FROM sync_runs'), $runs, 'the next one goes on with its run';

$plex->section('4', 'movie', 'Many');
$plex->generate('4', 4200);
$plex->forget;
run_sync('--section', '4');
my @page = grep { $_->{path} =~ m{/all$} } $plex->requests;
is join(' ', map { $_->{size} } @page), '500 1000 2000 2000', 'pages grow';
is_deeply [ map { $_->{start} } @page ], [0, 499, 1498, 3497], 'and overlap by one';
is counts()->{created}, 4200, 'all of them';
$plex->fault(too_large => { max => 100, path => 'all' });
$plex->forget;
is run_sync('--section', '4')->{status}, 0, 'a server that refuses large pages';
@page = grep { $_->{path} =~ m{/all$} && $_->{status} == 200 } $plex->requests;
is $page[0]{size}, 50, 'is asked for small ones';
$plex->heal;
{
	local @MediaNest::Sync::program = ('timeout', 30, @program);
	$plex->fault(stuck => { path => 'sections/4/all' });
	is run_sync('--section', '4')->{status}, 1, 'a server that has one page only is left';
	is report()->{status}, 'partial', 'it proves nothing';
	$plex->heal;
}
$plex->fault(slow => { ms => 100 });
$plex->playing(1);
$plex->forget;
run_sync('--section', '4');
@page = grep { $_->{path} =~ m{/all$} } $plex->requests;
cmp_ok $page[1]{at} - $page[0]{at}, '>', 0.38, 'people who play have three quarters of its time';
is scalar(grep { $_->{path} =~ m{/metadata/\w+$} } $plex->requests), 0,
    'no request for single items';
$plex->heal;
$plex->playing(0);
$plex->shrink('4', 0);
$mn->psql(q{UPDATE media_sections SET enabled = false WHERE key = '4'});

# --- another installation ------------------------------------------------------------------------

$plex->section('7', 'movie', 'Tapes');
my @tape = map { $plex->add('7', { ratingKey => 7000 + $_, title => 'Home', year => 2000 + $_,
    guid => 'local://' . (7000 + $_), addedAt => 1_500_000_000 + $_ }) } 1 .. 2;
run_sync();
my @home = map { item($_)->{id} } @tape;
$before = catalogue();
$plex->reinstall('another-machine');
$plex->change($tape[$_], { year => 2002 - $_, addedAt => 1_500_000_002 - $_ }) for 0 .. 1;
$plex->rekey($_) for 1 .. 3;
is run_sync()->{status}, 1, 'another machine';
is report()->{error}{code}, 'server_changed', 'is asked about';
is catalogue(), $before, UNCHANGED;
is $mn->psql('SELECT adopt_machine_id FROM media_servers'), 'another-machine', 'it waits';
$mn->psql(q{UPDATE media_servers SET machine_id = adopt_machine_id, adopt_machine_id = NULL,
    rekey = true});
# A run that died before it had begun.
$mn->psql("INSERT INTO sync_runs (id, server_id, trigger, owner, owner_name)
    VALUES (gen_random_uuid(), '$server', 'cron', gen_random_uuid(), 'nobody')");
sync_is(0, { seen => 47, moved => 47 }, 'it is the same server');
is_deeply [ map { item($_)->{id} } @tape ], [ reverse @home ], 'no earlier key counts';
is $mn->psql("SELECT title FROM media WHERE id = '$id'"), 'My own title', 'all is found again';
sync_is(0, { seen => 47, unchanged => 47 }, 'and then unchanged');

# --- libraries that not everybody sees ------------------------------------------------------------

my ($ann, $bob) = ($mn->user, $mn->user);
my $library = "/api/integrations/plex/servers/$server/libraries";
my $readers = sub { join ' ', item($_[0])->{visibility}, $mn->psql("SELECT user_id FROM media_shares
    WHERE media_id = '" . item($_[0])->{id} . "'") };
my $carry = sub {
	my ($from, $to, $section) = @_;
	my $was = $plex->item($from);
	$plex->remove($from);
	$plex->add($section, { %$was, ratingKey => $to });
	run_sync();
	is counts()->{moved}, 1, 'an item moves to another library';
};
$plex->section($_, 'movie', "Library $_") for 20, 21;
$plex->add($_, { title => "Film of $_" }) for 20, 21;
my $key = $plex->add('20', { title => 'Whose?' });
run_sync();
$admin->api(PUT => "$library/20", { visibility => 'shared', users => [ $ann->{id} ] });
$admin->api(PUT => "$library/21", { visibility => 'shared', users => [ $bob->{id} ] });
is $readers->($key), "shared $ann->{id}", 'an item has the readers of its library';
$carry->($key, 8001, '21');
is $readers->(8001), "shared $bob->{id}", 'and those of the next one';
$carry->(8001, 8002, '1');
is $readers->(8002), 'house', 'or is for all';
$carry->(8002, 8003, '20');
is $readers->(8003), "shared $ann->{id}", 'or no longer';

# A library is left out while a sync that is under way adds to it, and ends.
my $run = $mn->psql("INSERT INTO sync_runs (id, server_id, trigger, owner, owner_name)
    VALUES (gen_random_uuid(), '$server', 'cron', gen_random_uuid(), 'nobody') RETURNING id");
my $session = sub {
	open my $to, '|-', 'psql', '-Xq', '-o', '/dev/null', '-d', $mn->{status}{databaseUrl}
	    or die;
	$to->autoflush(1);
	print $to "$_[0];\n";
	return $to;
};
my $held = $session->("BEGIN; SELECT FROM media WHERE id = '" . item(8003)->{id} . "' FOR UPDATE");
wait_until { $mn->psql(q{SELECT count(*) FROM pg_stat_activity
    WHERE state = 'idle in transaction' AND query LIKE '%FOR UPDATE%'}) } 10, 'a held item';
my $asks = fork // die;
if (!$asks) {
	$admin->api(PUT => "$library/20", { enabled => JSON::PP::false });
	POSIX::_exit(0);
}
wait_until { $mn->psql(q{SELECT count(*) FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND query LIKE 'WITH due AS%'}) } 10,
    'the change has read the items';
$mn->psql("UPDATE sync_runs SET status = 'ok', finished_at = now() WHERE id = '$run'");
print $held "ROLLBACK;\n"; # the other process has the pipe too
waitpid $asks, 0;
close $held;
wait_until { $mn->psql(q{SELECT count(*) FROM jobs WHERE kind = 'library.settle'
    AND run_at > now() + interval '20 seconds'}) } 10, 'what it added is met later';

# Another edition of what was left out.
$plex->section('22', 'movie', 'Library 20 in 4K');
my @again = map { $plex->add('22', { title => 'Again', guid => item($_)->{external_ids}{plex} }) }
    8003, $key - 1;
$plex->forget;
is run_sync()->{status}, 0, 'the same films elsewhere';
is scalar(grep { $_->{path} =~ m{/metadata/\w+$} } $plex->requests), 0, 'nobody is asked';
is item($again[0])->{status}, 'ready', 'they are new';
$plex->section($_, 'movie', "Library $_") for 23, 24;
$plex->add('23', { title => "Twin $_", guid => "plex://movie/twin$_" }) for 1 .. 201;
is run_sync('--section', '23')->{status}, 0, 'many films';
$plex->add('24', { title => "Twin $_", guid => "plex://movie/twin$_" }) for 1 .. 201;
$plex->forget;
is run_sync('--section', '24')->{status}, 1, 'more than may be asked for';
is report()->{status}, 'partial', 'is not done';
is_deeply counts(), { seen => 201, created => 10 }, 'and not unchanged';
my @single = grep { $_->{path} =~ m{/metadata/\d+$} } $plex->requests;
is scalar @single, 10, 'single items are asked for a few times only';
$plex->playing(1);
$plex->fault(slow => { ms => 50, path => 'metadata/' });
$plex->forget;
run_sync('--section', '24');
is_deeply counts(), { seen => 201, created => 10, unchanged => 10 }, 'the next ones';
@single = grep { $_->{path} =~ m{/metadata/\d+$} } $plex->requests;
cmp_ok $single[-1]{at} - $single[0]{at}, '>', 9 * 0.19, 'at the pace of the pages';
$plex->playing(0);
$plex->heal;
is run_sync()->{status}, 0, 'a run of all libraries decides on the rest';

# --- jobs -----------------------------------------------------------------------------------------

$held = $session->("SELECT pg_advisory_lock(7236102, hashtext('$server'))");
wait_until { $mn->psql(q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
    AND classid = 7236102}) } 10, 'a run at work';
$admin->api(POST => '/api/integrations/plex/sync', { serverId => $server });
wait_until { $mn->psql(q{SELECT count(*) FROM jobs WHERE kind = 'sync.run'
    AND run_at > now() AND attempt = 0 AND state = 'available'}) } 10,
    'the next one waits, and does not fail';
close $held;
$mn->psql(q{UPDATE jobs SET run_at = now() WHERE kind = 'sync.run'
    AND state = 'available'});
wait_until { report()->{trigger} eq 'api' && report()->{status} ne 'running' } 30, 'its turn';

# The server is removed while it is read.
$plex->add('1', { ratingKey => 8100, title => 'Too late' });
$plex->fault(slow => { ms => 200 });
$pid = fork // die;
if (!$pid) { open STDOUT, '>', '/dev/null'; open STDERR, '>', '/dev/null';
    exec @program or POSIX::_exit(1) }
wait_until { $mn->psql(q{SELECT count(*) FROM sync_runs WHERE status = 'running'}) } 10, 'a run';
$mn->psql(q{UPDATE media_servers SET removing = 'trash', machine_id = NULL});
waitpid $pid, 0;
is $mn->psql('SELECT machine_id IS NULL FROM media_servers'), 't', 'a server that goes has no name';
is item(8100), undef, 'and no new items';
$plex->heal;
$mn->psql(q{UPDATE media_servers SET removing = NULL, machine_id = 'another-machine'});
unlike join("\n", map { $mn->log_text($_) } qw(worker plex)), qr/\Q@{[ $plex->token ]}\E/,
    'no log has the token';
is run_sync('--server', 'Nobody')->{status}, 1, 'a server that is not there';
is run_sync('--trigger', 'moon')->{status}, 64, 'a trigger that is none';
done_testing;
