#include "store/store_sessions.h"

#include "core/arena.h"
#include "core/error.h"
#include "store/pg.h"

#include "core/banned.h"

#define REFRESH_STATE \
	PERSON_SQL ", s.id, " SQL_US("t.rotated_at") ", " SQL_US( \
	    "clock_timestamp()") ", t.expires_at <= clock_timestamp()" \
				 " OR s.expires_at <= clock_timestamp(), " \
				 "s.revoked_at IS NOT NULL, t.dead, " \
				 "coalesce((SELECT n.rotated_at IS NOT NULL FROM refresh_tokens n" \
				 " WHERE n.hash = t.successor), false), " SQL_US( \
				     "(SELECT max(n.created_at) FROM refresh_tokens n" \
				     " WHERE n.session_id = s.id)") " " \
								    "FROM refresh_tokens t" \
								    " JOIN sessions s" \
								    " ON s.id = t.session_id" \
								    " JOIN users u" \
								    " ON u.id = s.user_id" \
								    " WHERE t.hash = $1"

enum {
	Q_PERSON_BY_EMAIL,
	Q_PERSON_BY_ID,
	Q_SESSION_ADD,
	Q_REFRESH_ADD,
	Q_LOGIN_AT,
	Q_REFRESH_LOCK_FAMILY,
	Q_REFRESH_STATE,
	Q_ROTATE,
	Q_SESSION_REVOKE,
	Q_SESSIONS_REVOKE,
	Q_GENERATION_RAISE,
	Q_SESSIONS_LIST,
	Q_REVOKED_LIST,
	Q_GENERATION,
	Q_SESSION_CHECK,
	Q_PERMISSIONS,
	Q_SETTINGS,
	Q_LOGIN_COUNTS,
	Q_LOGIN_KNOWN,
	Q_LOGIN_FAILED,
	Q_LOGIN_FORGET,
};

const struct query store_sessions_queries[] = {
	[Q_PERSON_BY_EMAIL] = { "person_by_email",
	    "SELECT " PERSON_SQL
	    ", u.password_hash FROM users u WHERE lower(u.email) = lower($1::text)",
	    QUERY_READ },
	[Q_PERSON_BY_ID] = { "person_by_id", "SELECT " PERSON_SQL " FROM users u WHERE u.id = $1",
	    QUERY_READ },
	[Q_SESSION_ADD] = { "session_add",
	    "INSERT INTO sessions (id, user_id, device, address, expires_at)"
	    " VALUES ($1, $2, $3, $4, $5)",
	    0 },
	[Q_REFRESH_ADD] = { "refresh_add",
	    "INSERT INTO refresh_tokens (hash, session_id, expires_at) VALUES ($1, $2, $3)", 0 },
	[Q_LOGIN_AT] = { "login_at",
	    "UPDATE users SET last_login_at = now(), password_hash = coalesce($2, password_hash)"
	    " WHERE id = $1",
	    0 },
	[Q_REFRESH_LOCK_FAMILY] = { "refresh_lock_family",
	    "SELECT 1 FROM sessions s WHERE s.id = (SELECT t.session_id FROM refresh_tokens t"
	    " WHERE t.hash = $1) FOR UPDATE",
	    0 },
	[Q_REFRESH_STATE] = { "refresh_state", "SELECT " REFRESH_STATE, QUERY_READ },
	/* The previous successor, if this one was repeated, dies unused. */
	[Q_ROTATE] = { "refresh_rotate",
	    "WITH old AS (UPDATE refresh_tokens SET rotated_at = clock_timestamp(), successor = $3"
	    " WHERE hash = $2), "
	    "unused AS (UPDATE refresh_tokens SET dead = true WHERE session_id = $1"
	    " AND rotated_at IS NULL AND hash <> $2), "
	    "seen AS (UPDATE sessions SET last_used_at = clock_timestamp(), expires_at = $4,"
	    " address = $5 WHERE id = $1) "
	    "INSERT INTO refresh_tokens (hash, session_id, expires_at, created_at)"
	    " VALUES ($3, $1, $4, clock_timestamp())",
	    0 },
	[Q_SESSION_REVOKE] = { "session_revoke",
	    "WITH ended AS (UPDATE sessions SET revoked_at = clock_timestamp(), revoked_reason = $2"
	    " WHERE id = $1 AND revoked_at IS NULL RETURNING id) "
	    "INSERT INTO revoked_tokens (sid, expires_at) SELECT id, $3 FROM ended"
	    " ON CONFLICT (sid) DO UPDATE SET expires_at = excluded.expires_at RETURNING sid",
	    0 },
	[Q_SESSIONS_REVOKE] = { "sessions_revoke",
	    "WITH ended AS (UPDATE sessions SET revoked_at = clock_timestamp(), revoked_reason = $3"
	    " "
	    "WHERE user_id = $1 AND ($2::uuid IS NULL OR id <> $2) AND revoked_at IS NULL"
	    " AND expires_at > now() RETURNING id) "
	    "INSERT INTO revoked_tokens (sid, expires_at) SELECT id, $4 FROM ended"
	    " ON CONFLICT (sid) DO UPDATE SET expires_at = excluded.expires_at RETURNING sid",
	    0 },
	[Q_GENERATION_RAISE] = { "generation_raise",
	    "UPDATE users SET generation = generation + 1 WHERE id = $1 RETURNING generation", 0 },
	[Q_SESSIONS_LIST] = { "sessions_list",
	    "SELECT s.id, s.device, s.address, " SQL_US("s.created_at") ", " SQL_US(
		"s.last_used_at") " FROM sessions s "
				  "WHERE s.user_id = $1 AND s.revoked_at IS NULL"
				  " AND s.expires_at > now() ORDER BY s.last_used_at DESC"
				  " LIMIT 200",
	    QUERY_READ },
	[Q_REVOKED_LIST] = { "revoked_list",
	    "SELECT sid, ceil(extract(epoch FROM expires_at))::bigint FROM revoked_tokens"
	    " WHERE expires_at > now()",
	    QUERY_READ },
	[Q_GENERATION] = { "generation",
	    "SELECT generation FROM users WHERE id = $1 AND status = 'active'", QUERY_READ },
	[Q_SESSION_CHECK] = { "session_check",
	    "SELECT u.generation, s.revoked_at IS NULL AND s.expires_at > now()"
	    " AND u.status = 'active' "
	    "FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = $1 AND u.id = $2",
	    QUERY_READ },
	[Q_PERMISSIONS] = { "role_permissions", "SELECT role, permission FROM role_permissions",
	    QUERY_READ },
	[Q_SETTINGS] = { "settings_all", "SELECT key, value FROM settings", QUERY_READ },
	[Q_LOGIN_COUNTS] = { "login_counts",
	    "SELECT subject, failures, ceil(extract(epoch FROM window_start + $2::int * interval '1"
	    " second' - now()))::bigint FROM login_attempts "
	    "WHERE subject = ANY ($1::text[]) AND window_start > now() - $2::int * interval '1"
	    " second'",
	    QUERY_READ },
	[Q_LOGIN_KNOWN] = { "login_known",
	    "SELECT 1 FROM sessions s JOIN users u ON u.id = s.user_id"
	    " WHERE lower(u.email) = lower($1::text) AND s.address = $2 LIMIT 1",
	    QUERY_READ },
	[Q_LOGIN_FAILED] = { "login_failed",
	    "INSERT INTO login_attempts AS a (subject, failures, window_start, last_failure)"
	    " SELECT s, 1, now(), now() FROM unnest($1::text[]) s ORDER BY s "
	    "ON CONFLICT (subject) DO UPDATE SET last_failure = now(), "
	    "failures = CASE WHEN a.window_start > now() - $2::int * interval '1 second' THEN"
	    " a.failures + 1 ELSE 1 END, "
	    "window_start = CASE WHEN a.window_start > now() - $2::int * interval '1 second' THEN"
	    " a.window_start ELSE now() END",
	    0 },
	[Q_LOGIN_FORGET] = { "login_forget", "DELETE FROM login_attempts WHERE subject = $1", 0 },
	{ .name = NULL },
};
#define Q(id) (&store_sessions_queries[id])

bool
store_person_by_email(struct db *db, struct arena *arena, const char *email, struct rows **rows,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_PERSON_BY_EMAIL), DB_PARAMS(email), rows, err);
}

bool
store_person_by_id(struct db *db, struct arena *arena, const char *id, struct rows **rows,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_PERSON_BY_ID), DB_PARAMS(id), rows, err);
}

bool
store_session_create(struct db *db, struct arena *arena, const struct session_new *new,
    const char *new_password_hash, struct error *err)
{
	const char *expires = db_time(arena, new->expires_at),
		   *hash = db_bytea(arena, new->refresh_hash, SHA256_SIZE);
	const char *session[] = { new->id, new->user_id, new->device, new->address, expires };
	const char *refresh[] = { hash, new->id, expires };
	const char *login[] = { new->user_id, new_password_hash };
	struct db_call calls[] = {
		{ .query = Q(Q_SESSION_ADD), .params = session, .nparams = 5 },
		{ .query = Q(Q_REFRESH_ADD), .params = refresh, .nparams = 3 },
		{ .query = Q(Q_LOGIN_AT), .params = login, .nparams = 2 },
	};

	return db_pipeline(db, arena, calls, 3, err);
}

bool
store_refresh_lock(struct db *db, struct arena *arena, const unsigned char hash[SHA256_SIZE],
    struct rows **rows, struct error *err)
{
	const char *text = db_bytea(arena, hash, SHA256_SIZE);

	/* Two statements: what the second one sees begins after the lock was won. */
	return db_exec(db, arena, Q(Q_REFRESH_LOCK_FAMILY), DB_PARAMS(text), NULL, err) &&
	    db_exec(db, arena, Q(Q_REFRESH_STATE), DB_PARAMS(text), rows, err);
}

bool
store_refresh_peek(struct db *db, struct arena *arena, const unsigned char hash[SHA256_SIZE],
    struct rows **rows, struct error *err)
{
	return db_exec(db, arena, Q(Q_REFRESH_STATE), DB_PARAMS(db_bytea(arena, hash, SHA256_SIZE)),
	    rows, err);
}

bool
store_refresh_rotate(struct db *db, struct arena *arena, const char *session_id,
    const unsigned char old_hash[SHA256_SIZE], const unsigned char new_hash[SHA256_SIZE],
    int64_t expires_at, const char *address, struct error *err)
{
	return db_exec(db, arena, Q(Q_ROTATE),
	    DB_PARAMS(session_id, db_bytea(arena, old_hash, SHA256_SIZE),
		db_bytea(arena, new_hash, SHA256_SIZE), db_time(arena, expires_at), address),
	    NULL, err);
}

bool
store_session_revoke(struct db *db, struct arena *arena, const char *session_id, const char *reason,
    int64_t blacklist_until, struct rows **ended, struct error *err)
{
	return db_exec(db, arena, Q(Q_SESSION_REVOKE),
	    DB_PARAMS(session_id, reason, db_time(arena, blacklist_until)), ended, err);
}

bool
store_sessions_revoke(struct db *db, struct arena *arena, const char *user_id, const char *except,
    const char *reason, int64_t blacklist_until, struct rows **ended, struct error *err)
{
	return db_exec(db, arena, Q(Q_SESSIONS_REVOKE),
	    DB_PARAMS(user_id, except, reason, db_time(arena, blacklist_until)), ended, err);
}

bool
store_generation_raise(struct db *db, struct arena *arena, const char *user_id, int64_t *generation,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_GENERATION_RAISE), DB_PARAMS(user_id), &rows, err))
		return false;
	if (rows_count(rows) == 0)
		return error_set(err, ERR_NOT_FOUND, "There is no such person.");
	*generation = rows_int(rows, 0, 0);
	return true;
}

bool
store_sessions_list(struct db *db, struct arena *arena, const char *user_id, struct rows **rows,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_SESSIONS_LIST), DB_PARAMS(user_id), rows, err);
}

bool
store_revoked_list(struct db *db, struct arena *arena, struct rows **rows, struct error *err)
{
	return db_exec(db, arena, Q(Q_REVOKED_LIST), DB_NO_PARAMS, rows, err);
}

bool
store_generation(struct db *db, struct arena *arena, const char *user_id, struct rows **rows,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_GENERATION), DB_PARAMS(user_id), rows, err);
}

bool
store_session_check(struct db *db, struct arena *arena, const char *session_id, const char *user_id,
    struct rows **rows, struct error *err)
{
	return db_exec(db, arena, Q(Q_SESSION_CHECK), DB_PARAMS(session_id, user_id), rows, err);
}

bool
store_access_load(struct db *db, struct arena *arena, struct rows **permissions,
    struct rows **settings, struct error *err)
{
	struct db_call calls[] = { { .query = Q(Q_PERMISSIONS) }, { .query = Q(Q_SETTINGS) } };

	if (!db_pipeline(db, arena, calls, 2, err))
		return false;
	*permissions = calls[0].rows;
	*settings = calls[1].rows;
	return true;
}

bool
store_login_state(struct db *db, struct arena *arena, const char *const subjects[LOGIN_SUBJECTS],
    const char *email, const char *address, struct rows **counts, bool *known_address,
    struct error *err)
{
	const char *window = db_int(arena, LOGIN_WINDOW_SECONDS);
	const char *of_counts[] = { db_array(arena, subjects, LOGIN_SUBJECTS), window };
	const char *of_known[] = { email, address };
	struct db_call calls[] = {
		{ .query = Q(Q_LOGIN_COUNTS), .params = of_counts, .nparams = 2 },
		{ .query = Q(Q_LOGIN_KNOWN), .params = of_known, .nparams = 2 },
	};

	if (!db_pipeline(db, arena, calls, 2, err))
		return false;
	*counts = calls[0].rows;
	*known_address = rows_count(calls[1].rows) > 0;
	return true;
}

bool
store_login_failed(struct db *db, struct arena *arena, const char *const subjects[LOGIN_SUBJECTS],
    struct error *err)
{
	return db_exec(db, arena, Q(Q_LOGIN_FAILED),
	    DB_PARAMS(db_array(arena, subjects, LOGIN_SUBJECTS),
		db_int(arena, LOGIN_WINDOW_SECONDS)),
	    NULL, err);
}

bool
store_login_forget(struct db *db, struct arena *arena, const char *pair_subject, struct error *err)
{
	return db_exec(db, arena, Q(Q_LOGIN_FORGET), DB_PARAMS(pair_subject), NULL, err);
}
