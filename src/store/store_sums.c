#include "store/store_sums.h"

#include "core/arena.h"
#include "core/error.h"

#include "core/banned.h"

enum {
	Q_LOCK,
	Q_USED,
	Q_FOLD,
	Q_DROP_TAGS,
	Q_FOLD_TAGS,
	Q_DROP_MEDIA,
	Q_FOLD_MEDIA,
	Q_DROP_DAYS,
	Q_FOLD_DAYS,
	Q_CHECK,
	Q_CHECK_TAGS,
	Q_CHECK_MEDIA,
	Q_CHECK_DAYS,
};

#define SUMS "sum(bytes) AS bytes, sum(uploads) AS uploads, sum(uploaded_bytes) AS uploaded_bytes"
#define DAY_KEY "owner_id, house, source, kind, top"

const struct query store_sums_queries[] = {
	/* Not the person's row: everything that refers to a person would wait for the lock. */
	[Q_LOCK] = { "storage_lock",
	    "SELECT pg_advisory_xact_lock(hashtextextended('storage ' || $1::text, 0))", 0 },
	[Q_USED] = { "storage_used",
	    "SELECT u.quota_bytes, coalesce((SELECT sum(bytes) FROM storage_kept"
	    " WHERE user_id = $1::uuid), 0)::bigint FROM users u WHERE u.id = $1::uuid",
	    0 },
	/*
	 * The people first, in order, as a deletion locks them before what is theirs; the count
	 * makes all of them come before the first change.
	 */
	[Q_FOLD] = { "storage_fold",
	    "WITH people AS MATERIALIZED (SELECT id FROM users"
	    " WHERE id IN (SELECT user_id FROM storage_changes) ORDER BY id FOR KEY SHARE),"
	    " taken AS (DELETE FROM storage_changes WHERE (SELECT count(*) FROM people) >= 0"
	    " RETURNING *)"
	    " INSERT INTO storage_sums AS s (user_id, month, bytes, uploads, uploaded_bytes)"
	    " SELECT user_id, month, " SUMS " FROM taken JOIN people ON people.id = user_id"
	    " GROUP BY user_id, month ON CONFLICT (user_id, month) DO UPDATE"
	    " SET bytes = s.bytes + excluded.bytes, uploads = s.uploads + excluded.uploads,"
	    " uploaded_bytes = s.uploaded_bytes + excluded.uploaded_bytes",
	    0 },
	[Q_DROP_TAGS] = { "tags_drop", "DELETE FROM tag_sums WHERE n = 0", 0 },
	[Q_FOLD_TAGS] = { "tags_fold",
	    "WITH taken AS (DELETE FROM tag_changes RETURNING *)"
	    " INSERT INTO tag_sums AS s (scope, tag, n) SELECT scope, tag, sum(n) FROM taken"
	    " GROUP BY scope, tag HAVING sum(n) <> 0"
	    " ON CONFLICT (scope, tag) DO UPDATE SET n = s.n + excluded.n",
	    0 },
	[Q_DROP_MEDIA] = { "media_sums_drop",
	    "DELETE FROM media_sums WHERE items = 0 AND bytes = 0", 0 },
	[Q_FOLD_MEDIA] = { "media_sums_fold",
	    "WITH taken AS (DELETE FROM media_changes RETURNING *)"
	    " INSERT INTO media_sums AS s (kind, status, month, items, bytes)"
	    " SELECT kind, status, month, sum(items), sum(bytes) FROM taken"
	    " GROUP BY kind, status, month HAVING sum(items) <> 0 OR sum(bytes) <> 0"
	    " ON CONFLICT (kind, status, month) DO UPDATE"
	    " SET items = s.items + excluded.items, bytes = s.bytes + excluded.bytes",
	    0 },
	[Q_DROP_DAYS] = { "days_drop", "DELETE FROM day_sums WHERE 0 = ALL (days)", 0 },
	/* A month of each kind is a row, with all its days. */
	[Q_FOLD_DAYS] = { "days_fold",
	    "WITH taken AS (DELETE FROM day_changes RETURNING *),"
	    " by_day AS (SELECT " DAY_KEY ", date_trunc('month', day)::date AS month,"
	    " date_part('day', day)::integer AS i, sum(n)::integer AS n FROM taken"
	    " GROUP BY " DAY_KEY ", day),"
	    " by_month AS (SELECT " DAY_KEY ", month FROM by_day GROUP BY " DAY_KEY ", month"
	    " HAVING bool_or(n <> 0))"
	    " INSERT INTO day_sums AS s (" DAY_KEY ", month, days)"
	    " SELECT " DAY_KEY ", month, array_agg(coalesce(d.n, 0) ORDER BY i)"
	    " FROM by_month CROSS JOIN generate_series(1, 31) AS i"
	    " LEFT JOIN by_day d USING (" DAY_KEY ", month, i) GROUP BY " DAY_KEY ", month"
	    " ON CONFLICT (" DAY_KEY ", month) DO UPDATE SET days = ARRAY(SELECT a + b"
	    " FROM unnest(s.days, excluded.days) WITH ORDINALITY AS t (a, b, i) ORDER BY i)",
	    0 },
	/*
	 * One snapshot shows the items and what was kept of them, whatever is being written, so the
	 * difference is an error; it is corrected like any change.
	 */
	[Q_CHECK] = { "storage_check",
	    "WITH kept AS (SELECT user_id, month, " SUMS
	    " FROM storage_kept GROUP BY user_id, month),"
	    " found AS (SELECT user_id, month, " SUMS
	    " FROM (SELECT owner_id AS user_id, mn_month(created_at) AS month,"
	    " coalesce(size, 0) AS bytes, mn_uploaded(source, status)::integer AS uploads,"
	    " CASE WHEN mn_uploaded(source, status) THEN coalesce(size, 0) ELSE 0 END"
	    " AS uploaded_bytes FROM media WHERE owner_id IS NOT NULL"
	    " UNION ALL SELECT user_id, mn_month(created_at), size, 0, 0 FROM uploads WHERE held"
	    " AND user_id IS NOT NULL) AS f GROUP BY user_id, month)"
	    " INSERT INTO storage_changes (user_id, month, bytes, uploads, uploaded_bytes)"
	    " SELECT user_id, month, coalesce(f.bytes, 0) - coalesce(k.bytes, 0),"
	    " coalesce(f.uploads, 0) - coalesce(k.uploads, 0),"
	    " coalesce(f.uploaded_bytes, 0) - coalesce(k.uploaded_bytes, 0)"
	    " FROM found f FULL JOIN kept k USING (user_id, month)"
	    " WHERE (coalesce(f.bytes, 0), coalesce(f.uploads, 0), coalesce(f.uploaded_bytes, 0))"
	    " <> (coalesce(k.bytes, 0), coalesce(k.uploads, 0), coalesce(k.uploaded_bytes, 0))"
	    " AND EXISTS (SELECT FROM users u WHERE u.id = user_id)",
	    0 },
	[Q_CHECK_TAGS] = { "tags_check",
	    "WITH kept AS (SELECT scope, tag, sum(n) AS n FROM tags_kept GROUP BY scope, tag),"
	    " found AS (SELECT mn_tag_scope(m) AS scope, tag, count(*) AS n"
	    " FROM media m, unnest(m.tags) AS tag WHERE mn_tag_scope(m) IS NOT NULL GROUP BY 1, 2)"
	    " INSERT INTO tag_changes (scope, tag, n)"
	    " SELECT scope, tag, coalesce(f.n, 0) - coalesce(k.n, 0)"
	    " FROM found f FULL JOIN kept k USING (scope, tag)"
	    " WHERE coalesce(f.n, 0) <> coalesce(k.n, 0)",
	    0 },
	[Q_CHECK_MEDIA] = { "media_sums_check",
	    "WITH kept AS (SELECT kind, status, month, sum(items) AS items, sum(bytes) AS bytes"
	    " FROM media_kept GROUP BY kind, status, month),"
	    " found AS (SELECT kind, status, mn_month(created_at) AS month, count(*) AS items,"
	    " coalesce(sum(size), 0) AS bytes FROM media GROUP BY 1, 2, 3)"
	    " INSERT INTO media_changes (kind, status, month, items, bytes)"
	    " SELECT kind, status, month, coalesce(f.items, 0) - coalesce(k.items, 0),"
	    " coalesce(f.bytes, 0) - coalesce(k.bytes, 0)"
	    " FROM found f FULL JOIN kept k USING (kind, status, month)"
	    " WHERE (coalesce(f.items, 0), coalesce(f.bytes, 0))"
	    " <> (coalesce(k.items, 0), coalesce(k.bytes, 0))",
	    0 },
	[Q_CHECK_DAYS] = { "days_check",
	    "WITH kept AS (SELECT " DAY_KEY ", day, sum(n) AS n FROM days_kept"
	    " GROUP BY " DAY_KEY ", day),"
	    " found AS (SELECT " DAY_KEY ", day, count(*) AS n FROM days_of_items"
	    " GROUP BY " DAY_KEY ", day)"
	    " INSERT INTO day_changes (" DAY_KEY ", day, n)"
	    " SELECT " DAY_KEY ", day, coalesce(f.n, 0) - coalesce(k.n, 0)"
	    " FROM found f FULL JOIN kept k USING (" DAY_KEY ", day)"
	    " WHERE coalesce(f.n, 0) <> coalesce(k.n, 0)",
	    0 },
	{ .name = NULL },
};
#define Q(id) (&store_sums_queries[id])

void
store_storage_calls(const char *const *user_id, struct db_call calls[STORAGE_CALLS])
{
	/* Two statements: the second sees what was committed before the lock was acquired. */
	calls[0] = (struct db_call) { .query = Q(Q_LOCK), .params = user_id, .nparams = 1 };
	calls[1] = (struct db_call) { .query = Q(Q_USED), .params = user_id, .nparams = 1 };
}

bool
store_storage_read(const struct db_call calls[STORAGE_CALLS], int64_t *bytes, int64_t *quota,
    struct error *err)
{
	const struct rows *rows = calls[1].rows;

	if (rows_count(rows) == 0)
		return error_set(err, ERR_UNAUTHENTICATED, "Sign in to do this.");
	*quota = rows_null(rows, 0, 0) ? -1 : rows_int(rows, 0, 0);
	*bytes = rows_int(rows, 0, 1);
	return true;
}

bool
store_sums_fold(struct db *db, struct arena *arena, struct error *err)
{
	return db_exec(db, arena, Q(Q_FOLD), DB_NO_PARAMS, NULL, err) &&
	    db_exec(db, arena, Q(Q_DROP_TAGS), DB_NO_PARAMS, NULL, err) &&
	    db_exec(db, arena, Q(Q_FOLD_TAGS), DB_NO_PARAMS, NULL, err) &&
	    db_exec(db, arena, Q(Q_DROP_MEDIA), DB_NO_PARAMS, NULL, err) &&
	    db_exec(db, arena, Q(Q_FOLD_MEDIA), DB_NO_PARAMS, NULL, err) &&
	    db_exec(db, arena, Q(Q_DROP_DAYS), DB_NO_PARAMS, NULL, err) &&
	    db_exec(db, arena, Q(Q_FOLD_DAYS), DB_NO_PARAMS, NULL, err);
}

bool
store_sums_check(struct db *db, struct arena *arena, int64_t *wrong, struct error *err)
{
	struct rows *storage, *tags, *media, *days;

	if (!db_exec(db, arena, Q(Q_CHECK), DB_NO_PARAMS, &storage, err) ||
	    !db_exec(db, arena, Q(Q_CHECK_TAGS), DB_NO_PARAMS, &tags, err) ||
	    !db_exec(db, arena, Q(Q_CHECK_MEDIA), DB_NO_PARAMS, &media, err) ||
	    !db_exec(db, arena, Q(Q_CHECK_DAYS), DB_NO_PARAMS, &days, err))
		return false;
	*wrong = rows_affected(storage) + rows_affected(tags) + rows_affected(media) +
	    rows_affected(days);
	return true;
}
