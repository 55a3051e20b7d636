#!/usr/bin/perl
# The page turns items, plays music while one browses, shows slides, and lets an album be put in
# order by dragging.
use v5.36;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Browser;
use MediaNest::Media;
use MediaNest::Page qw(:all);
use MediaNest::Test;
use Test::More;

once_is_enough();
use constant { ESCAPE => "\x{E00C}", SHOWN => 30 };

my $artefacts = artefacts("$FindBin::Bin/..");

need_browser();

my $mn = MediaNest::Test->stack(private => 1); # no items of other tests
my $make = MediaNest::Media->new;
my $ann = $mn->user(role => 'super');
my $axe = axe();

my @photo = map { $ann->upload_file($make->picture("photo-$_.jpg", size => '640x480'),
    'image/jpeg', modifiedAt => "2012-05-0${_}T07:08:09Z")->{id} } 1 .. 3;
my $film = $ann->upload_file($make->video('film.webm', seconds => 1, size => '160x90'),
    'video/webm', modifiedAt => '2012-05-04T07:08:09Z')->{id};
my @song = map { $ann->upload_file($make->song("song-$_.ogg", seconds => $_), 'audio/ogg')->{id} }
    3, 30, 4;
$ann->wait_media($_) for @photo, $film, @song;
for my $n (0 .. 2) {
	$ann->api(PATCH => "/api/media/$photo[$n]", { title => "Photo $n" });
	$ann->api(PATCH => "/api/media/$song[$n]", { title => "Song $n" });
}
# A song that no browser plays: its file is a picture.
my $odd = $ann->upload_file($make->song('odd.ogg'), 'audio/ogg')->{id};
$ann->wait_media($odd);
$mn->psql("UPDATE media SET title = 'Odd one', version = version + 1, object_key = (SELECT "
    . "object_key FROM media WHERE id = '$photo[0]') WHERE id = '$odd'");

my $b = MediaNest::Browser->start(dir => $make->path('browser'), artefacts => $artefacts);

sub item ($id) { return $ann->api(GET => "/api/media/$id")->{json} }
sub go ($hash) { return $b->js('location.hash = arguments[0]', $hash) }
sub button ($label) { return qq([aria-label="$label"]) }
sub press_button ($label, $within = '') { return $b->click("$within " . button($label)) }
sub until_true ($what, $script, @arguments) {
	eval { $b->wait_for($what, sub { $b->js($script, @arguments) }, SHOWN); 1 } or diag $@;
	return ok $b->js($script, @arguments), $what;
}
sub playing { return $b->js('return document.querySelector(".music-words strong")?.textContent') }
sub until_playing ($title, $what) {
	eval { $b->wait_for($what, sub { (playing() // '') eq $title }, SHOWN); 1 } or diag $@;
	return is playing(), $title, $what;
}

# The elements that play music are in no document.
$b->before_load(<<'JS');
	(() => {
		const { Audio } = window;
		window.sounds = [];
		window.Audio = function () {
			const sound = new Audio();
			window.sounds.push(sound);
			return sound;
		};
	})();
JS
sign_in($b, $ann);

subtest 'the navigation of a phone' => sub {
	for my $font ('', 'DejaVu Sans') {
		$b->resize(390, 844);
		$b->js('document.body.style.fontFamily = arguments[0]', $font);
		my $boxes = $b->js(<<'JS');
			return [...document.querySelectorAll('.main-nav a')].map((a) => {
				const range = document.createRange();
				const label = a.querySelector('.nav-text');
				range.selectNodeContents(label.firstChild);
				const word = range.getBoundingClientRect();
				const shown = label.getBoundingClientRect();
				const link = a.getBoundingClientRect();
				return [Math.max(word.left, shown.left),
				    Math.min(word.right, shown.right), link.left, link.right,
				    link.height, label.firstChild.data];
			});
JS
		is scalar @$boxes, 7, 'seven labels';
		my @near = grep { $boxes->[$_][1] + 3 > $boxes->[ $_ + 1 ][0] } 0 .. 5;
		is_deeply [ map { $boxes->[$_][5] } @near ], [],
		    "none touches the next one ($font)";
		is scalar(grep { $_->[3] - $_->[2] < 44 || $_->[4] < 44 } @$boxes), 0,
		    '... each is large enough for a finger';
		ok $boxes->[0][2] >= 0 && $boxes->[-1][3] <= 390, '... all are on the screen';
	}
	$b->js('document.body.style.fontFamily = ""');
	$b->resize(1280, 860);
};

# Every action is in the bar or in its menu, once; with the keyboard alone.
sub bar_and_menu ($name, $width) {
	my $shown = <<'JS';
		return [...document.querySelectorAll(arguments[0] + ' button')].filter((one) =>
		    one.getClientRects().length).map((one) => {
			const { left, top, right, bottom } = one.getBoundingClientRect();
			return [one.getAttribute('aria-label') ?? one.textContent, right - left,
			    bottom - top, left, right, bottom];
		});
JS
	my @bar = @{ $b->js($shown, '.selection-bar') };

	$b->js('document.querySelector(`.selection-bar [aria-label="More actions"]`).focus()');
	$b->press('Enter');
	until_true('the menu', 'return document.querySelector(".bulk-menu:popover-open")'
	    . '?.contains(document.activeElement)');
	my @menu = @{ $b->js($shown, '.bulk-menu') };
	my @all = map { $_->[0] } @bar, @menu;

	accessible($b, "the menu, $name", $axe);
	$b->screenshot("$artefacts/selection-$width-" . ($name =~ /dark/ ? 'dark' : 'light')
	    . '.png');
	is_deeply [ sort @all ], [ sort 'Clear selection', 'Favourite', 'Add to album', 'Archive',
	    'Who can see these', 'Public link', 'Tag', 'Change date', 'Download', 'Move to trash',
	    'More actions', 'Rotate right', 'Rotate left', 'Turn upside down', 'Slideshow' ],
	    "$name: each action is there once";
	is scalar @bar, $width < 800 ? 6 : 11, '... the frequent ones in the bar';
	is_deeply [ grep { $_->[1] < 44 || $_->[2] < 44 || $_->[3] < 0 || $_->[4] > $width
	    || $_->[5] > 844 } @bar, @menu ], [], '... large enough, and on the screen';
	$b->press('ArrowDown');
	is $b->js('return document.activeElement.textContent'), $menu[1][0], '... down';
	$b->press('ArrowUp');
	$b->press('ArrowUp');
	is $b->js('return document.activeElement.textContent'), $menu[-1][0], '... and up, around';
	$b->press('Escape');
	until_true('closed', 'return !document.querySelector(".bulk-menu")');
	is $b->js('return document.activeElement.ariaLabel'), 'More actions', '... back to the bar';
	ok $b->seen('.selection-bar'), '... and the selection stays';
	return;
}

subtest 'rotate a selection' => sub {
	go('#/?kind=image');
	until_true('photos', 'return document.querySelectorAll(".tile img.loaded").length === 3');
	$b->js('document.querySelectorAll(".tick").forEach((tick) => tick.click())');
	$b->js('window.wide = document.querySelector(".tile").clientWidth >'
	    . ' document.querySelector(".tile").clientHeight');
	for my $size ([ 390, 844 ], [ 1280, 860 ]) {
		$b->resize(@$size);
		for my $dark (0, 1) {
			$b->prefer_dark($dark);
			bar_and_menu("$size->[0] px" . ($dark ? ', dark' : ''), $size->[0]);
		}
	}
	press_button('More actions', '.selection-bar');
	$b->find('.bulk-menu:popover-open');
	press_on($b, 'Rotate right', '.bulk-menu');
	until_true('they stand upright at once', <<'JS');
		return window.wide && [...document.querySelectorAll('.tile')].every((tile) =>
		    tile.clientHeight > tile.clientWidth);
JS
	until_true('... turned by the page', <<'JS');
		const art = document.querySelector('.art[data-turn="90"]');
		return getComputedStyle(art.querySelector('img')).rotate === '90deg';
JS
	told($b, '#toasts', qr/3 items rotated/, 'the page says so');
	is item($photo[0])->{rotation}, 90, '... and the server knows';
	$b->click('#toasts .link');
	until_true('and back', 'return [...document.querySelectorAll(".tile")]'
	    . '.every((tile) => tile.clientHeight < tile.clientWidth)');
	$b->wait_for('the server', sub { !item($photo[0])->{rotation} }, SHOWN);
	pass 'the server too';
	press_button('Clear selection');
	$b->wait_for('their pictures', sub { !grep { item($_)->{turnBy} } @photo }, SHOWN);
	$b->reload;
};

subtest 'rotate in the viewer' => sub {
	go("#/?item=$photo[1]");
	until_true('the picture', 'return Boolean(document.querySelector(".frame .large.loaded"))');
	$b->press('r');
	$b->press('r');
	$b->press('r');
	until_true('turned three times', 'const f = document.querySelector(".frame"); return '
	    . 'f.querySelector(".large").dataset.turn === "270" && f.clientHeight > f.clientWidth');
	ok $b->js(<<'JS'), 'the picture fills its frame';
		const [f, i] = ['.frame', '.frame .large'].map((css) =>
		    document.querySelector(css).getBoundingClientRect());
		return Math.abs(f.width - i.width) < 2 && Math.abs(f.height - i.height) < 2;
JS
	$b->wait_for('the server', sub { (item($photo[1])->{rotation} // 0) == 270 }, SHOWN);
	$b->wait_for('its pictures', sub { !item($photo[1])->{turnBy} }, SHOWN);
	until_true('what is shown stays right when its pictures come',
	    'return document.querySelector(".frame .large").dataset.turn === "270"');
	press_button('More actions', '.lightbox');
	$b->find('.more-menu:popover-open');
	$b->screenshot("$artefacts/look-more.png");
	accessible($b, 'the menu', $axe);
	press_on($b, 'Rotate right' . 'r', '.more-menu');
	$b->wait_for('the server', sub { !item($photo[1])->{rotation} }, SHOWN);
	pass 'and on, to where it began';
	$b->press(ESCAPE);
	until_true('closed', 'return !document.querySelector(".lightbox")');
};

subtest 'names of people' => sub {
	go("#/?item=$photo[0]");
	$b->find('.lightbox ' . button('Details'));
	press_button('Details', '.lightbox');
	$b->type(button('Add a person'), "Ann Smith\n");
	told($b, '.people .chip', qr/Ann Smith/, 'typed by hand');
	is_deeply item($photo[0])->{people}, ['Ann Smith'], '... and kept';
	is $b->count('ul.chips:not(.people) .chip'), 0, '... not twice';
	accessible($b, 'the details', $axe);
	$b->screenshot("$artefacts/look-people.png");
	press_button('Remove person Ann Smith', '.details');
	$b->wait_for('the server', sub { !item($photo[0])->{people} }, SHOWN);
	is_deeply item($photo[0])->{tags}, [], 'and removed';
	press_button('Close details');
	$b->press(ESCAPE);
	until_true('closed', 'return !document.querySelector(".lightbox")');
};

subtest 'slides' => sub {
	go("#/?item=$photo[2]");
	until_true('the picture', 'return Boolean(document.querySelector(".frame .large.loaded"))');
	$b->js('localStorage.setItem("medianest.slideshow.seconds", "60")');
	$b->press('s');
	until_true('a slide', 'return document.querySelectorAll(".slide img").length === 1');
	ok $b->js('return document.querySelector(".slide img").getAnimations().length > 0'),
	    'photos come nearer';
	$b->cdp('Emulation.setEmulatedMedia', { features => [ { name => 'prefers-reduced-motion',
	    value => 'reduce' } ] });
	until_true('but not for people who want less motion',
	    'return document.querySelector(".slide img").getAnimations().length === 0');
	accessible($b, 'slides', $axe);
	told($b, '.slideshow-bar strong', qr/Photo 2/, 'begins with what was shown');
	$b->screenshot("$artefacts/look-slides.png");
	$b->press("\x{E014}");
	told($b, '.slideshow-bar strong', qr/Photo 1/, 'the next one by the keyboard');
	$b->press("\x{E012}", "\x{E012}");
	told($b, '.slideshow-bar strong', qr/film/, 'back to a video');
	told($b, '.slideshow-bar strong', qr/Photo 2/, '... after whose end the next photo comes');
	$b->press("\x{E012}");
	$b->js(<<'JS');
		const select = document.querySelector('.slideshow-bar select');
		select.value = '3';
		select.dispatchEvent(new Event('change'));
JS
	told($b, '.slideshow-bar strong', qr/Photo 1/, 'a photo makes room after its time');
	press_button('Pause', '.slideshow-bar');
	$b->find('.slideshow-bar ' . button('Play'));
	$b->press(ESCAPE);
	$b->cdp('Emulation.setEmulatedMedia', { features => [] });
	until_true('the viewer has the last one', 'return !document.querySelector(".slideshow") && '
	    . '/^Photo [01]$/.test(document.querySelector(".lightbox-title").textContent)');
	$b->press(ESCAPE);
	until_true('closed', 'return !document.querySelector(".lightbox")');
};

subtest 'music' => sub {
	go('#/?kind=audio&sort=title');
	until_true('songs', 'return document.querySelectorAll(".tile").length === 4');
	press_on($b, 'Play all');
	until_playing('Song 0', 'what cannot be played is passed over');
	told($b, '#toasts', qr/Odd one.*skipped/, '... with a message');
	until_playing('Song 1', 'one song after the other');
	go('#/albums');
	until_true('another view', 'return document.title.startsWith("Albums")');
	is playing(), 'Song 1', 'it goes on while one browses';
	accessible($b, 'the bar', $axe);
	my $slides = sub ($muted, $what) {
		go("#/?item=$film");
		until_true('the film', 'return Boolean(document.querySelector(".lightbox video"))');
		$b->js(<<'JS');
			window.silent = null;
			document.addEventListener('play', ({ target }) => {
				if (target.closest('.slideshow'))
					window.silent = target.muted;
			}, { capture: true });
JS
		$b->press('s');
		until_true($what, "return window.silent === $muted");
		$b->press(ESCAPE);
		until_true('closed', 'return !document.querySelector(".slideshow")');
		$b->press(ESCAPE);
		until_true('the viewer too', 'return !document.querySelector(".lightbox")');
	};
	$slides->('true', 'films of a slideshow are silent while it plays');
	$b->press('p');
	until_true('the keyboard pauses it',
	    'return Boolean(document.querySelector(".music-bar [aria-label=Play]"))');
	$slides->('false', '... and are heard when it is paused');
	go('#/albums');
	is $b->js('return navigator.mediaSession.metadata.title'), 'Song 1', 'the system shows it';
	press_button('Queue', '.music-bar');
	is $b->count('.music-list li'), 4, 'the queue';
	press_button('Move Song 2 up', '.music-list');
	until_true('moves', 'return [...document.querySelectorAll(".music-row span")].map((s) =>'
	    . ' s.textContent).join() === "Odd one,Song 0,Song 2,Song 1"');
	ok $b->js('return document.activeElement.dataset.does === "up"'), '... and keeps the focus';
	press_button('Remove Odd one from the queue', '.music-list');
	until_true('one less', 'return document.querySelectorAll(".music-list li").length === 3');
	accessible($b, 'the queue', $axe);
	press_button('Shuffle', '.music-queue');
	until_true('shuffled, what plays is the first', 'return document.querySelector('
	    . '".music-list li:first-child [aria-current]")?.textContent.startsWith("Song 1")');
	press_button('Shuffle', '.music-queue');
	press_button('Repeat: off', '.music-queue');
	$b->find('.music-queue ' . button('Repeat: the queue'));
	$b->press(ESCAPE);
	$b->js(<<'JS');
		const line = document.querySelector('.music-line');
		line.value = '500';
		line.dispatchEvent(new Event('input'));
JS
	until_true('half way',
	    'return /^0:1[45]/.test(document.querySelector(".music-time").textContent)');
	for my $width (390, 1280) {
		for my $dark (0, 1) {
			$b->resize($width, 844);
			$b->prefer_dark($dark);
			accessible($b, "at $width, dark $dark", $axe);
			ok $b->js(<<'JS'), 'targets of 44 pixels';
				const large = (one) => {
					const box = one.getBoundingClientRect();
					return !box.width || (box.width >= 44 && box.height >= 44);
				};
				return [...document.querySelectorAll('.music-bar button')]
				    .every(large);
JS
			ok $b->js(<<'JS'), 'the bar lies above the navigation and beside nothing';
				const [bar, nav] = ['.music-bar', '.main-nav'].map((css) =>
				    document.querySelector(css).getBoundingClientRect());
				const room = parseFloat(getComputedStyle(
				    document.getElementById('main')).paddingBottom);
				return (nav.width > 300 ? bar.bottom <= nav.top + 1 && room >= 128 :
				    bar.left >= nav.right - 1 && room >= 68);
JS
			fits($b, "music at $width");
			$b->screenshot("$artefacts/look-music-$width-$dark.png");
		}
	}
	$b->prefer_dark(0);
	$b->reload;
	until_playing('Song 1', 'it is there after a reload');
	until_true('paused, at its place', 'return Boolean(document.querySelector('
	    . '".music-bar [aria-label=Play]")) && /^0:1[45]/.test('
	    . 'document.querySelector(".music-time").textContent)');
	press_button('Play', '.music-bar');
	until_true('and goes on from there',
	    'return /^0:1[5-9]/.test(document.querySelector(".music-time").textContent)');
	# As when the address has expired in the middle of the song, and the store refuses the rest.
	$b->js(<<'JS');
		window.asked = 0;
		const { fetch } = window;
		window.fetch = (...what) => {
			window.asked += /\/file/.test(String(what[0]?.url ?? what[0])) ? 1 : 0;
			return fetch(...what);
		};
		const sound = window.sounds.find((one) => !one.paused);
		window.broken = sound.currentTime;
		sound.dispatchEvent(new Event('error'));
JS
	until_true('a new address, and the song goes on where it was', <<'JS');
		const sound = window.sounds.find((one) => !one.paused);
		return window.asked > 0 && sound?.currentTime >= window.broken;
JS
	press_button('Next song', '.music-bar');
	until_playing('Song 0', 'around, as the queue is repeated');
	press_button('Stop the music', '.music-bar');
	until_true('stopped', 'return !document.querySelector(".music-bar") && '
	    . '!localStorage.getItem("medianest.music")');
};

subtest 'music from the viewer, up to the end of the session' => sub {
	go("#/?item=$song[1]");
	$b->find('.player.audio');
	press_button('Play', '.player');
	until_true('plays in the viewer',
	    'return document.querySelector(".player audio").currentTime > 0');
	$b->press('q');
	$b->press(ESCAPE);
	until_playing('Song 1', 'goes on in the bar');
	$b->click('.avatar');
	press_on($b, 'Sign out');
	$b->find('#email');
	until_true('ends with the session', 'return !document.querySelector(".music-bar") && '
	    . '!localStorage.getItem("medianest.music")');
	sign_in($b, $ann);
};

subtest 'an album in an order made by hand' => sub {
	my $album = $ann->api(POST => '/api/media/collections', { kind => 'album', title => 'Order',
	    sort => 'manual' })->{json}{id};
	$ann->api(POST => "/api/media/collections/$album/items", { add => \@photo });
	my $order = sub { join ' ', map { $_->{title} =~ /(\d)/ } @{ $ann->api(GET =>
	    "/api/media?collection=$album&sort=manual")->{json}{items} } };
	is $order->(), '0 1 2', 'as they were added';
	go("#/album?id=$album");
	until_true('shown',
	    'return document.querySelectorAll(".reorder .tile img.loaded").length === 3');
	my $drag = sub ($from, $to, $type = 'mouse') {
		my $at = sub ($n, $part) {
			return $b->js(<<'JS', $n, $part);
				const tile = [...document.querySelectorAll('.tile')].find((one) =>
				    one.tile.item.title === `Photo ${arguments[0]}`);
				const r = tile.getBoundingClientRect();
				return [Math.round(r.left + r.width * arguments[1]),
				    Math.round(r.top + r.height / 2)];
JS
		};
		my ($x, $y) = @{ $at->($from, 0.5) };
		my ($u, $v) = @{ $at->(@$to) };
		$b->wd(POST => '/actions', { actions => [ { type => 'pointer', id => $type,
		    parameters => { pointerType => $type }, actions => [
		    { type => 'pointerMove', x => $x, y => $y, duration => 0 },
		    { type => 'pointerDown', button => 0 },
		    { type => 'pointerMove', x => $x + 20, y => $y, duration => 50 },
		    { type => 'pointerMove', x => $u, y => $v, duration => 100 },
		    { type => 'pointerUp', button => 0 } ] } ] });
		$b->wd(DELETE => '/actions');
	};
	my $becomes = sub ($wanted, $what) {
		eval { $b->wait_for($what, sub { $order->() eq $wanted }, SHOWN) };
		is $order->(), $wanted, $what;
		until_true('... and is shown so', <<'JS', $wanted);
			return [...document.querySelectorAll('.tile')]
			    .sort((a, b) => a.offsetLeft - b.offsetLeft)
			    .map((one) => one.tile.item.title.at(-1)).join(' ') === arguments[0];
JS
	};
	$drag->(2, [ 0, 0.1 ]);
	$becomes->('2 0 1', 'dragged to the front with a mouse');
	ok !$b->js('return location.hash.includes("item=")'), '... which opens nothing';
	$drag->(2, [ 1, 0.9 ]);
	$becomes->('0 1 2', '... and to the end');
	$b->js('document.querySelectorAll(".tile .tick").forEach((tick) => '
	    . 'tick.closest(".tile").tile.item.title === "Photo 1" && tick.click())');
	$drag->(1, [ 0, 0.1 ], 'touch');
	$becomes->('1 0 2', 'what is selected, with a finger');
	press_button('Move later', '.selection-bar');
	$becomes->('0 1 2', 'and without a pointer');
	accessible($b, 'the album', $axe);
};

is_deeply [ console_errors($b, qr/Failed to load resource|odd|decode|DEMUXER/i) ], [],
    'nothing in the console';
done_testing;
