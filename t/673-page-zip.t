#!/usr/bin/perl
# Downloads of many items in the page: progress in a corner, over navigation and reload, and then
# the browser's own download.
use v5.36;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Browser;
use MediaNest::Media;
use MediaNest::Page qw(:all);
use MediaNest::S3;
use MediaNest::Test;
use Test::More;

use constant SHOWN_SECONDS => 40; # on a machine that runs other tests too

once_is_enough();
my $artefacts = artefacts("$FindBin::Bin/..");

need_browser();

my $mn = MediaNest::Test->stack(private => 1, set => { 'worker.poll' => 100 }); # stops the worker
my $make = MediaNest::Media->new;
my $s3 = MediaNest::S3->new($mn);
my $bucket = $mn->{status}{storageBucket} // 'medianest';
my $ann = $mn->user(role => 'admin');
my $axe = axe();

sub item ($n) {
	my ($id, $lease) = split /\|/, $mn->psql('SELECT gen_random_uuid(), gen_random_uuid()');

	is $s3->request(PUT => "/$bucket/original/$id/$lease", body => "bytes $n")->{status}, 200,
	    "item $n";
	$mn->psql("INSERT INTO media (id, owner_id, kind, title, filename, status, content_type, "
	    . "taken_at, size, object_key) VALUES ('$id', '$ann->{id}', 'image', 'Item $n', "
	    . "'item $n.jpg', 'ready', 'image/jpeg', '2020-01-01'::timestamptz - $n * interval "
	    . "'1 hour', 7, 'original/$id/$lease')");
	return $id;
}

sub go ($b, $hash) { return $b->js('location.hash = arguments[0]', $hash) }

sub select_items ($b, @names) {
	for my $name (@names) {
		$b->wait_for($name, sub { $b->js(<<'JS', $name) });
			const tick = [...document.querySelectorAll('.tick')].find((one) =>
			    one.getAttribute('aria-label') === `Select ${arguments[0]}`);
			tick?.click();
			return Boolean(tick);
JS
	}
	return;
}

# Files that the browser has saved.
sub saved ($b) { return grep { !/crdownload$/ } glob "$b->{dir}/files/*" }

sub names_in ($b, $file) {
	my ($path) = grep { /\Q$file\E/ } saved($b);
	return join ' ', sort split /\n/, MediaNest::Test::run_output('unzip', '-Z1', $path);
}

# Downloads that are not there any more, by the list of the API.
sub none () { return !@{ $ann->api(GET => '/api/media/downloads')->{json}{items} } }

my @item = map { item($_) } 1 .. 3;

for my $look ([ 1280, 0 ], [ 390, 1 ]) {
	my ($width, $dark) = @$look;

	subtest "$width px, " . ($dark ? 'dark' : 'light') => sub {
		my $b = MediaNest::Browser->start(dir => $make->path("browser-$width"),
		    artefacts => $artefacts, width => $width, height => 800, dark => $dark);

		mkdir "$b->{dir}/files";
		$b->cdp('Browser.setDownloadBehavior', { behavior => 'allow',
		    downloadPath => "$b->{dir}/files" });
		sign_in($b, $ann);
		select_items($b, 'Item 1', 'Item 3');
		$b->click('.selection-bar [aria-label=Download]');
		$b->wait_for('the file', sub { saved($b) }, SHOWN_SECONDS);
		like((saved($b))[0], qr{/MediaNest \d{4}-\d\d-\d\d\.zip$}, 'the browser saves it');
		is names_in($b, '.zip'), 'item 1.jpg item 3.jpg', 'with both items';
		told($b, '.downloads', qr/MediaNest \d{4}.*\d+ bytes/, 'the corner has it');
		accessible($b, "a download, $width px", $axe);
		fits($b, "a download, $width px");
		$b->screenshot("$artefacts/zip-ready-$width.png");
		$b->click('.downloads [aria-label^=Remove]');
		$b->wait_for('an empty corner', sub { $b->count('.downloads') == 0 });
		ok wait_until(\&none, SHOWN_SECONDS), 'removed from the server too';

		unlink saved($b);
		$mn->stop_part('worker');
		$b->press('Escape');
		select_items($b, 'Item 1', 'Item 2');
		$b->click('.selection-bar [aria-label=Download]');
		told($b, '.downloads', qr/Preparing 1 download.*2 items: waiting/s, 'it waits');
		go($b, '#/trash');
		told($b, 'main', qr/The trash is empty/, 'elsewhere');
		told($b, '.downloads', qr/Preparing 1 download/, 'it is still there');
		$b->reload;
		told($b, '.downloads', qr/Preparing 1 download/, '... and after a reload');
		accessible($b, "one that is being made, $width px", $axe);
		$b->screenshot("$artefacts/zip-waiting-$width.png");
		$b->click('.downloads [aria-label="Close downloads"]');
		is $b->count('.downloads'), 0, 'closed';
		$mn->start_part('worker');
		told($b, '#toasts', qr/is ready/, 'a message says that it is ready');
		is scalar(saved($b)), 0, 'what another page began is not saved by itself';
		press_on($b, 'Show', '#toasts');
		$b->click('.downloads [aria-label^="Download MediaNest"]');
		$b->wait_for('the file', sub { saved($b) }, SHOWN_SECONDS);
		is names_in($b, '.zip'), 'item 1.jpg item 2.jpg', 'saved when asked for';
		$b->click('.downloads [aria-label^=Remove]');

		$mn->stop_part('worker');
		go($b, '#/');
		select_items($b, 'Item 2', 'Item 3');
		$b->click('.selection-bar [aria-label=Download]');
		told($b, '.downloads', qr/Preparing 1 download/, 'another one');
		$b->js('document.querySelector(".downloads [aria-label^=Cancel]").focus()');
		$b->press('Enter');
		$b->wait_for('an empty corner', sub { $b->count('.downloads') == 0 });
		ok wait_until(\&none, SHOWN_SECONDS), 'cancelled by the keyboard';
		$mn->start_part('worker');
		is_deeply [ console_errors($b) ], [], 'no errors';
		$b->stop;
	};
}

subtest 'one item, an album, and what is left out' => sub {
	my $b = MediaNest::Browser->start(dir => $make->path('browser-album'),
	    artefacts => $artefacts);
	my $album = $ann->api(POST => '/api/media/collections', { title => 'By the sea',
	    items => [ @item[0, 1] ] })->{json}{id};

	mkdir "$b->{dir}/files";
	$b->cdp('Browser.setDownloadBehavior', { behavior => 'allow',
	    downloadPath => "$b->{dir}/files" });
	sign_in($b, $ann);
	select_items($b, 'Item 2');
	$b->click('.selection-bar [aria-label=Download]');
	$b->wait_for('the file', sub { saved($b) }, SHOWN_SECONDS);
	like((saved($b))[0], qr{/item 2\.jpg$}, 'one item is its file');
	is $b->count('.downloads'), 0, '... and no archive';
	unlink saved($b);
	$mn->psql("UPDATE media SET size = 9 WHERE id = '$item[1]'");
	go($b, "#/album?id=$album");
	press_on($b, 'Download', '.album-head');
	$b->wait_for('the file', sub { saved($b) }, SHOWN_SECONDS);
	like((saved($b))[0], qr{/By the sea\.zip$}, 'an album is named as it is');
	is names_in($b, '.zip'), 'By the sea/Left out.txt By the sea/item 1.jpg', 'a folder';
	told($b, '.downloads', qr/1 item left out/, 'the corner says what is missing');
	accessible($b, 'an album', $axe);
	is_deeply [ console_errors($b) ], [], 'no errors';
	$b->stop;
};

subtest 'an archive that holds what one may not have any more' => sub {
	my $b = MediaNest::Browser->start(dir => $make->path('browser-outdated'),
	    artefacts => $artefacts);
	my $made = $ann->api(POST => '/api/media/downloads', { ids => [ @item[0, 2] ] })->{json};

	wait_until { $mn->psql("SELECT count(*) FROM notifications WHERE kind = 'download.ready'
	    AND data->>'downloadId' = '$made->{id}'") == 1 } SHOWN_SECONDS, 'a note of it';
	sign_in($b, $ann);
	go($b, '#/notifications?kind=download.ready');
	told($b, '.notifications', qr/^Your download of 2 items is ready/, 'it says what there is');
	$b->click('.notifications li a');
	told($b, '.downloads', qr/MediaNest /, 'a note leads to it');
	$mn->psql("UPDATE media SET status = 'trashed', trashed_from = status, trashed_at = now()"
	    . " WHERE id = '$item[2]'");
	$b->click('.downloads [aria-label^="Download MediaNest"]');
	told($b, '.downloads', qr/no longer have all items.*Make it again/, 'the page says so');
	for my $size ([ 390, 844 ], [ 1280, 900 ]) {
		$b->resize(@$size);
		fits($b, "outdated, $size->[0] px");
		accessible($b, "outdated, $size->[0] px", $axe);
		$b->screenshot("$artefacts/zip-outdated-$size->[0].png");
	}
	press_on($b, 'Make it again', '.downloads');
	$b->wait_for('the rest', sub {
		my @now = @{ $ann->api(GET => '/api/media/downloads')->{json}{items} };

		return !grep({ $_->{id} eq $made->{id} } @now) &&
		    grep { $_->{status} eq 'ready' && $_->{items} == 1 } @now;
	}, SHOWN_SECONDS);
	pass 'made again, in its place';
	$mn->psql("UPDATE media SET status = trashed_from, trashed_from = NULL, trashed_at = NULL"
	    . " WHERE id = '$item[2]'");
	is_deeply [ console_errors($b, qr/status of 410/, all => 1) ], [], 'no errors';
	$b->stop;
};

subtest 'many at once' => sub {
	my $b = MediaNest::Browser->start(dir => $make->path('browser-many'),
	    artefacts => $artefacts);
	my $asked = sub ($path) { return $b->js(<<'JS', $path) };
		return performance.getEntriesByType('resource').filter(({ name }) =>
		    new URL(name).pathname.startsWith(arguments[0])).length;
JS

	sign_in($b, $ann);
	$b->wait_for('the items', sub { $b->count('.tick') == 3 });
	select_items($b, map { "Item $_" } 1 .. 3);
	$b->wait_for('a selection', sub { $b->seen('.selection-bar') });
	$b->click('.selection-bar [aria-label=Favourite]');
	$b->wait_for('hearts', sub { $b->count('.badge.loved') == 3 });
	is $asked->('/api/media/bulk'), 1, 'marked by one request';
	select_items($b, map { "Item $_" } 1 .. 3);
	$b->wait_for('a selection', sub { $b->seen('.selection-bar') });
	$b->click('.selection-bar [aria-label="Move to trash"]');
	told($b, '#toasts', qr/3 items moved to trash/, 'moved');
	is $asked->('/api/media/bulk'), 2, '... by one request';
	$b->wait_for('an empty library', sub { $b->count('.tick') == 0 });
	go($b, '#/trash');
	press_on($b, 'Empty trash', 'main');
	press_on($b, 'Empty trash', 'dialog');
	told($b, '#toasts', qr/3 items deleted/, 'deleted');
	told($b, 'main', qr/The trash is empty/, 'nothing is left');
	is $asked->('/api/media/trash/empty'), 1, 'by one request';
	is_deeply [ console_errors($b) ], [], 'no errors';
	$b->stop;
};

done_testing;
