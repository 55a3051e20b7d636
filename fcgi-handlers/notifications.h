/* /api/notifications; medianest-notifyd serves ws and stream */
#ifndef MN_HANDLERS_NOTIFICATIONS_H
#define MN_HANDLERS_NOTIFICATIONS_H

#include "http/route.h"

extern const struct route_module notifications_module;

#endif
