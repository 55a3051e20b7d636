#!/usr/bin/perl
# What was changed while Redis did not listen holds soon after: rights that were taken away, live
# settings, and pages of people with whom an item is no longer shared. A raised limit reaches those
# who are being refused, with their next request.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use Test::More;

use constant SOON => 20;

my $mn = MediaNest::Test->stack(private => 1,
	set => { 'rate_limit.class.search.per_minute' => 3 });
my $admin = $mn->admin;
my ($owner, $friend) = ($mn->user(role => 'user'), $mn->user(role => 'user'));

# Redis stands still: it takes nothing, forgets nothing, and is the same server afterwards.
sub while_redis_stands {
	my ($do) = @_;
	my $redis = $mn->pid('redis');
	kill STOP => $redis;
	my $done = eval { $do->(); 1 };
	my $why = $@;
	kill CONT => $redis;
	die $why unless $done;
}

sub roles { return $admin->api(GET => '/api/admin/roles')->{json}{roles} }

subtest 'a right that is taken away' => sub {
	my $roles = roles();
	is $owner->api(GET => '/api/media')->{status}, 200, 'held so far' for 1 .. 8;
	while_redis_stands(sub {
		my %less = (%$roles, user => [ grep { $_ ne 'media.read' } @{ $roles->{user} } ]);
		is $admin->api(PUT => '/api/admin/roles', { roles => \%less })->{status}, 200,
		    'taken away while Redis stands still';
	});
	wait_until(sub { $owner->api(GET => '/api/media')->{status} == 403 }, SOON, 'a refusal');
	is $owner->api(GET => '/api/media')->{status}, 403, 'and by every process' for 1 .. 8;
	is $admin->api(PUT => '/api/admin/roles', { roles => $roles })->{status}, 200, 'given back';
	is $owner->api(GET => '/api/media')->{status}, 200, 'and held at once' for 1 .. 8;
};

subtest 'a limit that is raised reaches people who are being refused' => sub {
	my $search = sub { $owner->api(GET => '/api/search?q=x')->{status} };
	wait_until(sub { $search->() == 429 }, SOON, 'a refusal');
	is $admin->api(PATCH => '/api/admin/settings',
	    { 'rate_limit.class.search.per_minute' => 500 })->{status}, 200, 'raised';
	is $search->(), 200, 'accepted with the next request' for 1 .. 8;
};

subtest 'the same for an API token' => sub {
	my $made = $owner->api(POST => '/api/auth/tokens',
	    { name => 'cli', scopes => ['media.read'] })->{json};
	my $cli = $mn->client($made->{token});
	is $cli->api(GET => '/api/search?q=x')->{status}, 200, 'it works';
	my $set = sub {
		$admin->api(PATCH => '/api/admin/settings',
		    { 'rate_limit.class.search.per_minute' => $_[0] })->{status};
	};
	is $set->(1), 200, 'lowered';
	wait_until(sub { $cli->api(GET => '/api/search?q=x')->{status} == 429 }, SOON, 'a refusal');
	is $set->(500), 200, 'raised';
	is $cli->api(GET => '/api/search?q=x')->{status}, 200, 'accepted' for 1 .. 8;
};

subtest 'a page that was cached for somebody else' => sub {
	my $id = $mn->psql(<<"SQL");
INSERT INTO media (id, owner_id, kind, title, status, visibility)
VALUES (gen_random_uuid(), '$owner->{id}', 'image', 'seen', 'ready', 'private') RETURNING id
SQL
	is $owner->api(PATCH => "/api/media/$id", { visibility => 'shared' })->{status}, 200,
	    'shared';
	is $owner->api(PUT => "/api/media/$id/shares", { users => [ $friend->{id} ] })->{status},
	    200, 'with a friend';
	my $sees = sub {
		grep { $_->{id} eq $id } @{ $friend->api(GET => '/api/media')->{json}{items} };
	};
	ok $sees->(), 'who sees it' for 1 .. 3; # from the third time on it comes from the cache
	while_redis_stands(sub {
		is $owner->api(PUT => "/api/media/$id/shares", { users => [] })->{status}, 200,
		    'no longer shared, while Redis stands still';
	});
	wait_until(sub { !$sees->() }, SOON, 'a page without it');
	ok !$sees->(), 'gone from the friend\'s pages';
};

subtest 'what was changed while the worker was away too' => sub {
	my $roles = roles();
	$mn->stop_part('worker');
	while_redis_stands(sub {
		my %less = (%$roles, user => [ grep { $_ ne 'media.read' } @{ $roles->{user} } ]);
		is $admin->api(PUT => '/api/admin/roles', { roles => \%less })->{status}, 200,
		    'taken';
	});
	$mn->start_part('worker');
	wait_until(sub { $owner->api(GET => '/api/media')->{status} == 403 }, SOON, 'a refusal');
	pass 'the worker makes up for it when it comes';
};

done_testing();
