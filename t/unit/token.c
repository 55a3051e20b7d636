/*
 * Access tokens: our code and libjwt accept the same signatures; tokens that libjwt accepts too
 * easily are refused.
 */
#include "service/account/token.h"
#include "service/account/token_memory.h"

#include <jwt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/str.h"
#include "service/keyring.h"
#include "t/unit/tap.h"

#include "core/banned.h"

#define ISSUER "https://media.example"
#define UUID "01890a5d-ac96-774b-bcce-b302099a8057"
#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"1\"}"

static struct arena arena;
static struct keyring *keys;
static int64_t now;

/*
 * A token from literal JSON, always signed with HMAC-SHA256 and our key, independent of its header.
 */
static const char *
forge(const char *header, const char *payload)
{
	const struct jwt_key *key = keyring_jwt_signing(keys);
	const char *signed_part =
	    arena_printf(&arena, "%s.%s", base64url_encode(&arena, header, strlen(header)),
		base64url_encode(&arena, payload, strlen(payload)));
	unsigned char mac[SHA256_SIZE];

	hmac_sha256(key->secret, key->len, signed_part, strlen(signed_part), mac);
	return arena_printf(&arena, "%s.%s", signed_part,
	    base64url_encode(&arena, mac, sizeof(mac)));
}

static bool
verifies(const char *token, const char **slug)
{
	struct principal who;
	struct error err;
	bool valid;

	error_clear(&err);
	valid = token_verify(&arena, &(const struct token_issuer) { keys, ISSUER, now }, token,
	    strlen(token), &who, &err);
	*slug = valid ? "" : error_slug_of(&err);
	return valid;
}

/* All claims except one, which another member replaces. */
static const char *
claims(const char *without, const char *instead)
{
	const char *seconds = arena_printf(&arena, "%lld", (long long)(now / US_PER_SEC));
	const char *const members[][2] = {
		{ "iss", "\"" ISSUER "\"" },
		{ "aud", "\"medianest\"" },
		{ "sub", "\"" UUID "\"" },
		{ "sid", "\"" UUID "\"" },
		{ "jti", "\"" UUID "\"" },
		{ "role", "\"user\"" },
		{ "tier", "\"standard\"" },
		{ "typ", "\"access\"" },
		{ "gen", "1" },
		{ "iat", seconds },
		{ "nbf", seconds },
		{ "exp", arena_printf(&arena, "%lld", (long long)(now / US_PER_SEC + 900)) },
	};
	const char *comma = "";
	struct buf buf;

	buf_init(&buf, &arena, 0);
	buf_adds(&buf, "{");
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (str_eq(members[i][0], without))
			continue;
		buf_addf(&buf, "%s\"%s\":%s", comma, members[i][0], members[i][1]);
		comma = ",";
	}
	if (instead != NULL)
		buf_addf(&buf, ",%s", instead);
	buf_adds(&buf, "}");
	return buf.data;
}

static void
refused_claims(void)
{
	static const char *const names[] = { "iss", "aud", "sub", "sid", "jti", "role", "tier",
		"typ", "gen", "iat", "nbf", "exp" };
	static const char *const wrong[][2] = {
		{ "iss", "\"iss\":\"https://evil.example\"" },
		{ "aud", "\"aud\":\"other\"" },
		{ "typ", "\"typ\":\"refresh\"" },
		{ "exp", "\"exp\":\"never\"" },
		{ "exp", "\"exp\":9e99" },
		{ "nbf", "\"nbf\":99999999999" },
		{ "sub", "\"sub\":\"' OR 1=1\"" },
		{ "role", "\"role\":\"root\"" },
		{ "gen", "\"gen\":-1" },
		{ "sid", "\"sid\":null" },
		{ NULL, "\"role\":\"super\"" },
	};
	long long seconds = now / US_PER_SEC;
	const char *slug;

	ok(verifies(forge(HEADER, claims(NULL, NULL)), &slug), "all claims: accepted");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ok(!verifies(forge(HEADER, claims(names[i], NULL)), &slug),
		    "without %s: refused (%s)", names[i], slug);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ok(!verifies(forge(HEADER, claims(wrong[i][0], wrong[i][1])), &slug), "%s: refused",
		    wrong[i][1]);
	ok(!verifies(forge(HEADER,
			 claims("exp", arena_printf(&arena, "\"exp\":%lld", seconds - 31))),
	       &slug),
	    "expired 31 s ago: refused");
	is_str(slug, "token_expired", "and says so");
	ok(verifies(forge(HEADER,
			claims("exp", arena_printf(&arena, "\"exp\":%lld", seconds - 20))),
	       &slug),
	    "expired 20 s ago: within the skew");
}

static void
refused_headers(void)
{
	static const char *const headers[] = {
		"{\"alg\":\"none\",\"typ\":\"JWT\",\"kid\":\"1\"}",
		"{\"alg\":\"HS512\",\"typ\":\"JWT\",\"kid\":\"1\"}",
		"{\"alg\":\"hs256\",\"typ\":\"JWT\",\"kid\":\"1\"}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\"}",
		"{\"alg\":\"HS256\",\"kid\":\"9\"}",
		"{\"alg\":\"HS256\",\"kid\":\"../../etc/passwd\"}",
		"{\"alg\":\"HS256\",\"alg\":\"none\",\"kid\":\"1\"}",
		"{\"alg\":\"HS256\",\"kid\":\"1\",\"crit\":[\"x\"]}",
		"[]",
		"",
	};
	const char *good = forge(HEADER, claims(NULL, NULL)), *slug, *dot = strrchr(good, '.');

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		ok(!verifies(forge(headers[i], claims(NULL, NULL)), &slug), "header %s: refused",
		    headers[i]);
	ok(!verifies(arena_strndup(&arena, good, (size_t)(dot - good) + 1), &slug),
	    "empty signature: refused");
	ok(!verifies(arena_strndup(&arena, good, (size_t)(dot - good)), &slug),
	    "two parts: refused");
	ok(!verifies(arena_printf(&arena, "%s.x", good), &slug), "four parts: refused");
	ok(!verifies(arena_printf(&arena, "%.*s.%s", (int)(dot - good), good,
			 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
	       &slug),
	    "wrong signature: refused");
	ok(!verifies("", &slug) && !verifies("..", &slug) && !verifies("a.b.c", &slug),
	    "junk: refused");
}

static void
against_libjwt(void)
{
	const struct jwt_key *key = keyring_jwt_signing(keys);
	struct principal who = { .role = ROLE_ADMIN, .tier = TIER_PREMIUM, .generation = 7 }, read;
	const char *token, *slug;
	const struct token_issuer ours = { keys, ISSUER, now };
	const struct token_issuer other = { keys, "https://other.example", now };
	struct error err;
	jwt_t *jwt = NULL;

	uuid_v7(who.user_id);
	uuid_v7(who.session_id);
	ok(token_sign(&arena, &ours, &who, 900, &token, &err), "a token is made");
	ok(token_verify(&arena, &ours, token, strlen(token), &read, &err), "and read back");
	is_str(read.user_id, who.user_id, "sub");
	is_str(read.session_id, who.session_id, "sid");
	ok(read.role == ROLE_ADMIN && read.tier == TIER_PREMIUM && read.generation == 7,
	    "role, tier, generation");
	is_int(read.expires_at, who.expires_at, "exp");
	is_int(jwt_decode(&jwt, token, key->secret, (int)key->len), 0, "libjwt accepts ours");
	is_str(jwt_get_grant(jwt, "sub"), who.user_id, "and reads the same sub");
	jwt_free(jwt);
	jwt = NULL;
	is_int(jwt_decode(&jwt, forge(HEADER, claims(NULL, NULL)), key->secret, (int)key->len), 0,
	    "libjwt accepts what we accept");
	jwt_free(jwt);
	ok(!token_verify(&arena, &other, token, strlen(token), &read, &err),
	    "another issuer: refused");
	ok(verifies(token, &slug), "still fine for its own");
}

/* What is remembered is the very token, and until it expires. */
static void
remembered(void)
{
	static struct token_memory memory;
	const struct token_issuer ours = { keys, ISSUER, now };
	struct principal who = { .role = ROLE_USER, .generation = 7 }, read;
	int64_t over = now + (900 + TOKEN_SKEW_SECONDS) * US_PER_SEC;
	const char *token, *forged;
	struct error err;
	size_t len;

	uuid_v7(who.user_id);
	uuid_v7(who.session_id);
	ok(token_sign(&arena, &ours, &who, 900, &token, &err), "a token");
	len = strlen(token);
	ok(!token_remembered(&memory, token, len, now, &read), "is new at first");
	token_remember(&memory, token, len, &who);
	ok(token_remembered(&memory, token, len, now, &read), "then it is known");
	is_str(read.user_id, who.user_id, "and whose it is");
	ok(read.generation == 7 && str_eq(read.session_id, who.session_id), "with its session");
	ok(token_remembered(&memory, token, len, over - US_PER_SEC, &read), "until it expires");
	ok(!token_remembered(&memory, token, len, over, &read), "and no longer");
	forged = arena_printf(&arena, "%.*sA%s", 60, token, token + 61);
	ok(token[60] == 'A' || !token_remembered(&memory, forged, len, now, &read),
	    "another payload with its signature is another token");
	ok(!token_remembered(&memory, token, len - 1, now, &read), "so is a shorter one");
	ok(!token_remembered(&memory, "", 0, now, &read), "nothing is never known");
}

int
main(void)
{
	char dir[] = "/tmp/medianest-token-XXXXXX", *file;
	struct config *config;
	struct error err;
	FILE *f;

	arena_init(&arena);
	now = clock_now();
	if (mkdtemp(dir) == NULL)
		return 1;
	file = arena_printf(&arena, "%s/medianest.conf", dir);
	if ((f = fopen(file, "w")) == NULL)
		return 1;
	fprintf(f, "keys.dir = %s/keys\n", dir);
	fclose(f);
	if ((config = config_load(file, &err)) == NULL || !keyring_create(config, false, &err) ||
	    (keys = keyring_load(config, false, &err)) == NULL) {
		printf("Bail out! %s\n", err.message);
		return 1;
	}
	refused_claims();
	refused_headers();
	against_libjwt();
	remembered();
	if (system(arena_printf(&arena, "rm -rf '%s'", dir)) != 0)
		printf("# %s is left\n", dir);
	keyring_free(keys);
	config_free(config);
	arena_clear(&arena);
	return done_testing();
}
