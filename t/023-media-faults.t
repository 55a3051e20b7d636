#!/usr/bin/perl
# The catalogue and uploads while the object store, Redis or PostgreSQL is down, and what the worker
# repairs afterwards.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use Test::More;
use Time::HiRes qw(time);

my $mn = MediaNest::Test->stack(private => 1);
my $ann = $mn->user(role => 'user');
my $bytes = join '', map { chr int rand 256 } 1 .. 5000;

sub code { my ($r) = @_; return "$r->{status} " . ($r->{json} ? $r->{json}{code} // '' : '') }
sub initiate {
    return $ann->api(POST => '/api/media/upload/initiate', { filename => 'a.jpg',
        size => length $bytes, type => 'image/jpeg', @_ });
}
sub complete { return $ann->api(POST => '/api/media/upload/complete', { uploadId => $_[0] }) }
sub answers {
    my ($what, $sub) = @_;
    my $r;
    wait_until { ($r = $sub->())->{status} < 500 } 30, $what;
    return $r;
}

subtest 'without the object store' => sub {
    my $u = initiate()->{json};
    is $mn->request(PUT => $u->{uploadUrl}, $bytes, $u->{fields})->{status}, 200,
        'PUT while it is there';
    $mn->stop_part($_) for qw(verify store);
    is $ann->api(GET => '/api/media')->{status}, 200, 'browsing works';
    is initiate()->{status}, 201, 'presigning works';
    my $large = initiate(size => 100 * 2**20);
    is $large->{status}, 201, 'for large files too';
    ok $large->{json}{uploadUrl}, 'which can be sent as a whole';
    my $parts = "/api/media/upload/$large->{json}{uploadId}/parts";
    is $ann->api(POST => $parts, { numbers => [1] })->{status}, 503, 'parts wait for the store';
    my $r = complete($u->{uploadId});
    is $r->{status}, 503, 'complete does not';
    ok $r->{headers}{'retry-after'}, 'and says when to come again';
    $mn->start_part($_) for qw(verify store);
    is answers('parts', sub { $ann->api(POST => $parts, { numbers => [1] }) })->{status}, 200,
        'then there are parts';
    my $done = answers('complete', sub { complete($u->{uploadId}) });
    is $done->{status}, 202, 'later it does' or diag $done->{content};
    my $m = $ann->wait_media($u->{mediaId});
    is $m->{status}, 'failed', 'what is no picture fails';
    ok $m->{failure}{message}, 'with a reason';
};

subtest 'without Redis' => sub {
    my ($mine) = @{ $ann->api(GET => '/api/media')->{json}{items} };
    $mn->stop_part('redis');
    is $ann->api(GET => '/api/media')->{status}, 200, 'the list';
    is $ann->api(PATCH => "/api/media/$mine->{id}", { title => 'While Redis is away' })->{status},
        200, 'a change';
    is $ann->api(GET => '/api/media')->{json}{items}[0]{title}, 'While Redis is away', 'is seen';
    $mn->start_part('redis');
    wait_until {
        $mn->admin->api(GET => '/api/health')->{json}{dependencies}{redis}{state} eq 'ok';
    } 30, 'Redis';
    is $ann->api(GET => '/api/media')->{json}{items}[0]{title}, 'While Redis is away',
        'and stays seen when it is back';
};

subtest 'without PostgreSQL' => sub {
    $mn->stop_part('postgres');
    my $start = time;
    my $r = $ann->api(GET => '/api/media?limit=7');
    is $r->{status}, 503, 'the list is unavailable';
    cmp_ok time - $start, '<', 8, 'at once';
    is initiate()->{status}, 503, 'so are uploads';
    $mn->start_part('postgres');
    is answers('the list', sub { $ann->api(GET => '/api/media?limit=7') })->{status}, 200,
        'and back by itself';
};

subtest 'a worker of the pool is killed in between' => sub {
    my $u = initiate()->{json};
    $mn->request(PUT => $u->{uploadUrl}, $bytes, $u->{fields});
    # As a worker leaves it that dies after it has claimed the upload.
    $mn->psql("UPDATE uploads SET status = 'completing' WHERE id = '$u->{uploadId}'");
    is $ann->api(GET => "/api/media/upload/$u->{uploadId}")->{json}{status}, 'pending',
        'it is still open';
    is code($ann->api(DELETE => "/api/media/upload/$u->{uploadId}")), '409 upload_completed',
        'but cannot be aborted any more';
    is complete($u->{uploadId})->{status}, 202, 'repeating complete finishes it';
    is $mn->psql("SELECT count(*) FROM jobs WHERE kind = 'media.process' AND payload->>'mediaId' = "
        . "'$u->{mediaId}'"),
        1, 'one job';
};

subtest 'the trash is emptied' => sub {
    my @ids = map { $ann->upload_bytes("trash$_.jpg", "$bytes$_", 'image/jpeg')->{id} } 1 .. 2;
    $ann->wait_media($_) for @ids;
    is $ann->api(POST => "/api/media/$_/trash")->{status}, 200, 'to the trash' for @ids;
    $mn->stop_part('worker');
    $mn->psql("UPDATE media SET trashed_at = now() - interval '31 days' WHERE id = '$ids[0]'");
    $mn->start_part('worker');
    wait_until { $ann->api(GET => "/api/media/$ids[0]")->{status} == 404 } 90, 'the old one to go';
    is $ann->api(GET => "/api/media/$ids[1]")->{status}, 200, 'what came later stays';
    wait_until { !$mn->psql("SELECT count(*) FROM objects WHERE key LIKE 'original/$ids[0]/%' OR "
        . "key LIKE 'derived/$ids[0]/%'") } 30,
        'its objects to go';
    pass 'with its objects';
};

done_testing();
