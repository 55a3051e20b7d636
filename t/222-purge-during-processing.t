#!/usr/bin/perl
# An item that is purged while it is being processed leaves nothing behind, and what other faults
# leave in the object store is found by comparing it with the rows.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use MediaNest::Faults;
use MediaNest::Media;
use MediaNest::S3;
use MediaNest::Test;

use constant { SETTLE => 60 };

my $mn = MediaNest::Test->stack(private => 1, set => { 'worker.poll' => 100 });
my $s3 = MediaNest::S3->new($mn);
my $user = $mn->user(role => 'user');
my $bucket = $mn->{status}{storageBucket} // 'medianest';

sub objects { return $mn->psql("SELECT key FROM objects WHERE key ~ '$_[0]' ORDER BY key") }
sub left { my @keys = objects($_[0]); return scalar @keys }
sub put {
	my ($key) = @_;
	my $r = $s3->request(PUT => "/$bucket/$key", body => 'bytes');
	is($r->{status}, 200, "put $key") or diag $r->{content};
	return $key;
}
sub uuid { return scalar $mn->psql('SELECT gen_random_uuid()') }
sub run_now { return $mn->run_periodic($_[0]) }
sub announced { return scalar $mn->psql("SELECT count(*) FROM media_assets WHERE key = '$_[0]'"
    . ' AND NOT published') }

# --- the item goes, with all that a purge removes, while the run writes its first thumbnail
$mn->psql(q{CREATE TABLE purge_at (media_id uuid); GRANT SELECT ON purge_at TO medianest_store;
	CREATE FUNCTION purge_now() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
		IF NEW.key LIKE 'derived/%' THEN
			DELETE FROM media_assets a USING purge_at p WHERE a.media_id = p.media_id;
			DELETE FROM media m USING purge_at p WHERE m.id = p.media_id;
		END IF;
		RETURN NEW;
	END $$;
	CREATE TRIGGER purge_now BEFORE INSERT ON objects FOR EACH ROW
	EXECUTE FUNCTION purge_now()});
$mn->stop_part('worker');
my $gone = $user->upload_bytes('gone.png', png(360, 200), 'image/png')->{id};
$mn->psql("INSERT INTO purge_at VALUES ('$gone')");
$mn->start_part('worker');
wait_until { return $mn->psql("SELECT count(*) FROM jobs WHERE payload->>'mediaId' = '$gone' AND"
    . " kind = 'media.process' AND state = 'done'") == 1 } SETTLE, 'the run to end';
is($mn->psql("SELECT count(*) FROM media WHERE id = '$gone'"), 0, 'the item is gone');
ok(eval { wait_until { !left("/$gone/") } SETTLE, 'their removal' },
    'so are the thumbnails that were written after its purge') or diag objects("/$gone/");
is($mn->psql("SELECT count(*) FROM media_assets WHERE media_id = '$gone'"), 0,
    '... and what was announced of them');
is(left('^incoming/'), 0, '... and the upload');
$mn->psql('DROP TRIGGER purge_now ON objects; DROP TABLE purge_at');

# --- a purge of the usual kind while the decoder is at work: the run finds it before it writes
{
	my $worker = $mn->pid('worker');
	my $make = MediaNest::Media->new;
	my $id = $user->upload_file($make->video('clip.mp4', seconds => 20), 'video/mp4')->{id};
	wait_until { return $mn->psql("SELECT count(*) FROM media_events WHERE media_id = '$id'"
	    . " AND step = 'preview'") } SETTLE, 'the decoder';
	is($mn->admin->api(DELETE => "/api/media/$id?purge=true")->{status}, 204, 'purged');
	wait_until { return $mn->psql("SELECT count(*) FROM jobs WHERE payload::text LIKE '%$id%'"
	    . " AND state <> 'done'") == 0 } SETTLE, 'all its jobs';
	is(left("/$id/"), 0, 'a run that finds its item gone leaves nothing');
}

# --- what no row has
my $kept = $user->wait_media($user->upload_bytes('kept.png', png(400, 300), 'image/png')->{id},
    SETTLE);
my @items = objects("/$kept->{id}/");
ok(@items >= 3, 'an item with its objects');
my ($media, $lease, $live) = (uuid(), uuid(), uuid());
my $job = substr uuid(), -12;
my @stray = (put("derived/$media/$lease/320.webp"), put("derived/$media/$lease-$job/320.webp"),
    put("original/$media/$lease"));
my @foreign = (put('original/notes.txt'), put("derived/$media/readme"));
my @running = map { put("derived/$media/$live$_/320.webp") } "", "-$job";
my $incoming = put('incoming/' . uuid());
$mn->psql("INSERT INTO jobs (id, kind, queue, state, lease, lease_until) VALUES"
    . " (gen_random_uuid(), 'x', 'x', 'running', '$live', now() + interval '1 hour')");

$mn->stop_part('verify');
like(run_now('upkeep.sweep'), qr/storage_unavailable/, 'without an answer of the store');
is(announced('derived/%'), 0, '... nothing is known to be unused');
$mn->start_part('verify');
# The pauses between attempts are not waited for.
is(run_now('upkeep.sweep'), '', 'with it');
is(announced($_), 1, "$_ has no item") for @stray;
is(announced($_), 0, "$_ is left alone") for @foreign, @running, @items;
is(run_now('upkeep.incoming'), '', 'uploads too');
is(left($incoming), 0, 'an upload that nothing knows goes at once');

# --- young ones stay; in a day they go
run_now('upkeep.objects');
is(left("^$_\$"), 1, "$_ stays for a day") for @stray;
$mn->psql("INSERT INTO media_assets (key, media_id, size) VALUES ('$_', '$media', 1)") for @running;
$mn->psql("UPDATE media_assets SET created_at = now() - interval '25 hours' WHERE key LIKE"
    . " '%$media%'");
run_now('upkeep.objects');
is(left("^$_\$"), 0, "$_ is gone") for @stray;
is(left("^$_\$"), 1, "$_ is there") for @foreign, @running, @items;
is(announced($_), 1, '... and announced by a run that goes on') for @running;
is($user->request(GET => $kept->{thumbnails}{320})->{status}, 200, 'the item shows');

# --- a run goes on where the last one ended
put($_) for @stray;
$mn->psql("UPDATE jobs SET payload = jsonb_build_object('after', 'derived/g') WHERE kind ="
    . " 'upkeep.sweep'");
is(run_now('upkeep.sweep'), '', 'the second half');
is(announced($_), 0, 'what lies before is not looked at') for @stray[0, 1];
is(announced($stray[-1]), 1, '... what lies behind is');
is($mn->psql("SELECT payload FROM jobs WHERE kind = 'upkeep.sweep'"), '{}', 'then from the start');
is(run_now('upkeep.sweep'), '', 'the next run');
is(announced($stray[0]), 1, '... finds the rest');
done_testing();
