/* The caller of a request, as services want it. */
#ifndef MN_HANDLERS_CALLER_H
#define MN_HANDLERS_CALLER_H

#include "http/request.h"
#include "service/caller.h"

static inline struct caller
caller_of(const struct request *req)
{
	return (struct caller) { .who = req->who,
		.address = req->client,
		.request_id = req->request_id,
		.device = req->user_agent };
}

#endif
