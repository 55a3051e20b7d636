/*
 * The endpoints that webhooks go out to, and the log of what was sent there. For people who may
 * manage webhooks; what changes is in the audit log.
 *
 * The secret is told when it is made, never again. Values of custom headers are never told: they
 * often are credentials. Of the address only the origin is told, except where one endpoint is read
 * or changed: its path may be a credential too. All three are sealed at rest.
 */
#ifndef MN_SERVICE_NOTIFY_HOOK_ENDPOINTS_H
#define MN_SERVICE_NOTIFY_HOOK_ENDPOINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"
#include "model/hook_out.h"
#include "service/list.h"

struct call;
struct cJSON;
struct error;

#define HOOK_ENDPOINTS_MAX 500
#define HOOK_URL_MAX 2000
#define HOOK_HEADERS_MAX 20
#define HOOK_HEADER_NAME_MAX 64    /* bytes */
#define HOOK_HEADER_VALUE_MAX 1000 /* bytes */
#define HOOK_HEADERS_BYTES 7000    /* of all, as JSON */
/* A replaced secret still signs, beside the new one. */
#define HOOK_PREVIOUS_US (86400 * US_PER_SEC)

/* What a person sets; NULL or n = 0: stays as it is. */
struct hook_endpoint_change {
	const char *url;
	struct strings events;
	/* an object of texts: all headers from now on; null as a value keeps the one it has */
	const struct cJSON *headers;
	bool set_enabled, enabled;
	int64_t version; /* expected; 0: any */
};

/* *secret: to be told this once. ERR_CONFLICT too_many_endpoints. */
bool hook_endpoint_create(const struct call *, const struct hook_endpoint_change *,
    struct hook_endpoint *, const char **secret, struct error *);
bool hook_endpoint_get(const struct call *, const char *id, struct hook_endpoint *, struct error *);
bool hook_endpoint_list(const struct call *, const struct list_ask *, struct hook_endpoint **,
    struct page *, struct error *);
bool hook_endpoint_change(const struct call *, const char *id, const struct hook_endpoint_change *,
    struct hook_endpoint *, struct error *);
bool hook_endpoint_delete(const struct call *, const char *id, struct error *);
/* Seals addresses that were stored before they were sealed (sql/0023). */
bool hook_urls_seal(const struct call *, struct error *);
bool hook_endpoint_rotate(const struct call *, const char *id, struct hook_endpoint *,
    const char **secret, struct error *);

/* One message of type webhook.test, sent at once and only once. */
struct hook_test {
	bool delivered;
	int status; /* 0: no response */
	int64_t ms;
	const char *error; /* hook_failure(), or NULL */
};
bool hook_endpoint_test(const struct call *, const char *id, struct hook_test *, struct error *);

#endif
