#include "store/store_process.h"

#include "core/arena.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/str.h"
#include "model/job.h"
#include "model/link.h"
#include "model/media.h"
#include "store/read_sql.h"
#include "store/store_sessions.h"

#include "core/banned.h"

enum {
	LOAD,
	STEP,
	CLOSE_STEPS,
	PURGED,
	RESERVE,
	OWNER_LOCK,
	ITEM_LOCK,
	PUBLISH,
	PAIR,
	PUBLISH_ASSETS,
	FAIL,
	OBJECTS,
	COLLECTABLE,
	FORGET,
	EXPIRE_UPLOADS,
	STRAY_INCOMING,
	ANNOUNCE_STRAYS,
	EXPIRE_LOGINS,
	EXPIRE_MAIL_COUNTERS,
	EXPIRE_REFRESH,
	EXPIRE_SESSIONS,
	EXPIRE_REVOKED,
	EXPIRE_MAIL_TOKENS,
	EXPIRE_INVITES,
	EXPIRE_PINS,
	EXPIRE_API_TOKENS,
	EXPIRE_ACTIVITY,
	EXPIRE_LINKS,
	EXPIRE_UPLOAD_ROWS,
	GONE_PEOPLE,
};

/* Waiting to be processed, even if it is in the trash now. */
#define WAITING "(status = 'processing' OR status = 'trashed' AND trashed_from = 'processing')"

/* After they have expired: their owner may let them go on. */
#define LINK_KEPT TEXT(LINK_KEEP_DAYS) " * interval '1 day'"

#define CREATED SQL_US("m.created_at")
#define MODIFIED SQL_US("m.file_modified_at")

#define FILE_TITLE TITLE_OF_FILE("m", "$4")
#define FILE_YEAR YEAR_OF_FILE("m", "$15")
#define FILE_GENRES GENRES_OF_FILE("m", "$16")
/* Who read the file, and its date. */
#define AS_READ \
	", read_by = " TEXT(MEDIA_READER_VERSION) " FROM " TAKEN_OF_FILE("$5", "$14", "$19", \
	    "$20", "$21")

#define UUID "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

const struct query store_process_queries[] = {
	[LOAD] = { "process_load",
	    "SELECT m.owner_id, m.title, m.filename, m.visibility, m.object_key, u.object_key,"
	    " encode(u.sha256, 'hex'), coalesce(u.size, -1), " CREATED ", " MODIFIED
	    ", m.sidecar, m.rotation FROM media m LEFT JOIN uploads u ON u.id = $2::uuid"
	    " AND u.media_id = m.id"
	    " WHERE m.id = $1::uuid AND (m.status = 'processing' OR m.status = 'trashed'"
	    " AND m.trashed_from = 'processing')",
	    QUERY_READ },
	/*
	 * The row of the job is locked, so that no other worker can take the job over in between: a
	 * run that has lost it must not write into the timeline of the next one.
	 */
	[STEP] = { "process_step",
	    "WITH held AS (SELECT FROM jobs WHERE id = $6 AND lease = $7 AND state = 'running'"
	    " FOR SHARE),"
	    " told AS (INSERT INTO media_events (media_id, step, state, message, attempt)"
	    " SELECT m.id, $2, $3, $4, $5::integer FROM media m, held WHERE m.id = $1"
	    " RETURNING id)"
	    " SELECT EXISTS (SELECT FROM held), EXISTS (SELECT FROM told)",
	    0 },
	[CLOSE_STEPS] = { "process_close_steps",
	    "INSERT INTO media_events (media_id, step, state, message, attempt)"
	    " SELECT $1, step, 'failed', $2, attempt FROM (SELECT DISTINCT ON (step) id, step,"
	    " state, attempt FROM media_events WHERE media_id = $1 ORDER BY step, id DESC) AS last"
	    " WHERE state = 'started' AND EXISTS (SELECT FROM jobs WHERE id = $3 AND lease = $4)"
	    " ORDER BY id",
	    0 },
	[PURGED] = { "process_purged", "SELECT NOT EXISTS (SELECT FROM media WHERE id = $1)",
	    QUERY_READ },
	[RESERVE] = { "process_reserve",
	    "INSERT INTO media_assets (key, media_id, size) SELECT k, $1, s"
	    " FROM unnest($2::text[], $3::bigint[]) AS n (k, s)"
	    " ON CONFLICT (key) DO UPDATE SET size = excluded.size, created_at = now()",
	    0 },
	/* The owner before the item, as a deletion of the owner locks them. */
	[OWNER_LOCK] = { "process_owner_lock",
	    "SELECT FROM users WHERE id = (SELECT owner_id FROM media WHERE id = $1)"
	    " FOR NO KEY UPDATE",
	    0 },
	/* A statement of its own: the next one sees what a person has edited meanwhile. */
	[ITEM_LOCK] = { "process_item_lock", "SELECT FROM media WHERE id = $1 FOR NO KEY UPDATE",
	    0 },
	/*
	 * The title in the file replaces a title that was only the file's name, but not one that a
	 * person wrote.
	 */
	[PUBLISH] = { "process_publish",
	    "UPDATE media m SET"
	    " status = CASE status WHEN 'trashed' THEN 'trashed' ELSE 'ready' END,"
	    " trashed_from = CASE status WHEN 'trashed' THEN 'ready' END, kind = $2, content_type ="
	    " $3,"
	    " title = " FILE_TITLE ","
	    " metadata = $5::jsonb, thumbhash = $6, object_key = $7, asset_prefix = $8, sha256 ="
	    " $9::bytea, size = $10::bigint,"
	    /* The sizes are those of how it is turned now. */
	    " width = nullif(CASE WHEN (rotation - $25::integer) % 180 = 0 THEN $11::integer"
	    " ELSE $12::integer END, 0),"
	    " height = nullif(CASE WHEN (rotation - $25::integer) % 180 = 0 THEN $12::integer"
	    " ELSE $11::integer END, 0), made_rotation = $25::integer, duration_ms ="
	    " nullif($13::bigint, -1),"
	    " taken_at = t.instant, taken_local = t.wall, taken_offset = t.minutes,"
	    " taken_source = t.source, taken_by_wall = t.by_wall,"
	    " year = " FILE_YEAR ", genres = " FILE_GENRES ","
	    " assets = $17::text[], sprite_times = $18::integer[], failure_code = NULL,"
	    " failure_message = NULL, incomplete = $22::boolean, content_id = $23,"
	    " playable = $24::boolean,"
	    " tags = mn_names_follow(tags, people_found, $26::text[]),"
	    " people = mn_names_follow(people, people_found, $26::text[]),"
	    " people_found = $26::text[],"
	    " version = version + 1, updated_at = now()" AS_READ
	    " WHERE m.id = t.of AND m.id = $1 AND " WAITING " RETURNING rotation <> made_rotation",
	    0 },
	/* The owner's row is locked, so of two that are published at once one sees the other. */
	[PAIR] = { "process_pair",
	    "WITH one AS (SELECT id, owner_id, content_id, kind, parent_id FROM media WHERE id = $1"
	    " AND status = 'ready' AND content_id IS NOT NULL AND kind IN ('image', 'video')"
	    " AND parent_id IS NULL AND NOT EXISTS (SELECT FROM media c WHERE c.parent_id = $1)),"
	    " other AS (SELECT o.id, o.kind FROM one JOIN media o ON o.owner_id = one.owner_id"
	    " AND o.content_id = one.content_id AND o.kind IN ('image', 'video')"
	    " AND o.kind <> one.kind AND o.status = 'ready' AND o.parent_id IS NULL"
	    " AND NOT EXISTS (SELECT FROM media c WHERE c.parent_id = o.id)"
	    " ORDER BY o.created_at, o.id LIMIT 1)"
	    " UPDATE media v SET parent_id = CASE other.kind WHEN 'image' THEN other.id"
	    " ELSE $1::uuid END, version = version + 1, updated_at = now() FROM other"
	    " WHERE v.id = CASE other.kind WHEN 'image' THEN $1::uuid ELSE other.id END"
	    " RETURNING other.id",
	    0 },
	[PUBLISH_ASSETS] = { "process_publish_assets",
	    "UPDATE media_assets a SET published = key = ANY ($2::text[]),"
	    " created_at = CASE WHEN published AND key <> ALL ($2::text[]) THEN now()"
	    " ELSE created_at END"
	    " WHERE media_id = $1 AND published <> (key = ANY ($2::text[]))"
	    /* The version that browsers play is still that of the same file. */
	    " AND NOT EXISTS (SELECT FROM media_playback p WHERE p.media_id = a.media_id"
	    " AND p.key = a.key)",
	    0 },
	[FAIL] = { "process_fail",
	    "UPDATE media SET status = CASE status WHEN 'trashed' THEN 'trashed' ELSE 'failed' END,"
	    " trashed_from = CASE status WHEN 'trashed' THEN 'failed' END, failure_code = $2,"
	    " failure_message = $3,"
	    " version = version + 1, updated_at = now() WHERE id = $1 AND " WAITING,
	    0 },
	[OBJECTS] = { "process_objects", "SELECT key FROM media_assets WHERE media_id = $1",
	    QUERY_READ },
	/* Of a run that goes on nothing is collected, even if the clock jumps during it. */
	[COLLECTABLE] = { "process_collectable",
	    "SELECT key FROM media_assets a WHERE NOT published"
	    " AND created_at < now() - make_interval(hours => $1::integer)"
	    " AND NOT EXISTS (SELECT FROM jobs j WHERE j.state = 'running'"
	    " AND j.lease::text = substring(a.key FROM '^[^/]+/[^/]+/(" UUID ")'))"
	    " AND NOT EXISTS (SELECT FROM media_playback p WHERE p.media_id = a.media_id"
	    " AND p.key = a.key)"
	    " ORDER BY created_at LIMIT $2::integer",
	    QUERY_READ },
	[FORGET] = { "process_forget", "DELETE FROM media_assets WHERE key = ANY ($1::text[])", 0 },
	[EXPIRE_UPLOADS] = { "process_expire_uploads",
	    "WITH over AS (SELECT id FROM uploads WHERE status IN ('pending', 'completing')"
	    " AND expires_at < now() ORDER BY expires_at LIMIT $1::integer FOR UPDATE SKIP LOCKED),"
	    " ended AS (UPDATE uploads u SET status = 'expired', held = true FROM over o"
	    " WHERE u.id = o.id RETURNING u.media_id),"
	    " gone AS (DELETE FROM media m USING ended e WHERE m.id = e.media_id"
	    " AND m.status = 'pending' RETURNING m.owner_id),"
	    " told AS (SELECT count(pg_notify('mn_catalogue', owner_id::text)) AS n"
	    " FROM (SELECT DISTINCT owner_id FROM gone WHERE owner_id IS NOT NULL) AS o)"
	    " SELECT media_id FROM ended, told",
	    0 },
	/* An object is needed by an open upload, or by an item that has no copy of its own yet. */
	[STRAY_INCOMING] = { "process_stray_incoming",
	    "SELECT k FROM unnest($1::text[]) AS n (k) WHERE NOT EXISTS (SELECT FROM uploads u LEFT"
	    " JOIN media m ON m.id = u.media_id"
	    " WHERE u.object_key = k AND (u.status IN ('pending', 'completing')"
	    " OR u.status = 'completed' AND m.id IS NOT NULL AND m.object_key IS NULL"
	    " OR u.created_at > now() - interval '1 hour'))",
	    QUERY_READ },
	/*
	 * Keys of another form are not ours. A run announces its objects before it writes them; its
	 * lease is looked at for those whose announcement a purge has taken.
	 */
	[ANNOUNCE_STRAYS] = { "process_announce_strays",
	    "INSERT INTO media_assets (key, media_id, size) SELECT k, m[1]::uuid, 0"
	    " FROM unnest($1::text[]) AS n (k), regexp_match(k, '^(?:derived|original)/(" UUID
	    ")/(" UUID ")(?:-[0-9a-f]{12})?(?:/[^/]+)?$') AS m WHERE m IS NOT NULL"
	    " AND NOT EXISTS (SELECT FROM media_assets a WHERE a.key = k)"
	    " AND NOT EXISTS (SELECT FROM media d WHERE d.id = m[1]::uuid AND (d.object_key = k"
	    " OR starts_with(k, d.asset_prefix || '/')))"
	    " AND NOT EXISTS (SELECT FROM jobs j WHERE j.lease = m[2]::uuid"
	    " AND j.state = 'running') ON CONFLICT DO NOTHING",
	    0 },
	[EXPIRE_LOGINS] = { "process_expire_logins",
	    "DELETE FROM login_attempts WHERE last_failure < now() - interval '1 day'", 0 },
	[EXPIRE_MAIL_COUNTERS] = { "process_expire_mail_counters",
	    "DELETE FROM mail_counters WHERE last_at < now() - interval '1 day'", 0 },
	[EXPIRE_REFRESH] = { "process_expire_refresh",
	    "DELETE FROM refresh_tokens WHERE expires_at < now() - interval '1 day'", 0 },
	[EXPIRE_SESSIONS] = { "process_expire_sessions",
	    "DELETE FROM sessions WHERE expires_at < now() - interval '30 days'", 0 },
	[EXPIRE_REVOKED] = { "process_expire_revoked",
	    "DELETE FROM revoked_tokens WHERE expires_at < now() - " TEXT(
		REVOKED_KEEP_SECONDS) " * interval '1 second'",
	    0 },
	[EXPIRE_MAIL_TOKENS] = { "process_expire_mail_tokens",
	    "DELETE FROM mail_tokens WHERE expires_at < now() - interval '1 day'", 0 },
	[EXPIRE_INVITES] = { "process_expire_invites",
	    "DELETE FROM invites WHERE expires_at < now() - interval '30 days'", 0 },
	[EXPIRE_PINS] = { "process_expire_pins",
	    "DELETE FROM plex_pins WHERE expires_at < now() - interval '1 day'", 0 },
	/* The list of tokens does not show them, and the audit log says more. */
	[EXPIRE_API_TOKENS] = { "process_expire_api_tokens",
	    "DELETE FROM api_tokens WHERE least(revoked_at, expires_at)"
	    " < now() - interval '90 days'",
	    0 },
	[EXPIRE_ACTIVITY] = { "process_expire_activity",
	    "DELETE FROM activity WHERE at < now() - interval '3 years'", 0 },
	/* Also those that show nothing any more, and never will. */
	[EXPIRE_LINKS] = { "process_expire_links",
	    "DELETE FROM links l WHERE expires_at < now() - " LINK_KEPT
	    " OR kind = 'album' AND NOT EXISTS (SELECT FROM collections c"
	    " WHERE c.id = l.collection_id)"
	    " OR kind <> 'album' AND NOT EXISTS (SELECT FROM link_items i"
	    " JOIN media m ON m.id = i.media_id WHERE i.link_id = l.id)",
	    0 },
	[EXPIRE_UPLOAD_ROWS] = { "process_expire_upload_rows",
	    "DELETE FROM uploads u WHERE status NOT IN ('pending', 'completing') AND NOT held"
	    " AND created_at < now() - interval '7 days'"
	    " AND NOT EXISTS (SELECT FROM media m WHERE m.id = u.media_id"
	    " AND m.object_key IS NULL)",
	    0 },
	[GONE_PEOPLE] = { "process_gone_people",
	    "SELECT p FROM unnest($1::uuid[]) AS n (p) WHERE NOT EXISTS (SELECT FROM users u"
	    " WHERE u.id = p)",
	    QUERY_READ },
	{ .name = NULL },
};

static const struct query *
query(int which)
{
	return &store_process_queries[which];
}

bool
store_process_load(struct db *db, struct arena *arena, const char *media_id, const char *upload_id,
    struct process_item *item, struct error *err)
{
	struct rows *rows;

	*item = (struct process_item) { 0 };
	if (!db_exec(db, arena, query(LOAD), DB_PARAMS(media_id, upload_id), &rows, err))
		return false;
	if (rows_count(rows) == 0)
		return true;
	*item = (struct process_item) { .found = true,
		.owner = rows_str(rows, 0, 0),
		.title = rows_str(rows, 0, 1),
		.filename = rows_str(rows, 0, 2),
		.visibility = rows_str(rows, 0, 3),
		.object_key = rows_str(rows, 0, 4),
		.incoming_key = rows_str(rows, 0, 5),
		.sha256 = rows_str(rows, 0, 6),
		.size = rows_int(rows, 0, 7),
		.created_at = rows_int(rows, 0, 8),
		.modified_at = rows_int(rows, 0, 9),
		.sidecar = rows_str(rows, 0, 10),
		.rotation = rows_int(rows, 0, 11) };
	return true;
}

bool
store_process_step(struct db *db, struct arena *arena, const struct job *job, const char *media_id,
    const struct media_event *event, bool *gone, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query(STEP),
		DB_PARAMS(media_id, event->step, event->state, event->message,
		    db_int(arena, event->attempt), job->id, job->lease),
		&rows, err))
		return false;
	*gone = rows_bool(rows, 0, 0) && !rows_bool(rows, 0, 1);
	return rows_bool(rows, 0, 0) ||
	    error_slug(err, ERR_CONFLICT, "lease_lost", "Another worker has taken over the job.");
}

bool
store_process_close_steps(struct db *db, struct arena *arena, const struct job *job,
    const char *media_id, const char *message, struct error *err)
{
	return db_exec(db, arena, query(CLOSE_STEPS),
	    DB_PARAMS(media_id, message, job->id, job->lease), NULL, err);
}

bool
store_process_purged(struct db *db, struct arena *arena, const char *media_id, bool *purged,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query(PURGED), DB_PARAMS(media_id), &rows, err))
		return false;
	*purged = rows_bool(rows, 0, 0);
	return true;
}

bool
store_process_reserve(struct db *db, struct arena *arena, const char *media_id,
    const struct process_objects *o, struct error *err)
{
	return db_exec(db, arena, query(RESERVE),
	    DB_PARAMS(media_id, db_array(arena, o->keys.items, o->keys.n),
		db_array(arena, o->sizes.items, o->sizes.n)),
	    NULL, err);
}

bool
store_process_hold(struct db *db, struct arena *arena, const char *media_id, struct error *err)
{
	return db_exec(db, arena, query(OWNER_LOCK), DB_PARAMS(media_id), NULL, err) &&
	    db_exec(db, arena, query(ITEM_LOCK), DB_PARAMS(media_id), NULL, err);
}

bool
store_process_publish(struct db *db, struct arena *arena, const char *media_id,
    const struct process_found *f, bool *gone, bool *turned, struct error *err)
{
	struct rows *rows;

	*turned = false;
	if (!store_process_hold(db, arena, media_id, err) ||
	    !db_exec(db, arena, query(PUBLISH),
		DB_PARAMS(media_id, f->kind, f->content_type, f->title, f->metadata, f->thumbhash,
		    f->object_key, f->asset_prefix, db_bytea(arena, f->sha256, SHA256_SIZE),
		    db_int(arena, f->size), db_int(arena, f->width), db_int(arena, f->height),
		    db_int(arena, f->duration_ms), db_time(arena, f->taken.at),
		    db_int(arena, f->year), db_array(arena, f->genres, f->ngenres),
		    db_array(arena, f->assets, f->nassets),
		    db_array(arena, f->sprite_times, f->nsprite_times),
		    db_time(arena, f->taken.local),
		    f->taken.offset == TAKEN_OFFSET_NONE ? NULL : db_int(arena, f->taken.offset),
		    f->taken.source, db_bool(f->incomplete), f->content_id,
		    f->playable == PLAYABLE_UNKNOWN ? NULL : db_bool(f->playable == PLAYABLE_YES),
		    db_int(arena, f->rotation), db_array(arena, f->people.items, f->people.n)),
		&rows, err))
		return false;
	*gone = rows_count(rows) == 0;
	if (*gone)
		return true;
	*turned = rows_bool(rows, 0, 0);
	return db_exec(db, arena, query(PUBLISH_ASSETS),
	    DB_PARAMS(media_id, db_array(arena, f->keys, f->nkeys)), NULL, err);
}

bool
store_process_pair(struct db *db, struct arena *arena, const char *media_id, const char **other_id,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query(PAIR), DB_PARAMS(media_id), &rows, err))
		return false;
	*other_id = rows_count(rows) > 0 ? rows_str(rows, 0, 0) : NULL;
	return true;
}

bool
store_process_fail(struct db *db, struct arena *arena, const char *media_id,
    const struct process_failure *failure, bool *gone, struct error *err)
{
	bool failed;

	if (!store_process_hold(db, arena, media_id, err) ||
	    !db_change(db, arena, query(FAIL), DB_PARAMS(media_id, failure->code, failure->message),
		&failed, err))
		return false;
	*gone = !failed;
	return true;
}

bool
store_process_objects(struct db *db, struct arena *arena, const char *media_id,
    struct strings *keys, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query(OBJECTS), DB_PARAMS(media_id), &rows, err))
		return false;
	*keys = rows_column(arena, rows, 0);
	return true;
}

bool
store_process_collectable(struct db *db, struct arena *arena, int hours, int limit,
    struct strings *keys, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query(COLLECTABLE),
		DB_PARAMS(db_int(arena, hours), db_int(arena, limit)), &rows, err))
		return false;
	*keys = rows_column(arena, rows, 0);
	return true;
}

bool
store_process_forget(struct db *db, struct arena *arena, struct strings keys, struct error *err)
{
	return db_exec(db, arena, query(FORGET), DB_PARAMS(db_array(arena, keys.items, keys.n)),
	    NULL, err);
}

bool
store_process_expire_uploads(struct db *db, struct arena *arena, int limit, size_t *ended,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query(EXPIRE_UPLOADS), DB_PARAMS(db_int(arena, limit)), &rows, err))
		return false;
	*ended = rows_count(rows);
	return true;
}

bool
store_process_stray_incoming(struct db *db, struct arena *arena, struct strings keys,
    struct strings *stray, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query(STRAY_INCOMING),
		DB_PARAMS(db_array(arena, keys.items, keys.n)), &rows, err))
		return false;
	*stray = rows_column(arena, rows, 0);
	return true;
}

bool
store_process_announce_strays(struct db *db, struct arena *arena, struct strings keys, int64_t *n,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query(ANNOUNCE_STRAYS),
		DB_PARAMS(db_array(arena, keys.items, keys.n)), &rows, err))
		return false;
	*n = rows_affected(rows);
	return true;
}

bool
store_process_gone(struct db *db, struct arena *arena, struct strings people, struct strings *gone,
    struct error *err)
{
	struct rows *rows;
	const char **ids;

	if (!db_exec(db, arena, query(GONE_PEOPLE),
		DB_PARAMS(db_array(arena, people.items, people.n)), &rows, err))
		return false;
	ids = arena_array(arena, rows_count(rows) + 1, sizeof(*ids));
	for (size_t i = 0; i < rows_count(rows); i++)
		ids[i] = rows_str(rows, i, 0);
	*gone = (struct strings) { ids, rows_count(rows) };
	return true;
}

bool
store_process_expire_identity(struct db *db, struct arena *arena, struct error *err)
{
	for (int which = EXPIRE_LOGINS; which <= EXPIRE_UPLOAD_ROWS; which++)
		if (!db_exec(db, arena, query(which), DB_NO_PARAMS, NULL, err))
			return false;
	return true;
}
