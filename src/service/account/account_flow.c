#include "service/account/account_flow.h"

#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/id.h"
#include "core/str.h"
#include "service/account/accounts.h"
#include "service/account/credentials.h"
#include "service/audit.h"
#include "service/call.h"
#include "service/account/invites.h"
#include "service/account/login.h"
#include "service/account/mail_link.h"
#include "service/account/people.h"
#include "service/notify/hook_out.h"
#include "service/notify/mail.h"
#include "service/account/revoke.h"
#include "service/services.h"
#include "service/account/session.h"
#include "service/account/time_zone.h"
#include "store/pg.h"
#include "store/store_account_flow.h"
#include "store/store_accounts.h"
#include "store/store_invites.h"
#include "store/store_people.h"
#include "store/store_sessions.h"

#include "core/banned.h"

static bool
link_invalid(struct error *err)
{
	return error_slug(err, ERR_UNPROCESSABLE, "link_invalid",
	    "This link has been used, has expired or is incomplete. Request a new one.");
}

static bool
need_mail(struct services *svc, struct error *err)
{
	return mail_configured(svc->config) ||
	    error_slug(err, ERR_UNAVAILABLE, "mail_unavailable",
		"This server cannot send mail. Ask its operator to set smtp.host.");
}

/* An account that is being made of a registration. */
struct registered {
	const char *email, *display_name, *password_hash;
	enum role role;
	enum tier tier;
};

/* In the transaction. ERR_CONFLICT on users_email_key if the address has an account. */
static bool
add_account(const struct call *call, const struct registered *new, char id[UUID_TEXT],
    struct error *err)
{
	const struct account_new row = { id, new->email, new->display_name, role_name(new->role),
		new->password_hash };
	const struct store_person_change tier = { .tier = tier_name(new->tier) };
	const struct audit_event event = {
		.action = "user.registered",
		.target_type = "user",
		.target_id = id,
	};
	struct db *db = call->svc->db;

	uuid_v7(id);
	return store_account_insert(db, call->arena, &row, err) &&
	    store_person_change(db, call->arena, id, &tier, err) &&
	    store_account_confirmed(db, call->arena, id, err) &&
	    hook_out_user(call, id, role_name(new->role), err) && audit_add(call, &event, err);
}

/*
 * In the transaction: uses up the invitation and creates the account. Without a good invitation
 * nothing is said about the address.
 */
static bool
register_invited_in(const struct call *call, const struct invite_use *use, struct registered *new,
    char id[UUID_TEXT], struct error *err)
{
	struct invite invite;

	if (!invite_take(call, use, &invite, err))
		return false;
	new->role = invite.role;
	new->tier = invite.tier;
	if (!add_account(call, new, id, err))
		return db_violated(err, "users_email_key") ?
		    error_slug(err, ERR_CONFLICT, "email_taken", "%.100s already has an account",
			new->email) :
		    false;
	return store_invite_used(call->svc->db, call->arena, invite.id, id, err);
}

/* In the transaction: opens a session for an account that was just created. */
static bool
open_new(const struct call *call, const char *id, struct session_grant *grant, struct error *err)
{
	struct user user;

	return store_person_by_id(call->svc->db, call->arena, id, &user, err) &&
	    session_open(call,
		&(const struct verified) { .user_id = id, .generation = user.generation }, grant,
		err);
}

/* With an invitation: creates the account and opens a session. */
static bool
register_invited(const struct call *call, const struct registration *reg,
    struct session_grant *grant, struct error *err)
{
	const struct account_request req = {
		.email = reg->email, .password = reg->password, .display_name = reg->display_name
	};
	const struct invite_use use = { .token = reg->invite, .email = reg->email };
	char id[UUID_TEXT], hash[ARGON2_HASH_MAX];
	struct registered new = { .email = reg->email, .password_hash = hash };

	if (reg->invite == NULL)
		return error_slug(err, ERR_FORBIDDEN, "invite_required",
		    "You need an invitation to join. Ask the operator of this server for one.");
	return account_check(&req, &new.display_name, call->arena, err) &&
	    invite_check(call, &use, err) &&
	    password_hash(config_str(call->svc->config, CFG_RUN_DIR), reg->password, hash, err) &&
	    db_begin(call->svc->db, err) &&
	    db_end(call->svc->db,
		register_invited_in(call, &use, &new, id, err) && open_new(call, id, grant, err),
		err);
}

/* In the transaction: the same work for an address with an account and for one without. */
static bool
register_open_in(const struct call *call, struct store_mail_token *row, struct error *err)
{
	const struct mail_new known = { .kind = MAIL_KNOWN, .to = row->email };
	struct user user;
	bool full, sent;

	if (!mail_link_count(call, row->email, &full, err) ||
	    !store_person_by_email(call->svc->db, call->arena, row->email, &user, NULL, err))
		return false;
	return full ||
	    mail_link_send(call, LINK_REGISTER, row, user.id != NULL ? &known : NULL, &sent, err);
}

/* In open mode: sends a mail to any address; its link creates the account. */
static bool
register_open(const struct call *call, const struct registration *reg, struct error *err)
{
	struct account_request req = {
		.email = reg->email,
		.password = reg->password,
		.display_name = reg->display_name,
	};
	struct store_mail_token row = { .email = reg->email };
	char hash[ARGON2_HASH_MAX];

	if (!need_mail(call->svc, err) ||
	    !account_check(&req, &row.display_name, call->arena, err) ||
	    !password_hash(config_str(call->svc->config, CFG_RUN_DIR), reg->password, hash, err))
		return false;
	row.password_hash = hash;
	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, register_open_in(call, &row, err), err);
}

bool
account_register(const struct call *call, const struct registration *reg, bool *opened,
    struct session_grant *grant, struct error *err)
{
	const char *mode = config_str(call->svc->config, CFG_REGISTRATION_MODE);

	*opened = false;
	if (str_eq(mode, "closed"))
		return error_slug(err, ERR_FORBIDDEN, "registration_closed",
		    "This server does not accept new accounts.");
	if (str_eq(mode, "open") && reg->invite == NULL)
		return register_open(call, reg, err);
	*opened = true;
	return register_invited(call, reg, grant, err);
}

/* Creates the account of a confirmed registration. */
static bool
finish_registration(const struct call *call, const struct store_mail_token *token,
    struct error *err)
{
	const struct registered new = { .email = token->email,
		.display_name = token->display_name,
		.password_hash = token->password_hash,
		.role = ROLE_USER,
		.tier = TIER_STANDARD };
	char id[UUID_TEXT];

	return add_account(call, &new, id, err) ||
	    (db_violated(err, "users_email_key") && link_invalid(err));
}

static const char *
new_address(const struct call *call, const char *email)
{
	return arena_printf(call->arena, "New address: %s", email);
}

static bool
finish_email_change(const struct call *call, const struct store_mail_token *token,
    struct error *err)
{
	const struct audit_event event = {
		.action = "user.email_changed",
		.target_type = "user",
		.target_id = token->user_id,
	};

	/* Read before the change: it goes to the old address. */
	if (!credentials_tell(call, token->user_id, MAIL_EMAIL_LEFT,
		new_address(call, token->email), err))
		return false;
	if (!store_account_email(call->svc->db, call->arena, token->user_id, token->email, err))
		return db_violated(err, "users_email_key") ? link_invalid(err) : false;
	return audit_add(call, &event, err);
}

/* In a transaction: uses up the link with this token if it has one of the purposes. */
static bool
use_link(const struct call *call, const char *text, const char *purposes,
    struct store_mail_token *token, struct error *err)
{
	unsigned char hash[SHA256_SIZE];

	sha256(text, strlen(text), hash);
	*token = (struct store_mail_token) { .hash = hash };
	return store_mail_token_use(call->svc->db, call->arena, purposes, token, err) &&
	    (token->purpose != NULL || link_invalid(err));
}

/* In the transaction. */
static bool
confirm_in(const struct call *call, const char *text, struct error *err)
{
	struct store_mail_token token;

	if (!use_link(call, text, "{register,email}", &token, err))
		return false;
	return str_eq(token.purpose, "register") ? finish_registration(call, &token, err) :
						   finish_email_change(call, &token, err);
}

bool
account_confirm(const struct call *call, const char *token, struct error *err)
{
	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, confirm_in(call, token, err), err);
}

bool
account_forgot(const struct call *call, const char *email, struct error *err)
{
	return need_mail(call->svc, err) && db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, mail_link_ask_reset(call, email, err), err);
}

/* In a transaction: the password is changed; audit log and owner are told. */
static bool
set_password(const struct call *call, const struct credentials_change *change, const char *action,
    struct revocation *rev, struct error *err)
{
	const struct audit_event event = {
		.action = action,
		.target_type = "user",
		.target_id = change->user_id,
	};

	return credentials_changed(call, change, rev, err) && audit_add(call, &event, err) &&
	    credentials_tell(call, change->user_id, MAIL_PASSWORD_CHANGED, NULL, err);
}

/* In the transaction. */
static bool
reset_in(const struct call *call, const char *text, const char *hash, struct revocation *rev,
    struct error *err)
{
	struct credentials_change change = {
		.password_hash = hash,
		.end_tokens = true,
		.reason = "password reset",
	};
	struct store_mail_token token;

	if (!use_link(call, text, "{reset}", &token, err))
		return false;
	change.user_id = token.user_id;
	return set_password(call, &change, "user.password_reset", rev, err);
}

bool
account_reset(const struct call *call, const char *token, const char *password, struct error *err)
{
	char hash[ARGON2_HASH_MAX];
	struct revocation rev = { 0 };

	return account_check_password(password, "password", err) &&
	    password_hash(config_str(call->svc->config, CFG_RUN_DIR), password, hash, err) &&
	    db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, reset_in(call, token, hash, &rev, err), err) &&
	    revoke_push(call, &rev, err);
}

bool
account_password(const struct call *call, const struct password_new *new, struct error *err)
{
	const struct login_proof proof = { .password = new->current, .password_only = true };
	char hash[ARGON2_HASH_MAX];
	const struct credentials_change change = {
		.user_id = call->by.who->user_id,
		.password_hash = hash,
		.keep_session = call->by.who->session_id,
		.end_tokens = new->end_tokens,
		.reason = "password changed",
	};
	struct revocation rev = { 0 };
	struct verified verified;

	return account_check_password(new->password, "password", err) &&
	    login_prove(call, &proof, &verified, err) &&
	    password_hash(config_str(call->svc->config, CFG_RUN_DIR), new->password, hash, err) &&
	    db_begin(call->svc->db, err) &&
	    db_end(call->svc->db,
		credentials_hold(call, &verified, err) &&
		    set_password(call, &change, "user.password_changed", &rev, err),
		err) &&
	    revoke_push(call, &rev, err);
}

/* In the transaction: sends a link to the new address, and with each link tells the old one. */
static bool
ask_new_email(const struct call *call, struct store_mail_token *row, struct error *err)
{
	bool sent;

	return mail_link_count_own(call, row->email, err) &&
	    mail_link_send(call, LINK_EMAIL, row, NULL, &sent, err) &&
	    (!sent ||
		credentials_tell(call, row->user_id, MAIL_EMAIL_LEAVING,
		    new_address(call, row->email), err));
}

/* In the transaction, after credentials_hold(). */
static bool
change_email(const struct call *call, const char *email, struct error *err)
{
	struct store_mail_token row = {
		.user_id = call->by.who->user_id,
		.session_id = call->by.who->session_id,
		.email = email,
	};
	const struct audit_event event = { .action = "user.email_changed",
		.target_type = "user",
		.target_id = call->by.who->user_id };

	if (mail_configured(call->svc->config))
		return ask_new_email(call, &row, err);
	if (!store_account_email(call->svc->db, call->arena, row.user_id, email, err))
		return db_violated(err, "users_email_key") ?
		    error_slug(err, ERR_CONFLICT, "email_taken",
			"This address already has an account. Choose another one.") :
		    false;
	return audit_add(call, &event, err);
}

/* In the transaction; `verified` NULL: the address stays. */
static bool
profile_in(const struct call *call, const struct profile_change *change, const char *zone,
    const struct verified *verified, struct error *err)
{
	return people_expect(call, call->by.who->user_id, change->version, err) &&
	    (verified == NULL || credentials_hold(call, verified, err)) &&
	    store_account_profile(call->svc->db, call->arena, call->by.who->user_id,
		&(const struct store_profile) { change->display_name, change->locale, zone },
		err) &&
	    (zone == NULL || time_zone_changed(call, call->by.who->user_id, err)) &&
	    people_name_shown(call, change->display_name, err) &&
	    (verified == NULL || change_email(call, change->email, err));
}

bool
account_profile(const struct call *call, const struct profile_change *change, struct user *user,
    struct error *err)
{
	struct verified verified;
	const char *zone = NULL;
	bool new_email;

	if (!session_user(call, user, err) ||
	    (change->time_zone != NULL && !time_zone_find(call, change->time_zone, &zone, err)))
		return false;
	if (str_eq(zone, user->time_zone))
		zone = NULL;
	new_email = change->email != NULL && !str_ieq(change->email, user->email);
	if (new_email && change->proof.password == NULL)
		return error_field(err, "currentPassword", "required",
		    "must be given to change the email address");
	return (!new_email || login_prove(call, &change->proof, &verified, err)) &&
	    db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, profile_in(call, change, zone, new_email ? &verified : NULL, err),
		err) &&
	    session_user(call, user, err);
}
