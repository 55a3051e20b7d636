/*
 * The embedded object store's S3 protocol: served by two pools, which answer XML and not problem
 * documents. What nginx passes them is in nginx/storage.conf.in.
 */
#ifndef MN_OBJECTSTORE_OBJECTSTORE_H
#define MN_OBJECTSTORE_OBJECTSTORE_H

#include "http/dispatch.h"

/*
 * Pool verify: STORAGE_ACTION=verify judges a write before its body is read; =read judges and
 * answers GET and HEAD.
 */
extern const struct protocol objectstore_verify;
/* Pool store: writes that were judged; the body lies in X_BODY_FILE. */
extern const struct protocol objectstore_write;
/* Called by the store pool's workers now and then: collects garbage. */
void objectstore_tick(void *services);

#endif
