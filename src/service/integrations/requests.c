#include "service/integrations/requests.h"

#include "core/access.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/str.h"
#include "service/call.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_overseerr.h"
#include "store/store_requests.h"

#include "core/banned.h"

#define STALE_SECONDS 900 /* three rounds of requests_upkeep_run() */
#define AGED_SECONDS 60   /* a list that is read is refreshed when it is older, once in so long */
/*
 * Wishes of so many seconds are one job, which begins after the last of them: what happens while it
 * runs is another job's.
 */
#define SOON_SECONDS 2

/* In the transaction, or as a statement of its own. */
static bool
refresh(const struct call *call, const char *request_id, struct error *err)
{
	int64_t end = (clock_now() / US_PER_SEC / SOON_SECONDS + 1) * SOON_SECONDS;
	const char *payload =
	    request_id == NULL ? "{}" : arena_printf(call->arena, "{\"id\":%s}", request_id);
	const char *key = arena_printf(call->arena, "requests.refresh:%s:%lld",
	    request_id == NULL ? "all" : request_id, (long long)end);

	return job_add(call, JOB_REQUESTS_REFRESH, payload, key, end * US_PER_SEC, err);
}

bool
requests_refresh_soon(const struct call *call, const char *request_id, struct error *err)
{
	struct overseerr_settings settings;
	int64_t number;

	/* Webhooks write it as a text; what is no number names no request. */
	if (request_id != NULL && !str_to_int(request_id, 1, INT64_MAX, &number))
		request_id = NULL;
	if (!store_overseerr_get(call->svc->db, call->arena, &settings, err))
		return false;
	return settings.url == NULL || !settings.enabled || refresh(call, request_id, err);
}

static void
age(const struct overseerr_settings *settings, struct requests *requests)
{
	int64_t ago = clock_now() - settings->refreshed_at;

	requests->since = settings->refreshed_at;
	requests->stale = settings->url == NULL || !str_eq(settings->state, "ok") ||
	    ago > STALE_SECONDS * US_PER_SEC;
}

/* Somebody reads an old list and wants a new one; the page hears of changes by the socket. */
static bool
keep_fresh(const struct call *call, const struct overseerr_settings *settings, struct error *err)
{
	int64_t now = clock_now();

	if (settings->url == NULL || !settings->enabled ||
	    now - settings->refreshed_at < AGED_SECONDS * US_PER_SEC ||
	    now - settings->asked_at < AGED_SECONDS * US_PER_SEC)
		return true;
	return job_add(call, JOB_REQUESTS_REFRESH, "{}", "requests.refresh:aged", 0, err);
}

bool
requests_list(const struct call *call, const struct requests_ask *ask, struct requests *requests,
    struct page *page, struct error *err)
{
	bool all = principal_may(call->by.who, PERM_INTEGRATIONS_CONFIGURE) && !ask->own;
	struct store_requests_ask row = { .limit = ask->list.limit + 1,
		.filter = { all ? NULL : call->by.who->user_id, ask->status } };
	struct overseerr_settings settings;
	struct list_position after;
	size_t n;

	if (!list_after(call->arena, LIST_REQUESTS, ask->list.cursor, &after, err))
		return false;
	row.before_time = after.number;
	row.before_id = after.id;
	if (!store_overseerr_get(call->svc->db, call->arena, &settings, err) ||
	    !store_requests_list(call->svc->db, call->arena, &row, &requests->items, &n, err) ||
	    !keep_fresh(call, &settings, err))
		return false;
	if (n == 0 && settings.url == NULL)
		return error_set(err, ERR_NOT_FOUND, "No Overseerr is set up.");
	age(&settings, requests);
	if (list_cut(page, n, ask->list.limit)) {
		after.number = requests->items[page->n - 1].created_at;
		after.id = requests->items[page->n - 1].id;
		page->next = list_cursor(call->arena, LIST_REQUESTS, &after);
	}
	return true;
}

bool
requests_get(const struct call *call, const char *id, struct requests *requests, struct error *err)
{
	struct title_request *request = arena_alloc(call->arena, sizeof(*request));
	struct overseerr_settings settings;

	if (!store_request_get(call->svc->db, call->arena, id, request, err))
		return false;
	if (request->id == NULL ||
	    (!principal_may(call->by.who, PERM_INTEGRATIONS_CONFIGURE) &&
		!str_eq(request->requested_by, call->by.who->user_id)))
		return error_set(err, ERR_NOT_FOUND, "There is no such request.");
	if (!store_overseerr_get(call->svc->db, call->arena, &settings, err))
		return false;
	requests->items = request;
	age(&settings, requests);
	return true;
}
