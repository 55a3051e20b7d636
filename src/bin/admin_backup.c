#include "bin/admin_backup.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bin/admin_user.h"
#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/str.h"
#include "service/operator/backup.h"

#include "core/banned.h"

#define KEEP_MAX 10000
#define FILES_UMASK 0077
#define CAP(name) (1u << (name))
#define MAY_READ CAP(CAP_DAC_READ_SEARCH)
#define MAY_BACK_UP (MAY_READ | CAP(CAP_DAC_OVERRIDE)) /* into root's directories */
#define MAY_RESTORE (MAY_BACK_UP | CAP(CAP_CHOWN) | CAP(CAP_FOWNER) | CAP(CAP_FSETID))

static bool
capabilities_set(unsigned wanted)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	data[0].effective = data[0].permitted = wanted;
	return syscall(SYS_capset, &header, data) == 0;
}

/* Without such a user root stays what it is; nobody else gets more than they have. */
static bool
become(const struct admin_backup *a, unsigned capabilities, struct error *err)
{
	bool root = geteuid() == 0;

	umask(FILES_UMASK);
	if (root && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
		return error_set(err, ERR_INTERNAL, "prctl: %s", strerror(errno));
	if (!admin_become_service(a->config, false, err))
		return false;
	return !root || geteuid() == 0 || capabilities_set(capabilities) ||
	    error_set(err, ERR_INTERNAL, "cannot keep the right to read files: %s",
		strerror(errno));
}

static struct backup_site
site_of(const struct admin_backup *a)
{
	return (struct backup_site) { .config = a->config,
		.db = a->db,
		.arena = a->arena,
		.bar = isatty(STDERR_FILENO) == 1,
		.sql_dir = a->sql_dir };
}

static bool
keep_of(const struct admin_backup *a, int64_t *keep, struct error *err)
{
	*keep = config_int(a->config, CFG_BACKUP_KEEP);
	return a->keep == NULL || str_to_int(a->keep, 1, KEEP_MAX, keep) ||
	    error_set(err, ERR_VALIDATION, "--keep must be a number from 1 to %d", KEEP_MAX);
}

bool
admin_backup(const struct admin_backup *a, struct error *err)
{
	const char *configured = config_str(a->config, CFG_BACKUP_DIRECTORY),
		   *keys = config_str(a->config, CFG_BACKUP_KEYS_FILE);
	const struct backup_site site = site_of(a);
	struct backup_ask ask = { .directory = a->directory != NULL ? a->directory : configured,
		.keys_file = a->keys };
	struct backup_made made;

	if (*ask.directory == '\0' && a->timer)
		return true; /* backups are not wanted */
	if (*ask.directory == '\0')
		return error_set(err, ERR_VALIDATION,
		    "backup needs DIR, or the setting backup.directory");
	if (ask.keys_file == NULL && *keys != '\0')
		ask.keys_file = keys;
	if (!keep_of(a, &ask.keep, err) || !become(a, MAY_BACK_UP, err) ||
	    !backup_make(&site, &ask, &made, err))
		return false;
	printf("%s: %lld objects, %s, of which %s were new%s\n", made.path, (long long)made.objects,
	    str_size(a->arena, made.bytes), str_size(a->arena, made.copied),
	    made.removed > 0 ?
		arena_printf(a->arena, "; %lld older removed", (long long)made.removed) :
		"");
	return true;
}

bool
admin_restore(const struct admin_backup *a, struct error *err)
{
	const struct backup_site site = site_of(a);
	const struct restore_ask ask = { .directory = a->directory,
		.replace = a->replace,
		.keys_file = a->keys,
		.end_sessions = a->end_sessions };
	struct restore_made made;

	if (a->directory == NULL)
		return error_set(err, ERR_VALIDATION,
		    "restore needs DIR, the directory of a backup or of several");
	if (!become(a, MAY_RESTORE, err) || !backup_restore(&site, &ask, &made, err))
		return false;
	printf("%s: restored with %lld objects, %s; %lld were there already\n", made.path,
	    (long long)made.objects, str_size(a->arena, made.bytes), (long long)made.present);
	if (made.has_keys)
		puts("The keys of the backup were not restored (--keys FILE). Stored secrets can be"
		     " read only with the keys that they were written with.");
	return true;
}

bool
admin_verify(const struct admin_backup *a, bool *whole, struct error *err)
{
	const struct backup_site site = site_of(a);
	struct verify_ask ask = { .resume = a->resume };
	struct verify_found found;

	if (a->rate != NULL && !str_to_int(a->rate, 1, INT64_MAX, &ask.rate))
		return error_set(err, ERR_VALIDATION, "--rate must be a number of bytes a second");
	if (!become(a, MAY_READ, err) || !verify_run(&site, &ask, &found, err))
		return false;
	printf("%lld objects, %s: %lld missing, %lld damaged, %lld foreign; %lld had no checksum"
	       " before\n",
	    (long long)found.checked, str_size(a->arena, found.bytes), (long long)found.missing,
	    (long long)found.damaged, (long long)found.strange, (long long)found.first_seen);
	*whole = found.missing == 0 && found.damaged == 0;
	return true;
}
