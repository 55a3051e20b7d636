#!/usr/bin/perl
# A storm of webhooks: good ones, some of them twice, bad signatures, old timestamps, broken forms
# and large pictures, while the worker, Redis and PostgreSQL are killed. Every good one has one
# effect, every bad one a 4xx, and nothing that was answered with 200 is lost. MEDIANEST_HOOKS is
# the number of deliveries.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Select;
use JSON::PP;
use MediaNest::Hooks;
use MediaNest::Test;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);

use constant {
    DELIVERIES => $ENV{MEDIANEST_HOOKS} // 800,
    SENDERS => 4,
    TRIES => 2000,		# of a delivery that is not accepted yet
    PAUSE => 0.05,		# seconds before another try: the edge lets 200 a second pass
    LARGE => 10 << 20,		# bytes of a picture
    SEED => 20261127,
};

my $mn = MediaNest::Test->stack(set => { 'worker.lease' => 3 });
my $hooks = MediaNest::Hooks->new($mn);
my %source = map { $_ => $hooks->source($_) } qw(plex overseerr generic);
my $ada = $mn->user(role => 'user');
$mn->psql("UPDATE users SET plex_id = '4711' WHERE id = '$ada->{id}'");
$mn->psql("INSERT INTO media_servers (id, kind, name, url, token, machine_id) VALUES"
    . " (gen_random_uuid(), 'plex', 'Attic', 'http://127.0.0.1:9', 'x', 'machine-attic')");
my $server = $mn->psql('SELECT id FROM media_servers');
my $section = $mn->psql("INSERT INTO media_sections (id, server_id, key, title, type) VALUES"
    . " (gen_random_uuid(), '$server', '1', 'Films', 'movie') RETURNING id");
my $media = $mn->psql("INSERT INTO media (id, source, kind, title, status, visibility) VALUES"
    . " (gen_random_uuid(), 'plex', 'movie', 'Heat', 'ready', 'house') RETURNING id");
my %column = map { $_ => 1 } $mn->psql("SELECT column_name FROM information_schema.columns"
    . " WHERE table_name = 'server_items'");
my $identity = $column{identity} ? ', identity' : '';
$mn->psql("INSERT INTO server_items (server_id, item_key, section_id, media_id, kind, guid,"
    . " fingerprint$identity) VALUES ('$server', '17', '$section', '$media', 'movie',"
    . " 'plex://heat', ''" . ($identity ? ", 'plex://heat'" : '') . ')');

# --- what is sent ---
srand SEED;
my $JSON = JSON::PP->new->utf8->canonical;
my $picture = 'x' x LARGE;

# [kind, path, body, headers]; kind: good, play (good, and a viewing), bad
sub generic {
    my ($n, %with) = @_;
    my $body = $JSON->encode({ type => 'storm', n => $n });
    my %headers = signed($with{secret} // $source{generic}{secret}, $body, id => "storm-$n",
        at => time + ($with{shift} // 0));
    return [ $with{kind} // 'good', "/api/webhooks/generic/$source{generic}{id}", $body,
        { 'Content-Type' => 'application/json', %headers } ];
}

sub play {
    my ($n, %with) = @_;
    my ($type, $body) = form($with{thumb} ? [ thumb => $picture, 'image/jpeg', 't.jpg' ] : (),
        [ payload => $JSON->encode(play_event('machine-attic', event => 'media.play',
            account => 4711, player => "P$n", item => { ratingKey => '17' })),
            'application/json' ]);
    $body = substr $body, 0, -20 if $with{cut};
    return [ $with{cut} ? 'bad' : 'play', "/api/webhooks/plex/$source{plex}{key}", $body,
        { 'Content-Type' => $type } ];
}

sub overseerr {
    my ($n) = @_;
    return [ 'good', "/api/webhooks/overseerr?key=$source{overseerr}{key}", $JSON->encode({
        notification_type => 'TEST_NOTIFICATION', n => $n }),
        { 'Content-Type' => 'application/json' } ];
}

sub delivery {
    my ($n) = @_;
    my $dice = rand;
    return $dice < 0.30 ? play($n) : $dice < 0.31 ? play($n, thumb => 1)
        : $dice < 0.60 ? generic($n) : $dice < 0.80 ? overseerr($n)
        : $dice < 0.87 ? generic($n, kind => 'bad', secret => $source{plex}{secret})
        : $dice < 0.94 ? generic($n, kind => 'bad', shift => -600) : play($n, cut => 1);
}

my (@all, %kinds);
my $originals = int(DELIVERIES / 1.3);
for my $n (1 .. $originals) {
    my $state = int(rand(1 << 30));
    push @all, [ $n, $state ];
}
push @all, map { $all[ int rand @all ] } $originals + 1 .. DELIVERIES;
@all = sort { $a->[1] * 7919 % 104729 <=> $b->[1] * 7919 % 104729 } @all;

# Made where it is sent: the same for the same number.
sub made {
    my ($one) = @_;
    my ($n, $state) = @$one;
    srand $state;
    return delivery($n);
}
my %kind = map { ($_->[0] => made($_)->[0]) } @all;
$kinds{$_}++ for values %kind;
cmp_ok $kinds{$_}, '>', 0, "there are $_ ones: $kinds{$_}" for qw(good play bad);

# --- sending ---
sub deliver {
    my ($client, $one, $out) = @_;
    for (1 .. TRIES) {
        my ($kind, $path, $body, $headers) = @{ made($one) };
        my $r = $client->api(POST => $path, $body, $headers);
        my $code = $r->{json}{code} // '';
        # Not now: a sender that tries again. A bad one that was not looked at yet, too.
        if ($r->{status} =~ /^(?:429|599|50[023])$/) { sleep PAUSE; next }
        syswrite $out, join(' ', $one->[0], $kind, $r->{status}, $r->{json}{id} // '-',
            $r->{json}{status} // '-') . "\n";
        return;
    }
    syswrite $out, "$one->[0] lost 0 - -\n";
}

pipe my $from, my $to or die "pipe: $!";
my @children;
for my $turn (0 .. SENDERS - 1) {
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        close $from;
        my $client = $mn->client;
        deliver($client, $all[$_], $to) for grep { $_ % SENDERS == $turn } 0 .. $#all;
        POSIX::_exit(0);
    }
    push @children, $pid;
}
close $to;

my @kills = ([ 0.2, 'worker' ], [ 0.4, 'redis' ], [ 0.6, 'postgres' ], [ 0.8, 'worker' ]);
my ($seen, %answer, $rest) = (0);
$rest = '';
while (sysread $from, $rest, 65536, length $rest) {
    while ($rest =~ s/^(.*)\n//) {
        my ($n, $kind, $status, $id, $state) = split / /, $1;
        push @{ $answer{$n} }, { kind => $kind, status => $status, id => $id, state => $state };
        $seen++;
    }
    $mn->kill_part((shift @kills)->[1]) while @kills && $seen >= $kills[0][0] * @all;
}
waitpid $_, 0 for @children;
note 'sent after ', time - $^T, ' s';
is $seen, scalar @all, 'every delivery got an answer';
is scalar @kills, 0, 'and the worker, Redis and PostgreSQL were killed meanwhile';

# --- what became of it ---
my @good = grep { $kind{$_} ne 'bad' } sort { $a <=> $b } keys %answer;
my @bad = grep { $kind{$_} eq 'bad' } sort { $a <=> $b } keys %answer;
is_deeply [ grep { my $n = $_; grep { $_->{status} != 200 } @{ $answer{$n} } } @good ], [],
    'each good one was accepted';
is_deeply [ grep { my $n = $_; grep { $_->{status} !~ /^4/ } @{ $answer{$n} } } @bad ], [],
    'each bad one was refused';
is_deeply [ grep { my %id = map { $_->{id} => 1 } @{ $answer{$_} }; keys %id != 1 } @good ], [],
    'what came twice is one event';

$mn->wait_ready;
wait_until {
    $mn->psql("SELECT count(*) FROM webhook_events WHERE status IN ('received', 'failed')") == 0
} 60, 'the end of all events';
note 'processed after ', time - $^T, ' s';
is $mn->psql('SELECT count(*) FROM webhook_events'), scalar @good,
    'the inbox has each good one once';
is $mn->psql("SELECT count(*) FROM webhook_events WHERE status <> 'processed'"), 0,
    'and each was processed';
my %stored = map { $_ => 1 } $mn->psql('SELECT id FROM webhook_events');
is_deeply [ grep { !$stored{ $answer{$_}[0]{id} } } @good ], [],
    'nothing that was answered with 200 is lost';
is $mn->psql('SELECT count(*) FROM plays'), $kinds{play}, 'each viewing is there once';
is $mn->psql("SELECT count(*) FROM activity WHERE kind = 'media.played'"), $kinds{play},
    'once in the history';
is $mn->psql("SELECT count(*) FROM notifications WHERE kind = 'media.played'"), $kinds{play},
    'and once among the notes';

# --- while PostgreSQL is away ---
$mn->stop_part('postgres');
my (undef, $path, $body, $headers) = @{ overseerr('away') };
my $r = $mn->client->api(POST => $path, $body, $headers);
is $r->{status}, 503, 'the sender is told to come again' or diag $r->{content};
ok $r->{headers}{'retry-after'}, 'and when';
$mn->start_part('postgres');
wait_until { ($r = $mn->client->api(POST => $path, $body, $headers))->{status} == 200 } 30,
    'an accepted webhook';
is $r->{json}{status}, 'received', 'then it is received';
done_testing;
