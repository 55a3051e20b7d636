/* Versions of videos and songs that browsers play: src/store/sql/playback.sql. */
#ifndef MN_STORE_PLAYBACK_H
#define MN_STORE_PLAYBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "model/media.h"
#include "store/pg.h"

struct arena;
struct error;
struct job;

extern const struct query store_playback_queries[];

/* What there is of an item; state NULL: nothing. */
struct playback_row {
	const char *state;              /* waiting, ready, failed */
	bool begun;                     /* of one that waits: a worker has it */
	int progress;                   /* percent, or -1: unknown */
	const char *key, *content_type; /* of a ready one */
	int64_t size, played_at;        /* us */
	const char *failure_code, *failure_message;
};
bool store_playback_get(struct db *, struct arena *, const char *media_id, struct playback_row *,
    struct error *);
/* In a transaction with its job. user NULL: nobody waits. A ready one stays; *found: otherwise. */
bool store_playback_ask(struct db *, struct arena *, const char *media_id, const char *user,
    bool *found, struct error *);
/* How many wait for that person. */
bool store_playback_asked(struct db *, struct arena *, const char *user, int64_t *n,
    struct error *);
/* Moves a job that waits in another queue to this one. */
bool store_playback_hurry(struct db *, struct arena *, const char *unique_key, const char *queue,
    struct error *);
bool store_playback_played(struct db *, struct arena *, const char *media_id, struct error *);

/* For the job; found: it is still wanted. */
struct playback_source {
	bool found;
	const char *object_key;
	int64_t size;
	bool playable; /* browsers should play the file, but one of them did not */
};
bool store_playback_load(struct db *, struct arena *, const char *media_id,
    struct playback_source *, struct error *);
/*
 * If the job still holds its lease, else ERR_CONFLICT lease_lost. *wanted false: the item is gone.
 * `people` may see the item and have asked.
 */
bool store_playback_progress(struct db *, struct arena *, const struct job *, const char *media_id,
    int percent, bool *wanted, struct strings *people, struct error *);
/* In the transaction of the job. *gone: the item no longer exists; `people` as above. */
struct playback_made {
	const char *key, *content_type;
	int64_t size;
};
bool store_playback_publish(struct db *, struct arena *, const char *media_id,
    const struct playback_made *, bool *gone, struct strings *people, struct error *);
bool store_playback_fail(struct db *, struct arena *, const char *media_id, const char *code,
    const char *message, bool *gone, struct strings *people, struct error *);

/* Housekeeping. Requests without a job have failed, with this reason. */
bool store_playback_heal(struct db *, struct arena *, const char *code, const char *message,
    struct error *);
/* Objects beyond `limit` bytes in all, the least recently played first, none played lately. */
struct playback_bounds {
	int64_t limit;
	int idle_seconds;
	int max;
};
bool store_playback_over(struct db *, struct arena *, const struct playback_bounds *,
    struct strings *keys, struct error *);
/*
 * In a transaction: lets go of these; `media` and `dropped`, in one order, are those that were not
 * played meanwhile.
 */
bool store_playback_drop(struct db *, struct arena *, struct strings keys, int idle_seconds,
    struct strings *media, struct strings *dropped, struct error *);
bool store_playback_used(struct db *, struct arena *, int64_t *bytes, struct error *);

/* A way through all items of a kind, the newest first. */
struct playback_walk {
	const char *kind;
	const char *at, *id; /* of the last one; `at` as the database writes it */
	int max;
};
#define PLAYBACK_WALK_START "infinity"
struct playback_file {
	const char *id, *at, *content_type, *video, *profile, *audio;
};
bool store_playback_unknown(struct db *, struct arena *, const struct playback_walk *,
    struct playback_file **, size_t *n, struct error *);
bool store_playback_known(struct db *, struct arena *, const struct playback_file *,
    const bool *playable, size_t n, struct error *);
/* Ready items that browsers do not play and that have no version yet. */
bool store_playback_lacking(struct db *, struct arena *, const struct playback_walk *,
    struct strings *ids, struct error *);
bool store_playback_ahead(struct db *, struct arena *, const char *queue, int64_t *n,
    struct error *);

#endif
