/* A photo: its EXIF data, thumbnails and placeholder. */
#ifndef MN_MEDIA_PHOTO_H
#define MN_MEDIA_PHOTO_H

#include <stdbool.h>

struct error;
struct media_run;

bool photo_process(struct media_run *, struct error *);

#endif
