#!/usr/bin/perl
# The clock of the house is moved by an hour and by 25, forward and back, while people are signed
# in, uploads are on their way and jobs are leased. Forward, what has run out has run out, and is
# had again by asking; back, nothing that had ended lives again, and nothing waits for the time that
# was.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use MediaNest::Faults;
use MediaNest::Smtp;
use MediaNest::Test;
use Test::More;
use Time::HiRes qw(time);

use constant { HOUR => 3600, DAY => 25 * 3600, SETTLE => 90, SEARCHES => 3, CLAMPED => 80 };

once_is_enough();
my $smtp = MediaNest::Smtp->start;
my $mn = MediaNest::Test->stack(private => 1, set => { $smtp->settings, 'worker.lease' => 3,
    'worker.poll' => 200, 'rate_limit.class.search.per_minute' => SEARCHES,
    'notifications.digest_hour' => (gmtime(time + 2 * HOUR))[2] });
my $move = clock_of($mn);
my $user = $mn->user(role => 'user');
my ($nobody, @dead, @ids) = ($mn->client);

sub session { my ($who) = @_; return $who->api(GET => '/api/auth/session') }
sub refresh {
	my ($who) = @_;
	my $got = $nobody->api(POST => '/api/auth/refresh',
	    { refreshToken => $who->{refresh_token} });
	@$who{qw(token refresh_token)} = @{ $got->{json} }{qw(token refreshToken)}
	    if $got->{status} == 200;
	return $got->{status};
}
# Signing out also lets go of revocations that have run out by the clock of the moment.
sub sign_out {
	my $who = $mn->login($user->{email}, $user->{password});
	is session($who)->{status}, 200, 'signed in';
	my $out = $who->api(POST => '/api/auth/logout', { refreshToken => $who->{refresh_token} });
	is $out->{status}, 204, 'signed out' or diag $out->{content};
	push @dead, $who;
}
sub all_dead {
	my ($when) = @_;
	is scalar(grep { session($_)->{status} != 401 } @dead), 0, "$when: no session lives again";
	is scalar(grep { refresh($_) != 401 } @dead), 0, "$when: nor is one refreshed";
}
sub begin {
	my $bytes = png(64, 48);
	my $begun = $user->api(POST => '/api/media/upload/initiate',
	    { filename => 'a.png', size => length $bytes, type => 'image/png' });
	return { %{ $begun->{json} }, bytes => $bytes };
}
sub put {
	my ($upload) = @_;
	return $user->request(PUT => $upload->{uploadUrl}, $upload->{bytes},
	    $upload->{fields})->{status};
}
sub complete {
	my ($upload) = @_;
	return $user->api(POST => '/api/media/upload/complete',
	    { uploadId => $upload->{uploadId} })->{status};
}
sub everything_works {
	my ($when) = @_;
	my $media;
	# The time of files stands still here: housekeeping may take a body that nginx has just
	# received for an old one, and its sender is told to try again.
	wait_until(sub {
		$media = eval { $user->upload_bytes('b.png', png(64, 48), 'image/png') };
		die $@ if !$media && $@ !~ /^put: 503/;
		return $media;
	}, SETTLE, "$when: an upload");
	push @ids, $media->{id};
	is $user->wait_media($media->{id}, SETTLE)->{status}, 'ready', "$when: an upload";
	my $shown = $user->api(GET => "/api/media/$media->{id}")->{json};
	is $user->request(GET => $shown->{thumbnails}{320})->{status}, 200, "$when: its picture";
	is $mn->login($user->{email}, $user->{password})->api(GET => '/api/media')->{status}, 200,
	    "$when: somebody signs in";
}
# Searches are limited: some are accepted, and not more than that.
sub limited {
	my ($when) = @_;
	my @got = map { $user->api(GET => "/api/search?q=$_")->{status} } 1 .. SEARCHES + 1;
	is $got[0], 200, "$when: a search";
	is $got[-1], 429, "$when: and their limit" or diag "@got";
}
# Periodic jobs, and when the next run of each is due at the latest.
my %every = MediaNest::Test::periodic_kinds();
sub periodic_late {
	return grep { my ($kind, $left) = split /\|/; $left > $every{$kind} + 5 }
	    $mn->psql("SELECT kind, extract(epoch FROM run_at - now())::bigint FROM jobs"
		. " WHERE unique_key = 'every:' || kind");
}
sub running { return $mn->psql("SELECT count(*) FROM jobs WHERE state = 'running'"
    . " AND lease_until > clock_timestamp() + interval '1 minute'") }

my $old = $user->wait_media($user->upload_bytes('first.png', png(64, 48), 'image/png')->{id});
my $cli = $mn->client($user->api(POST => '/api/auth/tokens', { name => 'cli',
    scopes => ['media.read'] })->{json}{token});
my @pending = map { begin() } 1 .. 3;
my $picture = $user->api(GET => "/api/media/$old->{id}")->{json}{thumbnails}{320};
is $user->request(GET => $picture)->{status}, 200, 'a presigned URL';
sign_out();
all_dead('before');
limited('before');

for my $jump (HOUR, DAY) {
	my $name = $jump / HOUR . ' h';
	subtest "clock moved: $name forward" => sub {
		# Leased when the clock jumps.
		my @busy = map { $user->upload_bytes("busy-$_.png", png(400, 400),
		    'image/png')->{id} }
		    1 .. 4;
		push @ids, @busy;
		$move->($jump);
		is session($user)->{status}, 401, 'an access token has run out';
		is refresh($user), 200, 'and is refreshed';
		is session($user)->{status}, 200, 'with which one goes on';
		is $cli->api(GET => '/api/media')->{status}, 200, 'an API token goes on';
		is $user->request(GET => $picture)->{status}, 403, 'a presigned URL has run out';
		$picture = $user->api(GET => "/api/media/$old->{id}")->{json}{thumbnails}{320};
		is $user->request(GET => $picture)->{status}, 200, 'the next one works';
		my $upload = shift @pending;
		if ($jump == HOUR) {
			is put($upload), 200, 'an upload that was begun goes on';
			is complete($upload), 202, 'and is completed';
			push @ids, $upload->{mediaId};
		} else {
			is put($upload), 403, 'an upload that was begun has run out';
			like complete($upload), qr/^4/, 'and cannot be completed';
		}
		limited($name);
		everything_works($name);
		settled($mn, SETTLE, @ids);
		each_once($mn, @ids);
		sign_out();
		all_dead($name);
	};
	subtest "clock moved: $name back" => sub {
		my @busy = map { $user->upload_bytes("back-$_.png", png(400, 400),
		    'image/png')->{id} }
		    1 .. 4;
		push @ids, @busy;
		my $upload = begin();
		$move->(0);
		all_dead('back');
		# Workers that have seen the token take it; to others it is of the future.
		like session($user)->{status}, qr/^(?:200|401)$/, 'who was signed in is,';
		is refresh($user), 200, '... or refreshes';
		is session($user)->{status}, 200, 'and goes on';
		is $cli->api(GET => '/api/media')->{status}, 200, 'so does an API token';
		like put($upload), qr/^(?:200|403)$/, 'an upload that is signed for the future';
		limited('back');
		everything_works('back');
		settled($mn, SETTLE, @ids);
		each_once($mn, @ids);
		is running(), 0, 'no lease lasts until the time that was';
		all_dead('back');
	};
}

subtest 'clock moved: what comes again and again does' => sub {
	my @late;
	ok eval { wait_until { @late = periodic_late(); !@late } CLAMPED, 'periodic jobs' },
	    'no periodic job waits for the time that was' or diag "@late";
	is $mn->psql("SELECT count(*) FROM jobs WHERE state = 'available'"
	    . " AND run_at > now() + interval '1 day'"), 0, 'nor does another';
};

done_testing;
