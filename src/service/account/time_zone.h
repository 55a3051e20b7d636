/*
 * Names of time zones, as people's browsers send them.
 *
 * The names are those that PostgreSQL knows (pg_timezone_names: on Debian, its tzdata), because
 * PostgreSQL is what computes with them. Its clocks are the same for every process of every host.
 */
#ifndef MN_SERVICE_ACCOUNT_TIME_ZONE_H
#define MN_SERVICE_ACCOUNT_TIME_ZONE_H

#include <stdbool.h>

struct call;
struct error;

#define TIME_ZONE_MAX 64 /* code points of a name */

/* *zone: the name as PostgreSQL writes it. Otherwise an error of the field timeZone. */
bool time_zone_find(const struct call *, const char *name, const char **zone, struct error *);
/* In the transaction: their items whose dates follow from the zone are completed again. */
bool time_zone_changed(const struct call *, const char *user_id, struct error *);

#endif
