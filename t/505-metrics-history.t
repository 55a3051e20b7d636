#!/usr/bin/perl
# What a host measures reaches PostgreSQL once, in buckets, whatever happens to its processes.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use Test::More;

my $mn = MediaNest::Test->stack(set => { 'metrics.interval' => 1 });
my $user = $mn->user;

# Sum of one count over the buckets of a width, of a route or of the house.
sub counted {
	my ($route, $method, $i, $step) = @_;
	return $mn->psql("SELECT coalesce(sum(counts[$i]), 0) FROM metric_samples WHERE step = "
	    . ($step // 60) . " AND route = '$route' AND method = '$method'");
}
my @me = ('/api/users/me', 'GET');

subtest 'samples' => sub {
	my $before = counted(@me, 1);
	is $user->api(GET => '/api/users/me')->{status}, 200, 'a request' for 1 .. 5;
	wait_until { counted(@me, 1) == $before + 5 } 20, 'is stored, once';
	is counted(@me, 1, $_), counted(@me, 1), "in the buckets of $_ seconds too" for 600, 3600;
	cmp_ok counted(@me, 5), '>', 0, 'with its time in PostgreSQL';
	is $mn->psql(q{SELECT bool_and(counts[1] = (SELECT sum(n) FROM unnest(counts[6:]) AS n))
	    FROM metric_samples}), 't', 'and each request is in one place of the histogram';
};

subtest 'password hashing' => sub {
	my ($login, $house) = (counted('/api/auth/login', 'POST', 1), counted('', '', 1));
	my $all = $mn->psql('SELECT sum(counts[1]) FROM metric_samples WHERE step = 60
	    AND NOT hashing AND route <> \'\'');
	cmp_ok $login, '>', 0, 'sign-ins are counted';
	is $house, $all, 'but not in the figures of the house';
	is $mn->psql("SELECT count(*) FROM metric_samples WHERE hashing AND route LIKE '%/media%'"),
	    0, 'other routes are';
};

done_testing;
