/*
 * The doctor's comparison of nginx's files with those that the settings would make now, and the
 * question whether a proxy in front has no name.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

#define FILE_TEXT_MAX (256UL << 10) /* bytes */
#define DROP_IN MN_SYSCONFDIR "/nginx/medianest"

static const struct log context = { .component = "admin" };

const char *
doctor_nginx_dir(const struct doctor *d, bool *private_start)
{
	const char *path = config_path(d->config), *slash = strrchr(path, '/'), *own;

	own = slash == NULL ? "nginx" :
			      arena_printf(d->arena, "%.*s/nginx", (int)(slash - path), path);
	*private_start = access(arena_printf(d->arena, "%s/nginx.conf", own), F_OK) == 0;
	return *private_start ? own : DROP_IN;
}

/* NULL: it cannot be read, or is too large to be one of these. */
static char *
text_of(struct arena *arena, const char *path)
{
	FILE *in = fopen(path, "re");
	char *text = in != NULL ? arena_alloc(arena, FILE_TEXT_MAX + 1) : NULL;
	size_t n;

	if (in == NULL)
		return NULL;
	n = fread(text, 1, FILE_TEXT_MAX, in);
	text[n] = '\0';
	if (ferror(in) || !feof(in))
		text = NULL;
	fclose(in);
	return text;
}

static const char *
with_dir(struct arena *arena, const char *text, const char *from, const char *to)
{
	struct buf buf;
	const char *at;

	buf_init(&buf, arena, 2 * FILE_TEXT_MAX);
	for (; (at = strstr(text, from)) != NULL; text = at + strlen(from)) {
		buf_add(&buf, text, (size_t)(at - text));
		buf_adds(&buf, to);
	}
	buf_adds(&buf, text);
	return buf.data;
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

struct comparison {
	const char *made, *dir;
	const char *differs, *line; /* the first file that does, and how it should be */
	bool known;
};

static void
compare(struct doctor *d, struct comparison *c)
{
	const struct dirent *entry;
	DIR *made = opendir(c->made);

	c->known = made != NULL;
	while (made != NULL && c->differs == NULL && (entry = readdir(made)) != NULL) {
		const char *path, *wanted, *found;

		if (!str_ends(entry->d_name, ".conf"))
			continue;
		path = arena_printf(d->arena, "%s/%s", c->dir, entry->d_name);
		wanted = text_of(d->arena, arena_printf(d->arena, "%s/%s", c->made, entry->d_name));
		found = text_of(d->arena, path);
		if (wanted == NULL || (found == NULL && errno != ENOENT)) {
			c->known = false;
			continue;
		}
		wanted = with_dir(d->arena, wanted, c->made, c->dir);
		if (found != NULL && str_eq(wanted, found))
			continue;
		c->differs = path;
		c->line = first_difference(d->arena, wanted, found != NULL ? found : "");
	}
	if (made != NULL)
		closedir(made);
}

static void
remove_all(struct arena *arena, const char *dir)
{
	const struct dirent *entry;
	DIR *list = opendir(dir);

	while (list != NULL && (entry = readdir(list)) != NULL)
		if (entry->d_name[0] != '.')
			unlink(arena_printf(arena, "%s/%s", dir, entry->d_name));
	if (list != NULL)
		closedir(list);
	rmdir(dir);
}

static void
check_files(struct doctor *d)
{
	char made[] = "/tmp/medianest-doctor-XXXXXX";
	struct comparison c = { .made = made };
	struct error err = { 0 };
	bool private_start;

	c.dir = doctor_nginx_dir(d, &private_start);
	if (access(c.dir, F_OK) != 0) {
		doctor_ok(d, "nginx's files", NULL, "are not in %s, so they are not compared",
		    c.dir);
		return;
	}
	if (mkdtemp(made) == NULL ||
	    !nginx_conf_write(d->config, d->arena, made, private_start, &err)) {
		doctor_unknown(d, "nginx");
		doctor_found(d, FAULT_NGINX_REFUSED, config_path(d->config),
		    "nginx's files cannot be made from the settings: %s", doctor_reason(&err));
	} else {
		compare(d, &c);
		if (c.differs != NULL)
			doctor_found(d, FAULT_NGINX_STALE, c.dir,
			    "%s is not what the settings say: %s", c.differs,
			    *c.line != '\0' ? c.line : "it has lines of its own")
			    ->fix = (struct fix) { .kind = FIX_NGINX, .what = c.dir };
		else if (c.known)
			doctor_ok(d, "nginx's files", NULL, "%s is as the settings say", c.dir);
		else
			doctor_unknown(d, "nginx");
	}
	remove_all(d->arena, made);
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
