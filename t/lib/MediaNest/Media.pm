package MediaNest::Media;
# Media files for tests, good and bad, made on the spot; and medianest-media run by hand.
#
#   my $make = MediaNest::Media->new;                 # a scratch directory that ends with the test
#   my $file = $make->picture('a.jpg', size => '4000x3000', gps => 1, orientation => 6,
#       offset => '+02:00');
#   my $file = $make->video('a.mp4', seconds => 20);  my $file = $make->song('a.flac', cover => 1);
#   my $file = $make->hostile('bomb.png');            # see %HOSTILE
#   my $answer = MediaNest::Media::run_media($file);  # {result, steps, status, out, stderr}
use strict;
use warnings;
use Carp qw(croak);
use Compress::Zlib ();
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use JSON::PP;

my $JSON = JSON::PP->new->utf8;

sub new {
	my ($class) = @_;
	my $dir = tempdir('mn-media-XXXXXX', TMPDIR => 1, CLEANUP => 1);
	chmod 0755, $dir;
	return bless { dir => $dir }, $class;
}

sub path { return "$_[0]{dir}/$_[1]" }

sub run {
	my (@command) = @_;
	my $pid = open(my $from, '-|') // croak "fork: $!";
	if ($pid == 0) {
		open STDIN, '<', '/dev/null';
		open STDERR, '>&', \*STDOUT;
		exec { $command[0] } @command or POSIX::_exit(127);
	}
	my $said = do { local $/; <$from> };
	close $from or croak "@command: $said";
	return $said;
}

sub ffmpeg { return run('ffmpeg', '-nostdin', '-v', 'error', '-y', @_) }

sub slurp {
	my ($path) = @_;
	open my $in, '<:raw', $path or croak "$path: $!";
	local $/;
	return scalar <$in>;
}

sub spew {
	my ($self, $name, $bytes) = @_;
	my $path = $self->path($name);
	open my $out, '>:raw', $path or croak "$path: $!";
	print $out $bytes;
	close $out or croak "$path: $!";
	return $path;
}

# --- pictures -------------------------------------------------------------------------------------

# A little-endian EXIF block: camera, orientation, time, place (48.8577 N, 2.295 E).
sub exif_block {
	my (%want) = @_;
	my (@main, @photo, @gps, $data, $base);
	my $text = sub { my ($tag, $s) = @_; return [ $tag, 2, length($s) + 1, "$s\0" ] };
	my $ratio = sub { my ($tag, @r) = @_; return [ $tag, 5, @r / 2, pack('V*', @r) ] };
	my $short = sub { my ($tag, $v) = @_; return [ $tag, 3, 1, pack('v', $v) ] };
	push @main, $text->(0x010f, 'Testcam'), $text->(0x0110, 'Model 7');
	push @main, $short->(0x0112, $want{orientation}) if $want{orientation};
	push @photo, $ratio->(0x829a, 1, 250), $ratio->(0x829d, 28, 10), $short->(0x8827, 400),
	    $text->(0x9003, '2023:05:06 12:34:56');
	push @photo, $text->(0x9011, $want{offset}) if $want{offset};
	push @photo, $ratio->(0x920a, 42, 10), $text->(0xa434, 'Testlens 28mm');
	push @gps, $text->(1, 'N'), $ratio->(2, 48, 1, 51, 1, 2772, 100), $text->(3, 'E'),
	    $ratio->(4, 2, 1, 17, 1, 4200, 100)
	    if $want{gps};
	my $directory = sub {
		my ($at, $pointers, @entries) = @_;
		my $n = @entries + @$pointers;
		my $extra_at = $at + 2 + 12 * $n + 4;
		my ($head, $extra) = (pack('v', $n), '');
		for my $e (sort { $a->[0] <=> $b->[0] } @entries, @$pointers) {
			my $value = $e->[3];
			if (length $value > 4) {
				my $where = $extra_at + length $extra;
				$extra .= $value . (length($value) & 1 ? "\0" : '');
				$value = pack 'V', $where;
			}
			$head .= pack('vvV', @$e[0 .. 2]) . $value . "\0" x (4 - length $value);
		}
		return $head . pack('V', 0) . $extra;
	};
	my $size = length $directory->(8,
	    [ [ 0x8769, 4, 1, pack 'V', 0 ], $want{gps} ? [ 0x8825, 4, 1, pack 'V', 0 ] : () ],
	    @main);
	my $photo = $directory->(8 + $size, [], @photo);
	my $gps_at = 8 + $size + length $photo;
	my $gps = $want{gps} ? $directory->($gps_at, [], @gps) : '';
	return "II*\0" . pack('V', 8)
	    . $directory->(8,
		[ [ 0x8769, 4, 1, pack 'V', 8 + $size ],
		    $want{gps} ? [ 0x8825, 4, 1, pack 'V', $gps_at ] : () ],
		@main)
	    . $photo . $gps;
}

# An XMP packet that tells the place as well: it must not come through either.
use constant XMP => '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    . '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    . '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    . '<rdf:Description xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:GPSLatitude="48,51.462N" '
    . 'exif:GPSLongitude="2,17.7E"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>';

sub with_exif {
	my ($jpeg, %want) = @_;
	my $segment = sub { return "\xff\xe1" . pack('n', 2 + length $_[0]) . $_[0] };
	return "\xff\xd8" . $segment->("Exif\0\0" . exif_block(%want))
	    . $segment->("http://ns.adobe.com/xap/1.0/\0" . XMP) . substr($jpeg, 2);
}

# By the name's ending: jpg png webp gif heic avif tif; animated => frames.
sub picture {
	my ($self, $name, %want) = @_;
	my $path = $self->path($name);
	my $size = $want{size} || '900x600';
	my ($kind) = $name =~ /\.(\w+)$/;
	if ($want{animated}) {
		ffmpeg('-f', 'lavfi', '-i', "testsrc2=s=$size:r=5:d=1",
		    $kind eq 'webp' ? ('-c:v', 'libwebp_anim', '-loop', '0') : (), $path);
	} elsif ($kind =~ /^(?:heic|avif)$/) {
		my $png = $self->picture("$name.png", %want);
		run('heif-enc', $kind eq 'avif' ? '-A' : (), $png, '-o', $path);
	} else {
		ffmpeg('-f', 'lavfi', '-i', "$_", '-frames:v', 1, $kind eq 'jpg'
		    ? ('-pix_fmt', 'yuvj420p', '-q:v', 3) : ('-pix_fmt', $want{pix_fmt} || 'rgb24'),
			$kind eq 'webp' ? ('-c:v', 'libwebp') : (), $path)
			    for $want{source} || "testsrc2=s=$size";
	}
	if ($kind eq 'jpg' && (grep { $want{$_} } qw(gps orientation offset exif))) {
		$self->spew($name, with_exif(slurp($path), %want));
	}
	return $path;
}

# --- videos and songs -----------------------------------------------------------------------------

my %CODECS = (
	mp4 => [ qw(-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac) ],
	mov => [ qw(-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac) ],
	mkv => [ qw(-c:v libx265 -preset ultrafast -x265-params log-level=none -pix_fmt yuv420p -c:a
	    libopus) ],
	webm => [ qw(-c:v libvpx -deadline realtime -cpu-used 8 -b:v 500k -c:a libvorbis) ],
	avi => [ qw(-c:v mpeg4 -c:a libmp3lame) ],
	mpg => [ qw(-c:v mpeg2video -c:a mp2) ], ogv => [ qw(-c:v libtheora -c:a libvorbis) ],
	ts => [ qw(-c:v mpeg2video -c:a mp2) ],
);

sub video {
	my ($self, $name, %want) = @_;
	my ($kind) = $name =~ /\.(\w+)$/;
	my $seconds = $want{seconds} || 3;
	my $path = $self->path($name);
	my @meta = $want{gps}
	    ? ('-metadata', 'location=+48.8577+002.2950/', '-metadata',
		'creation_time=2023-05-06T10:34:56Z') : ();
	ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=' . ($want{size} || '640x360') . ":r="
	    . ($want{rate} || 25) . ":d=$seconds",
		$want{silent} ? () : ('-f', 'lavfi', '-i', "sine=440:d=$seconds"), '-g',
		    $want{gop} || 25, @{ $CODECS{$kind} }, @meta, $path);
	if ($want{rotate}) {
		my $turned = $self->path("turned-$name");
		# Clockwise. From FFmpeg 6 on that is an option, which turns the other way.
		my ($major) = run('ffmpeg', '-version') =~ /^ffmpeg version n?(\d+)/;
		my @input = $major < 6 ? ('-i', $path, '-metadata:s:v:0', "rotate=$want{rotate}")
			: ('-display_rotation', -$want{rotate}, '-i', $path);
		ffmpeg(@input, '-c', 'copy', $turned);
		return $turned;
	}
	return $path;
}

my %SOUND = (mp3 => [ qw(-c:a libmp3lame -id3v2_version 3) ], flac => [ qw(-c:a flac) ],
    ogg => [ qw(-c:a libvorbis) ], opus => [ qw(-c:a libopus) ],
	m4a => [ qw(-c:a aac) ], wav => [ qw(-c:a pcm_s16le) ]);

sub song {
	my ($self, $name, %want) = @_;
	my ($kind) = $name =~ /\.(\w+)$/;
	my @tags = map { ('-metadata', $_) } 'title=A Song', 'artist=The Testers',
	    'album=First Run', 'track=3/12', 'date=1999', 'genre=Jazz';
	my @cover = $want{cover}
	    ? ('-i', $self->picture("cover-$name.jpg", size => '500x500'), '-map', 0, '-map', 1,
		'-c:v', 'copy', '-disposition:v:0', 'attached_pic') : ();
	ffmpeg('-f', 'lavfi', '-i', 'sine=440:d=' . ($want{seconds} || 2), @cover,
	    @{ $SOUND{$kind} }, @tags, $self->path($name));
	return $self->path($name);
}

# --- files that mean harm -------------------------------------------------------------------------

sub png_chunk {
	my ($type, $data) = @_;
	return pack('N', length $data) . $type . $data
	    . pack('N', Compress::Zlib::crc32($type . $data));
}

# 60 000 x 60 000 pixels of one bit in some hundred kilobytes: inflates to 450 MB.
sub pixel_bomb {
	my ($side) = @_;
	my ($deflate) = Compress::Zlib::deflateInit(-Level => 9);
	my $row = "\0" x (1 + $side / 8);
	my $data = '';
	$data .= $deflate->deflate($row) for 1 .. $side;
	$data .= $deflate->flush;
	return "\x89PNG\r\n\x1a\n" . png_chunk('IHDR', pack('NNCCCCC', $side, $side, 1, 0, 0, 0, 0))
	    . png_chunk('IDAT', $data) . png_chunk('IEND', '');
}

my %HOSTILE = (
	'empty.jpg' => sub { '' },
	'zeros.jpg' => sub { "\0" x 100_000 },
	'svg.jpg' => sub { '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" '
	    . 'xmlns:xlink="http://www.w3.org/1999/xlink" width="100" height="100"><image '
	    . 'xlink:href="file:///etc/passwd"/></svg>' },
	'html.png' => sub { '<!DOCTYPE html><html><script>alert(1)</script></html>' },
	'playlist.mp4' => sub {
		return "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n"
		    . "#EXTINF:10,\nconcat:/etc/passwd|/etc/hostname\n#EXT-X-ENDLIST\n";
	},
	'concat.mp4' => sub { "ffconcat version 1.0\nfile /etc/passwd\n" },
	'bomb.png' => sub { pixel_bomb(60_000) },
	'truncated.jpg' => sub {
		my $b = slurp($_[0]->picture('whole.jpg', size => '2000x1500'));
		substr $b, 0, length($b) / 6;
	},
	'truncated.png' => sub {
		my $b = slurp($_[0]->picture('whole.png'));
		substr $b, 0, length($b) / 3;
	},
	'truncated.heic' => sub {
		my $b = slurp($_[0]->picture('whole.heic'));
		substr $b, 0, length($b) / 3;
	},
	'truncated.mp4' => sub {
		my $b = slurp($_[0]->video('whole.mp4'));
		substr $b, 0, length($b) / 2;
	},
	'noise.jpg' => sub { "\xff\xd8\xff\xe0" . join('', map { chr int rand 256 } 1 .. 50_000) },
	'noise.mp4' => sub { "\0\0\0\x18ftypisom\0\0\2\0isomiso2"
	    . join('', map { chr int rand 256 } 1 .. 50_000) },
	'noise.mp3' => sub { 'ID3' . join('', map { chr int rand 256 } 1 .. 50_000) },
	'polyglot.gif' => sub { "GIF89a/*" . "\0" x 20 . "*/=1;alert(document.domain);//" },
	'polyglot.jpg' => sub { slurp($_[0]->picture('plain.jpg')) . "PK\x03\x04" . "\0" x 30
	    . 'evil.sh' },
	'dref.mov' => sub { "\0\0\0\x14ftypqt  \0\0\2\0qt  " . pack('N', 8 + 40) . 'moov'
	    . pack('N', 40) . 'trak' . "url file:///etc/passwd\0" . "\0" x 9 },
	'document.jpg' => sub {
	    "%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n" },
);
sub hostile_names { return sort keys %HOSTILE }
sub hostile {
	my ($self, $name) = @_;
	return $self->spew($name, $HOSTILE{$name}->($self));
}

# --- medianest-media ------------------------------------------------------------------------------

# The one that was built: beside the programs of the stack that runs, or of this build.
sub program {
	my ($stack) = @_;
	return $ENV{MEDIANEST_MEDIA} if $ENV{MEDIANEST_MEDIA};
	my $exe = readlink '/proc/' . $stack->pid('worker') . '/exe'
	    or croak 'where is the worker?';
	my $prefix = dirname(dirname($exe));
	for my $path ("$prefix/libexec/medianest/medianest-media",
	    dirname($exe) . '/medianest-media') {
		return $path if -x $path;
	}
	croak "no medianest-media near $exe";
}

sub run_media { return end_media(begin_media(@_)) }

# The same in two steps: files are made and results are looked at while it runs.
sub begin_media {
	my ($program, $file, %option) = @_;
	my $out = tempdir('mn-out-XXXXXX', TMPDIR => 1, CLEANUP => 1);
	my @command = (@{ $option{wrap} || [] }, $program, '--out', $out,
	    @{ $option{arguments} || [] }, $file);
	local $ENV{ASAN_OPTIONS} = 'detect_leaks=0'; # of libraries, at their exit
	open my $from, '-|', @command or croak "$program: $!";
	return { from => $from, out => $out };
}

sub end_media {
	my ($run) = @_;
	my $from = $run->{from};
	my @lines = map { $JSON->decode($_) } <$from>;
	close $from;
	my $status = $?;
	my $last = pop @lines;
	return { result => $last && $last->{result}, steps => \@lines, status => $status,
	    out => $run->{out} };
}

1;
