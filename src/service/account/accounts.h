/* Accounts as the operator manages them: access to the terminal is the authorisation. */
#ifndef MN_SERVICE_ACCOUNT_ACCOUNTS_H
#define MN_SERVICE_ACCOUNT_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/crypto.h"
#include "core/id.h"
#include "model/user.h"

struct arena;
struct config;
struct db;
struct error;

#define ACCOUNT_NAME_MAX 100 /* code points */

struct account_request {
	const char *email;
	const char *display_name; /* NULL: the part before the @ */
	enum role role;
	const char *password;
};

/* Checks the length and the list of common passwords: ERR_VALIDATION for `field`. */
bool account_check_password(const char *password, const char *field, struct error *);
/* Checks a whole request; *name is the display name to use. */
bool account_check(const struct account_request *, const char **name, struct arena *,
    struct error *);

/* An account that needs nothing but its row: hashing takes long, so not in a transaction. */
struct account_ready {
	const char *email, *name;
	enum role role;
	char id[UUID_TEXT], hash[ARGON2_HASH_MAX];
};
/* ERR_VALIDATION with fields. */
bool account_prepare(struct arena *, const struct config *, const struct account_request *,
    struct account_ready *, struct error *);
/* ERR_CONFLICT email_taken. */
bool account_insert(struct db *, struct arena *, const struct account_ready *, struct error *);
/* Both. */
bool account_create(struct db *, struct arena *, const struct config *,
    const struct account_request *, char id[UUID_TEXT], struct error *);
bool account_list(struct db *, struct arena *, struct user **, size_t *n, struct error *);

#endif
