package MediaNest::Sync;
# A stack, a Plex and the program that compares them.
#
#   use MediaNest::Sync;
#   our ($plex, $mn, $admin, $server);              # made by the import
#   my $report = sync_is(0, { seen => 30, created => 30 }, 'the first sync', '--full');
use strict;
use warnings;
use Exporter qw(import);
use JSON::PP;
use MediaNest::PlexServer;
use MediaNest::Test;
use Test::More;

our @EXPORT = qw($plex $mn $admin $server @program run_sync report counts sync_is item catalogue
    ready notes UNCHANGED);

use constant { UNCHANGED => 'nothing of the catalogue changed' };

our $plex = MediaNest::PlexServer->start;
our $mn = MediaNest::Test->stack(set => { $plex->settings, 'sync.minutes' => 0 });
my $build = MediaNest::Test::build_directory();
my $config = "$mn->{var}/etc/medianest.conf";
our @program = ("$build/inst/sbin/medianest-sync", '--config', $config);
our $admin = $mn->user(role => 'super');
our $server = MediaNest::Test::run_output("$build/t/tools/sync-check", $config, 'add', 'Home',
    $plex->url, $plex->token);
chomp $server;

sub run_sync {
	my (@options) = @_;
	my $said = MediaNest::Test::run_output(@program, @options);
	return { status => $? & 127 ? "signal $?" : $? >> 8, said => $said };
}

sub report {
	my $list = $admin->api(GET => '/api/integrations/plex/syncs?limit=1');
	my $id = $list->{json}{items}[0]{id};
	return $admin->api(GET => "/api/integrations/plex/syncs/$id")->{json};
}

# Only the counts that are not 0.
sub counts {
	my %c = %{ (shift // report())->{counts} };
	return { map { ($_ => $c{$_}) } grep { $c{$_} } keys %c };
}

# A run that ends like this.
sub sync_is {
	my ($status, $counts, $name, @options) = @_;
	my $run = run_sync(@options);
	is $run->{status}, $status, "$name: exit status $status" or diag $run->{said};
	my $report = report();
	is_deeply counts($report), $counts, "$name: the report" or diag explain $report;
	return $report;
}

sub item {
	my ($key) = @_;
	my ($row) = $mn->psql("SELECT row_to_json(m) FROM media m JOIN server_items s
	    ON s.media_id = m.id WHERE s.item_key = '$key'");
	return $row && JSON::PP->new->decode($row);
}

# All that people see of the catalogue but pictures, which come by jobs of their own.
sub catalogue {
	return join "\n", $mn->psql("SELECT m.id, m.title, m.status, s.item_key, s.missing_runs,
	    s.gone_at, md5((to_jsonb(m) - '{version,updated_at,asset_prefix,assets,thumbhash,width,
	    height,object_key}'::text[])::text) FROM media m LEFT JOIN server_items s
	    ON s.media_id = m.id ORDER BY m.id");
}

# Items of the first library that people see.
sub ready {
	return $mn->psql(q{SELECT count(*) FROM media m JOIN server_items s ON s.media_id = m.id
	    JOIN media_sections c ON c.id = s.section_id WHERE c.key = '1' AND m.status = 'ready'});
}

sub notes {
	my ($kind) = @_;
	return $mn->psql("SELECT count(*) FROM notifications WHERE kind = '$kind'
	    AND user_id = '$admin->{id}'");
}

1;
