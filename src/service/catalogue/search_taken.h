/*
 * Days in a query: taken:2012, taken:2012-05, taken:2012-05-17; from one to another with two full
 * stops, 2012..2014-06, and open on a side, 2012.. or ..2014. 2012-2014 is a range too. Pure.
 */
#ifndef MN_SERVICE_CATALOGUE_SEARCH_TAKEN_H
#define MN_SERVICE_CATALOGUE_SEARCH_TAKEN_H

#include <stdbool.h>

struct arena;

/* First and last day as ISO 8601 (2012-05-01), NULL where it is open; false: no such days. */
bool search_taken_parse(struct arena *, const char *value, const char **from, const char **to);

#endif
