#!/usr/bin/perl
# The embedded object store, spoken to by a client of our own: objects, conditions, lists, uploads
# in parts, refusals.
use strict;
use warnings;
use Digest::MD5 qw(md5 md5_hex);
use Digest::SHA qw(sha1 sha256 sha256_hex);
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Test::More;

use MediaNest::S3;
use MediaNest::Test;

my $mn = MediaNest::Test->stack;
my $s3 = MediaNest::S3->new($mn);
my $bucket = sprintf 't150-%d-%d', $$, time % 100000;
my $objects = "$mn->{var}/data/objects";

sub put {
	my ($key, $body, %more) = @_;
	return $s3->request(PUT => "/$bucket/$key", body => $body, %more);
}
sub get { my ($key, %more) = @_; return $s3->request(GET => "/$bucket/$key", %more) }
sub head { my ($key, %more) = @_; return $s3->request(HEAD => "/$bucket/$key", %more) }
sub list { my (%query) = @_; return $s3->request(GET => "/$bucket", query => \%query) }

sub refused {
	my ($answer, $status, $code, $what) = @_;
	is_deeply([$answer->{status}, $answer->{code}], [$status, $code], $what)
	    or diag $answer->{content};
}

subtest 'buckets' => sub {
	refused(put('x', 'x'), 404, 'NoSuchBucket', 'put into no bucket');
	refused(list(), 404, 'NoSuchBucket', 'list of no bucket');
	is($s3->request(HEAD => "/$bucket")->{status}, 404, 'head of no bucket');
	is($s3->request(PUT => "/$bucket")->{status}, 200, 'create');
	is($s3->request(PUT => "/$bucket/")->{status}, 200, 'create again, with a slash');
	is($s3->request(HEAD => "/$bucket")->{status}, 200, 'head');
	refused($s3->request(PUT => '/UPPER'), 400, 'InvalidBucketName', 'a bad name');
	ok((grep { $_ eq $bucket } MediaNest::S3::values_of($s3->request(GET => '/'), 'Name')),
	    'it is listed');
	like($s3->request(GET => "/$bucket", query => { location => '' })->{content},
	    qr/LocationConstraint/, 'location');
	refused($s3->request(GET => "/$bucket", query => { $_ => '' }), 501, 'NotImplemented',
	    "get $_")
	    for qw(policy cors lifecycle);
	refused($s3->request(PUT => "/$bucket", query => { $_ => '' }), 501, 'NotImplemented',
	    "put $_")
	    for qw(policy acl cors);
};

subtest 'objects' => sub {
	my $answer = put('a/b.txt', 'hello', headers => { 'Content-Type' => 'text/plain',
	    'x-amz-meta-a_b-c' => 'x y', 'Cache-Control' => 'no-store' });
	is($answer->{status}, 200, 'put');
	like($answer->{headers}{etag}, qr/^"[0-9a-f]{32}-1"$/, 'without an MD5 the ETag is opaque');
	$answer = get('a/b.txt');
	is($answer->{content}, 'hello', 'get');
	is($answer->{headers}{'content-type'}, 'text/plain', 'type');
	is($answer->{headers}{'cache-control'}, 'no-store', 'kept header');
	is($answer->{headers}{'x-amz-meta-a_b-c'}, 'x y', 'metadata');
	is($answer->{headers}{'x-content-type-options'}, 'nosniff', 'nosniff');
	like($answer->{headers}{'content-security-policy'}, qr/sandbox/, 'sandbox');
	$answer = head('a/b.txt');
	is($answer->{headers}{'content-length'}, 5, 'head: length');
	is($answer->{headers}{'x-amz-meta-a_b-c'}, 'x y', 'head: metadata, name as written');
	is(put('a/b.txt', 'other', headers => { 'Content-MD5' => encode_base64(md5('other'),
	    '') })->{headers}{etag},
	    '"' . md5_hex('other') . '"', 'ETag is the MD5 that was announced');
	is(get('a/b.txt')->{content}, 'other', 'a put is visible at once');
	is($s3->request(DELETE => "/$bucket/a/b.txt")->{status}, 204, 'delete');
	refused(get('a/b.txt'), 404, 'NoSuchKey', 'a delete too');
	is($s3->request(DELETE => "/$bucket/a/b.txt")->{status}, 204, 'delete again');
	is(put('empty', '')->{status}, 200, 'empty object');
	is(get('empty')->{content}, '', '... comes back empty');
};

subtest 'keys' => sub {
	for my $key ('with space+plus', "umlaut \x{e4}\x{1F600}", 'a//b', '/lead', 'trail/',
	    '../up', 'a/../../b', './.', '%2e%2e%2f', '<&">', "tab\tnl\n", 'x' x 1024) {
		my $answer = put($key, "value of $bucket");
		my $shown = length $key > 40 ? length($key) . ' bytes'
		    : MediaNest::S3::encode($key);
		if ($key =~ m{^\.\./|/\.\./\.\./}) {
			ok($answer->{status} == 200 || $answer->{status} == 400,
			    "put $shown is an object or refused");
			next;
		}
		is($answer->{status}, 200, "put $shown") or diag $answer->{content};
		is(get($key)->{content}, "value of $bucket", "get $shown");
	}
	refused(put('x' x 1025, 'x'), 400, 'KeyTooLongError', 'a key of 1025 bytes');
	my $url = $s3->{endpoint} . "/$bucket/";
	refused($s3->plain(GET => $url . '%ff%fe'), 400, 'InvalidURI', 'a key that is not UTF-8');
	refused($s3->plain(GET => $url . '%00'), 400, 'InvalidRequest', 'a key with NUL');
	refused($s3->plain(GET => $url . '%zz'), 400, 'InvalidRequest', 'a malformed escape');
};

# A reflected CRC with all ones at both ends, in base64.
sub crc {
	my ($polynomial, $bytes, $body) = @_;
	my $crc = my $ones = $bytes == 8 ? ~0 : 0xffffffff;
	for my $byte (unpack 'C*', $body) {
		$crc ^= $byte;
		$crc = $crc & 1 ? $crc >> 1 ^ $polynomial : $crc >> 1 for 1 .. 8;
	}
	return encode_base64(pack($bytes == 8 ? 'Q>' : 'N', $crc ^ $ones), '');
}
my %checksum = (
	sha1 => sub { return encode_base64(sha1($_[0]), '') },
	sha256 => sub { return encode_base64(sha256($_[0]), '') },
	crc32 => sub { return crc(0xedb88320, 4, $_[0]) },
	crc32c => sub { return crc(0x82f63b78, 4, $_[0]) },
	crc64nvme => sub { return crc(0x9a6c9329 << 32 | 0xac4bc9b5, 8, $_[0]) },
);
sub crc32 { return $checksum{crc32}->(@_) }

# A body in chunks: sizes cut it; the trailer comes after the last.
sub chunked {
	my ($key, $body, $trailer, %more) = @_;
	my $text = join('', map { sprintf("%x\r\n", length) . "$_\r\n" } unpack('(a7)*', $body), )
	    . "0\r\n$trailer\r\n";
	return put($key, $text, payload => 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
		headers => { 'x-amz-decoded-content-length' => length $body,
		    'content-encoding' => 'aws-chunked',
		    $trailer =~ /^(.*?):/ ? ('x-amz-trailer' => $1) : (), %more });
}

subtest 'checksums' => sub {
	for my $kind (sort keys %checksum) {
		my $name = "x-amz-checksum-$kind";
		my ($right, $wrong) = map { $checksum{$kind}->($_) } 'the body', 'another';
		my %as = (
			header => sub { put('check', 'the body', headers => { $name => $_[0] }) },
			trailer => sub { chunked('check', 'the body', "$name:$_[0]\r\n") },
		);
		for my $where (sort keys %as) {
			refused($as{$where}->($wrong), 400, 'BadDigest', "a wrong $kind as $where");
			refused($as{$where}->('eHh4'), 400, 'InvalidDigest', "no $kind as $where");
			refused(get('check'), 404, 'NoSuchKey', 'nothing was made');
			is($as{$where}->($right)->{status}, 200, "a right $kind as $where");
			$s3->request(DELETE => "/$bucket/check");
		}
	}
	refused(put('check', 'x', headers => { 'x-amz-checksum-md4' => 'eHh4' }), 400,
	    'InvalidRequest', 'an unknown algorithm in the header');
	refused(chunked('check', 'x', "x-amz-checksum-md4:eHh4\r\n"), 400, 'InvalidRequest',
	    '... in the trailer');
	refused(put('check', 'x', headers => { map { ("x-amz-checksum-$_" => $checksum{$_}->('x')) }
	    qw(crc32 sha1) }),
	    400, 'InvalidRequest', 'two at once');
	refused(chunked('check', 'x', '', 'x-amz-trailer' => 'x-amz-checksum-sha1'), 400,
	    'MalformedTrailerError', 'one that was promised and does not come');
	refused(get('check'), 404, 'NoSuchKey', 'nothing was made');
	is(put('check', 'x', headers => { 'x-amz-checksum-algorithm' => 'SHA1' })->{status}, 200,
	    'a header that only names an algorithm');
};

subtest 'what the client says of its body is checked' => sub {
	refused(put('sum', 'body', payload => sha256_hex('other')), 400,
	    'XAmzContentSHA256Mismatch', 'signed sha256');
	refused(put('sum', 'body', headers => { 'Content-MD5' => encode_base64(md5('other'), '') }),
	    400, 'BadDigest', 'Content-MD5');
	refused(put('sum', 'body', headers => { 'Content-MD5' => 'xxx' }), 400, 'InvalidDigest',
	    'no MD5');
	refused(put('sum', 'body',
	    headers => { 'x-amz-checksum-sha256' => encode_base64(sha256('other'), '') }),
	    400, 'BadDigest', 'x-amz-checksum-sha256');
	refused(get('sum'), 404, 'NoSuchKey', 'nothing was made');
	is(put('sum', 'body', headers => { 'x-amz-checksum-sha256' => encode_base64(sha256('body'),
	    '') })->{status},
	    200, 'a right one passes');
	is(put('sum', 'body', payload => 'UNSIGNED-PAYLOAD')->{status}, 200, 'UNSIGNED-PAYLOAD');
};

subtest 'signatures' => sub {
	refused($s3->plain(GET => "$s3->{endpoint}/$bucket/sum"), 403, 'AccessDenied', 'none');
	refused(get('sum', secret => 'wrong'), 403, 'SignatureDoesNotMatch', 'wrong secret');
	refused(get('sum', access => 'NOBODY'), 403, 'InvalidAccessKeyId', 'unknown key');
	refused(get('sum', region => 'mars-1'), 400, 'AuthorizationHeaderMalformed',
	    'another region');
	refused(get('sum', at => time - 1000), 403, 'RequestTimeTooSkewed', 'too old');
	refused(get('sum', at => time + 1000), 403, 'RequestTimeTooSkewed', 'from the future');
	refused(put('sum', 'x', secret => 'wrong'), 403, 'SignatureDoesNotMatch',
	    'a write with the wrong secret');
	refused(put('sum', 'x', unsigned => { 'x-amz-meta-x' => '1' }), 403, 'AccessDenied',
	    'an x-amz header beside the signature');
	refused($s3->plain(GET => "$s3->{endpoint}/$bucket/sum", undef,
	    { authorization => 'Bearer x' }),
	    400, 'InvalidRequest', 'another scheme');
	refused($s3->plain(GET => "$s3->{endpoint}/$bucket/sum", undef,
	    { authorization => 'AWS4-HMAC-SHA256 x' }),
	    400, 'AuthorizationHeaderMalformed', 'malformed');
};

subtest 'what the bearer of a URL can have copied' => sub {
	my $size = 17 << 20;
	my $etag = put('large', 'l' x $size)->{headers}{etag};
	my $url = $s3->presign(GET => "/$bucket/large");
	my %match = ('If-Match' => $etag);
	is(length $s3->plain(GET => $url)->{content}, $size, 'the whole');
	is($s3->plain(GET => $url, undef, \%match)->{code}, 'NotImplemented',
	    'not with a condition that is not signed');
	my $part = $s3->plain(GET => $url, undef, { %match, Range => 'bytes=1-100' });
	is_deeply([$part->{status}, $part->{content}], [206, 'l' x 100], '... but a range of it');
	is(length get('large', headers => \%match)->{content}, $size, 'signed: the whole');
	$s3->request(DELETE => "/$bucket/large");
};

subtest 'presigned URLs' => sub {
	is($s3->plain(GET => $s3->presign(GET => "/$bucket/sum"))->{content}, 'body', 'get');
	refused($s3->plain(GET => $s3->presign(GET => "/$bucket/sum", at => time - 100)), 403,
	    'AccessDenied', 'expired');
	refused($s3->plain(PUT => $s3->presign(GET => "/$bucket/sum"), 'x'), 403,
	    'SignatureDoesNotMatch', 'a get used to put');
	refused($s3->plain(GET => $s3->presign(GET => "/$bucket/sum")
	    . '&response-content-type=text/html'),
	    403, 'SignatureDoesNotMatch', 'a parameter added');
	my $url = $s3->presign(PUT => "/$bucket/up", headers => { 'content-length' => 4,
	    'content-type' => 'text/plain' });
	refused($s3->plain(PUT => $url, '', { 'content-length' => 0, 'content-type' => 'text/plain',
	    'x-amz-copy-source' => "/$bucket/sum" }),
	    403, 'AccessDenied',
		'x-amz-copy-source added to a presigned put');
	is($s3->plain(PUT => $url, 'four', { 'content-type' => 'text/plain' })->{status}, 200,
	    'put');
	refused($s3->plain(PUT => $url, 'fifth', { 'content-type' => 'text/plain' }), 403,
	    'SignatureDoesNotMatch', 'put of another length');
	my $answer = $s3->plain(GET => $s3->presign(GET => "/$bucket/up",
	    query => { 'response-content-type' => 'a/b',
		'response-content-disposition' => 'attachment' }));
	is_deeply([@{ $answer->{headers} }{qw(content-type content-disposition)}],
	    ['a/b', 'attachment'], 'signed overrides');
	like($answer->{headers}{'cache-control'}, qr/^private, max-age=\d+, immutable$/,
	    'kept by a browser as long as the URL lives');
	refused($s3->plain(GET => $s3->presign(GET => "/$bucket/up",
	    query => { 'response-content-disposition' => "a\r\nX-Evil: 1" })),
	    400, 'InvalidArgument', 'no header injection');
};

subtest 'conditions and ranges' => sub {
	my $etag = put('cond', '0123456789')->{headers}{etag};
	my $when = head('cond')->{headers}{'last-modified'};
	is(get('cond', headers => { 'If-None-Match' => $etag })->{status}, 304, 'If-None-Match');
	is(get('cond', headers => { 'If-None-Match' => '"x"' })->{status}, 200, '... of another');
	is(get('cond', headers => { 'If-Match' => $etag })->{status}, 200, 'If-Match');
	refused(get('cond', headers => { 'If-Match' => '"x"' }), 412, 'PreconditionFailed',
	    '... of another');
	is(get('cond', headers => { 'If-Modified-Since' => $when })->{status}, 304,
	    'If-Modified-Since');
	is(get('cond', headers => { 'If-Unmodified-Since' => $when })->{status}, 200,
	    'If-Unmodified-Since');
	is(get('cond',
	    headers => { 'If-Unmodified-Since' => 'Sun, 06 Nov 1994 08:49:37 GMT' })->{status},
	    412, '... long ago');
	my $part = get('cond', headers => { Range => 'bytes=2-4' });
	is_deeply([@$part{qw(status content)}, $part->{headers}{'content-range'}],
	    [206, '234', 'bytes 2-4/10'], 'range');
	is(get('cond', headers => { Range => 'bytes=-3' })->{content}, '789', 'range from the end');
	is(get('cond', headers => { Range => 'bytes=2-4', 'If-Range' => $etag })->{status}, 206,
	    'If-Range');
	is(get('cond', headers => { Range => 'bytes=2-4', 'If-Range' => '"x"' })->{status}, 200,
	    '... of another: everything');
	refused(get('cond', headers => { Range => 'bytes=10-' }), 416, 'InvalidRange',
	    'beyond the end');
	refused(put('cond', 'x', headers => { 'If-None-Match' => '*' }), 412, 'PreconditionFailed',
	    'put of what exists');
	is(put('cond2', 'x', headers => { 'If-None-Match' => '*' })->{status}, 200,
	    'put of what does not');
	refused(put('cond', 'x', headers => { 'If-Match' => '"x"' }), 412, 'PreconditionFailed',
	    'put over another');
	is(put('cond', 'x', headers => { 'If-Match' => $etag })->{status}, 200,
	    'put over what was seen');
};

subtest 'copy' => sub {
	my $etag = put('from', 'copied', headers => { 'Content-Type' => 'a/b' })->{headers}{etag};
	my $source = { 'x-amz-copy-source' => "/$bucket/from" };
	my $answer = $s3->request(PUT => "/$bucket/to", headers => $source);
	like($answer->{content}, qr/CopyObjectResult/, 'copy');
	is_deeply([get('to')->{content}, get('to')->{headers}{'content-type'}], ['copied', 'a/b'],
	    '... with bytes and type');
	$s3->request(PUT => "/$bucket/to", headers => { %$source,
	    'x-amz-metadata-directive' => 'REPLACE', 'Content-Type' => 'c/d' });
	is(head('to')->{headers}{'content-type'}, 'c/d', 'REPLACE');
	is($s3->request(PUT => "/$bucket/to", headers => { %$source,
	    'x-amz-copy-source-if-match' => $etag })->{status},
	    200, 'if-match');
	refused($s3->request(PUT => "/$bucket/to", headers => { %$source,
	    'x-amz-copy-source-if-match' => '"x"' }),
	    412, 'PreconditionFailed', '... of another');
	refused($s3->request(PUT => "/$bucket/to",
	    headers => { 'x-amz-copy-source' => "/$bucket/none" }),
	    404, 'NoSuchKey', 'of nothing');
	refused($s3->request(PUT => "/$bucket/to",
	    headers => { 'x-amz-copy-source' => '/../../etc/passwd' }),
	    404, 'NoSuchKey', 'of a path');
	$s3->request(DELETE => "/$bucket/from");
	is(get('to')->{content}, 'copied', 'the copy outlives its source');
};

subtest 'lists' => sub {
	my @keys = sort(map({ sprintf 'l/%02d/%d', $_ / 10, $_ } 10 .. 59), 'l/top', 'l/top2');
	put($_, 'x') for @keys;
	is_deeply([MediaNest::S3::values_of(list(prefix => 'l/', 'list-type' => 2), 'Key')], \@keys,
	    'by prefix');
	my (@found, $token);
	do {
		my $answer = list(prefix => 'l/', 'list-type' => 2, 'max-keys' => 7,
		    defined $token ? ('continuation-token' => $token) : ());
		push @found, MediaNest::S3::values_of($answer, 'Key');
		($token) = MediaNest::S3::values_of($answer, 'NextContinuationToken');
	} while (defined $token && @found < 1000);
	is_deeply(\@found, \@keys, 'v2 page by page');
	my $rolled = list(prefix => 'l/', delimiter => '/');
	is_deeply([MediaNest::S3::values_of($rolled, 'Prefix')],
	    ['l/', map { sprintf 'l/%02d/', $_ } 1 .. 5], 'rolled up');
	is_deeply([MediaNest::S3::values_of($rolled, 'Key')], ['l/top', 'l/top2'],
	    '... with what lies beside');
	for my $v2 (0, 1) {
		my (@all, $next);
		do {
			my $answer = list(prefix => 'l/', delimiter => '/', 'max-keys' => 2, $v2
			    ? ('list-type' => 2) : (),
				defined $next ? ($v2 ? 'continuation-token' : 'marker', $next)
				    : ());
			push @all, grep { $_ ne 'l/' } MediaNest::S3::values_of($answer, 'Prefix');
			push @all, MediaNest::S3::values_of($answer, 'Key');
			($next) = MediaNest::S3::values_of($answer,
			    $v2 ? 'NextContinuationToken' : 'NextMarker');
		} while (defined $next && @all < 100);
		is_deeply([sort @all], [(map { sprintf 'l/%02d/', $_ } 1 .. 5), 'l/top', 'l/top2'],
		    'rolled up, page by page, v' . ($v2 + 1));
	}
	is((MediaNest::S3::values_of(
	    list(prefix => 'l/', 'start-after' => 'l/05/58', 'list-type' => 2), 'Key'))[0],
	    'l/05/59', 'start-after');
	put("l2/a b\x{e9}&", 'x');
	is((MediaNest::S3::values_of(list(prefix => 'l2/', 'encoding-type' => 'url'), 'Key'))[0],
	    'l2/a%20b%C3%A9%26', 'encoding-type');
	refused(list('max-keys' => 'x'), 400, 'InvalidArgument', 'max-keys that is no number');
	refused(list('list-type' => 2, 'continuation-token' => '!!'), 400, 'InvalidArgument',
	    'a token that is none');
};

sub delete_body {
	return '<Delete>' . join('', map { '<Object><Key>' . s/&/&amp;/gr . '</Key></Object>' } @_)
	    . '</Delete>';
}

subtest 'delete many' => sub {
	put($_, 'x') for 'd/1', 'd/2&', 'd/3';
	my $answer = $s3->request(POST => "/$bucket", query => { delete => '' },
	    body => delete_body('d/1', 'd/2&', 'd/none'));
	is_deeply([MediaNest::S3::values_of($answer, 'Key')], ['d/1', 'd/2&amp;', 'd/none'],
	    'deleted, and what was not there');
	is_deeply([MediaNest::S3::values_of(list(prefix => 'd/'), 'Key')], ['d/3'],
	    'the other is left');
	for my $bad ('', '<Delete>', '<Delete/>',
	    '<!DOCTYPE a [<!ENTITY x SYSTEM '
		. '"file:///etc/passwd">]><Delete><Object><Key>&x;</Key></Object></Delete>',
	    '<a>' x 100000,
		delete_body(map { "k$_" } 1 .. 1001)) {
		refused($s3->request(POST => "/$bucket", query => { delete => '' }, body => $bad),
		    400, 'MalformedXML', 'refused: ' . substr $bad, 0, 30);
	}
};

# All metadata that the store keeps, on a body that nginx would otherwise send.
subtest 'metadata' => sub {
	my $body = join ' ', 1 .. 100_000;
	my %meta = map { ("x-amz-meta-name-$_" => $_ x 180) } 1 .. 15;
	is(put('meta', $body, headers => { %meta, 'x-amz-meta-mtime' => 7 })->{status}, 200, 'put');
	for my $answer (get('meta'), head('meta')) {
		is_deeply({ map { ($_ => $answer->{headers}{$_}) } keys %meta }, \%meta,
		    'all of it');
		is($answer->{headers}{'x-amz-meta-mtime'}, 7, 'a usual name too');
		is($answer->{headers}{'content-length'}, length $body, 'length');
	}
	ok(get('meta')->{content} eq $body, 'every byte');
	my $part = get('meta', headers => { Range => 'bytes=5000-5009' });
	is_deeply([@$part{qw(status content)}, $part->{headers}{'content-range'}],
	    [206, substr($body, 5000, 10), 'bytes 5000-5009/' . length $body], 'a range');
	my %old = (Range => 'bytes=0-3', 'If-Range' => '"x"');
	is(get('meta', headers => \%old)->{status}, 200, 'a range of what was there before');
	$old{'If-Range'} = $part->{headers}{etag};
	is(get('meta', headers => \%old)->{content}, '1 2 ', '... and of what is');
	refused(get('meta', headers => { Range => 'bytes=9999999-' }), 416, 'InvalidRange',
	    'a range outside');
};

sub complete { my ($id, @parts) = @_; return $s3->request(POST => "/$bucket/mp",
    query => { uploadId => $id }, ref $parts[-1] eq 'HASH' ? %{ pop @parts } : (),
	body => '<CompleteMultipartUpload>'
	    . join('',
		map { "<Part><PartNumber>$_->[0]</PartNumber><ETag>$_->[1]</ETag></Part>" } @parts)
	    . '</CompleteMultipartUpload>') }

subtest 'uploads in parts' => sub {
	my ($id) = MediaNest::S3::values_of($s3->request(POST => "/$bucket/mp",
	    query => { uploads => '' }, headers => { 'Content-Type' => 'v/m',
	    'x-amz-meta-k' => 'v' }),
	    'UploadId');
	ok($id, 'create');
	my @etag = map { $s3->request(PUT => "/$bucket/mp",
	    query => { uploadId => $id, partNumber => $_ },
	    body => "part $_;")->{headers}{etag} } 1 .. 3;
	is_deeply([MediaNest::S3::values_of(
	    $s3->request(GET => "/$bucket/mp", query => { uploadId => $id }), 'PartNumber')],
	    [1, 2, 3], 'list parts');
	is_deeply([MediaNest::S3::values_of(
	    $s3->request(GET => "/$bucket", query => { uploads => '' }), 'UploadId')],
	    [$id], 'list uploads');
	put('src', 'copied part');
	like($s3->request(PUT => "/$bucket/mp", query => { uploadId => $id, partNumber => 4 },
		headers => { 'x-amz-copy-source' => "/$bucket/src",
		    'x-amz-copy-source-range' => 'bytes=0-5' })->{content},
		    qr/CopyPartResult/, 'part by copy');
	my ($fourth) = (MediaNest::S3::values_of(
	    $s3->request(GET => "/$bucket/mp", query => { uploadId => $id }), 'ETag'))[3];
	refused(complete($id, [2, $etag[1]], [1, $etag[0]]), 400, 'InvalidPartOrder',
	    'wrong order');
	refused(complete($id, [1, $etag[1]]), 400, 'InvalidPart', 'wrong ETag');
	refused(complete($id, [9, $etag[0]]), 400, 'InvalidPart', 'absent part');
	refused(complete('none', [1, $etag[0]]), 404, 'NoSuchUpload', 'absent upload');
	refused($s3->request(PUT => "/$bucket/mp",
	    query => { uploadId => $id, partNumber => 10001 }, body => 'x'),
	    400, 'InvalidArgument', 'part 10001');
	refused(get('mp'), 404, 'NoSuchKey', 'nothing shows yet');
	like(complete($id, [1, $etag[0]], [3, $etag[2]], [4, $fourth])->{content},
	    qr/<ETag>&quot;[0-9a-f]{32}-3&quot;/, 'complete');
	my $answer = get('mp');
	is_deeply([$answer->{content}, $answer->{headers}{'content-type'}],
	    ['part 1;part 3;copied', 'v/m'], 'joined');
	is($_->{headers}{'x-amz-meta-k'}, 'v', 'metadata from its creation')
	    for $answer, head('mp');
	refused(complete($id, [1, $etag[0]]), 404, 'NoSuchUpload', 'complete again');
	($id) = MediaNest::S3::values_of(
	    $s3->request(POST => "/$bucket/mp", query => { uploads => '' }), 'UploadId');
	is($s3->request(DELETE => "/$bucket/mp", query => { uploadId => $id })->{status}, 204,
	    'abort');
	refused($s3->request(PUT => "/$bucket/mp", query => { uploadId => $id, partNumber => 1 },
	    body => 'x'),
	    404, 'NoSuchUpload', 'part of an aborted upload');
};

subtest 'parts of an object' => sub {
	my @body = ('one ' x 50_000, 'two ' x 20_000, 'three');
	my $whole = join '', @body;
	my ($id) = MediaNest::S3::values_of(
	    $s3->request(POST => "/$bucket/mp", query => { uploads => '' }), 'UploadId');
	my @claim = map { [2 * $_, $s3->request(PUT => "/$bucket/mp",
	    query => { uploadId => $id, partNumber => 2 * $_ },
	    body => $body[$_ - 1])->{headers}{etag}] } 1 .. 3;
	my $sum = encode_base64(sha256(map { sha256($_) } @body), '');
	for my $wrong ([sha1 => encode_base64(sha1('other'), '')], [sha256 => "$sum-2"],
	    [sha256 => encode_base64(sha256("$whole."), '') . '-3'], [crc32 => crc32("$whole.")]) {
		refused(complete($id, @claim,
		    { headers => { "x-amz-checksum-$wrong->[0]" => $wrong->[1] } }),
		    400, 'BadDigest', "a wrong $wrong->[0] of the object");
	}
	is(complete($id, @claim, { headers => { 'x-amz-checksum-sha256' => "$sum-3",
	    'x-amz-checksum-type' => 'COMPOSITE' } })->{status},
	    200, 'a right one of its parts');
	my $first = 0;
	for my $n (1 .. 3) {
		my $last = $first + length($body[$n - 1]) - 1;
		my $part = get('mp', query => { partNumber => $n });
		ok($part->{content} eq $body[$n - 1], "part $n");
		for my $answer ($part, head('mp', query => { partNumber => $n })) {
			is_deeply([$answer->{status}, @{ $answer->{headers} }{
				qw(content-length content-range x-amz-mp-parts-count)}],
			    [206, length $body[$n - 1], "bytes $first-$last/" . length $whole, 3],
			    '... and where it lies');
		}
		$first = $last + 1;
	}
	refused(get('mp', query => { partNumber => 4 }), 416, 'InvalidPartNumber', 'no such part');
	refused(get('mp', query => { partNumber => $_ }), 400, 'InvalidArgument', "part $_")
	    for 0, 'x', 10001;
	refused(get('mp', query => { partNumber => 1 }, headers => { Range => 'bytes=0-1' }), 400,
	    'InvalidRequest', 'a part and a range');
	is(get('mp')->{headers}{'x-amz-mp-parts-count'}, undef, 'the whole says nothing of parts');
	put('mp', 'whole');
	my $part = get('mp', query => { partNumber => 1 });
	is_deeply([@$part{qw(status content)},
	    @{ $part->{headers} }{qw(content-range x-amz-mp-parts-count)}],
	    [206, 'whole', 'bytes 0-4/5', undef], 'an object without parts is its own first');
	refused(get('mp', query => { partNumber => 2 }), 416, 'InvalidPartNumber',
	    '... and has no second');
	refused(get('none', query => { partNumber => 1 }), 404, 'NoSuchKey', 'of nothing');
};

subtest 'no path reaches the file system' => sub {
	my ($blob) = $mn->psql("SELECT blob FROM objects LIMIT 1");
	my $path = join '/', substr($blob, 0, 2), substr($blob, 2, 2), $blob;
	for my $target ("/_objects/$path", '/_storage_verify', '/_storage_read',
	    '/_storage_preflight', "/$bucket/../_objects/$path", "/x/..%2f_objects/$path",
		'/../../../../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd', '/.tmp/0000000001') {
		my $answer = $s3->plain(GET => $s3->{endpoint} . $target);
		ok($answer->{status} >= 400 && $answer->{status} < 500
		    && $answer->{content} =~ /<Error>/,
		    "GET $target: $answer->{status}");
	}
	opendir my $dir, $objects or die "$objects: $!";
	is_deeply([grep { !/^(?:\.\.?|\.tmp|[0-9a-f]{2})$/ } readdir $dir], [],
	    'blobs have random names');
};

subtest 'CORS' => sub {
	my $url = "$s3->{endpoint}/$bucket/x";
	my %ask = ('Access-Control-Request-Method' => 'PUT',
	    'Access-Control-Request-Headers' => 'content-type');
	my $answer = $s3->plain(OPTIONS => $url, undef, { Origin => $mn->{url}, %ask });
	is_deeply([$answer->{status},
	    @{ $answer->{headers} }{qw(access-control-allow-origin access-control-allow-headers)}],
	    [204, $mn->{url}, 'content-type'], 'preflight');
	like($answer->{headers}{'access-control-allow-methods'}, qr/\bPUT\b/, '... may put');
	$answer = $s3->plain(OPTIONS => $url, undef, { Origin => 'https://evil.example', %ask });
	is($answer->{headers}{'access-control-allow-origin'}, undef, 'another origin gets nothing');
	$answer = $s3->plain(PUT => $url, 'x', { Origin => $mn->{url} });
	is_deeply([$answer->{status}, $answer->{headers}{'access-control-allow-origin'}],
	    [403, $mn->{url}], 'a refusal can be read by the page');
	$answer = $s3->plain(PUT => $s3->presign(PUT => "/$bucket/x"), 'x',
	    { Origin => $mn->{url} });
	like($answer->{headers}{'access-control-expose-headers'}, qr/\bETag\b/,
	    'the page may read the ETag');
};

subtest 'bodies that cannot be' => sub {
	my $chunks = 0;
	my $answer = $s3->plain(PUT => $s3->presign(PUT => "/$bucket/chunked"),
	    sub { return $chunks++ < 2 ? 'chunk' : undef });
	refused($answer, 411, 'MissingContentLength', 'a body without length');
	refused(put('streaming', 'x', payload => 'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD'), 501,
	    'NotImplemented', 'chunks signed in a way that is not here');
	refused($s3->request(PATCH => "/$bucket/x", body => 'x'), 405, 'MethodNotAllowed',
	    'another method');
	refused($s3->plain(GET => $s3->presign(GET => "/$bucket/sum"), 'a body'), 400,
	    'EntityTooLarge', 'a read with a body');
};

subtest 'bodies in chunks' => sub {
	my $body = join ' ', 1 .. 500;
	is(chunked('chunks', $body, '')->{status}, 200, 'no trailer');
	is(get('chunks')->{content}, $body, '... decoded');
	is(head('chunks')->{headers}{'content-encoding'}, undef, '... and aws-chunked is not kept');
	is(chunked('chunks2', $body, 'x-amz-checksum-crc32:' . crc32($body) . "\r\n")->{status},
	    200, 'a CRC as trailer');
	refused(chunked('chunks3', $body, 'x-amz-checksum-crc32:' . crc32("$body.") . "\r\n"), 400,
	    'BadDigest', 'a wrong one');
	refused(chunked('chunks3', $body, "x-amz-checksum-crc32:xx\r\n"), 400, 'InvalidDigest',
	    'none');
	refused(put('chunks3', $_, payload => 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
	    headers => { 'x-amz-decoded-content-length' => 3 }),
	    400, 'IncompleteBody', 'malformed: ' . (split /\s/)[0])
		for "3\r\nabc", "4\r\nabcd\r\n0\r\n\r\n", "2\r\nab\r\n0\r\n\r\n", "zz\r\n",
		    "3\r\nabcd\r\n0\r\n", "ffffffffffffff\r\n", "3;" . 'x' x 5000, "-3\r\nabc\r\n";
	refused(put('chunks3', 'x', payload => 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'), 411,
	    'MissingContentLength', 'no decoded length');
	refused($s3->signed_chunks("/$bucket/chunks3", ['abc', 'defg'], 'wrong'), 403,
	    'SignatureDoesNotMatch', 'signed chunks, one of them wrongly');
	refused(get('chunks3'), 404, 'NoSuchKey', 'nothing was made');
	is($s3->signed_chunks("/$bucket/chunks4", ['abc' x 1000, 'defg'])->{status}, 200,
	    'signed chunks');
	is(get('chunks4')->{content}, 'abc' x 1000 . 'defg', '... decoded');
	refused(put('crc', $body, headers => { 'x-amz-checksum-crc32' => crc32('other') }), 400,
	    'BadDigest', 'a CRC in the header is checked');
	# nginx removes a body after the answer, and other tests may be uploading at this moment.
	ok(eval { wait_until { !(() = glob "$objects/.tmp/body/*") } 15, 'an empty spool' },
	    'nothing is left in the spool');
};

# Each change has a line in the pool's log, by its id, and each failure; a read has one in nginx's.
# What they were signed with has none.
subtest 'log' => sub {
	my $line = sub {
		my ($pool, $answer, $route) = @_;
		my $id = $answer->{headers}{'x-amz-request-id'};
		my $found = wait_until(sub { (grep {
		    /\Q$id\E/ && /"route":"\Q$route\E"/ } split /\n/,
		    $mn->log_text($pool))[-1] },
		    10, "the line of $route");
		return JSON::PP::decode_json($found);
	};
	my $written = put('logged', 'x');
	my $verdict = $line->('verify', $written, 'storage verify');
	is_deeply([@$verdict{qw(method status level)}], ['PUT', 204, 'info'],
	    'the verdict of a write');
	my $write = $line->('store', $written, 'storage write');
	is_deeply([@$write{qw(method status)}], ['PUT', 200], 'the write');
	ok($write->{timeline}{sent} > 0 && $write->{client} eq '127.0.0.1',
	    'with its time and the client');
	my $url = $s3->presign(GET => "/$bucket/logged");
	my ($signature) = $url =~ /X-Amz-Signature=(\w+)/;
	my $read = $s3->plain(GET => $url)->{headers}{'x-amz-request-id'};
	ok(wait_until { $mn->log_text('storage-access') =~
	    /"\Q$read\E".*"method":"GET".*"status":200,/ } 10,
	    'a read');
	my $missing = $line->('verify', get('not-there'), 'storage read');
	is_deeply([@$missing{qw(status code)}], [404, 'NoSuchKey'], 'one of what is not there');
	my $forged = $line->('verify',
	    $s3->plain(PUT => $s3->presign(PUT => "/$bucket/logged") =~
		s/(?<=Signature=)(\w)/$1 eq '0' ? '1' : '0'/er,
		'x'),
	    'storage verify');
	is_deeply([@$forged{qw(status code)}], [403, 'SignatureDoesNotMatch'],
	    'a write with another signature');
	for my $pool (qw(verify store storage-access)) {
		my $text = $mn->log_text($pool);
		unlike($text, qr/X-Amz-\w+=|Signature=|Credential=|\Q$signature\E/i,
		    "no signature in the log of $pool");
	}
};

subtest 'a bucket that is not empty stays' => sub {
	refused($s3->request(DELETE => "/$bucket"), 409, 'BucketNotEmpty', 'delete');
	while (my @keys = MediaNest::S3::values_of(list('encoding-type' => 'url'), 'Key')) {
		s/%([0-9A-F]{2})/chr hex $1/ge, s/&/&amp;/g, s/</&lt;/g,
		    s/([\t\n])/'&#' . ord($1) . ';'/ge
		    for @keys;
		my $objects = join '', map { "<Object><Key>$_</Key></Object>" } @keys;
		my $answer = $s3->request(POST => "/$bucket", query => { delete => '' },
		    body => "<Delete>$objects</Delete>");
		last if $answer->{status} != 200;
	}
	is($s3->request(DELETE => "/$bucket")->{status}, 204, 'an empty one goes');
};

done_testing();
