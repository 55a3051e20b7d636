/*
 * Queries of processing: the item of a job, its timeline, and the transaction that publishes or
 * fails an item.
 */
#ifndef MN_STORE_PROCESS_H
#define MN_STORE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "model/media.h"
#include "store/pg.h"

struct arena;
struct error;
struct job;
struct media_event;

extern const struct query store_process_queries[];

/* What to process; texts are in the arena, NULL if absent. */
struct process_item {
	bool found; /* the item exists and waits for processing */
	const char *owner, *title, *filename, *visibility;
	const char *sidecar;             /* text of a file beside it */
	const char *object_key;          /* of an earlier run: no client can write it */
	const char *incoming_key;        /* of the upload */
	const char *sha256;              /* announced, hexadecimal */
	int64_t size;                    /* of the upload; -1 = unknown */
	int64_t created_at, modified_at; /* us; of the file, as its client said, 0 = unknown */
	int64_t rotation;                /* degrees, by which its owner has turned it */
};

/* What was found; absent texts NULL, absent numbers -1 (sizes 0, times 0). */
struct process_found {
	const char *kind, *content_type, *title, *metadata, *thumbhash, *object_key, *asset_prefix;
	const char *content_id; /* of a live photo or its video, or NULL */
	bool incomplete;
	enum playable playable;
	const char *const *genres;
	size_t ngenres;
	struct strings people;       /* names that become tags */
	const unsigned char *sha256; /* SHA256_SIZE bytes */
	int64_t size, width, height, duration_ms, year;
	int64_t rotation;   /* of the sizes and the pictures, degrees */
	struct taken taken; /* source NULL: it has no such date; completed in its owner's zone */
	const char *const *assets;
	size_t nassets;
	const char *const *sprite_times;
	size_t nsprite_times; /* as text */
	const char *const *keys;
	size_t nkeys; /* objects of this run */
};

bool store_process_load(struct db *, struct arena *, const char *media_id, const char *upload_id,
    struct process_item *, struct error *);
/*
 * Adds a step to the timeline if the job still holds its lease, else ERR_CONFLICT lease_lost.
 * *gone: the item no longer exists.
 */
bool store_process_step(struct db *, struct arena *, const struct job *, const char *media_id,
    const struct media_event *, bool *gone, struct error *);
/* Every step of the item that has started and not ended has failed, if the lease is the last. */
bool store_process_close_steps(struct db *, struct arena *, const struct job *,
    const char *media_id, const char *message, struct error *);
/* *purged: there is no such item, and never will be again. */
bool store_process_purged(struct db *, struct arena *, const char *media_id, bool *purged,
    struct error *);
/* Announces objects before they are written; those that are never published are collected. */
struct process_objects {
	struct strings keys, sizes; /* of equal length */
};
bool store_process_reserve(struct db *, struct arena *, const char *media_id,
    const struct process_objects *, struct error *);
/*
 * Inside the transaction of the job, before it changes anything else: locks the owner, as a
 * deletion of the owner does, and then the item. Of what follows for several items of a person, the
 * second transaction sees what the first one did.
 */
bool store_process_hold(struct db *, struct arena *, const char *media_id, struct error *);
/*
 * Inside the transaction of the job, which it makes hold the item. *gone: the item no longer
 * exists. An item in the trash stays there, ready to be restored. *turned: it was turned while it
 * was processed.
 */
bool store_process_publish(struct db *, struct arena *, const char *media_id,
    const struct process_found *, bool *gone, bool *turned, struct error *);
/*
 * After it: makes the video of a live photo a part of the photo, whichever of them comes second.
 * *other_id: the one that was there, or NULL.
 */
bool store_process_pair(struct db *, struct arena *, const char *media_id, const char **other_id,
    struct error *);
/* Inside the transaction of the job. *gone: the item no longer exists, or no longer waits. */
struct process_failure {
	const char *code, *message;
};
bool store_process_fail(struct db *, struct arena *, const char *media_id,
    const struct process_failure *, bool *gone, struct error *);

/* Every object that belongs to the item. */
bool store_process_objects(struct db *, struct arena *, const char *media_id, struct strings *keys,
    struct error *);
/* Objects announced before `hours` and never published, or replaced. */
bool store_process_collectable(struct db *, struct arena *, int hours, int limit,
    struct strings *keys, struct error *);
bool store_process_forget(struct db *, struct arena *, struct strings keys, struct error *);
/* Ends uploads past their time and removes their items; the uploads are held. */
bool store_process_expire_uploads(struct db *, struct arena *, int limit, size_t *ended,
    struct error *);
/* Returns those of the incoming objects that are no longer needed. */
bool store_process_stray_incoming(struct db *, struct arena *, struct strings keys,
    struct strings *stray, struct error *);
/*
 * Of these objects under derived/ and original/, announces those that no item and no run has, as if
 * a run had never published them: they are collected later. *n: how many.
 */
bool store_process_announce_strays(struct db *, struct arena *, struct strings keys, int64_t *n,
    struct error *);
/* Old sign-in counters, refresh tokens, sessions, revocations and ended uploads. */
/* Those of the ids that are no people. */
bool store_process_gone(struct db *, struct arena *, struct strings people, struct strings *gone,
    struct error *);
bool store_process_expire_identity(struct db *, struct arena *, struct error *);

#endif
