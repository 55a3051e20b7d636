#include "service/notify/alert_step.h"

#include "core/clock.h"
#include "core/config.h"

#include "core/banned.h"

/*
 * Figures of a window hold one bad moment for the window, a bucket (a minute) that is whole, and
 * the time until the next look: less must raise nothing.
 */
#define FIGURES_STAY_S (60 + ALERT_PERIOD_S)

/* The one place that says where a rule's threshold is; a rule that is told has none. */
#define NO_SETTING (-1)
#define SETTING_ABOVE(id) CFG_ALERT_##id
#define SETTING_BELOW(id) CFG_ALERT_##id
#define SETTING_TOLD(id) NO_SETTING

/*
 * As of the figures: no routes that hash passwords, which takes its time, and nothing is known from
 * fewer than 20 requests.
 */
#define ALERT_NO_HASHING \
	" unless on (route, method) medianest_http_stage_seconds_total{stage=\"hashing\"} > 0"
#define ALERT_SAMPLES "sum(increase(medianest_http_requests_total[5m])" ALERT_NO_HASHING ") >= 20"
#define ALERT_OWN(rule) "max(medianest_alert_value{rule=\"" rule "\"})"

const struct alert_rule alert_rules[ALERTS] = {
#define ALERT(id, name, severity, side, clear, hold, fact, permission, title, cleared, what, \
    remedy, expression) \
	[ALERT_##id] = { name, SEVERITY_##severity, SIDE_##side, clear, HOLD_##hold, \
		SETTING_##side(id), PERM_##permission, title, cleared, what, remedy, expression },
#include "model/alert_rules.def"
#undef ALERT
};

struct alert_limits
alert_limits_from(const struct alert_rule *rule, double threshold, int64_t window_us)
{
	return (struct alert_limits) {
		.raise = threshold,
		.clear = threshold * rule->clear_percent / 100,
		.window_us = window_us,
	};
}

struct alert_limits
alert_limits_of(const struct config *config, enum alert_id id)
{
	const struct alert_rule *rule = &alert_rules[id];

	return alert_limits_from(rule, (double)config_int(config, (enum config_key)rule->threshold),
	    config_int(config, CFG_ALERT_WINDOW) * US_PER_SEC);
}

int64_t
alert_hold_us(const struct alert_rule *rule, int64_t window_us)
{
	const int64_t stays = FIGURES_STAY_S * US_PER_SEC;

	switch (rule->hold) {
	case HOLD_ONCE: return 0;
	case HOLD_FIGURES: return window_us + (window_us < stays ? window_us : stays);
	case HOLD_WINDOW:
	default: return window_us;
	}
}

/* A rule is switched off by a threshold below 0. */
static bool
is_bad(const struct alert_rule *rule, double limit, const struct alert_fact *fact)
{
	return limit >= 0 && fact->known == FACT_PRESENT &&
	    (rule->side == SIDE_ABOVE ? fact->value > limit : fact->value < limit);
}

/* Has `holds` been so at every look since state->since, for so long? */
static bool
held(struct alert_state *state, bool holds, int64_t for_us, int64_t now)
{
	if (!holds) {
		state->since = 0;
		return false;
	}
	if (state->since == 0)
		state->since = now;
	return now - state->since >= for_us;
}

enum alert_event
alert_step(const struct alert_rule *rule, const struct alert_limits *limits,
    struct alert_state *state, const struct alert_fact *fact, int64_t now)
{
	bool gap =
	    now < state->at || now - state->at > limits->window_us + ALERT_GAP_S * US_PER_SEC;
	bool known = fact->known != FACT_UNKNOWN, over;

	/* A clock that was set back is a gap too. */
	if (gap)
		state->since = 0;
	state->at = now;
	if (state->raised)
		over = held(state, known && !is_bad(rule, limits->clear, fact), limits->window_us,
		    now);
	else
		over = held(state, known && is_bad(rule, limits->raise, fact),
		    alert_hold_us(rule, limits->window_us), now);
	if (!over)
		return ALERT_NOTHING;
	state->raised = !state->raised;
	state->since = 0;
	return state->raised ? ALERT_RAISE : ALERT_CLEAR;
}
