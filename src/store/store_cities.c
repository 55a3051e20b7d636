#include "store/store_cities.h"

#include "core/arena.h"
#include "core/error.h"

#include "core/banned.h"

#define BEFORE_ALL "00000000-0000-0000-0000-000000000000"

enum { Q_SOURCE, Q_CLEAR, Q_ADD, Q_ZONES, Q_LOADED, Q_LOOK, Q_SEEN };

const struct query store_cities_queries[] = {
	[Q_SOURCE] = { "cities_source", "SELECT fingerprint, seen_to FROM city_source",
	    QUERY_READ },
	[Q_CLEAR] = { "cities_clear", "DELETE FROM cities", 0 },
	[Q_ADD] = { "cities_add",
	    "INSERT INTO cities (id, name, region, country, zone, latitude, longitude)"
	    " SELECT * FROM unnest($1::integer[], $2::text[], $3::text[], $4::text[], $5::text[],"
	    " $6::double precision[], $7::double precision[]) ON CONFLICT DO NOTHING",
	    0 },
	/* A zone that PostgreSQL does not know is no zone: it would count as UTC. */
	[Q_ZONES] = { "cities_zones",
	    "UPDATE cities SET zone = NULL WHERE zone NOT IN (SELECT name FROM pg_timezone_names)",
	    0 },
	[Q_LOADED] = { "cities_loaded",
	    "INSERT INTO city_source (fingerprint, seen_to) VALUES ($1, '" BEFORE_ALL "')"
	    " ON CONFLICT (one) DO UPDATE SET fingerprint = excluded.fingerprint,"
	    " seen_to = excluded.seen_to",
	    0 },
	/* A row for the last item that was looked at, and one for each owner. */
	[Q_LOOK] = { "cities_look",
	    "WITH next AS (SELECT id FROM media WHERE id > $1::uuid ORDER BY id"
	    " LIMIT $2::integer),"
	    " placed AS (SELECT m.id, p.latitude, p.longitude, p.id AS city, p.name, p.region,"
	    " p.country FROM next JOIN media m ON m.id = next.id"
	    " LEFT JOIN LATERAL mn_place_of(m.metadata) p ON true"
	    " WHERE m.metadata ? 'gps' OR m.latitude IS NOT NULL ORDER BY m.id FOR UPDATE OF m),"
	    " changed AS (UPDATE media m SET latitude = p.latitude, longitude = p.longitude,"
	    " place_id = p.city, place_name = p.name, place_region = p.region,"
	    " place_country = p.country, version = version + 1 FROM placed p WHERE m.id = p.id"
	    " AND (m.latitude, m.longitude, m.place_id, m.place_name, m.place_region,"
	    " m.place_country) IS DISTINCT FROM (p.latitude, p.longitude, p.city, p.name, p.region,"
	    " p.country) RETURNING m.owner_id)"
	    " SELECT (SELECT id::text FROM next ORDER BY id DESC LIMIT 1),"
	    " (SELECT count(*) FROM next), NULL"
	    " UNION ALL SELECT DISTINCT NULL, NULL::bigint, owner_id::text FROM changed"
	    " WHERE owner_id IS NOT NULL",
	    0 },
	[Q_SEEN] = { "cities_seen", "UPDATE city_source SET seen_to = $1::uuid", 0 },
	{ .name = NULL },
};
#define Q(id) (&store_cities_queries[id])

bool
store_cities_source(struct db *db, struct arena *arena, const char **fingerprint,
    const char **seen_to, struct error *err)
{
	struct rows *rows;

	*fingerprint = *seen_to = NULL;
	if (!db_exec(db, arena, Q(Q_SOURCE), DB_NO_PARAMS, &rows, err))
		return false;
	if (rows_count(rows) > 0) {
		*fingerprint = rows_str(rows, 0, 0);
		*seen_to = rows_str(rows, 0, 1);
	}
	return true;
}

bool
store_cities_clear(struct db *db, struct arena *arena, struct error *err)
{
	return db_exec(db, arena, Q(Q_CLEAR), DB_NO_PARAMS, NULL, err);
}

bool
store_cities_add(struct db *db, struct arena *arena, const struct cities *c, struct error *err)
{
	const struct strings *const lists[] = { &c->ids, &c->names, &c->regions, &c->countries,
		&c->zones, &c->latitudes, &c->longitudes };
	const char *params[sizeof(lists) / sizeof(lists[0])];
	const size_t n = sizeof(lists) / sizeof(lists[0]);

	for (size_t i = 0; i < n; i++)
		params[i] = db_array(arena, lists[i]->items, lists[i]->n);
	return db_exec(db, arena, Q(Q_ADD), (struct strings) { params, n }, NULL, err);
}

bool
store_cities_loaded(struct db *db, struct arena *arena, const char *fingerprint, struct error *err)
{
	return db_exec(db, arena, Q(Q_ZONES), DB_NO_PARAMS, NULL, err) &&
	    db_exec(db, arena, Q(Q_LOADED), DB_PARAMS(fingerprint), NULL, err);
}

bool
store_cities_look(struct db *db, struct arena *arena, const char *seen_to, int limit,
    struct strings *owners, bool *more, struct error *err)
{
	const char **list;
	struct rows *rows;
	size_t n;

	if (!db_exec(db, arena, Q(Q_LOOK), DB_PARAMS(seen_to, db_int(arena, limit)), &rows, err))
		return false;
	n = rows_count(rows) - 1;
	list = arena_array(arena, n, sizeof(*list));
	for (size_t i = 0; i < n; i++)
		list[i] = rows_str(rows, i + 1, 2);
	*owners = (struct strings) { list, n };
	*more = rows_int(rows, 0, 1) == limit;
	return db_exec(db, arena, Q(Q_SEEN), DB_PARAMS(*more ? rows_str(rows, 0, 0) : NULL), NULL,
	    err);
}
