#!/usr/bin/perl
# Sign-in with Plex by PIN, against a stand-in for plex.tv: link, sign in, unlink; PINs that are
# pending, expired, used; plex.tv slow and down.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::PlexTv;
use MediaNest::Sequence qw(hold later waiting);
use MediaNest::Test;
use Test::More;
use Time::HiRes qw(time);

use constant DEADLINE => 5;

my $plex = MediaNest::PlexTv->start;
my $mn = MediaNest::Test->stack(set => { $plex->settings,
    'database.timeout' => 20_000 });
my $anon = $mn->client;

sub code { my ($r) = @_; return "$r->{status} " . ($r->{json} ? $r->{json}{code} // '' : '') }
sub begin_pin {
    my ($who) = @_;
    return $who->api(POST => '/api/auth/plex/pin',
        defined $who->{password} && defined $who->{token} ?
        { currentPassword => $who->{password} } : undef);
}
sub poll { my ($who, $pin) = @_; return $who->api(GET => "/api/auth/plex/pin/$pin->{json}{id}") }
sub confirm { $plex->confirm(@_) }
sub signed_in_by {
    my ($account) = @_;
    my $pin = begin_pin($anon);
    confirm($pin, $account);
    return poll($anon, $pin);
}
sub audit {
    my ($action, $who) = @_;
    return $mn->psql("SELECT count(*) FROM audit_log WHERE action = '$action' AND target_id = "
        . "'$who->{id}' AND actor_id::text = target_id");
}

my $who = $mn->user;

subtest 'link' => sub {
    my $pin = begin_pin($who);
    is $pin->{status}, 201, 'a PIN' or diag $pin->{content};
    my ($client) = $pin->{json}{url} =~
        m{^https://app\.plex\.tv/auth/#!\?clientID=([\w-]+)&code=\Q$pin->{json}{code}\E};
    ok $client, 'where to confirm it' or diag $pin->{json}{url};
    like $pin->{json}{expiresAt}, qr/^20\d\d-.*Z$/, 'until when';
    is_deeply poll($who, $pin)->{json}, { status => 'pending' }, 'pending';
    confirm($pin, 7);
    is code(poll($mn->user, $pin)), '404 not_found', 'it is nothing to another';
    my $linked = poll($who, $pin);
    is $linked->{status}, 200, 'confirmed' or diag $linked->{content};
    is_deeply $linked->{json}, { status => 'linked' }, 'it links, and signs nobody in';
    ok $who->api(GET => '/api/users/me')->{json}{plexLinked}, 'linked';
    is code(poll($who, $pin)), '404 pin_expired', 'a PIN is good once';
    is audit('plex.linked', $who), 1, 'audited';
    is $mn->psql("SELECT plex_id || ' ' || plex_name || ' ' || (convert_from(plex_token, 'UTF8') "
        . "LIKE 'v1:%') FROM users WHERE id = '$who->{id}'"),
        '7 plex7 true',
        'what is kept; the token sealed';
    like begin_pin($anon)->{json}{url}, qr/clientID=\Q$client\E&/, 'always the same client';
};

subtest 'sign in' => sub {
    my $in = signed_in_by(7);
    is $in->{status}, 200, 'signed in' or diag $in->{content};
    is $in->{json}{user}{id}, $who->{id}, 'as the one linked';
    is $mn->client($in->{json}{token})->api(GET => '/api/auth/session')->{status}, 200,
        'the token works';
    is $anon->api(POST => '/api/auth/refresh',
        { refreshToken => $in->{json}{refreshToken} })->{status},
        200, 'and so does the other';
    is code(signed_in_by(8)), '403 plex_not_linked',
        'another Plex account; its e-mail address counts for nothing';
    my $pin = begin_pin($anon);
    is_deeply poll($anon, $pin)->{json}, { status => 'pending' }, 'pending';
    confirm($pin, 7);
    $mn->psql("UPDATE plex_pins SET expires_at = now() - interval '1 second' WHERE id = "
        . "'$pin->{json}{id}'");
    is code(poll($anon, $pin)), '404 pin_expired', 'an expired PIN';
    $pin = begin_pin($anon);
    $plex->forget($pin);
    is code(poll($anon, $pin)), '404 pin_expired', 'a PIN that plex.tv has forgotten';
    is code(poll($anon, { json => { id => '01890a5d-ac96-774b-bcce-b302099a8057' } })),
        '404 not_found', 'an unknown PIN';
};

subtest 'one Plex account, one person' => sub {
    my $other = $mn->user;
    my $pin = begin_pin($other);
    confirm($pin, 7);
    is code(poll($other, $pin)), '409 plex_taken', 'taken';
    ok !$other->api(GET => '/api/users/me')->{json}{plexLinked}, 'and not linked';
};

subtest 'who may link' => sub {
    my $token = $who->api(POST => '/api/auth/tokens',
        { name => 'x', scopes => ['media.read'] })->{json}{token};
    is code(begin_pin($mn->client($token))), '403 session_required', 'no API token';
    is code(begin_pin($mn->client('rubbish'))), '401 token_invalid', 'bad credentials are told';
};

subtest 'second factor and disabled accounts' => sub {
    $mn->psql("UPDATE users SET totp_confirmed_at = now() WHERE id = '$who->{id}'");
    is code(signed_in_by(7)), '401 totp_required', 'Plex is no way around the second factor';
    $mn->psql(
        "UPDATE users SET totp_confirmed_at = NULL, status = 'disabled' WHERE id = '$who->{id}'");
    is code(signed_in_by(7)), '401 invalid_credentials', 'nor into a disabled account';
    $mn->psql("UPDATE users SET status = 'active' WHERE id = '$who->{id}'");
};

# The sign-in has found whose the account is and waits for the row that is being unlinked.
subtest 'unlinked during a sign-in' => sub {
    my $other = $mn->user;
    my $pin = begin_pin($other);
    confirm($pin, 21);
    is poll($other, $pin)->{json}{status}, 'linked', 'linked';
    my $in = begin_pin($anon);
    confirm($in, 21);
    my $release = hold($mn, "UPDATE users SET plex_id = NULL, plex_token = NULL, plex_name = NULL "
        . "WHERE id = '$other->{id}'");
    my $answer = later(sub { poll($anon, $in) });
    waiting($mn, 1);
    $release->();
    is code($answer->()), '403 plex_not_linked', 'nobody is signed in';
    is $mn->psql("SELECT plex_id IS NULL FROM users WHERE id = '$other->{id}'"), 't',
        'and it stays unlinked';
};

subtest 'unlink' => sub {
    my $unlink = sub { $who->api(POST => '/api/auth/plex/unlink',
        { currentPassword => $who->{password} }) };
    is $unlink->()->{status}, 204, 'unlinked';
    ok !$who->api(GET => '/api/users/me')->{json}{plexLinked}, 'seen';
    is code(signed_in_by(7)), '403 plex_not_linked', 'no way in any more';
    is audit('plex.unlinked', $who), 1, 'audited';
    is $unlink->()->{status}, 204, 'twice does no harm';
    is audit('plex.unlinked', $who), 1, 'and is no event';
};

subtest 'outside services: plex.tv is slow, then away' => sub {
    my $pin = begin_pin($anon);
    kill 'STOP', $plex->{pid};
    my $start = time;
    my $slow = begin_pin($anon);
    is code($slow), '503 plex_unavailable', 'no answer';
    cmp_ok time - $start, '<', DEADLINE + 3, 'in time';
    ok $slow->{headers}{'retry-after'}, 'when to try again';
    kill 'CONT', $plex->{pid};
    is poll($anon, $pin)->{status}, 200, 'it is back';
    $plex->stop;
    is code(poll($anon, $pin)), '503 plex_unavailable', 'away';
    is code(begin_pin($anon)), '503 plex_unavailable', 'away' for 1 .. 12;
    like $mn->log_text('plex'), qr/breaker is open/, 'it is not asked again and again';
    is $anon->api(POST => '/api/auth/login', { email => $who->{email},
        password => $who->{password} })->{status},
        200, 'a password works as ever';
};

done_testing;
