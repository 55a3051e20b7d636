#!/usr/bin/perl
# medianest-sync against a Plex that does what Plex servers do: what the report says, what becomes of
# the items, and that nothing is removed without evidence.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';
use JSON::PP;
use MediaNest::PlexServer;
use MediaNest::Test;
use Test::More;

my $plex = MediaNest::PlexServer->start;
my $mn = MediaNest::Test->stack(set => { $plex->settings, 'sync.minutes' => 0 });
my $build = MediaNest::Test::build_directory();
my $config = "$mn->{var}/etc/medianest.conf";

sub run_sync {
	my (@options) = @_;
	my $said = MediaNest::Test::run_output("$build/inst/sbin/medianest-sync", '--config',
	    $config, @options);
	return { status => $? >> 8, said => $said };
}

sub report {
	my ($row) = $mn->psql('SELECT row_to_json(r) FROM sync_runs r ORDER BY started_at DESC,
	    id DESC LIMIT 1');
	return JSON::PP->new->decode($row);
}

# Only the counts that are not 0.
sub counts {
	my ($report) = @_;
	my %c = %{ $report->{counts} };
	return { map { ($_ => $c{$_}) } grep { $c{$_} } keys %c };
}

my $server = MediaNest::Test::run_output("$build/t/tools/sync-check", $config, 'add', 'Home',
    $plex->url, $plex->token);
chomp $server;
like $server, qr/^[0-9a-f-]{36}$/, 'a server is set up';

$plex->section('1', 'movie', 'Films');
my @film = map { $plex->add('1', { title => "Film $_", year => 1990 + $_ }) } 1 .. 30;

my $run = run_sync();
is $run->{status}, 0, 'the first sync' or diag $run->{said};
my $report = report();
is $report->{status}, 'ok';
is_deeply counts($report), { seen => 30, created => 30 }, 'says what it created';
is $report->{phase}, 'CacheResults';
is $mn->psql(q{SELECT count(*) FROM media WHERE source = 'plex' AND kind = 'movie'
    AND status = 'ready' AND visibility = 'house'}), 30;
$run = run_sync();
is_deeply counts(report()), { seen => 30, unchanged => 30 }, 'again: unchanged';
done_testing;
