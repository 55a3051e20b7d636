#!/usr/bin/perl
# The page's views of what lies outside: shelves and titles, servers and syncs, requests, webhooks,
# notifications. A real stack signs the person in; the integrations answer as MediaNest::FixedHouse
# says, so that each state is there to be seen.
use v5.36;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use JSON::PP;
use MediaNest::Browser;
use MediaNest::FixedAnswers;
use MediaNest::FixedHouse qw(id house);
use MediaNest::Page qw(:all);
use MediaNest::Test;
use Test::More;

once_is_enough();
binmode Test::More->builder->$_, ':utf8' for qw(output failure_output todo_output);
my $artefacts = artefacts("$FindBin::Bin/..");
my $scratch = tempdir('mn-page-XXXXXX', TMPDIR => 1, CLEANUP => 1);

need_browser();

my $mn = MediaNest::Test->stack;
my $axe = axe();
my %title = MediaNest::FixedHouse::titles();

sub browser ($name, $who, %with) {
	my $answers = delete $with{answers} // [ house() ];
	my $b = MediaNest::Browser->start(dir => "$scratch/$name", artefacts => $artefacts, %with);

	$b->before_load(MediaNest::FixedAnswers::script(@$answers));
	sign_in($b, $who);
	return $b;
}

sub query_of ($b, $view, %wanted) {
	my %is = %{ sent($b, GET => $view)->{query} };
	return { map { $_ => $is{$_} } keys %wanted };
}

# Targets of touch are 44 pixels high, where they are not words in a sentence.
sub touchable ($b, $where) {
	return is_deeply $b->js(<<'JS'), [], "$where: nothing is too small to touch";
		const high = (node) => node.getBoundingClientRect().height >= 43.5;

		return [...document.querySelectorAll('main :is(button, a, select, input, summary)')]
		    .filter((node) => node.getClientRects().length && !high(node) &&
			!node.matches('.stretched, p a, [type=checkbox], [type=radio]'))
		    .map((node) => node.outerHTML.slice(0, 160));
JS
}

sub clean ($b, $where) {
	return is_deeply [ console_errors($b) ], [], "$where: the console is clean";
}

my @views = (
	[ shelves => '.empty, .shelf .poster' ],
	[ "title?id=$title{film}" => '.title-head h1' ],
	[ "title?id=$title{show}" => '.position' ],
	[ "title?id=$title{album}" => '.position' ],
	[ integrations => '.strip a' ],
	[ 'server?id=' . id(1), '.library' ],
	[ 'server?id=' . id(2), '.question' ],
	[ 'sync?id=' . id(12), '.question' ],
	[ 'sync?id=' . id(15), '.phases' ],
	[ overseerr => '[data-person]' ],
	[ requests => '.request' ],
	[ 'requests?q=matrix' => '[data-tmdb]' ],
	[ webhooks => '[data-source]' ],
	[ 'webhooks?tab=inbox' => '[data-event]' ],
	[ 'webhooks?tab=endpoints' => '[data-endpoint]' ],
	[ 'endpoint?id=' . id(80), '[data-delivery]' ],
	[ notifications => '.notifications li' ],
	[ preferences => '.preference' ],
);

my @looks = ([ 390, 0 ], [ 390, 1 ], [ 1280, 1 ], [ 1280, 0 ]);
my $walker = browser('walk', $mn);
# Each view is opened once, and looked at in each size and theme.
for my $view (@views) {
	my ($hash, $css) = @$view;

	subtest $hash => sub {
		my $b = $walker;

		open_view($b, $hash, $css);
		for my $look (@looks) {
			my ($width, $dark) = @$look;
			my $name = "$width-" . ($dark ? 'dark' : 'light');

			$b->resize($width, 844);
			$b->prefer_dark($dark);
			fits($b, "$hash, $name");
			touchable($b, "$hash, $name");
			# each width and each theme once
			accessible($b, "$hash, $name", $axe) if $dark == ($width > 1000);
			$b->screenshot("$artefacts/integrations-$name-" . ($hash =~ s/\W+/-/gr)
			    . '.png');
		}
		clean($b, $hash);
	};
}
$walker->stop;

subtest 'servers' => sub {
	my $b = browser('servers', $mn);

	open_view($b, 'integrations', '[data-server]');
	like $b->text('.strip li:last-child a'), qr/^$/, 'a run is a square';
	like $b->js('return document.querySelector(".strip li:nth-last-child(2) a").ariaLabel'),
	    qr/^Attic: Stopped, 2\d minutes ago, /, 'whose label says all';
	my $asked = sub { scalar grep { $_->{path} =~ m{/plex/syncs$} } @{
	    $b->js('return window.asked') } };
	my $before = $asked->();
	$b->js('document.dispatchEvent(new Event("visibilitychange"))');
	$b->wait_for('the runs again', sub { $asked->() > $before }, 15);
	pass 'who comes back to the page sees what runs now';
	press_on($b, 'Add a server');
	$b->type('[name=name]', 'Living room');
	$b->type('[name=url]', 'http://192.168.1.20:32400');
	$b->type('[name=token]', 'a token');
	press_on($b, 'Test connection');
	told($b, '.said.bad', qr/Connections to this address are not allowed/,
	    'a refusal in words');
	is $b->text('.allow code'), 'outbound.allow = 192.168.1.20:32400', 'and the exact line';
	press_on($b, 'Test connection');
	told($b, '.said.good', qr/Connected\. Living room, version 1\.41/, 'or what was found');
	is_deeply sent($b, POST => qr{servers/test$})->{body},
	    { url => 'http://192.168.1.20:32400', token => 'a token' }, 'what was tested';
	press_on($b, 'Add server');
	$b->find('.library');
	like $b->url, qr/server\?id=/, 'a new server is shown';
	is $b->js('return document.querySelector("[name=token]").value'), '', 'without its token';

	press_on($b, 'Sync now');
	is sent($b, POST => qr{/sync$})->{body}{serverId}, id(1), 'Sync now';
	$b->js('document.querySelector("[data-library=\"1\"] input").click()');
	told($b, 'dialog', qr/Leave out “Films”\?1,204 items of it move to trash/, 'asks once');
	press_on($b, 'Cancel', 'dialog');
	$b->wait_for('the dialog to close', sub { !$b->count('dialog') });
	ok $b->js('return document.querySelector("[data-library=\"1\"] input").checked'),
	    'nothing happens without an answer';
	$b->js('document.querySelector("[data-library=\"1\"] input").click()');
	press_on($b, 'Leave out', 'dialog');
	is_deeply sent($b, PUT => qr{libraries/1$})->{body}, { enabled => JSON::PP::false },
	    'left out';
	press_on($b, 'Delete', 'main');
	press_on($b, 'Delete', 'dialog');
	is sent($b, DELETE => qr{servers/})->{query}{items}, undef, 'its items go to the trash';
	told($b, 'h1', qr/^Integrations/, 'and back to the servers');

	open_view($b, 'server?id=' . id(2), '.question');
	press_on($b, 'Yes, the same server');
	is sent($b, POST => qr{/adopt$})->{body}{machineIdentifier},
	    '99887766554433221100ffeeddccbbaa99887766', 'an answer about the identity';
	clean($b, 'servers');
	$b->stop;
};

subtest 'a halted sync' => sub {
	my $b = browser('halt', $mn);

	open_view($b, 'sync?id=' . id(12), '.question');
	like $b->text('.question'), qr/402 of 1,204 items of “Films” are no longer on the server/,
	    'what is missing';
	press_on($b, 'Go on and remove 402 items');
	told($b, 'dialog h2', qr/^Remove 402 items\?$/, 'asks once');
	press_on($b, 'Go on and remove', 'dialog');
	ok sent($b, POST => qr{syncs/\Q${\ id(12)}\E/continue$}), 'goes on';
	$b->stop;
};

subtest 'requests' => sub {
	my $b = browser('requests', $mn);

	open_view($b, 'requests', '.request');
	$b->type('.ask input', 'matrix');
	$b->find('[data-tmdb]');
	is sent($b, GET => qr{overseerr/search$})->{query}{q}, 'matrix', 'searches as one types';
	$b->js('document.querySelector("[data-tmdb=\"700\"] button").click()');
	$b->find('dialog .seasons');
	is_deeply $b->js(<<'JS'), [ '0', '1*', '2-', '3*', '4*', '5*' ], 'seasons to choose from';
		return [...document.querySelectorAll('dialog .seasons input')].map((box) =>
		    box.value + (box.checked ? '*' : box.disabled ? '-' : ''));
JS
	like $b->text('dialog .seasons label:nth-child(3)'),
	    qr/Season 2.*11 episodes · Available/s, 'with what is there';
	for my $size ([ 390, 0 ], [ 390, 1 ], [ 1280, 0 ], [ 1280, 1 ]) {
		my ($width, $dark) = @$size;
		$b->resize($width, 844);
		$b->prefer_dark($dark);
		fits($b, 'seasons');
		accessible($b, 'seasons', $axe) if $dark == ($width > 1000);
		$b->screenshot("$artefacts/integrations-$width-" . ($dark ? 'dark' : 'light')
		    . '-seasons.png');
	}
	$b->js('document.querySelectorAll("dialog .seasons input:checked").forEach('
	    . '(box) => box.click())');
	press_on($b, 'Request', 'dialog');
	is $b->count('dialog .seasons'), 1, 'none is no choice';
	$b->js('for (const n of [1, 3]) document.querySelector('
	    . '`dialog .seasons [value="${n}"]`).click()');
	$b->js('document.querySelector("dialog [name=is4k]").click()');
	is_deeply $b->js(<<'JS'), [ '1*', '2*' ], 'in 4K others are there';
		return [...document.querySelectorAll('dialog .seasons input')].slice(1, 3).map(
		    (box) => box.value + (box.checked ? '*' : box.disabled ? '-' : ''));
JS
	$b->js('document.querySelector("dialog .seasons [value=\"2\"]").click()');
	press_on($b, 'Request', 'dialog');
	is_deeply sent($b, POST => qr{/requests$})->{body}, { mediaType => 'tv', tmdbId => 700,
	    seasons => [ 1, 3, 4, 5 ], is4k => JSON::PP::true }, 'some seasons, in 4K';
	told($b, '[data-tmdb="700"]', qr/Waiting for approval/, 'its state');

	like $b->text('[data-tmdb="603"]'), qr/Available/, 'what is there';
	press_on($b, 'Request in 4K', '[data-tmdb="603"]');
	$b->find('dialog [name=is4k]:checked:disabled');
	press_on($b, 'Request', 'dialog');
	$b->wait_for('the request', sub {
		sent($b, POST => qr{/requests$})->{body}{tmdbId} == 603 }, 15);
	is_deeply sent($b, POST => qr{/requests$})->{body}, { mediaType => 'movie', tmdbId => 603,
	    is4k => JSON::PP::true }, 'can be asked for in 4K';

	my $card = '[data-request="' . id(2) . '"]';
	press_on($b, 'Decline', $card);
	$b->type('dialog textarea', 'Not for children.');
	press_on($b, 'Decline', 'dialog');
	is_deeply sent($b, POST => qr{/decline$})->{body}, { reason => 'Not for children.' },
	    'declined with a reason';
	told($b, $card, qr/Declined.*Not for children/, 'and shown so');
	my $failed = '[data-request="' . id(4) . '"]';
	like $b->text($failed), qr/quota of films is used up\. You can ask again after/,
	    'a failure, and when to ask again';
	unlike $b->text($failed), qr/Retry/, 'what was never there cannot be tried again there';
	my $broken = '[data-request="' . id(9) . '"]';
	press_on($b, 'Retry', $broken);
	told($b, $broken, qr/On its way/, 'tried again');
	is $b->count('[data-request="' . id(5) . '"] img.request-art'), 1, 'a poster of ours';
	like $b->text('[data-request="' . id(5) . '"]'),
	    qr/Last known state, 3 hours ago: Overseerr cannot be reached/, 'the age of a state';
	clean($b, 'requests');
	$b->stop;

	open_view($b = browser('people', $mn), 'overseerr', '[data-person]');
	$b->js(<<'JS', id(51));
		const select = document.querySelector(`[data-person="${arguments[0]}"] select`);
		select.value = '5';
		select.dispatchEvent(new Event('change'));
JS
	is_deeply sent($b, PUT => qr{people/})->{body}, { overseerrId => 5 }, 'who is who';
	told($b, '[data-person="' . id(51) . '"]', qr/Matched by an admin/, 'by an admin');
	$b->stop;

	# someone who may only ask, and is nobody there
	my $user = $mn->user;
	my $c = browser('asker', $user, answers => [ house(
		'POST /api/integrations/overseerr/requests' => [
			[ 409, { code => 'not_linked', detail => 'No Overseerr user.' } ],
			[ 403, { code => 'quota_reached', detail => 'Quota reached.',
			    retryAfter => 90_000 } ],
		],
	) ]);
	open_view($c, 'requests?q=matrix', '[data-tmdb="604"] button');
	is $c->count('.request .primary'), 0, 'decides about nothing';
	$c->js('document.querySelector("[data-tmdb=\"604\"] button").click()');
	press_on($c, 'Request', 'dialog');
	told($c, '[data-tmdb="604"]', qr/Link your Plex account/, 'a refusal says what to do');
	$c->js('document.querySelector("[data-tmdb=\"700\"] button").click()');
	press_on($c, 'Request', 'dialog');
	told($c, '[data-tmdb="700"]', qr/Your quota is used up\. You can ask again after \w+ \d/,
	    'and when to ask again');
	open_view($c, 'integrations', '[data-server]');
	is $c->count('main .primary'), 0, 'sees the servers, and sets nothing up';
	$c->stop;
};

subtest 'webhooks' => sub {
	my $b = browser('hooks', $mn);

	open_view($b, 'webhooks', '[data-source]');
	$b->type('[name=name]', 'Plex');
	press_on($b, 'Add source');
	$b->find('.once');
	is $b->count('.once code'), 3, 'address, key and secret, once';
	like $b->text('.once'), qr/not shown again/, 'and says so';
	open_view($b, 'webhooks?tab=inbox&status=failed', '[data-event]');
	is_deeply query_of($b, qr{webhooks/events$}, status => 1), { status => 'failed' },
	    'a filter is part of the address';
	$b->js('document.querySelectorAll("[data-event] summary")[1].click()');
	told($b, '.payload', qr/"ratingKey": "4711"/, 'the payload');
	press_on($b, 'Run again', '.inside');
	ok sent($b, POST => qr{events/[^/]+/replay$}), 'one event again';
	press_on($b, 'Run failed ones again');
	press_on($b, 'Run again', 'dialog');
	is sent($b, POST => qr{events/replay$})->{body}{status}, 'failed', 'all failed ones again';

	open_view($b, 'webhooks?tab=endpoints', '[data-endpoint]');
	$b->type('[name=url]', 'https://example.org/hook');
	$b->type('[name=headers]', 'Authorization: Bearer abc');
	$b->js('document.querySelector("fieldset > .check input").click()');
	$b->js('document.querySelector("[value=\"sync.failed\"]").click()');
	press_on($b, 'Add endpoint');
	told($b, '.once code', qr/^whsec_/, 'its secret, once');
	is_deeply sent($b, POST => qr{webhooks/endpoints$})->{body}, {
		url => 'https://example.org/hook', events => ['sync.failed'],
		headers => { Authorization => 'Bearer abc' } }, 'as it was chosen';
	open_view($b, 'endpoint?id=' . id(80), '[data-delivery]');
	press_on($b, 'Send a test');
	told($b, '.said.good', qr/Delivered, answered 204, 41 ms/, 'a test');
	$b->js('document.querySelectorAll("[data-delivery] summary")[1].click()');
	told($b, '[data-delivery="' . id(2) . '"]', qr/The receiver answered 500.*"Harbour"/s,
	    'a delivery, why it failed, and what is sent');
	press_on($b, 'Send again', '.inside');
	is sent($b, POST => qr{endpoints/[^/]+/replay$})->{body}{deliveryId}, id(2), 'one again';
	press_on($b, 'Send what is missing');
	press_on($b, 'Send again', 'dialog');
	$b->wait_for('the request', sub {
		return sent($b, POST => qr{endpoints/[^/]+/replay$})->{body}{missing};
	});
	pass 'what is missing';
	$b->js(<<'JS');
		const field = document.querySelector('[name=headers]');
		field.value = 'Authorization:\nX-House: one';
		field.form.requestSubmit();
JS
	is_deeply sent($b, PATCH => qr{endpoints/})->{body}{headers},
	    { Authorization => undef, 'X-House' => 'one' }, 'a header keeps what nobody sees';
	clean($b, 'webhooks');
	$b->stop;
};

subtest 'notifications' => sub {
	my $b = browser('notes', $mn);
	my $first = '[data-id="' . id(3) . '"]';

	open_view($b, 'notifications', '.notifications li');
	$b->js("document.querySelector('$first .icon-button').click()");
	$b->wait_for('it to go', sub { !$b->count($first) });
	press_on($b, 'Undo', '#toasts');
	$b->find($first);
	is $b->js('return [...document.querySelectorAll(".notifications li")].findIndex((one) => '
	    . 'one.matches(arguments[0]))', $first), 2, 'back at its place';
	ok !(grep { $_->{method} eq 'DELETE' } @{ $b->js('return window.asked') }),
	    'nothing was deleted';
	$b->js("document.querySelector('$first .icon-button').click()");
	$b->wait_for('it to go', sub { !$b->count($first) });

	$b->js('scrollTo(0, 900)');
	$b->js('document.querySelector(arguments[0]).click()',
	    '[data-id="' . id(2) . '"] a');
	$b->find('.title-head h1');
	like $b->url, qr/title\?id=\Q$title{show}\E/, 'opening one leads to the thing';
	ok sent($b, DELETE => qr{notifications/\Q${\ id(3)}\E$}), 'what was left is deleted';
	$b->js('history.back()');
	$b->find('.notifications li');
	is $b->js('return Math.round(scrollY)'), 900, 'and back to where the list was';
	is $b->count('.notifications .unread'), 1, 'one is read now';

	press_on($b, 'Unread', '.segments');
	$b->wait_for('the filter', sub {
		return (sent($b, GET => qr{/notifications$})->{query}{unread} // '') eq 'true';
	});
	pass 'only unread ones';
	open_view($b, 'preferences', '.preference');
	$b->js(<<'JS');
		const select = document.querySelector('[data-kind="library.new"] select');
		select.value = 'weekly';
		select.dispatchEvent(new Event('change'));
JS
	is_deeply sent($b, PUT => qr{preferences$})->{body}, { kinds => { 'library.new' => {
	    page => JSON::PP::true, email => 'weekly' } } }, 'a preference is saved at once';
	is_deeply $b->js(<<'JS'), [qw(alert.raised alert.cleared system.event)],
		return import('/lib/notification-words.js').then(({ kindsFor }) =>
		    kindsFor((permission) => permission === 'webhooks.manage')
			.map(([kind]) => kind)
			.filter((kind) => /^(alert|system.event|sync)/.test(kind)));
JS
	    'who manages webhooks alone is offered the alerts about them';
	clean($b, 'notifications');
	$b->stop;
};

subtest 'sign-in with Plex' => sub {
	my $b = MediaNest::Browser->start(dir => "$scratch/plex", artefacts => $artefacts);
	my $tokens = $mn->client->api(POST => '/api/auth/login',
	    { email => $mn->{email}, password => $mn->{password} })->{json};

	$b->before_load(MediaNest::FixedAnswers::script(
	    'GET /api/auth/options' => { registration => JSON::PP::false,
		passwordReset => JSON::PP::false, plex => JSON::PP::true },
	    'POST /api/auth/plex/pin' => [ 201, { id => id(9), code => 'abcd',
		url => "$mn->{url}/icon.svg", expiresAt => MediaNest::FixedHouse::in_hours(1) } ],
	    'GET /api/auth/plex/pin/*' => [ [ 200, { status => 'pending' } ], [ 200, $tokens ] ],
	));
	$b->get("$mn->{url}/");
	# a click of a person: no other opens a window
	$b->click('.card button[type=button]');
	$b->wait_for('a window', sub { @{ $b->wd(GET => '/window/handles') } == 2 });
	pass 'Plex opens in a window of its own';
	$b->find('.brand');
	is $b->count('.door'), 0, 'signed in after it was confirmed';
	$b->stop;
};

subtest 'the link of a mail that ends such mails' => sub {
	my $b = MediaNest::Browser->start(dir => "$scratch/unsubscribe", artefacts => $artefacts);

	$b->before_load(MediaNest::FixedAnswers::script(
	    'POST /api/notifications/unsubscribe' => [ 204, undef ]));
	$b->get("$mn->{url}/#/unsubscribe?token=abc");
	$b->find('.card .primary');
	is_deeply $b->js('return window.asked'), [], 'nothing is done before it is confirmed';
	$b->click('.card .primary');
	told($b, '.card', qr/You will not get these emails any more/, 'and then it is');
	is sent($b, POST => qr/unsubscribe$/)->{query}{token}, 'abc', 'by the token of the link';
	$b->stop;
};

subtest 'where nothing is set up yet' => sub {
	my $none = [ 404, { status => 404, code => 'not_found', detail => 'Nothing here.' } ];
	my $empty = { items => [], page => { limit => 25, nextCursor => undef } };
	my $b = browser('nothing', $mn, answers => [ house(
	    'GET /api/integrations/plex/servers' => $empty,
	    'GET /api/integrations/plex/syncs' => $empty,
	    'GET /api/integrations/overseerr' => $none,
	    'GET /api/integrations/overseerr/requests' => $none,
	    'GET /api/webhooks/sources' => $empty,
	    'GET /api/webhooks/endpoints' => $empty,
	    'GET /api/webhooks/events' => $empty,
	    'GET /api/notifications' => { %$empty, unread => 0 },
	) ]);

	open_view($b, 'integrations', '.guide[open]');
	like $b->text('main'), qr/Add one to fill the shelves.*With Overseerr or Jellyseerr/s,
	    'what to do first';
	open_view($b, 'requests', '.empty');
	ok !$b->seen('.ask'), 'nobody searches where nobody answers';
	like $b->text('.empty'), qr/Set up Overseerr/, 'and it says where to set it up';
	for my $view (qw(webhooks webhooks?tab=inbox webhooks?tab=endpoints notifications)) {
		open_view($b, $view, 'main h1');
		told($b, 'main', qr/No (?:source|endpoint) yet|No events|No notifications/, $view);
	}
	$b->stop;
};

done_testing;
