/*
 * Fuzz target: signatures from strangers. First line: the Authorization header; the rest: a raw
 * query. None of them verifies.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/str.h"
#include "store/sigv4.h"

#include "core/banned.h"

#define NOW (1795338301LL * US_PER_SEC)

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
judge(struct arena *arena, const struct sigv4_claim *claim, const struct sigv4_pair *query,
    size_t n, const char *date)
{
	struct sigv4_pair *headers = arena_array(arena, claim->nsigned + 1, sizeof(*headers));
	struct sigv4_request req = { "GET", "/bucket/a key", query, n, headers, claim->nsigned,
		SIGV4_UNSIGNED };
	struct sigv4_signer signer;
	struct error err = { 0 };

	for (size_t i = 0; i < claim->nsigned; i++)
		headers[i] = (struct sigv4_pair) { claim->signed_headers[i], " a  b " };
	/* A secret that the input cannot know. */
	sigv4_signer_init(&signer, claim->access, "\x01\x02\x03", claim->region, claim->service);
	if (sigv4_verify(&signer, arena, claim, &req, date, NOW, &err))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sigv4_pair *query = NULL;
	struct sigv4_claim claim;
	struct error err = { 0 };
	struct arena arena;
	char *text, *line;
	size_t n = 0;

	arena_init(&arena);
	text = arena_strndup(&arena, (const char *)data, size);
	if ((line = strchr(text, '\n')) != NULL)
		*line++ = '\0';
	if (!sigv4_split_query(&arena, line != NULL ? line : "", &query, &n))
		n = 0;
	if (n > SIGV4_PAIRS_MAX)
		abort();
	if (sigv4_parse_authorization(&arena, text, &claim, &err))
		judge(&arena, &claim, query, n, "20261122T090501Z");
	if (sigv4_is_presigned(query, n) && sigv4_parse_query(&arena, query, n, &claim, &err))
		judge(&arena, &claim, query, n, claim.date);
	arena_clear(&arena);
	return 0;
}
