#!/usr/bin/perl
# What must hold after an operation, for everything that was there or under way before it: a table
# of every pair. A person with everything that an account can hand out, one operation, then a look
# at each thing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Faults;
use MediaNest::PlexTv;
use MediaNest::Sequence qw(hold later waiting);
use MediaNest::Smtp;
use MediaNest::Test;
use MediaNest::WebSocket;
use Test::More;

my ($smtp, $plex) = (MediaNest::Smtp->start, MediaNest::PlexTv->start);
my $mn = MediaNest::Test->stack(private => 1, set => { $smtp->settings, $plex->settings,
    'database.timeout' => 20_000, 'session.refresh_leeway' => 0,
    'pool.auth.workers' => 4 });
my ($anon, $super) = ($mn->client, $mn->admin);
my ($friend, $heir) = ($mn->user, $mn->user);
my $NEW = 'quite another battery';

my @operations = ('password change', 'reset', 'role change', 'disabling', 'deletion',
    'token revocation', 'sign-out', 'email change', 'deletion to the trash');
# 'ends': worth nothing any more. 'lives': as good as before. Each in the order of the operations.
# The session that is looked at is another one than that which changes the password or revokes the
# token; it is the one that signs out.
my %holds = (
	'open session' => [qw(ends ends lives ends ends lives ends lives ends)],
	'refresh under way' => [qw(ends ends lives ends ends lives ends lives ends)],
	# what was verified must still hold, the role too: tried again, it is let in
	'sign-in under way' => [qw(ends ends ends ends ends lives lives lives ends)],
	# to another address: bound to session and generation; the change of address uses it up
	'mail link' => [qw(ends ends ends ends ends lives ends ends ends)],
	# after a revocation the other link, which lives, has just changed the address that this one
	# was sent to
	'reset link' => [qw(ends ends ends ends ends ends lives ends ends)],
	# begun with the session: bound to it
	'PIN' => [qw(ends ends ends ends ends lives ends lives ends)],
	# of someone who may invite until the role is changed
	'invitation' => [qw(lives lives ends ends ends lives lives lives ends)],
	# a change of the password asks; here the answer was to keep it
	'API token' => [qw(lives ends lives ends ends ends lives lives ends)],
	# completed by whom it belongs to; nobody completes it for a person who is gone
	'upload pending' => [qw(lives lives lives ends ends lives lives lives ends)],
	# the item becomes ready, at the heir's if need be, unless it is in the trash
	'processing' => [qw(lives lives lives lives lives lives lives lives ends)],
	# with a friend; what the heir gets is the heir's to share
	'shared item' => [qw(lives lives lives lives lives lives lives lives ends)],
	# a URL with a signature is good for its quarter of an hour while the bytes are there
	'signed URL' => [qw(lives lives lives lives lives lives lives lives lives)],
	'live socket' => [qw(ends ends ends ends ends lives ends lives ends)],
	# a raised generation ends it; the token, where it lives, gets another ticket
	'live socket of the API token' => [qw(ends ends ends ends ends ends lives lives ends)],
);

sub works {
	my ($r) = @_;
	return $r->{status} < 300 ? 'lives' : 'ends';
}
sub new_session {
	my ($r) = @_;
	return 'ends' if $r->{status} != 200;
	my $got = $mn->client($r->{json}{token});
	return 'lives' if $got->api(GET => '/api/auth/session')->{status} == 200;
	return works($anon->api(POST => '/api/auth/refresh',
	    { refreshToken => $r->{json}{refreshToken} }));
}
# As the person, after the operation: signs in with whichever password holds.
sub again {
	my ($who) = @_;
	for my $password ($who->{password}, $NEW) {
		my $r = $anon->api(POST => '/api/auth/login', { email => $who->{email},
		    password => $password });
		return $mn->client($r->{json}{token}) if $r->{status} == 200;
	}
	return $anon;
}

# Everything that the person has, before.
sub prepare {
	my ($who) = @_;
	my %has = (other => $mn->login($who->{email}, $who->{password}));
	my $other = $has{other};
	my @proof = (currentPassword => $who->{password});
	$other->api(PATCH => '/api/users/me', { email => "n-$who->{email}", @proof });
	$has{link} = $smtp->wait_link("n-$who->{email}", qr/new address of your account/);
	$has{reset} = do {
		$anon->api(POST => '/api/auth/password/forgot', { email => $who->{email} });
		$smtp->wait_link($who->{email}, qr/reset your password/);
	};
	$has{pin} = $other->api(POST => '/api/auth/plex/pin', {@proof});
	$has{invite} = $other->api(POST => '/api/users', { invite => JSON::PP::true,
	    role => 'user' })->{json}{invite};
	my $token = $other->api(POST => '/api/auth/tokens', { name => 'cli',
	    scopes => ['media.read'] })->{json};
	@has{qw(token token_id)} = ($mn->client($token->{token}), $token->{id});

	my $ready = $other->upload_bytes('before.png', png(64, 48), 'image/png')->{id};
	$other->wait_media($ready);
	$other->api(PUT => "/api/media/$ready/shares", { users => [$friend->{id}] });
	$has{shared} = $ready;
	$has{url} = $other->api(GET => "/api/media/$ready/file")->{headers}{location};
	$mn->stop_part('worker');
	$has{processing} = $other->upload_bytes('under-way.png', png(64, 48), 'image/png')->{id};
	my $bytes = png(32, 32);
	my $begun = $other->api(POST => '/api/media/upload/initiate', { filename => 'pending.png',
	    size => length $bytes, type => 'image/png' })->{json};
	$other->request(PUT => $begun->{uploadUrl}, $bytes, $begun->{fields});
	$has{upload} = $begun->{uploadId};
	$has{socket} = MediaNest::WebSocket->open($other);
	$has{token_socket} = MediaNest::WebSocket->open($has{token});
	return \%has;
}

my %look = (
	'open session' => sub {
		my ($who, $has) = @_;
		return 'lives' if $has->{other}->api(GET => '/api/auth/session')->{status} == 200;
		return new_session($has->{refreshed}) if $has->{refreshed}{status} == 200;
		return works($anon->api(POST => '/api/auth/refresh',
		    { refreshToken => $has->{other}{refresh_token} }));
	},
	'refresh under way' => sub { new_session($_[1]{refreshed}) },
	'sign-in under way' => sub { new_session($_[1]{signed_in}) },
	'mail link' => sub { works($anon->api(POST => '/api/auth/confirm',
	    { token => $_[1]{link} })) },
	'reset link' => sub { works($anon->api(POST => '/api/auth/password/reset',
	    { token => $_[1]{reset}, password => 'a third battery of horses' })) },
	'PIN' => sub {
		my ($who, $has) = @_;
		my $pin = $has->{pin}{json}{id};
		$plex->confirm($has->{pin}, 900 + $who->{number});
		# asked by the one who is the person now
		again($who)->api(GET => "/api/auth/plex/pin/$pin");
		$has->{other}->api(GET => "/api/auth/plex/pin/$pin");
		$anon->api(GET => "/api/auth/plex/pin/$pin");
		my $linked = 900 + $who->{number};
		return $mn->psql("SELECT count(*) FROM users WHERE plex_id = '$linked'") ? 'lives'
		    : 'ends';
	},
	'invitation' => sub { works($anon->api(POST => '/api/auth/register',
	    { email => "guest-$_[0]{number}\@medianest.test", password => 'correct horse battery',
	    displayName => 'Guest', invite => $_[1]{invite} })) },
	'API token' => sub { works($_[1]{token}->api(GET => '/api/media')) },
	'upload pending' => sub { works(again($_[0])->api(POST => '/api/media/upload/complete',
	    { uploadId => $_[1]{upload} })) },
	'processing' => sub {
		my ($who, $has) = @_;
		my $state = sub {
			$mn->psql("SELECT status FROM media WHERE id = '$has->{processing}'") };
		eval { wait_until { $state->() =~ /ready|failed|trashed/ } 30, 'the item' };
		return $state->() eq 'ready' ? 'lives' : 'ends';
	},
	'shared item' => sub { works($friend->api(GET => "/api/media/$_[1]{shared}")) },
	'signed URL' => sub { works($anon->request(GET => $_[1]{url})) },
	'live socket' => sub { defined $_[1]{socket}->wait_closed(2) ? 'ends' : 'lives' },
	'live socket of the API token' => sub {
		defined $_[1]{token_socket}->wait_closed(2) ? 'ends' : 'lives' },
);

my %operate = (
	'password change' => sub { my ($who) = @_; $who->api(POST => '/api/auth/password',
	    { current => $who->{password}, password => $NEW }) },
	'reset' => sub { $anon->api(POST => '/api/auth/password/reset',
	    { token => $_[1]{reset}, password => $NEW }) },
	'role change' => sub { $super->api(PATCH => "/api/users/$_[0]{id}", { role => 'user' }) },
	'disabling' => sub { $super->api(PATCH => "/api/users/$_[0]{id}",
	    { status => 'disabled' }) },
	'deletion' => sub { $super->api(
	    DELETE => "/api/users/$_[0]{id}?items=transfer&to=$heir->{id}") },
	'deletion to the trash' => sub { $super->api(
	    DELETE => "/api/users/$_[0]{id}?items=trash") },
	'token revocation' => sub { $_[0]->api(DELETE => "/api/auth/tokens/$_[1]{token_id}") },
	'email change' => sub { $anon->api(POST => '/api/auth/confirm', { token => $_[1]{link} }) },
	'sign-out' => sub { $_[1]{other}->api(POST => '/api/auth/logout',
	    { refreshToken => $_[1]{other}{refresh_token} }) },
);
# In this order: what needs nothing else first, what changes the person last.
my @looks = ('refresh under way', 'open session', 'live socket', 'live socket of the API token',
    'API token', 'invitation', 'PIN', 'upload pending', 'processing', 'shared item', 'signed URL',
    'sign-in under way', 'mail link', 'reset link');
is_deeply [sort @looks], [sort keys %holds], 'everything has its line in the table';

my $number = 0;
for my $i (0 .. $#operations) {
	subtest $operations[$i] => sub {
		my $who = $mn->user(role => 'admin');
		$who->{number} = ++$number;
		my $has = prepare($who);
		# The operation comes first, and meets a sign-in and a refresh in the middle of it.
		my $release = hold($mn,
		    "SELECT 1 FROM users WHERE id = '$who->{id}' FOR NO KEY UPDATE; "
		    . "SELECT 1 FROM sessions WHERE user_id = '$who->{id}' FOR UPDATE");
		my $done = later(sub { $operate{ $operations[$i] }->($who, $has) });
		waiting($mn, 1, $done);
		my $in_line = $done->('there') ? 0 : 1;
		my $signed_in = later(sub { $anon->api(POST => '/api/auth/login',
		    { email => $who->{email}, password => $who->{password} }) });
		waiting($mn, $in_line + 1, $signed_in);
		my $refreshed = later(sub { $anon->api(POST => '/api/auth/refresh',
		    { refreshToken => $has->{other}{refresh_token} }) });
		waiting($mn, $in_line + 2, $refreshed);
		$release->();
		$done = $done->();
		ok $done->{status} =~ /^20[04]$/, 'it is done' or diag explain $done;
		$who->{email} = $mn->psql("SELECT email FROM users WHERE id = '$who->{id}'")
		    || $who->{email};
		$has->{signed_in} = $signed_in->();
		$has->{refreshed} = $refreshed->();
		$mn->start_part('worker');
		is $look{$_}->($who, $has), $holds{$_}[$i], $_ for @looks;
	};
}
done_testing;
