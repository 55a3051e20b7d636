#include "store/store_invites.h"

#include "core/arena.h"
#include "core/crypto.h"

#include "core/banned.h"

enum { Q_ADD, Q_LIST, Q_LOCK, Q_DELETE, Q_FIND, Q_TAKE, Q_USED, Q_PRUNE };

#define AND_NAME(id, name) ", '" name "'"
#define RANK(role) "array_position(ARRAY[NULL" ROLE_LIST(AND_NAME) "], " role ")"
/* Whether the author `u` may invite into this role. */
#define AUTHOR_MAY(role) \
	"u.status = 'active' AND " RANK(role) " <= " RANK( \
	    "u.role") " AND EXISTS (SELECT FROM role_permissions p WHERE p.role = u.role" \
		      " AND p.permission = 'users.manage')"
#define OPEN \
	"i.used_at IS NULL AND i.expires_at > now()" \
	" AND EXISTS (SELECT FROM users u WHERE u.id = i.created_by AND " AUTHOR_MAY( \
	    "i.role") ")" \
		      " AND NOT EXISTS (SELECT FROM api_tokens t WHERE t.id = i.token_id" \
		      " AND t.revoked_at IS NOT NULL)"
#define CREATED_US SQL_US("i.created_at")
#define COLUMNS \
	"i.id, i.email, i.role, i.tier, " CREATED_US ", " SQL_US("i.expires_at") ", i.created_by"
#define BY_KEY \
	"FROM invites i WHERE i.hash = $1 AND (i.email IS NULL OR i.email = lower($2)) AND " OPEN

const struct query store_invites_queries[] = {
	/* The lock makes the change of the author's rights come before or after, never between. */
	[Q_ADD] = { "invite_add",
	    "INSERT INTO invites (id, hash, email, role, tier, created_by, expires_at, token_id)"
	    " SELECT $1, $2, lower($3), $4::text, $5, u.id, $7::timestamptz, $8::uuid FROM users u"
	    " WHERE u.id = $6 AND " AUTHOR_MAY("$4::text") " FOR SHARE OF u",
	    0 },
	[Q_LIST] = { "invites_list",
	    "SELECT " COLUMNS ", (SELECT u.display_name FROM users u WHERE u.id = i.created_by)"
	    " FROM invites i WHERE " OPEN " AND ($1::bigint IS NULL OR (" CREATED_US
	    ", i.id) < ($1::bigint, $2::uuid))"
	    " ORDER BY i.created_at DESC, i.id DESC LIMIT $3::int",
	    QUERY_READ },
	[Q_LOCK] = { "invite_lock",
	    "SELECT " COLUMNS " FROM invites i WHERE i.id = $1 AND " OPEN " FOR UPDATE OF i", 0 },
	[Q_DELETE] = { "invite_delete", "DELETE FROM invites WHERE id = $1", 0 },
	[Q_FIND] = { "invite_find", "SELECT " COLUMNS " " BY_KEY, QUERY_READ },
	[Q_TAKE] = { "invite_take", "SELECT " COLUMNS " " BY_KEY " FOR UPDATE OF i", 0 },
	[Q_USED] = { "invite_used",
	    "UPDATE invites SET used_at = now(), used_by = $2 WHERE id = $1", 0 },
	[Q_PRUNE] = { "invites_prune",
	    "DELETE FROM invites i WHERE i.used_at IS NULL AND NOT (" OPEN ")", 0 },
	{ .name = NULL },
};
#define Q(id) (&store_invites_queries[id])

/* Without the author's name. False: the role or tier is unknown to this program. */
static bool
from_row(const struct rows *rows, size_t row, struct invite *invite)
{
	*invite = (struct invite) {
		.id = rows_str(rows, row, 0),
		.email = rows_str(rows, row, 1),
		.created_at = rows_int(rows, row, 4),
		.expires_at = rows_int(rows, row, 5),
		.created_by = rows_str(rows, row, 6),
	};
	return role_parse(rows_str(rows, row, 2), &invite->role) &&
	    tier_parse(rows_str(rows, row, 3), &invite->tier);
}

static bool
one(struct db *db, struct arena *arena, const struct query *query, struct strings params,
    struct invite *invite, struct error *err)
{
	struct rows *rows;

	*invite = (struct invite) { .id = NULL };
	if (!db_exec(db, arena, query, params, &rows, err))
		return false;
	if (rows_count(rows) > 0 && !from_row(rows, 0, invite))
		invite->id = NULL;
	return true;
}

bool
store_invite_add(struct db *db, struct arena *arena, const struct store_invite_new *i, bool *added,
    struct error *err)
{
	return db_change(db, arena, Q(Q_ADD),
	    DB_PARAMS(i->id, db_bytea(arena, i->hash, SHA256_SIZE), i->email, i->role, i->tier,
		i->created_by, db_time(arena, i->expires_at), i->token_id),
	    added, err);
}

bool
store_invites_list(struct db *db, struct arena *arena, const struct store_invites_ask *ask,
    struct invite **out, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_LIST),
		DB_PARAMS(ask->before_id == NULL ? NULL : db_int(arena, ask->before_time),
		    ask->before_id, db_int(arena, ask->limit)),
		&rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n, sizeof(**out));
	for (size_t i = 0; i < *n; i++) {
		(void)from_row(rows, i, &(*out)[i]);
		(*out)[i].created_by_name = rows_str(rows, i, 7);
	}
	return true;
}

bool
store_invite_lock(struct db *db, struct arena *arena, const char *id, struct invite *invite,
    struct error *err)
{
	return one(db, arena, Q(Q_LOCK), DB_PARAMS(id), invite, err);
}

bool
store_invite_delete(struct db *db, struct arena *arena, const char *id, struct error *err)
{
	return db_exec(db, arena, Q(Q_DELETE), DB_PARAMS(id), NULL, err);
}

bool
store_invite_find(struct db *db, struct arena *arena, const struct store_invite_key *key,
    struct invite *invite, struct error *err)
{
	return one(db, arena, Q(Q_FIND),
	    DB_PARAMS(db_bytea(arena, key->hash, SHA256_SIZE), key->email), invite, err);
}

bool
store_invite_take(struct db *db, struct arena *arena, const struct store_invite_key *key,
    struct invite *invite, struct error *err)
{
	return one(db, arena, Q(Q_TAKE),
	    DB_PARAMS(db_bytea(arena, key->hash, SHA256_SIZE), key->email), invite, err);
}

bool
store_invite_used(struct db *db, struct arena *arena, const char *id, const char *user_id,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_USED), DB_PARAMS(id, user_id), NULL, err);
}

bool
store_invites_prune(struct db *db, struct arena *arena, struct error *err)
{
	return db_exec(db, arena, Q(Q_PRUNE), DB_NO_PARAMS, NULL, err);
}
