#!/usr/bin/perl
# Names of people from pictures and from files beside them: as each program writes them, and what
# becomes of them where people edit them.
use v5.36;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Media;
use MediaNest::Pictures qw(jpeg_with);
use MediaNest::Test;
use Test::More;

binmode $_, ':encoding(UTF-8)' for Test::More->builder->output,
    Test::More->builder->failure_output;
once_is_enough();

my $mn = MediaNest::Test->stack;
my $make = MediaNest::Media->new;
my $program = MediaNest::Media::program($mn);
my $jpeg = MediaNest::Media::slurp($make->picture('base.jpg', size => '80x60'));
my $serial = 0;

sub packet ($inside) {
	my $text = '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta '
	    . 'xmlns:x="adobe:ns:meta/"><rdf:RDF '
	    . 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
	    . "$inside</rdf:RDF></x:xmpmeta>\n<?xpacket end=\"w\"?>";
	utf8::encode($text);
	return $text;
}

sub bag (@entries) {
	return '<rdf:Bag>' . join('', map { "<rdf:li>$_</rdf:li>" } @entries) . '</rdf:Bag>';
}

# Regions of the Metadata Working Group; each is [type, name].
sub regions (@regions) {
	my @entries = map {
		qq(<rdf:Description mwg-rs:Name="$_->[1]" mwg-rs:Type="$_->[0]"/>) } @regions;

	return packet('<rdf:Description xmlns:mwg-rs="http://www.metadataworkinggroup.com/'
	    . 'schemas/regions/"><mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:RegionList>'
	    . bag(@entries) . '</mwg-rs:RegionList></mwg-rs:Regions></rdf:Description>');
}

my @rows = (
	[ 'regions of digiKam',
	    regions([ Face => 'Ann' ], [ Pet => 'Rex' ], [ Face => 'Bob Śmith' ]),
	    'Ann|Bob Śmith' ],
	[ 'regions as elements', packet('<rdf:Description><mwg-rs:Regions><mwg-rs:RegionList>'
	    . bag('<mwg-rs:Type>Face</mwg-rs:Type><mwg-rs:Name>Ann</mwg-rs:Name>',
	    '<mwg-rs:Name>A place</mwg-rs:Name>')
	    . '</mwg-rs:RegionList></mwg-rs:Regions></rdf:Description>'), 'Ann' ],
	[ 'regions of Microsoft', packet('<rdf:Description><MP:RegionInfo><MPRI:Regions>'
	    . bag('<rdf:Description MPReg:PersonDisplayName="Ann" MPReg:Rectangle="0.1, 0, 0, 0"/>',
	    '<MPReg:PersonDisplayName>Cy</MPReg:PersonDisplayName>')
	    . '</MPRI:Regions></MP:RegionInfo></rdf:Description>'), 'Ann|Cy' ],
	[ 'persons of IPTC', packet('<rdf:Description><Iptc4xmpExt:PersonInImage>'
	    . bag('Ann', ' 山田太郎 ', 'ANN', '')
	    . '</Iptc4xmpExt:PersonInImage></rdf:Description>'), 'Ann|山田太郎' ],
	[ 'persons of IPTC with details',
	    packet('<rdf:Description><Iptc4xmpExt:PersonInImageWDetails>'
	    . bag('<Iptc4xmpExt:PersonName><rdf:Alt><rdf:li xml:lang="x-default">Ann</rdf:li>'
	    . '</rdf:Alt></Iptc4xmpExt:PersonName><Iptc4xmpExt:PersonDescription><rdf:Alt>'
	    . '<rdf:li>tall</rdf:li></rdf:Alt></Iptc4xmpExt:PersonDescription>')
	    . '</Iptc4xmpExt:PersonInImageWDetails></rdf:Description>'), 'Ann' ],
	[ 'keywords of digiKam and Lightroom', packet('<rdf:Description><digiKam:TagsList>'
	    . bag('People/Family/Ann', 'Places/Rome')
	    . '</digiKam:TagsList><lr:hierarchicalSubject>' . bag('People|Bob', 'Trips|2024')
	    . '</lr:hierarchicalSubject></rdf:Description>'),
	    'Ann|Bob' ],
	[ 'no names', packet('<rdf:Description><dc:subject>' . bag('Ann') . '</dc:subject>'
	    . '</rdf:Description>'), '' ],
	[ 'a packet that is cut off', substr(regions([ Face => 'Ann' ]), 0, 320), '' ],
	[ 'entities', packet('<!DOCTYPE a [<!ENTITY b "Ann">]>'), '' ],
	[ 'more names than an item takes', regions(map { [ Face => "Person $_" ] } 1 .. 90),
	    join('|', map { "Person $_" } 1 .. 50) ],
);

for my $row (@rows) {
	my ($what, $xmp, $names) = @$row;
	my $file = $make->spew('p' . $serial++ . '.jpg', jpeg_with($jpeg, xmp => $xmp));
	my $result = MediaNest::Media::run_media($program, $file)->{result};
	is join('|', @{ $result->{people} // [] }), $names, $what;
}

# --- videos
my $clip = MediaNest::Media::slurp($make->video('clip.mp4', seconds => 1));
sub box ($type, $inside) { return pack('N a4', 8 + length $inside, $type) . $inside }
my $named = regions([ Face => 'Ann' ], [ Face => 'Bob' ]);
my $xmp_id = pack 'H*', 'be7acfcb97a942e89c71999491e3afac';
# before the movie there is all that it refers to, so that nothing of that moves
my ($before, $movie, $after) = moov_of($clip);

sub moov_of ($bytes) {
	for (my $at = 0; $at + 8 <= length $bytes;) {
		my ($size, $type) = unpack 'N a4', substr $bytes, $at, 8;
		return (substr($bytes, 0, $at), substr($bytes, $at, $size),
		    substr($bytes, $at + $size)) if $type eq 'moov';
		$at += $size;
	}
	die 'no moov';
}
# The movie with another udta than its own.
sub movie_with ($inside) {
	return box('moov', substr($movie, 8) =~ s/udta/free/r . box('udta', $inside));
}
for my $row ([ 'a box of its own', $clip . box('uuid', $xmp_id . $named), 'Ann|Bob' ],
    [ 'in front of the movie', $before . box('uuid', $xmp_id . $named) . $movie . $after,
	'Ann|Bob' ],
    [ 'another box of that kind', $clip . box('uuid', 'x' x 16 . $named), '' ],
    [ 'that of QuickTime', $before . movie_with(box('XMP_', $named)), 'Ann|Bob' ],
    [ 'one that is cut off', substr($clip . box('uuid', $xmp_id . $named), 0, -40), '' ],
    [ 'one that is too large', $clip . box('uuid', $xmp_id . $named . ' ' x (1 << 20)), '' ]) {
	my ($what, $bytes, $names) = @$row;
	my $result = MediaNest::Media::run_media($program,
	    $make->spew('v' . $serial++ . '.mp4', $bytes))->{result};
	ok $result->{ok}, "a video: $what" or diag explain $result;
	is join('|', @{ $result->{people} // [] }), $names, '... and its people';
}

# --- through the house
my ($ann, $bob) = map { $mn->user(role => 'user') } 1 .. 2;

sub item ($id) { return $ann->api(GET => "/api/media/$id")->{json} }
sub people ($id) { return join '|', @{ item($id)->{people} // [] } }
sub tags ($id) { return join '|', @{ item($id)->{tags} } }
sub put ($id, %body) { return $ann->api(PUT => "/api/media/$id/tags", \%body) }
sub upload ($xmp) {
	my $bytes = jpeg_with($jpeg, xmp => $xmp) . $serial++;
	my $id = $ann->upload_bytes("p$serial.jpg", $bytes, 'image/jpeg')->{id};

	is $ann->wait_media($id)->{status}, 'ready', 'ready';
	return $id;
}
sub again ($id) {
	$ann->api(POST => "/api/media/$id/reprocess", {});
	return $ann->wait_media($id);
}
sub found ($who, $query) {
	my $r = $who->api(GET => "/api/$query")->{json};
	return join ' ', sort map { ($_->{media} // $_)->{id} } @{ $r->{items} };
}

subtest 'what people make of them' => sub {
	my $id = upload(regions([ Face => 'Ann' ], [ Face => 'Bob' ]));
	is people($id), 'Ann|Bob', 'the names of the file';
	is tags($id), 'Ann|Bob', '... are tags';
	is found($ann, 'media?tag=Bob'), $id, 'the list finds them';
	is found($ann, 'search?q=bob'), $id, 'and the search';
	is found($bob, 'media?tag=Bob'), '', '... but not for others';
	put($id, tags => [ 'Ann', 'sea' ]);
	is people($id), 'Ann', 'a tag that is removed takes its person along';
	put($id, tags => [ 'Ann', 'sea' ], people => [ 'Ann', 'Robert' ]);
	is people($id), 'Ann|Robert', 'another name';
	is tags($id), 'Ann|sea|Robert', '... is a tag too';
	again($id);
	is people($id), 'Ann|Robert', 'processed again: what a person decided stays';
	is tags($id), 'Ann|sea|Robert', '... and nothing comes back';
	$ann->api(POST => '/api/media/bulk', { ids => [$id], set => { removeTags => ['ann'] } });
	is people($id), 'Robert', 'removed from a selection';
	again($id);
	is people($id), 'Robert', '... for good';
	put($id, tags => [], people => []);
	is people($id), '', 'nobody';
	my $many = put($id, tags => [ map { "t$_" } 1 .. 50 ], people => ['One more']);
	is $many->{status}, 400, 'as many tags as before' or diag $many->{content};
};

subtest 'a file beside it' => sub {
	my $id = upload(regions([ Face => 'Ann' ]));
	my $say = sub ($text) {
		my $put = $ann->api(PUT => "/api/media/$id/sidecar", { text => $text });

		is $put->{status}, 202, 'taken' or diag $put->{content};
		$ann->wait_media($id);
		return people($id);
	};
	is $say->(regions([ Face => 'Cleo' ])), 'Ann|Cleo', 'has names too';
	is $say->('{"title":"p.jpg","people":[{"name":"Dan"},{"name":7},"Eve"]}'), 'Ann|Dan',
	    'one of Google Takeout, and what no file has any more goes';
};

subtest 'a rule' => sub {
	my @id = (upload(regions([ Face => 'Dora' ])), upload(packet('')));
	put($id[1], tags => ['Dora']);
	my $rule = $ann->api(POST => '/api/media/collections', { kind => 'rule', title => 'Dora',
	    rule => { people => ['Dora'] } });
	is $rule->{status}, 201, 'a rule' or diag $rule->{content};
	is_deeply $rule->{json}{rule}{people}, ['Dora'], 'says whom';
	is found($ann, "media?collection=$rule->{json}{id}"), $id[0],
	    'holds the person, not the tag';
	put($id[1], tags => ['Dora'], people => ['Dora']);
	is found($ann, "media?collection=$rule->{json}{id}"), join(' ', sort @id),
	    '... and follows';
	$ann->api(PATCH => "/api/media/collections/$rule->{json}{id}",
	    { rule => { people => [ 'Dora', 'Nobody' ] } });
	is found($ann, "media?collection=$rule->{json}{id}"), '', 'all of them are to be in it';
};

done_testing;
