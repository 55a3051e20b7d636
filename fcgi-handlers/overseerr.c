#include "fcgi-handlers/overseerr.h"

#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "fcgi-handlers/request_view.h"
#include "http/input.h"
#include "http/request.h"
#include "http/response.h"
#include "http/route.h"
#include "service/integrations/overseerr.h"

#include "core/banned.h"

#define TMDB_DIGITS 10

/* What Overseerr has of a title, by its numbers. */
static const char *
title_state(int64_t state)
{
	return state == 2 ? "pending" :
	    state == 3    ? "processing" :
	    state == 4    ? "partially_available" :
	    state == 5    ? "available" :
			    "unknown";
}

static bool
settings_reply(const struct request *req, struct response *res, int status,
    const struct overseerr_settings *settings, struct error *err)
{
	struct json *j = json_new(req->arena, 0);

	json_object(j, NULL);
	json_put_str(j, "url", settings->url);
	json_put_bool(j, "enabled", settings->enabled);
	json_put_bool(j, "apiKeySet", true);
	json_put_str(j, "version", settings->version);
	json_put_str(j, "state", settings->state);
	json_put_time(j, "lastSeenAt", settings->last_seen_at);
	json_put_time(j, "refreshedAt", settings->refreshed_at);
	json_object_end(j);
	return response_json(res, status, j, err);
}

/* GET /api/integrations/overseerr */
static bool
settings_get(const struct request *req, struct response *res, struct error *err)
{
	struct overseerr_settings settings;

	return overseerr_get(req->call, &settings, err) &&
	    settings_reply(req, res, 200, &settings, err);
}

#define URL_RULE(flag) { "url", FIELD_STRING, .min = 8, .max = OVERSEERR_URL_MAX, .flags = flag }
#define KEY_RULE \
	{ "apiKey", FIELD_STRING, .min = 1, .max = OVERSEERR_API_KEY_MAX, .flags = FIELD_SECRET }

static const struct field_rule settings_input[] = {
	URL_RULE(FIELD_REQUIRED),
	KEY_RULE,
	{ "enabled", FIELD_BOOL },
	{ .name = NULL },
};

/* PUT /api/integrations/overseerr */
static bool
settings_put(const struct request *req, struct response *res, struct error *err)
{
	const struct overseerr_change change = {
		.url = input_str(req->input, "url"),
		.key = input_str(req->input, "apiKey"),
		.enabled = input_bool(req->input, "enabled", true),
	};
	struct overseerr_settings settings;

	return overseerr_set(req->call, &change, &settings, err) &&
	    settings_reply(req, res, 200, &settings, err);
}

/* DELETE /api/integrations/overseerr */
static bool
settings_delete(const struct request *req, struct response *res, struct error *err)
{
	return overseerr_unset(req->call, err) && response_empty(res, 204);
}

static const struct field_rule test_input[] = {
	URL_RULE(0),
	KEY_RULE,
	{ .name = NULL },
};

/* POST /api/integrations/overseerr/test */
static bool
settings_test(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct overseerr_trial trial;
	const char *name;

	if (!overseerr_try(req->call, input_str(req->input, "url"), input_str(req->input, "apiKey"),
		&trial, err))
		return false;
	json_object(j, NULL);
	json_put_bool(j, "ok", trial.ok);
	json_put_str(j, "code", trial.code);
	json_put_str(j, "message", trial.message);
	if (trial.version != NULL) {
		json_object(j, "server");
		json_put_str(j, "version", trial.version);
		json_object_end(j);
	}
	if (trial.key_good) {
		json_array(j, "permissions");
		for (size_t i = 0; (name = overseerr_may(trial.permissions, i)) != NULL; i++)
			json_put_str(j, NULL, name);
		json_array_end(j);
	}
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static const struct field_rule search_input[] = {
	{ "q", FIELD_STRING, .min = 1, .max = OVERSEERR_QUERY_MAX, .flags = FIELD_REQUIRED },
	{ "page", FIELD_INT, .min = 1, .max = OVERSEERR_PAGES_MAX, .fallback = 1 },
	{ .name = NULL },
};

static void
hit_view(struct json *j, const struct overseerr_hit *hit, const char *poster)
{
	json_put_str(j, "mediaType", hit->media_type);
	json_put_int(j, "tmdbId", hit->tmdb_id);
	json_put_str(j, "title", hit->title);
	if (hit->year > 0)
		json_put_int(j, "year", hit->year);
	json_opt_str(j, "overview", hit->overview);
	json_opt_str(j, "posterUrl", poster);
	json_put_str(j, "status", title_state(hit->media_state));
}

/* GET /api/integrations/overseerr/search */
static bool
titles_search(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct overseerr_found found;
	struct picture_title *titles;
	const char **posters;

	if (!overseerr_find(req->call, input_str(req->input, "q"),
		(int)input_int(req->input, "page", 1), &found, err))
		return false;
	titles = arena_array(req->arena, found.n + 1, sizeof(*titles));
	posters = arena_array(req->arena, found.n + 1, sizeof(*posters));
	for (size_t i = 0; i < found.n; i++)
		titles[i] = title_of(found.items[i].media_type, found.items[i].tmdb_id,
		    found.items[i].poster);
	if (!pictures_of_titles(req->call, titles, found.n, posters, err))
		return false;
	json_object(j, NULL);
	json_array(j, "items");
	for (size_t i = 0; i < found.n; i++) {
		json_object(j, NULL);
		hit_view(j, &found.items[i], posters[i]);
		json_object_end(j);
	}
	json_array_end(j);
	json_object(j, "page");
	json_put_int(j, "number", found.page);
	json_put_int(j, "pages", found.pages);
	json_object_end(j);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static void
season_view(struct json *j, const struct overseerr_part *season, bool show_4k)
{
	json_object(j, NULL);
	json_put_int(j, "number", season->number);
	json_opt_str(j, "name", season->name);
	json_put_int(j, "episodeCount", season->episodes);
	json_put_str(j, "status", title_state(season->state));
	if (show_4k)
		json_put_str(j, "status4k", title_state(season->state_4k));
	json_object_end(j);
}

/* GET /api/integrations/overseerr/titles/{mediaType}/{tmdb} */
static bool
title_get(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct picture_title title;
	struct overseerr_look look;
	const char *poster = NULL;
	int64_t tmdb_id;

	if (!str_to_int(request_param(req, "tmdb"), 1, OVERSEERR_ID_MAX, &tmdb_id))
		return error_set(err, ERR_NOT_FOUND, "There is no such title.");
	if (!overseerr_look_at(req->call, request_param(req, "mediaType"), tmdb_id, &look, err))
		return false;
	title = title_of(look.hit.media_type, look.hit.tmdb_id, look.hit.poster);
	if (!pictures_of_titles(req->call, &title, 1, &poster, err))
		return false;
	json_object(j, NULL);
	hit_view(j, &look.hit, poster);
	if (look.known_4k)
		json_put_bool(j, "is4kAvailable", look.may_4k);
	if (look.may_4k)
		json_put_str(j, "status4k", title_state(look.state_4k));
	json_array(j, "seasons");
	for (size_t i = 0; i < look.nseasons; i++)
		season_view(j, &look.seasons[i], look.may_4k);
	json_array_end(j);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static void
person_view(struct json *j, const struct overseerr_person *person)
{
	json_object(j, NULL);
	json_put_str(j, "userId", person->user_id);
	json_put_str(j, "displayName", person->name);
	if (person->overseerr_id == 0)
		json_put_null(j, "overseerrId");
	else
		json_put_int(j, "overseerrId", person->overseerr_id);
	json_opt_str(j, "overseerrName", person->overseerr_name);
	json_opt_str(j, "by", person->by);
	json_object_end(j);
}

/* GET /api/integrations/overseerr/people */
static bool
people_get(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct overseerr_people people;

	if (!overseerr_people(req->call, &people, err))
		return false;
	json_object(j, NULL);
	json_array(j, "items");
	for (size_t i = 0; i < people.n; i++)
		person_view(j, &people.people[i]);
	json_array_end(j);
	json_array(j, "candidates");
	for (size_t i = 0; i < people.ncandidates; i++) {
		json_object(j, NULL);
		json_put_int(j, "overseerrId", people.candidates[i].id);
		json_put_str(j, "name", people.candidates[i].name);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static const struct field_rule person_input[] = {
	{ "overseerrId", FIELD_INT, .min = 1, .max = OVERSEERR_ID_MAX,
	    .flags = FIELD_REQUIRED | FIELD_NULLABLE },
	{ .name = NULL },
};

/* PUT /api/integrations/overseerr/people/{userId} */
static bool
person_put(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct overseerr_person person;

	if (!overseerr_person_set(req->call, request_param(req, "userId"),
		input_int(req->input, "overseerrId", 0), &person, err))
		return false;
	person_view(j, &person);
	return response_json(res, 200, j, err);
}

#define PATH "/api/integrations/overseerr"

static const struct route overseerr_routes[] = {
	{ METHOD_GET, PATH, settings_get, AUTH_BEARER, PERM_INTEGRATIONS_VIEW, RATE_TIER, BODY_NONE,
	    NULL },
	{ METHOD_PUT, PATH, settings_put, AUTH_BEARER, PERM_INTEGRATIONS_CONFIGURE, RATE_TIER,
	    BODY_JSON, settings_input },
	{ METHOD_DELETE, PATH, settings_delete, AUTH_BEARER, PERM_INTEGRATIONS_CONFIGURE, RATE_TIER,
	    BODY_NONE, NULL },
	{ METHOD_POST, PATH "/test", settings_test, AUTH_BEARER, PERM_INTEGRATIONS_CONFIGURE,
	    RATE_TIER, BODY_JSON, test_input },
	{ METHOD_GET, PATH "/search", titles_search, AUTH_BEARER, PERM_INTEGRATIONS_VIEW,
	    RATE_SEARCH, BODY_NONE, search_input },
	{ METHOD_GET, PATH "/titles/{mediaType}/{tmdb}", title_get, AUTH_BEARER,
	    PERM_INTEGRATIONS_VIEW, RATE_SEARCH, BODY_NONE, NULL },
	{ METHOD_GET, PATH "/people", people_get, AUTH_BEARER, PERM_INTEGRATIONS_CONFIGURE,
	    RATE_TIER, BODY_NONE, NULL },
	{ METHOD_PUT, PATH "/people/{userId}", person_put, AUTH_BEARER, PERM_INTEGRATIONS_CONFIGURE,
	    RATE_TIER, BODY_JSON, person_input },
	{ .path = NULL },
};

static const struct field_rule params[] = {
	{ "mediaType", FIELD_ENUM, .choices = CHOICES(REQUEST_MEDIA_LIST) },
	{ "tmdb", FIELD_STRING, .min = 1, .max = TMDB_DIGITS },
	{ .name = NULL },
};

const struct route_module overseerr_module = { "overseerr", overseerr_routes, params };
