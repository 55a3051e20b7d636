/* Notifications and people's preferences for them. */
#ifndef MN_MODEL_NOTIFICATION_H
#define MN_MODEL_NOTIFICATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/words.h"

/* When a kind is mailed. */
#define NOTIFICATION_EMAIL_LIST(X) X("off") X("now") X("daily") X("weekly")

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

/*
 * The result for one recipient; seq 0: no row, because this person has turned the kind off for the
 * page.
 */
struct notification_sent {
	const char *user, *id;
	int64_t seq, created_at;
	bool mail_now; /* this person wants a mail about it at once */
};

struct notification_preference {
	const char *kind, *email;
	bool page;
};

#endif
