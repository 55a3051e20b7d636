/* The job queue as those who keep the house see it. */
#ifndef MN_STORE_ADMIN_JOBS_H
#define MN_STORE_ADMIN_JOBS_H

#include <stdbool.h>
#include <stddef.h>

#include "model/job_admin.h"
#include "store/pg.h"

extern const struct query store_admin_jobs_queries[];

#define JOBS_COUNTED_MAX 10000

struct store_jobs_ask {
	const struct job_filter *filter;
	int64_t before_moment; /* us; with before_id */
	const char *before_id; /* or NULL: from the newest */
	int limit;
};
bool store_admin_jobs_list(struct db *, struct arena *, const struct store_jobs_ask *,
    struct job_shown **, size_t *n, struct error *);
bool store_admin_jobs_count(struct db *, struct arena *, struct job_counts *, struct error *);

/* A job that somebody is about to change. */
struct job_locked {
	struct job_shown shown; /* id NULL: there is none */
	const char *payload;
};
bool store_admin_job_get(struct db *, struct arena *, const char *id, struct job_shown *,
    struct error *);
/* In a transaction. */
bool store_admin_job_lock(struct db *, struct arena *, const char *id, struct job_locked *,
    struct error *);
/* Dead ones that nobody else is changing, the oldest first. */
struct store_dead_ask {
	const char *kind;              /* NULL: of all kinds */
	const struct job_shown *after; /* NULL: from the first one */
	int limit;
};
bool store_admin_jobs_lock_dead(struct db *, struct arena *, const struct store_dead_ask *,
    struct job_locked **, size_t *n, struct error *);
/* Makes it due now; *revived false: an open job does the same work. */
bool store_admin_job_revive(struct db *, struct arena *, const char *id, bool *revived,
    struct error *);
bool store_admin_job_discard(struct db *, struct arena *, const char *id, struct error *);

#endif
