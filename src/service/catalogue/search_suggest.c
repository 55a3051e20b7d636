/* Suggestions of the search field while a person types. */
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "service/call.h"
#include "service/catalogue/search.h"
#include "service/catalogue/search_parse.h"
#include "service/catalogue/search_words.h"
#include "service/services.h"
#include "store/store_search.h"
#include "core/banned.h"

/* Returns the words before the last one, as typed, with a space at the end. */
static const char *
head(struct arena *arena, const struct search_query *q)
{
	struct search_query before = *q;

	before.nterms--;
	return before.nterms == 0 ? "" :
				    arena_printf(arena, "%s ", search_words_plain(arena, &before));
}

static bool
has(const struct search_suggestion *list, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (str_ieq(list[i].text, text))
			return true;
	return false;
}

bool
search_suggest(const struct call *call, const char *text, enum media_scope scope,
    struct search_suggestion **out, size_t *n, struct error *err)
{
	struct media_reader reader;
	struct suggest_ask ask = { .reader = &reader, .word = "", .limit = SEARCH_SUGGESTIONS };
	struct suggestions rows;
	struct search_query q;

	*n = 0;
	media_reader_in(call->by.who, scope, &reader);
	search_parse(call->arena, text, &q);
	if (q.nterms == 0)
		return true;
	if (q.typing && strlen(q.terms[q.nterms - 1].text) >= SEARCH_BEGINNING_MIN)
		ask.word = q.terms[q.nterms - 1].text;
	ask.title = search_words_plain(call->arena, &q);
	if (!store_search_suggest(call->svc->db, call->arena, &ask, &rows, err))
		return false;
	*out = arena_array(call->arena, rows.n, sizeof(**out));
	for (size_t i = 0; i < rows.n; i++) {
		const struct suggestion_row *row = &rows.items[i];
		const char *whole = str_eq(row->kind, "title") ?
		    row->text :
		    arena_printf(call->arena, "%s%s", head(call->arena, &q), row->text);

		if (!has(*out, *n, whole))
			(*out)[(*n)++] = (struct search_suggestion) { whole, row->kind,
				row->media_id, row->media_kind };
	}
	return true;
}
