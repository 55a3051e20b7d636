/*
 * Notifications and what people want of them.
 */
#ifndef MN_MODEL_NOTIFICATION_H
#define MN_MODEL_NOTIFICATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/words.h"

/* What mail does with a kind. */
#define NOTIFICATION_EMAIL_LIST(X) X("now") X("digest") X("off")

/* Strings belong to the arena of the call. */
struct notification {
	const char *id, *kind, *title, *message, *data; /* data: JSON object text */
	int64_t seq;
	int64_t created_at; /* us */
	bool read;
};

struct notification_text {
	const char *kind, *event, *title, *message, *data;
};

/* What became of one recipient: seq 0 = no row, that person's preference for the page is off. */
struct notification_sent {
	const char *user, *id;
	int64_t seq, created_at;
};

struct notification_preference {
	const char *kind, *email;
	bool page;
};

#endif
