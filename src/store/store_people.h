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
/* Whether an active account is linked to Plex. */
bool store_people_any_plex(struct db *, struct arena *, bool *any, struct error *);
/* Holds up a deletion of the person: for rows that will refer to them, before other locks. */
bool store_person_keep(struct db *, struct arena *, const char *id, struct error *);
/*
 * Locks everyone who takes part in a change by an admin, in one order. *granted: the caller is
 * active and in that generation, and the API token, if there is one, has not been revoked.
 */
struct store_people_involved {
	const char *caller;
	int64_t generation;
	const char *token_id;      /* or NULL */
	const char *target, *heir; /* or NULL */
	bool supers;               /* all active super admins too, because one of them may go */
	bool deletes;              /* rows of the people involved may be deleted */
};
bool store_person_granted(struct db *, struct arena *, const struct store_people_involved *,
    bool *granted, struct error *);
/* Counts the active super admins other than `id`. */
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
