#!/usr/bin/perl
# Public links: what a visitor sees and what they are never told, and everything that ends it.
use strict;
use utf8;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use MIME::Base64 qw(encode_base64url);
use Test::More;

# One process for media: it has read new limits before it counts a visit.
my $mn = MediaNest::Test->stack(set => { 'login.per_account_address' => 3,
    'pool.media.workers' => 1 });
my %who = (super => $mn->admin, map { $_->[0] => $mn->user(role => $_->[1]) }
    [ guest => 'guest' ], [ owner => 'user' ], [ friend => 'user' ]);
my %id = map { $_ => $who{$_}{id} } keys %who;
my $stranger = $mn->client;
my $AT = '/api/media/links';
my $serial = 0;

# A ready item with everything that there is to tell.
sub item {
    my (%m) = @_;
    my %row = (owner => 'owner', status => 'ready', day => '2024-07-01', kind => 'image', %m);
    my $title = $row{title} // 'link ' . ++$serial;
    return $mn->psql("INSERT INTO media (id, owner_id, kind, title, status, tags, taken_at, "
        . 'taken_local, width, height, metadata, overview, filename, content_type, object_key, '
        . "asset_prefix, assets, size, sha256) VALUES (gen_random_uuid(), '$id{$row{owner}}', "
        . "'$row{kind}', '$title', '$row{status}', '{secrettag}', '$row{day}T12:00:00Z', "
        . "'$row{day}T14:00:00', 4000, 3000, '{\"gps\":{\"lat\":48.1},\"camera\":\"secretcam\"}', "
        . "'secretwords', 'secretname.jpg', 'image/jpeg', 'original/secretkey', "
        . "'derived/x', '{320.webp,640.webp,1280.webp,preview.mp4}', 12345, sha256('x')) "
        . 'RETURNING id');
}

sub make {
    my ($person, %body) = @_;
    my $r = $who{$person}->api(POST => $AT, \%body);
    is $r->{status}, 201, "$person makes a link" or diag $r->{content};
    my $link = $r->{json};
    ($link->{token}) = ($link->{url} // '') =~ m{/#/link\?t=([A-Za-z0-9_-]{43})$};
    ok $link->{token}, 'its address is told' or diag $r->{content};
    return $link;
}

sub visit {
    my ($link, $query, $client) = @_;
    return ($client // $stranger)->api(GET => "$AT/open/$link->{token}"
        . (defined $query ? "?$query" : ''));
}

# The ids that a visitor sees, page by page; the count must agree.
sub seen {
    my ($link, $ticket) = @_;
    my (@ids, $cursor, $count);
    do {
        my $r = visit($link, 'limit=2' . ($cursor ? "&cursor=$cursor" : '')
            . ($ticket ? "&ticket=$ticket" : ''));
        return "$r->{status} " . ($r->{json}{code} // '') if $r->{status} != 200;
        push @ids, map { $_->{id} } @{ $r->{json}{items} };
        ($cursor, $count) = ($r->{json}{page}{nextCursor}, $r->{json}{count} // $count);
    } while ($cursor);
    is $count, scalar @ids, 'the count is exact';
    return join ' ', @ids;
}

sub change {
    my ($link, %body) = @_;
    my $r = $who{owner}->api(PATCH => "$AT/$link->{id}", \%body);
    is $r->{status}, 200, 'changed' or diag $r->{content};
    return $r->{json};
}

# Everything of a response but its request id and its route.
sub plain {
    my ($r) = @_;
    my %problem = %{ $r->{json} // {} };
    delete @problem{qw(requestId instance)};
    return [ $r->{status}, \%problem ];
}

my $wrong = { token => encode_base64url('y' x 32) };
my $gone = plain(visit($wrong));
is_deeply [ $gone->[0], $gone->[1]{code} ], [ 410, 'link_gone' ], 'a wrong token';

subtest 'an item, and what is told of it' => sub {
    my $item = item(title => 'Sunset');
    my $link = make(owner => mediaId => $item);
    is_deeply [ @$link{qw(kind title count passwordSet download expiresAt views)},
        $link->{target} ], [ 'item', 'Sunset', 1, JSON::PP::false, JSON::PP::false, undef, 0,
        { mediaId => $item } ], 'as its owner sees it';
    my $r = visit($link);
    is $r->{status}, 200, 'visited' or diag $r->{content};
    is_deeply [ sort keys %{ $r->{json} } ], [ qw(count download items kind page title) ],
        'what is told of the link';
    is_deeply [ sort keys %{ $r->{json}{items}[0] } ],
        [ qw(height id kind previewUrl takenAtLocal thumbnails title width) ],
        'what is told of the item';
    is $r->{json}{items}[0]{takenAtLocal}, '2024-07-01T14:00:00', 'the wall clock';
    my $one = $stranger->api(GET => "$AT/open/$link->{token}/items/$item");
    is $one->{status}, 200, 'the item alone';
    my $all = $r->{content} . $one->{content};
    unlike $all, qr/secret|gps|48\.1|$id{owner}|\Q$who{owner}{email}\E|original/,
        'nothing else is told, and no original is signed';
    is $r->{headers}{'x-robots-tag'}, 'noindex', 'not for search engines';
    like $r->{json}{items}[0]{thumbnails}{640}, qr/X-Amz-Expires=900&/, 'URLs live shortly';
    is $stranger->api(GET => "$AT/open/$link->{token}/items/" . item())->{json}{code},
        'not_found', 'no other item';
    is_deeply plain($stranger->api(GET => "$AT/open/$wrong->{token}/items/$item")),
        $gone, 'nor with another token';
    is $mn->psql("SELECT count(*) FROM links WHERE encode(token_hash, 'escape') LIKE "
        . "'%$link->{token}%'"), 0, 'the token is not stored';
    wait_until(sub { $mn->log_text('access') =~ m{/api/media/links/open/\*\*\*} }, 15, 'the log');
    unlike $mn->log_text($_), qr/\Q$link->{token}\E/, "nor in the log $_"
        for qw(media access error);

    change($link, download => JSON::PP::true);
    $one = $stranger->api(GET => "$AT/open/$link->{token}/items/$item")->{json};
    like $one->{downloadUrl}, qr{original/secretkey.*secretname\.jpg}, 'the original, if allowed';
    like $one->{fileUrl}, qr/X-Amz-Expires=900&/, 'whose URL lives as shortly';
    change($link, download => JSON::PP::false);
    $one = $stranger->api(GET => "$AT/open/$link->{token}/items/$item")->{json};
    is_deeply [ @$one{qw(fileUrl downloadUrl contentType)} ], [ undef, undef, undef ],
        'and not any more';
};

subtest 'whose, and to what' => sub {
    my ($mine, $theirs) = (item(), item(owner => 'friend'));
    my $status = sub {
        my ($person, @more) = @_;
        return $who{$person}->api(POST => $AT, {@more})->{status};
    };
    is $status->(guest => mediaId => $mine), 403, 'guests make none';
    is $status->(owner => mediaId => $theirs), 404, 'not to what is another’s';
    is $status->(owner => ids => [ $mine, $theirs ]), 400, 'not in a selection either';
    is $status->(super => mediaId => $theirs), 201, 'who manages everything shares everything';
    is $status->('owner'), 400, 'not to nothing';
    is $status->(owner => mediaId => $mine, ids => [$mine]), 400, 'not to two things';
    is $status->(owner => mediaId => $mine, expiresAt => '2020-01-01T00:00:00Z'), 400,
        'not one that has ended';
    is $status->(owner => mediaId => $mine, password => 'password'), 400, 'not with that password';
    my $album = $who{owner}->api(POST => '/api/media/collections', { title => 'x',
        items => [$mine], shared => [ { userId => $id{friend}, may => 'add' } ] })->{json};
    is $status->(friend => collectionId => $album->{id}), 403, 'an album by its owner alone';
    is $status->(super => collectionId => $album->{id}), 404, 'whom others do not see';

    my $link = make(owner => mediaId => $mine);
    for my $other (qw(friend super)) {
        is $who{$other}->api(GET => "$AT/$link->{id}")->{status}, 404, "$other does not see it";
        is $who{$other}->api(PATCH => "$AT/$link->{id}", { download => JSON::PP::true })->{status},
            404, 'nor changes it';
        is $who{$other}->api(DELETE => "$AT/$link->{id}")->{status}, 404, 'nor deletes it';
        is scalar(grep { $_->{id} eq $link->{id} }
            @{ $who{$other}->api(GET => $AT)->{json}{items} }), 0, 'nor is it in their list';
    }
    is_deeply [ map { $_->{id} } @{ $who{owner}->api(GET => "$AT?mediaId=$mine")->{json}{items} } ],
        [ $link->{id} ], 'the links of an item';
    is $who{owner}->api(PATCH => "$AT/$link->{id}", { title => 'Ours' },
        { 'If-Match' => '"7"' })->{status}, 412, 'another version is not changed';
    is $who{owner}->api(PATCH => "$AT/$link->{id}", { title => 'Ours' },
        { 'If-Match' => '"1"' })->{json}{title}, 'Ours', 'this one is';
    is visit($link)->{json}{title}, 'Ours', 'and visitors read it';
};

subtest 'an album, and a selection in its order' => sub {
    my @items = map { item(day => "2024-07-0$_") } 1 .. 5;
    my $selection = make(owner => ids => [ @items[ 3, 0, 4, 0 ] ], title => 'Three');
    is seen($selection), join(' ', @items[ 3, 0, 4 ]), 'in the order of the selection, each once';
    is_deeply $selection->{target}, { ids => [ @items[ 3, 0, 4 ] ] }, 'which its owner reads';
    my $album = $who{owner}->api(POST => '/api/media/collections', { title => 'Summer',
        items => [ @items[ 0 .. 2 ] ] })->{json};
    my $link = make(owner => collectionId => $album->{id});
    is seen($link), join(' ', @items[ 2, 1, 0 ]), 'an album by date';
    $who{owner}->api(PATCH => "/api/media/collections/$album->{id}", { sort => 'manual' });
    is seen($link), join(' ', @items[ 0, 1, 2 ]), 'or as people put it';
    $who{owner}->api(POST => "/api/media/collections/$album->{id}/items", { remove => [ $items[1] ],
        add => [ $items[4] ] });
    is seen($link), join(' ', @items[ 0, 2, 4 ]), 'an album loses an item, and gets one';
    $who{owner}->api(PATCH => "/api/media/collections/$album->{id}", { shared =>
        [ { userId => $id{friend}, may => 'add' } ] });
    my $theirs = item(owner => 'friend');
    $who{friend}->api(POST => "/api/media/collections/$album->{id}/items", { add => [$theirs] });
    is seen($link), join(' ', @items[ 0, 2, 4 ]),
        'what a contributor gives to its people is not for others';
    $mn->psql("UPDATE media SET rotation = 90, made_rotation = 270 WHERE id = '$items[0]'");
    my $turned = $stranger->api(GET => "$AT/open/$link->{token}/items/$items[0]")->{json};
    is "$turned->{rotation} $turned->{turnBy}", '90 180', 'and how its files are to be turned';
    my $rule = $who{owner}->api(POST => '/api/media/collections', { title => 'r', kind => 'rule',
        rule => { takenFrom => '2024-07-05', takenTo => '2024-07-05' } })->{json};
    is seen(make(owner => collectionId => $rule->{id})), $items[4], 'a rule';
    is $who{owner}->api(DELETE => "/api/media/collections/$album->{id}")->{status}, 204, 'deleted';
    is_deeply plain(visit($link)), $gone, 'the link of an album that is deleted';
};

subtest 'the trash' => sub {
    my @items = map { item() } 1 .. 2;
    my $link = make(owner => ids => \@items);
    my $pages = sub { $who{owner}->api(POST => "/api/media/$items[0]/$_[0]")->{status} };
    is $pages->('trash'), 200, 'one goes into the trash';
    is seen($link), $items[1], 'and from the link';
    is $stranger->api(GET => "$AT/open/$link->{token}/items/$items[0]")->{status}, 404, 'alone too';
    $pages->('restore');
    is seen($link), "@items", 'it comes back';
    is $who{super}->api(DELETE => "/api/media/$items[0]?purge=true")->{status}, 204, 'purged';
    is seen($link), $items[1], 'gone for good';
    $who{owner}->api(POST => "/api/media/$items[1]/trash");
    is seen($link), '', 'a link without items shows none';
};

subtest 'a password' => sub {
    my $item = item(title => 'Under lock');
    my $link = make(owner => mediaId => $item, password => 'blue horse');
    my $r = visit($link);
    is_deeply [ $r->{status}, $r->{json}{code} ], [ 401, 'link_password' ], 'is asked for';
    unlike $r->{content}, qr/Under lock|$item/, 'and nothing is told';
    is $stranger->api(GET => "$AT/open/$link->{token}/items/$item")->{json}{code}, 'link_password',
        'for an item too';
    my $unlock = sub { $stranger->api(POST => "$AT/open/$link->{token}", { password => $_[0] }) };
    is $unlock->('red horse')->{json}{code}, 'invalid_credentials', 'a wrong one';
    my $ticket = $unlock->('blue horse')->{json}{ticket};
    is seen($link, $ticket), $item, 'unlocked';
    my $other = make(owner => mediaId => $item, password => 'blue horse');
    is seen($other, $ticket), '401 link_password', 'this link alone';
    is seen($link, "${ticket}A"), '401 link_password', 'by an exact ticket';
    (my $later = $ticket) =~ s/\.(\d+)\./'.' . ($1 + 60) . '.'/e;
    is seen($link, $later), '401 link_password', 'whose time is signed';
    change($link, password => 'green horse');
    is seen($link, $ticket), '401 link_password', 'another password ends what was unlocked';
    $ticket = $unlock->('green horse')->{json}{ticket};
    is seen($link, $ticket), $item, 'unlocked with the new one';
    $mn->admin_command('', 'keys', 'rotate');
    is seen($link, $ticket), $item, 'keys that are rotated end nothing';
    is seen($link, $unlock->('green horse')->{json}{ticket}), $item, 'and sign the next';
    is $unlock->("guess $_")->{status}, 401, 'a guess' for 1 .. 3;
    $r = $unlock->('green horse');
    is_deeply [ $r->{status}, $r->{json}{code} ], [ 429, 'too_many_attempts' ],
        'guesses are limited';
    cmp_ok $r->{headers}{'retry-after'}, '>', 60, 'and wait';
    change($link, password => undef);
    is seen($link), $item, 'without one again';
    is_deeply plain($stranger->api(POST => "$AT/open/$wrong->{token}", { password => 'x' })), $gone,
        'a wrong token has no password';
};

subtest 'views' => sub {
    my $link = make(owner => mediaId => item());
    my $views = sub { $who{owner}->api(GET => "$AT/$link->{id}")->{json} };
    visit($link) for 1 .. 3;
    is $views->()->{views}, 1, 'a visit is one view';
    ok $views->()->{lastViewAt}, 'at some time';
    is $views->()->{etag}, 1, 'which changes no version';
    visit($link, undef, $who{owner});
    is $views->()->{views}, 1, 'the owner is no visitor';
    $stranger->api(GET => "$AT/open/$link->{token}", undef, { 'User-Agent' => 'another' });
    is $views->()->{views}, 2, 'another device is';
    is visit($link, undef, $mn->client('garbage'))->{status}, 200, 'a bad bearer ends nothing';
};

subtest 'what ends a link' => sub {
    my $end = sub {
        my ($name, $sql, $back) = @_;
        my $link = make(owner => mediaId => item());
        is visit($link)->{status}, 200, 'there';
        ref $sql ? $sql->($link) : $mn->psql($sql =~ s/ID/$link->{id}/r);
        is_deeply plain(visit($link)), $gone, $name;
        return unless $back;
        $mn->psql($back);
        is visit($link)->{status}, 200, 'and it comes back';
    };
    $end->('its expiry', "UPDATE links SET expires_at = now() - interval '1 s' WHERE id = 'ID'");
    $end->('its removal', sub {
        is $who{owner}->api(DELETE => "$AT/$_[0]{id}")->{status}, 204, 'removed';
    });
    $end->('an owner who is disabled', sub {
        $who{super}->api(PATCH => "/api/users/$id{owner}", { status => 'disabled' });
    }, "UPDATE users SET status = 'active' WHERE id = '$id{owner}'");
    $who{owner} = $mn->login(@{ $who{owner} }{qw(email password)});
    $end->('an owner whose role may not share', "UPDATE users SET role = 'guest' WHERE id = "
        . "'$id{owner}'", "UPDATE users SET role = 'user' WHERE id = '$id{owner}'");
    {
        my $roles = $who{super}->api(GET => '/api/admin/roles')->{json}{roles};
        my %less = (%$roles, user => [ grep { $_ ne 'media.upload' } @{ $roles->{user} } ]);
        $end->('a role that loses the right to', sub {
            $who{super}->api(PUT => '/api/admin/roles', { roles => \%less });
        });
        $who{super}->api(PUT => '/api/admin/roles', { roles => $roles });
    }
    $end->('public links that are switched off', sub {
        $who{super}->api(PATCH => '/api/admin/settings', { 'links.enabled' => JSON::PP::false });
        is $who{owner}->api(POST => $AT, { mediaId => item() })->{json}{code}, 'links_off',
            'then nobody makes one';
        is $who{owner}->api(GET => $AT)->{json}{enabled}, JSON::PP::false, 'and the list says so';
    });
    $who{super}->api(PATCH => '/api/admin/settings', { 'links.enabled' => undef });
    my $super = make(super => mediaId => item());
    is visit($super)->{status}, 200, 'an admin’s link to another’s item';
    $mn->psql("UPDATE users SET role = 'user' WHERE id = '$id{super}'");
    is seen($super), '', 'shows nothing without the right to manage everything';
    $mn->psql("UPDATE users SET role = 'super' WHERE id = '$id{super}'");

    my $leaver = $mn->user;
    @id{leaver} = $leaver->{id};
    $who{leaver} = $leaver;
    my $link = make(leaver => mediaId => item(owner => 'leaver'));
    is $who{super}->api(DELETE => "/api/users/$id{leaver}?items=transfer&to=$id{friend}")->{status},
        204, 'its owner is deleted';
    is_deeply plain(visit($link)), $gone, 'and the link with them';
};

subtest 'limits' => sub {
    $who{super}->api(PATCH => '/api/admin/settings', { 'links.per_person' => 1 });
    is $who{friend}->api(POST => $AT, { mediaId => item(owner => 'friend') })->{status}, 201, 'one';
    is $who{friend}->api(POST => $AT, { mediaId => item(owner => 'friend') })->{json}{code},
        'too_many_links', 'and no more';
    $who{super}->api(PATCH => '/api/admin/settings', { 'links.per_person' => undef,
        'rate_limit.class.link.per_minute' => 4, 'rate_limit.anonymous.per_minute' => 2 });
    $mn->redis('EVAL',
        'for _, k in ipairs(redis.call("KEYS", "mn:windows:*")) do redis.call("DEL", k) end', 0);
    my $link = make(owner => mediaId => item());
    my @r = map { visit($_ % 2 ? $link : $wrong) } 1 .. 5;
    is_deeply [ map { $_->{status} } @r ], [ 200, 410, 200, 410, 429 ],
        'an address, whatever it asks for';
    like $r[0]{headers}{'ratelimit-policy'}, qr/^"link";q=4/, 'in a class of its own';
    is $stranger->api(GET => '/api/auth/options')->{status}, 200,
        'and not as the anonymous tier does';
    $who{super}->api(PATCH => '/api/admin/settings', { 'links.per_minute' => 2,
        'rate_limit.class.link.per_minute' => 0 });
    my $another = make(owner => mediaId => item());
    is_deeply [ map { visit($link)->{status} } 1 .. 3 ], [ 200, 200, 429 ],
        'a link, wherever it is asked for';
    is visit($another)->{status}, 200, 'and no other';
};

subtest 'the audit log' => sub {
    my $said = join ' ', map { $_->{summary} }
        @{ $who{super}->api(GET => '/api/admin/audit?limit=100')->{json}{items} };
    like $said, qr/made a public link/, 'a new link';
    like $said, qr/changed password of a public link/, 'a changed one';
    like $said, qr/removed a public link of kind item/, 'a removed one';
    unlike $said, qr/horse|Sunset/, 'and no secrets';
};

done_testing;
