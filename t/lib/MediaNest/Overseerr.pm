package MediaNest::Overseerr;
# A stand-in for Overseerr and Seerr, with their rules: a key, X-API-User, permissions, quotas,
# lists of ten, requests that exist already, and the trap of a user id in the body.
#
#   my $o = MediaNest::Overseerr->start;
#   my $mn = MediaNest::Test->stack(set => { $o->settings });   # outbound.allow
#   $o->{url}; $o->{key};
#   $o->user(2, name => 'ada', plexId => 7, permissions => 32, quota => { movie => [2, 7] });
#   $o->title(movie => 603, 'The Matrix', '1999-03-31');   # poster => path, info => {mediaInfo}
#   $o->with_4k('movie', 'series');
#   $o->request(12, by => 2, tmdbId => 603, status => 1, media => 2);   # adds or changes
#   $o->remove(12);
#   $o->fault(mute => 1);           # see _fault(); heal() ends all of them
#   $o->requests;                   # what it was asked: [{method, path, user, body}]
#   $o->state;                      # {requests => {id => {...}}, users => {...}}
#   $o->stop;
use strict;
use warnings;
use parent 'MediaNest::StandIn';
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP;
use POSIX ();
use Time::HiRes qw(sleep time);

use constant { ADMIN => 2, MANAGE_USERS => 8, MANAGE_REQUESTS => 16, PAGE => 10 };

my $JSON = JSON::PP->new->utf8->canonical->allow_nonref;

sub start {
	my ($class, %option) = @_;
	my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
	    LocalPort => $option{port} // 0, Listen => 64, ReuseAddr => 1)
	    or die "listen: $!";
	my $self = bless { port => $listener->sockport, owner => $$, key => 'overseerr-key-4711' },
	    $class;
	$self->{url} = "http://127.0.0.1:$self->{port}";
	return $self->apart(sub { _serve($listener, $self->{key}) });
}

sub settings { return ('outbound.allow' => "127.0.0.1:$_[0]{port}") }

sub _control {
	my ($self, $what, $data) = @_;
	my $r = HTTP::Tiny->new->post("$self->{url}/.control/$what",
	    { content => $JSON->encode($data // {}) });
	die "control: $r->{content}" if !$r->{success};
	return $JSON->decode($r->{content});
}

sub user { my ($self, $id, %u) = @_; return $self->_control(user => { %u, id => $id }) }
sub title {
	my ($self, $type, $id, $title, $date, %more) = @_;
	return $self->_control(title => { type => $type, id => $id, title => $title,
	    date => $date, %more });
}
sub with_4k { my ($self, @of) = @_; return $self->_control(with_4k => { map { $_ => 1 } @of }) }
sub request { my ($self, $id, %r) = @_; return $self->_control(request => { %r, id => $id }) }
sub remove { my ($self, $id) = @_; return $self->_control(remove => { id => $id }) }
sub fault { my ($self, %f) = @_; return $self->_control(fault => \%f) }
sub heal { return $_[0]->_control('heal') }
sub requests { return $_[0]->_control('log') }
sub forget { return $_[0]->_control('forget') }
sub state { return $_[0]->_control('state') }

# --- the process
# ---------------------------------------------------------------------------------

my (%user, %title, %request, %fault, %with_4k, @log);

sub _stamp { my ($t) = @_; return POSIX::strftime('%Y-%m-%dT%H:%M:%S.000Z', gmtime $t) }

sub _controlled {
	my ($what, $d) = @_;
	my %do = (
		user => sub { $user{ $d->{id} } = { %{ $user{ $d->{id} } // {} }, %$d } },
		title => sub { $title{"$d->{type} $d->{id}"} = $d },
		with_4k => sub { %with_4k = %$d },
		request => sub {
			my $r = $request{ $d->{id} } //= { type => 'movie', status => 1, media => 2,
			    is4k => JSON::PP::false, seasons => [], created => time };
			@$r{ keys %$d } = values %$d;
		},
		remove => sub { delete $request{ $d->{id} } },
		fault => sub { @fault{ keys %$d } = values %$d },
		heal => sub { %fault = () },
		log => sub { return \@log },
		forget => sub { @log = () },
		state => sub { return { requests => \%request, users => \%user } },
	);
	my $answer = $do{$what}->();
	return ref $answer ? $answer : {};
}

sub _user {
	my ($u, $full) = @_;
	return { id => $u->{id} + 0, email => "$u->{name}\@house.test",
	    displayName => $u->{name}, permissions => $u->{permissions} // 32,
	    createdAt => _stamp(0), updatedAt => _stamp(0),
	    defined $u->{plexId} ? (plexId => $u->{plexId} + 0) : () };
}

sub _request {
	my ($r) = @_;
	return { id => $r->{id} + 0, status => $r->{status} + 0, type => $r->{type},
	    is4k => $r->{is4k}, createdAt => _stamp($r->{created}),
	    updatedAt => _stamp($r->{created}), requestedBy => _user($user{ $r->{by} }),
	    seasons => [ map { { seasonNumber => $_ + 0, status => $r->{status} + 0 } }
	        @{ $r->{seasons} } ],
	    media => { id => $r->{id} + 5000, tmdbId => $r->{tmdbId} + 0,
	        mediaType => $r->{type}, status => $r->{media} + 0, status4k => 1 } };
}

sub _quota {
	my ($u, $type) = @_;
	my ($limit, $days) = @{ $u->{quota}{$type} // [] };
	return { used => 0, restricted => JSON::PP::false } if !$limit;
	my $used = 0;
	for my $r (values %request) {
		next if $r->{by} != $u->{id} || $r->{type} ne $type || $r->{status} == 3
		    || $r->{created} < time - $days * 86400;
		$used += $type eq 'tv' ? scalar @{ $r->{seasons} } : 1;
	}
	return { days => $days, limit => $limit, used => $used,
	    remaining => $limit > $used ? $limit - $used : 0,
	    restricted => $used >= $limit ? JSON::PP::true : JSON::PP::false };
}

sub _list {
	my ($query, @items) = @_;
	my $take = $fault{short} ? PAGE : $query->{take} // PAGE;
	my $skip = $query->{skip} // 0;
	my @page = splice @{ [@items] }, $skip < @items ? $skip : scalar @items, $take;
	pop @page if $fault{hide} && @page;
	return (200, { pageInfo => { pages => int((@items + $take - 1) / $take), pageSize => $take,
	    results => scalar @items, page => int($skip / $take) + 1 }, results => \@page });
}

# POST /request, as server/entity/MediaRequest.ts of Overseerr does it.
sub _ask {
	my ($acting, $body) = @_;
	my $for = $body->{userId} ? $user{ $body->{userId} } : $acting;
	my ($type, $id) = @$body{qw(mediaType mediaId)};
	my $may = $acting->{permissions} // 32;
	return (403, { message => 'You do not have permission to make movie requests.' })
	    if !(($for->{permissions} // 32) & (32 | ADMIN));
	my $quota = _quota($for, $type);
	return (403, { message => 'Movie Quota exceeded.' }) if $quota->{restricted};
	return (500, { message => 'TMDB does not have it.' }) if !$title{"$type $id"};
	my @same = grep { $_->{type} eq $type && $_->{tmdbId} == $id
	    && $_->{status} != 3 && $_->{status} != 5 } values %request;
	return (409, { message => 'Request for this media already exists.' })
	    if $type eq 'movie' && @same;
	my @seasons;
	if ($type eq 'tv') {
		my %had = map { $_ => 1 } map { @{ $_->{seasons} } } @same;
		@seasons = grep { !$had{$_} } ref $body->{seasons} ? @{ $body->{seasons} }
		    : 1 .. ($title{"$type $id"}{seasons} // 3);
		return (202, { message => 'No seasons available to request' }) if !@seasons;
		return (403, { message => 'Series Quota exceeded.' })
		    if $quota->{limit} && @seasons > $quota->{remaining};
	}
	my ($last) = sort { $b <=> $a } keys %request, 0;
	my $new = { id => $last + 1, by => $for->{id}, type => $type, tmdbId => $id,
	    is4k => $body->{is4k} ? JSON::PP::true : JSON::PP::false, seasons => \@seasons,
	    status => $may & (ADMIN | MANAGE_REQUESTS | 128) ? 2 : 1, media => 2,
	    created => time };
	$new->{status} = 2 if $fault{approves};
	$request{ $new->{id} } = $new;
	return (201, _request($new));
}

sub _answer {
	my ($method, $path, $query, $header, $body, $key) = @_;
	return (200, { version => '1.33.2', commitTag => 'x' }) if $path eq '/status';
	return (200, { map { ($_ . '4kEnabled' => $with_4k{$_} ? JSON::PP::true
	    : JSON::PP::false) } qw(movie series) }) if $path eq '/settings/public';
	my $refused = { status => 403,
	    error => 'You do not have permission to access this endpoint' };
	return (403, $refused) if ($header->{'x-api-key'} // '') ne ($fault{key} // $key);
	my $as = $fault{deaf} ? 1 : $header->{'x-api-user'} || 1;
	my $acting = $user{$as} or return (403, $refused);
	my $may = $acting->{permissions} // 32;
	my $manages = $may & (ADMIN | MANAGE_REQUESTS);
	return (200, _user($acting)) if $path eq '/auth/me';
	if ($path =~ m{^/user(?:/(\d+)(/quota)?)?$}) {
		return (403, $refused) if !($may & (ADMIN | MANAGE_USERS));
		return _list($query, map { _user($user{$_}) } sort { $a <=> $b } keys %user)
		    if !defined $1;
		return (404, { message => 'User not found.' }) if !$user{$1};
		return (200, $2 ? { movie => _quota($user{$1}, 'movie'),
		    tv => _quota($user{$1}, 'tv') } : _user($user{$1}));
	}
	if ($path eq '/search') {
		my @found = map { my $t = $_; { id => $t->{id} + 0, mediaType => $t->{type},
		    ($t->{type} eq 'tv' ? 'name' : 'title') => $t->{title},
		    ($t->{type} eq 'tv' ? 'firstAirDate' : 'releaseDate') => $t->{date},
		    posterPath => $t->{poster} // '/p.jpg', overview => 'About it.' } }
		    grep { index(lc $_->{title}, lc $query->{query}) >= 0 }
		    map { $title{$_} } sort keys %title;
		return (200, { page => $query->{page} + 0, totalPages => 1,
		    totalResults => scalar @found,
		    results => [ @found, { id => 9, mediaType => 'person', name => 'X' } ] });
	}
	if ($path =~ m{^/(movie|tv)/(\d+)$}) {
		my $t = $title{"$1 $2"} or return (404, { message => 'Unable to retrieve it.' });
		return (200, { id => $2 + 0, ($1 eq 'tv' ? 'name' : 'title') => $t->{title},
		    ($1 eq 'tv' ? 'firstAirDate' : 'releaseDate') => $t->{date},
		    posterPath => $t->{poster} // '/p.jpg',
		    $t->{info} ? (mediaInfo => $t->{info}) : (),
		    $1 eq 'tv' ? (seasons => [ map { { id => $_ + 1, seasonNumber => $_,
		        name => $_ ? "Season $_" : 'Specials', episodeCount => 10 + $_ } }
		        0 .. $t->{seasons} // 3 ]) : () });
	}
	if ($path eq '/request') {
		return _ask($acting, $body) if $method eq 'POST';
		my @all = grep { !$query->{requestedBy} || $_->{by} == $query->{requestedBy} }
		    grep { $manages || $_->{by} == $as } map { $request{$_} }
		    sort { $b <=> $a } keys %request;
		return _list($query, map { _request($_) } @all);
	}
	if ($path =~ m{^/request/(\d+)(?:/(approve|decline|retry))?$}) {
		my ($r, $id, $what) = ($request{$1}, $1, $2);
		return (404, { message => 'Request not found' }) if !$r;
		if ($method eq 'DELETE') {
			return (401, { message => 'You may not remove this request' })
			    if $fault{keeps} || (!$manages && $r->{by} != $as);
			delete $request{$id};
			return (204, undef);
		}
		return (200, _request($r)) if !$what;
		return (403, $refused) if !$manages;
		return (404, { message => 'Request not found' }) if $fault{stuck};
		$r->{status} = $what eq 'decline' ? 3 : 2;
		return (200, _request($r));
	}
	return (404, { message => 'not found' });
}

# slow => seconds; late => seconds (answers of /request are as old as that when they arrive; others
# are answered meanwhile); mute => 1 (no answer at all); lost => 1 (POST /request works, but its
# answer is lost); html, empty => 1; status => n; hide => 1 (a page lacks its last element);
# short => 1 (pages of ten); deaf => 1 (X-API-User is ignored); approves => 1; keeps => 1 (nothing
# can be removed); stuck => 1 (decisions end with 404).
sub _serve {
	my ($listener, $key) = @_;
	$SIG{CHLD} = 'IGNORE';
	$user{1} = { id => 1, name => 'admin', permissions => ADMIN };
	while (my $client = $listener->accept) {
		_one($client, $key);
		close $client;
	}
	return;
}

sub _one {
	my ($client, $key) = @_;
	my ($method, $target) = split ' ', scalar(<$client>) // '';
	return if !defined $target;
	my (%header, $content);
	while (defined(my $line = <$client>)) {
		last if $line =~ /^\r?\n/;
		$header{ lc $1 } = $2 if $line =~ /^([^:]+):\s*(.*?)\r?\n/;
	}
	read $client, $content, $header{'content-length'} // 0;
	my $body = length($content // '') ? eval { $JSON->decode($content) } : undef;
	return _send($client, 200, $JSON->encode(_controlled($1, $body)), 'application/json')
	    if $target =~ m{^/\.control/(\w+)$};
	my ($path, $text) = split /\?/, $target, 2;
	my %query = map { my ($k, $v) = split /=/, $_, 2; $v =~ s/%(\w\w)/chr hex $1/ge;
	    ($k => $v) } split /&/, $text // '';
	$path =~ s{^/api/v1}{};
	push @log, { method => $method, path => $path, user => $header{'x-api-user'},
	    key => $header{'x-api-key'}, body => $body };
	sleep $fault{slow} if $fault{slow};
	return if $fault{mute};
	return _send($client, 200, '<html>Sign in</html>', 'text/html') if $fault{html};
	return _send($client, 200, '', 'application/json') if $fault{empty};
	return _send($client, $fault{status}, '<h1>no</h1>', 'text/html') if $fault{status};
	my ($status, $answer) = _answer($method, $path, \%query, \%header, $body, $key);
	return if $fault{lost} && "$method $path" eq 'POST /request';
	if ($fault{late} && $path eq '/request') {
		return if fork;
		sleep $fault{late};
		_send($client, $status, $JSON->encode($answer), 'application/json');
		POSIX::_exit(0);
	}
	return _send($client, $status, defined $answer ? $JSON->encode($answer) : '',
	    'application/json');
}

sub _send {
	my ($client, $status, $text, $type) = @_;
	print $client "HTTP/1.1 $status X\r\nContent-Type: $type\r\nContent-Length: ", length $text,
	    "\r\nConnection: close\r\n\r\n$text";
	return;
}

1;
