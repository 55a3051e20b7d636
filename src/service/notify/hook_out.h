/*
 * Webhooks that go out: what happened, for the endpoints that want to hear it (hook_endpoints.h).
 *
 * A delivery is a row in the caller's transaction, so that what was rolled back is never told and
 * what was committed always is: at least once, under one webhook-id (processing/deliver.h sends).
 *
 * `data` holds ids and plain facts: it goes to other servers, where nobody's rights are checked. No
 * titles of items, no addresses of people, no signed URLs: a receiver that wants more reads it from
 * the API with a token of its own.
 */
#ifndef MN_SERVICE_NOTIFY_HOOK_OUT_H
#define MN_SERVICE_NOTIFY_HOOK_OUT_H

#include <stdbool.h>

#include "model/hook_out.h"

struct call;
struct error;

#define HOOK_OUT_DATA_MAX 16384UL /* bytes of a body */

/*
 * In the caller's transaction: one delivery for each enabled endpoint that wants this event.
 * `event` is one of HOOK_OUT_EVENT_LIST ("media.ready", "library.new", ...), `data` JSON object
 * text.
 */
bool hook_out(const struct call *, const char *event, const char *data, struct error *);

/* user.created */
bool hook_out_user(const struct call *, const char *user_id, const char *role, struct error *);

#endif
