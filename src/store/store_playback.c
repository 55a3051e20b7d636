#include "store/store_playback.h"

#include "core/arena.h"
#include "core/error.h"
#include "model/job.h"
#include "store/sql_playback.h"

#include "core/banned.h"

#define Q(id) (&store_playback_queries[id])
#define UUID_LAST "ffffffff-ffff-ffff-ffff-ffffffffffff"

bool
store_playback_get(struct db *db, struct arena *arena, const char *media_id,
    struct playback_row *row, struct error *err)
{
	struct rows *rows;

	*row = (struct playback_row) { .state = NULL };
	if (!db_exec(db, arena, Q(Q_PLAYBACK_GET), DB_PARAMS(media_id), &rows, err))
		return false;
	if (rows_count(rows) == 0)
		return true;
	*row = (struct playback_row) { .state = rows_str(rows, 0, 0),
		.begun = !rows_null(rows, 0, 1),
		.progress = rows_null(rows, 0, 1) ? -1 : (int)rows_int(rows, 0, 1),
		.key = rows_str(rows, 0, 2),
		.size = rows_int(rows, 0, 3),
		.content_type = rows_str(rows, 0, 4),
		.played_at = rows_int(rows, 0, 5),
		.failure_code = rows_str(rows, 0, 6),
		.failure_message = rows_str(rows, 0, 7) };
	return true;
}

bool
store_playback_ask(struct db *db, struct arena *arena, const char *media_id, const char *user,
    bool *found, struct error *err)
{
	return db_change(db, arena, Q(Q_PLAYBACK_ASK), DB_PARAMS(media_id, user), found, err);
}

bool
store_playback_hurry(struct db *db, struct arena *arena, const char *unique_key, const char *queue,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_PLAYBACK_HURRY), DB_PARAMS(unique_key, queue), NULL, err);
}

bool
store_playback_played(struct db *db, struct arena *arena, const char *media_id, struct error *err)
{
	return db_exec(db, arena, Q(Q_PLAYBACK_PLAYED), DB_PARAMS(media_id), NULL, err);
}

bool
store_playback_load(struct db *db, struct arena *arena, const char *media_id,
    struct playback_source *source, struct error *err)
{
	struct rows *rows;

	*source = (struct playback_source) { .found = false };
	if (!db_exec(db, arena, Q(Q_PLAYBACK_LOAD), DB_PARAMS(media_id), &rows, err))
		return false;
	if (rows_count(rows) == 0 || rows_null(rows, 0, 0) ||
	    !str_eq(rows_str(rows, 0, 3), "waiting"))
		return true;
	*source = (struct playback_source) { .found = true,
		.object_key = rows_str(rows, 0, 0),
		.size = rows_int(rows, 0, 1),
		.playable = rows_bool(rows, 0, 2) };
	return true;
}

bool
store_playback_progress(struct db *db, struct arena *arena, const struct job *job,
    const char *media_id, int percent, bool *wanted, struct strings *people, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_PLAYBACK_PROGRESS),
		DB_PARAMS(media_id, db_int(arena, percent), job->id, job->lease), &rows, err))
		return false;
	*wanted = rows_bool(rows, 0, 1);
	*people = rows_strings(arena, rows, 0, 2);
	return rows_bool(rows, 0, 0) ||
	    error_slug(err, ERR_CONFLICT, "lease_lost", "Another worker has taken over the job.");
}

static bool
ended(struct arena *arena, const struct rows *rows, bool *gone, struct strings *people)
{
	*gone = rows_count(rows) == 0;
	*people = *gone ? (struct strings) { NULL, 0 } : rows_strings(arena, rows, 0, 0);
	return true;
}

bool
store_playback_publish(struct db *db, struct arena *arena, const char *media_id,
    const struct playback_made *made, bool *gone, struct strings *people, struct error *err)
{
	struct rows *rows;

	return db_exec(db, arena, Q(Q_PLAYBACK_PUBLISH_OBJECT), DB_PARAMS(made->key), NULL, err) &&
	    db_exec(db, arena, Q(Q_PLAYBACK_PUBLISH),
		DB_PARAMS(media_id, made->key, db_int(arena, made->size), made->content_type),
		&rows, err) &&
	    ended(arena, rows, gone, people);
}

bool
store_playback_fail(struct db *db, struct arena *arena, const char *media_id, const char *code,
    const char *message, bool *gone, struct strings *people, struct error *err)
{
	struct rows *rows;

	return db_exec(db, arena, Q(Q_PLAYBACK_FAIL), DB_PARAMS(media_id, code, message), &rows,
		   err) &&
	    ended(arena, rows, gone, people);
}

bool
store_playback_heal(struct db *db, struct arena *arena, const char *code, const char *message,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_PLAYBACK_HEAL), DB_PARAMS(code, message), NULL, err);
}

bool
store_playback_over(struct db *db, struct arena *arena, const struct playback_bounds *bounds,
    struct strings *keys, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_PLAYBACK_OVER),
		DB_PARAMS(db_int(arena, bounds->limit), db_int(arena, bounds->idle_seconds),
		    db_int(arena, bounds->max)),
		&rows, err))
		return false;
	*keys = rows_column(arena, rows, 0);
	return true;
}

bool
store_playback_drop(struct db *db, struct arena *arena, struct strings keys, int idle_seconds,
    struct strings *media, struct strings *dropped, struct error *err)
{
	const char *list = db_array(arena, keys.items, keys.n);
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_PLAYBACK_UNPUBLISH), DB_PARAMS(list), NULL, err) ||
	    !db_exec(db, arena, Q(Q_PLAYBACK_DROP), DB_PARAMS(list, db_int(arena, idle_seconds)),
		&rows, err))
		return false;
	*media = rows_column(arena, rows, 0);
	*dropped = rows_column(arena, rows, 1);
	return db_exec(db, arena, Q(Q_PLAYBACK_KEEP), DB_PARAMS(list), NULL, err);
}

static bool
number(struct db *db, struct arena *arena, const struct query *query, struct strings params,
    int64_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query, params, &rows, err))
		return false;
	*n = rows_int(rows, 0, 0);
	return true;
}

bool
store_playback_used(struct db *db, struct arena *arena, int64_t *bytes, struct error *err)
{
	return number(db, arena, Q(Q_PLAYBACK_USED), DB_NO_PARAMS, bytes, err);
}

bool
store_playback_ahead(struct db *db, struct arena *arena, const char *queue, int64_t *n,
    struct error *err)
{
	return number(db, arena, Q(Q_PLAYBACK_AHEAD), DB_PARAMS(queue), n, err);
}

bool
store_playback_asked(struct db *db, struct arena *arena, const char *user, int64_t *n,
    struct error *err)
{
	return number(db, arena, Q(Q_PLAYBACK_ASKED), DB_PARAMS(user), n, err);
}

static bool
walk(struct db *db, struct arena *arena, const struct query *query,
    const struct playback_walk *walk, struct rows **rows, struct error *err)
{
	return db_exec(db, arena, query,
	    DB_PARAMS(walk->kind, walk->at, walk->id != NULL ? walk->id : UUID_LAST,
		db_int(arena, walk->max)),
	    rows, err);
}

bool
store_playback_unknown(struct db *db, struct arena *arena, const struct playback_walk *from,
    struct playback_file **files, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!walk(db, arena, Q(Q_PLAYBACK_UNKNOWN), from, &rows, err))
		return false;
	*n = rows_count(rows);
	*files = arena_array(arena, *n + 1, sizeof(**files));
	for (size_t i = 0; i < *n; i++)
		(*files)[i] = (struct playback_file) { .id = rows_str(rows, i, 0),
			.content_type = rows_str(rows, i, 1),
			.video = rows_str(rows, i, 2),
			.profile = rows_str(rows, i, 3),
			.audio = rows_str(rows, i, 4),
			.at = rows_str(rows, i, 5) };
	return true;
}

bool
store_playback_known(struct db *db, struct arena *arena, const struct playback_file *files,
    const bool *playable, size_t n, struct error *err)
{
	const char **ids = arena_array(arena, n + 1, sizeof(*ids)),
		   **known = arena_array(arena, n + 1, sizeof(*known));

	for (size_t i = 0; i < n; i++) {
		ids[i] = files[i].id;
		known[i] = db_bool(playable[i]);
	}
	return db_exec(db, arena, Q(Q_PLAYBACK_KNOWN),
	    DB_PARAMS(db_array(arena, ids, n), db_array(arena, known, n)), NULL, err);
}

bool
store_playback_lacking(struct db *db, struct arena *arena, const struct playback_walk *from,
    struct strings *ids, struct error *err)
{
	struct rows *rows;

	if (!walk(db, arena, Q(Q_PLAYBACK_LACKING), from, &rows, err))
		return false;
	*ids = rows_column(arena, rows, 0);
	return true;
}
