/*
 * PostgreSQL with deadlines: one connection for each process, opened on first use; statements are
 * prepared from tables.
 *
 * SQL is in the `const struct query` tables of store_*.c and is never composed at run time
 * (statements made of fragments are files in sql/, see build-aux/sql-queries). The result of every
 * statement is awaited with poll(2) and our own deadline. When it passes, the connection is closed:
 * statement_timeout does not protect the client from a backend that hangs. A statement marked
 * QUERY_READ is sent once more on a new connection if the old one turns out to be dead, or silent
 * past the deadline, before a result arrives; outside transactions only. A server that refuses
 * connections is tried for a while (DB_PATIENCE_MS). Results belong to the arena given.
 *
 * Errors: unreachable, timed out or lost = ERR_UNAVAILABLE (slug database_unavailable,
 * Retry-After); unique, foreign key and check violations = ERR_CONFLICT with the constraint in
 * detail (db_violated() tells which); bad text (22021, 22P05, 22P02) = ERR_VALIDATION; disk full
 * (53100) = ERR_STORAGE_FULL; the rest = ERR_QUERY.
 */
#ifndef MN_STORE_PG_H
#define MN_STORE_PG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"

struct arena;
struct db;
struct error;
struct log;

#define QUERY_READ 1u /* no effect: may be repeated on a new connection */
/*
 * Planned at each call with its parameters known, not prepared: for queries whose best plan depends
 * on them (search).
 */
#define QUERY_CUSTOM_PLAN 2u
/*
 * Prepared, and planned once for all parameters, along an index in the requested order. For the hot
 * path, where the server would overestimate the cost of that plan and plan again each time, or
 * would sort a small table instead of using the index.
 */
#define QUERY_ONE_PLAN 4u
#define QUERY_PARAMS_MAX 48

struct query {
	const char *name;
	const char *sql;
	unsigned flags;
};

struct rows; /* a result; belongs to the arena */

/* connects on first use */
struct db *db_new(const char *conninfo, int timeout_ms, const struct log *);
void db_free(struct db *);
void db_close(struct db *); /* the next use connects again */
bool db_connected(const struct db *);
void db_set_timeout(struct db *, int timeout_ms);
int db_socket(struct db *); /* for poll on NOTIFY; -1 when closed */
/* counts connections made: when it changes, LISTEN again */
uint64_t db_serial(const struct db *);
/* time spent waiting since the last call: for Server-Timing */
int64_t db_time_us(struct db *);
/* when that time began, monotonic us; 0: nothing was asked */
int64_t db_asked_at(const struct db *);

/* Parameters as text, NULL = SQL NULL. rows may be NULL if the result is not needed. */
bool db_exec(struct db *, struct arena *, const struct query *, struct strings params,
    struct rows **, struct error *);
#define DB_PARAMS(...) \
	((struct strings) { (const char *const[]) { __VA_ARGS__ }, \
	    sizeof((const char *const[]) { __VA_ARGS__ }) / sizeof(char *) })
#define DB_NO_PARAMS ((struct strings) { NULL, 0 })
/* The same for a change: *changed tells whether it affected a row. */
bool db_change(struct db *, struct arena *, const struct query *, struct strings params,
    bool *changed, struct error *);

/*
 * The same, several statements sent in one round trip (libpq pipeline mode); all or none fail: an
 * implicit transaction.
 */
struct db_call {
	const struct query *query;
	const char *const *params;
	size_t nparams;
	struct rows *rows;
};
bool db_pipeline(struct db *, struct arena *, struct db_call *, size_t ncalls, struct error *);
/* The same as a transaction of its own: inside db_outer_begin() as a savepoint. */
bool db_pipeline_apart(struct db *, struct arena *, struct db_call *, size_t ncalls,
    struct error *);

/*
 * Independent reads in one round trip, outside transactions. Each has its own deadline, and one
 * that fails or is late does not affect the others. Their queries are QUERY_READ |
 * QUERY_CUSTOM_PLAN. The rows are in `call`; if there are none, `err` says why.
 */
struct db_ask {
	struct db_call call;
	int timeout_ms; /* 0, or more than the connection has: as any statement */
	bool late;      /* the deadline passed */
	struct error *err;
};
void db_each(struct db *, struct arena *, struct db_ask *, size_t n);

/*
 * Transactions. After a failure inside, call db_rollback() and start over. If the result of COMMIT
 * is unknown: ERR_UNAVAILABLE with slug commit_unknown.
 */
bool db_begin(struct db *, struct error *);
bool db_commit(struct db *, struct error *);
void db_rollback(struct db *); /* harmless outside a transaction */
/*
 * Ends a transaction: commits if `ok`, else rolls back and keeps `err`. Returns true if it was
 * committed:
 *	return db_begin(db, err) && db_end(db, one(db, err) && two(db, err), err);
 */
bool db_end(struct db *, bool ok, struct error *err);

/*
 * One transaction around functions with transactions of their own. Theirs become savepoints, which
 * they commit or roll back as usual; nothing is permanent before db_outer_commit(). A statement
 * that fails outside a savepoint fails the whole transaction.
 */
bool db_outer_begin(struct db *, struct error *);
bool db_outer_commit(struct db *, struct error *);
void db_outer_rollback(struct db *);
/*
 * Calls fn(ctx) after the commit of the work done so far: at once outside a transaction, never
 * after a rollback. The arena outlives the transaction.
 */
void db_on_commit(struct db *, struct arena *, void (*fn)(void *ctx), void *ctx);

/*
 * Work that lost a deadlock or a serialization conflict may begin again if nothing of it was
 * committed. db_mark() begins such work; after a failure db_undone() tells whether that was the
 * reason and nothing is left of it.
 */
void db_mark(struct db *);
bool db_undone(const struct db *, const struct error *);

/* Runs SQL that is not prepared: migrations and LISTEN. It must not contain data. */
bool db_script(struct db *, const char *sql, struct error *);
/* A pending NOTIFY, or NULL; reads the socket without waiting. */
const char *db_notification(struct db *, struct arena *, const char **payload);

size_t rows_count(const struct rows *);
int64_t rows_affected(const struct rows *);
bool rows_null(const struct rows *, size_t row, int col);
/* NULL for SQL NULL; lives as long as the arena */
const char *rows_str(const struct rows *, size_t row, int col);
size_t rows_len(const struct rows *, size_t row, int col);
int64_t rows_int(const struct rows *, size_t row, int col); /* 0 for NULL */
double rows_num(const struct rows *, size_t row, int col);
bool rows_bool(const struct rows *, size_t row, int col); /* false for NULL */
/* text[] / int[] in array text form -> NULL-terminated array of strings. */
const char **rows_array(struct arena *, const struct rows *, size_t row, int col, size_t *n);
/* The same as one value. */
struct strings rows_strings(struct arena *, const struct rows *, size_t row, int col);
/* One column of all rows. */
struct strings rows_column(struct arena *, const struct rows *, int col);
/* SQL of a timestamp as us since the epoch: rows_int() reads it. */
#define SQL_US(expression) "(extract(epoch FROM " expression ") * 1000000)::bigint"

const char *db_int(struct arena *, int64_t); /* a number as parameter text */
const char *db_bool(bool);
const char *db_time(struct arena *, int64_t us); /* RFC 3339 with us; 0 -> NULL */
/* array literal, elements quoted; NULL stays NULL */
const char *db_array(struct arena *, const char *const *, size_t n);
const char *db_bytea(struct arena *, const void *, size_t); /* \x... */
bool db_violated(const struct error *, const char *constraint);

/*
 * Every query table, so that a test can PREPARE each query: a NULL-terminated list of tables, each
 * of which ends with a NULL name.
 */
extern const struct query *const store_query_tables[];

#endif
