#!/usr/bin/perl
# The sync against a model: random libraries on servers that fail in random ways. A few seconds of
# it here; MEDIANEST_SYNC_SCRIPTS=10000 for the long one, MEDIANEST_SYNC_SEED for another one.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';
use MediaNest::Test;
use Test::More;

use constant SCRIPTS => 60;

my $mn = MediaNest::Test->stack(set => { 'sync.minutes' => 0 });
$mn->stop_part('worker'); # posters of made-up items need nobody's time
my $tool = MediaNest::Test::build_directory() . '/t/tools/sync-model';
my $seed = $ENV{MEDIANEST_SYNC_SEED} // 1;
my $n = $ENV{MEDIANEST_SYNC_SCRIPTS} // SCRIPTS;
my $said = MediaNest::Test::run_output($tool, "$mn->{var}/etc/medianest.conf", $seed, $n);
is $? >> 8, 0, "$n scripts from $seed" or diag $said;
like $said, qr/^ok - $n scripts/m, 'all of them';
done_testing;
