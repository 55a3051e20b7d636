#include "store/store_media.h"

#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "store/pg.h"
#include "store/sql_media.h"

#include "core/banned.h"

#define Q(id) (&store_media_queries[id])
#define UUID_FIRST "00000000-0000-0000-0000-000000000000"

void
media_from_row(struct arena *arena, const struct rows *r, size_t row, struct media *m)
{
	int c = 0;

	memset(m, 0, sizeof(*m));
	m->id = rows_str(r, row, c++);
	m->source = rows_str(r, row, c++);
	m->kind = rows_str(r, row, c++);
	m->title = rows_str(r, row, c++);
	m->original_title = rows_str(r, row, c++);
	m->status = rows_str(r, row, c++);
	m->visibility = rows_str(r, row, c++);
	m->owner_id = rows_str(r, row, c++);
	m->filename = rows_str(r, row, c++);
	m->content_type = rows_str(r, row, c++);
	m->size = rows_null(r, row, c) ? -1 : rows_int(r, row, c);
	c++;
	m->sha256 = rows_str(r, row, c++);
	m->width = rows_int(r, row, c++);
	m->height = rows_int(r, row, c++);
	m->duration_ms = rows_int(r, row, c++);
	m->taken_at = rows_int(r, row, c++);
	m->taken_local = rows_int(r, row, c++);
	m->taken_offset = rows_null(r, row, c) ? TAKEN_OFFSET_NONE : rows_int(r, row, c);
	c++;
	m->taken_source = rows_str(r, row, c++);
	m->year = rows_int(r, row, c++);
	m->overview = rows_str(r, row, c++);
	m->genres = rows_array(arena, r, row, c++, &m->ngenres);
	m->tags = rows_array(arena, r, row, c++, &m->ntags);
	m->external_ids = rows_str(r, row, c++);
	m->thumbhash = rows_str(r, row, c++);
	m->object_key = rows_str(r, row, c++);
	m->asset_prefix = rows_str(r, row, c++);
	m->assets = rows_array(arena, r, row, c++, &m->nassets);
	m->sprite_times = rows_array(arena, r, row, c++, &m->nsprite_times);
	m->failure_code = rows_str(r, row, c++);
	m->failure_message = rows_str(r, row, c++);
	m->version = rows_int(r, row, c++);
	m->created_at = rows_int(r, row, c++);
	m->updated_at = rows_int(r, row, c++);
	m->trashed_at = rows_int(r, row, c++);
	m->owner_name = rows_str(r, row, c++);
	m->parent_id = rows_str(r, row, c++);
	m->position = rows_null(r, row, c) ? -1 : rows_int(r, row, c);
	c++;
	m->disc = rows_null(r, row, c) ? -1 : rows_int(r, row, c);
	c++;
	m->parent_title = rows_str(r, row, c++);
	m->parent_prefix = rows_str(r, row, c++);
	m->parent_assets = rows_array(arena, r, row, c++, &m->nparent_assets);
	m->parent_thumbhash = rows_str(r, row, c++);
	m->incomplete = rows_bool(r, row, c++);
	m->clip_key = rows_str(r, row, c++);
	m->favorite = rows_bool(r, row, c++);
	m->archived = rows_bool(r, row, c++);
	m->playable = rows_null(r, row, c) ? PLAYABLE_UNKNOWN :
	    rows_bool(r, row, c)           ? PLAYABLE_YES :
					     PLAYABLE_NO;
	c++;
	m->playback_key = rows_str(r, row, c++);
	m->rotation = rows_int(r, row, c++);
	m->made_rotation = rows_int(r, row, c++);
	m->people = rows_array(arena, r, row, c++, &m->npeople);
}

static bool
get_item(struct db *db, struct arena *arena, const struct query *query, struct strings params,
    struct media *media, struct error *err)
{
	struct rows *rows;

	return db_exec(db, arena, query, params, &rows, err) &&
	    store_media_read(arena, rows, media, err);
}

bool
store_media_read(struct arena *arena, const struct rows *rows, struct media *media,
    struct error *err)
{
	if (rows_count(rows) == 0)
		return error_set(err, ERR_NOT_FOUND, "There is no such item.");
	media_from_row(arena, rows, 0, media);
	media->metadata = rows_str(rows, 0, MEDIA_COLUMNS_COUNT);
	media->trashed_by = rows_str(rows, 0, MEDIA_COLUMNS_COUNT + 1);
	if (!rows_null(rows, 0, MEDIA_COLUMNS_COUNT + 2))
		media->shared_with =
		    rows_array(arena, rows, 0, MEDIA_COLUMNS_COUNT + 2, &media->nshared_with);
	media->child_count = rows_int(rows, 0, MEDIA_COLUMNS_COUNT + 3);
	media->place_id = rows_int(rows, 0, MEDIA_COLUMNS_COUNT + 4);
	media->place_name = rows_str(rows, 0, MEDIA_COLUMNS_COUNT + 5);
	media->place_region = rows_str(rows, 0, MEDIA_COLUMNS_COUNT + 6);
	media->place_country = rows_str(rows, 0, MEDIA_COLUMNS_COUNT + 7);
	return true;
}

bool
store_media_children(struct db *db, struct arena *arena, const struct media_children_ask *ask,
    struct media_children *out, struct error *err)
{
	bool start = ask->after_id == NULL;
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_MEDIA_CHILDREN),
		DB_PARAMS(ask->reader->user_id, db_bool(ask->reader->all), ask->id,
		    db_int(arena, start ? INT64_MIN : ask->after),
		    start ? UUID_FIRST : ask->after_id, db_int(arena, ask->limit)),
		&rows, err))
		return false;
	out->n = rows_count(rows);
	out->items = arena_array(arena, out->n, sizeof(*out->items));
	out->numbers = arena_array(arena, out->n, sizeof(*out->numbers));
	for (size_t i = 0; i < out->n; i++) {
		media_from_row(arena, rows, i, &out->items[i]);
		out->numbers[i] = rows_int(rows, i, MEDIA_COLUMNS_COUNT);
	}
	return true;
}

bool
store_media_of_titles(struct db *db, struct arena *arena, const struct media_reader *reader,
    const struct store_titles *titles, struct media *out, struct error *err)
{
	struct rows *rows;

	memset(out, 0, titles->kinds.n * sizeof(*out));
	if (!db_exec(db, arena, Q(Q_MEDIA_OF_TITLES),
		DB_PARAMS(reader->user_id, db_bool(reader->all),
		    db_array(arena, titles->kinds.items, titles->kinds.n),
		    db_array(arena, titles->tmdb_ids.items, titles->tmdb_ids.n)),
		&rows, err))
		return false;
	for (size_t i = 0; i < rows_count(rows); i++) {
		struct media *m = &out[rows_int(rows, i, 0) - 1];

		m->asset_prefix = rows_str(rows, i, 1);
		m->assets = rows_array(arena, rows, i, 2, &m->nassets);
	}
	return true;
}

struct db_call
store_media_get_call(struct arena *arena, const struct media_reader *reader, const char *id)
{
	const char *const params[] = { reader->user_id, db_bool(reader->all), id };

	return (struct db_call) { .query = Q(Q_MEDIA_GET),
		.params = arena_memdup(arena, params, sizeof(params)),
		.nparams = 3 };
}

bool
store_media_get(struct db *db, struct arena *arena, const struct media_reader *reader,
    const char *id, struct media *media, struct error *err)
{
	return get_item(db, arena, Q(Q_MEDIA_GET),
	    DB_PARAMS(reader->user_id, db_bool(reader->all), id), media, err);
}

bool
store_media_keys(struct db *db, struct arena *arena, const struct media_reader *reader,
    const char *id, struct media_keys *keys, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_MEDIA_POSITION),
		DB_PARAMS(reader->user_id, db_bool(reader->all), id), &rows, err))
		return false;
	if (rows_count(rows) == 0)
		return error_set(err, ERR_NOT_FOUND, "There is no such item.");
	*keys = (struct media_keys) { .created_at = rows_int(rows, 0, 0),
		.taken_at = rows_int(rows, 0, 1),
		.title = rows_str(rows, 0, 2),
		.trashed_at = rows_int(rows, 0, 3) };
	return true;
}

bool
store_media_lock(struct db *db, struct arena *arena, const struct media_reader *reader,
    const char *id, struct media *media, struct error *err)
{
	return get_item(db, arena, Q(Q_MEDIA_LOCK),
	    DB_PARAMS(reader->user_id, db_bool(reader->all), id), media, err);
}

bool
store_media_get_trashed(struct db *db, struct arena *arena, const struct media_reader *reader,
    const char *id, struct media *media, struct error *err)
{
	return get_item(db, arena, Q(Q_MEDIA_LOCK_TRASHED),
	    DB_PARAMS(reader->user_id, db_bool(reader->all), id), media, err);
}

bool
store_media_tags(struct db *db, struct arena *arena, const struct media_reader *reader,
    struct media_tag **tags, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_MEDIA_TAGS),
		DB_PARAMS(reader->user_id, db_bool(reader->all), db_int(arena, MEDIA_TAG_LIST_MAX)),
		&rows, err))
		return false;
	*n = rows_count(rows);
	*tags = arena_array(arena, *n, sizeof(**tags));
	for (size_t i = 0; i < *n; i++)
		(*tags)[i] = (struct media_tag) { .tag = rows_str(rows, i, 0),
			.count = rows_int(rows, i, 1) };
	return true;
}

bool
store_media_timeline(struct db *db, struct arena *arena, const struct media_reader *reader,
    const char *id, struct media_timeline *timeline, struct error *err)
{
	struct media_event *events;
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_MEDIA_TIMELINE),
		DB_PARAMS(reader->user_id, db_bool(reader->all), id), &rows, err))
		return false;
	if (rows_count(rows) == 0)
		return error_set(err, ERR_NOT_FOUND, "There is no such item.");
	timeline->n = rows_null(rows, 0, 1) ? 0 : rows_count(rows);
	timeline->events = events = arena_array(arena, timeline->n, sizeof(*events));
	for (size_t i = 0; i < timeline->n; i++)
		events[i] = (struct media_event) { .at = rows_int(rows, i, 0),
			.step = rows_str(rows, i, 1),
			.state = rows_str(rows, i, 2),
			.message = rows_str(rows, i, 3),
			.attempt = (int)rows_int(rows, i, 4) };
	return true;
}

bool
store_media_event_add(struct db *db, struct arena *arena, const char *id,
    const struct media_event *event, struct error *err)
{
	return db_exec(db, arena, Q(Q_MEDIA_EVENT_ADD),
	    DB_PARAMS(id, event->step, event->state, event->message,
		event->attempt == 0 ? NULL : db_int(arena, event->attempt)),
	    NULL, err);
}

/* Reads a single text; the result may be empty. */
static bool
get_text(struct db *db, struct arena *arena, const struct query *query, struct strings params,
    const char **text, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query, params, &rows, err))
		return false;
	*text = rows_count(rows) > 0 ? rows_str(rows, 0, 0) : NULL;
	return true;
}

bool
store_media_upload(struct db *db, struct arena *arena, const char *id, const char **upload_id,
    struct error *err)
{
	return get_text(db, arena, Q(Q_MEDIA_UPLOAD), DB_PARAMS(id), upload_id, err);
}

bool
store_media_scopes(struct db *db, struct arena *arena, const char *id, struct strings *scopes,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_MEDIA_SCOPES), DB_PARAMS(id), &rows, err))
		return false;
	*scopes = rows_column(arena, rows, 0);
	return true;
}

bool
store_media_scope_told(struct db *db, struct arena *arena, const char *scope, struct error *err)
{
	return db_exec(db, arena, Q(Q_MEDIA_SCOPE_TOLD), DB_PARAMS(scope), NULL, err);
}

struct db_call
store_media_scopes_call(struct arena *arena, const char *id)
{
	return (struct db_call) { .query = Q(Q_MEDIA_SCOPES),
		.params = arena_memdup(arena, &id, sizeof(id)),
		.nparams = 1 };
}
