#!/usr/bin/perl
# The page where things go wrong or lie elsewhere: a film that is higher than wide, pictures that do
# not come, no network, addresses of single items, items that are gone, and what belongs to others.
use v5.36;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use MediaNest::Browser;
use MediaNest::Media;
use MediaNest::Page;
use MediaNest::PlexTv;
use MediaNest::Test;
use Test::More;

once_is_enough();
my $artefacts = artefacts("$FindBin::Bin/..");

need_browser();

my $tv = MediaNest::PlexTv->start;
my $mn = MediaNest::Test->stack(private => 1, set => { $tv->settings });
my $make = MediaNest::Media->new;
my ($ann, $bob) = ($mn->user, $mn->user(role => 'super'));
my %id = map { $_->[0] => $_->[1]->api(GET => '/api/auth/session')->{json}{user}{id} }
    [ ann => $ann ], [ bob => $bob ];

sub browser ($name, %with) {
	return MediaNest::Browser->start(dir => $make->path("browser-$name"),
	    artefacts => $artefacts, %with);
}

my $b; # the browser of most parts

# A part that dies fails, and the next one begins with the network as it was.
sub part ($name, $code) {
	return subtest $name => sub {
		eval { $code->(); 1 } or fail("$name: $@");
		if ($b) {
			$b->offline(0);
			$b->block;
		}
	};
}

my $hue = 0;
sub photo ($who, $title, %more) {
	my $name = "$title.jpg";

	$make->picture($name, size => '640x420', source => sprintf 'color=c=0x%06x:s=640x420',
	    0x336699 + 4096 * $hue++);
	my $item = $who->upload_file($make->path($name), 'image/jpeg', %more);
	return $item->{id};
}

# Items without pictures, straight into the catalogue, the first one the newest.
sub rows ($owner, $n, $title) {
	my $made = $mn->psql(<<"SQL");
WITH new AS (
	INSERT INTO media (id, owner_id, kind, title, status, content_type, created_at, taken_at)
	SELECT gen_random_uuid(), '$owner', 'other', '$title ' || to_char(n, 'FM0000'), 'ready',
		'application/octet-stream', '2020-01-01'::timestamptz - n * interval '1 hour',
		'2020-01-01'::timestamptz - n * interval '1 hour'
	FROM generate_series(1, $n) n RETURNING id, title)
SELECT id FROM new ORDER BY title
SQL
	return split /\s+/, $made;
}

sub open_item ($b, $id, $view = '') {
	return $b->js('location.hash = arguments[0]', "#/$view?item=$id");
}

sub title ($b) { return $b->text('.lightbox-title') // '' }
sub titled ($b, $title, $seconds = 10) {
	$b->wait_for("the item $title", sub { title($b) eq $title }, $seconds);
	return pass "$title is shown";
}

# Waits until the text of an element is like that.
sub told ($b, $css, $like, $seconds = 15) {
	$b->wait_for("$css to say $like", sub { ($b->text($css) // '') =~ $like }, $seconds);
	return;
}

# What the API makes of a file's name and type: the status, and the type that it wants.
sub announced ($who, $filename, $type) {
	my $r = $who->api(POST => '/api/media/upload/initiate',
	    { filename => $filename, size => 10, type => $type });
	my $id = $r->{json}{uploadId};

	$who->api(DELETE => "/api/media/upload/$id") if $id;
	return join ' ', $r->{status}, $r->{json}{headers}{'Content-Type'} // ();
}

sub errors ($b) { return console_errors($b, qr/Failed to load resource|ERR_/) }

my @photos = map { photo($ann, "Ann $_") } 1 .. 3;
my %film = map {
	my ($name, $size) = @$_;
	($name => $ann->upload_file($make->video("$name.mp4", size => $size, seconds => 1,
	    silent => 1), 'video/mp4')->{id});
} [ portrait => '270x480' ], [ 'four-to-three' => '640x480' ], [ wide => '640x270' ];
$ann->wait_media($_) for @photos, values %film;

$b = browser('main', width => 1280, height => 860);
$b->before_load('addEventListener("error", (e) => { window.broken = (window.broken ?? 0) + '
    . '(e.target instanceof HTMLImageElement); }, true)');

part 'a video is seen whole' => sub {
	sign_in($b, $ann);
	for my $size ([ 390, 844 ], [ 1440, 900 ], [ 844, 390 ]) {
		my ($width, $height) = @$size;

		$b->resize($width, $height);
		for my $name (sort keys %film) {
			open_item($b, $film{$name});
			$b->wait_for("the video $name", sub { $b->js('return '
			    . 'document.querySelector(".player video").videoWidth > 0') }, 15);
			ok inside($b, '.player video', '.stage'), "$name at $width x $height";
			$b->press('Escape');
			$b->wait_for('the end', sub { !$b->seen('.lightbox') });
		}
	}
};

part 'pictures that did not come are fetched again' => sub {
	$b->resize(1280, 860);
	$b->block('*derived*');
	$b->reload;
	$b->wait_for('pictures to fail', sub { $b->js('return window.broken >= 6') });
	is $b->count('.tile img.loaded'), 0, 'no picture';
	$b->block;
	$b->wait_for('all pictures', sub { $b->count('.tile img.loaded') == 6 }, 15);
	pass 'they come by themselves';
	$b->block('*derived*');
	$b->get("$mn->{url}/#/?item=$photos[0]");
	$b->reload;
	$b->find('.lightbox .frame');
	$b->wait_for('the picture to fail', sub { $b->js('return window.broken >= 1') });
	$b->block;
	$b->find('.lightbox img.large.loaded', 15);
	pass 'and so does the large one';
	$b->block("*/api/media/$film{wide}/file*");
	open_item($b, $film{wide});
	told($b, '.player-note', qr/\S/);
	$b->block;
	$b->wait_for('the film', sub { $b->js('return '
	    . 'document.querySelector(".player video").videoWidth > 0') }, 15);
	is $b->text('.player-note'), '', 'and so does a film';
	$b->press('Escape');
};

part 'a view that was first opened offline' => sub {
	$b->get("$mn->{url}/#/");
	$b->reload;
	$b->find('.tile');
	$b->offline(1);
	for my $view (qw(trash you search?q=ann)) {
		$b->js('location.hash = arguments[0]', "#/$view");
		my ($name) = $view =~ /^(\w+)/;
		$b->wait_for("$name to say so", sub { $b->js('return [...document.querySelectorAll('
		    . '"#main .notice button")].some((e) => e.textContent === "Try again")') }, 15);
		pass "$name: there is a button";
		$b->js('[...document.querySelectorAll("#main .notice button")].find((e) => '
		    . 'e.textContent === "Try again").click()');
	}
	$b->screenshot("$artefacts/page-offline.png");
	$b->offline(0);
	$b->wait_for('the search', sub { $b->count('.tile') >= 3 }, 15);
	pass 'it recovers by itself';
	$b->js('location.hash = "#/trash"');
	$b->find('.empty', 15);
	pass 'and so do the views that were left';
};

part 'neighbours after the address of an item' => sub {
	my @old = rows($id{ann}, 420, 'Old');
	$b->js('localStorage.setItem("medianest.sort", "taken")');
	$b->get("$mn->{url}/#/trash");
	$b->get("$mn->{url}/#/?item=$old[299]");
	$b->reload;
	titled($b, 'Old 0300');
	$b->find('.step.next');
	$b->press('ArrowRight');
	titled($b, 'Old 0301');
	$b->press('ArrowLeft');
	titled($b, 'Old 0300');
	$b->press('ArrowLeft');
	titled($b, 'Old 0299');
	for my $sort (qw(title oldest)) {
		my ($before, $after) = $sort eq 'title' ? qw(0009 0011) : qw(0011 0009);
		$b->js('location.hash = arguments[0]', "#/?sort=$sort");
		$b->reload;
		$b->get("$mn->{url}/#/?sort=$sort&item=$old[9]");
		$b->reload;
		titled($b, 'Old 0010');
		$b->find('.step.next');
		$b->press('ArrowRight');
		titled($b, "Old $after");
		$b->press('ArrowLeft');
		$b->press('ArrowLeft');
		titled($b, "Old $before");
	}
	# on over the edges of what was loaded around the item
	$b->get("$mn->{url}/#/?item=$old[199]");
	$b->reload;
	titled($b, 'Old 0200');
	$b->find('.step.next');
	my $seen = $b->js_async(<<'JS', 105);
		const [steps, done] = arguments;
		const seen = [];
		const title = () => document.querySelector('.lightbox-title').textContent;
		const button = document.querySelector('.step.previous');
		/* at an edge the button is hidden until more is there */
		const click = () => {
			const before = title();
			if (!button.hidden)
				button.click();
			return title() === before ? setTimeout(click, 10) : step();
		};
		const step = () => {
			seen.push(title());
			return seen.length > steps ? done(seen) : setTimeout(click);
		};
		step();
JS
	is_deeply $seen, [ map { sprintf 'Old %04d', $_ } reverse 95 .. 200 ], 'a hundred back';
	$b->press('Escape');
	$mn->psql("DELETE FROM media WHERE title LIKE 'Old %'");
};

part 'an item that is gone' => sub {
	$b->get("$mn->{url}/#/?item=01900000-0000-7000-8000-00000000dead");
	$b->reload;
	$b->find('.lightbox .notice', 10);
	like $b->text('.lightbox .notice'), qr/not found/i, 'says so';
	is $b->js('return [...document.querySelectorAll(".lightbox button")]'
	    . '.filter((e) => e.offsetParent).map((e) => e.ariaLabel ?? e.textContent).join()'),
	    'Back,Back', 'and offers only the way back';
	$b->press('d', 'i', 'Delete', 'ArrowRight', 'f', '+');
	like $b->text('.lightbox .notice'), qr/not found/i, 'keys change nothing';
	is $b->count('.toast'), 0, 'and raise no message: ' . ($b->text('#toasts') // '');
	is_deeply [ errors($b) ], [], 'nor an error in the console';
	$b->press('Escape');
	$b->wait_for('the end', sub { !$b->seen('.lightbox') });
	$b->find('.tile');
	# Without a network it is not known whether the item is there.
	$b->offline(1);
	open_item($b, '01900000-0000-7000-8000-00000000dead');
	told($b, '.lightbox .notice', qr/Try again/);
	unlike $b->text('.lightbox .notice'), qr/not found/i, 'offline it is not missing';
	$b->offline(0);
	told($b, '.lightbox .notice', qr/not found/i);
	pass 'it is asked again when the network is back';
	$b->press('Escape');
};

part 'types as browsers call them' => sub {
	my $mkv = $make->video('clip.mkv', seconds => 1, silent => 1);
	my $hex = unpack 'H*', MediaNest::Media::slurp($mkv);
	my %names = (
		'video/matroska' => 'video/x-matroska', 'VIDEO/X-Matroska' => 'video/x-matroska',
		'video/x-mkv' => 'video/x-matroska', 'image/jpg' => 'image/jpeg',
		'audio/x-flac' => 'audio/flac', 'audio/mp3' => 'audio/mpeg',
		'video/mp4; codecs="avc1"' => 'video/mp4',
	);
	my %endings = ('a.MKV' => 'video/x-matroska', 'b.flac' => 'audio/flac',
	    'c.heic' => 'image/heic');

	is announced($ann, 'a.bin', $_), "201 $names{$_}", "$_ is $names{$_}" for sort keys %names;
	is announced($ann, $_, 'application/octet-stream'), "201 $endings{$_}",
	    "$_ without a type is $endings{$_}" for sort keys %endings;
	is announced($ann, 'a.mkv', 'text/html'), '415', 'another type is refused';
	is announced($ann, 'a.pdf', 'application/octet-stream'), '415', 'another ending too';
	$b->get("$mn->{url}/#/");
	$b->reload;
	$b->find('.tile');
	# as newer browsers, and as browsers that do not know the ending
	for my $type ('video/matroska', '') {
		$b->js_async(<<'JS', $hex, $type);
			const [hex, type, done] = arguments;
			const bytes = Uint8Array.from(hex.match(/../g), (x) => parseInt(x, 16));
			const tail = new Uint8Array(type ? 1 : 2); /* no duplicate of the other */
			import('/lib/uploads.js').then(({ addFiles }) => {
				addFiles([new File([bytes, tail], `${type.length}.mkv`, { type })]);
				done();
			});
JS
	}
	told($b, '.tray strong', qr/^2 added$/, 60);
	pass 'the page sends them';
};

part 'a page that is told that it is offline' => sub {
	is $b->count('[aria-label="Everyone’s items"]'), 0, 'without the right there is no switch';
	$b->before_load('Object.defineProperty(Navigator.prototype, "onLine", '
	    . '{ get: () => false })');
	$b->reload;
	$b->find('.tile');
	$make->picture('loopback.jpg', source => 'color=c=teal:s=300x200');
	ok upload_ready($b, 1, $make->path('loopback.jpg')), 'uploads all the same';
	# and repeats what failed for a moment
	$b->block('*incoming*');
	$b->js('document.querySelector(".tray [aria-label=\"Close uploads\"]").click()');
	$make->picture('loopback2.jpg', source => 'color=c=navy:s=300x200');
	$b->choose_files('#picker', $make->path('loopback2.jpg'));
	told($b, '.upload-line small', qr/Retrying/);
	$b->block;
	told($b, '.tray strong', qr/^1 added$/, 30);
	pass 'and again after a failure';
};
$b->stop;
$b = undef;

part 'the own library of an administrator' => sub {
	my $house = photo($ann, 'Ann for all', visibility => 'house');
	my $own = photo($bob, 'Bob own');
	my $given = photo($ann, 'Ann to Bob');
	$ann->wait_media($_) for $house, $given;
	$bob->wait_media($own);
	is $ann->api(PUT => "/api/media/$given/shares", { users => [ $id{bob} ] })->{status}, 200,
	    'shared';
	my $name = $ann->api(GET => '/api/auth/session')->{json}{user}{displayName};
	my $c = browser('admin', width => 1280, height => 860);
	my $labels = sub { return [ sort map { /^Photo: (.*?),/ ? $1 : $_ } @{ $c->js('return '
	    . '[...document.querySelectorAll(".tile-link")].map((a) => a.ariaLabel)') } ] };
	my $mine = [ 'Ann for all', 'Ann to Bob', 'Bob own' ];

	sign_in($c, $bob);
	$c->find('.tile img.loaded');
	is_deeply $labels->(), $mine, 'own, shared and of the house';
	like $c->js('return document.querySelector(arguments[0]).ariaLabel', "a[href*='$house']"),
	    qr/\Q$name\E/, "the owner's name is on what is another's";
	unlike $c->js('return document.querySelector(arguments[0]).ariaLabel', "a[href*='$own']"),
	    qr/ by /, 'but not on what is one\'s own';
	# what happens elsewhere does not mix in
	my $private = photo($ann, 'Ann late');
	$ann->wait_media($private);
	my $late = photo($ann, 'Ann late for all', visibility => 'house');
	$c->wait_for('the new one', sub { "@{ $labels->() }" =~ /Ann late for all/ }, 15);
	is_deeply $labels->(), [ sort @$mine, 'Ann late for all' ],
	    'a private item of another does not come';
	$c->screenshot("$artefacts/page-own-library.png");

	$c->click('[aria-label="Everyone’s items"]');
	$c->wait_for('everything', sub { "@{ $labels->() }" =~ /Ann late Ann late for all/ }, 15);
	cmp_ok scalar @{ $labels->() }, '>=', 8, 'the switch shows what is everyone\'s';
	$c->screenshot("$artefacts/page-everyones.png");
	$c->click("a[href*='$private']");
	$c->find('.lightbox img.large.loaded');
	$c->press('i');
	$c->find('.facts');
	like $c->text('.facts'), qr/Owner\Q$name\E/, 'details name the owner';
	like $c->text('.details .segments'), qr/Only the owner/, 'private is the owner\'s';
	unlike $c->text('.details'), qr/Only me/, 'and never "Only me"';
	$c->press('i', 'Escape');
	$c->wait_for('the end', sub { !$c->seen('.lightbox') });

	$c->js('location.hash = "#/search?q=ann+late"');
	told($c, '.summary', qr/^1 result/);
	is_deeply $labels->(), ['Ann late for all'], 'the search finds one\'s own library';
	$c->click('[aria-label="Everyone’s items"]');
	told($c, '.summary', qr/^2 results/);
	$c->wait_for('both', sub { @{ $labels->() } == 2 });
	is_deeply $labels->(), [ 'Ann late', 'Ann late for all' ], 'or everyone\'s';
	$c->stop;
};

part 'Plex' => sub {
	my $d = browser('plex');
	# The window of plex.tv, and how somebody confirms there.
	my $watch = sub {
		$d->js(<<'JS');
			window.plex = {};
			window.open = () => ({ set location(url) { window.plex.url = url; },
			    close() { window.plex.closed = true; } });
JS
	};
	my $confirm = sub {
		my $url = $d->wait_for('the window', sub { $d->js('return window.plex.url') });
		like $url, qr{^https://app\.plex\.tv/auth}, 'a window of Plex opens';
		my ($code) = $url =~ /code=(code\d+)/;
		$tv->confirm({ json => { code => $code } }, 4711);
		return;
	};
	my $panel = 'section[aria-label="Plex"]';

	sign_in($d, $ann);
	$d->js('location.hash = "#/you"');
	told($d, $panel, qr/Link it to sign in with Plex/);
	$watch->();
	$d->click("$panel button");
	$d->type('dialog [name=currentPassword]', 'not this one at all');
	$d->click('dialog button[type=submit]');
	$d->find('dialog [role=alert]:not([hidden])');
	$d->js('document.querySelector("dialog [name=currentPassword]").value = ""');
	$d->type('dialog [name=currentPassword]', $ann->{password});
	$d->click('dialog button[type=submit]');
	told($d, $panel, qr/Confirm in the window of Plex/);
	$confirm->();
	told($d, $panel, qr/Linked\. You can sign in with Plex\./);
	ok $d->js('return window.plex.closed'), 'and closes';
	ok $ann->api(GET => '/api/users/me')->{json}{plexLinked}, 'the account is linked';

	# a person who is not signed in, on another device
	my $e = browser('plex-door');
	$e->get("$ann->{url}/");
	($d, my $first) = ($e, $d);
	$d->find('#email');
	$watch->();
	$d->wait_for('the button', sub { $d->js(<<'JS') });
		const button = [...document.querySelectorAll('.door button')].find((one) =>
		    one.textContent === 'Sign in with Plex' && !one.hidden);
		button?.click();
		return Boolean(button);
JS
	$confirm->();
	$d->find('.brand');
	pass 'signed in with Plex';
	$d->stop;

	$d = $first;
	$d->click("$panel button");
	$d->type('dialog [name=currentPassword]', $ann->{password});
	$d->click('dialog button[type=submit]');
	told($d, $panel, qr/Link it to sign in with Plex/);
	ok !$ann->api(GET => '/api/users/me')->{json}{plexLinked}, 'unlinked';
	$d->stop;
};

done_testing;
