package MediaNest::PlexServer::Library;
# What the stand-in has: sections with items that a test names one by one, and with generated ones,
# which are a function of their number and take no memory.
#
# A generated section of n items is n movies; or shows of two seasons and twenty episodes; or
# artists of two albums and twenty tracks. Its keys are a base, plus a part for the kind, plus the
# number of the item.
use strict;
use warnings;
use JSON::PP;
use List::Util qw(first);

use constant {
	T0 => 1_600_000_000,		# addedAt of the first item
	BASE => 10_000_000,		# keys of a generated section
	PART => 2_000_000,		# of them for each kind
	NAMED => 900_000_000,		# keys of items that are added without one
	REKEY => 100_000_000,
	PER_GROUP => 10,		# episodes of a season
	GROUPS => 2,			# seasons of a show
};

my $JSON = JSON::PP->new->utf8->canonical->allow_nonref;

our %KINDS = (movie => ['movie'], show => [qw(show season episode)],
    artist => [qw(artist album track)], photo => []);
our %NUMBER = (movie => 1, show => 2, season => 3, episode => 4, artist => 8, album => 9,
    track => 10);
our %LABEL = (movie => 'Movie', show => 'Show', artist => 'Artist', album => 'Album',
    track => 'Track');

sub new {
	my ($class, %own) = @_;
	return bless { %own, sections => {}, order => [], items => {}, next => NAMED,
	    version => '1.41.0', playing => 0, viewed => 0 }, $class;
}

my @STATE = qw(machine token name sections order items next version playing
    viewed);

sub dump { my $self = shift; return { map { $_ => $self->{$_} } @STATE } }

sub restore {
	my ($self, $state) = @_;
	@$self{@STATE} = @$state{@STATE};
	return;
}

# --- sections -----------------------------------------------------------------------------------

sub section {
	my ($self, $key, $type, $title, $more) = @_;
	push @{ $self->{order} }, $key if !$self->{sections}{$key};
	$self->{sections}{$key} = { key => "$key", type => $type, title => $title // "Section $key",
	    agent => $type eq 'artist' ? 'tv.plex.agents.music' :
	    $type eq 'show' ? 'tv.plex.agents.series' : "tv.plex.agents.$type",
	    scanner => 'Plex Scanner', language => 'en-US', uuid => sprintf('%08d-0000', scalar
	    @{ $self->{order} }), %{ $more // {} },
	    _hex => sprintf('%010x', scalar
	    @{ $self->{order} }), _gen => {}, _base => BASE * @{ $self->{order} },
	    _removed => {}, _named => {}, _over => {} };
	return $key;
}

sub drop_section {
	my ($self, $key) = @_;
	my $section = delete $self->{sections}{$key} or die "no section $key";
	delete $self->{items}{$_} for map { @$_ } values %{ $section->{_named} };
	$self->{order} = [ grep { $_ ne $key } @{ $self->{order} } ];
	return 1;
}

sub sections { my $self = shift; return map { $self->{sections}{$_} } @{ $self->{order} } }

sub generate {
	my ($self, $key, $n) = @_;
	my $section = $self->{sections}{$key} // die "no section $key";
	my ($top, $group, $leaf) = @{ $KINDS{ $section->{type} } };
	my $tops = int($n / (1 + GROUPS + GROUPS * PER_GROUP)) || 1;
	$section->{_gen} = defined $group ?
	    { $top => $tops, $group => GROUPS * $tops, $leaf => $n - (1 + GROUPS) * $tops } :
	    { $top => $n };
	$section->{_removed} = {};
	return $section->{_gen};
}

# Every item has another key.
sub rekey {
	my ($self, $key) = @_;
	my $section = $self->{sections}{$key};
	my %over = %{ $section->{_over} };
	$section->{_base} += REKEY;
	$section->{_over} = { map { $_ + REKEY => { %{ $over{$_} }, ratingKey => $_ + REKEY . '' } }
	    CORE::keys %over };
	for my $named (values %{ $section->{_named} }) {
		$self->move($_, $self->{next}++) for my @now = @$named;
	}
	return 1;
}

# --- generated items ----------------------------------------------------------------------------

my %MAKE = (
    movie => sub {
	my ($s, $i, $key) = @_;
	return sprintf '{"ratingKey":"%d","key":"/library/metadata/%d",'
	    . '"guid":"plex://movie/%s%014x",'
	    . '"type":"movie","title":"Movie %07d","summary":"What happens in movie %d.","year":%d,'
	    . '"duration":%d,"thumb":"/library/metadata/%d/thumb/1","addedAt":%d,"updatedAt":%d,'
	    . '"librarySectionID":%s,"Genre":[{"tag":"Drama"}]', $key, $key, $s->{_hex}, $i, $i, $i,
	    1950 + $i % 75, 5_000_000 + $i % 3_000_000, $key, T0 + $i, T0 + $i, $s->{key};
    },
    show => sub {
	my ($s, $i, $key) = @_;
	return sprintf '{"ratingKey":"%d","key":"/library/metadata/%d/children",'
	    . '"guid":"plex://show/%s%014x","type":"show","title":"Show %05d","year":%d,'
	    . '"thumb":"/library/metadata/%d/thumb/1","addedAt":%d,"updatedAt":%d,'
	    . '"librarySectionID":%s', $key, $key, $s->{_hex}, $i, $i, 1950 + $i % 75, $key,
	    T0 + $i, T0 + $i, $s->{key};
    },
    season => sub {
	my ($s, $i, $key) = @_;
	my $top = int($i / GROUPS);
	return sprintf '{"ratingKey":"%d","key":"/library/metadata/%d/children",'
	    . '"guid":"plex://season/%s%014x","type":"season","title":"Season %d","index":%d,'
	    . '"parentRatingKey":"%d","parentTitle":"Show %05d","addedAt":%d,"updatedAt":%d,'
	    . '"librarySectionID":%s', $key, $key, $s->{_hex}, $i, 1 + $i % GROUPS, 1 + $i % GROUPS,
	    $s->{_base} + $top, $top, T0 + $i, T0 + $i, $s->{key};
    },
    episode => sub {
	my ($s, $i, $key) = @_;
	my $group = _group_of($s, $i);
	my $top = int($group / GROUPS);
	return sprintf '{"ratingKey":"%d","key":"/library/metadata/%d",'
	    . '"guid":"plex://episode/%s%014x",'
	    . '"type":"episode","title":"Episode %07d","index":%d,"parentIndex":%d,'
	    . '"parentRatingKey":"%d","parentTitle":"Season %d","grandparentRatingKey":"%d",'
	    . '"grandparentTitle":"Show %05d","duration":%d,"thumb":"/library/metadata/%d/thumb/1",'
	    . '"addedAt":%d,"updatedAt":%d,"librarySectionID":%s', $key, $key, $s->{_hex}, $i, $i,
	    1 + $i - $group * PER_GROUP, 1 + $group % GROUPS, $s->{_base} + PART + $group,
	    1 + $group % GROUPS, $s->{_base} + $top, $top, 2_400_000 + $i % 600_000, $key, T0 + $i,
	    T0 + $i, $s->{key};
    },
    artist => sub {
	my ($s, $i, $key) = @_;
	return sprintf '{"ratingKey":"%d","key":"/library/metadata/%d/children",'
	    . '"guid":"plex://artist/%s%014x","type":"artist","title":"Artist %05d","addedAt":%d,'
	    . '"updatedAt":%d,"librarySectionID":%s', $key, $key, $s->{_hex}, $i, $i, T0 + $i,
	    T0 + $i, $s->{key};
    },
    album => sub {
	my ($s, $i, $key) = @_;
	my $top = int($i / GROUPS);
	return sprintf '{"ratingKey":"%d","key":"/library/metadata/%d/children",'
	    . '"guid":"plex://album/%s%014x","type":"album","title":"Album %06d","index":1,'
	    . '"parentRatingKey":"%d","parentTitle":"Artist %05d","year":%d,'
	    . '"thumb":"/library/metadata/%d/thumb/1","addedAt":%d,"updatedAt":%d,'
	    . '"librarySectionID":%s', $key, $key, $s->{_hex}, $i, $i, $s->{_base} + $top, $top,
	    1950 + $i % 75, $key, T0 + $i, T0 + $i, $s->{key};
    },
    track => sub {
	my ($s, $i, $key) = @_;
	my $group = _group_of($s, $i);
	my $top = int($group / GROUPS);
	return sprintf '{"ratingKey":"%d","key":"/library/metadata/%d",'
	    . '"guid":"plex://track/%s%014x",'
	    . '"type":"track","title":"Track %07d","index":%d,"parentIndex":1,'
	    . '"parentRatingKey":"%d","parentTitle":"Album %06d","grandparentRatingKey":"%d",'
	    . '"grandparentTitle":"Artist %05d","duration":%d,"addedAt":%d,"updatedAt":%d,'
	    . '"librarySectionID":%s', $key, $key, $s->{_hex}, $i, $i, 1 + $i - $group * PER_GROUP,
	    $s->{_base} + PART + $group, $group, $s->{_base} + $top, $top, 180_000 + $i % 120_000,
	    T0 + $i, T0 + $i, $s->{key};
    },
);

# The season of an episode: what does not fill a season of its own goes into the last one.
sub _group_of {
	my ($s, $i) = @_;
	my $group = int($i / PER_GROUP);
	my $groups = $s->{_gen}{season} // $s->{_gen}{album};
	return $group < $groups ? $group : $groups - 1;
}

sub _kind_base {
	my ($s, $kind) = @_;
	my $kinds = $KINDS{ $s->{type} };
	my ($at) = grep { $kinds->[$_] eq $kind } 0 .. $#$kinds;
	return $s->{_base} + PART * $at;
}

# Section, kind and number of a generated item's key; nothing for another one.
sub _generated {
	my ($self, $key) = @_;
	return if $key !~ /^\d+$/;
	for my $s ($self->sections) {
		for my $kind (CORE::keys %{ $s->{_gen} }) {
			my $i = $key - _kind_base($s, $kind);
			next if $i < 0 || $i >= $s->{_gen}{$kind};
			my $removed = $s->{_removed}{$kind} // [];
			my $at = _below($removed, $i);
			return if ($removed->[$at] // -1) == $i;
			return ($s, $kind, $i);
		}
	}
	return;
}

# How many of a sorted list are below a number.
sub _below {
	my ($list, $number) = @_;
	my ($low, $high) = (0, scalar @$list);
	while ($low < $high) {
		my $middle = ($low + $high) >> 1;
		if ($list->[$middle] < $number) { $low = $middle + 1 } else { $high = $middle }
	}
	return $low;
}

# The number of the generated item at a place of the listing.
sub _number_at {
	my ($removed, $place) = @_;
	my ($low, $high) = (0, scalar @$removed);
	while ($low < $high) {
		my $middle = ($low + $high) >> 1;
		if ($removed->[$middle] - $middle <= $place) { $low = $middle + 1 }
		else { $high = $middle }
	}
	return $place + $low;
}

sub _make {
	my ($s, $kind, $i, $guids) = @_;
	return $MAKE{$kind}->($s, $i, _kind_base($s, $kind) + $i) . _guids($kind, $i, $guids) . '}';
}

sub _guids {
	my ($kind, $i, $guids) = @_;
	return '' if !$guids || $kind ne 'movie' && $kind ne 'show' && $kind ne 'episode';
	return sprintf ',"Guid":[{"id":"imdb://tt%07d"},{"id":"tmdb://%d"}]', $i + 1, $i + 1;
}

# --- items --------------------------------------------------------------------------------------

sub add {
	my ($self, $section, $fields) = @_;
	my $s = $self->{sections}{$section} // die "no section $section";
	my $key = $fields->{ratingKey} // $self->{next}++;
	my $kind = $fields->{type} // $KINDS{ $s->{type} }[0];
	my $at = T0 + $key % 100_000_000;
	die "there is an item $key" if $self->{items}{$key} || $self->_generated($key);
	my %item = (guid => sprintf('plex://%s/%024x', $kind, $key), title => "$kind $key",
	    summary => "Of $kind $key.", thumb => "/library/metadata/$key/thumb/$at",
	    addedAt => $at, updatedAt => $at,
	    $kind =~ /^(?:movie|episode|track)$/ ? (duration => 3_600_000) : (),
	    $self->_from_parents($fields), %$fields, type => $kind, ratingKey => "$key",
	    librarySectionID => $s->{key} =~ /^\d+$/ ? $s->{key} + 0 : $s->{key});
	$self->{items}{$key} = { section => $s->{key}, kind => $kind, fields => \%item };
	my $named = $s->{_named}{$kind} //= [];
	splice @$named, _below($named, $key), 0, $key;
	return "$key";
}

sub _from_parents {
	my ($self, $fields) = @_;
	my $parent = $self->item($fields->{parentRatingKey} // return) // return;
	return (parentTitle => $parent->{title}, parentIndex => $parent->{index},
	    $parent->{parentRatingKey} ? (grandparentRatingKey => $parent->{parentRatingKey},
	    grandparentTitle => $parent->{parentTitle}) : ());
}

# The fields of an item; undef where it is not there.
sub item {
	my ($self, $key) = @_;
	my $named = $self->{items}{$key};
	return $named->{fields} if $named;
	my ($s, $kind, $i) = $self->_generated($key);
	return undef if !$s;
	return $s->{_over}{$key} // $JSON->decode(_make($s, $kind, $i, 1));
}

sub change {
	my ($self, $key, $fields) = @_;
	my $item = $self->item($key) // die "no item $key";
	my %new = (%$item, updatedAt => ($item->{updatedAt} // T0) + 1, %$fields);
	if ($self->{items}{$key}) {
		$self->{items}{$key}{fields} = \%new;
		delete $self->{items}{$key}{text};
	} else {
		($self->_generated($key))[0]{_over}{$key} = \%new;
	}
	return 1;
}

# With everything below it, as Plex does.
sub remove {
	my ($self, $key) = @_;
	$self->item($key) // die "no item $key";
	$self->remove($_) for $self->children($key);
	return $self->_remove_one($key);
}

sub _remove_one {
	my ($self, $key) = @_;
	if (my $named = delete $self->{items}{$key}) {
		my $list = $self->{sections}{ $named->{section} }{_named}{ $named->{kind} };
		splice @$list, _below($list, $key), 1;
		return 1;
	}
	my ($s, $kind, $i) = $self->_generated($key);
	my $removed = $s->{_removed}{$kind} //= [];
	splice @$removed, _below($removed, $i), 0, $i;
	delete $s->{_over}{$key};
	return 1;
}

# The same thing with another key; what is below it follows.
sub move {
	my ($self, $key, $new) = @_;
	my $item = $self->item($key) // die "no item $key";
	my $section = $item->{librarySectionID};
	my @children = $self->children($key);
	$self->_remove_one($key);
	$self->add($section, { %$item, ratingKey => $new });
	$self->change($_, { parentRatingKey => "$new", updatedAt => $self->item($_)->{updatedAt} })
	    for @children;
	return "$new";
}

sub children {
	my ($self, $key) = @_;
	my @named = grep { ($self->{items}{$_}{fields}{parentRatingKey} // '') eq $key }
	    sort { $a <=> $b } CORE::keys %{ $self->{items} };
	my ($s, $kind, $i) = $self->_generated($key);
	return @named if !$s;
	my $kinds = $KINDS{ $s->{type} };
	my $at = first { $kinds->[$_] eq $kind } 0 .. $#$kinds;
	my $below = $kinds->[ $at + 1 ] // return @named;
	my ($from, $to) = $at == 0 ? ($i * GROUPS, ($i + 1) * GROUPS - 1) :
	    ($i * PER_GROUP, ($i + 1) * PER_GROUP - 1);
	$to = $s->{_gen}{$below} - 1 if $i == $s->{_gen}{$kind} - 1 || $to >= $s->{_gen}{$below};
	my $base = _kind_base($s, $below);
	return ((grep { $self->_generated($_) } map { $base + $_ } $from .. $to), @named);
}

sub shrink {
	my ($self, $section, $n) = @_;
	my $s = $self->{sections}{$section};
	for my $kind (reverse @{ $KINDS{ $s->{type} } }) {
		my @keys = $self->keys_of($section, $kind);
		$self->_remove_one($_) for splice @keys, $n < @keys ? $n : scalar @keys;
	}
	return 1;
}

# --- listings -----------------------------------------------------------------------------------

sub count {
	my ($self, $s, $kind) = @_;
	return ($s->{_gen}{$kind} // 0) - @{ $s->{_removed}{$kind} // [] } +
	    @{ $s->{_named}{$kind} // [] };
}

# Calls for each item of a part of the listing by key: $named->(key) or $generated->(number, key).
sub walk {
	my ($self, $s, $kind, $start, $size, $named, $generated) = @_;
	my ($names, $removed) = ($s->{_named}{$kind} // [], $s->{_removed}{$kind} // []);
	my $base = _kind_base($s, $kind);
	my $n = ($s->{_gen}{$kind} // 0) - @$removed;
	# The places of the named items among the generated ones.
	my @place = map {
		my $below = $names->[$_] - $base;
		$below = 0 if $below < 0;
		my $all = $s->{_gen}{$kind} // 0;
		$below = $all if $below > $all;
		$below - _below($removed, $below) + $_;
	} 0 .. $#$names;
	my $next = _below(\@place, $start);
	my $place = $start - $next;
	my $i = _number_at($removed, $place);
	my $gone = _below($removed, $i);
	my $end = $start + $size;
	for (my $at = $start; $at < $end; $at++) {
		if ($next < @place && $place[$next] == $at) {
			$named->($names->[ $next++ ]);
			next;
		}
		last if $place++ >= $n;
		while ($gone < @$removed && $removed->[$gone] == $i) { $gone++; $i++ }
		$generated->($i, $base + $i);
		$i++;
	}
	return;
}

sub keys_of {
	my ($self, $section, $kind) = @_;
	my $s = $self->{sections}{$section} // die "no section $section";
	my @keys;
	my $push = sub { push @keys, "$_[-1]" };
	for my $one ($kind // @{ $KINDS{ $s->{type} } }) {
		$self->walk($s, $one, 0, $self->count($s, $one), $push, $push);
	}
	return wantarray ? @keys : \@keys;
}

# The texts of a part of a listing by key.
sub texts {
	my ($self, $s, $kind, $start, $size, $guids) = @_;
	my ($over, $make, @texts) = ($s->{_over}, $MAKE{$kind});
	$self->walk($s, $kind, $start, $size, sub {
		push @texts, $self->text($_[0], $guids);
	}, sub {
		push @texts, exists $over->{ $_[1] } ? encode($over->{ $_[1] }, $guids) :
		    $make->($s, @_) . _guids($kind, $_[0], $guids) . '}';
	});
	return \@texts;
}

sub text {
	my ($self, $key, $guids) = @_;
	my $named = $self->{items}{$key};
	return encode($self->item($key), $guids) if !$named;
	return $named->{text}{ $guids ? 1 : 0 } //= encode($named->{fields}, $guids);
}

# Fields as Plex writes them: undef is absent, Guid only when asked for.
sub encode {
	my ($fields, $guids) = @_;
	return $fields->{_raw} if defined $fields->{_raw};
	return $JSON->encode(shaped($fields, $guids));
}

sub shaped {
	my ($fields, $guids) = @_;
	my %item = map { $_ => $fields->{$_} } grep { defined $fields->{$_} } CORE::keys %$fields;
	$item{key} //= "/library/metadata/$item{ratingKey}" .
	    ($item{type} =~ /^(?:movie|episode|track)$/ ? '' : '/children')
	    if defined $item{ratingKey} && defined $item{type};
	$item{Guid} = [ map { ref $_ ? $_ : { id => $_ } } @{ $item{Guid} } ] if ref $item{Guid};
	$item{Genre} = [ map { ref $_ ? $_ : { tag => $_ } } @{ $item{Genre} } ]
	    if ref $item{Genre};
	delete $item{Guid} if !$guids;
	return \%item;
}

1;
