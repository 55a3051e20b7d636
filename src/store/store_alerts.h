/* Alerts and the evidence of their rules (tables of sql/0020). */
#ifndef MN_STORE_ALERTS_H
#define MN_STORE_ALERTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/alert.h"
#include "store/pg.h"

struct arena;
struct error;

#define ALERT_KEEP_DAYS 180      /* cleared ones */
#define ALERT_SAMPLE_KEEP_DAYS 4 /* more than a trend looks at */

extern const struct query store_alerts_queries[];

/* *raised: false if the same rule has an open alert of the same subject, which stays as it is. */
bool store_alert_raise(struct db *, struct arena *, const struct alert *, bool *raised,
    struct error *);
/* The open alerts of a rule that end with this; subject NULL: of all its subjects. */
bool store_alerts_clear(struct db *, struct arena *, const char *rule, const char *subject,
    struct alert **, size_t *n, struct error *);
/* state: a word of ALERT_STATE_LIST, or NULL. Newest first, before this time and id (NULL: all). */
struct store_alert_filter {
	const char *state;
	int64_t before; /* us */
	const char *before_id;
	struct strings without; /* rules */
	int limit;
};
bool store_alert_list(struct db *, struct arena *, const struct store_alert_filter *,
    struct alert **, size_t *n, struct error *);
/* id NULL: there is none. */
bool store_alert_get(struct db *, struct arena *, const char *id, struct alert *, struct error *);
/* The first acknowledgement stays. *changed: this is it. */
bool store_alert_acknowledge(struct db *, struct arena *, const char *id, const char *user_id,
    bool *changed, struct error *);
/* In a transaction that begins with it: nobody else looks meanwhile. *now: the database's, us. */
bool store_alert_watch_load(struct db *, struct arena *, int64_t *now, struct alert_seen **,
    size_t *n, struct error *);
/* Replaces all rows: `seen` and `facts` are about the same things, one by one. */
bool store_alert_watch_save(struct db *, struct arena *, const struct alert_seen *seen,
    const struct alert_fact *facts, size_t n, struct error *);

/* The values of each rule at looks of the last `seconds`; any: it had some. */
struct alert_found {
	const char *rule;
	bool any;
	double least, most;
};
bool store_alert_found(struct db *, struct arena *, int64_t seconds, struct alert_found **,
    size_t *n, struct error *);

/* The rules that have open alerts, and how many. */
struct alert_open {
	const char *rule;
	int64_t n;
};
bool store_alerts_open(struct db *, struct arena *, struct alert_open **, size_t *n,
    struct error *);

/* Keeps a value, unless the newest one of its series is not yet `apart_s` old. */
bool store_alert_sample_add(struct db *, struct arena *, const char *series, double value,
    int64_t apart_s, struct error *);
/* Keeps a value that differs from the newest one of its series, or is its first. */
bool store_alert_sample_change(struct db *, struct arena *, const char *series, double value,
    struct error *);
/* Those of the last `seconds`, oldest first. */
bool store_alert_samples(struct db *, struct arena *, const char *series, int64_t seconds,
    struct alert_sample **, size_t *n, struct error *);
/* The same of each series whose name starts so. */
bool store_alert_series(struct db *, struct arena *, const char *prefix, int64_t seconds,
    struct alert_series **, size_t *n, struct error *);
bool store_alerts_expire(struct db *, struct arena *, struct error *);

#endif
