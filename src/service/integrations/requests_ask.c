/*
 * Asking for a title. What is wanted is written down first, so that a request which Overseerr took
 * is found again, with its requester, whatever happens to this process before its answer is kept.
 */
#include <string.h>

#include "core/access.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/id.h"
#include "core/json.h"
#include "core/str.h"
#include "service/audit.h"
#include "service/call.h"
#include "service/integrations/overseerr.h"
#include "service/integrations/overseerr_internal.h"
#include "service/integrations/requests.h"
#include "service/integrations/requests_internal.h"
#include "service/notify/alert.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_overseerr.h"
#include "store/store_requests.h"

#include "core/banned.h"

#define FIND_SECONDS 60 /* later than any answer: then the list shows what became of it */
#define STATE_APPROVED 2

/* One request on its way. */
struct asking {
	const struct call *call;
	struct overseerr client; /* as the user */
	struct overseerr_account user;
	struct overseerr_ask ask;
	struct title_request wanted; /* the row */
};

static bool
not_linked(struct error *err)
{
	return error_slug(err, ERR_CONFLICT, "not_linked",
	    "Your account is not linked to a user of Overseerr. Link your Plex account, or ask an"
	    " admin to link you.");
}

/*
 * Whom the caller is in Overseerr: as is known, else as it says now. `known`: its users have been
 * listed since it was set up.
 */
static bool
actor_of(const struct call *call, const struct overseerr *client, bool known, int64_t *overseerr_id,
    struct error *err)
{
	const char *me = call->by.who->user_id;
	bool has_plex, whole;

	if (!store_overseerr_person(call->svc->db, call->arena, me, overseerr_id, &has_plex, err))
		return false;
	if (*overseerr_id != 0 && known)
		return true;
	if (*overseerr_id == 0 && !has_plex)
		return not_linked(err);
	/* Linked a moment ago, here or there; or it may be another Overseerr. */
	if (!overseerr_learn_people(call, client, &whole, err)) {
		overseerr_said(call, ANSWER_UNKNOWN, err);
		return false;
	}
	return store_overseerr_person(call->svc->db, call->arena, me, overseerr_id, &has_plex,
		   err) &&
	    (*overseerr_id != 0 || not_linked(err));
}

/* In the transaction. */
static bool
want_in(struct asking *a, struct error *err)
{
	return store_request_drop_refused(a->call->svc->db, a->call->arena, &a->wanted, err) &&
	    store_request_add(a->call->svc->db, a->call->arena, &a->wanted, err) &&
	    job_add(a->call, JOB_REQUESTS_REFRESH,
		arena_printf(a->call->arena, "{\"of\":\"%s\"}", a->wanted.id),
		arena_printf(a->call->arena, "requests.refresh:of:%s", a->wanted.id),
		a->wanted.created_at + FIND_SECONDS * US_PER_SEC, err);
}

/* The row before Overseerr is asked. */
static bool
want(struct asking *a, const struct overseerr_title *title, struct error *err)
{
	struct db *db = a->call->svc->db;
	char *id = arena_alloc(a->call->arena, UUID_TEXT);
	struct title_request *w = &a->wanted;

	uuid_v7(id);
	w->id = id;
	w->overseerr_user = a->user.id;
	w->overseerr_name = a->user.name;
	w->made_here = true;
	w->created_at = w->updated_at = w->fetched_at = clock_now();
	if (title != NULL) {
		w->title = title->title;
		w->year = title->year;
		w->poster = title->poster != NULL ? title->poster : "";
	}
	if (db_begin(db, err) && db_end(db, want_in(a, err), err))
		return true;
	if (db_violated(err, "requests_asking"))
		error_slug(err, ERR_CONFLICT, "already_requested",
		    "You are asking for this already.");
	return false;
}

/* Overseerr has said for sure that it does not have it. */
static bool
unwant(const struct asking *a, struct error *err)
{
	bool was_there;

	return store_request_delete(a->call->svc->db, a->call->arena, a->wanted.id, &was_there,
	    err);
}

/* In the transaction: the list shows when it can be asked for again. */
static bool
postpone_in(struct asking *a, const struct error *why, int64_t retry_at, struct error *err)
{
	struct title_request row;

	if (!store_request_lock(a->call->svc->db, a->call->arena, a->wanted.id, &row, err))
		return false;
	if (row.id == NULL || row.overseerr_id != 0)
		return true;
	row.status = TITLE_FAILED;
	row.failure_code = error_slug_of(why);
	row.failure_message = why->message;
	row.retry_at = retry_at;
	return store_request_update(a->call->svc->db, a->call->arena, &row, err) &&
	    request_changed(a->call, &row, false, NULL, 0, err);
}

/* A permission or a quota. What will be possible later stays in the list. */
static bool
refuse_for_reason(struct asking *a, struct error *err)
{
	struct db *db = a->call->svc->db;
	struct error failed;
	int64_t retry_at;
	bool kept;

	(void)request_refusal(a->call, &a->client, &a->user, &a->ask, &retry_at, err);
	kept = retry_at == 0 ?
	    unwant(a, &failed) :
	    db_begin(db, &failed) && db_end(db, postpone_in(a, err, retry_at, &failed), &failed);
	if (!kept)
		*err = failed;
	return false;
}

static bool
refuse(struct asking *a, enum overseerr_asked how, struct error *err)
{
	struct error ignored;

	if (how == ASKED_REFUSED)
		return refuse_for_reason(a, err);
	if (!unwant(a, err))
		return false;
	switch (how) {
	case ASKED_NO_SEASONS:
		return error_slug(err, ERR_CONFLICT, "no_seasons_left",
		    "All seasons of it have been requested or are there already.");
	case ASKED_DUPLICATE:
	default:
		(void)requests_refresh_soon(a->call, NULL, &ignored);
		return error_slug(err, ERR_CONFLICT, "already_requested",
		    "Somebody has requested it already.");
	}
}

/* Was it made for the person, and only approved if the person's requests are? */
static bool
in_their_name(const struct asking *a, const struct overseerr_request *made)
{
	return made->by.id == a->user.id &&
	    (made->request_state != STATE_APPROVED ||
		overseerr_approves_itself(&a->user, a->ask.media_type, a->ask.is4k));
}

/* In the transaction. */
static bool
wrong_in(struct asking *a, const struct overseerr_request *made, bool back, struct error *err)
{
	return unwant(a, err) && request_wrong_name(a->call, &a->wanted, made, back, err);
}

static bool
take_back(struct asking *a, const struct overseerr_request *made, struct error *err)
{
	struct overseerr owner = a->client;
	struct db *db = a->call->svc->db;
	struct error why;
	bool back;

	/* What began must end: the deadline of the request does not hold for this. */
	owner.user = 0;
	owner.deadline = 0;
	back = overseerr_remove(a->call->arena, &owner, made->id, &why) != ANSWER_UNKNOWN;
	if (!db_begin(db, err) || !db_end(db, wrong_in(a, made, back, err), err))
		return false;
	return error_slug(err, ERR_UPSTREAM, "acting_failed",
	    back ? "Overseerr did not make the request in your name, so it was taken back. The"
		   " admins have been told." :
		   "Overseerr did not make the request in your name, and it could not be taken"
		   " back. The admins have been told.");
}

/* In the transaction. */
static bool
made_in(struct asking *a, const struct overseerr_request *made, struct title_request *out,
    struct error *err)
{
	struct request_news news = {
		.said = made, .asked_at = a->wanted.created_at + 1, .by_requester = true
	};
	const struct audit_event event = {
		.action = "request.created", .target_type = "request", .target_id = a->wanted.id
	};
	/* It was made in the right name. */
	const struct alert_told told = { .rule = ALERT_WRONG_NAME };

	return store_requests_removals(a->call->svc->db, a->call->arena, &news.removals, err) &&
	    request_apply(a->call, &news, out, err) && audit_add(a->call, &event, err) &&
	    alert_clear(a->call, &told, err);
}

static bool
ask_upstream(struct asking *a, const char **id, struct error *err)
{
	struct db *db = a->call->svc->db;
	struct overseerr_request made;
	struct title_request out;
	enum overseerr_asked how = overseerr_ask(a->call->arena, &a->client, &a->ask, &made, err);

	overseerr_said(a->call, how == ASKED_UNKNOWN ? ANSWER_UNKNOWN : ANSWER_PRESENT, err);
	if (how == ASKED_UNKNOWN)
		return false;
	if (how != ASKED_TAKEN)
		return refuse(a, how, err);
	/* What it is about is known; answers of some versions say less. */
	made.media_type = a->ask.media_type;
	made.tmdb_id = a->ask.tmdb_id;
	made.is4k = a->ask.is4k;
	if (!in_their_name(a, &made))
		return take_back(a, &made, err);
	if (!db_begin(db, err) || !db_end(db, made_in(a, &made, &out, err), err))
		return false;
	*id = out.id != NULL ? out.id : a->wanted.id;
	return true;
}

/* Overseerr's newest number: what it makes now has a higher one; -1: unknown. */
static int64_t
newest_number(const struct asking *a)
{
	struct overseerr_request newest;
	struct error ignored;
	size_t n;

	if (overseerr_newest(a->call->arena, &a->client, &newest, 1, &n, &ignored) !=
	    ANSWER_PRESENT)
		return -1;
	return n > 0 ? newest.id : 0;
}

/* Who asks, and what for, as Overseerr says; then the request itself. */
static bool
ask_as(struct asking *a, int64_t actor, const char **id, struct error *err)
{
	struct overseerr_title title;
	struct error ignored;
	enum answer_kind kind = overseerr_account(a->call->arena, &a->client, actor, &a->user, err);

	overseerr_said(a->call, kind, err);
	if (kind != ANSWER_PRESENT)
		return kind == ANSWER_ABSENT && not_linked(err);
	/* Only its name is wanted: it may be unknown. */
	kind = overseerr_title(a->call->arena, &a->client, a->ask.media_type, a->ask.tmdb_id,
	    &title, &ignored);
	if (kind == ANSWER_ABSENT)
		return error_set(err, ERR_NOT_FOUND, "There is no such title.");
	a->wanted.newest_before = newest_number(a);
	if (!want(a, kind == ANSWER_PRESENT ? &title : NULL, err))
		return false;
	a->client.user = a->user.id;
	return ask_upstream(a, id, err);
}

static bool
ask_within(struct asking *a, const char **id, struct error *err)
{
	struct overseerr_settings settings;
	int64_t actor;
	int slot;
	bool ok;

	if (!overseerr_get(a->call, &settings, err) ||
	    !overseerr_enter(a->call, &a->client, &slot, err))
		return false;
	ok = actor_of(a->call, &a->client, settings.refreshed_at != 0, &actor, err) &&
	    ask_as(a, actor, id, err);
	overseerr_leave(slot);
	return ok;
}

bool
requests_create(const struct call *call, const struct request_new *new, struct requests *requests,
    bool *made, struct error *err)
{
	struct asking a = { .call = call,
		.ask = { .media_type = new->media_type,
		    .tmdb_id = new->tmdb_id,
		    .is4k = new->is4k,
		    .seasons = new->seasons.numbers,
		    .nseasons = new->seasons.n },
		.wanted = { .media_type = new->media_type,
		    .tmdb_id = new->tmdb_id,
		    .is4k = new->is4k,
		    .seasons = new->seasons,
		    .requested_by = call->by.who->user_id } };
	struct title_request open;
	const char *id;

	/* A request that is made again is the one that is there. */
	if (!store_request_open(call->svc->db, call->arena, &a.wanted, &open, err))
		return false;
	*made = open.id == NULL;
	id = open.id;
	return (id != NULL || ask_within(&a, &id, err)) && requests_get(call, id, requests, err);
}
