#include "service/catalogue/pictures.h"

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/str.h"
#include "model/job.h"
#include "model/media.h"
#include "service/call.h"
#include "service/catalogue/media.h"
#include "service/catalogue/title_posters.h"
#include "service/job.h"
#include "service/services.h"
#include "store/store_enrich.h"
#include "store/store_media.h"

#include "core/banned.h"

#define TITLE_POSTER_WIDTH 320 /* pixels: of a card */

bool
pictures_wanted(const struct call *call, const struct media *items, size_t n, struct error *err)
{
	const char **ids = arena_array(call->arena, n + 1, sizeof(*ids));
	const struct job_new job = job_row(call, JOB_POSTER_SHOWN);
	struct enrich_jobs jobs = { .job = &job, .key_prefix = "poster-shown:" };

	for (size_t i = 0; i < n; i++)
		if (!str_eq(items[i].source, MEDIA_SOURCE_UPLOAD) &&
		    !str_eq(items[i].kind, "track"))
			ids[jobs.ids.n++] = items[i].id;
	jobs.ids.items = ids;
	return store_enrich_want_posters(call->svc->db, call->arena, &jobs, err);
}

bool
pictures_of_titles(const struct call *call, const struct picture_title *titles, size_t n,
    const char **urls, struct error *err)
{
	struct media *found = arena_array(call->arena, n + 1, sizeof(*found));
	const char **kinds = arena_array(call->arena, n + 1, sizeof(*kinds)),
		   **paths = arena_array(call->arena, n + 1, sizeof(*paths)),
		   **ids = arena_array(call->arena, n + 1, sizeof(*ids));
	const struct store_titles ask = { { kinds, n }, { ids, n } };
	struct media_reader reader;
	int64_t now = clock_now();

	for (size_t i = 0; i < n; i++) {
		kinds[i] = titles[i].kind;
		ids[i] = arena_printf(call->arena, "%lld", (long long)titles[i].tmdb_id);
	}
	for (size_t i = 0; i < n; i++)
		paths[i] = titles[i].poster;
	media_reader_of(call->by.who, &reader);
	if (!store_media_of_titles(call->svc->db, call->arena, &reader, &ask, found, err))
		return false;
	for (size_t i = 0; i < n; i++)
		urls[i] = media_thumbnail_url(call, &found[i], TITLE_POSTER_WIDTH, now);
	return title_posters(call, paths, n, urls, err);
}
