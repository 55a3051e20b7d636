/* The report of a run, kept in its row from page to page: that is also where a run goes on. */
#include <cjson/cJSON.h>
#include <string.h>

#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "service/integrations/sync_internal.h"
#include "service/services.h"

#include "core/banned.h"

#define ERRORS_MAX (256UL << 10) /* bytes of a run's errors */

static const char *const state_names[] = {
#define STATE(id, word) [SECTION_##id] = word,
	SYNC_SECTION_STATES(STATE)
#undef STATE
};

/* Names of the report, in the order of struct sync_counts. */
static const struct count_name {
	const char *name;
	size_t offset;
} count_names[] = {
	{ "seen", offsetof(struct sync_counts, seen) },
	{ "created", offsetof(struct sync_counts, created) },
	{ "updated", offsetof(struct sync_counts, updated) },
	{ "unchanged", offsetof(struct sync_counts, unchanged) },
	{ "moved", offsetof(struct sync_counts, moved) },
	{ "missing", offsetof(struct sync_counts, missing) },
	{ "deleted", offsetof(struct sync_counts, deleted) },
	{ "restored", offsetof(struct sync_counts, restored) },
	{ "errors", offsetof(struct sync_counts, errors) },
};
#define COUNTS (sizeof(count_names) / sizeof(count_names[0]))

static int64_t *
count_at(struct sync_counts *counts, size_t i)
{
	return (int64_t *)((char *)counts + count_names[i].offset);
}

void
sync_counts_put(struct json *j, const char *name, const struct sync_counts *counts)
{
	struct sync_counts copy = *counts;

	json_object(j, name);
	for (size_t i = 0; i < COUNTS; i++)
		json_put_int(j, count_names[i].name, *count_at(&copy, i));
	json_object_end(j);
}

static void
counts_read(const struct cJSON *object, struct sync_counts *counts)
{
	for (size_t i = 0; i < COUNTS; i++)
		*count_at(counts, i) = json_int(object, count_names[i].name, 0);
}

/* Of what was seen, all that nothing else is said about. */
static struct sync_counts
with_unchanged(const struct sync_section *section)
{
	struct sync_counts c = section->counts;

	c.unchanged =
	    c.seen - c.created - c.updated - c.moved - c.restored - c.errors - section->waiting;
	if (c.unchanged < 0)
		c.unchanged = 0;
	return c;
}

struct sync_counts
sync_counts_of(const struct sync_engine *e)
{
	struct sync_counts sum = { 0 };

	for (size_t i = 0; i < e->nsections; i++) {
		struct sync_counts one = with_unchanged(&e->sections[i]);

		for (size_t k = 0; k < COUNTS; k++)
			*count_at(&sum, k) += *count_at(&one, k);
	}
	return sum;
}

void
sync_error(struct sync_engine *e, const char *json)
{
	if (e->nerrors++ >= SYNC_ERRORS_KEPT)
		return;
	if (e->errors.len > 0)
		buf_addc(&e->errors, ',');
	buf_adds(&e->errors, json);
}

const char *
sync_sections_json(const struct sync_engine *e, struct arena *arena)
{
	struct json *j = json_new(arena, 0);

	json_array(j, NULL);
	for (size_t i = 0; i < e->nsections; i++) {
		const struct sync_section *s = &e->sections[i];
		const struct sync_counts counts = with_unchanged(s);

		json_object(j, NULL);
		json_put_str(j, "key", s->row.key);
		json_put_str(j, "title", s->row.title);
		json_put_str(j, "type", s->row.type);
		json_put_str(j, "status", state_names[s->state]);
		sync_counts_put(j, "counts", &counts);
		json_object_end(j);
	}
	json_array_end(j);
	return j->buf.data;
}

static const char *
state_json(const struct sync_engine *e, struct arena *arena)
{
	const struct sync_cursor *c = &e->cursor;
	const struct sync_section *s = c->section < e->nsections ? &e->sections[c->section] : NULL;
	struct json *j = json_new(arena, 0);

	json_object(j, NULL);
	if (s != NULL) {
		json_put_str(j, "section", s->row.key);
		json_put_int(j, "kind", (int64_t)c->kind);
		json_put_int(j, "start", c->start);
		json_put_int(j, "total", c->total);
		json_put_str(j, "last", c->last);
		json_put_int(j, "seenBefore", c->seen_before);
		json_put_int(j, "trashBefore", c->trash_before);
		json_put_int(j, "tries", c->tries);
		json_put_bool(j, "lenient", c->lenient);
	}
	json_array(j, "sections");
	for (size_t i = 0; i < e->nsections; i++) {
		json_object(j, NULL);
		json_put_str(j, "key", e->sections[i].row.key);
		json_put_int(j, "inTrash", e->sections[i].in_trash);
		json_put_bool(j, "doubted", e->sections[i].doubted);
		json_object_end(j);
	}
	json_array_end(j);
	json_put_int(j, "pageSize", e->page_size);
	json_put_int(j, "nerrors", e->nerrors);
	json_put_bool(j, "rekeyed", e->rekey);
	json_object_end(j);
	return j->buf.data;
}

static const char *
counts_json(const struct sync_engine *e, struct arena *arena)
{
	const struct sync_counts counts = sync_counts_of(e);
	struct json *j = json_new(arena, 0);

	sync_counts_put(j, NULL, &counts);
	return j->buf.data;
}

bool
sync_save(const struct call *call, struct sync_engine *e, struct error *err)
{
	const struct sync_progress progress = { .phase = e->phase,
		.counts = counts_json(e, call->arena),
		.sections = sync_sections_json(e, call->arena),
		.errors =
		    arena_printf(call->arena, "[%s]", e->errors.len > 0 ? e->errors.data : ""),
		.state = state_json(e, call->arena) };

	return store_sync_save(call->svc->db, call->arena, &e->hold, &progress, err);
}

bool
sync_phase(struct sync_engine *e, const char *phase, struct error *err)
{
	e->phase = phase;
	return store_sync_phase(e->call->svc->db, e->call->arena, &e->hold, phase, err);
}

/* --- going on -------------------------------------------------------------------------------- */

static struct sync_section *
section_of(struct sync_engine *e, const char *key)
{
	for (size_t i = 0; i < e->nsections; i++)
		if (str_eq(e->sections[i].row.key, key))
			return &e->sections[i];
	return NULL;
}

static const struct cJSON *
parsed(struct arena *arena, const char *text)
{
	struct error ignored;

	return json_parse(arena, text, strlen(text), &ignored);
}

static void
load_sections(struct sync_engine *e, const struct sync_run *run)
{
	const struct cJSON *one, *list = parsed(e->call->arena, run->sections);

	cJSON_ArrayForEach (one, list) {
		struct sync_section *section = section_of(e, json_str(one, "key", ""));
		const char *state = json_str(one, "status", "");

		if (section == NULL || section->state == SECTION_EXCLUDED)
			continue;
		counts_read(json_get(one, "counts"), &section->counts);
		for (size_t i = 0; i < sizeof(state_names) / sizeof(state_names[0]); i++)
			if (str_eq(state, state_names[i]))
				section->state = (enum sync_section_state)i;
	}
}

static void
load_errors(struct sync_engine *e, const struct sync_run *run, const struct cJSON *state)
{
	size_t len = strlen(run->errors);

	if (len > 2)
		buf_add(&e->errors, run->errors + 1, len - 2);
	e->nerrors = json_int(state, "nerrors", 0);
}

bool
sync_was_rekeyed(struct arena *arena, const struct sync_run *run)
{
	return json_bool(parsed(arena, run->state), "rekeyed", false);
}

void
sync_load(struct sync_engine *e, const struct sync_run *run)
{
	const struct cJSON *state = parsed(e->call->arena, run->state);
	const struct cJSON *one;
	struct sync_section *now = section_of(e, json_str(state, "section", ""));
	struct sync_cursor *c = &e->cursor;

	load_sections(e, run);
	load_errors(e, run, state);
	cJSON_ArrayForEach (one, json_get(state, "sections")) {
		struct sync_section *section = section_of(e, json_str(one, "key", ""));

		if (section == NULL)
			continue;
		section->in_trash = json_int(one, "inTrash", 0);
		section->doubted = json_bool(one, "doubted", false);
	}
	e->page_size = json_int(state, "pageSize", SYNC_PAGE_FIRST);
	if (now == NULL || now->state != SECTION_RUNNING)
		return;
	*c = (struct sync_cursor) {
		.section = (size_t)(now - e->sections),
		.kind = (size_t)json_int(state, "kind", 0),
		.start = json_int(state, "start", 0),
		.total = json_int(state, "total", -1),
		.seen_before = json_int(state, "seenBefore", 0),
		.trash_before = json_int(state, "trashBefore", 0),
		.tries = (int)json_int(state, "tries", 0),
		.lenient = json_bool(state, "lenient", false),
	};
	str_copy(c->last, sizeof(c->last), json_str(state, "last", ""));
}

/* --- what the server did not say ------------------------------------------------------------- */

/* Further questions would end in the same way. */
static bool
ends_all(const char *slug)
{
	static const char *const slugs[] = { "upstream_unreachable", "upstream_suspended",
		"upstream_tls", "refused_address", "server_unauthorized", "server_changed", NULL };

	for (size_t i = 0; slugs[i] != NULL; i++)
		if (str_eq(slug, slugs[i]))
			return true;
	return false;
}

void
sync_gave_up(struct sync_engine *e, const struct error *why)
{
	const char *slug = error_slug_of(why);

	e->over = e->over || ends_all(slug);
	e->away = e->away || why->code == ERR_UNAVAILABLE;
	if (e->error_code != NULL)
		return;
	e->error_code = slug;
	e->error_message = arena_strdup(e->call->arena, why->message);
}
