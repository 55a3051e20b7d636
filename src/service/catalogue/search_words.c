/* See search_words.h. */
#include "service/catalogue/search_words.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "service/call.h"
#include "service/services.h"
#include "store/pg.h"
#include "core/banned.h"

#define WORD_MAX 64 /* characters; longer ones are not corrected */
#define TEXT_MAX 4096

static bool
is_not(const struct search_term *t)
{
	return t->kind == TERM_NOT || t->kind == TERM_NOT_PHRASE;
}

size_t
search_words_count(const struct search_query *q, enum term_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < q->nterms; i++)
		n += q->terms[i].kind == kind ? 1 : 0;
	return n;
}

/* The sign of mn_search_terms(), or NUL for a term that is none there. */
static char
sign_of(const struct search_term *t, enum words_join join)
{
	switch (t->kind) {
	case TERM_WORD: return join == WORDS_ALL ? '~' : '|';
	case TERM_PHRASE: return '=';
	case TERM_NOT: return '-';
	case TERM_NOT_PHRASE: return '!';
	case TERM_YEAR:
	case TERM_MEDIA_KIND: break;
	}
	return '\0';
}

const char *
search_words_terms(struct arena *arena, const struct search_query *q, size_t nterms,
    enum words_join join)
{
	const char *terms[SEARCH_TERMS_MAX + 2 * SEARCH_TAGS_MAX + 1];
	size_t n = 0;

	for (size_t i = 0; i < nterms; i++) {
		char sign = sign_of(&q->terms[i], join);

		if (sign != '\0')
			terms[n++] = arena_printf(arena, "%c%s", sign, q->terms[i].text);
	}
	for (size_t i = 0; i < q->ntags; i++)
		terms[n++] = arena_printf(arena, "#%s", q->tags[i]);
	for (size_t i = 0; i < q->n_not_tags; i++)
		terms[n++] = arena_printf(arena, "^%s", q->not_tags[i]);
	if (q->camera != NULL)
		terms[n++] = arena_printf(arena, "&%s", q->camera);
	return db_array(arena, terms, n);
}

const char *
search_words_shown(struct arena *arena, const struct search_query *q)
{
	const char *words[SEARCH_TERMS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < q->nterms; i++)
		if (!is_not(&q->terms[i]))
			words[n++] = q->terms[i].text;
	return db_array(arena, words, n);
}

const char *
search_words_plain(struct arena *arena, const struct search_query *q)
{
	struct buf buf;

	buf_init(&buf, arena, TEXT_MAX);
	for (size_t i = 0; i < q->nterms; i++)
		if (!is_not(&q->terms[i]))
			buf_addf(&buf, "%s%s", buf.len > 0 ? " " : "", q->terms[i].text);
	return buf.data;
}

const char *
search_words_again(struct arena *arena, const struct search_query *q)
{
	struct buf buf;

	buf_init(&buf, arena, TEXT_MAX);
	for (size_t i = 0; i < q->nterms; i++) {
		const struct search_term *t = &q->terms[i];
		bool quoted = t->kind == TERM_PHRASE || strchr(t->text, ' ') != NULL ||
		    t->kind == TERM_NOT_PHRASE;

		buf_addf(&buf, "%s%s%s%s%s", buf.len > 0 ? " " : "", is_not(t) ? "-" : "",
		    quoted ? "\"" : "", t->text, quoted ? "\"" : "");
	}
	buf_adds(&buf, buf.len > 0 || *q->filters == '\0' ? q->filters : q->filters + 1);
	return buf.data;
}

static void
phrase_split(struct arena *arena, struct search_query *q, const char *phrase)
{
	for (const char *p = phrase + strspn(phrase, " "); *p != '\0'; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");

		if (q->nterms < SEARCH_TERMS_MAX)
			q->terms[q->nterms++] = (struct search_term) { .kind = TERM_WORD,
				.text = arena_strndup(arena, p, len) };
		p += len;
	}
}

void
search_words_loosen(struct arena *arena, struct search_query *q)
{
	const struct search_query typed = *q;

	q->nterms = 0;
	for (size_t i = 0; i < typed.nterms; i++)
		if (typed.terms[i].kind == TERM_PHRASE)
			phrase_split(arena, q, typed.terms[i].text);
		else if (q->nterms < SEARCH_TERMS_MAX)
			q->terms[q->nterms++] = typed.terms[i];
}

void
search_words_year(struct search_query *q, struct search_ask *ask)
{
	struct search_term *year = NULL;

	for (size_t i = 0; i < q->nterms; i++) {
		if (is_not(&q->terms[i]))
			continue;
		if (year != NULL || q->terms[i].kind != TERM_YEAR)
			return;
		year = &q->terms[i];
	}
	if (year == NULL)
		return;
	ask->year = year->year;
	*year = (struct search_term) { .kind = TERM_WORD, .text = year->text };
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

/* Kinds, years and the words for them, of the terms that are wanted or that are not. */
struct soft {
	const char *kinds[SEARCH_KINDS_MAX], *kind_words[SEARCH_TERMS_MAX];
	const char *years[SEARCH_TERMS_MAX], *year_words[SEARCH_TERMS_MAX];
	size_t nkinds, nkind_words, nyears;
};

static void
soft_collect(struct arena *arena, const struct search_query *q, bool not, struct soft *soft)
{
	for (size_t i = 0; i < q->nterms; i++) {
		const struct search_term *t = &q->terms[i];

		if (is_not(t) != not)
			continue;
		if (t->year != 0) {
			soft->years[soft->nyears] = db_int(arena, t->year);
			soft->year_words[soft->nyears++] = t->text;
		}
		if (t->kinds == NULL)
			continue;
		soft->kind_words[soft->nkind_words++] = t->text;
		for (size_t k = 0; t->kinds[k] != NULL && soft->nkinds < SEARCH_KINDS_MAX; k++)
			soft->kinds[soft->nkinds++] = t->kinds[k];
	}
}

void
search_words_soft(struct arena *arena, const struct search_query *q, struct search_ask *ask)
{
	struct soft *soft = arena_alloc(arena, sizeof(*soft));

	soft_collect(arena, q, false, soft);
	if (soft->nyears > 0) {
		ask->soft_years = db_array(arena, soft->years, soft->nyears);
		ask->soft_year_words = db_array(arena, soft->year_words, soft->nyears);
	}
	ask->soft_kinds = soft->kinds;
	ask->nsoft_kinds = soft->nkinds;
	if (soft->nkinds > 0)
		ask->soft_kind_words = db_array(arena, soft->kind_words, soft->nkind_words);
}

void
search_words_exclude(struct arena *arena, const struct search_query *q, struct search_ask *ask)
{
	struct soft *soft = arena_alloc(arena, sizeof(*soft));
	const char *ranges[SEARCH_TERMS_MAX + SEARCH_YEARS_MAX];
	size_t n = 0;

	soft_collect(arena, q, true, soft);
	for (size_t i = 0; i < q->n_not_kinds && soft->nkinds < SEARCH_KINDS_MAX; i++)
		soft->kinds[soft->nkinds++] = q->not_kinds[i];
	ask->not_kinds = soft->kinds;
	ask->n_not_kinds = soft->nkinds;
	for (size_t i = 0; i < soft->nyears; i++)
		ranges[n++] = arena_printf(arena, "[%s,%s]", soft->years[i], soft->years[i]);
	for (size_t i = 0; i < q->n_not_years; i++)
		ranges[n++] = arena_printf(arena, "[%lld,%lld]", (long long)q->not_years[i].from,
		    (long long)q->not_years[i].to);
	ask->not_years = n > 0 ? db_array(arena, ranges, n) : NULL;
}

/* The characters of a word as numbers, which need not be its code points; max + 1: it has more. */
static size_t
letters_of(const char *word, uint32_t letters[WORD_MAX])
{
	size_t n = 0;

	for (const char *p = word; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (n > 0 && (c & 0xC0) == 0x80)
			letters[n - 1] = letters[n - 1] << 8 | c;
		else if (n == WORD_MAX)
			return WORD_MAX + 1;
		else
			letters[n++] = c;
	}
	return n;
}

unsigned
search_words_distance(const char *one, const char *other, unsigned max)
{
	unsigned rows[3][WORD_MAX + 1];
	uint32_t a[WORD_MAX], b[WORD_MAX];
	size_t la = letters_of(one, a), lb = letters_of(other, b);

	if (la > WORD_MAX || lb > WORD_MAX || (la > lb ? la - lb : lb - la) > max)
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
 * Two characters may be all of a word in Chinese.
 */
static unsigned
tolerance(const char *word)
{
	size_t len = utf8_length(word);

	return len <= 2 ? 0 : len <= 4 ? 1 : len <= 8 ? 2 : 3;
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
