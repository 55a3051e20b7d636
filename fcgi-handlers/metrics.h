/* /api/metrics */
#ifndef MN_HANDLERS_METRICS_H
#define MN_HANDLERS_METRICS_H

#include "http/route.h"

extern const struct route_module metrics_module;

#endif
