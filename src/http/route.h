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

struct arena;

struct error;
struct response;

typedef bool handler_fn(const struct request *, struct response *, struct error *);
/*
 * Returns the name of a request's cached response: a text with everything that the body depends on
 * except the caller; NULL = not cacheable.
 */
typedef const char *cache_key_fn(const struct request *);

/*
 * The stored response to the same Idempotency-Key: the text is the body, or the response's `memo`.
 */
struct kept_answer {
	int status;
	const char *text;
	size_t len;
};
/*
 * Makes the response again from a memo, for bodies that must not be stored because they contain
 * signed URLs. The request is the same as the first one.
 */
typedef bool replay_fn(const struct request *, const struct kept_answer *, struct response *,
    struct error *);

/* Rate classes; RATE_NONE has no limits. */
enum rate_class {
	RATE_TIER,
	RATE_UPLOAD,
	RATE_SEARCH,
	RATE_MEDIA,
	RATE_PIN,
	RATE_WEBHOOK,
	RATE_LINK,
	RATE_NONE,
	RATE_CLASSES,
};
const char *rate_class_name(enum rate_class); /* "tier", "upload", ..., "none" */

/*
 * How callers prove their identity. Bad credentials count as anonymous; the permission decides
 * whether the request is refused; a hook always refuses them.
 */
enum route_auth {
	AUTH_NONE,    /* credentials are ignored */
	AUTH_BEARER,  /* an access token or an API token; optional if the route is PUBLIC */
	AUTH_SESSION, /* an access token; an API token is refused: 403 session_required */
	/*
	 * Counts for the owner of the `refreshToken` in the body while that is valid; an access
	 * token is read but not required.
	 */
	AUTH_REFRESH,
	AUTH_HOOK, /* a source of webhooks: a key in the path, or a signature over the raw body */
	/*
	 * A visitor of a public link, whose service judges its token: counts for the address, in
	 * the class alone. An access token is read but not judged.
	 */
	AUTH_LINK,
	AUTH_SCRAPER, /* as AUTH_BEARER, or an address that needs no sign-in */
	ROUTE_AUTHS,
};
const char *route_auth_name(enum route_auth); /* "none", "bearer", ... */

/* The content of the body. Except with BODY_JSON, the field rules apply to the query string. */
enum route_body {
	BODY_NONE,      /* 400 when one is sent */
	BODY_JSON,      /* checked by the field rules */
	BODY_RAW,       /* req->body unchanged, of any type, because a signature covers its bytes */
	BODY_MULTIPART, /* multipart/form-data in req->form; req->body is unchanged */
	ROUTE_BODIES,
};
const char *route_body_name(enum route_body); /* "none", "json", ... */

/* Default limits in bytes. */
#define BODY_JSON_MAX (1UL << 20)
#define BODY_RAW_MAX (1UL << 20)
#define BODY_MULTIPART_MAX (4UL << 20)

/*
 * flags: supports Idempotency-Key. The response must not contain tokens or secrets, and all effects
 * must be in PostgreSQL.
 */
#define ROUTE_IDEMPOTENT 1u

struct route {
	enum method method;
	const char *path; /* "/api/media/{id}" */
	handler_fn *handler;
	enum route_auth auth;
	enum permission permission; /* PUBLIC must be written out */
	enum rate_class rate;
	enum route_body body;
	const struct field_rule *input;
	cache_key_fn *cache_key;
	unsigned flags;
	replay_fn *replay; /* of ROUTE_IDEMPOTENT; NULL: the body is kept as it is */
	size_t body_max;   /* bytes; 0: the default of its kind */
};
size_t route_body_max(const struct route *);
/* Of AUTH_HOOK: the kind of source, "plex" of "/api/webhooks/plex/{key}". */
const char *route_hook_source(struct arena *, const struct route *);

struct route_module {
	const char *name;
	const struct route *routes; /* ends with path NULL */
	/* rules of {name} parts that are not ids; textual types only; may be NULL */
	const struct field_rule *params;
};

enum route_match { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD };

/* Is {name} a UUID? */
bool route_param_is_id(const char *name, size_t len);

/*
 * Finds the row for a decoded path, filling req->route and req->params. A literal part takes
 * precedence over a {name}. The text for {id} or {...Id} must be a UUID, or the row does not match:
 * no other text can name a resource. On ROUTE_NO_METHOD (and for METHOD_OPTIONS) `allow` (at least
 * 64 bytes) lists the methods of the path, HEAD and OPTIONS included.
 */
enum route_match route_find(const struct route_module *const *modules, struct request *,
    char *allow, size_t size);

#endif
