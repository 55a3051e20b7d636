/* The answer of every route that says what there is to play. */
#ifndef MN_FCGI_HANDLERS_MEDIA_PLAYBACK_H
#define MN_FCGI_HANDLERS_MEDIA_PLAYBACK_H

#include <stdbool.h>

struct error;
struct playback;
struct request;
struct response;

bool media_playback_answer(const struct request *, struct response *, int status,
    const struct playback *, struct error *);

#endif
