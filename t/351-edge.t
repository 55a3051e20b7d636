#!/usr/bin/perl
# What nginx does by itself: problem documents, headers, masks in the log, static files, TLS.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::SSL;
use MediaNest::Test;
use Test::More;

my $mn = MediaNest::Test->stack;
my $client = $mn->client;
my ($host, $port) = $mn->{url} =~ m{^https://([^:/]+):(\d+)};

sub is_problem {
	my ($answer, $status, $code, $what) = @_;
	subtest $what => sub {
		is $answer->{status}, $status, 'status';
		is $answer->{headers}{'content-type'}, 'application/problem+json', 'type';
		is $answer->{json}{$_->[0]}, $_->[1], $_->[0]
		    for ['status', $status], ['code', $code];
		like $answer->{json}{requestId}, qr/^[A-Za-z0-9._-]{8,64}$/, 'requestId';
		is $answer->{json}{type}, "urn:medianest:problem:$answer->{json}{code}",
		    'type names the code';
		is $answer->{headers}{'x-request-id'}, $answer->{json}{requestId},
		    'the same as the header';
		ok defined $answer->{json}{$_}, $_ for qw(type title detail instance);
		like $answer->{headers}{'strict-transport-security'}, qr/max-age=\d/, 'HSTS';
	};
}

# Writes bytes over TLS and reads until the server closes.
sub raw {
	my ($bytes, %tls) = @_;
	my $socket = IO::Socket::SSL->new(PeerHost => $host, PeerPort => $port,
	    SSL_ca_file => $mn->{ca}, Timeout => 20, %tls)
	    or return '';
	print $socket $bytes;
	my $all = '';
	while (sysread $socket, my $some, 65536) { $all .= $some }
	return $all;
}

is_problem($client->api(GET => '/nothing-here'), 404, 'not_found', 'a file that is not there');
is_problem($client->api(POST => '/index.html'), 405, 'method_not_allowed', 'POST to a file');
like $client->api(POST => '/index.html')->{headers}{allow}, qr/GET/, 'with Allow';
is_problem($client->api(GET => '/' . 'a' x 9000), 414, 'uri_too_long', 'a long URL');
is_problem($client->api(GET => '/', undef, { 'X-Long' => 'a' x 9000 }), 431, 'headers_too_large',
    'long headers');
is_problem($client->api(POST => '/api/auth/login', 'x' x ((1 << 20) + 1),
    { 'Content-Type' => 'application/json' }),
    413, 'payload_too_large', 'a large body');
is_problem($client->api(GET => '/web/../../etc/passwd'), 400, 'malformed_request',
    'a path that climbs');
{
	my $plain = $mn->{url} =~ s/^https/http/r;
	is_problem($client->request(GET => "$plain/api/health"), 400, 'https_required',
	    'plain HTTP');
}
like raw("GARBAGE\r\n\r\n"),
    qr/400 Bad Request.*application\/problem\+json.*"code":"malformed_request"/s,
    'a request that is none';
like raw("GET / HTTP/1.1\r\n\r\n"), qr/400 Bad Request.*"status":400/s, 'HTTP/1.1 without Host';
like raw("BREW / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), qr/405 .*"status":405/s,
    'an odd method on a file';
{
	my $answer = $client->api(GET => '/missing"},{"a', undef, { Origin => $mn->{url} });
	ok $answer->{json}, 'the problem is JSON for any path';
	is $answer->{headers}{'access-control-allow-origin'}, $mn->{url},
	    'the own origin may read refusals';
	is $client->api(GET => '/missing', undef,
	    { Origin => 'https://evil.example' })->{headers}{'access-control-allow-origin'},
	    undef, 'a foreign one may not';
}
is $client->api(GET => '/nothing', undef,
    { 'X-Request-Id' => 'given-id-12345678' })->{json}{requestId},
    'given-id-12345678', 'a request id is taken';
isnt $client->api(GET => '/nothing', undef, { 'X-Request-Id' => 'bad id"' })->{json}{requestId},
    'bad id"', 'a harmful one is not';

# TLS
ok !raw("GET / HTTP/1.0\r\n\r\n", SSL_version => 'TLSv1_1',
    SSL_cipher_list => 'DEFAULT:@SECLEVEL=0'),
    'TLS 1.1 is refused';
for my $version (qw(TLSv1_2 TLSv1_3)) {
	like raw("GET /api/health/live HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n\r\n",
	    SSL_version => $version),
	    qr/^HTTP\/1\.1 200/, "$version is spoken";
}
{
	my $socket = IO::Socket::SSL->new(PeerHost => $host, PeerPort => $port,
	    SSL_ca_file => $mn->{ca}, SSL_alpn_protocols => ['h2', 'http/1.1']);
	is $socket && $socket->alpn_selected, 'h2', 'HTTP/2 is offered';
	my ($store) = $mn->{status}{storageEndpoint} =~ m{^https://([^/]+)};
	$socket = IO::Socket::SSL->new(PeerAddr => $store, SSL_ca_file => $mn->{ca},
	    SSL_alpn_protocols => ['h2', 'http/1.1']);
	is $socket && $socket->alpn_selected, 'http/1.1', '... not by the store';
}

# The page
{
	my $page = $client->api(GET => '/');
	is $page->{status}, 200, 'the page';
	my $policy = $page->{headers}{'content-security-policy'} || '';
	like $policy, qr/default-src 'none'/, 'a policy';
	unlike $policy, qr/unsafe/, 'a strict one';
	ok index($policy, $mn->{status}{storageEndpoint}) > 0, 'that names the store';
	is $page->{headers}{'x-content-type-options'}, 'nosniff', 'nosniff';
	is $page->{headers}{'x-frame-options'}, 'DENY', 'not frameable';
	is $page->{headers}{server}, 'nginx', 'without a version';
	my $tag = $page->{headers}{etag};
	ok $tag, 'an ETag';
	is $client->api(GET => '/', undef, { 'If-None-Match' => $tag })->{status}, 304,
	    'not modified';
	my $api = $client->api(GET => '/api/openapi.json');
	is $api->{json} && $api->{json}{openapi}, '3.1.0', 'the description of the API';
	is $client->api(GET => '/api/v1/openapi.json')->{status}, 200, 'by the alias';
	is $client->api(GET => '/api/v1/health/live')->{status}, 200, 'a route by the alias';
	my $packed = $client->api(GET => '/app.js', undef, { 'Accept-Encoding' => 'gzip' });
	is $packed->{headers}{'content-encoding'}, 'gzip', 'scripts are packed';
}

# Secrets in URLs
{
	my @secret = map { "s3cret$_" } 1 .. 5;
	$client->api(GET => "/api/notifications/stream?ticket=$secret[0]");
	$client->api(POST => "/api/webhooks/plex/$secret[1]", 'x');
	$client->api(POST => "/api/%77ebhooks/plex/$secret[2]", 'x');
	$client->api(GET => "/x?X-Amz-Signature=$secret[3]");
	$client->request(
	    GET => "$mn->{status}{storageEndpoint}/medianest/x?X-Amz-Signature=$secret[4]");
	$client->api(GET => "/plain-marker-$$");
	wait_until { $mn->log_text('access') =~ /plain-marker-$$/ } 10, 'the log';
	my $logs = join '',
	    map { $mn->log_text($_) } qw(access error notifyd-error storage-access storage-error);
	is index($logs, $_), -1, 'not in a log' for @secret;
}
done_testing;
