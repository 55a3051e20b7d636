#!/usr/bin/perl
# People by version: ETag and If-Match of their accounts, and accounts that are made once.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Sequence qw(hold later waiting);
use MediaNest::Test;
use Test::More;

my $mn = MediaNest::Test->stack(set => { 'database.timeout' => 20_000 });
my ($super, $serial) = ($mn->admin, 0);

sub code { my ($r) = @_; return "$r->{status} " . ($r->{json} ? $r->{json}{code} // '' : '') }
sub etag { return $_[0]->{headers}{etag} }
sub fresh_email { return "version-$$-" . ++$serial . '@medianest.test' }

subtest 'own profile' => sub {
	my $who = $mn->user;
	my $read = $who->api(GET => '/api/users/me');
	like etag($read), qr/^"\d+-[0-9a-f-]+"$/, 'GET has an ETag';
	is qq("$read->{json}{etag}"), etag($read), 'and the body names it';
	is $who->api(GET => '/api/users/me', undef, { 'If-None-Match' => etag($read) })->{status},
	    304, 'unchanged';
	my $if = { 'If-Match' => etag($read) };
	my $first = $who->api(PATCH => '/api/users/me', { displayName => 'One' }, $if);
	is $first->{status}, 200, 'the version that was read';
	isnt etag($first), etag($read), 'has become another';
	is code($who->api(PATCH => '/api/users/me', { displayName => 'Two' }, $if)),
	    '412 precondition_failed', 'which a stale one does not overwrite';
	is $who->api(GET => '/api/users/me')->{json}{displayName}, 'One', 'nothing was changed';
	is $who->api(PATCH => '/api/users/me', { displayName => 'Two' },
	    { 'If-Match' => etag($first) })->{status}, 200, 'the new one';
	is $who->api(PATCH => '/api/users/me', { displayName => 'Three' })->{status}, 200,
	    'without a condition as before';
	is $who->api(PATCH => '/api/users/me', { displayName => 'Four' },
	    { 'If-Match' => '*' })->{status}, 200, 'any version';
};

subtest 'any version, while it changes' => sub {
	my $who = $mn->user;
	my $release = hold($mn,
	    "UPDATE users SET display_name = 'Meanwhile' WHERE id = '$who->{id}'");
	my $answer = later(sub { $super->api(PATCH => "/api/users/$who->{id}",
	    { tier => 'premium' }, { 'If-Match' => '*' }) });
	waiting($mn, 1);
	$release->();
	is $answer->()->{status}, 200, 'is any';
};

subtest 'the account of someone else' => sub {
	my $who = $mn->user;
	my $path = "/api/users/$who->{id}";
	my $read = $super->api(GET => $path);
	my $if = { 'If-Match' => etag($read) };
	is $who->api(PATCH => '/api/users/me', { displayName => 'Renamed' })->{status}, 200,
	    'they change it themselves meanwhile';
	is code($super->api(PATCH => $path, { tier => 'premium' }, $if)),
	    '412 precondition_failed', 'the admin is told';
	is $super->api(GET => $path)->{json}{tier}, 'standard', 'nothing was changed';
	$read = $super->api(GET => $path);
	$if = { 'If-Match' => etag($read) };
	my $session = $mn->login($who->{email}, $who->{password});
	isnt etag($super->api(GET => $path)), etag($read), 'a sign-in changes what is shown';
	is $super->api(PATCH => $path, { tier => 'premium' }, $if)->{status}, 200,
	    'but is no change that a person makes';
	my ($listed) = grep { $_->{id} eq $who->{id} }
	    @{ $super->api(GET => "/api/users?q=$who->{email}")->{json}{items} };
	is qq("$listed->{etag}"), etag($super->api(GET => $path)), 'lists name it too';
	is code($super->api(PATCH => '/api/users/01a2028b-0000-7000-8000-000000000000',
	    { tier => 'premium' }, $if)), '404 not_found', 'nobody';
};

# Every statement that changes what is shown of a person makes another version.
subtest 'every change' => sub {
	my $who = $mn->user;
	my $version = sub { $mn->psql("SELECT version FROM users WHERE id = '$who->{id}'") };
	for (["email = 'x' || email", 1], ["display_name = 'x'", 1], ["role = 'guest'", 1],
	    ["tier = 'premium'", 1], ["status = 'disabled'", 1], ['totp_confirmed_at = now()', 1],
	    ["plex_id = id::text", 1], ['quota_bytes = 5', 1], ["display_name = 'x'", 0],
	    ['last_login_at = now()', 0], ['generation = generation + 1', 0],
	    ['version = version + 1', 0]) {
		my ($change, $by) = @$_;
		my $before = $version->();
		$mn->psql("UPDATE users SET $change WHERE id = '$who->{id}'");
		is $version->() - $before, $by, $change;
	}
};

subtest 'two at once' => sub {
	my $who = $mn->user;
	my $if = { 'If-Match' => etag($super->api(GET => "/api/users/$who->{id}")) };
	my @said;
	for my $n (1 .. 8) {
		pipe my $in, my $out or die "pipe: $!";
		my $pid = fork // die "fork: $!";
		if ($pid == 0) {
			my $r = $super->api(PATCH => "/api/users/$who->{id}",
			    { displayName => "n$n" }, $if);
			syswrite $out, $r->{status};
			POSIX::_exit(0);
		}
		close $out;
		push @said, [$pid, $in];
	}
	my @status = map { waitpid $_->[0], 0; sysread $_->[1], my $s, 9; $s } @said;
	is_deeply [sort @status], [200, (412) x 7], 'one wins';
};

subtest 'an account that is made once' => sub {
	my %key = ('Idempotency-Key' => "account-$$-" . ++$serial);
	my $email = fresh_email();
	my $body = { email => $email, password => 'correct horse battery', displayName => 'Once' };
	my $first = $super->api(POST => '/api/users', $body, \%key);
	is $first->{status}, 201, 'created' or diag $first->{content};
	my $again = $super->api(POST => '/api/users', $body, \%key);
	is $again->{status}, 201, 'again';
	is $again->{headers}{'idempotency-replayed'}, 'true', 'a replay';
	is $again->{json}{id}, $first->{json}{id}, 'of the same account';
	is $mn->login($email, 'correct horse battery')->api(GET => '/api/auth/session')->{status},
	    200, 'which signs in';
	is code($super->api(POST => '/api/users', { %$body, password => 'another horse battery' },
	    \%key)), '422 idempotency_key_reused', 'another password is another request';
	my $row = $mn->psql("SELECT encode(body_hash, 'hex') || ' ' || response FROM"
	    . " idempotency_keys WHERE key = '$key{'Idempotency-Key'}'");
	unlike $row, qr/horse/, 'no password is kept';
	require Digest::SHA;
	my $plain = Digest::SHA->new(256);
	my $text = JSON::PP->new->utf8->canonical->allow_nonref->encode($body);
	isnt substr($row, 0, 64), $plain->add("/api/users\0\0$text")->hexdigest,
	    'nor a digest by which it can be tried';
	is code($super->api(POST => '/api/users', $body,
	    { 'Idempotency-Key' => "other-$$-" . ++$serial })), '409 email_taken',
	    'without the key it is the second';
};

subtest 'an invitation that is made once' => sub {
	my %key = ('Idempotency-Key' => "invite-$$-" . ++$serial);
	my $body = { invite => JSON::PP::true, role => 'guest', email => fresh_email() };
	my $first = $super->api(POST => '/api/users', $body, \%key);
	is $first->{status}, 201, 'created';
	ok $first->{json}{invite} && $first->{json}{url}, 'with its link';
	my $again = $super->api(POST => '/api/users', $body, \%key);
	is $again->{json}{id}, $first->{json}{id}, 'the same again';
	is_deeply [grep { exists $again->{json}{$_} } qw(invite url)], [], 'without the secret';
	my $kept = $mn->psql("SELECT response FROM idempotency_keys WHERE key ="
	    . " '$key{'Idempotency-Key'}'");
	unlike $kept, qr/\Q$first->{json}{invite}\E/, 'which is nowhere kept';
	is $mn->psql("SELECT count(*) FROM invites WHERE email = '$body->{email}'"), 1,
	    'one invitation';
};

done_testing;
