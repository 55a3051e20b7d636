#!/usr/bin/perl
# Phrases and exclusions: a phrase finds the phrase and nothing else, what is excluded is not found,
# and a phrase that nothing has is told instead of being widened.
use strict;
use warnings;
use utf8;
use Encode qw(encode_utf8);
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Search qw(quote url);
use MediaNest::Test;
use Test::More;

binmode $_, ':encoding(UTF-8)'
    for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $mn = MediaNest::Test->stack;
my $anna = $mn->user(role => 'user');
my $mark = sprintf 'zp%d', $$;    # a tag of this test's items alone: the stack may be shared

sub item {
	my (%i) = @_;
	my @tags = ($mark, @{ $i{tags} || [] });
	$mn->psql(encode_utf8('INSERT INTO media (id, kind, title, original_title, overview, '
	    . 'filename, status, visibility, owner_id, year, tags, asset_prefix) VALUES ('
	    . 'gen_random_uuid(), ' . join(', ', map { quote($_) } $i{kind} || 'image',
		@i{qw(title original overview file)}, 'ready', 'house', $anna->{id})
	    . ', ' . ($i{year} || 'NULL') . ', ARRAY[' . join(',', map { quote($_) } @tags)
	    . "]::text[], 'derived/x')"));
	return;
}

sub search {
	my ($q, %more) = @_;
	my $r = $anna->api(GET => '/api/search?' . join '&', 'q=' . url($q), "tag=$mark",
	    map { "$_=" . url($more{$_}) } sort keys %more);
	is $r->{status}, 200, "answered: $q" or diag $r->{content};
	return $r->{json};
}
sub finds {
	my ($q, $want, $name) = @_;
	my $found = [ sort map { $_->{title} } @{ search($q)->{items} } ];
	is_deeply $found, [ sort @$want ], "$q: $name" or diag explain $found;
	return;
}

item(%$_) for
	{ title => 'Sunrise over the sea', overview => "Don't look into the sun, he said." },
	{ title => 'Sunrise at sea', overview => 'To be or not to be was asked again.' },
	{ title => 'The sunrises, overlooked', file => 'harbour-at-dawn.jpg' },
	{ title => "Ocean's Eleven", original => 'Casino night',
	    tags => [ 'big heist', 'café noir' ] },
	{ title => 'Spider-Man: No Way Home', year => 2021, kind => 'movie' },
	{ title => 'The Who at Leeds', tags => ['heist', 'noir big'], year => 2021 },
	{ title => 'Mädchen in Uniform', overview => 'Über alles: ein Film', kind => 'movie' },
	{ title => 'Running on empty', overview => 'They run, and she was running too.' };

subtest 'the phrase and nothing else' => sub {
	finds('"sunrise over"', ['Sunrise over the sea'], 'a stop word at its end');
	finds('"over the"', ['Sunrise over the sea'], 'stop words only');
	finds('"to be or not to be"', ['Sunrise at sea'], 'stop words only, in a description');
	finds('"the who"', ['The Who at Leeds'], 'and in a title');
	finds('"sunrise sea"', [], 'no word is skipped');
	finds('"sea over the"', [], 'nor is the order changed');
	finds('"sunrise overlooked"', [], 'and no word counts for another form of it');
	finds('"sunrises"', ['The sunrises, overlooked'], 'of one word');
	finds('"sunrise"', [ 'Sunrise over the sea', 'Sunrise at sea' ], 'of one that is a stem');
	finds('"run"', ['Running on empty'], 'as it stands somewhere');
	finds('"runs"', [], 'but not otherwise');
	finds('runs', ['Running on empty'], 'which a plain word is');
	finds('"sunrise over" the', ['Sunrise over the sea'], 'with a stop word beside it');
	finds('"sunrise over', ['Sunrise over the sea'], 'not closed yet');
	finds('"sunris', [], 'and no part of a word');
	finds("\x{201c}sunrise over\x{201d}", ['Sunrise over the sea'], 'in curly quotation marks');
	finds("\x{201e}sunrise at\x{201c}", ['Sunrise at sea'], 'in German ones');
	finds("\x{ab}sunrise at\x{bb}", ['Sunrise at sea'], 'in French ones');
};

subtest 'punctuation and accents' => sub {
	finds($_, ["Ocean's Eleven"], 'an apostrophe')
	    for q("ocean's eleven"), q("oceans eleven"), "\"ocean\x{2019}s eleven\"",
	    "\"ocean\x{2018}s eleven\"";
	finds($_, ['Sunrise over the sea'], 'an apostrophe in a description')
	    for q("don't look"), q("dont look into the sun he said"), '"sun, he said"';
	finds($_, ['Spider-Man: No Way Home'], 'a hyphen and a colon')
	    for '"spider-man: no way home"', '"spider man no way"', '"Spiderman"',
	    "\"spider\x{2013}man\"";
	finds($_, ['Mädchen in Uniform'], 'accents')
	    for '"mädchen in"', '"madchen in uniform"', "\"ma\x{308}dchen in\"", '"über alles ein"';
	finds($_, ["Ocean's Eleven"], 'an accent in a tag') for '"café noir"', '"cafe noir"';
	finds('"harbour at dawn"', ['The sunrises, overlooked'], 'a file name');
	finds('leeds "!!!"', ['The Who at Leeds'], 'is nothing beside a word');
	finds('leeds "…"', ['The Who at Leeds'], 'no kind of it');
};

subtest 'a phrase does not run from one field into the next' => sub {
	finds('"eleven casino"', [], 'from the title into the original title');
	finds('"night big"', [], 'from there into the tags');
	finds('"heist cafe"', [], 'from one tag into the next');
	finds('"big heist"', ["Ocean's Eleven"], 'but within one');
	finds('"sea don\'t"', [], 'nor from a title into the description');
};

subtest 'exclusions' => sub {
	finds('sunrise -over', [ 'Sunrise at sea', 'The sunrises, overlooked' ], 'a stop word');
	finds('sunrise -the', ['Sunrise at sea'], 'the most frequent one');
	finds('sunrise -"over the"', [ 'Sunrise at sea', 'The sunrises, overlooked' ], 'a phrase');
	finds('sunrise -"over sea"', [ 'Sunrise at sea', 'Sunrise over the sea',
	    'The sunrises, overlooked' ], 'a phrase that is nowhere');
	finds('-sunrise sea', [], 'first');
	finds('empty -run', [], 'in any form');
	finds('empty -"runs"', ['Running on empty'], 'but a phrase in one form');
	finds('uniform -über', [], 'with an accent');
	finds('uniform -uber', [], 'and without it');
	finds('home -spider-man', [], 'with a hyphen');
	finds('"at leeds" -"who at"', [], 'against a phrase');
	finds('leeds -2021', [], 'a year that is in no text');
	finds('noir -tag:heist', ["Ocean's Eleven"], 'a tag');
	finds('uniform -movies', [], 'a kind');
	finds('uniform -kind:image', ['Mädchen in Uniform'], 'kind:');
	finds('leeds -year:2020-2022', [], 'year:');
	finds('leeds -source:plex', ['The Who at Leeds'], 'source:');
	finds('leeds -source:upload', [], 'the other source');
};

subtest 'exclusions alone' => sub {
	finds('-sunrise -spider -"in uniform" -noir', ['Running on empty'], 'words and phrases');
	finds('-sea -movies -2021 -noir', [ 'Running on empty', 'The sunrises, overlooked' ],
	    'with years and kinds');
	my $total = search('')->{page}{total};
	is search('-nothinghasthis')->{page}{total}, $total, 'of what nothing has';
};

subtest 'stop words as words' => sub {
	finds('the ocean', ["Ocean's Eleven"], 'are no condition beside others');
	finds('over', ['Sunrise over the sea'], 'but are when there are none');
};

subtest 'a phrase that nothing has' => sub {
	my $r = search('"over sunrise"');
	is_deeply $r->{items}, [], 'finds nothing';
	is $r->{page}{total}, 0, 'counts nothing';
	is $r->{didYouMean}, 'over sunrise', 'and its words are proposed';
	cmp_ok search($r->{didYouMean})->{page}{total}, '>', 0, 'since they find something';
	is search('"sunrise ovre"')->{didYouMean}, 'sunrise over', 'corrected';
	is search('"eleven casino" -tag:foo')->{didYouMean}, 'eleven casino -tag:foo',
	    'what else was typed is kept';
	is search('"over sunrise" -sunrise')->{didYouMean}, undef,
	    'nothing is, if they find nothing';
	is search('"xyzzy plugh"')->{didYouMean}, undef, 'nor for unknown words';
	finds('"over sunrise" leeds', [], 'a word beside it does not widen it');
	finds('"blade" leeds empty', [], 'nor do two');
	is search('sunrize "over the"')->{didYouMean}, 'sunrise "over the"',
	    'a correction keeps the quotation marks';
	is search('sunrize -"over the"')->{didYouMean}, 'sunrise -"over the"', 'and exclusions';
};

$mn->psql("DELETE FROM media WHERE '$mark' = ANY (tags)");
done_testing;
