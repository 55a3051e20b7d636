#!/usr/bin/perl
# What happens between the parts: one story goes through a media server, webhooks that come in, the
# sync, pictures, notes, mail and webhooks that go out, while people change the rules in the middle.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IPC::Open3 qw(open3);
use JSON::PP;
use MediaNest::HookReceiver;
use MediaNest::Hooks;
use MediaNest::PlexServer;
use MediaNest::Smtp;
use MediaNest::Test;
use Test::More;

use constant { EPISODES => 500, FILMS => 12 };

my ($plex, $smtp, $receiver) = (MediaNest::PlexServer->start, MediaNest::Smtp->start,
    MediaNest::HookReceiver->start);
$plex->section('1', 'movie', 'Films');
$plex->section('2', 'show', 'Series');
$plex->section('3', 'movie', 'Family');
my @film = map { $plex->add('1', { title => "Film $_", Guid => ["tmdb://$_"] }) } 1 .. FILMS;
# What was tried by hand must not be synced by the schedule; groups are told when the test says so.
my $mn = MediaNest::Test->stack(set => { $smtp->settings, 'notifications.group_seconds' => 600,
    'sync.minutes' => 0, 'worker.poll' => 200, 'worker.lease' => 2,
    'outbound.allow' => join ',', map { $_->allow } $plex, $receiver });
my ($PLEX, $TRUE, $FALSE) = ('/api/integrations/plex', JSON::PP::true, JSON::PP::false);
my $admin = $mn->admin;
my ($one, $two) = map { $mn->user } 1 .. 2;

sub ask {
	my ($status, $who, @call) = @_;
	my $r = $who->api(@call);
	is $r->{status}, $status, "$call[0] $call[1]" or diag $r->{content};
	return $r->{json};
}
ask(200, $one, PUT => '/api/notifications/preferences',
    { kinds => { 'library.new' => { email => 'now' } } });
$receiver->endpoint($admin, '/news', events => ['library.new']);
my $in = MediaNest::Hooks->new($mn);
my $serial = 0;

# --- what the story is told with ------------------------------------------------------------------

my $id = ask(201, $admin, POST => "$PLEX/servers", { name => 'Attic', url => $plex->url,
    token => $plex->token })->{id};

sub quiet {
	my ($queue) = @_;
	wait_until { $mn->psql("SELECT count(*) FROM jobs WHERE queue = '$queue'"
	    . " AND state IN ('available', 'running') AND run_at <= now()") == 0 } 60, $queue;
}

# The runs that are wanted have ended; those that found another one at work need not wait.
sub synced {
	wait_until {
		$mn->psql("UPDATE jobs SET run_at = now() WHERE queue = 'sync' AND state ="
		    . " 'available' AND run_at > now(); NOTIFY mn_jobs, 'sync'; SELECT count(*)"
		    . " FROM jobs WHERE queue = 'sync' AND state IN ('available', 'running')") == 0;
	} 60, 'the sync';
}

sub last_run {
	return $admin->api(GET => "$PLEX/syncs?server=$id&limit=1")->{json}{items}[0];
}

# A run of the whole server; returns its report.
sub run_sync {
	ask(202, $admin, POST => "$PLEX/sync", { serverId => $id });
	synced();
	return last_run();
}

sub flush {
	quiet('events');
	$mn->psql("UPDATE jobs SET run_at = now() WHERE kind = 'notify.group'"
	    . " AND state = 'available'; NOTIFY mn_jobs, 'events'");
	wait_until { $mn->psql('SELECT count(*) FROM notification_groups') == 0 } 30, 'notes';
	quiet($_) for qw(mail deliver);
}

sub told {
	my ($who, $kind) = @_;
	return @{ $who->api(GET => '/api/notifications?limit=100&kind=' . ($kind // 'library.new'))
	    ->{json}{items} };
}
sub mails { return scalar grep { $_->{to} eq $_[0]{email} } $smtp->mails }
sub hooks { return scalar $receiver->got('/news') }

# What everybody has heard so far.
sub heard { return { one => scalar(told($one)), two => scalar(told($two)), mails => mails($one),
    hooks => hooks() } }
sub heard_is {
	my ($before, $more, $name) = @_;
	flush();
	my $now = heard();
	is_deeply { map { ($_ => $now->{$_} - $before->{$_}) } keys %$now },
	    { one => 0, two => 0, mails => 0, hooks => 0, %$more }, $name
	    or diag explain [ map { $_->{title} } told($one) ];
}

sub event {
	my (%what) = @_;
	my $r = $in->plex({ event => 'library.new', n => ++$serial, Account => { id => 1 },
	    Server => { uuid => $plex->machine, title => 'Attic' },
	    Metadata => { librarySectionID => 1, title => 'A hint', %what } });
	is $r->{status}, 200, 'a webhook' or diag $r->{content};
	return $r->{json}{id};
}

sub row {
	my ($key, $column) = @_;
	return scalar $mn->psql("SELECT coalesce(m.$column\::text, '') FROM media m JOIN"
	    . " server_items s ON s.media_id = m.id WHERE s.item_key = '$key'");
}
sub library {
	my ($key, $change) = @_;
	return ask(200, $admin, PUT => "$PLEX/servers/$id/libraries/$key", $change);
}

# Where a person comes across the item: asked twice, so that the second is what a cache has.
sub places {
	my ($who, $media, $word) = @_;
	my %seen;
	for my $at ("/api/media?limit=100&kind=movie", "/api/search?q=$word",
	    "/api/search/suggest?q=$word") {
		my $r;
		$r = $who->api(GET => $at) for 1 .. 2;
		$seen{ (split /\?/, $at)[0] } = 1 if $r->{content} =~ /\Q$media\E|\Q$word\E [0-9]/;
	}
	$seen{item} = 1 if $who->api(GET => "/api/media/$media")->{status} == 200;
	return join ' ', sort keys %seen;
}
use constant EVERYWHERE => '/api/media /api/search /api/search/suggest item';

# A transaction of somebody else that is not over yet.
sub meanwhile {
	my ($sql) = @_;
	my $pid = open3(my $to, my $from, undef, 'psql', '-XqAt', '-d', $mn->{status}{databaseUrl});
	print $to "BEGIN; $sql; SELECT 'begun';\n";
	while (defined(my $line = <$from>)) { last if $line =~ /^begun/ }
	return sub { print $to "COMMIT;\n"; close $to; waitpid $pid, 0 };
}
sub waits {
	wait_until { $mn->psql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type ="
	    . " 'Lock' AND datname = current_database()") > 0 } 30, 'somebody to wait';
}

# --- the story ------------------------------------------------------------------------------------

subtest 'the first sync is one note' => sub {
	my $before = heard();
	synced();
	is last_run()->{status}, 'ok', 'it went through';
	heard_is($before, { one => 1, two => 1, mails => 1, hooks => 1 }, 'told once');
};

subtest 'a rebuilt library of 500 episodes is one note' => sub {
	my $before = heard();
	my $show = $plex->add('2', { title => 'Severance', addedAt => time });
	my $season = $plex->add('2', { type => 'season', parentRatingKey => $show, index => 1,
	    title => 'Season 1', addedAt => time });
	$plex->add('2', { type => 'episode', parentRatingKey => $season, index => $_,
	    title => "Episode $_", addedAt => time }) for 1 .. EPISODES;
	is run_sync()->{counts}{created}, EPISODES + 2, 'all are there';
	heard_is($before, { one => 1, two => 1, mails => 1, hooks => 1 }, 'told once');
	my ($note) = told($one);
	is $note->{title}, 'Severance, season 1: ' . EPISODES . ' episodes added', 'its words';
	is $note->{data}{groupMediaId}, row($season, 'id'), 'which lead to the season';
	is [ $receiver->got('/news') ]->[-1]{json}{data}{count}, EPISODES, 'and its webhook';
	$before = heard();
	$plex->change($_, { summary => 'Another text', updatedAt => time }) for @film[ 0 .. 2 ];
	is run_sync()->{counts}{updated}, 3, 'texts that are refreshed';
	heard_is($before, {}, 'are no news');
	$before = heard();
	for my $n (0, 2) {
		my $other = $plex->add('2', { type => 'season', parentRatingKey => $show,
		    index => $n, title => "Season $n", addedAt => time });
		$plex->add('2', { type => 'episode', parentRatingKey => $other, index => 1,
		    title => "First of $n", addedAt => time });
	}
	is run_sync()->{counts}{created}, 4, 'two seasons more';
	heard_is($before, { one => 1, two => 1, mails => 1, hooks => 1 }, 'are told together');
	($note) = told($one);
	is $note->{title}, 'Severance: 2 episodes added', 'as news of the series';
	is $note->{data}{groupMediaId}, row($show, 'id'), 'to which they lead';
};

subtest 'too many to be named are counted' => sub {
	my $before = heard();
	$mn->psql("INSERT INTO media (id, source, kind, title, status, visibility) SELECT"
	    . " ('00000000-0000-7000-8000-' || lpad(i::text, 12, '0'))::uuid, 'plex', 'movie',"
	    . " 'Many ' || i, 'ready', 'house' FROM generate_series(1, 2500) i;"
	    . " INSERT INTO server_items (server_id, item_key, section_id, media_id, kind,"
	    . " identity, fingerprint, news) SELECT '$id', '9' || lpad(i::text, 6, '0'), c.id,"
	    . " ('00000000-0000-7000-8000-' || lpad(i::text, 12, '0'))::uuid, 'movie',"
	    . " 'many:' || i, '\\x00', true FROM generate_series(1, 2500) i, media_sections c"
	    . " WHERE c.key = '3'");
	$mn->psql("UPDATE media_sections SET enabled = false WHERE key = '3'");
	run_sync();
	heard_is($before, { one => 1, two => 1, mails => 1, hooks => 1 }, 'told once');
	is [ $receiver->got('/news') ]->[-1]{json}{data}{count}, 2500, 'all of them';
	$mn->psql("DELETE FROM media WHERE title LIKE 'Many %';"
	    . " UPDATE media_sections SET enabled = true WHERE key = '3'");
};

subtest 'a webhook about an item that nobody has seen' => sub {
	my $before = heard();
	my $key = $plex->add('1', { title => 'Ronin', addedAt => time });
	is $in->event(event(ratingKey => $key))->{status}, 'processed', 'news';
	synced();
	wait_until { row($key, 'asset_prefix') ne '' } 60, 'its picture';
	ok keys %{ ask(200, $one, GET => '/api/media/' . row($key, 'id'))->{thumbnails} },
	    'it has thumbnails';
	$in->event(event(ratingKey => $key));
	heard_is($before, { one => 1, two => 1, mails => 1, hooks => 1 }, 'told once');
	$before = heard();
	$in->event(event(ratingKey => $key));
	heard_is($before, {}, 'and no more');
	# Plex had it before the first sync ended; a later one found it.
	$key = $plex->add('1', { title => 'Late', addedAt => time });
	run_sync();
	my $media = row($key, 'id');
	$mn->psql("UPDATE media SET created_at = '2020-01-01' WHERE id = '$media'");
	$in->event(event(ratingKey => $key));
	flush();
	$before = heard();
	$in->event(event(ratingKey => $key));
	heard_is($before, {}, 'what the sync has told is not told by the webhook');
	my @about = grep { "$_->{title} $_->{message}" =~ /Late/ } told($one);
	is scalar @about, 1, 'whenever the server got it';
};

subtest 'an event while a run is past its item' => sub {
	my $end = meanwhile("SELECT FROM media_sections WHERE key = '1' FOR UPDATE");
	event(ratingKey => $plex->add('1', { title => 'Early', addedAt => time }));
	waits();
	my $key = $plex->add('1', { title => 'Too late', addedAt => time });
	is $in->event(event(ratingKey => $key))->{status}, 'processed', 'is heard';
	$end->();
	synced();
	is row($key, 'status'), 'ready', 'and brings another run';
	flush();
};

subtest 'a library that is left out' => sub {
	my $media = row($film[0], 'id');
	$plex->change($film[0], { title => 'Zanzibar' });
	run_sync();
	is places($two, $media, 'zanzibar'), EVERYWHERE, 'it is seen';
	my $before = heard();
	my $new = $plex->add('1', { title => 'Zanzibar 2', addedAt => time });
	$plex->fault(slow => { ms => 2000, path => 'all', times => 1 });
	ask(202, $admin, POST => "$PLEX/sync", { serverId => $id });
	wait_until { last_run()->{phase} eq 'GetSectionItems' } 30, 'a page that comes late';
	library(1, { enabled => $FALSE });
	synced();
	$plex->heal;
	is row($new, 'status'), '', 'while it is compared, nothing more comes of it';
	is places($two, $media, 'zanzibar'), '', 'nobody sees its items, also in kept pages';
	is places($admin, $media, 'zanzibar') =~ s/ ?item//r, '', 'nor in lists of admins';
	heard_is($before, {}, 'nobody hears of it');
	is $in->event(event(ratingKey => $new))->{status}, 'ignored', 'its webhooks neither';
	library(1, { enabled => $TRUE });
	synced();
	is places($two, $media, 'zanzibar'), EVERYWHERE, 'all is back';
	is row($new, 'status'), 'ready', 'and what is new';
	flush();
};

subtest 'a person who may not see a library any more' => sub {
	my $media = row($film[0], 'id');
	library(1, { visibility => 'shared', users => [ map { $_->{id} } $one, $two ] });
	is places($two, $media, 'zanzibar'), EVERYWHERE, 'it is seen';
	my $before = heard();
	$plex->add('1', { title => 'Zanzibar 3', addedAt => time });
	run_sync();
	library(1, { users => [ $one->{id} ] });
	heard_is($before, { one => 1, mails => 1, hooks => 1 }, 'hears nothing');
	is places($two, $media, 'zanzibar'), '', 'and sees nothing, also what the server finds';
	is places($one, $media, 'zanzibar'), EVERYWHERE, 'others do';
};

subtest 'an item that goes from one library to another' => sub {
	library(3, { visibility => 'shared', users => [ $two->{id} ] });
	my $media = row($film[0], 'id');
	my $go = sub {
		my ($to) = @_;
		my $item = $plex->item($film[0]);
		$plex->remove($film[0]);
		$plex->add($to, $item);
		run_sync();
	};
	ask(200, $admin, PUT => "/api/media/$media/tags", { tags => ['loved'] });
	is places($one, $media, 'zanzibar'), EVERYWHERE, 'it is seen in the one';
	my $before = heard();
	$go->('3');
	is row($film[0], 'id'), $media, 'it is the same item';
	is places($one, $media, 'zanzibar') =~ m{ ?item}, '', 'who saw that does not see it here';
	is places($two, $media, 'zanzibar'), EVERYWHERE, 'who sees this one does';
	library(3, { enabled => $FALSE });
	is row($film[0], 'status'), 'trashed', 'left out with the other';
	$go->('1');
	is row($film[0], 'status'), 'ready', 'it is back where it is not left out';
	is row($film[0], 'tags'), '{loved}', 'with its tags';
	is places($two, $media, 'zanzibar') =~ m{ ?item}, '', 'for those who see that one';
	heard_is($before, {}, 'none of it is news');
	library(3, { enabled => $TRUE });
	library(1, { visibility => 'house' });
	synced();
};

subtest 'what a person has put into the trash' => sub {
	my ($key, $before) = ($film[3], heard());
	my $media = row($key, 'id');
	my $is = sub {
		is join(' ', map { row($key, $_) } qw(status trash_reason)), 'trashed ', $_[0];
	};
	ask(200, $admin, PUT => "/api/media/$media/tags", { tags => ['mine'] });
	ask(200, $admin, POST => "/api/media/$media/trash");
	$mn->psql("UPDATE users SET plex_id = '4712' WHERE id = '$one->{id}'");
	my $runs = $mn->psql('SELECT count(*) FROM sync_runs');
	is $in->event(event(ratingKey => $key))->{status}, 'ignored',
	    'webhooks do not bring it back';
	my $played = $in->plex(play_event($plex->machine, event => 'media.play', account => 4712,
	    item => { ratingKey => $key, librarySectionID => 1 }));
	is $in->event($played->{json}{id})->{status}, 'processed', 'somebody plays it elsewhere';
	synced();
	is $mn->psql('SELECT count(*) FROM sync_runs'), $runs, 'which is no reason for a sync';
	run_sync();
	$is->('stays there');
	$plex->change($key, { title => 'Changed' });
	run_sync();
	$is->('also when it changes');
	$mn->psql("UPDATE media SET trashed_at = now() - interval '1 year' WHERE id = '$media';"
	    . " UPDATE jobs SET run_at = now() WHERE unique_key = 'every:upkeep.trash';"
	    . " NOTIFY mn_jobs, 'upkeep'");
	wait_until { $mn->psql("SELECT count(*) FROM jobs WHERE unique_key = 'every:upkeep.trash'"
	    . " AND state = 'available' AND run_at > now()") } 30, 'housekeeping';
	run_sync();
	is row($key, 'id'), $media, 'it does not come back as a new one';
	$is->('however old it is');
	my $item = $plex->item($key);
	$plex->remove($key);
	$mn->psql("UPDATE media SET trashed_at = now() WHERE id = '$media'");
	run_sync() for 1 .. 2;
	$is->('also when it is gone');
	$plex->add('1', $item);
	run_sync();
	$is->('and when it comes back');
	library(1, { enabled => $FALSE });
	is ask(409, $admin, POST => "/api/media/$media/restore")->{code}, 'library_left_out',
	    'it is not restored to a library that is left out';
	library(1, { enabled => $TRUE });
	synced();
	$is->('which comes back without it');
	ask(200, $admin, POST => "/api/media/$media/restore");
	is row($key, 'status'), 'ready', 'a person restores it';
	is row($key, 'tags'), '{mine}', 'with its tags';
	run_sync();
	is row($key, 'status'), 'ready', 'and it stays';
	heard_is($before, {}, 'none of it is news');
};

subtest 'what a person has edited' => sub {
	my ($key, $before) = ($film[4], heard());
	my $media = row($key, 'id');
	ask(200, $admin, PATCH => "/api/media/$media",
	    { title => 'My own', visibility => 'shared' });
	ask(200, $admin, PUT => "/api/media/$media/shares", { users => [ $two->{id} ] });
	$plex->change($key, { title => 'Not mine' });
	run_sync();
	$plex->move($key, 7001);
	run_sync();
	my $item = $plex->item(7001);
	$plex->remove(7001);
	run_sync() for 1 .. 2;
	is row(7001, 'trash_reason'), 'gone', 'gone';
	$plex->add('1', $item);
	run_sync();
	is join(' ', map { row(7001, $_) } qw(id title status)), "$media My own ready", 'is kept';
	is $two->api(GET => "/api/media/$media")->{status}, 200, 'seen by those it was shown to';
	is $one->api(GET => "/api/media/$media")->{status}, 404, 'and nobody else';
	heard_is($before, {}, 'none of it is news');
};

subtest 'a server that changes while it is compared' => sub {
	my $failed = scalar told($admin, 'sync.failed');
	my $off = sub { meanwhile("UPDATE media_servers SET enabled = $_[0] WHERE id = '$id'") };
	my $new = $plex->add('1', { title => 'Unseen' });
	my $end = $off->('false');
	ask(202, $admin, POST => "$PLEX/sync", { serverId => $id });
	waits();
	$end->();
	synced();
	isnt last_run()->{status}, 'ok', 'switched off: the run ends';
	is row($new, 'id'), '', 'and adds nothing';
	is scalar(told($admin, 'sync.failed')), $failed, 'which is no alarm';
	is ask(409, $admin, POST => "$PLEX/sync", { serverId => $id })->{code}, 'server_off',
	    'it is left alone';
	is $in->event(event(ratingKey => $new))->{status}, 'ignored', 'so are its webhooks';
	$mn->psql("UPDATE media_servers SET enabled = true WHERE id = '$id'");
	$plex->fault(slow => { ms => 2000, path => 'all', times => 1 });
	ask(202, $admin, POST => "$PLEX/sync", { serverId => $id });
	wait_until { last_run()->{phase} eq 'GetSectionItems' } 30, 'a page that comes late';
	$plex->new_token('another-token');
	ask(200, $admin, PATCH => "$PLEX/servers/$id", { token => 'another-token' });
	synced();
	$plex->heal;
	is last_run()->{status}, 'ok', 'a new token: another run follows';
	is row($new, 'status'), 'ready', 'and finds all';
	flush();
};

subtest 'a run that waits for an admin' => sub {
	my @some = map { $plex->item($_) } @film[ 5 .. 11 ];
	$plex->remove($_) for @film[ 5 .. 11 ];
	my $run = run_sync();
	is $run->{status}, 'halted', 'too much is missing' or diag explain $run;
	ask(200, $admin, PATCH => "$PLEX/servers/$id", { enabled => $FALSE });
	is ask(409, $admin, POST => "$PLEX/syncs/$run->{id}/continue")->{code}, 'server_off',
	    'waits as long as its server is off';
	ask(200, $admin, PATCH => "$PLEX/servers/$id", { enabled => $TRUE });
	synced();
	is row($film[5], 'status'), 'ready', 'nothing goes by that';
	$plex->add('1', $_) for @some;
	is run_sync()->{status}, 'ok', 'and nothing happened' or diag explain last_run();
};

subtest 'people who go' => sub {
	my $gone = $mn->user;
	my $helper = $mn->user(role => 'admin');
	ask(200, $gone, PUT => '/api/notifications/preferences',
	    { kinds => { 'library.new' => { email => 'now' } } });
	$mn->psql("UPDATE users SET plex_id = '4711' WHERE id = '$gone->{id}'");
	library(3, { visibility => 'shared', users => [ map { $_->{id} } $gone, $two ] });
	$receiver->endpoint($helper, '/helper', events => ['library.new']);
	my $play = sub {
		my $r = $in->plex(play_event($plex->machine, event => "media.$_[0]",
		    account => 4711, item => { ratingKey => $film[1], librarySectionID => 1 }));
		return $in->event($r->{json}{id});
	};
	is $play->('play')->{status}, 'processed', 'a play';
	$plex->add('3', { title => 'For few', addedAt => time });
	run_sync();
	flush();
	my ($mail) = grep { $_->{to} eq $gone->{email} } $smtp->mails;
	my ($link) = $mail->{headers}{'list-unsubscribe'} =~ /^<(.*)>$/;
	$plex->add('3', { title => 'For fewer', addedAt => time });
	run_sync();
	my $sent = scalar $receiver->got('/helper');
	ask(204, $admin, DELETE => "/api/users/$gone->{id}?items=trash");
	ask(200, $admin, PATCH => "/api/users/$helper->{id}", { role => 'user' });
	flush();
	is mails($gone), 1, 'who is deleted has no more mail';
	is scalar $receiver->got('/helper'), $sent + 1, 'an endpoint goes on without its admin';
	is $play->('stop')->{status}, 'ignored', 'plays of somebody who is gone are nobody\'s';
	is $mn->client->request(POST => $link, '')->{status}, 204, 'an old link ends well';
	my ($family) = grep { $_->{key} eq '3' }
	    @{ ask(200, $admin, GET => "$PLEX/servers/$id/libraries")->{items} };
	is_deeply $family->{users}, [ $two->{id} ], 'libraries are seen by those who are left';
	$helper = $mn->login($helper->{email}, $helper->{password});
	my $alarms = scalar told($helper, 'system.event');
	my $mine = scalar told($admin, 'system.event');
	$in->event($in->plex({ event => 'admin.database.corrupted', n => ++$serial,
	    Server => { uuid => $plex->machine } })->{json}{id});
	is scalar(told($admin, 'system.event')), $mine + 1, 'alarms are for admins';
	is scalar(told($helper, 'system.event')), $alarms, 'not for those who were';
};

subtest 'new keys, an empty Redis and a worker that dies' => sub {
	$mn->admin_command('', 'keys', 'rotate');
	$mn->admin_command('', 'keys', 'reseal');
	my $before = heard();
	my $key = $plex->add('1', { title => 'Sealed', addedAt => time });
	is $in->event(event(ratingKey => $key))->{status}, 'processed', 'webhooks come in';
	synced();
	is last_run()->{status}, 'ok', 'the server is reached';
	my $end = meanwhile('SELECT FROM notification_groups FOR UPDATE');
	$mn->psql("UPDATE jobs SET run_at = now() WHERE kind = 'notify.group'"
	    . " AND state = 'available'; NOTIFY mn_jobs, 'events'");
	waits();
	$mn->redis('FLUSHALL');
	$mn->kill_part('worker');
	$end->();
	heard_is($before, { one => 1, two => 1, mails => 1, hooks => 1 }, 'told once');
	ok [ $receiver->got('/news') ]->[-1]{good}, 'with a good signature';
	$before = heard();
	run_sync();
	heard_is($before, {}, 'and not again');
};

subtest 'a server that is down' => sub {
	my $failed = scalar told($admin, 'sync.failed');
	for my $fault ([ status => { code => 503 } ], [ down => {} ]) {
		$plex->fault(@$fault);
		is run_sync()->{status}, 'failed', "fails: $fault->[0]";
		$plex->heal;
	}
	is scalar(told($admin, 'sync.failed')), $failed + 1, 'people are told once';
};

subtest 'the last day' => sub {
	library(2, { enabled => $FALSE });
	my $media = $mn->psql("SELECT id FROM media WHERE kind = 'show'");
	$mn->psql("UPDATE media SET trashed_at = now() - interval '1 year'"
	    . " WHERE trash_reason = 'excluded'");
	my $late = $plex->add('1', { title => 'Too late for all' });
	ask(204, $admin, DELETE => "$PLEX/servers/$id");
	quiet('quick');
	is $mn->psql("SELECT trash_reason || (trashed_at > now() - interval '1 hour') FROM media"
	    . " WHERE id = '$media'"), 'servertrue', 'what was left out long ago has its time too';
	is $mn->psql("SELECT count(*) FROM media WHERE source = 'plex' AND status = 'ready'"), 0,
	    'nothing stays';
	is $in->event(event(ratingKey => $late))->{status}, 'ignored', 'webhooks are nobody\'s';
};

done_testing;
