/* /api/integrations/plex/sync and .../syncs: runs of the sync and their reports. */
#ifndef MN_HANDLERS_PLEX_SYNC_H
#define MN_HANDLERS_PLEX_SYNC_H

#include "http/route.h"

extern const struct route_module plex_sync_module;

#endif
