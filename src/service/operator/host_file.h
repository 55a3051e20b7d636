/* Files of the host that the operator's commands read and replace. */
#ifndef MN_SERVICE_OPERATOR_HOST_FILE_H
#define MN_SERVICE_OPERATOR_HOST_FILE_H

#include <stdbool.h>
#include <sys/types.h>

struct arena;
struct error;

#define HOST_FILE_MAX (4UL << 20) /* bytes */

struct host_owner {
	uid_t uid;
	gid_t gid;
	mode_t mode;
};

/* *text NULL: there is no such file. */
bool host_file_read(struct arena *, const char *path, const char **text, struct error *);
/*
 * Replaces the file in one step. `owner` NULL: as the file that is there; a new one is the
 * process's own and 0644.
 */
bool host_file_write(struct arena *, const char *path, const char *text, const struct host_owner *,
    struct error *);

#endif
