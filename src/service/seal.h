/*
 * Secrets at rest: AES-256-GCM under a key of the keyring. The text is "v1:<key number>:<base64>";
 * the additional data is table, row and column, so that a ciphertext that was moved does not open.
 */
#ifndef MN_SERVICE_SEAL_H
#define MN_SERVICE_SEAL_H

#include <stdbool.h>
#include <stddef.h>

struct call;
struct error;

#define SEAL_TEXT_MAX 8192 /* bytes of a sealed text */

bool seal_text(const struct call *, const char *table, const char *row, const char *column,
    const void *secret, size_t len, const char **sealed, struct error *);
/* NUL-terminated besides its length. ERR_INTERNAL: forged, moved, or its key is gone. */
bool seal_open(const struct call *, const char *table, const char *row, const char *column,
    const char *sealed, unsigned char **secret, size_t *len, struct error *);

#endif
