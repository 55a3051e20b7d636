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
#include "service/caller.h"
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
send_link(struct services *svc, struct arena *arena, const struct caller *caller,
    struct store_mail_token *row, enum mail_kind kind, int life_seconds, const char *page,
    struct error *err)
{
	unsigned char random[MAIL_TOKEN_BYTES], hash[SHA256_SIZE];
	struct mail_new mail = { .kind = kind, .to = row->email, .name = row->display_name };
	const char *token;

	random_bytes(random, sizeof(random));
	token = base64url_encode(arena, random, sizeof(random));
	sha256(token, strlen(token), hash);
	row->hash = hash;
	row->hash_len = sizeof(hash);
	row->expires_at = clock_now() + life_seconds * US_PER_SEC;
	mail.url = arena_printf(arena, "%s/#/%s?token=%s", config_str(svc->config, CFG_PUBLIC_URL),
	    page, token);
	return store_mail_token_add(svc->db, arena, row, err) &&
	    mail_add(svc, arena, caller, &mail, err);
}

/* In invite mode: the account, the invitation that it uses up, and a session. */
static bool
register_invited(struct services *svc, struct arena *arena, const struct caller *caller,
    const struct registration *reg, struct session_grant *grant, struct error *err)
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
	if (!db_begin(svc->db, err) ||
	    !account_create(svc->db, arena, svc->config, &req, id, err) ||
	    !store_invite_use(svc->db, arena, hash, sizeof(hash), reg->email, id, &rows, err))
		return rollback(svc);
	if (rows_count(rows) == 0) {
		error_slug(err, ERR_FORBIDDEN, "invite_invalid",
		    "This invitation has been used, has expired, or is for another address.");
		return rollback(svc);
	}
	change.role = rows_str(rows, 0, 1);
	change.tier = rows_str(rows, 0, 2);
	if (!store_person_change(svc->db, arena, id, &change, err) ||
	    !store_account_confirmed(svc->db, arena, id, err) ||
	    !audit_add(svc, arena, caller, &event, err) || !db_commit(svc->db, err))
		return rollback(svc);
	return session_open(svc, arena, id, caller->device, caller->address, grant, err);
}

/* In open mode: a mail either way; the account begins to exist when its link is used. */
static bool
register_open(struct services *svc, struct arena *arena, const struct caller *caller,
    const struct registration *reg, struct error *err)
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

	if (!need_mail(svc, err) || !account_check(&req, &row.display_name, arena, err) ||
	    !password_hash(config_str(svc->config, CFG_RUN_DIR), reg->password, hash, err))
		return false;
	row.password_hash = hash;
	if (!db_begin(svc->db, err) ||
	    !store_person_by_email(svc->db, arena, reg->email, &person, err))
		return rollback(svc);
	if (!(rows_count(person) > 0 ? mail_add(svc, arena, caller, &known, err) :
				       send_link(svc, arena, caller, &row, MAIL_CONFIRM,
					   CONFIRM_TOKEN_SECONDS, "confirm", err)) ||
	    !db_commit(svc->db, err))
		return rollback(svc);
	return true;
}

bool
account_register(struct services *svc, struct arena *arena, const struct caller *caller,
    const struct registration *reg, bool *opened, struct session_grant *grant, struct error *err)
{
	const char *mode = config_str(svc->config, CFG_REGISTRATION_MODE);

	*opened = false;
	if (str_eq(mode, "closed"))
		return error_slug(err, ERR_FORBIDDEN, "registration_closed",
		    "This server takes no new accounts.");
	if (str_eq(mode, "open") && reg->invite == NULL)
		return register_open(svc, arena, caller, reg, err);
	*opened = true;
	return register_invited(svc, arena, caller, reg, grant, err);
}

/* The registration that a link confirms becomes an account. */
static bool
finish_registration(struct services *svc, struct arena *arena, const struct caller *caller,
    const struct rows *token, struct error *err)
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
	if (!store_account_insert(svc->db, arena, &row, err))
		return db_violated(err, "users_email_key") ? link_invalid(err) : false;
	return store_account_confirmed(svc->db, arena, id, err) &&
	    audit_add(svc, arena, caller, &event, err);
}

static bool
finish_email_change(struct services *svc, struct arena *arena, const struct caller *caller,
    const struct rows *token, struct error *err)
{
	const char *user_id = rows_str(token, 0, MAIL_TOKEN_USER);
	const struct audit_event event = {
		.action = "user.email_changed",
		.target_type = "user",
		.target_id = user_id,
	};

	if (!store_account_email(svc->db, arena, user_id, rows_str(token, 0, MAIL_TOKEN_EMAIL),
		err))
		return db_violated(err, "users_email_key") ? link_invalid(err) : false;
	return audit_add(svc, arena, caller, &event, err);
}

bool
account_confirm(struct services *svc, struct arena *arena, const struct caller *caller,
    const char *token, struct error *err)
{
	unsigned char hash[SHA256_SIZE];
	struct rows *rows;

	sha256(token, strlen(token), hash);
	if (!db_begin(svc->db, err) ||
	    !store_mail_token_use(svc->db, arena, hash, sizeof(hash), "{register,email}", &rows,
		err))
		return rollback(svc);
	if (rows_count(rows) == 0) {
		link_invalid(err);
		return rollback(svc);
	}
	if (!(str_eq(rows_str(rows, 0, MAIL_TOKEN_PURPOSE), "register") ?
		    finish_registration(svc, arena, caller, rows, err) :
		    finish_email_change(svc, arena, caller, rows, err)) ||
	    !db_commit(svc->db, err))
		return rollback(svc);
	return true;
}

bool
account_forgot(struct services *svc, struct arena *arena, const struct caller *caller,
    const char *email, struct error *err)
{
	struct store_mail_token row = { .purpose = "reset", .email = email };
	struct rows *person;

	if (!need_mail(svc, err) || !store_person_by_email(svc->db, arena, email, &person, err))
		return false;
	if (rows_count(person) == 0 || !rows_bool(person, 0, PERSON_ACTIVE))
		return true;
	row.user_id = rows_str(person, 0, PERSON_ID);
	if (!db_begin(svc->db, err) ||
	    !store_mail_tokens_drop(svc->db, arena, row.user_id, "reset", err) ||
	    !send_link(svc, arena, caller, &row, MAIL_RESET, MAIL_TOKEN_SECONDS, "reset", err) ||
	    !db_commit(svc->db, err))
		return rollback(svc);
	return true;
}

/* In a transaction: the new password, and what it revokes. */
static bool
set_password(struct services *svc, struct arena *arena, const struct caller *caller,
    const char *user_id, const char *hash, const char *keep_session, const char *action,
    struct revocation *rev, struct error *err)
{
	const struct audit_event event = {
		.action = action,
		.target_type = "user",
		.target_id = user_id,
	};
	struct rows *person;
	struct mail_new mail = { .kind = MAIL_PASSWORD_CHANGED };

	if (!store_account_password(svc->db, arena, user_id, hash, err) ||
	    !store_mail_tokens_drop(svc->db, arena, user_id, "reset", err) ||
	    !revoke_sessions(svc, arena, user_id, keep_session, "password changed", rev, err) ||
	    !revoke_generation(svc, arena, user_id, rev, err) ||
	    !audit_add(svc, arena, caller, &event, err) ||
	    !store_person_by_id(svc->db, arena, user_id, &person, err))
		return false;
	if (!mail_configured(svc->config) || rows_count(person) == 0)
		return true;
	mail.to = rows_str(person, 0, PERSON_EMAIL);
	mail.name = rows_str(person, 0, PERSON_NAME);
	return mail_add(svc, arena, caller, &mail, err);
}

bool
account_reset(struct services *svc, struct arena *arena, const struct caller *caller,
    const char *token, const char *password, struct error *err)
{
	unsigned char token_hash[SHA256_SIZE];
	char hash[ARGON2_HASH_MAX];
	struct revocation rev = { 0 };
	struct rows *rows;

	if (!account_check_password(password, "password", err) ||
	    !password_hash(config_str(svc->config, CFG_RUN_DIR), password, hash, err))
		return false;
	sha256(token, strlen(token), token_hash);
	if (!db_begin(svc->db, err) ||
	    !store_mail_token_use(svc->db, arena, token_hash, sizeof(token_hash), "{reset}", &rows,
		err))
		return rollback(svc);
	if (rows_count(rows) == 0) {
		link_invalid(err);
		return rollback(svc);
	}
	if (!set_password(svc, arena, caller, rows_str(rows, 0, MAIL_TOKEN_USER), hash, NULL,
		"user.password_reset", &rev, err) ||
	    !db_commit(svc->db, err))
		return rollback(svc);
	return revoke_push(svc, arena, &rev, err);
}

bool
account_password(struct services *svc, struct arena *arena, const struct caller *caller,
    const char *current, const char *password, struct error *err)
{
	char hash[ARGON2_HASH_MAX];
	struct revocation rev = { 0 };

	if (!account_check_password(password, "password", err) ||
	    !login_check_password(svc, arena, caller->who->user_id, current, caller->address,
		err) ||
	    !password_hash(config_str(svc->config, CFG_RUN_DIR), password, hash, err))
		return false;
	if (!db_begin(svc->db, err) ||
	    !set_password(svc, arena, caller, caller->who->user_id, hash, caller->who->session_id,
		"user.password_changed", &rev, err) ||
	    !db_commit(svc->db, err))
		return rollback(svc);
	return revoke_push(svc, arena, &rev, err);
}

static bool
change_email(struct services *svc, struct arena *arena, const struct caller *caller,
    const char *email, struct error *err)
{
	struct store_mail_token row = {
		.purpose = "email",
		.user_id = caller->who->user_id,
		.email = email,
	};
	const struct audit_event event = { .action = "user.email_changed",
		.target_type = "user",
		.target_id = caller->who->user_id };

	if (mail_configured(svc->config))
		return store_mail_tokens_drop(svc->db, arena, row.user_id, "email", err) &&
		    send_link(svc, arena, caller, &row, MAIL_EMAIL_CHANGED, CONFIRM_TOKEN_SECONDS,
			"confirm", err);
	if (!store_account_email(svc->db, arena, row.user_id, email, err))
		return db_violated(err, "users_email_key") ?
		    error_slug(err, ERR_CONFLICT, "email_taken",
			"This address has an account already.") :
		    false;
	return audit_add(svc, arena, caller, &event, err);
}

bool
account_profile(struct services *svc, struct arena *arena, const struct caller *caller,
    const struct profile_change *change, struct user *user, struct error *err)
{
	if (!session_user(svc, arena, caller->who, user, err))
		return false;
	if (!db_begin(svc->db, err) ||
	    !store_account_profile(svc->db, arena, user->id, change->display_name, change->locale,
		err) ||
	    (change->email != NULL && !str_ieq(change->email, user->email) &&
		!change_email(svc, arena, caller, change->email, err)) ||
	    !db_commit(svc->db, err))
		return rollback(svc);
	return session_user(svc, arena, caller->who, user, err);
}
