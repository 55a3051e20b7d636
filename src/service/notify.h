/*
 * Notifications and events (DESIGN section 9, correctness.md 19).
 *
 * A notification is a row for each person with a seq of their own, written inside the caller's transaction by notify_add(); after the commit
 * notify_push() wakes notifyd through Redis. Losing the push loses nothing: notifyd replays rows by seq. An event without
 * a row (progress, media.updated) has no seq and may be missed.
 */
#ifndef MN_SERVICE_NOTIFY_H
#define MN_SERVICE_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct error;
struct services;

#define NOTIFY_CHANNEL "events" /* Redis channel, after the prefix */

struct notify_new {
	const char *const *users; size_t nusers; /* recipients; sorted by the callee */
	const char *kind;    /* "media.ready" */
	const char *event;   /* socket type: "media.processing.complete"; NULL = "notification" */
	const char *title, *message;
	const char *data;    /* JSON object text */
};

/* What notify_push needs later; the arena's. */
struct notify_batch;

bool notify_add(struct services *, struct arena *, const struct notify_new *, struct notify_batch **, struct error *);
void notify_push(struct services *, struct arena *, const struct notify_batch *); /* failure is logged, never an error */
/* An event without a row, to the sockets of these people (nusers 0 = everyone). */
void notify_event(struct services *, struct arena *, const char *const *users, size_t nusers, const char *type, const char *data_json);
/* Closes the sockets of a session, or of a whole person (sid NULL), within 5 s. */
void notify_session_ended(struct services *, struct arena *, const char *user_id, const char *sid);

#endif
