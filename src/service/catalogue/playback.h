/*
 * Playing a video or a song: its file where browsers play that (catalogue/playable.h), otherwise a
 * version in H.264 and AAC, which the job media.playback (processing/playback.h) makes when
 * somebody wants to play it. Who may see an item may play it.
 */
#ifndef MN_SERVICE_CATALOGUE_PLAYBACK_H
#define MN_SERVICE_CATALOGUE_PLAYBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "model/media.h"

struct call;
struct error;

#define PLAYBACK_KEY_PREFIX "playback:" /* of the unique key of its job */
#define PLAYBACK_ASKED_MAX 50           /* that wait for one person */
#define PLAYBACK_VISITORS_MAX 10        /* with that many, visitors of links add no more */
#define PLAYBACK_OFF "off"              /* media.transcode */
#define PLAYBACK_ALWAYS "always"

/* What `playback` of an item says. */
#define PLAYBACK_ORIGINAL "original"         /* browsers play the file */
#define PLAYBACK_TRANSCODED "transcoded"     /* there is a version that they play */
#define PLAYBACK_TRANSCODABLE "transcodable" /* one is made when it is asked for */
#define PLAYBACK_NONE "none"                 /* neither; media.transcode is off */

/*
 * One of these words, or NULL: the item is nothing that is played here. Without an object_key it is
 * that of a visitor who may not have the file.
 */
const char *playback_word(const struct call *, const struct media *);

struct playback {
	const char *state; /* ready, waiting, running, failed, none */
	/* of a ready one */
	const char *url, *content_type;
	bool transcoded;
	/*
	 * The file, of what not all browsers play, with its codecs: one that plays them needs no
	 * version. NULL: they are not known.
	 */
	const char *file_url, *file_type;
	int progress; /* percent of a running one; -1: unknown */
	const char *failure_code, *failure_message;
};

/*
 * `file_fails`: the caller's browser does not play the file, whatever the table says.
 * ERR_NOT_FOUND, slug not_ready while the item has no file yet.
 */
bool playback_get(const struct call *, const char *id, bool file_fails, struct playback *,
    struct error *);
/*
 * The same; where there is nothing to play yet, it is requested, a failed one again. ERR_CONFLICT
 * transcoding_off, too_many_waiting.
 */
bool playback_ask(const struct call *, const char *id, bool file_fails, struct playback *,
    struct error *);
/*
 * The same for a visitor of a link and an item of it, as link_item() reads it. What a visitor asks
 * for is made when there is time, waits for the owner of the link, and is not begun again after a
 * failure, so that a link moves nobody's work aside. ERR_NOT_FOUND: there is the preview alone.
 */
bool playback_visit_get(const struct call *, const struct media *, bool file_fails,
    struct playback *, struct error *);
bool playback_visit_ask(const struct call *, const struct media *, const char *owner,
    bool file_fails, struct playback *, struct error *);
/* In a transaction, for the worker: one that nobody has asked for, made when there is time. */
bool playback_ahead(const struct call *, const char *media_id, struct error *);
/* In a transaction: one that was given up waits again; its job is the caller's. */
bool playback_again(const struct call *, const char *media_id, bool *waits, struct error *);

#endif
