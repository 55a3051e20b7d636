#!/usr/bin/perl
# An API token gives nothing that is not among its own scopes, whatever its owner may do: no role,
# no permission, no power over people who have more than it has.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use Test::More;

# It changes the matrix of roles.
my $mn = MediaNest::Test->stack(private => 1);
my $super = $mn->admin;
my $serial = 0;
my @ALL = qw(media.read media.upload media.delete media.manage_all profile.view profile.edit
    users.manage system.settings integrations.view integrations.configure webhooks.manage);
my @ADMIN = grep { !/^(?:media\.manage_all|system\.settings)$/ } @ALL;

sub code { my ($r) = @_; return "$r->{status} " . ($r->{json} ? $r->{json}{code} // '' : '') }
sub fresh_email { return sprintf 's%d-%d@medianest.test', $$, ++$serial }

sub token {
	my ($owner, @scopes) = @_;
	my $made = $owner->api(POST => '/api/auth/tokens', { name => 'cli', scopes => \@scopes });
	is $made->{status}, 201, "a token for @scopes" or diag $made->{content};
	return $mn->client($made->{json}{token});
}

# What the client can give: each role by all ways.
sub gives {
	my ($by) = @_;
	my %gives;
	for my $role (qw(guest user admin super)) {
		my $user = $mn->user(role => 'guest');
		my @codes = map { code($_) } (
			$by->api(POST => '/api/users', { invite => JSON::PP::true, role => $role }),
			$by->api(POST => '/api/users', { email => fresh_email(), role => $role,
				password => 'correct horse battery' }),
			$by->api(PATCH => "/api/users/$user->{id}", { role => $role }),
		);
		$codes[2] =~ s/^200/201/;
		is_deeply \@codes, [ ($codes[0]) x 3 ], "$role: the same by all ways"
		    or diag "@codes";
		$gives{$role} = $codes[0] =~ s/^\d+ //r;
		my $has = $mn->psql("SELECT role FROM users WHERE id = '$user->{id}'");
		is $has, $gives{$role} eq '' ? $role : 'guest', 'the database agrees';
	}
	return \%gives;
}

# What the client can do to somebody; a person of that role for each way.
sub touches {
	my ($by, $role) = @_;
	my @person = map { $mn->user(role => $role)->{id} } 1 .. 4;
	my @codes = map { code($_) } (
		$by->api(PATCH => "/api/users/$person[0]", { displayName => 'Else' }),
		$by->api(PATCH => "/api/users/$person[1]", { status => 'disabled' }),
		$by->api(DELETE => "/api/users/$person[2]/totp"),
		$by->api(DELETE => "/api/users/$person[3]?items=trash"),
	);
	s/^20\d/200/ for @codes;
	is_deeply \@codes, [ ($codes[0]) x 4 ], "$role: all or nothing" or diag "@codes";
	return $codes[0] =~ s/^\d+ //r;
}

my $narrow = token($super, 'users.manage');

subtest 'users.manage alone' => sub {
	is_deeply gives($narrow),
	    { guest => '', user => '', admin => 'scope_missing', super => 'scope_missing' },
	    'gives guests and users, though its owner is a super admin';
	is touches($narrow, $_), '', "is good for a $_" for qw(guest user);
	is touches($narrow, $_), 'scope_missing', "but not for a $_" for qw(admin super);
	is code($narrow->api(PATCH => "/api/users/$mn->{id}", { displayName => 'x' })),
	    '403 scope_missing', 'nor for its owner' if $mn->{id};
	my $high = $super->api(POST => '/api/users',
	    { invite => JSON::PP::true, role => 'admin' })->{json};
	is code($narrow->api(DELETE => "/api/users/invites/$high->{id}")), '403 scope_missing',
	    'nor takes back what it could not give';
	is code($narrow->api(POST => '/api/auth/tokens', { name => 'x', scopes => \@ALL })),
	    '403 session_required', 'a token makes no token';
};

subtest 'all of an admin' => sub {
	my $admin = $mn->user(role => 'admin');
	is_deeply gives(token($admin, @ADMIN)),
	    { guest => '', user => '', admin => '', super => 'role_above_own' },
	    'gives what its owner gives';
	my $by_super = token($super, @ADMIN);
	is_deeply gives($by_super),
	    { guest => '', user => '', admin => '', super => 'scope_missing' },
	    'that of a super admin too, and no more';
	is touches($by_super, 'admin'), '', 'and has the power over admins';
	is touches($by_super, 'super'), 'scope_missing', 'but not over super admins';
	is_deeply gives(token($super, grep { $_ ne 'webhooks.manage' } @ADMIN)),
	    { guest => '', user => '', admin => 'scope_missing', super => 'scope_missing' },
	    'one scope less, and admins are beyond it';
};

subtest 'everything' => sub {
	my $all = token($super, @ALL);
	is_deeply gives($all), { guest => '', user => '', admin => '', super => '' }, 'gives all';
	is touches($all, 'super'), '', 'and has all power';
};

subtest 'the matrix' => sub {
	my $now = sub { return $super->api(GET => '/api/admin/roles')->{json}{roles} };
	my $before = $now->();
	my $cli = token($super, 'system.settings');
	my $put = sub {
		my ($by, %rows) = @_;
		return code($by->api(PUT => '/api/admin/roles', { roles => { %$before, %rows } }));
	};
	my @user = @{ $before->{user} };
	is $put->($cli), '200 ', 'a token can write what is there';
	for my $more (grep { $_ ne 'system.settings' } @ALL) {
		next if grep { $_ eq $more } @user;
		is $put->($cli, user => [ @user, $more ]), '403 scope_missing', "not $more";
	}
	is_deeply $now->(), $before, 'nothing has changed';
	is $put->($cli, guest => [ @{ $before->{guest} }, 'system.settings' ]), '200 ',
	    'it gives what it has';
	is $put->($super), '200 ', 'back';
	is $put->($cli, user => [ grep { $_ ne 'media.upload' } @user ]), '200 ', 'it takes away';
	is $put->($cli), '403 scope_missing', 'but cannot give that back';
	is $put->($super), '200 ', 'a session can';
	is $put->($cli, guest => [ 'media.read', 'users.manage' ]), '403 scope_missing',
	    'nor for another role';

	is $put->($super, user => [ @user, 'system.settings' ]), '200 ',
	    'the house makes its users strong';
	is_deeply gives($narrow), { guest => '', user => 'scope_missing',
		admin => 'scope_missing', super => 'scope_missing' },
	    'then they are beyond a token for guests and users';
	is touches($narrow, 'user'), 'scope_missing', 'in every way';
	is $put->($super), '200 ', 'back';
	is touches($narrow, 'user'), '', 'and within again';
};

subtest 'transfer' => sub {
	my ($heir, @goes) = map { $mn->user } 1 .. 4;
	my $give = sub {
		my ($by) = @_;
		return code($by->api(DELETE => "/api/users/$goes[0]{id}?items=transfer&to=$_[1]"));
	};
	my $own = $super->api(GET => '/api/users/me')->{json}{id};
	is $give->($narrow, $own), '403 forbidden', 'not to the owner of a token without the scope';
	is $give->($narrow, $heir->{id}), '403 forbidden', 'nor to anybody else';
	is $give->(token($super, 'users.manage', 'media.manage_all'), $heir->{id}), '204 ',
	    'with both scopes';
};

done_testing;
