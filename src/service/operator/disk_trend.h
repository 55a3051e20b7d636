/* When a disk is full, from how its free space has gone. Pure. */
#ifndef MN_SERVICE_OPERATOR_DISK_TREND_H
#define MN_SERVICE_OPERATOR_DISK_TREND_H

#include <stddef.h>
#include <stdint.h>

#include "model/alert.h"

#define TREND_SECONDS (3 * 86400) /* what is looked at */
#define TREND_SPAN_MIN_S 86400    /* an evening of uploads is no trend */
#define TREND_SAMPLES_MIN 12
#define TREND_APART_S 1800  /* between two samples */
#define TREND_STALE_S 21600 /* since the last sample */

/*
 * The line of least squares through the free bytes, oldest first: *days until it reaches zero, from
 * the last sample on. FACT_ABSENT: it does not fall; FACT_UNKNOWN: too little is known.
 */
enum alert_known disk_trend(const struct alert_sample *, size_t n, double *days);

#endif
