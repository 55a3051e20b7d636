/*
 * Checking a password, with counters of failures in PostgreSQL per (account, address), account and address. Nobody can lock the owner out from elsewhere:
 * the account's own counter spares addresses that the account signed in from before.
 */
#ifndef MN_SERVICE_LOGIN_H
#define MN_SERVICE_LOGIN_H

#include <stdbool.h>

struct arena;
struct error;
struct rows;
struct services;

struct login_checked {
	struct rows *person;  /* store_person_by_email() */
	const char *new_hash; /* when the parameters have changed since the password was set, or NULL */
};

bool login_check(struct services *, struct arena *, const char *email, const char *password, const char *address, struct login_checked *, struct error *);

#endif
