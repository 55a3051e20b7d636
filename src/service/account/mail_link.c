#include "service/account/mail_link.h"

#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "service/call.h"
#include "service/gate/admission.h"
#include "service/notify/mail.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_account_flow.h"
#include "store/store_jobs.h"
#include "store/store_mail_links.h"
#include "store/store_people.h"
#include "store/store_sessions.h"

#include "core/banned.h"

static const struct {
	const char *purpose, *page;
	enum mail_kind kind;
	int life_seconds;
} links[LINKS] = {
	[LINK_REGISTER] = { "register", "confirm", MAIL_CONFIRM, CONFIRM_TOKEN_SECONDS },
	[LINK_RESET] = { "reset", "reset", MAIL_RESET, MAIL_TOKEN_SECONDS },
	[LINK_EMAIL] = { "email", "confirm", MAIL_EMAIL_CHANGED, CONFIRM_TOKEN_SECONDS },
};

static const char *
email_hash(struct arena *arena, const char *email)
{
	const char *lower = str_lower(arena, email);
	char hash[SHA256_HEX];

	sha256_hex(lower, strlen(lower), hash);
	return arena_strdup(arena, hash);
}

static bool
too_many(int64_t seconds, struct error *err)
{
	error_slug(err, ERR_RATE_LIMITED, "too_many_attempts",
	    "Too many emails were requested. Try again in %lld minutes.",
	    (long long)((seconds + 59) / 60));
	err->retry_after = (int)seconds;
	return false;
}

static bool
count(const struct call *call, const char *email, struct mail_counts *counts, struct error *err)
{
	const char *const subjects[MAIL_SUBJECTS] = {
		[MAIL_TO_ACCOUNT] =
		    arena_printf(call->arena, "account:%s", email_hash(call->arena, email)),
		[MAIL_FROM_ADDRESS] = arena_printf(call->arena, "address:%s",
		    admission_address(call->arena, call->by.address)),
	};

	if (!store_mail_count(call->svc->db, call->arena, subjects, counts, err))
		return false;
	return counts->asked[MAIL_FROM_ADDRESS] <=
	    config_int(call->svc->config, CFG_MAIL_LINKS_PER_ADDRESS) ||
	    too_many(counts->seconds[MAIL_FROM_ADDRESS], err);
}

static bool
is_full(const struct call *call, const struct mail_counts *counts)
{
	return counts->asked[MAIL_TO_ACCOUNT] >
	    config_int(call->svc->config, CFG_MAIL_LINKS_PER_ACCOUNT);
}

bool
mail_link_count(const struct call *call, const char *email, bool *full, struct error *err)
{
	struct mail_counts counts;

	if (!count(call, email, &counts, err))
		return false;
	*full = is_full(call, &counts);
	return true;
}

bool
mail_link_count_own(const struct call *call, const char *email, struct error *err)
{
	struct mail_counts counts;

	return count(call, email, &counts, err) &&
	    (!is_full(call, &counts) || too_many(counts.seconds[MAIL_TO_ACCOUNT], err));
}

/* Adds a new link and the mail that carries it. */
static bool
add(const struct call *call, enum mail_link link, struct store_mail_token *row,
    const struct mail_new *instead, struct error *err)
{
	unsigned char random[MAIL_TOKEN_BYTES], hash[SHA256_SIZE];
	struct mail_new mail = {
		.kind = links[link].kind,
		.to = row->email,
		.name = row->display_name,
	};
	const char *token;

	random_bytes(random, sizeof(random));
	token = base64url_encode(call->arena, random, sizeof(random));
	sha256(token, strlen(token), hash);
	row->hash = hash;
	row->expires_at = clock_now() + links[link].life_seconds * US_PER_SEC;
	mail.url = arena_printf(call->arena, "%s/#/%s?token=%s",
	    config_str(call->svc->config, CFG_PUBLIC_URL), links[link].page, token);
	return store_mail_token_add(call->svc->db, call->arena, row, err) &&
	    mail_add(call, instead != NULL ? instead : &mail, err);
}

bool
mail_link_send(const struct call *call, enum mail_link link, struct store_mail_token *row,
    const struct mail_new *instead, bool *sent, struct error *err)
{
	const struct mail_link_key key = {
		.purpose = links[link].purpose,
		.email = row->email,
		.user_id = row->user_id,
	};
	struct db *db = call->svc->db;
	bool young;

	row->purpose = links[link].purpose;
	if (!store_mail_link_young(db, call->arena, &key,
		config_int(call->svc->config, CFG_MAIL_LINK_INTERVAL), &young, err))
		return false;
	*sent = !young;
	if (young)
		return true;
	return (row->user_id != NULL ?
		       store_mail_tokens_drop(db, call->arena, row->user_id, row->purpose, err) :
		       store_mail_registrations_drop(db, call->arena, row->email, err)) &&
	    add(call, link, row, instead, err);
}

bool
mail_link_ask_reset(const struct call *call, const char *email, struct error *err)
{
	struct json *payload = json_new(call->arena, 0);
	bool full;

	if (!mail_link_count(call, email, &full, err))
		return false;
	json_object(payload, NULL);
	json_put_str(payload, "email", email);
	json_object_end(payload);
	return full ||
	    job_add(call, JOB_MAIL_RESET, payload->buf.data,
		arena_printf(call->arena, "reset:%s", email_hash(call->arena, email)), 0, err);
}

/* In the transaction. Locks the person of the address. user->id NULL: nobody may use a link. */
static bool
lock_addressee(const struct call *call, const char *email, struct user *user, struct error *err)
{
	if (!store_person_by_email(call->svc->db, call->arena, email, user, NULL, err))
		return false;
	if (user->id == NULL)
		return true;
	if (!store_person_lock(call->svc->db, call->arena, user->id, user, err))
		return false;
	if (user->id != NULL && (!user->active || !str_ieq(user->email, email)))
		user->id = NULL; /* disabled, or moved to another address in between */
	return true;
}

/* In the transaction. */
static bool
reset_in(const struct call *call, const struct job *job, const char *email, struct error *err)
{
	struct store_mail_token row = { .email = email };
	struct user user;
	bool sent;

	if (!lock_addressee(call, email, &user, err))
		return false;
	row.user_id = user.id;
	return (user.id == NULL || mail_link_send(call, LINK_RESET, &row, NULL, &sent, err)) &&
	    store_job_done(call->svc->db, call->arena, job, err);
}

bool
mail_link_reset_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	const struct cJSON *payload = job_payload(call, job, err);

	return payload != NULL && db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, reset_in(call, job, json_str(payload, "email", ""), err), err);
}
