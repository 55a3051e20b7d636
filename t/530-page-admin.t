#!/usr/bin/perl
# The page's views for those who keep the house: plots, alerts, jobs, storage, processes, settings
# in words. A real stack signs the person in; metrics, alerts and jobs answer as
# MediaNest::FixedAdmin says, so that each state is there to be seen.
use v5.36;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use JSON::PP;
use MediaNest::Browser;
use MediaNest::FixedAdmin;
use MediaNest::FixedAnswers;
use MediaNest::FixedHouse qw(house);
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

sub browser ($name, $who, $answers = [ MediaNest::FixedAdmin::watched(), house() ]) {
	my $b = MediaNest::Browser->start(dir => "$scratch/$name", artefacts => $artefacts);

	$b->before_load(MediaNest::FixedAnswers::script(@$answers));
	$b->before_load(MediaNest::FixedAdmin::histories());
	sign_in($b, $who);
	return $b;
}

# Opens what is folded, wherever the page is scrolled to, whatever lies above it.
sub unfold ($b, $css) {
	return $b->js('document.querySelector(arguments[0]).click()', "$css summary");
}

sub touchable ($b, $where) {
	return is_deeply $b->js(<<'JS'), [], "$where: nothing is too small to touch";
		const high = (node) => node.getBoundingClientRect().height >= 43.5;

		return [...document.querySelectorAll('main :is(button, a, select, input, summary)')]
		    .filter((node) => node.getClientRects().length && !high(node) &&
			!node.matches('.stretched, p a, small a, dd a, th a, .grow a, ' +
			    '[type=checkbox]'))
		    .map((node) => node.outerHTML.slice(0, 160));
JS
}

# What the audit log tells.
my $someone = $mn->user(role => 'user');
$mn->client->api(POST => '/api/auth/login', { email => $someone->{email}, password => 'wrong' });
$mn->user(role => 'admin')->api(PATCH => '/api/users/'
    . $someone->api(GET => '/api/users/me')->{json}{id}, { quota => 5_000_000 });

my @views = (
	[ dashboard => '.plot-line' ],
	[ alerts => '[data-alert]' ],
	[ jobs => '[data-job]' ],
	[ storage => '[data-storage]' ],
	[ processes => '.sheet' ],
	[ settings => '.setting' ],
	[ audit => '.board li' ],
);
my $walker = browser('walk', $mn);
for my $size ([ 390, 0 ], [ 390, 1 ], [ 1280, 0 ], [ 1280, 1 ]) {
	my ($width, $dark) = @$size;
	my $name = "$width-" . ($dark ? 'dark' : 'light');

	subtest "all views, $name" => sub {
		my $b = $walker;

		$b->resize($width, 844);
		$b->prefer_dark($dark);
		for my $view (@views) {
			my ($hash, $css) = @$view;

			open_view($b, $hash, $css);
			fits($b, $hash);
			touchable($b, $hash);
			accessible($b, $hash, $axe) if $dark == ($width > 1000);
			$b->screenshot("$artefacts/admin-$name-$hash.png");
		}
		is_deeply [ console_errors($b) ], [], 'the console is clean';
	};
}

subtest 'plots' => sub {
	my $b = $walker;

	$b->resize(1280, 844);
	open_view($b, 'dashboard', '.plot-line');
	my $plots = $b->js(<<'JS');
		return [...document.querySelectorAll('.cards .panel')].filter((one) =>
		    one.querySelector('.plot-art')).map((one) => [one.ariaLabel,
		    one.querySelectorAll('.plot-line').length,
		    one.querySelectorAll('.plot-limit').length]);
JS
	is_deeply $plots, [ [ 'Response time', 3, 1 ], [ 'Database', 1, 1 ],
	    [ 'Cache hits', 1, 1 ], [ 'Errors', 1, 1 ],
	    [ 'Queue', 1, 0 ], [ 'Storage', 1, 0 ], [ 'Requests', 1, 0 ] ],
	    'lines, and limits where there are some';
	like $b->text('[aria-label="Cache hits"] .card-head'), qr/\d+(?:\.\d)?%.*/s,
	    'the value of now';
	is $b->js('return document.querySelector(".plot-line.n0").getAttribute("d").match(/M/g)'
	    . '.length'), 2, 'what was not measured is a gap';
	$b->js('document.querySelector(".plot").focus()');
	my $said = sub { $b->js('return document.querySelector(".plot").getAttribute('
	    . '"aria-valuetext")') };
	my $now = $said->();
	like $now, qr/p95 \d+(?:\.\d)? ms, Median/, 'a moment is told in words';
	$b->press('ArrowLeft');
	isnt $said->(), $now, 'the keyboard goes to another';
	like $b->text('.plot-said'), qr/p95/, 'which is shown';
	press_on($b, 'Table', '.cards .panel:first-child');
	cmp_ok $b->count('.plot-table tbody tr'), '>', 50, 'and all of them are in a table';
	press_on($b, 'Week', '.segments');
	$b->wait_for('the week', sub {
		sent($b, GET => qr{metrics/summary$})->{query}{window} eq '1d' });
	pass 'another range is asked for';
	like $b->text('.strip'), qr/^\s*$/, 'syncs are a strip';
	cmp_ok $b->count('.strip li'), '>=', 2, 'of runs';
	is_deeply $b->js(<<'JS'), [], 'each of which says when it was and how it ended';
		return [...document.querySelectorAll('.strip li')].filter((one) =>
		    !/, .*\S/.test(one.querySelector('a')?.getAttribute('aria-label') ?? ''))
		    .map((one) => one.outerHTML);
JS
	press_on($b, 'Acknowledge');
	like sent($b, POST => qr/acknowledge/)->{path}, qr{/admin/alerts/[^/]+/acknowledge$},
	    'an alert is acknowledged';
};

subtest 'jobs' => sub {
	my $b = $walker;

	open_view($b, 'jobs', '[data-job]');
	told($b, '[data-state=done]', qr/10,000\+/, 'counts that go no further say so');
	press_on($b, 'Retry all', '[data-kind="mail.send"]');
	is_deeply sent($b, POST => qr{jobs/retry$})->{body},
	    { state => 'dead', kind => 'mail.send' }, 'all of a kind are tried again';
	press_on($b, 'Try all again', '[aria-label="Could not be read"]');
	is_deeply sent($b, POST => qr{failures/retry$})->{body}, {},
	    'all that could not be read too';
	my $dead = '[data-job]:nth-child(2)';
	unfold($b, $dead);
	like $b->text("$dead .facts-list"), qr/Connection refused/, 'a dead letter says why';
	press_on($b, 'Try again', $dead);
	told($b, "$dead .pill.on", qr/Waiting/, 'and waits when it is tried again');
	press_on($b, 'Discard', $dead);
	press_on($b, 'Discard', 'dialog[open]');
	sent($b, DELETE => qr{/api/admin/jobs/});
	is $b->count('[data-job]'), 11, 'a discarded one is gone';
	$b->js('document.querySelector(".segments [data-state=dead]").click()');
	$b->wait_for('the filter', sub {
		(sent($b, GET => qr{jobs$})->{query}{state} // '') eq 'dead' });
	pass 'a tab filters';
	$b->js(<<'JS');
		const of = [...document.querySelectorAll('main select')].find((one) =>
		    [...one.options].some((option) => option.value === 'mail'));
		of.value = 'mail';
		of.dispatchEvent(new Event('change'));
JS
	$b->wait_for('the queue', sub {
		(sent($b, GET => qr{jobs$})->{query}{queue} // '') eq 'mail' });
	pass 'so does a queue';
};

subtest 'the audit log' => sub {
	my $b = $walker;

	open_view($b, 'audit', '.board li');
	told($b, '.board', qr/failed to sign in as/, 'has failed sign-ins');
	told($b, '.board', qr/changed the account of .+quota/, 'and what was changed, in words');
};

subtest 'quotas' => sub {
	my $b = $walker;

	open_view($b, 'storage', '[data-storage]');
	my $row = '[data-storage]:first-child';
	unfold($b, $row);
	$b->js('const s = document.querySelector(arguments[0]); s.value = "own"; '
	    . 's.dispatchEvent(new Event("change"))', "$row select");
	$b->type("$row input", '250');
	press_on($b, 'Save', $row);
	is_deeply sent($b, PATCH => qr{/users/})->{body}, { quota => 250_000_000_000 },
	    'are set in GB';
	told($b, "$row summary", qr/of 250 GB/, 'and shown');
};
$walker->stop;

subtest 'settings in words' => sub {
	my $b = browser('settings', $mn, []);
	my $settings = $mn->user(role => 'super')->api(GET => '/api/admin/settings')->{json}{items};
	my @live = map { $_->{key} } grep { $_->{live} } @$settings;

	open_view($b, 'settings', '.setting');
	is_deeply $b->js_async(<<'JS', \@live), [], 'every live setting has words';
		const [keys, done] = arguments;
		import('/lib/setting-words.js').then(({ settingWords }) =>
		    done(keys.filter((key) => settingWords(key).text === key)));
JS
	my $groups = $b->js_async(<<'JS');
		const done = arguments[0];
		import('/lib/setting-words.js').then(({ settingWords }) => {
			const panels = [...document.querySelectorAll('.panel')].filter((one) =>
			    one.querySelector('.setting'));
			const keys = (one) => [...one.querySelectorAll('.key')].map((key) =>
			    key.textContent);
			done({ names: panels.map((one) => one.querySelector('h2').textContent),
			    labels: panels.map((one) => one.ariaLabel),
			    n: panels.flatMap(keys).length,
			    astray: panels.flatMap((one) => keys(one).filter((key) =>
				settingWords(key).group !== one.ariaLabel)) });
		});
JS
	cmp_ok scalar @{ $groups->{names} }, '>=', 4, 'settings are in groups';
	is_deeply $groups->{names}, $groups->{labels}, 'with headings';
	is $groups->{n}, scalar @$settings, 'all of them';
	is_deeply $groups->{astray}, [], 'and each is in its own';
	$b->type('.settings-find input', 'searches a minute');
	$b->wait_for('one setting', sub { $b->js('return [...document.querySelectorAll('
	    . '".setting")].filter((s) => s.getClientRects().length).length') == 1 });
	like $b->text('.settings-find [role=status]'), qr/^1 setting$/,
	    'the search finds it by words';
	like $b->js('return [...document.querySelectorAll(".setting")].find((s) => '
	    . 's.getClientRects().length).textContent'), qr/rate_limit\.class\.search\.per_minute/,
	    'the key is beside them';
	$b->type('.settings-find input', ' nothing like that');
	told($b, '.empty:not([hidden])', qr/No matches/, 'and says when there is nothing');
	$b->stop;
};

subtest 'what a person sees of it' => sub {
	my $person = $mn->user(role => 'user');
	$mn->psql("UPDATE users SET quota_bytes = 5000000 WHERE email = '$person->{email}'");
	my $b = browser('person', $person, []);

	open_view($b, 'you', '[aria-label=Storage]');
	told($b, '[aria-label=Storage] .figure', qr/of 5 MB/, 'their own quota');
	is $b->count('.menu a[href="#/dashboard"]'), 0, 'and no dashboard';
	$b->stop;
};

done_testing;
