/* State of a run of deliver.h, and its transactions. For deliver.c and deliver_round.c only. */
#ifndef MN_SERVICE_PROCESSING_DELIVER_INTERNAL_H
#define MN_SERVICE_PROCESSING_DELIVER_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/id.h"
#include "service/notify/hook_message.h"
#include "service/processing/deliver.h"
#include "store/store_deliver.h"

struct http_many;
struct target;

struct sending {
	struct target *target;
	const char *id, *body;
};

/* An endpoint that was claimed, with the deliveries of this turn. */
struct target {
	bool used;
	struct arena arena; /* holds all of it */
	char id[UUID_TEXT];
	struct hook_target to;
	struct sending items[DELIVER_BATCH];
	size_t n, next, flying;
	size_t parallel;
	int64_t began;  /* monotonic us */
	bool failing;   /* when it was claimed */
	bool give_back; /* what has not been sent */
	bool over;      /* in this round it is given back */
	/* since the last record */
	bool any_delivered, last_failed, gone, touched;
};

struct deliver {
	const struct call *call;
	const struct job *job;
	const volatile sig_atomic_t *stop;
	struct http_many *many;
	struct arena arena; /* of one round */
	struct target targets[DELIVER_TARGETS];
	struct deliver_result results[DELIVER_TARGETS * DELIVER_BATCH];
	size_t nresults;
	int64_t start, last_round, last_refresh; /* monotonic us */
	bool found;                              /* the last look found something */
};

bool deliver_stopping(const struct deliver *);
/* It may send no more in this turn. */
bool deliver_turn_over(const struct deliver *, const struct target *);
/* Notes the end of one attempt; `error` NULL: it was delivered. */
void deliver_note(struct deliver *, const struct sending *, int status, int64_t us,
    const char *error);
/* One transaction: records results, gives endpoints back, and claims others. */
bool deliver_round(struct deliver *, struct error *);

#endif
