/* Statements: see pg.h. */
#include "store/pg.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "store/pg_internal.h"
#include "core/banned.h"

#define ONE_PLAN_ON "SET plan_cache_mode = force_generic_plan; SET enable_sort = off"
#define ONE_PLAN_OFF "SET plan_cache_mode = auto; SET enable_sort = on"
#define NAME_MAX_BYTES 63 /* PostgreSQL truncates longer identifiers */

static size_t
prepared_slot(const struct db *db, const struct query *query)
{
	size_t mask = db->prepared_cap - 1,
	       i = ((uintptr_t)query / sizeof(*query) * 2654435761u) & mask;

	while (db->prepared[i] != NULL && db->prepared[i] != query)
		i = (i + 1) & mask;
	return i;
}

/* Statements that need no preparation count as prepared. */
static bool
is_prepared(const struct db *db, const struct query *query)
{
	return (query->flags & QUERY_CUSTOM_PLAN) != 0 ||
	    db->prepared[prepared_slot(db, query)] != NULL;
}

static void
prepared_add(struct db *db, const struct query *query)
{
	const struct query **old = db->prepared;
	size_t old_cap = db->prepared_cap;

	if (2 * (db->prepared_len + 1) > db->prepared_cap) {
		db->prepared_cap *= 2;
		db->prepared = xmalloc(db->prepared_cap * sizeof(struct query *));
		memset(db->prepared, 0, db->prepared_cap * sizeof(struct query *));
		for (size_t i = 0; i < old_cap; i++)
			if (old[i] != NULL)
				db->prepared[prepared_slot(db, old[i])] = old[i];
		free(old);
	}
	db->prepared[prepared_slot(db, query)] = query;
	db->prepared_len++;
}

/* Two tables may use the same name: the address distinguishes their statements. */
static const char *
statement_name(const struct query *query, char out[NAME_MAX_BYTES + 1])
{
	snprintf(out, NAME_MAX_BYTES + 1, "%.40s@%zx", query->name, (size_t)(uintptr_t)query);
	return out;
}

int64_t
db_deadline(const struct db *db)
{
	int64_t ms = db->timeout_ms + DB_GRACE_MS;

	if (db->failing_since != 0 && ms > DB_TRIAL_MS)
		ms = DB_TRIAL_MS;
	return clock_monotonic() + ms * US_PER_MS;
}

/*
 * Returns the result of one statement outside pipeline mode: the first that failed, else the last.
 * NULL: the connection is lost (errno ETIMEDOUT: too late).
 */
static PGresult *
answer_take(struct db *db, int64_t deadline)
{
	PGresult *kept = NULL;

	for (;;) {
		PGresult *res;
		ExecStatusType status;

		if (!db_pump(db, deadline)) {
			PQclear(kept);
			return NULL;
		}
		res = PQgetResult(db->conn);
		if (res == NULL)
			return kept;
		status = PQresultStatus(kept);
		if (kept != NULL && (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE)) {
			PQclear(res);
			continue;
		}
		PQclear(kept);
		kept = res;
	}
}

static bool
succeeded(const PGresult *res)
{
	ExecStatusType status = PQresultStatus(res);

	return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK ||
	    status == PGRES_EMPTY_QUERY;
}

static enum db_outcome
outcome_of(struct db *db, const struct query *query, const PGresult *res, struct error *err)
{
	if (res == NULL) {
		bool late = errno == ETIMEDOUT;

		db_lost(db, query->name, err);
		return late ? DB_LATE : DB_DEAD;
	}
	db->failing_since = 0;
	if (succeeded(res))
		return DB_DONE;
	db_refused(db, query, res, err);
	if (PQstatus(db->conn) == CONNECTION_BAD || db_state_is(res, "57P") ||
	    db_state_is(res, "0A000") || db_state_is(res, "26000")) {
		db_close(db);
		return DB_DEAD;
	}
	db->conflict = db_state_is(res, "40001") || db_state_is(res, "40P01");
	return db->conflict ? DB_REPLAY : DB_REFUSED;
}

/* A statement without parameters or preparation: SET, BEGIN, COMMIT, migrations, LISTEN. */
enum db_outcome
db_simple(struct db *db, const char *sql, const char *name, int64_t deadline, PGresult **out,
    struct error *err)
{
	const struct query query = { .name = name };
	enum db_outcome outcome;
	PGresult *res;

	errno = 0;
	res = PQsendQuery(db->conn, sql) == 1 ? answer_take(db, deadline) : NULL;
	outcome = outcome_of(db, &query, res, err);
	if (out != NULL && outcome == DB_DONE)
		*out = res;
	else
		PQclear(res);
	return outcome;
}

/* Connects, and sends the server a time limit that has changed. */
enum db_outcome
db_ready(struct db *db, int64_t deadline, struct error *err)
{
	char sql[96];
	enum db_outcome outcome;

	if (!db_connected(db) && db->in_tx) {
		errno = 0;
		db_lost(db, "the transaction's connection is gone", err);
		return DB_AWAY;
	}
	if (db->moved && !db->in_tx)
		db_close(db);
	if (!db_open(db, deadline, err))
		return DB_AWAY;
	if (db->server_timeout_ms == db->timeout_ms)
		return DB_DONE;
	snprintf(sql, sizeof(sql), "SET statement_timeout = %d; SET lock_timeout = %d",
	    db->timeout_ms, db->timeout_ms);
	outcome = db_simple(db, sql, "set_timeout", deadline, NULL, err);
	if (outcome == DB_DONE)
		db->server_timeout_ms = db->timeout_ms;
	return outcome;
}

/*
 * Chooses between one plan for all parameters (QUERY_ONE_PLAN) and the server's own choice. The
 * mode stays until a statement needs the other one, so that the hot path has no second round trip.
 */
static enum db_outcome
plan_mode(struct db *db, unsigned flags, int64_t deadline, struct error *err)
{
	bool one = (flags & QUERY_ONE_PLAN) != 0;
	enum db_outcome outcome;

	/* A rollback would undo the setting without our knowledge. */
	if (db->in_tx || db->one_plan == one || (flags & (QUERY_ONE_PLAN | QUERY_CUSTOM_PLAN)) == 0)
		return DB_DONE;
	outcome = db_simple(db, one ? ONE_PLAN_ON : ONE_PLAN_OFF, "plan_mode", deadline, NULL, err);
	if (outcome == DB_DONE)
		db->one_plan = one;
	return outcome;
}

static bool
statement_send(struct db *db, const struct query *query, const char *name, struct strings params)
{
	if ((query->flags & QUERY_CUSTOM_PLAN) != 0)
		return PQsendQueryParams(db->conn, query->sql, (int)params.n, NULL, params.items,
			   NULL, NULL, 0) == 1;
	return PQsendQueryPrepared(db->conn, name, (int)params.n, params.items, NULL, NULL, 0) == 1;
}

static enum db_outcome
exec_once(struct db *db, const struct query *query, struct strings params, int64_t deadline,
    PGresult **out, struct error *err)
{
	char name[NAME_MAX_BYTES + 1];
	enum db_outcome outcome = db_ready(db, deadline, err);
	PGresult *res;

	if (outcome == DB_DONE)
		outcome = plan_mode(db, query->flags, deadline, err);
	if (outcome != DB_DONE)
		return outcome;
	statement_name(query, name);
	errno = 0;
	if (!is_prepared(db, query)) {
		res = PQsendPrepare(db->conn, name, query->sql, 0, NULL) == 1 ?
		    answer_take(db, deadline) :
		    NULL;
		outcome = outcome_of(db, query, res, err);
		PQclear(res);
		if (outcome != DB_DONE)
			return outcome;
		prepared_add(db, query);
	}
	res = statement_send(db, query, name, params) ? answer_take(db, deadline) : NULL;
	outcome = outcome_of(db, query, res, err);
	if (outcome == DB_DONE)
		*out = res;
	else
		PQclear(res);
	return outcome;
}

/* May the statement be sent again after this outcome? */
bool
db_again(const struct db *db, enum db_outcome outcome, bool read, unsigned *tries)
{
	if (db->in_tx || outcome == DB_DONE || outcome == DB_REFUSED || outcome == DB_AWAY)
		return false;
	return (outcome == DB_REPLAY ? *tries < DB_REPLAYS : read && *tries < 1) && ++*tries > 0;
}

static void
clear_result(void *res)
{
	PQclear(res);
}

static struct rows *
rows_keep(struct arena *arena, PGresult *res)
{
	struct rows *rows = arena_alloc(arena, sizeof(*rows));

	rows->res = res;
	arena_defer(arena, clear_result, res);
	return rows;
}

bool
db_exec(struct db *db, struct arena *arena, const struct query *query, struct strings params,
    struct rows **rows, struct error *err)
{
	PGresult *res = NULL;
	enum db_outcome outcome;
	unsigned tries = 0;

	do {
		outcome = exec_once(db, query, params, db_deadline(db), &res, err);
		db_note_change(db, outcome, (query->flags & QUERY_READ) != 0);
	} while (db_again(db, outcome, (query->flags & QUERY_READ) != 0, &tries));
	if (outcome != DB_DONE)
		return false;
	error_clear(err);
	if (rows != NULL)
		*rows = rows_keep(arena, res);
	else
		PQclear(res);
	return true;
}

bool
db_change(struct db *db, struct arena *arena, const struct query *query, struct strings params,
    bool *changed, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query, params, &rows, err))
		return false;
	*changed = rows_affected(rows) > 0;
	return true;
}

static bool
pipeline_send(struct db *db, const struct db_call *calls, size_t ncalls)
{
	char name[NAME_MAX_BYTES + 1];

	for (size_t i = 0; i < ncalls; i++) {
		const struct db_call *c = &calls[i];
		bool repeated = false;

		for (size_t j = 0; j < i; j++)
			repeated = repeated || calls[j].query == c->query;
		statement_name(c->query, name);
		if (!repeated && !is_prepared(db, c->query) &&
		    PQsendPrepare(db->conn, name, c->query->sql, 0, NULL) != 1)
			return false;
		if (!statement_send(db, c->query, name, (struct strings) { c->params, c->nparams }))
			return false;
	}
	return PQpipelineSync(db->conn) == 1;
}

/* The next statement's result in pipeline mode: one result and the NULL that ends it. */
static PGresult *
pipeline_take(struct db *db, int64_t deadline)
{
	PGresult *res, *end;

	if (!db_pump(db, deadline) || (res = PQgetResult(db->conn)) == NULL)
		return NULL;
	if (PQresultStatus(res) == PGRES_PIPELINE_SYNC)
		return res;
	if (!db_pump(db, deadline)) {
		PQclear(res);
		return NULL;
	}
	end = PQgetResult(db->conn);
	PQclear(end);
	return res;
}

static enum db_outcome
pipeline_read(struct db *db, struct arena *arena, struct db_call *calls, size_t ncalls,
    int64_t deadline, struct error *err)
{
	enum db_outcome worst = DB_DONE;

	for (size_t i = 0; i < ncalls && worst == DB_DONE; i++) {
		struct db_call *c = &calls[i];
		PGresult *res;

		if (!is_prepared(db, c->query)) {
			res = pipeline_take(db, deadline);
			worst = outcome_of(db, c->query, res, err);
			PQclear(res);
			if (worst != DB_DONE)
				break;
			prepared_add(db, c->query);
		}
		res = pipeline_take(db, deadline);
		worst = outcome_of(db, c->query, res, err);
		if (worst == DB_DONE)
			c->rows = rows_keep(arena, res);
		else
			PQclear(res);
	}
	/* After a failure, statements up to the sync return 'aborted'. */
	while (db->conn != NULL) {
		PGresult *res = pipeline_take(db, deadline);
		bool sync = res != NULL && PQresultStatus(res) == PGRES_PIPELINE_SYNC;

		PQclear(res);
		if (sync)
			break;
		if (res == NULL) {
			bool late = errno == ETIMEDOUT;

			db_lost(db, "pipeline", err);
			return late ? DB_LATE : DB_DEAD;
		}
	}
	return worst;
}

static enum db_outcome
pipeline_once(struct db *db, struct arena *arena, struct db_call *calls, size_t ncalls,
    int64_t deadline, struct error *err)
{
	enum db_outcome outcome = db_ready(db, deadline, err);
	unsigned flags = 0;

	for (size_t i = 0; i < ncalls; i++)
		flags |= calls[i].query->flags;
	if (outcome == DB_DONE)
		outcome = plan_mode(db,
		    (flags & QUERY_CUSTOM_PLAN) != 0 ? QUERY_CUSTOM_PLAN : flags, deadline, err);
	if (outcome != DB_DONE)
		return outcome;
	errno = 0;
	if (PQenterPipelineMode(db->conn) != 1 || !pipeline_send(db, calls, ncalls)) {
		db_lost(db, calls[0].query->name, err);
		return DB_DEAD;
	}
	outcome = pipeline_read(db, arena, calls, ncalls, deadline, err);
	if (db->conn != NULL && PQexitPipelineMode(db->conn) != 1)
		db_close(db);
	return outcome;
}

bool
db_pipeline(struct db *db, struct arena *arena, struct db_call *calls, size_t ncalls,
    struct error *err)
{
	enum db_outcome outcome;
	unsigned tries = 0;
	bool read = true;

	if (ncalls == 0)
		return true;
	for (size_t i = 0; i < ncalls; i++)
		read = read && (calls[i].query->flags & QUERY_READ) != 0;
	do {
		outcome = pipeline_once(db, arena, calls, ncalls, db_deadline(db), err);
		db_note_change(db, outcome, read);
	} while (db_again(db, outcome, read, &tries));
	if (outcome == DB_DONE)
		error_clear(err);
	return outcome == DB_DONE;
}

/* Applies to the transaction of one statement, which ends with its part of the pipeline. */
static const struct query q_own_timeout = { "own_timeout",
	"SELECT set_config('statement_timeout', $1, true)", QUERY_CUSTOM_PLAN };

static int
each_timeout(const struct db *db, const struct db_ask *ask)
{
	return ask->timeout_ms > 0 && ask->timeout_ms < db->timeout_ms ? ask->timeout_ms :
									 db->timeout_ms;
}

/* Each statement has its own sync, so that a failure affects only its own part. */
static bool
each_send(struct db *db, const struct db_ask *asks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct db_call *call = &asks[i].call;
		char ms[16];
		const char *params[] = { ms };

		snprintf(ms, sizeof(ms), "%d", each_timeout(db, &asks[i]));
		if (each_timeout(db, &asks[i]) < db->server_timeout_ms &&
		    !statement_send(db, &q_own_timeout, "", (struct strings) { params, 1 }))
			return false;
		if (!statement_send(db, call->query, "",
			(struct strings) { call->params, call->nparams }) ||
		    PQpipelineSync(db->conn) != 1)
			return false;
	}
	return true;
}

/*
 * The last result before the sync, or the first that failed. NULL: the connection is lost, as in
 * answer_take().
 */
static PGresult *
part_take(struct db *db, int64_t deadline)
{
	PGresult *kept = NULL;

	for (;;) {
		PGresult *res = pipeline_take(db, deadline);

		if (res == NULL || PQresultStatus(res) == PGRES_PIPELINE_SYNC) {
			PQclear(res == NULL ? kept : res);
			return res == NULL ? NULL : kept;
		}
		if (kept != NULL && !succeeded(kept)) {
			PQclear(res);
			continue;
		}
		PQclear(kept);
		kept = res;
	}
}

/* Reads until all statements have a result or the connection is lost; *done counts the results. */
static enum db_outcome
each_read(struct db *db, struct arena *arena, struct db_ask *asks, size_t n, size_t *done)
{
	int64_t deadline = clock_monotonic() + DB_GRACE_MS * US_PER_MS;

	for (; *done < n; ++*done) {
		struct db_ask *ask = &asks[*done];
		enum db_outcome outcome;
		PGresult *res;

		deadline += each_timeout(db, ask) * US_PER_MS;
		res = part_take(db, deadline);
		ask->late = res == NULL ? errno == ETIMEDOUT :
					  db_state_is(res, "57014") || db_state_is(res, "55P03");
		outcome = outcome_of(db, ask->call.query, res, ask->err);
		if (outcome != DB_DONE)
			PQclear(res);
		if (outcome == DB_DEAD || outcome == DB_LATE)
			return outcome;
		if (outcome != DB_DONE)
			continue;
		error_clear(ask->err);
		ask->call.rows = rows_keep(arena, res);
	}
	return DB_DONE;
}

/* Sends the statements that have no result yet. */
static enum db_outcome
each_once(struct db *db, struct arena *arena, struct db_ask *asks, size_t n, size_t *done)
{
	struct error *err = asks[*done].err;
	int64_t deadline = db_deadline(db);
	enum db_outcome outcome = db_ready(db, deadline, err);

	if (outcome == DB_DONE)
		outcome = plan_mode(db, QUERY_CUSTOM_PLAN, deadline, err);
	if (outcome != DB_DONE)
		return outcome;
	errno = 0;
	if (PQenterPipelineMode(db->conn) != 1 || !each_send(db, asks + *done, n - *done)) {
		db_lost(db, asks[*done].call.query->name, err);
		return DB_DEAD;
	}
	outcome = each_read(db, arena, asks, n, done);
	if (db->conn != NULL && PQexitPipelineMode(db->conn) != 1)
		db_close(db);
	return outcome;
}

void
db_each(struct db *db, struct arena *arena, struct db_ask *asks, size_t n)
{
	enum db_outcome outcome = DB_DONE;
	unsigned tries = 0;
	size_t done = 0;

	for (size_t i = 0; i < n; i++) {
		asks[i].call.rows = NULL;
		asks[i].late = false;
	}
	do {
		if (done < n)
			outcome = each_once(db, arena, asks, n, &done);
	} while (outcome != DB_LATE && db_again(db, outcome, true, &tries));
	/* The statements behind the one that failed get the same error. */
	for (size_t i = done + 1; i < n; i++) {
		asks[i].late = asks[done].late;
		*asks[i].err = *asks[done].err;
	}
}

bool
db_script(struct db *db, const char *sql, struct error *err)
{
	int64_t deadline = db_deadline(db);

	return db_ready(db, deadline, err) == DB_DONE &&
	    db_simple(db, sql, "script", deadline, NULL, err) == DB_DONE;
}

const char *
db_notification(struct db *db, struct arena *arena, const char **payload)
{
	const char *channel = NULL;
	PGnotify *n;

	if (!db_connected(db))
		return NULL;
	n = PQnotifies(db->conn);
	if (n == NULL) {
		if (PQconsumeInput(db->conn) != 1) {
			db_close(db);
			return NULL;
		}
		n = PQnotifies(db->conn);
	}
	if (n == NULL)
		return NULL;
	channel = arena_strdup(arena, n->relname);
	if (payload != NULL)
		*payload = arena_strdup(arena, n->extra);
	PQfreemem(n);
	return channel;
}
