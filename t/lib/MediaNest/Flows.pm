# Goes through a flow of the page as tests of all of them want it: what is there is looked at in
# each size and theme, and reached by the keyboard alone.
package MediaNest::Flows;

use v5.36;
use Exporter qw(import);
use JSON::PP;
use MediaNest::Page qw(:all);
use Test::More;

our @EXPORT = qw(looked_at focus_on press_at gone count_changes pressed_twice);

use constant {
	TABS_MAX => 70, # from the beginning of the view to anything in it
	HEIGHT => 844,
	LOOKS => [ [ 390, 0 ], [ 390, 1 ], [ 1280, 1 ], [ 1280, 0 ] ],
};

# Runs in the page: what a person would find wrong, as a list of words. Phones have targets of 44
# pixels, where they are not words in a sentence.
my $LOOK = <<'JS';
	const [phone, exempt] = arguments;
	const found = [];
	const root = document.documentElement;
	/* what is only spoken has no room */
	const shown = (node) => node.checkVisibility({ opacityProperty: true,
	    visibilityProperty: true }) && node.getBoundingClientRect().width > 1;
	const top = [...document.querySelectorAll('dialog[open], .slideshow, .lightbox')].at(-1) ??
	    document.body;
	const name = (node) => `${node.tagName.toLowerCase()}.${node.className} ` +
	    `"${(node.ariaLabel ?? node.textContent).trim().slice(0, 50)}"`;
	const tell = (what, node, more = '') => found.push(`${what}: ${name(node)} ${more}`);

	for (const node of [root, ...document.querySelectorAll('dialog[open], dialog[open] form, ' +
	    '.card, .panel, .details')])
		if (shown(node) && node.scrollWidth > node.clientWidth + 1)
			tell(`${node.scrollWidth - node.clientWidth} px too wide`, node);
	for (const node of top.querySelectorAll('button, a, select, input, summary, textarea')) {
		if (!shown(node) || node.closest('[inert], [aria-hidden=true]'))
			continue;
		const { width, height } = node.getBoundingClientRect();
		const label = node.closest('label')?.getBoundingClientRect();
		const high = Math.max(height, label?.height ?? 0);
		const wide = Math.max(width, label?.width ?? 0);
		if (phone && (high < 43.5 || wide < 43.5) && !node.matches(exempt))
			tell('small', node, `${Math.round(wide)}x${Math.round(high)}`);
		if (node.matches('button, a, summary') && !node.matches('.skip') &&
		    node.scrollWidth > node.clientWidth + 1 && node.clientWidth &&
		    !/visible|clip/.test(getComputedStyle(node).overflowX))
			tell('cut off', node);
	}
	/* words that end at an edge of the screen, or of a box that does not scroll */
	const walk = document.createTreeWalker(top, NodeFilter.SHOW_TEXT);
	while (walk.nextNode()) {
		const { currentNode: text } = walk;
		const parent = text.parentElement;
		if (!text.data.trim() || !shown(parent) ||
		    parent.closest('script, style, option, ' +
		    'datalist, svg, .unseen, .hidden-title, [inert], .skip'))
			continue;
		const range = document.createRange();
		range.selectNodeContents(text);
		const lines = [...range.getClientRects()];
		if (lines.length > 3 && Math.max(...lines.map(({ width }) => width)) < 24)
			tell('one letter a line', parent);
		for (const box of range.getClientRects()) {
			if (box.width < 2)
				continue;
			let over = null;
			let all = parent;
			for (; all && all !== document.body; all = all.parentElement) {
				const style = getComputedStyle(all);
				if (/auto|scroll/.test(style.overflowX) ||
				    style.textOverflow === 'ellipsis')
					break;
				const edge = all.getBoundingClientRect();
				if (/hidden|clip/.test(style.overflowX) && edge.width > 2 &&
				    (box.right > edge.right + 1.5 || box.left < edge.left - 1.5)) {
					over = all;
					break;
				}
			}
			if (over)
				tell('words cut off', parent, `by ${name(over).slice(0, 40)}`);
			else if (all === document.body && (box.right > innerWidth + 1 ||
			    box.left < -1))
				tell('words off the screen', parent);
			if (over)
				break;
		}
	}
	/* words over words: siblings in one row */
	for (const row of top.querySelectorAll('nav, .toolbar, .segments, .line, .selection-bar')) {
		const words = [...row.querySelectorAll('*')].filter((node) => shown(node) &&
		    [...node.childNodes].some((one) => one.nodeType === 3 && one.data.trim()) &&
		    !node.closest('.unseen, option, select'))
		    .map((node) => {
			const range = document.createRange();
			range.selectNodeContents([...node.childNodes].find((one) =>
			    one.nodeType === 3 && one.data.trim()));
			return [node, range.getBoundingClientRect()];
		});
		words.forEach(([a, one], i) => words.slice(i + 1).forEach(([b, other]) => {
			const across = Math.min(one.right, other.right) -
			    Math.max(one.left, other.left);
			const down = Math.min(one.bottom, other.bottom) -
			    Math.max(one.top, other.top);
			if (across > 1 && down > 4 && !a.contains(b) && !b.contains(a))
				tell('words over words', a, `and ${name(b)}`);
		}));
	}
	return [...new Set(found)];
JS

# What may be smaller than a finger: words in a sentence, and boxes whose row can be touched.
my $EXEMPT = join ', ', '.stretched', 'p a', 'small a', 'dd a', 'th a', '.grow a', 'td *',
    '[type=checkbox]', '[type=radio]', '[type=range]', '[type=file]', '.skip', '.facts a',
    '.map-sources a', '.tick', '.scrubber *';

sub shot_name ($text) { return $text =~ s/\W+/-/gr }

# Looks at what is shown in each size and theme. shots: where pictures of it go.
sub looked_at ($b, $name, $axe, $shots) {
	for my $look (@{ LOOKS() }) {
		my ($width, $dark) = @$look;
		my $where = "$name, $width px" . ($dark ? ', dark' : '');

		$b->resize($width, HEIGHT);
		$b->prefer_dark($dark);
		settled($b);
		my $found = $b->js($LOOK, $width < 500 ? JSON::PP::true : JSON::PP::false, $EXEMPT);
		ok !@$found, "$where: nothing is cut off, covered or too small"
		    or diag join "\n", @$found;
		# each width and each theme once
		next if $dark != ($width > 1000);
		accessible($b, $where, $axe);
		$b->screenshot("$shots/flow-" . shot_name($name) . "-$width.png");
	}
	return;
}

# Goes to what the selector says with Tab alone, and returns what had the focus on the way without
# showing it.
sub focus_on ($b, $css, $from = '#main') {
	$b->js('document.querySelector(arguments[0])?.focus()', $from) if $from;
	my @unseen;

	for (1 .. TABS_MAX) {
		my ($there, $fault) = @{ $b->js(<<'JS', $css) };
			const node = document.activeElement;
			const ring = (one, pseudo) => {
				const style = getComputedStyle(one, pseudo);
				return style.outlineStyle !== 'none' &&
				    parseFloat(style.outlineWidth) > 0;
			};
			/* a field shows it by its caret and its frame */
			const seen = node === document.body || ring(node) ||
			    ring(node, '::after') ||
			    (node.parentElement && ring(node.parentElement)) ||
			    node.closest('.search-box, label') !== null ||
			    node.matches('main, h1, h2, iframe');
			return [node.matches(arguments[0]),
			    seen ? null : node.outerHTML.slice(0, 120)];
JS
		push @unseen, $fault if defined $fault;
		return \@unseen if $there;
		$b->press('Tab');
	}
	die "Tab does not lead to $css\n";
}

# Reaches it by Tab and presses Enter.
sub press_at ($b, $css, $from = '#main') {
	my $unseen = focus_on($b, $css, $from);

	is_deeply $unseen, [], "the focus is seen on the way to $css";
	return $b->press('Enter');
}

# Fetches that change something are counted and never end.
sub count_changes ($b) {
	return $b->js(<<'JS');
		const real = window.fetch;
		window.changes = [];
		window.fetch = (where, init = {}) => {
			if (!init.method || init.method === 'GET')
				return real(where, init);
			window.changes.push(`${init.method} ${new URL(where,
			    location.origin).pathname}`);
			return new Promise(() => {});
		};
JS
}

# Presses it twice, as fast as anybody can, and returns what was sent.
sub pressed_twice ($b, $css) {
	$b->js('const node = document.querySelector(arguments[0]); node.click(); node.click();'
	    . 'requestAnimationFrame(() => { node.click(); })', $css);
	$b->wait_for('something to be sent', sub { $b->js('return window.changes.length') }, 10);
	$b->js_async('requestAnimationFrame(() => setTimeout(arguments[0], 50))');
	return $b->js('return window.changes');
}

sub gone ($b, $css) {
	$b->wait_for("no $css", sub { !$b->seen($css) });
	return 1;
}

1;
