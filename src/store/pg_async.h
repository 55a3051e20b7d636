/*
 * A connection to PostgreSQL that never blocks, for programs with their own event loop
 * (medianest-notifyd).
 *
 * The loop watches the descriptor given to `watch` and calls pg_async_io() when it is readable, and
 * after a call of `write` also when it is writable. The statements of one table are prepared after
 * connecting; then one statement runs at a time. The loop enforces the deadlines:
 * pg_async_busy_since() returns since when a result has been awaited, pg_async_close() gives up.
 */
#ifndef MN_STORE_PG_ASYNC_H
#define MN_STORE_PG_ASYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/pg.h"

struct pg_async;

struct pg_async_hooks {
	/* watch this descriptor instead of the last one; -1: none */
	void (*watch)(void *, int fd);
	void (*write)(void *); /* call pg_async_io() once when it is writable */
	void (*ready)(void *); /* free for a statement */
	/* the result, valid during the call; `ready` follows */
	void (*rows)(void *rows_context, const struct rows *);
	void *rows_context;
	void (*lost)(void *, const char *why); /* closed; a running statement gets no result */
	void *context;
};

struct pg_async *pg_async_new(const char *conninfo, const struct query *table,
    int statement_timeout_ms, const struct pg_async_hooks *);
void pg_async_free(struct pg_async *);
void pg_async_connect(struct pg_async *);
void pg_async_io(struct pg_async *);
bool pg_async_ready(const struct pg_async *);
bool pg_async_open(const struct pg_async *); /* connecting or connected */
/* Only when ready. Parameters as text. */
void pg_async_send(struct pg_async *, const struct query *, struct strings params);
int64_t pg_async_busy_since(const struct pg_async *); /* monotonic us; 0: no statement is running */
/* Closes without calling `lost`. */
void pg_async_close(struct pg_async *);

#endif
