/*
 * The role matrix and the live settings in force: one copy per process, loaded from PostgreSQL, and
 * again when the guard script returns a new `config` version, after ACCESS_AGE_SECONDS, or every
 * ACCESS_RELOAD_SECONDS while Redis is unavailable.
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
#define ACCESS_AGE_SECONDS 60 /* a copy is never older, whatever Redis says of its version */

/*
 * config_version NULL: unknown (Redis is unavailable). If the database is unavailable, the previous
 * copy stays in force; without one, ERR_UNAVAILABLE.
 */
bool access_refresh(const struct call *, const char *config_version, struct error *);
/* Is the copy the one of this version? */
bool access_is(const char *config_version);
permission_set access_permissions(enum role); /* including implied permissions */
/*
 * Puts live settings in force; rows for other settings (of an older program, for example) have no
 * effect.
 */
void access_take_settings(struct config *, const struct log *, const struct settings *);

#endif
