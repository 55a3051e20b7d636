/* medianest-admin store settings: the file of settings that the pools of the object store read. */
#ifndef MN_BIN_ADMIN_STORE_H
#define MN_BIN_ADMIN_STORE_H

#include <stdbool.h>

struct arena;
struct config;
struct error;

/*
 * Replaces the file, mode 0640. When root writes it, it gets the group of the blobs' directory,
 * which is that of the pools.
 */
bool admin_store_settings(const struct config *, struct arena *, const char *file, struct error *);

#endif
