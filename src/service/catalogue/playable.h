/*
 * What browsers play as it is: the one table. It holds what current versions of Chromium, Firefox
 * and Safari all play; a page whose browser does not play such a file says so, and gets a version
 * that it does (catalogue/playback.h).
 */
#ifndef MN_SERVICE_CATALOGUE_PLAYABLE_H
#define MN_SERVICE_CATALOGUE_PLAYABLE_H

#include "model/media.h"

struct arena;

#define PLAYABLE_CODECS_MAX 100 /* bytes */

/* FFmpeg's names, as metadata of an item has them, or NULL; `kind` of the item. */
struct playable_file {
	const char *kind, *content_type, *video, *profile, *audio;
};

/* PLAYABLE_UNKNOWN: it is neither a video nor a song. */
enum playable playable_of(const struct playable_file *);
/* The type under which a browser takes it: QuickTime's is MP4's. */
const char *playable_type(const char *content_type);
/*
 * The same with its codecs, as RFC 6381 writes it, to ask a browser with; `codecs` as metadata of
 * an item has them. NULL: they are not known.
 */
const char *playable_file_type(struct arena *, const char *content_type, const char *codecs);

#endif
