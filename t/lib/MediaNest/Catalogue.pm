package MediaNest::Catalogue;
# Items of media servers in a stack's database, written as the sync writes them.
#
#   my $shelf = MediaNest::Catalogue->new($mn, $plex);            # a server with the library '1'
#   my $show = $shelf->add(show => 'Dark', year => 2017);     # in the stand-in and the catalogue
#   my $season = $shelf->add(season => 'Season 1', parent => $show, position => 1);
#   $show->{id}; $show->{key};
# Members: visibility (house), year, position, disc, parent, poster (the stand-in's thumb; undef:
# none), ids (a hash), overview, stand_in => 0 (in the catalogue only).
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use JSON::PP;
use MediaNest::Test;

my $JSON = JSON::PP->new->canonical;
my $ROOT = abs_path(dirname(__FILE__) . '/../../..');
my %SECTION = (movie => '1', show => '2', season => '2', episode => '2', artist => '3',
    album => '3', track => '3');

sub new {
	my ($class, $mn, $plex, %option) = @_;
	my $self = bless { mn => $mn, plex => $plex, serial => 1000 }, $class;
	my $build = MediaNest::Test::build_directory();
	my $id = $self->{id} = $mn->psql('SELECT gen_random_uuid()');
	my $token = MediaNest::Test::run_output("$build/t/tools/seal-text",
	    "$mn->{var}/etc/medianest.conf", 'media_servers', $id, 'token',
	    $option{token} // $plex->token);
	die "seal-text: $token" if $? != 0;
	chomp $token;
	$mn->psql('INSERT INTO media_servers (id, kind, name, url, token, machine_id) VALUES '
	    . "('$id', 'plex', 'Plex', '" . $plex->url . "', '$token', '" . $plex->machine . "')");
	for ([ 1, 'movie' ], [ 2, 'show' ], [ 3, 'artist' ]) {
		my ($key, $type) = @$_;
		$plex->section($key, $type, "All of $type");
		$self->{sections}{$key} = $mn->psql('INSERT INTO media_sections (id, server_id, '
		    . 'key, title, type) VALUES (gen_random_uuid(), '
		    . "'$id', '$key', '$type', '$type') RETURNING id");
	}
	return $self;
}

sub _quoted {
	my ($value) = @_;
	return 'NULL' if !defined $value;
	$value =~ s/'/''/g;
	return "'$value'";
}

sub add {
	my ($self, $kind, $title, %more) = @_;
	my ($mn, $plex, $parent) = (@$self{qw(mn plex)}, $more{parent});
	my $key = ++$self->{serial};
	my $section = $SECTION{$kind};
	$plex->add($section, { ratingKey => $key, type => $kind, title => $title,
	    $parent ? (parentRatingKey => $parent->{key}) : (),
	    defined $more{position} ? (index => $more{position}) : () })
	    if $more{stand_in} // 1;
	my $poster = exists $more{poster} ? $more{poster} : "/library/metadata/$key/thumb/1";
	my $id = $mn->psql('INSERT INTO media (id, source, kind, title, status, visibility, year, '
	    . 'position, disc, parent_id, overview, external_ids) VALUES (gen_random_uuid(), '
	    . "'plex', '$kind', " . join(', ', map { _quoted($_) } $title, 'ready',
	    $more{visibility} // 'house', $more{year}, $more{position}, $more{disc},
	    $parent && $parent->{id}, $more{overview}, $JSON->encode($more{ids} || {}))
	    . ') RETURNING id');
	my %row = (server_id => $self->{id}, item_key => $key,
	    section_id => $self->{sections}{$section}, media_id => $id, kind => $kind,
	    guid => "plex://$kind/$key", fingerprint => '\x00', poster => $poster);
	$row{identity} = $row{guid} if $self->{identity} //= $mn->psql('SELECT count(*) FROM '
	    . "information_schema.columns WHERE table_name = 'server_items' "
	    . "AND column_name = 'identity'");
	my @columns = sort keys %row;
	$mn->psql('INSERT INTO server_items (' . join(', ', @columns) . ') VALUES ('
	    . join(', ', map { _quoted($_) } @row{@columns}) . ')');
	return { id => $id, key => $key };
}

# What the sync does for new items: upkeep.enrich at once, and again when these jobs are done.
sub enrich {
	my ($self) = @_;
	$self->{mn}->psql('UPDATE jobs SET run_at = now() WHERE '
	    . "unique_key = 'every:upkeep.enrich'; SELECT pg_notify('mn_jobs', 'upkeep')");
	return;
}

1;
