/* The settings file as text: its comments and the order of its lines stay as a person left them. */
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/str.h"
#include "service/operator/host_file.h"
#include "service/operator/setup_internal.h"
#include "core/banned.h"

#define SETTINGS_MODE 0640

/* The line of the key, without its newline; NULL: there is none. */
static const char *
line_of(const char *text, const char *key, size_t *len)
{
	size_t n = strlen(key);
	const char *line = text, *at;

	while (line != NULL && *line != '\0') {
		*len = strcspn(line, "\n");
		at = line + strspn(line, " \t");
		if (strncmp(at, key, n) == 0 && at[n + strspn(at + n, " \t")] == '=')
			return line;
		line += *len + (line[*len] == '\n');
	}
	return NULL;
}

const char *
setup_settings_get(struct arena *arena, const char *text, const char *key)
{
	size_t len;
	const char *line = text != NULL ? line_of(text, key, &len) : NULL, *value;

	if (line == NULL)
		return NULL;
	value = strchr(line, '=') + 1;
	return str_trim(arena, arena_strndup(arena, value, (size_t)(line + len - value)));
}

const char *
setup_settings_put(struct arena *arena, const char *text, const char *key, const char *value)
{
	size_t len, head = strlen(text);
	const char *line = line_of(text, key, &len);

	if (line == NULL)
		return arena_printf(arena, "%s%s%s = %s\n", text,
		    head > 0 && text[head - 1] != '\n' ? "\n" : "", key, value);
	return arena_printf(arena, "%.*s%s = %s%s", (int)(line - text), text, key, value,
	    line + len);
}

static bool
owned_right(const char *path, const struct group *group)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_uid == 0 && group != NULL &&
	    st.st_gid == group->gr_gid && (st.st_mode & 07777) == SETTINGS_MODE;
}

/* Addresses of servers may hold a password. */
static const char *
shown(struct arena *arena, const char *line, size_t len)
{
	const char *text = arena_strndup(arena, line, len);
	enum config_key key;

	return config_find(arena_strndup(arena, text, strcspn(text, " =")), &key) &&
		(config_rows[key].flags & CONFIG_SECRET) != 0 ?
	    arena_printf(arena, "%s = ***", config_rows[key].key) :
	    text;
}

/* Each line that is new. */
static void
tell_changes(struct setup *s)
{
	const char *line = s->settings_new;

	for (size_t len; *line != '\0'; line += len + (line[len] == '\n')) {
		const char *own;

		len = strcspn(line, "\n");
		own = arena_printf(s->arena, "\n%.*s\n", (int)len, line);
		if (len > 0 && *line != '#' &&
		    (s->settings_old == NULL ||
			strstr(arena_printf(s->arena, "\n%s\n", s->settings_old), own) == NULL))
			setup_plan(s, "%s: %s", s->request->config_path,
			    shown(s->arena, line, len));
	}
}

static bool
settings_check(struct setup *s, bool *done, struct error *err)
{
	bool right = owned_right(s->request->config_path, getgrnam(SETUP_USER));

	if (!host_file_read(s->arena, s->request->config_path, &s->settings_old, err))
		return false;
	*done = right && str_eq(s->settings_old, s->settings_new);
	if (*done)
		return true;
	tell_changes(s);
	if (!right)
		setup_plan(s, "%s: root:%s, 0640", s->request->config_path, SETUP_USER);
	return true;
}

static bool
settings_apply(struct setup *s, struct error *err)
{
	const struct group *group = getgrnam(SETUP_USER);
	const struct host_owner owner = { 0, group != NULL ? group->gr_gid : 0, SETTINGS_MODE };

	s->changed = !str_eq(s->settings_old, s->settings_new);
	if (mkdir(MN_SYSCONFDIR "/medianest", 0755) != 0 && errno != EEXIST)
		return error_set(err, ERR_INTERNAL, "%s: %s", MN_SYSCONFDIR "/medianest",
		    strerror(errno));
	return host_file_write(s->arena, s->request->config_path, s->settings_new, &owner, err);
}

const struct setup_step setup_step_settings = {
	.name = "settings",
	.upgrade = true,
	.check = settings_check,
	.apply = settings_apply,
};
