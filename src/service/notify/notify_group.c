#include "service/notify/notify_group.h"

#include <string.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/id.h"
#include "core/json.h"
#include "core/str.h"
#include "service/call.h"
#include "service/notify/hook_out.h"
#include "service/notify/notify.h"
#include "service/notify/notify_share.h"
#include "service/notify/notify_words.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_jobs.h"
#include "store/store_notify.h"

#include "core/banned.h"

#define PARTS_MAX 1000          /* of one statement */
#define GROUP_LATE_SECONDS 3600 /* then its job is lost: attempts take less */
#define GROUPS_RESCUED 100      /* in one run */
#define GROUPS_APART 5          /* of one wider group; more are told together */
#define GROUPS_JOINED 1000      /* at once */
#define ITEMS_LISTED 20         /* in data.mediaIds */
#define ITEMS_NAMED 3           /* in the message */
#define SERIES "show:"          /* keys of what is told by series, or by its only season */
#define UPLOADS "media.ready"   /* topic of uploads, whether they went well or not */

static const struct notify_limits limits = { ITEMS_LISTED, ITEMS_NAMED };

static const char *
topic_of(const char *kind)
{
	return strcmp(kind, "media.failed") == 0 ? UPLOADS : kind;
}

static int
group_seconds(const struct call *call)
{
	return (int)config_int(call->svc->config, CFG_NOTIFY_GROUP_SECONDS);
}

/* What somebody waits for is told sooner. */
static int
seconds_of(const struct call *call, const char *kind)
{
	const struct notify_share_kind *share = notify_share_kind(kind);
	int seconds = group_seconds(call);

	return share != NULL && share->wait < seconds ? share->wait : seconds;
}

static bool
add_job(const struct call *call, const char *group, int64_t run_at, struct error *err)
{
	struct json *payload = json_new(call->arena, 0);

	json_object(payload, NULL);
	json_put_str(payload, "groupId", group);
	json_object_end(payload);
	return job_add(call, JOB_NOTIFY_GROUP, payload->buf.data,
	    arena_printf(call->arena, "group:%s", group), run_at, err);
}

/* The parts as columns. */
static struct notify_parts
columns_of(struct arena *arena, const struct notify_part *parts, size_t n)
{
	struct notify_parts c = { .n = n };

	c.topics = arena_array(arena, n, sizeof(*c.topics));
	c.kinds = arena_array(arena, n, sizeof(*c.kinds));
	c.keys = arena_array(arena, n, sizeof(*c.keys));
	c.users = arena_array(arena, n, sizeof(*c.users));
	c.group_titles = arena_array(arena, n, sizeof(*c.group_titles));
	c.wider = arena_array(arena, n, sizeof(*c.wider));
	c.wider_titles = arena_array(arena, n, sizeof(*c.wider_titles));
	c.titles = arena_array(arena, n, sizeof(*c.titles));
	c.media = arena_array(arena, n, sizeof(*c.media));
	c.failed = arena_array(arena, n, sizeof(*c.failed));
	c.items = arena_array(arena, n, sizeof(*c.items));
	for (size_t i = 0; i < n; i++) {
		c.topics[i] = topic_of(parts[i].kind);
		c.kinds[i] = parts[i].kind;
		c.keys[i] = parts[i].group;
		c.users[i] = parts[i].user;
		c.group_titles[i] = parts[i].group_title;
		c.wider[i] = parts[i].wider;
		c.wider_titles[i] = parts[i].wider_title;
		c.titles[i] = parts[i].title;
		c.media[i] = parts[i].media_id;
		c.failed[i] = parts[i].failed ? "t" : "f";
		c.items[i] = db_int(arena, parts[i].items > 0 ? parts[i].items : 1);
	}
	return c;
}

/* Stores up to PARTS_MAX parts, and adds the jobs of new groups. *opened: the groups. */
static bool
add_parts(const struct call *call, const struct notify_part *parts, size_t n,
    struct notify_opened **opened, size_t *nopened, struct error *err)
{
	struct notify_parts columns = columns_of(call->arena, parts, n);

	if (!store_notify_parts_add(call->svc->db, call->arena, &columns,
		seconds_of(call, parts[0].kind), opened, nopened, err))
		return false;
	for (size_t i = 0; i < *nopened; i++) {
		if ((*opened)[i].fresh && !add_job(call, (*opened)[i].id, (*opened)[i].due_at, err))
			return false;
	}
	return true;
}

bool
notify_together(const struct call *call, const struct notify_part *parts, size_t n,
    struct error *err)
{
	struct notify_opened *opened;
	size_t some, nopened;

	for (size_t i = 0; i < n; i += some) {
		some = n - i < PARTS_MAX ? n - i : PARTS_MAX;
		if (!add_parts(call, parts + i, some, &opened, &nopened, err))
			return false;
	}
	return true;
}

/* What a group is about, as its key says: the member of data that names it. */
static const struct {
	const char *prefix, *member;
} places[] = { { SERIES, "groupMediaId" }, { "season:", "groupMediaId" },
	{ "album:", "groupMediaId" }, { "artist:", "groupMediaId" }, { "server:", "serverId" } };

static void
put_place(struct json *j, const char *key)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		size_t len = strlen(places[i].prefix);

		if (str_starts(key, places[i].prefix) && uuid_valid(key + len))
			json_put_str(j, places[i].member, key + len);
	}
}

static const char *
group_data(struct arena *arena, const struct notify_held *group, const struct notify_learned *l)
{
	struct json *j = json_new(arena, 0);

	json_object(j, NULL);
	if (l->good + l->bad == 1 && l->items.n == 1)
		json_put_str(j, "mediaId", l->items.items[0]);
	put_place(j, group->key);
	json_opt_str(j, "groupTitle", group->title);
	json_put_int(j, "count", l->good);
	json_put_int(j, "failed", l->bad);
	json_put_strs(j, "mediaIds", l->items.items, l->items.n);
	json_object_end(j);
	return j->buf.data;
}

/* The note of those who learn the same. */
static struct notify_new
note_of(const struct call *call, const struct notify_held *group, const struct notify_learned *l)
{
	bool uploads = strcmp(group->topic, UPLOADS) == 0;
	const struct group_words words = {
		.uploads = uploads,
		.title = group->title,
		.good = l->good,
		.bad = l->bad,
		.kind = l->kind,
		.failure = l->failure,
		.names = l->names,
		.parts = l->parts,
	};

	return (struct notify_new) {
		.users = l->users.items,
		.nusers = l->users.n,
		.kind = uploads && l->bad > 0 ? "media.failed" : group->topic,
		/* each upload has had an event of its own */
		.event = uploads ? "notification" : NULL,
		.title = group_title(call->arena, &words),
		.message = group_message(call->arena, &words),
		.data = group_data(call->arena, group, l),
	};
}

static bool
tell(const struct call *call, const struct notify_new *note, struct error *err)
{
	struct notify_batch *batch;

	if (!notify_add(call, note, &batch, err))
		return false;
	notify_push(call, batch);
	return true;
}

/* The webhook of a group: once, however many people hear of it. */
static bool
tell_endpoints(const struct call *call, const char *id, const struct notify_held *group,
    struct error *err)
{
	struct notify_learned all;

	return store_notify_group_all(call->svc->db, call->arena, id, limits, &all, err) &&
	    (all.good + all.bad == 0 ||
		hook_out(call, group->topic, group_data(call->arena, group, &all), err));
}

/* Everyone hears of it who wants to on these channels. */
static bool
tell_people(const struct call *call, const char *id, const struct notify_held *group,
    enum notify_channels channels, struct error *err)
{
	const struct notify_telling telling = {
		.group = id,
		.user = group->user,
		.channel = channels == NOTIFY_PAGE ? "page" :
		    channels == NOTIFY_MAIL        ? "mail" :
						     NULL,
		.limits = limits,
	};
	struct notify_learned *learned;
	size_t n;

	if (!store_notify_group_tell(call->svc->db, call->arena, &telling, &learned, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct notify_new note = note_of(call, group, &learned[i]);

		note.channels = channels;
		if (strcmp(group->topic, UPLOADS) == 0)
			note.id = id;
		if (!tell(call, &note, err))
			return false;
	}
	return true;
}

/*
 * In the transaction: the group is told and ends. Uploads have two kinds, and what a person wants
 * of each may differ between the page and mail, so each channel has a text of its own.
 */
static bool
tell_group(const struct call *call, const char *id, const struct notify_held *group,
    struct error *err)
{
	const struct notify_share_kind *share = notify_share_kind(group->topic);
	bool ok;

	if (share != NULL)
		return share->tell(call, id, group, err) &&
		    store_notify_group_remove(call->svc->db, call->arena, id, err);
	if (strcmp(group->topic, UPLOADS) == 0)
		ok = (group->told == group->parts ||
			 tell_people(call, id, group, NOTIFY_PAGE, err)) &&
		    tell_people(call, id, group, NOTIFY_MAIL, err);
	else
		ok = tell_people(call, id, group, NOTIFY_EVERYWHERE, err);
	return ok && (group->user != NULL || tell_endpoints(call, id, group, err)) &&
	    store_notify_group_remove(call->svc->db, call->arena, id, err);
}

/* What came of a series is told of its season, unless there were several. */
static bool
narrow(const struct call *call, const char *id, struct notify_held *group, struct error *err)
{
	struct notify_season season;

	if (group->title == NULL || !str_starts(group->key, SERIES))
		return true;
	if (!store_notify_group_season(call->svc->db, call->arena, id, &season, err))
		return false;
	if (season.id == NULL)
		return true;
	group->key = arena_printf(call->arena, "season:%s", season.id);
	group->title = group_season_title(call->arena, group->title, season.title, season.position);
	return true;
}

/* Locks the group, which takes in the others of its wider one if they are too many. */
static bool
hold(const struct call *call, const char *id, struct notify_held *group, struct error *err)
{
	struct db *db = call->svc->db;
	bool joined;

	if (!store_notify_wider_lock(db, call->arena, id, err) ||
	    !store_notify_group_hold(db, call->arena, id, group, err))
		return false;
	if (group->topic == NULL)
		return true;
	if (group->wider == NULL)
		return narrow(call, id, group, err);
	if (!store_notify_wider_join(db, call->arena, id, GROUPS_APART, GROUPS_JOINED, &joined,
		err))
		return false;
	if (joined) {
		group->key = group->wider;
		group->title = group->wider_title;
		return true;
	}
	return narrow(call, id, group, err);
}

static bool
run_in(const struct call *call, const char *id, const struct job *job, struct error *err)
{
	struct notify_held group;

	return hold(call, id, &group, err) &&
	    (group.topic == NULL || tell_group(call, id, &group, err)) &&
	    store_job_done(call->svc->db, call->arena, job, err);
}

bool
notify_group_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	const struct cJSON *payload = job_payload(call, job, err);
	const char *id = json_str(payload, "groupId", "");

	if (payload == NULL)
		return false;
	if (!uuid_valid(id))
		return error_set(err, ERR_INTERNAL, "The job does not name a group.");
	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, run_in(call, id, job, err), err);
}

bool
notify_groups_rescue(const struct call *call, struct error *err)
{
	struct strings ids;

	if (!store_notify_groups_overdue(call->svc->db, call->arena, GROUP_LATE_SECONDS,
		GROUPS_RESCUED, &ids, err))
		return false;
	for (size_t i = 0; i < ids.n; i++) {
		if (!add_job(call, ids.items[i], 0, err))
			return false;
	}
	return true;
}

/* The note of a single upload, which is the event of the upload at the same time. */
static struct notify_new
single_note(const struct notify_uploaded *up)
{
	return (struct notify_new) {
		.users = &up->owner,
		.nusers = 1,
		.kind = up->failed ? "media.failed" : "media.ready",
		.title = up->title,
		.message = up->message,
		.data = up->data,
	};
}

static void
upload_event(const struct call *call, const struct notify_uploaded *up)
{
	notify_event(call, &up->owner, 1,
	    up->failed ? "media.processing.failed" : "media.processing.complete", up->data);
}

/*
 * No other upload is on its way: writes the note of the batch as it is now. A person who has turned
 * the kind off has no row, but still the event.
 */
static bool
note_batch(const struct call *call, const char *id, const struct notify_uploaded *up,
    struct error *err)
{
	const struct notify_telling telling = { id, up->owner, "page", limits };
	struct notify_learned *learned;
	struct notify_held group;
	struct notify_new note;
	size_t n;

	if (!store_notify_group_hold(call->svc->db, call->arena, id, &group, err) ||
	    !store_notify_group_tell(call->svc->db, call->arena, &telling, &learned, &n, err))
		return false;
	if (n == 0 || learned[0].good + learned[0].bad == 1) {
		note = single_note(up);
	} else {
		upload_event(call, up);
		note = note_of(call, &group, &learned[0]);
	}
	note.id = id;
	note.channels = NOTIFY_PAGE;
	return tell(call, &note, err) &&
	    store_notify_group_told(call->svc->db, call->arena, id, group.parts, err);
}

bool
notify_uploaded(const struct call *call, const struct notify_uploaded *up, struct error *err)
{
	const struct notify_part part = {
		.kind = up->failed ? "media.failed" : "media.ready",
		.group = "uploads",
		.media_id = up->media_id,
		.user = up->owner,
		.failed = up->failed,
	};
	struct notify_opened *group;
	struct notify_new alone;
	bool more;
	size_t n;

	if (group_seconds(call) == 0) {
		alone = single_note(up);
		return tell(call, &alone, err);
	}
	if (!add_parts(call, &part, 1, &group, &n, err) ||
	    !store_notify_under_way(call->svc->db, call->arena, up->owner, up->media_id, &more,
		err))
		return false;
	if (n == 1 && !more)
		return note_batch(call, group[0].id, up, err);
	upload_event(call, up);
	return true;
}
