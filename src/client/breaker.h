/*
 * The circuit breaker of outbound calls, one for each origin, shared by all processes of the host:
 * after BREAKER_FAILURES failures in a row, no process calls the origin, except for one probe every
 * BREAKER_PROBE_SECONDS. A success closes it for all.
 *
 * The count is not exact: when two processes write at the same moment, one call more or less may
 * get through.
 */
#ifndef MN_CLIENT_BREAKER_H
#define MN_CLIENT_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

struct error;

#define BREAKER_FAILURES 5
#define BREAKER_PROBE_SECONDS 30
/* Maximum number of origins; a new one replaces the least recently used. */
#define BREAKER_ORIGINS 64

/* Without this call, or if it fails, each process has breakers of its own. */
bool breaker_share(const char *run_dir, struct error *);

/* May `origin` be called now (monotonic us)? If so, report the outcome with breaker_result(). */
bool breaker_admits(const char *origin, int64_t now);
void breaker_result(const char *origin, bool ok, int64_t now);

#endif
