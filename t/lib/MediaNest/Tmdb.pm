package MediaNest::Tmdb;
# A stand-in for The Movie Database, API and pictures.
#
#   my $tmdb = MediaNest::Tmdb->start;              # $tmdb->{key}: an access token
#   $tmdb->{old_key};                               # of version 3, for the query
#   my $mn = MediaNest::Test->stack(set => { $tmdb->settings });
#   $tmdb->title(movie => 603, { title => 'The Matrix', release_date => '1999-03-30', ... });
#   $tmdb->season(70523 => 1, { overview => '...', episodes => [ { episode_number => 1, ... } ] });
#   $tmdb->picture('/matrix.jpg', $bytes);
#   $tmdb->fault('movie/', { status => 429, retry => 2, times => 1 });
#       # paths with that text; body => ..., type => ..., ms => delay; times: of answers, 0 = all
#   $tmdb->heal;
#   $tmdb->requests;        # [{ path, query, where (the key was), at }], in order
#   $tmdb->forget;  $tmdb->stop;
# The fields of a title are those of TMDB's answer with credits, external_ids and keywords.
use strict;
use warnings;
use parent 'MediaNest::StandIn';
use Carp qw(croak);
use HTTP::Tiny;
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use MIME::Base64 qw(decode_base64 encode_base64);
use POSIX ();
use Time::HiRes qw(sleep time);

my $JSON = JSON::PP->new->utf8->canonical->allow_nonref;

sub start {
	my ($class, %option) = @_;
	my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 64,
	    ReuseAddr => 1)
	    or die "listen: $!";
	my $self = bless { owner => $$, port => $listener->sockport, %option,
	    key => 'eyTmdbToken.0123456789.abcdef', old_key => 'tmdbkey0123456789abcdef01234567' },
	    $class;
	$self->{url} = "http://127.0.0.1:$self->{port}";
	return $self->apart(sub { _serve($listener, @$self{qw(key old_key)}) });
}

sub allow { "127.0.0.1:$_[0]{port}" }
sub settings {
	my ($self) = @_;
	return ('tmdb.url' => "$self->{url}/3", 'tmdb.image_url' => "$self->{url}/t/p",
	    'tmdb.api_key' => $self->{key}, 'outbound.allow' => $self->allow);
}

sub _control {
	my ($self, @what) = @_;
	my $r = HTTP::Tiny->new->post("$self->{url}/.control",
	    { content => $JSON->encode(\@what) });
	croak "$what[0]: $r->{status} $r->{content}" if $r->{status} != 200;
	return $JSON->decode($r->{content});
}
sub title { my $self = shift; return $self->_control(title => @_) }
sub season {
	my ($self, $show, $number, $season) = @_;
	return $self->_control(season => "$show/season/$number", $season);
}
sub picture { $_[0]->_control(picture => $_[1], encode_base64($_[2], '')) }
sub fault { my $self = shift; return $self->_control(fault => @_) }
sub heal { $_[0]->_control('heal') }
sub requests { @{ $_[0]->_control('requests') } }
sub forget { $_[0]->_control('forget') }

# --- the server -----------------------------------------------------------------------------------

sub _command {
	my ($state, $what, @given) = @_;
	if ($what eq 'title') {
		$state->{titles}{"$given[0]/$given[1]"} = { %{ $given[2] }, id => $given[1] + 0 };
	} elsif ($what eq 'season') {
		$state->{titles}{"tv/$given[0]"} = $given[1];
	} elsif ($what eq 'picture') {
		$state->{pictures}{ $given[0] } = decode_base64($given[1]);
	} elsif ($what eq 'fault') {
		push @{ $state->{faults} }, { path => $given[0], %{ $given[1] } };
	} elsif ($what eq 'heal') {
		$state->{faults} = [];
	} elsif ($what eq 'forget') {
		$state->{requests} = [];
	}
	return $what eq 'requests' ? $state->{requests} : 1;
}

sub _not_found {
	return (404, $JSON->encode({ success => JSON::PP::false, status_code => 34,
	    status_message => 'The resource you requested could not be found.' }));
}

sub _short {
	my ($title) = @_;
	my %short = %$title;
	delete @short{qw(credits external_ids keywords)};
	return \%short;
}

sub _answer {
	my ($state, $path, $in) = @_;
	if ($path =~ m{^/t/p/\w+(/.+)$}) {
		return (200, $state->{pictures}{$1}, 'image/jpeg') if $state->{pictures}{$1};
		return (404, '<h1>404</h1>', 'text/html');
	}
	return (401, $JSON->encode({ success => JSON::PP::false, status_code => 7,
	    status_message => 'Invalid API key: You must be granted a valid key.' }))
	    if ($in->{key} // '') ne $state->{key}{ $in->{where} };
	my $titles = $state->{titles};
	if ($path =~ m{^/3/((?:movie|tv)/\d+)$}) {
		return _not_found() if !$titles->{$1};
		my %more = map { ($_ => 1) } split /,/, $in->{append_to_response} // '';
		my %title = %{ $titles->{$1} };
		delete @title{ grep { !$more{$_} } qw(credits external_ids keywords) };
		return (200, $JSON->encode(\%title));
	}
	if ($path =~ m{^/3/(tv/\d+/season/\d+)$}) {
		return $titles->{$1} ? (200, $JSON->encode($titles->{$1})) : _not_found();
	}
	if ($path =~ m{^/3/find/(.+)$}) {
		my ($id, $source) = ($1, $in->{external_source});
		my %found = (movie_results => [], tv_results => []);
		for my $name (sort keys %$titles) {
			my $ids = $titles->{$name}{external_ids} || {};
			push @{ $found{ $name =~ /^movie/ ? 'movie_results' : 'tv_results' } },
			    _short($titles->{$name}) if ($ids->{$source} // '') eq $id;
		}
		return (200, $JSON->encode(\%found));
	}
	if ($path =~ m{^/3/search/(movie|tv)$}) {
		my $kind = $1;
		my $word = lc($in->{query}) =~ s/[^a-z0-9 ]//gr;
		my @found = map { _short($titles->{$_}) } grep { m{^$kind/}
		    && index(lc($titles->{$_}{title} // $titles->{$_}{name}), $word) >= 0 }
		    sort keys %$titles;
		return (200, $JSON->encode({ page => 1, results => \@found,
		    total_results => scalar @found }));
	}
	return _not_found();
}

sub _fault {
	my ($state, $path) = @_;
	my ($fault) = grep { index($path, $_->{path}) >= 0 } @{ $state->{faults} };
	return unless $fault;
	if ($fault->{times} && --$fault->{times} == 0) {
		$state->{faults} = [ grep { $_ != $fault } @{ $state->{faults} } ];
	}
	return $fault;
}

sub _respond {
	my ($client, $status, $body, $type, @headers) = @_;
	print $client join("\r\n", "HTTP/1.1 $status X", 'Content-Type: '
	    . ($type // 'application/json'), 'Content-Length: ' . length $body, @headers,
	    'Connection: close', '', $body);
	return close $client;
}

sub _handle {
	my ($state, $client) = @_;
	my ($method, $target) = split ' ', scalar(<$client>) // '';
	my %header;
	while (defined(my $line = <$client>)) {
		last if $line =~ /^\r?\n/;
		$header{ lc $1 } = $2 if $line =~ /^([^:]+):\s*(.*?)\r?\n/;
	}
	return if !defined $target;
	if ($target eq '/.control') {
		read $client, my $body, $header{'content-length'} || 0;
		return _respond($client, 200, $JSON->encode(_command($state,
		    @{ $JSON->decode($body) })));
	}
	my ($path, $query) = split /\?/, $target, 2;
	my %in = map { my ($k, $v) = split /=/, $_, 2;
		s/%([0-9A-Fa-f]{2})/chr hex $1/ge for $v;
		($k => $v) } split /&/, $query // '';
	@in{qw(key where)} = ($header{authorization} // '') =~ /^Bearer (.+)$/ ? ($1, 'header') :
	    ($in{api_key}, 'query');
	push @{ $state->{requests} }, { path => $path, query => $query, where => $in{where},
	    at => time };
	my $fault = _fault($state, $target);
	if ($fault && $fault->{ms}) {
		# Others are served meanwhile.
		return if fork;
		sleep $fault->{ms} / 1000;
		_respond($client, _answer($state, $path, \%in));
		POSIX::_exit(0);
	}
	return _respond($client, $fault->{status} // 200, $fault->{body} // '{}', $fault->{type},
	    $fault->{retry} ? "Retry-After: $fault->{retry}" : ()) if $fault;
	return _respond($client, _answer($state, $path, \%in));
}

sub _serve {
	my ($listener, $key, $old_key) = @_;
	my %state = (key => { header => $key, query => $old_key }, titles => {}, pictures => {},
	    faults => [], requests => []);
	$SIG{CHLD} = 'IGNORE';
	while (1) {
		my $client = $listener->accept // next;
		_handle(\%state, $client);
		close $client;
	}
}

1;
