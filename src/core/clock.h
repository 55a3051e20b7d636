/*
 * Time. Points in time are microseconds since the Unix epoch, UTC, in an int64_t; 0 means 'none'.
 */
#ifndef MN_CORE_CLOCK_H
#define MN_CORE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define US_PER_MS 1000LL
#define US_PER_SEC 1000000LL
#define RFC3339_MAX 32

int64_t clock_now(void);       /* wall clock, us */
int64_t clock_boottime(void);  /* as clock_monotonic, and runs while the machine is suspended */
int64_t clock_monotonic(void); /* us, for intervals and deadlines */

/* "2026-11-22T08:21:46.123Z" */
void time_rfc3339(int64_t us, char out[RFC3339_MAX]);
/* "2026-11-22T08:21:46": a wall clock, kept as the instant of UTC that reads the same. */
#define TIME_LOCAL_MAX 20
void time_local(int64_t us, char out[TIME_LOCAL_MAX]);
/* The same back; nothing but this form. */
bool time_parse_local(const char *, int64_t *us);
/* RFC 3339 section 5.6 with any offset, years 1..9999, up to microseconds kept. */
bool time_parse_rfc3339(const char *, int64_t *us);
/* "20261122T082146Z" and "20261122" of SigV4; `out` >= 17 bytes. */
void time_iso_basic(int64_t us, char out[17]);
bool time_parse_iso_basic(const char *, int64_t *us);
/* IMF-fixdate of RFC 9110 section 5.6.7; `out` >= 30 bytes. */
void time_http(int64_t us, char out[30]);
bool time_parse_http(const char *, int64_t *us);

#endif
