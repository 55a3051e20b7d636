package MediaNest::PlexServer::Answers;
# What the stand-in says to a request, and the faults that spoil it.
use strict;
use warnings;
use JSON::PP;
use List::Util qw(first shuffle);
use MIME::Base64 qw(decode_base64);
use MediaNest::PlexServer::Library;
use Time::HiRes qw(time);

use constant { SEARCH_MAX => 20_000, CONTAINER_SIZE => 100_000 };

my $JSON = JSON::PP->new->utf8->canonical->allow_nonref;
my %CONTROL = map { $_ => 1 } qw(section drop_section add change remove move generate rekey shrink
    dump keys_of item);
my %KIND_OF = reverse %MediaNest::PlexServer::Library::NUMBER;
my $HTML = '<html><head><title>%d</title></head><body>A proxy says %d.</body></html>';
my $POSTER = decode_base64(join '', <DATA>);

sub new {
	my ($class, $library) = @_;
	return bless { library => $library, faults => [], requests => [] }, $class;
}

# --- control ------------------------------------------------------------------------------------

sub control {
	my ($self, $name, @arguments) = @_;
	my $library = $self->{library};
	if ($CONTROL{$name}) { my $said = $library->$name(@arguments); return $said }
	return $self->{requests} if $name eq 'requests';
	return $self->{requests} = [] if $name eq 'forget';
	return $library->{machine} = $arguments[0] if $name eq 'reinstall';
	return $library->{token} = $arguments[0] if $name eq 'new_token';
	return $library->{playing} = $arguments[0] if $name eq 'playing';
	return $library->{viewed} = $arguments[0] if $name eq 'viewed';
	if ($name eq 'fault') {
		push @{ $self->{faults} }, { %{ $arguments[1] // {} }, kind => $arguments[0] };
		return 1;
	}
	if ($name eq 'heal') {
		$self->{faults} = defined $arguments[0] ?
		    [ grep { $_->{kind} ne $arguments[0] } @{ $self->{faults} } ] : [];
		return 1;
	}
	die "unknown: $name\n";
}

# --- requests -----------------------------------------------------------------------------------

sub answer {
	my ($self, $method, $target, $header) = @_;
	my ($path, $query) = split /\?/, $target, 2;
	my %query = map { my ($name, $value) = split /=/, $_, 2;
	    (_decoded($name) => _decoded($value)) } split /&/, $query // '';
	my %r = (method => $method, path => $path, query => $query // '', in => \%query,
	    token => $query{'X-Plex-Token'} // $header->{'x-plex-token'},
	    start => $query{'X-Plex-Container-Start'} // $header->{'x-plex-container-start'} // 0,
	    size => $query{'X-Plex-Container-Size'} // $header->{'x-plex-container-size'},
	    json => scalar(($header->{accept} // '') =~ m{application/json}), at => time);
	my $answer = $self->_spoilt(\%r);
	push @{ $self->{requests} }, { (map { $_ => $r{$_} }
	    qw(method path query start size token at)), status => $answer->{status} };
	return $answer;
}

sub _decoded { return ($_[0] // '') =~ tr/+/ /r =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger }

# The faults that this request meets, each counted.
sub _faults {
	my ($self, $r) = @_;
	my %met;
	for my $fault (@{ $self->{faults} }) {
		next if defined $fault->{path} && $r->{path} !~ /$fault->{path}/;
		next if defined $fault->{query} && $r->{query} !~ /$fault->{query}/;
		next if defined $fault->{start} && $r->{start} != $fault->{start};
		next if $fault->{skip} && $fault->{skip}-- > 0;
		next if defined $fault->{times} && $fault->{times}-- <= 0;
		$met{ $fault->{kind} } //= $fault;
	}
	return \%met;
}

sub _spoilt {
	my ($self, $r) = @_;
	my $fault = $r->{fault} = $self->_faults($r);
	my $page = sub { return { status => $_[0], type => 'text/html',
	    body => sprintf $HTML, $_[0], $_[0] } };
	my $json = sub { return { status => 200, type => 'application/json', body => $_[0] } };
	my $answer =
	    $fault->{down} ? { down => 1, status => 0 } :
	    $fault->{hang} ? { hang => 1, status => 0 } :
	    $fault->{unauthorized} && $r->{path} ne '/identity' ? $page->(401) :
	    $fault->{status} ? $page->($fault->{status}{code}) :
	    $fault->{redirect} ? { %{ $page->(302) },
		location => "$fault->{redirect}{to}$r->{path}?$r->{query}" } :
	    $fault->{html} ? $page->(200) :
	    $fault->{empty} ? $json->('') :
	    $fault->{nonsense} ? $json->('{"ok":true}') :
	    $fault->{bare} ? $json->('{"MediaContainer":{}}') :
	    $fault->{too_large} && ($r->{size} // CONTAINER_SIZE) > $fault->{too_large}{max} ?
	    $page->(500) : $self->_route($r);
	$answer->{cut} = 1 if $fault->{cut};
	$answer->{ms} = $fault->{slow}{ms} if $fault->{slow};
	$self->_shift($fault->{shift}) if $fault->{shift} && $r->{page};
	return $answer;
}

# Somebody changes the library between two pages.
sub _shift {
	my ($self, $how) = @_;
	my ($library, $section) = ($self->{library}, $how->{section});
	my $kind = $how->{type} //
	    $MediaNest::PlexServer::Library::KINDS{ $library->{sections}{$section}{type} }[-1];
	my @keys = $how->{remove} ? $library->keys_of($section, $kind) : ();
	$library->remove($_) for splice @keys, 0, $how->{remove} // 0;
	$library->add($section, { type => $kind }) for 1 .. $how->{add} // 0;
	return;
}

sub _route {
	my ($self, $r) = @_;
	my ($library, $path) = ($self->{library}, $r->{path});
	my $known = defined $r->{token} && $r->{token} eq $library->{token};
	return _error(404) if $r->{method} ne 'GET' && $r->{method} ne 'HEAD';
	return $self->_container($r, { size => 0, claimed => JSON::PP::true,
	    machineIdentifier => $library->{machine}, version => $library->{version} })
	    if $path eq '/identity';
	return _error(401) if !$known;
	return $self->_root($r) if $path eq '/';
	return $self->_container($r, { size => 3, title1 => 'Plex Library', identifier =>
	    'com.plexapp.plugins.library', Directory => [] }) if $path =~ m{^/library/?$};
	return $self->_sections($r) if $path =~ m{^/library/sections(?:/all)?/?$};
	return $self->_page($r, $1) if $path =~ m{^/library/sections/([^/]+)/all$};
	return { status => 200, type => 'image/jpeg', body => $POSTER }
	    if $path =~ m{^/library/metadata/(\d+)/(?:thumb|art)(?:/\d+)?$} && $library->item($1)
	    || $path eq '/photo/:/transcode'
	    && ($r->{in}{url} // '') =~ m{^/library/metadata/(\d+)/} && $library->item($1);
	return $self->_items($r, split /,/, $1) if $path =~ m{^/library/metadata/([\d,]+)$};
	return $self->_children($r, $1) if $path =~ m{^/library/metadata/(\d+)/children$};
	return $self->_playing($r) if $path eq '/status/sessions';
	return $self->_history($r) if $path eq '/status/sessions/history/all';
	return $self->_search($r) if $path eq '/hubs/search';
	return _error(404);
}

sub _error {
	my ($status) = @_;
	return { status => $status, type => 'text/html', body =>
	    "<html><head><title>$status</title></head><body><h1>$status</h1></body></html>" };
}

sub _root {
	my ($self, $r) = @_;
	my $library = $self->{library};
	return $self->_container($r, { size => 0, friendlyName => $library->{name},
	    machineIdentifier => $library->{machine}, version => $library->{version},
	    allowSync => JSON::PP::true, myPlex => JSON::PP::true, multiuser => JSON::PP::true,
	    platform => 'Linux', hubSearch => JSON::PP::true,
	    ownerFeatures => 'webhooks,pass', Directory => [ map { { count => 1, key => $_,
	    title => $_ } } qw(hubs library search) ] });
}

sub _sections {
	my ($self, $r) = @_;
	my @list = map { my $s = $_; +{ (map { $_ => "$s->{$_}" } grep { !/^_/ } keys %$s),
	    refreshing => JSON::PP::false, createdAt => 1_600_000_000, filters => JSON::PP::true,
	    Location => [ { id => 1, path => "/media/$s->{key}" } ] } } $self->{library}->sections;
	return $self->_container($r, { size => scalar @list, allowSync => JSON::PP::false,
	    title1 => 'Plex Library', Directory => \@list });
}

# --- pages --------------------------------------------------------------------------------------

sub _page {
	my ($self, $r, $key) = @_;
	my ($library, $in, $fault) = ($self->{library}, $r->{in}, $r->{fault});
	my $s = $library->{sections}{$key} or return _error(404);
	$r->{start} = 0 if $fault->{stuck};
	my $kind = defined $in->{type} ? $KIND_OF{ $in->{type} } :
	    $MediaNest::PlexServer::Library::KINDS{ $s->{type} }[0];
	my $mine = first { $_ eq ($kind // '') }
	    @{ $MediaNest::PlexServer::Library::KINDS{ $s->{type} } };
	my ($texts, $total) = !$mine || $fault->{vanished} ? ([], 0) : $self->_texts($r, $s, $kind);
	$texts = [ map { s/\}\z/,"deletedAt":1700000000}/r } @$texts ] if $fault->{trashed};
	$r->{page} = 1;
	$total += $fault->{total}{add} if $fault->{total};
	return $self->_container($r, { size => scalar @$texts, allowSync => JSON::PP::true,
	    librarySectionID => $s->{key}, librarySectionTitle => $s->{title}, viewGroup => $kind,
	    defined $r->{size} && !$fault->{no_total} && !$fault->{stuck} ?
	    (totalSize => $total, offset => $r->{start} + 0) : () }, $texts);
}

# Those of the page, and how many there are in all.
sub _texts {
	my ($self, $r, $s, $kind) = @_;
	my ($library, $in) = ($self->{library}, $r->{in});
	my ($field, $way) = ($in->{sort} // 'titleSort') =~ /^(?:\w+\.)?(\w+)(?::(\w+))?$/;
	my $after = $in->{'addedAt>>'} // $in->{'addedAt>'};
	my $total = $library->count($s, $kind);
	my $size = $r->{size} // CONTAINER_SIZE;
	return ($library->texts($s, $kind, $r->{start}, $size, $in->{includeGuids}), $total)
	    if ($field // '') eq 'id' && ($way // 'asc') ne 'desc' && !defined $after
	    && !$r->{fault}{unsorted};
	my @keys = @{ $self->_sorted($s, $kind, $field // '', $way // 'asc', $after) };
	@keys = shuffle @keys if $r->{fault}{unsorted};
	my $from = $r->{start} > @keys ? scalar @keys : $r->{start};
	$total = @keys;
	return ([ map { $library->text($_, $in->{includeGuids}) } splice @keys, $from, $size ],
	    $total);
}

sub _sorted {
	my ($self, $s, $kind, $field, $way, $after) = @_;
	my $library = $self->{library};
	my @items = map { my $item = $library->item($_); [ $_, $field eq 'id' ? $_ :
	    $item->{$field} // ($field eq 'addedAt' ? 0 : lc($item->{title} // '')),
	    $item->{addedAt} // 0 ] } $library->keys_of($s->{key}, $kind);
	@items = grep { $_->[2] > $after } @items if defined $after;
	@items = $field =~ /^(?:id|addedAt|updatedAt|year|duration)$/ ?
	    sort { $a->[1] <=> $b->[1] || $a->[0] <=> $b->[0] } @items :
	    sort { $a->[1] cmp $b->[1] || $a->[0] <=> $b->[0] } @items;
	@items = reverse @items if $way eq 'desc';
	return [ map { $_->[0] } @items ];
}

sub _items {
	my ($self, $r, @keys) = @_;
	my @there = grep { $self->{library}->item($_) } @keys;
	return _error(404) if !@there;
	return $self->_list($r, \@there, 1);
}

sub _list {
	my ($self, $r, $keys, $guids, %more) = @_;
	return $self->_container($r, { size => scalar @$keys, %more },
	    [ map { $self->{library}->text($_, $guids) } @$keys ]);
}

sub _children {
	my ($self, $r, $key) = @_;
	return _error(404) if !$self->{library}->item($key);
	return $self->_list($r, [ $self->{library}->children($key) ], $r->{in}{includeGuids});
}

sub _playing {
	my ($self, $r) = @_;
	my $n = $self->{library}{playing};
	return $self->_container($r, { size => $n }, [ map { $JSON->encode({ ratingKey => "$_",
	    type => 'movie', title => "Played $_", sessionKey => "$_", viewOffset => 1000,
	    User => [ { id => '1', title => 'somebody' } ],
	    Player => [ { title => 'TV', state => 'playing', product => 'Plex' } ],
	    Session => [ { id => "s$_", bandwidth => 1000, location => 'lan' } ] }) } 1 .. $n ]);
}

sub _history {
	my ($self, $r) = @_;
	my $at = $self->{library}{viewed};
	return $self->_container($r, { size => $at ? 1 : 0 }, [ $at ? $JSON->encode({
	    historyKey => '/status/sessions/history/1', ratingKey => '1', title => 'Seen',
	    type => 'movie', viewedAt => $at, accountID => 1, deviceID => 1 }) : () ]);
}

sub _search {
	my ($self, $r) = @_;
	my ($library, $word) = ($self->{library}, lc($r->{in}{query} // ''));
	my $limit = $r->{in}{limit} || 3;
	utf8::decode($word);
	my %found;
	for my $s ($library->sections) {
		for my $kind (@{ $MediaNest::PlexServer::Library::KINDS{ $s->{type} } }) {
			next if $library->count($s, $kind) > SEARCH_MAX;
			for my $key ($library->keys_of($s->{key}, $kind)) {
				next if @{ $found{$kind} //= [] } >= $limit;
				push @{ $found{$kind} }, $key
				    if index(lc($library->item($key)->{title} // ''), $word) >= 0;
			}
		}
	}
	my @hubs = map { $self->_hub($_, $found{$_} // []) }
	    qw(movie show season episode artist album track);
	return $self->_container($r, { size => scalar @hubs, Hub => \@hubs });
}

sub _hub {
	my ($self, $kind, $keys) = @_;
	my @items = map { MediaNest::PlexServer::Library::shaped($self->{library}->item($_), 1) }
	    @$keys;
	return { hubIdentifier => $kind, type => $kind, title => ucfirst $kind,
	    size => scalar @items, more => JSON::PP::false, @items ? (Metadata => \@items) : () };
}

# --- JSON and XML -------------------------------------------------------------------------------

# Texts are the items of Metadata, which is absent without any.
sub _container {
	my ($self, $r, $container, $texts) = @_;
	return _xml($container, $texts) if !$r->{json};
	my $body = $JSON->encode($container);
	$body =~ s/\}\z/',"Metadata":[' . join(',', @$texts) . ']}'/e if $texts && @$texts;
	return { status => 200, type => 'application/json', body => qq({"MediaContainer":$body}) };
}

my %TAG = (map({ $_ => 'Directory' } qw(show season artist album)),
    map({ $_ => 'Video' } qw(movie episode)), track => 'Track');

sub _xml {
	my ($container, $texts) = @_;
	my %root = (%$container, $texts ? (_items => [ map { $JSON->decode($_) } @$texts ]) : ());
	my $body = qq(<?xml version="1.0" encoding="UTF-8"?>\n) .
	    _element('MediaContainer', \%root);
	utf8::encode($body);
	return { status => 200, type => 'text/xml;charset=utf-8', body => $body };
}

sub _element {
	my ($tag, $fields) = @_;
	my ($attributes, $inside) = ('', '');
	for my $name (sort keys %$fields) {
		my $value = $fields->{$name};
		if (ref $value eq 'ARRAY') {
			$inside .= _element($name eq '_items' || $name eq 'Metadata' ?
			    $TAG{ $_->{type} // '' } // 'Video' : $name, $_) for @$value;
			next;
		}
		$value = $value ? 1 : 0 if JSON::PP::is_bool($value);
		$value =~ s/([&<>"\x00-\x1f])/'&#' . ord($1) . ';'/ge;
		$attributes .= qq( $name="$value");
	}
	return $inside eq '' ? "<$tag$attributes/>\n" : "<$tag$attributes>\n$inside</$tag>\n";
}

1;
__DATA__
/9j/4AAQSkZJRgABAgAAAQABAAD//gAQTGF2YzU5LjM3LjEwMAD/2wBDAAgoKC8oLzc3Nzc3N0E8
QUNDQ0FBQUFDQ0NISEhVVVVISEhDQ0hIUFBVVVxfXFdXVVdfX2RkZHh4c3OMjJGsrM//xABWAAEB
AQEBAAAAAAAAAAAAAAAFAAQHAgEAAwEBAQEAAAAAAAAAAAAAAAQFAwIHARABAQAAAAAAAAAAAAAA
AAAAABERAQEAAAAAAAAAAAAAAAAAAAAR/8AAEQgAYABAAwESAAISAAMSAP/aAAwDAQACEQMRAD8A
4c0R6AWpV2ztMMla4aMzVDRSs2jK1w2TrNqyNkOE6yasbbDhKsmrE3Q6RrJswt8PEKxbEYZibUam
DQeGYsVGpU2HhmLFRqVNB4ZixUalYbDwxFio1KGxEMRYqNSpoRDEWKjUqbEQxFio1KmiUMRNqNTB
sRDEWKjUobEQxFio1KmhEMRYqNSpsRDEWKjUqagiGIsVGpU2IhiLFRqUNiIYixUalTRKF4m1Ipg0
JhaK1SKVNCoWitUiljImForVJpY0LhWKtSaWMioVirUqljIuFVSpRcwLhRVqUXMPSch9CQACQACQ
ACQACQACQACQACQACQACQACQACQACQACQACQAD//2Q==
