/* What a body says of when an item was taken: for one item and for many. */
#ifndef MN_FCGI_HANDLERS_TAKEN_INPUT_H
#define MN_FCGI_HANDLERS_TAKEN_INPUT_H

#include <stdbool.h>

#include "core/clock.h"
#include "http/input.h"
#include "model/media.h"

struct error;
struct media_patch;

/* takenAt null: nobody knows. takenAtOffset null: that of the owner's time zone. */
#define TAKEN_RULES \
	{ "takenAt", FIELD_TIME, .flags = FIELD_NULLABLE }, \
	    { "takenAtLocal", FIELD_STRING, .min = TIME_LOCAL_MAX - 1, \
		    .max = TIME_LOCAL_MAX - 1 }, \
	{ \
		"takenAtOffset", FIELD_INT, .min = -TAKEN_OFFSET_MAX, .max = TAKEN_OFFSET_MAX, \
		    .flags = FIELD_NULLABLE \
	}

/* Adds it to a patch. ERR_VALIDATION: it does not fit together, or is no date. */
bool taken_input(const struct input *, struct media_patch *, struct error *);

#endif
