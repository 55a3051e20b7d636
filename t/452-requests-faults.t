#!/usr/bin/perl
# Requests while things go wrong: many at once, a slow Overseerr, a process that is killed between
# Overseerr's answer and ours, a list that is out of date when it arrives.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use MediaNest::Overseerr;
use MediaNest::Sequence qw(later);
use MediaNest::Test;
use Test::More;
use Time::HiRes qw(time);

use constant API => '/api/integrations/overseerr';
use constant { AT_ONCE => 8, SLOW => 3, READ_MAX => 2 };
my $o = MediaNest::Overseerr->start;
my $mn = MediaNest::Test->stack(set => { $o->settings });
my ($admin, $ada) = ($mn->admin, $mn->user);

sub ask {
    my ($id) = @_;
    return $ada->api(POST => API . '/requests', { mediaType => 'movie', tmdbId => $id });
}
sub due {
    $mn->psql("UPDATE jobs SET run_at = now() WHERE unique_key = 'every:requests.list'");
    $mn->psql("NOTIFY mn_jobs, 'requests'");
}
sub asked { my ($what) = @_; return grep { "$_->{method} $_->{path}" eq $what } @{ $o->requests } }
sub created {
    my ($title) = @_;
    return grep { $_->{kind} eq 'request.created' && $_->{title} eq $title }
        @{ $admin->api(GET => '/api/notifications?limit=100')->{json}{items} };
}
sub there { my ($id) = @_; return grep { $_->{tmdbId} == $id } values %{ $o->state->{requests} } }

$o->user(2, name => 'ada', permissions => 32);
$o->title(movie => $_, "Film $_", '1999-03-31') for 1 .. 20;
$admin->api(PUT => API, { url => $o->{url}, apiKey => $o->{key} });
$admin->api(PUT => API . "/people/$ada->{id}", { overseerrId => 2 });
my $read = sub { $admin->api(GET => API)->{json}{refreshedAt} };
&wait_until($read, 20, 'the first list');

subtest 'the same, many times at once' => sub {
    my @got = map { $_->()->{status} } map { later(sub { ask(1) }) } 1 .. AT_ONCE;
    is scalar(there(1)), 1, 'is one request there';
    is $mn->psql('SELECT count(*) FROM requests WHERE tmdb_id = 1'), 1, 'and here';
    is scalar(grep { $_ == 201 } @got), 1, 'one made it' or diag "@got";
    is_deeply [ grep { $_ !~ /^(?:200|201|409|503)$/ } @got ], [],
        'the others have it, or are asked to wait' or diag "@got";
    is scalar(created('Film 1')), 1, 'told once';
};

subtest 'outside services: a slow Overseerr' => sub {
    $o->fault(slow => SLOW);
    my @search = map { later(sub { $ada->api(GET => API . '/search?q=film') }) } 1 .. AT_ONCE;
    &wait_until(sub { $mn->psql('SELECT 1') }, 5, 'a moment');
    my $slowest = 0;
    for (1 .. 10) {
        my $start = time;
        is $ada->api(GET => API . '/requests')->{status}, 200, 'the list answers';
        $slowest = time - $start if time - $start > $slowest;
    }
    cmp_ok $slowest, '<', READ_MAX, 'and does not wait for it';
    my @got = map { "$_->{status} " . ($_->{json}{retryAfter} // '') } map { $_->() } @search;
    ok scalar(grep { /^503 \d/ } @got), 'who cannot be served is told when to try again'
        or diag "@got";
    is_deeply [ grep { !/^(?:200 |503 \d+)$/ } @got ], [], 'nothing else' or diag "@got";
    $o->heal;
};

subtest 'killed before the answer was kept' => sub {
    $o->forget;
    $o->fault(late => SLOW);
    my $asking = later(sub { ask(2) });
    &wait_until(sub { asked('POST /request') }, 20, 'the request there');
    my $master = $mn->pid('overseerr');
    my @workers = split ' ', MediaNest::Test::run_output('pgrep', '-P', $master);
    kill 'KILL', @workers;
    like $asking->()->{status}, qr/^5/, 'nobody knows';
    $o->heal;
    &wait_until(sub { there(2) }, 10, 'Overseerr has it');
    my $id = $mn->psql('SELECT id FROM requests WHERE tmdb_id = 2 AND overseerr_id IS NULL');
    ok $id, 'what was wanted is written down';
    due();
    &wait_until(sub { $mn->psql("SELECT 1 FROM requests WHERE id = '$id' AND overseerr_id > 0") },
        20, 'found again');
    is $mn->psql('SELECT count(*) FROM requests WHERE tmdb_id = 2'), 1, 'once';
    is $ada->api(GET => API . "/requests/$id")->{json}{requestedBy}{userId}, $ada->{id}, 'hers';
    is scalar(created('Film 2')), 1, 'told once';
};

subtest 'a list that is out of date when it arrives' => sub {
    my $id = ask(3)->{json}{id};
    my ($other) = there(1);
    $o->forget;
    $o->fault(late => SLOW);
    due();
    &wait_until(sub { asked('GET /request') }, 20, 'the list being read');
    is $ada->api(DELETE => API . "/requests/$id")->{status}, 204, 'removed meanwhile';
    $admin->api(POST => API . '/requests/' . $mn->psql("SELECT id FROM requests WHERE tmdb_id = 1")
        . '/decline', { reason => 'No.' });
    $o->heal;
    my $done = sub { $mn->psql("SELECT count(*) FROM jobs WHERE queue = 'requests' AND"
        . " (state = 'running' OR run_at < now() AND state = 'available')") eq '0' };
    &wait_until($done, 20, 'the end of the list');
    is $mn->psql('SELECT count(*) FROM requests WHERE tmdb_id = 3'), 0, 'it does not come back';
    is scalar(created('Film 3')), 1, 'nor is it told again';
    is $mn->psql('SELECT status FROM requests WHERE tmdb_id = 1'), 'declined',
        'what was decided meanwhile stays decided';
};

subtest 'outside services: Overseerr is gone' => sub {
    $o->stop;
    my $start = time;
    my $r = ask(4);
    is "$r->{status} $r->{json}{code}", '503 overseerr_unavailable', 'not there';
    cmp_ok time - $start, '<', 5, 'at once';
    $r = $ada->api(GET => API . '/requests');
    is $r->{status}, 200, 'the list is there';
    ok $r->{json}{stale}, 'and says that it is old';
    is scalar(@{ $r->{json}{items} }), 3 - 1, 'with everything';
};
done_testing;
