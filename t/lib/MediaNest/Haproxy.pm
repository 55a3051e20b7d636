package MediaNest::Haproxy;
# HAProxy in front of two hosts, as recipes/haproxy.cfg has it.
#
#   my $proxy = MediaNest::Haproxy->start($port, $certificate, a => $address, b => $address,
#       ca => $file);    # host a alone is at the port after it, host b at the next
#   $proxy->state(a => 'drain');      # ready, drain, maint
#   $proxy->is_up('a');
#   $proxy->requests('a');            # how many it has sent there
use v5.36;
use parent 'MediaNest::Recipe';
use File::Temp qw(tempdir);
use IO::Socket::UNIX;
use MediaNest::Test;

use constant { PROGRAM => '/usr/sbin/haproxy', WAIT_SECONDS => 20 };

sub installed { return -x PROGRAM }

sub start ($class, $port, $certificate, %at) {
	my $dir = tempdir('mn-haproxy-XXXXXX', TMPDIR => 1, CLEANUP => 1);
	my ($alone_a, $alone_b) = ($port + 1, $port + 2);
	my $bind = sub ($number) { "bind 127.0.0.1:$number ssl crt $certificate alpn http/1.1" };
	my $self = $class->SUPER::start('haproxy.cfg', {
	    'bind :443 ssl crt /etc/haproxy/media.example.org.pem alpn h2,http/1.1' =>
		join("\n\t", map { $bind->($_) } $port, $alone_a, $alone_b),
	    'bind :8444 ssl crt /etc/haproxy/media.example.org.pem' => $bind->($port + 3),
	    'balance leastconn' => "balance leastconn\n\tuse-server a if { dst_port $alone_a }\n"
		. "\tuse-server b if { dst_port $alone_b }",
	    '/etc/haproxy/hosts.pem' => $at{ca}, '/run/haproxy/admin.sock' => "$dir/control",
	    '192.0.2.11:443' => $at{a}, '192.0.2.12:443' => $at{b} },
	    [PROGRAM, '-db', '-f'], dir => $dir);
	wait_until(sub { -S "$dir/control" }, WAIT_SECONDS, 'HAProxy');
	return $self;
}

sub command ($self, $text) {
	my $socket = IO::Socket::UNIX->new(Peer => "$self->{dir}/control")
	    or die "HAProxy's socket: $!";
	print $socket "$text\n";
	local $/;
	return scalar <$socket>;
}

sub figures ($self, $host) {
	my ($names, @lines) = split /\n/, $self->command('show stat');
	my @names = split /,/, $names =~ s/^# //r;
	my ($line) = grep { /^hosts,\Q$host\E,/ } @lines;
	my %figure;
	@figure{@names} = split /,/, $line;
	return \%figure;
}

sub state ($self, $host, $state) { return $self->command("set server hosts/$host state $state") }
sub is_up ($self, $host) { return $self->figures($host)->{status} =~ /^UP/ }
sub requests ($self, $host) { return $self->figures($host)->{stot} }
sub wait_up ($self, @hosts) {
	wait_until(sub { $self->is_up($_) }, WAIT_SECONDS, "HAProxy to see $_") for @hosts;
	return;
}

1;
