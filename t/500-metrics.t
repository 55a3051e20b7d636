#!/usr/bin/perl
# GET /api/metrics: who may read it, both formats against parsers of others, what it costs, and what
# is left of it while the database is away.
use strict;
use warnings;
use FindBin;
use File::Temp qw(tempfile);
use lib "$FindBin::Bin/lib";
use JSON::PP;
use MediaNest::Faults;
use MediaNest::Test;
use Test::More;

my $mn = MediaNest::Test->stack(set => { 'metrics.allow' => '127.0.0.1,10.9.0.0/16',
    'metrics.interval' => 1, 'trusted_proxies' => '127.0.0.2' });
my $PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8';
my $OPENMETRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
# As Prometheus 2.42 asks.
my $ACCEPT = 'application/openmetrics-text;version=1.0.0,'
    . 'application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
my $scraper = $mn->client;

sub scrape {
	my ($accept, %headers) = @_;
	return $scraper->api(GET => '/api/metrics', undef, { Accept => $accept, %headers });
}

# "name{labels}" => value, of the plain format.
sub values_of {
	my ($text) = @_;
	return map { /^([^#]\S*) (\S+)$/ ? ($1 => $2) : () } split /\n/, $text;
}

# The output of a command that is given a text.
sub judged {
	my ($text, @command) = @_;
	my ($file, $name) = tempfile(UNLINK => 1);
	print $file $text;
	close $file;
	my $said = MediaNest::Test::run_output('sh', '-c', '"$@" < ' . $name, 'sh', @command);
	return ($? >> 8) . ": $said";
}

my $user = $mn->user;
my $media = $user->wait_media($user->upload_bytes('a.png', png(40, 30), 'image/png')->{id});
is $media->{status}, 'ready', 'something has happened';
$user->api(GET => '/api/media') for 1 .. 3;

subtest 'formats' => sub {
	my $plain = scrape(undef);
	is $plain->{status}, 200, 'a scrape';
	is $plain->{headers}{'content-type'}, $PROMETHEUS, "is Prometheus' text";
	is judged($plain->{content}, 'promtool', 'check', 'metrics'), '0: ',
	    'in which promtool finds no fault';
	my $open = scrape($ACCEPT);
	is $open->{headers}{'content-type'}, $OPENMETRICS, 'or OpenMetrics';
	is judged($open->{content}, '/usr/bin/python3', '-c', <<'PYTHON'), "0: parsed\n",
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
families = list(parse(sys.stdin.read()))
assert len(families) > 20, len(families)
assert [f for f in families if f.type == 'counter' and f.unit == 'seconds']
assert [f for f in families if f.unit == 'bytes']
print('parsed')
PYTHON
	    'which a strict parser reads';
	like $open->{content}, qr/\n# EOF\n\z/, 'to its end';
	for (['text/plain', $PROMETHEUS], ['*/*', $PROMETHEUS], ['', $PROMETHEUS],
	    ['application/json', $PROMETHEUS], ['application/openmetrics-text', $OPENMETRICS],
	    ['text/plain;q=0.9,application/openmetrics-text;q=0.8', $PROMETHEUS],
	    ['application/openmetrics-text;q=0', $PROMETHEUS],
	    ['text/plain;q=0.5, application/openmetrics-text; version=1.0.0;q=0.6', $OPENMETRICS]) {
		is scrape($_->[0])->{headers}{'content-type'}, $_->[1], "Accept: $_->[0]";
	}
	my $vary = $plain->{headers}{vary};
	ok +(grep { $_ eq 'Accept' } ref $vary ? @$vary : $vary), 'and caches are told';
};

subtest 'who may read it' => sub {
	# The address is the peer's. What a header says counts if nginx trusts its sender.
	is scrape(undef, 'X-Forwarded-For' => '127.0.0.1')->{status}, 401,
	    'what came through a proxy that nobody named has no address of its own';
	is scrape(undef, 'X-Forwarded-For' => '10.9.1.1')->{status}, 401, 'whatever it claims';
	is scrape(undef, Forwarded => 'for=10.9.1.1')->{status}, 401, 'in any header';
	is scrape(undef, Via => '1.1 proxy.example')->{status}, 401, 'or only shows that it is one';
	is scrape(undef, Authorization => 'Bearer nonsense')->{status}, 200,
	    'an allowed address needs no credentials';
	my %as = (guest => 403, user => 403, admin => 403, super => 200);
	my %proxied = ('X-Forwarded-For' => '192.0.2.1');
	for my $role (sort keys %as) {
		my $by = $role eq 'super' ? $mn->admin : $mn->user(role => $role);
		is $by->api(GET => '/api/metrics', undef, \%proxied)->{status}, $as{$role}, $role;
	}
	for (['system.settings', 200], ['users.manage', 403]) {
		my $made = $mn->admin->api(POST => '/api/auth/tokens', { name => 'prometheus',
		    scopes => [ $_->[0] ] });
		is $mn->client($made->{json}{token})->api(GET => '/api/metrics', undef,
		    \%proxied)->{status}, $_->[1], "a token with the scope $_->[0]";
	}
	is $scraper->api(GET => '/api/users')->{status}, 401, 'other routes know no such address';
};

# Each machine of a trusted network may write what it likes into the header.
subtest 'what a trusted proxy says' => sub {
	my $from_proxy = sub {
		my ($address) = @_;
		return MediaNest::Test::run_output('curl', '-sS', '-o', '/dev/null', '-w',
		    '%{http_code}', '--cacert', $mn->{ca}, '--interface', '127.0.0.2',
		    ($address ? ('-H', "X-Forwarded-For: $address") : ()),
		    "$mn->{url}/api/metrics");
	};
	is $from_proxy->('10.9.1.1'), 200, 'an allowed address that it names';
	is $from_proxy->($_), 401, "$_ is no address of others"
	    for '127.0.0.1', '::1', '::ffff:127.0.0.1', '127.0.0.1, 127.0.0.2';
	is $from_proxy->(undef), 401, 'its own address is not allowed';
};

subtest 'webhooks that are not taken' => sub {
	my $made = $mn->admin->api(POST => '/api/webhooks/sources', { source => 'overseerr',
	    name => 'Overseerr' })->{json};
	my $send = sub {
		my ($path, $body) = @_;
		return $mn->client->request(POST => "$mn->{url}/api/webhooks/$path", $body,
		    { 'Content-Type' => 'application/json' })->{status};
	};
	my $count = sub {
		my %now = values_of(scrape(undef)->{content});
		my $name = 'medianest_webhooks_received_total{source="overseerr",outcome=';
		return { map { /^\Q$name\E"(\w+)"/ ? ($1 => $now{$_}) : () } keys %now };
	};
	my $event = '{"notification_type":"TEST_NOTIFICATION","subject":"x"}';
	is $send->('overseerr/wrong', $event), 401, 'a wrong key';
	is $send->('overseerr', $event), 401, 'none';
	is $send->("overseerr/$made->{key}", $event), 200, 'a good one';
	is $send->("overseerr/$made->{key}", $event), 200, 'once more';
	is $send->("overseerr/$made->{key}", ' ' x ((1 << 20) + 1)), 413, 'too large';
	is $send->("overseerr/$made->{key}", 'no JSON'), 400, 'nothing that can be read';
	is_deeply $count->(), { unproven => 2, received => 1, duplicate => 1, too_large => 1,
	    refused => 1 }, 'each is counted by what became of it';
};

subtest 'figures' => sub {
	my %now = values_of(scrape(undef)->{content});
	my $me = 'medianest_http_requests_total{route="/api/users/me",method="GET",status="2xx"}';
	$user->api(GET => '/api/users/me') for 1 .. 3;
	my %then = values_of(scrape(undef)->{content});
	is $then{$me} - ($now{$me} // 0), 3, 'requests are counted';
	is $then{'medianest_http_request_duration_seconds_bucket{route="/api/users/me",'
	    . 'method="GET",le="+Inf"}'}, $then{'medianest_http_request_duration_seconds_count'
	    . '{route="/api/users/me",method="GET"}'}, 'and timed';
	for my $stage (qw(auth limit handler cache)) {
		cmp_ok $then{"medianest_http_stage_seconds_total{route=\"/api/users/me\","
		    . "method=\"GET\",stage=\"$stage\"}"}, '>', 0, "with the time in $stage";
	}
	cmp_ok $then{'medianest_http_stage_seconds_total{route="/api/auth/login",method="POST",'
	    . 'stage="hashing"}'}, '>', 0, 'and in password hashing';
	for (qw(data scratch)) {
		cmp_ok $then{"medianest_disk_free_bytes{directory=\"$_\"}"}, '>', 0, "space of $_";
		cmp_ok $then{"medianest_disk_size_bytes{directory=\"$_\"}"}, '>=',
		    $then{"medianest_disk_free_bytes{directory=\"$_\"}"}, 'of its size';
	}
	cmp_ok $then{medianest_certificate_expiry_timestamp_seconds}, '>', time,
	    'the certificate is good for a while';
	is $then{'medianest_uploads_total{kind="image"}'}, 1, 'an upload';
	is $then{'medianest_uploaded_bytes_total{kind="image"}'}, $media->{size}, 'its size';
	is $then{'medianest_processing_duration_seconds_count{kind="image"}'}, 1, 'and its time';
	cmp_ok $then{'medianest_job_wait_seconds_count{kind="media.process"}'}, '>=', 1,
	    'how long its job waited';
	cmp_ok $then{'medianest_pool_workers{pool="media"}'}, '>=', 1, 'workers of a pool';
	cmp_ok $then{"medianest_${_}_connections"}, '>=', 2, "connections to $_"
	    for qw(database redis);
	is $then{"medianest_${_}_reconnects_total"}, 0, 'none of them a second one'
	    for qw(database redis);
	is $then{medianest_database_up}, 1, 'the database is up';
	ok !exists $then{medianest_backup_timestamp_seconds}, 'there was no backup';
	$mn->psql(q{INSERT INTO backups (id, directory, status, started_at, finished_at)
	    SELECT gen_random_uuid(), '/backup', 'ok', now(), now()});
	my %kept = values_of(scrape(undef)->{content});
	cmp_ok $kept{medianest_backup_timestamp_seconds}, '>', time - 60, 'when there was one';
	is $then{medianest_dead_jobs}, 0, 'no job was given up';
	is $then{medianest_stored_bytes}, $mn->psql('SELECT sum(bytes) FROM storage_kept'),
	    'what is stored';
};

subtest 'failures and limits' => sub {
	my %before = values_of(scrape(undef)->{content});
	my $bad = $user->wait_media($user->upload_bytes('b.png', 'not a picture' x 20,
	    'image/png')->{id});
	is $bad->{status}, 'failed', 'a file that is no picture';
	my %now = values_of(scrape(undef)->{content});
	is $now{"medianest_processing_failures_total{reason=\"$bad->{failure}{code}\"}"}, 1,
	    "fails as $bad->{failure}{code}";
	is $now{'medianest_uploads_total{kind="image"}'}, 1, 'and is no upload that became ready';
	my $pid = $mn->pid('users');
	my ($worker) = split ' ', MediaNest::Test::run_output('pgrep', '-P', $pid);
	kill 'KILL', $worker;
	wait_until {
		my %all = values_of(scrape(undef)->{content});
		($all{'medianest_pool_workers_ended_total{pool="users",how="failed"}'} // 0) == 1
		    && $all{'medianest_pool_workers{pool="users"}'} == 1;
	} 20, 'a killed worker is counted and replaced';
	$mn->admin->api(PATCH => '/api/admin/settings',
	    { 'rate_limit.authenticated.per_minute' => 1 });
	wait_until { $user->api(GET => '/api/users/me')->{status} == 429 } 20, 'a limit';
	my %then = values_of(scrape(undef)->{content});
	cmp_ok $then{'medianest_rate_limited_total{tier="authenticated",class="tier"}'}, '>=', 1,
	    'a refusal by tier and class';
	$mn->admin->api(PATCH => '/api/admin/settings',
	    { 'rate_limit.authenticated.per_minute' => undef });
	wait_until { $user->api(GET => '/api/users/me')->{status} == 200 } 20, 'no limit';
};

# Names that strangers send become no series: only the program's own do.
subtest 'cardinality' => sub {
	# Those of requests: jobs and alerts of the house may begin to have series meanwhile.
	my $series = sub {
		my %all = values_of(scrape(undef)->{content});
		return [ sort grep { /^medianest_(?:http|pool|rate)/ } keys %all ];
	};
	my $stranger = $mn->client;
	my $once = sub {
		my ($tag) = @_;
		for my $i (1 .. 20) {
			$stranger->api(GET => "/api/none-$tag-$i", undef,
			    { 'User-Agent' => "agent $tag-$i", 'X-Request-Id' => "request-$tag-$i",
			      Origin => "https://$tag-$i.example" });
			$user->api(GET => '/api/media/01890a5d-ac96-774b-bcce-b3020'
			    . sprintf("$tag%06d", $i));
			$user->api(GET => "/api/search?q=$tag-$i");
		}
		$stranger->api("X$tag" => '/api/media');
		$stranger->api(POST => '/api/auth/login',
		    { email => "$tag\@b.test", password => 'x' });
	};
	$once->('a');
	my $before = $series->();
	$once->($_) for qw(b c d);
	is_deeply $series->(), $before, 'a hundred strange requests add no series';
	ok !(grep { /none-|agent|request-/ } @$before), 'nor do their names stand in one';
};

subtest 'Redis is restarted' => sub {
	my %now;
	$mn->stop_part('redis');
	is $user->api(GET => '/api/users/me')->{status}, 200, 'requests do without it';
	$mn->start_part('redis');
	ok eval { wait_until {
		$user->api(GET => '/api/users/me');
		%now = values_of(scrape(undef)->{content});
		$now{medianest_redis_reconnects_total} >= 1;
	} 20, 'other connections' }, 'other connections are counted'
	    or diag join "\n", map { "$_ $now{$_}" } grep { /redis/ } sort keys %now;
};

subtest 'without the database' => sub {
	$mn->stop_part('postgres');
	my $answer = scrape(undef);
	$mn->start_part('postgres');
	is $answer->{status}, 200, 'a scrape works';
	my %all = values_of($answer->{content});
	is $all{medianest_database_up}, 0, 'which says so';
	cmp_ok $all{'medianest_http_requests_total{route="/api/users/me",method="GET",'
	    . 'status="2xx"}'}, '>=', 3, 'and has what the host counts';
	ok !exists $all{medianest_dead_jobs}, 'what is not known is missing';
	wait_until {
		my %now = values_of(scrape(undef)->{content});
		$now{medianest_database_up} == 1 && exists $now{medianest_dead_jobs};
	} 20, 'it comes back';
	my %now = values_of(scrape(undef)->{content});
	cmp_ok $now{medianest_database_reconnects_total}, '>=', 1, 'by another connection';
};

done_testing;
