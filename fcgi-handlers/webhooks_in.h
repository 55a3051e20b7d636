/* Webhooks that come in: their routes, their sources, and the inbox. */
#ifndef MN_HANDLERS_WEBHOOKS_IN_H
#define MN_HANDLERS_WEBHOOKS_IN_H

struct route_module;

extern const struct route_module webhooks_in_module;

#endif
