/*
 * A file of any size into the store: larger ones than a store takes in one request, and than
 * proxies let through, in parts. The file is streamed, a part that fails because the store is away
 * is sent again, and an upload that does not end well is aborted. What a worker leaves that dies in
 * the middle, the next run of its job and purge_collect() abort.
 */
#ifndef MN_SERVICE_PROCESSING_LARGE_PUT_H
#define MN_SERVICE_PROCESSING_LARGE_PUT_H

#include <stdbool.h>
#include <stdint.h>

struct call;
struct error;
struct job_env;

#define LARGE_PUT_PART (32LL << 20) /* bytes; up to that, in one request */
#define LARGE_PUT_TRIES 6           /* of a part */

struct large_put {
	const struct call *call;
	const struct job_env *env;
	const char *key, *content_type;
	int fd;
	int64_t size;
	/* before each part, or NULL; false ends it */
	bool (*go_on)(void *context, struct error *);
	void *context;
};
bool large_put(const struct large_put *, struct error *);

#endif
