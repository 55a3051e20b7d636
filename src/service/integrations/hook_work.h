/*
 * Processing an event of the inbox, in two steps: hook_plan() finds out what it means, asking the
 * media server where that matters, and changes nothing; hook_run() then writes it in one
 * transaction with the end of the job. A server may hang, so the job that would ask is handed over
 * to a queue of its own. The payload is a hint: titles, kinds and places come from
 * the catalogue or the server. For the files of hook_*.c only.
 */
#ifndef MN_SERVICE_INTEGRATIONS_HOOK_WORK_H
#define MN_SERVICE_INTEGRATIONS_HOOK_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include "model/hook.h"
#include "model/server.h"
#include "store/store_plays.h"

struct call;
struct cJSON;
struct error;
struct notify_batch;

#define HOOK_NEWS_SECONDS 86400 /* what was added earlier is no news: servers tell it again */

enum hook_branch {
	HOOK_IGNORED,   /* `why` says it */
	HOOK_LOOKUP,    /* its server has to be asked, which this plan may not */
	HOOK_STORED,    /* being in the inbox is all that is wanted */
	HOOK_NEW_MEDIA, /* enriched, and told to those who can see it */
	HOOK_ACTIVITY,  /* somebody plays an item */
	HOOK_RATED,
	HOOK_SYSTEM,  /* told to admins */
	HOOK_REQUEST, /* Overseerr is asked */
};

struct hook_plan {
	bool may_ask; /* media servers and plex.tv */
	enum hook_branch branch;
	const char *why;
	struct server server;
	struct known_item item; /* media_id NULL: not in the catalogue */
	const char *title;      /* of the item */
	bool sync;              /* the catalogue does not have it: the server is read */
	const char *section;    /* key of its library, NULL: unknown */
	bool news;              /* it was added just now, and the sync does not tell it */
	const char *account;    /* id of the person on the server */
	const char *account_name;
	const char *player, *player_name; /* "" and NULL: unknown */
	const char *text, *message;       /* for admins */
};

/*
 * plan->may_ask is set before. False: it cannot be known now, and the job is tried again.
 */
bool hook_plan(const struct call *, const struct hook_event *, const struct cJSON *payload,
    struct hook_plan *, struct error *);

/*
 * In the transaction: the viewing that the event belongs to, or a new one with its entry in the
 * history and one notification. *why is set where nobody is linked to the account.
 */
bool hook_play(const struct call *, const struct hook_event *, const struct hook_plan *,
    struct notify_batch **, const char **why, struct error *);
bool hook_rated(const struct call *, const struct hook_event *, const struct hook_plan *,
    const struct cJSON *payload, const char **why, struct error *);

#endif
