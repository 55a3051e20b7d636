#!/usr/bin/perl
# The QR codes of the page: web/ui/qr.js draws them in Chromium, and zbar reads them from a picture
# of the screen.
use v5.36;
use Digest::SHA qw(hmac_sha1_hex);
use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Browser;
use MediaNest::Test;
use Test::More;

once_is_enough();
my $scratch = tempdir('mn-codes-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $missing = MediaNest::Browser::missing('zbarimg');
if ($missing) {
	$ENV{CI} ? BAIL_OUT($missing) : plan skip_all => $missing;
}
my $mn = MediaNest::Test->stack;
my $b = MediaNest::Browser->start(dir => "$scratch/browser", artefacts => $scratch);

# So many characters without a pattern, the same in every run.
sub code_text ($length) {
	return substr join('', map { hmac_sha1_hex($_, 'QR') } 1 .. 1 + $length / 40), 0, $length;
}

# What zbar reads from a picture of a QR code.
sub read_code ($path) {
	open my $out, '-|', 'zbarimg', qw(-q --raw --nodbus -Sdisable -Sqrcode.enable), $path
	    or die "zbarimg: $!";
	binmode $out, ':encoding(UTF-8)';
	my $text = do { local $/; <$out> } // '';
	close $out;
	return $text =~ s/\n\z//r;
}

my $draw = sub ($text) {
	return $b->js_async(<<'JS', $text);
		const [text, done] = arguments;
		import('/ui/qr.js').then(({ qr }) => {
			const code = qr(text, 'Code');
			document.body.replaceChildren(...code ? [code] : []);
			code?.style.setProperty('width', '500px');
			done(Boolean(code));
		});
JS
};
# ISO/IEC 18004, table 7: the most bytes of versions 1 to 10 with error correction M.
my @most = (14, 26, 42, 62, 84, 106, 122, 152, 180, 213);
my @lengths = map { ($_, $_ + 1) } @most;
my $too_long = pop @lengths;
my $uri = 'otpauth://totp/MediaNest:ann%40example.org?secret=' . 'GEZDGNBVGY3TQOJQ' x 2
    . '&issuer=MediaNest&algorithm=SHA1&digits=6&period=30';
my $foreign = "Gr\x{FC}\x{DF}e \x{2192} \x{1F3E0}";

$b->get("$mn->{url}/");
$b->find('#email');
for my $text ('x', $uri, $foreign, map { code_text($_) } @lengths) {
	ok $draw->($text), length($text) . ' characters are drawn';
	is read_code($b->screenshot_of('.qr', "$scratch/code.png")), $text, 'and zbar reads them';
}
ok !$draw->(code_text($too_long)), 'a text that is too long for version 10 is refused';
$b->stop;

done_testing;
