/* API tokens, by hash. */
#ifndef MN_STORE_TOKENS_H
#define MN_STORE_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/access.h"
#include "core/crypto.h"
#include "model/user.h"
#include "store/pg.h"

extern const struct query store_tokens_queries[];

/* The last use is written at most once in this time. */
#define TOKEN_USE_SECONDS "60"

/* The owner of a token. */
struct store_token_use {
	const char *id;       /* of the token */
	const char *owner_id; /* NULL: unknown, revoked, or the owner is not active */
	enum role role;
	enum tier tier;
	int64_t generation;
	permission_set scopes; /* without implications */
	bool expired;
	int64_t expires_at; /* us, 0 = never */
};
/* Finds the token and records its use. */
bool store_token_use(struct db *, struct arena *, const unsigned char hash[SHA256_SIZE],
    struct store_token_use *, struct error *);
struct store_token_new {
	const char *id, *user_id, *name, *hint;
	permission_set scopes;
	const unsigned char *hash; /* SHA256_SIZE */
	int64_t expires_at;
	int max;
};
/* *added false: the person already has `max` active tokens. */
bool store_token_add(struct db *, struct arena *, const struct store_token_new *, bool *added,
    struct error *);
bool store_token_list(struct db *, struct arena *, const char *user_id, struct api_token **,
    size_t *n, struct error *);
bool store_token_revoke(struct db *, struct arena *, const char *user_id, const char *id,
    bool *revoked, struct error *);

#endif
