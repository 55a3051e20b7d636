#!/usr/bin/perl
# Changed credentials: whatever was given out before ends with them. What a signed-in person proves
# again before a sensitive change, how wrong ones count, and who is told by mail.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::PlexTv;
use MediaNest::Smtp;
use MediaNest::Test;
use MediaNest::Totp qw(base32_decode totp);
use Test::More;

use constant WRONG_ONES => 5;

my ($smtp, $plex) = (MediaNest::Smtp->start, MediaNest::PlexTv->start);
my $mn = MediaNest::Test->stack(set => { $smtp->settings, $plex->settings,
    'login.per_account_address' => WRONG_ONES });
my ($anon, $super) = ($mn->client, $mn->admin);
my $NEW = 'quite another battery';
my $account = 700;

sub code { my ($r) = @_; return "$r->{status} " . ($r->{json} ? $r->{json}{code} // '' : '') }
sub mail_to {
	my ($to, $text) = @_;
	return $smtp->wait_mail(sub { $_[0]{to} eq $to && $_[0]{text} =~ $text });
}
sub confirm { return $anon->api(POST => '/api/auth/confirm', { token => $_[0] }) }
sub reset_with {
	my ($token) = @_;
	return $anon->api(POST => '/api/auth/password/reset',
	    { token => $token, password => $NEW });
}
sub reset_link {
	my ($who) = @_;
	$anon->api(POST => '/api/auth/password/forgot', { email => $who->{email} });
	return $smtp->wait_link($who->{email}, 'reset your password');
}
sub proof { my ($who, @more) = @_; return { currentPassword => $who->{password}, @more } }
sub begin_pin { my ($who) = @_; return $who->api(POST => '/api/auth/plex/pin', proof($who)) }
sub poll { my ($who, $pin) = @_; return $who->api(GET => "/api/auth/plex/pin/$pin->{json}{id}") }

# Another access token of the same session, if it goes on.
sub again {
	my ($who) = @_;
	my $r = $anon->api(POST => '/api/auth/refresh', { refreshToken => $who->{refresh_token} });
	return unless $r->{status} == 200;
	@$who{qw(token refresh_token)} = @{ $r->{json} }{qw(token refreshToken)};
	return $who;
}

# A person with everything that was given out: another session, a link to another address, a link
# to reset the password, a PIN that plex.tv has confirmed, an API token.
sub equipped {
	my $who = $mn->user;
	my %has = (who => $who, other => $mn->login($who->{email}, $who->{password}));
	$who->api(PATCH => '/api/users/me', { email => "x-$who->{email}", %{ proof($who) } });
	$has{email} = $smtp->wait_link("x-$who->{email}", 'new address of your account');
	$has{reset} = reset_link($who);
	$has{pin} = begin_pin($who);
	$plex->confirm($has{pin}, ++$account);
	$has{cli} = $mn->client($who->api(POST => '/api/auth/tokens',
	    { name => 'x', scopes => ['profile.view'] })->{json}{token});
	is $has{cli}->api(GET => '/api/users/me')->{status}, 200, 'equipped';
	return %has;
}

# Nothing of it is good any more; API tokens as told, the first session as told.
sub nothing_left {
	my ($has, %stays) = @_;
	my $who = $has->{who};
	is !!again($has->{other}), !!0, 'another session has ended';
	is !!again($who), !!$stays{session}, $stays{session} ? 'this one goes on' : 'this one too';
	is code($has->{cli}->api(GET => '/api/users/me')),
	    $stays{tokens} ? '200 ' : '401 token_invalid', 'the API token';
	is code(confirm($has->{email})), '422 link_invalid', 'the link to another address';
	is code(reset_with($has->{reset})), '422 link_invalid', 'the link to reset the password'
	    unless $stays{used};
	is code(poll($who, $has->{pin})), $stays{session} ? '404 not_found' : '401 token_revoked',
	    'the PIN';
	is $mn->psql("SELECT count(*) FROM plex_pins WHERE user_id = '$who->{id}'"), 0,
	    'is gone';
	is $mn->psql("SELECT plex_id IS NULL AND email = '$who->{email}' FROM users WHERE id = "
	    . "'$who->{id}'"), 't', 'nothing has come of them';
	return;
}

subtest 'a changed password' => sub {
	for my $tokens (0, 1) {
		my %has = equipped();
		my $who = $has{who};
		is $who->api(POST => '/api/auth/password', { current => $who->{password},
		    password => $NEW, $tokens ? (revokeTokens => JSON::PP::true) : () })->{status},
		    204, $tokens ? 'changed, API tokens too' : 'changed';
		nothing_left(\%has, session => 1, tokens => !$tokens);
	}
};

subtest 'a forgotten one' => sub {
	my %has = equipped();
	is reset_with($has{reset})->{status}, 204, 'reset';
	nothing_left(\%has, used => 1);
};

subtest 'a second factor that an admin takes away' => sub {
	my %has = equipped();
	$mn->psql("UPDATE users SET totp_confirmed_at = now() WHERE id = '$has{who}{id}'");
	is $super->api(DELETE => "/api/users/$has{who}{id}/totp")->{status}, 204, 'taken';
	nothing_left(\%has);
	like mail_to($has{who}{email}, qr/was turned off/)->{text}, qr/If this was not you/,
	    'the owner is told';
};

subtest 'a disabled account' => sub {
	my %has = equipped();
	my $id = $has{who}{id};
	is $super->api(PATCH => "/api/users/$id", { status => 'disabled' })->{status}, 200,
	    'disabled';
	is $super->api(PATCH => "/api/users/$id", { status => 'active' })->{status}, 200,
	    'and enabled again';
	nothing_left(\%has);
};

subtest 'links and PINs are bound to session and generation' => sub {
	my $who = $mn->user;
	$who->api(PATCH => '/api/users/me', { email => "y-$who->{email}", %{ proof($who) } });
	my $link = $smtp->wait_link("y-$who->{email}", 'new address of your account');
	my ($other, $pin) = ($mn->login($who->{email}, $who->{password}), begin_pin($who));
	$plex->confirm($pin, ++$account);
	is code(poll($anon, $pin)), '404 not_found', 'a PIN that links is nothing to nobody';
	is code(poll($other, $pin)), '404 not_found', 'nor to another session of the same person';
	is code(poll($mn->client('rubbish'), $pin)), '401 token_invalid',
	    'bad credentials are told';
	is $anon->api(POST => '/api/auth/logout',
	    { refreshToken => $who->{refresh_token} })->{status}, 204, 'signed out';
	is code(confirm($link)), '422 link_invalid', 'the link ends with its session';
	is code(poll($who, $pin)), '401 token_revoked', 'so does the PIN';

	$who = $mn->login($who->{email}, $other->{password} = $who->{password});
	$who->{email} = $mn->psql("SELECT email FROM users WHERE id = '$who->{id}'");
	$who->{password} = $other->{password};
	$pin = begin_pin($who);
	$plex->confirm($pin, $account);
	my $reset = reset_link($who);
	is $super->api(PATCH => "/api/users/$who->{id}", { tier => 'premium' })->{status}, 200,
	    'other rights';
	ok again($who), 'the session goes on';
	is code(poll($who, $pin)), '404 pin_expired', 'a PIN of an older generation is void';
	is code(reset_with($reset)), '422 link_invalid', 'so is a link';
	$pin = begin_pin($who);
	$plex->confirm($pin, $account);
	my $sessions = "SELECT count(*) FROM sessions WHERE user_id = '$who->{id}'";
	my $before = $mn->psql($sessions);
	is_deeply poll($who, $pin)->{json}, { status => 'linked' }, 'one of this generation links';
	is $mn->psql($sessions), $before, 'and signs nobody in';
	like mail_to($who->{email}, qr/was linked/)->{text}, qr/plex$account/, 'which is told';
};

# What wants the password, and a body of each without it.
my %sensitive = (
	'PATCH /api/users/me' => { email => 'z@medianest.test' },
	'POST /api/auth/plex/pin' => {},
	'POST /api/auth/totp' => {},
	'POST /api/auth/totp/disable' => {},
	'POST /api/auth/plex/unlink' => {},
);

subtest 'what is proven again' => sub {
	my $who = $mn->user;
	my $begun = $who->api(POST => '/api/auth/totp', proof($who));
	my $secret = base32_decode($begun->{json}{secret});
	my $recovery = $who->api(POST => '/api/auth/totp/confirm',
	    { code => totp($secret, int(time / 30)) })->{json}{recoveryCodes};
	like mail_to($who->{email}, qr/was turned on/)->{text}, qr/If this was not you/,
	    'a second factor is told';
	for my $route (sort keys %sensitive) {
		my ($method, $path) = split ' ', $route;
		my $send = sub { my (%more) = @_;
		    return code($who->api($method => $path, { %{ $sensitive{$route} }, %more })) };
		is $send->(), '400 validation_failed', "$route: without a password";
		is $send->(currentPassword => 'wrong'), '401 invalid_credentials', 'a wrong one';
		is $send->(currentPassword => $who->{password}), '401 totp_required',
		    'without a code';
		is $send->(currentPassword => $who->{password}, totp => '000000'),
		    '401 totp_invalid', 'a wrong code';
		$mn->psql('DELETE FROM login_attempts');
	}
	is $who->api(PATCH => '/api/users/me', { displayName => 'New' })->{status}, 200,
	    'a name wants none';
	is $who->api(PATCH => '/api/users/me', { email => $who->{email} })->{status}, 200,
	    'nor does the same address';
	is $who->api(POST => '/api/auth/totp/disable',
	    proof($who, totp => $recovery->[0]))->{status}, 204, 'turned off';
	like mail_to($who->{email}, qr/was turned off/)->{text}, qr/If this was not you/, 'told';
	is $who->api(POST => '/api/auth/totp/disable', proof($who))->{status}, 204,
	    'twice does no harm';
	is $mn->client($who->{token})->api(DELETE => $_)->{status}, 405, "no DELETE $_ any more"
	    for '/api/auth/totp';
};

subtest 'wrong ones count as wrong sign-ins do' => sub {
	for my $route (sort keys %sensitive) {
		my ($method, $path) = split ' ', $route;
		my $who = $mn->user;
		$who->api($method => $path, { %{ $sensitive{$route} },
		    currentPassword => "wrong $_" }) for 1 .. WRONG_ONES;
		is code($who->api($method => $path, { %{ $sensitive{$route} }, %{ proof($who) } })),
		    '429 too_many_attempts', $route;
		is code($anon->api(POST => '/api/auth/login', { email => $who->{email},
		    password => $who->{password} })), '429 too_many_attempts', 'sign-in too';
	}
};

subtest 'another address' => sub {
	my $who = $mn->user;
	my $to = "w-$who->{email}";
	$who->api(PATCH => '/api/users/me', { email => $to, %{ proof($who) } });
	like mail_to($who->{email}, qr/asked to change/)->{text}, qr/\Q$to\E/,
	    'the old one is told when it is asked for';
	is confirm($smtp->wait_link($to, 'new address of your account'))->{status}, 204,
	    'confirmed';
	like mail_to($who->{email}, qr/address of your account was changed/)->{text}, qr/\Q$to\E/,
	    'and when it is done';
};

subtest 'an admin keeps their own second factor' => sub {
	my $admin = $mn->user(role => 'admin');
	is code($admin->api(DELETE => "/api/users/$admin->{id}/totp")), '403 own_account',
	    'without password and code it stays';
	is $admin->api(GET => '/api/auth/session')->{status}, 200, 'and so does the session';
};

done_testing;
