/* /api/users: one's own profile, and accounts for people who manage them. */
#ifndef MN_HANDLERS_USERS_H
#define MN_HANDLERS_USERS_H

#include "http/route.h"

extern const struct route_module users_module;

#endif
