#include "service/processing/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "service/processing/sandbox.h"

#include "core/banned.h"

#define WALKS_MAX 8

/*
 * Removes an entry; true: a directory that could not be read may be readable now. `again`: there
 * was one, so others are not empty yet.
 */
static bool
remove_entry(const FTSENT *entry, bool again, const struct log *log)
{
	switch (entry->fts_info) {
	case FTS_D: return false;
	case FTS_DNR:
		if (chmod(entry->fts_accpath, 0700) == 0)
			return true;
		break;
	case FTS_DP:
		if (rmdir(entry->fts_accpath) == 0)
			return false;
		break;
	default:
		if (unlink(entry->fts_accpath) == 0)
			return false;
	}
	if (errno != ENOENT && (!again || errno != ENOTEMPTY))
		log_warn(log, "cannot remove %s: %s", entry->fts_path, strerror(errno));
	return false;
}

/* One walk over what is below `root`; true: another one may remove more. */
static bool
walk(char *root, bool keep, const struct log *log)
{
	char *paths[] = { root, NULL };
	bool more = false;
	FTSENT *entry;
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);

	if (tree == NULL)
		return false;
	while ((entry = fts_read(tree)) != NULL)
		if (!keep || entry->fts_level != FTS_ROOTLEVEL)
			more = remove_entry(entry, more, log) || more;
	fts_close(tree);
	return more;
}

/*
 * Removes everything in `path`, and the directory itself unless `keep`. Each walk opens one more
 * level of directories that a decoder has closed.
 */
static void
remove_tree(const char *path, bool keep, const struct log *log)
{
	char root[PATH_MAX];

	snprintf(root, sizeof(root), "%s", path);
	for (int walks = 0; walks < WALKS_MAX && walk(root, keep, log); walks++)
		;
}

const char *
scratch_path(const struct config *config, struct arena *arena, const char *name)
{
	return arena_printf(arena, "%s/scratch/%s", config_str(config, CFG_DATA_DIR), name);
}

bool
scratch_init(const struct config *config, struct error *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/scratch", config_str(config, CFG_DATA_DIR));
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return true;
	return error_set(err, ERR_STORAGE_FULL, "cannot create the scratch directory %.150s: %s",
	    path, strerror(errno));
}

const char *
scratch_make(const struct config *config, struct arena *arena, const char *name, struct error *err)
{
	const char *path = scratch_path(config, arena, name);

	if (mkdir(path, 0700) == 0 &&
	    mkdir(arena_printf(arena, "%s/" SANDBOX_OUTPUT, path), 0700) == 0)
		return path;
	error_set(err, ERR_STORAGE_FULL, "The scratch directory cannot be written: %s",
	    strerror(errno));
	return NULL;
}

void
scratch_remove(const char *path, const struct log *log)
{
	remove_tree(path, false, log);
}

void
scratch_clear(const struct config *config, const struct log *log)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/scratch", config_str(config, CFG_DATA_DIR));
	remove_tree(path, true, log);
}

bool
scratch_input(const char *dir, struct arena *arena, const char *data, size_t len, struct error *err)
{
	return scratch_write(dir, SANDBOX_INPUT, arena, data, len, err);
}

bool
scratch_sidecar(const char *dir, struct arena *arena, const char *text, struct error *err)
{
	return text == NULL || scratch_write(dir, SANDBOX_SIDECAR, arena, text, strlen(text), err);
}

bool
scratch_write(const char *dir, const char *name, struct arena *arena, const char *data, size_t len,
    struct error *err)
{
	const char *path = arena_printf(arena, "%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t done = 0;
	ssize_t n = 0;

	while (fd >= 0 && done < len && (n = write(fd, data + done, len - done)) > 0)
		done += (size_t)n;
	if (fd >= 0)
		close(fd);
	return (fd >= 0 && done == len) ||
	    error_set(err, ERR_STORAGE_FULL, "The scratch directory cannot be written: %s",
		strerror(errno));
}
