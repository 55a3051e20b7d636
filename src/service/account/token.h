/*
 * Access tokens: JWT (RFC 7519) signed with HS256, 15 minutes. libjwt makes them; they are verified
 * here with a reused MAC context, because libjwt 1.10 leaves every claim to its caller and costs
 * ten times as much. A test compares the two.
 */
#ifndef MN_SERVICE_ACCOUNT_TOKEN_H
#define MN_SERVICE_ACCOUNT_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/access.h"

struct arena;
struct error;
struct keyring;

#define TOKEN_MAX 8192 /* bytes */
#define TOKEN_SKEW_SECONDS 30
#define TOKEN_AUDIENCE "medianest"

/* The keys, issuer and time with which tokens are signed and verified. */
struct token_issuer {
	struct keyring *keys;
	const char *issuer;
	int64_t now; /* us */
};

/* who: user_id, session_id, role, tier, generation; expires_at in us is returned through it. */
bool token_sign(struct arena *, const struct token_issuer *, struct principal *who,
    int life_seconds, const char **token, struct error *);
/* Pure computation. False: ERR_UNAUTHENTICATED with slug token_invalid or token_expired. */
bool token_verify(struct arena *, const struct token_issuer *, const char *token, size_t len,
    struct principal *, struct error *);

#endif
