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
use MediaNest::Smtp;
use MediaNest::Test;
use MediaNest::WebSocket;
use Test::More;

use constant { WAIT => 30, EPISODES => 500 };

my $smtp = MediaNest::Smtp->start;
my $mn = MediaNest::Test->stack(set => { $smtp->settings, 'notifications.group_seconds' => 600,
    'worker.poll' => 200 });
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
	my $show = uuid();
	my @ids = items(EPISODES);
	for my $from (0, 250) {
		add_parts(map { { group => "show:$show", groupTitle => 'Severance, season 2',
		    mediaId => $ids[$_], title => "Part $_" } } $from .. $from + 249);
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
	my @mails = mails_of($reader);
	is scalar @mails, 1, 'one mail';
	is_deeply [ mails_of($off) ], [], 'and none to those who want none';
	like $mails[0]{text}, qr/500 episodes added/, 'it says the same';
	like $mails[0]{text}, qr{\Q$mn->{url}\E/#/\?item=\Q$show\E}, 'with a link to the thing';
};

done_testing;
