#include "store/store_endpoints.h"

#include "core/arena.h"
#include "core/words.h"
#include "store/store_deliver.h"

#include "core/banned.h"

#define COLUMNS \
	"id, url, events, header_names, headers, secret, previous_secret," \
	" " SQL_US("previous_until") ", enabled, off_reason, " SQL_US( \
	    "failing_since") "," \
			     " " SQL_US("delivered_at") ", version, " SQL_US( \
				 "created_at") ", " SQL_US("updated_at") ", origin"
#define DELIVERY \
	"id, seq, endpoint_id, event, status, attempts, response_status, duration_ms, error," \
	" " SQL_US("created_at") ", CASE WHEN status IN ('waiting', 'failed') THEN " SQL_US( \
	    "next_attempt_at") " END, " SQL_US("delivered_at")
#define WITHIN(from, to) \
	" AND (" from "::timestamptz IS NULL OR created_at >= " from ")" \
	" AND (" to "::timestamptz IS NULL OR created_at < " to ")"

enum { Q_ADD, Q_GET, Q_LOCK, Q_LIST, Q_CHANGE, Q_DELETE, Q_DELIVERIES, Q_DELIVERY, Q_REPLAY };

const struct query store_endpoints_queries[] = {
	[Q_ADD] = { "endpoint_add",
	    "INSERT INTO webhook_endpoints (id, url, events, header_names, headers, secret,"
	    " enabled, off_reason, origin)"
	    " SELECT $1::uuid, $2, $3::text[], $4::text[], $5, $6, $7::boolean,"
	    " CASE WHEN NOT $7::boolean THEN 'person' END, $9"
	    " WHERE (SELECT count(*) FROM webhook_endpoints) < $8::integer",
	    0 },
	[Q_GET] = { "endpoint_get", "SELECT " COLUMNS " FROM webhook_endpoints WHERE id = $1",
	    QUERY_READ },
	[Q_LOCK] = { "endpoint_lock",
	    "SELECT " COLUMNS " FROM webhook_endpoints WHERE id = $1 FOR NO KEY UPDATE", 0 },
	[Q_LIST] = { "endpoint_list",
	    "SELECT " COLUMNS " FROM webhook_endpoints"
	    " WHERE $2::uuid IS NULL OR (created_at, id) < ($1::timestamptz, $2)"
	    " ORDER BY created_at DESC, id DESC LIMIT $3::integer",
	    QUERY_READ },
	[Q_CHANGE] = { "endpoint_change",
	    "UPDATE webhook_endpoints SET url = $2, events = $3::text[], header_names = $4::text[],"
	    " headers = $5, secret = $6, previous_secret = $7, previous_until = $8::timestamptz,"
	    " off_reason = CASE WHEN $9::boolean THEN NULL WHEN enabled THEN 'person'"
	    " ELSE off_reason END,"
	    " failing_since = CASE WHEN $9::boolean AND NOT enabled THEN NULL ELSE failing_since"
	    " END,"
	    " rest_until = NULL, enabled = $9::boolean, origin = $10, version = version + 1,"
	    " updated_at = now()"
	    " WHERE id = $1",
	    0 },
	[Q_DELETE] = { "endpoint_delete", "DELETE FROM webhook_endpoints WHERE id = $1", 0 },
	[Q_DELIVERIES] = { "endpoint_deliveries",
	    "SELECT " DELIVERY " FROM webhook_deliveries WHERE endpoint_id = $1"
	    " AND ($2::text IS NULL OR status = $2)" WITHIN("$3",
		"$4") " AND ($5::bigint = 0 OR seq < $5) ORDER BY seq DESC LIMIT $6::integer",
	    QUERY_READ },
	[Q_DELIVERY] = { "endpoint_delivery",
	    "SELECT " DELIVERY ", payload FROM webhook_deliveries WHERE endpoint_id = $1"
	    " AND id = $2",
	    QUERY_READ },
	[Q_REPLAY] = { "endpoint_replay",
	    "WITH awake AS (UPDATE webhook_endpoints SET rest_until = NULL WHERE id = $1)"
	    " UPDATE webhook_deliveries SET status = 'waiting', step = 0, next_attempt_at = now(),"
	    " retry_until = now() + interval '" TEXT(
		DELIVER_HOURS) " hours', delivered_at = NULL"
			       " WHERE endpoint_id = $1 AND ($2::uuid IS NULL OR id = $2)" WITHIN(
				   "$3",
				   "$4") " AND (NOT $5::boolean OR status IN ('failed', 'dead'))",
	    0 },
	{ .name = NULL },
};
#define Q(id) (&store_endpoints_queries[id])

static struct hook_endpoint
endpoint_of(struct arena *arena, const struct rows *rows, size_t i)
{
	return (struct hook_endpoint) {
		.id = rows_str(rows, i, 0),
		.sealed_url = rows_str(rows, i, 1),
		.events = rows_strings(arena, rows, i, 2),
		.header_names = rows_strings(arena, rows, i, 3),
		.headers = rows_str(rows, i, 4),
		.secret = rows_str(rows, i, 5),
		.previous_secret = rows_str(rows, i, 6),
		.previous_until = rows_int(rows, i, 7),
		.enabled = rows_bool(rows, i, 8),
		.off_reason = rows_str(rows, i, 9),
		.failing_since = rows_int(rows, i, 10),
		.delivered_at = rows_int(rows, i, 11),
		.version = rows_int(rows, i, 12),
		.created_at = rows_int(rows, i, 13),
		.updated_at = rows_int(rows, i, 14),
		.origin = rows_str(rows, i, 15),
	};
}

static struct hook_delivery
delivery_of(const struct rows *rows, size_t i)
{
	return (struct hook_delivery) {
		.id = rows_str(rows, i, 0),
		.seq = rows_int(rows, i, 1),
		.endpoint_id = rows_str(rows, i, 2),
		.event = rows_str(rows, i, 3),
		.status = rows_str(rows, i, 4),
		.attempts = rows_int(rows, i, 5),
		.response_status = rows_int(rows, i, 6),
		.attempted = !rows_null(rows, i, 7),
		.duration_ms = rows_int(rows, i, 7),
		.error = rows_str(rows, i, 8),
		.created_at = rows_int(rows, i, 9),
		.next_attempt_at = rows_int(rows, i, 10),
		.delivered_at = rows_int(rows, i, 11),
	};
}

bool
store_endpoint_add(struct db *db, struct arena *arena, const struct hook_endpoint *e, int max,
    bool *added, struct error *err)
{
	return db_change(db, arena, Q(Q_ADD),
	    DB_PARAMS(e->id, e->sealed_url, db_array(arena, e->events.items, e->events.n),
		db_array(arena, e->header_names.items, e->header_names.n), e->headers, e->secret,
		db_bool(e->enabled), db_int(arena, max), e->origin),
	    added, err);
}

bool
store_endpoint_get(struct db *db, struct arena *arena, const char *id, bool lock,
    struct hook_endpoint *out, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(lock ? Q_LOCK : Q_GET), DB_PARAMS(id), &rows, err))
		return false;
	*out = (struct hook_endpoint) { .id = NULL };
	if (rows_count(rows) > 0)
		*out = endpoint_of(arena, rows, 0);
	return true;
}

bool
store_endpoint_list(struct db *db, struct arena *arena, int64_t before_time, const char *before_id,
    int limit, struct hook_endpoint **out, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_LIST),
		DB_PARAMS(db_time(arena, before_time), before_id, db_int(arena, limit)), &rows,
		err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = endpoint_of(arena, rows, i);
	return true;
}

bool
store_endpoint_change(struct db *db, struct arena *arena, const struct hook_endpoint *e,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_CHANGE),
	    DB_PARAMS(e->id, e->sealed_url, db_array(arena, e->events.items, e->events.n),
		db_array(arena, e->header_names.items, e->header_names.n), e->headers, e->secret,
		e->previous_secret, db_time(arena, e->previous_until), db_bool(e->enabled),
		e->origin),
	    NULL, err);
}

bool
store_endpoint_delete(struct db *db, struct arena *arena, const char *id, bool *deleted,
    struct error *err)
{
	return db_change(db, arena, Q(Q_DELETE), DB_PARAMS(id), deleted, err);
}

bool
store_endpoint_deliveries(struct db *db, struct arena *arena, const char *endpoint_id,
    const struct delivery_filter *filter, int64_t before_seq, int limit, struct hook_delivery **out,
    size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_DELIVERIES),
		DB_PARAMS(endpoint_id, filter->status, db_time(arena, filter->from),
		    db_time(arena, filter->to), db_int(arena, before_seq), db_int(arena, limit)),
		&rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = delivery_of(rows, i);
	return true;
}

bool
store_endpoint_delivery(struct db *db, struct arena *arena, const char *endpoint_id, const char *id,
    struct hook_delivery *out, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_DELIVERY), DB_PARAMS(endpoint_id, id), &rows, err))
		return false;
	*out = (struct hook_delivery) { .id = NULL };
	if (rows_count(rows) > 0) {
		*out = delivery_of(rows, 0);
		out->payload = rows_str(rows, 0, 12);
	}
	return true;
}

bool
store_endpoint_replay(struct db *db, struct arena *arena, const char *endpoint_id,
    const struct delivery_replay *what, int64_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_REPLAY),
		DB_PARAMS(endpoint_id, what->delivery_id, db_time(arena, what->from),
		    db_time(arena, what->to), db_bool(what->missing)),
		&rows, err))
		return false;
	*n = rows_affected(rows);
	return true;
}
