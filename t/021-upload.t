#!/usr/bin/perl
# Uploads from initiate to a processed item, singly, in parts and in batches, and everything that
# can be wrong with them.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(sha256_hex);
use MediaNest::Test;
use Test::More;
use Time::HiRes qw(time);

my $mn = MediaNest::Test->stack;
my ($ann, $bob) = map { $mn->user(role => 'user') } 1 .. 2;
my $guest = $mn->user(role => 'guest');

sub initiate {
    my ($who, %file) = @_;
    return $who->api(POST => '/api/media/upload/initiate', { filename => 'a.png', size => 10,
        type => 'image/png', %file });
}
sub complete {
    my ($who, $id, @parts) = @_;
    return $who->api(POST => '/api/media/upload/complete', { uploadId => $id, @parts
        ? (parts => \@parts) : () });
}
sub code { my ($r) = @_; return "$r->{status} " . ($r->{json} ? $r->{json}{code} // '' : '') }
sub jobs_of {
    my ($id) = @_;
    return $mn->psql(
        "SELECT count(*) FROM jobs WHERE kind = 'media.process' AND payload->>'mediaId' = '$id'");
}

# A picture of its own each time: 8 x 8 PPM turned PNG by hand (RFC 2083), uncompressed.
sub png {
    require Compress::Zlib;
    my $chunk = sub {
        my ($type, $data) = @_;
        pack('N', length $data) . $type . $data . pack('N', Compress::Zlib::crc32($type . $data));
    };
    my $rows = join '', map { "\0" . join '', map { chr int rand 256 } 1 .. 64 * 3 } 1 .. 64;
    return "\x89PNG\r\n\x1a\n" . $chunk->('IHDR', pack 'NNC5', 64, 64, 8, 2, 0, 0, 0)
        . $chunk->('IDAT', Compress::Zlib::compress($rows)) . $chunk->('IEND', '');
}

subtest 'one file, all the way' => sub {
    my $bytes = png();
    my $r = initiate($ann, filename => 'C:\\Pictures\\Summer at the sea.png', size => length $bytes,
        sha256 => uc sha256_hex($bytes));
    is $r->{status}, 201, 'initiate' or diag $r->{content};
    my $u = $r->{json};
    is $u->{method}, 'PUT', 'method';
    is_deeply $u->{fields}, $u->{headers}, 'fields and headers are the same';
    is $u->{fields}{'Content-Type'}, 'image/png', 'Content-Type is to be sent';
    ok $u->{fields}{'x-amz-checksum-sha256'}, 'and a checksum, since one was announced';
    like $u->{expiresAt}, qr/^\d{4}-.*Z$/, 'expiresAt';
    my $pending = $ann->api(GET => "/api/media/$u->{mediaId}");
    is $pending->{json}{status}, 'pending', 'the item waits';
    is $pending->{json}{title}, 'Summer at the sea', 'title from the file name, without its path';
    is $pending->{json}{visibility}, 'private', 'private';
    is $bob->api(GET => "/api/media/$u->{mediaId}")->{status}, 404, "nobody else's";
    is $ann->api(GET => "/api/media/upload/$u->{uploadId}")->{json}{status}, 'pending',
        'the upload too';

    is code(complete($ann, $u->{uploadId})), '409 upload_missing', 'nothing has arrived';
    is $ann->api(GET => "/api/media/upload/$u->{uploadId}")->{json}{status}, 'pending',
        'it may still';
    isnt $mn->request(PUT => $u->{uploadUrl}, "$bytes.", $u->{fields})->{status}, 200,
        'another length is refused by the store';
    isnt $mn->request(PUT => $u->{uploadUrl}, $bytes, { %{ $u->{fields} },
        'Content-Type' => 'text/html' })->{status},
        200, 'so is another type';
    is $mn->request(PUT => $u->{uploadUrl}, $bytes, $u->{fields})->{status}, 200, 'PUT';
    is complete($bob, $u->{uploadId})->{status}, 404, 'someone else cannot complete it';
    my $done = complete($ann, $u->{uploadId});
    is $done->{status}, 202, 'complete' or diag $done->{content};
    is $done->{json}{id}, $u->{mediaId}, 'answers the item';
    my $again = complete($ann, $u->{uploadId});
    is $again->{status}, 202, 'once more';
    is $again->{json}{id}, $u->{mediaId}, 'the same item';
    is jobs_of($u->{mediaId}), 1, 'one job';
    is code($ann->api(DELETE => "/api/media/upload/$u->{uploadId}")), '409 upload_completed',
        'too late to abort';
    is $ann->api(GET => "/api/media/upload/$u->{uploadId}")->{json}{status}, 'completed',
        'completed';
    ok !exists $ann->api(GET => "/api/media/upload/$u->{uploadId}")->{json}{uploadUrl},
        'and without a URL';

    my $m = $ann->wait_media($u->{mediaId});
    is $m->{status}, 'ready', 'ready' or diag explain $m;
    is $m->{sha256}, sha256_hex($bytes), 'hashed by the worker';
    ok $m->{thumbnails}{320}, 'a thumbnail';
    ok ref $m->{metadata}, 'metadata of a single item';
    my $thumb = $mn->request(GET => $m->{thumbnails}{320});
    is $thumb->{status}, 200, 'its URL works without a token';
    like $thumb->{headers}{'content-type'}, qr{^image/webp}, 'WebP';
    my $redirect = $ann->api(GET => "/api/media/$m->{id}/thumbnail/1280");
    is $redirect->{status}, 302, 'a thumbnail of 1280 of a small picture';
    is $mn->request(GET => $redirect->{headers}{location})->{status}, 200, 'is the widest there is';
    is $ann->api(GET => "/api/media/$m->{id}/thumbnail/333")->{status}, 400, 'no other sizes';
    my $file = $mn->request(GET => $ann->api(
        GET => "/api/media/$m->{id}/file")->{headers}{location});
    is $file->{content}, $bytes, 'the file, unchanged';
    like $file->{headers}{'content-disposition'},
        qr/^inline; .*filename\*=UTF-8''Summer%20at%20the%20sea\.png/, 'shown inline';
    like $mn->request(GET => $ann->api(GET => "/api/media/$m->{id}/file?download=true")
        ->{headers}{location})->{headers}{'content-disposition'},
        qr/^attachment/, 'or not';
    is $ann->api(GET => "/api/media/$m->{id}/preview")->{status}, 404, 'a photo has no preview';
    my %steps = map { ("$_->{step} $_->{state}" => 1) } @{ $ann->api(
        GET => "/api/media/$m->{id}/timeline")->{json}{items} };
    ok $steps{$_}, "timeline: $_" for 'upload started', 'upload done', 'queue done';

    my $twin = initiate($ann, size => length $bytes, sha256 => sha256_hex($bytes));
    is $twin->{status}, 200, 'the same bytes again';
    is_deeply $twin->{json}, { duplicateOf => $m->{id} }, 'are there already';
    is initiate($bob, size => length $bytes, sha256 => sha256_hex($bytes))->{status}, 201,
        "but not somebody else's";
    $mn->request(PUT => $u->{uploadUrl}, reverse($bytes) . '', $u->{fields});
    is sha256_hex($mn->request(GET => $ann->api(
        GET => "/api/media/$m->{id}/file")->{headers}{location})->{content}),
        sha256_hex($bytes), 'a later PUT to the old URL changes nothing that is shown';
};

subtest 'what initiate refuses' => sub {
    is code(initiate($ann, type => 'text/html')), '415 unsupported_media_type',
        'a type that is not on the list';
    is code(initiate($ann, type => 'image/svg+xml')), '415 unsupported_media_type', 'SVG';
    is initiate($ann, type => 'IMAGE/PNG')->{status}, 201, 'types in any case';
    is code(initiate($ann, filename => 'DJI_0001', type => $_)), '201 ',
        "a type that the client does not know: '$_'" for '', 'application/octet-stream';
    is code(initiate($ann, size => 6 * 2**30)), '413 payload_too_large', 'above upload.max_size';
    for my $wrong ([ size => -1 ], [ size => '10' ], [ size => 1.5 ], [ filename => '' ],
        [ filename => 'x' x 256 ], [ filename => "a\nb" ], [ type => 'x' x 128 ],
        [ sha256 => 'xyz' ],
        [ sha256 => 'g' x 64 ], [ title => '' ], [ title => 'x' x 201 ], [ visibility => 'public' ],
            [ owner => 'me' ], [ files => [] ]) {
        my $r = initiate($ann, @$wrong);
        is code($r), '400 validation_failed', join ' ',
            map { defined ? ref ? 'list' : substr $_, 0, 20 : 'null' } @$wrong;
    }
    is code($ann->api(POST => '/api/media/upload/initiate', {})), '400 validation_failed',
        'nothing';
    is code($guest->api(POST => '/api/media/upload/initiate', { filename => 'a.png', size => 1,
        type => 'image/png' })),
        '403 forbidden', 'a guest';
    is initiate($mn->client)->{status}, 401, 'nobody';
};

subtest 'aborting' => sub {
    my $u = initiate($ann)->{json};
    is $bob->api(DELETE => "/api/media/upload/$u->{uploadId}")->{status}, 404,
        "not somebody else's";
    is $ann->api(DELETE => "/api/media/upload/$u->{uploadId}")->{status}, 204, 'aborted';
    is $ann->api(DELETE => "/api/media/upload/$u->{uploadId}")->{status}, 204, 'again is fine';
    is $ann->api(GET => "/api/media/upload/$u->{uploadId}")->{json}{status}, 'aborted', 'says so';
    is $ann->api(GET => "/api/media/$u->{mediaId}")->{status}, 404, 'the item is gone';
    is code(complete($ann, $u->{uploadId})), '409 upload_aborted', 'and stays gone';
    is code($ann->api(POST => "/api/media/upload/$u->{uploadId}/parts", { numbers => [1] })),
        '409 upload_closed', 'no parts';
    my $late = initiate($ann)->{json};
    $mn->psql("UPDATE uploads SET expires_at = now() - interval '1 second' WHERE id = "
        . "'$late->{uploadId}'");
    like code(complete($ann, $late->{uploadId})), qr/^409 upload_expired/, 'too late';
    is complete($ann, '01900000-0000-7000-8000-000000000000')->{status}, 404, 'unknown';
};

subtest 'completing at the same time' => sub {
    my $bytes = png();
    my $u = initiate($ann, size => length $bytes)->{json};
    $mn->request(PUT => $u->{uploadUrl}, $bytes, $u->{fields});
    my @pids = map {
        my $pid = fork // die;
        if (!$pid) {
            my $s = complete($ann, $u->{uploadId})->{status};
            require POSIX;
            POSIX::_exit($s == 202 ? 0 : 1);
        }
        $pid;
    } 1 .. 8;
    my $bad = 0;
    waitpid($_, 0), $bad += $? != 0 for @pids;
    is $bad, 0, 'all eight are told 202';
    is jobs_of($u->{mediaId}), 1, 'one job';
    is $ann->wait_media($u->{mediaId})->{status}, 'ready', 'processed';
};

subtest 'a wrong size' => sub {
    my $u = initiate($ann, size => 20)->{json};
    my $other = initiate($ann, size => 20)->{json};
    $mn->psql("UPDATE uploads SET size = 21 WHERE id = '$u->{uploadId}'");
    is $mn->request(PUT => $u->{uploadUrl}, 'x' x 20, $u->{fields})->{status}, 200, 'PUT';
    is code(complete($ann, $u->{uploadId})), '409 size_mismatch', 'is told by complete';
    is $ann->api(GET => "/api/media/$u->{mediaId}")->{json}{status}, 'pending',
        'and the item goes on waiting';
};

subtest 'a wrong announced hash' => sub {
    my $bytes = png();
    my $u = initiate($ann, size => length $bytes, sha256 => sha256_hex('other'))->{json};
    my $put = $mn->request(PUT => $u->{uploadUrl}, $bytes, $u->{fields});
    if ($put->{status} == 200) {	# a store that does not check
        complete($ann, $u->{uploadId});
        my $m = $ann->wait_media($u->{mediaId});
        is $m->{status}, 'failed', 'failed';
        is $m->{failure}{code}, 'checksum_mismatch', 'for the right reason';
    } else {
        is $put->{status}, 400, 'the store refuses';
        is code(complete($ann, $u->{uploadId})), '409 upload_missing', 'nothing has arrived';
    }
};

subtest 'batches' => sub {
    my @bytes = map { png() } 1 .. 5;
    my @files = map { { filename => "b$_.png", size => length $bytes[$_],
        type => 'image/png' } } 0 .. 4;
    my $r = $ann->api(POST => '/api/media/upload/initiate', { files => [ @files,
        { filename => 'x.html', size => 1, type => 'text/html' }, { filename => 'huge.png',
        size => 2**50, type => 'image/png' } ] });
    is $r->{status}, 200, 'a batch' or diag $r->{content};
    my @items = @{ $r->{json}{items} };
    is_deeply [ map { $_->{index} } @items ], [ 0 .. 6 ], 'an answer for each';
    is_deeply [ map { $_->{status} } @items ], [ (201) x 5, 415, 413 ], 'with its own status';
    is $items[5]{code}, 'unsupported_media_type', 'a problem has its code';
    $mn->request(PUT => $items[$_]{uploadUrl}, $bytes[$_], $items[$_]{fields}) for 0 .. 3;
    $r = $ann->api(POST => '/api/media/upload/complete',
        { uploads => [ (map { { uploadId => $items[$_]{uploadId} } } 0 .. 4),
            { uploadId => '01900000-0000-7000-8000-000000000000' } ] });
    is $r->{status}, 200, 'complete';
    my @done = @{ $r->{json}{items} };
    is_deeply [ map { $_->{status} } @done ], [ (202) x 4, 409, 404 ], 'with their own status';
    is $done[0]{media}{id}, $items[0]{mediaId}, 'and the item';
    is $done[4]{code}, 'upload_missing', 'or the reason';
    is $ann->wait_media($items[$_]{mediaId})->{status}, 'ready', "ready $_" for 0 .. 3;

    $r = $bob->api(POST => '/api/media/upload/initiate',
        { files => [ map { { filename => "many$_.png", size => 100,
            type => 'image/png' } } 1 .. 100 ] });
    is scalar(grep { $_->{status} == 201 } @{ $r->{json}{items} || [] }), 100, 'a hundred';
    is code($bob->api(POST => '/api/media/upload/initiate',
        { files => [ map { { filename => "many$_.png", size => 100,
            type => 'image/png' } } 1 .. 101 ] })),
        '400 validation_failed', 'not more';
    is code($bob->api(POST => '/api/media/upload/initiate',
        { files => [ { filename => 'a' } ] })),
        '400 validation_failed', 'a file without a size spoils the batch';
    is code($bob->api(POST => '/api/media/upload/initiate',
        { files => [ $files[0] ], filename => 'a' })),
        '400 validation_failed', 'one form or the other';
    is code($bob->api(POST => '/api/media/upload/complete', {})), '400 validation_failed',
        'complete what?';
};

subtest 'in parts' => sub {
    my $size = 64 * 2**20 + 5;
    my $r = initiate($ann, filename => 'long.mp4', type => 'video/mp4', size => $size);
    is $r->{status}, 201, 'initiate' or diag $r->{content};
    my $u = $r->{json};
    my $part = $u->{multipart}{partSize};
    cmp_ok $part, '>=', 5 * 2**20, 'parts that every store takes';
    is $u->{multipart}{partCount}, int(($size + $part - 1) / $part), 'as many as it takes';
    ok !exists $u->{multipart}{parts}, 'their URLs come when they are asked for';
    ok $u->{uploadUrl}, 'or in one piece';
    is_deeply $ann->api(GET => "/api/media/upload/$u->{uploadId}")->{json}{parts}, [],
        'none has arrived';
    my @parts = $ann->part_urls($u);
    is scalar @parts, $u->{multipart}{partCount}, 'URLs of all';
    ok !$ann->api(GET => "/api/media/upload/$u->{uploadId}")->{json}{uploadUrl},
        'it comes in parts from now on';
    my $fresh = $ann->api(POST => "/api/media/upload/$u->{uploadId}/parts",
        { numbers => [ 1, scalar @parts ] });
    is scalar @{ $fresh->{json}{parts} || [] }, 2, 'new URLs';
    is code($ann->api(POST => "/api/media/upload/$u->{uploadId}/parts",
        { numbers => [ @parts + 1 ] })),
        '400 validation_failed', 'of parts that exist';
    is code($ann->api(POST => "/api/media/upload/$u->{uploadId}/parts", { numbers => [0] })),
        '400 validation_failed', 'from 1';
    is $bob->api(POST => "/api/media/upload/$u->{uploadId}/parts", { numbers => [1] })->{status},
        404, "not somebody else's";
    my @etags;
    for my $p (@parts) {
        my $n = $p->{number} == @parts ? $size - (@parts - 1) * $part : $part;
        is_deeply $ann->api(GET => "/api/media/upload/$u->{uploadId}")->{json}{parts},
            [ map { { %$_, size => $part } } @etags ], 'the parts that have arrived';
        my $put = $mn->request(PUT => $p->{url}, chr(64 + $p->{number}) x $n);
        is $put->{status}, 200, "part $p->{number}" or diag $put->{content};
        push @etags, { number => $p->{number}, etag => $put->{headers}{etag} };
    }
    is code(complete($ann, $u->{uploadId}, reverse @etags)), '400 validation_failed',
        'out of order';
    is code(complete($ann, $u->{uploadId},
        { number => 1, etag => '"0123456789abcdef0123456789abcdef"' }, @etags[ 1 .. $#etags ])),
        '409 parts_rejected', 'a part that is not there';
    my $done = complete($ann, $u->{uploadId}, @etags);
    is $done->{status}, 202, 'complete' or diag $done->{content};
    is complete($ann, $u->{uploadId}, @etags)->{status}, 202, 'twice';
    my $m = $ann->wait_media($u->{mediaId});
    is $m->{status}, 'failed', 'what is no video fails';
    ok $m->{failure}{code} && $m->{failure}{message},
        'with a reason: ' . ($m->{failure}{message} // '');
    my $retry = $ann->api(POST => "/api/media/$m->{id}/reprocess");
    is $retry->{status}, 202, 'and may be tried again' or diag $retry->{content};
    is $ann->wait_media($m->{id})->{status}, 'failed', 'in vain';
};

subtest 'quota' => sub {
    my $poor = $mn->user(role => 'user');
    my $id = $poor->api(GET => '/api/auth/session')->{json}{user}{id};
    $mn->psql("UPDATE users SET quota_bytes = 1000 WHERE id = '$id'");
    is initiate($poor, size => 600)->{status}, 201, 'there is room';
    is code(initiate($poor, size => 600)), '413 quota_exceeded', 'what is being uploaded counts';
    my @pids = map {
        my $pid = fork // die;
        if (!$pid) {
            my $s = initiate($poor, size => 300)->{status};
            require POSIX;
            POSIX::_exit($s == 201 ? 0 : 1);
        }
        $pid;
    } 1 .. 6;
    my $won = 0;
    waitpid($_, 0), $won += $? == 0 for @pids;
    is $won, 1, 'six at once for room for one';
};

done_testing();
