/*
 * Routes are data: one row each, grouped into modules; pools (bin/pools.c) serve lists of modules.
 */
#ifndef MN_HTTP_ROUTE_H
#define MN_HTTP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/access.h"
#include "http/input.h"
#include "http/request.h"

struct error;
struct response;

typedef bool handler_fn(const struct request *, struct response *, struct error *);
/*
 * Names the cached answer of a request: a text that holds everything the body depends on besides
 * the caller; NULL = not cacheable.
 */
typedef const char *cache_key_fn(const struct request *);

/*
 * What was answered before to the same Idempotency-Key: the text is the body, or the response's
 * `memo`.
 */
struct kept_answer {
	int status;
	const char *text;
	size_t len;
};
/*
 * Answers anew from what was kept, where the body itself must not be: it holds signed URLs. The
 * request is the same as then.
 */
typedef bool replay_fn(const struct request *, const struct kept_answer *, struct response *,
    struct error *);

/* Rate classes; RATE_NONE takes no part in the limits at all. */
enum rate_class {
	RATE_TIER,
	RATE_UPLOAD,
	RATE_SEARCH,
	RATE_MEDIA,
	RATE_PIN,
	RATE_WEBHOOK,
	RATE_NONE,
	RATE_CLASSES,
};
const char *rate_class_name(enum rate_class); /* "tier", "upload", ..., "none" */

/*
 * Who may come, and what proves it. Credentials that are bad count as anonymous; whether they are
 * refused is the permission's matter, and always is for a hook.
 */
enum route_auth {
	AUTH_NONE,    /* no credentials are looked at */
	AUTH_BEARER,  /* an access token or an API token; none is let pass where it is PUBLIC */
	AUTH_SESSION, /* an access token; an API token is refused: 403 session_required */
	/*
	 * Counts for the owner of the `refreshToken` in the body while that is valid; an access
	 * token that comes along is read, not needed.
	 */
	AUTH_REFRESH,
	AUTH_HOOK, /* a source of webhooks: a key in the path, or a signature over the raw body */
	AUTH_SCRAPER, /* as AUTH_BEARER, or an address that is allowed without signing in */
	ROUTE_AUTHS,
};
const char *route_auth_name(enum route_auth); /* "none", "bearer", ... */

/* What comes in the body. But for BODY_JSON, the field rules speak of the query string. */
enum route_body {
	BODY_NONE,      /* 400 when one is sent */
	BODY_JSON,      /* checked by the field rules */
	BODY_RAW,       /* req->body as it came, of any type: a signature goes over its bytes */
	BODY_MULTIPART, /* multipart/form-data in req->form; req->body stays as it came */
	ROUTE_BODIES,
};
const char *route_body_name(enum route_body); /* "none", "json", ... */

/* Bytes of a body whose route does not say more. */
#define BODY_JSON_MAX (1UL << 20)
#define BODY_RAW_MAX (1UL << 20)
#define BODY_MULTIPART_MAX (4UL << 20)

/*
 * flags: honours Idempotency-Key; the answer holds neither token nor secret, and what is done lies
 * in PostgreSQL
 */
#define ROUTE_IDEMPOTENT 1u

struct route {
	enum method method;
	const char *path; /* "/api/media/{id}" */
	handler_fn *handler;
	enum route_auth auth;
	enum permission permission; /* PUBLIC is written */
	enum rate_class rate;
	enum route_body body;
	const struct field_rule *input;
	cache_key_fn *cache_key;
	unsigned flags;
	replay_fn *replay; /* of ROUTE_IDEMPOTENT; NULL: the body is kept as it is */
	size_t body_max;   /* bytes; 0: what its kind has */
};
size_t route_body_max(const struct route *);

struct route_module {
	const char *name;
	const struct route *routes; /* ends with path NULL */
	/* of {name} parts that are no ids, which have none; textual types only; may be NULL */
	const struct field_rule *params;
};

enum route_match { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD };

/* Is {name} a UUID? */
bool route_param_is_id(const char *name, size_t len);

/*
 * Finds the row for a decoded path, filling req->route and req->params. A literal part wins over a
 * {name}; what stands for {id} or {...Id} is a UUID, or the row does not match: no other text can
 * name a resource. On ROUTE_NO_METHOD (and for METHOD_OPTIONS) `allow` (at least 64 bytes) lists
 * what the path does have, HEAD and OPTIONS included.
 */
enum route_match route_find(const struct route_module *const *modules, struct request *,
    char *allow, size_t size);

#endif
