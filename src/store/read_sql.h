/*
 * What becomes of an item when its file was read, for the first time or again: parts of the
 * statements that write it down. What a person edited (media.locked) stays.
 */
#ifndef MN_STORE_READ_SQL_H
#define MN_STORE_READ_SQL_H

/* The file's title takes the place of the name of the file. item: the row as it was. */
#define TITLE_OF_FILE(item, title) \
	"CASE WHEN " title "::text IS NOT NULL AND 'title' <> ALL (" item ".locked) AND " item \
	".title IN (" item ".filename, regexp_replace(" item ".filename, '\\.[^.]*$', ''))" \
	" THEN " title " ELSE " item ".title END"

/* A year that is not that of the date stays; else that of the file (-1: none), or of `t` below. */
#define YEAR_OF_FILE(item, year) \
	"CASE WHEN 'year' = ANY (" item ".locked) THEN " item ".year ELSE coalesce(nullif(" item \
	".year, date_part('year', " item ".taken_local)::integer), nullif(" year "::integer, -1)," \
	" date_part('year', t.wall)::integer) END"

#define GENRES_OF_FILE(item, genres_) \
	"CASE WHEN " item ".genres = '{}' AND 'genres' <> ALL (" item ".locked) THEN " genres_ \
	"::text[] ELSE " item ".genres END"

/*
 * `t` has of (the item $1), instant, wall, minutes, source and by_wall. The arguments are
 * parameters of the statement: metadata jsonb, and of the date its instant, wall clock, offset and
 * source.
 *
 * A date that a person set stays, also one of the time before sources were kept. An instant becomes
 * the wall clock of its place, where the file tells both.
 */
#define TAKEN_OF_FILE(metadata, at, local, offset, source_) \
	"(SELECT o.id AS of, d.instant, d.wall, d.minutes, CASE WHEN kept" \
	" THEN taken_source ELSE " source_ "::text END AS source," \
	" CASE WHEN NOT kept AND place_zone IS NULL AND " offset "::integer IS NULL" \
	" AND (" at "::timestamptz IS NULL) <> (" local "::timestamp IS NULL)" \
	" THEN " local "::timestamp IS NOT NULL END AS by_wall" \
	" FROM media o, LATERAL (SELECT taken_source IS NOT DISTINCT FROM 'person'" \
	" OR taken_source IS NULL AND taken_at IS NOT NULL AS kept) k," \
	" LATERAL (SELECT CASE WHEN NOT kept AND " local "::timestamp IS NULL" \
	" AND " offset "::integer IS NULL AND " source_ "::text NOT IN ('modified', 'uploaded')" \
	" THEN mn_zone_of(" metadata "::jsonb) END AS place_zone) z, LATERAL mn_taken(" \
	"CASE WHEN kept THEN taken_at ELSE " at "::timestamptz END," \
	" CASE WHEN kept THEN taken_local ELSE " local "::timestamp END," \
	" CASE WHEN kept THEN taken_offset ELSE " offset "::integer END," \
	" CASE WHEN NOT kept THEN coalesce(place_zone," \
	" (SELECT u.time_zone FROM users u WHERE u.id = owner_id)) END)" \
	" d WHERE o.id = $1) t"

#endif
