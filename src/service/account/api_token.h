/*
 * Personal API tokens for the CLI and third parties: "mn_" and 256 random bits in base64url, shown
 * once, stored as SHA-256, with scopes that are a subset of the owner's permissions. Each use is
 * limited to the permissions that the owner still has. Tokens act with the owner's tier.
 */
#ifndef MN_SERVICE_ACCOUNT_API_TOKEN_H
#define MN_SERVICE_ACCOUNT_API_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/access.h"
#include "model/user.h"

struct admission;
struct admission_ask;
struct call;
struct error;

#define API_TOKEN_PREFIX "mn_"
#define API_TOKEN_BYTES 32
#define API_TOKENS_MAX 50 /* active tokens of a person */
#define API_TOKEN_NAME_MAX 100
/* Redis keeps PostgreSQL's result for a token this long, unless it becomes void earlier. */
#define API_TOKEN_FRESH_SECONDS 60

/*
 * Identifies the owner: fills who with them, `scoped` and the scopes; ERR_UNAUTHENTICATED
 * token_invalid or token_expired. This takes one round trip to Redis for a token that was used
 * lately. Other tokens also need one to PostgreSQL, which is refused to a caller over a limit:
 * ERR_RATE_LIMITED, with *adm set. `ask` is the later question to the limiter; its `who` is
 * ignored.
 */
bool api_token_identify(const struct call *, const char *token, const struct admission_ask *ask,
    struct principal *who, const struct admission **adm, struct error *);

struct api_token_new {
	const char *name;
	permission_set scopes;
	int64_t expires_at;
};
bool api_token_create(const struct call *, const struct api_token_new *, struct api_token *,
    const char **token, struct error *);
bool api_token_list(const struct call *, const char *user_id, struct api_token **, size_t *n,
    struct error *);
bool api_token_revoke(const struct call *, const char *id, struct error *);

#endif
