# What a person does first in an installed house, with a browser: signs in, uploads a picture, sees
# it. For `perl -MMediaNest::Visit` in the network of a host of its own.
package MediaNest::Visit;

use v5.36;
use File::Temp qw(tempdir);
use MediaNest::Browser;
use MediaNest::Page;
use Test::More;

sub visit ($root, $url, $email, $password, $picture) {
	my $scratch = tempdir('mn-visit-XXXXXX', TMPDIR => 1, CLEANUP => 1);
	my $artefacts = artefacts($root);
	# The names of that host are no names of this machine.
	my $b = MediaNest::Browser->start(dir => "$scratch/browser", artefacts => $artefacts,
	    arguments => ['--host-resolver-rules=MAP *.example.org 127.0.0.1']);

	sign_in($b, { url => $url, email => $email, password => $password });
	my $tiles = $b->count('.tile');
	ok upload_ready($b, 1, $picture), 'uploaded without a reload';
	$b->wait_for('its tile', sub { $b->count('.tile img.loaded') == $tiles + 1 });
	ok $b->js('return [...document.querySelectorAll(".tile img.loaded")].every((one) =>'
	    . ' one.naturalWidth >= 192)'), 'with its thumbnail';
	$b->click('.tile-link');
	$b->find('.lightbox img.large.loaded');
	pass 'it opens';
	$b->screenshot("$artefacts/installed-house.png");
	my @errors = grep { $_->{level} eq 'SEVERE'
	    || $_->{message} =~ /Content Security Policy|Refused to/ } $b->console;
	is_deeply [map { $_->{message} } @errors], [], 'the console is clean';
	return done_testing;
}

1;
