/*
 * Tags of a song, read from the file itself: ffprobe joins several artists into one text or reads
 * only the first of them, and takes old text for ISO 8859-1.
 *
 * The readers take what is well-formed and leave out the rest; they never fail. Text goes into
 * UTF-8 when all of it is there, as the charset of old text is guessed from all of it together.
 */
#ifndef MN_MEDIA_TAGS_H
#define MN_MEDIA_TAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct arena;
struct media_run;

#define TAGS_BYTES_MAX (16UL << 20)      /* of a block of tags that is read at once */
#define TAGS_ALL_MAX (40UL << 20)        /* bytes of all blocks of a file together */
#define TAGS_TEXT_BYTES_MAX (64UL << 10) /* of one text, as it stands in the file */
#define TAGS_VALUES_MAX 16               /* of one tag, such as artists */
#define TAGS_BOXES_MAX 4096              /* boxes, chunks and pages that are looked at */

enum tag {
	TAG_TITLE,
	TAG_ARTIST,
	TAG_ARTISTS, /* where a tagger writes each of them, beside one text for show */
	TAG_ALBUM,
	TAG_ALBUM_ARTIST,
	TAG_COMPOSER,
	TAG_GENRE,
	TAG_DATE,
	TAG_TRACK,
	TAG_TRACK_TOTAL,
	TAG_DISC,
	TAG_DISC_TOTAL,
	TAG_LYRICS,
	TAG_TRACK_GAIN,
	TAG_TRACK_PEAK,
	TAG_ALBUM_GAIN,
	TAG_ALBUM_PEAK,
	TAG_R128_TRACK,
	TAG_R128_ALBUM,
	TAG_COUNT, /* none of them */
};

/* TAG_OLD: no charset is told; UTF-8 is known by its shape. UTF-16 may begin with its order. */
enum tag_text { TAG_UTF8, TAG_OLD, TAG_UTF16, TAG_UTF16BE };

struct tag_value {
	const char *text; /* UTF-8 after tags_read() */
	size_t len;
	bool old; /* of a charset that has to be guessed */
};

struct tags {
	struct arena *arena;
	struct tag_value values[TAG_COUNT][TAGS_VALUES_MAX];
	size_t n[TAG_COUNT];
	int block[TAG_COUNT]; /* the block of tags that the values come from */
	int current;          /* blocks are read in the order of their worth */
	size_t loaded;        /* bytes, by tags_load() */
};

/* Reads what the container has; of two blocks the better one counts for each tag. */
void tags_read(struct media_run *, struct tags *);
/* The first value; NULL: there is none. */
const char *tags_text(const struct tags *, enum tag);

/* --- for the readers */
/* A block begins; what an earlier one said stays. */
void tags_block(struct tags *);
void tags_add(struct tags *, enum tag, enum tag_text, const unsigned char *, size_t);
/* By the names that Vorbis comments have and others have taken over; TAG_COUNT: another. */
enum tag tags_named(const char *name, size_t len);
/* By number, as ID3v1 has them; NULL: there is no such genre. */
const char *tags_genre(unsigned long);
/* Reads `size` bytes; NULL: the file ends before, or they are too many. */
unsigned char *tags_load(struct tags *, int fd, off_t at, uint64_t size);

void id3_read(struct tags *, int fd);                                 /* at both ends */
void id3_parse(struct tags *, const unsigned char *tag, size_t size); /* header, at least */
void flac_read(struct tags *, int fd);
void ogg_read(struct tags *, int fd);
void mp4_read(struct tags *, int fd);
void riff_read(struct tags *, int fd);

#endif
