/* Fuzz target: queries of the search field. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/str.h"
#include "service/catalogue/search_words.h"

#include "core/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* No input may become an operator: outside quotes there are only spaces, minus signs and 'or'. */
static void
check_text(const char *text)
{
	bool quoted = false;

	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '"')
			quoted = !quoted;
		else if (!quoted && strchr(" -or", *p) == NULL)
			abort();
		else if (quoted && (unsigned char)*p < 0x80 && strchr("'\\!&|()<>:*", *p) != NULL)
			abort();
	}
	if (quoted)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct search_ask ask = { .text = "" };
	struct search_query q;
	struct arena arena;

	arena_init(&arena);
	search_parse(&arena, arena_strndup(&arena, (const char *)data, size), &q);
	for (size_t i = 0; i < q.nterms; i++) {
		if (q.terms[i].text[0] == '\0' ||
		    strpbrk(search_words_prefix(&arena, q.terms[i].text) + 1, "\\") != NULL)
			abort();
		search_words_distance(q.terms[i].text, q.terms[0].text, 3);
	}
	for (int join = WORDS_ALL; join <= WORDS_SHOWN; join++)
		check_text(search_words_text(&arena, &q, q.nterms, (enum words_join)join));
	search_words_labels(&arena, &q, &ask);
	search_words_soft(&arena, &q, &ask);
	if (q.id_value != NULL && strspn(q.id_value, "t0123456789") != strlen(q.id_value))
		abort();
	arena_clear(&arena);
	return 0;
}
