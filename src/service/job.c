#include "service/job.h"

#include <string.h>

#include "core/config.h"
#include "core/json.h"
#include "service/call.h"
#include "service/services.h"
#include "store/store_jobs.h"

#include "core/banned.h"

#define PATIENT_NICE 10 /* people wait, and know that it takes a while */
#define BACKGROUND_NICE 15

const struct job_queue job_queues[JOB_QUEUES] = {
	[JOB_QUEUE_MEDIA] = { "media", CFG_WORKER_MEDIA, 0, 1, false },
	[JOB_QUEUE_VIDEO] = { "video", CFG_WORKER_VIDEO, 0, 0, false },
	[JOB_QUEUE_QUICK] = { "quick", JOB_NO_SETTING, 2, 0, true },
	[JOB_QUEUE_MAIL] = { "mail", JOB_NO_SETTING, 2, 0, true },
	[JOB_QUEUE_UPKEEP] = { "upkeep", JOB_NO_SETTING, 1, 0, true },
	[JOB_QUEUE_EVENTS] = { "events", JOB_NO_SETTING, 2, 0, true },
	[JOB_QUEUE_LOOKUPS] = { "lookups", JOB_NO_SETTING, 4, 0, true },
	[JOB_QUEUE_DELIVER] = { "deliver", JOB_NO_SETTING, 2, 0, true },
	[JOB_QUEUE_SYNC] = { "sync", JOB_NO_SETTING, 4, 0, false },
	[JOB_QUEUE_SHOWN] = { "shown", JOB_NO_SETTING, 2, 0, true },
	[JOB_QUEUE_ENRICH] = { "enrich", JOB_NO_SETTING, 1, 0, true, .niceness = BACKGROUND_NICE },
	[JOB_QUEUE_REQUESTS] = { "requests", JOB_NO_SETTING, 1, 0, true },
	[JOB_QUEUE_DOWNLOADS] = { "downloads", JOB_NO_SETTING, 2, 0, false,
	    .niceness = BACKGROUND_NICE },
	[JOB_QUEUE_PLAYBACK] = { "playback", CFG_WORKER_PLAYBACK, 0, 0, false,
	    .niceness = PATIENT_NICE },
	[JOB_QUEUE_AHEAD] = { "ahead", JOB_NO_SETTING, 1, 0, false, .niceness = BACKGROUND_NICE },
	[JOB_QUEUE_REREAD] = { "reread", JOB_NO_SETTING, 1, 0, false, .niceness = BACKGROUND_NICE },
};

/* The columns of the table that a new job needs. */
static const struct {
	const char *kind;
	enum job_queue_id queue;
	int attempts, every_s;
} rows[JOB_IDS] = {
#define JOB(id, kind, queue, attempts, timeout_s, timeout_setting, every_s, ...) \
	[JOB_##id] = { kind, JOB_QUEUE_##queue, attempts, every_s },
#include "service/job_kinds.def"
#undef JOB
};

struct job_new
job_row(const struct call *call, enum job_id kind)
{
	return (struct job_new) {
		.kind = rows[kind].kind,
		.queue = job_queues[rows[kind].queue].name,
		.max_attempts = rows[kind].attempts,
		.request_id = call->by.request_id,
	};
}

int
job_period(const char *kind)
{
	for (size_t i = 0; i < JOB_IDS; i++)
		if (str_eq(rows[i].kind, kind))
			return rows[i].every_s;
	return 0;
}

bool
job_add(const struct call *call, enum job_id id, const char *payload, const char *unique_key,
    int64_t run_at, struct error *err)
{
	struct job_new job = job_row(call, id);

	job.payload = payload;
	job.unique_key = unique_key;
	job.run_at = run_at;
	return store_job_add(call->svc->db, call->arena, &job, err);
}

bool
job_add_each(const struct call *call, enum job_id kind, const char *const *payloads,
    const char *const *unique_keys, size_t n, struct error *err)
{
	const struct job_new job = job_row(call, kind);

	return n == 0 ||
	    store_jobs_add_each(call->svc->db, call->arena, &job, (struct strings) { payloads, n },
		(struct strings) { unique_keys, unique_keys == NULL ? 0 : n }, err);
}

bool
job_add_as(const struct call *call, enum job_id kind, const char *id, const char *payload,
    struct error *err)
{
	struct job_new job = job_row(call, kind);

	job.id = id;
	job.payload = payload;
	return store_job_add(call->svc->db, call->arena, &job, err);
}

const struct cJSON *
job_payload(const struct call *call, const struct job *job, struct error *err)
{
	return json_parse(call->arena, job->payload, strlen(job->payload), err);
}
