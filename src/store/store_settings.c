#include "store/store_settings.h"

#include "core/arena.h"

#include "core/banned.h"

enum { Q_PUT, Q_REMOVE, Q_ROLES, Q_ROLES_LOCK, Q_ROLES_CLEAR, Q_ROLES_ADD, Q_CHANGED, Q_SETTINGS };

const struct query store_settings_queries[] = {
	[Q_PUT] = { "setting_put",
	    "INSERT INTO settings (key, value, sealed, updated_by) VALUES ($1,"
	    " CASE WHEN $4::boolean THEN '' ELSE $2 END, CASE WHEN $4::boolean THEN $2 END, $3)"
	    " ON CONFLICT (key) DO UPDATE SET value = excluded.value, sealed = excluded.sealed,"
	    " updated_by = excluded.updated_by, updated_at = now()",
	    0 },
	[Q_REMOVE] = { "setting_remove", "DELETE FROM settings WHERE key = $1", 0 },
	[Q_ROLES] = { "roles_list", "SELECT role, permission FROM role_permissions", QUERY_READ },
	[Q_ROLES_LOCK] = { "roles_lock", "LOCK TABLE role_permissions IN SHARE ROW EXCLUSIVE MODE",
	    0 },
	[Q_ROLES_CLEAR] = { "roles_clear", "DELETE FROM role_permissions", 0 },
	[Q_ROLES_ADD] = { "roles_add",
	    "INSERT INTO role_permissions (role, permission) SELECT *"
	    " FROM unnest($1::text[], $2::text[])",
	    0 },
	[Q_CHANGED] = { "config_changed", "SELECT pg_notify('mn_config', '')", 0 },
	[Q_SETTINGS] = { "settings_all",
	    "SELECT key, coalesce(sealed, value), sealed IS NOT NULL FROM settings", QUERY_READ },
	{ .name = NULL },
};
#define Q(id) (&store_settings_queries[id])

bool
store_setting_put(struct db *db, struct arena *arena, const struct setting *setting,
    const char *user_id, struct error *err)
{
	if (setting->value == NULL)
		return db_exec(db, arena, Q(Q_REMOVE), DB_PARAMS(setting->key), NULL, err);
	return db_exec(db, arena, Q(Q_PUT),
	    DB_PARAMS(setting->key, setting->value, user_id, db_bool(setting->sealed)), NULL, err);
}

static void
roles_from_rows(const struct rows *rows, permission_set roles[ROLES])
{
	enum permission permission;
	enum role role;

	for (size_t i = 0; i < ROLES; i++)
		roles[i] = 0;
	for (size_t i = 0; i < rows_count(rows); i++)
		if (role_parse(rows_str(rows, i, 0), &role) &&
		    permission_parse(rows_str(rows, i, 1), &permission))
			roles[role] |= PERM_BIT(permission);
}

bool
store_roles_list(struct db *db, struct arena *arena, permission_set roles[ROLES], struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_ROLES), DB_NO_PARAMS, &rows, err))
		return false;
	roles_from_rows(rows, roles);
	return true;
}

bool
store_roles_lock(struct db *db, struct arena *arena, permission_set roles[ROLES], struct error *err)
{
	return db_exec(db, arena, Q(Q_ROLES_LOCK), DB_NO_PARAMS, NULL, err) &&
	    store_roles_list(db, arena, roles, err);
}

bool
store_roles_replace(struct db *db, struct arena *arena, const permission_set roles[ROLES],
    struct error *err)
{
	const char *names[ROLES * PERMISSIONS], *permissions[ROLES * PERMISSIONS];
	size_t n = 0;

	for (enum role role = 0; role < ROLES; role++)
		for (enum permission permission = PUBLIC + 1; permission < PERM_SIGNED_IN;
		    permission++)
			if (roles[role] & PERM_BIT(permission)) {
				names[n] = role_name(role);
				permissions[n++] = permission_name(permission);
			}
	return db_exec(db, arena, Q(Q_ROLES_CLEAR), DB_NO_PARAMS, NULL, err) &&
	    db_exec(db, arena, Q(Q_ROLES_ADD),
		DB_PARAMS(db_array(arena, names, n), db_array(arena, permissions, n)), NULL, err);
}

void
store_settings_from_rows(struct arena *arena, const struct rows *rows, struct settings *settings)
{
	size_t n = rows_count(rows);
	struct setting *items = arena_array(arena, n, sizeof(*items));

	for (size_t i = 0; i < n; i++)
		items[i] = (struct setting) { rows_str(rows, i, 0), rows_str(rows, i, 1),
			rows_bool(rows, i, 2) };
	*settings = (struct settings) { items, n };
}

bool
store_access_load(struct db *db, struct arena *arena, permission_set roles[ROLES],
    struct settings *settings, struct error *err)
{
	struct db_call calls[] = { { .query = Q(Q_ROLES) }, { .query = Q(Q_SETTINGS) } };

	if (!db_pipeline(db, arena, calls, 2, err))
		return false;
	roles_from_rows(calls[0].rows, roles);
	store_settings_from_rows(arena, calls[1].rows, settings);
	return true;
}

bool
store_config_changed(struct db *db, struct arena *arena, struct error *err)
{
	return db_exec(db, arena, Q(Q_CHANGED), DB_NO_PARAMS, NULL, err);
}
