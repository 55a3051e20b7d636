/*
 * What a service function works with: the services of the process, the memory that its answer
 * lives in, and on whose behalf it acts. One for each request or job; borrowed by all that is
 * called for it.
 */
#ifndef MN_SERVICE_CALL_H
#define MN_SERVICE_CALL_H

#include "core/access.h"

struct arena;
struct services;

/* Who asks, and from where: for rights, the audit log, mails and jobs. Borrowed strings. */
struct caller {
	const struct principal *who; /* never NULL; user_id "": nobody, or the system */
	const char *address;         /* or NULL */
	const char *request_id;      /* or NULL */
	const char *device;          /* or NULL */
};

struct call {
	struct services *svc;
	struct arena *arena;
	struct caller by;
};

/* A call that no person asked for; lives as long as the block that it is written in. */
#define SYSTEM_CALL(services, memory) \
	(&(const struct call) { \
	    .svc = (services), .arena = (memory), .by = { .who = &principal_nobody } })

#endif
