#include "store/store_settings.h"

#include "core/arena.h"

#include "core/banned.h"

enum { Q_PUT, Q_REMOVE, Q_ROLES, Q_ROLES_CLEAR, Q_ROLES_ADD, Q_CHANGED };

const struct query store_settings_queries[] = {
	[Q_PUT] = { "setting_put",
	    "INSERT INTO settings (key, value, updated_by) VALUES ($1, $2, $3) "
	    "ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_by ="
	    " excluded.updated_by, updated_at = now()",
	    0 },
	[Q_REMOVE] = { "setting_remove", "DELETE FROM settings WHERE key = $1", 0 },
	[Q_ROLES] = { "roles_list",
	    "SELECT role, permission FROM role_permissions ORDER BY role, permission", QUERY_READ },
	[Q_ROLES_CLEAR] = { "roles_clear", "DELETE FROM role_permissions", 0 },
	[Q_ROLES_ADD] = { "roles_add",
	    "INSERT INTO role_permissions (role, permission) SELECT *"
	    " FROM unnest($1::text[], $2::text[])",
	    0 },
	[Q_CHANGED] = { "config_changed", "SELECT pg_notify('mn_config', '')", 0 },
	{ .name = NULL },
};
#define Q(id) (&store_settings_queries[id])

bool
store_setting_put(struct db *db, struct arena *arena, const char *key, const char *value,
    const char *user_id, struct error *err)
{
	if (value == NULL)
		return db_exec(db, arena, Q(Q_REMOVE), DB_PARAMS(key), NULL, err);
	return db_exec(db, arena, Q(Q_PUT), DB_PARAMS(key, value, user_id), NULL, err);
}

bool
store_roles_list(struct db *db, struct arena *arena, struct rows **rows, struct error *err)
{
	return db_exec(db, arena, Q(Q_ROLES), DB_NO_PARAMS, rows, err);
}

bool
store_roles_replace(struct db *db, struct arena *arena, const char *const *roles,
    const char *const *permissions, size_t n, struct error *err)
{
	return db_exec(db, arena, Q(Q_ROLES_CLEAR), DB_NO_PARAMS, NULL, err) &&
	    db_exec(db, arena, Q(Q_ROLES_ADD),
		DB_PARAMS(db_array(arena, roles, n), db_array(arena, permissions, n)), NULL, err);
}

bool
store_config_changed(struct db *db, struct arena *arena, struct error *err)
{
	return db_exec(db, arena, Q(Q_CHANGED), DB_NO_PARAMS, NULL, err);
}
