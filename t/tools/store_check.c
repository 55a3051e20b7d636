/*
 * The wrappers of PostgreSQL and Redis against real servers, as TAP. Run by t/030-store.t:
 *
 *	store-check queries CONNINFO          every query of the program is accepted by the schema
 *	store-check print -                   prints them
 *	store-check database CONNINFO         errors, transactions, lost connections, deadlines
 *	store-check redis URL                 scripts, binary data, late replies
 */
#include <hiredis/hiredis.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/str.h"
#include "store/pg.h"
#include "store/redis.h"
#include "t/unit/tap.h"
#include "core/banned.h"

#define TIMEOUT_MS 500
#define PATIENCE_MS 1500 /* as DB_PATIENCE_MS of store/pg_internal.h */
#define SLACK_MS 700     /* tolerance after a deadline, on a busy machine */

static struct arena arena;
static struct error err;

static const struct query q_one = { "one", "SELECT 1", QUERY_READ };
static const struct query q_echo = { "echo", "SELECT $1::text, $2::int, $3::text[]", QUERY_READ };
static const struct query q_pid = { "pid", "SELECT pg_backend_pid()", QUERY_READ };
static const struct query q_sleep = { "sleep", "SELECT pg_sleep(5)", QUERY_READ };
static const struct query q_insert = { "insert", "INSERT INTO mn_check (n, parity) VALUES ($1, $2)",
	0 };
static const struct query q_count = { "count", "SELECT count(*) FROM mn_check", QUERY_READ };
static const struct query q_bad_number = { "bad_number", "SELECT $1::int", QUERY_READ };
static const struct query q_wrong = { "wrong", "SELECT no_such_column FROM users", QUERY_READ };
static const struct query q_custom = { "custom", "SELECT $1::int + 1",
	QUERY_READ | QUERY_CUSTOM_PLAN };
static const struct query q_other_one = { "one", "SELECT 2", QUERY_READ };

static void
sleep_ms(long ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

static bool
fails(bool result, enum error_code code, const char *slug)
{
	bool as_expected =
	    !result && err.code == code && (slug == NULL || str_eq(error_slug_of(&err), slug));

	if (!as_expected)
		printf("# result %d, code %d, slug %s: %s; %s\n", result, err.code,
		    error_slug_of(&err), err.message, err.detail);
	error_clear(&err);
	return as_expected;
}

static bool
succeeds(bool result)
{
	if (!result)
		printf("# %s; %s\n", err.message, err.detail);
	error_clear(&err);
	return result;
}

/* Prepared through the protocol, as at run time: SQL's PREPARE does not accept some of them. */
static void
check_queries(const char *conninfo)
{
	PGconn *conn = PQconnectdb(conninfo);
	unsigned n = 0;

	if (!ok(PQstatus(conn) == CONNECTION_OK, "connected"))
		printf("# %s", PQerrorMessage(conn));
	for (size_t t = 0; store_query_tables[t] != NULL; t++)
		for (const struct query *q = store_query_tables[t]; q->name != NULL; q++, n++) {
			char name[64];
			PGresult *res;

			snprintf(name, sizeof(name), "check_%u", n);
			res = PQprepare(conn, name, q->sql, 0, NULL);
			if (!ok(PQresultStatus(res) == PGRES_COMMAND_OK, "%s", q->name))
				printf("# %s", PQresultErrorMessage(res));
			PQclear(res);
			ok(strpbrk(q->sql, ";") == NULL, "%s is one statement", q->name);
		}
	ok(n > 50, "%u queries", n);
	PQfinish(conn);
}

/* Name, the plan that it demands and text of each: build-aux/statement-owners, t/bench/plans. */
static void
print_queries(const char *unused)
{
	(void)unused;
	for (size_t t = 0; store_query_tables[t] != NULL; t++)
		for (const struct query *q = store_query_tables[t]; q->name != NULL; q++)
			printf("%s\t%s\t%s\n", q->name,
			    (q->flags & QUERY_ONE_PLAN) != 0 ? "one-plan" : "", q->sql);
}

static void
check_values(struct db *db)
{
	const char *words[] = { "a", "b c", "d\"e", "f\\g", "{h,i}", "", "NULL" }, **back;
	struct rows *rows;
	size_t n;

	ok(succeeds(db_exec(db, &arena, &q_echo,
	       DB_PARAMS("x\xc3\xa9y", "-7", db_array(&arena, words, 7)), &rows, &err)),
	    "values go and come");
	is_str(rows_str(rows, 0, 0), "x\xc3\xa9y", "a text");
	is_int(rows_int(rows, 0, 1), -7, "a number");
	back = rows_array(&arena, rows, 0, 2, &n);
	is_int(n, 7, "an array");
	for (size_t i = 0; i < n; i++)
		is_str(back[i], words[i], "element %zu", i);
	ok(succeeds(db_exec(db, &arena, &q_echo, DB_PARAMS(NULL, NULL, NULL), &rows, &err)),
	    "NULLs");
	ok(rows_null(rows, 0, 0) && rows_str(rows, 0, 0) == NULL && rows_int(rows, 0, 1) == 0,
	    "are NULL");
	ok(fails(db_exec(db, &arena, &q_echo, DB_PARAMS("\xff", NULL, NULL), NULL, &err),
	       ERR_VALIDATION, NULL),
	    "invalid UTF-8 is the client's fault");
	ok(fails(db_exec(db, &arena, &q_bad_number, DB_PARAMS("x"), NULL, &err), ERR_VALIDATION,
	       NULL),
	    "so is a wrong form");
	ok(fails(db_exec(db, &arena, &q_wrong, DB_NO_PARAMS, NULL, &err), ERR_QUERY, NULL),
	    "a wrong statement is ours");
	ok(succeeds(db_exec(db, &arena, &q_custom, DB_PARAMS("41"), &rows, &err)) &&
		rows_int(rows, 0, 0) == 42,
	    "planned at each call");
	ok(succeeds(db_exec(db, &arena, &q_one, DB_NO_PARAMS, &rows, &err)) &&
		rows_int(rows, 0, 0) == 1,
	    "one");
	ok(succeeds(db_exec(db, &arena, &q_other_one, DB_NO_PARAMS, &rows, &err)) &&
		rows_int(rows, 0, 0) == 2,
	    "another statement of that name");
}

static int64_t
count(struct db *db)
{
	struct rows *rows;

	return succeeds(db_exec(db, &arena, &q_count, DB_NO_PARAMS, &rows, &err)) ?
	    rows_int(rows, 0, 0) :
	    -1;
}

static void
check_transactions(struct db *db)
{
	struct db_call calls[3] = { { .query = &q_insert }, { .query = &q_insert },
		{ .query = &q_count } };

	ok(succeeds(db_script(db,
	       "CREATE TEMP TABLE mn_check (n int CONSTRAINT mn_check_key UNIQUE, parity int"
	       " CONSTRAINT mn_even CHECK (parity = 0))",
	       &err)),
	    "a table");
	ok(succeeds(db_begin(db, &err)) &&
		succeeds(db_exec(db, &arena, &q_insert, DB_PARAMS("1", "0"), NULL, &err)) &&
		succeeds(db_commit(db, &err)),
	    "committed");
	is_int(count(db), 1, "there");
	db_begin(db, &err);
	db_exec(db, &arena, &q_insert, DB_PARAMS("2", "0"), NULL, &err);
	db_rollback(db);
	is_int(count(db), 1, "rolled back");
	db_rollback(db);
	ok(!db_exec(db, &arena, &q_insert, DB_PARAMS("1", "0"), NULL, &err) &&
		err.code == ERR_CONFLICT && db_violated(&err, "mn_check_key") &&
		!db_violated(&err, "mn_check"),
	    "a unique violation names its constraint");
	ok(!db_exec(db, &arena, &q_insert, DB_PARAMS("3", "1"), NULL, &err) &&
		db_violated(&err, "mn_even"),
	    "so does a check");
	db_begin(db, &err);
	ok(fails(db_exec(db, &arena, &q_insert, DB_PARAMS("1", "0"), NULL, &err), ERR_CONFLICT,
	       NULL),
	    "a failure inside");
	ok(fails(db_commit(db, &err), ERR_QUERY, NULL), "makes the commit fail, loudly");
	calls[0].params = (const char *const[]) { "4", "0" };
	calls[1].params = (const char *const[]) { "5", "0" };
	calls[0].nparams = calls[1].nparams = 2;
	ok(succeeds(db_pipeline(db, &arena, calls, 3, &err)) && rows_int(calls[2].rows, 0, 0) == 3,
	    "a pipeline, each sees what came before");
	calls[0].params = (const char *const[]) { "6", "0" };
	ok(fails(db_pipeline(db, &arena, calls, 3, &err), ERR_CONFLICT, NULL), "one fails");
	is_int(count(db), 3, "and none is kept");
	ok(succeeds(db_exec(db, &arena, &q_one, DB_NO_PARAMS, NULL, &err)),
	    "the connection is as good as before");
}

static pid_t
backend(struct db *db)
{
	struct rows *rows;

	return succeeds(db_exec(db, &arena, &q_pid, DB_NO_PARAMS, &rows, &err)) ?
	    (pid_t)rows_int(rows, 0, 0) :
	    -1;
}

static void
add_one(void *n)
{
	++*(int *)n;
}

/*
 * One transaction around others: before it commits, nothing is permanent and no notification is
 * sent.
 */
static void
check_outer(struct db *db)
{
	int told = 0;

	db_on_commit(db, &arena, add_one, &told);
	is_int(told, 1, "outside a transaction at once");
	ok(succeeds(db_outer_begin(db, &err)), "an outer transaction");
	ok(succeeds(db_begin(db, &err)) &&
		succeeds(db_exec(db, &arena, &q_insert, DB_PARAMS("10", "0"), NULL, &err)) &&
		succeeds(db_commit(db, &err)),
	    "a part commits");
	db_on_commit(db, &arena, add_one, &told);
	db_rollback(db);
	is_int(count(db), 4, "a stray rollback takes nothing back");
	ok(succeeds(db_begin(db, &err)) &&
		fails(db_exec(db, &arena, &q_insert, DB_PARAMS("10", "0"), NULL, &err),
		    ERR_CONFLICT, NULL),
	    "another fails");
	db_on_commit(db, &arena, add_one, &told);
	ok(fails(db_commit(db, &err), ERR_QUERY, NULL), "cannot commit");
	db_rollback(db);
	is_int(count(db), 4, "and is taken back alone");
	ok(succeeds(db_begin(db, &err)) &&
		succeeds(db_exec(db, &arena, &q_insert, DB_PARAMS("11", "0"), NULL, &err)),
	    "a third");
	db_rollback(db);
	is_int(told, 1, "nobody was told yet");
	ok(succeeds(db_outer_commit(db, &err)), "committed");
	is_int(told, 2, "told of what was kept, once");
	is_int(count(db), 4, "which is there");
	ok(succeeds(db_outer_begin(db, &err)) && succeeds(db_begin(db, &err)) &&
		succeeds(db_exec(db, &arena, &q_insert, DB_PARAMS("12", "0"), NULL, &err)) &&
		succeeds(db_commit(db, &err)),
	    "once more");
	db_on_commit(db, &arena, add_one, &told);
	db_outer_rollback(db);
	is_int(count(db), 4, "what a part committed goes with the whole");
	is_int(told, 2, "and nobody hears of it");
	db_outer_begin(db, &err);
	kill(backend(db), SIGTERM);
	sleep_ms(200);
	ok(fails(db_begin(db, &err), ERR_UNAVAILABLE, NULL), "lost: no part begins");
	db_rollback(db);
	ok(fails(db_outer_commit(db, &err), ERR_UNAVAILABLE, NULL), "nor is anything committed");
	db_outer_rollback(db);
	ok(succeeds(db_exec(db, &arena, &q_one, DB_NO_PARAMS, NULL, &err)), "and then all is well");
}

static void
check_losses(struct db *db)
{
	struct db_call reads[] = { { .query = &q_one }, { .query = &q_other_one } };
	uint64_t serial = db_serial(db);
	pid_t pid = backend(db), other;

	ok(kill(pid, SIGTERM) == 0, "the server's process is told to go");
	sleep_ms(200);
	other = backend(db);
	ok(other > 0 && other != pid, "a read goes on with another");
	ok(db_serial(db) == serial + 1, "which is counted");
	kill(other, SIGTERM);
	sleep_ms(200);
	ok(succeeds(db_pipeline(db, &arena, reads, 2, &err)) &&
		rows_int(reads[0].rows, 0, 0) == 1 && rows_int(reads[1].rows, 0, 0) == 2,
	    "so does a pipeline of reads");
	other = backend(db);
	kill(other, SIGTERM);
	sleep_ms(200);
	ok(fails(db_script(db, "SELECT 1", &err), ERR_UNAVAILABLE, "database_unavailable"),
	    "a script is not repeated");
	ok(succeeds(db_begin(db, &err)), "a new transaction may begin");
	pid = backend(db);
	kill(pid, SIGTERM);
	sleep_ms(200);
	ok(fails(db_exec(db, &arena, &q_one, DB_NO_PARAMS, NULL, &err), ERR_UNAVAILABLE, NULL),
	    "lost inside a transaction: nothing is repeated");
	ok(fails(db_exec(db, &arena, &q_one, DB_NO_PARAMS, NULL, &err), ERR_UNAVAILABLE, NULL),
	    "nor done outside of it");
	ok(fails(db_commit(db, &err), ERR_UNAVAILABLE, NULL), "nor committed");
	db_rollback(db);
	ok(succeeds(db_exec(db, &arena, &q_one, DB_NO_PARAMS, NULL, &err)), "and then all is well");
}

static const struct query q_slow = { "slow", "SELECT pg_sleep(5)", QUERY_READ | QUERY_CUSTOM_PLAN };
static const struct query q_fault = { "fault", "SELECT 1 / $1::int",
	QUERY_READ | QUERY_CUSTOM_PLAN };
static const struct query q_limit = { "limit", "SELECT current_setting('statement_timeout')",
	QUERY_READ | QUERY_CUSTOM_PLAN };

/* A letter for each read: 'x' has rows, 'l' was late, 'e' failed otherwise. */
static const char *
fates(struct db *db, struct db_ask *asks, size_t n)
{
	static struct error errors[8];
	static char said[8];

	for (size_t i = 0; i < n; i++)
		asks[i].err = &errors[i];
	db_each(db, &arena, asks, n);
	for (size_t i = 0; i < n; i++)
		said[i] = asks[i].call.rows != NULL ? 'x' : asks[i].late ? 'l' : 'e';
	said[n] = '\0';
	return said;
}

/* Independent reads: each has its own deadline, and a failure does not affect the others. */
static void
check_each(struct db *db)
{
	const char *const zero[] = { "0" }, *const two[] = { "2" }, *const six[] = { "6" };
	struct db_call slow = { .query = &q_slow }, limit = { .query = &q_limit };
	struct db_ask asks[] = { { .call = { &q_custom, six, 1, NULL } },
		{ .call = slow, .timeout_ms = 100 }, { .call = { &q_fault, zero, 1, NULL } },
		{ .call = limit, .timeout_ms = 200 }, { .call = limit, .timeout_ms = 100000 },
		{ .call = { &q_fault, two, 1, NULL } } };
	struct db_ask lost[] = { { .call = slow }, { .call = { &q_custom, six, 1, NULL } } };
	int64_t start = clock_monotonic(), took;
	uint64_t serial;
	pid_t pid;

	db_each(db, &arena, asks, 0);
	is_str(fates(db, asks, 6), "xlexxx", "one is late, one fails, the others are there");
	took = (clock_monotonic() - start) / US_PER_MS;
	ok(took < TIMEOUT_MS, "by its own deadline: %lld ms", (long long)took);
	is_int(rows_int(asks[0].call.rows, 0, 0), 7, "what came before");
	is_str(rows_str(asks[3].call.rows, 0, 0), "200ms", "a deadline");
	is_str(rows_str(asks[4].call.rows, 0, 0), "500ms",
	    "of nobody else, and never a longer one");
	ok(asks[1].err->code == ERR_UNAVAILABLE && asks[2].err->code == ERR_QUERY, "why");
	ok(succeeds(db_exec(db, &arena, &q_one, DB_NO_PARAMS, NULL, &err)),
	    "the connection remains");
	pid = backend(db);
	serial = db_serial(db);
	kill(pid, SIGTERM);
	sleep_ms(200);
	is_str(fates(db, asks, 6), "xlexxx", "asked again on a new connection");
	ok(db_serial(db) == serial + 1, "which is one");
	pid = backend(db);
	kill(pid, SIGSTOP);
	start = clock_monotonic();
	is_str(fates(db, lost, 2), "ll", "a silent server is given up for all");
	took = (clock_monotonic() - start) / US_PER_MS;
	ok(took < TIMEOUT_MS + SLACK_MS, "in time: %lld ms", (long long)took);
	is_str(fates(db, lost, 2), "lx", "and another connection is tried at once");
	kill(pid, SIGCONT);
	kill(pid, SIGTERM);
}

static void
check_deadlines(struct db *db)
{
	struct db_call reads[] = { { .query = &q_one }, { .query = &q_other_one } };
	int64_t start = clock_monotonic(), took;
	uint64_t serial;
	pid_t pid;

	ok(fails(db_exec(db, &arena, &q_sleep, DB_NO_PARAMS, NULL, &err), ERR_UNAVAILABLE,
	       "database_unavailable"),
	    "a slow statement is given up");
	took = (clock_monotonic() - start) / US_PER_MS;
	ok(took < TIMEOUT_MS + SLACK_MS, "in time: %lld ms", (long long)took);
	ok(succeeds(db_exec(db, &arena, &q_one, DB_NO_PARAMS, NULL, &err)),
	    "by the server itself: the connection remains");

	pid = backend(db);
	ok(kill(pid, SIGSTOP) == 0, "the server's process stops answering");
	start = clock_monotonic();
	ok(fails(db_exec(db, &arena, &q_insert, DB_PARAMS("77", "odd"), NULL, &err),
	       ERR_UNAVAILABLE, "database_unavailable"),
	    "a change is given up");
	took = (clock_monotonic() - start) / US_PER_MS;
	ok(took < TIMEOUT_MS + SLACK_MS, "in time: %lld ms", (long long)took);
	kill(pid, SIGTERM);
	kill(pid, SIGCONT);
	ok(succeeds(db_exec(db, &arena, &q_one, DB_NO_PARAMS, NULL, &err)),
	    "and the next statement has another connection at once");
	pid = backend(db);
	serial = db_serial(db);
	kill(pid, SIGSTOP);
	ok(succeeds(db_exec(db, &arena, &q_one, DB_NO_PARAMS, NULL, &err)) &&
		db_serial(db) == serial + 1,
	    "a read is sent again on another connection");
	kill(pid, SIGTERM);
	kill(pid, SIGCONT);
	pid = backend(db);
	kill(pid, SIGSTOP);
	ok(succeeds(db_pipeline(db, &arena, reads, 2, &err)), "so are reads in a pipeline");
	kill(pid, SIGTERM);
	kill(pid, SIGCONT);
	pid = backend(db);
	kill(pid, SIGSTOP);
	ok(succeeds(db_begin(db, &err)), "and the beginning of a transaction");
	kill(pid, SIGTERM);
	kill(pid, SIGCONT);
	pid = backend(db);
	ok(kill(pid, SIGSTOP) == 0 && fails(db_commit(db, &err), ERR_UNAVAILABLE, "commit_unknown"),
	    "after a silent commit nobody knows whether it was done, and it says so");
	kill(pid, SIGCONT);
	db_set_timeout(db, 3000);
	ok(succeeds(db_exec(db, &arena, &q_one, DB_NO_PARAMS, NULL, &err)),
	    "with another deadline");
}

/* A server that refuses connections: the first request waits for it, the next ones do not. */
static void
check_refusals(void)
{
	struct db *nowhere = db_new("host=/nonexistent", 3000, NULL);
	const char *const why[] = { "the first is patient", "the next has one attempt" };
	int64_t least[] = { PATIENCE_MS, 0 }, most[] = { 3000, PATIENCE_MS };

	for (int i = 0; i < 2; i++) {
		int64_t start = clock_monotonic(), took;

		ok(fails(db_exec(nowhere, &arena, &q_one, DB_NO_PARAMS, NULL, &err),
		       ERR_UNAVAILABLE, "database_unavailable"),
		    "no server");
		took = (clock_monotonic() - start) / US_PER_MS;
		ok(took >= least[i] && took < most[i], "%s: %lld ms", why[i], (long long)took);
	}
	db_free(nowhere);
}

static void
check_notify(struct db *db, const char *conninfo)
{
	struct db *other = db_new(conninfo, 3000, NULL);
	const char *channel = NULL, *payload = NULL;

	ok(succeeds(db_script(db, "LISTEN mn_check", &err)) &&
		succeeds(db_script(other, "NOTIFY mn_check, 'hello'", &err)),
	    "listening");
	for (int i = 0; i < 100 && channel == NULL; i++) {
		channel = db_notification(db, &arena, &payload);
		if (channel == NULL)
			sleep_ms(20);
	}
	is_str(channel, "mn_check", "a notification");
	is_str(payload, "hello", "and what it says");
	ok(db_notification(db, &arena, &payload) == NULL, "no second one");
	db_free(other);
}

static void
check_database(const char *conninfo)
{
	struct db *db = db_new(conninfo, TIMEOUT_MS, NULL);

	check_values(db);
	check_transactions(db);
	check_outer(db);
	check_losses(db);
	check_each(db);
	check_deadlines(db);
	check_refusals();
	check_notify(db, conninfo);
	db_free(db);
}

static const char *
get(struct redis *r, const char *key)
{
	struct redisReply *reply;

	if (!redis_command(r, &arena, REDIS_ARGV("GET", redis_key(r, &arena, "%s", key)), &reply,
		&err))
		return NULL;
	return reply->type == REDIS_REPLY_STRING ? reply->str : "";
}

static void
check_redis(const char *url)
{
	static struct redis_script script = { .name = "pair",
		.source = "return { KEYS[1], ARGV[1] }" };
	struct redis *r = redis_new(url, "mncheck:", "store-check", NULL),
		     *blocker = redis_new(url, "mncheck:", "store-check-2", NULL);
	struct redis *nowhere = redis_new("unix:///nonexistent", "x:", "x", NULL);
	const char *argv[] = { redis_key(r, &arena, "k"), "v" };
	struct redisReply *reply;
	int64_t start, took;

	is_int(strlen(redis_run_id(r, &err)), 40, "the server's run_id");
	ok(succeeds(redis_command(r, &arena, REDIS_ARGV("SET", redis_key(r, &arena, "a"), "of a"),
	       NULL, &err)),
	    "set");
	ok(succeeds(redis_command(r, &arena, REDIS_ARGV("SET", redis_key(r, &arena, "b"), "of b"),
	       NULL, &err)),
	    "set");
	is_str(get(r, "a"), "of a", "get");
	ok(succeeds(redis_command(r, &arena, 3,
	       (const char *const[]) { "SET", "mncheck:c", "x\0y" }, (size_t[]) { 3, 9, 3 }, NULL,
	       &err)),
	    "binary data");
	ok(redis_command(r, &arena, REDIS_ARGV("STRLEN", "mncheck:c"), &reply, &err) &&
		reply->integer == 3,
	    "whole");
	ok(fails(redis_command(r, &arena, REDIS_ARGV("NOSUCH"), NULL, &err), ERR_UNAVAILABLE,
	       "redis_unavailable"),
	    "a refused command");
	is_str(get(r, "a"), "of a", "leaves the connection as it was");
	for (int i = 0; i < 2; i++) {
		ok(succeeds(redis_eval(r, &arena, &script, 1, 2, argv, NULL, &reply, &err)) &&
			reply->elements == 2 && str_eq(reply->element[1]->str, "v"),
		    "a script, %s", i == 0 ? "unknown to the server" : "by its hash");
		if (i == 0)
			redis_command(r, &arena, REDIS_ARGV("SCRIPT", "FLUSH"), NULL, &err);
	}

	ok(succeeds(redis_command(blocker, &arena, REDIS_ARGV("CLIENT", "PAUSE", "900", "ALL"),
	       NULL, &err)),
	    "the server pauses");
	start = clock_monotonic();
	ok(fails(get(r, "a") != NULL, ERR_UNAVAILABLE, "redis_unavailable"),
	    "no answer is waited for any longer");
	took = (clock_monotonic() - start) / US_PER_MS;
	ok(took < REDIS_COMMAND_MS + SLACK_MS, "than it should: %lld ms", (long long)took);
	start = clock_monotonic();
	ok(fails(get(r, "b") != NULL, ERR_UNAVAILABLE, "redis_unavailable"),
	    "nor is it asked again at once");
	took = (clock_monotonic() - start) / US_PER_MS;
	ok(took < REDIS_COMMAND_MS / 2, "answered at once: %lld ms", (long long)took);
	sleep_ms(1300);
	is_str(get(r, "b"), "of b", "the late answer to the first question is nobody's answer");
	is_str(get(r, "a"), "of a", "nor the next one's");
	ok(succeeds(redis_command(blocker, &arena,
	       REDIS_ARGV("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"), NULL, &err)),
	    "the connection is cut");
	is_str(get(r, "a"), "of a", "an idle connection that died is opened again");
	ok(fails(redis_command(nowhere, &arena, REDIS_ARGV("PING"), NULL, &err), ERR_UNAVAILABLE,
	       "redis_unavailable"),
	    "no server");
	redis_command(r, &arena, REDIS_ARGV("DEL", "mncheck:a", "mncheck:b", "mncheck:c"), NULL,
	    &err);
	redis_free(r);
	redis_free(blocker);
	redis_free(nowhere);
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*check)(const char *);
	} checks[] = { { "queries", check_queries }, { "database", check_database },
		{ "redis", check_redis }, { "print", print_queries } };

	signal(SIGPIPE, SIG_IGN);
	arena_init(&arena);
	error_clear(&err);
	for (size_t i = 0; argc == 3 && i < sizeof(checks) / sizeof(checks[0]); i++)
		if (str_eq(argv[1], checks[i].name)) {
			checks[i].check(argv[2]);
			arena_clear(&arena);
			return done_testing();
		}
	fputs("usage: store-check queries|database CONNINFO | redis URL | print -\n", stderr);
	return 64;
}
