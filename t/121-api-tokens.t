#!/usr/bin/perl
# What Redis keeps of API tokens: it saves PostgreSQL the work, and never lets in whom PostgreSQL
# would not.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(sha256_hex);
use MediaNest::Test;
use POSIX qw(strftime);
use Test::More;

use constant { ANONYMOUS => 15, PERSON => 200 };

my $mn = MediaNest::Test->stack(limits => 1, set => {
    'rate_limit.edge.per_second' => 1000, 'rate_limit.anonymous.per_minute' => ANONYMOUS,
    'rate_limit.authenticated.per_minute' => PERSON,
    'rate_limit.class.media.per_minute' => 0 });
my $super = $mn->admin;

sub code { my ($r) = @_; return "$r->{status} " . ($r->{json} ? $r->{json}{code} // '' : '') }
sub forget {
    $mn->redis('EVAL',
        'for _, k in ipairs(redis.call("KEYS", "mn:windows:*")) do redis.call("DEL", k) end', 0);
}
sub kept {
    my ($cli, @fields) = @_;
    return split /\n/, $mn->redis('HMGET', 'mn:token:' . sha256_hex($cli->{token}), @fields);
}
# Milliseconds in PostgreSQL; a request that asked it nothing has none.
sub db {
    my ($r) = @_;
    return $r->{headers}{'server-timing'} =~ /\bdb;dur=([\d.]+)/ ? 0 + $1 : undef;
}

sub token {
    my ($who, %more) = @_;
    my $made = $who->api(POST => '/api/auth/tokens', { name => 'cli', scopes => ['media.read'],
        %more })->{json};
    my $cli = $mn->client($made->{token});
    $cli->{token_id} = $made->{id};
    return $cli;
}

# Until the answer is in the cache, and the roles in every worker of the pool.
sub warm {
    my ($cli) = @_;
    return wait_until(
        sub { my $r = $cli->api(GET => '/api/media'); $r->{status} == 200 && db($r) == 0 && $r },
            20, 'a warm page');
}

sub stop_redis {
    $mn->stop_part('redis');
    wait_until(sub { $mn->redis('PING') ne 'PONG' }, 20, 'Redis to stop');
}

sub redis_is_back {
    my ($old) = @_;
    wait_until(
        sub { my $pid = $mn->pid('redis'); $pid && $pid != $old && $mn->redis('PING') eq 'PONG' },
            20, 'Redis to come back');
}

subtest 'warm' => sub {
    my $who = $mn->user;
    my $cli = token($who);
    my $first = $cli->api(GET => '/api/media');
    cmp_ok db($first), '>', 0, 'PostgreSQL says whose a token is';
    my $warm = warm($cli);
    is $warm->{headers}{'ratelimit-policy'}, '"authenticated";q=' . PERSON . ';w=60',
        'then it is answered without it, and counted for its owner';
    my $id = $warm->{headers}{'x-request-id'};
    my $line = wait_until(sub { (grep { /\Q$id\E/ } split /\n/, $mn->log_text('access'))[-1] }, 10,
        'the log line');
    like $line, qr/"userId":"\Q$who->{id}\E".*"auth":[0-9.]+,/,
        'the log knows the owner, and where the time went';
    is $warm->{headers}{'x-medianest-user'}, undef, 'which is told to nobody else';
    isnt $mn->psql("SELECT last_used_at FROM api_tokens WHERE id = '$cli->{token_id}'"), '',
        'the use is noted';
    unlike $mn->redis('KEYS', '*'), qr/\Q$cli->{token}\E/, 'Redis does not have the token itself';
};

subtest 'scopes in the cache' => sub {
    my ($owner, $admin) = ($mn->user, $mn->user(role => 'super'));
    my $id = $owner->api(POST => '/api/media/upload/initiate', { filename => 'private.jpg',
        size => 10, type => 'image/jpeg' })->{json}{mediaId};
    $mn->psql("UPDATE media SET status = 'ready', visibility = 'private' WHERE id = '$id'");
    my ($narrow, $wide) = (token($admin), token($admin,
        scopes => [qw(media.read media.manage_all)]));
    my $sees = sub {
        my ($who) = @_;
        return scalar grep { $_->{id} eq $id } @{ warm($who)->{json}{items} }
    };
    is $sees->($admin), 1, 'one who manages everything sees what is private';
    is $sees->($narrow), 0, 'a token without that scope does not, whatever the cache has';
    is $sees->($wide), 1, 'one with it does';
    is $sees->($narrow), 0, 'and the other still does not';
};

subtest 'revoked' => sub {
    my $who = $mn->user;
    my ($cli, $other) = (token($who), token($who));
    warm($_) for $cli, $other;
    is $who->api(DELETE => "/api/auth/tokens/$cli->{token_id}")->{status}, 204, 'revoked';
    is code($cli->api(GET => '/api/media')), '401 token_invalid', 'dead at the next request';
    is code($cli->api(GET => '/api/media')), '401 token_invalid', 'and at the one after it';
    is $other->api(GET => '/api/media')->{status}, 200, 'another token of the person lives';
    is db($other->api(GET => '/api/media')), 0, 'as warm as before';
};

subtest 'expired' => sub {
    forget();
    my $cli = token($mn->user, expiresAt => strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time + 4)));
    is $cli->api(GET => '/api/media')->{status}, 200, 'before';
    is code(wait_until(sub { my $r = $cli->api(GET => '/api/media'); $r->{status} != 200 && $r },
        10, 'the expiry')),
        '401 token_expired', 'after';
};

subtest 'roles' => sub {
    forget();
    my $admin = $mn->user(role => 'admin');
    my $cli = token($admin, scopes => [qw(media.read users.manage)]);
    my $try = sub { return code($cli->api(GET => '/api/users')) };
    warm($cli);
    is $try->(), '200 ', 'an admin with the scope';
    for my $role (qw(user admin guest admin)) {
        is $super->api(PATCH => "/api/users/$admin->{id}", { role => $role })->{json}{role}, $role,
            "is $role now";
        is $try->(), $role eq 'admin' ? '200 ' : '403 forbidden', 'at the next request';
        warm($cli);
    }
    is $super->api(PATCH => "/api/users/$admin->{id}",
        { tier => 'premium', role => 'user' })->{status},
        200, 'another tier';
    like $cli->api(GET => '/api/media')->{headers}{'ratelimit-policy'}, qr/^"premium"/,
        'holds at the next request';
};

subtest 'accounts' => sub {
    forget();
    my $who = $mn->user;
    my $cli = token($who);
    warm($cli);
    is $super->api(PATCH => "/api/users/$who->{id}", { status => 'disabled' })->{status}, 200,
        'disabled';
    is code($cli->api(GET => '/api/media')), '401 token_invalid', 'at once';
    is $super->api(PATCH => "/api/users/$who->{id}", { status => 'active' })->{status}, 200,
        'enabled';
    is code($cli->api(GET => '/api/media')), '401 token_invalid', 'but the token is gone for good';
    $cli = token($mn->login($who->{email}, $who->{password}));
    warm($cli);
    is $super->api(DELETE => "/api/users/$who->{id}?items=trash")->{status}, 204, 'deleted';
    is code($cli->api(GET => '/api/media')), '401 token_invalid', 'at once';
};

subtest 'limits' => sub {
    forget();
    my $who = $mn->user;
    my $cli = token($who);
    warm($cli);
    my $r;
    $r = $cli->api(GET => '/api/media') for 1 .. PERSON;
    is code($r), '429 rate_limited', 'over the limit of its owner';
    is db($r), 0, 'without PostgreSQL';
    like $r->{headers}{'ratelimit-policy'}, qr/^"authenticated"/, 'and it says whose limit';
    is code($who->api(GET => '/api/auth/session')), '429 rate_limited',
        'it is the same limit as that of the session';
    $mn->redis('HSET', 'mn:token:' . sha256_hex($cli->{token}), 'f', 1);
    $r = $cli->api(GET => '/api/media');
    is code($r) . ' ' . db($r), '429 rate_limited 0',
        'nor for a token that PostgreSQL would have to be asked about again';
    $mn->redis('HSET', 'mn:token:' . sha256_hex($cli->{token}), 'g', 999);
    $r = $cli->api(GET => '/api/media');
    is code($r) . ' ' . db($r), '429 rate_limited 0', 'nor for one whose owner has changed';

    forget();
    warm($cli);
    my @bad = map { $mn->client('mn_' . sprintf('%043d', $_))->api(
        GET => '/api/media') } 1 .. ANONYMOUS
        + 2;
    is_deeply [ map { code($_) } @bad ],
        [ ('401 token_invalid') x ANONYMOUS, ('429 rate_limited') x 2 ],
        'tokens that are none count for the address';
    like $bad[0]{headers}{'ratelimit-policy'}, qr/^"anonymous"/, 'as anonymous';
    cmp_ok db($bad[0]), '>', 0, 'PostgreSQL has looked';
    is db($_), 0, 'but not for an address over its limit' for @bad[-2, -1];
    is $cli->api(GET => '/api/media')->{status}, 200, 'a token that is known goes on behind it';
    forget();
};

subtest 'Redis is away' => sub {
    my ($who, $other) = ($mn->user, $mn->user);
    my ($cli, $gone) = (token($who), token($who));
    warm($_) for $cli, $gone;
    stop_redis();
    my $r = $cli->api(GET => '/api/media');
    is $r->{status}, 200, 'a token is good';
    cmp_ok db($r), '>', 0, 'as PostgreSQL says';
    is code($who->api(DELETE => "/api/auth/tokens/$gone->{token_id}")), '503 redis_unavailable',
        'a revocation says that not everybody knows';
    is code($gone->api(GET => '/api/media')), '401 token_invalid', 'but it holds';
    is code($mn->client('mn_' . 'x' x 43)->api(GET => '/api/media')), '401 token_invalid',
        'as ever';
    $mn->start_part('redis');
    wait_until(sub { $mn->redis('PING') eq 'PONG' }, 20, 'Redis to come back');
    is code($gone->api(GET => '/api/media')), '401 token_invalid', 'it holds when Redis is back';
    is $cli->api(GET => '/api/media')->{status}, 200, 'and the other is good';
    warm($cli);
};

subtest 'Redis comes back old' => sub {
    forget();
    my $who = $mn->user;
    my ($cli, $gone) = (token($who), token($who));
    warm($_) for $cli, $gone;
    my $admin = $mn->user(role => 'admin');
    my $lowered = token($admin, scopes => [qw(media.read users.manage)]);
    warm($lowered);
    $mn->stop_part('worker'); # it would repeat what is said to Redis
    $mn->redis('SAVE');
    is $who->api(DELETE => "/api/auth/tokens/$gone->{token_id}")->{status}, 204,
        'revoked after the copy was made';
    is $super->api(PATCH => "/api/users/$admin->{id}", { role => 'user' })->{status}, 200,
        'a role lowered';
    redis_is_back($mn->kill_part('redis'));
    is +(kept($gone, 'u'))[0], $who->{id}, 'the old copy has the token';
    is $cli->api(GET => '/api/media')->{status}, 200, 'what lives goes on';
    warm($cli); # and brings the generation of its owner back
    is code($gone->api(GET => '/api/media')), '401 token_invalid', 'which is dead all the same';
    is code($lowered->api(GET => '/api/users')), '403 forbidden', 'and so is the role';
    $mn->start_part('worker');
    warm($cli);
};

subtest 'Redis comes back empty' => sub {
    forget();
    my $who = $mn->user;
    my ($cli, $gone) = (token($who), token($who));
    warm($_) for $cli, $gone;
    is $who->api(DELETE => "/api/auth/tokens/$gone->{token_id}")->{status}, 204, 'revoked';
    unlink "$mn->{var}/tmp/dump.rdb";
    redis_is_back($mn->kill_part('redis'));
    is code($gone->api(GET => '/api/media')), '401 token_invalid', 'dead';
    is $cli->api(GET => '/api/media')->{status}, 200, 'what lives goes on';
    is db(warm($cli)), 0,
        'and gets warm, with no session around that would have filled Redis again';
};

done_testing;
