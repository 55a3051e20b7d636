/*
 * Tells the people who manage the house about an endpoint of webhooks: that it was switched off, or
 * that it works again. Never by a webhook alone, which nobody may hear: also by notification and,
 * because those can be turned off, by mail.
 */
#ifndef MN_SERVICE_NOTIFY_HOOK_ALERT_H
#define MN_SERVICE_NOTIFY_HOOK_ALERT_H

#include <stdbool.h>

struct call;
struct deliver_change;
struct error;

/* In the caller's transaction; what is pushed goes out after its commit. */
bool hook_alert(const struct call *, const struct deliver_change *, struct error *);

#endif
