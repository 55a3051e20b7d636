/*
 * Keys from files of mode 0400 (0440 allowed for group) in keys.dir; `medianest-admin keys create`
 * creates missing ones.
 */
#ifndef MN_SERVICE_KEYRING_H
#define MN_SERVICE_KEYRING_H

#include <stdbool.h>
#include <stddef.h>

struct config;
struct error;
struct keyring;

#define JWT_KEYS_MAX 4
#define JWT_KEY_MIN 32 /* bytes */

/*
 * jwt-1.key .. jwt-4.key hold 64 hexadecimal digits or more; the highest number signs, all verify;
 * kid = the number.
 */
struct jwt_key {
	int kid;
	unsigned char secret[64];
	size_t len;
};

/*
 * data-N.key (64 hexadecimal digits) encrypt stored secrets: those of two-step verification and
 * integration tokens. The highest number encrypts, all decrypt.
 */
#define DATA_KEYS_MAX 4
#define DATA_KEY_BYTES 32

/*
 * Files read: jwt-N.key (unless storage_only), storage-access.key, storage-secret.key (not needed
 * if the config has them).
 */
struct keyring *keyring_load(const struct config *, bool storage_only, struct error *);
void keyring_free(struct keyring *);
const struct jwt_key *keyring_jwt_signing(const struct keyring *);
const struct jwt_key *keyring_jwt(const struct keyring *, int kid); /* NULL: unknown */
/* kid 0: the key that encrypts. NULL: unknown or none. *found (or NULL) gets its number. */
const unsigned char *keyring_data(const struct keyring *, int kid, int *found);
const char *keyring_storage_access(const struct keyring *);
const char *keyring_storage_secret(const struct keyring *);
/* Creates the directory (0700) and missing files; prints each on stdout if `verbose`. */
bool keyring_create(const struct config *, bool verbose, struct error *);

#endif
