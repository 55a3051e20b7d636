#!/usr/bin/perl
# Mail: registration in open mode, reset links, a changed address; by STARTTLS to a server of the
# test's own.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Smtp;
use MediaNest::Test;
use Test::More;

my $smtp = MediaNest::Smtp->start;
my $mn = MediaNest::Test->stack(set => { $smtp->settings, 'registration.mode' => 'open',
    'mail.link_interval' => 0 });
my $anon = $mn->client;

sub code { my ($r) = @_; return "$r->{status} " . ($r->{json} ? $r->{json}{code} // '' : '') }
sub mail_to {
    my ($to, $subject) = @_;
    return $smtp->wait_mail(sub { $_[0]{to} eq $to && $_[0]{text} =~ $subject });
}
sub token_of { my ($mail) = @_; return $mail->{text} =~ /token=([\w-]+)/ ? $1 : undef }
sub login {
    my ($email, $password) = @_;
    return $anon->api(POST => '/api/auth/login', { email => $email, password => $password });
}

subtest 'open registration' => sub {
    my $new = { email => 'new@medianest.test', password => 'correct horse battery',
        displayName => 'New <b>One</b>' };
    my $unknown = $anon->api(POST => '/api/auth/register', $new);
    my $known = $anon->api(POST => '/api/auth/register', { %$new, email => $mn->{email} });
    is $unknown->{status}, 202, 'accepted';
    is $known->{status}, 202, 'a known address too';
    is_deeply $unknown->{json}, $known->{json}, 'nothing tells them apart';
    my $mail = mail_to('new@medianest.test', qr/Confirm address/);
    ok $mail->{tls}, 'over TLS';
    is $mail->{from}, 'house@medianest.test', 'from whom';
    like $mail->{headers}{'content-type'}, qr{^multipart/alternative}, 'text and HTML';
    like $mail->{html}, qr/New &lt;b&gt;One/, 'names are text in HTML';
    like $mail->{headers}{'message-id'}, qr/^<[\w-]+\@127\.0\.0\.1>$/, 'Message-ID';
    like mail_to($mn->{email}, qr/already has an account/)->{text}, qr/forgotten your password/,
        'the known one is told';
    is code(login('new@medianest.test', 'correct horse battery')), '401 invalid_credentials',
        'there is no account before the link is used';
    is code($anon->api(POST => '/api/auth/confirm', { token => 'x' x 32 })), '422 link_invalid',
        'a wrong link';
    is $anon->api(POST => '/api/auth/confirm', { token => token_of($mail) })->{status}, 204,
        'confirmed';
    is login('new@medianest.test', 'correct horse battery')->{status}, 200, 'now there is';
    is code($anon->api(POST => '/api/auth/confirm', { token => token_of($mail) })),
        '422 link_invalid', 'the link is good once';
    is $mn->psql("SELECT count(*) FROM jobs WHERE kind = 'mail.send' AND state = 'done' AND "
        . "payload ?| '{url,link}'"),
        0, 'no link outlives its mail in the queue';
};

subtest 'a lost password' => sub {
    my $who = $mn->user;
    my $known = $anon->api(POST => '/api/auth/password/forgot', { email => $who->{email} });
    my $unknown = $anon->api(POST => '/api/auth/password/forgot',
        { email => 'nobody@medianest.test' });
    is $known->{status}, 202, 'accepted';
    is_deeply $known->{json}, $unknown->{json}, 'nothing tells them apart';
    my $first = token_of(mail_to($who->{email}, qr/asked to reset your password/));
    is $anon->api(POST => '/api/auth/password/forgot', { email => $who->{email} })->{status}, 202,
        'asked twice';
    my $second;
    wait_until(sub {
        ($second) = grep { defined && $_ ne $first } map { token_of($_) }
            grep { $_->{to} eq $who->{email} } $smtp->mails;
        $second;
    },
        60, 'the second mail');
    is code($anon->api(POST => '/api/auth/password/reset', { token => $first,
        password => 'brand new battery' })),
        '422 link_invalid', 'the first link is dead';
    is code($anon->api(POST => '/api/auth/password/reset',
        { token => $second, password => 'short' })),
        '400 validation_failed', 'the new password is checked';
    is $anon->api(POST => '/api/auth/password/reset', { token => $second,
        password => 'brand new battery' })->{status},
        204, 'reset';
    is code($who->api(GET => '/api/auth/session')), '401 token_revoked', 'every session has ended';
    is code(login($who->{email}, $who->{password})), '401 invalid_credentials',
        'the old password is dead';
    is login($who->{email}, 'brand new battery')->{status}, 200, 'the new one works';
    is code($anon->api(POST => '/api/auth/password/reset', { token => $second,
        password => 'brand new battery' })),
        '422 link_invalid', 'the link is good once';
    like mail_to($who->{email}, qr/was changed/)->{text}, qr/signed out/, 'and the owner is told';
    $anon->api(POST => '/api/auth/password/forgot', { email => $who->{email} });
    $mn->psql(
        "UPDATE mail_tokens SET expires_at = now() - interval '1 second' WHERE used_at IS NULL");
    my ($expired) = grep { defined && $_ ne $first && $_ ne $second } map { token_of($_) }
        map {
            mail_to($who->{email}, qr/asked to reset your password/);
            grep { $_->{to} eq $who->{email} } $smtp->mails;
        } 1;
    is code($anon->api(POST => '/api/auth/password/reset', { token => $expired // 'x',
        password => 'brand new battery' })),
        '422 link_invalid', 'an expired link';
};

subtest 'a new address' => sub {
    my $who = $mn->user;
    is $who->api(PATCH => '/api/users/me', { email => 'moved@medianest.test',
        currentPassword => $who->{password} })->{json}{email},
        $who->{email}, 'not before it is confirmed';
    my $token = token_of(mail_to('moved@medianest.test', qr/new address of your account/));
    like mail_to($who->{email}, qr/asked to change/)->{text}, qr/moved\@medianest\.test/,
        'the old address is told that it is asked for';
    is $anon->api(POST => '/api/auth/confirm', { token => $token })->{status}, 204, 'confirmed';
    like mail_to($who->{email}, qr/was changed/)->{text}, qr/moved\@medianest\.test/,
        'and that it is done';
    is $who->api(GET => '/api/users/me')->{json}{email}, 'moved@medianest.test', 'now it counts';
};

subtest 'a refused mail' => sub {
    is $mn->admin->api(POST => '/api/users', { invite => JSON::PP::true,
        email => 'refused@medianest.test' })->{status},
        201, 'invited';
    wait_until(sub { $mn->psql("SELECT count(*) FROM jobs WHERE kind = 'mail.send' AND "
        . "payload->>'to' = 'refused\@medianest.test' AND state = 'done'") },
        60, 'the job');
    pass 'a refusal for good is not tried for ever';
};

done_testing;
