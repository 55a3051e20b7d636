#include "service/account/api_token.h"

#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "service/account/credentials.h"
#include "service/account/revoke.h"
#include "service/audit.h"
#include "service/call.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_invites.h"
#include "store/store_tokens.h"

#include "core/banned.h"

#define HINT_LENGTH 4

static const char *
token_detail(struct arena *arena, const struct api_token_new *new)
{
	struct json *j = json_new(arena, 0);

	json_object(j, NULL);
	json_put_str(j, "name", new->name);
	permissions_put(j, "scopes", new->scopes);
	json_object_end(j);
	return j->buf.data;
}

/* In the transaction. */
static bool
create_in(const struct call *call, const struct store_token_new *row,
    const struct audit_event *event, struct error *err)
{
	bool added;

	if (!credentials_hold(call, NULL, err))
		return false;
	if (!store_token_add(call->svc->db, call->arena, row, &added, err))
		return false;
	if (!added)
		return error_slug(err, ERR_CONFLICT, "too_many_tokens",
		    "You already have %d API tokens. Revoke one first.", API_TOKENS_MAX);
	return audit_add(call, event, err);
}

bool
api_token_create(const struct call *call, const struct api_token_new *new, struct api_token *out,
    const char **token, struct error *err)
{
	unsigned char random[API_TOKEN_BYTES], hash[SHA256_SIZE];
	char *id = arena_alloc(call->arena, UUID_TEXT), *text;
	struct store_token_new row = { .id = id,
		.user_id = call->by.who->user_id,
		.name = new->name,
		.scopes = new->scopes,
		.hash = hash,
		.expires_at = new->expires_at,
		.max = API_TOKENS_MAX };
	const struct audit_event event = { .action = "token.created",
		.target_type = "token",
		.target_id = id,
		.detail = token_detail(call->arena, new) };

	if ((new->scopes & ~call->by.who->permissions) != 0)
		return error_field(err, "scopes", "choice", "must be among your own permissions");
	if (new->expires_at != 0 && new->expires_at <= clock_now())
		return error_field(err, "expiresAt", "range", "must be in the future");
	uuid_v7(id);
	random_bytes(random, sizeof(random));
	text = arena_printf(call->arena, API_TOKEN_PREFIX "%s",
	    base64url_encode(call->arena, random, sizeof(random)));
	sha256(text, strlen(text), hash);
	row.hint = text + strlen(text) - HINT_LENGTH;
	if (!db_begin(call->svc->db, err) ||
	    !db_end(call->svc->db, create_in(call, &row, &event, err), err))
		return false;
	*token = text;
	*out = (struct api_token) { .id = id,
		.name = new->name,
		.hint = row.hint,
		.scopes = new->scopes,
		.created_at = clock_now(),
		.expires_at = new->expires_at };
	return true;
}

bool
api_token_list(const struct call *call, const char *user_id, struct api_token **tokens, size_t *n,
    struct error *err)
{
	return store_token_list(call->svc->db, call->arena, user_id, tokens, n, err);
}

/* In the transaction. */
static bool
end_token(const struct call *call, const char *id, struct revocation *rev, struct error *err)
{
	const struct audit_event event = {
		.action = "token.revoked",
		.target_type = "token",
		.target_id = id,
	};
	bool revoked;

	if (!store_token_revoke(call->svc->db, call->arena, call->by.who->user_id, id, &revoked,
		err))
		return false;
	if (!revoked)
		return error_set(err, ERR_NOT_FOUND, "There is no such API token.");
	rev->user_id = call->by.who->user_id;
	return store_invites_prune(call->svc->db, call->arena, err) &&
	    revoke_tokens(call, (struct strings) { &id, 1 }, rev, err) &&
	    audit_add(call, &event, err);
}

bool
api_token_revoke(const struct call *call, const char *id, struct error *err)
{
	struct revocation rev = { 0 };

	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, end_token(call, id, &rev, err), err) &&
	    revoke_push(call, &rev, err);
}
