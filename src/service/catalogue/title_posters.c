#include "service/catalogue/title_posters.h"

#include <ctype.h>
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/str.h"
#include "model/job.h"
#include "service/call.h"
#include "service/job.h"
#include "service/services.h"
#include "store/s3.h"
#include "store/store_title_posters.h"

#include "core/banned.h"

#define EXPIRE_BATCH 1000
#define PATH_MAX_CHARS 100

bool
title_poster_path(const char *path)
{
	size_t len = 1;

	if (path == NULL || path[0] != '/')
		return false;
	while (isalnum((unsigned char)path[len]) || (path[len] != '\0' && strchr("_-.", path[len])))
		len++;
	return path[len] == '\0' && len > 1 && len <= PATH_MAX_CHARS;
}

const char *
title_poster_key(struct arena *arena, const char *path)
{
	return arena_printf(arena, "poster%s.webp", path);
}

bool
title_posters(const struct call *call, const char *const *paths, size_t n, const char **urls,
    struct error *err)
{
	const struct job_new job = job_row(call, JOB_TITLE_POSTER);
	const char **asked = arena_array(call->arena, n + 1, sizeof(*asked));
	size_t *of = arena_array(call->arena, n + 1, sizeof(*of));
	bool *there = arena_array(call->arena, n + 1, sizeof(*there)), due;
	struct strings list = { asked, 0 };
	int64_t now = clock_now();

	for (size_t i = 0; i < n; i++)
		if (urls[i] == NULL && title_poster_path(paths[i])) {
			of[list.n] = i;
			asked[list.n++] = paths[i];
		}
	if (list.n == 0)
		return true;
	if (!store_title_posters_find(call->svc->db, call->arena, list, there, &due, err) ||
	    (due && !store_title_posters_want(call->svc->db, call->arena, list, &job, err)))
		return false;
	for (size_t i = 0; i < list.n; i++)
		if (there[i])
			urls[of[i]] = s3_presign_get(call->svc->s3, call->arena,
			    title_poster_key(call->arena, asked[i]), now, NULL, NULL);
	return true;
}

bool
title_posters_expire(const struct call *call, struct error *err)
{
	struct strings paths;
	const char **keys;

	if (!store_title_posters_leaving(call->svc->db, call->arena, EXPIRE_BATCH, &paths, err))
		return false;
	if (paths.n == 0)
		return true;
	keys = arena_array(call->arena, paths.n, sizeof(*keys));
	for (size_t i = 0; i < paths.n; i++)
		keys[i] = title_poster_key(call->arena, paths.items[i]);
	/* A row goes after its object, so that no object is left without one. */
	return s3_delete_many(call->svc->s3, keys, paths.n, err) &&
	    store_title_posters_remove(call->svc->db, call->arena, paths, err);
}
