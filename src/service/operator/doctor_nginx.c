/*
 * The doctor's comparison of nginx's files with those that the settings would make now, and the
 * question whether a proxy in front has no name.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "service/operator/alert_facts.h"
#include "service/operator/doctor_internal.h"
#include "service/operator/nginx_conf.h"
#include "store/pg.h"
#include "store/store_alert_facts.h"

#include "core/banned.h"

static const struct log context = { .component = "admin" };

const char *
doctor_nginx_dir(const struct doctor *d, bool *private_start)
{
	const char *path = config_path(d->config), *slash = strrchr(path, '/'), *own;

	own = slash == NULL ? "nginx" :
			      arena_printf(d->arena, "%.*s/nginx", (int)(slash - path), path);
	*private_start = access(arena_printf(d->arena, "%s/nginx.conf", own), F_OK) == 0;
	return *private_start ? own : NGINX_DIR;
}

/* NULL: it cannot be read (errno), or is too large to be one of these. */
static char *
text_of(struct arena *arena, const char *path)
{
	FILE *in = fopen(path, "re");
	char *text = in != NULL ? arena_alloc(arena, NGINX_TEMPLATE_MAX + 1) : NULL;
	size_t n;

	if (in == NULL)
		return NULL;
	n = fread(text, 1, NGINX_TEMPLATE_MAX, in);
	text[n] = '\0';
	if (ferror(in) || !feof(in))
		text = NULL;
	fclose(in);
	errno = EFBIG;
	return text;
}

/* The lines of `wanted` that differ, for people: the first one. */
static const char *
first_difference(struct arena *arena, const char *wanted, const char *found)
{
	size_t line = 0;

	for (size_t i = 0; wanted[i] != '\0'; i++) {
		if (wanted[i] != found[i])
			break;
		if (wanted[i] == '\n')
			line = i + 1;
	}
	return str_trim(arena, arena_strndup(arena, wanted + line, strcspn(wanted + line, "\n")));
}

/* The first file that differs, or NULL; *known false: one could not be read. */
static const char *
difference(struct doctor *d, const struct nginx_files *made, const char **line, bool *known)
{
	*known = true;
	for (size_t i = 0; i < made->n; i++) {
		const char *found = text_of(d->arena, made->items[i].path);

		if (found == NULL && errno != ENOENT) {
			*known = false;
			continue;
		}
		if (found != NULL && str_eq(found, made->items[i].text))
			continue;
		*line = first_difference(d->arena, made->items[i].text, found != NULL ? found : "");
		return made->items[i].path;
	}
	return NULL;
}

static void
check_files(struct doctor *d)
{
	struct nginx_files made;
	struct error err = { 0 };
	bool private_start, known;
	const char *dir = doctor_nginx_dir(d, &private_start), *differs, *line;

	if (access(dir, F_OK) != 0) {
		doctor_ok(d, "nginx's files", NULL, "are not in %s, so they are not compared", dir);
		return;
	}
	if (!nginx_conf_make(d->config, d->arena, dir, private_start, &made, &err)) {
		doctor_unknown(d, "nginx");
		doctor_found(d, FAULT_NGINX_REFUSED, config_path(d->config),
		    "nginx's files cannot be made from the settings: %s", doctor_reason(&err));
		return;
	}
	differs = difference(d, &made, &line, &known);
	if (differs != NULL)
		doctor_found(d, FAULT_NGINX_STALE, dir, "%s is not what the settings say: %s",
		    differs, *line != '\0' ? line : "it has lines of its own")
		    ->fix = (struct fix) { .kind = FIX_NGINX, .what = dir };
	else if (known)
		doctor_ok(d, "nginx's files", NULL, "%s is as the settings say", dir);
	else
		doctor_unknown(d, "nginx");
}

static void
check_proxy(struct doctor *d)
{
	struct db *db =
	    db_new(config_str(d->config, CFG_DATABASE_MIGRATE_URL), DOCTOR_DATABASE_MS, &context);
	struct error err = { 0 };
	const char *address;
	double people;

	if (!store_one_address(db, d->arena, &address, &people, &err))
		doctor_unknown(d, "nginx");
	else if (address != NULL && alert_address_is_private(address) &&
	    people > (double)config_int(d->config, CFG_ALERT_ONE_ADDRESS))
		doctor_found(d, FAULT_PROXY, address,
		    "all %.0f people of the last day came from %s: a proxy that is not named in"
		    " trusted_proxies hides their addresses from the rate limits",
		    people, address);
	db_free(db);
}

void
doctor_check_nginx(struct doctor *d)
{
	check_files(d);
	check_proxy(d);
}
