/*
 * How many processes of a pool may be inside calls to other servers at once: at most half of them,
 * so that those which only read answer at once however long another server takes.
 *
 * A slot is a byte that is locked (fcntl(2)) in a file of the run directory: it ends with its
 * process. A process holds one slot at a time.
 */
#ifndef MN_CLIENT_SLOTS_H
#define MN_CLIENT_SLOTS_H

#include <stdbool.h>

struct error;

#define SLOT_WAIT_MS 300 /* for a free one */

/*
 * `workers`: processes of the pool. ERR_UNAVAILABLE with Retry-After where all are taken. Without a
 * run directory (dir "") everybody gets one. *fd: for slot_leave().
 */
bool slot_enter(const char *dir, const char *pool, int workers, int *fd, struct error *);
void slot_leave(int fd);

#endif
