/* Backups that were made, and the snapshot of one: see store_backups.h. */
#include "store/store_backups.h"

#include "core/arena.h"
#include "core/error.h"

#include "core/banned.h"

enum {
	Q_LAST,
	Q_HOLDS,
	Q_CRASHED,
	Q_BEGIN,
	Q_RENEW,
	Q_DONE,
	Q_FAILED,
	Q_PRUNE,
	Q_SNAPSHOT,
	Q_EMPTY,
	Q_CONNECTIONS,
	Q_RESTORING,
	Q_MARK,
	Q_END_SESSIONS,
	Q_FORGET_POSTERS,
	Q_FORGET_DOWNLOADS,
	Q_FORGET_ARCHIVES,
	Q_FORGET_PARTS,
	Q_RAISE,
};

#define HOLD "now() + make_interval(secs => $2::integer)"

const struct query store_backups_queries[] = {
	[Q_LAST] = { "backup_last",
	    "SELECT " SQL_US("max(finished_at)") " FROM backups WHERE status = 'ok'", QUERY_READ },
	[Q_HOLDS] = { "backup_holds",
	    "SELECT EXISTS (SELECT FROM backups WHERE held_until > now())", QUERY_READ },
	[Q_CRASHED] = { "backup_crashed",
	    "UPDATE backups SET status = 'failed', held_until = NULL, finished_at = now(),"
	    " error = 'The process ended before the backup was complete.'"
	    " WHERE status = 'running' AND (held_until <= now() OR directory = $1)",
	    0 },
	[Q_BEGIN] = { "backup_begin",
	    "INSERT INTO backups (id, directory, held_until) SELECT $1, $3, " HOLD
	    " WHERE NOT EXISTS (SELECT FROM backups WHERE held_until > now())",
	    0 },
	[Q_RENEW] = { "backup_renew",
	    "UPDATE backups SET held_until = " HOLD
	    " WHERE id = $1 AND status = 'running' AND held_until > now()",
	    0 },
	[Q_DONE] = { "backup_done",
	    "UPDATE backups SET status = 'ok', held_until = NULL, finished_at = now(),"
	    " objects = $2, bytes = $3, copied_bytes = $4"
	    " WHERE id = $1 AND status = 'running' AND held_until > now()",
	    0 },
	[Q_FAILED] = { "backup_failed",
	    "UPDATE backups SET status = 'failed', held_until = NULL, finished_at = now(),"
	    " error = $2 WHERE id = $1 AND status = 'running'",
	    0 },
	[Q_PRUNE] = { "backup_prune",
	    "DELETE FROM backups WHERE held_until IS NULL AND id NOT IN (SELECT id FROM backups"
	    " ORDER BY started_at DESC, id DESC LIMIT $1::integer)",
	    0 },
	[Q_SNAPSHOT] = { "backup_snapshot", "SELECT pg_export_snapshot()", 0 },
	/* plex.client_id is made by the house itself. */
	[Q_EMPTY] = { "backup_house_empty",
	    "SELECT (SELECT count(*) FROM (SELECT FROM users LIMIT 2) AS u) < 2"
	    " AND NOT EXISTS (SELECT FROM media) AND NOT EXISTS (SELECT FROM media_servers)"
	    " AND NOT EXISTS (SELECT FROM uploads) AND NOT EXISTS (SELECT FROM objects)"
	    " AND NOT EXISTS (SELECT FROM webhook_sources)"
	    " AND NOT EXISTS (SELECT FROM webhook_endpoints)"
	    " AND NOT EXISTS (SELECT FROM settings WHERE key <> 'plex.client_id')"
	    " AND NOT EXISTS (SELECT FROM invites) AND NOT EXISTS (SELECT FROM api_tokens)"
	    " AND NOT EXISTS (SELECT FROM overseerr_settings)"
	    " AND NOT EXISTS (SELECT FROM requests)"
	    " AND NOT EXISTS (SELECT FROM audit_log WHERE action = 'roles.changed')",
	    QUERY_READ },
	[Q_CONNECTIONS] = { "backup_connections",
	    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
	    " AND usename IN ('medianest_api', 'medianest_worker', 'medianest_store')",
	    QUERY_READ },
	/* A comment on the database outlives all of its tables. */
	[Q_RESTORING] = { "backup_restoring",
	    "SELECT coalesce(substring(shobj_description(oid, 'pg_database') FROM"
	    " '^medianest: restoring (.*)$'), '') FROM pg_database"
	    " WHERE datname = current_database()",
	    QUERY_READ },
	[Q_MARK] = { "backup_mark",
	    "SELECT set_config('medianest.restoring', 'medianest: restoring ' || $1::text, false)",
	    0 },
	[Q_END_SESSIONS] = { "backup_end_sessions",
	    "UPDATE sessions SET revoked_at = now(), revoked_reason = 'restore'"
	    " WHERE revoked_at IS NULL",
	    0 },
	/* A backup of a foreign store has none of them; they are fetched when they are seen. */
	[Q_FORGET_POSTERS] = { "backup_forget_posters",
	    "UPDATE title_posters SET state = 'wanted' WHERE state = 'there'", 0 },
	/* No backup has them. */
	[Q_FORGET_DOWNLOADS] = { "backup_forget_downloads", "DELETE FROM downloads", 0 },
	[Q_FORGET_ARCHIVES] = { "backup_forget_archives",
	    "DELETE FROM objects WHERE starts_with(key, 'download/')", 0 },
	[Q_FORGET_PARTS] = { "backup_forget_parts",
	    "DELETE FROM object_uploads WHERE starts_with(key, 'download/')", 0 },
	[Q_RAISE] = { "backup_raise_generations", "UPDATE users SET generation = generation + 1",
	    0 },
	{ .name = NULL },
};
#define Q(id) (&store_backups_queries[id])

bool
store_backup_last(struct db *db, struct arena *arena, int64_t *finished_at_us, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_LAST), DB_NO_PARAMS, &rows, err))
		return false;
	*finished_at_us = rows_int(rows, 0, 0);
	return true;
}

bool
store_backup_holds(struct db *db, struct arena *arena, bool *holds, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_HOLDS), DB_NO_PARAMS, &rows, err))
		return false;
	*holds = rows_bool(rows, 0, 0);
	return true;
}

static bool
begin_in(struct db *db, struct arena *arena, const char *id, const char *directory, bool *begun,
    struct error *err)
{
	/* Two that begin at once: the second one waits here and then sees the first one's row. */
	return db_script(db, "LOCK TABLE backups IN SHARE ROW EXCLUSIVE MODE", err) &&
	    db_exec(db, arena, Q(Q_CRASHED), DB_PARAMS(directory), NULL, err) &&
	    db_exec(db, arena, Q(Q_PRUNE), DB_PARAMS(db_int(arena, BACKUP_ROWS_KEEP)), NULL, err) &&
	    db_change(db, arena, Q(Q_BEGIN),
		DB_PARAMS(id, db_int(arena, BACKUP_HOLD_SECONDS), directory), begun, err);
}

bool
store_backup_begin(struct db *db, struct arena *arena, const char *id, const char *directory,
    bool *begun, struct error *err)
{
	return db_begin(db, err) && db_end(db, begin_in(db, arena, id, directory, begun, err), err);
}

bool
store_backup_renew(struct db *db, struct arena *arena, const char *id, bool *held,
    struct error *err)
{
	return db_change(db, arena, Q(Q_RENEW), DB_PARAMS(id, db_int(arena, BACKUP_HOLD_SECONDS)),
	    held, err);
}

bool
store_backup_done(struct db *db, struct arena *arena, const char *id,
    const struct backup_counts *counts, bool *held, struct error *err)
{
	return db_change(db, arena, Q(Q_DONE),
	    DB_PARAMS(id, db_int(arena, counts->objects), db_int(arena, counts->bytes),
		db_int(arena, counts->copied)),
	    held, err);
}

bool
store_backup_failed(struct db *db, struct arena *arena, const char *id, const char *why,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_FAILED), DB_PARAMS(id, why), NULL, err);
}

/* The transaction idles while pg_dump works. */
bool
store_backup_snapshot(struct db *db, struct arena *arena, const char **snapshot, struct error *err)
{
	struct rows *rows;

	if (!db_script(db,
		"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;"
		" SET LOCAL idle_in_transaction_session_timeout = 0",
		err) ||
	    !db_exec(db, arena, Q(Q_SNAPSHOT), DB_NO_PARAMS, &rows, err))
		return false;
	*snapshot = rows_str(rows, 0, 0);
	return true;
}

bool
store_backup_house_empty(struct db *db, struct arena *arena, bool *empty, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_EMPTY), DB_NO_PARAMS, &rows, err))
		return false;
	*empty = rows_bool(rows, 0, 0);
	return true;
}

bool
store_backup_connections(struct db *db, struct arena *arena, int64_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_CONNECTIONS), DB_NO_PARAMS, &rows, err))
		return false;
	*n = rows_int(rows, 0, 0);
	return true;
}

/*
 * What belongs to an extension stays, and so does the extension. The names are collected first: one
 * statement drops what others are about to.
 */
bool
store_backup_clear(struct db *db, struct error *err)
{
	return db_script(db,
	    "DO $$ DECLARE drops text[]; step text; BEGIN"
	    " SELECT array_agg(format('DROP %s IF EXISTS public.%I CASCADE', CASE c.relkind"
	    "   WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'"
	    "   ELSE 'TABLE' END, c.relname)) INTO drops"
	    "   FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace"
	    "   AND c.relkind IN ('r', 'p', 'v', 'm', 'S') AND NOT EXISTS (SELECT FROM pg_depend d"
	    "   WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid"
	    "   AND d.deptype IN ('e', 'a', 'i'));"
	    " FOREACH step IN ARRAY coalesce(drops, '{}') LOOP EXECUTE step; END LOOP;"
	    " SELECT array_agg(format('DROP ROUTINE IF EXISTS %s CASCADE', p.oid::regprocedure))"
	    "   INTO drops FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace"
	    "   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass"
	    "   AND d.objid = p.oid AND d.deptype = 'e');"
	    " FOREACH step IN ARRAY coalesce(drops, '{}') LOOP EXECUTE step; END LOOP;"
	    " SELECT array_agg(format('DROP TEXT SEARCH CONFIGURATION IF EXISTS public.%I CASCADE',"
	    "   cfgname)) INTO drops FROM pg_ts_config"
	    "   WHERE cfgnamespace = 'public'::regnamespace;"
	    " FOREACH step IN ARRAY coalesce(drops, '{}') LOOP EXECUTE step; END LOOP; END $$",
	    err);
}

bool
store_backup_restoring(struct db *db, struct arena *arena, const char **id, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_RESTORING), DB_NO_PARAMS, &rows, err))
		return false;
	*id = rows_str(rows, 0, 0);
	return true;
}

bool
store_backup_mark(struct db *db, struct arena *arena, const char *id, struct error *err)
{
	return db_exec(db, arena, Q(Q_MARK), DB_PARAMS(id), NULL, err) &&
	    db_script(db,
		"DO $$ BEGIN EXECUTE format('COMMENT ON DATABASE %I IS %L', current_database(),"
		" current_setting('medianest.restoring')); END $$",
		err);
}

bool
store_backup_unmark(struct db *db, struct error *err)
{
	return db_script(db,
	    "DO $$ BEGIN EXECUTE format('COMMENT ON DATABASE %I IS NULL', current_database());"
	    " END $$",
	    err);
}

bool
store_backup_end_sessions(struct db *db, struct arena *arena, struct error *err)
{
	return db_begin(db, err) &&
	    db_end(db,
		db_exec(db, arena, Q(Q_END_SESSIONS), DB_NO_PARAMS, NULL, err) &&
		    db_exec(db, arena, Q(Q_RAISE), DB_NO_PARAMS, NULL, err),
		err);
}

bool
store_backup_forget_downloads(struct db *db, struct arena *arena, struct error *err)
{
	return db_exec(db, arena, Q(Q_FORGET_DOWNLOADS), DB_NO_PARAMS, NULL, err) &&
	    db_exec(db, arena, Q(Q_FORGET_ARCHIVES), DB_NO_PARAMS, NULL, err) &&
	    db_exec(db, arena, Q(Q_FORGET_PARTS), DB_NO_PARAMS, NULL, err);
}

bool
store_backup_forget_posters(struct db *db, struct arena *arena, struct error *err)
{
	return db_exec(db, arena, Q(Q_FORGET_POSTERS), DB_NO_PARAMS, NULL, err);
}
