/* Every secret that is stored sealed, for those who seal them again: see service/seal.h. */
#ifndef MN_STORE_SEALS_H
#define MN_STORE_SEALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/pg.h"

extern const struct query store_seals_queries[];

/* The columns of users that hold a sealed text. */
enum seal_column { SEAL_TOTP_SECRET, SEAL_TOTP_PENDING, SEAL_PLEX_TOKEN, SEAL_COLUMNS };

struct seal_row {
	const char *user_id;
	const char *sealed[SEAL_COLUMNS]; /* NULL: none */
};

/*
 * People after this id (NULL: from the first one), in its order, who have a secret that does not
 * begin with `prefix`. At most `limit`.
 */
bool store_seals_other(struct db *, struct arena *, const char *after, const char *prefix,
    int limit, struct seal_row **, size_t *n, struct error *);
/* Replaces the text if it is still `old`. */
bool store_seals_replace(struct db *, struct arena *, const char *user_id, enum seal_column,
    const char *old, const char *new, bool *replaced, struct error *);
/* How many secrets begin with `prefix`: of people, and in jobs that wait. */
bool store_seals_count(struct db *, struct arena *, const char *prefix, int64_t *people,
    int64_t *jobs, struct error *);

#endif
