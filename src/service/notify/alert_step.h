/*
 * What a fact does to an alert. Pure: everything that it depends on is in its parameters, so that
 * t/unit/alert_step.c and promtool decide the same from t/data/alerts.txt.
 *
 * An alert is raised after its rule has been bad at every look of its hold, and cleared after
 * it has been well at every look of a whole window. Well is less than not bad: the value must be
 * past the threshold by clear_percent of its row. So an alert that has just been raised or cleared
 * stays for a window at least, whatever the values do, and one whose value swings about the
 * threshold does not change at all.
 *
 * A look that found nothing out (FACT_UNKNOWN), or that did not take place (ALERT_GAP), begins the
 * evidence again: it neither raises nor clears.
 */
#ifndef MN_SERVICE_NOTIFY_ALERT_STEP_H
#define MN_SERVICE_NOTIFY_ALERT_STEP_H

#include "model/alert.h"

struct config;

#define ALERT_PERIOD_S 30                /* between two looks: `every_s` of the job */
#define ALERT_GAP_S (4 * ALERT_PERIOD_S) /* beyond the window: looks are missing in between */

enum alert_event { ALERT_NOTHING, ALERT_RAISE, ALERT_CLEAR };

struct alert_limits {
	double raise, clear;
	int64_t window_us;
};

extern const struct alert_rule alert_rules[ALERTS];

/* The limits of a rule that has a threshold, as the settings say now. */
struct alert_limits alert_limits_of(const struct config *, enum alert_id);
/* From a threshold: for the rule file and tests. */
struct alert_limits alert_limits_from(const struct alert_rule *, double threshold,
    int64_t window_us);
/* For how long a rule must be bad before it is raised. */
int64_t alert_hold_us(const struct alert_rule *, int64_t window_us);
enum alert_event alert_step(const struct alert_rule *, const struct alert_limits *,
    struct alert_state *, const struct alert_fact *, int64_t now);

#endif
