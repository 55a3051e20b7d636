/*
 * Groups of notes that are told together, and notes that wait for a digest (sql/0016). Everything
 * here runs inside the caller's transaction, except what only reads.
 */
#ifndef MN_STORE_STORE_NOTIFY_H
#define MN_STORE_STORE_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "model/notification.h"
#include "store/pg.h"

struct arena;
struct error;

#define NOTIFY_MAILS_KEEP_DAYS 30 /* of people whose digest cannot be sent */
#define NOTIFY_DIGESTS_KEEP_DAYS 60

/* Columns of equal length. Optional members are NULL; `failed` is "t" or "f". */
struct notify_parts {
	const char **topics, **kinds, **keys, **users, **group_titles, **wider, **wider_titles,
	    **titles, **media, **failed, **items;
	size_t n;
};
struct notify_opened {
	const char *id;
	int64_t due_at; /* us */
	bool fresh;     /* the group did not exist: it needs a job */
};
/* Adds parts to their groups, which stay locked until the end of the transaction. */
bool store_notify_parts_add(struct db *, struct arena *, const struct notify_parts *, int wait_s,
    struct notify_opened **, size_t *n, struct error *);

struct notify_held {
	const char *topic;              /* NULL: the group has been told */
	const char *key, *user, *title; /* user and title may be NULL */
	const char *wider, *wider_title;
	int64_t told, parts;
};
bool store_notify_group_hold(struct db *, struct arena *, const char *id, struct notify_held *,
    struct error *);
/* Before one is held: until the transaction ends, nobody else joins groups of its wider one. */
bool store_notify_wider_lock(struct db *, struct arena *, const char *id, struct error *);
/*
 * *joined: more than `apart` groups of its wider one were open, and up to `most` others are parts
 * of this one now. What something is being added to stays by itself.
 */
bool store_notify_wider_join(struct db *, struct arena *, const char *id, int apart, int most,
    bool *joined, struct error *);
bool store_notify_group_told(struct db *, struct arena *, const char *id, int64_t parts,
    struct error *);
bool store_notify_group_remove(struct db *, struct arena *, const char *id, struct error *);
/* Groups that should have been told `late_s` seconds ago. */
bool store_notify_groups_overdue(struct db *, struct arena *, int late_s, int limit,
    struct strings *ids, struct error *);
/* Is another upload of this person on its way? */
bool store_notify_under_way(struct db *, struct arena *, const char *owner, const char *media_id,
    bool *yes, struct error *);

/* What a set of people learns of a group. */
struct notify_learned {
	int64_t good, bad;    /* items that went well, and that failed */
	int64_t parts;        /* of which they consist: each has a name */
	const char *kind;     /* of all items, or NULL */
	const char *failure;  /* the reason of the first failed item, or NULL */
	struct strings items; /* ids of the first ones, failed ones first */
	struct strings names; /* titles of the first ones */
	struct strings users;
};
struct notify_limits {
	int items, names;
};
struct notify_telling {
	const char *group;
	const char *user;    /* the only recipient, or NULL: everyone who can read an item */
	const char *channel; /* only kinds that they want there: "page", "mail"; NULL: either */
	struct notify_limits limits;
};
bool store_notify_group_tell(struct db *, struct arena *, const struct notify_telling *,
    struct notify_learned **, size_t *n, struct error *);
/* The items of the group that are there for anyone but their owner: good, bad and items. */
bool store_notify_group_all(struct db *, struct arena *, const char *id, struct notify_limits,
    struct notify_learned *, struct error *);

/* What the group is about, if that is one season and its episodes. */
struct notify_season {
	const char *id; /* NULL: it is about something else */
	const char *title;
	int64_t position; /* its number, 0: specials; -1: none */
};
bool store_notify_group_season(struct db *, struct arena *, const char *id, struct notify_season *,
    struct error *);

/* What holds now of a group of shares (service/notify/notify_share.h). */
struct notify_share {
	const char *group, *key;
	const char *collection_id;
	const char *from, *user; /* who shares, and the recipient */
	int listed;              /* of the items */
	/* Out: note_id NULL: nothing holds any more. */
	const char *note_id;
	const char *title; /* of the album, or of a single item */
	const char *from_name, *may;
	const char *kind; /* of all items, or NULL */
	int64_t count;
	struct strings items;
};
bool store_notify_share_album(struct db *, struct arena *, struct notify_share *, struct error *);
bool store_notify_share_items(struct db *, struct arena *, struct notify_share *, struct error *);
/* What people learn who learn the same. */
struct notify_filled {
	const char *title, *from_name, *kind;
	int64_t count;
	struct strings users;
};
bool store_notify_share_added(struct db *, struct arena *, const struct notify_share *,
    struct notify_filled **, size_t *n, struct error *);
/* *items: how many an archive holds that its person has not seen yet; 0: nothing to tell. */
bool store_notify_download(struct db *, struct arena *, const char *id, int64_t *items,
    struct error *);

struct notify_addressee {
	const char *email; /* NULL: no such person, or disabled */
	const char *name;
	struct strings wants; /* kinds, of those that were asked about */
};
/* Kinds, and what holds of them where a person chose nothing: NOTIFICATION_EMAIL_LIST. */
struct notify_defaults {
	const char **kinds, **defaults;
	size_t n;
};
bool store_notify_addressee(struct db *, struct arena *, const char *user,
    const struct notify_defaults *, struct notify_addressee *, struct error *);

struct notify_digest {
	const char *period; /* "daily" or "weekly" */
	const char *day;    /* "2026-11-27" */
	int64_t at;         /* us: notes before this */
};
/* People whose digest of that day has not been made, although notes wait for it. */
bool store_notify_digests_due(struct db *, struct arena *, const struct notify_digest *, int limit,
    struct strings *users, struct error *);
/* Takes the notes of a digest, once; n = 0: it has been made. */
bool store_notify_digest_take(struct db *, struct arena *, const struct notify_digest *,
    const char *user, struct notification_text **, size_t *n, struct error *);
/* Removes what is too old, at most `limit` rows of each. */
bool store_notify_expire(struct db *, struct arena *, int limit, struct error *);

extern const struct query store_notify_queries[], store_notify_share_queries[];

#endif
