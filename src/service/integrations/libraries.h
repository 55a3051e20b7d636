/*
 * The libraries (sections) of media servers: which are taken in, and who sees their items. The
 * items follow the rules of their library: the first of them within the change, the rest by a job.
 */
#ifndef MN_SERVICE_INTEGRATIONS_LIBRARIES_H
#define MN_SERVICE_INTEGRATIONS_LIBRARIES_H

#include <stdbool.h>
#include <stddef.h>

#include "core/str.h"
#include "model/server.h"
#include "service/job.h"

struct call;
struct error;
struct server_section;

#define LIBRARY_USERS_MAX 100
#define LIBRARY_BATCH 500 /* items of one transaction */

/*
 * Those that the caller may know. For people who configure them as the server has them now if it
 * can be reached, otherwise as it had them.
 */
bool library_list(const struct call *, const char *server_id, struct library **, size_t *n,
    struct error *);

struct library_change {
	const bool *enabled;         /* NULL: stays as it is */
	const char *visibility;      /* NULL: stays as it is */
	const struct strings *users; /* NULL: stay; only where it is shared */
};
bool library_change(const struct call *, const char *server_id, const char *key,
    const struct library_change *, struct library *, struct error *);
/* In the caller's transaction: keeps what the server says of its sections. */
bool library_keep(const struct call *, const char *server_id, const struct server_section *,
    size_t n, struct error *);

/* A pass over the items of a library. */
struct library_pass {
	const char *library_id;
	const char *after; /* the last item that was looked at; NULL: begin */
	int64_t rules;     /* that the pass applies: it begins again when they change */
	bool sees;         /* also who sees the items */
	bool busy;         /* a sync was under way when a batch was read: it may add more */
};
/* In the caller's transaction: the next batch. *more: items are left. */
bool library_settle(const struct call *, struct library_pass *, bool *more, struct error *);
/* In the caller's transaction: the job that does the rest. */
bool library_settle_later(const struct call *, const struct library_pass *, int64_t run_at,
    struct error *);
job_run_fn library_settle_run;

#endif
