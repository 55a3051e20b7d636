/* Live settings as stored in the database. */
#ifndef MN_MODEL_SETTING_H
#define MN_MODEL_SETTING_H

#include <stdbool.h>
#include <stddef.h>

struct setting {
	const char *key, *value;
	bool sealed; /* the value of a secret: SETTING_PLACE of service/seal.h */
};

struct settings {
	const struct setting *items;
	size_t n;
};

#endif
