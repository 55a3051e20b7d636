/* Asks the legs of a search: see search_leg.h. */
#include "service/catalogue/search_leg.h"

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "service/call.h"
#include "service/services.h"
#include "core/banned.h"

#define SEARCH_PLAN_MS 500

void
search_legs_init(struct search_run *run, const struct search_leg *legs, size_t n)
{
	run->legs = legs;
	run->nlegs = n;
	for (size_t i = 0; i < n; i++) {
		bool present = legs[i].sql != NULL || legs[i].ask != NULL;

		run->states[i] = present ? SOURCE_OK : SOURCE_OFF;
		run->lists[i] = (struct ranked_list) { .weight = legs[i].weight };
	}
}

void
search_legs_call(struct search_run *run)
{
	for (size_t i = 0; i < run->nlegs; i++) {
		const struct search_leg *leg = &run->legs[i];
		enum source_state why = SOURCE_ERROR;

		if (leg->ask == NULL)
			continue;
		run->deadline = clock_monotonic() + leg->deadline_ms * US_PER_MS;
		run->states[i] = leg->ask(run, &run->lists[i], &why) ? SOURCE_OK : why;
	}
}

static bool
is_sql(const struct search_run *run, size_t i)
{
	return run->legs[i].sql != NULL && run->states[i] == SOURCE_OK;
}

static bool
sql_answers(const struct search_run *run)
{
	for (size_t i = 0; i < run->nlegs; i++)
		if (is_sql(run, i))
			return true;
	return false;
}

static bool
call_answered(const struct search_run *run)
{
	for (size_t i = 0; i < run->nlegs; i++)
		if (run->legs[i].ask != NULL && run->states[i] == SOURCE_OK)
			return true;
	return false;
}

static void
leg_failed(struct search_run *run, size_t leg, const struct db_ask *ask)
{
	run->states[leg] = ask->late ? SOURCE_TIMEOUT : SOURCE_ERROR;
	log_warn(run->call->svc->log, "search continues without its leg %s: %s",
	    run->legs[leg].name, ask->err->detail);
}

static void
answer_take(struct search_run *run, size_t leg, const struct db_ask *ask)
{
	struct ranked_list *list = &run->lists[leg];
	struct candidate *items;
	bool partial;

	list->items = NULL;
	list->n = 0;
	if (ask->call.rows == NULL) {
		leg_failed(run, leg, ask);
		return;
	}
	store_search_candidates(run->call->arena, ask->call.rows, &items, &list->n, &partial);
	list->items = items;
	run->partial = run->partial || partial;
}

/* The plan is a part of each leg: without it, all of PostgreSQL's legs have failed. */
static void
plan(struct search_run *run, struct error *err)
{
	struct db_ask ask = { .timeout_ms = SEARCH_PLAN_MS, .err = err };

	if (store_search_has_text(&run->ask)) {
		store_search_plan(run->call->arena, &run->ask, &ask.call);
		db_each(run->call->svc->db, run->call->arena, &ask, 1);
		if (ask.call.rows == NULL)
			for (size_t i = 0; i < run->nlegs; i++)
				if (is_sql(run, i))
					leg_failed(run, i, &ask);
	}
	store_search_planned(ask.call.rows, &run->ask);
	run->cap = (size_t)run->ask.plan.cap;
	run->partial = false;
}

/* Fills a statement for each leg that can be asked. */
static size_t
asks_fill(struct search_run *run, struct db_ask asks[SEARCH_SOURCES_MAX],
    size_t whose[SEARCH_SOURCES_MAX], struct error *errors)
{
	size_t n = 0;

	for (size_t i = 0; i < run->nlegs; i++) {
		if (!is_sql(run, i))
			continue;
		asks[n] =
		    (struct db_ask) { .timeout_ms = run->legs[i].deadline_ms, .err = &errors[n] };
		run->legs[i].sql(run->call->arena, &run->ask, &asks[n].call);
		whose[n++] = i;
	}
	return n;
}

bool
search_legs_read(struct search_run *run, struct error *err)
{
	struct error *errors = arena_array(run->call->arena, run->nlegs, sizeof(*errors));
	struct db_ask asks[SEARCH_SOURCES_MAX];
	size_t whose[SEARCH_SOURCES_MAX], n;

	if (!sql_answers(run))
		return true;
	plan(run, &errors[0]);
	n = asks_fill(run, asks, whose, errors);
	if (n > 0)
		db_each(run->call->svc->db, run->call->arena, asks, n);
	for (size_t i = 0; i < n; i++)
		answer_take(run, whose[i], &asks[i]);
	if (sql_answers(run) || call_answered(run))
		return true;
	*err = errors[0];
	return false;
}

void
search_legs_forget(struct search_run *run)
{
	for (size_t i = 0; i < run->nlegs; i++)
		if (is_sql(run, i))
			run->lists[i].n = 0;
	run->partial = false;
}

bool
search_legs_found(const struct search_run *run)
{
	for (size_t i = 0; i < run->nlegs; i++)
		if (is_sql(run, i) && run->lists[i].n > 0)
			return true;
	return false;
}

bool
search_legs_want_more(const struct search_run *run)
{
	return sql_answers(run) && !search_legs_found(run);
}

static struct ranked_list
with_items(struct arena *arena, const struct ranked_list *list)
{
	struct candidate *kept = arena_array(arena, list->n, sizeof(*kept));
	struct ranked_list out = { .items = kept, .weight = list->weight };

	for (size_t i = 0; i < list->n; i++)
		if (list->items[i].media != NULL)
			kept[out.n++] = list->items[i];
	return out;
}

/* Adds the votes for titles that are all of the query: other words of it say less. */
static size_t
whole_add(const struct search_leg *leg, struct ranked_list *out, size_t n)
{
	struct ranked_list titles = out[n - 1];

	for (titles.n = 0; titles.n < out[n - 1].n; titles.n++)
		if (titles.items[titles.n].rank < SEARCH_RANK_TITLE)
			break;
	if (leg->whole <= 0 || titles.n == 0)
		return n;
	titles.weight = leg->whole;
	out[n] = titles;
	return n + 1;
}

size_t
search_legs_lists(struct search_run *run, struct ranked_list out[SEARCH_LISTS_MAX], bool *capped)
{
	bool readable = sql_answers(run);
	size_t n = 0;

	*capped = run->partial;
	for (size_t i = 0; i < run->nlegs; i++) {
		/* A call that could ask only some of its servers has the hits of these. */
		if (run->states[i] != SOURCE_OK && run->legs[i].ask == NULL)
			continue;
		out[n++] = readable ? run->lists[i] : with_items(run->call->arena, &run->lists[i]);
		n = whole_add(&run->legs[i], out, n);
		*capped = *capped || (run->legs[i].sql != NULL && run->lists[i].n > run->cap);
	}
	return n;
}
