/*
 * Webhooks that go out, as people see them: endpoints and the log of their deliveries. Sending is
 * store_deliver.h.
 */
#ifndef MN_STORE_ENDPOINTS_H
#define MN_STORE_ENDPOINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/hook_out.h"
#include "store/pg.h"

struct arena;
struct error;

extern const struct query store_endpoints_queries[];

/*
 * A new endpoint: id, sealed_url, origin, events, header_names, headers, secret and enabled of it.
 */
bool store_endpoint_add(struct db *, struct arena *, const struct hook_endpoint *, int max,
    bool *added, struct error *);
/* id NULL: there is none. `lock`: in a transaction, until its end. */
bool store_endpoint_get(struct db *, struct arena *, const char *id, bool lock,
    struct hook_endpoint *, struct error *);
/* Newest first; before_id NULL: from the start. */
bool store_endpoint_list(struct db *, struct arena *, int64_t before_time, const char *before_id,
    int limit, struct hook_endpoint **, size_t *n, struct error *);
/* Replaces all that people set. A switched-on endpoint begins without failures. */
bool store_endpoint_change(struct db *, struct arena *, const struct hook_endpoint *,
    struct error *);
bool store_endpoint_delete(struct db *, struct arena *, const char *id, bool *deleted,
    struct error *);

/* Newest first; before_seq 0: from the start. Without payloads. */
bool store_endpoint_deliveries(struct db *, struct arena *, const char *endpoint_id,
    const struct delivery_filter *, int64_t before_seq, int limit, struct hook_delivery **,
    size_t *n, struct error *);
/* id NULL: there is none. With its payload. */
bool store_endpoint_delivery(struct db *, struct arena *, const char *endpoint_id, const char *id,
    struct hook_delivery *, struct error *);

/* All of them start over: due now, with a day of attempts. */
bool store_endpoint_replay(struct db *, struct arena *, const char *endpoint_id,
    const struct delivery_replay *, int64_t *n, struct error *);

#endif
