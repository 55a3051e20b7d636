/* Changes of collections: people are locked first, then the collection, then items. */
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/id.h"
#include "core/json.h"
#include "core/str.h"
#include "service/audit.h"
#include "service/call.h"
#include "service/catalogue/collections.h"
#include "service/gate/cache.h"
#include "service/notify/notify.h"
#include "service/notify/notify_share.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_collections.h"
#include "store/store_people.h"

#include "core/banned.h"

/* Who saw it before and who sees it afterwards. */
struct audience {
	struct strings before, after;
};

static bool
holds(struct strings list, const char *id)
{
	for (size_t i = 0; i < list.n; i++)
		if (str_ieq(list.items[i], id))
			return true;
	return false;
}

static void
tell(const struct call *call, const char *type, const char *id, struct strings people)
{
	struct json *data = json_new(call->arena, 0);

	json_object(data, NULL);
	json_put_str(data, "collectionId", id);
	json_object_end(data);
	if (people.n > 0)
		notify_event(call, people.items, people.n, type, data->buf.data);
}

/* After the commit, to the pages of these people. */
static void
announce(const struct call *call, const char *id, const struct audience *a)
{
	const char **gone = arena_array(call->arena, a->before.n + 1, sizeof(*gone));
	size_t n = 0;

	for (size_t i = 0; i < a->before.n; i++)
		if (!holds(a->after, a->before.items[i]))
			gone[n++] = a->before.items[i];
	tell(call, "collection.updated", id, a->after);
	tell(call, "collection.deleted", id, (struct strings) { gone, n });
}

static bool
audience_of(const struct call *call, const char *id, struct strings *people, struct error *err)
{
	return store_collection_audience(call->svc->db, call->arena, id, people, err);
}

/* At the end of a change: those who saw it or see it find other things from now on. */
static bool
settle(const struct call *call, const char *id, struct audience *a, struct error *err)
{
	if (!audience_of(call, id, &a->after, err))
		return false;
	for (size_t i = 0; i < a->before.n; i++)
		if (!cache_change(call, a->before.items[i], err))
			return false;
	for (size_t i = 0; i < a->after.n; i++)
		if (!holds(a->before, a->after.items[i]) &&
		    !cache_change(call, a->after.items[i], err))
			return false;
	return true;
}

/* Those who see it now and did not before hear of it, after settle(). */
static bool
tell_new(const struct call *call, const char *id, const struct audience *a, struct error *err)
{
	const char **fresh = arena_array(call->arena, a->after.n + 1, sizeof(*fresh));
	size_t n = 0;

	for (size_t i = 0; i < a->after.n; i++)
		if (!holds(a->before, a->after.items[i]))
			fresh[n++] = a->after.items[i];
	return notify_album_shared(call, id, (struct strings) { fresh, n }, err);
}

/* The others hear of what was put in. */
static bool
tell_filled(const struct call *call, const char *id, const struct collection_step *s,
    const struct audience *a, struct error *err)
{
	return a->after.n < 2 || notify_album_filled(call, id, s->fresh, err);
}

static bool
lock(const struct call *call, const char *id, struct collection *c, struct error *err)
{
	return store_collection_lock(call->svc->db, call->arena, call->by.who->user_id, id, c, err);
}

static bool
owned(const struct collection *c, struct error *err)
{
	return str_eq(c->may, COLLECTION_OWN) ||
	    error_set(err, ERR_FORBIDDEN, "Only the owner of this collection can do that.");
}

/* "2024-07-01", of the calendar. */
static bool
is_day(const char *text)
{
	static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int64_t year, month, day;
	char part[5];

	if (strlen(text) != 10 || text[4] != '-' || text[7] != '-')
		return false;
	str_copy(part, 5, text);
	if (!str_to_int(part, 1, 9999, &year))
		return false;
	str_copy(part, 3, text + 5);
	if (!str_to_int(part, 1, 12, &month))
		return false;
	str_copy(part, 3, text + 8);
	return str_to_int(part, 1, days[month - 1], &day) &&
	    (month != 2 || day < 29 || (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)));
}

static bool
day_fits(const char *field, const char *text, struct error *err)
{
	return text == NULL || is_day(text) ||
	    error_field(err, field, "format", "must be a day such as 2024-07-01");
}

static bool
rule_fits(const char *kind, const struct collection_rule *rule, struct error *err)
{
	if (!str_eq(kind, COLLECTION_RULE))
		return rule == NULL ||
		    error_field(err, "rule", "choice", "must not be given for an album");
	if (!day_fits("rule.takenFrom", rule->from, err) ||
	    !day_fits("rule.takenTo", rule->to, err))
		return false;
	if (rule->from != NULL && rule->to != NULL && strcmp(rule->from, rule->to) > 0)
		return error_field(err, "rule.takenTo", "min", "must not be before takenFrom");
	return rule->tags.n > 0 || rule->people.n > 0 || rule->kinds.n > 0 || rule->from != NULL ||
	    rule->to != NULL || rule->favorite ||
	    error_field(err, "rule", "required", "must have a condition");
}

/* Each person once, and not the owner. */
static void
settle_people(struct arena *arena, const char *owner_id, const struct collection_wish *w,
    struct strings *people, struct strings *may)
{
	const char **ids = arena_array(arena, w->people.n + 1, sizeof(*ids));
	const char **mays = arena_array(arena, w->people.n + 1, sizeof(*mays));
	size_t n = 0;

	for (size_t i = 0; i < w->people.n; i++) {
		if (str_ieq(w->people.items[i], owner_id) ||
		    holds((struct strings) { ids, n }, w->people.items[i]))
			continue;
		ids[n] = w->people.items[i];
		mays[n++] = w->may.items[i];
	}
	*people = (struct strings) { ids, n };
	*may = (struct strings) { mays, n };
}

static bool
keep_people(const struct call *call, const struct collection_wish *w, struct error *err)
{
	struct strings people, may;
	bool all;

	if (!store_person_keep(call->svc->db, call->arena, call->by.who->user_id, err))
		return false;
	if (!w->set_people)
		return true;
	settle_people(call->arena, call->by.who->user_id, w, &people, &may);
	return store_collection_people_keep(call->svc->db, call->arena, people, &all, err) &&
	    (all || error_field(err, "shared", "unknown", "must name active people only"));
}

static bool
note(const struct call *call, const char *action, const char *id, const char *title, int64_t people,
    struct error *err)
{
	struct audit_event event = {
		.action = action, .target_type = "collection", .target_id = id
	};
	struct json *detail = json_new(call->arena, 0);

	json_object(detail, NULL);
	json_put_str(detail, "title", title);
	if (people >= 0)
		json_put_int(detail, "people", people);
	json_object_end(detail);
	event.detail = detail->buf.data;
	return audit_add(call, &event, err);
}

static bool
share(const struct call *call, const struct collection *c, const struct collection_wish *w,
    struct error *err)
{
	struct strings people, may;

	if (!w->set_people)
		return true;
	settle_people(call->arena, c->owner_id, w, &people, &may);
	return store_collection_people_set(call->svc->db, call->arena, c->id, people, may, err) &&
	    note(call, "collection.shared", c->id, w->title != NULL ? w->title : c->title,
		(int64_t)people.n, err);
}

/* Each item once, in the order of the list. */
static bool
put_in(const struct call *call, const struct collection *c, struct collection_step *s,
    struct error *err)
{
	struct store_collection_items items = { .id = c->id, .user_id = call->by.who->user_id };
	const struct strings ids = s->add;
	const char **kept = arena_array(call->arena, ids.n + 1, sizeof(*kept));
	const char **gives = arena_array(call->arena, ids.n + 1, sizeof(*gives));
	struct strings found, may;
	struct media_reader reader;
	size_t n = 0;
	int64_t count;

	s->added = 0;
	s->fresh.n = 0;
	if (ids.n == 0)
		return true;
	media_reader_of(call->by.who, &reader);
	if (!store_collection_addable(call->svc->db, call->arena, &reader, ids, &found, &may, err))
		return false;
	s->found = found;
	for (size_t i = 0; i < ids.n; i++) {
		if (!s->some && !holds(found, ids.items[i]))
			return error_field(err, "add", "unknown", "must name items you can see");
		if (!holds(found, ids.items[i]) ||
		    holds((struct strings) { kept, n }, ids.items[i]))
			continue;
		for (size_t k = 0; k < found.n; k++)
			if (str_ieq(found.items[k], ids.items[i]))
				gives[n] = may.items[k];
		kept[n++] = ids.items[i];
	}
	items.items = (struct strings) { kept, n };
	items.gives = (struct strings) { gives, n };
	if (!store_collection_items_add(call->svc->db, call->arena, &items, &s->added, &s->fresh,
		err) ||
	    !store_collection_items_count(call->svc->db, call->arena, c->id, &count, err))
		return false;
	return count <= COLLECTION_ITEMS_MAX ||
	    error_slug(err, ERR_CONFLICT, "collection_full", "An album holds up to %d items.",
		COLLECTION_ITEMS_MAX);
}

/* In the transaction, with the person locked. */
static bool
add_collection(const struct call *call, const struct collection_wish *w, const char *id,
    struct error *err)
{
	static const struct collection_rule nothing;
	const struct collection c = { .id = id,
		.owner_id = call->by.who->user_id,
		.kind = w->kind,
		.title = w->title,
		.sort = w->sort,
		.rule = w->rule != NULL ? *w->rule : nothing };
	int64_t n;

	if (!store_collection_own_count(call->svc->db, call->arena, c.owner_id, &n, err))
		return false;
	if (n >= COLLECTION_OWN_MAX)
		return error_slug(err, ERR_CONFLICT, "too_many_collections",
		    "You have %d collections. Delete one first.", COLLECTION_OWN_MAX);
	return store_collection_add(call->svc->db, call->arena, &c, err) && share(call, &c, w, err);
}

static bool
create_in(const struct call *call, const struct collection_wish *w, const char *id,
    struct audience *a, struct error *err)
{
	struct collection_step first = { .add = w->items };
	const struct collection c = { .id = id };

	return keep_people(call, w, err) && add_collection(call, w, id, err) &&
	    put_in(call, &c, &first, err) && settle(call, id, a, err) && tell_new(call, id, a, err);
}

/* Of two that make it at once, the second waits for the first and finds its album. */
static bool
folder_in(const struct call *call, const struct collection_wish *w, const char *id, bool *made,
    struct audience *a, struct error *err)
{
	struct collection_step step = { .add = w->items, .some = true };
	struct collection c;

	if (!keep_people(call, w, err))
		return false;
	*made = !lock(call, id, &c, err);
	if (*made &&
	    (err->code != ERR_NOT_FOUND || !add_collection(call, w, id, err) ||
		!lock(call, id, &c, err)))
		return false;
	if (!put_in(call, &c, &step, err))
		return false;
	if (*made && step.added == 0)
		return error_field(err, "items", "unknown", "must name items you can see");
	return (*made || step.added == 0 ||
		   store_collection_touch(call->svc->db, call->arena, id, err)) &&
	    settle(call, id, a, err) && tell_filled(call, id, &step, a, err);
}

static bool
wish_fits(const struct collection_wish *w, struct error *err)
{
	if (str_eq(w->kind, COLLECTION_RULE) && w->rule == NULL)
		return error_field(err, "rule", "required", "must be given for a rule");
	if (str_eq(w->kind, COLLECTION_RULE) && w->items.n > 0)
		return error_field(err, "items", "choice", "must not be given for a rule");
	if (w->folder != NULL && (str_eq(w->kind, COLLECTION_RULE) || w->set_people))
		return error_field(err, "folder", "choice",
		    "must be given only for an album that is not shared yet");
	if (w->folder != NULL && w->folder[strspn(w->folder, "/")] == '\0')
		return error_field(err, "folder", "format", "must name a folder");
	return rule_fits(w->kind, w->rule, err);
}

bool
collection_create(const struct call *call, const struct collection_wish *w, struct collection *out,
    bool *made, struct error *err)
{
	struct audience a = { .before = { NULL, 0 } };
	char fresh[UUID_TEXT];
	const char *id = fresh;

	*made = true;
	uuid_v7(fresh);
	if (!wish_fits(w, err) ||
	    (w->folder != NULL &&
		!store_collection_of_folder(call->svc->db, call->arena, call->by.who->user_id,
		    w->folder, &id, err)))
		return false;
	if (!db_begin(call->svc->db, err) ||
	    !db_end(call->svc->db,
		w->folder != NULL ? folder_in(call, w, id, made, &a, err) :
				    create_in(call, w, id, &a, err),
		err))
		return false;
	announce(call, id, &a);
	return collection_get(call, id, out, err);
}

/* A cover is an item of the collection that the owner sees there. */
static bool
cover_fits(const struct call *call, const struct collection_wish *w, struct error *err)
{
	struct media media;

	if (!w->set_cover || w->cover_id == NULL || media_get(call, w->cover_id, &media, err))
		return true;
	return err->code == ERR_NOT_FOUND ?
	    error_field(err, "coverId", "unknown", "must be an item you can see") :
	    false;
}

static bool
change_in(const struct call *call, const char *id, int64_t version, const struct collection_wish *w,
    struct audience *a, struct error *err)
{
	const struct store_collection_change change = { w->title, w->sort, w->set_cover,
		w->cover_id, w->rule };
	struct collection c;

	if (!keep_people(call, w, err) || !lock(call, id, &c, err) || !owned(&c, err))
		return false;
	if (version != 0 && version != c.version)
		return error_set(err, ERR_PRECONDITION,
		    "This collection has changed since you loaded it. Reload it and try again.");
	return (w->rule == NULL || rule_fits(c.kind, w->rule, err)) && cover_fits(call, w, err) &&
	    audience_of(call, id, &a->before, err) &&
	    store_collection_change(call->svc->db, call->arena, id, &change, err) &&
	    share(call, &c, w, err) && settle(call, id, a, err) && tell_new(call, id, a, err);
}

bool
collection_change(const struct call *call, const char *id, int64_t version,
    const struct collection_wish *w, struct collection *out, struct error *err)
{
	struct audience a;

	if (!db_begin(call->svc->db, err) ||
	    !db_end(call->svc->db, change_in(call, id, version, w, &a, err), err))
		return false;
	announce(call, id, &a);
	return collection_get(call, id, out, err);
}

/* The list of people without the caller. */
static bool
step_out(const struct call *call, const struct collection *c, struct error *err)
{
	struct collection all;
	struct media_reader reader = { .user_id = c->owner_id };
	const char **ids, **may;
	size_t n = 0;

	if (!store_collection_get(call->svc->db, call->arena, &reader, c->id, &all, err))
		return false;
	ids = arena_array(call->arena, all.npeople + 1, sizeof(*ids));
	may = arena_array(call->arena, all.npeople + 1, sizeof(*may));
	for (size_t i = 0; i < all.npeople; i++) {
		if (str_eq(all.people[i].user_id, call->by.who->user_id))
			continue;
		ids[n] = all.people[i].user_id;
		may[n++] = all.people[i].may;
	}
	return store_collection_people_set(call->svc->db, call->arena, c->id,
		   (struct strings) { ids, n }, (struct strings) { may, n }, err) &&
	    store_collection_touch(call->svc->db, call->arena, c->id, err);
}

static bool
leave_in(const struct call *call, const char *id, struct audience *a, struct error *err)
{
	struct collection c;

	if (!store_person_keep(call->svc->db, call->arena, call->by.who->user_id, err) ||
	    !lock(call, id, &c, err) || !audience_of(call, id, &a->before, err))
		return false;
	return (str_eq(c.may, COLLECTION_OWN) ?
		       store_collection_delete(call->svc->db, call->arena, id, err) &&
			   note(call, "collection.deleted", id, c.title, -1, err) :
		       step_out(call, &c, err)) &&
	    settle(call, id, a, err);
}

bool
collection_leave(const struct call *call, const char *id, struct error *err)
{
	struct audience a;

	if (!db_begin(call->svc->db, err) ||
	    !db_end(call->svc->db, leave_in(call, id, &a, err), err))
		return false;
	announce(call, id, &a);
	return true;
}

static bool
step_allowed(const struct collection *c, const struct collection_step *s, struct error *err)
{
	if (str_eq(c->kind, COLLECTION_RULE))
		return error_slug(err, ERR_CONFLICT, "rule_collection",
		    "This collection holds what matches its rule. Change the rule instead.");
	if (str_eq(c->may, "view") && (s->add.n > 0 || s->order.n > 0))
		return error_set(err, ERR_FORBIDDEN,
		    "You can view this album, but you can't add to it.");
	return s->before == NULL || !holds(s->order, s->before) ||
	    error_field(err, "before", "choice", "must not be one of the items that move");
}

static bool
step_in(const struct call *call, const char *id, struct collection_step *s, struct audience *a,
    struct error *err)
{
	struct store_collection_items gone = {
		.id = id, .user_id = call->by.who->user_id, .items = s->remove
	};
	struct db *db = call->svc->db;
	struct collection c;

	if (!store_person_keep(db, call->arena, call->by.who->user_id, err) ||
	    !lock(call, id, &c, err) || !step_allowed(&c, s, err))
		return false;
	return put_in(call, &c, s, err) &&
	    store_collection_items_remove(db, call->arena, &gone, str_eq(c.may, COLLECTION_OWN),
		&s->removed, err) &&
	    (s->order.n == 0 ||
		store_collection_items_order(db, call->arena, id, s->order, s->before, err)) &&
	    store_collection_touch(db, call->arena, id, err) && settle(call, id, a, err) &&
	    tell_filled(call, id, s, a, err);
}

bool
collection_step(const struct call *call, const char *id, struct collection_step *s,
    struct collection *out, struct error *err)
{
	struct audience a = { .before = { NULL, 0 } };

	if (!db_begin(call->svc->db, err) ||
	    !db_end(call->svc->db, step_in(call, id, s, &a, err), err))
		return false;
	announce(call, id, &a);
	return collection_get(call, id, out, err);
}
