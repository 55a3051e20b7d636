#!/usr/bin/perl
# The wrappers of PostgreSQL and Redis against the real servers: t/tools/store-check does the work.
use strict;
use warnings;
use Cwd qw(abs_path);
use FindBin;
use lib "$FindBin::Bin/lib";
use MediaNest::Test;
use Test::More;

my $mn = MediaNest::Test->stack;
my $check = ($ENV{MEDIANEST_DEV_BUILD} || abs_path("$FindBin::Bin/..") . '/build')
    . '/t/tools/store-check';
plan skip_all => 'store-check is not built' unless -x $check;

# A part of the check as a subtest: its lines are ours.
sub part {
	my ($what, $where) = @_;
	my $said = MediaNest::Test::run_output($check, $what, $where);
	my $status = $?;
	my (@failed, $n);
	for (split /\n/, $said) {
		$n++ if /^(?:not )?ok /;
		push @failed, $_ if /^not ok|^#/;
	}
	ok $n, "$what: " . ($n || 0) . ' checks';
	is_deeply \@failed, [], "$what: none failed";
	is $status, 0, "$what: done" or diag $said;
}

# As the user of the stack, who may stop a process of its server.
part('queries', $mn->{status}{databaseUrl});
SKIP: {
	my ($pid) = $mn->psql('SELECT pg_backend_pid()');
	skip 'only the servers\' user may stop their processes', 3
	    if $> != 0 && !kill 0, $mn->pid('postgres');
	part('database', $mn->{status}{databaseUrl});
}
part('redis', "unix://$mn->{status}{redisSocket}");

# The services may do what roles.sql grants, and nothing else.
for my $role (qw(medianest_api medianest_worker medianest_store)) {
	is $mn->psql("SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls FROM "
	    . "pg_roles WHERE rolname = '$role'"),
	    'f', "$role is nothing special";
	is $mn->psql("SELECT has_schema_privilege('$role', 'public', 'CREATE')"), 'f',
	    "$role makes no tables";
	is $mn->psql("SELECT has_table_privilege('$role', 'schema_migrations', 'INSERT')"), 'f',
	    "$role records no migrations";
}
is $mn->psql("SELECT has_table_privilege('medianest_store', 'users', 'SELECT')"), 'f',
    'the object store sees no people';
is $mn->psql("SELECT has_table_privilege('medianest_store', 'objects', 'INSERT')"), 't',
    'but its objects';
is $mn->psql(q{SELECT count(*) FROM pg_class c WHERE relkind = 'r' AND relnamespace =
    'public'::regnamespace AND NOT has_table_privilege('medianest_api', oid, 'SELECT')
    AND NOT has_table_privilege('medianest_store', oid, 'SELECT')
    AND NOT has_table_privilege('medianest_worker', oid, 'SELECT')}), 0,
    'no table is forgotten by the grants';

# What runs with the rights of its owner can be led astray neither by a table of its caller nor by
# anybody who may not call it.
cmp_ok $mn->psql(q{SELECT count(*) FROM pg_proc WHERE prosecdef AND pronamespace =
    'public'::regnamespace}), '>', 0, 'some functions run as their owner';
is $mn->psql(q{SELECT coalesce(string_agg(proname, ' '), '') FROM pg_proc WHERE prosecdef
    AND pronamespace = 'public'::regnamespace AND NOT EXISTS (SELECT FROM unnest(proconfig) AS c
    WHERE c LIKE 'search\_path=%' AND c LIKE '%, pg\_temp')}), '',
    'pg_temp is the last place where they look';
is $mn->psql(q{SELECT coalesce(string_agg(proname, ' '), '') FROM pg_proc WHERE prosecdef
    AND pronamespace = 'public'::regnamespace
    AND has_function_privilege('public', oid, 'EXECUTE')}), '', 'not everybody may call them';
is $mn->psql(q{SELECT has_function_privilege('medianest_store',
    'mn_upload_open(uuid, text, boolean)', 'EXECUTE')}), 't', 'but the object store';
is $mn->psql(q{SELECT has_database_privilege('medianest_store', current_database(), 'TEMPORARY')}),
    'f', 'and makes no temporary tables';

done_testing;
