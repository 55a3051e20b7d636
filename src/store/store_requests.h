/* The last known state of each request: table of sql/0017. */
#ifndef MN_STORE_STORE_REQUESTS_H
#define MN_STORE_STORE_REQUESTS_H

#include <stdbool.h>

#include "core/str.h"
#include "model/request.h"
#include "store/pg.h"

struct arena;
struct error;

extern const struct query store_requests_queries[];

struct request_filter {
	const char *user;   /* those of this person; NULL: of all */
	const char *status; /* or NULL */
};
struct store_requests_ask {
	struct request_filter filter;
	int64_t before_time;   /* us */
	const char *before_id; /* NULL: from the newest */
	int limit;
};
/* Newest first. */
bool store_requests_list(struct db *, struct arena *, const struct store_requests_ask *,
    struct title_request **, size_t *n, struct error *);
/* out->id is NULL where there is none. */
bool store_request_get(struct db *, struct arena *, const char *id, struct title_request *,
    struct error *);
/*
 * In a transaction, locked: the one with Overseerr's id, or one of which it is not known yet
 * whether Overseerr took it and that fits (same user there, title and resolution, asked for
 * before). `out->id` NULL: neither.
 */
bool store_request_match(struct db *, struct arena *, const struct title_request *like,
    struct title_request *out, struct error *);
bool store_request_lock(struct db *, struct arena *, const char *id, struct title_request *,
    struct error *);
/* A person's request for the same that is not over; out->id NULL: none. */
bool store_request_open(struct db *, struct arena *, const struct title_request *like,
    struct title_request *out, struct error *);
bool store_request_add(struct db *, struct arena *, const struct title_request *, struct error *);
/* All that Overseerr says, reason, failure and told. */
bool store_request_update(struct db *, struct arena *, const struct title_request *,
    struct error *);
/* What the person asked for before, for the same, and Overseerr did not take. */
bool store_request_drop_refused(struct db *, struct arena *, const struct title_request *like,
    struct error *);
bool store_request_delete(struct db *, struct arena *, const char *id, bool *was_there,
    struct error *);
/*
 * In a transaction that removes requests, after that. What was listed at a time with another number
 * may list what has been removed since.
 */
bool store_requests_removed(struct db *, struct arena *, struct error *);
bool store_requests_removals(struct db *, struct arena *, int64_t *removals, struct error *);
/* Whom somebody of Overseerr is here; NULL: nobody. */
bool store_request_owner(struct db *, struct arena *, int64_t overseerr_user, const char **user,
    struct error *);
/* The newest ones, at most `limit`, that show this poster. */
bool store_requests_posted(struct db *, struct arena *, const char *poster, int limit,
    struct title_request **, size_t *n, struct error *);
/* Those with one of these numbers; unordered. */
bool store_requests_numbered(struct db *, struct arena *, const int64_t *ids, size_t n,
    struct title_request **, size_t *nfound, struct error *);

/*
 * After a complete list that was asked for at `at`: requests that it did not have (`ids`: those
 * that it had), with the number of complete lists in a row without them.
 */
struct request_missing {
	const char *id;
	int64_t overseerr_id, runs;
};
bool store_requests_missing(struct db *, struct arena *, const int64_t *ids, size_t n, int64_t at,
    struct request_missing **, size_t *nmissing, struct error *);
/* Questions from before `at` that Overseerr did not get, locked. */
bool store_requests_unasked(struct db *, struct arena *, int64_t at, struct title_request **,
    size_t *n, struct error *);
/* In a transaction: locks these people, in the order of their ids, before several notes to them. */
bool store_requests_hold_people(struct db *, struct arena *, struct strings users, struct error *);
/* After a while: requests that were never taken, and all where no Overseerr is set up any more. */
bool store_requests_expire(struct db *, struct arena *, int days, struct error *);

#endif
