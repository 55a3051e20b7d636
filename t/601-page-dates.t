#!/usr/bin/perl
# Dates on the page, in a browser of another zone than the photos: the wall clock stands in the
# grid, in the details and in the editor, many are shifted at once, and the page says where its
# person lives.
use v5.36;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Browser;
use MediaNest::Exif qw(exif_jpeg);
use MediaNest::Media;
use MediaNest::Page;
use MediaNest::Test;
use Test::More;

once_is_enough();
use constant SETTLE => 90;
my $artefacts = artefacts("$FindBin::Bin/..");

need_browser();

my $mn = MediaNest::Test->stack(private => 1); # no items of other tests
my $make = MediaNest::Media->new;
my $me = $mn->user;
my $jpeg = MediaNest::Media::slurp($make->picture('base.jpg', size => '320x240'));

sub photo ($name, %tags) {
	my $item = $me->upload_bytes($name, exif_jpeg($jpeg, %tags), 'image/jpeg');
	return $me->wait_media($item->{id}, SETTLE);
}
sub item ($id) { return $me->api(GET => "/api/media/$id")->{json} }

# Half past midnight in Paris, on New Year's Day: in New York it is still 2023.
my $year = photo('newyear.jpg', DateTimeOriginal => '2024:01:01 00:30:00',
    OffsetTimeOriginal => '+01:00');
my $eve = photo('eve.jpg', DateTimeOriginal => '2023:12:31 23:30:00',
    OffsetTimeOriginal => '+01:00');

my $b = MediaNest::Browser->start(dir => $make->path('browser'), artefacts => $artefacts);
$b->cdp('Emulation.setTimezoneOverride', { timezoneId => 'America/New_York' });
sign_in($b, $me);

ok(wait_until(sub { ($me->api(GET => '/api/users/me')->{json}{timeZone} // '') eq
    'America/New_York' }, 15), 'the first browser says where its person lives');

$b->find("[href*='$year->{id}']");
like $b->js('return document.querySelector(arguments[0]).getAttribute("aria-label")',
    "[href*='$year->{id}']"), qr/January 1, 2024/, 'the grid names the day of the wall clock';

$b->click("a[href*='$year->{id}']");
$b->find('.lightbox');
$b->click('[aria-label=Details]');
$b->find('#d-date');
is $b->js('return document.querySelector("#d-date").value'), '2024-01-01T00:30',
    'so does the editor';
like $b->text('#d-date-how'), qr/UTC\+1 · from the camera/, '... with its zone and its source';
$b->js(<<'JS');
	const field = document.querySelector('#d-date');
	field.value = '2024-07-01T12:15';
	field.dispatchEvent(new Event('change'));
JS
wait_until(sub { item($year->{id})->{takenAtLocal} eq '2024-07-01T12:15:00' }, 15, 'saved');
is item($year->{id})->{takenAtOffset}, 60, 'an edit keeps the zone';
$b->wait_for('the source', sub { $b->text('#d-date-how') =~ /set by hand/ });
pass 'and says that it was set by hand';
$b->screenshot("$artefacts/dates-details.png");
$b->press('Escape');

# many at once
$b->wait_for('the grid', sub { !$b->seen('.lightbox') && $b->count('.tick') == 2 });
$b->js('document.querySelectorAll(".tick").forEach((one) => one.click())');
$b->click('.selection-bar [aria-label="Change date"]');
$b->find('#m-Hours');
$b->js('const f = document.querySelector("#m-Hours"); f.value = "2"');
my $axe = axe();
for my $dark (0, 1) {
	$b->prefer_dark($dark);
	for my $size ([ 1280, 900 ], [ 390, 844 ]) {
		$b->resize(@$size);
		$b->screenshot("$artefacts/dates-many-$size->[0]-$dark.png");
		fits($b, "the dialog of many dates, $size->[0]");
		accessible($b, "the dialog of many dates, $size->[0]", $axe);
	}
}
$b->prefer_dark(0);
$b->resize(1280, 900);
$b->click('dialog button.primary');
wait_until(sub { item($year->{id})->{takenAtLocal} eq '2024-07-01T14:15:00' }, 15, 'shifted');
is item($eve->{id})->{takenAtLocal}, '2024-01-01T01:30:00', 'each is shifted by itself';
$b->wait_for('the new day', sub { $b->js(
    'return document.querySelector(arguments[0]).getAttribute("aria-label")',
    "[href*='$eve->{id}']") =~ /January 1, 2024/ });
pass 'and the grid follows';

# the account
$b->js('location.hash = "#/you"');
my $field = '[name=timeZone]';
$b->find($field);
is $b->js('return document.querySelector(arguments[0]).value', $field), 'America/New_York',
    'the account shows the zone';
$b->type($field, 'Nowhere/Town');
$b->js('document.querySelector(arguments[0]).form.requestSubmit()', $field);
$b->wait_for('the fault', sub { $b->js(
    'return document.querySelector(arguments[0]).hasAttribute("aria-invalid")', $field) });
pass 'a zone that there is not is refused beside its field';
$b->type($field, 'Europe/Paris');
$b->js('document.querySelector(arguments[0]).form.requestSubmit()', $field);
ok(wait_until(sub { $me->api(GET => '/api/users/me')->{json}{timeZone} eq 'Europe/Paris' }, 15),
    'and is changed there');
$b->reload;
$b->find('.brand');
is $me->api(GET => '/api/users/me')->{json}{timeZone}, 'Europe/Paris', 'a browser overrules nobody';
$b->stop;

done_testing;
