/*
 * Changes of items: one frame for all of them, so that none forgets the lock, the permission, the
 * version or the events.
 */
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "service/call.h"
#include "service/gate/cache.h"
#include "service/catalogue/media.h"
#include "service/catalogue/media_trash.h"
#include "service/catalogue/media_turn.h"
#include "service/job.h"
#include "service/notify/notify.h"
#include "service/notify/notify_share.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_jobs.h"
#include "store/store_media.h"
#include "store/store_people.h"

#include "core/banned.h"

struct change {
	const struct call *call;
	const char *id;
	int64_t version; /* expected; 0 = any */
	const void *arg;
};

typedef bool change_fn(const struct change *, struct media *, struct error *);

struct change_kind {
	/* the item must be in the trash; permissions count as before it was moved there */
	bool from_trash;
	bool deleters;     /* media.delete is enough */
	bool names_caller; /* the item refers to the caller afterwards */
	const char *event;
	change_fn *apply;
};

void
media_announce(const struct call *call, const char *type, const char *id, struct strings scopes)
{
	const char **users = arena_array(call->arena, scopes.n + 1, sizeof(*users));
	struct json *data = json_new(call->arena, 0);
	bool house = false;
	size_t nusers = 0;

	for (size_t i = 0; i < scopes.n; i++) {
		cache_bump(call, scopes.items[i]);
		if (str_eq(scopes.items[i], "house"))
			house = true;
		else
			users[nusers++] = scopes.items[i];
	}
	json_object(data, NULL);
	json_put_str(data, "mediaId", id);
	json_object_end(data);
	if (house || nusers > 0)
		notify_event(call, users, house ? 0 : nusers, type, data->buf.data);
}

static bool
owns(const struct principal *who, const struct media *m)
{
	return str_eq(m->owner_id, who->user_id) || principal_may(who, PERM_MEDIA_MANAGE_ALL);
}

static bool
permitted(const struct change_kind *kind, const struct change *c, const struct media *m,
    struct error *err)
{
	if (owns(c->call->by.who, m) ||
	    (kind->deleters && principal_may(c->call->by.who, PERM_MEDIA_DELETE)))
		return true;
	return error_set(err, ERR_FORBIDDEN, "You can view this item, but you can't change it.");
}

static bool
version_matches(const struct change *c, const struct media *m, struct error *err)
{
	if (c->version == 0 || c->version == m->version)
		return true;
	return error_set(err, ERR_PRECONDITION,
	    "This item has changed since you loaded it. Reload it and try again.");
}

/*
 * Scopes before and after the change: a person who can no longer read the item must lose the cached
 * response too.
 */
struct scopes {
	struct strings before, after;
};

static bool
run_change(const struct change *c, const struct change_kind *kind, struct media *out,
    struct scopes *s, struct error *err)
{
	struct db *db = c->call->svc->db;
	struct media_reader reader;

	media_reader_of(c->call->by.who, &reader);
	/* People before items, as a deletion of a person locks them. */
	if (kind->names_caller && !store_person_keep(db, c->call->arena, reader.user_id, err))
		return false;
	if (!(kind->from_trash ?
		    store_media_get_trashed(db, c->call->arena, &reader, c->id, out, err) :
		    store_media_lock(db, c->call->arena, &reader, c->id, out, err)))
		return false;
	if (!permitted(kind, c, out, err) || !version_matches(c, out, err) ||
	    !store_media_scopes(db, c->call->arena, c->id, &s->before, err) ||
	    !kind->apply(c, out, err) ||
	    !store_media_scopes(db, c->call->arena, c->id, &s->after, err))
		return false;
	if (store_media_get(db, c->call->arena, &reader, c->id, out, err))
		return true;
	/* The item was purged, or the caller may no longer see it: *out keeps its last state. */
	return err->code == ERR_NOT_FOUND;
}

/* Adds each scope once. */
static struct strings
union_of(struct arena *arena, const struct scopes *s)
{
	const char **all = arena_array(arena, s->before.n + s->after.n, sizeof(*all));
	size_t n = 0;

	for (; n < s->before.n; n++)
		all[n] = s->before.items[n];
	for (size_t i = 0; i < s->after.n; i++) {
		bool known = false;

		for (size_t k = 0; k < s->before.n && !known; k++)
			known = strcmp(all[k], s->after.items[i]) == 0;
		if (!known)
			all[n++] = s->after.items[i];
	}
	return (struct strings) { all, n };
}

static bool
change(const struct change *c, const struct change_kind *kind, struct media *out, struct error *err)
{
	struct scopes s;

	if (!db_begin(c->call->svc->db, err) ||
	    !db_end(c->call->svc->db, run_change(c, kind, out, &s, err), err))
		return false;
	media_announce(c->call, kind->event, c->id, union_of(c->call->arena, &s));
	return true;
}

/* Names of the columns that a change sets. */
static struct strings
edited(struct arena *arena, unsigned set)
{
	static const struct {
		unsigned bit;
		const char *column;
	} columns[] = {
		{ MEDIA_SET_TITLE, "title" },
		{ MEDIA_SET_OVERVIEW, "overview" },
		{ MEDIA_SET_YEAR, "year" },
		{ MEDIA_SET_GENRES, "genres" },
		{ MEDIA_SET_VISIBILITY, "visibility" },
	};
	const size_t max = sizeof(columns) / sizeof(columns[0]);
	const char **names = arena_array(arena, max, sizeof(*names));
	size_t n = 0;

	for (size_t i = 0; i < max; i++)
		if ((set & columns[i].bit) != 0)
			names[n++] = columns[i].column;
	return (struct strings) { names, n };
}

/* The zone stays, unless the change names an offset. */
static bool
apply_taken(const struct change *c, const struct media *m, const struct media_patch *p,
    struct error *err)
{
	const struct store_taken_edit edit = {
		.at = (p->set & MEDIA_SET_TAKEN_AT) != 0 ? p->taken.at : 0,
		.local = (p->set & MEDIA_SET_TAKEN_LOCAL) != 0 ? p->taken.local : 0,
		.clear = (p->set & MEDIA_SET_TAKEN_AT) != 0 && p->taken.at == 0,
		.sets_offset = (p->set & MEDIA_SET_TAKEN_OFFSET) != 0,
		.offset = p->taken.offset,
		.shift = (p->set & MEDIA_SET_TAKEN_SHIFT) != 0 ? p->taken_shift : 0,
		/* The year of a photo follows, unless the same change sets a year. */
		.sets_year = (p->set & MEDIA_SET_YEAR) == 0 &&
		    (str_eq(m->kind, "image") || str_eq(m->kind, "video")),
	};
	bool done;

	if ((p->set & (MEDIA_SET_TAKEN_AT | MEDIA_SET_TAKEN_LOCAL)) == 0 && m->taken_at == 0)
		return error_slug(err, ERR_CONFLICT, "no_date",
		    "This item has no date yet. Set one first.");
	return store_media_set_taken(c->call->svc->db, c->call->arena, m->id, &edit, &done, err) &&
	    (done ||
		error_field(err,
		    (p->set & MEDIA_SET_TAKEN_SHIFT) != 0     ? "takenShiftSeconds" :
			(p->set & MEDIA_SET_TAKEN_LOCAL) != 0 ? "takenAtLocal" :
								"takenAt",
		    "range", "must lead to a date of the years 1 to 9999"));
}

/* Adds each tag once, whatever its case. */
static bool
put_tags(const struct change *c, const struct media *m, struct strings tags,
    const struct strings *people, struct error *err)
{
	const char **kept = arena_array(c->call->arena, tags.n, sizeof(*kept));
	size_t n = 0;

	for (size_t i = 0; i < tags.n; i++) {
		const char *tag = str_trim(c->call->arena, tags.items[i]);
		bool known = tag[0] == '\0';

		for (size_t k = 0; k < n && !known; k++)
			known = str_ieq(kept[k], tag);
		if (!known)
			kept[n++] = tag;
	}
	if (n > MEDIA_TAGS_MAX)
		return error_field(err, "addTags", "length", "must leave at most %d tags",
		    MEDIA_TAGS_MAX);
	return store_media_set_tags(c->call->svc->db, c->call->arena, m->id,
	    (struct strings) { kept, n }, people, err);
}

/* A person is a tag, whether it is named there or not. */
static bool
apply_tags(const struct change *c, struct media *m, struct error *err)
{
	const struct media_tags_wish *wish = c->arg;
	size_t n = wish->tags.n, more = wish->people != NULL ? wish->people->n : 0;
	const char **all = arena_array(c->call->arena, n + more, sizeof(*all));

	for (size_t i = 0; i < n; i++)
		all[i] = wish->tags.items[i];
	for (size_t i = 0; i < more; i++)
		all[n + i] = str_trim(c->call->arena, wish->people->items[i]);
	return put_tags(c, m, (struct strings) { all, n + more }, wish->people, err);
}

static bool
has_tag(struct strings tags, const char *tag)
{
	for (size_t i = 0; i < tags.n; i++)
		if (str_ieq(tags.items[i], tag))
			return true;
	return false;
}

/* The item's, without those to remove, and those to add. */
static bool
apply_some_tags(const struct change *c, const struct media *m, const struct media_patch *p,
    struct error *err)
{
	const char **tags = arena_array(c->call->arena, m->ntags + p->add_tags.n, sizeof(*tags));
	size_t n = 0;

	for (size_t i = 0; i < m->ntags; i++)
		if (!has_tag(p->remove_tags, m->tags[i]))
			tags[n++] = m->tags[i];
	for (size_t i = 0; i < p->add_tags.n; i++)
		tags[n++] = p->add_tags.items[i];
	return put_tags(c, m, (struct strings) { tags, n }, NULL, err);
}

static bool
apply_patch(const struct change *c, struct media *m, struct error *err)
{
	const struct media_patch *p = c->arg;

	if (m->trashed_at != 0)
		return error_slug(err, ERR_CONFLICT, "in_trash",
		    "This item is in the trash. Restore it first.");
	if ((p->set & MEDIA_SET_TITLE) != 0)
		m->title = p->title;
	if ((p->set & MEDIA_SET_OVERVIEW) != 0)
		m->overview = p->overview;
	if ((p->set & MEDIA_SET_YEAR) != 0)
		m->year = p->year;
	if ((p->set & MEDIA_SET_GENRES) != 0) {
		m->genres = p->genres;
		m->ngenres = p->ngenres;
	}
	if ((p->set & MEDIA_SET_VISIBILITY) != 0)
		m->visibility = p->visibility;
	return store_media_update(c->call->svc->db, c->call->arena, m,
		   edited(c->call->arena, p->set), err) &&
	    ((p->set & MEDIA_SET_SOME_TAGS) == 0 || apply_some_tags(c, m, p, err)) &&
	    ((p->set & MEDIA_SET_TAKEN) == 0 || apply_taken(c, m, p, err)) &&
	    ((p->set & (MEDIA_SET_ROTATION | MEDIA_SET_ROTATE_BY)) == 0 ||
		media_turn(c->call, m, p, err));
}

bool
media_change(const struct call *call, const char *id, int64_t version,
    const struct media_patch *patch, struct media *out, struct error *err)
{
	static const struct change_kind kind = { .event = "media.updated", .apply = apply_patch };
	struct change c = {
		.call = call,
		.id = id,
		.version = version,
		.arg = patch,
	};

	return change(&c, &kind, out, err);
}

bool
media_set_tags(const struct call *call, const char *id, int64_t version,
    const struct media_tags_wish *wish, struct media *out, struct error *err)
{
	static const struct change_kind kind = { .event = "media.updated", .apply = apply_tags };
	struct change c = { .call = call, .id = id, .version = version, .arg = wish };

	return change(&c, &kind, out, err);
}

static bool
apply_shares(const struct change *c, struct media *m, struct error *err)
{
	const struct strings *users = c->arg;
	const char **kept = arena_array(c->call->arena, users->n, sizeof(*kept));
	struct strings fresh;
	size_t n = 0;

	/* A person who is named twice counts once; the owner needs no share. */
	for (size_t i = 0; i < users->n; i++) {
		bool known = str_ieq(users->items[i], m->owner_id);

		for (size_t k = 0; k < n && !known; k++)
			known = str_ieq(kept[k], users->items[i]);
		if (!known)
			kept[n++] = users->items[i];
	}
	return store_media_set_shares(c->call->svc->db, c->call->arena, m->id,
		   (struct strings) { kept, n }, &fresh, err) &&
	    notify_item_shared(c->call, m->id, fresh, err);
}

bool
media_set_shares(const struct call *call, const char *id, struct strings users, struct media *out,
    struct error *err)
{
	static const struct change_kind kind = { .event = "media.updated", .apply = apply_shares };
	struct change c = {
		.call = call,
		.id = id,
		.arg = &users,
	};

	return change(&c, &kind, out, err);
}

static bool
apply_trash(const struct change *c, struct media *m, struct error *err)
{
	if (m->trashed_at != 0)
		return true;
	if (str_eq(m->status, "pending"))
		return error_slug(err, ERR_CONFLICT, "upload_pending",
		    "This item is still being uploaded. Cancel the upload instead.");
	return store_media_trash(c->call->svc->db, c->call->arena, m->id, c->call->by.who->user_id,
		   err) &&
	    media_deletion_told(c->call, m->id, m->kind, "trash", err);
}

bool
media_trash(const struct call *call, const char *id, struct media *out, struct error *err)
{
	static const struct change_kind kind = {
		.names_caller = true, .event = "media.deleted", .apply = apply_trash
	};
	struct change c = { .call = call, .id = id };

	return change(&c, &kind, out, err);
}

static bool
apply_restore(const struct change *c, struct media *m, struct error *err)
{
	bool restored;

	if (!store_media_restore(c->call->svc->db, c->call->arena, m->id, &restored, err))
		return false;
	return restored ||
	    error_slug(err, ERR_CONFLICT, "library_left_out",
		"The library of this item is left out. Include the library, and its items come"
		" back.");
}

bool
media_restore(const struct call *call, const char *id, struct media *out, struct error *err)
{
	static const struct change_kind kind = { .from_trash = true,
		.deleters = true,
		.event = "media.created",
		.apply = apply_restore };
	struct change c = { .call = call, .id = id };

	if (change(&c, &kind, out, err))
		return true;
	/*
	 * An item that is not in the trash is already restored: a success for anyone who could have
	 * restored it.
	 */
	if (err->code == ERR_NOT_FOUND && media_get(call, id, out, err))
		return owns(call->by.who, out) || principal_may(call->by.who, PERM_MEDIA_DELETE) ||
		    error_set(err, ERR_FORBIDDEN,
			"You can view this item, but you can't change it.");
	return false;
}

static const char *
job_key(struct arena *arena, const char *media_id)
{
	return arena_printf(arena, "process:%s", media_id);
}

bool
media_jobs_forget(const struct call *call, const char *media_id, struct error *err)
{
	return store_jobs_forget_dead(call->svc->db, call->arena, job_key(call->arena, media_id),
	    err);
}

bool
media_job(const struct call *call, const char *media_id, const char *upload_id,
    const char *content_type, struct error *err)
{
	struct json *payload = json_new(call->arena, 0);
	bool video = content_type != NULL && str_starts(content_type, "video/");

	json_object(payload, NULL);
	json_put_str(payload, "mediaId", media_id);
	json_put_str(payload, "uploadId", upload_id);
	json_object_end(payload);
	return job_add(call, video ? JOB_VIDEO_PROCESS : JOB_MEDIA_PROCESS, payload->buf.data,
	    job_key(call->arena, media_id), 0, err);
}

static bool
apply_reprocess(const struct change *c, struct media *m, struct error *err)
{
	const struct media_event queued = {
		.step = "queue",
		.state = "done",
		.message = "Processing was requested again.",
	};
	const char *upload_id;
	bool moved;

	if (!str_eq(m->source, MEDIA_SOURCE_UPLOAD))
		return error_slug(err, ERR_CONFLICT, "not_an_upload",
		    "Only uploaded files can be processed again.");
	if (!store_media_start(c->call->svc->db, c->call->arena, m->id, "{ready,failed}", &moved,
		err))
		return false;
	if (!moved)
		return error_slug(err, ERR_CONFLICT, "not_processable",
		    "This item is %s. Only ready and failed items can be processed again.",
		    m->status);
	return store_media_upload(c->call->svc->db, c->call->arena, m->id, &upload_id, err) &&
	    store_media_events_trim(c->call->svc->db, c->call->arena, m->id, MEDIA_EVENTS_KEPT,
		err) &&
	    store_media_event_add(c->call->svc->db, c->call->arena, m->id, &queued, err) &&
	    media_jobs_forget(c->call, m->id, err) &&
	    media_job(c->call, m->id, upload_id, m->content_type, err);
}

bool
media_reprocess(const struct call *call, const char *id, struct media *out, struct error *err)
{
	static const struct change_kind kind = { .event = "media.updated",
		.apply = apply_reprocess };
	struct change c = {
		.call = call,
		.id = id,
	};

	return change(&c, &kind, out, err);
}

static bool
apply_delete(const struct change *c, struct media *m, struct error *err)
{
	bool purge = *(const bool *)c->arg;

	if (!purge)
		return apply_trash(c, m, err);
	if (!owns(c->call->by.who, m))
		return error_set(err, ERR_FORBIDDEN,
		    "Only the owner can permanently delete this item.");
	if (str_eq(m->status, "pending"))
		return error_slug(err, ERR_CONFLICT, "upload_pending",
		    "This item is still being uploaded. Cancel the upload instead.");
	return media_purge_item(c->call, m->id, err) &&
	    media_deletion_told(c->call, m->id, m->kind, "purge", err);
}

bool
media_delete(const struct call *call, const char *id, bool purge, struct error *err)
{
	static const struct change_kind kind = {
		.deleters = true,
		.event = "media.deleted",
		.apply = apply_delete,
	};
	struct change c = { .call = call, .id = id, .arg = &purge };
	struct media media;

	return change(&c, &kind, &media, err);
}
