#!/usr/bin/perl
# A house moves to another host, perhaps with the next Debian and its PostgreSQL: the backups that
# t/560-packages.t left in MEDIANEST_PACKAGES_BACKUPS, each restored into a house of its own, which
# setup has just made. `./dev deb --try bookworm`, then `./dev deb --try trixie`.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Container;
use MediaNest::DebianHost;
use MediaNest::Test;
use Test::More;

my ($debs, $base) = @ENV{qw(MEDIANEST_PACKAGES MEDIANEST_PACKAGES_ROOT)};
plan skip_all => './dev deb --try runs it, with backups of other hosts' if !$base;
MediaNest::Container::apart();

for my $kept (glob "$ENV{MEDIANEST_PACKAGES_BACKUPS}/*") {
	my ($from) = $kept =~ m{([^/]+)$};
	subtest "a house of $from" => sub {
		my $host = MediaNest::DebianHost->start($debs, $base);
		MediaNest::Container::host("cp -a $kept/backup $host->{root}/srv/");
		my $listed = $host->run('$(ls -d /usr/lib/postgresql/*)/bin/pg_restore -l'
		    . ' /srv/backup/2*/database.dump');
		plan skip_all => 'into an older PostgreSQL no backup goes'
		    if $listed =~ /unsupported version/;
		my ($older) = $listed =~ /^;\s+Dumped from database version: (\d+)/m;
		my $newer = $host->run('ls /usr/lib/postgresql') + 0;
		note "PostgreSQL $older, restored into $newer";
		plan skip_all => 'into an older PostgreSQL no backup goes' if $newer < $older;
		$host->write_file('/srv/passphrase', "a passphrase for its keys\n");
		$host->run('chmod 600 /srv/passphrase');
		my @packages = grep { !/_next\.deb$/ } split /\n/,
		    $host->run('ls /debs/medianest_*.deb /debs/medianest-web_*.deb');
		$host->installs("@packages", 'installed');
		$host->runs("echo another-password-altogether | $MediaNest::DebianHost::SETUP"
		    . ' --password-stdin', 'set up');
		$host->run('systemctl stop medianest.target');
		$host->runs('medianest-admin restore --keys /srv/passphrase /srv/backup',
		    'restored');
		$host->runs('systemctl start medianest.target', 'started');
		ok eval { wait_until(sub { $host->sign_in }, 30, 'a session') },
		    'signs in with the password of that house' or return;
		my %items = map { split } split /\n/, MediaNest::Container::host("cat $kept/items");
		is $host->checksum($_), $items{$_}, "its item $_" for sort keys %items;
		cmp_ok scalar(keys %items), '>=', 2, 'items';
		ok $host->ready($host->upload('/usr/share/medianest/web/icon-192.png',
		    'image/png')), 'and takes another one';
		my $said = $host->runs('medianest-admin verify', 'every object is as it was');
		note $said;
		$host->stop;
	};
}
done_testing;
