#!/usr/bin/perl
# What the page weighs: packed lists, the code of the first view and no more, and nothing that stays
# behind when views and items are opened and closed all day. How fast it is there on a slow link is
# measured by t/bench/page.
use v5.36;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Compress::Gzip ();
use IO::Uncompress::Gunzip qw(gunzip $GunzipError);
use MediaNest::Browser;
use MediaNest::Media;
use MediaNest::Page qw(:all);
use MediaNest::Test;
use Test::More;

once_is_enough();
my $artefacts = artefacts("$FindBin::Bin/..");
my $web = "$FindBin::Bin/../web";

need_browser();

my $mn = MediaNest::Test->stack(private => 1);
my $make = MediaNest::Media->new;
my $ann = $mn->user(role => 'admin');

sub text_of ($path) {
	open my $in, '<:utf8', $path or die "$path: $!";
	local $/;
	return <$in>;
}

my @photos = map {
	my $source = sprintf 'color=c=0x%06x:s=640x420', 0x336699 + 65536 * $_;
	$ann->upload_file($make->picture("p$_.jpg", size => '640x420', source => $source),
	    'image/jpeg')->{id}
} 1 .. 3;
my $film = $ann->upload_file($make->video('film.mp4', seconds => 1), 'video/mp4')->{id};
$ann->wait_media($_) for @photos, $film;

subtest 'lists are packed' => sub {
	my $plain = $ann->api(GET => '/api/media');
	my $packed = $ann->api(GET => '/api/media', undef, { 'Accept-Encoding' => 'gzip' });

	is $plain->{headers}{'content-encoding'}, undef, 'not for who does not take it';
	is $packed->{headers}{'content-encoding'}, 'gzip', 'a list is';
	my $vary = $packed->{headers}{vary};
	like join(', ', ref $vary ? @$vary : $vary), qr/Accept-Encoding/, 'caches are told';
	ok gunzip(\$packed->{content}, \my $text), 'it unpacks' or diag $GunzipError;
	is length $text, length $plain->{content}, 'to the same';
	cmp_ok length $packed->{content}, '<', 0.6 * length $plain->{content}, 'and is smaller';
	my $item = $ann->api(GET => "/api/media/$photos[0]", undef,
	    { 'Accept-Encoding' => 'gzip' });
	like $item->{headers}{etag}, qr/^(?:W\/)?"/, 'an item has its tag';
	is $ann->api(PATCH => "/api/media/$photos[0]", { title => 'Renamed' },
	    { 'If-Match' => $item->{headers}{etag} })->{status}, 200, 'that it can be edited with';
	is $ann->api(GET => '/api/health/live', undef, { 'Accept-Encoding' => 'gzip' })
	    ->{headers}{'content-encoding'}, undef, 'what is short is sent as it is';
};

subtest 'the first view' => sub {
	my %imports;

	for my $file (glob "$web/*.js $web/*/*.js") {
		my $plain = text_of($file) =~ s{/\*.*?\*/}{}gsr;
		my ($name) = $file =~ m{.*/web/(.*)};
		my ($dir) = $name =~ m{^(.*/)?};

		while ($plain =~ /from '\.(\.?)\/([^']+)'/g) {
			push @{ $imports{$name} }, $1 ? $2 : ($dir // '') . $2;
		}
	}
	my (%needed, @left);
	for (@left = ('app.js', 'views/library.js'); defined(my $name = shift @left);) {
		push @left, @{ $imports{$name} // [] } if !$needed{$name}++;
	}
	delete $needed{'app.js'};
	my @ahead = map { "$_.js" } map { m{[\w-]+/[\w-]+}g }
	    text_of("$web/index.html") =~ /const (?:FRAME|LIBRARY) = (.*?);/gs;
	is_deeply [ sort @ahead ], [ sort keys %needed ],
	    'index.html asks ahead for the code of the first view, and for no other';
	my ($doors) = text_of("$web/views/door.js") =~ /^const DOORS = \{\n(.*?)^\};/ms;
	my ($known) = text_of("$web/app.js") =~ /^const DOORS = \[(.*?)\];/ms;
	is_deeply [ sort $known =~ /'(\w+)'/g ], [ sort $doors =~ /^\t(\w+):/mg ],
	    'app.js knows the doors';
};

my $b = MediaNest::Browser->start(dir => $make->path('browser'), artefacts => $artefacts,
    width => 1280, height => 860);
sign_in($b, $ann);
$b->find('.tile img.loaded');

subtest 'what is sent' => sub {
	$b->cdp('Network.enable');
	$b->cdp('Network.setCacheDisabled', { cacheDisabled => JSON::PP::true });
	$b->reload;
	$b->find('.tile img.loaded');
	$b->wait_for('all thumbnails', sub { $b->count('.tile img.loaded') == 4 });
	my ($counts, $list) = @{ $b->js(<<'JS') };
		const of = (path) => performance.getEntriesByType('resource')
		    .find((one) => new URL(one.name).pathname === path);
		return ['/api/media/months', '/api/media'].map(of)
		    .map((one) => [one.fetchStart, one.responseEnd]);
JS
	cmp_ok $list->[0], '<', $counts->[1], 'the newest items are not asked for after the counts';
	my $sent = $b->js(<<'JS');
		return performance.getEntriesByType('resource')
		    .filter((one) => /\.js$/.test(new URL(one.name).pathname))
		    .map((one) => [new URL(one.name).pathname, one.encodedBodySize]);
JS
	my $bytes = 0;
	$bytes += $_->[1] for @$sent;
	my ($inline) = text_of("$web/index.html") =~ m{<script>(.*?)</script>}s;
	IO::Compress::Gzip::gzip(\$inline, \my $packed) or die 'gzip';
	$bytes += length $packed;
	cmp_ok $bytes, '>', 10_000, "$bytes bytes of script in " . @$sent . ' files and the page';
	cmp_ok $bytes, '<=', 60_000, 'are at most 60 KB';
	is $b->js('return performance.getEntriesByType("navigation")[0].nextHopProtocol'), 'h2',
	    'over one connection';
	$b->cdp('Network.setCacheDisabled', { cacheDisabled => JSON::PP::false });
};

# What is left in the browser after a collection: {nodes, listeners, documents} and blob URLs.
sub left ($b) {
	$b->cdp('HeapProfiler.collectGarbage') for 1 .. 2;
	return { %{ $b->cdp('Memory.getDOMCounters') },
		blobs => $b->js('return window.blobs.size') };
}

subtest 'nothing stays behind' => sub {
	$b->before_load(<<'JS');
		window.blobs = new Set();
		const make = URL.createObjectURL.bind(URL), drop = URL.revokeObjectURL.bind(URL);
		URL.createObjectURL = (what) => {
			const url = make(what);
			window.blobs.add(url);
			return url;
		};
		URL.revokeObjectURL = (url) => {
			window.blobs.delete(url);
			drop(url);
		};
JS
	$b->cdp('HeapProfiler.enable');
	$b->reload;
	$b->find('.tile img.loaded');
	my @views = ('', qw(shelves search?q=p notifications trash you dashboard users jobs storage
	    integrations preferences));
	# The rounds run in the page: a call of the driver for each step would take minutes.
	my $rounds = sub ($n) { $b->js_async(<<'JS', $n, \@views, [ @photos, $film ]) };
		const [n, views, items, done] = arguments;
		const wait = (ms) => new Promise((ok) => setTimeout(ok, ms));
		const seen = (css) => document.querySelector(css);
		const missed = [];
		const until = async (what, fn) => {
			for (let i = 0; i < 1000 && !fn(); i++)
				await wait(10);
			if (!fn())
				missed.push(`${what} at ${location.hash}`);
		};
		/* Chromium drops what goes past 200 changes of the address in 10 s. */
		const to = async (hash) => {
			for (let i = 0; i < 400 && location.hash !== hash; i++) {
				location.hash = hash;
				if (location.hash !== hash)
					await wait(50);
			}
		};
		(async () => {
			for (let i = 0; i < n; i++) {
				await to(`#/${views[i % views.length]}`);
				await until('a view', () => seen('#main h1') &&
				    !seen('#main .skeleton'));
				await to('#/');
				await until('the grid', () => seen('.tile img.loaded'));
				const id = items[i % items.length];
				await to(`#/?item=${id}`);
				await until('an item', () => seen(
				    '.lightbox img.large.loaded, .lightbox video'));
				seen('.lightbox [aria-label=Details]').click();
				await until('details', () => seen('.timeline li.done'));
				seen('.details [aria-label="Close details"]').click();
				await to('#/');
				await until('its end', () => !seen('.lightbox'));
			}
			done(missed);
		})().catch((problem) => done([ ...missed, String(problem) ]));
JS
	$b->wd(POST => '/timeouts', { script => 200_000 });
	# all code is there, and what is kept once is kept
	is_deeply $rounds->(scalar @views), [], 'the first round';
	my $before = left($b);
	is_deeply $rounds->(50), [], 'views and items come and go';
	my $after = left($b);
	diag join ', ', map { "$_ $before->{$_} -> $after->{$_}" } sort keys %$after;
	cmp_ok $after->{jsEventListeners}, '<=', $before->{jsEventListeners} + 100,
	    'fewer than two listeners a round';
	# They waver by some 200; a view or a lightbox that stays behind is 100 nodes a round.
	cmp_ok $after->{nodes}, '<=', $before->{nodes} + 500, 'fewer than ten nodes a round';
	is $after->{documents}, $before->{documents}, 'no documents';
	is $after->{blobs}, 0, 'no blob URLs';
};

$b->stop;

done_testing;
