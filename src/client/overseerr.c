#include "client/overseerr.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "client/http_out.h"
#include "client/overseerr_read.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"

#include "core/banned.h"

#define BASE "/api/v1"
#define HEADERS_MAX 4
#define VERSION_MAX 64 /* bytes */

/* Statuses that mean something for one call only. */
#define STATUS_ACCEPTED 202
#define STATUS_FORBIDDEN 403
#define STATUS_CONFLICT 409

static enum answer_kind
no_overseerr(struct error *err, const char *method, const char *path, const char *why)
{
	error_slug(err, ERR_UPSTREAM, "overseerr_unknown",
	    "What responds at this address is not Overseerr or Seerr.");
	error_detail(err, "%s %s: %s", method, path, why);
	return ANSWER_UNKNOWN;
}

static bool
too_late(struct error *err)
{
	error_slug(err, ERR_UNAVAILABLE, "overseerr_unavailable",
	    "Overseerr is not available right now. Try again later.");
	return error_detail(err, "the deadline has passed");
}

/* One call as it ended. */
struct reply {
	int status;
	const struct cJSON *json; /* NULL: the body is no JSON object */
};

/* False: there is no response; the error says why. */
static bool
send(struct arena *arena, const struct overseerr *o, const char *method, const char *path,
    const char *body, struct reply *reply, struct error *err)
{
	const char *headers[HEADERS_MAX + 1] = { "Accept: application/json" };
	size_t base = strlen(o->url), n = 1;
	struct http_out out = { .method = method,
		.service = "overseerr",
		.headers = headers,
		.body = body,
		.body_len = body != NULL ? strlen(body) : 0,
		.timeout_ms = OVERSEERR_CALL_MS,
		.answer_max = OVERSEERR_ANSWER_MAX,
		.rules = o->rules };
	int64_t left =
	    o->deadline == 0 ? OVERSEERR_CALL_MS : (o->deadline - clock_monotonic()) / US_PER_MS;
	struct http_answer got;
	struct error ignored;

	headers[n++] = arena_printf(arena, "X-Api-Key: %s", o->key);
	if (o->user > 0)
		headers[n++] = arena_printf(arena, "X-API-User: %lld", (long long)o->user);
	if (out.body_len > 0)
		headers[n++] = "Content-Type: application/json";
	if (left <= 0)
		return too_late(err);
	if (left < out.timeout_ms)
		out.timeout_ms = (int)left;
	while (base > 0 && o->url[base - 1] == '/')
		base--;
	out.url = arena_printf(arena, "%.*s" BASE "%s", (int)base, o->url, path);
	if (!http_out(arena, &out, &got, err))
		return false;
	reply->status = got.status;
	reply->json = json_parse(arena, got.body, got.len, &ignored);
	if (!cJSON_IsObject(reply->json))
		reply->json = NULL;
	return true;
}

/* What a status other than 2xx means. Only Overseerr's own 404, which has a message, is absence. */
static enum answer_kind
refused(const struct reply *reply, const char *method, const char *path, struct error *err)
{
	bool own = json_str(reply->json, "message", json_str(reply->json, "error", NULL)) != NULL;

	if (reply->status == 404 && own)
		return ANSWER_ABSENT;
	if ((reply->status == 401 || reply->status == STATUS_FORBIDDEN) && own) {
		error_slug(err, ERR_UPSTREAM, "overseerr_unauthorized",
		    "Overseerr does not accept the key, or its owner may not do this.");
		error_detail(err, "%s %s: status %d", method, path, reply->status);
		return ANSWER_UNKNOWN;
	}
	if (reply->status < 500 && reply->status != 429 && !own)
		return no_overseerr(err, method, path, "an unexpected status");
	error_slug(err, ERR_UNAVAILABLE, "overseerr_unavailable",
	    "Overseerr responded with status %d. Try again later.", reply->status);
	error_detail(err, "%s %s: status %d", method, path, reply->status);
	return ANSWER_UNKNOWN;
}

static enum answer_kind
call(struct arena *arena, const struct overseerr *o, const char *method, const char *path,
    const struct cJSON **json, struct error *err)
{
	struct reply reply;

	if (!send(arena, o, method, path, str_eq(method, "POST") ? "" : NULL, &reply, err))
		return ANSWER_UNKNOWN;
	if (reply.status / 100 != 2)
		return refused(&reply, method, path, err);
	*json = reply.json;
	return ANSWER_PRESENT;
}

static enum answer_kind
get(struct arena *arena, const struct overseerr *o, const char *path, const struct cJSON **json,
    struct error *err)
{
	enum answer_kind kind = call(arena, o, "GET", path, json, err);

	return kind == ANSWER_PRESENT && *json == NULL ?
	    no_overseerr(err, "GET", path, "the answer is no JSON") :
	    kind;
}

/* For what is always there: that it is not found means that this is no Overseerr. */
static enum answer_kind
must(enum answer_kind kind, const char *path, struct error *err)
{
	return kind == ANSWER_ABSENT ? no_overseerr(err, "GET", path, "not found") : kind;
}

enum answer_kind
overseerr_status(struct arena *arena, const struct overseerr *o, const char **version,
    struct error *err)
{
	static const char path[] = "/status";
	const struct cJSON *json;

	if (must(get(arena, o, path, &json, err), path, err) != ANSWER_PRESENT)
		return ANSWER_UNKNOWN;
	if ((*version = json_str(json, "version", NULL)) == NULL)
		return no_overseerr(err, "GET", path, "an answer without version");
	*version = utf8_clean(arena, *version, strlen(*version), VERSION_MAX);
	return ANSWER_PRESENT;
}

static enum answer_kind
account_at(struct arena *arena, const struct overseerr *o, const char *path,
    struct overseerr_account *account, struct error *err)
{
	const struct cJSON *json;
	enum answer_kind kind = get(arena, o, path, &json, err);

	if (kind == ANSWER_PRESENT && !overseerr_read_account(arena, json, account))
		return no_overseerr(err, "GET", path, "an answer without id");
	return kind;
}

enum answer_kind
overseerr_me(struct arena *arena, const struct overseerr *o, struct overseerr_account *account,
    struct error *err)
{
	static const char path[] = "/auth/me";

	return must(account_at(arena, o, path, account, err), path, err);
}

enum answer_kind
overseerr_account(struct arena *arena, const struct overseerr *o, int64_t id,
    struct overseerr_account *account, struct error *err)
{
	return account_at(arena, o, arena_printf(arena, "/user/%lld", (long long)id), account, err);
}

/* The members of one page, read; false: one of them is nothing of the kind. */
typedef bool read_fn(struct arena *, const struct cJSON *, void *);

static bool
read_account(struct arena *arena, const struct cJSON *object, void *out)
{
	return overseerr_read_account(arena, object, out);
}

static bool
read_request(struct arena *arena, const struct cJSON *object, void *out)
{
	return overseerr_read_request(arena, object, out);
}

/* A list while it is read. */
struct listing {
	const struct overseerr *o;
	const char *path; /* with a query that take and skip are added to */
	read_fn *read;
	size_t size; /* of an element */
	int64_t seen, total;
	bool even; /* the total was the same on every page, and every element could be read */
};

/* One page; *n of its elements were given. */
static enum answer_kind
list_page(struct arena *arena, struct listing *l, struct overseerr_list *list, size_t *n,
    struct error *err)
{
	const char *path = arena_printf(arena, "%s&take=%d&skip=%lld", l->path, OVERSEERR_PAGE,
	    (long long)l->seen);
	const struct cJSON *json, *one, *results;
	char *items;
	int64_t total;
	size_t good = 0;

	*n = 0;
	if (must(get(arena, l->o, path, &json, err), path, err) != ANSWER_PRESENT)
		return ANSWER_UNKNOWN;
	results = json_get(json, "results");
	total = json_int(json_get(json, "pageInfo"), "results", -1);
	if (!cJSON_IsArray(results) || total < 0)
		return no_overseerr(err, "GET", path, "a list without results or pageInfo");
	l->even = l->even && (l->seen == 0 || total == l->total);
	l->total = total;
	items = arena_array(arena, (size_t)cJSON_GetArraySize(results) + 1, l->size);
	cJSON_ArrayForEach (one, results) {
		if (l->read(arena, one, items + good * l->size))
			good++;
		else
			l->even = false;
		(*n)++;
	}
	return list->page(list->context, arena, items, good, err) ? ANSWER_PRESENT : ANSWER_UNKNOWN;
}

/* Servers that ignore `take` give shorter pages, so each goes on where the last one ended. */
static enum answer_kind
list_all(struct arena *arena, struct listing *l, struct overseerr_list *list, struct error *err)
{
	enum answer_kind kind = ANSWER_PRESENT;
	struct arena page;
	size_t n;

	list->whole = false;
	l->even = true;
	do {
		arena_init(&page);
		kind = list_page(&page, l, list, &n, err);
		l->seen += (int64_t)n;
		arena_clear(&page);
	} while (kind == ANSWER_PRESENT && n > 0 && l->seen < l->total &&
	    l->seen < OVERSEERR_LIST_MAX);
	list->whole = kind == ANSWER_PRESENT && l->even && l->seen == l->total;
	return kind;
}

enum answer_kind
overseerr_accounts(struct arena *arena, const struct overseerr *o, struct overseerr_list *list,
    struct error *err)
{
	struct listing l = { .o = o,
		.path = "/user?sort=created",
		.read = read_account,
		.size = sizeof(struct overseerr_account) };

	return list_all(arena, &l, list, err);
}

enum answer_kind
overseerr_requests(struct arena *arena, const struct overseerr *o, int64_t of,
    struct overseerr_list *list, struct error *err)
{
	struct listing l = { .o = o,
		.path = of == 0 ?
		    "/request?filter=all&sort=added" :
		    arena_printf(arena, "/request?filter=all&sort=added&requestedBy=%lld",
			(long long)of),
		.read = read_request,
		.size = sizeof(struct overseerr_request) };

	return list_all(arena, &l, list, err);
}

enum answer_kind
overseerr_newest(struct arena *arena, const struct overseerr *o, struct overseerr_request *out,
    size_t max, size_t *n, struct error *err)
{
	const char *path =
	    arena_printf(arena, "/request?filter=all&sort=added&take=%zu&skip=0", max);
	const struct cJSON *json, *one, *results;

	*n = 0;
	if (must(get(arena, o, path, &json, err), path, err) != ANSWER_PRESENT)
		return ANSWER_UNKNOWN;
	results = json_get(json, "results");
	if (!cJSON_IsArray(results))
		return no_overseerr(err, "GET", path, "a list without results");
	cJSON_ArrayForEach (one, results) {
		if (*n == max)
			break;
		if (!overseerr_read_request(arena, one, &out[(*n)++]))
			return no_overseerr(err, "GET", path, "a request without id");
	}
	return ANSWER_PRESENT;
}

static enum answer_kind
request_of(struct arena *arena, enum answer_kind kind, const struct cJSON *json,
    struct overseerr_request *request, struct error *err)
{
	if (kind == ANSWER_PRESENT && !overseerr_read_request(arena, json, request))
		return no_overseerr(err, "request", "", "an answer without id");
	return kind;
}

enum answer_kind
overseerr_request(struct arena *arena, const struct overseerr *o, int64_t id,
    struct overseerr_request *request, struct error *err)
{
	const struct cJSON *json = NULL;
	enum answer_kind kind =
	    get(arena, o, arena_printf(arena, "/request/%lld", (long long)id), &json, err);

	return request_of(arena, kind, json, request, err);
}

enum answer_kind
overseerr_search(struct arena *arena, const struct overseerr *o, const char *query, int page,
    struct overseerr_titles *titles, struct error *err)
{
	const struct cJSON *json, *one, *results;
	struct buf path;

	buf_init(&path, arena, 0);
	buf_adds(&path, "/search?query=");
	url_encode(&path, query, strlen(query), false);
	buf_addf(&path, "&page=%d", page);
	if (must(get(arena, o, path.data, &json, err), "/search", err) != ANSWER_PRESENT)
		return ANSWER_UNKNOWN;
	results = json_get(json, "results");
	if (!cJSON_IsArray(results))
		return no_overseerr(err, "GET", "/search", "an answer without results");
	*titles = (struct overseerr_titles) { .page = json_int(json, "page", page),
		.pages = json_int(json, "totalPages", 0),
		.items = arena_array(arena, (size_t)cJSON_GetArraySize(results) + 1,
		    sizeof(*titles->items)) };
	/* People, and what is not known yet, are left out. */
	cJSON_ArrayForEach (one, results) {
		const char *type = json_str(one, "mediaType", "");

		if ((str_eq(type, "movie") || str_eq(type, "tv")) &&
		    overseerr_read_title(arena, one, type, &titles->items[titles->n]))
			titles->n++;
	}
	return ANSWER_PRESENT;
}

enum answer_kind
overseerr_title(struct arena *arena, const struct overseerr *o, const char *media_type,
    int64_t tmdb_id, struct overseerr_title *title, struct error *err)
{
	const char *path = arena_printf(arena, "/%s/%lld", media_type, (long long)tmdb_id);
	const struct cJSON *json;
	enum answer_kind kind = get(arena, o, path, &json, err);

	if (kind == ANSWER_PRESENT && !overseerr_read_title(arena, json, media_type, title))
		return no_overseerr(err, "GET", path, "an answer without title");
	return kind;
}

enum answer_kind
overseerr_details(struct arena *arena, const struct overseerr *o, const char *media_type,
    int64_t tmdb_id, struct overseerr_details *details, struct error *err)
{
	const char *path = arena_printf(arena, "/%s/%lld", media_type, (long long)tmdb_id);
	const struct cJSON *json;
	enum answer_kind kind = get(arena, o, path, &json, err);

	if (kind == ANSWER_PRESENT && !overseerr_read_details(arena, json, media_type, details))
		return no_overseerr(err, "GET", path, "an answer without title");
	return kind;
}

enum answer_kind
overseerr_has_4k(struct arena *arena, const struct overseerr *o, const char *media_type, bool *has,
    struct error *err)
{
	static const char path[] = "/settings/public";
	const struct cJSON *json;

	if (must(get(arena, o, path, &json, err), path, err) != ANSWER_PRESENT)
		return ANSWER_UNKNOWN;
	*has =
	    json_bool(json, str_eq(media_type, "tv") ? "series4kEnabled" : "movie4kEnabled", false);
	return ANSWER_PRESENT;
}

enum answer_kind
overseerr_quota(struct arena *arena, const struct overseerr *o, int64_t user,
    const char *media_type, struct overseerr_quota *quota, struct error *err)
{
	const char *path = arena_printf(arena, "/user/%lld/quota", (long long)user);
	const struct cJSON *json, *of;
	enum answer_kind kind = get(arena, o, path, &json, err);

	if (kind != ANSWER_PRESENT)
		return kind;
	of = json_get(json, media_type);
	*quota = (struct overseerr_quota) {
		.days = json_int(of, "days", 0),
		.limit = json_int(of, "limit", 0),
		.used = json_int(of, "used", 0),
		.remaining = json_int(of, "remaining", 0),
		.restricted = json_bool(of, "restricted", false),
	};
	return ANSWER_PRESENT;
}

static const char *
ask_body(struct arena *arena, const struct overseerr_ask *ask)
{
	struct json *j = json_new(arena, 0);

	json_object(j, NULL);
	json_put_str(j, "mediaType", ask->media_type);
	json_put_int(j, "mediaId", ask->tmdb_id);
	json_put_bool(j, "is4k", ask->is4k);
	if (str_eq(ask->media_type, "tv") && ask->nseasons == 0)
		json_put_str(j, "seasons", "all");
	if (ask->nseasons > 0) {
		json_array(j, "seasons");
		for (size_t i = 0; i < ask->nseasons; i++)
			json_put_int(j, NULL, ask->seasons[i]);
		json_array_end(j);
	}
	json_object_end(j);
	return j->buf.data;
}

enum overseerr_asked
overseerr_ask(struct arena *arena, const struct overseerr *o, const struct overseerr_ask *ask,
    struct overseerr_request *request, struct error *err)
{
	static const char path[] = "/request";
	struct reply reply;

	if (!send(arena, o, "POST", path, ask_body(arena, ask), &reply, err))
		return ASKED_UNKNOWN;
	if (reply.json == NULL) {
		no_overseerr(err, "POST", path, "the answer is no JSON");
		return ASKED_UNKNOWN;
	}
	switch (reply.status) {
	case STATUS_ACCEPTED: return ASKED_NO_SEASONS;
	case STATUS_FORBIDDEN: return ASKED_REFUSED;
	case STATUS_CONFLICT: return ASKED_DUPLICATE;
	default:
		if (reply.status / 100 == 2 && overseerr_read_request(arena, reply.json, request))
			return ASKED_TAKEN;
		if (refused(&reply, "POST", path, err) == ANSWER_ABSENT)
			no_overseerr(err, "POST", path, "not found");
		return ASKED_UNKNOWN;
	}
}

enum answer_kind
overseerr_decide(struct arena *arena, const struct overseerr *o, int64_t id, const char *what,
    struct overseerr_request *request, struct error *err)
{
	const char *path = arena_printf(arena, "/request/%lld/%s", (long long)id, what);
	const struct cJSON *json = NULL;
	enum answer_kind kind = call(arena, o, "POST", path, &json, err);

	return request_of(arena, kind, json, request, err);
}

enum answer_kind
overseerr_remove(struct arena *arena, const struct overseerr *o, int64_t id, struct error *err)
{
	const char *path = arena_printf(arena, "/request/%lld", (long long)id);
	const struct cJSON *json;

	return call(arena, o, "DELETE", path, &json, err);
}
