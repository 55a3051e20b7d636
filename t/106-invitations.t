#!/usr/bin/perl
# Invitations end with the rights of the person who made them, are listed and revoked; and what is
# refused is refused before anybody learns whether an address has an account.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use POSIX ();
use Test::More;

my $mn = MediaNest::Test->stack;
my $anon = $mn->client;
my $super = $mn->admin;
my $serial = 0;
my $PASSWORD = 'correct horse battery';

sub code { my ($r) = @_; return "$r->{status} " . ($r->{json} ? $r->{json}{code} // '' : '') }
sub fresh_email { return sprintf 'i%d-%d@medianest.test', $$, ++$serial }

sub invite {
	my ($by, %more) = @_;
	my $r = $by->api(POST => '/api/users', { invite => JSON::PP::true, %more });
	is $r->{status}, 201, 'invited' or diag $r->{content};
	return $r->{json};
}

sub join_with {
	my ($invite, %more) = @_;
	my $token = ref $invite ? $invite->{invite} : $invite;
	return $anon->api(POST => '/api/auth/register',
	    { email => fresh_email(), password => $PASSWORD, invite => $token, %more });
}

sub listed {
	my ($by, @invites) = @_;
	my %is = map { $_->{id} => 1 }
	    @{ $by->api(GET => "/api/users/invites?limit=100")->{json}{items} // [] };
	return join ' ', map { $is{ $_->{id} } ? 1 : 0 } @invites;
}

sub role { my ($who, $role) = @_; $super->api(PATCH => "/api/users/$who->{id}", { role => $role }) }

# A new session for somebody whose rights have changed.
sub again { my ($who) = @_; return $mn->login($who->{email}, $who->{password}) }

subtest 'the list' => sub {
	my $admin = $mn->user(role => 'admin');
	my $open = invite($admin);
	my $bound = invite($admin, email => 'Bound@medianest.test', role => 'guest',
	    tier => 'premium');
	my $r = $super->api(GET => '/api/users/invites');
	is $r->{status}, 200, 'is there' or diag $r->{content};
	my ($first, $second) = @{ $r->{json}{items} // [] };
	is_deeply $first, { id => $bound->{id}, email => 'bound@medianest.test', role => 'guest',
		tier => 'premium', createdAt => $first->{createdAt},
		expiresAt => $bound->{expiresAt}, createdBy => $admin->{id},
		createdByName => $first->{createdByName} },
	    'one with its address, the newest first, never its token';
	like $first->{createdAt}, qr/^\d{4}-.*Z$/, 'when it was made';
	ok length $first->{createdByName}, 'and by whom';
	is $second->{id}, $open->{id}, 'then the other';
	is $second->{email}, undef, 'which is for anyone';
	is code($mn->user->api(GET => '/api/users/invites')), '403 forbidden', 'not for everybody';
	is join_with($open)->{status}, 201, 'one is used';
	is listed($super, $open, $bound), '0 1', 'and is gone from the list';
	$mn->psql("UPDATE invites SET expires_at = now() WHERE id = '$bound->{id}'");
	is listed($super, $bound), '0', 'so is one that has expired';
};

subtest 'revoked' => sub {
	my ($admin, $other) = map { $mn->user(role => 'admin') } 1 .. 2;
	my ($one, $stays) = (invite($admin), invite($admin));
	my $high = invite($super, role => 'super');
	is code($mn->user->api(DELETE => "/api/users/invites/$one->{id}")), '403 forbidden',
	    'not by everybody';
	is code($other->api(DELETE => "/api/users/invites/$high->{id}")), '403 role_above_own',
	    'nor one for a role above the own';
	is $other->api(DELETE => "/api/users/invites/$one->{id}")->{status}, 204,
	    'by another admin';
	is code($other->api(DELETE => "/api/users/invites/$one->{id}")), '404 not_found', 'once';
	is code(join_with($one)), '403 invite_invalid', 'it is no longer good';
	is listed($admin, $one, $stays, $high), '0 1 1', 'nor listed';
	is $super->api(GET => "/api/admin/audit?target=$one->{id}")->{json}{items}[0]{action},
	    'invite.revoked', 'the audit log knows';
	is $super->api(DELETE => "/api/users/invites/$high->{id}")->{status}, 204,
	    'by a super admin';
};

my %end = (
	'is demoted' => sub { role($_[0], 'user') },
	'is disabled' => sub { $super->api(PATCH => "/api/users/$_[0]{id}",
	    { status => 'disabled' }) },
	'is deleted' => sub { $super->api(DELETE => "/api/users/$_[0]{id}?items=trash") },
);
my %back = (
	'is demoted' => sub { role($_[0], 'admin') },
	'is disabled' => sub { $super->api(PATCH => "/api/users/$_[0]{id}",
	    { status => 'active' }) },
);
for my $how (sort keys %end) {
	subtest "the author $how" => sub {
		my $admin = $mn->user(role => 'admin');
		my ($open, $bound) = (invite($admin), invite($admin, email => fresh_email()));
		my $others = invite($super);
		is listed($super, $open, $bound, $others), '1 1 1', 'all are open';
		like $end{$how}->($admin)->{status}, qr/^20/, 'now';
		is code(join_with($open)), '403 invite_invalid', 'theirs are dead';
		is code(join_with($bound, email => $bound->{email})), '403 invite_invalid', 'all';
		is listed($super, $open, $bound, $others), '0 0 1', 'and not listed';
		return unless $back{$how};
		is $back{$how}->($admin)->{status}, 200, 'the rights are given back';
		is code(join_with($open)), '403 invite_invalid', 'the invitations are not';
		is join_with(invite(again($admin)))->{status}, 201, 'a new one is good';
	};
}

subtest 'an author who may still invite, but not so high' => sub {
	my $second = $mn->user(role => 'super');
	my ($low, $high) = (invite($second, role => 'user'), invite($second, role => 'super'));
	is role($second, 'admin')->{status}, 200, 'a super admin is an admin now';
	is code(join_with($high)), '403 invite_invalid', 'makes no super admins';
	my $joined = join_with($low);
	is $joined->{status}, 201, 'but users' or diag $joined->{content};
	is $joined->{json}{user}{role}, 'user', 'as before';
};

subtest 'the matrix takes the right away' => sub {
	my $admin = $mn->user(role => 'admin');
	my $open = invite($admin);
	my $roles = $super->api(GET => '/api/admin/roles')->{json}{roles};
	my @without = grep { $_ ne 'users.manage' } @{ $roles->{admin} };
	is $super->api(PUT => '/api/admin/roles', { roles => { %$roles, admin => \@without } })
	    ->{status}, 200, 'admins manage nobody now';
	is listed($super, $open), '0', 'the invitation is not listed';
	is code(join_with($open)), '403 invite_invalid', 'nor good';
	is $super->api(PUT => '/api/admin/roles', { roles => $roles })->{status}, 200, 'back';
	is code(join_with($open)), '403 invite_invalid', 'it stays dead';
};

subtest 'made by an API token' => sub {
	my $admin = $mn->user(role => 'admin');
	my $made = $admin->api(POST => '/api/auth/tokens',
	    { name => 'cli', scopes => ['users.manage'] })->{json};
	my $cli = $mn->client($made->{token});
	my ($first, $warm) = (invite($cli), invite($cli)); # the second time Redis knows the token
	my $own = invite($admin);
	is listed($cli, $first, $warm, $own), '1 1 1', 'listed';
	is $admin->api(DELETE => "/api/auth/tokens/$made->{id}")->{status}, 204, 'revoked';
	is code(join_with($first)), '403 invite_invalid', 'what it made is dead';
	is code(join_with($warm)), '403 invite_invalid', 'all of it';
	is listed($super, $first, $warm, $own), '0 0 1', 'and not listed';
	is join_with($own)->{status}, 201, 'what its owner made is not';
};

# An invitation that is being used while it is taken away: one of the two comes first.
subtest 'at the same time' => sub {
	for my $round (1 .. 4) {
		my $admin = $mn->user(role => 'admin');
		my $open = invite($admin);
		my $email = fresh_email();
		defined(my $pid = fork) or die "fork: $!";
		if ($pid == 0) {
			role($admin, 'user');
			POSIX::_exit(0);
		}
		my $r = join_with($open, email => $email);
		waitpid $pid, 0;
		my $joined = $mn->psql("SELECT count(*) FROM users WHERE email = '$email'");
		is $joined, $r->{status} == 201 ? 1 : 0, "round $round: $r->{status}";
		is code(join_with($open)), '403 invite_invalid', 'it is over in any case';
		is $mn->psql("SELECT count(*) FROM invites WHERE id = '$open->{id}' AND "
		    . 'used_at IS NULL'), 0, 'and nothing open is left';
	}
};

subtest 'who has an account' => sub {
	my $known = $mn->user->{email};
	my $dead = invite($super);
	$super->api(DELETE => "/api/users/invites/$dead->{id}");
	my $bound = invite($super, email => fresh_email());
	for my $case ([ 'a wrong one', 'x' x 32 ], [ 'a revoked one', $dead->{invite} ],
	    [ 'one for somebody else', $bound->{invite} ]) {
		my ($what, $token) = @$case;
		my ($yes, $no) = map { join_with($token, email => $_) } $known, fresh_email();
		is code($yes), '403 invite_invalid', "$what: refused";
		is $yes->{json}{detail}, $no->{json}{detail}, 'with the same words';
		is code($no), code($yes), 'for an unknown address as well';
	}
	my ($yes, $no) = map { $anon->api(POST => '/api/auth/register',
	    { email => $_, password => $PASSWORD }) } $known, fresh_email();
	is code($yes), code($no), 'without one it is the same';
	is code($yes), '403 invite_required', 'it is refused';
	my $open = invite($super);
	is code(join_with($open, email => $known)), '409 email_taken',
	    'who is invited learns that their address is taken';
	is join_with($open)->{status}, 201, 'and can choose another one';
	is code($anon->api(POST => '/api/auth/password/reset', { token => 'x' x 32,
	    password => $PASSWORD })), '422 link_invalid', 'a reset knows only the link';
	is code($anon->api(POST => '/api/auth/confirm', { token => 'x' x 32 })),
	    '422 link_invalid', 'and so does a confirmation';
};

done_testing;
