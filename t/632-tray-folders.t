#!/usr/bin/perl
# Folders that become albums, and sidecars: what the page sends, what becomes of it after a reload,
# for bytes that are there already, and for a folder that comes again.
use v5.36;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use MediaNest::Browser;
use MediaNest::Media;
use MediaNest::Page qw(:all);
use MediaNest::Test;
use POSIX ();
use Test::More;

my $mn = MediaNest::Test->stack(private => 1);
my $who = $mn->user;
my $serial = 0;

sub collections ($who) {
	return { map { ($_->{title} => $_) } @{ $who->api(
	    GET => '/api/media/collections?limit=100')->{json}{items} } };
}
sub titles ($who, $album) {
	return join ' ', sort map { $_->{title} } @{ $who->api(GET =>
	    "/api/media/collections/$album->{id}/items?limit=100")->{json}{items} };
}
sub item_of ($who) {
	return $mn->psql("INSERT INTO media (id, owner_id, kind, title, status, taken_at) VALUES"
	    . " (gen_random_uuid(), (SELECT id FROM users WHERE email = '$who->{email}'), 'image',"
	    . " 'row " . ++$serial . "', 'ready', now()) RETURNING id");
}

subtest 'the album of a folder' => sub {
	my ($ann, $bob) = map { $mn->user } 1 .. 2;
	my @items = map { item_of($ann) } 1 .. 3;
	my $post = sub ($who, %body) { $who->api(POST => '/api/media/collections',
	    { title => 'Trips / 2024', folder => 'Trips/2024', %body }) };
	my $made = $post->($ann, items => [ $items[0] ]);
	is $made->{status}, 201, 'is made';
	my $id = $made->{json}{id};
	my $again = $post->($ann, title => 'other', folder => '/Trips//2024/',
	    items => [ @items[ 0, 1 ] ]);
	is "$again->{status} $again->{json}{id} $again->{json}{count} $again->{json}{title}",
	    "200 $id 2 Trips / 2024", 'or added to; nothing else of it changes';
	is $post->($ann, folder => 'Trips')->{status}, 400, 'a new one needs an item';
	is $post->($ann, folder => 'Trips', items => [ item_of($bob) ])->{status}, 400,
	    '... that its maker sees';
	is $post->($ann, items => [ item_of($bob), $items[2] ])->{json}{count}, 3,
	    'of one that is there, others are left out';
	my ($other) = map { $post->($_, items => [ item_of($_) ]) } $bob;
	is $other->{status}, 201, 'another person has an album of their own';
	isnt $other->{json}{id}, $id, '... with another id';
	is $post->($ann, folder => '//', items => [ $items[0] ])->{status}, 400,
	    'nothing is no folder';
	is $post->($ann, kind => 'rule', rule => { tags => ['x'] })->{status}, 400,
	    'nor for a rule';
	$ann->api(PATCH => "/api/media/collections/$id", { title => 'Renamed' });
	is $post->($ann, items => [ $items[0] ])->{json}{title}, 'Renamed', 'a new title stays';
	$ann->api(DELETE => "/api/media/collections/$id");
	is $post->($ann, items => [ $items[0] ])->{status}, 201,
	    'one that was deleted is made again';
	my $nfc = $post->($ann, folder => "Caf\x{e9}", items => [ $items[0] ])->{json}{id};
	is $post->($ann, folder => "Cafe\x{301}", items => [ $items[1] ])->{json}{id}, $nfc,
	    'a name has one form';
	my @at_once = map {
		my $pid = open(my $in, '-|') // die "fork: $!";
		if (!$pid) {
			my $r = $post->($ann, folder => 'At once', items => [ $items[$_] ]);
			print "$r->{status} $r->{json}{id}";
			close STDOUT;
			POSIX::_exit(0);
		}
		$in;
	} 0 .. 2;
	my %said = map { my $text = readline $_; $text =~ /(\S+)$/; ($1 => $text) } @at_once;
	is scalar keys %said, 1, 'three at once make one';
	is $ann->api(GET => '/api/media/collections/' . (keys %said)[0])->{json}{count}, 3,
	    '... with the items of all';
};

if ($ENV{ASAN_OPTIONS}) {
	done_testing();
	exit;
}
need_browser();
my $scratch = tempdir('mn-folders-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $shots = artefacts("$FindBin::Bin/..");
my $make = MediaNest::Media->new;

sub write_file ($name, $bytes) {
	my ($dir) = "$scratch/$name" =~ m{(.*)/};
	make_path($dir);
	open my $out, '>:raw', "$scratch/$name" or die "$scratch/$name: $!";
	print $out $bytes;
	close $out;
	return "$scratch/$name";
}
# A small picture that no other is equal to.
sub picture ($name) {
	my $file = $make->picture(++$serial . '.jpg', size => '320x240');
	open my $in, '<:raw', $file or die "$file: $!";
	return write_file($name, do { local $/; <$in> } . "end $serial");
}
my $xmp = sub ($when) { '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description'
    . " exif:DateTimeOriginal=\"$when\"/></x:xmpmeta>" };

my $b = MediaNest::Browser->start(dir => "$scratch/b", artefacts => $scratch);
sign_in($b, { %$who, url => $mn->{url} });

sub tray_settled ($b, $like, $what) {
	told($b, '.tray strong', $like, $what);
	return $b->wait_for('the albums', sub { $b->js(<<'JS') }, 20);
		return new Promise((done) => {
			const asked = indexedDB.open('medianest');
			asked.onsuccess = () => asked.result.transaction('tray')
			    .objectStore('tray').getAll().onsuccess = ({ target }) => {
				asked.result.close();
				done(target.result.length === 0);
			};
		});
JS
}
sub shut ($b) { return $b->click('.tray [aria-label="Close uploads"]') }

subtest 'a folder becomes albums' => sub {
	$b->find('.brand');
	picture("Trip/$_") for 'one.jpg', 'two.jpg', 'Day 2/three.jpg';
	$b->js('document.body.dispatchEvent(new DragEvent("dragenter", { bubbles: true,'
	    . ' dataTransfer: (() => { const t = new DataTransfer();'
	    . ' t.items.add(new File(["x"], "x")); return t; })() }))');
	$b->wait_for('the tray', sub { $b->count('#folder-picker') });
	$b->choose_files('#folder-picker', "$scratch/Trip");
	tray_settled($b, qr/^3 added/, 'three files');
	is_deeply collections($who), {}, 'no album that nobody asked for';
	ok $b->seen('.folder-albums'), 'but it is offered';
	$b->screenshot("$shots/tray-folders.png");
	accessible($b, 'the tray', axe());
	$b->js('document.querySelector(".folder-albums input").focus()');
	$b->press(' ');
	$b->wait_for('the albums', sub { $b->text('.folder-albums small') eq 'In 2 albums' }, 20);
	my $all = collections($who);
	is_deeply [ sort keys %$all ], [ 'Trip', 'Trip / Day 2' ], 'by the keyboard, one for each';
	is titles($who, $all->{Trip}), 'one two', 'with its items';
	is titles($who, $all->{'Trip / Day 2'}), 'three', '... and the one within it';
	$b->resize(390, 844);
	$b->prefer_dark(1);
	$b->screenshot("$shots/tray-folders-phone.png");
	fits($b, 'on a phone');
	accessible($b, 'the tray on a phone', axe());
	$b->prefer_dark(0);
	$b->resize(1280, 900);
	shut($b);
};

subtest 'the same folder again, with more in it' => sub {
	picture('Trip/four.jpg');
	open my $in, '<:raw', "$scratch/Trip/one.jpg" or die;
	my $bytes = do { local $/; <$in> };
	write_file('Trip/Best/copy.jpg', $bytes);
	$b->choose_files('#folder-picker', "$scratch/Trip");
	tray_settled($b, qr/^1 added, 4 already in your library/, 'the others are there');
	ok $b->js('return document.querySelector(".folder-albums input").checked'),
	    'the choice is remembered';
	my $all = collections($who);
	is titles($who, $all->{Trip}), 'four one two', 'it goes into the same album';
	is titles($who, $all->{'Trip / Best'}), 'one', 'a twin is put into its album too';
	shut($b);
};

subtest 'a reload in between' => sub {
	picture("Later/$_.jpg") for 'five', 'six';
	$b->block('*/api/media/collections*');
	$b->choose_files('#folder-picker', "$scratch/Later");
	told($b, '.tray strong', qr/^2 added/, 'two files, and no album yet');
	$b->reload;
	$b->block;
	$b->wait_for('the album', sub { collections($who)->{Later} }, 30);
	$b->wait_for('both', sub { titles($who, collections($who)->{Later}) eq 'five six' }, 20);
	pass 'is made afterwards';
	tray_settled($b, qr/^2 added/, 'and then the tray forgets them');
	shut($b);
};

subtest 'sidecars' => sub {
	my @files = (picture('Raw/IMG_1.jpg'), picture('Raw/IMG_2.jpg'));
	write_file('Raw/IMG_1.xmp', $xmp->('2010-02-03T04:05:06'));
	write_file('Raw/IMG_2.jpg.xmp', $xmp->('2011-02-03T04:05:06'));
	write_file('Raw/IMG_2.xmp', $xmp->('2012-02-03T04:05:06'));
	write_file('Raw/IMG_9.xmp', $xmp->('2013-02-03T04:05:06'));
	write_file('Raw/three.xmp', $xmp->('2014-02-03T04:05:06'));
	$b->choose_files('#folder-picker', "$scratch/Raw");
	told($b, '.tray strong', qr/^2 added, 1 sidecar to assign, /, 'two photos');
	my %date = map { ($_->{title} => $_->{takenAtLocal}) } @{ $who->api(GET =>
	    '/api/media?limit=100')->{json}{items} };
	is $date{IMG_1}, '2010-02-03T04:05:06', 'a sidecar without the ending of the photo';
	is $date{IMG_2}, '2011-02-03T04:05:06', 'one with it counts before another';
	like $b->text('.tray strong'), qr/1 sidecar to assign, (?:1|2) sidecars? without a photo$/,
	    'the summary tells of the others';
	$b->screenshot("$shots/tray-sidecars.png");
	like $b->text('.upload-line[data-state=offered] small'), qr/“three\.jpg”/,
	    'one whose photo is in the library is offered to it';
	press_on($b, 'Add to photo', '.upload-line[data-state=offered]');
	$b->find('.upload-line[data-state=given]');
	my ($id) = map { $_->{id} } grep { $_->{title} eq 'three' } @{ $who->api(GET =>
	    '/api/media?limit=100')->{json}{items} };
	is $who->wait_media($id)->{takenAtLocal}, '2014-02-03T04:05:06', '... and counts then';
	shut($b);
	my $albums = collections($who);
	is titles($who, $albums->{Raw}), 'IMG_1 IMG_2', 'sidecars are no items';
};

is_deeply [ console_errors($b, qr/[Bb]locked|ERR_|WebSocket is closed before/, all => 1) ], [],
    'nothing in the console';
$b->stop;

done_testing();
