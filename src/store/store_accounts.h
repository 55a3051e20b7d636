/* People as the operator's tool creates and lists them. */
#ifndef MN_STORE_ACCOUNTS_H
#define MN_STORE_ACCOUNTS_H

#include <stdbool.h>

#include "store/pg.h"

struct arena;
struct error;

extern const struct query store_accounts_queries[];

struct account_new {
	const char *id, *email, *display_name, *role, *password_hash;
};

enum account_column {
	ACCOUNT_ID,
	ACCOUNT_EMAIL,
	ACCOUNT_NAME,
	ACCOUNT_ROLE,
	ACCOUNT_TIER,
	ACCOUNT_STATUS,
	ACCOUNT_CREATED,
	ACCOUNT_LOGIN,
};

/* ERR_CONFLICT on users_email_key when the address is known, whatever its case. */
bool store_account_insert(struct db *, struct arena *, const struct account_new *, struct error *);
/* Everybody, oldest first. Times in us. */
bool store_account_list(struct db *, struct arena *, struct rows **, struct error *);

#endif
