/*
 * Secrets at rest: AES-256-GCM under a key of the keyring. The text is "v1:<key number>:<base64>";
 * the additional data is table, row and column, so that a moved ciphertext cannot be decrypted.
 */
#ifndef MN_SERVICE_SEAL_H
#define MN_SERVICE_SEAL_H

#include <stdbool.h>
#include <stddef.h>

struct call;
struct error;

#define SEAL_TEXT_MAX 8192 /* bytes of a sealed text */
#define SEAL_PREFIX "v1:"  /* then the number of the key, and a colon */

/* The place of a secret: this column of this row. */
struct seal_place {
	const char *table, *row, *column;
};

#define SETTING_PLACE(key) ((struct seal_place) { "settings", key, "value" })

bool seal_text(const struct call *, struct seal_place, const void *secret, size_t len,
    const char **sealed, struct error *);
/* NUL-terminated besides its length; the arena's. */
struct sealed {
	const unsigned char *data;
	size_t len;
};
/* ERR_INTERNAL: the text is forged or moved, or its key is gone. */
bool seal_open(const struct call *, struct seal_place, const char *sealed, struct sealed *secret,
    struct error *);

#endif
