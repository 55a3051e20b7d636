/*
 * The list of the catalogue. Its statements are in sql/media_list.sql. SQL is never composed at run
 * time, so there is one statement for each order, kind of filter and kind of reader, and this file
 * chooses among them.
 */
#include <limits.h>
#include <stdlib.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "store/pg.h"
#include "store/sql_media_list.h"
#include "store/store_media.h"
#include "store/store_spots.h"

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
static const unsigned collection[MEDIA_SORTS][2 /* back */] = {
	[MEDIA_NEWEST] = { Q_LIST_IN_NEWEST, Q_LIST_IN_OLDEST },
	[MEDIA_OLDEST] = { Q_LIST_IN_OLDEST, Q_LIST_IN_NEWEST },
	[MEDIA_TAKEN] = { Q_LIST_IN_TAKEN, Q_LIST_IN_TAKEN_BACK },
	[MEDIA_TITLE] = { Q_LIST_IN_TITLE, Q_LIST_IN_TITLE_BACK },
	[MEDIA_MANUAL] = { Q_LIST_IN_MANUAL, Q_LIST_IN_MANUAL_BACK },
};
static const unsigned at_place[MEDIA_SORTS][2 /* back */] = {
	[MEDIA_NEWEST] = { Q_LIST_AT_NEWEST, Q_LIST_AT_OLDEST },
	[MEDIA_OLDEST] = { Q_LIST_AT_OLDEST, Q_LIST_AT_NEWEST },
	[MEDIA_TAKEN] = { Q_LIST_AT_TAKEN, Q_LIST_AT_TAKEN_BACK },
	[MEDIA_TITLE] = { Q_LIST_AT_TITLE, Q_LIST_AT_TITLE_BACK },
};
/* In the order of the date taken; the statement for a kind follows. */
static const unsigned in_days[2 /* back */][2 /* everything */] = {
	{ Q_LIST_DAYS, Q_LIST_DAYS_ALL },
	{ Q_LIST_DAYS_BACK, Q_LIST_DAYS_ALL_BACK },
};
static const unsigned trash[2 /* back */][2 /* everything */] = {
	{ Q_LIST_TRASH, Q_LIST_TRASH_ALL },
	{ Q_LIST_TRASH_BACK, Q_LIST_TRASH_ALL_BACK },
};
/* Of statements: two sorts are each other's way back, and manual order is a collection's alone. */
#define ORDERS (MEDIA_MANUAL + 2)
_Static_assert(Q_LIST_TRASH == ORDERS * FILTERS * 2, "a statement for each order and filter");
_Static_assert(Q_LIST_NEWEST_KIND == Q_LIST_NEWEST + FILTER_KIND &&
	Q_LIST_NEWEST_ANY == Q_LIST_NEWEST + FILTER_ANY &&
	Q_LIST_NEWEST_TAG == Q_LIST_NEWEST + FILTER_TAG,
    "statements of a sort come in the order of enum filter_kind");
_Static_assert(Q_LIST_DAYS_KIND == Q_LIST_DAYS + 1 &&
	Q_LIST_DAYS_BACK_KIND == Q_LIST_DAYS_BACK + 1 &&
	Q_LIST_DAYS_ALL_KIND == Q_LIST_DAYS_ALL + 1 &&
	Q_LIST_DAYS_ALL_BACK_KIND == Q_LIST_DAYS_ALL_BACK + 1,
    "the statement for a kind follows that for all of them");
_Static_assert(SQL_BRANCH_ROWS == MEDIA_LIST_ROWS_MAX, "a branch holds the largest page");

#define PLACE_FIRST "-9223372036854775808"
#define UUID_FIRST "00000000-0000-0000-0000-000000000000"
#define UUID_LAST "ffffffff-ffff-ffff-ffff-ffffffffffff"
#define DAY_US (86400 * US_PER_SEC)
#define PARAMS_COMMON 4
#define PARAMS_DAYS 7
#define PARAMS_ANY 15
#define PARAMS_TAG 16
#define PARAMS_MONTHS 17 /* of the months of a collection */
#define PARAMS_COLLECTION 18
#define PARAMS_PLACE 22 /* the filters and where */
#define PARAMS_AT_PLACE 23
#define PARAMS_KEPT 7 /* of the months that are kept */

static bool
in_trash(const struct media_filter *f)
{
	return f->status != NULL && f->status[0] == 't';
}

static bool
at_a_place(const struct media_filter *f)
{
	return f->place != 0 || f->country != NULL || f->bounds != NULL;
}

static enum filter_kind
filter_kind(const struct media_filter *f)
{
	if (f->tag != NULL)
		return FILTER_TAG;
	if (f->source != NULL || f->owner != NULL || f->status != NULL || f->year_from != 0 ||
	    f->year_to != 0 || f->taken_from != NULL || f->taken_to != NULL ||
	    f->favorite != NULL || f->archived != NULL || f->part != NULL)
		return FILTER_ANY;
	return f->kind != NULL ? FILTER_KIND : FILTER_PLAIN;
}

/* Whether a list is what somebody scrolls through: days, of a kind or a source or not. */
static bool
days_only(const struct media_list_ask *ask)
{
	const struct media_filter *f = ask->filter;

	return ask->sort == MEDIA_TAKEN && (f->taken_from != NULL || f->taken_to != NULL) &&
	    f->tag == NULL && f->owner == NULL && f->status == NULL && f->year_from == 0 &&
	    f->year_to == 0 && f->favorite == NULL && f->archived == NULL && f->part == NULL &&
	    f->collection == NULL && !at_a_place(f);
}

/* What was archived shows where somebody asks for it: with the favourites, in a collection, in the
 * trash. */
static const char *
archived_param(const struct media_filter *f)
{
	if (f->archived != NULL)
		return db_bool(*f->archived);
	return f->favorite != NULL || f->collection != NULL || in_trash(f) ? NULL : db_bool(false);
}

static const struct query *
choose(const struct media_list_ask *ask, size_t *nparams)
{
	static const size_t counts[FILTERS] = { PARAMS_COMMON, PARAMS_COMMON + 1, PARAMS_ANY,
		PARAMS_TAG };
	const struct media_filter *f = ask->filter;
	enum filter_kind kind = filter_kind(f);

	if (f->collection != NULL) {
		*nparams = PARAMS_COLLECTION;
		return &store_media_list_queries[collection[ask->sort][ask->back]];
	}
	if (at_a_place(f)) {
		*nparams = PARAMS_AT_PLACE;
		return &store_media_list_queries[at_place[ask->sort][ask->back]];
	}
	if (days_only(ask)) {
		*nparams = PARAMS_DAYS + (f->kind != NULL);
		return &store_media_list_queries[in_days[ask->back][ask->reader->all] +
		    (f->kind != NULL)];
	}
	if (in_trash(f)) {
		*nparams = PARAMS_TAG;
		return &store_media_list_queries[trash[ask->back][ask->reader->all]];
	}
	*nparams = counts[kind];
	return &store_media_list_queries[statements[ask->sort][ask->back][ask->reader->all] + kind];
}

/* Midnight at the beginning of a day, or at its end. */
static int64_t
midnight(struct arena *arena, const char *day, bool end)
{
	int64_t us = 0;

	(void)time_parse_rfc3339(arena_printf(arena, "%sT00:00:00Z", day), &us);
	return us + (end ? DAY_US : 0);
}

/*
 * Of the order of the date taken, a place outside of the days that are asked for is moved to their
 * edge: PostgreSQL begins to read an index at the place, whatever else bounds it.
 */
static struct media_position
place_within(struct arena *arena, const struct media_list_ask *ask)
{
	const char *edge = ask->back ? ask->filter->taken_from : ask->filter->taken_to;
	struct media_position p = { .id = NULL };
	int64_t us;

	if (ask->after != NULL)
		p = *ask->after;
	if (ask->sort != MEDIA_TAKEN || edge == NULL)
		return p;
	us = midnight(arena, edge, !ask->back);
	if (p.id == NULL || (ask->back ? p.us < us : p.us > us))
		p = (struct media_position) { .id = UUID_FIRST, .us = us };
	return p;
}

static void
position_params(struct arena *arena, const struct media_list_ask *ask, const char **key,
    const char **id)
{
	const struct media_position place = place_within(arena, ask), *after = &place;
	enum media_sort sort = ask->sort;
	bool rising = sort == MEDIA_OLDEST || sort == MEDIA_TITLE || sort == MEDIA_MANUAL;

	if (after->id == NULL) {
		*key = sort == MEDIA_TITLE ? "" :
		    sort == MEDIA_MANUAL   ? PLACE_FIRST :
		    rising                 ? "-infinity" :
					     "infinity";
		*id = rising ? UUID_FIRST : UUID_LAST;
		return;
	}
	/* 0 means 'none' to db_time(), but here it is a time. */
	*key = sort == MEDIA_TITLE ? after->title :
	    sort == MEDIA_MANUAL   ? db_int(arena, after->us) :
	    after->us == 0         ? "1970-01-01T00:00:00Z" :
				     db_time(arena, after->us);
	*id = after->id;
}

static void
position_of(const struct rows *rows, size_t row, const struct media *m, enum media_sort sort,
    struct media_position *p)
{
	p->id = m->id;
	p->title = sort == MEDIA_TITLE ? rows_str(rows, row, MEDIA_COLUMNS_COUNT) : NULL;
	p->us = m->trashed_at != 0                      ? m->trashed_at :
	    sort == MEDIA_TAKEN || sort == MEDIA_MANUAL ? rows_int(rows, row, MEDIA_COLUMNS_COUNT) :
							  m->created_at;
}

/* The filters, from $5 on. */
static void
filter_params(struct arena *arena, const struct media_filter *f, const char *params[PARAMS_MONTHS])
{
	params[4] = f->kind;
	params[5] = f->source;
	params[6] = f->owner;
	params[7] = f->status;
	params[8] = f->year_from == 0 ? NULL : db_int(arena, f->year_from);
	params[9] = f->year_to == 0 ? NULL : db_int(arena, f->year_to);
	params[10] = f->taken_from;
	params[11] = f->taken_to;
	params[12] = f->favorite == NULL ? NULL : db_bool(*f->favorite);
	params[13] = archived_param(f);
	params[14] = f->part;
	params[15] = f->tag;
	params[16] = f->collection;
}

static const char *
degrees(struct arena *arena, double value)
{
	return arena_printf(arena, "%.7f", value);
}

/* Where, from $17 on; these take the place of a collection. */
static void
place_params(struct arena *arena, const struct media_filter *f, const char *params[PARAMS_PLACE])
{
	const struct media_bounds *b = f->bounds;

	params[16] = f->place == 0 ? NULL : db_int(arena, f->place);
	params[17] = f->country;
	params[18] = b == NULL ? NULL : degrees(arena, b->south);
	params[19] = b == NULL ? NULL : degrees(arena, b->north);
	params[20] = b == NULL ? NULL : degrees(arena, b->west);
	params[21] = b == NULL ? NULL : degrees(arena, b->east);
}

/* The filters of the days that somebody scrolls through. */
static void
days_params(const struct media_filter *f, const char *params[PARAMS_DAYS + 1])
{
	params[4] = f->source;
	params[5] = f->taken_from == NULL ? "-infinity" : f->taken_from;
	params[6] = f->taken_to == NULL ? "infinity" : f->taken_to;
	params[7] = f->kind;
}

static void
list_params(struct arena *arena, const struct media_list_ask *ask, size_t nparams,
    const char *params[PARAMS_AT_PLACE])
{
	params[0] = ask->reader->user_id;
	position_params(arena, ask, &params[1], &params[2]);
	params[3] = db_int(arena, ask->limit);
	filter_params(arena, ask->filter, params);
	if (nparams == PARAMS_AT_PLACE)
		place_params(arena, ask->filter, params);
	params[nparams == PARAMS_AT_PLACE ? PARAMS_AT_PLACE - 1 : PARAMS_COLLECTION - 1] =
	    db_bool(ask->reader->all);
}

bool
store_media_list(struct db *db, struct arena *arena, const struct media_list_ask *ask,
    struct media_list *list, struct error *err)
{
	const char *params[PARAMS_AT_PLACE];
	const struct query *query;
	struct rows *rows;
	size_t nparams;

	query = choose(ask, &nparams);
	list_params(arena, ask, nparams, params);
	if (days_only(ask))
		days_params(ask->filter, params);
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

static unsigned
choose_ids(const struct media_list_ask *ask, size_t *nparams)
{
	const struct media_filter *f = ask->filter;

	*nparams = f->collection != NULL ? PARAMS_COLLECTION :
	    at_a_place(f)                ? PARAMS_AT_PLACE :
	    f->tag != NULL               ? PARAMS_TAG :
					   PARAMS_ANY;
	if (f->collection != NULL)
		return Q_IDS_IN_COLLECTION;
	if (at_a_place(f))
		return Q_IDS_AT_PLACE;
	if (f->tag != NULL)
		return ask->reader->all ? Q_IDS_ALL_TAG : Q_IDS_TAG;
	return ask->reader->all ? Q_IDS_ALL_ANY : Q_IDS_ANY;
}

bool
store_media_ids(struct db *db, struct arena *arena, const struct media_list_ask *ask,
    struct media_brief **items, size_t *n, struct error *err)
{
	const char *params[PARAMS_AT_PLACE];
	struct rows *rows;
	size_t nparams;
	unsigned query = choose_ids(ask, &nparams);

	list_params(arena, ask, nparams, params);
	if (!db_exec(db, arena, &store_media_list_queries[query],
		(struct strings) { params, nparams }, &rows, err))
		return false;
	*n = rows_count(rows);
	*items = arena_array(arena, *n, sizeof(**items));
	for (size_t i = 0; i < *n; i++)
		(*items)[i] = (struct media_brief) { .id = rows_str(rows, i, 0),
			.kind = rows_str(rows, i, 1),
			.source = rows_str(rows, i, 2),
			.owner_id = rows_str(rows, i, 3),
			.favorite = rows_bool(rows, i, 4),
			.archived = rows_bool(rows, i, 5),
			.taken = rows_int(rows, i, 6) };
	return true;
}

/* Whether a day, of all digits as a number, is between the bounds of the filter. */
struct day_bounds {
	long from, to;
};

static long
day_number(const char *date, long none)
{
	char *end;
	long year, month;

	if (date == NULL)
		return none;
	year = strtol(date, &end, 10);
	month = strtol(end + 1, &end, 10);
	return (year * 100 + month) * 100 + strtol(end + 1, NULL, 10);
}

/* Adds what one row says of its month. */
static void
month_add(struct media_month *m, const struct rows *rows, size_t row, const struct day_bounds *in)
{
	long first = ((long)m->year * 100 + m->month) * 100;
	const char *p = rows_str(rows, row, 1);
	char *end;

	if (p == NULL) {
		int64_t n = rows_int(rows, row, 3);

		m->days[(rows_int(rows, row, 2) - 1) % MEDIA_MONTH_DAYS] += n;
		m->count += n;
		return;
	}
	for (int day = 1; day <= MEDIA_MONTH_DAYS && *p != '\0' && *p != '}'; day++, p = end) {
		long n = strtol(p + 1, &end, 10); /* behind a brace or a comma */

		if (n == 0 || first + day < in->from || first + day > in->to)
			continue;
		m->days[day - 1] += n;
		m->count += n;
	}
}

static void
months_read(struct arena *arena, const struct rows *rows, const struct media_filter *f,
    struct media_months *months)
{
	const struct day_bounds in = { day_number(f->taken_from, 0),
		day_number(f->taken_to, LONG_MAX) };
	size_t n = rows_count(rows);
	struct media_month *m = NULL;

	*months = (struct media_months) { .items = arena_array(arena, n, sizeof(*m)) };
	for (size_t i = 0; i < n; i++) {
		long month = day_number(rows_str(rows, i, 0), 0) / 100;

		if (m == NULL || m->year * 100 + m->month != month) {
			if (m == NULL || m->count != 0)
				m = &months->items[months->n++];
			*m = (struct media_month) { .year = (int)(month / 100),
				.month = (int)(month % 100) };
		}
		month_add(m, rows, i, &in);
	}
	if (m != NULL && m->count == 0)
		months->n--;
}

/* Whether the sums by day know what these filters ask for. */
static bool
kept(const struct media_filter *f)
{
	return !at_a_place(f) && f->tag == NULL && f->status == NULL && f->year_from == 0 &&
	    f->year_to == 0 && f->favorite == NULL && f->archived == NULL && f->part == NULL &&
	    f->collection == NULL;
}

bool
store_media_months(struct db *db, struct arena *arena, const struct media_months_ask *ask,
    struct media_months *months, struct error *err)
{
	const struct media_filter *f = ask->filter;
	const char *sums[PARAMS_KEPT] = { ask->reader->user_id, db_bool(ask->reader->all), f->kind,
		f->source, f->owner, f->taken_from, f->taken_to };
	const char *counted[PARAMS_PLACE] = { ask->reader->user_id, db_bool(ask->reader->all),
		db_bool(ask->by_day), db_int(arena, MEDIA_MONTH_ROWS_MAX) };
	struct strings params = { counted, PARAMS_TAG };
	unsigned query = Q_MONTHS_COUNTED;
	struct rows *rows;

	filter_params(arena, f, counted);
	if (kept(f)) {
		query = Q_MONTHS_KEPT;
		params = (struct strings) { sums, PARAMS_KEPT };
	} else if (f->collection != NULL) {
		query = Q_MONTHS_IN_COLLECTION;
		params.n = PARAMS_MONTHS;
	} else if (at_a_place(f)) {
		query = Q_MONTHS_AT_PLACE;
		place_params(arena, f, counted);
		params.n = PARAMS_PLACE;
	}
	if (!db_exec(db, arena, &store_media_list_queries[query], params, &rows, err))
		return false;
	months_read(arena, rows, f, months);
	return true;
}

bool
store_media_places(struct db *db, struct arena *arena, const struct media_places_ask *ask,
    struct media_place **places, size_t *n, struct error *err)
{
	const char *params[PARAMS_AT_PLACE] = { ask->reader->user_id, db_bool(ask->reader->all),
		ask->after_id == NULL ? NULL : db_int(arena, ask->after),
		db_int(arena, ask->limit) };
	struct rows *rows;

	filter_params(arena, ask->filter, params);
	place_params(arena, ask->filter, params);
	params[PARAMS_AT_PLACE - 1] = ask->after_id;
	if (!db_exec(db, arena, &store_media_list_queries[Q_PLACES_COUNTED],
		(struct strings) { params, PARAMS_AT_PLACE }, &rows, err))
		return false;
	*n = rows_count(rows);
	*places = arena_array(arena, *n, sizeof(**places));
	for (size_t i = 0; i < *n; i++)
		(*places)[i] = (struct media_place) { .id = rows_int(rows, i, 0),
			.name = rows_str(rows, i, 1),
			.region = rows_str(rows, i, 2),
			.country = rows_str(rows, i, 3),
			.latitude = rows_num(rows, i, 4),
			.longitude = rows_num(rows, i, 5),
			.count = rows_int(rows, i, 6) };
	return true;
}

bool
store_media_clusters(struct db *db, struct arena *arena, const struct media_clusters_ask *ask,
    struct media_cluster **clusters, size_t *n, struct error *err)
{
	const char *params[PARAMS_PLACE] = { ask->reader->user_id, db_bool(ask->reader->all),
		degrees(arena, ask->size), db_int(arena, ask->limit) };
	struct rows *rows;

	if (store_spots_know(ask)) {
		if (!store_spots_clusters(db, arena, ask, &rows, err))
			return false;
	} else {
		filter_params(arena, ask->filter, params);
		place_params(arena, ask->filter, params);
		if (!db_exec(db, arena, &store_media_list_queries[Q_PLACES_CLUSTERED],
			(struct strings) { params, PARAMS_PLACE }, &rows, err))
			return false;
	}
	*n = rows_count(rows);
	*clusters = arena_array(arena, *n, sizeof(**clusters));
	for (size_t i = 0; i < *n; i++)
		(*clusters)[i] = (struct media_cluster) { .latitude = rows_num(rows, i, 0),
			.longitude = rows_num(rows, i, 1),
			.bounds = { rows_num(rows, i, 2), rows_num(rows, i, 3),
			    rows_num(rows, i, 4), rows_num(rows, i, 5) },
			.count = rows_int(rows, i, 6),
			.place_id = rows_int(rows, i, 7),
			.place_name = rows_str(rows, i, 8) };
	return true;
}

bool
store_media_on_days(struct db *db, struct arena *arena, const struct media_days_ask *ask,
    struct media **items, size_t *n, struct error *err)
{
	const struct query *query =
	    &store_media_list_queries[ask->reader->all ? Q_ON_DAYS_ALL : Q_ON_DAYS];
	struct rows *rows;

	if (!db_exec(db, arena, query,
		DB_PARAMS(ask->reader->user_id, db_bool(ask->reader->all),
		    db_array(arena, ask->first.items, ask->first.n),
		    db_array(arena, ask->past.items, ask->past.n), db_int(arena, ask->each)),
		&rows, err))
		return false;
	*n = rows_count(rows);
	*items = arena_array(arena, *n, sizeof(**items));
	for (size_t i = 0; i < *n; i++)
		media_from_row(arena, rows, i, &(*items)[i]);
	return true;
}
