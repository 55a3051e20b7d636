#include "service/processing/download_clean.h"

#include "core/arena.h"
#include "core/error.h"
#include "core/log.h"
#include "service/call.h"
#include "service/processing/download.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/s3.h"
#include "store/store_downloads.h"
#include "store/store_jobs.h"

#include "core/banned.h"

#define PAGE 1000    /* keys of one listing */
#define PAGES_MAX 50 /* of one run: the next one goes on */

/* Of these keys those that are to go; NULL: all. */
typedef bool choose_fn(const struct call *, struct strings keys, struct strings *gone,
    struct error *);

static bool
choose_stray(const struct call *call, struct strings keys, struct strings *gone, struct error *err)
{
	return store_downloads_stray(call->svc->db, call->arena, keys, gone, err);
}

static bool
choose_all(const struct call *call, struct strings keys, struct strings *gone, struct error *err)
{
	*gone = keys;
	return true;
}

static bool
holds(struct strings list, const char *key)
{
	for (size_t i = 0; i < list.n; i++)
		if (str_eq(list.items[i], key))
			return true;
	return false;
}

static bool
clean_uploads(const struct call *call, const char *prefix, choose_fn *choose, struct error *err)
{
	struct s3_uploads page = { .keys.n = 0 };
	struct strings gone;

	for (int i = 0; i < PAGES_MAX; i++) {
		if (!s3_multipart_list(call->svc->s3, call->arena, prefix, &page, err))
			return false;
		if (page.keys.n == 0)
			return true;
		if (!choose(call, page.keys, &gone, err))
			return false;
		for (size_t k = 0; k < page.keys.n; k++)
			if (holds(gone, page.keys.items[k]) &&
			    !s3_multipart_abort(call->svc->s3, page.keys.items[k],
				page.ids.items[k], err))
				return false;
	}
	return true;
}

static bool
clean_objects(const struct call *call, const char *prefix, choose_fn *choose, struct error *err)
{
	struct s3_range range = { .prefix = prefix, .max = PAGE };
	struct strings keys, gone;

	for (int i = 0; i < PAGES_MAX; i++) {
		if (!s3_list(call->svc->s3, call->arena, &range, &keys, err))
			return false;
		if (keys.n == 0)
			return true;
		if (!choose(call, keys, &gone, err) ||
		    !s3_delete_many(call->svc->s3, gone.items, gone.n, err))
			return false;
		range.after = keys.items[keys.n - 1];
	}
	return true;
}

bool
download_clean(const struct call *call, const char *prefix, struct error *err)
{
	return clean_uploads(call, prefix, choose_all, err) &&
	    clean_objects(call, prefix, choose_all, err);
}

bool
downloads_upkeep(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	if (!store_downloads_expire(call->svc->db, call->arena, err))
		return false;
	if (!clean_uploads(call, DOWNLOAD_PREFIX, choose_stray, err) ||
	    !clean_objects(call, DOWNLOAD_PREFIX, choose_stray, err)) {
		if (err->code != ERR_NOT_FOUND) /* no bucket yet */
			return false;
		error_clear(err);
	}
	return store_job_done(call->svc->db, call->arena, job, err);
}
