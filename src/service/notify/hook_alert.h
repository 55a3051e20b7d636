/*
 * Tells the people who manage the house about an endpoint of webhooks: that it was switched off, or
 * that it works again (alert.h).
 */
#ifndef MN_SERVICE_NOTIFY_HOOK_ALERT_H
#define MN_SERVICE_NOTIFY_HOOK_ALERT_H

#include <stdbool.h>

struct call;
struct deliver_change;
struct error;
struct hook_endpoint;

/* In the caller's transaction; what is pushed goes out after its commit. */
bool hook_alert(const struct call *, const struct deliver_change *, struct error *);
/* A person has switched it on again, or removed it; `how` ends the sentence 'Webhooks to X ...'. */
bool hook_alert_over(const struct call *, const struct hook_endpoint *, const char *how,
    struct error *);

#endif
