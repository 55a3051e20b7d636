/* Uploads that could not be read, by reason, and trying them again. */
#ifndef MN_SERVICE_OPERATOR_FAILURES_H
#define MN_SERVICE_OPERATOR_FAILURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/figures.h"

struct call;
struct error;

#define FAILURES_RETRY_MAX 200 /* items of one request */

/* Titles only of items that the caller can read. */
bool failures_list(const struct call *, struct failure_group **, size_t *n, struct error *);
/* Up to FAILURES_RETRY_MAX with this reason, or with any (NULL). Audited. */
bool failures_retry(const struct call *, const char *code, int64_t *retried, struct error *);

#endif
