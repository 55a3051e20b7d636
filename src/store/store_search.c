/* Candidates and items of a search: see store_search.h and sql/search.sql. */
#include "store/store_search.h"

#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "store/sql_search.h"
#include "core/banned.h"

#define MANY_PARAMS 25
#define METADATA_PARAMS 25
#define SERVED_PARAMS 26

/* Labels are looked for among so many matches at most: beyond, it costs more than it is worth. */
#define LABELS_MATCHES_MAX 2000
/* Scanning newest first reads a row for about half of what a match of the GIN index costs. */
#define SCAN_CHEAPER 2
/* The scan gives up where there are so many times fewer matches than expected... */
#define SCAN_PATIENCE 4
/* ... and after this part of all items: of a quarter, the planner would rather sort all. */
#define SCAN_PART 6

static const char *
array_or_null(struct arena *arena, const char *const *items, size_t n)
{
	return n > 0 ? db_array(arena, items, n) : NULL;
}

static const char *
int_or_null(struct arena *arena, int64_t n)
{
	return n != 0 ? db_int(arena, n) : NULL;
}

bool
store_search_has_text(const struct search_ask *a)
{
	return strcmp(a->terms, "{}") != 0 || *a->beginning != '\0';
}

/*
 * Whether to read all matches. To find `cap` of them by date takes items * cap / matches rows, if
 * they are spread evenly.
 */
static bool
few(const struct search_plan *p)
{
	return p->matches <= SEARCH_CAP_FREQUENT ||
	    p->matches <= SEARCH_CAP_FREQUENT * p->items / (p->matches * SCAN_CHEAPER);
}

/* Items that a scan by date reads at most. */
static int64_t
scan_max(const struct search_plan *p)
{
	int64_t patience = SCAN_PATIENCE * p->cap * p->items / p->matches;
	int64_t part = p->items / SCAN_PART;

	return patience < part ? patience : part;
}

void
store_search_plan(struct arena *arena, const struct search_ask *a, struct db_call *call)
{
	const char **p = arena_array(arena, 2, sizeof(*p));

	p[0] = a->terms;
	p[1] = a->beginning;
	*call = (struct db_call) {
		.query = &store_search_queries[Q_SEARCH_PLAN], .params = p, .nparams = 2
	};
}

void
store_search_planned(const struct rows *rows, struct search_ask *a)
{
	struct search_plan *p = &a->plan;

	*p = (struct search_plan) {
		.asked = "", .ranked = "", .cap = SEARCH_CAP, .languages = "{}"
	};
	if (rows == NULL || rows_count(rows) == 0)
		return;
	p->asked = rows_str(rows, 0, 0);
	p->ranked = rows_str(rows, 0, 1);
	p->must = rows_str(rows, 0, 2);
	p->matches = rows_int(rows, 0, 3);
	p->items = rows_int(rows, 0, 4);
	p->languages = rows_str(rows, 0, 5);
	if (p->items < p->matches) /* not analyzed yet */
		p->items = p->matches;
	if (!few(p))
		p->cap = SEARCH_CAP_FREQUENT;
}

/* Those that all legs have: returns how many. */
static size_t
filter_params(struct arena *arena, const struct search_ask *a, const char **p)
{
	size_t n = 0;

	p[n++] = a->reader.user_id;
	p[n++] = array_or_null(arena, a->kinds, a->nkinds);
	p[n++] = a->source;
	p[n++] = a->owner;
	p[n++] = int_or_null(arena, a->year_from);
	p[n++] = int_or_null(arena, a->year_to);
	p[n++] = array_or_null(arena, a->not_kinds, a->n_not_kinds);
	p[n++] = a->not_years;
	p[n++] = a->id_text;
	p[n++] = a->id_number;
	p[n++] = a->taken_from;
	p[n++] = a->taken_to;
	p[n++] = a->camera;
	p[n++] = db_bool(a->archived);
	p[n++] = a->place;
	p[n++] = db_bool(a->reader.all);
	p[n++] = array_or_null(arena, a->soft_kinds, a->nsoft_kinds);
	p[n++] = a->soft_kind_words;
	p[n++] = a->soft_years;
	p[n++] = a->soft_year_words;
	p[n++] = db_int(arena, a->plan.cap + 1);
	return n;
}

static void
fill(struct db_call *call, unsigned query, bool all, const char **params, size_t n)
{
	call->query = &store_search_queries[query + (all ? 1 : 0)];
	call->params = params;
	call->nparams = n;
}
_Static_assert(Q_SEARCH_FILTERED_ALL == Q_SEARCH_FILTERED + 1 &&
	Q_SEARCH_FEW_ALL == Q_SEARCH_FEW + 1 && Q_SEARCH_MANY_ALL == Q_SEARCH_MANY + 1 &&
	Q_SEARCH_METADATA_ALL == Q_SEARCH_METADATA + 1 && Q_SEARCH_YEAR_ALL == Q_SEARCH_YEAR + 1,
    "the statement for readers of everything is the next one");

void
store_search_text(struct arena *arena, const struct search_ask *a, struct db_call *call)
{
	const char **p = arena_array(arena, MANY_PARAMS, sizeof(*p));
	const struct search_plan *plan = &a->plan;
	size_t n = filter_params(arena, a, p);

	if (!store_search_has_text(a)) {
		fill(call, Q_SEARCH_FILTERED, a->reader.all, p, n);
		return;
	}
	p[n++] = plan->asked;
	p[n++] = plan->ranked;
	p[n++] = db_bool(a->by_rank);
	if (few(plan)) {
		fill(call, Q_SEARCH_FEW, a->reader.all, p, n);
		return;
	}
	p[n++] = db_int(arena, scan_max(plan));
	fill(call, Q_SEARCH_MANY, a->reader.all, p, n);
}

void
store_search_metadata(struct arena *arena, const struct search_ask *a, struct db_call *call)
{
	const char **p = arena_array(arena, METADATA_PARAMS, sizeof(*p));
	bool labels = store_search_has_text(a) && a->plan.matches <= LABELS_MATCHES_MAX;
	size_t n = filter_params(arena, a, p);

	p[n++] = a->plan.asked;
	p[n++] = a->title;
	p[n++] = a->year != 0 ? db_int(arena, a->year) :
	    labels            ? array_or_null(arena, a->labels, a->nlabels) :
				NULL;
	p[n++] = a->plan.must;
	fill(call, a->year != 0 ? Q_SEARCH_YEAR : Q_SEARCH_METADATA, a->reader.all, p, n);
}

void
store_search_candidates(struct arena *arena, const struct rows *rows, struct candidate **out,
    size_t *n, bool *partial)
{
	*n = rows_count(rows);
	*partial = *n > 0 && rows_bool(rows, 0, 9);
	*out = arena_array(arena, *n, sizeof(**out));
	for (size_t i = 0; i < *n; i++) {
		struct candidate *c = &(*out)[i];

		c->id = rows_str(rows, i, 0);
		c->rank = rows_num(rows, i, 1);
		c->created_at = rows_int(rows, i, 2);
		c->year = rows_int(rows, i, 3);
		c->title_key = rows_str(rows, i, 4);
		c->kind = rows_str(rows, i, 5);
		c->source = rows_str(rows, i, 6);
		c->tmdb = rows_str(rows, i, 7);
		c->imdb = rows_str(rows, i, 8);
	}
}

bool
store_search_servers(struct db *db, struct arena *arena, int limit, struct server **servers,
    size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, &store_search_queries[Q_SEARCH_SERVERS],
		DB_PARAMS(db_int(arena, limit)), &rows, err))
		return false;
	*n = rows_count(rows);
	*servers = arena_array(arena, *n, sizeof(**servers));
	for (size_t i = 0; i < *n; i++)
		(*servers)[i] = (struct server) { .id = rows_str(rows, i, 0),
			.kind = rows_str(rows, i, 1),
			.url = rows_str(rows, i, 2),
			.token = rows_str(rows, i, 3),
			.name = rows_str(rows, i, 4),
			.machine_id = rows_str(rows, i, 5),
			.enabled = true };
	return true;
}

static const char *
array_of(struct arena *arena, const struct strings *list)
{
	return db_array(arena, list->items, list->n);
}

bool
store_search_served(struct db *db, struct arena *arena, const struct search_ask *a,
    const struct search_served *served, struct candidate **out, size_t *n, struct error *err)
{
	const char *p[SERVED_PARAMS];
	size_t np = filter_params(arena, a, p);
	struct rows *rows;
	bool partial;

	p[np - 1] = db_int(arena, (int64_t)served->keys.n);
	p[np++] = array_of(arena, &served->servers);
	p[np++] = array_of(arena, &served->keys);
	p[np++] = array_of(arena, &served->ranks);
	p[np++] = a->terms;
	p[np++] = db_bool(a->reader.all);
	if (!db_exec(db, arena, &store_search_queries[Q_SEARCH_SERVED], (struct strings) { p, np },
		&rows, err))
		return false;
	store_search_candidates(arena, rows, out, n, &partial);
	return true;
}

bool
store_search_unserved(struct db *db, struct arena *arena, const struct search_served *served,
    int minutes, struct strings *servers, struct strings *sections, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, &store_search_queries[Q_SEARCH_UNSERVED],
		DB_PARAMS(array_of(arena, &served->servers), array_of(arena, &served->sections),
		    array_of(arena, &served->keys), db_int(arena, minutes)),
		&rows, err))
		return false;
	*servers = rows_column(arena, rows, 0);
	*sections = rows_column(arena, rows, 1);
	return true;
}

bool
store_search_items(struct db *db, struct arena *arena, const struct items_ask *ask,
    struct items_found *found, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, &store_search_queries[Q_SEARCH_ITEMS],
		DB_PARAMS(ask->reader->user_id, db_bool(ask->reader->all),
		    db_array(arena, ask->ids, ask->nids), ask->any_words, ask->beginning,
		    ask->languages),
		&rows, err))
		return false;
	found->n = rows_count(rows);
	found->items = arena_array(arena, found->n, sizeof(*found->items));
	found->matched = arena_array(arena, found->n, sizeof(*found->matched));
	for (size_t i = 0; i < found->n; i++) {
		media_from_row(arena, rows, i, &found->items[i]);
		for (unsigned bit = 0; bit < 4; bit++)
			found->matched[i] |=
			    rows_bool(rows, i, MEDIA_COLUMNS_COUNT + (int)bit) ? 1u << bit : 0;
	}
	return true;
}
