#!/usr/bin/perl
# What stands between MediaNest and PostgreSQL goes wrong: answers that come late, that are cut off
# in the middle or never arrive, and a server that changes places with its copy.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use MediaNest::Faults;
use MediaNest::Hooks;
use MediaNest::Sequence qw(later);
use MediaNest::Test;
use Test::More;
use Time::HiRes qw(time);

use constant { REFUSED_WITHIN => 2, SILENT_WITHIN => 4, BACK => 15, DELAY => 0.15, SLOW => 30_000 };

my ($mn, $proxy) = stack_behind(['database']);
my ($admin, $nobody, $hooks) = ($mn->admin, $mn->client, MediaNest::Hooks->new($mn));

# Calls it in another process and measures that.
sub together {
	my ($call) = @_;
	return later(sub {
		my $began = time;
		my $answer = $call->();
		return { status => $answer->{status}, json => { took => time - $began,
		    again => $answer->{headers}{'retry-after'}, content => $answer->{content} } };
	});
}

# What holds while the database cannot be had, and afterwards; each question is asked at once, for
# all of them wait.
my $asked = 20;
sub refused {
	my ($within, $fault, @how) = @_;
	my $limit = ++$asked;
	$proxy->fault($fault, @how);
	my %answer = (list => together(sub { $admin->api(GET => "/api/media?limit=$limit") }),
	    change => together(sub { $admin->api(POST => '/api/media/upload/initiate',
		{ filename => 'a.png', size => 100, type => 'image/png' }) }),
	    webhook => together(sub { $hooks->plex({ event => 'library.new' }) }),
	    ready => together(sub { $nobody->api(GET => '/api/health/ready') }));
	is $nobody->api(GET => '/api/health/live')->{status}, 200, "$fault: live";
	for my $name (sort keys %answer) {
		my $got = $answer{$name}->();
		is $got->{status}, 503, "$fault: $name is 503" or diag $got->{json}{content};
		ok $got->{json}{again}, "$fault: $name says when to try again";
		cmp_ok $got->{json}{took}, '<', $within, "$fault: $name within $within s";
	}
	$proxy->heal;
	recovers();
}
sub recovers {
	ok eval { wait_until { $admin->api(GET => '/api/media?limit=' . ++$asked)->{status} == 200 }
	    BACK, 'the list' }, 'it recovers by itself';
	ok $mn->wait_ready(BACK), 'and says so';
}

my $item = $admin->wait_media($admin->upload_bytes('a.png', png(64, 48), 'image/png')->{id});
is $item->{status}, 'ready', 'everything works through the proxy';

subtest 'PostgreSQL down: connections are refused' => sub {
	refused(REFUSED_WITHIN, refuse => 1);
};

subtest 'PostgreSQL down: connections hang' => sub {
	refused(SILENT_WITHIN, frozen => 1);
};

subtest 'PostgreSQL down: nobody accepts connections' => sub {
	refused(SILENT_WITHIN, silent => 1);
};

subtest 'PostgreSQL down: answers that come late harm nobody' => sub {
	$proxy->fault(delay => DELAY);
	my $got = together(sub { $admin->api(GET => '/api/media?limit=' . ++$asked) })->();
	is $got->{status}, 200, 'a read';
	cmp_ok $got->{json}{took}, '>', DELAY, 'that was late';
	$proxy->fault(rate => SLOW);
	is $admin->api(GET => '/api/media?limit=' . ++$asked)->{status}, 200, 'a narrow line';
	$proxy->heal;
};

subtest 'PostgreSQL down: a read that is cut off is read again' => sub {
	my $before = $proxy->count->{cut};
	$proxy->fault(cut => $_, after => 'newest', times => 1),
	    is $admin->api(GET => '/api/media?limit=' . ++$asked)->{status}, 200, "after $_ bytes"
	    for 0, 200;
	$proxy->heal;
	is $proxy->count->{cut}, $before + 2, 'connections were cut';
};

subtest 'PostgreSQL down: a change whose answer is lost happens once' => sub {
	for my $statement ('upload_add_media', 'COMMIT') {
		my $before = $proxy->count->{cut};
		$proxy->fault(cut => 0, after => $statement, times => 1);
		my $key = "lost-$statement";
		my $ask = sub { $admin->api(POST => '/api/media/upload/initiate',
		    { filename => "$key.png", size => 100, type => 'image/png' },
		    { 'Idempotency-Key' => $key }) };
		my $first = $ask->();
		$proxy->heal;
		my $second = wait_until { my $got = $ask->(); $got->{status} == 201 && $got } BACK;
		is $proxy->count->{cut}, $before + 1, "$statement: its answer was lost";
		is $second->{status}, 201,
		    "$statement: sent again, it succeeds ($first->{status} before)";
		is $mn->psql("SELECT count(*) FROM media WHERE filename = '$key.png'"), 1,
		    "$statement: once";
	}
};

subtest 'PostgreSQL down: a server that takes over is found' => sub {
	my $before = $mn->pid('postgres');
	$mn->restart_part('postgres');
	recovers();
	isnt $mn->pid('postgres'), $before, 'another server';
	is $admin->wait_media($admin->upload_bytes('b.png', png(64, 48),
	    'image/png')->{id})->{status},
	    'ready', 'the worker found it too';
};

# As a copy of the database is, before it takes over and after it did.
sub read_only {
	my ($on) = @_;
	my $url = $mn->{status}{databaseUrl} =~ s/user=\w+/user=postgres/r;
	MediaNest::Test::run_output('psql', '-Xq', '-d', $url, '-c',
	    "ALTER SYSTEM SET default_transaction_read_only = $on", '-c',
	        'SELECT pg_reload_conf()');
	wait_until { $mn->psql('SHOW default_transaction_read_only') eq $on } BACK, $on;
}

subtest 'PostgreSQL down: a server that cannot be changed' => sub {
	read_only('on');
	my $ask = sub { $admin->api(POST => '/api/media/upload/initiate',
	    { filename => 'c.png', size => 100, type => 'image/png' }) };
	my $got;
	# A process that was in the middle of a statement reads its settings afterwards.
	wait_until { $got = $ask->(); $got->{status} != 201 } BACK, 'a refusal';
	is "$got->{status} $got->{json}{code}", '503 database_unavailable', 'a change is 503'
	    or diag $got->{content};
	ok $got->{headers}{'retry-after'}, 'and says when to try again';
	is $admin->api(GET => '/api/media?limit=' . ++$asked)->{status}, 200, 'reading works';
	my $before = $proxy->count->{connections};
	ok eval { wait_until { $ask->(); $proxy->count->{connections} > $before } BACK,
	    'a connection' }, 'another server is looked for';
	read_only('off');
	ok eval { wait_until { $ask->()->{status} == 201 } BACK, 'a change' },
	    'it recovers by itself';
};

each_once($mn, $item->{id});
done_testing;
