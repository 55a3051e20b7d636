#include "service/integrations/hook_work.h"

#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "core/str.h"
#include "service/call.h"
#include "service/integrations/enrich.h"
#include "service/integrations/hook_in.h"
#include "service/integrations/library_news.h"
#include "service/integrations/requests.h"
#include "service/integrations/sync.h"
#include "service/notify/notify.h"
#include "service/notify/notify_group.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_hooks.h"
#include "store/store_jobs.h"

#include "core/banned.h"

#define REQUEST_DIGITS "0123456789"

static bool
tell_new(const struct call *call, const struct hook_event *event, const struct hook_plan *plan,
    struct error *err)
{
	const struct known_item *item = &plan->item;
	const struct library_news news = { .media_id = item->media_id,
		.title = item->title,
		.kind = item->kind,
		.section_title = item->section_title,
		.section_id = item->section_id,
		.above_id = item->above_id,
		.above_title = item->above_title };
	const struct notify_part part = library_news_part(call->arena, &news);
	bool told = event->told;

	if (!told && !store_hook_told_before(call->svc->db, call->arena, event, &told, err))
		return false;
	return told ||
	    (notify_together(call, &part, 1, err) &&
		store_hook_event_told(call->svc->db, call->arena, event->id, err));
}

static bool
apply_new(const struct call *call, const struct hook_event *event, const struct hook_plan *plan,
    struct error *err)
{
	/* The sync tells what it adds: later events about the item are no news. */
	if (plan->sync)
		return sync_request(call, plan->server.id, plan->section, "event", err) &&
		    store_hook_event_told(call->svc->db, call->arena, event->id, err);
	return enrich_request(call, &plan->item.media_id, 1, err) &&
	    (!plan->news || tell_new(call, event, plan, err));
}

static bool
apply_system(const struct call *call, const struct hook_event *event, const struct hook_plan *plan,
    struct notify_batch **batch, struct error *err)
{
	struct json *j = json_new(call->arena, 0);
	struct notify_new note = {
		.kind = "system.event", .title = plan->text, .message = plan->message
	};

	log_notice(call->svc->log, "webhook %s: %s", event->type, plan->text);
	if (event->told)
		return true;
	json_object(j, NULL);
	json_put_str(j, "eventId", event->id);
	json_put_str(j, "type", event->type);
	json_object_end(j);
	note.data = j->buf.data;
	return notify_keepers(call, &note, batch, err) &&
	    store_hook_event_told(call->svc->db, call->arena, event->id, err);
}

/* Templates are edited: only a number is a number. */
static bool
apply_request(const struct call *call, const struct hook_event *event, struct error *err)
{
	const char *id = event->subject;

	if (id != NULL && id[strspn(id, REQUEST_DIGITS)] != '\0')
		id = NULL;
	return requests_refresh_soon(call, id, err);
}

static bool
apply_activity(const struct call *call, const struct hook_event *event,
    const struct hook_plan *plan, struct notify_batch **batch, const char **why, struct error *err)
{
	/* An unknown item is news of the library, also if nobody here is linked to the account. */
	return (!plan->sync || sync_request(call, plan->server.id, plan->section, "event", err)) &&
	    hook_play(call, event, plan, batch, why, err);
}

static bool
apply(const struct call *call, const struct hook_event *event, const struct cJSON *payload,
    const struct hook_plan *plan, struct notify_batch **batch, const char **why, struct error *err)
{
	switch (plan->branch) {
	case HOOK_NEW_MEDIA: return apply_new(call, event, plan, err);
	case HOOK_ACTIVITY: return apply_activity(call, event, plan, batch, why, err);
	case HOOK_RATED: return hook_rated(call, event, plan, payload, why, err);
	case HOOK_SYSTEM: return apply_system(call, event, plan, batch, err);
	case HOOK_REQUEST: return apply_request(call, event, err);
	case HOOK_IGNORED: *why = plan->why; return true;
	case HOOK_LOOKUP: /* has been handed over */
	case HOOK_STORED:
	default: return true;
	}
}

struct work {
	const struct job *job;
	struct hook_event event;
	const struct cJSON *payload;
	struct hook_plan plan;
	struct notify_batch *batch;
};

/* In the transaction: every effect of the event, and the end of its job. */
static bool
finish_in(const struct call *call, struct work *w, struct error *err)
{
	const char *why = NULL;

	return apply(call, &w->event, w->payload, &w->plan, &w->batch, &why, err) &&
	    store_hook_event_end(call->svc->db, call->arena, w->event.id,
		why == NULL ? "processed" : "ignored", why, err) &&
	    store_job_done(call->svc->db, call->arena, w->job, err);
}

/* False with *gone: the event has left the inbox. */
static bool
load(const struct call *call, struct work *w, bool *gone, struct error *err)
{
	const struct cJSON *payload = job_payload(call, w->job, err);
	const char *id = payload == NULL ? NULL : json_str(payload, "event", NULL);

	*gone = false;
	if (id == NULL)
		return error_set(err, ERR_INTERNAL, "The job names no event.");
	if (!store_hook_event_get(call->svc->db, call->arena, id, &w->event, err))
		return false;
	*gone = w->event.id == NULL;
	if (*gone)
		return true;
	w->payload = json_parse(call->arena, w->event.payload, strlen(w->event.payload), err);
	return w->payload != NULL;
}

bool
hook_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	const char *lookups = job_queues[JOB_QUEUE_LOOKUPS].name;
	struct work w = { .job = job, .plan.may_ask = str_eq(job->queue, lookups) };
	bool gone;

	if (!load(call, &w, &gone, err))
		return false;
	if (gone)
		return store_job_done(call->svc->db, call->arena, job, err);
	if (!hook_plan(call, &w.event, w.payload, &w.plan, err))
		return false;
	if (w.plan.branch == HOOK_LOOKUP)
		return store_job_hand_over(call->svc->db, call->arena, job, lookups,
		    w.plan.server.id, err);
	if (!db_begin(call->svc->db, err) || !db_end(call->svc->db, finish_in(call, &w, err), err))
		return false;
	if (w.batch != NULL)
		notify_push(call, w.batch);
	return true;
}
