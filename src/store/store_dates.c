#include "store/store_dates.h"

#include "core/arena.h"
#include "core/error.h"

#include "core/banned.h"

#define CREATED SQL_US("created_at")
#define MODIFIED SQL_US("file_modified_at")
#define TAKEN SQL_US("taken_at")

enum { Q_NEXT, Q_PUT, Q_ZONE, Q_ZONED };

const struct query store_dates_queries[] = {
	[Q_NEXT] = { "dates_next",
	    "SELECT id, owner_id, filename, kind = 'video', " CREATED ", " MODIFIED ", " TAKEN ","
	    " metadata->>'takenAtLocal', metadata->>'takenAtOffset' FROM media"
	    " WHERE taken_source IS NULL AND source = 'upload' AND kind IN ('image', 'video')"
	    " AND object_key IS NOT NULL ORDER BY id LIMIT $1::integer FOR UPDATE SKIP LOCKED",
	    0 },
	[Q_PUT] = { "dates_put",
	    "UPDATE media m SET taken_at = d.instant, taken_local = d.wall,"
	    " taken_offset = d.minutes, taken_source = n.source, taken_by_wall = CASE"
	    " WHEN n.minutes IS NULL AND (n.instant IS NULL) <> (n.wall IS NULL)"
	    " THEN n.wall IS NOT NULL END,"
	    " year = coalesce(m.year, date_part('year', d.wall)::integer), version = m.version + 1"
	    " FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamp[], $4::integer[],"
	    " $5::text[]) AS n (id, instant, wall, minutes, source)"
	    " JOIN media o ON o.id = n.id LEFT JOIN users u ON u.id = o.owner_id,"
	    " LATERAL mn_taken(n.instant, n.wall, n.minutes, u.time_zone) d WHERE m.id = n.id",
	    0 },
	/* A change of the zone waits, and then finds out whether a job will see it. */
	[Q_ZONE] = { "dates_zone", "SELECT time_zone FROM users WHERE id = $1 FOR SHARE", 0 },
	[Q_ZONED] = { "dates_zoned",
	    "WITH part AS (SELECT id FROM media WHERE owner_id = $1::uuid"
	    " AND taken_by_wall IS NOT NULL AND ($2::uuid IS NULL OR id > $2::uuid)"
	    " ORDER BY id LIMIT $3::integer FOR NO KEY UPDATE), changed AS (UPDATE media m SET"
	    " taken_at = d.instant, taken_local = d.wall, taken_offset = d.minutes,"
	    " year = CASE WHEN m.year = date_part('year', m.taken_local)"
	    " THEN date_part('year', d.wall)::integer ELSE m.year END, version = m.version + 1,"
	    " updated_at = now() FROM part JOIN media o ON o.id = part.id,"
	    " LATERAL mn_taken(CASE WHEN NOT o.taken_by_wall THEN o.taken_at END,"
	    " CASE WHEN o.taken_by_wall THEN o.taken_local END, NULL, $4::text) d"
	    " WHERE m.id = part.id AND (d.instant, d.wall, d.minutes)"
	    " IS DISTINCT FROM (m.taken_at, m.taken_local, m.taken_offset)"
	    " RETURNING m.id, m.visibility)"
	    " SELECT (SELECT count(*) FROM part), (SELECT max(id::text) FROM part),"
	    " ARRAY(SELECT $1::text WHERE EXISTS (SELECT FROM changed) UNION SELECT 'house'"
	    " FROM changed UNION SELECT s.user_id::text FROM changed c"
	    " JOIN media_shares s ON s.media_id = c.id WHERE c.visibility = 'shared')",
	    0 },
	{ .name = NULL },
};
#define Q(id) (&store_dates_queries[id])

bool
store_dates_next(struct db *db, struct arena *arena, int limit, struct undated **items, size_t *n,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_NEXT), DB_PARAMS(db_int(arena, limit)), &rows, err))
		return false;
	*n = rows_count(rows);
	*items = arena_array(arena, *n, sizeof(**items));
	for (size_t i = 0; i < *n; i++)
		(*items)[i] = (struct undated) { .id = rows_str(rows, i, 0),
			.owner_id = rows_str(rows, i, 1),
			.filename = rows_str(rows, i, 2),
			.video = rows_bool(rows, i, 3),
			.created_at = rows_int(rows, i, 4),
			.modified_at = rows_int(rows, i, 5),
			.taken_at = rows_int(rows, i, 6),
			.local = rows_str(rows, i, 7),
			.offset = rows_str(rows, i, 8) };
	return true;
}

bool
store_dates_put(struct db *db, struct arena *arena, const struct undated *items,
    const struct taken *taken, size_t n, struct error *err)
{
	enum { ID, AT, LOCAL, OFFSET, SOURCE, LISTS };
	const char **lists[LISTS];

	for (size_t i = 0; i < LISTS; i++)
		lists[i] = arena_array(arena, n, sizeof(*lists[i]));
	for (size_t i = 0; i < n; i++) {
		lists[ID][i] = items[i].id;
		lists[AT][i] = db_time(arena, taken[i].at);
		lists[LOCAL][i] = db_time(arena, taken[i].local);
		lists[OFFSET][i] =
		    taken[i].offset == TAKEN_OFFSET_NONE ? NULL : db_int(arena, taken[i].offset);
		lists[SOURCE][i] = taken[i].source;
	}
	return db_exec(db, arena, Q(Q_PUT),
	    DB_PARAMS(db_array(arena, lists[ID], n), db_array(arena, lists[AT], n),
		db_array(arena, lists[LOCAL], n), db_array(arena, lists[OFFSET], n),
		db_array(arena, lists[SOURCE], n)),
	    NULL, err);
}

bool
store_dates_zone(struct db *db, struct arena *arena, const char *user_id, bool *found,
    const char **zone, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_ZONE), DB_PARAMS(user_id), &rows, err))
		return false;
	*found = rows_count(rows) > 0;
	*zone = *found ? rows_str(rows, 0, 0) : NULL;
	return true;
}

bool
store_dates_zoned(struct db *db, struct arena *arena, const struct zoned_part *part,
    const char **last, struct strings *scopes, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_ZONED),
		DB_PARAMS(part->owner_id, part->after, db_int(arena, part->limit), part->zone),
		&rows, err))
		return false;
	*last = rows_int(rows, 0, 0) == part->limit ? rows_str(rows, 0, 1) : NULL;
	*scopes = rows_strings(arena, rows, 0, 2);
	return true;
}
