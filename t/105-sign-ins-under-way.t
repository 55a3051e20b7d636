#!/usr/bin/perl
# What was under way when someone's credentials changed: sign-ins of every kind, refreshes, links,
# changes made with the old password. Nothing of it outlives the change. The order is made by a lock
# on the person's row: the change waits for it first, what is under way (its password is verified by
# then) second.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::PlexTv;
use MediaNest::Sequence qw(hold later waiting);
use MediaNest::Smtp;
use MediaNest::Test;
use MediaNest::Totp qw(base32_decode totp);
use Test::More;

my ($smtp, $plex) = (MediaNest::Smtp->start, MediaNest::PlexTv->start);
my $mn = MediaNest::Test->stack(set => { $smtp->settings, $plex->settings,
    'database.timeout' => 20_000, 'session.refresh_leeway' => 0, 'pool.users.workers' => 2 });
my ($anon, $super) = ($mn->client, $mn->admin);
my $NEW = 'quite another battery';

sub code { my ($r) = @_; return "$r->{status} " . ($r->{json} ? $r->{json}{code} // '' : '') }

# First $first, then $second, both in the middle of their work.
sub under_way {
	my ($lock, $first, $second) = @_;
	my $release = hold($mn, $lock);
	my $a = later($first);
	waiting($mn, 1);
	my $b = later($second);
	waiting($mn, 2);
	$release->();
	return ($a->(), $b->());
}

sub person {
	my ($who) = @_;
	return "SELECT 1 FROM users WHERE id = '$who->{id}' FOR NO KEY UPDATE";
}
sub live { my ($who) = @_; return $mn->psql("SELECT count(*) FROM sessions WHERE user_id = "
    . "'$who->{id}' AND revoked_at IS NULL") }
sub password {
	my ($who, $password, @more) = @_;
	return $anon->api(POST => '/api/auth/login', { email => $who->{email},
	    password => $password // $who->{password}, @more });
}
sub reset_link {
	my ($who) = @_;
	$anon->api(POST => '/api/auth/password/forgot', { email => $who->{email} });
	return $smtp->wait_link($who->{email}, qr/reset your password/);
}

# How credentials change; each gives a sub that does it, and its status.
my %change = (
	reset => [ 204, sub { my $token = reset_link($_[0]); sub { $anon->api(
	    POST => '/api/auth/password/reset', { token => $token, password => $NEW }) } } ],
	change => [ 204, sub { my ($who) = @_; sub { $who->api(POST => '/api/auth/password',
	    { current => $who->{password}, password => $NEW }) } } ],
	disabling => [ 200, sub { my ($who) = @_; sub { $super->api(
	    PATCH => "/api/users/$who->{id}", { status => 'disabled' }) } } ],
	deletion => [ 204, sub { my ($who) = @_; sub { $super->api(
	    DELETE => "/api/users/$who->{id}?items=trash") } } ],
);

sub second_factor {
	my ($who) = @_;
	my $secret = base32_decode($who->api(POST => '/api/auth/totp',
	    { currentPassword => $who->{password} })->{json}{secret} // '');
	my $codes = $who->api(POST => '/api/auth/totp/confirm',
	    { code => totp($secret, int(time / 30)) })->{json}{recoveryCodes};
	return $codes->[0];
}

my $serial = 0;
sub linked {
	my ($who) = @_;
	my $account = 500 + ++$serial;
	$mn->psql("UPDATE users SET plex_id = '$account' WHERE id = '$who->{id}'");
	my $pin = $anon->api(POST => '/api/auth/plex/pin');
	$plex->confirm($pin, $account);
	return $pin->{json}{id};
}

# Ways to sign in; each gives a sub that does it.
my %sign_in = (
	password => sub { my ($who) = @_; sub { password($who) } },
	code => sub { my ($who) = @_; my $code = second_factor($who);
	    sub { password($who, undef, totp => $code) } },
	plex => sub { my ($who) = @_; my $pin = linked($who);
	    sub { $anon->api(GET => "/api/auth/plex/pin/$pin") } },
);

for my $name (sort keys %change) {
	my ($status, $change) = @{ $change{$name} };
	for my $way (sort keys %sign_in) {
		subtest "$name, while someone signs in by $way" => sub {
			my $who = $mn->user;
			my ($sign_in, $do) = ($sign_in{$way}->($who), $change->($who));
			my ($done, $in) = under_way(person($who), $do, $sign_in);
			is $done->{status}, $status, 'done' or diag explain $done;
			# a Plex account of somebody who is gone is nobody's
			is $in->{status}, "$name $way" eq 'deletion plex' ? 403 : 401,
			    'not signed in' or diag explain $in;
			is live($who), $name eq 'change' ? 1 : 0, 'no session has come of it';
		};
	}
}

# What people do with the old password, or within the session, while it is reset.
my %act = (
	'another change of the password' => sub { my ($who) = @_; sub { $who->api(
	    POST => '/api/auth/password',
	    { current => $who->{password}, password => 'the thief has this one' }) } },
	'a new API token' => sub { my ($who) = @_; sub { $who->api(POST => '/api/auth/tokens',
	    { name => 'mine', scopes => ['media.read'] }) } },
	'a second factor' => sub {
		my ($who) = @_;
		my $secret = base32_decode($who->api(POST => '/api/auth/totp',
		    { currentPassword => $who->{password} })->{json}{secret} // '');
		sub { $who->api(POST => '/api/auth/totp/confirm',
		    { code => totp($secret, int(time / 30)) }) };
	},
	'another address' => sub { my ($who) = @_; sub { $who->api(PATCH => '/api/users/me',
	    { email => "m-$who->{email}", currentPassword => $who->{password} }) } },
	'a link to another address' => sub {
		my ($who) = @_;
		$who->api(PATCH => '/api/users/me',
		    { email => "n-$who->{email}", currentPassword => $who->{password} });
		my $token = $smtp->wait_link("n-$who->{email}", qr/new address of your account/);
		sub { $anon->api(POST => '/api/auth/confirm', { token => $token }) };
	},
);
for my $name (sort keys %act) {
	subtest "reset, while there is $name" => sub {
		my $who = $mn->user;
		my ($act, $reset) = ($act{$name}->($who), $change{reset}[1]->($who));
		my ($done, $acted) = under_way(person($who), $reset, $act);
		is $done->{status}, 204, 'reset' or diag explain $done;
		like $acted->{status}, qr/^4(?:01|22)$/, 'refused' or diag explain $acted;
		is password($who, $NEW)->{status}, 200, 'the new password is the one that counts';
		is $mn->psql("SELECT count(*) FROM api_tokens WHERE user_id = '$who->{id}' AND "
		    . 'revoked_at IS NULL'), 0, 'no API token';
	};
}

subtest 'a refresh' => sub {
	my $refresh = sub { my ($token) = @_; return $anon->api(POST => '/api/auth/refresh',
	    { refreshToken => $token }) };
	for my $first (0, 1) {
		my $who = $mn->user;
		my $reset = $change{reset}[1]->($who);
		my $do = sub { $refresh->($who->{refresh_token}) };
		my $lock = "SELECT 1 FROM sessions WHERE user_id = '$who->{id}' FOR UPDATE";
		my ($a, $b) = under_way($lock, $first ? ($do, $reset) : ($reset, $do));
		my ($refreshed, $done) = $first ? ($a, $b) : ($b, $a);
		is $done->{status}, 204, 'reset';
		is code($refreshed), $first ? '200 ' : '401 token_invalid',
		    $first ? 'before it' : 'after it';
		next unless $first;
		my $got = $mn->client($refreshed->{json}{token});
		is $got->api(GET => '/api/auth/session')->{status}, 401,
		    'what it got is worth nothing';
		is code($refresh->($refreshed->{json}{refreshToken})), '401 token_invalid',
		    'nor is the rest';
	}
};

subtest 'an outdated hash' => sub {
	# "an older horse battery" with the parameters of long ago
	my $hash = '$argon2id$v=19$m=8192,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA'
	    . '$zJosjCLrgTlj5+IfevT1ZSunmlvNdsmJf1OdYXnWDhU';
	my $aged = sub {
		my $who = $mn->user;
		$who->{password} = 'an older horse battery';
		$mn->psql("UPDATE users SET password_hash = '$hash' WHERE id = '$who->{id}'");
		return $who;
	};
	my $who = $aged->();
	my ($done, $in) = under_way(person($who), $change{reset}[1]->($who),
	    sub { password($who) });
	is $done->{status}, 204, 'reset';
	is $in->{status}, 401, 'not signed in';
	is password($who, $NEW)->{status}, 200, 'the new password holds';
	is password($who)->{status}, 401, 'the old one has not come back';

	$who = $aged->();
	($done, $in) = under_way(person($who), sub { password($who) }, sub { password($who) });
	is $done->{status}, 200, 'two sign in at once';
	is $in->{status}, 200, 'and both are let in' or diag explain $in;
	isnt $mn->psql("SELECT password_hash FROM users WHERE id = '$who->{id}'"), $hash,
	    'with another hash';
	is password($who)->{status}, 200, 'of the same password';
};

# What an admin was let in for waits for their own row, which is being changed.
subtest 'an admin who is demoted meanwhile' => sub {
	my $who = $mn->user(role => 'user');
	my $roles = $super->api(GET => '/api/admin/roles')->{json}{roles};
	my $invite = $super->api(POST => '/api/users', { invite => JSON::PP::true,
	    role => 'user' })->{json}{id};
	my %does = (
		'create a person' => sub { $_[0]->api(POST => '/api/users',
		    { email => "x-$who->{email}", password => $NEW }) },
		'change one' => sub { $_[0]->api(PATCH => "/api/users/$who->{id}",
		    { tier => 'premium' }) },
		'reset their codes' => sub { $_[0]->api(DELETE => "/api/users/$who->{id}/totp") },
		'revoke an invitation' => sub { $_[0]->api(
		    DELETE => "/api/users/invites/$invite") },
		'replace the roles' => sub { $_[0]->api(PUT => '/api/admin/roles',
		    { roles => $roles }) },
		'change settings' => sub { $_[0]->api(PATCH => '/api/admin/settings',
		    { 'rate_limit.class.search.per_minute' => 500 }) },
		'delete one' => sub { $_[0]->api(DELETE => "/api/users/$who->{id}?items=trash") },
	);
	my $audit = sub { $mn->psql('SELECT count(*) FROM audit_log') };
	for my $what (sort keys %does) {
		my $admin = $mn->user(role => 'super');
		my $before = $audit->();
		my $release = hold($mn, "UPDATE users SET role = 'user', "
		    . "generation = generation + 1 WHERE id = '$admin->{id}'");
		my $answer = later(sub { $does{$what}->($admin) });
		waiting($mn, 1, $answer);
		$release->();
		is code($answer->()), '401 token_stale', "cannot $what any more";
		is $audit->(), $before, 'nothing was done';
	}
};

subtest 'two who demote each other' => sub {
	my @two = map { $mn->user(role => 'super') } 1 .. 2;
	my $release = hold($mn, "SELECT 1 FROM users WHERE id IN ('$two[0]{id}', '$two[1]{id}') "
	    . 'FOR NO KEY UPDATE');
	my @answers;
	for my $i (0, 1) {
		push @answers, later(sub { $two[$i]->api(PATCH => "/api/users/$two[1 - $i]{id}",
		    { role => 'admin' }) });
		waiting($mn, $i + 1);
	}
	$release->();
	is_deeply [sort map { $_->()->{status} } @answers], [200, 401], 'one of them does';
};

subtest 'a refresh token that is used twice' => sub {
	my $who = $mn->user;
	my $stolen = $mn->login($who->{email}, $who->{password});
	my $use = sub { my ($token, $device) = @_; return $anon->api(POST => '/api/auth/refresh',
	    { refreshToken => $token }, { 'User-Agent' => $device }) };
	my $next = $use->($stolen->{refresh_token}, 'Own phone')->{json}{refreshToken};
	$use->($next, 'Own phone');
	is code($use->($stolen->{refresh_token}, 'Strange <b>machine')), '401 token_reused', 'told';
	my ($told) = grep { $_->{kind} eq 'session.ended' }
	    @{ $who->api(GET => '/api/notifications')->{json}{items} };
	ok $told, 'the owner is told on the page' or return;
	like $told->{message}, qr/medianest-test.*127\.0\.0\.1.*Strange <b>machine/s,
	    'which device, and who came with its token';
	like $told->{message}, qr/\d{4}-\d\d-\d\d \d\d:\d\d UTC/, 'and when';
	is $told->{data}{usedFrom}{address}, '127.0.0.1', 'for programs too';
	my $mail = $smtp->wait_mail(sub { $_[0]{to} eq $who->{email}
	    && $_[0]{text} =~ /used twice/ });
	like $mail->{text}, qr/Strange <b>machine/, 'and by mail';
	like $mail->{html}, qr/Strange &lt;b&gt;machine/, 'as text';
	is code($use->($stolen->{refresh_token}, 'Strange machine')), '401 token_invalid',
	    'once more';
	is $mn->psql("SELECT count(*) FROM notifications WHERE user_id = '$who->{id}'"), 1,
	    'is not told again';
};

done_testing;
