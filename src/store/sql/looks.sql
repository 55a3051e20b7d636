-- Items of a person that are the same: in every byte, or by what they look like (sql/0033). Groups
-- have the id by which pages of them are ordered.

--: define look_bits
6

-- How many items of a group are shown.
--: define group_max
10

-- The values of a band that differ in at most one bit from that of $2.
--: define near_band(shift)
ARRAY(SELECT ((($2::bigint >> @shift) & 65535) # b) FROM unnest(ARRAY[0, 1, 2, 4, 8, 16, 32, 64,
	128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768]::bigint[]) AS b)

--: define distance
bit_count((l.look # $2::bigint)::bit(64))

--: define in_band(band, shift)
SELECT l.group_id, @distance AS bits FROM media_looks l
WHERE l.owner_id = m.owner_id AND @band = ANY (@near_band(@shift))
	AND l.media_id <> m.id AND @distance <= @look_bits

-- $1 item, $2 what it looks like. The item is in the group of what it is most like, or begins one.
-- The caller has locked the owner, so that of two at once the second sees the first.
--: query look_keep
INSERT INTO media_looks (media_id, owner_id, look, group_id)
SELECT m.id, m.owner_id, $2::bigint, coalesce((SELECT near.group_id FROM (
	@in_band((l.look & 65535), 0)
	UNION ALL @in_band(((l.look >> 16) & 65535), 16)
	UNION ALL @in_band(((l.look >> 32) & 65535), 32)
	UNION ALL @in_band(((l.look >> 48) & 65535), 48)) AS near
	ORDER BY near.bits LIMIT 1), m.id)
FROM media m WHERE m.id = $1::uuid AND m.owner_id IS NOT NULL
ON CONFLICT (media_id) DO UPDATE SET owner_id = excluded.owner_id, look = excluded.look,
	group_id = excluded.group_id

-- Items of the groups, those that came first in front. $1 person, $2 groups after this one, $3
-- limit of groups.
--: define members
CROSS JOIN LATERAL (SELECT m.*, row_number() OVER (ORDER BY m.created_at, m.id) AS place,
	count(*) OVER () AS n FROM media m WHERE m.id = ANY (g.ids)) m
WHERE m.place <= @group_max ORDER BY g.id, m.place

-- The same bytes: a group's id is the first half of their SHA-256. The inner part reads the index
-- media_own_bytes only.
--: query duplicates_bytes read
SELECT @media_columns, g.id, m.n FROM (
	SELECT encode(substring(s.sha256 FROM 1 FOR 16), 'hex')::uuid AS id, i.ids FROM (
		SELECT sha256 FROM media WHERE owner_id = $1::uuid AND sha256 IS NOT NULL
			AND sha256 > uuid_send($2::uuid) || decode(repeat('ff', 16), 'hex')
		GROUP BY sha256 HAVING count(*) > 1) s
	CROSS JOIN LATERAL (SELECT array_agg(d.id) AS ids FROM media d
		WHERE d.owner_id = $1::uuid AND d.sha256 = s.sha256 AND d.status = 'ready'
			AND d.source = 'upload') i
	WHERE cardinality(i.ids) > 1 ORDER BY s.sha256 LIMIT $3::int) g
@members

-- What looks alike but differs in its bytes.
--: query duplicates_look read
SELECT @media_columns, g.id, m.n FROM (
	SELECT s.group_id AS id, i.ids FROM (
		SELECT group_id FROM media_looks WHERE owner_id = $1::uuid AND group_id > $2::uuid
		GROUP BY group_id HAVING count(*) > 1) s
	CROSS JOIN LATERAL (SELECT array_agg(d.id) AS ids, count(DISTINCT d.sha256) AS n
		FROM media_looks l JOIN media d ON d.id = l.media_id
		WHERE l.owner_id = $1::uuid AND l.group_id = s.group_id AND d.status = 'ready'
			AND d.owner_id = $1::uuid) i
	WHERE cardinality(i.ids) > 1 AND i.n > 1 ORDER BY s.group_id LIMIT $3::int) g
@members
