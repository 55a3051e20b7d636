/* /api/media: the catalogue; and, of the same URL family, uploads (upload.c). */
#ifndef MN_FCGI_HANDLERS_MEDIA_H
#define MN_FCGI_HANDLERS_MEDIA_H

#include "http/route.h"

extern const struct route_module media_module, upload_module;

#endif
