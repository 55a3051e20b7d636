/*
 * Signatures of Standard Webhooks, for those that come in and those that go out: webhook-signature
 * has "v1," and the base64 of HMAC-SHA-256 over "<webhook-id>.<webhook-timestamp>.<body>". The key
 * is what the text of a secret decodes to after "whsec_".
 */
#ifndef MN_SERVICE_HOOK_SIGNATURE_H
#define MN_SERVICE_HOOK_SIGNATURE_H

#include <stddef.h>

#include "core/crypto.h"

struct arena;

#define HOOK_SECRET_PREFIX "whsec_" /* then HOOK_SECRET_BYTES random bytes as base64 */
#define HOOK_SECRET_BYTES 32
#define HOOK_SIGNATURE_VERSION "v1,"

/* The key of a secret; NULL: it is none. */
unsigned char *hook_key(struct arena *, const void *secret, size_t len, size_t *key_len);

struct hook_signed {
	const char *id, *timestamp; /* as they are sent */
	const void *body;
	size_t body_len;
};
void hook_mac(struct arena *, const unsigned char *key, size_t key_len, const struct hook_signed *,
    unsigned char mac[SHA256_SIZE]);

#endif
