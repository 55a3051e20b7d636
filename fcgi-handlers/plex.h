/* /api/integrations/plex: media servers and their libraries. */
#ifndef MN_HANDLERS_PLEX_H
#define MN_HANDLERS_PLEX_H

#include "http/route.h"

extern const struct route_module plex_module;

#endif
