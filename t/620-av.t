#!/usr/bin/perl
# Odd videos and songs as people have them, and what each becomes: a row is a name, a file made on
# the spot, and what medianest-media has to say of it.
use strict;
use warnings;
use lib 't/lib';
use utf8;
use Test::More;
use MediaNest::Media;
use MediaNest::Test;

binmode $_, ':encoding(UTF-8)' for Test::More->builder->output,
    Test::More->builder->failure_output;
plan skip_all => 'once is enough: the run without sanitizers does it' if $ENV{ASAN_OPTIONS};

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
	return join '|', @$value if ref $value eq 'ARRAY';
	return ref $value && "$value" =~ /^[01]$/ ? ($value ? 'true' : 'false') : $value;
}

sub holds {
	my ($got, $want) = @_;
	return !defined $got if !defined $want;
	return 0 if !defined $got;
	return $got =~ $want if ref $want eq 'Regexp';
	return $got >= $want->[0] && $got <= $want->[1] if ref $want eq 'ARRAY';
	return $got eq $want;
}

sub rows {
	my ($extra, @rows) = @_;
	my %ran;
	for (@rows) {
		my ($name, $maker, %want) = @$_;
		my $path = $make->path($name);
		$maker->($path);
		my $r = $ran{$name} = MediaNest::Media::run_media($program, $path);
		my $result = $r->{result};
		my @wrong;
		%want = (%$extra, %want) if !exists $want{'failure.code'};
		for my $key (sort keys %want) {
			my $got = look($result, $key);
			my $want = $want{$key};
			next if holds($got, $want);
			$want = ref $want eq 'ARRAY' ? "$want->[0] to $want->[1]" : $want // 'nothing';
			push @wrong, "$key is " . ($got // 'nothing') . ", not $want";
		}
		push @wrong, map { "$_->{step} failed: $_->{message}" }
		    grep { $_->{state} eq 'failed' } @{ $r->{steps} };
		ok(!@wrong, $name) or diag(join "\n", @wrong);
	}
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

# The side of a picture where it is blue.
sub blue_side {
	my ($path, $crop) = @_;
	my %blue;
	for ([ left => 'iw/4:ih:0:0' ], [ right => 'iw/4:ih:iw*3/4:0' ], [ top => 'iw:ih/4:0:0' ],
	    [ bottom => 'iw:ih/4:0:ih*3/4' ]) {
		my ($side, $where) = @$_;
		my ($r, $g, $b) = unpack 'C3', MediaNest::Media::run('ffmpeg', '-v', 'error', '-i',
		    $path, '-vf', "${crop}crop=$where,scale=1:1:flags=area", '-frames:v', 1, '-f',
		    'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1');
		$blue{$side} = 1 if $b > 180 && $r < 120;
	}
	return join ' ', sort keys %blue;
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
	[ 'sdr.mp4', bars(@X264), durationMs => [ 900, 1100 ] ],
);
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
done_testing();
