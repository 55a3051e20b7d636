#include "store/store_requests.h"

#include "core/arena.h"
#include "core/str.h"

#include "core/banned.h"

#define COLUMNS \
	"r.id, r.overseerr_id, r.media_type, r.tmdb_id, r.is4k, r.seasons, r.title, r.year," \
	" " RETRY_US ", r.overseerr_user_id, r.overseerr_user_name, r.requested_by," \
	" u.display_name, r.made_here, r.request_state, r.media_state, r.status, r.reason," \
	" r.failure_code, r.failure_message, r.told, " FETCHED_US ", " CREATED_US ", " UPDATED_US \
	", r.poster, coalesce(r.newest_before, -1)"
#define FETCHED_US SQL_US("r.fetched_at")
#define CREATED_US SQL_US("r.created_at")
#define UPDATED_US SQL_US("r.updated_at")
#define RETRY_US SQL_US("r.retry_at")
#define FROM " FROM requests r LEFT JOIN users u ON u.id = r.requested_by"
#define SAME " r.media_type = $2 AND r.tmdb_id = $3::bigint AND r.is4k = $4::boolean"

enum {
	Q_LIST,
	Q_GET,
	Q_LOCK,
	Q_BY_NUMBER,
	Q_ASKING,
	Q_OPEN,
	Q_ADD,
	Q_UPDATE,
	Q_DROP_REFUSED,
	Q_DELETE,
	Q_REMOVED,
	Q_REMOVALS,
	Q_OWNER,
	Q_NUMBERED,
	Q_POSTED,
	Q_SEEN,
	Q_MISSING,
	Q_UNASKED,
	Q_HOLD_PEOPLE,
	Q_EXPIRE,
};

const struct query store_requests_queries[] = {
	[Q_LIST] = { "requests_list",
	    "SELECT " COLUMNS FROM " WHERE ($1::uuid IS NULL OR r.requested_by = $1)"
	    " AND ($2::text IS NULL OR r.status = $2)"
	    " AND ($4::uuid IS NULL OR (r.created_at, r.id) <"
	    " (timestamptz 'epoch' + $3::bigint * interval '1 microsecond', $4))"
	    " ORDER BY r.created_at DESC, r.id DESC LIMIT $5::int",
	    QUERY_READ },
	[Q_GET] = { "request_get", "SELECT " COLUMNS FROM " WHERE r.id = $1", QUERY_READ },
	[Q_LOCK] = { "request_lock", "SELECT " COLUMNS FROM " WHERE r.id = $1 FOR UPDATE OF r", 0 },
	[Q_BY_NUMBER] = { "request_by_number",
	    "SELECT " COLUMNS FROM " WHERE r.overseerr_id = $1::bigint FOR UPDATE OF r", 0 },
	[Q_ASKING] = { "request_asking",
	    "SELECT " COLUMNS FROM " WHERE r.overseerr_id IS NULL AND r.overseerr_user_id ="
	    " $1::bigint AND" SAME " ORDER BY r.created_at DESC LIMIT 1 FOR UPDATE OF r",
	    0 },
	[Q_OPEN] = { "request_open",
	    "SELECT " COLUMNS FROM " WHERE r.requested_by = $1 AND" SAME
	    " AND r.status IN ('pending', 'approved', 'processing')"
	    " AND (r.media_type = 'movie' OR r.seasons @> $5::integer[] AND cardinality($5) > 0"
	    " OR r.overseerr_id IS NULL)"
	    " ORDER BY r.created_at DESC LIMIT 1",
	    QUERY_READ },
	[Q_ADD] = { "request_add",
	    "INSERT INTO requests (id, overseerr_id, media_type, tmdb_id, is4k, seasons, title,"
	    " year, retry_at, overseerr_user_id, overseerr_user_name, requested_by, made_here,"
	    " request_state, media_state, status, told, fetched_at, created_at, updated_at,"
	    " reason, failure_code, failure_message, poster, newest_before)"
	    " VALUES ($1, $2::bigint, $3, $4::bigint, $5::boolean, $6::integer[], $7, $8::integer,"
	    " $9::timestamptz, $10::bigint, $11, $12, $13::boolean, $14::integer, $15::integer,"
	    " $16, $17::integer, $18::timestamptz, $19::timestamptz, $20::timestamptz,"
	    " $21, $22, $23, $24, nullif($25::bigint, -1))",
	    0 },
	[Q_UPDATE] = { "request_update",
	    "UPDATE requests SET overseerr_id = $2::bigint, seasons = $3::integer[],"
	    " title = coalesce($4, title), year = coalesce($5::integer, year),"
	    " retry_at = $6::timestamptz, overseerr_user_id = $7::bigint,"
	    " overseerr_user_name = coalesce($8, overseerr_user_name), requested_by = $9,"
	    " made_here = $10::boolean, request_state = $11::integer, media_state = $12::integer,"
	    " status = $13, reason = $14, failure_code = $15, failure_message = $16,"
	    " told = $17::integer, fetched_at = $18::timestamptz, updated_at = $19::timestamptz,"
	    " poster = coalesce($20, poster), missing_runs = 0 WHERE id = $1",
	    0 },
	[Q_DROP_REFUSED] = { "request_drop_refused",
	    "DELETE FROM requests r WHERE r.requested_by = $1 AND" SAME
	    " AND r.overseerr_id IS NULL AND r.failure_code IS NOT NULL",
	    0 },
	[Q_DELETE] = { "request_delete", "DELETE FROM requests WHERE id = $1", 0 },
	[Q_REMOVED] = { "requests_removed", "UPDATE request_removals SET removed = removed + 1",
	    0 },
	[Q_REMOVALS] = { "requests_removals", "SELECT removed FROM request_removals", QUERY_READ },
	[Q_OWNER] = { "request_owner",
	    "SELECT user_id FROM overseerr_people WHERE overseerr_id = $1::bigint", QUERY_READ },
	[Q_NUMBERED] = { "requests_numbered",
	    "SELECT " COLUMNS FROM " WHERE r.overseerr_id = ANY ($1::bigint[])", QUERY_READ },
	[Q_POSTED] = { "requests_posted",
	    "SELECT " COLUMNS FROM " WHERE r.poster = $1 AND r.poster <> ''"
	    " ORDER BY r.created_at DESC LIMIT $2::integer",
	    QUERY_READ },
	[Q_SEEN] = { "requests_seen",
	    "UPDATE requests SET missing_runs = 0 WHERE missing_runs > 0"
	    " AND overseerr_id = ANY ($1::bigint[])",
	    0 },
	[Q_MISSING] = { "requests_missing",
	    "UPDATE requests SET missing_runs = missing_runs + 1 WHERE overseerr_id IS NOT NULL"
	    " AND fetched_at < $2::timestamptz AND NOT overseerr_id = ANY ($1::bigint[])"
	    " RETURNING id, overseerr_id, missing_runs",
	    0 },
	[Q_UNASKED] = { "requests_unasked",
	    "SELECT " COLUMNS FROM " WHERE r.overseerr_id IS NULL AND r.failure_code IS NULL"
	    " AND r.created_at < $1::timestamptz ORDER BY r.id FOR UPDATE OF r",
	    0 },
	[Q_HOLD_PEOPLE] = { "requests_hold_people",
	    "SELECT id FROM users WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE", 0 },
	[Q_EXPIRE] = { "requests_expire",
	    "DELETE FROM requests WHERE fetched_at < now() - make_interval(days => $1::int)"
	    " AND (overseerr_id IS NULL AND failure_code IS NOT NULL"
	    " OR NOT EXISTS (SELECT FROM overseerr_settings))",
	    0 },
	{ .name = NULL },
};
#define Q(id) (&store_requests_queries[id])

static enum title_status
status_of(const char *name)
{
	int status = 0;

	while (status < TITLE_STATUSES - 1 &&
	    !str_eq(title_status_name((enum title_status)status), name))
		status++;
	return (enum title_status)status;
}

static const char *
numbers(struct arena *arena, const int64_t *values, size_t n)
{
	const char **texts = arena_array(arena, n + 1, sizeof(*texts));

	for (size_t i = 0; i < n; i++)
		texts[i] = db_int(arena, values[i]);
	return db_array(arena, texts, n);
}

static void
seasons_from_row(struct arena *arena, const struct rows *rows, size_t i, int column,
    struct seasons *seasons)
{
	size_t n;
	const char **texts = rows_array(arena, rows, i, column, &n);

	seasons->n = 0;
	for (size_t k = 0; k < n && seasons->n < REQUEST_SEASONS_MAX; k++)
		if (str_to_int(texts[k], 0, INT32_MAX, &seasons->numbers[seasons->n]))
			seasons->n++;
}

static void
from_row(struct arena *arena, const struct rows *rows, size_t i, struct title_request *r)
{
	*r = (struct title_request) {
		.id = rows_str(rows, i, 0),
		.overseerr_id = rows_int(rows, i, 1),
		.media_type = rows_str(rows, i, 2),
		.tmdb_id = rows_int(rows, i, 3),
		.is4k = rows_bool(rows, i, 4),
		.title = rows_str(rows, i, 6),
		.year = rows_int(rows, i, 7),
		.retry_at = rows_int(rows, i, 8),
		.overseerr_user = rows_int(rows, i, 9),
		.overseerr_name = rows_str(rows, i, 10),
		.requested_by = rows_str(rows, i, 11),
		.requester_name = rows_str(rows, i, 12),
		.made_here = rows_bool(rows, i, 13),
		.request_state = rows_int(rows, i, 14),
		.media_state = rows_int(rows, i, 15),
		.status = status_of(rows_str(rows, i, 16)),
		.reason = rows_str(rows, i, 17),
		.failure_code = rows_str(rows, i, 18),
		.failure_message = rows_str(rows, i, 19),
		.told = rows_int(rows, i, 20),
		.fetched_at = rows_int(rows, i, 21),
		.created_at = rows_int(rows, i, 22),
		.updated_at = rows_int(rows, i, 23),
		.poster = rows_str(rows, i, 24),
		.newest_before = rows_int(rows, i, 25),
	};
	seasons_from_row(arena, rows, i, 5, &r->seasons);
}

static bool
many(struct db *db, struct arena *arena, const struct query *query, struct strings params,
    struct title_request **out, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query, params, &rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		from_row(arena, rows, i, &(*out)[i]);
	return true;
}

static bool
one(struct db *db, struct arena *arena, const struct query *query, struct strings params,
    struct title_request *out, struct error *err)
{
	struct title_request *found;
	size_t n;

	out->id = NULL;
	if (!many(db, arena, query, params, &found, &n, err))
		return false;
	if (n > 0)
		*out = found[0];
	return true;
}

bool
store_requests_list(struct db *db, struct arena *arena, const struct store_requests_ask *ask,
    struct title_request **out, size_t *n, struct error *err)
{
	return many(db, arena, Q(Q_LIST),
	    DB_PARAMS(ask->filter.user, ask->filter.status, db_int(arena, ask->before_time),
		ask->before_id, db_int(arena, ask->limit)),
	    out, n, err);
}

bool
store_request_get(struct db *db, struct arena *arena, const char *id, struct title_request *out,
    struct error *err)
{
	return one(db, arena, Q(Q_GET), DB_PARAMS(id), out, err);
}

bool
store_request_lock(struct db *db, struct arena *arena, const char *id, struct title_request *out,
    struct error *err)
{
	return one(db, arena, Q(Q_LOCK), DB_PARAMS(id), out, err);
}

bool
store_request_match(struct db *db, struct arena *arena, const struct title_request *like,
    struct title_request *out, struct error *err)
{
	const struct strings number = DB_PARAMS(db_int(arena, like->overseerr_id)),
			     asking =
				 DB_PARAMS(db_int(arena, like->overseerr_user), like->media_type,
				     db_int(arena, like->tmdb_id), db_bool(like->is4k));

	/* By its number again: another may have given it to the row that was waited for. */
	return one(db, arena, Q(Q_BY_NUMBER), number, out, err) &&
	    (out->id != NULL || one(db, arena, Q(Q_ASKING), asking, out, err)) &&
	    (out->id != NULL || one(db, arena, Q(Q_BY_NUMBER), number, out, err));
}

bool
store_request_open(struct db *db, struct arena *arena, const struct title_request *like,
    struct title_request *out, struct error *err)
{
	return one(db, arena, Q(Q_OPEN),
	    DB_PARAMS(like->requested_by, like->media_type, db_int(arena, like->tmdb_id),
		db_bool(like->is4k), numbers(arena, like->seasons.numbers, like->seasons.n)),
	    out, err);
}

static const char *
retry_at(struct arena *arena, const struct title_request *r)
{
	return r->retry_at == 0 ? NULL : db_time(arena, r->retry_at);
}

bool
store_request_add(struct db *db, struct arena *arena, const struct title_request *r,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_ADD),
	    DB_PARAMS(r->id, r->overseerr_id == 0 ? NULL : db_int(arena, r->overseerr_id),
		r->media_type, db_int(arena, r->tmdb_id), db_bool(r->is4k),
		numbers(arena, r->seasons.numbers, r->seasons.n), r->title,
		r->year == 0 ? NULL : db_int(arena, r->year), retry_at(arena, r),
		db_int(arena, r->overseerr_user), r->overseerr_name, r->requested_by,
		db_bool(r->made_here), db_int(arena, r->request_state),
		db_int(arena, r->media_state), title_status_name(r->status), db_int(arena, r->told),
		db_time(arena, r->fetched_at), db_time(arena, r->created_at),
		db_time(arena, r->updated_at), r->reason, r->failure_code, r->failure_message,
		r->poster, db_int(arena, r->newest_before)),
	    NULL, err);
}

bool
store_request_update(struct db *db, struct arena *arena, const struct title_request *r,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_UPDATE),
	    DB_PARAMS(r->id, r->overseerr_id == 0 ? NULL : db_int(arena, r->overseerr_id),
		numbers(arena, r->seasons.numbers, r->seasons.n), r->title,
		r->year == 0 ? NULL : db_int(arena, r->year), retry_at(arena, r),
		db_int(arena, r->overseerr_user), r->overseerr_name, r->requested_by,
		db_bool(r->made_here), db_int(arena, r->request_state),
		db_int(arena, r->media_state), title_status_name(r->status), r->reason,
		r->failure_code, r->failure_message, db_int(arena, r->told),
		db_time(arena, r->fetched_at), db_time(arena, r->updated_at), r->poster),
	    NULL, err);
}

bool
store_request_drop_refused(struct db *db, struct arena *arena, const struct title_request *like,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_DROP_REFUSED),
	    DB_PARAMS(like->requested_by, like->media_type, db_int(arena, like->tmdb_id),
		db_bool(like->is4k)),
	    NULL, err);
}

bool
store_request_delete(struct db *db, struct arena *arena, const char *id, bool *was_there,
    struct error *err)
{
	return db_change(db, arena, Q(Q_DELETE), DB_PARAMS(id), was_there, err);
}

bool
store_requests_removed(struct db *db, struct arena *arena, struct error *err)
{
	return db_exec(db, arena, Q(Q_REMOVED), DB_NO_PARAMS, NULL, err);
}

bool
store_requests_removals(struct db *db, struct arena *arena, int64_t *removals, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_REMOVALS), DB_NO_PARAMS, &rows, err))
		return false;
	*removals = rows_int(rows, 0, 0);
	return true;
}

bool
store_request_owner(struct db *db, struct arena *arena, int64_t overseerr_user, const char **user,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_OWNER), DB_PARAMS(db_int(arena, overseerr_user)), &rows, err))
		return false;
	*user = rows_count(rows) > 0 ? rows_str(rows, 0, 0) : NULL;
	return true;
}

bool
store_requests_posted(struct db *db, struct arena *arena, const char *poster, int limit,
    struct title_request **out, size_t *n, struct error *err)
{
	return many(db, arena, Q(Q_POSTED), DB_PARAMS(poster, db_int(arena, limit)), out, n, err);
}

bool
store_requests_numbered(struct db *db, struct arena *arena, const int64_t *ids, size_t n,
    struct title_request **out, size_t *nfound, struct error *err)
{
	return many(db, arena, Q(Q_NUMBERED), DB_PARAMS(numbers(arena, ids, n)), out, nfound, err);
}

bool
store_requests_missing(struct db *db, struct arena *arena, const int64_t *ids, size_t n, int64_t at,
    struct request_missing **missing, size_t *nmissing, struct error *err)
{
	const char *had = numbers(arena, ids, n);
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_SEEN), DB_PARAMS(had), NULL, err) ||
	    !db_exec(db, arena, Q(Q_MISSING), DB_PARAMS(had, db_time(arena, at)), &rows, err))
		return false;
	*nmissing = rows_count(rows);
	*missing = arena_array(arena, *nmissing + 1, sizeof(**missing));
	for (size_t i = 0; i < *nmissing; i++)
		(*missing)[i] = (struct request_missing) { rows_str(rows, i, 0),
			rows_int(rows, i, 1), rows_int(rows, i, 2) };
	return true;
}

bool
store_requests_unasked(struct db *db, struct arena *arena, int64_t at, struct title_request **out,
    size_t *n, struct error *err)
{
	return many(db, arena, Q(Q_UNASKED), DB_PARAMS(db_time(arena, at)), out, n, err);
}

bool
store_requests_hold_people(struct db *db, struct arena *arena, struct strings users,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_HOLD_PEOPLE),
	    DB_PARAMS(db_array(arena, users.items, users.n)), NULL, err);
}

bool
store_requests_expire(struct db *db, struct arena *arena, int days, struct error *err)
{
	return db_exec(db, arena, Q(Q_EXPIRE), DB_PARAMS(db_int(arena, days)), NULL, err);
}
