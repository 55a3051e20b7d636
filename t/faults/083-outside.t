#!/usr/bin/perl
# Overseerr and the mail server are slow, silent or gone: deadlines, a breaker that opens after five
# failures and lets one probe through after half a minute, partial answers, jobs that run again.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use MediaNest::FaultProxy;
use MediaNest::Overseerr;
use MediaNest::Sequence qw(later);
use MediaNest::Smtp;
use MediaNest::Test;
use Test::More;
use Time::HiRes qw(time);

use constant API => '/api/integrations/overseerr';
use constant { CONNECT => 3, TOTAL => 11, AT_ONCE => 1, FAILURES => 5, PROBE => 30, SETTLE => 60 };

my ($overseerr, $smtp) = (MediaNest::Overseerr->start, MediaNest::Smtp->start);
my $proxy = MediaNest::FaultProxy->start(to => "127.0.0.1:$overseerr->{port}");
my $mail = MediaNest::FaultProxy->start(to => "127.0.0.1:$smtp->{port}");
my $mn = MediaNest::Test->stack(private => 1, set => { $smtp->settings,
    'smtp.port' => $mail->{port}, 'outbound.allow' => "127.0.0.1:$proxy->{port}",
    'worker.poll' => 200 });
my ($admin, $user) = ($mn->admin, $mn->user);

# A search that must ask Overseerr: status, seconds, and what it says.
my $words = 0;
sub search {
	my $word = 'film' . ++$words;
	return later(sub {
		my $began = time;
		my $got = $user->api(GET => API . "/search?q=$word");
		return { status => $got->{status}, json => { took => time - $began,
		    code => $got->{json}{code}, again => $got->{headers}{'retry-after'} } };
	});
}
sub list_works {
	my $began = time;
	is $user->api(GET => API . '/requests')->{status}, 200, 'the list of requests works';
	cmp_ok time - $began, '<', AT_ONCE, 'at once';
}

$overseerr->user(2, name => 'ada', permissions => 32);
$overseerr->title(movie => 1, 'Film 1', '1999-03-31');
is $admin->api(PUT => API, { url => "http://127.0.0.1:$proxy->{port}",
    apiKey => $overseerr->{key} })->{status}, 200, 'Overseerr is set up';
$admin->api(PUT => API . "/people/$user->{id}", { overseerrId => 2 });
wait_until { $admin->api(GET => API)->{json}{refreshedAt} } 20, 'the first list';
is search()->()->{status}, 200, 'a search';

subtest 'outside services: mail waits for its server' => sub {
	$mail->fault(frozen => 1);
	is $mn->client->api(POST => '/api/auth/password/forgot',
	    { email => $user->{email} })->{status}, 202, 'a mail is asked for';
	wait_until { $mail->count->{connections} } SETTLE, 'an attempt';
	$mail->fault(refuse => 1);
	ok eval { wait_until { $mn->psql("SELECT count(*) FROM jobs WHERE queue = 'mail'"
	    . " AND state = 'available' AND last_error IS NOT NULL") } SETTLE, 'a failure' },
	    'the attempt failed, and another follows';
};

subtest 'outside services: slow' => sub {
	$proxy->fault(delay => 0.5);
	my $got = search()->();
	is $got->{status}, 200, 'a search waits';
	cmp_ok $got->{json}{took}, '<', TOTAL, 'not for long';
	$proxy->fault(frozen => 1);
	my $hanging = search();
	list_works();
	$got = $hanging->();
	is $got->{status}, 503, 'one that gets no answer ends' or diag $got->{json}{code};
	cmp_ok $got->{json}{took}, '<', TOTAL, 'within ' . TOTAL . ' s';
	ok $got->{json}{again}, 'and says when to try again';
	$proxy->heal;
	wait_until { search()->()->{status} == 200 } PROBE + SETTLE, 'a search';
};

subtest 'outside services: gone, and the breaker' => sub {
	$proxy->fault(silent => 1);
	my (@got, $opened);
	for (1 .. 2 * FAILURES) {
		push @got, search()->();
		$opened = time;
		last if $got[-1]{json}{took} < AT_ONCE;
	}
	is scalar(grep { $_->{status} != 503 } @got), 0, 'all are 503';
	is scalar(grep { $_->{json}{took} > CONNECT } @got), 0, 'a connection has two seconds';
	cmp_ok scalar(@got) - 1, '<=', FAILURES, 'five of them, and nobody waits any more';
	list_works();
	$proxy->heal;
	my $before = $proxy->count->{connections};
	my $got = search()->();
	is $got->{status}, 503, 'it is not asked for a while';
	is $proxy->count->{connections}, $before, 'not at all';
	ok eval { wait_until { search()->()->{status} == 200 } PROBE + SETTLE, 'the probe' },
	    'one probe finds it again';
	cmp_ok time - $opened, '>', PROBE / 2, 'after a while';
	is search()->()->{status}, 200, 'and everybody is served';
};

subtest 'outside services: mail is sent when its server is back' => sub {
	$mail->heal;
	$mn->psql("UPDATE jobs SET run_at = now() WHERE queue = 'mail' AND state = 'available'");
	$mn->psql("NOTIFY mn_jobs, 'mail'");
	ok $smtp->wait_mail(sub { $_[0]{to} eq $user->{email} }), 'it arrives';
	is $mn->psql("SELECT count(*) FROM jobs WHERE queue = 'mail' AND state = 'dead'"), 0,
	    'none was given up';
};

done_testing;
