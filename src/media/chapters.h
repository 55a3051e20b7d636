/* Chapters of audiobooks and videos. */
#ifndef MN_MEDIA_CHAPTERS_H
#define MN_MEDIA_CHAPTERS_H

struct media_run;
struct probe;

#define CHAPTERS_MAX 500
#define CHAPTER_TITLE_MAX 100 /* bytes */

/* Writes `chapters`, in the order of the file, if it has any. */
void chapters_put(struct media_run *, const struct probe *);

#endif
