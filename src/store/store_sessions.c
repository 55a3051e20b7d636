#include "store/store_sessions.h"

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "store/pg.h"
#include "store/store_user.h"

#include "core/banned.h"

#define ROTATED_US SQL_US("t.rotated_at")
#define NOW_US SQL_US("clock_timestamp()")
#define NEWEST_US \
	SQL_US("(SELECT max(n.created_at) FROM refresh_tokens n WHERE n.session_id = s.id)")
#define REFRESH_STATE \
	USER_SQL ", s.id, " ROTATED_US ", " NOW_US \
		 ", t.expires_at <= clock_timestamp() OR s.expires_at <= clock_timestamp()," \
		 " s.revoked_at IS NOT NULL, t.dead," \
		 " coalesce((SELECT n.rotated_at IS NOT NULL FROM refresh_tokens n" \
		 " WHERE n.hash = t.successor), false), " NEWEST_US ", s.device, s.address" \
		 " FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id" \
		 " JOIN users u ON u.id = s.user_id WHERE t.hash = $1"

enum {
	Q_PERSON_BY_EMAIL,
	Q_PERSON_BY_ID,
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
	Q_LOGIN_COUNTS,
	Q_LOGIN_KNOWN,
	Q_LOGIN_FAILED,
	Q_LOGIN_FORGET,
};

const struct query store_sessions_queries[] = {
	[Q_PERSON_BY_EMAIL] = { "person_by_email",
	    "SELECT " USER_SQL
	    ", u.password_hash FROM users u WHERE lower(u.email) = lower($1::text)",
	    QUERY_READ },
	[Q_PERSON_BY_ID] = { "person_by_id", "SELECT " USER_SQL " FROM users u WHERE u.id = $1",
	    QUERY_READ },
	[Q_REFRESH_LOCK_FAMILY] = { "refresh_lock_family",
	    "SELECT 1 FROM sessions s WHERE s.id = (SELECT t.session_id FROM refresh_tokens t"
	    " WHERE t.hash = $1) FOR UPDATE",
	    0 },
	[Q_REFRESH_STATE] = { "refresh_state", "SELECT " REFRESH_STATE, QUERY_READ },
	/* If the token is used again, its previous successor is revoked unused. */
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
	    " WHERE expires_at > now() - " TEXT(REVOKED_KEEP_SECONDS) " * interval '1 second'",
	    QUERY_READ },
	[Q_GENERATION] = { "generation",
	    "SELECT generation FROM users WHERE id = $1 AND status = 'active'", QUERY_READ },
	[Q_SESSION_CHECK] = { "session_check",
	    "SELECT u.generation, s.revoked_at IS NULL AND s.expires_at > now()"
	    " AND u.status = 'active' "
	    "FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = $1 AND u.id = $2",
	    QUERY_READ },
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
store_person_by_email(struct db *db, struct arena *arena, const char *email, struct user *user,
    const char **password_hash, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_PERSON_BY_EMAIL), DB_PARAMS(email), &rows, err))
		return false;
	store_user_or_none(rows, user);
	if (password_hash != NULL)
		*password_hash = user->id == NULL ? NULL : rows_str(rows, 0, USER_COLUMNS);
	return true;
}

bool
store_person_by_id(struct db *db, struct arena *arena, const char *id, struct user *user,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_PERSON_BY_ID), DB_PARAMS(id), &rows, err))
		return false;
	store_user_or_none(rows, user);
	return true;
}

static void
refresh_from_rows(const struct rows *rows, struct refresh_state *state)
{
	*state = (struct refresh_state) { .session_id = NULL };
	store_user_or_none(rows, &state->user);
	if (state->user.id == NULL)
		return;
	state->session_id = rows_str(rows, 0, USER_COLUMNS);
	state->rotated_at = rows_int(rows, 0, USER_COLUMNS + 1);
	state->now = rows_int(rows, 0, USER_COLUMNS + 2);
	state->expired = rows_bool(rows, 0, USER_COLUMNS + 3);
	state->revoked = rows_bool(rows, 0, USER_COLUMNS + 4);
	state->dead = rows_bool(rows, 0, USER_COLUMNS + 5);
	state->successor_used = rows_bool(rows, 0, USER_COLUMNS + 6);
	state->family_changed_at = rows_int(rows, 0, USER_COLUMNS + 7);
	state->device = rows_str(rows, 0, USER_COLUMNS + 8);
	state->address = rows_str(rows, 0, USER_COLUMNS + 9);
}

bool
store_refresh_peek(struct db *db, struct arena *arena, const unsigned char hash[SHA256_SIZE],
    struct refresh_state *state, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_REFRESH_STATE), DB_PARAMS(db_bytea(arena, hash, SHA256_SIZE)),
		&rows, err))
		return false;
	refresh_from_rows(rows, state);
	return true;
}

bool
store_refresh_lock(struct db *db, struct arena *arena, const unsigned char hash[SHA256_SIZE],
    struct refresh_state *state, struct error *err)
{
	/* Two statements: the second one sees everything committed before the lock was acquired. */
	return db_exec(db, arena, Q(Q_REFRESH_LOCK_FAMILY),
		   DB_PARAMS(db_bytea(arena, hash, SHA256_SIZE)), NULL, err) &&
	    store_refresh_peek(db, arena, hash, state, err);
}

bool
store_refresh_rotate(struct db *db, struct arena *arena, const struct refresh_rotation *r,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_ROTATE),
	    DB_PARAMS(r->session_id, db_bytea(arena, r->old_hash, SHA256_SIZE),
		db_bytea(arena, r->new_hash, SHA256_SIZE), db_time(arena, r->expires_at),
		r->address),
	    NULL, err);
}

bool
store_sessions_end(struct db *db, struct arena *arena, const struct session_end *end,
    struct strings *ended, struct error *err)
{
	const char *until = db_time(arena, end->blacklist_until);
	struct rows *rows;

	if (!(end->session_id != NULL ?
		    db_exec(db, arena, Q(Q_SESSION_REVOKE),
			DB_PARAMS(end->session_id, end->reason, until), &rows, err) :
		    db_exec(db, arena, Q(Q_SESSIONS_REVOKE),
			DB_PARAMS(end->user_id, end->except, end->reason, until), &rows, err)))
		return false;
	*ended = rows_column(arena, rows, 0);
	return true;
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
store_sessions_list(struct db *db, struct arena *arena, const char *user_id,
    struct session **sessions, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_SESSIONS_LIST), DB_PARAMS(user_id), &rows, err))
		return false;
	*n = rows_count(rows);
	*sessions = arena_array(arena, *n, sizeof(**sessions));
	for (size_t i = 0; i < *n; i++)
		(*sessions)[i] = (struct session) {
			.id = rows_str(rows, i, 0),
			.device = rows_str(rows, i, 1),
			.address = rows_str(rows, i, 2),
			.created_at = rows_int(rows, i, 3),
			.last_used_at = rows_int(rows, i, 4),
		};
	return true;
}

bool
store_revoked_list(struct db *db, struct arena *arena, struct revoked **revoked, size_t *n,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_REVOKED_LIST), DB_NO_PARAMS, &rows, err))
		return false;
	*n = rows_count(rows);
	*revoked = arena_array(arena, *n, sizeof(**revoked));
	for (size_t i = 0; i < *n; i++)
		(*revoked)[i] = (struct revoked) { rows_str(rows, i, 0), rows_str(rows, i, 1) };
	return true;
}

bool
store_generation(struct db *db, struct arena *arena, const char *user_id, int64_t *generation,
    bool *found, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_GENERATION), DB_PARAMS(user_id), &rows, err))
		return false;
	*found = rows_count(rows) > 0;
	*generation = *found ? rows_int(rows, 0, 0) : 0;
	return true;
}

bool
store_session_check(struct db *db, struct arena *arena, const char *session_id, const char *user_id,
    struct session_check *check, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_SESSION_CHECK), DB_PARAMS(session_id, user_id), &rows, err))
		return false;
	*check = (struct session_check) { .alive = false };
	if (rows_count(rows) > 0)
		*check = (struct session_check) { .generation = rows_int(rows, 0, 0),
			.alive = rows_bool(rows, 0, 1) };
	return true;
}

static void
login_counts_from_rows(const struct rows *rows, const struct login_who *who,
    struct login_state *state)
{
	for (size_t row = 0; row < rows_count(rows); row++)
		for (size_t i = 0; i < LOGIN_SUBJECTS; i++)
			if (str_eq(rows_str(rows, row, 0), who->subjects[i])) {
				state->failures[i] = rows_int(rows, row, 1);
				state->seconds[i] = rows_int(rows, row, 2);
			}
}

bool
store_login_state(struct db *db, struct arena *arena, const struct login_who *who,
    struct login_state *state, struct error *err)
{
	const char *window = db_int(arena, LOGIN_WINDOW_SECONDS);
	const char *of_counts[] = { db_array(arena, who->subjects, LOGIN_SUBJECTS), window };
	const char *of_known[] = { who->email, who->address };
	struct db_call calls[] = {
		{ .query = Q(Q_LOGIN_COUNTS), .params = of_counts, .nparams = 2 },
		{ .query = Q(Q_LOGIN_KNOWN), .params = of_known, .nparams = 2 },
	};

	if (!db_pipeline(db, arena, calls, 2, err))
		return false;
	*state = (struct login_state) { .known_address = rows_count(calls[1].rows) > 0 };
	login_counts_from_rows(calls[0].rows, who, state);
	return true;
}

bool
store_login_failed(struct db *db, struct arena *arena, const struct login_who *who,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_LOGIN_FAILED),
	    DB_PARAMS(db_array(arena, who->subjects, LOGIN_SUBJECTS),
		db_int(arena, LOGIN_WINDOW_SECONDS)),
	    NULL, err);
}

bool
store_login_forget(struct db *db, struct arena *arena, const char *pair_subject, struct error *err)
{
	return db_exec(db, arena, Q(Q_LOGIN_FORGET), DB_PARAMS(pair_subject), NULL, err);
}
