#include "store/store_hooks.h"

#include "core/arena.h"
#include "core/words.h"
#include "model/job.h"

#include "core/banned.h"

enum {
	Q_SOURCE_LOCK,
	Q_SOURCE_ADD,
	Q_SOURCES,
	Q_SOURCE_GET,
	Q_SOURCE_CHANGE,
	Q_SOURCE_ROTATE,
	Q_SOURCE_DELETE,
	Q_SOURCE_FIND,
	Q_EVENT_AGE,
	Q_EVENT_ADD,
	Q_EVENT_SAME,
	Q_EVENTS,
	Q_EVENT_GET,
	Q_EVENTS_RESET,
	Q_JOBS_DUE,
	Q_EVENT_END,
	Q_EVENT_TOLD,
	Q_TOLD_BEFORE,
	Q_EVENT_FAILED,
	Q_EXPIRE_EVENTS,
};

#define SOURCE_LOCK "7236114" /* advisory lock: sources are counted and added one at a time */
#define CREATED_US SQL_US("s.created_at")
#define ROTATED_US SQL_US("s.rotated_at")
#define SOURCE "s.id, s.source, s.name, s.secret, s.enabled, " CREATED_US ", " ROTATED_US
#define SOURCE_COLUMNS 7
#define LAST_EVENT \
	"(SELECT e.received_at FROM webhook_events e WHERE e.source_id = s.id" \
	" ORDER BY e.received_at DESC LIMIT 1)"
#define LAST_EVENT_US SQL_US(LAST_EVENT)
#define RECEIVED_US SQL_US("e.received_at")
#define PROCESSED_US SQL_US("e.processed_at")
#define EVENT \
	"e.id, e.source, e.type, e.status, e.source_id, s.name, e.machine_id, e.subject, e.error," \
	" e.told_at IS NOT NULL, e.attempts, " RECEIVED_US ", " PROCESSED_US
#define EVENT_COLUMNS 13
#define EVENTS_FROM " FROM webhook_events e LEFT JOIN webhook_sources s ON s.id = e.source_id"
#define AT(parameter) "'epoch'::timestamptz + " parameter "::bigint * interval '1 microsecond'"
#define STATUS "($1::text IS NULL OR e.status = $1)"
/* What is dead has failed too. */
#define STATUS_ALIKE "($1::text IS NULL OR e.status = $1 OR ($1 = 'failed' AND e.status = 'dead'))"
#define FILTER \
	" AND ($2::text IS NULL OR e.source = $2)" \
	" AND ($3::text IS NULL OR e.type = $3)" \
	" AND ($4::timestamptz IS NULL OR e.received_at >= $4)" \
	" AND ($5::timestamptz IS NULL OR e.received_at < $5)"

const struct query store_hooks_queries[] = {
	[Q_SOURCE_LOCK] = { "hook_source_lock", "SELECT pg_advisory_xact_lock(" SOURCE_LOCK ")",
	    0 },
	[Q_SOURCE_ADD] = { "hook_source_add",
	    "INSERT INTO webhook_sources (id, source, name, key_hash, secret)"
	    " SELECT $1, $2, $3, $4::bytea, $5"
	    " WHERE (SELECT count(*) FROM webhook_sources) < $6::integer",
	    0 },
	[Q_SOURCES] = { "hook_sources",
	    "SELECT " SOURCE ", " LAST_EVENT_US
	    " FROM webhook_sources s ORDER BY s.created_at, s.id",
	    QUERY_READ },
	[Q_SOURCE_GET] = { "hook_source_get",
	    "SELECT " SOURCE ", " LAST_EVENT_US " FROM webhook_sources s WHERE s.id = $1",
	    QUERY_READ },
	[Q_SOURCE_CHANGE] = { "hook_source_change",
	    "UPDATE webhook_sources SET name = coalesce($2, name),"
	    " enabled = coalesce($3::boolean, enabled) WHERE id = $1",
	    0 },
	[Q_SOURCE_ROTATE] = { "hook_source_rotate",
	    "UPDATE webhook_sources SET key_hash = $2::bytea, secret = $3, rotated_at = now()"
	    " WHERE id = $1",
	    0 },
	[Q_SOURCE_DELETE] = { "hook_source_delete", "DELETE FROM webhook_sources WHERE id = $1",
	    0 },
	[Q_SOURCE_FIND] = { "hook_source_find",
	    "SELECT " SOURCE ", 0 FROM webhook_sources s WHERE s.source = $1 AND s.enabled"
	    " AND ($2::bytea IS NULL OR s.key_hash = $2) AND ($3::uuid IS NULL OR s.id = $3)"
	    " ORDER BY s.id",
	    QUERY_READ },
	/* An old event gives the place of its payload up, before another one like it is added. */
	[Q_EVENT_AGE] = { "hook_event_age",
	    "UPDATE webhook_events SET dedupe = NULL WHERE source_id = $1 AND dedupe = $2::bytea"
	    " AND NOT by_id AND received_at < now() - make_interval(secs => " TEXT(
		HOOK_SAME_PAYLOAD_SECONDS) ")",
	    0 },
	[Q_EVENT_ADD] = { "hook_event_add",
	    "WITH event AS (INSERT INTO webhook_events (id, source_id, source, type, machine_id,"
	    " subject, payload, request_id, dedupe, by_id)"
	    " VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9::bytea, $10::boolean)"
	    " ON CONFLICT (source_id, dedupe) WHERE dedupe IS NOT NULL DO NOTHING RETURNING id),"
	    " job AS (INSERT INTO jobs (id, kind, queue, max_attempts, request_id, payload,"
	    " unique_key) SELECT gen_random_uuid(), $11, $12, $13::integer, $8,"
	    " jsonb_build_object('event', id), 'hook:' || id FROM event RETURNING queue)"
	    " SELECT pg_notify('mn_jobs', queue) FROM job",
	    0 },
	[Q_EVENT_SAME] = { "hook_event_same",
	    "SELECT id FROM webhook_events WHERE source_id = $1 AND dedupe = $2::bytea", 0 },
	[Q_EVENTS] = { "hook_events",
	    "SELECT " EVENT EVENTS_FROM " WHERE " STATUS FILTER
	    " AND ($6::bigint IS NULL OR (e.received_at, e.id) < (" AT(
		"$6") ", $7::uuid))"
		      " ORDER BY e.received_at DESC, e.id DESC LIMIT $8::integer",
	    QUERY_READ },
	[Q_EVENT_GET] = { "hook_event_get",
	    "SELECT " EVENT ", e.payload" EVENTS_FROM " WHERE e.id = $1", QUERY_READ },
	[Q_EVENTS_RESET] = { "hook_events_reset",
	    "UPDATE webhook_events SET status = 'received', attempts = 0, error = NULL,"
	    " processed_at = NULL WHERE id IN (SELECT e.id FROM webhook_events e"
	    " WHERE " STATUS_ALIKE FILTER " AND ($6::uuid IS NULL OR e.id = $6)"
	    " ORDER BY e.received_at, e.id LIMIT $7::integer FOR UPDATE) RETURNING id",
	    0 },
	[Q_JOBS_DUE] = { "hook_jobs_due",
	    "UPDATE jobs SET run_at = now(), attempt = 0 WHERE unique_key = ANY ($1::text[])"
	    " AND state = 'available'",
	    0 },
	[Q_EVENT_END] = { "hook_event_end",
	    "UPDATE webhook_events SET status = $2, error = $3, attempts = attempts + 1,"
	    " processed_at = now() WHERE id = $1",
	    0 },
	[Q_EVENT_TOLD] = { "hook_event_told",
	    "UPDATE webhook_events SET told_at = now() WHERE id = $1", 0 },
	[Q_TOLD_BEFORE] = { "hook_told_before",
	    "SELECT EXISTS (SELECT FROM webhook_events WHERE machine_id = $1 AND subject = $2"
	    " AND told_at IS NOT NULL AND id <> $3 AND type LIKE 'library.%')",
	    QUERY_READ },
	[Q_EVENT_FAILED] = { "hook_event_failed",
	    "UPDATE webhook_events e SET status = CASE WHEN $3::boolean THEN 'dead'"
	    " ELSE 'failed' END, attempts = e.attempts + CASE WHEN $3::boolean THEN 0 ELSE 1 END,"
	    " error = left(j.last_error, " TEXT(
		HOOK_ERROR_MAX) ")"
				" FROM jobs j WHERE j.id = $1 AND e.id = $2",
	    0 },
	[Q_EXPIRE_EVENTS] = { "hook_expire_events",
	    "DELETE FROM webhook_events WHERE received_at < now() - make_interval(days => " TEXT(
		HOOK_EVENT_DAYS) ")",
	    0 },
	{ .name = NULL },
};
#define Q(id) (&store_hooks_queries[id])

static struct hook_source
source_from_row(const struct rows *rows, size_t i)
{
	return (struct hook_source) {
		.id = rows_str(rows, i, 0),
		.source = rows_str(rows, i, 1),
		.name = rows_str(rows, i, 2),
		.secret = rows_str(rows, i, 3),
		.enabled = rows_bool(rows, i, 4),
		.created_at = rows_int(rows, i, 5),
		.rotated_at = rows_int(rows, i, 6),
		.last_event_at = rows_int(rows, i, SOURCE_COLUMNS),
	};
}

static void
sources_from_rows(struct arena *arena, const struct rows *rows, struct hook_source **out, size_t *n)
{
	*n = rows_count(rows);
	*out = arena_array(arena, *n, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = source_from_row(rows, i);
}

bool
store_hook_source_add(struct db *db, struct arena *arena, const struct hook_source_new *new,
    bool *added, struct error *err)
{
	return db_exec(db, arena, Q(Q_SOURCE_LOCK), DB_NO_PARAMS, NULL, err) &&
	    db_change(db, arena, Q(Q_SOURCE_ADD),
		DB_PARAMS(new->id, new->source, new->name,
		    db_bytea(arena, new->key_hash, SHA256_SIZE), new->secret,
		    db_int(arena, new->max)),
		added, err);
}

bool
store_hook_sources(struct db *db, struct arena *arena, struct hook_source **out, size_t *n,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_SOURCES), DB_NO_PARAMS, &rows, err))
		return false;
	sources_from_rows(arena, rows, out, n);
	return true;
}

bool
store_hook_source_get(struct db *db, struct arena *arena, const char *id,
    struct hook_source *source, struct error *err)
{
	struct rows *rows;

	source->id = NULL;
	if (!db_exec(db, arena, Q(Q_SOURCE_GET), DB_PARAMS(id), &rows, err))
		return false;
	if (rows_count(rows) > 0)
		*source = source_from_row(rows, 0);
	return true;
}

bool
store_hook_source_change(struct db *db, struct arena *arena, const char *id, const char *name,
    const char *enabled, bool *found, struct error *err)
{
	return db_change(db, arena, Q(Q_SOURCE_CHANGE), DB_PARAMS(id, name, enabled), found, err);
}

bool
store_hook_source_rotate(struct db *db, struct arena *arena, const char *id,
    const unsigned char key_hash[SHA256_SIZE], const char *secret, bool *found, struct error *err)
{
	return db_change(db, arena, Q(Q_SOURCE_ROTATE),
	    DB_PARAMS(id, db_bytea(arena, key_hash, SHA256_SIZE), secret), found, err);
}

bool
store_hook_source_delete(struct db *db, struct arena *arena, const char *id, bool *found,
    struct error *err)
{
	return db_change(db, arena, Q(Q_SOURCE_DELETE), DB_PARAMS(id), found, err);
}

bool
store_hook_source_find(struct db *db, struct arena *arena, const char *source,
    const unsigned char *key_hash, const char *id, struct hook_source **out, size_t *n,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_SOURCE_FIND),
		DB_PARAMS(source, key_hash == NULL ? NULL : db_bytea(arena, key_hash, SHA256_SIZE),
		    id),
		&rows, err))
		return false;
	sources_from_rows(arena, rows, out, n);
	return true;
}

static bool
same_event(struct db *db, struct arena *arena, const char *source_id, const char *dedupe,
    const char **same, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_EVENT_SAME), DB_PARAMS(source_id, dedupe), &rows, err))
		return false;
	*same = rows_count(rows) > 0 ? rows_str(rows, 0, 0) : "";
	return true;
}

bool
store_hook_event_add(struct db *db, struct arena *arena, const struct hook_event_new *new,
    const struct job_new *job, const char **same, struct error *err)
{
	const char *dedupe = db_bytea(arena, new->dedupe, SHA256_SIZE);
	const char *const age[] = { new->source_id, dedupe };
	const char *const add[] = { new->id, new->source_id, new->source, new->type,
		new->machine_id, new->subject, new->payload, new->request_id, dedupe,
		db_bool(new->by_id), job->kind, job->queue, db_int(arena, job->max_attempts) };
	struct db_call calls[] = {
		{ .query = Q(Q_EVENT_AGE), .params = age, .nparams = 2 },
		{ .query = Q(Q_EVENT_ADD), .params = add, .nparams = sizeof(add) / sizeof(add[0]) },
	};

	*same = NULL;
	if (!db_pipeline(db, arena, calls, 2, err))
		return false;
	return rows_count(calls[1].rows) > 0 ||
	    same_event(db, arena, new->source_id, dedupe, same, err);
}

static void
event_from_row(const struct rows *rows, size_t i, struct hook_event *event)
{
	*event = (struct hook_event) {
		.id = rows_str(rows, i, 0),
		.source = rows_str(rows, i, 1),
		.type = rows_str(rows, i, 2),
		.status = rows_str(rows, i, 3),
		.source_id = rows_str(rows, i, 4),
		.source_name = rows_str(rows, i, 5),
		.machine_id = rows_str(rows, i, 6),
		.subject = rows_str(rows, i, 7),
		.error = rows_str(rows, i, 8),
		.told = rows_bool(rows, i, 9),
		.attempts = rows_int(rows, i, 10),
		.received_at = rows_int(rows, i, 11),
		.processed_at = rows_int(rows, i, 12),
	};
}

bool
store_hook_events(struct db *db, struct arena *arena, const struct hook_list_ask *ask,
    struct hook_event **out, size_t *n, struct error *err)
{
	const struct hook_filter *f = ask->filter;
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_EVENTS),
		DB_PARAMS(f->status, f->source, f->type, db_time(arena, f->from),
		    db_time(arena, f->to),
		    ask->before_id == NULL ? NULL : db_int(arena, ask->before_time), ask->before_id,
		    db_int(arena, ask->limit)),
		&rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		event_from_row(rows, i, &(*out)[i]);
	return true;
}

bool
store_hook_event_get(struct db *db, struct arena *arena, const char *id, struct hook_event *event,
    struct error *err)
{
	struct rows *rows;

	event->id = NULL;
	if (!db_exec(db, arena, Q(Q_EVENT_GET), DB_PARAMS(id), &rows, err))
		return false;
	if (rows_count(rows) == 0)
		return true;
	event_from_row(rows, 0, event);
	event->payload = rows_str(rows, 0, EVENT_COLUMNS);
	return true;
}

bool
store_hook_events_reset(struct db *db, struct arena *arena, const char *id,
    const struct hook_filter *f, int limit, struct strings *ids, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_EVENTS_RESET),
		DB_PARAMS(f->status, f->source, f->type, db_time(arena, f->from),
		    db_time(arena, f->to), id, db_int(arena, limit)),
		&rows, err))
		return false;
	*ids = rows_column(arena, rows, 0);
	return true;
}

bool
store_hook_jobs_due(struct db *db, struct arena *arena, struct strings keys, struct error *err)
{
	return db_exec(db, arena, Q(Q_JOBS_DUE), DB_PARAMS(db_array(arena, keys.items, keys.n)),
	    NULL, err);
}

bool
store_hook_event_end(struct db *db, struct arena *arena, const char *id, const char *status,
    const char *why, struct error *err)
{
	return db_exec(db, arena, Q(Q_EVENT_END), DB_PARAMS(id, status, why), NULL, err);
}

bool
store_hook_event_told(struct db *db, struct arena *arena, const char *id, struct error *err)
{
	return db_exec(db, arena, Q(Q_EVENT_TOLD), DB_PARAMS(id), NULL, err);
}

bool
store_hook_told_before(struct db *db, struct arena *arena, const struct hook_event *event,
    bool *told, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_TOLD_BEFORE),
		DB_PARAMS(event->machine_id, event->subject, event->id), &rows, err))
		return false;
	*told = rows_bool(rows, 0, 0);
	return true;
}

bool
store_hook_event_failed(struct db *db, struct arena *arena, const struct job *job, const char *id,
    bool dead, struct error *err)
{
	return db_exec(db, arena, Q(Q_EVENT_FAILED), DB_PARAMS(job->id, id, db_bool(dead)), NULL,
	    err);
}

bool
store_hooks_expire(struct db *db, struct arena *arena, struct error *err)
{
	return db_exec(db, arena, Q(Q_EXPIRE_EVENTS), DB_NO_PARAMS, NULL, err);
}
