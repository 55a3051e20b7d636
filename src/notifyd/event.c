#include "notifyd/notifyd.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "service/notify/notify.h"
#include "store/store_replay.h"

#include "core/banned.h"

#define EVENT_FRAME 512 /* bytes around the data */

struct event *
event_new(const char *type, const char *id, int64_t seq, const char *timestamp, const char *data)
{
	struct arena arena;
	struct event *ev;
	struct json *j;

	arena_init(&arena);
	j = json_new(&arena, NOTIFY_EVENT_MAX + EVENT_FRAME);
	json_object(j, NULL);
	json_put_str(j, "type", type);
	json_opt_str(j, "id", id);
	if (seq > 0)
		json_put_int(j, "seq", seq);
	json_put_str(j, "timestamp", timestamp);
	json_put_raw(j, "data", data);
	json_object_end(j);
	if (j->buf.overflow) {
		arena_clear(&arena);
		/* too large to send: clients find the data in the list */
		return event_new(type, id, seq, timestamp, "{}");
	}
	ev = xmalloc(sizeof(*ev) + LWS_PRE + j->buf.len);
	*ev = (struct event) { .refs = 1, .seq = seq, .len = j->buf.len };
	memcpy(ev->text + LWS_PRE, j->buf.data, j->buf.len);
	arena_clear(&arena);
	return ev;
}

struct event *
event_plain(struct arena *arena, const char *type)
{
	char now[RFC3339_MAX];

	time_rfc3339(clock_now(), now);
	return event_new(type, NULL, 0, now, "{}");
}

struct event *
event_of_replay(const struct replay_event *e)
{
	char when[RFC3339_MAX];

	time_rfc3339(e->created_at, when);
	return event_new(e->type, e->id, e->seq, when, e->data);
}

struct event *
event_hold(struct event *ev)
{
	ev->refs++;
	return ev;
}

void
event_release(struct event *ev)
{
	if (--ev->refs == 0)
		free(ev);
}

static const char *
print(struct arena *arena, const struct cJSON *tree)
{
	char *text = cJSON_PrintUnformatted(tree);

	if (text != NULL)
		arena_defer(arena, free, text);
	return text == NULL ? "{}" : text;
}

static struct event *
event_of(struct arena *arena, const struct cJSON *event, const struct cJSON *one, const char *data)
{
	return event_new(json_str(event, "type", "notification"), json_str(one, "id", NULL),
	    json_int(one, "seq", 0), json_str(one, "timestamp", ""), data);
}

/* A notification: each person has an id and a seq of their own. */
static void
published_each(struct notifyd *nd, const struct cJSON *each, const struct cJSON *event,
    const char *data)
{
	const struct cJSON *one;

	cJSON_ArrayForEach (one, each) {
		const char *user = json_str(one, "user", "");
		struct event *ev;

		if (!people_connected(nd, user))
			continue;
		ev = event_of(&nd->scratch, event, one, data);
		if (ev->seq > 0)
			people_notification(nd, user, ev);
		else
			people_event(nd, user, ev);
		event_release(ev);
	}
}

static void
published_to(struct notifyd *nd, const struct cJSON *to, const struct cJSON *event,
    const char *data)
{
	struct event *ev = event_of(&nd->scratch, event, event, data);
	const struct cJSON *user;

	if (cJSON_IsString(to)) {
		people_event(nd, NULL, ev);
	} else {
		cJSON_ArrayForEach (user, to) {
			if (cJSON_IsString(user))
				people_event(nd, user->valuestring, ev);
		}
	}
	event_release(ev);
}

void
event_published(struct notifyd *nd, const char *message, size_t len)
{
	struct error err = { 0 };
	const struct cJSON *tree = json_parse(&nd->scratch, message, len, &err), *event, *to, *end;

	if (tree == NULL) {
		log_warn(nd->log, "a message on the channel is not JSON: %s", err.message);
	} else if ((end = json_get(tree, "endSession")) != NULL) {
		people_end_session(nd, json_str(end, "user", ""), json_str(end, "sid", NULL));
	} else if ((event = json_get(tree, "event")) != NULL) {
		const struct cJSON *member = json_get(event, "data");
		const char *data = member == NULL ? "{}" : print(&nd->scratch, member);

		if (strlen(data) > NOTIFY_EVENT_MAX)
			log_warn(nd->log, "an event of %zu bytes is too large and was dropped",
			    strlen(data));
		else if ((to = json_get(tree, "each")) != NULL)
			published_each(nd, to, event, data);
		else if ((to = json_get(tree, "to")) != NULL)
			published_to(nd, to, event, data);
	}
}
