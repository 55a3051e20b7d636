/*
 * Notes of what people share: an album or items with somebody, items that are put into a shared
 * album, and archives that are ready although nobody waits for them.
 *
 * They are groups (notify_group.h): what one person shares within NOTIFY_SHARE_SECONDS, or puts
 * into one album within notifications.group_seconds, is one note. What holds when it is told is
 * told, and it is shown for as long as it holds (@note_holds in store/sql/readable.sql): a share
 * that was taken back takes its note along, whatever ended it. Titles of items are told only where
 * there is one.
 */
#ifndef MN_SERVICE_NOTIFY_NOTIFY_SHARE_H
#define MN_SERVICE_NOTIFY_NOTIFY_SHARE_H

#include <stdbool.h>

#include "core/str.h"

struct call;
struct error;
struct notify_held;

/* Who has something for others waits this long for more of it, or as a group if that is less. */
#define NOTIFY_SHARE_SECONDS 60

/* In the caller's transaction, all of them. The caller shares; `people` are those who are new. */
bool notify_album_shared(const struct call *, const char *collection_id, struct strings people,
    struct error *);
bool notify_item_shared(const struct call *, const char *media_id, struct strings people,
    struct error *);
/* The caller puts items into an album; everybody else who sees it may hear of it. */
bool notify_album_filled(const struct call *, const char *collection_id, struct strings items,
    struct error *);
/* Told only if its person has not seen by then that it is ready. */
bool notify_archive_ready(const struct call *, const char *user_id, const char *download_id,
    struct error *);

/* How groups of one of these kinds are told. */
struct notify_share_kind {
	const char *name;
	int wait; /* seconds at most */
	/* in the transaction that ends the group */
	bool (*tell)(const struct call *, const char *group_id, const struct notify_held *,
	    struct error *);
};
/* NULL: it is no kind of these. */
const struct notify_share_kind *notify_share_kind(const char *name);

#endif
