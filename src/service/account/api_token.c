#include "service/account/api_token.h"

#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "service/audit.h"
#include "service/call.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_tokens.h"

#include "core/banned.h"

#define HINT_LENGTH 4

enum { USE_OWNER, USE_ROLE, USE_TIER, USE_GENERATION, USE_SCOPES, USE_EXPIRED, USE_ID };
enum { LIST_ID, LIST_NAME, LIST_HINT, LIST_SCOPES, LIST_CREATED, LIST_EXPIRES, LIST_USED };

static permission_set
scopes_read(struct arena *arena, const struct rows *rows, size_t row, int col)
{
	permission_set set = 0;
	enum permission permission;
	size_t n;
	const char **names = rows_array(arena, rows, row, col, &n);

	for (size_t i = 0; i < n; i++)
		if (permission_parse(names[i], &permission))
			set |= PERM_BIT(permission);
	return set;
}

bool
api_token_verify(const struct call *call, const char *token, struct principal *who,
    struct error *err)
{
	unsigned char hash[SHA256_SIZE];
	struct rows *rows;

	memset(who, 0, sizeof(*who));
	sha256(token, strlen(token), hash);
	if (!store_token_use(call->svc->db, call->arena, hash, sizeof(hash), &rows, err))
		return false;
	if (rows_count(rows) == 0 || !role_parse(rows_str(rows, 0, USE_ROLE), &who->role) ||
	    !tier_parse(rows_str(rows, 0, USE_TIER), &who->tier))
		return error_slug(err, ERR_UNAUTHENTICATED, "token_invalid",
		    "The API token is not valid.");
	if (rows_bool(rows, 0, USE_EXPIRED))
		return error_slug(err, ERR_UNAUTHENTICATED, "token_expired",
		    "The API token has expired.");
	str_copy(who->user_id, sizeof(who->user_id), rows_str(rows, 0, USE_OWNER));
	who->generation = rows_int(rows, 0, USE_GENERATION);
	who->scoped = true;
	who->scopes = permission_closure(scopes_read(call->arena, rows, 0, USE_SCOPES));
	return true;
}

static const char *
token_detail(struct arena *arena, const struct api_token_new *new)
{
	struct json *j = json_new(arena, 0);

	json_object(j, NULL);
	json_put_str(j, "name", new->name);
	json_array(j, "scopes");
	for (enum permission permission = PUBLIC + 1; permission < PERM_SIGNED_IN; permission++)
		if (new->scopes & PERM_BIT(permission))
			json_put_str(j, NULL, permission_name(permission));
	json_array_end(j);
	json_object_end(j);
	return j->buf.data;
}

static const char *
scopes_literal(struct arena *arena, permission_set scopes)
{
	const char *names[PERMISSIONS];
	size_t n = 0;

	for (enum permission permission = PUBLIC + 1; permission < PERM_SIGNED_IN; permission++)
		if (scopes & PERM_BIT(permission))
			names[n++] = permission_name(permission);
	return db_array(arena, names, n);
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
		.hash = hash,
		.hash_len = sizeof(hash),
		.expires_at = new->expires_at,
		.max = API_TOKENS_MAX };
	const struct audit_event event = { .action = "token.created",
		.target_type = "token",
		.target_id = id,
		.detail = token_detail(call->arena, new) };
	bool added;

	if ((new->scopes & ~call->by.who->permissions) != 0)
		return error_field(err, "scopes", "choice", "must be among your own permissions");
	if (new->expires_at != 0 && new->expires_at <= clock_now())
		return error_field(err, "expiresAt", "range", "must lie ahead");
	uuid_v7(id);
	random_bytes(random, sizeof(random));
	text = arena_printf(call->arena, API_TOKEN_PREFIX "%s",
	    base64url_encode(call->arena, random, sizeof(random)));
	sha256(text, strlen(text), hash);
	row.hint = text + strlen(text) - HINT_LENGTH;
	row.scopes = scopes_literal(call->arena, new->scopes);
	if (!db_begin(call->svc->db, err) ||
	    !store_token_add(call->svc->db, call->arena, &row, &added, err) ||
	    !audit_add(call, &event, err) ||
	    (!added &&
		!error_slug(err, ERR_CONFLICT, "too_many_tokens",
		    "You have %d tokens already: revoke some first.", API_TOKENS_MAX)) ||
	    !db_commit(call->svc->db, err)) {
		db_rollback(call->svc->db);
		return false;
	}
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
	struct rows *rows;

	if (!store_token_list(call->svc->db, call->arena, user_id, &rows, err))
		return false;
	*n = rows_count(rows);
	*tokens = arena_array(call->arena, *n + 1, sizeof(**tokens));
	for (size_t i = 0; i < *n; i++)
		(*tokens)[i] = (struct api_token) {
			.id = rows_str(rows, i, LIST_ID),
			.name = rows_str(rows, i, LIST_NAME),
			.hint = rows_str(rows, i, LIST_HINT),
			.scopes = scopes_read(call->arena, rows, i, LIST_SCOPES),
			.created_at = rows_int(rows, i, LIST_CREATED),
			.expires_at = rows_int(rows, i, LIST_EXPIRES),
			.last_used_at = rows_int(rows, i, LIST_USED),
		};
	return true;
}

bool
api_token_revoke(const struct call *call, const char *id, struct error *err)
{
	const struct audit_event event = {
		.action = "token.revoked",
		.target_type = "token",
		.target_id = id,
	};
	bool revoked;

	if (!db_begin(call->svc->db, err) ||
	    !store_token_revoke(call->svc->db, call->arena, call->by.who->user_id, id, &revoked,
		err) ||
	    (!revoked && !error_set(err, ERR_NOT_FOUND, "There is no such token.")) ||
	    !audit_add(call, &event, err) || !db_commit(call->svc->db, err)) {
		db_rollback(call->svc->db);
		return false;
	}
	return true;
}
