/*
 * Adds parts of notes as a sync would, in one transaction. Run by t/440-notifications.t:
 *
 *	notify-parts CONNINFO < PARTS
 *
 * PARTS: a JSON array of {kind, group, groupTitle?, wider?, widerTitle?, title?,
 * mediaId?, user?, failed?, items?}. The
 * setting notifications.group_seconds comes from the environment, as in every program.
 */
#include <stdio.h>

#include <cJSON.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "service/call.h"
#include "service/notify/notify_group.h"
#include "service/services.h"
#include "store/pg.h"
#include "core/banned.h"

#define TIMEOUT_MS 10000
#define INPUT_CHUNK 65536

static const char *
input(struct arena *arena, size_t *len)
{
	static char chunk[INPUT_CHUNK];
	struct buf buf;
	size_t n;

	buf_init(&buf, arena, 0);
	while ((n = fread(chunk, 1, sizeof(chunk), stdin)) > 0)
		buf_add(&buf, chunk, n);
	*len = buf.len;
	return buf.data;
}

static bool
add(struct services *svc, struct arena *arena, struct error *err)
{
	size_t len, n = 0;
	const char *text = input(arena, &len);
	const struct cJSON *list = json_parse(arena, text, len, err), *one;
	struct notify_part *parts;

	if (list == NULL)
		return false;
	parts = arena_array(arena, (size_t)cJSON_GetArraySize(list), sizeof(*parts));
	cJSON_ArrayForEach (one, list)
		parts[n++] = (struct notify_part) {
			.kind = json_str(one, "kind", "library.new"),
			.group = json_str(one, "group", ""),
			.group_title = json_str(one, "groupTitle", NULL),
			.wider = json_str(one, "wider", NULL),
			.wider_title = json_str(one, "widerTitle", NULL),
			.title = json_str(one, "title", NULL),
			.media_id = json_str(one, "mediaId", NULL),
			.user = json_str(one, "user", NULL),
			.failed = json_bool(one, "failed", false),
			.items = json_int(one, "items", 0),
		};
	return db_begin(svc->db, err) &&
	    db_end(svc->db, notify_together(SYSTEM_CALL(svc, arena), parts, n, err), err);
}

int
main(int argc, char **argv)
{
	struct services svc = { 0 };
	struct arena arena;
	struct error err;
	bool ok;

	error_clear(&err);
	if (argc != 2) {
		fputs("usage: notify-parts CONNINFO < PARTS\n", stderr);
		return 64;
	}
	arena_init(&arena);
	svc.config = config_load("/dev/null", &err);
	svc.db = db_new(argv[1], TIMEOUT_MS, NULL);
	ok = svc.config != NULL && add(&svc, &arena, &err);
	if (!ok)
		fprintf(stderr, "%s: %s\n", err.message, err.detail);
	db_free(svc.db);
	config_free(svc.config);
	arena_clear(&arena);
	return ok ? 0 : 1;
}
