#!/usr/bin/perl
# Every route with secrets wherever a client can put one: no log of the stack has any of them. And
# each request has one line of JSON, with its timeline.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use MediaNest::Test;
use MediaNest::WebSocket;
use Test::More;

once_is_enough();

my $mn = MediaNest::Test->stack(set => { 'log.level' => 'debug', 'worker.poll' => 200,
    'outbound.allow' => '127.0.0.1:9' });
my $program = ($ENV{MEDIANEST_DEV_BUILD} // "$FindBin::Bin/../build") . '/medianest-fcgi';
my @routes = @{ decode_json(MediaNest::Test::run_output($program, '--inputs'))->{routes} };
cmp_ok scalar(@routes), '>', 100, 'there are routes';

# A secret that the log would show as it is: letters and digits, and where it was.
my $serial = 0;
sub secret { my ($where) = @_; return sprintf 'sEcReT%sx%dx%d', $where, $$, ++$serial }

my $ID = '01890a5d-ac96-774b-bcce-b302099a8057';
my %asked; # by request id
sub ask {
    my ($client, $method, $path, $body, %headers) = @_;
    my $id = sprintf 'log-secrets-%d-%d', $$, ++$serial;
    my $r = $client->api($method, $path, $body, { 'X-Request-Id' => $id, %headers });
    # nginx logs no health checks.
    $asked{$id} = { line => "$method $path", status => $r->{status} } if $path !~ m{^/api/health};
    return $r;
}

# Headers of all kinds that carry credentials, known to us or not.
sub headers {
    my %h = map { ($_ => secret('Header')) } qw(Cookie Proxy-Authorization X-Api-Key X-Plex-Token
        X-Auth-Token Idempotency-Key If-Match Webhook-Signature Webhook-Id X-Hub-Signature-256);
    $h{Cookie} = "session=$h{Cookie}";
    $h{Referer} = 'https://page.example/?token=' . secret('Referer');
    return %h;
}

# A member of a body with a secret in it, of the form that its schema wants.
sub filled {
    my ($schema) = @_;
    my $type = $schema->{type} // '';
    $type = (grep { $_ ne 'null' } @$type)[0] if ref $type;
    return { map { ($_ => filled($schema->{properties}{$_})) } keys %{ $schema->{properties} } }
        if $schema->{properties};
    return [ filled($schema->{items}) ] if $type eq 'array' && $schema->{items};
    return { secret('Key') => secret('Value') } if $type eq 'object';
    return secret('Body');
}

my $user = $mn->user;
my @clients = ([ anonymous => $mn->client(secret('Bearer')) ],
    [ 'an API token' => $mn->client('mn_' . secret('Token')) ], [ super => $mn->admin ]);
# They would end the sessions that the test goes on with: see below.
my %ends = map { ($_ => 1) } 'DELETE /api/auth/sessions', 'POST /api/auth/logout';
for my $route (@routes) {
    my ($method, $path) = @$route{qw(method path)};
    next if $ends{"$method $path"};
    # Keys of webhooks are secrets; other parts of paths name things.
    my $word = sub { $_[0] =~ m{id$}i ? $ID : $path =~ m{/webhooks/} ? secret('Path') : 320 };
    (my $at = $path) =~ s/\{(\w+)\}/$word->($1)/ge;
    for (@clients) {
        my ($who, $client) = @$_;
        my $query = join '&', map { "$_=" . secret('Query') }
            qw(token ticket password key X-Amz-Signature q cursor);
        my $body = $method eq 'GET' ? undef : ref $route->{body} ? filled($route->{body})
            : secret('Raw');
        ask($client, $method, "$at?$query", $body, headers());
        ask($client, $method, $at, $body, headers());
    }
}

# Those that are accepted as far as a secret goes.
my $admin = $mn->admin;
my $password = secret('Password');
my $person = $mn->user(password => $password);
ask($mn->client, POST => '/api/auth/login', { email => $person->{email}, password => $password });
ask($mn->client, POST => '/api/auth/login', { email => $person->{email},
    password => secret('Password'), totp => '123456' }) for 1 .. 3;
ask($person, POST => '/api/auth/password', { current => $password,
    password => secret('Password') });
ask($mn->client, POST => '/api/auth/password/reset', { token => secret('Token'),
    password => secret('Password') });
ask($mn->client, POST => '/api/auth/refresh', { refreshToken => secret('Refresh') });
my $made = ask($admin, POST => '/api/auth/tokens', { name => 'x', scopes => ['media.read'] });
ask($mn->client($made->{json}{token}), GET => '/api/media');
ask($admin, POST => '/api/integrations/plex/servers', { name => 'Attic',
    url => 'http://127.0.0.1:9', token => secret('Plex') });
ask($admin, PUT => '/api/integrations/overseerr', { url => 'http://127.0.0.1:9',
    apiKey => secret('Overseerr') });
ask($admin, POST => '/api/webhooks/endpoints', { url => 'http://127.0.0.1:9/' . secret('Hook'),
    events => ['*'], headers => { 'X-Key' => secret('Outgoing') } });
ask($admin, POST => '/api/integrations/plex/sync', {});
my $upload = ask($user, POST => '/api/media/upload/initiate', { filename => 'a.png', size => 20,
    type => 'image/png' });
$user->request(PUT => $upload->{json}{uploadUrl}, 'x' x 20, $upload->{json}{fields});
$user->request(PUT => $upload->{json}{uploadUrl} . secret('Signature'), 'x' x 20,
    $upload->{json}{fields});
ask($user, POST => '/api/media/upload/complete', { uploadId => $upload->{json}{uploadId} });
my $socket = MediaNest::WebSocket->open($user);
$socket->close;
my @leavers = map { $mn->user } keys %ends;
ask($leavers[0], DELETE => '/api/auth/sessions?token=' . secret('Query'), undef, headers());
ask($leavers[0], DELETE => '/api/auth/sessions', undef, 'X-Api-Key' => secret('Header'));
ask($leavers[1], POST => '/api/auth/logout?token=' . secret('Query'),
    { refreshToken => secret('Refresh') }, headers());
ask($leavers[1], POST => '/api/auth/logout', { refreshToken => $leavers[1]{refresh_token} },
    headers());
is_deeply [ grep { my $end = $_; !grep { index($_->{line}, $end) == 0 && $_->{status} =~ /^2/ }
    values %asked } sort keys %ends ], [], 'what ends sessions has ended some';
# What is no secret is in the log as it was sent, and so would be the others.
ask($user, GET => '/api/users/me', undef, 'User-Agent' => 'sEEnAsItWas');

# --- what the logs have ---
wait_until { my $text = $mn->log_text('access'); !grep { index($text, qq("$_")) < 0 }
    keys %asked } 30, 'the access log has all requests';
wait_until { $mn->psql("SELECT count(*) FROM jobs WHERE state = 'running' "
    . "AND queue <> 'upkeep'") == 0 } 60, 'nothing runs';
my @files = glob "$mn->{var}/log/*";
cmp_ok scalar(@files), '>', 8, 'there are logs: of pools, worker, notifyd, nginx, PostgreSQL';
my @found;
for my $file (@files) {
    my $text = MediaNest::Test::run_output('cat', $file);
    push @found, map { "$file: $_" } $text =~ /^(.*sEcReT\w+.*)$/mg;
}
is_deeply \@found, [], 'none of them has a secret' or diag join "\n", @found[0 .. 4];
my $logs = join '', map { MediaNest::Test::run_output('cat', $_) } @files;
for my $what ((map { $_->{token} } $user, $admin, $person, $mn->client($made->{json}{token})),
    map { ($_->{token}, $_->{refresh_token}) } @leavers) {
    ok index($logs, $what) < 0, 'nor a token that is good';
}
unlike $logs, qr/X-Amz-Signature=[0-9a-f]{64}/, 'nor a signature';

my (%lines, @bad);
for my $line (split /\n/, $mn->log_text('access')) {
    my $json = eval { decode_json($line) } or do { push @bad, $line; next };
    push @{ $lines{ $json->{requestId} } }, $json;
}
is_deeply \@bad, [], 'each line of the access log is JSON';
is_deeply [ grep { @{ $lines{$_} // [] } != 1 } sort keys %asked ], [], 'one for each request';
is_deeply [ grep { $lines{$_}[0]{status} != $asked{$_}{status} } sort keys %asked ], [],
    'with its status';
my @late;
for my $line (map { $lines{$_}[0] } keys %asked) {
    my $t = $line->{timeline};
    my @moments = map { $t->{$_} // () } qw(auth limit handler);
    push @late, JSON::PP->new->canonical->encode($line)
        if $t->{t0} !~ /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/ || "@moments" ne join ' ',
        sort { $a <=> $b } @moments;
}
is_deeply \@late, [], 'and its timeline in order';
my ($me) = grep { $_->{agent} eq 'sEEnAsItWas' } map { @$_ } values %lines;
ok defined $me->{timeline}{$_}, "$_ is there" for qw(t0 auth limit handler database sent);
is $me->{userId}, $user->{id}, 'and who asked';
is $me->{uri}, '/api/users/me', 'and for what';

# A pool's own line of a change has the same, and the worker's of a failure is found.
my ($change) = grep { ($_->{route} // '') eq '/api/media/upload/initiate'
    && $_->{status} == 201 } map { eval { decode_json($_) } // () }
    split /\n/, $mn->log_text('media');
cmp_ok $change->{timeline}{sent}, '>=', $change->{timeline}{handler}, "a pool's line"
    or diag explain $change;
ok $mn->pid($_), "$_ has outlived it" for qw(notifyd worker nginx);
my $errors = $mn->dev('logs', '--errors');
unlike $errors, qr/"level":"(?:debug|info|notice|warning)"/, './dev logs --errors has only those';
$mn->stop_part('media');
ask($user, GET => '/api/media');
wait_until { $mn->dev('logs', '--errors') =~ m{"status":50[0-9].*|"level":"error"} } 20,
    'and shows one';
done_testing;
