#include "service/operator/alert_watch.h"

#include <string.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/str.h"
#include "service/call.h"
#include "service/notify/alert.h"
#include "service/notify/alert_step.h"
#include "service/operator/alert_facts.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_alerts.h"
#include "store/store_jobs.h"

#include "core/banned.h"

/* One look: facts, and what is remembered of the same subjects. */
struct look {
	const struct call *call;
	int64_t now;
	struct alert_seen *before, *seen; /* nbefore; n, as facts */
	struct alert_fact *facts;
	size_t nbefore, n;
};

const char *
alert_words(struct arena *arena, const char *what, double value, double limit)
{
	struct buf buf;
	const char *brace;

	buf_init(&buf, arena, 0);
	while ((brace = strchr(what, '{')) != NULL) {
		buf_add(&buf, what, (size_t)(brace - what));
		buf_addf(&buf, "%.4g", strncmp(brace, "{value}", 7) == 0 ? value : limit);
		what = strchr(brace, '}') + 1;
	}
	buf_adds(&buf, what);
	return buf.data;
}

/* The rule that is looked at and has this name, or ALERTS. */
static enum alert_id
rule_of(const char *name)
{
	for (enum alert_id id = 0; id < ALERTS; id++)
		if (alert_rules[id].side != SIDE_TOLD && str_eq(alert_rules[id].name, name))
			return id;
	return ALERTS;
}

static bool
is_about(const struct alert_fact *fact, enum alert_id rule, const char *subject)
{
	return fact->rule == rule && str_eq(fact->subject, subject);
}

/* A subject of which nothing was found is gone, unless nothing is known of its whole rule. */
static enum alert_known
known_of_others(const struct alert_fact *found, size_t n, enum alert_id rule)
{
	for (size_t i = 0; i < n; i++)
		if (is_about(&found[i], rule, NULL))
			return FACT_UNKNOWN;
	return FACT_ABSENT;
}

static struct alert_seen
seen_of(const struct look *look, const struct alert_fact *fact)
{
	const char *rule = alert_rules[fact->rule].name;

	for (size_t i = 0; i < look->nbefore; i++)
		if (str_eq(look->before[i].rule, rule) &&
		    str_eq(look->before[i].subject, fact->subject))
			return look->before[i];
	return (struct alert_seen) { .rule = rule, .subject = fact->subject };
}

static void
put(struct look *look, const struct alert_fact *fact)
{
	look->facts[look->n] = *fact;
	look->seen[look->n++] = seen_of(look, fact);
}

/* Pairs what was found with what is remembered. */
static void
pair(struct look *look, const struct alert_fact *found, size_t n)
{
	size_t paired;

	look->facts = arena_array(look->call->arena, n + look->nbefore, sizeof(*look->facts));
	look->seen = arena_array(look->call->arena, n + look->nbefore, sizeof(*look->seen));
	for (size_t i = 0; i < n; i++)
		if (found[i].subject != NULL)
			put(look, &found[i]);
	paired = look->n;
	for (size_t i = 0; i < look->nbefore; i++) {
		const struct alert_seen *before = &look->before[i];
		struct alert_fact fact = { .rule = rule_of(before->rule),
			.subject = before->subject,
			.subject_name = before->subject_name };
		bool found_now = false;

		for (size_t k = 0; k < paired && !found_now; k++)
			found_now = is_about(&look->facts[k], fact.rule, fact.subject);
		if (fact.rule == ALERTS || found_now)
			continue;
		fact.known = known_of_others(found, n, fact.rule);
		if (before->state.raised || fact.known == FACT_UNKNOWN)
			put(look, &fact);
	}
}

/* Of a subject that is gone, or a rule that was switched off: nothing is known to be well. */
static const char *
ended_title(struct arena *arena, const struct alert_rule *rule, const struct alert_fact *fact)
{
	return arena_printf(arena, "No longer watched: %s%s%.100s", rule->title,
	    fact->subject_name != NULL ? ": " : "",
	    fact->subject_name != NULL ? fact->subject_name : "");
}

static bool
change(const struct look *look, const struct alert_fact *fact, enum alert_event event,
    const struct alert_limits *limits, struct error *err)
{
	const struct alert_rule *rule = &alert_rules[fact->rule];
	const char *words = alert_words(look->call->arena, rule->what, fact->value, limits->raise);
	bool gone = limits->raise < 0 || (fact->known == FACT_ABSENT && fact->subject[0] != '\0');
	const struct alert_told told = {
		.rule = fact->rule,
		.subject = fact->subject,
		.subject_name = fact->subject_name,
		.title = gone ? ended_title(look->call->arena, rule, fact) : NULL,
		.message = event == ALERT_RAISE ?
		    arena_printf(look->call->arena, "%s %s", words, rule->remedy) :
		    NULL,
		.has_value = true,
		.value = fact->value,
		.threshold = limits->raise,
	};

	return event == ALERT_RAISE ? alert_raise(look->call, &told, err) :
				      alert_clear(look->call, &told, err);
}

static bool
step_all(struct look *look, struct error *err)
{
	for (size_t i = 0; i < look->n; i++) {
		const struct alert_fact *fact = &look->facts[i];
		const struct alert_limits limits =
		    alert_limits_of(look->call->svc->config, fact->rule);
		enum alert_event event = alert_step(&alert_rules[fact->rule], &limits,
		    &look->seen[i].state, fact, look->now);

		if (event != ALERT_NOTHING && !change(look, fact, event, &limits, err))
			return false;
	}
	return true;
}

/* In the transaction. The time is the database's: hosts look by turns, and their clocks differ. */
static bool
look_in(const struct call *call, const struct alert_fact *found, size_t n, struct error *err)
{
	struct look look = { .call = call };

	if (!store_alert_watch_load(call->svc->db, call->arena, &look.now, &look.before,
		&look.nbefore, err))
		return false;
	pair(&look, found, n);
	return step_all(&look, err) &&
	    store_alert_watch_save(call->svc->db, call->arena, look.seen, look.facts, look.n, err);
}

bool
alert_watch_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	struct db *db = call->svc->db;
	struct alert_fact *found;
	size_t n;

	if (config_int(call->svc->config, CFG_ALERT_WINDOW) == 0)
		return store_job_done(db, call->arena, job, err);
	alert_facts_find(call, &found, &n);
	return db_begin(db, err) &&
	    db_end(db, look_in(call, found, n, err) && store_job_done(db, call->arena, job, err),
		err);
}
