#!/usr/bin/perl
# Hostile requests through the real stack: a 4xx problem for each, and the same worker processes
# afterwards.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256 hmac_sha384 hmac_sha512);
use FindBin;
use IO::Socket::SSL;
use JSON::PP;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use MIME::Base64 qw(encode_base64url decode_base64url);
use Test::More;

use constant { DEPTH => 100_000, BODY_CAP => 1 << 20, ANSWER_SECONDS => 20, MOST_FIELDS => 12 };

my $mn = MediaNest::Test->stack(private => 1);
my $user = $mn->user;
my $admin = $mn->admin;
my $json = JSON::PP->new->utf8->canonical;
my @pools = sort keys %{ $mn->refresh_status->{pids}{pools} };

sub workers {
    return { map { ($_ => join ' ', sort split ' ',
        MediaNest::Test::run_output('pgrep', '-P', $mn->pid($_))) } @pools }
}

sub is_problem {
    my ($answer, $status, $what) = @_;
    my $problem = $answer->{json};
    my $fits = ref $status ? $answer->{status} =~ $status : $answer->{status} == $status;
    ok($fits && ref $problem eq 'HASH' && $problem->{status} == $answer->{status}
        && length($problem->{code} // '') && length($problem->{requestId} // '')
        && ($answer->{headers}{'content-type'} // '') =~ m{^application/problem\+json},
            "$what: $answer->{status} " . ($problem->{code} // ''))
        or diag(substr $answer->{content} // '', 0, 500);
    unlike($answer->{content} // '', qr{SQLSTATE|syntax error at|relation "|/src/|\.c:\d},
        "$what: no innards");
}

# Sends raw bytes over TLS. Returns {status, headers, content, json} of the response; status 0 if
# the connection ended without one.
sub raw {
    my ($bytes) = @_;
    my ($host, $port) = $mn->{url} =~ m{//([^:/]+):(\d+)};
    my $tls = IO::Socket::SSL->new(PeerAddr => $host, PeerPort => $port, SSL_ca_file => $mn->{ca},
        SSL_alpn_protocols => ['http/1.1'])
        or die "TLS: $IO::Socket::SSL::SSL_ERROR";
    local $SIG{ALRM} = sub { die "no answer\n" };
    local $SIG{PIPE} = 'IGNORE';
    alarm ANSWER_SECONDS;
    print {$tls} $bytes;
    my $got = '';
    1 while sysread $tls, $got, 65536, length $got;
    alarm 0;
    my ($head, $body) = split /\r\n\r\n/, $got, 2;
    my %headers = map { /^([^:]+):\s*(.*)$/ ? (lc $1 => $2) : () } split /\r\n/, $head // '';
    return { status => $head && $head =~ m{^HTTP/1\.1 (\d+)} ? $1 : 0, headers => \%headers,
        content => $body // '', json => scalar eval { $json->decode($body) } };
}

sub raw_request {
    my ($line, $headers, $body) = @_;
    return raw(join("\r\n", $line, 'Host: 127.0.0.1', 'Connection: close', @{ $headers || [] }, '',
        '')
        . ($body // ''));
}

my $before = workers();
ok((grep { length } values %$before) == @pools, 'every pool has workers: ' . @pools);

subtest 'hostile input: tokens' => sub {
    my ($head, $claims, $signature) = split /\./, $user->{token};
    my %head = %{ $json->decode(decode_base64url($head)) };
    my %claims = %{ $json->decode(decode_base64url($claims)) };
    open my $in, '<', "$mn->{var}/data/keys/jwt-1.key" or die "key: $!";
    chomp(my $hex = <$in>);
    my $key = pack 'H*', $hex;
    my $sign = sub {
        my ($h, $c, $with) = @_;
        my $text = join '.', map { encode_base64url(ref $_ ? $json->encode($_) : $_) } $h, $c;
        return "$text." . encode_base64url($with->($text));
    };
    my $hs256 = sub { hmac_sha256($_[0], $key) };
    is($user->client($sign->(\%head, \%claims, $hs256))->api(GET => '/api/auth/session')->{status},
        200, 'a token signed here is a good one');
    my %forged = (
        'alg none' => $sign->({ %head, alg => 'none' }, \%claims, sub { '' }),
        'alg None' => $sign->({ %head, alg => 'None' }, \%claims, sub { '' }),
        'alg none with a signature' => $sign->({ %head, alg => 'none' }, \%claims, $hs256),
        'HS512' => $sign->({ %head, alg => 'HS512' }, \%claims, sub { hmac_sha512($_[0], $key) }),
        'HS384' => $sign->({ %head, alg => 'HS384' }, \%claims, sub { hmac_sha384($_[0], $key) }),
        'another key' => $sign->(\%head, \%claims, sub { hmac_sha256($_[0], 'x' x 32) }),
        'an empty key' => $sign->(\%head, \%claims, sub { hmac_sha256($_[0], '') }),
        'expired' => $sign->(\%head, { %claims, exp => time - 3600 }, $hs256),
        'not yet' => $sign->(\%head, { %claims, nbf => time + 3600 }, $hs256),
        'exp as text' => $sign->(\%head, { %claims, exp => '9999999999' }, $hs256),
        'exp 1e999' => $sign->(\%head,
            do { (my $t = $json->encode(\%claims)) =~ s/"exp":\d+/"exp":1e999/; $t }, $hs256),
        'exp twice' => $sign->(\%head,
            do { (my $t = $json->encode(\%claims)) =~ s/("exp":)\d+/${1}1,${1}9999999999/; $t },
            $hs256),
        'a refresh token\'s type' => $sign->(\%head, { %claims, typ => 'refresh' }, $hs256),
        'a foreign audience' => $sign->(\%head, { %claims, aud => 'other' }, $hs256),
        'a foreign issuer' => $sign->(\%head, { %claims, iss => 'https://evil.example' }, $hs256),
        'an unknown kid' => $sign->({ %head, kid => '99' }, \%claims, $hs256),
        'a path as kid' => $sign->({ %head, kid => '../../etc/passwd' }, \%claims, $hs256),
        'crit' => $sign->({ %head, crit => ['x'] }, \%claims, $hs256),
        'SQL as sub' => $sign->(\%head, { %claims, sub => "' OR 1=1 --" }, $hs256),
        'claims deep' => $sign->(\%head, '[' x 1000, $hs256),
        'claims no object' => $sign->(\%head, '[]', $hs256),
        'no signature' => "$head.$claims.",
        'two parts' => "$head.$claims",
        'four parts' => "$user->{token}.x",
        'a broken signature' => "$head.$claims." . ($signature =~ tr/A-Za-z/B-ZAb-za/r),
        'bad base64' => "$head.$claims.***",
        'not base64' => '!!!.???.###',
        'dots' => '..',
        '8 KiB and more' => 'a' x 7000 . '.b.c',
        'the refresh token' => $user->{refresh_token},
    );
    for my $claim (qw(exp nbf iss aud sub sid jti typ)) {
        my %less = %claims;
        delete $less{$claim};
        $forged{"without $claim"} = $sign->(\%head, \%less, $hs256);
    }
    for my $name (sort keys %forged) {
        is_problem($user->client($forged{$name})->api(GET => '/api/auth/session'), 401, $name);
    }
    for my $header ('', 'Bearer', 'Bearer ', 'Basic YTpi', "Bearer $user->{token} x",
        "Token $user->{token}") {
        is_problem($mn->client->api(GET => '/api/auth/session', undef,
            { Authorization => $header }),
            401, "Authorization '" . substr($header, 0, 12) . "'");
    }
};

subtest 'hostile input: bodies' => sub {
    my %bodies = (
        'NUL' => qq({"email":"a\0b","password":"xxxxxxxx"}),
        'an escaped NUL' => '{"email":"a\u0000@b","password":"xxxxxxxx"}',
        'duplicate keys' => '{"email":"a@b","email":"c@d","password":"xxxxxxxx"}',
        'keys that differ by an escape' =>
            '{"email":"a@b","\u0065mail":"c@d","password":"xxxxxxxx"}',
        'depth' => '[' x DEPTH,
        'depth, closed' => '[' x DEPTH . ']' x DEPTH,
        'depth inside a field' => '{"email":' . '{"a":' x DEPTH,
        '1e999' => '{"email":1e999,"password":"xxxxxxxx"}',
        'invalid UTF-8' => qq({"email":"\xff\xfe","password":"xxxxxxxx"}),
        'overlong UTF-8' => qq({"email":"\xc0\xae","password":"xxxxxxxx"}),
        'a lone surrogate' => '{"email":"\ud800","password":"xxxxxxxx"}',
        'a BOM' => "\xef\xbb\xbf{}",
        'trailing junk' => '{"email":"a@b","password":"xxxxxxxx"} x',
        'cut off' => '{"email":"a@b"',
        'a control character' => qq({"email":"a\nb","password":"xxxxxxxx"}),
        'NaN' => '{"email":NaN}',
        'an array' => '[]',
        'a string' => '"x"',
        'null' => 'null',
        'nothing' => '',
        'a space' => ' ',
        'unknown fields' => '{"email":"a@b","password":"xxxxxxxx","admin":true}',
        'another case' => '{"Email":"a@b","password":"xxxxxxxx"}',
        'wrong types' => '{"email":{},"password":[]}',
        'a long field' => '{"email":"' . 'a' x 100_000 . '","password":"xxxxxxxx"}',
        'a thousand unknown fields' => $json->encode({ map { ("f$_" => 1) } 1 .. 1000 }),
        'prototype names' => '{"__proto__":{},"constructor":1}',
        'many errors' => $json->encode({ map { ("x\x{7f}$_" => []) } 1 .. 100 }),
    );
    for my $name (sort keys %bodies) {
        is_problem($mn->client->api(POST => '/api/auth/login', $bodies{$name},
            { 'Content-Type' => 'application/json' }),
            400, $name);
    }
    is_problem($mn->client->api(POST => '/api/auth/login', 'email=a',
        { 'Content-Type' => 'application/x-www-form-urlencoded' }),
        415, 'a form');
    is_problem($mn->client->api(POST => '/api/auth/login', '{}',
        { 'Content-Type' => 'application/jsonx' }),
        415, 'nearly JSON');
    is_problem($mn->client->api(POST => '/api/auth/login', '{}', { 'Content-Type' => undef }),
        qr/^4(?:00|15)$/, 'no type');
    is_problem($mn->client->api(POST => '/api/auth/login', 'x',
        { 'Content-Type' => 'application/json', 'Content-Encoding' => 'gzip' }),
        415, 'a compressed body');
};

subtest 'hostile input: framing' => sub {
    my $type = 'Content-Type: application/json';
    is_problem(raw_request('POST /api/auth/login HTTP/1.1',
        [ $type, 'Content-Length: ' . (BODY_CAP + 1) ], '{"email":"' . 'a' x 1000),
        413, 'over the cap');
    is_problem(raw_request('POST /api/auth/login HTTP/1.1',
        [ $type, 'Content-Length: 99999999999999999999' ]),
        qr/^4(?:00|13)$/, 'a length past 64 bits');
    is_problem(raw_request('POST /api/auth/login HTTP/1.1', [ $type, 'Content-Length: -5' ]), 400,
        'a negative length');
    is_problem(raw_request('POST /api/auth/login HTTP/1.1',
        [ $type, 'Content-Length: 2', 'Content-Length: 3' ], '{} '),
        400, 'two lengths');
    is_problem(raw_request('POST /api/auth/login HTTP/1.1', [ $type, 'Transfer-Encoding: chunked' ],
        "2\r\n{}\r\n0\r\n\r\n"),
        411, 'chunked');
    is_problem(raw_request('POST /api/auth/login HTTP/1.1',
        [ $type, 'Transfer-Encoding: chunked', 'Content-Length: 2' ], "2\r\n{}\r\n0\r\n\r\n"),
        qr/^4(?:00|11)$/, 'chunked and a length');
    is_problem(raw_request('POST /api/auth/login HTTP/1.1',
        [ $type, 'Transfer-Encoding: xchunked' ], '{}'),
        400, 'an unknown coding');
    is_problem(raw_request('GET /api/health/live HTTP/1.1', [ 'X-Long: ' . 'a' x 20_000 ]), 431,
        'a header of 20 KB');
    is_problem(raw_request('GET /api/' . 'a' x 20_000 . ' HTTP/1.1'), qr/^4(?:00|14)$/,
        'a path of 20 KB');
    is_problem(raw_request('GET /api/' . 'a' x 3000 . ' HTTP/1.1'), qr/^4(?:00|04|14)$/,
        'a path of 3 KB');
    is_problem(raw_request('GET /api/health/live HTTP/1.1', [ 'Content-Length: 2' ], '{}'), 400,
        'a GET with a body');
    is_problem(raw_request('GET /api/health/live HTTP/1.1', [ 'Host: two' ]), 400, 'two hosts');
    is_problem(raw_request('GET /api/health/live HTTP/9.9'), 400, 'a version to come');
    my $answer = raw_request('GET /api/health/live HTTP/1.1', [ "X-Request-Id: a\tb c" ]);
    ok($answer->{status} == 200 && $answer->{headers}{'x-request-id'} !~ /\s/,
        'a bad request id is replaced')
        or diag(explain $answer);
};

subtest 'hostile input: methods and paths' => sub {
    for my $method (qw(POST PUT PATCH DELETE)) {
        my $answer = $mn->client->api($method => '/api/health/live');
        is_problem($answer, 405, $method);
        is($answer->{headers}{allow}, 'GET, HEAD, OPTIONS', 'Allow');
    }
    is_problem(raw_request("$_ /api/health/live HTTP/1.1"), qr/^(?:400|405)$/, $_)
        for qw(TRACE CONNECT PROPFIND BREW get);
    for my $path ('/api/health/../auth/session', '/api/%2e%2e/etc/passwd', '/api/health%2flive',
        '/api//health/live', '/api/health/live%00', '/api/health/live/.',
        '/api/./health', '/api/health/%2e', '/api/health\\live', '/api/health%5clive',
        '/api/health/live%0d%0aX: y', '/api/%c0%ae%c0%ae/health', '/api/%ff', '/api/%zz', '/api/%',
        '/api/v1/v1/health', '/api/healthy', '/api/health/live/', '/api/nothing', '/api', '/api/',
        '/api/auth/session;a=b', '/api/..;/health', '/api/auth%3fx',
        '/api/media/../../../../etc/passwd', '/api/media/%2e%2e%2f%2e%2e%2fetc/passwd') {
        is_problem(raw_request("GET $path HTTP/1.1"), qr/^4\d\d$/, $path);
    }
    is(raw_request('GET /api/v1/health/live HTTP/1.1')->{status}, 200, 'the alias works');
};

# Every parameter of every route, with values that break careless code.
my @payloads = ("' OR '1'='1", "1; DROP TABLE users; --",
    '%27%20UNION%20SELECT%20password_hash%20FROM%20users--', '${jndi:ldap://x}', '{{7*7}}',
    "\x{feff}", "-1", '1e999', '9' x 40,
    '%00', "a\x{0}b", '../../etc/passwd', '[]', '<script>', "\x{202e}", '%');

sub escaped {
    my ($text) = @_;
    utf8::encode($text);
    return $text =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ger;
}

sub alive_answer {
    my ($answer, $what) = @_;
    my $fine = $answer->{status} >= 200 && $answer->{status} < 500;
    ok($fine, "$what: $answer->{status}") or diag(substr $answer->{content}, 0, 500);
    is_problem($answer, qr/^4/, $what) if $fine && $answer->{status} >= 400;
}

# Members of a body, and one that no body has; of the settings, which are many alike, the first.
sub fields_of {
    my ($api, $operation) = @_;
    my @schemas = map { $_->{schema} } values %{ $operation->{requestBody}{content} };
    my %field = (unknown => 1);
    while (my $schema = shift @schemas) {
        if (($schema->{'$ref'} // '') =~ m{/(\w+)$}) {
            push @schemas, $api->{components}{schemas}{$1};
            next;
        }
        $field{$_} = 1 for keys %{ $schema->{properties} || {} };
        push @schemas, map { @{ $schema->{$_} || [] } } qw(oneOf anyOf allOf);
    }
    my @fields = sort keys %field;
    return @fields > MOST_FIELDS ? @fields[0 .. MOST_FIELDS - 1] : @fields;
}

subtest 'hostile input: SQL and worse in every parameter' => sub {
    open my $in, '<:raw', "$FindBin::Bin/../web/openapi.json" or die "openapi.json: $!";
    my $api = $json->decode(do { local $/; <$in> });
    my $paths = $api->{paths};
    for my $path (sort keys %$paths) {
        for my $method (sort keys %{ $paths->{$path} }) {
            my $operation = $paths->{$path}{$method};
            next if $path =~ m{/(?:ws|stream|logout)$};
            my @parameters = @{ $operation->{parameters} || [] };
            my $id = '0192f0c1-2345-7abc-8def-0123456789ab';
            for my $payload (@payloads) {
                my $at = $path =~
                    s/\{(\w+)\}/my $p = escaped($payload); $p =~ s{%(?:00|2F|5C)}{x}g; $p/ger;
                alive_answer($admin->api(uc $method => $at, $method =~ /^p/ ? {} : undef),
                    "$method $path with '$payload'")
                    if $at ne $path;
                $at = $path =~ s/\{id\}/$id/r =~ s/\{size\}/320/r;
                for my $parameter (grep { ($_->{in} // '') eq 'query' } @parameters) {
                    alive_answer($admin->api(uc $method => "$at?$parameter->{name}="
                        . escaped($payload)),
                        "$method $at?$parameter->{name}='$payload'");
                }
            }
            next unless $operation->{requestBody};
            for my $field (fields_of($api, $operation)) {
                for my $payload (@payloads[0, 1, 3, 8, 11, 14], [], {}, -1, undef) {
                    (my $at = $path) =~ s/\{id\}/$id/;
                    my $shown = defined $payload ? $payload : 'null';
                    alive_answer($admin->api(uc $method => $at, { $field => $payload }),
                        "$method $at {$field: $shown}");
                }
            }
        }
    }
};

subtest 'hostile input: headers' => sub {
    for my $name (qw(If-None-Match If-Match Idempotency-Key Origin User-Agent Range X-Forwarded-For
        Cookie Accept)) {
        for my $value ("' OR 1=1 --", '"', 'W/"', 'a' x 4000, "\xff\xfe", '*, *', ',,,,') {
            alive_answer(raw_request('GET /api/auth/session HTTP/1.1',
                [ "Authorization: Bearer $user->{token}", "$name: $value" ]),
                "$name " . substr($value, 0, 12) =~ s/[^ -~]/?/gr);
        }
    }
};

# A pool may have grown meanwhile; none has lost a worker.
my $after = workers();
for my $pool (sort keys %$before) {
    my %now = map { ($_ => 1) } split ' ', $after->{$pool};
    is(join(' ', grep { !$now{$_} } split ' ', $before->{$pool}), '',
        "$pool: the same worker processes as before");
}
is($mn->client->api(GET => '/api/health/ready')->{status}, 200, 'and all is well');
is($mn->psql('SELECT count(*) FROM users'), 2, 'with the same users');
done_testing;
