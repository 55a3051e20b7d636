#include "bin/daemon.h"

#include <stdio.h>
#include <sysexits.h>

#include "client/breaker.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/metric.h"

#include "core/banned.h"

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
