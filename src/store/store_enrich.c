#include "store/store_enrich.h"

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "core/words.h"
#include "model/job.h"

#include "core/banned.h"

enum {
	Q_WANT_POSTERS,
	Q_WANT_TITLES,
	Q_MISSING_POSTERS,
	Q_MISSING_TITLES,
	Q_SOON,
	Q_SOURCE,
	Q_PUBLISH,
	Q_PUBLISH_ASSETS,
	Q_FETCHED,
	Q_FAILED,
	Q_ABSENT,
	Q_ITEM,
	Q_PARTS,
	Q_HOLD,
	Q_FILL,
	Q_ASKED,
	Q_CACHED,
	Q_CACHE,
	Q_CACHE_EXPIRE,
	Q_TURN,
	Q_PAUSE,
	Q_RESUME,
};

#define KNOWN \
	" FROM media m LEFT JOIN server_items i ON i.media_id = m.id" \
	" LEFT JOIN media_enrichments e ON e.media_id = m.id"
/* The server's poster, unless it said that it has none there; then TMDB's. */
#define SOURCE \
	"CASE WHEN i.poster <> coalesce(e.poster_missing, '') THEN 'server:' || i.poster" \
	" WHEN e.artwork IS NOT NULL THEN 'tmdb:' || e.artwork END"
#define LASTING "m.kind IN ('movie', 'show', 'season', 'artist', 'album')"
#define WANTS_POSTER \
	"m.source <> 'upload' AND m.status <> 'trashed' AND (" LASTING \
	" OR m.kind = 'episode' AND NOT $2::boolean)" \
	" AND " SOURCE " IS DISTINCT FROM e.poster AND " SOURCE " IS NOT NULL" \
	" AND NOT EXISTS (SELECT FROM media_servers s WHERE s.id = i.server_id AND NOT s.enabled)" \
	" AND NOT EXISTS (SELECT FROM jobs j WHERE j.unique_key = ANY (ARRAY['poster:' || m.id," \
	" 'poster-shown:' || m.id]) AND j.state = 'running')"
/* What a title is looked up by: when it changes, TMDB is asked again. */
#define LOOKED_UP_BY \
	"jsonb_build_object('ids', m.external_ids - 'plex', 'title', m.title, 'year', m.year)"
#define NOT_ASKED(key) \
	"(e.tmdb_at IS NULL OR e.tmdb_ids IS DISTINCT FROM " key \
	" OR e.tmdb_id IS NULL AND e.tmdb_at < now()" \
	" - make_interval(days => " TEXT(ENRICH_ASK_AGAIN_DAYS) "))"
/*
 * The season m and its episodes, p, each with what it is looked up by: TMDB has all of them in one
 * place of a show that it knows, s.
 */
#define PART_KEY "jsonb_build_object('show', s.tmdb_id, 'season', m.position, 'episode', p.number)"
#define PARTS \
	" media_enrichments s JOIN LATERAL (SELECT m.id, NULL::integer AS number" \
	" UNION ALL SELECT c.id, c.position FROM media c WHERE c.parent_id = m.id" \
	" AND c.kind = 'episode' AND c.source <> 'upload' AND c.status <> 'trashed'" \
	" AND c.position IS NOT NULL) p ON true" \
	" LEFT JOIN media_enrichments e ON e.media_id = p.id" \
	" WHERE s.media_id = m.parent_id AND s.tmdb_id IS NOT NULL AND m.position IS NOT NULL" \
	" AND " NOT_ASKED(PART_KEY)
#define WANTS_TITLE \
	"m.source <> 'upload' AND m.status <> 'trashed'" \
	" AND (m.kind IN ('movie', 'show') AND " NOT_ASKED( \
	    LOOKED_UP_BY) " OR m.kind = 'season' AND EXISTS (SELECT FROM" PARTS "))"
/*
 * With an episode its season is meant, and with a show its seasons too: they are looked up when the
 * show is known.
 */
#define TITLES_OF(ids) \
	"m.id IN (SELECT unnest(" ids ") UNION SELECT c.parent_id FROM media c" \
	" WHERE c.id = ANY (" ids ") AND c.kind = 'episode'" \
	" UNION SELECT c.id FROM media c WHERE c.parent_id = ANY (" ids ") AND c.kind = 'season')"

/* $1 ids, $2 lasting, $3 kind, $4 queue, $5 attempts, $6 request, $7 key prefix. */
#define ADD(which, condition) \
	"WITH added AS (INSERT INTO jobs (id, kind, queue, payload, unique_key, max_attempts," \
	" request_id)" \
	" SELECT gen_random_uuid(), $3, $4, jsonb_build_object('mediaId', m.id), $7 || m.id," \
	" $5::integer, $6" KNOWN " WHERE " which " AND $2::boolean IS NOT NULL AND " condition \
	" ON CONFLICT (unique_key) WHERE state IN ('available', 'running')" \
	" AND unique_key IS NOT NULL DO NOTHING RETURNING queue)" \
	" SELECT pg_notify('mn_jobs', queue) FROM added LIMIT 1"

const struct query store_enrich_queries[] = {
	[Q_WANT_POSTERS] = { "enrich_want_posters", ADD("m.id = ANY ($1::uuid[])", WANTS_POSTER),
	    0 },
	[Q_WANT_TITLES] = { "enrich_want_titles", ADD(TITLES_OF("$1::uuid[]"), WANTS_TITLE), 0 },
	[Q_MISSING_POSTERS] = { "enrich_missing_posters",
	    "SELECT m.id" KNOWN " WHERE " WANTS_POSTER
	    " AND ($3::uuid IS NULL OR m.id > $3) ORDER BY m.id LIMIT $1::integer",
	    QUERY_READ },
	[Q_MISSING_TITLES] = { "enrich_missing_titles",
	    "SELECT m.id" KNOWN " WHERE " WANTS_TITLE
	    " AND ($2::uuid IS NULL OR m.id > $2) ORDER BY m.id LIMIT $1::integer",
	    QUERY_READ },
	[Q_SOON] = { "enrich_soon",
	    "WITH due AS (UPDATE jobs SET run_at = now() WHERE unique_key = 'every:upkeep.enrich'"
	    " AND state = 'available' RETURNING queue)"
	    " SELECT pg_notify('mn_jobs', queue) FROM due",
	    0 },
	[Q_SOURCE] = { "poster_source",
	    "SELECT " SOURCE ", i.server_id, e.poster" KNOWN
	    " WHERE m.id = $1 AND m.status <> 'trashed'",
	    QUERY_READ },
	[Q_PUBLISH] = { "poster_publish",
	    "UPDATE media SET thumbhash = $2, asset_prefix = $3, assets = $4::text[],"
	    " version = version + 1, updated_at = now() WHERE id = $1",
	    0 },
	[Q_PUBLISH_ASSETS] = { "poster_publish_assets",
	    "UPDATE media_assets SET published = key = ANY ($2::text[]),"
	    " created_at = CASE WHEN published AND key <> ALL ($2::text[]) THEN now()"
	    " ELSE created_at END"
	    " WHERE media_id = $1 AND published <> (key = ANY ($2::text[]))",
	    0 },
	[Q_FETCHED] = { "poster_fetched",
	    "INSERT INTO media_enrichments (media_id, poster) VALUES ($1, $2)"
	    " ON CONFLICT (media_id) DO UPDATE SET poster = excluded.poster",
	    0 },
	[Q_FAILED] = { "poster_failed",
	    "INSERT INTO media_enrichments AS e (media_id, poster_failed, poster_failures)"
	    " SELECT id, $2, 1 FROM media WHERE id = $1 ON CONFLICT (media_id) DO UPDATE SET"
	    " poster_failed = $2, poster_failures ="
	    " CASE WHEN e.poster_failed = $2 THEN e.poster_failures ELSE 0 END + 1"
	    " RETURNING poster_failures",
	    0 },
	[Q_ABSENT] = { "poster_absent",
	    "INSERT INTO media_enrichments AS e (media_id, poster_missing)"
	    " SELECT id, substr($2, 8) FROM media WHERE id = $1"
	    " ON CONFLICT (media_id) DO UPDATE SET"
	    " poster_missing = CASE WHEN $2 LIKE 'server:%' THEN substr($2, 8)"
	    " ELSE e.poster_missing END,"
	    " artwork = CASE WHEN $2 LIKE 'tmdb:%' THEN NULL ELSE e.artwork END",
	    0 },
	[Q_ITEM] = { "enrich_item",
	    "SELECT m.kind, m.title, m.original_title, m.external_ids->>'tmdb',"
	    " m.external_ids->>'imdb', m.external_ids->>'tvdb', coalesce(m.year, 0)," LOOKED_UP_BY
	    ", m.position" KNOWN " WHERE m.id = $1 AND " WANTS_TITLE,
	    QUERY_READ },
	[Q_PARTS] = { "enrich_parts",
	    "SELECT p.id, p.number, " PART_KEY ", s.tmdb_id FROM media m," PARTS
	    " AND m.id = $1 AND m.kind = 'season' ORDER BY p.number NULLS FIRST",
	    QUERY_READ },
	/* Nobody waits for a row while holding others: the sync writes many at once too. */
	[Q_HOLD] = { "enrich_hold",
	    "SELECT id FROM media WHERE id = ANY ($1::uuid[]) ORDER BY id"
	    " FOR NO KEY UPDATE SKIP LOCKED",
	    0 },
	/*
	 * Only what the item lacks, or has from TMDB. People and keywords are TMDB's alone, and go
	 * when the title is another.
	 */
	[Q_FILL] = { "enrich_fill",
	    "WITH f AS (SELECT f.id, f.t::jsonb AS t, coalesce(e.filled, '{}') AS filled"
	    " FROM unnest($1::uuid[], $2::text[]) AS f (id, t)"
	    " LEFT JOIN media_enrichments e ON e.media_id = f.id),"
	    " t AS (SELECT m.id, f.t,"
	    " (m.overview IS NULL OR m.overview = f.filled->>'overview')"
	    " AND 'overview' <> ALL (m.locked) AS overview,"
	    " (m.genres = '{}' OR to_jsonb(m.genres) = f.filled->'genres')"
	    " AND 'genres' <> ALL (m.locked) AS genres"
	    " FROM media m JOIN f ON f.id = m.id WHERE f.t <> '{}' OR f.filled <> '{}'"
	    " OR m.metadata ? 'attribution'),"
	    " u AS (UPDATE media m SET"
	    " overview = CASE WHEN t.overview THEN t.t->>'overview' ELSE m.overview END,"
	    " genres = CASE WHEN t.genres THEN ARRAY(SELECT jsonb_array_elements_text("
	    "t.t->'genres')) ELSE m.genres END,"
	    " external_ids = coalesce(t.t->'externalIds', '{}') || m.external_ids,"
	    " metadata = (m.metadata - '{keywords,people,attribution}'::text[])"
	    " || jsonb_strip_nulls(jsonb_build_object('keywords', t.t->'keywords',"
	    " 'people', t.t->'people',"
	    " 'attribution', CASE WHEN t.t <> '{}' THEN $3::jsonb END)),"
	    " version = m.version + 1, updated_at = now() FROM t WHERE m.id = t.id"
	    " RETURNING m.id, t.t->>'poster' AS poster, jsonb_strip_nulls(jsonb_build_object("
	    "'overview', CASE WHEN t.overview THEN m.overview END,"
	    " 'genres', CASE WHEN t.genres THEN to_jsonb(m.genres) END)) AS filled)"
	    " INSERT INTO media_enrichments AS e (media_id, filled, artwork)"
	    " SELECT id, filled, poster FROM u"
	    " ON CONFLICT (media_id) DO UPDATE SET filled = excluded.filled,"
	    " artwork = excluded.artwork",
	    0 },
	[Q_ASKED] = { "enrich_asked",
	    "INSERT INTO media_enrichments (media_id, tmdb_id, tmdb_ids, tmdb_at)"
	    " SELECT m.id, f.tmdb_id, f.key::jsonb, now()"
	    " FROM unnest($1::uuid[], $2::text[], $3::text[]) AS f (id, tmdb_id, key)"
	    " JOIN media m ON m.id = f.id"
	    " ON CONFLICT (media_id) DO UPDATE SET tmdb_id = excluded.tmdb_id,"
	    " tmdb_ids = excluded.tmdb_ids, tmdb_at = excluded.tmdb_at",
	    0 },
	[Q_CACHED] = { "tmdb_cached",
	    "SELECT title FROM tmdb_cache WHERE path = $1"
	    " AND at > now() - make_interval(hours => $2::integer)",
	    QUERY_READ },
	[Q_CACHE] = { "tmdb_cache",
	    "INSERT INTO tmdb_cache (path, title) VALUES ($1, $2::jsonb)"
	    " ON CONFLICT (path) DO UPDATE SET title = excluded.title, at = now()",
	    0 },
	[Q_CACHE_EXPIRE] = { "tmdb_cache_expire",
	    "DELETE FROM tmdb_cache WHERE at < now() - make_interval(hours => $1::integer)", 0 },
	[Q_TURN] = { "tmdb_turn",
	    "UPDATE tmdb_pace p SET next_at = CASE WHEN b.wait > $2::bigint THEN p.next_at"
	    " ELSE greatest(p.next_at, clock_timestamp()) + $1::bigint * interval '1 microsecond'"
	    " END FROM (SELECT greatest(0, " SQL_US(
		"next_at - clock_timestamp()") ") AS wait"
					       " FROM tmdb_pace FOR UPDATE) b RETURNING b.wait",
	    0 },
	[Q_PAUSE] = { "tmdb_pause",
	    "UPDATE tmdb_pace SET next_at = greatest(next_at,"
	    " now() + make_interval(secs => $1::integer))",
	    0 },
	[Q_RESUME] = { "tmdb_resume",
	    "WITH p AS (UPDATE tmdb_pace SET next_at = now() + make_interval(secs => $1::integer))"
	    " UPDATE jobs SET run_at = now() + make_interval(secs => $1::integer)"
	    " WHERE (kind = 'media.enrich' OR unique_key = 'every:upkeep.enrich')"
	    " AND state = 'available' AND run_at > now() + make_interval(secs => $1::integer)",
	    0 },
	{ .name = NULL },
};
#define Q(id) (&store_enrich_queries[id])

static bool
want(struct db *db, struct arena *arena, const struct query *query, const struct enrich_jobs *jobs,
    struct error *err)
{
	const struct job_new *job = jobs->job;

	if (jobs->ids.n == 0)
		return true;
	return db_exec(db, arena, query,
	    DB_PARAMS(db_array(arena, jobs->ids.items, jobs->ids.n), db_bool(jobs->lasting),
		job->kind, job->queue, db_int(arena, job->max_attempts), job->request_id,
		jobs->key_prefix),
	    NULL, err);
}

bool
store_enrich_want_posters(struct db *db, struct arena *arena, const struct enrich_jobs *jobs,
    struct error *err)
{
	return want(db, arena, Q(Q_WANT_POSTERS), jobs, err);
}

bool
store_enrich_want_titles(struct db *db, struct arena *arena, const struct enrich_jobs *jobs,
    struct error *err)
{
	return want(db, arena, Q(Q_WANT_TITLES), jobs, err);
}

bool
store_enrich_missing(struct db *db, struct arena *arena, const struct enrich_after *after,
    int limit, struct enrich_missing *missing, struct error *err)
{
	const char *most = db_int(arena, limit);
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_MISSING_POSTERS), DB_PARAMS(most, "t", after->poster), &rows,
		err))
		return false;
	missing->posters = rows_column(arena, rows, 0);
	missing->titles = (struct strings) { .n = 0 };
	if (!after->titles)
		return true;
	if (!db_exec(db, arena, Q(Q_MISSING_TITLES), DB_PARAMS(most, after->title), &rows, err))
		return false;
	missing->titles = rows_column(arena, rows, 0);
	return true;
}

bool
store_enrich_soon(struct db *db, struct arena *arena, bool *soon, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_SOON), DB_NO_PARAMS, &rows, err))
		return false;
	*soon = rows_count(rows) > 0;
	return true;
}

bool
store_poster_source(struct db *db, struct arena *arena, const char *media_id,
    struct poster_source *out, struct error *err)
{
	struct rows *rows;

	*out = (struct poster_source) { .found = false };
	if (!db_exec(db, arena, Q(Q_SOURCE), DB_PARAMS(media_id), &rows, err))
		return false;
	if (rows_count(rows) > 0)
		*out = (struct poster_source) {
			.found = true,
			.source = rows_str(rows, 0, 0),
			.server_id = rows_str(rows, 0, 1),
			.fetched = rows_str(rows, 0, 2),
		};
	return true;
}

bool
store_poster_publish(struct db *db, struct arena *arena, const char *media_id,
    const struct poster_pictures *p, bool *gone, struct error *err)
{
	bool changed;

	if (!db_change(db, arena, Q(Q_PUBLISH),
		DB_PARAMS(media_id, p->thumbhash, p->asset_prefix,
		    db_array(arena, p->assets.items, p->assets.n)),
		&changed, err))
		return false;
	*gone = !changed;
	return *gone ||
	    (db_exec(db, arena, Q(Q_PUBLISH_ASSETS),
		 DB_PARAMS(media_id, db_array(arena, p->keys.items, p->keys.n)), NULL, err) &&
		db_exec(db, arena, Q(Q_FETCHED), DB_PARAMS(media_id, p->source), NULL, err));
}

bool
store_poster_failed(struct db *db, struct arena *arena, const char *media_id, const char *source,
    int64_t *times, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_FAILED), DB_PARAMS(media_id, source), &rows, err))
		return false;
	*times = rows_count(rows) > 0 ? rows_int(rows, 0, 0) : 0;
	return true;
}

bool
store_poster_absent(struct db *db, struct arena *arena, const char *media_id, const char *source,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_ABSENT), DB_PARAMS(media_id, source), NULL, err);
}

bool
store_enrich_item(struct db *db, struct arena *arena, const char *media_id,
    struct enrich_item *item, struct error *err)
{
	struct rows *rows;

	*item = (struct enrich_item) { .found = false };
	if (!db_exec(db, arena, Q(Q_ITEM), DB_PARAMS(media_id), &rows, err))
		return false;
	if (rows_count(rows) > 0)
		*item = (struct enrich_item) {
			.found = true,
			.kind = rows_str(rows, 0, 0),
			.title = rows_str(rows, 0, 1),
			.original_title = rows_str(rows, 0, 2),
			.tmdb = rows_str(rows, 0, 3),
			.imdb = rows_str(rows, 0, 4),
			.tvdb = rows_str(rows, 0, 5),
			.year = rows_int(rows, 0, 6),
			.key = rows_str(rows, 0, 7),
			.number = rows_int(rows, 0, 8),
		};
	return true;
}

bool
store_enrich_parts(struct db *db, struct arena *arena, const char *season_id,
    struct enrich_parts *parts, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_PARTS), DB_PARAMS(season_id), &rows, err))
		return false;
	*parts = (struct enrich_parts) { .n = rows_count(rows) };
	parts->items = arena_array(arena, parts->n + 1, sizeof(*parts->items));
	if (parts->n > 0)
		parts->show = rows_str(rows, 0, 3);
	for (size_t i = 0; i < parts->n; i++)
		parts->items[i] = (struct enrich_part) {
			.media_id = rows_str(rows, i, 0),
			.number = rows_str(rows, i, 1),
			.key = rows_str(rows, i, 2),
		};
	return true;
}

/* Those that can be written now. */
static bool
hold(struct db *db, struct arena *arena, const struct enrich_found *found, size_t n,
    struct strings *held, struct error *err)
{
	const char **ids = arena_array(arena, n + 1, sizeof(*ids));
	struct rows *rows;

	for (size_t i = 0; i < n; i++)
		ids[i] = found[i].media_id;
	*held = (struct strings) { ids, n };
	/* One alone may wait for its row. */
	if (n <= 1)
		return true;
	if (!db_exec(db, arena, Q(Q_HOLD), DB_PARAMS(db_array(arena, ids, n)), &rows, err))
		return false;
	*held = rows_column(arena, rows, 0);
	return true;
}

static bool
has(const struct strings *list, const char *id)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_eq(list->items[i], id))
			return true;
	return false;
}

bool
store_enrich_save(struct db *db, struct arena *arena, const struct enrich_found *found, size_t n,
    const char *attribution, bool *gone, struct error *err)
{
	const char **ids = arena_array(arena, n + 1, sizeof(*ids)),
		   **titles = arena_array(arena, n + 1, sizeof(*titles)),
		   **tmdb_ids = arena_array(arena, n + 1, sizeof(*tmdb_ids)),
		   **keys = arena_array(arena, n + 1, sizeof(*keys)), *id_list;
	struct strings held;
	size_t kept = 0;
	bool asked;

	if (!hold(db, arena, found, n, &held, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!has(&held, found[i].media_id))
			continue;
		ids[kept] = found[i].media_id;
		titles[kept] = found[i].title != NULL ? found[i].title : "{}";
		tmdb_ids[kept] = found[i].tmdb_id;
		keys[kept++] = found[i].key;
	}
	id_list = db_array(arena, ids, kept);
	if (!db_exec(db, arena, Q(Q_FILL),
		DB_PARAMS(id_list, db_array(arena, titles, kept), attribution), NULL, err) ||
	    !db_change(db, arena, Q(Q_ASKED),
		DB_PARAMS(id_list, db_array(arena, tmdb_ids, kept), db_array(arena, keys, kept)),
		&asked, err))
		return false;
	*gone = !asked;
	return true;
}

bool
store_tmdb_cached(struct db *db, struct arena *arena, const char *path, int hours,
    struct tmdb_cached *out, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_CACHED), DB_PARAMS(path, db_int(arena, hours)), &rows, err))
		return false;
	*out = (struct tmdb_cached) { .known = rows_count(rows) > 0 };
	if (out->known)
		out->title = rows_str(rows, 0, 0);
	return true;
}

bool
store_tmdb_cache(struct db *db, struct arena *arena, const char *path, const char *title,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_CACHE), DB_PARAMS(path, title), NULL, err);
}

bool
store_tmdb_cache_expire(struct db *db, struct arena *arena, int hours, struct error *err)
{
	return db_exec(db, arena, Q(Q_CACHE_EXPIRE), DB_PARAMS(db_int(arena, hours)), NULL, err);
}

bool
store_tmdb_turn(struct db *db, struct arena *arena, const struct tmdb_turn *turn, int64_t *wait_us,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_TURN),
		DB_PARAMS(db_int(arena, turn->gap_us), db_int(arena, turn->patience_us)), &rows,
		err))
		return false;
	*wait_us = rows_count(rows) > 0 ? rows_int(rows, 0, 0) : 0;
	return true;
}

bool
store_tmdb_pause(struct db *db, struct arena *arena, int64_t seconds, struct error *err)
{
	return db_exec(db, arena, Q(Q_PAUSE), DB_PARAMS(db_int(arena, seconds)), NULL, err);
}

bool
store_tmdb_resume(struct db *db, struct arena *arena, int seconds, struct error *err)
{
	return db_exec(db, arena, Q(Q_RESUME), DB_PARAMS(db_int(arena, seconds)), NULL, err);
}
