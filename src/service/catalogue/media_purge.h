/* The job that removes the objects of an item: what it is told, in one place. */
#ifndef MN_SERVICE_CATALOGUE_MEDIA_PURGE_H
#define MN_SERVICE_CATALOGUE_MEDIA_PURGE_H

#include <stdbool.h>

struct call;
struct error;

/*
 * In the transaction after which nothing may name these objects any more: adds the job that removes
 * what is derived from the item, its original, and what arrived for the upload (may be NULL).
 */
bool media_purge_add(const struct call *, const char *media_id, const char *upload_id,
    struct error *);

#endif
