#!/usr/bin/perl
# Accounts: invitations, profile, passwords, sessions, two-step verification, API tokens; and what
# an admin may do to whom.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use MediaNest::Totp qw(base32_decode totp);
use Test::More;

my $mn = MediaNest::Test->stack;
my $anon = $mn->client;
my $super = $mn->admin;
my $serial = 0;

sub code { my ($r) = @_; return "$r->{status} " . ($r->{json} ? $r->{json}{code} // '' : '') }
sub fresh_email { return sprintf 'p%d-%d@medianest.test', $$, ++$serial }
sub session_status { my ($who) = @_; return $who->api(GET => '/api/auth/session')->{status} }

subtest 'invitation' => sub {
    my $email = fresh_email();
    my $invite = $super->api(POST => '/api/users', { invite => JSON::PP::true, role => 'user',
        tier => 'premium' });
    is $invite->{status}, 201, 'made';
    ok $invite->{json}{invite} && $invite->{json}{url} =~ /\Q$invite->{json}{invite}\E/,
        'with token and link';
    my $join = { email => $email, password => 'correct horse battery', displayName => 'Jo',
        invite => $invite->{json}{invite} };
    is code($anon->api(POST => '/api/auth/register', { %$join, invite => 'x' x 32 })),
        '403 invite_invalid', 'a wrong one';
    is code($anon->api(POST => '/api/auth/register', { email => $email,
        password => 'correct horse battery' })),
        '403 invite_required', 'none';
    is code($anon->api(POST => '/api/auth/register', { %$join, password => 'short' })),
        '400 validation_failed', 'a short password';
    is code($anon->api(POST => '/api/auth/register', { %$join, password => 'password123' })),
        '400 validation_failed', 'a common one';
    is code($anon->api(POST => '/api/auth/register', { %$join, role => 'super' })),
        '400 validation_failed', 'no say in the role';
    my $joined = $anon->api(POST => '/api/auth/register', $join);
    is $joined->{status}, 201, 'joined';
    is $joined->{json}{user}{role}, 'user', 'with the role of the invitation';
    is $joined->{json}{user}{tier}, 'premium', 'and its tier';
    is session_status($mn->client($joined->{json}{token})), 200, 'signed in';
    is code($anon->api(POST => '/api/auth/register', { %$join, email => fresh_email() })),
        '403 invite_invalid', 'it is good once';
    is code($super->api(POST => '/api/users', { email => $email,
        password => 'correct horse battery' })),
        '409 email_taken', 'the address is taken';
    my $bound = $super->api(POST => '/api/users', { invite => JSON::PP::true,
        email => 'only@medianest.test' })->{json}{invite};
    is code($anon->api(POST => '/api/auth/register', { %$join, email => fresh_email(),
        invite => $bound })),
        '403 invite_invalid', 'bound to an address';
};

subtest 'profile' => sub {
    my $who = $mn->user;
    is $who->api(GET => '/api/users/me')->{json}{email}, $who->{email}, 'me';
    my $r = $who->api(PATCH => '/api/users/me', { displayName => "Zo\x{eb}" });
    is $r->{status}, 200, 'renamed';
    is $r->{json}{displayName}, "Zo\x{eb}", 'in Unicode';
    is code($who->api(PATCH => '/api/users/me', { role => 'super' })), '400 validation_failed',
        'no role';
    is code($who->api(PATCH => '/api/users/me', { DisplayName => 'x' })), '400 validation_failed',
        'no other case';
    is $who->api(GET => '/api/users/me')->{json}{role}, 'user', 'nothing changed';
    is code($who->api(PATCH => '/api/users/me', { email => $mn->{email},
        currentPassword => $who->{password} })), '409 email_taken',
        'no taken address';
    is code($mn->user(role => 'guest')->api(PATCH => '/api/users/me', { displayName => 'x' })),
        '403 forbidden', 'a guest only looks';
    is $who->api(GET => '/api/users/me/statistics')->{status}, 200, 'statistics';
    is_deeply $who->api(GET => '/api/users/me/activity')->{json}{page},
        { limit => 25, nextCursor => undef }, 'activity';
};

subtest 'password' => sub {
    my $who = $mn->user;
    my $other = $mn->login($who->{email}, $who->{password});
    is code($who->api(POST => '/api/auth/password', { current => 'wrong',
        password => 'another horse battery' })),
        '401 invalid_credentials', 'wrong current one';
    is $who->api(POST => '/api/auth/password', { current => $who->{password},
        password => 'another horse battery' })->{status},
        204, 'changed';
    is code($other->api(GET => '/api/auth/session')), '401 token_revoked',
        'other sessions end at the next request';
    is code($who->api(GET => '/api/auth/session')), '401 token_stale', 'the own token is stale';
    is $anon->api(POST => '/api/auth/refresh', { refreshToken => $who->{refresh_token} })->{status},
        200, 'but refreshes';
    is code($anon->api(POST => '/api/auth/login', { email => $who->{email},
        password => $who->{password} })),
        '401 invalid_credentials', 'the old password is dead';
    is $anon->api(POST => '/api/auth/login', { email => $who->{email},
        password => 'another horse battery' })->{status},
        200, 'the new one works';
};

subtest 'sessions' => sub {
    my $who = $mn->user;
    my $second = $mn->login($who->{email}, $who->{password});
    my $third = $mn->login($who->{email}, $who->{password});
    my $list = $who->api(GET => '/api/auth/sessions')->{json}{items};
    is @$list, 3, 'three';
    is scalar(grep { $_->{current} } @$list), 1, 'one of them current';
    ok $list->[0]{device} && $list->[0]{lastUsedAt}, 'with device and last use';
    my $theirs = $second->api(GET => '/api/auth/session')->{json}{sessionId};
    is $mn->user->api(DELETE => "/api/auth/sessions/$theirs")->{status}, 404, 'not for others';
    is $who->api(DELETE => "/api/auth/sessions/$theirs")->{status}, 204, 'ended';
    is code($second->api(GET => '/api/auth/session')), '401 token_revoked', 'at once';
    is $who->api(DELETE => '/api/auth/sessions')->{status}, 204, 'all others';
    is session_status($third), 401, 'ended';
    is session_status($who), 200, 'this one stays';
};

subtest 'second factor' => sub {
    my $who = $mn->user;
    my $login = sub { $anon->api(POST => '/api/auth/login', { email => $who->{email},
        password => $who->{password}, @_ }) };
    my $begun = $who->api(POST => '/api/auth/totp', { currentPassword => $who->{password} });
    is $begun->{status}, 200, 'begun';
    like $begun->{json}{uri},
        qr{^otpauth://totp/MediaNest:\S+\?secret=$begun->{json}{secret}&issuer=MediaNest
            &algorithm=SHA1&digits=6&period=30$}x,
        'URI for a QR code';
    is $login->()->{status}, 200, 'not in force yet';
    my $secret = base32_decode($begun->{json}{secret});
    is length $secret, 20, 'a secret of 160 bits';
    is code($who->api(POST => '/api/auth/totp/confirm', { code => '000000' })), '422 totp_invalid',
        'a wrong code'
        if totp($secret, int(time / 30)) ne '000000';
    my $step = int(time / 30);
    my $confirmed = $who->api(POST => '/api/auth/totp/confirm', { code => totp($secret, $step) });
    is $confirmed->{status}, 200, 'confirmed';
    my @recovery = @{ $confirmed->{json}{recoveryCodes} };
    is @recovery, 10, 'ten recovery codes';
    is code($login->()), '401 totp_required', 'now it is asked for';
    is code($login->(totp => totp($secret, $step))), '401 totp_invalid',
        'the code of the confirmation is used up';
    is $login->(totp => totp($secret, $step + 1))->{status}, 200,
        'the next one works, a step early';
    is code($login->(totp => totp($secret, $step + 1))), '401 totp_invalid', 'a replay is refused';
    is $login->(totp => lc $recovery[0])->{status}, 200, 'a recovery code';
    is code($login->(totp => $recovery[0])), '401 totp_invalid', 'is good once';
    is code($who->api(POST => '/api/auth/totp', { currentPassword => $who->{password},
        totp => $recovery[1] })),
        '409 totp_enabled', 'no second one beside it';
    my $stored = $mn->psql(
        "SELECT convert_from(totp_secret, 'UTF8') FROM users WHERE id = '$who->{id}'");
    unlike $stored, qr/\Q$begun->{json}{secret}\E/, 'sealed at rest';
    is $super->api(DELETE => "/api/users/$who->{id}/totp")->{status}, 204, 'an admin takes it away';
    is $login->()->{status}, 200, 'and the password is enough again';
};

subtest 'API tokens' => sub {
    my $who = $mn->user;
    my $make = sub { $who->api(POST => '/api/auth/tokens', { name => 'cli', scopes => [@_] }) };
    my $made = $make->('media.read', 'profile.view');
    is $made->{status}, 201, 'made';
    my $token = $made->{json}{token};
    like $token, qr/^mn_[\w-]{43}$/, 'its form';
    my $cli = $mn->client($token);
    is $cli->api(GET => '/api/media')->{status}, 200, 'it is taken as Bearer';
    is_deeply [ sort @{ $cli->api(GET => '/api/auth/session')->{json}{permissions} } ],
        [qw(media.read profile.view)], 'with its scopes';
    is code($cli->api(POST => '/api/media/upload/initiate', { filename => 'a.jpg', size => 10,
        type => 'image/jpeg' })),
        '403 forbidden', 'and nothing else';
    is code($cli->api(GET => '/api/auth/sessions')), '403 session_required',
        'not for the account itself';
    is code($cli->api(POST => '/api/auth/tokens', { name => 'x', scopes => ['media.read'] })),
        '403 session_required', 'nor to make more';
    is code($make->('users.manage')), '400 validation_failed', 'no scope beyond the own rights';
    is code($make->('nonsense')), '400 validation_failed', 'no unknown one';
    my $list = $who->api(GET => '/api/auth/tokens')->{json}{items};
    ok !exists $list->[0]{token}, 'shown once';
    ok $list->[0]{lastUsedAt}, 'last use';
    unlike $mn->psql("SELECT encode(hash, 'hex') FROM api_tokens WHERE id = '$list->[0]{id}'"),
        qr/$token/, 'hashed at rest';
    $super->api(PATCH => "/api/users/$who->{id}", { role => 'guest' });
    is_deeply [ sort @{ $cli->api(GET => '/api/auth/session')->{json}{permissions} } ],
        [qw(media.read profile.view)], 'scopes are met with the role';
    is $mn->user->api(DELETE => "/api/auth/tokens/$list->[0]{id}")->{status}, 404, 'not for others';
    $who = $mn->login($who->{email}, $who->{password});
    is $who->api(DELETE => "/api/auth/tokens/$list->[0]{id}")->{status}, 204, 'revoked';
    is code($cli->api(GET => '/api/media')), '401 token_invalid', 'dead';
    my $short = $who->api(POST => '/api/auth/tokens', { name => 'short', scopes => ['media.read'],
        expiresAt => '2000-01-01T00:00:00Z' });
    is code($short), '400 validation_failed', 'no expiry in the past';
    $short = $who->api(POST => '/api/auth/tokens', { name => 'short', scopes => ['media.read'],
        expiresAt => '2100-01-01T00:00:00Z' })->{json};
    $mn->psql(
        "UPDATE api_tokens SET expires_at = now() - interval '1 second' WHERE id = '$short->{id}'");
    is code($mn->client($short->{token})->api(GET => '/api/media')), '401 token_expired',
        'expiry bites';
};

subtest 'people' => sub {
    my ($admin, $user, $victim) = ($mn->user(role => 'admin'), $mn->user, $mn->user);
    is code($user->api(GET => '/api/users')), '403 forbidden', 'a user sees no list';
    my $made = $admin->api(POST => '/api/users', { email => fresh_email(),
        password => 'correct horse battery', role => 'user' });
    is $made->{status}, 201, 'an admin makes accounts';
    is code($admin->api(POST => '/api/users', { email => fresh_email(),
        password => 'correct horse battery', role => 'super' })),
        '403 role_above_own', 'none above their own role';
    is code($admin->api(PATCH => "/api/users/$user->{id}", { role => 'super' })),
        '403 role_above_own', 'nor raises anyone to it';
    is code($admin->api(PATCH => "/api/users/$admin->{id}", { role => 'user' })), '403 own_role',
        'nor changes their own';
    is code($admin->api(PATCH => "/api/users/$super->{id}", { displayName => 'x' })),
        '403 role_above_own', 'nor touches a super admin';
    is code($admin->api(DELETE => "/api/users/$super->{id}?items=trash")), '403 role_above_own',
        'nor deletes one';
    my $page = $admin->api(GET => '/api/users?limit=2&role=user')->{json};
    is @{ $page->{items} }, 2, 'a page';
    is scalar(grep { $_->{role} ne 'user' } @{ $page->{items} }), 0, 'filtered';
    my $next = $admin->api(
        GET => "/api/users?limit=2&role=user&cursor=$page->{page}{nextCursor}")->{json};
    isnt $next->{items}[0]{id}, $page->{items}[0]{id}, 'and the next one';
    is $admin->api(GET => "/api/users?q=$victim->{email}")->{json}{items}[0]{id}, $victim->{id},
        'by address';
    is $admin->api(GET => '/api/users?q=%25')->{json}{items}[0], undef, 'a wildcard is a character';

    is $admin->api(PATCH => "/api/users/$victim->{id}", { role => 'guest' })->{json}{role}, 'guest',
        'a role is changed';
    is code($victim->api(GET => '/api/auth/session')), '401 token_stale',
        'and bites at the next request';
    my $again = $anon->api(POST => '/api/auth/refresh',
        { refreshToken => $victim->{refresh_token} })->{json};
    is code($mn->client($again->{token})->api(POST => '/api/media/upload/initiate',
        { filename => 'a.jpg', size => 10, type => 'image/jpeg' })),
        '403 forbidden', 'with the rights of the new role';
    is $admin->api(PATCH => "/api/users/$victim->{id}", { status => 'disabled' })->{json}{status},
        'disabled', 'disabled';
    is session_status($mn->client($again->{token})), 401, 'at once';
    is code($anon->api(POST => '/api/auth/refresh', { refreshToken => $again->{refreshToken} })),
        '401 token_invalid', 'no refresh';
    is code($super->api(PATCH => "/api/users/$super->{id}", { status => 'disabled' })),
        '403 own_account', 'not oneself';
    is code($super->api(DELETE => "/api/users/$super->{id}?items=trash")), '403 own_account',
        'nor delete oneself';
    my $second = $mn->user(role => 'super');
    is $second->api(PATCH => "/api/users/$second->{id}", { displayName => 'Second' })->{status},
        200, 'a second super admin';
    is $super->api(PATCH => "/api/users/$second->{id}", { role => 'admin' })->{status}, 200,
        'can be lowered while another stays';
    is $admin->api(GET => '/api/users/01890a5d-ac96-774b-bcce-b302099a8057')->{status}, 404,
        'nobody';
};

subtest 'deletion' => sub {
    my ($goes, $heir) = ($mn->user, $mn->user);
    my @media = map { $goes->upload_bytes("$_.jpg", "no picture $_", 'image/jpeg')->{id} } 1 .. 2;
    is code($super->api(DELETE => "/api/users/$goes->{id}")), '400 validation_failed',
        'what becomes of the items must be said';
    is code($super->api(DELETE => "/api/users/$goes->{id}?items=transfer")),
        '400 validation_failed', 'and to whom';
    is code($super->api(DELETE => "/api/users/$goes->{id}?items=transfer&to=$goes->{id}")),
        '400 validation_failed', 'somebody else';
    is $super->api(DELETE => "/api/users/$goes->{id}?items=transfer&to=$heir->{id}")->{status}, 204,
        'transferred';
    is $mn->psql("SELECT count(*) FROM media WHERE owner_id = '$heir->{id}'"), 2,
        'the heir has them';
    is session_status($goes), 401, 'the account is gone';
    is $super->api(DELETE => "/api/users/$heir->{id}?items=trash")->{status}, 204, 'to the trash';
    is $mn->psql("SELECT count(*) FROM media WHERE id IN ('$media[0]', '$media[1]') AND status = "
        . "'trashed' AND owner_id IS NULL"),
        2, 'there they are';
};

subtest 'audit' => sub {
    my $who = $mn->user;
    $super->api(PATCH => "/api/users/$who->{id}", { tier => 'premium' });
    my $list = $super->api(GET => "/api/admin/audit?target=$who->{id}")->{json}{items};
    is $list->[0]{action}, 'user.updated', 'the change is there';
    is $list->[0]{actor}, $mn->{email}, 'with its author';
    is $list->[0]{detail}{tier}, 'premium', 'and what it was';
    ok $list->[0]{requestId} && $list->[0]{address}, 'from where';
    is code($mn->user->api(GET => '/api/admin/audit')), '403 forbidden', 'not for everybody';
    my $unchained = 'SELECT count(*) FROM audit_log a '
        . 'WHERE NOT EXISTS (SELECT 1 FROM audit_chain c WHERE c.audit_id = a.id)';
    wait_until(sub { $mn->psql($unchained) == 0 }, 60, 'the chain');
    like $mn->admin_command('', 'audit', 'verify'), qr/is intact/, 'the chain holds';
    my $url = $mn->{status}{databaseUrl} =~ s/medianest_migrate/medianest_api/r;
    like MediaNest::Test::run_output('psql', '-XqAt', '-d', $url, '-c', 'DELETE FROM audit_log'),
        qr/permission denied/, 'append-only by grant';
};

subtest 'settings and roles' => sub {
    my $admin = $mn->user(role => 'admin');
    is code($admin->api(GET => '/api/admin/settings')), '403 forbidden', 'not for an admin';
    my %setting = map { ($_->{key} => $_) } @{ $super->api(
        GET => '/api/admin/settings')->{json}{items} };
    is $setting{'trash.days'}{default}, 30, 'a default';
    like $super->api(GET => '/api/admin/settings')->{content}, qr/"default":30,/,
        'which is a number where the value is one';
    is $setting{'database.api_url'}{value}, undef, 'a secret is not shown';
    ok exists $setting{'database.api_url'}{isSet}, 'but whether it is set';
    my $patch = sub { $super->api(PATCH => '/api/admin/settings', {@_}) };
    is code($patch->('trash.days' => 0)), '400 validation_failed', 'out of range';
    is code($patch->('trash.days' => 'many')), '400 validation_failed', 'of another type';
    is code($patch->('trash.days' => 7.5)), '400 validation_failed', 'a fraction is not rounded';
    is code($patch->('rate_limit.anonymous.per_minute' => 0.5)), '400 validation_failed',
        'least of all to a limit of none';
    is code($patch->('no.such' => 1)), '400 validation_failed', 'unknown';
    is code($patch->('trash.days' => 7, 'storage.bucket' => 'x')), '409 not_live', 'all or nothing';
    is $patch->('trash.days' => 7)->{status}, 200, 'changed';
    %setting = map { ($_->{key} => $_) } @{ $super->api(
        GET => '/api/admin/settings')->{json}{items} };
    is $setting{'trash.days'}{value}, 7, 'in force';
    is $setting{'trash.days'}{source}, 'database', 'from the database';
    is $patch->('trash.days' => undef)->{status}, 200, 'back to the default';
    is $patch->('registration.mode' => 'closed')->{status}, 200, 'registration is closed';
    is code($anon->api(POST => '/api/auth/register', { email => fresh_email(),
        password => 'correct horse battery', invite => 'x' })),
        '403 registration_closed', 'in another process, at its next request';
    $patch->('registration.mode' => undef);

    my $roles = $super->api(GET => '/api/admin/roles')->{json}{roles};
    is_deeply $roles->{guest}, [qw(media.read profile.view)], 'the matrix';
    my $guest = $mn->user(role => 'guest');
    my $try = sub { code($guest->api(POST => '/api/media/upload/initiate', { filename => 'a.jpg',
        size => 10, type => 'image/jpeg' })) };
    is $try->(), '403 forbidden', 'a guest uploads nothing';
    is $super->api(PUT => '/api/admin/roles', { roles => { %$roles,
        guest => [qw(media.read profile.view media.upload)] } })->{status},
        200, 'edited';
    is $try->(), '201 ', 'and now may';
    is code($super->api(PUT => '/api/admin/roles',
        { roles => { %$roles, super => ['media.read'] } })),
        '422 super_locked_out', 'super admins cannot lock themselves out';
    is code($super->api(PUT => '/api/admin/roles',
        { roles => { %$roles, user => ['everything'] } })),
        '400 validation_failed', 'no unknown permission';
    is $super->api(PUT => '/api/admin/roles', { roles => $roles })->{status}, 200, 'back';
    is $try->(), '403 forbidden', 'at once';
};

done_testing;
