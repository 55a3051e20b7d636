/* Fuzz target: what Overseerr answers, read as each of the things that it may be. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client/overseerr_read.h"
#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"

#include "core/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* What is kept is well-formed, whatever came. */
static void
check(const char *text)
{
	if (text != NULL && !utf8_valid(text, strlen(text)))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct overseerr_account account;
	struct overseerr_request request;
	struct overseerr_title title;
	struct arena arena;
	struct error err;
	const struct cJSON *json;

	arena_init(&arena);
	error_clear(&err);
	json = json_parse(&arena, (const char *)data, size, &err);
	if (json != NULL) {
		if (overseerr_read_account(&arena, json, &account) &&
		    (account.id <= 0 || strchr(account.name, '@') != NULL))
			abort();
		if (overseerr_read_request(&arena, json, &request) &&
		    (request.id <= 0 || request.nseasons > OVERSEERR_SEASONS_MAX))
			abort();
		if (overseerr_read_title(&arena, json, "tv", &title)) {
			check(title.title);
			check(title.overview);
		}
	}
	arena_clear(&arena);
	return 0;
}
