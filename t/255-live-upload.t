# The events of an upload that its owner receives: progress, then complete or failed, with the
# notification in the list.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Faults;
use MediaNest::Test;
use MediaNest::WebSocket;
use Test::More;

my $mn = MediaNest::Test->stack;
my $owner = $mn->user(role => 'user');
my $other = $mn->user(role => 'user');
my ($ws, $es, $stranger) = (MediaNest::WebSocket->open($owner),
    MediaNest::WebSocket->open($owner, stream => 1), MediaNest::WebSocket->open($other));

my $good = $owner->upload_bytes('good.png', png(640, 480), 'image/png')->{id};
my $complete = $ws->wait_type('media.processing.complete', 60);
is $complete->{data}{mediaId}, $good, 'complete names the item';
is $complete->{data}{notification}{kind}, 'media.ready', 'and is a notification';
is $owner->api(GET => "/api/media/$good")->{json}{status}, 'ready', 'by then it is ready';
my $row = $owner->api(GET => '/api/notifications')->{json}{items}[0];
is $row->{seq}, $complete->{seq}, 'the list has it';
is $row->{kind}, 'media.ready', 'its kind';
is $row->{data}{mediaId}, $good, 'its item';

my @before = $es->take(1, 5);
push @before, $es->next(5)
    while @before && $before[-1] && $before[-1]{type} ne 'media.processing.complete';
ok scalar(grep({ $_->{type} eq 'media.processing.progress' && $_->{data}{mediaId} eq $good
    && !defined $_->{seq} } @before)),
    'progress came before, without a seq';

my $bad = $owner->upload_bytes('bad.png', substr(png(640, 480), 0, 60), 'image/png')->{id};
my $failed = $ws->wait_type('media.processing.failed', 60);
is $failed->{data}{mediaId}, $bad, 'a file that cannot be read ends failed';
ok length $failed->{data}{notification}{message}, 'with words for its owner';
is $failed->{seq}, $complete->{seq} + 1, 'the next seq';
is_deeply [ grep { ($_->{data}{mediaId} // '') =~
    /^(?:\Q$good\E|\Q$bad\E)$/ } $stranger->take(1, 0.3) ],
    [], 'nobody else hears of a private item';

done_testing;
