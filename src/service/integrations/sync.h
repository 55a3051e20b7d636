/* Wants a run of the sync: the worker runs the same work as medianest-sync. */
#ifndef MN_SERVICE_INTEGRATIONS_SYNC_H
#define MN_SERVICE_INTEGRATIONS_SYNC_H

#include <stdbool.h>

struct call;
struct error;

/*
 * In the caller's transaction: a run of one server (NULL: of all), or of one section of it (NULL:
 * all). Runs that already wait for the same are one. trigger: api or event.
 */
bool sync_request(const struct call *, const char *server_id, const char *section_key,
    const char *trigger, struct error *);

#endif
