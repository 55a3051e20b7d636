/* Accounts: lists, changes, deletion. */
#ifndef MN_STORE_PEOPLE_H
#define MN_STORE_PEOPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/user.h"
#include "store/pg.h"

extern const struct query store_people_queries[];

struct store_people_filter {
	const char *q, *role, *tier, *status;
	int64_t before_time;   /* us; with before_id */
	const char *before_id; /* or NULL: from the newest */
	int limit;
};
bool store_people_list(struct db *, struct arena *, const struct store_people_filter *,
    struct user **, size_t *n, struct error *);
/* Locks the person. id NULL: unknown. */
bool store_person_lock(struct db *, struct arena *, const char *id, struct user *, struct error *);
/* Counts and locks the active super admins other than `id`. */
bool store_supers_besides(struct db *, struct arena *, const char *id, int64_t *n, struct error *);

struct store_person_change {
	const char *display_name, *role, *tier, *status, *quota;
	bool quota_default;
};
bool store_person_change(struct db *, struct arena *, const char *id,
    const struct store_person_change *, struct error *);
/*
 * Deleting a person, in this order: ends uploads that are not complete, with their items; moves the
 * other items to the trash (without an owner) or to somebody else, complete uploads with them;
 * deletes the person with everything else.
 */
bool store_person_uploads_end(struct db *, struct arena *, const char *id, struct error *);
bool store_person_items_trash(struct db *, struct arena *, const char *id, struct error *);
bool store_person_items_transfer(struct db *, struct arena *, const char *id, const char *to,
    struct error *);
bool store_person_delete(struct db *, struct arena *, const char *id, struct error *);
bool store_person_totp_clear(struct db *, struct arena *, const char *id, struct error *);

#endif
