/* An item as JSON; shared by the media and the search routes. */
#ifndef MN_FCGI_HANDLERS_MEDIA_VIEW_H
#define MN_FCGI_HANDLERS_MEDIA_VIEW_H

#include <stdint.h>

struct json;
struct media;
struct request;

/*
 * The members of the object; the caller opens and closes it and may add its own. The URLs are
 * signed as of `now`: pass the same value for all items of a response.
 */
void media_members(const struct request *, struct json *, const struct media *, int64_t now);
/* The whole object. */
void media_view(const struct request *, struct json *, const char *key, const struct media *,
    int64_t now);

#endif
