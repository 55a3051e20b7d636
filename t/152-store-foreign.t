#!/usr/bin/perl
# The S3 client does the same with the embedded store and with a foreign server (Swift):
# t/tools/s3-check against each.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;

use MediaNest::Swift;
use MediaNest::Test;

my $check = ($ENV{MEDIANEST_DEV_BUILD} || abs_path(dirname(__FILE__) . '/..') . '/build')
    . '/t/tools/s3-check';
plan skip_all => "$check is not built" unless -x $check;

# Takes over what the program says about each check.
sub s3_check {
	my ($what, %environment) = @_;
	subtest $what => sub {
		local %ENV = (%ENV, %environment);
		my $said = MediaNest::Test::run_output($check);
		my $status = $?;
		for my $line (split /\n/, $said) {
			if ($line =~ /^(not )?ok \d+ - (.*)/) {
				ok(!$1, $2);
			} elsif ($line !~ /^1\.\.\d+$/) { diag $line }
		}
		is($status, 0, 'all of it');
	};
}

my $mn = MediaNest::Test->stack;
s3_check('the embedded store', MEDIANEST_CONFIG => "$mn->{var}/etc/medianest.conf",
    MEDIANEST_STORAGE_BUCKET => 's3-check');

SKIP: {
	my $swift = MediaNest::Swift->start or skip 'Swift is not installed', 1;
	s3_check('a foreign server', MEDIANEST_CONFIG => '/dev/null', $swift->environment);
	s3_check('a foreign server, the bucket in the host name', MEDIANEST_CONFIG => '/dev/null',
	    $swift->environment, $swift->virtual_host);
}

done_testing();
