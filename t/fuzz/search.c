/* Fuzz target: queries of the search field. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/str.h"
#include "service/catalogue/search_words.h"

#include "core/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* An array of PostgreSQL: nothing that was typed gets out of its quotation marks. */
static void
check_array(const char *text)
{
	size_t len = strlen(text);
	bool quoted = false;

	if (len < 2 || text[0] != '{' || text[len - 1] != '}')
		abort();
	for (size_t i = 1; i < len - 1; i++) {
		if (text[i] == '"')
			quoted = !quoted;
		else if (quoted && text[i] == '\\')
			i++;
		else if (!quoted && text[i] != ',')
			abort();
	}
	if (quoted)
		abort();
}

static void
check_days(const char *day)
{
	if (day != NULL && (strlen(day) != 10 || strspn(day, "0123456789-") != 10))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct search_ask ask = { .terms = "{}" };
	struct search_query q;
	struct arena arena;

	arena_init(&arena);
	search_parse(&arena, arena_strndup(&arena, (const char *)data, size), &q);
	for (size_t i = 0; i < q.nterms; i++) {
		if (*q.terms[i].text == '\0')
			abort();
		search_words_distance(q.terms[i].text, q.terms[0].text, 3);
	}
	check_days(q.taken_from);
	check_days(q.taken_to);
	check_array(search_words_terms(&arena, &q, q.nterms, WORDS_ALL));
	check_array(search_words_terms(&arena, &q, q.nterms, WORDS_ANY));
	check_array(search_words_shown(&arena, &q));
	search_words_labels(&arena, &q, &ask);
	search_words_soft(&arena, &q, &ask);
	search_words_exclude(&arena, &q, &ask);
	search_words_loosen(&arena, &q);
	search_parse(&arena, search_words_again(&arena, &q), &q);
	if (q.id_value != NULL && strspn(q.id_value, "t0123456789") != strlen(q.id_value))
		abort();
	arena_clear(&arena);
	return 0;
}
