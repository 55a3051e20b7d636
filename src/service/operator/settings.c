#include "service/operator/settings.h"

#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "service/account/grant.h"
#include "service/audit.h"
#include "service/gate/cache.h"
#include "service/call.h"
#include "service/integrations/enrich.h"
#include "service/seal.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_invites.h"
#include "store/store_settings.h"

#include "core/banned.h"

static bool
check_changes(const struct setting_change *changes, size_t n, struct error *err)
{
	struct error why;
	bool ok = true;

	for (size_t i = 0; i < n; i++) {
		const struct config_row *row = &config_rows[changes[i].key];

		if (!(row->flags & CONFIG_LIVE))
			return error_slug(err, ERR_CONFLICT, "not_live",
			    "%s can only be changed in the configuration file.", row->key);
		error_clear(&why);
		if (changes[i].value != NULL &&
		    !config_check(changes[i].key, changes[i].value, &why))
			ok = error_field(err, row->key, "range", "%s", why.message);
	}
	return ok;
}

/* The changes by key; of secrets only the key. */
static const char *
changes_detail(struct arena *arena, const struct config *config,
    const struct setting_change *changes, size_t n)
{
	struct json *j = json_new(arena, 0);

	json_object(j, NULL);
	for (size_t i = 0; i < n; i++) {
		const struct config_row *row = &config_rows[changes[i].key];
		bool secret = (row->flags & CONFIG_SECRET) != 0;

		json_object(j, row->key);
		json_put_str(j, "from", secret ? NULL : config_str(config, changes[i].key));
		json_put_str(j, "to", secret ? NULL : changes[i].value);
		json_object_end(j);
	}
	json_object_end(j);
	return j->buf.data;
}

/* In the transaction. Secrets are stored sealed. */
static bool
put(const struct call *call, const struct setting_change *change, struct error *err)
{
	const struct config_row *row = &config_rows[change->key];
	struct setting setting = { .key = row->key, .value = change->value };

	setting.sealed = (row->flags & CONFIG_SECRET) != 0 && change->value != NULL;
	if (setting.sealed &&
	    !seal_text(call, SETTING_PLACE(row->key), change->value, strlen(change->value),
		&setting.value, err))
		return false;
	return store_setting_put(call->svc->db, call->arena, &setting, call->by.who->user_id,
		   err) &&
	    (change->key != CFG_TMDB_API_KEY || enrich_key_changed(call, err));
}

/* In the transaction. */
static bool
change_in(const struct call *call, const struct setting_change *changes, size_t n,
    struct error *err)
{
	const struct audit_event event = {
		.action = "settings.changed",
		.target_type = "settings",
		.detail = changes_detail(call->arena, call->svc->config, changes, n),
	};

	if (!grant_hold(call, &(const struct grant_people) { 0 }, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!put(call, &changes[i], err))
			return false;
	return audit_add(call, &event, err) &&
	    store_config_changed(call->svc->db, call->arena, err);
}

bool
settings_change(const struct call *call, const struct setting_change *changes, size_t n,
    struct error *err)
{
	if (!check_changes(changes, n, err) || !db_begin(call->svc->db, err) ||
	    !db_end(call->svc->db, change_in(call, changes, n, err), err))
		return false;
	cache_bump_config(call);
	for (size_t i = 0; i < n; i++)
		if (!config_override(call->svc->config, changes[i].key, changes[i].value, err))
			return false;
	return true;
}

bool
roles_get(const struct call *call, permission_set roles[ROLES], struct error *err)
{
	return store_roles_list(call->svc->db, call->arena, roles, err);
}

static const char *
roles_detail(struct arena *arena, const permission_set roles[ROLES])
{
	struct json *j = json_new(arena, 0);

	json_object(j, NULL);
	for (enum role role = 0; role < ROLES; role++)
		permissions_put(j, role_name(role), roles[role]);
	json_object_end(j);
	return j->buf.data;
}

/* In the transaction. */
static bool
replace_in(const struct call *call, const permission_set roles[ROLES], struct error *err)
{
	const struct audit_event event = { .action = "roles.changed",
		.target_type = "roles",
		.detail = roles_detail(call->arena, roles) };
	permission_set before[ROLES];
	struct db *db = call->svc->db;

	return grant_hold(call, &(const struct grant_people) { 0 }, err) &&
	    store_roles_lock(db, call->arena, before, err) &&
	    grant_matrix(&call->by, before, roles, err) &&
	    store_roles_replace(db, call->arena, roles, err) &&
	    store_invites_prune(db, call->arena, err) && audit_add(call, &event, err) &&
	    store_config_changed(db, call->arena, err);
}

bool
roles_replace(const struct call *call, const permission_set roles[ROLES], struct error *err)
{
	const permission_set needed = PERM_BIT(PERM_SYSTEM_SETTINGS) | PERM_BIT(PERM_USERS_MANAGE);

	if ((permission_closure(roles[ROLE_SUPER]) & needed) != needed)
		return error_slug(err, ERR_UNPROCESSABLE, "super_locked_out",
		    "Super admins must keep system.settings and users.manage, or nobody"
		    " could undo this change.");
	if (!db_begin(call->svc->db, err) ||
	    !db_end(call->svc->db, replace_in(call, roles, err), err))
		return false;
	cache_bump_config(call);
	return true;
}
