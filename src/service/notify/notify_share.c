#include "service/notify/notify_share.h"

#include <limits.h>
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/id.h"
#include "core/json.h"
#include "service/call.h"
#include "service/notify/notify.h"
#include "service/notify/notify_group.h"
#include "service/notify/notify_words.h"
#include "service/services.h"
#include "store/store_notify.h"

#include "core/banned.h"

#define SHARE_NEW "share.new"
#define SHARE_ADDED "share.added"
#define DOWNLOAD_READY "download.ready"
#define ALBUM "album "        /* keys: "album <collection id> <person>", */
#define ITEMS "items "        /* "items <person>", */
#define ARCHIVE "archive "    /* "archive <download id>" */
#define SHARE_ITEMS_LISTED 20 /* in data.mediaIds */

static const char *
album_key(const struct call *call, const char *collection_id)
{
	return arena_printf(call->arena, ALBUM "%s %s", collection_id, call->by.who->user_id);
}

/* The same part for each of these people. */
static bool
for_each(const struct call *call, const struct notify_part *part, struct strings people,
    struct error *err)
{
	struct notify_part *parts = arena_array(call->arena, people.n + 1, sizeof(*parts));
	size_t n = 0;

	for (size_t i = 0; i < people.n; i++) {
		if (str_ieq(people.items[i], call->by.who->user_id))
			continue;
		parts[n] = *part;
		parts[n++].user = people.items[i];
	}
	return n == 0 || notify_together(call, parts, n, err);
}

bool
notify_album_shared(const struct call *call, const char *collection_id, struct strings people,
    struct error *err)
{
	const struct notify_part part = { .kind = SHARE_NEW,
		.group = album_key(call, collection_id) };

	return for_each(call, &part, people, err);
}

bool
notify_item_shared(const struct call *call, const char *media_id, struct strings people,
    struct error *err)
{
	const struct notify_part part = { .kind = SHARE_NEW,
		.group = arena_printf(call->arena, ITEMS "%s", call->by.who->user_id),
		.media_id = media_id };

	return for_each(call, &part, people, err);
}

bool
notify_album_filled(const struct call *call, const char *collection_id, struct strings items,
    struct error *err)
{
	struct notify_part *parts = arena_array(call->arena, items.n + 1, sizeof(*parts));
	const char *key = album_key(call, collection_id);

	for (size_t i = 0; i < items.n; i++)
		parts[i] = (struct notify_part) {
			.kind = SHARE_ADDED, .group = key, .media_id = items.items[i]
		};
	return items.n == 0 || notify_together(call, parts, items.n, err);
}

bool
notify_archive_ready(const struct call *call, const char *user_id, const char *download_id,
    struct error *err)
{
	const struct notify_part part = { .kind = DOWNLOAD_READY,
		.group = arena_printf(call->arena, ARCHIVE "%s", download_id),
		.user = user_id };

	return notify_together(call, &part, 1, err);
}

/* The n-th id in a key, from 0; "" if there is none. */
static const char *
id_in(struct arena *arena, const char *key, int n)
{
	const char *at = strchr(key, ' ');

	while (n-- > 0 && at != NULL)
		at = strchr(at + 1, ' ');
	return at == NULL ? "" : arena_strndup(arena, at + 1, strcspn(at + 1, " "));
}

static const char *
quoted(struct arena *arena, const char *title)
{
	return arena_printf(arena, "“%s”", title);
}

static bool
tell(const struct call *call, struct notify_new *note, struct strings users, struct error *err)
{
	struct notify_batch *batch;

	note->users = users.items;
	note->nusers = users.n;
	if (!notify_add(call, note, &batch, err))
		return false;
	notify_push(call, batch);
	return true;
}

static const char *
album_data(struct arena *arena, const char *collection_id, const char *from, int64_t count)
{
	struct json *j = json_new(arena, 0);

	json_object(j, NULL);
	json_put_str(j, "collectionId", collection_id);
	json_put_str(j, "fromUserId", from);
	if (count > 0)
		json_put_int(j, "count", count);
	json_object_end(j);
	return j->buf.data;
}

static bool
tell_album(const struct call *call, const struct notify_held *group, struct error *err)
{
	struct notify_share share = { .collection_id = id_in(call->arena, group->key, 0),
		.from = id_in(call->arena, group->key, 1),
		.user = group->user };
	struct notify_new note = { .kind = SHARE_NEW };

	if (!store_notify_share_album(call->svc->db, call->arena, &share, err))
		return false;
	if (share.note_id == NULL)
		return true;
	note.id = share.note_id;
	note.title = arena_printf(call->arena, "%s shared the album %s with you", share.from_name,
	    quoted(call->arena, share.title));
	note.message = str_eq(share.may, "add") ? "You can add to it." : "";
	note.data = album_data(call->arena, share.collection_id, share.from, 0);
	return tell(call, &note, (struct strings) { &group->user, 1 }, err);
}

static const char *
items_data(struct arena *arena, const struct notify_share *share)
{
	struct json *j = json_new(arena, 0);

	json_object(j, NULL);
	if (share->count == 1)
		json_put_str(j, "mediaId", share->items.items[0]);
	json_put_strs(j, "mediaIds", share->items.items, share->items.n);
	json_put_str(j, "fromUserId", share->from);
	json_put_int(j, "count", share->count);
	json_object_end(j);
	return j->buf.data;
}

static bool
tell_items(const struct call *call, const char *group_id, const struct notify_held *group,
    struct error *err)
{
	struct notify_share share = { .group = group_id,
		.from = id_in(call->arena, group->key, 0),
		.user = group->user,
		.listed = SHARE_ITEMS_LISTED };
	struct notify_new note = { .kind = SHARE_NEW };

	if (!store_notify_share_items(call->svc->db, call->arena, &share, err))
		return false;
	if (share.note_id == NULL)
		return true;
	note.id = share.note_id;
	note.title = share.count == 1 ?
	    arena_printf(call->arena, "%s shared %s with you", share.from_name,
		quoted(call->arena, share.title)) :
	    arena_printf(call->arena, "%s shared %s with you", share.from_name,
		group_count(call->arena, share.kind, share.count));
	note.data = items_data(call->arena, &share);
	return tell(call, &note, (struct strings) { &group->user, 1 }, err);
}

static bool
tell_added(const struct call *call, const char *group_id, const struct notify_held *group,
    struct error *err)
{
	struct notify_share share = { .group = group_id,
		.key = group->key,
		.collection_id = id_in(call->arena, group->key, 0),
		.from = id_in(call->arena, group->key, 1) };
	struct notify_filled *rows;
	size_t n;

	if (!store_notify_share_added(call->svc->db, call->arena, &share, &rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct notify_new note = { .kind = SHARE_ADDED };

		note.title = arena_printf(call->arena, "%s added %s to %s", rows[i].from_name,
		    group_count(call->arena, rows[i].kind, rows[i].count),
		    quoted(call->arena, rows[i].title));
		note.data = album_data(call->arena, share.collection_id, share.from, rows[i].count);
		if (!tell(call, &note, rows[i].users, err))
			return false;
	}
	return true;
}

/* Without its title, which may be that of an album that is not shared any more. */
static bool
tell_archive(const struct call *call, const char *group_id, const struct notify_held *group,
    struct error *err)
{
	const char *id = id_in(call->arena, group->key, 0);
	struct notify_new note = { .kind = DOWNLOAD_READY, .event = "notification" };
	struct json *data = json_new(call->arena, 0);
	int64_t items;

	(void)group_id;
	if (!store_notify_download(call->svc->db, call->arena, id, &items, err))
		return false;
	if (items == 0)
		return true;
	json_object(data, NULL);
	json_put_str(data, "downloadId", id);
	json_put_int(data, "count", items);
	json_object_end(data);
	note.title = arena_printf(call->arena, "Your download of %s is ready",
	    group_count(call->arena, NULL, items));
	note.data = data->buf.data;
	return tell(call, &note, (struct strings) { &group->user, 1 }, err);
}

static bool
tell_new(const struct call *call, const char *group_id, const struct notify_held *group,
    struct error *err)
{
	return str_starts(group->key, ALBUM) ? tell_album(call, group, err) :
					       tell_items(call, group_id, group, err);
}

static const struct notify_share_kind kinds[] = {
	{ SHARE_NEW, NOTIFY_SHARE_SECONDS, tell_new },
	{ SHARE_ADDED, INT_MAX, tell_added },
	{ DOWNLOAD_READY, NOTIFY_SHARE_SECONDS, tell_archive },
};

const struct notify_share_kind *
notify_share_kind(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (str_eq(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}
