package MediaNest::Link;
# A long, lossy line between this network namespace and another one, which exists as long as the
# line does (t/tools/link.c). Tests that use it stand in a namespace of their own (apart()), so that
# devices and addresses are theirs alone.
#
#   MediaNest::Link::apart();            # runs this program again in a namespace of its own
#   my $link = MediaNest::Link->start(delay => 100, loss => 100, rate => 4000, queue => 200,
#       seed => 1);                      # ms each way, of 10000, kbit/s, ms
#   $link->near;  $link->far;            # addresses of the two ends
#   run($link->within, 'curl', ...);     # a command at the far end
#   $link->down;  $link->up;             # nothing passes
#   $link->move;                         # the far end gets another address
#   my $mn = $link->stack(set => {...}); # a stack at this end
#   my $b = $link->browser(dir => ...);  # a Chromium at the far end, which reaches it by the line
#   my @paths = photos($dir, 40, 60_000);  # so many, of so many bytes, all different
#   say $link->plain_rate(6, 30);        # Mbit/s that six connections carry from there, for 30 s
#   my ($sent, $lost, $dropped) = @{ $link->count->{back} };  # packets from the far end to here
use v5.36;
use IO::Handle;
use IO::Select;
use IO::Socket::INET;
use IPC::Open2 qw(open2);
use MediaNest::Browser;
use MediaNest::Media;
use MediaNest::Test;
use Time::HiRes qw(time);

use constant { DEVICE => 'mnline', NETWORK => '10.91.8', NEAR => 1, FAR => 2, WARM_SECONDS => 5,
    CHUNK => 1 << 18 };

# Why there can be no such line here; undef where there can.
sub missing () {
	return 'only root can make a lossy line' if $> != 0;
	return 'no /dev/net/tun here' if !-c '/dev/net/tun' || !open my $tun, '+<', '/dev/net/tun';
	return 'no devices in network namespaces here' if system('unshare', '--net', 'sh', '-c',
	    'ip link set lo up && ip tuntap add dev probe mode tun 2>/dev/null') != 0;
	return;
}

sub apart () {
	return if $ENV{MEDIANEST_TEST_ALONE};
	local $ENV{MEDIANEST_TEST_ALONE} = 1;
	exec 'unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', $^X,
	    (map { "-I$_" } grep { !ref } @INC), $0, @ARGV or die "unshare: $!";
}

sub start ($class, %with) {
	my $self = bless { owner => $$, last => FAR, %with }, $class;
	my %letter = (delay => 'd', loss => 'l', rate => 'r', queue => 'q', seed => 's');
	my @options = map { ("-$letter{$_}", $with{$_}) } grep { defined $with{$_} }
	    sort keys %letter;

	$self->{pid} = open2($self->{out}, $self->{in},
	    MediaNest::Test::build_directory() . '/t/tools/link', @options, DEVICE);
	$self->{in}->autoflush;
	die "t/tools/link did not start\n" if (readline($self->{out}) // '') ne "ready\n";
	ip('addr', 'add', $self->near . '/24', 'dev', DEVICE);
	ip(qw(link set), DEVICE, 'up');
	$self->far_ip(qw(link set lo up));
	$self->far_ip(qw(link set), DEVICE, 'up');
	$self->far_ip(qw(addr add), $self->far . '/24', 'dev', DEVICE);
	$self->use_cubic;
	return $self;
}

sub near ($self) { return NETWORK . '.' . NEAR }
sub far ($self) { return NETWORK . ".$self->{last}" }
sub within ($self) { return ('nsenter', "--net=/proc/$self->{pid}/ns/net", '--') }

sub run (@command) {
	my $said = MediaNest::Test::run_output(@command);

	die "@command: $said" if $? != 0;
	return $said;
}
sub ip (@arguments) { return run('ip', @arguments) }
sub far_ip ($self, @arguments) { return run($self->within, 'ip', @arguments) }

sub command ($self, $command) {
	print { $self->{in} } "$command\n";
	my $said = readline $self->{out};
	die "t/tools/link has ended\n" if !defined $said;
	chomp $said;
	return $said;
}
sub down ($self) { return $self->command('down') }
sub up ($self) { return $self->command('up') }

# As when a phone leaves one network for another.
sub move ($self) {
	my $old = $self->far;

	$self->{last}++;
	$self->far_ip(qw(addr del), "$old/24", 'dev', DEVICE);
	$self->far_ip(qw(addr add), $self->far . '/24', 'dev', DEVICE);
	return $self->use_cubic;
}

# What the systems of most browsers have, whatever this one does: bbr would not mind the losses. By
# the route, because a namespace may not choose by sysctl what is restricted on its host.
sub use_cubic ($self) {
	my @route = ('route', 'change', NETWORK . '.0/24', 'dev', DEVICE, qw(congctl cubic));

	ip(@route, 'src', $self->near);
	return $self->far_ip(@route, 'src', $self->far);
}

sub count ($self) {
	my @figures = split ' ', $self->command('count');

	return { there => [ @figures[ 0 .. 2 ] ], back => [ @figures[ 3 .. 5 ] ] };
}

# Its URL is of 127.0.0.1, which the browser looks for at the near end of the line.
sub stack ($self, %with) {
	my $port = MediaNest::Test::free_port();
	my %listen = ('nginx.listen' => $port, 'nginx.storage_listen' => $port + 1);

	return MediaNest::Test->stack(%with, port => $port, set => { (map {
		($_ => "127.0.0.1:$listen{$_}," . $self->near . ":$listen{$_}")
	} keys %listen), %{ $with{set} // {} } });
}

sub browser ($self, %with) {
	my $binary = "$with{dir}/chromium";

	mkdir $with{dir};
	open my $out, '>', $binary or die "$binary: $!";
	print $out join ' ', "#!/bin/sh\nexec", $self->within, MediaNest::Browser::CHROMIUM,
	    qq{"\$@"\n};
	close $out or die "$binary: $!";
	chmod 0755, $binary;
	# chromedriver stays here and speaks to it through a pipe. What shines while it waits takes
	# as much of the processor as all the rest.
	return MediaNest::Browser->start(%with, binary => $binary, arguments => [
	    qw(--remote-debugging-pipe --force-prefers-reduced-motion),
	    '--host-resolver-rules=MAP 127.0.0.1 ' . $self->near,
	    @{ $with{arguments} // [] } ]);
}

# What follows the picture in its file makes it as long and as hard to compress as a photo.
sub photos ($dir, $n, $bytes) {
	MediaNest::Media::ffmpeg(qw(-f lavfi -i mandelbrot=s=320x240 -frames:v), $n,
	    "$dir/photo-%05d.jpg");
	open my $random, '<:raw', '/dev/urandom' or die "/dev/urandom: $!";
	return map {
		my $path = sprintf "$dir/photo-%05d.jpg", $_;
		open my $out, '>>:raw', $path or die "$path: $!";
		my $left = $bytes - -s $out;
		die "$path is too long\n" if read($random, my $noise, $left) != $left;
		print $out $noise;
		close $out or die "$path: $!";
		$path;
	} 1 .. $n;
}

# Sends until it is killed.
my $SEND = <<'PERL';
	my $to = IO::Socket::INET->new(PeerAddr => $ARGV[0]) or die "connect: $@";
	my $bytes = 'x' x 65536;
	1 while syswrite $to, $bytes;
PERL

sub plain_rate ($self, $n, $seconds) {
	my $listener = IO::Socket::INET->new(LocalAddr => $self->near, Listen => $n)
	    or die "listen: $!";
	my @senders = map {
		my $pid = fork // die "fork: $!";
		exec $self->within, $^X, '-MIO::Socket::INET', '-e', $SEND,
		    $self->near . ':' . $listener->sockport if !$pid;
		$pid;
	} 1 .. $n;
	my $streams = IO::Select->new(map { $listener->accept } 1 .. $n);
	my ($begin, $sum) = (time + WARM_SECONDS, 0);
	my $end = $begin + $seconds;

	while ((my $now = time) < $end) {
		for my $stream ($streams->can_read($end - $now)) {
			my $got = sysread $stream, my $bytes, CHUNK;
			$sum += $got // 0 if $now >= $begin;
		}
	}
	kill 'KILL', @senders;
	waitpid $_, 0 for @senders;
	return $sum * 8 / 1e6 / $seconds;
}

sub stop ($self) {
	return if !$self->{pid} || $self->{owner} != $$;
	local $?;
	close $self->{in};
	waitpid delete $self->{pid}, 0;
	return;
}

sub DESTROY ($self) { return $self->stop }

1;
