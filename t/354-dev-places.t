#!/usr/bin/perl
# ./dev in places that are not its author's: where everything lies, whose it is, what is installed.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use MediaNest::Test;
use Test::More;

use constant PERSON => 'nobody';

my $root = abs_path("$FindBin::Bin/..");
my $dir = tempdir('mn-places-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $dir;
my $is_root = $> == 0;
my ($uid, $gid) = $is_root ? (getpwnam PERSON)[ 2, 3 ] : ($>, $) + 0);
my @as_person = $is_root ? ('setpriv', '--reuid', $uid, '--regid', $gid, '--clear-groups') : ();
my $build = MediaNest::Test::build_directory();

delete @ENV{qw(XDG_STATE_HOME MEDIANEST_DEV_BUILD MEDIANEST_DEV_BUILT MEDIANEST_DEV_QUIET)};
local $ENV{MEDIANEST_DEV_INSTALLED} = 1;
local $ENV{MEDIANEST_DEV_OWNER} = $$;

# A checkout of its own; the sources only.
sub checkout {
	my ($name) = @_;
	my $to = "$dir/$name";
	mkdir $to or die "$to: $!";
	my $said = MediaNest::Test::run_output('sh', '-c',
		'tar -C "$1" --exclude=./.git --exclude=./var --exclude=./build '
		. '--exclude="./build-[!a]*" --exclude="./build-a[!u]*" '
		. '--exclude=./autom4te.cache --exclude=./config.status -cf - . '
		. '| tar -C "$2" --no-same-owner -xf -', 'sh', $root, $to);
	die $said if $?;
	return $to;
}

# What a command says, with some of the environment changed (undef: not there).
sub said {
	my ($set, @command) = @_;
	local %ENV = (%ENV, %$set);
	delete @ENV{ grep { !defined $set->{$_} } keys %$set };
	return MediaNest::Test::run_output(@command);
}

# Where it would build.
sub place {
	my ($set, @command) = @_;
	my $said = said({ MEDIANEST_DEV_BUILT => 1, %$set }, @command);
	return $said =~ /^built in (.+), installed in \1\/inst$/m ? $1 : $said;
}

sub files { return [ sort split /\n/, MediaNest::Test::run_output('find', $_[0]) ] }
sub text { my ($file) = @_; open my $in, '<', $file or return ''; local $/; return scalar <$in> }

subtest 'places' => sub {
	my $here = checkout('plain');
	my $var = "$dir/elsewhere";
	is place({}, "$here/dev", 'build'), "$here/build", 'in the checkout';
	like place({ XDG_STATE_HOME => "$dir/state" }, "$here/dev", 'build'),
		qr{^\Q$dir\E/state/medianest/plain-\d+/build$}, 'below XDG_STATE_HOME';
	is place({ XDG_STATE_HOME => 'state' }, "$here/dev", 'build'), "$here/build",
		'which counts only when it is absolute';
	is place({ XDG_STATE_HOME => "$dir/state" }, "$here/dev", 'build', '--var', $var),
		"$var/build", '--var goes first';
	is place({ MEDIANEST_DEV_BUILD => "$dir/b" }, "$here/dev", 'build', '--var', $var),
		"$dir/b", 'a build directory that is named even before it';
	ok !-e $var, 'nothing was made by asking';
	like said({ XDG_STATE_HOME => "$dir/a b" }, "$here/dev", 'build'),
		qr/may hold only letters.*XDG_STATE_HOME/s,
		'a place with blanks is refused in words';
};

subtest 'a checkout that the person cannot write to' => sub {
	my $here = checkout('foreign');
	my ($home, $name) = ("$dir/home", qr/foreign-\d+/);
	mkdir $home;
	chown $uid, $gid, $home;
	chmod 0555, $here unless $is_root;
	my @build = (@as_person, "$here/dev", 'build');
	like place({ HOME => $home }, @build), qr{^\Q$home\E/.local/state/medianest/$name/build$},
		'is built in the home directory';
	my $told = (getpwuid $uid)[7];
	my $tmp = "/var/tmp/medianest-dev-$uid";
	my $had = -e $tmp;
	like place({ HOME => undef }, @build),
		qr{^(?:\Q$told\E/.local/state/medianest|\Q$tmp\E)/$name/build$}, 'without HOME too';
	like place({ HOME => "$dir/no such" }, @build), qr{^\Q$tmp\E/$name/build$},
		'in /var/tmp where there is no home';
	is((stat $tmp)[4], $uid, "... in a directory of one's own");
	is((stat $tmp)[2] & 0777, 0700, '... that nobody else sees');
	rmdir $tmp unless $had;
	chmod 0755, $here;
};

SKIP: {
	skip 'a second person needs root', 1 unless $is_root;
	subtest "root in another person's checkout" => sub {
		my $here = checkout('theirs');
		MediaNest::Test::run_output('chown', '-R', "$uid:$gid", $here);
		local $ENV{MEDIANEST_DEV_BUILD} = $build;
		local $ENV{MEDIANEST_DEV_BUILT} = 1;
		my @port = ('--port', MediaNest::Test::free_port());
		my $theirs = sub { return said({ HOME => undef }, @as_person, "$here/dev", @_) };
		my $roots = sub { return said({}, "$here/dev", @_) };
		my $foreign = sub { return said({}, 'find', "$here/var", '!', '-user', PERSON) };
		my $pid = sub { return text("$here/var/run/supervisor.pid") };

		my $up = $theirs->('up', @port);
		is $?, 0, 'the person starts a stack' or diag $up;
		my $before = $pid->();
		like $roots->('status'), qr/^MediaNest runs at/, 'root sees that it runs';
		is $?, 0, '... by the status too';
		my $again = $roots->('up');
		is $?, 0, "root's up" or diag $again;
		is $pid->(), $before, '... finds it running';
		is $foreign->(), '', '... and takes no file from its owner';
		$roots->('down');
		like $roots->('status'), qr/^MediaNest is down/, 'root stops it';
		$up = $theirs->('up');
		is $?, 0, 'the person starts it again' or diag $up;
		$theirs->('down');

		MediaNest::Test::run_output('rm', '-rf', "$here/var");
		$up = $roots->('up', @port);
		is $?, 0, 'root starts the first one' or diag $up;
		is $foreign->(), '', "which is the person's";
		$theirs->('down');
		like $theirs->('status'), qr/^MediaNest is down/, '... who can stop it';
	};
}

# Programs that take the place of the machine's.
sub fake {
	my ($bin, %scripts) = @_;
	mkdir $bin;
	while (my ($name, $text) = each %scripts) {
		open my $out, '>', "$bin/$name" or die "$bin/$name: $!";
		print $out "#!/bin/sh\n$text\n";
		close $out;
		chmod 0755, "$bin/$name";
	}
	return "$bin:$ENV{PATH}";
}

subtest 'a password, and nobody to type it' => sub {
	my $log = "$dir/sudo.log";
	open my $made, '>', $log or die;
	chmod 0666, $log;
	my $path = fake("$dir/bin-sudo", 'dpkg-query' => 'exit 0', 'apt-cache' => 'exit 100',
		sudo => "echo \"\$*\" >>'$log'; echo 'sudo: a password is required' >&2; exit 1");
	my $said = said({ PATH => $path, MEDIANEST_DEV_INSTALLED => undef, HOME => $dir },
		'setsid', '--wait', @as_person, "$root/dev", 'build');
	isnt $?, 0, 'packages are missing';
	my $todo = qr/sudo bash \S+install-packages autoconf .*nginx/;
	like $said, qr/no terminal .*Run this once, then \.\/dev again:\n  $todo/s,
		'told what to run';
	unlike $said, qr/password is required/, '... and nothing else';
	is text($log), "-n true\n", 'sudo was asked only whether it needs one';
};

subtest 'packages' => sub {
	my %fake = ('apt-cache' => 'test "$3" = known-extra', 'dpkg-query' => <<'SH');
cat <<'LIST'
ii |postgresql-17, postgresql-contrib (= 17+278), postgresql-17-jit-llvm (= 17.5)
ii |valkey-server, 
rc |removed, 
LIST
SH
	my %env = (PATH => fake("$dir/bin-apt", %fake), MEDIANEST_DEV_INSTALLED => undef,
		MEDIANEST_DEV_QUIET => 1);
	my $asks = sub {
		my $said = said(\%env, 'bash', '-euc', '. "$1"; '
			. 'host_install() { echo "$@"; }; shift; host_packages "$@"', 'bash',
			"$root/build-aux/dev/host.sh", @_);
		return $said =~ s/\s+$//r;
	};
	is $asks->('postgresql-17', 'postgresql-contrib'), '',
		'what another package provides is there';
	is $asks->('redis-server|valkey-server'), '', 'one of two is enough';
	is $asks->('removed', 'nginx'), 'removed nginx', 'what is missing is installed';
	is $asks->('unknown-extra:optional'), '', 'what the archive does not have is not asked for';
	is $asks->('known-extra:optional'), 'known-extra:optional', 'what it has is';
};

subtest 'a path with blanks' => sub {
	once_is_enough();
	my $here = checkout('a house');
	my $before = files($here);
	my @dev = ("$here/dev");
	local $ENV{XDG_STATE_HOME} = "$dir/houses";
	my $said = said({ HOME => undef }, @dev, 'build', 'CFLAGS=-O0 -U_FORTIFY_SOURCE');
	is $?, 0, 'is built' or diag $said;
	my ($state) = glob "$dir/houses/medianest/a_house-*";
	ok -x "$state/build/inst/sbin/medianest-admin", '... elsewhere';
	$said = said({}, @dev, 'up', '--port', MediaNest::Test::free_port());
	is $?, 0, 'runs' or diag $said;
	my @stages = ("building in $state", 'starting PostgreSQL', 'migrating the database',
		'starting the pools', 'waiting for the API', 'MediaNest runs at');
	my $stages = join '.*', map { "^\Q$_\E" } @stages;
	like $said, qr/$stages/ms, 'and says what it does, stage by stage';
	is said({ MEDIANEST_DEV_QUIET => 1 }, @dev, 'up'), '', 'or nothing';
	said({}, @dev, 'down');
	is $?, 0, 'ends';
	is_deeply files($here), $before, 'and leaves the checkout as it was';
};

done_testing;
