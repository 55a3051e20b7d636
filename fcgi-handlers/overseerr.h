#ifndef MN_HANDLERS_OVERSEERR_H
#define MN_HANDLERS_OVERSEERR_H

struct route_module;

extern const struct route_module overseerr_module; /* settings, search and people */
extern const struct route_module requests_module;

#endif
