#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "fcgi-handlers/list_view.h"
#include "fcgi-handlers/overseerr.h"
#include "fcgi-handlers/request_view.h"
#include "http/input.h"
#include "http/request.h"
#include "http/response.h"
#include "http/route.h"
#include "service/integrations/requests.h"

#include "core/banned.h"

struct picture_title
title_of(const char *media_type, int64_t tmdb_id, const char *poster)
{
	return (struct picture_title) { str_eq(media_type, "tv") ? "show" : "movie", tmdb_id,
		poster };
}

/* For each request the poster of its title, where it is here. */
static bool
posters_of(const struct request *req, const struct title_request *items, size_t n,
    const char ***urls, struct error *err)
{
	struct picture_title *titles = arena_array(req->arena, n + 1, sizeof(*titles));

	*urls = arena_array(req->arena, n + 1, sizeof(**urls));
	for (size_t i = 0; i < n; i++)
		titles[i] = title_of(items[i].media_type, items[i].tmdb_id, items[i].poster);
	return pictures_of_titles(req->call, titles, n, *urls, err);
}

static void
requester_view(struct json *j, const struct title_request *r)
{
	json_object(j, "requestedBy");
	json_put_str(j, "userId", r->requested_by);
	json_put_str(j, "name",
	    r->requester_name != NULL     ? r->requester_name :
		r->overseerr_name != NULL ? r->overseerr_name :
					    "Somebody");
	json_object_end(j);
}

static void
seasons_view(struct json *j, const struct title_request *r)
{
	if (r->seasons.n == 0)
		return;
	json_array(j, "seasons");
	for (size_t i = 0; i < r->seasons.n; i++)
		json_put_int(j, NULL, r->seasons.numbers[i]);
	json_array_end(j);
}

static void
stale_view(struct json *j, const struct requests *requests, int64_t since)
{
	if (!requests->stale)
		return;
	json_object(j, "stale");
	json_put_time(j, "since", since);
	json_object_end(j);
}

static void
request_view(struct json *j, const struct requests *requests, const struct title_request *r,
    const char *poster)
{
	json_object(j, NULL);
	json_put_str(j, "id", r->id);
	json_put_str(j, "mediaType", r->media_type);
	json_put_int(j, "tmdbId", r->tmdb_id);
	json_put_bool(j, "is4k", r->is4k);
	json_put_str(j, "title", request_name(j->buf.arena, r));
	if (r->year > 0)
		json_put_int(j, "year", r->year);
	json_opt_str(j, "posterUrl", poster);
	seasons_view(j, r);
	json_put_str(j, "status", title_status_name(r->status));
	requester_view(j, r);
	if (r->status == TITLE_DECLINED)
		json_opt_str(j, "reason", r->reason);
	if (r->failure_code != NULL) {
		json_object(j, "failure");
		json_put_str(j, "code", r->failure_code);
		json_put_str(j, "message", r->failure_message);
		if (r->retry_at > 0)
			json_put_time(j, "retryAt", r->retry_at);
		json_object_end(j);
	}
	stale_view(j, requests, r->fetched_at > requests->since ? r->fetched_at : requests->since);
	json_put_time(j, "createdAt", r->created_at);
	json_put_time(j, "updatedAt", r->updated_at);
	json_object_end(j);
}

static bool
request_reply(const struct request *req, struct response *res, int status,
    const struct requests *requests, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	const char **posters;

	if (!posters_of(req, requests->items, 1, &posters, err))
		return false;
	request_view(j, requests, requests->items, posters[0]);
	return response_json(res, status, j, err);
}

static const struct field_rule list_input[] = {
	{ "status", FIELD_ENUM, .choices = NAMED_CHOICES(REQUEST_STATUS_LIST) },
	{ "own", FIELD_BOOL },
	LIST_CURSOR_RULE,
	LIST_LIMIT_RULE,
	{ .name = NULL },
};

/* GET /api/integrations/overseerr/requests: the last known state, newest first. */
static bool
list_get(const struct request *req, struct response *res, struct error *err)
{
	const struct requests_ask ask = {
		.list = list_ask_of(req->input),
		.status = input_str(req->input, "status"),
		.own = input_bool(req->input, "own", false),
	};
	struct json *j = json_new(req->arena, 0);
	struct requests requests;
	const char **posters;
	struct page page;

	if (!requests_list(req->call, &ask, &requests, &page, err) ||
	    !posters_of(req, requests.items, page.n, &posters, err))
		return false;
	list_open(j);
	for (size_t i = 0; i < page.n; i++)
		request_view(j, &requests, &requests.items[i], posters[i]);
	list_close(j, &ask.list, &page);
	stale_view(j, &requests, requests.since);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static const struct field_rule create_input[] = {
	{ "mediaType", FIELD_ENUM, .choices = CHOICES(REQUEST_MEDIA_LIST),
	    .flags = FIELD_REQUIRED },
	{ "tmdbId", FIELD_INT, .min = 1, .max = REQUEST_TMDB_MAX, .flags = FIELD_REQUIRED },
	{ "seasons", FIELD_INTS, .min = 1, .max = REQUEST_SEASONS_MAX, .item_min = 0,
	    .item_max = REQUEST_SEASON_MAX },
	{ "is4k", FIELD_BOOL },
	{ .name = NULL },
};

/* POST /api/integrations/overseerr/requests: 200 for one that the caller has already. */
static bool
create(const struct request *req, struct response *res, struct error *err)
{
	struct request_new new = {
		.media_type = input_str(req->input, "mediaType"),
		.tmdb_id = input_int(req->input, "tmdbId", 0),
		.is4k = input_bool(req->input, "is4k", false),
		.seasons = { .n = input_count(req->input, "seasons") },
	};
	struct requests requests;
	bool made;

	if (new.seasons.n > 0 && str_eq(new.media_type, "movie"))
		return error_field(err, "seasons", "choice", "must be absent for a film");
	for (size_t i = 0; i < new.seasons.n; i++)
		new.seasons.numbers[i] = input_int_at(req->input, "seasons", i);
	return requests_create(req->call, &new, &requests, &made, err) &&
	    request_reply(req, res, made ? 201 : 200, &requests, err);
}

/* GET /api/integrations/overseerr/requests/{id} */
static bool
one_get(const struct request *req, struct response *res, struct error *err)
{
	struct requests requests;

	return requests_get(req->call, request_param(req, "id"), &requests, err) &&
	    request_reply(req, res, 200, &requests, err);
}

/* DELETE /api/integrations/overseerr/requests/{id} */
static bool
one_delete(const struct request *req, struct response *res, struct error *err)
{
	return requests_remove(req->call, request_param(req, "id"), err) &&
	    response_empty(res, 204);
}

static bool
decide(const struct request *req, struct response *res, const char *what, struct error *err)
{
	struct requests requests;

	return requests_decide(req->call, request_param(req, "id"), what,
		   input_str(req->input, "reason"), &requests, err) &&
	    request_reply(req, res, 200, &requests, err);
}

/* POST /api/integrations/overseerr/requests/{id}/approve */
static bool
approve(const struct request *req, struct response *res, struct error *err)
{
	return decide(req, res, "approve", err);
}

static const struct field_rule decline_input[] = {
	{ "reason", FIELD_STRING, .min = 1, .max = REQUEST_REASON_MAX, .flags = FIELD_TEXT },
	{ .name = NULL },
};

/* POST /api/integrations/overseerr/requests/{id}/decline */
static bool
decline(const struct request *req, struct response *res, struct error *err)
{
	return decide(req, res, "decline", err);
}

/* POST /api/integrations/overseerr/requests/{id}/retry */
static bool
retry(const struct request *req, struct response *res, struct error *err)
{
	return decide(req, res, "retry", err);
}

#define PATH "/api/integrations/overseerr/requests"

static const struct route requests_routes[] = {
	{ METHOD_GET, PATH, list_get, AUTH_BEARER, PERM_INTEGRATIONS_VIEW, RATE_TIER, BODY_NONE,
	    list_input },
	{ METHOD_POST, PATH, create, AUTH_BEARER, PERM_INTEGRATIONS_VIEW, RATE_TIER, BODY_JSON,
	    create_input },
	{ METHOD_GET, PATH "/{id}", one_get, AUTH_BEARER, PERM_INTEGRATIONS_VIEW, RATE_TIER,
	    BODY_NONE, NULL },
	{ METHOD_DELETE, PATH "/{id}", one_delete, AUTH_BEARER, PERM_INTEGRATIONS_VIEW, RATE_TIER,
	    BODY_NONE, NULL },
	{ METHOD_POST, PATH "/{id}/approve", approve, AUTH_BEARER, PERM_INTEGRATIONS_CONFIGURE,
	    RATE_TIER, BODY_JSON, NULL },
	{ METHOD_POST, PATH "/{id}/decline", decline, AUTH_BEARER, PERM_INTEGRATIONS_CONFIGURE,
	    RATE_TIER, BODY_JSON, decline_input },
	{ METHOD_POST, PATH "/{id}/retry", retry, AUTH_BEARER, PERM_INTEGRATIONS_CONFIGURE,
	    RATE_TIER, BODY_JSON, NULL },
	{ .path = NULL },
};

const struct route_module requests_module = { "requests", requests_routes };
