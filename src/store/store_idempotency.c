#include "store/store_idempotency.h"

#include "core/arena.h"

#include "core/banned.h"

#define KEPT "created_at > now() - interval '" IDEMPOTENCY_HOURS " hours'"

enum { Q_PERSON, Q_LOCK, Q_GET, Q_KEEP, Q_EXPIRE };

const struct query store_idempotency_queries[] = {
	/* First: the answer that is kept at the end refers to the person. */
	[Q_PERSON] = { "idempotency_person", "SELECT FROM users WHERE id = $1 FOR KEY SHARE", 0 },
	[Q_LOCK] = { "idempotency_lock",
	    "SELECT pg_try_advisory_xact_lock(hashtextextended(concat_ws(' ', $1::text, $2::text,"
	    " $3::text), 0))",
	    0 },
	[Q_GET] = { "idempotency_get",
	    "SELECT encode(body_hash, 'hex'), status, response FROM idempotency_keys"
	    " WHERE principal = $1 AND route = $2 AND key = $3 AND " KEPT,
	    0 },
	[Q_KEEP] = { "idempotency_keep",
	    "INSERT INTO idempotency_keys (principal, route, key, body_hash, status, response)"
	    " VALUES ($1, $2, $3, decode($4::text, 'hex'), $5, $6) "
	    "ON CONFLICT (principal, route, key) DO UPDATE"
	    " SET body_hash = excluded.body_hash, status = excluded.status, response ="
	    " excluded.response, "
	    "created_at = now()",
	    0 },
	[Q_EXPIRE] = { "idempotency_expire",
	    "DELETE FROM idempotency_keys WHERE (principal, route, key) IN "
	    "(SELECT principal, route, key FROM idempotency_keys WHERE NOT (" KEPT
	    ") ORDER BY created_at LIMIT $1)",
	    0 },
	{ .name = NULL },
};
#define Q(id) (&store_idempotency_queries[id])

bool
store_idempotency_take(struct db *db, struct arena *arena, struct idempotency_row *row, bool *taken,
    struct error *err)
{
	const char *const params[] = { row->principal, row->route, row->key };
	struct db_call calls[] = { { Q(Q_PERSON), params, 1, NULL }, { Q(Q_LOCK), params, 3, NULL },
		{ Q(Q_GET), params, 3, NULL } };
	const struct rows *kept;

	if (!db_pipeline(db, arena, calls, 3, err))
		return false;
	kept = calls[2].rows;
	*taken = rows_bool(calls[1].rows, 0, 0);
	row->hash = NULL;
	if (rows_count(kept) > 0) {
		row->hash = rows_str(kept, 0, 0);
		row->status = (int)rows_int(kept, 0, 1);
		row->response = rows_str(kept, 0, 2);
		row->response_len = rows_len(kept, 0, 2);
	}
	return true;
}

bool
store_idempotency_keep(struct db *db, struct arena *arena, const struct idempotency_row *row,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_KEEP),
	    DB_PARAMS(row->principal, row->route, row->key, row->hash, db_int(arena, row->status),
		row->response),
	    NULL, err);
}

bool
store_idempotency_expire(struct db *db, struct arena *arena, struct error *err)
{
	return db_exec(db, arena, Q(Q_EXPIRE), DB_PARAMS(db_int(arena, IDEMPOTENCY_EXPIRE_ROWS)),
	    NULL, err);
}
