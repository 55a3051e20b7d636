#include "service/processing/scratch.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "service/processing/sandbox.h"

#include "core/banned.h"

/* Removes everything in `path`, and the directory itself unless `keep`. */
static void
remove_tree(const char *path, bool keep)
{
	char root[PATH_MAX];
	char *paths[] = { root, NULL };
	FTSENT *entry;
	FTS *tree;

	snprintf(root, sizeof(root), "%s", path);
	tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	if (tree == NULL)
		return;
	while ((entry = fts_read(tree)) != NULL) {
		if (entry->fts_info == FTS_D || (keep && entry->fts_level == FTS_ROOTLEVEL))
			continue;
		if (entry->fts_info == FTS_DP)
			rmdir(entry->fts_accpath);
		else
			unlink(entry->fts_accpath);
	}
	fts_close(tree);
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
scratch_remove(const char *path)
{
	remove_tree(path, false);
}

void
scratch_clear(const struct config *config)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/scratch", config_str(config, CFG_DATA_DIR));
	remove_tree(path, true);
}
