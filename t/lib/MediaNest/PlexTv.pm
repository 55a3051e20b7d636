package MediaNest::PlexTv;
# A stand-in for plex.tv: PINs belong to the client that asked for them, a token "t7" is that of
# account 7.
#
#   my $plex = MediaNest::PlexTv->start;
#   my $mn = MediaNest::Test->stack(set => { $plex->settings });
#   $plex->confirm($pin, 7);        # in the browser; $pin: the answer of POST pin
#   $plex->forget($pin);
#   $plex->{pid}; $plex->stop;
use strict;
use warnings;
use parent 'MediaNest::StandIn';
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP;

sub start {
	my ($class) = @_;
	my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 16,
	    ReuseAddr => 1)
	    or die "listen: $!";
	my $self = bless { port => $listener->sockport, owner => $$ }, $class;
	$self->{url} = "http://127.0.0.1:$self->{port}";
	return $self->apart(sub { _serve($listener) });
}

sub settings {
	my ($self) = @_;
	return ('plex.tv_url' => "$self->{url}/", 'outbound.allow' => "127.0.0.1:$self->{port}");
}

sub confirm {
	my ($self, $pin, $account) = @_;
	my ($n) = $pin->{json}{code} =~ /(\d+)/;
	HTTP::Tiny->new->get("$self->{url}/confirm/$n/$account");
	return;
}

sub forget {
	my ($self, $pin) = @_;
	HTTP::Tiny->new->get("$self->{url}/forget/" . $pin->{json}{code} =~ s/\D//gr);
	return;
}

sub _answer {
	my ($pin, $serial, $method, $target, $header) = @_;
	my $id = $header->{'x-plex-client-identifier'} // '';

	if ($target =~ m{^/confirm/(\d+)/(\d+)$}) {
		$pin->{$1}{authToken} = "t$2";
		return (200, {});
	}
	if ($target =~ m{^/forget/(\d+)$}) {
		delete $pin->{$1};
		return (200, {});
	}
	return (400, {}) if $id eq '' || ($header->{'x-plex-product'} // '') ne 'MediaNest';
	if ("$method $target" eq 'POST /api/v2/pins?strong=true') {
		my $n = ++$$serial;
		return (201, $pin->{$n} = { id => $n, code => "code$n", client => $id,
		    authToken => undef, expiresIn => 1800 });
	}
	return (200, $pin->{$1})
	    if "$method $target" =~ m{^GET /api/v2/pins/(\d+)$} && $pin->{$1}
	    && $pin->{$1}{client} eq $id;
	if ("$method $target" eq 'GET /api/v2/user') {
		return (401, {}) if ($header->{'x-plex-token'} // '') !~ /^t(\d+)$/;
		return (200, { id => $1 + 0, username => "plex$1",
		    email => 'admin@medianest.test' });
	}
	return (404, { errors => [ { code => 1020 } ] });
}

sub _serve {
	my ($listener) = @_;
	my ($serial, %pin) = (1000);

	while (my $client = $listener->accept) {
		my ($method, $target) = split ' ', scalar(<$client>) // '';
		my %header;
		while (defined(my $line = <$client>)) {
			last if $line =~ /^\r?\n/;
			$header{ lc $1 } = $2 if $line =~ /^([^:]+):\s*(.*?)\r?\n/;
		}
		my ($status, $answer) = _answer(\%pin, \$serial, $method, $target, \%header);
		my $body = encode_json($answer);
		print $client "HTTP/1.1 $status X\r\nContent-Type: application/json\r\n",
		    'Content-Length: ', length $body, "\r\nConnection: close\r\n\r\n$body";
		close $client;
	}
	return;
}

1;
