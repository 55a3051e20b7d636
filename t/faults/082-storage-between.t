#!/usr/bin/perl
# What stands between MediaNest and its object store goes wrong, and the store itself fails: signing
# and browsing need no store, a complete says that it has to be sent again, jobs run again.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use MediaNest::Faults;
use MediaNest::Sequence qw(later);
use MediaNest::Test;
use Test::More;
use Time::HiRes qw(time);

use constant { TOTAL => 12, SETTLE => 90, BACK => 30 };

my ($mn, $proxy) = stack_behind(['storage'], set => { 'worker.lease' => 5, 'worker.poll' => 200 });
my ($user, $nobody) = ($mn->admin, $mn->client);
my $first = $user->wait_media($user->upload_bytes('a.png', png(64, 48), 'image/png')->{id});
is $first->{status}, 'ready', 'everything works through the proxy';
my @ids = $first->{id};

# An upload whose bytes are there: clients reach the store, MediaNest may not.
sub sent {
	my ($bytes) = @_;
	my $begun = $user->api(POST => '/api/media/upload/initiate', { filename => 'b.png',
	    size => length $bytes, type => 'image/png' });
	is $begun->{status}, 201, 'signing works';
	is $user->request(PUT => $begun->{json}{uploadUrl}, $bytes,
	    $begun->{json}{fields})->{status}, 200, 'with what was signed one uploads';
	push @ids, $begun->{json}{mediaId};
	return $begun->{json};
}
sub complete {
	my ($upload) = @_;
	return $user->api(POST => '/api/media/upload/complete',
	    { uploadId => $upload->{uploadId} });
}
sub browses {
	my $shown = $user->api(GET => "/api/media/$first->{id}");
	is $user->request(GET => $shown->{json}{thumbnails}{320})->{status}, 200,
	    'a picture is shown';
	is $user->api(GET => '/api/media')->{status}, 200, 'so is the list';
	is $nobody->api(GET => '/api/health/ready')->{status}, 200, 'ready, for all else works';
}
sub storage { return $nobody->api(GET => '/api/health')->{json}{dependencies}{storage}{state} }
sub at_once {
	$mn->psql("UPDATE jobs SET run_at = now() WHERE kind = 'media.process'"
	    . " AND state = 'available'");
	$mn->psql("NOTIFY mn_jobs, 'media'");
}

# What holds while MediaNest cannot have an answer of the store.
sub without {
	my ($fault, @how) = @_;
	my ($completed, $waiting) = (sent(png(64, 48)), sent(png(64, 48)));
	$mn->stop_part('worker'); # so that the job meets the fault
	is complete($waiting)->{status}, 202, 'completed before';
	$proxy->fault($fault, @how);
	$mn->start_part('worker');
	my $answer = later(sub {
		my $began = time;
		my $got = complete($completed);
		return { status => $got->{status}, json => { took => time - $began,
		    again => $got->{headers}{'retry-after'}, content => $got->{content} } };
	});
	browses();
	my $got = $answer->();
	is $got->{status}, 503, 'complete is 503' or diag $got->{json}{content};
	ok $got->{json}{again}, 'and says when to try again';
	cmp_ok $got->{json}{took}, '<', TOTAL, 'within ' . TOTAL . ' s';
	ok eval { wait_until { storage() eq 'down' } BACK, 'health' }, 'health says so';
	my $failed = sub { $mn->psql("SELECT count(*) FROM jobs WHERE kind = 'media.process'"
	    . " AND payload->>'mediaId' = '$waiting->{mediaId}' AND last_error IS NOT NULL") };
	ok eval { wait_until { $failed->() } SETTLE, 'an attempt' }, 'the job has failed once';
	is $user->api(GET => "/api/media/$waiting->{mediaId}")->{json}{status}, 'processing',
	    'which is no fault of the file';
	$proxy->heal;
	is complete($completed)->{status}, 202, 'the same complete succeeds';
	at_once();
	is $user->wait_media($_->{mediaId}, SETTLE)->{status}, 'ready', 'ready' for $waiting,
	    $completed;
}

subtest 'object store down: refuses connections' => sub { without(refuse => 1) };
subtest 'object store down: frozen' => sub { without(frozen => 1) };

subtest 'object store down: slow' => sub {
	$proxy->fault(delay => 0.1);
	my $upload = sent(png(64, 48));
	is complete($upload)->{status}, 202, 'a complete waits';
	$proxy->fault(rate => 60_000);
	is $user->wait_media($upload->{mediaId}, SETTLE)->{status}, 'ready', 'a job too';
	$proxy->heal;
};

subtest 'object store down: cut in the middle of an object' => sub {
	my $upload = sent(png(200, 200));
	is complete($upload)->{status}, 202, 'completed';
	$proxy->fault(cut => 50_000, times => 1);
	at_once();
	is $user->wait_media($upload->{mediaId}, SETTLE)->{status}, 'ready',
	    'the rest is not taken for the whole';
	$proxy->heal;
};

subtest 'object store down: answers with 500' => sub {
	my $upload = sent(png(64, 48));
	$mn->psql('REVOKE SELECT ON objects FROM medianest_store');
	my $got = complete($upload);
	is $got->{status}, 503, 'complete is 503' or diag $got->{content};
	is $user->api(GET => '/api/media')->{status}, 200, 'browsing works';
	$mn->psql('GRANT SELECT ON objects TO medianest_store');
	is complete($upload)->{status}, 202, 'the same complete succeeds';
	is $user->wait_media($upload->{mediaId}, SETTLE)->{status}, 'ready', 'ready';
};

settled($mn, SETTLE, @ids);
each_once($mn, @ids);
done_testing;
