#include "store/store_reread.h"

#include "core/arena.h"
#include "core/error.h"
#include "core/words.h"
#include "model/media.h"
#include "store/read_sql.h"
#include "store/store_process.h"

#include "core/banned.h"

enum { Q_LEFT, Q_NEXT, Q_BUSY, Q_PUBLISH, Q_SEEN };

/* What the index media_older has. */
#define OLDER \
	"read_by < " TEXT(MEDIA_READER_VERSION) " AND status = 'ready' AND object_key IS NOT NULL"

#define FILE_TITLE TITLE_OF_FILE("p", "$9")
#define FILE_YEAR YEAR_OF_FILE("p", "$10")
#define FILE_GENRES GENRES_OF_FILE("p", "$11")
#define FROM_TAKEN " FROM " TAKEN_OF_FILE("$4", "$5", "$6", "$7", "$8")

const struct query store_reread_queries[] = {
	[Q_LEFT] = { "reread_left", "SELECT count(*) FROM media WHERE " OLDER, QUERY_READ },
	[Q_NEXT] = { "reread_next",
	    "SELECT id, object_key, kind, filename, sidecar, " SQL_US("created_at") ", " SQL_US(
		"file_modified_at") " FROM media WHERE id > $1 AND " OLDER " ORDER BY id LIMIT 1",
	    QUERY_READ },
	[Q_BUSY] = { "reread_busy",
	    "SELECT EXISTS (SELECT FROM jobs WHERE state = 'available' AND run_at <= now()"
	    " AND queue = ANY ($1::text[]))"
	    " OR EXISTS (SELECT FROM jobs WHERE state = 'running' AND queue = ANY ($1::text[]))",
	    QUERY_READ },
	/*
	 * As process_publish, but for what decoding made: pictures, sizes, the outline of a sound.
	 * An item that would not change is not touched, so that its version stays.
	 */
	[Q_PUBLISH] = { "reread_publish",
	    "UPDATE media m SET title = n.title, metadata = n.metadata, taken_at = t.instant,"
	    " taken_local = t.wall, taken_offset = t.minutes, taken_source = t.source,"
	    " taken_by_wall = t.by_wall, year = n.year, genres = n.genres, tags = n.tags,"
	    " people = n.people, people_found = $3::text[], content_id = n.content_id,"
	    " playable = n.playable, version = m.version + 1, updated_at = now()" FROM_TAKEN
	    " JOIN media p ON p.id = t.of,"
	    " LATERAL (SELECT " FILE_TITLE " AS title,"
	    " $4::jsonb || (SELECT coalesce(jsonb_object_agg(k, p.metadata -> k), '{}')"
	    " FROM unnest(ARRAY['shown', 'sprite', 'waveform']) k WHERE p.metadata ? k)"
	    " AS metadata,"
	    " " FILE_YEAR " AS year, " FILE_GENRES " AS genres,"
	    " mn_names_follow(p.tags, p.people_found, $3::text[]) AS tags,"
	    " mn_names_follow(p.people, p.people_found, $3::text[]) AS people,"
	    " coalesce(p.content_id, $12) AS content_id,"
	    " coalesce($13::boolean, p.playable) AS playable) n"
	    " WHERE m.id = $1 AND m.id = t.of AND m.object_key = $2 AND m.status = 'ready'"
	    " AND (p.title, p.metadata, p.taken_at, p.taken_local, p.taken_offset,"
	    " p.taken_source, p.taken_by_wall, p.year, p.genres, p.tags, p.people,"
	    " p.people_found, p.content_id, p.playable) IS DISTINCT FROM (n.title, n.metadata,"
	    " t.instant, t.wall, t.minutes, t.source, t.by_wall, n.year, n.genres, n.tags,"
	    " n.people, $3::text[], n.content_id, n.playable)"
	    " RETURNING p.content_id IS DISTINCT FROM m.content_id",
	    0 },
	[Q_SEEN] = { "reread_seen",
	    "UPDATE media SET read_by = " TEXT(
		MEDIA_READER_VERSION) " WHERE id = $1 AND object_key = $2 AND " OLDER,
	    0 },
	{ .name = NULL },
};
#define Q(id) (&store_reread_queries[id])

bool
store_reread_left(struct db *db, struct arena *arena, int64_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_LEFT), DB_NO_PARAMS, &rows, err))
		return false;
	*n = rows_int(rows, 0, 0);
	return true;
}

bool
store_reread_next(struct db *db, struct arena *arena, const char *after, struct reread_item *item,
    struct error *err)
{
	struct rows *rows;

	*item = (struct reread_item) { .id = NULL };
	if (!db_exec(db, arena, Q(Q_NEXT), DB_PARAMS(after), &rows, err))
		return false;
	if (rows_count(rows) > 0)
		*item = (struct reread_item) { .id = rows_str(rows, 0, 0),
			.object_key = rows_str(rows, 0, 1),
			.kind = rows_str(rows, 0, 2),
			.filename = rows_str(rows, 0, 3),
			.sidecar = rows_str(rows, 0, 4),
			.created_at = rows_int(rows, 0, 5),
			.modified_at = rows_int(rows, 0, 6) };
	return true;
}

bool
store_reread_busy(struct db *db, struct arena *arena, struct strings queues, bool *busy,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_BUSY), DB_PARAMS(db_array(arena, queues.items, queues.n)),
		&rows, err))
		return false;
	*busy = rows_bool(rows, 0, 0);
	return true;
}

bool
store_reread_publish(struct db *db, struct arena *arena, const struct reread_item *item,
    const struct process_found *f, bool *changed, bool *paired, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_PUBLISH),
		DB_PARAMS(item->id, item->object_key, db_array(arena, f->people.items, f->people.n),
		    f->metadata, db_time(arena, f->taken.at), db_time(arena, f->taken.local),
		    f->taken.offset == TAKEN_OFFSET_NONE ? NULL : db_int(arena, f->taken.offset),
		    f->taken.source, f->title, db_int(arena, f->year),
		    db_array(arena, f->genres, f->ngenres), f->content_id,
		    f->playable == PLAYABLE_UNKNOWN ? NULL : db_bool(f->playable == PLAYABLE_YES)),
		&rows, err))
		return false;
	*changed = rows_count(rows) > 0;
	*paired = *changed && rows_bool(rows, 0, 0);
	return store_reread_seen(db, arena, item, err);
}

bool
store_reread_seen(struct db *db, struct arena *arena, const struct reread_item *item,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_SEEN), DB_PARAMS(item->id, item->object_key), NULL, err);
}
