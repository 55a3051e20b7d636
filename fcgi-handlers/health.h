/* /api/health */
#ifndef MN_HANDLERS_HEALTH_H
#define MN_HANDLERS_HEALTH_H

#include "http/route.h"

extern const struct route_module health_module;

#endif
