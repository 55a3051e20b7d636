#include "service/account/plex_signin.h"

#include <string.h>

#include "client/plex_tv.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/id.h"
#include "core/json.h"
#include "core/str.h"
#include "service/audit.h"
#include "service/call.h"
#include "service/seal.h"
#include "service/services.h"
#include "service/account/session.h"
#include "store/pg.h"
#include "store/store_plex.h"

#include "core/banned.h"

static struct plex_tv
plex_tv_of(const struct services *svc, const char *client_id)
{
	return (struct plex_tv) {
		.url = config_str(svc->config, CFG_PLEX_TV_URL),
		.rules = outbound_of(svc->config),
		.client_id = client_id,
		.deadline = clock_monotonic() + PLEX_SIGNIN_MS * US_PER_MS,
	};
}

static const char *
auth_url(struct arena *arena, const char *client_id, const char *code)
{
	struct buf url;

	buf_init(&url, arena, 0);
	buf_adds(&url, PLEX_AUTH_PAGE "?clientID=");
	url_encode(&url, client_id, strlen(client_id), false);
	buf_adds(&url, "&code=");
	url_encode(&url, code, strlen(code), false);
	buf_adds(&url, "&context%5Bdevice%5D%5Bproduct%5D=" PLEX_PRODUCT);
	return url.data;
}

bool
plex_signin_begin(const struct call *call, struct plex_signin_pin *out, struct error *err)
{
	struct store_plex_pin row = {
		.user_id = call->by.who->user_id[0] != '\0' ? call->by.who->user_id : NULL,
		.address = call->by.address,
	};
	char id[UUID_TEXT], fresh[UUID_TEXT];
	struct plex_pin pin;
	struct plex_tv tv;

	if (call->by.who->scoped)
		return error_slug(err, ERR_FORBIDDEN, "session_required",
		    "API tokens cannot do this. Sign in with your account.");
	uuid_v7(fresh);
	if (!store_plex_client_id(call->svc->db, call->arena, fresh, &row.client_id, err))
		return false;
	tv = plex_tv_of(call->svc, row.client_id);
	if (plex_tv_pin_create(call->arena, &tv, &pin, err) != ANSWER_PRESENT)
		return false;
	uuid_v7(id);
	row.id = id;
	row.plex_pin_id = pin.id;
	row.expires_at = clock_now() + pin.expires_in * US_PER_SEC;
	if (!store_plex_pin_add(call->svc->db, call->arena, &row, err))
		return false;
	*out = (struct plex_signin_pin) { arena_strdup(call->arena, id), pin.code,
		auth_url(call->arena, row.client_id, pin.code), row.expires_at };
	return true;
}

static bool
pin_expired(struct error *err)
{
	return error_slug(err, ERR_NOT_FOUND, "pin_expired",
	    "This sign-in has been used or has expired. Start again.");
}

/* A confirmed PIN as plex.tv reported it. */
struct confirmed {
	const char *pin_id, *token;
	struct plex_account account;
};

/*
 * *token NULL: not confirmed yet. *linking: the person whom the PIN links, or NULL. No transaction
 * is open during the request to plex.tv.
 */
static bool
ask_plex(const struct call *call, struct confirmed *c, const char **linking, struct error *err)
{
	bool by_somebody = call->by.who->user_id[0] != '\0';
	struct store_plex_pin pin;
	struct plex_tv tv;

	if (!store_plex_pin_read(call->svc->db, call->arena, c->pin_id, &pin, err))
		return false;
	if (pin.id == NULL ||
	    (by_somebody && pin.user_id != NULL && !str_eq(pin.user_id, call->by.who->user_id)))
		return error_set(err, ERR_NOT_FOUND, "There is no such sign-in. Start again.");
	if (pin.over)
		return pin_expired(err);
	*linking = pin.user_id;
	tv = plex_tv_of(call->svc, pin.client_id);
	switch (plex_tv_pin_token(call->arena, &tv, pin.plex_pin_id, &c->token, err)) {
	case ANSWER_PRESENT: break;
	case ANSWER_ABSENT: return pin_expired(err);
	case ANSWER_UNKNOWN: return false;
	}
	return c->token == NULL ||
	    plex_tv_account(call->arena, &tv, c->token, &c->account, err) == ANSWER_PRESENT;
}

/* The PIN works once: of two polls at the same time only one continues. */
static bool
use_pin(const struct call *call, const char *pin_id, struct error *err)
{
	bool fresh;

	return store_plex_pin_use(call->svc->db, call->arena, pin_id, &fresh, err) &&
	    (fresh || pin_expired(err));
}

static bool
keep_account(const struct call *call, const char *user_id, const struct confirmed *c,
    struct error *err)
{
	struct store_plex_account account = {
		.user_id = user_id,
		.plex_id = c->account.id,
		.name = c->account.name,
	};
	bool linked;

	if (!seal_text(call, (struct seal_place) { "users", user_id, "plex_token" }, c->token,
		strlen(c->token), &account.sealed, err))
		return false;
	if (!store_plex_link(call->svc->db, call->arena, &account, &linked, err)) {
		if (db_violated(err, "users_plex_id_key"))
			error_slug(err, ERR_CONFLICT, "plex_taken",
			    "This Plex account is already linked to another person.");
		return false;
	}
	return linked ||
	    error_slug(err, ERR_UNAUTHENTICATED, "invalid_credentials",
		"This account is not active.");
}

static const char *
account_detail(struct arena *arena, const struct plex_account *account)
{
	struct json *j = json_new(arena, 0);

	json_object(j, NULL);
	json_put_str(j, "plexId", account->id);
	json_put_str(j, "plexName", account->name);
	json_object_end(j);
	return j->buf.data;
}

static bool
link_account(const struct call *call, const char *user_id, const struct confirmed *c,
    struct error *err)
{
	const struct audit_event event = { .action = "plex.linked",
		.target_type = "user",
		.target_id = user_id,
		.detail = account_detail(call->arena, &c->account) };
	struct principal who = { 0 };
	struct call theirs = *call;

	/* This person requested the PIN, even if someone else polls it. */
	str_copy(who.user_id, sizeof(who.user_id), user_id);
	theirs.by.who = &who;
	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db,
		use_pin(call, c->pin_id, err) && keep_account(call, user_id, c, err) &&
		    audit_add(&theirs, &event, err),
		err);
}

/* *user_id: the person linked to that Plex account. A refusal uses up the PIN too. */
static bool
recognise(const struct call *call, const struct confirmed *c, const char **user_id,
    struct error *err)
{
	bool totp;

	if (!db_begin(call->svc->db, err) ||
	    !db_end(call->svc->db,
		use_pin(call, c->pin_id, err) &&
		    store_plex_person(call->svc->db, call->arena, c->account.id, user_id, &totp,
			err) &&
		    (*user_id == NULL || keep_account(call, *user_id, c, err)),
		err))
		return false;
	if (*user_id == NULL)
		return error_slug(err, ERR_FORBIDDEN, "plex_not_linked",
		    "No account is linked to this Plex account. Sign in and link it first.");
	return !totp ||
	    error_slug(err, ERR_UNAUTHENTICATED, "totp_required",
		"Your account uses two-step verification. Sign in with your password and a code.");
}

bool
plex_signin_poll(const struct call *call, const char *id, bool *pending,
    struct session_grant *grant, struct error *err)
{
	struct confirmed c = { .pin_id = id };
	const char *user_id = NULL;

	if (!ask_plex(call, &c, &user_id, err))
		return false;
	*pending = c.token == NULL;
	if (*pending)
		return true;
	if (!(user_id != NULL ? link_account(call, user_id, &c, err) :
				recognise(call, &c, &user_id, err)))
		return false;
	return session_open(call, user_id, grant, err);
}

bool
plex_unlink(const struct call *call, struct error *err)
{
	const struct audit_event event = {
		.action = "plex.unlinked",
		.target_type = "user",
		.target_id = call->by.who->user_id,
	};
	bool was_linked;

	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db,
		store_plex_unlink(call->svc->db, call->arena, call->by.who->user_id, &was_linked,
		    err) &&
		    (!was_linked || audit_add(call, &event, err)),
		err);
}
