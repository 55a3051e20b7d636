/* People as the operator's tool creates and lists them. */
#ifndef MN_STORE_ACCOUNTS_H
#define MN_STORE_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>

#include "model/user.h"
#include "store/pg.h"

struct arena;
struct error;

extern const struct query store_accounts_queries[];

struct account_new {
	const char *id, *email, *display_name, *role, *password_hash;
};

/* ERR_CONFLICT on users_email_key if the address exists; case does not matter. */
bool store_account_insert(struct db *, struct arena *, const struct account_new *, struct error *);
/* All people, oldest first. ERR_INTERNAL for a role or tier that this program does not know. */
bool store_account_list(struct db *, struct arena *, struct user **, size_t *n, struct error *);

#endif
