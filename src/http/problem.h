/* The one place that turns an error into a reply: RFC 9457, application/problem+json. */
#ifndef MN_HTTP_PROBLEM_H
#define MN_HTTP_PROBLEM_H

struct error;
struct request;
struct response;

void problem_reply(const struct request *, struct response *, const struct error *);

#endif
