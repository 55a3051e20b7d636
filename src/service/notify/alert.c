#include "service/notify/alert.h"

#include <math.h>
#include <string.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/id.h"
#include "core/json.h"
#include "core/log.h"
#include "core/str.h"
#include "core/words.h"
#include "service/audit.h"
#include "service/call.h"
#include "service/notify/alert_step.h"
#include "service/notify/hook_out.h"
#include "service/notify/notify.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_alerts.h"

#include "core/banned.h"

static const char *const severities[] = {
#define WORD(word) word,
	ALERT_SEVERITY_LIST(WORD)
#undef WORD
};

/* What every alert says of itself, then the members of its kind. */
static const char *
event_data(const struct call *call, const struct alert *alert, const char *more)
{
	struct json *j = json_new(call->arena, 0);

	json_object(j, NULL);
	json_opt_str(j, "alertId", alert->id);
	json_put_str(j, "rule", alert->rule);
	json_put_str(j, "severity", alert->severity);
	if (alert->subject[0] != '\0')
		json_put_str(j, "subject", alert->subject);
	if (alert->has_value) {
		json_put_num(j, "value", alert->value);
		json_put_num(j, "threshold", alert->threshold);
	}
	json_object_end(j);
	if (more == NULL || str_eq(more, "{}"))
		return j->buf.data;
	return arena_printf(call->arena, "%.*s,%s", (int)strlen(j->buf.data) - 1, j->buf.data,
	    more + 1);
}

/* In the transaction: the page and mail through the keepers' preferences, and webhooks. */
static bool
tell(const struct call *call, const char *kind, const struct alert *alert, const char *title,
    const struct alert_told *told, struct error *err)
{
	const struct notify_new note = {
		.kind = kind,
		.title = title,
		.message = told->message != NULL ? told->message : "",
		.data = event_data(call, alert, told->data),
		.concerns = alert_rules[told->rule].permission,
	};
	struct notify_batch *batch;

	if (!notify_keepers(call, &note, &batch, err) || !hook_out(call, kind, note.data, err))
		return false;
	notify_push(call, batch);
	return true;
}

static const char *
title_of(const struct call *call, const char *title, const char *of_rule, const char *name)
{
	if (title != NULL)
		return title;
	return name == NULL ? of_rule : arena_printf(call->arena, "%s: %.100s", of_rule, name);
}

bool
alert_raise(const struct call *call, const struct alert_told *told, struct error *err)
{
	const struct alert_rule *rule = &alert_rules[told->rule];
	struct alert alert = { .rule = rule->name,
		.subject = told->subject != NULL ? told->subject : "",
		.subject_name = told->subject_name,
		.severity = severities[rule->severity],
		.title = title_of(call, told->title, rule->title, told->subject_name),
		.message = told->message != NULL ? told->message : "",
		.has_value = told->has_value,
		.value = told->value,
		.threshold = told->threshold };
	char *id = arena_alloc(call->arena, UUID_TEXT);
	struct alert *earlier;
	bool raised;
	size_t n;

	uuid_v7(id);
	alert.id = id;
	if (told->again &&
	    !store_alerts_clear(call->svc->db, call->arena, rule->name, alert.subject, &earlier, &n,
		err))
		return false;
	if (!store_alert_raise(call->svc->db, call->arena, &alert, &raised, err))
		return false;
	if (!raised)
		return true;
	log_warn(call->svc->log, "alert %s: %s %s", rule->name, alert.title, alert.message);
	return tell(call, "alert.raised", &alert, alert.title, told, err);
}

bool
alert_clear(const struct call *call, const struct alert_told *told, struct error *err)
{
	const struct alert_rule *rule = &alert_rules[told->rule];
	struct alert none = { .rule = rule->name,
		.subject = told->subject != NULL ? told->subject : "",
		.subject_name = told->subject_name,
		.severity = severities[rule->severity] };
	struct alert *cleared;
	size_t n;

	if (!store_alerts_clear(call->svc->db, call->arena, rule->name, told->subject, &cleared, &n,
		err))
		return false;
	if (n == 0 && told->always) {
		cleared = &none;
		n = 1;
	}
	for (size_t i = 0; i < n; i++) {
		const char *title =
		    title_of(call, told->title, rule->cleared, cleared[i].subject_name);

		log_notice(call->svc->log, "alert %s ended: %s", rule->name, title);
		if (!tell(call, "alert.cleared", &cleared[i], title, told, err))
			return false;
	}
	return true;
}

static bool
may_see(const struct call *call, const struct alert_rule *rule)
{
	return principal_may(call->by.who, rule->permission);
}

/* Rules whose alerts are not for the caller: they name what only others may look at. */
static struct strings
hidden_rules(const struct call *call)
{
	const char **names = arena_array(call->arena, ALERTS, sizeof(*names));
	size_t n = 0;

	for (enum alert_id id = 0; id < ALERTS; id++)
		if (!may_see(call, &alert_rules[id]))
			names[n++] = alert_rules[id].name;
	return (struct strings) { names, n };
}

bool
alert_list(const struct call *call, const char *state, const struct list_ask *ask,
    struct alert **items, struct page *page, struct error *err)
{
	struct list_position after;
	struct store_alert_filter filter = {
		.state = state, .without = hidden_rules(call), .limit = ask->limit + 1
	};
	size_t n;

	if (!list_after(call->arena, LIST_ALERTS, ask->cursor, &after, err))
		return false;
	filter.before = after.number;
	filter.before_id = after.id;
	if (!store_alert_list(call->svc->db, call->arena, &filter, items, &n, err))
		return false;
	if (list_cut(page, n, ask->limit)) {
		after.number = (*items)[page->n - 1].raised_at;
		after.id = (*items)[page->n - 1].id;
		page->next = list_cursor(call->arena, LIST_ALERTS, &after);
	}
	return true;
}

static bool
not_found(struct error *err)
{
	return error_set(err, ERR_NOT_FOUND, "There is no such alert.");
}

static bool
is_hidden(const struct call *call, const struct alert *alert)
{
	for (enum alert_id id = 0; id < ALERTS; id++)
		if (str_eq(alert_rules[id].name, alert->rule))
			return !may_see(call, &alert_rules[id]);
	return false;
}

/* In the transaction. */
static bool
acknowledge_in(const struct call *call, const char *id, struct alert *alert, struct error *err)
{
	const struct audit_event event = {
		.action = "alert.acknowledged", .target_type = "alert", .target_id = id
	};
	bool changed;

	if (!store_alert_acknowledge(call->svc->db, call->arena, id, call->by.who->user_id,
		&changed, err) ||
	    !store_alert_get(call->svc->db, call->arena, id, alert, err))
		return false;
	if (alert->id == NULL || is_hidden(call, alert))
		return not_found(err);
	return !changed || audit_add(call, &event, err);
}

bool
alert_acknowledge(const struct call *call, const char *id, struct alert *alert, struct error *err)
{
	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, acknowledge_in(call, id, alert, err), err);
}

/* Of a rule that is told: how many of its alerts are open. */
static double
open_of(const char *rule, const struct alert_open *open, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(open[i].rule, rule))
			return (double)open[i].n;
	return 0;
}

static double
worst_of(const struct alert_rule *rule, const struct alert_found *found)
{
	if (!found->any)
		return rule->side == SIDE_BELOW ? INFINITY : -INFINITY;
	return rule->side == SIDE_BELOW ? found->least : found->most;
}

bool
alert_values(const struct call *call, struct alert_value **values, size_t *n, struct error *err)
{
	int64_t seconds = config_int(call->svc->config, CFG_ALERT_WINDOW) + ALERT_GAP_S;
	struct alert_found *found;
	struct alert_open *open;
	size_t nfound, nopen;

	*n = 0;
	if (!store_alert_found(call->svc->db, call->arena, seconds, &found, &nfound, err) ||
	    !store_alerts_open(call->svc->db, call->arena, &open, &nopen, err))
		return false;
	*values = arena_array(call->arena, ALERTS, sizeof(**values));
	for (enum alert_id id = 0; id < ALERTS; id++) {
		const struct alert_rule *rule = &alert_rules[id];

		if (rule->side == SIDE_TOLD)
			(*values)[(*n)++] =
			    (struct alert_value) { rule->name, open_of(rule->name, open, nopen) };
		for (size_t i = 0; i < nfound; i++)
			if (rule->side != SIDE_TOLD && str_eq(found[i].rule, rule->name))
				(*values)[(*n)++] =
				    (struct alert_value) { rule->name, worst_of(rule, &found[i]) };
	}
	return true;
}

bool
alert_expire(const struct call *call, struct error *err)
{
	return store_alerts_expire(call->svc->db, call->arena, err);
}
