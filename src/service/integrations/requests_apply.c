/* What Overseerr says of a request, kept; and who hears of it. */
#include "service/integrations/requests_internal.h"

#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/id.h"
#include "core/json.h"
#include "core/str.h"
#include "service/call.h"
#include "service/integrations/requests.h"
#include "service/notify/hook_out.h"
#include "service/notify/notify.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_requests.h"

#include "core/banned.h"

#define EVENT "request.updated"
#define POSTED_MAX 20 /* requests for one title that pages are told of */

/* Overseerr's numbers. Others come in newer versions and mean nothing here. */
enum { STATE_PENDING = 1, STATE_APPROVED, STATE_DECLINED, STATE_FAILED, STATE_COMPLETED };
enum { MEDIA_PROCESSING = 3, MEDIA_PARTIAL, MEDIA_AVAILABLE };

/* Which notification tells the requester of which state. */
static const struct {
	enum title_status status;
	int64_t told;
	const char *kind, *message;
} notes[] = {
	{ TITLE_APPROVED, REQUEST_TOLD_APPROVED, "request.approved", "Your request was approved." },
	{ TITLE_DECLINED, REQUEST_TOLD_DECLINED, "request.declined", "Your request was declined." },
	{ TITLE_AVAILABLE, REQUEST_TOLD_AVAILABLE, "request.available",
	    "Your request is available now." },
};
#define NOTES (sizeof(notes) / sizeof(notes[0]))

const char *
request_name(struct arena *arena, const struct title_request *r)
{
	if (r->title != NULL)
		return r->title;
	return arena_printf(arena, "%s %lld at TMDB",
	    str_eq(r->media_type, "tv") ? "Series" : "Film", (long long)r->tmdb_id);
}

static enum title_status
approved_status(int64_t media_state)
{
	return media_state == MEDIA_AVAILABLE                               ? TITLE_AVAILABLE :
	    media_state == MEDIA_PROCESSING || media_state == MEDIA_PARTIAL ? TITLE_PROCESSING :
									      TITLE_APPROVED;
}

/* A number that is not known here says nothing: the status stays. */
static enum title_status
status_of(const struct overseerr_request *said, enum title_status before)
{
	switch (said->request_state) {
	case STATE_PENDING: return TITLE_PENDING;
	case STATE_APPROVED: return approved_status(said->media_state);
	case STATE_DECLINED: return TITLE_DECLINED;
	case STATE_FAILED: return TITLE_FAILED;
	case STATE_COMPLETED: return TITLE_AVAILABLE;
	default: return before;
	}
}

static const char *
event_data(const struct call *call, const struct title_request *r, bool gone)
{
	struct json *j = json_new(call->arena, 0);

	json_object(j, NULL);
	json_put_str(j, "requestId", r->id);
	json_put_str(j, "mediaType", r->media_type);
	json_put_int(j, "tmdbId", r->tmdb_id);
	json_put_str(j, "title", request_name(call->arena, r));
	json_put_str(j, "status", title_status_name(r->status));
	if (r->status == TITLE_DECLINED)
		json_opt_str(j, "reason", r->reason);
	if (gone)
		json_put_bool(j, "gone", true);
	json_object_end(j);
	return j->buf.data;
}

static bool
among(const char *user, const char *const *users, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(users[i], user))
			return true;
	return false;
}

bool
request_changed(const struct call *call, const struct title_request *r, bool gone,
    const char *const *told, size_t ntold, struct error *err)
{
	struct strings keepers;
	const char **users;
	size_t n = 0;

	if (!notify_holders(call, PERM_INTEGRATIONS_CONFIGURE, &keepers, NULL, err))
		return false;
	users = arena_array(call->arena, keepers.n + 1, sizeof(*users));
	for (size_t i = 0; i < keepers.n; i++)
		if (!among(keepers.items[i], told, ntold))
			users[n++] = keepers.items[i];
	if (r->requested_by != NULL && !among(r->requested_by, told, ntold) &&
	    !among(r->requested_by, users, n))
		users[n++] = r->requested_by;
	/* Nobody in the list would be everybody. */
	if (n > 0)
		notify_event(call, users, n, EVENT, event_data(call, r, gone));
	return true;
}

/* A note to these people, and the event for endpoints. */
static bool
tell(const struct call *call, const struct title_request *r, const char *kind, const char *message,
    struct strings users, struct error *err)
{
	const char *data = event_data(call, r, false);
	const struct notify_new new = { .users = users.items,
		.nusers = users.n,
		.kind = kind,
		.event = EVENT,
		.title = request_name(call->arena, r),
		.message = message,
		.data = data };
	struct notify_batch *batch;

	if (!hook_out(call, kind, data, err))
		return false;
	if (users.n == 0)
		return true;
	if (!notify_add(call, &new, &batch, err))
		return false;
	notify_push(call, batch);
	return true;
}

/* Somebody asks for something: those who can decide hear of it, without the one who asks. */
static bool
tell_created(const struct call *call, const struct title_request *r, struct strings *told,
    struct error *err)
{
	struct strings keepers;
	const char **users;
	size_t n = 0;

	if (!notify_holders(call, PERM_INTEGRATIONS_CONFIGURE, &keepers, NULL, err))
		return false;
	users = arena_array(call->arena, keepers.n + 2, sizeof(*users));
	for (size_t i = 0; i < keepers.n; i++)
		if (!str_eq(keepers.items[i], r->requested_by))
			users[n++] = keepers.items[i];
	*told = (struct strings) { users, n };
	users[n] = r->requested_by;
	if (!store_requests_hold_people(call->svc->db, call->arena,
		(struct strings) { users, n + (r->requested_by != NULL) }, err))
		return false;
	return tell(call, r, "request.created",
	    arena_printf(call->arena, "%s requested it.",
		r->requester_name != NULL     ? r->requester_name :
		    r->overseerr_name != NULL ? r->overseerr_name :
						"Somebody"),
	    *told, err);
}

static const char *
note_text(const struct call *call, size_t i, const struct title_request *r)
{
	return notes[i].status == TITLE_DECLINED && r->reason != NULL ?
	    arena_printf(call->arena, "%s %s", notes[i].message, r->reason) :
	    notes[i].message;
}

/* What the requester has to hear of the status: index of the note, NOTES for nothing. */
static size_t
note_of(const struct title_request *r)
{
	/* What is loading or there has been approved; that it is there says so. */
	enum title_status status = r->status == TITLE_PROCESSING ? TITLE_APPROVED : r->status;

	for (size_t i = 0; i < NOTES; i++)
		if (notes[i].status == status && (r->told & notes[i].told) == 0)
			return i;
	return NOTES;
}

/* The bits after a note: another decision can be told again. */
static int64_t
told_after(int64_t told, size_t note)
{
	if (notes[note].status == TITLE_DECLINED)
		return notes[note].told;
	return (told | notes[note].told | REQUEST_TOLD_APPROVED) & ~REQUEST_TOLD_DECLINED;
}

/* Each state once: the row, which is locked, remembers what was told. */
static bool
tell_status(const struct call *call, const struct request_news *news, struct title_request *r,
    struct strings *told, struct error *err)
{
	size_t note = note_of(r);
	bool to_requester = r->requested_by != NULL && !news->by_requester;
	const char **users;

	if (note == NOTES)
		return true;
	r->told = told_after(r->told, note);
	users = arena_array(call->arena, told->n + 1, sizeof(*users));
	for (size_t i = 0; i < told->n; i++)
		users[i] = told->items[i];
	users[told->n] = r->requested_by;
	*told = (struct strings) { users, told->n + (to_requester ? 1 : 0) };
	return tell(call, r, notes[note].kind, note_text(call, note, r),
	    (struct strings) { users + told->n - (to_requester ? 1 : 0), to_requester ? 1 : 0 },
	    err);
}

/* The row as Overseerr says it is. */
static void
take(const struct request_news *news, struct title_request *r)
{
	const struct overseerr_request *said = news->said;

	r->overseerr_id = said->id;
	r->request_state = said->request_state;
	r->media_state = said->media_state;
	r->status = status_of(said, r->status);
	r->fetched_at = news->asked_at;
	r->updated_at = said->updated_at > 0 ? said->updated_at : news->asked_at;
	r->overseerr_user = said->by.id;
	r->overseerr_name = said->by.name;
	if (said->nseasons > 0) {
		memcpy(r->seasons.numbers, said->seasons, sizeof(r->seasons.numbers));
		r->seasons.n = said->nseasons;
	}
	if (news->title != NULL) {
		r->title = news->title->title;
		r->year = news->title->year;
		r->poster = news->title->poster != NULL ? news->title->poster : "";
	}
	r->failure_code = r->status == TITLE_FAILED ? "download_failed" : NULL;
	r->failure_message = r->status == TITLE_FAILED ?
	    "Overseerr could not hand it to the program that fetches it. It can be tried again." :
	    NULL;
	r->retry_at = 0;
	/* A reason stays while it is being declined. */
	if (r->status != TITLE_PENDING && r->status != TITLE_DECLINED)
		r->reason = NULL;
}

_Static_assert(REQUEST_SEASONS_MAX == OVERSEERR_SEASONS_MAX, "seasons are copied");

static bool
differs(const struct title_request *a, const struct title_request *b)
{
	return a->overseerr_id != b->overseerr_id || a->request_state != b->request_state ||
	    a->media_state != b->media_state || a->status != b->status ||
	    a->overseerr_user != b->overseerr_user ||
	    !str_eq(a->overseerr_name, b->overseerr_name) || !str_eq(a->title, b->title) ||
	    !str_eq(a->poster, b->poster) || !str_eq(a->requested_by, b->requested_by) ||
	    a->seasons.n != b->seasons.n || !str_eq(a->failure_code, b->failure_code) ||
	    a->retry_at != b->retry_at || !str_eq(a->reason, b->reason);
}

/* Whose it is: fixed for those that were made here. */
static bool
owner(const struct call *call, struct title_request *r, struct error *err)
{
	return (r->made_here && r->requested_by != NULL) ||
	    store_request_owner(call->svc->db, call->arena, r->overseerr_user, &r->requested_by,
		err);
}

static bool
add(const struct call *call, const struct request_news *news, struct title_request *r,
    struct error *err)
{
	char *id = arena_alloc(call->arena, UUID_TEXT);
	struct strings told = { NULL, 0 };
	int64_t removals;

	if (!store_requests_removals(call->svc->db, call->arena, &removals, err))
		return false;
	if (removals != news->removals) {
		r->id = NULL;
		return true;
	}
	uuid_v7(id);
	*r = (struct title_request) { .id = id,
		.media_type = news->said->media_type,
		.tmdb_id = news->said->tmdb_id,
		.is4k = news->said->is4k,
		.newest_before = -1,
		.created_at =
		    news->said->created_at > 0 ? news->said->created_at : news->asked_at };
	take(news, r);
	if (!owner(call, r, err))
		return false;
	if (news->quiet) {
		for (size_t note = note_of(r); note < NOTES; note = note_of(r))
			r->told = told_after(r->told, note);
		return store_request_add(call->svc->db, call->arena, r, err);
	}
	return tell_created(call, r, &told, err) && tell_status(call, news, r, &told, err) &&
	    store_request_add(call->svc->db, call->arena, r, err) &&
	    request_changed(call, r, false, told.items, told.n, err);
}

static bool
change(const struct call *call, const struct request_news *news, struct title_request *r,
    struct error *err)
{
	struct title_request before = *r;
	struct strings told = { NULL, 0 };
	bool asked = r->overseerr_id == 0; /* nobody has heard of it yet */

	take(news, r);
	if (!owner(call, r, err))
		return false;
	if (!differs(&before, r))
		return true;
	if ((asked && !tell_created(call, r, &told, err)) ||
	    !tell_status(call, news, r, &told, err) ||
	    !store_request_update(call->svc->db, call->arena, r, err))
		return false;
	return (before.status == r->status && !asked) ||
	    request_changed(call, r, false, told.items, told.n, err);
}

bool
requests_poster_came(const struct call *call, const char *path, struct error *err)
{
	struct title_request *rows;
	size_t n;

	if (!store_requests_posted(call->svc->db, call->arena, path, POSTED_MAX, &rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!request_changed(call, &rows[i], false, NULL, 0, err))
			return false;
	return true;
}

/* Not counted as a removal: what is listed instead of it is newer. */
static bool
replace(const struct call *call, const struct title_request *r, struct error *err)
{
	bool was_there;

	return store_request_delete(call->svc->db, call->arena, r->id, &was_there, err) &&
	    request_changed(call, r, true, NULL, 0, err);
}

bool
request_apply(const struct call *call, const struct request_news *news, struct title_request *out,
    struct error *err)
{
	const struct overseerr_request *said = news->said;
	const struct title_request like = { .overseerr_id = said->id,
		.overseerr_user = said->by.id,
		.media_type = said->media_type,
		.tmdb_id = said->tmdb_id,
		.is4k = said->is4k };

	out->id = NULL;
	if (said->tmdb_id <= 0 || said->by.id <= 0)
		return true;
	if (!store_request_match(call->svc->db, call->arena, &like, out, err))
		return false;
	/* Numbers are given again: another title under it is another request. */
	if (out->id != NULL &&
	    (out->tmdb_id != said->tmdb_id || !str_eq(out->media_type, said->media_type))) {
		if (!replace(call, out, err))
			return false;
		out->id = NULL;
	}
	if (out->id == NULL)
		return add(call, news, out, err);
	if (out->fetched_at > news->asked_at)
		return true;
	return change(call, news, out, err);
}

bool
request_gone(const struct call *call, const char *id, struct error *err)
{
	struct title_request r;
	bool was_there;

	if (!store_request_lock(call->svc->db, call->arena, id, &r, err))
		return false;
	return r.id == NULL ||
	    (store_request_delete(call->svc->db, call->arena, id, &was_there, err) &&
		store_requests_removed(call->svc->db, call->arena, err) &&
		request_changed(call, &r, true, NULL, 0, err));
}
