/*
 * The embedded object store's S3 protocol. Two raw handlers, after fcgi_handler_fn: they answer
 * XML, not problem documents. What nginx passes them is in nginx/storage.conf.in.
 */
#ifndef MN_OBJECTSTORE_OBJECTSTORE_H
#define MN_OBJECTSTORE_OBJECTSTORE_H

struct request;
struct response;

/*
 * Pool verify: STORAGE_ACTION=verify judges a write before its body is read; =read judges and
 * answers GET and HEAD.
 */
void objectstore_verify(void *services, struct request *, struct response *);
/* Pool store: writes that were judged; the body lies in X_BODY_FILE. */
void objectstore_write(void *services, struct request *, struct response *);
/* Called by the store pool's workers now and then: collects garbage. */
void objectstore_tick(void *services);

#endif
