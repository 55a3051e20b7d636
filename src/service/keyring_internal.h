/* Shared by keyring.c, which reads key files, and keyring_write.c, which makes them. */
#ifndef MN_SERVICE_KEYRING_INTERNAL_H
#define MN_SERVICE_KEYRING_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "service/keyring.h"

#define KEY_PATH_MAX 4200
#define KEY_TEXT_MAX 256 /* bytes of a key file */
#define KEY_NAME_MAX 32

/* The numbers N of the files PREFIX-N.key, ascending. */
struct key_numbers {
	int items[KEYS_MAX];
	size_t n;
};

/* name "": the directory itself. */
bool keyring_path(const struct config *, const char *name, char out[KEY_PATH_MAX], struct error *);
void keyring_name(const char *prefix, int number, char out[KEY_NAME_MAX]);
/* A directory that is not there has none. ERR_CONFLICT: there are more than KEYS_MAX. */
bool keyring_numbers(const struct config *, const char *prefix, struct key_numbers *,
    struct error *);

#endif
