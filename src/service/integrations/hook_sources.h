/*
 * Who may send webhooks, and how a sender proves to be one of them.
 *
 * Each source has a key, which comes in the path, in the query or as Authorization, and a secret
 * that signs: Standard Webhooks (webhook-id, webhook-timestamp, webhook-signature; HMAC-SHA-256
 * with the decoded bytes of the secret over "id.timestamp.body"), or X-Hub-Signature-256
 * (HMAC-SHA-256 with the secret's text over the body). Both are shown when they are made, never
 * again: the key is kept as its SHA-256, the secret sealed.
 */
#ifndef MN_SERVICE_INTEGRATIONS_HOOK_SOURCES_H
#define MN_SERVICE_INTEGRATIONS_HOOK_SOURCES_H

#include <stdbool.h>
#include <stddef.h>

#include "model/hook.h"
#include "service/hook_signature.h"

struct call;
struct error;

#define HOOK_SOURCES_MAX 20        /* an unsigned request must not cost many signatures */
#define HOOK_KEY_PREFIX "whk_"     /* then HOOK_SECRET_BYTES random bytes as base64url */
#define HOOK_KEY_MAX 200           /* bytes of a key that is looked up */
#define HOOK_TOLERANCE_SECONDS 300 /* of a webhook-timestamp, either way */
#define HOOK_NAME_MAX 100          /* code points */

/* A new key and secret, in the clear. */
struct hook_credentials {
	const char *url; /* to paste into the sender */
	const char *key, *secret;
};
bool hook_source_add(const struct call *, const char *source, const char *name,
    struct hook_source *, struct hook_credentials *, struct error *);
bool hook_source_list(const struct call *, struct hook_source **, size_t *n, struct error *);
/* name NULL, enabled NULL: unchanged. */
bool hook_source_change(const struct call *, const char *id, const char *name, const bool *enabled,
    struct hook_source *, struct error *);
/* The old key and secret are void at once. */
bool hook_source_rotate(const struct call *, const char *id, struct hook_source *,
    struct hook_credentials *, struct error *);
bool hook_source_delete(const struct call *, const char *id, struct error *);
/* Where a source's events go, without a key. */
const char *hook_source_url(const struct call *, const struct hook_source *);

/* What a request brings to prove its sender; NULL: absent. */
struct hook_proof {
	const char *source;        /* kind */
	const char *id;            /* of the source: of generic ones in the path */
	const char *key;           /* of path or query */
	const char *authorization; /* the key, with or without "Bearer " */
	const char *webhook_id, *timestamp, *signature;
	const char *hub_signature;
	const char *body;
	size_t body_len;
};
/*
 * Finds the source. A signature that came must be good, also beside a key. ERR_UNAUTHENTICATED
 * (signature_invalid, timestamp_invalid, or no slug): unknown.
 */
bool hook_identify(const struct call *, const struct hook_proof *, const char **source_id,
    struct error *);

#endif
