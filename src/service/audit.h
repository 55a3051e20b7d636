/*
 * The audit log: who did what to whom, from where. Rows are added inside the transaction of the
 * change, unchained, so that writers do not queue behind each other; the job audit.chain links them
 * by SHA-256, and medianest-admin audit verify follows the links.
 */
#ifndef MN_SERVICE_AUDIT_H
#define MN_SERVICE_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "model/audit.h"
#include "service/job.h"
#include "service/list.h"

struct call;
struct arena;
struct db;
struct error;

#define AUDIT_CHAIN_KEY "audit.chain" /* unique: one job links all rows */
#define AUDIT_CHAIN_BATCH 500

struct audit_event {
	const char *action;      /* "user.updated" */
	const char *target_type; /* "user", or NULL */
	const char *target_id;   /* or NULL */
	const char *detail;      /* JSON object text without secrets, or NULL */
};

/* Inside the caller's transaction; also adds the job that chains. */
bool audit_add(const struct call *, const struct audit_event *, struct error *);

job_run_fn audit_chain_run; /* links the rows that are not linked yet */

struct audit_report {
	int64_t linked, unlinked;
	int64_t broken_at; /* seq of the first broken link, 0 = none */
};
bool audit_verify(struct db *, struct arena *, struct audit_report *, struct error *);

#define AUDIT_CURSOR_MAX 32
struct audit_filter {
	const char *actor, *action, *target;
	int64_t from, to; /* us */
};
bool audit_list(const struct call *, const struct audit_filter *, const struct list_ask *,
    struct audit_row **, struct page *, struct error *);

#endif
