#!/usr/bin/perl
# The tray in a real Chromium: what was interrupted goes on after a reload with at most one part
# sent again, the same bytes are sent once, and the end is told in one line.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use JSON::PP;
use MediaNest::Browser;
use MediaNest::Page qw(:all);
use MediaNest::Test;
use Test::More;

once_is_enough();
need_browser();
my $scratch = tempdir('mn-tray-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $shots = artefacts("$FindBin::Bin/..");
use constant { PART => 8 << 20, PARTS => 5, RATE => 4 << 20 };
use constant SIZE => PARTS * PART - 12345;

my $mn = MediaNest::Test->stack(private => 1);
my $who = $mn->user;

# The addresses that files were sent to outlive a reload.
my $COUNT_PUTS = <<'JS';
	const open = XMLHttpRequest.prototype.open;
	XMLHttpRequest.prototype.open = function (method, url, ...rest) {
		if (method === 'PUT')
			sessionStorage.puts = `${sessionStorage.puts ?? ''}${url}\n`;
		return open.call(this, method, url, ...rest);
	};
JS

sub throttle ($b, $rate) {
	$b->cdp('Network.enable');
	return $b->cdp('Network.emulateNetworkConditions', { offline => JSON::PP::false,
	    latency => 0, downloadThroughput => -1, uploadThroughput => $rate });
}
sub line_like ($b, $state, $like, $what) {
	$b->wait_for($what, sub { ($b->text(".upload-line[data-state=$state] small") // '')
	    =~ $like }, 30);
	return pass $what;
}
# The page reloads itself when it says that so much was sent: no test is as quick as that.
sub reload_at ($b, $percent, $start) {
	$b->js(<<'JS', $percent);
		const [percent] = arguments;
		window.old = true;
		new MutationObserver(() => {
			const text = document.querySelector('.upload-line small')?.textContent;
			if (Number(/^(\d+) % of/.exec(text)?.[1] ?? 0) >= percent)
				location.reload();
		}).observe(document.body, { subtree: true, childList: true, characterData: true });
JS
	$start->();
	return $b->wait_for("a reload at $percent %", sub {
		eval { $b->js(
		    'return !window.old && Boolean(document.querySelector(".upload-line"))') }
	}, 90);
}
sub shut_tray ($b) { return $b->click('.tray [aria-label="Close uploads"]') }

sub write_file ($name, $bytes) {
	open my $out, '>:raw', "$scratch/$name" or die "$scratch/$name: $!";
	print $out $bytes;
	close $out;
	return "$scratch/$name";
}
my $serial = 0;
sub picture ($name) {
	my $to = "$scratch/$name";
	system('ffmpeg', '-v', 'error', '-y', '-f', 'lavfi', '-i',
	    'mandelbrot=s=320x240:start_scale=0.' . ++$serial, '-frames:v', 1, $to) == 0
	    or die "ffmpeg: $to";
	return $to;
}

my $b = MediaNest::Browser->start(dir => "$scratch/b", artefacts => $scratch);
$b->before_load($COUNT_PUTS);
leave_unasked($b);
sign_in($b, { %$who, url => $mn->{url} });

subtest 'reloads at 10, 50 and 95 %' => sub {
	my $file = write_file('Long.mp4', join '', map { chr(65 + $_) x PART } 1 .. PARTS);
	truncate $file, SIZE or die "truncate: $!";
	for my $percent (10, 50, 95) {
		throttle($b, RATE);
		reload_at($b, $percent, sub { $b->choose_files('#picker', $file) });
		my @there = $mn->psql('SELECT number FROM object_parts ORDER BY number');
		cmp_ok scalar @there, '<', PARTS, "$percent %: parts are missing";
		line_like($b, 'lost', qr/^Choose the file again/, 'the page says what to do');
	}
	$b->screenshot("$shots/tray-lost.png");
	throttle($b, -1);
	$b->choose_files('#picker', $file);
	$b->find('.upload-line[data-state=rejected]', 90);
	my %times;
	$times{$_}++ for $b->js('return sessionStorage.puts') =~ /partNumber=(\d+)/g;
	is_deeply [ sort keys %times ], [ 1 .. PARTS ], 'every part was sent';
	my $more = 0;
	$more += $_ - 1 for values %times;
	cmp_ok $more, '<=', 3, 'at most one again for each reload' or diag explain \%times;
	is $mn->psql('SELECT count(*) FROM uploads'), 1, 'all of it one upload';
	is $who->api(GET => '/api/media?status=failed')->{json}{items}[0]{size} // SIZE, SIZE,
	    'of the whole size';
	press_on($b, 'Remove', '.upload-line');
	$b->wait_for('the line to go', sub { $b->count('.upload-line') == 0 });
	$b->reload;
	$b->find('.brand');
	is $b->count('.upload-line'), 0, 'and does not come back';
};

subtest 'a file that the browser can open again' => sub {
	$b->js_async(<<'JS', SIZE);
		const [size, done] = arguments;
		(async () => {
			const dir = await navigator.storage.getDirectory();
			const handle = await dir.getFileHandle('Kept.mp4', { create: true });
			const out = await handle.createWritable();
			await out.write(new Uint8Array(size).fill(7));
			await out.close();
			const { addFiles } = await import('/lib/uploads.js');
			window.add = async () => addFiles([{ file: await handle.getFile(), handle,
			    path: 'Trips/2024' }]);
			done();
		})();
JS
	throttle($b, RATE);
	$b->js('sessionStorage.puts = ""');
	reload_at($b, 50, sub { $b->js('add()') });
	throttle($b, -1);
	is $mn->psql("SELECT path FROM uploads WHERE path IS NOT NULL"), 'Trips/2024',
	    'its folders are kept';
	$b->find('.upload-line[data-state=rejected]', 90);
	my @all = $b->js('return sessionStorage.puts') =~ /partNumber=(\d+)/g;
	cmp_ok scalar @all, '<=', PARTS + 1, 'it went on by itself' or diag "@all";
	press_on($b, 'Remove', '.upload-line');
	$b->wait_for('the line to go', sub { $b->count('.upload-line') == 0 });
};

subtest 'all bytes are there, and only the report is missing' => sub {
	my $file = picture('report.png');
	$b->block('*/upload/complete*');
	$b->choose_files('#picker', $file);
	$b->find('.upload-line[data-state=finishing]', 30);
	$b->wait_for('the record', sub { $b->js_async(<<'JS') }, 15);
		const done = arguments[0];
		const asked = indexedDB.open('medianest', 1);
		asked.onsuccess = () => asked.result.transaction('tray').objectStore('tray')
		    .getAll().onsuccess = ({ target }) => {
			asked.result.close();
			done(target.result.some((one) => one.arrived));
		};
JS
	$b->reload;
	$b->block;
	told($b, '.tray strong', qr/^1 added$/, 'it is reported without the file');
	shut_tray($b);
};

subtest 'one summary' => sub {
	my $one = picture('one.png');
	my $two = picture('two.png');
	open my $in, '<:raw', $one or die;
	my $copy = write_file('copy of one.png', do { local $/; <$in> });
	my $bad = write_file('broken.jpg', 'this is no picture' x 100);
	my $text = write_file('notes.pdf', 'text');
	$b->js('sessionStorage.puts = ""');
	$b->choose_files('#picker', $one, $copy, $two, $bad, $text);
	$b->find('.line-picture:not([hidden])');
	pass 'pictures are shown at once';
	told($b, '.tray strong',
	    qr/^2 added, 1 already in your library, 1 could not be read, 1 not uploaded/, 'counts');
	is scalar(() = $b->js('return sessionStorage.puts') =~ /\n/g), 3, 'three were sent';
	$b->wait_for('the reasons', sub { $b->js(<<'JS') }, 15);
		return [...document.querySelectorAll('.upload-line')].filter(({ dataset }) =>
		    ['failed', 'rejected'].includes(dataset.state)).every((line) =>
		    line.querySelector('.line-buttons').textContent === 'Remove');
JS
	pass 'what is hopeless can only be removed';
	$b->screenshot("$shots/tray-summary.png");
	$b->resize(390, 844);
	$b->screenshot("$shots/tray-summary-phone.png");
	fits($b, 'on a phone');
	$b->resize(1280, 800);
	shut_tray($b);
};

subtest 'what lies in the trash' => sub {
	my ($id) = map { $_->{id} } grep { $_->{title} eq 'two' } @{
	    $who->api(GET => '/api/media')->{json}{items} };
	$who->api(POST => "/api/media/$id/trash");
	$b->choose_files('#picker', "$scratch/two.png");
	line_like($b, 'trashed', qr/^In your trash$/, 'is offered back');
	$b->screenshot("$shots/tray-trash.png");
	press_on($b, 'Restore', '.upload-line');
	told($b, '.tray strong', qr/^1 already in your library$/, 'restored');
	is $who->api(GET => "/api/media/$id")->{json}{status}, 'ready', 'it is back';
	shut_tray($b);
	$who->api(POST => "/api/media/$id/trash");
	$b->choose_files('#picker', "$scratch/two.png");
	$b->find('.upload-line[data-state=trashed]');
	press_on($b, 'Add a copy', '.upload-line');
	told($b, '.tray strong', qr/^1 added$/, 'or a copy is added');
	shut_tray($b);
};

subtest 'duplicates' => sub {
	my @copies = map { $_->{id} } grep { $_->{title} eq 'two' } @{
	    $who->api(GET => '/api/media')->{json}{items} };
	is scalar @copies, 1, 'one is in the library';
	my ($trashed) = map { $_->{id} } grep { $_->{title} eq 'two' } @{
	    $who->api(GET => '/api/media?status=trashed')->{json}{items} };
	$who->api(POST => "/api/media/$trashed/restore");
	open_view($b, 'duplicates', '.twins');
	is $b->count('.twin'), 2, 'two of the same bytes';
	$b->screenshot("$shots/duplicates.png");
	accessible($b, 'duplicates', axe());
	press_on($b, 'Keep this one', '.twins');
	$b->find('.empty:not([hidden])');
	pass 'the other one goes';
	press_on($b, 'Undo');
	$b->wait_for('both', sub { $b->count('.twins:not([hidden]) .twin') == 2 });
	pass 'and is back';
	press_on($b, 'Similar pictures');
	$b->wait_for('no more', sub { $b->text('.muted') =~ /alike/ }, 10);
	$b->resize(390, 844);
	open_view($b, 'duplicates', '.twins');
	$b->screenshot("$shots/duplicates-phone.png");
	fits($b, 'duplicates on a phone');
	$b->resize(1280, 800);
};

subtest 'sums of large files' => sub {
	my $sum = $b->js_async(<<'JS');
		const done = arguments[0];
		import('/lib/hash.js').then(async ({ hashOf }) => {
			const bytes = new Uint8Array(20000003).map((_, i) => i * 7);
			const mine = await hashOf(new File([bytes], 'x'), () => {});
			const theirs = await crypto.subtle.digest('SHA-256', bytes);
			done(mine === Array.from(new Uint8Array(theirs), (b) =>
			    b.toString(16).padStart(2, '0')).join(''));
		});
JS
	ok $sum, 'are those of the browser';
};

# who reloads may do so while the socket is being opened
my $expected = qr/[Bb]locked|ERR_|40[49]|415|WebSocket is closed before/;
is_deeply [ console_errors($b, $expected, all => 1) ], [], 'nothing in the console';
$b->stop;

done_testing();
