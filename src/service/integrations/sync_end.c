/* The end of a run: its report, who is told, and what is kept at hand of it. */
#include <string.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "core/metric.h"
#include "core/str.h"
#include "service/integrations/enrich.h"
#include "service/integrations/library_news.h"
#include "service/integrations/requests.h"
#include "service/integrations/sync_internal.h"
#include "service/notify/alert.h"
#include "service/notify/hook_out.h"
#include "service/notify/notify.h"
#include "service/notify/notify_group.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/redis.h"
#include "store/store_servers.h"

#include "core/banned.h"

#define CACHED_SECONDS "604800" /* section lists and counts in Redis */

/* --- the report ------------------------------------------------------------------------------ */

static bool
is_complete(const struct sync_engine *e)
{
	for (size_t i = 0; i < e->nsections; i++)
		if (e->sections[i].state != SECTION_OK && e->sections[i].state != SECTION_EXCLUDED)
			return false;
	return true;
}

static bool
read_anything(const struct sync_engine *e)
{
	const struct sync_counts counts = sync_counts_of(e);

	return counts.seen > 0 || counts.errors > 0;
}

static int64_t
waiting(const struct sync_engine *e)
{
	int64_t n = 0;

	for (size_t i = 0; i < e->nsections; i++)
		n += e->sections[i].waiting;
	return n;
}

static const char *
status_of(struct sync_engine *e)
{
	if (e->halt_reason != NULL)
		return "halted";
	if (e->error_code == NULL && is_complete(e))
		return "ok";
	if (e->over && !read_anything(e))
		return "failed";
	if (e->error_code == NULL) {
		e->error_code = "sync_incomplete";
		e->error_message = waiting(e) > 0 ?
		    "Some items may have moved between libraries. A later sync takes them in." :
		    "The library changed while it was listed.";
	}
	return "partial";
}

static const char *
halt_json(const struct sync_engine *e)
{
	struct json *j = json_new(e->call->arena, 0);

	if (e->halt_reason == NULL)
		return NULL;
	json_object(j, NULL);
	json_put_str(j, "reason", e->halt_reason);
	json_put_str(j, "section", e->halt_section);
	json_put_int(j, "missing", e->halt.missing);
	json_put_int(j, "total", e->halt.total);
	json_object_end(j);
	return j->buf.data;
}

/* Does an earlier run that is still open miss the same? Then people were told of that one. */
static bool
halt_of(struct sync_engine *e, const char **of, struct error *err)
{
	const char *earlier = e->last.halt_of;
	int64_t beyond = 0;

	*of = e->hold.id;
	e->halt_new = true;
	if (earlier == NULL)
		return true;
	for (size_t i = 0; i < e->nsections; i++) {
		struct sync_place place = sync_place_of(e, &e->sections[i]);
		struct sync_missed missed;

		if (!store_sync_missed(e->call->svc->db, e->call->arena, &place, earlier, &missed,
			err))
			return false;
		beyond += missed.beyond;
	}
	if (beyond > 0)
		return true;
	*of = earlier;
	e->halt_new = false;
	return true;
}

/* --- who is told ----------------------------------------------------------------------------- */

static const char *
data_json(const struct sync_engine *e, const char *status)
{
	const struct sync_counts counts = sync_counts_of(e);
	struct json *j = json_new(e->call->arena, 0);

	json_object(j, NULL);
	json_put_str(j, "syncId", e->hold.id);
	json_put_str(j, "serverId", e->server->id);
	json_put_str(j, "server", e->server->name);
	json_put_str(j, "status", status);
	json_opt_str(j, "code", e->halt_reason != NULL ? e->halt_reason : e->error_code);
	sync_counts_put(j, "counts", &counts);
	json_object_end(j);
	return j->buf.data;
}

static bool
changed_anything(const struct sync_counts *c)
{
	return c->created + c->updated + c->moved + c->deleted + c->restored > 0;
}

static bool
by_person(const struct sync_engine *e)
{
	return str_eq(e->ask->trigger, "api") || str_eq(e->ask->trigger, "manual");
}

static const char *
completed_text(const struct sync_engine *e)
{
	const struct sync_counts c = sync_counts_of(e);

	return arena_printf(e->call->arena,
	    "%lld added, %lld updated, %lld moved, %lld removed, %lld restored.",
	    (long long)c.created, (long long)c.updated, (long long)c.moved, (long long)c.deleted,
	    (long long)c.restored);
}

static const char *
halted_text(const struct sync_engine *e)
{
	const char *title = e->halt_section;

	for (size_t i = 0; i < e->nsections; i++)
		if (str_eq(e->sections[i].row.key, e->halt_section))
			title = e->sections[i].row.title;
	return arena_printf(e->call->arena,
	    "%lld of %lld items of \"%s\" are missing on \"%s\". Nothing was removed. Check the "
	    "server's disks, or continue to remove them here too.",
	    (long long)e->halt.missing, (long long)e->halt.total, title, e->server->name);
}

static bool
is_away(const char *code)
{
	return str_eq(code, "upstream_unreachable") || str_eq(code, "upstream_timeout") ||
	    str_eq(code, "upstream_protocol") || str_eq(code, "upstream_suspended") ||
	    str_eq(code, "server_failed");
}

/*
 * A server that is down fails in these ways by turns, and is not asked for a while (breaker.h):
 * people hear of the first one.
 */
static bool
is_same_fault(const char *before, const char *now)
{
	return str_eq(before, now) || (is_away(before) && is_away(now));
}

/* What there is to say of this end; kind NULL: nothing. */
static struct notify_new
note_of(const struct sync_engine *e, const char *status)
{
	struct arena *arena = e->call->arena;
	const struct sync_counts counts = sync_counts_of(e);
	struct notify_new note = { .data = data_json(e, status) };

	if (!str_eq(status, "ok")) {
		if (is_same_fault(e->last.error_code, e->error_code) ||
		    str_eq(e->error_code, "server_off"))
			return note;
		note.kind = "sync.failed";
		note.title = arena_printf(arena, "Sync of %s failed", e->server->name);
		note.message = e->error_message;
	} else if (changed_anything(&counts) || by_person(e)) {
		note.kind = "sync.completed";
		note.title = arena_printf(arena, "Sync of %s is complete", e->server->name);
		note.message = completed_text(e);
	}
	return note;
}

/* One note of the server: an item of each section stands for all that can be read alike. */
static bool
tell_sections(struct sync_engine *e, bool news, struct error *err)
{
	struct sync_sample *samples;
	struct notify_part *parts;
	size_t n;

	if (!store_sync_samples(e->call->svc->db, e->call->arena, e->server->id, news, &samples, &n,
		err))
		return false;
	parts = arena_array(e->call->arena, n, sizeof(*parts));
	for (size_t i = 0; i < n; i++)
		parts[i] = (struct notify_part) { .kind = "library.new",
			.group = arena_printf(e->call->arena, "server:%s", e->server->id),
			.group_title = e->server->name,
			.title = arena_printf(e->call->arena, "%s: %lld items", samples[i].title,
			    (long long)samples[i].items),
			.media_id = samples[i].media_id,
			.items = samples[i].items };
	return n == 0 || notify_together(e->call, parts, n, err);
}

/* Would these be more than SYNC_NEWS_GROUPS notes? */
static bool
many_groups(const struct notify_part *parts, size_t n)
{
	const char *groups[SYNC_NEWS_GROUPS];
	size_t known = 0;

	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (k < known && !str_eq(groups[k], parts[i].group))
			k++;
		if (k < known)
			continue;
		if (known == SYNC_NEWS_GROUPS)
			return true;
		groups[known++] = parts[i].group;
	}
	return false;
}

static bool
tell_news(struct sync_engine *e, struct error *err)
{
	struct db *db = e->call->svc->db;
	struct arena *arena = e->call->arena;
	struct notify_part *parts;
	struct library_news *news;
	bool first = false, told;
	size_t n;

	if (is_complete(e) && e->ask->section == NULL &&
	    !store_sync_server_first(db, arena, e->server->id, &first, err))
		return false;
	if (first)
		return tell_sections(e, false, err);
	if (!store_sync_news(db, arena, e->server->id, SYNC_NEWS_MAX + 1, &news, &n, err))
		return false;
	if (n == 0)
		return true;
	parts = arena_array(arena, n, sizeof(*parts));
	for (size_t i = 0; i < n; i++)
		parts[i] = library_news_part(arena, &news[i]);
	told = n > SYNC_NEWS_MAX || many_groups(parts, n) ? tell_sections(e, true, err) :
							    notify_together(e->call, parts, n, err);
	return told && store_sync_news_told(db, arena, e->server->id, err);
}

/* A sync that stopped is an alert, until a run that is about the same went through. */
static bool
tell_stop(const struct sync_engine *e, bool halted, struct error *err)
{
	struct arena *arena = e->call->arena;
	const char *name = e->server->name;
	const struct alert_told told = {
		.rule = ALERT_SYNC_STOPPED,
		.subject = e->server->id,
		.subject_name = name,
		.title = arena_printf(arena,
		    halted ? "Sync of %s stopped" : "Sync of %s is complete again", name),
		.message = halted ? halted_text(e) : completed_text(e),
		.data = data_json(e, halted ? "halted" : "ok"),
		.again = e->halt_new, /* it misses more than before */
	};

	return halted ? alert_raise(e->call, &told, err) : alert_clear(e->call, &told, err);
}

static bool
tell_end(const struct sync_engine *e, const char *status, struct notify_batch **batch,
    struct error *err)
{
	bool halted = str_eq(status, "halted");
	struct notify_new note;

	/* Nothing is wrong with a server that was switched off or removed meanwhile. */
	if (halted && !e->used)
		return true;
	if (halted || (str_eq(status, "ok") && e->last.covers))
		return tell_stop(e, halted, err);
	note = note_of(e, status);
	return note.kind == NULL ||
	    (notify_keepers(e->call, &note, batch, err) &&
		hook_out(e->call, note.kind, note.data, err));
}

static bool
tell(struct sync_engine *e, const char *status, struct notify_batch **batch, struct error *err)
{
	const struct sync_counts counts = sync_counts_of(e);

	*batch = NULL;
	if (e->dry)
		return true;
	return (!changed_anything(&counts) || enrich_soon(e->call, err)) && tell_news(e, err) &&
	    tell_end(e, status, batch, err) && requests_refresh_soon(e->call, NULL, err);
}

/*
 * In the transaction, first of all: until its end the server stays what it is. Whether people hear
 * of a stop depends on that.
 */
static bool
hold_server(struct sync_engine *e, struct error *err)
{
	struct server now;

	if (!store_server_lock(e->call->svc->db, e->call->arena, e->server->id, &now, err))
		return false;
	e->used = now.id != NULL && now.enabled && str_eq(now.url, e->server->url) &&
	    str_eq(now.machine_id, e->machine_id);
	return true;
}

/* --- the end --------------------------------------------------------------------------------- */

static bool
close_in(struct sync_engine *e, struct sync_outcome *out, struct notify_batch **batch,
    struct error *err)
{
	struct sync_end end = { .status = out->status,
		.phase = e->over && !read_anything(e) ? e->phase : "CacheResults",
		.error_code = e->error_code,
		.error_message = e->error_message,
		.halt = halt_json(e) };
	bool halted = e->halt_reason != NULL, through = str_eq(out->status, "ok") && !e->dry;
	struct db *db = e->call->svc->db;

	if (!hold_server(e, err))
		return false;
	if (halted && !halt_of(e, &end.halt_of, err))
		return false;
	if (!sync_save(e->call, e, err) || !tell(e, out->status, batch, err))
		return false;
	if (e->rekey && !e->dry && through && e->ask->section == NULL &&
	    !store_sync_rekeyed(db, e->call->arena, e->server->id, err))
		return false;
	return store_sync_close(db, e->call->arena, &e->hold, &end, err) &&
	    store_sync_forget(db, e->call->arena, e->hold.id, halted && e->halt_new, through, err);
}

/* For the page: what the sections were and had when they were looked at last. */
static void
cache_results(const struct sync_engine *e, const struct sync_outcome *out)
{
	struct redis *redis = e->call->svc->redis;
	struct json *j = json_new(e->call->arena, 0);
	struct error ignored;

	json_object(j, NULL);
	json_put_str(j, "syncId", e->hold.id);
	json_put_str(j, "status", out->status);
	sync_counts_put(j, "counts", &out->counts);
	json_put_raw(j, "sections", sync_sections_json(e, e->call->arena));
	json_object_end(j);
	if (redis == NULL || e->dry || e->over)
		return;
	if (!redis_command(redis, e->call->arena,
		REDIS_ARGV("SET", redis_key(redis, e->call->arena, "sync:%s", e->server->id),
		    j->buf.data, "EX", CACHED_SECONDS),
		NULL, &ignored))
		log_notice(e->call->svc->log, "Redis did not keep the results of a sync: %s",
		    ignored.message);
}

static void
measure(const struct sync_engine *e, const struct sync_outcome *out)
{
	static const char *const ends[] = { [VALUE_SYNC_OK] = "ok",
		[VALUE_SYNC_PARTIAL] = "partial",
		[VALUE_SYNC_FAILED] = "failed",
		[VALUE_SYNC_HALTED] = "halted" };
	const struct sync_counts *c = &out->counts;
	const int64_t changes[] = { [VALUE_SYNC_CREATED] = c->created,
		[VALUE_SYNC_UPDATED] = c->updated,
		[VALUE_SYNC_UNCHANGED] = c->unchanged,
		[VALUE_SYNC_MOVED] = c->moved,
		[VALUE_SYNC_DELETED] = c->deleted,
		[VALUE_SYNC_RESTORED] = c->restored,
		[VALUE_SYNC_ERRORS] = c->errors };

	for (uint32_t i = 0; i < VALUES_SYNC_CHANGE; i++)
		metric_add(METRIC_SYNC_ITEMS, LABELS(i), (uint64_t)changes[i]);
	for (uint32_t i = 0; i < VALUES_SYNC_END; i++)
		if (str_eq(ends[i], out->status))
			metric_observe(METRIC_SYNC_DURATION, LABELS(i),
			    clock_now() - e->started_at);
}

bool
sync_end(struct sync_engine *e, struct sync_outcome *out, struct error *err)
{
	struct db *db = e->call->svc->db;
	struct notify_batch *batch;

	if (!(e->over && !read_anything(e)) &&
	    (!sync_phase(e, "GenerateReport", err) || !sync_phase(e, "SendNotifications", err)))
		return false;
	*out = (struct sync_outcome) { .run_id = e->hold.id,
		.status = status_of(e),
		.error_code = e->halt_reason != NULL ? e->halt_reason : e->error_code,
		.error_message = e->halt_reason != NULL ? halted_text(e) : e->error_message,
		.away = e->away && e->halt_reason == NULL,
		.counts = sync_counts_of(e) };
	if (!db_begin(db, err) || !db_end(db, close_in(e, out, &batch, err), err))
		return false;
	if (batch != NULL)
		notify_push(e->call, batch);
	measure(e, out);
	cache_results(e, out);
	return true;
}
