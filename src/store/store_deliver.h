/*
 * Webhooks that go out, as they are made and sent.
 *
 * An endpoint is one position in the queue: a runner claims it with its lease, sends some of its
 * due deliveries and gives it back, so that no two runners send one delivery at the same time and
 * none waits for another endpoint. A claim is void once no running job has its lease.
 */
#ifndef MN_STORE_DELIVER_H
#define MN_STORE_DELIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "store/pg.h"

struct arena;
struct error;

#define DELIVER_HOURS 24         /* after its creation a delivery is given up */
#define DELIVER_BATCH 128        /* deliveries of a claimed endpoint; of one that fails, one */
#define DELIVER_REST_S 60        /* at most, between two attempts at an endpoint that fails */
#define DELIVER_KEEP_DAYS 30     /* of the log */
#define DELIVER_RECOVERED_S 3600 /* failures that last so long are worth a note at their end */

extern const struct query store_deliver_queries[];

/* In the caller's transaction: a delivery for each enabled endpoint that wants the event. */
bool store_deliver_add(struct db *, struct arena *, const char *event, const char *payload,
    int64_t *n, struct error *);

/* One attempt. */
struct deliver_result {
	const char *id; /* of the delivery */
	bool delivered;
	int status; /* 0: no response */
	int64_t ms;
	const char *error; /* NULL: none */
};
/* What came of the attempts at one endpoint since it was claimed, or since the last result. */
struct deliver_outcome {
	const char *endpoint_id;
	bool any_delivered, last_failed;
	bool gone;     /* it wants no more */
	bool released; /* the claim ends */
};
/* An endpoint that has changed by its results. */
struct deliver_change {
	const char *endpoint_id, *origin;
	const char *off_reason; /* it was switched off; NULL: it has recovered */
	int64_t failing_since;  /* us: before the results */
};
struct deliver_record {
	const char *lease;
	const struct deliver_result *results;
	size_t nresults;
	const struct deliver_outcome *outcomes;
	size_t noutcomes;
	int64_t off_after; /* seconds of nothing but failures */
};
/* In a transaction. */
bool store_deliver_record(struct db *, struct arena *, const struct deliver_record *,
    struct deliver_change **, size_t *n, struct error *);

struct deliver_claim {
	const char *lease;
	struct strings busy; /* ids of the endpoints that this runner has claimed already */
	int places;          /* endpoints to claim at most */
	int failing_places;  /* of these, whose last attempt failed */
};
/* A due delivery of an endpoint that was just claimed; rows of one endpoint are together. */
struct deliver_row {
	const char *endpoint_id;
	const char *url, *headers, *secret, *previous_secret; /* sealed, or NULL */
	bool failing;
	const char *id, *payload;
};
/*
 * In a transaction: claims endpoints, those that waited longest first, and reads their due
 * deliveries, oldest first. Also takes over the due jobs of this kind that nobody has begun.
 */
bool store_deliver_claim(struct db *, struct arena *, const struct deliver_claim *,
    const char *kind, struct deliver_row **, size_t *n, struct error *);
/*
 * When the next delivery becomes due that no other runner cares for, and for which no job of this
 * kind waits; 0: there is none.
 */
bool store_deliver_next(struct db *, struct arena *, const char *lease, const char *kind,
    int64_t *at, struct error *);

/*
 * Housekeeping: removes up to `limit` old deliveries, and gives up those that waited too long for
 * an endpoint that is switched off.
 */
bool store_deliver_expire(struct db *, struct arena *, int limit, int64_t *removed, struct error *);

#endif
