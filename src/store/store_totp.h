/* Two-step verification. Secrets are sealed. */
#ifndef MN_STORE_TOTP_H
#define MN_STORE_TOTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "store/pg.h"

extern const struct query store_totp_queries[];

struct totp_state {
	const char *email;            /* NULL: the person no longer exists */
	const char *secret, *pending; /* sealed, or NULL */
	bool enabled;
};
/* Locks the person. */
bool store_totp_lock(struct db *, struct arena *, const char *user_id, struct totp_state *,
    struct error *);
bool store_totp_read(struct db *, struct arena *, const char *user_id, struct totp_state *,
    struct error *);
bool store_totp_pending(struct db *, struct arena *, const char *user_id, const char *sealed,
    struct error *);
/* The pending secret takes effect; `step` counts as used. */
bool store_totp_enable(struct db *, struct arena *, const char *user_id, const char *sealed,
    int64_t step, struct error *);
/* *fresh: the step had not been used before. */
bool store_totp_step(struct db *, struct arena *, const char *user_id, int64_t step, bool *fresh,
    struct error *);
bool store_recovery_replace(struct db *, struct arena *, const char *user_id,
    struct strings hashes /* bytea texts */, struct error *);
bool store_recovery_use(struct db *, struct arena *, const char *user_id, const char *hash,
    bool *used, struct error *);

#endif
