/* People, from the operator's side: no caller to authorise, the terminal is enough. */
#ifndef MN_SERVICE_ACCOUNT_ACCOUNTS_H
#define MN_SERVICE_ACCOUNT_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/id.h"
#include "model/user.h"

struct arena;
struct config;
struct db;
struct error;

#define ACCOUNT_NAME_MAX 100 /* code points */

struct account_request {
	const char *email;
	const char *display_name; /* NULL: what stands before the @ */
	enum role role;
	const char *password;
};

/* Length and the list of common ones: ERR_VALIDATION for `field`. */
bool account_check_password(const char *password, const char *field, struct error *);
/* All of a request; *name is the display name to use. */
bool account_check(const struct account_request *, const char **name, struct arena *,
    struct error *);

/* ERR_VALIDATION with fields, ERR_CONFLICT email_taken. */
bool account_create(struct db *, struct arena *, const struct config *,
    const struct account_request *, char id[UUID_TEXT], struct error *);
bool account_list(struct db *, struct arena *, struct user **, size_t *n, struct error *);

#endif
