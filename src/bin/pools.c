#include "bin/pools.h"

#include <string.h>

#include "fcgi-handlers/admin.h"
#include "fcgi-handlers/alerts.h"
#include "fcgi-handlers/auth.h"
#include "fcgi-handlers/health.h"
#include "fcgi-handlers/media.h"
#include "fcgi-handlers/metrics.h"
#include "fcgi-handlers/notifications.h"
#include "fcgi-handlers/plex.h"
#include "fcgi-handlers/plex_sync.h"
#include "fcgi-handlers/overseerr.h"
#include "objectstore/objectstore.h"
#include "fcgi-handlers/search.h"
#include "fcgi-handlers/users.h"
#include "fcgi-handlers/webhooks_in.h"
#include "fcgi-handlers/webhooks_out.h"
#include "http/route.h"
#include "core/banned.h"

#define MODULES(...) ((const struct route_module *const[]) { __VA_ARGS__ __VA_OPT__(, ) NULL })

const struct pool pools[] = {
	{ "auth", CFG_POOL_AUTH, SERVICES_API, MODULES(&auth_module, &auth_account_module), NULL },
	{ "users", CFG_POOL_USERS, SERVICES_API, MODULES(&users_module), NULL },
	{ "media", CFG_POOL_MEDIA, SERVICES_API,
	    MODULES(&media_module, &media_bulk_module, &media_sidecar_module, &upload_module,
		&duplicates_module, &collections_module, &links_module, &downloads_module,
		&media_playback_module, &places_module),
	    NULL },
	{ "search", CFG_POOL_SEARCH, SERVICES_API, MODULES(&search_module), NULL },
	{ "plex", CFG_POOL_PLEX, SERVICES_API,
	    MODULES(&auth_plex_module, &plex_module, &plex_sync_module), NULL },
	{ "overseerr", CFG_POOL_OVERSEERR, SERVICES_API,
	    MODULES(&overseerr_module, &requests_module), NULL },
	{ "webhooks", CFG_POOL_WEBHOOKS, SERVICES_API, MODULES(&webhooks_in_module), NULL,
	    CFG_POOL_WEBHOOKS_MAX },
	{ "notifications", CFG_POOL_NOTIFICATIONS, SERVICES_API, MODULES(&notifications_module),
	    NULL },
	{ "health", CFG_POOL_HEALTH, SERVICES_API, MODULES(&health_module), NULL },
	{ "metrics", CFG_POOL_METRICS, SERVICES_API, MODULES(&metrics_module), NULL },
	{ "admin", CFG_POOL_ADMIN, SERVICES_API,
	    MODULES(&admin_module, &admin_audit_module, &admin_house_module, &admin_jobs_module,
		&alerts_module, &webhooks_out_module),
	    NULL },
	{ "verify", CFG_POOL_VERIFY, SERVICES_STORE, NULL, &objectstore_verify },
	{ "store", CFG_POOL_STORE, SERVICES_STORE, NULL, &objectstore_write, CFG_POOL_STORE_MAX },
	{ .name = NULL },
};

const struct pool *
pool_find(const char *name)
{
	for (const struct pool *pool = pools; pool->name != NULL; pool++) {
		if (strcmp(pool->name, name) == 0)
			return pool;
	}
	return NULL;
}

fcgi_idle_fn *
pool_tick(const struct pool *pool)
{
	return pool->protocol == &objectstore_write ? objectstore_tick : NULL;
}

int
pool_workers_max(const struct pool *pool, const struct config *config)
{
	return (int)config_int(config, pool->workers_max != 0 ? pool->workers_max : pool->workers);
}
