/*
 * Rows of notifications and preferences. seq counts per person, without gaps and in commit order:
 * it comes from users.last_seq in the writing transaction (with a sequence, a reader could see 2
 * and miss 1, committed later). People are locked in the order of their ids, so that writers cannot
 * deadlock.
 */
#ifndef MN_STORE_STORE_NOTIFICATIONS_H
#define MN_STORE_STORE_NOTIFICATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "model/notification.h"
#include "store/pg.h"

struct arena;
struct db;
struct error;

/*
 * ids.items[i] is for users.items[i]; no user twice. Unknown and disabled people are left out. Runs
 * inside the caller's transaction or in its own.
 */
struct notification_new {
	struct strings users, ids;
	struct notification_text text;
	bool page;         /* a row, and an event on the socket */
	const char *email; /* the kind's default for mail; NULL: no mail */
};
bool store_notification_add(struct db *, struct arena *, const struct notification_new *,
    struct notification_sent **sent, size_t *nsent, struct error *);
struct notification_ask {
	const char *user;
	int64_t position; /* a seq */
	/* rows newer than position, oldest first; else older rows (0: from the newest) */
	bool ascending;
	bool unread_only;
	const char *kind; /* or NULL: of every kind */
	int limit;
};
struct notification_list {
	struct notification *items;
	size_t n;
	int64_t unread; /* among all of the person's rows */
};
bool store_notifications_list(struct db *, struct arena *, const struct notification_ask *,
    struct notification_list *, struct error *);
/* id NULL: no such row of this person. Marking it as read again keeps the first time. */
bool store_notification_read(struct db *, struct arena *, const char *user, const char *id,
    struct notification *, struct error *);
bool store_notifications_read_all(struct db *, struct arena *, const char *user, struct error *);
bool store_notification_delete(struct db *, struct arena *, const char *user, const char *id,
    bool *found, struct error *);
/*
 * Of a mail's `notes` (JSON text of its job): holds[i], which is false at first, becomes true where
 * what the note says still holds for this person, so that it may be sent.
 */
bool store_notification_holding(struct db *, struct arena *, const char *user, const char *mail,
    bool *holds, struct error *);
bool store_notification_preferences(struct db *, struct arena *, const char *user,
    struct notification_preference **, size_t *n, struct error *);
bool store_notification_prefer(struct db *, struct arena *, const char *user,
    const struct notification_preference *, struct error *);
/* Active people with one of these roles. */
bool store_notification_audience(struct db *, struct arena *, struct strings roles,
    struct strings *users, struct error *);
/* Active people with this permission, and their addresses (NULL: not wanted), in one order. */
bool store_notification_keepers(struct db *, struct arena *, const char *permission,
    struct strings *users, struct strings *emails, struct error *);
/* Rows older than `days`, at most `max` of them. */
bool store_notifications_expire(struct db *, struct arena *, int days, int max, int64_t *removed,
    struct error *);

extern const struct query store_notifications_queries[];

#endif
