#include "service/gate/access.h"

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "service/call.h"
#include "service/seal.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_settings.h"

#include "core/banned.h"

#define VERSION_MAX 64

static struct {
	bool loaded;
	int64_t loaded_at; /* monotonic us */
	char version[VERSION_MAX];
	permission_set roles[ROLES];
} access_copy;

void
access_take_settings(struct config *config, const struct log *log, const struct settings *settings)
{
	const char *values[CONFIG_KEYS] = { NULL };
	struct error err;
	enum config_key key;

	for (size_t i = 0; i < settings->n; i++)
		if (!settings->items[i].sealed && config_find(settings->items[i].key, &key))
			values[key] = settings->items[i].value;
	for (key = 0; key < CONFIG_KEYS; key++) {
		if (!(config_rows[key].flags & CONFIG_LIVE) ||
		    (values[key] == NULL && config_source(config, key) != CONFIG_FROM_DATABASE))
			continue;
		if (!config_override(config, key, values[key], &err))
			log_warn(log, "setting %s in the database is ignored: %s",
			    config_rows[key].key, err.message);
	}
}

/* Secrets become readable; one that cannot be opened is left out, and the file's value holds. */
static void
open_secrets(const struct call *call, struct settings *settings)
{
	struct setting *items = arena_array(call->arena, settings->n + 1, sizeof(*items));

	for (size_t i = 0; i < settings->n; i++) {
		struct sealed secret;
		struct error why;

		items[i] = settings->items[i];
		if (!items[i].sealed)
			continue;
		if (!seal_open(call, SETTING_PLACE(items[i].key), items[i].value, &secret, &why)) {
			log_warn(call->svc->log, "setting %s in the database is ignored: %s",
			    items[i].key, why.message);
			continue;
		}
		items[i].value = (const char *)secret.data;
		items[i].sealed = false;
	}
	settings->items = items;
}

bool
access_is(const char *config_version)
{
	return access_copy.loaded && str_eq(config_version, access_copy.version);
}

static bool
is_current(const char *config_version, int64_t now)
{
	int64_t age = now - access_copy.loaded_at;

	if (config_version == NULL)
		return access_copy.loaded && age < ACCESS_RELOAD_SECONDS * US_PER_SEC;
	return access_is(config_version) && age < ACCESS_AGE_SECONDS * US_PER_SEC;
}

bool
access_refresh(const struct call *call, const char *config_version, struct error *err)
{
	permission_set roles[ROLES];
	struct settings settings;
	int64_t now = clock_monotonic();
	struct error why;

	if (is_current(config_version, now))
		return true;
	if (!store_access_load(call->svc->db, call->arena, roles, &settings, &why)) {
		if (!access_copy.loaded) {
			*err = why;
			return false;
		}
		log_warn(call->svc->log,
		    "roles and settings could not be reloaded, the previous ones stay in"
		    " force: %s",
		    why.detail);
		access_copy.loaded_at = now; /* the next attempt is not the next request's */
		return true;
	}
	for (enum role role = 0; role < ROLES; role++)
		access_copy.roles[role] = permission_closure(roles[role]);
	open_secrets(call, &settings);
	access_take_settings(call->svc->config, call->svc->log, &settings);
	access_copy.loaded = true;
	access_copy.loaded_at = now;
	if (config_version != NULL)
		str_copy(access_copy.version, sizeof(access_copy.version), config_version);
	return true;
}

permission_set
access_permissions(enum role role)
{
	return access_copy.roles[role];
}
