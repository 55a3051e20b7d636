/* Webhooks that go out: what happened, for the endpoints that want to hear it. */
#ifndef MN_SERVICE_NOTIFY_HOOK_OUT_H
#define MN_SERVICE_NOTIFY_HOOK_OUT_H

#include <stdbool.h>

struct call;
struct error;

/*
 * In the caller's transaction: one delivery for each enabled endpoint that wants this event.
 * `event` is one of hook_out_events ("media.ready", "library.new", ...), `data` JSON object text.
 */
bool hook_out(const struct call *, const char *event, const char *data, struct error *);

#endif
