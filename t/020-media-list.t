#!/usr/bin/perl
# The list of the catalogue: what it holds for whom, in which order, and that its pages neither lose
# nor repeat anything.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use Test::More;

my $mn = MediaNest::Test->stack;
my ($ann, $bob, $cat) = map { $mn->user(role => 'user') } 1 .. 3;
my %id = map { $_->[0] => $_->[1]->api(GET => '/api/auth/session')->{json}{user}{id} }
    [ ann => $ann ], [ bob => $bob ], [ cat => $cat ];
my $mark = "list$$" . int rand 1e6;	# tells this test's items from others' of a shared stack

# Items straight into the catalogue: the list is at stake here, not the upload. created_at goes back
# a minute with each.
my $serial = 0;
sub item {
    my (%m) = @_;
    my $n = ++$serial;
    my %row = (owner => 'ann', visibility => 'private', status => 'ready', kind => 'image',
        title => "$mark $n", tags => '{}', year => 'NULL', taken => 'NULL', %m);
    my $uuid = sprintf '0190%04x-%04x-7%03x-8000-%012x', $$ & 0xffff, int rand 65536, $n,
        int rand 1e9;
    $mn->psql("INSERT INTO media (id, owner_id, kind, title, status, trashed_from, trashed_at, "
        . "visibility, tags, year, taken_at, created_at) VALUES ('$uuid', '$id{$row{owner}}', "
        . "'$row{kind}', '$row{title}', '$row{status}', "
        . ($row{status} eq 'trashed' ? "'ready', now()" : 'NULL, NULL')
        . ", '$row{visibility}', '$row{tags}', $row{year}, "
        . "$row{taken}, '2030-01-01T00:00:00Z'::timestamptz - interval '$n minutes')");
    $mn->psql(
        "INSERT INTO media_shares SELECT id, '$id{$_}', created_at FROM media WHERE id = '$uuid'")
        for @{ $row{shares} || [] };
    return $uuid;
}

sub list {
    my ($who, $query) = @_;
    my $r = $who->api(GET => "/api/media?$query");
    is $r->{status}, 200, "GET /api/media?$query" or diag $r->{content};
    return $r->{json};
}

# Ids of every page, in order; only of this test. A cursor takes the place of `after` or `before`.
sub pages {
    my ($who, $query, $limit) = @_;
    my (@ids, $cursor, $pages);
    do {
        my $page = list($who, join '&', grep { length } $query, "limit=$limit",
            defined $cursor ? "cursor=$cursor" : ());
        cmp_ok scalar @{ $page->{items} }, '<=', $limit, 'no more than asked for';
        push @ids, map { $_->{id} } grep { $_->{title} =~ /^\Q$mark\E/ } @{ $page->{items} };
        $cursor = $page->{page}{nextCursor};
        $query =~ s/(?:^|&)(?:after|before)=[^&]*//;
    } while (defined $cursor && ++$pages < 60);
    return @ids;
}

my (@private, @house, @shared, @foreign);
for my $n (1 .. 12) {
    push @private, item();
    push @house, item(owner => 'bob', visibility => 'house', kind => 'video');
    push @shared, item(owner => 'bob', visibility => 'shared', shares => ['ann'], kind => 'audio');
    push @foreign, item(owner => 'bob'), item(owner => 'bob', visibility => 'shared',
        shares => ['cat']);
}
my %rank;
@rank{ @private, @house, @shared, @foreign } = ();
# in the order of creation: newest first
my @ann_sees = map { ($private[$_], $house[$_], $shared[$_]) } 0 .. 11;

subtest 'three branches, once each, in order' => sub {
    for my $limit (1, 2, 7, 25, 100) {
        is_deeply [ pages($ann, '', $limit) ], \@ann_sees, "pages of $limit";
    }
    is_deeply [ pages($ann, 'sort=oldest', 5) ], [ reverse @ann_sees ], 'oldest first';
    is_deeply [ sort(pages($ann, 'sort=taken', 5)) ], [ sort @ann_sees ],
        'by the date taken, nothing lost';
    is_deeply [ sort(pages($ann, 'sort=title', 5)) ], [ sort @ann_sees ], 'by title, nothing lost';
    my @titles = map { lc $_->{title} } grep { $_->{title} =~ /^\Q$mark\E/ } @{ list($ann,
        'sort=title&limit=100')->{items} };
    my @again = map { lc $_->{title} } map { @{ $_->{items} } } list($ann, 'sort=title&limit=100');
    is_deeply \@titles, [ grep { /^\Q$mark\E/ } @again ], 'the order by title is stable';
    ok !(grep { $_->{id} eq $foreign[0] } @{ list($ann, 'limit=100')->{items} }),
        'nothing of others';
    is_deeply [ pages($cat, '', 10) ], [ map { ($house[$_], $foreign[ 2 * $_ + 1 ]) } 0 .. 11 ],
        'somebody else sees the house and her own shares';
};

subtest 'from an item on, in both directions' => sub {
    for my $query ('', 'sort=oldest', 'sort=taken', 'sort=title', 'sort=taken&kind=video',
        'sort=title&source=upload') {
        my @all = pages($ann, $query, 100);
        my $at = int @all / 2;
        is_deeply [ pages($ann, "$query&after=$all[$at]", 100) ], [ @all[ $at + 1 .. $#all ] ],
            "$query: what comes after it";
        is_deeply [ pages($ann, "$query&before=$all[$at]", 100) ], [ reverse @all[ 0 .. $at - 1 ] ],
            "$query: what comes before it, the nearest first";
        my $page = list($ann, "$query&before=$all[$at]&limit=2");
        my @back = map { $_->{id} } @{ $page->{items} };
        push @back, map { $_->{id} } @{ list($ann,
            "$query&limit=2&cursor=$page->{page}{nextCursor}")->{items} };
        is_deeply \@back, [ reverse @all[ $at - 4 .. $at - 1 ] ], 'the cursor goes on backwards';
        is_deeply [ pages($ann, "$query&before=$all[0]", 5) ], [], 'nothing before the first';
        is_deeply [ pages($ann, "$query&after=$all[-1]", 5) ], [], 'nothing after the last';
    }
    my @old = map { item(status => 'trashed') } 1 .. 3;
    my @trash = pages($ann, 'status=trashed', 10);
    is_deeply [ pages($ann, "status=trashed&before=$trash[2]", 10) ], [ reverse @trash[ 0, 1 ] ],
        'the trash goes backwards too';
    for my $wrong ("after=$foreign[0]", 'before=01900000-0000-7000-8000-00000000dead',
        "status=trashed&after=$private[0]", "after=$house[0]&before=$house[0]",
        "after=$house[0]&cursor=" . list($ann, 'limit=1')->{page}{nextCursor}) {
        is $ann->api(GET => "/api/media?$wrong")->{status}, 400, "$wrong is refused";
    }
    $mn->psql("DELETE FROM media WHERE id IN (" . join(',', map { "'$_'" } @old) . ')');
};

subtest 'the own library of someone who sees everything' => sub {
    my $dan = $mn->user(role => 'super');
    my %seen = map { $_ => 1 } pages($dan, '', 100);
    is scalar(grep { $seen{$_} } @private, @house, @shared, @foreign), 60, 'everything';
    $id{dan} = $dan->api(GET => '/api/auth/session')->{json}{user}{id};
    my $own = item(owner => 'dan');
    my $given = item(owner => 'bob', visibility => 'shared', shares => ['dan']);
    for my $sort (qw(newest taken title)) {
        is_deeply [ sort(pages($dan, "scope=library&sort=$sort", 10)) ],
            [ sort $own, $given, @house ], "$sort: own, shared and the house's";
    }
    is_deeply [ pages($ann, 'scope=everyone', 100) ], \@ann_sees,
        'everyone\'s is what one may read, not more';
    my %item = map { $_->{id} => $_ } @{ list($dan, 'scope=library&limit=100')->{items} };
    my $bob_name = $bob->api(GET => '/api/auth/session')->{json}{user}{displayName};
    is $item{$given}{ownerName}, $bob_name, 'the owner\'s name is on what is another\'s';
    ok !exists $item{$own}{ownerName}, 'but not on one\'s own';
    is $dan->api(GET => "/api/media/$given")->{json}{ownerName}, $bob_name, 'on single items too';
    # a page that is cached has the new name as well
    list($ann, 'kind=video&limit=3') for 1 .. 3;
    is $bob->api(PATCH => '/api/users/me', { displayName => "Robert $mark" })->{status}, 200,
        'a new name';
    is list($ann, 'kind=video&limit=3')->{items}[0]{ownerName}, "Robert $mark", 'is shown';
    $mn->psql("DELETE FROM media WHERE id IN ('$own', '$given')");
};

subtest 'pages while the catalogue changes' => sub {
    my $first = list($ann, 'limit=10');
    my @got = map { $_->{id} } @{ $first->{items} };
    my $new = item(title => "$mark newer");
    $mn->psql("UPDATE media SET created_at = '2031-01-01' WHERE id = '$new'");
    # the very item that the cursor stands on
    $mn->psql("DELETE FROM media WHERE id = '$ann_sees[9]'");
    my $cursor = $first->{page}{nextCursor};
    while (defined $cursor) {
        my $page = list($ann, "limit=10&cursor=$cursor");
        push @got, map { $_->{id} } @{ $page->{items} };
        $cursor = $page->{page}{nextCursor};
    }
    my %twice;
    is_deeply [ grep { $twice{$_}++ } @got ], [], 'nothing twice';
    my %got = map { $_ => 1 } @got;
    is_deeply [ grep { !$got{$_} } @ann_sees ], [], 'nothing lost';
    ok !$got{$new}, 'what came later is on the first page of the next look';
    $mn->psql("DELETE FROM media WHERE id = '$new'");
    @ann_sees = grep { $_ ne $ann_sees[9] } @ann_sees;
};

subtest 'equal times' => sub {
    my @same = map { item() } 1 .. 9;
    $mn->psql("UPDATE media SET created_at = '2029-06-01T00:00:00.123456Z' WHERE id IN ("
        . join(',', map { "'$_'" } @same) . ')');
    for my $sort (qw(newest oldest taken)) {
        my %seen;
        $seen{$_}++ for pages($ann, "sort=$sort", 2);
        is_deeply [ map { $seen{$_} } @same ], [ (1) x 9 ], "$sort: each once";
    }
    $mn->psql("DELETE FROM media WHERE id IN (" . join(',', map { "'$_'" } @same) . ')');
};

subtest 'filters' => sub {
    my $old = item(tags => '{sea,holiday}', year => 1999);
    my $photo = item(taken => "'1998-07-01'");
    my $failed = item(status => 'failed');
    my $pending = item(status => 'pending');
    my $theirs_failed = item(owner => 'bob', visibility => 'house', status => 'failed');
    my %all = map { $_ => 1 } pages($ann, '', 99);
    ok $all{$failed}, 'my failed item is listed';
    ok !$all{$pending}, 'one that has not arrived is not';
    ok !$all{$theirs_failed}, "nor is somebody else's failure";
    is_deeply [ pages($ann, 'kind=video', 5) ],
        [ grep { my $i = $_; grep { $_ eq $i } @house } @ann_sees ], 'kind';
    is_deeply [ pages($ann, 'tag=sea', 5) ], [$old], 'tag';
    is_deeply [ pages($ann, 'yearTo=1999', 5) ], [ $old, $photo ],
        "year, a photo's being that of its moment";
    is_deeply [ pages($ann, 'yearFrom=1999&yearTo=1999&tag=holiday&kind=image&source=upload', 5) ],
        [$old], 'all together';
    is_deeply [ pages($ann, 'status=failed', 5) ], [$failed], 'status';
    is_deeply [ pages($ann, 'status=pending', 5) ], [$pending], 'pending when asked for';
    is_deeply [ pages($ann, "owner=$id{bob}&kind=audio", 5) ],
        [ grep { my $i = $_; grep { $_ eq $i } @shared } @ann_sees ], 'owner';
    is_deeply [ pages($ann, 'source=plex', 5) ], [], 'source';
};

subtest 'the trash' => sub {
    my $mine = item(status => 'trashed');
    my $theirs = item(status => 'trashed', owner => 'bob', visibility => 'house');
    ok !(grep { $_ eq $mine } pages($ann, '', 98)), 'is not in the list';
    is_deeply [ pages($ann, 'status=trashed', 5) ], [$mine],
        'has a list of its own, with mine only';
    is $ann->api(GET => '/api/media?status=trashed&sort=title')->{status}, 400, 'in one order';
};

subtest 'everything for those who manage all' => sub {
    my $super = $mn->admin;
    my %seen = map { $_ => 1 } pages($super, '', 100);
    is_deeply [ grep { !$seen{$_} } @ann_sees, @foreign ], [], 'private items of everybody';
    is_deeply [ pages($super, "owner=$id{cat}", 10) ], [], 'by owner';
};

subtest 'what is refused' => sub {
    my $cursor = list($ann, 'limit=1')->{page}{nextCursor};
    for my $query ('limit=0', 'limit=101', 'limit=x', 'limit=', 'sort=random', 'kind=book',
        'status=gone', 'yearFrom=0', 'yearTo=10000', 'owner=me', 'cursor=', 'cursor=%00',
        'cursor=AAAA', 'cursor=*', "cursor=$cursor&sort=oldest", "cursor=$cursor&status=trashed",
            "cursor=${cursor}A", 'unknown=1', 'limit=1&limit=2', 'tag=', 'page=2') {
        my $r = $ann->api(GET => "/api/media?$query");
        is $r->{status}, 400, $query or diag $r->{content};
        is $r->{headers}{'content-type'}, 'application/problem+json', 'as a problem';
    }
    is $mn->client->api(GET => '/api/media')->{status}, 401, 'nobody';
};

subtest 'by title and date taken, with much that is shared' => sub {
    my $dan = $mn->user(role => 'user');
    my $dans = $dan->api(GET => '/api/auth/session')->{json}{user}{id};
    my ($many, $limit) = (1000, 20);
    # Titles and dates in an order of their own.
    $mn->psql("INSERT INTO media (id, owner_id, kind, title, overview, status, visibility, "
        . "taken_at, created_at) SELECT gen_random_uuid(), '$id{bob}', 'image', "
        . "'$mark s' || lpad((n * 7 % $many)::text, "
        . "6, '0'), (SELECT string_agg(md5((n * k)::text), ' ') FROM generate_series(1, "
        . "40) k), 'ready', 'shared', "
        . "CASE WHEN n % 3 > 0 THEN '2001-01-01'::timestamptz + n * 11 % "
        . "$many * interval '1 hour' END, '2001-02-01'::timestamptz + n * interval '1 minute' "
        . "FROM generate_series(1, $many) n");
    $mn->psql("INSERT INTO media_shares (media_id, user_id, created_at) SELECT id, '$dans', "
        . "created_at FROM media WHERE title LIKE '$mark s%'");
    $mn->psql('ANALYZE media, media_shares');
    my %order = (title => 'lower(title), id',
        taken => "coalesce(taken_local, taken_at AT TIME ZONE 'UTC', "
            . "created_at AT TIME ZONE 'UTC') DESC, id DESC");
    my $pages = sub {
        my ($sort) = @_;
        my $want = [ split /\n/, $mn->psql("SELECT id FROM media WHERE title LIKE '$mark s%' "
            . "ORDER BY $order{$sort}") ];
        my %shared = map { $_ => 1 } @$want;
        my @got = grep { $shared{$_} } pages($dan, "sort=$sort", 100);
        is_deeply \@got, $want, "all of it, by $sort";
        return @got;
    };
    my @by_title = $pages->('title');
    $pages->('taken');
    for my $sort (qw(title taken)) {
        my $read = sub {
            return split /\|/, $mn->psql('SELECT sum(calls), '
                . 'sum(shared_blks_hit + shared_blks_read) FROM pg_stat_statements '
                . "WHERE query LIKE '%"
                . ($sort eq 'title' ? 'lower(m.title)'
                    : 'coalesce(m.taken_local AT TIME ZONE %m.taken_at, m.created_at)')
                . "%media_shares sh%LIMIT%' AND query NOT LIKE '%pg_stat_statements%'");
        };
        my $cursor = list($dan, "sort=$sort&limit=$limit")->{page}{nextCursor};
        my ($calls, $blocks) = $read->();
        for (1 .. 10) {
            my $page = list($dan, "sort=$sort&limit=$limit&cursor=$cursor");
            $cursor = $page->{page}{nextCursor};
        }
        my ($calls_after, $blocks_after) = $read->();
        cmp_ok $calls_after - $calls, '>=', 10, "pages by $sort were read";
        cmp_ok +($blocks_after - $blocks) / ($calls_after - $calls), '<', 7 * $limit,
            'each without the rest of what is shared';
    }
    is $bob->api(PATCH => "/api/media/$by_title[-1]", { title => "$mark s" })->{status}, 200,
        'an owner changes a title';
    is $bob->api(PATCH => "/api/media/$by_title[0]",
        { takenAt => '2000-01-01T00:00:00Z' })->{status}, 200, 'and a date';
    is +($pages->('title'))[0], $by_title[-1], 'which others see in its new place';
    is +($pages->('taken'))[-1], $by_title[0], 'both';
    is $bob->api(PUT => "/api/media/$by_title[5]/shares", { users => [] })->{status}, 200,
        'taken back';
    is $bob->api(PUT => "/api/media/$by_title[5]/shares", { users => [$dans] })->{status}, 200,
        'and shared again';
    $pages->($_) for qw(title taken);
    $mn->psql("DELETE FROM media WHERE title LIKE '$mark s%'");
};

subtest 'shape, HEAD and cache' => sub {
    my $first = list($ann, 'limit=1');
    my ($m) = @{ $first->{items} };
    for my $member (qw(id source kind title status visibility ownerId genres tags externalIds
        thumbnails createdAt updatedAt etag)) {
        ok exists $m->{$member}, $member;
    }
    ok !exists $m->{metadata}, 'metadata is for single items';
    like $m->{createdAt}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'time with milliseconds';
    is $first->{page}{limit}, 1, 'page.limit';
    my $head = $ann->api(HEAD => '/api/media?limit=1');
    is $head->{status}, 200, 'HEAD';
    is $head->{content} // '', '', 'without a body';
    my $title = "$mark changed";
    is $ann->api(PATCH => "/api/media/$m->{id}", { title => $title })->{status}, 200, 'a change'
        if $m->{ownerId} eq $id{ann};
    my $mine = $private[0];
    is $ann->api(PATCH => "/api/media/$mine", { title => $title })->{status}, 200,
        'a change of mine';
    my ($now) = grep { $_->{id} eq $mine } @{ list($ann, 'limit=100')->{items} };
    is $now->{title}, $title, 'shows at once, cached or not';
};

subtest 'thumbnails' => sub {
    my $photo = item();
    $mn->psql("UPDATE media SET asset_prefix = 'derived/x', created_at = '2031-01-01', "
        . "assets = '{320.webp,640.webp,1280.webp}' WHERE id = '$photo'");
    my $sizes = sub {
        my ($path) = @_;
        my $r = $ann->api(GET => $path);
        is $r->{status}, 200, $path or diag $r->{content};
        my ($m) = grep { $_->{id} eq $photo } @{ $r->{json}{items} || [ $r->{json} ] };
        return join ',', sort { $a <=> $b } keys %{ $m->{thumbnails} };
    };
    is $sizes->('/api/media?limit=97'), '320,640,1280', 'all of them';
    is $sizes->("/api/media?limit=97&thumbnails=$_"), $_, 'those asked for'
        for '320', '1280', '320,640', '320,640,1280';
    is $sizes->('/api/media?limit=97&thumbnails=320%2C640'), '320,640', 'with an encoded comma';
    is $sizes->('/api/media?limit=97'), '320,640,1280', 'without a mix-up of cached pages';
    is $sizes->("/api/search?q=$mark&sort=newest&thumbnails=640"), '640', 'so does the search';
    is $sizes->("/api/media/$photo"), '320,640,1280', 'the item itself has all';
    is $ann->api(GET => "/api/media?thumbnails=$_")->{status}, 400, "thumbnails=$_ is refused"
        for '', '100', '320,', '640,320', '320,320';
};

$mn->psql("DELETE FROM media WHERE title LIKE '$mark%'");
done_testing();
