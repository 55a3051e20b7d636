#include "store/store_replay.h"

#include <stdlib.h>

#include "core/arena.h"
#include "store/store_settings.h"

#include "core/banned.h"

enum { REPLAY_CLIENT, REPLAY_PERSON, REPLAY_CHECK, REPLAY_SETTINGS };

struct replay_reader {
	struct pg_async *pg;
	struct replay_hooks hooks;
	int asked;          /* the current statement's index in the table */
	struct arena arena; /* of one answer */
};

#define CREATED_US SQL_US("n.created_at")
/*
 * The data of a row for sockets: the caller's data with the texts added, as notify.c makes it for
 * the live push.
 */
#define EVENT \
	"n.id, n.seq, n.event, " CREATED_US ", n.data || jsonb_build_object('notification'," \
	" jsonb_build_object('kind', n.kind, 'title', n.title, 'message', n.message))"

#define TOKEN_LIVE "t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now())"

const struct query store_replay_queries[] = {
	/*
	 * A connection belongs to a session or to an API token: $4 is the id of either.
	 * $1 user, $2 after or NULL (then: what was written since $3, when the socket opened), $4
	 * sid, $5 generation, $6 rows. A known person gives at least one row: its first columns
	 * tell whether the session or token is still valid, and the person's counter.
	 */
	[REPLAY_CLIENT] = { "replay_client",
	    "SELECT u.status = 'active' AND u.generation = $5::bigint AND (EXISTS (SELECT"
	    " FROM sessions s WHERE s.id = $4::uuid AND s.user_id = u.id"
	    " AND s.revoked_at IS NULL AND s.expires_at > now()) OR EXISTS (SELECT"
	    " FROM api_tokens t WHERE t.id = $4::uuid AND t.user_id = u.id AND " TOKEN_LIVE
	    ")) AND NOT EXISTS (SELECT FROM revoked_tokens r WHERE r.sid = $4::uuid),"
	    " u.last_seq, f.after, " EVENT
	    " FROM users u CROSS JOIN LATERAL (SELECT coalesce($2::bigint,"
	    " (SELECT b.seq FROM notifications b WHERE b.user_id = u.id"
	    " AND b.created_at < $3::timestamptz ORDER BY b.seq DESC LIMIT 1),"
	    " (SELECT b.seq - 1 FROM notifications b WHERE b.user_id = u.id ORDER BY b.seq"
	    " LIMIT 1), u.last_seq) AS after) f"
	    " LEFT JOIN LATERAL (SELECT * FROM notifications m WHERE m.user_id = u.id"
	    " AND m.seq > f.after ORDER BY m.seq LIMIT $6) n ON true"
	    " WHERE u.id = $1 ORDER BY n.seq",
	    QUERY_READ },
	/* $1 user, $2 after, $3 rows. */
	[REPLAY_PERSON] = { "replay_person",
	    "SELECT true, u.last_seq, $2::bigint, " EVENT
	    " FROM users u LEFT JOIN LATERAL (SELECT * FROM notifications m WHERE m.user_id = u.id"
	    " AND m.seq > $2::bigint ORDER BY m.seq LIMIT $3) n ON true"
	    " WHERE u.id = $1 ORDER BY n.seq",
	    QUERY_READ },
	/*
	 * Arrays of equal length: users, ids of sessions or API tokens, generations, and the seq of
	 * each person's sockets. Returns the differences: index, still valid, last_seq.
	 */
	[REPLAY_CHECK] = { "replay_check",
	    "SELECT c.i, g.ok, coalesce(u.last_seq, 0) FROM unnest($1::uuid[], $2::uuid[],"
	    " $3::bigint[], $4::bigint[]) WITH ORDINALITY AS c (user_id, sid, generation, seq, i)"
	    " LEFT JOIN users u ON u.id = c.user_id LEFT JOIN sessions s ON s.id = c.sid"
	    " AND s.user_id = c.user_id AND s.revoked_at IS NULL AND s.expires_at > now()"
	    " LEFT JOIN api_tokens t ON t.id = c.sid AND t.user_id = c.user_id AND " TOKEN_LIVE
	    " LEFT JOIN revoked_tokens r ON r.sid = c.sid"
	    " CROSS JOIN LATERAL (SELECT coalesce(u.status = 'active'"
	    " AND u.generation = c.generation AND coalesce(s.id, t.id) IS NOT NULL"
	    " AND r.sid IS NULL, false) AS ok) g"
	    " WHERE NOT g.ok OR u.last_seq <> c.seq",
	    QUERY_READ },
	/* The columns of store_settings_from_rows(). notifyd cannot open what is sealed. */
	[REPLAY_SETTINGS] = { "replay_settings",
	    "SELECT key, value, false FROM settings WHERE sealed IS NULL", QUERY_READ },
	{ .name = NULL },
};

/* The columns of EVENT start at 3; one row without an event describes only the person. */
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
	case REPLAY_CLIENT: give_replay(r, rows, r->hooks.client); break;
	case REPLAY_PERSON: give_replay(r, rows, r->hooks.person); break;
	case REPLAY_CHECK: give_check(r, rows); break;
	case REPLAY_SETTINGS: give_settings(r, rows); break;
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
	ask(r, REPLAY_CLIENT,
	    DB_PARAMS(a->user, a->after < 0 ? NULL : db_int(arena, a->after),
		db_time(arena, a->opened), a->sid, db_int(arena, a->generation),
		db_int(arena, a->limit)));
}

void
replay_ask_person(struct replay_reader *r, struct arena *arena, const char *user, int64_t after,
    int limit)
{
	ask(r, REPLAY_PERSON, DB_PARAMS(user, db_int(arena, after), db_int(arena, limit)));
}

void
replay_ask_check(struct replay_reader *r, struct arena *arena, const struct replay_check_ask *a)
{
	ask(r, REPLAY_CHECK,
	    DB_PARAMS(db_array(arena, a->users.items, a->users.n),
		db_array(arena, a->sids.items, a->sids.n),
		db_array(arena, a->generations.items, a->generations.n),
		db_array(arena, a->seqs.items, a->seqs.n)));
}

void
replay_ask_settings(struct replay_reader *r)
{
	ask(r, REPLAY_SETTINGS, DB_NO_PARAMS);
}
