#!/usr/bin/perl
# The API description as Spectral's OpenAPI rules see it: no errors. Spectral comes from npm, where
# npm is there.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use Test::More;

use constant SPECTRAL => '@stoplight/spectral-cli@6';
once_is_enough();
plan skip_all => 'npm is not there' if system('command -v npm >/dev/null 2>&1') != 0;

my $description = abs_path("$FindBin::Bin/../web/openapi.json");
my $dir = tempdir('mn-lint-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chdir $dir or die "$dir: $!";
system('timeout 300 npm install --no-audit --no-fund --ignore-scripts ' . SPECTRAL
    . ' >npm.log 2>&1') == 0
    or plan skip_all => 'npm could not install Spectral';
open my $rules, '>', 'rules.yaml' or die "rules.yaml: $!";
print $rules qq(extends: ["spectral:oas"]\n);
close $rules;
# Spectral goes deep: a description of this size needs more than the usual stack.
my $said = qx(timeout 300 node --stack-size=4000 node_modules/.bin/spectral lint \\
    '$description' --ruleset rules.yaml \\
    --fail-severity error --display-only-failures 2>&1);
is $?, 0, 'no errors' or diag $said;
chdir '/';
done_testing;
