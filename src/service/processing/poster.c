#include "service/processing/poster.h"

#include <string.h>

#include "client/media_server.h"
#include "client/tmdb.h"
#include "core/arena.h"
#include "core/error.h"
#include "core/id.h"
#include "core/json.h"
#include "core/str.h"
#include "service/call.h"
#include "service/integrations/enrich.h"
#include "service/integrations/servers.h"
#include "service/processing/derived.h"
#include "service/processing/job_run.h"
#include "service/processing/purge.h"
#include "service/processing/sandbox.h"
#include "service/processing/scratch.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_enrich.h"
#include "store/store_jobs.h"
#include "store/store_media.h"

#include "core/banned.h"

#define SERVER_PREFIX "server:"
#define TMDB_PREFIX "tmdb:"
/*
 * Downloads that were no picture, then the source has none. With three attempts an hour, a proxy
 * that shows a page of its own may do so for most of a day.
 */
#define POSTER_TRIES 60

/* A run of media.poster. */
struct poster {
	const struct call *call;
	const struct job *job;
	struct poster_source from;
	struct server_picture picture;
	struct derived derived;
};

static bool
take_payload(struct poster *p, struct error *err)
{
	const struct cJSON *payload = job_payload(p->call, p->job, err);

	if (payload == NULL)
		return false;
	p->derived.media_id = json_str(payload, "mediaId", "");
	return uuid_valid(p->derived.media_id) ||
	    error_set(err, ERR_INTERNAL, "The job does not name an item.");
}

static enum answer_kind
fetch_from_server(struct poster *p, const char *path, struct error *err)
{
	const struct call *call = p->call;
	struct media_server client;
	struct server server;

	if (p->from.server_id == NULL)
		return ANSWER_ABSENT;
	if (!server_get(call, p->from.server_id, &server, err) ||
	    !server_client(call, &server, &client, err))
		return ANSWER_UNKNOWN;
	return client.kind->poster(call->arena, &client, path, &p->picture, err);
}

static enum answer_kind
fetch(struct poster *p, struct error *err)
{
	struct tmdb_picture picture = { .len = 0 };
	enum answer_kind end;
	struct tmdb tmdb;

	if (str_starts(p->from.source, SERVER_PREFIX))
		return fetch_from_server(p, p->from.source + strlen(SERVER_PREFIX), err);
	(void)enrich_tmdb(p->call, &tmdb); /* its pictures need no key */
	end = tmdb_picture(p->call->arena, &tmdb, TMDB_LARGE, p->from.source + strlen(TMDB_PREFIX),
	    &picture, err);
	p->picture = (struct server_picture) { picture.data, picture.len };
	return end;
}

static bool
make(struct poster *p, struct error *err)
{
	struct derived *d = &p->derived;

	if (!scratch_input(d->scratch, p->call->arena, p->picture.data, p->picture.len, err) ||
	    !derived_decode(d, err))
		return false;
	if (!str_eq(d->result.kind, "image"))
		return error_slug(err, ERR_UPSTREAM, "unsupported_type",
		    "What the server has at the poster's path is no picture.");
	return derived_reserve(d, NULL, 0, err) && derived_put(d, err);
}

static bool
publish_in(struct poster *p, struct job_after *after, struct error *err)
{
	const struct call *call = p->call;
	const struct derived *d = &p->derived;
	const char *assets[RESULT_ASSETS_MAX];
	struct poster_pictures pictures = {
		.source = p->from.source,
		.thumbhash = d->result.thumbhash,
		.asset_prefix = derived_prefix(d),
		.assets = { assets, d->result.nassets },
		.keys = { (const char **)d->keys, d->nkeys },
	};
	bool gone;

	for (size_t i = 0; i < d->result.nassets; i++)
		assets[i] = d->result.assets[i].name;
	if (!store_job_done(call->svc->db, call->arena, p->job, err) ||
	    !store_poster_publish(call->svc->db, call->arena, d->media_id, &pictures, &gone, err))
		return false;
	if (gone)
		return purge_leftovers(call, d->media_id, NULL, err);
	after->media_id = d->media_id;
	return store_media_scopes(call->svc->db, call->arena, d->media_id, &after->scopes, err);
}

static bool
publish(struct poster *p, struct error *err)
{
	struct job_after after = { .media_id = NULL };
	struct db *db = p->call->svc->db;

	if (!db_begin(db, err) || !db_end(db, publish_in(p, &after, err), err))
		return false;
	job_after_commit(p->call, &after);
	return true;
}

static bool
absent_in(struct poster *p, struct error *err)
{
	const struct strings id = { &p->derived.media_id, 1 };
	const struct call *call = p->call;

	/* There may be another source. */
	return store_job_done(call->svc->db, call->arena, p->job, err) &&
	    store_poster_absent(call->svc->db, call->arena, p->derived.media_id, p->from.source,
		err) &&
	    enrich_request(call, id.items, id.n, err);
}

/* The sandbox has read what came, and it is nothing that can be shown. */
static bool
is_no_picture(const struct derived *d)
{
	return d->result.present && (!d->result.ok || !str_eq(d->result.kind, "image"));
}

/* Counts a failure; at the last one the source counts as one without a picture. */
static bool
give_up(struct poster *p, struct error *err)
{
	struct db *db = p->call->svc->db;
	struct error why;
	int64_t times;

	if (!store_poster_failed(db, p->call->arena, p->derived.media_id, p->from.source, &times,
		&why) ||
	    times < POSTER_TRIES)
		return false;
	error_clear(err);
	return db_begin(db, err) && db_end(db, absent_in(p, err), err);
}

static bool
finish(struct poster *p, enum answer_kind end, struct error *err)
{
	struct db *db = p->call->svc->db;
	bool ok;

	if (end == ANSWER_ABSENT)
		return db_begin(db, err) && db_end(db, absent_in(p, err), err);
	if (end == ANSWER_UNKNOWN)
		return false;
	derived_init(&p->derived);
	p->derived.scratch = scratch_make(p->call->svc->config, p->call->arena, p->job->id, err);
	if (p->derived.scratch == NULL)
		return false;
	ok = make(p, err);
	scratch_remove(p->derived.scratch, p->call->svc->log);
	return ok ? publish(p, err) : is_no_picture(&p->derived) && give_up(p, err);
}

bool
poster_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	struct poster *p = arena_alloc(call->arena, sizeof(*p));

	p->call = call;
	p->job = job;
	p->derived = (struct derived) { .call = call, .env = env, .job = job };
	if (!take_payload(p, err) ||
	    !store_poster_source(call->svc->db, call->arena, p->derived.media_id, &p->from, err))
		return false;
	if (!p->from.found || p->from.source == NULL || str_eq(p->from.source, p->from.fetched))
		return store_job_done(call->svc->db, call->arena, job, err);
	return finish(p, fetch(p, err), err);
}
