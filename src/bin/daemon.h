/*
 * What the long-running programs begin with, after core/options.h: settings, log level, the schema.
 * Each returns 0 or an exit status, having said why.
 */
#ifndef MN_BIN_DAEMON_H
#define MN_BIN_DAEMON_H

#include "service/services.h"

struct config;
struct log;

/* Reads the settings and sets the log level. */
int daemon_configure(const char *program, const char *config_path, struct config **);
/* Opens what all processes of the host share; each does without, and says so, where it cannot. */
void daemon_share(const char *run_dir, const struct log *);
/*
 * Refuses what the program could not serve with, an older schema too. A database that is away is no
 * reason: it may come back.
 */
int daemon_check_schema(const char *program, struct config *, struct log *, enum services_role);

#endif
