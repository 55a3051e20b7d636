#!/usr/bin/perl
# The page in a real headless Chromium: sign in, upload a photo, see it become ready without a
# reload, open it, find it, sign out; on a desk and on a phone, light and dark. Screenshots stay in
# the check's logs, or in build/page.
use v5.36;
use Cwd qw(abs_path);
use Digest::SHA qw(hmac_sha1 sha256_base64);
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use JSON::PP;
use MediaNest::Browser;
use MediaNest::Page;
use MediaNest::Test;
use Test::More;
use Time::HiRes qw(time);

my $root = "$FindBin::Bin/..";
my $artefacts = artefacts($root);
my $scratch = tempdir('mn-page-XXXXXX', TMPDIR => 1, CLEANUP => 1);

need_browser();

# a new person's library is empty only where nobody shares with the house
my $mn = MediaNest::Test->stack(private => 1);
my ($storage) = $mn->{status}{storageEndpoint} =~ m{^(https?://[^/]+)};

# What is about the page alone, and C code that other tests run with sanitizers too.
sub once ($name, $code) {
	return subtest $name => sub {
		once_is_enough();
		$code->();
	};
}

sub ffmpeg ($name, @arguments) {
	system('ffmpeg', '-v', 'error', '-y', @arguments, "$scratch/$name") == 0
	    or BAIL_OUT("ffmpeg cannot make $name");
	return "$scratch/$name";
}

# A phone's photo where the samples are installed; elsewhere a fractal. Every one of them differs in
# its bytes.
sub photo ($name, $serial) {
	my ($sample) = glob '/usr/share/forensics-samples/original-files/pic1/IMG_2020*.jpg';

	return ffmpeg($name, '-f', 'lavfi', '-i', "mandelbrot=s=1500x1000:start_scale=0.$serial",
	    '-frames:v', 1)
	    if !$sample;
	open my $in, '<:raw', $sample or die "$sample: $!";
	open my $out, '>:raw', "$scratch/$name" or die "$name: $!";
	# what follows the end of a JPEG is ignored
	print $out do { local $/; <$in> }, "\0" x $serial;
	close $out or die "$name: $!";
	return "$scratch/$name";
}

sub browser ($name, %with) {
	return MediaNest::Browser->start(dir => "$scratch/$name", artefacts => $artefacts, %with);
}

my $axe = axe();

# The console has no errors, and no other server was asked for anything.
sub clean ($b, $where, $allowed = undef) {
	my @foreign = grep { m{^(?:https?|wss?|ftp):} && !m{^\Q$mn->{url}\E/}
	    && !m{^\Q$storage\E/} } map { s/^wss:/https:/r } $b->requests;

	is_deeply [ console_errors($b, $allowed) ], [], "$where: the console is clean";
	is_deeply \@foreign, [], "$where: no request beyond the two origins";
	return;
}

subtest 'the files' => sub {
	require IO::Compress::Gzip;
	my @scripts = glob "$root/web/*.js $root/web/*/*.js";
	my (%sent, %imports, %views);

	for my $file (@scripts) {
		open my $in, '<:utf8', $file or die "$file: $!";
		my $text = do { local $/; <$in> };
		my $name = $file =~ s{.*/web/}{}r;
		my $plain = $text =~ s{/\*.*?\*/|^\s*//.*?$}{}gmsr;
		unlike $plain,
		    qr/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(
		    |new[ ]Function|setAttribute\('style'/x,
		    "$name builds the document from nodes only";
		unlike $plain, qr/\bfetch\(/, "$name leaves fetch to the API client"
		    if $name ne 'lib/api.js';
		unlike $plain, qr/setInterval/, "$name does not poll";
		while ($plain =~ /(from |import\()'(\.[^']+)'/g) {
			my ($how, $import) = ($1, $2);
			my $at = ($file =~ s{[^/]+$}{}r) . $import;
			ok -e $at, "$name: $import is there";
			$at = abs_path($at) =~ s{.*/web/}{}r;
			push @{ $imports{$name} }, $at if $how eq 'from ';
			$views{$at} = 1 if $how ne 'from ' && $name eq 'app.js';
		}
		my $octets = $text;
		utf8::encode($octets);
		IO::Compress::Gzip::gzip(\$octets, \my $packed, -Level => 5) or die 'gzip';
		$sent{$name} = length $packed;
	}
	# what a module brings with it; a view that is opened later brings what is not there yet
	my $along = sub ($seen, @left) {
		my $bytes = 0;

		while (defined(my $name = shift @left)) {
			next if $seen->{$name}++;
			$bytes += $sent{$name};
			push @left, @{ $imports{$name} // [] };
		}
		return $bytes;
	};
	my %seen;
	open my $in, '<', "$root/web/index.html" or die;
	my $html = do { local $/; <$in> };
	my ($inline, @others) = $html =~ m{<script>(.*?)</script>}gs;
	IO::Compress::Gzip::gzip(\$inline, \my $packed, -Level => 5) or die 'gzip';
	my $first = length($packed) + $along->(\%seen, 'app.js', 'views/library.js');
	cmp_ok $first, '<', 60_000, "$first bytes of script are sent for the first view";
	for my $view (sort grep { !$seen{$_} } keys %views) {
		my $more = $along->({%seen}, $view);
		cmp_ok $more, '<', 12_000, "$more more for $view";
	}
	cmp_ok scalar(keys %views), '>', 12, 'the views are loaded when they are opened';
	is_deeply \@others, [], 'index.html has one script inline';
	unlike $html =~ s/\Q$inline\E//r,
	    qr/<script>[^<]|<script(?![^>]* src=)[^>]+>|<style|\sstyle=|\son[a-z]+=/i,
	    '... and nothing else';
	my $hash = sha256_base64($inline) . '=';
	ok -e "$root/web/$_", "$_ is there" for $html =~ /(?:href|src)="([^"\$]+)"/g;
	like $mn->client->request(GET => "$mn->{url}/")->{headers}{'content-security-policy'},
	    qr/default-src\ 'none'.*script-src\ 'self'\ 'sha256-\Q$hash\E';\ style-src\ 'self'/x,
	    'the policy is sent, and allows that script by its hash';
};

my $serial = 1;
for my $width (1280, 390) {
	for my $dark (0, 1) {
		last if $ENV{ASAN_OPTIONS} && ($dark || $width < 500); # one look is enough
		my $where = "$width " . ($dark ? 'dark' : 'light');
		my $file = "page-$width-" . ($dark ? 'dark' : 'light');

		subtest $where => sub {
			my $who = $mn->user;
			my $b = browser($file, width => $width, height => $width < 500 ? 844 : 860,
			    dark => $dark);
			my $title = sprintf 'Lighthouse %s%s',
			    ('Amber', 'Basalt', 'Cobalt', 'Drift')[$serial - 1], $$;
			my $shot = sub ($name) { $b->screenshot("$artefacts/$file-$name.png") };

			$b->get("$mn->{url}/");
			$b->find('#email');
			is $b->js('const card = document.querySelector(".card");'
			    . 'return getComputedStyle(card).backgroundColor'),
			    $dark ? 'rgb(24, 27, 33)' : 'rgb(255, 255, 255)',
			    'the colours are the preferred ones';
			accessible($b, 'sign-in', $axe);
			$shot->('signin');
			sign_in($b, $who);
			$b->find('.empty');
			accessible($b, 'empty library', $axe);
			fits($b, 'empty library');
			$shot->('empty');

			ok upload_ready($b, 1, photo("$title.jpg", $serial++)),
			    'ready arrives without a reload';
			$b->find('.tile img.loaded');
			is $b->count('.tile'), 1, 'one tile, one photo';
			is $b->count('.empty'), 0, 'the library is not called empty any more';
			$shot->('ready');
			$b->click('.tray [aria-label="Close uploads"]');
			accessible($b, 'library', $axe);
			fits($b, 'library');

			$b->reload; # lists come with the sizes that grids show, and no larger one
			$b->find('.tile img.loaded');
			ok $b->js('return performance.getEntriesByType("resource").some((one) =>'
			    . ' /media\?.*thumbnails=320(?:,|%2C)640/.test(one.name))'),
			    'the list has small thumbnails';
			$b->click('.tile-link');
			$b->find('.lightbox img.large.loaded');
			ok $b->wait_for('the picture that fits the viewer', sub {
				$b->js('return [...document.querySelectorAll("img.large.loaded")]'
				    . '.some((i) => i.naturalWidth >= arguments[0])',
				    $width > 1000 ? 1000 : 640)
			}), 'the viewer has the one that fits';
			is $b->text('.lightbox-title'), $title, 'the title is the name of the file';
			$b->click('[aria-label=Details]');
			$b->find('.timeline li.done');
			like $b->text('.facts'), qr/image\/jpeg/, 'facts of the file';
			accessible($b, 'lightbox', $axe);
			fits($b, 'lightbox');
			$shot->('details');
			$b->press('Escape');
			$b->wait_for('the lightbox to close', sub { !$b->seen('.lightbox') });

			$b->press('/');
			is $b->js('return document.activeElement.type'), 'search',
			    '/ goes to the search box';
			my ($word) = $title =~ /(\w+)$/;
			$b->press(split //, lc $word);
			$b->wait_for('the search to find it', sub { $b->url =~ /search/
			    && $b->count('.tile') == 1 && $b->text('.summary') =~ /^1 result/ });
			$b->press('Enter');
			accessible($b, 'search', $axe);
			fits($b, 'search');
			$b->find('.tile img.loaded');
			$shot->('search');

			$b->click('[data-view=notifications]');
			$b->find('.notifications li');
			accessible($b, 'notifications', $axe);
			fits($b, 'notifications');
			$shot->('notifications');
			$b->click('[data-view=shelves]');
			$b->find('.empty');
			accessible($b, 'shelves', $axe);
			fits($b, 'shelves');
			$shot->('shelves');
			$b->js('location.hash = "#/preferences"');
			$b->find('.preference');
			accessible($b, 'preferences', $axe);
			fits($b, 'preferences');
			$b->click('[data-view=trash]');
			$b->find('.empty');
			fits($b, 'trash');

			$b->click('.avatar');
			$b->find('#account-menu');
			$shot->('menu');
			$b->js('[...document.querySelectorAll("#account-menu '
			    . 'button")].at(-1).click()');
			$b->find('#email');
			is $b->js('return localStorage.getItem("medianest.refresh")'), undef,
			    'no token is left';
			clean($b, $where);
			$b->stop;
		};
	}
}

once 'editing, live changes, trash' => sub {
	my $who = $mn->user;
	my $b = browser('edit');
	my $evil = '<img src=x onerror="document.title=1"> & "quotes"';

	sign_in($b, $who);
	ok upload_ready($b, 3, map { photo("Series $_.jpg", $serial++) } 1 .. 3), 'three at once';
	$b->wait_for('three tiles', sub { $b->count('.tile img.loaded') == 3 });
	my @items = $who->api(GET => '/api/media')->{json}{items}->@*;
	is $who->api(PATCH => "/api/media/$items[0]{id}", { title => $evil })->{status}, 200,
	    'renamed by another client';
	$b->wait_for('the new title', sub { $b->js('return '
	    . '[...document.querySelectorAll(".tile-link")].some((a) => '
	    . 'a.getAttribute("aria-label").includes(arguments[0]))',
	    $evil) });
	pass 'a change elsewhere shows without a reload';
	$b->click("a[href*='$items[0]{id}']");
	$b->find('.lightbox img.large.loaded');
	is $b->text('.lightbox-title'), $evil, 'markup in a title stays text';
	is $b->count('.lightbox-title *'), 0, 'and makes no element';
	$b->press('i');
	$b->find('#d-title');
	$b->type('#d-title', 'Renamed here');
	$b->press('Enter');
	$b->wait_for('the title to be saved',
	    sub { $who->api(GET => "/api/media/$items[0]{id}")->{json}{title} eq 'Renamed here' });
	$b->type('[aria-label="Add a tag"]', 'holiday');
	$b->press('Enter');
	$b->wait_for('the tag to be saved', sub {
		my $now = $who->api(GET => "/api/media/$items[0]{id}")->{json};
		return "@{ $now->{tags} }" eq 'holiday';
	});
	$b->js('document.querySelector("input[value=house]").click()');
	$b->wait_for('the visibility to be saved',
	    sub { $who->api(GET => "/api/media/$items[0]{id}")->{json}{visibility} eq 'house' });
	$b->js('document.querySelector("input[value=private]").click()');
	$b->wait_for('it to be private again',
	    sub { $who->api(GET => "/api/media/$items[0]{id}")->{json}{visibility} eq 'private' });
	pass 'title, tags and visibility are saved as they are changed';
	$b->js('document.activeElement.blur()');
	$b->press('i', $b->seen('.step.next') ? 'ArrowRight' : 'ArrowLeft');
	$b->wait_for('the neighbour', sub { $b->text('.lightbox-title') ne 'Renamed here' });
	$b->press('Escape');
	$b->wait_for('the lightbox to close', sub { !$b->seen('.lightbox') });

	$b->js('document.querySelectorAll(".tick")[0].click()');
	$b->js('document.querySelectorAll(".tile-link")[2].dispatchEvent(new MouseEvent("click", { '
	    . 'bubbles: true, cancelable: true, shiftKey: true, detail: 1 }))');
	is $b->text('.selection-bar strong'), '3 items selected', 'shift selects a range';
	$b->screenshot("$artefacts/page-selection.png");
	$b->click('.selection-bar [aria-label="Move to trash"]');
	$b->wait_for('an empty grid', sub { $b->count('.tile') == 0 });
	$b->find('.empty');
	$b->js('[...document.querySelectorAll(".toast .link")].find((e) => e.textContent === '
	    . '"Undo").click()');
	$b->wait_for('the items to come back', sub { $b->count('.tile') == 3 });
	pass 'undo brings them back';
	clean($b, 'editing');
	$b->stop;
};

once 'ten thousand items' => sub {
	my $who = $mn->user;
	my $b = browser('many');

	sign_in($b, $who);
	$b->find('.empty');
	$b->js_async(<<'JS');
		const done = arguments[0];
		const items = Array.from({ length: 10000 }, (_, i) => ({
			id: `t${i}`, kind: 'image', title: `T ${i}`, status: 'ready', tags: [],
			thumbnails: {}, width: 200 + (i * 37) % 500, height: 300,
			createdAt: new Date(Date.UTC(2026, 0, 1) - i * 5e6).toISOString(),
		}));
		import('/ui/grid.js').then(({ Grid }) => {
			const month = (item) => item.createdAt.slice(0, 7);
			window.grid = new Grid({
				pager: () => async () => ({ items: [...items], more: false }),
				accept: () => true, label: 'Test',
				group: (item) => ({ key: month(item), label: month(item) }),
			});
			document.getElementById('main').replaceChildren(window.grid.node);
			setTimeout(done, 500);
		});
JS
	is $b->js('return grid.items.length'), 10000, 'all are laid out';
	is_deeply $b->js(<<'JS'), [], 'every row fills the width but the last of a month';
		const wrong = [];
		for (const section of grid.sections)
			section.rows.forEach((row, i) => {
				const end = row.lefts.at(-1) + row.widths.at(-1);
				const last = i === section.rows.length - 1;
				if (end > grid.width + 0.5 || (!last && end < grid.width - 0.5))
					wrong.push(`${section.key} ${i}: ${end}`);
			});
		return wrong;
JS
	for my $part (0, 0.3, 0.7, 1) {
		$b->js('scrollTo(0, (document.documentElement.scrollHeight - innerHeight) * '
		    . 'arguments[0])',
		    $part);
		$b->wait_for('tiles in view', sub { $b->js('return '
		    . 'document.elementFromPoint(innerWidth / 2, innerHeight / 2).closest(".tile") '
		    . '!== null') });
		cmp_ok $b->count('.tile'), '<', 150,
		    "at $part only what is near is in the document: " . $b->count('.tile');
	}
	ok $b->js('return [...document.querySelectorAll(".tile-link")].some((a) => '
	    . 'a.href.endsWith("item=t9999"))'),
	    'the last one is reached';
	my $per_frame = $b->js_async(<<'JS');
		const done = arguments[0];
		let frames = 0, spent = 0;
		scrollTo(0, 0);
		const render = grid.render.bind(grid);
		grid.render = () => {
			const began = performance.now();
			render();
			spent += performance.now() - began;
		};
		(function step() {
			scrollBy(0, 120);
			if (++frames < 120)
				requestAnimationFrame(step);
			else
				done(spent / frames);
		})();
JS
	cmp_ok $per_frame, '<', 12, sprintf 'scrolling costs %.1f ms of script a frame', $per_frame;
	$b->js('scrollTo(0, 0)');
	$b->js('grid.focus("t0")');
	$b->press('ArrowRight', 'ArrowDown', 'End');
	is $b->js('return document.activeElement.href.split("item=")[1]'), 't9999',
	    'arrows and End travel with the focus';
	$b->press('Home', 'Space');
	is $b->js('return document.activeElement.href.split("item=")[1]'), 't0', 'and Home';
	$b->stop;
};

once 'a guest, for one session' => sub {
	my $who = $mn->user(role => 'guest');
	my $b = browser('guest');

	$b->get("$mn->{url}/");
	$b->find('#email');
	$b->click('label.check');
	sign_in_here($b, $who);
	$b->find('.empty');
	is $b->count('.upload-button, .upload-float, #picker'), 0,
	    'no upload where there is no permission';
	is $b->js('return localStorage.getItem("medianest.refresh")'), undef,
	    'nothing that outlives the browser';
	ok $b->js('return sessionStorage.getItem("medianest.refresh")'),
	    'but the session goes on over a reload';
	$b->reload;
	$b->find('.empty');
	clean($b, 'guest');
	$b->stop;
};

once 'what cannot be shown' => sub {
	my $who = $mn->user;
	my $b = browser('bad');
	open my $out, '>', "$scratch/broken.jpg" or die;
	print $out 'this is no picture' x 100;
	close $out;

	sign_in($b, $who);
	$b->choose_files('#picker', "$scratch/broken.jpg");
	$b->find('.upload-line[data-state=rejected]', 90);
	isnt $b->text('.upload-line small'), '', 'the reason: ' . $b->text('.upload-line small');
	$b->wait_for('one way out', sub { $b->text('.upload-line .line-buttons') eq 'Remove' }, 15);
	pass 'what is hopeless can only be removed';
	$b->find('.tile.broken');
	$b->click('.tile.broken');
	$b->find('.lightbox .notice');
	$b->press('i');
	$b->find('.timeline .failed');
	$b->screenshot("$artefacts/page-failed.png");
	clean($b, 'failures');
	$b->stop;
};

subtest 'video and sound' => sub {
	my $who = $mn->user;
	my $b = browser('video');

	sign_in($b, $who);
	ok upload_ready($b, 2,
	    ffmpeg('Clip.mp4',
		qw(-f lavfi -i testsrc2=s=640x360:d=4 -c:v libx264 -g 12 -pix_fmt yuv420p)),
	    ffmpeg('Tone.mp3', qw(-f lavfi -i sine=d=3))),
	    'ready';
	$b->click('.tile-link[aria-label^=Video]');
	$b->find('.player video');
	$b->press('Space');
	$b->wait_for('the video to play',
	    sub { $b->js('return document.querySelector("video").currentTime > 0.2') });
	pass 'the video plays';
	$b->js(<<'JS');
		const line = document.querySelector('.seek-line');
		const box = line.getBoundingClientRect();
		line.dispatchEvent(new PointerEvent('pointermove', {
			clientX: box.left + box.width / 2, clientY: box.top + 5, bubbles: true,
		}));
JS
	like $b->js('return getComputedStyle(document.querySelector(".sprite")).backgroundImage'),
	    qr/^url\("\Q$storage\E/, 'the time line has pictures';
	$b->screenshot("$artefacts/page-video.png");
	$b->press('Escape');
	$b->wait_for('the player to close', sub { !$b->seen('.lightbox') });
	$b->click('.tile-link[aria-label^=Song]');
	$b->find('.player.audio');
	$b->press('Space');
	$b->wait_for('the song to play',
	    sub { $b->js('return document.querySelector("audio").currentTime > 0.2') });
	pass 'the song plays';
	$b->screenshot("$artefacts/page-audio.png");
	clean($b, 'players');
	$b->stop;
};

once 'sessions' => sub {
	my $who = $mn->user;
	my $b = browser('session');

	$b->get("$mn->{url}/");
	$b->type('#email', $who->{email});
	$b->type('#password', 'not the password');
	$b->click('.door button.primary');
	like $b->wait_for('the refusal', sub { $b->text('.form-error') }),
	    qr/^Wrong email address or password\./, 'a wrong password is refused in plain words';
	sign_in($b, $who);
	$b->find('.empty');
	unlike $b->js('return JSON.stringify({ ...localStorage, ...sessionStorage })'), qr/eyJ/,
	    'no access token in any storage';
	my $first = $b->js('return localStorage.getItem("medianest.refresh")');
	$b->reload;
	$b->find('.empty');
	isnt $b->js('return localStorage.getItem("medianest.refresh")'), $first,
	    'a reload goes on with a new refresh token';

	# Four tabs that all want a new token at the same moment.
	my @tabs = ($b->wd(GET => '/window'));
	for (1 .. 3) {
		my $tab = $b->wd(POST => '/window/new', { type => 'tab' })->{handle};
		push @tabs, $tab;
		$b->wd(POST => '/window', { handle => $tab });
		$b->js('location.href = arguments[0]', "$mn->{url}/");
	}
	for my $tab (@tabs) {
		$b->wd(POST => '/window', { handle => $tab });
		$b->find('.empty');
	}
	pass 'four tabs share one session';
	$b->click('.avatar');
	$b->js('[...document.querySelectorAll("#account-menu button")].at(-1).click()');
	for my $tab (@tabs) {
		$b->wd(POST => '/window', { handle => $tab });
		$b->find('#email');
	}
	pass 'signing out in one signs out in all';
	clean($b, 'sessions', qr{/api/auth/login - Failed to load resource.* 401});
	$b->stop;

	my $c = browser('session2');
	sign_in($c, $who);
	$c->find('.empty');
	is $who->api(DELETE => '/api/auth/sessions')->{status}, 204,
	    'all other sessions are ended by another client';
	$c->find('#email', 15);
	like $c->text('.form-note'), qr/session has ended/,
	    'a session that is ended elsewhere ends here';
	$c->stop;
};

# RFC 6238, of a secret in base32.
sub totp ($secret) {
	my %value = map { ('A' .. 'Z', 2 .. 7)[$_] => $_ } 0 .. 31;
	my $bits = join '', map { sprintf '%05b', $value{$_} } split //, $secret;
	my @mac = unpack 'C*',
	    hmac_sha1(pack('Q>', int(time / 30)), pack('B*', substr $bits, 0, length($bits) & ~7));

	return sprintf '%06d',
	    (unpack('N', pack 'C4', @mac[ $mac[19] & 15 .. ($mac[19] & 15) + 3 ]) & 0x7fffffff) %
		1_000_000;
}

for my $width (390, 1280) {
	once "accounts and administration, $width" => sub {
		my $dark = $width < 500;
		my $b = browser("accounts-$width", width => $width, height => 844, dark => $dark);
		my ($email, $password) = ("joins-$width\@medianest.test",
		    'four unrelated words here');
		my $invite = $mn->admin->api(POST => '/api/users', { invite => JSON::PP::true });
		my $look = sub ($name) {
			fits($b, $name);
			accessible($b, $name, $axe);
			$b->screenshot("$artefacts/page-$width-$name.png");
		};
		my $open = sub ($view, $css) {
			$b->js('location.hash = arguments[0]', "#/$view");
			$b->find($css);
			$look->($view);
		};
		my $sign_out = sub {
			$b->click('.avatar');
			$b->js('[...document.querySelectorAll("#account-menu '
			    . 'button")].at(-1).click()');
			$b->find('#email');
		};

		$b->get("$mn->{url}/#/join?invite=$invite->{json}{invite}");
		$b->find('[name=displayName]');
		$look->('join');
		$b->type('[name=displayName]', 'Ann <b>Other</b>');
		$b->type('[name=email]', $email);
		$b->type('[name=password]', $password);
		$b->click('.card .primary');
		$b->find('.brand');
		unlike $b->url, qr/invite/, 'the invitation is gone from the address';
		$b->click('.avatar');
		is_deeply $b->js('return [...document.querySelectorAll("#account-menu a")].map('
		    . '(a) => a.hash)'), [ '#/you', '#/map', '#/duplicates', '#/integrations' ],
		    'nothing of administration in the menu';
		$b->click('#account-menu a');
		$b->find('.rows .pill.good');
		is $b->js('return document.querySelector("[name=displayName]").value'),
		    'Ann <b>Other</b>', 'the profile of who has joined';

		$b->js('[...document.querySelectorAll("[aria-label=\"Two-step verification\"] '
		    . 'button")][0].click()');
		$b->type('dialog [name=currentPassword]', 'not this one');
		$b->press('Enter');
		$b->wait_for('the refusal', sub { ($b->text('dialog .form-error') // '') =~
		    /Wrong password/ });
		$look->('proof');
		$b->type('dialog [name=currentPassword]', $password);
		$b->press('Enter');
		$b->find('.qr');
		$look->('you');
		$b->type('[name=code]', totp($b->text('.copyable code')));
		$b->press('Enter');
		$b->wait_for('recovery codes', sub { ($b->text('.once code') // '') =~
		    /\S+\n\S+/ });
		my ($recovery, $second) = split /\n/, $b->text('.once code');
		$sign_out->();
		$b->type('#email', $email);
		$b->type('#password', $password);
		$b->click('.door button.primary');
		$b->find('#totp');
		$b->type('#totp', $recovery);
		$b->click('.door button.primary');
		$b->find('.brand');
		pass 'signed in with a recovery code';
		$b->click('.avatar');
		$b->click('#account-menu a');
		$b->type('[name=email]', "new-$email");
		$b->press('Enter');
		$b->type('dialog [name=currentPassword]', $password);
		$b->type('dialog [name=totp]', $second);
		$b->press('Enter');
		$b->wait_for('the new address', sub { $mn->psql(
		    "SELECT count(*) FROM users WHERE email = 'new-$email'") == 1 });
		pass 'another address wants password and code';
		$email = "new-$email";
		$sign_out->();

		sign_in_here($b, $mn);
		$open->('users', '.board li');
		$b->js('[...document.querySelectorAll("details summary")].find((s) => '
		    . 's.textContent.includes(arguments[0])).click()',
		    $email);
		$b->find('.inside form');
		$b->js('const s = document.querySelector(".inside [name=tier]"); s.value = '
		    . '"premium"; s.form.requestSubmit()');
		my $tier = "SELECT tier FROM users WHERE email = '$email'";
		$b->wait_for('the tier to be saved', sub { $mn->psql($tier) eq 'premium' });
		pass 'the tier is changed';

		my $open_invite = $mn->admin->api(POST => '/api/users',
		    { invite => JSON::PP::true, email => "guest-$width\@medianest.test" })->{json};
		$b->js('[...document.querySelectorAll(".toolbar button")].find((one) => '
		    . 'one.textContent === "Invitations").click()');
		my $row = "[data-invite=\"$open_invite->{id}\"]";
		$b->find("$row button");
		$look->('invitations');
		like $b->text($row), qr/guest-$width\@medianest\.test/, 'an invitation is listed';
		$b->click("$row button");
		$b->find('dialog .primary');
		$b->click('dialog .primary');
		$b->wait_for('the invitation to go', sub { !$b->count($row) });
		is $mn->psql("SELECT count(*) FROM invites WHERE id = '$open_invite->{id}'"), 0,
		    'and revoked';
		$open->('roles', '.matrix');
		$open->('settings', '#s-trash-days');
		$b->js('const s = document.querySelector("#s-trash-days"); s.value = "31"; '
		    . 's.dispatchEvent(new Event("change"))');
		$b->find('#s-trash-days.saved');
		$b->js('document.querySelector(arguments[0]).click()',
		    '[aria-label="Reset Days in the trash to its default"]');
		$b->wait_for('the default',
		    sub { $b->js('return document.querySelector("#s-trash-days").value') eq '30' });
		$open->('audit', '.board li');
		like $b->text('.board'), qr/setting/, 'what was just done is in the log';
		# before anything is set up; t/304-page-integrations.t has all states
		$open->('integrations', '.guide');
		$open->('webhooks', '[name=source]');
		$open->('requests', '.empty');
		clean($b, 'accounts', qr{/api/auth/(?:login|totp)\ -\ Failed.*\ 401
		    |/api/integrations/overseerr(?:/requests\S*)?\ -\ Failed.*\ 404}x);
		$b->stop;
	};
}

done_testing;
