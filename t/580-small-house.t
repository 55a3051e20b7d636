#!/usr/bin/perl
# A house of 512 MB and one processor: with a media server, webhooks both ways and alerts, it
# processes a photo of 24 megapixels and a minute of 1080p while it syncs, and nothing is killed.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep);

use constant { LIMIT => 512 << 20, FILMS => 100, IDLE_MB => 80, IDLE_CLOSE => 5,
    MEDIA_SECONDS => 300, GONE_SECONDS => 10 };

my $group;
# Compiled before the one of MediaNest::Test, so that it runs when the stack is down.
END {
	local $?;
	for (1 .. GONE_SECONDS * 10) {
		last if !$group || rmdir $group->{dir};
		sleep 0.1;
	}
}

use MediaNest::Hooks;
use MediaNest::HookReceiver;
use MediaNest::Media;
use MediaNest::PlexServer;
use MediaNest::Processes;
use MediaNest::Test;
use Test::More;

once_is_enough();
plan skip_all => 'only root can make a group with a limit' if $> != 0;

# --- the limit ------------------------------------------------------------------------------------

sub put {
	my ($file, $text) = @_;
	open my $out, '>', $file or return 0;
	my $wrote = syswrite $out, "$text\n";
	return close($out) && defined $wrote;
}

# A group of processes with that much memory; undef where the kernel or a container has none.
# Version 2 of the interface, or version 1 with its names.
sub group_make {
	my $root = '/sys/fs/cgroup';
	my %v2 = (root => $root, limit => 'memory.max', kills => 'memory.events',
	    peak => 'memory.peak', line => qr/^0::(.*)$/m, swap => ['memory.swap.max', 0]);
	my %v1 = (root => "$root/memory", limit => 'memory.limit_in_bytes',
	    kills => 'memory.oom_control', peak => 'memory.max_usage_in_bytes',
	    line => qr/^\d+:memory:(.*)$/m, swap => ['memory.memsw.limit_in_bytes', LIMIT]);
	my $made = slurp("$root/cgroup.controllers") =~ /\bmemory\b/ ? \%v2 : \%v1;
	put("$root/cgroup.subtree_control", '+memory') if $made == \%v2;
	my ($before) = slurp("/proc/$$/cgroup") =~ $made->{line} or return undef;
	@$made{qw(dir before)} = ("$made->{root}/medianest-test-$$", "$made->{root}$before");
	mkdir $made->{dir} or return undef;
	$group = $made;
	put("$made->{dir}/$made->{limit}", LIMIT) or return undef;
	# A machine with swap would hide what is too much. A kernel without swap has no such file.
	my ($file, $most) = @{ $made->{swap} };
	return !-e "$made->{dir}/$file" || put("$made->{dir}/$file", $most) ? $made : undef;
}

sub kills { slurp("$group->{dir}/$group->{kills}") =~ /^oom_kill (\d+)/m ? $1 : undef }

# What this process starts meanwhile stays in the group and on one processor.
sub in_group {
	my ($code) = @_;
	my $mask = MediaNest::Test::run_output('taskset', '-c', '-p', $$) =~ /: (\S+)$/m ? $1
	    : die 'no taskset';
	my ($first) = $mask =~ /^(\d+)/;
	MediaNest::Test::run_output('taskset', '-c', '-p', $first, $$);
	put("$group->{dir}/cgroup.procs", $$) or die "$group->{dir}: $!";
	my $result = $code->();
	put("$group->{before}/cgroup.procs", $$) or die "$group->{before}: $!";
	MediaNest::Test::run_output('taskset', '-c', '-p', $mask, $$);
	return $result;
}

plan skip_all => 'no memory controller here' if !group_make();
plan skip_all => 'this kernel does not count what it kills' if !defined kills();

# --- the house ------------------------------------------------------------------------------------

MediaNest::Test::build_directory();
my $make = MediaNest::Media->new;
my $photo = $make->picture('photo.jpg', size => '6000x4000');
my $second = $make->video('second.mp4', seconds => 2, size => '1920x1080', rate => 30, gop => 60);
my $video = $make->path('minute.mp4');
MediaNest::Media::ffmpeg('-stream_loop', 29, '-i', $second, '-c', 'copy', $video);
my $plex = MediaNest::PlexServer->start;
$plex->section('1', 'movie', 'Films');
$plex->generate('1', FILMS);
my $receiver = MediaNest::HookReceiver->start;
my $mn = in_group(sub { MediaNest::Test->stack(set => { 'alerts.window' => 300,
    'pool.idle_close' => IDLE_CLOSE, 'outbound.allow' => join(',', $plex->allow,
    $receiver->allow) }) });
my $admin = $mn->admin;
my @parts = (qw(postgres redis nginx worker notifyd), sort keys %{ $mn->{status}{pids}{pools} });
my %pid = map { ($_ => $mn->pid($_)) } @parts;
my %inside = map { ($_ => 1) } split ' ', slurp("$group->{dir}/cgroup.procs");
is join(' ', grep { !$inside{ $pid{$_} } } @parts), '', 'every part is in the group';

# --- all of it at the same time -------------------------------------------------------------------

my $hooks = MediaNest::Hooks->new($mn);
$receiver->endpoint($admin, '/ready', events => ['media.ready']);
my $server = $admin->api(POST => '/api/integrations/plex/servers', { name => 'Attic',
    url => $plex->url, token => $plex->token });
is $server->{status}, 201, 'a media server, which is synced at once' or diag $server->{content};
my @items = map { $admin->upload_file(@$_)->{id} } [$video, 'video/mp4'], [$photo, 'image/jpeg'];
my $told = $hooks->plex(MediaNest::Hooks::play_event($plex->machine, event => 'media.play',
    account => 1, item => { ratingKey => '1', type => 'movie', title => 'x' }));
is $told->{status}, 200, 'a webhook comes in' or diag $told->{content};
my @media = map { $admin->wait_media($_, MEDIA_SECONDS) } @items;
is_deeply [map { $_->{status} } @media], ['ready', 'ready'], 'the video and the photo are ready'
    or diag explain \@media;
wait_until { $mn->psql("SELECT status FROM sync_runs WHERE server_id = '$server->{json}{id}'"
    . ' ORDER BY started_at DESC LIMIT 1') =~ /^(?:ok|partial)$/ } MEDIA_SECONDS, 'the sync';
is $mn->psql("SELECT count(*) FROM server_items"), FILMS, 'all films were taken in';
wait_until { $receiver->got('/ready') >= @items } 60, 'webhooks that went out';
pass 'webhooks went out';
$mn->psql("UPDATE jobs SET run_at = now() WHERE unique_key = 'every:alert.watch'"
    . " AND state = 'available'; NOTIFY mn_jobs, 'events'");
wait_until { $mn->psql('SELECT count(looked_at) FROM alert_watch') > 0 } 60, 'a look at the alerts';
pass 'the alerts are watched';

# --- nothing was killed ---------------------------------------------------------------------------

is kills(), 0, 'the kernel killed nothing';
is join(' ', grep { ($mn->pid($_) // 0) != $pid{$_} } @parts), '', 'every part runs as it began';
is $mn->psql("SELECT string_agg(kind || ': ' || coalesce(last_error, ''), '; ') FROM jobs"
    . " WHERE state = 'dead' OR (queue IN ('media', 'video') AND attempt > 1)"), '',
    'no job was tried twice';
my $peak = slurp("$group->{dir}/$group->{peak}");
diag sprintf 'peak of the group, page cache included: %.0f MB', $peak / (1 << 20) if $peak;

wait_idle($mn);
my $mb = pss_kb(stack_pids($mn)) / 1024;
cmp_ok $mb, '<=', IDLE_MB, sprintf 'idle again, it takes %.1f MB', $mb;

done_testing();
