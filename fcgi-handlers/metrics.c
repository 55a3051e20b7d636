#include "fcgi-handlers/metrics.h"

#include "core/error.h"
#include "core/str.h"
#include "fcgi-handlers/metrics_text.h"
#include "http/request.h"
#include "http/response.h"
#include "service/operator/facts.h"

#include "core/banned.h"

/* GET /api/metrics: for monitors. One statement in PostgreSQL; without it the rest is served. */
static bool
metrics_get(const struct request *req, struct response *res, struct error *err)
{
	const struct facts facts = facts_read(req->call);
	enum metrics_format format = metrics_format_of(request_env(req, "HTTP_ACCEPT"));
	struct buf text;

	buf_init(&text, req->arena, 0);
	metrics_text(&text, format, &facts);
	if (text.overflow)
		return error_set(err, ERR_INTERNAL, "There are too many metrics to send.");
	response_header(res, "Vary", "Accept");
	return response_text(res, metrics_content_type(format), text.data, text.len);
}

static const struct route metrics_routes[] = {
	{ METHOD_GET, "/api/metrics", metrics_get, AUTH_SCRAPER, PERM_SYSTEM_SETTINGS, RATE_TIER,
	    BODY_NONE, NULL },
	{ .path = NULL },
};

const struct route_module metrics_module = { "metrics", metrics_routes };
