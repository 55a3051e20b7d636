/*
 * The embedded object store's S3 protocol: served by two pools, which respond with XML, not problem
 * documents. nginx/storage.conf.in defines what nginx passes to them.
 */
#ifndef MN_OBJECTSTORE_OBJECTSTORE_H
#define MN_OBJECTSTORE_OBJECTSTORE_H

#include "http/dispatch.h"

/*
 * Pool verify: STORAGE_ACTION=verify checks a write before its body is read; =read checks GET and
 * HEAD and responds to them.
 */
extern const struct protocol objectstore_verify;
/* Pool store: writes that have been checked; the body is in the file X_BODY_FILE. */
extern const struct protocol objectstore_write;
/* Collects garbage; the store pool's workers call it at intervals. */
void objectstore_tick(void *services);

#endif
