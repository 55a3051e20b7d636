package MediaNest::Swift;
# A foreign S3 server for tests: OpenStack Swift with its S3 middleware, from Debian's packages, on
# loopback, in a directory of its own.
#
#   use MediaNest::Swift;
#   my $swift = MediaNest::Swift->start;        # undef where Swift is not installed
#   my $mn = MediaNest::Test->stack(set => $swift->settings);   # storage.* settings
#   MediaNest::Swift->start(cors => 1)          # for pages of any origin
#   $swift->stop;                               # also when it goes out of scope
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use POSIX ();
use Time::HiRes qw(sleep time);

use MediaNest::Test ();

use constant { START_SECONDS => 120, STOP_SECONDS => 10, PARTITION_POWER => 4,
    ACCESS => 'test:tester', SECRET => 'testing-secret', BUCKET => 'medianest' };

my @SERVERS = qw(account container object);
my @PIPELINE = qw(catch_errors gatekeeper proxy-logging cache listing_formats bulk s3api tempauth
    slo dlo symlink versioned_writes proxy-logging proxy-server);

sub installed {
	return !grep { !-x "/usr/bin/$_" } 'swift-proxy-server', 'swift-ring-builder',
	    map { "swift-$_-server" } @SERVERS;
}

sub start {
	my ($class, %option) = @_;
	return undef unless installed();
	my $dir = tempdir('mn-swift-XXXXXX', TMPDIR => 1);
	chmod 0755, $dir;
	my $self = bless { dir => $dir, pid => $$, pids => [], port => {}, %option }, $class;
	my @ports = free_ports(4);
	@{ $self->{port} }{ @SERVERS, 'proxy' } = @ports;
	make_path("$dir/etc", "$dir/log", "$dir/run", "$dir/node/sda");
	my $user = $self->user;
	if ($> == 0) {
		my ($uid, $gid) = (getpwnam $user)[2, 3];
		chown $uid, $gid, $dir, map { "$dir/$_" } qw(etc log run node node/sda);
	}
	$self->configure($user);
	$self->rings;
	$self->spawn($_) for @SERVERS, 'proxy';
	$self->wait_ready;
	return $self;
}

# Swift refuses to run as root: then it runs as the system's nobody.
sub user { return $> == 0 ? 'nobody' : scalar getpwuid $> }

sub free_ports {
	my ($n) = @_;
	my @open = map { IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0,
	    Listen => 1)
	    || die "no port: $!" } 1 .. $n;
	return map { $_->sockport } @open;
}

sub write_file {
	my ($path, $text) = @_;
	open my $out, '>', $path or die "$path: $!";
	print $out $text;
	close $out or die "$path: $!";
}

sub configure {
	my ($self, $user) = @_;
	my ($dir, $port) = @$self{qw(dir port)};
	write_file("$dir/etc/swift.conf",
	    "[swift-hash]\nswift_hash_path_suffix = suffix\nswift_hash_path_prefix = prefix\n\n" .
		"[storage-policy:0]\nname = gold\ndefault = yes\n");
	for my $server (@SERVERS) {
		write_file("$dir/etc/$server-server.conf", <<"END");
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $port->{$server}
workers = 0
user = $user
swift_dir = $dir/etc
devices = $dir/node
mount_check = false
log_address = /nowhere
fallocate_reserve = 0

[pipeline:main]
pipeline = $server-server

[app:$server-server]
use = egg:swift#$server
END
	}
	my %named = map { $_ => 1 } grep { $_ ne 'proxy-server' } @PIPELINE;
	my $filters = join "\n", map { $self->filter($_) } keys %named;
	my $cors = $self->{cors} ? "cors_allow_origin = *\ncors_expose_headers = etag" : '';
	write_file("$dir/etc/proxy-server.conf", <<"END" . $filters);
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $port->{proxy}
workers = 0
user = $user
swift_dir = $dir/etc
log_address = /nowhere
$cors

[pipeline:main]
pipeline = @PIPELINE

[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true

END
}

sub filter {
	my ($self, $name) = @_;
	(my $egg = $name) =~ tr/-/_/;
	$egg = 'memcache' if $name eq 'cache';
	my %more = (
		tempauth => 'user_test_tester = ' . SECRET . ' .admin',
		slo => 'min_segment_size = 1',
		s3api => "location = us-east-1\ndns_compliant_bucket_names = true\ns3_acl = false\n"
		    . 'storage_domain = localhost'
		    . ($self->{cors} ? "\ncors_preflight_allow_origin = *" : ''),
		versioned_writes => 'allow_versioned_writes = true',
	);
	return "[filter:$name]\nuse = egg:swift#$egg\n" . ($more{$name} // '') . "\n";
}

sub rings {
	my ($self) = @_;
	my ($dir, $port) = @$self{qw(dir port)};
	for my $ring (@SERVERS) {
		my $builder = "$dir/etc/$ring.builder";
		for my $arguments (['create', PARTITION_POWER, 1, 1],
		    ['add', "r1z1-127.0.0.1:$port->{$ring}/sda", 1], ['rebalance']) {
			my $said = MediaNest::Test::run_output('swift-ring-builder', $builder,
			    @$arguments);
			die "swift-ring-builder @$arguments: $said" if $? >> 8 > 1;
		}
		chmod 0644, "$dir/etc/$ring.ring.gz";
	}
}

sub spawn {
	my ($self, $server) = @_;
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		POSIX::setsid();
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$self->{dir}/log/$server.log";
		open STDERR, '>&', \*STDOUT;
		chdir $self->{dir};
		my @as = $> == 0
		    ? ('setpriv', '--reuid', $self->user, '--regid', (getpwnam $self->user)[3],
			'--clear-groups') : ();
		{
			no warnings 'exec';
			exec @as, "swift-$server-server", "$self->{dir}/etc/$server-server.conf";
		}
		POSIX::_exit(127);
	}
	push @{ $self->{pids} }, $pid;
	$self->{proxy} = $pid if $server eq 'proxy';
}

sub restart_proxy {
	my ($self) = @_;
	kill 'KILL', $self->{proxy};
	waitpid $self->{proxy}, 0;
	@{ $self->{pids} } = grep { $_ != $self->{proxy} } @{ $self->{pids} };
	$self->spawn('proxy');
	$self->wait_ready;
}

sub wait_ready {
	my ($self) = @_;
	my $until = time + START_SECONDS;
	for my $server (@SERVERS, 'proxy') {
		until (IO::Socket::INET->new(PeerAddr => '127.0.0.1',
		    PeerPort => $self->{port}{$server}, Timeout => 1)) {
			if (time > $until) {
				my $log = MediaNest::Test::run_output('tail', '-20',
				    "$self->{dir}/log/$server.log");
				$self->stop;
				die "swift-$server-server does not come up: $log";
			}
			sleep 0.1;
		}
	}
}

sub endpoint { return "http://127.0.0.1:$_[0]{port}{proxy}" }

# For MediaNest::Test->stack(set => ...).
sub settings {
	my ($self) = @_;
	return { 'storage.embedded' => 'false', 'storage.endpoint' => $self->endpoint,
	    'storage.access_key' => ACCESS, 'storage.secret_key' => SECRET,
		'storage.bucket' => BUCKET, 'storage.region' => 'us-east-1', 'storage.ca_file' => ''
		    };
}

# The same as environment, for programs that read a configuration.
sub environment {
	my ($self) = @_;
	my $settings = $self->settings;
	return map {
		my $name = 'MEDIANEST_' . uc $_;
		$name =~ tr/./_/;
		($name => $settings->{$_});
	} keys %$settings;
}

# With the bucket in the host name: all below localhost is this machine.
sub virtual_host {
	my ($self) = @_;
	return (MEDIANEST_STORAGE_ENDPOINT => "http://localhost:$self->{port}{proxy}",
	    MEDIANEST_STORAGE_PATH_STYLE => 'false');
}

sub stop {
	my ($self) = @_;
	return if $self->{pid} != $$;
	kill 'TERM', @{ $self->{pids} };
	my $until = time + STOP_SECONDS;
	for my $pid (@{ $self->{pids} }) {
		until (waitpid($pid, POSIX::WNOHANG()) != 0) {
			kill 'KILL', $pid if time > $until;
			sleep 0.05;
		}
	}
	$self->{pids} = [];
	MediaNest::Test::run_output('rm', '-rf', $self->{dir});
}

sub DESTROY { local ($?, $@, $!); $_[0]->stop }

1;
