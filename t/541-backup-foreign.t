#!/usr/bin/perl
# A backup of a house whose objects are in a foreign store, and the house from it: the store of a
# second stack stands for any other.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Media;
use MediaNest::S3;
use MediaNest::Test;
use Test::More;

once_is_enough();

use constant { OK => 0, FAILED => 1, BUCKET => 'foreign' };

my $store = MediaNest::Test->stack(private => 1);
my $s3 = MediaNest::S3->new($store);
is $s3->request(PUT => '/' . BUCKET)->{status}, 200, 'a bucket of its own';
my $mn = MediaNest::Test->stack(set => { 'storage.embedded' => 'false', 'sync.minutes' => 0,
    'storage.endpoint' => $store->{status}{storageEndpoint}, 'worker.poll' => 200,
    'storage.public_endpoint' => $store->{status}{storageEndpoint}, 'storage.bucket' => BUCKET,
    'storage.access_key' => $store->{status}{storageAccessKey},
    'storage.secret_key' => $store->{status}{storageSecretKey},
    'storage.ca_file' => $store->{ca} });
# Clients speak to the API of one stack and to the store of the other.
my $trusted = "$mn->{var}/both.pem";
open my $pem, '>', $trusted or die "$trusted: $!";
print $pem map { MediaNest::Media::slurp($_) } $mn->{ca}, $store->{ca};
close $pem;
$mn->{ca} = $trusted;
my $make = MediaNest::Media->new;
my ($uid, $gid) = (stat "$mn->{var}/data")[4, 5];
my @as = $> == 0 ? ('setpriv', "--reuid=$uid", "--regid=$gid", '--clear-groups') : ();
my $program = MediaNest::Test::build_directory() . '/inst/sbin/medianest-admin';
my $dir = "$mn->{var}/backups";

sub admin_is {
	my ($want, $what, @arguments) = @_;
	my $said = MediaNest::Test::run_output(@as, $program, '--config',
	    "$mn->{var}/etc/medianest.conf", @arguments);
	is $? >> 8, $want, $what or diag $said;
	return $said;
}
sub get { return $s3->request(GET => '/' . BUCKET . "/$_[0]") }
sub keys_of { return $store->psql('SELECT key FROM objects WHERE bucket = \'' . BUCKET
    . '\' ORDER BY key') }
sub rows { return $mn->psql("SELECT md5(string_agg(m::text, '|' ORDER BY id)) FROM media m") }

my $user = $mn->user;
my @media = map { $user->upload_file($make->picture("f$_.jpg", size => "${_}00x300"),
    'image/jpeg') } 2, 3;
is $user->wait_media($_->{id})->{status}, 'ready', 'a photo' for @media;
my @keys = keys_of();
my %sum = map { ($_ => sha256_hex(get($_)->{content})) } @keys;
cmp_ok scalar(@keys), '>=', 4, 'the store has objects';

admin_is(OK, 'a backup', 'backup', $dir);
my ($backup) = glob "$dir/2*";
my %listed = map { my @field = split /\t/; ($field[4] => $field[0]) }
    split /\n/, MediaNest::Media::slurp("$backup/objects.list");
is_deeply \%listed, \%sum, 'has every object';
like admin_is(OK, 'the next one', 'backup', $dir), qr/of which 0 bytes were new/,
    '... reads none again';

$mn->stop_part($_) for qw(worker notifyd pools storage);
wait_until(sub { $mn->psql("SELECT count(*) FROM pg_stat_activity WHERE usename IN"
    . " ('medianest_api', 'medianest_worker', 'medianest_store')") == 0 }, 30, 'no connection');
like admin_is(OK, 'verify', 'verify'), qr/ 0 missing, 0 damaged, 0 foreign/, 'finds no fault';
my $rows = rows();
my ($gone) = grep { /^derived/ } @keys;
$s3->request(DELETE => '/' . BUCKET . "/$gone");
my ($changed) = grep { /^original/ } @keys;
my $bytes = get($changed)->{content};
$s3->request(PUT => '/' . BUCKET . "/$changed", body => $bytes ^ "\x01");
$s3->request(PUT => '/' . BUCKET . '/derived/stranger', body => 'x');
my $said = admin_is(FAILED, 'verify again', 'verify');
like $said, qr/^missing: \Q$gone\E /m, 'finds one that is missing';
like $said, qr/^damaged: \Q$changed\E /m, 'and one that has changed';
like $said, qr{^foreign: derived/stranger }m, 'and one that nobody knows';
like admin_is(FAILED, 'a backup of it, with nothing to compare', 'backup', "$dir.new"),
    qr/\Q$gone\E/, '... names what it cannot read';

$s3->request(DELETE => '/' . BUCKET . "/$_") for grep { $_ ne $changed } @keys, 'derived/stranger';
is_deeply [keys_of()], [$changed], 'all objects are gone but the damaged one';
is length(get($changed)->{content}), length $bytes, '... which has its size';
$mn->psql('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
admin_is(OK, 'restore', 'restore', $dir);
is_deeply { map { ($_ => sha256_hex(get($_)->{content})) } keys_of() }, \%sum,
    'every object is equal';
is rows(), $rows, 'and every item';
like admin_is(OK, 'verify', 'verify'), qr/ 0 missing, 0 damaged, 0 foreign/, 'finds no fault';
# The start of one kind of pools waits for the sockets of both.
unlink "$mn->{var}/run/hold/storage";
$mn->start_part($_) for qw(worker notifyd pools);
$mn->wait_ready;
my $item = $user->api(GET => "/api/media/$media[0]{id}")->{json};
my $thumbnail = $user->request(GET => $item->{thumbnails}{320});
is "$thumbnail->{status} $thumbnail->{headers}{'content-type'}", '200 image/webp',
    'a thumbnail is seen';

done_testing;
