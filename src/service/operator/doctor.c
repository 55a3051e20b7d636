/* The doctor's list of parts and its report. */
#include "service/operator/doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "core/str.h"
#include "service/operator/doctor_internal.h"
#include "service/operator/doctor_tell.h"
#include "core/banned.h"

static const struct log context = { .component = "admin" };

const struct fault_row fault_rows[FAULTS] = {
#define FAULT(id, code, severity, remedy) [FAULT_##id] = { code, FAULT_##severity, remedy },
#include "service/operator/doctor_faults.def"
#undef FAULT
};

/* The clock comes first: others ask whether it is wrong. */
static const struct part {
	const char *name;
	void (*check)(struct doctor *);
} parts[] = {
	{ "clock", doctor_check_clock },
	{ "postgresql", doctor_check_postgresql },
	{ "redis", doctor_check_redis },
	{ "keys", doctor_check_keys },
	{ "settings", doctor_check_settings },
	{ "files", doctor_check_files },
	{ "disk", doctor_check_disk },
	{ "tools", doctor_check_tools },
	{ "sandbox", doctor_check_sandbox },
	{ "processes", doctor_check_processes },
	{ "nginx", doctor_check_nginx },
	{ "page", doctor_check_page },
	{ "storage", doctor_check_storage },
	{ "jobs", doctor_check_jobs },
	{ "mail", doctor_check_mail },
	{ "backup", doctor_check_backup },
	{ "sync", doctor_check_sync },
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

void
doctor_ok(struct doctor *d, const char *part, const char *version, const char *fmt, ...)
{
	va_list ap;

	if (d->n == FINDINGS_MAX)
		return;
	va_start(ap, fmt);
	d->findings[d->n++] = (struct finding) { .part = arena_strdup(d->arena, part),
		.version = arena_strdup(d->arena, version != NULL ? version : ""),
		.what = arena_vprintf(d->arena, fmt, ap) };
	va_end(ap);
}

static const char *
remedy_of(struct arena *arena, const char *text, const char *subject)
{
	struct buf buf;
	const char *brace;

	buf_init(&buf, arena, 0);
	for (; (brace = strstr(text, "{}")) != NULL; text = brace + 2) {
		buf_add(&buf, text, (size_t)(brace - text));
		buf_adds(&buf, subject);
	}
	buf_adds(&buf, text);
	return buf.data;
}

struct finding *
doctor_found(struct doctor *d, enum fault fault, const char *subject, const char *fmt, ...)
{
	const struct fault_row *row = &fault_rows[fault];
	struct finding *f = &d->findings[d->n];
	va_list ap;

	/* More findings than there is room for are more than anyone reads: the last one is lost. */
	if (d->n < FINDINGS_MAX - 1)
		d->n++;
	va_start(ap, fmt);
	*f = (struct finding) { .part = arena_strndup(d->arena, row->code, strcspn(row->code, ".")),
		.version = "",
		.what = arena_vprintf(d->arena, fmt, ap),
		.code = row->code,
		.remedy = remedy_of(d->arena, row->remedy, subject != NULL ? subject : ""),
		.severity = row->severity };
	va_end(ap);
	return f;
}

const char *
doctor_reason(const struct error *err)
{
	return err->detail[0] != '\0' ? err->detail : err->message;
}

bool
doctor_has(const struct doctor *d, enum fault fault)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->findings[i].code == fault_rows[fault].code)
			return true;
	return false;
}

uid_t
doctor_root_begin(void)
{
	uid_t real, effective, saved;

	if (getresuid(&real, &effective, &saved) == 0 && saved == 0 && effective != 0 &&
	    seteuid(0) != 0)
		log_warn(&context, "cannot look as root: %s", strerror(errno));
	return effective;
}

void
doctor_root_end(uid_t before)
{
	/* A check that went on as root would be wrong, and hand root to programs. */
	if (geteuid() != before && seteuid(before) != 0)
		abort();
}

void
doctor_unknown(struct doctor *d, const char *part)
{
	if (d->nunknown < UNKNOWN_MAX)
		d->unknown[d->nunknown++] = part;
}

static bool
is_of_part(const char *code, const char *part)
{
	size_t len = strlen(part);

	return strncmp(code, part, len) == 0 && code[len] == '.';
}

static bool
is_wanted(const char *only, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = only; p != NULL; p = strchr(p, ',')) {
		p += *p == ',';
		if (strncmp(p, name, len) == 0 && (p[len] == '\0' || p[len] == ','))
			return true;
	}
	return only == NULL;
}

bool
doctor_knows(const struct doctor *d, const char *code)
{
	for (size_t i = 0; i < d->nunknown; i++)
		if (is_of_part(code, d->unknown[i]))
			return false;
	for (size_t i = 0; i < PARTS; i++)
		if (is_of_part(code, parts[i].name))
			return is_wanted(d->ask->only, parts[i].name);
	return false;
}

static const char *
state_of(const struct finding *f)
{
	if (f->code == NULL)
		return "ok";
	return f->severity == FAULT_CRITICAL ? "failed" : "warning";
}

static void
json_finding(struct json *j, const struct finding *f)
{
	json_object(j, NULL);
	json_put_str(j, "code", f->code);
	json_put_str(j, "severity", f->severity == FAULT_CRITICAL ? "critical" : "warning");
	json_put_str(j, "what", f->what);
	json_put_str(j, "remedy", f->remedy);
	json_put_bool(j, "fixable", f->fix.kind != FIX_NONE);
	json_object_end(j);
}

static void
json_check(struct json *j, const struct finding *f)
{
	json_object(j, NULL);
	json_put_str(j, "name", f->part);
	json_put_str(j, "state", state_of(f));
	json_opt_str(j, "version", f->version[0] != '\0' ? f->version : NULL);
	json_opt_str(j, "message", f->what[0] != '\0' ? f->what : NULL);
	json_object_end(j);
}

static void
print_json(const struct doctor *d, bool well, FILE *out)
{
	struct json *j = json_new(d->arena, 0);

	json_object(j, NULL);
	json_put_bool(j, "ok", well);
	json_array(j, "findings");
	for (size_t i = 0; i < d->n; i++)
		if (d->findings[i].code != NULL)
			json_finding(j, &d->findings[i]);
	json_array_end(j);
	json_array(j, "checks");
	for (size_t i = 0; i < d->n; i++)
		json_check(j, &d->findings[i]);
	json_array_end(j);
	json_object_end(j);
	fprintf(out, "%s\n", j->buf.data);
}

static void
print_text(const struct doctor *d, bool well, FILE *out)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct finding *f = &d->findings[i];

		if (f->code == NULL && d->ask->tell)
			continue;
		fprintf(out, "%-7s  %-22s  %s%s%s\n", state_of(f),
		    f->code != NULL ? f->code : f->part, f->version,
		    f->version[0] != '\0' && f->what[0] != '\0' ? ": " : "", f->what);
		if (f->code != NULL)
			fprintf(out, "         ->  %s\n", f->remedy);
	}
	if (!well)
		fputs("Something needs your attention: the lines with -> say what to do.\n", out);
	else if (!d->ask->tell)
		fputs("Everything is working.\n", out);
}

static bool
check_only(struct arena *arena, const char *only, struct error *err)
{
	char *rest = only != NULL ? arena_strdup(arena, only) : NULL;
	const char *word;

	while ((word = strsep(&rest, ",")) != NULL) {
		bool known = false;

		for (size_t i = 0; i < PARTS; i++)
			known = known || str_eq(parts[i].name, word);
		if (!known)
			return error_set(err, ERR_VALIDATION, "the doctor knows no part '%.40s'",
			    word);
	}
	return true;
}

bool
doctor_run(const struct doctor_ask *ask, struct arena *arena, FILE *out, bool *well,
    struct error *err)
{
	struct doctor *d = arena_alloc(arena, sizeof(*d));
	bool told;

	*d = (struct doctor) { .ask = ask, .config = ask->config, .arena = arena };
	*well = true;
	if (!check_only(arena, ask->only, err))
		return false;
	doctor_ok(d, "configuration", NULL, "%s", config_path(d->config));
	for (size_t i = 0; i < PARTS; i++)
		if (is_wanted(ask->only, parts[i].name))
			parts[i].check(d);
	for (size_t i = 0; i < d->n; i++)
		*well = *well && d->findings[i].code == NULL;
	if (ask->json)
		print_json(d, *well, out);
	else
		print_text(d, *well, out);
	/* Before the steps: they are root's, whom PostgreSQL does not know. */
	told = !ask->tell || doctor_tell(d, err);
	if (ask->json)
		out = stderr; /* the JSON is complete */
	if (ask->fix && doctor_fix(d, out) > 0)
		fputs("Run medianest-admin doctor again to see what is left.\n", out);
	return told;
}
