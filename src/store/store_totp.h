/* Second factors. Secrets come sealed. */
#ifndef MN_STORE_TOTP_H
#define MN_STORE_TOTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/pg.h"

extern const struct query store_totp_queries[];

/*
 * e-mail, secret, pending (sealed texts or NULL), enabled, last step; locks the person. No row =
 * gone.
 */
enum { TOTP_EMAIL, TOTP_SECRET, TOTP_PENDING, TOTP_ENABLED, TOTP_LAST_STEP };
bool store_totp_lock(struct db *, struct arena *, const char *user_id, struct rows **,
    struct error *);
bool store_totp_read(struct db *, struct arena *, const char *user_id, struct rows **,
    struct error *);
bool store_totp_pending(struct db *, struct arena *, const char *user_id, const char *sealed,
    struct error *);
/* The pending secret is in force from now on; `step` is used. */
bool store_totp_enable(struct db *, struct arena *, const char *user_id, const char *sealed,
    int64_t step, struct error *);
/* *fresh: the step had not been used before. */
bool store_totp_step(struct db *, struct arena *, const char *user_id, int64_t step, bool *fresh,
    struct error *);
bool store_recovery_replace(struct db *, struct arena *, const char *user_id,
    const char *const *hashes /* bytea texts */, size_t n, struct error *);
bool store_recovery_use(struct db *, struct arena *, const char *user_id, const char *hash,
    bool *used, struct error *);

#endif
