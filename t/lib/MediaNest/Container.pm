# A root of its own with systemd in it, as on a host: for tests of packages and units. Needs root
# and systemd-nspawn(1). It has no network but its own loopback.
package MediaNest::Container;
use strict;
use warnings;
use Carp qw(croak);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use POSIX ();
use MediaNest::Test ();

# The commands without which there is none, and why a test is skipped; '' if it can be.
sub missing {
	return 'only root can start a container' if $> != 0;
	for (qw(systemd-nspawn nsenter unshare dpkg-deb)) {
		return "$_ is not here" if system("command -v $_ >/dev/null");
	}
	return '';
}

# All mounts end with this process: it goes on in a mount namespace of its own.
sub apart {
	return if $ENV{MEDIANEST_TEST_APART};
	$ENV{MEDIANEST_TEST_APART} = 1;
	exec 'unshare', '--mount', '--propagation', 'private', $^X, (map { "-I$_" } @INC), $0, @ARGV
	    or croak "unshare: $!";
}

# Runs a command of the host, which must succeed.
sub host {
	my ($command) = @_;
	my $said = qx{{ $command
} 2>&1 </dev/null};
	croak "$command: $said" if $?;
	return $said;
}

# What the machine has installed, without what it was made into: /usr with changes in memory, and of
# /etc and /var only what packages brought.
sub borrow {
	my ($class) = @_;
	my $self = $class->_place;
	my $root = $self->{root};
	host("cd $root && mkdir usr dev proc sys run tmp root home mnt var && chmod 1777 tmp");
	host("mount -t overlay overlay -o lowerdir=/usr,upperdir=$self->{dir}/up,"
	    . "workdir=$self->{dir}/work $root/usr");
	# Machines that build things forbid services to start.
	unlink "$root/usr/sbin/policy-rc.d";
	for my $dir (qw(bin sbin lib lib32 lib64 libx32)) {
		symlink "usr/$dir", "$root/$dir" or croak "$dir: $!" if -l "/$dir";
	}
	host("cp -a /etc $root/etc && cd $root/etc && rm -rf systemd/system/* rc?.d/* init.d/*"
	    . " postgresql/* swift sudoers.d/* cron.d/medianest* nginx/sites-enabled/*"
	    . " nginx/conf.d/* nginx/medianest hostname machine-id && touch machine-id"
	    . " && (grep -v '^medianest' passwd >passwd.n; mv passwd.n passwd)");
	host("cd $root/var && mkdir -p lib/postgresql lib/nginx log/nginx log/postgresql"
	    . " lib/systemd"
	    . " cache/man tmp spool/cron www/html lib/redis log/redis backups"
	    . " && ln -s ../run run && ln -s ../run/lock lock && chmod 1777 tmp"
	    . " && cp -a /var/lib/dpkg lib/ && chown postgres: lib/postgresql && chown postgres:adm"
	    . " log/postgresql && chown redis: lib/redis log/redis");
	return $self;
}

# A root that was made before, with changes in memory.
sub over {
	my ($class, $base) = @_;
	my $self = $class->_place;
	host("mount -t overlay overlay -o lowerdir=$base,upperdir=$self->{dir}/up,"
	    . "workdir=$self->{dir}/work $self->{root}");
	return $self;
}

sub _place {
	my ($class) = @_;
	my $dir = tempdir('mn-container-XXXXXX', TMPDIR => 1);
	host("mount -t tmpfs -o mode=755 tmpfs $dir && mkdir $dir/up $dir/work $dir/root");
	return bless { dir => $dir, root => "$dir/root", owner => $$ }, $class;
}

sub root { return $_[0]{root} }

sub write_file {
	my ($self, $path, $text) = @_;
	make_path("$self->{root}$path" =~ s{/[^/]+$}{}r);
	open my $out, '>', "$self->{root}$path" or croak "$path: $!";
	print $out $text;
	close $out or croak "$path: $!";
	return;
}

sub read_file {
	my ($self, $path) = @_;
	open my $in, '<', "$self->{root}$path" or return undef;
	local $/;
	return scalar <$in>;
}

# Runs a command before the start, without systemd.
sub prepare {
	my ($self, $command) = @_;
	return host("systemd-nspawn --quiet --keep-unit --register=no --private-network -D"
	    . " $self->{root} --as-pid2 sh -euc " . quoted($command));
}

sub quoted { my ($text) = @_; return "'" . $text =~ s/'/'\\''/gr . "'" }

sub boot {
	my ($self) = @_;
	my $log = "$self->{dir}/boot.log";
	my $pid = fork // croak "fork: $!";
	if (!$pid) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', $log;
		open STDERR, '>&', \*STDOUT;
		$ENV{SYSTEMD_NSPAWN_API_VFS_WRITABLE} = 1; # or nothing inside may mount /proc
		# A newer bubblewrap mounts by calls that an older nspawn does not let through.
		exec 'systemd-nspawn', '--keep-unit', '--register=no', '--private-network',
		    '--system-call-filter=@mount', '-D', $self->{root}, '--boot',
		    'SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1'
		    or POSIX::_exit(127);
	}
	$self->{nspawn} = $pid;
	MediaNest::Test::wait_until(sub {
		croak 'systemd-nspawn ended: ' . qx{cat $log}
		    if waitpid($pid, POSIX::WNOHANG()) == $pid;
		($self->{leader}) = split /\n/, qx{pgrep -P $pid};
		$self->{leader} && $self->run('systemctl is-system-running')
		    =~ /^(?:running|degraded)$/m;
	}, 60, 'the start of systemd');
	return;
}

# Runs a command inside; returns what it printed. $? is its status.
sub run {
	my ($self, $command) = @_;
	my $enter = "nsenter --target $self->{leader} --all env -i"
	    . " PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8"
	    . " HOME=/root DEBIAN_FRONTEND=noninteractive TERM=dumb sh -c "
	    . quoted($command);
	return qx{$enter 2>&1 </dev/null};
}

sub stop {
	my ($self) = @_;
	my $pid = delete $self->{nspawn} or return;
	kill 'TERM', $pid; # nspawn asks for an orderly end
	eval {
		MediaNest::Test::wait_until(sub { waitpid($pid, POSIX::WNOHANG()) != 0 }, 30,
		    'the end of the container');
	} or do { kill 'KILL', $pid; waitpid $pid, 0 };
	return;
}

sub DESTROY {
	my ($self) = @_;
	return unless $self->{owner} == $$;
	local $?;
	$self->stop;
	system "umount -l $self->{root} 2>/dev/null; umount -l $self->{root}/usr 2>/dev/null;"
	    . " umount -l $self->{dir}; rmdir $self->{dir}";
	return;
}

1;
