/* The log of the webhooks that went to an endpoint, and sending them again. */
#ifndef MN_SERVICE_NOTIFY_HOOK_DELIVERIES_H
#define MN_SERVICE_NOTIFY_HOOK_DELIVERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/hook_out.h"
#include "service/list.h"

struct call;
struct error;

bool hook_delivery_list(const struct call *, const char *endpoint_id,
    const struct delivery_filter *, const struct list_ask *, struct hook_delivery **, struct page *,
    struct error *);
/* With its payload. */
bool hook_delivery_get(const struct call *, const char *endpoint_id, const char *id,
    struct hook_delivery *, struct error *);
/*
 * Sends again under the same webhook-id; *n: how many. ERR_CONFLICT endpoint_off: it is switched
 * off, and nothing would be sent.
 */
bool hook_delivery_replay(const struct call *, const char *endpoint_id,
    const struct delivery_replay *, int64_t *n, struct error *);

#endif
