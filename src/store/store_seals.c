#include "store/store_seals.h"

#include "core/arena.h"

#include "core/banned.h"

enum { Q_OTHER, Q_TOTP_SECRET, Q_TOTP_PENDING, Q_PLEX_TOKEN, Q_COUNT };

/* Columns of bytes as the texts that they hold. */
#define TOTP_SECRET "convert_from(totp_secret, 'UTF8')"
#define TOTP_PENDING "convert_from(totp_pending, 'UTF8')"
#define PLEX_TOKEN "convert_from(plex_token, 'UTF8')"
#define OTHER(text) "NOT starts_with(" text ", $2)"
#define ANY_OTHER OTHER(TOTP_SECRET) " OR " OTHER(TOTP_PENDING) " OR " OTHER(PLEX_TOKEN)
#define ONE_OF(text) "count(*) FILTER (WHERE starts_with(" text ", $1))"
#define JOBS_OF "SELECT count(*) FROM jobs WHERE strpos(payload::text, '\"' || $1) > 0"
#define REPLACE(column) \
	"UPDATE users SET " column " = convert_to($3, 'UTF8') WHERE id = $1 AND " column \
	" = convert_to($2, 'UTF8')"

const struct query store_seals_queries[] = {
	[Q_OTHER] = { "seals_other",
	    "SELECT id, " TOTP_SECRET ", " TOTP_PENDING ", " PLEX_TOKEN
	    " FROM users WHERE ($1::uuid IS NULL OR id > $1) AND (" ANY_OTHER
	    ") ORDER BY id LIMIT $3::int",
	    QUERY_READ },
	[Q_TOTP_SECRET] = { "seals_totp_secret", REPLACE("totp_secret"), 0 },
	[Q_TOTP_PENDING] = { "seals_totp_pending", REPLACE("totp_pending"), 0 },
	[Q_PLEX_TOKEN] = { "seals_plex_token", REPLACE("plex_token"), 0 },
	/* A job holds a sealed text as a member of its payload, wherever in it. */
	[Q_COUNT] = { "seals_count",
	    "SELECT " ONE_OF(TOTP_SECRET) " + " ONE_OF(TOTP_PENDING) " + " ONE_OF(
		PLEX_TOKEN) ", (" JOBS_OF ") FROM users",
	    QUERY_READ },
	{ .name = NULL },
};
#define Q(id) (&store_seals_queries[id])

bool
store_seals_other(struct db *db, struct arena *arena, const char *after, const char *prefix,
    int limit, struct seal_row **out, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_OTHER), DB_PARAMS(after, prefix, db_int(arena, limit)), &rows,
		err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n, sizeof(**out));
	for (size_t i = 0; i < *n; i++) {
		(*out)[i].user_id = rows_str(rows, i, 0);
		for (int column = 0; column < SEAL_COLUMNS; column++)
			(*out)[i].sealed[column] = rows_str(rows, i, 1 + column);
	}
	return true;
}

bool
store_seals_replace(struct db *db, struct arena *arena, const char *user_id,
    enum seal_column column, const char *old, const char *new, bool *replaced, struct error *err)
{
	return db_change(db, arena, Q(Q_TOTP_SECRET + column), DB_PARAMS(user_id, old, new),
	    replaced, err);
}

bool
store_seals_count(struct db *db, struct arena *arena, const char *prefix, int64_t *people,
    int64_t *jobs, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_COUNT), DB_PARAMS(prefix), &rows, err))
		return false;
	*people = rows_int(rows, 0, 0);
	*jobs = rows_int(rows, 0, 1);
	return true;
}
