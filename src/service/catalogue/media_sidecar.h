/*
 * Sidecars: what a program for photos (XMP) or an export (Google Takeout's JSON) says of an item,
 * in a file of its own. It is kept as it came and read in the sandbox, with the item.
 */
#ifndef MN_SERVICE_CATALOGUE_MEDIA_SIDECAR_H
#define MN_SERVICE_CATALOGUE_MEDIA_SIDECAR_H

#include <stdbool.h>

struct call;
struct error;
struct media;

#define MEDIA_SIDECAR_MAX 262144 /* code points */

/*
 * Before the upload is complete, or afterwards: then the item is processed again, unless it has
 * this text already. ERR_CONFLICT while it is being processed, in the trash, or no upload.
 */
bool media_set_sidecar(const struct call *, const char *id, const char *text, struct media *,
    struct error *);

#endif
