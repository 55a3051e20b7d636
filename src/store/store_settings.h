/* Rows of settings and role_permissions. */
#ifndef MN_STORE_SETTINGS_H
#define MN_STORE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "store/pg.h"

extern const struct query store_settings_queries[];

/* value NULL removes the row. */
bool store_setting_put(struct db *, struct arena *, const char *key, const char *value,
    const char *user_id, struct error *);
/* role, permission */
bool store_roles_list(struct db *, struct arena *, struct rows **, struct error *);
/* In a transaction: the whole matrix, as parallel arrays. */
bool store_roles_replace(struct db *, struct arena *, const char *const *roles,
    const char *const *permissions, size_t n, struct error *);
/* Wakes processes that hold a copy and serve no requests (the worker, notifyd). */
bool store_config_changed(struct db *, struct arena *, struct error *);

#endif
