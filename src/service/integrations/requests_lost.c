/*
 * Requests that Overseerr made in another name than the one that was meant. Its answer says so;
 * where the process that asked has ended before it read that, the next list finds it.
 */
#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "core/str.h"
#include "service/audit.h"
#include "service/call.h"
#include "service/integrations/requests.h"
#include "service/integrations/requests_internal.h"
#include "service/notify/alert.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_requests.h"

#include "core/banned.h"

#define LOST_MAX 20    /* looked at in one run */
#define NEWEST_MAX 100 /* of Overseerr's, to look among */

/* In the transaction: a list may have shown it meanwhile, or be about to. */
static bool
forget(const struct call *call, int64_t number, struct error *err)
{
	const struct title_request like = { .overseerr_id = number, .media_type = "" };
	struct title_request row;

	return store_request_match(call->svc->db, call->arena, &like, &row, err) &&
	    (row.id == NULL || request_gone(call, row.id, err)) &&
	    store_requests_removed(call->svc->db, call->arena, err);
}

bool
request_wrong_name(const struct call *call, const struct title_request *wanted,
    const struct overseerr_request *made, bool back, struct error *err)
{
	struct json *j = json_new(call->arena, 0);
	struct audit_event event = {
		.action = "request.acting_failed", .target_type = "request", .target_id = wanted->id
	};
	struct alert_told told = { .rule = ALERT_WRONG_NAME,
		.subject = wanted->id,
		.message = arena_printf(call->arena,
		    "Overseerr made the request for '%s' in another name than that of %s, or"
		    " approved it on its own. %s Check that no proxy in front of Overseerr"
		    " removes the header X-API-User.",
		    request_name(call->arena, wanted),
		    wanted->overseerr_name != NULL ? wanted->overseerr_name : "its user",
		    back ? "It was taken back." :
			   "It could NOT be taken back: delete it in Overseerr.") };

	json_object(j, NULL);
	json_put_int(j, "overseerrRequest", made->id);
	json_put_int(j, "askedAs", wanted->overseerr_user);
	json_put_int(j, "madeBy", made->by.id);
	json_put_bool(j, "takenBack", back);
	json_object_end(j);
	event.detail = told.data = j->buf.data;
	return (!back || forget(call, made->id, err)) && audit_add(call, &event, err) &&
	    alert_raise(call, &told, err);
}

struct lost {
	const struct call *call;
	const struct overseerr *client;
	const struct overseerr_account *owner;
	struct overseerr_request *newest; /* what Overseerr has, newest first */
	size_t n;
};

static bool
covers(const struct title_request *wanted, const struct overseerr_request *made)
{
	size_t found = 0;

	for (size_t i = 0; i < made->nseasons; i++)
		for (size_t k = 0; k < wanted->seasons.n; k++)
			found += made->seasons[i] == wanted->seasons.numbers[k];
	return wanted->seasons.n == 0 || found == made->nseasons;
}

/* Newer than the question, about the same, and of the key's owner? */
static bool
fits(const struct lost *l, const struct title_request *wanted, const struct overseerr_request *made)
{
	return made->id > wanted->newest_before && made->by.id == l->owner->id &&
	    made->tmdb_id == wanted->tmdb_id && made->is4k == wanted->is4k &&
	    str_eq(made->media_type, wanted->media_type) && covers(wanted, made);
}

/* The one that fits; NULL: none, or several. */
static const struct overseerr_request *
candidate(const struct lost *l, const struct title_request *wanted)
{
	const struct overseerr_request *found = NULL;

	for (size_t i = 0; i < l->n; i++)
		if (fits(l, wanted, &l->newest[i])) {
			if (found != NULL)
				return NULL;
			found = &l->newest[i];
		}
	return found;
}

/* Has somebody here asked for it who is the key's owner there? In a transaction. */
static bool
owners_own(const struct lost *l, const struct overseerr_request *made, bool *is, struct error *err)
{
	const struct title_request like = { .overseerr_id = made->id,
		.overseerr_user = l->owner->id,
		.media_type = made->media_type,
		.tmdb_id = made->tmdb_id,
		.is4k = made->is4k };
	struct title_request row;

	if (!store_request_match(l->call->svc->db, l->call->arena, &like, &row, err))
		return false;
	*is = row.id != NULL && row.made_here;
	return true;
}

/*
 * The proof: what is asked as that user is answered as to the key's owner. Where the name arrives,
 * the owner has made the request in person.
 */
static enum answer_kind
name_is_lost(const struct lost *l, const struct title_request *wanted, struct error *err)
{
	struct overseerr as = *l->client;
	struct overseerr_account me;

	as.user = wanted->overseerr_user;
	if (overseerr_me(l->call->arena, &as, &me, err) != ANSWER_PRESENT)
		return ANSWER_UNKNOWN;
	return me.id == l->owner->id ? ANSWER_PRESENT : ANSWER_ABSENT;
}

/* In a transaction: the list says what became of it. */
static bool
taken_in(const struct lost *l, const char *id, const struct overseerr_request *made, bool back,
    struct error *err)
{
	struct title_request row;

	if (!store_request_lock(l->call->svc->db, l->call->arena, id, &row, err))
		return false;
	if (row.id == NULL)
		return true;
	row.status = TITLE_FAILED;
	row.failure_code = "acting_failed";
	row.failure_message =
	    "Overseerr did not make the request in your name. The admins have been"
	    " told.";
	return store_request_update(l->call->svc->db, l->call->arena, &row, err) &&
	    request_wrong_name(l->call, &row, made, back, err) &&
	    request_changed(l->call, &row, false, NULL, 0, err);
}

static bool
take_one(const struct lost *l, const struct title_request *wanted, bool *sure, struct error *err)
{
	const struct overseerr_request *made = candidate(l, wanted);
	struct db *db = l->call->svc->db;
	enum answer_kind lost;
	struct error why;
	bool own = false, back;

	if (made == NULL)
		return true;
	if (!db_begin(db, err) || !db_end(db, owners_own(l, made, &own, err), err))
		return false;
	if (own)
		return true;
	lost = name_is_lost(l, wanted, &why);
	if (lost != ANSWER_PRESENT) {
		*sure = *sure && lost == ANSWER_ABSENT;
		return true;
	}
	back = overseerr_remove(l->call->arena, l->client, made->id, &why) != ANSWER_UNKNOWN;
	return db_begin(db, err) && db_end(db, taken_in(l, wanted->id, made, back, err), err);
}

bool
requests_take_back(const struct call *call, const struct overseerr *client,
    const struct overseerr_account *owner, int64_t at, bool *sure, struct error *err)
{
	struct lost l = { .call = call, .client = client, .owner = owner };
	struct title_request *rows;
	struct error why;
	size_t n, looked = 0;

	*sure = true;
	if (!store_requests_unasked(call->svc->db, call->arena, at, &rows, &n, err))
		return false;
	for (size_t i = 0; i < n && looked < LOST_MAX; i++) {
		if (rows[i].newest_before < 0 || rows[i].overseerr_user == owner->id)
			continue;
		if (looked++ == 0) {
			l.newest = arena_array(call->arena, NEWEST_MAX, sizeof(*l.newest));
			*sure = overseerr_newest(call->arena, client, l.newest, NEWEST_MAX, &l.n,
				    &why) == ANSWER_PRESENT;
		}
		if (l.newest == NULL || !*sure)
			return true;
		if (!take_one(&l, &rows[i], sure, err))
			return false;
	}
	*sure = *sure && looked < LOST_MAX;
	return true;
}
