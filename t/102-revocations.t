#!/usr/bin/perl
# Many live revocations and a Redis that comes back empty: the copy is complete again, whatever its
# size; people who signed out stay out, limits hold, and signing out and changing a password work.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use Test::More;

# Around the size of a batch, and more than one round trip takes.
use constant SIZES => (30, 31, 499, 500, 501, 1001, 20_000);

my $mn = MediaNest::Test->stack(set => { 'rate_limit.authenticated.per_minute' => 50 });
my $user = $mn->user(role => 'user');
my $gone = $mn->login($user->{email}, $user->{password});
is $gone->api(POST => '/api/auth/logout', { refreshToken => $gone->{refresh_token} })->{status},
    204, 'one signs out';

for my $size (SIZES) {
	subtest "$size revocations" => sub {
		my $more = $size - $mn->psql('SELECT count(*) FROM revoked_tokens');
		$mn->psql(<<"SQL");
INSERT INTO revoked_tokens (sid, expires_at)
SELECT gen_random_uuid(), now() + interval '10 minutes' FROM generate_series(1, $more)
SQL
		$mn->redis('FLUSHALL');
		my $answer = $user->api(GET => '/api/auth/session');
		is $answer->{status}, 200, 'the next request is answered';
		is $answer->{headers}{'x-ratelimit-limit'}, 50, 'and counted';
		is $mn->redis(ZCARD => 'mn:revoked'), $size, 'every revocation is in Redis';
		is $gone->api(GET => '/api/auth/session')->{status}, 401,
		    'who signed out stays out';
		my $other = $mn->login($user->{email}, $user->{password});
		is $other->api(POST => '/api/auth/logout',
		    { refreshToken => $other->{refresh_token} })->{status},
		    204, 'signing out works';
	};
	$mn->psql('DELETE FROM revoked_tokens WHERE sid NOT IN (SELECT sid FROM revoked_tokens'
	    . ' ORDER BY revoked_at LIMIT 1)');
}

subtest 'a password is changed while Redis is empty' => sub {
	$mn->psql(<<'SQL');
INSERT INTO revoked_tokens (sid, expires_at)
SELECT gen_random_uuid(), now() + interval '10 minutes' FROM generate_series(1, 700)
SQL
	my $other = $mn->login($user->{email}, $user->{password});
	$mn->redis('FLUSHALL');
	my $new = 'another correct horse battery';
	is $user->api(POST => '/api/auth/password',
	    { current => $user->{password}, password => $new })->{status}, 204, 'changed';
	is $other->api(GET => '/api/auth/session')->{status}, 401, 'the other session has ended';
};

is $mn->psql("SELECT count(*) FROM jobs WHERE state = 'dead'"), 0, 'no job has died of it';
done_testing();
