/* Candidates and items of a search: see store_search.h and sql/search.sql. */
#include "store/store_search.h"

#include "core/arena.h"
#include "core/error.h"
#include "store/sql_search.h"
#include "core/banned.h"

#define TEXT_PARAMS 16
#define METADATA_PARAMS 18

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

/* Of the metadata leg; the text leg has the first TEXT_PARAMS of them. */
static const char *const *
leg_params(struct arena *arena, const struct search_ask *a)
{
	const char **p = arena_array(arena, METADATA_PARAMS, sizeof(*p));
	size_t n = 0;

	p[n++] = a->reader.user_id;
	p[n++] = a->text;
	p[n++] = a->prefix;
	p[n++] = array_or_null(arena, a->kinds, a->nkinds);
	p[n++] = a->source;
	p[n++] = a->owner;
	p[n++] = int_or_null(arena, a->year_from);
	p[n++] = int_or_null(arena, a->year_to);
	p[n++] = array_or_null(arena, a->tags, a->ntags);
	p[n++] = a->id_text;
	p[n++] = a->id_number;
	p[n++] = array_or_null(arena, a->soft_kinds, a->nsoft_kinds);
	p[n++] = a->soft_kind_words != NULL ? a->soft_kind_words : "";
	p[n++] = a->soft_years;
	p[n++] = a->soft_year_words != NULL ? a->soft_year_words : "";
	p[n++] = db_int(arena, SEARCH_CAP + 1);
	p[n++] = a->title;
	p[n++] = db_array(arena, a->labels, a->nlabels);
	return p;
}

void
store_search_text(struct arena *arena, const struct search_ask *a, struct db_call *call)
{
	call->query = &store_search_queries[a->reader.all ? Q_SEARCH_TEXT_ALL : Q_SEARCH_TEXT];
	call->params = leg_params(arena, a);
	call->nparams = TEXT_PARAMS;
}

void
store_search_metadata(struct arena *arena, const struct search_ask *a, struct db_call *call)
{
	unsigned query = a->reader.all ? Q_SEARCH_METADATA_ALL : Q_SEARCH_METADATA;

	call->query = &store_search_queries[query];
	call->params = leg_params(arena, a);
	call->nparams = METADATA_PARAMS;
}

void
store_search_candidates(struct arena *arena, const struct rows *rows, struct candidate **out,
    size_t *n)
{
	*n = rows_count(rows);
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
store_search_items(struct db *db, struct arena *arena, const struct items_ask *ask,
    struct items_found *found, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, &store_search_queries[Q_SEARCH_ITEMS],
		DB_PARAMS(ask->reader->user_id, ask->reader->all ? "true" : "false",
		    db_array(arena, ask->ids, ask->nids), ask->any_text, ask->prefix),
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
