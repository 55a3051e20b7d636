/* The columns of a person, and functions that read such rows: for store_*.c only. */
#ifndef MN_STORE_USER_H
#define MN_STORE_USER_H

#include "model/user.h"
#include "store/pg.h"

/* From `users u`. A query may select more columns after these, from USER_COLUMNS on. */
#define USER_SQL \
	"u.id, u.email, u.display_name, u.role, u.tier, u.status = 'active', u.generation," \
	" " SQL_US("u.created_at") ", " SQL_US( \
	    "u.last_login_at") ", u.totp_confirmed_at IS NOT NULL," \
			       " u.plex_id IS NOT NULL, u.version, u.time_zone"
#define USER_COLUMNS 13

/* False: the role or tier is unknown to this program; the lowest one takes its place. */
bool store_user_from_row(const struct rows *, size_t row, struct user *);
/* The first row, or id NULL when there is none. */
void store_user_or_none(const struct rows *, struct user *);
/* All rows. */
void store_users_from_rows(struct arena *, const struct rows *, struct user **, size_t *n);

#endif
