/*
 * The doctor's checks of who may read the settings and who may write where. nginx is started by
 * the owner of the settings file: root, or the person whose private start it is.
 */
#include <errno.h>
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
#define SETTINGS_MODE 0640
#define NGINX_USER "www-data" /* of Debian's packages */

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

/* `bits` as for others: 4 read, 2 write, 1 enter. */
static bool
may(const struct place_facts *place, uid_t user, mode_t bits)
{
	mode_t shift = 0;

	if (user == 0)
		return true;
	if (user == place->uid)
		shift = 6;
	else if (is_member(user, place->gid))
		shift = 3;
	return ((place->mode >> shift) & bits) == bits;
}

bool
place_may_write(const struct place_facts *place, uid_t user)
{
	return may(place, user, 3);
}

bool
place_may_read(const struct place_facts *place, uid_t user)
{
	return may(place, user, 4);
}

static bool
place_of(const char *path, struct place_facts *place)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return false;
	*place = (struct place_facts) { path, st.st_uid, st.st_gid, st.st_mode & 07777 };
	return true;
}

void
judge_settings(struct doctor *d, const struct place_facts *file, const uid_t *nginx_user)
{
	struct finding *f;

	if ((file->mode & S_IROTH) != 0) {
		f = doctor_found(d, FAULT_SETTINGS_MODE, file->path, "everyone may read %s",
		    file->path);
		f->fix = (struct fix) { FIX_MODE, file->path, file->mode, SETTINGS_MODE };
	} else if (nginx_user != NULL && *nginx_user != file->uid && may(file, *nginx_user, 4)) {
		doctor_found(d, FAULT_SETTINGS_READER, file->path,
		    "nginx's user %s may read %s, and the secrets in it",
		    user_name(d->arena, *nginx_user), file->path);
	} else {
		doctor_ok(d, "settings", NULL, "%s is read by the services only", file->path);
	}
}

/* The user of nginx and of the store's pools owns the directory of spooled bodies. */
static bool
nginx_user(struct doctor *d, uid_t *user)
{
	const char *path =
	    arena_printf(d->arena, "%s/objects/.tmp/body", config_str(d->config, CFG_DATA_DIR));
	const struct passwd *debians;
	struct place_facts spool;

	if (place_of(path, &spool)) {
		*user = spool.uid;
		return true;
	}
	/* On a host the services may not look into it. */
	if (errno != EACCES || (debians = getpwnam(NGINX_USER)) == NULL)
		return false;
	*user = debians->pw_uid;
	return true;
}

void
doctor_check_settings(struct doctor *d)
{
	struct place_facts file;
	uid_t user;

	if (place_of(config_path(d->config), &file))
		judge_settings(d, &file, nginx_user(d, &user) ? &user : NULL);
	else
		doctor_unknown(d, "settings");
}

/* Who besides root and `admin` may create entries in the directory, or NULL. */
static const char *
writer_of(struct doctor *d, const struct place_facts *place, uid_t admin)
{
	const struct group *group;

	if (place->uid != 0 && place->uid != admin)
		return arena_printf(d->arena, "the user %s", user_name(d->arena, place->uid));
	if ((place->mode & S_IWOTH) != 0)
		return "everyone";
	if ((place->mode & S_IWGRP) == 0 || place->gid == 0)
		return NULL;
	group = getgrgid(place->gid);
	return group != NULL ? arena_printf(d->arena, "the group %s", group->gr_name) : "a group";
}

/*
 * A directory where nginx's master opens files: someone who may replace an entry by a link has
 * root open, or give away, any file.
 */
static void
check_roots(struct doctor *d, enum fault fault, const char *name, const char *dir, uid_t admin)
{
	struct place_facts place;
	const char *writer;

	if (!place_of(dir, &place)) {
		if (errno == ENOENT)
			doctor_found(d, FAULT_FILES_MISSING, dir, "%s does not exist", dir);
		else if (errno != EACCES) /* never to be seen by the services, so not judged */
			doctor_unknown(d, "files");
		return;
	}
	if ((writer = writer_of(d, &place, admin)) != NULL)
		doctor_found(d, fault, dir, "%s may write in %s, where nginx opens files as root",
		    writer, dir);
	else
		doctor_ok(d, name, NULL, "only root may write in %s", dir);
}

void
judge_objects(struct doctor *d, const struct place_facts *place, uid_t user, const char *name)
{
	if (!place_may_write(place, user))
		doctor_found(d, FAULT_FILES_OBJECTS, place->path,
		    "%s may not write in %s, so no upload can be stored", name, place->path);
	else
		doctor_ok(d, "objects", NULL, "%s stores files in %s", name, place->path);
}

static void
check_store(struct doctor *d, const char *data, uid_t admin)
{
	struct place_facts objects;
	uid_t user;

	check_roots(d, FAULT_FILES_DATA, "data.dir", data, admin);
	check_roots(d, FAULT_FILES_DATA, "spool directory",
	    arena_printf(d->arena, "%s/objects/.tmp", data), admin);
	if (place_of(arena_printf(d->arena, "%s/objects", data), &objects) && nginx_user(d, &user))
		judge_objects(d, &objects, user, user_name(d->arena, user));
}

void
judge_run_dir(struct doctor *d, const struct place_facts *run)
{
	struct finding *f;

	if ((run->mode & S_IWOTH) != 0) {
		f = doctor_found(d, FAULT_FILES_RUN, run->path,
		    "everyone may write in %s, and put a socket of their own in place of a"
		    " service's",
		    run->path);
		f->fix = (struct fix) { FIX_MODE, run->path, run->mode, 03770 };
	}
}

static void
check_services(struct doctor *d, const char *data)
{
	const char *dir = config_str(d->config, CFG_RUN_DIR);
	struct place_facts run, scratch;

	if (!place_of(dir, &run)) {
		doctor_found(d, FAULT_FILES_MISSING, dir, "%s: %s", dir, strerror(errno));
		return;
	}
	judge_run_dir(d, &run);
	if (place_of(arena_printf(d->arena, "%s/scratch", data), &scratch) &&
	    !place_may_write(&scratch, run.uid))
		doctor_found(d, FAULT_FILES_SCRATCH, scratch.path,
		    "%s may not write in %s, so nothing is processed", user_name(d->arena, run.uid),
		    scratch.path);
}

void
doctor_check_files(struct doctor *d)
{
	const char *data = config_str(d->config, CFG_DATA_DIR);
	struct place_facts settings;
	uid_t user;

	if (!place_of(config_path(d->config), &settings)) {
		doctor_unknown(d, "files");
		return;
	}
	check_services(d, data);
	user = doctor_root_begin();
	check_roots(d, FAULT_FILES_LOG, "nginx.log_dir", config_str(d->config, CFG_NGINX_LOG_DIR),
	    settings.uid);
	if (config_bool(d->config, CFG_STORAGE_EMBEDDED))
		check_store(d, data, settings.uid);
	doctor_root_end(user);
}
