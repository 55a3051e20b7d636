#!/usr/bin/perl
# Rate limits: tiers, classes, headers, growing Retry-After, failed sign-ins.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use Test::More;

my $mn = MediaNest::Test->stack(limits => 1, set => {
    'rate_limit.edge.per_second' => 1000, 'rate_limit.authenticated.per_minute' => 12,
    'rate_limit.class.search.per_minute' => 4,
    'rate_limit.anonymous.per_minute' => 40, 'rate_limit.premium.per_minute' => 20,
        'login.per_account_address' => 5 });
my $anon = $mn->client;

sub forget {
    $mn->redis('EVAL',
        'for _, k in ipairs(redis.call("KEYS", "mn:windows:*")) do redis.call("DEL", k) end', 0);
}

subtest 'signed in' => sub {
    my $who = $mn->user;
    forget();
    my @r = map { $who->api(GET => '/api/auth/session') } 1 .. 14;
    is_deeply [ map { $_->{status} } @r ], [ (200) x 12, 429, 429 ], 'twelve a minute';
    is_deeply [ map { $_->{headers}{'x-ratelimit-remaining'} } @r[0 .. 11] ], [ reverse 0 .. 11 ],
        'Remaining counts down';
    is $r[0]{headers}{'x-ratelimit-limit'}, 12, 'Limit';
    cmp_ok abs($r[0]{headers}{'x-ratelimit-reset'} - time), '<=', 61, 'Reset in Unix seconds';
    like $r[0]{headers}{'ratelimit-policy'}, qr/^"authenticated";q=12;w=60$/, 'RateLimit-Policy';
    like $r[0]{headers}{ratelimit}, qr/^"authenticated";r=11;t=\d+$/, 'RateLimit';
    is $r[12]{json}{code}, 'rate_limited', 'the problem';
    is $r[12]{headers}{'x-ratelimit-remaining'}, 0, 'headers on the refusal too';
    cmp_ok $r[12]{headers}{'retry-after'}, '>=', 1, 'Retry-After';
    my $grown = $r[12]{headers}{'retry-after'};
    wait_until(sub {
        my $r = $who->api(GET => '/api/auth/session');
        $r->{status} == 429 && $r->{headers}{'retry-after'} > 1.5 * $grown;
    },
        10, 'growth');
    pass 'Retry-After grows with refusals';
    is $mn->user->api(GET => '/api/auth/session')->{status}, 200, 'another person is not touched';
};

subtest 'tiers' => sub {
    my $who = $mn->user;
    $mn->psql("UPDATE users SET tier = 'premium' WHERE id = '$who->{id}'");
    forget();
    my $premium = $mn->login($who->{email}, $who->{password});
    is $premium->api(GET => '/api/auth/session')->{headers}{'x-ratelimit-limit'}, 20, 'premium';
    is $mn->admin->api(GET => '/api/auth/session')->{headers}{'x-ratelimit-limit'}, 1000, 'admin';
};

subtest 'classes' => sub {
    forget();
    my @r = map { $mn->admin->api(GET => '/api/search?q=x') } 1 .. 5;
    is_deeply [ map { $_->{status} } @r ], [ 200, 200, 200, 200, 429 ],
        'a class holds for every tier';
    like $r[0]{headers}{'ratelimit-policy'}, qr/^"search";q=4/,
        'and is named when it is the tightest';
    is $mn->admin->api(GET => '/api/auth/session')->{status}, 200, 'other routes go on';
};

subtest 'anonymous' => sub {
    forget();
    my @r = map { $anon->api(GET => '/api/auth/session') } 1 .. 41;
    is_deeply [ map { $_->{status} } @r ], [ (401) x 40, 429 ], 'a 401 counts';
    is $r[0]{headers}{'x-ratelimit-limit'}, 40, 'with headers';
    is $anon->api(GET => '/api/auth/session', undef,
        { 'X-Forwarded-For' => '203.0.113.9' })->{status},
        429, 'X-Forwarded-For of a stranger is ignored';
    is $anon->api(GET => '/api/health')->{status}, 200, 'health has no limit';
    is $anon->api(GET => '/api/health/live')->{headers}{'x-ratelimit-limit'}, undef,
        'and no headers';
    forget();
    my $who = $mn->user;
    $anon->api(GET => '/api/auth/session') for 1 .. 41;
    is $anon->api(POST => '/api/auth/refresh', { refreshToken => $who->{refresh_token} })->{status},
        200, 'a valid refresh counts for its owner';
    is $anon->api(POST => '/api/auth/refresh', { refreshToken => 'x' x 43 })->{status}, 429,
        'an invalid one for the address';
    is $who->api(GET => '/api/auth/session')->{status}, 200,
        'those who are signed in behind the address go on';
};

subtest 'wrong passwords' => sub {
    forget();
    my $who = $mn->user;
    forget();
    my @r = map { $anon->api(POST => '/api/auth/login', { email => $who->{email},
        password => "wrong $_" }) } 1 .. 6;
    is_deeply [ map { $_->{status} } @r ], [ (401) x 5, 429 ], 'five for a pair';
    is $r[5]{json}{code}, 'too_many_attempts', 'and why';
    cmp_ok $r[5]{headers}{'retry-after'}, '>', 60, 'Retry-After';
    my $old = $mn->kill_part('redis');
    wait_until(
        sub { my $pid = $mn->pid('redis'); $pid && $pid != $old && $mn->redis('PING') eq 'PONG' },
            20, 'Redis to come back');
    is $anon->api(POST => '/api/auth/login', { email => $who->{email},
        password => $who->{password} })->{status},
        429, 'the counters live in PostgreSQL';
    is $who->api(GET => '/api/auth/session')->{status}, 200, 'the owner stays signed in';
};

subtest 'somebody else tries passwords' => sub {
    forget();
    my $owner = $mn->user;
    forget();
    my $elsewhere = $mn->client;
    $elsewhere->{http} = HTTP::Tiny->new(local_address => '127.0.0.2', timeout => 30,
        verify_SSL => 1, SSL_options => { SSL_ca_file => $mn->{ca} });
    $elsewhere->{http_pid} = $$;
    my %seen;
    for my $n (1 .. 20) {
        forget();
        $seen{ $elsewhere->api(POST => '/api/auth/login', { email => $owner->{email},
            password => "wrong $n" })->{status} }++;
    }
    is_deeply \%seen, { 401 => 5, 429 => 15 }, 'twenty wrong passwords from one address';
    is $anon->api(POST => '/api/auth/login', { email => $owner->{email},
        password => $owner->{password} })->{status},
        200, 'do not keep the owner out from another';
};

done_testing;
