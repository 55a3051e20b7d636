#!/usr/bin/perl
# Collections: what is in an album, in which order, who sees it, and what takes items out again.
use strict;
use utf8;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use Test::More;

my $mn = MediaNest::Test->stack(private => 1); # no items of other tests
my %who = (super => $mn->admin, map { $_->[0] => $mn->user(role => $_->[1]) }
    [ guest => 'guest' ], [ owner => 'user' ], [ friend => 'user' ], [ other => 'user' ]);
my %id = map { $_ => $who{$_}->api(GET => '/api/auth/session')->{json}{user}{id} } keys %who;
my $serial = 0;

# An item of a person; day: when it was taken.
sub item {
    my (%m) = @_;
    my %row = (owner => 'owner', visibility => 'private', status => 'ready', tags => '{}',
        kind => 'image', day => '2024-07-01', %m);
    my $title = 'album ' . ++$serial;
    return $mn->psql("INSERT INTO media (id, owner_id, kind, title, status, visibility, tags, "
        . "taken_at) VALUES (gen_random_uuid(), '$id{$row{owner}}', '$row{kind}', '$title', "
        . "'$row{status}', '$row{visibility}', '$row{tags}', '$row{day}T12:00:00Z') RETURNING id");
}

sub call {
    my ($person, $method, $path, $body) = @_;
    return $who{$person}->api($method => "/api/media$path", $body);
}

sub album {
    my ($person, %body) = @_;
    my $r = call($person, POST => '/collections', { title => 'An album', %body });
    is $r->{status}, 201, "$person makes a collection" or diag $r->{content};
    return $r->{json};
}

# The ids that a person sees in a collection, by its own order; the count must agree.
sub seen {
    my ($person, $collection) = @_;
    my (@ids, $cursor);
    do {
        my $r = call($person, GET => "/collections/$collection/items?limit=2"
            . ($cursor ? "&cursor=$cursor" : ''));
        return "status $r->{status}" if $r->{status} != 200;
        push @ids, map { $_->{id} } @{ $r->{json}{items} };
        $cursor = $r->{json}{page}{nextCursor};
    } while ($cursor);
    my $count = call($person, GET => "/collections/$collection")->{json}{count};
    is $count, scalar @ids, "the count that $person sees is exact";
    return join ' ', @ids;
}

sub share {
    my ($collection, %may) = @_;
    return call(owner => PATCH => "/collections/$collection", { shared =>
        [ map { { userId => $id{$_}, may => $may{$_} } } sort keys %may ] });
}

sub status { return call(@_)->{status} }

subtest 'an album, its order and its cover' => sub {
    my @items = map { item(day => "2024-07-0$_") } 1 .. 4;
    my $album = album('owner', items => [ @items[ 0 .. 2 ] ]);
    is $album->{count}, 3, 'made with three items';
    is_deeply [ @$album{qw(kind sort may)}, $album->{shared} ], [ 'album', 'taken', 'own', [] ],
        'an album of its owner, by date';
    is $album->{coverId}, $items[2], 'the first one is the cover';
    is seen(owner => $album->{id}), join(' ', @items[ 2, 1, 0 ]), 'the latest first';

    my $r = call(owner => POST => "/collections/$album->{id}/items", { add => [ @items[ 3, 0 ] ] });
    is_deeply [ @{ $r->{json} }{qw(count added removed)} ], [ 4, 1, 0 ],
        'what is in is not added again' or diag $r->{content};
    $r = call(owner => PATCH => "/collections/$album->{id}",
        { sort => 'manual', title => 'Täglich' });
    is $r->{json}{title}, 'Täglich', 'renamed';
    is seen(owner => $album->{id}), join(' ', @items[ 0, 1, 2, 3 ]), 'as they were put in';
    call(owner => POST => "/collections/$album->{id}/items",
        { order => [ @items[ 3, 2 ] ], before => $items[0] });
    is seen(owner => $album->{id}), join(' ', @items[ 3, 2, 0, 1 ]), 'two moved to the front';
    call(owner => POST => "/collections/$album->{id}/items", { order => [ $items[2] ] });
    is seen(owner => $album->{id}), join(' ', @items[ 3, 0, 1, 2 ]), 'one moved to the end';
    is status(owner => POST => "/collections/$album->{id}/items",
        { order => [ $items[0] ], before => $items[0] }), 400, 'not in front of itself';

    is call(owner => GET => "/months?collection=$album->{id}")->{json}{items}[0]{count}, 4,
        'months of an album';
    my $list = call(owner => GET => "?collection=$album->{id}&sort=manual&after=$items[0]")->{json};
    is_deeply [ map { $_->{id} } @{ $list->{items} } ], [ @items[ 1, 2 ] ], 'read on from an item';
    is status(owner => GET => '?sort=manual'), 400, 'only a collection has such an order';
    $r = call(owner => PATCH => "/collections/$album->{id}", { coverId => $items[1] });
    is $r->{json}{coverId}, $items[1], 'a chosen cover';
    is status(owner => PATCH => "/collections/$album->{id}", { coverId =>
        '01890a5d-ac96-774b-bcce-b302099a8057' }), 400, 'no cover that nobody sees';

    my $stale = $who{owner}->api(PATCH => "/api/media/collections/$album->{id}", { title => 'x' },
        { 'If-Match' => '"1"' });
    is $stale->{status}, 412, 'an old version is not changed';

    $r = call(owner => POST => "/collections/$album->{id}/items", { remove => [ $items[1] ] });
    is $r->{json}{removed}, 1, 'one is taken out';
    isnt $r->{json}{coverId}, $items[1], 'what is not in is no cover';
    is status(owner => GET => "/$items[1]"), 200, 'and is still there';
    is status(owner => DELETE => "/collections/$album->{id}"), 204, 'the album is deleted';
    is status(owner => GET => "/collections/$album->{id}"), 404, 'it is gone';
    is status(owner => GET => "/$items[0]"), 200, 'its items are not';
};

subtest 'who makes, sees and changes' => sub {
    my $album = album('owner');
    my $at = "/collections/$album->{id}";
    is status(guest => POST => '/collections', { title => 'x' }), 403, 'guests make none';
    for my $person (qw(friend super)) {
        is status($person, GET => $at), 404, "$person does not see it";
        is status($person, GET => "$at/items"), 404, 'nor its items';
        is status($person, PATCH => $at, { title => 'x' }), 404, 'nor changes it';
        is status($person, DELETE => $at), 404, 'nor deletes it';
    }
    is share($album->{id}, friend => 'view', other => 'add')->{status}, 200, 'shared';
    my $r = call(friend => GET => $at)->{json};
    is_deeply [ $r->{may}, $r->{shared} ], [ 'view', undef ],
        'a viewer sees it, but not who else does';
    my $mine = item(owner => 'friend');
    is status(friend => POST => "$at/items", { add => [$mine] }), 403, 'a viewer adds nothing';
    is status(other => POST => "$at/items", { add => [$mine] }), 400,
        'a contributor adds nothing that they do not see';
    is status(other => POST => "$at/items", { add => [ item(owner => 'other') ] }), 200,
        'but what is theirs';
    is status($_, PATCH => $at, { title => 'x' }), 403, "$_ does not rename it"
        for qw(friend other);
    is share($album->{id}, friend => 'view', owner => 'add')->{json}{shared}[0]{userId},
        $id{friend}, 'the owner is not among the people';
    is scalar @{ call(owner => GET => $at)->{json}{shared} }, 1, 'nor counted';
    is status(owner => PATCH => $at, { shared => [ { userId =>
        '01890a5d-ac96-774b-bcce-b302099a8057', may => 'view' } ] }), 400, 'nobody is no viewer';
    my $listed = sub { [ map { $_->{id} }
        @{ call(friend => GET => "/collections?scope=$_[0]")->{json}{items} } ] };
    is_deeply $listed->('shared'), [ $album->{id} ], 'in the list of what is shared';
    is_deeply $listed->('own'), [], 'not of one’s own';
};

subtest 'sharing gives the items and revoking takes them back' => sub {
    my ($in, $out) = map { item() } 1 .. 2;
    my $album = album('owner', items => [$in]);
    is status(friend => GET => "/$in"), 404, 'private';
    share($album->{id}, friend => 'view');
    is status(friend => GET => "/$in"), 200, 'given';
    is seen(friend => $album->{id}), $in, 'seen in the album';
    is status(friend => GET => "/$out"), 404, 'what is not in stays private';
    my $item = call(friend => GET => "/$in")->{json};
    ok !exists $item->{sharedWith}, 'who else sees it is not told';
    is status(friend => PATCH => "/$in", { title => 'x' }), 403, 'it cannot be changed';
    for my $path ('?limit=100', '?limit=100&owner=' . $id{owner}) {
        my $r = call(friend => GET => $path)->{json};
        ok !(grep { $_->{id} eq $in } @{ $r->{items} }), "not in the list $path";
    }
    my $hits = sub {
        my ($whose) = @_;
        my $found = $who{$whose}->api(GET => '/api/search?q=album')->{json};
        return scalar grep { $_->{id} eq $in } @{ $found->{items} };
    };
    is $hits->('friend'), 1, 'but found by a search';
    is $hits->('other'), 0, '... of those who see the album';
    is status(friend => PUT => "/$in/favorite"), 200, 'it can be a favourite';
    is call(friend => GET => "?collection=$album->{id}")->{json}{items}[0]{favorite}, 1,
        'and shows so';
    share($album->{id});
    is status(friend => GET => "/$in"), 404, 'revoked: the item';
    is $hits->('friend'), 0, 'and the hit';
    is seen(friend => $album->{id}), 'status 404', 'and the album';
    is scalar @{ call(friend => GET => "?collection=$album->{id}")->{json}{items} }, 0,
        'and its list';
    is status(friend => GET => "/$in/file"), 404, 'and the file';
    is scalar @{ call(friend => GET => '?favorite=true')->{json}{items} }, 0,
        'and the favourites';
};

subtest 'what others own is given by them alone' => sub {
    my $house = item(owner => 'super', visibility => 'house');
    my $shared = item(owner => 'other', visibility => 'shared');
    $mn->psql("INSERT INTO media_shares SELECT id, '$id{owner}', created_at FROM media "
        . "WHERE id = '$shared'");
    my $own = item();
    my $album = album('owner', items => [ $house, $shared, $own ]);
    share($album->{id}, friend => 'view');
    is_deeply [ sort split ' ', seen(owner => $album->{id}) ], [ sort $house, $shared, $own ],
        'the owner of the album sees all';
    is_deeply [ sort split ' ', seen(friend => $album->{id}) ], [ sort $house, $own ],
        'a viewer sees what the house sees, and not what was shared with the owner alone';
    is status(friend => GET => "/$shared"), 404, 'by its id neither';
    is status(super => PATCH => "/$house", { visibility => 'private' }), 200, 'the house loses one';
    is seen(friend => $album->{id}), $own, 'and so does the album';
    is status(owner => PATCH => "/$own", { visibility => 'house' }), 200, 'one comes to the house';
    is status(owner => PATCH => "/$own", { visibility => 'private' }), 200, 'and goes again';
    is seen(friend => $album->{id}), $own, 'the album gives it all the same';

    share($album->{id}, friend => 'view', other => 'add');
    is call(other => POST => "/collections/$album->{id}/items",
        { add => [$shared] })->{json}{added}, 1, 'its owner gives it';
    is_deeply [ sort split ' ', seen(friend => $album->{id}) ], [ sort $shared, $own ],
        'now a viewer sees it';
};

subtest 'contributors' => sub {
    my $album = album('owner', items => [ my $first = item() ]);
    share($album->{id}, friend => 'view', other => 'add');
    my $theirs = item(owner => 'other');
    call(other => POST => "/collections/$album->{id}/items", { add => [$theirs] });
    is status(owner => GET => "/$theirs"), 200, 'the owner sees what a contributor adds';
    is call(other => POST => "/collections/$album->{id}/items", { remove => [ $first, $theirs ] })
        ->{json}{removed}, 1, 'a contributor takes out what is theirs alone';
    call(other => POST => "/collections/$album->{id}/items", { add => [$theirs] });
    is call(owner => POST => "/collections/$album->{id}/items", { remove => [$theirs] })
        ->{json}{removed}, 1, 'the owner takes out anything';
    call(other => POST => "/collections/$album->{id}/items", { add => [$theirs] });
    share($album->{id}, friend => 'view');
    is seen(friend => $album->{id}), $first, 'whoever is removed takes their items along';
    is status(owner => GET => "/$theirs"), 404, 'from the owner of the album too';
    share($album->{id}, friend => 'view', other => 'add');
    is seen(other => $album->{id}), $first, 'and they do not come back by themselves';
    call(other => POST => "/collections/$album->{id}/items", { add => [$theirs] });
    is status(other => DELETE => "/collections/$album->{id}"), 204, 'a contributor leaves';
    is status(other => GET => "/collections/$album->{id}"), 404, 'and sees it no more';
    is seen(owner => $album->{id}), $first, 'nor the others their items';
};

subtest 'the trash' => sub {
    my @items = map { item(day => "2024-07-0$_") } 1 .. 3;
    my $album = album('owner', sort => 'manual', items => \@items);
    share($album->{id}, friend => 'view');
    is status(owner => POST => "/$items[1]/trash"), 200, 'one into the trash';
    is seen($_, $album->{id}), "@items[0, 2]", "$_ does not see it there" for qw(owner friend);
    is status(friend => GET => "/$items[1]"), 404, 'nor by its id';
    is status(owner => POST => "/$items[1]/restore"), 200, 'restored';
    is seen(friend => $album->{id}), "@items", 'it is back in its place';
    is status(super => DELETE => "/$items[1]?purge=true"), 204, 'purged';
    is seen(owner => $album->{id}), "@items[0, 2]", 'it has left the album';
    is $mn->psql("SELECT count(*) FROM collection_items WHERE collection_id = '$album->{id}'"), 2,
        'for good';
};

subtest 'rules' => sub {
    my $early = item(tags => '{sea,sun}', day => '2024-06-30');
    my $late = item(tags => '{sea,sun}', day => '2024-08-01');
    my $other = item(tags => '{sea}', kind => 'video');
    my $foreign = item(owner => 'other', tags => '{sea}');
    is status(owner => POST => '/collections', { title => 'x', kind => 'rule' }), 400, 'no rule';
    is status(owner => POST => '/collections', { title => 'x', kind => 'rule', rule => {} }), 400,
        'a rule without a condition';
    is status(owner => POST => '/collections', { title => 'x', rule => { tags => ['a'] } }), 400,
        'an album has none';
    for my $day ('2024-02-30', '2023-02-29', '2024-13-01', '2024-1-011', 'yesterday!') {
        is status(owner => POST => '/collections', { title => 'x', kind => 'rule',
            rule => { takenFrom => $day } }), 400, "$day is no day";
    }
    my $sea = album('owner', kind => 'rule', rule => { tags => ['sea'] });
    is_deeply [ sort split ' ', seen(owner => $sea->{id}) ], [ sort $early, $late, $other ],
        'everything tagged sea';
    share($sea->{id}, friend => 'view');
    is_deeply [ sort split ' ', seen(friend => $sea->{id}) ], [ sort $early, $late, $other ],
        'the same for a viewer';
    is status(friend => GET => "/$late"), 200, 'by its id too';
    is status(friend => GET => "/$foreign"), 404, 'but nothing of others';
    is status(owner => POST => "/collections/$sea->{id}/items", { add => [$early] }), 409,
        'nothing is put in';
    for ([ { tags => [ 'sea', 'sun' ] }, $late, $early ], [ { tags => ['sea'],
        kinds => ['video'] }, $other ], [ { tags => ['sun'], takenFrom => '2024-07-01' }, $late ],
        [ { tags => ['sun'], takenTo => '2024-06-30' }, $early ]) {
        my ($rule, @expected) = @$_;
        my $r = call(owner => PATCH => "/collections/$sea->{id}", { rule => $rule });
        is_deeply $r->{json}{rule}, $rule, 'another rule' or diag $r->{content};
        is seen(owner => $sea->{id}), "@expected", 'holds what matches';
    }
    is status(friend => GET => "/$other"), 404, 'what it holds no more is not given';
    call(owner => PUT => "/$early/favorite");
    call(friend => PUT => "/$early/favorite");
    call(owner => PATCH => "/collections/$sea->{id}", { rule => { favorite => JSON::PP::true } });
    is seen(friend => $sea->{id}), $early, 'favourites of the owner';
    call(owner => DELETE => "/$early/favorite");
    is seen(friend => $sea->{id}), '', 'and of nobody else';
};

subtest 'people who are deleted' => sub {
    my ($gone, $heir) = map { $mn->user(role => 'user') } 1 .. 2;
    @who{qw(gone heir)} = ($gone, $heir);
    $id{$_} = $who{$_}->api(GET => '/api/auth/session')->{json}{user}{id} for qw(gone heir);
    my $album = album('owner', items => [ my $kept = item() ]);
    call(owner => PATCH => "/collections/$album->{id}", { shared =>
        [ { userId => $id{gone}, may => 'add' }, { userId => $id{friend}, may => 'view' } ] });
    my $theirs = item(owner => 'gone');
    call(gone => POST => "/collections/$album->{id}/items", { add => [$theirs] });
    my $left = album('gone', items => [$theirs]);
    call(gone => PATCH => "/collections/$left->{id}", { shared =>
        [ map { { userId => $id{$_}, may => 'view' } } qw(friend heir) ] });
    is $who{super}->api(DELETE => "/api/users/$id{gone}?items=transfer&to=$id{heir}")->{status},
        204, 'a person is deleted, another one inherits';
    is call(heir => GET => "/collections/$left->{id}")->{json}{may}, 'own', 'their albums too';
    is seen(friend => $left->{id}), $theirs, 'which are shared as before';
    is_deeply [ sort split ' ', seen(friend => $album->{id}) ], [ sort $kept, $theirs ],
        'and what they gave stays given';
    is $who{super}->api(DELETE => "/api/users/$id{heir}?items=trash")->{status}, 204,
        'then a person is deleted with everything';
    is status(friend => GET => "/collections/$left->{id}"), 404, 'their albums are gone';
    is seen(friend => $album->{id}), $kept, 'and their items leave the albums of others';
};

subtest 'whom one may share with' => sub {
    my $r = call(owner => GET => '/people?limit=100')->{json};
    my ($one) = grep { $_->{id} eq $id{friend} } @{ $r->{items} };
    is_deeply [ sort keys %$one ], [qw(displayName id)], 'id and name, nothing else';
    ok !(grep { $_->{id} eq $id{owner} } @{ $r->{items} }), 'not oneself';
    is status(guest => GET => '/people'), 403, 'not for guests, who share nothing';
    $mn->psql("UPDATE users SET display_name = 'Zoë Sharer' WHERE id = '$id{friend}'");
    my $found = call(owner => GET => '/people?q=zo%C3%AB%20sha')->{json};
    is_deeply [ map { $_->{id} } @{ $found->{items} } ], [ $id{friend} ], 'by a part of the name';
    $mn->psql("UPDATE users SET status = 'disabled' WHERE id = '$id{friend}'");
    is scalar @{ call(owner => GET => '/people?q=sharer')->{json}{items} }, 0, 'active people only';
};

is $mn->psql("SELECT count(*) > 3 FROM audit_log WHERE action = 'collection.shared'"), 't',
    'sharing is in the audit log';
done_testing;
