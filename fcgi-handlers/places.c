#include <stdlib.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "fcgi-handlers/list_view.h"
#include "fcgi-handlers/media.h"
#include "fcgi-handlers/media_filter.h"
#include "fcgi-handlers/media_view.h"
#include "http/request.h"
#include "http/response.h"
#include "service/catalogue/media.h"
#include "service/catalogue/places.h"

#include "core/banned.h"

static const struct field_rule places_input[] = {
	MEDIA_FILTER_RULES,
	MEDIA_PLACE_RULES,
	LIST_CURSOR_RULE,
	LIST_LIMIT_RULE,
	{ .name = NULL },
};

static const struct field_rule clusters_input[] = {
	MEDIA_FILTER_RULES,
	MEDIA_PLACE_RULES,
	{ "zoom", FIELD_INT, .min = 0, .max = MEDIA_MAP_ZOOM_MAX, .flags = FIELD_REQUIRED },
	{ .name = NULL },
};

static const struct field_rule on_this_day_input[] = {
	{ "date", FIELD_DATE, .flags = FIELD_REQUIRED },
	{ "scope", FIELD_ENUM, .choices = CHOICES(MEDIA_SCOPE_LIST) },
	THUMBNAILS_RULE,
	{ .name = NULL },
};

static const char *
places_cache_key(const struct request *req)
{
	if (input_has(req->input, "cursor"))
		return NULL;
	return arena_printf(req->arena, "media-places?%s", req->query);
}

static const char *
clusters_cache_key(const struct request *req)
{
	return arena_printf(req->arena, "media-clusters?%s", req->query);
}

static const char *
on_this_day_cache_key(const struct request *req)
{
	return arena_printf(req->arena, "media-on-this-day?%s", req->query);
}

static void
put_spot(struct json *j, double latitude, double longitude)
{
	json_put_num(j, "latitude", latitude);
	json_put_num(j, "longitude", longitude);
}

/* GET /api/media/places: the cities that items were taken in. */
static bool
places_get(const struct request *req, struct response *res, struct error *err)
{
	struct media_ask ask = { .list = list_ask_of(req->input) };
	struct json *j = json_new(req->arena, 0);
	struct media_place *places;
	struct page page;

	if (!media_filter_take(req->input, &ask, err) ||
	    !media_places(req->call, &ask, &places, &page, err))
		return false;
	list_open(j);
	for (size_t i = 0; i < page.n; i++) {
		json_object(j, NULL);
		media_place_members(j, places[i].id, places[i].name, places[i].region,
		    places[i].country);
		put_spot(j, places[i].latitude, places[i].longitude);
		json_put_int(j, "count", places[i].count);
		json_object_end(j);
	}
	list_close(j, &ask.list, &page);
	json_object_end(j);
	return response_json_cached(req, res, j, err);
}

static void
put_bounds(struct json *j, const struct media_bounds *b)
{
	json_array(j, "bounds");
	json_put_num(j, NULL, b->west);
	json_put_num(j, NULL, b->south);
	json_put_num(j, NULL, b->east);
	json_put_num(j, NULL, b->north);
	json_array_end(j);
}

/* GET /api/media/places/clusters: what a map shows. */
static bool
clusters_get(const struct request *req, struct response *res, struct error *err)
{
	int zoom = (int)input_int(req->input, "zoom", 0);
	struct json *j = json_new(req->arena, 0);
	struct media_cluster *clusters;
	struct media_ask ask = { .list = { NULL, 0 } };
	size_t n;

	if (!media_filter_take(req->input, &ask, err) ||
	    !media_clusters(req->call, &ask, zoom, &clusters, &n, err))
		return false;
	json_object(j, NULL);
	json_array(j, "items");
	for (size_t i = 0; i < n; i++) {
		json_object(j, NULL);
		put_spot(j, clusters[i].latitude, clusters[i].longitude);
		put_bounds(j, &clusters[i].bounds);
		json_put_int(j, "count", clusters[i].count);
		if (clusters[i].place_id != 0)
			json_put_int(j, "placeId", clusters[i].place_id);
		json_opt_str(j, "placeName", clusters[i].place_name);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
	return response_json_cached(req, res, j, err);
}

static int
year_of(const struct media *m)
{
	char text[TIME_LOCAL_MAX];

	time_local(m->taken_local, text);
	return (int)strtol(text, NULL, 10);
}

/* GET /api/media/on-this-day: photos and videos of a day in former years, by year. */
static bool
on_this_day_get(const struct request *req, struct response *res, struct error *err)
{
	const char *date = input_str(req->input, "date");
	struct media_ask ask = { .scope = media_scope_parse(input_str(req->input, "scope")) };
	struct json *j = json_new(req->arena, 0);
	int64_t now = clock_now();
	struct media *items;
	int year = 0;
	size_t n;

	if (!media_on_this_day(req->call, date, &ask, &items, &n, err))
		return false;
	json_object(j, NULL);
	json_put_str(j, "date", date);
	json_array(j, "years");
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || year_of(&items[i]) != year) {
			if (i > 0) {
				json_array_end(j);
				json_object_end(j);
			}
			year = year_of(&items[i]);
			json_object(j, NULL);
			json_put_int(j, "year", year);
			json_array(j, "items");
		}
		media_view(req, j, NULL, &items[i], now);
	}
	if (n > 0) {
		json_array_end(j);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
	return response_json_cached(req, res, j, err);
}

static const struct route places_routes[] = {
	{ METHOD_GET, "/api/media/places", places_get, AUTH_BEARER, PERM_MEDIA_READ, RATE_MEDIA,
	    BODY_NONE, places_input, places_cache_key },
	{ METHOD_GET, "/api/media/places/clusters", clusters_get, AUTH_BEARER, PERM_MEDIA_READ,
	    RATE_MEDIA, BODY_NONE, clusters_input, clusters_cache_key },
	{ METHOD_GET, "/api/media/on-this-day", on_this_day_get, AUTH_BEARER, PERM_MEDIA_READ,
	    RATE_MEDIA, BODY_NONE, on_this_day_input, on_this_day_cache_key },
	{ .path = NULL },
};

const struct route_module places_module = { "places", places_routes };
