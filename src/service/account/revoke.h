/*
 * Ends sessions and raises generations with effect from the next request: first in a transaction,
 * with jobs that repeat the push, then in Redis, after the commit and before the response.
 */
#ifndef MN_SERVICE_ACCOUNT_REVOKE_H
#define MN_SERVICE_ACCOUNT_REVOKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"

struct call;
struct error;

#define REVOKE_PUSH_RETRY_SECONDS 5 /* after which the worker repeats a push */

/*
 * The revocations that revoke_push() sends to Redis. Zero it first; the functions below add to it.
 * One person at a time.
 */
struct revocation {
	const char *user_id;
	struct strings sids;
	int64_t until;         /* us: access tokens of these sessions expire before this */
	int64_t generation;    /* 0 = not raised */
	struct strings tokens; /* API tokens, by id */
};

/* In the caller's transaction. */
bool revoke_session(const struct call *, const char *user_id, const char *sid, const char *reason,
    struct revocation *, struct error *);
/* All sessions of a person, but `except` (or NULL). */
bool revoke_sessions(const struct call *, const char *user_id, const char *except,
    const char *reason, struct revocation *, struct error *);
/*
 * API tokens, by their ids, which the caller ends in PostgreSQL. The push lasts longer than the
 * result that Redis keeps for a token (API_TOKEN_FRESH_SECONDS), with a margin for clocks that
 * disagree.
 */
bool revoke_tokens(const struct call *, struct strings ids, struct revocation *, struct error *);
#define REVOKE_TOKEN_SECONDS 3600
/* Makes every access token of the person stale; sessions go on and may refresh. */
bool revoke_generation(const struct call *, const char *user_id, struct revocation *,
    struct error *);

/*
 * After the commit. False: ERR_UNAVAILABLE; the revocation is committed anyway, and a job repeats
 * the push.
 */
bool revoke_push(const struct call *, const struct revocation *, struct error *);
/* For the worker: repeats a push; payload {"sid","expiresAt"} or {"user","generation"}. */
bool revoke_push_again(const struct call *, const char *payload, struct error *);

#endif
