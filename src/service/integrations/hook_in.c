#include "service/integrations/hook_in.h"

#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/id.h"
#include "core/json.h"
#include "core/metric.h"
#include "service/audit.h"
#include "service/call.h"
#include "service/integrations/hook_read.h"
#include "service/integrations/hook_sources.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_hooks.h"
#include "store/store_jobs.h"
#include "store/store_plays.h"

#include "core/banned.h"

/* --- receiving --- */

static const char *
job_key(struct arena *arena, const char *event_id)
{
	return arena_printf(arena, "hook:%s", event_id);
}

static const char *
event_payload(struct arena *arena, const char *event_id)
{
	return arena_printf(arena, "{\"event\":\"%s\"}", event_id);
}

/* Two things that are the same have the same digest: the sender's id, else the payload. */
static void
dedupe_of(const struct call *call, const struct hook_arrival *d, unsigned char out[SHA256_SIZE])
{
	const char *text;

	if (d->id == NULL) {
		sha256(d->payload, d->len, out);
		return;
	}
	text = arena_printf(call->arena, "id:%s", d->id);
	sha256(text, strlen(text), out);
}

bool
hook_receive(const struct call *call, const struct hook_arrival *d, struct hook_receipt *receipt,
    struct error *err)
{
	char *id = arena_alloc(call->arena, UUID_TEXT);
	unsigned char dedupe[SHA256_SIZE];
	const struct job_new job = job_row(call, JOB_HOOK);
	struct hook_reading reading;
	struct hook_event_new new = { .id = id,
		.source_id = d->source_id,
		.source = d->source,
		.request_id = call->by.request_id,
		.dedupe = dedupe,
		.by_id = d->id != NULL };
	const char *same;

	if (!hook_read(call->arena, d->source, d->payload, d->len, &reading, err))
		return false;
	uuid_v7(id);
	dedupe_of(call, d, dedupe);
	new.type = reading.type;
	new.machine_id = reading.machine_id;
	new.subject = reading.subject;
	new.payload = reading.masked;
	if (!store_hook_event_add(call->svc->db, call->arena, &new, &job, &same, err))
		return false;
	metric_add(METRIC_HOOKS_IN,
	    LABELS(metric_label(LABEL_HOOK_SOURCE, d->source),
		same != NULL ? VALUE_HOOK_DUPLICATE : VALUE_HOOK_RECEIVED),
	    1);
	*receipt = (struct hook_receipt) { same != NULL ? same : id, same != NULL };
	return true;
}

/* --- the inbox --- */

bool
hook_list(const struct call *call, const struct hook_filter *filter, const struct list_ask *ask,
    struct hook_event **events, struct page *page, struct error *err)
{
	struct hook_list_ask of = { .filter = filter, .limit = ask->limit + 1 };
	struct list_position after;
	size_t n;

	if (!list_after(call->arena, LIST_HOOK_EVENTS, ask->cursor, &after, err))
		return false;
	of.before_time = after.number;
	of.before_id = after.id;
	if (!store_hook_events(call->svc->db, call->arena, &of, events, &n, err))
		return false;
	if (list_cut(page, n, ask->limit)) {
		after.number = (*events)[page->n - 1].received_at;
		after.id = (*events)[page->n - 1].id;
		page->next = list_cursor(call->arena, LIST_HOOK_EVENTS, &after);
	}
	return true;
}

static bool
no_event(struct error *err)
{
	return error_set(err, ERR_NOT_FOUND, "There is no such event in the inbox.");
}

bool
hook_get(const struct call *call, const char *id, struct hook_event *event, struct error *err)
{
	return store_hook_event_get(call->svc->db, call->arena, id, event, err) &&
	    (event->id != NULL || no_event(err));
}

static bool
note_replay(const struct call *call, const char *event_id, size_t n, struct error *err)
{
	const struct audit_event event = {
		.action = "webhook_event.replayed",
		.target_type = "webhook_event",
		.target_id = event_id,
		.detail = arena_printf(call->arena, "{\"events\":%zu}", n),
	};

	return n == 0 || audit_add(call, &event, err);
}

/* Jobs that wait for another attempt start at once, the other events get a new one. */
static bool
replay_in(const struct call *call, const char *id, const struct hook_filter *filter,
    struct strings *ids, struct error *err)
{
	struct arena *arena = call->arena;
	const char **keys, **payloads;

	if (!store_hook_events_reset(call->svc->db, arena, id, filter,
		id != NULL ? 1 : HOOK_REPLAY_MAX, ids, err))
		return false;
	keys = arena_array(arena, ids->n, sizeof(*keys));
	payloads = arena_array(arena, ids->n, sizeof(*payloads));
	for (size_t i = 0; i < ids->n; i++) {
		keys[i] = job_key(arena, ids->items[i]);
		payloads[i] = event_payload(arena, ids->items[i]);
	}
	return store_hook_jobs_due(call->svc->db, arena, (struct strings) { keys, ids->n }, err) &&
	    job_add_each(call, JOB_HOOK, payloads, keys, ids->n, err) &&
	    note_replay(call, id, ids->n, err);
}

bool
hook_revive(const struct call *call, const char *id, bool *ok, struct error *err)
{
	const struct hook_filter dead = { .status = "dead" };
	struct strings ids;

	if (!store_hook_events_reset(call->svc->db, call->arena, id, &dead, 1, &ids, err))
		return false;
	*ok = ids.n > 0;
	return true;
}

static bool
replay(const struct call *call, const char *id, const struct hook_filter *filter,
    struct strings *ids, struct error *err)
{
	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, replay_in(call, id, filter, ids, err), err);
}

bool
hook_replay(const struct call *call, const char *id, struct hook_event *event, struct error *err)
{
	const struct hook_filter any = { .status = NULL };
	struct strings ids;

	if (!replay(call, id, &any, &ids, err))
		return false;
	return ids.n == 0 ? no_event(err) : hook_get(call, id, event, err);
}

bool
hook_replay_many(const struct call *call, const struct hook_filter *filter, size_t *n, bool *more,
    struct error *err)
{
	struct strings ids;

	if (!replay(call, NULL, filter, &ids, err))
		return false;
	*n = ids.n;
	*more = ids.n == HOOK_REPLAY_MAX;
	return true;
}

/* --- its jobs --- */

static bool
record_failure(const struct call *call, const struct job *job, bool dead, struct error *err)
{
	const struct cJSON *payload = job_payload(call, job, err);
	const char *id = payload == NULL ? NULL : json_str(payload, "event", NULL);

	return id == NULL ||
	    store_hook_event_failed(call->svc->db, call->arena, job, id, dead, err);
}

bool
hook_attempt_failed(const struct call *call, const struct job *job, struct error *err)
{
	return record_failure(call, job, false, err);
}

bool
hook_give_up(const struct call *call, const struct job *job, struct job_after *after,
    struct error *err)
{
	return record_failure(call, job, true, err);
}

bool
upkeep_hooks(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	return store_hooks_expire(call->svc->db, call->arena, err) &&
	    store_plays_expire(call->svc->db, call->arena, err) &&
	    store_job_done(call->svc->db, call->arena, job, err);
}
