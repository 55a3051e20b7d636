/* See search_words.h. */
#include "service/catalogue/search_words.h"

#include <stdio.h>
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "service/call.h"
#include "service/services.h"
#include "core/banned.h"

#define WORD_BYTES_MAX 64 /* longer ones are not corrected */
#define TEXT_MAX 4096

static bool
is_soft(const struct search_term *t)
{
	return t->kind == TERM_YEAR || t->kind == TERM_MEDIA_KIND;
}

const char *
search_words_text(struct arena *arena, const struct search_query *q, size_t nterms,
    enum words_join join)
{
	struct buf buf;

	buf_init(&buf, arena, TEXT_MAX);
	for (size_t i = 0; i < nterms; i++) {
		const struct search_term *t = &q->terms[i];

		if ((join != WORDS_SHOWN && is_soft(t)) ||
		    (join != WORDS_ALL && t->kind == TERM_NOT))
			continue;
		if (buf.len > 0)
			buf_adds(&buf, join == WORDS_ALL ? " " : " or ");
		buf_addf(&buf, "%s\"%s\"", t->kind == TERM_NOT ? "-" : "", t->text);
	}
	return buf.data;
}

const char *
search_words_prefix(struct arena *arena, const char *word)
{
	return arena_printf(arena, "'%s':*", word); /* the parser left no quote in it */
}

const char *
search_words_plain(struct arena *arena, const struct search_query *q)
{
	struct buf buf;

	buf_init(&buf, arena, TEXT_MAX);
	for (size_t i = 0; i < q->nterms; i++)
		if (q->terms[i].kind != TERM_NOT)
			buf_addf(&buf, "%s%s", buf.len > 0 ? " " : "", q->terms[i].text);
	return buf.data;
}

const char *
search_words_title(struct arena *arena, const struct search_query *q)
{
	for (size_t i = 0; i < q->nterms; i++)
		if (q->terms[i].kind == TERM_NOT)
			return "";
	return search_words_plain(arena, q);
}

/* Returns each word, and all of them together, in the form of tags. */
void
search_words_labels(struct arena *arena, const struct search_query *q, struct search_ask *ask)
{
	const char **labels = arena_array(arena, q->nterms + 1, sizeof(*labels));
	size_t n = 0;

	for (size_t i = 0; i < q->nterms; i++)
		if (q->terms[i].kind == TERM_WORD || q->terms[i].kind == TERM_PHRASE)
			labels[n++] = q->terms[i].text;
	if (n > 1)
		labels[n++] = search_words_plain(arena, q);
	ask->labels = labels;
	ask->nlabels = n;
}

void
search_words_soft(struct arena *arena, const struct search_query *q, struct search_ask *ask)
{
	struct buf years, year_words, kind_words;
	const char **kinds = arena_array(arena, SEARCH_KINDS_MAX, sizeof(*kinds));

	buf_init(&years, arena, TEXT_MAX);
	buf_init(&year_words, arena, TEXT_MAX);
	buf_init(&kind_words, arena, TEXT_MAX);
	for (size_t i = 0; i < q->nterms; i++) {
		const struct search_term *t = &q->terms[i];

		if (t->kind == TERM_YEAR) {
			buf_addf(&years, "%s%lld", years.len > 0 ? "," : "{", (long long)t->year);
			buf_addf(&year_words, "%s\"%s\"", year_words.len > 0 ? " or " : "",
			    t->text);
		} else if (t->kind == TERM_MEDIA_KIND) {
			for (size_t k = 0;
			    t->kinds[k] != NULL && ask->nsoft_kinds < SEARCH_KINDS_MAX; k++)
				kinds[ask->nsoft_kinds++] = t->kinds[k];
			buf_addf(&kind_words, "%s\"%s\"", kind_words.len > 0 ? " or " : "",
			    t->text);
		}
	}
	if (years.len > 0) {
		buf_addc(&years, '}');
		ask->soft_years = years.data;
		ask->soft_year_words = year_words.data;
	}
	ask->soft_kinds = kinds;
	ask->soft_kind_words = kind_words.data;
}

unsigned
search_words_distance(const char *a, const char *b, unsigned max)
{
	unsigned rows[3][WORD_BYTES_MAX + 1];
	size_t la = strlen(a), lb = strlen(b);

	if (la > WORD_BYTES_MAX || lb > WORD_BYTES_MAX || (la > lb ? la - lb : lb - la) > max)
		return max + 1;
	for (size_t j = 0; j <= lb; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3],
			 *above2 = rows[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned best = above[j - 1] + (a[i - 1] != b[j - 1]);

			best = above[j] + 1 < best ? above[j] + 1 : best;
			best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    above2[j - 2] + 1 < best)
				best = above2[j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[la % 3][lb] <= max ? rows[la % 3][lb] : max + 1;
}

/*
 * The number of wrong letters allowed: one in short words, two in longer ones, three in long ones.
 */
static unsigned
tolerance(const char *word)
{
	size_t len = strlen(word);

	return len <= 4 ? 1 : len <= 8 ? 2 : 3;
}

/*
 * Returns the nearest candidate for a word; among equally near ones the first, which is the most
 * similar. NULL: no candidate is near enough.
 */
static const char *
nearest(const char *word, const struct word_candidates *list)
{
	unsigned best = tolerance(word) + 1;
	const char *found = NULL;

	for (size_t i = 0; i < list->n; i++) {
		const char *similar = list->items[i].similar;
		unsigned d;

		if (similar == NULL || !str_eq(list->items[i].word, word))
			continue;
		d = search_words_distance(word, similar, tolerance(word));
		if (d < best) {
			best = d;
			found = similar;
		}
	}
	return found;
}

bool
search_words_correct(const struct call *call, const struct media_reader *reader,
    struct search_query *q, bool *changed, struct error *err)
{
	const char *words[CORRECT_WORDS_MAX];
	struct similar_ask ask = { .reader = reader, .words = words };
	struct word_candidates list;

	*changed = false;
	for (size_t i = 0; i < q->nterms && ask.nwords < CORRECT_WORDS_MAX; i++)
		if (q->terms[i].kind == TERM_WORD && strlen(q->terms[i].text) >= CORRECT_LENGTH_MIN)
			words[ask.nwords++] = q->terms[i].text;
	if (ask.nwords == 0)
		return true;
	if (!store_search_similar(call->svc->db, call->arena, &ask, &list, err))
		return false;
	for (size_t i = 0; i < q->nterms; i++) {
		struct search_term *t = &q->terms[i];
		const char *better = t->kind == TERM_WORD ? nearest(t->text, &list) : NULL;

		if (better != NULL && !str_eq(better, t->text)) {
			t->text = better;
			*changed = true;
		}
	}
	return true;
}
