#include "store/store_admin.h"

#include <hiredis/hiredis.h>
#include <string.h>

#include "core/arena.h"
#include "core/str.h"
#include "model/media.h"
#include "store/redis.h"
#include "store/store_audit.h"
#include "store/sql_admin.h"

#include "core/banned.h"

#define Q(id) (&store_admin_queries[id])

bool
store_audit_list(struct db *db, struct arena *arena, const struct store_audit_filter *f,
    struct audit_row **out, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_AUDIT_LIST),
		DB_PARAMS(f->actor, f->action, f->target, db_time(arena, f->from),
		    db_time(arena, f->to), f->before == 0 ? NULL : db_int(arena, f->before),
		    db_int(arena, f->limit)),
		&rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n + 1, sizeof(**out));
	for (size_t i = 0; i < *n; i++) {
		(*out)[i] = store_audit_row(rows, i);
		(*out)[i].actor_name = rows_str(rows, i, STORE_AUDIT_COLUMNS);
		(*out)[i].target_name = rows_str(rows, i, STORE_AUDIT_COLUMNS + 1);
	}
	return true;
}

static struct amounts
amounts_of(struct arena *arena, const struct rows *rows)
{
	struct amounts out = { .n = rows_count(rows) };

	out.items = arena_array(arena, out.n + 1, sizeof(*out.items));
	for (size_t i = 0; i < out.n; i++)
		out.items[i] = (struct amount) { rows_str(rows, i, 0), rows_int(rows, i, 1),
			rows_int(rows, i, 2) };
	return out;
}

static int64_t
quota_of(const struct rows *rows, size_t i, int col)
{
	return rows_null(rows, i, col) ? -1 : rows_int(rows, i, col);
}

static void
count_people(const struct rows *rows, struct figures *out)
{
	enum role role;

	for (size_t i = 0; i < rows_count(rows); i++) {
		if (!role_parse(rows_str(rows, i, 0), &role))
			continue;
		out->people[role] = rows_int(rows, i, 1);
		out->active[role] = rows_int(rows, i, 2);
	}
}

bool
store_figures(struct db *db, struct arena *arena, const struct figures_ask *ask,
    struct figures *out, struct error *err)
{
	const char *months[] = { db_int(arena, ask->months) },
		   *people[] = { db_int(arena, ask->people) };
	struct db_call calls[] = {
		{ .query = Q(Q_ADMIN_PEOPLE) },
		{ .query = Q(Q_ADMIN_MEDIA_KINDS) },
		{ .query = Q(Q_ADMIN_MEDIA_STATES) },
		{ .query = Q(Q_ADMIN_MEDIA_MONTHS), .params = months, .nparams = 1 },
		{ .query = Q(Q_ADMIN_STORAGE_PEOPLE), .params = people, .nparams = 1 },
	};
	const struct rows *rows;

	*out = (struct figures) { .npersons = 0 };
	if (!db_pipeline(db, arena, calls, sizeof(calls) / sizeof(calls[0]), err))
		return false;
	count_people(calls[0].rows, out);
	out->kinds = amounts_of(arena, calls[1].rows);
	out->states = amounts_of(arena, calls[2].rows);
	out->months = amounts_of(arena, calls[3].rows);
	rows = calls[4].rows;
	out->npersons = rows_count(rows);
	out->persons = arena_array(arena, out->npersons + 1, sizeof(*out->persons));
	for (size_t i = 0; i < out->npersons; i++)
		out->persons[i] = (struct person_storage) {
			.user_id = rows_str(rows, i, 0),
			.display_name = rows_str(rows, i, 1),
			.bytes = rows_int(rows, i, 2),
			.items = rows_int(rows, i, 3),
			.quota = quota_of(rows, i, 4),
		};
	return true;
}

bool
store_storage_of(struct db *db, struct arena *arena, struct strings ids,
    struct person_storage **out, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_ADMIN_STORAGE_OF), DB_PARAMS(db_array(arena, ids.items, ids.n)),
		&rows, err))
		return false;
	*out = arena_array(arena, ids.n + 1, sizeof(**out));
	for (size_t i = 0; i < rows_count(rows) && i < ids.n; i++)
		(*out)[i] = (struct person_storage) {
			.user_id = ids.items[i],
			.bytes = rows_int(rows, i, 0),
			.quota = quota_of(rows, i, 1),
		};
	return true;
}

bool
store_failures(struct db *db, struct arena *arena, const struct media_reader *reader,
    struct failure_group **out, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_ADMIN_FAILURES),
		DB_PARAMS(reader->user_id, reader->all ? "t" : "f"), &rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n + 1, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = (struct failure_group) {
			.code = rows_str(rows, i, 0),
			.n = rows_int(rows, i, 1),
			.message = rows_str(rows, i, 2),
			.media_id = rows_str(rows, i, 3),
			.title = rows_str(rows, i, 4),
		};
	return true;
}

bool
store_failures_lock(struct db *db, struct arena *arena, const char *code, int limit,
    struct failed_item **out, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_ADMIN_FAILURES_LOCK), DB_PARAMS(code, db_int(arena, limit)),
		&rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n + 1, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = (struct failed_item) { rows_str(rows, i, 0), rows_str(rows, i, 1) };
	return true;
}

bool
store_postgres_load(struct db *db, struct arena *arena, struct postgres_load *out,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_ADMIN_DATABASE), DB_NO_PARAMS, &rows, err))
		return false;
	*out = (struct postgres_load) { rows_str(rows, 0, 0), rows_int(rows, 0, 1) };
	return true;
}

bool
store_queues_load(struct db *db, struct arena *arena, struct queue_load **out, size_t *n,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_ADMIN_QUEUES), DB_NO_PARAMS, &rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n + 1, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = (struct queue_load) { rows_str(rows, i, 0), rows_int(rows, i, 1),
			rows_int(rows, i, 2), rows_int(rows, i, 3) };
	return true;
}

/* The text of a line "name:text" of INFO; "" when there is none. */
static const char *
info_text(struct arena *arena, const char *info, const char *name)
{
	const char *at = strstr(info, name);

	if (at == NULL)
		return "";
	at += strlen(name);
	return arena_strndup(arena, at, strcspn(at, "\r\n"));
}

bool
store_redis_load(struct redis *redis, struct arena *arena, struct redis_load *out,
    struct error *err)
{
	struct redisReply *server, *memory;

	*out = (struct redis_load) { .version = "" };
	if (!redis_command(redis, arena, REDIS_ARGV("INFO", "server"), &server, err) ||
	    !redis_command(redis, arena, REDIS_ARGV("INFO", "memory"), &memory, err))
		return false;
	if (server->type == REDIS_REPLY_STRING)
		out->version = info_text(arena, server->str, "redis_version:");
	if (memory->type == REDIS_REPLY_STRING)
		str_to_int(info_text(arena, memory->str, "used_memory:"), 0, INT64_MAX, &out->used);
	return true;
}
