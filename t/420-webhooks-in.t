#!/usr/bin/perl
# Webhooks that come in: who may send them, in which forms, what is one event, what becomes of it,
# and what an admin sees and does.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use JSON::PP;
use MediaNest::Hooks;
use MediaNest::PlexServer;
use MediaNest::PlexTv;
use MediaNest::Test;
use Test::More;

my $plex = MediaNest::PlexServer->start(name => 'Home', token => 't4711'); # of account 4711
my $slow = MediaNest::PlexServer->start(name => 'Cellar', token => 'slow-token-4711');
my $plex_tv = MediaNest::PlexTv->start;
$_->section('1', 'movie', 'Films') for $plex, $slow;
my $mn = MediaNest::Test->stack(set => { $plex_tv->settings,
    'outbound.allow' => join(',', $plex->allow, $slow->allow,
        { $plex_tv->settings }->{'outbound.allow'}),
    'hooks.silence' => 200_000,
    'tmdb.url' => 'http://127.0.0.1:9', 'tmdb.api_key' => 'none' });
my $admin = $mn->admin;
my $hooks = MediaNest::Hooks->new($mn);
my %source = map { $_ => $hooks->source($_) } qw(plex overseerr generic);
my $JSON = JSON::PP->new->utf8->canonical;

sub events_of { $admin->api(GET => "/api/webhooks/events?$_[0]")->{json}{items} }

# --- sources ---
{
    my $plain = $source{plex};
    like $plain->{key}, qr/^whk_[\w-]{43}$/, 'a key of 256 bits';
    like $plain->{secret}, qr/^whsec_[\w+\/=]{44}$/, 'and a secret';
    is $plain->{url}, "$mn->{url}/api/webhooks/plex/$plain->{key}", 'an address to paste';
    is $source{generic}{url}, "$mn->{url}/api/webhooks/generic/$source{generic}{id}",
        'a generic one has its id there';
    my $list = $admin->api(GET => '/api/webhooks/sources');
    is scalar @{ $list->{json}{items} }, 3, 'all are listed';
    unlike $list->{content}, qr/whk_|whsec_/, 'without what was shown once';
    my $dump = $mn->psql('SELECT * FROM webhook_sources');
    unlike $dump, qr/whk_|whsec_|\Q$plain->{key}\E/, 'neither is in the database';
    is $mn->psql("SELECT count(*) FROM audit_log WHERE action = 'webhook_source.created'"), 3,
        'the audit log has them';
}

# --- Plex's forms ---
my $n = 0;
sub backup { return { event => 'admin.database.backup', user => JSON::PP::true,
    owner => JSON::PP::true, Account => { id => 1, title => 'x' }, n => ++$n,
    Server => { title => 'Home', uuid => 'not-set-up' } } }

my $jpeg = "\xff\xd8\xff\xe0" . "\0--\r\n" x 50;
for my $case ([ 'payload without filename' ], [ 'payload with filename', filename => 1 ],
    [ 'with a thumb', thumb => $jpeg ], [ 'thumb first', thumb => $jpeg, first => 1 ],
    [ 'a thumb of 10 MB', thumb => 'x' x (10 << 20) ]) {
    my ($name, %how) = @$case;
    my $r = $hooks->plex(backup(), %how);
    is $r->{status}, 200, $name or diag $r->{content};
    is $r->{json}{status}, 'received', 'is received';
    is $hooks->event($r->{json}{id})->{status}, 'ignored', 'no server like that is set up';
}
{
    my $dir = tempdir(CLEANUP => 1);
    open my $out, '>:raw', "$dir/payload" or die $!;
    print $out $JSON->encode(backup());
    close $out;
    open $out, '>:raw', "$dir/thumb.jpg" or die $!;
    print $out $jpeg x 5000;
    close $out;
    for my $how ([], ['-H', 'Transfer-Encoding: chunked'], ['-H', 'Expect: 100-continue'],
        ['--http1.1', '-H', 'Transfer-Encoding: chunked', '-H', 'Expect: 100-continue']) {
        my $said = MediaNest::Test::run_output('curl', '-sS', '--cacert', $mn->{ca}, @$how,
            '-F', "payload=<$dir/payload;type=application/json",
            '-F', "thumb=\@$dir/thumb.jpg;type=image/jpeg", $source{plex}{url});
        like $said, qr/"status":"(?:received|duplicate)"/, "curl @$how" or diag $said;
    }
}
for my $case ([ 'no payload', 400, sub { form([ thumb => $jpeg, 'image/jpeg', 'a.jpg' ]) } ],
    [ 'no last boundary', 400, sub { my ($t, $b) = form([ payload => '{}' ]);
    ($t, substr $b, 0, -8) } ],
    [ 'cut in the payload', 400, sub { form([ payload => '{"event":"media' ]) } ],
    [ 'a list', 400, sub { form([ payload => '[]' ]) } ],
    [ 'a payload above 1 MiB', 413, sub { form([ payload => '"' . 'x' x (1 << 20) . '"' ]) } ],
    [ 'no boundary', 400, sub { ('multipart/form-data', 'x') } ],
    [ 'nothing', 400, sub { ('application/json', '') } ]) {
    my ($name, $status, $make) = @$case;
    my ($type, $body) = $make->();
    my $r = $hooks->send("/api/webhooks/plex/$source{plex}{key}", $body, 'Content-Type' => $type);
    is $r->{status}, $status, "$name is refused" or diag $r->{content};
    unlike $r->{content}, qr/whk_/, 'and its answer does not repeat the key';
}

for my $case ([ GET => '' ], [ POST => '/more' ]) {
    my $r = $mn->client->api($case->[0] => "/api/webhooks/plex/$source{plex}{key}$case->[1]");
    like $r->{status}, qr/^40[45]$/, "$case->[0] is no way in";
    unlike $r->{content}, qr/whk_/, 'and the answer has no key';
}

# --- who it is ---
{
    my ($o, $g) = @source{qw(overseerr generic)};
    my $text = sub { $JSON->encode({ notification_type => 'TEST_NOTIFICATION', n => ++$n }) };
    my @good = ([ 'the key in the path', "overseerr/$o->{key}" ],
        [ 'in the query', "overseerr?key=$o->{key}" ],
        [ 'as Authorization', 'overseerr', Authorization => $o->{key} ],
        [ 'behind Bearer', 'overseerr', Authorization => "Bearer $o->{key}" ],
        [ 'through the alias', "../v1/webhooks/overseerr/$o->{key}" ]);
    for my $case (@good) {
        my ($name, $path, %headers) = @$case;
        my $r = $hooks->send("/api/webhooks/$path" =~ s{webhooks/\.\./v1/}{v1/}r, $text->(),
            %headers);
        is $r->{status}, 200, $name or diag $r->{content};
    }
    my $body = $text->();
    for my $case ([ 'Standard Webhooks', "generic/$g->{id}", $g, signed($g->{secret}, $body) ],
        [ 'X-Hub-Signature-256', "generic/$g->{id}", $g, hub_signed($g->{secret}, $body . ' ') ],
        [ 'a signature without a key', 'overseerr', $o, signed($o->{secret}, $body) ],
        [ 'two signatures', "generic/$g->{id}", $g, do { my %h = signed($g->{secret}, $body);
        $h{'webhook-signature'} = "v1a,xxxx v1,AAAA $h{'webhook-signature'}"; %h } ],
        [ 'a signature of Plex\'s form', 'plex', $source{plex},
        signed($source{plex}{secret}, $body) ]) {
        my ($name, $path, undef, %headers) = @$case;
        my $r = $hooks->send("/api/webhooks/$path", $name =~ /Hub/ ? "$body " : $body,
            %headers);
        is $r->{status}, 200, $name or diag $r->{content};
    }
    my %old = signed($g->{secret}, $body, at => time - 301);
    my %early = signed($g->{secret}, $body, at => time + 330);
    my %wrong = signed($o->{secret}, $body);
    for my $case ([ 'nothing', "generic/$g->{id}", 'unauthenticated' ],
        [ 'an unknown key', 'overseerr/whk_' . 'x' x 43, 'unauthenticated' ],
        [ 'the key of another kind', "plex/$o->{key}", 'unauthenticated' ],
        [ 'the key in the query of another source', "generic/$g->{id}?key=$o->{key}",
        'unauthenticated' ],
        [ 'another secret', "generic/$g->{id}", 'signature_invalid', %wrong ],
        [ 'a bad signature beside a good key', "overseerr/$o->{key}", 'signature_invalid',
        signed($g->{secret}, $body) ],
        [ 'the signature of another body', "generic/$g->{id}", 'signature_invalid',
        signed($g->{secret}, "$body ") ],
        [ 'an old timestamp', "generic/$g->{id}", 'timestamp_invalid', %old ],
        [ 'one of the future', "generic/$g->{id}", 'timestamp_invalid', %early ],
        [ 'no timestamp', "generic/$g->{id}", 'timestamp_invalid',
        do { my %h = signed($g->{secret}, $body); delete $h{'webhook-timestamp'}; %h } ],
        [ 'no such source', 'generic/01890a5d-ac96-774b-bcce-b302099a8057',
        'unauthenticated', ],
        [ 'a wrong hub signature', "generic/$g->{id}", 'signature_invalid',
        hub_signed($o->{secret}, $body) ],
        [ 'a hub signature that is none', "generic/$g->{id}", 'signature_invalid',
        'X-Hub-Signature-256' => 'sha256=zz' ]) {
        my ($name, $path, $code, %headers) = @$case;
        my $r = $hooks->send("/api/webhooks/$path", $body, %headers);
        is "$r->{status} $r->{json}{code}", "401 $code", "$name is refused"
            or diag $r->{content};
        unlike $r->{content}, qr/whk_/, 'without the key in the answer';
    }
    my ($type, $long) = form([ payload => $JSON->encode(backup()) ],
        [ thumb => 'x' x (2 << 20), 'image/jpeg', 'a.jpg' ]);
    is $hooks->send('/api/webhooks/plex', $long, 'Content-Type' => $type,
        signed($source{plex}{secret}, $long))->{status}, 413,
        'a long body costs no MAC without a key';
    is $hooks->send("/api/webhooks/plex/$source{plex}{key}", $long, 'Content-Type' => $type,
        signed($source{plex}{secret}, $long))->{status}, 200, 'with one it may';
    my $r = $admin->api(PATCH => "/api/webhooks/sources/$o->{id}", { enabled => JSON::PP::false,
        name => 'Off' });
    is $r->{json}{name}, 'Off', 'a source is renamed' or diag $r->{content};
    is $hooks->send("/api/webhooks/overseerr/$o->{key}", $text->())->{status}, 401,
        'and switched off';
    $admin->api(PATCH => "/api/webhooks/sources/$o->{id}", { enabled => JSON::PP::true });
    my $fresh = $admin->api(POST => "/api/webhooks/sources/$o->{id}/rotate")->{json};
    isnt $fresh->{key}, $o->{key}, 'a rotation makes another key';
    is $hooks->send("/api/webhooks/overseerr/$o->{key}", $text->())->{status}, 401,
        'the old one is void';
    is $hooks->send("/api/webhooks/overseerr/$fresh->{key}", $text->())->{status}, 200,
        'the new one is good';
    $source{overseerr} = $fresh;
}

# --- what is one event ---
{
    my $g = $source{generic};
    my $send = sub {
        my ($body, %headers) = @_;
        return $hooks->send("/api/webhooks/generic/$g->{id}", $body, %headers);
    };
    my $body = '{"type":"one","n":' . ++$n . '}';
    my $first = $send->($body, signed($g->{secret}, $body, id => 'same'));
    is $first->{json}{status}, 'received', 'an event with an id';
    my $again = $send->("$body ", signed($g->{secret}, "$body ", id => 'same'));
    is_deeply $again->{json}, { id => $first->{json}{id}, status => 'duplicate' },
        'its id makes it the same, whatever the body';
    my $plain = $send->($body, hub_signed($g->{secret}, $body));
    is $plain->{json}{status}, 'received', 'the body without id is another event';
    is_deeply $send->($body, hub_signed($g->{secret}, $body))->{json},
        { id => $plain->{json}{id}, status => 'duplicate' }, 'once';
    my $other = $send->($body, signed($g->{secret}, $body, id => 'other'));
    is $other->{json}{status}, 'received', 'another id is another event';
    $mn->psql("UPDATE webhook_events SET received_at = now() - interval '301 seconds'"
        . " WHERE id = '$plain->{json}{id}'");
    my $later = $send->($body, hub_signed($g->{secret}, $body));
    is $later->{json}{status}, 'received', 'the same body later is new';
    my @children = map {
        my $pid = fork // die;
        if (!$pid) {
            my $text = '{"type":"race","n":' . $n . '}';
            my $r = MediaNest::Hooks::send({ anyone => $mn->client },
                "/api/webhooks/generic/$g->{id}", $text, hub_signed($g->{secret}, $text));
            POSIX::_exit($r->{json}{status} eq 'received' ? 1 : $r->{status} == 200 ? 0 : 9);
        }
        $pid;
    } 1 .. 8;
    my %ends;
    for (@children) { waitpid $_, 0; $ends{ $? >> 8 }++ }
    is_deeply \%ends, { 1 => 1, 0 => 7 }, 'of eight at once, one is received';
    is $hooks->event($later->{json}{id})->{type}, 'one', 'the type comes from the payload';
}

# --- Overseerr's templates ---
{
    my $key = $source{overseerr}{key};
    my $send = sub { $hooks->send("/api/webhooks/overseerr/$key", @_)->{json} };
    my $event = $hooks->event($send->({ notification_type => 'MEDIA_AVAILABLE', subject => 'Heat',
        '{{media}}' => { media_type => 'movie', tmdbId => '949', status => 'AVAILABLE' },
        '{{request}}' => { request_id => '12' }, image => '{{image}}',
        mine => [ 1, { x => undef } ],
        '{{extra}}' => [] })->{id});
    is $event->{status}, 'processed', 'an edited template is processed';
    is $event->{payload}{mine}[1]{x}, undef, 'what is not known is kept';
    is $event->{payload}{image}, '{{image}}', 'so are placeholders';
    is $event->{type}, 'MEDIA_AVAILABLE', 'with its type';
    $event = $hooks->event($send->({ notification_type => '{{notification_type}}', n => 1 })->{id});
    is "$event->{type} $event->{status}", 'unknown processed', 'a type that is none';
    $event = $hooks->event($send->({ notification_type => 'SOMETHING', n => 1 })->{id});
    is $event->{status}, 'ignored', 'a type that is not used';
    like $event->{error}, qr/type/, 'and why';
    $send->({ notification_type => 'ISSUE_CREATED', subject => 'No sound', message => 'At all' });
    wait_until {
        grep { $_->{kind} eq 'system.event' && $_->{title} eq 'No sound' }
            @{ $admin->api(GET => '/api/notifications')->{json}{items} }
    } 20, 'the note of an issue';
    pass 'admins are told about issues';
}

# --- secrets ---
{
    my $key = $source{overseerr}{key};
    my $id = $hooks->send("/api/webhooks/overseerr/$key", {
        notification_type => 'TEST_NOTIFICATION',
        secret => 'hush', apiKey => 12, 'X-Plex-Token' => 'hush', mine => "use $key here",
        link => 'http://x/y?a=1&X-Plex-Token=hush&b=2', list => [ { password => 'hush' } ],
        key => '/library/metadata/1', sign => $source{generic}{secret} })->{json}{id};
    my $event = $hooks->event($id);
    is_deeply $event->{payload}, { notification_type => 'TEST_NOTIFICATION', secret => '***',
        apiKey => '***', 'X-Plex-Token' => '***', mine => 'use *** here',
        link => 'http://x/y?a=1&X-Plex-Token=***&b=2', list => [ { password => '***' } ],
        key => '/library/metadata/1', sign => '***' }, 'secrets are masked';
    my $rows = $mn->psql('SELECT payload FROM webhook_events');
    unlike $rows, qr/hush|whk_|whsec_/, 'before they are stored';
}

# --- people and viewings ---
$mn->psql("INSERT INTO media_servers (id, kind, name, url, token, machine_id) VALUES"
    . " (gen_random_uuid(), 'plex', 'Attic', 'http://127.0.0.1:9', 'x', 'machine-attic')");
my $server = $mn->psql("SELECT id FROM media_servers WHERE name = 'Attic'");
my $section = $mn->psql("INSERT INTO media_sections (id, server_id, key, title, type) VALUES"
    . " (gen_random_uuid(), '$server', '1', 'Films', 'movie') RETURNING id");
sub known_item {
    my ($key, $title, $guid) = @_;
    my $media = $mn->psql("INSERT INTO media (id, source, kind, title, status, visibility) VALUES"
        . " (gen_random_uuid(), 'plex', 'movie', '$title', 'ready', 'house') RETURNING id");
    my %more = map { $_ => 1 } $mn->psql("SELECT column_name FROM information_schema.columns"
        . " WHERE table_name = 'server_items'");
    $mn->psql('INSERT INTO server_items (server_id, item_key, section_id, media_id, kind, guid,'
        . ' fingerprint' . ($more{identity} ? ', identity' : '') . ") VALUES ('$server', '$key',"
        . " '$section', '$media', 'movie', '$guid', ''" . ($more{identity} ? ", '$guid'" : '')
        . ')');
    return $media;
}
my $heat = known_item('17', 'Heat', 'plex://movie/heat');
my $ada = $mn->user(role => 'user');
$mn->psql("UPDATE users SET plex_id = '4711' WHERE id = '$ada->{id}'");
sub played {
    my ($event, %more) = @_;
    return $hooks->plex({ %{ play_event('machine-attic', event => $event, account => 4711,
        item => { ratingKey => '17', title => 'Anything', guid => 'plex://movie/heat' }, %more) },
        n => ++$n });
}
{
    my @sent;
    for my $event (qw(media.play media.pause media.resume media.scrobble media.play media.stop)) {
        push @sent, played($event), played($event);
    }
    $hooks->event($_->{json}{id}) for @sent;
    is_deeply [ grep { $_->{json}{status} ne 'received' } @sent ], [], 'all were received';
    is $mn->psql('SELECT count(*) FROM plays'), 1, 'they are one viewing';
    my $history = $ada->api(GET => '/api/users/me/activity')->{json}{items};
    my @played = grep { $_->{kind} eq 'media.played' } @$history;
    is scalar @played, 1, 'one entry of the history';
    is_deeply $played[0]{data}, { mediaId => $heat, title => 'Heat', kind => 'movie',
        server => 'Attic', player => 'TV', finished => JSON::PP::true },
        'with the title of the catalogue' or diag explain $played[0];
    my ($month) = @{ $ada->api(GET => '/api/users/me/statistics')->{json}{items} };
    is $month->{plays}, 1, 'one play of this month';
    my @notes = grep { $_->{kind} eq 'media.played' }
        @{ $ada->api(GET => '/api/notifications')->{json}{items} };
    is scalar @notes, 1, 'one note' or diag explain \@notes;
    is $notes[0]{title}, 'Heat', 'about it';
    my $r = $admin->api(POST => "/api/webhooks/events/$sent[0]{json}{id}/replay");
    is $r->{status}, 202, 'an event is replayed' or diag $r->{content};
    like $r->{json}{status}, qr/^(?:received|processed)$/, 'it waits, or was quick';
    $hooks->event($sent[0]{json}{id});
    is $mn->psql('SELECT count(*) FROM plays'), 1, 'and the viewing stays one';

    $hooks->event(played('media.play', player => 'Phone')->{json}{id});
    is $mn->psql('SELECT count(*) FROM plays'), 2, 'another player is another viewing';
    $mn->psql("UPDATE plays SET started_at = started_at - interval '1 hour', last_at = last_at -"
        . " interval '1 hour', stopped_at = stopped_at - interval '1 hour' WHERE player ="
        . " 'player-TV'");
    $hooks->event(played('media.stop')->{json}{id});
    is $mn->psql('SELECT count(*) FROM plays'), 2, 'a late stop belongs to the viewing';
    $mn->psql("UPDATE plays SET started_at = started_at - interval '1 hour', last_at = last_at -"
        . " interval '1 hour', stopped_at = stopped_at - interval '1 hour' WHERE player ="
        . " 'player-TV'");
    $hooks->event(played('media.play')->{json}{id});
    is $mn->psql('SELECT count(*) FROM plays'), 3, 'a new start after the end is another one';
    my $event = $hooks->event(played('media.play', account => 4712)->{json}{id});
    is $event->{status}, 'ignored', 'an account of nobody';
    like $event->{error}, qr/linked/, 'is ignored and why';
    $event = $hooks->event($hooks->plex({ %{ play_event('machine-other', event => 'media.play',
        account => 4711, item => { ratingKey => '17' }) } })->{json}{id});
    is $event->{status}, 'ignored', 'a server that is not set up too';
    $event = $hooks->event(played('media.rate', item => { ratingKey => '17',
        guid => 'plex://movie/heat', userRating => 8.5 })->{json}{id});
    is $event->{status}, 'processed', 'a rating';
    is((grep { $_->{kind} eq 'media.rated' }
        @{ $ada->api(GET => '/api/users/me/activity')->{json}{items} })[0]{data}{rating}, 8.5,
        'is in the history');
}

# --- system events ---
{
    my $r = $hooks->plex({ event => 'admin.database.corrupted',
        Server => { uuid => 'machine-attic' } });
    is $hooks->event($r->{json}{id})->{status}, 'processed', 'a system event';
    my @notes = grep { $_->{kind} eq 'system.event' && $_->{title} =~ /damaged/ }
        @{ $admin->api(GET => '/api/notifications')->{json}{items} };
    is $notes[0]{title}, 'Attic reports a damaged database', 'admins are told';
    like $mn->log_text('worker'), qr/admin\.database\.corrupted/, 'and the log has it';
    $admin->api(POST => "/api/webhooks/events/$r->{json}{id}/replay");
    $hooks->event($r->{json}{id});
    is scalar(grep { $_->{kind} eq 'system.event' && $_->{title} =~ /damaged/ }
        @{ $admin->api(GET => '/api/notifications')->{json}{items} }), 1,
        'a replay tells nobody again';
}

# --- the inbox ---
{
    my $all = events_of('limit=100');
    cmp_ok scalar @$all, '>', 30, 'the inbox has them all';
    is_deeply [ grep { exists $_->{payload} } @$all ], [], 'without payloads';
    is_deeply [ grep { $_->{status} ne 'ignored' } @{ events_of('status=ignored&limit=100') } ], [],
        'by status';
    is_deeply [ grep { $_->{source} ne 'overseerr' } @{ events_of('source=overseerr&limit=100') } ],
        [], 'by source';
    is scalar @{ events_of('type=media.stop&limit=100') }, 3, 'by type';
    is scalar @{ events_of('from=2030-01-01T00:00:00Z') }, 0, 'by time';
    is scalar @{ events_of('to=2020-01-01T00:00:00Z') }, 0, 'from both sides';
    my $user = $mn->user(role => 'user');
    is $user->api(GET => "/api/webhooks/events/$all->[0]{id}")->{status}, 403, 'for admins only';
    is $admin->api(GET => "/api/webhooks/events/$server")->{status}, 404, 'no such event';
    is $admin->api(POST => '/api/webhooks/events/replay', {})->{json}{errors}[0]{field}, 'status',
        'a replay of everything is none';
}

# --- a server that can be asked ---
my $heist = $plex->add('1', { title => 'Heist', addedAt => time });
my $old = $plex->add('1', { title => 'Old', addedAt => time - 200_000 });
my $added = $admin->api(POST => '/api/integrations/plex/servers', { name => 'Home',
    url => $plex->url, token => $plex->token });
is $added->{status}, 201, 'a server is set up' or diag $added->{content};
my $home = $added->{json}{id};
wait_until { $mn->psql("SELECT first_synced_at FROM media_servers WHERE id = '$home'") } 30,
    'the first sync';
sub known { $mn->psql("SELECT id FROM media WHERE title = '$_[0]' AND source = 'plex'") }
sub told { $mn->psql("SELECT told_at FROM webhook_events WHERE id = '$_[0]{id}'") }
# Notes of an admin that name the item; a test's stack tells groups at once.
sub notes_about {
    my ($title) = @_;
    return scalar grep { $_->{kind} eq 'library.new' && "$_->{title} $_->{message}" =~ /$title/ }
        @{ $admin->api(GET => '/api/notifications?limit=100')->{json}{items} };
}
sub news {
    my ($key, $type) = @_;
    return $hooks->plex({ event => $type // 'library.new', n => ++$n, Account => { id => 1 },
        Server => { uuid => $plex->machine, title => 'Home' },
        Metadata => { ratingKey => "$key", librarySectionID => 1, title => 'A hint' } });
}
sub after_news { return $hooks->event(news(@_)->{json}{id}) }
{
    my $key = $plex->add('1', { title => 'Ronin', addedAt => time });
    my $event = after_news($key);
    is $event->{status}, 'processed', 'news about an item that the catalogue does not have'
        or diag explain $event;
    wait_until { known('Ronin') } 30, 'the sync that an event triggers';
    wait_until { notes_about('Ronin') } 20, 'news of the sync';
    ok !told(after_news($key)), 'and tells it: the webhook does not';
    is notes_about('Ronin'), 1, 'it is told once';

    my $before = notes_about('Heist');
    $mn->psql("DELETE FROM jobs WHERE kind = 'media.enrich'");
    $event = after_news($heist);
    is $event->{status}, 'processed', 'news about one that it has';
    ok told($event), 'are told';
    ok wait_until(sub { notes_about('Heist') == $before + 1 }, 20, 'a note about it'),
        'to those who see it';
    is $mn->psql("SELECT count(*) FROM jobs WHERE unique_key = 'enrich:" . known('Heist') . "'"), 1,
        'and it is enriched';
    ok !told(after_news($heist)), 'the same news again are none';
    is notes_about('Heist'), $before + 1, 'and tell nobody';
    ok !told(after_news($heist, 'library.on.deck')), 'also under another name';
    $event = after_news($old);
    is $event->{status}, 'processed', 'news about what was added long ago';
    ok !told($event), 'are none';
    $event = after_news(123456);
    is $event->{status}, 'ignored', 'an item that the server does not have';
    like $event->{error}, qr/does not have/, 'is no item';
    $plex->fault(status => { code => 500 });
    my $r = news($heist);
    wait_until {
        $admin->api(GET => "/api/webhooks/events/$r->{json}{id}")->{json}{status} eq 'failed'
    } 20, 'a question that failed';
    $plex->heal;
    $admin->api(POST => "/api/webhooks/events/$r->{json}{id}/replay");
    is $hooks->event($r->{json}{id})->{status}, 'processed', 'is asked again';
    my $bullitt = $plex->add('1', { title => 'Bullitt' });
    $event = $hooks->event($hooks->plex(play_event($plex->machine, event => 'media.play',
        account => 4711, item => { ratingKey => $bullitt, librarySectionID => 1,
        title => 'A hint' }))->{json}{id});
    is $event->{status}, 'processed', 'somebody plays what the catalogue does not have';
    my ($last) = @{ $ada->api(GET => '/api/users/me/activity')->{json}{items} };
    is $last->{data}{title}, 'Bullitt', 'the server says what it is';
    ok wait_until(sub { known('Bullitt') }, 30, 'Bullitt'), 'and the sync brings it';
    my $charade = $plex->add('1', { title => 'Charade' });
    $event = $hooks->event($hooks->plex(play_event($plex->machine, event => 'media.play',
        account => 4712, item => { ratingKey => $charade, librarySectionID => 1 }))->{json}{id});
    is $event->{status}, 'ignored', 'so does an account of nobody';
    ok wait_until(sub { known('Charade') }, 30, 'Charade'), 'and the sync brings that too';
    my $owns = sub { $hooks->plex(play_event($plex->machine, event => $_[0], account => 1,
        item => { ratingKey => $charade }))->{json}{id} };
    $plex->fault(status => { code => 500 });
    my $asked = $owns->('media.play');
    wait_until {
        $admin->api(GET => "/api/webhooks/events/$asked")->{json}{status} eq 'failed'
    } 20, 'whose the server is cannot be asked';
    $plex->heal;
    $admin->api(POST => "/api/webhooks/events/$asked/replay");
    is $hooks->event($asked)->{status}, 'processed', 'account 1 is the owner of the server';
    ($last) = @{ $ada->api(GET => '/api/users/me/activity')->{json}{items} };
    is $last->{data}{title}, 'Charade', 'who is linked by the id at plex.tv';
    $plex->fault(unauthorized => {});
    $mn->psql("UPDATE media_servers SET owner_account = NULL WHERE id = '$home'");
    $event = $hooks->event($owns->('media.stop'));
    $plex->heal;
    is $event->{status}, 'ignored', "with another's token nobody knows who that is";

    # A server that hangs: its events wait, and nobody else's.
    my $stalker = $slow->add('1', { title => 'Stalker', addedAt => time });
    my $cellar = $admin->api(POST => '/api/integrations/plex/servers', { name => 'Cellar',
        url => $slow->url, token => $slow->token })->{json}{id};
    wait_until { $mn->psql("SELECT first_synced_at FROM media_servers WHERE id = '$cellar'") } 30,
        'the first sync of another server';
    $slow->fault(hang => {});
    my @stuck = map { $hooks->plex({ event => 'library.new', n => ++$n, Account => { id => 1 },
        Server => { uuid => $slow->machine }, Metadata => { ratingKey => "$stalker" } })
        ->{json}{id} } 1 .. 6;
    wait_until { $mn->psql("SELECT count(*) FROM jobs WHERE queue = 'lookups'") >= 6 } 20,
        'the events that ask it';
    is after_news($heist)->{status}, 'processed', 'another server is asked meanwhile';
    is $hooks->event($hooks->send("/api/webhooks/overseerr/$source{overseerr}{key}",
        { notification_type => 'TEST_NOTIFICATION', n => ++$n })->{json}{id})->{status},
        'processed', 'and events of other sources keep their time';
    is_deeply [ map { $admin->api(GET => "/api/webhooks/events/$_")->{json}{status} } @stuck ],
        [ ('received') x 6 ], 'while those of the one that hangs wait';
    cmp_ok $mn->psql("SELECT count(*) FROM jobs WHERE lane = '$cellar' AND state = 'running'"),
        '<', 3, 'and do not hold every runner';
    $slow->heal;
    $mn->psql("UPDATE jobs SET run_at = now() WHERE lane = '$cellar' AND state = 'available';"
        . " NOTIFY mn_jobs, 'lookups'");
    $admin->api(POST => "/api/webhooks/events/$_/replay") for @stuck;
    is $hooks->event($_)->{status}, 'processed', 'which are kept' for @stuck;

    my $left_out = $admin->api(PUT => "/api/integrations/plex/servers/$home/libraries/1",
        { enabled => JSON::PP::false });
    is $left_out->{status}, 200, 'a library is left out' or diag $left_out->{content};
    is after_news($heist)->{status}, 'ignored', 'its news are ignored';
    unlike $mn->log_text('worker') . $mn->log_text('plex'), qr/\Q@{[ $plex->token ]}\E/,
        'no token is in a log';
}

# --- silence ---
sub look_for_silence {
    $mn->psql("UPDATE jobs SET run_at = now() WHERE unique_key = 'every:webhook.silence';"
        . " NOTIFY mn_jobs, 'upkeep'");
    wait_until { $mn->psql("SELECT count(*) FROM jobs WHERE unique_key = 'every:webhook.silence'"
        . " AND state = 'available' AND run_at > now()") } 20, 'the look for silence';
    return scalar grep { $_->{kind} eq 'alert.raised' && $_->{title} =~ /No events from Home/ }
        @{ $admin->api(GET => '/api/notifications?limit=100')->{json}{items} };
}
{
    is look_for_silence(), 0, 'a server that sent an event is not silent';
    my $ago = sub { $mn->psql("UPDATE webhook_events SET received_at = received_at - interval"
        . " '$_[0]'; UPDATE webhook_sources SET created_at = created_at - interval '$_[0]'") };
    $ago->('25 hours');
    $plex->viewed(time - 3600);
    is look_for_silence(), 0, 'the setting says how long is too long';
    is $admin->api(PATCH => '/api/admin/settings', { 'hooks.silence' => 86_400 })->{status}, 200,
        'it is live';
    $plex->fault(status => { code => 500, path => 'history' });
    $plex->forget;
    wait_until { look_for_silence(); grep { $_->{path} =~ /history/ } $plex->requests } 30,
        'a question for the history';
    is look_for_silence(), 0, 'a server that cannot be asked is not silent';
    $plex->heal;
    my $keeper = $mn->user(role => 'guest');
    $mn->psql("INSERT INTO role_permissions VALUES ('guest', 'integrations.configure')");
    my $kinds = sub { join ' ', map { $_->{kind} } @{ $_[0]->api(GET =>
        '/api/notifications')->{json}{items} } };
    is look_for_silence(), 1, 'one that people use without an event is';
    is look_for_silence(), 1, 'admins are told once';
    is $kinds->($keeper), 'alert.raised', 'those are who may configure it, whatever their role';
    $hooks->event($hooks->plex({ event => 'device.new', n => ++$n,
        Server => { uuid => $plex->machine } })->{json}{id});
    look_for_silence();
    is $kinds->($keeper), 'alert.cleared alert.raised', 'and hear when events come again';
    look_for_silence();
    is $kinds->($keeper), 'alert.cleared alert.raised', 'once';
    $mn->psql("DELETE FROM role_permissions WHERE role = 'guest'"
        . " AND permission = 'integrations.configure'");
    $ago->('25 hours');
    is look_for_silence(), 2, 'and again when events came and stopped';
    my $open = "SELECT count(*) FROM alerts WHERE rule = 'hook_silence' AND cleared_at IS NULL";
    is $mn->psql($open), 1, 'an alert is open';
    $mn->psql("UPDATE media_servers SET enabled = false WHERE kind = 'plex'");
    look_for_silence();
    is $mn->psql($open), 0, 'it ends with the server that is switched off';
    $mn->psql("UPDATE media_servers SET enabled = true WHERE kind = 'plex'");
    my ($end) = grep { $_->{kind} eq 'alert.cleared' }
        @{ $admin->api(GET => '/api/notifications')->{json}{items} };
    like $end->{title}, qr/no longer expected/, 'and nobody says that events came';
}

# --- failures: the server cannot be asked ---
{
    my $r = played('media.play', item => { ratingKey => '99', title => 'New' });
    my $event = wait_until {
        my $e = $admin->api(GET => "/api/webhooks/events/$r->{json}{id}")->{json};
        $e->{status} eq 'failed' && $e
    } 20, 'a failure';
    ok $event->{error}, 'a failed event says why';
    is $event->{attempts}, 1, 'and how often';
    $mn->psql("UPDATE jobs SET attempt = max_attempts - 1, run_at = now() WHERE unique_key ="
        . " 'hook:$event->{id}'");
    is $hooks->event($event->{id})->{status}, 'dead', 'after the last attempt it is dead';
    my $many = $admin->api(POST => '/api/webhooks/events/replay', { status => 'failed',
        from => '2020-01-01T00:00:00Z' });
    is $many->{status}, 202, 'all that failed since are replayed' or diag $many->{content};
    is_deeply $many->{json}, { replayed => 1, more => JSON::PP::false }, 'it is one';
    wait_until {
        $admin->api(GET => "/api/webhooks/events/$event->{id}")->{json}{status} eq 'failed'
    } 20, 'another attempt';
    pass 'and it is tried again';
}

{
    my @window = map { $admin->api(GET => "/api/webhooks/events/$_")->{json} } map {
        $hooks->send("/api/webhooks/overseerr/$source{overseerr}{key}",
            { notification_type => 'TEST_NOTIFICATION', n => ++$n })->{json}{id} } 1 .. 3;
    $hooks->event($_->{id}) for @window;
    my $many = $admin->api(POST => '/api/webhooks/events/replay', {
        from => $window[1]{receivedAt}, to => '2100-01-01T00:00:00Z' });
    cmp_ok $many->{json}{replayed}, '>=', 2, 'a window is replayed';
    cmp_ok $many->{json}{replayed}, '<', 6, 'and nothing else';
    is $hooks->event($_->{id})->{status}, 'processed', 'again' for @window;
    $mn->psql("UPDATE webhook_events SET received_at = now() - interval '31 days'"
        . " WHERE id = '$window[0]{id}'; UPDATE jobs SET run_at = now()"
        . " WHERE unique_key = 'every:webhook.expire_events'; NOTIFY mn_jobs, 'upkeep'");
    wait_until { $admin->api(GET => "/api/webhooks/events/$window[0]{id}")->{status} == 404 } 20,
        'housekeeping';
    pass 'an event leaves the inbox after thirty days';
}

# --- each source has its own limit ---
{
    is $admin->api(PATCH => '/api/admin/settings', { 'rate_limit.class.webhook.per_minute' => 5 })
        ->{status}, 200, 'five a minute';
    my $send = sub { $hooks->send("/api/webhooks/overseerr/$source{overseerr}{key}",
        { notification_type => 'TEST_NOTIFICATION', n => ++$n }) };
    my ($last, $sent) = ({ status => 200 }, 0);
    $last = $send->() while $last->{status} == 200 && $sent++ < 20;
    is $last->{status}, 429, 'then a source has to wait' or diag $last->{content};
    ok $last->{headers}{'retry-after'}, 'and hears how long';
    my $text = '{"type":"other","n":' . ++$n . '}';
    is $hooks->send("/api/webhooks/generic/$source{generic}{id}", $text,
        hub_signed($source{generic}{secret}, $text))->{status}, 200, 'another one does not';
    $admin->api(PATCH => '/api/admin/settings', { 'rate_limit.class.webhook.per_minute' => 0 });
}

# --- no key anywhere ---
for my $file (glob "$mn->{var}/log/*") {
    open my $in, '<:raw', $file or next;
    local $/;
    unlike scalar(<$in>), qr/whk_[\w-]{20}|whsec_/, "$file has no key";
}
{
    my $r = $admin->api(DELETE => "/api/webhooks/sources/$source{generic}{id}");
    is $r->{status}, 204, 'a source is removed';
    is $admin->api(DELETE => "/api/webhooks/sources/$source{generic}{id}")->{status}, 404, 'once';
    ok scalar @{ events_of('source=generic') }, 'its events stay';
}
done_testing;
