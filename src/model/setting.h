/* Live settings as stored in the database. */
#ifndef MN_MODEL_SETTING_H
#define MN_MODEL_SETTING_H

#include <stddef.h>

struct setting {
	const char *key, *value;
};

struct settings {
	const struct setting *items;
	size_t n;
};

#endif
