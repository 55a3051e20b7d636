/* The items of media servers: comparing, writing, and what is missing. */
#include <limits.h>
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "store/pg.h"
#include "store/sql_sync_items.h"
#include "store/store_sync.h"

#include "core/banned.h"

#define Q(id) (&store_sync_items_queries[id])

static const char *
array(struct arena *arena, struct strings list)
{
	return db_array(arena, list.items, list.n);
}

bool
store_sync_compare(struct db *db, struct arena *arena, const struct sync_place *p,
    struct strings keys, struct strings fingerprints, size_t **at, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_SYNC_COMPARE),
		DB_PARAMS(p->server_id, p->section_id, p->kind, array(arena, keys),
		    array(arena, fingerprints)),
		&rows, err))
		return false;
	*n = rows_count(rows);
	*at = arena_array(arena, *n, sizeof(**at));
	for (size_t i = 0; i < *n; i++)
		(*at)[i] = (size_t)rows_int(rows, i, 0) - 1;
	return true;
}

bool
store_sync_classify(struct db *db, struct arena *arena, const char *server_id, const char *items,
    bool by_identity, struct sync_class **classes, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_SYNC_CLASSIFY),
		DB_PARAMS(server_id, items, db_bool(by_identity)), &rows, err))
		return false;
	*n = rows_count(rows);
	*classes = arena_array(arena, *n, sizeof(**classes));
	for (size_t i = 0; i < *n; i++)
		(*classes)[i] = (struct sync_class) {
			.at = (size_t)rows_int(rows, i, 0),
			.known = rows_bool(rows, i, 1),
			.same = rows_bool(rows, i, 2),
			.elsewhere = rows_bool(rows, i, 3),
		};
	return true;
}

bool
store_sync_park(struct db *db, struct arena *arena, const char *server_id, struct strings keys,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_SYNC_PARK), DB_PARAMS(server_id, array(arena, keys)), NULL,
	    err);
}

bool
store_sync_park_all(struct db *db, struct arena *arena, const char *server_id, struct error *err)
{
	return db_exec(db, arena, Q(Q_SYNC_PARK_ALL), DB_PARAMS(server_id), NULL, err);
}

bool
store_sync_create(struct db *db, struct arena *arena, const struct sync_place *p, const char *items,
    int64_t news_after, struct strings ids, struct error *err)
{
	return db_exec(db, arena, Q(Q_SYNC_CREATE),
		   DB_PARAMS(p->server_id, p->section_id, items,
		       news_after < 0 ? NULL : db_int(arena, news_after)),
		   NULL, err) &&
	    db_exec(db, arena, Q(Q_SYNC_SHARE), DB_PARAMS(p->section_id, array(arena, ids)), NULL,
		err);
}

bool
store_sync_update(struct db *db, struct arena *arena, const struct sync_place *p, const char *items,
    struct sync_updated *updated, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_SYNC_UPDATE),
		DB_PARAMS(p->server_id, p->section_id, items, p->run_id), &rows, err))
		return false;
	*updated = (struct sync_updated) { .updated = rows_int(rows, 0, 0),
		.restored = rows_int(rows, 0, 1) };
	updated->arrived = rows_strings(arena, rows, 0, 2);
	return updated->arrived.n == 0 ||
	    (db_exec(db, arena, Q(Q_SYNC_UNSHARE),
		 DB_PARAMS(p->section_id, array(arena, updated->arrived)), NULL, err) &&
		db_exec(db, arena, Q(Q_SYNC_SHARE),
		    DB_PARAMS(p->section_id, array(arena, updated->arrived)), NULL, err));
}

bool
store_sync_put_off(struct db *db, struct arena *arena, const struct sync_place *p,
    const char *items, struct error *err)
{
	return db_exec(db, arena, Q(Q_SYNC_PUT_OFF), DB_PARAMS(p->run_id, p->section_id, items),
	    NULL, err);
}

/* A key as the pair that orders it; NULL: in front of all keys, or behind them. */
static const char *
order_of(struct arena *arena, const char *key, bool behind)
{
	return db_int(arena, key != NULL ? (int64_t)strlen(key) : behind ? INT_MAX : -1);
}

struct gaps {
	struct strings from_length, from, to_length, to;
};

static void
gaps_of(struct arena *arena, const struct sync_range *range, struct gaps *gaps)
{
	size_t n = range->nblind;
	const char **lists[4];

	for (size_t k = 0; k < 4; k++)
		lists[k] = arena_array(arena, n, sizeof(**lists));
	for (size_t i = 0; i < n; i++) {
		const struct sync_gap *gap = &range->blind[i];

		lists[0][i] = order_of(arena, gap->from, false);
		lists[1][i] = gap->from == NULL ? "" : gap->from;
		lists[2][i] = order_of(arena, gap->to, true);
		lists[3][i] = gap->to == NULL ? "" : gap->to;
	}
	*gaps =
	    (struct gaps) { { lists[0], n }, { lists[1], n }, { lists[2], n }, { lists[3], n } };
}

bool
store_sync_miss(struct db *db, struct arena *arena, const struct sync_place *p,
    const struct sync_range *range, struct error *err)
{
	const char *from = range->keys.from, *to = range->keys.to;
	struct gaps gaps;

	gaps_of(arena, range, &gaps);
	return db_exec(db, arena, Q(Q_SYNC_MISS),
	    DB_PARAMS(p->run_id, p->section_id, p->kind, order_of(arena, from, false),
		from == NULL ? "" : from, order_of(arena, to, true), to == NULL ? "" : to,
		array(arena, range->seen), array(arena, gaps.from_length), array(arena, gaps.from),
		array(arena, gaps.to_length), array(arena, gaps.to)),
	    NULL, err);
}

bool
store_sync_unreadable(struct db *db, struct arena *arena, const struct sync_place *p,
    struct strings keys, struct error *err)
{
	return db_exec(db, arena, Q(Q_SYNC_UNREADABLE),
	    DB_PARAMS(p->run_id, p->server_id, array(arena, keys)), NULL, err);
}

bool
store_sync_again(struct db *db, struct arena *arena, const struct sync_place *p, struct error *err)
{
	const struct strings params = DB_PARAMS(p->run_id, p->section_id, p->kind);

	return db_exec(db, arena, Q(Q_SYNC_MISS_NONE), params, NULL, err) &&
	    db_exec(db, arena, Q(Q_SYNC_PUT_OFF_NONE), params, NULL, err);
}

bool
store_sync_miss_others(struct db *db, struct arena *arena, const struct sync_place *p,
    struct strings kinds, struct error *err)
{
	return db_exec(db, arena, Q(Q_SYNC_MISS_OTHERS),
	    DB_PARAMS(p->run_id, p->section_id, array(arena, kinds)), NULL, err);
}

bool
store_sync_unknown(struct db *db, struct arena *arena, const struct sync_place *p,
    struct strings complete, int limit, struct sync_unknown **unknown, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_SYNC_UNKNOWN),
		DB_PARAMS(p->server_id, p->run_id, array(arena, complete), db_int(arena, limit)),
		&rows, err))
		return false;
	*n = rows_count(rows);
	*unknown = arena_array(arena, *n, sizeof(**unknown));
	for (size_t i = 0; i < *n; i++)
		(*unknown)[i] = (struct sync_unknown) { rows_str(rows, i, 0), rows_str(rows, i, 1),
			rows_str(rows, i, 2) };
	return true;
}

bool
store_sync_asked(struct db *db, struct arena *arena, const char *run_id, const char *media_id,
    bool present, struct error *err)
{
	return db_exec(db, arena, Q(Q_SYNC_ASKED),
	    DB_PARAMS(run_id, media_id, present ? "present" : "absent"), NULL, err);
}

bool
store_sync_resolve(struct db *db, struct arena *arena, const struct sync_place *p,
    const struct sync_resolve_ask *ask, struct sync_resolved **resolved, size_t *n,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_SYNC_RESOLVE),
		DB_PARAMS(p->server_id, p->run_id, array(arena, ask->complete), p->section_id,
		    ask->after, db_int(arena, ask->limit)),
		&rows, err))
		return false;
	*n = rows_count(rows);
	*resolved = arena_array(arena, *n, sizeof(**resolved));
	for (size_t i = 0; i < *n; i++) {
		const char *what = rows_str(rows, i, 2);

		(*resolved)[i] = (struct sync_resolved) {
			.key = rows_str(rows, i, 0),
			.item = rows_str(rows, i, 1),
			.what = what[0] == 'm' ? SYNC_MOVE :
			    what[0] == 'w'     ? SYNC_WAIT :
						 SYNC_NEW,
			.media_id = rows_str(rows, i, 3),
		};
	}
	return true;
}

bool
store_sync_move(struct db *db, struct arena *arena, struct strings ids, struct strings keys,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_SYNC_MOVE), DB_PARAMS(array(arena, ids), array(arena, keys)),
	    NULL, err);
}

bool
store_sync_missed(struct db *db, struct arena *arena, const struct sync_place *p,
    const char *halted, struct sync_missed *missed, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_SYNC_MISSING_COUNT),
		DB_PARAMS(p->run_id, p->section_id, halted), &rows, err))
		return false;
	*missed = (struct sync_missed) { .nkinds = rows_count(rows) };
	missed->kinds = arena_array(arena, missed->nkinds, sizeof(*missed->kinds));
	for (size_t i = 0; i < missed->nkinds; i++) {
		struct sync_missed *kind = &missed->kinds[i];

		*kind = (struct sync_missed) { .missing = rows_int(rows, i, 1),
			.beyond = rows_int(rows, i, 2),
			.total = rows_int(rows, i, 3) };
		missed->missing += kind->missing;
		missed->beyond += kind->beyond;
		missed->total = rows_int(rows, i, 4);
	}
	return true;
}

bool
store_sync_missing_add(struct db *db, struct arena *arena, const struct sync_place *p,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_SYNC_MISSING_ADD), DB_PARAMS(p->run_id, p->section_id), NULL,
	    err);
}

bool
store_sync_trash(struct db *db, struct arena *arena, const struct sync_place *p, int64_t *n,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_SYNC_TRASH), DB_PARAMS(p->run_id, p->section_id), &rows, err))
		return false;
	*n = rows_int(rows, 0, 0);
	return true;
}

bool
store_sync_adopt_orphans(struct db *db, struct arena *arena, const char *server_id, bool *any,
    struct error *err)
{
	return db_change(db, arena, Q(Q_SYNC_ADOPT_ORPHANS), DB_PARAMS(server_id), any, err);
}
