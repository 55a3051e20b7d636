/*
 * Lists that are read page by page: the request, the page besides its items, and the cursor that
 * all lists share.
 *
 *	struct list_position after;
 *	struct page page;
 *
 *	if (!list_after(arena, LIST_PEOPLE, ask->cursor, &after, err) ||
 *	    !store_people_list(db, arena, ..., ask->limit + 1, &items, &n, err))
 *		return false;
 *	if (list_cut(page, n, ask->limit))
 *		page->next = list_cursor(arena, LIST_PEOPLE, &position_of_last_item);
 *
 * A cursor is opaque to clients. It carries the list that it belongs to, so that another list
 * refuses it.
 */
#ifndef MN_SERVICE_LIST_H
#define MN_SERVICE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct error;

#define LIST_CURSOR_MAX 80 /* bytes of a cursor of id and number, without a text */

struct list_ask {
	const char *cursor; /* of an earlier page, or NULL */
	int limit;          /* items of a page */
};

/* A page besides its items. */
struct page {
	size_t n;         /* items */
	const char *next; /* cursor of the next page; NULL: this is the last one */
};

enum list_kind {
	LIST_PEOPLE,
	LIST_INVITES,
	LIST_ACTIVITY,
	LIST_AUDIT,
	LIST_HOOK_EVENTS,
	LIST_ENDPOINTS,
	LIST_DELIVERIES,
	LIST_INBOX_NEWEST,
	LIST_INBOX_AFTER,
	LIST_MEDIA_NEWEST,
	LIST_MEDIA_OLDEST,
	LIST_MEDIA_TAKEN,
	LIST_MEDIA_TITLE,
	LIST_MEDIA_TRASH,
	LIST_MEDIA_MANUAL,
	/* the same lists towards their starts */
	LIST_MEDIA_NEWEST_BACK,
	LIST_MEDIA_OLDEST_BACK,
	LIST_MEDIA_TAKEN_BACK,
	LIST_MEDIA_TITLE_BACK,
	LIST_MEDIA_TRASH_BACK,
	LIST_MEDIA_MANUAL_BACK,
	LIST_SERVERS,
	LIST_MEDIA_CHILDREN,
	LIST_SYNCS,
	LIST_REQUESTS,
	LIST_JOBS,
	LIST_ALERTS,
	LIST_DUPLICATES_BYTES,
	LIST_DUPLICATES_LOOK,
	LIST_COLLECTIONS,
	LIST_SHARERS,
	LIST_LINKS,
	LIST_LINK_ITEMS,
	LIST_DOWNLOADS,
	LIST_PLACES,
	LIST_MEDIA_IDS,
	LIST_KINDS,
};

/* The sort key of the last item of a page; members that a list does not use stay unset. */
struct list_position {
	const char *id;   /* UUID; NULL: the start of a list that is also ordered by it */
	int64_t number;   /* a time in us, or a sequence number */
	const char *text; /* or NULL */
};

const char *list_cursor(struct arena *, enum list_kind, const struct list_position *);
/* cursor NULL: the whole position is zero. ERR_VALIDATION: the cursor is not of this list. */
bool list_after(struct arena *, enum list_kind, const char *cursor, struct list_position *,
    struct error *);
/* Whether the text is a cursor of this list. */
bool list_is_of(struct arena *, enum list_kind, const char *cursor);

/*
 * Cuts the page from `n` items, of which one more than fits was read. True if more items follow;
 * `next` is NULL until the caller sets it.
 */
bool list_cut(struct page *, size_t n, int limit);

#endif
