/*
 * One request as the handlers see it. Everything in it belongs to the request's arena, which is
 * reset after the response.
 */
#ifndef MN_HTTP_REQUEST_H
#define MN_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/access.h"
#include "core/log.h"

struct arena;
struct admission;
struct config;
struct error;
struct input;
struct multipart;
struct route;
struct call;     /* the service layer's; http hands it through, unseen */
struct services; /* the service layer's; http hands it through, unseen */

enum method {
	METHOD_GET,
	METHOD_HEAD,
	METHOD_POST,
	METHOD_PUT,
	METHOD_PATCH,
	METHOD_DELETE,
	METHOD_OPTIONS,
	METHODS,
};

#define REQUEST_PARAMS_MAX 4 /* {name} parts of a path template */
#define REQUEST_PATH_MAX 2048
#define IDEMPOTENCY_KEY_MAX 128 /* visible ASCII characters */

struct path_param {
	const char *name;
	const char *value;
};

struct timing {
	int64_t start; /* monotonic us: T0 */
	/* how long each took, us: for Server-Timing and the metrics */
	int64_t auth, limit, db, cache, handler, hashing;
	/*
	 * When it was known who asks, when the limits and permissions had let the request in, when
	 * the handler began, and when PostgreSQL was first asked: monotonic us, 0 = not at all.
	 */
	int64_t at_auth, at_limit, at_handler, at_database;
};

/*
 * The limiter's result: the tightest window, for the headers of every response to a counted
 * request.
 */
struct limit_state {
	bool known;
	int64_t limit, remaining;
	int64_t reset;      /* Unix seconds */
	int window;         /* seconds */
	const char *policy; /* "authenticated" ...: name in RateLimit-Policy */
};

/* The subject that a request counts for: one of the two, or the client's address. */
struct subject {
	const struct principal *who; /* NULL or user_id "": nobody */
	const char *source;          /* of webhooks, or NULL */
};

/*
 * Bytes that the work for one request may allocate from its arena; the largest legal input of every
 * route stays far below (t/026-request-memory.t).
 */
#define REQUEST_MEMORY_MAX (64UL << 20)

struct request {
	struct arena *arena;
	struct log *log; /* of this request: carries its id and, once known, the user */
	const struct config *config;
	struct services *svc;
	const struct call *call; /* filled by the guards, for handlers */

	enum method method; /* HEAD is routed as GET, with `head` set */
	bool head;
	const char *path;         /* decoded, normalised, without /api/v1 -> /api */
	const char *query;        /* raw, without '?' */
	const char *content_type; /* or "" */
	const char *request_id;
	const char *client;                   /* address text, from nginx only */
	const char *user_agent;               /* or "" */
	const char *origin;                   /* or NULL */
	const char *authorization;            /* or NULL */
	const char *if_none_match, *if_match; /* or NULL */
	const char *idempotency_key;          /* or NULL */
	const char *body;
	size_t body_len;
	char *const *envp; /* FastCGI parameters, for request_env() */
	/*
	 * The error in path, method, length or encoding, or NULL: found before the body was read;
	 * dispatch refuses the request with it.
	 */
	const struct error *framing;
	const char
	    *allow; /* the methods of the path, where the request has none of them; or NULL */

	const struct route *route;
	struct path_param params[REQUEST_PARAMS_MAX];
	unsigned nparams;
	const struct field_rule *param_rules; /* of the route's module, or NULL */
	const struct multipart *form;         /* of BODY_MULTIPART */
	const struct input *input; /* checked by the route's field rules; never NULL in a handler */
	struct principal *who;     /* never NULL; user_id "" when anonymous */
	/*
	 * An identified caller that is not a person, or NULL: the source of a webhook, a scraper's
	 * address.
	 */
	const char *source;
	struct subject subject; /* of the limiter */
	/*
	 * Why the credentials were refused, or NULL. The request is refused after it was counted as
	 * anonymous, because 401s count too.
	 */
	const struct error *auth_error;
	const struct error *failed; /* what the response is about, or NULL: for the log */
	const char *name;           /* of what was asked, without secrets: for the log */
	struct limit_state limit;
	struct timing timing;
	/*
	 * The body of a cached response that the limiter's script returned, or NULL. Set only for
	 * routes with a cache key.
	 */
	const char *cached;
	size_t cached_len;
	const char *cache_key; /* the result of route->cache_key, or NULL */
	/* the service layer's, handed through unseen: for cache_store(); may be NULL */
	const struct admission *admission;
};

/* value of {name}; never NULL for a name in the template */
const char *request_param(const struct request *, const char *name);
/* FastCGI parameter, or NULL */
const char *request_env(const struct request *, const char *name);
bool method_parse(const char *, enum method *);
const char *method_name(enum method);

/* Reports bad credentials: `who` becomes nobody, and auth_error keeps the reason. */
void request_refuse_later(struct request *, const struct error *why);

/*
 * Fills the request from the FastCGI parameters that nginx/ sends: REQUEST_METHOD, REQUEST_URI
 * (raw), CONTENT_LENGTH, CONTENT_TYPE, REMOTE_ADDR, REQUEST_ID and HTTP_*. arena, log, config, svc
 * are set already. Never fails: errors are stored in req->framing, so that these refusals too have
 * CORS headers and the request id. *body_len: bytes announced, 0 when none.
 */
void request_parse(struct request *, char *const *envp, size_t *body_len);
/*
 * Decodes and checks a raw path (RFC 3986 section 3.3). No NUL or control, no '\\', no empty, "."
 * or ".." segment, no encoded slash.
 */
bool request_path_decode(struct arena *, const char *raw, size_t len, const char **path,
    struct error *);

#endif
