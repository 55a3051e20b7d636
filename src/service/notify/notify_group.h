/*
 * Notes that wait for others of their group: what belongs together (a season, an album, a batch of
 * uploads, the first sync of a server) is told once, before any channel. The first part of a group
 * waits for notifications.group_seconds; what comes meanwhile joins it.
 */
#ifndef MN_SERVICE_NOTIFY_NOTIFY_GROUP_H
#define MN_SERVICE_NOTIFY_NOTIFY_GROUP_H

#include <stdbool.h>
#include <stddef.h>

struct call;
struct error;

/* One thing that happened. */
struct notify_part {
	const char *kind;        /* of notification_kinds.def */
	const char *group;       /* what is told together, with the kind: "show:<media id>" */
	const char *group_title; /* for people: "Severance, season 2" */
	const char *title;       /* of this part: "Hello, Ms. Cobel"; or NULL */
	const char *media_id;    /* the item, or NULL */
	const char *user;        /* the recipient; NULL: everyone who can read media_id */
	bool failed;
};

/* In the caller's transaction. The worker tells the group when its time has come. */
bool notify_together(const struct call *, const struct notify_part *, size_t n, struct error *);

#endif
