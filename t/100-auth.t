#!/usr/bin/perl
# Sign in, refresh, sign out; what still holds when Redis forgets, goes down or comes back with old
# data, and when PostgreSQL goes down.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use Test::More;
use POSIX ();
use Time::HiRes qw(time);

my $mn = MediaNest::Test->stack(private => 1, set => { 'session.refresh_leeway' => 1,
    'session.refresh_repeat' => 3 });
my $anon = $mn->client;

sub code { my ($r) = @_; return "$r->{status} " . ($r->{json} ? $r->{json}{code} // '' : '') }
sub session_status { my ($who) = @_; return $who->api(GET => '/api/auth/session')->{status} }

subtest 'sign in' => sub {
    my $r = $anon->api(POST => '/api/auth/login', { email => uc $mn->{email},
        password => $mn->{password} });
    is $r->{status}, 200, 'the address is taken in any case';
    is_deeply [ sort keys %{ $r->{json} } ], [qw(expiresIn refreshToken token user)], 'the shape';
    is $r->{json}{expiresIn}, 900, '15 minutes';
    is $r->{json}{user}{role}, 'super', 'the role';
    ok !exists $r->{json}{user}{password}, 'no password in it';
    my $wrong = $anon->api(POST => '/api/auth/login', { email => $mn->{email},
        password => 'wrong horse' });
    my $unknown = $anon->api(POST => '/api/auth/login', { email => 'nobody@medianest.test',
        password => 'wrong horse' });
    is code($wrong), '401 invalid_credentials', 'a wrong password';
    is code($unknown), '401 invalid_credentials', 'an unknown address says the same';
    delete $_->{json}{requestId} for $wrong, $unknown;
    is_deeply $wrong->{json}, $unknown->{json}, 'to the letter';
    is code($anon->api(POST => '/api/auth/login', { email => $mn->{email} })),
        '400 validation_failed', 'no password';
    is code($anon->api(POST => '/api/auth/login', { email => $mn->{email}, password => 'x',
        role => 'super' })),
        '400 validation_failed', 'an unknown field';
    is code($anon->api(POST => '/api/auth/login',
        '{"email":"a@b.c","email":"d@e.f","password":"x"}',
        { 'Content-Type' => 'application/json' })),
        '400 malformed_json', 'a repeated field';
};

subtest 'session' => sub {
    my $s = $mn->admin->api(GET => '/api/auth/session');
    is $s->{status}, 200, 'who am I';
    is $s->{json}{role}, 'super', 'role';
    ok((grep { $_ eq 'media.manage_all' } @{ $s->{json}{permissions} }), 'what the matrix gives');
    ok((grep { $_ eq 'media.read' } @{ $s->{json}{permissions} }), 'what it implies');
    is_deeply [ sort @{ $mn->user(role => 'guest')->api(
        GET => '/api/auth/session')->{json}{permissions} } ],
        [qw(media.read profile.view)], 'a guest';
    is code($anon->api(GET => '/api/auth/session')), '401 unauthenticated', 'nobody';
    is code($anon->api(GET => '/api/auth/session', undef, { Authorization => 'Basic eDp5' })),
        '401 token_invalid', 'another scheme';
    is code($anon->api(GET => '/api/auth/session', undef, { Authorization => 'Bearer x.y.z' })),
        '401 token_invalid', 'junk';
    like $s->{headers}{'server-timing'}, qr/auth;dur=[\d.]+, limit;dur=[\d.]+, db;dur=[\d.]+/,
        'Server-Timing';
};

subtest 'refresh' => sub {
    my $who = $mn->user;
    my $refresh = sub { $anon->api(POST => '/api/auth/refresh', { refreshToken => $_[0] }) };
    my $first = $who->{refresh_token};
    my $r = $refresh->($first);
    is $r->{status}, 200, 'rotated';
    my $second = $r->{json}{refreshToken};
    isnt $second, $first, 'another token';
    is session_status($mn->client($r->{json}{token})), 200, 'the new access token works';
    is session_status($who), 200, 'the old one too, until it expires';
    is code($refresh->($first)), '401 token_rotated', 'the parent within the leeway: told so';
    is $refresh->($second)->{status}, 200, 'no harm to the winner';

    my $lost = $mn->user;
    my $unused = $refresh->($lost->{refresh_token})->{json}{refreshToken};
    my $again;
    wait_until(
        sub { $again = $refresh->($lost->{refresh_token}); code($again) ne '401 token_rotated' }, 5,
            'the leeway to pass');
    is $again->{status}, 200, 'a lost answer can be repeated';
    is session_status($mn->client($again->{json}{token})), 200, 'and works';
    my $dead;
    wait_until(sub { $dead = $refresh->($unused); code($dead) ne '401 token_rotated' }, 5,
        'the leeway to pass');
    is code($dead), '401 token_reused', 'the successor that nobody used is dead';

    my $stolen = $mn->user;
    my $kept = $refresh->($stolen->{refresh_token})->{json};
    my $next = $refresh->($kept->{refreshToken})->{json};
    my $replay;
    wait_until(sub {
        $replay = $refresh->($stolen->{refresh_token});
        code($replay) ne '401 token_rotated';
    },
        5, 'the leeway to pass');
    is code($replay), '401 token_reused', 'a replayed parent whose successor was used';
    is code($refresh->($next->{refreshToken})), '401 token_invalid', 'ends the family';
    is code($mn->client($next->{token})->api(GET => '/api/auth/session')), '401 token_revoked',
        'access tokens too, at once';
    is code($refresh->('A' x 43)), '401 token_invalid', 'an unknown token';
};

# A live setting, as the admin API changes it: the row, then the version that makes every process
# read it.
sub live_setting {
    my ($key, $value) = @_;
    $mn->psql("INSERT INTO settings (key, value) VALUES ('$key', '$value') ON CONFLICT (key) DO "
        . "UPDATE SET value = excluded.value");
    $mn->redis('HSET', 'mn:ver', 'config', join '-', $$, time);
}

subtest 'fifty at once' => sub {
    my $who = $mn->user;
    # fifty processes on a busy machine start over seconds
    live_setting('session.refresh_leeway', 60);
    my @from = map {
        my $pid = open(my $out, '-|') // die "fork: $!";
        if ($pid == 0) {
            my $r = $mn->client->api(POST => '/api/auth/refresh',
                { refreshToken => $who->{refresh_token} });
            print code($r), "\n";
            close STDOUT;
            POSIX::_exit(0);
        }
        $out;
    } 1 .. 50;
    my %seen;
    for my $out (@from) { chomp(my $line = <$out> // 'nothing'); $seen{$line}++ }
    is $seen{'200 '}, 1, 'one wins';
    is $seen{'401 token_rotated'}, 49, 'the others are told';
    live_setting('session.refresh_leeway', 1);
};

subtest 'sign out' => sub {
    my $who = $mn->user;
    is $anon->api(POST => '/api/auth/logout', { refreshToken => $who->{refresh_token} })->{status},
        204, 'by refresh token alone';
    is code($who->api(GET => '/api/auth/session')), '401 token_revoked', 'the access token is dead';
    is code($anon->api(POST => '/api/auth/refresh', { refreshToken => $who->{refresh_token} })),
        '401 token_invalid', 'the refresh token too';
    is $anon->api(POST => '/api/auth/logout', { refreshToken => 'B' x 43 })->{status}, 204,
        'an unknown token is no error';
    my $other = $mn->user;
    my $third = $mn->user;
    is $third->api(POST => '/api/auth/logout',
        { refreshToken => $other->{refresh_token} })->{status},
        204, 'with another bearer token';
    is session_status($other), 401, 'the one session has ended';
    is session_status($third), 401, 'the other too';
};

subtest 'generation' => sub {
    my $who = $mn->user;
    is session_status($who), 200, 'fine at first';
    $mn->psql("UPDATE users SET generation = generation + 1 WHERE id = '$who->{id}'");
    $mn->redis('HDEL', 'mn:gen', $who->{id});
    is code($who->api(GET => '/api/auth/session')), '401 token_stale', 'a raised generation bites';
    $mn->redis('HDEL', 'mn:gen', $who->{id});
    $mn->psql("UPDATE users SET status = 'disabled' WHERE id = '$who->{id}'");
    is code($who->api(GET => '/api/auth/session')), '401 token_revoked', 'disabled';
    is code($anon->api(POST => '/api/auth/refresh', { refreshToken => $who->{refresh_token} })),
        '401 token_invalid', 'no refresh either';
    is code($anon->api(POST => '/api/auth/login', { email => $who->{email},
        password => $who->{password} })),
        '401 invalid_credentials', 'nor sign-in';
};

subtest 'Redis restarts empty' => sub {
    my ($dead, $alive) = ($mn->user, $mn->user);
    is $anon->api(POST => '/api/auth/logout', { refreshToken => $dead->{refresh_token} })->{status},
        204, 'signed out';
    my $old = $mn->kill_part('redis');
    wait_until(
        sub { my $pid = $mn->pid('redis'); $pid && $pid != $old && $mn->redis('PING') eq 'PONG' },
            20, 'Redis to come back');
    is $mn->redis('EXISTS', 'mn:revoked'), 0, 'it is empty';
    is code($dead->api(GET => '/api/auth/session')), '401 token_revoked', 'the token stays dead';
    wait_until(sub { session_status($alive) == 200 }, 5, 'the others');
    is session_status($alive), 200, 'the others live on';
};

subtest 'Redis comes back old' => sub {
    my $who = $mn->user;
    is session_status($who), 200, 'fine';
    $mn->redis('SAVE');
    is $anon->api(POST => '/api/auth/logout', { refreshToken => $who->{refresh_token} })->{status},
        204, 'signed out after the snapshot';
    my $old = $mn->kill_part('redis');
    wait_until(
        sub { my $pid = $mn->pid('redis'); $pid && $pid != $old && $mn->redis('PING') eq 'PONG' },
            20, 'Redis to come back');
    is code($who->api(GET => '/api/auth/session')), '401 token_revoked',
        'the snapshot revives nobody';
};

subtest 'Redis away' => sub {
    my ($dead, $alive) = ($mn->user, $mn->user);
    is $anon->api(POST => '/api/auth/logout', { refreshToken => $dead->{refresh_token} })->{status},
        204, 'signed out';
    $mn->stop_part('redis');
    is session_status($alive), 200, 'PostgreSQL answers for it';
    is code($dead->api(GET => '/api/auth/session')), '401 token_revoked',
        'and knows who is signed out';
    my $in = $anon->api(POST => '/api/auth/login', { email => $alive->{email},
        password => $alive->{password} });
    is $in->{status}, 200, 'people can sign in';
    my $out = $anon->api(POST => '/api/auth/logout', { refreshToken => $in->{json}{refreshToken} });
    is code($out), '503 redis_unavailable', 'signing out says that not everyone knows';
    is session_status($mn->client($in->{json}{token})), 401, 'yet it holds';
    $mn->stop_part('postgres');
    my $start = time;
    my $both = $alive->api(GET => '/api/auth/session');
    is $both->{status}, 503, 'both away: 503, never 200 and never 401';
    cmp_ok time - $start, '<', 2.5, 'soon';
    ok $both->{headers}{'retry-after'}, 'with Retry-After';
    is $anon->api(GET => '/api/health/live')->{status}, 200, 'live';
    is $anon->api(GET => '/api/health/ready')->{status}, 503, 'not ready';
    $mn->start_part('postgres');
    $mn->start_part('redis');
    $mn->wait_ready;
    wait_until(sub { session_status($alive) == 200 }, 10, 'recovery');
    is code($dead->api(GET => '/api/auth/session')), '401 token_revoked',
        'recovered, and nobody revived';
};

done_testing;
