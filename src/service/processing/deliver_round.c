#include "service/processing/deliver_internal.h"

#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "service/call.h"
#include "service/notify/hook_alert.h"
#include "service/services.h"

#include "core/banned.h"

/* The rows of a claim, of which each endpoint has a few. */
struct claimed {
	struct deliver_row *rows;
	size_t n;
};

static size_t
used(const struct deliver *d, bool failing_only)
{
	size_t n = 0;

	for (size_t i = 0; i < DELIVER_TARGETS; i++)
		n += d->targets[i].used && (!failing_only || d->targets[i].failing);
	return n;
}

/*
 * How many endpoints it may claim. Near its end the job takes none that fail, then none at all, so
 * that it ends within the time of one request and meanwhile delays no receiver that works.
 */
static struct deliver_claim
places(const struct deliver *d)
{
	bool late = clock_monotonic() - d->start > DELIVER_SECONDS * US_PER_SEC;
	size_t failing = used(d, true), all = used(d, false);
	struct deliver_claim claim = { .lease = d->job->lease,
		.places = (int)(DELIVER_TARGETS - all),
		.failing_places = (int)(DELIVER_FAILING - failing) };

	if (late)
		claim.failing_places = 0;
	if (deliver_stopping(d) || (late && failing == 0))
		claim.places = 0;
	return claim;
}

static struct strings
busy_ids(struct deliver *d)
{
	const char **ids = arena_array(&d->arena, DELIVER_TARGETS, sizeof(*ids));
	size_t n = 0;

	/* Without those that this round gives back: their turn may come again at once. */
	for (size_t i = 0; i < DELIVER_TARGETS; i++)
		if (d->targets[i].used && !d->targets[i].over)
			ids[n++] = d->targets[i].id;
	return (struct strings) { ids, n };
}

static bool
record(const struct call *call, struct deliver *d, struct error *err)
{
	struct deliver_outcome *outcomes =
	    arena_array(&d->arena, DELIVER_TARGETS, sizeof(*outcomes));
	struct deliver_record record = { .lease = d->job->lease,
		.results = d->results,
		.nresults = d->nresults,
		.outcomes = outcomes,
		.off_after = config_int(call->svc->config, CFG_HOOKS_OFF_AFTER) };
	struct deliver_change *changes;
	size_t n;

	for (size_t i = 0; i < DELIVER_TARGETS; i++) {
		const struct target *t = &d->targets[i];

		if (t->used && (t->touched || t->over))
			outcomes[record.noutcomes++] = (struct deliver_outcome) { t->id,
				t->any_delivered, t->last_failed, t->gone, t->over };
	}
	if (!store_deliver_record(call->svc->db, &d->arena, &record, &changes, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!hook_alert(call, &changes[i], err))
			return false;
	return true;
}

/* In the transaction. */
static bool
round_in(struct deliver *d, struct claimed *claimed, struct error *err)
{
	struct call call = *d->call;
	struct deliver_claim claim = places(d);

	call.arena = &d->arena;
	claim.busy = busy_ids(d);
	*claimed = (struct claimed) { .n = 0 };
	return record(&call, d, err) &&
	    (claim.places == 0 ||
		store_deliver_claim(call.svc->db, &d->arena, &claim, d->job->kind, &claimed->rows,
		    &claimed->n, err));
}

static void
settle(struct deliver *d)
{
	for (size_t i = 0; i < DELIVER_TARGETS; i++) {
		struct target *t = &d->targets[i];

		if (!t->used)
			continue;
		t->touched = t->any_delivered = t->last_failed = t->gone = false;
		if (t->over) {
			arena_reset(&t->arena);
			t->used = false;
		}
	}
	d->nresults = 0;
}

static struct target *
free_target(struct deliver *d)
{
	for (size_t i = 0; i < DELIVER_TARGETS; i++)
		if (!d->targets[i].used)
			return &d->targets[i];
	return NULL;
}

/* Makes the endpoint of these rows ready to be sent to. */
static void
take_target(struct deliver *d, const struct deliver_row *rows, size_t n)
{
	const struct hook_sealed sealed = { rows[0].endpoint_id, rows[0].url, rows[0].headers,
		rows[0].secret, rows[0].previous_secret };
	struct target *t = free_target(d);
	struct call call = *d->call;
	struct error why;

	if (t == NULL)
		return; /* it is claimed again in the next round */
	call.arena = &t->arena;
	t->used = true;
	t->failing = rows[0].failing;
	t->began = clock_monotonic();
	t->next = t->flying = 0;
	t->parallel = 1;
	t->over = t->give_back = t->touched = t->any_delivered = t->last_failed = t->gone = false;
	str_copy(t->id, sizeof(t->id), rows[0].endpoint_id);
	for (t->n = 0; t->n < n && t->n < DELIVER_BATCH; t->n++)
		t->items[t->n] = (struct sending) { t, arena_strdup(&t->arena, rows[t->n].id),
			arena_strdup(&t->arena, rows[t->n].payload) };
	error_clear(&why);
	if (hook_target_open(&call, &sealed, &t->to, &why))
		return;
	log_error(d->call->svc->log, "webhooks: endpoint %s: %s %s", t->id, why.message,
	    why.detail);
	t->next = 1;
	t->flying = 1;
	deliver_note(d, &t->items[0], 0, 0, "sealed");
}

static void
take_all(struct deliver *d, const struct claimed *claimed)
{
	size_t from, to;

	for (from = 0; from < claimed->n; from = to) {
		for (to = from + 1; to < claimed->n &&
		    str_eq(claimed->rows[to].endpoint_id, claimed->rows[from].endpoint_id);)
			to++;
		take_target(d, claimed->rows + from, to - from);
	}
}

bool
deliver_round(struct deliver *d, struct error *err)
{
	struct db *db = d->call->svc->db;
	struct claimed claimed;

	arena_reset(&d->arena);
	for (size_t i = 0; i < DELIVER_TARGETS; i++) {
		struct target *t = &d->targets[i];

		t->over = t->used && t->flying == 0 && deliver_turn_over(d, t);
	}
	if (!db_begin(db, err) || !db_end(db, round_in(d, &claimed, err), err))
		return false;
	settle(d);
	take_all(d, &claimed);
	d->found = claimed.n > 0;
	d->last_round = clock_monotonic();
	return true;
}
