/*
 * Sends the webhooks that are due (webhook.deliver), many at a time, from one loop.
 *
 * Each endpoint is one position in the queue: the loop claims it, sends a few of its deliveries and
 * gives it back, so a busy endpoint takes turns with the others. The first delivery goes alone;
 * while the receiver takes them, up to DELIVER_PARALLEL are on their way. With the first failure
 * the rest is given back, and until the next success the endpoint is tried with one delivery at a
 * time, after a while once a minute at most. DELIVER_FAILING endpoints of this kind are served at a
 * time: receivers that hang keep no place from those that work, however many they are.
 *
 * Results are recorded together, a transaction for many. What was sent when the process dies is
 * sent again under the same webhook-id. Two jobs may run at the same time; claims keep them apart.
 */
#ifndef MN_SERVICE_PROCESSING_DELIVER_H
#define MN_SERVICE_PROCESSING_DELIVER_H

#include "service/job.h"

#define DELIVER_TARGETS 64       /* endpoints claimed at a time */
#define DELIVER_FAILING 16       /* of these, whose last attempt failed */
#define DELIVER_PARALLEL 8       /* requests to one endpoint */
#define DELIVER_SENDING 128      /* requests in all */
#define DELIVER_TURN_MS 2000     /* then an endpoint has to wait for its next turn */
#define DELIVER_ROUND_MS 100     /* between two transactions, at least, while there are results */
#define DELIVER_LOOK_MS 200      /* between looks for what has become due */
#define DELIVER_SECONDS 300      /* then the job ends, and another goes on */
#define DELIVER_EXPIRE 10000     /* rows of one transaction of upkeep */
#define DELIVER_EXPIRE_ROUNDS 20 /* of these in one run */

job_run_fn deliver_run;
job_run_fn upkeep_deliveries;

#endif
