/*
 * Invitations. One is open while it is unused, has not expired, and its author could make it now:
 * an active account whose role may invite, and not into a role above its own; an API token that
 * made it is not revoked. Every statement below uses this definition.
 */
#ifndef MN_STORE_INVITES_H
#define MN_STORE_INVITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/user.h"
#include "store/pg.h"

extern const struct query store_invites_queries[];

struct store_invite_new {
	const char *id, *email /* or NULL */, *role, *tier, *created_by;
	const char *token_id;      /* the API token that makes it, or NULL */
	const unsigned char *hash; /* SHA256_SIZE */
	int64_t expires_at;
};
/* *added false: the author may not invite into this role any longer. */
bool store_invite_add(struct db *, struct arena *, const struct store_invite_new *, bool *added,
    struct error *);

struct store_invites_ask {
	int64_t before_time;   /* us; with before_id */
	const char *before_id; /* or NULL: from the newest */
	int limit;
};
/* Open ones, newest first. */
bool store_invites_list(struct db *, struct arena *, const struct store_invites_ask *,
    struct invite **, size_t *n, struct error *);
/* Locks an open invitation. id NULL: there is none with this id. */
bool store_invite_lock(struct db *, struct arena *, const char *id, struct invite *,
    struct error *);
bool store_invite_delete(struct db *, struct arena *, const char *id, struct error *);

struct store_invite_key {
	const unsigned char *hash; /* SHA256_SIZE */
	const char *email;         /* of the person who joins */
};
/* An open invitation for this address; id NULL: there is none. `take` locks it. */
bool store_invite_find(struct db *, struct arena *, const struct store_invite_key *,
    struct invite *, struct error *);
bool store_invite_take(struct db *, struct arena *, const struct store_invite_key *,
    struct invite *, struct error *);
bool store_invite_used(struct db *, struct arena *, const char *id, const char *user_id,
    struct error *);

/*
 * Removes the unused invitations that are not open, whatever made them so: in the transaction that
 * takes rights away, so that giving them back brings none of them to life.
 */
bool store_invites_prune(struct db *, struct arena *, struct error *);

#endif
