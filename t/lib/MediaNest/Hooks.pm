package MediaNest::Hooks;
# Webhooks as their senders send them.
#
#   my $hooks = MediaNest::Hooks->new($mn);                 # makes a source of each kind as admin
#   my $plex = $hooks->source('plex');                      # {id,key,secret,url}
#   my ($type, $body) = form(payload => $json, thumb => $bytes);    # multipart as Plex sends it
#   $hooks->plex({ event => 'media.play', ... }, filename => 1, thumb => $bytes);
#   my %headers = signed($secret, $body, id => 'x', at => time);    # Standard Webhooks
#   my %headers = hub_signed($secret, $body);
#   play_event($machine, event => 'media.play', account => 7, item => {...}, player => 'tv');
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256 hmac_sha256_hex);
use Exporter qw(import);
use IO::Socket::SSL;
use JSON::PP;
use MIME::Base64 qw(decode_base64 encode_base64);
use Socket qw(IPPROTO_TCP TCP_NODELAY);

our @EXPORT = qw(form signed hub_signed play_event);

my $JSON = JSON::PP->new->utf8->canonical;
my $serial = 0;

sub new {
    my ($class, $mn) = @_;
    my $self = bless { mn => $mn, admin => $mn->admin, anyone => $mn->client }, $class;
    for my $kind (qw(plex overseerr generic)) {
        my $r = $self->{admin}->api(POST => '/api/webhooks/sources',
            { source => $kind, name => "Test $kind" });
        die "source: $r->{status} $r->{content}" if $r->{status} != 201;
        $self->{source}{$kind} = $r->{json};
    }
    return $self;
}

sub source { $_[0]{source}{ $_[1] } }

# The form of a webhook: parts in the order given, as [name => bytes, type, filename].
sub form {
    my (@parts) = @_;
    my $boundary = '------------------------' . sprintf '%016x', ++$serial;
    my $body = '';
    for my $part (@parts) {
        my ($name, $bytes, $type, $filename) = @$part;
        $body .= "--$boundary\r\nContent-Disposition: form-data; name=\"$name\""
            . (defined $filename ? "; filename=\"$filename\"" : '') . "\r\n"
            . (defined $type ? "Content-Type: $type\r\n" : '') . "\r\n$bytes\r\n";
    }
    return ("multipart/form-data; boundary=$boundary", "$body--$boundary--\r\n");
}

# Sends an event as Plex does. thumb => bytes, first => 1: the thumb comes first, filename => 1: the
# payload has one too.
sub plex {
    my ($self, $event, %how) = @_;
    my $text = ref $event ? $JSON->encode($event) : $event;
    my @payload = [ payload => $text, 'application/json', $how{filename} ? 'payload.json' : undef ];
    my @thumb = defined $how{thumb} ? [ thumb => $how{thumb}, 'image/jpeg', 'thumb.jpg' ] : ();
    my ($type, $body) = form($how{first} ? (@thumb, @payload) : (@payload, @thumb));
    return $self->send($how{path} // "/api/webhooks/plex/$self->{source}{plex}{key}", $body,
        'Content-Type' => $type, %{ $how{headers} // {} });
}

sub send {
    my ($self, $path, $body, %headers) = @_;
    $body = $JSON->encode($body) if ref $body;
    $headers{'Content-Type'} //= 'application/json';
    return $self->{anyone}->api(POST => $path, $body, \%headers);
}

sub signed {
    my ($secret, $body, %with) = @_;
    my ($id, $at) = ($with{id} // sprintf('msg_%d_%d', $$, ++$serial), $with{at} // time);
    my $key = decode_base64($secret =~ s/^whsec_//r);
    my $mac = encode_base64(hmac_sha256("$id.$at.$body", $key), '');
    return ('webhook-id' => $id, 'webhook-timestamp' => $at, 'webhook-signature' => "v1,$mac");
}

sub hub_signed {
    my ($secret, $body) = @_;
    return ('X-Hub-Signature-256' => 'sha256=' . hmac_sha256_hex($body, $secret));
}

# What Plex sends when somebody plays something.
sub play_event {
    my ($machine, %what) = @_;
    return { event => $what{event}, user => JSON::PP::true, owner => JSON::PP::true,
        Account => { id => $what{account}, title => "plex$what{account}",
        thumb => 'https://plex.tv/users/1/avatar?c=1' },
        Server => { title => 'Home', uuid => $machine },
        Player => { local => JSON::PP::true, publicAddress => '198.51.100.7',
        title => $what{player} // 'TV', uuid => 'player-' . ($what{player} // 'TV') },
        Metadata => { librarySectionType => 'movie', %{ $what{item} } } };
}

# A connection that stays open, for measuring: a request is one write, sent at once.
sub connection {
    my ($self) = @_;
    my ($host, $port) = $self->{mn}{url} =~ m{^https://([^:/]+):(\d+)} or die 'no https URL';
    my $socket = IO::Socket::SSL->new(PeerAddr => $host, PeerPort => $port,
        SSL_ca_file => $self->{mn}{ca}, SSL_alpn_protocols => ['http/1.1']) or die "connect: $!";
    setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, pack 'l', 1;
    return { socket => $socket, host => "$host:$port" };
}

# The status of the answer.
sub post_over {
    my ($connection, $path, $type, $body) = @_;
    my $socket = $connection->{socket};
    my $request = "POST $path HTTP/1.1\r\nHost: $connection->{host}\r\nContent-Type: $type\r\n"
        . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
    while ($request ne '') {
        my $sent = syswrite $socket, $request or die "write: $!";
        substr $request, 0, $sent, '';
    }
    my ($answer, $length) = ('');
    until (defined $length && length $answer >= $length) {
        sysread $socket, $answer, 65536, length $answer or die 'the connection was closed';
        next if defined $length || $answer !~ /^(.*?\r\n\r\n)/s;
        my $head = $1;
        $length = length($head) + ($head =~ /^Content-Length: (\d+)/mi ? $1 : 0);
    }
    return $answer =~ m{^HTTP/1.1 (\d+)} ? $1 : 0;
}

# The event as an admin sees it, once it is no longer waiting.
sub event {
    my ($self, $id) = @_;
    return MediaNest::Test::wait_until(sub {
        my $r = $self->{admin}->api(GET => "/api/webhooks/events/$id");
        return $r->{json} if ($r->{json}{status} // '') =~ /^(?:processed|ignored|dead)$/;
    }, 20, "the end of event $id");
}

1;
