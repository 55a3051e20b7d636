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
#include "service/audit.h"
#include "service/call.h"
#include "service/account/login.h"
#include "service/notify/mail.h"
#include "service/account/revoke.h"
#include "service/services.h"
#include "service/account/session.h"
#include "store/pg.h"
#include "store/store_account_flow.h"
#include "store/store_accounts.h"
#include "store/store_people.h"

#include "core/banned.h"

static bool
link_invalid(struct error *err)
{
	return error_slug(err, ERR_UNPROCESSABLE, "link_invalid",
	    "This link has been used, has expired, or was not copied whole.");
}

static bool
need_mail(struct services *svc, struct error *err)
{
	return mail_configured(svc->config) ||
	    error_slug(err, ERR_UNAVAILABLE, "mail_unavailable",
		"This server cannot send mail: ask its operator (smtp.host).");
}

static bool
rollback(struct services *svc)
{
	db_rollback(svc->db);
	return false;
}

/* A fresh single-use token, its row, and the mail that carries it. In the caller's transaction. */
static bool
send_link(const struct call *call, struct store_mail_token *row, enum mail_kind kind,
    int life_seconds, const char *page, struct error *err)
{
	unsigned char random[MAIL_TOKEN_BYTES], hash[SHA256_SIZE];
	struct mail_new mail = { .kind = kind, .to = row->email, .name = row->display_name };
	const char *token;

	random_bytes(random, sizeof(random));
	token = base64url_encode(call->arena, random, sizeof(random));
	sha256(token, strlen(token), hash);
	row->hash = hash;
	row->hash_len = sizeof(hash);
	row->expires_at = clock_now() + life_seconds * US_PER_SEC;
	mail.url = arena_printf(call->arena, "%s/#/%s?token=%s",
	    config_str(call->svc->config, CFG_PUBLIC_URL), page, token);
	return store_mail_token_add(call->svc->db, call->arena, row, err) &&
	    mail_add(call, &mail, err);
}

/* In invite mode: the account, the invitation that it uses up, and a session. */
static bool
register_invited(const struct call *call, const struct registration *reg,
    struct session_grant *grant, struct error *err)
{
	struct account_request req = { .email = reg->email,
		.password = reg->password,
		.display_name = reg->display_name,
		.role = ROLE_GUEST };
	struct audit_event event = { .action = "user.registered", .target_type = "user" };
	struct store_person_change change = { 0 };
	unsigned char hash[SHA256_SIZE];
	char id[UUID_TEXT];
	struct rows *rows;

	if (reg->invite == NULL)
		return error_slug(err, ERR_FORBIDDEN, "invite_required",
		    "Joining needs an invitation.");
	sha256(reg->invite, strlen(reg->invite), hash);
	event.target_id = id;
	if (!db_begin(call->svc->db, err) ||
	    !account_create(call->svc->db, call->arena, call->svc->config, &req, id, err) ||
	    !store_invite_use(call->svc->db, call->arena, hash, sizeof(hash), reg->email, id, &rows,
		err))
		return rollback(call->svc);
	if (rows_count(rows) == 0) {
		error_slug(err, ERR_FORBIDDEN, "invite_invalid",
		    "This invitation has been used, has expired, or is for another address.");
		return rollback(call->svc);
	}
	change.role = rows_str(rows, 0, 1);
	change.tier = rows_str(rows, 0, 2);
	if (!store_person_change(call->svc->db, call->arena, id, &change, err) ||
	    !store_account_confirmed(call->svc->db, call->arena, id, err) ||
	    !audit_add(call, &event, err) || !db_commit(call->svc->db, err))
		return rollback(call->svc);
	return session_open(call, id, grant, err);
}

/* In open mode: a mail either way; the account begins to exist when its link is used. */
static bool
register_open(const struct call *call, const struct registration *reg, struct error *err)
{
	struct account_request req = {
		.email = reg->email,
		.password = reg->password,
		.display_name = reg->display_name,
	};
	struct store_mail_token row = { .purpose = "register", .email = reg->email };
	const struct mail_new known = { .kind = MAIL_KNOWN, .to = reg->email };
	char hash[ARGON2_HASH_MAX];
	struct rows *person;

	if (!need_mail(call->svc, err) ||
	    !account_check(&req, &row.display_name, call->arena, err) ||
	    !password_hash(config_str(call->svc->config, CFG_RUN_DIR), reg->password, hash, err))
		return false;
	row.password_hash = hash;
	if (!db_begin(call->svc->db, err) ||
	    !store_person_by_email(call->svc->db, call->arena, reg->email, &person, err))
		return rollback(call->svc);
	if (!(rows_count(person) > 0 ?
		    mail_add(call, &known, err) :
		    send_link(call, &row, MAIL_CONFIRM, CONFIRM_TOKEN_SECONDS, "confirm", err)) ||
	    !db_commit(call->svc->db, err))
		return rollback(call->svc);
	return true;
}

bool
account_register(const struct call *call, const struct registration *reg, bool *opened,
    struct session_grant *grant, struct error *err)
{
	const char *mode = config_str(call->svc->config, CFG_REGISTRATION_MODE);

	*opened = false;
	if (str_eq(mode, "closed"))
		return error_slug(err, ERR_FORBIDDEN, "registration_closed",
		    "This server takes no new accounts.");
	if (str_eq(mode, "open") && reg->invite == NULL)
		return register_open(call, reg, err);
	*opened = true;
	return register_invited(call, reg, grant, err);
}

/* The registration that a link confirms becomes an account. */
static bool
finish_registration(const struct call *call, const struct rows *token, struct error *err)
{
	char id[UUID_TEXT];
	const struct account_new row = { .id = id,
		.email = rows_str(token, 0, MAIL_TOKEN_EMAIL),
		.display_name = rows_str(token, 0, MAIL_TOKEN_NAME),
		.role = role_name(ROLE_USER),
		.password_hash = rows_str(token, 0, MAIL_TOKEN_PASSWORD) };
	const struct audit_event event = {
		.action = "user.registered",
		.target_type = "user",
		.target_id = id,
	};

	uuid_v7(id);
	if (!store_account_insert(call->svc->db, call->arena, &row, err))
		return db_violated(err, "users_email_key") ? link_invalid(err) : false;
	return store_account_confirmed(call->svc->db, call->arena, id, err) &&
	    audit_add(call, &event, err);
}

static bool
finish_email_change(const struct call *call, const struct rows *token, struct error *err)
{
	const char *user_id = rows_str(token, 0, MAIL_TOKEN_USER);
	const struct audit_event event = {
		.action = "user.email_changed",
		.target_type = "user",
		.target_id = user_id,
	};

	if (!store_account_email(call->svc->db, call->arena, user_id,
		rows_str(token, 0, MAIL_TOKEN_EMAIL), err))
		return db_violated(err, "users_email_key") ? link_invalid(err) : false;
	return audit_add(call, &event, err);
}

bool
account_confirm(const struct call *call, const char *token, struct error *err)
{
	unsigned char hash[SHA256_SIZE];
	struct rows *rows;

	sha256(token, strlen(token), hash);
	if (!db_begin(call->svc->db, err) ||
	    !store_mail_token_use(call->svc->db, call->arena, hash, sizeof(hash),
		"{register,email}", &rows, err))
		return rollback(call->svc);
	if (rows_count(rows) == 0) {
		link_invalid(err);
		return rollback(call->svc);
	}
	if (!(str_eq(rows_str(rows, 0, MAIL_TOKEN_PURPOSE), "register") ?
		    finish_registration(call, rows, err) :
		    finish_email_change(call, rows, err)) ||
	    !db_commit(call->svc->db, err))
		return rollback(call->svc);
	return true;
}

bool
account_forgot(const struct call *call, const char *email, struct error *err)
{
	struct store_mail_token row = { .purpose = "reset", .email = email };
	struct rows *person;

	if (!need_mail(call->svc, err) ||
	    !store_person_by_email(call->svc->db, call->arena, email, &person, err))
		return false;
	if (rows_count(person) == 0 || !rows_bool(person, 0, PERSON_ACTIVE))
		return true;
	row.user_id = rows_str(person, 0, PERSON_ID);
	if (!db_begin(call->svc->db, err) ||
	    !store_mail_tokens_drop(call->svc->db, call->arena, row.user_id, "reset", err) ||
	    !send_link(call, &row, MAIL_RESET, MAIL_TOKEN_SECONDS, "reset", err) ||
	    !db_commit(call->svc->db, err))
		return rollback(call->svc);
	return true;
}

/* In a transaction: the new password, and what it revokes. */
static bool
set_password(const struct call *call, const char *user_id, const char *hash,
    const char *keep_session, const char *action, struct revocation *rev, struct error *err)
{
	const struct audit_event event = {
		.action = action,
		.target_type = "user",
		.target_id = user_id,
	};
	struct rows *person;
	struct mail_new mail = { .kind = MAIL_PASSWORD_CHANGED };

	if (!store_account_password(call->svc->db, call->arena, user_id, hash, err) ||
	    !store_mail_tokens_drop(call->svc->db, call->arena, user_id, "reset", err) ||
	    !revoke_sessions(call, user_id, keep_session, "password changed", rev, err) ||
	    !revoke_generation(call, user_id, rev, err) || !audit_add(call, &event, err) ||
	    !store_person_by_id(call->svc->db, call->arena, user_id, &person, err))
		return false;
	if (!mail_configured(call->svc->config) || rows_count(person) == 0)
		return true;
	mail.to = rows_str(person, 0, PERSON_EMAIL);
	mail.name = rows_str(person, 0, PERSON_NAME);
	return mail_add(call, &mail, err);
}

bool
account_reset(const struct call *call, const char *token, const char *password, struct error *err)
{
	unsigned char token_hash[SHA256_SIZE];
	char hash[ARGON2_HASH_MAX];
	struct revocation rev = { 0 };
	struct rows *rows;

	if (!account_check_password(password, "password", err) ||
	    !password_hash(config_str(call->svc->config, CFG_RUN_DIR), password, hash, err))
		return false;
	sha256(token, strlen(token), token_hash);
	if (!db_begin(call->svc->db, err) ||
	    !store_mail_token_use(call->svc->db, call->arena, token_hash, sizeof(token_hash),
		"{reset}", &rows, err))
		return rollback(call->svc);
	if (rows_count(rows) == 0) {
		link_invalid(err);
		return rollback(call->svc);
	}
	if (!set_password(call, rows_str(rows, 0, MAIL_TOKEN_USER), hash, NULL,
		"user.password_reset", &rev, err) ||
	    !db_commit(call->svc->db, err))
		return rollback(call->svc);
	return revoke_push(call, &rev, err);
}

bool
account_password(const struct call *call, const char *current, const char *password,
    struct error *err)
{
	char hash[ARGON2_HASH_MAX];
	struct revocation rev = { 0 };

	if (!account_check_password(password, "password", err) ||
	    !login_check_password(call, call->by.who->user_id, current, err) ||
	    !password_hash(config_str(call->svc->config, CFG_RUN_DIR), password, hash, err))
		return false;
	if (!db_begin(call->svc->db, err) ||
	    !set_password(call, call->by.who->user_id, hash, call->by.who->session_id,
		"user.password_changed", &rev, err) ||
	    !db_commit(call->svc->db, err))
		return rollback(call->svc);
	return revoke_push(call, &rev, err);
}

static bool
change_email(const struct call *call, const char *email, struct error *err)
{
	struct store_mail_token row = {
		.purpose = "email",
		.user_id = call->by.who->user_id,
		.email = email,
	};
	const struct audit_event event = { .action = "user.email_changed",
		.target_type = "user",
		.target_id = call->by.who->user_id };

	if (mail_configured(call->svc->config))
		return store_mail_tokens_drop(call->svc->db, call->arena, row.user_id, "email",
			   err) &&
		    send_link(call, &row, MAIL_EMAIL_CHANGED, CONFIRM_TOKEN_SECONDS, "confirm",
			err);
	if (!store_account_email(call->svc->db, call->arena, row.user_id, email, err))
		return db_violated(err, "users_email_key") ?
		    error_slug(err, ERR_CONFLICT, "email_taken",
			"This address has an account already.") :
		    false;
	return audit_add(call, &event, err);
}

bool
account_profile(const struct call *call, const struct profile_change *change, struct user *user,
    struct error *err)
{
	if (!session_user(call, user, err))
		return false;
	if (!db_begin(call->svc->db, err) ||
	    !store_account_profile(call->svc->db, call->arena, user->id, change->display_name,
		change->locale, err) ||
	    (change->email != NULL && !str_ieq(change->email, user->email) &&
		!change_email(call, change->email, err)) ||
	    !db_commit(call->svc->db, err))
		return rollback(call->svc);
	return session_user(call, user, err);
}
