/* Changes of an item: each statement raises the version, which ETags and caches depend on. */
#include "core/arena.h"
#include "core/error.h"
#include "store/pg.h"
#include "store/store_media.h"

#include "core/banned.h"

#define TOUCH "version = version + 1, updated_at = now()"
/*
 * What a person owns, and has been in the trash since a time; not what would come back. The video
 * of a live photo goes with its photo.
 */
#define OWN_TRASH \
	"owner_id = $1 AND status = 'trashed' AND trash_reason IS DISTINCT FROM 'excluded'" \
	" AND trashed_at <= $2 AND NOT EXISTS (SELECT FROM server_items s" \
	" WHERE s.media_id = media.id AND s.gone_at IS NULL)" \
	" AND NOT EXISTS (SELECT FROM media p WHERE p.id = media.parent_id" \
	" AND p.content_id = media.content_id AND p.status = 'trashed')"

enum {
	Q_UPDATE,
	Q_TAKEN,
	Q_SIDECAR,
	Q_TAGS,
	Q_SHARES_CLEAR,
	Q_SHARES_ADD,
	Q_SHARES_DONE,
	Q_TRASH,
	Q_RESTORE,
	Q_RESTORED,
	Q_START,
	Q_ASSETS_RELEASE,
	Q_DELETE,
	Q_CLIPS,
	Q_DUE,
	Q_OWN_TRASH,
	Q_OWN_TRASH_LEFT,
	Q_EVENTS_TRIM,
};

const struct query store_media_change_queries[] = {
	/* What a person edited, the sync leaves alone, and so does who reads the file again. */
	[Q_UPDATE] = { "media_update",
	    "UPDATE media SET title = $2, overview = $3, year = $4, genres = $5, visibility = $6,"
	    " locked = ARRAY(SELECT DISTINCT unnest(locked || $7::text[])), " TOUCH
	    " WHERE id = $1",
	    0 },
	/*
	 * An offset that is the one of the owner's zone stands for the zone, so that a date that is
	 * moved into the summer gets summer time; any other stays as it is.
	 */
	[Q_TAKEN] = { "media_set_taken",
	    "UPDATE media m SET taken_at = t.instant, taken_local = t.wall,"
	    " taken_offset = t.minutes, taken_source = 'person', taken_by_wall = NULL,"
	    " year = CASE WHEN $7::boolean"
	    " THEN date_part('year', t.wall)::integer ELSE year END"
	    " FROM (SELECT d.* FROM media o LEFT JOIN users u ON u.id = o.owner_id,"
	    " LATERAL (SELECT coalesce(o.taken_local, o.taken_at AT TIME ZONE 'UTC') AS wall,"
	    " CASE WHEN u.time_zone IS NULL OR o.taken_offset IS DISTINCT FROM"
	    " mn_offset(o.taken_at, mn_in_zone(o.taken_at, u.time_zone)) THEN o.taken_offset END"
	    " AS minutes) w,"
	    " LATERAL mn_taken($2::timestamptz, CASE WHEN $2::timestamptz IS NULL"
	    " AND NOT $8::boolean THEN coalesce($3::timestamp,"
	    " w.wall + make_interval(secs => $4::double precision)) END,"
	    " CASE WHEN $8::boolean THEN NULL WHEN $5::boolean THEN $6::integer ELSE w.minutes END,"
	    " u.time_zone) d WHERE o.id = $1) t WHERE m.id = $1"
	    " AND (t.wall IS NULL OR t.wall BETWEEN '0001-01-02' AND '9999-12-30')",
	    0 },
	[Q_SIDECAR] = { "media_set_sidecar",
	    "UPDATE media SET sidecar = $2, " TOUCH " WHERE id = $1"
	    " AND sidecar IS DISTINCT FROM $2",
	    0 },
	/* A trigger leaves only those people that are tags. */
	[Q_TAGS] = { "media_set_tags",
	    "UPDATE media SET tags = $2, people = coalesce($3::text[], people), " TOUCH
	    " WHERE id = $1",
	    0 },
	[Q_SHARES_CLEAR] = { "media_shares_clear",
	    "DELETE FROM media_shares WHERE media_id = $1 AND NOT user_id = ANY ($2::uuid[])", 0 },
	[Q_SHARES_ADD] = { "media_shares_add",
	    "INSERT INTO media_shares (media_id, user_id, created_at)"
	    " SELECT m.id, u.id, m.created_at FROM media m, users u "
	    "WHERE m.id = $1 AND u.id = ANY ($2::uuid[]) AND u.status = 'active'"
	    " ON CONFLICT (media_id, user_id) DO NOTHING RETURNING user_id",
	    0 },
	/*
	 * If the house sees the item, that stays so. Otherwise a list of people makes it shared,
	 * and an empty list makes it private.
	 */
	[Q_SHARES_DONE] = { "media_shares_done",
	    "UPDATE media m SET visibility = CASE WHEN m.visibility = 'house' THEN 'house'"
	    " WHEN s.n > 0 THEN 'shared' ELSE 'private' END, "
	    "version = m.version + 1, updated_at = now() FROM (SELECT count(*) AS n"
	    " FROM media_shares WHERE media_id = $1) s WHERE m.id = $1 "
	    "RETURNING s.n",
	    0 },
	[Q_TRASH] = { "media_trash",
	    "UPDATE media SET trashed_from = status, status = 'trashed', trashed_at = now(),"
	    " trashed_by = $2, trash_reason = NULL, " TOUCH " WHERE id = $1"
	    " AND status <> 'trashed'",
	    0 },
	/* Also what a person put into the trash stays there while its library is left out. */
	[Q_RESTORE] = { "media_restore",
	    "UPDATE media SET status = coalesce(trashed_from, 'ready'), trashed_from = NULL,"
	    " trashed_at = NULL, trashed_by = NULL, trash_reason = NULL, " TOUCH
	    " WHERE id = $1 AND status = 'trashed' AND trash_reason IS DISTINCT FROM 'excluded'"
	    " AND NOT EXISTS (SELECT FROM server_items s JOIN media_sections c"
	    " ON c.id = s.section_id WHERE s.media_id = media.id AND NOT c.enabled)",
	    0 },
	/* What said that its server does not have it counts no more. */
	[Q_RESTORED] = { "media_restored",
	    "UPDATE server_items SET gone_at = NULL, missing_runs = 0 WHERE media_id = $1", 0 },
	[Q_START] = { "media_start",
	    "UPDATE media SET status = 'processing', failure_code = NULL, failure_message = NULL,"
	    " " TOUCH " WHERE id = $1 AND status = ANY ($2::text[])",
	    0 },
	/*
	 * The rows stay until the objects are deleted: even if the job fails, the collector finds
	 * them.
	 */
	[Q_ASSETS_RELEASE] = { "media_assets_release",
	    "UPDATE media_assets SET published = false WHERE media_id = $1", 0 },
	[Q_DELETE] = { "media_delete", "DELETE FROM media WHERE id = $1", 0 },
	[Q_CLIPS] = { "media_clips",
	    "SELECT id FROM media WHERE parent_id = $1 AND content_id IS NOT NULL ORDER BY id"
	    " FOR UPDATE",
	    0 },
	/*
	 * What a media server still has would only be created again. The video of a live photo goes
	 * with its photo.
	 */
	[Q_DUE] = { "media_trash_due",
	    "SELECT id FROM media WHERE status = 'trashed' AND trash_reason IS DISTINCT FROM"
	    " 'excluded' AND trashed_at < $1 AND NOT EXISTS (SELECT FROM server_items s"
	    " WHERE s.media_id = media.id AND s.gone_at IS NULL) AND (content_id IS NULL OR"
	    " NOT EXISTS (SELECT FROM media p WHERE p.id = media.parent_id"
	    " AND p.status = 'trashed')) ORDER BY trashed_at"
	    " LIMIT $2::int FOR UPDATE SKIP LOCKED",
	    0 },
	[Q_OWN_TRASH] = { "media_own_trash",
	    "SELECT id, kind FROM media WHERE " OWN_TRASH " ORDER BY id LIMIT $3::int FOR UPDATE",
	    0 },
	[Q_OWN_TRASH_LEFT] = { "media_own_trash_left",
	    "SELECT count(*) FROM media WHERE " OWN_TRASH, QUERY_READ },
	[Q_EVENTS_TRIM] = { "media_events_trim",
	    "DELETE FROM media_events WHERE media_id = $1 AND id <= (SELECT id FROM media_events"
	    " WHERE media_id = $1 ORDER BY id DESC OFFSET $2::integer LIMIT 1)",
	    0 },
	{ .name = NULL },
};
#define Q(id) (&store_media_change_queries[id])

bool
store_media_update(struct db *db, struct arena *arena, const struct media *m, struct strings edited,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_UPDATE),
	    DB_PARAMS(m->id, m->title, m->overview, m->year == 0 ? NULL : db_int(arena, m->year),
		db_array(arena, m->genres, m->ngenres), m->visibility,
		db_array(arena, edited.items, edited.n)),
	    NULL, err);
}

bool
store_media_set_taken(struct db *db, struct arena *arena, const char *id,
    const struct store_taken_edit *e, bool *done, struct error *err)
{
	return db_change(db, arena, Q(Q_TAKEN),
	    DB_PARAMS(id, db_time(arena, e->at), db_time(arena, e->local), db_int(arena, e->shift),
		db_bool(e->sets_offset),
		e->offset == TAKEN_OFFSET_NONE ? NULL : db_int(arena, e->offset),
		db_bool(e->sets_year), db_bool(e->clear)),
	    done, err);
}

bool
store_media_set_sidecar(struct db *db, struct arena *arena, const char *id, const char *text,
    bool *changed, struct error *err)
{
	return db_change(db, arena, Q(Q_SIDECAR), DB_PARAMS(id, text), changed, err);
}

bool
store_media_set_tags(struct db *db, struct arena *arena, const char *id, struct strings tags,
    const struct strings *people, struct error *err)
{
	return db_exec(db, arena, Q(Q_TAGS),
	    DB_PARAMS(id, db_array(arena, tags.items, tags.n),
		people != NULL ? db_array(arena, people->items, people->n) : NULL),
	    NULL, err);
}

bool
store_media_set_shares(struct db *db, struct arena *arena, const char *id, struct strings users,
    struct strings *fresh, struct error *err)
{
	const char *list = db_array(arena, users.items, users.n);
	struct rows *rows, *added;

	if (!db_exec(db, arena, Q(Q_SHARES_CLEAR), DB_PARAMS(id, list), NULL, err) ||
	    !db_exec(db, arena, Q(Q_SHARES_ADD), DB_PARAMS(id, list), &added, err) ||
	    !db_exec(db, arena, Q(Q_SHARES_DONE), DB_PARAMS(id), &rows, err))
		return false;
	if ((size_t)rows_int(rows, 0, 0) != users.n)
		return error_field(err, "users", "unknown", "must name active people only");
	*fresh = rows_column(arena, added, 0);
	return true;
}

bool
store_media_trash(struct db *db, struct arena *arena, const char *id, const char *by,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_TRASH), DB_PARAMS(id, by), NULL, err);
}

bool
store_media_restore(struct db *db, struct arena *arena, const char *id, bool *restored,
    struct error *err)
{
	return db_change(db, arena, Q(Q_RESTORE), DB_PARAMS(id), restored, err) &&
	    (!*restored || db_exec(db, arena, Q(Q_RESTORED), DB_PARAMS(id), NULL, err));
}

bool
store_media_start(struct db *db, struct arena *arena, const char *id, const char *from, bool *moved,
    struct error *err)
{
	return db_change(db, arena, Q(Q_START), DB_PARAMS(id, from), moved, err);
}

bool
store_media_delete(struct db *db, struct arena *arena, const char *id, struct error *err)
{
	return db_exec(db, arena, Q(Q_ASSETS_RELEASE), DB_PARAMS(id), NULL, err) &&
	    db_exec(db, arena, Q(Q_DELETE), DB_PARAMS(id), NULL, err);
}

bool
store_media_clips(struct db *db, struct arena *arena, const char *id, struct strings *ids,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_CLIPS), DB_PARAMS(id), &rows, err))
		return false;
	*ids = rows_column(arena, rows, 0);
	return true;
}

bool
store_media_trash_due(struct db *db, struct arena *arena, int64_t before, int limit,
    struct strings *ids, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_DUE), DB_PARAMS(db_time(arena, before), db_int(arena, limit)),
		&rows, err))
		return false;
	*ids = rows_column(arena, rows, 0);
	return true;
}

bool
store_media_own_trash(struct db *db, struct arena *arena, const struct media_own_trash *ask,
    struct strings *ids, struct strings *kinds, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_OWN_TRASH),
		DB_PARAMS(ask->owner_id, db_time(arena, ask->before), db_int(arena, ask->limit)),
		&rows, err))
		return false;
	*ids = rows_column(arena, rows, 0);
	*kinds = rows_column(arena, rows, 1);
	return true;
}

bool
store_media_own_trash_left(struct db *db, struct arena *arena, const struct media_own_trash *ask,
    int64_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_OWN_TRASH_LEFT),
		DB_PARAMS(ask->owner_id, db_time(arena, ask->before)), &rows, err))
		return false;
	*n = rows_int(rows, 0, 0);
	return true;
}

bool
store_media_events_trim(struct db *db, struct arena *arena, const char *id, int keep,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_EVENTS_TRIM), DB_PARAMS(id, db_int(arena, keep)), NULL, err);
}
