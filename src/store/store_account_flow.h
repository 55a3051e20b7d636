/* Rows behind account_flow.h. */
#ifndef MN_STORE_ACCOUNT_FLOW_H
#define MN_STORE_ACCOUNT_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/pg.h"

extern const struct query store_account_flow_queries[];

struct store_mail_token {
	const void *hash;
	size_t hash_len;
	const char *purpose, *user_id, *email, *display_name, *password_hash;
	int64_t expires_at;
};
bool store_mail_token_add(struct db *, struct arena *, const struct store_mail_token *,
    struct error *);
/*
 * Uses it up: purpose, user id, e-mail, display name, password hash. No row = not good (any more).
 * `purposes` is a text[] literal.
 */
enum {
	MAIL_TOKEN_PURPOSE,
	MAIL_TOKEN_USER,
	MAIL_TOKEN_EMAIL,
	MAIL_TOKEN_NAME,
	MAIL_TOKEN_PASSWORD,
};
bool store_mail_token_use(struct db *, struct arena *, const void *hash, size_t len,
    const char *purposes, struct rows **, struct error *);
/* Every other open link of that purpose dies. */
bool store_mail_tokens_drop(struct db *, struct arena *, const char *user_id, const char *purpose,
    struct error *);

bool store_account_confirmed(struct db *, struct arena *, const char *user_id, struct error *);
bool store_account_password(struct db *, struct arena *, const char *user_id, const char *hash,
    struct error *);
bool store_account_email(struct db *, struct arena *, const char *user_id, const char *email,
    struct error *);
bool store_account_profile(struct db *, struct arena *, const char *user_id,
    const char *display_name, const char *locale, struct error *);

/* A person's own history: id, at (us), kind, data. `before` is "<us>", with id, or NULLs. */
bool store_activity_add(struct db *, struct arena *, const char *id, const char *user_id,
    const char *kind, const char *data, struct error *);
bool store_activity_list(struct db *, struct arena *, const char *user_id, const char *before,
    const char *before_id, int limit, struct rows **, struct error *);
/* month (YYYY-MM), uploads, bytes, plays; newest first, at most 120. */
bool store_statistics(struct db *, struct arena *, const char *user_id, struct rows **,
    struct error *);

#endif
