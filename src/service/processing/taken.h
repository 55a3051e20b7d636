/*
 * When an item was taken, from all that may say it, best first: the file itself, its name, when
 * it was changed last, and at last when it was uploaded. Pure: the zone of a wall clock is left to
 * the statement that publishes the item, because PostgreSQL has the time zones.
 */
#ifndef MN_SERVICE_PROCESSING_TAKEN_H
#define MN_SERVICE_PROCESSING_TAKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "model/media.h"

/* A clue that lies later than this after the upload is wrong: clocks differ, but not by more. */
#define TAKEN_AHEAD_US (2 * 86400LL * 1000000)

struct taken_clues {
	const struct taken *file; /* what medianest-media found; source NULL: nothing */
	const char *filename;     /* or NULL */
	int64_t modified_at;      /* us, 0: unknown */
	int64_t uploaded_at;
};

/* Always finds something: source is never NULL. */
struct taken taken_choose(const struct taken_clues *);
/*
 * The same of an item of this kind. Music has no such date: when it was recorded, its tags say as a
 * year.
 */
struct taken taken_of_kind(const char *kind, const struct taken_clues *);

/*
 * The date that a program wrote into a file's name, as in IMG-20240117-WA0003.jpg: a wall clock, or
 * an instant where the program counts in UTC; a day alone counts as noon. `latest`: no later date.
 */
bool taken_from_name(const char *filename, int64_t latest, struct taken *);

#endif
