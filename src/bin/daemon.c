#include "bin/daemon.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "client/breaker.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/metric.h"

#include "core/banned.h"

/* The services start all the same: a wrong mode must not take the house down. */
static void
warn_if_exposed(const char *program, const struct config *config)
{
	const struct log log = { .component = program };
	struct stat st;

	if (config_holds_secrets(config) && stat(config_path(config), &st) == 0 &&
	    (st.st_mode & S_IROTH) != 0)
		log_warn(&log, "%s holds secrets and everyone may read it: chmod 0640 %s",
		    config_path(config), config_path(config));
}

int
daemon_configure(const char *program, const char *config_path, struct config **config)
{
	enum log_level level;
	struct error err;

	error_clear(&err);
	*config = config_load(config_path, &err);
	if (*config == NULL) {
		fprintf(stderr, "%s: %s\n", program, err.message);
		return EX_CONFIG;
	}
	if (log_level_parse(config_str(*config, CFG_LOG_LEVEL), &level))
		log_set_level(level);
	warn_if_exposed(program, *config);
	return 0;
}

void
daemon_share(const char *run_dir, const struct log *log)
{
	struct error err;

	error_clear(&err);
	if (!metric_open(run_dir, &err))
		log_warn(log, "%s %s", err.message, err.detail);
	if (!breaker_share(run_dir, &err))
		log_warn(log, "%s %s", err.message, err.detail);
}

int
daemon_check_schema(const char *program, struct config *config, struct log *log,
    enum services_role role)
{
	struct services svc;
	struct error err;
	bool ok;

	error_clear(&err);
	if (!services_init(&svc, config, log, role, &err)) {
		fprintf(stderr, "%s: %s\n", program, err.message);
		return EX_CONFIG;
	}
	ok = services_check_schema(&svc, &err);
	services_clear(&svc);
	if (ok)
		return 0;
	if (err.code == ERR_UNAVAILABLE) {
		log_warn(log, "%s", err.message);
		return 0;
	}
	fprintf(stderr, "%s: %s\n", program, err.message);
	return EX_CONFIG;
}
