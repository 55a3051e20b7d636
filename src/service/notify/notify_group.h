/*
 * Notes that wait for others of their group: what belongs together (a season, an album, a batch of
 * uploads, the first sync of a server) is told once, before any channel. The first part of a group
 * waits for notifications.group_seconds; what comes meanwhile joins it. What counts is what is true
 * when it is told: items that are gone by then, or that a person cannot read any more, are neither
 * counted nor named, and deleted or disabled people hear nothing.
 *
 * A group may belong to a wider one (a series to its library). When one is told while more than
 * GROUPS_APART of the same wider group are open, all of them are told as the wider one: thirty
 * series that get an episode each are one note.
 *
 * What is told of "show:<media id>" is told of its season, "season:<media id>", if all of it are
 * episodes of one.
 *
 * A batch of uploads is what one person uploads within that time. The page hears of each item at
 * once, by an event without a row. The note in the list is written as soon as no upload of the
 * person is on its way, so that a single upload has its own at once; it is the same note that is
 * written again, with a new seq and unread, when the batch goes on. Mail waits for the end of the
 * time.
 */
#ifndef MN_SERVICE_NOTIFY_NOTIFY_GROUP_H
#define MN_SERVICE_NOTIFY_NOTIFY_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/job.h"

struct call;
struct error;

/* One thing that happened. */
struct notify_part {
	const char *kind; /* of notification_kinds.def */
	/*
	 * What is told together, with the kind. The note leads to the item of "show:<media id>",
	 * and so of season, album and artist, or to the server of "server:<id>".
	 */
	const char *group;
	const char *group_title; /* for people: "Severance, season 2" */
	/* What is told instead of too many groups, as `group`, and its title; or NULL. */
	const char *wider, *wider_title;
	const char *title;    /* of this part: "Hello, Ms. Cobel"; or NULL */
	const char *media_id; /* the item, or NULL */
	const char *user;     /* the recipient; NULL: everyone who can read media_id */
	bool failed;
	/*
	 * Items that it stands for, if media_id is only one of those that can be read alike: a
	 * first sync tells a library in one part, "Films: 9000 items". 0: one.
	 */
	int64_t items;
};

/* In the caller's transaction. The worker tells the group when its time has come. */
bool notify_together(const struct call *, const struct notify_part *, size_t n, struct error *);

/* An upload that has been processed. */
struct notify_uploaded {
	const char *owner, *media_id;
	const char *title, *message; /* of the note if it is the only one */
	const char *data;            /* of the event, JSON object text with mediaId */
	bool failed;
};
/* In the transaction that publishes or fails it, after that change; pushes by itself. */
bool notify_uploaded(const struct call *, const struct notify_uploaded *, struct error *);

/* Tells one group, and removes it. */
bool notify_group_run(const struct call *, const struct job_env *, const struct job *,
    struct error *);
/* Adds jobs again for groups that are long overdue. */
bool notify_groups_rescue(const struct call *, struct error *);

#endif
