#include "service/operator/disk_trend.h"

#include "core/clock.h"

#include "core/banned.h"

#define DAY_US (86400 * (double)US_PER_SEC)

enum alert_known
disk_trend(const struct alert_sample *samples, size_t n, double *days)
{
	double x, mean_x = 0, mean_y = 0, xx = 0, xy = 0, slope, now;

	*days = 0;
	if (n < TREND_SAMPLES_MIN ||
	    samples[n - 1].at - samples[0].at < TREND_SPAN_MIN_S * US_PER_SEC)
		return FACT_UNKNOWN;
	for (size_t i = 0; i < n; i++) {
		/* From the last one on: small numbers keep the sums exact. */
		mean_x += (double)(samples[i].at - samples[n - 1].at) / DAY_US / (double)n;
		mean_y += samples[i].value / (double)n;
	}
	for (size_t i = 0; i < n; i++) {
		x = (double)(samples[i].at - samples[n - 1].at) / DAY_US - mean_x;
		xx += x * x;
		xy += x * (samples[i].value - mean_y);
	}
	slope = xy / xx;
	if (!(slope < 0))
		return FACT_ABSENT;
	now = mean_y - slope * mean_x;
	*days = now > 0 ? now / -slope : 0;
	return FACT_PRESENT;
}
