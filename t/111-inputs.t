#!/usr/bin/perl
# One truth for what comes in: the field rules and the closed sets of words (medianest-fcgi
# --inputs) against the description of the API, the database's CHECK constraints, nginx and the
# page. Needs no stack.
use strict;
use warnings;
use JSON::PP;
use Test::More;

my $top = $ENV{srcdir} // '.';
my $build = $ENV{MEDIANEST_DEV_BUILD} // 'build';
my $program = "$build/medianest-fcgi";
-x $program or plan skip_all => "$program is not built";

sub text_of {
    my ($file) = @_;
    open my $in, '<:raw', $file or die "$file: $!";
    local $/;
    return scalar <$in>;
}

my $api = decode_json(text_of("$top/web/openapi.json"));
my $inputs = decode_json(qx($program --inputs));
my ($words, $limits) = @$inputs{qw(words limits)};
cmp_ok scalar @{ $inputs->{routes} }, '>', 50, 'there are routes';

# --- the description of the API
# --------------------------------------------------------------------

my %prose = map { $_ => 1 } qw(description example examples title deprecated);

sub resolve {
    my ($node) = @_;
    while (ref $node eq 'HASH' && defined(my $ref = $node->{'$ref'})) {
        $node = $api;
        $node = $node->{$_} // die "$ref leads nowhere" for grep { $_ ne '#' } split m{/}, $ref;
    }
    return $node;
}

# A schema without references and prose; sets in a fixed order, so that two that mean the same are
# the same.
sub plain {
    my ($schema) = @_;
    return $schema if ref $schema ne 'HASH';
    my %plain = %{ resolve($schema) };
    delete @plain{ keys %prose };
    $plain{properties} = { map {
        $_ => plain($plain{properties}{$_}) } keys %{ $plain{properties} } }
        if $plain{properties};
    $plain{items} = plain($plain{items}) if $plain{items};
    $plain{oneOf} = [ map { plain($_) } @{ $plain{oneOf} } ] if $plain{oneOf};
    $plain{$_} = [ sort @{ $plain{$_} } ]
        for grep { ref $plain{$_} eq 'ARRAY' } qw(required enum type);
    delete $plain{required} if $plain{required} && !@{ $plain{required} };
    return \%plain;
}

sub parameters_of {
    my ($op, $in) = @_;
    return grep { $_->{in} eq $in } map { resolve($_) } @{ $op->{parameters} // [] };
}

# Query parameters as the object that the rules speak of.
sub query_of {
    my ($op) = @_;
    my @parameters = parameters_of($op, 'query');
    return plain({ type => 'object', additionalProperties => JSON::PP::false,
        properties => { map { $_->{name} => $_->{schema} } @parameters },
            required => [ map { $_->{name} } grep { $_->{required} } @parameters ] });
}

my $pretty = JSON::PP->new->canonical->pretty->indent_length(1);
sub same {
    my ($is, $wanted, $name) = @_;
    is_deeply($is, $wanted, $name)
        or diag("the rules say:\n" . $pretty->allow_nonref->encode($wanted // 'nothing'));
}

for my $route (@{ $inputs->{routes} }) {
    my $name = "$route->{method} $route->{path}";
    my $op = $api->{paths}{ $route->{path} }{ lc $route->{method} };
    ok $op, "$name is described" or next;
    my %params = map { $_->{name} => plain($_->{schema}) } parameters_of($op, 'path');
    same(\%params, { map { $_ => plain($route->{params}{$_}) } keys %{ $route->{params} } },
        "$name: path");
    my @unruled = grep { !$route->{params}{$_} } $route->{path} =~ /\{(\w+)\}/g;
    is "@unruled", '', "$name: every part of the path has a rule";
    same(query_of($op),
        plain($route->{query} // { type => 'object', additionalProperties => JSON::PP::false,
            properties => {} }),
        "$name: query");
    my $body = $op->{requestBody} && $op->{requestBody}{content}{'application/json'}{schema};
    same($body && plain($body), $route->{body} && plain($route->{body}), "$name: body");
}

for my $header (grep { $_->{name} eq 'Idempotency-Key' } values %{
    $api->{components}{parameters} }) {
    is $header->{schema}{maxLength}, $limits->{IDEMPOTENCY_KEY_MAX}, 'Idempotency-Key: length';
}

# Words in answers are the same sets.
my %answered = (
    Role => 'role', Tier => 'tier', Visibility => 'media.visibility', Permission => 'permission',
    'Media/properties/kind' => 'media.kind', 'Media/properties/source' => 'media.source',
    'Media/properties/status' => 'media.status',
    'Media/properties/takenAtSource' => 'media.taken',
    'MediaServer/properties/kind' => 'server.kind', 'Library/properties/type' => 'library.type',
    'Library/properties/visibility' => 'library.visibility',
    'MediaServerTest/properties/code' => 'server.test',
    'User/properties/status' => 'account.status', NotificationKind => 'notification.kind',
    'Preference/properties/email' => 'notification.email',
    'HookSource/properties/source' => 'hook.source',
    'HookEvent/properties/status' => 'hook.status',
    'Alert/properties/severity' => 'alert.severity', 'Alert/properties/state' => 'alert.state',
    'WebhookDelivery/properties/event' => 'hook_out.event',
    'WebhookDelivery/properties/status' => 'delivery.status',
    'WebhookEndpoint/properties/offReason' => 'endpoint.off_reason',
    'Collection/properties/kind' => 'collection.kind',
    'Collection/properties/sort' => 'collection.sort',
    'Link/properties/kind' => 'link.kind', 'LinkVisit/properties/kind' => 'link.kind',
    'Download/properties/status' => 'download.status',
    'TitleRequest/properties/status' => 'request.status',
    'TitleRequest/properties/mediaType' => 'request.media',
);
for my $at (sort keys %answered) {
    my $schema = resolve({ '$ref' => "#/components/schemas/$at" });
    is_deeply [ sort @{ $schema->{enum} } ], [ sort @{ $words->{ $answered{$at} } } ],
        "$at: its words";
}

my %sent = map { $_ => 1 } @{ $api->{components}{schemas}{Event}{properties}{type}{enum} };
is_deeply [ grep { !$sent{$_} } @{ $words->{'notification.event'} } ], [],
    'the events of notifications are described';

# --- the database
# -----------------------------------------------------------------------------------

# Columns that hold what comes in or is told; the others' words are between the programs and the
# database.
my %column = (
    'users.role' => 'role', 'users.tier' => 'tier', 'users.status' => 'account.status',
    'role_permissions.role' => 'role',
    'media_servers.kind' => 'server.kind', 'media_servers.removing' => 'server.items',
    'media_sections.type' => 'library.type',
    'media_sections.visibility' => 'library.visibility',
    'sync_runs.trigger' => undef, 'sync_runs.status' => undef, 'sync_missing.answer' => undef,
    'media.trash_reason' => undef,
    'media.source' => 'media.source', 'media.kind' => 'media.kind',
    'media.status' => 'media.status', 'media.visibility' => 'media.visibility',
    'media.taken_source' => 'media.taken',
    'notification_preferences.email' => 'notification.email', 'invites.role' => 'role',
    'invites.tier' => 'tier', 'webhook_deliveries.status' => 'delivery.status',
    'webhook_endpoints.off_reason' => 'endpoint.off_reason',
    'collections.kind' => 'collection.kind', 'collections.sort' => 'collection.sort',
    'collection_people.may' => 'collection.may', 'links.kind' => 'link.kind',
    'downloads.status' => 'download.status',
    'alerts.severity' => 'alert.severity', 'backups.status' => undef, # in no answer
    'media_playback.state' => undef,
    'media_events.state' => undef, 'uploads.status' => undef, 'jobs.state' => undef,
    'mail_tokens.purpose' => undef,
    'media.trash_reason' => undef, 'notification_mails.email' => undef,
    'notification_digests.period' => undef,
    'webhook_sources.source' => 'hook.source', 'webhook_events.status' => 'hook.status',
    'requests.media_type' => 'request.media', 'requests.status' => 'request.status',
    'overseerr_people.by' => 'overseerr.by', 'title_posters.state' => undef,
);
my %checked;
for my $file (sort glob "$top/sql/[0-9]*.sql") {
    my $sql = text_of($file);
    while ($sql =~ /^CREATE TABLE (\w+) \((.*?)^\);/gms) {
        my ($table, $columns) = ($1, $2);
        while ($columns =~ /CHECK \((\w+) IN \(([^)]*)\)\)/g) {
            my ($column, $list) = ($1, $2);
            $checked{"$table.$column"} = [ $list =~ /'([^']*)'/g ];
        }
    }
    while ($sql =~ /^ALTER TABLE (\w+)(.*?);/gms) {
        my ($table, $changes) = ($1, $2);
        while ($changes =~ /CHECK \((\w+) IN \(([^)]*)\)\)/g) {
            my ($column, $list) = ($1, $2);
            $checked{"$table.$column"} = [ $list =~ /'([^']*)'/g ];
        }
    }
}
is_deeply [ sort keys %checked ], [ sort keys %column ],
    'the columns with a closed set of words are known here';
for my $at (sort grep { defined $column{$_} } keys %column) {
    is_deeply [ sort @{ $checked{$at} // [] } ], [ sort @{ $words->{ $column{$at} } } ],
        "$at: its CHECK";
}

is_deeply [ map { text_of($_) =~ /number BETWEEN 1 AND (\d+)/g } glob "$top/sql/[0-9]*.sql" ],
    [ $limits->{OBJECT_PARTS_MAX} ], 'parts of an object';

# --- nginx
# ------------------------------------------------------------------------------------------

# Bodies: what the edge lets through is what the programs take. 0: they have none, or nginx does not
# read them.
sub bytes {
    my ($text) = @_;
    my ($n, $unit) = $text =~ /^(\d+)([kmg]?)$/;
    return $n * { '' => 1, k => 2**10, m => 2**20, g => 2**30 }->{$unit}
}
my %caps = map {
    my $file = $_;
    ($file => [ grep { $_ > 1 } map { bytes($_) } text_of("$top/nginx/$file") =~
        /^\s*client_max_body_size (\w+);/mg ]);
} qw(medianest.conf.in storage.conf.in);
is $caps{'medianest.conf.in'}[0], $limits->{BODY_JSON_MAX}, 'nginx: the body of a request';
is_deeply $caps{'storage.conf.in'}, [ $limits->{OBJECT_PUT_MAX} ], 'nginx: an object in one piece';
cmp_ok $limits->{PROTOCOL_BODY_MAX}, '<=', $limits->{OBJECT_PUT_MAX}, 'an XML body comes through';

# --- sources that cannot include each other
# -----------------------------------------------------------

# The number that a macro stands for.
sub defined_in {
    my ($file, $name) = @_;
    my ($value) = text_of("$top/$file") =~ m{^#define \Q$name\E\s+([^/\n]+)}m
        or die "no $name in $file";
    $value =~ s/(?<=\d)(?:LL|UL)//g;
    # no critic: digits and operators
    return $value =~ /^[\d\s()*<]+$/ ? eval $value : die "$name in $file is no number: $value";
}
for my $name (qw(YEAR_MIN YEAR_MAX)) {
    is defined_in('src/media/song_tags.c', $name),
        defined_in('src/service/processing/process_result.c', $name),
        "$name of tags: what the sandbox tells is what the worker takes";
}
is defined_in('src/media/media.h', 'MEDIA_TILES_MAX'),
    defined_in('src/service/processing/process_result.h', 'RESULT_TILES_MAX'), 'tiles of a sprite';
for ([ 'src/media/media.h', 'MEDIA_METADATA_MAX', 'src/service/processing/process_result.h',
    'RESULT_METADATA_MAX' ],
    [ 'src/media/report.c', 'LINE_MAX_BYTES', 'src/service/processing/sandbox.h',
        'SANDBOX_LINE_MAX' ]) {
    my ($file, $name, $theirs, $most) = @$_;
    cmp_ok defined_in($file, $name), '<=', defined_in($theirs, $most),
        "$name: what the sandbox writes is what the worker takes";
}
my (%setting, %most);
for (text_of("$top/src/core/config_table.def") =~ /^CONFIG\((.*)/mg) {
    my ($key, $max, $default) =
        /^\w+,\s*"([\w.]+)",\s*\w+,\s*[^,]+,\s*([^,]+),\s*[^,]+,\s*"([^"]*)"/
        or next;
    ($setting{$key}, $most{$key}) = ($default, $max);
}
is defined_in('src/media/media.h', 'MEDIA_PIXELS_DEFAULT'), $setting{'media.max_pixels'},
    'medianest-media: pixels as in the settings';
is defined_in('src/media/media.h', 'MEDIA_TIMEOUT_DEFAULT'), $setting{'media.timeout'},
    'medianest-media: seconds as in the settings';
my ($charsets) =
    text_of("$top/src/core/config_table.def") =~ /"media\.tag_charsets".*?\n\s*("[^"]+")/;
like text_of("$top/src/media/charset.h"), qr/ CHARSETS_DEFAULT \Q$charsets\E$/m,
    'medianest-media: charsets as in the settings';
is defined_in('src/bin/medianest_media.c', 'PIXELS_MAX'), $most{'media.max_pixels'},
    'medianest-media: the most pixels';
is defined_in('src/bin/medianest_media.c', 'TIMEOUT_MAX'), $most{'media.timeout'},
    'medianest-media: the most seconds';

# A page waits longer for a heartbeat than any server is silent.
my ($deaf) = text_of("$top/web/lib/live.js") =~ /^const DEAF_MS = (\d+);/m;
cmp_ok $deaf, '>=', 2000 * $most{'notifications.heartbeat'}, 'web/lib/live.js: DEAF_MS';
my ($silence) = text_of("$top/nginx/notifyd.conf.in") =~ /^\s*proxy_read_timeout (\d+)s;/m;
cmp_ok $silence, '>=', 2 * $most{'notifications.heartbeat'}, 'nginx: proxy_read_timeout';
# The statements that tell groups know one default only (src/store/sql/notify.sql).
my %mailed = text_of("$top/src/model/notification_kinds.def")
    =~ /^NOTIFICATION_KIND\("([^"]+)", "[^"]+", "(\w+)", /mg;
is_deeply [ sort grep { $mailed{$_} ne 'off' } keys %mailed ], [qw(alert.cleared alert.raised)],
    'mail of notifications is off by default, but for alerts, which are not grouped';

# Whom kinds concern.
my %concerns = text_of("$top/src/model/notification_kinds.def")
    =~ /^NOTIFICATION_KIND\("([a-z.]+)", "[^"]+", "\w+", ([^)]+)\)$/mg;
$_ = lc join ' ', map { s/_/./r } grep { $_ ne 'SIGNED_IN' } /PERM_(\w+)/g for values %concerns;
my ($page_kinds) = text_of("$top/web/lib/notification-words.js")
    =~ /^const KINDS = \{\n(.*?)^\};/ms;
my %page_concerns = map { ($_ => '') } $page_kinds =~ /^\t'([a-z.]+)': /mg;
%page_concerns = (%page_concerns,
    $page_kinds =~ /^\t'([a-z.]+)': \['[^']+'(?:,\s+([a-z.,\s']+))?\],$/mg);
$_ = join ' ', ($_ // '') =~ /[a-z.]+/g for values %page_concerns;
is_deeply \%page_concerns, \%concerns,
    'kinds of notifications have the same permissions on the page';

# What a notification leads to, from a mail and on the page.
my @places = text_of("$top/src/model/notification_places.def")
    =~ /^NOTIFICATION_PLACE\((.*)\)$/mg;
my ($page_places) = text_of("$top/web/lib/notification-words.js")
    =~ /^const PLACES = \[\n(.*?)^\];/ms;
cmp_ok scalar @places, '>', 10, 'places of notifications';
is_deeply [ map { tr/'/"/r } $page_places =~ /^\t\[(.*)\],$/mg ], \@places,
    'are those of the page, in their order';

# Browsers of other origins may read every header that the limiter sets.
my $dispatch = text_of("$top/src/http/dispatch.c");
my ($exposed) = $dispatch =~ /^#define CORS_EXPOSED \\\n((?:.*\\\n)*.*)\n/m;
my %exposed = map { $_ => 1 } $exposed =~ /[A-Za-z][A-Za-z-]+/g;
my @limiter = $dispatch =~ /response_headerf?\(res, "((?:X-)?RateLimit[\w-]*)"/g;
is scalar(@limiter), 5, 'headers of the limiter';
is_deeply [ grep { !$exposed{$_} } @limiter ], [], 'are exposed';

# --- the page
# ---------------------------------------------------------------------------------------

my %page = map { s{^\Q$top/\E}{}r => text_of($_) } glob "$top/web/*.js $top/web/*/*.js";
for my $set ([ MEDIA => 'media.kind' ], [ NOTIFICATIONS => 'notification.kind' ]) {
    my ($object) = $page{'web/lib/kinds.js'} =~ /^export const $set->[0] = \{\n(.*?)^\};/ms;
    is_deeply [ sort $object =~ /^\t'?([a-z.]+)'?: /mg ], [ sort @{ $words->{ $set->[1] } } ],
        "web/lib/kinds.js: $set->[0]";
}
for my $file (grep {
    $page{$_} =~ /^const KINDS = / } sort map { "web/views/$_.js" } qw(library search)) {
    my ($list) = $page{$file} =~ /^const KINDS = \[(.*?)\];/ms;
    my %known = map { $_ => 1 } @{ $words->{'media.kind'} };
    my @chosen = $list =~ /\['(\w+)'/g;
    ok @chosen && !(grep { !$known{$_} } @chosen), "$file: its kinds";
}

my %route = map { ("$_->{method} $_->{path}" => $_) } @{ $inputs->{routes} };
sub rule {
    my ($route, $field) = @_;
    return ($route{$route}{body} // $route{$route}{query})->{properties}{$field}
        // die "$route has no $field";
}

# The fields of a view that have a length, in their order, and the rules that say it.
my %name = (displayName => [ 'POST /api/users', 'displayName' ], email => [ 'POST /api/users',
    'email' ]);
my $new_password = [ 'POST /api/auth/password', 'password' ];
my %fields = (
    'web/ui/actions.js' => [ [ 'GET /api/media', 'tag' ] ],
    'web/ui/ask-title.js' => [ [ 'GET /api/integrations/overseerr/search', 'q' ] ],
    'web/ui/broadcast.js' => [ map { [ 'POST /api/notifications/broadcast', $_ ] }
        qw(title message) ],
    'web/ui/details.js' => [ [ 'PATCH /api/media/{id}', 'title' ] ],
    'web/ui/factor.js' => [ [ 'POST /api/auth/totp/confirm', 'code' ] ],
    'web/ui/hook-inbox.js' => [ [ 'GET /api/webhooks/events', 'type' ] ],
    'web/ui/hook-sources.js' => [ [ 'POST /api/webhooks/sources', 'name' ] ],
    'web/ui/hook-endpoints.js' => [ [ 'POST /api/webhooks/endpoints', 'url' ] ],
    'web/ui/proof.js' => [ map { [ 'POST /api/auth/totp', $_ ] } qw(currentPassword totp) ],
    'web/ui/searchbox.js' => [ [ 'GET /api/search', 'q' ] ],
    'web/ui/server-form.js' => [ map { [ 'POST /api/integrations/plex/servers', $_ ] }
        qw(name url token) ],
    'web/ui/tokens.js' => [ [ 'POST /api/auth/tokens', 'name' ] ],
    'web/views/audit.js' => [ [ 'GET /api/admin/audit', 'action' ] ],
    'web/views/door.js' => [ $new_password, $name{email}, $name{displayName} ],
    'web/views/overseerr.js' => [ map { [ 'PUT /api/integrations/overseerr', $_ ] }
        qw(url apiKey) ],
    'web/ui/add-to-album.js' => [ [ 'POST /api/media/collections', 'title' ] ],
    'web/ui/link-fields.js' => [ [ 'POST /api/media/links', 'password' ] ],
    'web/views/link.js' => [ [ 'POST /api/media/links/open/{token}', 'password' ] ],
    'web/ui/share.js' => [ [ 'GET /api/media/people', 'q' ] ],
    'web/views/album.js' => [ [ 'PATCH /api/media/collections/{id}', 'title' ] ],
    'web/views/albums.js' => [ [ 'POST /api/media/collections', 'title' ] ],
    'web/views/requests.js' => [
        [ 'POST /api/integrations/overseerr/requests/{id}/decline', 'reason' ] ],
    'web/views/signin.js' => [ map { [ 'POST /api/auth/login', $_ ] } qw(email password totp) ],
    'web/views/title.js' => [ [ 'PATCH /api/media/{id}', 'title' ] ],
    'web/views/users.js' => [ [ 'GET /api/users', 'q' ], $name{email}, @name{qw(displayName email)},
        $new_password ],
    'web/views/you.js' => [ @name{qw(displayName email)}, [ 'PATCH /api/users/me', 'timeZone' ],
        [ 'POST /api/auth/password', 'current' ],
        $new_password ],
);
for my $file (sort keys %page) {
    my @is = $page{$file} =~ /maxlength: '(\d+)'/g;
    is_deeply \@is, [ map { rule(@$_)->{maxLength} } @{ $fields{$file} // [] } ],
        "$file: lengths of fields"
        if @is || $fields{$file};
    is $_, rule(@$new_password)->{minLength}, "$file: the shortest password"
        for $page{$file} =~ /minlength: '(\d+)'/g, $page{$file} =~ /At least (\d+) characters/g;
    cmp_ok $_, '<=', $limits->{LIST_LIMIT_MAX}, "$file: a page of a list"
        for $page{$file} =~ /^const PAGE = (\d+);/mg, $page{$file} =~ /\blimit: (\d+)/g;
}
is_deeply [ $page{'web/lib/uploads.js'} =~ /^const BATCH = (\d+);/mg ],
    [ $limits->{UPLOAD_BATCH_MAX} ], 'uploads that are announced together';

done_testing;
