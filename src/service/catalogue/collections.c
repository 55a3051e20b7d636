#include "service/catalogue/collections.h"

#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/id.h"
#include "service/call.h"
#include "service/gate/cache.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_collections.h"
#include "store/store_people.h"

#include "core/banned.h"

bool
collections_list(const struct call *call, const struct collections_ask *ask,
    struct collection **items, struct page *page, struct error *err)
{
	struct store_collections_ask wanted = {
		.scope = ask->scope, .media_id = ask->media_id, .limit = ask->list.limit + 1
	};
	struct media_reader reader;
	struct list_position before;
	size_t n;

	media_reader_of(call->by.who, &reader);
	if (!list_after(call->arena, LIST_COLLECTIONS, ask->list.cursor, &before, err))
		return false;
	wanted.reader = &reader;
	wanted.before = before.number;
	wanted.before_id = before.id;
	if (!store_collection_list(call->svc->db, call->arena, &wanted, items, &n, err))
		return false;
	if (list_cut(page, n, ask->list.limit)) {
		const struct collection *last = &(*items)[page->n - 1];

		before = (struct list_position) { .id = last->id, .number = last->created_at };
		page->next = list_cursor(call->arena, LIST_COLLECTIONS, &before);
	}
	return true;
}

bool
collection_get(const struct call *call, const char *id, struct collection *c, struct error *err)
{
	struct media_reader reader;

	media_reader_of(call->by.who, &reader);
	return store_collection_get(call->svc->db, call->arena, &reader, id, c, err);
}

bool
collection_items(const struct call *call, const char *id, const struct list_ask *ask,
    struct media **items, struct page *page, struct error *err)
{
	struct media_ask wanted = { .list = *ask, .filter = { .collection = id } };
	struct collection c;

	if (!collection_get(call, id, &c, err) || !media_sort_parse(c.sort, &wanted.sort))
		return false;
	return media_list(call, &wanted, items, page, err);
}

bool
sharers_list(const struct call *call, const char *q, const struct list_ask *ask,
    struct sharer **items, struct page *page, struct error *err)
{
	struct store_sharers_ask wanted = {
		.user_id = call->by.who->user_id, .q = q, .limit = ask->limit + 1
	};
	struct list_position after;
	size_t n;

	if (!list_after(call->arena, LIST_SHARERS, ask->cursor, &after, err))
		return false;
	wanted.after_key = after.text;
	wanted.after_id = after.id;
	if (!store_sharers(call->svc->db, call->arena, &wanted, items, &n, err))
		return false;
	if (list_cut(page, n, ask->limit)) {
		const struct sharer *last = &(*items)[page->n - 1];

		after = (struct list_position) { .id = last->id, .text = last->key };
		page->next = list_cursor(call->arena, LIST_SHARERS, &after);
	}
	return true;
}

static bool
marks_in(const struct call *call, const struct media_marks *m, struct strings *seen,
    struct error *err)
{
	const struct store_marks marks = { m->ids,
		m->mark == MEDIA_FAVORITE ? STORE_FAVORITE : STORE_ARCHIVED, m->on };
	struct media_reader reader;

	media_reader_of(call->by.who, &reader);
	return store_person_keep(call->svc->db, call->arena, reader.user_id, err) &&
	    store_marks_set(call->svc->db, call->arena, &reader, &marks, seen, err) &&
	    cache_change(call, reader.user_id, err);
}

bool
media_mark_many(const struct call *call, const struct media_marks *marks, struct strings *seen,
    struct error *err)
{
	const char *const me[] = { call->by.who->user_id };

	if (!db_begin(call->svc->db, err) ||
	    !db_end(call->svc->db, marks_in(call, marks, seen, err), err))
		return false;
	for (size_t i = 0; i < seen->n; i++)
		media_announce(call, "media.updated", seen->items[i], (struct strings) { me, 1 });
	return true;
}

bool
media_mark(const struct call *call, const char *id, enum media_mark mark, bool on,
    struct media *media, struct error *err)
{
	const struct media_marks one = { { &id, 1 }, mark, on };
	struct strings seen;

	if (!media_mark_many(call, &one, &seen, err))
		return false;
	return seen.n > 0 ? media_get(call, id, media, err) :
			    error_set(err, ERR_NOT_FOUND, "There is no such item.");
}
