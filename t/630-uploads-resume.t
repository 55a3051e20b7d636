#!/usr/bin/perl
# Uploads that go on: after an interruption, a restart of the store and the end of their URLs; in
# parts of any size; by two at once; and the same bytes again, from anywhere.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(sha256_hex);
use IO::Socket::SSL;
use JSON::PP ();
use MediaNest::Test;
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

use constant { MIB => 1 << 20, GIB => 1 << 30, URL_SECONDS => 10 };

my $mn = MediaNest::Test->stack(private => 1, set => { 'upload.max_size' => '5T' });
my ($ann, $bob) = map { $mn->user } 1 .. 2;
my $serial = 0;
my $ICON = do {
	open my $in, '<:raw', "$FindBin::Bin/../web/icon-192.png" or die "icon: $!";
	local $/;
	<$in>;
};

sub initiate ($who, %file) {
	return $who->api(POST => '/api/media/upload/initiate', { filename => 'a.mp4', size => 10,
	    type => 'video/mp4', %file });
}
sub complete ($who, $id, @parts) {
	return $who->api(POST => '/api/media/upload/complete', { uploadId => $id, @parts
	    ? (parts => \@parts) : () });
}
sub upload_of ($who, $id) { return $who->api(GET => "/api/media/upload/$id")->{json} }
sub code ($r) { return "$r->{status} " . ($r->{json} ? $r->{json}{code} // '' : '') }
sub urls ($who, $id, @numbers) {
	my $r = $who->api(POST => "/api/media/upload/$id/parts", { numbers => \@numbers });
	return map { $_->{url} } @{ $r->{json}{parts} // [] };
}
# Bytes that no other test has.
sub fresh ($size) { return sprintf('%-*s', $size, "bytes $$ " . ++$serial . ' ' . rand) }
# Runs each sub in a process of its own, at the same moment, and returns what they return.
sub together (@subs) {
	my $start = time + 0.3;
	my @from = map {
		my $sub = $_;
		my $pid = open(my $in, '-|') // die "fork: $!";
		if (!$pid) {
			select undef, undef, undef, $start - time;
			print $sub->();
			close STDOUT;
			POSIX::_exit(0);
		}
		$in;
	} @subs;
	return map { my $in = $_; my $said = do { local $/; <$in> } // ''; close $in; $said } @from;
}

# Begins a PUT and breaks off after so many bytes of the body.
sub broken_put ($url, $size, $sent) {
	my ($host, $port, $path) = $url =~ m{^https://([^:/]+):(\d+)(/.*)};
	my $socket = IO::Socket::SSL->new(PeerAddr => $host, PeerPort => $port,
	    SSL_ca_file => $mn->{ca}) or die "no connection: $SSL_ERROR";
	print $socket "PUT $path HTTP/1.1\r\nHost: $host:$port\r\nContent-Length: $size\r\n\r\n",
	    'x' x $sent;
	close $socket;
	return;
}

subtest 'an upload lives longer than its URLs' => sub {
	my $u = initiate($ann)->{json};
	my %ends = (expiresAt => 7 * 86400, urlsExpireAt => 6 * 3600);
	for my $what (sort keys %ends) {
		my $left = $mn->psql(
		    "SELECT date_part('epoch', '$u->{$what}'::timestamptz - now())");
		ok abs($left - $ends{$what}) < 120, "$what: in $ends{$what} seconds" or diag $left;
	}
	like $u->{uploadUrl}, qr/X-Amz-Expires=216\d\d\b|X-Amz-Expires=21[0-5]\d\d\b/,
	    'the URL says the same';
	is $ann->api(DELETE => "/api/media/upload/$u->{uploadId}")->{status}, 204, 'aborted';
	ok $mn->psql("SELECT expires_at < now() + interval '6 hours 1 minute' FROM uploads"
	    . " WHERE id = '$u->{uploadId}'") eq 't',
	    'then a foreign store is watched only while a URL is good';
};

subtest '300 MB, interrupted' => sub {
	my $size = 300 * MIB + 7;
	$mn->admin->api(PATCH => '/api/admin/settings', { 'upload.url_ttl' => URL_SECONDS });
	my $u;
	wait_until {
		$u = initiate($ann, filename => 'long.mp4', size => $size)->{json};
		$u->{uploadUrl} =~ /X-Amz-Expires=(\d+)/ && $1 <= URL_SECONDS;
	} 20, 'the setting';
	$mn->admin->api(PATCH => '/api/admin/settings', { 'upload.url_ttl' => 3600 });
	my ($part, $count) = @{ $u->{multipart} }{qw(partSize partCount)};
	is $count, 19, '19 parts';
	my $bytes = chr(65) x $part;
	my %sent;
	my $send = sub ($number) {
		my ($url) = urls($ann, $u->{uploadId}, $number);
		my $n = $number == $count ? $size - ($count - 1) * $part : $part;
		my $put = $mn->request(PUT => $url, $n == $part ? $bytes : substr $bytes, 0, $n);
		$sent{$number}++;
		return $put->{status} == 200;
	};
	ok !(grep { !$send->($_) } 1 .. 9), 'half of it';
	my ($late) = urls($ann, $u->{uploadId}, 10);
	my $end = time + URL_SECONDS + 1;
	broken_put($late, $part, $part / 2);
	$sent{10}++;
	$mn->restart_part($_) for qw(verify store);
	wait_until { time > $end } URL_SECONDS + 5, 'the end of the URL';
	$mn->wait_ready;
	is $mn->request(PUT => $late, $bytes)->{status}, 403, 'the URL has expired';
	my $now = upload_of($ann, $u->{uploadId});
	is_deeply [ map { $_->{number} } @{ $now->{parts} } ], [ 1 .. 9 ],
	    'what has arrived is told';
	is code(complete($ann, $u->{uploadId})), '409 upload_missing', 'it is not complete';
	my %there = map { ($_->{number} => 1) } @{ $now->{parts} };
	ok !(grep { !$send->($_) } grep { !$there{$_} } 1 .. $count), 'the rest, with URLs of now';
	is_deeply [ grep { $sent{$_} > 1 } sort keys %sent ], [10], 'one part was sent again';
	is complete($ann, $u->{uploadId})->{status}, 202, 'complete, without a list of parts';
	is complete($ann, $u->{uploadId})->{status}, 202, 'and again';
	is $ann->wait_media($u->{mediaId})->{size} // $size, $size, 'all of it';
};

subtest 'sizes of parts' => sub {
	my @rows = (
		[ 64 * MIB - 1, undef, undef, 0, 'smaller files come as a whole' ],
		[ 64 * MIB, undef, 16 * MIB, 4, '64 MiB' ],
		[ 5 * GIB, undef, 16 * MIB, 320, '5 GiB' ],
		[ 10 * GIB, undef, 32 * MIB, 320, '10 GiB' ],
		[ 500 * GIB, undef, 64 * MIB, 8000, '500 GiB: never more than proxies take' ],
		[ 4096 * GIB, undef, 420 * MIB, 9987, '4 TiB: but for the number of parts' ],
		[ 5 * MIB, 5 * MIB, undef, 0, 'one part of the size that is wished for' ],
		[ 5 * MIB + 1, 5 * MIB, 5 * MIB, 2, 'two' ],
		[ 64 * MIB, 5 * MIB + 3, 5 * MIB + 3, 13, 'an odd size' ],
		[ 6 * GIB, 5 * GIB, 5 * GIB, 2, 'the largest that S3 takes' ],
		[ 100 * GIB, 5 * MIB, 11 * MIB, 9310, 'a wish for too many' ],
	);
	for my $row (@rows) {
		my ($size, $wish, $part, $count, $what) = @$row;
		my $u = initiate($ann, size => $size, $wish ? (partSize => $wish) : ())->{json};
		is_deeply $u->{multipart}, $count ? { partSize => $part, partCount => $count }
		    : undef, $what;
		$ann->api(DELETE => "/api/media/upload/$u->{uploadId}");
	}
	is code(initiate($ann, partSize => 5 * MIB - 1)), '400 validation_failed', 'too small';
};

subtest 'more parts than one listing has' => sub {
	my $u = initiate($ann, size => 1500 * 5 * MIB, partSize => 5 * MIB)->{json};
	urls($ann, $u->{uploadId}, 1);
	$mn->psql('INSERT INTO object_parts (upload_id, number, blob, size, etag)'
	    . " SELECT multipart_id, n, 'none-' || n, 5242880, md5(n::text)"
	    . " FROM uploads, generate_series(1, 1500, 2) AS n WHERE id = '$u->{uploadId}'"
	    . " UNION ALL SELECT multipart_id, n, 'none-' || n, 5242880, md5(n::text)"
	    . " FROM uploads, generate_series(2, 1400, 2) AS n WHERE id = '$u->{uploadId}'");
	my @numbers = map { $_->{number} } @{ upload_of($ann, $u->{uploadId})->{parts} };
	is scalar @numbers, 1450, 'all are told';
	ok !(grep { $numbers[$_] <= $numbers[ $_ - 1 ] } 1 .. $#numbers), 'in order';
	like complete($ann, $u->{uploadId})->{json}{detail}, qr/^1450 of 1500 parts/,
	    'which are not enough';
	$mn->psql("DELETE FROM object_parts WHERE blob LIKE 'none-%';"
	    . " DELETE FROM object_garbage WHERE blob LIKE 'none-%'");
};

subtest 'a list of parts that is not all' => sub {
	my $bytes = fresh(5 * MIB + 9);
	my $u = initiate($ann, size => length $bytes, partSize => 5 * MIB)->{json};
	my @urls = urls($ann, $u->{uploadId}, 1, 2);
	my @etags = map { { number => $_, etag => $mn->request(PUT => $urls[ $_ - 1 ],
	    substr $bytes, ($_ - 1) * 5 * MIB, 5 * MIB)->{headers}{etag} } } 1, 2;
	is code(complete($ann, $u->{uploadId}, $etags[0])), '409 parts_rejected', 'is refused';
	is complete($ann, $u->{uploadId}, @etags)->{status}, 202, 'and nothing was lost by it';
	$ann->wait_media($u->{mediaId});
};

subtest 'the same bytes, two at once' => sub {
	my $bytes = $ICON . fresh(30);
	my %file = (filename => 'a.png', type => 'image/png', size => length $bytes,
	    sha256 => sha256_hex($bytes));
	my @ids = together(map { sub { initiate($ann, %file)->{json}{uploadId} } } 1 .. 6);
	my %ids = map { ($_ => 1) } @ids;
	is keys %ids, 1, 'are one upload' or diag explain \@ids;
	my $u = upload_of($ann, $ids[0]);
	ok initiate($ann, %file)->{json}{joined}, 'a later one is told that it joins';
	isnt initiate($bob, %file)->{json}{uploadId}, $ids[0], "not somebody else's";
	isnt initiate($ann, %file, allowDuplicate => JSON::PP::true)->{json}{uploadId}, $ids[0],
	    'nor one that is meant to be a copy';
	my @codes = together(map { sub {
		$mn->request(PUT => $u->{uploadUrl}, $bytes, $u->{fields});
		return complete($ann, $ids[0])->{status};
	} } 1 .. 3);
	is_deeply \@codes, [ (202) x 3 ], 'both send, both complete';
	is $mn->psql('SELECT count(*) FROM media m JOIN uploads u ON u.media_id = m.id WHERE '
	    . "u.sha256 = '\\x$file{sha256}' AND u.status = 'completed'"), 1, 'one item';
	my $again = initiate($ann, %file);
	is $again->{status}, 200, 'once it is there';
	is $again->{json}{duplicateOf}, $u->{mediaId}, 'it is a duplicate';
	$ann->wait_media($u->{mediaId});
};

subtest 'while the first one is processed' => sub {
	my $bytes = fresh(2000);
	my %file = (size => length $bytes, sha256 => sha256_hex($bytes));
	my $u = initiate($ann, %file)->{json};
	$mn->request(PUT => $u->{uploadUrl}, $bytes, $u->{fields});
	$mn->stop_part('worker');
	is complete($ann, $u->{uploadId})->{status}, 202, 'complete';
	is initiate($ann, %file)->{json}{duplicateOf}, $u->{mediaId}, 'it is known already';
	$mn->start_part('worker');
	is $ann->wait_media($u->{mediaId})->{status}, 'failed', 'what is no video fails';
	is initiate($ann, %file)->{status}, 201, 'and may be sent again';
};

subtest 'twins in one batch' => sub {
	my @bytes = map { fresh(1000) } 1 .. 2;
	my @files = map { { filename => "$_.mp4", type => 'video/mp4', size => 1000,
	    sha256 => sha256_hex($bytes[ $_ % 2 ]) } } 0 .. 3;
	my $r = $ann->api(POST => '/api/media/upload/initiate', { files => \@files });
	my @items = @{ $r->{json}{items} };
	is_deeply [ map { $_->{status} } @items ], [ 201, 201, 200, 200 ], 'the later ones';
	is_deeply [ map { $_->{duplicateOf} } @items[ 2, 3 ] ], [ map { $_->{mediaId} }
	    @items[ 0, 1 ] ], 'need no transfer';
};

subtest 'a twin in the trash' => sub {
	my $png = $ICON . fresh(30);
	my $m = $ann->upload_bytes('icon.png', $png, 'image/png');
	is $ann->wait_media($m->{id})->{status}, 'ready', 'an item';
	$ann->api(POST => "/api/media/$m->{id}/trash");
	my %file = (filename => 'again.png', type => 'image/png', size => length $png,
	    sha256 => sha256_hex($png));
	is_deeply initiate($ann, %file)->{json}, { duplicateOf => $m->{id},
	    inTrash => JSON::PP::true }, 'is offered back';
	is initiate($bob, %file)->{status}, 201, 'not to somebody else';
	my $copy = initiate($ann, %file, allowDuplicate => JSON::PP::true);
	is $copy->{status}, 201, 'a copy is taken where it is wanted';
	is initiate($ann, %file)->{json}{uploadId}, $copy->{json}{uploadId}, 'and then joined';
	$ann->api(DELETE => "/api/media/upload/$copy->{json}{uploadId}");
	is $ann->api(POST => "/api/media/$m->{id}/restore")->{status}, 200, 'restored';
	is_deeply initiate($ann, %file)->{json}, { duplicateOf => $m->{id} }, 'a plain duplicate';
};

subtest 'cancelling while it is being completed' => sub {
	for my $round (1 .. 4) {
		my $bytes = fresh(500);
		my $u = initiate($ann, size => length $bytes)->{json};
		$mn->request(PUT => $u->{uploadUrl}, $bytes, $u->{fields});
		my ($done, $gone) = together(sub { code(complete($ann, $u->{uploadId})) },
		    sub { code($ann->api(DELETE => "/api/media/upload/$u->{uploadId}")) });
		my $item = $ann->api(GET => "/api/media/$u->{mediaId}")->{status};
		my $state = upload_of($ann, $u->{uploadId})->{status};
		my $end = "$done, $gone, $item $state";
		ok $end eq '202 , 409 upload_completed, 200 completed'
		    || $end eq '409 upload_aborted, 204 , 404 aborted',
		    "round $round: one of them wins" or diag $end;
	}
};

subtest 'the path is kept' => sub {
	my $u = initiate($ann, path => 'Photos/2024/Süd')->{json};
	is upload_of($ann, $u->{uploadId})->{path}, 'Photos/2024/Süd', 'as it was picked';
	is code(initiate($ann, path => 'x' x 1025)), '400 validation_failed', 'to a limit';
};

sub groups ($who, $by) {
	return $who->api(GET => "/api/media/duplicates?by=$by")->{json}{items};
}
sub ids (@items) { return join ' ', sort map { $_->{id} } @items }

subtest 'duplicates' => sub {
	my $eve = $mn->user;
	my $make = sub ($name, @filter) {
		my $file = "$mn->{var}/$name";
		system('ffmpeg', '-v', 'error', '-y', '-f', 'lavfi', '-i', @filter, '-frames:v', 1,
		    $file) == 0 or die "ffmpeg: $name";
		my $type = $name =~ /png$/ ? 'image/png' : 'image/jpeg';
		my $m = $eve->upload_file($file, $type, allowDuplicate => JSON::PP::true);
		return $eve->wait_media($m->{id});
	};
	my $scene = 'mandelbrot=s=640x480:start_scale=0.';
	my $one = $make->('one.png', "${scene}5");
	my @like = ($one, $make->('small.jpg', "${scene}5", '-vf', 'scale=320:-2', '-q:v', 20),
	    $make->('grey.jpg', "${scene}5", '-vf', 'hue=s=0'),
	    $make->('light.jpg', "${scene}5", '-vf', 'eq=brightness=0.06'));
	my $other = $make->('other.png', 'testsrc=s=640x480');
	my $mirror = $make->('mirror.png', "${scene}5", '-vf', 'hflip,vflip');
	my @black = map { $make->("black$_.png", "color=black:s=${_}x200") } 200, 300;
	my $twin = $make->('twin.png', 'testsrc=s=640x480');
	is $_->{status}, 'ready', "$_->{filename} is ready"
	    for @like, $other, $mirror, @black, $twin;
	is $twin->{sha256}, $other->{sha256}, 'two of the same bytes';

	my $bytes = groups($eve, 'bytes');
	is_deeply [ map { ids(@{ $_->{items} }) } @$bytes ], [ ids($other, $twin) ], 'by bytes';
	is $bytes->[0]{count}, 2, 'counted';
	my $look = groups($eve, 'look');
	is_deeply [ map { ids(@{ $_->{items} }) } @$look ], [ ids(@like) ],
	    'by look: other sizes, formats and colours, but no mirror image and nothing plain';
	is_deeply groups($bob, $_), [], "nobody else's, by $_" for qw(bytes look);
	$eve->api(POST => "/api/media/$_->{id}/trash") for @like[ 1 .. 3 ], $other;
	is_deeply groups($eve, $_), [], "what is kept alone is in no group, by $_"
	    for qw(bytes look);
};

done_testing();
