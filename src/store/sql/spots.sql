-- What a map shows, from sums by square (sql/0050), and how these are kept.

-- Sums of a square: what spot_sums has beside its key.
--: define sums
n, latitudes, longitudes, south, north, west, east, place_low, place_high
--: define sums_of_sums
sum(n)::integer AS n, sum(latitudes) AS latitudes, sum(longitudes) AS longitudes,
min(south) AS south, max(north) AS north, min(west) AS west, max(east) AS east,
min(place_low) AS place_low, max(place_high) AS place_high
--: define spot
1 AS n, m.latitude AS latitudes, m.longitude AS longitudes, m.latitude AS south,
m.latitude AS north, m.longitude AS west, m.longitude AS east,
coalesce(m.place_id, 0) AS place_low, coalesce(m.place_id, 0) AS place_high

-- Items between two edges of squares; a row of the squares that begin there says which exactly.
--: define from_to(y, past_y, x, past_x)
m.latitude BETWEEN mn_square_edge(@y, 90) AND mn_square_edge(@past_y, 90)
AND m.longitude BETWEEN mn_square_edge(@x, 180) AND mn_square_edge(@past_x, 180)
--: define y_of
mn_square(m.latitude, 90)
--: define x_of
mn_square(m.longitude, 180)

-- Folding: squares of level 10 that have changed, at most $1 of them, are counted again.

--: define items_of(owner)
SELECT @y_of AS y, @x_of AS x, m.source, m.kind, m.parent_id IS NULL AS top, @spot
FROM media m WHERE @owner AND mn_spot_counts(m.latitude, m.status, m.trashed_at)
AND m.latitude IS NOT NULL AND m.trashed_at IS NULL
AND @from_to(s.y << 5, s.y + 1 << 5, s.x << 5, s.x + 1 << 5)
AND @y_of >> 5 = s.y AND @x_of >> 5 = s.x

-- OFFSET 0: by the primary key for each square, however many the planner expects.
--: define kept_of(level, where)
(SELECT o.owner_id, o.level, o.y, o.x, o.source, o.kind, o.top FROM spot_sums o
WHERE o.owner_id = s.owner_id AND o.level = @level AND @where OFFSET 0)

--: query spots_fold
WITH squares AS MATERIALIZED (
	SELECT DISTINCT owner_id, y >> 5 AS y, x >> 5 AS x FROM spot_changes LIMIT $1::integer
), taken AS (
	DELETE FROM spot_changes c USING squares s
	WHERE c.owner_id = s.owner_id AND c.y >> 5 = s.y AND c.x >> 5 = s.x
), fine AS MATERIALIZED (
	SELECT s.owner_id, i.y, i.x, source, kind, top, @sums_of_sums
	FROM squares s CROSS JOIN LATERAL (@items_of(m.owner_id = s.owner_id) UNION ALL
		@items_of(m.owner_id IS NULL AND s.owner_id = mn_day_owner(NULL))) AS i
	GROUP BY s.owner_id, i.y, i.x, source, kind, top
), found AS MATERIALIZED (
	SELECT owner_id, 15 AS level, y, x, source, kind, top, @sums FROM fine
	UNION ALL
	SELECT owner_id, 10, y >> 5, x >> 5, source, kind, top, @sums_of_sums FROM fine
	GROUP BY owner_id, y >> 5, x >> 5, source, kind, top
), kept AS (
	INSERT INTO spot_sums AS k (owner_id, level, y, x, source, kind, top, @sums)
	SELECT owner_id, level, y, x, source, kind, top, @sums FROM found
	ON CONFLICT (owner_id, level, y, x, source, kind, top) DO UPDATE
	SET (@sums) = ROW(excluded.n, excluded.latitudes, excluded.longitudes, excluded.south,
		excluded.north, excluded.west, excluded.east, excluded.place_low,
		excluded.place_high)
	WHERE k IS DISTINCT FROM excluded
), gone AS (
	DELETE FROM spot_sums k USING squares s CROSS JOIN LATERAL (
		@kept_of(10, o.y = s.y AND o.x = s.x) UNION ALL
		@kept_of(15, o.y BETWEEN s.y << 5 AND (s.y + 1 << 5) - 1
			AND o.x BETWEEN s.x << 5 AND (s.x + 1 << 5) - 1)) AS o
	WHERE (o.owner_id, o.level, o.y, o.x, o.source, o.kind, o.top)
		= (k.owner_id, k.level, k.y, k.x, k.source, k.kind, k.top)
	AND NOT EXISTS (SELECT FROM found f WHERE (f.owner_id, f.level, f.y, f.x, f.source, f.kind,
		f.top) = (k.owner_id, k.level, k.y, k.x, k.source, k.kind, k.top))
)
SELECT count(*) FROM squares

-- Squares whose sums are wrong, at either level, and that nobody has noted yet, are noted. One
-- snapshot shows the items, the sums and the notes, whatever is being written.

--: define figures
sum(n) AS n, min(south) AS south, max(north) AS north, min(west) AS west, max(east) AS east,
min(place_low) AS place_low, max(place_high) AS place_high
--: define square
owner_id, y, x, source, kind, top

--: query spots_check
WITH found AS (
	SELECT @square, @figures FROM (
		SELECT mn_day_owner(m.owner_id) AS owner_id, @y_of >> 5 AS y, @x_of >> 5 AS x,
			m.source, m.kind, m.parent_id IS NULL AS top, @spot
		FROM media m WHERE m.latitude IS NOT NULL AND m.trashed_at IS NULL
			AND mn_spot_counts(m.latitude, m.status, m.trashed_at)) AS i
	GROUP BY @square
), kept AS (
	SELECT @square, level, @figures FROM (
		SELECT owner_id, level, CASE level WHEN 15 THEN y >> 5 ELSE y END AS y,
			CASE level WHEN 15 THEN x >> 5 ELSE x END AS x, source, kind, top, @sums
		FROM spot_sums) AS k
	GROUP BY @square, level
)
INSERT INTO spot_changes (owner_id, y, x)
SELECT d.owner_id, d.y << 5, d.x << 5 FROM (
	SELECT DISTINCT owner_id, y, x
	FROM (SELECT * FROM found CROSS JOIN (VALUES (10), (15)) AS l (level)) AS f
	FULL JOIN kept k USING (owner_id, y, x, source, kind, top, level)
	WHERE (f.n, f.south, f.north, f.west, f.east, f.place_low, f.place_high)
		IS DISTINCT FROM (k.n, k.south, k.north, k.west, k.east, k.place_low, k.place_high)
) AS d WHERE NOT EXISTS (SELECT FROM spot_changes c
	WHERE c.owner_id = d.owner_id AND c.y >> 5 = d.y AND c.x >> 5 = d.x)

-- What lies within squares of the map. $1 caller, $2 sees everything, $3 the level of the sums, $4
-- limit; filters: $5 kind, $6 source, $7 owner, the box $8 south, $9 north, $10 west, $11 east. $12
-- bits that the squares asked for have less than those of level 15. Squares of the level that are
-- in the box as a whole: $13 to $14 in y, $15 to $16 in x; $17 beyond 180 degrees, too.

--: define whole(y, x)
(@y BETWEEN $13::integer AND $14::integer AND CASE WHEN $17::boolean
	THEN @x >= $15::integer OR @x <= $16::integer
	ELSE @x BETWEEN $15::integer AND $16::integer END)
--: define up
(15 - $3::integer)

--: define theirs
media m WHERE m.latitude IS NOT NULL AND m.trashed_at IS NULL AND m.status <> 'pending'
AND ($2::boolean OR m.owner_id = $1::uuid)
AND ($5::text IS NULL AND m.parent_id IS NULL OR m.kind = $5::text)
AND ($6::text IS NULL OR m.source = $6::text)
AND ($7::uuid IS NULL OR m.owner_id = $7::uuid)
AND m.id NOT IN (SELECT k.media_id FROM media_archived k WHERE k.user_id = $1::uuid)
--: define y_in_box
m.latitude BETWEEN $8::float8 AND $9::float8
--: define x_in_box
CASE WHEN $17::boolean THEN m.longitude >= $10::float8 OR m.longitude <= $11::float8
	ELSE m.longitude BETWEEN $10::float8 AND $11::float8 END
--: define y_at
(@y_of >> @up)
--: define x_at
(@x_of >> @up)

-- Of a box, what its edges cut off from the squares: below and above, west and east. Where the box
-- ends with the world, nothing is cut off, and no index is read for it.
--: define read(condition)
SELECT @y_of >> $12::integer AS cy, @x_of >> $12::integer AS cx, @spot
FROM @theirs AND (SELECT NOT much FROM noted) AND @condition
--: define edges
@read($13::integer > 0 AND @y_at < $13::integer AND @x_in_box
	AND m.latitude BETWEEN $8::float8 AND mn_square_edge($13::integer << @up, 90))
UNION ALL
@read($9::float8 < 90 AND @y_at > $14::integer AND @x_in_box
	AND m.latitude BETWEEN mn_square_edge($14::integer + 1 << @up, 90) AND $9::float8)
UNION ALL
@read($15::integer > 0 AND @y_in_box AND @y_at BETWEEN $13::integer AND $14::integer
	AND @x_at < $15::integer
	AND m.longitude BETWEEN $10::float8 AND mn_square_edge($15::integer << @up, 180))
UNION ALL
@read($11::float8 < 180 AND @y_in_box AND @y_at BETWEEN $13::integer AND $14::integer
	AND @x_at > $16::integer
	AND m.longitude BETWEEN mn_square_edge($16::integer + 1 << @up, 180) AND $11::float8)

-- Squares whose sums do not hold for the caller: changes wait to be folded, or something there is
-- archived. The items of a few are read one by one, of many all that is in the box.
--: define few
64

--: query spots_clustered read custom-plan
WITH stale AS MATERIALIZED (
	SELECT DISTINCT y >> @up AS y, x >> @up AS x FROM (
		SELECT c.y, c.x FROM spot_changes c WHERE $2::boolean OR c.owner_id = $1::uuid
		UNION ALL
		SELECT @y_of, @x_of FROM media_archived k JOIN media m ON m.id = k.media_id
		WHERE k.user_id = $1::uuid AND m.latitude IS NOT NULL) AS c
	WHERE @whole(y >> @up, x >> @up)
), noted AS MATERIALIZED (SELECT count(*) > @few AS much FROM stale)
SELECT k.latitude, k.longitude, k.west, k.south, k.east, k.north, k.n, c.id, c.name
FROM (SELECT sum(latitudes) / sum(n) AS latitude, sum(longitudes) / sum(n) AS longitude,
		min(west) AS west, min(south) AS south, max(east) AS east, max(north) AS north,
		sum(n) AS n,
		CASE WHEN min(place_low) = max(place_high) THEN min(place_low) END AS place_id
	FROM (
		SELECT s.y >> $12::integer - @up AS cy, s.x >> $12::integer - @up AS cx, @sums
		FROM spot_sums s WHERE s.level = $3::integer
			AND ($2::boolean OR s.owner_id = $1::uuid)
			AND ($5::text IS NULL AND s.top OR s.kind = $5::text)
			AND ($6::text IS NULL OR s.source = $6::text)
			AND ($7::uuid IS NULL OR s.owner_id = $7::uuid)
			AND @whole(s.y, s.x) AND (SELECT NOT much FROM noted)
			AND (s.y, s.x) NOT IN (SELECT y, x FROM stale)
		UNION ALL
		@edges
		UNION ALL
		SELECT i.cy, i.cx, @sums FROM stale t CROSS JOIN LATERAL (
			SELECT @y_of >> $12::integer AS cy, @x_of >> $12::integer AS cx, @spot
			FROM @theirs AND (SELECT NOT much FROM noted)
				AND @from_to(t.y << @up, t.y + 1 << @up, t.x << @up, t.x + 1 << @up)
				AND @y_at = t.y AND @x_at = t.x OFFSET 0) AS i
		UNION ALL
		SELECT @y_of >> $12::integer, @x_of >> $12::integer, @spot
		FROM @theirs AND @y_in_box AND @x_in_box AND (SELECT much FROM noted)
	) AS i GROUP BY cy, cx ORDER BY n DESC LIMIT $4::integer) AS k
LEFT JOIN cities c ON c.id = k.place_id
ORDER BY k.n DESC, k.latitude, k.longitude
