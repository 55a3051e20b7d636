/* Every secret that is stored sealed, for those who seal them again: see service/seal.h. */
#ifndef MN_STORE_SEALS_H
#define MN_STORE_SEALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/pg.h"

extern const struct query store_seals_queries[];

#define SEAL_BYTES(column) "convert_from(" column ", 'UTF8')"
#define SEAL_SET_BYTES(column) column " = convert_to($3, 'UTF8')"
/*
 * Each column that holds a sealed text: X(id, table, column of struct seal_place, the text, how it
 * is replaced by $3). Rows have an `id`, which struct seal_place names.
 */
#define SEAL_COLUMN_LIST(X) \
	X(TOTP_SECRET, "users", "totp", SEAL_BYTES("totp_secret"), SEAL_SET_BYTES("totp_secret")) \
	X(TOTP_PENDING, "users", "totp", SEAL_BYTES("totp_pending"), \
	    SEAL_SET_BYTES("totp_pending")) \
	X(PLEX_TOKEN, "users", "plex_token", SEAL_BYTES("plex_token"), \
	    SEAL_SET_BYTES("plex_token")) \
	X(SERVER_TOKEN, "media_servers", "token", "token", "token = $3") \
	X(HOOK_SECRET, "webhook_sources", "secret", "secret", "secret = $3") \
	X(ENDPOINT_SECRET, "webhook_endpoints", "secret", "secret", "secret = $3") \
	X(ENDPOINT_PREVIOUS, "webhook_endpoints", "secret", "previous_secret", \
	    "previous_secret = $3") \
	X(ENDPOINT_URL, "webhook_endpoints", "url", "url", "url = $3") \
	X(ENDPOINT_HEADERS, "webhook_endpoints", "headers", "headers", "headers = $3") \
	X(OVERSEERR_KEY, "overseerr_settings", "api_key", "api_key", "api_key = $3") \
	X(SETTING, "settings", "value", "sealed", "sealed = $3")

#define SEAL_COLUMN_ENUM(id, ...) SEAL_##id,
enum seal_column { SEAL_COLUMN_LIST(SEAL_COLUMN_ENUM) SEAL_COLUMNS };
#undef SEAL_COLUMN_ENUM

struct seal_row {
	const char *id, *sealed;
};

/*
 * Rows after this id (NULL: from the first one), in the order of ids, whose secret in this column
 * does not begin with `prefix`. At most `limit`.
 */
bool store_seals_other(struct db *, struct arena *, enum seal_column, const char *after,
    const char *prefix, int limit, struct seal_row **, size_t *n, struct error *);
/* Replaces the text if it is still `old`. */
bool store_seals_replace(struct db *, struct arena *, enum seal_column, const char *id,
    const char *old, const char *new, bool *replaced, struct error *);
/* The numbers of the keys that stored secrets need, as text. */
bool store_seals_numbers(struct db *, struct arena *, struct strings *, struct error *);
/* How many secrets begin with `prefix`: in the columns above, and in jobs that wait. */
bool store_seals_count(struct db *, struct arena *, const char *prefix, int64_t *secrets,
    int64_t *jobs, struct error *);

#endif
