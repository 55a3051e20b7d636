/* When the certificate expires that nginx shows to browsers. */
#ifndef MN_SERVICE_OPERATOR_CERTIFICATE_H
#define MN_SERVICE_OPERATOR_CERTIFICATE_H

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct config;
struct error;

#define CERTIFICATE_TIMEOUT_MS 1500

/*
 * Asks nginx on this host, by the name of public.url, because a renewed file is of no use before
 * nginx has read it. *not_after: us; 0: the page is not served with TLS here. False: unknown.
 */
bool certificate_expiry(const struct config *, struct arena *, int64_t *not_after, struct error *);

#endif
