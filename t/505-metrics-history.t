#!/usr/bin/perl
# What a host measures reaches PostgreSQL once, in buckets, whatever happens to its processes.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use POSIX qw(strftime);
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

# A figure of the summary, and the points of a plot.
my $admin = $mn->admin;
sub summary {
	my ($window) = @_;
	my $r = $admin->api(GET => '/api/metrics/summary' . ($window ? "?window=$window" : ''));
	is $r->{status}, 200, 'a summary' or diag $r->{content};
	return $r->{json};
}
sub points {
	my ($metric, %query) = @_;
	my $r = $admin->api(GET => "/api/metrics/summary/history?metric=$metric"
	    . join '', map { "&$_=$query{$_}" } sort keys %query);
	is $r->{status}, 200, "the history of $metric" or diag $r->{content};
	return $r->{json};
}
sub ago { return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time - $_[0])) }
sub known { return grep { defined $_->{value} } @{ $_[0]{points} } }

subtest 'summary' => sub {
	my $all = summary();
	is $all->{window}, '5m', 'of five minutes';
	is_deeply $all->{targets}, { responseMs => 50, databaseMs => 15, cacheHitRatio => 0.85,
	    errorRate => 0.001 }, 'beside what it should be';
	my ($me) = grep { $_->{route} eq $me[0] && $_->{method} eq 'GET' }
	    @{ $all->{routes} };
	cmp_ok $me->{count}, '>=', 5, 'a route';
	cmp_ok $me->{p50Ms}, '<=', $me->{p95Ms}, 'p50 and p95';
	cmp_ok $me->{p95Ms}, '<=', $me->{p99Ms}, 'p99';
	is $me->{cacheHitRatio}, undef, 'nothing of it is cached';
	is $me->{errorRate}, 0, 'nothing failed';
	my ($login) = grep { $_->{route} eq '/api/auth/login' } @{ $all->{routes} };
	ok $login->{passwordHashing} && !$me->{passwordHashing}, 'which ones hash passwords';
	my $sum = 0;
	$sum += $_->{count} for grep { !$_->{passwordHashing} } @{ $all->{routes} };
	is $all->{total}{count}, $sum, 'and leaves them out of the total';
	is summary($_)->{window}, $_, $_ for qw(1h 1d);
	is $admin->api(GET => '/api/metrics/summary?window=2h')->{status}, 400, 'no other window';
};

subtest 'figures of known samples' => sub {
	# A route of our own in the buckets of two hours ago, and of yesterday.
	$mn->psql(q{INSERT INTO metric_samples (step, at, route, method, hashing, counts)
	    SELECT w.step, date_bin(make_interval(secs => w.step), now() - w.age, 'epoch'), '', '',
		false, ARRAY[100, 3, 60, 20, 500000,
		    0, 0, 50, 0, 0, 0, 0, 40, 0, 0, 10, 0, 0, 0, 0]::bigint[]
	    FROM (VALUES (60, interval '2 hours'), (600, interval '20 hours'),
		(3600, interval '10 days')) AS w (step, age)});
	my %want = (p50 => 2.5, p95 => 750, database => 5, hits => 0.75, errors => 0.03,
	    requests => 100);
	for my $age (2 * 3600, 20 * 3600, 10 * 86400) {
		for my $metric (sort keys %want) {
			my $plot = points($metric, from => ago($age + 3600),
			    to => ago($age - 3600));
			my ($at) = grep { defined $_->{value} && $_->{value} > 0 } known($plot);
			is $at->{value}, $want{$metric}, "$metric of " . ago($age);
		}
	}
	my @p = map { points('p50', from => ago($_), to => ago(0)) } 3 * 3600, 86400, 20 * 86400;
	is_deeply [ map { $_->{step} } @p ], [60, 600, 3600], 'older ones are coarser';
	cmp_ok scalar(@{ $_->{points} }), '<=', 722, 'a plot has few points' for @p;
	ok +(grep { !defined $_->{value} } @{ $p[0]{points} }), 'what nobody measured is null';
	is_deeply [ map { $_->{threshold} } map { points($_) } qw(p95 hits errors requests) ],
	    [200, 0.7, 0.01, undef], 'thresholds';
	$admin->api(PATCH => '/api/admin/settings', { 'alerts.latency.threshold' => 300,
	    'alerts.errors.threshold' => 0 });
	ok wait_until { points('p95')->{threshold} == 300 } 20, 'of the settings';
	is points('errors')->{threshold}, undef, 'none where the alert is off';
	$admin->api(PATCH => '/api/admin/settings', { 'alerts.latency.threshold' => undef,
	    'alerts.errors.threshold' => undef });
	is $admin->api(GET => "/api/metrics/summary/history?metric=p50&$_")->{status}, 400, $_
	    for 'from=' . ago(31 * 86400), 'from=' . ago(10) . '&to=' . ago(20),
		'to=' . ago(-3 * 86400);
};

subtest 'queue and storage' => sub {
	wait_until { known(points('queue', from => ago(120))) > 0 } 20, 'the queue is sampled';
	my ($stored) = reverse known(points('storage', from => ago(120)));
	is $stored->{value}, $mn->psql('SELECT sum(bytes) FROM storage_kept') || 0,
	    'what is stored';
	is $mn->psql(q{SELECT count(DISTINCT name) FROM metric_levels WHERE host <> ''}), 4,
	    'and the disks of the host';
};

subtest 'age' => sub {
	$mn->psql(q{UPDATE metric_samples SET at = at - interval '31 days' WHERE step = 3600;
	    UPDATE metric_samples SET at = at - interval '3 days' WHERE step = 600;
	    UPDATE metric_samples SET at = at - interval '7 hours' WHERE step = 60;
	    UPDATE metric_levels SET at = at - interval '31 days' WHERE name = 'stored';
	    UPDATE jobs SET run_at = now() WHERE kind = 'upkeep.metrics'});
	wait_until { $mn->psql(q{SELECT count(*) FROM metric_samples WHERE
	    at < now() - interval '30 days' OR step < 3600 AND at < now() - interval '2 days' OR
	    step = 60 AND at < now() - interval '6 hours'}) == 0 } 30, 'samples go with their time';
	is $mn->psql(q{SELECT count(*) FROM metric_levels
	    WHERE at < now() - interval '30 days'}), 0, 'levels too';
};

subtest 'a worker that starts again' => sub {
	my $before = counted(@me, 1);
	$user->api(GET => '/api/users/me') for 1 .. 3;
	ok wait_until { counted(@me, 1) == $before + 3 } 20, 'three requests';
	$mn->restart_part('worker');
	$user->api(GET => '/api/users/me') for 1 .. 2;
	ok wait_until { counted(@me, 1) >= $before + 5 } 20, 'and two more';
	is counted(@me, 1), $before + 5, 'are five';
};

my $check = ($ENV{MEDIANEST_DEV_BUILD} // "$FindBin::Bin/../build") . '/t/tools/watch-check';
subtest 'several hosts and workers' => sub {
	my $said = MediaNest::Test::run_output($check, $mn->{status}{databaseUrl});
	is $?, 0, 'watch-check' or diag $said;
	my @failed = grep { /^not ok/ } split /\n/, $said;
	is_deeply \@failed, [], 'finds no fault';
};

done_testing;
