/* The server of the model: sync_model.h. */
#include "t/tools/sync_model.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "core/banned.h"

uint64_t model_state;
bool model_trace;

unsigned
model_below(unsigned n)
{
	model_state ^= model_state << 13;
	model_state ^= model_state >> 7;
	model_state ^= model_state << 17;
	return (unsigned)(model_state >> 20) % n;
}

bool
model_chance(unsigned percent)
{
	return model_below(100) < percent;
}

/* --- the server ---------------------------------------------------------------------------- */

struct thing model_things[THINGS_MAX];
unsigned model_nthings, model_next_key, model_next_guid;

const char *const model_fault_names[FAULTS] = { "none", "away", "once", "total", "unsorted",
	"empty", "ends", "no count", "no list", "changes", "stops", "dies" };
enum fault model_fault;
unsigned model_questions, model_fault_at, model_page_cap;
volatile sig_atomic_t model_stop;
bool model_doubt;

static bool
responds(struct error *err)
{
	model_questions++;
	if (model_fault == FAULT_STOPS && model_questions == model_fault_at)
		model_stop = 1;
	if (model_fault == FAULT_CHANGES && model_questions >= model_fault_at && model_chance(50))
		model_mutate(true);
	if ((model_fault == FAULT_AWAY && model_questions >= model_fault_at) ||
	    (model_fault == FAULT_ONCE && model_questions == model_fault_at)) {
		error_slug(err, ERR_UNAVAILABLE,
		    model_fault == FAULT_AWAY ? "upstream_unreachable" : "server_failed",
		    "No response.");
		return false;
	}
	return true;
}

static enum answer_kind
model_identity(struct arena *arena, const struct media_server *server, struct server_identity *who,
    struct error *err)
{
	if (!responds(err))
		return ANSWER_UNKNOWN;
	*who = (struct server_identity) {
		.machine_id = server->client_id, .name = "Model", .version = "1"
	};
	return ANSWER_PRESENT;
}

static enum answer_kind
model_sections(struct arena *arena, const struct media_server *server,
    struct server_section **sections, size_t *n, struct error *err)
{
	if (!responds(err))
		return ANSWER_UNKNOWN;
	*sections = arena_array(arena, SECTIONS, sizeof(**sections));
	for (size_t i = *n = 0; i < SECTIONS; i++)
		if (model_fault != FAULT_NO_LIST || i != model_fault_at % SECTIONS)
			(*sections)[(*n)++] =
			    (struct server_section) { arena_printf(arena, "%zu", i + 1),
				    "A library", "movie", "agent" };
	return ANSWER_PRESENT;
}

static int
by_key(const void *a, const void *b)
{
	const struct thing *left = *(struct thing *const *)a, *right = *(struct thing *const *)b;

	return left->key < right->key ? -1 : left->key > right->key;
}

static unsigned
listing(unsigned section, struct thing **list)
{
	unsigned n = 0;

	for (unsigned i = 0; i < model_nthings; i++)
		if (model_things[i].there && model_things[i].section == section)
			list[n++] = &model_things[i];
	qsort(list, n, sizeof(*list), by_key);
	return n;
}

static void
fill(struct arena *arena, const struct thing *thing, struct server_item *item)
{
	*item = (struct server_item) {
		.key = arena_printf(arena, "%u", thing->key),
		.guid = arena_printf(arena, "plex://movie/%u", thing->guid),
		.kind = "movie",
		.title = arena_printf(arena, "Thing %u.%u", thing->guid, thing->version),
		.index = -1,
		.parent_index = -1,
		.added_at = 1600000000 + thing->guid,
		.deleted_at = thing->trashed ? 1700000000 : 0,
	};
}

static void
hand_out(struct arena *arena, const struct server_page *page, const struct thing *thing)
{
	struct server_item item;

	fill(arena, thing, &item);
	model_doubt = model_doubt || thing->nameless;
	if (thing->broken)
		page->each(page->context, NULL, thing->nameless ? NULL : item.key, "it is broken");
	else
		page->each(page->context, &item, item.key, NULL);
}

static enum answer_kind
model_items(struct arena *arena, const struct media_server *server, const struct server_page *page,
    struct server_count *count, struct error *err)
{
	struct thing *list[THINGS_MAX];
	unsigned n, given = 0,
		    size = page->size < model_page_cap ? (unsigned)page->size : model_page_cap;

	if (!responds(err))
		return ANSWER_UNKNOWN;
	n = listing((unsigned)(page->section[0] - '1'), list);
	if (model_fault == FAULT_EMPTY)
		n = 0;
	if (model_fault == FAULT_ENDS && model_questions >= model_fault_at)
		size = size > 1 ? 1 : size;
	for (unsigned i = (unsigned)page->start; i < n && given < size; i++, given++)
		hand_out(arena, page,
		    list[model_fault == FAULT_UNSORTED && i + model_questions % 3 < n ? n - 1 - i :
											i]);
	*count = (struct server_count) { .total = model_fault == FAULT_NO_COUNT ? -1 : (int64_t)n,
		.given = given };
	if (model_fault == FAULT_TOTAL && model_questions >= model_fault_at)
		count->total += (int64_t)(model_fault_at % 5) - 2;
	return ANSWER_PRESENT;
}

static enum answer_kind
model_item(struct arena *arena, const struct media_server *server, const char *key,
    struct server_item *item, struct error *err)
{
	if (!responds(err))
		return ANSWER_UNKNOWN;
	for (unsigned i = 0; i < model_nthings; i++)
		if (model_things[i].there &&
		    str_eq(arena_printf(arena, "%u", model_things[i].key), key)) {
			fill(arena, &model_things[i], item);
			return ANSWER_PRESENT;
		}
	return ANSWER_ABSENT;
}

static enum answer_kind
model_playing(struct arena *arena, const struct media_server *server, int64_t *n, struct error *err)
{
	*n = 0;
	return ANSWER_PRESENT;
}

static const char *const *
model_kinds_of(const char *type)
{
	static const char *const movie[] = { "movie", NULL };

	return movie;
}

const struct media_server_kind model_kind = {
	.name = "plex",
	.check = model_identity,
	.authenticate = model_identity,
	.sections = model_sections,
	.items = model_items,
	.item = model_item,
	.playing = model_playing,
	.kinds_of = model_kinds_of,
};

/* --- what happens to the library ----------------------------------------------------------- */

void
model_appear(unsigned key)
{
	if (model_nthings == THINGS_MAX)
		return;
	model_things[model_nthings++] = (struct thing) { .key = key,
		/* now and then a second edition of something */
		.guid = model_chance(8) && model_next_guid > 0 ? model_below(model_next_guid) :
								 model_next_guid++,
		.section = model_below(SECTIONS),
		.there = true };
}

static void
change_one(struct thing *thing, bool within)
{
	unsigned key = thing->key;

	switch (model_below(8)) {
	case 0:
	case 1:
		thing->there = !thing->there;
		if (thing->there && model_chance(50))
			thing->key = model_next_key++;
		break;
	case 2: thing->version++; break;
	case 3:
		if (thing->there)
			thing->key = model_next_key++;
		break;
	case 4: thing->trashed = !thing->trashed; break;
	case 5: /* gives its key to another item */
		if (!thing->there)
			break;
		thing->there = false;
		model_appear(key);
		break;
	case 6:
		thing->broken = !thing->broken;
		thing->nameless = thing->broken && model_chance(40);
		break;
	default:
		if (thing->there && !within)
			thing->section = model_below(SECTIONS);
		break;
	}
	/* Its key may belong to another one by now. */
	for (unsigned i = 0; i < model_nthings && thing->there; i++)
		if (&model_things[i] != thing && model_things[i].there &&
		    model_things[i].key == thing->key)
			thing->key = model_next_key++;
}

bool
model_is_there(const struct thing *thing)
{
	return thing->there && !thing->trashed;
}

bool
model_may_be_there(const struct thing *thing)
{
	return thing->there && (!thing->trashed || thing->broken);
}

void
model_mutate(bool within)
{
	unsigned n = within ? 1 : model_below(4);

	if (model_trace)
		printf("#   %u changes%s\n", n, within ? " meanwhile" : "");
	while (n-- > 0) {
		struct thing *thing = &model_things[model_below(model_nthings)];
		unsigned key = thing->key;

		if (model_chance(25)) {
			model_appear(model_next_key++);
			continue;
		}
		change_one(thing, within);
		if (within && (!model_is_there(thing) || thing->key != key || thing->broken))
			thing->all_the_time = false;
	}
	for (unsigned i = 0; i < model_nthings; i++)
		if (model_may_be_there(&model_things[i]))
			model_things[i].never = false;
}
