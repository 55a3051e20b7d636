#!/usr/bin/perl
# An account is deleted while its uploads are under way: what is complete is processed all the same,
# for its heir or in the trash; what is not complete ends and leaves nothing behind.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Media;
use MediaNest::Test;
use Test::More;

my $mn = MediaNest::Test->stack(private => 1);
my $admin = $mn->admin;
my $files = MediaNest::Media->new;
my $serial = 0;

# Bytes of a small picture, others each time.
sub picture { return MediaNest::Media::slurp($files->picture(++$serial . '.jpg')) }

# One upload that is complete and one that is only announced, both with their bytes in the store.
sub begin {
	my ($who) = @_;
	my $complete = $who->upload_bytes('complete.jpg', picture(), 'image/jpeg');
	my $bytes = picture();
	my $open = $who->api(POST => '/api/media/upload/initiate',
	    { filename => 'open.jpg', size => length $bytes, type => 'image/jpeg' })->{json};
	$who->request(PUT => $open->{uploadUrl}, $bytes, $open->{fields});
	return ($complete->{id}, $open);
}

sub has_object { return $mn->psql("SELECT count(*) FROM objects WHERE key = '$_[0]'") }

for my $way ('transfer', 'trash') {
	subtest "its items go to the $way" => sub {
		my ($who, $heir) = ($mn->user(role => 'user'), $mn->user(role => 'user'));
		$mn->stop_part('worker');
		my ($complete, $open) = begin($who);
		is has_object("incoming/$open->{uploadId}"), 1, 'the store has the bytes';
		my $to = $way eq 'transfer' ? "&to=$heir->{id}" : '';
		is $admin->api(DELETE => "/api/users/$who->{id}?items=$way$to")->{status}, 204,
		    'the account is deleted';
		is $mn->psql("SELECT count(*) FROM media WHERE id = '$open->{mediaId}'"), 0,
		    'what was only announced is gone';
		$mn->start_part('worker');
		wait_until(sub { $mn->psql("SELECT coalesce(object_key, '') <> '' FROM media "
		    . "WHERE id = '$complete'") eq 't' }, 60, 'the item to be processed');
		if ($way eq 'transfer') {
			my $item = $heir->wait_media($complete);
			is $item->{status}, 'ready', 'the heir has it';
			is $item->{ownerId}, $heir->{id}, 'as their own';
			is $heir->request(GET => $item->{thumbnails}{320})->{status}, 200,
			    'with a picture';
		} else {
			is $mn->psql("SELECT status || ' ' || trashed_from FROM media WHERE id = "
			    . "'$complete'"),
			    'trashed ready', 'it is in the trash, and can be restored';
		}
		# not only with the next minute
		$mn->psql("UPDATE jobs SET run_at = now() WHERE kind = 'upkeep.uploads';"
		    . " NOTIFY mn_jobs, 'upkeep'");
		wait_until(sub { !has_object("incoming/$open->{uploadId}") }, 150,
		    'the bytes of the open upload to go');
		is $mn->psql("SELECT status FROM uploads WHERE id = '$open->{uploadId}'"),
		    'expired', 'the open upload has ended';
		is $mn->psql("SELECT count(*) FROM media WHERE status = 'pending'"), 0,
		    'nothing waits for ever';
	};
}

done_testing();
