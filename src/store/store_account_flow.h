/* Rows behind account_flow.h. */
#ifndef MN_STORE_ACCOUNT_FLOW_H
#define MN_STORE_ACCOUNT_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/user.h"
#include "store/pg.h"

extern const struct query store_account_flow_queries[];

struct store_mail_token {
	const unsigned char *hash; /* SHA256_SIZE */
	const char *purpose, *user_id, *email, *display_name, *password_hash;
	const char *session_id; /* that asked for it, or NULL */
	int64_t expires_at;
};
bool store_mail_token_add(struct db *, struct arena *, const struct store_mail_token *,
    struct error *);
/*
 * Uses up the token with token->hash, for one of `purposes` (a text[] literal), and fills the rest.
 * purpose NULL: the token is unknown, used or expired, its session has ended, the person's
 * generation is another one, or a link to reset went to an address that is not theirs any more.
 * Locks the person first.
 */
bool store_mail_token_use(struct db *, struct arena *, const char *purposes,
    struct store_mail_token *, struct error *);
/* Invalidates all open links of that purpose; NULL: of any. */
bool store_mail_tokens_drop(struct db *, struct arena *, const char *user_id, const char *purpose,
    struct error *);

bool store_account_confirmed(struct db *, struct arena *, const char *user_id, struct error *);
/* Invalidates all open links too: those to reset the password went to the address that is left. */
bool store_account_email(struct db *, struct arena *, const char *user_id, const char *email,
    struct error *);
struct store_profile {
	const char *display_name, *locale, *time_zone; /* NULL: unchanged */
};
bool store_account_profile(struct db *, struct arena *, const char *user_id,
    const struct store_profile *, struct error *);
/* Of a name, or else another one (or NULL), how the database writes it; *zone NULL: unknown. */
bool store_time_zone(struct db *, struct arena *, const char *name, const char *other,
    const char **zone, struct error *);

bool store_activity_add(struct db *, struct arena *, const char *user_id, const struct activity *,
    struct error *);
struct activity_ask {
	const char *user_id;
	int64_t before_time;   /* us; with before_id */
	const char *before_id; /* or NULL: from the newest */
	int limit;
};
bool store_activity_list(struct db *, struct arena *, const struct activity_ask *,
    struct activity **, size_t *n, struct error *);
/* Newest first, at most 120. */
bool store_statistics(struct db *, struct arena *, const char *user_id, struct month **, size_t *n,
    struct error *);

#endif
