package MediaNest::Tags;
# Tags of songs, byte by byte, as the programs of three decades wrote them, well or badly.
#
#   my $tag = MediaNest::Tags::id3(4, [ TIT2 => "\x03Title" ], [ TPE1 => "\x03One\0Two" ]);
#   my $flac = MediaNest::Tags::flac($bytes, [ ARTIST => 'One' ], [ ARTIST => 'Two' ]);
#   my $opus = MediaNest::Tags::opus($bytes, ...);
#   my $m4a = MediaNest::Tags::mp4($bytes, MediaNest::Tags::item("\xa9ART", 1, 'One', 'Two'));
#
# Everything is bytes: texts are encoded by who calls.
use strict;
use warnings;
use Carp qw(croak);

sub syncsafe { my ($n) = @_; return pack 'C4', map { $n >> $_ & 127 } 21, 14, 7, 0 }

# An ID3v2 tag of version 2, 3 or 4. A frame is [ id => bytes ], or [ id => bytes, flags, size ]
# with the size as it shall stand there. Options: unsync => all of it, extended => bytes.
sub id3 {
	my ($version, @frames) = @_;
	my %option = ref $frames[-1] eq 'HASH' ? %{ pop @frames } : ();
	my $flags = 0;
	my $body = '';
	if (defined $option{extended}) {
		$flags |= 0x40;
		$body .= $option{extended};
	}
	for (@frames) {
		my ($id, $bytes, $frame_flags, $size) = @$_;
		if ($version == 2) {
			$body .= $id . substr(pack('N', length $bytes), 1) . $bytes;
			next;
		}
		$size //= $version == 4 ? syncsafe(length $bytes) : pack 'N', length $bytes;
		$body .= $id . $size . pack('n', $frame_flags // 0) . $bytes;
	}
	if ($option{unsync}) {
		$flags |= 0x80;
		$body = unsync($body);
	}
	return 'ID3' . pack('CCC', $version, 0, $flags) . syncsafe(length $body) . $body;
}

sub unsync {
	my ($bytes) = @_;
	$bytes =~ s/\xff(?=[\x00\xe0-\xff])/\xff\x00/g;
	return $bytes;
}

sub id3v1 {
	my ($title, $artist, $album, $year, $track, $genre) = @_;
	return 'TAG' . pack 'a30 a30 a30 a4 a28 C C C', $title, $artist, $album, $year, '', 0,
	    $track, $genre;
}

sub picture { # of ID3v2.3 and 2.4
	my ($type, $description, $jpeg) = @_;
	return "\0image/jpeg\0" . chr($type) . "$description\0$jpeg";
}

sub comments {
	my (@fields) = @_;
	my $vendor = 'test';
	return pack('V/a* V', $vendor, scalar @fields)
	    . join '', map { pack 'V/a*', "$_->[0]=$_->[1]" } @fields;
}

sub flac_picture {
	my ($type, $jpeg) = @_;
	return pack 'N N/a* N N4 N/a*', $type, 'image/jpeg', 0, 0, 0, 0, 0, $jpeg;
}

# A FLAC file with these comments instead of its own blocks, but for the first. A field that is no
# pair is a picture.
sub flac {
	my ($bytes, @all) = @_;
	my @fields = grep { ref } @all;
	my @pictures = grep { !ref } @all;
	croak 'no FLAC' if substr($bytes, 0, 4) ne 'fLaC';
	my ($at, $last, $info) = (4, 0);
	until ($last) {
		my ($type, @size) = unpack 'C4', substr $bytes, $at, 4;
		my $size = $size[0] << 16 | $size[1] << 8 | $size[2];
		$info = substr $bytes, $at + 4, $size if ($type & 127) == 0;
		$last = $type & 128;
		$at += 4 + $size;
	}
	my $block = sub { pack('C', $_[0]) . substr(pack('N', length $_[1]), 1) . $_[1] };
	return 'fLaC' . $block->(0, $info) . join('', map { $block->(6, $_) } @pictures)
	    . $block->(0x84, comments(@fields)) . substr $bytes, $at;
}

# CRC of an Ogg page (RFC 3533): 0x04c11db7, not reflected.
sub ogg_crc {
	my ($bytes) = @_;
	my $crc = 0;
	for my $byte (unpack 'C*', $bytes) {
		$crc ^= $byte << 24;
		$crc = ($crc & 0x80000000 ? $crc << 1 ^ 0x04c11db7 : $crc << 1) & 0xffffffff
		    for 1 .. 8;
	}
	return $crc;
}

# An Opus file whose second page has these comments.
sub opus {
	my ($bytes, @fields) = @_;
	my $page = sub {
		my ($at) = @_;
		my $segments = ord substr $bytes, $at + 26, 1;
		my $body = 0;
		$body += $_ for unpack 'C*', substr $bytes, $at + 27, $segments;
		return 27 + $segments + $body;
	};
	my $first = $page->(0);
	my $second = $page->($first);
	my $packet = 'OpusTags' . comments(@fields);
	my $head = substr $bytes, $first, 22;
	my $lacing = "\xff" x int(length($packet) / 255) . chr(length($packet) % 255);
	my $new = $head . pack('V', 0) . chr(length $lacing) . $lacing . $packet;
	substr $new, 22, 4, pack 'V', ogg_crc($new);
	return substr($bytes, 0, $first) . $new . substr $bytes, $first + $second;
}

sub box { my ($type, $body) = @_; return pack('N', 8 + length $body) . $type . $body }

# An item of 'ilst' with a value or several: type 1 is UTF-8, 0 binary.
sub item {
	my ($name, $type, @values) = @_;
	return box($name, join '', map { box('data', pack('NN', $type, 0) . $_) } @values);
}

sub free_item { # one with a name of its own
	my ($name, @values) = @_;
	return box('----', box('mean', pack('N', 0) . 'com.apple.iTunes')
	    . box('name', pack('N', 0) . $name)
	    . join '', map { box('data', pack('NN', 1, 0) . $_) } @values);
}

# An MP4 file whose 'moov' stands at its end, with these items instead of its own.
sub mp4 {
	my ($bytes, @items) = @_;
	my ($out, $at) = ('', 0);
	my $meta = box('udta', box('meta', pack('N', 0)
	    . box('hdlr', pack('NN', 0, 0) . 'mdirappl' . "\0" x 9)
	    . box('ilst', join '', @items)));
	while ($at + 8 <= length $bytes) {
		my ($size, $type) = unpack 'Na4', substr $bytes, $at, 8;
		my $body = substr $bytes, $at + 8, $size - 8;
		if ($type eq 'moov') {
			my ($kept, $in) = ('', 0);
			while ($in + 8 <= length $body) {
				my ($n, $name) = unpack 'Na4', substr $body, $in, 8;
				$kept .= substr $body, $in, $n if $name ne 'udta';
				$in += $n;
			}
			$body = $kept . $meta;
		}
		$out .= box($type, $body);
		$at += $size;
	}
	return $out;
}

# A WAV file with another chunk behind the sound.
sub wav {
	my ($bytes, $id, $chunk) = @_;
	$bytes .= pack('a4 V', $id, length $chunk) . $chunk . (length($chunk) & 1 ? "\0" : '');
	substr $bytes, 4, 4, pack 'V', length($bytes) - 8;
	return $bytes;
}

1;
