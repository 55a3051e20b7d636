#include "service/account/time_zone.h"

#include <stddef.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "service/call.h"
#include "service/job.h"
#include "service/services.h"
#include "store/store_account_flow.h"

#include "core/banned.h"

/*
 * Browsers write the names that CLDR fixed long ago. Debian 13 has the old names in a package of
 * their own, which need not be there.
 */
static const char *
renamed(const char *name)
{
	static const struct {
		const char *old, *name;
	} names[] = {
		{ "Africa/Asmera", "Africa/Asmara" },
		{ "America/Buenos_Aires", "America/Argentina/Buenos_Aires" },
		{ "America/Catamarca", "America/Argentina/Catamarca" },
		{ "America/Coral_Harbour", "America/Atikokan" },
		{ "America/Cordoba", "America/Argentina/Cordoba" },
		{ "America/Godthab", "America/Nuuk" },
		{ "America/Indianapolis", "America/Indiana/Indianapolis" },
		{ "America/Jujuy", "America/Argentina/Jujuy" },
		{ "America/Louisville", "America/Kentucky/Louisville" },
		{ "America/Mendoza", "America/Argentina/Mendoza" },
		{ "Asia/Calcutta", "Asia/Kolkata" },
		{ "Asia/Katmandu", "Asia/Kathmandu" },
		{ "Asia/Rangoon", "Asia/Yangon" },
		{ "Asia/Saigon", "Asia/Ho_Chi_Minh" },
		{ "Atlantic/Faeroe", "Atlantic/Faroe" },
		{ "Europe/Kiev", "Europe/Kyiv" },
		{ "Pacific/Enderbury", "Pacific/Kanton" },
		{ "Pacific/Ponape", "Pacific/Pohnpei" },
		{ "Pacific/Truk", "Pacific/Chuuk" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_ieq(names[i].old, name))
			return names[i].name;
	return NULL;
}

bool
time_zone_find(const struct call *call, const char *name, const char **zone, struct error *err)
{
	if (!store_time_zone(call->svc->db, call->arena, name, renamed(name), zone, err))
		return false;
	return *zone != NULL ||
	    error_field(err, "timeZone", "unknown",
		"must be the name of a time zone, such as Europe/Berlin");
}

bool
time_zone_changed(const struct call *call, const char *user_id, struct error *err)
{
	return job_add(call, JOB_MEDIA_ZONE,
	    arena_printf(call->arena, "{\"userId\":\"%s\"}", user_id),
	    arena_printf(call->arena, "zone:%s", user_id), 0, err);
}
