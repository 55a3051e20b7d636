#!/usr/bin/perl
# The page's map, the place in an item's details, and 'on this day' above the library: at both
# sizes, light and dark, with keyboard, pointer and screen readers.
use v5.36;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Browser;
use MediaNest::Exif qw(exif_jpeg);
use MediaNest::Media;
use MediaNest::Page qw(:all);
use MediaNest::Test;
use POSIX qw(strftime);
use Test::More;

use constant DATA => '/usr/share/libtimezonemap/ui';

once_is_enough();
my $artefacts = artefacts("$FindBin::Bin/..");

need_browser();
-r DATA . '/cities15000.txt' or plan skip_all => 'libtimezonemap-data is not installed';

my $mn = MediaNest::Test->stack(set => { 'media.places_data' => DATA });
my $make = MediaNest::Media->new;
my $ann = $mn->user(role => 'user');
my $jpeg = MediaNest::Media::slurp($make->picture('base.jpg', size => '640x480'));
my $axe = axe();
my $day = strftime('%m:%d', localtime);
my $year = strftime('%Y', localtime);
my $serial = 0;

sub photo ($at, $when) {
	my $bytes = exif_jpeg($jpeg, ($at ? (GPS => $at) : ()), DateTimeOriginal => $when);
	return $ann->upload_bytes('photo ' . ++$serial . '.jpg', $bytes . pack('N', $serial),
	    'image/jpeg')->{id};
}

wait_until { !!$mn->psql('SELECT 1 FROM city_source WHERE seen_to IS NULL') } 60, 'cities';
my @ids = map { photo(@$_) } (
    [ [ 52.52, 13.405 ], '2020:05:06 07:08:09' ], [ [ 52.53, 13.41 ], '2020:05:06 07:09:09' ],
    [ [ 48.8566, 2.3522 ], '2021:01:02 03:04:05' ],
    [ [ -33.8688, 151.2093 ], '2022:01:02 03:04:05' ],
    [ undef, join(':', $year - 1, $day) . ' 12:00:00' ],
    [ undef, join(':', $year - 3, $day) . ' 12:00:00' ]);
my %item = map { $_ => $ann->wait_media($_, 60) } @ids;

my $b = MediaNest::Browser->start(dir => $make->path('browser'), artefacts => $artefacts);
sub js ($script, @args) { return $b->js($script, @args) }
sub markers () {
	return join '|', sort @{ js('return [...document.querySelectorAll(".marker")].filter((m) =>'
	    . ' !m.hidden).map((m) => m.textContent)') };
}
sub shows ($what, $condition) { $b->wait_for($what, $condition, 20); return pass $what }

# Whether the canvas has land and sea.
sub drawn () {
	return js(<<'JS');
		const canvas = document.querySelector('.map canvas');
		const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width,
		    canvas.height);
		const colours = new Set();
		for (let i = 0; i < data.length; i += 4 * 97)
			colours.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
		return colours.size > 1;
JS
}

sign_in($b, $ann);

subtest 'on this day' => sub {
	$b->find('.on-this-day li');
	is $b->count('.on-this-day li'), 2, 'two former years';
	is js('return [...document.querySelectorAll(".on-this-day a")].map((a) =>'
	    . ' a.getAttribute("aria-label")).join()'),
	    '1 year ago: 1 item of ' . ($year - 1) . ',3 years ago: 1 item of ' . ($year - 3),
	    'the newest first, in words';
	shows('the pictures', sub { js('return [...document.querySelectorAll(".on-this-day img")]'
	    . '.every((i) => i.complete && i.naturalWidth > 0)') });
	accessible($b, 'on this day', $axe);
	fits($b, 'on this day');
	for my $dark (0, 1) {
		for my $size ([ 1280, 900 ], [ 390, 844 ]) {
			$b->prefer_dark($dark);
			$b->resize(@$size);
			fits($b, "on this day at $size->[0]");
			$b->screenshot("$artefacts/on-this-day-$size->[0]-" . ($dark ? 'dark' :
			    'light') . '.png');
		}
	}
	$b->prefer_dark(0);
	$b->resize(1280, 900);
	js('document.querySelector(".on-this-day a").focus()');
	$b->press('Enter');
	$b->find('.lightbox img');
	$b->press('Escape');
	shows('the library again', sub { !$b->count('.lightbox') });
	$b->click('.on-this-day [aria-label="Hide until tomorrow"]');
	is $b->count('.on-this-day'), 0, 'it goes';
	$b->reload;
	$b->find('.tile-link');
	js('location.hash = "#/trash"');
	js('location.hash = "#/"');
	$b->find('.tile-link');
	is $b->count('.on-this-day'), 0, '... and stays away';
};

subtest 'the map' => sub {
	for my $dark (0, 1) {
		for my $size ([ 1280, 900 ], [ 390, 844 ]) {
			my $where = "the map at $size->[0]" . ($dark ? ', dark' : '');
			$b->prefer_dark($dark);
			$b->resize(@$size);
			open_view($b, 'search', 'h1');
			open_view($b, 'map', '.place-list a');
			shows("$where: markers", sub { markers() ne '' });
			shows("$where: outlines", sub { drawn() });
			fits($b, $where);
			accessible($b, $where, $axe);
			$b->screenshot("$artefacts/map-$size->[0]-" . ($dark ? 'dark' : 'light')
			    . '.png');
		}
	}
	$b->prefer_dark(0);
	$b->resize(1280, 900);
	open_view($b, 'search', 'h1');
	open_view($b, 'map', '.place-list a');
	is js('return [...document.querySelectorAll(".place-list a")].map((a) => a.textContent)'
	    . '.join("|")'), 'BerlinGermany2 items|SydneyNew South Wales, Australia1 item|'
	    . 'ParisÎle-de-France, France1 item', 'the list, in words';
	shows('what is near to each other is together',
	    sub { markers() eq '1 item Sydney|3 items ' });
	is_deeply [ grep { !m{^(?:https|wss)://127\.0\.0\.1:|^(?:data|blob|chrome):} }
	    $b->requests ], [], 'nothing comes from elsewhere';
};

subtest 'keyboard' => sub {
	my $at = sub {
		return js('const m = [...document.querySelectorAll(".marker")].find((m) =>'
		    . ' /Sydney/.test(m.textContent)); const r = m.getBoundingClientRect();'
		    . ' return [r.left, r.top]');
	};
	js('document.querySelector(".map-area").focus()');
	my $before = $at->();
	$b->press('ArrowRight');
	shows('it moves', sub { $at->()->[0] < $before->[0] - 50 });
	$b->press('+');
	shows('it zooms', sub { abs($at->()->[1] - $before->[1]) > 5 });
	$b->press('-');
	js('document.querySelector(".place-list a").focus()');
	$b->press('Enter');
	shows('the place', sub { ($b->text('.map-items h2') // '') eq 'Berlin, Germany' });
	shows('its items', sub { $b->count('.map-items .tile-link') == 2 });
	is js('return document.querySelector(".place-list a[aria-current]").dataset.place'),
	    '2950159', 'the list says which';
	is js('return document.activeElement.tagName'), 'H2', 'the focus is there';
	js('document.querySelector(".map-items .tile-link").focus()');
	$b->press('Enter');
	$b->find('.lightbox img');
	$b->press('ArrowRight');
	$b->press('Escape');
	shows('back on the map', sub { !$b->count('.lightbox') && $b->count('.map') });
	$b->screenshot("$artefacts/map-place.png");
	press_on($b, 'Close', '.map-items');
	shows('closed', sub { !$b->seen('.map-items') });
};

subtest 'a cluster' => sub {
	open_view($b, 'search', 'h1');
	open_view($b, 'map', '.place-list a');
	shows('clusters', sub { markers() =~ /Sydney/ });
	$b->js('[...document.querySelectorAll(".marker")].find((m) => /Sydney/.test(m.textContent))'
	    . '.click()');
	shows('its items', sub { $b->count('.map-items .tile-link') == 1 });
	like js('return location.hash'), qr/bounds=/, 'the address leads there';
	$b->reload;
	shows('... again', sub { $b->count('.map-items .tile-link') == 1 });
};

subtest 'the pointer and the wheel' => sub {
	my $moved = sub ($what, $script) {
		my $before = js('return document.querySelector(".marker")?.style.transform');
		js($script);
		return shows($what, sub { my $now = js(
		    'return document.querySelector(".marker")?.style.transform');
		    defined $now && $now ne ($before // '') });
	};
	open_view($b, 'search', 'h1');
	open_view($b, 'map', '.place-list a');
	shows('clusters', sub { markers() =~ /Sydney/ });
	$moved->('drag', <<'JS');
		const area = document.querySelector('.map-area');
		const send = (type, x, y) => area.dispatchEvent(new PointerEvent(type,
		    { bubbles: true, pointerId: 1, clientX: x, clientY: y }));
		area.setPointerCapture = () => {};
		send('pointerdown', 400, 400);
		send('pointermove', 460, 410);
		send('pointerup', 460, 410);
JS
	$moved->('pinch', <<'JS');
		const area = document.querySelector('.map-area');
		const send = (type, id, x, y) => area.dispatchEvent(new PointerEvent(type,
		    { bubbles: true, pointerId: id, clientX: x, clientY: y }));
		send('pointerdown', 1, 300, 400);
		send('pointerdown', 2, 400, 400);
		send('pointermove', 2, 500, 400);
		send('pointerup', 1, 300, 400);
		send('pointerup', 2, 500, 400);
JS
	$moved->('wheel', <<'JS');
		document.querySelector('.map-area').dispatchEvent(new WheelEvent('wheel',
		    { deltaY: 300, clientX: 500, clientY: 400, cancelable: true, bubbles: true }));
JS
};

subtest 'the details of an item' => sub {
	open_view($b, "?item=$ids[0]", '.lightbox');
	$b->press('i') if !$b->count('.details .facts');
	shows('the place', sub { js('return [...document.querySelectorAll(".details .facts dd a")]'
	    . '.some((a) => a.textContent === "Berlin, Germany" &&'
	    . ' /map\?place=2950159/.test(a.href))') });
	js('document.querySelector(".details .facts dd a").click()');
	shows('the map of it', sub { ($b->text('.map-items h2') // '') eq 'Berlin, Germany' });
};

subtest 'what no city is near to' => sub {
	$mn->psql('UPDATE media SET place_id = NULL');
	$b->js('location.hash = "#/search"');
	open_view($b, 'map', '.map');
	shows('markers', sub { markers() ne '' });
	ok !$b->seen('.empty'), 'is on the map, which is not called empty';
};

subtest 'a house without places' => sub {
	$mn->admin->api(PATCH => '/api/admin/settings', { 'media.places' => JSON::PP::false });
	open_view($b, 'search', 'h1');
	open_view($b, 'map', '.places .notice');
	like $b->text('.places .notice'), qr/switched off/, 'the map says so';
	$mn->admin->api(PATCH => '/api/admin/settings', { 'media.places' => JSON::PP::true });
	pass 'on again';
};

is_deeply [ console_errors($b, qr/\b404\b/) ], [], 'no errors on the console';
done_testing;
