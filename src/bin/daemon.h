/*
 * How the long-running programs start, after core/options.h: settings, log level, the schema. Each
 * function returns 0, or prints the reason and returns an exit status.
 */
#ifndef MN_BIN_DAEMON_H
#define MN_BIN_DAEMON_H

#include "service/services.h"

struct config;
struct log;

/* Reads the settings and sets the log level. */
int daemon_configure(const char *program, const char *config_path, struct config **);
/*
 * Opens the memory that all processes of the host share. A failure is logged; the process works
 * without it.
 */
void daemon_share(const char *run_dir, const struct log *);
/*
 * Refuses a configuration that the program cannot serve with, and an older schema. An unreachable
 * database is no reason to refuse: it may come back.
 */
int daemon_check_schema(const char *program, struct config *, struct log *, enum services_role);

#endif
