-- Who may read an item: the one definition, for lists, single items, search, suggestions and
-- counts. Conditions on `media m`; @user is the caller's id, @all tells whether the caller has
-- media.manage_all.
--
-- Readable is what is yours, in the house, or shared with you. Others see an item once it has been
-- ready, not while its first processing runs or has failed. The trash is apart: in_trash_of.

--: define presentable
(m.status = 'ready' OR m.asset_prefix IS NOT NULL)

--: define shared_with(user)
(m.visibility = 'shared' AND EXISTS (
	SELECT 1 FROM media_shares sh WHERE sh.media_id = m.id AND sh.user_id = @user))

--: define open_to(user, all)
(@all OR m.owner_id = @user
	OR (@presentable AND (m.visibility = 'house' OR @shared_with(@user))))

--: define readable(user, all)
(m.status <> 'trashed' AND @open_to(@user, @all))

--: define in_trash_of(user, all)
(m.status = 'trashed' AND (@all OR m.owner_id = @user OR m.trashed_by = @user))

-- The same as three disjoint branches for the caller $1: each walks an index of its own, where a
-- condition with OR over the three would read everything. What is presentable is for the user of
-- a branch to say: of the house's and the shared items it is a condition, of one's own it is none.

--: define own
media m WHERE m.owner_id = $1::uuid AND m.visibility <> 'house' AND m.status <> 'trashed'

--: define house
media m WHERE m.visibility = 'house' AND m.status <> 'trashed'

--: define shared_in
media_shares sh JOIN media m ON m.id = sh.media_id
WHERE sh.user_id = $1::uuid AND m.visibility = 'shared'

--: define shared
@shared_in AND m.status <> 'trashed' AND m.owner_id IS DISTINCT FROM $1::uuid
