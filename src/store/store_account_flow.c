#include "store/store_account_flow.h"

#include "core/arena.h"
#include "core/crypto.h"

#include "core/banned.h"

enum {
	Q_TOKEN_ADD,
	Q_TOKEN_USE,
	Q_TOKENS_DROP,
	Q_CONFIRMED,
	Q_EMAIL,
	Q_PROFILE,
	Q_TIME_ZONE,
	Q_ACTIVITY_ADD,
	Q_ACTIVITY_LIST,
	Q_STATISTICS,
};

#define AT_US SQL_US("at")

const struct query store_account_flow_queries[] = {
	[Q_TOKEN_ADD] = { "mail_token_add",
	    "INSERT INTO mail_tokens (hash, purpose, user_id, email, display_name, password_hash,"
	    " expires_at, session_id, generation)"
	    " VALUES ($1, $2, $3::uuid, lower($4), $5, $6, $7, $8,"
	    " (SELECT generation FROM users WHERE id = $3::uuid))",
	    0 },
	[Q_TOKEN_USE] = { "mail_token_use",
	    "WITH person AS MATERIALIZED (SELECT u.id, u.generation, u.email FROM users u"
	    " WHERE u.id = (SELECT t.user_id FROM mail_tokens t WHERE t.hash = $1)"
	    " AND u.status = 'active' FOR NO KEY UPDATE)"
	    " UPDATE mail_tokens SET used_at = now() WHERE hash = $1 AND purpose = ANY ($2::text[])"
	    " AND used_at IS NULL AND expires_at > now()"
	    " AND (user_id IS NULL OR EXISTS (SELECT FROM person p"
	    " WHERE p.id = user_id AND p.generation = mail_tokens.generation"
	    " AND (mail_tokens.purpose <> 'reset' OR mail_tokens.email = lower(p.email))))"
	    " AND (session_id IS NULL OR EXISTS (SELECT FROM sessions s WHERE s.id = session_id"
	    " AND s.revoked_at IS NULL AND s.expires_at > now()))"
	    " RETURNING purpose, user_id, email, display_name, password_hash",
	    0 },
	[Q_TOKENS_DROP] = { "mail_tokens_drop",
	    "DELETE FROM mail_tokens WHERE user_id = $1 AND ($2::text IS NULL OR purpose = $2)"
	    " AND used_at IS NULL",
	    0 },
	[Q_CONFIRMED] = { "account_confirmed",
	    "UPDATE users SET email_confirmed_at = now() WHERE id = $1", 0 },
	[Q_EMAIL] = { "account_email",
	    "UPDATE users SET email = lower($2), email_confirmed_at = now(), updated_at = now()"
	    " WHERE id = $1",
	    0 },
	[Q_PROFILE] = { "account_profile",
	    "UPDATE users SET display_name = coalesce($2, display_name), locale = coalesce($3,"
	    " locale), time_zone = coalesce($4, time_zone), updated_at = now() WHERE id = $1",
	    0 },
	/* The copies of the zones under other paths are left out. */
	[Q_TIME_ZONE] = { "time_zone",
	    "SELECT name FROM pg_timezone_names WHERE lower(name) IN (lower($1), lower($2))"
	    " AND name !~ '^(posix|right)/|^(posixrules|localtime|Factory)$'"
	    " ORDER BY lower(name) = lower($1) DESC LIMIT 1",
	    QUERY_READ },
	[Q_ACTIVITY_ADD] = { "activity_add",
	    "INSERT INTO activity (id, user_id, kind, data)"
	    " VALUES ($1, $2, $3, coalesce($4::jsonb, '{}'))",
	    0 },
	[Q_ACTIVITY_LIST] = { "activity_list",
	    "SELECT id, " AT_US ", kind, data FROM activity WHERE user_id = $1"
	    " AND ($2::bigint IS NULL OR (" AT_US ", id) < ($2::bigint, $3::uuid))"
	    " ORDER BY at DESC, id DESC LIMIT $4::int",
	    QUERY_READ },
	[Q_STATISTICS] = { "statistics",
	    "WITH up AS (SELECT to_char(month, 'YYYY-MM') AS month,"
	    " sum(uploads)::bigint AS uploads, sum(uploaded_bytes)::bigint AS bytes"
	    " FROM storage_kept WHERE user_id = $1 GROUP BY 1 HAVING sum(uploads) > 0), "
	    "play AS (SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM') AS month, count(*) AS plays"
	    " FROM activity WHERE user_id = $1 AND kind = 'media.played' GROUP BY 1) "
	    "SELECT month, coalesce(uploads, 0), coalesce(bytes, 0), coalesce(plays, 0)"
	    " FROM up FULL JOIN play USING (month) ORDER BY month DESC LIMIT 120",
	    QUERY_READ },
	{ .name = NULL },
};
#define Q(id) (&store_account_flow_queries[id])

bool
store_mail_token_add(struct db *db, struct arena *arena, const struct store_mail_token *t,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_TOKEN_ADD),
	    DB_PARAMS(db_bytea(arena, t->hash, SHA256_SIZE), t->purpose, t->user_id, t->email,
		t->display_name, t->password_hash, db_time(arena, t->expires_at), t->session_id),
	    NULL, err);
}

bool
store_mail_token_use(struct db *db, struct arena *arena, const char *purposes,
    struct store_mail_token *t, struct error *err)
{
	struct rows *rows;

	t->purpose = NULL;
	if (!db_exec(db, arena, Q(Q_TOKEN_USE),
		DB_PARAMS(db_bytea(arena, t->hash, SHA256_SIZE), purposes), &rows, err))
		return false;
	if (rows_count(rows) == 0)
		return true;
	t->purpose = rows_str(rows, 0, 0);
	t->user_id = rows_str(rows, 0, 1);
	t->email = rows_str(rows, 0, 2);
	t->display_name = rows_str(rows, 0, 3);
	t->password_hash = rows_str(rows, 0, 4);
	return true;
}

bool
store_mail_tokens_drop(struct db *db, struct arena *arena, const char *user_id, const char *purpose,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_TOKENS_DROP), DB_PARAMS(user_id, purpose), NULL, err);
}

bool
store_account_confirmed(struct db *db, struct arena *arena, const char *user_id, struct error *err)
{
	return db_exec(db, arena, Q(Q_CONFIRMED), DB_PARAMS(user_id), NULL, err);
}

bool
store_account_email(struct db *db, struct arena *arena, const char *user_id, const char *email,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_EMAIL), DB_PARAMS(user_id, email), NULL, err) &&
	    store_mail_tokens_drop(db, arena, user_id, NULL, err);
}

bool
store_account_profile(struct db *db, struct arena *arena, const char *user_id,
    const struct store_profile *p, struct error *err)
{
	return db_exec(db, arena, Q(Q_PROFILE),
	    DB_PARAMS(user_id, p->display_name, p->locale, p->time_zone), NULL, err);
}

bool
store_time_zone(struct db *db, struct arena *arena, const char *name, const char *other,
    const char **zone, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_TIME_ZONE), DB_PARAMS(name, other), &rows, err))
		return false;
	*zone = rows_count(rows) > 0 ? rows_str(rows, 0, 0) : NULL;
	return true;
}

bool
store_activity_add(struct db *db, struct arena *arena, const char *user_id,
    const struct activity *a, struct error *err)
{
	return db_exec(db, arena, Q(Q_ACTIVITY_ADD), DB_PARAMS(a->id, user_id, a->kind, a->data),
	    NULL, err);
}

bool
store_activity_list(struct db *db, struct arena *arena, const struct activity_ask *ask,
    struct activity **out, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_ACTIVITY_LIST),
		DB_PARAMS(ask->user_id,
		    ask->before_id == NULL ? NULL : db_int(arena, ask->before_time), ask->before_id,
		    db_int(arena, ask->limit)),
		&rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = (struct activity) {
			.id = rows_str(rows, i, 0),
			.at = rows_int(rows, i, 1),
			.kind = rows_str(rows, i, 2),
			.data = rows_str(rows, i, 3),
		};
	return true;
}

bool
store_statistics(struct db *db, struct arena *arena, const char *user_id, struct month **out,
    size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_STATISTICS), DB_PARAMS(user_id), &rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = (struct month) {
			.month = rows_str(rows, i, 0),
			.uploads = rows_int(rows, i, 1),
			.bytes = rows_int(rows, i, 2),
			.plays = rows_int(rows, i, 3),
		};
	return true;
}
