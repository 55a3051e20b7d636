#!/usr/bin/perl
# Public links in the page: how their owner makes them, and what a visitor's browser shows.
use v5.36;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Browser;
use MediaNest::Media;
use MediaNest::Page qw(:all);
use MediaNest::Test;
use Test::More;

use constant SHOWN_SECONDS => 40; # on a machine that runs other tests too

once_is_enough();
my $artefacts = artefacts("$FindBin::Bin/..");

need_browser();

my $mn = MediaNest::Test->stack;
my $make = MediaNest::Media->new;
my $ann = $mn->user(role => 'user');
my $axe = axe();
my @item = map { $ann->upload_file($make->picture("p$_.jpg",
	size => ($_ % 2 ? '640x480' : '480x640')), 'image/jpeg', title => "Picture $_")->{id} }
    1 .. 3;
$ann->wait_media($_) for @item;
my $album = $ann->api(POST => '/api/media/collections', { title => 'By the sea',
	items => \@item })->{json};

sub browser ($name) {
	return MediaNest::Browser->start(dir => $make->path("browser-$name"),
	    artefacts => $artefacts);
}

sub go ($b, $hash) { return $b->js('location.hash = arguments[0]', $hash) }
sub picture ($b, $name) { return $b->screenshot("$artefacts/links-$name.png") }

sub made ($b) {
	told($b, 'dialog .once', qr/^Anyone with this link can see it/, 'its address is shown');
	return $b->text('dialog .once code');
}

sub everywhere ($b, $name, $ready) {
	for my $width (390, 1280) {
		$b->resize($width, 800);
		for my $dark (0, 1) {
			$b->prefer_dark($dark);
			$ready->();
			fits($b, "$name, $width px");
			accessible($b, "$name, $width px" . ($dark ? ', dark' : ''), $axe);
			picture($b, "$name-$width" . ($dark ? '-dark' : ''));
		}
	}
	return;
}

# The addresses of pictures of a visitor, and of nothing else of the API.
sub asked ($b) {
	return grep { m{/api/} && !m{/api/media/links/open/} } $b->requests;
}

my $b = browser('ann');
my $v = browser('visitor');
my (%url, $link);

sign_in($b, $ann);

subtest 'a link to an album' => sub {
	go($b, "#/album?id=$album->{id}");
	press_on($b, 'Public link', '.album-head');
	$b->find('dialog .link-fields');
	everywhere($b, 'dialog', sub { $b->find('dialog .link-fields') });
	$b->type('dialog .link-fields input[type=text]', 'blue horse');
	press_on($b, 'Create link', 'dialog');
	$url{album} = made($b);
	like $url{album}, qr{^\Q$mn->{url}\E/#/link\?t=[\w-]{43}$}, 'the address';
	told($b, 'dialog .rows', qr/0 views · expires on .* · password/, 'and its terms');
	picture($b, 'made');
	press_on($b, 'Done', 'dialog');
	$link = $ann->api(GET => "/api/media/links?collectionId=$album->{id}")->{json}{items}[0];
	is $link->{count}, 3, 'three items';
};

subtest 'a visitor, and the password' => sub {
	$v->get($url{album});
	told($v, 'h1', qr/^Enter the password$/, 'the password is asked for');
	unlike $v->text('body'), qr/sea|Picture/, 'and nothing is told';
	everywhere($v, 'locked', sub { $v->find('.card .primary') });
	$v->type('.card input', 'red horse');
	$v->press('Enter');
	told($v, '.form-error', qr/Wrong password/, 'a wrong one');
	$v->type('.card input', 'blue horse');
	$v->press('Enter');
	told($v, 'h1', qr/^By the sea$/, 'unlocked');
	$v->wait_for('pictures', sub { $v->count('.tile img.loaded') == 3 }, SHOWN_SECONDS);
	pass 'three pictures';
	everywhere($v, 'visit', sub { $v->find('.tile img.loaded') });
	is $v->count('.main-nav, .search-box, .avatar, .upload-button'), 0,
	    'nothing else of the page';
	is $v->js('return document.querySelector("meta[name=robots]").content'), 'noindex',
	    'not for search engines';
	is_deeply [ asked($v) ], [], 'nothing else is asked for';
	$v->js('document.querySelector(".tile-link").focus()');
	$v->press('Enter');
	$v->find('.lightbox .frame img.large.loaded', SHOWN_SECONDS);
	told($v, '.lightbox-title', qr/^Picture/, 'the viewer opens by the keyboard');
	everywhere($v, 'viewer', sub { $v->find('.lightbox .frame img.large.loaded') });
	is $v->js('return [...document.querySelectorAll(".lightbox-bar button")].filter((one) =>'
	    . ' one.getClientRects().length).map((one) => one.ariaLabel).join()'), 'Back',
	    'and offers nothing but to go back';
	my $title = $v->text('.lightbox-title');
	$v->press('ArrowRight');
	$v->wait_for('the next one', sub { $v->text('.lightbox-title') ne $title }, 15);
	pass 'arrows lead on';
	$v->press('d', 'i', 'l', 'Delete');
	is $v->count('.details, dialog'), 0, 'keys for owners do nothing';
	$v->press('Escape');
	$v->wait_for('the grid', sub { $v->count('.lightbox') == 0 });
	$v->reload;
	told($v, 'h1', qr/^By the sea$/, 'a reload asks for no password');
	is $ann->api(GET => "/api/media/links/$link->{id}")->{json}{views}, 1, 'one view';
};

subtest 'changed and removed while it is open' => sub {
	go($b, '#/albums');
	press_on($b, 'Public links', '.toolbar');
	told($b, 'main .rows', qr/By the sea.*An album · 3 items.*1 view, last/s, 'the list');
	everywhere($b, 'list', sub { $b->find('main .rows .line') });
	press_on($b, 'Change', 'main .rows');
	$b->wait_for('the fields',
	    sub { $b->count('dialog .link-fields input[type=checkbox]') == 2 });
	$b->js('document.querySelectorAll("dialog .link-fields input[type=checkbox]")'
	    . '.forEach((box) => box.click())');
	press_on($b, 'Save', 'dialog');
	told($b, 'main .rows', qr/never|expires on .* · download/, 'no password, but the download');
	$v->reload;
	told($v, 'main', qr/You can download the originals/, 'the visitor is told');
	$v->js('document.querySelector(".tile-link").click()');
	$v->find('.lightbox [aria-label=Download]');
	$v->wait_for('the download button', sub { $v->seen('.lightbox [aria-label=Download]') });
	pass 'and gets the button';
	press_on($b, 'Remove', 'main .rows');
	press_on($b, 'Remove', 'dialog');
	told($b, 'main', qr/No public links yet/, 'removed');
	$v->reload;
	told($v, 'h1', qr/^This link has ended$/, 'the visitor reads that it has ended');
	everywhere($v, 'ended', sub { $v->find('.card h1') });
};

subtest 'an item, and a selection' => sub {
	go($b, "#/?item=$item[0]");
	$b->find('.lightbox .frame');
	$b->press('i');
	press_on($b, 'Public link', '.details');
	press_on($b, 'Create link', 'dialog');
	$url{item} = made($b);
	press_on($b, 'Done', 'dialog');
	$b->press('Escape');
	go($b, '#/');
	$b->find('.grid .tile');
	$b->js('[...document.querySelectorAll(".tick")].slice(0, 2)'
	    . '.forEach((tick) => tick.click())');
	$b->click(".selection-bar [aria-label='Public link']");
	told($b, 'dialog h2', qr/^Public link to 2 items$/, 'of the selection');
	press_on($b, 'Create link', 'dialog');
	$url{selection} = made($b);
	press_on($b, 'Done', 'dialog');
	go($b, '#/links');
	$b->find('.public-link');
	press_on($b, 'Copy link', '.public-link');
	told($b, 'dialog h2', qr/^Public link to 2 items$/, 'the address can be copied again');
	is $b->text('dialog code'), $url{selection}, '... of the newest';
	everywhere($b, 'again', sub { $b->find('dialog code') });
	press_on($b, 'Done', 'dialog');
	$v->get("$mn->{url}/");
	$v->find('.door #email');
	$v->get($url{item});
	told($v, '.lightbox-title', qr/^Picture 1$/, 'an item is shown at once');
	$v->get($url{selection});
	told($v, 'h1', qr/^2 items$/, 'a selection');
	$v->wait_for('pictures', sub { $v->count('.tile img.loaded') == 2 }, SHOWN_SECONDS);
	$v->block('*/api/media/links/open/*');
	$v->reload;
	told($v, 'main', qr/Can’t reach the server.*Retrying/, 'without a network it says so');
	$v->block();
	told($v, 'h1', qr/^2 items$/, 'and goes on by itself when that is back');
	go($v, '#/');
	told($v, 'body', qr/Sign in/, 'the rest of the house wants a sign-in');
};

subtest 'the owner looks at it' => sub {
	my $views = sub { $ann->api(GET => '/api/media/links')->{json}{items}[0]{views} };

	is $views->(), 1, 'the visitor was counted';
	$b->get($url{selection});
	told($b, 'h1', qr/^2 items$/, 'the owner sees what visitors see');
	is $views->(), 1, 'and is not counted';
	go($b, '#/');
	$b->find('.main-nav', 15);
	pass 'and comes back to their library, signed in';
};

# What has ended is 410, and what is locked 401; the browser logs that.
is_deeply [ console_errors($v, qr/status of 4(?:01|10)|ERR_BLOCKED_BY_CLIENT/, all => 1) ], [],
    'no errors in the visitor’s console';
is_deeply [ console_errors($b, qr{WebSocket is closed before}, all => 1) ], [],
    'nor in the owner’s, but for a reload while the socket opens';
done_testing;
