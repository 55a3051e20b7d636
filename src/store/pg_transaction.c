/* Transactions, savepoints, and calls after the commit: see pg.h. */
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/outside.h"
#include "core/str.h"
#include "store/pg_internal.h"
#include "core/banned.h"

static void
transaction_left(struct db *db)
{
	if (db->in_tx)
		outside_ended();
	db->in_tx = false;
}

static bool
transaction_begin(struct db *db, struct error *err)
{
	enum db_outcome outcome;
	unsigned tries = 0;

	do {
		int64_t deadline = db_deadline(db);

		outcome = db_ready(db, deadline, err);
		if (outcome == DB_DONE)
			outcome = db_simple(db, "BEGIN", "begin", deadline, NULL, err);
	} while (db_again(db, outcome, true, &tries));
	if (outcome != DB_DONE)
		return false;
	error_clear(err);
	db->in_tx = true;
	outside_began();
	db->after = NULL;
	db->after_end = &db->after;
	return true;
}

static bool
transaction_commit(struct db *db, struct error *err)
{
	int64_t deadline = db_deadline(db);
	enum db_outcome outcome;
	PGresult *res = NULL;
	bool committed;

	if (db_ready(db, deadline, err) != DB_DONE) {
		transaction_left(db);
		return false;
	}
	outcome = db_simple(db, "COMMIT", "commit", deadline, &res, err);
	transaction_left(db);
	db->changed = db->changed || (outcome != DB_REPLAY && outcome != DB_REFUSED);
	if (outcome == DB_DEAD || outcome == DB_LATE) {
		error_slug(err, ERR_UNAVAILABLE, "commit_unknown",
		    "The connection to the database was lost while saving. Check whether the"
		    " change was saved before you try again.");
		err->retry_after = DB_RETRY_AFTER;
		return false;
	}
	if (outcome != DB_DONE)
		return false;
	/* COMMIT of a failed transaction returns ROLLBACK and no error. */
	committed = strcmp(PQcmdStatus(res), "COMMIT") == 0;
	PQclear(res);
	if (!committed) {
		error_set(err, ERR_QUERY, "The request could not be processed.");
		return error_detail(err, "commit of a failed transaction");
	}
	for (const struct db_after *a = db->after; a != NULL; a = a->next)
		a->fn(a->ctx);
	return true;
}

static void
transaction_rollback(struct db *db)
{
	struct error ignored;

	if (!db->in_tx)
		return;
	error_clear(&ignored);
	if (db_connected(db) &&
	    db_simple(db, "ROLLBACK", "rollback", db_deadline(db), NULL, &ignored) != DB_DONE)
		db_close(db);
	transaction_left(db);
}

/* One savepoint name is enough: a newer savepoint hides an older one of the same name. */
static bool
part_step(struct db *db, const char *sql, struct error *err)
{
	int64_t deadline = db_deadline(db);

	return db_ready(db, deadline, err) == DB_DONE &&
	    db_simple(db, sql, "savepoint", deadline, NULL, err) == DB_DONE;
}

bool
db_begin(struct db *db, struct error *err)
{
	if (!db->outer)
		return transaction_begin(db, err);
	if (!part_step(db, "SAVEPOINT part", err))
		return false;
	db->part = true;
	db->part_after = db->after_end;
	return true;
}

bool
db_commit(struct db *db, struct error *err)
{
	if (!db->outer)
		return transaction_commit(db, err);
	/* RELEASE also fails if the part has failed; the part must then be rolled back. */
	if (!part_step(db, "RELEASE SAVEPOINT part", err))
		return false;
	db->part = false;
	return true;
}

void
db_rollback(struct db *db)
{
	struct error ignored;

	if (!db->outer) {
		transaction_rollback(db);
		return;
	}
	if (!db->part)
		return;
	error_clear(&ignored);
	if (db_connected(db) &&
	    !part_step(db, "ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part", &ignored))
		db_close(db);
	db->part = false;
	db->after_end = db->part_after;
	*db->after_end = NULL;
}

bool
db_pipeline_apart(struct db *db, struct arena *arena, struct db_call *calls, size_t ncalls,
    struct error *err)
{
	if (!db->outer)
		return db_pipeline(db, arena, calls, ncalls, err);
	return db_begin(db, err) && db_end(db, db_pipeline(db, arena, calls, ncalls, err), err);
}

bool
db_outer_begin(struct db *db, struct error *err)
{
	db->part = false;
	db->outer = transaction_begin(db, err);
	return db->outer;
}

bool
db_outer_commit(struct db *db, struct error *err)
{
	db->outer = false;
	return transaction_commit(db, err);
}

void
db_outer_rollback(struct db *db)
{
	db->outer = false;
	transaction_rollback(db);
}

void
db_on_commit(struct db *db, struct arena *arena, void (*fn)(void *ctx), void *ctx)
{
	struct db_after *after;

	if (!db->in_tx) {
		fn(ctx);
		return;
	}
	after = arena_alloc(arena, sizeof(*after));
	*after = (struct db_after) { .fn = fn, .ctx = ctx };
	*db->after_end = after;
	db->after_end = &after->next;
}

bool
db_end(struct db *db, bool ok, struct error *err)
{
	if (ok && db_commit(db, err))
		return true;
	db_rollback(db);
	return false;
}

void
db_mark(struct db *db)
{
	db->conflict = false;
	db->changed = false;
}

/* Outside a transaction, what was changed is committed; the last two may have been. */
void
db_note_change(struct db *db, enum db_outcome outcome, bool read)
{
	db->changed = db->changed ||
	    (!db->in_tx && !read &&
		(outcome == DB_DONE || outcome == DB_DEAD || outcome == DB_LATE));
}

bool
db_undone(const struct db *db, const struct error *err)
{
	return db->conflict && !db->changed && !db->in_tx &&
	    str_eq(error_slug_of(err), "database_busy");
}
