#!/usr/bin/perl
# nginx's own limit for each address, trusted proxies, and a pool that is gone.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use Test::More;

my $mn = MediaNest::Test->stack(set => { 'rate_limit.edge.per_second' => 5,
    'rate_limit.edge.storage_per_second' => 5, 'trusted_proxies' => '127.0.0.1' });
my $client = $mn->client;

sub burst {
	my ($path, $from, $count) = @_;
	my %seen;
	for (1 .. $count) {
		my $answer = $client->api(GET => $path, undef, { 'X-Forwarded-For' => $from });
		$seen{ $answer->{status} }++;
		$seen{problem} = $answer if $answer->{status} == 429;
	}
	return \%seen;
}

my $seen = burst('/nothing', '192.0.2.1', 60);
ok $seen->{404}, 'some pass';
ok $seen->{429}, 'some do not' or diag explain $seen;
is $seen->{problem}{json}{code}, 'rate_limited', 'a problem document';
like $seen->{problem}{headers}{'retry-after'} || '', qr/^\d+$/, 'Retry-After';
ok $client->api(GET => '/nothing', undef, { 'X-Forwarded-For' => '192.0.2.2' })->{status} == 404,
    'another address is not touched';
burst('/nothing', '2001:db8:1:2::1', 60);
is $client->api(GET => '/nothing', undef,
    { 'X-Forwarded-For' => '2001:db8:1:2:ffff::9' })->{status},
    429, 'IPv6 counts by /64';
is $client->api(GET => '/nothing', undef, { 'X-Forwarded-For' => '2001:db8:1:3::1' })->{status},
    404, 'the next network does not';
is_deeply [sort keys %{ burst('/api/health/live', '192.0.2.1', 100) }], [200],
    'health has no limit';

# A spoofed first element: the last address that is not a trusted proxy counts.
is $client->api(GET => '/nothing', undef,
    { 'X-Forwarded-For' => '198.51.100.7, 192.0.2.9' })->{status},
    404, 'a chain';
wait_until { $mn->log_text('access') =~ /"client":"192\.0\.2\.9"/ } 10, 'the log';
unlike $mn->log_text('access'), qr/"client":"198\.51\.100\.7"/,
    'the address that a client claims is not believed';

# The storage origin sees and counts the same addresses.
sub storage {
	my ($stack, $from) = @_;
	return $stack->request(GET => "$stack->{status}{storageEndpoint}/x", undef,
	    { 'X-Forwarded-For' => $from });
}
for my $kind (['192.0.2.1', '192.0.2.1', '192.0.2.2'],
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', '2001:db8:1:3::1']) {
	my ($from, $same, $other) = @$kind;
	my %answers;
	$answers{ storage($mn, $from)->{status} }++ for 1 .. 60;
	is_deeply [sort keys %answers], [403, 503], "storage, $from: some pass and some do not";
	is storage($mn, $same)->{status}, 503, "... $same counts with it";
	is storage($mn, $other)->{status}, 403, "... $other does not";
}
storage($mn, '198.51.100.7, 192.0.2.9');
wait_until { $mn->log_text('storage-access') =~ /"client":"192\.0\.2\.9"/ } 10,
    'the log of storage';
like $mn->log_text('verify'), qr/"client":"2001:db8:1:2::1"/, 'so does its pool';

$mn->stop_part('search');
my $gone = $client->api(GET => '/api/search?q=x', undef, { 'X-Forwarded-For' => '192.0.2.77' });
is $gone->{status}, 502, 'a pool that is gone';
is $gone->{json}{code}, 'upstream_failed', 'in the same form';
ok $gone->{headers}{'retry-after'}, 'with Retry-After';
$mn->start_part('search');
wait_until { $client->api(GET => '/api/search?q=x', undef,
    { 'X-Forwarded-For' => '192.0.2.78' })->{status} <
    500 } 15,
    'the pool again';
pass 'it comes back';

# What nginx refuses by itself is counted too, but for what it drops under a flood.
sub refused {
	my ($origin, $status) = @_;
	my $build = MediaNest::Test::build_directory();
	my $all = MediaNest::Test::run_output("$build/t/tools/metric-read", "$mn->{var}/run");
	my $series = qr/medianest_edge_refused_total\{origin="$origin",status="$status"\}/;
	my ($n) = $all =~ /^$series (\d+)$/m;
	return $n // 0;
}
my $large = $client->request(POST => "$mn->{url}/api/auth/login", 'x' x 1_100_000,
    { 'X-Forwarded-For' => '192.0.2.80', 'Content-Type' => 'application/json' });
is $large->{status}, 413, 'a body that is too large';
for my $kind ([page => 429], [page => 413], [page => 502], [storage => 503]) {
	my ($origin, $status) = @$kind;
	ok eval { wait_until { refused($origin, $status) > 0 } 10, "$origin, $status" },
	    "$origin: $status is counted";
}
is refused(page => 404) + refused(storage => 403) + refused(page => 'other'), 0,
    'what a pool has answered is not';
$mn->stop_part('notifyd');
my $unseen = burst('/nothing', '192.0.2.81', 60);
ok $unseen->{404} && $unseen->{429}, 'without notifyd all goes on';
$mn->start_part('notifyd');
my $counted = refused(page => 429);
ok eval { wait_until { burst('/nothing', '192.0.2.81', 20); refused(page => 429) > $counted } 15,
    'the count' }, '... and is counted again when it is back';

my $untrusting = MediaNest::Test->stack(set => { 'rate_limit.edge.per_second' => 5,
    'rate_limit.edge.storage_per_second' => 5 });
$client = $untrusting->client;
my %all;
$all{ $client->api(GET => '/nothing', undef, { 'X-Forwarded-For' => "192.0.2.$_" })->{status} }++
    for 1 .. 60;
ok $all{429}, 'without trusted proxies the header changes nothing';
my %stored;
$stored{ storage($untrusting, "192.0.2.$_")->{status} }++ for 1 .. 60;
ok $stored{503}, '... at the storage origin neither';
done_testing;
