#include "fcgi-handlers/search.h"

#include <math.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "fcgi-handlers/media_view.h"
#include "http/input.h"
#include "http/request.h"
#include "http/response.h"
#include "http/route.h"
#include "service/gate/cache.h"
#include "service/catalogue/media.h"
#include "service/catalogue/search.h"
#include "service/catalogue/search_parse.h"

#include "core/banned.h"

#define SCORE_STEP 10000.0 /* scores have four digits */

static const struct field_rule search_input[] = {
	{ "q", FIELD_STRING, .max = SEARCH_QUERY_MAX },
	{ "kind", FIELD_ENUM, .choices = CHOICES(MEDIA_KIND_LIST) },
	{ "tag", FIELD_STRING, .min = 1, .max = MEDIA_TAG_MAX },
	{ "source", FIELD_ENUM, .choices = CHOICES(MEDIA_SOURCE_LIST) },
	{ "owner", FIELD_UUID, .flags = 0 },
	{ "yearFrom", FIELD_INT, .min = MEDIA_YEAR_MIN, .max = MEDIA_YEAR_MAX },
	{ "yearTo", FIELD_INT, .min = MEDIA_YEAR_MIN, .max = MEDIA_YEAR_MAX },
	{ "sort", FIELD_ENUM, .choices = "relevance|newest|title" },
	{ "scope", FIELD_ENUM, .choices = CHOICES(MEDIA_SCOPE_LIST) },
	{ "archived", FIELD_BOOL, .flags = 0 },
	THUMBNAILS_RULE,
	{ "page", FIELD_INT, .min = 1, .max = SEARCH_PAGES_MAX, .fallback = 1 },
	{ .name = NULL },
};

static const struct field_rule suggest_input[] = {
	{ "q", FIELD_STRING, .min = 1, .max = SEARCH_QUERY_MAX, .flags = FIELD_REQUIRED },
	{ "scope", FIELD_ENUM, .choices = CHOICES(MEDIA_SCOPE_LIST) },
	{ .name = NULL },
};

static void
hit_view(const struct request *req, struct json *j, const struct search_hit *hit, int64_t now)
{
	json_object(j, NULL);
	media_members(req, j, &hit->media, now);
	json_put_num(j, "score", round(hit->score * SCORE_STEP) / SCORE_STEP);
	json_put_strs(j, "matched", hit->matched, hit->nmatched);
	json_object_end(j);
}

static void
page_view(struct json *j, const struct search_result *r, int page)
{
	json_object(j, "page");
	json_put_int(j, "number", page);
	json_put_int(j, "size", SEARCH_PAGE);
	json_put_int(j, "total", r->total);
	json_put_bool(j, "totalIsExact", r->exact);
	json_object_end(j);
	json_object(j, "sources");
	for (size_t i = 0; i < r->nsources; i++)
		json_put_str(j, r->sources[i].name, search_state_name(r->sources[i].state));
	json_object_end(j);
}

static struct json *
result_view(const struct request *req, const struct search_result *r, int page, int64_t started,
    bool cached)
{
	struct json *j = json_new(req->arena, 0);
	int64_t now = clock_now();

	json_object(j, NULL);
	json_array(j, "items");
	for (size_t i = 0; i < r->n; i++)
		hit_view(req, j, &r->hits[i], now);
	json_array_end(j);
	page_view(j, r, page);
	if (page == 1) {
		json_array(j, "related");
		json_array_end(j);
	}
	json_opt_str(j, "didYouMean", r->did_you_mean);
	json_put_num(j, "tookMs", round((double)(clock_monotonic() - started) / 100.0) / 10.0);
	json_put_bool(j, "cached", cached);
	json_object_end(j);
	return j;
}

static enum search_sort
sort_parse(const char *name)
{
	if (str_eq(name, "newest"))
		return SEARCH_NEWEST;
	return str_eq(name, "title") ? SEARCH_TITLE : SEARCH_RELEVANCE;
}

/* GET /api/search. The response is cached with "cached":true in it; a partial one is not cached. */
static bool
search_get(const struct request *req, struct response *res, struct error *err)
{
	const struct input *in = req->input;
	struct search_request ask = { .q = input_str(in, "q"),
		.kind = input_str(in, "kind"),
		.tag = input_str(in, "tag"),
		.source = input_str(in, "source"),
		.owner = input_str(in, "owner"),
		.year_from = input_int(in, "yearFrom", 0),
		.year_to = input_int(in, "yearTo", 0),
		.sort = sort_parse(input_str(in, "sort")),
		.scope = media_scope_parse(input_str(in, "scope")),
		.archived = input_bool(in, "archived", false),
		.page = (int)input_int(in, "page", 1) };
	int64_t started = clock_monotonic();
	struct search_result result;
	struct json *kept;

	if (!search_run(req->call, &ask, &result, err))
		return false;
	kept = result_view(req, &result, ask.page, started, true);
	if (result.whole && !kept->buf.overflow)
		cache_store(req->call, req->admission, kept->buf.data, kept->buf.len);
	return response_json(res, 200, result_view(req, &result, ask.page, started, false), err);
}

/* GET /api/search/suggest */
static bool
suggest_get(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct search_suggestion *list;
	size_t n;

	if (!search_suggest(req->call, input_str(req->input, "q"),
		media_scope_parse(input_str(req->input, "scope")), &list, &n, err))
		return false;
	json_object(j, NULL);
	json_array(j, "items");
	for (size_t i = 0; i < n; i++) {
		json_object(j, NULL);
		json_put_str(j, "text", list[i].text);
		json_put_str(j, "kind", list[i].kind);
		json_opt_str(j, "mediaId", list[i].media_id);
		json_opt_str(j, "mediaKind", list[i].media_kind);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static const char *
search_cache_key(const struct request *req)
{
	return arena_printf(req->arena, "search?%s", req->query);
}

static const struct route routes[] = {
	{ METHOD_GET, "/api/search", search_get, AUTH_BEARER, PERM_MEDIA_READ, RATE_SEARCH,
	    BODY_NONE, search_input, search_cache_key },
	{ METHOD_GET, "/api/search/suggest", suggest_get, AUTH_BEARER, PERM_MEDIA_READ, RATE_MEDIA,
	    BODY_NONE, suggest_input },
	{ .path = NULL },
};

const struct route_module search_module = { "search", routes };
