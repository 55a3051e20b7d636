/* Items of one person that are the same, or look alike. */
#ifndef MN_MODEL_DUPLICATES_H
#define MN_MODEL_DUPLICATES_H

#include <stddef.h>
#include <stdint.h>

#include "model/media.h"

struct duplicate_group {
	const char *id;
	int64_t count; /* of items, more than are listed perhaps */
	struct media *items;
	size_t n;
};

#endif
