#!/usr/bin/perl
# Favourites and the archive: each person's own, kept over everything that happens to an item.
use strict;
use warnings;
use utf8;
use FindBin;
use POSIX ();
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use Test::More;

my $mn = MediaNest::Test->stack(private => 1); # no items of other tests
my %who = (super => $mn->admin, map { $_ => $mn->user(role => 'user') } qw(owner friend));
$who{guest} = $mn->user(role => 'guest');
my %id = map { $_ => $who{$_}->api(GET => '/api/auth/session')->{json}{user}{id} } keys %who;

sub item {
    my (%m) = @_;
    my %row = (owner => 'owner', visibility => 'house', kind => 'image', tags => '{}', %m);
    return $mn->psql("INSERT INTO media (id, owner_id, kind, title, status, visibility, tags) "
        . "VALUES (gen_random_uuid(), '$id{$row{owner}}', '$row{kind}', 'mark', 'ready', "
        . "'$row{visibility}', '$row{tags}') RETURNING id");
}

sub call {
    my ($person, $method, $path) = @_;
    return $who{$person}->api($method => "/api/media$path");
}

# Which of these a list of a person has, in the order of @all.
sub listed {
    my ($person, $query, @all) = @_;
    my %there = map { $_->{id} => 1 } @{ call($person, GET => "?limit=100&$query")->{json}{items} };
    return join '', map { $there{$_} ? 1 : 0 } @all;
}

my $own = item(visibility => 'private');
my $house = item(tags => '{sea}');
my $video = item(kind => 'video');
my $shared = item(visibility => 'shared');
$mn->psql("INSERT INTO media_shares SELECT id, '$id{friend}', created_at FROM media WHERE id = "
    . "'$shared'");
my @all = ($own, $house, $video, $shared);

for my $mark ([ favorite => 'favorite' ], [ archive => 'archived' ]) {
    my ($path, $member) = @$mark;
    subtest $path => sub {
        is call(friend => PUT => "/$own/$path")->{status}, 404, 'nothing that one does not see';
        is call(guest => PUT => "/$house/$path")->{status}, 200, 'guests too';
        for my $times (1, 2) {
            my $r = call(friend => PUT => "/$house/$path");
            is $r->{status}, 200, "set $times" or diag $r->{content};
            is $r->{json}{$member}, 1, 'the item says so';
        }
        is call(friend => GET => "/$house")->{json}{$member}, 1, 'again';
        ok !call(owner => GET => "/$house")->{json}{$member}, 'to nobody else';
        is listed(friend => "$member=true", @all), '0100', 'the filter';
        is listed(friend => "$member=true&kind=video", @all), '0000', 'with others';
        is listed(friend => "$member=true&tag=sea", @all), '0100', 'with a tag';
        is listed(friend => "$member=false", @all), '0011', 'the opposite';
        is listed(owner => "$member=true", @all), '0000', 'a list of one’s own';
        my $etag = call(friend => GET => "/$house")->{headers}{etag};
        for my $times (1, 2) {
            is call(friend => DELETE => "/$house/$path")->{status}, 200, "unset $times";
        }
        isnt call(friend => GET => "/$house")->{headers}{etag}, $etag, 'another ETag';
        is listed(friend => "$member=true", @all), '0000', 'the filter follows at once';
        call(guest => DELETE => "/$house/$path");
    };
}

subtest 'what is archived is out of the list, and only there' => sub {
    is listed(owner => "sort=$_", @all), '1111', "before, by $_" for qw(newest oldest taken title);
    call(owner => PUT => "/$house/archive");
    for my $sort (qw(newest oldest taken title)) {
        is listed(owner => "sort=$sort", @all), '1011', "by $sort";
    }
    is listed(owner => 'kind=image', @all), '1001', 'of a kind';
    is listed(owner => 'tag=sea', @all), '0000', 'of a tag';
    is listed(owner => 'source=upload', @all), '1011', 'of a source';
    is listed(owner => 'archived=true', @all), '0100', 'it is in the archive';
    is listed(friend => '', @all), '0111', 'others have it in theirs';
    call(owner => PUT => "/$house/favorite");
    is listed(owner => 'favorite=true', @all), '0100', 'a favourite shows';
    is call(owner => GET => "/$house")->{status}, 200, 'and the item itself';
    is listed(super => 'scope=everyone', @all), '1111', 'everyone’s list of others';
};

subtest 'months count what the list shows' => sub {
    for my $query ('', 'kind=image', 'archived=true', 'archived=false', 'favorite=true',
        'tag=sea', map { "scope=$_" } qw(own shared house library)) {
        for my $person (sort keys %who) {
            my $list = call($person, GET => "?limit=100&sort=taken&$query")->{json}{items};
            my $months = call($person, GET => "/months?$query");
            my $n = 0;
            $n += $_->{count} for @{ $months->{json}{items} };
            is $n, scalar @$list, "$person, $query" or diag $months->{content};
        }
    }
};

subtest 'it survives' => sub {
    is call(owner => POST => "/$house/trash")->{status}, 200, 'into the trash';
    is listed(owner => 'status=trashed', @all), '0100', 'where it shows';
    is listed(owner => 'favorite=true', @all), '0000', 'not among the favourites';
    is call(owner => POST => "/$house/restore")->{status}, 200, 'restored';
    my $item = call(owner => GET => "/$house")->{json};
    ok $item->{favorite} && $item->{archived}, 'as it was';
    my $see = sub { $who{owner}->api(PATCH => "/api/media/$video", { visibility => $_[0] }) };
    call(friend => PUT => "/$video/favorite");
    $see->('private');
    is listed(friend => 'favorite=true', @all), '0000', 'what is not seen any more is in no list';
    $see->('house');
    is listed(friend => 'favorite=true', @all), '0010', 'and is there again with it';
    is $who{super}->api(DELETE => "/api/media/$house?purge=true")->{status}, 204, 'purged';
    is $mn->psql("SELECT (SELECT count(*) FROM media_favorites WHERE media_id = '$house') + "
        . "(SELECT count(*) FROM media_archived WHERE media_id = '$house')"), 0,
        'the marks go along';
};

subtest 'parts of the library' => sub {
    my $foreign = item(owner => 'friend', visibility => 'private');
    my @some = ($own, $video, $shared, $foreign);
    $mn->psql("UPDATE media SET visibility = 'shared' WHERE id = '$shared'");
    my %expected = (
        owner => { own => '1110', shared => '0000', house => '0100', library => '1110' },
        friend => { own => '0001', shared => '0010', house => '0100', library => '0111' },
        super => { own => '0000', shared => '0000', house => '0100', library => '0100',
            all => '1111', everyone => '1111' },
    );
    for my $person (sort keys %expected) {
        is listed($person, "scope=$_", @some), $expected{$person}{$_}, "$person, $_"
            for sort keys %{ $expected{$person} };
    }
};

# Statuses of a change of many, one after the other.
sub many {
    my ($person, $ids, @body) = @_;
    my $r = $who{$person}->api(POST => '/api/media/bulk', { ids => $ids, @body });
    return $r->{json}{code} // $r->{content} if $r->{status} != 200;
    is_deeply [map { $_->{id} } @{ $r->{json}{items} }], $ids, 'results in the order of the items';
    return join ' ', map { $_->{status} } @{ $r->{json}{items} };
}

subtest 'many at once' => sub {
    my @mine = map { item(owner => 'friend', visibility => 'private') } 1 .. 3;
    my $foreign = item(visibility => 'private');
    my $none = '01890a5d-ac96-774b-bcce-b302099a8057';
    my @ids = ($mine[2], $foreign, $mine[0], $none, $video);
    is many(friend => \@ids, set => { favorite => JSON::PP::true }), '200 404 200 404 200',
        'a mark, where it can be';
    is listed(friend => 'favorite=true', @mine, $foreign, $video), '10101', 'and nowhere else';
    is many(friend => [@mine], set => { favorite => JSON::PP::false, archive => JSON::PP::true }),
        '200 200 200', 'two marks';
    is listed(friend => 'favorite=true', @mine), '000', 'one gone';
    is listed(friend => 'archived=true', @mine), '111', 'one set';
    is many(friend => [@mine], set => { archive => JSON::PP::false }), '200 200 200', 'unarchived';
    my $album = $who{friend}->api(POST => '/api/media/collections', { title => 'many' })
        ->{json}{id};
    is many(friend => \@ids, set => { addTo => $album, addTags => ['x'] }),
        '200 404 200 404 403', 'an album: what one can see; tags: what is one’s own';
    is call(friend => GET => "/collections/$album")->{json}{count}, 3, 'it has them';
    is listed(friend => 'tag=x', @mine, $video), '1010', 'and these have the tag';
    is many(owner => [$own], set => { addTo => $album }), 'not_found', 'no album of others';
    is many(guest => [$house], set => { addTo => $album }), 'forbidden', 'not by guests';
    is many(friend => [$mine[0], $mine[0]], set => { favorite => JSON::PP::true }),
        'validation_failed', 'each once';
    is many(friend => [@mine[0, 1]], set => { favorite => JSON::PP::true }, trash =>
        JSON::PP::true), '200 200', 'marked and into the trash';
    is listed(friend => 'status=trashed', @mine), '110', 'there they are';
};

subtest 'two at once, in different orders, with keys' => sub {
    my @items = map { item() } 1 .. 20;
    my @answers;
    for my $order ([@items], [reverse @items]) {
        my $pid = open(my $out, '-|') // die "fork: $!";
        if ($pid == 0) {
            my $worst = 200;
            for my $round (1 .. 5) {
                my $r = $who{owner}->api(POST => '/api/media/bulk', { ids => $order,
                    set => { addTags => ["t$round"] } },
                    { 'Idempotency-Key' => "$$-$round" });
                $worst = $r->{status} if $r->{status} > $worst;
                $_->{status} > $worst and $worst = $_->{status} for @{ $r->{json}{items} // [] };
            }
            print $worst;
            close STDOUT;
            POSIX::_exit(0);
        }
        push @answers, $out;
    }
    is scalar <$_>, 200, 'every change is made' for @answers;
};

subtest 'an empty trash' => sub {
    my $trash = sub { $mn->psql("SELECT count(*) FROM media WHERE status = 'trashed' AND "
        . "owner_id = '$id{$_[0]}'") };
    is call(owner => POST => '/trash/empty')->{status}, 403, 'is for those who may delete';
    $who{admin} = $mn->user(role => 'admin');
    $id{admin} = $who{admin}->{id};
    my $others = $trash->('friend');
    my $kept = item(owner => 'admin');
    $mn->psql("INSERT INTO media (id, owner_id, kind, title, status, trashed_from, trashed_at, "
        . "trashed_by) SELECT gen_random_uuid(), '$id{admin}', 'image', 'gone', 'trashed', "
        . "'ready', now(), '$id{admin}' FROM generate_series(1, 250)");
    my $r = call(admin => POST => '/trash/empty');
    is_deeply [ @$r{qw(status json)} ], [ 200, { deleted => 100, left => 150 } ],
        'the first ones at once' or diag $r->{content};
    wait_until { $trash->('admin') == 0 } 60, 'the rest';
    pass 'the rest follows';
    is $trash->('friend'), $others, 'others keep theirs';
    is call(admin => GET => "/$kept")->{status}, 200, 'and what is not in the trash stays';
    is_deeply call(admin => POST => '/trash/empty')->{json}, { deleted => 0, left => 0 },
        'nothing is left';
};
done_testing;
