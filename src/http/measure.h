/* What is measured of each request: by route in the API, by pool in every pool. */
#ifndef MN_HTTP_MEASURE_H
#define MN_HTTP_MEASURE_H

struct log;
struct request;
struct response;

/* Where a request of the API ends, its times known. */
void measure_request(const struct request *, const struct response *);
/* Around everything that a worker does for one request. */
void measure_pool_begin(const struct log *);
void measure_pool_end(const struct request *, const struct response *);

#endif
