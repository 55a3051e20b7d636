/*
 * Whether what was verified of a person still holds, and what ends with their credentials. Each
 * function locks the person, first of all rows.
 */
#ifndef MN_STORE_CREDENTIALS_H
#define MN_STORE_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/crypto.h"
#include "core/str.h"
#include "model/user.h"
#include "store/pg.h"

extern const struct query store_credentials_queries[];

struct session_new {
	const char *id, *device, *address;
	const unsigned char *refresh_hash; /* SHA256_SIZE */
	int64_t expires_at;
};
/*
 * The session, its first refresh token and the time of the last sign-in, in one statement. *opened
 * false: what was verified does not hold any more.
 */
bool store_session_create(struct db *, struct arena *, const struct session_new *,
    const struct verified *, bool *opened, struct error *);
/* Replaces the hash that was verified by another of the same password; *done false: it is gone. */
bool store_password_rehash(struct db *, struct arena *, const struct verified *,
    const char *new_hash, bool *done, struct error *);
/* Of a person who acts within a session, which has to go on. */
bool store_verified_holds(struct db *, struct arena *, const struct verified *,
    const char *session_id, bool *holds, struct error *);

struct store_credentials_end {
	const char *user_id;
	const char *password_hash; /* the new one, or NULL: it stays */
	bool end_tokens;           /* API tokens too */
};
/*
 * Ends links of mails, PINs and a second factor that is being set up. *tokens: the ids of the API
 * tokens that ended.
 */
bool store_credentials_end(struct db *, struct arena *, const struct store_credentials_end *,
    struct strings *tokens, struct error *);

#endif
