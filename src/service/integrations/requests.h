/* Requests for titles, kept by Overseerr or Seerr. */
#ifndef MN_SERVICE_INTEGRATIONS_REQUESTS_H
#define MN_SERVICE_INTEGRATIONS_REQUESTS_H

#include <stdbool.h>

struct call;
struct error;

/*
 * In the caller's transaction: the state of this request (Overseerr's id; NULL: of all) is asked
 * for soon. Does nothing where no Overseerr is set up.
 */
bool requests_refresh_soon(const struct call *, const char *request_id, struct error *);

#endif
