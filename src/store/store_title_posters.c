#include "store/store_title_posters.h"

#include "core/arena.h"
#include "core/words.h"
#include "model/job.h"

#include "core/banned.h"

#define MOST TEXT(TITLE_POSTERS_MAX)
#define KEPT TEXT(TITLE_POSTERS_KEPT)
#define TRIES TEXT(TITLE_POSTER_TRIES)
#define OLDEST "now() - make_interval(days => " TEXT(TITLE_POSTER_DAYS) ")"
#define PAUSE_BEGAN "now() - make_interval(secs => " TEXT(TITLE_POSTER_PAUSE) ")"

enum {
	Q_FIND,
	Q_WANT,
	Q_WANTED,
	Q_THERE,
	Q_ABSENT,
	Q_BROKEN,
	Q_UNKNOWN,
	Q_LEAVE,
	Q_LEAVING,
	Q_REMOVE,
};

const struct query store_title_posters_queries[] = {
	[Q_FIND] = { "title_posters_find",
	    "SELECT coalesce(p.state = 'there', false), p.path IS NULL OR p.state = 'wanted'"
	    " OR p.wanted_at < now() - interval '1 day'"
	    " FROM unnest($1::text[]) WITH ORDINALITY AS w (path, n)"
	    " LEFT JOIN title_posters p ON p.path = w.path ORDER BY w.n",
	    QUERY_READ },
	/* In the order of their paths, so that writers of the same ones wait for each other. */
	[Q_WANT] = { "title_posters_want",
	    "WITH w AS (SELECT DISTINCT path FROM unnest($1::text[]) AS w (path)),"
	    " kept AS (INSERT INTO title_posters AS p (path) SELECT path FROM w"
	    " WHERE (SELECT count(*) FROM title_posters) < " MOST
	    " OR EXISTS (SELECT FROM title_posters o WHERE o.path = w.path) ORDER BY path"
	    " ON CONFLICT (path) DO UPDATE SET wanted_at = now() RETURNING p.path, p.state),"
	    " added AS (INSERT INTO jobs (id, kind, queue, payload, unique_key, max_attempts,"
	    " request_id) SELECT gen_random_uuid(), $2, $3, jsonb_build_object('path', path),"
	    " 'title-poster:' || path, $4::integer, $5 FROM kept WHERE state = 'wanted'"
	    " AND NOT EXISTS (SELECT FROM title_posters f WHERE f.failed_at > " PAUSE_BEGAN
	    ") ON CONFLICT (unique_key) WHERE state IN ('available', 'running')"
	    " AND unique_key IS NOT NULL DO NOTHING RETURNING queue)"
	    " SELECT pg_notify('mn_jobs', queue) FROM added LIMIT 1",
	    0 },
	[Q_WANTED] = { "title_poster_wanted",
	    "SELECT FROM title_posters WHERE path = $1 AND state = 'wanted'", QUERY_READ },
	[Q_THERE] = { "title_poster_there",
	    "UPDATE title_posters SET state = 'there', failed_at = NULL, failures = 0"
	    " WHERE path = $1 AND state = 'wanted'",
	    0 },
	[Q_ABSENT] = { "title_poster_absent",
	    "UPDATE title_posters SET state = 'absent', failed_at = NULL"
	    " WHERE path = $1 AND state = 'wanted'",
	    0 },
	[Q_BROKEN] = { "title_poster_broken",
	    "UPDATE title_posters SET failures = failures + 1, failed_at = NULL,"
	    " state = CASE WHEN failures + 1 < " TRIES " THEN state ELSE 'absent' END"
	    " WHERE path = $1 AND state = 'wanted'",
	    0 },
	[Q_UNKNOWN] = { "title_poster_unknown",
	    "UPDATE title_posters SET failed_at = now() WHERE path = $1 AND state = 'wanted'", 0 },
	[Q_LEAVE] = { "title_posters_leave",
	    "UPDATE title_posters SET state = 'leaving' WHERE path IN (SELECT o.path FROM"
	    " (SELECT path, wanted_at, row_number() OVER (ORDER BY wanted_at DESC, path) AS n"
	    " FROM title_posters WHERE state <> 'leaving') o"
	    " WHERE (o.wanted_at < " OLDEST " OR o.n > " KEPT ")"
	    " AND NOT EXISTS (SELECT FROM requests r WHERE r.poster = o.path AND r.poster <> '')"
	    " LIMIT $1::integer)",
	    0 },
	[Q_LEAVING] = { "title_posters_leaving",
	    "SELECT path FROM title_posters WHERE state = 'leaving' ORDER BY path"
	    " LIMIT $1::integer",
	    QUERY_READ },
	[Q_REMOVE] = { "title_posters_remove",
	    "DELETE FROM title_posters WHERE path = ANY ($1::text[]) AND state = 'leaving'", 0 },
	{ .name = NULL },
};
#define Q(id) (&store_title_posters_queries[id])

bool
store_title_posters_find(struct db *db, struct arena *arena, struct strings paths, bool *there,
    bool *due, struct error *err)
{
	struct rows *rows;

	*due = false;
	if (!db_exec(db, arena, Q(Q_FIND), DB_PARAMS(db_array(arena, paths.items, paths.n)), &rows,
		err))
		return false;
	for (size_t i = 0; i < rows_count(rows) && i < paths.n; i++) {
		there[i] = rows_bool(rows, i, 0);
		*due = *due || rows_bool(rows, i, 1);
	}
	return true;
}

bool
store_title_posters_want(struct db *db, struct arena *arena, struct strings paths,
    const struct job_new *job, struct error *err)
{
	return db_exec(db, arena, Q(Q_WANT),
	    DB_PARAMS(db_array(arena, paths.items, paths.n), job->kind, job->queue,
		db_int(arena, job->max_attempts), job->request_id),
	    NULL, err);
}

bool
store_title_poster_wanted(struct db *db, struct arena *arena, const char *path, bool *is,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_WANTED), DB_PARAMS(path), &rows, err))
		return false;
	*is = rows_count(rows) > 0;
	return true;
}

bool
store_title_poster_there(struct db *db, struct arena *arena, const char *path, bool *gone,
    struct error *err)
{
	bool changed;

	if (!db_change(db, arena, Q(Q_THERE), DB_PARAMS(path), &changed, err))
		return false;
	*gone = !changed;
	return true;
}

bool
store_title_poster_absent(struct db *db, struct arena *arena, const char *path, struct error *err)
{
	return db_exec(db, arena, Q(Q_ABSENT), DB_PARAMS(path), NULL, err);
}

bool
store_title_poster_broken(struct db *db, struct arena *arena, const char *path, struct error *err)
{
	return db_exec(db, arena, Q(Q_BROKEN), DB_PARAMS(path), NULL, err);
}

bool
store_title_poster_unknown(struct db *db, struct arena *arena, const char *path, struct error *err)
{
	return db_exec(db, arena, Q(Q_UNKNOWN), DB_PARAMS(path), NULL, err);
}

bool
store_title_posters_leaving(struct db *db, struct arena *arena, int limit, struct strings *paths,
    struct error *err)
{
	const char *most = db_int(arena, limit);
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_LEAVE), DB_PARAMS(most), NULL, err) ||
	    !db_exec(db, arena, Q(Q_LEAVING), DB_PARAMS(most), &rows, err))
		return false;
	*paths = rows_column(arena, rows, 0);
	return true;
}

bool
store_title_posters_remove(struct db *db, struct arena *arena, struct strings paths,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_REMOVE), DB_PARAMS(db_array(arena, paths.items, paths.n)),
	    NULL, err);
}
