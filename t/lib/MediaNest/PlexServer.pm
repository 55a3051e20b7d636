package MediaNest::PlexServer;
# A stand-in for a Plex Media Server: a process of its own, controlled over HTTP below /.control/.
#
#   my $plex = MediaNest::PlexServer->start;        # machine => ..., token => ..., name => ...
#   my $mn = MediaNest::Test->stack(set => { $plex->settings });
#   $plex->url; $plex->token; $plex->machine;
#
#   $plex->section('1', 'movie', 'Films');          # movie, show, artist, photo; agent => ...
#   my $key = $plex->add('1', { title => 'Heat', year => 1995, Guid => ['imdb://tt0113277'] });
#   $plex->add('2', { type => 'episode', parentRatingKey => $season, index => 3, title => 'x' });
#   $plex->add('1', { ratingKey => 9, _raw => '{"ratingKey":"9","type":"movie"}' });  # as it is
#   $plex->change($key, { title => 'y', summary => undef });       # undef: the field is absent
#   $plex->remove($key);  $plex->move($key, $new_key);   # move: the same thing with another key
#   $plex->generate('1', 1_000_000);    # that many items in all, made as they are asked for
#   $plex->rekey('1');                  # every item of the section gets another key
#   $plex->shrink('1', 10);             # all but the first ten are gone
#   $plex->drop_section('1');
#   $plex->reinstall('other-machine');  # the same content, another machineIdentifier
#   my %key = $plex->zoo('1');          # movies whose guids are of all ages, by name; see below
#   $plex->keys('1', 'movie');          # in the order of the listing
#   $plex->playing(2);
#   $plex->viewed(time);                # the newest entry of the history
#
#   $plex->fault(KIND => ARGUMENT);  $plex->heal;  $plex->heal('slow');
# Arguments are a hash; `path` and `query` (regular expressions on them), `start` (the first item of
# the page), `skip` and `times` (numbers of answers) narrow each of these:
#   unauthorized  {}                401 although the token is right
#   slow          { ms }            that long before each answer
#   hang          {}                no answer at all
#   down          {}                the connection is closed without an answer
#   cut           {}                the answer ends in its middle
#   empty         {}                200 and no body
#   html          {}                200 and the page of a proxy
#   nonsense      {}                200 and JSON of something else
#   status        { code }          another status, with a short page of HTML
#   redirect      { to }            302 to the same path of another address
#   bare          {}                200 and a container that says nothing
#   stuck         {}                the first page, whatever was asked for, without totalSize
#   no_total      {}                a page without totalSize
#   total         { add }           a totalSize that is wrong by so many
#   vanished      {}                the section is listed without items
#   trashed       {}                every item carries deletedAt
#   too_large     { max }           500 for a page of more items than that
#   shift         { section, remove, add }  so many items go and come after the page was sent
#   unsorted      {}                each page comes from another order of the items
#
#   $plex->requests;        # [{ method, path, query, start, size, token, at, status }], in order
#   $plex->forget;          # forgets them
#   $plex->stop;            # and its port refuses connections
#   $plex->start_again;     # on the same port, with the state it had
use strict;
use warnings;
use parent 'MediaNest::StandIn';
use Carp qw(croak);
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP;
use MediaNest::PlexServer::Library;
use MediaNest::PlexServer::Loop;
use Socket qw(SOMAXCONN);

use constant CONTROL_TIMEOUT => 60;

my $JSON = JSON::PP->new->utf8->allow_nonref;
my $serial = 0;

sub start {
	my ($class, %option) = @_;
	my $id = sprintf '%05d%03d', $$, ++$serial;
	my $self = bless { owner => $$, machine => "machine$id", token => "plex-token-$id",
	    port => 0, name => "Plex $serial", %option }, $class;
	$self->_fork;
	return $self;
}

# Holds the state in memory while the port is closed.
sub close_port { $_[0]->{state} = $_[0]->_control('dump'); $_[0]->stop }
sub start_again { $_[0]->_fork }

sub _fork {
	my ($self) = @_;
	my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $self->{port},
	    Listen => SOMAXCONN, ReuseAddr => 1)
	    or croak "listen: $!";
	$self->{port} = $listener->sockport;
	$self->{url} = "http://127.0.0.1:$self->{port}";
	return $self->apart(sub {
		my $library = MediaNest::PlexServer::Library->new(map { $_ => $self->{$_} }
		    qw(machine token name));
		$library->restore($self->{state}) if $self->{state};
		MediaNest::PlexServer::Loop->new($listener, $library)->run;
	});
}

sub settings { ('outbound.allow' => $_[0]->allow) }
sub allow { "127.0.0.1:$_[0]->{port}" }
sub url { $_[0]->{url} }
sub token { $_[0]->{token} }
sub machine { $_[0]->{machine} }

sub _control {
	my ($self, $name, @arguments) = @_;
	# The second request of a connection waits 40 ms for a delayed acknowledgement.
	$self->{http} //= HTTP::Tiny->new(timeout => CONTROL_TIMEOUT, keep_alive => 0);
	my $r = $self->{http}->post("$self->{url}/.control/$name",
	    { content => $JSON->encode(\@arguments) });
	croak "$name: $r->{status} $r->{content}" if $r->{status} != 200;
	return $JSON->decode($r->{content});
}

sub reinstall {
	my ($self, $machine) = @_;
	$self->{machine} = $machine;
	return $self->_control(reinstall => $machine);
}

sub new_token {
	my ($self, $token) = @_;
	$self->{token} = $token;
	return $self->_control(new_token => $token);
}

sub keys { @{ $_[0]->_control(keys_of => @_[ 1 .. $#_ ]) } }
sub requests { @{ $_[0]->_control('requests') } }

# What agents of all ages write. Each has a title, the name, and not what its agent leaves out.
our %ZOO = (
    new => { guid => 'plex://movie/5d776825880197001ec90a15',
	Guid => [qw(imdb://tt0133093 tmdb://603 tvdb://169)] },
    imdb => { guid => 'com.plexapp.agents.imdb://tt0133093?lang=en' },
    themoviedb => { guid => 'com.plexapp.agents.themoviedb://603?lang=de' },
    thetvdb => { guid => 'com.plexapp.agents.thetvdb://81797/1/2?lang=en' },
    hama => { guid => 'com.plexapp.agents.hama://tvdb-81797-1-2?lang=en' },
    hama_anidb => { guid => 'com.plexapp.agents.hama://anidb-69?lang=en' },
    none => { guid => 'com.plexapp.agents.none://a1b2c3?lang=xn' },
    local => { guid => 'local://4711' },
    absent => { guid => undef },
    bare => { guid => 'plex://movie/bare', summary => undef, thumb => undef, year => undef,
	addedAt => undef, updatedAt => undef, duration => undef },
    both => { guid => 'com.plexapp.agents.imdb://tt0000001?lang=en', Guid => ['tmdb://11'] },
    numbers => { guid => 'plex://movie/numbers', year => '1999', duration => '7200000' },
);

sub zoo {
	my ($self, $section) = @_;
	return map { ($_ => $self->add($section, { title => $_, %{ $ZOO{$_} } })) }
	    sort CORE::keys %ZOO;
}

for my $name (qw(section drop_section add change remove move generate rekey shrink playing viewed
    fault heal forget item)) {
	no strict 'refs';
	*$name = sub { my $self = shift; return $self->_control($name, @_) };
}

1;
