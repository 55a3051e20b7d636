/* The words of a note about several things. */
#ifndef MN_SERVICE_NOTIFY_NOTIFY_WORDS_H
#define MN_SERVICE_NOTIFY_NOTIFY_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/str.h"

struct arena;

struct group_words {
	bool uploads;         /* the recipient's own, rather than something new in the library */
	const char *title;    /* of the group: "Severance, season 2"; or NULL */
	int64_t good, bad;    /* how many items went well, and how many failed */
	int64_t parts;        /* of which they consist; names are theirs */
	const char *kind;     /* of all items: "episode"; or NULL */
	const char *failure;  /* why the first failed, or NULL */
	struct strings names; /* titles of the first items, the failed ones first */
};

/* "Severance, season 2: 10 episodes added", "60 added, 4 failed", "sea.jpg is ready" */
const char *group_title(struct arena *, const struct group_words *);
/* "12 photos", "1 item"; kind: of all, or NULL */
const char *group_count(struct arena *, const char *kind, int64_t n);
/* "Severance, season 2"; number 0: specials, -1: the season has none, only its title */
const char *group_season_title(struct arena *, const char *series, const char *season,
    int64_t number);
/* "Hello, Ms. Cobel, Goodbye, Mrs. Selvig and 8 more"; of one failed upload its reason */
const char *group_message(struct arena *, const struct group_words *);

#endif
