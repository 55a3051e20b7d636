-- What statements of several files select from `media m`.

-- A time as microseconds. A double holds them exactly until 2255, and date_part is much cheaper
-- than extract, which computes in numeric.
--: define us(column)
round(date_part('epoch', @column) * 1000000)::bigint

--: define year
coalesce(m.year, date_part('year', m.taken_at AT TIME ZONE 'UTC')::int)

-- The key of the order of the date taken: the wall clock, as the instant of UTC that reads like
-- it.
--: define taken
coalesce(m.taken_local AT TIME ZONE 'UTC', m.taken_at, m.created_at)

-- The name of an owner other than the caller ($1); people know their own items.
--: define name_of_owner
CASE WHEN m.owner_id IS DISTINCT FROM $1::uuid THEN (
	SELECT u.display_name FROM users u WHERE u.id = m.owner_id) END

-- Title and pictures of a series or an album belong to its parts, so they are shown with each part
-- that the caller can read. The pictures stand in for those that an item does not have itself.
--: define of_parent(condition, column)
CASE WHEN m.parent_id IS NOT NULL AND @condition THEN (
	SELECT @column FROM media p WHERE p.id = m.parent_id) END
--: define bare
m.asset_prefix IS NULL

-- The key of the clip of a live photo, whose video is another item.
--: define clip
CASE WHEN m.content_id IS NOT NULL AND m.kind = 'image' THEN (
	SELECT c.asset_prefix || '/preview.mp4' FROM media c
	WHERE c.parent_id = m.id AND c.content_id = m.content_id AND c.status = 'ready'
		AND 'preview.mp4' = ANY (c.assets) LIMIT 1) END

-- The version of an upload that browsers play, where they do not play it itself.
--: define rendition
CASE WHEN NOT m.playable THEN (
	SELECT r.key FROM media_playback r WHERE r.media_id = m.id) END

-- Marks of the caller. One look at all of them, not one for each row.
--: define marked(table)
m.id IN (SELECT k.media_id FROM @table k WHERE k.user_id = $1::uuid)

-- In the order that media_from_row() reads; further columns come after these. $1 is the caller.
--: define columns_of(owner_name, parent_title, parent_prefix, parent_assets, parent_thumbhash)
m.id, m.source, m.kind, m.title, m.original_title, m.status, m.visibility, m.owner_id,
m.filename, m.content_type, m.size, encode(m.sha256, 'hex'), m.width, m.height, m.duration_ms,
@us(m.taken_at), @us(coalesce(m.taken_local, m.taken_at AT TIME ZONE 'UTC')), m.taken_offset,
m.taken_source, @year, m.overview, m.genres, m.tags, m.external_ids, m.thumbhash,
m.object_key, m.asset_prefix, m.assets, m.sprite_times, m.failure_code, m.failure_message,
m.version, @us(m.created_at), @us(m.updated_at), @us(m.trashed_at), @owner_name,
m.parent_id, m.position, m.disc, @parent_title, @parent_prefix, @parent_assets,
@parent_thumbhash, m.incomplete, @clip,
@marked(media_favorites), @marked(media_archived), m.playable, @rendition, m.rotation,
m.made_rotation, m.people

--: define media_columns
@columns_of(@name_of_owner, @of_parent(true, p.title), @of_parent(@bare, p.asset_prefix),
	@of_parent(@bare, p.assets), @of_parent(@bare, p.thumbhash))

-- The same for a page of items, `page m`: owners and parents of many are looked up once. That reads
-- less, but takes longer than looking them up for each of a few rows.
--: define page_columns
@columns_of(n.display_name, p.title, CASE WHEN @bare THEN p.asset_prefix END,
	CASE WHEN @bare THEN p.assets END, CASE WHEN @bare THEN p.thumbhash END)
--: define page_from
page m LEFT JOIN (
	SELECT u.id, u.display_name FROM users u WHERE u.id = ANY (ARRAY(
		SELECT DISTINCT o.owner_id FROM page o WHERE o.owner_id IS DISTINCT FROM $1::uuid))
) n ON n.id = m.owner_id LEFT JOIN (
	SELECT a.id, a.title, a.asset_prefix, a.assets, a.thumbhash FROM media a WHERE a.id = ANY (
		ARRAY(SELECT DISTINCT c.parent_id FROM page c WHERE c.parent_id IS NOT NULL))
) p ON p.id = m.parent_id

-- Titles that start with a text known only at run time. A range, because LIKE uses its index only
-- for a constant pattern. title_key has the C collation, so every title that starts with the key is
-- in the range.
--: define starts_with(row, key)
@row.title_key >= @key AND @row.title_key < @key || chr(1114111)
