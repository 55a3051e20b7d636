/* /api/admin/alerts: what is wrong in the house, and what was. */
#ifndef MN_HANDLERS_ALERTS_H
#define MN_HANDLERS_ALERTS_H

#include "http/route.h"

extern const struct route_module alerts_module;

#endif
