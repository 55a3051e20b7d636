#!/usr/bin/perl
# An account is deleted while its uploads are under way: what is complete is processed all the same,
# for its heir or in the trash; what is not complete ends and leaves nothing behind. And nobody gets
# private items by deleting their owner.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Media;
use MediaNest::Sequence qw(hold later waiting);
use MediaNest::Test;
use Test::More;

my $mn = MediaNest::Test->stack(set => { 'database.timeout' => 20_000 });
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

sub code { my ($r) = @_; return "$r->{status} " . ($r->{json} ? $r->{json}{code} // '' : '') }

# Two private items.
sub possessions {
	my ($who) = @_;
	my @items = map { $who->upload_bytes("$_.jpg", picture(), 'image/jpeg')->{id} } 1 .. 2;
	$who->wait_media($_) for @items;
	return @items;
}

sub free_row { # dies if somebody has it
	return $mn->psql("SELECT count(*) FROM (SELECT FROM media WHERE id = '$_[0]' "
	    . 'FOR UPDATE NOWAIT) AS m');
}

# A deletion locks the person before their items; nobody has an item and waits for its owner.
subtest 'people come before their items' => sub {
	my $who = $mn->user(role => 'user');
	my $person = "SELECT 1 FROM users WHERE id = '$who->{id}'";
	$mn->stop_part('worker');
	my $item = $who->upload_bytes('owned.jpg', picture(), 'image/jpeg')->{id};
	my $release = hold($mn, "$person FOR NO KEY UPDATE");
	$mn->start_part('worker');
	wait_until(sub { $mn->psql("SELECT count(*) FROM pg_stat_activity WHERE "
	    . "wait_event_type = 'Lock' AND usename = 'medianest_worker'") }, 60,
	    'the worker to publish the item');
	is eval { free_row($item) }, 1, 'for the worker' or diag $@;
	$release->();
	is $who->wait_media($item)->{status}, 'ready', 'which publishes it then';
	$release = hold($mn, "$person FOR UPDATE");
	my $trashed = later(sub { $who->api(POST => "/api/media/$item/trash") });
	waiting($mn, 1);
	is eval { free_row($item) }, 1, 'for one who trashes it' or diag $@;
	$release->();
	is $trashed->()->{status}, 200, 'which is done then';
};

subtest 'an admin who does not manage all media gets nothing' => sub {
	my ($who, $keeper) = ($mn->user(role => 'user'), $mn->user(role => 'admin'));
	my $own = $keeper->api(POST => '/api/users', { email => "puppet-$$\@medianest.test",
		password => 'correct horse battery' })->{json};
	my @items = possessions($who);
	my $give = sub { code($_[0]->api(DELETE =>
		"/api/users/$who->{id}?items=transfer&to=$_[1]")) };
	is $give->($keeper, $keeper->{id}), '403 forbidden', 'not by a transfer to themselves';
	is $give->($keeper, $own->{id}), '403 forbidden', 'nor to an account of their making';
	is $mn->psql("SELECT count(*) FROM media WHERE owner_id = '$who->{id}'"), 2,
	    'nothing has moved';
	is $keeper->api(DELETE => "/api/users/$who->{id}?items=trash")->{status}, 204,
	    'to the trash';
	is_deeply [ map { $_->{id} }
		@{ $keeper->api(GET => '/api/media?status=trashed&limit=100')->{json}{items} } ],
	    [], 'which is not theirs';
	for my $id (@items) {
		is code($keeper->api(GET => "/api/media/$id")), '404 not_found', 'not to look at';
		is code($keeper->api(POST => "/api/media/$id/restore")), '404 not_found',
		    'nor to restore';
	}
	my %trash = map { $_->{id} => 1 }
	    @{ $admin->api(GET => '/api/media?status=trashed&limit=100')->{json}{items} };
	is scalar(grep { $trash{$_} } @items), 2, 'who manages all media finds them';
	is $admin->api(POST => "/api/media/$items[0]/restore")->{status}, 200, 'and restores one';
};

subtest 'who manages all media' => sub {
	my $who = $mn->user(role => 'user');
	my @items = possessions($who);
	my $own = $admin->api(GET => '/api/users/me')->{json}{id};
	is $admin->api(DELETE => "/api/users/$who->{id}?items=transfer&to=$own")->{status}, 204,
	    'may take them over';
	is $mn->psql("SELECT count(*) FROM media WHERE id IN ('$items[0]', '$items[1]')"
	    . " AND owner_id = '$own'"), 2, 'and has them';
};

done_testing();
