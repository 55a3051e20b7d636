/* Metrics of each request: by route in the API, by pool in every pool. */
#ifndef MN_HTTP_MEASURE_H
#define MN_HTTP_MEASURE_H

struct log;
struct request;
struct response;

/* Call it at the end of an API request, when its times are known. */
void measure_request(const struct request *, const struct response *);
/* Call these around all the work for one request. */
void measure_pool_begin(const struct log *);
void measure_pool_end(const struct request *, const struct response *);

#endif
