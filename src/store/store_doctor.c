/* See store_doctor.h. */
#include "store/store_doctor.h"

#include <hiredis/hiredis.h>
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "store/redis.h"
#include "core/banned.h"

enum { Q_FACTS };

const struct query store_doctor_queries[] = {
	[Q_FACTS] = { "server_facts",
	    "SELECT current_setting('server_version'), current_setting('server_version_num'),"
	    " r.rolname, r.rolsuper,"
	    " has_schema_privilege(r.rolname, 'public', 'CREATE'),"
	    " ARRAY(SELECT e FROM unnest('{unaccent,pg_trgm}'::text[]) e"
	    " WHERE e NOT IN (SELECT extname FROM pg_extension)),"
	    " pg_encoding_to_char(d.encoding)"
	    " FROM pg_roles r, pg_database d WHERE r.rolname = current_user"
	    " AND d.datname = current_database()",
	    QUERY_READ },
	{ .name = NULL },
};

bool
store_server_facts(struct db *db, struct arena *arena, struct server_facts *out, struct error *err)
{
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
	return true;
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
	if (!redis_command(redis, arena, REDIS_ARGV("CONFIG", "GET", "maxmemory-policy"), &reply,
		err)) {
		error_clear(err); /* managed servers forbid CONFIG */
		return true;
	}
	if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2)
		out->policy = arena_strdup(arena, reply->element[1]->str);
	return true;
}
