#include "store/store_credentials.h"

#include "core/arena.h"

#include "core/banned.h"

enum { Q_SESSION_ADD, Q_REHASH, Q_HOLDS, Q_CHANGE, Q_LINKS, Q_PINS, Q_TOKENS };

/*
 * $1..$5: struct verified. Evaluated again on the new row when another transaction held the lock,
 * and every change of credentials raises the generation.
 */
#define STILL_HOLDS \
	" id = $1 AND status = 'active' AND generation = $2::bigint" \
	" AND ($3::text IS NULL OR password_hash = $3) AND ($4::text IS NULL OR plex_id = $4)" \
	" AND ($5::boolean IS NULL OR (totp_confirmed_at IS NOT NULL) = $5)"

const struct query store_credentials_queries[] = {
	[Q_SESSION_ADD] = { "session_add",
	    "WITH who AS (UPDATE users SET last_login_at = now() WHERE" STILL_HOLDS
	    " RETURNING id), opened AS (INSERT INTO sessions (id, user_id, device, address,"
	    " expires_at) SELECT $6, id, $7, $8, $9 FROM who RETURNING id, expires_at)"
	    " INSERT INTO refresh_tokens (hash, session_id, expires_at)"
	    " SELECT $10, id, expires_at FROM opened",
	    0 },
	[Q_REHASH] = { "password_rehash",
	    "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2", 0 },
	[Q_HOLDS] = { "verified_holds",
	    "SELECT 1 FROM users WHERE" STILL_HOLDS
	    " AND EXISTS (SELECT FROM sessions s WHERE s.id = $6 AND s.user_id = users.id"
	    " AND s.revoked_at IS NULL AND s.expires_at > now()) FOR NO KEY UPDATE",
	    0 },
	[Q_CHANGE] = { "credentials_change",
	    "UPDATE users SET password_hash = coalesce($2, password_hash), totp_pending = NULL,"
	    " updated_at = now() WHERE id = $1",
	    0 },
	[Q_LINKS] = { "credentials_links_end",
	    "DELETE FROM mail_tokens WHERE user_id = $1 AND used_at IS NULL", 0 },
	[Q_PINS] = { "credentials_pins_end",
	    "DELETE FROM plex_pins WHERE user_id = $1 AND used_at IS NULL", 0 },
	[Q_TOKENS] = { "credentials_tokens_end",
	    "UPDATE api_tokens SET revoked_at = now() WHERE user_id = $1 AND $2::boolean"
	    " AND revoked_at IS NULL RETURNING id",
	    0 },
	{ .name = NULL },
};
#define Q(id) (&store_credentials_queries[id])

static const char *
totp_param(const struct verified *v)
{
	if (v->password_hash == NULL && v->plex_id == NULL)
		return NULL;
	return db_bool(v->totp_enabled);
}

bool
store_session_create(struct db *db, struct arena *arena, const struct session_new *new,
    const struct verified *v, bool *opened, struct error *err)
{
	return db_change(db, arena, Q(Q_SESSION_ADD),
	    DB_PARAMS(v->user_id, db_int(arena, v->generation), v->password_hash, v->plex_id,
		totp_param(v), new->id, new->device, new->address, db_time(arena, new->expires_at),
		db_bytea(arena, new->refresh_hash, SHA256_SIZE)),
	    opened, err);
}

bool
store_password_rehash(struct db *db, struct arena *arena, const struct verified *v,
    const char *new_hash, bool *done, struct error *err)
{
	return db_change(db, arena, Q(Q_REHASH), DB_PARAMS(v->user_id, v->password_hash, new_hash),
	    done, err);
}

bool
store_verified_holds(struct db *db, struct arena *arena, const struct verified *v,
    const char *session_id, bool *holds, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_HOLDS),
		DB_PARAMS(v->user_id, db_int(arena, v->generation), v->password_hash, v->plex_id,
		    totp_param(v), session_id),
		&rows, err))
		return false;
	*holds = rows_count(rows) > 0;
	return true;
}

bool
store_credentials_end(struct db *db, struct arena *arena, const struct store_credentials_end *end,
    struct strings *tokens, struct error *err)
{
	const char *change[] = { end->user_id, end->password_hash };
	const char *ends[] = { end->user_id, db_bool(end->end_tokens) };
	/* In this order: what is under way locks the person first, too. */
	struct db_call calls[] = {
		{ .query = Q(Q_CHANGE), .params = change, .nparams = 2 },
		{ .query = Q(Q_LINKS), .params = ends, .nparams = 1 },
		{ .query = Q(Q_PINS), .params = ends, .nparams = 1 },
		{ .query = Q(Q_TOKENS), .params = ends, .nparams = 2 },
	};

	if (!db_pipeline(db, arena, calls, 4, err))
		return false;
	*tokens = rows_column(arena, calls[3].rows, 0);
	return true;
}
