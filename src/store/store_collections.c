#include "store/store_collections.h"

#include "core/arena.h"
#include "core/error.h"
#include "store/pg.h"
#include "store/sql_collections.h"

#include "core/banned.h"

#define Q(id) (&store_collections_queries[id])
#define PERSON_COLUMNS 3
#define RULE_PEOPLE 21 /* the column of a collection's row */

static struct collection_rule
rule_of(struct arena *arena, const struct rows *rows, size_t i, int col)
{
	return (struct collection_rule) {
		.tags = rows_strings(arena, rows, i, col),
		.kinds = rows_strings(arena, rows, i, col + 1),
		.from = rows_str(rows, i, col + 2),
		.to = rows_str(rows, i, col + 3),
		.favorite = rows_bool(rows, i, col + 4),
		.people = rows_strings(arena, rows, i, RULE_PEOPLE),
	};
}

static void
people_of(struct arena *arena, const struct rows *rows, size_t i, int col, struct collection *c)
{
	struct strings flat;
	struct collection_person *people;

	c->people = NULL;
	c->npeople = 0;
	if (rows_null(rows, i, col))
		return;
	flat = rows_strings(arena, rows, i, col);
	c->npeople = flat.n / PERSON_COLUMNS;
	people = arena_array(arena, c->npeople + 1, sizeof(*people));
	for (size_t k = 0; k < c->npeople; k++)
		people[k] = (struct collection_person) { flat.items[k * PERSON_COLUMNS],
			flat.items[k * PERSON_COLUMNS + 1], flat.items[k * PERSON_COLUMNS + 2] };
	c->people = people;
}

static void
from_row(struct arena *arena, const struct rows *rows, size_t i, struct collection *c)
{
	*c = (struct collection) {
		.id = rows_str(rows, i, 0),
		.kind = rows_str(rows, i, 1),
		.title = rows_str(rows, i, 2),
		.sort = rows_str(rows, i, 3),
		.owner_id = rows_str(rows, i, 4),
		.owner_name = rows_str(rows, i, 5),
		.may = rows_str(rows, i, 6),
		.rule = rule_of(arena, rows, i, 7),
		.version = rows_int(rows, i, 12),
		.created_at = rows_int(rows, i, 13),
		.updated_at = rows_int(rows, i, 14),
		.count = rows_int(rows, i, 15),
		.cover_id = rows_str(rows, i, 16),
		.cover_prefix = rows_str(rows, i, 17),
		.cover_thumbhash = rows_str(rows, i, 19),
	};
	c->cover_assets = rows_array(arena, rows, i, 18, &c->ncover_assets);
	people_of(arena, rows, i, 20, c);
}

static bool
none(struct error *err)
{
	return error_set(err, ERR_NOT_FOUND, "There is no such collection.");
}

bool
store_collection_get(struct db *db, struct arena *arena, const struct media_reader *reader,
    const char *id, struct collection *c, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_COLLECTION_GET),
		DB_PARAMS(reader->user_id, db_bool(reader->all), id), &rows, err))
		return false;
	if (rows_count(rows) == 0)
		return none(err);
	from_row(arena, rows, 0, c);
	return true;
}

bool
store_collection_list(struct db *db, struct arena *arena, const struct store_collections_ask *ask,
    struct collection **out, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_COLLECTION_LIST),
		DB_PARAMS(ask->reader->user_id, db_bool(ask->reader->all),
		    ask->before_id == NULL ? NULL : db_time(arena, ask->before), ask->before_id,
		    db_int(arena, ask->limit), ask->scope, ask->media_id),
		&rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		from_row(arena, rows, i, &(*out)[i]);
	return true;
}

bool
store_collection_lock(struct db *db, struct arena *arena, const char *user_id, const char *id,
    struct collection *c, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_COLLECTION_LOCK), DB_PARAMS(user_id, id), &rows, err))
		return false;
	if (rows_count(rows) == 0)
		return none(err);
	*c = (struct collection) {
		.id = id,
		.kind = rows_str(rows, 0, 0),
		.owner_id = rows_str(rows, 0, 1),
		.may = rows_str(rows, 0, 2),
		.version = rows_int(rows, 0, 3),
		.title = rows_str(rows, 0, 4),
	};
	return true;
}

static bool
count_of(struct db *db, struct arena *arena, const struct query *query, const char *id, int64_t *n,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query, DB_PARAMS(id), &rows, err))
		return false;
	*n = rows_int(rows, 0, 0);
	return true;
}

bool
store_collection_of_folder(struct db *db, struct arena *arena, const char *user_id,
    const char *folder, const char **id, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_COLLECTION_OF_FOLDER), DB_PARAMS(user_id, folder), &rows, err))
		return false;
	*id = rows_str(rows, 0, 0);
	return true;
}

bool
store_collection_own_count(struct db *db, struct arena *arena, const char *user_id, int64_t *n,
    struct error *err)
{
	return count_of(db, arena, Q(Q_COLLECTION_OWN_COUNT), user_id, n, err);
}

static const char *
list_of(struct arena *arena, struct strings list)
{
	return db_array(arena, list.items, list.n);
}

bool
store_collection_add(struct db *db, struct arena *arena, const struct collection *c,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_COLLECTION_ADD),
	    DB_PARAMS(c->id, c->owner_id, c->kind, c->title, c->sort, list_of(arena, c->rule.tags),
		list_of(arena, c->rule.kinds), c->rule.from, c->rule.to, db_bool(c->rule.favorite),
		list_of(arena, c->rule.people)),
	    NULL, err);
}

bool
store_collection_change(struct db *db, struct arena *arena, const char *id,
    const struct store_collection_change *c, struct error *err)
{
	static const struct collection_rule nothing;
	const struct collection_rule *rule = c->rule != NULL ? c->rule : &nothing;

	return db_exec(db, arena, Q(Q_COLLECTION_CHANGE),
	    DB_PARAMS(id, c->title, c->sort, db_bool(c->set_cover), db_bool(c->rule != NULL),
		c->cover_id, list_of(arena, rule->tags), list_of(arena, rule->kinds), rule->from,
		rule->to, db_bool(rule->favorite), list_of(arena, rule->people)),
	    NULL, err);
}

bool
store_collection_touch(struct db *db, struct arena *arena, const char *id, struct error *err)
{
	return db_exec(db, arena, Q(Q_COLLECTION_TOUCH), DB_PARAMS(id), NULL, err);
}

bool
store_collection_delete(struct db *db, struct arena *arena, const char *id, struct error *err)
{
	return db_exec(db, arena, Q(Q_COLLECTION_DELETE), DB_PARAMS(id), NULL, err);
}

bool
store_collection_audience(struct db *db, struct arena *arena, const char *id,
    struct strings *people, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_COLLECTION_AUDIENCE), DB_PARAMS(id), &rows, err))
		return false;
	*people = rows_column(arena, rows, 0);
	return true;
}

bool
store_collection_people_keep(struct db *db, struct arena *arena, struct strings ids, bool *all,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_COLLECTION_PEOPLE_KEEP), DB_PARAMS(list_of(arena, ids)), &rows,
		err))
		return false;
	*all = rows_count(rows) == ids.n;
	return true;
}

bool
store_collection_people_set(struct db *db, struct arena *arena, const char *id, struct strings ids,
    struct strings may, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_COLLECTION_PEOPLE_CLEAR), DB_PARAMS(id, list_of(arena, ids)),
		&rows, err))
		return false;
	return db_exec(db, arena, Q(Q_COLLECTION_ITEMS_OF),
		   DB_PARAMS(id, list_of(arena, rows_column(arena, rows, 0))), NULL, err) &&
	    db_exec(db, arena, Q(Q_COLLECTION_PEOPLE_ADD),
		DB_PARAMS(id, list_of(arena, ids), list_of(arena, may)), NULL, err);
}

bool
store_collection_addable(struct db *db, struct arena *arena, const struct media_reader *reader,
    struct strings ids, struct strings *found, struct strings *gives, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_COLLECTION_ADDABLE),
		DB_PARAMS(reader->user_id, db_bool(reader->all), list_of(arena, ids)), &rows, err))
		return false;
	*found = rows_column(arena, rows, 0);
	*gives = rows_column(arena, rows, 1);
	return true;
}

bool
store_collection_items_add(struct db *db, struct arena *arena,
    const struct store_collection_items *c, int64_t *n, struct strings *fresh, struct error *err)
{
	const char **ids;
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_COLLECTION_ITEMS_ADD),
		DB_PARAMS(c->id, c->user_id, list_of(arena, c->items), list_of(arena, c->gives)),
		&rows, err))
		return false;
	*n = rows_affected(rows);
	ids = arena_array(arena, rows_count(rows) + 1, sizeof(*ids));
	*fresh = (struct strings) { ids, 0 };
	for (size_t i = 0; i < rows_count(rows); i++)
		if (rows_bool(rows, i, 1))
			ids[fresh->n++] = rows_str(rows, i, 0);
	return true;
}

bool
store_collection_items_remove(struct db *db, struct arena *arena,
    const struct store_collection_items *c, bool all, int64_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_COLLECTION_ITEMS_REMOVE),
		DB_PARAMS(c->id, c->user_id, db_bool(all), list_of(arena, c->items)), &rows, err))
		return false;
	*n = rows_affected(rows);
	return true;
}

bool
store_collection_items_count(struct db *db, struct arena *arena, const char *id, int64_t *n,
    struct error *err)
{
	return count_of(db, arena, Q(Q_COLLECTION_ITEMS_COUNT), id, n, err);
}

bool
store_collection_items_order(struct db *db, struct arena *arena, const char *id,
    struct strings items, const char *before, struct error *err)
{
	return db_exec(db, arena, Q(Q_COLLECTION_ITEMS_ORDER),
	    DB_PARAMS(id, list_of(arena, items), before), NULL, err);
}

bool
store_collection_place(struct db *db, struct arena *arena, const char *id, const char *media_id,
    int64_t *place, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_COLLECTION_PLACE), DB_PARAMS(id, media_id), &rows, err))
		return false;
	if (rows_count(rows) == 0)
		return error_set(err, ERR_NOT_FOUND, "This item is not in the collection.");
	*place = rows_int(rows, 0, 0);
	return true;
}

bool
store_sharers(struct db *db, struct arena *arena, const struct store_sharers_ask *ask,
    struct sharer **out, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_SHARERS),
		DB_PARAMS(ask->user_id, ask->q, ask->after_key, ask->after_id,
		    db_int(arena, ask->limit)),
		&rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = (struct sharer) { rows_str(rows, i, 0), rows_str(rows, i, 1),
			rows_str(rows, i, 2) };
	return true;
}

bool
store_marks_set(struct db *db, struct arena *arena, const struct media_reader *reader,
    const struct store_marks *marks, struct strings *seen, struct error *err)
{
	static const unsigned add[] = {
		[STORE_FAVORITE] = Q_FAVORITE_ADD, [STORE_ARCHIVED] = Q_ARCHIVED_ADD
	};
	static const unsigned remove[] = {
		[STORE_FAVORITE] = Q_FAVORITE_REMOVE, [STORE_ARCHIVED] = Q_ARCHIVED_REMOVE
	};
	struct rows *rows;

	if (!db_exec(db, arena, Q(marks->on ? add[marks->mark] : remove[marks->mark]),
		DB_PARAMS(reader->user_id, db_array(arena, marks->ids.items, marks->ids.n),
		    db_bool(reader->all)),
		&rows, err))
		return false;
	*seen = rows_column(arena, rows, 0);
	return true;
}
