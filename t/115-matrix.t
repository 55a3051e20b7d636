#!/usr/bin/perl
# Every route x {anonymous, guest, user, admin, super, an API token with each scope} against the
# matrix of permissions. A route without a line here fails the test: say what a valid request of it
# looks like.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use MediaNest::Test;
use Test::More;

my $mn = MediaNest::Test->stack;
my $program = ($ENV{MEDIANEST_DEV_BUILD} // "$FindBin::Bin/../build") . '/medianest-fcgi';
-x $program or plan skip_all => "$program is not built";

my $ID = '01890a5d-ac96-774b-bcce-b302099a8057'; # nobody's, nothing's

# Permissions of the roles, including those that others imply, written out by hand.
my %role = (
    guest => [qw(media.read profile.view)],
    user => [qw(media.read media.upload profile.view profile.edit integrations.view)],
    admin => [qw(media.read media.upload media.delete profile.view profile.edit users.manage
        integrations.view integrations.configure webhooks.manage)],
    super => [qw(media.read media.upload media.delete media.manage_all profile.view profile.edit
        users.manage system.settings integrations.view integrations.configure webhooks.manage)],
);
my %implies = (
    'media.manage_all' => [qw(media.read media.upload media.delete)],
    'users.manage' => [qw(profile.view profile.edit)],
    'integrations.configure' => ['integrations.view'],
);

# METHOD path => [query or body, 'session' where an API token is refused]
my %valid = (
    'POST /api/auth/login' => [ { email => 'a@b.test', password => 'x' } ],
    'POST /api/auth/refresh' => [ { refreshToken => 'x' x 43 } ],
    'POST /api/auth/logout' => [ { refreshToken => 'x' x 43 } ],
    'GET /api/auth/session' => [],
    'GET /api/auth/options' => [],
    'POST /api/auth/register' => [ { email => 'a@b.test', password => 'correct horse battery' } ],
    'POST /api/auth/confirm' => [ { token => 'x' } ],
    'POST /api/auth/password/forgot' => [ { email => 'a@b.test' } ],
    'POST /api/auth/password/reset' => [ { token => 'x', password => 'correct horse battery' } ],
    'POST /api/auth/password' => [ { current => 'x', password => 'correct horse battery' },
        'session' ],
    'GET /api/auth/sessions' => [ undef, 'session' ],
    'DELETE /api/auth/sessions' => [ undef, 'session' ],
    'DELETE /api/auth/sessions/{id}' => [ undef, 'session' ],
    'POST /api/auth/totp' => [ { currentPassword => 'x' }, 'session' ],
    'POST /api/auth/totp/confirm' => [ { code => '000000' }, 'session' ],
    'POST /api/auth/totp/disable' => [ { currentPassword => 'x' }, 'session' ],
    'GET /api/auth/tokens' => [ undef, 'session' ],
    'POST /api/auth/tokens' => [ { name => 'x', scopes => ['media.read'] }, 'session' ],
    'DELETE /api/auth/tokens/{id}' => [ undef, 'session' ],
    'POST /api/auth/plex/pin' => [ { currentPassword => 'x' }, 'session' ],
    'GET /api/auth/plex/pin/{id}' => [],
    'POST /api/auth/plex/unlink' => [ { currentPassword => 'x' }, 'session' ],
    'GET /api/webhooks/endpoints' => [],
    'POST /api/webhooks/endpoints' => [ { url => 'http://a.test/', events => ['*'],
        enabled => JSON::PP::false } ],
    'GET /api/webhooks/endpoints/{id}' => [],
    'PATCH /api/webhooks/endpoints/{id}' => [ {} ],
    'DELETE /api/webhooks/endpoints/{id}' => [],
    'POST /api/webhooks/endpoints/{id}/rotate' => [],
    'POST /api/webhooks/endpoints/{id}/test' => [],
    'POST /api/webhooks/endpoints/{id}/replay' => [ { missing => JSON::PP::true } ],
    'GET /api/webhooks/endpoints/{id}/deliveries' => [],
    'GET /api/webhooks/endpoints/{id}/deliveries/{deliveryId}' => [],
    'GET /api/users/me' => [],
    'PATCH /api/users/me' => [ {}, 'session' ],
    'GET /api/users/me/activity' => [],
    'GET /api/users/me/statistics' => [],
    'GET /api/users' => [],
    'POST /api/users' => [ { email => 'taken', invite => JSON::PP::false } ],
    'GET /api/users/invites' => [],
    'DELETE /api/users/invites/{id}' => [],
    'GET /api/users/{id}' => [],
    'PATCH /api/users/{id}' => [ {} ],
    'DELETE /api/users/{id}' => ['items=trash'],
    'DELETE /api/users/{id}/totp' => [],
    'POST /api/integrations/plex/sync' => [ { serverId => $ID } ],
    'GET /api/integrations/plex/syncs' => [],
    'GET /api/integrations/plex/syncs/{id}' => [],
    'POST /api/integrations/plex/syncs/{id}/continue' => [],
    'GET /api/media' => [],
    'GET /api/media/months' => [],
    'GET /api/media/ids' => [],
    'GET /api/media/tags' => [],
    'GET /api/media/{id}' => [],
    'PATCH /api/media/{id}' => [ { title => 'x' } ],
    'DELETE /api/media/{id}' => [],
    'POST /api/media/{id}/trash' => [],
    'POST /api/media/{id}/restore' => [],
    'POST /api/media/{id}/reprocess' => [],
    'GET /api/media/{id}/children' => [],
    'GET /api/media/duplicates' => [],
    'GET /api/media/places' => [],
    'GET /api/media/places/clusters' => ['zoom=3'],
    'GET /api/media/on-this-day' => ['date=2026-11-28'],
    'GET /api/media/{id}/timeline' => [],
    'GET /api/media/{id}/file' => [],
    'GET /api/media/{id}/preview' => [],
    'GET /api/media/{id}/motion' => [],
    'GET /api/media/{id}/playback' => [],
    'POST /api/media/{id}/playback' => [],
    'GET /api/media/{id}/sprite' => [],
    'GET /api/media/{id}/thumbnail/{size}' => [],
    'PUT /api/media/{id}/tags' => [ { tags => [] } ],
    'PUT /api/media/{id}/sidecar' => [ { text => 'x' } ],
    'POST /api/media/bulk' => [ { ids => [$ID], trash => JSON::PP::true } ],
    'POST /api/media/trash/empty' => [],
    'PUT /api/media/{id}/shares' => [ { users => [] } ],
    'GET /api/media/collections' => [],
    'POST /api/media/collections' => [ { title => 'x' } ],
    'GET /api/media/collections/{id}' => [],
    'PATCH /api/media/collections/{id}' => [ { title => 'x' } ],
    'DELETE /api/media/collections/{id}' => [],
    'GET /api/media/collections/{id}/items' => [],
    'GET /api/media/links' => [],
    'POST /api/media/links' => [ { mediaId => $ID } ],
    'GET /api/media/links/{id}' => [],
    'PATCH /api/media/links/{id}' => [ { download => JSON::PP::false } ],
    'DELETE /api/media/links/{id}' => [],
    'GET /api/media/links/open/{token}' => [],
    'POST /api/media/links/open/{token}' => [ { password => 'x' } ],
    'GET /api/media/links/open/{token}/items/{id}' => [],
    'GET /api/media/links/open/{token}/items/{id}/playback' => [],
    'POST /api/media/links/open/{token}/items/{id}/playback' => [],
    'POST /api/media/collections/{id}/items' => [ { remove => [$ID] } ],
    'GET /api/media/downloads' => [],
    'POST /api/media/downloads' => [ { ids => [$ID] } ],
    'GET /api/media/downloads/{id}' => [],
    'DELETE /api/media/downloads/{id}' => [],
    'GET /api/media/people' => [],
    'PUT /api/media/{id}/favorite' => [],
    'DELETE /api/media/{id}/favorite' => [],
    'PUT /api/media/{id}/archive' => [],
    'DELETE /api/media/{id}/archive' => [],
    'POST /api/media/upload/initiate' => [ { filename => 'a.jpg', size => 10,
        type => 'image/jpeg' } ],
    'POST /api/media/upload/complete' => [ { uploadId => $ID } ],
    'GET /api/media/upload/{id}' => [],
    'DELETE /api/media/upload/{id}' => [],
    'POST /api/media/upload/{id}/parts' => [ { numbers => [1] } ],
    'GET /api/search' => ['q=x'],
    'GET /api/search/suggest' => ['q=x'],
    'GET /api/notifications' => [],
    'DELETE /api/notifications/{id}' => [],
    'POST /api/notifications/{id}/read' => [],
    'GET /api/notifications/unsubscribe' => ['token=x'],
    'POST /api/notifications/unsubscribe' => ['token=x'],
    'POST /api/notifications/read-all' => [],
    'GET /api/notifications/preferences' => [],
    'PUT /api/notifications/preferences' => [ { kinds => {} } ],
    'POST /api/notifications/ticket' => [],
    'POST /api/notifications/broadcast' => [ { title => 'x', message => 'x' } ],
    'GET /api/integrations/plex/servers' => [],
    'POST /api/integrations/plex/servers' => [ { name => 'x', url => 'http://127.0.0.1:9',
        token => 'x', enabled => JSON::PP::false } ],
    'POST /api/integrations/plex/servers/test' => [ { url => 'http://127.0.0.1:9',
        token => 'x' } ],
    'GET /api/integrations/plex/servers/{id}' => [],
    'PATCH /api/integrations/plex/servers/{id}' => [ { name => 'x' } ],
    'DELETE /api/integrations/plex/servers/{id}' => [],
    'POST /api/integrations/plex/servers/{id}/test' => [],
    'POST /api/integrations/plex/servers/{id}/adopt' => [ { machineIdentifier => 'x' } ],
    'GET /api/integrations/plex/servers/{id}/libraries' => [],
    'PUT /api/integrations/plex/servers/{id}/libraries/{key}' => [ {} ],
    'GET /api/metrics' => [],
    'GET /api/metrics/summary' => [],
    'GET /api/metrics/summary/history' => ['metric=p95'],
    'GET /api/health' => [],
    'GET /api/health/live' => [],
    'GET /api/health/ready' => [],
    'GET /api/integrations/overseerr' => [],
    'PUT /api/integrations/overseerr' => [ { url => 'http://127.0.0.1:9',
        apiKey => 'x' } ],
    'DELETE /api/integrations/overseerr' => [],
    'POST /api/integrations/overseerr/test' => [],
    'GET /api/integrations/overseerr/search' => ['q=x'],
    'GET /api/integrations/overseerr/titles/{mediaType}/{tmdb}' => [],
    'GET /api/integrations/overseerr/people' => [],
    'PUT /api/integrations/overseerr/people/{userId}' => [ { overseerrId => undef } ],
    'GET /api/integrations/overseerr/requests' => [],
    'POST /api/integrations/overseerr/requests' => [ { mediaType => 'movie', tmdbId => 603 } ],
    'GET /api/integrations/overseerr/requests/{id}' => [],
    'DELETE /api/integrations/overseerr/requests/{id}' => [],
    'POST /api/integrations/overseerr/requests/{id}/approve' => [],
    'POST /api/integrations/overseerr/requests/{id}/decline' => [],
    'POST /api/integrations/overseerr/requests/{id}/retry' => [],
    'GET /api/admin/settings' => [],
    'PATCH /api/admin/settings' => [ {} ],
    'GET /api/admin/roles' => [],
    'PUT /api/admin/roles' => undef, # filled in below: the matrix as it is
    'GET /api/admin/audit' => [],
    'GET /api/admin/jobs' => [],
    'GET /api/admin/stats' => [],
    'GET /api/admin/processes' => [],
    'GET /api/admin/failures' => [],
    'POST /api/admin/failures/retry' => [ { code => 'none_such' } ],
    'POST /api/admin/jobs/retry' => [ { state => 'dead', kind => 'none.such' } ],
    'POST /api/admin/jobs/{id}/retry' => [],
    'DELETE /api/admin/jobs/{id}' => [],
    'GET /api/admin/alerts' => [],
    'POST /api/admin/alerts/{id}/acknowledge' => [],
    'POST /api/webhooks/plex' => [ {} ],
    'POST /api/webhooks/plex/{key}' => [ {} ],
    'POST /api/webhooks/overseerr' => [ {} ],
    'POST /api/webhooks/overseerr/{key}' => [ {} ],
    'POST /api/webhooks/generic/{source}' => [ {} ],
    'GET /api/webhooks/sources' => [],
    'POST /api/webhooks/sources' => [ { source => 'generic', name => 'x' } ],
    'PATCH /api/webhooks/sources/{id}' => [ {} ],
    'DELETE /api/webhooks/sources/{id}' => [],
    'POST /api/webhooks/sources/{id}/rotate' => [],
    'GET /api/webhooks/events' => [],
    'GET /api/webhooks/events/{id}' => [],
    'POST /api/webhooks/events/{id}/replay' => [],
    'POST /api/webhooks/events/replay' => [ { status => 'dead' } ],
);

my %client = (anonymous => $mn->client, map { $_ => $mn->user(role => $_) } keys %role);
my %token;
my $owner = $mn->user(role => 'super');
for my $scope (@{ $role{super} }) {
    my $made = $owner->api(POST => '/api/auth/tokens', { name => $scope, scopes => [$scope] });
    is $made->{status}, 201, "a token for $scope" or diag $made->{content};
    $token{$scope} = $mn->client($made->{json}{token});
}
$valid{'PUT /api/admin/roles'} = [
    { roles => $client{super}->api(GET => '/api/admin/roles')->{json}{roles} } ];
$valid{'POST /api/users'} = [ { email => $client{user}{email},
    password => 'correct horse battery' } ];

# How far the request got: 'in', or the refusal.
sub outcome {
    my ($who, $method, $path, $input) = @_;
    $path =~ s/\{size\}/320/;
    $path =~ s/\{mediaType\}/movie/;
    $path =~ s/\{tmdb\}/603/;
    $path =~ s/\{\w+\}/$ID/g;
    $path .= "?$input" if defined $input && !ref $input;
    my $r = $who->api($method => $path, ref $input ? $input : undef);
    my $code = $r->{json} && ref $r->{json} eq 'HASH' ? $r->{json}{code} // '' : '';
    return "5xx: $r->{content}" if $r->{status} >= 500 && $code !~ /^(?:mail|plex)_unavailable$/;
    return $code if $code =~ /^(?:unauthenticated|forbidden|session_required
        |validation_failed|malformed_json|token_\w+)$/x
        && !($code =~ /^token_/ && $path =~ m{/refresh$});
    return 'in';
}

open(my $routes, '-|', $program, '--routes') or die "$program: $!";
my @routes = map { chomp; [ split /\t/ ] } <$routes>;
close $routes;
ok @routes > 40, 'there are routes';
for my $route (@routes) {
    my (undef, $method, $path, $permission, undef, $auth) = @$route;
    my $line = $valid{"$method $path"};
    ok $line, "$method $path has a line in this test" or next;
    my ($input, $session) = @$line;
    is $session ? 1 : 0, 1, "$method $path is told to want a session" if $auth eq 'session';
    my (%got, %want);
    for my $who (keys %client) {
        my $as = $client{$who};
        # it ends the session
        $as = $mn->login(@$as{qw(email password)}) if $path =~ m{/logout$} && $who ne 'anonymous';
        $got{$who} = outcome($as, $method, $path, $input);
        $want{$who} = $auth eq 'hook' ? 'unauthenticated' : $permission eq 'public' ? 'in'
            : $who eq 'anonymous' ? 'unauthenticated'
            : $permission eq 'signed_in' || grep({ $_ eq $permission } @{ $role{$who} }) ? 'in'
                : 'forbidden';
    }
    for my $scope (keys %token) {
        my $held = $permission =~ /^(?:public|signed_in)$/ || grep { $_ eq $permission } $scope,
            @{ $implies{$scope} // [] };
        $got{"token $scope"} = outcome($token{$scope}, $method, $path, $input);
        $want{"token $scope"} = $auth eq 'hook' ? 'unauthenticated' : $session ? 'session_required'
            : $permission eq 'public' || $held ? 'in' : 'forbidden';
    }
    is_deeply \%got, \%want, "$method $path ($permission)";
}
# What health says of itself is what its description lets it say.
{
    my $api = JSON::PP->new->utf8->decode(do {
        open(my $in, '<:raw', "$FindBin::Bin/../web/openapi.json") or die "openapi.json: $!";
        local $/;
        <$in>;
    });
    my $resolve = sub {
        my ($schema) = @_;
        return $schema unless $schema->{'$ref'};
        my ($name) = $schema->{'$ref'} =~ m{/(\w+)$};
        return $api->{components}{schemas}{$name};
    };
    my $check; # the values that the schema does not allow
    $check = sub {
        my ($schema, $value, $at) = @_;
        $schema = $resolve->($schema);
        return "$at = $value" if $schema->{enum} && !grep { $_ eq $value } @{ $schema->{enum} };
        return () unless $schema->{properties};
        return ((map { "$at.$_ is missing" } grep { !exists $value->{$_} }
                @{ $schema->{required} // [] }),
            map { my $s = $schema->{properties}{$_};
                $s ? $check->($s, $value->{$_}, "$at.$_") : "$at.$_ is not described" }
                sort keys %$value);
    };
    for my $path (qw(/api/health /api/health/live /api/health/ready)) {
        my $r = $client{anonymous}->api(GET => $path);
        my $said = $api->{paths}{$path}{get}{responses}{ $r->{status} };
        my $schema = $said->{content}{'application/json'}{schema};
        is_deeply [ $check->($schema, $r->{json}, '') ], [], "$path as described";
    }
}
# What was a DELETE without a body, and so without a proof, is gone for those who could use it.
for (['/api/auth/totp', 405], ['/api/auth/totp/disable', 405], ['/api/auth/plex/unlink', 405],
    ['/api/auth/plex', 404]) {
    my ($path, $status) = @$_;
    my $r = $client{super}->api(DELETE => $path);
    is $r->{status}, $status, "DELETE $path is refused";
    is $r->{headers}{allow} // '', $status == 405 ? 'POST, OPTIONS' : '', 'and says what there is';
}
delete @valid{ map { "$_->[1] $_->[2]" } @routes };
is_deeply [ sort keys %valid ], [], 'no line is left over';
done_testing;
