/* /api/webhooks/endpoints: where webhooks go out to, and what was sent. */
#ifndef MN_HANDLERS_WEBHOOKS_OUT_H
#define MN_HANDLERS_WEBHOOKS_OUT_H

#include "http/route.h"

extern const struct route_module webhooks_out_module;

#endif
