package MediaNest::HookReceiver;
# A receiver of webhooks for tests, which behaves as each path is told to.
#
#   my $hooks = MediaNest::HookReceiver->start;    # $hooks->allow: its entry for outbound.allow
#   my $url = $hooks->url('/a');                   # responds 204, or as it is told:
#   $hooks->behave('/a', 500);                     # a status; also 'hang', 'cut', 'redirect',
#                                                  # 'html' (200 with a long page), 'slow' (0.3 s)
#   $hooks->secret('/a', 'whsec_...');             # to verify with; several: all must have signed
#   $hooks->got('/a');                             # requests: {id, body, json, headers, good, ...}
#   $hooks->ids('/a');                             # {webhook-id => number of requests}
#
#   my $endpoint = $hooks->endpoint($admin, '/a');  # adds one, and knows its secret
#   emit($mn, $endpoint, 100);                     # as 100 events would: deliveries and a job
#
# It verifies signatures as Standard Webhooks says: `good` is true if each known secret has signed
# the id, the time (within five minutes) and the body. Connections stay open; requests that hang
# delay no other.
use strict;
use warnings;
use parent 'MediaNest::StandIn';
use Digest::SHA qw(hmac_sha256);
use Exporter qw(import);
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use MIME::Base64 qw(decode_base64 encode_base64);
use Time::HiRes qw(time);

our @EXPORT_OK = qw(emit wake);

use constant { TOLERANCE => 300, SLOW => 0.3 };

sub start {
	my ($class) = @_;
	my $dir = tempdir('mn-hooks-XXXXXX', TMPDIR => 1, CLEANUP => 1);
	my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0,
	    Listen => 128, ReuseAddr => 1)
	    or die "listen: $!";
	my $self = bless { dir => $dir, port => $listener->sockport, owner => $$ }, $class;
	return $self->apart(sub { _loop($self, $listener) });
}

sub allow { my ($self) = @_; return "127.0.0.1:$self->{port}" }
sub url { my ($self, $path) = @_; return "http://127.0.0.1:$self->{port}$path" }

sub _file { my ($self, $what, $path) = @_; return "$self->{dir}/$what-" . unpack 'H*', $path }

sub _write {
	my ($file, $text) = @_;
	open my $out, '>:raw', "$file.new" or die "$file: $!";
	print $out $text;
	close $out;
	rename "$file.new", $file or die "$file: $!";
}

sub _read {
	my ($file) = @_;
	open my $in, '<:raw', $file or return;
	local $/;
	return scalar <$in>;
}

sub behave { my ($self, $path, $how) = @_; _write($self->_file('how', $path), $how) }
sub secret { my ($self, $path, @secrets) = @_; _write($self->_file('secret', $path), "@secrets") }

sub got {
	my ($self, $path) = @_;
	my $text = _read($self->_file('got', $path)) // '';
	# A line that is still being written has no end.
	return map { decode_json($_) } grep { /\}\z/ } split /\n/, $text;
}

sub ids {
	my ($self, $path) = @_;
	my %ids;
	$ids{ $_->{id} }++ for $self->got($path);
	return \%ids;
}

sub endpoint {
	my ($self, $admin, $path, %more) = @_;
	my $made = $admin->api(POST => '/api/webhooks/endpoints',
	    { url => $self->url($path), events => ['*'], %more });
	die "endpoint: $made->{status} $made->{content}" if $made->{status} != 201;
	$self->secret($path, $made->{json}{secret});
	return $made->{json};
}

# A job that sends what is due, as each event adds one.
sub wake {
	my ($mn) = @_;
	return $mn->psql('INSERT INTO jobs (id, kind, queue, max_attempts) VALUES '
	    . "(gen_random_uuid(), 'webhook.deliver', 'deliver', 20);"
	    . " SELECT pg_notify('mn_jobs', 'deliver')");
}

sub emit {
	my ($mn, $endpoint, $n) = @_;
	$mn->psql('INSERT INTO webhook_deliveries (id, endpoint_id, event, payload, retry_until)'
	    . " SELECT gen_random_uuid(), '$endpoint->{id}', 'media.ready', '{\"n\":' || n || '}',"
	    . " now() + interval '24 hours' FROM generate_series(1, $n) n");
	return wake($mn);
}

# --- the server ------------------------------------------------------------------------------

sub _verify {
	my ($h, $body, @secrets) = @_;
	return 0 if !@secrets || abs(time - ($h->{'webhook-timestamp'} // 0)) > TOLERANCE;
	my %signed = map { ($_ => 1) } split / /, $h->{'webhook-signature'} // '';
	for my $secret (@secrets) {
		my $key = decode_base64($secret =~ s/^whsec_//r);
		my $mac = hmac_sha256("$h->{'webhook-id'}.$h->{'webhook-timestamp'}.$body", $key);
		return 0 if !$signed{ 'v1,' . encode_base64($mac, '') };
	}
	return 1;
}

sub _respond {
	my ($self, $client, $path, $h, $body) = @_;
	my $how = _read($self->_file('how', $path)) // 204;
	my @secrets = split / /, _read($self->_file('secret', $path)) // '';
	open my $out, '>>:raw', $self->_file('got', $path) or die "log: $!";
	my $line = encode_json({ id => $h->{'webhook-id'}, headers => $h, body => $body,
	    json => eval { decode_json($body) }, at => time, how => "$how",
	    signatures => scalar(split / /, $h->{'webhook-signature'} // ''),
	    good => _verify($h, $body, @secrets) });
	syswrite $out, "$line\n";
	close $out;
	return if $how eq 'hang';
	return 'close' if $how eq 'cut';
	my ($status, $head, $text) = ($how, '', '');
	($status, $head) = (302, "Location: http://127.0.0.1:$self->{port}/redirected\r\n")
	    if $how eq 'redirect';
	($status, $text) = (200, '<p>' . 'x' x 300_000) if $how eq 'html';
	Time::HiRes::sleep(SLOW) if $how eq 'slow';
	$status = 204 if $how eq 'slow';
	my $length = $status == 204 ? '' : 'Content-Length: ' . length($text) . "\r\n";
	$client->blocking(1);
	print $client "HTTP/1.1 $status X\r\n$head$length\r\n$text";
	$client->flush;
	$client->blocking(0);
	return;
}

sub _loop {
	my ($self, $listener) = @_;
	my $select = IO::Select->new($listener);
	my %data;
	while (1) {
		for my $ready ($select->can_read) {
			if ($ready == $listener) {
				my $client = $listener->accept or next;
				$client->blocking(0);
				$select->add($client);
				$data{$client} = '';
				next;
			}
			my $n = sysread $ready, $data{$ready}, 65536, length $data{$ready};
			next if !defined $n && $!{EAGAIN};
			# At its end, and where it is not HTTP.
			if (!$n || $data{$ready} !~ /\A[A-Z]/) {
				delete $data{$ready};
				$select->remove($ready);
				close $ready;
				next;
			}
			while ($data{$ready} =~ m{\A[A-Z]+[ ](\S+)[ ]HTTP/1\.1\r\n(.*?)\r\n\r\n}s) {
				my ($path, $head, $begin) = ($1, $2, $+[0]);
				my %h = map { /^([^:]+):[ ]?(.*)$/ ? (lc $1 => $2) : () }
				    split /\r\n/, $head;
				my $length = $h{'content-length'} // 0;
				last if length($data{$ready}) < $begin + $length;
				my $body = substr $data{$ready}, $begin, $length;
				substr($data{$ready}, 0, $begin + $length) = '';
				my $end = $self->_respond($ready, $path, \%h, $body) or next;
				delete $data{$ready};
				$select->remove($ready);
				close $ready;
				last;
			}
		}
	}
}

1;
