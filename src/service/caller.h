/*
 * On whose behalf a service acts, and from where: for the audit log, mails and jobs. Borrowed
 * strings.
 */
#ifndef MN_SERVICE_CALLER_H
#define MN_SERVICE_CALLER_H

#include "core/access.h"

struct caller {
	const struct principal *who; /* user_id "" = nobody (registration) or the system */
	const char *address;         /* or NULL */
	const char *request_id;      /* or NULL */
	const char *device;          /* or NULL */
};

#endif
