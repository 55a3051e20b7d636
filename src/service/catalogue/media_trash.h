/* How items leave the trash for good, by whom ever: their rows at once, their objects by a job. */
#ifndef MN_SERVICE_CATALOGUE_MEDIA_TRASH_H
#define MN_SERVICE_CATALOGUE_MEDIA_TRASH_H

#include <stdbool.h>
#include <stdint.h>

#include "service/job.h"

struct call;
struct error;

/* In a transaction: removes the row and, by a job that commits with it, every object. */
bool media_purge_item(const struct call *, const char *id, struct error *);
/* Tells other servers of a deletion, in the transaction; how: "trash" or "purge". */
bool media_deletion_told(const struct call *, const char *id, const char *kind, const char *how,
    struct error *);
/*
 * All of the caller's own items that are in the trash now: the first ones at once, of which
 * *deleted were there, and the *left others by a job.
 */
bool media_trash_empty(const struct call *, int64_t *deleted, int64_t *left, struct error *);
job_run_fn trash_empty_run;

#endif
