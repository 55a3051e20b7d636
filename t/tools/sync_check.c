/*
 * The sync against a real database:
 *
 *	sync-check CONFIG add NAME URL TOKEN	sets a media server up; prints its id
 */
#include <stdio.h>
#include <string.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/id.h"
#include "service/call.h"
#include "service/seal.h"
#include "service/services.h"
#include "store/pg.h"
#include "core/banned.h"

static struct arena arena;
static struct services svc;
static const struct log context = { .component = "sync-check" };

static const struct query q_add = { "add",
	"INSERT INTO media_servers (id, kind, name, url, token) VALUES ($1, 'plex', $2, $3, $4)",
	0 };

static int
fail(const struct error *err)
{
	fprintf(stderr, "%s %s\n", err->message, err->detail);
	return 1;
}

static int
add(const struct call *call, char **argv)
{
	struct error err;
	char id[UUID_TEXT];
	const char *sealed;

	uuid_v7(id);
	if (!seal_text(call, (struct seal_place) { "media_servers", id, "token" }, argv[2],
		strlen(argv[2]), &sealed, &err) ||
	    !db_exec(svc.db, &arena, &q_add, DB_PARAMS(id, argv[0], argv[1], sealed), NULL, &err))
		return fail(&err);
	puts(id);
	return 0;
}

int
main(int argc, char **argv)
{
	struct error err;
	struct config *config;
	int status = 64;

	if (argc < 3)
		return status;
	arena_init(&arena);
	config = config_load(argv[1], &err);
	if (config == NULL ||
	    !services_init(&svc, config, (struct log *)(uintptr_t)&context, SERVICES_WORKER, &err))
		return fail(&err);
	if (strcmp(argv[2], "add") == 0 && argc == 6)
		status = add(SYSTEM_CALL(&svc, &arena), argv + 3);
	services_clear(&svc);
	config_free(config);
	arena_clear(&arena);
	return status;
}
