package MediaNest::Pictures;
# Pictures as cameras, phones and programs write them, odd ones too; made from bytes, without their
# makers' tools.
#
#   my $nef = tiff({ entries => [ [ MAKE, ascii => 'NIKON CORPORATION' ], [ 0x111, blob => $jpeg ],
#       [ 0x14a, dirs => { entries => [ ... ] } ] ], next => { ... } }, order => 'MM');
use strict;
use warnings;
use Carp qw(croak);
use Exporter qw(import);
use MediaNest::Media;

our @EXPORT_OK = qw(tiff jpeg_segment jpeg_with png_with icc_profile apple_note raf cr3
    heic_colours heic_grid heic_turned
    box mean_of quarters_of);

my %SIZES = (byte => 1, ascii => 2, short => 3, long => 4, undef => 7, blob => 4, dirs => 4);

# A TIFF file of directories. An entry is [tag, type, value, ...]; `blob` puts bytes into the file
# and the offset into the entry, `dirs` directories.
sub tiff {
    my ($first, %want) = @_;
    my $be = ($want{order} // 'II') eq 'MM';
    my ($short, $long) = $be ? qw(n N) : qw(v V);
    my $out = $want{magic} // ($be ? "MM\0*" : "II*\0");
    $out .= pack($long, 8 + length($want{extra} // '')) . ($want{extra} // '');
    _directory(\$out, $short, $long, $first);
    return $out;
}

sub _directory {
    my ($out, $short, $long, $dir) = @_;
    my $at = length $$out;
    my @entries = sort { $a->[0] <=> $b->[0] } @{ $dir->{entries} };
    $$out .= "\0" x (2 + 12 * @entries + 4);
    substr $$out, $at, 2, pack $short, scalar @entries;
    for my $i (0 .. $#entries) {
        my ($tag, $type, @values) = @{ $entries[$i] };
        my $n = $SIZES{$type} // croak "type $type";
        my ($count, $bytes) = (scalar @values, '');
        if ($type eq 'blob' || $type eq 'dirs') {
            @values = map {
                my $where = length $$out;
                if ($type eq 'dirs') { _directory($out, $short, $long, $_) }
                else { $$out .= $_ . (length($_) & 1 ? "\0" : '') }
                $where;
            } @values;
            $bytes = pack "($long)*", @values;
        } elsif ($type eq 'ascii') {
            $bytes = "$values[0]\0";
            $count = length $bytes;
        } elsif ($type eq 'undef') {
            ($bytes, $count) = ($values[0], length $values[0]);
        } else {
            $bytes = pack $type eq 'byte' ? 'C*' : $type eq 'short' ? "($short)*"
                : "($long)*", @values;
        }
        if (length $bytes > 4) {
            my $where = length $$out;
            $$out .= $bytes . (length($bytes) & 1 ? "\0" : '');
            $bytes = pack $long, $where;
        }
        substr $$out, $at + 2 + 12 * $i, 12,
            pack("$short$short$long", $tag, $n, $count) . $bytes . "\0" x (4 - length $bytes);
    }
    if ($dir->{next}) {
        my $where = _directory($out, $short, $long, $dir->{next});
        substr $$out, $at + 2 + 12 * @entries, 4, pack $long, $where;
    }
    return $at;
}

sub jpeg_segment {
    my ($mark, $body) = @_;
    return "\xff$mark" . pack('n', 2 + length $body) . $body;
}

# A JPEG with an EXIF block, an ICC profile, an XMP packet.
sub jpeg_with {
    my ($jpeg, %want) = @_;
    my $more = '';
    $more .= jpeg_segment("\xe1", "Exif\0\0$want{exif}") if defined $want{exif};
    $more .= jpeg_segment("\xe1", "http://ns.adobe.com/xap/1.0/\0$want{xmp}") if defined $want{xmp};
    $more .= jpeg_segment("\xe2", "ICC_PROFILE\0\1\1$want{icc}") if defined $want{icc};
    return substr($jpeg, 0, 2) . $more . substr $jpeg, 2;
}

# A PNG with a chunk behind its header.
sub png_with {
    my ($png, $type, $data) = @_;
    require MediaNest::Media;
    return substr($png, 0, 33) . MediaNest::Media::png_chunk($type, $data) . substr $png, 33;
}

# A profile of three primaries (XYZ, adapted to D50) and a gamma: ICC.1:2001-04.
sub icc_profile {
    my ($gamma, @xyz) = @_;
    my $fixed = sub { pack 'N', int($_[0] * 65536 + ($_[0] < 0 ? -0.5 : 0.5)) & 0xffffffff };
    my $xyz = sub { "XYZ \0\0\0\0" . join '', map { $fixed->($_) } @_ };
    my $curve = "curv\0\0\0\0" . pack('Nnn', 1, int($gamma * 256 + 0.5), 0);
    my $text = 'Test';
    my %tags = (
        desc => "desc\0\0\0\0" . pack('N', 5) . "$text\0" . "\0" x 80,
        cprt => "text\0\0\0\0None\0\0\0\0", wtpt => $xyz->(0.9642, 1, 0.8249),
        rXYZ => $xyz->(@xyz[ 0 .. 2 ]), gXYZ => $xyz->(@xyz[ 3 .. 5 ]),
        bXYZ => $xyz->(@xyz[ 6 .. 8 ]), rTRC => $curve, gTRC => $curve, bTRC => $curve,
    );
    my ($table, $data) = (pack('N', scalar keys %tags), '');
    my $at = 128 + 4 + 12 * keys %tags;
    for my $tag (sort keys %tags) {
        my $bytes = $tags{$tag} . "\0" x (-length($tags{$tag}) % 4);
        $table .= $tag . pack 'NN', $at + length $data, length $tags{$tag};
        $data .= $bytes;
    }
    my $header = pack('N', $at + length $data) . "\0\0\0\0\x02\x10\0\0mntrRGB XYZ "
        . pack('n6', 2024, 1, 1, 0, 0, 0) . 'acsp' . "\0" x 28 . $fixed->(0.9642) . $fixed->(1)
        . $fixed->(0.8249);
    return $header . "\0" x (128 - length $header) . $table . $data;
}

# The maker note of a live photo.
sub apple_note {
    my ($id) = @_;
    return "Apple iOS\0\0\1MM" . pack('n nnNN N', 1, 0x11, 2, 1 + length $id, 32, 0) . "$id\0";
}

sub box {
    my ($type, @data) = @_;
    my $d = join '', @data;
    return pack('N', 8 + length $d) . $type . $d;
}

sub raf {
    my ($jpeg) = @_;
    my $header = 'FUJIFILMCCD-RAW ' . '0201' . 'FF129502' . "X-T4\0" . "\0" x 27 . '0100';
    $header .= "\0" x (84 - length $header);
    return $header . pack('NN', 92, length $jpeg) . $jpeg . "\x55" x 4000;
}

sub cr3 {
    my ($jpeg) = @_;
    return box(ftyp => 'crx ', pack('N', 1), 'crx isom')
        . box(moov => box('uuid', pack('H*', '85c0b687820f11e08111f4ce462b6a48'),
        box(CMT1 => tiff({ entries => [ [ 0x10f, ascii => 'Canon' ],
            [ 0x110, ascii => 'Canon EOS R6' ] ] })),
        box(CMT2 => tiff({ entries => [ [ 0x9003, ascii => '2024:05:06 07:08:09' ] ] }))))
        . box(mdat => $jpeg, "\xff\xd8\xff" x 10, "\x55" x 4000);
}

# Moves what iloc says about places in the file (ISO/IEC 14496-12 section 8.11.3).
sub _move {
    my ($heic, $by) = @_;
    my $at = index($$heic, 'iloc') + 4;
    my ($version, $sizes, $more, $items) = unpack 'C x3 C C n', substr $$heic, $at;
    croak 'iloc' if $version > 1 || $sizes != 0x44 || ($more >> 4) % 4;
    my $base = $more >> 4;
    $at += 8;
    for (1 .. $items) {
        my $inside = $version && 15 & unpack 'n', substr $$heic, $at + 2, 2;
        my $add = sub {
            substr $$heic, $_[0], 4, pack 'N', $by + unpack 'N', substr $$heic, $_[0], 4
                if !$inside;
        };
        $at += $version ? 6 : 4;
        $add->($at) if $base;
        my $extents = unpack 'n', substr $$heic, $at + $base, 2;
        $at += $base + 2;
        for (1 .. $extents) {
            $add->($at) if !$base;
            $at += 8;
        }
    }
    return;
}

# A HEIC of heif-enc with another property of its picture, in the place of pixi.
sub heic_property {
    my ($heic, $property) = @_;
    my $pixi = index $heic, 'pixi';
    croak 'no pixi' if $pixi < 0;
    my $old = unpack 'N', substr $heic, $pixi - 4, 4;
    my $grown = length($property) - $old;
    _move(\$heic, $grown);
    for my $type (qw(meta iprp ipco)) {
        my $at = index($heic, $type) - 4;
        substr $heic, $at, 4, pack 'N', $grown + unpack 'N', substr $heic, $at, 4;
    }
    substr $heic, $pixi - 4, $old, $property;
    return $heic;
}

# Its colours by code points of H.273; and its turn, in quarters against the clock.
sub heic_colours {
    return heic_property($_[0], box(colr => 'nclx', pack 'nnnC', @_[ 1 .. 3 ], 0x80));
}
# A grid of two columns, as phones write it, of tiles in these colours: its bytes, and where each
# tile ends. `turns`: quarters, counter-clockwise.
sub heic_grid {
	my ($dir, $turns, @colours) = @_;
	my ($n, $side) = (scalar @colours, 128);
	my ($record, @data);
	for my $colour (@colours) {
		MediaNest::Media::ffmpeg('-f', 'lavfi', '-i', "color=$colour:s=${side}x$side",
		    '-frames:v', 1, qw(-c:v libx265 -preset ultrafast -pix_fmt yuv420p -tag:v hvc1
		    -x265-params log-level=none:pools=1), "$dir/tile.mp4");
		my $bytes = MediaNest::Media::slurp("$dir/tile.mp4");
		my %found = map { my $at = index $bytes, $_;
			($_ => substr $bytes, $at + 4, unpack('N', substr $bytes, $at - 4, 4) - 8) }
		    qw(hvcC mdat);
		$record //= $found{hvcC};
		push @data, $found{mdat};
	}
	my $full = sub { my ($type, $version, @rest) = @_;
		return box($type => join '', pack('N', $version << 24), @rest) };
	my $grid = pack 'C4 n2', 0, 0, $n / 2 - 1, 1, 2 * $side, $n / 2 * $side;
	my @items = 1 .. $n;
	my $head = sub {
		my ($at) = @_;
		my $places = join '', map { my $from = $at;
			$at += length $data[ $_ - 1 ];
			pack 'n4 N2', $_, 0, 0, 1, $from, length $data[ $_ - 1 ] } @items;
		return box(ftyp => "heic\0\0\0\0mif1heic") . $full->(meta => 0,
		    $full->(hdlr => 0, "\0\0\0\0pict", "\0" x 13),
		    $full->(pitm => 0, pack 'n', $n + 1),
		    $full->(iinf => 0, pack('n', $n + 1), (map { $full->(infe => 2, pack 'n2 a4 x',
			$_, 0, $_ > $n ? 'grid' : 'hvc1') } @items, $n + 1)),
		    $full->(iref => 0, box(dimg => pack 'n*', $n + 1, $n, @items)),
		    box(iprp => box(ipco => box(hvcC => $record)
			. $full->(ispe => 0, pack 'N2', $side, $side)
			. $full->(ispe => 0, pack 'N2', 2 * $side, $n / 2 * $side)
			. box(irot => pack 'C', $turns)) . $full->(ipma => 0, pack('N', $n + 1),
			(map { pack 'n C3', $_, 2, 0x81, 2 } @items),
			pack 'n C3', $n + 1, 2, 3, 0x84)),
		    box(idat => $grid), $full->(iloc => 1, pack('n2', 0x4400, $n + 1), $places,
			pack 'n4 N2', $n + 1, 1, 0, 1, 0, length $grid));
	};
	my $at = length($head->(0)) + 8;
	my $bytes = $head->($at) . box(mdat => join '', @data);
	return ($bytes, map { $at += length } @data);
}
sub heic_turned { return heic_property($_[0], box(irot => pack 'C', $_[1])) }

# The pixels of a picture: width, height and three planes.
sub _planes {
    my ($file) = @_;
    require MediaNest::Media;
    my $bytes = MediaNest::Media::run('convert', $file, '-alpha', 'off', '-format', '%w %h\n',
        '-write', 'info:-', '-depth', 8, '-interlace', 'plane', 'rgb:-');
    my ($w, $h) = $bytes =~ s/^(\d+) (\d+)\n// ? ($1, $2) : croak "no picture: $file";
    return ($w, $h, map { substr $bytes, $_ * $w * $h, $w * $h } 0 .. 2);
}

# The mean of each channel.
sub mean_of {
    my ($w, $h, @planes) = _planes(@_);
    return map { unpack('%64C*', $_) / ($w * $h) } @planes;
}

# The colours in the middle of the four quarters, by name.
sub quarters_of {
    my ($w, $h, @planes) = _planes(@_);
    my @names;
    for my $place ([ 1, 1 ], [ 3, 1 ], [ 1, 3 ], [ 3, 3 ]) {
        my $at = int($h * $place->[1] / 4) * $w + int($w * $place->[0] / 4);
        my $key = join '', map { ord(substr $_, $at, 1) > 127 ? 1 : 0 } @planes;
        push @names, { 100 => 'red', '010' => 'lime', '001' => 'blue', 111 => 'white' }->{$key}
            // $key;
    }
    return "@names";
}

1;
