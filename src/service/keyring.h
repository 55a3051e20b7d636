/*
 * Keys from files of mode 0400 (0440 allowed for group) in keys.dir; `medianest-admin keys create`
 * creates missing ones, `keys rotate` the next ones.
 *
 * jwt-N.key (64 hexadecimal digits or more) signs access tokens; kid = the number. data-N.key (64
 * digits) encrypts stored secrets: those of two-step verification and integration tokens. Of each
 * kind the highest number signs or encrypts, and all verify or decrypt. A key that is asked for and
 * not known is looked for in the directory again, if that has changed: so a process that has not
 * been started again understands what others made with a newer key.
 */
#ifndef MN_SERVICE_KEYRING_H
#define MN_SERVICE_KEYRING_H

#include <stdbool.h>
#include <stddef.h>

#include "core/crypto.h"

struct config;
struct error;
struct keyring;

#define KEYS_MAX 4 /* of each kind, at one time */
#define KEY_NUMBER_MAX 9999
#define JWT_KEY_MIN 32 /* bytes */
#define DATA_KEY_BYTES 32

struct jwt_key {
	int kid;
	unsigned char secret[64];
	size_t len;
};

/*
 * Files read: jwt-N.key and data-N.key (unless storage_only), storage-access.key,
 * storage-secret.key (not needed if the config has them).
 */
struct keyring *keyring_load(const struct config *, bool storage_only, struct error *);
void keyring_free(struct keyring *);
const struct jwt_key *keyring_jwt_signing(const struct keyring *);
const struct jwt_key *keyring_jwt(struct keyring *, int kid);           /* NULL: unknown */
const struct jwt_key *keyring_jwt_at(const struct keyring *, size_t i); /* NULL: no more */
/* kid 0: the key that encrypts. NULL: unknown or none. *found (or NULL) gets its number. */
const unsigned char *keyring_data(struct keyring *, int kid, int *found);
/*
 * HMAC-SHA256 (RFC 2104) of a text with a key that is derived from a data key for `purpose`, so
 * that it is good for nothing else. kid and found as for keyring_data(); false: no such key.
 */
bool keyring_mac(struct keyring *, int kid, const char *purpose, const char *text,
    unsigned char mac[SHA256_SIZE], int *found);
/* The numbers of the keys that encrypt, ascending; returns how many. */
size_t keyring_data_numbers(const struct keyring *, int numbers[KEYS_MAX]);
const char *keyring_storage_access(const struct keyring *);
const char *keyring_storage_secret(const struct keyring *);
/* Creates the directory (0700) and missing files; prints each on stdout if `verbose`. */
bool keyring_create(const struct config *, bool verbose, struct error *);
/*
 * Makes the next jwt-N.key and data-N.key, and prints them. ERR_CONFLICT: there are KEYS_MAX of a
 * kind already.
 */
bool keyring_rotate(const struct config *, struct error *);

#endif
