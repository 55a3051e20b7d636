/*
 * Accounts as an admin manages them (P:users.manage). Nobody can give rights that they lack or
 * change a person who has more (grant.h), nor change their own role; the last super admin stays. A
 * change of rights takes effect at the next request; every change is audited.
 */
#ifndef MN_SERVICE_ACCOUNT_PEOPLE_H
#define MN_SERVICE_ACCOUNT_PEOPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/access.h"
#include "model/figures.h"
#include "model/user.h"
#include "service/list.h"

struct call;
struct error;

struct people_filter {
	const char *q, *role, *tier, *status;
};
bool people_list(const struct call *, const struct people_filter *, const struct list_ask *,
    struct user **, struct page *, struct error *);
bool people_get(const struct call *, const char *id, struct user *, struct error *);

/* What each of them uses, and their own quota, in their order. */
bool people_storage(const struct call *, const struct user *, size_t n, struct person_storage **,
    struct error *);

struct person_new {
	const char *email, *password, *display_name;
	enum role role;
	enum tier tier;
};
bool people_create(const struct call *, const struct person_new *, struct user *, struct error *);

/* NULL and -1: unchanged. */
struct person_change {
	const char *display_name, *role, *tier, *status;
	int64_t quota;   /* -1: unchanged, -2: the default */
	int64_t version; /* that was edited, 0: any */
};
bool people_change(const struct call *, const char *id, const struct person_change *, struct user *,
    struct error *);

/* Locks the person if they are at this version, 0: any. In a transaction. ERR_PRECONDITION. */
bool people_expect(const struct call *, const char *id, int64_t version, struct error *);

/* In the transaction that gives a person this name (NULL: none): cached pages have it. */
bool people_name_shown(const struct call *, const char *name, struct error *);

/*
 * transfer_to NULL: their items go to the trash, out of reach of all but those who manage all
 * media. A transfer wants P:media.manage_all.
 */
bool people_delete(const struct call *, const char *id, const char *transfer_to, struct error *);
/* For a person who has lost their device: two-step verification and all credentials end. */
bool people_reset_totp(const struct call *, const char *id, struct error *);

#endif
