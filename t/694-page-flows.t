#!/usr/bin/perl
# Every flow of the page, one row each: how it is reached by the keyboard, and what must be there.
# Each is looked at on a phone and on a desk, in light and dark; dialogs give the focus back. With
# names, only these: prove t/694-page-flows.t :: albums share
use v5.36;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use MediaNest::Browser;
use MediaNest::Exif qw(exif_jpeg);
use MediaNest::FixedAdmin;
use MediaNest::FixedAnswers;
use MediaNest::FixedHouse qw(id house);
use MediaNest::Flows;
use MediaNest::Media;
use MediaNest::Page qw(:all);
use MediaNest::Pictures;
use MediaNest::Test;
use POSIX qw(strftime);
use Test::More;

once_is_enough();
binmode Test::More->builder->$_, ':utf8' for qw(output failure_output todo_output);
my $artefacts = artefacts("$FindBin::Bin/..");
my @only = @ARGV;

need_browser();

my $mn = MediaNest::Test->stack(private => 1); # no items of other tests
my $make = MediaNest::Media->new;
my $ann = $mn->user(role => 'super');
my $bo = $mn->user(role => 'user');
my $axe = axe();
my %id = map { $_->[0] => $_->[1]->api(GET => '/api/auth/session')->{json}{user}{id} }
    [ ann => $ann ], [ bo => $bo ];
$mn->psql("UPDATE users SET display_name = 'Bo Writer' WHERE id = '$id{bo}'");

# --- what there is to be seen -----------------------------------------------------------------

my $today = strftime('%m:%d', localtime);
my $last = strftime('%Y', localtime) - 1;
my $serial = 0;
sub photo ($size, %tags) {
	my $name = 'p' . ++$serial . '.jpg';
	my $bytes = MediaNest::Media::slurp($make->picture($name, size => $size, source =>
	    "mandelbrot=s=$size:start_scale=0.$serial"));
	return $ann->upload_bytes($name, exif_jpeg($bytes, %tags), 'image/jpeg')->{id};
}

my @photo = (photo('640x480', DateTimeOriginal => "$last:$today 10:00:00", GPS => [ 52.5, 13.4 ]),
    photo('480x640', DateTimeOriginal => '2012:05:01 07:08:09', GPS => [ 48.85, 2.35 ]),
    photo('640x480', DateTimeOriginal => '2012:05:01 07:09:09'));
my $film = $ann->upload_file($make->video('film.webm', seconds => 1, size => '160x90'),
    'video/webm', modifiedAt => '2011-05-04T07:08:09Z')->{id};
my @song = map { $ann->upload_file($make->song("song-$_.ogg", seconds => $_), 'audio/ogg')->{id} }
    20, 30;
$ann->wait_media($_) for @photo, $film, @song;
$ann->api(PATCH => "/api/media/$photo[0]", { title => 'Harbour at dusk' });
$ann->api(PATCH => "/api/media/$photo[1]", { title => 'The very long title of a photograph that '
    . 'was taken on the way down to the sea' });
$ann->api(PUT => "/api/media/$photo[0]/tags", { tags => [ 'harbour', 'evening' ],
    people => ['Ann Smith'] });
# A live photo, whose clip is not fetched here.
$mn->psql("UPDATE media SET metadata = jsonb_set(coalesce(metadata, '{}'), '{motion}', 'true') "
    . "WHERE id = '$photo[1]'");
# Older ones without pictures; some of them were thrown away, two have the same bytes.
sub rows ($n, $title) {
	return split /\s+/, $mn->psql(<<"SQL");
WITH new AS (
	INSERT INTO media (id, owner_id, kind, title, content_type, width, height, created_at,
		taken_at, taken_local, status)
	SELECT gen_random_uuid(), '$id{ann}', 'image', '$title ' || n, 'image/jpeg', 400, 300, at,
		at, at AT TIME ZONE 'UTC', 'ready'
	FROM (SELECT n, '2010-06-01'::timestamptz - n * interval '40 days' AS at
		FROM generate_series(1, $n) n) t RETURNING id, title)
SELECT id FROM new ORDER BY title
SQL
}
rows(60, 'Older');
my @trash = rows(3, 'Old');
$ann->api(POST => "/api/media/$_/trash") for @trash;

my $album = $ann->api(POST => '/api/media/collections', { title => 'By the sea',
    items => [ @photo[ 0, 1 ] ] })->{json}{id};
my $rule = $ann->api(POST => '/api/media/collections', { title => 'Evenings', kind => 'rule',
    rule => { tags => ['evening'] } })->{json}{id};
sub link_to (%what) { return $ann->api(POST => '/api/media/links', \%what)->{json}{url} }
my %link = (album => link_to(collectionId => $album, download => JSON::PP::true),
    item => link_to(mediaId => $photo[0]),
    locked => link_to(collectionId => $album, password => 'blue horse'));
diag "$_ $link{$_}" for grep { !$link{$_} } keys %link;

# --- the flows ----------------------------------------------------------------------------------

my $b = MediaNest::Browser->start(dir => $make->path('browser'), artefacts => $artefacts);
leave_unasked($b);
sub at ($hash) { return $b->js('location.hash = arguments[0]', $hash) }
sub label ($text) { return qq([aria-label="$text"]) }
sub closed_viewer { $b->press('Escape'); return gone($b, '.lightbox') }
sub select_two {
	focus_on($b, '.tile-link');
	$b->press('Space', 'ArrowRight', 'Space');
	return $b->find('.selection-bar');
}
sub unselect { $b->press('Escape'); return gone($b, '.selection-bar') }

# name; at: its address; see: what must be there then; do: by the keyboard; shows: what is there
# after that; opens: Tab leads there from the beginning of the view, and Enter opens what `shows`
# says, which Escape closes again, with the focus where it was; undo: what leaves it.
my @real = (
	{ name => 'library', at => '#/', see => '.tile img.loaded' },
	{ name => 'on this day', at => '#/', see => '.on-this-day img' },
	{ name => 'scrubber', at => '#/', see => '.scrubber', do => sub { focus_on($b, '.scrubber');
		$b->press('ArrowDown', 'ArrowDown') }, shows => '.scrubber' },
	{ name => 'a day selected', at => '#/', see => '.day-tick', do => sub {
		focus_on($b, '.day-tick'); $b->press('Space') }, shows => '.selection-bar',
	    undo => \&unselect },
	{ name => 'selection', at => '#/', see => '.tile', do => \&select_two,
	    shows => '.selection-bar', undo => \&unselect },
	{ name => 'more of a selection', at => '#/', see => '.tile', before => \&select_two,
	    opens => '.selection-bar ' . label('More actions'),
	    shows => '.bulk-menu:popover-open', undo => \&unselect },
	{ name => 'dates of a selection', at => '#/', see => '.tile', before => \&select_two,
	    opens => '.selection-bar ' . label('Change date'), shows => 'dialog[open]',
	    undo => \&unselect },
	{ name => 'tags of a selection', at => '#/', see => '.tile', before => \&select_two,
	    opens => '.selection-bar ' . label('Tag'), shows => 'dialog[open]',
	    undo => \&unselect },
	{ name => 'add to an album', at => '#/', see => '.tile', before => \&select_two,
	    opens => '.selection-bar ' . label('Add to album'), shows => 'dialog[open]',
	    undo => \&unselect },
	{ name => 'viewer', at => "#/?item=$photo[0]", see => '.lightbox img.large.loaded',
	    undo => \&closed_viewer },
	{ name => 'more in the viewer', at => "#/?item=$photo[0]",
	    see => '.lightbox img.large.loaded', opens => '.lightbox ' . label('More actions'),
	    from => '', shows => '.more-menu:popover-open', undo => \&closed_viewer },
	{ name => 'details', at => "#/?item=$photo[0]", see => '.lightbox img.large.loaded',
	    do => sub { $b->press('i') }, shows => '.details .timeline li:not(.skeleton)',
	    undo => sub { $b->press('i'); gone($b, '.details'); closed_viewer() } },
	{ name => 'rotated', at => "#/?item=$photo[2]", see => '.lightbox img.large.loaded',
	    do => sub { $b->press('r') }, shows => '.frame .large[data-turn="90"]',
	    undo => sub { $b->press('r', 'r', 'r'); closed_viewer() } },
	{ name => 'a film', at => "#/?item=$film", see => '.player video',
	    undo => \&closed_viewer },
	{ name => 'a song', at => "#/?item=$song[0]", see => '.player.audio',
	    undo => \&closed_viewer },
	{ name => 'an item that is gone', at => '#/?item=01900000-0000-7000-8000-00000000dead',
	    see => '.lightbox .notice', undo => \&closed_viewer },
	{ name => 'slideshow', at => "#/?item=$photo[0]", see => '.lightbox img.large.loaded',
	    do => sub { $b->press('s') }, shows => '.slide img', undo => sub {
		$b->press('Escape'); gone($b, '.slideshow'); closed_viewer() } },
	{ name => 'albums', at => '#/albums', see => '.poster img' },
	{ name => 'a new album', at => '#/albums', see => '.poster img',
	    opens => '.toolbar button.primary', shows => 'dialog[open]' },
	{ name => 'a new automatic album', at => '#/albums', see => '.poster img',
	    opens => '.toolbar .parts button:not(.primary)', shows => 'dialog[open]' },
	{ name => 'an album', at => "#/album?id=$album", see => '.tile img.loaded' },
	{ name => 'sharing', at => "#/album?id=$album", see => '.tile img.loaded',
	    opens => '.album-head button:nth-of-type(2)', shows => 'dialog[open]', more => sub {
		$b->type('dialog input[type=search]', 'writer');
		$b->find('dialog .match');
		$b->press('Enter');
		$b->find('dialog .people select') } },
	{ name => 'public link', at => "#/album?id=$album", see => '.tile img.loaded',
	    opens => '.album-head button:nth-of-type(3)',
	    shows => 'dialog[open] .link-fields input' },
	{ name => 'rules of an album', at => "#/album?id=$rule", see => '.tile img.loaded',
	    opens => '.album-head button:nth-of-type(5)', shows => 'dialog[open]' },
	{ name => 'deleting an album', at => "#/album?id=$album", see => '.tile img.loaded',
	    opens => '.album-head button:last-of-type', shows => 'dialog[open]' },
	{ name => 'an album that is gone', at => '#/album?id=01900000-0000-7000-8000-00000000dead',
	    see => '#main .notice' },
	{ name => 'public links', at => '#/links', see => 'main .rows .line' },
	{ name => 'trash', at => '#/trash', see => '.tile' },
	{ name => 'emptying the trash', at => '#/trash', see => '.tile',
	    opens => '.toolbar button', shows => 'dialog[open]' },
	{ name => 'an item in the trash', at => "#/trash?item=$trash[0]",
	    see => '.lightbox ' . label('Restore'), undo => \&closed_viewer },
	{ name => 'duplicates', at => '#/duplicates', see => '.twins, .empty' },
	{ name => 'suggestions', at => '#/search', see => '.search-box input', do => sub {
		$b->press('/', 'h', 'a', 'r', 'b'); $b->find('.suggestions [role=option]');
		$b->press('ArrowDown') },
	    shows => '.suggestions [aria-selected=true]', undo => sub { $b->press('Escape') } },
	{ name => 'results', at => '#/search?q=harbour', see => '.tile img.loaded' },
	{ name => 'no results', at => '#/search?q=qqqqzzzz&kind=image', see => '.empty' },
	{ name => 'search by year', at => '#/search?q=harbour', see => '.tile img.loaded',
	    opens => '.chips > button.chip:nth-of-type(7)', shows => 'dialog[open]' },
	{ name => 'map', at => '#/map', see => '.marker:not([hidden])' },
	{ name => 'music', at => '#/?kind=audio&sort=title', see => '.tile',
	    do => sub { press_at($b, '.toolbar .scope:last-of-type'); $b->find('.music-bar');
		$b->press('p') },
	    shows => '.music-bar' },
	{ name => 'queue', at => '#/albums', see => '.music-bar', opens => '.music-bar '
		. label('Queue'), shows => '.music-list li', undo => sub {
		press_at($b, '.music-bar ' . label('Stop the music'), '');
		gone($b, '.music-bar') } },
	{ name => 'account', at => '#/you', see => '[aria-label=Storage] .figure' },
	{ name => 'account menu', at => '#/', see => '.tile', opens => '.avatar', from => '.skip',
	    shows => '#account-menu:popover-open' },
	{ name => 'shortcuts', at => '#/', see => '.tile', do => sub { $b->press('?') },
	    shows => 'dialog[open]', undo => sub { $b->press('Escape'); gone($b, 'dialog') } },
);

sub wanted (@rows) {
	return grep { my $row = $_; !@only || grep { $row->{name} =~ /\Q$_\E/ } @only } @rows;
}

sub at_row ($row) {
	# an address that is there already brings nothing new
	at($row->{at});
	$b->find($row->{see}, 15);
	$row->{before}->() if $row->{before};
	return;
}

sub flow ($row) {
	return subtest $row->{name} => sub {
		eval {
			$b->resize(1280, 844);
			at_row($row);
			if ($row->{opens}) {
				press_at($b, $row->{opens}, $row->{from} // '#main');
				$b->find($row->{shows}, 15);
				$row->{more}->() if $row->{more};
			} elsif ($row->{do}) {
				$row->{do}->();
				$b->find($row->{shows}, 15);
			}
			looked_at($b, $row->{name}, $axe, $artefacts);
			if ($row->{opens}) {
				$b->press('Escape');
				gone($b, $row->{shows});
				ok $b->js('return document.activeElement.matches(arguments[0])',
				    $row->{opens}), 'the focus is back where it was'
				    or diag $b->js('return document.activeElement.outerHTML')
					=~ s/^(.{160}).*/$1/sr;
			}
			$row->{undo}->() if $row->{undo};
			1;
		} or do {
			fail "$row->{name}: $@";
			$b->press('Escape') for 1 .. 2;
		};
		is_deeply [ console_errors($b, qr/status of 4(?:01|04|10)/) ], [],
		    'the console is clean';
		$b->{console} = [];
	};
}

# Before anybody is signed in.
$b->get("$mn->{url}/");
flow($_) for wanted(
	{ name => 'sign-in', at => '#/', see => '#email' },
	{ name => 'forgotten password', at => '#/forgot', see => '.card [name=email]' },
	{ name => 'invitation', at => '#/join?invite=x&email=a@example.org',
	    see => '.card [name=email]' },
	{ name => 'new password', at => '#/reset?token=x', see => '.card [name=password]' },
);
for my $name (sort keys %link) {
	my ($hash) = $link{$name} =~ /(#.*)/;
	flow($_) for wanted({ name => "visitor, $name", at => $hash,
	    see => { locked => '.card [name=password]', item => '.lightbox img.large.loaded',
		album => '.tile img.loaded' }->{$name} });
	$b->get('about:blank');
	$b->get("$mn->{url}/");
}

$b->resize(1280, 844);
sign_in_here($b, $ann);
flow($_) for wanted(@real);

# Views that ask the server, and what is there when it has answered.
my @views = ([ '#/albums' => '.poster' ], [ '#/' => '.tile' ], [ '#/trash' => '.tile' ],
    [ '#/search?q=harbour' => '.tile' ], [ "#/album?id=$album" => '.tile' ],
    [ '#/links' => 'main .rows .line' ], [ '#/duplicates' => '.twins, .empty' ],
    [ '#/map' => '.marker' ], [ '#/shelves' => '.empty' ], [ '#/notifications' =>
    '.notifications li' ], [ '#/preferences' => '.preference' ], [ '#/you' => '.panel' ],
    [ '#/users' => '.board li' ], [ '#/roles' => '.matrix' ], [ '#/settings' => '.setting' ],
    [ '#/audit' => '.board li' ], [ '#/jobs' => '[data-job]' ], [ '#/storage' =>
    '[data-storage]' ], [ '#/dashboard' => '.cards .panel' ], [ '#/processes' =>
    '.sheet' ], [ '#/alerts' => '.empty, [data-alert]' ], [ '#/integrations' => '.guide' ],
    [ '#/webhooks' => '[name=source]' ], [ '#/requests' => '.empty' ]);

sub anew ($hash, $css) {
	at($hash);
	$b->reload;
	return $b->find($css);
}
# What a page that loses its network or is left says in the console is no fault.
sub forgive {
	$b->console;
	$b->{console} = [];
	return;
}
sub slow ($ms) {
	$b->cdp('Network.enable');
	return $b->cdp('Network.emulateNetworkConditions', { offline => JSON::PP::false,
	    latency => $ms, downloadThroughput => -1, uploadThroughput => -1 });
}

# Each view is opened first without a network, then with its code there and its answers not.
subtest 'offline' => sub {
	$b->cdp('Network.clearBrowserCache');
	anew('#/you', '.panel');
	my $say = '#main .notice button';
	for my $view (@views) {
		my ($hash, $css) = @$view;

		eval {
			$b->offline(1);
			at($hash);
			$b->find($say, 15);
			$b->offline(0);
			$b->find($css, 20);
			pass "$hash says so and recovers";
			1;
		} or fail "$hash: $@";
	}
	$b->offline(1);
	for my $view (@views) {
		my ($hash, $css) = @$view;

		at($hash);
		ok eval { $b->wait_for($hash, sub { $b->seen($say) || $b->seen($css) }, 15) },
		    "$hash says so when its code is there, or shows what was known";
		ok !$b->seen('#main .empty'), '... and that nothing is there is not known';
	}
	$b->offline(0);
	forgive();
} if wanted({ name => 'offline' });

# A view whose code is on its way is said to come, and one that waits for its answers has words or
# skeletons.
subtest 'slow' => sub {
	$b->cdp('Network.clearBrowserCache');
	anew('#/you', '.panel');
	my $there = <<'JS';
		const [view, done] = arguments;
		location.hash = view;
		setTimeout(() => {
			const main = document.getElementById('main');
			done(main.ariaBusy === 'true' ||
			    main.querySelector('.skeleton, [aria-busy]') ||
			    main.innerText.trim() ? '' : main.outerHTML.slice(0, 200));
		}, 900);
JS
	for my $code ('on its way', 'there') {
		slow($code eq 'there' ? 1500 : 2500);
		for my $view (@views) {
			next if $code eq 'on its way' && $view->[0] !~ /trash|search|map|jobs/;
			is $b->js_async($there, $view->[0]), '',
			    "$view->[0], its code $code: something within a second";
		}
		slow(0);
		for my $view (@views) {
			at($view->[0]);
			$b->find($view->[1], 20);
		}
	}
	forgive();
} if wanted({ name => 'slow' });

# What is pressed twice is sent once.
for my $row (wanted(
	{ name => 'a new album twice', at => '#/albums', see => '.poster', do => sub {
		$b->click('.toolbar button.primary'); $b->type('dialog input', 'Twice') },
	    twice => 'dialog [type=submit]' },
	{ name => 'a public link twice', at => "#/album?id=$album", see => '.tile', do => sub {
		$b->click('.album-head button:nth-of-type(3)'); $b->find('.link-fields .primary') },
	    twice => '.link-fields .primary' },
	{ name => 'sharing twice', at => "#/album?id=$album", see => '.tile', do => sub {
		$b->click('.album-head button:nth-of-type(2)');
		$b->type('dialog input[type=search]', 'writer'); $b->click('dialog .match') },
	    twice => 'dialog [type=submit]' },
	{ name => 'emptying the trash twice', at => '#/trash', see => '.tile', do => sub {
		$b->click('.toolbar button'); $b->find('dialog [type=submit]') },
	    twice => 'dialog [type=submit]' },
	{ name => 'restoring twice', at => "#/trash?item=$trash[0]",
	    see => '.lightbox ' . label('Restore'), twice => '.lightbox ' . label('Restore') },
	{ name => 'throwing away twice', at => "#/?item=$photo[2]",
	    see => '.lightbox ' . label('Move to trash'),
	    twice => '.lightbox ' . label('Move to trash') },
	{ name => 'deleting a link twice', at => '#/links', see => 'main .rows .line', do => sub {
		press_on($b, 'Remove', 'main .rows'); $b->find('dialog [type=submit]') },
	    twice => 'dialog [type=submit]' },
	{ name => 'a profile twice', at => '#/you', see => '[name=displayName]', do => sub {
		$b->type('[name=displayName]', 'Ann Other') },
	    twice => 'form:has([name=displayName]) [type=submit]' },
	{ name => 'an invitation twice', at => '#/users', see => '.board li', do => sub {
		$b->click('.toolbar .primary'); $b->find('main .panel [name=email]') },
	    twice => 'main .panel [type=submit]' },
	{ name => 'roles twice', at => '#/roles', see => '.matrix', do => sub {
		$b->js('document.querySelector(arguments[0]).click()', label('Guest: Upload')) },
	    twice => 'main button.primary' },
    )) {
	subtest $row->{name} => sub {
		eval {
			anew($row->{at}, $row->{see});
			count_changes($b);
			$row->{do}->() if $row->{do};
			my $sent = pressed_twice($b, $row->{twice});
			is scalar @$sent, 1, 'one request' or diag join ' ', @$sent;
			1;
		} or fail "$row->{name}: $@";
	};
	forgive();
}

# What had the focus is gone: it goes to the view, not to nowhere.
subtest 'the focus is never lost' => sub {
	my $brief = $ann->api(POST => '/api/media/collections', { title => 'Brief' })->{json}{id};
	my $main = sub ($what) { return ok eval { $b->wait_for($what, sub {
		$b->js('return document.activeElement.id === "main"') }, 15) }, $what };

	anew("#/album?id=$brief", '.album-head button');
	press_at($b, '.album-head button:last-of-type');
	$b->find('dialog[open]');
	press_at($b, 'dialog [type=submit]', '');
	$b->find('.poster');
	$main->('an album was deleted by the keyboard');
	at('#/trash');
	$b->find('.tile');
	press_at($b, '.toolbar button');
	$b->find('dialog[open]');
	press_at($b, 'dialog [type=submit]', '');
	$b->find('.empty');
	$main->('the trash was emptied by the keyboard');
	forgive();
} if wanted({ name => 'the focus is never lost' });

# Every state of an upload, whatever is really sent.
my $tray = <<'JS';
	const done = arguments[0];
	Promise.all([import('/lib/uploads.js'), import('/lib/bus.js'), import('/lib/api.js')])
	    .then(([{ uploads }, { emit }, { Problem }]) => {
		const states = ['waiting', 'checking', 'starting', 'ready-to-send', 'sending',
		    'finishing', 'processing', 'ready', 'duplicate', 'twin', 'trashed', 'lost',
		    'failed',
		    'rejected', 'cancelled', 'seeking', 'offered', 'giving', 'given', 'strayed'];
		const problem = new Problem(0);
		uploads.push(...states.map((state, id) => ({ id: 9000 + id, key: `k${id}`, state,
		    name: `IMG_20240117_${id} on the way down to the sea.jpg`, size: 4200000,
		    sent: 1900000, type: 'image/jpeg', path: '', mediaId: 'x', problem, hashed: 0,
		    twin: { name: 'the other one.jpg' }, hopeless: state === 'rejected',
		    beside: ['seeking', 'offered', 'giving', 'given', 'strayed'].includes(state),
		    offers: [{ id: 'x', filename: 'IMG_1.jpg', createdAt: '2020-01-01T00:00:00Z' },
			{ id: 'y', filename: 'IMG_1.jpg', createdAt: '2021-01-01T00:00:00Z' }] })));
		emit('uploads', { upload: uploads.at(-1) });
		done();
	});
JS
flow($_) for wanted(
	{ name => 'tray', at => '#/albums', see => '.poster', do => sub {
		$b->js_async($tray);
		$b->find('.tray');
		press_at($b, '.tray ' . label('Collapse uploads'), '')
		    if !$b->seen('.tray .upload-line') },
	    shows => '.tray .upload-line[data-state=rejected]' },
);

# What lies outside answers as it is written down, so that each state is there to be seen.
$b->before_load(MediaNest::FixedAnswers::script(MediaNest::FixedAdmin::watched(), house()));
$b->before_load(MediaNest::FixedAdmin::histories());
$b->reload;
$b->find('.brand');
forgive();
my %title = MediaNest::FixedHouse::titles();
flow($_) for wanted(
	{ name => 'shelves', at => '#/shelves', see => '.empty, .shelf .poster' },
	{ name => 'a show', at => "#/title?id=$title{show}", see => '.position' },
	{ name => 'requests', at => '#/requests', see => '.request' },
	{ name => 'finding a request', at => '#/requests?q=matrix', see => '[data-tmdb]' },
	{ name => 'notifications', at => '#/notifications', see => '.notifications li' },
	{ name => 'preferences', at => '#/preferences', see => '.preference' },
	{ name => 'dashboard', at => '#/dashboard', see => '.plot-line' },
	{ name => 'alerts', at => '#/alerts', see => '[data-alert]' },
	{ name => 'jobs', at => '#/jobs', see => '[data-job]' },
	{ name => 'storage', at => '#/storage', see => '[data-storage]' },
	{ name => 'processes', at => '#/processes', see => '.sheet' },
	{ name => 'people', at => '#/users', see => '.board li' },
	{ name => 'inviting', at => '#/users', see => '.board li', do => sub {
		press_at($b, '.toolbar .primary') }, shows => 'main .panel [name=email]' },
	{ name => 'roles', at => '#/roles', see => '.matrix' },
	{ name => 'settings', at => '#/settings', see => '.setting' },
	{ name => 'audit log', at => '#/audit', see => '.board li' },
	{ name => 'integrations', at => '#/integrations', see => '.strip a' },
	{ name => 'server', at => '#/server?id=' . id(1), see => '.library' },
	{ name => 'sync', at => '#/sync?id=' . id(12), see => '.question' },
	{ name => 'overseerr', at => '#/overseerr', see => '[data-person]' },
	{ name => 'webhooks', at => '#/webhooks', see => '[data-source]' },
	{ name => 'inbox', at => '#/webhooks?tab=inbox', see => '[data-event]' },
	{ name => 'endpoints', at => '#/webhooks?tab=endpoints', see => '[data-endpoint]' },
	{ name => 'deliveries', at => '#/endpoint?id=' . id(80), see => '[data-delivery]' },
);

$b->stop;
done_testing;
