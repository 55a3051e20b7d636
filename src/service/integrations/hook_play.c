/*
 * Viewings. Servers send play, pause, resume, scrobble and stop, some of them twice, a play after
 * the scrobble when credits are skipped, and jobs run side by side. So every event is evidence of
 * one viewing of this person, item and player, in whatever order the events come.
 */
#include <cjson/cJSON.h>
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/id.h"
#include "core/json.h"
#include "core/str.h"
#include "service/call.h"
#include "service/integrations/hook_read.h"
#include "service/integrations/hook_work.h"
#include "service/notify/notify.h"
#include "service/services.h"

#include "core/banned.h"

/* An event so long after the last one belongs to another viewing. */
#define PLAY_JOIN_US (4 * 3600 * US_PER_SEC)
/* The same for a start, when the item was seen to its end and stopped: it is played again. */
#define PLAY_AGAIN_US (120 * US_PER_SEC)

static bool
is_start(const char *type)
{
	return str_eq(type, "media.play") || str_eq(type, "playback.started");
}

static bool
belongs(const struct play *play, const struct hook_event *event)
{
	bool over = play->finished_at != 0 && play->stopped_at == play->last_at;

	return play->id != NULL &&
	    event->received_at <=
	    play->last_at + (over && is_start(event->type) ? PLAY_AGAIN_US : PLAY_JOIN_US);
}

static void
take_event(struct play *play, const struct hook_event *event)
{
	int64_t at = event->received_at;

	if (play->started_at == 0 || at < play->started_at)
		play->started_at = at;
	if (str_eq(event->type, "media.scrobble") && play->finished_at == 0)
		play->finished_at = at;
	if (str_eq(event->type, "media.stop") && at > play->stopped_at)
		play->stopped_at = at;
	if (at > play->last_at)
		play->last_at = at;
}

/* "Severance: Hello, Ms. Cobel" */
static const char *
full_title(const struct call *call, const struct hook_plan *plan)
{
	const char *title = plan->title != NULL ? plan->title : "", *above = plan->item.above_title;
	bool below = str_eq(plan->item.kind, "episode") || str_eq(plan->item.kind, "track");

	return above == NULL || !below ? title : arena_printf(call->arena, "%s: %s", above, title);
}

static const char *
play_data(const struct call *call, const struct hook_plan *plan, const struct play *play)
{
	struct json *j = json_new(call->arena, 0);

	json_object(j, NULL);
	json_opt_str(j, "mediaId", plan->item.media_id);
	json_put_str(j, "title", full_title(call, plan));
	json_opt_str(j, "kind", plan->item.kind);
	json_put_str(j, "server", plan->server.name);
	json_opt_str(j, "player", plan->player_name);
	if (play->finished_at != 0)
		json_put_bool(j, "finished", true);
	json_object_end(j);
	return j->buf.data;
}

static bool
tell_person(const struct call *call, const struct hook_plan *plan, const struct play *play,
    struct notify_batch **batch, struct error *err)
{
	bool heard = str_eq(plan->item.kind, "track");
	const struct notify_new note = {
		.users = &play->user_id,
		.nusers = 1,
		.kind = "media.played",
		.title = utf8_clean(call->arena, full_title(call, plan),
		    strlen(full_title(call, plan)), HOOK_TITLE_MAX),
		.message = arena_printf(call->arena, "You %s this on %s.",
		    heard ? "listened to" : "watched",
		    plan->player_name != NULL ? plan->player_name : plan->server.name),
		.data = play_data(call, plan, play),
	};

	return notify_add(call, &note, batch, err);
}

static bool
begin_play(const struct call *call, const struct hook_event *event, const struct hook_plan *plan,
    struct play *play, struct notify_batch **batch, struct error *err)
{
	char *id = arena_alloc(call->arena, UUID_TEXT),
	     *activity = arena_alloc(call->arena, UUID_TEXT);

	uuid_v7(id);
	uuid_v7(activity);
	play->id = id;
	play->activity_id = activity;
	take_event(play, event);
	return store_play_add(call->svc->db, call->arena, play, play_data(call, plan, play), err) &&
	    tell_person(call, plan, play, batch, err);
}

/* The person who is linked to the account, locked: their viewings are changed one at a time. */
static bool
find_person(const struct call *call, const struct hook_plan *plan, const char **user_id,
    const char **why, struct error *err)
{
	if (!store_plays_person(call->svc->db, call->arena, plan->account, user_id, err))
		return false;
	if (*user_id == NULL)
		*why = arena_printf(call->arena, "Nobody here is linked to the account %s.",
		    plan->account_name != NULL ? plan->account_name : plan->account);
	return true;
}

bool
hook_play(const struct call *call, const struct hook_event *event, const struct hook_plan *plan,
    struct notify_batch **batch, const char **why, struct error *err)
{
	struct play of = { .server_id = plan->server.id,
		.item_key = event->subject,
		.player = plan->player,
		.media_id = plan->item.media_id },
		    play;

	if (!find_person(call, plan, &of.user_id, why, err))
		return false;
	if (of.user_id == NULL)
		return true;
	if (!store_play_find(call->svc->db, call->arena, &of, event->received_at + PLAY_AGAIN_US,
		&play, err))
		return false;
	if (!belongs(&play, event))
		return begin_play(call, event, plan, &of, batch, err);
	take_event(&play, event);
	return store_play_extend(call->svc->db, call->arena, &play, err);
}

bool
hook_rated(const struct call *call, const struct hook_event *event, const struct hook_plan *plan,
    const struct cJSON *payload, const char **why, struct error *err)
{
	const struct cJSON *metadata = hook_object(call->arena, payload, "Metadata");
	struct json *j = json_new(call->arena, 0);
	const char *user_id;

	if (!find_person(call, plan, &user_id, why, err))
		return false;
	if (user_id == NULL)
		return true;
	json_object(j, NULL);
	json_opt_str(j, "mediaId", plan->item.media_id);
	json_put_str(j, "title", full_title(call, plan));
	json_put_num(j, "rating", json_num(metadata, "userRating", 0));
	json_put_str(j, "server", plan->server.name);
	json_object_end(j);
	/* The id of the event: a replay adds no second entry. */
	return store_activity_add_at(call->svc->db, call->arena, event->id, user_id, "media.rated",
	    j->buf.data, event->received_at, err);
}
