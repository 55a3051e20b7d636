/*
 * The one place that turns an error into a reply (RFC 9457, application/problem+json) and a log
 * line.
 */
#ifndef MN_HTTP_PROBLEM_H
#define MN_HTTP_PROBLEM_H

struct arena;
struct error;
struct json;
struct request;
struct response;

/*
 * Type, title, status, detail, code, errors, retryAfter as members of the open object: for the
 * answers inside a batch.
 */
void problem_members(struct arena *, struct json *, const struct error *);
void problem_reply(const struct request *, struct response *, const struct error *);

#endif
