#include "service/processing/title_poster.h"

#include <string.h>

#include "client/tmdb.h"
#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "core/str.h"
#include "service/call.h"
#include "service/catalogue/title_posters.h"
#include "service/integrations/enrich.h"
#include "service/integrations/requests.h"
#include "service/processing/derived.h"
#include "service/processing/scratch.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/s3.h"
#include "store/store_jobs.h"
#include "store/store_title_posters.h"

#include "core/banned.h"

#define SHOWN "320.webp" /* the picture of a card */

/* A run of title.poster. */
struct title_poster {
	const struct call *call;
	const struct job *job;
	const char *path;
	struct derived derived;
};

static bool
take_payload(struct title_poster *p, struct error *err)
{
	const struct cJSON *payload =
	    json_parse(p->call->arena, p->job->payload, strlen(p->job->payload), err);

	if (payload == NULL)
		return false;
	p->path = json_str(payload, "path", "");
	return title_poster_path(p->path) ||
	    error_set(err, ERR_INTERNAL, "The job does not name a poster.");
}

/* In a transaction. What the page of requests shows changes with it. */
static bool
there_in(const struct title_poster *p, bool *gone, struct error *err)
{
	const struct call *call = p->call;

	return store_job_done(call->svc->db, call->arena, p->job, err) &&
	    store_title_poster_there(call->svc->db, call->arena, p->path, gone, err) &&
	    (*gone || requests_poster_came(call, p->path, err));
}

static bool
publish(struct title_poster *p, struct error *err)
{
	const char *key = title_poster_key(p->call->arena, p->path);
	struct db *db = p->call->svc->db;
	bool gone;

	if (!derived_put_as(&p->derived, SHOWN, key, err) || !db_begin(db, err) ||
	    !db_end(db, there_in(p, &gone, err), err))
		return false;
	/* Its row has gone meanwhile, so nobody would remove it. */
	return !gone || s3_delete_many(p->call->svc->s3, &key, 1, err);
}

/* The sandbox has read what came, and it is nothing that can be shown. */
static bool
is_no_picture(const struct derived *d)
{
	return d->result.present &&
	    (!d->result.ok || !str_eq(d->result.kind, "image") || !derived_has(d, SHOWN));
}

typedef bool mark_fn(struct db *, struct arena *, const char *path, struct error *);

/* Who looks at the title later wants it again: another attempt at once would know no more. */
static bool
mark(const struct title_poster *p, mark_fn *what, struct error *err)
{
	const struct call *call = p->call;
	struct db *db = call->svc->db;

	error_clear(err);
	return db_begin(db, err) &&
	    db_end(db,
		store_job_done(db, call->arena, p->job, err) && what(db, call->arena, p->path, err),
		err);
}

static bool
make(struct title_poster *p, const struct tmdb_picture *picture, struct error *err)
{
	struct derived *d = &p->derived;
	bool ok;

	derived_init(d);
	d->scratch = scratch_make(p->call->svc->config, p->call->arena, p->job->id, err);
	if (d->scratch == NULL)
		return false;
	ok = scratch_input(d->scratch, p->call->arena, picture->data, picture->len, err) &&
	    (derived_decode(d, err) || is_no_picture(d));
	ok = ok && (is_no_picture(d) ? mark(p, store_title_poster_broken, err) : publish(p, err));
	scratch_remove(d->scratch, p->call->svc->log);
	return ok;
}

static bool
fetch(struct title_poster *p, struct error *err)
{
	struct tmdb_picture picture = { .len = 0 };
	struct tmdb tmdb;

	(void)enrich_tmdb(p->call, &tmdb); /* its pictures need no key */
	switch (tmdb_picture(p->call->arena, &tmdb, TMDB_CARD, p->path, &picture, err)) {
	case ANSWER_PRESENT: return make(p, &picture, err);
	case ANSWER_ABSENT: return mark(p, store_title_poster_absent, err);
	case ANSWER_UNKNOWN:
	default:
		log_info(p->call->svc->log, "a poster was not fetched: %s", err->message);
		return mark(p, store_title_poster_unknown, err);
	}
}

bool
title_poster_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	struct title_poster *p = arena_alloc(call->arena, sizeof(*p));
	bool wanted;

	*p = (struct title_poster) { .call = call, .job = job };
	p->derived = (struct derived) { .call = call, .env = env, .job = job };
	if (!take_payload(p, err) ||
	    !store_title_poster_wanted(call->svc->db, call->arena, p->path, &wanted, err))
		return false;
	return wanted ? fetch(p, err) : store_job_done(call->svc->db, call->arena, job, err);
}
