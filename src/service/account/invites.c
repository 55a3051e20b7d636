#include "service/account/invites.h"

#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "service/account/grant.h"
#include "service/audit.h"
#include "service/call.h"
#include "service/notify/mail.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_invites.h"

#include "core/banned.h"

static const char *
invite_detail(struct arena *arena, const char *email, enum role role, enum tier tier)
{
	struct json *j = json_new(arena, 0);

	json_object(j, NULL);
	json_opt_str(j, "email", email);
	json_put_str(j, "role", role_name(role));
	json_put_str(j, "tier", tier_name(tier));
	json_object_end(j);
	return j->buf.data;
}

/* In the transaction. */
static bool
add_in(const struct call *call, const struct store_invite_new *row, const struct mail_new *mail,
    const struct audit_event *event, struct error *err)
{
	bool added, mailed = mail->to != NULL && mail_configured(call->svc->config);

	if (!store_invite_add(call->svc->db, call->arena, row, &added, err))
		return false;
	if (!added)
		return error_set(err, ERR_FORBIDDEN, "You can no longer invite people.");
	return audit_add(call, event, err) && (!mailed || mail_add(call, mail, err));
}

/* A browser keeps what follows # to itself; the address is there to be filled in. */
static const char *
invite_url(const struct call *call, const char *token, const char *email)
{
	const char *page = config_str(call->svc->config, CFG_PUBLIC_URL);
	struct buf address;

	if (email == NULL)
		return arena_printf(call->arena, "%s/#/join?invite=%s", page, token);
	buf_init(&address, call->arena, 3 * EMAIL_MAX + 1);
	url_encode(&address, email, strlen(email), false);
	return arena_printf(call->arena, "%s/#/join?invite=%s&email=%s", page, token, address.data);
}

bool
invite_add(const struct call *call, const struct invite_new *new, struct invite_made *made,
    struct error *err)
{
	const struct principal *who = call->by.who;
	unsigned char random[INVITE_TOKEN_BYTES], hash[SHA256_SIZE];
	char *id = arena_alloc(call->arena, UUID_TEXT);
	struct store_invite_new row = { .id = id,
		.email = new->email,
		.role = role_name(new->role),
		.tier = tier_name(new->tier),
		.created_by = who->user_id,
		.token_id = who->scoped ? who->token_id : NULL,
		.hash = hash };
	const struct audit_event event = { .action = "user.invited",
		.target_type = "invite",
		.target_id = id,
		.detail = invite_detail(call->arena, new->email, new->role, new->tier) };
	struct mail_new mail = { .kind = MAIL_INVITE, .to = new->email };

	if (!grant_role(&call->by, new->role, err))
		return false;
	uuid_v7(id);
	random_bytes(random, sizeof(random));
	*made = (struct invite_made) { .id = id,
		.token = base64url_encode(call->arena, random, sizeof(random)),
		.expires_at = clock_now() + INVITE_TTL_SECONDS * US_PER_SEC };
	made->url = invite_url(call, made->token, new->email);
	sha256(made->token, strlen(made->token), hash);
	row.expires_at = made->expires_at;
	mail.url = made->url;
	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, add_in(call, &row, &mail, &event, err), err);
}

bool
invite_list(const struct call *call, const struct list_ask *ask, struct invite **invites,
    struct page *page, struct error *err)
{
	struct store_invites_ask row = { .limit = ask->limit + 1 };
	struct list_position after;
	size_t n;

	if (!list_after(call->arena, LIST_INVITES, ask->cursor, &after, err))
		return false;
	row.before_time = after.number;
	row.before_id = after.id;
	if (!store_invites_list(call->svc->db, call->arena, &row, invites, &n, err))
		return false;
	if (list_cut(page, n, ask->limit)) {
		after.number = (*invites)[page->n - 1].created_at;
		after.id = (*invites)[page->n - 1].id;
		page->next = list_cursor(call->arena, LIST_INVITES, &after);
	}
	return true;
}

/* In the transaction. Taking back wants no less than giving. */
static bool
revoke_in(const struct call *call, const char *id, struct error *err)
{
	struct audit_event event = {
		.action = "invite.revoked",
		.target_type = "invite",
		.target_id = id,
	};
	struct invite invite;

	if (!grant_hold(call, &(const struct grant_people) { 0 }, err) ||
	    !store_invite_lock(call->svc->db, call->arena, id, &invite, err))
		return false;
	if (invite.id == NULL)
		return error_set(err, ERR_NOT_FOUND, "There is no such invitation.");
	event.detail = invite_detail(call->arena, invite.email, invite.role, invite.tier);
	return grant_role(&call->by, invite.role, err) &&
	    store_invite_delete(call->svc->db, call->arena, id, err) &&
	    audit_add(call, &event, err);
}

bool
invite_revoke(const struct call *call, const char *id, struct error *err)
{
	return db_begin(call->svc->db, err) && db_end(call->svc->db, revoke_in(call, id, err), err);
}

static bool
find(const struct call *call, const struct invite_use *use, bool take, struct invite *invite,
    struct error *err)
{
	unsigned char hash[SHA256_SIZE];
	const struct store_invite_key key = { .hash = hash, .email = use->email };

	sha256(use->token, strlen(use->token), hash);
	if (!(take ? store_invite_take : store_invite_find)(call->svc->db, call->arena, &key,
		invite, err))
		return false;
	return invite->id != NULL ||
	    error_slug(err, ERR_FORBIDDEN, "invite_invalid",
		"This invitation has been used, revoked, has expired or is for another address."
		" Ask for a new one.");
}

bool
invite_check(const struct call *call, const struct invite_use *use, struct error *err)
{
	struct invite invite;

	return find(call, use, false, &invite, err);
}

bool
invite_take(const struct call *call, const struct invite_use *use, struct invite *invite,
    struct error *err)
{
	return find(call, use, true, invite, err);
}
