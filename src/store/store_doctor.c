/* See store_doctor.h. */
#include "store/store_doctor.h"

#include <hiredis/hiredis.h>
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "store/redis.h"
#include "core/banned.h"

enum { Q_FACTS, Q_COLLATION, Q_CLOCK };

const struct query store_doctor_queries[] = {
	[Q_FACTS] = { "server_facts",
	    "SELECT current_setting('server_version'), current_setting('server_version_num'),"
	    " r.rolname, r.rolsuper,"
	    " has_schema_privilege(r.rolname, 'public', 'CREATE'),"
	    " ARRAY(SELECT e FROM unnest('{unaccent,pg_trgm}'::text[]) e"
	    " WHERE e NOT IN (SELECT extname FROM pg_extension)),"
	    " pg_encoding_to_char(d.encoding), d.datname,"
	    " pg_size_bytes(current_setting('shared_buffers')) / 1048576,"
	    " inet_server_addr() IS NULL"
	    " FROM pg_roles r, pg_database d WHERE r.rolname = current_user"
	    " AND d.datname = current_database()",
	    QUERY_READ },
	/* These came with PostgreSQL 15. */
	[Q_COLLATION] = { "server_collation",
	    "SELECT coalesce(datcollversion <>"
	    " coalesce(pg_database_collation_actual_version(oid), ''), false)"
	    " FROM pg_database WHERE datname = current_database()",
	    QUERY_READ },
	[Q_CLOCK] = { "server_clock",
	    "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint", QUERY_READ },
	{ .name = NULL },
};

bool
store_server_facts(struct db *db, struct arena *arena, struct server_facts *out, struct error *err)
{
	struct error unknown = { 0 };
	struct rows *rows;

	if (!db_exec(db, arena, &store_doctor_queries[Q_FACTS], DB_NO_PARAMS, &rows, err))
		return false;
	if (rows_count(rows) != 1)
		return error_set(err, ERR_QUERY, "the server does not report its role");
	out->version = rows_str(rows, 0, 0);
	out->version_num = rows_int(rows, 0, 1);
	out->role = rows_str(rows, 0, 2);
	out->superuser = rows_bool(rows, 0, 3);
	out->creates = rows_bool(rows, 0, 4);
	out->missing = rows_array(arena, rows, 0, 5, &out->nmissing);
	out->encoding = rows_str(rows, 0, 6);
	out->database = rows_str(rows, 0, 7);
	out->buffers_mb = rows_int(rows, 0, 8);
	out->local = rows_bool(rows, 0, 9);
	out->collation_changed =
	    db_exec(db, arena, &store_doctor_queries[Q_COLLATION], DB_NO_PARAMS, &rows, &unknown) &&
	    rows_bool(rows, 0, 0);
	return true;
}

bool
store_server_clock(struct db *db, struct arena *arena, int64_t *now, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, &store_doctor_queries[Q_CLOCK], DB_NO_PARAMS, &rows, err))
		return false;
	*now = rows_int(rows, 0, 0);
	return true;
}

/* The value of a line "name:value" of INFO, or 0. */
static int64_t
info_int(struct arena *arena, const struct redisReply *reply, const char *name)
{
	const char *at = reply->type == REDIS_REPLY_STRING ? strstr(reply->str, name) : NULL;
	int64_t value;

	if (at == NULL)
		return 0;
	at += strlen(name);
	return str_to_int(arena_strndup(arena, at, strcspn(at, "\r\n")), 0, INT64_MAX, &value) ?
	    value :
	    0;
}

bool
store_redis_facts(struct redis *redis, struct arena *arena, struct redis_facts *out,
    struct error *err)
{
	struct redisReply *reply;
	const char *version;

	*out = (struct redis_facts) { .version = "" };
	if (!redis_command(redis, arena, REDIS_ARGV("INFO", "server"), &reply, err))
		return false;
	version = reply->type == REDIS_REPLY_STRING ? strstr(reply->str, "redis_version:") : NULL;
	if (version != NULL) {
		version += strlen("redis_version:");
		out->version = arena_strndup(arena, version, strcspn(version, "\r\n"));
	}
	if (!redis_command(redis, arena, REDIS_ARGV("INFO", "memory"), &reply, err))
		return false;
	out->used = info_int(arena, reply, "used_memory:");
	out->maxmemory = info_int(arena, reply, "maxmemory:");
	if (!redis_command(redis, arena, REDIS_ARGV("CONFIG", "GET", "maxmemory-policy"), &reply,
		err)) {
		error_clear(err); /* managed servers forbid CONFIG */
		return true;
	}
	if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2)
		out->policy = arena_strdup(arena, reply->element[1]->str);
	return true;
}
