#include "service/catalogue/pictures.h"

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "model/job.h"
#include "model/media.h"
#include "service/call.h"
#include "service/job.h"
#include "service/services.h"
#include "store/store_enrich.h"

#include "core/banned.h"

bool
pictures_wanted(const struct call *call, const struct media *items, size_t n, struct error *err)
{
	const char **ids = arena_array(call->arena, n + 1, sizeof(*ids));
	const struct job_new job = job_row(call, JOB_POSTER_SHOWN);
	struct enrich_jobs jobs = { .job = &job, .key_prefix = "poster-shown:" };

	for (size_t i = 0; i < n; i++)
		if (str_eq(items[i].source, "plex") && !str_eq(items[i].kind, "track"))
			ids[jobs.ids.n++] = items[i].id;
	jobs.ids.items = ids;
	return store_enrich_want_posters(call->svc->db, call->arena, &jobs, err);
}
