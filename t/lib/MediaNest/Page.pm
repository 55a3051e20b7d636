# What the tests of the page share: signing in, uploading, and how much of the page is seen.
package MediaNest::Page;

use v5.36;
use Exporter qw(import);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use MediaNest::Browser;
use Test::More;

our @EXPORT = qw(artefacts need_browser sign_in sign_in_here upload_ready fits inside axe
    accessible console_errors);
our @EXPORT_OK = qw(open_view told press_on sent settled leave_unasked);
our %EXPORT_TAGS = (all => [ @EXPORT, @EXPORT_OK ]);

# Where pictures of the page go: the check's logs, or build/page.
sub artefacts ($root) {
	my $build = $ENV{MEDIANEST_DEV_BUILD} // "$root/build";
	my $dir = $ENV{MEDIANEST_TEST_LOGS} // "$build/page";

	make_path($dir);
	return $dir;
}

# Without a browser the test is skipped, saying so; where CI has none, that is a fault.
sub need_browser () {
	my $missing = MediaNest::Browser::missing() or return;

	$ENV{CI} ? BAIL_OUT($missing) : plan skip_all => $missing;
	return;
}

# From the next page on, none asks whether to leave: nobody is here to answer. The listeners of a
# window are called in their order, so this one has to be the first.
sub leave_unasked ($b) {
	return $b->before_load(
	    'addEventListener("beforeunload", (e) => e.stopImmediatePropagation())');
}

sub sign_in ($b, $who) {
	$b->get("$who->{url}/");
	return sign_in_here($b, $who);
}

sub sign_in_here ($b, $who) {
	$b->type('#email', $who->{email});
	$b->type('#password', $who->{password});
	$b->click('.door button.primary');
	$b->find('.brand');
	return;
}

sub open_view ($b, $view, $css) {
	$b->js('location.hash = arguments[0]', "#/$view");
	return $b->find($css);
}

# Waits until the text of an element is like that.
sub told ($b, $css, $like, $what) {
	$b->wait_for("$css to say $like", sub { ($b->text($css) // '') =~ $like }, 15);
	return pass $what;
}

# Clicks what has this text, wherever the page is scrolled to.
sub press_on ($b, $text, $within = 'body') {
	return $b->wait_for($text, sub { $b->js(<<'JS', $text, $within) }, 15);
		const node = [...document.querySelectorAll(
		    `:is(${arguments[1]}) :is(button, a, summary)`)].find((one) =>
		    one.textContent.trim() === arguments[0] && one.getClientRects().length &&
		    !one.disabled);
		node?.click();
		return Boolean(node);
JS
}

# With MediaNest::FixedAnswers: the last that the page sent with this method to a path like that.
sub sent ($b, $method, $like) {
	return $b->wait_for("$method $like", sub {
		my @asked = grep { $_->{method} eq $method && $_->{path} =~ $like } @{
		    $b->js('return window.asked') };
		return $asked[-1];
	}, 15);
}

# Waits until the tray says so. True if the page was not reloaded: the mark on the window is there.
sub upload_ready ($b, $n, @paths) {
	$b->js('window.mark = 1');
	$b->choose_files('#picker', @paths);
	$b->find('.tray', 10);
	$b->wait_for("$n uploads to be ready",
	    sub { ($b->text('.tray strong') // '') =~ /^\Q$n\E added$/ }, 90);
	return $b->js('return window.mark') == 1;
}

sub fits ($b, $where) {
	return ok $b->js(
	    'return document.documentElement.scrollWidth <= document.documentElement.clientWidth'),
	    "$where: nothing to scroll sideways";
}

# What the console says: errors, and what the page's own policy refused; all => 1: anything at all.
# $allowed: what is expected there.
sub console_errors ($b, $allowed = undef, %with) {
	my @said = grep { defined $_->{message} } $b->console;

	@said = grep { $_->{level} eq 'SEVERE'
	    || $_->{message} =~ /Content Security Policy|Refused to/ } @said unless $with{all};
	return grep { !$allowed || $_ !~ $allowed } map { $_->{message} } @said;
}

# The text of axe-core, where npm is there to bring it.
sub axe () {
	my $dir = tempdir('mn-axe-XXXXXX', TMPDIR => 1, CLEANUP => 1);
	my $install = 'timeout 60 npm install --silent --no-save --no-audit --no-fund';
	my $npm = qx{npm --version 2>/dev/null}
	    && system("$install --prefix '$dir' axe-core\@4 >/dev/null 2>&1") == 0;
	my $text;

	if ($npm && open my $in, '<:utf8', "$dir/node_modules/axe-core/axe.min.js") {
		local $/;
		$text = <$in>;
	}
	diag 'npm or axe-core is not here: no check of accessibility' if !$text;
	return $text;
}

# Pictures fade in, and half faded they have half the contrast. What moves on for a while may.
sub settled ($b) {
	return $b->wait_for('animations to end', sub { $b->js('return document.getAnimations()'
	    . '.every((a) => a.playState !== "running" || '
	    . 'a.effect.getComputedTiming().endTime > 2500)') }, 10);
}

sub accessible ($b, $where, $axe) {
	SKIP: {
		skip 'no axe-core', 1 if !$axe;
		$b->js("if (!window.axe) { $axe\n}");
		settled($b);
		my $found = $b->js_async(<<'JS');
			const done = arguments[0];
			const bad = (v) => ['serious', 'critical'].includes(v.impact);
			const tell = (v) => `${v.id}: ${v.nodes.slice(0, 3)
			    .map((n) => `${n.html} ${n.failureSummary}`).join(' | ')}`;
			axe.run({ resultTypes: ['violations'] }).then(
			    (r) => done(r.violations.filter(bad).map(tell)),
			    (e) => done([String(e)]));
JS
		is_deeply $found, [], "$where: axe finds nothing serious";
	}
	return;
}

# Whether the whole of an element is within another one, up to a pixel.
sub inside ($b, $inner, $outer) {
	return $b->js(<<'JS', $inner, $outer);
		const box = (css) => document.querySelector(css).getBoundingClientRect();
		const [i, o] = [box(arguments[0]), box(arguments[1])];
		return i.left >= o.left - 1 && i.top >= o.top - 1 && i.right <= o.right + 1 &&
		    i.bottom <= o.bottom + 1 && i.width > 0 && i.height > 0;
JS
}

1;
