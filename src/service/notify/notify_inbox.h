/*
 * A person's own notifications: list, read marks, preferences, and the ticket that opens a socket
 * of medianest-notifyd.
 */
#ifndef MN_SERVICE_NOTIFY_NOTIFY_INBOX_H
#define MN_SERVICE_NOTIFY_NOTIFY_INBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/notification.h"
#include "service/list.h"

struct call;
struct error;

#define INBOX_CURSOR_MAX 64 /* bytes */
#define TICKET_SECONDS 30
#define TICKET_BYTES 32 /* random */
#define TICKET_TEXT 43  /* base64url, without NUL */

struct inbox_ask {
	struct list_ask list;
	int64_t after; /* without a cursor: newer than this seq, oldest first; -1: newest first */
	bool unread;   /* only these */
	const char *kind; /* only of this kind; or NULL */
};

struct inbox {
	struct notification *items;
	int64_t unread; /* of all */
};

bool inbox_list(const struct call *, const struct inbox_ask *, struct inbox *, struct page *,
    struct error *);
bool inbox_read(const struct call *, const char *id, struct notification *, struct error *);
bool inbox_read_all(const struct call *, struct error *);
bool inbox_delete(const struct call *, const char *id, struct error *);
/* Every kind in the order of notify_kinds, defaults filled in. */
bool inbox_preferences(const struct call *, struct notification_preference **, size_t *n,
    struct error *);
/* The hour of the day at which digests are mailed, in the server's time zone. */
int inbox_digest_hour(const struct call *);
/* All or nothing; omitted kinds stay as they are. */
bool inbox_prefer(const struct call *, const struct notification_preference *, size_t n,
    struct error *);
/* For a person who is not signed in: no more mails of a kind, or no "daily" or "weekly" ones. */
bool inbox_end_mails(const struct call *, const char *user, const char *what, struct error *);
/*
 * A single-use ticket for one socket of this session or API token, valid for TICKET_SECONDS. The
 * socket ends with that session or token. ERR_UNAVAILABLE without Redis.
 */
bool inbox_ticket(const struct call *, const char **ticket, struct error *);

#endif
