/*
 * /api/media: the catalogue, and under the same prefix uploads (upload.c), collections and marks
 * (collections.c), public links (links.c), and archives to download (downloads.c).
 */
#ifndef MN_FCGI_HANDLERS_MEDIA_H
#define MN_FCGI_HANDLERS_MEDIA_H

#include "http/route.h"

extern const struct route_module media_module, media_bulk_module, media_sidecar_module,
    upload_module, duplicates_module, collections_module, links_module, downloads_module,
    media_playback_module, places_module;

#endif
