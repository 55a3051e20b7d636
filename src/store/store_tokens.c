#include "store/store_tokens.h"

#include "core/arena.h"

#include "core/banned.h"

#define LIVE "revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())"

enum { Q_USE, Q_ADD, Q_LIST, Q_REVOKE };

const struct query store_tokens_queries[] = {
	[Q_USE] = { "token_use",
	    "WITH used AS (UPDATE api_tokens SET last_used_at = now() WHERE hash = $1 AND " LIVE " "
	    "AND (last_used_at IS NULL OR last_used_at < now() - interval '" TOKEN_USE_SECONDS
	    " seconds')) "
	    "SELECT u.id, u.role, u.tier, u.generation, t.scopes, t.expires_at <= now(), t.id"
	    " FROM api_tokens t JOIN users u ON u.id = t.user_id "
	    "WHERE t.hash = $1 AND t.revoked_at IS NULL AND u.status = 'active'",
	    0 },
	[Q_ADD] = { "token_add",
	    "INSERT INTO api_tokens (id, user_id, name, hash, hint, scopes, expires_at)"
	    " SELECT $1, $2::uuid, $3, $4, $5, $6::text[], $7 "
	    "WHERE (SELECT count(*) FROM api_tokens WHERE user_id = $2::uuid AND " LIVE
	    ") < $8::int",
	    0 },
	[Q_LIST] = { "token_list",
	    "SELECT id, name, hint, scopes, " SQL_US("created_at") ", " SQL_US(
		"expires_at") ","
			      " " SQL_US(
				  "last_used_at") " FROM api_tokens "
						  "WHERE user_id = $1 AND revoked_at IS NULL"
						  " ORDER BY created_at DESC, id DESC LIMIT 200",
	    QUERY_READ },
	[Q_REVOKE] = { "token_revoke",
	    "UPDATE api_tokens SET revoked_at = now() WHERE id = $2 AND user_id = $1"
	    " AND revoked_at IS NULL",
	    0 },
	{ .name = NULL },
};
#define Q(id) (&store_tokens_queries[id])

bool
store_token_use(struct db *db, struct arena *arena, const void *hash, size_t len,
    struct rows **rows, struct error *err)
{
	return db_exec(db, arena, Q(Q_USE), DB_PARAMS(db_bytea(arena, hash, len)), rows, err);
}

bool
store_token_add(struct db *db, struct arena *arena, const struct store_token_new *t, bool *added,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_ADD),
		DB_PARAMS(t->id, t->user_id, t->name, db_bytea(arena, t->hash, t->hash_len),
		    t->hint, t->scopes, db_time(arena, t->expires_at), db_int(arena, t->max)),
		&rows, err))
		return false;
	*added = rows_affected(rows) > 0;
	return true;
}

bool
store_token_list(struct db *db, struct arena *arena, const char *user_id, struct rows **rows,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_LIST), DB_PARAMS(user_id), rows, err);
}

bool
store_token_revoke(struct db *db, struct arena *arena, const char *user_id, const char *id,
    bool *revoked, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_REVOKE), DB_PARAMS(user_id, id), &rows, err))
		return false;
	*revoked = rows_affected(rows) > 0;
	return true;
}
