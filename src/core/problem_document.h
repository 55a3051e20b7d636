/*
 * Problem documents (RFC 9457): the form of every refusal, from the pools and from
 * medianest-notifyd. nginx writes the same members for its own refusals (nginx/problems.conf.in).
 */
#ifndef MN_CORE_PROBLEM_DOCUMENT_H
#define MN_CORE_PROBLEM_DOCUMENT_H

struct error;
struct json;

#define PROBLEM_URN "urn:medianest:problem:" /* `type` is this and the code */

/* Seconds to wait before the next attempt; 0: unknown. */
int error_retry_after(const struct error *);
/* The members that describe the error: for a whole document or for one item of a batch. */
void problem_members(struct json *, const struct error *);
/* A whole document; `instance` is the requested path. */
void problem_document(struct json *, const struct error *, const char *instance,
    const char *request_id);

#endif
