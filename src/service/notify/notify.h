/*
 * Notifications and events.
 *
 * What belongs together goes through notify_group.h, which tells it once.
 *
 * A notification is one row per person, with a seq of that person, written inside the caller's
 * transaction by notify_add(); after the commit notify_push() wakes notifyd through Redis. A lost
 * push loses nothing: notifyd reads the rows every few seconds and replays them by seq. An event
 * without a row (progress, media.updated) has no seq and may be missed.
 *
 * On the socket both are {"type","id","seq"?,"timestamp","data"}: `data` is the caller's object;
 * for a notification it has an additional member "notification":{"kind","title","message"}. A
 * person who has turned a kind off for the page gets no row and no seq, but still the event, so
 * that an open page stays up to date.
 *
 * On the Redis channel (HACKING.md): {"to":["user",...]|"all","event":{...}} without rows,
 * {"each":[{"user","id","seq"?,"timestamp"},...], "event":{"type","data"}} for notifications,
 * {"endSession":{"user","sid"|null}}.
 */
#ifndef MN_SERVICE_NOTIFY_NOTIFY_H
#define MN_SERVICE_NOTIFY_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/access.h"
#include "core/str.h"

struct call;
struct error;

#define NOTIFY_CHANNEL "events"       /* Redis channel, after the prefix */
#define NOTIFY_PUSH_RECIPIENTS 500    /* in one message on the channel */
#define NOTIFY_EVENT_MAX (64UL << 10) /* bytes of an event's JSON */
#define NOTIFY_TITLE_MAX 200          /* code points, of a broadcast */
#define NOTIFY_MESSAGE_MAX 2000
#define NOTIFY_PERMISSIONS_MAX 4 /* of a kind */

/* All kinds, for which people can set preferences; ends with kind NULL. */
struct notify_kind {
	const char *kind;
	const char *event; /* socket type */
	const char *email; /* default */
	/* of those whom it concerns, the usual one first; the rest is PUBLIC */
	enum permission permissions[NOTIFY_PERMISSIONS_MAX];
};
extern const struct notify_kind notify_kinds[];

/* Where a note goes, as far as its recipients want it there. */
enum notify_channels {
	NOTIFY_EVERYWHERE,
	NOTIFY_PAGE, /* no mail: that follows */
	NOTIFY_MAIL, /* the page has it already */
};

struct notify_new {
	const char *const *users;
	size_t nusers;     /* recipients; sorted by the callee */
	const char *kind;  /* "media.ready": one of notify_kinds */
	const char *event; /* socket type: "media.processing.complete"; NULL = the kind's */
	const char *title, *message;
	const char *data; /* JSON object text; NULL = {} */
	/*
	 * Of a note for one person that may be told again: if that row is there, it is replaced and
	 * gets a new seq. NULL: a new row.
	 */
	const char *id;
	enum notify_channels channels;
	enum permission concerns; /* for notify_keepers(); PUBLIC: as its kind says */
};

/* The data that notify_push() needs later; belongs to the arena. */
struct notify_batch;

/* Mails are jobs, added in the same transaction; those of a digest wait for it. */
bool notify_add(const struct call *, const struct notify_new *, struct notify_batch **,
    struct error *);
/* a failure is logged, never an error */
void notify_push(const struct call *, const struct notify_batch *);
/* An event without a row, to the sockets of these people (nusers 0 = everyone). */
void notify_event(const struct call *, const char *const *users, size_t nusers, const char *type,
    const char *data_json);
/* Closes the sockets of a session, or of a whole person (sid NULL), within 5 s. */
void notify_session_ended(const struct call *, const char *user_id, const char *sid);
/* The active people who have the permission, and their addresses (or NULL), in one order. */
bool notify_holders(const struct call *, enum permission, struct strings *users,
    struct strings *emails, struct error *);
/* Notifies those whose permission says that it concerns them; in the caller's transaction. */
bool notify_keepers(const struct call *, const struct notify_new *, struct notify_batch **,
    struct error *);
/* Notifies all active people with one of the roles; its own transaction, and push. */
struct broadcast {
	const char *title, *message;
	struct strings roles;
};
bool notify_broadcast(const struct call *, const struct broadcast *, size_t *recipients,
    struct error *);
/* The default for mail of a kind: NOTIFICATION_EMAIL_LIST. */
const char *notify_email_default(const char *kind);
/*
 * Removes notifications older than notifications.keep_days, and mails that nobody waits for; for
 * the worker's housekeeping.
 */
bool notify_expire(const struct call *, int64_t *removed, struct error *);

#endif
