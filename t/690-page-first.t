#!/usr/bin/perl
# What the page asks for before its code is there: one new token, one list, the first pictures, each
# once; and that whatever becomes of these, or of the session meanwhile, is as without them.
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
my $artefacts = artefacts("$FindBin::Bin/..");

need_browser();

use constant ROWS => 7000;

my $mn = MediaNest::Test->stack(private => 1); # no items of other tests
my $make = MediaNest::Media->new;
my $ann = $mn->user(role => 'user');
my @photos = map {
	my $source = sprintf 'color=c=0x%06x:s=640x420', 0x336699 + 65536 * $_;
	$ann->upload_file($make->picture("p$_.jpg", size => '640x420', source => $source),
	    'image/jpeg')->{id}
} 1 .. 4;
$ann->wait_media($_) for @photos;

my $b = MediaNest::Browser->start(dir => $make->path('browser'), artefacts => $artefacts,
    width => 390, height => 844);

# How often the page has asked for each: {refresh, months, list, pictures => the most of one,
# shown => of how many}.
sub asked ($b) {
	return $b->js(<<'JS');
		const all = performance.getEntriesByType('resource').map((one) =>
		    ({ url: new URL(one.name) }));
		const of = (path) => all.filter(({ url }) => url.pathname === path);
		const pictures = Object.values(Object.groupBy(all.filter(({ url }) =>
		    /\/derived\//.test(url.pathname)), ({ url }) => url.href));
		return {
			refresh: of('/api/auth/refresh').length,
			months: of('/api/media/months').length,
			list: of('/api/media').filter(({ url }) =>
			    /sort=taken/.test(url.search)).length,
			pictures: Math.max(...pictures.map((same) => same.length)),
			shown: pictures.length,
		};
JS
}

sub loaded ($b, $n = 4) {
	return $b->wait_for("$n pictures", sub { $b->count('.tile img.loaded') == $n });
}

my $kept = sub { $b->js('return localStorage["medianest.refresh"] ?? null') };

subtest 'who is not signed in' => sub {
	$b->get("$mn->{url}/");
	$b->find('#email');
	is asked($b)->{refresh}, 0, 'has nothing to renew';
	sign_in_here($b, $ann);
	loaded($b);
	$b->reload; # the page begins again once, with the time zone that it has told
	$b->wait_for('who that is',
	    sub { $b->js('return localStorage["medianest.me"]') =~ /Zone/ });
	loaded($b);
};

subtest 'who is' => sub {
	my $before = $kept->();

	$b->reload;
	loaded($b);
	is_deeply asked($b), { refresh => 1, months => 1, list => 1, pictures => 1, shown => 4 },
	    'all is asked for once';
	isnt $kept->(), $before, 'the token is the new one';
	for my $n (1 .. 3) {
		$b->reload;
		loaded($b);
		is asked($b)->{refresh}, 1, "and again ($n)";
	}
	$b->block('*/app.js');
	$b->reload;
	$b->wait_for('pictures', sub { asked($b)->{shown} == 3 });
	is_deeply asked($b), { refresh => 1, months => 1, list => 1, pictures => 1, shown => 3 },
	    'before the code is there';
	$b->block;
	$b->reload;
	loaded($b);
};

subtest 'tabs that open at once' => sub {
	my $tab = $b->wd(GET => '/window');

	$b->js('for (let i = 0; i < 4; i++) open(location.href, `tab${i}`)');
	my @tabs = grep { $_ ne $tab } @{ $b->wd(GET => '/window/handles') };
	is @tabs, 4, 'four of them';
	for my $one (@tabs) {
		$b->wd(POST => '/window', { handle => $one });
		loaded($b);
		is asked($b)->{refresh}, 1, 'one renewal for each';
		$b->reload;
		loaded($b);
		pass 'the session is still good';
		$b->wd(DELETE => '/window');
	}
	$b->wd(POST => '/window', { handle => $tab });
	$b->reload;
	loaded($b);
	is_deeply [ console_errors($b) ], [], 'the console is clean';
};

subtest 'other places' => sub {
	$b->get('about:blank');
	$b->get("$mn->{url}/#/trash");
	$b->find('#main h1');
	is asked($b)->{list}, 0, 'another view does not ask for the library';
	$b->get('about:blank');
	$b->get("$mn->{url}/#/?only=favorites");
	$b->find('.empty');
	is asked($b)->{list}, 1, 'nor does a part of it';
};

# Runs in the page before all else, until the next call.
my $script;
sub before ($b, $text) {
	$b->cdp('Page.removeScriptToEvaluateOnNewDocument', { identifier => $script }) if $script;
	$script = $text && $b->before_load($text)->{identifier};
	$b->get('about:blank');
	return $b->get("$mn->{url}/");
}

# Wraps fetch: what happens once an answer to the first renewal has come.
sub upon ($what) {
	return <<"JS";
		const real = fetch;
		window.fetch = async (...request) => {
			const answer = await real(...request);
			if (!/refresh/.test(request[0]?.href ?? request[0]) || window.once)
				return answer;
			window.once = true;
			$what
		};
JS
}

subtest 'what is not used' => sub {
	before($b, 'Object.defineProperty(window, "early", { set() {} })');
	loaded($b);
	is_deeply [ @{ asked($b) }{qw(refresh months list)} ], [ 2, 2, 2 ],
	    'the code asks itself where it finds nothing';
	before($b, upon('return new Response("{}", { status: 503 });'));
	loaded($b);
	is asked($b)->{list}, 1, '... and where the server could not tell';
	before($b, upon('throw new TypeError("cut off");'));
	loaded($b);
	pass '... and where the connection broke';
	# Another tab of the session has renewed it before the code took this one over.
	before($b, upon(<<'JS'));
		const other = await real('/api/auth/refresh', { method: 'POST',
		    headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({
			refreshToken: (await answer.clone().json()).refreshToken }) });
		localStorage['medianest.refresh'] = (await other.json()).refreshToken;
		return answer;
JS
	loaded($b);
	is_deeply [ @{ asked($b) }{qw(refresh list)} ], [ 2, 1 ],
	    'what another tab did since is no reason to ask again';
	before($b, '');
	loaded($b);
	is asked($b)->{refresh}, 1, 'the session lives on';
};

subtest 'who is signed out meanwhile' => sub {
	before($b, upon('delete localStorage["medianest.refresh"]; return answer;'));
	$b->find('#email');
	is $kept->(), undef, 'stays so';
	$b->js('localStorage["medianest.refresh"] = "of another house"');
	before($b, '');
	$b->find('#email');
	is $kept->(), undef, 'a token that the server refuses is forgotten';
};

subtest 'all of many' => sub {
	my $tom = $mn->user(role => 'user');
	my $toms = $tom->api(GET => '/api/auth/session')->{json}{user}{id};

	# more than a page of ids; of the videos more than the page loads
	$mn->psql(<<"SQL");
INSERT INTO media (id, owner_id, kind, title, status, content_type, width, height, created_at,
	taken_at, taken_local)
SELECT gen_random_uuid(), '$toms', CASE WHEN n % 10 = 0 THEN 'video' ELSE 'image' END, 'Row ' || n,
	'ready', 'image/jpeg', 4000, 3000, at, at, at AT TIME ZONE 'UTC'
FROM (SELECT n, '2020-01-01'::timestamptz - n * interval '3 hours' AS at
	FROM generate_series(1, @{[ ROWS ]}) n) t
SQL
	$b->get('about:blank');
	sign_in($b, $tom);
	my $all = sub {
		$b->wait_for('tiles', sub { $b->count('.tile') > 5 });
		$b->js(<<'JS');
			performance.clearResourceTimings();
			document.querySelector('.tile-link').focus();
			document.activeElement.dispatchEvent(new KeyboardEvent('keydown',
			    { key: 'a', ctrlKey: true, bubbles: true, cancelable: true }));
JS
	};
	my $of = sub ($path) { $b->js(<<'JS', $path) };
		return performance.getEntriesByType('resource').filter((one) =>
		    new URL(one.name).pathname === arguments[0]).length;
JS
	$all->();
	told($b, '.selection-bar strong', qr/^7,000 items selected$/, 'all of them');
	is $of->('/api/media/ids'), 2, 'in two requests';
	cmp_ok $of->('/api/media'), '<', 3, 'without loading the items';
	is $b->js('return document.querySelectorAll(".tile:not(.selected)").length'), 0,
	    'what is seen shows it';
	$b->js('scrollTo(0, document.body.scrollHeight / 2)');
	$b->wait_for('what comes into view is selected', sub {
		$b->count('.tile.selected') > 5 && !$b->count('.tile:not(.selected)') });
	$b->press('Escape');
	ok !$b->seen('.selection-bar'), 'Escape selects nothing';
	is $b->count('.tile.selected'), 0, 'nothing at all';

	open_view($b, '?kind=video', '.tile');
	$all->();
	told($b, '.selection-bar strong', qr/^700 items selected$/, 'all videos');
	ok $b->seen('.selection-bar [aria-label="Move to trash"]'), 'that one may delete';
	$b->click('.selection-bar [aria-label="More actions"]');
	press_on($b, 'Archive', '.bulk-menu');
	told($b, '#toasts', qr/700 items archived/, 'what is done is done with all of them');
	is $mn->psql("SELECT count(*), count(*) FILTER (WHERE m.kind = 'video')"
	    . ' FROM media_archived k JOIN media m ON m.id = k.media_id'
	    . " WHERE k.user_id = '$toms'"), '700|700',
	    'and with no other';
	$b->find('.empty');
	pass 'the library knows that they have left';
	press_on($b, 'Undo', '#toasts');
	$b->find('.tile');
	$b->wait_for('all to be back', sub { $mn->psql(
	    "SELECT count(*) FROM media_archived WHERE user_id = '$toms'") == 0 });
	is_deeply [ console_errors($b, qr/401/) ], [], 'the console is clean';
};

$b->stop;

done_testing;
