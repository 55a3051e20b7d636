#include "store/store_links.h"

#include <string.h>

#include "core/arena.h"
#include "core/crypto.h"
#include "core/error.h"
#include "store/pg.h"
#include "store/sql_links.h"

#include "core/banned.h"

#define Q(id) (&store_links_queries[id])
#define LINK_COLUMNS 17

static void
link_from_row(const struct rows *rows, size_t i, struct link *l)
{
	*l = (struct link) {
		.id = rows_str(rows, i, 0),
		.kind = rows_str(rows, i, 1),
		.owner_id = rows_str(rows, i, 2),
		.collection_id = rows_str(rows, i, 3),
		.title = rows_str(rows, i, 4),
		.password_hash = rows_str(rows, i, 5),
		.download = rows_bool(rows, i, 6),
		.expires_at = rows_int(rows, i, 7),
		.last_viewed_at = rows_int(rows, i, 8),
		.version = rows_int(rows, i, 9),
		.created_at = rows_int(rows, i, 10),
		.updated_at = rows_int(rows, i, 11),
		.views = rows_int(rows, i, 12),
		.count = rows_int(rows, i, 14),
		.shown_title = rows_str(rows, i, 15),
		.media_id = rows_str(rows, i, 16),
	};
	(void)role_parse(rows_str(rows, i, 13), &l->owner_role);
}

static bool
none(struct error *err)
{
	return error_set(err, ERR_NOT_FOUND, "There is no such link.");
}

static const char *
list_of(struct arena *arena, struct strings list)
{
	return db_array(arena, list.items, list.n);
}

bool
store_link_visit(struct db *db, struct arena *arena, const struct store_link_visit *visit,
    struct link *link, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_LINK_VISIT),
		DB_PARAMS(db_bytea(arena, visit->token_hash, SHA256_SIZE),
		    list_of(arena, visit->may_share), list_of(arena, visit->see_all),
		    db_bool(visit->counted)),
		&rows, err))
		return false;
	if (rows_count(rows) == 0)
		return none(err);
	link_from_row(rows, 0, link);
	return true;
}

static void
item_from_row(struct arena *arena, const struct rows *rows, size_t i, struct media *m)
{
	*m = (struct media) {
		.id = rows_str(rows, i, 0),
		.kind = rows_str(rows, i, 1),
		.title = rows_str(rows, i, 2),
		.thumbhash = rows_str(rows, i, 3),
		.width = rows_int(rows, i, 4),
		.height = rows_int(rows, i, 5),
		.duration_ms = rows_int(rows, i, 6),
		.taken_local = rows_int(rows, i, 7),
		.asset_prefix = rows_str(rows, i, 8),
		.incomplete = rows_bool(rows, i, 11),
		.source = rows_str(rows, i, 12),
		.object_key = rows_str(rows, i, 13),
		.content_type = rows_str(rows, i, 14),
		.filename = rows_str(rows, i, 15),
		.size = rows_null(rows, i, 16) ? -1 : rows_int(rows, i, 16),
		.rotation = rows_int(rows, i, 17),
		.made_rotation = rows_int(rows, i, 18),
		.playable = rows_null(rows, i, 20) ? PLAYABLE_UNKNOWN :
		    rows_bool(rows, i, 20)         ? PLAYABLE_YES :
						     PLAYABLE_NO,
		.playback_key = rows_str(rows, i, 21),
		.metadata = rows_str(rows, i, 22),
	};
	m->assets = rows_array(arena, rows, i, 9, &m->nassets);
	m->sprite_times = rows_array(arena, rows, i, 10, &m->nsprite_times);
}

bool
store_link_items(struct db *db, struct arena *arena, const struct store_link_items_ask *ask,
    struct store_link_items *out, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_LINK_ITEMS),
		DB_PARAMS(ask->link_id, db_bool(ask->all),
		    ask->after_id == NULL ? NULL : db_int(arena, ask->after), ask->after_id,
		    db_int(arena, ask->limit), ask->media_id),
		&rows, err))
		return false;
	out->n = rows_count(rows);
	out->items = arena_array(arena, out->n, sizeof(*out->items));
	out->places = arena_array(arena, out->n, sizeof(*out->places));
	for (size_t i = 0; i < out->n; i++) {
		item_from_row(arena, rows, i, &out->items[i]);
		out->places[i] = rows_int(rows, i, 19);
	}
	return true;
}

bool
store_link_viewed(struct db *db, struct arena *arena, const char *id, struct error *err)
{
	return db_exec(db, arena, Q(Q_LINK_VIEWED), DB_PARAMS(id), NULL, err);
}

bool
store_link_get(struct db *db, struct arena *arena, const struct media_reader *reader,
    const char *id, struct link *link, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_LINK_GET), DB_PARAMS(reader->user_id, db_bool(reader->all), id),
		&rows, err))
		return false;
	if (rows_count(rows) == 0)
		return none(err);
	link_from_row(rows, 0, link);
	link->media_ids = rows_strings(arena, rows, 0, LINK_COLUMNS);
	link->token_hash = rows_str(rows, 0, LINK_COLUMNS + 1);
	return true;
}

bool
store_link_list(struct db *db, struct arena *arena, const struct store_links_ask *ask,
    struct link **out, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_LINK_LIST),
		DB_PARAMS(ask->reader->user_id, db_bool(ask->reader->all),
		    ask->before_id == NULL ? NULL : db_time(arena, ask->before), ask->before_id,
		    db_int(arena, ask->limit), ask->media_id, ask->collection_id),
		&rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		link_from_row(rows, i, &(*out)[i]);
	return true;
}

bool
store_link_lock(struct db *db, struct arena *arena, const char *user_id, const char *id,
    struct link *link, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_LINK_LOCK), DB_PARAMS(user_id, id), &rows, err))
		return false;
	if (rows_count(rows) == 0)
		return none(err);
	*link = (struct link) {
		.id = id, .version = rows_int(rows, 0, 0), .kind = rows_str(rows, 0, 1)
	};
	return true;
}

bool
store_link_count(struct db *db, struct arena *arena, const char *user_id, int64_t *n,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_LINK_COUNT), DB_PARAMS(user_id), &rows, err))
		return false;
	*n = rows_int(rows, 0, 0);
	return true;
}

bool
store_link_showable(struct db *db, struct arena *arena, const struct media_reader *reader,
    struct strings ids, struct strings *found, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_LINK_SHOWABLE),
		DB_PARAMS(reader->user_id, db_bool(reader->all), list_of(arena, ids)), &rows, err))
		return false;
	*found = rows_column(arena, rows, 0);
	return true;
}

bool
store_link_add(struct db *db, struct arena *arena, const struct link *l,
    const unsigned char *token_hash, struct error *err)
{
	return db_exec(db, arena, Q(Q_LINK_ADD),
		   DB_PARAMS(l->id, l->owner_id, db_bytea(arena, token_hash, SHA256_SIZE), l->kind,
		       l->collection_id, l->title, l->password_hash, db_bool(l->download),
		       db_time(arena, l->expires_at)),
		   NULL, err) &&
	    db_exec(db, arena, Q(Q_LINK_ITEMS_ADD), DB_PARAMS(l->id, list_of(arena, l->media_ids)),
		NULL, err);
}

bool
store_link_change(struct db *db, struct arena *arena, const char *id,
    const struct store_link_change *c, struct error *err)
{
	return db_exec(db, arena, Q(Q_LINK_CHANGE),
	    DB_PARAMS(id, db_bool(c->set_title), c->title, db_bool(c->set_password),
		c->password_hash, db_bool(c->set_expires), db_time(arena, c->expires_at),
		c->download == NULL ? NULL : db_bool(*c->download)),
	    NULL, err);
}

bool
store_link_delete(struct db *db, struct arena *arena, const char *id, struct error *err)
{
	return db_exec(db, arena, Q(Q_LINK_DELETE), DB_PARAMS(id), NULL, err);
}
