/* Words for corrections and suggestions: see store_search.h and sql/search_words.sql. */
#include "store/store_search.h"

#include "core/arena.h"
#include "core/error.h"
#include "store/sql_search_words.h"
#include "core/banned.h"

bool
store_search_similar(struct db *db, struct arena *arena, const struct similar_ask *ask,
    struct word_candidates *out, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, &store_search_words_queries[Q_SEARCH_SIMILAR],
		DB_PARAMS(ask->reader->user_id, db_bool(ask->reader->all),
		    db_array(arena, ask->words, ask->nwords)),
		&rows, err))
		return false;
	out->n = rows_count(rows);
	out->items = arena_array(arena, out->n, sizeof(*out->items));
	for (size_t i = 0; i < out->n; i++)
		out->items[i] = (struct word_candidate) { rows_str(rows, i, 0),
			rows_str(rows, i, 1), rows_int(rows, i, 2) };
	return true;
}

bool
store_search_suggest(struct db *db, struct arena *arena, const struct suggest_ask *ask,
    struct suggestions *out, struct error *err)
{
	unsigned query = ask->reader->all ? Q_SEARCH_SUGGEST_ALL : Q_SEARCH_SUGGEST;
	struct rows *rows;

	if (!db_exec(db, arena, &store_search_words_queries[query],
		DB_PARAMS(ask->reader->user_id, ask->title, ask->word, db_int(arena, ask->limit)),
		&rows, err))
		return false;
	out->n = rows_count(rows);
	out->items = arena_array(arena, out->n, sizeof(*out->items));
	for (size_t i = 0; i < out->n; i++)
		out->items[i] = (struct suggestion_row) { rows_str(rows, i, 0),
			rows_str(rows, i, 1), rows_str(rows, i, 2), rows_str(rows, i, 3) };
	return true;
}
