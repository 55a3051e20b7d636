/* Private to requests*.c. */
#ifndef MN_SERVICE_INTEGRATIONS_REQUESTS_INTERNAL_H
#define MN_SERVICE_INTEGRATIONS_REQUESTS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "client/overseerr.h"
#include "model/request.h"

struct call;
struct error;

/* What Overseerr said of one request, and when it was asked. */
struct request_news {
	const struct overseerr_request *said;
	const struct overseerr_title *title; /* or NULL */
	int64_t asked_at;                    /* us; older news never replace newer ones */
	int64_t removals;  /* as counted then: what was removed since does not come back */
	bool quiet;        /* requests that are new here are told to nobody: the first list */
	bool by_requester; /* the requester is being answered, and needs no note */
};
/*
 * In a transaction: keeps it, and tells the people concerned, endpoints and open pages what has
 * changed. out: the row as it is then; out->id NULL: there is nothing to keep.
 */
bool request_apply(const struct call *, const struct request_news *, struct title_request *out,
    struct error *);
/* In a transaction: it is not there any more; counts as a removal. */
bool request_gone(const struct call *, const char *id, struct error *);
/* In a transaction: tells everybody concerned but those named that it has changed. */
bool request_changed(const struct call *, const struct title_request *, bool gone,
    const char *const *told, size_t ntold, struct error *);
/*
 * In a transaction: Overseerr made `made`, which was wanted for somebody, in another name. Tells
 * those who keep the house, and takes it from the list if it is `back`.
 */
bool request_wrong_name(const struct call *, const struct title_request *wanted,
    const struct overseerr_request *made, bool back, struct error *);
/*
 * Requests of which nobody kept Overseerr's answer, asked for before `at`: takes back what it made
 * in the name of the key's owner. *sure: it is known that no other one is like that.
 */
bool requests_take_back(const struct call *, const struct overseerr *,
    const struct overseerr_account *owner, int64_t at, bool *sure, struct error *);
/*
 * Why Overseerr refused: a quota, with the time when there is room (*retry_at, us; 0: not known),
 * or a permission. Always false.
 */
bool request_refusal(const struct call *, const struct overseerr *,
    const struct overseerr_account *, const struct overseerr_ask *, int64_t *retry_at,
    struct error *);

#endif
