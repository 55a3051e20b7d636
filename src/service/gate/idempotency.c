#include "service/gate/idempotency.h"

#include <string.h>

#include "core/arena.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/str.h"
#include "service/call.h"
#include "service/keyring.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_idempotency.h"

#include "core/banned.h"

#define IN_USE_RETRY_AFTER 1 /* seconds */

/*
 * Path, query and body, each terminated, so that none runs into the next. Under a key, because a
 * body may hold a password: its plain digest would let a reader of the database try passwords fast.
 */
static const char *
hash_of(struct arena *arena, const struct jwt_key *key, const struct idempotent *ask)
{
	struct digest *digest = digest_new("sha256");
	const char *query = ask->query == NULL ? "" : ask->query;
	unsigned char hash[64], sealed[SHA256_SIZE];
	size_t len;

	digest_update(digest, ask->path, strlen(ask->path) + 1);
	digest_update(digest, query, strlen(query) + 1);
	if (ask->body_len > 0)
		digest_update(digest, ask->body, ask->body_len);
	len = digest_final(digest, hash);
	hmac_sha256(key->secret, key->len, hash, len, sealed);
	return hex_encode(arena, sealed, sizeof(sealed));
}

/* Whether it is the request that was kept, under whichever key signed tokens then. */
static bool
same_request(const struct call *call, const struct idempotent *ask, const char *hash)
{
	const struct jwt_key *key;

	for (size_t i = 0; (key = keyring_jwt_at(call->svc->keys, i)) != NULL; i++)
		if (str_eq(hash, hash_of(call->arena, key, ask)))
			return true;
	return false;
}

static struct idempotency_row
row_of(const struct idempotent *ask)
{
	return (struct idempotency_row) {
		.principal = ask->user_id,
		.route = ask->route,
		.key = ask->key,
	};
}

static bool
in_use(struct error *err)
{
	error_slug(err, ERR_CONFLICT, "idempotency_key_in_use",
	    "A request with this Idempotency-Key is still being processed. Try again in a"
	    " moment.");
	err->retry_after = IN_USE_RETRY_AFTER;
	return false;
}

bool
idempotency_begin(const struct call *call, const struct idempotent *ask,
    const struct idempotent_answer **kept, struct error *err)
{
	struct idempotency_row row = row_of(ask);
	struct idempotent_answer *answer;
	bool ok, taken = false;

	*kept = NULL;
	if (!db_outer_begin(call->svc->db, err))
		return false;
	ok = store_idempotency_take(call->svc->db, call->arena, &row, &taken, err) &&
	    (taken || in_use(err));
	if (ok && row.hash == NULL)
		return true;
	db_outer_rollback(call->svc->db);
	if (!ok)
		return false;
	if (!same_request(call, ask, row.hash))
		return error_slug(err, ERR_UNPROCESSABLE, "idempotency_key_reused",
		    "This Idempotency-Key was used for a different request. Use a new key.");
	answer = arena_alloc(call->arena, sizeof(*answer));
	*answer = (struct idempotent_answer) { row.status, row.response, row.response_len };
	*kept = answer;
	return true;
}

bool
idempotency_keep(const struct call *call, const struct idempotent *ask, int status,
    const char *text, struct error *err)
{
	struct idempotency_row row = row_of(ask);

	row.hash = hash_of(call->arena, keyring_jwt_signing(call->svc->keys), ask);
	row.status = status;
	row.response = text;
	if (store_idempotency_keep(call->svc->db, call->arena, &row, err))
		return db_outer_commit(call->svc->db, err);
	db_outer_rollback(call->svc->db);
	return false;
}

void
idempotency_undo(struct services *svc)
{
	db_outer_rollback(svc->db);
}
