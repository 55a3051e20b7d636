/* Who is who in Overseerr: by linked Plex accounts, or as an admin says; never by e-mail. */
#include "service/integrations/overseerr.h"
#include "service/integrations/overseerr_internal.h"

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "service/audit.h"
#include "service/call.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_overseerr.h"

#include "core/banned.h"

struct learning {
	const struct call *call;
	int64_t at;
};

static bool
learn_page(void *context, struct arena *arena, const void *items, size_t n, struct error *err)
{
	const struct learning *l = context;
	const struct overseerr_account *accounts = items;
	struct overseerr_user *users = arena_array(arena, n + 1, sizeof(*users));

	for (size_t i = 0; i < n; i++)
		users[i] = (struct overseerr_user) { .id = accounts[i].id,
			.name = accounts[i].name,
			.plex_id = accounts[i].plex_id };
	return store_overseerr_users_put(l->call->svc->db, arena, users, n, l->at, err);
}

/* In the transaction. Only a complete list shows who is not there any more. */
static bool
match_in(const struct call *call, int64_t at, bool whole, struct error *err)
{
	return (!whole || store_overseerr_users_drop(call->svc->db, call->arena, at, err)) &&
	    store_overseerr_match(call->svc->db, call->arena, err);
}

bool
overseerr_learn_people(const struct call *call, const struct overseerr *client, bool *whole,
    struct error *err)
{
	struct learning l = { call, clock_now() };
	struct overseerr_list list = { .page = learn_page, .context = &l };

	if (overseerr_accounts(call->arena, client, &list, err) == ANSWER_UNKNOWN)
		return false;
	*whole = list.whole;
	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, match_in(call, l.at, list.whole, err), err);
}

bool
overseerr_people(const struct call *call, struct overseerr_people *people, struct error *err)
{
	struct db *db = call->svc->db;
	struct overseerr_settings settings;

	return overseerr_get(call, &settings, err) &&
	    store_overseerr_people(db, call->arena, &people->people, &people->n, err) &&
	    store_overseerr_users(db, call->arena, &people->candidates, &people->ncandidates, err);
}

/* In the transaction. */
static bool
person_in(const struct call *call, const char *user_id, const struct overseerr_account *account,
    struct overseerr_person *person, struct error *err)
{
	const struct overseerr_user user = { account->id, account->name, account->plex_id };
	struct audit_event event = {
		.action = "overseerr.person_linked", .target_type = "user", .target_id = user_id
	};
	struct json *j = json_new(call->arena, 0);
	bool known;

	json_object(j, NULL);
	json_put_int(j, "overseerrId", account->id);
	json_object_end(j);
	event.detail = j->buf.data;
	if (account->id != 0 &&
	    !store_overseerr_users_put(call->svc->db, call->arena, &user, 1, clock_now(), err))
		return false;
	if (!store_overseerr_person_put(call->svc->db, call->arena, user_id, account->id, &known,
		err)) {
		if (db_violated(err, "overseerr_people_once"))
			error_slug(err, ERR_CONFLICT, "overseerr_taken",
			    "Somebody else is linked to this user of Overseerr.");
		return false;
	}
	if (!known)
		return error_set(err, ERR_NOT_FOUND, "There is no such person.");
	return store_overseerr_person_get(call->svc->db, call->arena, user_id, person, err) &&
	    audit_add(call, &event, err);
}

/* The user of Overseerr, as it says now. */
static bool
account_of(const struct call *call, int64_t overseerr_id, struct overseerr_account *account,
    struct error *err)
{
	struct overseerr client;
	enum answer_kind kind;
	int slot;

	if (!overseerr_enter(call, &client, &slot, err))
		return false;
	kind = overseerr_account(call->arena, &client, overseerr_id, account, err);
	overseerr_leave(slot);
	overseerr_said(call, kind, err);
	return kind == ANSWER_ABSENT ?
	    error_set(err, ERR_NOT_FOUND, "There is no such user in Overseerr.") :
	    kind == ANSWER_PRESENT;
}

bool
overseerr_person_set(const struct call *call, const char *user_id, int64_t overseerr_id,
    struct overseerr_person *person, struct error *err)
{
	struct overseerr_account account = { .id = 0, .name = "" };
	struct overseerr_settings settings;

	return overseerr_get(call, &settings, err) &&
	    (overseerr_id == 0 || account_of(call, overseerr_id, &account, err)) &&
	    db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, person_in(call, user_id, &account, person, err), err);
}
