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
#include "service/account/credentials.h"
#include "service/account/login.h"
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

/* Creates the PIN at plex.tv and keeps it; `row` says whose it is. */
static bool
begin(const struct call *call, struct store_plex_pin *row, struct plex_signin_pin *out,
    struct error *err)
{
	char id[UUID_TEXT], fresh[UUID_TEXT];
	struct plex_pin pin;
	struct plex_tv tv;

	uuid_v7(fresh);
	if (!store_plex_client_id(call->svc->db, call->arena, fresh, &row->client_id, err))
		return false;
	tv = plex_tv_of(call->svc, row->client_id);
	if (plex_tv_pin_create(call->arena, &tv, &pin, err) != ANSWER_PRESENT)
		return false;
	uuid_v7(id);
	row->id = id;
	row->plex_pin_id = pin.id;
	row->expires_at = clock_now() + pin.expires_in * US_PER_SEC;
	if (!store_plex_pin_add(call->svc->db, call->arena, row, err))
		return false;
	*out = (struct plex_signin_pin) { arena_strdup(call->arena, id), pin.code,
		auth_url(call->arena, row->client_id, pin.code), row->expires_at };
	return true;
}

bool
plex_signin_begin(const struct call *call, const struct login_proof *proof,
    struct plex_signin_pin *out, struct error *err)
{
	struct store_plex_pin row = { .address = call->by.address };
	struct verified verified;

	if (call->by.who->scoped)
		return error_slug(err, ERR_FORBIDDEN, "session_required",
		    "API tokens cannot do this. Sign in with your account.");
	if (call->by.who->user_id[0] == '\0')
		return begin(call, &row, out, err);
	if (proof->password == NULL)
		return error_field(err, "currentPassword", "required",
		    "must be given to link a Plex account");
	if (!login_prove(call, proof, &verified, err))
		return false;
	row.user_id = call->by.who->user_id;
	row.session_id = call->by.who->session_id;
	row.generation = verified.generation;
	return begin(call, &row, out, err);
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
	struct store_plex_pin pin;
	struct plex_account account;
};

/* A PIN that links is nobody's but the session's that began it. */
static bool
find_pin(const struct call *call, struct confirmed *c, struct error *err)
{
	if (!store_plex_pin_read(call->svc->db, call->arena, c->pin_id, &c->pin, err))
		return false;
	if (c->pin.id == NULL ||
	    (c->pin.user_id != NULL && !str_eq(c->pin.session_id, call->by.who->session_id)))
		return error_set(err, ERR_NOT_FOUND, "There is no such sign-in. Start again.");
	if (c->pin.over ||
	    (c->pin.user_id != NULL && c->pin.generation != call->by.who->generation))
		return pin_expired(err);
	return true;
}

/* token NULL: not confirmed yet. No transaction is open during the request to plex.tv. */
static bool
ask_plex(const struct call *call, struct confirmed *c, struct error *err)
{
	struct plex_tv tv = plex_tv_of(call->svc, c->pin.client_id);

	switch (plex_tv_pin_token(call->arena, &tv, c->pin.plex_pin_id, &c->token, err)) {
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
row_of(const struct call *call, const char *user_id, const struct confirmed *c,
    struct store_plex_account *row, struct error *err)
{
	*row = (struct store_plex_account) {
		.user_id = user_id,
		.plex_id = c->account.id,
		.name = c->account.name,
	};
	return seal_text(call, (struct seal_place) { "users", user_id, "plex_token" }, c->token,
	    strlen(c->token), &row->sealed, err);
}

static bool
keep_account(const struct call *call, const char *user_id, const struct confirmed *c,
    struct error *err)
{
	struct store_plex_account account;
	bool linked;

	if (!row_of(call, user_id, c, &account, err))
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
tell(const struct call *call, enum mail_kind kind, const char *plex_name, struct error *err)
{
	return credentials_tell(call, call->by.who->user_id, kind,
	    plex_name == NULL ? NULL : arena_printf(call->arena, "Plex account: %s", plex_name),
	    err);
}

/* The PIN's session polls, so the PIN is good while that goes on, in the same generation. */
static bool
link_account(const struct call *call, const struct confirmed *c, struct error *err)
{
	const struct audit_event event = { .action = "plex.linked",
		.target_type = "user",
		.target_id = c->pin.user_id,
		.detail = account_detail(call->arena, &c->account) };
	const struct verified verified = {
		.user_id = c->pin.user_id,
		.generation = c->pin.generation,
	};

	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db,
		credentials_hold(call, &verified, err) && use_pin(call, c->pin_id, err) &&
		    keep_account(call, c->pin.user_id, c, err) && audit_add(call, &event, err) &&
		    tell(call, MAIL_PLEX_LINKED, c->account.name, err),
		err);
}

/* In the transaction. Renews what is kept of the account; person->user_id NULL: nobody has it. */
static bool
renew_account(const struct call *call, const struct confirmed *c, struct verified *person,
    struct error *err)
{
	struct store_plex_account account;
	struct verified now;
	bool linked;

	if (!row_of(call, person->user_id, c, &account, err) ||
	    !store_plex_renew(call->svc->db, call->arena, &account, person->generation, &linked,
		err))
		return false;
	if (linked)
		return true;
	/* Unlinked; or it is linked still, and the sign-in fails by what else has changed. */
	if (!store_plex_person(call->svc->db, call->arena, c->account.id, &now, err))
		return false;
	if (!str_eq(now.user_id, person->user_id))
		person->user_id = NULL;
	return true;
}

/* *person: who is linked to that Plex account. A refusal uses up the PIN too. */
static bool
recognise(const struct call *call, const struct confirmed *c, struct verified *person,
    struct error *err)
{
	if (!db_begin(call->svc->db, err) ||
	    !db_end(call->svc->db,
		use_pin(call, c->pin_id, err) &&
		    store_plex_person(call->svc->db, call->arena, c->account.id, person, err) &&
		    (person->user_id == NULL || renew_account(call, c, person, err)),
		err))
		return false;
	if (person->user_id == NULL)
		return error_slug(err, ERR_FORBIDDEN, "plex_not_linked",
		    "No account is linked to this Plex account. Sign in and link it first.");
	return !person->totp_enabled ||
	    error_slug(err, ERR_UNAUTHENTICATED, "totp_required",
		"Your account uses two-step verification. Sign in with your password and a code.");
}

bool
plex_signin_poll(const struct call *call, const char *id, enum plex_poll *poll,
    struct session_grant *grant, struct error *err)
{
	struct confirmed c = { .pin_id = id };
	struct verified person;

	if (!find_pin(call, &c, err) || !ask_plex(call, &c, err))
		return false;
	*poll = c.token == NULL   ? PLEX_PENDING :
	    c.pin.user_id != NULL ? PLEX_LINKED :
				    PLEX_SIGNED_IN;
	switch (*poll) {
	case PLEX_PENDING: return true;
	case PLEX_LINKED: return link_account(call, &c, err);
	case PLEX_SIGNED_IN: break;
	}
	return recognise(call, &c, &person, err) && session_open(call, &person, grant, err);
}

/* In the transaction. */
static bool
unlink_in(const struct call *call, const struct verified *verified, struct error *err)
{
	const struct audit_event event = {
		.action = "plex.unlinked",
		.target_type = "user",
		.target_id = call->by.who->user_id,
	};
	bool was_linked;

	if (!credentials_hold(call, verified, err) ||
	    !store_plex_unlink(call->svc->db, call->arena, call->by.who->user_id, &was_linked, err))
		return false;
	return !was_linked ||
	    (audit_add(call, &event, err) && tell(call, MAIL_PLEX_UNLINKED, NULL, err));
}

bool
plex_unlink(const struct call *call, const struct verified *verified, struct error *err)
{
	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, unlink_in(call, verified, err), err);
}
