#include "store/store_turn.h"

#include "core/arena.h"
#include "core/error.h"
#include "core/words.h"
#include "store/pg.h"
#include "store/store_process.h"

#include "core/banned.h"

enum {
	Q_TURN,
	Q_LOAD,
	Q_PUBLISH,
	Q_PUBLISH_ASSETS,
	Q_STUCK,
};

/* Between a job that was given up and the next one of its item: twice as long each time. */
#define PAUSE \
	"least(interval '1 day', " TEXT(TURN_PAUSE_HOURS) " * interval '1 hour'" \
							  " * power(2, least(d.n, 8) - 1))"
#define READY "(status = 'ready' OR status = 'trashed' AND trashed_from = 'ready')"

const struct query store_turn_queries[] = {
	/* The clip of a live photo is what moves in it, so it turns along. */
	[Q_TURN] = { "media_turn",
	    "UPDATE media m SET rotation = (m.rotation + d.by) % 360,"
	    " width = CASE WHEN d.by % 180 = 0 THEN m.width ELSE m.height END,"
	    " height = CASE WHEN d.by % 180 = 0 THEN m.height ELSE m.width END,"
	    " version = m.version + 1, updated_at = now() FROM (SELECT $2::integer AS by) d"
	    " WHERE m.id = ANY (ARRAY(SELECT $1::uuid UNION ALL SELECT c.id FROM media p"
	    " JOIN media c ON c.parent_id = p.id AND c.content_id = p.content_id"
	    " WHERE p.id = $1::uuid AND p.kind = 'image'))"
	    " RETURNING m.id, m.content_type, m.status = 'ready'",
	    0 },
	[Q_LOAD] = { "turn_load",
	    "SELECT object_key, rotation FROM media WHERE id = $1 AND " READY
	    " AND rotation <> made_rotation AND object_key IS NOT NULL",
	    QUERY_READ },
	[Q_PUBLISH] = { "turn_publish",
	    "UPDATE media SET thumbhash = $4, asset_prefix = $5, assets = $6::text[],"
	    " sprite_times = $7::integer[], metadata = CASE WHEN $8::jsonb ? 'sprite'"
	    " THEN metadata || jsonb_build_object('sprite', $8::jsonb -> 'sprite')"
	    " ELSE metadata - 'sprite' END, made_rotation = rotation,"
	    " version = version + 1, updated_at = now()"
	    " WHERE id = $1 AND rotation = $2::integer AND object_key = $3 AND " READY,
	    0 },
	/*
	 * The original stays, and so does the version that browsers play, which nobody turns; the
	 * pictures of before stay until no signed URL names them.
	 */
	[Q_PUBLISH_ASSETS] = { "turn_publish_assets",
	    "UPDATE media_assets a SET published = key = ANY ($2::text[]),"
	    " created_at = CASE WHEN published THEN now() ELSE created_at END"
	    " WHERE media_id = $1 AND key <> $3 AND published <> (key = ANY ($2::text[]))"
	    " AND NOT EXISTS (SELECT FROM media_playback p WHERE p.media_id = a.media_id"
	    " AND p.key = a.key)",
	    0 },
	/* The index media_unturned has few rows; a job that began has given up its key. */
	[Q_STUCK] = { "turn_stuck",
	    "SELECT m.id, m.content_type FROM media m WHERE m.rotation <> m.made_rotation"
	    " AND m.status = 'ready' AND m.object_key IS NOT NULL AND NOT EXISTS (SELECT FROM jobs"
	    " WHERE kind = 'media.turn' AND state IN ('available', 'running')"
	    " AND payload ->> 'mediaId' = m.id::text) AND NOT EXISTS (SELECT FROM"
	    " (SELECT count(*) AS n, max(finished_at) AS last FROM jobs WHERE kind = 'media.turn'"
	    " AND state = 'dead' AND payload ->> 'mediaId' = m.id::text) d"
	    " WHERE d.n > 0 AND d.last > now() - " PAUSE ") ORDER BY m.id LIMIT $1::integer",
	    QUERY_READ },
	{ .name = NULL },
};
#define Q(id) (&store_turn_queries[id])

bool
store_media_turn(struct db *db, struct arena *arena, const char *id, int64_t by,
    struct turned_items *out, struct error *err)
{
	struct rows *rows;

	*out = (struct turned_items) { .n = 0 };
	if (by == 0)
		return true;
	if (!db_exec(db, arena, Q(Q_TURN), DB_PARAMS(id, db_int(arena, by)), &rows, err))
		return false;
	out->ids = arena_array(arena, rows_count(rows), sizeof(*out->ids));
	out->content_types = arena_array(arena, rows_count(rows), sizeof(*out->content_types));
	for (size_t i = 0; i < rows_count(rows); i++) {
		if (!rows_bool(rows, i, 2))
			continue;
		out->ids[out->n] = rows_str(rows, i, 0);
		out->content_types[out->n++] = rows_str(rows, i, 1);
	}
	return true;
}

bool
store_turn_stuck(struct db *db, struct arena *arena, int limit, struct turned_items *out,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_STUCK), DB_PARAMS(db_int(arena, limit)), &rows, err))
		return false;
	out->n = rows_count(rows);
	out->ids = arena_array(arena, out->n, sizeof(*out->ids));
	out->content_types = arena_array(arena, out->n, sizeof(*out->content_types));
	for (size_t i = 0; i < out->n; i++) {
		out->ids[i] = rows_str(rows, i, 0);
		out->content_types[i] = rows_str(rows, i, 1);
	}
	return true;
}

bool
store_turn_load(struct db *db, struct arena *arena, const char *id, struct turn_item *item,
    struct error *err)
{
	struct rows *rows;

	*item = (struct turn_item) { .found = false };
	if (!db_exec(db, arena, Q(Q_LOAD), DB_PARAMS(id), &rows, err))
		return false;
	if (rows_count(rows) > 0)
		*item = (struct turn_item) { true, rows_str(rows, 0, 0), rows_int(rows, 0, 1) };
	return true;
}

bool
store_turn_publish(struct db *db, struct arena *arena, const char *id, const struct turn_found *f,
    bool *published, struct error *err)
{
	return store_process_hold(db, arena, id, err) &&
	    db_change(db, arena, Q(Q_PUBLISH),
		DB_PARAMS(id, db_int(arena, f->item->rotation), f->item->object_key, f->thumbhash,
		    f->asset_prefix, db_array(arena, f->assets.items, f->assets.n),
		    db_array(arena, f->sprite_times.items, f->sprite_times.n), f->metadata),
		published, err) &&
	    (!*published ||
		db_exec(db, arena, Q(Q_PUBLISH_ASSETS),
		    DB_PARAMS(id, db_array(arena, f->keys.items, f->keys.n), f->item->object_key),
		    NULL, err));
}
