/*
 * The names of people that programs for photos write into a picture or beside it: face regions of
 * the Metadata Working Group and of Microsoft, IPTC's PersonInImage, and the keywords under
 * "People" of digiKam and Lightroom, all in XMP; and the people of Google Takeout's JSON.
 */
#ifndef MN_MEDIA_PEOPLE_H
#define MN_MEDIA_PEOPLE_H

#include <stddef.h>

struct media_run;

#define PEOPLE_MAX 50              /* names of a file; as many tags an item may have */
#define PEOPLE_XMP_MAX (1UL << 20) /* bytes of a packet that are read */

/* Adds those of a packet, or of a sidecar; damaged ones have none. */
void people_of_xmp(struct media_run *, const unsigned char *, size_t);
/* Those of the XMP of a video in MP4 or QuickTime. */
void people_of_video(struct media_run *);
void people_of_sidecar(struct media_run *, const unsigned char *, size_t);

#endif
