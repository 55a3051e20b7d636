/*
 * The doctor's checks of who may read the settings and who may write where root opens files. nginx
 * is started by the owner of the settings file: root, or the person whose private start it is.
 */
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/str.h"
#include "service/operator/doctor_internal.h"
#include "core/banned.h"

#define GROUPS_MAX 64

static const char *
user_name(struct arena *arena, uid_t uid)
{
	const struct passwd *entry = getpwuid(uid);

	return entry != NULL ? arena_strdup(arena, entry->pw_name) :
			       arena_printf(arena, "%u", (unsigned)uid);
}

static bool
is_member(uid_t uid, gid_t gid)
{
	const struct passwd *entry = getpwuid(uid);
	gid_t groups[GROUPS_MAX];
	int n = GROUPS_MAX;

	if (entry == NULL || getgrouplist(entry->pw_name, entry->pw_gid, groups, &n) < 0)
		return false;
	for (int i = 0; i < n; i++)
		if (groups[i] == gid)
			return true;
	return false;
}

static bool
may_read(uid_t uid, const struct stat *st)
{
	if (uid == st->st_uid)
		return (st->st_mode & S_IRUSR) != 0;
	if (is_member(uid, st->st_gid))
		return (st->st_mode & S_IRGRP) != 0;
	return (st->st_mode & S_IROTH) != 0;
}

/* The user of nginx and of the store's pools owns the directory of spooled bodies. */
static void
check_settings(struct doctor *d, const struct stat *settings)
{
	const char *path = config_path(d->config),
		   *spool = arena_printf(d->arena, "%s/objects/.tmp/body",
		       config_str(d->config, CFG_DATA_DIR));
	struct stat st;

	if ((settings->st_mode & S_IROTH) != 0 && config_holds_secrets(d->config))
		doctor_fail(d, "settings", NULL,
		    "%s holds secrets and everyone may read it: chown root:medianest %s && chmod"
		    " 0640 %s",
		    path, path, path);
	else if (stat(spool, &st) == 0 && st.st_uid != settings->st_uid &&
	    config_holds_secrets(d->config) && may_read(st.st_uid, settings))
		doctor_fail(d, "settings", NULL,
		    "%s holds secrets and nginx's user %s may read it: chown root:medianest %s &&"
		    " chmod 0640 %s",
		    path, user_name(d->arena, st.st_uid), path, path);
	else
		doctor_ok(d, "settings", NULL, "%s is read by the services only", path);
}

/* Returns who besides root and `admin` may create entries in the directory, or NULL. */
static const char *
writer_of(struct doctor *d, const char *dir, uid_t admin)
{
	const struct group *group;
	struct stat st;

	if (stat(dir, &st) != 0)
		return NULL;
	if (st.st_uid != 0 && st.st_uid != admin)
		return arena_printf(d->arena, "the user %s", user_name(d->arena, st.st_uid));
	if ((st.st_mode & S_IWOTH) != 0)
		return "everyone";
	if ((st.st_mode & S_IWGRP) == 0 || st.st_gid == 0)
		return NULL;
	group = getgrgid(st.st_gid);
	return group != NULL ? arena_printf(d->arena, "the group %s", group->gr_name) : "a group";
}

/* A directory where nginx's master opens files, and how it should be. */
struct roots_place {
	const char *name, *dir, *owner, *mode;
};

/* Someone who may replace an entry by a link has root open, or give away, any file. */
static void
check_place(struct doctor *d, struct roots_place place, uid_t admin)
{
	const char *writer = writer_of(d, place.dir, admin);

	if (writer == NULL)
		doctor_ok(d, place.name, NULL, "only root may write in %s", place.dir);
	else
		doctor_fail(d, place.name, NULL,
		    "%s may write in %s, where nginx opens files as root: chown %s %s && chmod %s"
		    " %s",
		    writer, place.dir, place.owner, place.dir, place.mode, place.dir);
}

void
doctor_check_files(struct doctor *d)
{
	const char *data = config_str(d->config, CFG_DATA_DIR),
		   *spool = arena_printf(d->arena, "%s/objects/.tmp", data),
		   *log = config_str(d->config, CFG_NGINX_LOG_DIR);
	struct stat settings;

	if (stat(config_path(d->config), &settings) != 0)
		return;
	check_settings(d, &settings);
	check_place(d, (struct roots_place) { "nginx.log_dir", log, "root:adm", "0750" },
	    settings.st_uid);
	if (!config_bool(d->config, CFG_STORAGE_EMBEDDED))
		return;
	check_place(d, (struct roots_place) { "data.dir", data, "root:root", "0755" },
	    settings.st_uid);
	check_place(d, (struct roots_place) { "spool directory", spool, "root:root", "0755" },
	    settings.st_uid);
}
