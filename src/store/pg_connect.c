/* The connection to PostgreSQL: opening, waiting and giving up, with our own deadlines. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/log.h"
#include "core/metric.h"
#include "core/str.h"
#include "store/pg_internal.h"
#include "core/banned.h"

#define CONNECT_PARAMS 8
#define OPTIONS_MAX 1024
#define PREPARED_FIRST 64

struct db *
db_new(const char *conninfo, int timeout_ms, const struct log *log)
{
	struct db *db = xmalloc(sizeof(*db));

	*db = (struct db) { .conninfo = xstrdup(conninfo),
		.log = log,
		.timeout_ms = timeout_ms,
		.prepared_cap = PREPARED_FIRST };
	db->prepared = xmalloc(db->prepared_cap * sizeof(struct query *));
	memset(db->prepared, 0, db->prepared_cap * sizeof(struct query *));
	return db;
}

void
db_free(struct db *db)
{
	if (db == NULL)
		return;
	db_close(db);
	free(db->conninfo);
	free(db->prepared);
	free(db);
}

void
db_close(struct db *db)
{
	if (db->conn != NULL)
		PQfinish(db->conn);
	if (db->counted)
		metric_gauge_add(METRIC_DB_CONNECTIONS, UNLABELLED, -1);
	db->counted = false;
	db->conn = NULL;
	db->prepared_len = 0;
	memset(db->prepared, 0, db->prepared_cap * sizeof(struct query *));
}

bool
db_connected(const struct db *db)
{
	return db->conn != NULL && PQstatus(db->conn) == CONNECTION_OK;
}

void
db_set_timeout(struct db *db, int timeout_ms)
{
	db->timeout_ms = timeout_ms;
}

int
db_socket(struct db *db)
{
	return db_connected(db) ? PQsocket(db->conn) : -1;
}

uint64_t
db_serial(const struct db *db)
{
	return db->serial;
}

int64_t
db_time_us(struct db *db)
{
	int64_t waited = db->waited;

	db->waited = 0;
	db->asked_at = 0;
	return waited;
}

int64_t
db_asked_at(const struct db *db)
{
	return db->asked_at;
}

static void
count_wait(struct db *db, int64_t start, int64_t end)
{
	db->waited += end - start;
	if (db->asked_at == 0)
		db->asked_at = start;
}

bool
db_wait(struct db *db, short events, int64_t deadline)
{
	struct pollfd pfd = { .fd = PQsocket(db->conn), .events = events };

	for (;;) {
		int64_t left = deadline - clock_monotonic();
		int n;

		if (left <= 0) {
			errno = ETIMEDOUT;
			return false;
		}
		n = poll(&pfd, 1, (int)((left + US_PER_MS - 1) / US_PER_MS));
		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
	}
}

bool
db_pump(struct db *db, int64_t deadline)
{
	int64_t start = clock_monotonic();
	bool ok = true;

	errno = 0;
	while (ok) {
		int unsent = PQflush(db->conn);

		if (unsent < 0)
			ok = false;
		else if (unsent == 0 && !PQisBusy(db->conn))
			break;
		else
			ok = db_wait(db, unsent > 0 ? POLLIN | POLLOUT : POLLIN, deadline) &&
			    PQconsumeInput(db->conn) == 1;
	}
	count_wait(db, start, clock_monotonic());
	return ok;
}

/* The first line of libpq's message. It may contain hosts and users, so it goes to the log only. */
static const char *
first_line(const char *message, char *out, size_t size)
{
	size_t len = strcspn(message, "\n");

	snprintf(out, size, "%.*s", (int)len, message);
	return out;
}

bool
db_lost(struct db *db, const char *doing, struct error *err)
{
	bool late = errno == ETIMEDOUT;
	char text[256];

	first_line(db->conn != NULL ? PQerrorMessage(db->conn) : "", text, sizeof(text));
	db_close(db);
	db->was_lost = true;
	if (late)
		db->failing_since = clock_monotonic() - DB_PATIENCE_MS * US_PER_MS;
	metric_add(METRIC_DB_ERRORS, UNLABELLED, 1);
	error_slug(err, ERR_UNAVAILABLE, "database_unavailable",
	    "The database is not reachable right now. Try again shortly.");
	err->retry_after = DB_RETRY_AFTER;
	return error_detail(err, "%s: %s", doing, late ? "deadline passed" : text);
}

static void
notice_drop(void *log, const PGresult *res)
{
	const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

	log_debug(log, "postgresql: %s", text != NULL ? text : "notice");
}

/*
 * The operator's own options, then ours; the session's limits are set while connecting, without a
 * round trip.
 */
static void
options_make(struct db *db, char out[OPTIONS_MAX])
{
	PQconninfoOption *parsed = PQconninfoParse(db->conninfo, NULL);
	const char *own = "";

	for (PQconninfoOption *o = parsed; o != NULL && o->keyword != NULL; o++)
		if (strcmp(o->keyword, "options") == 0 && o->val != NULL)
			own = o->val;
	snprintf(out, OPTIONS_MAX,
	    "%s -c statement_timeout=%d -c lock_timeout=%d -c"
	    " idle_in_transaction_session_timeout=%d"
	    " -c client_connection_check_interval=1000 -c client_min_messages=warning -c"
	    " timezone=UTC -c jit=off"
	    " -c pg_trgm.similarity_threshold=0.25", /* short words with one wrong letter */
	    own, db->timeout_ms, db->timeout_ms, DB_IDLE_TX_MS);
	PQconninfoFree(parsed);
}

static PGconn *
connect_start(struct db *db)
{
	char options[OPTIONS_MAX], user_timeout[16];
	const char *keys[CONNECT_PARAMS], *values[CONNECT_PARAMS];
	int n = 0;

	options_make(db, options);
	snprintf(user_timeout, sizeof(user_timeout), "%d", db->timeout_ms);
	keys[n] = "dbname", values[n++] = db->conninfo;
	keys[n] = "options", values[n++] = options;
	keys[n] = "client_encoding", values[n++] = "UTF8";
	keys[n] = "tcp_user_timeout", values[n++] = user_timeout;
	keys[n] = "fallback_application_name",
	values[n++] =
	    db->log != NULL && db->log->component != NULL ? db->log->component : "medianest";
	keys[n] = NULL, values[n] = NULL;
	return PQconnectStartParams(keys, values, 1);
}

static bool
connect_finish(struct db *db, int64_t deadline)
{
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;

	if (PQstatus(db->conn) == CONNECTION_BAD)
		return false;
	while (status != PGRES_POLLING_OK) {
		if (!db_wait(db, status == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline))
			return false;
		status = PQconnectPoll(db->conn);
		if (status == PGRES_POLLING_FAILED)
			return false;
	}
	return PQsetnonblocking(db->conn, 1) == 0;
}

/* From `ms` to twice that, so that processes which failed together do not come back together. */
static int64_t
spread_us(int64_t ms)
{
	uint16_t random;

	random_bytes(&random, sizeof(random));
	return ms * US_PER_MS + ms * US_PER_MS * random / UINT16_MAX;
}

static void
pause_us(int64_t us)
{
	const struct timespec time = { .tv_nsec = us * 1000 };

	nanosleep(&time, NULL);
}

static bool
connect_once(struct db *db, int64_t deadline, struct error *err)
{
	errno = 0;
	db->conn = connect_start(db);
	if (db->conn == NULL || !connect_finish(db, deadline)) {
		bool silent = errno == ETIMEDOUT;

		if (db->failing_since == 0)
			db->failing_since = clock_monotonic();
		db_lost(db, "connect", err);
		if (silent)
			db->retry_at = clock_monotonic() + spread_us(DB_RETRY_MS);
		return false;
	}
	PQsetNoticeReceiver(db->conn, notice_drop, (void *)(uintptr_t)db->log);
	db->server_timeout_ms = db->timeout_ms;
	db->one_plan = db->moved = false;
	db->serial++;
	metric_gauge_add(METRIC_DB_CONNECTIONS, UNLABELLED, 1);
	if (db->was_lost)
		metric_add(METRIC_DB_RECONNECTS, UNLABELLED, 1);
	db->counted = true;
	db->was_lost = false;
	return true;
}

/*
 * One attempt, preceded by a pause while the server is failing: a process that fails at once would
 * take most requests away from those that still work.
 */
static bool
attempt(struct db *db, int64_t deadline, struct error *err)
{
	int64_t now;

	if (db->failing_since != 0)
		pause_us(spread_us(DB_PAUSE_MS));
	now = clock_monotonic();
	errno = 0;
	if (now < db->retry_at)
		return db_lost(db, "connect: waiting before the next attempt, after a timeout",
		    err);
	if (db->failing_since != 0 && deadline > now + DB_PROBE_MS * US_PER_MS)
		deadline = now + DB_PROBE_MS * US_PER_MS;
	return connect_once(db, deadline, err);
}

bool
db_open(struct db *db, int64_t deadline, struct error *err)
{
	int64_t start = clock_monotonic(), now = start;
	bool ok = db_connected(db);

	if (ok)
		return true;
	db_close(db);
	do {
		ok = attempt(db, deadline, err);
		now = clock_monotonic();
	} while (!ok && now < deadline && now < db->failing_since + DB_PATIENCE_MS * US_PER_MS);
	count_wait(db, start, now);
	return ok;
}

bool
db_state_is(const PGresult *res, const char *sqlstate)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

	return state != NULL && strncmp(state, sqlstate, strlen(sqlstate)) == 0;
}

static const struct sqlstate {
	const char *prefix;
	enum error_code code;
	const char *slug, *message;
} sqlstates[] = {
	{ "23505", ERR_CONFLICT, NULL, "This already exists." },
	{ "23", ERR_CONFLICT, NULL, "This conflicts with other data." },
	{ "22021", ERR_VALIDATION, NULL, "A text contains characters that cannot be stored." },
	{ "22P05", ERR_VALIDATION, NULL, "A text contains characters that cannot be stored." },
	{ "22P02", ERR_VALIDATION, NULL, "A value has the wrong format." },
	{ "53100", ERR_STORAGE_FULL, NULL, "The server's disk is full." },
	{ "53", ERR_UNAVAILABLE, "database_unavailable",
	    "The database is overloaded. Try again shortly." },
	{ "57014", ERR_UNAVAILABLE, "database_unavailable",
	    "The database took too long. Try again shortly." },
	{ "57P", ERR_UNAVAILABLE, "database_unavailable",
	    "The database is restarting. Try again shortly." },
	{ "08", ERR_UNAVAILABLE, "database_unavailable",
	    "The database is not reachable right now. Try again shortly." },
	/* A server that has become, or still is, the copy of another. */
	{ "25006", ERR_UNAVAILABLE, "database_unavailable",
	    "The database cannot be changed right now. Try again shortly." },
	{ "25P03", ERR_UNAVAILABLE, "database_unavailable",
	    "The database took too long. Try again shortly." },
	{ "55P03", ERR_UNAVAILABLE, "database_busy",
	    "The data is in use by another request. Try again shortly." },
	{ "40", ERR_UNAVAILABLE, "database_busy",
	    "The data is in use by another request. Try again shortly." },
	{ "", ERR_QUERY, NULL, "The request could not be processed." },
};

bool
db_refused(struct db *db, const struct query *query, const PGresult *res, struct error *err)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE), *constraint, *primary;
	const struct sqlstate *s = sqlstates;
	char text[256];

	if (state == NULL)
		state = "";
	constraint = PQresultErrorField(res, PG_DIAG_CONSTRAINT_NAME);
	primary = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	while (!str_starts(state, s->prefix))
		s++;
	db->moved = db->moved || str_eq(state, "25006");
	if (s->slug != NULL)
		error_slug(err, s->code, s->slug, "%s", s->message);
	else
		error_set(err, s->code, "%s", s->message);
	if (s->code == ERR_UNAVAILABLE) {
		err->retry_after = DB_RETRY_AFTER;
		metric_add(METRIC_DB_ERRORS, UNLABELLED, 1);
	}
	/* db_violated() reads this form. */
	return error_detail(err, "%s: %s [%s] %s", query->name, state,
	    constraint != NULL ? constraint : "",
	    first_line(primary != NULL ? primary : PQerrorMessage(db->conn), text, sizeof(text)));
}

bool
db_violated(const struct error *err, const char *constraint)
{
	size_t len = strlen(constraint);
	const char *p = err->code == ERR_CONFLICT ? strchr(err->detail, '[') : NULL;

	return p != NULL && strncmp(p + 1, constraint, len) == 0 && p[1 + len] == ']';
}
