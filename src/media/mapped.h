/* A file as memory. Changes to it stay in this process. */
#ifndef MN_MEDIA_MAPPED_H
#define MN_MEDIA_MAPPED_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

struct mapped {
	unsigned char *data;
	size_t size;
};

/* False where it cannot be read or is empty. It stays mapped as long as the arena lives. */
bool mapped_open(struct arena *, const char *path, struct mapped *);

#endif
