/*
 * Notes by mail: at once, or in a daily or weekly digest. A mail belongs to a person, not to an
 * address: whether they are active, want it and where to is looked up when it is sent.
 */
#ifndef MN_SERVICE_NOTIFY_NOTIFY_MAIL_H
#define MN_SERVICE_NOTIFY_NOTIFY_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/str.h"
#include "model/notification.h"
#include "service/job.h"

struct call;
struct error;

#define NOTIFY_MAIL_NOTES 200 /* in one mail; the rest is counted */

/* In the caller's transaction: one mail to each of these people. */
bool notify_mail_now(const struct call *, struct strings users, const struct notification_text *,
    struct error *);
/* Sends one mail of either kind. */
bool notify_mail_run(const struct call *, const struct job_env *, const struct job *,
    struct error *);
/*
 * Every minute: makes the digests that are due, each once, however late; and sees to groups whose
 * job was lost.
 */
bool upkeep_digests(const struct call *, const struct job_env *, const struct job *,
    struct error *);
/*
 * The last time, at or before `now`, that the clock of the server's time zone showed that hour, on
 * a Monday if `weekly`. `day` gets its date, "2026-11-27".
 */
int64_t digest_time(int64_t now, int hour, bool weekly, char day[sizeof("2026-11-27")]);

#endif
