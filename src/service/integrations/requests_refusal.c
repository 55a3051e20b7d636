/* Why Overseerr refuses a request, for the person who asks: a permission, or a quota until when. */
#include "service/integrations/requests_internal.h"

#include <stdlib.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/str.h"
#include "service/call.h"

#include "core/banned.h"

#define DAY_SECONDS 86400
#define DATE_CHARS 10   /* of RFC 3339; a T follows */
#define WINDOW_MAX 1000 /* requests of a quota's days */

/* The requests that count, in the days of the quota. */
struct window {
	const char *media_type;
	int64_t from;
	struct {
		int64_t at, units;
	} used[WINDOW_MAX];
	size_t n;
};

static bool
count_page(void *context, struct arena *arena, const void *items, size_t n, struct error *err)
{
	const struct overseerr_request *requests = items;
	struct window *w = context;

	for (size_t i = 0; i < n && w->n < WINDOW_MAX; i++) {
		/* 3: declined ones do not count */
		if (requests[i].created_at < w->from || requests[i].request_state == 3 ||
		    !str_eq(requests[i].media_type, w->media_type))
			continue;
		w->used[w->n].at = requests[i].created_at;
		w->used[w->n++].units =
		    str_eq(w->media_type, "tv") ? (int64_t)requests[i].nseasons : 1;
	}
	return true;
}

static int
older(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* When enough of them leave the window; 0: not known. */
static int64_t
room_at(struct window *w, const struct overseerr_quota *quota, int64_t wanted)
{
	int64_t excess = quota->used + wanted - quota->limit;

	qsort(w->used, w->n, sizeof(w->used[0]), older);
	for (size_t i = 0; i < w->n; i++)
		if ((excess -= w->used[i].units) <= 0)
			return w->used[i].at + quota->days * DAY_SECONDS * US_PER_SEC;
	return 0;
}

/* False: not known. */
static bool
room_after(const struct call *call, const struct overseerr *client,
    const struct overseerr_account *user, const struct overseerr_quota *quota,
    const struct overseerr_ask *ask, int64_t *at)
{
	struct window *w = arena_alloc(call->arena, sizeof(*w));
	struct overseerr_list list = { .page = count_page, .context = w };
	struct overseerr owner = *client;
	struct error ignored;

	*w = (struct window) { .media_type = ask->media_type,
		.from = clock_now() - quota->days * DAY_SECONDS * US_PER_SEC };
	owner.user = 0;
	if (overseerr_requests(call->arena, &owner, user->id, &list, &ignored) != ANSWER_PRESENT ||
	    !list.whole)
		return false;
	*at = room_at(w, quota, ask->nseasons > 0 ? (int64_t)ask->nseasons : 1);
	return *at > clock_now();
}

/* More than the whole quota. */
static bool
fits_never(const struct overseerr_quota *quota, const struct overseerr_ask *ask)
{
	return quota->limit > 0 && (int64_t)ask->nseasons > quota->limit;
}

static bool
quota_reached(const struct call *call, const struct overseerr_quota *quota,
    const struct overseerr_ask *ask, int64_t at, struct error *err)
{
	const char *what = str_eq(ask->media_type, "tv") ? "seasons" : "films";
	char day[RFC3339_MAX];

	if (fits_never(quota, ask))
		return error_slug(err, ERR_FORBIDDEN, "quota_reached",
		    "These are more seasons than the %lld that you may ask for in %lld days.",
		    (long long)quota->limit, (long long)quota->days);
	if (at == 0)
		return error_slug(err, ERR_FORBIDDEN, "quota_reached",
		    "Quota reached: you may ask for %lld %s in %lld days.", (long long)quota->limit,
		    what, (long long)quota->days);
	time_rfc3339(at, day);
	day[DATE_CHARS] = ' ';
	error_slug(err, ERR_FORBIDDEN, "quota_reached",
	    "Quota reached until %.16s UTC: you may ask for %lld %s in %lld days.", day,
	    (long long)quota->limit, what, (long long)quota->days);
	err->retry_after = (int)((at - clock_now()) / US_PER_SEC) + 1;
	return false;
}

bool
request_refusal(const struct call *call, const struct overseerr *client,
    const struct overseerr_account *user, const struct overseerr_ask *ask, int64_t *retry_at,
    struct error *err)
{
	struct overseerr owner = *client;
	struct overseerr_quota quota;
	struct error ignored;

	*retry_at = 0;
	owner.user = 0;
	if (overseerr_quota(call->arena, &owner, user->id, ask->media_type, &quota, &ignored) ==
		ANSWER_PRESENT &&
	    quota.limit > 0 &&
	    (quota.restricted ||
		quota.remaining < (int64_t)(ask->nseasons > 0 ? ask->nseasons : 1))) {
		if (!fits_never(&quota, ask) &&
		    !room_after(call, client, user, &quota, ask, retry_at))
			*retry_at = 0;
		return quota_reached(call, &quota, ask, *retry_at, err);
	}
	return error_slug(err, ERR_FORBIDDEN, "request_refused",
	    "%s may not ask for this in Overseerr. An admin can change the permissions there.",
	    user->name);
}
