#!/usr/bin/perl
# From upload to thumbnail and search, the same against the embedded object store and against a
# foreign S3 server (Swift).
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use File::Temp qw(tempdir);
use Test::More;

use MediaNest::Swift;
use MediaNest::Test;

my $dir = tempdir('mn-pipeline-XXXXXX', TMPDIR => 1, CLEANUP => 1);

sub ffmpeg {
	my ($name, @arguments) = @_;
	local $ENV{ASAN_OPTIONS};
	my $said = MediaNest::Test::run_output('ffmpeg', '-nostdin', '-v', 'error', '-y',
	    @arguments, "$dir/$name");
	die "ffmpeg: $said" if $? != 0;
	return "$dir/$name";
}

my $photo = ffmpeg('harbour.jpg', qw(-f lavfi -i testsrc2=s=800x600 -frames:v 1));
my $video = ffmpeg('harbour.mp4',
    qw(-f lavfi -i testsrc2=s=320x240:d=3 -f lavfi -i sine=d=3 -pix_fmt yuv420p -c:v libx264 -c:a
        aac -shortest));
# 70 MB: goes up in parts
my $song = ffmpeg('harbour.wav', qw(-f lavfi -i sine=d=400:r=44100 -ac 2));

# What a link of the API leads to, past the redirect.
sub follow {
	my ($client, $path) = @_;
	my $answer = $client->api(GET => $path);
	return $answer if $answer->{status} != 302;
	return $client->request(GET => $answer->{headers}{location});
}

# In parts, by two clients: the second one joins when the first has sent two parts, and sends the
# rest. Nobody names the parts at the end.
sub upload_by_two {
	my ($user, $path, $type, %more) = @_;
	my $bytes = slurp($path);
	my %file = (filename => 'two.wav', type => $type, size => length $bytes,
	    sha256 => sha256_hex($bytes), %more);
	my $initiate = sub { $user->api(POST => '/api/media/upload/initiate', \%file)->{json} };
	my $put = sub {
		my ($upload, @numbers) = @_;
		my ($size, %urls) = ($upload->{multipart}{partSize}, map { ($_->{number} =>
		    $_->{url}) } $user->part_urls($upload));
		is($user->request(PUT => $urls{$_}, substr $bytes, ($_ - 1) * $size, $size)
		    ->{status}, 200, "part $_") for @numbers;
	};
	my $first = $initiate->();
	$put->($first, 1, 2);
	my $second = $initiate->();
	is($second->{uploadId}, $first->{uploadId}, 'two at once are one upload');
	my $there = $user->api(GET => "/api/media/upload/$first->{uploadId}")->{json}{parts};
	is_deeply([ map { $_->{number} } @$there ], [1, 2], 'what has arrived is told');
	$put->($second, 3 .. $second->{multipart}{partCount});
	my $done = $user->api(POST => '/api/media/upload/complete',
	    { uploadId => $first->{uploadId} });
	is($done->{status}, 202, 'complete without a list of parts') or diag $done->{content};
	is($initiate->()->{duplicateOf}, $first->{mediaId}, 'the same bytes again are there');
	return $done->{json};
}

sub pipeline {
	my ($mn) = @_;
	my $user = $mn->user;
	my $word = sprintf 'harbour%d%d', $$, time % 100000;
	my %file = (image => [$photo, 'image/jpeg'], video => [$video, 'video/mp4'],
	    audio => [$song, 'audio/wav']);
	for my $kind (qw(image video audio)) {
		my @upload = (@{ $file{$kind} }, title => "$word $kind");
		my $media = $kind eq 'audio' ? upload_by_two($user, @upload) :
		    $user->upload_file(@upload);
		ok($media->{id} // $media->{mediaId}, "$kind: uploaded");
		$media = $user->wait_media($media->{id} // $media->{mediaId}, 120);
		is($media->{status}, 'ready', "$kind: ready") or diag explain $media->{failure};
		is($media->{kind}, $kind, "$kind: is one");
		is(follow($user, "/api/media/$media->{id}/file")->{content}, slurp($file{$kind}[0]),
		    "$kind: the file comes back");
		next if $kind eq 'audio';
		my $thumbnail = follow($user, "/api/media/$media->{id}/thumbnail/320");
		is_deeply([$thumbnail->{status}, $thumbnail->{headers}{'content-type'},
		    substr $thumbnail->{content}, 8, 4],
		    [200, 'image/webp', 'WEBP'], "$kind: thumbnail");
	}
	my $found = wait_until(sub {
		my $answer = $user->api(GET => "/api/search?q=$word");
		return $answer->{status} == 200 && @{ $answer->{json}{items} } == 3 && $answer;
	}, 30, 'three hits');
	is(scalar(grep { $_->{title} =~ /^$word / } @{ $found->{json}{items} }), 3,
	    'search finds all');
	my ($hit) = grep { $_->{kind} eq 'image' } @{ $found->{json}{items} };
	is($user->request(GET => $hit->{thumbnails}{320})->{status}, 200,
	    'its signed thumbnail is there');
}

sub slurp {
	my ($path) = @_;
	open my $in, '<:raw', $path or die "$path: $!";
	local $/;
	return scalar <$in>;
}

subtest 'embedded object store' => sub { pipeline(MediaNest::Test->stack) };

SKIP: {
	my $swift = MediaNest::Swift->start or skip 'Swift is not installed', 1;
	subtest 'foreign object store' => sub {
		pipeline(MediaNest::Test->stack(set => $swift->settings));
	};
}

done_testing();
