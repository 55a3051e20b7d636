#include "service/account/token.h"

#include <jwt.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "service/keyring.h"

#include "core/banned.h"

static void
free_jwt(void *jwt)
{
	jwt_free(jwt);
}

bool
token_sign(struct arena *arena, const struct token_issuer *by, struct principal *who,
    int life_seconds, const char **token, struct error *err)
{
	const struct jwt_key *key = keyring_jwt_signing(by->keys);
	long iat = by->now / US_PER_SEC;
	char jti[UUID_TEXT], kid[16];
	char *text;
	jwt_t *jwt;

	if (jwt_new(&jwt) != 0)
		return error_set(err, ERR_INTERNAL, "The token could not be created.");
	arena_defer(arena, free_jwt, jwt);
	uuid_v7(jti);
	snprintf(kid, sizeof(kid), "%d", key->kid);
	if (jwt_add_header(jwt, "kid", kid) != 0 || jwt_add_grant(jwt, "iss", by->issuer) != 0 ||
	    jwt_add_grant(jwt, "aud", TOKEN_AUDIENCE) != 0 ||
	    jwt_add_grant(jwt, "sub", who->user_id) != 0 ||
	    jwt_add_grant(jwt, "sid", who->session_id) != 0 ||
	    jwt_add_grant(jwt, "jti", jti) != 0 ||
	    jwt_add_grant(jwt, "role", role_name(who->role)) != 0 ||
	    jwt_add_grant(jwt, "tier", tier_name(who->tier)) != 0 ||
	    jwt_add_grant(jwt, "typ", "access") != 0 ||
	    jwt_add_grant_int(jwt, "gen", (long)who->generation) != 0 ||
	    jwt_add_grant_int(jwt, "iat", iat) != 0 || jwt_add_grant_int(jwt, "nbf", iat) != 0 ||
	    jwt_add_grant_int(jwt, "exp", iat + life_seconds) != 0 ||
	    jwt_set_alg(jwt, JWT_ALG_HS256, key->secret, (int)key->len) != 0 ||
	    (text = jwt_encode_str(jwt)) == NULL)
		return error_set(err, ERR_INTERNAL, "The token could not be created.");
	*token = arena_strdup(arena, text);
	free(text); /* libjwt 1.10 returns plain malloc memory */
	who->expires_at = (iat + life_seconds) * US_PER_SEC;
	return true;
}

static bool
invalid(struct error *err, const char *why)
{
	error_slug(err, ERR_UNAUTHENTICATED, "token_invalid",
	    "This access token is not valid. Sign in again.");
	return error_detail(err, "%s", why);
}

/*
 * Returns the key that the header names; the header must say HS256, and `kid` is only compared
 * with the numbers of our keys.
 */
static const struct jwt_key *
header_key(struct arena *arena, struct keyring *keys, const char *text, size_t len)
{
	struct error ignored;
	const struct cJSON *header;
	unsigned char *raw;
	size_t raw_len;
	int64_t kid;

	if ((raw = base64url_decode(arena, text, len, &raw_len)) == NULL ||
	    (header = json_parse(arena, (const char *)raw, raw_len, &ignored)) == NULL)
		return NULL;
	if (!str_eq(json_str(header, "alg", NULL), "HS256") || json_get(header, "crit") != NULL)
		return NULL;
	if (json_get(header, "typ") != NULL && !str_ieq(json_str(header, "typ", NULL), "JWT"))
		return NULL;
	if (!str_to_int(json_str(header, "kid", ""), 1, KEY_NUMBER_MAX, &kid))
		return NULL;
	return keyring_jwt(keys, (int)kid);
}

/* An integer claim of sane size; -1 otherwise (no claim of ours is negative). */
static int64_t
claim_int(const struct cJSON *claims, const char *name)
{
	return json_int(claims, name, -1);
}

static bool
read_claims(const struct cJSON *claims, const char *issuer, int64_t now_seconds,
    struct principal *who, struct error *err)
{
	const char *sub = json_str(claims, "sub", ""), *sid = json_str(claims, "sid", "");
	int64_t exp = claim_int(claims, "exp"), nbf = claim_int(claims, "nbf"),
		iat = claim_int(claims, "iat");

	if (!str_eq(json_str(claims, "typ", NULL), "access"))
		return invalid(err, "typ");
	if (!str_eq(json_str(claims, "iss", NULL), issuer))
		return invalid(err, "iss");
	if (!str_eq(json_str(claims, "aud", NULL), TOKEN_AUDIENCE))
		return invalid(err, "aud");
	if (!uuid_valid(sub) || !uuid_valid(sid) || !uuid_valid(json_str(claims, "jti", "")))
		return invalid(err, "sub, sid or jti");
	if (!role_parse(json_str(claims, "role", ""), &who->role) ||
	    !tier_parse(json_str(claims, "tier", ""), &who->tier))
		return invalid(err, "role or tier");
	if ((who->generation = claim_int(claims, "gen")) < 0)
		return invalid(err, "gen");
	if (exp < 0 || nbf < 0 || iat < 0 || exp > now_seconds + 10LL * 366 * 86400)
		return invalid(err, "exp, nbf or iat");
	if (nbf > now_seconds + TOKEN_SKEW_SECONDS)
		return invalid(err, "nbf is in the future");
	if (exp + TOKEN_SKEW_SECONDS <= now_seconds)
		return error_slug(err, ERR_UNAUTHENTICATED, "token_expired",
		    "This access token has expired. Refresh it.");
	str_copy(who->user_id, sizeof(who->user_id), sub);
	str_copy(who->session_id, sizeof(who->session_id), sid);
	who->expires_at = exp * US_PER_SEC;
	return true;
}

bool
token_verify(struct arena *arena, const struct token_issuer *by, const char *token, size_t len,
    struct principal *who, struct error *err)
{
	unsigned char mac[SHA256_SIZE], *signature, *payload;
	const char *first, *second;
	const struct jwt_key *key;
	const struct cJSON *claims;
	struct error ignored;
	size_t signature_len, payload_len;

	memset(who, 0, sizeof(*who));
	if (len > TOKEN_MAX)
		return invalid(err, "too long");
	if ((first = memchr(token, '.', len)) == NULL ||
	    (second = memchr(first + 1, '.', len - (size_t)(first + 1 - token))) == NULL ||
	    memchr(second + 1, '.', len - (size_t)(second + 1 - token)) != NULL)
		return invalid(err, "not three parts");
	if ((key = header_key(arena, by->keys, token, (size_t)(first - token))) == NULL)
		return invalid(err, "header");
	signature =
	    base64url_decode(arena, second + 1, len - (size_t)(second + 1 - token), &signature_len);
	if (signature == NULL || signature_len != sizeof(mac))
		return invalid(err, "signature form");
	hmac_sha256(key->secret, key->len, token, (size_t)(second - token), mac);
	if (!secure_equal(mac, signature, sizeof(mac)))
		return invalid(err, "signature");
	payload = base64url_decode(arena, first + 1, (size_t)(second - first - 1), &payload_len);
	if (payload == NULL ||
	    (claims = json_parse(arena, (const char *)payload, payload_len, &ignored)) == NULL)
		return invalid(err, "payload");
	return read_claims(claims, by->issuer, by->now / US_PER_SEC, who, err);
}
