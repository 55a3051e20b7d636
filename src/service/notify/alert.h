/*
 * Alerts: states of the house that begin and end, such as a full disk or a sync that stopped. Each
 * is a rule (model/alert_rules.def) and, where there can be several, a subject.
 *
 * operator/watch.h looks at the rules that have a threshold. What notices a state itself tells its
 * begin and its end, in the transaction of what happened:
 *
 *	const struct alert_told told = { .rule = ALERT_SYNC_STOPPED, .subject = server_id, ... };
 *
 *	return alert_raise(call, &told, err);
 *	...
 *	return alert_clear(call, &told, err);
 *
 * Both may be repeated: the keepers of the house (notify_keepers()) and the endpoints of webhooks
 * are told only when the state changed.
 */
#ifndef MN_SERVICE_NOTIFY_ALERT_H
#define MN_SERVICE_NOTIFY_ALERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/alert.h"
#include "service/list.h"

struct call;
struct error;

#define ALERT_SUBJECT_MAX 64 /* bytes of an id */

struct alert_told {
	enum alert_id rule;
	const char *subject;      /* NULL: raises that of the house, clears those of all subjects */
	const char *subject_name; /* for people, or NULL */
	const char *title;        /* NULL: the rule's */
	const char *message;      /* what happened, then what to do; plain text */
	const char *data;         /* JSON object text: further members of the event; or NULL */
	bool has_value;
	double value, threshold;
	bool again;  /* a new alert even while one is open, which ends without a word */
	bool always; /* tells the end even if no alert was open */
};

/* In the caller's transaction; what is pushed goes out after its commit. */
bool alert_raise(const struct call *, const struct alert_told *, struct error *);
bool alert_clear(const struct call *, const struct alert_told *, struct error *);

/*
 * Newest first, of the rules whose permission the caller has; state: a word of ALERT_STATE_LIST, or
 * NULL.
 */
bool alert_list(const struct call *, const char *state, const struct list_ask *, struct alert **,
    struct page *, struct error *);
/* The first acknowledgement stays; ERR_NOT_FOUND. */
bool alert_acknowledge(const struct call *, const char *id, struct alert *, struct error *);
/*
 * The worst that each rule found at its last look; +-INFINITY if there was nothing. Of rules that
 * are told: how many alerts are open.
 */
struct alert_value {
	const char *rule;
	double value;
};
bool alert_values(const struct call *, struct alert_value **, size_t *n, struct error *);
/* For the worker's housekeeping: removes what is old. */
bool alert_expire(const struct call *, struct error *);

#endif
