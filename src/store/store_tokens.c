#include "store/store_tokens.h"

#include "core/arena.h"

#include "core/banned.h"

#define LIVE "revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())"
#define EXPIRES SQL_US("t.expires_at")

enum { Q_USE, Q_ADD, Q_LIST, Q_REVOKE };

#define TIMES SQL_US("created_at") ", " SQL_US("expires_at") ", " SQL_US("last_used_at")

const struct query store_tokens_queries[] = {
	[Q_USE] = { "token_use",
	    "WITH used AS (UPDATE api_tokens SET last_used_at = now() WHERE hash = $1 AND " LIVE " "
	    "AND (last_used_at IS NULL OR last_used_at < now() - interval '" TOKEN_USE_SECONDS
	    " seconds')) "
	    "SELECT u.id, u.role, u.tier, u.generation, t.scopes, t.expires_at <= now(), t.id,"
	    " " EXPIRES " FROM api_tokens t JOIN users u ON u.id = t.user_id "
	    "WHERE t.hash = $1 AND t.revoked_at IS NULL AND u.status = 'active'",
	    0 },
	[Q_ADD] = { "token_add",
	    "INSERT INTO api_tokens (id, user_id, name, hash, hint, scopes, expires_at)"
	    " SELECT $1, $2::uuid, $3, $4, $5, $6::text[], $7 "
	    "WHERE (SELECT count(*) FROM api_tokens WHERE user_id = $2::uuid AND " LIVE
	    ") < $8::int",
	    0 },
	[Q_LIST] = { "token_list",
	    "SELECT id, name, hint, scopes, " TIMES
	    " FROM api_tokens WHERE user_id = $1 AND revoked_at IS NULL"
	    " ORDER BY created_at DESC, id DESC LIMIT 200",
	    QUERY_READ },
	[Q_REVOKE] = { "token_revoke",
	    "UPDATE api_tokens SET revoked_at = now() WHERE id = $2 AND user_id = $1"
	    " AND revoked_at IS NULL",
	    0 },
	{ .name = NULL },
};
#define Q(id) (&store_tokens_queries[id])

static permission_set
scopes_read(struct arena *arena, const struct rows *rows, size_t row, int col)
{
	permission_set set = 0;
	enum permission permission;
	size_t n;
	const char **names = rows_array(arena, rows, row, col, &n);

	for (size_t i = 0; i < n; i++)
		if (permission_parse(names[i], &permission))
			set |= PERM_BIT(permission);
	return set;
}

static const char *
scopes_literal(struct arena *arena, permission_set scopes)
{
	const char *names[PERMISSIONS];
	size_t n = 0;

	for (enum permission permission = PUBLIC + 1; permission < PERM_SIGNED_IN; permission++)
		if (scopes & PERM_BIT(permission))
			names[n++] = permission_name(permission);
	return db_array(arena, names, n);
}

bool
store_token_use(struct db *db, struct arena *arena, const unsigned char hash[SHA256_SIZE],
    struct store_token_use *use, struct error *err)
{
	struct rows *rows;

	*use = (struct store_token_use) { .owner_id = NULL };
	if (!db_exec(db, arena, Q(Q_USE), DB_PARAMS(db_bytea(arena, hash, SHA256_SIZE)), &rows,
		err))
		return false;
	if (rows_count(rows) == 0 || !role_parse(rows_str(rows, 0, 1), &use->role) ||
	    !tier_parse(rows_str(rows, 0, 2), &use->tier))
		return true;
	use->owner_id = rows_str(rows, 0, 0);
	use->generation = rows_int(rows, 0, 3);
	use->scopes = scopes_read(arena, rows, 0, 4);
	use->expired = rows_bool(rows, 0, 5);
	use->id = rows_str(rows, 0, 6);
	use->expires_at = rows_int(rows, 0, 7);
	return true;
}

bool
store_token_add(struct db *db, struct arena *arena, const struct store_token_new *t, bool *added,
    struct error *err)
{
	return db_change(db, arena, Q(Q_ADD),
	    DB_PARAMS(t->id, t->user_id, t->name, db_bytea(arena, t->hash, SHA256_SIZE), t->hint,
		scopes_literal(arena, t->scopes), db_time(arena, t->expires_at),
		db_int(arena, t->max)),
	    added, err);
}

bool
store_token_list(struct db *db, struct arena *arena, const char *user_id, struct api_token **tokens,
    size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_LIST), DB_PARAMS(user_id), &rows, err))
		return false;
	*n = rows_count(rows);
	*tokens = arena_array(arena, *n, sizeof(**tokens));
	for (size_t i = 0; i < *n; i++)
		(*tokens)[i] = (struct api_token) {
			.id = rows_str(rows, i, 0),
			.name = rows_str(rows, i, 1),
			.hint = rows_str(rows, i, 2),
			.scopes = scopes_read(arena, rows, i, 3),
			.created_at = rows_int(rows, i, 4),
			.expires_at = rows_int(rows, i, 5),
			.last_used_at = rows_int(rows, i, 6),
		};
	return true;
}

bool
store_token_revoke(struct db *db, struct arena *arena, const char *user_id, const char *id,
    bool *revoked, struct error *err)
{
	return db_change(db, arena, Q(Q_REVOKE), DB_PARAMS(user_id, id), revoked, err);
}
