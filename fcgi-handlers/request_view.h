/* What the routes of Overseerr and of its requests show alike. */
#ifndef MN_HANDLERS_REQUEST_VIEW_H
#define MN_HANDLERS_REQUEST_VIEW_H

#include "service/catalogue/pictures.h"

/* What Overseerr calls movie or tv, as a title that may be here. */
struct picture_title title_of(const char *media_type, int64_t tmdb_id, const char *poster);

#endif
