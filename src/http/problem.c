#include "http/problem.h"

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/problem_document.h"
#include "core/str.h"
#include "http/request.h"
#include "http/response.h"
#include "http/route.h"
#include "core/banned.h"

#define PROBLEM_TYPE "application/problem+json"
#define HOOKS "/api/webhooks/"
#define LINKS "/api/media/links/open/"
#define PROBLEM_MAX (64UL << 10)

/*
 * The path, but not of a webhook or a public link: a key may be there, also where there is no such
 * route.
 */
static const char *
instance_of(const struct request *req)
{
	if (req->route != NULL)
		return req->route->auth == AUTH_HOOK || req->route->auth == AUTH_LINK ?
		    req->route->path :
		    req->path;
	if (req->path != NULL && str_starts(req->path, LINKS))
		return LINKS;
	return req->path != NULL && str_starts(req->path, HOOKS) ? HOOKS : req->path;
}

static void
problem_body(const struct request *req, struct response *res, const struct error *err,
    const struct error_class *class)
{
	struct json *j = json_new(res->arena, PROBLEM_MAX);

	problem_document(j, err, instance_of(req), req->request_id);
	res->status = class->status;
	res->content_type = PROBLEM_TYPE;
	res->body = j->buf.data;
	res->body_len = j->buf.len;
}

void
problem_reply(const struct request *req, struct response *res, const struct error *err)
{
	const struct error_class *class = error_class(err->code);
	int retry = error_retry_after(err);

	problem_body(req, res, err, class);
	if (retry > 0)
		response_headerf(res, "Retry-After", "%d", retry);
	if (class->status == 401)
		response_headerf(res, "WWW-Authenticate", "Bearer realm=\"medianest\"%s",
		    req->authorization != NULL ? ", error=\"invalid_token\"" : "");
}
