/* /api/admin: settings, roles, audit; the job queue. */
#ifndef MN_HANDLERS_ADMIN_H
#define MN_HANDLERS_ADMIN_H

#include "http/route.h"

extern const struct route_module admin_module, admin_jobs_module;

#endif
