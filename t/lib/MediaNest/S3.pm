package MediaNest::S3;
# A client of the object store that can also make mistakes: signs requests itself (Signature Version
# 4) and shares no code with the server.
#
#   my $s3 = MediaNest::S3->new($mn);                      # endpoint and credentials of a stack
#   my $r = $s3->request(PUT => '/bucket/key', body => 'bytes',
#       headers => { 'Content-Type' => 'text/plain' });
#   $r->{status}, $r->{content}, $r->{headers}, $r->{code} # S3's error code
#   my $url = $s3->presign(GET => '/bucket/key', query => { ... }, headers => { ... },
#       expires => 60);
# Options of both: query, secret, access, region, at (epoch seconds). request: body, headers,
# payload ('UNSIGNED-PAYLOAD' or a digest).
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256 hmac_sha256_hex sha256_hex);
use POSIX qw(strftime);

sub new {
	my ($class, $mn) = @_;
	my $status = $mn->{status};
	return bless { mn => $mn, endpoint => $status->{storageEndpoint},
	    region => $status->{storageRegion}, access => $status->{storageAccessKey},
		secret => $status->{storageSecretKey},
		    host => $status->{storageEndpoint} =~ s{^https?://}{}r }, $class;
}

sub encode {
	my ($s, $keep) = @_;
	utf8::encode($s);
	$s =~ s{([^A-Za-z0-9._~-])}{$keep && $1 eq '/' ? '/' : sprintf '%%%02X', ord $1}ge;
	return $s;
}

sub canonical_query {
	my ($query) = @_;
	return join '&', sort map { encode($_) . '=' . encode($query->{$_}) } keys %$query;
}

sub sign {
	my ($self, $method, $path, $query, $headers, $payload, $date, %option) = @_;
	my $day = substr $date, 0, 8;
	my $scope = join '/', $day, $option{region} // $self->{region}, 's3', 'aws4_request';
	my %lower = map { (lc $_ => $headers->{$_}) } keys %$headers;
	my $names = join ';', sort keys %lower;
	my $canonical = join "\n", $method, encode($path, 1), canonical_query($query),
	    (map { "$_:$lower{$_}" } sort keys %lower), '', $names, $payload;
	my $text = join "\n", 'AWS4-HMAC-SHA256', $date, $scope, sha256_hex($canonical);
	my $key = 'AWS4' . ($option{secret} // $self->{secret});
	$key = hmac_sha256($_, $key) for split m{/}, $scope;
	return ($names, $scope, hmac_sha256_hex($text, $key));
}

sub url {
	my ($self, $path, $query) = @_;
	return $self->{endpoint} . encode($path, 1)
	    . (%$query ? '?' . canonical_query($query) : '');
}

sub request {
	my ($self, $method, $path, %option) = @_;
	my $body = $option{body} // '';
	my %query = %{ $option{query} || {} };
	my %headers = %{ $option{headers} || {} };
	my $date = strftime('%Y%m%dT%H%M%SZ', gmtime($option{at} // time));
	my $payload = $option{payload} // sha256_hex($body);
	@headers{qw(x-amz-date x-amz-content-sha256)} = ($date, $payload);
	my ($names, $scope, $signature) = $self->sign($method, $path, \%query,
	    { %headers, host => $self->{host} }, $payload, $date, %option);
	$headers{authorization} = "AWS4-HMAC-SHA256 Credential="
	    . ($option{access} // $self->{access})
	    . "/$scope, SignedHeaders=$names, Signature=$signature";
	$headers{'content-length'} = 0 if $body eq '' && $method =~ /^(?:PUT|POST)$/;
	return $self->plain($method, $self->url($path, \%query), $body,
	    { %headers, %{ $option{unsigned} || {} } });
}

sub presign {
	my ($self, $method, $path, %option) = @_;
	my $date = strftime('%Y%m%dT%H%M%SZ', gmtime($option{at} // time));
	my %headers = (host => $self->{host}, %{ $option{headers} || {} });
	my %query = (%{ $option{query} || {} }, 'X-Amz-Algorithm' => 'AWS4-HMAC-SHA256',
	    'X-Amz-Date' => $date, 'X-Amz-Expires' => $option{expires} // 60,
		'X-Amz-SignedHeaders' => join(';', sort map { lc } keys %headers),
		'X-Amz-Credential' => join('/', $option{access} // $self->{access},
		    substr($date, 0, 8), $option{region} // $self->{region}, 's3', 'aws4_request'));
	my (undef, undef, $signature) = $self->sign($method, $path, \%query, \%headers,
	    'UNSIGNED-PAYLOAD', $date, %option);
	return $self->url($path, { %query, 'X-Amz-Signature' => $signature });
}

# A PUT in signed chunks; with `wrong` the second chunk's signature is.
sub signed_chunks {
	my ($self, $path, $chunks, $wrong) = @_;
	my $date = strftime('%Y%m%dT%H%M%SZ', gmtime);
	my $length = 0;
	$length += length for @$chunks;
	my $payload = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';
	my %headers = ('x-amz-date' => $date, 'x-amz-content-sha256' => $payload,
	    'x-amz-decoded-content-length' => $length, 'content-encoding' => 'aws-chunked');
	my ($names, $scope, $signature) = $self->sign(PUT => $path, {},
	    { %headers, host => $self->{host} }, $payload, $date);
	$headers{authorization} = "AWS4-HMAC-SHA256 Credential=$self->{access}/$scope, "
	    . "SignedHeaders=$names, Signature=$signature";
	my $key = "AWS4$self->{secret}";
	$key = hmac_sha256($_, $key) for split m{/}, $scope;
	my ($body, $n) = ('', 0);
	for my $chunk (@$chunks, '') {
		$signature = hmac_sha256_hex(join("\n", 'AWS4-HMAC-SHA256-PAYLOAD', $date, $scope,
		    $signature, sha256_hex(''), sha256_hex($chunk)),
		    $key);
		$signature = '0' x 64 if $wrong && ++$n == 2;
		$body .= sprintf("%x;chunk-signature=%s\r\n%s\r\n", length $chunk, $signature,
		    $chunk);
	}
	return $self->plain(PUT => $self->url($path, {}), $body, \%headers);
}

# Anything, unsigned.
sub plain {
	my ($self, $method, $url, $body, $headers) = @_;
	my $answer = $self->{mn}->request($method, $url,
	    defined $body && $body ne '' ? $body : undef, $headers || {});
	($answer->{code}) = ($answer->{content} //= '') =~ m{<Error>.*<Code>([^<]*)</Code>}s;
	return $answer;
}

# Values of an element, in order.
sub values_of {
	my ($answer, $name) = @_;
	return $answer->{content} =~ m{<\Q$name\E>([^<]*)</\Q$name\E>}g;
}

1;
