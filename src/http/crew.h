/*
 * The workers of a pool that grows while all of them are busy: a count in memory that master and
 * workers share. A worker that takes a request and finds nobody free wakes its master with SIGUSR1,
 * which forks one more, up to a limit. A worker that has been idle for long and is one too many
 * ends.
 */
#ifndef MN_HTTP_CREW_H
#define MN_HTTP_CREW_H

#include <stdbool.h>

struct crew;

/* In the master. NULL: the pool does not grow, and all functions here accept that. */
struct crew *crew_new(int least, int most);
void crew_free(struct crew *);
/* How many workers serve; the master says so after each change. */
void crew_count(struct crew *, int serving);
/* The worker of a slot has ended. */
void crew_gone(struct crew *, int slot);
/* May the pool have one worker more, because all are busy? */
bool crew_wants_more(const struct crew *);

/* In a worker, which is in one crew at most. */
void crew_join(struct crew *, int slot);
void crew_busy(void);
void crew_ready(void);
/* The worker is idle: is it one too many? Then it must end. */
bool crew_spare(void);

#endif
