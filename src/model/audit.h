/* One line of the audit log: who did what to whom, from where. */
#ifndef MN_MODEL_AUDIT_H
#define MN_MODEL_AUDIT_H

#include <stdint.h>

struct audit_row {
	const char *id;
	int64_t at;           /* us */
	const char *actor_id; /* or NULL: nobody, or the system */
	const char *actor, *action;
	const char *target_type, *target_id; /* or NULL */
	const char *detail;                  /* JSON object text */
	const char *address, *request_id;    /* or NULL */
	/* As they are called now, for lists; NULL: unknown, or gone. Not in the chain. */
	const char *actor_name, *target_name;
};

#endif
