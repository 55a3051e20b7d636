/* A person's own history, and what it adds up to. */
#ifndef MN_SERVICE_ACCOUNT_ACTIVITY_H
#define MN_SERVICE_ACCOUNT_ACTIVITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct call;
struct error;

struct activity {
	const char *id, *kind, *data;
	int64_t at;
};
struct activity_page {
	struct activity *rows;
	size_t n;
	const char *next;
};
/* In the caller's transaction, or alone. `data` is JSON object text or NULL. */
bool activity_add(const struct call *, const char *user_id, const char *kind, const char *data,
    struct error *);
bool activity_list(const struct call *, const char *user_id, const char *cursor, int limit,
    struct activity_page *, struct error *);

struct month {
	const char *month; /* YYYY-MM */
	int64_t uploads, bytes, plays;
};
bool activity_statistics(const struct call *, const char *user_id, struct month **, size_t *n,
    struct error *);

#endif
