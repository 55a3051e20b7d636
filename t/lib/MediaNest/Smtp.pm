package MediaNest::Smtp;
# A mail server for tests that keeps the mail it receives. STARTTLS with a certificate of its own.
#
#   my $smtp = MediaNest::Smtp->start;                 # $smtp->{port}, $smtp->{ca_file}
#   my $mail = $smtp->wait_mail(sub { $_[0]{to} eq 'a@b.c' });
#   # {from, to, headers => {}, text, html, tls}
use strict;
use warnings;
use parent 'MediaNest::StandIn';
use File::Temp qw(tempdir);
use IO::Socket::INET;
use IO::Socket::SSL;
use IO::Socket::SSL::Utils;
use JSON::PP;
use MIME::Base64 qw(decode_base64);
use MediaNest::Test;

sub start {
	my ($class) = @_;
	my $dir = tempdir('mn-smtp-XXXXXX', TMPDIR => 1, CLEANUP => 1);
	chmod 0755, $dir;
	my ($ca, $ca_key) = CERT_create(CA => 1, subject => { commonName => 'Test CA' });
	my ($cert, $key) = CERT_create(issuer => [ $ca, $ca_key ],
	    subject => { commonName => 'localhost' },
		subjectAltNames => [ [ IP => '127.0.0.1' ], [ DNS => 'localhost' ] ]);
	PEM_cert2file($ca, "$dir/ca.pem");
	PEM_cert2file($cert, "$dir/cert.pem");
	PEM_key2file($key, "$dir/key.pem");
	chmod 0644, "$dir/ca.pem";
	my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 16,
	    ReuseAddr => 1)
	    or die "listen: $!";
	my $self = bless { dir => $dir, port => $listener->sockport, ca_file => "$dir/ca.pem",
	    owner => $$ },
	    $class;
	my $n = 0;
	$self->apart(sub {
		while (my $client = $listener->accept) {
			eval { _serve($client, $dir, \$n) };
			close $client;
		}
	});
	return $self;
}

sub settings {
	my ($self) = @_;
	return ('smtp.host' => '127.0.0.1', 'smtp.port' => $self->{port}, 'smtp.tls' => 'starttls',
	    'smtp.ca_file' => $self->{ca_file}, 'smtp.from' => 'house@medianest.test');
}

sub _serve {
	my ($client, $dir, $n) = @_;
	my ($tls, $from, $to) = (0);
	my $say = sub { print $client "$_[0]\r\n"; $client->flush };
	$say->('220 localhost sink');
	while (defined(my $line = <$client>)) {
		$line =~ s/\r?\n\z//;
		if ($line =~ /^EHLO/i) {
			$say->('250-localhost');
			$say->('250-STARTTLS') unless $tls;
			$say->('250 8BITMIME');
		}
		elsif ($line =~ /^STARTTLS/i) {
			$say->('220 go ahead');
			IO::Socket::SSL->start_SSL($client, SSL_server => 1,
			    SSL_cert_file => "$dir/cert.pem", SSL_key_file => "$dir/key.pem")
			    or return;
			$tls = 1;
		} elsif ($line =~ /^MAIL FROM:<([^>]*)>/i) { $from = $1; $say->('250 ok') }
		elsif ($line =~ /^RCPT TO:<([^>]*)>/i) {
			$to = $1;
			$say->($to =~ /refused/ ? '550 nobody here' : '250 ok');
		}
		elsif ($line =~ /^DATA/i) {
			$say->('354 go on');
			my $data = '';
			while (defined(my $text = <$client>)) {
				last if $text eq ".\r\n";
				$text =~ s/^\.//;
				$data .= $text;
			}
			my $file = sprintf '%s/mail-%05d', $dir, $$n++;
			open my $out, '>:raw', "$file.tmp" or return;
			print $out encode_json({ from => $from, to => $to, tls => $tls,
			    data => $data });
			close $out;
			rename "$file.tmp", $file;
			$say->('250 kept');
		} elsif ($line =~ /^QUIT/i) { $say->('221 bye'); return }
		else { $say->('250 ok') }
	}
}

sub mails {
	my ($self) = @_;
	my @mails;
	for my $file (sort glob "$self->{dir}/mail-*") {
		next if $file =~ /tmp$/;
		open my $in, '<:raw', $file or next;
		my $mail = decode_json(do { local $/; <$in> });
		my ($head, $body) = split /\r\n\r\n/, $mail->{data}, 2;
		$head =~ s/\r\n[ \t]/ /g;
		$mail->{headers} = { map { /^([^:]+):\s*(.*)$/ ? (lc $1 => $2) : () } split /\r\n/,
		    $head };
		while ($body =~
		    m{Content-Type:[ ]text/(plain|html)[^\r]*\r\n
			Content-Transfer-Encoding:[ ]base64\r\n\r\n([\w+/=\r\n]+)}gx) {
			$mail->{ $1 eq 'plain' ? 'text' : 'html' } = decode_base64($2);
		}
		push @mails, $mail;
	}
	return @mails;
}

sub wait_mail {
	my ($self, $wanted) = @_;
	my $mail;
	wait_until(sub { ($mail) = grep { $wanted->($_) } $self->mails; $mail }, 60, 'a mail');
	return $mail;
}

# The token of the link in a mail to this address whose text matches.
sub wait_link {
	my ($self, $to, $text) = @_;
	my $mail = $self->wait_mail(sub { $_[0]{to} eq $to && $_[0]{text} =~ $text
	    && $_[0]{text} =~ /token=/ });
	return $mail->{text} =~ /token=([\w-]+)/ ? $1 : die 'no link';
}

1;
