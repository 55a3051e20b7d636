package MediaNest::Totp;
# RFC 6238 by other means than the server's.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha1);
use Exporter qw(import);

our @EXPORT_OK = qw(base32_decode totp);

sub base32_decode {
	my ($text) = @_;
	my $bits = join '',
	    map { sprintf '%05b', index('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', $_) } split //, $text;
	return pack 'B*', substr $bits, 0, 8 * int(length($bits) / 8);
}

sub totp {
	my ($secret, $step) = @_;
	my @mac = unpack 'C*', hmac_sha1(pack('Q>', $step), $secret);
	my $at = $mac[-1] & 15;
	return sprintf '%06d',
	    (($mac[$at] & 127) << 24 | $mac[$at + 1] << 16 | $mac[$at + 2] << 8 | $mac[$at + 3]) %
	    1_000_000;
}

1;
