#include "store/store_people.h"

#include "core/arena.h"
#include "store/store_user.h"

#include "core/banned.h"

enum {
	Q_LIST,
	Q_LOCK,
	Q_KEEP,
	Q_INVOLVED,
	Q_INVOLVED_DELETE,
	Q_GRANTED,
	Q_SUPERS,
	Q_CHANGE,
	Q_ITEMS_LOCK,
	Q_TRASH,
	Q_UNSHARE,
	Q_TRANSFER,
	Q_UPLOADS_END,
	Q_UPLOADS_TRANSFER,
	Q_COLLECTIONS_TRANSFER,
	Q_DELETE,
	Q_TOTP_CLEAR,
	Q_CODES_CLEAR,
	Q_ANY_PLEX,
};

#define CREATED_US SQL_US("u.created_at")
#define INVOLVED \
	"SELECT FROM users WHERE id = ANY ($1::uuid[])" \
	" OR ($2::boolean AND role = 'super' AND status = 'active') ORDER BY id"

const struct query store_people_queries[] = {
	[Q_LIST] = { "people_list",
	    "SELECT " USER_SQL
	    " FROM users u WHERE ($1::text IS NULL OR u.email ILIKE '%' || $1 || '%'"
	    " OR u.display_name ILIKE '%' || $1 || '%') "
	    "AND ($2::text IS NULL OR u.role = $2) AND ($3::text IS NULL OR u.tier = $3)"
	    " AND ($4::text IS NULL OR u.status = $4) "
	    "AND ($5::bigint IS NULL OR (" CREATED_US ", u.id) < ($5::bigint, $6::uuid))"
	    " ORDER BY u.created_at DESC, u.id DESC LIMIT $7::int",
	    QUERY_READ },
	[Q_LOCK] = { "person_lock",
	    "SELECT " USER_SQL " FROM users u WHERE u.id = $1 FOR NO KEY UPDATE", 0 },
	[Q_KEEP] = { "person_keep", "SELECT FROM users WHERE id = $1 FOR KEY SHARE", 0 },
	/* In one order, so that two who change each other wait for each other. */
	[Q_INVOLVED] = { "people_involved", INVOLVED " FOR NO KEY UPDATE", 0 },
	[Q_INVOLVED_DELETE] = { "people_involved_delete", INVOLVED " FOR UPDATE", 0 },
	[Q_GRANTED] = { "person_granted",
	    "SELECT EXISTS (SELECT FROM users WHERE id = $1 AND status = 'active'"
	    " AND generation = $2::bigint) AND ($3::uuid IS NULL OR EXISTS (SELECT FROM api_tokens"
	    " WHERE id = $3::uuid AND revoked_at IS NULL))",
	    0 },
	[Q_SUPERS] = { "supers_besides",
	    "SELECT count(*) FROM users WHERE role = 'super' AND status = 'active' AND id <> $1",
	    0 },
	[Q_CHANGE] = { "person_change",
	    "UPDATE users SET display_name = coalesce($2, display_name), role = coalesce($3, role),"
	    " tier = coalesce($4, tier), status = coalesce($5, status), "
	    "quota_bytes = CASE WHEN $7::boolean THEN NULL"
	    " ELSE coalesce($6::bigint, quota_bytes) END, updated_at = now()"
	    " WHERE id = $1",
	    0 },
	/*
	 * In one order: others lock several items too. Not for the key, which stays: the worker
	 * refers to an item in its timeline before it waits for the owner.
	 */
	[Q_ITEMS_LOCK] = { "person_items_lock",
	    "SELECT FROM media WHERE owner_id = $1 ORDER BY id FOR NO KEY UPDATE", 0 },
	/*
	 * What this puts into the trash is in the trash of nobody: only callers who see everything
	 * find it.
	 */
	[Q_TRASH] = { "person_items_trash",
	    "UPDATE media SET owner_id = NULL, trashed_from = CASE"
	    " WHEN status = 'trashed' THEN trashed_from ELSE status END, status = 'trashed', "
	    "trashed_at = coalesce(trashed_at, now()), version = version + 1, updated_at = now()"
	    " WHERE owner_id = $1",
	    0 },
	[Q_UNSHARE] = { "person_items_unshare",
	    "WITH collected AS (DELETE FROM collection_items c USING media m"
	    " WHERE m.id = c.media_id AND m.owner_id = $1)"
	    " DELETE FROM media_shares s USING media m WHERE m.id = s.media_id AND m.owner_id = $1",
	    0 },
	/* Their dates do not move to the zone of the heir. */
	[Q_TRANSFER] = { "person_items_transfer",
	    "UPDATE media SET owner_id = $2, taken_by_wall = NULL, version = version + 1,"
	    " updated_at = now()"
	    " WHERE owner_id = $1",
	    0 },
	/* The heir needs no share in what is theirs. */
	[Q_COLLECTIONS_TRANSFER] = { "person_collections_transfer",
	    "WITH theirs AS (UPDATE collections SET owner_id = $2, version = version + 1,"
	    " updated_at = now() WHERE owner_id = $1 RETURNING id)"
	    " DELETE FROM collection_people p USING theirs t"
	    " WHERE p.collection_id = t.id AND p.user_id = $2",
	    0 },
	/* What is not complete ends: its objects go with the next collection of expired uploads. */
	[Q_UPLOADS_END] = { "person_uploads_end",
	    "WITH open AS (UPDATE uploads SET expires_at = now() WHERE user_id = $1"
	    " AND status IN ('pending', 'completing') RETURNING media_id)"
	    " DELETE FROM media m USING open o WHERE m.id = o.media_id AND m.status = 'pending'",
	    0 },
	[Q_UPLOADS_TRANSFER] = { "person_uploads_transfer",
	    "UPDATE uploads SET user_id = $2 WHERE user_id = $1 AND status = 'completed'", 0 },
	[Q_DELETE] = { "person_delete", "DELETE FROM users WHERE id = $1", 0 },
	[Q_TOTP_CLEAR] = { "person_totp_clear",
	    "UPDATE users SET totp_secret = NULL, totp_pending = NULL, totp_confirmed_at = NULL"
	    " WHERE id = $1",
	    0 },
	[Q_CODES_CLEAR] = { "person_codes_clear", "DELETE FROM recovery_codes WHERE user_id = $1",
	    0 },
	[Q_ANY_PLEX] = { "people_any_plex",
	    "SELECT EXISTS (SELECT FROM users WHERE plex_id IS NOT NULL AND status = 'active')",
	    QUERY_READ },
	{ .name = NULL },
};
#define Q(id) (&store_people_queries[id])

bool
store_people_any_plex(struct db *db, struct arena *arena, bool *any, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_ANY_PLEX), DB_NO_PARAMS, &rows, err))
		return false;
	*any = rows_bool(rows, 0, 0);
	return true;
}

bool
store_people_list(struct db *db, struct arena *arena, const struct store_people_filter *f,
    struct user **users, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_LIST),
		DB_PARAMS(f->q, f->role, f->tier, f->status,
		    f->before_id == NULL ? NULL : db_int(arena, f->before_time), f->before_id,
		    db_int(arena, f->limit)),
		&rows, err))
		return false;
	store_users_from_rows(arena, rows, users, n);
	return true;
}

bool
store_person_lock(struct db *db, struct arena *arena, const char *id, struct user *user,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_LOCK), DB_PARAMS(id), &rows, err))
		return false;
	store_user_or_none(rows, user);
	return true;
}

bool
store_person_keep(struct db *db, struct arena *arena, const char *id, struct error *err)
{
	return db_exec(db, arena, Q(Q_KEEP), DB_PARAMS(id), NULL, err);
}

bool
store_person_granted(struct db *db, struct arena *arena, const struct store_people_involved *p,
    bool *granted, struct error *err)
{
	const char *ids[] = { p->caller, p->target, p->heir };
	const char *known[] = { NULL, NULL, NULL };
	size_t n = 0;
	const struct query *lock = Q(p->deletes ? Q_INVOLVED_DELETE : Q_INVOLVED);
	struct rows *rows;

	for (size_t i = 0; i < 3; i++)
		if (ids[i] != NULL)
			known[n++] = ids[i];
	/* Two statements: the second sees what was committed before the lock was acquired. */
	if (!db_exec(db, arena, lock, DB_PARAMS(db_array(arena, known, n), db_bool(p->supers)),
		NULL, err) ||
	    !db_exec(db, arena, Q(Q_GRANTED),
		DB_PARAMS(p->caller, db_int(arena, p->generation), p->token_id), &rows, err))
		return false;
	*granted = rows_bool(rows, 0, 0);
	return true;
}

bool
store_supers_besides(struct db *db, struct arena *arena, const char *id, int64_t *n,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_SUPERS), DB_PARAMS(id), &rows, err))
		return false;
	*n = rows_int(rows, 0, 0);
	return true;
}

bool
store_person_change(struct db *db, struct arena *arena, const char *id,
    const struct store_person_change *c, struct error *err)
{
	return db_exec(db, arena, Q(Q_CHANGE),
	    DB_PARAMS(id, c->display_name, c->role, c->tier, c->status, c->quota,
		db_bool(c->quota_default)),
	    NULL, err);
}

bool
store_person_items_trash(struct db *db, struct arena *arena, const char *id, struct error *err)
{
	return db_exec(db, arena, Q(Q_ITEMS_LOCK), DB_PARAMS(id), NULL, err) &&
	    db_exec(db, arena, Q(Q_UNSHARE), DB_PARAMS(id), NULL, err) &&
	    db_exec(db, arena, Q(Q_TRASH), DB_PARAMS(id), NULL, err);
}

bool
store_person_items_transfer(struct db *db, struct arena *arena, const char *id, const char *to,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_ITEMS_LOCK), DB_PARAMS(id), NULL, err) &&
	    db_exec(db, arena, Q(Q_UPLOADS_TRANSFER), DB_PARAMS(id, to), NULL, err) &&
	    db_exec(db, arena, Q(Q_TRANSFER), DB_PARAMS(id, to), NULL, err) &&
	    db_exec(db, arena, Q(Q_COLLECTIONS_TRANSFER), DB_PARAMS(id, to), NULL, err);
}

bool
store_person_uploads_end(struct db *db, struct arena *arena, const char *id, struct error *err)
{
	return db_exec(db, arena, Q(Q_UPLOADS_END), DB_PARAMS(id), NULL, err);
}

bool
store_person_delete(struct db *db, struct arena *arena, const char *id, struct error *err)
{
	return db_exec(db, arena, Q(Q_DELETE), DB_PARAMS(id), NULL, err);
}

bool
store_person_totp_clear(struct db *db, struct arena *arena, const char *id, struct error *err)
{
	return db_exec(db, arena, Q(Q_TOTP_CLEAR), DB_PARAMS(id), NULL, err) &&
	    db_exec(db, arena, Q(Q_CODES_CLEAR), DB_PARAMS(id), NULL, err);
}
