#!/usr/bin/perl
# The S3 clients of Debian, unmodified, against the embedded object store: aws (awscli) and s3cmd.
use strict;
use warnings;
use File::Temp qw(tempdir);
use Test::More;

use MediaNest::Test;

my $mn = MediaNest::Test->stack;
my $status = $mn->{status};
my $bucket = sprintf 't151-%d-%d', $$, time % 100000;
my $dir = tempdir('mn-clients-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $host = $status->{storageEndpoint} =~ s{^https://}{}r;

%ENV = (%ENV, HOME => $dir, AWS_ACCESS_KEY_ID => $status->{storageAccessKey},
    AWS_SECRET_ACCESS_KEY => $status->{storageSecretKey},
	AWS_DEFAULT_REGION => $status->{storageRegion}, AWS_CA_BUNDLE => $status->{caFile},
	    AWS_EC2_METADATA_DISABLED => 'true', AWS_PAGER => '');
# awscli is a Python program of Debian's: sanitizers meant for ours do it no good, nor does another
# Python in the path.
delete @ENV{qw(ASAN_OPTIONS UBSAN_OPTIONS LD_PRELOAD)};

sub aws {
	return MediaNest::Test::run_output('/usr/bin/aws', '--endpoint-url',
	    $status->{storageEndpoint}, @_);
}

sub s3cmd {
	return MediaNest::Test::run_output('/usr/bin/s3cmd', '-c', "$dir/s3cfg", '--access_key',
	    $status->{storageAccessKey}, '--secret_key', $status->{storageSecretKey},
		'--host', $host, '--host-bucket', $host, '--ca-certs', $status->{caFile},
		    '--region', $status->{storageRegion}, '--no-progress', @_);
}

# Runs and shows what was said when it fails.
sub works { my ($what, $said) = @_; my $bad = $?; ok($bad == 0, $what) or diag $said; return $said }

sub random_file {
	my ($name, $size) = @_;
	MediaNest::Test::run_output('sh', '-c', 'head -c "$1" /dev/urandom >"$2"', 'sh', $size,
	    "$dir/$name");
}

sub same {
	my ($one, $two, $what) = @_;
	MediaNest::Test::run_output('cmp', "$dir/$one", "$dir/$two");
	ok($? == 0, $what);
}

mkdir "$dir/tree";
mkdir "$dir/tree/sub";
random_file('small', 100_000);
random_file('large', 20_000_001);
random_file("tree/sub/f $_ \x{c3}\x{a9}+&.bin", 1000 + $_) for 1 .. 3;
open my $cfg, '>', "$dir/s3cfg" or die "$dir/s3cfg: $!";
close $cfg;

SKIP: {
	skip 'awscli is not installed', 1 unless -x '/usr/bin/aws';
	subtest 'aws s3' => sub {
		works('mb', aws('s3', 'mb', "s3://$bucket"));
		works('cp up', aws('s3', 'cp', "$dir/small", "s3://$bucket/dir/small"));
		like(works('ls', aws('s3', 'ls', "s3://$bucket/dir/")), qr/ 100000 small$/m,
		    'ls shows it');
		works('cp down', aws('s3', 'cp', "s3://$bucket/dir/small", "$dir/small.back"));
		same('small', 'small.back', 'small: the same bytes');
		works('cp of more than 8 MB: in parts',
		    aws('s3', 'cp', "$dir/large", "s3://$bucket/large"));
		like(aws('s3api', 'head-object', '--bucket', $bucket, '--key', 'large'),
		    qr/ETag.*-3\\""/, '... it was in three');
		works('cp down, by ranges',
		    aws('s3', 'cp', "s3://$bucket/large", "$dir/large.back"));
		same('large', 'large.back', 'large: the same bytes');
		works('sync up', aws('s3', 'sync', "$dir/tree", "s3://$bucket/tree"));
		is(works('sync again', aws('s3', 'sync', "$dir/tree", "s3://$bucket/tree")), '',
		    '... has nothing to do');
		works('sync down', aws('s3', 'sync', "s3://$bucket/tree", "$dir/tree.back"));
		is(MediaNest::Test::run_output('diff', '-r', "$dir/tree", "$dir/tree.back"), '',
		    'the same tree');
		works('cp within', aws('s3', 'cp', "s3://$bucket/large", "s3://$bucket/copy"));
		works('mv', aws('s3', 'mv', "s3://$bucket/copy", "s3://$bucket/moved"));
		works('cp down of the moved',
		    aws('s3', 'cp', "s3://$bucket/moved", "$dir/moved.back"));
		same('large', 'moved.back', 'moved: the same bytes');
		chomp(my $url = works('presign', aws('s3', 'presign', "s3://$bucket/dir/small")));
		is($mn->request(GET => $url)->{status}, 200, 'the presigned URL works');
		works('metadata',
		    aws('s3api', 'put-object', '--bucket', $bucket, '--key', 'meta', '--metadata',
			'colour=blue,a_b=c', '--content-type', 'text/x-t', '--body', "$dir/small"));
		my $head = aws('s3api', 'head-object', '--bucket', $bucket, '--key', 'meta');
		like($head, qr/"colour": "blue"/, '... comes back');
		like($head, qr/"a_b": "c"/, '... with its underscore');
		like(aws('s3api', 'list-objects-v2', '--bucket', $bucket, '--delimiter', '/',
		    '--page-size', 1),
		    qr/"Prefix": "tree\/"/, 'page by page');
		works('rm --recursive', aws('s3', 'rm', '--recursive', "s3://$bucket"));
		is(aws('s3', 'ls', '--recursive', "s3://$bucket"), '', '... all gone');
		works('rb', aws('s3', 'rb', "s3://$bucket"));
	};
}

SKIP: {
	skip 's3cmd is not installed', 1 unless -x '/usr/bin/s3cmd';
	subtest 's3cmd' => sub {
		works('mb', s3cmd('mb', "s3://$bucket"));
		like(works('ls of buckets', s3cmd('ls')), qr{s3://\Q$bucket\E$}m,
		    'ls shows the bucket');
		works('put', s3cmd('put', "$dir/small", "s3://$bucket/dir/small"));
		like(works('ls', s3cmd('ls', "s3://$bucket/dir/")),
		    qr{ 100000 +s3://\Q$bucket\E/dir/small$}m, 'ls shows it');
		works('get', s3cmd('get', '--force', "s3://$bucket/dir/small", "$dir/small.s3cmd"));
		same('small', 'small.s3cmd', 'small: the same bytes');
		works('put in parts', s3cmd('put', '--multipart-chunk-size-mb=5', "$dir/large",
		    "s3://$bucket/large"));
		works('get', s3cmd('get', '--force', "s3://$bucket/large", "$dir/large.s3cmd"));
		same('large', 'large.s3cmd', 'large: the same bytes');
		works('info', s3cmd('info', "s3://$bucket/large"));
		works('info of the bucket', s3cmd('info', "s3://$bucket"));
		works('sync up', s3cmd('sync', "$dir/tree/", "s3://$bucket/tree/"));
		unlike(works('sync again', s3cmd('sync', "$dir/tree/", "s3://$bucket/tree/")),
		    qr/upload:/, '... has nothing to do');
		mkdir "$dir/tree.s3cmd";
		works('sync down', s3cmd('sync', "s3://$bucket/tree/", "$dir/tree.s3cmd/"));
		is(MediaNest::Test::run_output('diff', '-r', "$dir/tree", "$dir/tree.s3cmd"), '',
		    'the same tree');
		works('cp', s3cmd('cp', "s3://$bucket/large", "s3://$bucket/copy"));
		works('del', s3cmd('del', "s3://$bucket/copy"));
		works('del --recursive', s3cmd('del', '--recursive', '--force', "s3://$bucket"));
		is(s3cmd('ls', '--recursive', "s3://$bucket"), '', '... all gone');
		works('rb', s3cmd('rb', "s3://$bucket"));
	};
}

done_testing();
