/* API tokens, by hash. */
#ifndef MN_STORE_TOKENS_H
#define MN_STORE_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/pg.h"

extern const struct query store_tokens_queries[];

/* Last use is written at most once in so many seconds. */
#define TOKEN_USE_SECONDS "60"

/*
 * owner id, role, tier, generation, scopes (text[]), expired, token id; counts the use. No row =
 * unknown, revoked, or the owner is not active.
 */
bool store_token_use(struct db *, struct arena *, const void *hash, size_t len, struct rows **,
    struct error *);
struct store_token_new {
	const char *id, *user_id, *name, *hint, *scopes /* text[] literal */;
	const void *hash;
	size_t hash_len;
	int64_t expires_at;
	int max;
};
/* *added false: the person has `max` live tokens already. */
bool store_token_add(struct db *, struct arena *, const struct store_token_new *, bool *added,
    struct error *);
/* id, name, hint, scopes, created, expires, last used (us) */
bool store_token_list(struct db *, struct arena *, const char *user_id, struct rows **,
    struct error *);
bool store_token_revoke(struct db *, struct arena *, const char *user_id, const char *id,
    bool *revoked, struct error *);

#endif
