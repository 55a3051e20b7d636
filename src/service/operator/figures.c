#include "service/operator/figures.h"

#include <sys/statvfs.h>

#include "core/config.h"
#include "core/error.h"
#include "service/call.h"
#include "service/services.h"
#include "store/store_admin.h"

#include "core/banned.h"

static int64_t
free_bytes(const char *dir)
{
	struct statvfs fs;

	return statvfs(dir, &fs) == 0 ? (int64_t)fs.f_bavail * (int64_t)fs.f_frsize : -1;
}

bool
figures_read(const struct call *call, struct house_figures *out, struct error *err)
{
	const struct figures_ask ask = { .months = FIGURES_MONTHS, .people = FIGURES_PEOPLE };
	const struct config *config = call->svc->config;

	out->free = free_bytes(config_str(config, CFG_DATA_DIR));
	out->quota_default = config_int(config, CFG_QUOTA_DEFAULT);
	return store_figures(call->svc->db, call->arena, &ask, &out->figures, err);
}
