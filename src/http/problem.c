#include "http/problem.h"

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "http/request.h"
#include "http/response.h"
#include "http/route.h"
#include "core/banned.h"

#define PROBLEM_TYPE "application/problem+json"
#define PROBLEM_URN "urn:medianest:problem:" /* `type` is this and the code */
#define UNAVAILABLE_RETRY 2                  /* seconds, where nobody knows better */
#define PROBLEM_MAX (64UL << 10)

static int
problem_retry_after(const struct error *err)
{
	if (err->retry_after == 0 && err->code == ERR_UNAVAILABLE)
		return UNAVAILABLE_RETRY;
	return err->retry_after;
}

void
problem_members(struct arena *arena, struct json *j, const struct error *err)
{
	const struct error_class *class = error_class(err->code);
	const char *slug = error_slug_of(err);
	int retry = problem_retry_after(err);

	json_put_str(j, "type", arena_printf(arena, PROBLEM_URN "%s", slug));
	json_put_str(j, "title", class->title);
	json_put_int(j, "status", class->status);
	json_put_str(j, "detail", err->message[0] == '\0' ? class->title : err->message);
	json_put_str(j, "code", slug);
	if (err->nfields > 0) {
		json_array(j, "errors");
		for (unsigned i = 0; i < err->nfields; i++) {
			json_object(j, NULL);
			json_put_str(j, "field", err->fields[i].field);
			json_put_str(j, "code", err->fields[i].code);
			json_put_str(j, "message", err->fields[i].message);
			json_object_end(j);
		}
		json_array_end(j);
	}
	if (retry > 0)
		json_put_int(j, "retryAfter", retry);
}

static void
problem_body(const struct request *req, struct response *res, const struct error *err,
    const struct error_class *class)
{
	struct json *j = json_new(res->arena, PROBLEM_MAX);

	json_object(j, NULL);
	problem_members(res->arena, j, err);
	json_put_str(j, "instance", req->path);
	json_put_str(j, "requestId", req->request_id);
	json_object_end(j);
	res->status = class->status;
	res->content_type = PROBLEM_TYPE;
	res->body = j->buf.data;
	res->body_len = j->buf.len;
}

static void
problem_log(const struct request *req, const struct error *err, const struct error_class *class)
{
	const struct log_field fields[] = {
		LOG_STR("method", req->head ? "HEAD" : method_name(req->method)),
		/* not the path: webhook keys are in it */
		LOG_STR("route", req->route != NULL ? req->route->path : "-"),
		LOG_STR("id", request_param(req, "id")),
		LOG_NUM("status", class->status),
		LOG_STR("code", error_slug_of(err)),
		LOG_STR("client", req->client),
		LOG_NUM("us", clock_monotonic() - req->timing.start),
		LOG_STR("field", err->nfields > 0 ? err->fields[0].field : ""),
		LOG_STR("detail", err->detail),
		{ .key = NULL },
	};

	log_event(req->log, class->level, err->message[0] == '\0' ? class->title : err->message,
	    fields);
}

void
problem_reply(const struct request *req, struct response *res, const struct error *err)
{
	const struct error_class *class = error_class(err->code);
	int retry = problem_retry_after(err);

	problem_body(req, res, err, class);
	if (retry > 0)
		response_headerf(res, "Retry-After", "%d", retry);
	if (class->status == 401)
		response_headerf(res, "WWW-Authenticate", "Bearer realm=\"medianest\"%s",
		    req->authorization != NULL ? ", error=\"invalid_token\"" : "");
	problem_log(req, err, class);
}
