#!/usr/bin/perl
# Pictures as people have them: cut off, raw, of high dynamic range, with a clip, turned, wide,
# large. A table of how each is made and of what it becomes; then the same through the house.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use File::Temp qw(tempdir);
use MediaNest::Browser;
use MediaNest::Media;
use MediaNest::Page qw(artefacts sign_in inside);
use MediaNest::Pictures qw(tiff jpeg_with png_with icc_profile apple_note raf cr3 heic_colours
    heic_grid heic_turned box mean_of quarters_of);
use MediaNest::Test;

once_is_enough();

use constant { NEAR => 10, AT_ONCE => 2, TURN_6 => 'blue red white lime',
    LIVE => '0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9' };

my $mn = MediaNest::Test->stack;
my $program = MediaNest::Media::program($mn);
my $make = MediaNest::Media->new;
my $serial = 0;

sub ff { return MediaNest::Media::ffmpeg('-threads', 1, @_) }
sub bytes { return MediaNest::Media::slurp($_[0]) }
sub spew { my ($name, $bytes) = @_; return $make->spew($serial++ . "-$name", $bytes) }

# --- what everything is made of
my $png = $make->picture('base.png', size => '640x480');
my %base = (png => bytes($png));
ff('-i', $png, '-q:v', 3, $make->path('base.jpg'));
$base{jpg} = bytes($make->path('base.jpg'));
ff('-i', $png, '-c:v', 'libwebp', $make->path('base.webp'));
$base{webp} = bytes($make->path('base.webp'));
MediaNest::Media::run('heif-enc', $png, '-o', $make->path('base.heic'));
$base{heic} = bytes($make->path('base.heic'));
my @four = qw(red lime blue white);
($base{tiles}, my @tile) = heic_grid($make->path('.'), 0, @four);
($base{turned_tiles}, my @turned_tile) = heic_grid($make->path('.'), 1, @four);
MediaNest::Media::run('convert', $png, '-interlace', 'JPEG', $make->path('progressive.jpg'));
$base{progressive} = bytes($make->path('progressive.jpg'));
MediaNest::Media::run('convert', $png, '-interlace', 'PNG', $make->path('interlaced.png'));
$base{interlaced} = bytes($make->path('interlaced.png'));
for my $kind ([ 'lossless.webp', qw(-define webp:lossless=true) ],
    [ 'clear.webp', qw(-alpha set -channel A -evaluate set 60% +channel -quality 80) ],
    [ 'still.gif' ]) {
    my ($name, @arguments) = @$kind;
    MediaNest::Media::run('convert', $png, @arguments, $make->path($name));
    $base{$name =~ s/\..*//r} = bytes($make->path($name));
}
MediaNest::Media::run('convert', $png, $png, '-delay', 20, $make->path('two.gif'));
$base{gif} = bytes($make->path('two.gif'));
ff('-f', 'lavfi', '-i', 'color=red:s=320x200[a];color=lime:s=320x200[b];color=blue:s=320x200[c];'
    . 'color=white:s=320x200[d];[a][b]hstack[t];[c][d]hstack[u];[t][u]vstack', '-frames:v', 1,
    '-pix_fmt', 'rgb24', $make->path('quarters.png'));
$base{quarters} = bytes($make->path('quarters.png'));
ff('-i', $make->path('quarters.png'), '-q:v', 2, '-pix_fmt', 'yuvj444p',
    $make->path('quarters.jpg'));
$base{turnable} = bytes($make->path('quarters.jpg'));
ff('-f', 'lavfi', '-i', 'color=0xC86432:s=400x300', '-frames:v', 1, '-q:v', 1, '-pix_fmt',
    'yuvj444p', $make->path('flat.jpg'));
$base{flat} = bytes($make->path('flat.jpg'));
ff('-i', $png, '-vf', 'scale=160:120', $make->path('stamp.jpg'));
$base{stamp} = bytes($make->path('stamp.jpg'));
my @clip = qw(-f lavfi -i testsrc2=s=320x240:d=1:r=10 -f lavfi -i sine=440:d=1 -c:a aac);
ff(@clip, qw(-c:v libx264 -preset ultrafast -pix_fmt yuv420p), $make->path('clip.mp4'));
$base{clip} = bytes($make->path('clip.mp4'));
ff(@clip, qw(-c:v libx265 -preset ultrafast -x265-params log-level=none -tag:v hvc1
    -pix_fmt yuv420p), $make->path('hevc.mp4'));
$base{hevc} = bytes($make->path('hevc.mp4'));
my $to_linear = 'format=gbrp,setparams=range=pc:color_primaries=bt709:color_trc=iec61966-2-1:'
    . 'colorspace=gbr,zscale=t=linear:npl=203,format=gbrpf32le';
for my $hdr ([ pq => 'smpte2084' ], [ hlg => 'arib-std-b67' ]) {
    ff('-i', $png, '-vf',
        "$to_linear,zscale=p=bt2020:t=$hdr->[1]:m=gbr:r=pc:npl=203,format=rgb48be",
        $make->path("$hdr->[0].png"));
    $base{"$hdr->[0].png"} = bytes($make->path("$hdr->[0].png"));
    MediaNest::Media::run('heif-enc', '-b', 10, $make->path("$hdr->[0].png"), '-o',
        $make->path("$hdr->[0].heic"));
    $base{"$hdr->[0].heic"} = bytes($make->path("$hdr->[0].heic"));
    ff('-i', $make->path("$hdr->[0].png"), '-frames:v', 1, '-vf', 'zscale=m=bt2020nc:r=tv,'
        . "format=yuv420p10le,setparams=color_primaries=bt2020:color_trc=$hdr->[1]:"
        . 'colorspace=bt2020nc', qw(-c:v libaom-av1 -cpu-used 8 -still-picture 1),
        $make->path("$hdr->[0].avif"));
    $base{"$hdr->[0].avif"} = bytes($make->path("$hdr->[0].avif"));
}
ff('-i', $make->path('flat.jpg'), '-frames:v', 1, '-vf', 'zscale=m=709:r=tv,format=yuv444p,'
    . 'setparams=color_primaries=smpte432:color_trc=iec61966-2-1:colorspace=bt709',
    qw(-c:v libaom-av1 -cpu-used 8 -still-picture 1), $make->path('p3.avif'));

sub part_of { my ($bytes, $part) = @_; return substr $bytes, 0, int(length($bytes) * $part) }
sub turned {
    my ($orientation, %more) = @_;
    return tiff({ entries => [ [ 0x10f, ascii => 'Testcam' ], [ 0x112, short => $orientation ],
        [ 0x8769, dirs => { entries => [ [ 0x9003, ascii => '2024:05:06 07:08:09' ],
        $more{note} ? [ 0x927c, undef => $more{note} ] : () ] } ] ] },
        order => $more{order} // 'II');
}

# Directories of raw photographs. What the sensor saw is a strip of noise.
sub sensor { return [ 0xfe, long => 0 ], [ 0x100, long => 4000 ], [ 0x101, long => 3000 ],
    [ 0x103, short => $_[0] // 34713 ], [ 0x106, short => 32803 ], [ 0x111, blob => "\x55" x 9000 ],
    [ 0x117, long => 9000 ] }
sub strip { my ($jpeg, $compression) = @_; return [ 0x103, short => $compression ],
    [ 0x111, blob => $jpeg ], [ 0x117, long => length $jpeg ] }
sub pointer { return [ 0x201, blob => $_[0] ], [ 0x202, long => length $_[0] ] }
sub camera { return [ 0x10f, ascii => $_[0] ], [ 0x110, ascii => 'Model' ] }
sub rgb {
    my ($w, $h, $level) = @_;
    return [ 0x100, long => $w ], [ 0x101, long => $h ], [ 0x102, short => 8, 8, 8 ],
        [ 0x103, short => 1 ], [ 0x106, short => 2 ], [ 0x115, short => 3 ], [ 0x116, long => $h ],
        [ 0x111, blob => chr($level) x ($w * $h * 3) ], [ 0x117, long => $w * $h * 3 ];
}
sub stamp { return [ 0xfe, long => 1 ], rgb(160, 120, 120) }
sub dates {
    return [ 0x8769, dirs => { entries => [ [ 0x9003, ascii => '2024:05:06 07:08:09' ] ] } ];
}

sub nef {
    my ($picture, %more) = @_;
    return tiff({ entries => [ stamp(), camera('NIKON CORPORATION'), dates(),
        $more{orientation} ? [ 0x112, short => $more{orientation} ] : (),
        [ 0x14a, dirs => { entries => [ [ 0xfe, long => 1 ], @$picture ] },
        { entries => [ sensor() ] } ] ] }, order => $more{order} // 'II');
}
sub nef_like {
    return tiff({ entries => [ stamp(), camera('NIKON CORPORATION'),
        [ 0x14a, dirs => { entries => [ [ 0xfe, long => 0 ], rgb(@_) ] } ] ] });
}
sub samsung {
    my ($clip) = @_;
    my $data = "\0\0\x30\x0a" . pack('V', 16) . "MotionPhoto_Data$clip";
    return $base{jpg} . $data . 'SEFH'
        . pack('VVvvVV', 107, 1, 0, 0x0a30, length $data, length $data)
        . pack('V', 24) . 'SEFT';
}
my $xmp = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    . 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    . 'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" %s/></rdf:RDF></x:xmpmeta>';
sub google { return jpeg_with($base{jpg}, xmp => sprintf $xmp, $_[0]) . $base{clip} }
sub live { return turned(1, note => apple_note($_[0]), @_[ 1 .. $#_ ]) }

my $p3 = icc_profile(2.2, 0.51512, 0.24120, -0.00105, 0.29198, 0.69225, 0.04189, 0.15710, 0.06657,
    0.78407);
my $adobe = icc_profile(2.19921875, 0.60974, 0.31111, 0.01947, 0.20528, 0.62567, 0.06087, 0.14919,
    0.06322, 0.74457);
my @plain = mean_of($png);
my $whole = '640x480';

# What goes through the house is processed while the table is gone through.
my ($ann, $bob, $eve) = map { $mn->user } 1 .. 3;
my %early = map { my ($who, @file) = @$_; ("$who->{email} $file[0]" =>
    $who->upload_bytes(@file[ 0, 2, 1 ])->{id}) }
    [ $ann, 'cut.jpg', 'image/jpeg', part_of($base{jpg}, 0.8) ],
    [ $ann, 'whole.png', 'image/png', $base{png} ],
    [ $ann, 'raw.tif', 'image/tiff', nef([ pointer($base{jpg}) ]) ],
    [ $ann, 'a.jpg', 'image/jpg', $base{turnable} ],
    [ $ann, 'DJI_0001', 'application/octet-stream', $base{flat} ],
    [ $ann, 'motion.jpg', 'image/jpeg', $base{jpg} . $base{clip} ],
    [ $ann, 'still.jpg', 'image/jpeg', jpeg_with($base{jpg}, exif => turned(1)) ],
    [ $eve, 'moving.jpg', 'image/jpeg', $base{jpg} . $base{clip} ],
    [ $eve, 'cut-off.jpg', 'image/jpeg', part_of($base{turnable}, 0.9) ];

# name, file, its bytes => what becomes of it: type, size, incomplete, motion, hdr, near (mean of
# each channel), quarters, taken, live, fails (the code)
my @rows = (
    # cut off
    [ 'a whole JPEG', 'a.jpg', $base{jpg}, { size => $whole, near => \@plain } ],
    [ 'without EOI', 'a.jpg', substr($base{jpg}, 0, -2), { size => $whole, incomplete => 1,
        near => \@plain } ],
    [ 'one byte short', 'a.jpg', substr($base{jpg}, 0, -1), { size => $whole, incomplete => 1 } ],
    [ '90 % of a JPEG', 'a.jpg', part_of($base{jpg}, 0.9), { size => $whole, incomplete => 1 } ],
    [ '65 % of a JPEG', 'a.jpg', part_of($base{jpg}, 0.65), { size => $whole, incomplete => 1 } ],
    [ '65 % of a JPEG that is turned', 'a.jpg',
        part_of(jpeg_with($base{jpg}, exif => turned(6)), 0.65), { size => '480x640',
        incomplete => 1 } ],
    [ '35 % of a JPEG', 'a.jpg', part_of($base{jpg}, 0.35), { fails => 'truncated' } ],
    [ '35 % of one that is turned', 'a.jpg',
        part_of(jpeg_with($base{jpg}, exif => turned(6)), 0.35), { fails => 'truncated' } ],
    [ 'the header of a JPEG', 'a.jpg', substr($base{jpg}, 0, 700), { fails => 'truncated' } ],
    [ 'half of a progressive JPEG', 'a.jpg', part_of($base{progressive}, 0.5), { size => $whole,
        incomplete => 1 } ],
    [ '90 % of a PNG', 'a.png', part_of($base{png}, 0.9), { size => $whole, incomplete => 1 } ],
    [ 'a tenth of a PNG', 'a.png', part_of($base{png}, 0.1), { fails => 'truncated' } ],
    [ '90 % of an interlaced PNG', 'a.png', part_of($base{interlaced}, 0.9), { size => $whole,
        incomplete => 1, near => \@plain } ],
    [ 'a fifth of an interlaced PNG', 'a.png', part_of($base{interlaced}, 0.2),
        { fails => 'truncated' } ],
    [ 'an interlaced PNG that lacks nothing but its end', 'a.png',
        substr($base{interlaced}, 0, -4), { size => $whole, near => \@plain } ],
    [ '80 % of a WebP', 'a.webp', part_of($base{webp}, 0.8), { size => $whole,
        incomplete => 1 } ],
    [ '80 % of a WebP without loss', 'a.webp', part_of($base{lossless}, 0.8), { size => $whole,
        incomplete => 1 } ],
    [ '80 % of a WebP that is transparent', 'a.webp', part_of($base{clear}, 0.8),
        { size => $whole, incomplete => 1 } ],
    [ 'a fifth of a WebP', 'a.webp', part_of($base{webp}, 0.2), { fails => 'truncated' } ],
    [ 'the header of a WebP', 'a.webp', substr($base{webp}, 0, 40), { fails => 'truncated' } ],
    [ 'HEIC in tiles', 'a.heic', $base{tiles}, { size => '256x256',
        quarters => 'red lime blue white' } ],
    [ '... without its last byte', 'a.heic', substr($base{tiles}, 0, -1), { size => '256x256',
        incomplete => 1, quarters => 'red lime blue 000' } ],
    [ '... with two tiles', 'a.heic', substr($base{tiles}, 0, $tile[1]), { size => '256x256',
        incomplete => 1, quarters => 'red lime 000 000' } ],
    [ '... with two tiles, but for a byte', 'a.heic', substr($base{tiles}, 0, $tile[1] - 1),
        { fails => 'truncated' } ],
    [ '... turned, with three tiles', 'a.heic', substr($base{turned_tiles}, 0,
        $turned_tile[3] - 9), { size => '256x256', incomplete => 1,
        quarters => 'lime 000 red blue' } ],
    [ '90 % of HEIC in one piece', 'a.heic', part_of($base{heic}, 0.9),
        { fails => qr/^(?:truncated|unreadable)$/ } ],
    [ 'an animated GIF, cut in its second frame', 'a.gif', part_of($base{gif}, 0.6),
        { size => $whole, incomplete => 1, near => \@plain } ],
    [ 'a GIF, cut in its only frame', 'a.gif', part_of($base{still}, 0.6),
        { fails => 'truncated' } ],
    [ 'a whole GIF', 'a.gif', $base{gif}, { size => $whole, near => \@plain } ],
    [ 'half of a HEIC', 'a.heic', part_of($base{heic}, 0.5), { fails => 'truncated' } ],
    [ 'a TIFF without its directory', 'a.tif', "II*\0" . pack('V', 90_000) . "\x80" x 50_000,
        { fails => 'truncated' } ],

    # raw
    [ 'a NEF with a picture', 'a.nef', nef([ pointer($base{jpg}) ]), { type => 'image/x-nikon-nef',
        size => $whole, near => \@plain, taken => '2024-05-06T07:08:09' } ],
    [ 'a NEF called TIFF', 'a.tif', nef([ pointer($base{jpg}) ], order => 'MM'),
        { type => 'image/x-nikon-nef', size => $whole } ],
    [ 'a NEF that is turned', 'a.nef', nef([ pointer($base{turnable}) ], orientation => 6),
        { size => '400x640', quarters => TURN_6 } ],
    [ 'a NEF whose picture turns itself', 'a.nef',
        nef([ pointer(jpeg_with($base{turnable}, exif => turned(6))) ], orientation => 8),
        { size => '400x640', quarters => TURN_6 } ],
    [ 'a NEF with bare pixels', 'a.nef', nef_like(1600, 1200, 200), { size => '1600x1200',
        near => [ (200) x 3 ] } ],
    [ 'a NEF with a stamp only', 'a.nef', nef([ pointer($base{stamp}) ]),
        { fails => 'raw_without_picture' } ],
    [ 'a NEF with bare pixels of a stamp', 'a.nef', nef_like(320, 240, 200),
        { fails => 'raw_without_picture' } ],
    [ 'a NEF with a picture outside of the file', 'a.nef',
        nef([ [ 0x201, long => 99_999_999 ], [ 0x202, long => 50_000 ] ]),
        { fails => 'raw_without_picture' } ],
    [ 'a CR2', 'a.cr2', tiff({ entries => [ camera('Canon'), strip($base{jpg}, 6), dates() ],
        next => { entries => [ pointer($base{stamp}) ], next => { entries => [ sensor(6) ] } } },
        extra => "CR\2\0" . pack('V', 0)), { type => 'image/x-canon-cr2', size => $whole,
        taken => '2024-05-06T07:08:09' } ],
    [ 'a CR3', 'a.cr3', cr3($base{jpg}), { type => 'image/x-canon-cr3', size => $whole,
        near => \@plain, taken => '2024-05-06T07:08:09' } ],
    [ 'an ARW', 'a.arw', tiff({ entries => [ [ 0xfe, long => 1 ], camera('SONY'), dates(),
        pointer($base{jpg}), [ 0x14a, dirs => { entries => [ sensor(32767) ] } ] ],
        next => { entries => [ pointer($base{stamp}) ] } }), { type => 'image/x-sony-arw',
        size => $whole } ],
    [ 'a DNG', 'a.dng', tiff({ entries => [ stamp(), camera('Google'), dates(),
        [ 0xc612, byte => 1, 4, 0, 0 ], [ 0x14a, dirs => { entries => [ sensor(7) ] },
        { entries => [ [ 0xfe, long => 1 ], strip($base{jpg}, 7) ] } ] ] }),
        { type => 'image/x-adobe-dng', size => $whole, taken => '2024-05-06T07:08:09' } ],
    [ 'a DNG without a picture', 'a.dng', tiff({ entries => [ stamp(), camera('Google'),
        [ 0xc612, byte => 1, 4, 0, 0 ], [ 0x14a, dirs => { entries => [ sensor(7) ] } ] ] }),
        { fails => 'raw_without_picture' } ],
    [ 'a RAF', 'a.raf', raf(jpeg_with($base{turnable}, exif => turned(6))),
        { type => 'image/x-fuji-raf', size => '400x640', quarters => TURN_6,
        taken => '2024-05-06T07:08:09' } ],
    [ 'an ORF', 'a.orf', tiff({ entries => [ camera('OLYMPUS CORPORATION'), dates(), sensor(1),
        [ 0x927c, blob => "OLYMPUS\0II\3\0" . $base{jpg} ] ] }, magic => 'IIRO'),
        { type => 'image/x-olympus-orf', size => $whole, taken => '2024-05-06T07:08:09' } ],
    [ 'an RW2', 'a.rw2', tiff({ entries => [ camera('Panasonic'), dates(),
        [ 0x2e, undef => $base{jpg} ] ] }, magic => "IIU\0"), { type => 'image/x-panasonic-rw2',
        size => $whole, taken => '2024-05-06T07:08:09' } ],
    [ 'a raw photograph of another maker', 'a.pef', tiff({ entries => [ stamp(), camera('PENTAX'),
        [ 0x14a, dirs => { entries => [ sensor(65535) ] } ] ] }),
        { fails => qr/^(?:raw_without_picture|unsupported_type)$/ } ],
    [ 'directories in a circle', 'a.nef', do {
        my $b = nef([ pointer($base{jpg}) ]);
        my $n = unpack 'v', substr $b, 8, 2;
        substr $b, 10 + 12 * $n, 4, pack 'V', 8;
        $b }, { size => $whole } ],

    # high dynamic range
    (map { my $kind = $_; [ "\U$kind\E in AVIF", 'a.avif', $base{"$kind.avif"}, { hdr => 1,
        size => $whole, near => \@plain } ] } qw(pq hlg)),
    (map { my ($kind, $transfer) = @$_; [ "\U$kind\E in HEIC", 'a.heic',
        heic_colours($base{"$kind.heic"}, 9, $transfer, 6), { hdr => 1, size => $whole,
        near => \@plain } ] } [ pq => 16 ], [ hlg => 18 ]),
    (map { my ($kind, $transfer) = @$_; [ "\U$kind\E in PNG", 'a.png',
        png_with($base{"$kind.png"}, 'cICP', pack 'C4', 9, $transfer, 0, 1), { hdr => 1,
        size => $whole, near => \@plain } ] } [ pq => 16 ], [ hlg => 18 ]),
    [ 'HEIC with ordinary colours', 'a.heic', $base{heic}, { size => $whole, near => \@plain } ],

    # wide gamut: 200, 100, 50 in other primaries
    [ 'no profile', 'a.jpg', $base{flat}, { near => [ 200, 100, 50 ], within => 3 } ],
    [ 'Display P3', 'a.jpg', jpeg_with($base{flat}, icc => $p3), { near => [ 217, 93, 24 ],
        within => 6 } ],
    [ 'Adobe RGB', 'a.jpg', jpeg_with($base{flat}, icc => $adobe), { near => [ 230, 100, 42 ],
        within => 8 } ],
    [ 'P3 in an AVIF without a profile', 'a.avif', bytes($make->path('p3.avif')),
        { near => [ 215, 93, 31 ], within => 8 } ],
    [ 'a grey JPEG', 'a.jpg', sub { MediaNest::Media::run('convert', '-size', '400x300',
        'xc:gray(128)', '-colorspace', 'Gray', $_[0]) }, { near => [ (128) x 3 ], within => 2 } ],
    [ 'a CMYK JPEG', 'a.jpg', sub { MediaNest::Media::run('convert', $make->path('quarters.png'),
        '-colorspace', 'CMYK', $_[0]) }, { size => '640x400' } ],
    [ 'pure colours', 'a.png', $base{quarters}, { near => [ (127.5) x 3 ], within => 3 } ],

    # turned
    (map { my ($o, $size, $quarters) = @$_; [ "orientation $o in JPEG", 'a.jpg',
        jpeg_with($base{turnable}, exif => turned($o)), { size => $size,
        quarters => $quarters } ] }
        [ 1 => '640x400', 'red lime blue white' ], [ 2 => '640x400', 'lime red white blue' ],
        [ 3 => '640x400', 'white blue lime red' ], [ 4 => '640x400', 'blue white red lime' ],
        [ 5 => '400x640', 'red blue lime white' ], [ 6 => '400x640', TURN_6 ],
        [ 7 => '400x640', 'white lime blue red' ], [ 8 => '400x640', 'lime white red blue' ]),
    # what HEIF says counts; EXIF's orientation is a copy of it, or what is left of the camera's
    (map { my ($kind, $exif) = @$_;
        [ "a \U$kind\E is turned once, EXIF says $exif", "a.$kind", sub {
        my $jpeg = spew('turned.jpg', jpeg_with($base{turnable}, exif => turned($exif)));
        MediaNest::Media::run('heif-enc', $kind eq 'avif' ? '-A' : (), '-q', 90, $jpeg, '-o',
        $_[0]);
        spew_at($_[0], heic_turned(bytes($_[0]), 3)) }, { size => '400x640', quarters => TURN_6,
        taken => '2024-05-06T07:08:09' } ] } [ heic => 6 ], [ heic => 1 ], [ heic => 8 ],
            [ avif => 6 ]),

    # EXIF elsewhere
    [ 'EXIF in TIFF', 'a.tif', tiff({ entries => [ rgb(640, 480, 90), camera('Scanner'),
        dates() ] }), { type => 'image/tiff', size => $whole, taken => '2024-05-06T07:08:09',
        near => [ (90) x 3 ] } ],
    [ 'EXIF in a big-endian TIFF', 'a.tif', tiff({ entries => [ rgb(640, 480, 90), dates() ] },
        order => 'MM'), { type => 'image/tiff', taken => '2024-05-06T07:08:09' } ],
    [ 'a TIFF that is turned', 'a.tif', tiff({ entries => [ rgb(640, 480, 90),
        [ 0x112, short => 6 ] ] }), { size => '480x640' } ],
    [ 'a TIFF of Nikon without directories below', 'a.tif',
        tiff({ entries => [ rgb(640, 480, 90), camera('NIKON CORPORATION') ] }),
        { type => 'image/tiff', size => $whole } ],
    [ 'EXIF in PNG', 'a.png', png_with($base{png}, 'eXIf', turned(1)), { size => $whole,
        taken => '2024-05-06T07:08:09' } ],
    [ 'damaged EXIF in PNG', 'a.png', png_with($base{png}, 'eXIf', "II*\0\xff\xff\xff\xff"),
        { size => $whole } ],

    # motion photos
    [ 'MotionPhoto', 'a.jpg', google('GCamera:MotionPhoto="1"'), { motion => 1, size => $whole } ],
    [ 'MicroVideo', 'a.jpg', google('GCamera:MicroVideo="1" GCamera:MicroVideoOffset="'
        . length($base{clip}) . '"'), { motion => 1 } ],
    [ 'a clip of which no note tells', 'a.jpg', $base{jpg} . $base{clip}, { motion => 1 } ],
    [ 'a clip and another picture before it', 'a.jpg', $base{jpg} . $base{stamp} . $base{clip},
        { motion => 1 } ],
    [ 'Samsung\'s', 'a.jpg', samsung($base{clip}), { motion => 1 } ],
    [ 'Samsung\'s in HEVC', 'a.jpg', samsung($base{hevc}), { motion => 1 } ],
    [ 'in HEIC', 'a.heic', $base{heic} . box(mpvd => $base{clip}), { motion => 1 } ],
    [ 'a clip that is cut off', 'a.jpg', $base{jpg} . part_of($base{clip}, 0.4), {} ],
    [ 'a clip without pictures', 'a.jpg', $base{jpg} . "\0\0\0\x18ftypisom\0\0\0\0isomiso2"
        . box(moov => 'x' x 50) . box(mdat => 'y' x 50), { failed => 1 } ],
    [ 'bytes that only mention ftyp', 'a.jpg', $base{jpg} . 'ftypftyp' x 20, {} ],

    # live photos
    [ 'a live photo', 'a.jpg', jpeg_with($base{jpg}, exif => live(LIVE)), { live => lc LIVE } ],
    [ 'a live photo of a big-endian camera', 'a.jpg',
        jpeg_with($base{jpg}, exif => live(LIVE, order => 'MM')), { live => lc LIVE } ],
    [ 'an identifier that is none', 'a.jpg',
        jpeg_with($base{jpg}, exif => live("x'; DROP TABLE media")), {} ],

    # large
    [ 'a panorama', 'a.jpg', sub { ff('-f', 'lavfi', '-i', 'color=olive:s=24000x1200', '-frames:v',
        1, '-q:v', 5, $_[0]) }, { size => '24000x1200' } ],
    [ '108 megapixels', 'a.jpg', sub { ff('-f', 'lavfi', '-i', 'color=teal:s=12000x9000',
        '-frames:v', 1, '-q:v', 8, $_[0]) }, { size => '12000x9000' } ],
);

sub same_near {
    my ($got, $want, $within, $name) = @_;
    my @off = grep { abs($got->[$_] - $want->[$_]) > $within } 0 .. 2;
    ok(!@off, $name) or diag sprintf 'got %.0f %.0f %.0f, not %.0f %.0f %.0f', @$got, @$want;
}

sub judge {
    my ($row, $path, $running) = @_;
    my ($name, $file, $bytes, $want) = @$row;
    my $run = MediaNest::Media::end_media($running);
    my $r = $run->{result};
    subtest $name => sub {
        if ($want->{fails}) {
            like $r->{failure}{code}, ref $want->{fails} ? $want->{fails}
                : qr/^$want->{fails}$/, "fails: $want->{fails}";
            return;
        }
        ok $r->{ok}, 'is read' or return diag explain $r;
        is $r->{contentType}, $want->{type}, 'type' if $want->{type};
        is "$r->{width}x$r->{height}", $want->{size}, 'size' if $want->{size};
        is !!$r->{incomplete}, !!$want->{incomplete}, 'incomplete, or not';
        is !!$r->{metadata}{hdr}, !!$want->{hdr}, 'of high dynamic range, or not';
        is $r->{contentId}, $want->{live}, 'identifier of a live photo, or none';
        is $r->{taken}{local}, $want->{taken}, 'taken when' if $want->{taken};
        my $motion = grep { $_->{name} eq 'motion.mp4' } @{ $r->{assets} };
        is $motion, $want->{motion} ? 1 : 0, 'a clip, or none';
        is MediaNest::Media::run('ffprobe', '-v', 'error', '-show_entries',
            'stream=codec_name', '-of', 'csv=p=0', "$run->{out}/motion.mp4"), "h264\naac\n",
            'which every browser plays' if $motion;
        is scalar(grep { $_->{state} eq 'failed' } @{ $run->{steps} }), $want->{failed} // 0,
            'steps that failed';
        ok !-s "$run->{out}/embedded.jpg", 'no picture of a raw file is left behind';
        same_near([ mean_of("$run->{out}/320.webp") ], $want->{near}, $want->{within} // NEAR,
            'colours') if $want->{near};
        is quarters_of("$run->{out}/320.webp"), $want->{quarters}, 'the right way up'
            if $want->{quarters};
    };
    unlink $path;
    return;
}

# One runs while the next file is made.
my @running;
for my $row (@rows) {
    my ($name, $file, $bytes, $want) = @$row;
    my $path = $make->path($serial++ . "-$file");
    ref $bytes ? $bytes->($path) : spew_at($path, $bytes);
    push @running, [ $row, $path, MediaNest::Media::begin_media($program, $path,
        $want->{size} && $want->{size} =~ /000x9/ ? (arguments => [ '--max-pixels', 200_000_000 ])
            : ()) ];
    judge(@{ shift @running }) if @running > AT_ONCE;
}
judge(@{ shift @running }) while @running;

sub spew_at {
    my ($path, $bytes) = @_;
    open my $out, '>:raw', $path or die "$path: $!";
    print $out $bytes;
    close $out or die "$path: $!";
    return;
}

# --- through the house
sub ready {
    my ($name, $type, $bytes) = @_;
    my $id = delete $early{"$ann->{email} $name"}
        // $ann->upload_bytes($name, $bytes, $type)->{id};
    my $item = $ann->wait_media($id);
    is $item->{status}, 'ready', "$name is ready" or diag explain $item->{failure};
    return $item;
}
sub item { return $ann->api(GET => "/api/media/$_[0]")->{json} }
sub listed {
    my ($who, $query) = @_;
    return map { $_->{id} } @{ $who->api(GET => "/api/media$query")->{json}{items} };
}
sub fetched {
    my ($who, $path) = @_;
    my $r = $who->api(GET => $path);
    return $r->{status} unless $r->{status} == 302;
    return $mn->request(GET => $r->{headers}{location})->{content};
}

subtest 'a picture that is cut off' => sub {
    my $cut = part_of($base{jpg}, 0.8);
    my $item = ready('cut.jpg');
    ok $item->{incomplete}, 'says so';
    ok $item->{thumbnails}{320}, 'is shown';
    ok fetched($ann, "/api/media/$item->{id}/file?download=true") eq $cut,
        'the original is what was sent';
    ok !exists ready('whole.png')->{incomplete}, 'a whole one does not';
};

subtest 'what the file is decides' => sub {
    is ready('raw.tif')->{contentType}, 'image/x-nikon-nef', 'a NEF called TIFF';
    is ready('a.jpg')->{contentType}, 'image/jpeg', 'an alias';
    is ready('DJI_0001')->{contentType}, 'image/jpeg', 'no ending and no type';
    my $up = $ann->upload_bytes('stamp.nef', nef([ pointer($base{stamp}) ]), '');
    my $item = $ann->wait_media($up->{id});
    is $item->{failure}{code}, 'raw_without_picture', 'a raw photograph without a picture';
    like $item->{failure}{message}, qr/Nikon NEF/, 'is called by its name';
};

subtest 'a motion photo' => sub {
    my $item = ready('motion.jpg');
    ok $item->{motion}, 'says so';
    is substr(fetched($ann, "/api/media/$item->{id}/motion"), 4, 4), 'ftyp', 'its clip';
    is fetched($bob, "/api/media/$item->{id}/motion"), 404, 'which nobody else has';
    my $still = ready('still.jpg');
    ok !exists $still->{motion}, 'another photo does not';
    is fetched($ann, "/api/media/$still->{id}/motion"), 404, 'and has none';
};

# A live photo is one thing in the trash, and when it is gone for good.
sub purged {
    my ($photo, $video, $order) = @_;
    my $album = $ann->api(POST => '/api/media/collections', { title => 'Live',
        items => [ $photo, $video ] })->{json};
    is $album->{count}, 1, "$order: one in an album";
    my $others = listed($ann, '?status=trashed&limit=100');
    $ann->api(POST => "/api/media/$photo/trash", {});
    is listed($ann, '?status=trashed&limit=100') - $others, 1, '... one in the trash';
    if ($order =~ /^photo/) {
        is $mn->admin->api(DELETE => "/api/media/$photo?purge=true")->{status}, 204, '... purged';
    } else { # by its age; the video first, were it not a part
        $mn->psql("UPDATE media SET trashed_at = now() - interval '10 years' - CASE id WHEN"
            . " '$video' THEN interval '1 hour' ELSE '0' END WHERE id IN ('$photo', '$video')");
        $mn->psql("UPDATE jobs SET run_at = now() WHERE unique_key = 'every:upkeep.trash';"
            . " NOTIFY mn_jobs, 'upkeep'");
        wait_until { !$mn->psql("SELECT 1 FROM media WHERE id = '$photo'") } 60, 'the purge';
    }
    is $mn->psql("SELECT count(*) FROM media WHERE id IN ('$photo', '$video')"), 0,
        '... both are gone';
    wait_until { !$mn->psql("SELECT count(*) FROM objects WHERE key LIKE '%$photo%' OR key LIKE"
        . " '%$video%'") } 60, 'objects';
    return pass '... and their objects';
}

subtest 'live photos' => sub {
    for my $order ('photo first', 'video first') {
        my $id = sprintf '%08X-4E5F-6071-8293-A4B5C6D7E8F9', $serial++;
        ff('-i', $make->path('clip.mp4'), '-c', 'copy', '-metadata',
            "com.apple.quicktime.content.identifier=$id", '-movflags', 'use_metadata_tags', '-f',
            'mov', $make->path("$id.mov"));
        my %part = (photo => [ 'IMG_1.jpg', 'image/jpeg',
            jpeg_with($base{jpg}, exif => live($id)) ],
            video => [ 'IMG_1.mov', 'video/quicktime', bytes($make->path("$id.mov")) ]);
        my %item = map { $_ => ready(@{ $part{$_} }) } $order =~ /^photo/ ? qw(photo video)
            : qw(video photo);
        my ($photo, $video) = ($item{photo}{id}, $item{video}{id});
        ok item($photo)->{motion}, "$order: the photo moves";
        is substr(fetched($ann, "/api/media/$photo/motion"), 4, 4), 'ftyp', '... by a clip';
        is item($video)->{parentId}, $photo, '... the video is a part of it';
        my %listed = map { $_ => 1 } listed($ann, '?limit=100');
        ok $listed{$photo} && !$listed{$video}, '... one item in the list';
        ok((grep { $_->{motion} } @{ $ann->api(GET => '/api/media?limit=100')->{json}{items} }) > 0,
            '... which says that it moves');
        $ann->api(POST => "/api/media/$photo/trash", {});
        is item($video)->{status}, 'trashed', '... into the trash together';
        $ann->api(POST => "/api/media/$photo/restore", {});
        is item($video)->{status}, 'ready', '... and back';
        ok item($photo)->{motion}, '... still moving';
        purged($photo, $video, $order);
    }
    my ($one) = map { ready(@$_) } [ 'alone.jpg', 'image/jpeg',
        jpeg_with($base{turnable}, exif => live('FFFF0000-1111-2222-3333-444455556666')) ];
    ok !exists $one->{motion}, 'one without its video is a photo';
    my $up = $bob->upload_bytes('other.jpg', jpeg_with($base{jpg},
        exif => live('00000000-4E5F-6071-8293-A4B5C6D7E8F9')), 'image/jpeg');
    ok !exists $bob->wait_media($up->{id})->{motion}, 'nobody gets another person\'s video';
};

# --- on the page
$ann = $eve;
my %shown = (moving => ready('moving.jpg')->{id}, cut => ready('cut-off.jpg')->{id});

sub point_at {
    my ($b, $css) = @_;
    my $at = $b->js(<<'JS', $css);
        const r = document.querySelector(arguments[0]).getBoundingClientRect();
        return [r.x + r.width / 2, r.y + r.height / 2];
JS
    return $b->cdp('Input.dispatchMouseEvent', { type => 'mouseMoved', x => $at->[0],
        y => $at->[1] });
}
sub plays {
    my ($b, $where, $css) = @_;
    $b->wait_for("$where: the clip", sub { $b->js(<<'JS', $css) });
        const video = document.querySelector(arguments[0]);
        return Boolean(video && !video.paused && video.currentTime > 0);
JS
    return pass "$where: the clip plays";
}
sub gone {
    my ($b, $where) = @_;
    $b->wait_for("$where: no clip", sub { !$b->count('.motion-clip') });
    return pass "$where: it is gone";
}

subtest 'motion and incomplete photos on the page' => sub {
    my $missing = MediaNest::Browser::missing();
    plan skip_all => $missing if $missing && !$ENV{CI};
    my $dir = tempdir('mn-page-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    my $b = MediaNest::Browser->start(dir => "$dir/browser",
        artefacts => artefacts("$FindBin::Bin/.."));
    my ($moving, $cut) = map { ".tile:has(a[href*='$shown{$_}'])" } qw(moving cut);
    my $art = "$moving .art";

    $b->resize(1280, 900);
    sign_in($b, $eve);
    $b->find("$moving img.loaded");
    like $b->js('return document.querySelector(arguments[0]).getAttribute("aria-label")',
        "$moving a"), qr/with motion$/, 'a reader of the screen hears that it moves';
    like $b->text($cut), qr/Incomplete/, 'the other one says that it is incomplete';
    point_at($b, $moving);
    plays($b, 'a tile under the pointer', "$art .motion-clip");
    $b->screenshot(artefacts("$FindBin::Bin/..") . '/motion-grid.png');
    point_at($b, '.brand');
    gone($b, 'the pointer is away');

    $b->click("$moving a");
    $b->find('.motion-button');
    ok inside($b, '.motion-button', '.frame'), 'the button is within the picture';
    $b->js('document.querySelector(".motion-button").focus()');
    $b->press('Enter');
    plays($b, 'by the keyboard', '.frame .motion-clip');
    is $b->js('return document.querySelector(".motion-button").getAttribute("aria-pressed")'),
        'true', 'the button says so';
    ok $b->js(<<'JS'), 'and is above the clip';
        const r = document.querySelector('.motion-button').getBoundingClientRect();
        return Boolean(document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2)
            .closest('.motion-button'));
JS
    $b->screenshot(artefacts("$FindBin::Bin/..") . '/motion-large.png');
    gone($b, 'at its end');
    my $middle = $b->js('const r = document.querySelector(".frame").getBoundingClientRect();'
        . 'return [r.x + r.width / 2, r.y + r.height / 2]');
    my %mouse = (x => $middle->[0], y => $middle->[1], button => 'left', clickCount => 1);
    $b->cdp('Input.dispatchMouseEvent', { type => 'mousePressed', %mouse });
    plays($b, 'while it is pressed', '.frame .motion-clip');
    $b->cdp('Input.dispatchMouseEvent', { type => 'mouseReleased', %mouse });
    gone($b, 'let go');

    for my $width (390, 1280) {
        $b->resize($width, 844);
        ok inside($b, '.motion-button', '.lightbox'), "$width pixels: the button is there";
        my $size = $b->js('const r = document.querySelector(".motion-button")'
            . '.getBoundingClientRect(); return Math.min(r.width, r.height)');
        cmp_ok $size, '>=', 44, "$width pixels: and large enough";
    }
    $b->stop;
};

done_testing;
