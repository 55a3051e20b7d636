#include "service/integrations/enrich.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "client/tmdb.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/id.h"
#include "core/json.h"
#include "core/log.h"
#include "core/str.h"
#include "service/call.h"
#include "service/catalogue/media.h"
#include "service/catalogue/title_posters.h"
#include "service/gate/access.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_enrich.h"
#include "store/store_jobs.h"
#include "store/store_media.h"

#include "core/banned.h"

#define CACHE_HOURS 12
#define GAP_US (US_PER_SEC / 20) /* between two requests to TMDB */
/* A job whose turn comes later than this gives its place to others, and comes back then. */
#define PATIENCE_US (2 * US_PER_SEC)
#define PAUSE_UNAUTHORIZED 900 /* seconds: until somebody has corrected the key */
#define PAUSE_DOWN 5           /* seconds for all, after a request that TMDB did not serve */
#define UPKEEP_ITEMS 20000     /* of one run, of each kind */
#define NO_SEASON (-1)
#define ATTRIBUTION "This product uses the TMDB API but is not endorsed or certified by TMDB."
#define TITLE_URL "https://www.themoviedb.org"

bool
enrich_tmdb(const struct call *call, struct tmdb *tmdb)
{
	const struct config *config = call->svc->config;

	*tmdb = (struct tmdb) {
		.url = config_str(config, CFG_TMDB_URL),
		.image_url = config_str(config, CFG_TMDB_IMAGE_URL),
		.key = config_str(config, CFG_TMDB_API_KEY),
		.rules = outbound_of(config),
	};
	return tmdb->key[0] != '\0';
}

static bool
want(const struct call *call, struct strings posters, struct strings titles, struct error *err)
{
	const struct job_new poster = job_row(call, JOB_MEDIA_POSTER),
			     title = job_row(call, JOB_MEDIA_ENRICH);
	const struct enrich_jobs poster_jobs = {
		.job = &poster, .key_prefix = "poster:", .ids = posters, .lasting = true
	};
	const struct enrich_jobs title_jobs = {
		.job = &title, .key_prefix = "enrich:", .ids = titles
	};
	struct tmdb tmdb;

	return store_enrich_want_posters(call->svc->db, call->arena, &poster_jobs, err) &&
	    (!enrich_tmdb(call, &tmdb) ||
		store_enrich_want_titles(call->svc->db, call->arena, &title_jobs, err));
}

bool
enrich_request(const struct call *call, const char *const *media_ids, size_t n, struct error *err)
{
	const struct strings ids = { (const char **)media_ids, n };

	return want(call, ids, ids, err);
}

bool
enrich_soon(const struct call *call, struct error *err)
{
	bool soon;

	/* A run that is at work may be past what has changed: another one follows it. */
	return store_enrich_soon(call->svc->db, call->arena, &soon, err) &&
	    (soon || job_add(call, JOB_UPKEEP_ENRICH, NULL, "enrich-soon", 0, err));
}

/* There may be more than one run takes. */
static bool
is_full(const struct enrich_missing *missing)
{
	return missing->posters.n == UPKEEP_ITEMS || missing->titles.n == UPKEEP_ITEMS;
}

static const char *
last_of(const struct strings *ids, const char *before)
{
	return ids->n > 0 ? ids->items[ids->n - 1] : before;
}

bool
enrich_key_changed(const struct call *call, struct error *err)
{
	return store_tmdb_resume(call->svc->db, call->arena, ACCESS_RELOAD_SECONDS, err);
}

/*
 * Where the next run goes on. It looks at other items than this one: those whose server is away
 * would keep all others waiting. The list that ends first waits for the other one, so that runs
 * that follow each other come to an end.
 */
static const char *
place_after(struct arena *arena, const struct enrich_after *after,
    const struct enrich_missing *missing)
{
	struct json *j = json_new(arena, 0);

	json_object(j, NULL);
	if (is_full(missing)) {
		json_opt_str(j, "poster", last_of(&missing->posters, after->poster));
		json_opt_str(j, "title", last_of(&missing->titles, after->title));
	}
	json_object_end(j);
	return j->buf.data;
}

bool
enrich_upkeep(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	const struct cJSON *payload = job_payload(call, job, err);
	struct tmdb tmdb;
	const struct enrich_after after = { json_str(payload, "poster", NULL),
		json_str(payload, "title", NULL), enrich_tmdb(call, &tmdb) };
	struct db *db = call->svc->db;
	struct enrich_missing missing;

	return payload != NULL &&
	    store_enrich_missing(db, call->arena, &after, UPKEEP_ITEMS, &missing, err) &&
	    store_tmdb_cache_expire(db, call->arena, CACHE_HOURS, err) &&
	    title_posters_expire(call, err) && db_begin(db, err) &&
	    db_end(db,
		want(call, missing.posters, missing.titles, err) &&
		    store_job_remember(db, call->arena, job,
			place_after(call->arena, &after, &missing), err) &&
		    store_job_done(db, call->arena, job, err) &&
		    (!is_full(&missing) || enrich_soon(call, err)),
		err);
}

/* A run of media.enrich. */
struct enrich {
	const struct call *call;
	const struct job_env *env;
	const struct job *job;
	const char *media_id;
	struct tmdb tmdb;
	struct enrich_item item;
	enum tmdb_kind kind;
	int64_t later; /* seconds: TMDB is not to be asked before */
	/* what is to be kept; attribution NULL: TMDB has nothing of it */
	struct enrich_found *found;
	size_t nfound;
	const char *attribution;
};

static bool
take_payload(struct enrich *e, struct error *err)
{
	const struct job *job = e->job;
	const struct cJSON *payload = job_payload(e->call, job, err);

	if (payload == NULL)
		return false;
	e->media_id = json_str(payload, "mediaId", "");
	return uuid_valid(e->media_id) ||
	    error_set(err, ERR_INTERNAL, "The job does not name an item.");
}

static enum answer_kind
failed(bool ok)
{
	return ok ? ANSWER_PRESENT : ANSWER_UNKNOWN;
}

static bool
sleep_us(const struct enrich *e, int64_t us, struct error *err)
{
	struct timespec left = { .tv_sec = us / US_PER_SEC, .tv_nsec = us % US_PER_SEC * 1000 };

	while (!*e->env->stop && nanosleep(&left, &left) != 0 && errno == EINTR)
		;
	return !*e->env->stop ||
	    error_slug(err, ERR_UNAVAILABLE, "stopped", "The worker is being stopped.");
}

/* Waits for the turn of a request; unknown with e->later: it comes too late. */
static enum answer_kind
turn(struct enrich *e, struct error *err)
{
	const struct tmdb_turn ask = { GAP_US, PATIENCE_US };
	int64_t wait;

	if (!store_tmdb_turn(e->call->svc->db, e->call->arena, &ask, &wait, err))
		return ANSWER_UNKNOWN;
	if (wait <= PATIENCE_US)
		return failed(sleep_us(e, wait, err));
	e->later = (wait + US_PER_SEC - 1) / US_PER_SEC;
	error_slug(err, ERR_UNAVAILABLE, "tmdb_busy", "TMDB asks for a pause.");
	return ANSWER_UNKNOWN;
}

/* What a failed request means for the requests after it. */
static enum answer_kind
heed(struct enrich *e, enum answer_kind end, struct error *err)
{
	struct error ignored;
	int64_t pause;

	if (end != ANSWER_UNKNOWN)
		return end;
	if (str_eq(error_slug_of(err), "tmdb_busy")) {
		e->later = err->retry_after;
	} else if (str_eq(error_slug_of(err), "tmdb_unauthorized")) {
		e->later = PAUSE_UNAUTHORIZED;
		log_warn(e->call->svc->log, "%s It is asked again in %d minutes.", err->message,
		    PAUSE_UNAUTHORIZED / 60);
	}
	pause = e->later;
	/* This attempt has failed; others need not fail too to find out. */
	if (pause == 0 && err->code == ERR_UNAVAILABLE)
		pause = PAUSE_DOWN;
	if (pause > 0)
		(void)store_tmdb_pause(e->call->svc->db, e->call->arena, pause, &ignored);
	return end;
}

static enum answer_kind
by_external(struct enrich *e, const char *source, const char *external, const char **id,
    struct error *err)
{
	enum answer_kind end;

	if (external == NULL)
		return ANSWER_ABSENT;
	end = turn(e, err);
	return end != ANSWER_PRESENT ?
	    end :
	    heed(e, tmdb_find(e->call->arena, &e->tmdb, e->kind, source, external, id, err), err);
}

static enum answer_kind
by_name(struct enrich *e, const char **id, struct error *err)
{
	const struct tmdb_query query = { e->item.title, e->item.original_title, e->item.year };
	enum answer_kind end = turn(e, err);

	return end != ANSWER_PRESENT ?
	    end :
	    heed(e, tmdb_search(e->call->arena, &e->tmdb, e->kind, &query, id, err), err);
}

/* Where TMDB has it, in its API as well as on its pages. */
static const char *
place_of(const struct enrich *e, const char *id, int64_t season)
{
	const char *show =
	    arena_printf(e->call->arena, "%s/%s", e->kind == TMDB_MOVIE ? "movie" : "tv", id);

	return season == NO_SEASON ?
	    show :
	    arena_printf(e->call->arena, "%s/season/%lld", show, (long long)season);
}

/* A title by TMDB's id, or its season of that number, from the cache or from TMDB. */
static enum answer_kind
by_id(struct enrich *e, const char *id, int64_t season, const char **title, struct error *err)
{
	const struct call *call = e->call;
	const char *path = place_of(e, id, season);
	struct tmdb_cached cached;
	enum answer_kind end;

	if (!store_tmdb_cached(call->svc->db, call->arena, path, CACHE_HOURS, &cached, err))
		return ANSWER_UNKNOWN;
	*title = cached.title;
	if (cached.known)
		return cached.title != NULL ? ANSWER_PRESENT : ANSWER_ABSENT;
	end = turn(e, err);
	if (end != ANSWER_PRESENT)
		return end;
	end = season == NO_SEASON ? tmdb_title(call->arena, &e->tmdb, e->kind, id, title, err) :
				    tmdb_season(call->arena, &e->tmdb, id, season, title, err);
	end = heed(e, end, err);
	if (end == ANSWER_UNKNOWN)
		return end;
	if (end == ANSWER_ABSENT)
		*title = NULL;
	return store_tmdb_cache(call->svc->db, call->arena, path, *title, err) ? end :
										 ANSWER_UNKNOWN;
}

/* The surest way first; what one does not know, the next may. */
static enum answer_kind
look_up(struct enrich *e, const char **id, const char **title, struct error *err)
{
	enum answer_kind end = ANSWER_ABSENT;

	*id = e->item.tmdb;
	if (*id != NULL)
		end = by_id(e, *id, NO_SEASON, title, err);
	if (end != ANSWER_ABSENT)
		return end;
	end = by_external(e, "imdb_id", e->item.imdb, id, err);
	if (end == ANSWER_ABSENT && e->kind == TMDB_SHOW)
		end = by_external(e, "tvdb_id", e->item.tvdb, id, err);
	if (end == ANSWER_ABSENT)
		end = by_name(e, id, err);
	return end == ANSWER_PRESENT ? by_id(e, *id, NO_SEASON, title, err) : end;
}

static const char *
attribution(const struct enrich *e, const char *id, int64_t season)
{
	struct json *j = json_new(e->call->arena, 0);

	json_object(j, NULL);
	json_put_str(j, "source", "tmdb");
	json_put_str(j, "text", ATTRIBUTION);
	json_put_str(j, "url",
	    arena_printf(e->call->arena, TITLE_URL "/%s", place_of(e, id, season)));
	json_object_end(j);
	return j->buf.data;
}

static bool
save_in(struct enrich *e, struct job_after *after, struct error *err)
{
	const char **all = arena_array(e->call->arena, e->nfound + 1, sizeof(*all));
	const struct strings ids = { all, e->nfound };
	const struct call *call = e->call;
	bool gone;

	if (!store_job_done(call->svc->db, call->arena, e->job, err) ||
	    !store_enrich_save(call->svc->db, call->arena, e->found, e->nfound, e->attribution,
		&gone, err))
		return false;
	if (gone)
		return true;
	after->media_id = e->attribution != NULL ? e->media_id : NULL;
	for (size_t i = 0; i < e->nfound; i++)
		all[i] = e->found[i].media_id;
	/*
	 * There may be artwork for an item whose server has none, and the seasons of a show can be
	 * looked up now.
	 */
	return want(call, ids, ids, err) &&
	    (after->media_id == NULL ||
		store_media_scopes(call->svc->db, call->arena, e->media_id, &after->scopes, err));
}

static bool
save(struct enrich *e, struct error *err)
{
	struct db *db = e->call->svc->db;
	struct job_after after = { .media_id = NULL };

	if (!db_begin(db, err) || !db_end(db, save_in(e, &after, err), err))
		return false;
	if (after.media_id != NULL)
		media_announce(e->call, "media.updated", after.media_id, after.scopes);
	return true;
}

/* A film or a series. */
static enum answer_kind
run_title(struct enrich *e, struct error *err)
{
	struct enrich_found *found = arena_alloc(e->call->arena, sizeof(*found));
	const char *id = NULL, *title = NULL;
	enum answer_kind end;

	e->kind = str_eq(e->item.kind, "movie") ? TMDB_MOVIE : TMDB_SHOW;
	end = look_up(e, &id, &title, err);
	*found = (struct enrich_found) { .media_id = e->media_id, .key = e->item.key };
	if (end == ANSWER_PRESENT) {
		found->tmdb_id = id;
		found->title = title;
		e->attribution = attribution(e, id, NO_SEASON);
	}
	e->found = found;
	e->nfound = 1;
	return end;
}

static bool
text_of(struct arena *arena, const struct cJSON *object, const char **text, struct error *err)
{
	char *printed = cJSON_PrintUnformatted(object);

	if (printed == NULL)
		return error_set(err, ERR_INTERNAL, "An episode cannot be written as JSON.");
	*text = arena_strdup(arena, printed);
	cJSON_free(printed);
	return true;
}

/* What a season says of itself, or of one of its episodes. */
static bool
take_part(struct enrich *e, const struct cJSON *season, const struct enrich_part *part,
    struct error *err)
{
	struct enrich_found *found = &e->found[e->nfound++];
	const struct cJSON *one =
	    part->number == NULL ? season : json_get(json_get(season, "episodes"), part->number);

	*found = (struct enrich_found) { .media_id = part->media_id, .key = part->key };
	if (one == NULL)
		return true;
	found->tmdb_id = json_str(json_get(one, "externalIds"), "tmdb", NULL);
	return text_of(e->call->arena, one, &found->title, err);
}

/* A season with all of its episodes: one request, however many there are. */
static enum answer_kind
run_season(struct enrich *e, struct error *err)
{
	const struct call *call = e->call;
	const struct cJSON *season = NULL;
	const char *text = NULL;
	struct enrich_parts parts;
	enum answer_kind end;

	e->kind = TMDB_SHOW;
	if (!store_enrich_parts(call->svc->db, call->arena, e->media_id, &parts, err))
		return ANSWER_UNKNOWN;
	if (parts.n == 0)
		return ANSWER_ABSENT;
	end = by_id(e, parts.show, e->item.number, &text, err);
	if (end == ANSWER_UNKNOWN)
		return end;
	if (text != NULL && (season = json_parse(call->arena, text, strlen(text), err)) == NULL)
		return ANSWER_UNKNOWN;
	e->found = arena_array(call->arena, parts.n, sizeof(*e->found));
	for (size_t i = 0; i < parts.n; i++)
		if (!take_part(e, season, &parts.items[i], err))
			return ANSWER_UNKNOWN;
	if (end == ANSWER_PRESENT)
		e->attribution = attribution(e, parts.show, e->item.number);
	return end;
}

bool
enrich_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	struct enrich e = { .call = call, .env = env, .job = job };
	enum answer_kind end;

	if (!take_payload(&e, err) ||
	    !store_enrich_item(call->svc->db, call->arena, e.media_id, &e.item, err))
		return false;
	if (!e.item.found || !enrich_tmdb(call, &e.tmdb))
		return store_job_done(call->svc->db, call->arena, job, err);
	end = str_eq(e.item.kind, "season") ? run_season(&e, err) : run_title(&e, err);
	if (end == ANSWER_UNKNOWN)
		return e.later > 0 &&
		    store_job_later(call->svc->db, call->arena, job,
			clock_now() + e.later * US_PER_SEC, err);
	return e.nfound == 0 ? store_job_done(call->svc->db, call->arena, job, err) : save(&e, err);
}
