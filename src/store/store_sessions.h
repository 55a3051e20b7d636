/*
 * Sessions, refresh token families, revocations, failed sign-ins and the role matrix. Tokens come
 * here as SHA-256 hashes only.
 */
#ifndef MN_STORE_SESSIONS_H
#define MN_STORE_SESSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/crypto.h"
#include "store/pg.h"

struct arena;
struct error;

extern const struct query store_sessions_queries[];

/* Columns of a person as every query here selects them, in this order. */
enum person_column {
	PERSON_ID,
	PERSON_EMAIL,
	PERSON_NAME,
	PERSON_ROLE,
	PERSON_TIER,
	PERSON_ACTIVE,
	PERSON_GENERATION,
	PERSON_CREATED,
	PERSON_LOGIN,
	PERSON_TOTP,
	PERSON_PLEX,
	PERSON_COLUMNS,
};

/* The same as SQL, over `users u`. */
#define PERSON_SQL \
	"u.id, u.email, u.display_name, u.role, u.tier, u.status = 'active', u.generation," \
	" " SQL_US("u.created_at") ", " SQL_US( \
	    "u.last_login_at") ", u.totp_confirmed_at IS NOT NULL," \
			       " u.plex_id IS NOT NULL"

struct session_new {
	const char *id, *user_id, *device, *address;
	const unsigned char *refresh_hash; /* SHA256_SIZE */
	int64_t expires_at;
};

/* Person + password hash in column PERSON_COLUMNS; no row = unknown. */
bool store_person_by_email(struct db *, struct arena *, const char *email, struct rows **,
    struct error *);
bool store_person_by_id(struct db *, struct arena *, const char *id, struct rows **,
    struct error *);
/* Session, first refresh token, last sign-in and cleared counters, in one round trip. */
bool store_session_create(struct db *, struct arena *, const struct session_new *,
    const char *new_password_hash, struct error *);

/*
 * Locks the family: person, then session id, rotated_at, now, expired, session revoked, dead,
 * successor used, last change (us).
 */
enum refresh_column {
	REFRESH_SESSION = PERSON_COLUMNS,
	REFRESH_ROTATED,
	REFRESH_NOW,
	REFRESH_EXPIRED,
	REFRESH_REVOKED,
	REFRESH_DEAD,
	REFRESH_SUCCESSOR_USED,
	REFRESH_SUCCESSOR_CHANGED,
};
bool store_refresh_lock(struct db *, struct arena *, const unsigned char hash[SHA256_SIZE],
    struct rows **, struct error *);
/* The same without locks or effect: whose token is it? */
bool store_refresh_peek(struct db *, struct arena *, const unsigned char hash[SHA256_SIZE],
    struct rows **, struct error *);
bool store_refresh_rotate(struct db *, struct arena *, const char *session_id,
    const unsigned char old_hash[SHA256_SIZE], const unsigned char new_hash[SHA256_SIZE],
    int64_t expires_at, const char *address, struct error *);

/*
 * Ends a session, or all of a person but `except` (or NULL): row, refresh family, entry for Redis.
 * Rows: the sids that were alive.
 */
bool store_session_revoke(struct db *, struct arena *, const char *session_id, const char *reason,
    int64_t blacklist_until, struct rows **ended, struct error *);
bool store_sessions_revoke(struct db *, struct arena *, const char *user_id, const char *except,
    const char *reason, int64_t blacklist_until, struct rows **ended, struct error *);
bool store_generation_raise(struct db *, struct arena *, const char *user_id, int64_t *generation,
    struct error *);
/* Live sessions of a person, the last used first: id, device, address, created, last used (us). */
bool store_sessions_list(struct db *, struct arena *, const char *user_id, struct rows **,
    struct error *);
/* Unexpired revocations: sid, Unix expiry. */
bool store_revoked_list(struct db *, struct arena *, struct rows **, struct error *);
/* generation (column 0) of a person; no row = gone. */
bool store_generation(struct db *, struct arena *, const char *user_id, struct rows **,
    struct error *);
/* Without Redis: generation, alive. No row = gone. */
bool store_session_check(struct db *, struct arena *, const char *session_id, const char *user_id,
    struct rows **, struct error *);

/* role, permission; then live settings: key, value. */
bool store_access_load(struct db *, struct arena *, struct rows **permissions,
    struct rows **settings, struct error *);

/* Failed sign-ins. `subjects`: pair, account, address. */
#define LOGIN_SUBJECTS 3
#define LOGIN_WINDOW_SECONDS 900
/*
 * failures and seconds until the window ends for each subject that has some: subject, failures,
 * seconds; and whether the address signed in before.
 */
bool store_login_state(struct db *, struct arena *, const char *const subjects[LOGIN_SUBJECTS],
    const char *email, const char *address, struct rows **counts, bool *known_address,
    struct error *);
bool store_login_failed(struct db *, struct arena *, const char *const subjects[LOGIN_SUBJECTS],
    struct error *);
bool store_login_forget(struct db *, struct arena *, const char *pair_subject, struct error *);

#endif
