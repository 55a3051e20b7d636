/*
 * Sessions, refresh token families, revocations and failed sign-ins. Tokens are passed as SHA-256
 * hashes only.
 */
#ifndef MN_STORE_SESSIONS_H
#define MN_STORE_SESSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/crypto.h"
#include "core/str.h"
#include "model/user.h"
#include "store/pg.h"

struct arena;
struct error;

extern const struct query store_sessions_queries[];

/*
 * id NULL: no account has this address; *password_hash is then NULL too. password_hash may be NULL.
 */
bool store_person_by_email(struct db *, struct arena *, const char *email, struct user *,
    const char **password_hash, struct error *);
bool store_person_by_id(struct db *, struct arena *, const char *id, struct user *, struct error *);
/* The state of a refresh token. user.id NULL: it is unknown, and nothing else is set. */
struct refresh_state {
	struct user user;
	const char *session_id, *device, *address; /* of the family: where it was used last */
	int64_t rotated_at;                        /* us; 0: not yet */
	int64_t now;                               /* us, by the database's clock */
	int64_t family_changed_at;                 /* us: the last token of the family */
	bool expired, revoked, dead; /* the token or its session; the session; the token */
	bool successor_used;
};
/* Locks the family. */
bool store_refresh_lock(struct db *, struct arena *, const unsigned char hash[SHA256_SIZE],
    struct refresh_state *, struct error *);
/* The same without locks or effects, to find the token's owner. */
bool store_refresh_peek(struct db *, struct arena *, const unsigned char hash[SHA256_SIZE],
    struct refresh_state *, struct error *);

struct refresh_rotation {
	const char *session_id;
	const unsigned char *old_hash, *new_hash; /* SHA256_SIZE */
	int64_t expires_at;
	const char *address;
};
bool store_refresh_rotate(struct db *, struct arena *, const struct refresh_rotation *,
    struct error *);

/* Which sessions end, and why. */
struct session_end {
	const char *session_id; /* this one; NULL: all of user_id */
	const char *user_id;    /* with session_id NULL */
	const char *except;     /* with user_id: all but this one; or NULL */
	const char *reason;
	int64_t blacklist_until; /* us */
};
/*
 * Ends the sessions: rows, refresh families, entries for Redis. *ended: the sids that were active.
 */
bool store_sessions_end(struct db *, struct arena *, const struct session_end *,
    struct strings *ended, struct error *);
bool store_generation_raise(struct db *, struct arena *, const char *user_id, int64_t *generation,
    struct error *);
/* Live sessions of a person, the last used first. */
bool store_sessions_list(struct db *, struct arena *, const char *user_id, struct session **,
    size_t *n, struct error *);
/*
 * For so long after their tokens have expired, revocations are kept, here and in Redis: when a
 * clock that was ahead is set back, the tokens are valid again.
 */
#define REVOKED_KEEP_SECONDS 172800
/* Revocations that are kept; the expiry is Unix seconds as text. */
struct revoked {
	const char *sid, *expires;
};
bool store_revoked_list(struct db *, struct arena *, struct revoked **, size_t *n, struct error *);
/* *found false: the person no longer exists. */
bool store_generation(struct db *, struct arena *, const char *user_id, int64_t *generation,
    bool *found, struct error *);
/* Without Redis: whether a session is active, and its person's generation. */
struct session_check {
	bool alive;
	int64_t generation;
};
bool store_session_check(struct db *, struct arena *, const char *session_id, const char *user_id,
    struct session_check *, struct error *);

/* Failed sign-ins, counted for each subject. */
#define LOGIN_WINDOW_SECONDS 900
enum login_subject { LOGIN_PAIR, LOGIN_ACCOUNT, LOGIN_ADDRESS, LOGIN_SUBJECTS };
struct login_who {
	const char *subjects[LOGIN_SUBJECTS];
	const char *email, *address;
};
struct login_state {
	int64_t failures[LOGIN_SUBJECTS]; /* in the window; 0 = none */
	int64_t seconds[LOGIN_SUBJECTS];  /* until the window ends */
	bool known_address;               /* this account signed in from there before */
};
bool store_login_state(struct db *, struct arena *, const struct login_who *, struct login_state *,
    struct error *);
bool store_login_failed(struct db *, struct arena *, const struct login_who *, struct error *);
bool store_login_forget(struct db *, struct arena *, const char *pair_subject, struct error *);

#endif
