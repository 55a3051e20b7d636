/* Removes what the store has of archives that nobody has or waits for. */
#ifndef MN_SERVICE_PROCESSING_DOWNLOAD_CLEAN_H
#define MN_SERVICE_PROCESSING_DOWNLOAD_CLEAN_H

#include <stdbool.h>

struct call;
struct error;

/*
 * All objects under the prefix, and all uploads in parts: at the start of a run, whose archive has
 * none yet.
 */
bool download_clean(const struct call *, const char *prefix, struct error *);

#endif
