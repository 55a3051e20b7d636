#include "service/catalogue/places.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/str.h"
#include "service/call.h"
#include "service/catalogue/media.h"
#include "service/services.h"
#include "store/store_media.h"

#include "core/banned.h"

#define LATITUDE_MAX 90
#define LONGITUDE_MAX 180
#define WORLD 360.0       /* degrees */
#define SQUARES_OF_ZOOM 4 /* in each direction, of the 256 pixels that zoom 0 has for the world */
#define DAY_US (86400 * US_PER_SEC)

bool
places_on(const struct call *call)
{
	return config_bool(call->svc->config, CFG_MEDIA_PLACES);
}

bool
places_may(const struct call *call, const struct media_filter *f, struct error *err)
{
	return (f->place == 0 && f->country == NULL && f->bounds == NULL) || places_on(call) ||
	    error_slug(err, ERR_NOT_FOUND, "places_off", "Places are switched off here.");
}

static bool
within(double value, double most)
{
	return value >= -most && value <= most;
}

bool
media_bounds_parse(const char *text, struct media_bounds *b)
{
	double *const members[] = { &b->west, &b->south, &b->east, &b->north };
	const size_t n = sizeof(members) / sizeof(members[0]);
	char *end;

	if (text[strspn(text, "0123456789.,-")] != '\0')
		return false;
	for (size_t i = 0; i < n; i++) {
		*members[i] = strtod(text, &end);
		if (end == text || *end != (i + 1 < n ? ',' : '\0'))
			return false;
		text = end + 1;
	}
	return within(b->west, LONGITUDE_MAX) && within(b->east, LONGITUDE_MAX) &&
	    within(b->south, LATITUDE_MAX) && within(b->north, LATITUDE_MAX) &&
	    b->south <= b->north;
}

/* What the routes about places have in common. */
static bool
ask_fits(const struct call *call, const struct media_ask *ask, struct error *err)
{
	if (!places_on(call))
		return error_slug(err, ERR_NOT_FOUND, "places_off",
		    "Places are switched off here.");
	return ask->filter.collection == NULL ||
	    error_field(err, "collection", "choice", "must not be given for places");
}

/* The count and the city after which a page begins; city NULL: at the start. */
static bool
places_after(const struct call *call, const char *cursor, struct list_position *after,
    struct error *err)
{
	int64_t city;

	return list_after(call->arena, LIST_PLACES, cursor, after, err) &&
	    (after->text == NULL || str_to_int(after->text, 1, INT32_MAX, &city) ||
		error_field(err, "cursor", "format", "must be a cursor of this list"));
}

bool
media_places(const struct call *call, const struct media_ask *ask, struct media_place **places,
    struct page *page, struct error *err)
{
	struct list_position after;
	struct media_reader reader;
	size_t n;

	if (!ask_fits(call, ask, err))
		return false;
	media_reader_in(call->by.who, ask->scope, &reader);
	if (!places_after(call, ask->list.cursor, &after, err) ||
	    !store_media_places(call->svc->db, call->arena,
		&(const struct media_places_ask) {
		    &reader, &ask->filter, after.number, after.text, ask->list.limit + 1 },
		places, &n, err))
		return false;
	if (list_cut(page, n, ask->list.limit)) {
		const struct media_place *last = &(*places)[page->n - 1];

		after = (struct list_position) { .number = last->count,
			.text = arena_printf(call->arena, "%lld", (long long)last->id) };
		page->next = list_cursor(call->arena, LIST_PLACES, &after);
	}
	return true;
}

/*
 * Degrees of a square: as the zoom wants it, or larger where the box has more squares than the
 * answer may have clusters. An edge may lie anywhere in its square, hence one more.
 */
static double
square_size(const struct media_bounds *b, int zoom)
{
	double size = WORLD / SQUARES_OF_ZOOM / exp2(zoom);
	double width = b == NULL ? WORLD : b->east - b->west, height;

	if (width < 0)
		width += WORLD;
	height = b == NULL ? WORLD / 2 : b->north - b->south;
	while ((width / size + 1) * (height / size + 1) > MEDIA_CLUSTERS_MAX)
		size *= 2;
	return size;
}

bool
media_clusters(const struct call *call, const struct media_ask *ask, int zoom,
    struct media_cluster **clusters, size_t *n, struct error *err)
{
	struct media_reader reader;

	if (!ask_fits(call, ask, err))
		return false;
	media_reader_in(call->by.who, ask->scope, &reader);
	return store_media_clusters(call->svc->db, call->arena,
	    &(const struct media_clusters_ask) {
		&reader, &ask->filter, square_size(ask->filter.bounds, zoom), MEDIA_CLUSTERS_MAX },
	    clusters, n, err);
}

static bool
leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Fills the days of the former years; their number. */
static size_t
former_days(struct arena *arena, const char *date, const char *first[ON_THIS_DAY_YEARS],
    const char *past[ON_THIS_DAY_YEARS])
{
	int this_year = (int)strtol(date, NULL, 10);
	const char *day = date + strlen("2026-");
	bool leap_day = strcmp(day, "02-29") == 0;
	bool both = strcmp(day, "02-28") == 0 && !leap(this_year);
	size_t n = 0;

	for (int year = this_year - 1; year > 0 && year >= this_year - ON_THIS_DAY_YEARS; year--) {
		char *next = arena_alloc(arena, TIME_LOCAL_MAX);
		int64_t us = 0;

		if (leap_day && !leap(year))
			continue;
		first[n] = arena_printf(arena, "%04d-%s", year, day);
		(void)time_parse_rfc3339(arena_printf(arena, "%sT00:00:00Z", first[n]), &us);
		time_local(us + (both && leap(year) ? 2 : 1) * DAY_US, next);
		past[n++] = next;
	}
	return n;
}

bool
media_on_this_day(const struct call *call, const char *date, const struct media_ask *ask,
    struct media **items, size_t *n, struct error *err)
{
	const char *first[ON_THIS_DAY_YEARS], *past[ON_THIS_DAY_YEARS];
	size_t days = former_days(call->arena, date, first, past);
	struct media_reader reader;

	media_reader_in(call->by.who, ask->scope, &reader);
	return store_media_on_days(call->svc->db, call->arena,
	    &(const struct media_days_ask) {
		&reader, { first, days }, { past, days }, ON_THIS_DAY_EACH },
	    items, n, err);
}
