/* Webhooks that come in: their sources and the inbox (tables of sql/0014). */
#ifndef MN_STORE_HOOKS_H
#define MN_STORE_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/crypto.h"
#include "core/str.h"
#include "model/hook.h"
#include "store/pg.h"

struct arena;
struct error;
struct job;
struct job_new;

/* A payload that comes again within this time is the same event. */
#define HOOK_SAME_PAYLOAD_SECONDS 300
#define HOOK_EVENT_DAYS 30 /* of the inbox */
#define HOOK_ERROR_MAX 300 /* bytes */

extern const struct query store_hooks_queries[];

struct hook_source_new {
	const char *id, *source, *name;
	const unsigned char *key_hash; /* SHA256_SIZE bytes */
	const char *secret;            /* sealed */
	int max;                       /* sources of the house */
};
/* *added is false where there are `max` already. */
bool store_hook_source_add(struct db *, struct arena *, const struct hook_source_new *, bool *added,
    struct error *);
bool store_hook_sources(struct db *, struct arena *, struct hook_source **, size_t *n,
    struct error *);
/* source->id is NULL where there is none. */
bool store_hook_source_get(struct db *, struct arena *, const char *id, struct hook_source *,
    struct error *);
/* name NULL, enabled NULL ("t" or "f"): unchanged. */
bool store_hook_source_change(struct db *, struct arena *, const char *id, const char *name,
    const char *enabled, bool *found, struct error *);
bool store_hook_source_rotate(struct db *, struct arena *, const char *id,
    const unsigned char key_hash[SHA256_SIZE], const char *secret, bool *found, struct error *);
bool store_hook_source_delete(struct db *, struct arena *, const char *id, bool *found,
    struct error *);
/* Enabled ones of a kind: that with this key (key_hash NULL: all), or that with this id. */
bool store_hook_source_find(struct db *, struct arena *, const char *source,
    const unsigned char *key_hash, const char *id, struct hook_source **, size_t *n,
    struct error *);

struct hook_event_new {
	const char *id, *source_id, *source, *type, *machine_id, *subject, *payload, *request_id;
	const unsigned char *dedupe; /* SHA256_SIZE bytes */
	bool by_id;                  /* the sender has given the delivery an id */
};
/*
 * With the job that processes it (`job` has its kind, queue and attempts): one round trip, and a
 * transaction of its own. *same: the event that it repeats, or NULL: it was added.
 */
bool store_hook_event_add(struct db *, struct arena *, const struct hook_event_new *,
    const struct job_new *job, const char **same, struct error *);

struct hook_list_ask {
	const struct hook_filter *filter;
	int64_t before_time; /* of the last event of the page before; with before_id NULL: none */
	const char *before_id;
	int limit;
};
bool store_hook_events(struct db *, struct arena *, const struct hook_list_ask *,
    struct hook_event **, size_t *n, struct error *);
/* With its payload. event->id is NULL where there is none. */
bool store_hook_event_get(struct db *, struct arena *, const char *id, struct hook_event *,
    struct error *);
/* Resets these events, oldest first; the ids of at most `limit`. */
bool store_hook_events_reset(struct db *, struct arena *, const char *id,
    const struct hook_filter *, int limit, struct strings *ids, struct error *);
/* The jobs with these keys that wait for another attempt are due now. */
bool store_hook_jobs_due(struct db *, struct arena *, struct strings keys, struct error *);

/* status: processed or ignored; why: or NULL. */
bool store_hook_event_end(struct db *, struct arena *, const char *id, const char *status,
    const char *why, struct error *);
/* People are told about the event in this transaction. */
bool store_hook_event_told(struct db *, struct arena *, const char *id, struct error *);
/* Whether people were told about the same subject of the same server by another event. */
bool store_hook_told_before(struct db *, struct arena *, const struct hook_event *, bool *told,
    struct error *);
/* After a failed attempt of its job, whose error it takes. */
bool store_hook_event_failed(struct db *, struct arena *, const struct job *, const char *id,
    bool dead, struct error *);
bool store_hooks_expire(struct db *, struct arena *, struct error *);

#endif
