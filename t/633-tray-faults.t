#!/usr/bin/perl
# The tray while everything around it fails: 300 MB with reloads, a store that restarts and URLs
# that expire, on the embedded store and on a foreign one; a browser that is killed; the same bytes
# twice.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use JSON::PP;
use MediaNest::Browser;
use MediaNest::Media;
use MediaNest::Page qw(:all);
use MediaNest::Swift;
use MediaNest::Test;
use Test::More;
use Time::HiRes qw(time);

once_is_enough();
need_browser();

use constant { MIB => 1 << 20, PART => 8 << 20, URL_SECONDS => 8, FAST => 120 << 20,
    SLOW => 6 << 20, END_SECONDS => 180 };
my $scratch = tempdir('mn-faults-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $make = MediaNest::Media->new;
my $video = MediaNest::Media::slurp($make->video('small.mp4', seconds => 1));
my $serial = 0;

# A video of that size: what follows it is free space, which costs nothing to write.
sub large ($name, $size) {
	my $path = "$scratch/$name";
	my $free = $size - length $video;
	open my $out, '>:raw', $path or die "$path: $!";
	print $out $video, pack('N', $free), 'free', sprintf '%d %d %f', $$, ++$serial, rand;
	close $out;
	truncate $path, $size or die "truncate: $!";
	return $path;
}

# Bytes that left for the store, and the parts that were begun, outlive a reload.
my $COUNT = <<'JS';
	const open = XMLHttpRequest.prototype.open;
	XMLHttpRequest.prototype.open = function (method, url, ...rest) {
		if (method === 'PUT') {
			let last = 0;
			this.upload.addEventListener('progress', ({ loaded }) => {
				localStorage.sent = Number(localStorage.sent ?? 0) + loaded - last;
				last = loaded;
			});
		}
		return open.call(this, method, url, ...rest);
	};
JS

sub throttle ($b, $rate, $offline = 0) {
	$b->cdp('Network.enable');
	return $b->cdp('Network.emulateNetworkConditions', { offline => $offline ? JSON::PP::true
	    : JSON::PP::false, latency => 0, downloadThroughput => -1, uploadThroughput => $rate });
}
sub percent ($b) {
	my ($n) = ($b->text('.upload-line small') // '') =~ /^(\d+) % of/;
	return $n // -1;
}
sub wait_percent ($b, $n) {
	return $b->wait_for("$n %", sub { percent($b) >= $n }, 120);
}
sub reload_now ($b) {
	$b->reload;
	return $b->find('.upload-line[data-state=lost]', 60);
}
sub restart_store ($mn, $swift) {
	if ($swift) {
		$swift->restart_proxy;
	} else {
		$mn->restart_part($_) for qw(verify store);
	}
	return;
}

sub interrupted ($what, $mn, $swift = undef) {
	my $who = $mn->user;
	my $size = 300 * MIB + 7;
	my $file = large("long-$what.mp4", $size);
	my $b = MediaNest::Browser->start(dir => "$scratch/$what", artefacts => $scratch);
	my $events = 0;

	$mn->admin->api(PATCH => '/api/admin/settings', { 'upload.url_ttl' => URL_SECONDS });
	$b->before_load($COUNT);
	leave_unasked($b);
	sign_in($b, { %$who, url => $mn->{url} });
	throttle($b, FAST);
	$b->choose_files('#picker', $file);
	for my $at (10, 50, 95) {
		wait_percent($b, $at - 8);
		throttle($b, SLOW);
		wait_percent($b, $at);
		if ($at == 50) {
			restart_store($mn, $swift);
			$events++;
			my $now = percent($b);
			$b->wait_for('it goes on', sub { percent($b) > $now }, 60);
			throttle($b, SLOW, 1);
			$events++;
			my $end = time + URL_SECONDS + 1;
			wait_until { time > $end } URL_SECONDS + 5, 'the end of the URLs';
			throttle($b, SLOW);
			$b->wait_for('it goes on', sub { percent($b) > $now + 1 }, 60);
		}
		reload_now($b);
		$events++;
		throttle($b, FAST);
		$b->choose_files('#picker', $file);
	}
	throttle($b, -1);
	$b->wait_for('the end', sub { $b->text('.tray strong') eq '1 added' }, END_SECONDS);
	pass "$what: it is added";
	my $more = $b->js('return Number(localStorage.sent)') - $size;
	cmp_ok $more, '<=', $events * PART,
	    "$what: each of $events interruptions cost one part at most";
	cmp_ok $more, '>=', 0, "$what: ... of bytes that were counted";
	diag sprintf '%s: %.1f MiB sent again in %d interruptions', $what, $more / MIB, $events;
	my @items = @{ $who->api(GET => '/api/media')->{json}{items} };
	is_deeply [ map { "$_->{status} $_->{size}" } @items ], [ "ready $size" ],
	    "$what: one item, of the whole size";
	$b->stop;
	return;
}

my $mn = MediaNest::Test->stack(private => 1);
subtest 'interruptions, the embedded store' => sub { interrupted('embedded', $mn) };

subtest 'a browser that is killed' => sub {
	my $who = $mn->user;
	my $file = large('killed.mp4', 40 * MIB);
	my %at = (dir => "$scratch/killed", artefacts => $scratch);
	my $b = MediaNest::Browser->start(%at);
	$b->before_load($COUNT);
	sign_in($b, { %$who, url => $mn->{url} });
	throttle($b, SLOW);
	$b->choose_files('#picker', $file);
	wait_percent($b, 50);
	my $was = percent($b);
	$b->kill;
	$b = MediaNest::Browser->start(%at);
	$b->before_load($COUNT);
	# A browser writes cookies down half a minute late, and what it counted too: its person
	# signs in again where it was killed sooner.
	$b->get("$mn->{url}/");
	$b->find('#email, .brand');
	sign_in_here($b, $who) if $b->seen('#email');
	$b->find('.upload-line[data-state=lost]', 60);
	pass 'the tray is there again';
	$b->js('localStorage.sent = 0');
	$b->choose_files('#picker', $file);
	told($b, '.tray strong', qr/^1 added$/, 'and goes on');
	my $sent = $b->js('return Number(localStorage.sent)');
	cmp_ok $sent, '>', 0, 'what is missing is sent';
	cmp_ok $sent, '<=', 40 * MIB * (100 - $was) / 100 + PART,
	    'at most one part was sent again';
	is scalar @{ $who->api(GET => '/api/media')->{json}{items} }, 1, 'one item';
	$b->stop;
};

subtest '100 MB twice' => sub {
	my $who = $mn->user;
	my $file = large('twice.mp4', 100 * MIB);
	my $b = MediaNest::Browser->start(dir => "$scratch/twice", artefacts => $scratch);
	$b->before_load($COUNT);
	sign_in($b, { %$who, url => $mn->{url} });
	system('cp', '--sparse=always', $file, "$scratch/again.mp4") == 0 or die 'cp';
	$b->choose_files('#picker', $file, "$scratch/again.mp4");
	told($b, '.tray strong', qr/^1 added, 1 already in your library$/, 'at once');
	$b->click('.tray [aria-label="Close uploads"]');
	$b->choose_files('#picker', "$scratch/again.mp4");
	told($b, '.tray strong', qr/^1 already in your library$/, 'and later');
	is scalar @{ $who->api(GET => '/api/media')->{json}{items} }, 1, 'are one item';
	cmp_ok $b->js('return Number(localStorage.sent)'), '<=', 100 * MIB, 'sent once';
	$b->stop;
};

SKIP: {
	my $swift = MediaNest::Swift->start(cors => 1) or skip 'Swift is not installed', 1;
	my $foreign = MediaNest::Test->stack(set => $swift->settings);
	subtest 'interruptions, a foreign store' => sub {
		interrupted('foreign', $foreign, $swift);
	};
	$swift->stop;
}

done_testing();
