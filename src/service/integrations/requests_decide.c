/* Approving, declining, retrying and removing: in Overseerr first, then here. */
#include <string.h>

#include "core/access.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "service/audit.h"
#include "service/call.h"
#include "service/integrations/overseerr_internal.h"
#include "service/integrations/requests.h"
#include "service/integrations/requests_internal.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_requests.h"

#include "core/banned.h"

/* It has no number in Overseerr yet. */
static bool
undecided(struct error *err)
{
	return error_set(err, ERR_CONFLICT,
	    "It is not known yet whether Overseerr has this request. Try again in a minute.");
}

static bool
not_there(struct error *err)
{
	return error_set(err, ERR_CONFLICT,
	    "Overseerr does not have this request. Ask for the title again.");
}

/* In a transaction: what is to become of it, in the audit log. */
static bool
note(const struct call *call, const char *id, const char *what, const char *reason,
    struct error *err)
{
	struct json *j = json_new(call->arena, 0);
	struct audit_event event = { .action = arena_printf(call->arena, "request.%s", what),
		.target_type = "request",
		.target_id = id };

	json_object(j, NULL);
	json_opt_str(j, "reason", reason);
	json_object_end(j);
	event.detail = j->buf.data;
	return audit_add(call, &event, err);
}

/*
 * In a transaction. Overseerr has no field for a reason, so it is kept here before Overseerr is
 * asked: the state may come by a webhook before the answer.
 */
static bool
reason_in(const struct call *call, const char *id, const char *reason, struct error *err)
{
	struct title_request row;

	if (!store_request_lock(call->svc->db, call->arena, id, &row, err))
		return false;
	if (row.id == NULL)
		return error_set(err, ERR_NOT_FOUND, "There is no such request.");
	row.reason = reason;
	return store_request_update(call->svc->db, call->arena, &row, err);
}

/* In a transaction. */
static bool
decided_in(const struct call *call, struct request_news *news, const char *what, const char *reason,
    struct error *err)
{
	struct title_request row;

	/* A decision about what has been removed meanwhile adds nothing. */
	news->removals = -1;
	return request_apply(call, news, &row, err) &&
	    (row.id == NULL || note(call, row.id, what, reason, err));
}

static bool
gone(const struct call *call, const char *id, struct error *err)
{
	struct db *db = call->svc->db;

	if (!db_begin(db, err) || !db_end(db, request_gone(call, id, err), err))
		return false;
	return error_set(err, ERR_NOT_FOUND, "This request is not in Overseerr any more.");
}

/* Overseerr says 'not found' for other failures too: is the request there? */
static enum answer_kind
decide(const struct call *call, const struct overseerr *client, int64_t number, const char *what,
    struct overseerr_request *said, struct error *err)
{
	enum answer_kind kind = overseerr_decide(call->arena, client, number, what, said, err);

	if (kind != ANSWER_ABSENT)
		return kind;
	kind = overseerr_request(call->arena, client, number, said, err);
	if (kind == ANSWER_PRESENT)
		error_slug(err, ERR_UPSTREAM, "upstream_failed",
		    "Overseerr could not do that. Its log says why.");
	return kind == ANSWER_ABSENT ? ANSWER_ABSENT : ANSWER_UNKNOWN;
}

static bool
decide_upstream(const struct call *call, const struct title_request *row, const char *what,
    const char *reason, struct error *err)
{
	struct db *db = call->svc->db;
	struct overseerr_request said;
	struct request_news news = { .said = &said, .asked_at = clock_now() };
	struct overseerr client;
	enum answer_kind kind;
	int slot;

	if (!overseerr_enter(call, &client, &slot, err))
		return false;
	kind = decide(call, &client, row->overseerr_id, what, &said, err);
	overseerr_leave(slot);
	if (kind == ANSWER_UNKNOWN && str_eq(error_slug_of(err), "upstream_failed"))
		return false;
	overseerr_said(call, kind, err);
	if (kind != ANSWER_PRESENT)
		return kind == ANSWER_ABSENT && gone(call, row->id, err);
	said.media_type = row->media_type;
	said.tmdb_id = row->tmdb_id;
	return db_begin(db, err) && db_end(db, decided_in(call, &news, what, reason, err), err);
}

bool
requests_decide(const struct call *call, const char *id, const char *what, const char *reason,
    struct requests *requests, struct error *err)
{
	struct db *db = call->svc->db;

	if (!requests_get(call, id, requests, err))
		return false;
	if (requests->items->overseerr_id == 0)
		return requests->items->failure_code == NULL ? undecided(err) : not_there(err);
	if (str_eq(what, "decline") &&
	    (!db_begin(db, err) || !db_end(db, reason_in(call, id, reason, err), err)))
		return false;
	return decide_upstream(call, requests->items, what, reason, err) &&
	    requests_get(call, id, requests, err);
}

/* In a transaction. */
static bool
remove_in(const struct call *call, const char *id, struct error *err)
{
	return request_gone(call, id, err) && note(call, id, "removed", NULL, err);
}

static bool
remove_upstream(const struct call *call, const struct title_request *row, struct error *err)
{
	bool own = str_eq(row->requested_by, call->by.who->user_id) &&
	    !principal_may(call->by.who, PERM_INTEGRATIONS_CONFIGURE);
	struct overseerr client;
	enum answer_kind kind;
	int slot;

	if (!overseerr_enter(call, &client, &slot, err))
		return false;
	/* Overseerr decides what its users may take back. */
	client.user = own ? row->overseerr_user : 0;
	kind = overseerr_remove(call->arena, &client, row->overseerr_id, err);
	overseerr_leave(slot);
	if (own && kind == ANSWER_UNKNOWN && str_eq(error_slug_of(err), "overseerr_unauthorized"))
		return error_slug(err, ERR_FORBIDDEN, "request_refused",
		    "Overseerr does not let you remove this request.");
	overseerr_said(call, kind, err);
	return kind != ANSWER_UNKNOWN;
}

bool
requests_remove(const struct call *call, const char *id, struct error *err)
{
	struct db *db = call->svc->db;
	struct requests requests;

	if (!requests_get(call, id, &requests, err))
		return false;
	if (requests.items->overseerr_id == 0 && requests.items->failure_code == NULL)
		return undecided(err);
	if (requests.items->overseerr_id != 0 && !remove_upstream(call, requests.items, err))
		return false;
	return db_begin(db, err) && db_end(db, remove_in(call, id, err), err);
}
