#!/usr/bin/perl
# The Debian packages and `medianest-admin setup`, on a host with systemd and another site in nginx:
# installed, set up, used, upgraded, removed and purged. ./dev check takes what the machine itself
# has installed for that host; `./dev deb --try bookworm|trixie` makes an empty Debian.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Browser;
use MediaNest::Container;
use MediaNest::DebianHost;
use MediaNest::Media;
use MediaNest::Test;
use Test::More;

once_is_enough();
my $missing = MediaNest::Container::missing();
plan skip_all => $missing if $missing;
MediaNest::Container::apart();

my $root = abs_path(dirname(__FILE__) . '/..');
my $base = $ENV{MEDIANEST_PACKAGES_ROOT}; # of ./dev deb --try, with packages that were built in it
my $debs = $ENV{MEDIANEST_PACKAGES} || tempdir('mn-debs-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my ($page, $files, $email) = ($MediaNest::DebianHost::PAGE, $MediaNest::DebianHost::FILES,
    $MediaNest::DebianHost::EMAIL);
my ($setup, $password) = ($MediaNest::DebianHost::SETUP, $MediaNest::DebianHost::PASSWORD);
my $conf = '/etc/medianest/medianest.conf';

sub version { return (qx{dpkg-parsechangelog -l'$root/debian/changelog' -SVersion} =~ /(\S+)/)[0] }

# The next version, as long as this one: 0.1.9 -> 0.2.0.
sub following { return $_[0] =~ s/([0-8])((?:\.?9)*)$/($1 + 1) . $2 =~ tr{9}{0}r/er }

# The packages of that version: its programs say another version, and the page's files differ.
sub next_version {
	my ($old, $new) = @_;
	for my $package (qw(medianest medianest-web)) {
		my ($deb) = glob "$debs/${package}_${old}_*.deb";
		my $tree = tempdir(CLEANUP => 1) . '/p';
		MediaNest::Container::host("dpkg-deb -R $deb $tree && sed -i"
		    . " 's/^Version: .*/Version: $new/; s/-web (= [^)]*)/-web (= $new)/'"
		    . " $tree/DEBIAN/control");
		# A text of the same length in the programs; nothing else of them moves.
		MediaNest::Container::host("find $tree/usr -type f -perm /111 -size +8k |"
		    . " xargs -r perl -0777 -pi -e 's/(?<=[\\0 ])\Q$old\E(?=[\\0\\n])/$new/g'");
		MediaNest::Container::host("echo '/* $new */' | tee -a"
		    . " $tree/usr/share/medianest/web/*.css $tree/usr/share/medianest/web/*.js"
		    . " && echo 'version $new' >$tree/usr/share/medianest/web/next.txt")
		    if $package eq 'medianest-web';
		MediaNest::Container::host("cd $tree && find usr -type f -print0 |"
		    . ' xargs -0 md5sum >DEBIAN/md5sums'
		    . " && dpkg-deb -b . $debs/${package}_${new}_next.deb");
	}
	return;
}

if (!$ENV{MEDIANEST_PACKAGES}) {
	my $said = qx{cd '$root' && MEDIANEST_DEV_BUILT= ./dev deb '$debs' 2>&1};
	is $?, 0, './dev deb: built, and lintian is content' or BAIL_OUT($said);
	ok scalar(my @symbols = glob "$debs/medianest-dbgsym_*.deb"), 'with symbols for debuggers';
}
my $version = version();
my $next = following($version);
next_version($version, $next);

# --- a host with a site of its own ---
my $host = MediaNest::DebianHost->start($debs, $base);
sub runs { return $host->runs(@_) }
sub other_site { return $host->run('curl -sk https://other.example.org/') }
# Everything of the host that setup has no business with.
sub fingerprint {
	return $host->run('cd / && find etc var/lib/postgresql/*/*/*.conf usr/share -xdev'
	    . ' -newer /debs -type f ! -path "*/ssl/*" | sort | xargs -r sha256sum');
}

is other_site(), "the other site\n", 'a site is there';
my $listed = 'cd /etc && find nginx -type f -o -type l | sort | xargs ls -l --time-style=+';
my $before = $host->run($listed);

# --- installed: nothing runs ---
$host->installs("/debs/medianest_${version}_*.deb /debs/medianest-web_${version}_*.deb",
    'installed');
like $host->run('systemctl is-active medianest.target medianest-worker medianest-redis'),
    qr/^inactive\ninactive\ninactive$/, 'nothing is started before setup';
unlike $host->run('systemctl list-units --failed --plain --no-legend'), qr/medianest/,
    'nothing failed';
is $host->run('medianest-sync; echo $?') =~ s/.*\n(?=\d)//sr, "78\n", 'without settings';

# The host's own Redis is none of setup's business.
my $redis = $host->run('systemctl list-unit-files --plain --no-legend redis-server.service'
    . ' valkey-server.service') =~ /^(\S+)\.service/ ? $1 : undef;
my $redis_now = $redis ? "systemctl show -P MainPID -P NRestarts $redis" : '';
$host->run("systemctl start $redis") if $redis;
my $redis_before = $redis && $host->run($redis_now);

# --- dry run ---
$host->run('touch /debs; sleep 0.01');
my $planned = runs("$setup --dry-run </dev/null", 'a dry run');
like $planned, qr/^  settings +\Q$conf\E: public\.url = \Q$page\E$/m, 'settings are announced';
like $planned, qr/^  $_ /m, "$_ is announced"
    for qw(keys database access schema redis nginx services bucket account);
is fingerprint(), '', 'and no file was written';
like $planned, qr/: nginx\.listen = 443, \[::\]:443$/m, 'IPv6 is served';
my $without = $host->run('systemd-run --quiet --wait --pipe --property='
    . "'RestrictAddressFamilies=AF_UNIX AF_INET AF_NETLINK' $setup --dry-run </dev/null");
is $?, 0, 'a host without IPv6' or diag $without;
like $without, qr/: nginx\.listen = 443$/m, 'listens on no [::]';
is fingerprint(), '', 'and no file was written';
like $host->run('runuser -u postgres -- psql -Atc "select count(*) from pg_roles where rolname ~'
    . q{ 'medianest'"}), qr/^0$/, 'no role was made';

# --- what is in the way is said before anything is touched ---
sub refused {
	my ($command, $like, $what) = @_;
	my $said = $host->run("$command </dev/null");
	isnt $?, 0, "$what: refused";
	like $said, $like, "$what: why";
	is fingerprint(), '', "$what: nothing was changed" or diag $said;
	return;
}
refused($setup =~ s/files\.example/elsewhere.example/r, qr/is not for elsewhere\.example\.org/,
    'a certificate without the name');
refused($setup =~ s/house\.key/other.key/r, qr/other\.key is not the key of/, "another's key");
refused('medianest-admin setup', qr/setup needs --public-url/, 'no answer and no terminal');
$host->run('echo "nonsense;" >/etc/nginx/conf.d/broken.conf; touch /debs; sleep 0.01');
refused($setup, qr/nginx does not accept its configuration as it is/, 'a broken nginx');
$host->run('rm /etc/nginx/conf.d/broken.conf');

$host->run('cd /etc/postgresql/*/main && cp -p pg_hba.conf /srv && echo nonsense >>pg_hba.conf;'
    . ' touch /debs; sleep 0.01');
refused($setup, qr/pg_hba\.conf has an error already: line \d+/, 'a broken pg_hba.conf');
$host->run('cp -p /srv/pg_hba.conf /etc/postgresql/*/main/');
my $listener = 'my $s = IO::Socket::INET->new(LocalPort => 9443, Listen => 1) or die;'
    . ' open my $up, ">", "/srv/listens"; sleep 600';
$host->run("setsid perl -MIO::Socket::INET -e '$listener' >/dev/null 2>&1 &");
wait_until(sub { -e $host->root . '/srv/listens' }, 10, 'a listener');
$host->run('touch /debs; sleep 0.01');
refused("$setup --storage-url https://files.example.org:9443",
    qr/another program than nginx has port 9443/, 'a port that is taken');

# --- asked on a terminal; a person who does not agree has lost nothing ---
$host->write_file('/srv/answers', join '', map { "$_\n" } $page, $files, '/etc/ssl/house.pem',
    '/etc/ssl/house.key', $email, 'n');
my $asked = $host->run('script -qec "medianest-admin setup" /dev/null </srv/answers');
like $asked, qr/\Q$_\E/, "asked: $_" for 'Address of the page', 'Address of the object store',
    "[https://media.example.org:8444]", '/etc/letsencrypt/live/media.example.org/fullchain.pem',
    'Your email address', 'Make these changes? [y/N]', 'nothing was changed';
is fingerprint(), '', 'and nothing was';

# --- what fails on the way is undone, and the next run goes on there ---
my $ours = "echo $password | $setup --password-stdin";
$host->run('echo "# mine" >/etc/nginx/sites-enabled/zz-medianest.conf');
my $said = $host->run($ours);
isnt $?, 0, 'a link that cannot be made';
like $said, qr/^nginx: failed\. Everything before it is done/m, 'where it stopped';
is other_site(), "the other site\n", 'the other site is served';
is $host->run('cat /etc/nginx/sites-enabled/zz-medianest.conf'), "# mine\n",
    'what was in the way is not removed';
$host->run('rm /etc/nginx/sites-enabled/zz-medianest.conf');
# It is good by itself, and not together with ours.
$host->run('echo "upstream mn_auth { server 127.0.0.1:9; }" >/etc/nginx/conf.d/clash.conf');
$said = $host->run($ours);
isnt $?, 0, 'a name that another site has';
like $said, qr/^nginx: failed\. .*duplicate upstream "mn_auth"/ms, 'nginx -t refuses it';
is $host->run('ls -d /etc/nginx/sites-enabled/zz-medianest.conf /etc/nginx/medianest/*.conf'
    . ' 2>/dev/null'), '', 'nothing of ours is left';
runs('nginx -t', 'nginx may start');
is other_site(), "the other site\n", 'the other site is served';
$host->run('rm /etc/nginx/conf.d/clash.conf');

# What was there before is kept, and root writes nothing where PostgreSQL's user may not.
my $hba = '/etc/postgresql/*/main/pg_hba.conf';
is $host->run("cat $hba.before-medianest"), $host->run('cat /srv/pg_hba.conf'),
    'pg_hba.conf as it was is kept';
is $host->run("stat -c '%U:%G %a' $hba $hba.before-medianest"),
    "postgres:postgres 640\n" x 2, '... with its owner and mode';
$host->run("cp -p $hba /srv/ours.conf && cp -p /srv/pg_hba.conf /etc/postgresql/*/main/"
    . ' && chown root: /etc/postgresql/*/main && systemctl reload postgresql');
$said = $host->run($ours);
isnt $?, 0, 'a directory that is not of PostgreSQL';
like $said, qr/^access: failed\. .*pg_\w+\.conf: cannot be written: Permission denied/ms,
    'is not written to with the rights of root';
is $host->run("cat $hba"), $host->run('cat /srv/pg_hba.conf'), 'pg_hba.conf is as it was';
$host->run('chown postgres: /etc/postgresql/*/main');

# --- set up, asked on a terminal ---
$host->write_file('/srv/types', <<"SH");
cat /srv/answers
until grep -q 'Password for the first account' /srv/typed; do sleep 0.2; done
echo $password
until grep -q 'MediaNest is at' /srv/typed || [ -e /srv/over ]; do sleep 0.2; done
SH
# The settings were written by the runs that failed: without them all is asked.
$host->run("mv $conf /srv/");
$host->write_file('/srv/answers', join '', map { "$_\n" } $page, $files, '/etc/ssl/house.pem',
    '/etc/ssl/house.key', $email, 'y');
$said = $host->run('touch /srv/typed; timeout 600 sh /srv/types | timeout 600 script -qefc'
    . ' "medianest-admin setup; touch /srv/over" /srv/typed');
like $said, qr/^account: done\r?$/m, 'setup on a terminal';
unlike $said, qr/\Q$password\E/, 'no password is shown';
$said = $host->run($ours);
is $?, 0, 'setup, and the doctor finds no fault'
    or diag $said, $host->run('journalctl -b --no-pager -n 40 -u medianest-worker');
unlike $said, qr/^(?:database|access|schema|keys): done/m, 'what was done is not repeated';
like $said, qr/^Everything is working\.$/m, 'everything is working';
like $said, qr/^ok +sandbox +bubblewrap/m, 'with its sandbox';
unlike $said, qr/\Q$password\E/, 'no password is shown';
is $host->run("stat -c '%U:%G %a' $conf"), "root:medianest 640\n", 'the settings';
is $host->run('stat -c "%G %a" /var/lib/medianest/keys/storage-*.key'),
    "medianest-storage 440\nmedianest-storage 440\n", 'the keys of the store';
like $host->run('runuser -u postgres -- psql -Atc "select user_name from pg_hba_file_rules'
    . q{ where database @> '{medianest}'"}), qr/^\{medianest_migrate,medianest_api,/,
    'one line of access';
runs('runuser -u postgres -- pg_dumpall >/dev/null', 'which keeps postgres in');
$said = $host->run("$setup --yes");
is $?, 0, 'setup once more' or diag $said;
like $said, qr/nothing: everything is set up/, 'has nothing to do';
like $host->run('medianest-admin user list'), qr/super +active +anna\@example\.org/,
    'root may ask: the command becomes the services\' user';

# --- what a run was interrupted in is done by the next: files that nobody has read yet ---
for my $part (["touch -d '+2 seconds' $conf", 'services'],
    ['chown nobody:nogroup /var/lib/medianest', 'directories'],
    ["touch -d '+2 seconds' /etc/postgresql/*/main/pg_hba.conf", 'access'],
    ["touch -d '+2 seconds' /etc/nginx/medianest/medianest.conf", 'nginx'],
    ['systemctl stop medianest-fcgi@api.socket', 'services']) {
	my ($command, $step) = @$part;
	$host->run($command);
	like $host->run("$setup --yes"), qr/^$step: done$/m, "$command: $step";
}
is $host->run('systemctl is-active medianest-fcgi@api.socket medianest-fcgi@storage.socket'),
    "active\nactive\n", 'the sockets are there';
$host->run('echo >/etc/nginx/conf.d/medianest.conf; touch /debs; sleep 0.01');
refused($setup, qr{conf\.d/medianest\.conf is in the way}, 'a file of an earlier setup, changed');
$host->run('rm /etc/nginx/conf.d/medianest.conf');

# --- as on a host of 480 MB: PostgreSQL's buffers leave room for the services ---
$host->write_file('/srv/meminfo', "MemTotal:         491520 kB\n");
sub when_small {
	return $host->run("unshare -m sh -c 'mount --bind /srv/meminfo /proc/meminfo && $_[0]'");
}
sub postgres { return $host->run("runuser -u postgres -- $_[0]") }
sub buffers { return postgres('psql -Atc "SHOW shared_buffers"') }
my $buffers = buffers();
postgres('createdb elsewhere');
like when_small("$setup --yes"), qr/nothing: everything is set up/,
    'a cluster that others use is not started again';
like when_small('medianest-admin doctor --only postgresql'),
    qr/ALTER SYSTEM SET shared_buffers = '30MB'/, 'the doctor says what to do';
postgres('dropdb elsewhere');
like when_small("$setup --yes"), qr/^memory: done$/m, 'its own is';
is buffers(), "30MB\n", 'with fewer buffers';
postgres('psql -qc "ALTER SYSTEM RESET shared_buffers"');
$host->run('systemctl restart postgresql');
like $host->run("$setup --yes"), qr/nothing: everything is set up/, 'a larger host';
is buffers(), $buffers, 'keeps what PostgreSQL has';

# --- used: through nginx, as a browser does ---
sub curl { return $host->curl(@_) }
like curl("$page/"), qr/<title>/, 'the page is served';
is other_site(), "the other site\n", 'the other site is as it was';
is curl('-k --resolve unknown.example.org:443:127.0.0.1 https://unknown.example.org/'),
    "the other site\n", 'and answers for names that nobody has';
is curl("-o /dev/null -w '%{http_code} %{redirect_url}' http://media.example.org/x"),
    "301 $page/x", 'plain HTTP moves';
$host->run('mkdir -p /var/www/html/.well-known/acme-challenge'
    . ' && echo proof >/var/www/html/.well-known/acme-challenge/t');
is curl('http://files.example.org/.well-known/acme-challenge/t'), "proof\n",
    'and certificates are renewed';
$host->sign_in or BAIL_OUT('nobody can sign in');
my $web = '/usr/share/medianest/web';
my $first = $host->upload("$web/icon-192.png", 'image/png');
ok $host->ready($first), 'uploaded, and decoded in the sandbox of the unit';

# --- a person's browser, on this machine and in the network of that host ---
SKIP: {
	my $without = MediaNest::Browser::missing();
	BAIL_OUT($without) if $without && $ENV{CI};
	skip $without, 1 if $without;
	my $picture = MediaNest::Media->new->picture('seen.jpg', size => '900x600');
	my $visit = $host->near(qw(-MMediaNest::Visit -e), 'MediaNest::Visit::visit(@ARGV)', $root,
	    $page, $email, $password, $picture);
	is $?, 0, 'a browser signs in, uploads and sees' or diag $visit;
}

# --- units: restarts lose no request, the watchdog is told, the sandbox works within the limits ---
like $host->run('journalctl -b -u medianest-worker'), qr/decoded in the bubblewrap sandbox/,
    'the worker has its sandbox';
is $host->run('systemctl show -P WatchdogUSec medianest-worker medianest-notifyd'),
    "1min\n\n30s\n", 'a watchdog';
for my $unit (qw(medianest-worker medianest-notifyd)) {
	my $shorter = "/run/systemd/system/$unit.service.d";
	$host->run("mkdir -p $shorter && printf '[Service]\nWatchdogSec=4\n' >$shorter/test.conf"
	    . " && systemctl daemon-reload && systemctl restart $unit");
	my $pid = $host->run("systemctl show -P MainPID $unit") + 0;
	$host->run("kill -STOP $pid");
	ok eval { wait_until(sub {
		my $now = $host->run("systemctl show -P MainPID $unit") + 0;
		return $now != 0 && $now != $pid;
	}, 60, 'another process') }, "$unit: stands still, and is started again";
	$host->run("rm -r $shorter && systemctl daemon-reload && systemctl restart $unit");
}
# The limits of a person are not what this is about.
my $free = '{"rate_limit.admin.per_minute":0,"rate_limit.class.media.per_minute":0}';
is $host->api("-X PATCH -H 'Content-Type: application/json' -d '$free' -o /dev/null"
    . " -w '%{http_code}' $page/api/admin/settings"), '200', 'no limits for admins';
my $big = MediaNest::Media->new->picture('big.jpg', size => '1600x1200');
open my $more, '>>:raw', $big or die "$big: $!";
print $more "\0" x 3_000_000; # what follows the end of a JPEG is ignored
close $more or die "$big: $!";
MediaNest::Container::host("cp $big " . $host->root . '/srv/big.jpg');
my $load = <<"SH";
ask() { curl -sk -o /dev/null -w '%{http_code}\\n' --max-time 20 "\$@"; }
while [ ! -e /srv/enough ]; do
	ask -d '{}' -H 'Content-Type: application/json' $page/api/auth/login
	# Refused by the pools of the store, which have looked at it.
	ask $files/nobody/x
	ask -T /srv/load $files/nobody/x
	ask $page/ >>/srv/pages
	ask $page/app.js >>/srv/pages
	ask -H 'Authorization: Bearer $host->{token}' $page/api/media >>/srv/lists
	echo >>/srv/count
	sleep 0.4 # nginx lets one address have so much a second, and the test is at the same
done >>/srv/codes
SH
$host->write_file('/srv/load', $load);
$host->run('for i in 1 2 3; do setsid sh /srv/load >/dev/null 2>&1 & done');
sub counted { return $host->run('touch /srv/count; wc -l </srv/count') + 0 }
sub some_more { my $n = counted(); return wait_until(sub { counted() > $n + 10 }, 30, 'requests') }
some_more();
for my $unit (map { "medianest-fcgi\@$_" } qw(api storage api storage)) {
	my $pid = $host->run("systemctl show -P MainPID $unit");
	runs("systemctl restart $unit", "$unit: restarted while in use");
	isnt $host->run("systemctl show -P MainPID $unit"), $pid, 'by another process';
	some_more();
}
# --- a backup by the unit of the timer ---
$host->run('install -d -o medianest -g medianest -m 0700 /var/backups/medianest'
    . " && echo 'backup.directory = /var/backups/medianest' >>$conf");
runs('systemctl start medianest-backup.service', 'the backup of a night');
like $host->run('ls /var/backups/medianest/2*'), qr/^manifest\.json$/m, 'is there';

# --- the worker is gone: the line of cron raises the alert ---
my ($line) = $host->read_file('/etc/cron.d/medianest') =~ m{^\*/5 \* \* \* \* medianest (.*)$}m;
$host->write_file('/srv/cron', "$line\n" =~ s/sleep 30/sleep 0.1/r);
my $as_cron = 'runuser -u medianest -- sh /srv/cron';
my $raised = "$page/api/admin/alerts?state=raised";
runs("systemctl stop medianest-worker && $as_cron", 'the worker is stopped');
like $host->api("'$raised'"), qr/"subject":"processes\.worker"/, 'which is an alert';
runs("systemctl start medianest-worker && $as_cron", 'and started');
unlike $host->api("'$raised'"), qr/"subject":"processes\.worker"/, 'that has ended';

# --- the journal ---
my $journal = $host->run('journalctl -b -o export --no-pager');
ok $journal =~ /^MEDIANEST_$_=/m, "has the field MEDIANEST_$_" for qw(POOL REQUEST_ID USER_ID);
my @secrets = ($password, $host->{token}, map { $host->run("cat $_") =~ s/\s+\z//r }
    split /\n/, $host->run('ls /var/lib/medianest/keys/*.key'));
cmp_ok scalar @secrets, '>=', 5, 'secrets';
is_deeply [grep { index($journal, $secrets[$_]) >= 0 } 0 .. $#secrets], [], 'and none of them';

# --- upgraded under load, and with what setup finds to mend ---
my $kept_as = $host->run("stat -c '%U:%G %a' /var/lib/medianest");
$host->run('echo "# changed" >>/etc/nginx/medianest/medianest.conf && chmod 0777'
    . " /var/lib/medianest && chmod 0600 $conf");
my $pid = $host->run('systemctl show -P MainPID medianest-worker');
# An upload that comes in drops until the next version is there.
my $sending = $host->upload_begin('/srv/big.jpg', 'image/jpeg') or BAIL_OUT('no upload');
$host->write_file('/srv/head', MediaNest::DebianHost::put_head($sending));
$host->write_file('/srv/send', <<'SH');
exec 3</srv/big.jpg
{
	cat /srv/head
	dd bs=100k count=3 <&3
	touch /srv/sending
	until [ -e /srv/upgraded ]; do dd bs=1k count=1 <&3; sleep 0.3; done
	cat <&3
} 2>/dev/null | openssl s_client -quiet -connect 127.0.0.1:443 -servername files.example.org \
    >/srv/sent 2>/dev/null
touch /srv/sent-all
SH
$host->run('setsid sh /srv/send >/dev/null 2>&1 &');
wait_until(sub { -e $host->root . '/srv/sending' }, 30, 'a part of the upload');
# A second cluster has come meanwhile, which is none of its business.
$host->write_file('/usr/local/bin/pg_lsclusters', <<'SH');
#!/bin/sh
/usr/bin/pg_lsclusters -h
/usr/bin/pg_lsclusters -h | sed s/main/other/
SH
$host->run('chmod +x /usr/local/bin/pg_lsclusters');
$said = $host->installs('/debs/*_next.deb', 'upgraded');
$host->run('rm /usr/local/bin/pg_lsclusters');
like $said, qr/^$_: done$/m, "an upgrade mends: $_" for qw(settings nginx services);
# By the package's own tmpfiles or by setup, whichever comes first.
is $host->run("stat -c '%U:%G %a' /var/lib/medianest"), $kept_as, 'and the directories';
some_more();
ok !-e $host->root . '/srv/sent-all', 'an upload is on its way all the while';
$host->run('touch /srv/upgraded');
wait_until(sub { -e $host->root . '/srv/sent-all' }, 60, 'the end of the upload');
like $host->read_file('/srv/sent'), qr{^HTTP/1\.1 200 }, 'and ends well';
my $sent = $host->upload_end($sending);
ok $host->ready($sent), 'with its picture';
$host->run('touch /srv/enough');
# No answer, one of nginx alone, or a file that was not there for a moment.
sub lost {
	my ($log, $pattern, $what) = @_;
	is $host->run("grep -Ecv '$pattern' /srv/$log"), "0\n", "no request was lost: $what"
	    or diag $host->run("sort /srv/$log | uniq -c");
	return;
}
lost('codes', '^(401|403|422|400|429)$', 'what pools refuse');
lost('pages', '^(200|429)$', 'the files of the page');
lost('lists', '^(200|429)$', 'what a person sees');
cmp_ok $host->run("grep -c 200 /srv/$_"), '>', 10, "$_: which the limits let through"
    for qw(pages lists);
for my $program (qw(medianest-admin medianest-worker medianest-fcgi)) {
	like $host->run("$program --version"), qr/ \Q$next\E$/, "$program is the next one";
}
like $host->api("$page/api/admin/processes"), qr/"version":"\Q$next\E"/, 'which runs';
is curl("$page/next.txt"), "version $next\n", 'with the next page';
isnt $host->run('systemctl show -P MainPID medianest-worker'), $pid, 'another worker';
ok $host->ready($first), 'with what was there';
ok $host->ready($host->upload("$web/icon-512.png", 'image/png')), 'and what comes';

# --- what t/561-next-debian.t restores on another host ---
if (my $kept = $ENV{MEDIANEST_PACKAGES_BACKUP}) {
	$host->backup_kept($kept, $first, $sent);
}

is $host->run($redis_now), $redis_before, "the host's Redis runs as it did" if $redis;

# --- removed, purged ---
$said = runs('apt-get -q -y remove medianest', 'removed');
is other_site(), "the other site\n", 'without the other site';
unlike $host->run('nginx -T 2>/dev/null'), qr/medianest/, 'nginx does not know it any more';
unlike $host->run('ps -e -o args'), qr{medianest-(?:fcgi|worker|notifyd|redis)}, 'nothing runs on';
$said = runs('apt-get -q -y purge medianest medianest-web', 'purged');
like $said, qr{files and keys in /var/lib/medianest}, 'and says where the data is';
ok -d $host->root . '/var/lib/medianest/keys', 'which is there';
is other_site(), "the other site\n", 'the other site';
is $host->run($listed), $before, 'nginx is as it was';
is $host->run('ls /etc/cron.d/medianest /etc/logrotate.d/medianest /etc/medianest 2>/dev/null'), '',
    'no settings are left';
$host->stop;
done_testing;
