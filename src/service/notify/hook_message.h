/*
 * A webhook that goes out, as it is on the wire: Standard Webhooks. The body is
 * {"type","timestamp","data"}; webhook-signature has a signature for each secret that counts
 * (service/hook_signature.h), separated by spaces.
 *
 * It is signed when it is sent, so that a secret that is replaced while deliveries wait is used for
 * them at once.
 */
#ifndef MN_SERVICE_NOTIFY_HOOK_MESSAGE_H
#define MN_SERVICE_NOTIFY_HOOK_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "client/http_out.h"
#include "service/hook_signature.h"
#include "service/seal.h"

struct call;
struct config;
struct error;

#define HOOK_TIMEOUT_MS 10000     /* of one delivery; HTTP_OUT_CONNECT_MS of it to connect */
#define HOOK_RESPONSE_MAX 65536UL /* bytes of a response that are read; none are kept */

/* What the row of an endpoint says about sending. */
struct hook_sealed {
	const char *id;
	const char *url, *headers, *secret, *previous_secret; /* sealed; NULL: none */
};
/* The same, ready to be used. */
struct hook_target {
	const char *url;
	struct sealed keys[2];
	size_t nkeys;
	const char *const *headers; /* "Name: value" */
	size_t nheaders;
	struct outbound rules;
};

struct seal_place hook_place(const char *endpoint_id, const char *column);
/* The address in the column `url`. */
bool hook_url_open(const struct call *, const char *endpoint_id, const char *sealed,
    const char **url, struct error *);
/* ERR_INTERNAL: the key of the keyring that it was sealed with is gone. All in the call's arena. */
bool hook_target_open(const struct call *, const struct hook_sealed *, struct hook_target *,
    struct error *);
/* Signs; everything in `out` belongs to the arena or is borrowed from the arguments. */
void hook_message(struct arena *, const struct hook_target *, const char *id, const char *body,
    struct http_out *out);
/*
 * What went wrong, as a code for people: refused_address, unreachable, tls, timeout, protocol,
 * redirect, gone, status; NULL: it was delivered.
 */
const char *hook_failure(enum call_end, int status);

#endif
