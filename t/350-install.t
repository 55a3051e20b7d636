#!/usr/bin/perl
# make install into a DESTDIR: everything a host needs is there, and a stock nginx accepts the
# drop-in.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
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
    qw(sbin/medianest-admin sbin/medianest-fcgi sbin/medianest-worker sbin/medianest-notifyd
        libexec/medianest/medianest-media);
ok -s "$at/share/medianest/$_", $_ for
    qw(nginx/medianest.conf.in sql/roles.sql sql/0001-create-foundations.sql web/index.html
        web/openapi.json);
ok -s "$at/share/man/$_", $_ for
    qw(man8/medianest-admin.8 man8/medianest-fcgi.8 man8/medianest-worker.8 man8/medianest-notifyd.8
        man5/medianest.conf.5 man7/medianest-api.7);
my $units = "$at/lib/systemd/system";
ok -s "$units/$_", $_ for qw(medianest.target medianest-fcgi@.service medianest-worker.service
    medianest-notifyd.service medianest-fcgi@verify.service.d/user.conf
    medianest-fcgi@store.service.d/user.conf medianest-fcgi@storage.service.d/user.conf);
ok -s "$at/lib/$_", $_ for qw(sysusers.d/medianest.conf tmpfiles.d/medianest.conf);
ok -s "$etc/$_", $_ for qw(cron.d/medianest logrotate.d/medianest medianest/medianest.conf.sample);
unlike qx{cat $units/*.service $etc/cron.d/medianest}, qr/\@[a-z]+\@/, 'no placeholder is left';
unlike qx{cat $units/medianest-worker.service},
    qr/^(?:RestrictNamespaces|SystemCallFilter|ProtectProc)=/m, 'the worker may start its sandbox';
like(qx{cat $units/medianest-worker.service}, qr/^$_=/m, "the worker has a $_")
    for qw(MemoryMax TasksMax);

SKIP: {
	skip 'systemd-analyze is not here', 1 unless -x '/usr/bin/systemd-analyze';
	# The units name programs where they will be; for the check they lie in DESTDIR.
	my $copy = tempdir(CLEANUP => 1);
	run("cp -r '$units'/. '$copy' && sed -i 's|=$prefix/|=$at/|' '$copy'/*.service && mv "
	    . "'$copy/medianest-fcgi@.service' '$copy/medianest-fcgi\@media.service'");
	my ($good, $why) = run("systemd-analyze verify --man=no "
	    . "'$copy'/medianest-fcgi\@media.service '$copy'/medianest-worker.service "
	    . "'$copy'/medianest-notifyd.service");
	$why = join "\n", grep { /medianest/ && !/Failed to (?:create|connect)/ } split /\n/, $why;
	is $why, '', 'systemd has no complaint about the units';
}
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

# A stock Debian tree, moved aside: includes and the pid file follow, nothing else changes.
my $tree = tempdir('mn-nginx-XXXXXX', TMPDIR => 1, CLEANUP => 1);
run("cp -rL /etc/nginx '$tree/nginx' && rm -rf '$tree'/nginx/modules-enabled/* "
    . "'$tree'/nginx/sites-enabled/* '$tree'/nginx/conf.d/*");
run("mkdir -p '$tree/log' '$tree/run' '$tree/data/objects/.tmp'");
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
