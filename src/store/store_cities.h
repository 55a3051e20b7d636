/* The cities that name places (sql/0044), and items that have not been looked at with them. */
#ifndef MN_STORE_STORE_CITIES_H
#define MN_STORE_STORE_CITIES_H

#include <stdbool.h>
#include <stddef.h>

#include "core/str.h"
#include "store/pg.h"

extern const struct query store_cities_queries[];

/* One of each for every city; texts of numbers as they came, a region or zone may be NULL. */
struct cities {
	struct strings ids, names, regions, countries, zones, latitudes, longitudes;
};

/* Of the file that was loaded last; NULL: none. `seen_to` NULL: all items have been looked at. */
bool store_cities_source(struct db *, struct arena *, const char **fingerprint,
    const char **seen_to, struct error *);
/*
 * In a transaction: all cities go, others are added, and then these are in force: all items are to
 * be looked at again.
 */
bool store_cities_clear(struct db *, struct arena *, struct error *);
bool store_cities_add(struct db *, struct arena *, const struct cities *, struct error *);
bool store_cities_loaded(struct db *, struct arena *, const char *fingerprint, struct error *);
/*
 * In a transaction: looks at the next items behind `seen_to`, moves it, and names the owners of
 * those whose place has changed. *more: there are further ones.
 */
bool store_cities_look(struct db *, struct arena *, const char *seen_to, int limit,
    struct strings *owners, bool *more, struct error *);

#endif
