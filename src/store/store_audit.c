#include "store/store_audit.h"

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"

#include "core/banned.h"

#define AT_US SQL_US("a.at")
#define AUDIT \
	"a.id, " AT_US ", a.actor_id, a.actor, a.action, a.target_type, a.target_id, a.detail," \
	" a.address, a.request_id"
#define CHAIN_LOCK "7236101" /* advisory lock: one chainer, or any number of writers */

enum { Q_ADD, Q_LOCK, Q_LAST, Q_UNCHAINED, Q_CHAIN_ADD, Q_CHAIN_READ, Q_UNCHAINED_COUNT };

const struct query store_audit_queries[] = {
	/*
	 * Writers share the lock, the chainer holds it exclusively. So either the chainer sees a
	 * row, or its writer sees that the chainer's job has ended.
	 */
	[Q_ADD] = { "audit_add",
	    "INSERT INTO audit_log (actor_id, actor, action, target_type, target_id, detail,"
	    " address, request_id) "
	    "SELECT $1::uuid, coalesce((SELECT email FROM users"
	    " WHERE id = $1::uuid), 'system'), $2, $3, $4, coalesce($5::jsonb, '{}'), $6, $7 "
	    "FROM pg_advisory_xact_lock_shared(" CHAIN_LOCK ")",
	    0 },
	[Q_LOCK] = { "audit_chain_lock", "SELECT pg_advisory_xact_lock(" CHAIN_LOCK ")", 0 },
	[Q_LAST] = { "audit_chain_last",
	    "SELECT seq, encode(hash, 'hex'), audit_id FROM audit_chain ORDER BY seq DESC LIMIT 1",
	    QUERY_READ },
	/*
	 * A writer takes the next id while it holds the lock, so under the chainer's lock no row
	 * can come with an id below the last one that is chained: only new rows are read.
	 */
	[Q_UNCHAINED] = { "audit_unchained",
	    "SELECT " AUDIT " FROM audit_log a WHERE a.id > $1::bigint ORDER BY a.id"
	    " LIMIT $2::int",
	    QUERY_READ },
	[Q_CHAIN_ADD] = { "audit_chain_add",
	    "INSERT INTO audit_chain (seq, audit_id, hash) VALUES ($1, $2, $3)", 0 },
	[Q_CHAIN_READ] = { "audit_chain_read",
	    "SELECT " AUDIT ", c.seq, encode(c.hash, 'hex') FROM audit_chain c JOIN audit_log a"
	    " ON a.id = c.audit_id WHERE c.seq > $1 ORDER BY c.seq "
	    "LIMIT $2::int",
	    QUERY_READ },
	[Q_UNCHAINED_COUNT] = { "audit_unchained_count",
	    "SELECT count(*) FROM audit_log a WHERE NOT EXISTS (SELECT 1 FROM audit_chain c"
	    " WHERE c.audit_id = a.id)",
	    QUERY_READ },
	{ .name = NULL },
};
#define Q(id) (&store_audit_queries[id])

bool
store_audit_add(struct db *db, struct arena *arena, const struct audit_new *new, struct error *err)
{
	return db_exec(db, arena, Q(Q_ADD),
	    DB_PARAMS(new->actor_id, new->action, new->target_type, new->target_id, new->detail,
		new->address, new->request_id),
	    NULL, err);
}

struct audit_row
store_audit_row(const struct rows *rows, size_t i)
{
	return (struct audit_row) {
		.id = rows_str(rows, i, 0),
		.at = rows_int(rows, i, 1),
		.actor_id = rows_str(rows, i, 2),
		.actor = rows_str(rows, i, 3),
		.action = rows_str(rows, i, 4),
		.target_type = rows_str(rows, i, 5),
		.target_id = rows_str(rows, i, 6),
		.detail = rows_str(rows, i, 7),
		.address = rows_str(rows, i, 8),
		.request_id = rows_str(rows, i, 9),
	};
}

static void
audit_from_rows(struct arena *arena, const struct rows *rows, struct audit_row **out, size_t *n)
{
	*n = rows_count(rows);
	*out = arena_array(arena, *n, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = store_audit_row(rows, i);
}

/* Reads seq and hash (hexadecimal) from this column on; false when the hash is malformed. */
static bool
link_from_row(const struct rows *rows, size_t i, int col, struct audit_link *link)
{
	link->seq = rows_int(rows, i, col);
	return hex_decode(rows_str(rows, i, col + 1), link->hash, sizeof(link->hash));
}

bool
store_audit_chain_lock(struct db *db, struct arena *arena, struct audit_link *last,
    struct error *err)
{
	struct rows *rows;

	*last = (struct audit_link) { .seq = 0 };
	/* Two statements: the second one sees everything committed before the lock was acquired. */
	if (!db_exec(db, arena, Q(Q_LOCK), DB_NO_PARAMS, NULL, err) ||
	    !db_exec(db, arena, Q(Q_LAST), DB_NO_PARAMS, &rows, err))
		return false;
	if (rows_count(rows) == 0)
		return true;
	last->audit_id = rows_int(rows, 0, 2);
	return link_from_row(rows, 0, 0, last) ||
	    error_set(err, ERR_INTERNAL, "The last link of the audit chain is damaged.");
}

bool
store_audit_unchained(struct db *db, struct arena *arena, int64_t after, int limit,
    struct audit_row **out, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_UNCHAINED),
		DB_PARAMS(db_int(arena, after), db_int(arena, limit)), &rows, err))
		return false;
	audit_from_rows(arena, rows, out, n);
	return true;
}

bool
store_audit_chain_add(struct db *db, struct arena *arena, const char *audit_id,
    const struct audit_link *link, struct error *err)
{
	return db_exec(db, arena, Q(Q_CHAIN_ADD),
	    DB_PARAMS(db_int(arena, link->seq), audit_id,
		db_bytea(arena, link->hash, sizeof(link->hash))),
	    NULL, err);
}

bool
store_audit_chain_read(struct db *db, struct arena *arena, int64_t after, int limit,
    struct audit_chain *chain, struct error *err)
{
	struct audit_chained *items;
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_CHAIN_READ),
		DB_PARAMS(db_int(arena, after), db_int(arena, limit)), &rows, err))
		return false;
	chain->n = rows_count(rows);
	chain->items = items = arena_array(arena, chain->n, sizeof(*items));
	for (size_t i = 0; i < chain->n; i++) {
		items[i].row = store_audit_row(rows, i);
		items[i].damaged = !link_from_row(rows, i, STORE_AUDIT_COLUMNS, &items[i].link);
	}
	return true;
}

bool
store_audit_unchained_count(struct db *db, struct arena *arena, int64_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_UNCHAINED_COUNT), DB_NO_PARAMS, &rows, err))
		return false;
	*n = rows_int(rows, 0, 0);
	return true;
}
