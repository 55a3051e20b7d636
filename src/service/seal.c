#include "service/seal.h"

#include <string.h>

#include "core/arena.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/str.h"
#include "service/call.h"
#include "service/keyring.h"
#include "service/services.h"

#include "core/banned.h"

static const char *
place_text(struct arena *arena, struct seal_place place)
{
	return arena_printf(arena, "%s/%s/%s", place.table, place.row, place.column);
}

bool
seal_text(const struct call *call, struct seal_place place, const void *secret, size_t len,
    const char **sealed, struct error *err)
{
	int kid;
	const unsigned char *key = keyring_data(call->svc->keys, 0, &kid);
	unsigned char *raw;
	size_t raw_len;

	if (key == NULL) {
		error_set(err, ERR_UNAVAILABLE, "The server has no key to encrypt secrets with.");
		return error_detail(err,
		    "there is no data-N.key: run 'medianest-admin keys create'");
	}
	raw = aead_seal(call->arena, key, place_text(call->arena, place), secret, len, &raw_len);
	*sealed = arena_printf(call->arena, SEAL_PREFIX "%d:%s", kid,
	    base64_encode(call->arena, raw, raw_len));
	return true;
}

bool
seal_open(const struct call *call, struct seal_place place, const char *sealed,
    struct sealed *secret, struct error *err)
{
	const char *colon;
	const unsigned char *key;
	unsigned char *raw, *opened, *copy;
	size_t raw_len;
	int64_t kid;

	if (!str_starts(sealed, SEAL_PREFIX) || strlen(sealed) > SEAL_TEXT_MAX ||
	    (colon = strchr(sealed + strlen(SEAL_PREFIX), ':')) == NULL ||
	    !str_to_int(arena_strndup(call->arena, sealed + strlen(SEAL_PREFIX),
			    (size_t)(colon - sealed) - strlen(SEAL_PREFIX)),
		1, KEY_NUMBER_MAX, &kid) ||
	    (key = keyring_data(call->svc->keys, (int)kid, NULL)) == NULL ||
	    (raw = base64_decode(call->arena, colon + 1, strlen(colon + 1), &raw_len)) == NULL ||
	    (opened = aead_open(call->arena, key, place_text(call->arena, place), raw, raw_len,
		 &secret->len)) == NULL) {
		error_set(err, ERR_INTERNAL, "A stored secret cannot be decrypted.");
		return error_detail(err, "%s/%s/%s cannot be decrypted", place.table, place.row,
		    place.column);
	}
	copy = arena_memdup(call->arena, opened, secret->len + 1);
	copy[secret->len] = '\0';
	secret->data = copy;
	return true;
}
