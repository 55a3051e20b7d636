/* What other services know of an item: TMDB's texts, people and artwork, the server's poster. */
#ifndef MN_SERVICE_INTEGRATIONS_ENRICH_H
#define MN_SERVICE_INTEGRATIONS_ENRICH_H

#include <stdbool.h>
#include <stddef.h>

struct call;
struct error;

/* In the caller's transaction: jobs that enrich these items; one for each, however often. */
bool enrich_request(const struct call *, const char *const *media_ids, size_t n, struct error *);

#endif
