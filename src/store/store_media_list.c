/*
 * The list of the catalogue. Its statements are in sql/media_list.sql. SQL is never composed at run
 * time, so there is one statement for each order, kind of filter and kind of reader, and this file
 * chooses among them.
 */
#include "core/arena.h"
#include "core/error.h"
#include "store/pg.h"
#include "store/sql_media_list.h"
#include "store/store_media.h"

#include "core/banned.h"

/* In the order of the statements of one sort. */
enum filter_kind { FILTER_PLAIN, FILTER_KIND, FILTER_ANY, FILTER_TAG, FILTERS };

/*
 * The first statement of each sort, forwards and backwards, for what is in reach of the reader and
 * for everything; those of the other kinds of filter follow.
 */
static const unsigned statements[MEDIA_SORTS][2 /* back */][2 /* everything */] = {
	[MEDIA_NEWEST] = { { Q_LIST_NEWEST, Q_LIST_ALL_NEWEST },
	    { Q_LIST_OLDEST, Q_LIST_ALL_OLDEST } },
	[MEDIA_OLDEST] = { { Q_LIST_OLDEST, Q_LIST_ALL_OLDEST },
	    { Q_LIST_NEWEST, Q_LIST_ALL_NEWEST } },
	[MEDIA_TAKEN] = { { Q_LIST_TAKEN, Q_LIST_ALL_TAKEN },
	    { Q_LIST_TAKEN_BACK, Q_LIST_ALL_TAKEN_BACK } },
	[MEDIA_TITLE] = { { Q_LIST_TITLE, Q_LIST_ALL_TITLE },
	    { Q_LIST_TITLE_BACK, Q_LIST_ALL_TITLE_BACK } },
};
static const unsigned trash[2 /* back */][2 /* everything */] = {
	{ Q_LIST_TRASH, Q_LIST_TRASH_ALL },
	{ Q_LIST_TRASH_BACK, Q_LIST_TRASH_ALL_BACK },
};
#define ORDERS (MEDIA_SORTS + 2) /* of statements: two sorts are each other's way back */
_Static_assert(Q_LIST_TRASH == ORDERS * FILTERS * 2, "a statement for each order and filter");
_Static_assert(Q_LIST_NEWEST_KIND == Q_LIST_NEWEST + FILTER_KIND &&
	Q_LIST_NEWEST_ANY == Q_LIST_NEWEST + FILTER_ANY &&
	Q_LIST_NEWEST_TAG == Q_LIST_NEWEST + FILTER_TAG,
    "statements of a sort come in the order of enum filter_kind");
_Static_assert(SQL_BRANCH_ROWS == MEDIA_LIST_ROWS_MAX, "a branch holds the largest page");

#define UUID_FIRST "00000000-0000-0000-0000-000000000000"
#define UUID_LAST "ffffffff-ffff-ffff-ffff-ffffffffffff"
#define PARAMS_COMMON 4
#define PARAMS_ANY 10
#define PARAMS_TAG 11

static enum filter_kind
filter_kind(const struct media_filter *f)
{
	if (f->tag != NULL)
		return FILTER_TAG;
	if (f->source != NULL || f->owner != NULL || f->status != NULL || f->year_from != 0 ||
	    f->year_to != 0)
		return FILTER_ANY;
	return f->kind != NULL ? FILTER_KIND : FILTER_PLAIN;
}

static const struct query *
choose(const struct media_list_ask *ask, size_t *nparams)
{
	static const size_t counts[FILTERS] = { PARAMS_COMMON, PARAMS_COMMON + 1, PARAMS_ANY,
		PARAMS_TAG };
	const struct media_filter *f = ask->filter;
	enum filter_kind kind = filter_kind(f);

	if (f->status != NULL && f->status[0] == 't') {
		*nparams = PARAMS_TAG;
		return &store_media_list_queries[trash[ask->back][ask->reader->all]];
	}
	*nparams = counts[kind];
	return &store_media_list_queries[statements[ask->sort][ask->back][ask->reader->all] + kind];
}

static void
position_params(struct arena *arena, enum media_sort sort, const struct media_position *after,
    const char **key, const char **id)
{
	bool rising = sort == MEDIA_OLDEST || sort == MEDIA_TITLE;

	if (after == NULL || after->id == NULL) {
		*key = sort == MEDIA_TITLE ? "" : rising ? "-infinity" : "infinity";
		*id = rising ? UUID_FIRST : UUID_LAST;
		return;
	}
	/* 0 means 'none' to db_time(), but here it is a time. */
	*key = sort == MEDIA_TITLE ? after->title :
	    after->us == 0         ? "1970-01-01T00:00:00Z" :
				     db_time(arena, after->us);
	*id = after->id;
}

static void
position_of(const struct rows *rows, size_t row, const struct media *m, enum media_sort sort,
    struct media_position *p)
{
	p->id = m->id;
	p->title = rows_str(rows, row, MEDIA_COLUMNS_COUNT);
	p->us = m->trashed_at != 0                     ? m->trashed_at :
	    sort == MEDIA_TAKEN && m->taken_local != 0 ? m->taken_local :
							 m->created_at;
}

bool
store_media_list(struct db *db, struct arena *arena, const struct media_list_ask *ask,
    struct media_list *list, struct error *err)
{
	const struct media_filter *f = ask->filter;
	const char *params[PARAMS_TAG] = { ask->reader->user_id, NULL, NULL,
		db_int(arena, ask->limit), f->kind, f->source, f->owner, f->status,
		f->year_from == 0 ? NULL : db_int(arena, f->year_from),
		f->year_to == 0 ? NULL : db_int(arena, f->year_to), f->tag };
	const struct query *query;
	struct rows *rows;
	size_t nparams;

	query = choose(ask, &nparams);
	position_params(arena, ask->sort, ask->after, &params[1], &params[2]);
	if (!db_exec(db, arena, query, (struct strings) { params, nparams }, &rows, err))
		return false;
	list->n = rows_count(rows);
	list->items = arena_array(arena, list->n, sizeof(*list->items));
	list->positions = arena_array(arena, list->n, sizeof(*list->positions));
	for (size_t i = 0; i < list->n; i++) {
		media_from_row(arena, rows, i, &list->items[i]);
		position_of(rows, i, &list->items[i], ask->sort, &list->positions[i]);
	}
	return true;
}
