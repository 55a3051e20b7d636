/*
 * The job queue in the hands of those who keep the house: what there is, trying again, discarding.
 * Each change is audited.
 */
#ifndef MN_SERVICE_OPERATOR_JOB_ADMIN_H
#define MN_SERVICE_OPERATOR_JOB_ADMIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/job_admin.h"
#include "service/list.h"

struct call;
struct error;

#define JOBS_RETRY_MAX 200   /* of one request */
#define JOBS_LOOKED_MAX 2000 /* of one request: among them those that cannot be retried */

bool job_admin_list(const struct call *, const struct job_filter *, const struct list_ask *,
    struct job_shown **, struct page *, struct error *);
bool job_admin_counts(const struct call *, struct job_counts *, struct error *);
/*
 * Due now. ERR_CONFLICT: job_running; job_ended (it is done); job_not_retryable, if an open job
 * does the same work, or what it needs is gone.
 */
bool job_admin_retry(const struct call *, const char *id, struct job_shown *, struct error *);
/* Up to JOBS_RETRY_MAX dead ones of a kind, or of all (NULL), the oldest first. */
bool job_admin_retry_dead(const struct call *, const char *kind, int64_t *retried, struct error *);
/*
 * ERR_CONFLICT: job_running; job_periodic; job_needed, if something would wait for it for ever.
 */
bool job_admin_discard(const struct call *, const char *id, struct error *);

#endif
