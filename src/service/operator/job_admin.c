#include "service/operator/job_admin.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/id.h"
#include "core/json.h"
#include "core/str.h"
#include "service/audit.h"
#include "service/call.h"
#include "service/catalogue/downloads.h"
#include "service/catalogue/media_again.h"
#include "service/catalogue/playback.h"
#include "service/integrations/hook_in.h"
#include "service/notify/mail.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_admin_jobs.h"

#include "core/banned.h"

/* Puts back what a job changed when it was given up; *ok false: there is nothing to do any more. */
typedef bool revive_fn(const struct call *, const struct cJSON *payload, bool *ok, struct error *);

static bool
revive_item(const struct call *call, const struct cJSON *payload, bool *ok, struct error *err)
{
	const char *id = json_str(payload, "mediaId", NULL);

	*ok = false;
	return id == NULL || !uuid_valid(id) || media_again(call, id, ok, err);
}

static bool
revive_download(const struct call *call, const struct cJSON *payload, bool *ok, struct error *err)
{
	const char *id = json_str(payload, "downloadId", NULL);

	*ok = false;
	return id == NULL || !uuid_valid(id) || download_again(call, id, ok, err);
}

static bool
revive_playback(const struct call *call, const struct cJSON *payload, bool *ok, struct error *err)
{
	const char *id = json_str(payload, "mediaId", NULL);

	*ok = false;
	return id == NULL || !uuid_valid(id) || playback_again(call, id, ok, err);
}

static bool
revive_event(const struct call *call, const struct cJSON *payload, bool *ok, struct error *err)
{
	const char *id = json_str(payload, "event", NULL);

	*ok = false;
	return id == NULL || !uuid_valid(id) || hook_revive(call, id, ok, err);
}

/* The link of a mail leaves its job with the last attempt. */
static bool
revive_mail(const struct call *call, const struct cJSON *payload, bool *ok, struct error *err)
{
	*ok = mail_repeatable(json_str(payload, "kind", ""));
	return true;
}

/* The address for which a link was requested leaves the job with the last attempt. */
static bool
revive_reset(const struct call *call, const struct cJSON *payload, bool *ok, struct error *err)
{
	*ok = json_str(payload, "email", NULL) != NULL;
	return true;
}

/* What retrying and discarding must know of a kind; the others need neither. */
static const struct kind_care {
	const char *kind;
	revive_fn *revive;
	bool needed; /* an open job of it is what something waits for */
} cares[] = {
	{ "media.process", revive_item, true },
	{ "media.playback", revive_playback, true },
	{ "media.purge", NULL, true },
	{ "download.build", revive_download, true },
	{ "trash.empty", NULL, true },
	{ "webhook.process", revive_event, true },
	{ "session.push", NULL, true },
	{ "audit.chain", NULL, true },
	{ "mail.send", revive_mail, false },
	{ "mail.reset", revive_reset, false },
};

static const struct kind_care *
care_of(const char *kind)
{
	static const struct kind_care none;

	for (size_t i = 0; i < sizeof(cares) / sizeof(cares[0]); i++)
		if (str_eq(cares[i].kind, kind))
			return &cares[i];
	return &none;
}

bool
job_admin_list(const struct call *call, const struct job_filter *filter, const struct list_ask *ask,
    struct job_shown **jobs, struct page *page, struct error *err)
{
	struct store_jobs_ask of = { .filter = filter, .limit = ask->limit + 1 };
	struct list_position after;
	size_t n;

	if (!list_after(call->arena, LIST_JOBS, ask->cursor, &after, err))
		return false;
	of.before_moment = after.number;
	of.before_id = after.id;
	if (!store_admin_jobs_list(call->svc->db, call->arena, &of, jobs, &n, err))
		return false;
	if (list_cut(page, n, ask->limit)) {
		after.number = (*jobs)[page->n - 1].moment;
		after.id = (*jobs)[page->n - 1].id;
		page->next = list_cursor(call->arena, LIST_JOBS, &after);
	}
	return true;
}

bool
job_admin_counts(const struct call *call, struct job_counts *counts, struct error *err)
{
	return store_admin_jobs_count(call->svc->db, call->arena, counts, err);
}

static bool
note(const struct call *call, const char *action, const char *id, const char *kind, int64_t n,
    struct error *err)
{
	struct json *detail = json_new(call->arena, 0);
	struct audit_event event = { .action = action, .target_type = "job", .target_id = id };

	json_object(detail, NULL);
	json_opt_str(detail, "kind", kind);
	if (id == NULL)
		json_put_int(detail, "jobs", n);
	json_object_end(detail);
	event.detail = detail->buf.data;
	return audit_add(call, &event, err);
}

/* In a transaction that has locked the job. */
static bool
revive(const struct call *call, const struct job_locked *job, bool *ok, struct error *err)
{
	const struct kind_care *care = care_of(job->shown.kind);
	const struct cJSON *payload;

	*ok = true;
	if (str_eq(job->shown.state, "dead") && care->revive != NULL) {
		payload = json_parse(call->arena, job->payload, strlen(job->payload), err);
		if (payload == NULL || !care->revive(call, payload, ok, err))
			return false;
	}
	return !*ok || store_admin_job_revive(call->svc->db, call->arena, job->shown.id, ok, err);
}

static bool
lock(const struct call *call, const char *id, struct job_locked *job, struct error *err)
{
	if (!store_admin_job_lock(call->svc->db, call->arena, id, job, err))
		return false;
	if (job->shown.id == NULL)
		return error_set(err, ERR_NOT_FOUND,
		    "There is no such job. Jobs that have ended are kept for a week.");
	return !str_eq(job->shown.state, "running") ||
	    error_slug(err, ERR_CONFLICT, "job_running",
		"This job is running. Wait until it ends.");
}

static bool
retry_in(const struct call *call, const char *id, struct error *err)
{
	struct job_locked job;
	bool ok;

	if (!lock(call, id, &job, err))
		return false;
	if (str_eq(job.shown.state, "done"))
		return error_slug(err, ERR_CONFLICT, "job_ended",
		    "This job has ended well. There is nothing to try again.");
	if (!revive(call, &job, &ok, err))
		return false;
	if (!ok)
		return error_slug(err, ERR_CONFLICT, "job_not_retryable",
		    "This job can't be tried again: another job does the same work, or what it"
		    " needs is gone. Discard it.");
	return note(call, "job.retried", id, job.shown.kind, 1, err);
}

bool
job_admin_retry(const struct call *call, const char *id, struct job_shown *job, struct error *err)
{
	struct db *db = call->svc->db;

	return db_begin(db, err) && db_end(db, retry_in(call, id, err), err) &&
	    store_admin_job_get(db, call->arena, id, job, err) &&
	    (job->id != NULL || error_set(err, ERR_NOT_FOUND, "There is no such job."));
}

/* The next ones after `ask->after`, until enough were retried; *more: there may be others. */
static bool
retry_some(const struct call *call, struct store_dead_ask *ask, int64_t *retried, bool *more,
    struct error *err)
{
	struct job_locked *jobs;
	size_t n;
	bool ok;

	ask->limit = (int)(JOBS_RETRY_MAX - *retried);
	if (!store_admin_jobs_lock_dead(call->svc->db, call->arena, ask, &jobs, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!revive(call, &jobs[i], &ok, err))
			return false;
		*retried += ok;
	}
	*more = n == (size_t)ask->limit && *retried < JOBS_RETRY_MAX;
	if (n > 0)
		ask->after = &jobs[n - 1].shown;
	return true;
}

/* Those that cannot be retried stay, and hide none behind them. */
static bool
retry_dead_in(const struct call *call, const char *kind, int64_t *retried, struct error *err)
{
	struct store_dead_ask ask = { .kind = kind };
	bool more = true;

	*retried = 0;
	for (int looked = 0; more && looked < JOBS_LOOKED_MAX; looked += ask.limit)
		if (!retry_some(call, &ask, retried, &more, err))
			return false;
	return *retried == 0 || note(call, "jobs.retried", NULL, kind, *retried, err);
}

bool
job_admin_retry_dead(const struct call *call, const char *kind, int64_t *retried, struct error *err)
{
	struct db *db = call->svc->db;

	return db_begin(db, err) && db_end(db, retry_dead_in(call, kind, retried, err), err);
}

static bool
discard_in(const struct call *call, const char *id, struct error *err)
{
	struct job_locked job;

	if (!lock(call, id, &job, err))
		return false;
	if (job.shown.periodic)
		return error_slug(err, ERR_CONFLICT, "job_periodic",
		    "This job runs again and again. It can't be discarded.");
	if (str_eq(job.shown.state, "available") && care_of(job.shown.kind)->needed)
		return error_slug(err, ERR_CONFLICT, "job_needed",
		    "Something waits for this job. It can be discarded once it has failed.");
	return store_admin_job_discard(call->svc->db, call->arena, id, err) &&
	    note(call, "job.discarded", id, job.shown.kind, 1, err);
}

bool
job_admin_discard(const struct call *call, const char *id, struct error *err)
{
	struct db *db = call->svc->db;

	return db_begin(db, err) && db_end(db, discard_in(call, id, err), err);
}
