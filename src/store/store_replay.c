#include "store/store_replay.h"

#include <stdlib.h>

#include "core/arena.h"
#include "store/sql_replay.h"
#include "store/store_settings.h"

#include "core/banned.h"

struct replay_reader {
	struct pg_async *pg;
	struct replay_hooks hooks;
	int asked;          /* the current statement's index in the table */
	struct arena arena; /* of one answer */
};

/* The columns of @event start at 3; one row without an event describes only the person. */
static void
replay_from_rows(struct arena *arena, const struct rows *rows, struct replay *replay)
{
	struct replay_event *events;
	size_t n = rows_count(rows);

	*replay = (struct replay) { .known = n > 0 };
	if (n == 0)
		return;
	replay->holds = rows_bool(rows, 0, 0);
	replay->last_seq = rows_int(rows, 0, 1);
	replay->after = rows_int(rows, 0, 2);
	replay->n = rows_null(rows, 0, 3) ? 0 : n;
	replay->events = events = arena_array(arena, replay->n, sizeof(*events));
	for (size_t i = 0; i < replay->n; i++)
		events[i] = (struct replay_event) {
			.id = rows_str(rows, i, 3),
			.seq = rows_int(rows, i, 4),
			.type = rows_str(rows, i, 5),
			.created_at = rows_int(rows, i, 6),
			.data = rows_str(rows, i, 7),
		};
}

static void
give_replay(struct replay_reader *r, const struct rows *rows,
    void (*hook)(void *, const struct replay *))
{
	struct replay replay;

	replay_from_rows(&r->arena, rows, &replay);
	hook(r->hooks.context, &replay);
}

static void
give_check(struct replay_reader *r, const struct rows *rows)
{
	size_t n = rows_count(rows);
	struct replay_difference *list = arena_array(&r->arena, n, sizeof(*list));

	for (size_t i = 0; i < n; i++)
		list[i] = (struct replay_difference) {
			.index = (size_t)rows_int(rows, i, 0) - 1,
			.holds = rows_bool(rows, i, 1),
			.last_seq = rows_int(rows, i, 2),
		};
	r->hooks.check(r->hooks.context, list, n);
}

static void
give_settings(struct replay_reader *r, const struct rows *rows)
{
	struct settings settings;

	store_settings_from_rows(&r->arena, rows, &settings);
	r->hooks.settings(r->hooks.context, &settings);
}

static void
replay_answered(void *context, const struct rows *rows)
{
	struct replay_reader *r = context;

	switch (r->asked) {
	case Q_REPLAY_CLIENT: give_replay(r, rows, r->hooks.client); break;
	case Q_REPLAY_PERSON: give_replay(r, rows, r->hooks.person); break;
	case Q_REPLAY_CHECK: give_check(r, rows); break;
	case Q_REPLAY_SETTINGS: give_settings(r, rows); break;
	}
	arena_reset(&r->arena);
}

struct replay_reader *
replay_new(const char *conninfo, int statement_timeout_ms, const struct pg_async_hooks *connection,
    const struct replay_hooks *hooks)
{
	struct replay_reader *r = xmalloc(sizeof(*r));
	struct pg_async_hooks wired = *connection;

	*r = (struct replay_reader) { .hooks = *hooks };
	arena_init(&r->arena);
	wired.rows = replay_answered;
	wired.rows_context = r;
	r->pg = pg_async_new(conninfo, store_replay_queries, statement_timeout_ms, &wired);
	return r;
}

void
replay_free(struct replay_reader *r)
{
	pg_async_free(r->pg);
	arena_clear(&r->arena);
	free(r);
}

struct pg_async *
replay_connection(struct replay_reader *r)
{
	return r->pg;
}

static void
ask(struct replay_reader *r, int which, struct strings params)
{
	r->asked = which;
	pg_async_send(r->pg, &store_replay_queries[which], params);
}

void
replay_ask_client(struct replay_reader *r, struct arena *arena, const struct replay_client_ask *a)
{
	ask(r, Q_REPLAY_CLIENT,
	    DB_PARAMS(a->user, a->after < 0 ? NULL : db_int(arena, a->after),
		db_time(arena, a->opened), a->sid, db_int(arena, a->generation),
		db_int(arena, a->limit)));
}

void
replay_ask_person(struct replay_reader *r, struct arena *arena, const char *user, int64_t after,
    int limit)
{
	ask(r, Q_REPLAY_PERSON, DB_PARAMS(user, db_int(arena, after), db_int(arena, limit)));
}

void
replay_ask_check(struct replay_reader *r, struct arena *arena, const struct replay_check_ask *a)
{
	ask(r, Q_REPLAY_CHECK,
	    DB_PARAMS(db_array(arena, a->users.items, a->users.n),
		db_array(arena, a->sids.items, a->sids.n),
		db_array(arena, a->generations.items, a->generations.n),
		db_array(arena, a->seqs.items, a->seqs.n)));
}

void
replay_ask_settings(struct replay_reader *r)
{
	ask(r, Q_REPLAY_SETTINGS, DB_NO_PARAMS);
}
