#include "bin/admin_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/banned.h"

#define FILE_MODE 0640

/* The group of those who take bodies from where nginx spools them. */
static bool
group_give(const struct config *config, struct arena *arena, int fd)
{
	struct stat st;

	if (geteuid() != 0)
		return true;
	return stat(arena_printf(arena, "%s/objects", config_str(config, CFG_DATA_DIR)), &st) ==
	    0 &&
	    fchown(fd, 0, st.st_gid) == 0;
}

bool
admin_store_settings(const struct config *config, struct arena *arena, const char *file,
    struct error *err)
{
	char *temporary = arena_printf(arena, "%s.XXXXXX", file);
	int fd = mkstemp(temporary);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
	bool ok = out != NULL && group_give(config, arena, fd) && fchmod(fd, FILE_MODE) == 0;

	if (ok) {
		config_print_store(config, out);
		ok = fflush(out) == 0 && fsync(fd) == 0 && rename(temporary, file) == 0;
	}
	if (!ok)
		error_set(err, ERR_INTERNAL, "%s: cannot be written: %s", file, strerror(errno));
	if (!ok && fd >= 0)
		unlink(temporary);
	if (out != NULL)
		fclose(out);
	else if (fd >= 0)
		close(fd);
	return ok;
}
