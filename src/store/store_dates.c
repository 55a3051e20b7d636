#include "store/store_dates.h"

#include "core/arena.h"
#include "core/error.h"

#include "core/banned.h"

#define CREATED SQL_US("created_at")
#define MODIFIED SQL_US("file_modified_at")
#define TAKEN SQL_US("taken_at")

enum { Q_NEXT, Q_PUT };

const struct query store_dates_queries[] = {
	[Q_NEXT] = { "dates_next",
	    "SELECT id, owner_id, filename, kind = 'video', " CREATED ", " MODIFIED ", " TAKEN ","
	    " metadata->>'takenAtLocal', metadata->>'takenAtOffset' FROM media"
	    " WHERE taken_source IS NULL AND source = 'upload' AND kind IN ('image', 'video')"
	    " AND object_key IS NOT NULL ORDER BY id LIMIT $1::integer FOR UPDATE SKIP LOCKED",
	    0 },
	[Q_PUT] = { "dates_put",
	    "UPDATE media m SET taken_at = d.instant, taken_local = d.wall,"
	    " taken_offset = d.minutes, taken_source = n.source,"
	    " year = coalesce(m.year, date_part('year', d.wall)::integer), version = m.version + 1"
	    " FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamp[], $4::integer[],"
	    " $5::text[]) AS n (id, instant, wall, minutes, source)"
	    " JOIN media o ON o.id = n.id LEFT JOIN users u ON u.id = o.owner_id,"
	    " LATERAL mn_taken(n.instant, n.wall, n.minutes, u.time_zone) d WHERE m.id = n.id",
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
