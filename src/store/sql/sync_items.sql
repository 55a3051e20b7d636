-- The items of media servers, page by page: what the catalogue says of them, and what has to
-- change. $1 is the server or the run. Keys are in the order of (length, characters): that of
-- numbers.

-- What the engine says of an item (service/integrations/sync_page.c).
--: define items(list)
jsonb_to_recordset(@list::jsonb) AS n(i int, id uuid, fp text, key text, guid text,
	identity text, kind text, title text, original text, overview text, poster text,
	parent text, year int, duration bigint, position int, disc int, added bigint,
	genres text[], ids jsonb, about jsonb)

--: define weak(identity)
(@identity LIKE 'weak:%')

--: define same_id(name)
m.external_ids->>@name = n.ids->>@name

-- Is what the server has under a key still what we have under it? Guids of one kind that differ say
-- no. Where the guid says nothing, or the server changed its agent, other signs decide.
--: define same
(s.kind = n.kind AND (s.identity = n.identity OR (
	(@weak(s.identity) OR @weak(n.identity)
		OR split_part(s.identity, '://', 1) <> split_part(n.identity, '://', 1))
	AND coalesce(s.added_at = n.added OR m.title = n.title OR @same_id('imdb')
		OR @same_id('tmdb') OR @same_id('tvdb'), false))))

-- $2 section, $3 kind, $4 keys, $5 fingerprints: places of those that are not plainly unchanged.
--: query sync_compare read
SELECT p.i FROM unnest($4::text[], $5::text[]) WITH ORDINALITY AS p(key, fp, i)
LEFT JOIN server_items s ON s.server_id = $1 AND s.item_key = p.key
WHERE s.item_key IS NULL OR s.fingerprint <> decode(p.fp, 'hex') OR s.section_id <> $2
	OR s.kind <> $3 OR s.missing_runs > 0 OR s.gone_at IS NOT NULL
ORDER BY p.i

-- $2 items, $3 identities that are no guids count too: the server was set up again.
--: query sync_classify read
SELECT n.i, s.item_key IS NOT NULL, coalesce(@same, false),
	EXISTS (SELECT FROM server_items o WHERE o.server_id = $1 AND o.identity = n.identity
		AND o.kind = n.kind AND o.item_key <> n.key)
	AND ($3::boolean OR NOT @weak(n.identity))
FROM @items($2) LEFT JOIN server_items s ON s.server_id = $1 AND s.item_key = n.key
LEFT JOIN media m ON m.id = s.media_id

-- $2 keys that other items have now.
--: query sync_park
UPDATE server_items SET item_key = '~' || media_id
WHERE server_id = $1 AND item_key = ANY ($2::text[])

--: query sync_park_all
UPDATE server_items SET item_key = '~' || media_id
WHERE server_id = $1 AND left(item_key, 1) <> '~'

-- $2 section, $3 items, $4 people are told of what was added after this (Unix seconds); or NULL.
--: query sync_create
WITH n AS (
	SELECT n.*, p.media_id AS parent_id FROM @items($3)
	LEFT JOIN server_items p ON p.server_id = $1 AND p.item_key = n.parent
), m AS (
	INSERT INTO media (id, source, kind, title, original_title, status, visibility,
		duration_ms, year, overview, genres, external_ids, metadata, parent_id, position,
		disc, created_at)
	SELECT n.id, v.kind, n.kind, n.title, n.original, 'ready', c.visibility, n.duration,
		n.year, n.overview, coalesce(n.genres, '{}'), n.ids, n.about, n.parent_id,
		n.position, n.disc, least(now(), to_timestamp(n.added))
	FROM n, media_sections c JOIN media_servers v ON v.id = c.server_id WHERE c.id = $2
)
INSERT INTO server_items (server_id, item_key, section_id, media_id, kind, guid, identity,
	fingerprint, poster, parent_key, added_at, orphan, news)
SELECT $1, n.key, $2, n.id, n.kind, n.guid, n.identity, decode(n.fp, 'hex'), n.poster, n.parent,
	n.added, n.parent IS NOT NULL AND n.parent_id IS NULL,
	coalesce(coalesce(n.added, $4::bigint) >= $4::bigint, false)
FROM n

-- $2 items of a section that named people see.
--: query sync_share
INSERT INTO media_shares (media_id, user_id, created_at)
SELECT m.id, u.user_id, m.created_at
FROM media m, media_section_users u, media_sections c
WHERE m.id = ANY ($2::uuid[]) AND m.visibility = 'shared' AND u.section_id = $1
	AND c.id = $1 AND c.visibility = 'shared'
ON CONFLICT (media_id, user_id) DO NOTHING

-- $2 items that come from another section: who saw that one does not see this one. What a person
-- said about who sees an item holds.
--: query sync_unshare
DELETE FROM media_shares h USING media m
WHERE h.media_id = ANY ($2::uuid[]) AND m.id = h.media_id AND NOT 'visibility' = ANY (m.locked)
	AND NOT EXISTS (SELECT FROM media_section_users u
		JOIN media_sections c ON c.id = u.section_id
		WHERE u.section_id = $1 AND c.visibility = 'shared' AND u.user_id = h.user_id)

--: define keep(name, ours, theirs)
CASE WHEN @name = ANY (m.locked) THEN @ours ELSE coalesce(@theirs, @ours) END

-- What a person has put into the trash stays there. Its library is not left out, as sync_hold says,
-- so that what was left out with another library is back too.
--: define back
(m.status = 'trashed' AND m.trash_reason IN ('gone', 'excluded'))

-- What the item becomes. What the server does not say is kept: somebody else may have said it.
--: define becomes
@keep('title', m.title, o.title), coalesce(o.original, m.original_title),
@keep('overview', m.overview, o.overview), @keep('year', m.year, o.year),
@keep('genres', m.genres, o.genres), coalesce(o.duration, m.duration_ms),
m.external_ids || o.ids, m.metadata || o.about, coalesce(o.parent_id, m.parent_id),
coalesce(o.position, m.position), coalesce(o.disc, m.disc),
CASE WHEN o.section_id <> $2 AND NOT 'visibility' = ANY (m.locked)
	THEN o.visibility ELSE m.visibility END

-- $2 section, $3 items that the catalogue has under these keys, $4 run.
--: query sync_update
WITH o AS (
	SELECT n.*, s.media_id, s.gone_at, s.section_id, c.visibility, p.media_id AS parent_id,
		s.poster IS DISTINCT FROM n.poster AS repainted
	FROM @items($3) JOIN server_items s ON s.server_id = $1 AND s.item_key = n.key
	JOIN media_sections c ON c.id = $2
	LEFT JOIN server_items p ON p.server_id = $1 AND p.item_key = n.parent
), i AS (
	UPDATE server_items s SET section_id = $2, guid = o.guid, identity = o.identity,
		fingerprint = decode(o.fp, 'hex'), poster = o.poster, parent_key = o.parent,
		added_at = o.added, missing_runs = 0, gone_at = NULL,
		orphan = o.parent IS NOT NULL AND o.parent_id IS NULL
	FROM o WHERE s.media_id = o.media_id
), x AS (
	DELETE FROM sync_missing x USING o WHERE x.run_id = $4 AND x.media_id = o.media_id
), u AS (
	UPDATE media m SET (title, original_title, overview, year, genres, duration_ms,
		external_ids, metadata, parent_id, position, disc, visibility) = ROW (@becomes),
		status = CASE WHEN @back THEN coalesce(m.trashed_from, 'ready') ELSE m.status END,
		trashed_from = CASE WHEN @back THEN NULL ELSE m.trashed_from END,
		trashed_at = CASE WHEN @back THEN NULL ELSE m.trashed_at END,
		trash_reason = CASE WHEN @back THEN NULL ELSE m.trash_reason END,
		version = m.version + 1, updated_at = now()
	FROM o WHERE m.id = o.media_id AND (@back OR (m.title, m.original_title, m.overview,
		m.year, m.genres, m.duration_ms, m.external_ids, m.metadata, m.parent_id,
		m.position, m.disc, m.visibility) IS DISTINCT FROM (@becomes))
	RETURNING m.id
)
SELECT count(*) FILTER (WHERE o.gone_at IS NULL AND (u.id IS NOT NULL OR o.repainted)),
	count(*) FILTER (WHERE o.gone_at IS NOT NULL),
	array_agg(o.media_id) FILTER (WHERE o.section_id <> $2)
FROM o LEFT JOIN u ON u.id = o.media_id

-- Items of section $2 and kind $3 with keys in ($4 length, $5 key) < key <= ($6, $7) that are not
-- among the keys $8, nor between an unreadable item's neighbours ($9..$12, as above).
--: query sync_miss
INSERT INTO sync_missing (run_id, media_id)
SELECT $1, s.media_id FROM server_items s
WHERE s.section_id = $2 AND s.kind = $3 AND s.gone_at IS NULL
	AND (length(s.item_key), s.item_key) > ($4::int, $5::text)
	AND (length(s.item_key), s.item_key) <= ($6::int, $7::text)
	AND s.item_key NOT IN (SELECT k FROM unnest($8::text[]) AS k)
	AND NOT EXISTS (
		SELECT FROM unnest($9::int[], $10::text[], $11::int[], $12::text[])
			AS b(from_length, from_key, to_length, to_key)
		WHERE (length(s.item_key), s.item_key) > (from_length, from_key)
			AND (length(s.item_key), s.item_key) < (to_length, to_key))
ON CONFLICT (run_id, media_id) DO NOTHING

-- The kind $3 of a section is listed again.
--: query sync_miss_none
DELETE FROM sync_missing x USING server_items s
WHERE x.run_id = $1 AND s.media_id = x.media_id AND s.section_id = $2 AND s.kind = $3
	AND x.answer = 'unlisted'

-- $2 server, $3 keys of items that are there and cannot be read, in whatever section.
--: query sync_unreadable
INSERT INTO sync_missing (run_id, media_id, answer)
SELECT $1, media_id, 'present' FROM server_items
WHERE server_id = $2 AND item_key = ANY ($3::text[])
ON CONFLICT (run_id, media_id) DO UPDATE SET answer = 'present'

-- $3 kinds that the section can have; an empty list: it is not there at all.
--: query sync_miss_others
INSERT INTO sync_missing (run_id, media_id)
SELECT $1, media_id FROM server_items
WHERE section_id = $2 AND gone_at IS NULL AND kind <> ALL ($3::text[])
ON CONFLICT (run_id, media_id) DO NOTHING

-- $2 section, $3 items.
--: query sync_put_off
INSERT INTO sync_pending (run_id, item_key, section_id, kind, identity, item)
SELECT $1, e->>'key', $2, e->>'kind', e->>'identity', e FROM jsonb_array_elements($3::jsonb) AS e
ON CONFLICT (run_id, item_key) DO UPDATE SET section_id = excluded.section_id,
	kind = excluded.kind, identity = excluded.identity, item = excluded.item

--: query sync_put_off_none
DELETE FROM sync_pending WHERE run_id = $1 AND section_id = $2 AND kind = $3

-- Is it known to be absent from the server? $3: sections that were listed completely. A key that
-- another item has now is no place where it could be.
--: define absent
(s.gone_at IS NOT NULL OR coalesce(x.answer, '') = 'absent' OR left(s.item_key, 1) = '~'
	OR (coalesce(x.answer, '') = 'unlisted' AND s.section_id = ANY ($3::uuid[])))
-- What lies in a section that is left out stays there: an edition elsewhere is another item.
--: define present
(coalesce(x.answer, '') = 'present' OR (x.answer IS NULL AND s.section_id = ANY ($3::uuid[]))
	OR EXISTS (SELECT FROM media_sections l WHERE l.id = s.section_id AND NOT l.enabled))

--: define earlier
server_items s LEFT JOIN sync_missing x ON x.run_id = $2 AND x.media_id = s.media_id

-- Earlier places of what is pending of which nothing is known.
--: query sync_unknown read
SELECT s.media_id, s.item_key, s.identity FROM @earlier
WHERE s.server_id = $1 AND NOT @absent AND NOT @present
	AND s.item_key NOT IN (SELECT q.item_key FROM sync_pending q WHERE q.run_id = $2)
	AND EXISTS (SELECT FROM sync_pending p
		WHERE p.run_id = $2 AND p.identity = s.identity AND p.kind = s.kind)
LIMIT $4::int

-- $2 item, $3 absent or present.
--: query sync_asked
INSERT INTO sync_missing (run_id, media_id, answer) VALUES ($1, $2, $3)
ON CONFLICT (run_id, media_id) DO UPDATE SET answer = excluded.answer

-- $4 section, $5 after this key, $6 limit. Of several that could be one, none is; what went
-- earlier comes back only where nothing went now.
--: query sync_resolve read
SELECT p.item_key, p.item, CASE WHEN c.unknown > 0 THEN 'wait'
	WHEN (c.absent = 1 OR (c.absent = 0 AND c.gone = 1)) AND NOT EXISTS (
		SELECT FROM sync_pending q WHERE q.run_id = $2 AND q.identity = p.identity
			AND q.kind = p.kind AND q.item_key <> p.item_key)
	THEN 'move' ELSE 'new' END, coalesce(c.one, c.earlier)
FROM sync_pending p CROSS JOIN LATERAL (
	SELECT count(*) FILTER (WHERE @absent AND s.gone_at IS NULL) AS absent,
		count(*) FILTER (WHERE s.gone_at IS NOT NULL) AS gone,
		count(*) FILTER (WHERE NOT @absent AND NOT @present) AS unknown,
		min(s.media_id::text) FILTER (WHERE @absent AND s.gone_at IS NULL) AS one,
		min(s.media_id::text) FILTER (WHERE s.gone_at IS NOT NULL) AS earlier
	FROM @earlier WHERE s.server_id = $1 AND s.identity = p.identity AND s.kind = p.kind
) c
WHERE p.run_id = $2 AND p.section_id = $4 AND p.item_key > $5
	AND NOT EXISTS (SELECT FROM server_items o
		WHERE o.server_id = $1 AND o.item_key = p.item_key)
ORDER BY p.item_key LIMIT $6::int

-- $1 items, $2 their new keys.
--: query sync_move
UPDATE server_items s SET item_key = v.key
FROM unnest($1::uuid[], $2::text[]) AS v(media_id, key) WHERE s.media_id = v.media_id

--: define missed
sync_missing x JOIN server_items s ON s.media_id = x.media_id
WHERE x.run_id = $1 AND x.answer <> 'present' AND s.section_id = $2 AND s.gone_at IS NULL

-- $3 the halted run that may pass, or NULL. For each kind of which something is missing: how many
-- are missing, how many of them that run did not miss, how many there were; and how many of all.
--: query sync_missing_count read
SELECT s.kind, count(*), count(*) FILTER (WHERE NOT EXISTS (SELECT FROM sync_missing h
		WHERE h.run_id = $3::uuid AND h.media_id = s.media_id AND h.answer <> 'present')),
	(SELECT count(*) FROM server_items t
		WHERE t.section_id = $2 AND t.kind = s.kind AND t.gone_at IS NULL),
	(SELECT count(*) FROM server_items t WHERE t.section_id = $2 AND t.gone_at IS NULL)
FROM @missed GROUP BY s.kind

--: query sync_missing_add
UPDATE server_items SET missing_runs = missing_runs + 1
WHERE missing_runs < 2 AND media_id IN (SELECT s.media_id FROM @missed)

--: query sync_trash
WITH g AS (
	UPDATE server_items SET gone_at = now(), news = false
	WHERE media_id IN (SELECT s.media_id FROM @missed AND s.missing_runs >= 2)
	RETURNING media_id
), t AS (
	UPDATE media m SET trashed_from = m.status, status = 'trashed', trashed_at = now(),
		trashed_by = NULL, trash_reason = 'gone', version = m.version + 1,
		updated_at = now()
	FROM g WHERE m.id = g.media_id AND m.status <> 'trashed'
)
SELECT count(*) FROM g

-- Children whose parents came later.
--: query sync_adopt_orphans
WITH p AS (
	SELECT s.media_id, p.media_id AS parent_id FROM server_items s
	JOIN server_items p ON p.server_id = s.server_id AND p.item_key = s.parent_key
	WHERE s.server_id = $1 AND s.orphan
), u AS (
	UPDATE media m SET parent_id = p.parent_id, version = m.version + 1, updated_at = now()
	FROM p WHERE m.id = p.media_id
)
UPDATE server_items s SET orphan = false FROM p WHERE s.media_id = p.media_id
