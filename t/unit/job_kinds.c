/* Every kind of job has a whole row, and every row a queue. */
#include <string.h>

#include "bin/jobs.h"
#include "core/config.h"
#include "core/str.h"
#include "service/processing/job_run.h"
#include "t/unit/tap.h"
#include "core/banned.h"

static size_t
rows_of(const struct job_kind *wanted)
{
	size_t n = 0;

	for (const struct job_kind *k = job_kinds; k->kind != NULL; k++)
		n += k->queue == wanted->queue && str_eq(k->kind, wanted->kind);
	return n;
}

static bool
is_setting_of_seconds(int setting)
{
	return setting == JOB_NO_SETTING ||
	    (setting >= 0 && setting < CONFIG_KEYS && str_eq(config_rows[setting].unit, "seconds"));
}

static void
check_row(const struct job_kind *k)
{
	struct job job = { .kind = k->kind, .queue = job_queues[k->queue].name };
	size_t pauses = 0;

	ok(k->kind[0] != '\0' && strspn(k->kind, "abcdefghijklmnopqrstuvwxyz._") == strlen(k->kind),
	    "%s: a name", k->kind);
	ok(k->queue >= 0 && k->queue < JOB_QUEUES && job.queue != NULL, "%s: a queue that is there",
	    k->kind);
	is_int(rows_of(k), 1, "%s: one row for its queue", k->kind);
	ok(k->attempts > 0 && k->timeout_s > 0, "%s: attempts and a timeout", k->kind);
	ok(is_setting_of_seconds(k->timeout_setting), "%s: adds seconds to it", k->kind);
	while (pauses < JOB_BACKOFFS && k->backoff_s[pauses] > 0)
		pauses++;
	ok(pauses > 0, "%s: pauses between attempts", k->kind);
	ok(k->every_s >= 0 && !(k->every_s > 0 && k->batch),
	    "%s: not both periodic and completed with others", k->kind);
	ok(!k->batch || job_queues[k->queue].warm, "%s: batches are for warm queues", k->kind);
	ok(k->run != NULL, "%s: somebody who runs it", k->kind);
	job.queue = "a queue of an older program";
	ok(job_kind_of(job_kinds, &job) != NULL, "%s: found in a queue that it was in before",
	    k->kind);
}

static void
check_queue(const struct job_queue *q)
{
	size_t n = 0;

	ok(q->name != NULL && q->name[0] != '\0', "a queue has a name");
	ok(q->concurrency_setting != JOB_NO_SETTING || q->concurrency > 0, "%s: runs", q->name);
	for (const struct job_kind *k = job_kinds; k->kind != NULL; k++)
		n += &job_queues[k->queue] == q;
	ok(n > 0, "%s: %zu kinds", q->name, n);
}

int
main(void)
{
	struct job video = { .kind = "media.process", .queue = "video" },
		   unknown = { .kind = "media.unheard", .queue = "quick" };
	size_t n = 0;

	for (; job_kinds[n].kind != NULL; n++)
		check_row(&job_kinds[n]);
	is_int(n, JOB_IDS, "as many rows as kinds that can be added");
	for (int q = 0; q < JOB_QUEUES; q++)
		check_queue(&job_queues[q]);
	ok(job_kind_of(job_kinds, &video) == &job_kinds[JOB_VIDEO_PROCESS],
	    "the row of a job is that of its queue");
	ok(job_kind_of(job_kinds, &unknown) == NULL, "what is in no row is unknown");
	return done_testing();
}
