#include "service/gate/forgotten.h"

#include <hiredis/hiredis.h>
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/id.h"
#include "core/str.h"
#include "service/call.h"
#include "service/services.h"
#include "store/redis.h"
#include "store/store_process.h"

#include "core/banned.h"

/* The people among the fields of a hash, each field the prefix and an id. */
static struct strings
people_of(struct arena *arena, const struct redisReply *fields, const char *prefix)
{
	const char **ids = arena_array(arena, fields->elements + 1, sizeof(*ids));
	size_t n = 0, len = strlen(prefix);

	for (size_t i = 0; i < fields->elements; i++) {
		const char *field = fields->element[i]->str;

		if (field != NULL && strncmp(field, prefix, len) == 0 && uuid_valid(field + len))
			ids[n++] = field + len;
	}
	return (struct strings) { ids, n };
}

/* The fields are read before PostgreSQL is asked, so a person who is new by then is known there. */
static bool
forget_in(const struct call *call, const char *hash, const char *prefix, struct error *err)
{
	struct redis *redis = call->svc->redis;
	const char *key = redis_key(redis, call->arena, "%s", hash);
	struct redisReply *fields;
	struct strings gone;
	struct error ignored;

	if (!redis_command(redis, call->arena, REDIS_ARGV("HKEYS", key), &fields, &ignored) ||
	    fields->type != REDIS_REPLY_ARRAY)
		return true;
	if (!store_process_gone(call->svc->db, call->arena, people_of(call->arena, fields, prefix),
		&gone, err))
		return false;
	for (size_t i = 0; i < gone.n; i++)
		if (!redis_command(redis, call->arena,
			REDIS_ARGV("HDEL", key,
			    arena_printf(call->arena, "%s%s", prefix, gone.items[i])),
			NULL, &ignored))
			return true;
	return true;
}

bool
forget_people(const struct call *call, struct error *err)
{
	return forget_in(call, "gen", "", err) && forget_in(call, "ver", "u:", err);
}
