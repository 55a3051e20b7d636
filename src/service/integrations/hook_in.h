/*
 * The inbox of webhooks: an event is stored, with the job that processes it, before its sender gets
 * an answer. What comes again (the same id of the delivery, or the same payload within
 * HOOK_SAME_PAYLOAD_SECONDS) is one event. A failed event is tried again with the pauses of its
 * job, then it is dead; a replay starts over.
 */
#ifndef MN_SERVICE_INTEGRATIONS_HOOK_IN_H
#define MN_SERVICE_INTEGRATIONS_HOOK_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/hook.h"
#include "service/job.h"
#include "service/list.h"

struct call;
struct error;

#define HOOK_REPLAY_MAX 10000 /* events of one request */

struct hook_arrival {
	const char *source_id, *source; /* kind */
	const char *id;                 /* that the sender gave it, or NULL */
	const char *payload;            /* not terminated */
	size_t len;
};
struct hook_receipt {
	const char *id; /* of the event, also of one that came before */
	bool duplicate;
};
bool hook_receive(const struct call *, const struct hook_arrival *, struct hook_receipt *,
    struct error *);

bool hook_list(const struct call *, const struct hook_filter *, const struct list_ask *,
    struct hook_event **, struct page *, struct error *);
bool hook_get(const struct call *, const char *id, struct hook_event *, struct error *);
bool hook_replay(const struct call *, const char *id, struct hook_event *, struct error *);
/* *more: HOOK_REPLAY_MAX events were replayed, and there may be others. */
bool hook_replay_many(const struct call *, const struct hook_filter *, size_t *n, bool *more,
    struct error *);
/* In a transaction: a dead event waits for its job again; *ok false: there is none. */
bool hook_revive(const struct call *, const char *id, bool *ok, struct error *);

job_run_fn hook_run; /* service/integrations/hook_work.c */
job_attempt_failed_fn hook_attempt_failed;
job_give_up_fn hook_give_up;
job_run_fn upkeep_hooks; /* what is old leaves the inbox */

#endif
