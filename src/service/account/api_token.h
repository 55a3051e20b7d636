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
/* For so long Redis is trusted with what PostgreSQL said of a token, unless something ends that. */
#define API_TOKEN_FRESH_SECONDS 60

/*
 * Whose is it? Fills who with the owner, `scoped` and the scopes; ERR_UNAUTHENTICATED token_invalid
 * or token_expired. One round trip to Redis for a token that was seen lately; for others one to
 * PostgreSQL too, which a caller over a limit does not get: ERR_RATE_LIMITED, with *adm set. `ask`
 * is what the limiter will be asked; its `who` does not count.
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
