#!/usr/bin/perl
# Odd videos and songs as people have them, and what each becomes: a row is a name, a file made on
# the spot, and what medianest-media has to say of it.
use strict;
use warnings;
use lib 't/lib';
use utf8;
use Test::More;
use Encode qw(encode);
use File::Basename qw(basename);
use List::Util qw(max min);
use MediaNest::Browser;
use MediaNest::Media;
use MediaNest::Page;
use MediaNest::Tags;
use MediaNest::Test;

binmode $_, ':encoding(UTF-8)' for Test::More->builder->output,
    Test::More->builder->failure_output;
once_is_enough();

my $mn = MediaNest::Test->stack;
my $program = MediaNest::Media::program($mn);
my $make = MediaNest::Media->new;
my $PATTERN = 'testsrc2=s=160x120:r=10:d=2';
my @X264 = qw(-c:v libx264 -preset ultrafast -pix_fmt yuv420p);

# A file by ffmpeg: its arguments between the pattern and the name.
sub clip {
	my (@arguments) = @_;
	return sub {
		my ($path) = @_;
		MediaNest::Media::ffmpeg('-f', 'lavfi', '-i', $PATTERN, @arguments, $path);
	};
}

# The same through a pipe: nothing is written into the header afterwards.
sub piped {
	my ($format, @arguments) = @_;
	return sub {
		my ($path) = @_;
		open my $out, '>:raw', $path or die "$path: $!";
		open my $from, '-|:raw', 'ffmpeg', '-nostdin', '-v', 'error', '-f', 'lavfi', '-i',
		    $PATTERN, @arguments, '-f', $format, 'pipe:1' or die "ffmpeg: $!";
		local $/ = \65536;
		print $out $_ while <$from>;
		close $from and close $out or die "$path: $!";
	};
}

# Mean of each channel of a picture.
sub means {
	my ($path) = @_;
	my $bytes = MediaNest::Media::run('ffmpeg', '-v', 'error', '-i', $path, '-vf', 'scale=1:1',
	    '-sws_flags', 'area', '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1');
	return unpack 'C3', $bytes;
}

# What is asked of every row: key => value or pattern; `a.b` is a member, `tiles` the least number.
sub look {
	my ($result, $key) = @_;
	return scalar @{ $result->{spriteTimes} } if $key eq 'tiles';
	return join ' ', map { $_->{name} } @{ $result->{assets} } if $key eq 'assets';
	my $value = $result;
	$value = ref $value eq 'HASH' ? $value->{$_} : undef for split /\./, $key;
	return scalar @$value if ref $value eq 'ARRAY' && ref $value->[0];
	return join '|', @$value if ref $value eq 'ARRAY';
	return ref $value && "$value" =~ /^[01]$/ ? ($value ? 'true' : 'false') : $value;
}

sub holds {
	my ($got, $want) = @_;
	return !defined $got if !defined $want;
	return 0 if !defined $got;
	return $got =~ $want if ref $want eq 'Regexp';
	return $got >= $want->[0] && $got <= $want->[1] if ref $want eq 'ARRAY';
	return $got == $want if $want =~ /^-?[\d.]+$/ && $got =~ /^-?[\d.]+$/;
	return $got eq $want;
}

# One runs while the next file is made.
use constant AT_ONCE => 2;

sub judge {
	my ($r, $name, %want) = @_;
	my @wrong;
	for my $key (sort keys %want) {
		my $got = look($r->{result}, $key);
		my $want = $want{$key};
		next if holds($got, $want);
		$want = "$want->[0] to $want->[1]" if ref $want eq 'ARRAY';
		$want //= 'nothing';
		push @wrong, "$key is " . ($got // 'nothing') . ", not $want";
	}
	push @wrong, map { "$_->{step} failed: $_->{message}" }
	    grep { $_->{state} eq 'failed' } @{ $r->{steps} };
	return ok(!@wrong, $name) || diag(join "\n", @wrong);
}

sub rows {
	my ($extra, @rows) = @_;
	my (%ran, @running);
	my $end = sub {
		my ($run, $name, %want) = @{ shift @running };
		judge($ran{$name} = MediaNest::Media::end_media($run), $name, %want);
	};
	for (@rows) {
		my ($name, $maker, %want) = @$_;
		my $path = $make->path($name);
		$maker->($path);
		%want = (%$extra, %want) if !exists $want{'failure.code'};
		push @running, [ MediaNest::Media::begin_media($program, $path), $name, %want ];
		$end->() if @running > AT_ONCE;
	}
	$end->() while @running;
	return \%ran;
}

# --- videos
my $hdr = 'format=yuv444p,setparams=range=tv:color_primaries=bt709:color_trc=bt709:'
    . 'colorspace=bt709,zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt2020:t=%s:m=bt2020nc:'
    . 'r=tv:npl=203,format=yuv420p10le';
my @X265 = (qw(-c:v libx265 -preset ultrafast -tag:v hvc1 -x265-params));
my $bars = 'smptehdbars=s=160x120:r=5:d=1';
sub bars {
	my (@arguments) = @_;
	return sub { MediaNest::Media::ffmpeg('-f', 'lavfi', '-i', $bars, @arguments, $_[0]) };
}
sub x265 {
	return (@X265,
	    "log-level=none:pools=1:colorprim=bt2020:colormatrix=bt2020nc:transfer=$_[0]");
}

# Two videos in one file; the second is smaller, and the disposition says which counts.
# The same as Dolby Vision of profile 5: its record (dvcC) after hvcC, in all boxes around that.
sub dolby {
	my ($path) = @_;
	bars('-vf', sprintf($hdr, 'smpte2084'), x265('smpte2084'))->($path);
	my $bytes = MediaNest::Media::slurp($path);
	my $record = pack('N a4 C C n x20', 32, 'dvcC', 1, 0, 5 << 9 | 3 << 3 | 5);
	my $at = index $bytes, 'hvcC';
	my $end = $at - 4 + unpack('N', substr $bytes, $at - 4, 4);
	for my $around (qw(moov trak mdia minf stbl stsd hvc1)) {
		my $box = rindex($bytes, $around, $at) - 4;
		substr $bytes, $box, 4, pack 'N', 32 + unpack 'N', substr $bytes, $box, 4;
	}
	substr $bytes, $end, 0, $record;
	MediaNest::Media::spew($make, basename($path), $bytes);
	return;
}
sub two_videos {
	my ($which) = @_;
	return sub {
		MediaNest::Media::ffmpeg('-f', 'lavfi', '-i', $PATTERN, '-f', 'lavfi', '-i',
		    'testsrc=s=96x64:r=10:d=2', '-map', 0, '-map', 1, @X264, '-disposition:v:0',
		    $which == 0 ? 'default' : 0, '-disposition:v:1', $which == 1 ? 'default' : 0,
		    $_[0]);
	};
}

# Blue above, red below, turned clockwise by the display matrix of the track (ISO/IEC 14496-12
# section 8.3.2): a b u, c d v, x y w.
my %MATRIX = (90 => [ 0, 1, -1, 0 ], 180 => [ -1, 0, 0, -1 ], 270 => [ 0, -1, 1, 0 ]);
sub turned {
	my ($degrees) = @_;
	return sub {
		my ($path) = @_;
		MediaNest::Media::ffmpeg('-f', 'lavfi', '-i',
		    'color=red:s=160x96:r=5:d=1,drawbox=0:0:160:48:blue:fill', @X264, $path);
		my $bytes = MediaNest::Media::slurp($path);
		my ($a, $b, $c, $d) = map { $_ << 16 } @{ $MATRIX{$degrees} };
		substr $bytes, index($bytes, 'tkhd') + 44, 36,
		    pack 'l>9', $a, $b, 0, $c, $d, 0, 0, 0, 1 << 30;
		open my $out, '>:raw', $path or die "$path: $!";
		print $out $bytes;
		close $out or die "$path: $!";
	};
}

# The side of a picture where it is blue: of four by four fields, the outer ones.
my %FIELDS = (left => [ 0, 4, 8, 12 ], right => [ 3, 7, 11, 15 ], top => [ 0 .. 3 ],
    bottom => [ 12 .. 15 ]);
sub blue_side {
	my ($path, $crop) = @_;
	my @rgb = unpack 'C48', MediaNest::Media::run('ffmpeg', '-v', 'error', '-i', $path, '-vf',
	    "${crop}scale=4:4:flags=area", '-frames:v', 1, '-f', 'rawvideo', '-pix_fmt', 'rgb24',
	    'pipe:1');
	my $mean = sub {
		my ($side, $channel) = @_;
		my $sum = 0;
		$sum += $rgb[ $_ * 3 + $channel ] for @{ $FIELDS{$side} };
		return $sum / 4;
	};
	return join ' ', grep { $mean->($_, 2) > 180 && $mean->($_, 0) < 120 } sort keys %FIELDS;
}

my $ran = rows({ ok => 'true', kind => 'video', width => 160, height => 120,
    durationMs => [ 1900, 2100 ], tiles => [ 4, 12 ],
    assets => 'poster.webp 320.webp sprite.webp preview.mp4' },
	[ 'no-duration.webm', piped('webm', qw(-c:v libvpx -deadline realtime -b:v 200k)),
	    contentType => 'video/webm' ],
	[ 'no-duration.mkv', piped('matroska', @X264), contentType => 'video/x-matroska' ],
	[ 'fragments.mp4', piped('mp4', @X264, '-movflags', 'empty_moov+frag_keyframe'),
	    contentType => 'video/mp4' ],
	[ 'one-keyframe.mp4', clip(@X264, '-g', 1000), tiles => [ 8, 12 ] ],
	[ 'variable-rate.mkv', clip('-vf', q{select='not(mod(n,3))+lt(n,8)'}, '-fps_mode', 'vfr',
	    @X264), durationMs => [ 1700, 2100 ] ],
	[ 'first-is-default.mkv', two_videos(0) ],
	[ 'second-is-default.mkv', two_videos(1), width => 96, height => 64 ],
	[ 'camcorder.mts', clip(@X264, '-f', 'mpegts'), contentType => 'video/mp2t' ],
	[ 'blu-ray.m2ts', clip(@X264, '-f', 'mpegts', '-mpegts_m2ts_mode', 1),
	    contentType => 'video/mp2t', extension => 'm2ts' ],
	[ 'dvd.vob', clip(qw(-r 25 -c:v mpeg2video -f vob)), contentType => 'video/mpeg' ],
	[ 'phone.3gp', clip('-vf', 'scale=176:144,setsar=1', qw(-c:v h263 -f 3gp)),
	    contentType => 'video/3gpp', width => 176, height => 144 ],
	[ 'phone.3g2', clip(@X264, qw(-f 3g2)), contentType => 'video/3gpp2' ],
	[ 'old.wmv', clip(qw(-c:v wmv2 -f asf)), contentType => 'video/x-ms-wmv' ],
	[ 'hevc.mkv', clip(@X265, 'log-level=none:pools=1', '-pix_fmt', 'yuv420p'),
	    'metadata.videoCodec' => 'hevc' ],
	[ 'ten-bits.mp4', clip(@X265, 'log-level=none:pools=1', '-pix_fmt', 'yuv420p10le'),
	    'metadata.hdr' => undef ],
	[ 'av1.mp4', clip(qw(-c:v libsvtav1 -preset 12)), 'metadata.videoCodec' => 'av1' ],
	[ 'prores.mov', clip(qw(-c:v prores_ks -profile:v 0)), contentType => 'video/quicktime',
	    'metadata.videoCodec' => 'prores' ],
	[ 'wide-pixels.mp4', clip('-vf', 'setsar=2/1', @X264), width => 320,
	    assets => 'poster.webp 320.webp sprite.webp preview.mp4' ],
	(map { [ "turned-$_.mov", turned($_), durationMs => [ 900, 1100 ], tiles => [ 1, 12 ],
	    width => $_ % 180 ? 96 : 160, height => $_ % 180 ? 160 : 96,
	    'metadata.rotation' => $_ ] } 90, 180, 270),
	(map { [ "hdr-$_->[0].mp4", bars('-vf', sprintf($hdr, $_->[1]), x265($_->[1])),
	    durationMs => [ 900, 1100 ], 'metadata.hdr' => 'true' ] }
	    [ pq => 'smpte2084' ], [ hlg => 'arib-std-b67' ]),
	[ 'dolby.mp4', \&dolby, durationMs => [ 900, 1100 ], 'metadata.coloursUnknown' => 'true',
	    'metadata.codecs' => 'dvh1.05.03' ],
	[ 'sdr.mp4', bars(@X264), durationMs => [ 900, 1100 ],
	    'metadata.coloursUnknown' => undef ],
);
# The largest difference between the channels of eight parts.
sub colourful {
	my ($path, $of) = @_;
	my @bytes = unpack 'C*', MediaNest::Media::run('ffmpeg', '-v', 'error', '-i', $path, '-vf',
	    "${of}scale=8:1", '-sws_flags', 'area', '-f', 'rawvideo', '-pix_fmt', 'rgb24',
	    'pipe:1');
	return max(map { my @p = @bytes[ 3 * $_ .. 3 * $_ + 2 ]; max(@p) - min(@p) } 0 .. 7);
}
for ([ 'poster.webp', '' ], [ 'preview.mp4', '' ],
    [ 'sprite.webp', 'crop=iw/4:ih/2:0:0,' ]) {
	my ($name, $of) = @$_;
	cmp_ok(colourful("$ran->{'sdr.mp4'}{out}/$name", $of), '>', 50, "colours in $name");
	cmp_ok(colourful("$ran->{'dolby.mp4'}{out}/$name", $of), '<', 8,
	    '... and none where they are not known');
}
for my $kind (qw(poster sprite)) {
	my @sdr = means($ran->{'sdr.mp4'}{out} . "/$kind.webp");
	for my $hdr (qw(pq hlg)) {
		my @means = means($ran->{"hdr-$hdr.mp4"}{out} . "/$kind.webp");
		ok(@means == 3 && !(grep { abs($means[$_] - $sdr[$_]) > 10 } 0 .. 2),
		    "the $kind of $hdr is as bright as that of its twin: @means, @sdr");
	}
}
for ([ 90, 'right' ], [ 180, 'bottom' ], [ 270, 'left' ]) {
	my ($degrees, $side) = @$_;
	my $r = $ran->{"turned-$degrees.mov"};
	my $tile = $r->{result}{metadata}{sprite};
	is(blue_side("$r->{out}/poster.webp", ''), $side, "turned by $degrees once: the poster");
	is(blue_side("$r->{out}/sprite.webp", "crop=$tile->{tileWidth}:$tile->{tileHeight}:0:0,"),
	    $side, '... the tiles');
	is(blue_side("$r->{out}/preview.mp4", ''), $side, '... the preview');
}

# A video whose poster can be read, and no picture for the time line: that shows.
{
	my $bin = $make->path('bin');
	my ($real) = grep { -x } map { "$_/ffmpeg" } split /:/, $ENV{PATH};
	mkdir $bin;
	$make->spew('bin/ffmpeg', qq{#!/bin/sh\ncase "\$*" in *tile-*) exit 0 ;; esac\n}
	    . qq{exec $real "\$@"\n});
	chmod 0755, "$bin/ffmpeg";
	local $ENV{PATH} = "$bin:$ENV{PATH}";
	my $r = MediaNest::Media::run_media($program, $make->path('sdr.mp4'));
	ok($r->{result}{ok}, 'a video without tiles is shown');
	is(join(' ', map { $_->{name} } @{ $r->{result}{assets} }), 'poster.webp 320.webp',
	    '... by its poster');
	is_deeply([ map { "$_->{step} $_->{message}" } grep { $_->{state} eq 'failed' }
	    @{ $r->{steps} } ], [ 'preview No pictures for the time line could be read.' ],
	    '... and the failure is told');
}

# --- songs
my %bare;
for ([ mp3 => qw(-c:a libmp3lame -b:a 64k -write_xing 0 -id3v2_version 0) ],
    [ flac => qw(-c:a flac) ], [ aac => qw(-c:a aac) ], [ opus => qw(-c:a libopus) ],
    [ m4a => qw(-c:a aac) ], [ wav => qw(-c:a pcm_s16le -bitexact) ]) {
	my ($kind, @codec) = @$_;
	my $path = $make->path("bare.$kind");
	MediaNest::Media::ffmpeg('-f', 'lavfi', '-i', 'sine=440:d=1', @codec, $path);
	$bare{$kind} = MediaNest::Media::slurp($path);
}
my %side = (front => 64, back => 32);
my %jpeg = map { $_ => MediaNest::Media::slurp($make->picture("$_.jpg",
    size => "$side{$_}x$side{$_}")) } keys %side;

sub bytes {
	my (@parts) = @_;
	return sub { $make->spew($_[0] =~ m{([^/]+)$}, join '', @parts) };
}
sub utf8 { return encode('UTF-8', $_[0]) }
sub old { my ($charset, $text) = @_; return "\0" . encode($charset, $text) }
sub id3 { return MediaNest::Tags::id3(@_) }
sub old_song {
	my ($charset, $title, $artist) = @_;
	return bytes(id3(3, [ TIT2 => old($charset, $title) ], [ TPE1 => old($charset, $artist) ]),
	    $bare{mp3});
}
my $wide = sub { "\x01\xff\xfe" . encode('UTF-16LE', $_[0]) };
my $info = sub {
	return 'INFO' . join '', map { pack('a4 V', $_->[0], length $_->[1]) . $_->[1]
	    . (length($_->[1]) & 1 ? "\0" : '') } @_;
};
my $chapters = utf8(";FFMETADATA1\ntitle=The Book\n" . join '', map { "[CHAPTER]\nTIMEBASE=1/1000\n"
    . 'START=' . $_ * 400 . "\nEND=" . ($_ * 400 + 400) . "\ntitle=Kapitel " . ($_ + 1) . "\n" }
    0 .. 2);
sub book {
	my (@arguments) = @_;
	return sub {
		my ($path) = @_;
		my $list = $make->spew('chapters.txt', $chapters);
		MediaNest::Media::ffmpeg('-f', 'lavfi', '-i', 'sine=440:d=1.2', '-i', $list, '-i',
		    $make->path('front.jpg'), '-map_metadata', 1, '-map_chapters', 1, '-map', 0,
		    @arguments, $path);
	};
}
my @three = ('metadata.chapters' => 3, title => 'The Book', durationMs => [ 1100, 1400 ]);

my $songs = rows({ ok => 'true', kind => 'audio', durationMs => [ 900, 1200 ] },
	[ 'several.mp3', bytes(id3(4, [ TIT2 => "\x03Duet" ], [ TPE1 => "\x03Simon\0Garfunkel" ],
	    [ TCON => "\x03Folk\0Rock" ]), $bare{mp3}), title => 'Duet',
	    'metadata.artists' => 'Simon|Garfunkel', 'metadata.artist' => 'Simon, Garfunkel',
	    'metadata.genres' => 'Folk|Rock', 'metadata.genre' => 'Folk, Rock' ],
	[ 'slash.mp3', bytes(id3(3, [ TPE1 => "\0AC/DC" ], [ TCON => "\0R&B/Soul" ]), $bare{mp3}),
	    'metadata.artists' => 'AC/DC', 'metadata.genres' => 'R&B/Soul' ],
	[ 'ended-by-nul.mp3', bytes(id3(3, [ TPE1 => "\0One\0Two" ]), $bare{mp3}),
	    'metadata.artists' => 'One' ],
	[ 'twice.mp3', bytes(id3(4, [ TPE1 => "\x03One\0one\0Two\0" ]), $bare{mp3}),
	    'metadata.artists' => 'One|Two' ],
	[ 'oldest.mp3', bytes(id3(2, [ TT2 => "\0Old" ], [ TP1 => "\0Band" ], [ TRK => "\x003/9" ],
	    [ TPA => "\x001/2" ], [ TYE => "\x001971" ]), $bare{mp3}), title => 'Old',
	    'metadata.artist' => 'Band', 'metadata.track' => 3, 'metadata.trackTotal' => 9,
	    'metadata.disc' => 1, 'metadata.discTotal' => 2, 'metadata.year' => 1971 ],
	[ 'wide.mp3', bytes(id3(4, [ TPE1 => $wide->("宇多田\0ヒカル") ]), $bare{mp3}),
	    'metadata.artists' => '宇多田|ヒカル' ],
	[ 'wide-big.mp3', bytes(id3(4, [ TIT2 => "\x02" . encode('UTF-16BE', '🎵 Song') ]),
	    $bare{mp3}), title => '🎵 Song' ],
	[ 'unsynchronised.mp3', bytes(id3(3, [ TIT2 => $wide->('Āÿ') ], [ TALB => "\0After" ],
	    { unsync => 1 }), $bare{mp3}), title => 'Āÿ', 'metadata.album' => 'After' ],
	[ 'unsynchronised-frame.mp3', bytes(id3(4,
	    [ TIT2 => MediaNest::Tags::unsync($wide->('Āÿ')), 2 ], [ TALB => "\x03After" ]),
	    $bare{mp3}), title => 'Āÿ',
	    'metadata.album' => 'After' ],
	[ 'plain-sizes.mp3', bytes(id3(4, [ USLT => "\x03eng\0" . 'la ' x 100, 0, pack 'N', 305 ],
	    [ TIT2 => "\x03Behind" ]), $bare{mp3}), title => 'Behind',
	    'metadata.lyrics' => qr/^la la/ ],
	[ 'extended-header.mp3', bytes(id3(3, [ TIT2 => "\0Further" ],
	    { extended => pack 'N n N', 6, 0, 0 }), $bare{mp3}), title => 'Further' ],
	[ 'genre-numbers.mp3', bytes(id3(3, [ TCON => "\0(17)(4)Refined" ]), $bare{mp3}),
	    'metadata.genres' => 'Rock|Disco|Refined' ],
	[ 'genre-number.mp3', bytes(id3(4, [ TCON => "\x0317\0" . '4' ]), $bare{mp3}),
	    'metadata.genres' => 'Rock|Disco' ],
	[ 'gbk.mp3', old_song('GBK', '隐形的翅膀', '张韶涵'), title => '隐形的翅膀',
	    'metadata.artist' => '张韶涵' ],
	[ 'cp1251.mp3', old_song('cp1251', 'Группа крови', 'Кино'), title => 'Группа крови',
	    'metadata.artist' => 'Кино' ],
	[ 'shift-jis.mp3', old_song('cp932', '夜に駆ける', 'YOASOBI'), title => '夜に駆ける' ],
	[ 'greek.mp3', old_song('cp1253', 'Ζορμπάς', 'Μίκης Θεοδωράκης'), title => 'Ζορμπάς',
	    'metadata.artist' => 'Μίκης Θεοδωράκης' ],
	[ 'latin.mp3', old_song('latin1', 'Jóga', 'Björk'), title => 'Jóga',
	    'metadata.artist' => 'Björk' ],
	[ 'utf8-unsaid.mp3', old_song('UTF-8', 'Жар', 'Björk'), title => 'Жар',
	    'metadata.artist' => 'Björk' ],
	[ 'behind.mp3', bytes($bare{mp3}, MediaNest::Tags::id3v1(map({ encode('cp1251', $_) }
	    'Кукушка', 'Кино', 'Чёрный альбом'), 1990, 7, 8)), title => 'Кукушка',
	    'metadata.album' => 'Чёрный альбом', 'metadata.track' => 7,
	    'metadata.genres' => 'Jazz', 'metadata.year' => 1990 ],
	[ 'both-ends.mp3', bytes(id3(4, [ TIT2 => "\x03The Whole of a Very Long Title Indeed" ]),
	    $bare{mp3}, MediaNest::Tags::id3v1('The Whole of a Very Long Title', 'Band', '', '', 0,
	    255)), title => 'The Whole of a Very Long Title Indeed',
	    'metadata.artist' => 'Band' ],
	[ 'named-texts.mp3', bytes(id3(4, [ TPE1 => "\x03A feat. B" ],
	    [ TXXX => "\x03ARTISTS\0A\0B" ], [ TPE2 => "\x03Various" ],
	    [ TXXX => "\x03replaygain_track_gain\0-6.54 dB" ],
	    [ TXXX => "\x03REPLAYGAIN_TRACK_PEAK\x000.987654" ]), $bare{mp3}),
	    'metadata.artist' => 'A feat. B', 'metadata.artists' => 'A|B',
	    'metadata.albumArtist' => 'Various', 'metadata.replayGain.trackGain' => -6.54,
	    'metadata.replayGain.trackPeak' => 0.987654 ],
	[ 'lyrics.mp3', bytes(id3(3, [ USLT => "\0eng\0First line\r\nSecond line" ]), $bare{mp3}),
	    'metadata.lyrics' => "First line\nSecond line" ],
	[ 'long-lyrics.mp3', bytes(id3(4, [ USLT => "\x03eng\0" . 'long ' x 10_000 ]), $bare{mp3}),
	    'metadata.lyrics' => qr/^(?:long ){3000,3300}/ ],
	[ 'covers.mp3', bytes(id3(3, [ APIC => MediaNest::Tags::picture(4, 'back', $jpeg{back}) ],
	    [ APIC => MediaNest::Tags::picture(3, 'front', $jpeg{front}) ]), $bare{mp3}),
	    assets => 'cover.webp 320.webp' ],
	[ 'zeros-first.mp3', bytes("\0" x 5000, $bare{mp3}), contentType => 'audio/mpeg' ],
	[ 'rest-first.mp3', bytes('x' x 3000, $bare{mp3}), contentType => 'audio/mpeg' ],
	[ 'tag-zeros.mp3', bytes(id3(4, [ TIT2 => "\x03Padded" ]), "\0" x 4000, $bare{mp3}),
	    contentType => 'audio/mpeg', title => 'Padded' ],
	[ 'tag.aac', bytes(id3(4, [ TIT2 => "\x03Prefixed" ]), $bare{aac}),
	    contentType => 'audio/aac', title => 'Prefixed' ],
	[ 'bare.aac', bytes($bare{aac}), contentType => 'audio/aac' ],
	[ 'tag.flac', bytes(id3(4, [ TIT2 => "\x03Prefixed" ]), $bare{flac}),
	    contentType => 'audio/flac', title => 'Prefixed' ],
	[ 'tag-and-comments.flac', bytes(id3(4, [ TIT2 => "\x03Worse" ], [ TALB => "\x03Album" ]),
	    MediaNest::Tags::flac($bare{flac}, [ TITLE => 'Better' ])),
	    contentType => 'audio/flac', title => 'Better', 'metadata.album' => 'Album' ],
	[ 'repeated.flac', bytes(MediaNest::Tags::flac($bare{flac}, [ ARTIST => 'Simon; Paul' ],
	    [ artist => 'Garfunkel' ], [ GENRE => 'Folk' ], [ GENRE => 'Rock' ],
	    [ TRACKNUMBER => 3 ], [ TRACKTOTAL => 12 ], [ DISCNUMBER => '1/2' ],
	    [ ALBUMARTIST => 'Both' ], [ LYRICS => utf8("Eins\nZwei") ],
	    [ REPLAYGAIN_ALBUM_GAIN => '+1.5 dB' ])),
	    'metadata.artists' => 'Simon; Paul|Garfunkel', 'metadata.genres' => 'Folk|Rock',
	    'metadata.track' => 3, 'metadata.trackTotal' => 12, 'metadata.disc' => 1,
	    'metadata.discTotal' => 2, 'metadata.albumArtist' => 'Both',
	    'metadata.lyrics' => "Eins\nZwei", 'metadata.replayGain.albumGain' => 1.5 ],
	[ 'covers.flac', bytes(MediaNest::Tags::flac($bare{flac}, [ TITLE => 'Covers' ],
	    MediaNest::Tags::flac_picture(4, $jpeg{back}),
	    MediaNest::Tags::flac_picture(3, $jpeg{front}))), assets => 'cover.webp 320.webp' ],
	[ 'repeated.opus', bytes(MediaNest::Tags::opus($bare{opus}, [ TITLE => 'Opus' ],
	    [ ARTIST => 'One' ], [ ARTIST => 'Two' ], [ COMMENT => 'c' x 2000 ],
	    [ R128_TRACK_GAIN => -1280 ])), title => 'Opus', 'metadata.artists' => 'One|Two',
	    'metadata.replayGain.trackGain' => 0 ],
	[ 'repeated.m4a', bytes(MediaNest::Tags::mp4($bare{m4a},
	    MediaNest::Tags::item("\xa9nam", 1, 'Song'),
	    MediaNest::Tags::item("\xa9ART", 1, 'One', 'Two'),
	    MediaNest::Tags::item('aART', 1, 'Both'),
	    MediaNest::Tags::item('trkn', 0, pack 'n4', 0, 3, 12, 0),
	    MediaNest::Tags::item('disk', 0, pack 'n3', 0, 1, 2),
	    MediaNest::Tags::item('gnre', 0, pack 'n', 18),
	    MediaNest::Tags::item("\xa9lyr", 1, "La\rLa"),
	    MediaNest::Tags::free_item('replaygain_track_gain', '-3.00 dB'))),
	    title => 'Song', 'metadata.artists' => 'One|Two', 'metadata.albumArtist' => 'Both',
	    'metadata.track' => 3, 'metadata.trackTotal' => 12, 'metadata.disc' => 1,
	    'metadata.discTotal' => 2, 'metadata.genres' => 'Rock', 'metadata.lyrics' => "La\nLa",
	    'metadata.replayGain.trackGain' => -3 ],
	[ 'book.m4b', book(qw(-c:a aac -brand), 'M4B ', qw(-f mp4)), contentType => 'audio/mp4',
	    extension => 'm4b', @three ],
	[ 'book-with-pictures.m4b', book(qw(-map 2 -c:a aac -c:v mjpeg -brand), 'M4B ', qw(-f mp4)),
	    contentType => 'audio/mp4', assets => 'cover.webp 320.webp', @three ],
	[ 'book.mp3', book(qw(-c:a libmp3lame)), contentType => 'audio/mpeg', @three ],
	[ 'big.wav', sub { MediaNest::Media::ffmpeg('-f', 'lavfi', '-i', 'sine=440:d=1', '-rf64',
	    'always', '-metadata', 'title=Endless', $_[0]) }, contentType => 'audio/wav',
	    title => 'Endless' ],
	[ 'info.wav', bytes(MediaNest::Tags::wav($bare{wav}, 'LIST', $info->(
	    [ INAM => encode('cp1251', 'Звезда') ], [ IART => encode('cp1251', 'Кино') ]))),
	    title => 'Звезда', 'metadata.artist' => 'Кино' ],
	[ 'tag.wav', bytes(MediaNest::Tags::wav($bare{wav}, 'id3 ', id3(4,
	    [ TPE1 => "\x03One\0Two" ]))), 'metadata.artists' => 'One|Two' ],
	[ 'old.wma', sub { MediaNest::Media::ffmpeg('-f', 'lavfi', '-i', 'sine=440:d=1',
	    qw(-metadata title=Window -c:a wmav2 -f asf), $_[0]) },
	    contentType => 'audio/x-ms-wma', title => 'Window' ],
	[ 'picture-only.mka', sub { MediaNest::Media::ffmpeg('-f', 'lavfi', '-i', 'sine=440:d=1',
	    '-attach', $make->path('front.jpg'), '-metadata:s:t', 'mimetype=image/jpeg', $_[0]) },
	    contentType => 'audio/x-matroska', assets => 'cover.webp 320.webp' ],
	# What does not hold together is left out.
	[ 'frame-too-long.mp3', bytes(id3(4, [ TIT2 => "\x03Good" ],
	    [ TALB => "\x03Bad", 0, "\x7f\x7f\x7f\x7f" ]), $bare{mp3}), title => 'Good',
	    'metadata.album' => undef ],
	[ 'too-many-comments.flac', bytes(MediaNest::Tags::flac($bare{flac}, [ TITLE => 'Counted' ])
	    =~ s/test\x01\0\0\0/test\xff\xff\xff\xff/r), title => 'Counted' ],
	[ 'box-too-long.m4a', bytes(MediaNest::Tags::mp4($bare{m4a},
	    MediaNest::Tags::item("\xa9nam", 1, 'First'),
	    pack('N', 0x7fffffff) . 'aART' . 'x' x 20)), title => 'First',
	    'metadata.albumArtist' => undef ],
	[ 'zip-with-song.mp3', bytes("PK\x03\x04\x0a", "\0" x 21, pack('vv', 5, 0), 'a.mp3',
	    $bare{mp3}), 'failure.code' => 'unsupported_type' ],
);
for my $name ('covers.mp3', 'covers.flac') {
	is(MediaNest::Media::run('ffprobe', '-v', 'error', '-show_entries', 'stream=width', '-of',
	    'csv=p=0', $songs->{$name}{out} . '/cover.webp'), "64\n",
	    "$name: the front cover is the one");
}
is_deeply($songs->{'book.m4b'}{result}{metadata}{chapters}[1],
    { title => 'Kapitel 2', startMs => 400, endMs => 800 }, 'a chapter');

# --- through the house: what is announced is accepted, and each artist is found
my $ann = $mn->user;
for ([ 'camcorder.mts', 'video/mp2t' ], [ 'phone.3gp', 'video/3gpp' ], [ 'phone.3g2', '' ],
    [ 'no-duration.mkv', 'video/matroska' ], [ 'old.wmv', 'video/x-ms-wmv' ],
    [ 'book.m4b', 'audio/x-m4b' ], [ 'old.wma', 'application/octet-stream' ]) {
	my ($name, $type) = @$_;
	my $r = $ann->api(POST => '/api/media/upload/initiate', { filename => $name,
	    type => $type, size => 1000 });
	is($r->{status}, 201, "$name is accepted as '$type'") or diag(explain($r->{json}));
}
my $duet = $ann->upload_file($make->path('several.mp3'), 'audio/mpeg');
my $book = $ann->upload_file($make->path('book-with-pictures.m4b'), 'audio/mp4');
is($ann->wait_media($duet->{id})->{status}, 'ready', 'the song is ready');
is($ann->wait_media($book->{id})->{status}, 'ready', 'the book is ready');
for my $name (qw(Garfunkel Simon)) {
	my $found = $ann->api(GET => "/api/search?q=$name")->{json}{items};
	is_deeply([ map { $_->{id} } @$found ], [ $duet->{id} ], "$name is found");
}
like($ann->api(GET => "/api/media/$book->{id}/file")->{headers}{location},
    qr{response-content-type=audio%2Fmp4}, 'a book is played, not saved');
is_deeply($ann->api(GET => "/api/media/$duet->{id}")->{json}{genres}, [ 'Folk', 'Rock' ],
    'each genre is one of the item');

# --- the signed URL: ranges as players ask for them, and HEAD
{
	my $bytes = MediaNest::Media::slurp($make->path('several.mp3'));
	my $size = length $bytes;
	my $url = sub { $ann->api($_[0] => "/api/media/$duet->{id}/file") };
	my $get = $url->('GET');
	my $location = $get->{headers}{location};
	my $ask = sub {
		my ($method, $where, %headers) = @_;
		return $ann->request($method => $where, undef, \%headers);
	};
	my $whole = $ask->(GET => $location);
	is($whole->{status}, 200, 'the file by its signed URL');
	is($whole->{headers}{'content-type'}, 'audio/mpeg', '... as what it is');
	is($whole->{headers}{'accept-ranges'}, 'bytes', '... which takes ranges');
	my $etag = $whole->{headers}{etag};
	for ([ 'bytes=0-1', 0, 1 ], [ 'bytes=0-', 0, $size - 1 ],
	    [ 'bytes=100-199', 100, 199 ], [ 'bytes=-50', $size - 50, $size - 1 ],
	    [ 'bytes=10-999999999', 10, $size - 1 ]) {
		my ($range, $first, $last) = @$_;
		my $part = $ask->(GET => $location, Range => $range);
		is_deeply([ $part->{status}, $part->{headers}{'content-range'},
		    $part->{content} eq substr($bytes, $first, $last - $first + 1) ],
		    [ 206, "bytes $first-$last/$size", 1 ], $range);
	}
	is($ask->(GET => $location, Range => 'bytes=0-1', 'If-Range' => $etag)->{status}, 206,
	    'If-Range of this file');
	is($ask->(GET => $location, Range => 'bytes=0-1', 'If-Range' =>
	    $whole->{headers}{'last-modified'})->{status}, 206, '... by its date');
	is(length $ask->(GET => $location, Range => 'bytes=0-1', 'If-Range' => '"x"')->{content},
	    $size, '... of another one: everything');
	is($ask->(GET => $location, Range => "bytes=$size-")->{status}, 416, 'beyond the end');
	my $head = $url->('HEAD');
	is($head->{status}, 302, 'HEAD is answered');
	is($head->{headers}{'cache-control'}, 'no-store', '... for this once');
	my $looked = $ask->(HEAD => $head->{headers}{location});
	is_deeply([ $looked->{status}, $looked->{headers}{'content-length'},
	    $looked->{headers}{'content-type'} ], [ 200, $size, 'audio/mpeg' ],
	    '... with a URL that HEAD may go to');
	is($ask->(HEAD => $location)->{status}, 403, 'the URL for GET is no URL for HEAD');
	is($ask->(GET => $head->{headers}{location})->{status}, 403, '... nor the other way');
}

# --- on the page: facts, chapters to jump to
SKIP: {
	my $missing = MediaNest::Browser::missing();
	BAIL_OUT($missing) if $missing && $ENV{CI};
	skip $missing, 1 if $missing;
	my $artefacts = artefacts('.');
	my $b = MediaNest::Browser->start(dir => $make->path('browser'), artefacts => $artefacts);
	my $axe = axe();
	sign_in($b, $ann);
	for ([ 1280, 900, 0 ], [ 390, 844, 1 ]) {
		my ($width, $height, $dark) = @$_;
		$b->resize($width, $height);
		$b->prefer_dark($dark);
		$b->js('location.hash = arguments[0]', '#/library');
		$b->find('.tile-link');
		$b->js('location.hash = arguments[0]', "#/library?item=$book->{id}");
		$b->find('.player.audio');
		$b->press('i') if !$b->seen('.details');
		$b->wait_for('the chapters', sub { $b->count('.chapters button') == 3 });
		is($b->text('.chapters li:nth-child(2) button span'), 'Kapitel 2',
		    "$width: chapters have their names");
		is($b->count('.player-chapters button'), 2,
		    '... and the player steps through them');
		$b->js(q{document.querySelector('.chapters li:nth-child(3) button').focus()});
		$b->press('Enter');
		$b->wait_for('the third chapter', sub {
			$b->js(q{return document.querySelector('audio').currentTime >= 0.8}) });
		pass('... Enter plays from there');
		accessible($b, "a book at $width", $axe);
		fits($b, "a book at $width");
		$b->js(q{document.querySelector('.chapters').scrollIntoView()});
		$b->screenshot("$artefacts/av-book-$width.png");
		$b->js('location.hash = arguments[0]', "#/library?item=$duet->{id}");
		$b->wait_for('the song', sub { ($b->text('.lightbox-title') // '') eq 'Duet' });
		$b->wait_for('its artists', sub { ($b->text('.facts') // '') =~
		    /Simon, Garfunkel/ });
		is($b->count('.chapters'), 0, '... a song has no chapters');
	}
	$b->stop;
}
done_testing();
