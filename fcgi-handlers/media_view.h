/* An item as JSON; shared by the media and the search routes. */
#ifndef MN_FCGI_HANDLERS_MEDIA_VIEW_H
#define MN_FCGI_HANDLERS_MEDIA_VIEW_H

#include <stdint.h>

struct json;
struct list_ask;
struct media;
struct page;
struct request;

/*
 * The members of the object; the caller opens and closes it and may add its own. The URLs are
 * signed as of `now`: pass the same value for all items of a response.
 */
void media_members(const struct request *, struct json *, const struct media *, int64_t now);
/* `thumbnails` alone: signed URLs by width. */
void media_thumbnails_view(const struct request *, struct json *, const struct media *,
    int64_t now);
/* All pictures and clips that were made of it: thumbnails, poster, preview, sprite. */
void media_pictures_view(const struct request *, struct json *, const struct media *, int64_t now);
/*
 * A route with this rule lets its callers choose the thumbnails that items carry: each URL is
 * signed and takes 500 bytes. Without the parameter, and for all other routes, there are all of
 * them.
 */
#define THUMBNAILS_RULE \
	{ "thumbnails", FIELD_ENUM, \
		.choices = "320|640|1280|320,640|320,1280|640,1280|320,640,1280" }
/* Of the whole object: it changes too when places are switched on or off. */
const char *media_view_etag(const struct request *, const struct media *, int64_t now);
/* A city as members of an object. */
void media_place_members(struct json *, int64_t id, const char *name, const char *region,
    const char *country);
/* The whole object. */
void media_view(const struct request *, struct json *, const char *key, const struct media *,
    int64_t now);
/* A page of a list of items: the whole body. */
struct json *media_page_view(const struct request *, const struct list_ask *, const struct media *,
    const struct page *);

#endif
