#!/usr/bin/perl
# Albums, favourites, the archive and sharing in the page, as two people at two browsers see them.
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

my $mn = MediaNest::Test->stack(private => 1); # no items of other tests
my $make = MediaNest::Media->new;
my ($ann, $bob) = map { $mn->user(role => 'user') } 1 .. 2;
my %id = map { $_->[0] => $_->[1]->api(GET => '/api/auth/session')->{json}{user}{id} }
    [ ann => $ann ], [ bob => $bob ];
$mn->psql("UPDATE users SET display_name = 'Bob Viewer' WHERE id = '$id{bob}'");
my $axe = axe();

# Items without pictures, the first one the newest.
my @item = map { $mn->psql("INSERT INTO media (id, owner_id, kind, title, status, content_type, "
    . "taken_at) VALUES (gen_random_uuid(), '$id{ann}', 'image', 'Item $_', 'ready', 'image/jpeg', "
    . "'2020-01-01'::timestamptz - $_ * interval '1 hour') RETURNING id") } 1 .. 4;

sub browser ($name, $who) {
	my $b = MediaNest::Browser->start(dir => $make->path("browser-$name"),
	    artefacts => $artefacts);

	sign_in($b, $who);
	return $b;
}

sub titles ($b) {
	return join ', ', sort @{ $b->js(<<'JS') };
		return [...document.querySelectorAll('.grid .tile-link')].map((a) =>
		    a.getAttribute('aria-label').replace(/^Photo: ([^,]*),.*$/, '$1'));
JS
}

sub shows ($b, $titles, $what) {
	my $got;

	eval { $b->wait_for($what, sub { ($got = titles($b)) eq $titles }, SHOWN_SECONDS); 1 }
	    or diag $@;
	return is $got, $titles, $what;
}

sub go ($b, $hash) { return $b->js('location.hash = arguments[0]', $hash) }

# Selects items by their titles, with the keyboard.
sub select_items ($b, @names) {
	for my $name (@names) {
		$b->js(<<'JS', $name);
			[...document.querySelectorAll('.tick')].find((tick) =>
			    tick.getAttribute('aria-label') === `Select ${arguments[0]}`).click();
JS
	}
	return;
}

sub act ($b, $label) {
	return $b->click(".selection-bar [aria-label='$label']");
}

my $b = browser('ann', $ann);
my $c = browser('bob', $bob);

subtest 'favourites and the archive' => sub {
	shows($b, 'Item 1, Item 2, Item 3, Item 4', 'the library');
	select_items($b, 'Item 1', 'Item 2');
	act($b, 'Favourite');
	$b->wait_for('hearts', sub { $b->count('.badge.loved') == 2 });
	pass 'two favourites';
	$b->click('.mark[aria-label=Favourites]');
	shows($b, 'Item 1, Item 2', 'the favourites');
	go($b, '#/');
	shows($b, 'Item 1, Item 2, Item 3, Item 4', 'everything again');
	select_items($b, 'Item 4');
	act($b, 'Archive');
	shows($b, 'Item 1, Item 2, Item 3', 'what is archived leaves the library');
	$b->click('.mark[aria-label=Archive]');
	shows($b, 'Item 4', 'and is in the archive');
	accessible($b, 'the archive', $axe);
	select_items($b, 'Item 4');
	act($b, 'Archive');
	told($b, '.grid-place', qr/Nothing in archive yet/, 'it is empty again');
	go($b, "#/?item=$item[0]");
	$b->find('.lightbox .favorite[aria-pressed=true]');
	$b->press('l');
	$b->find('.lightbox .favorite[aria-pressed=false]');
	pass 'the viewer takes it out of the favourites by a key';
	go($b, '#/');
};

subtest 'an album from the selection, shared with a person' => sub {
	shows($b, 'Item 1, Item 2, Item 3, Item 4', 'the library');
	select_items($b, 'Item 1', 'Item 3');
	act($b, 'Add to album');
	$b->find('dialog .albums-list');
	accessible($b, 'add to an album', $axe);
	$b->type('dialog input[type=text]', 'By the sea');
	press_on($b, 'Add', 'dialog');
	told($b, '#toasts', qr/2 items added to “By the sea”/, 'made with two items');
	press_on($b, 'Open', '#toasts');
	told($b, 'h1', qr/^By the sea$/, 'its page');
	shows($b, 'Item 1, Item 3', 'with its items');
	press_on($b, 'Share', '.album-head');
	$b->type('dialog input[type=search]', 'viewer');
	told($b, 'dialog .matches', qr/^Bob Viewer$/, 'a person is found by a part of the name');
	$b->press('Enter');
	told($b, 'dialog .people', qr/Bob Viewer/, 'and chosen by Enter');
	accessible($b, 'sharing', $axe);
	press_on($b, 'Save', 'dialog');
	told($b, '.album-head', qr/shared with 1 person/, 'shared');
	my $bell = sub ($like, $what) {
		for my $width (390, 1280) {
			$c->resize($width, 800);
			$c->prefer_dark($width == 390);
			told($c, '.notifications', $like, "$what, $width px");
			fits($c, "notifications, $width px");
			accessible($c, "notifications, $width px", $axe);
		}
		return;
	};
	go($c, '#/notifications');
	$bell->(qr/ shared the album “By the sea” with you/, 'the other one is told');
	$c->click('.notifications li.unread a');
	shows($c, 'Item 1, Item 3', 'which leads to it');
	go($c, '#/albums');
	told($c, 'main', qr/Shared with youBy the sea2 items/, 'the other one has it');
	$c->click('main .poster a');
	shows($c, 'Item 1, Item 3', 'and sees its items');
	is $c->count('.album-head button'), 4, 'with two things to do besides looking and hearing';
	told($c, '.album-head button', qr/^Download$/, 'to download it');
	told($c, '.album-head button:last-child', qr/^Leave album$/, 'or to leave');
	accessible($c, 'an album of another', $axe);
	go($c, '#/');
	$c->find('main .empty');
	is titles($c), '', 'the library of the other one stays empty';
	go($c, '#/albums');
	$c->click('main .poster a');
	shows($c, 'Item 1, Item 3', 'the album again');
};

subtest 'what happens while the page is open' => sub {
	my $album = $ann->api(GET => '/api/media/collections')->{json}{items}[0];
	my $at = "/api/media/collections/$album->{id}";

	$ann->api(POST => "$at/items", { add => [ $item[1] ] });
	shows($c, 'Item 1, Item 2, Item 3', 'an item is added');
	$ann->api(POST => "/api/media/$item[2]/trash");
	shows($c, 'Item 1, Item 2', 'an item goes to the trash');
	$ann->api(POST => "/api/media/$item[2]/restore");
	$ann->api(PATCH => $at, { title => 'Seaside' });
	told($c, 'h1', qr/^Seaside$/, 'the album is renamed');
	shows($c, 'Item 1, Item 2, Item 3', 'and what was restored is back');
	go($c, '#/notifications');
	told($c, '.notifications', qr/shared the album/, 'the note of it');
	$ann->api(PATCH => $at, { shared => [] });
	told($c, 'main', qr/No notifications/, 'it takes its note along, on an open page too');
	go($c, "#/album?id=$album->{id}");
	told($c, 'main', qr/Album not found.*It was deleted, or it is no longer shared/,
	    'the album is revoked');
	is titles($c), '', 'nothing of it is left';
};

subtest 'an order made by hand' => sub {
	my $made = $ann->api(POST => '/api/media/collections', { title => 'In order',
		sort => 'manual', items => [ @item[ 0 .. 2 ] ] })->{json};
	my $order = sub { join ' ', map { $_->{title} } @{
		$ann->api(GET => "/api/media/collections/$made->{id}/items")->{json}{items} } };

	go($b, "#/album?id=$made->{id}");
	shows($b, 'Item 1, Item 2, Item 3', 'three items');
	select_items($b, 'Item 3');
	act($b, 'Move earlier');
	$b->wait_for('a new order', sub { $order->() eq 'Item 1 Item 3 Item 2' });
	act($b, 'Move earlier');
	$b->wait_for('a new order', sub { $order->() eq 'Item 3 Item 1 Item 2' });
	act($b, 'Move later');
	$b->wait_for('a new order', sub { $order->() eq 'Item 1 Item 3 Item 2' });
	pass 'one step at a time';
	act($b, 'Remove from album');
	shows($b, 'Item 1, Item 2', 'one is taken out');
	for my $width (390, 1280) {
		$b->resize($width, 800);
		for my $view ('', 'albums', "album?id=$made->{id}") {
			go($b, "#/$view");
			$b->find($view eq 'albums' ? 'main .poster' : '.grid .tile');
			fits($b, "$width px, " . ($view || 'library'));
			$b->prefer_dark($width == 390);
			accessible($b, "$width px, " . ($view || 'library'), $axe);
		}
	}
};

# An item that is revoked while it is fetched again is a 404, and the browser logs that.
sub errors ($b) { return console_errors($b, qr/status of 404/, all => 1) }

is_deeply [ errors($b) ], [], 'no errors in the console';
is_deeply [ errors($c) ], [], 'nor in that of the other';
done_testing;
