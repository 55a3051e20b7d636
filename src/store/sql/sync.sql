-- Runs of the sync, and the sections that they compare.

--: define lock_of(server)
7236102, hashtext(@server::text)

-- Held by the connection: it ends with the process, however that ends.
--: query sync_lock
SELECT pg_try_advisory_lock(@lock_of($1))

--: query sync_unlock
SELECT pg_advisory_unlock(@lock_of($1))

--: define times(alias)
@us(@alias.started_at), @us(@alias.finished_at), @us(@alias.heartbeat_at)

-- Is run l about all that run h halted for? Then what became of that is known from l.
--: define covers(l, h)
(@l.server_id = @h.server_id AND NOT @l.dry_run AND (@l.section IS NULL OR NOT EXISTS (
	SELECT FROM jsonb_array_elements(@h.sections) AS x
	WHERE x->>'status' = 'halted' AND x->>'key' <> @l.section)))

-- An admin can let pass what halted a run while no later run that covers it went through.
--: define can_continue
(r.status = 'halted' AND NOT EXISTS (SELECT FROM sync_runs l WHERE l.started_at > r.started_at
	AND l.status IN ('ok', 'running') AND @covers(l, r)))

--: define summary
r.id, r.server_id, r.trigger, r.section, r.full_run, r.dry_run, r.status, r.phase, r.owner_name,
@times(r), r.counts, r.sections, r.error_code, r.error_message, r.halt, r.halt_of, @can_continue

--: query sync_running read
SELECT @summary, r.errors, r.state FROM sync_runs r
WHERE r.server_id = $1 AND r.status = 'running' ORDER BY r.started_at DESC LIMIT 1

--: query sync_get read
SELECT @summary, r.errors, r.state FROM sync_runs r WHERE r.id = $1

-- $1 server or NULL, ($2, $3) after, $4 limit.
--: query sync_list read
SELECT @summary FROM sync_runs r
WHERE ($1::uuid IS NULL OR r.server_id = $1::uuid)
	AND (r.started_at, r.id) < ($2::timestamptz, $3::uuid)
ORDER BY r.started_at DESC, r.id DESC LIMIT $4::int

-- Halted runs that nothing has answered yet.
--: define open_halts
FROM sync_runs h JOIN sync_runs n ON n.id = $2
WHERE h.server_id = $1 AND h.id <> $2 AND h.status = 'halted' AND NOT h.dry_run
	AND NOT EXISTS (SELECT FROM sync_runs l WHERE l.started_at > h.started_at
		AND l.status = 'ok' AND l.id <> $2 AND @covers(l, h))

-- How the run before $2 ended, what the newest open halt refers to, and whether $2 covers one.
--: query sync_last_end read
SELECT r.status, r.error_code,
	(SELECT h.halt_of @open_halts ORDER BY h.started_at DESC, h.id DESC LIMIT 1),
	@us((SELECT max(d.started_at) FROM sync_runs d WHERE d.server_id = $1
		AND d.status IN ('ok', 'partial') AND NOT d.dry_run)),
	EXISTS (SELECT @open_halts AND @covers(n, h))
FROM sync_runs r WHERE r.server_id = $1 AND r.id <> $2 AND r.status <> 'running'
	AND NOT r.dry_run
ORDER BY r.started_at DESC, r.id DESC LIMIT 1

--: query sync_open
INSERT INTO sync_runs (id, server_id, trigger, section, full_run, dry_run, owner, owner_name,
	passes)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- A process that died had it.
--: query sync_take
UPDATE sync_runs SET owner = $2, owner_name = $3, heartbeat_at = now()
WHERE id = $1 AND status = 'running'

-- Nobody goes on with these.
--: query sync_abandon
UPDATE sync_runs SET status = 'failed', finished_at = now(), error_code = 'sync_interrupted',
	error_message = 'The run was interrupted.', state = '{}'
WHERE server_id = $1 AND status = 'running' AND id IS DISTINCT FROM $2::uuid

--: define held
id = $1 AND owner = $2 AND status = 'running'

--: query sync_phase
UPDATE sync_runs SET phase = $3, heartbeat_at = now() WHERE @held

--: query sync_save
UPDATE sync_runs SET phase = $3, counts = $4, sections = $5, errors = $6, state = $7,
	heartbeat_at = now()
WHERE @held

--: query sync_close
UPDATE sync_runs SET status = $3, phase = $4, error_code = $5, error_message = $6, halt = $7,
	halt_of = $8, finished_at = now(), heartbeat_at = now(), state = '{}'
WHERE @held

-- What runs noted is needed no longer: of this run, unless it halted ($2), and of all earlier ones
-- that it covers if it went through ($3).
--: query sync_forget_missing
DELETE FROM sync_missing WHERE run_id IN (SELECT o.id FROM sync_runs o JOIN sync_runs r
		ON o.server_id = r.server_id WHERE r.id = $1
		AND ((o.id = r.id AND NOT $2::boolean)
			OR (o.id <> r.id AND $3::boolean AND @covers(r, o))))

--: query sync_forget_pending
DELETE FROM sync_pending WHERE run_id IN (SELECT o.id FROM sync_runs o JOIN sync_runs r
		ON o.server_id = r.server_id WHERE r.id = $1 AND o.status <> 'running')

--: query sync_expire
DELETE FROM sync_runs WHERE id IN (SELECT id FROM sync_runs
	WHERE started_at < now() - make_interval(days => $1::int) AND status <> 'running'
	ORDER BY started_at LIMIT 1000)

-- Until the transaction ends, section $1 and its server stay what they are: is it not left out,
-- and is the server ($2 address, $3 installation) the one that the run compares?
-- The server is locked first, as by those who change it and then its sections.
--: query sync_hold
WITH s AS MATERIALIZED (
	SELECT id, enabled AND removing IS NULL AND url = $2
		AND machine_id IS NOT DISTINCT FROM $3 AS same
	FROM media_servers WHERE id = (SELECT server_id FROM media_sections WHERE id = $1)
	FOR SHARE
)
SELECT c.enabled, s.same FROM media_sections c JOIN s ON s.id = c.server_id
WHERE c.id = $1 FOR NO KEY UPDATE OF c

--: query sync_sections read
SELECT id, key, title, type, enabled, visibility, EXISTS (
	SELECT FROM server_items s WHERE s.section_id = c.id AND s.gone_at IS NULL)
FROM media_sections c WHERE server_id = $1 ORDER BY length(key), key

-- $2 items that are there, $3 whether the list of sections had it.
--: query sync_section_done
UPDATE media_sections SET items = $2, synced_at = now(),
	missing_runs = CASE WHEN $3::boolean THEN 0 ELSE missing_runs + 1 END
WHERE id = $1

--: query sync_server_rekeyed
UPDATE media_servers SET rekey = false WHERE id = $1

--: query sync_server_rekey read
SELECT rekey FROM media_servers WHERE id = $1

--: query sync_server_first
UPDATE media_servers SET first_synced_at = now() WHERE id = $1 AND first_synced_at IS NULL

--: query sync_servers read
SELECT id FROM media_servers
WHERE enabled AND removing IS NULL AND ($1::text IS NULL OR id::text = $1 OR name = $1)
ORDER BY created_at, id

-- What people are to be told of, at most $2: items, and what each is a part of. A season or a show
-- is no news beside its episodes.
--: define news
s.news AND s.gone_at IS NULL AND NOT EXISTS (SELECT FROM media ch
	JOIN server_items cs ON cs.media_id = ch.id WHERE ch.parent_id = s.media_id
	AND cs.server_id = s.server_id AND cs.news AND cs.gone_at IS NULL)

--: query sync_news read
SELECT s.media_id, m.title, s.kind, c.key, c.title, c.id,
	CASE s.kind WHEN 'episode' THEN coalesce(pp.id, p.id) WHEN 'season' THEN p.id
		WHEN 'track' THEN p.id WHEN 'show' THEN m.id WHEN 'album' THEN m.id END,
	CASE s.kind WHEN 'episode' THEN coalesce(pp.title, p.title) WHEN 'season' THEN p.title
		WHEN 'track' THEN p.title WHEN 'show' THEN m.title WHEN 'album' THEN m.title END
FROM server_items s JOIN media m ON m.id = s.media_id JOIN media_sections c ON c.id = s.section_id
LEFT JOIN media p ON p.id = m.parent_id LEFT JOIN media pp ON pp.id = p.parent_id
WHERE s.server_id = $1 AND @news
ORDER BY s.media_id LIMIT $2::int

--: query sync_news_told
UPDATE server_items SET news = false WHERE server_id = $1 AND news

-- An item of each section, for those who see the section.
--: query sync_of_each_section read
SELECT c.id, c.title, i.media_id, i.n FROM media_sections c CROSS JOIN LATERAL (
	SELECT min(s.media_id::text) AS media_id, count(*) AS n FROM server_items s
	WHERE s.section_id = c.id AND s.gone_at IS NULL) i
WHERE c.server_id = $1 AND c.enabled AND i.n > 0

-- The same of what people are to be told of; of items that others can read than the rest of the
-- section, which a person may have decided, one more.
--: query sync_news_of_each_section read
SELECT c.id, c.title, min(s.media_id::text), count(*)
FROM server_items s JOIN media m ON m.id = s.media_id JOIN media_sections c ON c.id = s.section_id
WHERE s.server_id = $1 AND @news
GROUP BY c.id, c.title, @readers ORDER BY c.id, 3
