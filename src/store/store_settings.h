/* Rows of settings and role_permissions. */
#ifndef MN_STORE_SETTINGS_H
#define MN_STORE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/access.h"
#include "core/str.h"
#include "model/setting.h"
#include "store/pg.h"

extern const struct query store_settings_queries[];

/* value NULL removes the row. */
bool store_setting_put(struct db *, struct arena *, const struct setting *, const char *user_id,
    struct error *);
/* The stored matrix, without implications; unknown roles and permissions are left out. */
bool store_roles_list(struct db *, struct arena *, permission_set roles[ROLES], struct error *);
/* In a transaction: the same, and no other transaction changes it before this one ends. */
bool store_roles_lock(struct db *, struct arena *, permission_set roles[ROLES], struct error *);
/* In a transaction: the whole matrix. */
bool store_roles_replace(struct db *, struct arena *, const permission_set roles[ROLES],
    struct error *);
/* The matrix and every setting, in one round trip. */
bool store_access_load(struct db *, struct arena *, permission_set roles[ROLES], struct settings *,
    struct error *);
/* Rows of (key, value, whether it is sealed). */
void store_settings_from_rows(struct arena *, const struct rows *, struct settings *);
/* Wakes processes that hold a copy and serve no requests (the worker, notifyd). */
bool store_config_changed(struct db *, struct arena *, struct error *);

#endif
