/* The objects of a backup, and what is known of their bytes: see store_backups.h. */
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "store/store_backups.h"

#include "core/banned.h"

#define PART_PREFIX '~' /* after every bucket's name */
#define PART_PREFIX_TEXT "~"
#define LAST_NAME "\x7f"

enum {
	Q_OBJECTS,
	Q_PARTS,
	Q_DERIVED,
	Q_INCOMING,
	Q_SUM,
	Q_SUM_KEEP,
	Q_PRUNE_BLOBS,
	Q_PRUNE_KEYS,
	Q_PLACE,
	Q_REMEMBER,
	Q_STRANGE_BLOBS,
	Q_STRANGE_KEYS,
	Q_UNLISTED_BLOBS,
	Q_UNLISTED_KEYS,
	Q_BYTES_BLOBS,
	Q_BYTES_KEYS,
};

#define UUID "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
#define MEDIA_OF(key) "(regexp_match(" key ", '^original/(" UUID ")/'))[1]::uuid"

const struct query store_backup_objects_queries[] = {
	/*
	 * The items by their ids, which are in the keys: keys have no index there. Archives to
	 * download are gone the next day, and are in no backup.
	 */
	[Q_OBJECTS] = { "backup_objects",
	    "SELECT o.bucket || '/' || o.key, o.blob, o.content_type, o.size,"
	    " encode(m.sha256, 'hex'), substring(o.etag FROM '^\"?([0-9a-f]{32})\"?$')"
	    " FROM objects o LEFT JOIN media m ON m.id = " MEDIA_OF(
		"o.key") " AND m.object_key = o.key"
			 " WHERE (o.bucket, o.key) > (split_part($1, '/', 1) COLLATE \"C\","
			 " substr($1, strpos($1, '/') + 1) COLLATE \"C\")"
			 " AND NOT starts_with(o.key, 'download/')"
			 " ORDER BY o.bucket, o.key LIMIT $2::integer",
	    QUERY_READ | QUERY_CUSTOM_PLAN },
	[Q_PARTS] = { "backup_parts",
	    "SELECT '~' || upload_id || '/' || lpad(number::text, 5, '0'), blob, '', size, NULL,"
	    " substring(etag FROM '^\"?([0-9a-f]{32})\"?$') FROM object_parts"
	    " WHERE ('~' || upload_id || '/' || lpad(number::text, 5, '0')) COLLATE \"C\" > $1"
	    " AND NOT EXISTS (SELECT FROM object_uploads u WHERE u.id = upload_id"
	    " AND starts_with(u.key, 'download/'))"
	    " ORDER BY upload_id COLLATE \"C\", number LIMIT $2::integer",
	    QUERY_READ },
	[Q_DERIVED] = { "backup_derived",
	    "SELECT a.key, '', '', a.size, encode(m.sha256, 'hex'), NULL"
	    " FROM media_assets a LEFT JOIN media m ON m.id = a.media_id AND m.object_key = a.key"
	    " WHERE a.published AND a.key > $1 AND a.key < $3 ORDER BY a.key LIMIT $2::integer",
	    QUERY_READ | QUERY_CUSTOM_PLAN },
	/* Of items that have no copy of their own yet. */
	[Q_INCOMING] = { "backup_incoming",
	    "SELECT u.object_key, '', u.content_type, u.size, NULL, NULL FROM uploads u"
	    " JOIN media m ON m.id = u.media_id WHERE u.status = 'completed'"
	    " AND m.object_key IS NULL AND u.object_key COLLATE \"C\" > $1"
	    " ORDER BY u.object_key COLLATE \"C\" LIMIT $2::integer",
	    QUERY_READ },
	[Q_SUM] = { "object_sum", "SELECT encode(sha256, 'hex') FROM object_sums WHERE name = $1",
	    QUERY_READ },
	[Q_SUM_KEEP] = { "object_sum_keep",
	    "INSERT INTO object_sums (name, sha256) VALUES ($1, decode($2, 'hex'))"
	    " ON CONFLICT (name) DO NOTHING",
	    0 },
	[Q_PRUNE_BLOBS] = { "object_sums_prune_blobs",
	    "DELETE FROM object_sums s WHERE NOT EXISTS (SELECT FROM objects o"
	    " WHERE o.blob = s.name)",
	    0 },
	[Q_PRUNE_KEYS] = { "object_sums_prune_keys",
	    "DELETE FROM object_sums s WHERE NOT EXISTS (SELECT FROM media_assets a"
	    " WHERE a.key = s.name)",
	    0 },
	[Q_PLACE] = { "verify_place", "SELECT after, checked, wrong FROM object_verification",
	    QUERY_READ },
	[Q_REMEMBER] = { "verify_remember",
	    "INSERT INTO object_verification (after, checked, wrong) VALUES ($1, $2, $3)"
	    " ON CONFLICT (one) DO UPDATE SET after = excluded.after, checked = excluded.checked,"
	    " wrong = excluded.wrong,"
	    " started_at = CASE WHEN excluded.after = '' THEN now()"
	    " ELSE object_verification.started_at END",
	    0 },
	/* Blobs have no index: each table is read once, and compared with all names. */
	[Q_STRANGE_BLOBS] = { "verify_strange_blobs",
	    "SELECT b FROM unnest($1::text[]) AS n (b) EXCEPT"
	    " (SELECT blob FROM objects WHERE blob = ANY ($1::text[])"
	    " UNION ALL SELECT blob FROM object_parts WHERE blob = ANY ($1::text[])"
	    " UNION ALL SELECT blob FROM object_garbage WHERE blob = ANY ($1::text[]))"
	    " ORDER BY 1",
	    QUERY_READ },
	[Q_STRANGE_KEYS] = { "verify_strange_keys",
	    "SELECT k FROM unnest($1::text[]) AS n (k) EXCEPT"
	    " (SELECT key FROM media_assets WHERE key = ANY ($1::text[])"
	    " UNION ALL SELECT object_key FROM uploads WHERE object_key = ANY ($1::text[])"
	    " UNION ALL SELECT object_key FROM downloads WHERE object_key = ANY ($1::text[])"
	    " UNION ALL SELECT 'poster' || path || '.webp' FROM title_posters"
	    " WHERE 'poster' || path || '.webp' = ANY ($1::text[])) ORDER BY 1",
	    QUERY_READ },
	[Q_UNLISTED_BLOBS] = { "verify_unlisted_blobs",
	    "SELECT b FROM unnest($1::text[]) AS n (b) WHERE NOT EXISTS (SELECT FROM objects o"
	    " WHERE o.blob = b) AND NOT EXISTS (SELECT FROM object_parts p WHERE p.blob = b)",
	    QUERY_READ },
	[Q_UNLISTED_KEYS] = { "verify_unlisted_keys",
	    "SELECT k FROM unnest($1::text[]) AS n (k) WHERE NOT EXISTS (SELECT FROM media_assets"
	    " a WHERE a.key = k AND a.published) AND NOT EXISTS (SELECT FROM uploads u JOIN media"
	    " m ON m.id = u.media_id WHERE u.object_key = k AND m.object_key IS NULL)",
	    QUERY_READ },
	[Q_BYTES_BLOBS] = { "backup_bytes_blobs",
	    "SELECT (SELECT coalesce(sum(size), 0) FROM objects"
	    " WHERE NOT starts_with(key, 'download/'))"
	    " + (SELECT coalesce(sum(size), 0) FROM object_parts)",
	    QUERY_READ },
	[Q_BYTES_KEYS] = { "backup_bytes_keys",
	    "SELECT coalesce(sum(size), 0) FROM media_assets WHERE published", QUERY_READ },
	{ .name = NULL },
};
#define Q(id) (&store_backup_objects_queries[id])

static bool
page(struct db *db, struct arena *arena, const struct query *query, struct strings params,
    struct backup_object **out, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query, params, &rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n + 1, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = (struct backup_object) { .name = rows_str(rows, i, 0),
			.version = rows_str(rows, i, 1),
			.type = rows_str(rows, i, 2),
			.size = rows_int(rows, i, 3),
			.sha256 = rows_str(rows, i, 4),
			.md5 = rows_str(rows, i, 5) };
	return true;
}

static bool
embedded_page(struct db *db, struct arena *arena, const char *after, struct backup_object **out,
    size_t *n, struct error *err)
{
	const char *limit = db_int(arena, BACKUP_PAGE);

	if (after[0] != PART_PREFIX) {
		if (!page(db, arena, Q(Q_OBJECTS), DB_PARAMS(after, limit), out, n, err))
			return false;
		if (*n > 0)
			return true;
		after = PART_PREFIX_TEXT;
	}
	return page(db, arena, Q(Q_PARTS), DB_PARAMS(after, limit), out, n, err);
}

/* derived/, incoming/, original/: three ranges of keys, two of one table. */
static bool
foreign_page(struct db *db, struct arena *arena, const char *after, struct backup_object **out,
    size_t *n, struct error *err)
{
	const char *limit = db_int(arena, BACKUP_PAGE), *border = "incoming/";

	*n = 0;
	if (strcmp(after, border) < 0) {
		if (!page(db, arena, Q(Q_DERIVED), DB_PARAMS(after, limit, border), out, n, err))
			return false;
		after = *n > 0 ? after : border;
	}
	if (*n == 0 && str_starts(after, border)) {
		if (!page(db, arena, Q(Q_INCOMING), DB_PARAMS(after, limit), out, n, err))
			return false;
		after = *n > 0 ? after : "incoming0"; /* '0' is what follows '/' */
	}
	return *n > 0 ||
	    page(db, arena, Q(Q_DERIVED), DB_PARAMS(after, limit, LAST_NAME), out, n, err);
}

bool
store_backup_objects(struct db *db, struct arena *arena, bool embedded, const char *after,
    struct backup_object **out, size_t *n, struct error *err)
{
	return embedded ? embedded_page(db, arena, after, out, n, err) :
			  foreign_page(db, arena, after, out, n, err);
}

bool
store_backup_sum(struct db *db, struct arena *arena, const char *name, const char **sha256,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_SUM), DB_PARAMS(name), &rows, err))
		return false;
	*sha256 = rows_count(rows) > 0 ? rows_str(rows, 0, 0) : NULL;
	return true;
}

bool
store_backup_sum_keep(struct db *db, struct arena *arena, const char *name, const char *sha256,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_SUM_KEEP), DB_PARAMS(name, sha256), NULL, err);
}

bool
store_backup_sums_prune(struct db *db, struct arena *arena, bool embedded, struct error *err)
{
	return db_exec(db, arena, Q(embedded ? Q_PRUNE_BLOBS : Q_PRUNE_KEYS), DB_NO_PARAMS, NULL,
	    err);
}

bool
store_verify_place(struct db *db, struct arena *arena, struct verify_place *place,
    struct error *err)
{
	struct rows *rows;

	*place = (struct verify_place) { .after = "" };
	if (!db_exec(db, arena, Q(Q_PLACE), DB_NO_PARAMS, &rows, err))
		return false;
	if (rows_count(rows) > 0)
		*place = (struct verify_place) { .after = rows_str(rows, 0, 0),
			.checked = rows_int(rows, 0, 1),
			.wrong = rows_int(rows, 0, 2) };
	return true;
}

bool
store_verify_remember(struct db *db, struct arena *arena, const struct verify_place *place,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_REMEMBER),
	    DB_PARAMS(place->after, db_int(arena, place->checked), db_int(arena, place->wrong)),
	    NULL, err);
}

bool
store_backup_strangers(struct db *db, struct arena *arena, bool embedded, struct strings names,
    struct strings *strangers, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(embedded ? Q_STRANGE_BLOBS : Q_STRANGE_KEYS),
		DB_PARAMS(db_array(arena, names.items, names.n)), &rows, err))
		return false;
	*strangers = rows_column(arena, rows, 0);
	return true;
}

bool
store_backup_unlisted(struct db *db, struct arena *arena, bool embedded, struct strings names,
    struct strings *unlisted, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(embedded ? Q_UNLISTED_BLOBS : Q_UNLISTED_KEYS),
		DB_PARAMS(db_array(arena, names.items, names.n)), &rows, err))
		return false;
	*unlisted = rows_column(arena, rows, 0);
	return true;
}

bool
store_backup_bytes(struct db *db, struct arena *arena, bool embedded, int64_t *bytes,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(embedded ? Q_BYTES_BLOBS : Q_BYTES_KEYS), DB_NO_PARAMS, &rows,
		err))
		return false;
	*bytes = rows_int(rows, 0, 0);
	return true;
}
