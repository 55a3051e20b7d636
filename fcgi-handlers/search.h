/* /api/search */
#ifndef MN_HANDLERS_SEARCH_H
#define MN_HANDLERS_SEARCH_H

#include "http/route.h"

extern const struct route_module search_module;

#endif
