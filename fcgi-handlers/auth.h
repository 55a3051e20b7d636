/* /api/auth */
#ifndef MN_HANDLERS_AUTH_H
#define MN_HANDLERS_AUTH_H

#include "http/route.h"

extern const struct route_module auth_module;

#endif
