#!/usr/bin/perl
# A large file in a real Chromium: it goes up in parts, and when it is added again after a reload,
# only the parts that have not arrived are sent.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use MediaNest::Browser;
use MediaNest::Page;
use MediaNest::Test;
use Test::More;

once_is_enough();
my $scratch = tempdir('mn-resume-XXXXXX', TMPDIR => 1, CLEANUP => 1);
use constant SIZE => 70 << 20;

need_browser();
my $mn = MediaNest::Test->stack(private => 1);
my $who = $mn->user;
my $b = MediaNest::Browser->start(dir => "$scratch/b", artefacts => $scratch);

open my $out, '>', "$scratch/Long.mp4" or die "$scratch: $!";
truncate $out, SIZE or die "truncate: $!";
close $out;

$b->get("$mn->{url}/");
$b->type('#email', $who->{email});
$b->type('#password', $who->{password});
$b->click('.door button.primary');
$b->find('.brand');

$mn->stop_part($_) for qw(verify store);
$b->choose_files('#picker', "$scratch/Long.mp4");
my $id;
wait_until { $id = $mn->psql("SELECT id FROM uploads WHERE size = @{[SIZE]}") } 30, 'the upload';
my $upload = $who->api(GET => "/api/media/upload/$id")->{json};
is $upload->{multipart}{partCount}, 9, 'announced while the store is away' or diag explain $upload;
$b->reload;
$b->find('.brand');
$mn->start_part($_) for qw(verify store);

my @parts;
wait_until {
	@parts = @{ $who->api(POST => "/api/media/upload/$id/parts",
	    { numbers => [1, 2] })->{json}{parts} // [] };
} 30, 'the store';
for my $part (@parts) {
	is $mn->request(PUT => $part->{url}, "\0" x $upload->{multipart}{partSize})->{status}, 200,
	    "part $part->{number} has arrived";
}
$b->find('.upload-line[data-state=lost]');
$b->choose_files('#picker', "$scratch/Long.mp4");
$b->find('.upload-line[data-state=rejected]', 90);
is $mn->psql("SELECT count(*) FROM uploads WHERE size = @{[SIZE]}"), 1, 'one upload';
is $mn->psql("SELECT status FROM uploads WHERE id = '$id'"), 'completed',
    'which is complete';
# each address occurs again as the question that CORS asks first
my %put = map { /partNumber=(\d+)/ ? ($1 => 1) : () } $b->requests;
is_deeply [ sort keys %put ], [ 3 .. 9 ], 'and the parts that were missing were sent';
$b->reload;
$b->find('.brand');
is $b->count('.upload-line'), 0, 'nothing is remembered any longer';
$b->stop;

done_testing();
