/* What the tags of a song say, as metadata: its own tags first, then what ffprobe finds. */
#ifndef MN_MEDIA_SONG_TAGS_H
#define MN_MEDIA_SONG_TAGS_H

struct media_run;
struct probe;

#define LYRICS_MAX (16UL << 10) /* bytes */

void song_tags(struct media_run *, const struct probe *);

#endif
