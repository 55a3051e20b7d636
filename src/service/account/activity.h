/* A person's history and its statistics. */
#ifndef MN_SERVICE_ACCOUNT_ACTIVITY_H
#define MN_SERVICE_ACCOUNT_ACTIVITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/user.h"
#include "service/list.h"

struct call;
struct error;

/* In the caller's transaction, or on its own. `data` is JSON object text or NULL. */
bool activity_add(const struct call *, const char *user_id, const char *kind, const char *data,
    struct error *);
bool activity_list(const struct call *, const char *user_id, const struct list_ask *,
    struct activity **, struct page *, struct error *);
bool activity_statistics(const struct call *, const char *user_id, struct month **, size_t *n,
    struct error *);

#endif
