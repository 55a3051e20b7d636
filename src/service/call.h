/*
 * The context of a service function: the services of the process, the arena for its results, and
 * the person on whose behalf it acts. One for each request or job; the functions called for it
 * borrow it.
 */
#ifndef MN_SERVICE_CALL_H
#define MN_SERVICE_CALL_H

#include "core/access.h"

struct arena;
struct services;

/* The caller and their address: for rights, the audit log, mails and jobs. Borrowed strings. */
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

/* A call without a caller; it lives as long as the block that contains it. */
#define SYSTEM_CALL(services, memory) \
	(&(const struct call) { \
	    .svc = (services), .arena = (memory), .by = { .who = &principal_nobody } })

#endif
