#!/usr/bin/perl
# How many items each month has: the same as the list shows, for every reader and filter, whatever
# happens to the items; and any part of the list by its days.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use JSON::PP ();
use Test::More;

use constant { ITEMS => 80, CHANGES => 40, SEED => 640 };

my $mn = MediaNest::Test->stack(private => 1); # no items of other tests
my ($ann, $bob, $cat) = map { $mn->user(role => 'user') } 1 .. 3;
my $super = $mn->admin;
my %id = map { $_->[0] => $_->[1]->api(GET => '/api/auth/session')->{json}{user}{id} }
    [ ann => $ann ], [ bob => $bob ], [ cat => $cat ];
my $mark = "months$$" . int rand 1e6;
# Years in which no other test has items, so that others' changes do not disturb the counts.
# Each query is new, because changes that are made here in SQL are news to no cache.
my $json = JSON::PP->new->canonical;
my ($serial, $queries) = (0, 0);
sub years {
    return sprintf 'takenFrom=1903-01-01&takenTo=19%02d-%02d-%02d', 5 + $queries / 336,
        1 + $queries / 28 % 12, 1 + $queries++ % 28;
}

sub item {
    my (%m) = @_;
    my %row = (owner => 'ann', visibility => 'private', status => 'ready', kind => 'image',
        at => '1903-05-01 12:00', tags => '{}', assets => 'NULL', parent => 'NULL', %m);
    my $uuid = sprintf '0640%04x-%04x-7%03x-8000-%012x', $$ & 0xffff, int rand 65536, ++$serial,
        int rand 1e9;
    $mn->psql("INSERT INTO media (id, owner_id, kind, title, status, trashed_at, visibility, tags, "
        . "taken_at, taken_local, asset_prefix, parent_id, created_at) VALUES ('$uuid', "
        . "'$id{$row{owner}}', '$row{kind}', '$mark $serial', '$row{status}', "
        . ($row{status} eq 'trashed' ? 'now()' : 'NULL') . ", '$row{visibility}', '$row{tags}', "
        . "'$row{at}+00'::timestamptz - interval '9 hours', '$row{at}', $row{assets}, "
        . "$row{parent}, "
        . "'1903-01-01'::timestamptz + interval '$serial minutes')");
    $mn->psql("INSERT INTO media_shares (media_id, user_id, created_at) SELECT id, '$id{$_}', "
        . "created_at FROM media WHERE id = '$uuid'") for @{ $row{shares} || [] };
    return $uuid;
}

sub get {
    my ($who, $path) = @_;
    my $r = $who->api(GET => $path);
    is $r->{status}, 200, "GET $path" or diag $r->{content};
    return $r->{json};
}

sub pages {
    my ($who, $query, $limit) = @_;
    my (@items, $cursor);
    $limit //= 100;
    do {
        my $page = get($who, "/api/media?limit=$limit&$query"
            . (defined $cursor ? "&cursor=$cursor" : ''));
        push @items, @{ $page->{items} };
        $cursor = $page->{page}{nextCursor};
    } while (defined $cursor);
    return @items;
}

# The same of the brief list: [id, owner] of each.
sub brief {
    my ($who, $query, $limit) = @_;
    my (@items, $cursor);
    do {
        my $page = get($who, "/api/media/ids?limit=$limit&$query"
            . (defined $cursor ? "&cursor=$cursor" : ''));
        cmp_ok scalar @{ $page->{items} }, '<=', $limit, 'no more than asked for';
        push @items, @{ $page->{items} };
        $cursor = $page->{page}{nextCursor};
    } while (defined $cursor);
    return [ map { [ @$_{qw(id ownerId kind source)} ] } @items ];
}

# {'1903-05' => {1 => 3, ...}} of the list, and of the months.
sub listed {
    my ($who, $query) = @_;
    my %days;
    for (pages($who, $query)) {
        my ($month, $day) = ($_->{takenAtLocal} // $_->{createdAt}) =~ /^(\d{4}-\d\d)-(\d\d)/;
        $days{$month}{ $day + 0 }++;
    }
    return \%days;
}

sub counted {
    my ($who, $query) = @_;
    my $got = get($who, "/api/media/months?days=true&$query");
    my (%days, $sum);
    for my $month (@{ $got->{items} }) {
        my $n = 0;
        for my $i (0 .. $#{ $month->{days} }) {
            $days{ $month->{month} }{ $i + 1 } = $month->{days}[$i] if $month->{days}[$i];
            $n += $month->{days}[$i];
        }
        is $n, $month->{count}, "$month->{month}: its days are its count";
        $sum += $n;
    }
    is $got->{count}, $sum // 0, 'the months are the sum';
    my @order = map { $_->{month} } @{ $got->{items} };
    is_deeply \@order, [ reverse sort @order ], 'the newest first';
    my $plain = get($who, "/api/media/months?$query");
    is_deeply [ map { [ @$_{qw(month count days)} ] } @{ $plain->{items} } ],
        [ map { [ @$_{qw(month count)}, undef ] } @{ $got->{items} } ], 'without days the same';
    return \%days;
}

my @readers = ([ ann => $ann ], [ bob => $bob ], [ cat => $cat ], [ super => $super ]);
my @filters = ('', 'kind=image', 'kind=episode', 'source=upload', 'source=plex', "owner=$id{ann}",
    "owner=$id{bob}&kind=video", 'tag=sea', 'tag=sea&kind=video', 'status=failed', 'status=ready',
    'status=pending', 'yearFrom=1904', 'scope=library', 'scope=library&source=upload');

sub same_everywhere {
    my ($when, @only) = @_;
    for my $reader (@readers) {
        my ($name, $who) = @$reader;
        for my $filter (@only ? @only : @filters) {
            my $query = join '&', grep { length } years(), $filter;
            subtest "$when: $name, $filter" => sub {
                is_deeply counted($who, $query), listed($who, $query), 'as the list shows';
                is_deeply brief($who, $query, 40), [ map { [ @$_{qw(id ownerId kind source)} ] }
                    pages($who, "sort=taken&$query") ], '... and so are the ids';
            };
        }
    }
}

sub fold {
    $mn->psql("UPDATE jobs SET run_at = now() WHERE kind = '$_[0]' AND state = 'available'; "
        . "SELECT pg_notify('mn_jobs', 'upkeep')");
}

srand SEED;
sub one { return $_[ rand @_ ] }
sub day {
    return sprintf '190%d-%02d-%02d %02d:%02d', 3 + int rand 2, 1 + int rand 12, 1 + int rand 28,
        int rand 24, int rand 60;
}

my @items;
subtest 'items of all kinds' => sub {
    my $parent = item(kind => 'show', visibility => 'house');
    for (1 .. ITEMS) {
        my $child = rand() < 0.1;
        my $status = one(qw(ready ready ready ready failed processing pending trashed));
        push @items, item(owner => one(qw(ann bob cat)), at => day(), status => $status,
            visibility => one(qw(private shared house)), shares => [ one([], ['ann'],
                [ 'ann', 'cat' ])->@* ], kind => $child ? 'episode' : one(qw(image video audio)),
            parent => $child ? "'$parent'" : 'NULL', tags => one('{}', '{sea}', '{sea,sun}'),
            assets => one('NULL', "'derived/x'"));
    }
    pass scalar(@items) . ' items';
};
same_everywhere('at first');

subtest 'whatever happens to them' => sub {
    my @change = (
        sub { my $at = day(); "taken_local = '$at', taken_at = '$at+02'" },
        sub { 'taken_local = NULL, taken_at = NULL' },
        sub { "visibility = '" . one(qw(private shared house)) . "'" },
        sub { "status = 'ready', trashed_at = NULL" },
        sub { "status = 'processing', trashed_at = NULL" },
        sub { "status = 'trashed', trashed_at = now()" },
        sub { "owner_id = '" . $id{ one(qw(ann bob cat)) } . "'" },
        sub { "kind = '" . one(qw(image video)) . "'" },
        sub { "asset_prefix = 'derived/y'" },
    );
    for (1 .. CHANGES) {
        my $some = join ', ', map { "'" . one(@items) . "'" } 1 .. 4;
        $mn->psql(rand() < 0.1 ? "DELETE FROM media WHERE id = '" . one(@items) . "'" :
                'UPDATE media SET ' . one(@change)->() . " WHERE id IN ($some)");
    }
    pass CHANGES . ' changes';
};
same_everywhere('after changes');

subtest 'the sums' => sub {
    fold('upkeep.uploads');
    wait_until(sub {
        $mn->psql("SELECT count(*) FROM day_changes WHERE owner_id = '$id{ann}'") == 0;
    }, 30, 'changes are folded into the sums');
    is $mn->psql('SELECT count(*) FROM day_sums WHERE array_length(days, 1) <> 31'), 0,
        'a month has 31 places';
    same_everywhere('folded', '', 'kind=video');
    $mn->psql("UPDATE day_sums SET days[3] = days[3] + 7 WHERE owner_id = '$id{ann}'");
    my $query = years();
    isnt $json->encode(counted($ann, $query)), $json->encode(listed($ann, $query)),
        'a sum is wrong';
    fold('upkeep.sums');
    wait_until(sub {
        $mn->psql("SELECT count(*) FROM day_changes WHERE owner_id = '$id{ann}'") > 0;
    }, 30, 'housekeeping finds it');
    $query = years();
    is_deeply counted($ann, $query), listed($ann, $query), 'and corrects it';
};

# Nobody learns of what others have.
subtest 'private items of others' => sub {
    my $before = [ map { counted($_, years()) } $ann, $cat ];
    my @new = (item(owner => 'bob'), item(owner => 'bob', visibility => 'shared', shares => []),
        item(owner => 'bob', visibility => 'house', status => 'failed'));
    is_deeply [ map { counted($_, years()) } $ann, $cat ], $before, 'count for nobody else';
    is counted($ann, years() . "&owner=$id{bob}&status=failed")->{'1903-05'}, undef,
        'not with filters either';
    is $mn->client->api(GET => '/api/media/months')->{status}, 401, 'nobody';
    $mn->psql("DELETE FROM media WHERE id = '$_'") for @new;
};

subtest 'days of the wall clock' => sub {
    my ($last, $first) = (item(at => '1904-02-29 23:59:59.999'), item(at => '1904-03-01 00:00'));
    my $none = item(at => '1904-03-05 00:00');
    $mn->psql("UPDATE media SET taken_at = NULL, taken_local = NULL, created_at = "
        . "'1904-03-02T23:59:59Z' WHERE id = '$none'");
    my $only = sub {
        my ($query) = @_;
        return [ grep { my $i = $_; grep { $i eq $_ } $last, $first, $none }
            map { $_->{id} } pages($ann, $query) ];
    };
    for ([ 'takenFrom=1904-02-29&takenTo=1904-02-29', [$last] ],
        [ 'takenFrom=1904-03-01&takenTo=1904-03-01', [$first] ],
        [ 'takenFrom=1904-03-01&takenTo=1904-03-31', [ $none, $first ] ],
        [ 'takenTo=1904-02-28', [] ], [ 'takenFrom=1904-03-03', [] ],
        [ 'takenFrom=1904-03-31&takenTo=1904-02-01', [ $none, $first, $last ] ]) {
        my ($query, $want) = @$_;
        is_deeply $only->("sort=taken&$query"), $want, $query;
        is_deeply [ sort @{ $only->("sort=$_&$query") } ], [ sort @$want ], "$query by $_"
            for qw(newest title);
        is_deeply counted($ann, $query), listed($ann, $query), "$query: counted";
    }
    my $query = 'sort=taken&takenTo=1904-03-31&takenFrom=1904-02-01';
    is_deeply [ map { $_->{id} } pages($ann, $query, 1) ], [ map { $_->{id} } pages($ann, $query) ],
        'page by page';
    is_deeply listed($ann, 'yearFrom=1904&yearTo=1903&tag=sea'), listed($ann,
        'yearFrom=1903&yearTo=1904&tag=sea'), 'years the wrong way round';
};

subtest 'ids of a collection, and marks' => sub {
    my @mine = map { item(at => "1905-01-0$_ 12:00") } 1 .. 3;
    my $private = item(owner => 'bob', at => '1905-01-09 12:00');
    my $album = $ann->api(POST => '/api/media/collections',
        { title => $mark, items => [ @mine[ 0, 1 ] ] })->{json}{id};
    is_deeply [ map { $_->[0] } @{ brief($ann, "collection=$album", 1) } ], [ @mine[ 1, 0 ] ],
        'one by one';
    is_deeply brief($bob, "collection=$album", 5), [], 'nothing for who does not see it';
    $ann->api(PUT => "/api/media/$mine[0]/favorite");
    $ann->api(PUT => "/api/media/$mine[1]/archive");
    my $marks = sub { my ($query) = @_; +{ map { $_->{id} => [ @$_{qw(favorite archived)} ] }
        @{ get($ann, "/api/media/ids?takenFrom=1905-01-01&takenTo=1905-01-31&$query")
            ->{items} } } };
    my ($no, $yes) = (JSON::PP::false, JSON::PP::true);
    is_deeply $marks->(''), { $mine[0] => [ $yes, $no ], $mine[2] => [ $no, $no ] },
        'what is archived is left out, as in the list';
    is_deeply $marks->('archived=true'), { $mine[1] => [ $no, $yes ] }, 'or shown alone';
    is_deeply [ grep { $_->[0] eq $private } @{ brief($ann, 'yearFrom=1905&yearTo=1905', 500) } ],
        [], 'nothing private of others';
    is $mn->client->api(GET => '/api/media/ids')->{status}, 401, 'nobody';
    for my $query ('status=trashed', 'limit=0', 'limit=5001', 'cursor=x', 'sort=taken', 'days=1') {
        is $ann->api(GET => "/api/media/ids?$query")->{status}, 400, $query;
    }
};

subtest 'what is refused' => sub {
    for my $query ('takenFrom=1904', 'takenTo=1904-02-30', 'takenFrom=1904-2-01', 'takenTo=',
        'takenFrom=1904-02-01T00:00:00Z') {
        is $ann->api(GET => "/api/media$_?$query")->{status}, 400, "$_ $query" for '', '/months';
    }
    for my $query ('status=trashed', 'limit=5', 'cursor=x', 'sort=taken', 'days=1') {
        is $ann->api(GET => "/api/media/months?$query")->{status}, 400, $query;
    }
};

subtest 'a change shows at once' => sub {
    my $new = item(at => '1903-11-11 11:11');
    my $query = years();
    my $count = sub { counted($ann, $query)->{'1903-11'}{11} // 0 };
    my $before = $count->();
    $count->() for 1 .. 3; # it is in the cache by now
    is $ann->api(PATCH => "/api/media/$new", { title => "$mark x" })->{status}, 200, 'a title';
    is $count->(), $before, 'nothing new';
    is $ann->api(POST => "/api/media/$new/trash")->{status}, 200, 'to the trash';
    is $count->(), $before - 1, 'is one less';
    is $ann->api(POST => "/api/media/$new/restore")->{status}, 200, 'and back';
    is $count->(), $before, 'is one more';
};

$mn->psql("DELETE FROM media WHERE title LIKE '$mark%'");
done_testing();
