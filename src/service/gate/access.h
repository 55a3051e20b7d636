/*
 * The role matrix and the live settings in force: one copy a process, loaded from PostgreSQL,
 * loaded again when the `config` version that the guard script brings has changed, or every
 * ACCESS_RELOAD_SECONDS while Redis is away.
 */
#ifndef MN_SERVICE_GATE_ACCESS_H
#define MN_SERVICE_GATE_ACCESS_H

#include <stdbool.h>

#include "core/access.h"

struct call;
struct config;
struct error;
struct log;
struct settings;

#define ACCESS_RELOAD_SECONDS 5

/*
 * config_version NULL: unknown (Redis away). A database that is away keeps an older copy in force;
 * with none at all ERR_UNAVAILABLE.
 */
bool access_refresh(const struct call *, const char *config_version, struct error *);
permission_set access_permissions(enum role); /* with implications */
/*
 * Puts settings in force, live ones only: what a database holds for others (an older program's,
 * say) has no effect.
 */
void access_take_settings(struct config *, const struct log *, const struct settings *);

#endif
