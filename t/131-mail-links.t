#!/usr/bin/perl
# Links that are mailed: one at a time is good, they are counted for each address, lie sealed while
# they wait, and leave nothing behind; and none of it tells who has an account.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Smtp;
use MediaNest::Test;
use Test::More;

use constant INTERVAL => 300;

my $smtp = MediaNest::Smtp->start;
my $mn = MediaNest::Test->stack(set => { $smtp->settings, 'registration.mode' => 'open' });
my $anon = $mn->client;
my $super = $mn->admin;
my $serial = 0;
my $PASSWORD = 'correct horse battery';

sub code { my ($r) = @_; return "$r->{status} " . ($r->{json} ? $r->{json}{code} // '' : '') }
sub fresh_email { return sprintf 'l%d-%d@medianest.test', $$, ++$serial }
sub forgot { return $anon->api(POST => '/api/auth/password/forgot', { email => $_[0] }) }
sub sign_up {
	my ($email, %more) = @_;
	return $anon->api(POST => '/api/auth/register',
	    { email => $email, password => $PASSWORD, %more });
}
sub confirm { return $anon->api(POST => '/api/auth/confirm', { token => $_[0] }) }
sub reset_with {
	return $anon->api(POST => '/api/auth/password/reset',
	    { token => $_[0], password => 'brand new battery' });
}

# Until the worker has nothing to mail.
sub mailed {
	wait_until(sub { $mn->psql("SELECT count(*) FROM jobs WHERE queue = 'mail' AND state IN "
	    . "('available', 'running')") == 0 }, 60, 'the mails to be sent');
}
sub mails_to { my ($to) = @_; mailed(); return grep { $_->{to} eq lc $to } $smtp->mails }
sub tokens_to {
	my ($to) = @_;
	return map { $_->{text} =~ /token=([\w-]+)/ ? $1 : () } mails_to($to);
}

# As if the links of this address had been sent longer ago than the interval.
sub age {
	my ($email) = @_;
	$mn->psql("UPDATE mail_tokens SET created_at = created_at - interval '@{[INTERVAL + 1]} s'"
	    . " WHERE email = '$email'");
}

sub settings {
	my (%set) = @_;
	my $r = $super->api(PATCH => '/api/admin/settings', \%set);
	is $r->{status}, 200, join ', ', map { "$_ = " . ($set{$_} // 'default') } sort keys %set
	    or diag $r->{content};
}

subtest 'a lost password' => sub {
	my $who = $mn->user;
	my $email = $who->{email};
	is forgot($email)->{status}, 202, 'asked';
	my ($first) = tokens_to($email);
	ok $first, 'a link came';
	is forgot(uc $email)->{status}, 202, 'asked again';
	is scalar(mails_to($email)), 1, 'nothing more is sent';
	is code(reset_with($first . 'x')), '422 link_invalid', 'another link is none';
	age($email);
	is forgot($email)->{status}, 202, 'asked much later';
	my ($second) = grep { $_ ne $first } tokens_to($email);
	ok $second, 'a new link came';
	is code(reset_with($first)), '422 link_invalid', 'in place of the first';
	is forgot($email)->{status}, 202, 'asked once more';
	is scalar(mails_to($email)), 2, 'nothing more is sent';
	is reset_with($second)->{status}, 204, 'the second one is still good';
	is forgot($email)->{status}, 202, 'and lost again';
	my ($third) = grep { $_ ne $first && $_ ne $second } tokens_to($email);
	ok $third, 'a link that was used is no reason to wait';
	is $mn->psql("SELECT count(*) FROM mail_tokens WHERE email = '$email' AND used_at IS NULL"),
	    1, 'one is open';
};

subtest 'a registration' => sub {
	my $email = fresh_email();
	is sign_up($email, displayName => 'First')->{status}, 202, 'signed up';
	is sign_up($email, displayName => 'Second')->{status}, 202, 'and again';
	my ($first, @more) = tokens_to($email);
	is scalar(@more), 0, 'one mail';
	age($email);
	is sign_up($email, displayName => 'Third')->{status}, 202, 'much later';
	my ($second) = grep { $_ ne $first } tokens_to($email);
	is code(confirm($first)), '422 link_invalid', 'the first link is replaced';
	is confirm($second)->{status}, 204, 'the second one is good';
	is $mn->psql("SELECT display_name FROM users WHERE email = '$email'"), 'Third',
	    'with what was said last';

	my $known = $mn->user->{email};
	is code(sign_up($known)), '202 ', 'somebody who has an account' for 1 .. 2;
	my @told = mails_to($known);
	is scalar(@told), 1, 'is told once';
	like $told[0]{text}, qr/already has an account/, 'so';
	age($known);
	is code(sign_up($known)), '202 ', 'much later';
	is scalar(mails_to($known)), 2, 'and once more then';

	my $live = fresh_email();
	settings('mail.link_interval' => 0);
	is code(sign_up($live)), '202 ', 'with an interval of nothing' for 1 .. 2;
	is scalar(tokens_to($live)), 2, 'each time one is sent';
	settings('mail.link_interval' => undef);
	is code(sign_up($live)), '202 ', 'with the default';
	is scalar(tokens_to($live)), 2, 'no more';
};

subtest 'who has an account' => sub {
	my ($known, $unknown) = ($mn->user->{email}, fresh_email());
	mailed();
	$mn->stop_part('worker');
	my $work = sub {
		my ($email) = @_;
		return $mn->psql("SELECT count(*) FROM mail_tokens WHERE email = '$email'") . ' '
		    . $mn->psql("SELECT coalesce(string_agg(kind, ',' ORDER BY kind), '') FROM jobs"
			. " WHERE queue = 'mail' AND state = 'available'"
			. " AND '$email' IN (payload->>'to', payload->>'email')");
	};
	my ($yes, $no) = map { forgot($_) } $known, $unknown;
	is_deeply [ @$yes{qw(status content)} ], [ @$no{qw(status content)} ], 'the same answer';
	is $work->($known), '0 mail.reset', 'after the same work';
	is $work->($unknown), '0 mail.reset', 'whose address it is, the worker finds out';
	($yes, $no) = map { sign_up($_) } $known, $unknown;
	is_deeply [ @$yes{qw(status content)} ], [ @$no{qw(status content)} ],
	    'the same answer to a registration';
	is $work->($known), '1 mail.reset,mail.send', 'after the same work';
	is $work->($unknown), '1 mail.reset,mail.send', 'of both';
	$mn->start_part('worker');
	is join(' ', map { $_->{text} =~ /reset your password\. The/ ? 'reset' : 'known' }
		sort { $a->{text} cmp $b->{text} } mails_to($known)), 'reset known', 'told both';
	is scalar(tokens_to($unknown)), 1, 'no link to choose a password without an account';
	unlike $mn->psql("SELECT payload FROM jobs WHERE kind = 'mail.reset'"), qr/\Q$unknown\E/,
	    'the address is not kept';
};

subtest 'a new address' => sub {
	my $who = $mn->user;
	my ($new, $other) = (fresh_email(), fresh_email());
	my $move = sub { $who->api(PATCH => '/api/users/me',
	    { email => $_[0], currentPassword => $who->{password} }) };
	is $move->($new)->{status}, 200, 'asked' for 1 .. 2;
	my ($first, @more) = tokens_to($new);
	is scalar(@more), 0, 'one mail';
	is scalar(mails_to($who->{email})), 1, 'and the old address is told once';
	is $move->($other)->{status}, 200, 'another address at once';
	my ($second) = tokens_to($other);
	ok $second, 'has a link at once';
	is code(confirm($first)), '422 link_invalid', 'and the first one is dead';
	is confirm($second)->{status}, 204, 'the other is good';
};

# A link that something else has ended is no reason to wait.
subtest 'a link that is dead' => sub {
	my $who = $mn->user;
	is forgot($who->{email})->{status}, 202, 'asked';
	my ($first) = tokens_to($who->{email});
	is $super->api(PATCH => "/api/users/$who->{id}", { tier => 'premium' })->{status}, 200,
	    'the account changes';
	is code(reset_with($first)), '422 link_invalid', 'which ends the link';
	is forgot($who->{email})->{status}, 202, 'asked at once';
	my ($second) = grep { $_ ne $first } tokens_to($who->{email});
	is reset_with($second)->{status}, 204, 'a good one is sent';
};

subtest 'at rest' => sub {
	mailed();
	$mn->stop_part('worker');
	my ($a, $b, $invited) = map { fresh_email() } 1 .. 3;
	is sign_up($_)->{status}, 202, 'signed up' for $a, $b;
	my $invite = $super->api(POST => '/api/users',
	    { invite => JSON::PP::true, email => $invited })->{json};
	my $waiting = $mn->psql("SELECT payload FROM jobs WHERE kind = 'mail.send'"
	    . " AND state = 'available' ORDER BY id");
	is scalar(() = $waiting =~ /"link": "v1:/g), 3, 'three sealed links wait';
	unlike $waiting, qr/http|token=|\Q$invite->{invite}\E/, 'none of them in clear';

	# One that is moved to another mail cannot be read there, and the job ends without it.
	$mn->psql("UPDATE jobs j SET attempt = max_attempts - 1, payload = jsonb_set(j.payload,"
	    . " '{link}', (SELECT o.payload->'link' FROM jobs o WHERE o.state = 'available' AND"
	    . " o.payload->>'to' = '$a')) WHERE j.state = 'available'"
	    . " AND j.payload->>'to' = '$b'");
	$mn->start_part('worker');
	my ($token) = tokens_to($a);
	is confirm($token)->{status}, 204, 'a link that waited is good';
	is scalar(mails_to($b)), 0, 'the moved one is not sent';
	my $dead = $mn->psql("SELECT state || ' ' || payload::text FROM jobs"
	    . " WHERE payload->>'to' = '$b'");
	like $dead, qr/^dead /, 'its job is dead';
	unlike $dead, qr/link|url/, 'and holds no link';
	is $mn->psql("SELECT count(*) FROM jobs WHERE queue = 'mail' AND state IN ('done', 'dead')"
	    . " AND payload ?| '{url,link}'"), 0, 'nor does any job that has ended';
};

subtest 'counters' => sub {
	my ($known, $unknown) = ($mn->user->{email}, fresh_email());
	my $count = sub {
		return $mn->psql("SELECT coalesce(sum(asked), 0) FROM mail_counters"
		    . " WHERE subject LIKE '$_[0]:%'");
	};
	$mn->psql('DELETE FROM mail_counters');
	settings('mail.links_per_account' => 2, 'mail.links_per_address' => 7);
	for my $email ($known, $unknown) {
		is code(forgot($email)), '202 ', "asked for $email" for 1 .. 3;
		mailed();
		age($email);
	}
	is $count->('account'), 6, 'counted for both';
	is scalar(mails_to($known)), 1, 'one mail so far';
	is code(forgot($known)), '202 ', 'asked once more, over the limit of the address';
	is scalar(mails_to($known)), 1, 'nothing is sent, though the first link is old';
	my ($yes, $no) = (forgot($known), forgot($unknown));
	is code($_), '429 too_many_attempts', 'over the limit of who asks' for $yes, $no;
	is $yes->{json}{detail}, $no->{json}{detail}, 'with the same words';
	ok $yes->{headers}{'retry-after'} > 0, 'and when to try again';
	is code(sign_up(fresh_email())), '429 too_many_attempts', 'a registration too';
	unlike $mn->psql('SELECT subject FROM mail_counters'), qr/\@/, 'no list of addresses';
	$mn->psql("UPDATE mail_counters SET window_start = now() - interval '1 hour'");
	is code(forgot($known)), '202 ', 'an hour later';
	is scalar(mails_to($known)), 2, 'a link comes again';
	settings('mail.links_per_account' => undef, 'mail.links_per_address' => undef);
	$mn->psql("UPDATE mail_counters SET last_at = now() - interval '2 days'");
	$mn->psql("UPDATE jobs SET run_at = now() WHERE kind = 'upkeep.sign_ins'"
	    . " AND state = 'available'; NOTIFY mn_jobs, 'upkeep'");
	wait_until(sub { $count->('account') == 0 }, 60, 'old counters to go');
	pass 'old counters go';
};

done_testing;
