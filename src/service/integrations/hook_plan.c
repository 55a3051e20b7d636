#include <cjson/cJSON.h>

#include "client/media_server.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "service/call.h"
#include "service/integrations/hook_read.h"
#include "service/integrations/hook_work.h"
#include "service/integrations/server_owner.h"
#include "service/integrations/servers.h"
#include "service/services.h"

#include "core/banned.h"

static bool
ignored(struct hook_plan *plan, const char *why)
{
	plan->branch = HOOK_IGNORED;
	plan->why = why;
	return true;
}

/* --- Plex --- */

static const struct plex_type {
	const char *type;
	enum hook_branch branch;
	const char *text; /* of a system event: %s is the server */
} plex_types[] = {
	{ "library.new", HOOK_NEW_MEDIA, NULL },
	{ "library.on.deck", HOOK_NEW_MEDIA, NULL },
	{ "media.play", HOOK_ACTIVITY, NULL },
	{ "media.pause", HOOK_ACTIVITY, NULL },
	{ "media.resume", HOOK_ACTIVITY, NULL },
	{ "media.stop", HOOK_ACTIVITY, NULL },
	{ "media.scrobble", HOOK_ACTIVITY, NULL },
	{ "playback.started", HOOK_ACTIVITY, NULL },
	{ "media.rate", HOOK_RATED, NULL },
	{ "admin.database.backup", HOOK_SYSTEM, "%s has backed up its database" },
	{ "admin.database.corrupted", HOOK_SYSTEM, "%s reports a damaged database" },
	{ "device.new", HOOK_SYSTEM, "A new device uses %s" },
};

static const struct plex_type *
plex_type_of(const char *type)
{
	for (size_t i = 0; i < sizeof(plex_types) / sizeof(plex_types[0]); i++)
		if (str_eq(plex_types[i].type, type))
			return &plex_types[i];
	return NULL;
}

/* The configured server, or the reason why there is none. */
static bool
find_server(const struct call *call, const struct hook_event *event, struct hook_plan *plan,
    struct error *err)
{
	if (event->machine_id == NULL)
		return ignored(plan, "The event names no server.");
	if (!server_of_machine(call, event->machine_id, &plan->server, err))
		return false;
	if (plan->server.id == NULL)
		return ignored(plan, "The event is about a server that is not set up here.");
	return plan->server.enabled || ignored(plan, "The server is switched off here.");
}

/* Where the payload and the catalogue speak of different things, only the server knows. */
static bool
same_item(const struct known_item *item, const struct cJSON *metadata)
{
	const char *guid = json_str(metadata, "guid", NULL);

	return item->media_id != NULL &&
	    (guid == NULL || item->guid == NULL || str_eq(guid, item->guid));
}

static bool
find_section(const struct call *call, const struct cJSON *metadata, struct hook_plan *plan,
    struct error *err)
{
	const char *key =
	    hook_text(call->arena, metadata, "librarySectionID", MEDIA_SERVER_KEY_MAX);
	bool known, enabled;

	plan->section = NULL;
	if (key == NULL)
		return true;
	if (!store_known_section(call->svc->db, call->arena, plan->server.id, key, &known, &enabled,
		err))
		return false;
	if (known && !enabled)
		return ignored(plan, "The library is left out here.");
	plan->section = known ? key : NULL;
	return true;
}

/* What the server itself says of the item. */
static bool
ask_server(const struct call *call, const char *key, struct hook_plan *plan,
    struct server_item *item, struct error *err)
{
	struct media_server client;

	if (!plan->may_ask) {
		plan->branch = HOOK_LOOKUP;
		return true;
	}
	if (!server_client(call, &plan->server, &client, err))
		return false;
	switch (client.kind->item(call->arena, &client, key, item, err)) {
	case ANSWER_PRESENT: plan->title = item->title; return true;
	case ANSWER_ABSENT: return ignored(plan, "The server does not have this item.");
	case ANSWER_UNKNOWN:
	default: return false;
	}
}

static bool
plan_new(const struct call *call, const struct hook_event *event, const struct cJSON *metadata,
    struct hook_plan *plan, struct error *err)
{
	int64_t now = clock_now(), synced = plan->server.first_synced_at;
	struct server_item item = { .key = NULL };

	if (event->subject == NULL)
		return ignored(plan, "The event names no item.");
	if (!ask_server(call, event->subject, plan, &item, err) ||
	    !find_section(call, metadata, plan, err))
		return false;
	if (plan->branch != HOOK_NEW_MEDIA)
		return true;
	plan->sync = !same_item(&plan->item, metadata) ||
	    (item.guid != NULL && plan->item.guid != NULL && !str_eq(item.guid, plan->item.guid));
	if (plan->item.trashed && !plan->sync)
		return ignored(plan, "The item is in the trash here.");
	/* The end of the first run tells what it has added, and each run after it does. */
	plan->news = !plan->sync && item.added_at > 0 &&
	    now / US_PER_SEC - item.added_at < HOOK_NEWS_SECONDS && synced != 0 &&
	    plan->item.found_at <= synced;
	return true;
}

/* Account 1 is the owner of the server; an owner who is not known is nobody. */
static bool
find_owner(const struct call *call, struct hook_plan *plan, struct error *err)
{
	bool known = true;

	if (!str_eq(plan->account, PLEX_OWNER_ACCOUNT))
		return true;
	if (!(plan->may_ask ? server_owner(call, &plan->server, &plan->account, err) :
			      server_owner_known(call, &plan->server, &plan->account, &known, err)))
		return false;
	if (!known)
		plan->branch = HOOK_LOOKUP;
	if (plan->account == NULL)
		plan->account = "";
	return true;
}

static bool
plan_activity(const struct call *call, const struct hook_event *event, const struct cJSON *metadata,
    const struct cJSON *payload, struct hook_plan *plan, struct error *err)
{
	const struct cJSON *account = hook_object(call->arena, payload, "Account"),
			   *player = hook_object(call->arena, payload, "Player");
	struct server_item item = { .key = NULL };

	plan->account = hook_text(call->arena, account, "id", HOOK_SUBJECT_MAX);
	plan->account_name = hook_text(call->arena, account, "title", HOOK_TITLE_MAX);
	plan->player = hook_text(call->arena, player, "uuid", HOOK_TITLE_MAX);
	plan->player_name = hook_text(call->arena, player, "title", HOOK_TITLE_MAX);
	if (plan->player == NULL)
		plan->player = "";
	if (event->subject == NULL || plan->account == NULL)
		return ignored(plan, "The event names no item or no person.");
	if (!find_owner(call, plan, err))
		return false;
	if (plan->branch == HOOK_LOOKUP)
		return true;
	plan->title = plan->item.title;
	if (same_item(&plan->item, metadata)) {
		/* Nothing leads to what is in the trash, and no sync brings it. */
		if (plan->item.trashed)
			plan->item.media_id = NULL;
		return !plan->item.trashed || find_section(call, metadata, plan, err);
	}
	plan->item = (struct known_item) { .media_id = NULL };
	plan->sync = true;
	if (!ask_server(call, event->subject, plan, &item, err) ||
	    (plan->branch != HOOK_IGNORED && !find_section(call, metadata, plan, err)))
		return false;
	plan->item.kind = item.kind;
	plan->item.above_title = item.grandparent_title;
	return true;
}

static bool
plan_system(const struct call *call, const struct cJSON *payload, const char *text,
    struct hook_plan *plan)
{
	const char *device = hook_text(call->arena, hook_object(call->arena, payload, "Player"),
	    "title", HOOK_TITLE_MAX);
	struct buf buf;

	buf_init(&buf, call->arena, 0);
	for (const char *p = text; *p != '\0'; p++)
		if (str_starts(p, "%s")) {
			buf_adds(&buf, plan->server.name);
			p++;
		} else {
			buf_addc(&buf, *p);
		}
	plan->text = buf.data;
	plan->message = device != NULL ? device : "";
	return true;
}

static bool
plan_plex(const struct call *call, const struct hook_event *event, const struct cJSON *payload,
    struct hook_plan *plan, struct error *err)
{
	const struct plex_type *type = plex_type_of(event->type);
	const struct cJSON *metadata = hook_object(call->arena, payload, "Metadata");

	if (type == NULL)
		return ignored(plan, "Events of this type are not used.");
	plan->branch = type->branch;
	if (!find_server(call, event, plan, err))
		return false;
	if (plan->branch == HOOK_IGNORED)
		return true;
	if (event->subject != NULL &&
	    !store_known_item(call->svc->db, call->arena, plan->server.id, event->subject,
		&plan->item, err))
		return false;
	switch (plan->branch) {
	case HOOK_NEW_MEDIA: return plan_new(call, event, metadata, plan, err);
	case HOOK_ACTIVITY:
	case HOOK_RATED: return plan_activity(call, event, metadata, payload, plan, err);
	default: return plan_system(call, payload, type->text, plan);
	}
}

/* --- Overseerr and others --- */

static bool
plan_overseerr(const struct call *call, const struct hook_event *event, const struct cJSON *payload,
    struct hook_plan *plan)
{
	if (str_eq(event->type, "TEST_NOTIFICATION")) {
		plan->branch = HOOK_STORED;
	} else if (str_starts(event->type, "ISSUE_")) {
		plan->branch = HOOK_SYSTEM;
		plan->text = hook_text(call->arena, payload, "subject", HOOK_TITLE_MAX);
		plan->message = hook_text(call->arena, payload, "message", HOOK_TITLE_MAX);
		if (plan->text == NULL)
			plan->text = "Somebody reports a problem in Overseerr";
		if (plan->message == NULL)
			plan->message = "";
	} else if (str_starts(event->type, "MEDIA_") || str_eq(event->type, HOOK_TYPE_UNKNOWN)) {
		/* A template without a type still says that something has happened. */
		plan->branch = HOOK_REQUEST;
	} else {
		ignored(plan, "Events of this type are not used.");
	}
	return true;
}

bool
hook_plan(const struct call *call, const struct hook_event *event, const struct cJSON *payload,
    struct hook_plan *plan, struct error *err)
{
	*plan = (struct hook_plan) { .branch = HOOK_STORED, .may_ask = plan->may_ask };
	if (str_eq(event->source, "plex"))
		return plan_plex(call, event, payload, plan, err);
	if (str_eq(event->source, "overseerr"))
		return plan_overseerr(call, event, payload, plan);
	return true;
}
