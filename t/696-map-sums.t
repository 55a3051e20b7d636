#!/usr/bin/perl
# The sums by square that a map is made of: they say what the items say, whatever happens to these,
# for any box and zoom, before and after they are folded; and nothing to anybody else. A last
# day makes the server count items, because the sums know no days.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use Test::More;

use constant { ITEMS => 300, CHANGES => 60, BOXES => 14, SETTLE => 60, HOME => [ 52.52, 13.4 ],
	NEAR => 1e-6 };

srand 20261128;
my $mn = MediaNest::Test->stack(private => 1);
my $super = $mn->admin;
my ($ann, $bob) = map { $mn->user(role => 'user') } 1 .. 2;
my @items;

sub one { return $_[ rand @_ ] }
# Much of it at home, some exactly where squares and the world end.
sub spot {
	return @{ +one([ map { $_ + rand(0.02) } @{ +HOME } ],
	    [ map { $_ + rand(0.0001) } @{ +HOME } ],
	    [ -90 + rand 180, -180 + rand 360 ], [ 90 - rand(0.01), 180 - rand(0.01) ],
	    [ one(-90, 90, 0, 45, 11.25), one(-180, 180, 0, 22.5, 90) ]) };
}
sub gps { return sprintf '{"gps":{"latitude":%.6f,"longitude":%.6f}}', spot() }
sub item {
	my ($who) = @_;
	my $status = one(qw(ready ready ready ready failed pending trashed));
	my $gone = $status eq 'trashed' ? 'now()' : 'NULL';
	my $parent = @items && rand() < 0.1 ? "'$items[0]'" : 'NULL';
	my $metadata = rand() < 0.1 ? '{}' : gps();
	return $mn->psql('INSERT INTO media (id, owner_id, kind, source, title, status, trashed_at,'
	    . ' visibility, taken_at, metadata, parent_id) VALUES (gen_random_uuid(),'
	    . " '$who->{id}', '@{[ one(qw(image image video)) ]}', '@{[ one(qw(upload plex)) ]}',"
	    . " 'item', '$status', $gone, '@{[ one(qw(private house)) ]}',"
	    . " '2001-02-03 12:00+00', '$metadata', $parent) RETURNING id");
}
# By their bounds: a line for each cluster, and its centre, which is an average.
sub clusters {
	my ($who, $query) = @_;
	my $r = $who->api(GET => "/api/media/places/clusters?$query");
	is($r->{status}, 200, $query) or diag $r->{content};
	my %found = map {
		(join(',', $_->{count}, @{ $_->{bounds} }, $_->{placeId} // '-') =>
		    [ @$_{qw(latitude longitude)} ])
	} @{ $r->{json}{items} };
	return \%found;
}
sub same {
	my ($found, $wanted) = @_;
	my $lines = join "\n", sort keys %$wanted;
	my @far = grep {
		my $at = $_;
		grep { abs($found->{$at}[$_] - $wanted->{$at}[$_]) > NEAR } 0, 1
	} keys %$wanted;
	return is(join("\n", sort keys %$found), $lines, 'the same clusters')
	    && is("@far", '', 'centred the same');
}
sub box {
	my ($zoom) = @_;
	my @at = spot();
	my $size = 200 / 2 ** $zoom;
	my ($south, $north) = map { $_ > 90 ? 90 : $_ < -90 ? -90 : $_ } $at[0] - rand($size),
	    $at[0] + rand($size);
	my ($west, $east) = map { $_ > 180 ? $_ - 360 : $_ < -180 ? $_ + 360 : $_ }
	    $at[1] - rand($size), $at[1] + rand($size);
	return one('bounds=-180,-90,180,90', sprintf('bounds=%.6f,%.6f,%.6f,%.6f', $west, $south,
	    $east, $north), sprintf('bounds=%d,%d,%d,%d', $west, $south, $east, $north));
}
sub same_everywhere {
	my ($when, @people) = @_;
	subtest $when => sub {
		for my $n (1 .. BOXES) {
			my $zoom = int rand 17;
			my ($who, $scope) = @{ +one(@people) };
			my $query = "zoom=$zoom&scope=$scope&" . box($zoom)
			    . one('', '', '&kind=video', '&source=plex', "&owner=$ann->{id}");
			my $counted = clusters($who,
			    sprintf('%s&takenTo=21%02d-01-01', $query, $n));
			same(clusters($who, $query), $counted) or diag $query;
		}
	};
}
sub upkeep {
	my ($kind, $done, $what) = @_;
	wait_until(sub {
		$mn->psql("UPDATE jobs SET run_at = now() WHERE kind = '$kind' AND state ="
		    . " 'available'; NOTIFY mn_jobs, 'upkeep'");
		return $done->();
	}, SETTLE, $what);
}
sub folded { return $mn->psql('SELECT count(*) FROM spot_changes') == 0 }

my @people = ([ $ann, 'library' ], [ $ann, 'library' ], [ $bob, 'library' ],
    [ $super, 'everyone' ]);
push @items, item(one($ann, $ann, $bob)) for 1 .. ITEMS;
same_everywhere('before anything is folded', @people);
upkeep('upkeep.uploads', \&folded, 'all is folded');
cmp_ok($mn->psql('SELECT count(*) FROM spot_sums'), '>', 100, 'there are sums');
same_everywhere('folded', @people);

for (1 .. CHANGES) {
	my $some = join ', ', map { "'" . one(@items) . "'" } 1 .. 3;
	$mn->psql(rand() < 0.1 ? "DELETE FROM media WHERE id = '$items[1 + rand $#items]'" :
	    'UPDATE media SET ' . one(sub { "metadata = '" . gps() . "'" },
	    sub { "metadata = '{}'" },
	    sub { "status = 'ready', trashed_at = NULL" },
	    sub { "status = 'trashed', trashed_at = now()" },
	    sub { "kind = '" . one(qw(image video)) . "'" },
	    sub { "owner_id = " . one("'$ann->{id}'", "'$bob->{id}'", 'NULL') },
	    sub { 'place_id = ' . one(1, 2, 'NULL') })->() . " WHERE id IN ($some)");
}
same_everywhere('after changes', @people);
upkeep('upkeep.uploads', \&folded, 'changes are folded');
same_everywhere('folded again', @people);

my @own = split /\n/, $mn->psql("SELECT id FROM media WHERE owner_id = '$ann->{id}' AND"
    . " latitude IS NOT NULL AND status = 'ready' ORDER BY id LIMIT 20");
is($ann->api(PUT => "/api/media/$_/archive")->{status}, 200, 'archived') for @own;
same_everywhere('what is archived is on no map', [ $ann, 'library' ]);

$mn->psql("UPDATE spot_sums SET n = n + 7 WHERE owner_id = '$bob->{id}' AND level = 15");
upkeep('upkeep.sums', sub { $mn->psql('SELECT count(*) FROM spot_changes') > 0 },
    'housekeeping finds sums that are wrong');
upkeep('upkeep.uploads', \&folded, 'and corrects them');
same_everywhere('corrected', [ $bob, 'library' ]);
is($mn->psql('SELECT count(*) FROM spot_sums WHERE n <= 0'), 0,
    'squares without items have no row');
done_testing;
