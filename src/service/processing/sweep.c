#include "service/processing/sweep.h"

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "core/str.h"
#include "service/call.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/s3.h"
#include "store/store_backups.h"
#include "store/store_jobs.h"
#include "store/store_process.h"

#include "core/banned.h"

#define KEY_MAX 1024 /* bytes of a key, by S3's rules */

/* Removes or announces what no row has of a page of keys; *n counts it. */
typedef bool page_fn(const struct call *, struct strings keys, int64_t *n, struct error *);

struct sweep {
	const char *const *areas; /* prefixes in the order of their keys; ends with NULL */
	page_fn *page;
	const char *found; /* for the log, what was found of objects without a row */
};

static bool
remove_uploads(const struct call *call, struct strings keys, int64_t *n, struct error *err)
{
	struct strings stray;
	bool held;

	if (!store_backup_holds(call->svc->db, call->arena, &held, err))
		return false;
	if (held)
		return true;
	if (!store_process_stray_incoming(call->svc->db, call->arena, keys, &stray, err))
		return false;
	*n += (int64_t)stray.n;
	return stray.n == 0 || s3_delete_many(call->svc->s3, stray.items, stray.n, err);
}

static bool
announce(const struct call *call, struct strings keys, int64_t *n, struct error *err)
{
	int64_t found;

	if (!store_process_announce_strays(call->svc->db, call->arena, keys, &found, err))
		return false;
	*n += found;
	return true;
}

/* Looks at the page behind `after` (KEY_MAX + 1 bytes) and moves it on; "": the area is done. */
static bool
sweep_page(const struct call *call, const struct sweep *s, const char *prefix, char *after,
    int64_t *n, struct error *err)
{
	const struct s3_range range = {
		.prefix = prefix, .after = after[0] != '\0' ? after : NULL, .max = SWEEP_PAGE
	};
	struct strings keys;

	if (!s3_list(call->svc->s3, call->arena, &range, &keys, err))
		return false;
	if (keys.n > 0 && !s->page(call, keys, n, err))
		return false;
	str_copy(after, KEY_MAX + 1, keys.n > 0 ? keys.items[keys.n - 1] : "");
	return true;
}

/* The area in which a run goes on: that of the key, or the first. */
static size_t
area_of(const struct sweep *s, const char *after)
{
	for (size_t i = 0; s->areas[i] != NULL; i++)
		if (str_starts(after, s->areas[i]))
			return i;
	return 0;
}

/* `after` holds where it began, and at the end where the next run goes on. */
static bool
sweep_pages(const struct call *call, const struct job_env *env, const struct sweep *s, char *after,
    int64_t *n, struct error *err)
{
	size_t area = area_of(s, after);
	struct arena arena;
	struct call page = *call;
	bool ok = true;

	if (!str_starts(after, s->areas[area]))
		after[0] = '\0';
	arena_init(&arena);
	page.arena = &arena;
	for (int i = 0; ok && i < SWEEP_PAGES && s->areas[area] != NULL && !*env->stop; i++) {
		ok = sweep_page(&page, s, s->areas[area], after, n, err);
		arena_reset(&arena);
		area += after[0] == '\0';
		if (after[0] == '\0' && s->areas[area] != NULL)
			str_copy(after, KEY_MAX + 1, s->areas[area]);
	}
	arena_clear(&arena);
	return ok;
}

static bool
remember(const struct call *call, const struct job *job, const char *after, struct error *err)
{
	struct json *payload = json_new(call->arena, 0);

	json_object(payload, NULL);
	if (after[0] != '\0')
		json_put_str(payload, "after", after);
	json_object_end(payload);
	return store_job_remember(call->svc->db, call->arena, job, payload->buf.data, err) &&
	    store_job_done(call->svc->db, call->arena, job, err);
}

static bool
run(const struct call *call, const struct job_env *env, const struct job *job,
    const struct sweep *s, struct error *err)
{
	const struct cJSON *payload = job_payload(call, job, err);
	char after[KEY_MAX + 1];
	int64_t n = 0;

	if (payload == NULL)
		return false;
	str_copy(after, sizeof(after), json_str(payload, "after", ""));
	if (!sweep_pages(call, env, s, after, &n, err)) {
		if (err->code != ERR_NOT_FOUND) /* no bucket yet */
			return false;
		error_clear(err);
	}
	if (n > 0)
		log_notice(call->svc->log, "%lld objects belong to nothing: %s", (long long)n,
		    s->found);
	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, remember(call, job, after, err), err);
}

bool
sweep_incoming(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	static const char *const areas[] = { "incoming/", NULL };
	static const struct sweep uploads = { areas, remove_uploads, "removed" };

	return run(call, env, job, &uploads, err);
}

bool
sweep_items(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	static const char *const areas[] = { "derived/", "original/", NULL };
	static const struct sweep items = { areas, announce, "they are removed in a day" };

	return run(call, env, job, &items, err);
}
