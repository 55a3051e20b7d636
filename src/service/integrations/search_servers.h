/*
 * The leg `plex` of a search: the media servers' own search, which knows what is not in the
 * catalogue (people, other titles). All servers are asked at the same time.
 *
 * What they find counts if it is in the catalogue and the caller can read it there. For a library
 * with other hits a run of the sync is requested: who sees them is known when they are in the
 * catalogue.
 */
#ifndef MN_SERVICE_INTEGRATIONS_SEARCH_SERVERS_H
#define MN_SERVICE_INTEGRATIONS_SEARCH_SERVERS_H

#include "service/catalogue/search_leg.h"

extern const struct search_leg search_servers_leg;

#endif
