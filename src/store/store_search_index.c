/* See store_search_index.h. */
#include "store/store_search_index.h"

#include "core/arena.h"
#include "core/error.h"
#include "store/pg.h"

#include "core/banned.h"

/* What an item `m` is found by, with the row `s` of search_index. */
#define VECTOR \
	"mn_media_vector(m.title, m.original_title, m.tags, m.genres, m.overview," \
	" m.filename, m.metadata, s.languages)"

enum { Q_LANGUAGES, Q_STATE, Q_SINCE, Q_NEXT, Q_LOCK, Q_PUT, Q_MOVE };

const struct query store_search_index_queries[] = {
	[Q_LANGUAGES] = { "index_languages",
	    "UPDATE search_index SET languages = w.languages, filled = false, after = NULL,"
	    " since = NULL FROM (SELECT coalesce(array_agg(DISTINCT name), '{}') AS languages"
	    " FROM (SELECT lower(btrim(l)) FROM unnest(string_to_array($1, ',')) l) u (name)"
	    " WHERE EXISTS (SELECT FROM pg_ts_dict"
	    " WHERE dictname = name || '_stem' AND pg_ts_dict_is_visible(oid))) w"
	    " WHERE search_index.languages <> w.languages",
	    0 },
	[Q_STATE] = { "index_state",
	    "SELECT filled, coalesce(pg_snapshot_xmin(pg_current_snapshot()) > since, false),"
	    " after FROM search_index",
	    QUERY_READ },
	[Q_SINCE] = { "index_since",
	    "UPDATE search_index SET since = pg_current_xact_id() WHERE NOT filled"
	    " AND since IS NULL",
	    0 },
	[Q_NEXT] = { "index_next",
	    "SELECT m.id, m.tsv <> " VECTOR " FROM search_index s, (SELECT * FROM media"
	    " WHERE id > coalesce($1::uuid, '00000000-0000-0000-0000-000000000000')"
	    " ORDER BY id LIMIT $2::integer) m ORDER BY m.id",
	    QUERY_READ },
	[Q_LOCK] = { "index_lock",
	    "SELECT FROM media WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE", 0 },
	[Q_PUT] = { "index_put",
	    "UPDATE media m SET tsv = " VECTOR " FROM search_index s"
	    " WHERE m.id = ANY ($1::uuid[])",
	    0 },
	[Q_MOVE] = { "index_move",
	    "UPDATE search_index SET after = $2::uuid, filled = $2::uuid IS NULL"
	    " WHERE NOT filled AND after IS NOT DISTINCT FROM $1::uuid AND since IS NOT NULL",
	    0 },
	{ .name = NULL },
};
#define Q(id) (&store_search_index_queries[id])

bool
store_index_languages(struct db *db, struct arena *arena, const char *languages, struct error *err)
{
	return db_exec(db, arena, Q(Q_LANGUAGES), DB_PARAMS(languages), NULL, err);
}

bool
store_index_state(struct db *db, struct arena *arena, struct index_state *state, struct error *err)
{
	struct rows *rows;

	*state = (struct index_state) { .filled = true };
	if (!db_exec(db, arena, Q(Q_STATE), DB_NO_PARAMS, &rows, err))
		return false;
	if (rows_count(rows) == 0)
		return true;
	state->filled = rows_bool(rows, 0, 0);
	state->ready = rows_bool(rows, 0, 1);
	state->after = rows_str(rows, 0, 2);
	return true;
}

bool
store_index_since(struct db *db, struct arena *arena, struct error *err)
{
	return db_exec(db, arena, Q(Q_SINCE), DB_NO_PARAMS, NULL, err);
}

bool
store_index_next(struct db *db, struct arena *arena, const char *after, int limit,
    struct index_batch *batch, struct error *err)
{
	const char **changed;
	struct rows *rows;
	size_t n;

	if (!db_exec(db, arena, Q(Q_NEXT), DB_PARAMS(after, db_int(arena, limit)), &rows, err))
		return false;
	n = rows_count(rows);
	changed = arena_array(arena, n, sizeof(*changed));
	*batch = (struct index_batch) { { changed, 0 }, n > 0 ? rows_str(rows, n - 1, 0) : NULL };
	for (size_t i = 0; i < n; i++)
		if (rows_bool(rows, i, 1))
			changed[batch->changed.n++] = rows_str(rows, i, 0);
	return true;
}

bool
store_index_put(struct db *db, struct arena *arena, const struct strings *ids, struct error *err)
{
	const char *list = db_array(arena, ids->items, ids->n);

	return db_exec(db, arena, Q(Q_LOCK), DB_PARAMS(list), NULL, err) &&
	    db_exec(db, arena, Q(Q_PUT), DB_PARAMS(list), NULL, err);
}

bool
store_index_move(struct db *db, struct arena *arena, const char *from, const char *last,
    bool *moved, struct error *err)
{
	return db_change(db, arena, Q(Q_MOVE), DB_PARAMS(from, last), moved, err);
}
