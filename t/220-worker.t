#!/usr/bin/perl
# The worker's promises: leases, stops, deaths. Nothing is lost, nothing happens twice.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use File::Basename qw(basename dirname);
use MediaNest::Faults;
use MediaNest::Media;
use MediaNest::Test;
use Time::HiRes qw(sleep time);

use constant { TRIES => 10, SETTLE => 90, LEASE => 2, KILLS => 20, UPLOADS => 20 };

my $mn = MediaNest::Test->stack(private => 1, set => { 'worker.lease' => LEASE,
    'worker.poll' => 100, 'worker.media.concurrency' => 3 });
my $make = MediaNest::Media->new;
my $user = $mn->user(role => 'user');
my $clip = MediaNest::Media::slurp($make->video('clip.mp4', seconds => 30, size => '1280x720',
    rate => 10, silent => 1));

my $serial = 0;
sub upload_clip { return $user->upload_bytes("clip$serial.mp4", $clip . pack('Na4a*', 24, 'free',
    sprintf '%016d', $serial++), 'video/mp4')->{id} }
sub job {
	my ($id, $what) = @_;
	return scalar $mn->psql("SELECT $what FROM jobs WHERE kind = 'media.process'"
	    . " AND payload->>'mediaId' = '$id' ORDER BY created_at DESC LIMIT 1");
}
sub step_seen {
	my ($id, $step) = @_;
	return $mn->psql("SELECT count(*) FROM media_events"
	    . " WHERE media_id = '$id' AND step = '$step'") > 0;
}
sub children { my ($pid) = @_; return split ' ', scalar `pgrep -P $pid` }
sub descendants { my ($pid) = @_; return map { ($_, descendants($_)) } children($pid) }
# Holds the decoder where it is, so that its job does not end before the test comes to what it
# means.
sub hold_decoder {
	my ($worker) = @_;
	my @tools = grep { `cat /proc/$_/comm 2>/dev/null` eq "medianest-media\n" }
	    descendants($worker);
	return kill 'STOP', @tools;
}
# Uploads until a job is held at the step: one that was faster than we is let go. Returns the item.
sub hold_at {
	my ($worker, $step) = @_;
	for (1 .. TRIES) {
		my $id = upload_clip();
		wait_until { return step_seen($id, $step) } SETTLE, "the step $step";
		return $id if hold_decoder($worker) && job($id, 'state') eq 'running';
		kill 'CONT', descendants($worker);
	}
	die "no job could be held at the step $step\n";
}
# Running, that is: a zombie waits for its reaper only.
sub alive { return grep { `cat /proc/$_/stat 2>/dev/null` =~ /\) [^Z] / } @_ }

# --- told to stop in the middle of a job: it is given back, and the attempt is not counted
{
	my $worker = $mn->pid('worker');
	my $id = hold_at($worker, 'preview');
	my @all = descendants($worker);
	ok(@all >= 3, 'the job runs in processes of its own');
	my $began = time;
	$mn->stop_part('worker');
	ok(time - $began < 25, 'the worker stops in time');
	ok(eval { wait_until { return !alive(@all) } 5, 'their end' }, '... with all its children');
	is(job($id, "state || ' ' || attempt"), 'available 0', '... and gives the job back');
	is_deeply([ glob "$mn->{var}/data/scratch/*" ], [], '... without leaving scratch files');
	is(open_steps($mn, $id), '', '... or an open step');
	$mn->start_part('worker');
	is($user->wait_media($id, SETTLE)->{status}, 'ready', 'the next worker ends it');
	is(job($id, 'attempt'), 1, 'as its first attempt');
}

# --- a second worker does not start beside the first
my $exe = readlink '/proc/' . $mn->pid('worker') . '/exe';
my ($uid, $gid) = (stat "$mn->{var}/data")[ 4, 5 ];
my @as_owner = $> == 0 ? ('setpriv', '--reuid', $uid, '--regid', $gid, '--clear-groups') : ();
{
	my $said = MediaNest::Test::run_output(@as_owner, $exe, '--config',
	    "$mn->{var}/etc/medianest.conf");
	is($? >> 8, 75, 'a second worker of the same run directory refuses');
	like($said, qr/another worker is running/, '... and says why');
}

# --- where bubblewrap is missing: Landlock or the filter alone, or no start at all
{
	my ($required) = other_worker($mn, $exe, 'required', PATH => '/nonexistent',
	    MEDIANEST_MEDIA_SANDBOX => 'required');
	waitpid $required, 0;
	is($? >> 8, 78, 'without bubblewrap, media.sandbox = required refuses');
	like(MediaNest::Media::slurp("$mn->{var}/log/required.log"),
	    qr/bubblewrap does not work here/, '... and says what to do');
	$mn->stop_part('worker');
	my ($without, $dir) = other_worker($mn, $exe, 'without', PATH => '/nonexistent',
	    MEDIANEST_MEDIA_SANDBOX => 'seccomp');
	my @ids = (upload_clip(), $user->upload_bytes('w.png', png(200, 100), 'image/png')->{id},
		$user->upload_file($make->song('w.mp3', cover => 1), 'audio/mpeg')->{id},
		    $user->upload_file($make->hostile('playlist.mp4'), 'video/mp4')->{id});
	my @states = map { my $item = $user->wait_media($_, SETTLE); $item->{status}
	    . ($item->{failure} ? " $item->{failure}{code}" : '') } @ids;
	is("@states", 'ready ready ready failed unsupported_type', 'it works without bubblewrap')
	    or diag MediaNest::Media::slurp("$mn->{var}/log/without.log");
	like(MediaNest::Media::slurp("$dir/run/worker.sandbox"), qr/^(?:landlock|seccomp)$/,
	    '... and says so');
	kill 'TERM', $without;
	waitpid $without, 0;
	$mn->start_part('worker');
}

# --- a worker that was frozen past its lease: another one takes over, and the first one's work is
# thrown away
{
	my $frozen = $mn->pid('worker');
	my $id = hold_at($frozen, 'thumbnails');
	my @all = ($frozen, descendants($frozen));
	kill 'STOP', @all;
	my ($second) = other_worker($mn, $exe, 'second');
	my $item = eval { $user->wait_media($id, SETTLE) } || {};
	is($item->{status}, 'ready', 'another worker takes an abandoned job over')
	    or diag MediaNest::Media::slurp("$mn->{var}/log/second.log");
	is(job($id, 'attempt'), 2, '... as a further attempt');
	my ($prefix) = $mn->psql("SELECT asset_prefix FROM media WHERE id = '$id'");
	kill 'CONT', reverse @all;
	# The frozen one goes on, finds that it has lost its lease, and lets go.
	wait_until { return !alive(@all[ 1 .. $#all ]) } SETTLE, 'the old run to end';
	is($mn->psql("SELECT asset_prefix FROM media WHERE id = '$id'"), $prefix,
	    'the first one changes nothing');
	is(job($id, 'state'), 'done', 'the job is done');
	each_once($mn, $id);
	kill 'TERM', $second;
	waitpid $second, 0;
	is($?, 0, 'the second worker stops when told');
}

# --- a job whose process dies each time is given up, and its owner is told
{
	$mn->stop_part('worker');
	my $id = upload_clip();
	$mn->psql("UPDATE jobs SET max_attempts = 2 WHERE payload->>'mediaId' = '$id'");
	$mn->start_part('worker');
	my $worker = $mn->pid('worker');
	for my $attempt (1, 2) {
		wait_until { return hold_decoder($worker) } SETTLE, "attempt $attempt";
		is(job($id, "state || ' ' || attempt"), "running $attempt", "attempt $attempt");
		kill 'KILL', children($worker);
		wait_until { return job($id, 'state') ne 'running' } SETTLE, 'the end of it';
		is(job($id, 'state'), $attempt == 1 ? 'available' : 'dead', $attempt == 1
		    ? 'tried again later' : 'given up');
		like(job($id, 'last_error'), qr/signal 9/, '... with what happened');
		is(open_steps($mn, $id), '', '... which ends the step that it was at');
		$mn->psql("UPDATE jobs SET run_at = now() WHERE payload->>'mediaId' = '$id'; "
		    . "NOTIFY mn_jobs") if $attempt == 1;
	}
	my $item = $user->api(GET => "/api/media/$id")->{json};
	is("$item->{status} $item->{failure}{code}", 'failed processing_error',
	    'the item has failed with a reason');
	is($mn->psql("SELECT count(*) FROM notifications WHERE kind = 'media.failed' AND "
	    . "data->>'mediaId' = '$id'"), 1, 'its owner is told once');
	is($user->api(POST => "/api/media/$id/reprocess")->{status}, 202, 'and can try again');
	is($user->wait_media($id, SETTLE)->{status}, 'ready', 'with success');
}

# --- the last attempt ended without a word (the whole worker was killed)
{
	$mn->stop_part('worker');
	my $id = upload_clip();
	$mn->psql("UPDATE jobs SET state = 'running', attempt = max_attempts, lease = "
	    . "gen_random_uuid(), lease_until = now() - interval '1 second' WHERE "
	    . "payload->>'mediaId' = '$id'");
	$mn->psql("INSERT INTO media_events (media_id, step, state)"
	    . " VALUES ('$id', 'fetch', 'started')");
	$mn->start_part('worker');
	my $item = $user->wait_media($id, SETTLE);
	is("$item->{status} $item->{failure}{code}", 'failed processing_error',
	    'a job that was never heard of again is given up');
	is(job($id, 'state'), 'dead', '... and listed as dead');
	is(open_steps($mn, $id), '', '... without an open step');
}

# --- trash and purge while it is being processed
{
	my ($trashed, $purged) = (upload_clip(), upload_clip());
	wait_until { return step_seen($trashed, 'inspect') } SETTLE, 'processing';
	is($user->api(POST => "/api/media/$trashed/trash")->{status}, 200,
	    'into the trash meanwhile');
	is($mn->admin->api(DELETE => "/api/media/$purged?purge=true")->{status}, 204,
	    'another one away for good');
	wait_until { return job($trashed, 'state') eq 'done' && job($purged,
	    'state') eq 'done' } SETTLE, 'both jobs';
	is($user->api(GET => "/api/media/$trashed")->{json}{status}, 'trashed',
	    'it stays in the trash');
	is($user->api(POST => "/api/media/$trashed/restore")->{json}{status}, 'ready',
	    '... and is ready when restored');
	is($mn->psql("SELECT count(*) FROM media WHERE id = '$purged'"), 0,
	    'what was purged stays away');
}

# --- random deaths, of the worker and of single jobs
{
	my @ids = map { $user->upload_bytes("r$_.png", png(200 + $_, 160),
	    'image/png')->{id} } 1 .. UPLOADS;
	push @ids, map { upload_clip() } 1 .. 2;
	my $killed = 0;
	for (1 .. KILLS) {
		my $worker = wait_until { return $mn->pid('worker') } SETTLE, 'a worker';
		my @jobs = children($worker);
		if (rand() < 0.5 || !@jobs) { $killed += kill 'KILL', $worker }
		else { $killed += kill 'KILL', $jobs[rand @jobs] }
		sleep rand 0.4;
	}
	ok($killed > KILLS / 2, "killed $killed times");
	# Without waiting for the pauses between attempts.
	wait_until {
		$mn->psql("UPDATE jobs SET run_at = now() WHERE state = 'available'");
		return $mn->psql("SELECT count(*) FROM jobs WHERE kind = 'media.process' AND "
		    . "state IN ('available', 'running')") == 0;
	} 2 * SETTLE, 'the last job';
	settled($mn, SETTLE, @ids);
	each_once($mn, @ids);
}
wait_until { return !glob "$mn->{var}/data/scratch/*" } SETTLE, 'scratch space to be empty';
pass('scratch space is empty');

# --- periodic jobs: what is over goes away
{
	my $late = $user->api(POST => '/api/media/upload/initiate', { filename => 'late.png',
	    size => 10, type => 'image/png' })->{json};
	$mn->psql("UPDATE uploads SET expires_at = now() - interval '1 minute' WHERE id = "
	    . "'$late->{uploadId}'");
	my ($stray) = $mn->psql("INSERT INTO media_assets (key, media_id, size, created_at) "
	    . "VALUES ('derived/stray/x/320.webp', gen_random_uuid(), 1, now() - interval '2 "
	    . "days') RETURNING key");
	$mn->psql("INSERT INTO jobs (id, kind, queue, state, finished_at) VALUES "
	    . "(gen_random_uuid(), 'x', 'quick', 'done', now() - interval '8 days')");
	# What grows with time, each with its age.
	my $token = sub {
		my ($hash, $revoked, $expires) = @_;
		$mn->psql("INSERT INTO api_tokens (id, user_id, name, hash, hint, scopes, "
		    . "revoked_at, expires_at) VALUES (gen_random_uuid(), '$user->{id}', "
		    . "'$hash', '$hash', 'x', '{}', now() - interval '$revoked', "
		    . "now() - interval '$expires')");
	};
	$token->('old-revoked', '91 days', '-1 days');
	$token->('old-expired', '-1 days', '91 days');
	$token->('young', '89 days', '1 day');
	$mn->psql("INSERT INTO activity (id, user_id, kind, at) VALUES (gen_random_uuid(), "
	    . "'$user->{id}', 'old', now() - interval '3 years 1 day'), (gen_random_uuid(), "
	    . "'$user->{id}', 'young', now() - interval '2 years')");
	# Rows that only their age tells apart, each kind twice: [table, values, ages].
	my $uuid = 'gen_random_uuid()';
	my $hash = "decode(md5(random()::text), 'hex')";
	my @aged = (
		['sessions', '(id, user_id, device, expires_at, revoked_at)',
		    "$uuid, '$user->{id}', '%s', now() - interval '%s', now() - interval '99 days'",
		    'device', '31 days', '29 days'],
		['invites', '(id, hash, email, role, used_at, expires_at)',
		    "$uuid, $hash, '%s', 'user', now(), now() - interval '%s'",
		    'email', '31 days', '29 days'],
		['mail_tokens', '(hash, purpose, user_id, email, expires_at)',
		    "$hash, 'reset', '$user->{id}', '%s', now() - interval '%s'",
		    'email', '25 hours', '23 hours'],
		['plex_pins', '(id, plex_pin_id, client_id, address, expires_at)',
		    "$uuid, 1, 'x', '%s', now() - interval '%s'",
		    'address', '25 hours', '23 hours'],
		['login_attempts', '(subject, failures, window_start, last_failure)',
		    "'%s', 1, now(), now() - interval '%s'", 'subject', '25 hours', '23 hours'],
		['mail_counters', '(subject, asked, window_start, last_at)',
		    "'%s', 1, now(), now() - interval '%s'", 'subject', '25 hours', '23 hours'],
	);
	for (@aged) {
		my ($table, $columns, $values, $mark, $old, $young) = @$_;
		$mn->psql("INSERT INTO $table $columns VALUES (" . sprintf($values, 'age-old',
		    $old) . '), (' . sprintf($values, 'age-young', $young) . ')');
	}
	# An item that is processed again and again keeps the end of its timeline.
	my $again = $user->upload_bytes("again.png", png(64, 64), 'image/png')->{id};
	settled($mn, SETTLE, $again);
	$mn->psql("INSERT INTO media_events (media_id, step, state) SELECT '$again', 'inspect', "
	    . "'done' FROM generate_series(1, 500)");
	is($user->api(POST => "/api/media/$again/reprocess")->{status}, 202, 'once more');
	settled($mn, SETTLE, $again);
	my $events = $mn->psql("SELECT count(*) FROM media_events WHERE media_id = '$again'");
	cmp_ok($events, '>', 200, 'the timeline has the newest entries');
	cmp_ok($events, '<', 240, 'and no more than those');
	my $gone = '01890a5d-ac96-774b-bcce-b302099a8057';
	$mn->redis('HSET', 'mn:gen', $gone, 3, $user->{id}, 1);
	$mn->redis('HSET', 'mn:ver', "u:$gone", 'x', "u:$user->{id}", 'y', 'house', 'z');
	my @kinds = $mn->psql(q{SELECT kind FROM jobs WHERE unique_key LIKE 'every:%'});
	my %every = MediaNest::Test::periodic_kinds();
	cmp_ok(scalar keys %every, '>', 10, 'periodic jobs are known');
	is_deeply([ sort @kinds ], [ sort keys %every ], 'each periodic job is there, once');
	$mn->psql("UPDATE jobs SET run_at = now() WHERE unique_key LIKE 'every:%' AND state = "
	    . "'available'; NOTIFY mn_jobs, 'upkeep'");
	wait_until { return $mn->psql("SELECT status FROM uploads WHERE id = "
	    . "'$late->{uploadId}'") eq 'expired' } SETTLE, 'the upload to expire';
	is($mn->psql("SELECT count(*) FROM media WHERE id = '$late->{mediaId}'"), 0,
	    'an upload that was never finished leaves no item');
	wait_until { return $mn->psql("SELECT count(*) FROM media_assets WHERE key = "
	    . "'$stray'") == 0 } SETTLE, 'the stray object to go';
	wait_until { return $mn->psql("SELECT count(*) FROM jobs WHERE kind = "
	    . "'x'") == 0 } SETTLE, 'the old job to go';
	pass('so do stray objects and old jobs');
	wait_until { return $mn->psql("SELECT count(*) FROM jobs WHERE unique_key LIKE 'every:%' "
	    . "AND state = 'available' AND finished_at IS NOT NULL AND last_error IS "
	    . "NULL") == @kinds } SETTLE, 'their ends';
	is_deeply([ $mn->psql("SELECT name FROM api_tokens WHERE user_id = '$user->{id}'") ],
	    ['young'], 'API tokens stay for 90 days after their end');
	for (@aged) {
		my ($table, undef, undef, $mark, undef, $young) = @$_;
		is_deeply([ $mn->psql("SELECT $mark FROM $table WHERE $mark LIKE 'age-%'") ],
		    ['age-young'], "$table: after their end rows stay longer than $young, "
		    . 'and then go');
	}
	is($mn->psql("SELECT count(*) FROM activity WHERE kind = 'old'"), 0, 'history for 3 years');
	is($mn->psql("SELECT count(*) FROM activity WHERE kind = 'young'"), 1, 'and no less');
	is_deeply([ map { $mn->redis('HEXISTS', "mn:$_->[0]", $_->[1]) } ['gen', $gone],
	    ['ver', "u:$gone"], ['gen', $user->{id}], ['ver', "u:$user->{id}"],
	    ['ver', 'house'] ], [0, 0, 1, 1, 1], 'Redis forgets who is gone, and nobody else');
	is_deeply([ sort $mn->psql("SELECT kind FROM jobs WHERE unique_key LIKE 'every:%' AND "
	    . "run_at > now() + interval '30 minutes'") ],
	    [ sort grep { $every{$_} >= 3600 } keys %every ],
	    'those of each hour or day wait for the next one');
}
unlike($mn->log_text('worker'), qr/Sanitizer|runtime error/, 'the sanitizers are content');
done_testing();
