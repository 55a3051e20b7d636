/* The filters of the list of items, and what else is asked about under them. */
#ifndef MN_FCGI_HANDLERS_MEDIA_FILTER_H
#define MN_FCGI_HANDLERS_MEDIA_FILTER_H

#include <stdbool.h>

#include "http/input.h"
#include "service/catalogue/places.h"

struct error;
struct json;
struct media_ask;
struct request;
struct response;

/* The state is apart: the trash is a list, but has no months. */
#define MEDIA_FILTER_RULES \
	{ "kind", FIELD_ENUM, .choices = CHOICES(MEDIA_KIND_LIST) }, \
	    { "tag", FIELD_STRING, .min = 1, .max = MEDIA_TAG_MAX }, \
	    { "source", FIELD_ENUM, .choices = CHOICES(MEDIA_SOURCE_LIST) }, \
	    { "owner", FIELD_UUID, .flags = 0 }, \
	    { "yearFrom", FIELD_INT, .min = MEDIA_YEAR_MIN, .max = MEDIA_YEAR_MAX }, \
	    { "yearTo", FIELD_INT, .min = MEDIA_YEAR_MIN, .max = MEDIA_YEAR_MAX }, \
	    { "takenFrom", FIELD_DATE, .flags = 0 }, { "takenTo", FIELD_DATE, .flags = 0 }, \
	    { "favorite", FIELD_BOOL, .flags = 0 }, { "archived", FIELD_BOOL, .flags = 0 }, \
	    { "collection", FIELD_UUID, .flags = 0 }, \
	{ \
		"scope", FIELD_ENUM, .choices = CHOICES(MEDIA_LIST_SCOPE_LIST) \
	}

/* Where: of routes that also have the other filters. */
#define MEDIA_PLACE_RULES \
	{ "place", FIELD_INT, .min = 1, .max = INT32_MAX }, \
	    { "country", FIELD_STRING, .min = 2, .max = 2 }, \
	{ \
		"bounds", FIELD_STRING, .min = 7, .max = MEDIA_BOUNDS_MAX \
	}

/*
 * Takes the filters and the scope; years and days that were given the wrong way round are swapped.
 */
bool media_filter_take(const struct input *, struct media_ask *, struct error *);

/*
 * A response that the cache may have: it is kept when it is requested a second time, so that one
 * that is read once costs only one round trip to Redis.
 */
bool response_json_cached(const struct request *, struct response *, struct json *, struct error *);

/* GET /api/media/months: how many items each month has. */
bool media_months_get(const struct request *, struct response *, struct error *);
extern const struct field_rule media_months_input[];
const char *media_months_cache_key(const struct request *);

/* GET /api/media/ids: all items of a list, in large pages. */
bool media_ids_get(const struct request *, struct response *, struct error *);
extern const struct field_rule media_ids_input[];

#endif
