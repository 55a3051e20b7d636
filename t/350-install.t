#!/usr/bin/perl
# make install into a DESTDIR: everything a host needs is there, and a stock nginx accepts the
# drop-in.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use FindBin;
use HTTP::Tiny;
use POSIX ();
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use Test::More;

my $root = abs_path(dirname(__FILE__) . '/..');
my $build = $ENV{MEDIANEST_DEV_BUILD} || "$root/build";
my $dest = tempdir('mn-install-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $prefix = "$build/inst";
$ENV{PATH} .= ':/usr/sbin:/sbin';

plan skip_all => "$build has no build" unless -e "$build/Makefile";

sub run { my $said = qx{{ $_[0]; } 2>&1 </dev/null}; return ($? == 0, $said) }

my ($ok, $said) = run("make -s -C '$build' install DESTDIR='$dest'");
ok $ok, 'make install' or BAIL_OUT($said);
($prefix) = qx{sed -n 's/^prefix = //p' '$build/Makefile'} =~ /(\S+)/;
my $at = "$dest$prefix";
my $etc = $dest
    . (qx{sed -n 's/^sysconfdir = //p' '$build/Makefile'} =~ s/\s+$//r =~ s/\$\{prefix\}/$prefix/r);

ok -x "$at/$_", $_ for
    qw(sbin/medianest-admin sbin/medianest-fcgi sbin/medianest-worker sbin/medianest-sync
        sbin/medianest-notifyd libexec/medianest/medianest-media);
ok -s "$at/share/medianest/$_", $_ for
    qw(nginx/medianest.conf.in sql/roles.sql sql/0001-create-foundations.sql web/index.html
        web/openapi.json);
ok -s "$at/share/man/$_", $_ for
    qw(man8/medianest-admin.8 man8/medianest-fcgi.8 man8/medianest-worker.8 man8/medianest-sync.8
        man8/medianest-notifyd.8 man5/medianest.conf.5 man7/medianest-api.7
        man7/medianest-scaling.7 man7/medianest-setup.7 man8/medianest-media.8);
my $units = "$at/lib/systemd/system";
ok -s "$units/$_", $_ for qw(medianest.target medianest-fcgi@.service medianest-worker.service
    medianest-notifyd.service medianest-redis.service medianest-fcgi@api.socket
    medianest-fcgi@storage.socket medianest-fcgi@verify.service.d/user.conf
    medianest-fcgi@store.service.d/user.conf medianest-fcgi@storage.service.d/user.conf
    medianest-backup.service medianest-backup.timer medianest.slice);
ok -s "$at/lib/$_", $_ for qw(sysusers.d/medianest.conf tmpfiles.d/medianest.conf);
ok -s "$etc/$_", $_ for qw(cron.d/medianest logrotate.d/medianest medianest/medianest.conf.sample);
ok -s "$at/share/bash-completion/completions/$_", "completion of $_"
    for qw(medianest-admin medianest-sync);
ok -x "$at/libexec/medianest/medianest-redis", 'medianest-redis';
unlike qx{cat $units/*.service $etc/cron.d/medianest}, qr/\@[a-z]+\@/, 'no placeholder is left';
unlike qx{cat $units/medianest-worker.service},
    qr/^(?:ProcSubset|ProtectProc|ProtectKernelTunables|ProtectKernelLogs|RestrictSUIDSGID)=/m,
    'the unit of the worker forbids nothing that bubblewrap needs';
like(qx{cat $units/medianest-worker.service}, qr/^$_=/m, "the worker has a $_")
    for qw(MemoryMax TasksMax WatchdogSec);
for my $unit (qw(medianest-fcgi@ medianest-notifyd medianest-redis)) {
	like qx{cat '$units/$unit.service'}, qr/^MemoryMax=/m, "$unit has a MemoryMax";
}
like qx{cat '$units/$_.service'}, qr/^Slice=medianest\.slice$/m, "$_ shares the limit of the house"
    for qw(medianest-fcgi@ medianest-worker medianest-notifyd medianest-redis);
my ($share) = qx{cat '$units/medianest.slice'} =~ /^MemoryMax=(\d+)%$/m;
cmp_ok $share // 100, '<=', 75, 'which leaves a quarter of the memory to the others';

SKIP: {
	skip 'systemd-analyze is not here', 1 unless -x '/usr/bin/systemd-analyze';
	# The units name programs where they will be; for the check they lie in DESTDIR.
	my $copy = tempdir(CLEANUP => 1);
	run("cp -r '$units'/. '$copy' && sed -i 's|=$prefix/|=$at/|' '$copy'/*.service && mv "
	    . "'$copy/medianest-fcgi@.service' '$copy/medianest-fcgi\@media.service'");
	my ($good, $why) = run("systemd-analyze verify --man=no "
	    . "'$copy'/medianest-fcgi\@media.service '$copy'/medianest-worker.service "
	    . "'$copy'/medianest-notifyd.service '$copy'/medianest-redis.service "
	    . "'$copy'/medianest-backup.service '$copy'/medianest-backup.timer");
	$why = join "\n", grep { /medianest/ && !/Failed to (?:create|connect)/ } split /\n/, $why;
	is $why, '', 'systemd has no complaint about the units';
	# What an intruder in one of them could do, by systemd's own measure (10: everything).
	my %most = (map({ ("medianest-$_" => 2.0) } qw(fcgi@media fcgi@storage fcgi@store
	    fcgi@verify notifyd redis backup)), 'medianest-worker' => 3.0);
	for my $pool (qw(storage store verify)) { # offline, systemd-analyze reads no drop-in
		run("cat '$copy/medianest-fcgi\@media.service' "
		    . "'$copy/medianest-fcgi\@$pool.service.d/user.conf' "
		    . ">'$copy/medianest-fcgi\@$pool.service'");
	}
	for my $unit (sort keys %most) {
		my $said = qx{systemd-analyze security --offline=yes '$copy/$unit.service' 2>&1};
		my ($level) = $said =~ /Overall exposure level for \S+: ([0-9.]+)/;
		ok defined $level && $level <= $most{$unit},
		    "$unit: exposed by at most $most{$unit}"
		    or diag $level // $said;
	}
}
# Each pool has its socket, in the group that serves it.
my ($groups) = qx{'$at/sbin/medianest-fcgi' --help} =~ /^pools: (.*)$/m;
is_deeply [sort map { m{/pool-(\w+)\.sock$} ? $1 : () }
    qx{cat '$units/medianest-fcgi\@api.socket' '$units/medianest-fcgi\@storage.socket'}],
    [sort split ' ', $groups], 'every pool has a socket of systemd';
is_deeply [qx{grep -o 'pool-.*' '$units/medianest-fcgi\@storage.socket'}],
    ["pool-verify.sock\n", "pool-store.sock\n"], 'those of the store under its user';

SKIP: {
	skip 'systemd-sysusers is not here', 1 unless -x '/usr/bin/systemd-sysusers';
	my $tree = tempdir(CLEANUP => 1);
	make_path("$tree/etc", "$tree/usr/lib/sysusers.d");
	run("cp /etc/passwd /etc/group '$tree/etc'; cp '$at/lib/sysusers.d/medianest.conf' "
	    . "'$tree/usr/lib/sysusers.d/'");
	my ($good, $why) = run("systemd-sysusers --root='$tree' && grep -q '^medianest:' "
	    . "'$tree/etc/passwd' && grep -q '^medianest-storage:.*www-data' '$tree/etc/group'");
	ok $good, 'systemd-sysusers makes the user and the groups' or diag $why;
}

# Completion offers every command and option of the programs' own tables, and no others.
sub completed {
	my @words = @_;
	my $line = join ' ', map { "'$_'" } @words;
	my $ask = '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _medianest;'
	    . ' echo "${COMPREPLY[*]}"';
	return sort split /\s+/,
	    qx{PATH='$at/sbin':"\$PATH" bash -c '$ask' '$root/completions/medianest' $line};
}
my $program = qx{cat '$root/src/bin/medianest_admin.c'};
my %commands = map { $_ => 1 } $program =~ /^\t\{ "([a-z ]+)",/mg;
is_deeply [grep { !/^-/ } completed('medianest-admin', '')],
    [sort keys %{ { map { (split ' ')[0] => 1 } keys %commands } }], 'completion: commands';
my %offered;
for my $command (sort keys %commands) {
	my @words = ('medianest-admin', split(' ', $command), '--');
	$offered{$_} = 1 for grep { /^--/ } completed(@words);
}
delete @offered{qw(--config --help --version)};
is_deeply [sort keys %offered], [sort map { "--$_" }
    $program =~ /^\t\[OPTION_\w+\] = \{ "([a-z-]+)"/mg], 'completion: options';
is_deeply [completed('medianest-admin', 'keys', 'r')], [qw(reseal rotate)],
    'completion: the second word';
my $sync = qx{cat '$root/src/bin/medianest_sync.c'};
is_deeply [grep { !/^--(?:config|help|version)$/ } completed('medianest-sync', '--')],
    [sort map { "--$_" } $sync =~ /^\t\[\w+\] = \{ "([a-z-]+)"/mg], 'completion of medianest-sync';

# The pools of the store read a file of their own.
for my $pool (qw(verify store)) {
	my $unit = qx{cat '$units/medianest-fcgi\@$pool.service.d/user.conf'};
	like $unit, qr{^ExecStart=\nExecStart=\S+ --pool %i --config \S+/store\.conf$}m,
	    "$pool: settings of its own";
	like $unit, qr{^$_=\+\S+/medianest-admin .* store settings \S+/store\.conf$}m,
	    "$pool: $_ makes them" for qw(ExecStartPre ExecReload);
}
my $secret = tempdir('mn-secret-XXXXXX', TMPDIR => 1, CLEANUP => 1);
open my $set, '>', "$secret/medianest.conf" or die "$secret: $!";
print $set "smtp.password = hush-mail\ndatabase.api_url = postgresql://a:hush-api\@db/m\n",
    "database.store_url = postgresql://s:store-only\@db/m\nlog.level = debug\n",
    "data.dir = $secret\nredis.url = redis://:hush-redis\@cache\n";
close $set;
mkdir "$secret/objects";
($ok, $said) = run("'$build/medianest-admin' --config '$secret/medianest.conf' store settings "
    . "'$secret/store.conf'");
ok $ok, 'store settings' or diag $said;
my $given = qx{cat '$secret/store.conf'};
unlike $given, qr/hush/, 'no secret of the others';
like $given, qr/^$_$/m, $_ for 'database\.store_url = \S+store-only\S+', 'log\.level = debug',
    "data\\.dir = \Q$secret\E";
# Every setting that their code reads is in it once it is set, to whatever value.
my @read = store_settings();
for (qw(database.store_url pool.verify.workers pool.store.workers pool.store.workers_max
    storage.secret_key)) {
	my $key = $_;
	ok scalar(grep({ $_ eq $key } @read)), "their code reads $key";
}
my %value = qx{cat '$etc/medianest/medianest.conf.sample'} =~ /^#([\w.]+) = ?(.*)$/mg;
$value{'data.dir'} = $secret;
open $set, '>', "$secret/whole.conf" or die "$secret: $!";
print $set map { "$_ = $value{$_}\n" } sort keys %value;
close $set;
($ok, $said) = run("'$build/medianest-admin' --config '$secret/whole.conf' store settings "
    . "'$secret/given.conf'");
ok $ok, 'store settings, all set' or diag $said;
my %held = qx{cat '$secret/given.conf'} =~ /^([\w.]+) = ?(.*)$/mg;
is $held{$_}, $value{$_}, "$_ is given to them" for @read;
is_deeply [grep { /^(?:smtp|redis|database\.(?:api|worker|migrate))/ } sort keys %held], [],
    'none with a secret of the others';
is((stat "$secret/store.conf")[2] & 07777, 0640, 'for their group');
is_deeply [glob "$secret/store.conf?*"], [], 'nothing is left beside it';

for ([0644, qr/everyone may read it: chmod 0640 \S+medianest\.conf/, 'a warning'],
    [0640, qr/no key to sign tokens/, 'none']) {
	my ($mode, $like, $what) = @$_;
	chmod $mode, "$secret/medianest.conf";
	(undef, $said) = run("'$build/medianest-fcgi' --pool health --config"
	    . " '$secret/medianest.conf'");
	like $said, $like, sprintf 'mode %04o: %s', $mode, $what;
	unlike $said, qr/everyone may read it/, 'nothing to complain of' if $mode == 0640;
}

SKIP: {
	skip 'only root can try what root opens', 1 unless $> == 0 && getpwnam('www-data');
	skip 'tools of a host are not here', 1 if grep { system("command -v $_ >/dev/null") }
	    qw(systemd-tmpfiles systemd-sysusers logrotate nginx);
	subtest 'directories in which root opens files' => sub { roots_places() };
}

# The settings that the code of the store's pools reads, by the names that it has for them.
sub store_settings {
	my (%key, %read);
	my $table = qx{cat '$root/src/core/config_table.def'};
	$key{$1} = $2 while $table =~ /^CONFIG\((\w+), "([^"]+)"/mg;
	for my $file (glob("$root/src/objectstore/*.c $root/src/http/*.c"),
	    map { "$root/src/$_.c" } qw(bin/medianest_fcgi bin/pools bin/daemon service/keyring
	        service/services)) {
		my $code = qx{cat '$file'};
		# What only the other roles read: their rows, and what comes after the return.
		$code =~ s/^.*\bSERVICES_(?!STORE\b)[A-Z]+\b.*\bCFG_.*$//mg;
		$code =~ s/\bCFG_\w+, SERVICES_(?!STORE\b)[^}]*\}//g;
		$code =~ s/if \(role == SERVICES_STORE\)\s+return true;.*//s;
		$read{ $key{$_} // die "$file: CFG_$_ is no setting" } = 1
		    for $code =~ /\bCFG_(\w+)/g;
	}
	return sort keys %read;
}

# The directories, made twice as an upgrade does, in a tree with users of its own.
sub roots_places {
	my $tree = tempdir(CLEANUP => 1);
	chmod 0755, $tree;
	make_path("$tree/etc", "$tree/var/log/nginx", "$tree/run", "$tree/var/lib");
	run("cp /etc/passwd /etc/group '$tree/etc'; cp -r '$at/lib/sysusers.d' '$at/lib/tmpfiles.d'"
	    . " '$tree/etc/' && systemd-sysusers --root='$tree'");
	my ($ok, $said);
	for (1 .. 2) {
		($ok, $said) = run("systemd-tmpfiles --root='$tree' --create medianest.conf");
		ok $ok, 'systemd-tmpfiles' or diag $said;
	}
	my $www = getpwnam 'www-data';
	for my $dir (qw(var/log/nginx/medianest var/lib/medianest var/lib/medianest/objects/.tmp)) {
		my ($mode, $uid) = (stat "$tree/$dir")[2, 4];
		is $uid, 0, "/$dir is root's";
		is $mode & 022, 0, 'and nobody else may write in it';
	}
	is((stat "$tree/var/log/nginx/medianest")[2] & 07777, 0750, 'logs are for adm');
	is((stat "$tree/var/lib/medianest/objects/.tmp/body")[4], $www, 'nginx may spool');
	my $moved = fork // die "fork: $!";
	if (!$moved) {
		my $group = getgrnam 'www-data';
		($(, $)) = ($group, "$group $group");
		POSIX::setuid($www);
		my $objects = "$tree/var/lib/medianest/objects";
		my $may = mkdir "$objects/ab";
		my $took = rename("$objects/.tmp", "$objects/old")
		    || rename("$objects/.tmp/body", "$objects/.tmp/old")
		    || symlink('/etc/shadow', "$tree/var/log/nginx/medianest/access.log");
		POSIX::_exit($took ? 1 : $may ? 0 : 2);
	}
	waitpid $moved, 0;
	is $? >> 8, 0, 'www-data makes directories of blobs, and moves none of root\'s';
	rotation($tree, "$tree/var/log/nginx/medianest");
}

# nginx as on a host: a master of root's, workers of www-data. After a rotation they write on.
sub rotation {
	my ($tree, $log) = @_;
	my $port = MediaNest::Test::free_port();
	open my $out, '>', "$tree/nginx.conf" or die "$tree: $!";
	print $out <<"CONF";
user www-data;
worker_processes 1;
pid $tree/nginx.pid;
error_log $tree/error.log;
events { }
http {
	access_log $log/access.log;
	client_body_temp_path $tree/body;
	server { listen 127.0.0.1:$port; return 204; }
}
CONF
	close $out;
	my $script = qx{cat '$etc/logrotate.d/medianest'};
	like $script, qr/^\tcreate 0640 root adm$/m, 'new logs are for adm';
	my ($signal) = $script =~ /invoke-rc\.d nginx (\w+)/;
	$script =~ s{/var/log/nginx/medianest}{$log};
	my $name = { reload => 'HUP', rotate => 'USR1' }->{$signal};
	$script =~ s{invoke-rc\.d nginx \w+ >/dev/null 2>&1}{kill -s $name \$(cat $tree/nginx.pid)};
	open $out, '>', "$tree/rotate" or die "$tree: $!";
	print $out $script;
	close $out;
	chmod 0644, "$tree/rotate";
	my ($ok, $said) = run("nginx -c '$tree/nginx.conf' -e '$tree/error.log'");
	ok $ok, 'nginx starts' or return diag $said;
	my $get = sub { HTTP::Tiny->new->get("http://127.0.0.1:$port/$_[0]") };
	$get->('before');
	($ok, $said) = run("logrotate -f -s '$tree/state' '$tree/rotate'");
	ok $ok, 'logrotate' or diag $said;
	is((stat "$log/access.log")[2] & 07777, 0640, 'the new file is for adm');
	ok(eval { wait_until(sub {
		$get->('after');
		return qx{cat '$log/access.log'} =~ /after/;
	}, 10, 'a line') }, 'lines go to the new file');
	like qx{cat '$log/access.log.1'}, qr/before/, 'the old one is kept';
	run("kill \$(cat '$tree/nginx.pid')");
	wait_until(sub { !-e "$tree/nginx.pid" }, 10, 'the end of nginx');
}

# A stock Debian tree, moved aside: includes and the pid file follow, nothing else changes.
my $tree = tempdir('mn-nginx-XXXXXX', TMPDIR => 1, CLEANUP => 1);
run("cp -rL /etc/nginx '$tree/nginx' && rm -rf '$tree'/nginx/modules-enabled/* "
    . "'$tree'/nginx/sites-enabled/* '$tree'/nginx/conf.d/*");
run("mkdir -p '$tree/log' '$tree/run' '$tree/data/objects/.tmp/body'");
run("grep -rlZ /etc/nginx '$tree/nginx' | xargs -0 -r sed -i 's|/etc/nginx|$tree/nginx|g'");
run("sed -i 's|/run/nginx.pid|$tree/run/nginx.pid|; s|/var/log/nginx|$tree/log|g' "
    . "'$tree/nginx/nginx.conf'");
run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "
    . "'$tree/key.pem' -out '$tree/cert.pem' -days 2 -subj /CN=media.example.org");
open my $conf, '>', "$tree/medianest.conf" or die "$tree: $!";
print $conf <<"CONF";
public.url = https://media.example.org
storage.endpoint = https://files.media.example.org
nginx.storage_listen = 443, [::]:443
nginx.certificate = $tree/cert.pem
nginx.certificate_key = $tree/key.pem
nginx.log_dir = $tree/log
run.dir = $tree/run
data.dir = $tree/data
trusted_proxies = 10.0.0.0/8, fd00::/8
cors.origins = https://app.example.org
CONF
close $conf;
($ok, $said) = run(
    "'$prefix/sbin/medianest-admin' --config '$tree/medianest.conf' nginx '$tree/nginx/medianest'");
ok $ok, 'medianest-admin nginx' or diag $said;
ok !-e "$tree/nginx/medianest/nginx.conf", 'a drop-in has no frame of its own';
run("ln -s ../medianest/medianest.conf '$tree/nginx/conf.d/medianest.conf'");
($ok, $said) = run(
    "nginx -t -p '$tree/nginx/' -c '$tree/nginx/nginx.conf' -e '$tree/log/error.log'");
ok $ok, 'nginx -t with the drop-in in a stock tree' or diag $said;
unlike $said, qr/\[warn\]/, 'without a warning';
my $made = qx{cat '$tree'/nginx/medianest/*.conf};
like $made, qr/set_real_ip_from fd00::\/8;/, 'trusted proxies';
like $made, qr/"https:\/\/app\.example\.org" \$http_origin;/, 'origins';
like $made, qr/connect-src 'self' wss:\/\/media\.example\.org https:\/\/files\.media\.example\.org/,
    'the policy names the store';

open $conf, '>>', "$tree/medianest.conf" or die "$tree: $!";
print $conf "storage.embedded = false\n";
close $conf;
run("rm -rf '$tree/nginx/medianest'");
($ok, $said) = run("'$prefix/sbin/medianest-admin' --config '$tree/medianest.conf' nginx "
    . "'$tree/nginx/medianest' && nginx -t -p '$tree/nginx/' -c '$tree/nginx/nginx.conf' -e "
    . "'$tree/log/error.log'");
ok $ok, 'the same with a foreign store' or diag $said;
ok !-e "$tree/nginx/medianest/storage.conf", 'which nginx does not serve';
run("sed -i 's|^cors.origins.*|cors.origins = https://x\"; evil|' '$tree/medianest.conf'");
($ok, $said) = run(
    "'$prefix/sbin/medianest-admin' --config '$tree/medianest.conf' nginx '$tree/nginx/medianest'");
ok !$ok, 'a setting that nginx would read as syntax is refused';
done_testing;
