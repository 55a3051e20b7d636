#!/usr/bin/perl
# Notes that are told together, mails and digests, and the routes about one's own notifications.
use strict;
use warnings;
use Cwd qw(abs_path);
use FindBin;
use lib "$FindBin::Bin/lib";
use IPC::Open3 qw(open3);
use JSON::PP;
use MediaNest::Faults;
use MediaNest::HookReceiver;
use MediaNest::Smtp;
use MediaNest::Test;
use MediaNest::WebSocket;
use Test::More;

use constant { WAIT => 30, EPISODES => 500 };

my ($smtp, $hooks) = (MediaNest::Smtp->start, MediaNest::HookReceiver->start);
my $mn = MediaNest::Test->stack(set => { $smtp->settings, 'notifications.group_seconds' => 600,
    'worker.poll' => 200, 'worker.lease' => 2, 'outbound.allow' => $hooks->allow });
my $parts = ($ENV{MEDIANEST_DEV_BUILD} || abs_path("$FindBin::Bin/..") . '/build')
    . '/t/tools/notify-parts';
my $admin = $mn->admin;
my $tag = 0;

sub uuid { return scalar $mn->psql('SELECT gen_random_uuid()') }
sub inbox { my ($who, $query) = @_;
	return $who->api(GET => '/api/notifications' . ($query // ''))->{json} }
sub prefer {
	my ($who, %kinds) = @_;
	my $set = $who->api(PUT => '/api/notifications/preferences', { kinds => \%kinds });
	is $set->{status}, 200, 'preferences are set' or diag $set->{content};
	return $set->{json};
}

# n items of a library, one after the other; returns their ids.
sub items {
	my ($n, %with) = @_;
	my ($kind, $visibility) = ($with{kind} // 'episode', $with{visibility} // 'house');
	my $name = 'Item ' . ++$tag;
	return split /\n/, scalar $mn->psql(
	    "INSERT INTO media (id, source, kind, title, status, visibility)
		SELECT gen_random_uuid(), 'plex', '$kind', '$name.' || i, 'ready', '$visibility'
		FROM generate_series(1, $n) i RETURNING id") =~ s/ /\n/gr;
}

sub add_parts {
	my (@list) = @_;
	my $pid = open3(my $in, my $out, undef, $parts, $mn->{status}{databaseUrl});
	print $in encode_json(\@list);
	close $in;
	my $said = do { local $/; <$out> };
	waitpid $pid, 0;
	is $?, 0, scalar(@list) . ' parts' or diag $said;
}

# The time of open groups has come.
sub flush {
	$mn->psql("UPDATE jobs SET run_at = now() WHERE kind = 'notify.group'
		AND state = 'available'; NOTIFY mn_jobs, 'events'");
	wait_until { $mn->psql('SELECT count(*) FROM notification_groups') == 0 } WAIT,
	    'groups to be told';
}

# Every mail of notes that was added so far has been sent.
sub mails_of {
	my ($who) = @_;
	wait_until { $mn->psql("SELECT count(*) FROM jobs WHERE kind = 'mail.notes'
		AND state IN ('available', 'running')") == 0 } WAIT, 'the mails';
	return grep { $_->{to} eq $who->{email} } $smtp->mails;
}

subtest 'a rebuilt library: one note and one mail' => sub {
	my ($reader, $off) = ($mn->user, $mn->user);
	my $ws = MediaNest::WebSocket->open($reader);
	prefer($reader, 'library.new' => { email => 'now' });
	prefer($off, 'library.new' => { page => JSON::PP::false });
	is $admin->api(POST => '/api/webhooks/endpoints', { url => $hooks->url('/a'),
	    events => ['library.new'] })->{status}, 201, 'an endpoint';
	my $show = uuid();
	my @ids = items(EPISODES);
	for my $from (0, 250) {
		add_parts(map { { group => "show:$show", groupTitle => 'Severance, season 2',
		    mediaId => $ids[$_] } } $from .. $from + 249);
	}
	is inbox($reader)->{unread}, 0, 'nothing is told before its time';
	is $mn->psql("SELECT count(*) FROM jobs WHERE kind = 'notify.group' AND state = 'available'
		AND run_at > now() + interval '9 minutes'"), 1, 'one job, in ten minutes';
	flush();
	my $list = inbox($reader);
	is $list->{unread}, 1, 'one note';
	my $note = $list->{items}[0];
	is $note->{title}, 'Severance, season 2: 500 episodes added', 'its title';
	like $note->{message}, qr/^Item \d+\.1, Item \d+\.2, Item \d+\.3 and 497 more$/,
	    'its message';
	is $note->{data}{groupMediaId}, $show, 'what it is about';
	is $note->{data}{count}, EPISODES, 'how many';
	is_deeply $note->{data}{mediaIds}, [ @ids[ 0 .. 19 ] ], 'the first items';
	my $event = $ws->wait_type('notification');
	is $event->{seq}, $note->{seq}, 'the page hears it';
	is $ws->next(0.3), undef, 'once';
	is inbox($off)->{unread}, 0, 'who does not want the kind has no note';
	my @got = wait_until { my @got = $hooks->got('/a'); @got && \@got } WAIT, 'the webhook';
	is_deeply [ map { @{ $_->{json}{data} }{qw(groupMediaId count)} } @{ $got[0] } ],
	    [ $show, EPISODES ], 'one webhook';
	my @mails = mails_of($reader);
	is scalar @mails, 1, 'one mail';
	is_deeply [ mails_of($off) ], [], 'and none to those who want none';
	like $mails[0]{text}, qr/500 episodes added/, 'it says the same';
	like $mails[0]{text}, qr{^\Q$mn->{url}\E/#/title\?id=\Q$show\E$}m,
	    'with a link to the thing';
};

subtest 'many series at a time are one note of their library' => sub {
	my ($who, $library) = ($mn->user, 'movies:' . uuid());
	my @shows = map { { id => uuid(), name => "Show $_", item => items(1) } } 1 .. 30;
	my $news = sub { map { { group => "show:$_->{id}", groupTitle => $_->{name},
	    wider => $library, widerTitle => 'Series', mediaId => $_->{item},
	    title => 'Pilot' } } @_ };
	add_parts($news->($_)) for @shows;
	flush();
	my $list = inbox($who);
	is $list->{unread}, 1, 'thirty are one' or diag explain $list;
	is $list->{items}[0]{title}, 'Series: 30 episodes added', 'by library';
	like $list->{items}[0]{message}, qr/^(?:Show \d+: Pilot, ){2}Show \d+: Pilot and 27 more$/,
	    'which names the series';
	is_deeply [ @{ $list->{items}[0]{data} }{qw(count groupMediaId)} ], [ 30, undef ],
	    'it leads to none of them';
	my $calm = $mn->user;
	add_parts($news->(@shows[ 0 .. 4 ]));
	flush();
	is_deeply [ sort map { $_->{title} } @{ inbox($calm)->{items} } ],
	    [ map { "Show $_: Pilot" } 1 .. 5 ], 'a few are told by themselves';
};

subtest 'only what a person can read is counted' => sub {
	my ($all, $some, $none) = map { $mn->user } 1 .. 3;
	my @house = items(2, kind => 'movie');
	my @shared = items(3, kind => 'movie', visibility => 'shared');
	my ($gone, $hidden, $private) = (items(1), items(1), items(1, visibility => 'private'));
	my $share = sub { $mn->psql('INSERT INTO media_shares (media_id, user_id) VALUES '
	    . join ',', map { "('$_->[0]', '$_->[1]{id}')" } @_) };
	$share->(map { my $item = $_; map { [ $item, $_ ] } $all, $some } @shared);
	add_parts(map { { group => 'section:7', groupTitle => 'Films', mediaId => $_ } } @house,
	    @shared, $gone, $hidden, $private);
	# Between the part and the note: one item goes, one to the trash, one share ends.
	$mn->psql("DELETE FROM media WHERE id = '$gone';
		UPDATE media SET status = 'trashed', trashed_at = now() WHERE id = '$hidden';
		DELETE FROM media_shares
		WHERE media_id = '$shared[0]' AND user_id = '$some->{id}'");
	flush();
	is inbox($all)->{items}[0]{title}, 'Films: 5 films added', 'all that is left';
	is inbox($some)->{items}[0]{title}, 'Films: 4 films added', 'less without a share';
	is_deeply [ sort @{ inbox($some)->{items}[0]{data}{mediaIds} } ],
	    [ sort @house, @shared[ 1, 2 ] ], 'which are named';
	is inbox($none)->{items}[0]{title}, 'Films: 2 films added', 'the house hears of its own';
	is inbox($admin)->{items}[0]{title}, 'Films: 2 films added',
	    'so does an admin, whose rights do not make them the audience';
};

subtest 'the first sync of a server' => sub {
	my ($server, $who) = (uuid(), $mn->user);
	my @samples = (items(1, kind => 'movie'), items(1, kind => 'show'));
	add_parts(map { { group => "server:$server", groupTitle => 'Attic', mediaId => $_->[0],
	    title => $_->[1], items => $_->[2] } } [ $samples[0], 'Films: 9000 items', 9000 ],
	    [ $samples[1], 'Series: 500 items', 500 ]);
	flush();
	my $note = inbox($who)->{items}[0];
	is $note->{title}, 'Attic: 9500 items added', 'a part may stand for many items';
	is $note->{message}, 'Films: 9000 items and Series: 500 items', 'in its own words';
	is_deeply [ @{ $note->{data} }{qw(serverId groupMediaId count)} ], [ $server, undef, 9500 ],
	    'the note leads to the server';
};

subtest 'people who are gone hear nothing' => sub {
	my ($stays, $disabled, $deleted, $lost) = map { $mn->user } 1 .. 4;
	prefer($_, 'library.new' => { email => 'now' }) for $stays, $disabled, $deleted, $lost;
	my ($one) = items(1, visibility => 'shared', kind => 'movie');
	$mn->psql('INSERT INTO media_shares (media_id, user_id) VALUES '
	    . join ',', map { "('$one', '$_->{id}')" } $stays, $disabled, $deleted, $lost);
	add_parts({ group => 'section:8', mediaId => $one });
	is $admin->api(PATCH => "/api/users/$disabled->{id}",
	    { status => 'disabled' })->{status}, 200, 'one is disabled';
	is $admin->api(DELETE => "/api/users/$deleted->{id}?items=trash")->{status}, 204,
	    'one is deleted';
	$mn->psql("DELETE FROM media_shares WHERE media_id = '$one' AND user_id = '$lost->{id}'");
	flush();
	like inbox($stays)->{items}[0]{title}, qr/^Item \d+\.1 was added$/, 'who stays hears';
	is scalar mails_of($stays), 1, 'by mail too';
	is inbox($lost)->{unread}, 0, 'who lost access hears nothing';
	is $mn->psql("SELECT count(*) FROM notifications WHERE user_id IN ('$disabled->{id}',
		'$deleted->{id}')"), 0, 'nor do the others';
	is scalar(map { mails_of($_) } $disabled, $deleted, $lost), 0, 'no mail';
};

subtest 'a job that is killed, or lost' => sub {
	my $who = $mn->user;
	my ($one, $two) = items(2, kind => 'movie');
	add_parts({ group => 'section:9', mediaId => $one });
	$mn->psql("DELETE FROM jobs WHERE kind = 'notify.group' AND state = 'available';
		UPDATE notification_groups SET due_at = now() - interval '2 hours';
		UPDATE jobs SET run_at = now() WHERE kind = 'upkeep.digests'
			AND state = 'available';
		NOTIFY mn_jobs, 'upkeep'");
	wait_until { $mn->psql('SELECT count(*) FROM notification_groups') == 0 } WAIT,
	    'the group to be found';
	like inbox($who)->{items}[0]{title}, qr/was added$/, 'a lost job is made again';
	add_parts({ group => 'section:9', mediaId => $two });
	my $worker = wait_until { $mn->pid('worker') } WAIT, 'a worker';
	$mn->psql("UPDATE jobs SET run_at = now() WHERE kind = 'notify.group'
		AND state = 'available'; NOTIFY mn_jobs, 'events'");
	kill 'KILL', $worker;
	wait_until { $mn->psql('SELECT count(*) FROM notification_groups') == 0 } WAIT + 60,
	    'another worker';
	is inbox($who)->{unread}, 2, 'a killed worker doubles nothing';
};

subtest 'a batch of uploads' => sub {
	my $who = $mn->user;
	prefer($who, 'media.ready' => { email => 'now' }, 'media.failed' => { email => 'now' });
	my $ws = MediaNest::WebSocket->open($who);
	my $settle = sub {
		my (@ids) = @_;
		my $ids = join ',', map { "'$_'" } @ids;
		wait_until { $mn->psql("SELECT count(*) FROM media WHERE id IN ($ids)
			AND status IN ('ready', 'failed')") == @ids } 60, 'the uploads';
	};
	my $first = $who->upload_bytes('one.png', png(64, 48), 'image/png')->{id};
	my $event = $ws->wait_type('media.processing.complete', 60);
	is $event->{data}{notification}{title}, 'one is ready',
	    'a single upload has its note at once';
	my $note = inbox($who)->{items}[0];
	is $note->{seq}, $event->{seq}, 'a row, too';
	is $note->{data}{mediaId}, $first, 'that leads to it';
	is $who->api(POST => "/api/notifications/$note->{id}/read")->{status}, 200, 'it is read';
	# One more is on its way as long as this one is announced.
	my $held = $who->api(POST => '/api/media/upload/initiate',
	    { filename => 'held.png', size => 100, type => 'image/png' })->{json};
	my @ids = map { $who->upload_bytes("$_.png", png(64, 48), 'image/png')->{id} } 2, 3;
	push @ids, $who->upload_bytes('bad.png', substr(png(64, 48), 0, 50), 'image/png')->{id};
	$settle->(@ids);
	my @events = map { $ws->wait_type($_, 10) } ('media.processing.complete') x 2;
	is_deeply [ sort map { $_->{data}{mediaId} } @events ], [ sort @ids[ 0, 1 ] ],
	    'the page hears of each at once';
	is_deeply [ grep { defined $_->{seq} || $_->{data}{notification} } @events ], [],
	    'without a note';
	is inbox($who)->{unread}, 0, 'the list waits for the end of the batch';
	is $who->api(DELETE => "/api/media/upload/$held->{uploadId}")->{status}, 204,
	    'the last one is given up';
	push @ids, $who->upload_bytes('last.png', png(64, 48), 'image/png')->{id};
	$event = $ws->wait_type('notification', 60);
	is $event->{data}{notification}{title}, '4 added, 1 failed', 'the batch is one note';
	is $event->{data}{notification}{message}, 'Failed: bad', 'that says what failed';
	my $list = inbox($who);
	is scalar @{ $list->{items} }, 1, 'the same one';
	is $list->{items}[0]{id}, $note->{id}, 'told again';
	is $list->{items}[0]{seq}, $event->{seq}, 'with a seq of now';
	cmp_ok $event->{seq}, '>', $note->{seq}, 'which is a later one';
	is $list->{unread}, 1, 'unread';
	is_deeply [ @{ $list->{items}[0]{data} }{qw(count failed)} ], [ 4, 1 ], 'numbers';
	is_deeply [ sort @{ $list->{items}[0]{data}{mediaIds} } ], [ sort $first, @ids ], 'items';
	is scalar mails_of($who), 0, 'no mail before the time is over';
	flush();
	my @mails = mails_of($who);
	is scalar @mails, 1, 'then one';
	like $mails[0]{text}, qr/^4 added, 1 failed\nFailed: bad$/m, 'about the batch';
	is inbox($who)->{items}[0]{seq}, $event->{seq}, 'and the note is not told again';
	prefer($who, 'media.ready' => { page => JSON::PP::false }, 'media.failed' => {
	    page => JSON::PP::false });
	$who->upload_bytes('quiet.png', png(64, 48), 'image/png');
	$event = $ws->wait_type('media.processing.complete', 60);
	is $event->{seq}, undef, 'who wants no note still sees the page change';
};

# What a mail says in HTML, as text: links as the text part writes them.
sub as_text {
	my ($html) = @_;
	$html =~ s{<a href="([^"]*)">([^<]*)</a>}{$2:\n$1}g;
	$html =~ s{<[^>]*>}{\n}g;
	my %char = (lt => '<', gt => '>', quot => '"', amp => '&', '#39' => "'");
	$html =~ s/&(#?\w+);/$char{$1} \/\/ "?$1"/ge;
	return join "\n", grep { length } split /\s*\n\s*/, $html;
}
sub unsubscribe_url { my ($mail) = @_;
	return $mail->{headers}{'list-unsubscribe'} =~ /^<(.*)>$/ ? $1 : die 'no link' }

subtest 'mails' => sub {
	my $who = $mn->user(displayName => q(Ann <i> & 'Co')); # as text in HTML
	prefer($who, 'system.broadcast' => { email => 'now', page => JSON::PP::false });
	$admin->api(POST => '/api/notifications/broadcast',
	    { title => q(Tonight <b>"we" & 'they'</b>), message => "One\nTwo", roles => ['user'] });
	my ($mail) = mails_of($who);
	ok $mail, 'a mail about a broadcast, without a row on the page' or return;
	is as_text($mail->{html}), join("\n", grep { length } split /\s*\n\s*/, $mail->{text}),
	    'text and HTML say the same';
	unlike $mail->{html}, qr/<[bi]>/, 'titles and names are text in HTML';
	is $mail->{headers}{'list-unsubscribe-post'}, 'List-Unsubscribe=One-Click',
	    'it ends with one click';
	my $url = unsubscribe_url($mail);
	like $url, qr{^\Q$mn->{url}\E/api/notifications/unsubscribe\?token=[\w.-]+$},
	    'at our address';
	like $mail->{text}, qr/\Q$url\E/, 'people find the link too';
	my ($path) = $url =~ m{(/api/.*)};
	my $get = $mn->client->request(GET => $url);
	is $get->{status}, 303, 'a GET';
	like $get->{headers}{location}, qr{^\Q$mn->{url}\E/#/unsubscribe\?token=}, 'shows a page';
	my $email = sub { $who->api(GET => '/api/notifications/preferences')
	    ->{json}{kinds}{'system.broadcast'}{email} };
	is $email->(), 'now', 'and changes nothing';
	for my $wrong ($path =~ s/.$/A/r . 'A', $path =~ s/token=\d+/token=9/r,
	    '/api/notifications/unsubscribe?token=1..', '/api/notifications/unsubscribe?token=x') {
		is $mn->client->api(POST => $wrong)->{status}, 404, 'a token of nobody';
	}
	is $mn->client->api(POST => '/api/notifications/unsubscribe')->{status}, 400, 'no token';
	is $email->(), 'now', 'changes nothing either';
	my $post = sub { $mn->client->request(POST => $url, 'List-Unsubscribe=One-Click',
	    { 'Content-Type' => 'application/x-www-form-urlencoded' })->{status} };
	is $post->(), 204, 'a mail program posts it';
	is $email->(), 'off', 'and no more mail of the kind is wanted';
	is $post->(), 204, 'again';
	$admin->api(POST => '/api/notifications/broadcast',
	    { title => 'Later', message => 'x', roles => ['user'] });
	is scalar mails_of($who), 1, 'none comes';
	$mn->psql("DELETE FROM users WHERE id = '$who->{id}'");
	is $post->(), 204, 'a link outlives its person';
	unlike $mn->log_text($_), qr/token=/, "no token in the log of $_" for qw(access worker);
};

sub digest_now {
	$mn->psql("UPDATE jobs SET run_at = now() WHERE kind = 'upkeep.digests'
		AND state = 'available'; NOTIFY mn_jobs, 'upkeep'");
}

subtest 'digests' => sub {
	my ($daily, $weekly, $off, $gone) = map { $mn->user } 1 .. 4;
	prefer($_->[0], 'library.new' => { email => $_->[1] }, 'system.broadcast' => {
	    email => $_->[1] }) for [ $daily, 'daily' ], [ $weekly, 'weekly' ], [ $off, 'daily' ],
	    [ $gone, 'daily' ];
	is $daily->api(GET => '/api/notifications/preferences')->{json}{digestHour}, 8,
	    'people see when it comes';
	add_parts(map { { group => "section:$_", groupTitle => "Shelf $_", mediaId => items(1) } }
	    11, 12);
	flush();
	is inbox($daily)->{unread}, 2, 'the page has them at once';
	is scalar mails_of($daily), 0, 'mail waits';
	my $waiting = sub { scalar $mn->psql("SELECT count(*) FROM notification_mails
		WHERE user_id IN ('$daily->{id}', '$weekly->{id}', '$off->{id}', '$gone->{id}')") };
	is $waiting->(), 8, 'for the hour';
	my $done = sub {
		my $before = $mn->psql("SELECT finished_at FROM jobs
			WHERE kind = 'upkeep.digests'");
		digest_now();
		wait_until { $mn->psql("SELECT finished_at FROM jobs
			WHERE kind = 'upkeep.digests'") ne $before } WAIT, 'the job';
	};
	$done->();
	is $waiting->(), 8, 'which has not come';
	prefer($off, 'library.new' => { email => 'off' });
	is $admin->api(PATCH => "/api/users/$gone->{id}", { status => 'disabled' })->{status}, 200,
	    'one is disabled';
	# It came a week ago, while the worker was down; and then it is killed again and again.
	$mn->psql("UPDATE notification_mails SET created_at = created_at - interval '8 days'");
	for (1 .. 3) {
		wait_until { $mn->pid('worker') } WAIT, 'a worker';
		digest_now();
		$mn->kill_part('worker');
	}
	wait_until { digest_now(); $waiting->() <= 4 } 60, 'the digests';
	for ([ $daily, 'daily' ], [ $weekly, 'weekly' ]) {
		my ($who, $period) = @$_;
		my @mails = mails_of($who);
		my %ids = map { $_->{headers}{'message-id'} => 1 } @mails;
		is scalar keys %ids, 1, "one $period digest, late and not skipped";
		# Which of two groups is told first is not said.
		like $mails[0]{text}, qr/^Shelf $_: Item/m, "of both notes: $_" for 11, 12;
		is as_text($mails[0]{html}), join("\n", grep { length } split /\s*\n\s*/,
		    $mails[0]{text}), 'text and HTML say the same';
		like $mails[0]{headers}{subject}, qr/=\?UTF-8\?B\?/, 'with a subject';
	}
	is scalar(map { mails_of($_) } $off, $gone), 0, 'none for others';
	add_parts({ group => 'section:13', mediaId => items(1) });
	flush();
	$mn->psql("UPDATE notification_mails SET created_at = created_at - interval '8 days'");
	$done->();
	is scalar(map { mails_of($_) } $daily, $weekly), 2, 'never two of one day';
	$mn->psql("UPDATE notification_digests SET day = day - 7");
	$done->();
	wait_until { mails_of($daily) == 2 } WAIT, 'the next one';
	my $mail = (mails_of($daily))[-1];
	is $mn->client->request(POST => unsubscribe_url($mail), '')->{status}, 204, 'its link';
	my $kinds = $daily->api(GET => '/api/notifications/preferences')->{json}{kinds};
	is_deeply [ map { $kinds->{$_}{email} } 'library.new', 'system.broadcast' ],
	    [ 'off', 'off' ], 'ends the digest';
	$mn->psql("UPDATE jobs SET run_at = now() WHERE kind = 'upkeep.notifications';
		UPDATE notification_mails SET created_at = now() - interval '31 days';
		UPDATE notification_digests SET created_at = now() - interval '61 days';
		NOTIFY mn_jobs, 'upkeep'");
	wait_until { $mn->psql('SELECT (SELECT count(*) FROM notification_mails)
		+ (SELECT count(*) FROM notification_digests)') == 0 } WAIT, 'housekeeping';
};

subtest 'what a mail is about is asked as it is sent' => sub {
	my $who = $mn->user;
	prefer($who, 'library.new' => { email => 'off' }, 'request.approved' => {
	    email => 'daily' }, 'sync.failed' => { email => 'daily' });
	my ($item, $run) = (uuid(), uuid());
	my $payload = encode_json({ userId => $who->{id}, period => 'daily', notes => [
	    { kind => 'library.new', title => 'Unwanted', data => { mediaId => $item } },
	    { kind => 'request.approved', title => 'Wanted', data => { mediaId => $item } },
	    { kind => 'sync.failed', title => 'Failed', data => { syncId => $run,
	        serverId => uuid() } } ], more => [qw(library.new sync.failed)] });
	$mn->psql("INSERT INTO jobs (id, kind, queue, payload, max_attempts) VALUES
		(gen_random_uuid(), 'mail.notes', 'mail', '$payload', 3); NOTIFY mn_jobs, 'mail'");
	my @mails = mails_of($who);
	is scalar @mails, 1, 'a digest whose first kind was turned off is sent';
	unlike $mails[0]{text}, qr/Unwanted/, 'without the notes of that kind';
	like $mails[0]{text}, qr/Wanted\n(?:.*\n)*Failed\n(?:.*\n)*And 1 more\./,
	    'with all others';
	is_deeply [ $mails[0]{text} =~ m{^\Q$mn->{url}\E/#/(.*)$}mg ],
	    [ 'requests', "sync?id=$run", 'notifications' ], 'each leads where the page leads';
};

subtest 'the list' => sub {
	my ($who, $other) = ($mn->user, $mn->user);
	add_parts({ group => 'section:14', mediaId => items(1) });
	flush();
	$admin->api(POST => '/api/notifications/broadcast',
	    { title => 'For the list', message => 'x', roles => ['user'] });
	my $kinds = sub { [ map { $_->{kind} } @{ inbox($who, $_[0])->{items} } ] };
	is_deeply $kinds->('?kind=library.new'), ['library.new'], 'one kind';
	is_deeply $kinds->('?kind=library.new&after=0'), ['library.new'], 'oldest first, too';
	is_deeply $kinds->(''), [ 'system.broadcast', 'library.new' ], 'all';
	is $who->api(GET => '/api/notifications?kind=no.such')->{status}, 400, 'an unknown kind';
	my $ws = MediaNest::WebSocket->open($who, after => 0);
	is scalar(grep { defined $_->{seq} } $ws->take(3)), 2, 'a socket has them';
	my $id = inbox($who)->{items}[1]{id};
	is $other->api(DELETE => "/api/notifications/$id")->{status}, 404,
	    "someone else's is not there";
	is $who->api(DELETE => "/api/notifications/$id")->{status}, 204, 'delete one';
	is $who->api(DELETE => "/api/notifications/$id")->{status}, 404, 'once';
	is $who->api(DELETE => '/api/notifications/nonsense')->{status}, 404,
	    'nonsense is not there';
	is_deeply $kinds->(''), ['system.broadcast'], 'the other one stays';
	is inbox($who)->{unread}, 1, 'and is counted';
	my @events = MediaNest::WebSocket->open($who, after => 0)->take(2);
	is_deeply [ map { $_->{seq} // $_->{type} } @events ], [ 2, 'resync' ],
	    'a replay leaves it out';
	$admin->api(POST => '/api/notifications/broadcast',
	    { title => 'After it', message => 'x', roles => ['user'] });
	is $ws->wait_type('notification')->{seq}, 3, 'and the live stream goes on';
};

subtest 'what is old goes' => sub {
	my $who = $mn->user;
	for my $title ('Old', 'Not that old', 'New') {
		is $admin->api(POST => '/api/notifications/broadcast', { title => $title,
		    message => 'x', roles => ['user'] })->{status} =~ /^20/, 1, $title;
	}
	$mn->psql("UPDATE notifications SET created_at = now() - interval '$_->[1]' WHERE title ="
	    . " '$_->[0]'") for [ 'Old', '91 days' ], [ 'Not that old', '89 days' ];
	my $titles = sub { return join ', ', sort map { $_->{title} } @{ inbox($who)->{items} } };
	my $expire = sub {
		$mn->psql("UPDATE jobs SET run_at = now() WHERE unique_key ="
		    . " 'every:upkeep.notifications'; NOTIFY mn_jobs, 'upkeep'");
		wait_until { $mn->psql("SELECT count(*) FROM jobs WHERE unique_key ="
		    . " 'every:upkeep.notifications' AND state = 'available'"
		    . " AND run_at > now()") } WAIT, 'the upkeep';
	};
	$expire->();
	is $titles->(), 'New, Not that old', 'after notifications.keep_days, which are 90';
	is inbox($who)->{unread}, 2, 'and it is not counted';
};

done_testing;
