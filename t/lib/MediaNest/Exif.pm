package MediaNest::Exif;
# Photos whose dates are as odd as programs write them.
#
#   my $jpeg = exif_jpeg($bytes, DateTimeOriginal => '2024:07:01 14:00:00', OffsetTime => '+02:00');
#
# Texts stand as they are given, damaged ones too. GPSTime is [h, m, s], GPS is [latitude,
# longitude]. `order` => 'MM' writes the block big-endian. `xmp` and `iptc` are segments of their
# own: a packet's inside, and data sets {number => text}.
use strict;
use warnings;
use Carp qw(croak);
use Exporter qw(import);

our @EXPORT_OK = qw(exif_jpeg exif_block);

my %MAIN = (Make => 0x010f, Model => 0x0110, DateTime => 0x0132);
my %PHOTO = (DateTimeOriginal => 0x9003, CreateDate => 0x9004, OffsetTime => 0x9010,
    OffsetTimeOriginal => 0x9011, OffsetTimeDigitized => 0x9012);
use constant { ASCII => 2, LONG => 4, RATIONAL => 5, EXIF_POINTER => 0x8769, GPS_POINTER => 0x8825,
    ENTRY => 12, GPS_TIME => 7, GPS_DATE => 29 };

sub _text { my ($tag, $text) = @_; return [ $tag, ASCII, length($text) + 1, "$text\0" ] }

# A directory at an offset of the block; values of more than four bytes follow it.
sub _directory {
	my ($be, $at, @entries) = @_;
	my ($short, $long) = $be ? qw(n N) : qw(v V);
	my $extra_at = $at + 2 + ENTRY * @entries + 4;
	my ($head, $extra) = (pack($short, scalar @entries), '');
	for my $e (sort { $a->[0] <=> $b->[0] } @entries) {
		my ($tag, $type, $count, $value) = @$e;
		if (length $value > 4) {
			my $where = $extra_at + length $extra;
			$extra .= $value . (length($value) & 1 ? "\0" : '');
			$value = pack $long, $where;
		}
		$head .= pack("$short$short$long", $tag, $type, $count)
		    . $value . "\0" x (4 - length $value);
	}
	return $head . pack($long, 0) . $extra;
}

# Degrees as degrees, minutes and hundredths of a second.
sub _degrees {
	my ($long, $value) = @_;
	my $all = int(abs($value) * 360000 + 0.5);
	return pack "($long)*", int($all / 360000), 1, int($all / 6000) % 60, 1, $all % 6000, 100;
}

sub _spot {
	my ($long, $latitude, $longitude) = @_;
	return _text(1, $latitude < 0 ? 'S' : 'N'), [ 2, RATIONAL, 3, _degrees($long, $latitude) ],
	    _text(3, $longitude < 0 ? 'W' : 'E'), [ 4, RATIONAL, 3, _degrees($long, $longitude) ];
}

sub exif_block {
	my (%want) = @_;
	my $be = ($want{order} // 'II') eq 'MM';
	my $long = $be ? 'N' : 'V';
	my @main = map { _text($MAIN{$_}, $want{$_}) } grep { defined $want{$_} } keys %MAIN;
	my @photo = map { _text($PHOTO{$_}, $want{$_}) } grep { defined $want{$_} } keys %PHOTO;
	my @gps;
	push @gps, _text(GPS_DATE, $want{GPSDate}) if defined $want{GPSDate};
	push @gps, _spot($long, @{ $want{GPS} }) if $want{GPS};
	push @gps, [ GPS_TIME, RATIONAL, 3, pack "($long)*", map { ($_, 1) } @{ $want{GPSTime} } ]
	    if $want{GPSTime};
	my $build = sub {
		my ($photo_at, $gps_at) = @_;
		return _directory($be, 8, @main,
		    @photo ? [ EXIF_POINTER, LONG, 1, pack $long, $photo_at ] : (),
		    @gps ? [ GPS_POINTER, LONG, 1, pack $long, $gps_at ] : ());
	};
	my $photo_at = 8 + length $build->(0, 0);
	my $photo = @photo ? _directory($be, $photo_at, @photo) : '';
	my $gps_at = $photo_at + length $photo;
	return ($be ? "MM\0*" : "II*\0") . pack($long, 8) . $build->($photo_at, $gps_at) . $photo
	    . (@gps ? _directory($be, $gps_at, @gps) : '');
}

sub _segment { my ($mark, $body) = @_; return "\xff$mark" . pack('n', 2 + length $body) . $body }

sub exif_jpeg {
	my ($jpeg, %want) = @_;
	my $packets = '';
	croak 'no JPEG' if substr($jpeg, 0, 2) ne "\xff\xd8";
	$packets .= _segment("\xe1", "http://ns.adobe.com/xap/1.0/\0"
	    . "<x:xmpmeta xmlns:x='adobe:ns:meta/'>"
	    . "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
	    . "$want{xmp}</rdf:RDF></x:xmpmeta>") if defined $want{xmp};
	if (my $sets = $want{iptc}) {
		my $iim = join '',
		    map { pack('CCCn', 0x1c, 2, $_, length $sets->{$_}) . $sets->{$_} }
		    sort { $a <=> $b } keys %$sets;
		$packets .= _segment("\xed", "Photoshop 3.0\x008BIM" . pack('nn', 0x0404, 0)
		    . pack('N', length $iim) . $iim . (length($iim) & 1 ? "\0" : ''));
	}
	my $has = grep { defined $want{$_} } keys %MAIN, keys %PHOTO, qw(GPS GPSDate GPSTime);
	return "\xff\xd8" . ($has ? _segment("\xe1", "Exif\0\0" . exif_block(%want)) : '')
	    . $packets . substr $jpeg, 2;
}

1;
