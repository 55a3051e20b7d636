/* The doctor's list of checks and its report. */
#include "service/operator/doctor.h"

#include <stdarg.h>
#include <string.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/json.h"
#include "service/operator/doctor_internal.h"
#include "core/banned.h"

static void (*const checks[])(struct doctor *) = {
	doctor_check_postgresql,
	doctor_check_redis,
	doctor_check_keys,
	doctor_check_files,
	doctor_check_argon2,
	doctor_check_nginx,
	doctor_check_page,
	doctor_check_storage,
	doctor_check_ffmpeg,
	doctor_check_sandbox,
	doctor_check_disk,
	doctor_check_processes,
};

static const char *const states[] = { "ok", "warning", "failed" };

static void
say(struct doctor *d, const char *name, enum finding_state state, const char *version,
    const char *fmt, va_list ap)
{
	if (d->n == FINDINGS_MAX)
		return;
	d->findings[d->n++] = (struct finding) { arena_strdup(d->arena, name), state,
		arena_strdup(d->arena, version != NULL ? version : ""),
		arena_vprintf(d->arena, fmt, ap) };
}

void
doctor_ok(struct doctor *d, const char *name, const char *version, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(d, name, FINDING_OK, version, fmt, ap);
	va_end(ap);
}

void
doctor_warn(struct doctor *d, const char *name, const char *version, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(d, name, FINDING_WARNING, version, fmt, ap);
	va_end(ap);
}

void
doctor_fail(struct doctor *d, const char *name, const char *version, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(d, name, FINDING_FAILED, version, fmt, ap);
	va_end(ap);
}

const char *
doctor_reason(const struct error *err)
{
	return err->detail[0] != '\0' ? err->detail : err->message;
}

static void
print_json(const struct doctor *d, bool ok, FILE *out)
{
	struct json *j = json_new(d->arena, 0);

	json_object(j, NULL);
	json_put_bool(j, "ok", ok);
	json_array(j, "checks");
	for (size_t i = 0; i < d->n; i++) {
		const struct finding *f = &d->findings[i];

		json_object(j, NULL);
		json_put_str(j, "name", f->name);
		json_put_str(j, "state", states[f->state]);
		json_opt_str(j, "version", f->version[0] != '\0' ? f->version : NULL);
		json_opt_str(j, "message", f->message[0] != '\0' ? f->message : NULL);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
	fprintf(out, "%s\n", j->buf.data);
}

static void
print_text(const struct doctor *d, bool ok, FILE *out)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct finding *f = &d->findings[i];

		fprintf(out, "%-7s  %-20s  %s%s%s\n", states[f->state], f->name, f->version,
		    f->version[0] != '\0' && f->message[0] != '\0' ? ": " : "", f->message);
	}
	fputs(ok ? "Everything is working.\n" :
		   "Something needs your attention. See the lines marked 'failed'.\n",
	    out);
}

bool
doctor_run(const struct config *config, struct arena *arena, FILE *out, bool json)
{
	struct doctor *d = arena_alloc(arena, sizeof(*d));
	bool ok = true;

	d->config = config;
	d->arena = arena;
	doctor_ok(d, "configuration", NULL, "%s", config_path(config));
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		checks[i](d);
	for (size_t i = 0; i < d->n; i++)
		ok = ok && d->findings[i].state != FINDING_FAILED;
	if (json)
		print_json(d, ok, out);
	else
		print_text(d, ok, out);
	return ok;
}
