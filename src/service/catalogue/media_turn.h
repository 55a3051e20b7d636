/*
 * Photos and videos turned by a person. The file stays as it was uploaded: the row says how it is
 * turned, and the job media.turn (processing/turn.h) makes the pictures follow.
 */
#ifndef MN_SERVICE_CATALOGUE_MEDIA_TURN_H
#define MN_SERVICE_CATALOGUE_MEDIA_TURN_H

#include <stdbool.h>
#include <stdint.h>

struct call;
struct error;
struct media;
struct media_patch;

#define MEDIA_QUARTER 90       /* degrees: all turns are multiples of it */
#define MEDIA_ROTATION_MAX 270 /* degrees clockwise */

/*
 * In the transaction that holds the locked item: turns it as the patch says, with the clip of a
 * live photo, and adds the jobs. An item that is being processed needs none.
 */
bool media_turn(const struct call *, const struct media *, const struct media_patch *,
    struct error *);
/* Adds the job of an item that is turned and ready. */
bool media_turn_job(const struct call *, const char *id, const char *content_type, struct error *);
/* By how many degrees its pictures are still to be turned. */
int64_t media_turn_left(const struct media *);

#endif
