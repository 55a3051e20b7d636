#include "service/hook_signature.h"

#include <string.h>

#include "core/arena.h"
#include "core/str.h"

#include "core/banned.h"

unsigned char *
hook_key(struct arena *arena, const void *secret, size_t len, size_t *key_len)
{
	size_t prefix = strlen(HOOK_SECRET_PREFIX);

	if (len <= prefix || memcmp(secret, HOOK_SECRET_PREFIX, prefix) != 0)
		return NULL;
	return base64_decode(arena, (const char *)secret + prefix, len - prefix, key_len);
}

void
hook_mac(struct arena *arena, const unsigned char *key, size_t key_len,
    const struct hook_signed *what, unsigned char mac[SHA256_SIZE])
{
	hmac_sha256_of_two(key, key_len, arena_printf(arena, "%s.%s.", what->id, what->timestamp),
	    what->body, what->body_len, mac);
}
