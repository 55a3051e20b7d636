/*
 * Alerts: rules (alert_rules.def), what is found of them, and the alerts that they raised. Strings
 * belong to the arena of the call.
 */
#ifndef MN_MODEL_ALERT_H
#define MN_MODEL_ALERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/access.h"

enum alert_id {
#define ALERT(id, ...) ALERT_##id,
#include "model/alert_rules.def"
#undef ALERT
	ALERTS,
};

#define ALERT_SEVERITY_LIST(X) X("warning") X("critical")
#define ALERT_STATE_LIST(X) X("raised") X("cleared")
enum alert_severity { SEVERITY_WARNING, SEVERITY_CRITICAL };
enum alert_side { SIDE_ABOVE, SIDE_BELOW, SIDE_TOLD };
enum alert_hold { HOLD_ONCE, HOLD_WINDOW, HOLD_FIGURES };

struct alert_rule {
	const char *name;
	enum alert_severity severity;
	enum alert_side side;
	int clear_percent;
	enum alert_hold hold;
	int threshold; /* enum config_key; -1: SIDE_TOLD has none */
	enum permission permission;
	const char *title, *cleared, *what, *remedy;
	const char *expression; /* PromQL */
};

/*
 * What is known of a rule now. ABSENT: there is nothing that it could be about, so all is well.
 * UNKNOWN neither raises nor clears.
 */
enum alert_known { FACT_UNKNOWN, FACT_ABSENT, FACT_PRESENT };

struct alert_fact {
	enum alert_id rule;
	const char *subject, *subject_name; /* "" and NULL: the house */
	enum alert_known known;
	double value;
};

/* What is remembered of a rule and a subject between two looks. */
struct alert_state {
	bool raised;
	int64_t since; /* us: begin of what would raise it, or clear it; 0: neither */
	int64_t at;    /* us: of the last look */
};

/* What was remembered: rows of alert_watch, and open alerts of rules that are looked at. */
struct alert_seen {
	const char *rule, *subject, *subject_name;
	struct alert_state state;
};

struct alert {
	const char *id, *rule, *severity, *subject, *subject_name, *title, *message;
	bool has_value;
	double value, threshold;
	int64_t raised_at, cleared_at, acknowledged_at;     /* us, 0: not */
	const char *acknowledged_by, *acknowledged_by_name; /* of the person, or NULL */
};

/* One measurement of a series that a rule compares with earlier ones. */
struct alert_sample {
	int64_t at; /* us */
	double value;
};
struct alert_series {
	const char *name;
	const struct alert_sample *samples; /* oldest first; at least one */
	size_t n;
};

#endif
