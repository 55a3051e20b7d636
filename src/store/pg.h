/*
 * PostgreSQL behind deadlines: one connection a process, opened on first use, prepared statements
 * by table.
 *
 * SQL lives in the `const struct query` tables of store_*.c, never composed at run time (those made
 * of fragments are files in sql/, see build-aux/sql-queries). Every statement is sent, awaited with
 * poll(2) and our own deadline; on expiry the connection is closed: statement_timeout does not
 * protect the client from a backend that stands still. A statement marked QUERY_READ is sent once
 * more on a new connection when the old one proves dead before an answer came, outside transactions
 * only. Results belong to the arena given.
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
 * Planned at each call with its parameters known, not prepared: where the right plan depends on
 * them (search).
 */
#define QUERY_CUSTOM_PLAN 2u
/*
 * Prepared, and planned once whatever the parameters, along an index in the order wanted: for the
 * hot path, where the server would guess that plan dear and plan anew each time, or sort what lies
 * in order already because there is little of it today.
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
void db_close(struct db *); /* the next use connects anew */
bool db_connected(const struct db *);
void db_set_timeout(struct db *, int timeout_ms);
int db_socket(struct db *); /* for poll on NOTIFY; -1 when closed */
/* counts connections made: when it changes, LISTEN again */
uint64_t db_serial(const struct db *);
/* time spent waiting since the last call: for Server-Timing */
int64_t db_time_us(struct db *);

/* Parameters as text, NULL = SQL NULL. rows may be NULL when nothing is wanted back. */
bool db_exec(struct db *, struct arena *, const struct query *, struct strings params,
    struct rows **, struct error *);
#define DB_PARAMS(...) \
	((struct strings) { (const char *const[]) { __VA_ARGS__ }, \
	    sizeof((const char *const[]) { __VA_ARGS__ }) / sizeof(char *) })
#define DB_NO_PARAMS ((struct strings) { NULL, 0 })
/* The same for a change: *changed tells whether it met a row. */
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

/*
 * Reads that have nothing to do with each other, in one round trip, outside transactions: each
 * under a deadline of its own, and one that fails or comes late takes nothing from the others.
 * Their queries are QUERY_READ | QUERY_CUSTOM_PLAN. Rows are in `call`; where there are none, `err`
 * says why.
 */
struct db_ask {
	struct db_call call;
	int timeout_ms; /* 0, or more than the connection has: as any statement */
	bool late;      /* it is the deadline that passed */
	struct error *err;
};
void db_each(struct db *, struct arena *, struct db_ask *, size_t n);

/*
 * Transactions. After a failure inside, db_rollback() and start over. `unknown` COMMIT results are
 * ERR_UNAVAILABLE with slug commit_unknown.
 */
bool db_begin(struct db *, struct error *);
bool db_commit(struct db *, struct error *);
void db_rollback(struct db *); /* harmless outside a transaction */
/*
 * Ends a transaction either way: commits when all went well, else rolls back, keeping `err`.
 * Returns true when it is committed:
 *	return db_begin(db, err) && db_end(db, one(db, err) && two(db, err), err);
 */
bool db_end(struct db *, bool ok, struct error *err);

/*
 * One transaction around whatever the functions called within do: what they begin is a part of it
 * (a savepoint) that they may commit or roll back as ever, and nothing of it lasts before
 * db_outer_commit(). A statement outside such a part that fails spoils the whole.
 */
bool db_outer_begin(struct db *, struct error *);
bool db_outer_commit(struct db *, struct error *);
void db_outer_rollback(struct db *);
/*
 * Does fn(ctx) once what was done so far is committed: now, outside a transaction; never, if it is
 * rolled back. The arena outlives the transaction.
 */
void db_on_commit(struct db *, struct arena *, void (*fn)(void *ctx), void *ctx);

/* Text that is not prepared: migrations and LISTEN. Never with data in it. */
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
/* One column of all rows. */
struct strings rows_column(struct arena *, const struct rows *, int col);
/* SQL of a timestamp as us since the epoch: rows_int() reads it. */
#define SQL_US(expression) "(extract(epoch FROM " expression ") * 1000000)::bigint"

const char *db_int(struct arena *, int64_t);     /* a number as parameter text */
const char *db_time(struct arena *, int64_t us); /* RFC 3339 with us; 0 -> NULL */
/* array literal, elements quoted */
const char *db_array(struct arena *, const char *const *, size_t n);
const char *db_bytea(struct arena *, const void *, size_t); /* \x... */
bool db_violated(const struct error *, const char *constraint);

/*
 * Every query table, so that a test can PREPARE each: NULL-terminated list of tables that end with
 * name NULL.
 */
extern const struct query *const store_query_tables[];

#endif
