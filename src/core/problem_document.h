/*
 * Problem documents (RFC 9457): the one form in which a refusal is told, by the pools and by
 * medianest-notifyd. nginx writes the same members for its own refusals (nginx/problems.conf.in).
 */
#ifndef MN_CORE_PROBLEM_DOCUMENT_H
#define MN_CORE_PROBLEM_DOCUMENT_H

struct error;
struct json;

#define PROBLEM_URN "urn:medianest:problem:" /* `type` is this and the code */

/* Seconds after which to try again; 0: nothing is said about it. */
int error_retry_after(const struct error *);
/* The members that describe the error: of a document of its own or of one answer in a batch. */
void problem_members(struct json *, const struct error *);
/* A whole document; `instance` is the path that was asked for. */
void problem_document(struct json *, const struct error *, const char *instance,
    const char *request_id);

#endif
