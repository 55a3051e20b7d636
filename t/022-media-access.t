#!/usr/bin/perl
# Who may do what with an item: roles and owners, the trash, shares, versions.
use strict;
use utf8;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use Test::More;

my $mn = MediaNest::Test->stack;
my %who = (anonymous => $mn->client, super => $mn->admin,
    map { $_->[0] => $mn->user(role => $_->[1]) }
    [ guest => 'guest' ], [ owner => 'user' ], [ friend => 'user' ], [ other => 'user' ],
        [ admin => 'admin' ]);
my %id = map { $_ => $who{$_}->api(
    GET => '/api/auth/session')->{json}{user}{id} } grep { $_ ne 'anonymous' } keys %who;
my $serial = 0;

# The statements that make an item, and its id: many go in one call of psql.
sub item_sql {
    my (%m) = @_;
    my %row = (owner => 'owner', visibility => 'private', status => 'ready', %m);
    my $uuid = sprintf '0191%04x-%04x-7%03x-8000-%012x', $$ & 0xffff, int rand 65536,
        ++$serial & 0xfff, int rand 1e9;
    return ($uuid, join ';',
        "INSERT INTO media (id, owner_id, kind, title, status, visibility, metadata) VALUES "
        . "('$uuid', '$id{$row{owner}}', 'image', 'access $serial', '$row{status}', "
        . "'$row{visibility}', '{\"gps\":{\"latitude\":1},\"camera\":\"X\"}')",
        map { "INSERT INTO media_shares SELECT id, '$id{$_}', created_at FROM media WHERE id = "
            . "'$uuid'" } @{ $row{shares} || [] });
}

sub item {
    my ($uuid, $sql) = item_sql(@_);
    $mn->psql($sql);
    return $uuid;
}

# For each kind of item: [method, path after the id, body] => expected status per person, in the
# order of @people.
my @people = qw(anonymous guest owner friend other admin super);
my @requests = (
    [ [ GET => '' ], private => '401 404 200 404 404 404 200',
        shared => '401 404 200 200 404 404 200', house => '401 200 200 200 200 200 200' ],
    [ [ GET => '/timeline' ], private => '401 404 200 404 404 404 200',
        shared => '401 404 200 200 404 404 200', house => '401 200 200 200 200 200 200' ],
    [ [ GET => '/file' ], private => '401 404 404 404 404 404 404',
        house => '401 404 404 404 404 404 404' ],
    [ [ PATCH => '', { title => 'changed' } ], private => '401 404 200 404 404 404 200',
        shared => '401 404 200 403 404 404 200', house => '401 403 200 403 403 403 200' ],
    [ [ PUT => '/tags', { tags => ['a'] } ], private => '401 404 200 404 404 404 200',
        shared => '401 404 200 403 404 404 200', house => '401 403 200 403 403 403 200' ],
    [ [ PUT => '/shares', { users => [] } ], private => '401 404 200 404 404 404 200',
        shared => '401 404 200 403 404 404 200', house => '401 403 200 403 403 403 200' ],
    [ [ POST => '/reprocess' ], private => '401 404 202 404 404 404 202',
        house => '401 403 202 403 403 403 202' ],
    [ [ POST => '/trash' ], private => '401 404 200 404 404 404 200',
        shared => '401 404 200 403 404 404 200', house => '401 403 200 403 403 403 200' ],
    [ [ DELETE => '' ], private => '401 403 403 403 403 404 204',
        shared => '401 403 403 403 403 404 204', house => '401 403 403 403 403 204 204' ],
    [ [ DELETE => '?purge=true' ], private => '401 403 403 403 403 404 204',
        house => '401 403 403 403 403 403 204' ],
);

for my $row (@requests) {
    my ($request, %expected) = @$row;
    my ($method, $path, $body) = @$request;
    subtest "$method /api/media/{id}$path" => sub {
        for my $visibility (sort keys %expected) {
            my @status = split ' ', $expected{$visibility};
            my $shares = $visibility eq 'shared' ? ['friend'] : [];
            my @items = map { [ item_sql(visibility => $visibility, shares => $shares) ] } @people;
            $mn->psql(join ';', map { $_->[1] } @items);
            for my $n (0 .. $#people) {
                my $r = $who{ $people[$n] }->api($method => "/api/media/$items[$n][0]$path", $body);
                is $r->{status}, $status[$n], "$visibility, $people[$n]" or diag $r->{content};
            }
        }
    };
}

subtest 'the owner who is an admin' => sub {
    my $uuid = item(owner => 'admin');
    is $who{admin}->api(DELETE => "/api/media/$uuid")->{status}, 204, 'may delete';
    is $who{admin}->api(GET => "/api/media/$uuid")->{json}{status}, 'trashed', 'into the trash';
    is $who{admin}->api(DELETE => "/api/media/$uuid?purge=true")->{status}, 204, 'and for good';
    is $who{admin}->api(GET => "/api/media/$uuid")->{status}, 404, 'gone';
    is $mn->psql(
        "SELECT count(*) FROM jobs WHERE kind = 'media.purge' AND payload->>'mediaId' = '$uuid'"),
        1, 'its objects are a job';
};

subtest 'trash and restore' => sub {
    my $uuid = item(visibility => 'house');
    is $who{owner}->api(POST => "/api/media/$uuid/trash")->{json}{status}, 'trashed',
        'by its owner';
    is $who{owner}->api(POST => "/api/media/$uuid/trash")->{status}, 200, 'again is fine';
    is $who{other}->api(GET => "/api/media/$uuid")->{status}, 404, 'others do not see it any more';
    is $who{other}->api(POST => "/api/media/$uuid/restore")->{status}, 404, 'nor bring it back';
    is $who{owner}->api(PATCH => "/api/media/$uuid", { title => 'x' })->{status}, 409,
        'it is not edited there';
    is $who{owner}->api(POST => "/api/media/$uuid/restore")->{json}{status}, 'ready', 'back';
    is $who{other}->api(GET => "/api/media/$uuid")->{status}, 200, 'for everybody';
    is $who{owner}->api(POST => "/api/media/$uuid/restore")->{status}, 200, 'again is fine';
    is $who{other}->api(POST => "/api/media/$uuid/restore")->{status}, 403, 'not for others';

    is $who{admin}->api(DELETE => "/api/media/$uuid")->{status}, 204, 'deleted by an admin';
    ok((grep { $_->{id} eq $uuid } @{ $who{admin}->api(
        GET => '/api/media?status=trashed&limit=100')->{json}{items} }),
        'is in the trash of the admin');
    ok((grep { $_->{id} eq $uuid } @{ $who{owner}->api(
        GET => '/api/media?status=trashed&limit=100')->{json}{items} }),
        'and of the owner');
    is $who{admin}->api(POST => "/api/media/$uuid/restore")->{json}{status}, 'ready',
        'anyone who may delete may restore';
    my $failed = item(status => 'failed');
    $who{owner}->api(POST => "/api/media/$failed/trash");
    is $who{owner}->api(POST => "/api/media/$failed/restore")->{json}{status}, 'failed',
        'the status of before comes back';
};

subtest 'shares' => sub {
    my $uuid = item();
    my $r = $who{owner}->api(PUT => "/api/media/$uuid/shares",
        { users => [ $id{friend}, $id{friend}, $id{owner} ] });
    is $r->{json}{visibility}, 'shared', 'naming someone shares it';
    is_deeply $r->{json}{sharedWith}, [ $id{friend} ], 'once, and not with the owner';
    my $seen = $who{friend}->api(GET => "/api/media/$uuid");
    is $seen->{status}, 200, 'the friend sees it';
    ok !exists $seen->{json}{sharedWith}, 'but not who else does';
    ok !exists $seen->{json}{metadata}{gps}, 'nor where it was taken';
    is $seen->{json}{metadata}{camera}, 'X', 'the rest of the metadata yes';
    ok exists $who{owner}->api(GET => "/api/media/$uuid")->{json}{metadata}{gps},
        'the owner sees where';
    ok((grep { $_->{id} eq $uuid } @{ $who{friend}->api(
        GET => '/api/media?limit=100')->{json}{items} }),
        'it is in the friend\'s list');
    is $who{owner}->api(PUT => "/api/media/$uuid/shares",
        { users => ['01900000-0000-7000-8000-000000000000'] })->{status},
        400, 'nobody of that id';
    is $who{friend}->api(GET => "/api/media/$uuid")->{status}, 200, 'which changed nothing';
    is $who{owner}->api(PUT => "/api/media/$uuid/shares", { users => [] })->{json}{visibility},
        'private', 'naming nobody makes it private';
    is $who{friend}->api(GET => "/api/media/$uuid")->{status}, 404, 'at once';
    ok !(grep { $_->{id} eq $uuid } @{ $who{friend}->api(
        GET => '/api/media?limit=100')->{json}{items} }),
        'in the list too';
    is $who{owner}->api(PATCH => "/api/media/$uuid", { visibility => 'house' })->{status}, 200,
        'to the house';
    ok((grep { $_->{id} eq $uuid } @{ $who{other}->api(
        GET => '/api/media?limit=100')->{json}{items} }),
        'everybody sees it');
    is $who{owner}->api(PATCH => "/api/media/$uuid", { visibility => 'private' })->{status}, 200,
        'and back';
    ok !(grep { $_->{id} eq $uuid } @{ $who{other}->api(
        GET => '/api/media?limit=100')->{json}{items} }),
        'nobody does';
};

subtest 'changes and versions' => sub {
    my $uuid = item();
    my $first = $who{owner}->api(GET => "/api/media/$uuid");
    my $etag = $first->{headers}{etag};
    ok $etag, 'an ETag';
    is $etag, "\"$first->{json}{etag}\"", 'the same as in the body';
    is $who{owner}->api(GET => "/api/media/$uuid", undef, { 'If-None-Match' => $etag })->{status},
        304, 'If-None-Match';
    my $r = $who{owner}->api(PATCH => "/api/media/$uuid", { title => 'New',
        overview => "Two\nlines", year => 2001, genres => [ 'a', 'b' ],
        takenAt => '2001-02-03T04:05:06Z' },
        { 'If-Match' => $etag });
    is $r->{status}, 200, 'If-Match of the version in force' or diag $r->{content};
    is_deeply [ @{ $r->{json} }{qw(title overview year takenAt)}, $r->{json}{genres} ],
        [ 'New', "Two\nlines", 2001, '2001-02-03T04:05:06.000Z', [ 'a', 'b' ] ],
        'everything is set';
    isnt $r->{headers}{etag}, $etag, 'another version';
    is $who{owner}->api(PATCH => "/api/media/$uuid", { title => 'Late' },
        { 'If-Match' => $etag })->{status},
        412, 'the second editor is told';
    is $who{owner}->api(PUT => "/api/media/$uuid/tags", { tags => ['x'] },
        { 'If-Match' => $etag })->{status},
        412, 'with tags too';
    $r = $who{owner}->api(PATCH => "/api/media/$uuid", { overview => undef, year => undef });
    ok !exists $r->{json}{overview}, 'null takes away';
    is $r->{json}{year}, 2001, "and a photo's year is that of its moment";
    is $who{owner}->api(PATCH => "/api/media/$uuid", {})->{status}, 400, 'no change at all';
    for my $wrong ({ title => '' }, { title => undef }, { year => 0 }, { year => 10000 },
        { visibility => 'all' }, { takenAt => 'yesterday' }, { status => 'ready' },
        { ownerId => $id{other} },
        { genres => 'a' }, { genres => [ ('x') x 21 ] }, { id => $uuid }) {
        is $who{owner}->api(PATCH => "/api/media/$uuid", $wrong)->{status}, 400, join ' ',
            map { "$_ " . ($wrong->{$_} // 'null') } keys %$wrong;
    }
    $r = $who{owner}->api(PUT => "/api/media/$uuid/tags", { tags => [ ' Sea ', 'sea', 'Ünïcode',
        '{"x"},\\', 'NULL', '' ] });
    is $r->{status}, 400, 'an empty tag';
    $r = $who{owner}->api(PUT => "/api/media/$uuid/tags", { tags => [ ' Sea ', 'sea', 'Ünïcode',
        '{"x"},\\', 'NULL' ] });
    is_deeply $r->{json}{tags}, [ 'Sea', 'Ünïcode', '{"x"},\\', 'NULL' ], 'tags, trimmed, once each'
        or diag $r->{content};
    my %count = map { $_->{tag} => $_->{count} } @{ $who{owner}->api(
        GET => '/api/media/tags')->{json}{items} };
    is $count{Sea}, 1, 'are counted';
    ok !(grep { $_->{tag} eq 'Sea' } @{ $who{other}->api(
        GET => '/api/media/tags')->{json}{items} }),
        'for who can see the item';
};

subtest 'paths' => sub {
    is $who{owner}->api(GET => '/api/media/x')->{status}, 404, 'no id';
    is $who{owner}->api(GET => '/api/media/01900000-0000-7000-8000-000000000000')->{status}, 404,
        'no item';
    is $who{owner}->api(POST => '/api/media')->{status}, 405, 'no method';
    is $who{owner}->api(GET => '/api/media/upload/initiate')->{status}, 405, 'initiate is POST';
    is $who{owner}->api(GET => '/api/v1/media?limit=1')->{status}, 200, '/api/v1';
};

$mn->psql("DELETE FROM media WHERE title LIKE 'access %'");
done_testing();
