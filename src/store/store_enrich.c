#include "store/store_enrich.h"

#include "core/arena.h"
#include "core/error.h"
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
	Q_FILL,
	Q_ASKED,
	Q_CACHED,
	Q_CACHE,
	Q_CACHE_EXPIRE,
	Q_TURN,
	Q_PAUSE,
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
	"m.source = 'plex' AND m.status <> 'trashed' AND (" LASTING \
	" OR m.kind = 'episode' AND NOT $2::boolean)" \
	" AND " SOURCE " IS DISTINCT FROM e.poster AND " SOURCE " IS NOT NULL" \
	" AND NOT EXISTS (SELECT FROM media_servers s WHERE s.id = i.server_id AND NOT s.enabled)" \
	" AND NOT EXISTS (SELECT FROM jobs j WHERE j.unique_key = ANY (ARRAY['poster:' || m.id," \
	" 'poster-shown:' || m.id]) AND j.state = 'running')"
/* What a title is looked up by: when it changes, TMDB is asked again. */
#define LOOKED_UP_BY \
	"jsonb_build_object('ids', m.external_ids - 'plex', 'title', m.title, 'year', m.year)"
#define WANTS_TITLE \
	"m.source = 'plex' AND m.status <> 'trashed' AND m.kind IN ('movie', 'show')" \
	" AND (e.tmdb_at IS NULL OR e.tmdb_ids IS DISTINCT FROM " LOOKED_UP_BY \
	" OR e.tmdb_id IS NULL AND e.tmdb_at < now()" \
	" - make_interval(days => " TEXT(ENRICH_ASK_AGAIN_DAYS) "))"

/* $1 ids, $2 lasting, $3 kind, $4 queue, $5 attempts, $6 request, $7 key prefix. */
#define ADD(condition) \
	"WITH added AS (INSERT INTO jobs (id, kind, queue, payload, unique_key, max_attempts," \
	" request_id)" \
	" SELECT gen_random_uuid(), $3, $4, jsonb_build_object('mediaId', m.id), $7 || m.id," \
	" $5::integer, $6" KNOWN \
	" WHERE m.id = ANY ($1::uuid[]) AND $2::boolean IS NOT NULL AND " condition \
	" ON CONFLICT (unique_key) WHERE state IN ('available', 'running')" \
	" AND unique_key IS NOT NULL DO NOTHING RETURNING queue)" \
	" SELECT pg_notify('mn_jobs', queue) FROM added LIMIT 1"

const struct query store_enrich_queries[] = {
	[Q_WANT_POSTERS] = { "enrich_want_posters", ADD(WANTS_POSTER), 0 },
	[Q_WANT_TITLES] = { "enrich_want_titles", ADD(WANTS_TITLE), 0 },
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
	    " AND state = 'available' AND run_at > now() RETURNING queue)"
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
	    " m.external_ids->>'imdb', m.external_ids->>'tvdb', coalesce(m.year, 0)" KNOWN
	    " WHERE m.id = $1 AND " WANTS_TITLE,
	    QUERY_READ },
	/*
	 * Only what the item lacks, or has from TMDB. People and keywords are TMDB's alone, and go
	 * when the title is another.
	 */
	[Q_FILL] = { "enrich_fill",
	    "WITH e AS (SELECT coalesce((SELECT filled FROM media_enrichments WHERE media_id = $1),"
	    " '{}') AS filled),"
	    " t AS (SELECT m.id, $2::jsonb AS t,"
	    " (m.overview IS NULL OR m.overview = e.filled->>'overview')"
	    " AND 'overview' <> ALL (m.locked) AS overview,"
	    " (m.genres = '{}' OR to_jsonb(m.genres) = e.filled->'genres')"
	    " AND 'genres' <> ALL (m.locked) AS genres"
	    " FROM media m, e WHERE m.id = $1 AND ($2::jsonb <> '{}' OR e.filled <> '{}'"
	    " OR m.metadata ? 'attribution')),"
	    " u AS (UPDATE media m SET"
	    " overview = CASE WHEN t.overview THEN t.t->>'overview' ELSE m.overview END,"
	    " genres = CASE WHEN t.genres THEN ARRAY(SELECT jsonb_array_elements_text("
	    "t.t->'genres')) ELSE m.genres END,"
	    " external_ids = coalesce(t.t->'externalIds', '{}') || m.external_ids,"
	    " metadata = (m.metadata - '{keywords,people,attribution}'::text[])"
	    " || jsonb_strip_nulls(jsonb_build_object('keywords', t.t->'keywords',"
	    " 'people', t.t->'people', 'attribution', $3::jsonb)),"
	    " version = m.version + 1, updated_at = now() FROM t WHERE m.id = t.id"
	    " RETURNING m.id, jsonb_strip_nulls(jsonb_build_object("
	    "'overview', CASE WHEN t.overview THEN m.overview END,"
	    " 'genres', CASE WHEN t.genres THEN to_jsonb(m.genres) END)) AS filled)"
	    " INSERT INTO media_enrichments AS e (media_id, filled, artwork)"
	    " SELECT id, filled, $2::jsonb->>'poster' FROM u"
	    " ON CONFLICT (media_id) DO UPDATE SET filled = excluded.filled,"
	    " artwork = excluded.artwork",
	    0 },
	[Q_ASKED] = { "enrich_asked",
	    "INSERT INTO media_enrichments (media_id, tmdb_id, tmdb_ids, tmdb_at)"
	    " SELECT m.id, $2, " LOOKED_UP_BY ", now() FROM media m WHERE m.id = $1"
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
	if (!db_exec(db, arena, Q(Q_MISSING_TITLES), DB_PARAMS(most, after->title), &rows, err))
		return false;
	missing->titles = rows_column(arena, rows, 0);
	return true;
}

bool
store_enrich_soon(struct db *db, struct arena *arena, struct error *err)
{
	return db_exec(db, arena, Q(Q_SOON), DB_NO_PARAMS, NULL, err);
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
		};
	return true;
}

bool
store_enrich_save(struct db *db, struct arena *arena, const char *media_id,
    const struct enrich_found *found, bool *gone, struct error *err)
{
	bool asked;

	if (!db_exec(db, arena, Q(Q_FILL),
		DB_PARAMS(media_id, found->title != NULL ? found->title : "{}", found->attribution),
		NULL, err) ||
	    !db_change(db, arena, Q(Q_ASKED), DB_PARAMS(media_id, found->tmdb_id), &asked, err))
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
