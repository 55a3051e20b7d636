/*
 * Invitations: made by people who manage others (P:users.manage), for an account with a role that
 * they may give. An invitation is as good as the right of its author to make it now
 * (store/store_invites.h), and nothing is said about an address to somebody without a good one.
 */
#ifndef MN_SERVICE_ACCOUNT_INVITES_H
#define MN_SERVICE_ACCOUNT_INVITES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/access.h"
#include "model/user.h"
#include "service/list.h"

struct call;
struct error;

#define INVITE_TTL_SECONDS (7 * 86400)
#define INVITE_TOKEN_BYTES 24

struct invite_new {
	const char *email; /* or NULL: for anyone who has the link */
	enum role role;
	enum tier tier;
};
struct invite_made {
	const char *id, *token, *url;
	int64_t expires_at;
};
/* Also sent by mail if an address is given and mail is set up. */
bool invite_add(const struct call *, const struct invite_new *, struct invite_made *,
    struct error *);
/* Those that can be used, newest first. */
bool invite_list(const struct call *, const struct list_ask *, struct invite **, struct page *,
    struct error *);
bool invite_revoke(const struct call *, const char *id, struct error *);

struct invite_use {
	const char *token, *email; /* of the person who joins */
};
/* ERR_FORBIDDEN invite_invalid. */
bool invite_check(const struct call *, const struct invite_use *, struct error *);
/* In the transaction that uses it: the same, and no other transaction can use or end it. */
bool invite_take(const struct call *, const struct invite_use *, struct invite *, struct error *);

#endif
