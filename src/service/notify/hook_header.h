/* The headers that a person adds to the webhooks of an endpoint. */
#ifndef MN_SERVICE_NOTIFY_HOOK_HEADER_H
#define MN_SERVICE_NOTIFY_HOOK_HEADER_H

#include <stdbool.h>

struct call;
struct cJSON;
struct error;
struct hook_endpoint;

/*
 * Replaces the headers of the endpoint: names and, sealed, values. A member that is null keeps the
 * value that the name has. ERR_VALIDATION: fields headers.NAME.
 */
bool hook_headers_set(const struct call *, const struct cJSON *headers, struct hook_endpoint *,
    struct error *);

#endif
