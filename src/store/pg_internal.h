/* What pg.c, pg_transaction.c and pg_connect.c (the connection and waiting for it) share. */
#ifndef MN_STORE_PG_INTERNAL_H
#define MN_STORE_PG_INTERNAL_H

#include <libpq-fe.h>

#include "store/pg.h"

/* our deadline is this much later than statement_timeout, which stops the work on the server */
#define DB_GRACE_MS 200
/*
 * A server that refuses connections (it restarts) is tried again for DB_PATIENCE_MS, by the first
 * request that meets it. Later ones make one attempt each, after DB_PAUSE_MS, until a statement
 * works again. One that accepts and says nothing has DB_PROBE_MS, then is left alone for
 * DB_RETRY_MS. Pauses are between one and two times their length.
 */
#define DB_PATIENCE_MS 1500
#define DB_PAUSE_MS 30
#define DB_PROBE_MS 250
#define DB_RETRY_MS 250
#define DB_TRIAL_MS 1000    /* the first statement after a failure has this time at most */
#define DB_RETRY_AFTER 2    /* seconds, told to clients */
#define DB_IDLE_TX_MS 60000 /* idle_in_transaction_session_timeout */
/* attempts at a single statement after a serialization conflict or deadlock */
#define DB_REPLAYS 3

struct db_after {
	void (*fn)(void *);
	void *ctx;
	struct db_after *next;
};

struct db {
	char *conninfo;
	const struct log *log;
	PGconn *conn;
	int timeout_ms;
	int server_timeout_ms; /* statement_timeout that the connection has */
	bool one_plan;         /* plan_cache_mode that the connection has */
	/* between db_begin and commit or rollback, even if the connection is lost */
	bool in_tx;
	bool outer;                          /* of db_outer_begin */
	bool part;                           /* an inner transaction is open: a savepoint */
	struct db_after *after, **after_end; /* called after the commit, in order */
	struct db_after **part_after;        /* the end of that list when the part began */
	bool conflict;         /* the last failure was a serialization conflict or a deadlock */
	bool changed;          /* something was, or may have been, committed since db_mark() */
	bool moved;            /* the server is read-only: look for another one */
	uint64_t serial;       /* of connections made */
	bool counted;          /* in the metrics, as open */
	bool was_lost;         /* the last connection did not end by our own wish */
	int64_t failing_since; /* monotonic us; 0: the last statement had a response */
	int64_t retry_at;      /* monotonic us */
	int64_t waited;        /* us */
	int64_t asked_at;      /* monotonic us: the start of that; 0: it was not waited for */
	/* open addressing by address; prepared_cap is a power of two */
	const struct query **prepared;
	size_t prepared_len, prepared_cap;
};

struct rows {
	PGresult *res;
};

/* Connects unless connected. */
bool db_open(struct db *, int64_t deadline, struct error *);
/*
 * Waits for the socket: POLLIN and/or POLLOUT. False with errno ETIMEDOUT when the deadline passed
 * first.
 */
bool db_wait(struct db *, short events, int64_t deadline);
/* Sends what is buffered and reads until a result can be taken without blocking. */
bool db_pump(struct db *, int64_t deadline);
/*
 * Closes the connection and fills the error; after a timeout (errno) the server counts as failing.
 * Returns false.
 */
bool db_lost(struct db *, const char *doing, struct error *);
/* Turns a failed result into an error. Returns false. */
bool db_refused(struct db *, const struct query *, const PGresult *, struct error *);
bool db_state_is(const PGresult *, const char *sqlstate);

/*
 * How sending a statement ended. DB_DEAD: the connection was dead, or its prepared statements
 * stale; DB_LATE: the deadline passed; after both a read may be repeated on a new connection.
 * DB_REPLAY: it lost a serialization conflict. DB_AWAY: there is no connection.
 */
enum db_outcome { DB_DONE, DB_REFUSED, DB_REPLAY, DB_DEAD, DB_LATE, DB_AWAY };
int64_t db_deadline(const struct db *);
/* Connects if necessary and sets the current time limits. */
enum db_outcome db_ready(struct db *, int64_t deadline, struct error *);
/* A statement that is not prepared and takes no parameters; `out` may be NULL. */
enum db_outcome db_simple(struct db *, const char *sql, const char *name, int64_t deadline,
    PGresult **out, struct error *);
/* For db_undone(). */
void db_note_change(struct db *, enum db_outcome, bool read);
/* May the statement be sent again after this outcome? Counts `tries`. */
bool db_again(const struct db *, enum db_outcome, bool read, unsigned *tries);

#endif
