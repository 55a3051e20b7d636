/*
 * Archives that people make of many items: rows of `downloads`, each its person's alone. Strings
 * belong to the arena.
 */
#ifndef MN_STORE_STORE_DOWNLOADS_H
#define MN_STORE_STORE_DOWNLOADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "model/download.h"
#include "model/media.h"
#include "store/pg.h"

struct arena;
struct error;
struct job;

extern const struct query store_downloads_queries[];

/*
 * Of the items those that the reader can have, clips of live photos behind their photos. *bytes: of
 * what is here; *stored: how many of them are.
 */
struct download_pick {
	struct strings ids;
	int64_t bytes, stored;
};
bool store_download_pick(struct db *, struct arena *, const struct media_reader *,
    struct strings ids, struct download_pick *, struct error *);
/* The items of a collection that the reader sees there, in its order. */
bool store_download_collected(struct db *, struct arena *, const struct media_reader *,
    const char *collection_id, int limit, struct strings *ids, struct error *);

/* In the transaction that adds an archive: of a person one at a time. */
bool store_download_lock(struct db *, struct arena *, const char *user_id, struct error *);
/* An open one that was asked for in the same way; id NULL: none. */
bool store_download_same(struct db *, struct arena *, const char *user_id,
    const unsigned char *request, struct download *, struct error *);
/* Those that a person has, or will have. */
bool store_download_used(struct db *, struct arena *, const char *user_id, int64_t *n,
    int64_t *bytes, struct error *);
struct download_new {
	const char *id, *user_id, *title, *folder, *collection_id;
	const unsigned char *request; /* SHA256_SIZE bytes */
	bool manages;
	struct strings media_ids;
	int64_t bytes;
};
bool store_download_add(struct db *, struct arena *, const struct download_new *, struct download *,
    struct error *);

/* A person's own. ERR_NOT_FOUND. */
bool store_download_get(struct db *, struct arena *, const char *user_id, const char *id,
    struct download *, struct error *);
struct store_downloads_ask {
	const char *user_id;
	int64_t before; /* created_at and id of a position; id NULL: the start */
	const char *before_id;
	int limit;
};
/* Newest first. */
bool store_download_list(struct db *, struct arena *, const struct store_downloads_ask *,
    struct download **, size_t *n, struct error *);
/* ERR_NOT_FOUND. A job that makes it ends by itself. */
bool store_download_remove(struct db *, struct arena *, const char *user_id, const char *id,
    struct error *);

/* What a run of the job makes. */
struct download_work {
	bool wanted; /* false: nobody waits for it any more, and nothing else is set */
	const char *user_id, *title, *folder;
	int64_t items, bytes;
	struct media_reader reader; /* the person, with the rights of now */
};
bool store_download_begin(struct db *, struct arena *, const char *id, struct download_work *,
    struct error *);
/* The items of the places from `from` on that the reader can have now; places count from there. */
bool store_download_items(struct db *, struct arena *, const struct media_reader *, const char *id,
    int64_t from, int64_t n, struct download_item **, size_t *found, struct error *);
/* *wanted false: the person has cancelled it. ERR_CONFLICT lease_lost. */
bool store_download_progress(struct db *, struct arena *, const char *id, const struct job *,
    int64_t bytes_done, bool *wanted, struct error *);
struct download_made {
	const char *object_key;
	int64_t size, left_out;
	int64_t keep_seconds;
	struct strings held; /* the items that are in it */
};
/*
 * In the transaction that completes the job, before the archive is ready: *all, the person can have
 * all of these. Their purge waits until that transaction ends.
 */
bool store_download_still(struct db *, struct arena *, const struct media_reader *,
    struct strings held, bool *all, struct error *);
/* In the transaction that completes the job. *wanted as above. */
bool store_download_ready(struct db *, struct arena *, const char *id, const struct download_made *,
    bool *wanted, struct error *);
/* *user_id: whose it was, or NULL: nobody waits for it. */
struct download_failure {
	const char *code, *message;
	int64_t keep_seconds;
};
bool store_download_fail(struct db *, struct arena *, const char *id,
    const struct download_failure *, const char **user_id, struct error *);
/*
 * Before their URLs are signed: those archives that are ready (id NULL: all of the reader's) and
 * hold what the reader may not have any more end as `outdated` says: *ended. What the store has
 * of them is removed with other strays. The others are noted as seen.
 */
bool store_downloads_settle(struct db *, struct arena *, const struct media_reader *,
    const char *id, const struct download_failure *outdated, struct strings *ended, struct error *);
/* The archives that held a purged item, which end; in equal order. */
struct downloads_ended {
	struct strings ids, users, keys;
};
bool store_downloads_purge(struct db *, struct arena *, const char *media_id,
    const struct download_failure *outdated, struct downloads_ended *, struct error *);
/* What a person's archive was asked for: a collection, or NULL, and the items. ERR_NOT_FOUND. */
bool store_download_wish(struct db *, struct arena *, const char *user_id, const char *id,
    const char **collection_id, struct strings *ids, struct error *);
/* *again: it had failed, and waits again. */
bool store_download_again(struct db *, struct arena *, const char *id, bool *again, struct error *);
/* Of a person who may have nothing any more. */
bool store_download_drop(struct db *, struct arena *, const char *id, struct error *);

/* Removes the rows of archives past their time, and of people who are disabled. */
bool store_downloads_expire(struct db *, struct arena *, struct error *);
/* Of these keys of the store those that no archive has. */
bool store_downloads_stray(struct db *, struct arena *, struct strings keys, struct strings *stray,
    struct error *);

#endif
