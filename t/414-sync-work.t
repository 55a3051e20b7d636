#!/usr/bin/perl
# How much a sync asks and writes, what it takes a server's oddities for, and what people hear of
# it.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';
use JSON::PP;
use MediaNest::Sync;
use MediaNest::Test;
use Test::More;

use constant { WAIT => 30, SLOW_MS => 5200, DAY => 86400 };

$mn->stop_part('worker'); # posters change rows too, and a sync that is asked for runs here

sub pages {
	my ($section) = @_;
	return grep { $_->{path} =~ m{/\Q$section\E/all$} } $plex->requests;
}

# Where each row lies and who wrote it last: what is written is another version of the row.
sub versions {
	return join "\n", map { scalar $mn->psql("SELECT md5(string_agg(x.ctid || ' ' || x.xmin,"
	    . " ',' ORDER BY x.ctid)) FROM $_ x") } qw(media server_items media_shares);
}
sub written {
	return scalar $mn->psql("SELECT string_agg(relname || ' ' || n_tup_ins || ' ' || n_tup_upd"
	    . " || ' ' || n_tup_del, ', ' ORDER BY relname) FROM pg_stat_user_tables"
	    . " WHERE relname IN ('media', 'server_items', 'media_shares')");
}

$plex->section('1', 'movie', 'Films');
my @film = map { $plex->add('1', { title => "Film $_", year => 1990 + $_ }) } 1 .. 30;
sync_is(0, { seen => 30, created => 30 }, 'the first sync');

# --- what is written ------------------------------------------------------------------------------

my ($versions, $written) = (versions(), written());
sync_is(0, { seen => 30, unchanged => 30 }, 'nothing has changed');
is versions(), $versions, 'no row was written';
is written(), $written, 'the statistics say so too';
$plex->change($film[3], { title => 'Changed' });
sync_is(0, { seen => 30, updated => 1, unchanged => 29 }, 'one has');
isnt versions(), $versions, 'that is written';

my $id = item($film[4])->{id};
$mn->psql("UPDATE media SET title = 'Damaged', year = 1 WHERE id = '$id'");
sync_is(0, { seen => 30, unchanged => 30 }, 'what the server did not change');
is item($film[4])->{title}, 'Damaged', 'is left';
sync_is(0, { seen => 30, updated => 1, unchanged => 29 }, 'all fields again', '--full');
is join(' ', @{ item($film[4]) }{qw(title year)}), 'Film 5 1995', 'repair it';

$mn->psql("INSERT INTO plays (id, user_id, server_id, item_key, player, media_id, activity_id,
    started_at, last_at) VALUES (gen_random_uuid(), '$admin->{id}', '$server', '$film[4]', 'tv',
    '$id', gen_random_uuid(), now(), now())");
is $admin->api(PUT => "/api/media/$id/favorite")->{status}, 200, 'a favourite';
is $admin->api(PUT => "/api/media/$id/tags", { tags => ['kept'] })->{status}, 200, 'and a tag';
$plex->move($film[4], 5001);
sync_is(0, { seen => 30, moved => 1, unchanged => 29 }, 'another key');
is $mn->psql("SELECT count(*) FROM plays p JOIN server_items s USING (media_id)
    WHERE s.item_key = '5001'"), 1, 'its history is kept';
my ($moved) = grep { $_->{id} eq $id }
    @{ $admin->api(GET => '/api/media?favorite=true')->{json}{items} };
is_deeply $moved->{tags}, ['kept'], 'it is a favourite still, with its tag';

# --- what people hear -----------------------------------------------------------------------------

sub news {
	return scalar $mn->psql("SELECT coalesce(string_agg(title, ', ' ORDER BY title), 'none')
	    FROM notification_parts");
}
$mn->psql('DELETE FROM notification_groups');
$plex->add('1', { title => 'Added long ago', addedAt => time - 30 * DAY });
sync_is(0, { seen => 31, created => 1, unchanged => 30 }, 'a film of long ago');
is news(), 'none', 'is no news';
$plex->add('1', { title => 'Added now', addedAt => time });
sync_is(0, { seen => 32, created => 1, unchanged => 31 }, 'a new one');
is news(), 'Added now', 'is';

my $failed = notes('sync.failed');
$plex->fault(status => { code => 404, path => 'all' });
run_sync();
is notes('sync.failed'), $failed + 1, 'a run that fails is told';
run_sync() for 1 .. 2;
is notes('sync.failed'), $failed + 1, 'and the next ones of the same fault are not';
$plex->heal;
run_sync();
$plex->fault(status => { code => 404, path => 'all' });
run_sync();
is notes('sync.failed'), $failed + 2, 'after it was well it is told again';
$plex->heal;
is run_sync()->{status}, 0, 'it is well';

# --- a small library ------------------------------------------------------------------------------

$plex->section('5', 'movie', 'Few');
my @few = map { $plex->add('5', { title => "Few $_" }) } 1 .. 4;
is run_sync('--section', '5')->{status}, 0, 'a small library';
$plex->fault(vanished => { path => 'sections/5/all' });
is run_sync('--section', '5')->{status}, 1, 'that has nothing';
is_deeply report()->{halt}, { reason => 'section_shrank', section => '5', missing => 4,
    total => 4 }, 'halts the run';
run_sync('--section', '5');
is item($few[0])->{status}, 'ready', 'however often';
$plex->heal;
is run_sync('--section', '5')->{status}, 0, 'it is there again';
$plex->remove($_) for @few[ 0 .. 2 ];
is run_sync('--section', '5')->{status}, 0, 'not all of it' for 1 .. 2;
is counts()->{deleted}, 3, 'may go';

# --- how it asks ----------------------------------------------------------------------------------

$plex->section('4', 'movie', 'Many');
$plex->generate('4', 1200);
$plex->fault(slow => { ms => SLOW_MS, path => 'sections/4/all', times => 1 });
$plex->forget;
is run_sync('--section', '4')->{status}, 0, 'a server that is slow once';
my @page = pages(4);
is join(' ', map { $_->{size} } @page[ 0 .. 2 ]), '500 250 500', 'is asked for less, and then more';
$plex->heal;

$plex->generate('4', 4200);
$plex->fault(hang => { path => 'sections/4/all', start => 1498 });
$plex->forget;
my $pid = fork // die;
if (!$pid) { open STDOUT, '>', '/dev/null'; exec @program, '--section', '4' or POSIX::_exit(1) }
wait_until { scalar(grep { $_->{start} == 1498 } pages(4)) } WAIT, 'the third page';
kill 'KILL', $pid;
waitpid $pid, 0;
$plex->heal;
$plex->forget;
wait_until { $mn->psql(q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
    AND classid = 7236102}) == 0 } WAIT, 'a lock that ends with its owner';
is run_sync('--section', '4')->{status}, 0, 'the next run';
@page = pages(4);
is $page[0]{start}, 1498, 'begins with the page that was not finished';
is counts()->{seen}, 4200, 'and its report has all items';

# --- a server that does not list well -------------------------------------------------------------

$plex->section('6', 'movie', 'Wild');
$plex->generate('6', 600);
is run_sync('--section', '6')->{status}, 0, 'a library';
my $ready = sub { $mn->psql(q{SELECT count(*) FROM media m JOIN server_items s
    ON s.media_id = m.id JOIN media_sections c ON c.id = s.section_id WHERE c.key = '6'
    AND m.status = 'ready'}) };
is $ready->(), 600, 'all are there';
$plex->fault(no_total => { path => 'sections/6/all' });
is run_sync('--section', '6')->{status}, 0, 'a server that says no totals' for 1 .. 2;
is_deeply counts(), { seen => 600, unchanged => 600 }, 'is listed to its end';
$plex->heal;
$plex->fault(unsorted => { path => 'sections/6/all' });
run_sync('--section', '6') for 1 .. 2;
is report()->{status}, 'partial', 'an order that changes proves nothing';
is $ready->(), 600, 'and removes nothing';
$plex->heal;
$plex->fault(shift => { section => '6', remove => 1, add => 1, path => 'sections/6/all' });
run_sync('--section', '6') for 1 .. 2;
is counts()->{deleted} // 0, 0, 'nor does a library that changes meanwhile';
my $there = $ready->();
cmp_ok $there, '>=', 600, 'all of what was there is kept';
$plex->heal;
my $now = () = $plex->keys('6', 'movie');
is run_sync('--section', '6')->{status}, 0, 'when it is quiet' for 1 .. 2;
is $ready->(), $now, 'what is gone goes';

done_testing;
