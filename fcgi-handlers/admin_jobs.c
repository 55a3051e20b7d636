#include "core/error.h"
#include "core/json.h"
#include "core/words.h"
#include "fcgi-handlers/admin.h"
#include "fcgi-handlers/list_view.h"
#include "http/input.h"
#include "http/request.h"
#include "http/response.h"
#include "service/job.h"
#include "service/operator/job_admin.h"

#include "core/banned.h"

#define JOB_KIND_MAX 64  /* characters */
#define JOB_QUEUE_MAX 32 /* characters */

static const struct field_rule jobs_input[] = {
	{ "state", FIELD_ENUM, .choices = NAMED_CHOICES(JOB_STATE_LIST) },
	{ "kind", FIELD_STRING, .min = 1, .max = JOB_KIND_MAX },
	{ "queue", FIELD_STRING, .min = 1, .max = JOB_QUEUE_MAX },
	LIST_CURSOR_RULE,
	LIST_LIMIT_RULE,
	{ .name = NULL },
};

static void
job_view(struct json *j, const struct job_shown *job)
{
	int every = job->periodic ? job_period(job->kind) : 0;

	json_object(j, NULL);
	json_put_str(j, "id", job->id);
	json_put_str(j, "kind", job->kind);
	json_put_str(j, "queue", job->queue);
	json_put_str(j, "state", job->state);
	json_put_int(j, "attempt", job->attempt);
	json_put_int(j, "maxAttempts", job->max_attempts);
	json_put_time(j, "runAt", job->run_at);
	json_put_time(j, "createdAt", job->created_at);
	if (job->finished_at != 0)
		json_put_time(j, "finishedAt", job->finished_at);
	json_opt_str(j, "lastError", job->last_error);
	json_put_str(j, "requestId", job->request_id);
	if (every != 0)
		json_put_int(j, "every", every);
	if (job->progress) {
		json_object(j, "progress");
		json_put_int(j, "done", job->done);
		json_put_int(j, "left", job->left);
		json_object_end(j);
	}
	json_object_end(j);
}

static void
counts_view(struct json *j, const struct job_counts *counts)
{
	json_object(j, "counts");
	json_put_int(j, "available", counts->available);
	json_put_int(j, "running", counts->running);
	json_put_int(j, "done", counts->done);
	json_put_int(j, "dead", counts->dead);
	json_object_end(j);
	json_array(j, "deadKinds");
	for (size_t i = 0; i < counts->ndead_kinds; i++) {
		json_object(j, NULL);
		json_put_str(j, "kind", counts->dead_kinds[i].kind);
		json_put_int(j, "count", counts->dead_kinds[i].n);
		json_object_end(j);
	}
	json_array_end(j);
}

/* GET /api/admin/jobs: newest first, and how many there are. */
static bool
jobs_list(const struct request *req, struct response *res, struct error *err)
{
	const struct job_filter filter = {
		.state = input_str(req->input, "state"),
		.kind = input_str(req->input, "kind"),
		.queue = input_str(req->input, "queue"),
	};
	const struct list_ask ask = list_ask_of(req->input);
	struct json *j = json_new(req->arena, 0);
	struct job_counts counts;
	struct job_shown *jobs;
	struct page page;

	if (!job_admin_list(req->call, &filter, &ask, &jobs, &page, err) ||
	    !job_admin_counts(req->call, &counts, err))
		return false;
	list_open(j);
	for (size_t i = 0; i < page.n; i++)
		job_view(j, &jobs[i]);
	list_close(j, &ask, &page);
	counts_view(j, &counts);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

/* POST /api/admin/jobs/{id}/retry */
static bool
job_retry(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct job_shown job;

	if (!job_admin_retry(req->call, request_param(req, "id"), &job, err))
		return false;
	job_view(j, &job);
	return response_json(res, 200, j, err);
}

/* DELETE /api/admin/jobs/{id} */
static bool
job_discard(const struct request *req, struct response *res, struct error *err)
{
	return job_admin_discard(req->call, request_param(req, "id"), err) &&
	    response_empty(res, 204);
}

static const struct field_rule retry_input[] = {
	{ "state", FIELD_ENUM, .flags = FIELD_REQUIRED, .choices = "dead" },
	{ "kind", FIELD_STRING, .min = 1, .max = JOB_KIND_MAX },
	{ .name = NULL },
};

/* POST /api/admin/jobs/retry */
static bool
jobs_retry(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	int64_t retried;

	if (!job_admin_retry_dead(req->call, input_str(req->input, "kind"), &retried, err))
		return false;
	json_object(j, NULL);
	json_put_int(j, "retried", retried);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static const struct route admin_jobs_routes[] = {
	{ METHOD_GET, "/api/admin/jobs", jobs_list, AUTH_BEARER, PERM_USERS_MANAGE, RATE_TIER,
	    BODY_NONE, jobs_input },
	{ METHOD_POST, "/api/admin/jobs/retry", jobs_retry, AUTH_BEARER, PERM_USERS_MANAGE,
	    RATE_TIER, BODY_JSON, retry_input },
	{ METHOD_POST, "/api/admin/jobs/{id}/retry", job_retry, AUTH_BEARER, PERM_USERS_MANAGE,
	    RATE_TIER, BODY_NONE, NULL },
	{ METHOD_DELETE, "/api/admin/jobs/{id}", job_discard, AUTH_BEARER, PERM_USERS_MANAGE,
	    RATE_TIER, BODY_NONE, NULL },
	{ .path = NULL },
};

const struct route_module admin_jobs_module = { "admin jobs", admin_jobs_routes };
