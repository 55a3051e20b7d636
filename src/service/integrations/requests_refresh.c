/*
 * Asking Overseerr for the state of requests. A question that fails changes nothing here; a request
 * goes when Overseerr says that it is not there, or when two complete lists in a row lack it.
 */

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "core/str.h"
#include "service/call.h"
#include "service/integrations/overseerr_internal.h"
#include "service/integrations/requests.h"
#include "service/integrations/requests_internal.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_jobs.h"
#include "store/store_overseerr.h"
#include "store/store_requests.h"

#include "core/banned.h"

#define TITLES_MAX 100     /* names that one run asks for; the next one goes on */
#define CONFIRM_MAX 20     /* missing requests that one run asks for one by one */
#define MISSING_RUNS 2     /* complete lists in a row without a request: it is gone */
#define UNASKED_SECONDS 30 /* a question of that age has had its answer */
#define KEPT_DAYS 30       /* what Overseerr never got, and all when none is set up any more */
#define OUTSIDE_SLUGS "overseerr_" /* of errors that are Overseerr's */
#define REQUEST_VIEW 16384         /* permission to see the requests of all */

/* One run over all requests. */
struct run {
	const struct call *call;
	const struct overseerr *client;
	int64_t at;          /* when it began */
	int64_t removals;    /* as counted then */
	bool quiet;          /* the first list of this Overseerr */
	bool sure;           /* what has no answer yet was not made in another name */
	int titles;          /* names asked for */
	const char *version; /* of Overseerr */
	int64_t *seen;
	size_t nseen;
};

/* The name of a title, if it is not known; NULL when there is none to be had. */
static const struct overseerr_title *
name_of(struct run *run, const struct call *call, const struct overseerr_request *said,
    const struct title_request *row)
{
	struct overseerr_title *title;
	struct error ignored;

	if ((row != NULL && row->title != NULL && row->poster != NULL) || said->tmdb_id <= 0 ||
	    run->titles >= TITLES_MAX)
		return NULL;
	run->titles++;
	title = arena_alloc(call->arena, sizeof(*title));
	return overseerr_title(call->arena, run->client, said->media_type, said->tmdb_id, title,
		   &ignored) == ANSWER_PRESENT ?
	    title :
	    NULL;
}

static const struct title_request *
row_of(const struct overseerr_request *said, const struct title_request *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].overseerr_id == said->id)
			return &rows[i];
	return NULL;
}

/* Most requests of a list: nothing is to be written for them. */
static bool
known(const struct overseerr_request *said, const struct title_request *row)
{
	return row != NULL && row->title != NULL && row->poster != NULL &&
	    row->request_state == said->request_state && row->media_state == said->media_state &&
	    row->overseerr_user == said->by.id && str_eq(row->overseerr_name, said->by.name) &&
	    row->tmdb_id == said->tmdb_id && str_eq(row->media_type, said->media_type) &&
	    (row->status == TITLE_FAILED) == (row->failure_code != NULL) &&
	    (said->nseasons == 0 || row->seasons.n == said->nseasons);
}

/* Each in a transaction of its own: notes to many people must not wait for each other. */
static bool
keep_one(struct run *run, const struct call *call, const struct overseerr_request *said,
    const struct title_request *row, struct error *err)
{
	const struct request_news news = { .said = said,
		.title = name_of(run, call, said, row),
		.asked_at = run->at,
		.removals = run->removals,
		.quiet = run->quiet };
	struct db *db = call->svc->db;
	struct title_request kept;

	return db_begin(db, err) && db_end(db, request_apply(call, &news, &kept, err), err);
}

static bool
keep(struct run *run, const struct call *call, const struct overseerr_request *said, size_t n,
    struct error *err)
{
	int64_t *ids = arena_array(call->arena, n + 1, sizeof(*ids));
	struct title_request *rows;
	size_t nrows;

	for (size_t i = 0; i < n; i++)
		ids[i] = said[i].id;
	if (!store_requests_numbered(call->svc->db, call->arena, ids, n, &rows, &nrows, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct title_request *row = row_of(&said[i], rows, nrows);

		if (!known(&said[i], row) && !keep_one(run, call, &said[i], row, err))
			return false;
	}
	return true;
}

static bool
on_page(void *context, struct arena *arena, const void *items, size_t n, struct error *err)
{
	const struct overseerr_request *said = items;
	struct run *run = context;
	struct call call = *run->call;

	call.arena = arena;
	for (size_t i = 0; i < n && run->nseen < OVERSEERR_LIST_MAX; i++)
		run->seen[run->nseen++] = said[i].id;
	return keep(run, &call, said, n, err);
}

/* Is it gone? Overseerr says so, or two complete lists. */
static bool
is_gone(const struct run *run, const struct request_missing *missing, int *asked)
{
	struct overseerr_request said;
	struct error ignored;

	if (missing->runs >= MISSING_RUNS)
		return true;
	return (*asked)++ < CONFIRM_MAX &&
	    overseerr_request(run->call->arena, run->client, missing->overseerr_id, &said,
		&ignored) == ANSWER_ABSENT;
}

/* In a transaction: questions that Overseerr did not get become failures that can be read. */
static bool
unasked_in(const struct run *run, struct error *err)
{
	const struct call *call = run->call;
	struct title_request *rows;
	size_t n;

	if (!store_requests_unasked(call->svc->db, call->arena,
		run->at - UNASKED_SECONDS * US_PER_SEC, &rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		rows[i].status = TITLE_FAILED;
		rows[i].failure_code = "not_created";
		rows[i].failure_message =
		    "Overseerr did not get this request. Remove it, and ask again.";
		if (!store_request_update(call->svc->db, call->arena, &rows[i], err) ||
		    !request_changed(call, &rows[i], false, NULL, 0, err))
			return false;
	}
	return true;
}

static bool
drop(const struct run *run, const char *id, struct error *err)
{
	struct db *db = run->call->svc->db;

	return db_begin(db, err) && db_end(db, request_gone(run->call, id, err), err);
}

/* Distinct numbers: a page that has shifted shows one twice and hides another. */
static size_t
distinct(int64_t *ids, size_t n)
{
	size_t kept = 0;

	/* newest first: equal numbers stand near each other */
	for (size_t i = 0; i < n; i++) {
		size_t k = kept > OVERSEERR_PAGE ? kept - OVERSEERR_PAGE : 0;

		while (k < kept && ids[k] != ids[i])
			k++;
		if (k == kept)
			ids[kept++] = ids[i];
	}
	return kept;
}

/* After a complete list: what it lacks. */
static bool
settle(struct run *run, struct error *err)
{
	const struct call *call = run->call;
	struct db *db = call->svc->db;
	struct request_missing *missing;
	size_t n;
	int asked = 0;

	if (!store_requests_missing(db, call->arena, run->seen, run->nseen, run->at, &missing, &n,
		err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (is_gone(run, &missing[i], &asked) && !drop(run, missing[i].id, err))
			return false;
	return !run->sure || (db_begin(db, err) && db_end(db, unasked_in(run, err), err));
}

static enum answer_kind
refresh_all(struct run *run, struct error *err)
{
	struct overseerr_list list = { .page = on_page, .context = run };
	struct overseerr_account me;
	enum answer_kind kind = overseerr_me(run->call->arena, run->client, &me, err);
	struct error ignored;
	bool whole;

	if (kind != ANSWER_PRESENT)
		return kind;
	kind = overseerr_status(run->call->arena, run->client, &run->version, err);
	if (kind != ANSWER_PRESENT)
		return kind;
	if ((me.permissions & (OVERSEERR_ADMIN | OVERSEERR_MANAGE_REQUESTS | REQUEST_VIEW)) == 0) {
		error_slug(err, ERR_UPSTREAM, "overseerr_unauthorized",
		    "The key's owner may not see the requests of all.");
		return ANSWER_UNKNOWN;
	}
	/* Before anybody is told of them as if the key's owner had asked. */
	if (!requests_take_back(run->call, run->client, &me, run->at - UNASKED_SECONDS * US_PER_SEC,
		&run->sure, err))
		return ANSWER_UNKNOWN;
	/* Without the users, requests are still known. */
	if (!overseerr_learn_people(run->call, run->client, &whole, &ignored))
		log_warn(run->call->svc->log, "the users of Overseerr were not listed: %s",
		    ignored.message);
	kind = overseerr_requests(run->call->arena, run->client, 0, &list, err);
	if (kind != ANSWER_PRESENT)
		return kind;
	if (list.whole && distinct(run->seen, run->nseen) == run->nseen && !settle(run, err))
		return ANSWER_UNKNOWN;
	return store_overseerr_refreshed(run->call->svc->db, run->call->arena, run->at, err) ?
	    ANSWER_PRESENT :
	    ANSWER_UNKNOWN;
}

static bool
run_all(const struct call *call, const struct overseerr *client,
    const struct overseerr_settings *settings, struct error *err)
{
	struct run run = { .call = call,
		.client = client,
		.at = clock_now(),
		.quiet = settings->refreshed_at == 0,
		.seen = arena_array(call->arena, OVERSEERR_LIST_MAX, sizeof(int64_t)) };
	enum answer_kind kind;

	if (!store_requests_removals(call->svc->db, call->arena, &run.removals, err))
		return false;
	kind = refresh_all(&run, err);
	overseerr_said(call, kind, err);
	return kind == ANSWER_PRESENT &&
	    store_overseerr_seen(call->svc->db, call->arena, "ok", run.version, err);
}

/* In the transaction. */
static bool
gone_in(const struct call *call, int64_t number, struct error *err)
{
	struct title_request *rows;
	size_t n;

	return store_requests_numbered(call->svc->db, call->arena, &number, 1, &rows, &n, err) &&
	    (n == 0 || request_gone(call, rows[0].id, err));
}

static bool
run_one(const struct call *call, const struct overseerr *client,
    const struct overseerr_settings *settings, int64_t number, struct error *err)
{
	struct run run = { .call = call,
		.client = client,
		.at = clock_now(),
		.quiet = settings->refreshed_at == 0 };
	struct overseerr_request said;
	struct db *db = call->svc->db;
	enum answer_kind kind;

	if (!store_requests_removals(db, call->arena, &run.removals, err))
		return false;
	kind = overseerr_request(call->arena, client, number, &said, err);
	overseerr_said(call, kind, err);
	if (kind == ANSWER_PRESENT)
		return keep(&run, call, &said, 1, err);
	return kind == ANSWER_ABSENT && db_begin(db, err) &&
	    db_end(db, gone_in(call, number, err), err);
}

/* *ready is false where none is set up, or it is switched off: there is nothing to do. */
static bool
ready(const struct call *call, struct overseerr *client, struct overseerr_settings *settings,
    bool *is, struct error *err)
{
	*is = overseerr_client(call, client, settings, err);
	return *is || err->code == ERR_NOT_FOUND || str_eq(error_slug_of(err), "overseerr_off");
}

/*
 * All requests, for a job. Where Overseerr does not say, the job is done: the next run is a few
 * minutes away, and the list says how old it is.
 */
static bool
run_all_or_later(const struct call *call, const struct overseerr *client,
    const struct overseerr_settings *settings, struct error *err)
{
	if (run_all(call, client, settings, err))
		return true;
	if (!str_starts(error_slug_of(err), OUTSIDE_SLUGS))
		return false;
	log_info(call->svc->log, "Overseerr was not read: %s (%s)", err->message, err->detail);
	return true;
}

/* Is the request that the job was added for still without an answer? */
static bool
open_still(const struct call *call, const char *of, bool *is, struct error *err)
{
	struct title_request row;

	if (!store_request_get(call->svc->db, call->arena, of, &row, err))
		return false;
	*is = *is && row.id != NULL && row.overseerr_id == 0 && row.failure_code == NULL;
	return true;
}

bool
requests_refresh_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	const struct cJSON *payload = job_payload(call, job, err);
	struct overseerr_settings settings;
	struct overseerr client;
	const char *of;
	int64_t number;
	bool is;

	if (payload == NULL || !ready(call, &client, &settings, &is, err))
		return false;
	number = json_int(payload, "id", 0);
	of = json_str(payload, "of", NULL);
	if (of != NULL && !open_still(call, of, &is, err))
		return false;
	if (is &&
	    !(number > 0 ? run_one(call, &client, &settings, number, err) :
			   run_all_or_later(call, &client, &settings, err)))
		return false;
	return store_job_done(call->svc->db, call->arena, job, err);
}

bool
requests_upkeep_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	struct overseerr_settings settings;
	struct overseerr client;
	bool is;

	if (!ready(call, &client, &settings, &is, err) ||
	    !store_requests_expire(call->svc->db, call->arena, KEPT_DAYS, err))
		return false;
	if (is && !run_all_or_later(call, &client, &settings, err))
		return false;
	return store_job_done(call->svc->db, call->arena, job, err);
}
