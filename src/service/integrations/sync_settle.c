/*
 * What is known only when everything was listed: which items under new keys are moves of earlier
 * ones, what is missing, and whether that may be removed.
 */
#include <string.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "core/str.h"
#include "service/gate/cache.h"
#include "service/integrations/sync_internal.h"
#include "service/services.h"
#include "store/pg.h"

#include "core/banned.h"

static struct strings
complete_of(struct sync_engine *e, struct arena *arena)
{
	const char **ids = arena_array(arena, e->nsections, sizeof(*ids));
	size_t n = 0;

	for (size_t i = 0; i < e->nsections; i++)
		if (e->sections[i].state == SECTION_LISTED)
			ids[n++] = e->sections[i].row.id;
	return (struct strings) { ids, n };
}

/* --- moves ----------------------------------------------------------------------------------- */

/* How many single items may be asked for: few beside the pages of the listing. */
static int
asked_most(const struct sync_engine *e)
{
	const struct sync_counts counts = sync_counts_of(e);
	int64_t most = counts.seen / SYNC_ASKED_EACH;

	return most < SYNC_ASKED_MIN ? SYNC_ASKED_MIN :
	    most > SYNC_ASKED_MAX    ? SYNC_ASKED_MAX :
				       (int)most;
}

/*
 * Asks the server for earlier places that no listing decides on. What is over the limit waits for
 * another run.
 */
static bool
ask_for_places(struct sync_engine *e, struct error *err)
{
	struct sync_place place = { .run_id = e->hold.id, .server_id = e->server->id };
	struct arena *arena = e->call->arena;
	struct db *db = e->call->svc->db;
	struct sync_unknown *unknown;
	size_t n;

	if (!store_sync_unknown(db, arena, &place, complete_of(e, arena), asked_most(e), &unknown,
		&n, err))
		return false;
	for (size_t i = 0; i < n && !e->over && !sync_stopped(e); i++) {
		struct server_item item;
		struct error why;
		int64_t start = clock_monotonic();
		enum answer_kind answer =
		    e->client->kind->item(arena, e->client, unknown[i].key, &item, &why);
		int64_t took_ms = (clock_monotonic() - start) / US_PER_MS;

		if (answer == ANSWER_UNKNOWN)
			sync_gave_up(e, &why);
		/* Another item under the key: what is asked for is not there. */
		else if (!store_sync_asked(db, arena, e->hold.id, unknown[i].media_id,
			     answer == ANSWER_PRESENT && item.deleted_at == 0 &&
				 str_eq(sync_identity(arena, &item), unknown[i].identity),
			     err))
			return false;
		if (i + 1 < n)
			sync_yield(e, arena, took_ms);
	}
	return true;
}

struct settled {
	const char **made, **moved, **ids, **keys;
	size_t nmade, nmoved, nwaiting;
};

static void
sort(struct arena *arena, const struct sync_resolved *list, size_t n, struct settled *s)
{
	*s = (struct settled) { .made = arena_array(arena, n, sizeof(char *)),
		.moved = arena_array(arena, n, sizeof(char *)),
		.ids = arena_array(arena, n, sizeof(char *)),
		.keys = arena_array(arena, n, sizeof(char *)) };
	for (size_t i = 0; i < n; i++) {
		if (list[i].what == SYNC_NEW) {
			s->made[s->nmade++] = list[i].item;
		} else if (list[i].what == SYNC_MOVE) {
			s->ids[s->nmoved] = list[i].media_id;
			s->keys[s->nmoved] = list[i].key;
			s->moved[s->nmoved++] = list[i].item;
		} else {
			s->nwaiting++;
		}
	}
}

static bool
write_batch_in(const struct call *call, struct sync_engine *e, struct sync_section *section,
    const struct settled *s, bool *go, struct error *err)
{
	struct sync_updated updated = { 0 };

	if (!sync_hold(call, e, section, go, err))
		return false;
	if (!*go)
		return true;
	if (!e->dry && s->nmoved > 0 &&
	    (!store_sync_move(call->svc->db, call->arena, (struct strings) { s->ids, s->nmoved },
		 (struct strings) { s->keys, s->nmoved }, err) ||
		!sync_write_known(call, e, section, sync_array(call->arena, s->moved, s->nmoved),
		    &updated, err)))
		return false;
	section->counts.restored += updated.restored;
	section->counts.moved += (int64_t)s->nmoved - updated.restored;
	section->waiting += (int64_t)s->nwaiting;
	return sync_write_new(call, e, section, s->made, s->nmade, err) && sync_save(call, e, err);
}

static bool
settle_section(struct sync_engine *e, struct sync_section *section, struct error *err)
{
	struct db *db = e->call->svc->db;
	struct sync_place place = sync_place_of(e, section);
	char after[MEDIA_SERVER_KEY_MAX + 1] = "";
	struct call call = *e->call;
	struct strings complete = complete_of(e, e->call->arena);
	struct arena arena;
	bool ok = true, go = true;
	size_t n = 1;

	arena_init(&arena);
	call.arena = &arena;
	section->waiting = 0;
	while (ok && go && n > 0 && !sync_stopped(e)) {
		const struct sync_resolve_ask ask = { complete, after, SYNC_BATCH };
		struct sync_resolved *list;
		struct settled s;

		ok = store_sync_resolve(db, &arena, &place, &ask, &list, &n, err);
		if (!ok || n == 0)
			break;
		sort(&arena, list, n, &s);
		str_copy(after, sizeof(after), list[n - 1].key);
		ok = db_begin(db, err) &&
		    db_end(db, write_batch_in(&call, e, section, &s, &go, err), err);
		arena_reset(&arena);
	}
	arena_clear(&arena);
	return ok;
}

/* --- deletions ------------------------------------------------------------------------------- */

static bool
too_many(const struct sync_missed *m)
{
	if (m->beyond == 0)
		return false;
	return m->total < SYNC_SMALL ? m->missing == m->total :
				       m->beyond * 100 > m->total * SYNC_VANISH_PERCENT;
}

static const char *
reason_of(const struct sync_section *section)
{
	return !section->listed                                ? "section_vanished" :
	    section->counts.seen == 0 && section->in_trash > 0 ? "section_trashed" :
								 "section_shrank";
}

/* Too many of the whole, or of one kind: a few series are few among their episodes. */
static bool
is_halt(const struct sync_section *section)
{
	const struct sync_missed *m = &section->missed;

	if (!section->listed)
		return m->beyond > 0;
	for (size_t i = 0; i < m->nkinds; i++)
		if (too_many(&m->kinds[i]))
			return true;
	return too_many(m);
}

static void
note_halt(struct sync_engine *e, const struct sync_section *section)
{
	if (e->halt_reason != NULL)
		return;
	e->halt_reason = reason_of(section);
	e->halt_section = section->row.key;
	e->halt = section->missed;
}

/*
 * Was all listed that this run is about? What is missing in one section may lie in another that
 * could not be listed.
 */
static bool
is_whole(const struct sync_engine *e)
{
	for (size_t i = 0; i < e->nsections; i++)
		switch (e->sections[i].state) {
		case SECTION_LISTED:
		case SECTION_OK:
		case SECTION_HALTED:
		case SECTION_EXCLUDED: break;
		default: return false;
		}
	return true;
}

/* What is missing in each section, and whether the run has to stop for it. */
static bool
look_for_missing(struct sync_engine *e, bool whole, struct error *err)
{
	for (size_t i = 0; i < e->nsections; i++) {
		struct sync_section *section = &e->sections[i];
		struct sync_place place = sync_place_of(e, section);

		if (section->state != SECTION_LISTED && section->state != SECTION_HALTED)
			continue;
		if (!store_sync_missed(e->call->svc->db, e->call->arena, &place, e->passes,
			&section->missed, err))
			return false;
		if (whole && is_halt(section))
			note_halt(e, section);
	}
	return true;
}

/* The counts that make a deletion, and the deletion: once in a run that is in no doubt. */
static bool
mark_in(const struct call *call, struct sync_engine *e, struct sync_section *section, bool whole,
    struct error *err)
{
	struct sync_place place = sync_place_of(e, section);
	const struct sync_missed *m = &section->missed;
	struct db *db = call->svc->db;
	int64_t deleted = 0;
	bool go;

	if (!sync_hold(call, e, section, &go, err))
		return false;
	if (!go)
		return true;
	if (!e->dry && whole && !store_sync_missing_add(db, call->arena, &place, err))
		return false;
	if (!e->dry && whole && e->halt_reason == NULL &&
	    (!store_sync_trash(db, call->arena, &place, &deleted, err) ||
		(deleted > 0 && !cache_change(call, CACHE_HOUSE, err))))
		return false;
	section->counts.missing = m->missing - deleted;
	section->counts.deleted = deleted;
	section->state = whole && is_halt(section) ? SECTION_HALTED :
	    section->waiting > 0                   ? SECTION_PARTIAL :
						     SECTION_OK;
	if (!e->dry &&
	    !store_sync_section_done(db, call->arena, section->row.id,
		section->listed ? section->counts.seen : m->total - deleted, section->listed, err))
		return false;
	return sync_save(call, e, err);
}

static bool
mark_missing(struct sync_engine *e, struct sync_section *section, bool whole, struct error *err)
{
	struct db *db = e->call->svc->db;

	return sync_phase(e, "MarkDeletedItems", err) && db_begin(db, err) &&
	    db_end(db, mark_in(e->call, e, section, whole, err), err) &&
	    sync_phase(e, "NextSection", err);
}

/* In the transaction: items whose parents came after them. */
static bool
adopt_in(struct sync_engine *e, struct error *err)
{
	bool any;

	return store_sync_adopt_orphans(e->call->svc->db, e->call->arena, e->server->id, &any,
		   err) &&
	    (!any || cache_change(e->call, CACHE_HOUSE, err));
}

bool
sync_settle(struct sync_engine *e, struct error *err)
{
	struct db *db = e->call->svc->db;
	bool whole = is_whole(e);

	if (!e->over && !ask_for_places(e, err))
		return false;
	for (size_t i = 0; i < e->nsections && !sync_stopped(e); i++)
		if (e->sections[i].state != SECTION_EXCLUDED &&
		    !settle_section(e, &e->sections[i], err))
			return false;
	if (!look_for_missing(e, whole, err))
		return false;
	for (size_t i = 0; i < e->nsections && !sync_stopped(e); i++)
		if (e->sections[i].state == SECTION_LISTED &&
		    !mark_missing(e, &e->sections[i], whole, err))
			return false;
	return e->dry || (db_begin(db, err) && db_end(db, adopt_in(e, err), err));
}
