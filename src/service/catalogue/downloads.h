/*
 * Many items at once: a person asks for a zip of a selection or a collection, a job builds it
 * (processing/download.h), and they download it by a signed URL until it expires.
 *
 * An archive belongs to who asked for it and to nobody else, whatever their rights. The same asked
 * for again while it is being made is the same archive. What one person may keep is limited by the
 * settings downloads.max_count and downloads.max_size.
 */
#ifndef MN_SERVICE_CATALOGUE_DOWNLOADS_H
#define MN_SERVICE_CATALOGUE_DOWNLOADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "model/download.h"
#include "service/list.h"

struct call;
struct download_failure;
struct error;

struct download_wish {
	struct strings ids;        /* a selection, */
	const char *collection_id; /* or a collection; NULL */
	const char *again;         /* or what this one was made of; NULL */
};
/* Why an archive ends that holds what its person may not have any more. */
extern const struct download_failure download_outdated;
bool download_create(const struct call *, const struct download_wish *, struct download *,
    struct error *);
/*
 * ERR_NOT_FOUND. An archive outlives the sharing of its items, so each time before its URL can be
 * signed, it ends if the caller may not have all of it any more: ERR_GONE.
 */
bool download_get(const struct call *, const char *id, struct download *, struct error *);
bool downloads_list(const struct call *, const struct list_ask *, struct download **, struct page *,
    struct error *);
/* Cancels it, or removes it. ERR_NOT_FOUND. */
bool download_remove(const struct call *, const char *id, struct error *);

/* In a transaction that retries its job; *ok false: nobody waits for it any more. */
bool download_again(const struct call *, const char *id, bool *ok, struct error *);

/* Of one that is ready, else NULL. Local computation. */
const char *download_url(const struct call *, const struct download *, int64_t now);
/* Percent of the items' bytes. */
int download_progress(const struct download *);

/* To the person's open pages. */
void download_tell(const struct call *, const char *type, const char *user_id, const char *id);
void download_tell_progress(const struct call *, const char *user_id, const char *id, int64_t done,
    int64_t bytes);

#endif
