#!/usr/bin/perl
# The page in small things that go wrong: keys among items, the trash, what fields and views say
# before something is lost, what guests are offered, shapes, the search box, panoramas, sign-in.
# t/302-page-defects.t has what goes wrong with pictures, addresses and the network.
use v5.36;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use MediaNest::Browser;
use MediaNest::Media;
use MediaNest::Page qw(:all);
use MediaNest::Test;
use Test::More;

once_is_enough();
binmode Test::More->builder->$_, ':utf8' for qw(output failure_output todo_output);
my $artefacts = artefacts("$FindBin::Bin/..");

need_browser();

my $mn = MediaNest::Test->stack(private => 1);
my $make = MediaNest::Media->new;
my ($ann, $admin, $guest, $super) = map { $mn->user(role => $_) } qw(user admin guest super);
my $axe = axe();

sub browser ($name, %with) {
	return MediaNest::Browser->start(dir => $make->path("browser-$name"),
	    artefacts => $artefacts, width => 1280, height => 860, %with);
}

# A part that dies fails, and the next one begins with the network as it was.
my $b;
sub part ($name, $code) {
	return subtest $name => sub {
		eval { $code->(); 1 } or fail("$name: $@");
		$b->offline(0);
		$b->block;
		$b->press('Escape');
	};
}

sub id_of ($who) { return $who->api(GET => '/api/auth/session')->{json}{user}{id} }

# Items without pictures, straight into the catalogue, the first one the newest.
sub rows ($owner, $n, $title, %more) {
	my $made = $mn->psql(sprintf <<'SQL', $owner, $title, $more{visibility} // 'private', $n);
WITH new AS (
	INSERT INTO media (id, owner_id, kind, title, status, content_type, created_at, taken_at,
		visibility)
	SELECT gen_random_uuid(), '%s', 'other', '%s ' || to_char(n, 'FM00'), 'ready',
		'application/octet-stream', '2020-01-01'::timestamptz - n * interval '1 hour',
		'2020-01-01'::timestamptz - n * interval '1 hour', '%s'
	FROM generate_series(1, %d) n RETURNING id, title)
SELECT id FROM new ORDER BY title
SQL
	changed_there();
	return split /\s+/, $made;
}

# Lists that were cached are not told of what happens in the database alone.
sub changed_there () {
	$_->api(PUT => "/api/media/$_->{mark}/tags", { tags => [ 'n' . ++$_->{marks} ] })
	    for grep { $_->{mark} } $ann, $admin;
	return;
}

# The page anew at this address.
sub at ($view, $css) {
	$b->get("$mn->{url}/#/$view");
	$b->reload;
	$b->find($css);
	return;
}

sub selected { return $b->js('return [...document.querySelectorAll(".tile.selected")].map((t) => '
    . 't.querySelector("a").ariaLabel.match(/: (.*?),/)[1]).sort()') }
sub gone ($css) { return $b->wait_for("no $css", sub { !$b->seen($css) }) }
sub buttons ($within) {
	return $b->js(<<'JS', $within);
		return [...document.querySelectorAll(`${arguments[0]} button`)]
		    .filter((one) => one.getClientRects().length)
		    .map((one) => one.ariaLabel ?? one.textContent.trim());
JS
}

my $photo = $ann->upload_file($make->picture('beach.jpg', size => '640x420'), 'image/jpeg')->{id};
$ann->{mark} = $photo;
$ann->wait_media($photo);
$b = browser('main');

part 'code that comes late, and first without a network' => sub {
	sign_in($b, $ann);
	$b->reload;
	$b->find('.tile img.loaded');
	my $loaded = sub ($name) { $b->js('return performance.getEntriesByType("resource").some('
	    . '(one) => one.name.endsWith(arguments[0]))', $name) };
	ok !$loaded->($_), "$_ does not come with the first view"
	    for qw(ui/lightbox.js ui/details.js ui/player.js ui/shortcuts.js views/signin.js
	    views/door.js);
	$b->offline(1);
	$b->js('location.hash = arguments[0]', "#/?item=$photo");
	told($b, '.lightbox .notice', qr/Try again/, 'an item says that its code cannot come');
	is_deeply buttons('.lightbox'), [ 'Back', 'Try again' ], 'and nothing else can be done';
	$b->press('Escape');
	gone('.lightbox');
	ok $b->seen('.tile'), 'Esc leads back';
	$b->js('location.hash = arguments[0]', "#/?item=$photo");
	$b->find('.lightbox .notice');
	$b->offline(0);
	$b->find('.lightbox img.large.loaded', 20);
	pass 'it comes by itself when the network is back';
	$b->press('Escape');
	gone('.lightbox');
	ok $b->seen('.tile'), 'and the page below is as it was';
	ok !$b->js('return document.getElementById("app").inert'), 'and can be used';
};

part 'keys among items' => sub {
	my @row = rows(id_of($ann), 9, 'Row');
	at('', '.tile-link');
	$b->wait_for('the rows', sub { $b->count('.tile') == 10 });
	$b->js('document.querySelector(arguments[0]).focus()', "a[href*='$row[2]']");
	$b->press('Space');
	is_deeply selected(), ['Row 03'], 'Space selects';
	$b->js(<<'JS');
		window.shift = (key) => document.activeElement.dispatchEvent(new KeyboardEvent(
		    'keydown', { key, shiftKey: true, bubbles: true, cancelable: true }));
JS
	$b->js('shift("ArrowRight")') for 1 .. 3;
	is_deeply selected(), [ map { "Row 0$_" } 3 .. 6 ], 'Shift and arrows select on';
	$b->js('shift("ArrowLeft")') for 1 .. 2;
	is_deeply selected(), [ 'Row 03', 'Row 04' ], 'and on the way back take away again';
	$b->js('shift("ArrowLeft")') for 1 .. 2;
	is_deeply selected(), [ 'Row 02', 'Row 03' ], 'over the beginning to the other side';
	# what was selected before stays
	$b->press('Escape');
	$b->js('document.querySelector(arguments[0]).focus()', "a[href*='$row[7]']");
	$b->press('Space');
	$b->js('document.querySelector(arguments[0]).focus()', "a[href*='$row[5]']");
	$b->js('shift("ArrowRight"); shift("ArrowRight"); shift("ArrowLeft"); shift("ArrowLeft")');
	is_deeply selected(), [ 'Row 06', 'Row 08' ], 'a shrinking range leaves the others';

	$b->press('Delete');
	$b->wait_for('them to go', sub { $b->count('.tile') == 8 });
	$b->wait_for('word of it', sub { ($b->text('#toasts') // '') =~ /2 items moved to trash/ });
	pass 'Delete moves a selection to the trash';
	ok !$b->seen('.selection-bar'), 'nothing is selected any more';
	$b->press('Delete');
	is $b->count('.tile'), 8, 'Delete without a selection does nothing';

	$b->press('?');
	$b->find('dialog .shortcuts');
	my $help = $b->text('dialog');
	like $help, qr/\Q$_\E/, "the help has $_" for 'Home', 'Delete', 'Shift + arrows', 'Mute',
	    'Full screen', 'PgUp', 'Space', 'Zoom', 'Esc';
	for my $size ([ 390, 844 ], [ 1280, 860 ]) {
		$b->resize(@$size);
		$b->prefer_dark($size->[0] == 390);
		ok $b->js('const box = document.querySelector("dialog").getBoundingClientRect();'
		    . 'const list = document.querySelector(".shortcut-groups");'
		    . 'return box.top >= 0 && box.bottom <= innerHeight &&'
		    . ' list.scrollWidth <= list.clientWidth'), "@$size: all of it fits";
		accessible($b, "help at @$size", $axe);
		$b->screenshot("$artefacts/page-help-$size->[0].png");
	}
	$b->prefer_dark(0);
	$b->press('Escape');
	$mn->psql("DELETE FROM media WHERE title LIKE 'Row %'");
	changed_there();
};

part 'a title that was emptied' => sub {
	at("?item=$photo", '.lightbox img.large.loaded');
	$b->press('i');
	$b->find('#d-title');
	my $title = $b->js('return document.getElementById("d-title").value');
	$b->js(<<'JS');
		const field = document.getElementById('d-title');
		field.focus();
		field.value = '  ';
		field.dispatchEvent(new Event('change', { bubbles: true }));
JS
	told($b, '#d-title-wrong', qr/Must not be empty\. It is still “\Q$title\E”/, 'says why');
	is $b->count('#d-title[aria-invalid]'), 1, 'the field is marked';
	is $ann->api(GET => "/api/media/$photo")->{json}{title}, $title, 'and nothing was saved';
	accessible($b, 'a wrong title', $axe);
	$b->screenshot("$artefacts/page-empty-title.png");
	$b->type('#d-title', 'Seaside');
	$b->press('Enter');
	$b->wait_for('it to be saved',
	    sub { $ann->api(GET => "/api/media/$photo")->{json}{title} eq 'Seaside' });
	$b->wait_for('no complaint', sub { !$b->seen('#d-title-wrong') });
	pass 'a good one ends the complaint';
	$b->press('i');
};

part 'round things, words on buttons' => sub {
	at('', '.tile');
	$b->press('Tab') for 1 .. 6;
	is_deeply $b->js(<<'JS'), [], 'round things stay round on focus';
		const round = [...document.querySelectorAll('button, a, input, [tabindex]')]
		    .filter((e) => e.getClientRects().length &&
			getComputedStyle(e).borderRadius !== '0px');
		const wrong = [];
		for (const one of round) {
			const before = getComputedStyle(one).borderRadius;
			one.focus({ focusVisible: true });
			if (getComputedStyle(one).borderRadius !== before)
				wrong.push(`${one.outerHTML.slice(0, 60)}: ${before}`);
			one.blur();
		}
		return wrong;
JS
};

part 'the room of the scroll bar' => sub {
	my $width = sub { $b->js('return document.querySelector(".grid").clientWidth') };

	at('', '.tile');
	my $before = $width->();
	$b->click('.tile-link');
	$b->find('.lightbox img.large.loaded');
	is $b->js('return document.querySelector(".lightbox").getBoundingClientRect().right'),
	    $b->js('return innerWidth'), 'the viewer takes all of the screen';
	is $width->(), $before, 'and what is below does not move';
	$b->press('Escape');
	gone('.lightbox');
	is $width->(), $before, 'nor afterwards';
	my $colour = sub ($css) { $b->js('return getComputedStyle(document.querySelector('
	    . 'arguments[0])).backgroundColor', $css) };
	is $colour->('html'), $colour->('body'), 'it has the colour of the page';
	$b->press('?');
	$b->find('dialog');
	isnt $colour->('html'), $colour->('body'), 'and that of the backdrop beside a dialog';
	$b->press('Escape');
};

part 'the search' => sub {
	rows(id_of($ann), 3, 'Seaside walk');
	at('', '.tile');
	$b->press('/');
	$b->press(split //, 'seasi');
	$b->find('.suggestions li');
	$b->wait_for('the results', sub { $b->url =~ /search/
	    && ($b->text('.summary') // '') =~ /^4 results/ });
	$b->find('.suggestions li');
	is_deeply [ grep { !$_ } @{ $b->js('return [...document.querySelectorAll('
	    . '".suggestions li")].map((li) => li.querySelector("small")?.textContent ?? "")') } ],
	    [], 'each suggestion says what it is';
	like $b->text('.suggestions'), qr/photo/, 'a photo is called one';
	unlike $b->js('return [...document.querySelectorAll(".suggestions li")].find((li) => '
	    . 'li.textContent.startsWith("Seaside") && !/walk/.test(li.textContent)).textContent'),
	    qr/file/, 'and not a file';
	for my $size ([ 390, 844 ], [ 1280, 860 ]) {
		$b->resize(@$size);
		$b->js('document.querySelector("input[type=search]").dispatchEvent('
		    . 'new Event("input", { bubbles: true }))');
		$b->wait_for('suggestions above the results', sub { $b->seen('.suggestions')
		    && $b->js(<<'JS') });
			const list = document.querySelector('.suggestions').getBoundingClientRect();
			const first = document.querySelector('.tile')?.getBoundingClientRect();
			return Boolean(first && first.top >= list.bottom);
JS
		pass "@$size: suggestions do not cover results";
		accessible($b, "suggestions at @$size", $axe);
		$b->screenshot("$artefacts/page-suggestions-$size->[0].png");
	}
	$b->press('Enter');
	gone('.suggestions');
	# years the other way round
	$b->js('[...document.querySelectorAll(".chips button")].find((one) => '
	    . 'one.textContent === "Year").click()');
	$b->type('dialog [aria-label=From]', '2022');
	$b->type('dialog [aria-label=To]', '2019');
	$b->press('Enter');
	$b->wait_for('the years', sub { $b->url =~ /yearFrom=2019&yearTo=2022/ });
	told($b, '.chips', qr/2019–2022/, 'a reversed range of years is turned round');
	at('search?q=seaside&yearFrom=2022&yearTo=2019', '.tile');
	told($b, '.summary', qr/^\d+ result/, 'in an address too');
	told($b, '.chips', qr/2019–2022/, 'and shown so');
	$mn->psql("DELETE FROM media WHERE title LIKE 'Seaside walk%'");
};

part 'panoramas' => sub {
	my %pano = map {
		my ($name, $size) = @$_;
		($name => $ann->upload_file($make->picture("$name.jpg", size => $size),
		    'image/jpeg')->{id});
	} [ 'wide panorama' => '3000x240' ], [ 'tower' => '240x2400' ];
	$ann->wait_media($_) for values %pano;
	for my $size ([ 390, 844 ], [ 1280, 860 ]) {
		$b->resize(@$size);
		for my $name (sort keys %pano) {
			at('', '.tile');
			ok $b->js('return [...document.querySelectorAll(".tile")].every((t) => {'
			    . 'const box = t.getBoundingClientRect();'
			    . 'return box.left >= 0 && box.right <= innerWidth && box.width > 20 &&'
			    . ' box.height > 20; })'), "$name at @$size: tiles are on the screen";
			fits($b, "$name at @$size");
			at("?item=$pano{$name}", '.lightbox img.large.loaded');
			ok inside($b, '.frame', '.stage'), "$name at @$size: all of it is seen";
			$b->screenshot("$artefacts/page-$name-$size->[0].png" =~ s/ /-/r);
			$b->press('+') for 1 .. 3;
			my $at = $b->js(<<'JS');
				const stage = document.querySelector('.stage');
				const frame = document.querySelector('.frame');
				const box = stage.getBoundingClientRect();
				const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
				const send = (type, dx, dy) => frame.dispatchEvent(new PointerEvent(
				    type, { bubbles: true, pointerId: 1, clientX: x + dx,
				    clientY: y + dy, pointerType: 'mouse' }));
				stage.setPointerCapture = () => {};
				send('pointerdown', 0, 0);
				for (let n = 1; n <= 10; n++)
					send('pointermove', n * 200, n * 200);
				send('pointerup', 2000, 2000);
				const now = frame.getBoundingClientRect();
				return [now.left - box.left, now.top - box.top,
				    box.right - now.right, box.bottom - now.bottom,
				    now.width - box.width, now.height - box.height];
JS
			my ($left, $top, $right, $bottom, $wider, $higher) = @$at;
			ok $wider > 0 ? $left <= 1 : abs($left - $right) <= 2,
			    "$name at @$size: enlarged and dragged, it stays across: @$at";
			ok $higher > 0 ? $top <= 1 : abs($top - $bottom) <= 2, 'and up and down';
			$b->press('Escape');
		}
	}
	$b->resize(1280, 860);
	$ann->api(DELETE => "/api/media/$_?purge=true") for values %pano;
};
$b->stop;

$b = browser('guest');
part 'a guest' => sub {
	$ann->api(PATCH => "/api/media/$photo", { visibility => 'house' });
	sign_in($b, $guest);
	$b->find('.tile img.loaded');
	$b->js('document.querySelector(".tick").click()');
	$b->find('.selection-bar');
	is_deeply [ grep { $_ ne 'Clear selection' } @{ buttons('.selection-bar') } ],
	    [ 'Favourite', 'Archive', 'Download', 'More actions' ],
	    'a selection of what belongs to others offers one\'s own marks, and nothing refused';
	$b->press('Delete');
	is $b->count('.toast'), 0, 'nor does a key';
	$b->press('Escape');
	$b->click('.tile-link');
	$b->find('.lightbox img.large.loaded');
	is_deeply [ grep { /trash|Delete|Restore/i } @{ buttons('.lightbox-bar') } ], [],
	    'nor does the viewer';
	$b->press('i');
	$b->find('.details .facts');
	is $b->count('.details input'), 0, 'details cannot be edited';
	$b->press('i', 'Escape');
	gone('.lightbox');
	for my $view (qw(trash you preferences shelves notifications search?q=sea)) {
		open_view($b, $view, 'main h1, main .empty, main .tile');
		my $wrong = $b->js(<<'JS');
			return [...document.querySelectorAll('main button')].filter((one) =>
			    one.getClientRects().length && !one.disabled &&
			    /Upload|^Save$|Edit|Empty trash|Invite|Delete permanently/.test(
			    one.ariaLabel ?? one.textContent)).map((one) => one.textContent);
JS
		is_deeply $wrong, [], "$view: no button that refuses a guest";
	}
};
$b->stop;

$b = browser('admin');
part 'the trash' => sub {
	my $own = $admin->upload_file($make->picture('own.jpg', size => '640x420',
	    source => 'color=c=teal:s=640x420'), 'image/jpeg')->{id};
	$admin->wait_media($own);
	$admin->{mark} = $photo;
	sign_in($b, $admin);
	my @old = rows(id_of($admin), 5, 'Old');
	$admin->api(POST => "/api/media/$_/trash") for $own, @old;
	$mn->psql("UPDATE media SET trashed_at = now() - interval '29.5 days'"
	    . " WHERE id = '$old[0]'");
	at('trash', '.tile');
	$b->wait_for('all of it', sub { $b->count('.tile') == 6 });
	like $b->js('return document.querySelector(arguments[0]).ariaLabel', "a[href*='$old[0]']"),
	    qr/1 day left/, 'what goes tomorrow says so';
	like $b->js('return document.querySelector(arguments[0]).closest("li").textContent',
	    "a[href*='$own']"), qr/30 days left/, 'what came today has its days';
	for my $size ([ 390, 844, 1 ], [ 390, 844, 0 ], [ 1280, 860, 1 ], [ 1280, 860, 0 ]) {
		my ($width, $height, $dark) = @$size;

		$b->resize($width, $height);
		$b->prefer_dark($dark);
		$b->find('.tile');
		ok $b->js('return [...document.querySelectorAll(".badge.days")].every((one) =>'
		    . 'one.getBoundingClientRect().left >='
		    . ' one.closest(".tile").getBoundingClientRect().left)'),
		    "the days fit their tiles at $width";
		fits($b, "trash at $width");
		accessible($b, "trash at $width" . ($dark ? ', dark' : ''), $axe);
		$b->screenshot("$artefacts/page-trash-$width-$dark.png");
	}
	$b->click("a[href*='$own']");
	$b->find('.lightbox img.large.loaded');
	is_deeply buttons('.lightbox-bar'),
	    [ 'Back', 'Download', 'Restore', 'Delete permanently', 'Details' ],
	    'an item can be restored and deleted';
	like $b->text('.lightbox-bar'), qr/30 days left/, 'and says how long it stays';
	$b->screenshot("$artefacts/page-trash-item.png");
	accessible($b, 'an item of the trash', $axe);
	$b->click('.lightbox [aria-label=Restore]');
	told($b, '.lightbox-title', qr/^Old/, 'Restore goes on to the next one');
	is $admin->api(GET => "/api/media/$own")->{json}{status}, 'ready', 'it is restored';
	my $next = $b->text('.lightbox-title');
	$b->press('Delete');
	told($b, 'dialog h2', qr/Permanently delete “\Q$next\E”/, 'Delete asks');
	press_on($b, 'Delete', 'dialog');
	$b->wait_for('the one after it', sub { ($b->text('.lightbox-title') // '') =~ /^Old/
	    && $b->text('.lightbox-title') ne $next });
	my ($id) = map { $old[ ($next =~ /(\d+)/)[0] - 1 ] } 1;
	is $admin->api(GET => "/api/media/$id")->{status}, 404, 'and it is gone';
	$b->press('Escape');
	gone('.lightbox');
	$b->wait_for('four', sub { $b->count('.tile') == 4 });
	# what others have in the trash is not emptied
	my ($other) = rows(id_of($super), 1, 'Other');
	$super->api(POST => "/api/media/$other/trash");
	press_on($b, 'Empty trash', 'main');
	told($b, 'dialog', qr/can’t undo/, 'Empty trash asks');
	press_on($b, 'Empty trash', 'dialog');
	$b->find('.empty');
	told($b, '#toasts', qr/4 items deleted/, 'and deletes all');
	is $mn->psql("SELECT count(*) FROM media WHERE title LIKE 'Old %'"), 0, 'for good';
	is $mn->psql("SELECT status FROM media WHERE id = '$other'"), 'trashed',
	    'but not of others';
	ok !$b->seen('main .toolbar button'), 'an empty trash has no such button';
	$mn->psql("DELETE FROM media WHERE id = '$other'");
};
$b->stop;

$b = browser('super');
part 'unsaved changes of roles' => sub {
	sign_in($b, $super);
	open_view($b, 'roles', '.matrix');
	$b->js('location.hash = "#/settings"');
	$b->find('.setting');
	pass 'without changes nothing is asked';
	open_view($b, 'roles', '.matrix');
	$b->js('document.querySelector(arguments[0]).click()', '[aria-label="Guest: Upload"]');
	$b->js('location.hash = "#/settings"');
	told($b, 'dialog', qr/Leave without saving\?/, 'it asks');
	$b->screenshot("$artefacts/page-unsaved.png");
	press_on($b, 'Stay', 'dialog');
	$b->wait_for('the address', sub { $b->url =~ /#\/roles/ });
	ok $b->js('return document.querySelector(arguments[0]).checked',
	    '[aria-label="Guest: Upload"]'), 'to stay keeps the change';
	ok $b->js('const e = new Event("beforeunload", { cancelable: true });'
	    . 'return !dispatchEvent(e)'), 'the browser asks too when the page is left';
	$b->js('location.hash = "#/settings"');
	press_on($b, 'Leave', 'dialog');
	$b->find('.setting');
	ok $b->url =~ /#\/settings/, 'to leave leaves';
	ok $b->js('return dispatchEvent(new Event("beforeunload", { cancelable: true }))'),
	    'and nothing is asked any more';
	open_view($b, 'roles', '.matrix');
	$b->js('document.querySelector(arguments[0]).click()', '[aria-label="Guest: Upload"]');
	press_on($b, 'Save', 'main');
	told($b, '#toasts', qr/Saved/, 'saved');
	$b->js('location.hash = "#/settings"');
	$b->find('.setting');
	pass 'what is saved may be left';
	$super->api(PUT => '/api/admin/roles', { roles => { guest => [ 'media.read',
	    'profile.view' ] } });
};

part 'settings in words' => sub {
	at('settings?q=storage', '#s-quota-default');
	told($b, '.setting:has(#s-quota-default) .value-words', qr/no limit/, '0 is no limit');
	$b->type('#s-quota-default', '50000000000');
	told($b, '.setting:has(#s-quota-default) .value-words', qr/50 GB/,
	    'bytes are in words while they are typed');
	$b->js('document.querySelector("#s-quota-default").blur()');
	$b->wait_for('it to be saved',
	    sub { $b->count('.setting:has(#s-quota-default) .value button') == 1 });
	for my $width (390, 800, 1280) {
		$b->resize($width, 860);
		is $b->js(<<'JS'), 1, "$width: Reset stands in one line";
			const range = document.createRange();
			range.selectNodeContents(document.querySelector(
			    '.setting:has(#s-quota-default) .value button'));
			return new Set([...range.getClientRects()].map((r) => r.top)).size;
JS
		fits($b, "settings at $width");
	}
	accessible($b, 'settings', $axe);
	$b->screenshot("$artefacts/page-quota-words.png");
	press_on($b, 'Reset', '.setting:has(#s-quota-default)');
	$b->wait_for('the default', sub { $b->count(
	    '.setting:has(#s-quota-default) .value button') == 0 });
};
$b->stop;

$b = browser('door');
part 'sign-in offers what the house offers' => sub {
	my $anon = $mn->client;
	my $offer = sub { my $now = $anon->api(GET => '/api/auth/options')->{json};
		return join ' ', grep { $now->{$_} } sort keys %$now };
	my $offered = sub { return join ' ', sort @{ $b->js(<<'JS') } };
		return [...document.querySelectorAll('.door-links a, .door button')].filter((one) =>
		    one.getClientRects().length).map((one) => one.textContent);
JS
	my $all = 'Create an account Forgot your password? Sign in Sign in with Plex';

	is $offer->(), '', 'by invitation, without mail and Plex: nothing';
	$b->get("$mn->{url}/");
	$b->find('#email');
	$b->wait_for('the answer', sub { $b->js('return performance.getEntriesByType("resource")'
	    . '.some((one) => one.name.endsWith("/auth/options"))') });
	is $offered->(), 'Sign in', 'and the page offers nothing else';
	accessible($b, 'a door with nothing beside it', $axe);
	$b->screenshot("$artefacts/page-door.png");
	$super->api(PATCH => '/api/admin/settings', { 'registration.mode' => 'open' });
	is $offer->(), '', 'an open registration needs mail';
	$super->api(PATCH => '/api/admin/settings', { 'registration.mode' => undef });
	my $me = id_of($ann);
	$mn->psql("UPDATE users SET plex_id = 'p660' WHERE id = '$me'");
	is $offer->(), 'plex', 'a linked account is a reason to offer Plex';
	$b->reload;
	$b->wait_for('Plex', sub { $offered->() eq 'Sign in Sign in with Plex' });
	pass 'it is offered';
	$mn->psql("UPDATE users SET plex_id = NULL WHERE id = '$me'");
	$b->block('*auth/options*');
	$b->reload;
	$b->wait_for('everything', sub { $offered->() eq $all }, 30);
	pass 'what is not known is offered';
};

part 'an invited address is filled in' => sub {
	my $invite = $super->api(POST => '/api/users', { invite => JSON::PP::true,
	    email => 'new+one@medianest.test' })->{json};
	like $invite->{url}, qr/&email=new%2Bone%40medianest\.test$/, 'the link has it';
	$b->get($invite->{url});
	$b->find('[name=displayName]');
	is $b->js('return document.querySelector("[name=email]").value'), 'new+one@medianest.test',
	    'and the form';
	$b->type('[name=displayName]', 'New One');
	$b->type('[name=password]', 'correct horse battery');
	$b->click('.card .primary');
	$b->find('.brand');
	pass 'so a name and a password are enough';
};
$b->stop;

done_testing;
