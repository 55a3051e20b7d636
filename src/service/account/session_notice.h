/* What people are told about sessions that were ended without their doing. */
#ifndef MN_SERVICE_ACCOUNT_SESSION_NOTICE_H
#define MN_SERVICE_ACCOUNT_SESSION_NOTICE_H

#include <stdbool.h>

struct call;
struct error;
struct notify_batch;
struct refresh_state;

/*
 * In the transaction that ends a family whose refresh token was used twice, the second time by this
 * call: tells the owner on the page and by mail. *batch is for notify_push().
 */
bool session_tell_reused(const struct call *, const struct refresh_state *, struct notify_batch **,
    struct error *);

#endif
