/*
 * Who may read an item: the one definition, for list, single item, search,
 * suggestions and counts. SQL conditions over `media m`; `user` and `all` are SQL texts ("$1",
 * "$2"): the caller's id, and whether the caller has media.manage_all.
 *
 * Readable is what is yours, in the house, or shared with you; others see it once it has been ready
 * (not while its first processing runs or has failed). The trash is apart: MEDIA_IN_TRASH_OF.
 */
#ifndef MN_STORE_STORE_READABLE_H
#define MN_STORE_STORE_READABLE_H

#define MEDIA_PRESENTABLE "(m.status = 'ready' OR m.asset_prefix IS NOT NULL)"

#define MEDIA_SHARED_WITH(user) \
	"(m.visibility = 'shared' AND EXISTS (SELECT 1 FROM media_shares sh" \
	" WHERE sh.media_id = m.id AND sh.user_id = " user "))"

#define MEDIA_OPEN_TO(user, all) \
	"(" all " OR m.owner_id = " user " OR (" MEDIA_PRESENTABLE \
	" AND (m.visibility = 'house' OR " MEDIA_SHARED_WITH(user) ")))"

#define MEDIA_READABLE(user, all) "(m.status <> 'trashed' AND " MEDIA_OPEN_TO(user, all) ")"

#define MEDIA_IN_TRASH_OF(user, all) \
	"(m.status = 'trashed' AND (" all " OR m.owner_id = " user " OR m.trashed_by = " user "))"

#endif
