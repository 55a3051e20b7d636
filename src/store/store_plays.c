#include "store/store_plays.h"

#include "core/arena.h"

#include "core/banned.h"

enum {
	Q_ITEM,
	Q_SECTION,
	Q_PERSON,
	Q_FIND,
	Q_ACTIVITY,
	Q_ADD,
	Q_EXTEND,
	Q_FINISHED,
	Q_EXPIRE,
	Q_QUIET,
	Q_NOTICED,
	Q_HEARD,
};

/* What is told together with others, as by the sync. */
#define ABOVE(column) \
	"CASE m.kind WHEN 'episode' THEN coalesce(g." column ", p." column ")" \
	" WHEN 'season' THEN p." column " WHEN 'track' THEN p." column \
	" WHEN 'show' THEN m." column " WHEN 'album' THEN m." column " END"
#define ABOVE_ID ABOVE("id")
#define ABOVE_TITLE ABOVE("title")
#define FOUND_US SQL_US("i.found_at")
#define LAST_US SQL_US("l.at")
#define STARTED_US SQL_US("started_at")
#define NEWEST_US SQL_US("last_at")
#define FINISHED_US SQL_US("finished_at")
#define STOPPED_US SQL_US("stopped_at")
#define PLAY_TIMES STARTED_US ", " NEWEST_US ", " FINISHED_US ", " STOPPED_US
#define LAST_EVENT \
	"(SELECT e.received_at FROM webhook_events e WHERE e.machine_id = s.machine_id" \
	" ORDER BY e.received_at DESC LIMIT 1)"
#define SOURCES_OF " w.source = s.kind AND w.enabled"

const struct query store_plays_queries[] = {
	[Q_ITEM] = { "known_item",
	    "SELECT m.id, m.title, m.kind, i.guid, " ABOVE_ID ", " ABOVE_TITLE
	    ", c.id, c.title, " FOUND_US
	    ", m.status = 'trashed' FROM server_items i JOIN media m ON m.id = i.media_id"
	    " JOIN media_sections c ON c.id = i.section_id"
	    " LEFT JOIN media p ON p.id = m.parent_id LEFT JOIN media g ON g.id = p.parent_id"
	    " WHERE i.server_id = $1 AND i.item_key = $2 AND i.gone_at IS NULL",
	    QUERY_READ },
	[Q_SECTION] = { "known_section",
	    "SELECT enabled FROM media_sections WHERE server_id = $1 AND key = $2", QUERY_READ },
	[Q_PERSON] = { "plays_person",
	    "SELECT id FROM users WHERE plex_id = $1 AND status = 'active' FOR NO KEY UPDATE", 0 },
	[Q_FIND] = { "play_find",
	    "SELECT id, activity_id, " PLAY_TIMES
	    " FROM plays WHERE user_id = $1 AND server_id = $2 AND item_key = $3 AND player = $4"
	    " AND started_at <= $5::timestamptz ORDER BY last_at DESC LIMIT 1",
	    0 },
	[Q_ACTIVITY] = { "play_activity",
	    "INSERT INTO activity (id, user_id, kind, data, at)"
	    " VALUES ($1, $2, $3, $4::jsonb, $5::timestamptz) ON CONFLICT (id) DO NOTHING",
	    0 },
	[Q_ADD] = { "play_add",
	    "INSERT INTO plays (id, user_id, server_id, item_key, player, media_id, activity_id,"
	    " started_at, last_at, finished_at, stopped_at) VALUES ($1, $2, $3, $4, $5,"
	    " $6, $7, $8::timestamptz, $9::timestamptz, $10::timestamptz, $11::timestamptz)",
	    0 },
	[Q_EXTEND] = { "play_extend",
	    "UPDATE plays SET started_at = $2::timestamptz, last_at = $3::timestamptz,"
	    " finished_at = $4::timestamptz, stopped_at = $5::timestamptz WHERE id = $1",
	    0 },
	[Q_FINISHED] = { "play_finished",
	    "UPDATE activity SET data = data || '{\"finished\":true}' WHERE id = $1"
	    " AND NOT data @> '{\"finished\":true}'",
	    0 },
	[Q_EXPIRE] = { "plays_expire",
	    "DELETE FROM plays WHERE last_at < now() - interval '3 years'", 0 },
	[Q_QUIET] = { "quiet_servers",
	    "SELECT s.id, s.name, " LAST_US ", coalesce(n.noticed_at > l.at, false)"
	    " FROM media_servers s CROSS JOIN LATERAL (SELECT greatest(" LAST_EVENT
	    ", (SELECT min(w.created_at) FROM webhook_sources w WHERE" SOURCES_OF ")) AS at) l"
	    " LEFT JOIN hook_silences n ON n.server_id = s.id"
	    " WHERE s.enabled AND s.machine_id IS NOT NULL"
	    " AND l.at < now() - make_interval(secs => $1::bigint)"
	    " AND EXISTS (SELECT FROM webhook_sources w WHERE" SOURCES_OF ") ORDER BY s.id",
	    QUERY_READ },
	[Q_NOTICED] = { "silence_noticed",
	    "INSERT INTO hook_silences (server_id) VALUES ($1)"
	    " ON CONFLICT (server_id) DO UPDATE SET noticed_at = now()",
	    0 },
	[Q_HEARD] = { "silences_ended",
	    "DELETE FROM hook_silences n USING media_servers s WHERE s.id = n.server_id"
	    " AND ($1::bigint = 0 OR NOT s.enabled OR " LAST_EVENT " > n.noticed_at"
	    " OR NOT EXISTS (SELECT FROM webhook_sources w WHERE" SOURCES_OF "))"
	    " RETURNING s.id, s.name, coalesce(" LAST_EVENT " > n.noticed_at, false)",
	    0 },
	{ .name = NULL },
};
#define Q(id) (&store_plays_queries[id])

bool
store_known_item(struct db *db, struct arena *arena, const char *server_id, const char *key,
    struct known_item *item, struct error *err)
{
	struct rows *rows;

	*item = (struct known_item) { .media_id = NULL };
	if (!db_exec(db, arena, Q(Q_ITEM), DB_PARAMS(server_id, key), &rows, err))
		return false;
	if (rows_count(rows) == 0)
		return true;
	*item = (struct known_item) {
		.media_id = rows_str(rows, 0, 0),
		.title = rows_str(rows, 0, 1),
		.kind = rows_str(rows, 0, 2),
		.guid = rows_str(rows, 0, 3),
		.above_id = rows_str(rows, 0, 4),
		.above_title = rows_str(rows, 0, 5),
		.section_id = rows_str(rows, 0, 6),
		.section_title = rows_str(rows, 0, 7),
		.found_at = rows_int(rows, 0, 8),
		.trashed = rows_bool(rows, 0, 9),
	};
	return true;
}

bool
store_known_section(struct db *db, struct arena *arena, const char *server_id, const char *key,
    bool *known, bool *enabled, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_SECTION), DB_PARAMS(server_id, key), &rows, err))
		return false;
	*known = rows_count(rows) > 0;
	*enabled = *known && rows_bool(rows, 0, 0);
	return true;
}

bool
store_plays_person(struct db *db, struct arena *arena, const char *plex_id, const char **user_id,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_PERSON), DB_PARAMS(plex_id), &rows, err))
		return false;
	*user_id = rows_count(rows) > 0 ? rows_str(rows, 0, 0) : NULL;
	return true;
}

bool
store_play_find(struct db *db, struct arena *arena, const struct play *of, int64_t at,
    struct play *play, struct error *err)
{
	struct rows *rows;

	*play = *of;
	play->id = NULL;
	if (!db_exec(db, arena, Q(Q_FIND),
		DB_PARAMS(of->user_id, of->server_id, of->item_key, of->player, db_time(arena, at)),
		&rows, err))
		return false;
	if (rows_count(rows) == 0)
		return true;
	play->id = rows_str(rows, 0, 0);
	play->activity_id = rows_str(rows, 0, 1);
	play->started_at = rows_int(rows, 0, 2);
	play->last_at = rows_int(rows, 0, 3);
	play->finished_at = rows_int(rows, 0, 4);
	play->stopped_at = rows_int(rows, 0, 5);
	return true;
}

bool
store_activity_add_at(struct db *db, struct arena *arena, const char *id, const char *user_id,
    const char *kind, const char *data, int64_t at, struct error *err)
{
	return db_exec(db, arena, Q(Q_ACTIVITY),
	    DB_PARAMS(id, user_id, kind, data, db_time(arena, at)), NULL, err);
}

bool
store_play_add(struct db *db, struct arena *arena, const struct play *p, const char *data,
    struct error *err)
{
	return store_activity_add_at(db, arena, p->activity_id, p->user_id, "media.played", data,
		   p->started_at, err) &&
	    db_exec(db, arena, Q(Q_ADD),
		DB_PARAMS(p->id, p->user_id, p->server_id, p->item_key, p->player, p->media_id,
		    p->activity_id, db_time(arena, p->started_at), db_time(arena, p->last_at),
		    db_time(arena, p->finished_at), db_time(arena, p->stopped_at)),
		NULL, err);
}

bool
store_play_extend(struct db *db, struct arena *arena, const struct play *p, struct error *err)
{
	return db_exec(db, arena, Q(Q_EXTEND),
		   DB_PARAMS(p->id, db_time(arena, p->started_at), db_time(arena, p->last_at),
		       db_time(arena, p->finished_at), db_time(arena, p->stopped_at)),
		   NULL, err) &&
	    (p->finished_at == 0 ||
		db_exec(db, arena, Q(Q_FINISHED), DB_PARAMS(p->activity_id), NULL, err));
}

bool
store_plays_expire(struct db *db, struct arena *arena, struct error *err)
{
	return db_exec(db, arena, Q(Q_EXPIRE), DB_NO_PARAMS, NULL, err);
}

bool
store_quiet_servers(struct db *db, struct arena *arena, int64_t seconds, struct quiet_server **out,
    size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_QUIET), DB_PARAMS(db_int(arena, seconds)), &rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = (struct quiet_server) {
			.id = rows_str(rows, i, 0),
			.name = rows_str(rows, i, 1),
			.last_event_at = rows_int(rows, i, 2),
			.noticed = rows_bool(rows, i, 3),
		};
	return true;
}

bool
store_silence_noticed(struct db *db, struct arena *arena, const char *server_id, struct error *err)
{
	return db_exec(db, arena, Q(Q_NOTICED), DB_PARAMS(server_id), NULL, err);
}

bool
store_silences_ended(struct db *db, struct arena *arena, int64_t seconds, struct quiet_server **out,
    size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_HEARD), DB_PARAMS(db_int(arena, seconds)), &rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = (struct quiet_server) {
			.id = rows_str(rows, i, 0),
			.name = rows_str(rows, i, 1),
			.heard = rows_bool(rows, i, 2),
		};
	return true;
}
