#include "store/store_sync.h"

#include "core/arena.h"
#include "core/error.h"
#include "store/pg.h"
#include "store/sql_sync.h"

#include "core/banned.h"

#define Q(id) (&store_sync_queries[id])
#define SUMMARY_COLUMNS 19
#define TIME_LAST "infinity"
#define UUID_LAST "ffffffff-ffff-ffff-ffff-ffffffffffff"

static void
run_from_row(const struct rows *rows, size_t i, bool whole, struct sync_run *run)
{
	*run = (struct sync_run) {
		.id = rows_str(rows, i, 0),
		.server_id = rows_str(rows, i, 1),
		.trigger = rows_str(rows, i, 2),
		.section = rows_str(rows, i, 3),
		.full = rows_bool(rows, i, 4),
		.dry = rows_bool(rows, i, 5),
		.status = rows_str(rows, i, 6),
		.phase = rows_str(rows, i, 7),
		.owner_name = rows_str(rows, i, 8),
		.started_at = rows_int(rows, i, 9),
		.finished_at = rows_int(rows, i, 10),
		.heartbeat_at = rows_int(rows, i, 11),
		.counts = rows_str(rows, i, 12),
		.sections = rows_str(rows, i, 13),
		.error_code = rows_str(rows, i, 14),
		.error_message = rows_str(rows, i, 15),
		.halt = rows_str(rows, i, 16),
		.halt_of = rows_str(rows, i, 17),
		.can_continue = rows_bool(rows, i, 18),
	};
	if (!whole)
		return;
	run->errors = rows_str(rows, i, SUMMARY_COLUMNS);
	run->state = rows_str(rows, i, SUMMARY_COLUMNS + 1);
}

static bool
one_run(struct db *db, struct arena *arena, const struct query *query, const char *key,
    struct sync_run *run, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query, DB_PARAMS(key), &rows, err))
		return false;
	run->id = NULL;
	if (rows_count(rows) > 0)
		run_from_row(rows, 0, true, run);
	return true;
}

bool
store_sync_lock(struct db *db, struct arena *arena, const char *server_id, bool *taken,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_SYNC_LOCK), DB_PARAMS(server_id), &rows, err))
		return false;
	*taken = rows_bool(rows, 0, 0);
	return true;
}

bool
store_sync_unlock(struct db *db, struct arena *arena, const char *server_id, struct error *err)
{
	return db_exec(db, arena, Q(Q_SYNC_UNLOCK), DB_PARAMS(server_id), NULL, err);
}

bool
store_sync_running(struct db *db, struct arena *arena, const char *server_id, struct sync_run *run,
    struct error *err)
{
	return one_run(db, arena, Q(Q_SYNC_RUNNING), server_id, run, err);
}

bool
store_sync_get(struct db *db, struct arena *arena, const char *id, struct sync_run *run,
    struct error *err)
{
	return one_run(db, arena, Q(Q_SYNC_GET), id, run, err);
}

bool
store_sync_list(struct db *db, struct arena *arena, const struct sync_list_ask *ask,
    struct sync_run **runs, size_t *n, struct error *err)
{
	bool start = ask->before_id == NULL;
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_SYNC_LIST),
		DB_PARAMS(ask->server_id, start ? TIME_LAST : db_time(arena, ask->before),
		    start ? UUID_LAST : ask->before_id, db_int(arena, ask->limit)),
		&rows, err))
		return false;
	*n = rows_count(rows);
	*runs = arena_array(arena, *n, sizeof(**runs));
	for (size_t i = 0; i < *n; i++)
		run_from_row(rows, i, false, &(*runs)[i]);
	return true;
}

bool
store_sync_last(struct db *db, struct arena *arena, const char *server_id, const char *run_id,
    struct sync_last *last, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_SYNC_LAST_END), DB_PARAMS(server_id, run_id), &rows, err))
		return false;
	*last = (struct sync_last) { 0 };
	if (rows_count(rows) > 0)
		*last = (struct sync_last) { .status = rows_str(rows, 0, 0),
			.error_code = rows_str(rows, 0, 1),
			.halt_of = rows_str(rows, 0, 2),
			.complete_at = rows_int(rows, 0, 3),
			.covers = rows_bool(rows, 0, 4) };
	return true;
}

bool
store_sync_open(struct db *db, struct arena *arena, const struct sync_open *o, struct error *err)
{
	return db_exec(db, arena, Q(Q_SYNC_OPEN),
	    DB_PARAMS(o->hold.id, o->server_id, o->trigger, o->section, db_bool(o->full),
		db_bool(o->dry), o->hold.owner, o->owner_name, o->passes),
	    NULL, err);
}

/* A change that the holder of a run makes. */
static bool
as_holder(struct db *db, struct arena *arena, const struct query *query, struct strings params,
    struct error *err)
{
	bool met;

	if (!db_change(db, arena, query, params, &met, err))
		return false;
	return met ||
	    error_slug(err, ERR_CONFLICT, "lease_lost", "Another process has taken over this run.");
}

bool
store_sync_take(struct db *db, struct arena *arena, const struct sync_open *o, struct error *err)
{
	return as_holder(db, arena, Q(Q_SYNC_TAKE),
	    DB_PARAMS(o->hold.id, o->hold.owner, o->owner_name), err);
}

bool
store_sync_abandon(struct db *db, struct arena *arena, const char *server_id, const char *but,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_SYNC_ABANDON), DB_PARAMS(server_id, but), NULL, err);
}

bool
store_sync_phase(struct db *db, struct arena *arena, const struct sync_hold *hold,
    const char *phase, struct error *err)
{
	return as_holder(db, arena, Q(Q_SYNC_PHASE), DB_PARAMS(hold->id, hold->owner, phase), err);
}

bool
store_sync_save(struct db *db, struct arena *arena, const struct sync_hold *hold,
    const struct sync_progress *p, struct error *err)
{
	return as_holder(db, arena, Q(Q_SYNC_SAVE),
	    DB_PARAMS(hold->id, hold->owner, p->phase, p->counts, p->sections, p->errors, p->state),
	    err);
}

bool
store_sync_close(struct db *db, struct arena *arena, const struct sync_hold *hold,
    const struct sync_end *end, struct error *err)
{
	return as_holder(db, arena, Q(Q_SYNC_CLOSE),
	    DB_PARAMS(hold->id, hold->owner, end->status, end->phase, end->error_code,
		end->error_message, end->halt, end->halt_of),
	    err);
}

bool
store_sync_forget(struct db *db, struct arena *arena, const char *run_id, bool keep, bool through,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_SYNC_FORGET_MISSING),
		   DB_PARAMS(run_id, db_bool(keep), db_bool(through)), NULL, err) &&
	    db_exec(db, arena, Q(Q_SYNC_FORGET_PENDING), DB_PARAMS(run_id), NULL, err);
}

bool
store_sync_expire(struct db *db, struct arena *arena, int days, struct error *err)
{
	return db_exec(db, arena, Q(Q_SYNC_EXPIRE), DB_PARAMS(db_int(arena, days)), NULL, err);
}

bool
store_sync_servers(struct db *db, struct arena *arena, const char *which, struct strings *ids,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_SYNC_SERVERS), DB_PARAMS(which), &rows, err))
		return false;
	*ids = rows_column(arena, rows, 0);
	return true;
}

bool
store_sync_server_first(struct db *db, struct arena *arena, const char *server_id, bool *first,
    struct error *err)
{
	return db_change(db, arena, Q(Q_SYNC_SERVER_FIRST), DB_PARAMS(server_id), first, err);
}

bool
store_sync_rekey(struct db *db, struct arena *arena, const char *server_id, bool *wanted,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_SYNC_SERVER_REKEY), DB_PARAMS(server_id), &rows, err))
		return false;
	*wanted = rows_count(rows) > 0 && rows_bool(rows, 0, 0);
	return true;
}

bool
store_sync_rekeyed(struct db *db, struct arena *arena, const char *server_id, struct error *err)
{
	return db_exec(db, arena, Q(Q_SYNC_SERVER_REKEYED), DB_PARAMS(server_id), NULL, err);
}

bool
store_sync_sections(struct db *db, struct arena *arena, const char *server_id,
    struct sync_section_row **sections, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_SYNC_SECTIONS), DB_PARAMS(server_id), &rows, err))
		return false;
	*n = rows_count(rows);
	*sections = arena_array(arena, *n, sizeof(**sections));
	for (size_t i = 0; i < *n; i++)
		(*sections)[i] = (struct sync_section_row) {
			.id = rows_str(rows, i, 0),
			.key = rows_str(rows, i, 1),
			.title = rows_str(rows, i, 2),
			.type = rows_str(rows, i, 3),
			.enabled = rows_bool(rows, i, 4),
			.visibility = rows_str(rows, i, 5),
			.filled = rows_bool(rows, i, 6),
		};
	return true;
}

bool
store_sync_hold(struct db *db, struct arena *arena, const char *section_id, const char *url,
    const char *machine_id, struct sync_held *held, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_SYNC_HOLD), DB_PARAMS(section_id, url, machine_id), &rows, err))
		return false;
	*held = (struct sync_held) { false, false };
	if (rows_count(rows) > 0)
		*held = (struct sync_held) { rows_bool(rows, 0, 0), rows_bool(rows, 0, 1) };
	return true;
}

bool
store_sync_section_done(struct db *db, struct arena *arena, const char *section_id, int64_t items,
    bool listed, struct error *err)
{
	return db_exec(db, arena, Q(Q_SYNC_SECTION_DONE),
	    DB_PARAMS(section_id, db_int(arena, items), db_bool(listed)), NULL, err);
}

bool
store_sync_news(struct db *db, struct arena *arena, const char *server_id, int limit,
    struct library_news **news, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_SYNC_NEWS), DB_PARAMS(server_id, db_int(arena, limit)), &rows,
		err))
		return false;
	*n = rows_count(rows);
	*news = arena_array(arena, *n, sizeof(**news));
	for (size_t i = 0; i < *n; i++)
		(*news)[i] = (struct library_news) {
			.media_id = rows_str(rows, i, 0),
			.title = rows_str(rows, i, 1),
			.kind = rows_str(rows, i, 2),
			.section_title = rows_str(rows, i, 4),
			.section_id = rows_str(rows, i, 5),
			.above_id = rows_str(rows, i, 6),
			.above_title = rows_str(rows, i, 7),
		};
	return true;
}

bool
store_sync_news_told(struct db *db, struct arena *arena, const char *server_id, struct error *err)
{
	return db_exec(db, arena, Q(Q_SYNC_NEWS_TOLD), DB_PARAMS(server_id), NULL, err);
}

bool
store_sync_samples(struct db *db, struct arena *arena, const char *server_id, bool news,
    struct sync_sample **samples, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, news ? Q(Q_SYNC_NEWS_OF_EACH_SECTION) : Q(Q_SYNC_OF_EACH_SECTION),
		DB_PARAMS(server_id), &rows, err))
		return false;
	*n = rows_count(rows);
	*samples = arena_array(arena, *n, sizeof(**samples));
	for (size_t i = 0; i < *n; i++)
		(*samples)[i] = (struct sync_sample) { rows_str(rows, i, 0), rows_str(rows, i, 1),
			rows_str(rows, i, 2), rows_int(rows, i, 3) };
	return true;
}
