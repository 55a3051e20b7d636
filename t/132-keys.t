#!/usr/bin/perl
# medianest-admin keys rotate and reseal; and the audit log, whose chainer reads only what is new.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(hmac_sha1);
use MediaNest::Test;
use MIME::Base64 qw(decode_base64url);
use Test::More;

use constant { AUDIT_ROWS => 30_000, AUDIT_BLOCKS => 30, BROKEN => 150 };

my $mn = MediaNest::Test->stack(private => 1);
my $keys = "$mn->{var}/data/keys";
my $super = $mn->admin;

sub slurp { open my $in, '<', "$keys/$_[0]" or return; local $/; return scalar <$in> }
sub keys_of { return sort map { m{([^/]+)$} } glob "$keys/{jwt,data}-*.key" }
sub admin {
	my $said = MediaNest::Test::run_output("$mn->{root}/dev", 'admin', '--var', $mn->{var}, @_);
	return ($? >> 8, $said);
}
sub sealed {
	my ($who, $column) = @_;
	return $mn->psql("SELECT convert_from($column, 'UTF8') FROM users WHERE id = '$who->{id}'");
}
sub kid {
	my ($who) = @_;
	return decode_base64url((split /\./, $who->{token})[0]) =~ /"kid":\s*"(\d+)"/ ? $1 : '';
}

sub code_of {
	my ($secret, $step) = @_;
	my $bits = join '', map { sprintf '%05b', index 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', $_ }
	    split //, $secret;
	my @mac = unpack 'C*', hmac_sha1(pack('Q>', $step), pack 'B*', substr $bits, 0, 160);
	my $at = $mac[-1] & 15;
	return sprintf '%06d', (($mac[$at] & 127) << 24 | $mac[$at + 1] << 16 | $mac[$at + 2] << 8
	    | $mac[$at + 3]) % 1_000_000;
}

# Two-step verification for a person; returns the secret.
sub begin_totp {
	my ($who) = @_;
	my $begun = $who->api(POST => '/api/auth/totp', { currentPassword => $who->{password} });
	is $begun->{status}, 200, 'two-step verification begins' or diag $begun->{content};
	return $begun->{json}{secret};
}
my $used = 0;
sub next_step { my $step = int(time / 30) - 1; return $used = $step > $used ? $step : $used + 1 }
sub sign_in {
	my ($who, $secret) = @_;
	return $mn->client->api(POST => '/api/auth/login', { email => $who->{email},
	    password => $who->{password}, totp => code_of($secret, next_step()) })->{status};
}

my ($whole, $begun, $plain) = map { $mn->user } 1 .. 3;
my $secret = begin_totp($whole);
is $whole->api(POST => '/api/auth/totp/confirm', { code => code_of($secret, next_step()) })
    ->{status}, 200, 'and is on';
begin_totp($begun);
my $once = { email => 'once@medianest.test', password => 'correct horse battery' };
my %key = ('Idempotency-Key' => "rotation-$$");
my $made = $super->api(POST => '/api/users', $once, \%key);
is $made->{status}, 201, 'an account, made under the first key';

subtest 'rotate' => sub {
	my %before = map { ($_ => slurp($_)) } keys_of();
	is_deeply [sort keys %before], ['data-1.key', 'jwt-1.key'], 'the first keys';
	my ($status, $said) = admin(qw(keys rotate));
	is $status, 0, 'rotate' or diag $said;
	like $said, qr/data-2\.key: created\n.*jwt-2\.key: created\n.*reload/s, 'what now';
	is_deeply [keys_of()], [qw(data-1.key data-2.key jwt-1.key jwt-2.key)], 'two more';
	is slurp($_), $before{$_}, "$_ is as it was" for sort keys %before;
	is((stat "$keys/$_")[2] & 07777, 0400, "$_: mode") for qw(data-2.key jwt-2.key);
	is_deeply [glob "$keys/.new*"], [], 'nothing is left beside them';
	is $plain->api(GET => '/api/users/me')->{status}, 200, 'sessions go on';
};

# One pool has the new keys: the others understand what it makes.
subtest 'while only one pool has them' => sub {
	$mn->restart_part('auth');
	my $new = wait_until(sub { eval { $mn->login(@$plain{qw(email password)}) } }, 20,
	    'the pool');
	is kid($plain), 1, 'a token of before';
	is kid($new), 2, 'and one of the new key';
	for my $who ($plain, $new) {
		is $who->api(GET => $_)->{status}, 200, "$_ takes the token of key " . kid($who)
		    for qw(/api/users/me /api/media /api/notifications /api/auth/session);
	}
	is sign_in($whole, $secret), 200, 'a secret of the first key opens';
	$new->{password} = $plain->{password};
	begin_totp($new);
	like sealed($plain, 'totp_pending'), qr/^v1:2:/, 'a new secret is of the second';
};

subtest 'reseal' => sub {
	$mn->psql("INSERT INTO users (id, email, display_name, role, totp_secret) SELECT"
	    . " gen_random_uuid(), 'broken-' || n || '\@medianest.test', 'x', 'user',"
	    . " convert_to('v1:1:AAAA', 'UTF8') FROM generate_series(1, " . BROKEN . ") n");
	my ($status, $said) = admin(qw(keys reseal));
	is $status, 1, 'a secret that cannot be opened is told';
	is scalar(() = $said =~ m{^users/[0-9a-f-]{36}/totp cannot be decrypted$}gm), BROKEN,
	    'each once';
	like $said, qr/^2 secrets sealed again with data-2\.key$/m, 'the others are done';
	like $said, qr/^data-1\.key is still needed: by @{[BROKEN]} secrets/m, 'the key must stay';
	like sealed($whole, 'totp_secret'), qr/^v1:2:/, 'a secret';
	like sealed($begun, 'totp_pending'), qr/^v1:2:/, 'one that is not confirmed';
	is sealed($mn->admin, 'totp_secret'), '', 'nothing where there is none';
	$mn->psql("DELETE FROM users WHERE email LIKE 'broken-%'");
	$mn->psql("INSERT INTO jobs (id, kind, queue, state, payload) VALUES (gen_random_uuid(),"
	    . " 'x', 'nobody', 'available', '{\"link\":\"v1:1:AAAA\"}')");
	($status, $said) = admin(qw(keys reseal));
	is $status, 0, 'again' or diag $said;
	like $said, qr/^0 secrets sealed again/m, 'there is nothing to do';
	like $said, qr/^data-1\.key is still needed: by 0 secrets, and by 1 jobs/m,
	    'a job that waits needs it';
	$mn->psql("DELETE FROM jobs WHERE kind = 'x'");
	($status, $said) = admin(qw(keys reseal));
	like $said, qr/^data-1\.key may be removed$/m, 'then it may go';
	is $mn->psql("SELECT count(*) FROM audit_log WHERE action = 'keys.resealed'"), 1,
	    'in the audit log';
};

subtest 'without the old keys' => sub {
	$mn->restart_part('users');
	wait_until(sub { $super->api(GET => '/api/users/me')->{status} == 200 }, 20, 'the pool');
	my $again = $super->api(POST => '/api/users', $once, \%key);
	is $again->{json}{id}, $made->{json}{id}, 'a request of before is known under the new key';
	unlink "$keys/data-1.key", "$keys/jwt-1.key";
	$mn->restart_part($_) for qw(auth users);
	wait_until(sub { eval { $mn->login(@$plain{qw(email password)}) } }, 20, 'the pool');
	is sign_in($whole, $secret), 200, 'the secret opens with the new key';
	is $plain->api(GET => '/api/users/me')->{json}{code}, 'token_invalid',
	    'a token of the old one is refused';
	is $mn->client->api(POST => '/api/auth/refresh',
	    { refreshToken => $plain->{refresh_token} })->{status}, 200, 'but can be refreshed';
};

subtest 'four of each kind' => sub {
	is((admin(qw(keys rotate)))[0], 0, "key $_") for 3 .. 5;
	is_deeply [grep { /jwt/ } keys_of()], [map { "jwt-$_.key" } 2 .. 5], 'numbers go on';
	my ($status, $said) = admin(qw(keys rotate));
	is $status, 1, 'a fifth one';
	like $said, qr/there are 4 data-N\.key files already: remove data-2\.key first/,
	    'is too many';
	is scalar(my @n = keys_of()), 8, 'and is not made';
	($status, $said) = admin(qw(keys create));
	is $status, 0, 'create';
	is scalar(@n = keys_of()), 8, 'makes no other';
};

subtest 'the audit log' => sub {
	my $chained = sub {
		return $mn->psql('SELECT coalesce((SELECT max(audit_id) FROM audit_chain), 0) ='
		    . ' coalesce((SELECT max(id) FROM audit_log), 0)') eq 't';
	};
	wait_until(sub { $chained->() }, 30, 'the chain');
	$mn->psql("WITH a AS (INSERT INTO audit_log (actor, action) SELECT 'x', 'x' FROM"
	    . " generate_series(1, " . AUDIT_ROWS . ") RETURNING id) INSERT INTO audit_chain"
	    . " (seq, audit_id, hash) SELECT (SELECT max(seq) FROM audit_chain) + row_number()"
	    . " OVER (ORDER BY id), id, decode(repeat('00', 32), 'hex') FROM a");
	$mn->psql('ANALYZE audit_log; ANALYZE audit_chain');
	$mn->psql('SELECT pg_stat_statements_reset()');
	$super = $mn->login;
	is $super->api(PATCH => "/api/users/$begun->{id}", { tier => 'premium' })->{status}, 200,
	    'one more entry';
	wait_until(sub { $chained->() }, 30, 'its link');
	my ($calls, $blocks) = split /\|/, $mn->psql('SELECT sum(calls), sum(shared_blks_hit +'
	    . " shared_blks_read) FROM pg_stat_statements WHERE query LIKE '%FROM audit_log a"
	    . " WHERE%ORDER BY a.id LIMIT%'");
	cmp_ok $calls, '>', 0, 'the chainer read';
	cmp_ok $blocks / $calls, '<=', AUDIT_BLOCKS, 'only what is new';
};

done_testing;
