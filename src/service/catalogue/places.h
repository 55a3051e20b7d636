/*
 * Where and when: the places of items, items on a map, and what was taken on a day of former years.
 *
 * A place is seen by those who see the coordinates: the owner of the item, and who sees everything.
 * So lists by place hold the caller's own items, or with MEDIA_EVERYONE and media.manage_all all of
 * them. While the setting media.places is off there are no places: ERR_NOT_FOUND, slug places_off.
 */
#ifndef MN_SERVICE_CATALOGUE_PLACES_H
#define MN_SERVICE_CATALOGUE_PLACES_H

#include <stdbool.h>
#include <stddef.h>

#include "model/media.h"
#include "service/list.h"

struct call;
struct error;
struct media_ask;

#define MEDIA_CLUSTERS_MAX 1024
#define MEDIA_MAP_ZOOM_MAX 20
#define MEDIA_BOUNDS_MAX 80 /* bytes of their text */
#define ON_THIS_DAY_YEARS 60
#define ON_THIS_DAY_EACH 12 /* items of each year */

bool places_on(const struct call *);
/* For lists: true unless the filter names a place while places are off. */
bool places_may(const struct call *, const struct media_filter *, struct error *);

/* "west,south,east,north" in degrees, as GeoJSON writes a box (RFC 7946 section 5). */
bool media_bounds_parse(const char *, struct media_bounds *);

/* A page of places, those with the most items first. */
bool media_places(const struct call *, const struct media_ask *, struct media_place **,
    struct page *, struct error *);
/*
 * What a map shows: at most MEDIA_CLUSTERS_MAX clusters of items within the filter's bounds (NULL:
 * the world), at a zoom of web maps, 0 being the world in 256 pixels.
 */
bool media_clusters(const struct call *, const struct media_ask *, int zoom,
    struct media_cluster **, size_t *n, struct error *);

/*
 * Photos and videos of that day ("2026-11-28") in former years, the newest first. What was taken on
 * 29 February is also of 28 February where a year has no 29th.
 */
bool media_on_this_day(const struct call *, const char *date, const struct media_ask *,
    struct media **, size_t *n, struct error *);

#endif
