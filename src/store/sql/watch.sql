-- What the hosts of the house measure, and facts of the house itself.

-- Widths of buckets and how long each kind is kept; seconds.
--: define minute
60
--: define minute_kept
21600
--: define ten_minutes
600
--: define ten_minutes_kept
172800
--: define hour
3600
--: define hour_kept
2592000

--: define seconds(n)
make_interval(secs => @n)

--: define bucket(step, time)
date_bin(@seconds(@step), @time, 'epoch')

-- Waiting jobs of one queue are counted up to this many.
--: define waiting_max
10000

--: define steps
(VALUES (@minute), (@ten_minutes), (@hour)) AS w (step)

-- $1 id of the registry, $2 its host, $3 when it was made; routes, methods, whether they hash
-- passwords, counts; names and values of the host's levels.
--
-- The row of a reading is what two workers of one host meet at: each sees there what the other has
-- stored. What was counted over more than two buckets of a width, because nobody sampled meanwhile,
-- is in the wider ones only. Rows that hosts share are written in one order.
--: query watch_sample
WITH sampled AS (
	INSERT INTO metric_registries AS r (registry, host, sampled_at, sampled_before)
	VALUES ($1::uuid, $2, now(), least(now(), $3::timestamptz))
	ON CONFLICT (registry) DO UPDATE
		SET host = excluded.host, sampled_at = now(), sampled_before = r.sampled_at
	RETURNING registry, sampled_before),
given AS (
	SELECT route, method, hashing, counts::bigint[] AS counts
	FROM unnest($4::text[], $5::text[], $6::boolean[], $7::text[])
		AS g (route, method, hashing, counts)),
read AS (
	INSERT INTO metric_readings AS t (registry, route, method, counts, before)
	SELECT registry, route, method, counts, '{}' FROM sampled, given
	ON CONFLICT (registry, route, method) DO UPDATE
		SET before = t.counts, counts = excluded.counts
		WHERE excluded.counts[1] > t.counts[1]
	RETURNING route, method, counts, before),
added AS MATERIALIZED (
	SELECT route, method, hashing, mn_counts_since(read.counts, read.before) AS counts
	FROM read JOIN given USING (route, method)),
rows AS (
	SELECT * FROM added
	UNION ALL
	SELECT '', '', false, mn_counts_sum(counts) FROM added WHERE NOT hashing
	HAVING count(*) > 0),
counted AS (
	INSERT INTO metric_samples AS s (step, at, route, method, hashing, counts)
	SELECT step, @bucket(step, now()), route, method, hashing, counts
	FROM rows, sampled, @steps
	WHERE step = @hour OR now() - sampled_before <= 2 * @seconds(step)
	ORDER BY step, route, method
	ON CONFLICT (step, at, route, method) DO UPDATE
		SET hashing = s.hashing OR excluded.hashing,
			counts = mn_counts_add(s.counts, excluded.counts)),
levels AS (
	SELECT $2 AS host, name, value
	FROM unnest($8::text[], $9::bigint[]) AS l (name, value)
	UNION ALL
	SELECT '', 'queue', count(*) FROM (
		SELECT FROM jobs WHERE state = 'available' AND run_at <= now()
		LIMIT @waiting_max) AS waiting
	UNION ALL
	SELECT '', 'stored', coalesce(sum(bytes), 0)::bigint FROM storage_kept)
INSERT INTO metric_levels AS l (step, at, host, name, value)
SELECT step, @bucket(step, now()), host, name, value FROM levels, @steps
ORDER BY step, host, name
ON CONFLICT (step, name, host, at) DO UPDATE
	SET value = CASE WHEN l.name = 'queue' THEN greatest(l.value, excluded.value)
		ELSE excluded.value END

--: define past
(step = @minute AND at < now() - @seconds(@minute_kept)
	OR step = @ten_minutes AND at < now() - @seconds(@ten_minutes_kept)
	OR step = @hour AND at < now() - @seconds(@hour_kept))

--: query watch_expire
DELETE FROM metric_samples WHERE @past

--: query watch_expire_levels
DELETE FROM metric_levels WHERE @past

-- One that is sampled again after that counts as new: only the widest buckets take that.
--: query watch_expire_registries
DELETE FROM metric_registries WHERE sampled_at < now() - @seconds(@hour_kept)

-- $1 width of the buckets, $2 seconds.
--: define within
step = $1::integer AND at > now() - @seconds($1::integer + $2::integer)

-- Not mn_counts_sum(): a day has thousands of rows.
--: define sums
ARRAY[sum(counts[1]), sum(counts[2]), sum(counts[3]), sum(counts[4]), sum(counts[5]),
	sum(counts[6]), sum(counts[7]), sum(counts[8]), sum(counts[9]), sum(counts[10]),
	sum(counts[11]), sum(counts[12]), sum(counts[13]), sum(counts[14]), sum(counts[15]),
	sum(counts[16]), sum(counts[17]), sum(counts[18]), sum(counts[19]), sum(counts[20])]
	::bigint[]

--: query watch_window read
SELECT @sums FROM metric_samples WHERE @within AND route = '' AND method = '' HAVING count(*) > 0

-- Busiest first.
--: query watch_routes read
SELECT route, method, bool_or(hashing), @sums FROM metric_samples
WHERE @within AND route <> '' GROUP BY route, method ORDER BY sum(counts[1]) DESC, route, method

-- $1 width, $2 from, $3 to.
--: define buckets
generate_series(@bucket($1::integer, $2::timestamptz), $3::timestamptz, @seconds($1::integer))
	AS b (at)

-- The house in each bucket, and whether anybody measured then.
--: query watch_history read
SELECT @us(b.at), s.counts, l.value IS NOT NULL FROM @buckets
LEFT JOIN metric_samples s
	ON s.step = $1::integer AND s.at = b.at AND s.route = '' AND s.method = ''
LEFT JOIN metric_levels l
	ON l.step = $1::integer AND l.name = 'queue' AND l.host = '' AND l.at = b.at
ORDER BY b.at

-- $4 name of a level of the house.
--: query watch_levels read
SELECT @us(b.at), l.value FROM @buckets
LEFT JOIN metric_levels l ON l.step = $1::integer AND l.name = $4 AND l.host = '' AND l.at = b.at
ORDER BY b.at

--: define due
FROM jobs WHERE state = 'available' AND queue = q.name AND run_at <= now()

-- $1 names of the queues. Each part reads few rows of an index: a monitor asks several times a
-- minute.
--: query watch_facts read
SELECT 'queue', q.name,
	(SELECT count(*) FROM (SELECT @due LIMIT @waiting_max) AS w),
	(SELECT count(*) FROM jobs WHERE state = 'running' AND queue = q.name),
	(SELECT @us(min(run_at)) @due)
FROM unnest($1::text[]) AS q (name)
UNION ALL
SELECT 'dead', '', count(*), 0, 0 FROM jobs WHERE state = 'dead'
UNION ALL
SELECT 'sync', s.kind, 0, 0, min(@us(coalesce(last.finished_at, s.created_at)))
FROM media_servers s LEFT JOIN LATERAL (
	SELECT finished_at FROM sync_runs r
	WHERE r.server_id = s.id AND r.status IN ('ok', 'partial') AND NOT r.dry_run
	ORDER BY r.started_at DESC, r.id DESC LIMIT 1) AS last ON true
WHERE s.enabled AND s.removing IS NULL GROUP BY s.kind
UNION ALL
SELECT 'stored', '', coalesce(sum(bytes), 0)::bigint, 0, 0 FROM storage_kept
