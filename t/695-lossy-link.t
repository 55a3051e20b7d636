#!/usr/bin/perl
# Uploads by the page over a long line that loses packets, vanishes, and comes back with another
# address; and by a machine that sleeps for longer than the URLs live: nothing is lost, and nothing
# is there twice. How fast that is, t/bench/link measures.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::MD5 ();
use File::Temp qw(tempdir);
use MediaNest::Browser;
use MediaNest::Link;
use MediaNest::Media;
use MediaNest::Page qw(:all);
use MediaNest::Processes qw(tree);
use MediaNest::Test;
use Test::More;
use Time::HiRes qw(sleep time);

use constant { PHOTOS => 40, BYTES => 60_000, SLEEPERS => 12, LARGER => 250_000, URL_SECONDS => 20,
    END_SECONDS => 240, VAIN_PACKETS => 20, POLL => 0.3 };

once_is_enough();
need_browser();
plan skip_all => MediaNest::Link::missing() if MediaNest::Link::missing();
MediaNest::Link::apart();

my $scratch = tempdir('mn-lossy-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $link = MediaNest::Link->start(delay => 100, loss => 200, rate => 8000, queue => 200, seed => 5);
my $mn = $link->stack(set => { 'upload.url_ttl' => URL_SECONDS });
# What arrived stays in the store as it was sent.
$mn->stop_part('worker');
my $who = $mn->user;
my $b = $link->browser(dir => "$scratch/browser", artefacts => $scratch);
sign_in($b, { %$who, url => $mn->{url} });

sub md5 ($path) { return Digest::MD5::md5_hex(MediaNest::Media::slurp($path)) }
sub there () {
	sleep POLL; # each question is a process
	return $mn->psql("SELECT count(*) FROM media WHERE owner_id = '$who->{id}' AND status ="
	    . " 'processing'");
}
# Each file once, byte for byte.
sub complete ($before, @files) {
	$b->wait_for('all of them', sub { there() >= $before + @files }, END_SECONDS);
	# of what the tray knows: nobody may look at it
	$b->wait_for('the end', sub { $b->js_async(<<'JS') }, END_SECONDS);
		const [done] = arguments;
		import('/lib/uploads.js').then(({ uploads }) =>
		    done(uploads.every(({ state }) => state === 'processing')), () => done(false));
JS
	is there(), $before + @files, 'as many items as files';
	my @stored = map {
		md5("$mn->{var}/data/objects/" . s{^((..)(..).*)}{$2/$3/$1}r)
	} $mn->psql("SELECT blob FROM objects WHERE key LIKE 'incoming/%'");
	my %stored = map { ($_ => 1) } @stored;
	is scalar(grep { !$stored{ md5($_) } } @files), 0, 'none is lost';
	is scalar(@stored), $before + @files, 'none is there twice';
	return;
}

subtest 'a line that loses packets, vanishes and moves' => sub {
	my @photos = MediaNest::Link::photos($scratch, PHOTOS, BYTES);

	$b->choose_files('#picker', @photos);
	$b->wait_for('some', sub { there() >= PHOTOS / 4 }, END_SECONDS);
	$link->down;
	my $lost = $link->count->{back}[1];
	$b->wait_for('packets in vain',
	    sub { $link->count->{back}[1] >= $lost + VAIN_PACKETS }, END_SECONDS);
	cmp_ok there(), '<', PHOTOS, 'it vanished in the middle';
	$link->move;
	$link->up;
	complete(0, @photos);
};

# The page is frozen, or the whole machine sleeps, until all URLs have expired; meanwhile the
# network has forgotten the connections.
sub asleep ($what, $sleep, $wake) {
	my $dir = "$scratch/$what";
	mkdir $dir or die "$dir: $!";
	my @photos = MediaNest::Link::photos($dir, SLEEPERS, LARGER);
	my $before = there();

	$b->choose_files('#picker', @photos);
	$b->wait_for('some', sub { there() > $before }, END_SECONDS);
	$sleep->();
	my $end = time + URL_SECONDS + 1;
	$link->move;
	wait_until { time > $end } URL_SECONDS + 5, 'the end of the URLs';
	cmp_ok there(), '<', $before + @photos, "$what: it fell asleep in the middle";
	$wake->();
	complete($before, @photos);
	return;
}
subtest 'a page that the browser freezes' => sub {
	my $to = sub ($state) { $b->cdp('Page.setWebLifecycleState', { state => $state }) };
	asleep('frozen', sub { $to->('frozen') }, sub { $to->('active') });
};
subtest 'a machine that sleeps' => sub {
	asleep('stopped', map {
		my $signal = $_;
		sub { kill $signal => tree($b->{browser_pid}) }
	} qw(STOP CONT));
};

done_testing();
