/* /api/admin: settings, roles; the audit log; the job queue; figures, processes, failures. */
#ifndef MN_HANDLERS_ADMIN_H
#define MN_HANDLERS_ADMIN_H

#include "http/route.h"

extern const struct route_module admin_module, admin_audit_module, admin_house_module,
    admin_jobs_module;

#endif
