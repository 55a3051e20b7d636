#!/usr/bin/perl
# The embedded object store when something breaks: refusals before the body, dead pools, a database
# that is down, kills, a full disk, garbage.
use strict;
use warnings;
use IO::Socket::SSL;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use MediaNest::S3;
use MediaNest::Test;

my $mn = MediaNest::Test->stack(private => 1, set => { 'pool.idle_close' => 3 });
my $s3 = MediaNest::S3->new($mn);
my $bucket = $mn->{status}{storageBucket};
my $objects = "$mn->{var}/data/objects";

sub put {
	my ($key, $body, %more) = @_;
	return $s3->request(PUT => "/$bucket/$key", body => $body, %more);
}
sub get { my ($key) = @_; return $s3->request(GET => "/$bucket/$key") }
sub spooled { my @files = glob "$objects/.tmp/body/*"; return scalar @files }
sub blob_files { my @files = glob "$objects/??/??/*"; return scalar @files }
sub known_blobs {
	return $mn->psql('SELECT (SELECT count(*) FROM objects) + (SELECT count(*) FROM '
	    . 'object_parts) + (SELECT count(*) FROM object_garbage)');
}

sub connect_raw {
	my ($host, $port) = split /:/, $s3->{host};
	return IO::Socket::SSL->new(PeerAddr => $host, PeerPort => $port, SSL_ca_file => $mn->{ca},
	    SSL_alpn_protocols => ['http/1.1'], Timeout => 10)
	    || die "no connection: $SSL_ERROR";
}

# The head of a PUT that announces more than will be sent.
sub raw_put {
	my ($url, $length) = @_;
	my $socket = connect_raw();
	my ($target) = $url =~ m{^https://[^/]+(/.*)};
	print $socket
	    "PUT $target HTTP/1.1\r\nHost: $s3->{host}\r\nContent-Length: $length\r\n\r\n";
	return $socket;
}

is(put('kept', 'kept')->{status}, 200, 'an object');

subtest 'a refused upload is refused before its body' => sub {
	my $socket = raw_put($s3->presign(PUT => "/$bucket/refused",
	    headers => { 'content-length' => 1000 }),
	    1_000_000_000);
	print $socket 'x' x 300_000;
	my $began = time;
	my $line = <$socket>;
	like($line, qr{^HTTP/1.1 403 }, '403 while the body is still being sent');
	cmp_ok(time - $began, '<', 10, '... at once');
	is(spooled(), 0, 'nothing was spooled');
	close $socket;
};

subtest 'a client that leaves half way leaves nothing' => sub {
	my $socket = raw_put($s3->presign(PUT => "/$bucket/half",
	    headers => { 'content-length' => 50_000_000 }),
	    50_000_000);
	print $socket 'x' x 1_000_000;
	wait_until { spooled() > 0 } 20, 'a spooled body';
	close $socket;
	ok(wait_until(sub { spooled() == 0 }, 20, 'an empty spool'), 'the spool is empty again');
	is(get('half')->{status}, 404, 'no object');
};

subtest 'a dead verifier' => sub {
	$mn->stop_part('verify');
	for my $answer (put('dead', 'x'), get('kept')) {
		is_deeply([@$answer{qw(status code)}], [503, 'ServiceUnavailable'],
		    '503 in the words of S3')
		    or diag $answer->{content};
		ok($answer->{headers}{'retry-after'}, '... with Retry-After');
	}
	is(spooled(), 0, 'nothing was spooled');
	$mn->start_part('verify');
	wait_until { get('kept')->{status} == 200 } 20, 'the verifier';
	is(get('dead')->{status}, 404, 'nothing was made');
};

subtest 'a dead store pool' => sub {
	$mn->stop_part('store');
	is_deeply([@{ put('dead', 'x') }{qw(status code)}], [503, 'ServiceUnavailable'],
	    'writes: 503');
	is(get('kept')->{content}, 'kept', 'reads go on');
	$mn->start_part('store');
	wait_until { put('alive', 'x')->{status} == 200 } 20, 'the store';
	is(get('dead')->{status}, 404, 'nothing was made');
	is(spooled(), 0, 'nothing is left in the spool');
};

subtest 'a database that is away' => sub {
	$mn->stop_part('postgres');
	is_deeply([@{ put('dead', 'x') }{qw(status code)}], [503, 'ServiceUnavailable'],
	    'write: 503');
	is_deeply([@{ get('kept') }{qw(status code)}], [503, 'ServiceUnavailable'], 'read: 503');
	is_deeply([@{ put('dead', 'x', secret => 'wrong') }{qw(status code)}],
	    [403, 'SignatureDoesNotMatch'], 'a wrong signature is still one');
	$mn->start_part('postgres');
	wait_until { get('kept')->{status} == 200 } 30, 'the database';
	is(get('dead')->{status}, 404, 'nothing was made');
};

# The database's clock has jumped, and names that were announced have been collected.
subtest 'a part without a name' => sub {
	my ($id) = MediaNest::S3::values_of(
	    $s3->request(POST => "/$bucket/named", query => { uploads => '' }), 'UploadId');
	my @names;
	my $forgotten = sub {
		push @names, $mn->psql('DELETE FROM object_garbage RETURNING blob');
		return $_[0]->();
	};
	my ($etag, %seen);
	for (1 .. 12) {
		my $r = $forgotten->(sub { put('named', 'bytes',
		    query => { uploadId => $id, partNumber => 1 }) });
		$seen{$r->{status}}++;
		$etag = $r->{headers}{etag} if $r->{status} == 200;
	}
	is_deeply([sort keys %seen], [200, 503], 'is not stored, and may be sent again');
	my $xml = '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>'
	    . "<ETag>$etag</ETag></Part></CompleteMultipartUpload>";
	my @statuses;
	for (1 .. 12) {
		push @statuses, $forgotten->(sub { $s3->request(POST => "/$bucket/named",
		    query => { uploadId => $id }, body => $xml) })->{status};
		last if $statuses[-1] != 503;
	}
	is($statuses[-1], 200, 'nor is the upload lost') or diag "@statuses";
	is(get('named')->{content}, 'bytes', 'the object');
	my $names = join ',', @names;
	$mn->psql("INSERT INTO object_garbage (blob) SELECT unnest('{$names}'::text[])"
	    . ' ON CONFLICT DO NOTHING');
};

# The pool grows while writes wait for the disk together, each takes one statement and one commit.
subtest 'many writers at once' => sub {
	my ($writers, $each) = (8, 40);
	my $store = $mn->pid('store');
	my $crew = sub { my @pids = split ' ', MediaNest::Test::run_output('pgrep', '-P', $store);
	    return scalar @pids };
	my $statements = sub { $mn->psql('SELECT sum(calls) FROM pg_stat_statements s JOIN pg_roles'
	    . " r ON r.oid = s.userid WHERE rolname = 'medianest_store'") };
	my ($least, $before) = ($crew->(), $statements->());
	my @pids;
	for my $writer (1 .. $writers) {
		my $pid = fork // die "fork: $!";
		if (!$pid) {
			my $bad = grep { put("many/$writer/$_", "$writer/$_")->{status} != 200 }
			    1 .. $each;
			POSIX::_exit($bad ? 1 : 0);
		}
		push @pids, $pid;
	}
	my ($most, $bad, %left) = (0, 0, map { ($_ => 1) } @pids);
	while (%left) {
		my $now = $crew->();
		$most = $now if $now > $most;
		for my $pid (keys %left) {
			next if waitpid($pid, POSIX::WNOHANG()) != $pid;
			$bad++ if $?;
			delete $left{$pid};
		}
		sleep 0.02;
	}
	is($bad, 0, 'all are answered');
	cmp_ok($most, '>', $least, 'by more workers than usual');
	cmp_ok(($statements->() - $before) / $writers / $each, '<', 1.5,
	    'with hardly more than one statement each');
	is(scalar(grep { my $writer = $_;
	    grep { get("many/$writer/$_")->{content} ne "$writer/$_" } 1, $each } 1 .. $writers), 0,
	    'they are there');
	ok(wait_until(sub { $crew->() == $least }, 30, 'the usual workers'),
	    'those that are idle end');
};

# One connection hangs so that the server's own time limits do not help; the server is well.
subtest 'one slow statement' => sub {
	put("slow/$_", 'x') for 1 .. 6;
	my @backend = split /\s+/, $mn->psql("SELECT pid FROM pg_stat_activity WHERE usename = "
	    . "'medianest_store' AND query LIKE '%INSERT INTO objects %'");
	cmp_ok(scalar @backend, '>=', 1, 'a connection of a store worker');
	kill 'STOP', $backend[0];
	my ($tries, $slow) = (0);
	do { $slow = put('slow/hang', 'x') } until $slow->{status} != 200 || ++$tries == 50;
	is_deeply([@$slow{qw(status code)}], [503, 'ServiceUnavailable'],
	    'a write that hangs: 503');
	is_deeply([grep { $_ != 200 } map { put("slow/$_", 'y')->{status} } 1 .. 20], [],
	    '... and no other request is refused');
	kill 'CONT', $backend[0];
};

# Each acknowledged write is whole; so is every object that shows.
subtest 'kill -9 of store workers between and during writes' => sub {
	my $master = $mn->pid('store');
	my $killer = fork // die "fork: $!";
	if ($killer == 0) {
		while (1) {
			my @workers = split ' ',
			    MediaNest::Test::run_output('pgrep', '-P', $master);
			kill 'KILL', $workers[rand @workers] if @workers;
			sleep 0.15;
		}
	}
	my (%answered, $whole);
	for my $n (1 .. 120) {
		my $body = join ',', ($n) x (1000 + 500 * ($n % 7));
		$answered{"kill/$n"} = $body if put("kill/$n", $body)->{status} == 200;
	}
	kill 'KILL', $killer;
	waitpid $killer, 0;
	wait_until { put('alive', 'x')->{status} == 200 } 20, 'the store';
	cmp_ok(scalar(keys %answered), '>', 0,
	    scalar(keys %answered) . ' writes of 120 were answered');
	is(scalar(grep { get($_)->{content} ne $answered{$_} } keys %answered), 0,
	    'each answered write is whole');
	for my $n (1 .. 120) {
		my $answer = get("kill/$n");
		$whole++ if $answer->{status} == 404 || $answer->{content} eq join ',',
		    ($n) x (1000 + 500 * ($n % 7));
	}
	is($whole, 120, 'every object that shows is whole');
	wait_until { blob_files() <= known_blobs() } 10, 'every file known';
	pass('every file is known: by a row, or as garbage');
};

subtest 'garbage' => sub {
	put('garbage', $_) for 'one', 'two';
	my $before = blob_files();
	cmp_ok($mn->psql('SELECT count(*) FROM object_garbage'), '>', 0,
	    'a replaced blob is garbage');
	$mn->restart_part('store');
	wait_until { put('alive2', 'x')->{status} == 200 } 20, 'the store';
	cmp_ok(blob_files(), '>', $before, 'it stays for those who still read it');
	$mn->psql("UPDATE object_garbage SET since = now() - interval '2 hours'");
	$mn->restart_part('store');
	ok(wait_until(sub { blob_files() == $mn->psql('SELECT count(*) FROM objects') }, 30,
	    'collection'),
	    'after an hour only what has a row is left');
	is($mn->psql('SELECT count(*) FROM object_garbage'), 0, 'the list is empty');
	is(get('garbage')->{content}, 'two', 'the object is there');
};

SKIP: {
	MediaNest::Test::run_output('mount', '-t', 'tmpfs', '-o', 'size=80m,mode=0777', 'none',
	    $objects);
	skip 'no file system can be mounted here', 1 if $? != 0;
	my $mounted = 1;
	subtest 'disk full: the embedded store' => sub {
		my $owner = (stat "$mn->{var}/data")[4];
		my @spool = ("$objects/.tmp", "$objects/.tmp/body");
		mkdir $_ for @spool;
		chown $owner, -1, @spool, $objects;
		is(put('small', 'x' x 1000)->{status}, 200, 'there is room');
		is_deeply([@{ put('big', 'x' x 20_000_000) }{qw(status code)}],
		    [507, 'InsufficientStorage'], 'there is none');
		is(spooled(), 0, 'nothing was spooled');
		is(get('small')->{content}, 'x' x 1000, 'reads go on');
		MediaNest::Test::run_output('sh', '-c', 'head -c 20000000 /dev/zero >"$1"', 'sh',
		    "$objects/filler");
		is_deeply([@{ put('small2', 'x') }{qw(status code)}], [507, 'InsufficientStorage'],
		    'the reserve is kept');
		unlink "$objects/filler";
		is(put('small2', 'x')->{status}, 200, 'it recovers');
	};
	MediaNest::Test::run_output('umount', $objects) if $mounted;
}

done_testing();
