#include "store/store_totp.h"

#include "core/arena.h"

#include "core/banned.h"

#define STATE \
	"SELECT email, convert_from(totp_secret, 'UTF8'), convert_from(totp_pending, 'UTF8')," \
	" totp_confirmed_at IS NOT NULL " \
	"FROM users WHERE id = $1"

enum { Q_LOCK, Q_READ, Q_PENDING, Q_ENABLE, Q_STEP, Q_CODES_CLEAR, Q_CODES_ADD, Q_CODE_USE };

const struct query store_totp_queries[] = {
	[Q_LOCK] = { "totp_lock", STATE " FOR NO KEY UPDATE", 0 },
	[Q_READ] = { "totp_read", STATE, QUERY_READ },
	[Q_PENDING] = { "totp_pending",
	    "UPDATE users SET totp_pending = convert_to($2, 'UTF8') WHERE id = $1", 0 },
	[Q_ENABLE] = { "totp_enable",
	    "UPDATE users SET totp_secret = convert_to($2, 'UTF8'), totp_pending = NULL,"
	    " totp_confirmed_at = now(), totp_last_step = $3 "
	    "WHERE id = $1",
	    0 },
	[Q_STEP] = { "totp_step",
	    "UPDATE users SET totp_last_step = $2 WHERE id = $1 AND totp_last_step < $2::bigint",
	    0 },
	[Q_CODES_CLEAR] = { "recovery_clear", "DELETE FROM recovery_codes WHERE user_id = $1", 0 },
	[Q_CODES_ADD] = { "recovery_add",
	    "INSERT INTO recovery_codes (user_id, hash) SELECT $1, h::bytea"
	    " FROM unnest($2::text[]) h",
	    0 },
	[Q_CODE_USE] = { "recovery_use",
	    "UPDATE recovery_codes SET used_at = now() WHERE user_id = $1 AND hash = $2"
	    " AND used_at IS NULL",
	    0 },
	{ .name = NULL },
};
#define Q(id) (&store_totp_queries[id])

static bool
read_state(struct db *db, struct arena *arena, const struct query *query, const char *user_id,
    struct totp_state *state, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query, DB_PARAMS(user_id), &rows, err))
		return false;
	*state = (struct totp_state) { .email = NULL };
	if (rows_count(rows) > 0)
		*state = (struct totp_state) { .email = rows_str(rows, 0, 0),
			.secret = rows_str(rows, 0, 1),
			.pending = rows_str(rows, 0, 2),
			.enabled = rows_bool(rows, 0, 3) };
	return true;
}

bool
store_totp_lock(struct db *db, struct arena *arena, const char *user_id, struct totp_state *state,
    struct error *err)
{
	return read_state(db, arena, Q(Q_LOCK), user_id, state, err);
}

bool
store_totp_read(struct db *db, struct arena *arena, const char *user_id, struct totp_state *state,
    struct error *err)
{
	return read_state(db, arena, Q(Q_READ), user_id, state, err);
}

bool
store_totp_pending(struct db *db, struct arena *arena, const char *user_id, const char *sealed,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_PENDING), DB_PARAMS(user_id, sealed), NULL, err);
}

bool
store_totp_enable(struct db *db, struct arena *arena, const char *user_id, const char *sealed,
    int64_t step, struct error *err)
{
	return db_exec(db, arena, Q(Q_ENABLE), DB_PARAMS(user_id, sealed, db_int(arena, step)),
	    NULL, err);
}

bool
store_totp_step(struct db *db, struct arena *arena, const char *user_id, int64_t step, bool *fresh,
    struct error *err)
{
	return db_change(db, arena, Q(Q_STEP), DB_PARAMS(user_id, db_int(arena, step)), fresh, err);
}

bool
store_recovery_replace(struct db *db, struct arena *arena, const char *user_id,
    struct strings hashes, struct error *err)
{
	return db_exec(db, arena, Q(Q_CODES_CLEAR), DB_PARAMS(user_id), NULL, err) &&
	    db_exec(db, arena, Q(Q_CODES_ADD),
		DB_PARAMS(user_id, db_array(arena, hashes.items, hashes.n)), NULL, err);
}

bool
store_recovery_use(struct db *db, struct arena *arena, const char *user_id, const char *hash,
    bool *used, struct error *err)
{
	return db_change(db, arena, Q(Q_CODE_USE), DB_PARAMS(user_id, hash), used, err);
}
