#include "store/pg_async.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/metric.h"
#include "store/pg_internal.h"

#include "core/banned.h"

#define PG_ASYNC_OPTIONS_MAX 64
#define PG_ASYNC_WHY_MAX 256

enum pg_async_state {
	PG_ASYNC_CLOSED,
	PG_ASYNC_CONNECTING,
	PG_ASYNC_PREPARING,
	PG_ASYNC_READY,
	PG_ASYNC_BUSY,
};

struct pg_async {
	bool counted;  /* in the metrics, as open */
	bool was_lost; /* the last connection did not end by our own wish */
	char *conninfo;
	const struct query *table;
	struct pg_async_hooks hooks;
	char options[PG_ASYNC_OPTIONS_MAX];
	PGconn *conn;
	PGresult *result; /* of the current statement, until it is complete */
	enum pg_async_state state;
	size_t prepared; /* statements of the table so far */
	int fd;          /* the descriptor that the loop watches */
	int64_t busy_since;
};

struct pg_async *
pg_async_new(const char *conninfo, const struct query *table, int statement_timeout_ms,
    const struct pg_async_hooks *hooks)
{
	struct pg_async *pg = xmalloc(sizeof(*pg));

	*pg = (struct pg_async) {
		.conninfo = xstrdup(conninfo),
		.table = table,
		.hooks = *hooks,
		.fd = -1,
	};
	snprintf(pg->options, sizeof(pg->options), "-c statement_timeout=%d", statement_timeout_ms);
	return pg;
}

void
pg_async_free(struct pg_async *pg)
{
	if (pg == NULL)
		return;
	pg_async_close(pg);
	free(pg->conninfo);
	free(pg);
}

void
pg_async_close(struct pg_async *pg)
{
	if (pg->fd >= 0)
		pg->hooks.watch(pg->hooks.context, -1);
	if (pg->conn != NULL)
		PQfinish(pg->conn);
	if (pg->counted)
		metric_gauge_add(METRIC_DB_CONNECTIONS, UNLABELLED, -1);
	pg->counted = false;
	PQclear(pg->result);
	pg->result = NULL;
	pg->conn = NULL;
	pg->fd = -1;
	pg->state = PG_ASYNC_CLOSED;
	pg->busy_since = 0;
}

static void
pg_async_lost(struct pg_async *pg)
{
	const char *message = pg->conn == NULL ? "out of memory" : PQerrorMessage(pg->conn);
	char why[PG_ASYNC_WHY_MAX];

	snprintf(why, sizeof(why), "%.*s", (int)strcspn(message, "\n"), message);
	pg_async_close(pg);
	pg->was_lost = true;
	metric_add(METRIC_DB_ERRORS, UNLABELLED, 1);
	pg->hooks.lost(pg->hooks.context, why);
}

/* The socket may change while several addresses are tried. */
static void
pg_async_follow(struct pg_async *pg)
{
	int fd = PQsocket(pg->conn);

	if (fd == pg->fd)
		return;
	pg->fd = fd;
	pg->hooks.watch(pg->hooks.context, fd);
}

static void
pg_async_flush(struct pg_async *pg)
{
	int unsent = PQflush(pg->conn);

	if (unsent < 0)
		pg_async_lost(pg);
	else if (unsent > 0)
		pg->hooks.write(pg->hooks.context);
}

static void
pg_async_prepare(struct pg_async *pg)
{
	const struct query *query = &pg->table[pg->prepared];

	pg->busy_since = clock_monotonic();
	if (query->name == NULL) {
		pg->state = PG_ASYNC_READY;
		pg->busy_since = 0;
		pg->hooks.ready(pg->hooks.context);
	} else if (PQsendPrepare(pg->conn, query->name, query->sql, 0, NULL) != 1) {
		pg_async_lost(pg);
	} else {
		pg_async_flush(pg);
	}
}

static void
pg_async_connecting(struct pg_async *pg)
{
	switch (PQconnectPoll(pg->conn)) {
	case PGRES_POLLING_FAILED: pg_async_lost(pg); break;
	case PGRES_POLLING_OK:
		pg_async_follow(pg);
		PQsetnonblocking(pg->conn, 1);
		metric_gauge_add(METRIC_DB_CONNECTIONS, UNLABELLED, 1);
		if (pg->was_lost)
			metric_add(METRIC_DB_RECONNECTS, UNLABELLED, 1);
		pg->counted = true;
		pg->was_lost = false;
		pg->state = PG_ASYNC_PREPARING;
		pg->prepared = 0;
		pg_async_prepare(pg);
		break;
	case PGRES_POLLING_WRITING:
		pg_async_follow(pg);
		pg->hooks.write(pg->hooks.context);
		break;
	default: pg_async_follow(pg); break;
	}
}

void
pg_async_connect(struct pg_async *pg)
{
	const char *const names[] = { "dbname", "options", "fallback_application_name",
		"client_encoding", "tcp_user_timeout", NULL };
	const char *const values[] = { pg->conninfo, pg->options, "medianest-notifyd", "UTF8",
		"5000", NULL };

	pg->busy_since = clock_monotonic();
	pg->conn = PQconnectStartParams(names, values, 1);
	if (pg->conn == NULL || PQstatus(pg->conn) == CONNECTION_BAD) {
		pg_async_lost(pg);
		return;
	}
	pg->state = PG_ASYNC_CONNECTING;
	pg_async_follow(pg);
	pg->hooks.write(pg->hooks.context);
}

/* Returns true when the result is complete, or when the connection is lost. */
static bool
pg_async_collect(struct pg_async *pg)
{
	PGresult *res;
	int unsent;

	if (PQconsumeInput(pg->conn) != 1 || (unsent = PQflush(pg->conn)) < 0)
		return true;
	if (unsent > 0)
		pg->hooks.write(pg->hooks.context);
	while (!PQisBusy(pg->conn)) {
		if ((res = PQgetResult(pg->conn)) == NULL)
			return true;
		if (pg->result == NULL)
			pg->result = res;
		else
			PQclear(res);
	}
	return false;
}

static void
pg_async_answered(struct pg_async *pg)
{
	struct rows rows = { .res = pg->result };
	ExecStatusType status = PQresultStatus(rows.res);

	pg->result = NULL;
	if (rows.res == NULL || PQstatus(pg->conn) != CONNECTION_OK ||
	    (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)) {
		pg_async_lost(pg);
	} else if (pg->state == PG_ASYNC_PREPARING) {
		pg->prepared++;
		pg_async_prepare(pg);
	} else {
		pg->state = PG_ASYNC_READY;
		pg->busy_since = 0;
		pg->hooks.rows(pg->hooks.rows_context, &rows);
		if (pg->state == PG_ASYNC_READY)
			pg->hooks.ready(pg->hooks.context);
	}
	PQclear(rows.res);
}

void
pg_async_io(struct pg_async *pg)
{
	if (pg->state == PG_ASYNC_CONNECTING) {
		pg_async_connecting(pg);
	} else if (pg->state == PG_ASYNC_PREPARING || pg->state == PG_ASYNC_BUSY) {
		if (pg_async_collect(pg))
			pg_async_answered(pg);
	} else if (pg->state == PG_ASYNC_READY && PQconsumeInput(pg->conn) != 1) {
		pg_async_lost(pg); /* the server went away between statements */
	}
}

bool
pg_async_ready(const struct pg_async *pg)
{
	return pg->state == PG_ASYNC_READY;
}

bool
pg_async_open(const struct pg_async *pg)
{
	return pg->state != PG_ASYNC_CLOSED;
}

void
pg_async_send(struct pg_async *pg, const struct query *query, struct strings params)
{
	pg->state = PG_ASYNC_BUSY;
	pg->busy_since = clock_monotonic();
	if (PQsendQueryPrepared(pg->conn, query->name, (int)params.n, params.items, NULL, NULL,
		0) != 1)
		pg_async_lost(pg);
	else
		pg_async_flush(pg);
}

int64_t
pg_async_busy_since(const struct pg_async *pg)
{
	return pg->busy_since;
}
