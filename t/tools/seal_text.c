/*
 * Seals a text for a row that a test writes itself:
 *
 *	seal-text CONFIG TABLE ROW COLUMN TEXT
 *
 * prints what belongs into that column.
 */
#include <stdio.h>
#include <string.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "service/call.h"
#include "service/seal.h"
#include "service/services.h"
#include "core/banned.h"

int
main(int argc, char **argv)
{
	struct arena arena;
	struct log log = { .component = "seal-text" };
	struct services svc;
	struct error err;
	struct config *config;
	const char *sealed;

	if (argc != 6) {
		fputs("usage: seal-text CONFIG TABLE ROW COLUMN TEXT\n", stderr);
		return 64;
	}
	arena_init(&arena);
	error_clear(&err);
	config = config_load(argv[1], &err);
	if (config == NULL || !services_init(&svc, config, &log, SERVICES_WORKER, &err) ||
	    !seal_text(SYSTEM_CALL(&svc, &arena), (struct seal_place) { argv[2], argv[3], argv[4] },
		argv[5], strlen(argv[5]), &sealed, &err)) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	puts(sealed);
	services_clear(&svc);
	config_free(config);
	arena_clear(&arena);
	return 0;
}
