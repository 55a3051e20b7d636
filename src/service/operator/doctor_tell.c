#include "service/operator/doctor_tell.h"

#include <string.h>
#include <syslog.h>

#include "core/access.h"
#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "service/call.h"
#include "service/notify/alert.h"
#include "service/operator/doctor_internal.h"
#include "service/services.h"
#include "store/pg.h"

#include "core/banned.h"

#define IDENT "medianest-doctor"

static struct log context = { .component = "doctor" };

static void
to_journal(const struct doctor *d)
{
	openlog(IDENT, LOG_PID, LOG_DAEMON);
	for (size_t i = 0; i < d->n; i++)
		if (d->findings[i].code != NULL)
			syslog(LOG_WARNING, "%s: %s -> %s", d->findings[i].code,
			    d->findings[i].what, d->findings[i].remedy);
	closelog();
}

/* All findings of a code are one alert. NULL: there are none. */
static const char *
message_of(const struct doctor *d, const char *code)
{
	const char *text = NULL;

	for (size_t i = 0; i < d->n; i++) {
		const struct finding *f = &d->findings[i];

		if (f->code != code)
			continue;
		text = arena_printf(d->arena, "%s%s%s. Type: %s", text != NULL ? text : "",
		    text != NULL ? "\n" : "", f->what, f->remedy);
	}
	return text;
}

static bool
tell_one(const struct doctor *d, const struct call *call, enum fault fault, struct error *err)
{
	const char *code = fault_rows[fault].code, *message = message_of(d, code);
	const struct alert_told told = {
		.rule = ALERT_DOCTOR, .subject = code, .subject_name = code, .message = message
	};

	if (message != NULL)
		return alert_raise(call, &told, err);
	/* What was not looked at, or could not be, may still be so. */
	return !doctor_knows(d, code) || alert_clear(call, &told, err);
}

static bool
tell_in(const struct doctor *d, const struct call *call, struct error *err)
{
	for (enum fault fault = 0; fault < FAULTS; fault++)
		if (!tell_one(d, call, fault, err))
			return false;
	return true;
}

bool
doctor_tell(const struct doctor *d, struct error *err)
{
	struct services svc;
	struct error why = { 0 };
	const struct call *call;

	to_journal(d);
	if (!services_init(&svc, d->ask->config, &context, SERVICES_ADMIN, &why)) {
		log_warn(&context, "no alerts were changed: %s", why.message);
		return true;
	}
	db_set_timeout(svc.db, DOCTOR_DATABASE_MS);
	call = SYSTEM_CALL(&svc, d->arena);
	if (!db_begin(svc.db, &why) || !db_end(svc.db, tell_in(d, call, &why), &why))
		log_warn(&context, "no alerts were changed: %s", doctor_reason(&why));
	services_clear(&svc);
	return true;
}
