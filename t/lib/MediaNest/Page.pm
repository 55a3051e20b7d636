# What the tests of the page share: signing in, uploading, and how much of the page is seen.
package MediaNest::Page;

use v5.36;
use Exporter qw(import);
use File::Path qw(make_path);
use Test::More;

our @EXPORT = qw(artefacts sign_in sign_in_here upload_ready fits inside);

# Where pictures of the page go: the check's logs, or build/page.
sub artefacts ($root) {
	my $build = $ENV{MEDIANEST_DEV_BUILD} // "$root/build";
	my $dir = $ENV{MEDIANEST_TEST_LOGS} // "$build/page";

	make_path($dir);
	return $dir;
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

# Waits until the tray says so. True if the page was not reloaded: the mark on the window is there.
sub upload_ready ($b, $n, @paths) {
	$b->js('window.mark = 1');
	$b->choose_files('#picker', @paths);
	$b->find('.tray', 10);
	$b->wait_for("$n uploads to be ready",
	    sub { ($b->text('.tray strong') // '') =~ /^\Q$n\E files? ready$/ }, 90);
	return $b->js('return window.mark') == 1;
}

sub fits ($b, $where) {
	return ok $b->js(
	    'return document.documentElement.scrollWidth <= document.documentElement.clientWidth'),
	    "$where: nothing to scroll sideways";
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
